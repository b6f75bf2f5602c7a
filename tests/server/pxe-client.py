#!/usr/bin/env python3
"""A network card's PXE ROM, as far as DHCP goes: asks for an address and a loader, says who offered what.

    pxe-client.py INTERFACE MAC ARCH        ARCH: 0 BIOS, 7 UEFI

Prints "address A from SERVER" and "loader FILE from SERVER"; waits 10 s at most for each.
"""
import random
import socket
import struct
import sys
import time

interface, mac, arch = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), int(sys.argv[3])
xid = random.getrandbits(32)


def packet(kind, options=b"", address="0.0.0.0"):
    head = struct.pack("!BBBBIHH4s4s4s4s16s64s128s4s", 1, 1, 6, 0, xid, 0, 0x8000, socket.inet_aton(address), b"", b"", b"", mac, b"", b"", b"\x63\x82\x53\x63")
    return head + bytes([53, 1, kind, 60, 9]) + b"PXEClient" + bytes([93, 2, 0, arch, 94, 3, 1, 3, 16, 97, 17, 0]) + mac * 2 + bytes(4) + options + b"\xff"


def parse(data):
    options, i = {}, 240
    while i < len(data) and data[i] != 255:
        if data[i] == 0:
            i += 1
            continue
        options[data[i]] = data[i + 2 : i + 2 + data[i + 1]]
        i += 2 + data[i + 1]
    loader = options.get(67, data[108:236].split(b"\0")[0]).rstrip(b"\0").decode()
    return socket.inet_ntoa(data[16:20]), loader, options


def first_item(options):
    """The type of the menu's first entry (PXE: option 43, menu 9)."""
    vendor, i = options.get(43, b""), 0
    while i + 1 < len(vendor) and vendor[i] != 255:
        if vendor[i] == 9:
            return vendor[i + 2 : i + 4]
        i += 2 + vendor[i + 1]
    return None


s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
s.bind(("0.0.0.0", 68))
s.settimeout(1)
address = proxy = loader = None
end = time.time() + 10
while time.time() < end and not (address and proxy):
    s.sendto(packet(1), ("255.255.255.255", 67))
    until = time.time() + 1
    while time.time() < until:
        try:
            data, peer = s.recvfrom(2000)
        except socket.timeout:
            break
        got, loader, options = parse(data)
        if got != "0.0.0.0":
            address = address or (got, peer[0])
        elif options.get(60, b"").startswith(b"PXEClient"):
            proxy, item = (loader, peer[0]), first_item(options)
if address:
    print(f"address {address[0]} from {address[1]}")
if not proxy:
    sys.exit("no offer of a loader")
# The first item of the menu, where there is one, from the boot server's own port.
end = time.time() + 10
while time.time() < end and not proxy[0]:
    choice = bytes([43, 7, 71, 4]) + item + bytes([0, 0, 255]) if item else b""
    s.sendto(packet(3, choice, address[0] if address else "0.0.0.0"), (proxy[1], 4011))
    try:
        data, peer = s.recvfrom(2000)
    except socket.timeout:
        continue
    if parse(data)[1]:
        proxy = (parse(data)[1], peer[0])
print(f"loader {proxy[0]} from {proxy[1]}")
