# %% [markdown]
# # Pairwise independence
#
# After this chapter you can say what a covariance penalty buys once a nonlinear projector stands before it, measure the result with kernels, and separate mixed signals with
# nothing but that penalty. You will also know three things that it does not buy: mutual independence, the sources of a nonlinear mixture, and a better probe.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from itertools import combinations

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.decomposition import FastICA
from torch import nn
from torch.testing import assert_close

import cookbook as cb
from replearn import data, evaluation, losses, models, recipes, training
from replearn.papers.pairwise_independence import (
    RandomFeatures,
    cross_variable_covariance,
    ica_sources,
    radial_rotation,
    vcreg_ica,
    xor_triple,
)

ch = cb.Chapter("pairwise_independence", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown]
# ## The question
#
# Three clouds of 300 points. In all three, the two coordinates have correlation exactly 0.

# %%
square = losses.whiten(ica_sources(300, 2, "uniform", seed=ch.seed), correction=0)
curve = losses.whiten(torch.stack([square[:, 0], square[:, 0].square() + 0.2 * randn(300)], 1), correction=0)

fig, axes = plt.subplots(1, 3, figsize=(8.2, 3), layout="constrained")
clouds = {"a square": square, "turned": radial_rotation(square, turn=0, offset=np.pi / 4), "a curve": curve}
for ax, (name, cloud) in zip(axes, clouds.items(), strict=True):
    cb.plots.scatter(ax, cloud, size=9)
    ax.set(xlim=(-3, 3), ylim=(-3, 3), title=name, xlabel=f"correlation {abs(torch.corrcoef(cloud.T)[0, 1]):.2f}")
plt.show()

