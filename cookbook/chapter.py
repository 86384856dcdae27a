"""One open chapter: its card, scale and seed, and the claims it has measured so far."""

import os
import random
from html import escape

import numpy as np
from IPython.display import display
from threadpoolctl import threadpool_limits

from cookbook import style
from cookbook.book import Book
from cookbook.claims import ClaimsFailed, ClaimsTable, make_claim

SCALES = ("fast", "toy", "paper")


class Chapter:
    """Open a chapter: seed every generator, set the style of the figures, and show the card.

    ``scale`` is "fast" (tests), "toy" (the reader's default) or "paper" (a GPU); the environment variable
    COOKBOOK_SCALE overrides it. ``device`` is the accelerator at scale "paper" where there is one, else the CPU, so
    that what a reader measures does not depend on their machine.
    """

    def __init__(self, slug, *, scale="toy", seed=0):
        self.scale = os.environ.get("COOKBOOK_SCALE") or scale
        if self.scale not in SCALES:
            raise ValueError(f"scale must be one of {', '.join(SCALES)}, but is {self.scale!r}")
        if int(seed) != seed or seed < 0:
            raise ValueError(f"seed must be an integer, at least 0, but is {seed!r}")
        self.seed = int(seed)
        self.card = Book.here().find(slug)
        self.device = _start_torch(self.seed, self.scale)
        self.claims = []
        random.seed(self.seed)
        np.random.seed(self.seed)
        style.use()
        display(self)

    def pick(self, *, fast, toy, paper=None):
        """Return the value for this chapter's scale; ``paper`` is ``toy`` where it is not given."""
        return {"fast": fast, "toy": toy, "paper": toy if paper is None else paper}[self.scale]

    def claim(self, id, text, *, measured, unit="", paper="", source=None, control=False, **bound):
        """Record what is claimed and what was measured; the verdict counts when ``report`` is called.

        ``measured`` is a number, or one for each seed: then each must hold. The bound is one of ``below``, ``above``,
        ``between=(low, high)`` and ``close_to=(value, tolerance)``. ``source`` says who claims it where that is not the
        card's first paper; ``control`` marks what a sound experiment must *not* do. Running the cell again replaces it.
        """
        source = source or self.card.source
        claim = make_claim(id, text, measured=measured, unit=unit, paper=paper, source=source, control=control, **bound)
        kept = {c.id: c for c in self.claims} | {id: claim}
        self.claims = list(kept.values())
        return claim

    def verdicts(self):
        """Print each claim's name and verdict: text that is the same on every machine."""
        print("\n".join(f"{claim.verdict}  {claim.id}" for claim in self.claims))

    def report(self):
        """Show the table of claims, and raise ``ClaimsFailed`` where one does not hold."""
        display(ClaimsTable(self.card.slug, self.scale, self.seed, self.claims))
        failed = [claim for claim in self.claims if not claim.holds]
        if failed:
            raise ClaimsFailed(
                f"{len(failed)} of {len(self.claims)} claims do not hold:\n" + "\n".join(map(str, failed))
            )

    def _repr_html_(self):
        card = self.card
        rows = [f"<b>{paper.html()}</b>" if i == 0 else paper.html() for i, paper in enumerate(card.references)]
        needs = ", ".join(f"<code>{escape(slug)}</code>" for slug in card.needs) or "no other chapter"
        rows.append(f"Needs {needs} · {card.minutes} minutes to read · scale <b>{self.scale}</b>, seed {self.seed}")
        if card.gpu:
            rows.append(f"Scale <code>paper</code> asks for: {escape(card.gpu)}")
        style_ = "border-left:4px solid #0072b2;padding:0.3em 0.9em"
        return f'<div style="{style_}">{"<br>".join(rows)}</div>'

    def __repr__(self):
        return f"{self.card.title} ({self.card.source}), scale {self.scale}, seed {self.seed}"


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
