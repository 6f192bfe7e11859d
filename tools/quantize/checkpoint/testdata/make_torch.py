#!/usr/bin/env python3
"""Writes the fixtures in torch/: small checkpoints made by PyTorch itself.

Needs Debian's python3-torch. The values of every tensor are
v(i) = (i % 61 - 30) / 16, which all element types hold exactly; what each file
is meant to read as is in the table of torch_test.go.
"""
import argparse
import os
import pathlib
import sys
from collections import OrderedDict

import numpy as np
import torch

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'torch')


def v(*shape, dtype=torch.float32, start=0):
    n = 1
    for s in shape:
        n *= s
    return ((torch.arange(start, start + n) % 61 - 30).double() / 16).to(dtype).reshape(shape)


class Attack:
    def __reduce__(self):
        return os.system, ('touch pickle-was-run',)


def save(name, obj, **kw):
    torch.save(obj, os.path.join(OUT, name), **kw)


def main():
    os.makedirs(OUT, exist_ok=True)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, bias=False), torch.nn.BatchNorm2d(4))
    with torch.no_grad():
        net[0].weight.copy_(v(4, 3, 3, 3))
        net[1].weight.copy_(v(4))
        net[1].bias.copy_(v(4, start=4))
    plain = net.state_dict()
    save('plain.pth', plain)
    save('legacy.pth', plain, _use_new_zipfile_serialization=False)
    save('protocol4.pth', plain, pickle_protocol=4)
    save('module.pth', torch.nn.DataParallel(net).state_dict())
    save('parameters.pth', OrderedDict((k, p) for k, p in net.named_parameters()))
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    net(torch.zeros(1, 3, 8, 8)).sum().backward()
    save('training.pth', {'epoch': 3, 'state_dict': plain, 'optimizer': optimizer.state_dict(),
                          'lr_scheduler': torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4]).state_dict(),
                          'args': argparse.Namespace(lr=0.1, data=pathlib.Path('/data')), 'best': np.float64(0.5)})
    save('half.pth', {'w': v(2, 3, dtype=torch.float16), 'b': v(4, dtype=torch.bfloat16)})
    save('double.pth', {'w': v(2, 3, dtype=torch.float64), 'n': torch.tensor(1234567)})
    base = v(6, 8)
    save('strided.pth', {'transposed': base.t(), 'columns': base[:, 1::3], 'rows': base[2:5], 'expanded': base[1, :1].expand(3),
                         'channels_last': v(2, 4, 3, 3).contiguous(memory_format=torch.channels_last)})
    save('strided_legacy.pth', {'transposed': base.t(), 'columns': base[:, 1::3], 'rows': base[2:5]},
         _use_new_zipfile_serialization=False)
    shared = v(3, 4)
    save('shared.pth', {'a.weight': shared, 'b.weight': shared, 'tail': shared.reshape(-1)[7:]})
    save('attack.pth', {'w': v(2), 'x': Attack()})
    save('attack_legacy.pth', {'w': v(2), 'x': Attack()}, _use_new_zipfile_serialization=False)
    save('whole_model.pth', torch.nn.Sequential(torch.nn.ReLU()))
    torch.jit.script(torch.nn.Linear(2, 2)).save(os.path.join(OUT, 'torchscript.pt'))


if __name__ == '__main__':
    sys.exit(main())
