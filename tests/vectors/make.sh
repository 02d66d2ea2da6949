#!/usr/bin/env bash
# Makes the vault of the test vectors anew, with the program: tests/vectors/make.sh target/release/cipherlens
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")"
photos=$PWD/../../data/photos

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export HOME=$scratch CIPHERLENS_VAULT=$PWD/vault
echo "the first passphrase" > "$scratch/first"
run() { "$program" --passphrase-file "$scratch/passphrase" "$@"; }

mkdir -p "$scratch/photos/trip"
cp "$photos/butterfly/image_0009.jpg" "$scratch/photos/butterfly.jpg"
cp "$photos/butterfly/image_0009.jpg" "$scratch/photos/trip/the same.jpg"
cp "$photos/flamingo/image_0002.jpg" "$scratch/photos/trip/Über.jpg"
cp "$photos/flamingo/image_0007.jpg" "$scratch/photos/trip/flamingo.jpg"
cp "$photos/helicopter/image_0004.jpg" "$scratch/photos/helicopter.jpg"
cp "$photos/helicopter/image_0006.jpg" "$scratch/photos/removed.jpg"
cp "$photos/dolphin/image_0001.jpg" "$scratch/by itself.jpg"
find "$scratch/photos" "$scratch/by itself.jpg" -name '*.jpg' -exec touch --date=2024-05-06T07:08:09.123456789Z {} +

rm -rf vault
cp "$scratch/first" "$scratch/passphrase"
run init --argon2-memory-mib 19 --argon2-passes 1 vault
run add "$scratch/photos"
run add "$scratch/by itself.jpg"
removed=$(run list --jsonl | sed -n 's/.*"id":"\([0-9a-f]*\)".*"name":"removed.jpg".*/\1/p')
run remove --yes "$removed"
run passwd --new-passphrase-file passphrase --argon2-memory-mib 19 --argon2-passes 1
cp passphrase "$scratch/passphrase"
run check
rmdir vault/journals
