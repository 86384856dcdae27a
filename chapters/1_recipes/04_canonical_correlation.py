# ---
# jupyter:
#   cookbook:
#     title: The canonical-correlation family
#     promise: Grow VICReg, Barlow Twins, W-MSE and SwAV out of one idea of 1936, and see what each of their terms prevents.
#     papers: [balestriero2023cookbook]
#     needs: []
#     minutes: 30
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
# # The canonical-correlation family
#
# After this chapter you can write VICReg, Barlow Twins, W-MSE and SwAV from memory, because you will have seen them as four ways to
# soften one constraint of 1936. You will also be able to say, from numbers of your own, what breaks when a term is left out.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, spectral, training
from replearn.data import load, standardise

ch = cb.Chapter("canonical_correlation", scale=scale, seed=seed)

# %% [markdown]
# ## The question
#
# Cut a handwritten digit down the middle. You see only the left half, I see only the right half, and each of us may report one
# number. Which numbers should we report so that they agree as often as possible? And if we may each report five?
#
# Two halves of a digit are two **views** of one thing, and this is the question of every joint-embedding method. Its easy answer
# is useless: we both always say 7. The family of this chapter forbids that answer, and does so without ever comparing
# one image with another.

# %%
images = 16 * load("digits").images[:, 0].double()
halves = [half.flatten(1) for half in (images[:, :, :4], images[:, :, 4:])]
X, Y = (standardise(half[:, half.std(0, correction=0) > 0.5], 0) for half in halves)
rho, A, B = spectral.cca(X, Y, n_components=24)

fig, (left, right) = plt.subplots(1, 2, width_ratios=[1.25, 1], layout="constrained")
cut = np.pad(images[:15], [(0, 0), (1, 1), (1, 1)])
cb.plots.image_grid(left, np.insert(cut, [5, 5], cut.max(), axis=2), columns=5, gap=2, cmap="gray_r")
left.set_title("Each digit is cut in two")
cb.plots.scatter(right, np.stack([X @ A[:, 0], Y @ B[:, 0]], 1)[:600], load("digits").labels[:600], size=9)
right.set(xlabel="best number from the left half", ylabel="best number from the right half")
right.set_title(f"The two that agree most: $\\rho$ = {rho[0]:.2f}")
plt.show()

# %% [markdown]
# *Look at the cloud on the right.* Each dot is a digit, coloured by its class (which nobody used). What one half says about the
# other is not noise: it is largely which digit it is.
#
# ## The mathematics
#
# **Canonical correlation analysis** (CCA; Hotelling, 1936). Let $X$ $(N, p)$ and $Y$ $(N, q)$ hold $N$ centred samples of two views, one to a row,
# with covariances $\Sigma_{xx} = X^\top X / N$, $\Sigma_{yy} = Y^\top Y / N$ and $\Sigma_{xy} = X^\top Y / N$. Look for $K$ linear numbers of each, with weights $A$ $(p, K)$ and
# $B$ $(q, K)$, that correlate most in total while the numbers of one view have variance one and do not correlate with each other:
#
# $$ \max_{A, B}\ \mathrm{tr}(A^\top \Sigma_{xy} B) \quad\text{with}\quad A^\top \Sigma_{xx} A = B^\top \Sigma_{yy} B = I_K . \tag{1} $$
#
# Put $A = \Sigma_{xx}^{-1/2} U$ and $B = \Sigma_{yy}^{-1/2} V$. The constraints become $U^\top U = V^\top V = I_K$, and the trace is largest when $U$ and $V$ are the
# leading singular vectors of $T = \Sigma_{xx}^{-1/2} \Sigma_{xy} \Sigma_{yy}^{-1/2}$. Its singular values $\rho_1 \ge \rho_2 \ge \dots$ are the **canonical correlations**. Because $\|XA\|^2$ and
# $\|YB\|^2$ are fixed, (1) is also the smallest distance between the views,
#
# $$ \min \tfrac1N \|XA - YB\|_F^2 = 2 \sum_{i \le K} (1 - \rho_i) . \tag{2} $$
#
# **The family** puts networks in the place of $A$ and $B$. Write $Z, Z'$ $(N, K)$ for the embeddings of two views, and treat the constraint in one of four ways.
#
# - **W-MSE** keeps it *hard*: it minimises (2) between $\mathrm{whiten}(Z)$ and $\mathrm{whiten}(Z')$, where whitening centres $Z$ and maps it to covariance $I$.
# - **Barlow Twins** asks for it *across* the views. With $\hat Z$ the columns of $Z$ at mean 0 and variance 1, and $C = \hat Z^\top \hat Z' / N$,
#   the loss is $\sum_i (1 - C_{ii})^2 + \lambda \sum_{i \ne j} C_{ij}^2$.
# - **VICReg** makes it *soft*, by three terms: invariance $\tfrac{1}{NK} \|Z - Z'\|_F^2$; variance, the mean over dimensions of
#   $\max(0, 1 - \sqrt{\mathrm{Var}(Z_{\cdot j}) + \epsilon})$ with $\epsilon = 10^{-4}$; covariance, $\tfrac1K \sum_{i \ne j} \mathrm{Cov}(Z)_{ij}^2$. The weights are 25, 25 and 1.
# - **SwAV** asks for another balance: $K$ prototypes (unit vectors), and each must be used equally often. Let $S$ $(N, K)$ hold the cosines of
#   embeddings and prototypes. The *code* of a batch is the $Q \ge 0$ that maximises
#   $\langle Q, S \rangle + \varepsilon H(Q)$, with entropy $H(Q) = -\sum Q_{ik} \log Q_{ik}$, rows that sum to 1 and columns that sum to $N / K$. The optimum is $Q = \mathrm{diag}(u)\, e^{S / \varepsilon}\, \mathrm{diag}(v)$, and
#   rescaling columns and rows in turn (Sinkhorn-Knopp) finds it. The code of one view is then predicted from the other, by cross-entropy.
#
# ## From scratch
#
# Each formula is a few lines. The library's versions add the checks and choose the cheaper side of a matrix product.


