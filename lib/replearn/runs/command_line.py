"""A recipe outside the notebook: ``python -m replearn.runs vicreg --data cifar10``, or ``cookbook train``."""

import argparse
import sys
from pathlib import Path

from lightning_fabric import Fabric

from replearn.methods.named import METHODS
from replearn.runs.run_data import LARGE, SMALL
from replearn.runs.running import OPTIMIZERS, run
from replearn.runs.settings import ENCODERS, settings_for
from replearn.training.progress import NonFiniteLossError


def arguments(words):
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="replearn.runs", description=__doc__)
    parser.add_argument("recipe", help=", ".join(METHODS))
    known = f"{', '.join((*SMALL, *LARGE))}, or a folder that holds train/CLASS/*.jpg (and val/CLASS/*.jpg)"
    parser.add_argument("--data", default="mnist_10k", help=known)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, curves and scores")
    parser.add_argument("--encoder", choices=ENCODERS)
    parser.add_argument("--optimizer", choices=tuple(OPTIMIZERS))
    for name in ("steps", "batch-size", "warmup", "d-hidden", "dim", "seed"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("lr", "weight-decay"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--mask-ratio", type=float, help="share of the patches that masked families hide")
    parser.add_argument("--micro-batches", type=int, help="parts of a batch that is too large for the memory")
    parser.add_argument("--clip", type=float, help="largest norm of the gradient")
    parser.add_argument("--side", type=int, help="height and width of a folder's images")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--devices", default="auto", help="number of devices, or auto: all of them (one CPU process)")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--precision", default="32-true", help="32-true, bf16-mixed, 16-mixed, ... (Lightning Fabric)")
    parser.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    parser.add_argument("--workers", type=int, default=2, help="processes that read a folder's images")
    parser.add_argument("--compile", action="store_true", dest="compiled", help="compile the networks (torch.compile)")
    parser.add_argument("--restart", action="store_true", help="begin anew although there is a checkpoint")
    return parser.parse_args(words)


def main(words=None):
    """Run from the command line; what is wrong is said in a sentence."""
    given = vars(arguments(words))
    folder = given.pop("out")
    how = {name: given.pop(name) for name in ("checkpoint_every", "restart", "workers", "compiled")}
    devices = given.pop("devices")
    fabric = Fabric(
        accelerator=given.pop("accelerator"), devices=devices if devices == "auto" else int(devices),
        num_nodes=given.pop("nodes"), precision=given.pop("precision"), strategy="auto",
    )  # fmt: skip
    try:
        settings = settings_for(given.pop("recipe"), given.pop("data"), **given)
        fabric.launch()
        result = run(settings, folder, fabric=fabric, **how)
    except (ValueError, FileNotFoundError, NonFiniteLossError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if fabric.is_global_zero:
        shown = ", ".join(f"{name} {value}" for name, value in result.items())
        print(f"{shown}\n{folder}: settings.json, images.json, checkpoint.pt, metrics.csv, result.json")
