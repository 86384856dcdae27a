# %% [markdown]
# # The canonical-correlation family
#
# After this chapter you can write VICReg, Barlow Twins, W-MSE and SwAV from memory, because you will have seen them as four ways to soften one
# constraint of 1936. You will also be able to say, from numbers of your own, what breaks when a term is left out.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.cross_decomposition import CCA
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, spectral, training
from replearn.data import load, standardize
from replearn.descent import minimize

ch = cb.Chapter("canonical_correlation", scale=scale, seed=seed)

# %% [markdown]
# ## The question
#
# Cut a handwritten digit down the middle. You see only the left half, I see only the right half, and each of us may report one number. Which numbers
# should we report so that they agree as often as possible? And if we may each report five?
#
# Two halves of a digit are two **views** of one thing, and this is the question of every joint-embedding method. Its easy answer is useless: we both
# always say 7. The family of this chapter forbids that answer, and does so without ever comparing one image with another.

# %%
images = 16 * load("digits").images[:, 0].double()
halves = [half.flatten(1) for half in (images[:, :, :4], images[:, :, 4:])]
X, Y = (standardize(half[:, half.std(0, correction=0) > 0.5], 0) for half in halves)
rho, A, B = map(torch.tensor, spectral.cca(X, Y, dim=24))
U, V = X @ A, Y @ B

fig, (left, right) = plt.subplots(1, 2, width_ratios=[1.25, 1], layout="constrained")
cut = np.insert(16 - images[:15], [4, 4], 16, axis=2)
cb.plots.image_grid(left, cut, columns=5, gap=4)
left.set_title("Each digit is cut in two")
cb.plots.scatter(right, torch.stack([U[:600, 0], V[:600, 0]], 1), load("digits").labels[:600], size=9)
right.set(xlabel="best number from the left half", ylabel="best number from the right half")
right.set_title(f"The two that agree most: $\\rho$ = {rho[0]:.2f}")
plt.show()

# %% [markdown]
# *Look at the cloud on the right.* Each dot is a digit, coloured by its class, which nobody used. The classes sit in different places along the
# cloud: what two halves share is, in part, which digit they belong to.
#
# ## The mathematics
#
# **Canonical correlation analysis** (CCA; Hotelling, 1936). Let $X$ $(N, p)$ and $Y$ $(N, q)$ hold $N$ centred samples of two views, one to a row, with
# covariances $\Sigma_{xx} = X^\top X / N$, $\Sigma_{yy} = Y^\top Y / N$ and $\Sigma_{xy} = X^\top Y / N$. Look for $K$ linear numbers of each view, with weights $A$ $(p, K)$ and
# $B$ $(q, K)$, that correlate most in total, while the numbers of one view have variance one and do not correlate with each other:
#
# $$ \max_{A, B}\ \mathrm{tr}(A^\top \Sigma_{xy} B) \quad\text{with}\quad A^\top \Sigma_{xx} A = B^\top \Sigma_{yy} B = I_K . \tag{1} $$
#
# Put $A = \Sigma_{xx}^{-1/2} P$ and $B = \Sigma_{yy}^{-1/2} R$. The constraints become $P^\top P = R^\top R = I_K$, and the trace is largest when $P$ and $R$ are the leading
# singular vectors of $T = \Sigma_{xx}^{-1/2} \Sigma_{xy} \Sigma_{yy}^{-1/2}$. Its singular values $\rho_1 \ge \rho_2 \ge \dots$ are the **canonical correlations**. Because $\|XA\|_F$ and $\|YB\|_F$
# are fixed, (1) also asks for the smallest distance between the views:
#
# $$ \min \tfrac1N \|XA - YB\|_F^2 = 2 \sum_{i \le K} (1 - \rho_i) . \tag{2} $$
#
# **The family** puts networks in the place of $A$ and $B$. Write $Z, Z'$ $(N, K)$ for the embeddings of two views. The constraint is treated in one of four ways.
#
# - **W-MSE** keeps it *hard*: it minimises (2) between whitened embeddings. Whitening centres $Z$ and maps it to covariance $I$.
# - **Barlow Twins** asks for it *across* the views. With $\hat Z$ the columns of $Z$ at mean 0 and variance 1, and $C = \hat Z^\top \hat Z' / N$, its loss is
#   $\sum_i (1 - C_{ii})^2 + \lambda \sum_{i \ne j} C_{ij}^2$.
# - **VICReg** makes it *soft*, by three terms with weights 25, 25, 1: invariance $\tfrac{1}{NK} \|Z - Z'\|_F^2$; variance, the mean over dimensions $j$ of
#   $\max(0, 1 - \sqrt{\mathrm{Var}(Z_{\cdot j}) + \epsilon})$ with $\epsilon = 10^{-4}$; covariance, $\tfrac1K \sum_{i \ne j} \mathrm{Cov}(Z)_{ij}^2$. The variance is averaged over the two views, the covariance summed.
# - **SwAV** balances something else: $K$ *prototypes* (unit vectors; here $K$ counts them), each to be used equally often. $S$ $(N, K)$ holds the cosines of embeddings and
#   prototypes. The *code* of a batch is the $Q \ge 0$ that maximises $\langle Q, S \rangle + \varepsilon H(Q)$, where $H(Q) = -\sum_{ik} Q_{ik} \log Q_{ik}$ is the entropy, rows sum to 1 and columns to $N / K$. It
#   has the form $Q = \mathrm{diag}(u)\, e^{S / \varepsilon}\, \mathrm{diag}(v)$, and rescaling columns and rows in turn finds it (Sinkhorn-Knopp). Each view then predicts the other's code by cross-entropy.
#
# ## From scratch
#
# Each formula is a few lines. The library's versions add checks and choose the cheaper side of a matrix product.