# %% [markdown]
# *Ask of each cloud: does the horizontal coordinate tell you anything about the vertical one?* In the square it tells nothing: the coordinates are **independent**. In the others
# it tells much, and a correlation cannot see it. VICReg's covariance term is made of such correlations, so all three clouds are the same to it. Yet in practice a **projector**, a
# small network, comes between the representation and VICReg, and without it the method is worse. Why? And what happens, behind a projector, to the representation *before* it?
#
# ## The mathematics
#
# **Symbols.** $X$ $(N, M)$ is the representation: $N$ images, $M$ variables, its columns $X_1, \dots, X_M$. A projector maps it to the embedding $Z = g(X)$, and
# $C = \frac1N Z^\top H Z$ is the covariance of $Z$, with the centring $H = I - \mathbf 1 \mathbf 1^\top / N$. The part of the loss that we study, **VCReg**, keeps the variances of
# $Z$ up and pushes $\sum_{k \ne l} C_{kl}^2$ down.
#
# **Independence, measured.** Two variables are independent exactly if *no function of the one correlates with any function of the other*. A Gaussian kernel
# $k(x, x') = e^{-(x - x')^2 / 2 s^2}$, with bandwidth $s$, is an inner product of infinitely many functions of $x$ and of $x'$, enough of them for this purpose. Summing all their
# squared covariances gives the Hilbert-Schmidt independence criterion (Gretton et al., 2005):
#
# $$ \mathrm{HSIC}(X_i, X_j) = \tfrac{1}{N^2} \operatorname{tr}(K_i H K_j H), \qquad (K_i)_{ab} = k(X_{ai}, X_{bi}) . \tag{1} $$
#
# With endless data it is 0 exactly for independent variables; with $N$ samples of them it is of order $1/N$. We fix $s = 1$ and give variables mean 0 and variance 1. Divided by
# $\sqrt{\mathrm{HSIC}(X_i, X_i)\, \mathrm{HSIC}(X_j, X_j)}$ it lies in $[0, 1]$: **nHSIC**.
#
# **The theorem.** Let the projector act on each variable alone: $g(X) = [\phi(X_1), \dots, \phi(X_M)]$, with $\phi$ giving $P$ features of one number. Collect them in
# $\Phi_i = \phi(X_i)$ $(N, P)$. The block of $C$ that belongs to the variables $i \ne j$ is $C_{ij} = \frac1N \Phi_i^\top H \Phi_j$, and because $H H = H$ and
# $\operatorname{tr}(AB) = \operatorname{tr}(BA)$,
#
# $$ \|C_{ij}\|_F^2 = \tfrac{1}{N^2} \operatorname{tr}(\Phi_i^\top H \Phi_j\, \Phi_j^\top H \Phi_i) = \tfrac{1}{N^2} \operatorname{tr}(\Phi_i \Phi_i^\top H\, \Phi_j \Phi_j^\top H) . \tag{2} $$
#
# The right side is (1) with the kernels $\Phi_i \Phi_i^\top$. So the covariance penalty *is* the sum of HSICs over pairs of variables (each counted twice), plus the blocks
# $C_{ii}$, which see one variable at a time. Which kernel do the features make? Take $\phi_p(x) = \sqrt{2/P} \cos(w_p x + b_p)$ with random $w_p \sim \mathcal N(0, 1/s^2)$ and
# $b_p$ uniform on $[0, 2\pi]$ (Rahimi and Recht, 2007). Then $\phi(x)^\top \phi(x')$ tends to the Gaussian kernel, with an error of order $1/\sqrt P$. A *wide random* nonlinear
# layer is enough. A linear one only repeats the correlation.
#
# **Pairs, not all together.** Three variables can be independent two by two and still not all together. That takes another measure (Pfister et al., 2018), zero in the limit for
# *mutual* independence alone:
#
# $$ \mathrm{dHSIC} = \tfrac{1}{N^2} \sum_{ab} \prod_i (K_i)_{ab} + \prod_i \tfrac{1}{N^2} \sum_{ab} (K_i)_{ab} - \tfrac2N \sum_a \prod_i \tfrac1N \sum_b (K_i)_{ab} . \tag{3} $$
#
# **Unmixing.** Let $x = A s$ mix independent sources $s$, at most one of them Gaussian, by an invertible matrix $A$. Whiten $x$; what is left to find is a rotation $Q$. By a
# theorem of Comon (1994) the outputs $y = x Q$ are *pairwise* independent only if they are the sources, up to order and sign. So here pairs suffice, and VCReg behind an
# element-wise projector should perform **independent component analysis** (ICA).
#
# **A layer that mixes.** Real projectors begin with a full matrix $W$, and (2) then holds for the columns of $XW$. The paper extends its argument to them and relies on
# experiments. One limit is exact, though: for a *random Gaussian* $W$ and $P \to \infty$ the features make the kernel $e^{-\|x - x'\|^2 / 2 s^2}$ of the whole vector, which does
# not change when $X$ is rotated. Such a projector cannot tell the sources from a rotation of them.
#
# ## From scratch
#
# HSIC, dHSIC and the penalty between blocks, as written above, on four dependent variables.


# %%
def gram(x):
    return torch.exp(-((x[:, None] - x) ** 2) / 2)


def dhsic(grams):
    K = torch.stack(grams)
    return K.prod(0).mean() + K.mean((1, 2)).prod() - 2 * K.mean(2).prod(0).mean()


x = data.standardize(randn(300, 4) @ randn(4, 4), 0)
grams = [gram(column) for column in x.T]
H = torch.eye(300, dtype=torch.float64) - 1 / 300
hsic = torch.trace(grams[0] @ H @ grams[1] @ H) / 300**2
assert_close(hsic.item(), evaluation.hsic_from_grams(*grams[:2]))
assert_close(hsic, dhsic(grams[:2]))
assert_close(dhsic(grams).item(), evaluation.dhsic(grams))

# %%
gaps = []
for kind in ("rff", "relu", "linear"):
    features = RandomFeatures(32, kind, seed=ch.seed)(x)
    blocks = [features[:, i].T @ H @ features[:, j] / 300 for i, j in combinations(range(4), 2)]
    penalty = sum(block.square().sum() for block in blocks)
    assert_close(penalty, cross_variable_covariance(features))
    grams = [features[:, i] @ features[:, i].T for i in range(4)]
    pairs = sum(evaluation.hsic_from_grams(K, L) for K, L in combinations(grams, 2))
    gaps.append(abs(penalty / pairs - 1))
ch.measure("penalty-is-hsic", gap=gaps)
cb.show_source(cross_variable_covariance)

