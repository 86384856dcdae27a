# %% [markdown]
# # Information and VICReg
#
# After this chapter you can take a self-supervised loss apart into "views agree" and "an estimate of entropy", put a better estimate in, and say, from a
# bound with three measurable terms, why a representation of full rank needs fewer labels.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import e, log, pi, sqrt

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, recipes, training
from replearn.papers.information_vicreg import infomax_logdet, infomax_pairwise

ch = cb.Chapter("information_vicreg", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown]
# ## The question
#
# An embedding that keeps images apart must fill space. How much space does a set of points fill? Below are 40 images as 40 small clouds, close together
# and far apart. The number to find is their entropy, in nats: $e$ to that power is the area that they effectively cover.

# %%
mixture, noise, s = randn(40, 2), randn(40, 60, 2), 0.3


def rulers(mu, s, draws=2000):
    """Lower bound, Monte Carlo, upper bound, log-determinant."""
    lower, upper = (evaluation.pairwise_entropy(mu, s, kind) for kind in ("lower", "upper"))
    cov = torch.cov(mu.T, correction=0).reshape(2 * [mu.shape[1]]) + s**2 * torch.eye(mu.shape[1]).double()
    return lower, evaluation.gmm_entropy_mc(mu, s, draws, generator), upper, evaluation.gaussian_entropy(cov)


fig, axes = plt.subplots(1, 2, figsize=(8.4, 3.7), layout="constrained")
for ax, spread in zip(axes, (1, 6), strict=True):
    points, measured = spread * mixture[:, None] + s * noise, rulers(spread * mixture, s)
    cb.plots.scatter(ax, points.flatten(0, 1), np.arange(40).repeat(60) % 8, size=4)
    ax.set(
        aspect="equal", xlim=(-21, 21), ylim=(-21, 21), xlabel=f"entropy of one wide Gaussian: {measured[3]:.1f} nats"
    )
    ax.set_title(f"Spread {spread}, entropy {measured[1].value:.1f} nats")
plt.show()

