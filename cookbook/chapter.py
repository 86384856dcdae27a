"""One open page of a chapter: its card, scale and seed, its drawings, and the claims it has measured so far."""

import difflib
import importlib.util
import os
import random
from functools import cached_property

import numpy as np
from IPython.display import display
from threadpoolctl import threadpool_limits

from cookbook import style
from cookbook.book import Book
from cookbook.claims import ClaimsFailed, ClaimsTable
from cookbook.errors import BookError
from cookbook.navigation import Footer, Header

SCALES = ("fast", "toy", "paper")


class Chapter:
    """Open a page: seed every generator, set the style of the figures, and show the chapter's card.

    ``name`` is the page's: ``"contrastive"`` is the lesson, ``"contrastive_lab"`` its lab. ``scale`` is "fast" (tests),
    "toy" (the reader's default) or "paper" (a GPU); the environment variable COOKBOOK_SCALE overrides it. ``device`` is
    the accelerator at scale "paper" where there is one, else the CPU, so that what a reader measures does not depend on
    their machine.
    """

    def __init__(self, name, *, scale="toy", seed=0):
        self.scale = os.environ.get("COOKBOOK_SCALE") or scale
        if self.scale not in SCALES:
            raise ValueError(f"scale must be one of {', '.join(SCALES)}, but is {self.scale!r}")
        if int(seed) != seed or seed < 0:
            raise ValueError(f"seed must be an integer, at least 0, but is {seed!r}")
        self.seed = int(seed)
        self._book = Book.here()
        self._page = self._book.page(name)
        self.card = self._page.chapter.card
        self.measured = {}
        self.device = _start_torch(self.seed, self.scale)
        random.seed(self.seed)
        np.random.seed(self.seed)
        style.use()
        display(Header(self._book, self._page, self.scale, self.seed))

    def pick(self, *, fast, toy, paper=None):
        """Return the value for this chapter's scale; ``paper`` is ``toy`` where it is not given."""
        return {"fast": fast, "toy": toy, "paper": toy if paper is None else paper}[self.scale]

    @cached_property
    def figures(self):
        """The chapter's drawings: the module in ``figures.py`` beside the notebook."""
        path = self._page.chapter.figures
        if not path.exists():
            raise BookError(f"{self._page.chapter.slug} has no drawings: there is no {path.name} beside its notebooks")
        spec = importlib.util.spec_from_file_location(f"figures_{self._page.chapter.slug}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def measure(self, claim, **numbers):
        """Show a claim of the card with the numbers found for it; the verdict counts when ``report`` is called.

        ``numbers`` gives each of the claim's measures a number, or one for each seed: then each must hold. Running
        the cell again replaces what was found.
        """
        claims = self.card.claims
        if claim not in claims:
            near = difflib.get_close_matches(claim, claims, 1, 0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(claims) or 'none'}"
            raise ValueError(f"the card of {self._page.chapter.slug} has no claim {claim!r}; {hint}")
        self.measured[claim] = claims[claim].measured(**numbers)
        display(self.measured[claim])

    def report(self):
        """Show the table of claims, and raise ``ClaimsFailed`` where one does not hold."""
        found = list(self.measured.values())
        display(ClaimsTable(self._page.name, self.scale, self.seed, found))
        failed = [claim for claim in found if not claim.holds]
        if failed:
            raise ClaimsFailed(f"{len(failed)} of {len(found)} claims do not hold:\n" + "\n".join(map(str, failed)))

    def footer(self):
        """Show where to go from here: the chapter's other pages, and the chapters before and after it."""
        display(Footer(self._book, self._page))


def _start_torch(seed, scale):
    """Seed torch and return the device of this scale; imported here so that the command line starts at once.

    Below scale "paper" everything runs on one thread: sums then come out the same on any number of cores, and small
    networks are quicker for it.
    """
    import torch

    torch.manual_seed(seed)
    if scale != "paper":
        threadpool_limits(1)
        torch.set_num_threads(1)
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
