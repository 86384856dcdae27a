# %% [markdown]
# # Cross-entropy inverts the world
#
# A network that was trained to tell dog breeds apart turns out to know something of how large the dog is and where in the picture it stands, along straight lines of its feature space. Nobody labelled that. Why should a *classifier* know it, and why *linearly*?
#
# After this lesson you can prove in four lines which hidden factors of its data a classifier must find, watch one find them with nothing but class names (or no names at all), and say in which worlds it cannot, however good its loss.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from collections import namedtuple
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import cookbook as cb
from replearn import data, evaluation, models, recipes, training
from replearn.papers import cross_entropy_identifiability as paper

ch = cb.Chapter("cross_entropy_identifiability", scale=scale, seed=seed)
seeds = [ch.seed + k for k in range(ch.pick(fast=1, toy=3))]
Run = namedtuple("Run", "world places towns x z encoder rows gap untrained")  # what a training leaves behind

# %% [markdown]
# ## 1 · Twenty towns on a globe
#
# Here is a world in which the question has an answer. On a globe lie twenty towns. Things are born around them, each at some place. You are told the town of each thing, never the place; and you see the thing only through a distorting glass, an unknown network. Can you draw the map of the globe?

# %%
world = data.latent_world(3, n_classes=20, kappa=5.0, seed=ch.seed)
places, towns = world.classes(600, torch.Generator().manual_seed(ch.seed))
ch.figures.two_globes(world, places, towns)

# %% [markdown]
# *Follow one line of the grid from left to right*: it keeps its colour, and the far side of the globe is grey. Dots are things (those in front), coloured by their town, as far as ten colours go. The glass creases and stretches the globe, but never tears it: two places never look alike.
#
# In symbols, a thing has a **place** $u$ on the sphere $S^{d-1}$ of directions in $d$ dimensions (a globe has $d = 3$). Nobody sees $u$: it is **latent**. You see $x = \mathrm{render}(u)$. Class $c$ has a **centre** $v_c$ on the sphere, its town, and a thing of that class is born at $u$ with density
#
# $$ p(u \mid c) \propto e^{\kappa\, v_c^\top u} . \tag{1} $$
#
# It is highest at the town and falls off evenly all around; the **concentration** $\kappa$, here 5, says how steeply. All classes are equally frequent.

# %% [markdown]
# ## 2 · What one name says about a place
#
# The clouds of the towns overlap. So even someone who *sees* the place $u$ can only give each town a chance, by Bayes' rule. All towns are equally frequent, and (1) lacks only a factor that is the same for all of them, as every cloud has the same shape. So
#
# $$ p(c \mid u) = \frac{e^{\kappa\, v_c^\top u}}{\sum_j e^{\kappa\, v_j^\top u}} , \tag{2} $$
#
# a softmax of $\kappa\, v_c^\top u$. Take the two things of town 0 that lie farthest apart.
#
# *Guess first:* both are labelled "town 0". Will someone who knows (2) give them the same chances?

# %%
born_near = places[towns == 0]
distances = torch.cdist(born_near, born_near)
one, other = divmod(distances.argmax().item(), len(born_near))
pair = born_near[[one, other]]
chances = (world.kappa * pair @ world.centres.T).softmax(dim=1)
ch.figures.two_things(world, pair, chances)

# %% [markdown]
# **What you saw.** Not at all. One label says little about the place, but the best answer to "which town?" is *twenty chances*, and these change with the place: the neighbouring towns bid too.
#
# > **Check yourself.** Suppose the clouds did not overlap at all. What would (2) say of a place then? ([Answers](cross_entropy_identifiability_solutions.ipynb))
#
# ## 3 · From chances to the place
#
# In a ratio of two chances the sum in (2) cancels. The logarithm takes away the exponentials, and what is left is *linear in the place*:
#
# $$ \log \frac{p(i \mid u)}{p(j \mid u)} = \kappa\, (v_i - v_j)^\top u . \tag{3} $$
#
# Each pair of towns gives one linear equation for the unknown $u$. Solve them all: no training, only a logarithm and least squares. (`lstsq` returns the shortest solution where there are several.) *Guess first:* how many towns are needed on a globe? Two, three, four, or all twenty?


# %%
def places_from(chances, centres, kappa=5.0):
    log_ratios = (chances / chances[:, :1]).log()[:, 1:]  # each town against the first one
    differences = kappa * (centres[1:] - centres[0])
    return torch.linalg.lstsq(differences, log_ratios.T, driver="gelsd").solution.T


# %% [markdown]
# Drag `towns`, and choose where they `lie`: anywhere, on a great circle such as the equator, or on a small circle such as the Arctic Circle. On the left are the true globe and the towns; on the right, the globe as `places_from` draws it from the chances.