# %% [markdown]
# ## The theorem, tested
#
# The last cell held **the identity** (2) to be true, for three kinds of features. Now **the limit**: twelve dependent pairs $y = t\, g(x) + (1 - t) \cdot \text{noise}$ with four
# shapes $g$, and the relative difference between the penalty and the Gaussian HSIC, averaged over draws of the projector.

# %%
u = 2 * torch.rand(300, generator=generator, dtype=torch.float64) - 1
dependent = []
for t in (0.5, 0.75, 1.0):
    for shape in (u, u.square(), u.abs(), torch.cos(4 * u)):
        y = t * data.standardize(shape) + (1 - t) * randn(300)
        dependent.append(data.standardize(torch.stack([u, y], 1), 0))
truth = np.array([evaluation.hsic(*pair.T, 1.0) for pair in dependent])


def block_penalty(points, width, draw=0):
    projector = RandomFeatures(width, seed=1000 * ch.seed + draw)
    return cross_variable_covariance(projector(points)).item()


# %%
draws = range(ch.pick(fast=4, toy=8))
error = {}
fig, axes = plt.subplots(1, 4, figsize=(9, 2.8), sharex=True, sharey=True, layout="constrained")
for ax, width in zip(axes, (8, 32, 128, 512), strict=True):
    estimates = np.array([[block_penalty(pair, width, 12 * d + i) for i, pair in enumerate(dependent)] for d in draws])
    error[width] = np.mean(abs(estimates / truth - 1))
    ax.plot([0, 0.1], [0, 0.1], color=cb.color("theory"), lw=1)
    ax.plot(truth, estimates.T, "o", ms=3.5, color=cb.color("vicreg"), alpha=0.5)
    ax.set(xlim=(0, 0.1), ylim=(0, 0.2), title=f"P = {width}: off by {error[width]:.0%}", xlabel="HSIC")
plt.show()
ch.measure("wide-projector", error=error[512], ratio=error[512] / error[32])

# %% [markdown]
# *Follow the dots from left to right.* Upwards is the penalty; a column of dots is one pair under several random projectors. A narrow projector estimates HSIC badly; a wide one
# measures it. This is the paper's first answer to "why a wide nonlinear projector".
#
# **Pairs, not all together.** Toss two coins, $-1$ or $1$, and let the third variable be their product. Any two of the three are independent; together, two decide the third. A
# **permutation test** says which size is significant: shuffle each variable on its own, many times, and take the 95 % quantile of the measure, its critical value. We divide by it,
# so 1 is the border. The control is three independent coins.

# %%
coins = [evaluation.gram_gaussian(coin) for coin in xor_triple(400, strength=0, seed=ch.seed).T]
critical_pair = evaluation.dhsic_null(coins[:2], seed=ch.seed).quantile(0.95).item()
critical_all = evaluation.dhsic_null(coins, seed=ch.seed).quantile(0.95).item()


def significance(strength, draw=0):
    """HSIC of the three pairs, then dHSIC, in units of their critical values."""
    triple = xor_triple(400, strength=strength, seed=10 * ch.seed + draw)
    grams = [evaluation.gram_gaussian(column) for column in triple.T]
    pairs = [evaluation.hsic_from_grams(K, L) / critical_pair for K, L in combinations(grams, 2)]
    return [*pairs, evaluation.dhsic(grams) / critical_all]


# %%
tied, free = (np.array([significance(strength, draw) for draw in range(10)]) for strength in (1, 0))
ch.measure("pairwise-not-mutual", pairs=tied[:, :3].mean(0), together=tied[:, 3])
ch.measure("free-coins", together=free[:, 3].mean())

# %% [markdown]
# ## Unmixing with nothing but the penalty
#
# Three sources, 800 samples, a random mixing matrix. The library's `vcreg_ica` whitens, then searches the rotations for the smallest penalty through 32 features. The landscape has
# local minima, so three times it tries twelve random rotations, descends from the best of them, and keeps the run with the *lowest loss*. That needs no label. Success is the mean
# correlation coefficient, **MCC**: match outputs to sources one to one, and average $|\text{correlation}|$. We plot the error, $1 - \text{MCC}$. FastICA (Hyvärinen and Oja, 2000)
# is the specialist to compare with; whitening alone is the baseline.


