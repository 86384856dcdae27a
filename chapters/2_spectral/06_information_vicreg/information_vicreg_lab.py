# %% [markdown]
# # Information and VICReg: lab
#
# For those who want more: the scale that the log-determinant finds for itself, the bandwidth that pairs need, why the entropy from pairs wants a sphere, and the paper's bound on the test error, whose terms are VICReg's. Sections stand alone. Equation numbers go on from the [lesson](information_vicreg.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import log, sqrt

import numpy as np
import torch
from ipywidgets import SelectionSlider
from scipy.stats import spearmanr
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, losses, recipes, training
from replearn.papers import information_vicreg as world

ch = cb.Chapter("information_vicreg_lab", scale=scale, seed=seed)


# %% jupyter={"source_hidden": true}
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))
steps = ch.pick(fast=100, toy=200)
digits = recipes.tiny_mnist(standardized=False)


def train(loss, seed=ch.seed, steps=steps):
    return recipes.train_mlp(loss, digits.x_train, seed=seed, steps=steps, batch_size=128)


def embed(run, images):
    return training.features(torch.nn.Sequential(run.encoder, run.projector), images)


def shaken(images, draw):
    return recipes.tiny_affine(images, torch.Generator().manual_seed(draw))


# %% [markdown]
# ## A · A loss that chooses its own scale
#
# VICReg fixes the scale of each dimension by a hinge at 1. LogDet has no such thing: nothing in (4) says how large $z$ should be. *Guess first.* Does its embedding grow without end, shrink, or settle? At what?

# %%
logdet = [train(world.infomax_logdet, seed) for seed in seeds]
ratio = []
for run in logdet:
    one, other = (embed(run, shaken(digits.x_test, draw)) for draw in [1, 2])
    ratio.append((one - other).square().sum(1).mean() / one.shape[1])
print("squared distance of two views, for each dimension:", np.round(ratio, 3))
ch.measure("scale-settles", ratio=ratio)

# %% [markdown]
# **What you saw.** One unit of squared distance for each dimension, on views that were not trained on. Stretch $z$ by $c$: the agreement term grows as $c^2$, the entropy term as $K \log c$, and the two slopes meet where $E \|z - z'\|^2 = K s^2$ (exercise 3 of the lesson). The guess $q$ has variance $s^2 = 1$, and the embedding grows until its noise is that large.
#
# > **Check yourself.** What would $s^2 = 4$ change?

# %% [markdown]
# ## B · What a bandwidth lets you see
#
# An estimate from pairs needs an $s$, and $s$ decides what it can see. Take 500 embeddings of section A. For every bandwidth, here is how much of its range from $h_s$ to $h_s + \log N$ the estimate uses. *Guess first.* Over how many powers of ten does it rise from a tenth to nine tenths?


# %%
def seen(gaps, s, c):
    """The estimate less the entropy of one cloud, as a share of log N."""
    return -np.log(np.exp(-gaps / (c * s**2)).mean(1)).mean() / log(len(gaps))


points = embed(logdet[0], digits.x_test[:500]).double()
gaps = torch.cdist(points, points).square().numpy()
widths = np.geomspace(0.02, 200, 81)
curves = {c: [seen(gaps, s, c) for s in widths] for c in [8, 2]}
useful = [np.log10(width) for width, share in zip(widths, curves[8], strict=True) if 0.1 < share < 0.9]
ch.measure("useful-window", window=max(useful) - min(useful))

# %% [markdown]
# **Drag `bandwidth`.** At the right end all points look like one cloud and push nowhere; at the left end each sees only itself, and again nothing pushes. A temperature is a bandwidth: $\tau = s^2$ in (5). That is why it has to be tuned, and why the right one depends on the scale. On the unit sphere the scale is given.

# %%
cb.explore(ch.figures.window, curves, widths, gaps, bandwidth=cb.log_slider(3, 0.02, 200), figsize=(7.2, 3.1))

# %% [markdown]
# > **Check yourself.** Multiply the embedding by 10. What happens to the window?

# %% [markdown]
# ## C · Content with a line
#
# Why the sphere? Take the *lower* bound of (2), which at least bounds in the right direction, in $\mathbb R^K$ as it is, with $s = 1$ for the guess and the clouds:
#
# $$ \tfrac12 E \|z - z'\|^2 + E_i \log \textstyle\sum_j e^{-\|z_i - z_j\|^2 / 8} . \tag{6} $$
#
# The second term is at its minimum as soon as all pairs are a few $s$ apart. *Guess first.* How many of the 64 dimensions does it take to hold 128 images a few $s$ apart? **RankMe** counts the directions in use.