# %%
def canonical_correlations(X, Y):
    Ux, Uy = (torch.linalg.svd(v - v.mean(0), full_matrices=False).U for v in (X, Y))
    return torch.linalg.svdvals(Ux.T @ Uy)


def whiten(z):
    z = z - z.mean(0)
    return torch.linalg.solve(torch.linalg.cholesky(z.T @ z / len(z)), z.T).T


assert_close(canonical_correlations(X, Y), torch.tensor(rho))
assert_close(whiten(X), losses.whiten(X, correction=0))


# %%
def vicreg(z1, z2, inv=25, var=25, cov=1):
    total = inv * (z1 - z2).square().mean()
    for z in (z1, z2):
        c = torch.cov(z.T)
        total = total + var * F.relu(1 - (c.diagonal() + 1e-4).sqrt()).mean() / 2
        total = total + cov * losses.off_diagonal(c).square().sum() / z.shape[1]
    return total


def barlow_twins(z1, z2, lam):
    z1, z2 = ((z - z.mean(0)) / z.std(0, correction=0) for z in (z1, z2))
    c = z1.T @ z2 / len(z1)
    return (1 - c.diagonal()).square().sum() + lam * losses.off_diagonal(c).square().sum()


z1, z2 = X @ torch.randn(24, 6, dtype=X.dtype), Y @ torch.randn(28, 6, dtype=X.dtype)
assert_close(vicreg(z1, z2), losses.vicreg(z1, z2).total)
assert_close(barlow_twins(z1, z2, 0.02), losses.barlow_twins(z1, z2, lam=0.02, eps=0).total)


# %%
def sinkhorn(S, eps, iters):
    Q = (S / eps).exp()
    for _ in range(iters):
        Q = Q / Q.sum(0) * len(Q) / Q.shape[1]
        Q = Q / Q.sum(1, keepdim=True)
    return Q


def cosines(n, k, dim=16):
    z, prototypes = (F.normalize(torch.randn(m, dim, dtype=torch.float64), dim=1) for m in (n, k))
    return z @ prototypes.T


S = cosines(64, 16)
assert_close(sinkhorn(S, eps=0.05, iters=3), losses.sinkhorn(S, eps=0.05, iters=3))

# %% [markdown]
# ## The theorem, tested
#
# ### W-MSE is CCA
#
# Let a linear encoder read each half, and descend W-MSE from a random start. The loss must end at $2 \sum_{i \le 5} (1 - \rho_i)$, a number that two singular
# value decompositions know in advance.


# %%
def descend(loss, weights, steps=400):
    weights = [w.clone().requires_grad_() for w in weights]
    settings = dict(history_size=20, tolerance_grad=1e-10, tolerance_change=1e-12, line_search_fn="strong_wolfe")
    solver = torch.optim.LBFGS(weights, max_iter=steps, **settings)

    def closure():
        solver.zero_grad()
        value = loss(*weights)
        value.backward()
        return value

    solver.step(closure)
    return [w.detach() for w in weights]


def random_encoders(k, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(v.shape[1], k, generator=generator, dtype=v.dtype) / 5 for v in (X, Y)]


# %%
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
exact = partial(losses.w_mse, normalize=False, correction=0)
fits = [descend(lambda a, b: exact(X @ a, Y @ b), random_encoders(5, s)) for s in seeds]
optimum = 2 * (1 - rho[:5]).sum()

ch.claim("wmse-is-cca.loss", f"W-MSE descends to CCA's optimum, {optimum:.6f} (relative difference)",
         measured=[abs(exact(X @ a, Y @ b).item() / optimum - 1) for a, b in fits], below=1e-4,
         paper="0 (exact)", source="Hotelling 1936; Ermolov et al. 2021")  # fmt: skip

# %%
ch.claim("wmse-is-cca.span", "The learned numbers span the canonical ones: largest angle between the two subspaces",
         measured=[spectral.principal_angles(X @ a, X @ A[:, :5]).max() for a, _ in fits], below=0.1, unit="deg",
         paper="0 (exact)", source="Hotelling 1936; Ermolov et al. 2021")  # fmt: skip

# %% [markdown]
# A third party agrees on $\rho$. scikit-learn's `CCA` iterates, and its default tolerance gives only three or four digits, so it is asked for more:

# %%
from sklearn.cross_decomposition import CCA