# %%
def unmixing_error(kind, method, seed, width=32):
    sources = ica_sources(800, 3, kind, seed=seed)
    mixed = sources @ torch.randn(3, 3, generator=torch.Generator().manual_seed(seed + 100)).double()
    if method == "whitening":
        outputs = losses.whiten(mixed)
    elif method == "FastICA":
        outputs = FastICA(whiten="unit-variance", random_state=seed, tol=0.01).fit_transform(mixed.numpy())
    else:
        projector = RandomFeatures(width, method, seed=seed)
        outputs = vcreg_ica(mixed, projector, restarts=3, draws=12, steps=60, seed=seed).y
    return 1 - evaluation.mean_correlation(outputs, sources)


# %%
kinds = ["uniform", "laplace", "mixed", "gaussian"]
repeats = {"whitening": 5, "linear": 5, "rff": ch.pick(fast=2, toy=5), "relu": ch.pick(fast=0, toy=2), "FastICA": 5}
panels = {kind: {} for kind in [*kinds, "by width"]}
for kind in kinds:
    for method, count in repeats.items():
        panels[kind][method] = [unmixing_error(kind, method, ch.seed + i) for i in range(count)]
for width, count in {1: 10, 16: ch.pick(fast=2, toy=5), 64: ch.pick(fast=1, toy=3)}.items():
    found = [unmixing_error("uniform", "rff", ch.seed + i, width) for i in range(count)]
    panels["by width"][f"P = {width}"] = found

# %%
uniform, laplace, mixed = (panels[kind]["rff"] for kind in kinds[:3])
linear = [np.mean(panels[kind]["linear"]) for kind in kinds[:3]]
ch.measure("linear-ica", uniform=uniform, laplace=laplace, mixed=mixed)
ch.measure("linear-projector", error=linear)

# %%
one, sixteen, sixty_four = panels["by width"].values()
ch.measure("gaussian-sources", error=[np.mean(panels["gaussian"][method]) for method in ("rff", "FastICA")])
ch.measure("ica-width", sixteen=sixteen, sixty_four=sixty_four, one=max(one))

# %%
fig, axes = plt.subplots(1, 5, figsize=(9.6, 2.8), layout="constrained")
for ax, (title, rows) in zip(axes, panels.items(), strict=True):
    for row, found in enumerate(rows.values()):
        ax.semilogx(found, np.full(len(found), row), "o", ms=6, color=cb.color("vicreg"), alpha=0.6)
    ax.axvline(0.03, color=cb.color("baseline"), ls="--", lw=1)
    ax.set(title=title, xlabel="1 − MCC", xlim=(1e-4, 1), xticks=[1e-3, 1e-1], ylim=(len(rows) - 0.5, -0.5))
    ax.set_yticks(range(len(rows)), rows if title in ("uniform", "by width") else [""] * len(rows))
plt.show()

# %% [markdown]
# *Look for the dots left of the dashed line, an MCC of 0.97.* Random cosines (rff) separate the first three kinds every time, nearly as well as the specialist, and ReLUs almost
# every time; a linear projector leaves what whitening leaves. On Gaussian sources nobody succeeds: a rotation of independent Gaussians is again independent, so there is nothing to
# find. The last panel is the paper's point about width: one cosine sometimes works and sometimes fails badly; more are safer.
#
# **Nonlinear mixing, the negative control.** Turn each point of a square by an angle that grows with its radius. An encoder and a decoder (2-64-64-2, tanh) are trained on 100
# times the penalty plus the reconstruction error, so that nothing is lost on the way.


# %%
def nonlinear_ica(seed, steps):
    sources = ica_sources(800, 2, "uniform", seed=seed)
    mixed = radial_rotation(sources).float()
    with training.seeded(seed):
        encoder, decoder = (models.mlp([2, 64, 64, 2], nn.Tanh) for _ in range(2))
    projector = RandomFeatures(32, seed=seed)
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=6e-3)
    for _ in range(steps):
        outputs = data.standardize(encoder(mixed), 0)
        reconstruction = (decoder(outputs) - mixed).square().mean()
        optimiser.zero_grad()
        (100 * cross_variable_covariance(projector(outputs)) + reconstruction).backward()
        optimiser.step()
    return sources, mixed, outputs.detach(), reconstruction.item()


