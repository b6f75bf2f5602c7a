#!/usr/bin/env python3
"""`lucie watch` of a state directory (verbs.sh) on a terminal of its own, and on none.

board.py LUCIE STATE: on a pty it draws frames that keep to its size, obeys keys, and gives the terminal back as it was, however it
ends; in a pipe it prints a line for each change.
"""
import fcntl, os, pty, re, signal, struct, subprocess, sys, termios, time

lucie, state = sys.argv[1:3]
LEAVE = b"\x1b[?25h\x1b[?1049l"


class Board:
    """One run on a terminal of 80x24."""

    def __init__(self, rows=24, columns=80, **env):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.text = b""
        env = {"TERM": "xterm", "PATH": os.environ["PATH"], **env}
        self.process = subprocess.Popen([lucie, "watch", "--state", state], stdin=self.slave, stdout=self.slave, env=env,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.set_blocking(self.master, False)
        self.wait_for(b"q: end")

    def resize(self, rows, columns):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, words):
        """Reads until the words come after what was read before; the bound is for a machine that is very busy."""
        seen, end = len(self.text), time.monotonic() + 60
        while words not in self.text[seen:]:
            assert time.monotonic() < end, f"never showed {words!r} after {self.text[:seen]!r}, but {self.text[seen:]!r}"
            try:
                self.text += os.read(self.master, 65536)
            except BlockingIOError:
                time.sleep(0.02)

    def ends(self, code):
        self.wait_for(LEAVE)
        assert self.process.wait(60) == code, f"ended with {self.process.returncode}, expected {code}"
        assert termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was"
        os.close(self.master)
        os.close(self.slave)

    def frames(self):
        """Every frame as its lines, without attributes."""
        text = re.sub(rb"\x1b\[[0-9;]*m|\x1b\[K|\x1b\[\?[0-9]+[hl]|\x1b\[2J|\r", b"", self.text)
        return [f.split(b"\x1b[J")[0].split(b"\n") for f in text.split(b"\x1b[H")[1:]]


board = Board()
board.wait_for(b"q: end")
for frame in board.frames():
    assert len(frame) == 24 and all(len(line) < 80 for line in frame), frame
    assert not re.search(rb"[\x00-\x1f\x7f]", b"".join(frame)), f"a node speaks to the terminal: {frame}"
assert frame[0].startswith(b"2 nodes  1 failed  1 installed"), frame
assert frame[2].startswith(b"n1   failed     partition"), frame
assert frame[3].startswith(b"n2   installed"), frame
board.resize(4, 40)
board.wait_for(b"1-1 of 2")
os.write(board.master, b"\x1b[B")
board.wait_for(b"2-2 of 2")
os.write(board.master, b"\x1b[")  # a key that comes in two pieces
os.write(board.master, b"H")
board.wait_for(b"1-1 of 2")
assert all(len(line) < 40 for line in board.frames()[-2]), board.frames()[-2]
os.write(board.master, b"q")
board.ends(0)

for sig in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
    board = Board()
    board.process.send_signal(sig)
    board.ends(-sig)

board = Board()
assert b"\x1b[1;31mfailed" in board.text, "no colours"
os.write(board.master, b"\x03")
board.ends(-signal.SIGINT)
board = Board(NO_COLOR="1")
assert b"\x1b[1;31m" not in board.text, "colours in spite of NO_COLOR"
os.write(board.master, b"xyz\x1bq")
board.ends(0)

# A node that setup takes out, and adds again, while the board is shown.
board = Board(5, 80)
with open(f"{state}/definition") as f:
    whole = f.read()


def write_definition(text):
    with open(f"{state}/definition.new", "w") as f:
        f.write(text)
    os.rename(f"{state}/definition.new", os.path.realpath(f"{state}/definition"))


write_definition(re.sub(r"define host\{\n[^}]*host_name\s+n2\n[^}]*\}\n", "", whole))
board.wait_for(b"1 node  1 failed")
write_definition(whole)
board.wait_for(b"2 nodes  1 failed  1 installed")
os.write(board.master, b"q")
board.ends(0)

lines = subprocess.Popen([lucie, "watch", "--state", state], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
first = [lines.stdout.readline() for i in range(2)]
lines.terminate()
lines.wait()
assert re.fullmatch(r"[-0-9]+ [:0-9]+  n1  failed      partition     foreign\?\[2J data on /dev/vda\n", first[0]), first
assert re.fullmatch(r"[-0-9]+ [:0-9]+  n2  installed\n", first[1]), first
