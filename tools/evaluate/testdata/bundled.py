"""Reference answers of the bundled model: PyTorch in float32 on the checkpoint that it was converted from.

    python3 tools/evaluate/testdata/bundled.py build/train/model.pth > tools/evaluate/testdata/bundled.json

The pictures are those of tools/classify/testdata that are PNG files.
"""
import json
import pathlib
import sys

import torch
import torchvision
from PIL import Image
from torchvision import transforms

REDUCE, SIZE = 64, 160


def reduce(image):
    """What Preprocess.Reduce is: larger pictures first to the size of the training pictures."""
    return transforms.Resize(REDUCE)(image) if min(image.size) > REDUCE else image


def main():
    network = torchvision.models.mobilenet_v3_small(num_classes=200)
    network.load_state_dict(torch.load(sys.argv[1], map_location="cpu"))
    network.eval()
    prepare = transforms.Compose([
        reduce,
        transforms.Resize(SIZE),
        transforms.CenterCrop(SIZE),
        transforms.ToTensor(),
        transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ])
    folder = pathlib.Path(__file__).parents[2] / "classify/testdata"
    answers = {}
    for path in sorted(folder.glob("*.png")):
        with Image.open(path) as image, torch.no_grad():
            if image.mode != "RGB":
                continue
            logits = network(prepare(image)[None])[0]
        answers[path.name] = [round(v, 4) for v in logits.tolist()]
    print("{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(logits)}" for name, logits in answers.items()) + "\n}")


if __name__ == "__main__":
    main()
