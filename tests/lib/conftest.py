"""What the library's tests share."""

import pytest

from replearn.recipes import tiny_mnist


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """No progress bars."""
    monkeypatch.setenv("TQDM_DISABLE", "1")


@pytest.fixture(scope="session")
def mnist():
    """Digits of 14 x 14 pixels, standardized: the data of the tiny convnet."""
    return tiny_mnist()


@pytest.fixture(scope="session")
def raw_mnist():
    """The same digits with black 0: the data of the tiny MLP."""
    return tiny_mnist(standardized=False)