# %%
cb.explore(
    ch.figures.rebuilt,
    world.centres.double(),
    places_from,
    towns=(2, 12),
    lie=["anywhere", "on a great circle", "on a small circle"],
)

# %% [markdown]
# **What you saw.** Two towns give a line, three a flat disc, four the globe: the differences $v_i - v_j$ of *four* towns span three dimensions. On one circle, great or small, no number of towns is enough, as all their differences lie in its plane; what stands upright on that plane is lost.
#
# **Now a network.** An encoder $f$ turns $x$ into an embedding $z = f(x)$ of $d$ numbers. A linear head without bias has a row $w_c$ for each class, and gives class $c$ the score $w_c^\top z$. Training lowers the **cross-entropy**, the mean surprise at the right name, in nats:
#
# $$ \mathcal L = \mathbb E \Big[ -\log \frac{e^{w_c^\top z}}{\sum_j e^{w_j^\top z}} \Big] . \tag{4} $$
#
# **Theorem.** *If the differences of the centres span all $d$ dimensions, then at the minimum of (4) $z = F u$ with one invertible matrix $F$.*

# %% [markdown]
# **Proof**, in four lines.
#
# 1. At a given $x$, (4) is the entropy of the true chances plus their divergence from the network's, which is never negative, and 0 only if the two agree. So at the minimum the network's softmax *is* the true posterior.
# 2. Two places never look alike, so to see $x$ is to know $u$: the true posterior is (2).
# 3. Take log-ratios on both sides. For all $i, j$ and each place, $(w_i - w_j)^\top z = \kappa\, (v_i - v_j)^\top u$.
# 4. Put $d$ independent differences $v_i - v_j$ as rows into a matrix $V$, and the same differences of the $w$ into $U$: $\ U z = \kappa V u$. Since $V$ is invertible and the $u$ span $d$ dimensions, so do the values $U z$. Hence $U$ is invertible too, and $z = F u$ with $F = \kappa\, U^{-1} V$.
#
# Whatever the glass did, the encoder has undone it, but for one matrix. Line 1 needs an encoder rich enough to reach the minimum, and training that gets there.
#
# > **Check yourself.** Multiply all $z$ by 2 and all $w_c$ by ½. What happens to the loss, and what does that say about $F$?
#
# ## 4 · Does training get there?
#
# The network sees $x$ and the names of towns. Every batch is drawn anew, so there is nothing to memorise.


# %%
steps = ch.pick(fast=300, toy=450)


def networks(seed, names=20):
    with training.seeded(seed):
        return models.mlp_head(3, 64, 3, layers=4), nn.Linear(3, names, bias=False)


def batch(n, generator, world):
    places, towns = world.classes(n, generator)
    return world.render(places), towns


# %% [markdown]
# Since the world is ours, we know the smallest possible loss, that of the true posterior (2). The difference to it is the **gap**. Training can get stuck where the globe is folded, and the gap tells: `train_best_of` runs Adam on (4), starts again (four times at most) while the gap is above 0.04 nats, and returns the best run first. The gap is all that it hears of the places. `training.features` computes embeddings.


# %%
def learn(world, seed):
    places, towns = world.classes(4000, torch.Generator().manual_seed(1000 + seed))
    x, names = world.render(places), len(world.centres)
    test = x, towns, data.bayes_cross_entropy(world.centres, world.kappa, places, towns)
    build, draw = partial(networks, names=names), partial(batch, world=world)
    best = recipes.train_best_of(build, draw, test, steps, lr=0.03, seed=10 * seed)[0]
    z, untrained = (training.features(f, x) for f in (best.encoder, networks(10 * seed)[0]))
    rows = best.head.weight.detach()
    return Run(world, places, towns, x, z, best.encoder, rows, best.gap, untrained)


# %% [markdown]
# **The score** is $R^2$: the share of the variance of the places that a linear map of the embedding, with a constant, explains, fitted on half of 4,000 new things and judged on the other half. But a student who knows the *names* alone, and says "at its town", is already right about much of a place. So we also ask **within a town**: `within_classes` takes away the mean of each town from places and embeddings, so that whoever knows the name alone scores 0.
#
# *Guess first:* within a town, how much of a place is linear in $x$ itself? In the embedding of an untrained network? Of a trained one?

# %%
worlds = [data.latent_world(3, n_classes=20, kappa=5.0, seed=s) for s in seeds]
runs = [learn(world, s) for world, s in zip(worlds, seeds, strict=True)]


def within(values, run):
    inside = [paper.within_classes(a, run.towns) for a in (values, run.places)]
    return evaluation.linear_r2(*inside)


# %%
first = runs[0]
names = functional.one_hot(first.towns).double()
for label, a in {"name": names, "x": first.x, "untrained": first.untrained, "trained": first.z}.items():
    print(f"{label:>10}: R² = {evaluation.linear_r2(a, first.places):.2f}, within a town {within(a, first):.2f}")