a, b = CCA(5, scale=False, max_iter=20_000, tol=1e-12).fit_transform(X.numpy(), Y.numpy())
iterated = [np.corrcoef(u, v)[0, 1] for u, v in zip(a.T, b.T, strict=True)]

ch.claim("wmse-is-cca.scikit-learn", "Two singular value decompositions give scikit-learn's canonical correlations",
         measured=np.abs(iterated - rho[:5]).max(), below=1e-6, source="Hotelling 1936")  # fmt: skip

# %% [markdown]
# ### Barlow Twins finds the span, but not the axes
#
# Barlow Twins never asks that $Z$ itself be white, only that $C$, *between* the views, be diagonal. That leaves it a freedom that CCA does not have. Say
# $\rho = (1, \rho_2)$: two axes tilted by $\pm\alpha$, $\cos^2 \alpha = \rho_2 / (1 + \rho_2)$, give $C = \tfrac{2 \rho_2}{1 + \rho_2} I$, also diagonal, and when $\rho_2 > \sqrt 2 - 1$ the loss is lower (exercise 3). So it tilts until the diagonal of $C$
# is flat. When $\lambda$ is small something worse pays: $K$ copies of the best number cost $K (1 - \rho_1)^2 + \lambda K (K - 1) \rho_1^2$, and the last term is cheap when $\lambda (K - 1)$ is.


# %%
def barlow_fit(lam, k=4):
    loss = partial(losses.barlow_twins, lam=lam, eps=0)
    a, b = descend(lambda a, b: loss(X @ a, Y @ b).total, random_encoders(k, ch.seed))
    return X @ a, Y @ b


za, zb = barlow_fit(lam=1.0)
C = losses.cross_correlation(za, zb)
loss = partial(losses.barlow_twins, lam=1.0, eps=0)
canonical = loss(X @ A[:, :4], Y @ B[:, :4]).total
source = "Zbontar et al. 2021; closed form of this chapter"

ch.claim("barlow-span-not-axes.span", "At λ = 1 Barlow Twins spans the top four canonical directions (angle)",
         measured=spectral.principal_angles(za, X @ A[:, :4]).max(), below=0.5, unit="deg", source=source)  # fmt: skip
ch.claim("barlow-span-not-axes.correlations", "The canonical correlations of what it learned are the true ones",
         measured=np.abs(spectral.cca(za, zb, 4).rho - rho[:4]).max(), below=1e-3, source=source)  # fmt: skip
ch.claim("barlow-span-not-axes.flat", "Its diagonal of C is flat although the four ρ differ by 0.14: largest difference",
         measured=np.ptp(C.diagonal()), below=0.006, source=source)  # fmt: skip
ch.claim("barlow-span-not-axes.cheaper", "The tilted axes cost less than the canonical axes: loss saved",
         measured=canonical - loss(za, zb).total, above=0.004, source=source)  # fmt: skip

# %%
copies_a, copies_b = barlow_fit(lam=0.005)
z = standardise(copies_a, 0)

ch.claim("barlow-span-not-axes.copies", "At λ = 0.005 two of the four numbers are the same one: largest correlation",
         measured=losses.off_diagonal(losses.correlation_matrix(z)).abs().max(), above=0.95, control=True,
         source=source)  # fmt: skip
ch.claim("barlow-span-not-axes.lost", "... so that four numbers carry the rank of fewer than three (RankMe)",
         measured=evaluation.effective_rank(z), below=3, control=True, source=source)  # fmt: skip

# %%
fig, (left, *maps) = plt.subplots(1, 4, figsize=(9, 2.9), width_ratios=[1.6, 1, 1, 1], layout="constrained")
cb.plots.spectrum(left, rho, color=cb.color("cca"))
learned = {"w_mse": spectral.cca(X @ fits[0][0], Y @ fits[0][1], 5).rho, "barlow_twins": spectral.cca(za, zb, 4).rho}
for name, size in {"w_mse": 9, "barlow_twins": 5}.items():
    left.plot(np.arange(len(learned[name])) + 1, learned[name], "o", ms=size, color=cb.color(name))
left.annotate("CCA", (14, rho[13]), (15, 0.42), color=cb.color("cca"))
left.annotate("W-MSE", (5, 0.63), (6, 0.72), color=cb.color("w_mse"))
left.annotate("Barlow Twins", (4, 0.67), (3, 0.88), color=cb.color("barlow_twins"))
left.set(ylim=(0, 1), ylabel="canonical correlation $\\rho_i$", title="One spectrum for three")
canonical_axes = losses.cross_correlation(X @ A[:, :4], Y @ B[:, :4])
panels = {"CCA": canonical_axes, "Barlow, λ = 1": C, "Barlow, λ = 0.005": losses.cross_correlation(copies_a, copies_b)}
for ax, (title, c) in zip(maps, panels.items(), strict=True):
    ax.imshow(c.abs(), vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(c.abs().numpy()):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=8, color="white" if value > 0.5 else "black")
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)
plt.show()