# %% [markdown]
# *Compare the two numbers in each panel.* On the left the 40 clouds are as good as one, and a Gaussian with their covariance says the truth. On the right
# it counts the empty space between the clouds as filled. No formula gives the true number. Every estimate is a choice, and the paper's thesis is
# that self-supervised methods differ mostly in this choice.
#
# ## The mathematics
#
# **The objective.** $x, x'$ are two views of an image, $z = f(x), z' = f(x') \in \mathbb R^K$ their embeddings; $N$ images. Each image is a small cloud,
# and a network maps small clouds to clouds, so an embedding follows a mixture $Z \sim \frac1N \sum_n \mathcal N(\mu_n, \Sigma_n)$ with $\mu_n = f(x_n)$. To make one
# view tell about the other, maximise $H(Z) + E \log q(z | x')$: $H(Z) = -E \log p(Z)$ is the **entropy**, and $q$ is a guess of the one
# embedding from the other view. For a Gaussian guess of variance $s^2$ the second term is $-\frac{1}{2 s^2} \|z - z'\|^2$ and a constant: **invariance**. All methods share it.
# What remains is $H(Z)$.
#
# **Three estimates of it.** Let $\Sigma_Z$ be the covariance of $Z$, $|\cdot|$ a determinant.
#
# - **Log-determinant.** Of all laws with covariance $\Sigma_Z$ the Gaussian has the largest entropy, so $H(Z) \le H_G = \frac K2 \log 2 \pi e + \frac12 \log |\Sigma_Z|$. VICReg's variance and covariance
#   terms push on it indirectly; **LogDet InfoMax** uses $\frac12 \log |\Sigma_Z + \epsilon I|$ itself.
# - **Pairwise distances** (Kolchinsky and Tracey, 2017). For clouds of one size, $\Sigma_n = s^2 I$, each with entropy $h = \frac K2 \log 2 \pi e s^2$, and $d_{ij} = \|\mu_i - \mu_j\|$,
#
# $$ H_D = h - \frac1N \sum_i \log \frac1N \sum_j e^{-D_{ij}}, \qquad D_{ij} = \tfrac{d_{ij}^2}{8 s^2} \text{ (lower bound)} \quad\text{or}\quad D_{ij} = \tfrac{d_{ij}^2}{2 s^2} \text{ (upper bound).} \tag{1} $$
#
#   The first $D$ is the Bhattacharyya distance, the second the Kullback-Leibler divergence. Because $j = i$ is in the sum, $h \le H_D \le h + \log N$.
# - **Monte Carlo.** Draw $z$ from the mixture and average $-\log p(z)$: unbiased, with a standard error, and our reference.
#
# **SimCLR is the second kind.** On the unit sphere $\|z_i - z_j\|^2 = 2 - 2 z_i^\top z_j$, so with temperature $t$
#
# $$ -\log \tfrac1N \sum_j e^{-\|z_i - z_j\|^2 / 2t} = \tfrac1t - \log \tfrac1N \sum_j e^{z_i^\top z_j / t} : \tag{2} $$
#
# its denominator is a pairwise entropy, up to self-pairs, positives and the mixing of views.
#
# **The losses** for one pair of views, means over the batch ($s^2 = 1$, $\epsilon = 10^{-3}$, $t = 0.2$; LogDet's covariance divides by $N - 1$):
#
# $$ \mathcal L_{\text{LogDet}} = \tfrac1K \Big[ \tfrac{1}{2 s^2} E \|z - z'\|^2 - \tfrac12 \log |\Sigma_Z + \epsilon I| \Big], \qquad
#    \mathcal L_{\text{pair}} = \tfrac{1}{2t} E \|z - z'\|^2 + E_i \log \sum_j e^{-\|z_i - z_j\|^2 / 2t} . $$
#
# The entropy is averaged over the two views. In LogDet no weight is left to tune: scale $z$ by $c$ and the distance grows as $c^2$, the entropy as $K \log c$.
#
# **A bound on test error.** Fit the least-squares head of least norm, $w_S$, to $n$ labelled images $S$; let its error on an image be
# $\ell = \|w_S f(x) - y\|$, $y$ the one-hot label. Let $Z$ $(n, K)$ hold the representations, one to a row, $P_Z = I - Z Z^+$ ($Z^+$ the pseudo-inverse) project onto what no combination of the columns of $Z$ can
# make, and $Y$ $(n, 10)$ hold the labels. With $m$ unlabelled images $S'$, each in two views, and high probability,
#
# $$ E\, \ell \ \le\ \underbrace{\tfrac1m \textstyle\sum_i \|f(x_i) - f(x'_i)\|}_{\text{invariance}} + \underbrace{\tfrac{2}{\sqrt m} \|P_{Z_{S'}} Y_{S'}\|_F}_{\text{unlabelled residual}} + \underbrace{\tfrac{1}{\sqrt n} \|P_{Z_S} Y_S\|_F}_{\text{labelled residual}} + Q , \tag{3} $$
#
# where $Q$, a complexity term of order $1/\sqrt m + 1/\sqrt n$, is left out below. The residuals vanish when $Z$ has rank $n$ and shrink as the rank grows: variance and covariance
# terms again. So (3) has the parts of VICReg, and nothing that grows with a number of negatives.
#
# ## From scratch


# %%
def pairwise(mu, s, c):
    D = (mu[:, None] - mu).square().sum(2) / (c * s**2)
    return mu.shape[1] / 2 * log(2 * pi * e * s**2) - (-D).exp().mean(1).log().mean()


def logdet_loss(z1, z2, eps=1e-3):
    volume = sum(torch.logdet(torch.cov(z.T) + eps * torch.eye(z.shape[1])) for z in (z1, z2)) / 2
    return ((z1 - z2).square().sum(1).mean() / 2 - volume / 2) / z1.shape[1]


def residual(Z, Y):
    return (Y - Z @ torch.linalg.pinv(Z) @ Y).norm()


z1, z2 = randn(2, 50, 6)
assert_close(pairwise(mixture, s, 8).item(), evaluation.pairwise_entropy(mixture, s, "lower"))
assert_close(pairwise(mixture, s, 2).item(), evaluation.pairwise_entropy(mixture, s, "upper"))
assert_close(logdet_loss(z1, z2), infomax_logdet(z1, z2))
assert_close(residual(z1, z2).item(), evaluation.null_projection_residual(z1, z2))
cb.show_source(infomax_pairwise)

