"""Depthwise convolution, batch normalisation, squeeze-and-excite and augmentation for training on CPUs.

PyTorch's own take two thirds of a training step of MobileNetV3-small on a CPU, a
5x5 depthwise gradient on a 3x3 map alone a tenth. ops.c does the same sums on NHWC
memory; convert() puts them into a torchvision network without changing its
parameters' names, and augment() is data.augment followed by data.normalise. Where there is no C compiler, or on a GPU, the network stays
as it is.
"""
import ctypes
import pathlib
import shutil
import subprocess
import tempfile

import torch
from torch import nn
from torchvision.ops import SqueezeExcitation

import data

ACTIVATIONS = {nn.Identity: 0, nn.ReLU: 1, nn.Hardswish: 2}


class _Depthwise(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("n", "h", "w", "c", "k", "stride", "oh", "ow")]


def compile():
    """Compiles ops.c for this processor. None where there is no C compiler."""
    compiler = shutil.which("cc")
    if not compiler:
        return None
    library = pathlib.Path(tempfile.mkdtemp()) / "ops.so"
    source = pathlib.Path(__file__).with_name("ops.c")
    subprocess.run([compiler, "-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC",
                    "-o", library, source], check=True)
    return ctypes.CDLL(str(library))


_library = None


def _p(tensor):
    return ctypes.c_void_p(tensor.data_ptr())


def _like(x, channels=None, height=None, width=None):
    n, c, h, w = x.shape
    return torch.empty((n, channels or c, height or h, width or w), memory_format=torch.channels_last)


class _DepthwiseFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, stride):
        x = x.contiguous(memory_format=torch.channels_last)
        n, c, h, w = x.shape
        k = weight.shape[-1]
        shape = _Depthwise(n, h, w, c, k, stride, (h - 1) // stride + 1, (w - 1) // stride + 1)
        packed = weight.detach().reshape(c, k * k).t().contiguous()
        y = _like(x, c, shape.oh, shape.ow)
        _library.depthwise_forward(ctypes.byref(shape), _p(x), _p(packed), _p(y))
        ctx.save_for_backward(x, packed)
        ctx.sizes = shape
        return y

    @staticmethod
    def backward(ctx, dy):
        x, packed = ctx.saved_tensors
        dy = dy.contiguous(memory_format=torch.channels_last)
        dx, dw = _like(x), torch.empty_like(packed)
        _library.depthwise_backward(ctypes.byref(ctx.sizes), _p(x), _p(packed), _p(dy), _p(dx), _p(dw))
        k = ctx.sizes.k
        return dx, dw.t().reshape(-1, 1, k, k), None


class _NormaliseFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma, beta, mean, inverse, act):
        n, c, h, w = x.shape
        scale = gamma.detach() * inverse
        shift = beta.detach() - mean * scale
        y = _like(x)
        _library.normalise_forward(n * h * w, c, act, _p(x), _p(scale), _p(shift), _p(y))
        ctx.save_for_backward(x, scale, shift, mean, inverse)
        ctx.act = act
        return y

    @staticmethod
    def backward(ctx, dy):
        x, scale, shift, mean, inverse = ctx.saved_tensors
        n, c, h, w = x.shape
        dy = dy.contiguous(memory_format=torch.channels_last)
        # Where an activation follows, nothing else uses dy. Its memory is in the cache.
        dx = dy if ctx.act else _like(x)
        dgamma, dbeta = torch.empty_like(mean), torch.empty_like(mean)
        _library.normalise_backward(n * h * w, c, ctx.act, _p(x), _p(dy), _p(scale), _p(shift), _p(mean), _p(inverse),
                                    _p(dx), _p(dgamma), _p(dbeta))
        return dx, dgamma, dbeta, None, None, None