# %% [markdown]
# *Look at the three maps of* $|C|$. CCA's diagonal falls from 0.81 to 0.67. Barlow Twins at $\lambda = 1$ has the same span and a flat diagonal. At $\lambda = 0.005$ every
# diagonal entry is high, and so are entries off it: some rows are copies of each other, and two of the canonical directions are simply gone.
#
# ### Samples or dimensions: one sum, two sides
#
# VICReg's covariance term compares *dimensions* with each other, contrastive losses compare *samples*. Since $\|Z^\top Z\|_F = \|Z Z^\top\|_F$, the two differ only in
# which norms they leave out (Garrido et al., 2023):
#
# $$ \sum_{i \ne j} (Z^\top Z)_{ij}^2 + \sum_j \|Z_{\cdot j}\|^4 = \sum_{i \ne j} (Z Z^\top)_{ij}^2 + \sum_i \|Z_{i \cdot}\|^4 . $$


# %%
def two_sides(Z):
    columns = losses.off_diagonal(Z.T @ Z).square().sum() + Z.norm(dim=0).pow(4).sum()
    rows = losses.off_diagonal(Z @ Z.T).square().sum() + Z.norm(dim=1).pow(4).sum()
    return abs(columns / rows - 1)


shapes = [(8, 200), (200, 8), (30, 30)]
ch.claim("gram-duality", "Dimension-contrastive and sample-contrastive sums are equal for any Z (relative difference)",
         measured=[two_sides(torch.randn(shape, dtype=torch.float64)) for shape in shapes], below=1e-12,
         paper="0 (exact)", source="Garrido et al. 2023")  # fmt: skip

# %% [markdown]
# The library lives off this identity: with far fewer samples than dimensions it never builds the $(K, K)$ matrix.

# %%
cb.show_source(losses.statistics._off_diagonal_energy)

# %% [markdown]
# ### What three Sinkhorn iterations do
#
# SwAV stops after three iterations. Rows were rescaled last, so they are exact; columns are balanced only in the limit. And entropy has its price: the score
# $\langle Q, S \rangle$ falls short of the best balanced assignment, but by at most $\varepsilon N \log K$.

# %%
from scipy.optimize import linear_sum_assignment

N, K = S.shape
slots = S.repeat_interleave(N // K, dim=1)
best = slots[linear_sum_assignment(-slots)].sum()


def gap(eps):
    return (best - (losses.sinkhorn(S, eps=eps, iters=2000) * S).sum()).item()


def imbalance(iters):
    return (losses.sinkhorn(S, iters=iters).sum(0) - N / K).abs().max()


log_scaling = losses.sinkhorn(S, iters=100).log() - S / 0.05
rank_one = log_scaling - log_scaling.mean(0) - log_scaling.mean(1, keepdim=True) + log_scaling.mean()
gaps = np.array([gap(eps) for eps in (0.2, 0.05, 0.01)])
source = "Cuturi 2013; Caron et al. 2020"

# %%
ch.claim("sinkhorn-balance.rows", "Rows sum to 1 after 0, 1, 3 or 100 iterations: largest error",
         measured=[(losses.sinkhorn(S, iters=i).sum(1) - 1).abs().max() for i in (0, 1, 3, 100)], below=1e-12,
         source=source)  # fmt: skip
ch.claim("sinkhorn-balance.columns", f"Columns sum to N/K = {N // K} after 100 iterations: largest error",
         measured=imbalance(100), below=1e-4, source=source)  # fmt: skip
ch.claim("sinkhorn-balance.three", "... but not after the three that SwAV uses",
         measured=imbalance(3), above=0.5, control=True, source=source)  # fmt: skip
ch.claim("sinkhorn-balance.form", "Q = diag(u) exp(S/ε) diag(v): what is left of log Q − S/ε once centred twice",
         measured=rank_one.abs().max(), below=1e-9, source=source)  # fmt: skip
ch.claim("sinkhorn-balance.price", "Score lost against the best assignment, as a share of εN log K, at ε = 0.2, 0.05, 0.01",
         measured=gaps / (np.array([0.2, 0.05, 0.01]) * N * np.log(K)), between=(0, 1), source=source)  # fmt: skip
ch.claim("sinkhorn-balance.vanishes", "... and the loss falls with ε: each step down keeps at most half of it",
         measured=gaps[1:] / gaps[:-1], below=0.5, source=source)  # fmt: skip

# %% [markdown]
# ## The experiment
#
# Now the networks. `mnist_10k` is reduced to 14 × 14 pixels; a small convolutional encoder $f$ feeds a projector $g$ with $K = 64$ outputs; a view is a random crop with a
# rotation of up to 15°. Training takes 100 steps of 128 images. **Low-shot** accuracy is that of a ridge classifier on $f$'s features with 200 labels, averaged over
# five sets of labels: it tells representations apart that 8,000 labels would not. The baseline is the same encoder *untrained*.

# %%
mnist = training.tiny_mnist()


def low_shot(encoder):
    z_train, z_test = (training.features(encoder, x) for x in (mnist.x_train, mnist.x_test))
    return evaluation.low_shot_probe(z_train, mnist.y_train, z_test, mnist.y_test)


def untrained(recipe, seed):
    encoder, _ = training.tiny_encoder(recipe, seed=seed)
    return low_shot(training.warm_up_batch_norm(encoder, mnist.x_train[:1000]))


def ablate(seed, **weights):
    loss = partial(losses.vicreg, **weights)
    run = training.train_tiny(loss, mnist.x_train, recipe=training.R100, seed=seed)
    z = training.features(nn.Sequential(run.encoder, run.projector), mnist.x_test)
    return {"z": z, "std": z.std(0).mean(), "correlation": losses.correlation_matrix(z).abs(),
            "rank": evaluation.effective_rank(z), "low": low_shot(run.encoder)}  # fmt: skip


# %% [markdown]
# ### VICReg, one term at a time

# %%
variants = {"full": {}, "no variance": {"var": 0.0}, "no covariance": {"cov": 0.0}}
runs = {name: [ablate(s, **weights) for s in seeds] for name, weights in variants.items()}
random_low = [untrained(training.R100, s) for s in seeds]


def each(name, measure):
    return [float(measure(run)) for run in runs[name]]


def redundancy(run):
    return losses.off_diagonal(run["correlation"]).mean()


low = {name: np.array(each(name, lambda run: run["low"])) for name in runs}
source = "Bardes et al. 2021"

# %%
ch.claim("vicreg-terms.collapse", "Without the variance term the embedding shrinks to a point: standard deviation",
         measured=each("no variance", lambda run: run["std"]), below=0.1, paper="collapse", source=source)  # fmt: skip
ch.claim("vicreg-terms.no-better-than-random", "... and low-shot accuracy gains nothing over the untrained encoder",
         measured=low["no variance"] - random_low, below=0.02, control=True, source=source)  # fmt: skip
ch.claim("vicreg-terms.copies", "Without the covariance term all dimensions say the same: mean |correlation| off the diagonal",
         measured=each("no covariance", redundancy), above=0.9, source=source)  # fmt: skip
ch.claim("vicreg-terms.low-rank", "... and 64 dimensions have the effective rank of a few (RankMe)",
         measured=each("no covariance", lambda run: run["rank"]), below=8, control=True, source=source)  # fmt: skip
ch.claim("vicreg-terms.full-rank", "With all three terms the effective rank is more than 10",
         measured=each("full", lambda run: run["rank"]), above=10, source=source)  # fmt: skip
ch.claim("vicreg-terms.covariance-pays", "The covariance term earns low-shot accuracy",
         measured=low["full"] - low["no covariance"], above=0.03, paper="68.6 against 57.5 % (ImageNet, linear)",
         source=source)  # fmt: skip

# %%
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.3), layout="constrained")
for ax, (name, (run, *_)) in zip(axes, runs.items(), strict=True):
    picture = ax.imshow(run["correlation"], vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[], title=name)
    ax.set_xlabel(f"std {run['std']:.2f} · RankMe {run['rank']:.1f}\nlow-shot accuracy {run['low']:.3f}")
    ax.grid(False)
