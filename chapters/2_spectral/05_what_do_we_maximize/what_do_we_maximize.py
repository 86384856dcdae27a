# %% [markdown]
# # What do we maximize?
#
# After this chapter you can say what a deterministic network has to do with information, derive VICReg's three terms from one mutual information, and
# point at the step of the derivation where a bound stops being a bound.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from copy import deepcopy
from functools import partial
from math import pi, sqrt

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, recipes, splines, training
from replearn.data import load
from replearn.papers.what_do_we_maximize import ba_bound_gaussian, normality_rejection, push_clouds

ch = cb.Chapter("what_do_we_maximize", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown]
# ## The question
#
# Self-supervised learning is often explained by information: *make the embedding of one view tell as much as possible about the other*. But a trained
# network is a function. Whatever goes in, one definite thing comes out. Where is the randomness that information needs?

# %%
knots, heights, draws = [-3, -1.1, 0.5, 1.2, 3], [0.2, 0.6, -0.7, 1.6, 1.1], randn(20_000).numpy()
fig, axes = plt.subplots(1, 3, figsize=(9, 2.9), width_ratios=[1.2, 1, 1], layout="constrained")
axes[0].plot(knots, heights, color=cb.color("theory"))
for ax, s, name in zip(axes[1:], (0.1, 0.9), ("vicreg", "nt_xent"), strict=True):
    axes[0].plot([-0.3 - 2 * s, -0.3 + 2 * s], [-1 - 0.3 * s] * 2, color=cb.color(name), lw=5, solid_capstyle="round")
    ax.hist(np.interp(-0.3 + s * draws, knots, heights), bins=60, density=True, color=cb.color(name))
    ax.set(yticks=[], xlabel="output", title=f"Input Gaussian, std {s}")
axes[0].set(xlabel="input", ylabel="output", ylim=(-1.5, 1.8), title="A network with one input")
plt.show()

