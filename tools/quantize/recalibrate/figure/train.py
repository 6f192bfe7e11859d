"""Trains a MobileNetV3-small for a few hundred steps and saves what the figure is
drawn from.

    python3 train.py DIR

The network is the walk-through's (../../testdata/fidelity/article_rows.py), with
its initialisation and its momentum of 0.01 in batch norms; the task is to tell
whether a drawing is as it was drawn, blurred, in coarse pixels or noisy. DIR gets

    STEP_0.01.pth   the state dict after STEP steps
    STEP_0.1.pth    the same weights with running statistics of momentum 0.1
    calib/*.png     64 pictures without labels
    val/C_*.png     200 other pictures, C being the class
    training.csv    step, mean training loss of the 25 steps before it

Made with torch 1.13.0, numpy 1.24.2, Pillow 9.4.0 (Debian 12's packages); three
minutes on one core.
"""

import copy
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "testdata" / "fidelity"))
from article_rows import SMALL, MobileNetV3  # noqa: E402

SIDE, CLASSES, BATCH = 48, 4, 32
MARKS = [25, 50, 100, 150, 200, 300, 400, 500, 600, 800, 1000]
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)


def picture(rng, kind):
    """Waves in random colours as RGB bytes: as drawn, blurred, in coarse pixels, or noisy."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    rgb = np.zeros((SIDE, SIDE, 3))
    for scale in 2.5, 5, 12:
        a, b, c = rng.uniform(0, 2 * np.pi, 3)
        wave = np.sin((x * np.cos(a) + y * np.sin(a)) / scale * 2 + b + np.sin(x / scale + c))
        rgb += rng.normal(0, 40, 3) * wave[..., None]
    rgb += rng.uniform(60, 200, 3)
    if kind == 1:
        for axis in 0, 1:
            rgb = sum(np.roll(rgb, k, axis) for k in (-2, -1, 0, 1, 2)) / 5
    elif kind == 2:
        rgb = rgb[::3, ::3].repeat(3, 0).repeat(3, 1)[:SIDE, :SIDE]
    elif kind == 3:
        rgb = rgb + rng.normal(0, 25, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def inputs(pictures):
    x = (np.stack(pictures).astype(np.float32) / 255 - MEAN) / STD
    return torch.from_numpy(x.transpose(0, 3, 1, 2).copy())


def initialise(net):
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out")
        elif isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, 0, 0.01)
            nn.init.zeros_(m.bias)


def main(out):
    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    torch.set_num_threads(1)
    for name, count in ("calib", 64), ("val", 200):
        (out / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            prefix = "" if name == "calib" else "%d_" % (i % CLASSES)
            Image.fromarray(picture(rng, i % CLASSES)).save(out / name / ("%s%03d.png" % (prefix, i)))
    net = MobileNetV3(SMALL, 1024, CLASSES)
    initialise(net)
    averages = {}

    def hook(name):
        def average(module, batch):
            x = batch[0].detach().transpose(0, 1).flatten(1)
            now = (x.mean(1), x.var(1))
            old = averages.get(name, (torch.zeros_like(now[0]), torch.ones_like(now[1])))
            averages[name] = tuple(o + 0.1 * (n - o) for o, n in zip(old, now))

        return average

    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_pre_hook(hook(name))
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    net.train()
    losses, lines = [], ["step,loss"]
    for step in range(1, MARKS[-1] + 1):
        kinds = rng.integers(0, CLASSES, BATCH)
        loss = nn.functional.cross_entropy(net(inputs([picture(rng, k) for k in kinds])), torch.from_numpy(kinds))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if step in MARKS:
            lines.append("%d,%.5f" % (step, np.mean(losses[-25:])))
            print(lines[-1], flush=True)
            state = net.state_dict()
            torch.save(state, out / ("%d_0.01.pth" % step))
            state = copy.deepcopy(state)
            for name, (mean, var) in averages.items():
                state[name + ".running_mean"], state[name + ".running_var"] = mean, var
            torch.save(state, out / ("%d_0.1.pth" % step))
    (out / "training.csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
