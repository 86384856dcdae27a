"""What a run tells while it goes, and what it leaves behind for plotting."""

import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import torch
from tqdm.auto import tqdm

from replearn.training.checkpoint import CheckpointFile
from replearn.training.settings import LoopSettings

if TYPE_CHECKING:  # slow to import
    from lightning_fabric import Fabric


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite."""


@dataclass
class History:
    """The loss and the learning rate of every step of a run, and whether it was interrupted.

    Examples
    --------
    >>> History(loss=[0.5], lr=[0.1]).interrupted
    False
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    interrupted: bool = False

    def state_dict(self) -> dict[str, list[float]]:
        """Return the curves, for a checkpoint."""
        return {"loss": list(self.loss), "lr": list(self.lr)}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Take the curves of a checkpoint."""
        self.loss, self.lr = list(state["loss"]), list(state["lr"])


class LossLog:
    """Keep losses on the device and bring them to the history and the progress bar in one transfer every few steps.

    The bar (loss, learning rate, images per second) is silent under CI, where ``TQDM_DISABLE`` is set, and on every
    process but the first.
    """

    def __init__(
        self, history: History, fabric: "Fabric", settings: LoopSettings, every: int, file: CheckpointFile
    ) -> None:
        self.history, self.fabric, self.batch_size, self.every = history, fabric, settings.batch_size, every
        self.file = file
        self.waiting: list[tuple[torch.Tensor, float]] = []
        quiet = any(os.environ.get(name, "0") not in ("", "0") for name in ("CI", "TQDM_DISABLE"))
        self.bar = tqdm(
            total=settings.steps,
            initial=len(history.loss),
            unit="step",
            leave=False,
            disable=quiet or not fabric.is_global_zero,
        )

    def add(self, loss: torch.Tensor, lr: float) -> None:
        """Take the next step's loss, a scalar on the device, and its learning rate."""
        self.waiting.append((loss.detach(), lr))
        if len(self.waiting) == self.every:
            self.read()

    def read(self) -> None:
        """Bring the waiting losses to the history; raise ``NonFiniteLossError`` if one is NaN or infinite."""
        if not self.waiting:
            return
        losses, rates = zip(*self.waiting, strict=True)
        self.waiting = []
        means: torch.Tensor = self.fabric.all_reduce(torch.stack(losses))  # type: ignore[assignment]  # typed too widely
        for loss, lr in zip(means.tolist(), rates, strict=True):
            if not math.isfinite(loss):
                self._stop(f"the loss is {loss}", len(self.history.loss), lr)
            self.history.loss.append(loss)
            self.history.lr.append(lr)
        if not self.bar.disable:
            self._show(len(losses))

    def check(self, method: torch.nn.Module) -> None:
        """Read, and raise ``NonFiniteLossError`` unless every weight is finite: what is saved next is good."""
        self.read()
        if not all(torch.isfinite(p).all() for p in method.state_dict().values()):
            self._stop("a weight is NaN or infinite after the update", len(self.history.loss) - 1, self.history.lr[-1])

    def close(self) -> None:
        """Read what waits, and remove the bar."""
        try:
            self.read()
        finally:
            self.bar.close()

    def _show(self, steps: int) -> None:
        seconds = self.bar.format_dict["elapsed"]
        speed = (self.bar.n - self.bar.initial + steps) * self.batch_size / max(seconds, 1e-9)
        loss, lr = self.history.loss[-1], self.history.lr[-1]
        self.bar.set_postfix_str(f"loss {loss:.4g}, lr {lr:.2g}, {speed:.0f} images/s", refresh=False)
        self.bar.update(steps)

    def _stop(self, what: str, step: int, lr: float) -> NoReturn:
        kept = (
            f"the last good checkpoint holds {self.file.saved} steps"
            if self.file.saved
            else "no checkpoint was written"
        )
        raise NonFiniteLossError(
            f"{what} at step {step}, where the learning rate is {lr:.3g}; {kept}. "
            "Lower lr, lengthen warmup, or look into the loss"
        )
