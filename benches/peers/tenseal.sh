#!/usr/bin/env bash
# Encrypted cosine similarity with TenSEAL and with cipherlens on the same machine, one thread each.
# Usage: benches/peers/tenseal.sh   (needs python3 with venv, pip, a network, and cargo)
set -euo pipefail
cd "$(dirname "$0")/../.."
environment="${CIPHERLENS_PEERS_VENV:-target/peers-tenseal}"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet tenseal numpy
cargo build --release --quiet
OMP_NUM_THREADS=1 "$environment/bin/python" benches/peers/tenseal_cosine.py target/release/cipherlens
