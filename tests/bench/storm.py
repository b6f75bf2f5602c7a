#!/usr/bin/env python3
"""Many machines that boot at once: storm.py tftp|http SERVER PORT FILE BYTES CLIENTS. Each client has an address of its own (10.9.1.0 and following),
asks at once with all others, and is done when it has the whole file. Prints failures, seconds, and those of the slowest client and of the median.
TFTP as pxelinux speaks it: blksize 1408, tsize, one block at a time, a block asked for again after a second."""
import os, resource, selectors, socket, struct, sys, time

KIND, SERVER, PORT, FILE, BYTES, CLIENTS = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6])
BLOCK, AGAIN, LIMIT = 1408, 1.0, 120
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


class Tftp:
    def __init__(self, own):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((own, 0))
        self.sock.setblocking(False)
        self.to, self.wanted, self.got, self.tries = (SERVER, PORT), 1, 0, 0
        self.send(b"\0\1" + FILE.encode() + b"\0octet\0tsize\0" + b"0\0blksize\0" + str(BLOCK).encode() + b"\0")

    def send(self, packet):
        self.last, self.due = packet, time.monotonic() + AGAIN
        self.sock.sendto(packet, self.to)

    def again(self):
        self.tries += 1
        self.send(self.last)

    def step(self):
        """True: whole. Raises where the server gives up."""
        packet, peer = self.sock.recvfrom(65536)
        kind, block = struct.unpack("!HH", packet[:4])
        if kind == 5:
            raise OSError(packet[4:].decode(errors="replace"))
        if self.to[1] == PORT:
            self.to = peer
        if kind == 6:
            self.send(b"\0\4\0\0")
        elif kind == 3 and block == self.wanted & 0xFFFF:
            self.got += len(packet) - 4
            self.wanted += 1
            self.send(struct.pack("!HH", 4, block))
            return len(packet) - 4 < BLOCK
        return False


class Http:
    def __init__(self, own):
        self.sock = socket.socket()
        self.sock.bind((own, 0))
        self.sock.setblocking(False)
        self.got, self.head, self.tries, self.due = 0, b"", 0, float("inf")
        self.sock.connect_ex((SERVER, PORT))
        self.asked = False

    def again(self):
        pass

    def step(self):
        block = self.sock.recv(1 << 18)
        if not block:
            raise OSError("closed after %d bytes" % self.got)
        if self.head is not None:
            self.head += block
            if b"\r\n\r\n" not in self.head:
                return False
            head, block = self.head.split(b"\r\n\r\n", 1)
            if b" 200 " not in head[:20]:
                raise OSError(head[:40].decode(errors="replace"))
            self.head = None
        self.got += len(block)
        return self.got >= BYTES

    def ask(self):
        self.asked = True
        self.sock.send(f"GET {FILE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def main():
    sel = selectors.DefaultSelector()
    begin = time.monotonic()
    alive, times, failures = set(), [], {}
    for i in range(CLIENTS):
        c = (Tftp if KIND == "tftp" else Http)(f"10.9.1.{i % 250}")
        sel.register(c.sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if KIND == "http" else 0), c)
        alive.add(c)
    end = begin + LIMIT

    def leave(c, why):
        sel.unregister(c.sock)
        c.sock.close()
        alive.discard(c)
        if why or c.got != BYTES:
            failures[why or f"{c.got} bytes"] = failures.get(why or f"{c.got} bytes", 0) + 1
        else:
            times.append(time.monotonic() - begin)

    while alive and time.monotonic() < end:
        for key, events in sel.select(0.1):
            c = key.data
            try:
                if events & selectors.EVENT_WRITE and not c.asked:
                    c.ask()
                    sel.modify(c.sock, selectors.EVENT_READ, c)
                if events & selectors.EVENT_READ and c.step():
                    leave(c, None)
            except BlockingIOError:
                pass
            except OSError as e:
                leave(c, str(e))
        now = time.monotonic()
        for c in [c for c in alive if c.due < now]:
            c.again()
    for c in list(alive):
        leave(c, "not done in time")
    times.sort()
    print(f"{len(times)} {CLIENTS - len(times)} {times[len(times) // 2] if times else 0:.2f} {times[-1] if times else 0:.2f}", *(f"{n}x {w}" for w, n in failures.items()))


main()
