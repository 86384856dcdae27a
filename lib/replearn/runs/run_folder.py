"""The folder that a run leaves: what was asked, the checkpoint, the curves and the scores."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from torch import nn

from replearn.data import Compose
from replearn.runs.building import make_method
from replearn.runs.run_data import Prepare, RunData
from replearn.runs.settings import Settings
from replearn.training.checkpoint import read_checkpoint
from replearn.training.progress import History

CHECKPOINT = "checkpoint.pt"


class Run(NamedTuple):
    """A run that was loaded: what was asked, the trained networks in evaluation mode, and the curves.

    ``prepare`` goes before the encoder: it takes images as ``replearn.data.load`` gives them, where those are bytes.
    Masked methods have no ``projector``: there it leaves features as they are.
    """

    settings: Settings
    prepare: Prepare
    encoder: nn.Module
    projector: nn.Module
    history: History


def load_run(folder: str | Path) -> Run:
    """Load what ``run`` left in a folder, on the CPU; the data set is not needed.

    Parameters
    ----------
    folder : path-like
        The folder, ``--out`` of ``cookbook train``.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If the folder holds no run.
    ValueError
        If the checkpoint is damaged.
    """
    folder = Path(folder)
    missing = [name for name in ("settings.json", "images.json", CHECKPOINT) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} holds no run of `cookbook train`: there is no {', '.join(missing)}")
    settings, images = Settings(**_read(folder, "settings")), _read(folder, "images")
    method = make_method(settings, tuple(images["shape"]), Compose(), Compose())
    parts = read_checkpoint(folder / CHECKPOINT)["parts"]
    method.load_state_dict(parts["method"])
    history = History()
    history.load_state_dict(parts["history"])
    projector = getattr(method, "projector", nn.Identity())
    return Run(settings, Prepare(images["mean"], images["std"]), method.encoder.eval(), projector.eval(), history)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a run's folder and hold it, for one run at a time; what a killed one had half written is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            for partial in folder.glob("*.partial"):
                partial.unlink()
            yield
    except Timeout:
        raise ValueError(f"{folder} is in use by another run: wait for its end, or choose another --out") from None


def write_run(folder: Path, settings: Settings, data: RunData, history: History, result: dict[str, Any]) -> None:
    """Write what ``load_run`` reads beside the checkpoint, and what people read: curves and scores."""
    images = {"shape": data.shape, "mean": data.prepare.mean, "std": data.prepare.std}
    for name, content in (("settings", asdict(settings)), ("images", images), ("result", result)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2), "utf-8")
    with (folder / "metrics.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "lr"])
        writer.writerows(zip(range(len(history.loss)), history.loss, history.lr, strict=True))


def _read(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / f"{name}.json").read_text("utf-8"))