# %%
runs = [nonlinear_ica(ch.seed + i, steps=ch.pick(fast=300, toy=600)) for i in range(3)]
fig, axes = plt.subplots(1, 3, figsize=(8.2, 3), layout="constrained")
for ax, points, title in zip(axes, runs[0], ("sources", "turned by radius", "independent outputs"), strict=False):
    cb.plots.scatter(ax, points, runs[0][0][:, 0], size=8)
    ax.set(aspect="equal", title=title, xlabel=f"MCC {evaluation.mean_correlation(points, runs[0][0]):.2f}")
plt.show()
nhsic = [evaluation.pairwise_nhsic(outputs)[0, 1] for _, _, outputs, _ in runs]
lost = [run[3] for run in runs]
missed = np.mean([1 - evaluation.mean_correlation(outputs, sources) for sources, _, outputs, _ in runs])
ch.measure("nonlinear-ica-fails", dependence=nhsic, reconstruction=lost, missed=missed)

# %% [markdown]
# *Follow the colour, the first source.* The outputs fill a square evenly: knowing one says nothing about the other, and each point can be recovered. But the bands of colour lie
# askew, bent and mixed into both coordinates. In a nonlinear world there are endlessly many independent coordinates (Hyvärinen and Pajunen, 1999), and independence does not pick
# the true ones. What does is a topic of [Cross-entropy identifiability](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb).
#
# ## The experiment
#
# Digits of 14 × 14 pixels, two random affine views. The encoder 196-256-16 ends in a batch normalisation without weights; its 16 outputs are the representation. VICReg with
# weights 25, 25, 25 acts on the representation itself ("none"), on a linear map of it to 64 numbers, on an MLP of two layers of width $P$ that is trained along, or on a *frozen
# random* layer of width $P$ (linear, norm, ReLU, norm). We measure, as means over three sets of 400 test images, the nHSIC of the 120 pairs of variables; the same **after
# whitening**, where only dependence that a correlation cannot see is left; dHSIC of six of the variables; and the accuracy of a linear probe with 2,000 labels (ridge regression).

# %%
mnist = recipes.tiny_mnist(standardized=False)
recipe = recipes.TINY_MLP._replace(steps=ch.pick(fast=150, toy=200), batch_size=ch.pick(fast=128, toy=256), lr=3e-3)
vicreg = partial(losses.vicreg, inv=25.0, var=25.0, cov=25.0)


def make_networks(kind, width):
    with training.seeded(ch.seed):
        encoder = nn.Sequential(nn.Flatten(), *models.mlp([196, 256, 16]), nn.BatchNorm1d(16, affine=False))
        layers = nn.Linear(16, width), nn.BatchNorm1d(width), nn.ReLU(), nn.BatchNorm1d(width)
        projectors = {"none": nn.Identity(), "linear": nn.Linear(16, width)}
        projectors["trained"] = models.mlp_head(16, width, width)
        projectors["random"] = nn.Sequential(*layers).requires_grad_(False)
    return encoder, projectors[kind]


# %%
def measure(encoder):
    """nHSIC, nHSIC after whitening, dHSIC of six variables, and the accuracy of the probe."""
    labelled, test = (training.features(encoder, images).double() for images in (mnist.x_train[:2000], mnist.x_test))
    accuracy = evaluation.ridge_probe(labelled, mnist.y_train[:2000], test, mnist.y_test)
    sets = data.standardize(test[:1200], 0).split(400)
    pairs = np.mean([losses.off_diagonal(evaluation.pairwise_nhsic(z)).mean() for z in sets])
    whitened = np.mean([losses.off_diagonal(evaluation.pairwise_nhsic(losses.whiten(z))).mean() for z in sets])
    joint = np.mean([evaluation.dhsic([evaluation.gram_gaussian(column) for column in z[:, :6].T]) for z in sets])
    return pairs, whitened, joint, accuracy