# %% [markdown]
# ## The theorem, tested
#
# **The sandwich.** Three dimensions (1, 2, 5), five spreads, three draws of 40 centres: 45 mixtures, and for each the three inequalities lower ≤ true ≤ upper, true ≤
# log-determinant. A violation is measured in standard errors of the Monte Carlo estimate. At spread 0 all estimates must coincide; very far apart, both pairwise
# bounds must be $h + \log N$.

# %%
excess = []
for k in (1, 2, 5):
    for mu in randn(15, 40, k) * torch.tensor([0, 0.5, 1, 2, 8]).repeat(3)[:, None, None]:
        lower, mc, upper, gauss = rulers(mu, s, draws=1000)
        excess += [(lower - mc.value) / mc.error, (mc.value - upper) / mc.error, (mc.value - gauss) / mc.error]
point, far = rulers(0 * mixture, s, 2), rulers(1e3 * mixture, s, 2)
h = log(2 * pi * e * s**2)
together = np.ptp([point[0], point[2], point[3], h])
apart = np.ptp([far[0], far[2], h + log(40)])
ch.measure("entropy-sandwich", bounds=max(excess), zero_spread=together, separated=apart)

# %% [markdown]
# **The ceiling.** Now the centres are fixed in $K = 8$ dimensions with $s = 1$, and only their scale grows. From scale 10 to 100 the entropy of a *Gaussian* grows by $8 \log 10 = 18.4$
# nats. That of 40 clouds cannot, and the pairwise estimate knows it.

# %%
centres, scales = randn(40, 8), np.geomspace(0.1, 100, 31)
grown = np.array([[v if i != 1 else v.value for i, v in enumerate(rulers(a * centres, 1.0))] for a in scales])
top = 4 * log(2 * pi * e) + log(40)
over, short = (grown[:, [0, 2]] - top).max(), np.abs(grown[scales >= 9.99][:, [0, 2]] - top).max()
growth = grown[-1, 3] - grown[20, 3]
ch.measure("pairwise-saturates", ceiling=over, reached=short, logdet=growth)

# %%
hues = [cb.color(name) for name in ("nt_xent", "theory", "nt_xent", "vicreg")]
fig, ax = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
for curve, hue, style, width in zip(grown.T, hues, ("-", "-", "--", "-"), (2, 6, 2, 2), strict=True):
    ax.semilogx(scales, curve, style, color=hue, lw=width, alpha=0.35 if width == 6 else 1)
ax.axhline(top, color=cb.color("baseline"), ls=":", lw=1)
places = [(2.1, 13, "pairwise, lower"), (30, 12.6, "Monte Carlo"), (0.1, 13.4, "pairwise, upper"), (5, 32, "log-det")]
for (x, y, text), hue in zip(places, hues, strict=True):
    ax.text(x, y, text, color=hue)
ax.text(0.1, top + 0.4, "ceiling $h + \\log N$", color=cb.color("baseline"))
ax.set(xlabel="scale of the 40 centres in 8 dimensions", ylabel="entropy (nats)", ylim=(10.5, 36))
ax.set_title("Two bounds stop where the truth stops; log-det runs on")
plt.show()

# %% [markdown]
# *Look at the wide grey line, the truth.* The pairwise bounds enclose it. Log-det leaves it as soon as the clouds come apart. Which failure is worse? The pairwise one cannot see more than
# $\log N$ nats, the size of the batch. Log-det sees space that is not filled, but always tells a training run in which direction there is more.
#
# **Two identities**: equation (2), and that the residual of (3) is what least squares leaves over.

# %%
unit, Y = F.normalize(randn(200, 16), dim=1), randn(40, 3)
distance, t = (unit[:, None] - unit).square().sum(2), 0.2
difference = -(-distance / (2 * t)).exp().mean(1).log() - (1 / t - (unit @ unit.T / t).exp().mean(1).log())
low, full = randn(40, 5) @ randn(5, 12), randn(40, 64)
left_over = (Y - low @ torch.linalg.lstsq(low, Y, rcond=1e-8, driver="gelsd").solution).norm().item()
ch.measure("simclr-denominator", gap=difference.abs().max())
off = abs(evaluation.null_projection_residual(low, Y) - left_over)
none = evaluation.null_projection_residual(full, Y)
ch.measure("residual-is-lstsq", rank_5=off, full_rank=none)