# %%
def whiten(z):
    z = z - z.mean(0)
    return torch.linalg.solve(torch.linalg.cholesky(z.T @ z / len(z)), z.T).T


assert_close(whiten(X), losses.whiten(X, correction=0))
assert_close(torch.linalg.svdvals(whiten(X).T @ whiten(Y) / len(X)), rho)


# %%
def vicreg(z1, z2):
    total = 25 * (z1 - z2).square().mean()
    for z in (z1, z2):
        c = torch.cov(z.T)
        total = total + 25 * F.relu(1 - (c.diagonal() + 1e-4).sqrt()).mean() / 2
        total = total + losses.off_diagonal(c).square().sum() / len(c)
    return total


def barlow_twins(z1, z2, lam):
    c = standardize(z1, 0).T @ standardize(z2, 0) / len(z1)
    return (1 - c.diagonal()).square().sum() + lam * losses.off_diagonal(c).square().sum()


z1, z2 = X @ torch.randn(24, 6, dtype=X.dtype), Y @ torch.randn(28, 6, dtype=X.dtype)
assert_close(vicreg(z1, z2), losses.vicreg(z1, z2).total)
assert_close(barlow_twins(z1, z2, 0.02), losses.barlow_twins(z1, z2, lam=0.02, eps=0).total)


# %%
def sinkhorn(S, eps, steps):
    Q = (S / eps).exp()
    for _ in range(steps):
        Q = Q / Q.sum(0) * len(Q) / Q.shape[1]
        Q = Q / Q.sum(1, keepdim=True)
    return Q


unit = [F.normalize(torch.randn(n, 16, dtype=torch.float64), dim=1) for n in (64, 16)]
S = unit[0] @ unit[1].T
assert_close(sinkhorn(S, eps=0.05, steps=3), losses.sinkhorn(S, eps=0.05, steps=3))

# %% [markdown]
# ## The theorem, tested
#
# ### W-MSE is CCA
#
# Let a linear encoder read each half and descend W-MSE from a random start. The loss must end at $2 \sum_{i \le 5} (1 - \rho_i)$, a number that two singular value
# decompositions know in advance. scikit-learn's `CCA`, which iterates, is asked as a third party (at its default tolerance it gives three or four digits).

# %%
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
w_mse = partial(losses.w_mse, normalize=False, correction=0)


def linear_fit(loss, k, seed, steps=400):
    generator = torch.Generator().manual_seed(seed)
    start = [torch.randn(v.shape[1], k, generator=generator, dtype=v.dtype) / 5 for v in (X, Y)]
    a, b = minimize(lambda a, b: loss(X @ a, Y @ b), start, steps=steps)
    return X @ a, Y @ b


