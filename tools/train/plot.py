"""Draws the log of a training run and the calibration of the finished model as SVG.

    python3 tools/train/plot.py LOG.csv CALIBRATION.csv OUT_FOLDER
"""
import csv
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "glance", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
                            "grid.alpha": 0.3, "figure.figsize": (7, 4), "font.size": 10})
from matplotlib import pyplot


def columns(path):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    return {name: [float(row[name]) if row[name] else None for row in rows] for name in rows[0]}


def pairs(x, y):
    both = [(a, b) for a, b in zip(x, y) if b is not None]
    return [a for a, _ in both], [b for _, b in both]


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    print(path)


def training(log, path):
    epochs = [e + 1 for e in log["epoch"]]
    figure, accuracy = pyplot.subplots()
    accuracy.plot(*pairs(epochs, log["top5"]), color="tab:cyan", label="top-5, validation")
    accuracy.plot(*pairs(epochs, log["top1"]), color="tab:blue", label="top-1, validation")
    accuracy.set(xlabel="epoch", ylabel="%", ylim=(0, 100))
    loss = accuracy.twinx()
    loss.spines["right"].set_visible(True)
    loss.grid(False)
    loss.plot(epochs, log["train_loss"], color="tab:orange", label="loss, training (smoothed targets)")
    loss.set(ylabel="nats")
    lines = accuracy.get_lines() + loss.get_lines()
    accuracy.legend(lines, [line.get_label() for line in lines], frameon=False, loc="upper right")
    save(figure, path)


def calibration(bins, path):
    figure, axes = pyplot.subplots(figsize=(5, 5))
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    axes.plot(*pairs([c or 0 for c in bins["confidence"]], bins["accuracy"]), marker="o", label="model")
    total = sum(bins["pictures"])
    axes.bar([(a + b) / 2 for a, b in zip(bins["from"], bins["to"])], [n / total for n in bins["pictures"]],
             width=1 / len(bins["from"]), color="tab:blue", alpha=0.2, label="share of pictures")
    axes.set(xlabel="probability of the first answer", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend(frameon=False)
    save(figure, path)


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    out = pathlib.Path(sys.argv[3])
    training(columns(sys.argv[1]), out / "training.svg")
    calibration(columns(sys.argv[2]), out / "calibration.svg")


if __name__ == "__main__":
    main()
