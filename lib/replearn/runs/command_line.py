"""A recipe outside the notebook: ``python -m replearn.runs vicreg --data cifar10``, or ``cookbook train``."""

import argparse
import hashlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, NoReturn

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.exceptions import MisconfigurationException

from replearn.methods.named import METHODS
from replearn.runs.run_data import LARGE, SMALL
from replearn.runs.running import run
from replearn.runs.settings import Settings, settings_for
from replearn.training.progress import NonFiniteLossError

INTERRUPTED = 130
OPTIONS = [part for part in fields(Settings) if part.name not in ("recipe", "data")]


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line, whose options for the training are the fields of ``Settings``."""
    parser = argparse.ArgumentParser(prog="replearn.runs", description=__doc__)
    parser.add_argument("recipe", help=", ".join(METHODS))
    known = f"{', '.join((*SMALL, *LARGE))}, or a folder that holds train/CLASS/*.jpg (and val/CLASS/*.jpg)"
    parser.add_argument("--data", default="mnist_10k", help=known)
    parser.add_argument("--out", type=Path, help="folder of checkpoint, curves and scores; made of recipe and data")
    parser.add_argument("--runs", type=Path, default=Path("runs/train"), help="where that folder is made without --out")
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
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
    asked = parser.parse_args(words)
    asked.out = asked.out or asked.runs / folder_name(asked.recipe, asked.data)
    return asked


def folder_name(recipe: str, data: str) -> str:
    """The folder of a run that names none: a folder of images is told from others of its name by its whole path."""
    if data in (*SMALL, *LARGE):
        return f"{recipe}-{data}"
    path = Path(data).resolve()
    return f"{recipe}-{path.name}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"


def main(words: Sequence[str] | None = None) -> None:
    """Run from the command line; what is wrong is said in a sentence: exit code 2 for the words, 1 for the run."""
    asked = arguments(words)
    signal.signal(signal.SIGTERM, lambda number, frame: os.kill(os.getpid(), signal.SIGINT))  # ends as Ctrl-C does
    try:
        fabric = Fabric(
            accelerator=asked.accelerator,
            devices=_devices(asked.devices),
            num_nodes=asked.nodes,
            precision=asked.precision,
        )
        given = {option.name: getattr(asked, option.name) for option in OPTIONS}
        settings = settings_for(asked.recipe, asked.data, **given)
        fabric.launch()
        _limit_threads(fabric, settings)
        result = run(
            settings,
            asked.out,
            fabric=fabric,
            checkpoint_every=asked.checkpoint_every,
            restart=asked.restart,
            workers=asked.workers,
            compiled=asked.compiled,
        )
    except (ValueError, TypeError, MisconfigurationException) as error:
        _end(error, 2)
    except (OSError, NonFiniteLossError, torch.OutOfMemoryError) as error:
        _end(error, 1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    if fabric.is_global_zero:
        _show(asked, result)
    if result["interrupted"]:
        sys.exit(INTERRUPTED)


def _end(error: Exception, code: int) -> NoReturn:
    sentence = " ".join(str(error).split())
    print(f"{type(error).__name__}: {sentence}", file=sys.stderr)
    sys.exit(code)


def _show(asked: argparse.Namespace, result: dict[str, Any]) -> None:
    if asked.json:
        print(json.dumps(result | {"folder": str(asked.out)}))
    else:
        shown = ", ".join(f"{name} {value}" for name, value in result.items())
        print(f"{shown}\n{asked.out}: settings.json, images.json, checkpoint.pt, metrics.csv, result.json")


def _devices(text: str) -> str | int:
    if text == "auto":
        return text
    if not (text.isdecimal() and int(text) > 0):
        raise ValueError(f"--devices must be auto or a number of devices, at least 1, but is {text!r}")
    return int(text)


def _limit_threads(fabric: Fabric, settings: Settings) -> None:
    """Small networks on a CPU are trained by one thread, as in the chapters: many are slower, and cost their time."""
    if fabric.device.type == "cpu" and settings.data in SMALL and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def _flag(option: Field) -> str:
    return "--" + option.name.replace("_", "-")


def _type(option: Field) -> Any:
    return float if option.type == float | None else option.type
