#!/usr/bin/env bash
# The encrypted scan next to plain scans of cipherlens, numpy and faiss, in turns on the same machine, one thread each.
# Usage: benches/peers/plain_scan.sh [ROUNDS [IMAGES [DIMENSION]]]   (needs python3 with venv, pip, a network, cargo)
set -euo pipefail
cd "$(dirname "$0")/../.."
environment="${CIPHERLENS_PEERS_VENV:-target/peers-plain-scan}"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet numpy faiss-cpu threadpoolctl
cargo build --release --locked --quiet
# numpy's OpenBLAS chooses its kernel for this processor, whatever the environment says for older versions.
exec env --unset=OPENBLAS_CORETYPE --unset=OPENBLAS_L2_SIZE OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
    "$environment/bin/python" benches/peers/plain_scan.py target/release/cipherlens "${1:-7}" "${2:-16384}" "${3:-512}"