def train(kind, width):
    encoder, projector = make_networks(kind, width)
    log = []
    watch = {"monitor": lambda *_: log.append(measure(encoder)), "log_every": ch.pick(fast=200, toy=40)}
    recipes.train_networks(encoder, projector, vicreg, mnist.x_train, recipe=recipe, seed=ch.seed, **watch)
    return np.array([*log, measure(encoder)])


# %%
none, linear, narrow, wide, frozen = ("none", 16), ("linear", 64), ("trained", 16), ("trained", 256), ("random", 256)
more = ch.pick(fast=[], toy=[("trained", 64), ("random", 16), ("random", 64)])
logs = {key: train(*key) for key in (none, linear, narrow, wide, frozen, *more)}
pairs, whitened, _, accuracy = ({key: log[-1, i] for key, log in logs.items()} for i in range(4))
ch.measure("width-on-digits", ratio=pairs[wide] / pairs[narrow])
ch.measure("independent-not-better", lost=accuracy[wide] - accuracy[frozen])

# %%
over_linear, over_none = pairs[linear] / pairs[frozen], whitened[frozen] / whitened[none]
ch.measure("random-projector", linear=over_linear, whitened=over_none)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4), sharey=True, layout="constrained")
for kind, hue in (("trained", "vicreg"), ("random", "contrastive")):
    widths = sorted(width for name, width in logs if name == kind)
    left.plot(np.log2(widths), [pairs[kind, width] for width in widths], "o-", color=cb.color(hue))
    left.text(4.1, pairs[kind, widths[0]] + 0.006, kind, color=cb.color(hue))
    log = logs[kind, 256]
    steps = np.linspace(0, recipe.steps, len(log))
    right.plot(steps, log[:, 0], "-", steps, log[:, 2], "--", color=cb.color(hue))
for key in (linear, none):
    left.axhline(pairs[key], color=cb.color("baseline"), ls=":")
    left.text(8.1, pairs[key] + 0.004, key[0], color=cb.color("baseline"), ha="right")
left.set(xticks=[4, 6, 8], xticklabels=[16, 64, 256], xlabel="width", title="After training: nHSIC")
right.set(ylim=0, xlabel="step", title="In training, width 256: nHSIC, dHSIC (dashed)")
plt.show()

# %% [markdown]
# *Look at the left panel first.* Wider projectors leave less dependence between pairs, and a frozen random one leaves less than a trained one of its width; the widest leaves less
# than no projector at all (dotted). *Then follow the lines on the right.* With a trained MLP (blue) the agreement of the views first makes dependence, and then the penalty slowly
# removes some, the fall that the paper reports. In the paper dHSIC stays flat; here it moves a little with nHSIC, since dependence of pairs is part of it, but does not go clearly
# below where it began. And independence is not quality: the representation of the frozen projector is the most independent, and its probe is some points worse.
#
# ## Play
#
# **Turn two sources.** Middle: the covariances between 16 random cosines of the one output and of the other. Correlation is 0 at all angles; these vanish only when the outputs are
# the sources. Right: HSIC (broad grey) and the penalty through 512 element-wise cosines (blue), both smallest near 0° and 90°, and the penalty through a random layer that mixes
# (orange), which sees nothing.

# %%
weights, phases = randn(2, 512), 2 * np.pi * torch.rand(512, generator=generator, dtype=torch.float64)
angles = range(0, 91, 3)
rotations = {angle: radial_rotation(square, turn=0.0, offset=np.pi * angle / 180) for angle in angles}
curves = []
for y in rotations.values():
    covariance = torch.cov(torch.cos(y @ weights + phases).T, correction=0)
    mixing = losses.off_diagonal(covariance).square().sum().item()
    curves.append([evaluation.hsic(*y.T, 1.0), block_penalty(y, 512), mixing])
curves = np.array(curves).T
spread = np.ptp(curves[2]) / curves[2].min()
ch.measure("mixing-layer", spread=spread)


