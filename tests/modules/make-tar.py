#!/usr/bin/env python3
"""make-tar.py honest|hostile FILE: a tar with everything that a base system may carry, or one that wants out of the target."""
import io
import sys
import tarfile


def add(tar, name, kind=tarfile.REGTYPE, data=b"", **fields):
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.mtime = kind, len(data), 1000000000
    for key, value in fields.items():
        setattr(entry, key, value)
    tar.addfile(entry, io.BytesIO(data))


def honest(tar):
    acl = "user::rw-,user:1234:r--,group::r--,mask::r--,other::r--"
    # security.capability: version 2, CAP_NET_RAW permitted and effective
    capability = b"\x01\x00\x00\x02\x00\x20\x00\x00" + b"\x00" * 12
    add(tar, "./", tarfile.DIRTYPE, mode=0o755)
    add(tar, "./dir", tarfile.DIRTYPE, mode=0o2750, uid=12, gid=34)
    add(tar, "./dir/suid", data=b"suid", mode=0o4711, uid=0, gid=34)
    add(tar, "./dir/hard", tarfile.LNKTYPE, linkname="./dir/suid")
    add(tar, "./sbin", tarfile.DIRTYPE, mode=0o755)
    add(tar, "./sbin/init", data=b"init", mode=0o755)
    add(tar, "./link", tarfile.SYMTYPE, linkname="/dir/suid")
    add(tar, "./null", tarfile.CHRTYPE, mode=0o666, devmajor=1, devminor=3)
    add(tar, "./block", tarfile.BLKTYPE, mode=0o660, devmajor=7, devminor=200)
    add(tar, "./fifo", tarfile.FIFOTYPE, mode=0o600)
    add(tar, "./Főtanúsítvány", data=b"utf8", mode=0o644, uid=65534, gid=3000000000)
    add(tar, "./" + "long/" * 40 + "name", data=b"deep", mode=0o600)
    add(tar, "./noted", data=b"x", mode=0o644,
        pax_headers={"SCHILY.xattr.user.note": "hello", "SCHILY.acl.access": acl,
                     "SCHILY.xattr.security.capability": capability.decode("utf-8", "surrogateescape")})


def hostile(tar):
    add(tar, "./", tarfile.DIRTYPE, mode=0o755)
    add(tar, "./out", tarfile.SYMTYPE, linkname="../..")
    add(tar, "./out/escaped", data=b"x")


with tarfile.open(sys.argv[2], "w", format=tarfile.PAX_FORMAT) as archive:
    {"honest": honest, "hostile": hostile}[sys.argv[1]](archive)