fig.colorbar(picture, ax=axes, label="|correlation| of two dimensions", shrink=0.8)
plt.show()

# %% [markdown]
# *Look at the right-hand square.* It is one colour: 64 dimensions, all with a healthy standard deviation, and all the same. Variance is what prevents
# **total** collapse (the middle one: every image lands on almost the same point), covariance what prevents **informational** collapse.
#
# ### SwAV, with its balance and without
#
# Replace the balanced code by a plain softmax of the scores (that is `iters=0`), change nothing else, and count how many of 32 prototypes the test images use. The
# count is a **perplexity**: $\exp$ of the entropy of the frequencies with which each prototype is the nearest, 32 when all are used alike and 1 when one takes all.


# %%
def swav(iters, recipe):
    encoder, projector = training.tiny_encoder(recipe, seed=ch.seed)
    method = SwAV(encoder, projector, partial(losses.swav_loss, iters=iters), training.CROP_ROT, seed=ch.seed)
    history = training.pretrain(method, mnist.x_train, seed=ch.seed, **recipe.loop())
    z = training.features(nn.Sequential(encoder, projector), mnist.x_test)
    use = method.scores(z).argmax(1).bincount(minlength=32).double() / len(z)
    return {"use": use, "perplexity": torch.special.entr(use).sum().exp(), "low": low_shot(encoder),
            "loss": history.loss[-1]}  # fmt: skip


from replearn.training.swav import SwAV

recipe = ch.pick(fast=training.R100._replace(steps=150), toy=training.R200)
balanced, collapsed = swav(iters=3, recipe=recipe), swav(iters=0, recipe=recipe)

# %%
source = "Caron et al. 2020"
ch.claim("sinkhorn-balance.perplexity", "With Sinkhorn at least half of the 32 prototypes are in use (perplexity)",
         measured=balanced["perplexity"], above=16, source=source)  # fmt: skip
ch.claim("sinkhorn-balance.collapse", "With softmax codes one prototype takes all (perplexity)",
         measured=collapsed["perplexity"], below=2, control=True, source=source)  # fmt: skip
ch.claim("sinkhorn-balance.zero-loss", "... at a training loss of almost zero, far below the healthy run's",
         measured=collapsed["loss"], below=0.05, unit="nats", control=True, source=source)  # fmt: skip