fits = [linear_fit(w_mse, 5, s) for s in seeds]
optimum = 2 * (1 - rho[:5]).sum()
numbers = CCA(5, scale=False, max_iter=20_000, tol=1e-12).fit_transform(X.numpy(), Y.numpy())
iterated = [np.corrcoef(u, v)[0, 1] for u, v in zip(*(n.T for n in numbers), strict=True)]

# %%
error = [abs(w_mse(za, zb) / optimum - 1) for za, zb in fits]
angle = [spectral.principal_angles(za, U[:, :5]).max() for za, _ in fits]
ch.measure("wmse-is-cca", loss=error, span=angle)
ch.measure("cca-by-iteration", rho=np.abs(iterated - rho[:5].numpy()).max())

# %% [markdown]
# ### Barlow Twins finds the span, but not the axes
#
# Barlow Twins never asks that $Z$ itself be white, only that $C$, *between* the views, be diagonal. That leaves a freedom. Say $K = 2$ and $\rho = (1, \rho_2)$: two
# axes at angles $\pm\alpha$ from the first, $\cos^2 \alpha = \rho_2 / (1 + \rho_2)$, give $C = \tfrac{2 \rho_2}{1 + \rho_2} I$. That is diagonal too, and cheaper when $\rho_2$ is large enough (exercise 3). So the axes tilt until
# the diagonal is flat. At small $\lambda$ something worse pays: $K$ copies of the best number cost $K (1 - \rho_1)^2 + \lambda K (K - 1) \rho_1^2$, little when $\lambda (K - 1)$ is little.
#
# Only correlations enter the loss, so it may be solved in canonical coordinates, where $\Sigma_{xy} = \mathrm{diag}(\rho)$: $K = 4$, twelve values of $\lambda$, all at once.


# %%
def canonical_barlow(a, b, lam):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    c = a.mT @ (rho[:, None] * b)
    diagonal = c.diagonal(dim1=1, dim2=2)
    return (1 - diagonal).square().sum(1) + lam * (c.square().sum((1, 2)) - diagonal.square().sum(1))


lams = torch.tensor([0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 3, 10], dtype=torch.float64)
generator = torch.Generator().manual_seed(ch.seed)
start = torch.randn(2, 1, 24, 4, dtype=torch.float64, generator=generator).expand(2, 12, 24, 4)
a, b = minimize(lambda a, b: canonical_barlow(a, b, lams).sum(), start, steps=800)
swept_loss, swept = canonical_barlow(a, b, lams), list(zip(U @ a, V @ b, strict=True))
(za, zb), (copy_a, copy_b) = swept[9], swept[2]
barlow = partial(losses.barlow_twins, lam=1, eps=0)
assert_close(swept_loss[9], barlow(za, zb).total)

# %%
C, D = losses.cross_correlation(za, zb), losses.cross_correlation(copy_a, copy_b)
angle = spectral.principal_angles(za, U[:, :4]).max()
error = np.abs(spectral.cca(za, zb, 4).rho - rho[:4].numpy()).max()
saved = barlow(U[:, :4], V[:, :4]).total - barlow(za, zb).total
ch.measure("barlow-span", span=angle, rho=error)
ch.measure("barlow-axes", flat=np.ptp(C.diagonal()), cheaper=saved)

# %%
alike = losses.off_diagonal(losses.correlation_matrix(copy_a)).abs().max()
rank = evaluation.effective_rank(standardize(copy_a, 0))
ch.measure("barlow-copies", copies=1 - alike, rank=rank)

# %%
fig, (left, *maps) = plt.subplots(1, 4, figsize=(9, 2.9), width_ratios=[1.6, 1, 1, 1], layout="constrained")
cb.plots.spectrum(left, rho, color=cb.color("cca"))
for name, z, size in (("w_mse", fits[0], 9), ("barlow_twins", (za, zb), 5)):
    learned = spectral.cca(*z, z[0].shape[1]).rho
    left.plot(np.arange(len(learned)) + 1, learned, "o", ms=size, color=cb.color(name))