def draw_rotation(fig, rotation_angle):
    cloud, heat, ax = fig.subplots(1, 3)
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.17, top=0.87, wspace=0.16)
    phi = RandomFeatures(16, seed=ch.seed)(rotations[rotation_angle])
    block = (phi[:, 0] - phi[:, 0].mean(0)).T @ phi[:, 1] / 300
    cloud.plot(*rotations[rotation_angle].T, "o", ms=2.5)
    cloud.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=[], yticks=[], title="outputs")
    heat.imshow(block, cmap="cookbook_diverging", vmin=-0.02, vmax=0.02, interpolation="nearest")
    heat.set(xticks=[], yticks=[], title=f"penalty {1000 * block.square().sum():.2f} / 1000")
    for values, hue, width in zip(curves, ("baseline", "vicreg", "contrastive"), (6, 2, 2), strict=True):
        ax.plot(angles, values / values.max(), color=cb.color(hue), lw=width)
    ax.axvline(rotation_angle, color=cb.color("theory"))
    ax.set(xlim=(0, 90), ylim=(0, 1.1), xticks=[0, 45, 90], yticks=[], xlabel="degrees", title="share of largest")


cb.explore(draw_rotation, figsize=(7.8, 2.8), rotation_angle=(0, 90, 3))

# %% [markdown]
# **Widen the projector.** The curve of the first picture. Each dot is the penalty through another random projector of width $P$; bars are one standard deviation of twenty, the
# line is HSIC. From $P = 16$ on the cloud shrinks by about half for each fourfold width.

# %%
exact = evaluation.hsic(*curve.T, 1.0)
powers = [1, 2, 4, 8, 16, 32, 64, 128]
samples = np.array([[block_penalty(curve, P, draw) for draw in range(20)] for P in powers])


def draw_width(fig, width_P):
    ax = fig.subplots()
    place = powers.index(width_P)
    fig.subplots_adjust(left=0.11, right=0.97, bottom=0.17, top=0.87)
    ax.axhline(exact, color=cb.color("theory"), lw=1)
    ax.errorbar(range(8), samples.mean(1), samples.std(1), fmt="none", color=cb.color("baseline"), lw=8, alpha=0.3)
    ax.plot(np.full(20, place), samples[place], "o", ms=7, color=cb.color("vicreg"), alpha=0.5)
    ax.set(xticks=range(8), xticklabels=powers, ylim=(0, 4 * exact), xlabel="width P", ylabel="penalty")
    ax.set_title(f"P = {width_P}: off from HSIC, the line, by {np.mean(abs(samples[place] / exact - 1)):.0%}")


cb.explore(draw_width, figsize=(7.2, 3), width_P=ipywidgets.SelectionSlider(options=powers, value=8))

# %% [markdown]
# **Tie three variables.** The third coin is the product of the others with probability $(1 + t)/2$. The square counts the tosses of the first two where the third is 1. Raise
# `dependence` $t$: the square becomes a diagonal, dHSIC leaves its critical value (the line) behind, and the pairs never notice.


# %%
def draw_xor(fig, dependence):
    table, ax = fig.subplots(1, 2, width_ratios=[1, 2])
    fig.subplots_adjust(left=0.04, right=0.97, bottom=0.2, top=0.86, wspace=0.3)
    triple = xor_triple(400, strength=dependence, seed=10 * ch.seed)
    table.hist2d(*triple[triple[:, 2] == 1, :2].T.numpy(), bins=2, vmin=0, vmax=130)
    table.set(xticks=[], yticks=[], title="third = 1", xlabel="first", ylabel="second")
    values = significance(dependence)
    ax.barh(range(4), values, color=[cb.color("baseline")] * 3 + [cb.color("vicreg")])
    ax.axvline(1, color=cb.color("theory"), lw=1)
    ax.set(yticks=range(4), yticklabels=["1, 2", "1, 3", "2, 3", "all three"], xlim=(0, 45), ylim=(3.6, -0.6))
    ax.set(xlabel="in units of the critical value", title=f"dHSIC {values[3]:.1f}")


cb.explore(draw_xor, figsize=(7.4, 2.6), dependence=(0.0, 1.0, 0.05))

