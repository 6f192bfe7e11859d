"""Reference logits of networks with timm's tensor names on formula weights.

The classes here are our own, with the names, order and arithmetic of timm's
mobilenetv1_100, mobilenetv2_100, mobilenetv3_small_100 and mobilenetv3_large_100
(checked once against timm 1.0.11: equal state_dict keys and shapes, equal logits).
What sets timm apart from torchvision:

  all       blocks.STAGE.BLOCK; every batch norm has eps 1e-5, V3's too (only the
            tf_ models have 1e-3); no biases before a batch norm
  V1        every activation is ReLU6; no residuals
  V2        the first block is depthwise separable: conv_dw, bn1, conv_pw, bn2
  V3        squeeze-and-excite is two convolutions with biases, conv_reduce and
            conv_expand; the last 1x1 convolution before the pool is the last
            stage; conv_head, a 1x1 convolution with a bias, follows the pool

Run from anywhere: python3 timm_rows.py
Made with torch 1.13.0, numpy 1.24.2 (Debian 12's packages).
"""

import torch
from torch import nn

import reference
from article_rows import LARGE_PUBLISHED, SIZES, SMALL, V2_ROWS, rounded

V1_STAGES = [[(64, 1)], [(128, 2), (128, 1)], [(256, 2), (256, 1)], [(512, 2)] + [(512, 1)] * 5, [(1024, 2), (1024, 1)]]


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        squeezed = rounded(channels * 0.25)
        self.conv_reduce = nn.Conv2d(channels, squeezed, 1)
        self.conv_expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        s = nn.functional.relu(self.conv_reduce(x.mean((2, 3), keepdim=True)))
        return x * nn.functional.hardsigmoid(self.conv_expand(s))


def depthwise(channels, kernel, stride):
    return nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=channels, bias=False)


def pointwise(cin, cout):
    return nn.Conv2d(cin, cout, 1, bias=False)


class Separable(nn.Module):
    """A depthwise separable block, with or without an activation at its end."""

    def __init__(self, cin, cout, kernel, stride, act, last_act=None, se=False, residual=True):
        super().__init__()
        self.conv_dw = depthwise(cin, kernel, stride)
        self.bn1 = nn.BatchNorm2d(cin)
        self.act, self.last_act = act, last_act or (lambda x: x)
        self.se = SqueezeExcite(cin) if se else nn.Identity()
        self.conv_pw = pointwise(cin, cout)
        self.bn2 = nn.BatchNorm2d(cout)
        self.residual = residual and stride == 1 and cin == cout

    def forward(self, x):
        y = self.se(self.act(self.bn1(self.conv_dw(x))))
        y = self.last_act(self.bn2(self.conv_pw(y)))
        return x + y if self.residual else y


class Inverted(nn.Module):
    def __init__(self, cin, hidden, cout, kernel, stride, act, se=False):
        super().__init__()
        self.conv_pw = pointwise(cin, hidden)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.conv_dw = depthwise(hidden, kernel, stride)
        self.bn2 = nn.BatchNorm2d(hidden)
        self.se = SqueezeExcite(hidden) if se else nn.Identity()
        self.conv_pwl = pointwise(hidden, cout)
        self.bn3 = nn.BatchNorm2d(cout)
        self.act = act
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        y = self.act(self.bn1(self.conv_pw(x)))
        y = self.se(self.act(self.bn2(self.conv_dw(y))))
        y = self.bn3(self.conv_pwl(y))
        return x + y if self.residual else y


class ConvBnAct(nn.Module):
    def __init__(self, cin, cout, act):
        super().__init__()
        self.conv = pointwise(cin, cout)
        self.bn1 = nn.BatchNorm2d(cout)
        self.act = act

    def forward(self, x):
        return self.act(self.bn1(self.conv(x)))


class MobileNetV1(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        act, cin, stages = nn.functional.relu6, 32, []
        for rows in V1_STAGES:
            stages.append(nn.Sequential())
            for cout, stride in rows:
                stages[-1].append(Separable(cin, cout, 3, stride, act, last_act=act, residual=False))
                cin = cout
        self.blocks = nn.Sequential(*stages)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(cin, classes)

    def forward(self, x):
        x = nn.functional.relu6(self.bn1(self.conv_stem(x)))
        return self.classifier(self.global_pool(self.blocks(x)).flatten(1))


class MobileNetV2(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        act, cin, stages = nn.functional.relu6, 32, []
        for t, c, n, s in V2_ROWS:
            stages.append(nn.Sequential())
            for i in range(n):
                stride = s if i == 0 else 1
                block = Separable(cin, c, 3, stride, act) if t == 1 else Inverted(cin, cin * t, c, 3, stride, act)
                stages[-1].append(block)
                cin = c
        self.blocks = nn.Sequential(*stages)
        self.conv_head = pointwise(cin, 1280)
        self.bn2 = nn.BatchNorm2d(1280)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(1280, classes)

    def forward(self, x):
        x = self.blocks(nn.functional.relu6(self.bn1(self.conv_stem(x))))
        x = nn.functional.relu6(self.bn2(self.conv_head(x)))
        return self.classifier(self.global_pool(x).flatten(1))


class MobileNetV3(nn.Module):
    def __init__(self, rows, hidden, classes=1000):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages, channels = [], None
        for kernel, cin, exp, cout, act, se, stride in rows:
            if cout != channels:
                stages.append(nn.Sequential())
            channels = cout
            act = nn.functional.relu if act == "RE" else nn.functional.hardswish
            if exp == cin:
                stages[-1].append(Separable(cin, cout, kernel, stride, act, se=se))
            else:
                stages[-1].append(Inverted(cin, exp, cout, kernel, stride, act, se))
        stages.append(nn.Sequential(ConvBnAct(channels, 6 * channels, nn.functional.hardswish)))
        self.blocks = nn.Sequential(*stages)
        self.global_pool = nn.AdaptiveAvgPool2d(1)
        self.conv_head = nn.Conv2d(6 * channels, hidden, 1)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x):
        x = self.blocks(nn.functional.hardswish(self.bn1(self.conv_stem(x))))
        x = nn.functional.hardswish(self.conv_head(self.global_pool(x)))
        return self.classifier(x.flatten(1))


NETWORKS = {
    "mobilenetv1_100": ("mobilenet_v1", MobileNetV1),
    "mobilenetv2_100": ("mobilenet_v2", MobileNetV2),
    "mobilenetv3_small_100": ("mobilenet_v3_small", lambda: MobileNetV3(SMALL, 1024)),
    "mobilenetv3_large_100": ("mobilenet_v3_large", lambda: MobileNetV3(LARGE_PUBLISHED, 1280)),
}


def main():
    for name, (arch, build) in NETWORKS.items():
        row = {"framework": "timm", "arch": arch}
        # V3's first dense layer is a convolution here, which gain scales, not head.
        head = 4.0 if "v3" in arch else 2.0
        reference.write("timm_" + name, row, build(), "global_pool", SIZES, head=head)


if __name__ == "__main__":
    main()
