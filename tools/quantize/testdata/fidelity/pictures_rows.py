"""Reference logits from picture file to logits: the preprocessing that torchvision
ships with its MobileNetV3-small weights (decode, shorter side to 256 with Pillow's
antialiased bilinear filter, centre crop of 224, ImageNet mean and standard
deviation), then the network of the case torchvision_mobilenet_v3_small.

pictures.json lists the files of tools/classify/testdata in order; pictures.f32 holds
1000 logits for each.

Run from anywhere, after torchvision_rows.py: python3 pictures_rows.py
Made with torch 1.13.0, torchvision 0.14.1, numpy 1.24.2, Pillow 9.4.0 (Debian 12's packages).
"""

import json

import numpy as np
import torch
import torchvision.models as tv
from PIL import Image

import formula
from reference import HERE

PICTURES = HERE.parents[2] / "classify" / "testdata"


def main():
    case = json.loads((HERE / "torchvision_mobilenet_v3_small.json").read_text())
    model = tv.mobilenet_v3_small(weights=None).eval()
    state = model.state_dict()
    for name, shape, kind, *args in case["tensors"]:
        if kind != "count":
            state[name].copy_(torch.from_numpy(formula.tensor(case["seed"], name, shape, kind, *args)))
    preprocess = tv.MobileNet_V3_Small_Weights.IMAGENET1K_V1.transforms()
    print(preprocess)
    files, values = [], []
    for path in sorted(PICTURES.glob("*.png")):
        with torch.no_grad():
            z = model(preprocess(Image.open(path).convert("RGB"))[None])[0].numpy()
        print("%-16s first %4d  largest %6.3f  std %5.3f" % (path.name, z.argmax(), z.max(), z.std()))
        files.append(path.name)
        values.append(z)
    spread = np.stack(values).std(0).mean()
    print("standard deviation of a logit between pictures %.3f" % spread)
    (HERE / "pictures.json").write_text(json.dumps(files, indent=2) + "\n")
    np.stack(values).astype("<f4").tofile(HERE / "pictures.f32")


if __name__ == "__main__":
    main()