for name, text, x, y in [("cca", "CCA", 14, 0.5), ("w_mse", "W-MSE", 6, 0.7), ("barlow_twins", "Barlow", 3, 0.87)]:
    left.text(x, y, text, color=cb.color(name))
left.set(ylim=(0, 1), ylabel="canonical correlation $\\rho_i$", title="One spectrum")
panels = {"CCA": losses.cross_correlation(U[:, :4], V[:, :4]), "Barlow, λ = 1": C, "Barlow, λ = 0.005": D}
for ax, (title, c) in zip(maps, panels.items(), strict=True):
    ax.imshow(c.abs(), vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(c.abs().numpy()):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if value > 0.5 else "black")
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)
plt.show()

# %% [markdown]
# *Look at the three maps of* $|C|$. CCA's diagonal falls from 0.81 to 0.67. Barlow Twins at $\lambda = 1$ has the same span and a flat diagonal. At $\lambda = 0.005$ the diagonal is
# higher still, and so are some entries beside it: numbers come in copies, and two canonical directions are simply gone.
#
# ### Samples or dimensions: one sum, two sides
#
# VICReg's covariance term compares *dimensions* with each other, contrastive losses compare *samples*. Since $\|Z^\top Z\|_F = \|Z Z^\top\|_F$, the two differ only in which norms
# they leave out (Garrido et al., 2023):
#
# $$ \sum_{i \ne j} (Z^\top Z)_{ij}^2 + \sum_j \|Z_{\cdot j}\|^4 = \sum_{i \ne j} (Z Z^\top)_{ij}^2 + \sum_i \|Z_{i \cdot}\|^4 . $$


# %%
def one_side(Z):
    return losses.off_diagonal(Z.T @ Z).square().sum() + Z.norm(dim=0).pow(4).sum()


Zs = [torch.randn(shape, dtype=torch.float64) for shape in ((8, 200), (200, 8), (30, 30))]
ch.measure("gram-duality", difference=[abs(one_side(Z) / one_side(Z.T) - 1) for Z in Zs])

# %% [markdown]
# The library lives off this identity: with far fewer samples than dimensions it never builds the $(K, K)$ matrix.

# %%
cb.show_source(losses.off_diagonal_energy)

# %% [markdown]
# ### What three Sinkhorn iterations do
#
# SwAV stops after three iterations. Rows were rescaled last, so they are exact; columns are balanced only in the limit. And entropy has its price: the score $\langle Q, S \rangle$
# falls short of the best balanced assignment, but by at most $\varepsilon N \log K$.

