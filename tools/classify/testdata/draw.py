"""Draws the pictures that tests classify: scenes, portraits, drawings, text and
patterns in sizes and shapes that exercise resizing. PNG, so that every decoder
gives the same pixels; street.jpg and street_rotated.jpg (EXIF orientation 6) are
for the command line.

Run from anywhere: python3 draw.py
Made with numpy 1.24.2, Pillow 9.4.0 (Debian 12's packages).
"""

import pathlib

import numpy as np
from PIL import Image, ImageDraw

HERE = pathlib.Path(__file__).parent


class Canvas:
    """A picture in float colour 0..255 on which soft-edged shapes are laid."""

    def __init__(self, width, height, top, bottom=None):
        self.y, self.x = np.mgrid[0:height, 0:width].astype(np.float64) + 0.5
        t = (self.y / height)[..., None]
        self.pixels = np.array(top, float) * (1 - t) + np.array(bottom or top, float) * t

    def lay(self, distance, colour, soft=1.0):
        """Covers where distance < 0 with a colour or a [H][W][3] array."""
        a = np.clip(0.5 - distance / soft, 0, 1)[..., None]
        self.pixels = self.pixels * (1 - a) + np.asarray(colour, float) * a

    def disc(self, cx, cy, rx, ry=None, turn=0.0):
        """Distance to an ellipse, roughly in pixels."""
        ry = ry or rx
        c, s = np.cos(turn), np.sin(turn)
        u, v = (self.x - cx) * c + (self.y - cy) * s, (self.y - cy) * c - (self.x - cx) * s
        return (np.hypot(u / rx, v / ry) - 1) * min(rx, ry)

    def box(self, x0, y0, x1, y1):
        return np.maximum(np.maximum(x0 - self.x, self.x - x1), np.maximum(y0 - self.y, self.y - y1))

    def below(self, line):
        return line - self.y

    def shaded(self, cx, cy, r, light, dark):
        """Colours of a ball lit from the upper left."""
        u, v = (self.x - cx) / r, (self.y - cy) / r
        lit = np.clip(0.55 - 0.45 * (u + v), 0, 1)[..., None]
        return np.array(dark, float) * (1 - lit) + np.array(light, float) * lit

    def image(self, grain=0.0, seed=0):
        noise = np.random.default_rng(seed).normal(0, grain, self.pixels.shape[:2] + (1,)) if grain else 0
        return Image.fromarray(np.clip(np.rint(self.pixels + noise), 0, 255).astype(np.uint8))


def sunset():
    c = Canvas(330, 220, (38, 52, 110), (250, 170, 90))
    c.lay(c.disc(215, 120, 26), (255, 236, 170), 14)
    for i, (base, height, colour) in enumerate([(135, 24, (120, 84, 110)), (152, 18, (84, 58, 84)), (172, 12, (40, 32, 52))]):
        c.lay(c.below(base - height * np.sin(c.x / (31 + 13 * i) + i) - 5 * np.sin(c.x / 9.0 + 2 * i)), colour, 2)
    c.lay(c.below(190 + 0 * c.x), np.stack([120 + 60 * np.sin(c.y * 0.9 + np.sin(c.x / 17)), 90 + 0 * c.x, 100 + 0 * c.x], -1))
    return c.image(1.5, 1)


def face(c, cx, cy, r, skin, hair, eye, long_hair):
    if long_hair:
        c.lay(c.disc(cx, cy + 0.25 * r, 1.15 * r, 1.55 * r), hair)
    c.lay(c.box(cx - 0.32 * r, cy, cx + 0.32 * r, cy + 1.7 * r), np.array(skin) * 0.9)
    c.lay(c.disc(cx, cy + 2.6 * r, 1.6 * r, 1.1 * r), np.array(skin) * 0.97)
    c.lay(c.disc(cx, cy, 0.85 * r, 1.08 * r), c.shaded(cx, cy, r, np.array(skin) * 1.06, np.array(skin) * 0.82), 1.5)
    hairline = np.maximum(c.disc(cx, cy - 0.25 * r, 0.95 * r), c.y - (cy - 0.45 * r + 0.12 * r * np.sin(c.x / r * 9)))
    c.lay(hairline, hair)
    for side in (-1, 1):
        x = cx + side * 0.36 * r
        c.lay(c.disc(x, cy, 0.2 * r, 0.13 * r), (252, 252, 252))
        c.lay(c.disc(x, cy, 0.1 * r, 0.12 * r), eye)
        c.lay(c.disc(x - 0.03 * r, cy - 0.04 * r, 0.035 * r), (255, 255, 255))
        c.lay(np.abs(c.disc(x, cy - 0.05 * r, 0.26 * r, 0.26 * r)) - 0.03 * r + 9 * (c.y > cy - 0.18 * r), np.array(hair) * 0.7)
        c.lay(c.disc(cx + side * 0.5 * r, cy + 0.38 * r, 0.16 * r), (236, 150, 140), 0.35 * r)
    c.lay(np.abs(c.disc(cx, cy + 0.26 * r, 0.08 * r)) - 0.015 * r + 9 * (c.y < cy + 0.28 * r), np.array(skin) * 0.6)
    c.lay(c.disc(cx, cy + 0.62 * r, 0.26 * r, 0.08 * r), (186, 62, 70))


