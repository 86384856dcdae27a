# %% [markdown]
# # The canonical-correlation family: lab
#
# For those who want more: the four losses from memory; two steps that the lesson left out, and the network as it was trained; how Barlow Twins tilts its axes; why VICReg takes a square root; SwAV's balance, iteration by iteration; and why dimensions or samples are two sides of one sum. Sections stand alone. Equation numbers go on from the [lesson](canonical_correlation.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from ipywidgets import IntSlider, SelectionSlider
from scipy.optimize import linear_sum_assignment
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, spectral, training
from replearn.papers import canonical_correlation as world

ch = cb.Chapter("canonical_correlation_lab", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
generator = torch.Generator().manual_seed(ch.seed)
upper, lower, images, labels = world.digit_halves()
rho, canonical_A, canonical_B = spectral.cca(upper, lower, dim=26)
mnist = recipes.tiny_mnist()
width, steps = ch.pick(fast=(8, 64), toy=(16, 200))
recipe = recipes.Recipe(width=width, steps=steps, dim=32)

# %% [markdown]
# ## A · Four losses from memory
#
# Each is a few lines. `z1` and `z2` are the embeddings of the two views, a row for each of $N$ images. First W-MSE: a Cholesky factor of the covariance whitens.


# %%
def whiten(z):
    z = z - z.mean(0)
    factor = torch.linalg.cholesky(z.T @ z / len(z))
    return torch.linalg.solve(factor, z.T).T


def w_mse(z1, z2):
    return (whiten(z1) - whiten(z2)).square().sum(1).mean()


# %%
def vicreg(z1, z2):
    total = 25 * (z1 - z2).square().mean()
    for z in (z1, z2):
        covariance = torch.cov(z.T)
        std = (covariance.diagonal() + 1e-4).sqrt()
        repeated = losses.off_diagonal(covariance).square().sum() / len(covariance)
        total = total + 25 * F.relu(1 - std).mean() / 2 + repeated
    return total


# %%
def barlow_twins(z1, z2, lam):
    z1, z2 = ((z - z.mean(0)) / z.std(0, correction=0) for z in (z1, z2))
    R = z1.T @ z2 / len(z1)
    return (1 - R.diagonal()).square().sum() + lam * losses.off_diagonal(R).square().sum()


# %%
def balanced(S, eps, iterations):
    Q = (S / eps).exp()
    for _ in range(iterations):
        Q = Q / Q.sum(0) * len(Q) / Q.shape[1]  # each prototype gets N/J
        Q = Q / Q.sum(1, keepdim=True)  # each sample gives 1
    return Q


def swav(S1, S2, temperature=0.1):
    Q1, Q2 = (balanced(S, eps=0.05, iterations=3) for S in (S1, S2))
    log_P1, log_P2 = ((S / temperature).log_softmax(1) for S in (S1, S2))
    return -(Q2 * log_P1 + Q1 * log_P2).sum(1).mean() / 2


# %%
weights = torch.randn(2, 26, 6, dtype=torch.float64, generator=generator)
z1, z2 = upper @ weights[0], lower @ weights[1]
S1, S2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)  # cosines with six prototypes, the axes
pairs = {
    "W-MSE": (w_mse(z1, z2), losses.w_mse(z1, z2, normalize=False, correction=0)),
    "VICReg": (vicreg(z1, z2), losses.vicreg(z1, z2).total),
    "Barlow Twins": (barlow_twins(z1, z2, 1), losses.barlow_twins(z1, z2, lam=1, eps=0).total),
    "SwAV": (swav(S1, S2), losses.swav_loss(S1, S2)),
}
ch.measure("from-memory", unlike=[abs(ours / library - 1) for ours, library in pairs.values()])

# %% [markdown]
# **What you saw.** Four losses, and the library's agree with them. Its own versions add checks and take the cheaper side of a matrix product (section F). Mind the number of samples: a covariance of $K$ dimensions has rank below $N$. With VICReg's $N = 2048$ and $K = 8192$ it can be pushed towards the diagonal but cannot reach it. On several GPUs, gather embeddings before you take covariances.
#
# > **Check yourself.** Multiply each dimension of `z1` and `z2` by a positive number of its own. Which of the four losses do not change?