# %%
N, K = S.shape
slots = S.repeat_interleave(N // K, dim=1)
best = slots[linear_sum_assignment(-slots)].sum()
eps = torch.tensor([0.2, 0.05, 0.01])
lost = torch.stack([best - (losses.sinkhorn(S, eps=e.item(), steps=2000) * S).sum() for e in eps])
codes = [losses.sinkhorn(S, steps=i) for i in (0, 1, 3, 100)]
row_error = [(Q.sum(1) - 1).abs().max() for Q in codes]
*_, three, hundred = [(Q.sum(0) - N / K).abs().max() for Q in codes]
scaling = codes[-1].log() - S / 0.05
left_over = scaling - scaling.mean(0) - scaling.mean(1, keepdim=True) + scaling.mean()

# %%
ch.measure("sinkhorn-code", rows=row_error, columns=hundred, form=left_over.abs().max())
ch.measure("three-iterations", columns=three)

# %%
ch.measure("entropy-price", price=lost / (eps * N * np.log(K)), ratio=lost[1:] / lost[:-1])

# %% [markdown]
# ## The experiment
#
# Now networks. `mnist_10k` is reduced to 14 × 14 pixels; a small convolutional encoder $f$ feeds a projector $g$ with $K = 64$ outputs; a view is a random crop, rotated by up to
# 15°; training takes 100 steps of 128 images. **Low-shot** accuracy is that of a ridge classifier on $f$'s features with 200 labels, averaged over five sets of labels. The
# baseline is the same encoder *untrained*. **RankMe** is the effective number of dimensions in use: the exponential of the entropy of the normalised singular values.

# %%
mnist = recipes.tiny_mnist()
low_shot = partial(recipes.low_shot, sets=mnist)


def untrained(recipe, seed):
    return low_shot(recipes.untrained(mnist.x_train, recipe=recipe, seed=seed))


# %% [markdown]
# ### VICReg, one term at a time


# %%
def ablate(weights, seed):
    run = recipes.train_tiny(partial(losses.vicreg, **weights), mnist.x_train, recipe=recipes.TINY_SHORT, seed=seed)
    z = training.features(nn.Sequential(run.encoder, run.projector), mnist.x_test)
    map_ = losses.correlation_matrix(z).abs()
    numbers = [z.std(0).mean(), losses.off_diagonal(map_).mean(), evaluation.effective_rank(z), low_shot(run.encoder)]
    return map_, numbers


variants = {"full": {}, "no variance": {"var": 0.0}, "no covariance": {"cov": 0.0}}
runs = {name: [ablate(weights, s) for s in seeds] for name, weights in variants.items()}
full, no_variance, no_covariance = (np.array([numbers for _, numbers in runs[name]]).T for name in variants)
gain = no_variance[3] - [untrained(recipes.TINY_SHORT, s) for s in seeds]

# %%
ch.measure("no-variance", std=no_variance[0], gain=gain)
ch.measure("no-covariance", alike=1 - no_covariance[1], rank=no_covariance[2])

# %%
ch.measure("covariance-pays", rank=full[2], gain=full[3] - no_covariance[3])

# %%
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.3), layout="constrained")
for ax, (name, ((map_, (std, _, rank, low)), *_)) in zip(axes, runs.items(), strict=True):
    picture = ax.imshow(map_, vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], title=name, xlabel=f"std {std:.2f} · RankMe {rank:.1f}\nlow-shot accuracy {low:.3f}")
    ax.grid(False)
fig.colorbar(picture, ax=axes, label="|correlation| of two dimensions", shrink=0.8)
plt.show()

# %% [markdown]
# *Look at the right-hand square.* It is one colour: 64 dimensions, all with a healthy standard deviation, and all the same. Covariance is what prevents this **informational** collapse,
# variance what prevents **total** collapse. The middle run is the latter, and its square is the palest of all: correlations and RankMe ignore scale, and cannot see that every image lands on
# almost the same point.
#
# ### SwAV, with its balance and without
#
# Replace the balanced code by a plain softmax of the scores (`steps=0`), change nothing else, and count how many of 32 prototypes the test images use. The count is a **perplexity**:
# the exponential of the entropy of how often each prototype is the nearest, 32 when all are used alike and 1 when one takes all.


# %%
def swav(iters, recipe):
    encoder, projector = recipes.tiny_encoder(recipe, seed=ch.seed)
    method = methods.SwAV(encoder, projector, partial(losses.swav_loss, steps=iters), recipes.tiny_crop, seed=ch.seed)
    history = training.pretrain(method, mnist.x_train, seed=ch.seed, **recipe.loop())
    z = training.features(nn.Sequential(encoder, projector), mnist.x_test)
    use = method.scores(z).argmax(1).bincount(minlength=32).double() / len(z)
    return use, torch.special.entr(use).sum().exp(), low_shot(encoder), history.loss[-1]


recipe = ch.pick(fast=recipes.TINY_SHORT._replace(steps=150), toy=recipes.TINY)
balanced, collapsed = swav(iters=3, recipe=recipe), swav(iters=0, recipe=recipe)
ch.measure("balance-pays", perplexity=balanced[1], gain=balanced[2] - collapsed[2])
ch.measure("softmax-codes", perplexity=collapsed[1], loss=collapsed[3])

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.8), sharey=True, layout="constrained")
for ax, name, run in zip(axes, ("Sinkhorn", "softmax codes"), (balanced, collapsed), strict=True):
    use, perplexity, low, loss = run
    ax.bar(np.arange(1, 33), use.sort(descending=True).values, color=cb.color("swav"))
    ax.axhline(1 / 32, color=cb.color("baseline"), lw=1, ls="--")
    facts = f"perplexity {perplexity:.1f}\nlow-shot accuracy {low:.3f}\nlast loss {loss:.3f} nats"
    ax.text(0.97, 0.93, facts, transform=ax.transAxes, ha="right", va="top")
    ax.set(title=name, xlabel="prototype, most used first", ylim=(0, 1.05))
