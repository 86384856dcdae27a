# %% [markdown]
# # Cross-entropy inverts the world: lab
#
# The [lesson](cross_entropy_identifiability.ipynb) proved that a classifier finds the places of things, and watched one do it. Here is the rest, in sections that hardly need each other: the globe unfolding, heads with rows of unit length, too few towns, how steep the clouds may be, sixteen outputs, and digits on a line.
#
# The symbols are those of the lesson: a place $u$ on the sphere, centres $v_c$, concentration $\kappa$, embeddings $z$, rows $w_c$ of the head, and the matrix $F$ with $z = F u$.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from collections import namedtuple
from functools import partial

import torch
from torch import nn
from torch.nn import functional

import cookbook as cb
from replearn import data, evaluation, models, recipes, training
from replearn.papers import cross_entropy_identifiability as paper

ch = cb.Chapter("cross_entropy_identifiability_lab", scale=scale, seed=seed)
steps = ch.pick(fast=300, toy=450)
Run = namedtuple("Run", "world places towns x z encoder head gap best")

# %% [markdown]
# The training of the lesson, in a form that takes variants: `head` makes the head, and `watch` may look at the network while it trains. `train_best_of` starts again while the gap, the loss above the best possible one, is more than 0.04 nats.

# %%
world = data.latent_world(3, n_classes=20, kappa=5.0, seed=ch.seed)
everything = []  # every start of every training, for a figure in section D


def linear_head(d, names):
    return nn.Linear(d, names, bias=False)


def build(seed, d=3, names=20, head=linear_head):
    with training.seeded(seed):
        return models.mlp_head(d, 64, d, layers=4), head(d, names)


def batch(n, generator, world):
    places, towns = world.classes(n, generator)
    return world.render(places), towns