class _SqueezeExciteFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w1, b1, w2, b2):
        x = x.contiguous(memory_format=torch.channels_last)
        n, c, h, w = x.shape
        w1, w2 = w1.detach().flatten(1), w2.detach().flatten(1)
        mean, y = torch.empty(n, c), _like(x)
        _library.channel_sums(n, h * w, c, ctypes.c_float(1 / (h * w)), _p(x), None, _p(mean))
        hidden = torch.addmm(b1.detach(), mean, w1.t()).relu_()
        excited = torch.addmm(b2.detach(), hidden, w2.t())
        scale = nn.functional.hardsigmoid(excited)
        none = torch.zeros_like(scale)
        _library.scale_channels(n, h * w, c, _p(x), _p(scale), _p(none), _p(y))
        ctx.save_for_backward(x, w1, w2, mean, hidden, excited, scale)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, w1, w2, mean, hidden, excited, scale = ctx.saved_tensors
        dy = dy.contiguous(memory_format=torch.channels_last)
        n, c, h, w = x.shape
        dexcited, dx = torch.empty(n, c), _like(x)
        _library.channel_sums(n, h * w, c, ctypes.c_float(1 / 6), _p(x), _p(dy), _p(dexcited))
        dexcited.mul_((excited > -3) & (excited < 3))
        dhidden = torch.mm(dexcited, w2).mul_(hidden > 0)
        dmean = torch.mm(dhidden, w1).div_(h * w)
        _library.scale_channels(n, h * w, c, _p(dy), _p(scale), _p(dmean), _p(dx))
        dw1, dw2 = (torch.mm(d.t(), v)[:, :, None, None] for d, v in ((dhidden, mean), (dexcited, hidden)))
        return dx, dw1, dhidden.sum(0), dw2, dexcited.sum(0)


class SqueezeExcite(SqueezeExcitation):
    def forward(self, x):
        return _SqueezeExciteFunction.apply(x, self.fc1.weight, self.fc1.bias, self.fc2.weight, self.fc2.bias)


class Depthwise(nn.Conv2d):
    def forward(self, x):
        return _DepthwiseFunction.apply(x, self.weight, self.stride[0])


class Normalise(nn.BatchNorm2d):
    """Batch normalisation and the activation after it."""
    act = 0

    def forward(self, x):
        x = x.contiguous(memory_format=torch.channels_last)
        if self.training:
            n, c, h, w = x.shape
            mean, variance = torch.empty(c), torch.empty(c)
            _library.batch_statistics(n * h * w, c, _p(x.detach()), _p(mean), _p(variance))
            rows = n * h * w
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (rows / max(rows - 1, 1)), self.momentum)
        else:
            mean, variance = self.running_mean, self.running_var
        return _NormaliseFunction.apply(x, self.weight, self.bias, mean, (variance + self.eps).rsqrt(), self.act)


def convert(network):
    """Replaces what ops.c does faster, in place. False where it cannot be compiled."""
    global _library
    _library = _library or compile()
    if _library is None:
        return False
    for module in list(network.modules()):
        if isinstance(module, SqueezeExcitation) and isinstance(module.scale_activation, nn.Hardsigmoid):
            module.__class__ = SqueezeExcite
        layers = list(module.named_children())
        for i, (name, layer) in enumerate(layers):
            if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1 and layer.bias is None:
                layer.__class__ = Depthwise
            elif isinstance(layer, nn.BatchNorm2d):
                layer.__class__ = Normalise
                following = layers[i + 1][1] if i + 1 < len(layers) else None
                if type(following) in ACTIVATIONS:
                    layer.act = ACTIVATIONS[type(following)]
                    setattr(module, layers[i + 1][0], nn.Identity())
    return True


def augment(pixels, size, views):
    """data.augment and data.normalise of pixels uint8[B,64,64,3]. None where ops.c is not compiled."""
    if _library is None:
        return None
    y = torch.empty((len(pixels), 3, size, size), memory_format=torch.channels_last)
    _library.augment(len(pixels), size, ctypes.c_void_p(pixels.ctypes.data), _p(views), _p(data.MEAN), _p(data.STD), _p(y))
    return y