# %%
def off_the_sphere(z1, z2):
    repulsion = 0
    for z in [z1, z2]:
        norms = z.square().sum(1)
        distances = norms[:, None] + norms - 2 * z @ z.T
        repulsion = repulsion + torch.logsumexp(-distances / 8, dim=1).mean() / 2
    return (z1 - z2).square().sum(1).mean() / 2 + repulsion


def probe(run):
    z, z_test = (training.features(run.encoder, x) for x in [digits.x_train, digits.x_test])
    return evaluation.logistic_probe(z[:2000], digits.y_train[:2000], z_test, digits.y_test, steps=30)


# %%
free = [train(off_the_sphere, seed) for seed in seeds]
sphere = [train(partial(world.infomax_pairwise, temperature=0.2), seed) for seed in seeds]
flat, round_ = embed(free[0], digits.x_test), F.normalize(embed(sphere[0], digits.x_test), dim=1)
ch.figures.line(round_[:1000], flat[:1000], digits.y_test[:1000])

# %%
centered = [z - z.mean(0) for z in (embed(run, digits.x_test) for run in free)]
directions = [evaluation.effective_rank(z) for z in centered]
lost = [probe(a) - probe(b) for a, b in zip(sphere, free, strict=True)]
print(f"RankMe {directions[0]:.1f}; accuracy {probe(sphere[0]):.2f} on the sphere, {probe(free[0]):.2f} off it")
ch.measure("content-with-few", rank=directions, loss=lost)

# %% [markdown]
# **What you saw.** A line is enough, for a line has room: 128 images, a few units apart. The agreement term then takes every other direction away, since there its noise costs and gains nothing. A bound in the right direction is not yet a good loss. The log-determinant would never be content with a line: a direction of variance 0 costs it infinitely much.
#
# > **Check yourself.** Why is this impossible on the unit sphere with $\tau = 0.2$?

# %% [markdown]
# ## D · Three terms that bound the test error
#
# The paper's third result. Let $w_S$ be the least-squares head of least norm on $n$ labelled images $S$, and $\ell = \|w_S f(x) - y\|$ its error on an image, with $y$ the one-hot label. Let the matrix $Z$ hold a representation in each row, and $Y$ the labels. $P_Z = I - Z Z^+$, with the pseudo-inverse $Z^+$, projects onto what no combination of the columns of $Z$ can make: $\|P_Z Y\|_F$ is what least squares leaves over of the labels. With $m$ unlabelled images $S'$ in two views each, and high probability,
#
# $$ E\, \ell \ \le\ \underbrace{\tfrac1m \textstyle\sum_i \|f(x_i) - f(x_i')\|}_{\text{agreement}} + \underbrace{\tfrac{2}{\sqrt m} \|P_{Z_{S'}} Y_{S'}\|_F}_{\text{unlabelled residual}} + \underbrace{\tfrac{1}{\sqrt n} \|P_{Z_S} Y_S\|_F}_{\text{labelled residual}} + \text{rest} , \tag{7} $$
#
# where the rest, a complexity of order $1/\sqrt m + 1/\sqrt n$, is left out below. The first term is VICReg's agreement. The residuals shrink as the rank of $Z$ grows, which variance and covariance terms see to. ($Y_{S'}$ are the labels of the "unlabelled" images: the bound is a diagnosis, not a loss.)
#
# The constants depend on how $f$ is scaled. So each of the 128 features is brought to mean 0 and deviation 1, a constant feature is added, and all are divided by $\sqrt{129}$, so that $\|f(x)\|$ is about 1. The theorem draws all images from one distribution: labelled and test images are turned and shifted too. $m = 8000$, $n = 500$, and the median over eight sets of labels.

# %%
views = [shaken(digits.x_train, ch.seed + draw) for draw in [100, 200]]
test = shaken(digits.x_test, ch.seed)
targets, truth = F.one_hot(digits.y_train).double(), F.one_hot(digits.y_test).double()


def scaled(z, mean, std):
    return F.pad((z - mean) / std, (0, 1), value=1.0) / sqrt(129)


def error_of(z, z_test, few):
    head = torch.linalg.lstsq(z[few], targets[few], rcond=1e-8, driver="gelsd").solution
    return (z_test @ head - truth).norm(dim=1).mean()