missing = [1 - evaluation.linear_r2(run.z, run.places) for run in runs]
ch.measure("finds-places", missing=missing, gap=[run.gap for run in runs])

# %%
ch.measure("within-a-town", missing=[1 - within(run.z, run) for run in runs])
seen = [1 - within(run.x, run) for run in runs]
ch.measure("not-before", seen=seen, untrained=[1 - within(run.untrained, run) for run in runs])
ch.figures.three_globes(first)

# %% [markdown]
# **What you saw.** All three globes are drawn by the best linear map of $u$, of $x$, of $z$ to the place: it can turn, stretch and shear, but not unbend. What the eye gets is bent. What the network found is the globe. It was told twenty names, and it knows its way *inside* each town.
#
# > **Check yourself.** Why is $R^2$ within a town smaller than over the whole globe?
#
# ## 5 · When the loss cannot tell
#
# Move all twenty towns to the equator, the plane of the first two coordinates, and train again. The glass stays the same, so the third coordinate, north and south, can be *seen* as well as before. *Guess first:* will the gap be larger? And what becomes of the three coordinates?

# %%
equator = functional.normalize(world.centres * torch.tensor([1.0, 1.0, 0.0]), dim=1)
flat = learn(world._replace(centres=equator), ch.seed)
kept = [evaluation.linear_r2(flat.z, flat.places[:, k]) for k in range(3)]
north_seen = evaluation.linear_r2(flat.x, flat.places[:, 2])
ch.measure("great-circle", found=min(kept[:2]), lost=kept[2], seen=north_seen, gap=flat.gap)
ch.figures.flattened(flat)

# %% [markdown]
# **What you saw.** The plane of the towns is found, north and south are gone, and the loss is as good as in the round world. No better network and no longer training would help: the chances of the names depend on the first two coordinates alone, and are the same for a place and its mirror image across the equator.
#
# ## 6 · No names needed
#
# Suppose nobody knows the towns. Give each *instance* a label of its own: 200 of them, ten to a town, and what we draw for a label are its **views**. Instance $i$ of class $c(i)$ has the centre $v_{c(i)}$. Nothing in the proof asked that centres differ, so it holds as it stands, and by line 3 with $j$ in the class of $i$, $(w_i - w_j)^\top z = 0$ for all $z$: the rows of one class *coincide*. This is instance discrimination, the self-supervised method DIET. *Guess first:* 200 labels, and ten of them always equally likely. Are the places still found?

# %%
member = torch.arange(200) % 20  # the class c(i) of instance i, which the network is never told
unnamed = learn(world._replace(centres=world.centres[member]), ch.seed)
class_means = torch.stack([unnamed.rows[member == c].mean(0) for c in range(20)])
scatter = (unnamed.rows - class_means[member]).square().sum()
share = scatter / (unnamed.rows - unnamed.rows.mean(0)).square().sum()
centres = evaluation.linear_r2(unnamed.rows, world.centres[member])
missing = 1 - within(unnamed.z, unnamed._replace(towns=member[unnamed.towns]))
ch.measure("instance-labels", missing=missing, coincide=share, centres=1 - centres)

# %%
ch.figures.rows(unnamed, member)

# %% [markdown]
# **What you saw.** Each of the 200 small dots is a row of the head, carried to the globe by the best affine map. They were free to go anywhere, and they gather at twenty places, the towns: the network discovered the classes, *and* the places within them.
#
# > **Check yourself.** Solve line 3 for the head: $w_i = \kappa F^{-\top} v_{c(i)} + b$. What is $b$, and why can no loss see it?
#
# ## 7 · Real digits
#
# Now the latent is where a handwritten digit stands in its picture: its shift $u$, right and down, in units of 1.4 pixels. The label is one of 16 cells of a grid, and a cell's shifts are normal around its centre $v_c$, with standard deviation 0.8; cells are 0.8 apart. The digit itself and its writer say nothing of the label. Normal clouds suit the proof if the head has a bias (our remark): $\log p(u \mid c) = v_c^\top u / 0.8^2 - \|v_c\|^2 / (2 \cdot 0.8^2)$ plus a term without $c$.

# %%
digits = recipes.tiny_mnist(standardized=False)
ticks = torch.linspace(-1.2, 1.2, 4)
cells = torch.cartesian_prod(ticks, ticks)
steps = ch.pick(fast=200, toy=400)
encoders = [paper.train_digit_locator(digits.x_train, cells, steps=steps, seed=s) for s in seeds]

# %% [markdown]
# The encoder has two outputs. Again we judge *within* a cell: `r2_probe` fits a linear map to shifted training digits and scores it on test digits. The rivals are five untrained networks of the same shape, and all 196 pixels with a linear map fitted to the shifts. *Guess first:* two outputs against 196 pixels?