# %% [markdown]
# *Look at the two histograms.* The curve is what a small ReLU network computes: straight pieces. The short bar is a Gaussian that fits on one piece,
# and what comes out is Gaussian. The long bar covers several pieces, and what comes out is anything but.
#
# ## The mathematics
#
# **Objects.** $N$ images $x_n \in \mathbb R^d$ ($d$ pixels), a network $f: \mathbb R^d \to \mathbb R^K$, embeddings $z = f(x)$; $x, x'$ are two views
# of one image, $z, z'$ their embeddings. $H(Z) = -E \log p(Z)$ is the (differential) entropy, in nats; $H(Z | X')$ that of the law of $Z$ given $X'$,
# averaged over $X'$; $I(Z; X') = H(Z) - H(Z | X')$ the mutual information; $\mathrm{KL}(p \| q) = E_p \log (p / q) \ge 0$. $|\Sigma|$ is a
# determinant. The norm $\|\cdot\|_F$, the trace $\operatorname{tr}$ and $\mathrm{Cov}$, which divides by $N$, are those of
# [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb).
#
# **The trouble.** Given $X$, the output of a deterministic $f$ has no spread: $H(f(X) | X) = -\infty$ and $I(X; f(X)) = \infty$, for good networks
# and bad ones alike. So put the randomness into the **data**: each image is the centre of a cloud, $p(x) = \frac1N \sum_n \mathcal N(x; x_n, \Sigma_n)$,
# and $\Sigma_n$ spreads along what augmentations can do. The clouds are small and pixels many, so they (almost) never overlap.
#
# **The network.** With ReLUs, $f$ is continuous and piecewise affine: input space is cut into regions, and on the region of $x_n$ it is
# $f(x) = A_n x + b_n$, where $A_n$ ($K \times d$) is the Jacobian. A Gaussian under an affine map is a Gaussian. So if each cloud stays in its region,
#
# $$ Z \sim \frac1N \sum_n \mathcal N\big(A_n x_n + b_n,\ A_n \Sigma_n A_n^\top\big) , \tag{1} $$
#
# and the only error comes from what leaves the region. Now $H(Z | X)$ is finite, and information means something.
#
# **The objective** is $\max I(Z; X') + I(Z'; X)$. Neither can be computed, but for *any* density $q(z | x')$ that we guess (Barber and Agakov, 2003),
#
# $$ I(Z; X') = H(Z) + E \log q(Z | X') + \underbrace{E\, \mathrm{KL}\big(p(z | x') \,\|\, q(z | x')\big)}_{\text{the gap}} \ \ge\ H(Z) + E \log q(Z | X') : \tag{2} $$
#
# add and subtract $E \log q$ in $-H(Z | X') = E \log p(Z | X')$. Guess that $z$ lies around $z'$, $q(z | x') = \mathcal N(z; z', r^2 I)$. Then
#
# $$ E \log q = - \frac{1}{2 r^2} E \|z - z'\|^2 - \frac K2 \log(2 \pi r^2) . \tag{3} $$
#
# The first term is **invariance**; the best $r^2$ is $E \|z - z'\|^2 / K$. Over both clouds, $E \|z - z'\|^2$ is
# the distance of their centres squared plus two traces $\operatorname{tr} A_n \Sigma_n A_n^\top$, constant where clouds are alike. (The paper has volumes
# $|A_n \Sigma_n A_n^\top|$ in their place, which do not follow from (3).)
#
# **The entropy** of the mixture (1) has no closed form. But among all laws with one covariance $\Sigma$ the Gaussian has the largest entropy, and by
# Hadamard's inequality independent dimensions have a larger one still, with equality just where $\Sigma$ is diagonal:
#
# $$ H(Z) \ \le\ \frac K2 \log (2 \pi e) + \frac12 \log |\Sigma| \ \le\ \frac K2 \log (2 \pi e) + \frac12 \sum_k \log \Sigma_{kk} . \tag{4} $$
#
# So raise the **variances** $\Sigma_{kk}$ and send the **covariances** to 0: VICReg's other two terms. What does a correlation cost? Let $R = I + E$
# be the correlation matrix, $E$ with zero diagonal. Then $\log |I + E| = \operatorname{tr} E - \frac12 \operatorname{tr} E^2 + \dots$ and
# $\operatorname{tr} E = 0$, so the missing entropy is
#
# $$ - \tfrac12 \log |R| = \tfrac14 \sum_{i \ne j} R_{ij}^2 + O(\|E\|_F^3) . \tag{5} $$
#
# VICReg's covariance penalty (one view, variances 1) is $\frac1K$ times the sum: $\frac4K$ times the missing entropy. (5) is our remark, not the paper's.
#
# **The crack.** (2) is a *lower* bound that contains $H(Z)$. (4) is an *upper* bound on $H(Z)$. Put the second into the first, and the result bounds
# nothing. VICReg maximises a *surrogate* of information, and how good it is has to be measured.
#
# ## From scratch
#
# A ReLU layer multiplies by a matrix and then deletes the rows of the units that are off. So the affine map of a region is a product of weights.


# %%
def affine_map(net, x):
    first, second, last = (m for m in net.modules() if isinstance(m, nn.Linear))
    A, b = first.weight, first.bias
    for layer in (second, last):
        on = (A @ x + b > 0).to(x)
        A, b = layer.weight @ (on[:, None] * A), layer.weight @ (on * b) + layer.bias
    return A, b


mnist = recipes.tiny_mnist(standardized=False)
X, net = mnist.x_test.flatten(1).double(), nn.Sequential(*recipes.mlp_encoder(seed=ch.seed)).double()
for mine, library in zip(affine_map(net, X[0]), splines.region_affine(net, X[:1]), strict=True):
    assert_close(mine, library[0])

# %% [markdown]
# ## The theorem, tested
#
# **The gap is a divergence.** Let two views $z = s + \tau n_1$ and $z' = s + \tau n_2$ of a Gaussian $s \sim \mathcal N(0, S)$ have independent
# standard normal noises $n_1, n_2$, so that $E \|z - z'\|^2 = 2 \tau^2 K$. The library computes $I$, the bound, and the divergence of (2) from three
# separate formulas, which must fit; and its $I$ must be that of the joint Gaussian.

# %%
W, taus = randn(8, 8), (0.1, 0.5, 1.0)
S = W @ W.T / 8
bound_at = partial(ba_bound_gaussian, S)
pairs = [bound_at(tau, sqrt(2) * tau) for tau in taus]
one, both = (torch.kron(torch.ones(m, m), S) + 0.25 * torch.eye(8 * m) for m in (1, 2))
assert_close(pairs[1].information, (one.logdet() - both.logdet() / 2).item())
misfit, gaps = [abs(p.information - p.bound - p.gap) for p in pairs], [p.gap for p in pairs]
other = [bound_at(0.5, r).gap - gaps[1] for r in (0.6, 0.65, 0.75, 0.8)]
ch.measure("gap-is-divergence", misfit=misfit)
ch.measure("best-guess", lost=other)
ch.measure("noisy-views", grows=np.diff(gaps), lost=gaps[2] / pairs[2].information)

