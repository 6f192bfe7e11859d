"""Reference logits of torchvision's own networks on formula weights.

Run from anywhere: python3 torchvision_rows.py
Made with torch 1.13.0, torchvision 0.14.1, numpy 1.24.2 (Debian 12's packages).
"""

import torchvision.models as tv

import reference

SIZES = [(224, 224), (161, 225)]


def main():
    for name, build, pooled, width in [
        ("mobilenet_v2", tv.mobilenet_v2, "classifier.0", 1.0),
        ("mobilenet_v2", tv.mobilenet_v2, "classifier.0", 1.4),
        ("mobilenet_v3_small", tv.mobilenet_v3_small, "avgpool", 1.0),
        ("mobilenet_v3_small", tv.mobilenet_v3_small, "avgpool", 0.75),
        ("mobilenet_v3_large", tv.mobilenet_v3_large, "avgpool", 1.0),
    ]:
        row = {"framework": "torchvision", "arch": name, "alpha": width}
        case = "torchvision_" + name + ("" if width == 1 else "_%g" % width)
        reference.write(case, row, build(weights=None, width_mult=width), pooled, SIZES)


if __name__ == "__main__":
    main()