# %% [markdown]
# ## What breaks
#
# - **Independence is not information.** A collapsed representation depends on itself, an untrained one looks independent. Low HSIC says something only between representations that
#   know equally much. The paper finds that independence goes along with better transfer to other domains; at this scale we do not see it.
# - **The theorem is for element-wise layers.** A wide random layer that mixes cannot see a rotation (the orange line above). That it lowers nHSIC in the experiment has to come
#   from elsewhere: from making the representation white and alike in all directions. Nothing in (2) reaches beyond pairs, and only for linear mixtures are pairs enough.
# - **Local minima.** ICA from a single start often fails. In our trials even the best of many starts failed with sixteen cosines for about one projector in thirty, and never with
#   32: too few functions have spurious zeros (exercise 3).
# - **HSIC has a ruler.** It depends on the bandwidth, so fix $s$ and standardise. It is biased by $O(1/N)$: compare with permutations, never with 0. Dead ReLU units make nHSIC
#   meaningless, constant ones make it $0/0$.
# - **How the toy differs.** 16 variables, 14 × 14 digits and 200 steps for the 2,048 of a ResNet-50 on ImageNet with projectors of width 8,192; one seed at a time. The direction
#   is the paper's, the ratios are ours.
#
# ## Before and after
#
# [Information and VICReg](../06_information_vicreg/information_vicreg.ipynb) read the covariance term as an estimate of entropy, for which zero correlation suffices; behind a projector the same term
# tests independence. The constraint itself is that of [the canonical-correlation family](../../1_recipes/04_canonical_correlation/canonical_correlation.ipynb), and features that stand for a kernel are
# those of [The kernel regime](../02_kernel_regime/kernel_regime.ipynb). Next, [Reconstruction features](../08_reconstruction_features/reconstruction_features.ipynb) asks what a loss without any such term learns. What
# independence cannot identify, labels can: [Cross-entropy identifiability](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb).
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Let $x$ be symmetric about 0 and $y = x^2$. Show that their correlation is 0, and find a function of $x$ that correlates with $y$. Compare HSIC of the curve and of the square.
#
# <details><summary>Hint</summary>What is the mean of an odd power of $x$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 15 min. Prove (2) line by line. By which factor does it fail when the covariance divides by $N - 1$?
#
# <details><summary>Hint</summary>Write $\|C_{ij}\|_F^2$ as a trace. Which factor may move to the end, and what are $H^\top$ and $H H$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. With one feature, ICA sometimes works and sometimes fails. Count equations and unknowns. For twenty projectors on the turned square, how often is the smallest penalty far from the sources?
#
# <details><summary>Hint</summary>How many angles has a rotation in $d$ dimensions, and how many entries have all the blocks $C_{ij}$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Add a penalty on triples: the dHSIC of four random triples of the representation, at each step. Does it fall? Does the probe gain?
#
# <details><summary>Hint</summary>Standardise the columns, make their Gaussian kernel matrices, and put (3) for three of them into the loss. Which weight makes it felt beside VICReg's terms?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - G. Mialon, R. Balestriero, Y. LeCun. [Variance Covariance Regularization Enforces Pairwise Independence in Self-Supervised Representations](https://arxiv.org/abs/2209.14905), 2022.
# - A. Gretton et al. Measuring statistical dependence with Hilbert-Schmidt norms. *ALT*, 2005. N. Pfister et al. [Kernel-based tests for joint independence](https://arxiv.org/abs/1603.00285), 2018.
# - A. Rahimi, B. Recht. Random features for large-scale kernel machines. *NIPS*, 2007. S. Kornblith et al.
#   [Similarity of neural network representations revisited](https://arxiv.org/abs/1905.00414) (nHSIC as CKA), 2019.
# - P. Comon. Independent component analysis, a new concept? *Signal Processing*, 1994. A. Hyvärinen, E. Oja. Independent component analysis: algorithms and applications, 2000. A.
#   Hyvärinen, P. Pajunen. Nonlinear independent component analysis: existence and uniqueness results, 1999.
# - A. Bardes et al. [VICReg](https://arxiv.org/abs/2105.04906), 2021. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021. A. Ermolov et al.
#   [W-MSE](https://arxiv.org/abs/2007.06346), 2021.

# %%
ch.footer()