# %% [markdown]
# **Covariance is missing entropy.** We take a hundred random correlation matrices $R = I + \epsilon E$, where the largest singular value of $E$ is 1;
# random covariances and a diagonal one for (4); and 30 round clouds (standard deviation 0.3) in the plane, whose centres spread ever wider.

# %%
E = randn(100, 16, 16)
E = (E + E.mT) * (1 - torch.eye(16))
E = E / torch.linalg.matrix_norm(E, 2)[:, None, None]
price = {eps: -2 * torch.logdet(torch.eye(16) + eps * E) / (eps * E).square().sum((1, 2)) for eps in (0.05, 0.01)}
covs = [*(a @ a.T for a in randn(20, 8, 12)), S.diagonal().diag()]
*random, diagonal = [(cov.diagonal().log().sum() - cov.logdet()) / 2 for cov in covs]
centres, spreads, ring = randn(30, 2), np.linspace(0, 5, 11), 0.09 * torch.eye(2)
truth = [evaluation.gmm_entropy_mc(s * centres, 0.3, 4000, generator).value for s in spreads]
gauss = [evaluation.gaussian_entropy(torch.cov(s * centres.T, correction=0) + ring) for s in spreads]

# %%
loose = np.subtract(gauss, truth)
ch.measure("covariance-is-entropy", small=price[0.05], smaller=price[0.01])
ch.measure("entropy-bounds", random=random, diagonal=abs(diagonal), one_cloud=abs(loose[0]))
ch.measure("blind-to-clusters", excess=loose[8])

# %%
axis = torch.linspace(-4, 4, 70, dtype=torch.float64)
fig, (*maps, ax) = plt.subplots(1, 4, figsize=(9, 2.7), width_ratios=[1, 1, 1, 1.7], layout="constrained")
for panel, s in zip(maps, (0.0, 0.5, 1.5), strict=True):
    density = evaluation.gmm_logpdf(torch.cartesian_prod(axis, axis), s * centres, 0.3).exp().reshape(70, 70)
    panel.imshow(density.sqrt(), interpolation="bilinear")
    panel.set(xticks=[], yticks=[], title=f"spread {s:g}")
    panel.grid(False)
for curve, name, text, y in ((gauss, "vicreg", "Gaussian bound", 5.7), (truth, "theory", "entropy (Monte Carlo)", 2.2)):
    ax.plot(spreads, curve, color=cb.color(name))
    ax.text(2.6 if y > 5 else 5, y, text, color=cb.color(name), ha="right")
ax.set(xlabel="spread of the centres", ylabel="nats", ylim=(0, 6.6), title="A bound blind to clusters")
plt.show()

# %% [markdown]
# *Look at the two curves.* They part exactly when the clouds do. From then on moving clouds apart adds no entropy, yet the bound keeps growing. The
# data model says that clouds *are* apart, so the log-determinant is a guide there, not a measurement.
#
# ## The experiment
#
# Digits of 14 × 14 pixels in [0, 1]; an encoder 196-256-128 with ReLUs, read by the probe; a linear projector to $K = 64$. A view is turned by up to
# 20°, zoomed by 0.8 to 1.2 and shifted. VICReg's weights are 25, 25, 25: with the usual covariance weight of 1, so small a network stays half
# collapsed. Two controls: **invariance alone**, and VICReg **without covariance**.


# %%
def train(s, steps, **weights):
    net, curve = nn.Sequential(*recipes.mlp_encoder(seed=s)), []

    def monitor(step, _):
        z = training.features(net, mnist.x_test).double()
        scaled = (z - z.mean(0)) / (z.std(0) + 1e-6)
        curve.append([step + 1, evaluation.logdet_entropy(z), evaluation.logdet_entropy(scaled)])

    loss, monitored = partial(losses.vicreg, **weights), {"monitor": monitor, "log_every": 25}
    monitor(-1, None)
    recipes.train_networks(*net, loss, mnist.x_train, seed=s, steps=steps, **monitored)
    monitor(steps - 1, None)
    return net, np.array(curve).T


