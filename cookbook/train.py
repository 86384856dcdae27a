"""A recipe outside the notebook: the science runs in a process of its own, and its curves are drawn here."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from cookbook.book import BookError

RUNNER = "replearn.runs"


def train(root, words):
    """Hand a command line to the runner, show what it measured and draw its curves; return its exit code."""
    words = list(words)
    if {"-h", "--help"} & set(words):
        return subprocess.run([sys.executable, "-m", RUNNER, *words]).returncode
    words = ["--runs", str(root / "runs" / "train"), "--json", *words]
    runner = subprocess.Popen([sys.executable, "-m", RUNNER, *words], stdout=subprocess.PIPE, text=True)
    # Ctrl-C reaches the runner too, which then ends in good order: wait for that. SIGTERM is passed on.
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, lambda *_: runner.terminate())
    said, _ = runner.communicate()
    signal.signal(signal.SIGINT, ours[0]), signal.signal(signal.SIGTERM, ours[1])
    if said and _is_first_process():
        result = json.loads(said.splitlines()[-1])
        _show(result)
        if not result["interrupted"]:
            draw(Path(result["folder"]))
    return runner.returncode


def _show(result):
    """The result of a run as a table, and where the rest is."""
    table = Table(show_header=False, box=SIMPLE)
    for name, value in result.items():
        if name == "folder":
            continue
        table.add_row(name, f"{value:.4g}" if isinstance(value, float) else str(value))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{result['folder']}: settings, checkpoint, metrics.csv, result.json, curves.png", soft_wrap=True)


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


def _is_first_process():
    """Whether this is the first of the processes that torchrun or SLURM started."""
    return os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
