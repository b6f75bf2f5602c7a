#!/usr/bin/env bash
# A small signed package repository for the VM tests, made from the distribution's own packages.
#
#	tests/vm/repo.sh FOLDER PACKAGE...
#
# Flat repository (suite "./") whose Release is signed by a key of its own; the public key is FOLDER/key.asc.
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
cd "$(dirname "$0")/../.."
. image/apt-private.sh
apt_update
cd "$folder"
rm -f ./*.deb
apt_private apt-get download "$@"
apt-ftparchive packages . >Packages
gzip -9kfn Packages
rm -f Release InRelease
apt-ftparchive -o APT::FTPArchive::Release::Origin=lucie-test -o APT::FTPArchive::Release::Suite=test release . >../Release.new
mv ../Release.new Release
home=$(mktemp -d)
trap 'gpgconf --homedir "$home" --kill all 2>/dev/null || true; rm -rf "$home"' EXIT
gpg --homedir "$home" --batch --quiet --passphrase '' --quick-generate-key 'lucie test repository' ed25519 sign never
gpg --homedir "$home" --batch --quiet --yes --armor --output key.asc --export
gpg --homedir "$home" --batch --quiet --yes --output InRelease --clearsign Release
