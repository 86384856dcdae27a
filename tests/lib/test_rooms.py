"""The rooms of the library: their lists are true, nothing hides behind a name, and importing one costs little."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import replearn

ROOT = Path(replearn.__file__).parent
STUBS = sorted(ROOT.glob("*/**/__init__.pyi"))
ROOMS = [".".join(("replearn", *stub.parent.relative_to(ROOT).parts)) for stub in STUBS]


def listed(stub):
    """The (module, name) pairs that a room's stub gives out."""
    lines = ast.parse(stub.read_text()).body
    return [(line.module, alias.name) for line in lines for alias in line.names]


def test_every_room_has_a_list():
    rooms = {path.parent for path in ROOT.glob("*/**/__init__.py")} - {ROOT / "papers"}
    assert rooms == {stub.parent for stub in STUBS}


@pytest.mark.parametrize("room", ["replearn", *ROOMS])
def test_every_listed_name_can_be_imported(room):
    found = importlib.import_module(room)
    for name in found.__all__:
        assert getattr(found, name) is not None
        assert name in dir(found)


@pytest.mark.parametrize("stub", STUBS, ids=ROOMS)
def test_no_name_hides_behind_a_module_of_its_room(stub):
    """A submodule, once imported, takes the place of a lazy name that is spelled alike."""
    modules = {path.stem for path in stub.parent.iterdir()}
    assert not {name for _, name in listed(stub)} & modules


@pytest.mark.parametrize("stub", STUBS, ids=ROOMS)
def test_a_list_gives_names_from_where_they_are_defined_and_each_once(stub):
    pairs = listed(stub)
    assert len({name for _, name in pairs}) == len(pairs)
    room = ".".join(("replearn", *stub.parent.relative_to(ROOT).parts))
    for module, name in pairs:
        value = getattr(importlib.import_module(f"{room}.{module}"), name)
        if inspect.isfunction(value) or inspect.isclass(value):
            assert value.__module__ == f"{room}.{module}", f"{name} is defined in {value.__module__}"


def test_a_room_is_read_when_it_is_asked_for():
    code = "import sys, replearn; from replearn import losses; print('replearn.losses.contrastive' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