steps = ch.pick(fast=200, toy=400)
full, alone = [train(s, steps, cov=25.0) for s in seeds], [train(s, 100, var=0.0, cov=0.0) for s in seeds]
uncovered = [train(s, steps, cov=0.0) for s in seeds[:1]]

# %% [markdown]
# **Clouds through the network.** Around each of a few test images we draw 512 copies $x_n + \sigma \epsilon$, $\epsilon \sim \mathcal N(0, I)$: round
# clouds, the easiest honest stand-in for clouds along the image manifold. For each $\sigma$: is the output $f(x_n) + \sigma A_n \epsilon$, as (1)
# says? How many copies share the region of their centre? And how often does D'Agostino and Pearson's test (of skewness and kurtosis) reject, at level
# 1 %, that an output unit is Gaussian? For exact Gaussians that is 1 %.

# %%
sigmas = ch.pick(fast=(0.001, 0.01, 0.1, 0.5), toy=(0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0))
exact, half = [deepcopy(net).double().requires_grad_(False) for net, _ in full], sigmas.index(0.5)


def study(net, s):
    draw = torch.Generator().manual_seed(s)
    x = X[torch.randperm(len(X), generator=draw)[: ch.pick(fast=20, toy=40)]]
    noise = torch.randn(len(x), 512, 196, generator=draw, dtype=x.dtype)
    for sigma in sigmas:
        z, inside, miss, wrong = push_clouds(net, x, noise, sigma)
        rejected = np.mean([normality_rejection(cloud) for cloud in z])
        yield [rejected, inside.double().mean(), wrong.mean(), (miss * inside).max(), miss.mean()]


table = np.array([list(study(net, s)) for net, s in zip(exact, seeds, strict=True)])
rejected, shared, wrong, miss_inside, miss = table.transpose(2, 0, 1)

# %% [markdown]
# **Do clouds overlap?** In $d$ dimensions a round Gaussian cloud is nearly a shell of radius $\sigma \sqrt d$, so two are surely apart when
# their centres are over $2 \sigma \sqrt d$ apart. The 1 % quantile of the distance to the nearest image gives the largest $\sigma$ at which 99 % of the clouds
# meet this condition. It is sufficient and far from necessary: clouds with centres at a distance $D$ share only $2 \Phi(-D / 2 \sigma)$ of their mass, whatever $d$ is ($\Phi$ the normal distribution function).

# %%
sets = {name: load(name).images[:2000].flatten(1) for name in ("digits", "mnist_10k", "photos")} | {"mnist 14 × 14": X}
sets["photos that are not flat"] = sets["photos"][sets["photos"].std(1) > 0.02]
near = {name: torch.cdist(x, x).fill_diagonal_(torch.inf).min(1).values for name, x in sets.items()}
widest = {name: near[name].quantile(0.01).item() / (2 * sqrt(x.shape[1])) for name, x in sets.items()}

# %%
limit, few, steps_up = widest["mnist 14 × 14"], rejected[:, sigmas.index(0.01)], np.diff(rejected[:, : half + 1]).min(1)
ch.measure("affine-inside", miss=miss_inside[:, 0])
ch.measure("affine-no-more", miss=miss[:, half])
ch.measure("covariance-of-clouds", error=wrong[:, 0])
ch.measure("gaussian-when-small", small=rejected[:, 0], large=rejected[:, half], step=steps_up, error=wrong[:, half])
ch.measure("clouds-apart", apart=limit / 0.01, rejected=few)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=[1.7, 1], layout="constrained")
for values, name in ((rejected, "vicreg"), (shared, "baseline")):
    left.semilogx(sigmas, values.T, color=cb.color(name), lw=1.2, marker="o", ms=3.5)
left.axhline(0.01, color=cb.color("chance"), ls=":", lw=1)
left.axvline(limit, color=cb.color("nt_xent"), lw=1.5)
left.text(limit * 0.9, 1.02, "clouds surely apart", color=cb.color("nt_xent"), ha="right")
left.text(0.09, 0.42, "units\nrejected", color=cb.color("vicreg"), ha="right")
left.text(0.0035, 0.62, "copies in the\ncentre's region", color=cb.color("baseline"))
left.set(xlabel="noise σ (pixels in [0, 1])", ylabel="share", ylim=(-0.03, 1.12), title="Gaussian beyond one region")
right.hist(near["mnist 14 × 14"], bins=40, color=cb.color("pixels"))
for s in (0.01, 0.1):
    right.axvline(2 * s * 14, color=cb.color("nt_xent"), lw=1.5)
    right.text(2 * s * 14 + 0.08, 135, f"2σ√d,\nσ = {s}", color=cb.color("nt_xent"))
