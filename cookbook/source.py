"""Showing the library's own code inside a chapter."""

import ast
import inspect
import textwrap

from IPython.display import Code, display


def show_source(obj):
    """Display the highlighted source of a function or class, without its docstring: the chapter has told the story."""
    try:
        source = textwrap.dedent(inspect.getsource(obj))
    except TypeError:
        raise ValueError(f"show_source needs a function, class or module, not {type(obj).__name__}") from None
    display(Code(_without_docstring(source) if inspect.getdoc(obj) else source, language="python"))


def _without_docstring(source):
    node = ast.parse(source).body[0]
    first = node.body[0]
    lines = source.splitlines()
    return "\n".join(lines[: first.lineno - 1] + lines[first.end_lineno :])
