"""A new chapter: every section in its place, and a claim that fails until it is measured."""

import re

from cookbook.book import FILE_NAME, BookError, slug_of

TEMPLATE = """\
# ---
# jupyter:
#   cookbook:
#     title: {title}
#     promise: One sentence on what the reader can do after this chapter.
#     papers: [{paper}]
#     needs: []
#     minutes: 20
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {title}
#
# After this chapter you can ...

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
import matplotlib.pyplot as plt
import numpy as np

import cookbook as cb

ch = cb.Chapter("{slug}", scale=scale, seed=seed)

# %% [markdown]
# ## The question

# %% [markdown]
# ## The mathematics

# %% [markdown]
# ## From scratch

# %% [markdown]
# ## The theorem, tested

# %%
ch.claim("what-the-paper-claims", "One sentence, and where the paper says it", measured=np.nan, below=1e-6)

# %% [markdown]
# ## The experiment

# %% [markdown]
# ## Play


# %%
def draw(fig, lam):
    ax = fig.subplots()
    ax.plot(np.linspace(0, 1) ** lam)


cb.explore(draw, lam=cb.log_slider(1, 0.1, 10))

# %% [markdown]
# ## What breaks

# %% [markdown]
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1.** ...

# %% tags=["solution"] jupyter={{"source_hidden": true}}
plt.close("all")

# %% [markdown]
# ## References
"""


def new_chapter(book, place, *, title, paper):
    """Write the skeleton of the chapter at ``place``, such as "2_spectral/02_kernel_regime", and return its path."""
    place = re.sub(r"\.(py|ipynb)$", "", place)
    folder, _, stem = place.rpartition("/")
    path = book.folder / folder / f"{stem}.py"
    folders = [part.folder for part in book.parts]
    if folder not in folders or not FILE_NAME.fullmatch(path.name):
        raise BookError(
            f"{place!r} is not <part>/<NN>_<slug>, such as 2_spectral/02_kernel_regime; parts: {', '.join(folders)}"
        )
    slug = slug_of(path)
    if slug in book.slugs():
        raise BookError(f"there is a chapter {slug!r} already")
    if paper not in book.papers:
        raise BookError(f"chapters/papers.bib has no entry {paper!r}; add it first")
    path.parent.mkdir(exist_ok=True)
    title = title or slug.replace("_", " ").capitalize()
    path.write_text(TEMPLATE.format(title=title, paper=paper, slug=slug), "utf-8")
    return path