axes[0].set_ylabel("share of test images")
plt.show()

# %% [markdown]
# *Look at the loss written in the right panel.* The collapsed run is the one with the better loss. A loss alone never tells you that training works.
#
# ### The family agrees
#
# Four constraints, one encoder, about one budget. At scale `toy` the encoder is twice as wide and the contrastive loss NT-Xent joins as a guest; VICReg has 150 steps and the others 200. W-MSE has
# $K = 32$ and, at `toy`, batches of 256.

# %%
recipe, batch = ch.pick(fast=(recipes.TINY_SHORT, 128), toy=(recipes.TINY, 256))
family = {
    "barlow_twins": (partial(losses.barlow_twins, lam=0.02), {}),
    "w_mse": (partial(losses.w_mse, sub_batch=128, shrink=1e-3), {"dim": 32, "batch_size": batch}),
    **ch.pick(fast={}, toy={"vicreg": (losses.vicreg, {"steps": 150}), "nt_xent": (losses.nt_xent, {})}),
}
accuracy = {"swav": balanced[2], "vicreg": full[3][0]}
for name, (loss, changes) in family.items():
    run = recipes.train_tiny(loss, mnist.x_train, recipe=recipe._replace(**changes), seed=ch.seed)
    accuracy[name] = low_shot(run.encoder)
baseline, reached = untrained(recipe, ch.seed), np.array(list(accuracy.values()))
ch.measure("family-agrees", gain=reached - baseline, spread=np.ptp(reached))

# %%
titles = {"vicreg": "VICReg", "barlow_twins": "Barlow Twins", "w_mse": "W-MSE", "swav": "SwAV", "nt_xent": "NT-Xent"}
fig, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
for row, name in enumerate(sorted(accuracy, key=accuracy.get)):
    ax.plot([baseline, accuracy[name]], [row, row], color=cb.color(name), lw=1.5)
    ax.plot(accuracy[name], row, "o", ms=9, color=cb.color(name))
    ax.text(accuracy[name] + 0.006, row, f"{titles[name]}  {accuracy[name]:.3f}", va="center", color=cb.color(name))
ax.axvline(baseline, color=cb.color("random"), ls="--", lw=1)
ax.text(baseline - 0.003, 0, f"untrained {baseline:.3f}", color=cb.color("random"), rotation=90, ha="right")
ax.set(yticks=[], ylim=(-0.6, len(accuracy) - 0.4), xlim=(baseline - 0.02, reached.max() + 0.06))
ax.set(xlabel="low-shot accuracy (200 labels)", title="Different constraints, similar quality")
plt.show()

# %% [markdown]
# *Look at the gaps between the dots against their distance to the dashed line.* Which constraint you choose matters much less than having one.
#
# ## Play
#
# **Why the square root in VICReg's hinge?** Move `std`, the standard deviation $s$ of one dimension, towards collapse. On the right: the gradient on a sample that lies $s$ from the
# mean, times $N - 1$. With the hinge on the *variance*, the force that should undo a collapse dies with it, like $2 s$. With the hinge on the *standard deviation* it stays 1, but at
# $s = 0$ it is $0/0$. The $\epsilon$ under the root mends that, and gives way only below $s \approx \sqrt\epsilon = 0.01$.

# %%
grid = np.logspace(-4, np.log10(2), 100)
hinges = {
    "on the std, with ε": (lambda s: 1 - np.sqrt(s**2 + 1e-4), lambda s: s / np.sqrt(s**2 + 1e-4), cb.color("vicreg")),
    "on the std, without ε": (lambda s: 1 - s, np.ones_like, cb.color("theory")),
    "on the variance": (lambda s: 1 - s**2, lambda s: 2 * s, cb.color("nt_xent")),
}


