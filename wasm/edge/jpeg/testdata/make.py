#!/usr/bin/python3
"""Writes progressive JPEG files with Debian's python3-pil and python3-numpy:

    /usr/bin/python3 make.py

libjpeg's script for them has all kinds of scans: interleaved DC, its refinement,
bands of AC coefficients with runs of empty blocks, and two refinements of those.
"""
import numpy
from PIL import Image

random = numpy.random.default_rng(1)


def scene(width, height, noise):
    """Flat areas, where runs are long, beside texture."""
    y, x = numpy.mgrid[0:height, 0:width]
    base = numpy.stack([x * 255 / width, y * 255 / height, 128 + 100 * numpy.sin(x / 9 + y / 5)], -1)
    base[(x - width / 2) ** 2 + (y - height / 2) ** 2 < (min(width, height) / 3) ** 2] = (200, 40, 30)
    texture = random.normal(0, noise, base.shape) * (x > width / 2)[..., None]
    return Image.fromarray(numpy.clip(base + texture, 0, 255).astype(numpy.uint8))


for width, height in ((8, 8), (17, 33), (45, 37), (160, 90)):
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        for quality, noise in ((35, 0), (92, 25)):
            scene(width, height, noise).save(f"{name}_{width}x{height}_{quality}.jpg", quality=quality, subsampling=sampling, progressive=True)
scene(70, 50, 20).convert("L").save("grey_70x50.jpg", quality=85, progressive=True)
scene(640, 480, 15).save("420_640x480_80.jpg", quality=80, subsampling=2, progressive=True)