right.set(xlabel="distance to the nearest image", yticks=[], ylim=(0, 170), title="2,000 test digits")
plt.show()

# %% [markdown]
# *Look left of the vertical line.* At $\sigma = 0.01$ nearly nine copies in ten have left the region of their centre (grey), yet the test hardly rejects
# more than its 1 % (blue). To cross a few of the many boundaries changes the slope by very little: one region is *sufficient* for (1), not necessary.
# By $\sigma = 0.1$ the blue curve climbs. There the condition no longer holds, but that does not mean that the clouds overlap: it is a cautious one.

# %%
circle = np.stack([f(np.linspace(0, 2 * pi, 60)) for f in (np.cos, np.sin)])
middles, slopes = exact[0](X[:3])[:, :2], splines.region_affine(exact[0], X[:3])[0][:, :2]
copies = randn(3, 512, 196)


def paint(ax, image, sigma):
    z, mean = exact[0](X[image] + sigma * copies[image])[:, :2].numpy(), middles[image].numpy()
    root = sigma * torch.linalg.cholesky(slopes[image] @ slopes[image].T).numpy()
    ax.plot(*z.T, "o", ms=2.5, color=cb.color("vicreg"), alpha=0.5, mew=0)
    for k in (1, 2):
        ax.plot(*(mean[:, None] + k * root @ circle), color=cb.color("theory"), lw=1.5)
    reach = 1.2 * max(abs(z - mean).max(), 2 * np.linalg.norm(root, axis=1).max()) * np.array([-1, 1])
    ax.set(xlim=mean[0] + reach, ylim=mean[1] + reach, xlabel="unit 1", ylabel="unit 2")
    ax.locator_params(nbins=3)


fig, axes = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
for ax, s in zip(axes, (0.003, 0.1, 1.0), strict=True):
    paint(ax, 1, s)
    ax.set_title(f"σ = {s}")
plt.show()

# %% [markdown]
# *Look at the ellipses:* one and two standard deviations of $\mathcal N(f(x_n), \sigma^2 A_n A_n^\top)$, known from the slope at the centre alone.
# They fit the small cloud, and neither the place nor the shape of the large one.
#
# **What training does to the entropy.** We follow the Gaussian bound (4) of 2,000 test embeddings. The library's divides by $N - 1$ and adds
# $10^{-6}$ to each eigenvalue, so a point has $\frac K2 \log(2 \pi e 10^{-6}) = -351.3$ nats: "at the floor", not a measured entropy. The probe is a
# logistic regression on 2,000 labels.


# %%
def accuracy(f):
    z, z_new = (f(x).flatten(1) for x in (mnist.x_train[:2000], mnist.x_test))
    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    return reader.fit(z, mnist.y_train[:2000]).score(z_new, mnist.y_test)


good, bad, third = ([accuracy(partial(training.features, net[0])) for net, _ in r] for r in (full, alone, uncovered))
(rise, change), (drop, _) = np.array([[c[1:, -1] - c[1:, 0] for _, c in runs] for runs in (full, alone)]).swapaxes(1, 2)
spared = full[0][1][2, -1] - uncovered[0][1][2, -1]

# %%
ch.measure("bound-rises", rise=rise, gain=np.array(good) - accuracy(nn.Identity()))
ch.measure("invariance-alone", rise=drop, accuracy=bad)
ch.measure("rise-is-scale", rise=change)
ch.measure("covariance-keeps", spared=spared)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3), width_ratios=[1.5, 1], layout="constrained")
labels = [("VICReg", full, good, "-", 20), ("no covariance", uncovered, third, "--", -38)]
for name, runs, scores, style, above in [*labels, ("invariance", alone, bad, ":", 14)]:
    for _, (step, raw, scaled) in runs:
        left.plot(step, raw, style, color=cb.color("vicreg"), lw=1.4)
        right.plot(step, scaled, style, color=cb.color("vicreg"), lw=1.4)
    left.text(steps, raw[-1] + above, f"{name}, probe {scores[-1]:.2f}", color=cb.color("vicreg"), ha="right")
