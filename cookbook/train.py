"""A recipe outside the notebook: the science runs in a process of its own, and its curves are drawn here."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

from cookbook.book import BookError

RUNNER = "replearn.runs"


def train(root, words):
    """Hand a command line to the runner and draw what it measured; return its exit code."""
    words = list(words)
    asks_for_help = {"-h", "--help"} & set(words)
    if "--out" not in words and not asks_for_help:
        words += ["--out", str(_folder(root, words))]
    runner = subprocess.Popen([sys.executable, "-m", RUNNER, *words])
    # Ctrl-C reaches the runner too, which then ends in good order: wait for that.
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = runner.wait()
    signal.signal(signal.SIGINT, ours)
    if code == 0 and not asks_for_help and _is_first_process():
        draw(Path(words[words.index("--out") + 1]))
    return code


def draw(folder):
    """Draw the loss and the learning rate of a run into its folder as ``curves.png``.

    The drawing library is imported here, so that the command line starts at once.
    """
    from matplotlib import pyplot as plt

    from cookbook import style

    path = folder / "metrics.csv"
    if not path.is_file():
        raise BookError(f"{folder} holds no metrics.csv; `cookbook train` writes it")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [[float(value) for value in row] for row in list(csv.reader(file))[1:]]
    step, loss, lr = zip(*rows, strict=True)
    style.use()
    fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), width_ratios=[2, 1], layout="constrained")
    left.plot(step, loss, lw=1, color=style.color("vicreg"))
    left.set(xlabel="step", title=f"loss, {loss[-1]:.4g} at the end")
    right.plot(step, lr, color=style.color("theory"))
    right.set(xlabel="step", title="learning rate")
    fig.savefig(folder / "curves.png")
    plt.close(fig)


def _folder(root, words):
    data = words[words.index("--data") + 1] if "--data" in words[:-1] else "mnist_10k"
    recipe = next((word for word in words if not word.startswith("-")), "run")
    return root / "runs" / "train" / f"{recipe}-{Path(data).name}"


def _is_first_process():
    """Whether this is the first of the processes that torchrun or SLURM started."""
    return os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