def portrait():
    c = Canvas(199, 267, (190, 206, 216), (120, 140, 156))
    face(c, 100, 108, 62, (232, 186, 156), (72, 44, 28), (60, 90, 60), True)
    return c.image(2.0, 2)


def manga():
    c = Canvas(260, 260, (255, 214, 228), (255, 244, 250))
    face(c, 130, 110, 74, (255, 224, 206), (236, 110, 170), (90, 60, 200), True)
    for side in (-1, 1):
        c.lay(c.disc(130 + side * 27, 112, 17, 24), (70, 40, 150))
        c.lay(c.disc(130 + side * 27 - 5, 104, 6, 8), (255, 255, 255))
    return c.image()


def city():
    c = Canvas(400, 150, (24, 28, 60), (90, 70, 110))
    rng = np.random.default_rng(3)
    x = 0
    while x < 400:
        w, h = int(rng.integers(18, 46)), int(rng.integers(30, 120))
        c.lay(c.box(x, 150 - h, x + w - 2, 150), tuple(rng.integers(16, 60, 3)), 0.5)
        for wy in range(150 - h + 6, 144, 9):
            for wx in range(x + 4, x + w - 6, 7):
                if rng.random() < 0.55:
                    c.lay(c.box(wx, wy, wx + 4, wy + 5), (250, 214 + rng.integers(0, 30), 120), 0.5)
        x += w
    return c.image()


def lighthouse():
    c = Canvas(118, 355, (120, 180, 236), (222, 238, 250))
    for i, (x, y) in enumerate([(24, 60), (88, 110), (40, 150)]):
        c.lay(np.minimum(c.disc(x, y, 18, 9), c.disc(x + 14, y + 4, 16, 8)), (255, 255, 255), 8 + i)
    half = 14 + (c.y - 130) * 0.07
    c.lay(np.maximum(np.abs(c.x - 60) - half, np.maximum(130 - c.y, c.y - 300)), np.where((np.floor(c.y / 28) % 2 == 0)[..., None], (204, 40, 44), (246, 246, 240)))
    c.lay(c.box(48, 104, 72, 130), (250, 240, 150))
    c.lay(np.maximum(104 - 26 + np.abs(c.x - 60) * 1.6 - c.y, c.y - 104), (130, 30, 34))
    c.lay(c.below(298 + 6 * np.sin(c.x / 11)), (80, 110, 74))
    return c.image(1.2, 4)


def letter():
    im = Image.new("RGB", (300, 212), (250, 248, 240))
    d = ImageDraw.Draw(im)
    lines = ["GLANCE", "", "A photograph says at once what", "a page of words cannot: where we", "were, what the light was like,",
             "and who stood next to whom.", "", "0123456789  !?&%  (a+b)*c = 42", "the quick brown fox jumps over", "the lazy dog; jackdaws love my", "big sphinx of quartz."]
    for i, line in enumerate(lines):
        d.text((24, 18 + 16 * i), line, fill=(40, 36, 44))
    d.rectangle((16, 10, 283, 201), outline=(150, 40, 40))
    d.line((220, 150, 276, 196), fill=(30, 60, 160), width=3)
    return im