# %%
def learn(world, seed, head=linear_head, watch=None, steps=steps, starts=4):
    places, towns = world.classes(4000, torch.Generator().manual_seed(1000 + seed))
    x, (names, d) = world.render(places), world.centres.shape
    best = data.bayes_cross_entropy(world.centres, world.kappa, places, towns)
    make, draw = partial(build, d=d, names=names, head=head), partial(batch, world=world)
    loop = {"lr": 0.03, "seed": 10 * seed, "starts": starts, "monitor_for": watch, "log_every": steps // 20}
    made = recipes.train_best_of(make, draw, (x, towns, best), steps, **loop)
    runs = [Run(world, places, towns, x, training.features(m.encoder, x), *m, best) for m in made]
    everything.extend(runs)
    return runs[0]


# %% [markdown]
# ## A · The globe unfolds
#
# Twenty times during training we look at the network: at the globe that the best affine map makes of its embeddings, at the $R^2$ of the places, and at the gap. *Guess first:* does the globe come up like a photograph, everywhere at once, or piece by piece?

# %%
places, towns = world.classes(2000, torch.Generator().manual_seed(7))
x, wires = world.render(places), world.render(ch.figures.WIRES.reshape(-1, 3))
best = data.bayes_cross_entropy(world.centres, world.kappa, places, towns)
albums = {}


def photographer(encoder, head):
    def look(step, _):
        z, grid = training.features(encoder, x), training.features(encoder, wires)
        gap = functional.cross_entropy(head(z), towns).item() - best
        pictures.append((step, ch.figures.linear_map(z, places)(grid), evaluation.linear_r2(z, places), gap))

    pictures = albums[encoder] = []
    return look


# %%
sphere = learn(world, ch.seed, watch=photographer)
pictures = albums[sphere.encoder]
cb.explore(ch.figures.unfolding, pictures, picture=(0, len(pictures) - 1))

# %% [markdown]
# **What you saw.** Drag `picture`: a crumpled sheet unfolds. The round shape comes first, everywhere at once; the creases go last. $R^2$ (blue) rises while the gap (orange) closes.
#
# ## B · Unit rows leave only a rotation
#
# The theorem leaves one matrix $F$ free, and line 3 of its proof, solved for the head, says $w_c = B v_c + b$ with $B = \kappa F^{-\top}$ and one vector $b$. Now demand rows of **unit length**. Since $\|v_c\| = 1$ as well, $\|B v_c + b\|^2 = 1$ can be written
#
# $$ v_c^\top Y v_c + y^\top v_c = 0 , \qquad Y = B^\top B - (1 - \|b\|^2)\, I , \quad y = 2 B^\top b . $$
#
# One such equation for each centre: all centres lie on a *second quadric* beside the sphere, unless $Y = 0$ and $y = 0$. There are $d(d+3)/2$ unknowns in $Y$ and $y$, so that many centres in general position (nine, for the globe) leave no second quadric. Then $b = 0$, $B^\top B = I$, and $F = \kappa O$ with a rotation $O$ (or a reflection). The condition on the quadric is this book's remark; the paper speaks of generic centres.

# %% [markdown]
# Regress $z$ on $u$ without an intercept: that estimates $F$. The **stretch** is the largest over the smallest singular value, minus 1; it is 0 for a rotation. Three heads: rows of unit length (`UnitRows`), free rows, and free rows that start three times as long in one direction.
#
# *Guess first:* will training shrink the long direction back, though the loss has no reason to?


# %%
def stretched_head(d, names):
    head = linear_head(d, names)
    head.weight.data[:, 0] *= 3
    return head


free = {"unit rows": learn(world, ch.seed, head=models.UnitRows), "free rows": sphere}
free["free rows,\nstretched start"] = learn(world, ch.seed, head=stretched_head)

# %%
matrices = {name: torch.linalg.lstsq(run.places, run.z).solution for name, run in free.items()}
singular = {name: torch.linalg.svdvals(F) / world.kappa for name, F in matrices.items()}
stretch = {name: (sizes[0] / sizes[-1] - 1).item() for name, sizes in singular.items()}
ch.measure("unit-rows", stretch=stretch["unit rows"], length=singular["unit rows"].mean().item())
ch.measure("free-rows", stretch=stretch["free rows,\nstretched start"])
ch.figures.singular_values(singular)

# %% [markdown]
# **What you saw.** With unit rows the three dots lie together at $\kappa$, or a little below, as training is finite. With free rows the spread is an accident of the start, and all three runs have nearly the best loss: the loss cannot see $F$.
#
# Are twenty towns in general position? Write the products $v_{ca} v_{cb}$ and the coordinates of each centre into a row: a second quadric is a vector that this matrix sends to 0.

# %%
a, b = torch.triu_indices(3, 3)
terms = torch.cat([world.centres[:, a] * world.centres[:, b], world.centres], dim=1)
print(f"rank {torch.linalg.matrix_rank(terms)} of 9: no second quadric through all twenty towns")

# %% [markdown]
# > **Check yourself.** Why can there be no such guarantee with eight towns?
#
# ## C · Four dimensions, thirty towns or three
#
# Nothing was special about three dimensions. In four, thirty towns are plenty; three are two fewer than the five whose differences span four dimensions. *Guess first:* which of the two trainings has the larger gap?

# %%
world4 = data.latent_world(4, n_classes=30, kappa=5.0, seed=ch.seed)
thirty = learn(world4, ch.seed)
few = world4._replace(centres=world4.centres[:3])
three, longer = (learn(few, ch.seed, steps=n) for n in (steps, ch.pick(fast=400, toy=3 * steps)))


def missing(values, run):
    return 1 - evaluation.linear_r2(values, run.places)


# %%
inside = [paper.within_classes(part, thirty.towns) for part in (thirty.z, thirty.places)]
ch.measure("four-dimensions", missing=missing(thirty.z, thirty), within=1 - evaluation.linear_r2(*inside))
ch.measure("three-towns", missing=missing(three.z, three), gap=three.gap)
for name, run in {"thirty": thirty, "three": three, "three, longer": longer}.items():
    r2 = f"R² from x {1 - missing(run.x, run):.2f}, from z {1 - missing(run.z, run):.2f}"
    print(f"{name}: {r2}, gap {run.gap:.3f} nats, {run.gap / run.best:.3f} of the best loss")

# %% [markdown]
# **What you saw.** With three towns the embeddings know less of the places than $x$ itself, and the loss does not complain. Three names tell two numbers; the rest of the place is no help in naming, so it goes. Training three times as long brings the loss closer to the best, and the places no closer.
#
# ## D · How steep may the clouds be?
#
# On the globe, change $\kappa$, one start each. At $\kappa = 1$ the clouds are nearly all of the globe, and a name says little. At 50 they are islands: chances are nearly 0 or 1 almost everywhere.
#
# *Guess first:* the theorem holds for every $\kappa > 0$. Where will training fail, on the left, on the right, on both sides?

# %%
kappas = [1, 2, 5, 10, 20, 50]
short = ch.pick(fast=120, toy=300)
sweep = [learn(world._replace(kappa=float(kappa)), ch.seed, steps=short, starts=1) for kappa in kappas]
drawn = []
for run in sweep:
    globe = ch.figures.linear_map(run.z, run.places)(training.features(run.encoder, wires))
    drawn.append((globe, 1 - missing(run.z, run), run.gap))
cb.explore(ch.figures.steepness, kappas, drawn, kappa=kappas)

# %% [markdown]
# **What you saw.** Drag `kappa`. We had expected a fall on the left, for lack of signal; with endless data there is hardly any. It is on the right, where clusters hardly overlap and there is little in the chances to learn from: the same number of steps stops short of the minimum. The paper, too, finds large $\kappa$ hard.
#
# When does the loss tell? Put every start of this page into one picture, with the gap as a share of the best loss (at $\kappa = 50$ that is itself a fraction of a nat, and no gap could be large).

# %%
holds, fails = [], []
for run in everything:
    dots = fails if run.world.centres.shape == (3, 4) else holds
    dots.append((run.gap / run.best, 1 - missing(run.z, run)))
ch.figures.when_the_loss_tells(holds, fails)

# %% [markdown]
# *Look to the left.* Where the assumption on the centres holds (black), a small share goes with a large $R^2$, and training that stopped short shows in its loss. The orange dots are the world of three towns, trained once and three times as long. The loss comes within about 1 % of the best possible one, while a third of the places stays missing.
#
# ## E · Nobody said three
#
# In the lesson the encoder had as many outputs as the world has dimensions. Give it **sixteen**, and give each thing three more coordinates, normal noise that has nothing to do with its town and is mixed into $x$ by the same kind of glass. By line 3 all differences of scores are linear in $u$, so the scores, 20 numbers for each thing, must fill just three dimensions. *Guess first:* what share of their variance lies beyond three directions, before and after training?

# %%
noisy = data.latent_world(3, n_classes=20, kappa=5.0, style=3, seed=ch.seed)
things = batch(4000, torch.Generator().manual_seed(1000 + ch.seed), noisy)[0]


def made(seed):
    with training.seeded(seed):
        return models.mlp_head(6, 64, 16, layers=4), linear_head(16, 20)


def shares(encoder, head):
    scores = training.features(nn.Sequential(encoder, head), things).double()
    scores = scores - scores.mean(dim=1, keepdim=True)  # the softmax sees only differences
    sizes = torch.linalg.svdvals(scores - scores.mean(dim=0)).square()
    return sizes / sizes.sum()


# %%
untrained = torch.stack([shares(*made(10 * ch.seed + k)) for k in range(10)])
encoder, head = made(10 * ch.seed)
recipes.train_ce(encoder, head, partial(batch, world=noisy), steps, lr=0.03, seed=ch.seed)
before, after = untrained.mean(0), shares(encoder, head)
ch.measure("three-unasked", beyond=after[3:].sum().item(), before=before[3:].sum().item())
ch.figures.directions(before, after)

# %% [markdown]
# **What you saw.** Nobody told the network that there are three dimensions. Its scores count them.
#
# ## F · Digits on a line
#
# The lesson's control, on real images: the digits are shifted as there, but the 16 centres lie on a horizontal line, so their differences span one dimension. The clouds are as round as before. *Guess first:* what do the two outputs hold of the shift down?

# %%
digits = recipes.tiny_mnist(standardized=False)
line = functional.pad(torch.linspace(-1.2, 1.2, 16)[:, None], (0, 1))
old, new = (
    paper.shifted_digits(images, line, 4000, torch.Generator().manual_seed(99 + ch.seed))
    for images in (digits.x_train, digits.x_test)
)
encoder = paper.train_digit_locator(digits.x_train, line, steps=ch.pick(fast=200, toy=400), seed=ch.seed)


# %%
def within_cells(encode, axis):
    z, z_new = (paper.within_classes(encode(part.x), part.cells) for part in (old, new))
    u, u_new = (paper.within_classes(part.shifts, part.cells)[:, axis] for part in (old, new))
    return evaluation.r2_probe(z, u, z_new, u_new, standardize=False)


along, across = (within_cells(partial(training.features, encoder), axis) for axis in (0, 1))
pixels = within_cells(lambda x: x, 1)
ch.measure("shift-on-a-line", along=1 - along, across=across, pixels=pixels)
ch.figures.digit_map(new, training.features(encoder, new.x), along, "along the line")

# %% [markdown]
# **What you saw.** *Compare the colours with those of the lesson*: along the line the classifier knows where the digit stands. Up and down it has forgotten, with the same images, the same network and as many names.
#
# ## Summary
#
# 1. Training unfolds the globe, and the gap closes with it.
# 2. Rows of unit length leave only a rotation, if the centres lie on no second quadric.
# 3. Too few names lose dimensions without a trace in the loss; clouds that hardly overlap lose them too, but there the loss tells.
# 4. The scores count the dimensions of the world, however many outputs the encoder has.
# 5. On digits too, what the centres do not span is forgotten.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 15 min. Take any invertible $3 \times 3$ matrix $F$ and any vector $b$. Which head $w_c$ gives $z = F u$ the chances of the true posterior? Check it for random $F$ and $b$.
#
# <details><summary>Hint</summary>You want $w_c^\top F u = \kappa v_c^\top u$ up to something that is the same for all classes.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 45 min. Eight towns on the globe. Find a second quadric through them, and from it a head of unit rows $B v_c + b$ with the true posterior whose $B$ is no rotation.
#
# <details><summary>Hint</summary>The quadric is the null vector of the 8 × 9 matrix of section B. Set $B^\top B = (1 - \|b\|^2)\, I + \epsilon Y$ for a small $\epsilon$, and repeat until $b$ stands still.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 60 min. Other clouds. Draw places with $p(u \mid c) \propto e^{-2.5 \|u - v_c\|_p^p}$. For $p = 2$ this is the lesson's (1) with $\kappa = 5$; for $p = 1$ inner products are the wrong scores. How much of the places is found?
#
# <details><summary>Hint</summary>To draw a place given $c$, draw a few dozen uniformly and choose one of them with probability in proportion to this density.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