# %%
def shifted(images):
    return paper.shifted_digits(images, cells, 4000, torch.Generator().manual_seed(99 + ch.seed))


def within_cells(encode, old, new):
    z, z_new = (paper.within_classes(encode(part.x), part.cells) for part in (old, new))
    u, u_new = (paper.within_classes(part.shifts, part.cells) for part in (old, new))
    return evaluation.r2_probe(z, u, z_new, u_new, standardize=False)


# %%
old, new = shifted(digits.x_train), shifted(digits.x_test)
untrained = [paper.digit_locator(digits.x_train, 16, seed=s)[0] for s in range(5)]
found = np.array([within_cells(partial(training.features, f), old, new) for f in encoders])
chance = np.mean([within_cells(partial(training.features, f), old, new) for f in untrained])
pixels = within_cells(lambda x: x, old, new)
print(f"within a cell: found {found.mean():.2f}, pixels {pixels:.2f}, untrained {chance:.2f}")
ch.measure("shift-found", missing=1 - found, gain=found - pixels)
ch.measure("shift-untrained", found=chance)

# %%
ch.figures.digit_map(new, training.features(encoders[0], new.x), found[0])

# %% [markdown]
# **What you saw.** *Look at the colours of the map, which are the true vertical shift*: they lie in order. Sixteen names taught two numbers more about the place of a digit than a linear regression on all pixels reads off, though that one was told every shift.

# %% [markdown]
# ## What breaks
#
# - **The minimum.** The theorem is about the global minimum, and Adam does not promise it. We restart while the gap is large; on real data nobody knows the best loss, and one can only keep the smallest.
# - **Linear is not disentangled.** $F$ mixes the coordinates. A score that matches single ones would call a success a failure.
# - **The law of the clouds is assumed.** (1) makes log-ratios linear. Nobody has checked it for real classes; the paper's evidence on natural images is a correlation, and in section 7 we made the factor ourselves. For instance discrimination (1) says that views of one image wander as far as its whole class: real augmentations hardly do.
# - **As many outputs as dimensions.** We gave the encoder three for three; with sixteen the *scores* still fill three ([lab](cross_entropy_identifiability_lab.ipynb)).
# - **Smaller than the paper**: three dimensions and 20 classes; it goes to 20 and thousands. $\kappa = 50$, its hard case, fails here (lab).
#
# **Before and after.** In [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) the graph of labels put each class on one point: its optimum knows nothing within them. Here the same labels reveal the places within: the loss asks for chances, which differ from place to place where clouds overlap.

# %% [markdown]
# ## Summary
#
# 1. One label says little about a place, but the best chances for all labels determine it, if the differences of the centres span the space.
# 2. Log-ratios of chances are linear in the place. A network with the right softmax and a linear head must therefore hold the place linearly: $z = F u$.
# 3. Twenty names were enough to find the globe, within the towns too, where what is seen and an untrained network are far worse.
# 4. With all towns on a circle one coordinate is lost, and the loss cannot tell.
# 5. Names are not needed: a label for each instance gives the same places, and the rows of one class coincide.
#
# The exercises below take about an hour, those of the lab two more.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Three towns on a globe: find two places that no chances tell apart, on paper. When do the two coincide?
#
# <details><summary>Hint</summary>Which vector is orthogonal to all differences $v_i - v_j$? A mirror keeps the sphere.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. What is learned if the labels of each batch are shuffled? And if the *names* of the towns are permuted, once for all?
#
# <details><summary>Hint</summary>What are the true chances of a shuffled label? What does a permutation of names do to the rows of the head?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. Clouds of unlike width: give town $c$ its own $\kappa_c$. Which line of the proof fails, and what mends it? Find places from such chances with and without the mending.
#
# <details><summary>Hint</summary>The factor that (1) lacks depends on $\kappa$. Which part of a head does not depend on $z$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - P. Reizinger, A. Bizeul, A. Juhos, J. E. Vogt, R. Balestriero, W. Brendel, D. Klindt. [Cross-Entropy Is All You Need To Invert the Data Generating Process](https://arxiv.org/abs/2410.21869). *ICLR*, 2025.
# - R. Balestriero. [Unsupervised Learning on a DIET](https://arxiv.org/abs/2302.10260), 2023. G. Roeder, L. Metz, D. Kingma. On Linear Identifiability of Learned Representations. *ICML*, 2021.
# - R. S. Zimmermann et al. Contrastive Learning Inverts the Data Generating Process. *ICML*, 2021. K. Park, Y. J. Choe, V. Veitch. The Linear Representation Hypothesis, 2023.
# - A. T. A. Wood. Simulation of the von Mises Fisher distribution, 1994 (how `world.classes` draws from (1)).

# %%
ch.footer()
