"""Weights and inputs by formula, so that no checkpoint needs to be committed.

Every value of a checkpoint is a function of the seed, the tensor's name, the
element's index i and what its case lists beside the name. It is written here in
numpy, in fidelity_formula_test.go and in formula.mjs; the three give the same bits.

    h(i) = fmix32(fmix32(i + 0x9e3779b9) ^ fnv1a32("SEED:NAME")) >> 8
    u(i) = h(i) / 2^24                                           in [0, 1)

fmix32 is the finaliser of MurmurHash3 (Appleby), fnv1a32 is FNV-1a (Fowler, Noll,
Vo). Arithmetic is in float64, rounded to float32 at the end. How a value follows
from u depends on the tensor's kind:

    range LO HI    lo + (hi - lo) * u(i)
    zerosum A K S  a * (u(i) - u(next)), next being the following inner index of the
                   same output, S elements on (after the last of K comes the first):
                   the weights of an output add up to zero, so that what all channels
                   have in common after an activation does not drown what the picture
                   changes
    count N        the int64 n
    alias NAME     the same storage as another tensor
"""

import numpy as np

M32 = np.uint64(0xFFFFFFFF)


def fnv1a32(text):
    h = 0x811C9DC5
    for b in text.encode():
        h = ((h ^ b) * 0x01000193) & 0xFFFFFFFF
    return h


def fmix32(h):
    h = h ^ (h >> np.uint64(16))
    h = (h * np.uint64(0x85EBCA6B)) & M32
    h = h ^ (h >> np.uint64(13))
    h = (h * np.uint64(0xC2B2AE35)) & M32
    return h ^ (h >> np.uint64(16))


def unit(seed, name, n):
    """n numbers in [0, 1), multiples of 2^-24, as float64."""
    i = (np.arange(n, dtype=np.uint64) + np.uint64(0x9E3779B9)) & M32
    h = fmix32(fmix32(i) ^ np.uint64(fnv1a32("%d:%s" % (seed, name))))
    return (h >> np.uint64(8)).astype(np.float64) * 2.0**-24


def tensor(seed, name, shape, kind, *args):
    """The float32 values of a tensor of kind range or zerosum."""
    u = unit(seed, name, int(np.prod(shape)))
    if kind == "zerosum":
        a, k, s = args
        u = u.reshape(-1, k, s)
        return ((u - np.roll(u, -1, axis=1)) * a).astype(np.float32).reshape(shape)
    lo, hi = args
    return (lo + (hi - lo) * u).astype(np.float32).reshape(shape)


def rounded(x):
    """x to three digits, so that the listing shows the very number that is used."""
    return float("%.3g" % x)


def weight_kind(shape, gain):
    """The kind of a weight [out][in] or [out][in][kh][kw]: its standard deviation
    is the gain over the root of the fan-in."""
    k = int(np.prod(shape[1:]))
    if k > 1 and (len(shape) == 2 or shape[2] == 1):
        return ["zerosum", rounded(gain * np.sqrt(6.0 / k)), k, 1]
    bound = rounded(gain * np.sqrt(3.0 / k))
    return ["range", -bound, bound]


def triangle(t):
    """A wave of period 1 between -1 and 1, which is 1 at whole t."""
    return np.abs((t - np.floor(t)) * 2.0 - 1.0) * 2.0 - 1.0


def image(seed, height, width):
    """A normalised input [3][height][width]: triangle waves and noise."""
    y = (np.arange(height, dtype=np.float64) / height)[:, None]
    x = (np.arange(width, dtype=np.float64) / width)[None, :]
    noise = unit(seed, "input", 3 * height * width).reshape(3, height, width)
    planes = []
    for c in range(3):
        f = np.float64(c + 1)
        wave = triangle(x * f + y * 0.5) + triangle(y * (f * 2.0) - x * 1.5) * 0.5
        planes.append(wave + (noise[c] * 2.0 - 1.0) * 0.5)
    return np.stack(planes).astype(np.float32)