# %% [markdown]
# ## The experiment
#
# **Swap the estimator.** Digits of 14 × 14 pixels; an encoder 196-256-128 with ReLUs, a linear projector to $K = 64$, and random turns, zooms and shifts for views. Only the loss changes.
# VICReg comes twice: with the paper's weights 25, 25, 1, and with the covariance weight tuned to 25, because the mean over dimensions in that term makes 1 very weak at $K = 64$. The control is
# VICReg's invariance alone. The probe is logistic regression on 2,000 labels, a mean over four disjoint sets of them: one set alone moves these accuracies by as much as the methods differ.

# %%
mnist = recipes.tiny_mnist(standardized=False)
recipe = recipes.TINY_MLP._replace(steps=200, batch_size=ch.pick(fast=128, toy=256))
short = {"steps": ch.pick(fast=75, toy=200)}


def vicreg(inv, var, cov):
    return partial(losses.vicreg, inv=float(inv), var=float(var), cov=float(cov))


methods = {
    "LogDet": (infomax_logdet, "cca", "-", {}),
    "VICReg 25, 25, 25": (vicreg(25, 25, 25), "vicreg", "-", {}),
    "VICReg 25, 25, 1": (vicreg(25, 25, 1), "vicreg", "--", {}),
    "pairwise": (partial(infomax_pairwise, temperature=0.2), "nt_xent", "--", short),
    "SimCLR": (partial(losses.nt_xent, temperature=0.2), "nt_xent", "-", short),
    "invariance only": (vicreg(25, 0, 0), "baseline", "-", {"steps": 60}),
}
digits = mnist.y_train.unflatten(0, (4, 2000))


def probe(encoder):
    z, z_test = (training.features(encoder, x) for x in (mnist.x_train, mnist.x_test))
    sets = zip(z.unflatten(0, (4, 2000)), digits, strict=True)
    return np.mean([evaluation.logistic_probe(*s, z_test, mnist.y_test, steps=30) for s in sets])


# %% [markdown]
# While they train, watch the entropy of the embedding. Because log-determinants of different scales cannot be compared, each dimension is first brought to variance 1:
# $\frac12 \log |R|$ with $R$ the correlation matrix of the 2,000 test embeddings, 0 when they are uncorrelated and negative otherwise.


# %%
def white(network):
    R = torch.corrcoef(training.features(network, mnist.x_test).double().T)
    return torch.linalg.slogdet(R).logabsdet.item() / 2


def train(loss, s, watch=False, **changes):
    encoder, projector = recipes.mlp_encoder(recipe, seed=s)
    whole, curve, settings = nn.Sequential(encoder, projector), [], recipe._replace(**changes)
    extra = {"monitor": lambda *_: curve.append(white(whole)), "log_every": 20} if watch else {}
    recipes.train_networks(encoder, projector, loss, mnist.x_train, recipe=settings, seed=s, **extra)
    return encoder, [*curve, white(whole)] if watch else curve


kept = list(methods)[:5]
runs = {
    (name, s): train(loss, s, watch=s == ch.seed and name in kept, **changes)
    for name, (loss, _, _, changes) in methods.items()
    for s in seeds
}
accuracy = {name: np.array([probe(runs[name, s][0]) for s in seeds]) for name in methods}
mean = {name: values.mean() for name, values in accuracy.items()}
untrained = probe(recipes.mlp_encoder(recipe, seed=ch.seed)[0])

# %%
default, tuned = mean["LogDet"] - mean["VICReg 25, 25, 1"], mean["LogDet"] - mean["VICReg 25, 25, 25"]
apart = abs(mean["pairwise"] - mean["SimCLR"])
ch.measure("better-entropy", gain=default)
ch.measure("tuned-vicreg", gain=tuned)
ch.measure("invariance-alone", accuracy=accuracy["invariance only"])
ch.measure("pairwise-like-simclr", apart=apart)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.6), width_ratios=[1, 1.15], layout="constrained")
heights = {}
for name in sorted(kept, key=lambda name: runs[name, ch.seed][1][-1]):
    heights[name] = max(runs[name, ch.seed][1][-1], max(heights.values(), default=-999) + 10)
