# %% [markdown]
# # The canonical-correlation family: solutions
#
# Try first. The exercises stand in the [lesson](canonical_correlation.ipynb) and in the [lab](canonical_correlation_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, recipes, spectral, training
from replearn.papers import canonical_correlation as world

ch = cb.Chapter("canonical_correlation_solutions", scale=scale, seed=seed)
upper, lower, *_ = world.digit_halves()
rho, canonical_A, canonical_B = spectral.cca(upper, lower, dim=26)
canonical, partner = upper @ torch.tensor(canonical_A), lower @ torch.tensor(canonical_B)
mnist = recipes.tiny_mnist()

# %% [markdown]
# ## Check yourself: the lesson
#
# 1. *A million times.* No. Your number must have variance 1, so the factor is taken out again, and the correlation never saw it.
# 2. *No constraints.* At $A = B = 0$: both always say 0, and the distance is 0. It is the first useless answer.
# 3. *`K` to 8.* The sea falls. The kept variances must now sum to 8, so more must stand above it. In (5) a doubled $K$ does what a doubled $\mathrm{cov}$ does: the height above the sea sums to $2\, \mathrm{cov}\, K / \mathrm{inv}$. (At more than $K$ directions there is a stop: then only the level goes on falling.)
# 4. *The colleague.* Informational collapse. Without the covariance term the loss is small and every standard deviation is near 1, while all dimensions say the same. Look at the correlations, or count dimensions.
# 5. *The reward.* Agreement: direction $i$ costs $2\, (1 - \rho_i)\, \gamma_i$, less when $\rho_i$ grows.
# 6. *The best of four.* No. Each is one run; another random start moves an accuracy by about as much as the four differ, and each had one knob tuned over a few values.

# %% [markdown]
# ## Check yourself: the lab
#
# - **A.** *Each dimension times a positive number of its own.* W-MSE (whitening takes the factors out) and Barlow Twins (so does the standard deviation). VICReg wants a standard deviation of 1 and SwAV's cosines mix the dimensions, so both change.
# - **B.** *Deviations of 0.93.* That the variance term gets its wish. The variances sum to less than $K$, at the same slope: the sea stands a little higher.
# - **C.** *$\lambda K = 42$.* Strong: the whole slider ends at $\lambda K = 40$.
# - **D.** *Steps.* The factor is a thousand, and $(8/7)^n = 1000$ at $n = 52$.
# - **E.** *The smallest loss.* With hard codes that the other view knows, 0, as far as the cosines allow: 32 prototypes cannot all be opposite to each other. SwAV's codes are soft, so that a part of their entropy remains, and two crops do not agree perfectly.

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Cut the digits into left and right halves instead. Predict which cut has the larger $\rho_1$, then measure.

# %% tags=["solution"]
left, right, *_ = world.digit_halves(across=False)
print("upper and lower", rho[:4].round(3))
print("left and right ", spectral.cca(left, right, dim=4).rho.round(3))

# %% [markdown] tags=["solution"]
# Upper and lower agree more, 0.96 against 0.81. A likely reason: most strokes run down the page and cross a horizontal cut, so that what leaves the upper half enters the lower one a row below.

# %% [markdown] tags=["solution"]
# **2** ●●○ 15 min. At which weight does direction $n + 1$ emerge, when the first $n$ stand above the sea?
#
# At that moment $\rho_0 = \rho_{n+1}$, and the first $n$ have all the variance:
#
# $$ \frac{\mathrm{inv}}{2\, \mathrm{cov}} \sum_{i \le n} (\rho_i - \rho_{n+1}) = K \quad \Longrightarrow \quad \mathrm{cov} = \frac{\mathrm{inv}}{2 K} \sum_{i \le n} (\rho_i - \rho_{n+1}) . $$

