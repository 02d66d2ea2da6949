#!/usr/bin/env python3
"""Make the fixtures here with torch and torchvision: `python3 crates/features/tests/data/torchvision/make.py`.

`features.json` holds what torchvision's own resnet50 computes for crates/features/tests/data/golden/okapi.png with weights that anyone can
make again from a formula, so that no weights need to be kept. `few.pth` is a real torch file with three of its tensors, one of
them of the wrong shape.
"""

import json
import math
import pathlib

import numpy
import torch
import torchvision
from PIL import Image

HERE = pathlib.Path(__file__).parent


def formula(name, shape):
    """Numbers that 16-bit floats hold exactly, from the tensor's name and each number's position."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    z = numpy.arange(math.prod(shape), dtype=numpy.uint64) + numpy.uint64(seed)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    even = (z >> numpy.uint64(54)).astype(numpy.float32) / 1024 - 0.5
    if len(shape) == 4:
        inputs = math.prod(shape[1:])
        return (even * 2.0 ** round(math.log2(math.sqrt(24 / inputs)))).reshape(shape)
    if name.endswith("running_var") or name.endswith("weight"):
        return (even + 1).reshape(shape)
    return (even / 4).reshape(shape)


network = torchvision.models.resnet50(weights=None)
state = {
    name: torch.from_numpy(formula(name, tuple(tensor.shape))) if tensor.is_floating_point() else tensor
    for name, tensor in network.state_dict().items()
}
network.load_state_dict(state)
network.fc = torch.nn.Identity()
network.eval()
photo = numpy.asarray(Image.open(HERE.parent / "golden" / "okapi.png").convert("RGB"), dtype=numpy.float32) / 255
photo = (photo - numpy.float32([0.485, 0.456, 0.406])) / numpy.float32([0.229, 0.224, 0.225])
with torch.no_grad():
    features = network(torch.from_numpy(photo.transpose(2, 0, 1)[None]))[0]
features = (features / features.norm()).tolist()
(HERE / "features.json").write_text(json.dumps([float(f"{value:.7g}") for value in features]))

few = {name: state[name].half() for name in ("bn1.running_var", "conv1.weight")}
few["bn1.weight"] = torch.ones(32)
torch.save(few, HERE / "few.pth")
