"""What the book's tools raise for a reader's mistake, and for a chapter that stops."""

from dataclasses import dataclass
from pathlib import Path


class BookError(Exception):
    """The book does not hold what was asked for; the message says what to do."""


@dataclass
class RunFailed(Exception):
    """A chapter stopped: which cell, why, and where the executed notebook was kept."""

    cell: int
    reason: str
    details: str
    kept: Path