# %%
def diagnose(encoder):
    z1, z2, z_test = (training.features(encoder, x).double() for x in [*views, test])
    mean, std = z1.mean(0), z1.std(0).clamp(min=0.01)  # a dead unit has no deviation
    z1, z2, z_test = (scaled(z, mean, std) for z in [z1, z2, z_test])
    sets = [slice(start, start + 500) for start in range(0, 4000, 500)]
    residual = evaluation.null_projection_residual
    agreement = (z1 - z2).norm(dim=1).mean().item()
    unlabelled = 2 / sqrt(8000) * residual(z1, targets)
    labelled = np.median([residual(z1[few], targets[few]) / sqrt(500) for few in sets])
    return agreement, unlabelled, labelled, np.median([error_of(z1, z_test, few) for few in sets])


# %% [markdown]
# Nine encoders: seven settings of VICReg's three weights (agreement, variance, covariance), one run of a fifth of the steps, and the untrained start. *Guess first.* Is the sum of the three terms near the error? Does it order the encoders? Does the agreement term?

# %%
settings = [(25, 25, 25), (25, 25, 5), (25, 25, 1), (25, 25, 0), (25, 0, 0), (1, 25, 25), (200, 25, 25)]
encoders = {}
for inv, var, cov in settings:
    loss = partial(losses.vicreg, inv=float(inv), var=float(var), cov=float(cov))
    encoders[f"{inv}, {var}, {cov}"] = train(loss).encoder
encoders["a fifth of the steps"] = recipes.train_mlp(
    partial(losses.vicreg, cov=25.0), digits.x_train, seed=ch.seed, steps=steps // 5, warmup=5, batch_size=128
).encoder
encoders["untrained"] = recipes.mlp_encoder(seed=ch.seed)[0]
study = {name: diagnose(encoder) for name, encoder in encoders.items()}

# %%
agreement, unlabelled, labelled, error = np.array(list(study.values())).T
bound = agreement + unlabelled + labelled
ch.figures.bound([agreement, unlabelled, labelled], error, list(study))
by_sum, by_residual, by_agreement = (spearmanr(term, error).statistic for term in [bound, unlabelled, agreement])
print(f"Spearman with the error: sum {by_sum:.2f}, unlabelled {by_residual:.2f}, agreement {by_agreement:.2f}")

# %%
frequencies = targets.mean(0)
by_frequency = (frequencies - truth).norm(dim=1).mean().item()
print(f"bound {bound.min():.2f} to {bound.max():.2f}; error {error.min():.2f} to {error.max():.2f}")
print(f"always answering the frequencies: {by_frequency:.2f}")
ch.measure("bound-is-vacuous", guess=bound.min() - by_frequency, ratio=bound / error)

# %%
ch.measure("bound-ranks", unlabelled=by_residual, better=by_residual - by_sum)
ch.measure("agreement-does-not-rank", correlation=abs(by_agreement))

# %% [markdown]
# **What you saw.** As a number the bound says nothing: it is larger than what pure guessing gives. As an order it says something, and it owes this to the residuals. The collapsed run 25, 0, 0 has perfect agreement and the largest error. The agreement term, added with weight 1, blurs the order: on shorter runs from other random starts the sum fell to 0.4, the residual never below 0.9.
#
# With clean labelled and test images, which (7) does not cover, the sum ranked the encoders much less well in our trials.
#
# **Drag `covariance`**, the weight of the covariance term: as it grows the residuals shrink, the agreement term grows, and the error follows the residuals.

# %%
swept = {cov: study[f"25, 25, {cov}"] for cov in [0, 1, 5, 25]}
cb.explore(ch.figures.weight, swept, covariance=SelectionSlider(options=[0, 1, 5, 25]), figsize=(7.2, 2.6))

# %% [markdown]
# > **Check yourself.** With $n = 100$ labels and 129 features the labelled residual is 0. Is the test error then small?
#
# ## Claims of the lab

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **L1** ●●○ 25 min. Derive the Bhattacharyya distance $-\log \int \sqrt{p_i p_j}$ of two clouds $\mathcal N(\mu_i, s^2 I)$, $\mathcal N(\mu_j, s^2 I)$, and their Kullback-Leibler divergence.
#
# <details><summary>Hint</summary>Complete the square around the midpoint of the two centres.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●● 60 min. Let the guess $q$ learn its covariance: replace $\frac12 E \|z - z'\|^2$ in (4) by $\frac12 \log |\mathrm{Cov}(z - z') + \epsilon I|$. Which transformations of $z$ does the new loss not see? What becomes of the agreement term of (7)?
#
# <details><summary>Hint</summary>Write Cov(z − z′) for z and z′ multiplied by one invertible matrix. What happens to the two log-determinants?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
