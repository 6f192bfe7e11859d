#!/usr/bin/python3
"""Writes preprocess.json: what Pillow, torchvision and TensorFlow's formulas make
of formula pictures. Run in this folder; needs torch, torchvision, Pillow, numpy.

A case holds, for Pillow's filters, the CRC-32 of the normalised float32 tensor
(NHWC, not for cases that are reduced first) and some of its values; for TensorFlow's filters some values, computed in
float64 from the definition of ResizeBilinear (half_pixel_centers and align_corners
as the filter's name says)."""
import json
import zlib

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def picture(w, h):
    """The formula the Go test uses too: a gradient, stripes and hash noise."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    x, y, c = (a.astype(np.uint32) for a in (x, y, c))
    noise = (x * 2654435761 + y * 2246822519 + c * 3266489917) >> 24
    stripes = ((x // 5 + y // 3 + c) % 2) * 97
    return ((x * 255 // max(1, w - 1) + stripes + noise // 3 + y) % 256).astype(np.uint8)


PIL_CASES = [  # width, height, input width, input height, resize (0: exact), filter
    (500, 375, 224, 224, 256, "pil-bilinear"),
    (375, 500, 224, 224, 256, "pil-bicubic"),
    (333, 251, 97, 65, 111, "pil-bilinear"),
    (64, 48, 40, 33, 0, "pil-bilinear"),
    (48, 64, 33, 40, 0, "pil-bicubic"),
    (20, 31, 32, 32, 37, "pil-bilinear"),
    (20, 31, 32, 45, 39, "pil-bicubic"),
    (1, 1, 32, 32, 36, "pil-bilinear"),
    (1, 57, 32, 32, 36, "pil-bilinear"),
    (57, 1, 32, 32, 33, "pil-bicubic"),
    (2000, 3, 32, 32, 37, "pil-bilinear"),
    (3, 2000, 32, 32, 0, "pil-bilinear"),
    (300, 200, 64, 48, 40, "pil-bilinear"),
    (200, 300, 48, 65, 40, "pil-bicubic"),
    (37, 37, 37, 37, 0, "pil-bilinear"),
    (1400, 900, 64, 64, 73, "pil-bilinear"),
]
REDUCED_CASES = [  # the same, and the shorter side that larger pictures are reduced to first
    (500, 375, 128, 128, 128, "pil-bilinear", 64),
    (375, 500, 96, 80, 100, "pil-bicubic", 48),
    (90, 65, 128, 128, 128, "pil-bilinear", 64),
    (64, 64, 128, 128, 128, "pil-bilinear", 64),
    (200, 33, 96, 96, 96, "pil-bilinear", 64),
    (1400, 900, 64, 48, 0, "pil-bilinear", 40),
]
TF_CASES = [
    (300, 200, 64, 48, 0, "tf-bilinear"),
    (300, 200, 64, 48, 0, "tf-bilinear-align-corners"),
    (300, 200, 64, 48, 0, "tf-bilinear-half-pixel"),
    (20, 31, 40, 50, 0, "tf-bilinear"),
    (20, 31, 40, 50, 0, "tf-bilinear-align-corners"),
    (20, 31, 40, 50, 0, "tf-bilinear-half-pixel"),
    (1, 90, 32, 32, 0, "tf-bilinear-align-corners"),
    (1900, 1300, 48, 40, 51, "tf-bilinear-half-pixel"),
    (1300, 1900, 48, 40, 51, "tf-bilinear"),
]


def samples(tensor):
    flat = tensor.reshape(-1)
    at = [int(i) for i in np.linspace(0, len(flat) - 1, 13)]
    return [[i, float(flat[i])] for i in at]


def pil_case(w, h, inw, inh, resize, name, reduce=0):
    mode = {"pil-bilinear": InterpolationMode.BILINEAR, "pil-bicubic": InterpolationMode.BICUBIC}[name]
    image = Image.fromarray(picture(w, h), "RGB")
    if 0 < reduce < min(w, h):
        image = F.resize(image, reduce, mode)
    if resize:
        image = F.center_crop(F.resize(image, resize, mode), [inh, inw])
    else:
        image = F.resize(image, [inh, inw], mode)
    tensor = F.normalize(F.to_tensor(image), MEAN, STD).permute(1, 2, 0).contiguous().numpy()
    assert tensor.dtype == np.float32
    if reduce:
        return {"samples": samples(tensor)}
    return {"tensor": zlib.crc32(tensor.tobytes()), "samples": samples(tensor)}


def axis(n, out, resized, name):
    first = round((resized - out) / 2)
    i = np.arange(first, first + out, dtype=np.float64)
    if name == "tf-bilinear-align-corners" and resized > 1:
        at = i * (n - 1) / (resized - 1)
    elif name == "tf-bilinear-half-pixel":
        at = (i + 0.5) * n / resized - 0.5
    else:
        at = i * n / resized
    floor = np.floor(at)
    lo = np.maximum(floor, 0).astype(int)
    hi = np.minimum(np.ceil(at), n - 1).astype(int)
    return lo, hi, at - floor


def tf_case(w, h, inw, inh, resize, name):
    x = picture(w, h).astype(np.float64)
    rw, rh = inw, inh
    if resize:
        rw, rh = (resize, int(resize * h / w)) if w <= h else (int(resize * w / h), resize)
    y0, y1, fy = axis(h, inh, rh, name)
    x0, x1, fx = axis(w, inw, rw, name)
    fy, fx = fy[:, None, None], fx[None, :, None]
    top = x[y0][:, x0] + (x[y0][:, x1] - x[y0][:, x0]) * fx
    bottom = x[y1][:, x0] + (x[y1][:, x1] - x[y1][:, x0]) * fx
    v = top + (bottom - top) * fy
    return {"samples": samples((v / 255 - np.array(MEAN)) / np.array(STD))}


def main():
    cases = []
    for make, table in ((pil_case, PIL_CASES), (tf_case, TF_CASES), (pil_case, REDUCED_CASES)):
        for w, h, inw, inh, resize, name, *reduce in table:
            case = {"width": w, "height": h, "inputWidth": inw, "inputHeight": inh, "resize": resize, "filter": name}
            if reduce:
                case["reduce"] = reduce[0]
            case.update(make(w, h, inw, inh, resize, name, *reduce))
            cases.append(case)
    with open("preprocess.json", "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


main()
