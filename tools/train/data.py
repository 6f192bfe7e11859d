"""Tiny ImageNet: 200 classes of ImageNet, 500 training pictures each, 10,000 for validation, 64x64."""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

MEAN = torch.tensor([0.485, 0.456, 0.406])
STD = torch.tensor([0.229, 0.224, 0.225])
SIDE = 64


def classes(root):
    """WordNet ids in order, and the first name of each as words.txt has them."""
    root = pathlib.Path(root)
    ids = sorted((root / "wnids.txt").read_text().split())
    words = dict(line.split("\t", 1) for line in (root / "words.txt").read_text().splitlines())
    return ids, [words[i].split(", ")[0] for i in ids]


def files(root, split):
    """(path, class) of every picture of "train" or "val", in a fixed order."""
    root = pathlib.Path(root)
    ids, _ = classes(root)
    number = {name: i for i, name in enumerate(ids)}
    if split == "train":
        found = sorted(root.glob("train/*/images/*.JPEG"))
        return [(p, number[p.parent.parent.name]) for p in found]
    lines = (root / "val/val_annotations.txt").read_text().splitlines()
    return [(root / "val/images" / name, number[wnid]) for name, wnid in (line.split("\t")[:2] for line in sorted(lines))]


def load(root, split, cache):
    """Pixels uint8[N,64,64,3], memory mapped, and labels int64[N]. Decodes once, into cache."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    pixels, labels = cache / f"{split}.npy", cache / f"{split}-labels.npy"
    if not labels.exists():
        pairs = files(root, split)
        if not pairs:
            raise SystemExit(f"{root} has no pictures of {split}: give --data the folder that holds train/, val/ and wnids.txt")
        array = np.lib.format.open_memmap(pixels, "w+", np.uint8, (len(pairs), SIDE, SIDE, 3))
        for i, (path, _) in enumerate(pairs):
            with Image.open(path) as image:
                array[i] = np.asarray(image.convert("RGB"))
            if i % 5000 == 0:
                print(f"decoding {split}: {i}/{len(pairs)}", flush=True)
        array.flush()
        np.save(labels, np.array([label for _, label in pairs]))
    return np.load(pixels, mmap_mode="c"), torch.from_numpy(np.load(labels))


def batch(pixels, indices, device):
    """float32[B,3,64,64] in [0,1]."""
    images = torch.from_numpy(pixels[indices.numpy()]).to(device)
    return images.permute(0, 3, 1, 2).contiguous().float().div_(255)


def normalise(images):
    mean, std = MEAN.to(images.device), STD.to(images.device)
    return ((images - mean[:, None, None]) / std[:, None, None]).contiguous(memory_format=torch.channels_last)


def resize(images, size):
    """The whole picture, bilinear, half-pixel centres: what Pillow does where nothing shrinks."""
    return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)


def views(n, generator):
    """Eight random numbers for each of n pictures, float32[n,8]: factors of brightness, contrast and saturation up to
    a fifth more or less; width (negative: mirrored) and height of a crop of 50 to 100 % of the area, as shares of the
    picture's; its centre, from -1 to 1; and 0."""

    def uniform(low, high):
        return torch.rand(n, generator=generator).mul_(high - low).add_(low)

    colours = [uniform(0.8, 1.2) for _ in range(3)]
    area, aspect = uniform(0.5, 1), uniform(-0.29, 0.29).exp()
    sx, sy = (area * aspect).sqrt().clamp_(max=1), (area / aspect).sqrt().clamp_(max=1)
    tx, ty = (1 - sx) * uniform(-1, 1), (1 - sy) * uniform(-1, 1)
    mirror = (uniform(0, 1) < 0.5).float() * -2 + 1
    return torch.stack([*colours, sx * mirror, sy, tx, ty, torch.zeros(n)], 1)


def augment(images, size, views):
    """The view of each picture of float32[B,3,64,64] that views() chose, size pixels wide and high."""
    n = len(images)
    views = views.to(images.device)
    brightness, contrast, saturation = (views[:, i, None, None, None] for i in range(3))
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * saturation
    middle = grey.mean((2, 3), keepdim=True)
    images = (middle + (images - middle) * contrast).mul_(brightness).clamp_(0, 1)
    _, _, _, sx, sy, tx, ty, none = views.unbind(1)
    theta = torch.stack([torch.stack([sx, none, tx], 1), torch.stack([none, sy, ty], 1)], 1)
    grid = F.affine_grid(theta, (n, 3, size, size), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def cutmix(images, targets, generator):
    """Pastes a box of another picture of the batch into each; targets are mixed by area."""
    n, _, h, w = images.shape
    keep = torch.rand(1, generator=generator).item()
    side = (1 - keep) ** 0.5
    cy, cx = (torch.rand(2, generator=generator) * torch.tensor([h, w])).int().tolist()
    y0, y1 = max(0, int(cy - h * side / 2)), min(h, int(cy + h * side / 2))
    x0, x1 = max(0, int(cx - w * side / 2)), min(w, int(cx + w * side / 2))
    other = torch.randperm(n, generator=generator)
    images[:, :, y0:y1, x0:x1] = images[other.to(images.device), :, y0:y1, x0:x1]
    share = (y1 - y0) * (x1 - x0) / (h * w)
    return images, targets * (1 - share) + targets[other.to(targets.device)] * share
