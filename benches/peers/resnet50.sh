#!/usr/bin/env bash
# ResNet-50 features with ONNX Runtime, OpenVINO and cipherlens: the same weights, in turns on the same machine.
# Usage: benches/peers/resnet50.sh [ROUNDS]   (needs python3 with venv, pip, a network, and cargo)
set -euo pipefail
cd "$(dirname "$0")/../.."
environment="${CIPHERLENS_PEERS_VENV:-target/peers-resnet50}"
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet numpy onnx onnxruntime openvino safetensors
cargo build --release --quiet
"$environment/bin/python" benches/peers/resnet50_features.py target/release/cipherlens "${1:-7}"