for ax, title in ((left, "Gaussian bound on H(Z)"), (right, "At variance 1")):
    ax.set(xlabel="step", ylabel="nats", ylim=(-365, 70), title=title)
plt.show()

# %% [markdown]
# *Look left, then right.* VICReg climbs; invariance alone falls to the floor. But the bound gains $K \log c$ when $z$ is multiplied by $c$, and the
# untrained embedding is tiny (standard deviations of 0.02). On the right every column is first brought to variance 1, and there training *lowers* the
# bound: **all of the rise is scale**. VICReg's effect on the shape is a compromise. Invariance forgets what differs between views, which costs
# entropy; covariance keeps it from costing nearly all (dashed: without it, many columns are copies, and the probe is worse than on raw pixels).
#
# ## Play
#
# **The cloud.** Drag `sigma`. When does the ellipse stop fitting? Compare with the share of units that the test rejects.


# %%
def draw_cloud(fig, sigma, image):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88, wspace=0.3)
    paint(left, image, sigma)
    left.set_title("512 copies of one image")
    now = np.interp(np.log10(sigma), np.log10(sigmas), rejected[0])
    right.plot(np.log10(sigmas), rejected[0], color=cb.color("vicreg"))
    right.plot(np.log10(sigma), now, "o", ms=10, color=cb.color("vicreg"))
    right.set(xticks=[-3, -2, -1, 0], xticklabels=["0.001", "0.01", "0.1", "1"], ylim=(-0.03, 1.03))
    right.set(xlabel="noise σ", title=f"{now:.0%} of units rejected")


cb.explore(draw_cloud, sigma=cb.log_slider(0.03, 0.001, 2), image=[0, 1, 2])

# %% [markdown]
# **The guess.** For each `tau`, find the `r` that makes the bound best; is it $\sqrt 2\, \tau$ (dotted)? Then drag `tau` up: no `r` closes the gap,
# and the bound falls below zero, where it says nothing.


# %%
def draw_guess(fig, tau=0.5, r=1.0):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88, wspace=0.2)
    pair, names = bound_at(tau, r), ("theory", "vicreg", "nt_xent")
    bars = left.barh(["I", "bound", "gap"], np.clip(pair, -14, 20), color=[cb.color(n) for n in names])
    left.bar_label(bars, [f"{v:.2f}" for v in pair], padding=4)
    left.set(xlim=(-22, 28), xlabel="nats (bars end at −14 and 20)", title="I = bound + gap")
    radii = np.geomspace(0.05, 3, 40)
    guesses = [-4 * np.log(2 * pi * x**2) - 8 * tau**2 / x**2 for x in (radii, r)]
    right.plot(radii, pair.bound + guesses[0] - guesses[1], color=cb.color("vicreg"))
    right.axhline(pair.information, color=cb.color("theory"), lw=1)
    right.axvline(sqrt(2) * tau, color=cb.color("baseline"), ls=":", lw=1)
    right.plot(r, pair.bound, "o", ms=10, color=cb.color("vicreg"))
    right.set(xlim=(0, 3.1), ylim=(-14, 22), xlabel="r", title="the bound, under I")


cb.explore(draw_guess, tau=(0.05, 2.0, 0.05), r=(0.05, 3.0, 0.05))

# %% [markdown]
# **The penalty.** Two dimensions with variance 1 and correlation $e$. Half of VICReg's price, $e^2 / 2$, and the entropy that is really missing, $-\frac12
# \log(1 - e^2)$, agree up to about 0.5. For near-copies the first stays finite and the second does not.


# %%
def draw_penalty(fig, correlation):
    ax, levels = fig.subplots(), np.linspace(0, 0.98, 100)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.97)
    for y, name, text, price in (
        (1.5, "theory", "missing entropy", lambda c: -np.log(1 - c**2) / 2),
        (1.3, "vicreg", "half the covariance penalty", lambda c: c**2 / 2),
    ):
        ax.plot(levels, price(levels), color=cb.color(name))
        ax.plot(correlation, price(correlation), "o", ms=9, color=cb.color(name))
        ax.text(0.02, y, f"{text} {price(correlation):.3f}", color=cb.color(name))
    ax.set(xlabel="correlation", ylabel="nats", xlim=(0, 1), ylim=(-0.03, 1.7), yticks=[0, 0.5, 1, 1.5])


cb.explore(draw_penalty, figsize=(7.2, 3.0), correlation=(0.0, 0.95, 0.05))

