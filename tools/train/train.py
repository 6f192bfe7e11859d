"""Trains MobileNetV3-small on Tiny ImageNet from random initialisation. See README.md."""
import argparse
import copy
import csv
import os
import pathlib
import shutil
import sys
import time

# On a CPU, memory that is handed back to the system after each layer costs a sixth of
# the time, and as much the threads of OpenBLAS, which poll for work next to a process
# for each core. The libraries read these only when a program starts.
ENVIRONMENT = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "100000000",
    "OPENBLAS_NUM_THREADS": "1",
}
if __name__ == "__main__" and not all(name in os.environ for name in ENVIRONMENT):
    os.execve(sys.executable, [sys.executable] + sys.argv, {**ENVIRONMENT, **os.environ})

import torch
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F
import torchvision

import data
import ops
import unfold

COLUMNS = ["epoch", "size", "learning_rate", "train_loss", "top1", "top5", "loss", "seconds"]


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", required=True, help="folder tiny-imagenet-200")
    parser.add_argument("--out", default="build/train", help="checkpoints, log and decoded pictures; a run found there goes on")
    parser.add_argument("--start", help="blob whose weights a new run begins with, such as that of weights/, in place of random ones")
    parser.add_argument("--epochs", type=int, default=68)
    parser.add_argument("--decay", type=int, default=38, help="epochs at the end over which the learning rate falls to 0")
    parser.add_argument("--sizes", default="0:64,7:96,52:128,64:160", help="side of the input from an epoch on, EPOCH:PIXELS,...")
    parser.add_argument("--keep", type=int, default=62, help="epochs after which a checkpoint is kept for export.py --earlier")
    parser.add_argument("--evaluate", type=int, default=2, help="epochs between evaluations")
    parser.add_argument("--batch", type=int, default=128, help="pictures a step, of all processes together")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--ema", type=float, default=0.9995, help="decay of the averaged weights, per step")
    parser.add_argument("--cutmix", type=float, default=0, help="share of steps")
    parser.add_argument("--smoothing", type=float, default=0.1, help="label smoothing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="on a CPU; one is used on a GPU")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def side(sizes, epoch):
    steps = [tuple(map(int, step.split(":"))) for step in sizes.split(",")]
    return [pixels for start, pixels in steps if start <= epoch][-1]


def rate(o, progress):
    """Learning rate after progress epochs: one epoch up, level, then down to 0."""
    return o.rate * max(0, min(1, progress + 0.01, (o.epochs - progress) / o.decay))


class Optimizer:
    """AdamW, and the running average of the weights, over all parameters as one vector.

    The vectors lie in shared memory: each process puts its gradient into its own row and then
    updates its own part of the parameters, which the other processes see.
    """

    def __init__(self, o, network, average, processes):
        named = list(network.parameters())
        count = sum(p.numel() for p in named)

        def vector(*shape):
            v = torch.zeros(*shape, device=o.device)
            return v.share_memory_() if processes > 1 else v

        self.o, self.processes = o, processes
        self.weights, self.averages, self.first, self.second, self.decay = (vector(count) for _ in range(5))
        self.gradients = vector(processes, count)
        self.barrier = multiprocessing.get_context("fork").Barrier(processes)
        at = 0
        for p, a in zip(named, average.parameters()):
            part = slice(at, at + p.numel())
            self.weights[part] = p.detach().reshape(-1)
            self.averages[part] = a.detach().reshape(-1)
            self.decay[part] = o.weight_decay if p.ndim > 1 else 0
            p.data, a.data = self.weights[part].view(p.shape), self.averages[part].view(p.shape)
            at += p.numel()

    def attach(self, network, rank):
        """Makes the network's gradients those of this process."""
        at = 0
        for p in network.parameters():
            p.grad = self.gradients[rank, at:at + p.numel()].view(p.shape)
            at += p.numel()

    @torch.no_grad()
    def step(self, rank, number, rate, keep):
        self.barrier.wait()
        count = self.weights.numel()
        part = slice(rank * count // self.processes, (rank + 1) * count // self.processes)
        gradient = self.gradients[:, part].mean(0)
        weights, first, second = self.weights[part], self.first[part], self.second[part]
        first.lerp_(gradient, 0.1)
        second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
        root = second.div(1 - 0.999 ** number).sqrt_().add_(1e-8)
        weights.addcmul_(weights, self.decay[part], value=-rate)
        weights.addcdiv_(first, root, value=-rate / (1 - 0.9 ** number))
        self.averages[part].lerp_(weights, 1 - keep)
        self.barrier.wait()

    def state(self):
        return {"first": self.first, "second": self.second}

    def load(self, state):
        self.first.copy_(state["first"])
        self.second.copy_(state["second"])


def build(o):
    torch.manual_seed(o.seed)
    network = torchvision.models.mobilenet_v3_small(num_classes=200).to(o.device, memory_format=torch.channels_last)
    if o.device == "cpu" and not ops.convert(network):
        print("No C compiler: training takes about half as long again.", flush=True)
    return network


@torch.no_grad()
def evaluate(network, pixels, labels, size, device):
    """Top-1 and top-5 in percent, and the cross entropy."""
    network.eval()
    top1 = top5 = loss = 0
    for indices in torch.arange(len(labels)).split(100):
        logits = network(data.normalise(data.resize(data.batch(pixels, indices, device), size)))
        expected = labels[indices].to(device)
        best = logits.topk(5).indices == expected[:, None]
        top1 += best[:, 0].sum().item()
        top5 += best.sum().item()
        loss += F.cross_entropy(logits, expected, reduction="sum").item()
    return 100 * top1 / len(labels), 100 * top5 / len(labels), loss / len(labels)


def train(rank, o, processes, network, average, optimizer, first):
    if processes > 1:
        torch.set_num_threads(1)
    optimizer.attach(network, rank)
    out = pathlib.Path(o.out)
    pixels, labels = data.load(o.data, "train", o.out)
    tests = data.load(o.data, "val", o.out)
    share = o.batch // processes
    steps = len(labels) // o.batch

    for epoch in range(first, o.epochs):
        started, total, size = time.time(), 0.0, side(o.sizes, epoch)
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(o.seed * 1000 + epoch))
        generator = torch.Generator().manual_seed((o.seed * 1000 + epoch) * 100 + rank)
        network.train()
        for step in range(steps):
            number = epoch * steps + step + 1
            indices = order[step * o.batch + rank * share:][:share]
            views = data.views(len(indices), generator)
            images = ops.augment(pixels[indices.numpy()], size, views)
            if images is None:
                images = data.normalise(data.augment(data.batch(pixels, indices, o.device), size, views))
            targets = F.one_hot(labels[indices], 200).float().to(o.device)
            if torch.rand(1, generator=generator).item() < o.cutmix:
                images, targets = data.cutmix(images, targets, generator)
            loss = F.cross_entropy(network(images), targets, label_smoothing=o.smoothing)
            optimizer.gradients[rank].zero_()
            loss.backward()
            keep = min(o.ema, number / (number + 10))
            optimizer.step(rank, number, rate(o, epoch + step / steps), keep)
            total += loss.item()
            if rank:
                continue
            for a, b in zip(average.buffers(), network.buffers()):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)
            if step % 100 == 99:
                speed = o.batch * (step + 1) / (time.time() - started)
                print(f"epoch {epoch} {step + 1}/{steps} {size} px loss {total / (step + 1):.3f} {speed:.0f} images/s", flush=True)
        if rank == 0:
            row = [epoch, size, round(rate(o, epoch + 1), 6), round(total / steps, 4), "", "", "", round(time.time() - started)]
            if (epoch + 1) % o.evaluate == 0 or epoch + 1 == o.epochs:
                row[4:7] = [round(v, 4) for v in evaluate(average, *tests, size, o.device)]
            with open(out / "log.csv", "a", newline="") as log:
                writer = csv.writer(log)
                if log.tell() == 0:
                    writer.writerow(COLUMNS)
                writer.writerow(row)
            print(dict(zip(COLUMNS, row)), flush=True)
            state = {"epoch": epoch, "network": network.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state()}
            torch.save(state, out / "checkpoint.new")
            os.replace(out / "checkpoint.new", out / "checkpoint.pt")
            if epoch + 1 == o.keep:
                shutil.copy(out / "checkpoint.pt", out / f"checkpoint-{o.keep}.pt")
        if processes > 1:
            optimizer.barrier.wait()