def draw_hinge(fig, std, hinge):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.07, right=0.97, bottom=0.16, top=0.88, wspace=0.25)
    for row, (name, (height, slope, colour)) in enumerate(hinges.items()):
        width, s = 3 if name == hinge else 1, grid[grid < 1]
        left.plot(grid, np.maximum(height(grid), 0), color=colour, lw=width)
        right.plot(np.log10(s), np.log10(slope(s)), color=colour, lw=width)
        left.text(1.98, 0.95 - 0.11 * row, name, color=colour, ha="right", weight="bold" if name == hinge else "normal")
    height, slope, colour = hinges[hinge]
    left.plot(std, max(height(std), 0), "o", ms=10, color=colour)
    right.plot(np.log10(std), np.log10(slope(np.array(std)) if height(std) > 0 else 1e-9), "o", ms=10, color=colour)
    left.set(xlabel="standard deviation s", xticks=[0, 1], yticks=[0, 1], ylim=(-0.03, 1.05), title="penalty")
    right.set(xlabel="standard deviation s", xticks=[-3, 0], yticks=[-3, 0], title="force (none above 1)")
    right.set(xticklabels=["0.001", "1"], yticklabels=["0.001", "1"], xlim=(-4, 0.4), ylim=(-4, 0.5))


cb.explore(draw_hinge, figsize=(7.2, 3), std=cb.log_slider(0.05, 0.0005, 2), hinge=list(hinges))

# %% [markdown]
# **Always think in** $\lambda K$. The twelve solutions of linear Barlow Twins, $K = 4$. Drag $\lambda$ down: the four numbers stay distinct until $\lambda K \approx 0.2$, then fuse into fewer (RankMe
# falls), while the loss gets better all the way.

# %%
normed = F.normalize(a, dim=1)
ranks = [evaluation.effective_rank(v) for v in normed]
angles = [spectral.principal_angles(v, torch.eye(24, 4)).max() for v in normed]


def draw_sweep(fig, lam):
    i = lams.tolist().index(lam)
    curve, *maps = fig.subplots(1, 3, width_ratios=[1.3, 1, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.76, wspace=0.2)
    curve.plot(np.log10(4 * lams), ranks, "o-", ms=4, color=cb.color("barlow_twins"))
    curve.plot(np.log10(4 * lam), ranks[i], "o", ms=11, color=cb.color("barlow_twins"))
    curve.set(
        xlabel="λK", ylim=(1, 4.2), xticks=[-2, -1, 0, 1], xticklabels=["0.01", "0.1", "1", "10"], yticks=range(1, 5)
    )
    curve.set_title("RankMe of Z")
    between, within = losses.cross_correlation(*swept[i]), normed[i].T @ normed[i]
    for ax, picture, title in zip(maps, (between, within), ("|C|, between views", "|correlation| in Z"), strict=True):
        ax.imshow(picture.abs(), vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[], title=title)
    span = f"span {angles[i]:.1f}° from CCA's" if ranks[i] > 3.5 else "copies: no four directions are left"
    fig.suptitle(
        f"loss {swept_loss[i]:.3f} (at CCA's axes {(1 - rho[:4]).square().sum():.3f}), {span}",
        x=0.08,
        ha="left",
        fontsize=11,
    )


cb.explore(
    draw_sweep,
    figsize=(7.2, 3),
    lam=ipywidgets.SelectionSlider(options=[(f"{v:g}", v) for v in lams.tolist()], value=1.0),
)

# %% [markdown]
# **Sinkhorn by hand.** 64 samples, 16 prototypes. With `iterations` at 0 the code is a softmax, and some prototypes are used several times as much as others. Raise it one by one and
# watch the bars level out. Lower `eps`: the code turns into a hard assignment, and needs many more iterations to balance.


# %%
def draw_sinkhorn(fig, eps, iterations):
    Q = losses.sinkhorn(S, eps=eps, steps=iterations)
    code, bars = fig.subplots(2, 1, sharex=True)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.1, top=0.9, hspace=0.12)
    code.imshow(Q, aspect="auto", vmin=0, vmax=1, interpolation="nearest")
    code.set(ylabel="samples", yticks=[], title=f"score {(Q * S).sum():.2f}, best balanced assignment {best:.2f}")
    bars.bar(np.arange(K), Q.sum(0), color=cb.color("swav"))
    bars.axhline(N / K, color=cb.color("baseline"), ls="--", lw=1)
    bars.set(xlabel="prototype", ylabel="column sum", xticks=[], yticks=[0, 4, 8, 12], ylim=(0, 13))


