"""Runs a PyTorch network on formula weights and writes its case.

A case is two files beside this one: CASE.json lists the row (architecture and
options), the seed, the runs and every tensor of the state_dict; CASE.f32 holds,
for each run in order, the logits and then the pooled features that the
classifier reads, as little-endian float32.
"""

import json
import pathlib

import numpy as np
import torch

import formula

HERE = pathlib.Path(__file__).parent
torch.set_num_threads(2)


def fill(model, seed, size, gain=1.0, head=2.0):
    """Gives every tensor of the model its formula value and lists the tensors.

    The statistics of a batch norm are random around the standard deviation of
    what reaches it in a forward pass (one number for all its channels), so that
    activations stay of order one through the whole depth. gain and head scale
    the weights of convolutions and of dense layers.
    """
    norms = {
        id(module): name
        for name, module in model.named_modules(remove_duplicate=False)
        if isinstance(module, torch.nn.BatchNorm2d)
    }
    owned = {name + "." + leaf for name in norms.values() for leaf in ("weight", "bias", "running_mean", "running_var")}
    state = model.state_dict()
    kinds, seen = {}, {}

    def give(name, kind):
        kinds[name] = kind
        values = formula.tensor(seed, name, list(state[name].shape), *kind)
        state[name].copy_(torch.from_numpy(values))

    for name, value in state.items():
        if value.data_ptr() in seen:
            kinds[name] = ["alias", seen[value.data_ptr()]]
            continue
        seen[value.data_ptr()] = name
        if name.endswith("num_batches_tracked"):
            value.fill_(400)
            kinds[name] = ["count", 400]
        elif name.endswith(".bias"):
            give(name, ["range", -0.3, 0.3])
        elif name in owned or value.dim() == 1:
            if name.endswith(".weight"):
                give(name, ["range", 0.6, 1.4])
        else:
            give(name, formula.weight_kind(list(value.shape), head if value.dim() == 2 else gain))

    first = {value: name for name, value in ((n, v.data_ptr()) for n, v in reversed(state.items()))}

    def measure(module, inputs):
        s = formula.rounded(float(inputs[0].std()))
        mean, var = first[module.running_mean.data_ptr()], first[module.running_var.data_ptr()]
        give(mean, ["range", formula.rounded(-0.3 * s), formula.rounded(0.3 * s)])
        give(var, ["range", formula.rounded(0.3 * s * s), formula.rounded(1.7 * s * s)])

    hooks = [m.register_forward_pre_hook(measure) for m in model.modules() if id(m) in norms]
    model.eval()
    with torch.no_grad():
        model(torch.from_numpy(formula.image(seed, *size))[None])
    for hook in hooks:
        hook.remove()
    return [[name, list(value.shape)] + kinds[name] for name, value in state.items()]


def write(case, row, model, pooled, sizes, logits=None, **scales):
    """Runs the model at every size and writes the case, with the first seed that
    keeps the six largest logits apart: their order must survive float16 weights.

    pooled and logits name the module whose output is the pooled features or the
    logits; without logits the network's own output counts.
    """
    for seed in range(1, 200):
        runs, report = attempt(model, pooled, sizes, logits, seed, scales)
        if all(gap >= 0.015 for gap, _ in report):
            break
    for size, (_, line) in zip(sizes, report):
        print("%-32s seed %2d  %3dx%-3d %s" % ((case, seed) + size + (line,)))
    write_files(case, row, seed, runs)


def attempt(model, pooled, sizes, logits, seed, scales):
    """Fills and runs the model. Returns the tensors with the runs, and a
    (gap, description) for each run."""
    tensors = fill(model, seed, sizes[0], **scales)
    taken, hooks = {}, []

    def take(name, key):
        def hook(_module, _inputs, output):
            taken[key] = output.detach().flatten().clone()

        hooks.append(dict(model.named_modules())[name].register_forward_hook(hook))

    take(pooled, "pooled")
    if logits:
        take(logits, "logits")

    def run(x):
        output = model(torch.from_numpy(np.ascontiguousarray(x))[None])
        z = taken["logits"] if logits else output.flatten()
        return z.numpy(), taken["pooled"].numpy()

    runs, report = [], []
    with torch.no_grad():
        for height, width in sizes:
            x = formula.image(seed, height, width)
            z, e = run(x)
            other, _ = run(-x[:, ::-1])
            report.append(describe(z, other))
            runs.append((height, width, z, e))
    for hook in hooks:
        hook.remove()
    return (tensors, runs), report


def describe(z, other):
    """The smallest gap between the first six logits, and a line that says whether
    the logits are fit for a comparison: of order one and moved by the input."""
    top = np.sort(z)[::-1][:6]
    gap = np.min(top[:-1] - top[1:]) / z.std()
    return gap, "std %5.2f  largest %6.2f  moved by another input %4.2f of std  gap %.3f of std" % (
        z.std(), np.abs(z).max(), (z - other).std() / z.std(), gap)


def write_files(case, row, seed, result):
    tensors, runs = result
    listed = [{"height": h, "width": w, "logits": len(z), "embedding": len(e)} for h, w, z, e in runs]
    head = json.dumps(dict(row, seed=seed, runs=listed), indent=2)
    lines = ",\n    ".join(json.dumps(t) for t in tensors)
    text = head[: head.rindex("\n}")] + ',\n  "tensors": [\n    ' + lines + "\n  ]\n}\n"
    json.loads(text)
    (HERE / (case + ".json")).write_text(text)
    np.concatenate([v for r in runs for v in r[2:]]).astype("<f4").tofile(HERE / (case + ".f32"))
