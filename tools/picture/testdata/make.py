#!/usr/bin/python3
"""Writes small pictures of every kind, and as PNG what Pillow decodes them to.

Run in this directory with Debian's python3-pil:

    /usr/bin/python3 make.py

Pillow decodes JPEG with libjpeg-turbo and WebP with libwebp, as the browsers do.
"""
import io
import math
import struct
from PIL import Image, ImageOps


def scene(w, h, mode="RGB"):
    """Smooth colours with hard edges, where chroma upsampling shows."""
    img = Image.new(mode, (w, h))
    for y in range(h):
        for x in range(w):
            r = int(127 + 127 * math.sin(x / 5 + y / 11))
            g = int(255 * y / h)
            b = 255 if (x // 6 + y // 7) % 2 else 20
            if (x - w / 2) ** 2 + (y - h / 3) ** 2 < (min(w, h) / 4) ** 2:
                r, g, b = 230, 30, 40
            img.putpixel((x, y), (r, g, b, min(255, 8 * x))[: len(mode)])
    return img


def exif(orientation, big_endian):
    """A directory of three entries with Orientation in the middle."""
    e = ">" if big_endian else "<"
    entries = [(0x0100, 4, 1, 33), (0x0112, 3, 1, orientation), (0x011A, 5, 1, 0)]
    out = (b"MM\x00*" if big_endian else b"II*\x00") + struct.pack(e + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack(e + "HHI", tag, kind, count)
        out += struct.pack(e + "HH", value, 0) if kind == 3 else struct.pack(e + "I", value)
    return out + struct.pack(e + "I", 0)


def save(name, img, **options):
    img.save(name, **options)
    ref = ImageOps.exif_transpose(Image.open(name))
    ref = ref.convert("RGBA" if ref.mode in ("RGBA", "LA", "P") else "RGB")
    ref.save(name + ".ref.png", exif=b"", optimize=True)


for w, h in ((45, 37), (32, 24), (5, 3), (4, 5), (1, 1)):
    for ratio, sub in (("444", 0), ("422", 1), ("420", 2)):
        save(f"{ratio}_{w}x{h}.jpg", scene(w, h), quality=85, subsampling=sub)
    save(f"lossy_{w}x{h}.webp", scene(w, h), quality=70)
save("progressive.jpg", scene(45, 37), quality=80, progressive=True)
save("grey.jpg", scene(45, 37).convert("L"), quality=85)
save("cmyk.jpg", scene(45, 37).convert("CMYK"), quality=85)
save("lossless.webp", scene(45, 37, "RGBA"), lossless=True, exact=True)
save("alpha.webp", scene(45, 37, "RGBA"), quality=70, exact=True)
save("rgba.png", scene(45, 37, "RGBA"))
save("rgb.png", scene(45, 37))
save("grey.png", scene(45, 37).convert("L"))
save("palette.png", scene(45, 37).quantize(16), transparency=3)
save("palette.gif", scene(45, 37).quantize(16))
scene(45, 37).quantize(8).save("animated.gif", save_all=True, append_images=[Image.new("P", (45, 37))], duration=40)
Image.open("animated.gif").convert("RGB").save("animated.gif.ref.png", optimize=True)
for o in range(1, 9):
    data = exif(o, o % 2)
    save(f"orientation_{o}.jpg", scene(20, 12), quality=90, subsampling=0, exif=b"Exif\0\0" + data)
save("orientation_6.png", scene(20, 12), exif=exif(6, True))
save("orientation_8.webp", scene(20, 12), lossless=True, exif=exif(8, False))
