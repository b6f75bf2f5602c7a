#!/usr/bin/env python3
"""base-small.py IN OUT [modules]: a base without what no test of disks and boot loaders looks at (documentation, the database of
hardware, a job that looks after snapshots, and kernel modules other than of file systems, which the initrd brings where it needs them; with
"modules" those of disks, ciphers and TPMs stay, for an initrd that is made on the node), so that a machine without KVM unpacks and boots it in
less time; systemd waits longer for its devices, as the host may be busy. Reads and writes .tar.zst."""
import io
import re
import subprocess
import sys
import tarfile

KEPT = r"fs/(efivarfs|fat|nls)/|drivers/md/"
if sys.argv[3:] == ["modules"]:
    KEPT += r"|crypto/|arch/x86/crypto/|lib/|drivers/(block|virtio|char/tpm)/"
LEFT_OUT = re.compile(
    r"(\./)?usr/(share/(doc|man|info|locale|i18n|perl)/.|lib/udev/hwdb\.(bin|d/)|lib/x86_64-linux-gnu/(gconv|perl)"
    r"|lib/systemd/system/e2scrub.*"
    r"|lib/modules/[^/]*/kernel/(?!" + KEPT + r").*\.ko$)"
    r"|(\./)?(lib|etc)/systemd/system/.*e2scrub.*"
)

PATIENCE = b"[Manager]\nDefaultDeviceTimeoutSec=15min\nDefaultTimeoutStartSec=15min\n"

source = subprocess.Popen(["zstd", "-dc", sys.argv[1]], stdout=subprocess.PIPE)
with open(sys.argv[2], "wb") as out:
    packer = subprocess.Popen(["zstd", "-q", "-3"], stdin=subprocess.PIPE, stdout=out)
    with tarfile.open(fileobj=source.stdout, mode="r|") as tar, \
            tarfile.open(fileobj=packer.stdin, mode="w|", format=tarfile.PAX_FORMAT) as small:
        for entry in tar:
            if not LEFT_OUT.match(entry.name):
                small.addfile(entry, tar.extractfile(entry) if entry.isreg() else None)
        entry = tarfile.TarInfo("./etc/systemd/system.conf.d/patience.conf")
        entry.size = len(PATIENCE)
        small.addfile(entry, io.BytesIO(PATIENCE))
    packer.stdin.close()
sys.exit(source.wait() or packer.wait())