# %% [markdown]
# ## B · Two missing steps, and the network as it was trained
#
# *The trace in (3).* Write the singular values and vectors as $\widehat C_+ = \sum_i \rho_i\, u_i {u'_i}^{\top}$. Then $\operatorname{tr}(\tilde A^\top \widehat C_+ \tilde B) = \sum_i \rho_i\, (\tilde A^\top u_i)^\top (\tilde B^\top u'_i) \le \sum_i \rho_i\, \beta_i$ with $\beta_i = \tfrac12 \big( \|\tilde A^\top u_i\|^2 + \|\tilde B^\top u'_i\|^2 \big)$. As the $K$ columns of $\tilde A$ and $\tilde B$ are orthonormal, $0 \le \beta_i \le 1$ and $\sum_i \beta_i \le K$. So the sum is at most $\rho_1 + \dots + \rho_K$.
#
# *The sum of squares before (5).* Why is $\|C\|^2 \ge \sum_i \gamma_i^2$? Measure the pixels of both halves in canonical numbers, so that $C_x = C_y = I$ and $C_+ = \mathrm{diag}(\rho)$. Then $C = A^\top A$, and $\gamma_i$ is the squared length of row $i$ of $A$: entry $i$ of the diagonal of $A A^\top$. Now $\|A^\top A\|^2 = \|A A^\top\|^2$, and the sum of all squares in $A A^\top$ is at least that on its diagonal. Equality needs orthogonal rows. Schur and Horn say that they exist, with all $C_{kk} = 1$, for any $K$ variances $\gamma_i$ that sum to $K$.
#
# And both halves may have the same weights: since $2 \operatorname{tr}(A^\top \mathrm{diag}(\rho) B) \le \operatorname{tr}(A^\top \mathrm{diag}(\rho) A) + \operatorname{tr}(B^\top \mathrm{diag}(\rho) B)$, the mean of the losses of the pairs $(A, A)$ and $(B, B)$ is at most that of $(A, B)$.
#
# When the variance term does *not* get its wish, and all dimensions have a variance $c < 1$, then $\sum_i \gamma_i = K c$: the level $\rho_0$ moves, the slope $\mathrm{inv} / (2\, \mathrm{cov})$ of (5) does not.

# %% [markdown]
# So take a network trained by VICReg with $K = 32$ and the usual weights, whose slope should be 12.5, and look at its own embedding. `principal_correlations` finds its principal directions, the variance along each, and the correlation of two crops along it.
#
# *Guess first.* Training was short. Will the dots lie on a line? With which slope? And when a fresh last layer is trained to the end?

# %%
longer = recipe._replace(steps=ch.pick(fast=100, toy=200))
run = recipes.train_tiny(losses.vicreg, mnist.x_train, recipe=longer, seed=ch.seed)
h, h_prime = world.below_last_layer(run.encoder, run.projector, mnist.x_test, recipes.tiny_crop)
last = run.projector[-1].double()
as_trained = world.principal_correlations(last(h), last(h_prime))

iterations = ch.pick(fast=120, toy=300)
pair = h[:1000], h_prime[:1000]
fresh = world.train_linear(losses.vicreg, *pair, dim=32, steps=iterations, seed=ch.seed)
finished = world.principal_correlations(*fresh)

# %%
slopes = [np.polyfit(found.rho, found.variance, 1)[0] / 12.5 for found in (as_trained, finished)]
straight = np.corrcoef(as_trained.rho, as_trained.variance)[0, 1]
ch.measure("line-in-network", straight=straight, steep=slopes[0], finished=slopes[1])
ch.figures.lines(as_trained, finished)

# %% [markdown]
# **What you saw.** In the trained network, too, a direction gets its variance in proportion to its height above a sea level, but on a steeper line; perhaps because the directions near the water are still rising. With the layers below frozen and the last one trained to the end, the slope is the one of (5).
#
# > **Check yourself.** The standard deviation of the fresh layer's dimensions is about 0.93, not 1. Which assumption of the lesson fails, and what does that do to the level?