# %% tags=["solution"]
for n in (1, 2, 3):
    print(f"direction {n + 1} emerges at cov = {25 / 8 * np.sum(rho[:n] - rho[n]):.3f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. $K = 1$ and one direction of correlation $\rho$. Which standard deviation minimises (4)? From which $\rho$ on is it 1?
#
# With the standard deviation $t$ the squared distance is $2\, (1 - \rho)\, t^2$, and there are no pairs of dimensions. So (4) is $50\, (1 - \rho)\, t^2 + 25\, (1 - t)_+$. Below 1 its derivative, $100\, (1 - \rho)\, t - 25$, is 0 at
#
# $$ t = \frac{1}{4\, (1 - \rho)} . $$
#
# For $\rho \ge 3/4$ that is at least 1, and the minimum lies in the kink $t = 1$. So the variance term gets its wish where correlations are high. A search agrees, on single canonical directions of our halves:


# %% tags=["solution"]
def loss_of(u, u_prime, t):
    return losses.vicreg(t * u, t * u_prime).total.item()


for i in (0, 3, 9):
    best = minimize_scalar(partial(loss_of, canonical[:, [i]], partner[:, [i]]), bounds=(0.01, 2))
    print(f"ρ = {rho[i]:.2f}: deviation {best.x:.3f}, formula {min(1, 1 / 4 / (1 - rho[i])):.3f}")

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. Below which $\lambda$ are four copies cheaper than the four canonical axes?
#
# Four copies cost $4\, (1 - \rho_1)^2 + 12\, \lambda\, \rho_1^2$, the axes $\sum_{i \le 4} (1 - \rho_i)^2$. They are equal at
#
# $$ \lambda = \frac{\sum_{i \le 4} (1 - \rho_i)^2 - 4\, (1 - \rho_1)^2}{12\, \rho_1^2} . $$
#
# There the slider shows neither: somewhere between four copies and four axes the loss is lower than at both.

# %% tags=["solution"]
axes = np.sum((1 - rho[:4]) ** 2)
print(f"λ = {(axes - 4 * (1 - rho[0]) ** 2) / 12 / rho[0] ** 2:.4f}")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 30 min. Two canonical correlations, 1 and $\rho_2$, and $\lambda \to \infty$. From which $\rho_2$ on do the tilted axes win?
#
# With $\lambda \to \infty$ only a diagonal $R$ is allowed. The axes $(\cos\varphi, \pm\sin\varphi)$ have $R_{12} = \cos^2\varphi - \rho_2 \sin^2\varphi$, which is zero at $\cos^2\varphi = \rho_2 / (1 + \rho_2)$, and then $R_{11} = R_{22} = \cos^2\varphi + \rho_2 \sin^2\varphi = 2 \rho_2 / (1 + \rho_2)$. The two losses are
#
# $$ \text{canonical: } (1 - \rho_2)^2, \qquad \text{tilted: } 2 \Big( 1 - \frac{2 \rho_2}{1 + \rho_2} \Big)^2 = \frac{2\, (1 - \rho_2)^2}{(1 + \rho_2)^2} . $$
#
# Divide both by $(1 - \rho_2)^2$: the tilted axes win where $(1 + \rho_2)^2 > 2$, that is from $\rho_2 = \sqrt 2 - 1 \approx 0.414$ on.

# %% tags=["solution"]
crossing = brentq(lambda r: (1 - r) ** 2 - 2 * (1 - 2 * r / (1 + r)) ** 2, 0.1, 0.9)
print(f"numerically {crossing:.6f}, with a pencil {np.sqrt(2) - 1:.6f}")

# %% [markdown] tags=["solution"]
# **L3** ●●○ 25 min. Set Barlow Twins' $\lambda$ to $1 / K$ and vary $K$. Does low-shot accuracy still depend on $K$?

# %% tags=["solution"]
for K in ch.pick(fast=(8, 32), toy=(8, 32, 128, 512)):
    recipe = recipes.TINY_SHORT._replace(dim=K, steps=ch.pick(fast=25, toy=100))
    loss = partial(losses.barlow_twins, lam=1 / K)
    run = recipes.train_tiny(loss, mnist.x_train, recipe=recipe, seed=ch.seed)
    print(f"K = {K}: low-shot accuracy {recipes.low_shot(run.encoder, mnist):.3f}")

# %% [markdown] tags=["solution"]
# At scale `toy` it does not from $K = 32$ on: with $\lambda K$ fixed, accuracies agree within half a point. Eight dimensions are too few and cost almost four points. (One seed; at `fast` the runs are too short to tell.)

# %% [markdown] tags=["solution"]
# **L4** ●●○ 25 min. How much of what VICReg keeps does NT-Xent know?


# %% tags=["solution"]
def embed(loss, seed):
    width, steps = ch.pick(fast=(8, 50), toy=(16, 200))
    recipe = recipes.Recipe(width=width, steps=steps, dim=32)
    run = recipes.train_tiny(loss, mnist.x_train, recipe=recipe, seed=seed)
    return training.features(nn.Sequential(run.encoder, run.projector), mnist.x_test)


wanted = embed(partial(losses.vicreg, cov=10), ch.seed)
z = embed(losses.nt_xent, ch.seed + 1)
print(f"share {world.share_known(z, wanted):.2f}")

# %% [markdown] tags=["solution"]
# About as much as the members of the family do. By (7) to repel samples and to repel dimensions is the same up to norms, and both see the same views.

# %% [markdown] tags=["solution"]
# **L5** ●●● 60 min. VICReg's hinge on the *eigenvalues* of the covariance. Which directions are kept, and with which variances?
#
# Let $\mu_j$ be the eigenvalues of $C$, and $\mu'_j$ those of $C'$:
#
# $$ \frac{25}{NK} \|Z - Z'\|^2 + \frac{25}{2K} \sum_j \Big[ \big(1 - \sqrt{\mu_j}\big)_+ + \big(1 - \sqrt{\mu'_j}\big)_+ \Big] . $$
#
# If the principal directions are canonical, $\mu_j$ is the variance of one direction, and each pays for itself: exercise 3, $K$ times over. So the first $K$ directions are kept, with the standard deviations $\min(1, 1 / (4 (1 - \rho_i)))$. Our $\rho_4 = 0.80$ is above 3/4: all four get variance 1. It is the hard constraint of W-MSE, by a penalty: no sea level, and no copies.


# %% tags=["solution"]
def eigen_vicreg(z1, z2):
    values = [torch.linalg.eigvalsh(torch.cov(z.T)) for z in (z1, z2)]
    too_narrow = sum(F.relu(1 - (v + 1e-4).sqrt()).mean() / 2 for v in values)
    return 25 * F.mse_loss(z1, z2) + 25 * too_narrow


steps = ch.pick(fast=100, toy=400)
Z, _ = world.train_linear(eigen_vicreg, upper, lower, dim=4, steps=steps, seed=ch.seed)
print("variances", world.variance_spent(canonical, Z)[:6].round(2))

# %%
ch.footer()
