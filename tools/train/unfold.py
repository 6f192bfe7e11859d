"""Puts the weights of a blob back into a network with batch norms, so that they can be trained on.

A blob holds convolutions into which the batch norms were folded. unfold() gives the
convolutions the folded weights, and sets each batch norm to what leaves them as they are
but for the folded bias: its statistics from a batch of pictures, scale and shift from
those. With statistics of other batches, as in training, the network differs by what
batch norms always do.
"""
import json
import struct

import numpy as np
import torch
from torch import nn


def tensors(path):
    """The tensors of a safetensors file, as float32."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    header.pop("__metadata__", None)
    kinds = {"F16": np.float16, "F32": np.float32}
    return {name: torch.from_numpy(np.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], kinds[t["dtype"]])
                                   .astype(np.float32).reshape(t["shape"])) for name, t in header.items()}


def names(network):
    """The layers of torchvision's MobileNetV3 that have weights: (name in the blob, layer, batch norm or None)."""
    features = network.features
    yield "stem", features[0][0], features[0][1]
    for i, residual in enumerate(features[1:-1]):
        layers = list(residual.block)
        convolutions = [layer for layer in layers if isinstance(layer, nn.Sequential)]
        kinds = ["expand", "depthwise", "project"][-len(convolutions):]
        for kind, layer in zip(kinds, convolutions):
            yield f"blocks.{i}.{kind}", layer[0], layer[1]
        for layer in layers:
            if not isinstance(layer, nn.Sequential):
                yield f"blocks.{i}.squeeze.0", layer.fc1, None
                yield f"blocks.{i}.squeeze.1", layer.fc2, None
    yield "last", features[-1][0], features[-1][1]
    dense = [layer for layer in network.classifier if isinstance(layer, nn.Linear)]
    for i, layer in enumerate(dense):
        yield f"classifier.{i}", layer, None


@torch.no_grad()
def unfold(network, path, images):
    """Gives a MobileNetV3 the weights of a blob; images are normalised, at the size to be trained at."""
    found = tensors(path)
    biases, hooks = {}, []

    def set_norm(norm, inputs):
        x = inputs[0]
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(biases[norm] + mean)

    for name, layer, norm in names(network):
        weight, bias = found.pop(name + ".weight"), found.pop(name + ".bias")
        if name == "stem":
            weight = weight.permute(0, 3, 1, 2)  # OHWI
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        if norm is None:
            layer.bias.copy_(bias)
        else:
            biases[norm] = bias
            hooks.append(norm.register_forward_pre_hook(set_norm))
    if found:
        raise ValueError(f"{path}: no layer for {', '.join(found)}")
    network.eval()
    network(images)
    for hook in hooks:
        hook.remove()