for row, name in enumerate(sorted(kept, key=mean.get)):
    (_, key, style, _), curve = methods[name], runs[name, ch.seed][1]
    left.plot(accuracy[name], [row] * len(seeds), "o", color=cb.color(key), alpha=0.5)
    left.plot([mean[name]] * 2, [row - 0.25, row + 0.25], color=cb.color(key))
    left.text(mean[name], row + 0.32, name, color=cb.color(key), ha="center")
    right.plot(np.linspace(0, 1, len(curve)), curve, style, color=cb.color(key))
    right.text(1.03, heights[name], name, color=cb.color(key), va="center")
left.axvline(untrained, color=cb.color("random"), ls="--", lw=1)
left.text(untrained + 0.001, 4.2, "untrained", color=cb.color("random"))
left.set(yticks=[], ylim=(-0.6, 4.8), xlabel="accuracy of the probe", title="Who reads digits best")
right.set(xlim=(0, 1.45), xticks=[0, 0.5, 1], xlabel="share of training", ylabel="½ log |R|  (nats)")
right.set_title("Entropy of the standardised embedding")
plt.show()

# %% [markdown]
# *Look left at the distances, then right at the order.* All five start from the same networks. LogDet, the only one that descends on this number, dips and then climbs to the top; VICReg goes as
# far as its covariance weight lets it, so the default weights end half-collapsed and with the worst probe. But more is not better without end: tuned VICReg stops far below LogDet and probes as well, here slightly
# better. The fair reading of "a better estimator wins" is *a better estimator needs no tuning*. Pairwise entropy and SimCLR are close twins in both panels. Invariance alone is outside the
# picture: accuracy near 0.1, every unit dead within some 30 steps.
#
# *Mind one surprise:* only LogDet ends above its random start. The entropy of a VICReg embedding does rise in training, as the paper reports, but because its scale grows to the hinge; per
# dimension of variance 1 it falls, since agreeing views have fewer ways to differ.
#
# **The bound.** Nine encoders: seven weightings of VICReg, one that was stopped early, one untrained. Representations (128 units) are brought to unit variance per unit, then get a constant feature, and are divided by
# $\sqrt{129}$, so that $\|f\| \approx 1$. Without this the terms of (3) would not be comparable between runs. A dead unit has no variance, so deviations count as at least 0.01. The
# theorem draws all images from one distribution; so labelled and test images are augmented too. We take $m = 8000$, $n = 500$, and the *median* over eight sets of labels: once in a while 500 images
# leave a direction nearly empty, the head that fits them relies on it, and its test error explodes.


# %%
def shaken(x, s):
    return recipes.tiny_affine(x, torch.Generator().manual_seed(s))


views, test = [shaken(mnist.x_train, ch.seed + 100 * i) for i in (1, 2)], shaken(mnist.x_test, ch.seed)
targets, truth = F.one_hot(mnist.y_train).double(), F.one_hot(mnist.y_test).double()


def diagnose(encoder):
    z1, z2, z_test = (training.features(encoder, x).double() for x in (*views, test))
    mean, std = z1.mean(0), z1.std(0).clamp(min=0.01)
    z1, z2, z_test = (F.pad((z - mean) / std, (0, 1), value=1.0) / sqrt(129) for z in (z1, z2, z_test))
    sets = [slice(500 * i, 500 * i + 500) for i in range(8)]
    heads = [torch.linalg.lstsq(z1[s], targets[s], rcond=1e-8, driver="gelsd").solution for s in sets]
    error = np.median([(z_test @ head - truth).norm(dim=1).mean() for head in heads])
    left_over = [evaluation.null_projection_residual(z1[s], targets[s]) / sqrt(500) for s in sets]
    unlabelled = 2 / sqrt(8000) * evaluation.null_projection_residual(z1, targets)
    return (z1 - z2).norm(dim=1).mean().item(), unlabelled, np.median(left_over), error


