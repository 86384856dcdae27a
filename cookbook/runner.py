"""Executing a chapter with papermill."""

import ast
import os
from contextlib import contextmanager
from pathlib import Path

import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from cookbook.errors import BookError, RunFailed
from cookbook.files import replacing
from cookbook.notebooks import read_source, strip_colour, tagged


def execute(page, output, *, parameters=None, timeout=None, on_cell=lambda cell, total: None, **environment):
    """Execute a page's source from top to bottom and return the executed notebook, which is kept at ``output``.

    ``parameters`` replace those of the cell tagged "parameters"; ``timeout`` (seconds) bounds each cell;
    ``on_cell(number, total)`` is called as each starts; ``environment`` sets the kernel's variables. Raises
    ``RunFailed``, and ``BookError`` for a parameter that the chapter does not have.
    """
    notebook = read_source(page)
    _check_parameters(page, notebook, parameters or {})
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    total, reached = len(notebook.cells) + bool(parameters), 0

    def started(cell, cell_index):
        nonlocal reached
        reached = cell_index + 1
        on_cell(reached, total)

    def stopped(reason, details=""):
        return RunFailed(reached, reason, details, output)

    try:
        with (
            _environment(COOKBOOK_SCALE=None, PYDEVD_DISABLE_FILE_VALIDATION="1", **environment),
            _kept(output) as partial,
        ):
            return papermill.execute_notebook(
                notebook, partial, parameters, kernel_name="python3", cwd=page.path.parent, progress_bar=False,
                execution_timeout=timeout, on_cell_start=started, store_widget_state=False,
                extra_arguments=["--log-level=CRITICAL"],
            )  # fmt: skip
    except PapermillExecutionError as error:
        raise stopped(f"{error.ename}: {error.evalue}", strip_colour("\n".join(error.traceback))) from None
    except CellTimeoutError:
        raise stopped(f"the cell took more than {timeout:g} seconds; give it more with --timeout") from None
    except DeadKernelError:
        raise stopped("the kernel died, most often for want of memory; try --scale fast") from None


@contextmanager
def _kept(output):
    """Yield where to write; what a run that stops has written takes the place of ``output`` too."""
    stopped = None
    with replacing(output) as partial:
        try:
            yield partial
        except (PapermillExecutionError, CellTimeoutError, DeadKernelError) as error:
            stopped = error
    if stopped:
        raise stopped


def _check_parameters(page, notebook, parameters):
    known = dict(pair for cell in tagged(notebook, "parameters") for pair in _assigned(cell.source))
    unknown = [name for name in parameters if name not in known]
    if unknown:
        raise BookError(f"{page.name} has no parameter {', '.join(unknown)}; it has {', '.join(known) or 'none'}")
    for name, value in parameters.items():
        if not _suits(value, known[name]):
            raise BookError(f"{name} of {page.name} is {known[name]!r} by default: {value!r} cannot stand in its place")


def _assigned(source):
    """The (name, value) of each plain assignment."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, ast.literal_eval(node.value)


def _suits(value, default):
    if isinstance(value, bool):
        return isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, (int, float))
    return isinstance(value, type(default))


@contextmanager
def _environment(**values):
    before = {name: os.environ.get(name) for name in values}
    try:
        _set(values)
        yield
    finally:
        _set(before)


def _set(values):
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
