"""Reference logits of the networks that a widely read walk-through of MobileNet
V1 to V3 builds in PyTorch, as people train them from its code.

The classes here are our own; they have the same tensors under the same names,
and the same arithmetic, among it what differs from the papers:

  V1        every depthwise and pointwise convolution has a bias before its batch
            norm; a DepthSepConv registers depthwise, pointwise and then both batch
            norms, so that a state_dict is not in execution order; the stem ends in
            ReLU, all else in ReLU6; a 7x7 average pool instead of a global one;
            softmax (after dropout) belongs to forward: the logits are fc's output
  V2        the projection has a bias before its batch norm
  features  V2 without head, each block registered twice: in the ModuleList
            inverted_residuals and under inverted_residual_T_C_N
  V3        squeeze-and-excite is convolution (no bias), batch norm with eps 1e-5,
            ReLU, convolution (no bias), hard-sigmoid; all other batch norms have
            eps 1e-3; V3-large's table differs from the paper's in two rows, see LARGE

Run from anywhere: python3 article_rows.py
Made with torch 1.13.0, numpy 1.24.2 (Debian 12's packages).
"""

import torch
from torch import nn

import reference

SIZES = [(224, 224), (161, 225)]


def rounded(v, divisor=8):
    n = max(divisor, int(v + divisor / 2) // divisor * divisor)
    return n + divisor if n < 0.9 * v else n


class DepthSepConv(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.depthwise = nn.Conv2d(cin, cin, 3, stride, 1, groups=cin)
        self.pointwise = nn.Conv2d(cin, cout, 1)
        self.batch_norm1 = nn.BatchNorm2d(cin)
        self.batch_norm2 = nn.BatchNorm2d(cout)

    def forward(self, x):
        x = nn.functional.relu6(self.batch_norm1(self.depthwise(x)))
        return nn.functional.relu6(self.batch_norm2(self.pointwise(x)))


class MobileNetV1(nn.Module):
    """Table 1 of arXiv:1704.04861: output channels and stride of each block."""

    ROWS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]

    def __init__(self, classes=1000):
        super().__init__()
        self.conv_bn = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        inputs = [32] + [c for c, _ in self.ROWS]
        blocks = [DepthSepConv(cin, cout, s) for cin, (cout, s) in zip(inputs, self.ROWS)]
        self.dwmodule = nn.Sequential(*blocks, nn.AvgPool2d(7, stride=1))
        self.fc = nn.Linear(1024, classes)

    def forward(self, x):
        return self.fc(self.dwmodule(self.conv_bn(x)).flatten(1)).softmax(1)


class ConvBNReLU6(nn.Module):
    def __init__(self, cin, cout, kernel=3, stride=1, groups=1):
        super().__init__()
        conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.convbnrelu6 = nn.Sequential(conv, nn.BatchNorm2d(cout), nn.ReLU6())

    def forward(self, x):
        return self.convbnrelu6(x)


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        self.residual = stride == 1 and cin == cout
        hidden = cin * expand
        first = [ConvBNReLU6(cin, hidden, 1)] if expand != 1 else []
        depthwise = ConvBNReLU6(hidden, hidden, 3, stride, hidden)
        self.conv = nn.Sequential(*first, depthwise, nn.Conv2d(hidden, cout, 1), nn.BatchNorm2d(cout))

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


# Table 2 of arXiv:1801.04381: expansion, channels, repeats, stride.
V2_ROWS = [
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
]


class MobileNetV2(nn.Module):
    def __init__(self, classes=1000, width=1.0):
        super().__init__()
        cin, last = rounded(32 * width), rounded(1280 * max(1.0, width))
        layers = [ConvBNReLU6(3, cin, stride=2)]
        for t, c, n, s in V2_ROWS:
            for i in range(n):
                layers.append(InvertedResidual(cin, rounded(c * width), s if i == 0 else 1, t))
                cin = rounded(c * width)
        self.features = nn.Sequential(*layers, ConvBNReLU6(cin, last, 1))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x):
        return self.classifier(self.pool(self.features(x)).flatten(1))


class InvertedModels(nn.Module):
    """The features-only network, whose output is the 320-channel map of the last
    block. The case stores every SAMPLE-th value of the map in [H][W][C] order as its
    logits, and the map's mean over all positions as its pooled features."""

    SAMPLE = 37

    def __init__(self):
        super().__init__()
        cin = 32
        self.conv1 = ConvBNReLU6(3, cin, stride=2)
        self.inverted_residuals = nn.ModuleList()
        for t, c, n, s in V2_ROWS:
            row = [InvertedResidual(cin if i == 0 else c, c, s if i == 0 else 1, t) for i in range(n)]
            cin = c
            setattr(self, "inverted_residual_%d_%d_%d" % (t, c, n), nn.Sequential(*row))
            self.inverted_residuals.extend(row)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        x = self.conv1(x)
        for block in self.inverted_residuals:
            x = block(x)
        self.pool(x)
        return x.permute(0, 2, 3, 1).flatten()[:: self.SAMPLE]


class ConvBNActivation(nn.Module):
    def __init__(self, cin, cout, kernel, stride, groups, act):
        super().__init__()
        conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.convbnact = nn.Sequential(conv, nn.BatchNorm2d(cout, eps=1e-3, momentum=0.01), act())

    def forward(self, x):
        return self.convbnact(x)