weights = [(25, 25, 0), (25, 25, 5), (1, 25, 25), (200, 25, 25)]
done = {(25, 25, 25): "VICReg 25, 25, 25", (25, 25, 1): "VICReg 25, 25, 1", (25, 0, 0): "invariance only"}
encoders = {w: train(vicreg(*w), ch.seed)[0] for w in weights}
encoders |= {w: runs[name, ch.seed][0] for w, name in done.items()}
encoders["40 steps"] = train(vicreg(25, 25, 25), ch.seed, steps=40)[0]
encoders["untrained"] = recipes.mlp_encoder(recipe, seed=ch.seed)[0]
study = {name: diagnose(encoder) for name, encoder in encoders.items()}
invariance, unlabelled, labelled, error = np.array(list(study.values())).T
bound = invariance + unlabelled + labelled

# %%
rank = [spearmanr(v, error)[0] for v in (bound, unlabelled, invariance)]
ch.measure("bound-holds", ratio=bound / error)
ch.measure("bound-ranks", sum=rank[0], unlabelled=rank[1])
ch.measure("invariance-does-not-rank", correlation=abs(rank[2]))

# %%
parts = {"invariance": "baseline", "unlabelled residual": "vicreg", "labelled residual": "byol"}
labels = [name if isinstance(name, str) else ", ".join(map(str, name)) for name in study]
order, lefts = np.argsort(error), np.zeros(9)
fig, (ax, side) = plt.subplots(1, 2, figsize=(9.4, 3.9), width_ratios=[1.5, 1], layout="constrained")
for (text, key), values, x in zip(parts.items(), (invariance, unlabelled, labelled), (0, 0.75, 2), strict=True):
    ax.barh(range(9), values[order], 0.62, left=lefts[order], color=cb.color(key), alpha=0.75)
    ax.text(x, 8.6, text, color=cb.color(key))
    lefts = lefts + values
ax.plot(error[order], range(9), "o", color=cb.color("theory"), ms=7)
ax.set(yticks=range(9), yticklabels=[labels[i] for i in order], ylim=(-0.6, 9.2), xlabel="terms; dots: test error")
ax.set_title("VICReg's weights (inv, var, cov), best at the bottom")
ax.grid(axis="y", visible=False)
clouds = [
    ("sum", bound, "theory", 2.75),
    ("unlabelled", unlabelled, "vicreg", 1.5),
    ("invariance", invariance, "baseline", 0.4),
]
for (text, values, key, x), rho in zip(clouds, rank, strict=True):
    side.plot(values, error, "o", color=cb.color(key))
    side.text(x, 0.985, f"{text}\n{rho:.2f}", color=cb.color(key), ha="center", va="bottom")
side.set(xlim=(-0.1, 3.5), ylim=(0.6, 1.07), xlabel="term", ylabel="test error", title="Rank correlation with it")
plt.show()

# %% [markdown]
# *Look at the dots, then at the bars.* The dots move to the right as the two residuals grow. The invariance bar does not follow: the collapsed run, 25, 0, 0, has perfect
# invariance and the largest error. The sum is about three times the error and says nothing about its size. It ranks. And the unlabelled residual ranks better than
# the sum.
#
# ## Play
#
# **Four rulers.** `spread` moves the centres of a plane mixture apart, `components` sets $N$. At spread 0 the four bars agree. Widen it: log-det runs away, the others stop at the dashed ceiling, which
# only a larger $N$ lifts.

# %%
more = randn(64, 2)
names = ["pairwise, lower", "Monte Carlo", "pairwise, upper", "log-det"]


def draw_rulers(fig, spread, components):
    left, ax = fig.subplots(1, 2, width_ratios=[1, 1.5])
    fig.subplots_adjust(left=0.03, right=0.97, bottom=0.17, top=0.86, wspace=0.45)
    generator.manual_seed(ch.seed)
    measured = [getattr(v, "value", v) for v in rulers(spread * more[:components], s)]
    cb.plots.scatter(left, spread * more[:components], size=22)
    left.set(xlim=(-22, 22), ylim=(-22, 22), title="centres")
    ax.barh(range(4), measured, 0.6, color=hues)
    ax.axvline(h + log(components), color=cb.color("baseline"), ls="--", lw=1)
    for row, value in enumerate(measured):
        ax.text(max(value, h + log(components)) + 0.1, row, f"{value:.2f}", va="center")
    ax.set(yticks=range(4), yticklabels=names, xlim=(0, 9), xlabel="nats", xticks=[0, 3, 6, 9], title="entropy")


