"""Writes the averaged weights of a training run as a checkpoint for tools/quantize.

They may be averaged once more, with those of an earlier epoch (Wortsman et al. 2022, "Model soups").
The statistics of the batch norms are estimated again, on training pictures seen as
at evaluation: during training they belong to other weights and to augmented pictures.
"""
import argparse
import pathlib

import torch
import torchvision

import data
import train


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", required=True, help="folder tiny-imagenet-200")
    parser.add_argument("--out", default="build/train", help="folder of the run; model.pth and labels.txt are written there")
    parser.add_argument("--earlier", help="checkpoint of an earlier epoch, such as checkpoint-62.pt, to average the weights with")
    parser.add_argument("--share", type=float, default=0.4, help="weight of the earlier checkpoint in that average")
    parser.add_argument("--size", type=int, default=160, help="side of the input")
    parser.add_argument("--batches", type=int, default=200, help="of 100 training pictures, for the statistics; 0 keeps those of the run")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


@torch.no_grad()
def estimate(network, pixels, size, batches, device):
    """Sets running means and variances to their averages over batches of 100 pictures."""
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    network.train()
    order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))
    for i, indices in enumerate(order[:100 * batches].split(100)):
        for norm in norms:
            norm.momentum = 1 / (i + 1)
        network(data.normalise(data.resize(data.batch(pixels, indices, device), size)))


def main():
    o = options()
    out = pathlib.Path(o.out)
    network = torchvision.models.mobilenet_v3_small(num_classes=200).to(o.device, memory_format=torch.channels_last)
    saved = torch.load(out / "checkpoint.pt", map_location="cpu")
    state = saved["average"]
    if o.earlier:
        earlier = torch.load(o.earlier, map_location="cpu")["average"]
        state = {name: v.lerp(earlier[name], o.share) if v.is_floating_point() else v for name, v in state.items()}
    network.load_state_dict(state)
    tests = data.load(o.data, "val", o.out)

    def report(what):
        print("%s: top-1 %.2f %%, top-5 %.2f %%, cross entropy %.4f" % (what, *train.evaluate(network, *tests, o.size, o.device)), flush=True)

    report(f"epoch {saved['epoch']}, {o.size} px, statistics of the run")
    if o.batches:
        estimate(network, data.load(o.data, "train", o.out)[0], o.size, o.batches, o.device)
        report("statistics estimated again")
    torch.save(network.cpu().state_dict(), out / "model.pth")
    _, names = data.classes(o.data)
    (out / "labels.txt").write_text("".join(name + "\n" for name in names))
    print(out / "model.pth")


if __name__ == "__main__":
    main()