# %% [markdown]
# ## C · Barlow Twins finds the span, but not the axes
#
# Barlow Twins never asks that $Z$ be white, only that $R$, *between* the views, be diagonal. That leaves a freedom. Say $K = 2$, and correlations 1 and $\rho_2$. Two axes at the angles $\pm\varphi$ from the first, with $\cos^2 \varphi = \rho_2 / (1 + \rho_2)$, give $R_{12} = 0$ as well, and a *flat* diagonal: $R_{11} = R_{22} = 2 \rho_2 / (1 + \rho_2)$. When that is cheaper is exercise L2.
#
# At small $\lambda$ something worse pays. $K$ copies of the best number cost $K (1 - \rho_1)^2 + \lambda K (K - 1) \rho_1^2$, which is little when $\lambda (K - 1)$ is little.
#
# *Guess first.* On the halves of the lesson, $K = 4$: will the learned diagonal of $R$ be $0.96,\ 0.85,\ 0.81,\ 0.80$? At $\lambda = 0.001$, how many of four numbers are different? `barlow_twins_sweep` descends for twelve $\lambda$ at once.

# %%
lams = [0.0003, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1, 3, 10]
sweep = world.barlow_twins_sweep(rho, lams, dim=4, steps=400, seed=ch.seed)
R = sweep.A.mT @ (torch.tensor(rho)[:, None] * sweep.B)  # for each λ
one, small = lams.index(1), lams.index(0.001)

span = spectral.principal_angles(sweep.A[one], torch.eye(26, 4)).max()
canonical_loss = np.sum((1 - rho[:4]) ** 2)
diagonal = R[one].diagonal()
ch.measure("barlow-span", span=span)
ch.measure("barlow-axes", flat=np.ptp(diagonal), cheaper=1 - sweep.loss[one] / canonical_loss)

# %%
ranks = [evaluation.effective_rank(A) for A in sweep.A]
ch.measure("barlow-copies", numbers=ranks[small])
options = [(f"{lam:g}", i) for i, lam in enumerate(lams)]
choose = SelectionSlider(options=options, value=one, description="λ")
facts = lams, ranks, R, sweep.A, canonical_loss, sweep.loss
cb.explore(ch.figures.barlow, *facts, which=choose, figsize=(7.2, 2.9))

# %% [markdown]
# **What you saw.** At $\lambda = 1$ the four numbers span the first four canonical directions, but the diagonal is flat and the loss lower than at the canonical axes. Drag $\lambda$ down: the four numbers stay different until about $\lambda K = 0.04$, then they fuse (RankMe counts how many there are), while the loss gets better all the way. As with VICReg, what counts is the weight times $K$.
#
# > **Check yourself.** Barlow Twins' published $\lambda$ is 0.0051, with $K = 8192$. Is that a strong or a weak demand?

# %% [markdown]
# ## D · Why the square root?
#
# VICReg's variance term is a hinge on the *standard deviation*. Why not simply on the variance, $(1 - C_{kk})_+$? Move `std`, the standard deviation of one dimension, towards collapse. *Right:* the force on a sample that lies one standard deviation from the mean, times $N - 1$.

# %%
hinges = ["on the standard deviation", "the same, without 0.0001", "on the variance"]
cb.explore(ch.figures.hinge, std=cb.log_slider(0.05, 0.0005, 2), hinge=hinges, figsize=(7.2, 3))

# %% [markdown]
# The force of a hinge on the variance is twice the standard deviation, and dies with it: near collapse nothing pushes back. On the standard deviation the force stays 1, but in the collapsed point itself it is $0/0$; the $10^{-4}$ under the root mends that.
#
# *Guess first.* A hundred points start with a standard deviation of 0.001, nearly collapsed. Give each hinge 20 steps of plain descent. Where are they?


# %%
def on_deviation(z):
    return losses.vicreg(z, z, inv=0, var=1, cov=0).total


def on_variance(z):
    return F.relu(1 - z.var(0)).mean()