cb.explore(draw_rulers, figsize=(7.2, 3), spread=(0.0, 10.0, 0.25), components=ipywidgets.IntSlider(24, 2, 64))

# %% [markdown]
# **The bandwidth.** A pairwise estimate needs an $s$, and $s$ decides what it can see. For 500 trained representations (LogDet's): the estimate less $h$, as a share of $\log N$. Too wide a kernel sees one blob, too
# narrow a one sees 500 strangers, and neither tells a training run anything. The useful window is about a decade wide.

# %%
embedded = training.features(runs["LogDet", ch.seed][0], mnist.x_test[:500]).double()
gaps = torch.cdist(embedded, embedded, compute_mode="donot_use_mm_for_euclid_dist").square()
widths = np.geomspace(0.02, 200, 61)


def seen(s, c):
    return float(-torch.exp(-gaps / (c * s**2)).mean(1).log().mean() / log(500))


windows = {c: [seen(s, c) for s in widths] for c in (8, 2)}


def draw_bandwidth(fig, bandwidth):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.09, right=0.97, bottom=0.16, top=0.88)
    for c, style, name, y in ((8, "-", "lower bound, solid", 0.62), (2, "--", "upper bound, dashed", 0.36)):
        value = seen(bandwidth, c)
        ax.plot(np.log10(widths), windows[c], style, color=hues[0])
        ax.plot(np.log10(bandwidth), value, "o", ms=11, color=hues[0])
        ax.text(-1.7, y, f"{name}: {value:.2f}", color=hues[0])
    ax.set(xticks=[-1, 0, 1, 2], xticklabels=["0.1", "1", "10", "100"], ylim=(-0.03, 1.06), yticks=[0, 0.5, 1])
    ax.set(xlabel="bandwidth s (units of the representation)", ylabel="(estimate − h) / log N")
    ax.set_title("What the pairwise estimate can see")


cb.explore(draw_bandwidth, figsize=(7.2, 3.2), bandwidth=cb.log_slider(3, 0.02, 200))

# %% [markdown]
# **The covariance weight.** The three terms of (3) for VICReg's weights 25, 25 and a covariance weight of your choice, and the test error under them. Going from 0 to 25 the residuals shrink, the invariance
# term grows, and the error follows the residuals.

# %%
swept = {c: study[25, 25, c] for c in (0, 1, 5, 25)}


def draw_weight(fig, covariance):
    ax, values, start = fig.subplots(), swept[covariance], 0.0
    fig.subplots_adjust(left=0.14, right=0.97, bottom=0.2, top=0.86)
    for (text, key), value, x in zip(parts.items(), values, (0, 0.8, 1.9), strict=False):
        ax.barh(1, value, 0.55, left=start, color=cb.color(key), alpha=0.75)
        ax.text(x, 1.36, f"{text} {value:.2f}", color=cb.color(key))
        start += value
    ax.barh(0, values[3], 0.55, color=cb.color("theory"))
    ax.text(values[3] + 0.03, 0, f"{values[3]:.3f}", va="center")
    ax.set(yticks=[0, 1], yticklabels=["test error", "bound"], xlim=(0, 3), ylim=(-0.4, 1.65), xlabel="units of labels")
    ax.set_title(f"VICReg 25, 25, {covariance}: the bound is {start:.2f}")


cb.explore(draw_weight, figsize=(7.2, 2.6), covariance=ipywidgets.SelectionSlider(options=list(swept), value=1))

