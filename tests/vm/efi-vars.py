#!/usr/bin/env python3
"""efi-vars.py FILE: the boot entries in a file of OVMF's variables, in the firmware's order, one a line: NUMBER KIND NAME, where KIND is
network, partition or other; then, behind a line "unordered", those that the order does not name. Reads the store itself (authenticated
variables, UEFI Platform Initialization), with no code of Lucie's."""
import struct
import sys

GLOBAL = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
AUTHENTICATED = bytes.fromhex("78 2c f3 aa 7b 94 9a 43 a1 80 2e 14 4e c3 77 92".replace(" ", ""))
ADDED = 0x3F  # the state of a variable that is there


def variables(data):
    at = data.index(AUTHENTICATED)
    end = at + struct.unpack_from("<I", data, at + 16)[0]
    at += 28
    while at + 60 <= end and data[at:at + 2] == b"\xaa\x55":
        state = data[at + 2]
        name, size = struct.unpack_from("<II", data, at + 36)
        body = at + 60
        if state == ADDED and data[at + 44:at + 60] == GLOBAL:
            yield data[body:body + name].decode("utf-16-le").rstrip("\0"), data[body + name:body + name + size]
        at = (body + name + size + 3) & ~3


def entry(option):
    text = option[6:]
    end = next(i for i in range(0, len(text), 2) if text[i:i + 2] == b"\0\0")
    path, length = text[end + 2:], struct.unpack_from("<H", option, 4)[0]
    kind, at = "other", 0
    while at + 4 <= length:
        node, size = (path[at], path[at + 1]), struct.unpack_from("<H", path, at + 2)[0]
        if node == (3, 11):
            kind = "network"
        elif node == (4, 1):
            kind = "partition"
        if node[0] == 0x7F or size < 4:
            break
        at += size
    return kind, text[:end].decode("utf-16-le")


found = dict(variables(open(sys.argv[1], "rb").read()))
order = ["Boot%04X" % n for (n,) in struct.iter_unpack("<H", found.get("BootOrder", b""))]
for name in order:
    print(name[4:], *entry(found[name]) if name in found else ("missing",))
print("unordered")
for name in sorted(found):
    if name.startswith("Boot") and len(name) == 8 and name not in order and name[4:] not in ("Next",):
        print(name[4:], *entry(found[name]))
