"""What the library's tests share."""

import pytest
from hypothesis import settings

from replearn.recipes import tiny_mnist

# The same examples at every run and few of them, and no clock: a property test fails where the library does.
settings.register_profile("book", derandomize=True, max_examples=15, deadline=None, database=None)
settings.load_profile("book")


@pytest.fixture(autouse=True, scope="session")
def quiet():
    """No progress bars."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")
        yield


@pytest.fixture(scope="session")
def mnist():
    """Digits of 14 x 14 pixels, standardized: the data of the tiny convnet."""
    return tiny_mnist()


@pytest.fixture(scope="session")
def raw_mnist():
    """The same digits with black 0: the data of the tiny MLP."""
    return tiny_mnist(standardized=False)
