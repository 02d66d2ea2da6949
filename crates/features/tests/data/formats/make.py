#!/usr/bin/env python3
"""Make the photos here that the `image` crate cannot write: `python3 crates/features/tests/data/formats/make.py`. Needs Pillow.

Each shows the same scene: red, green, blue and grey quadrants, from the top left by rows.
"""

import io
import pathlib

from PIL import Image

HERE = pathlib.Path(__file__).parent
QUADRANTS = [(200, 30, 40), (30, 180, 60), (40, 60, 190), (128, 128, 128)]


def scene(width, height, mode="RGB", colours=QUADRANTS):
    image = Image.new(mode, (width, height))
    for index, colour in enumerate(colours):
        left, top = index % 2 * width // 2, index // 2 * height // 2
        image.paste(colour, (left, top, left + width // 2, top + height // 2))
    return image


def inks():
    """The scene in cyan, magenta, yellow and black, black taking what the three have in common."""
    for red, green, blue in QUADRANTS:
        light = max(red, green, blue)
        yield (*(round(255 - 255 * channel / light) for channel in (red, green, blue)), 255 - light)


def ycck(width, height):
    """With transform 2 Adobe stores luma and chroma of the three colours' inks, and black inverted."""
    stored = []
    for *colours, black in inks():
        luma = Image.new("RGB", (1, 1), tuple(colours)).convert("YCbCr").getpixel((0, 0))
        # Pillow inverts all it is given, but luma and chroma are to be stored as they are.
        stored.append((*(255 - channel for channel in luma), black))
    file = io.BytesIO()
    scene(width, height, "CMYK", stored).save(file, "JPEG", quality=90)
    data = bytearray(file.getvalue())
    marker = data.index(b"Adobe")
    assert data[marker + 11] == 0, "Pillow no longer writes the transform here"
    data[marker + 11] = 2
    return bytes(data)


scene(64, 48).save(HERE / "progressive.jpg", quality=90, progressive=True)
scene(1280, 1024).save(HERE / "large_progressive.jpg", quality=60, progressive=True)
scene(64, 48).convert("P", palette=Image.Palette.ADAPTIVE).save(HERE / "palette.png")
scene(64, 48).convert("P", palette=Image.Palette.ADAPTIVE).save(HERE / "palette.bmp")
scene(64, 48, "CMYK", list(inks())).save(HERE / "cmyk.jpg", quality=90)
scene(1280, 1024, "CMYK", list(inks())).save(HERE / "large_cmyk.jpg", quality=60)
(HERE / "ycck.jpg").write_bytes(ycck(64, 48))
(HERE / "large_ycck.jpg").write_bytes(ycck(1280, 1024))
scene(64, 48, "CMYK", list(inks())).save(HERE / "cmyk.tiff", compression="tiff_lzw")
# Stored lying on its side, to be turned a quarter clockwise.
scene(64, 48).transpose(Image.Transpose.ROTATE_90).save(HERE / "orientation_6.tiff", tiffinfo={274: 6})
frames = [scene(64, 48), Image.new("RGB", (64, 48), (255, 255, 255))]
frames[0].save(HERE / "animated.gif", save_all=True, append_images=frames[1:], duration=100)
scene(64, 48).save(HERE / "lossy.webp", quality=90)