def after_20_steps(hinge):
    z = (0.001 * torch.randn(100, 1, generator=generator)).requires_grad_()
    for _ in range(20):
        (slope,) = torch.autograd.grad(hinge(z), z)
        z = (z - 7 * slope).detach().requires_grad_()
    return z.std().item()


ch.measure("root-escapes", root=after_20_steps(on_deviation), square=after_20_steps(on_variance))

# %% [markdown]
# **What you saw.** With the root the points are spread out; without it they have hardly moved.
#
# > **Check yourself.** How many steps will the hinge on the variance need, if the deviation grows by a seventh in each?

# %% [markdown]
# ## E · SwAV's balance
#
# $S$ ($N \times J$) holds the cosines of $N$ embeddings with $J$ prototypes. The *code* of the batch is the $Q \ge 0$ that maximises
#
# $$ \sum_{ij} Q_{ij} S_{ij} - \varepsilon \sum_{ij} Q_{ij} \log Q_{ij}, \qquad \text{rows of } Q \text{ sum to 1, columns to } N / J . \tag{6} $$
#
# The second part is $\varepsilon$ times an entropy. The solution is $e^{S / \varepsilon}$ with its rows and columns rescaled; to rescale them in turn finds it (`balanced` in section A; Sinkhorn and Knopp, Cuturi 2013). SwAV stops after *three* rounds.
#
# *Guess first.* 64 samples, 16 prototypes, so each should get 4. How far off is the worst column after three rounds? And what does the entropy cost: how much of the score of the best balanced assignment does $Q$ lose?

# %%
S = F.normalize(torch.randn(64, 16, generator=generator, dtype=torch.float64), dim=1)
S = S @ F.normalize(torch.randn(16, 16, generator=generator, dtype=torch.float64), dim=1).T
places = S.repeat_interleave(4, dim=1)  # four places at each prototype
best = places[linear_sum_assignment(-places)].sum().item()

off = {rounds: (losses.sinkhorn(S, steps=rounds).sum(0) - 4).abs().max() for rounds in (3, 100)}
codes = [losses.sinkhorn(S, eps=eps, steps=2000) for eps in (0.2, 0.05, 0.01)]
lost = np.array([best - (Q * S).sum().item() for Q in codes])
print(f"best score {best:.1f}; lost at ε = 0.2, 0.05, 0.01:", lost.round(2))
ch.measure("three-rounds", three=off[3], hundred=off[100])
ch.measure("entropy-price", price=lost[0] / (0.2 * 64 * np.log(16)), ratio=lost[1:] / lost[:-1])

# %%
eps, rounds = cb.log_slider(0.05, 0.01, 1), IntSlider(3, 0, 100)
cb.explore(ch.figures.sinkhorn, S, best, eps=eps, rounds=rounds)

# %% [markdown]
# **What you saw.** With `rounds` at 0 the code is a softmax, and some prototypes get several times as much as others; raise it one by one and watch the bars level out. Lower `eps`: the code becomes a hard assignment, and needs many more rounds. (The entropy is at most $N \log J$, so the price is at most $\varepsilon N \log J$.)
#
# Does a network need the balance? Train SwAV twice, with three rounds and with none, and count how many of 32 prototypes the test images use. The count is a **perplexity**: the exponential of the entropy of how often each prototype is the nearest.
#
# *Guess first.* Which of the two runs ends with the lower loss?


# %%
def train_swav(rounds):
    encoder, projector = recipes.tiny_encoder(recipe, seed=ch.seed)
    loss = partial(losses.swav_loss, temperature=0.2, steps=rounds)
    sizes = {"n_prototypes": 32, "dim": 32, "seed": ch.seed}
    swav = methods.SwAV(encoder, projector, loss, recipes.tiny_crop, **sizes)
    history = training.pretrain(swav, mnist.x_train, seed=ch.seed, **recipe.loop())
    z = training.features(nn.Sequential(encoder, projector), mnist.x_test)
    use = swav.scores(z).argmax(1).bincount(minlength=32) / len(z)
    return use.sort(descending=True).values, recipes.low_shot(encoder, mnist), history.loss[-1]


