"""Changing a file in a test."""


def edit(path, old, new):
    """Replace ``old``, which must be there, by ``new`` in the file at ``path``."""
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), "utf-8")
