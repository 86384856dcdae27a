"""A recipe outside the notebook: ``python -m replearn.runs vicreg --data cifar10``, or ``cookbook train``."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from replearn.methods.named import METHODS
from replearn.runs.run_data import LARGE, SMALL
from replearn.runs.running import run
from replearn.runs.settings import Settings, settings_for
from replearn.training.progress import NonFiniteLossError

OPTIONS = [part for part in fields(Settings) if part.name not in ("recipe", "data")]


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line, whose options for the training are the fields of ``Settings``."""
    parser = argparse.ArgumentParser(prog="replearn.runs", description=__doc__)
    parser.add_argument("recipe", help=", ".join(METHODS))
    known = f"{', '.join((*SMALL, *LARGE))}, or a folder that holds train/CLASS/*.jpg (and val/CLASS/*.jpg)"
    parser.add_argument("--data", default="mnist_10k", help=known)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, curves and scores")
    training = parser.add_argument_group("training", "defaults suit recipe and data")
    for option in OPTIONS:
        training.add_argument(
            _flag(option), type=_type(option), help=option.metadata.get("help"), choices=option.metadata.get("choices")
        )
    machine = parser.add_argument_group("machine", "what may change between a run and its continuation")
    machine.add_argument("--accelerator", default="auto")
    machine.add_argument("--devices", default="auto", help="number of devices, or auto: all of them (one CPU process)")
    machine.add_argument("--nodes", type=int, default=1)
    machine.add_argument("--precision", default="32-true", help="32-true, bf16-mixed, 16-mixed, ... (Lightning Fabric)")
    machine.add_argument("--checkpoint-every", type=int, default=100, help="steps")
    machine.add_argument("--workers", type=int, default=2, help="processes that read a folder's images")
    machine.add_argument("--compile", action="store_true", dest="compiled", help="compile the networks (torch.compile)")
    machine.add_argument("--restart", action="store_true", help="begin anew although there is a checkpoint")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> None:
    """Run from the command line; what is wrong is said in a sentence."""
    asked = arguments(words)
    try:
        fabric = Fabric(
            accelerator=asked.accelerator,
            devices=asked.devices if asked.devices == "auto" else int(asked.devices),
            num_nodes=asked.nodes,
            precision=asked.precision,
        )
        given = {option.name: getattr(asked, option.name) for option in OPTIONS}
        settings = settings_for(asked.recipe, asked.data, **given)
        fabric.launch()
        result = run(
            settings,
            asked.out,
            fabric=fabric,
            checkpoint_every=asked.checkpoint_every,
            restart=asked.restart,
            workers=asked.workers,
            compiled=asked.compiled,
        )
    except (ValueError, FileNotFoundError, NonFiniteLossError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    if fabric.is_global_zero:
        shown = ", ".join(f"{name} {value}" for name, value in result.items())
        print(f"{shown}\n{asked.out}: settings.json, images.json, checkpoint.pt, metrics.csv, result.json")


def _flag(option: Field) -> str:
    return "--" + option.name.replace("_", "-")


def _type(option: Field) -> Any:
    return float if option.type == float | None else option.type