# %%
use, accuracy, loss = zip(*[train_swav(rounds) for rounds in (3, 0)], strict=True)
perplexity = [torch.special.entr(share).sum().exp().item() for share in use]
ch.figures.prototypes(use, perplexity, accuracy, loss)
ch.measure("balance-pays", perplexity=perplexity[0], gain=accuracy[0] - accuracy[1])
ch.measure("softmax-codes", perplexity=perplexity[1], lower=loss[0] - loss[1])

# %% [markdown]
# **What you saw.** Without balance one prototype takes nearly all images (on some seeds two share them), each view predicts the other's code almost perfectly, and the loss is low: the *collapsed* run has the better loss. It is the first useless answer again, always say 7.
#
# > **Check yourself.** What is the smallest loss that balanced hard codes allow to a network whose two views agree perfectly? Why does SwAV's not reach it?

# %% [markdown]
# ## F · Samples or dimensions: one sum, two sides
#
# VICReg's covariance term compares *dimensions* with each other, contrastive losses compare *samples*. But $\|Z^\top Z\| = \|Z Z^\top\|$. Taking the diagonals apart (Garrido et al., 2023):
#
# $$ \sum_{k \ne l} (Z^\top Z)_{kl}^2 + \sum_k \|\text{column } k\|^4 = \sum_{i \ne j} (Z Z^\top)_{ij}^2 + \sum_i \|\text{row } i\|^4 . \tag{7} $$
#
# To repel dimensions and to repel samples is the same, up to norms. (It fits that in the lesson the members of the family keep the same; exercise L4 asks about a contrastive loss.) The library lives off (7), too: with far fewer samples than dimensions it never builds the $K \times K$ matrix.

# %%
cb.show_source(losses.off_diagonal_energy)

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. Barlow Twins, $K = 4$, the $\rho_i$ of the lesson. Below which $\lambda$ are four copies of the best number cheaper than the four canonical axes? Compare with the slider.
#
# <details><summary>Hint</summary>Both losses stand in section C; one of them does not depend on $\lambda$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 30 min. Two canonical correlations, 1 and $\rho_2$, and $\lambda \to \infty$. From which $\rho_2$ on do the tilted axes of section C win? Find it numerically, then with a pencil.
#
# <details><summary>Hint</summary>With $\lambda \to \infty$ only a diagonal $R$ is allowed. Compare the two sums of $(1 - R_{ii})^2$; `scipy.optimize.brentq` finds where they meet.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 25 min. Set Barlow Twins' $\lambda$ to $1 / K$ and vary $K$ over 8, 32, 128, 512. Does low-shot accuracy still depend on $K$?
#
# <details><summary>Hint</summary>`recipe._replace(dim=K)` is the recipe with another $K$; `recipes.train_tiny` and `recipes.low_shot` do the rest.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●○ 25 min. Add NT-Xent, the loss of [Contrastive learning](../02_contrastive/contrastive.ipynb), to section 6 of the lesson. How much of what VICReg keeps does it know?
#
# <details><summary>Hint</summary>`losses.nt_xent` takes the same two embeddings, and compares samples. What does (7) make you expect?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L5** ●●● 60 min. Put VICReg's hinge on the *eigenvalues* of the covariance instead of its diagonal, and drop the covariance term. Which directions of the halves are kept, and with which variances? Predict, then descend.
#
# <details><summary>Hint</summary>`torch.linalg.eigvalsh` has a gradient, and `world.train_linear` takes any loss of two embeddings. What does the hinge ask of each eigenvalue by itself? Exercise 3 has solved that.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021. A. Ermolov et al. [Whitening for self-supervised representation learning](https://arxiv.org/abs/2007.06346), 2021.
# - M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020. M. Cuturi. [Sinkhorn distances](https://arxiv.org/abs/1306.0895), 2013. Y. Asano, C. Rupprecht, A. Vedaldi. [Self-labelling via simultaneous clustering](https://arxiv.org/abs/1911.05371), 2020.
# - Q. Garrido et al. [On the duality between contrastive and non-contrastive self-supervised learning](https://arxiv.org/abs/2206.02574), 2023, and [RankMe](https://arxiv.org/abs/2210.02885), 2023.
