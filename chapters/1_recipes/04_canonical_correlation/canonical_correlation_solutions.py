# %% [markdown]
# # The canonical-correlation family: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from scipy.optimize import brentq
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, recipes, spectral
from replearn.data import load, standardize
from replearn.descent import minimize

ch = cb.Chapter("canonical_correlation_solutions", scale=scale, seed=seed)
images = 16 * load("digits").images[:, 0].double()
halves = [half.flatten(1) for half in (images[:, :, :4], images[:, :, 4:])]
X, Y = (standardize(half[:, half.std(0, correction=0) > 0.5], 0) for half in halves)
rho, A, B = map(torch.tensor, spectral.cca(X, Y, dim=24))
U, V = X @ A, Y @ B
mnist = recipes.tiny_mnist()


def linear_fit(loss, k, seed, steps=400):
    generator = torch.Generator().manual_seed(seed)
    start = [torch.randn(v.shape[1], k, generator=generator, dtype=v.dtype) / 5 for v in (X, Y)]
    a, b = minimize(lambda a, b: loss(X @ a, Y @ b), start, steps=steps)
    return X @ a, Y @ b


# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Cut the digits into top and bottom instead. Predict which cut has the larger $\rho_1$, then measure.

# %% tags=["solution"]
other = [half.flatten(1) for half in (images[:, :4], images[:, 4:])]
for name, views in {"left | right": halves, "top / bottom": other}.items():
    print(name, spectral.cca(*(v[:, v.std(0, correction=0) > 0.5] for v in views), dim=3).rho.round(3))

# %% [markdown] tags=["solution"]
# Top and bottom agree more, 0.96 against 0.81. A likely reason: most strokes run down the page and cross a horizontal cut, so that what leaves the upper half enters the lower one a row
# below.

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Prove equation (2), and check your two steps on the canonical numbers.
#
# *Step 1.* A squared distance is three traces,
#
# $$ \tfrac1N \|XA - YB\|_F^2 = \mathrm{tr}(A^\top \Sigma_{xx} A) + \mathrm{tr}(B^\top \Sigma_{yy} B) - 2\, \mathrm{tr}(A^\top \Sigma_{xy} B) , $$
#
# and the constraints of (1) make each of the first two $\mathrm{tr}(I_K) = K$. So the distance is $2K - 2\, \mathrm{tr}(A^\top \Sigma_{xy} B)$, smallest where the trace is largest.
#
# *Step 2.* There the trace is $\rho_1 + \dots + \rho_K$, the sum of the leading singular values of $T$. The distance is $2K - 2 \sum_{i \le K} \rho_i = 2 \sum_{i \le K} (1 - \rho_i)$.

# %% tags=["solution"]
trace = (U * V)[:, :5].sum() / len(X)
distance = (U - V)[:, :5].square().sum() / len(X)
print(f"step 1: {distance:.6f} and {2 * 5 - 2 * trace:.6f}")
print(f"step 2: {trace:.6f} and {rho[:5].sum():.6f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. Two canonical correlations, 1 and $\rho_2$, and $\lambda \to \infty$. From which $\rho_2$ on do the tilted axes win?
#
# With $\lambda \to \infty$ only a diagonal $C$ is allowed. The axes $(\cos\alpha, \pm\sin\alpha)$ have $C_{12} = \cos^2\alpha - \rho_2 \sin^2\alpha$, which is zero at $\cos^2\alpha = \rho_2 / (1 + \rho_2)$, and then
# $C_{11} = C_{22} = \cos^2\alpha + \rho_2 \sin^2\alpha = 2 \rho_2 / (1 + \rho_2)$. The two losses are
#
# $$ \text{canonical: } (1 - \rho_2)^2, \qquad \text{tilted: } 2 \Big( 1 - \frac{2 \rho_2}{1 + \rho_2} \Big)^2 = \frac{2\, (1 - \rho_2)^2}{(1 + \rho_2)^2} . $$
#
# Divide both by $(1 - \rho_2)^2$: the tilted axes win where $(1 + \rho_2)^2 > 2$, that is from $\rho_2 = \sqrt 2 - 1 \approx 0.414$ on.

# %% tags=["solution"]
crossing = brentq(lambda r: (1 - r) ** 2 - 2 * (1 - 2 * r / (1 + r)) ** 2, 0.1, 0.9)
print(f"numerically {crossing:.6f}, with a pencil {np.sqrt(2) - 1:.6f}")

# %% [markdown] tags=["solution"]
# **4** ●●○ 25 min. Set Barlow Twins' $\lambda$ to $1 / K$ and vary $K$. Does low-shot accuracy still depend on $K$?

# %% tags=["solution"]
for k in ch.pick(fast=(8, 32), toy=(8, 32, 128, 512)):
    recipe = recipes.TINY_SHORT._replace(dim=k, steps=ch.pick(fast=25, toy=100))
    run = recipes.train_tiny(partial(losses.barlow_twins, lam=1 / k), mnist.x_train, recipe=recipe, seed=ch.seed)
    print(f"K = {k}: low-shot accuracy {recipes.low_shot(run.encoder, mnist):.3f}")

# %% [markdown] tags=["solution"]
# At scale `toy` it does not from $K = 32$ on: with $\lambda K$ fixed, accuracies agree within half a point. Eight dimensions are too few and cost almost four points. (One seed; at `fast` the runs are too short to
# tell.)

# %% [markdown] tags=["solution"]
# **5** ●●● 60 min. Put VICReg's hinge on the *eigenvalues* of the covariance and drop the covariance term. In the linear model with $K = 4$, is the canonical span found faster?
#
# The new loss, with $\mu_j$ the eigenvalues of $\mathrm{Cov}(Z)$ and $\mu'_j$ those of $\mathrm{Cov}(Z')$, is
#
# $$ \frac{25}{NK} \|Z - Z'\|_F^2 + \frac{25}{2K} \sum_j \Big[ \max\big(0, 1 - \sqrt{\mu_j + \epsilon}\big) + \max\big(0, 1 - \sqrt{\mu'_j + \epsilon}\big) \Big] . $$


# %% tags=["solution"]
def vicreg(z1, z2):
    return losses.vicreg(z1, z2).total


def eigen_vicreg(z1, z2):
    values = [torch.linalg.eigvalsh(torch.cov(z.T)) for z in (z1, z2)]
    return 25 * (z1 - z2).square().mean() + sum(25 * F.relu(1 - (v + 1e-4).sqrt()).mean() / 2 for v in values)


for loss in (vicreg, eigen_vicreg):
    for steps in ch.pick(fast=(25,), toy=(50, 100, 200)):
        z, _ = linear_fit(loss, 4, ch.seed, steps)
        angle = spectral.principal_angles(z, U[:, :4]).max()
        print(f"{loss.__name__}, {steps} steps: {angle:.1f} deg off the span")

# %% [markdown] tags=["solution"]
# No, slower: at scale `toy` VICReg has the span after 200 steps, the hinge on eigenvalues is still 19 degrees away. A likely reason is the kinks. Every eigenvalue is pushed to 1, where the
# hinge breaks, and L-BFGS counts on a smooth loss.

# %%
ch.footer()
