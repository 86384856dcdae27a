"""The examples in the library's docstrings are executed, and no function of a room goes without one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import replearn
from replearn import data, evaluation, losses, methods, models, recipes, runs, spectral, splines, training

NEEDS_FILES = {"load_run", "run", "image_folders"}  # shown by the tests
MODULES = [
    module.name
    for module in pkgutil.walk_packages(replearn.__path__, "replearn.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert found.failed == 0


@pytest.mark.parametrize(
    "room",
    [data, evaluation, losses, methods, models, recipes, runs, spectral, splines, training],
    ids=lambda room: room.__name__,
)
def test_every_function_and_method_shows_an_example(room):
    shown = {name: getattr(room, name) for name in room.__all__}
    without = [
        name
        for name, value in shown.items()
        if name not in NEEDS_FILES and (inspect.isfunction(value) or _is_method(value)) and ">>>" not in value.__doc__
    ]
    assert not without


def _is_method(value):
    return inspect.isclass(value) and issubclass(value, training.Method) and value is not training.Method