ch.claim("sinkhorn-balance.low-shot", "Balance earns low-shot accuracy",
         measured=balanced["low"] - collapsed["low"], above=0.04, source=source)  # fmt: skip

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.6, 2.8), sharey=True, layout="constrained")
for ax, run, name in zip(axes, (balanced, collapsed), ("Sinkhorn, 3 iterations", "softmax codes"), strict=True):
    ax.bar(np.arange(1, 33), run["use"].sort(descending=True).values, width=0.8, color=cb.color("swav"))
    ax.set(title=name, xlabel="prototype, most used first", ylim=(0, 1.05))
    facts = f"perplexity {run['perplexity']:.1f}\nlow-shot {run['low']:.3f}\nlast loss {run['loss']:.3f} nats"
    ax.text(0.97, 0.93, facts, transform=ax.transAxes, ha="right", va="top")
    ax.axhline(1 / 32, color=cb.color("baseline"), lw=1, ls="--")
axes[0].set_ylabel("share of test images")
plt.show()

# %% [markdown]
# *Look at the loss written in the right panel.* The collapsed run is the one with the better loss. A loss alone never tells you that training works.
#
# ### The family agrees

# %%
family = {
    "vicreg": (losses.vicreg, {"steps": ch.pick(fast=100, toy=150)}),
    "barlow_twins": (partial(losses.barlow_twins, lam=0.02), {}),
    "w_mse": (partial(losses.w_mse, sub_batch=128, shrink=1e-3), {"d_out": 32, "batch_size": ch.pick(fast=128, toy=256)}),
    **ch.pick(fast={}, toy={"nt_xent": (losses.nt_xent, {})}),
}
recipe = ch.pick(fast=training.R100, toy=training.R200)
accuracy = {"swav": balanced["low"]}
for name, (loss, changes) in family.items():
    run = training.train_tiny(loss, mnist.x_train, recipe=recipe._replace(**changes), seed=ch.seed)
    accuracy[name] = low_shot(run.encoder)
baseline = untrained(recipe, ch.seed)

# %%
scores = np.array(list(accuracy.values()))
ch.claim("family-agrees.useful", "Every member gains low-shot accuracy over the untrained encoder",
         measured=scores - baseline, above=0.05,
         paper="ImageNet linear: VICReg and Barlow Twins 73.2 %, SwAV 75.3 % with multi-crop")  # fmt: skip
ch.claim("family-agrees.spread", "The members lie close together: best less worst low-shot accuracy",
         measured=np.ptp(scores), below=0.1)  # fmt: skip

# %%
titles = {"vicreg": "VICReg", "barlow_twins": "Barlow Twins", "w_mse": "W-MSE", "swav": "SwAV", "nt_xent": "NT-Xent"}
fig, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
for row, name in enumerate(sorted(accuracy, key=accuracy.get)):
    ax.plot([baseline, accuracy[name]], [row, row], color=cb.color(name), lw=1.5)
    ax.plot(accuracy[name], row, "o", ms=9, color=cb.color(name))
    ax.text(accuracy[name] + 0.006, row, f"{titles[name]}  {accuracy[name]:.3f}", va="center", color=cb.color(name))
ax.axvline(baseline, color=cb.color("random"), ls="--", lw=1)
ax.text(baseline + 0.003, len(accuracy) - 0.75, f"untrained encoder  {baseline:.3f}", color=cb.color("random"), va="top")
ax.set(yticks=[], ylim=(-0.6, len(accuracy) - 0.4), xlim=(baseline - 0.02, scores.max() + 0.07))
ax.set(xlabel="low-shot accuracy (200 labels)", title="Different constraints, similar quality")
plt.show()

# %% [markdown]
# *Look at the gaps between the dots against their distance to the dashed line.* The constraint matters much less than having one.
#
# ## Play
#
# **Why a square root in VICReg's hinge?** Move `std`, the standard deviation $s$ of one dimension, towards collapse. The right panel shows the length of the gradient on a
# sample at distance $s$ from the mean, times $N - 1$. With the hinge on the *variance*, the force that should undo a collapse dies with it, like $2 s$. With the hinge on the *standard
# deviation*, it stays 1. The $\epsilon$ under the root keeps the formula defined at $s = 0$ and gives up only below $s \approx \sqrt\epsilon = 0.01$.

# %%
s_grid = np.logspace(-4, np.log10(2), 200)
hinges = {
    "on std, with ε": (lambda s: np.maximum(0, 1 - np.sqrt(s**2 + 1e-4)), lambda s: s / np.sqrt(s**2 + 1e-4), "vicreg"),
    "on std, without ε": (lambda s: np.maximum(0, 1 - s), np.ones_like, "theory"),
    "on variance": (lambda s: np.maximum(0, 1 - s**2), lambda s: 2 * s, "nt_xent"),
}


def draw_hinge(fig, std, hinge):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.97, bottom=0.17, top=0.88, wspace=0.28)
    for name, (value, slope, method) in hinges.items():
        look = dict(color=cb.color(method), lw=2.5 if name == hinge else 1, alpha=1 if name == hinge else 0.35)
        force = slope(s_grid) * (value(s_grid) > 0)
        left.plot(s_grid, value(s_grid), **look)
        right.loglog(s_grid, np.where(force > 0, force, np.nan), **look)
    value, slope, method = hinges[hinge]
    here = np.array([std])
    left.plot(here, value(here), "o", ms=9, color=cb.color(method))
    force = slope(here)[0] * (value(here)[0] > 0)
    right.plot(here, [max(force, 1e-4)], "o", ms=9, color=cb.color(method))
    left.set(xlabel="standard deviation $s$", title="penalty")
    right.set(xlabel="standard deviation $s$", ylim=(1e-4, 5), title=f"push on a sample: {force:.3g}")


