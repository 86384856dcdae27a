"""Writing files so that neither a full disk nor an interruption destroys what was there."""

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path):
    """Yield a new file's path beside ``path``; it takes the place of ``path`` when the block ends without an error."""
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    partial = Path(name)
    try:
        partial.chmod(path.stat().st_mode if path.exists() else 0o644)
        yield partial
        os.replace(partial, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def write_text(path, text):
    """Write ``text`` in UTF-8 to ``path``: all of it, or nothing."""
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
