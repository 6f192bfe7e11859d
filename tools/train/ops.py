"""Depthwise convolution and batch normalisation for training on CPUs.

PyTorch's own take two thirds of a training step of MobileNetV3-small on a CPU, a
5x5 depthwise gradient on a 3x3 map alone a tenth. ops.c does the same sums on NHWC
memory; convert() puts them into a torchvision network without changing its
parameters' names. Where there is no C compiler, or on a GPU, the network stays
as it is.
"""
import ctypes
import pathlib
import shutil
import subprocess
import tempfile

import torch
from torch import nn

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
        dx, dgamma, dbeta = _like(x), torch.empty_like(mean), torch.empty_like(mean)
        _library.normalise_backward(n * h * w, c, ctx.act, _p(x), _p(dy), _p(scale), _p(shift), _p(mean), _p(inverse),
                                    _p(dx), _p(dgamma), _p(dbeta))
        return dx, dgamma, dbeta, None, None, None


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