cb.explore(draw_hinge, std=cb.log_slider(0.05, 0.0005, 2), hinge=list(hinges))

# %% [markdown]
# **Always think in** $\lambda K$. Linear Barlow Twins on the halves, $K = 4$, for thirteen values of $\lambda$, precomputed. Only correlations enter the loss, so it may be solved in canonical coordinates, where
# $\Sigma_{xy}$ is $\mathrm{diag}(\rho)$. Drag $\lambda$ down: the four numbers are distinct until $\lambda K \approx 0.2$, then they fuse into fewer (RankMe falls), while the loss goes down all the time.


# %%
def canonical_barlow(a, b, lam):
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    c = a.mT @ (torch.tensor(rho)[:, None] * b)
    diagonal = c.diagonal(dim1=1, dim2=2)
    on = (1 - diagonal).square().sum(1)
    return on + lam * (c.square().sum((1, 2)) - diagonal.square().sum(1)), c


lams = torch.logspace(-3, 1, 13, dtype=torch.float64)
start = torch.randn(2, 1, 24, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed))
a, b = descend(lambda a, b: canonical_barlow(a, b, lams)[0].sum(), start.expand(2, 13, 24, 4), ch.pick(fast=150, toy=400))
swept_loss, swept_c = canonical_barlow(a, b, lams)
swept_z = F.normalize(a, dim=1).mT @ F.normalize(a, dim=1)
swept_rank = [evaluation.effective_rank(v) for v in F.normalize(a, dim=1)]
swept_angle = [spectral.principal_angles(v, torch.eye(24, 4)).max() for v in a]
canonical_loss = (1 - rho[:4]) @ (1 - rho[:4])


# %%
def draw_sweep(fig, lam):
    i = int((lams - lam).abs().argmin())
    ranks, *maps = fig.subplots(1, 3, width_ratios=[1.3, 1, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.78, wspace=0.2)
    ranks.semilogx(4 * lams, swept_rank, "o-", ms=4, color=cb.color("barlow_twins"))
    ranks.plot(4 * lams[i], swept_rank[i], "o", ms=11, color=cb.color("barlow_twins"))
    ranks.set(xlabel="$\\lambda K$", ylim=(1, 4.2), title="RankMe of $Z$")
    for ax, c, name in zip(maps, (swept_c[i], swept_z[i]), ("$|C|$, between views", "|correlation| in $Z$"), strict=True):
        ax.imshow(c.abs(), vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[], title=name)
        ax.grid(False)
    angle = f"angle to CCA's span {swept_angle[i]:.1f}°" if swept_rank[i] > 3.5 else "copies: no span of four left"
    fig.suptitle(f"loss {swept_loss[i]:.3f}, at CCA's axes {canonical_loss:.3f};  {angle}", x=0.08, ha="left", fontsize=10.5)


points = [(f"{lam:.3g}", float(lam)) for lam in lams]
cb.explore(draw_sweep, lam=ipywidgets.SelectionSlider(options=points, value=float(lams[9])))

# %% [markdown]
# **Sinkhorn by hand.** 64 samples, 16 prototypes. With `iterations` at 0 the code is a softmax and some prototypes are hardly used. Raise it one by one and
# watch the bars level out. Lower `eps` and the code turns into a hard assignment; it then needs many more iterations.


# %%
def draw_sinkhorn(fig, eps, iterations):
    Q = losses.sinkhorn(S, eps=eps, iters=iterations)
    code, bars = fig.subplots(2, 1, sharex=True, height_ratios=[1, 1])
    code.imshow(Q, aspect="auto", vmin=0, vmax=1)
    code.set(ylabel="samples", yticks=[])
    code.grid(False)
    bars.bar(np.arange(K), Q.sum(0), color=cb.color("swav"))
    bars.axhline(N / K, color=cb.color("baseline"), ls="--", lw=1)
    bars.set(xlabel="prototype", ylabel="column sum", xticks=[], ylim=(0, 14))
    code.set_title(f"score {(Q * S).sum():.2f} of {best:.2f} (best balanced assignment)")
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.1, top=0.9, hspace=0.12)


cb.explore(draw_sinkhorn, eps=cb.log_slider(0.05, 0.01, 1), iterations=(0, 100))