class SeModule(nn.Module):
    def __init__(self, channels):
        super().__init__()
        squeezed = rounded(channels // 4)
        self.se = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1, bias=False),
            nn.BatchNorm2d(squeezed),
            nn.ReLU(),
            nn.Conv2d(squeezed, channels, 1, bias=False),
            nn.Hardsigmoid(),
        )

    def forward(self, x):
        return x * self.se(x)


class InvertedResidualV3(nn.Module):
    def __init__(self, kernel, cin, hidden, cout, act, se, stride):
        super().__init__()
        self.residual = stride == 1 and cin == cout
        act = nn.ReLU if act == "RE" else nn.Hardswish
        layers = [ConvBNActivation(cin, hidden, 1, 1, 1, act)] if hidden != cin else []
        layers.append(ConvBNActivation(hidden, hidden, kernel, stride, hidden, act))
        if se:
            layers.append(SeModule(hidden))
        layers.append(ConvBNActivation(hidden, cout, 1, 1, 1, nn.Identity))
        self.block = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


# Kernel, input, expansion, output, activation, squeeze-and-excite, stride.
SMALL = [  # table 2 of arXiv:1905.02244
    (3, 16, 16, 16, "RE", 1, 2), (3, 16, 72, 24, "RE", 0, 2), (3, 24, 88, 24, "RE", 0, 1),
    (5, 24, 96, 40, "HS", 1, 2), (5, 40, 240, 40, "HS", 1, 1), (5, 40, 240, 40, "HS", 1, 1),
    (5, 40, 120, 48, "HS", 1, 1), (5, 48, 144, 48, "HS", 1, 1), (5, 48, 288, 96, "HS", 1, 2),
    (5, 96, 576, 96, "HS", 1, 1), (5, 96, 576, 96, "HS", 1, 1),
]
LARGE_PUBLISHED = [  # table 1 of arXiv:1905.02244
    (3, 16, 16, 16, "RE", 0, 1), (3, 16, 64, 24, "RE", 0, 2), (3, 24, 72, 24, "RE", 0, 1),
    (5, 24, 72, 40, "RE", 1, 2), (5, 40, 120, 40, "RE", 1, 1), (5, 40, 120, 40, "RE", 1, 1),
    (3, 40, 240, 80, "HS", 0, 2), (3, 80, 200, 80, "HS", 0, 1), (3, 80, 184, 80, "HS", 0, 1),
    (3, 80, 184, 80, "HS", 0, 1), (3, 80, 480, 112, "HS", 1, 1), (3, 112, 672, 112, "HS", 1, 1),
    (5, 112, 672, 160, "HS", 1, 2), (5, 160, 960, 160, "HS", 1, 1), (5, 160, 960, 160, "HS", 1, 1),
]
# As the walk-through writes it: the 13th block keeps stride 1, and the 14th has
# expansion 672 and the stride 2.
LARGE = LARGE_PUBLISHED[:12] + [(5, 112, 672, 160, "HS", 1, 1), (5, 160, 672, 160, "HS", 1, 2), LARGE_PUBLISHED[14]]


class MobileNetV3(nn.Module):
    def __init__(self, rows, hidden, classes=1000):
        super().__init__()
        cin = rows[-1][3]
        self.features = nn.Sequential(
            ConvBNActivation(3, 16, 3, 2, 1, nn.Hardswish),
            nn.Sequential(*[InvertedResidualV3(*row) for row in rows]),
            ConvBNActivation(cin, 6 * cin, 1, 1, 1, nn.Hardswish),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * cin, hidden), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(hidden, classes)
        )

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def main():
    torch.manual_seed(0)
    for classes in (1000, 4):
        row = {"framework": "article", "arch": "mobilenet_v1", "classes": classes}
        # The 7x7 pool fixes the last map to 7x7, so inputs to 193..224 pixels.
        sizes = [(224, 224), (199, 217)]
        reference.write("article_v1_%d" % classes, row, MobileNetV1(classes), "dwmodule", sizes, logits="fc")
    for width in (1.0, 0.5):
        row = {"framework": "article", "arch": "mobilenet_v2", "alpha": width}
        reference.write("article_v2_%g" % width, row, MobileNetV2(width=width), "pool", SIZES)
    row = {"framework": "article", "arch": "mobilenet_v2", "variant": "features", "sample": InvertedModels.SAMPLE}
    reference.write("article_v2_features", row, InvertedModels(), "pool", SIZES)
    for classes in (1000, 4):
        row = {"framework": "article", "arch": "mobilenet_v3_small", "classes": classes}
        reference.write("article_v3_small_%d" % classes, row, MobileNetV3(SMALL, 1024, classes), "avgpool", SIZES)
    row = {"framework": "article", "arch": "mobilenet_v3_large", "variant": "article"}
    reference.write("article_v3_large", row, MobileNetV3(LARGE, 1280), "avgpool", SIZES)
    row = {"framework": "article", "arch": "mobilenet_v3_large"}
    reference.write("article_v3_large_published", row, MobileNetV3(LARGE_PUBLISHED, 1280), "avgpool", SIZES)


if __name__ == "__main__":
    main()