def main():
    o = options()
    pathlib.Path(o.out).mkdir(parents=True, exist_ok=True)
    for split in ("train", "val"):
        data.load(o.data, split, o.out)  # decoded once, before the processes start
    network = build(o)
    checkpoint = pathlib.Path(o.out) / "checkpoint.pt"
    if o.start and not checkpoint.exists():
        pixels, _ = data.load(o.data, "train", o.out)
        order = torch.randperm(len(pixels), generator=torch.Generator().manual_seed(o.seed))[:1000]
        unfold.unfold(network, o.start, data.normalise(data.resize(data.batch(pixels, order, o.device), side(o.sizes, 0))))
        print(f"begins with {o.start}", flush=True)
    average = copy.deepcopy(network)
    processes = o.processes if o.device == "cpu" else 1
    optimizer = Optimizer(o, network, average, processes)
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=o.device)
        network.load_state_dict(saved["network"])
        average.load_state_dict(saved["average"])
        optimizer.load(saved["optimizer"])
        first = saved["epoch"] + 1
        print(f"{checkpoint}: going on with epoch {first}", flush=True)
    arguments = (o, processes, network, average, optimizer, first)
    if processes == 1:
        train(0, *arguments)
    else:
        multiprocessing.start_processes(train, arguments, processes, start_method="fork")


if __name__ == "__main__":
    main()