def rings():
    y, x = np.mgrid[0:173, 0:181].astype(float)
    r = np.hypot(x - 90, y - 86)
    wave = 127.5 + 127.5 * np.cos(r * r / 90)
    check = 255 * ((x // 3 + y // 3) % 2)
    return Image.fromarray(np.stack([np.rint(wave), np.where(x < 90, wave, check), check], -1).astype(np.uint8))


def balls():
    c = Canvas(181, 240, (90, 90, 90), (200, 200, 200))
    for cx, cy, r in [(60, 90, 42), (126, 130, 34), (80, 186, 28)]:
        c.lay(c.disc(cx + r * 0.5, cy + r * 0.8, r, r * 0.4), (50, 50, 50), 16)
        c.lay(c.disc(cx, cy, r), c.shaded(cx, cy, r, (250, 250, 250), (30, 30, 30)))
    return c.image(2.0, 5).convert("L")


def comic():
    im = Image.new("RGB", (1600, 1200), (255, 228, 92))
    d = ImageDraw.Draw(im)
    for y in range(0, 1200, 48):
        for x in range(0, 1600, 48):
            d.ellipse((x, y, x + 22, y + 22), fill=(250, 180, 60))
    d.polygon([(800, 90), (960, 420), (1420, 300), (1120, 640), (1500, 980), (980, 860), (800, 1120), (640, 840), (120, 1010), (470, 640), (170, 260), (650, 420)], fill=(220, 40, 50), outline=(0, 0, 0))
    d.ellipse((520, 420, 1080, 860), fill=(255, 255, 255), outline=(0, 0, 0), width=14)
    for x in (680, 900):
        d.ellipse((x, 540, x + 70, 650), fill=(0, 0, 0))
    d.arc((640, 560, 980, 800), 20, 160, fill=(0, 0, 0), width=18)
    return im.resize((400, 300), Image.LANCZOS).quantize(48, dither=Image.Dither.NONE)


def mosaic():
    rng = np.random.default_rng(6)
    small = rng.integers(0, 256, (8, 6, 3)).astype(np.uint8)
    im = np.asarray(Image.fromarray(small).resize((48, 64), Image.BICUBIC), float)
    return Image.fromarray(np.clip(im + rng.normal(0, 20, im.shape), 0, 255).astype(np.uint8))


def icon():
    c = Canvas(33, 47, (20, 120, 90), (10, 60, 80))
    c.lay(c.disc(16, 20, 11), (250, 250, 120))
    c.lay(c.box(6, 34, 27, 40), (255, 255, 255))
    return c.image()


def poster():
    c = Canvas(1020, 681, (240, 236, 224))
    for i in range(9):
        a = i * 0.7
        c.lay(c.disc(510 + 230 * np.cos(a), 340 + 190 * np.sin(a), 150 - 9 * i, 90, a), ((37 * i + 30) % 256, (91 * i + 60) % 256, (53 * i + 140) % 256))
    c.lay(np.abs(c.box(60, 60, 960, 621)) - 6, (30, 30, 30))
    return c.image()


def flower():
    c = Canvas(224, 224, (60, 110, 50), (30, 70, 34))
    c.lay(c.box(108, 120, 115, 224), (60, 150, 60))
    for i in range(11):
        a = i * 2 * np.pi / 11
        c.lay(c.disc(112 + 46 * np.cos(a), 96 + 46 * np.sin(a), 40, 15, a), (246 - 6 * (i % 3), 226 - 16 * (i % 2), 236), 1.5)
    c.lay(c.disc(112, 96, 24), c.shaded(112, 96, 24, (255, 214, 70), (200, 130, 20)))
    return c.image(2.0, 7)


def dunes():
    """Warm skin tones without a subject."""
    c = Canvas(300, 190, (240, 214, 190), (214, 160, 124))
    for i, (level, colour) in enumerate([(84, (232, 188, 152)), (112, (220, 170, 134)), (146, (236, 194, 160))]):
        ridge = level + 16 * np.sin(c.x / (58 + 9 * i) + 2.2 * i) + 5 * np.sin(c.x / 21 + i)
        shade = np.clip((c.y - ridge) / 60, 0, 1)[..., None]
        c.lay(c.below(ridge), np.array(colour) * (1 - 0.3 * shade), 2)
    c.lay(c.disc(236, 36, 17), (255, 246, 226), 8)
    return c.image(2.5, 8)


def street():
    c = Canvas(448, 300, (150, 190, 230), (226, 232, 236))
    for x0, x1, top, colour in [(0, 120, 60, (196, 120, 96)), (118, 210, 90, (222, 200, 160)), (300, 448, 40, (150, 130, 140))]:
        c.lay(c.box(x0, top, x1, 250), colour)
        for wy in range(top + 14, 220, 34):
            for wx in range(x0 + 12, x1 - 18, 28):
                c.lay(c.box(wx, wy, wx + 14, wy + 20), (70, 90, 120))
    c.lay(c.below(240 + 0 * c.x), (96, 96, 100), 2)
    c.lay(np.maximum(np.abs(c.y - 272) - 2, 14 - np.mod(c.x, 44)), (240, 240, 240))
    c.lay(c.box(215, 226, 296, 256), (40, 90, 180))
    c.lay(c.disc(256, 228, 30, 18), (40, 90, 180))
    c.lay(np.maximum(c.disc(256, 228, 24, 13), c.y - 228), (190, 220, 236))
    for x in (234, 278):
        c.lay(c.disc(x, 256, 10), (24, 24, 26))
        c.lay(c.disc(x, 256, 4), (170, 170, 176))
    return c.image(2.0, 9)


def main():
    for draw in (sunset, portrait, manga, city, lighthouse, letter, rings, balls, comic, mosaic, icon, poster, flower, dunes):
        draw().save(HERE / (draw.__name__ + ".png"), optimize=True)
    photo = street()
    photo.save(HERE / "street.jpg", quality=88)
    exif = Image.Exif()
    exif[0x0112] = 6  # the viewer turns it clockwise by 90 degrees
    photo.transpose(Image.Transpose.ROTATE_90).save(HERE / "street_rotated.jpg", quality=88, exif=exif)


if __name__ == "__main__":
    main()
