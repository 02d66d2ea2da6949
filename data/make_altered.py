#!/usr/bin/env python3
"""Make the altered copies in data/altered/ from data/photos/: `python3 data/make_altered.py`. Needs Pillow."""

import pathlib

from PIL import Image, ImageEnhance

DATA = pathlib.Path(__file__).parent


def cropped(photo):
    """The middle 80 % of both sides."""
    width, height = photo.size
    return photo.crop((width // 10, height // 10, width - width // 10, height - height // 10))


def darkened(photo):
    """Every channel times 0.55."""
    return ImageEnhance.Brightness(photo).enhance(0.55)


def unchanged(photo):
    return photo


ALTERED = [
    ("butterfly/image_0004", cropped, 90),
    ("elephant/image_0002", cropped, 90),
    ("dolphin/image_0005", darkened, 90),
    ("sunflower/image_0003", darkened, 90),
    ("flamingo/image_0006", unchanged, 15),
    ("helicopter/image_0001", unchanged, 15),
]

for name, change, quality in ALTERED:
    how = "recompressed" if change is unchanged else change.__name__
    photo = change(Image.open(DATA / "photos" / f"{name}.jpg").convert("RGB"))
    photo.save(DATA / "altered" / f"{name.replace('/', '_')}_{how}.jpg", quality=quality)
