#!/usr/bin/env python3
"""What a disk with a volatile cache holds after a power cut, from QEMU's log of writes (blklogwrites, the format of dm-log-writes).

usage: replay.py LOG IMAGE SEED

Applies to IMAGE, which is the disk before, every write up to the last flush; of the writes behind it some, chosen by SEED, in part torn.
"""
import random
import struct
import sys

FLUSH, FUA, DISCARD = 1, 2, 4
SECTOR = 512


def entries(log):
    """(flags, byte offset, data) of every entry that is whole."""
    head = log.read(28)
    if not head:
        return  # it is made with the first write
    magic, _version, count, size = struct.unpack("<QQQI", head)
    assert magic == 0x6A736677736872, "no log of writes"
    at = size
    for _ in range(count):
        log.seek(at)
        head = log.read(32)
        if len(head) < 32:
            return
        sector, sectors, flags, _length = struct.unpack("<QQQQ", head)
        at += size
        data = b""
        if sectors and not flags & DISCARD:
            log.seek(at)
            data = log.read(sectors * size)
            at += sectors * size
            if len(data) < sectors * size:
                return
        yield flags, sector * size, data


def main():
    log_path, image_path, seed = sys.argv[1:]
    choose = random.Random(int(seed))
    kept = choose.choice([0.0, 0.3, 0.7, 0.95])
    writes, flushed, lost = [], 0, 0
    with open(log_path, "rb") as log:
        for flags, offset, data in entries(log):
            if flags & FLUSH:
                flushed = len(writes)
            if data:
                writes.append((bool(flags & FUA), offset, data))
    with open(image_path, "r+b") as image:
        for n, (durable, offset, data) in enumerate(writes):
            if n >= flushed and not durable:
                if choose.random() >= kept:
                    lost += 1
                    continue
                if choose.random() < 0.2:
                    data = data[: choose.randrange(len(data) // SECTOR + 1) * SECTOR]
            image.seek(offset)
            image.write(data)
    print(f"{len(writes)} writes, {len(writes) - flushed} of them not flushed, {lost} lost")


if __name__ == "__main__":
    main()
