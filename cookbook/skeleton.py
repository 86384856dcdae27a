"""A new chapter: a folder with every page in its place, and claims that fail until they are measured."""

import re
from string import Template

from cookbook.book import FOLDER_NAME, slug_of
from cookbook.errors import BookError
from cookbook.files import write_text

CARD = """\
title: $title
promise: One sentence on what the reader can do after this chapter.
papers: [$paper]
where: the section that the chapter takes up
needs: []
level: 2
minutes: {read: 30, run: 1, exercises: 60}
symbols:
  w: the weight that the chapter is about
claims:
  first:
    says: One sentence that a reader could quote.
    source: $paper, Theorem 1
    role: message
    measures:
      error: {is: relative distance to the closed form, below: 1.0e-6}
  control:
    says: What must not happen does not happen.
    source: this book
    role: control
    measures:
      error: {is: the same distance for a method that is broken on purpose, above: 0.1}
  further:
    says: What the lesson has no room for.
    source: $paper, Section 4
    role: message
    measures:
      error: {is: relative distance, below: 1.0e-6}
"""

OPEN = """\
# %% [markdown]
# # $heading
#
# $first

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np

import cookbook as cb

ch = cb.Chapter("$name", scale=scale, seed=seed)
"""

LESSON = (
    OPEN
    + """
# %% [markdown]
# ## 1 · A question that someone would ask
#
# A picture first, then three to six sentences with the one formula that answers it.
#
# *Guess first:* what do you expect the next number to be?

# %%
ch.measure("first", error=np.nan)

# %% [markdown]
# **What you saw.** One sentence.
#
# > **Check yourself.** One question.

# %%
cb.explore(ch.figures.power, w=cb.log_slider(1, 0.1, 10))

# %%
ch.measure("control", error=np.nan)

# %% [markdown]
# ## Summary

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 5 min. A question.
#
# <details><summary>Hint</summary>A hint.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
"""
)

LAB = (
    OPEN
    + """
# %%
ch.measure("further", error=np.nan)

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●●● 60 min. A question of research.
#
# <details><summary>Hint</summary>A hint.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
"""
)

SOLUTIONS = (
    OPEN
    + """
# %% [markdown] tags=["solution"]
# **1** ●○○ 5 min. The question again, and its answer.

# %% [markdown] tags=["solution"]
# **L1** ●●● 60 min. The question again, and its answer.

# %%
ch.footer()
"""
)

FIGURES = '''\
"""The drawings of the chapter; ``ch.figures`` loads them."""

import numpy as np


def power(fig, w):
    """The curve that the slider bends."""
    ax = fig.subplots()
    ax.plot(np.linspace(0, 1) ** w)
'''


def new_chapter(book, place, *, title, paper):
    """Write the folder of the chapter at ``place``, such as "2_spectral/02_kernel_regime", and return its path."""
    part, _, name = place.strip("/").rpartition("/")
    folder = book.folder / part / name
    parts = [part.folder for part in book.parts]
    if part not in parts or not FOLDER_NAME.fullmatch(name):
        raise BookError(
            f"{place!r} is not <part>/<NN>_<slug>, such as 2_spectral/02_kernel_regime; parts: {', '.join(parts)}"
        )
    slug = slug_of(folder)
    if slug in book.slugs() or folder.exists():
        raise BookError(f"there is a chapter {slug!r} already")
    if re.search(r"_(lab|solutions)$", slug):
        raise BookError(f"{slug!r} would be taken for a page of another chapter: choose another name")
    if paper not in book.papers:
        raise BookError(f"chapters/papers.bib has no entry {paper!r}; add it first")
    title = title or slug.replace("_", " ").capitalize()
    folder.mkdir(parents=True)
    pages = {
        f"{slug}.py": (LESSON, title, "After this lesson you can ..."),
        f"{slug}_lab.py": (LAB, f"{title}: lab", "For those who want more."),
        f"{slug}_solutions.py": (SOLUTIONS, f"{title}: solutions", "Try first."),
    }
    for file, (template, heading, first) in pages.items():
        fields = {"heading": heading, "first": first, "name": file.removesuffix(".py")}
        write_text(folder / file, Template(template).substitute(fields))
    write_text(folder / "figures.py", FIGURES)
    write_text(folder / "card.yaml", Template(CARD).substitute(title=title, paper=paper))
    return folder