cb.explore(draw_sinkhorn, eps=cb.log_slider(0.05, 0.01, 1), iterations=ipywidgets.IntSlider(3, 0, 100))

# %% [markdown]
# ## What breaks
#
# - **Copying a weight.** Barlow Twins' $\lambda = 0.0051$ belongs to $K = 8192$, where $\lambda K \approx 42$. At $K = 64$ this chapter uses 0.02; in the linear model, 0.005 at $K = 4$ makes copies.
# - **Standard deviations near 1 do not mean health.** The run without covariance has them, and is almost of rank one. Nor does a small loss: see SwAV's zero.
# - **Soft is soft.** After 100 steps full VICReg has standard deviations near 0.7, not 1, and correlations near 0.3, not 0. W-MSE's *raw* outputs are not white either: whitening lives
#   inside its loss.
# - **Conventions.** VICReg's covariances divide by $N - 1$, Barlow Twins' by $N$. VICReg's invariance is a mean over dimensions, W-MSE's a sum, or $2 - 2\cos$ by default. A covariance has rank
#   below $N$: at $N = 2048$, $K = 8192$ it can be pushed towards the diagonal but cannot reach $I$. On several GPUs, gather embeddings before taking covariances.
# - **Kinks.** In the linear model a covariance weight of 25 leaves L-BFGS stuck in the hinge's kinks, over ten degrees from the span that weight 1 finds. The theory is not to blame.
# - **How the toy differs.** Linear encoders, or twenty to forty thousand weights trained for one or two hundred steps on 14 × 14 digits; $K = 64$, not 8192; SwAV without multi-crop and queue. Accuracies
#   within 0.1 of each other say that no member fails. They do not rank the methods, and ImageNet does not rank VICReg and Barlow Twins either.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Cut the digits into top and bottom instead. Predict which cut has the larger $\rho_1$, then measure.
#
# <details><summary>Hint</summary>Which way do the strokes of most digits run, and which cut do they cross? Leave out pixels that hardly vary, as the first cell does.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Prove equation (2), and check your two steps on the canonical numbers `U[:, :5]` and `V[:, :5]`.
#
# <details><summary>Hint</summary>Write the squared norm of a difference as three traces. Which of them do the constraints fix?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. Two canonical correlations, 1 and $\rho_2$, and $\lambda \to \infty$. From which $\rho_2$ on do the tilted axes win? Find it numerically, then with a pencil.
#
# <details><summary>Hint</summary>With $\lambda \to \infty$ only a diagonal $C$ is allowed. Compare the sums of $(1 - C_{ii})^2$ of the two solutions; `scipy.optimize.brentq` finds where they meet.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●○ 25 min. Set Barlow Twins' $\lambda$ to $1 / K$ and vary $K$ over 8, 32, 128, 512. Does low-shot accuracy still depend on $K$?
#
# <details><summary>Hint</summary>`recipes.TINY_SHORT._replace(dim=k)` is the recipe with $K = k$; `recipes.train_tiny` and `low_shot` do the rest, as in the last experiment.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **5** ●●● 60 min. Put VICReg's hinge on the *eigenvalues* of the covariance instead of its diagonal, and drop the covariance term: W-MSE by penalty. In the linear model with $K = 4$, is
# the canonical span found faster?
#
# <details><summary>Hint</summary>`torch.linalg.eigvalsh` has a gradient, and `linear_fit` takes any loss of two embeddings. Compare the largest principal angle after 50, 100 and 200 steps.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its section on the canonical correlation analysis family.
# - H. Hotelling. Relations between two sets of variates. *Biometrika*, 1936. G. Andrew et al. Deep canonical correlation analysis, ICML 2013.
# - A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2021. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021. A. Ermolov et al.
#   [Whitening for self-supervised representation learning](https://arxiv.org/abs/2007.06346), 2021.
# - M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020. M. Cuturi. Sinkhorn distances, NeurIPS 2013. Y. Asano et al. Self-labelling via simultaneous clustering, ICLR 2020.
# - Q. Garrido et al. [On the duality between contrastive and non-contrastive self-supervised learning](https://arxiv.org/abs/2206.02574), 2023.

# %%
ch.footer()