# %% [markdown]
# ## What breaks
#
# - **The chain.** "VICReg maximises mutual information" is an upper bound put into a lower bound. We saw the upper one loose by nats where clouds
#   part, and the lower one useless where views are noisy.
# - **The scale.** A log-determinant compares embeddings of one scale only. Standardise first.
# - **The test** looks at one unit at a time; passing it does not make outputs *jointly* Gaussian. Units and images are not independent tests, so we
#   report shares and multiply no p-values. Units that do not vary have no p-value and are left out.
# - **The noise.** Round pixel noise is not noise along the image manifold. Exercise 4 takes a direction that is.
# - **The neighbours.** How far images lie apart depends on which they are, and how many. The largest $\sigma$ at which 99 % of the
#   clouds meet the (cautious) condition:

# %%
print("\n".join(f"σ = {s:.4f}  {name} ({len(sets[name])} images)" for name, s in widest.items()))

# %% [markdown]
# The paper finds more complex data better separated. Our photographs are crops of a few large pictures, with patches of black and of sky that are nearly
# equal; there the condition asks for clouds of almost no size. The paper tests deep networks on CIFAR-10 and Tiny ImageNet and gives curves, not numbers: the thresholds are ours.
#
# **Where this stands.** [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) solved VICReg as an eigenproblem and asked no reason for its terms;
# [the canonical-correlation family](../../1_recipes/04_canonical_correlation/canonical_correlation.ipynb) found them in a constraint of 1936. This chapter gives a reason from
# information, and shows its crack. The chapters between ask what the optimum is for kernels and smooth functions, and how it generalises; the next,
# on *information and VICReg*, repairs the entropy with pairwise estimators that do see clusters; *pairwise independence* then asks when uncorrelated
# is as good as independent.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. *The floor.* Show that the bound of a collapsed embedding is $\frac K2 \log(2 \pi e \epsilon)$. What does $N - 1$ for $N$ add to any other?
#
# <details><summary>Hint</summary>What are the eigenvalues of $\Sigma + \epsilon I$ when all embeddings are equal? And how does the bound change when $\Sigma$ is multiplied by a number?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 30 min. *Ten per cent.* At $\sigma = 0.001$ the measured covariance misses $\sigma^2 A A^\top$ by a tenth. Show that for $n$ Gaussian draws the
# relative error is about $\sqrt{(k + 1) / n}$, $k = (\operatorname{tr} \Sigma)^2 / \operatorname{tr} \Sigma^2$. What do four times the draws give?
#
# <details><summary>Hint</summary>The entries of a sample covariance have variance $(\Sigma_{ij}^2 + \Sigma_{ii} \Sigma_{jj}) / n$. Sum over $i$ and $j$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. *The next order.* Prove (5) from $\log |I + E| = \operatorname{tr} \log (I + E)$. Check that the next term explains most of what was left.
#
# <details><summary>Hint</summary>Write the logarithm as its series. Which term comes after the square, and what does (5) divide it by?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. *A cloud along the manifold.* Replace the round noise by $\theta t$: $t$ is the tangent of a rotation, by finite differences, and
# $\theta$ a random angle of standard deviation $s$ degrees. How large may $s$ be? Before you test real rotations instead, test their *pixels*.
#
# <details><summary>Hint</summary>What are the pixels of a rotated image as functions of the angle, under bilinear interpolation? Look near angle 0.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Shwartz-Ziv, R. Balestriero, Y. LeCun. [What Do We Maximize in Self-Supervised Learning?](https://arxiv.org/abs/2207.10081) *ICML Workshop on
#   Pre-training*, 2022.
# - A. Bardes, J. Ponce, Y. LeCun. VICReg. *ICLR*, 2022. R. Linsker. Self-organization in a perceptual network. *Computer*, 1988.
# - D. Barber, F. Agakov. The IM algorithm. *NeurIPS*, 2003. R. Balestriero, R. Baraniuk. A spline theory of deep learning. *ICML*, 2018.
# - R. D'Agostino, E. S. Pearson. Tests for departure from normality. *Biometrika*, 1973. T. Cover, J. Thomas. *Elements of Information Theory*.
# - R. A. Amjad, B. C. Geiger. Learning representations for neural network-based classification using the information bottleneck. 2018. Z. Goldfeld
#   et al. Estimating information flow in deep neural networks. 2018.

# %%
ch.footer()