# %% [markdown]
# ## What breaks
#
# - **Copying a weight.** Barlow Twins' $\lambda = 0.0051$ belongs to $K = 8192$, where $\lambda K \approx 42$. At $K = 64$ this chapter uses 0.02; in the linear model above, 0.005 at $K = 4$ makes copies.
# - **Standard deviations near 1 do not mean health.** The run without covariance has them, and is almost of rank one. Nor does a finite or small loss: see SwAV's zero.
# - **Soft is soft.** After 100 steps full VICReg has standard deviations near 0.65, not 1, and correlations near 0.3, not 0. W-MSE's *raw* outputs are not white either: whitening lives inside its loss.
# - **Conventions.** VICReg's covariances divide by $N - 1$, Barlow Twins' by $N$. VICReg's invariance is a mean over dimensions, W-MSE's a sum (or $2 - 2\cos$, its default).
#   A covariance has rank below $N$: with $N = 2048$ and $K = 8192$, VICReg's can be pushed towards diagonal but never reach it. On several GPUs gather embeddings before taking covariances.
# - **Optimisers meet kinks.** In the linear model a covariance weight of 25 leaves L-BFGS stuck in the hinge's kinks, more than ten degrees from the span that weight 1 finds. That is not the theory failing.
# - **How the toy differs.** Linear encoders, or a network of a few thousand weights trained for a hundred or two steps on 14 × 14 digits; $K = 64$, not 8192; SwAV without multi-crop and without a queue. Low-shot accuracies
#   within 0.1 of each other say that no member fails; they do not rank the methods. ImageNet does not rank VICReg and Barlow Twins either.
#
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1.** Cut the digits into top and bottom instead. Predict which cut has the larger $\rho_1$, then measure.

# %% tags=["solution"] jupyter={"source_hidden": true}
cuts = {"left | right": halves, "top / bottom": [half.flatten(1) for half in (images[:, :4], images[:, 4:])]}
for name, views in cuts.items():
    views = [v[:, v.std(0, correction=0) > 0.5] for v in views]
    print(name, spectral.cca(*views, n_components=3).rho.round(3))

# %% [markdown] tags=["exercise"]
# **2.** Prove equation (2), and check your two steps on the fitted weights.

# %% tags=["solution"] jupyter={"source_hidden": true}
proof = r"""
|XA - YB|^2 / N = tr(A' Sxx A) + tr(B' Syy B) - 2 tr(A' Sxy B). The constraints make the first two terms K each, so the
distance is 2K - 2 tr(A' Sxy B): smallest where the trace is largest, and there the trace is rho_1 + ... + rho_K.
"""
za5, zb5 = X @ A[:, :5], Y @ B[:, :5]
trace = (za5 * zb5).sum() / len(X)
assert_close((za5 - zb5).square().sum() / len(X), 2 * 5 - 2 * trace)
assert_close(trace, torch.tensor(rho[:5].sum()))

# %% [markdown] tags=["exercise"]
# **3.** Two canonical correlations, 1 and $\rho_2$, and $\lambda \to \infty$. At which $\rho_2$ do the tilted axes start to win over the canonical ones? Find it numerically, then with a pencil.

# %% tags=["solution"] jupyter={"source_hidden": true}
from scipy.optimize import brentq


def advantage(r):
    tilted = 2 * (1 - 2 * r / (1 + r)) ** 2
    return (1 - r) ** 2 - tilted


print(f"rho_2 = {brentq(advantage, 0.1, 0.9):.6f}, and sqrt(2) - 1 = {np.sqrt(2) - 1:.6f}")

# %% [markdown] tags=["exercise"]
# **4.** Set Barlow Twins' $\lambda$ to $1 / K$ and vary $K$ over 8, 32, 128, 512. Does low-shot accuracy still depend on $K$?

# %% tags=["solution"] jupyter={"source_hidden": true}
for k in ch.pick(fast=(8, 32), toy=(8, 32, 128, 512)):
    recipe = training.R100._replace(d_out=k, steps=ch.pick(fast=25, toy=100))
    run = training.train_tiny(partial(losses.barlow_twins, lam=1 / k), mnist.x_train, recipe=recipe, seed=ch.seed)
    print(f"K = {k}: low-shot {low_shot(run.encoder):.3f}")

# %% [markdown] tags=["exercise"]
# **5.** (research) Put VICReg's hinge on the *eigenvalues* of the covariance instead of its diagonal: W-MSE by penalty, with no covariance term left to weigh. In the linear model, is the canonical span found faster?

# %% tags=["solution"] jupyter={"source_hidden": true}
def eigen_vicreg(z1, z2):
    spread = sum(F.relu(1 - (torch.linalg.eigvalsh(torch.cov(z.T)) + 1e-4).sqrt()).mean() for z in (z1, z2))
    return 25 * (z1 - z2).square().mean() + 25 * spread / 2


for name, loss in {"diagonal": vicreg, "eigenvalues": eigen_vicreg}.items():
    for steps in ch.pick(fast=(25,), toy=(50, 100, 200)):
        a, _ = descend(lambda a, b, loss=loss: loss(X @ a, Y @ b), random_encoders(4, ch.seed), steps)
        print(f"{name}, {steps} steps: {spectral.principal_angles(X @ a, X @ A[:, :4]).max():.1f} deg from the span")

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its section on the canonical correlation analysis family.
# - H. Hotelling. Relations between two sets of variates. *Biometrika*, 1936. G. Andrew, R. Arora, J. Bilmes, K. Livescu. Deep canonical correlation analysis. ICML 2013.
# - A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2021. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021.
#   A. Ermolov et al. [Whitening for self-supervised representation learning](https://arxiv.org/abs/2007.06346), 2021.
# - M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020. M. Cuturi. Sinkhorn distances. NeurIPS 2013. Y. Asano, C. Rupprecht, A. Vedaldi. Self-labelling via simultaneous clustering. ICLR 2020.
# - Q. Garrido et al. [On the duality between contrastive and non-contrastive self-supervised learning](https://arxiv.org/abs/2206.02574), 2023.