# %% [markdown]
# ## What breaks
#
# - **The comparison is with default weights.** LogDet beats VICReg at 25, 25, 1; VICReg at 25, 25, 25 catches up, and at this budget is slightly ahead. The paper's tables compare published defaults on ResNet-18; a toy of
#   0.1 million weights and 200 steps neither confirms nor refutes them.
# - **Entropy is no score.** LogDet has by far the largest $\frac12 \log |R|$ and not the best probe: noise fills space too. Invariance has to hold it back.
# - **An upper bound is being maximised.** The objective is a lower bound on information with an upper bound on entropy put inside it. Strictly it bounds nothing; only the pairwise lower bound keeps the
#   direction. In $\mathbb R^K$ without the sphere, though, it is content once all pairs are a few $s$ apart, for which few dimensions suffice.
# - **The bound is vacuous in size** (near 2.5, where always answering the class frequencies has an error of 0.95) and needs labels for its unlabelled set: a diagnosis, not a loss. Its constants depend on how you scale $f$. With clean labelled and test images,
#   which (3) does not cover, the sum ranks the runs much less well in our trials: the invariance term then counts what the test no longer asks. With fewer steps too.
# - **Numbers.** `slogdet` in float32 of a nearly singular covariance has useless gradients: keep $\epsilon \ge 10^{-3}$ in the loss, float64 in measurements. Entropies of differently scaled or differently wide
#   embeddings cannot be compared. Use squared distances in a loss; the gradient of a root at distance 0 is not a number.
# - **How the toy differs.** A two-layer encoder and 14 × 14 digits for ResNet-18 and natural images; three seeds; 200 steps on a learning rate that falls to zero, where the paper trains for hundreds of epochs.
#
# ## Before and after
#
# [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) solved VICReg as an eigenvalue problem; its condition $\mathrm{Cov}(Z) = I$ is what maximises $\log |\Sigma_Z|$ at a given trace, so "keep $K$ smooth directions at variance one" and "keep the views together, the entropy high" are
# one programme in two languages, and the family of [canonical correlation](../../1_recipes/04_canonical_correlation/canonical_correlation.ipynb) shares both. The chapter before this one, *What do we maximize?*, derives the objective that was taken for granted here. The next, *pairwise independence*,
# asks what a small covariance buys beyond entropy: statistical independence, for which zero correlation is not enough in general.
#
# ## Claims

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 5 min. Show that with one component $H_D = h$, for either $D$, and check it.
#
# <details><summary>Hint</summary>Which pairs $(i, j)$ are left in the sum?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●○○ 10 min. How large must a batch be for a pairwise estimate to see an entropy of $h + 20$ nats? And how many nats above $h$ can a batch of 256 show?
#
# <details><summary>Hint</summary>By how much can $H_D$ lie above $h$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Take embeddings with $E \|z - z'\|^2 = a$ and stretch them by $c$. Which $c$ minimises the LogDet loss ($s^2 = 1$, $\epsilon \to 0$)? What is the distance there? Check on random pairs.
#
# <details><summary>Hint</summary>How does each of the two terms change with $c$? Then take a derivative.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Let the guess $q$ learn its covariance: replace $\frac12 E \|z - z'\|^2$ by $\frac12 \log |\mathrm{Cov}(z - z') + \epsilon I|$. Which transformations of $z$ does the new loss not see? What becomes of
# the bound's invariance term?
#
# <details><summary>Hint</summary>Write $\mathrm{Cov}(z - z')$ for $z$ and $z'$ multiplied by one invertible matrix $A$. What happens to the two log-determinants?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Shwartz-Ziv, R. Balestriero, K. Kawaguchi, T. G. J. Rudner, Y. LeCun. [An Information-Theoretic Perspective on Variance-Invariance-Covariance Regularization](https://arxiv.org/abs/2303.00633). *NeurIPS*, 2023.
# - R. Shwartz-Ziv, R. Balestriero, Y. LeCun. [What Do We Maximize in Self-Supervised Learning?](https://arxiv.org/abs/2207.10081), 2022.
# - A. Kolchinsky, B. Tracey. [Estimating mixture entropy with pairwise distances](https://arxiv.org/abs/1706.02419). *Entropy*, 2017. Z. Zhouyin, D. Liu. Understanding neural networks with logarithm determinant entropy estimator, 2021.
# - A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2021. T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021.
# - T. Wang, P. Isola. Understanding contrastive representation learning through alignment and uniformity. *ICML*, 2020. S. Arora et al. A theoretical analysis of contrastive unsupervised representation learning. *ICML*, 2019.

# %%
ch.footer()
