# %% [markdown]
# # What do we maximize?: solutions
#
# Try first. The exercises stand in the [lesson](what_do_we_maximize.ipynb) and in the [lab](what_do_we_maximize_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import e, log, pi, sqrt

import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import evaluation, losses, recipes, spectral, splines, training
from replearn.data import affine_warp
from replearn.papers import what_do_we_maximize as world

ch = cb.Chapter("what_do_we_maximize_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown]
# ## Check yourself: the lesson
#
# 1. *Multiply by 1000.* The information about the input grows by $\log 1000 = 6.9$ nats: the bins are a thousand times finer for it. That about the image stays, since it had settled.
# 2. *Two Gaussian numbers.* Yes. Let $a$ be standard normal and $b = \pm a$ with a random sign: each is Gaussian, and together they lie on a cross. The test looks at one output at a time.
# 3. *The gap and the centres.* The true density and the guess depend on $z - c$ and $z - z'$ alone, which are made of the two noises. Where the centres lie cancels.
# 4. *Multiply by 10.* $H(Z)$ and $H_G$ both grow by $K \log 10$. So does $\frac K2 \log r^2$, which $J$ subtracts: $J$ stays.
# 5. *The term missed first.* Invariance alone has the minimum "all embeddings equal", so without variance (and covariance) everything collapses: section D of the lab. Section 6 drops the other two, one at a time.
# 6. *Strangers.* 8,000 pairs are a sample, and the largest correlations of a sample are positive by chance. For independent Gaussians the sum of the $\rho_i^2$ is about $K^2 / N$, and $I_G$ half of that: $64^2 / 16000 = 0.26$ nats.

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. In section 3, somebody takes $r = 1$, the true size of a cloud. How many nats a dimension does the guess lose? And with a huge $r$?
#
# For $K = 1$ and $\mathbb{E} (z' - c)^2 = 1$ the divergence is $\frac12 \big( \frac{1}{r^2} + \frac{1}{r^2} - 1 + \log r^2 \big) = \frac{1}{r^2} - \frac12 + \log r$. At $r = 1$ it is $\frac12$ nat, against 0.35 at the best $r$: the guess is too sure of a partner that is itself off. For a huge $r$ it is about $\log r - \frac12$ and grows without end, but slowly. Too sure is worse than too vague: for $r \to 0$ it grows like $1/r^2$.

# %% tags=["solution"]
for r in (0.5, 1, sqrt(2), 10):
    print(f"r = {r:.2f}: {1 / r**2 - 0.5 + log(r):.2f} nats a dimension")

# %% [markdown] tags=["solution"]
# **2** ●●○ 30 min. Prove (6): that the best linear Gaussian guess gives $I_G$, and that $J \le I_G$.
#
# 1. *Canonical coordinates.* The best $H_G + \mathbb{E} \log q$ does not change when $z$ is multiplied by an invertible matrix $B$ ($H_G$ gains $\log |\det B|$, the log-density of the guess loses as much), nor when $z'$ is, since the guess may be any linear function of it. So let both be white, with $\mathbb{E} z_i z'_j = \rho_i$ for $i = j$ and 0 otherwise.
# 2. *The best guess.* For a Gaussian guess with centre $Mz'$ and covariance $\Gamma$, $-\mathbb{E} \log q = \frac12 \mathbb{E} (z - Mz')^\top \Gamma^{-1} (z - Mz') + \frac12 \log |\Gamma| + \frac K2 \log 2 \pi$. Whatever $\Gamma$ is, the first term is smallest for the regression $M = \operatorname{diag}(\rho_i)$, which leaves the covariance $\operatorname{diag}(1 - \rho_i^2)$. The best $\Gamma$ is that covariance, and then $-\mathbb{E} \log q = \frac K2 \log (2 \pi e) + \frac12 \sum \log (1 - \rho_i^2)$.
# 3. *Together.* White $z$ has $H_G = \frac K2 \log(2 \pi e)$, so $H_G + \mathbb{E} \log q = -\frac12 \sum \log (1 - \rho_i^2) = I_G$.
# 4. *The inequality.* $J$ takes $M = I$ and $\Gamma = r^2 I$ in the old coordinates: one of the guesses over which step 2 takes the best.
#
# For Gaussian views the regression's density is the true $p(z \mid z')$, so the gap is 0 and $I_G$ is their information.

# %% tags=["solution"]
common = randn(20_000, 3) * torch.tensor([3.0, 1.0, 0.2])
z, partner = common + randn(20_000, 3), common + randn(20_000, 3)
residual = z - partner @ torch.linalg.lstsq(partner, z).solution
by_regression = (torch.logdet(torch.cov(z.T)) - torch.logdet(torch.cov(residual.T))) / 2
rho = spectral.cca(z, partner, dim=3).rho
J = torch.logdet(torch.cov(z.T)) / 2 - 3 / 2 * (z - partner).square().mean().log()
print(f"by regression {by_regression:.3f}, by correlations {-np.log(1 - rho**2).sum() / 2:.3f}, J {J:.3f} nats")

# %% [markdown] tags=["solution"]
# **3** ●●● 60 min. The round guess has one $r$ for all dimensions. Give it one for each direction instead: $q = \mathcal N(z', \Gamma)$ with any covariance $\Gamma$. What is the best $\Gamma$, and how far does $J$ rise towards $I_G$ for the trained network? What does the rest cost?
#
# By step 2 of exercise 2 the best $\Gamma$ is the covariance of $Z - Z'$, and $J_\Gamma = \frac12 \log |\Sigma_Z| - \frac12 \log |\mathrm{Cov}(Z - Z')|$. If both views have the covariances of one law, in canonical coordinates $\mathrm{Cov}(Z - Z') = \operatorname{diag}(2 - 2 \rho_i)$, so
#
# $$ I_G - J_\Gamma = \frac12 \sum_i \log \frac{2 - 2 \rho_i}{1 - \rho_i^2} = \frac12 \sum_i \log \frac{2}{1 + \rho_i} . $$
#
# A direction that views do not share ($\rho_i = 0$) costs $\frac12 \log 2$, as in section 3: there the partner should not be believed at all, and the guess believes it whole. A direction with $\rho_i$ near 1 costs nothing. 64 directions cost at most 22 nats; here it is about 9, as many are partly shared. All the rest of the way, from $J$ to $J_\Gamma$, is the price of roundness.

# %% tags=["solution"]
digits = recipes.tiny_mnist(standardized=False)
net = nn.Sequential(*recipes.mlp_encoder(seed=ch.seed))
steps = ch.pick(fast=100, toy=400)
recipes.train_networks(*net, partial(losses.vicreg, cov=25.0), digits.x_train, seed=ch.seed, steps=steps)
images = digits.x_test[:500].repeat(16, 1, 1, 1)
z, partner = (training.features(net, recipes.tiny_affine(images, generator)).double() for _ in range(2))
rho = spectral.cca(z, partner, dim=64).rho
volume, apart = torch.logdet(torch.cov(z.T)), torch.cov((z - partner).T)
print(f"J {volume / 2 - 32 * (apart.trace() / 64).log():.1f}, with the best Γ {(volume - torch.logdet(apart)) / 2:.1f}")
print(
    f"I_G {-np.log(1 - rho**2).sum() / 2:.1f}; the rest by the formula, for exactly equal covariances: {np.log(2 / (1 + rho)).sum() / 2:.1f} nats"
)

# %% [markdown]
# ## Check yourself: the lab
#
# - **A.** *One boundary.* If the slope changes much at it, the output follows two half-Gaussians of different width: skewed, and rejected.
# - **B.** *A larger $D$.* Not by itself: only the distances of the centres count, against σ. More pixels add to the distance of two images only where the images differ. The flat crops of the photographs show it.
# - **C.** *A guess that loses nothing.* The true one: around the regression $\Sigma_c (\Sigma_c + \sigma_z^2 I)^{-1} z'$, with what it leaves as covariance. For noisy directions it shrinks the partner towards 0.
# - **D.** *Whitening.* A whitening layer makes $\Sigma_Z$ the identity, so that both panels show the same constant $\frac K2 \log (2 \pi e) = 90.8$ nats, for every network. Then $H_G$ says nothing any more, and all is in the invariance.
# - **E.** *Eight copies.* All 56 entries beside the diagonal are 1, so the price for one view is $56 / 8 = 7$. The missing entropy is infinite.

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. *The floor.* Show that $H_G$ of a collapsed embedding is $\frac K2 \log(2 \pi e \epsilon)$, where $\epsilon$ is added to the eigenvalues. What does dividing by $N - 1$ instead of $N$ add to any other?
#
# When all embeddings are equal, $\Sigma_Z = 0$, and each of the $K$ eigenvalues of $\Sigma_Z + \epsilon I$ is $\epsilon$:
#
# $$ \frac K2 \log(2 \pi e) + \frac12 \log |\epsilon I| = \frac K2 \log(2 \pi e) + \frac K2 \log \epsilon = \frac K2 \log(2 \pi e \epsilon) . $$
#
# To divide by $N - 1$ instead of $N$ multiplies $\Sigma_Z$ by $N / (N - 1)$. Where $\epsilon$ is negligible this adds $\frac K2 \log \frac{N}{N - 1}$, whatever the embedding is. For $K = 64$, $\epsilon = 10^{-6}$ and $N = 2000$:

# %% tags=["solution"]
floor = evaluation.logdet_entropy(torch.ones(100, 64), eps=1e-6)
print(f"the floor: {floor:.1f} nats, by the formula {32 * log(2 * pi * e * 1e-6):.1f}")
print(f"N - 1 for N adds {32 * log(2000 / 1999):.3f} nats")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 30 min. *The next order.* Find the next term of (5), and check that it explains most of what was left when all correlations of 16 dimensions are 0.01. Is a quarter of the sum always less than the missing entropy?
#
# Write $F = \mathcal R - I$. The series $\log(I + F) = F - \frac12 F^2 + \frac13 F^3 - \dots$ converges when the largest singular value of $F$ is below 1, and $\operatorname{tr} F = 0$. So
#
# $$ -\tfrac12 \log |\mathcal R| = \tfrac14 \operatorname{tr} F^2 - \tfrac16 \operatorname{tr} F^3 + \dots, \qquad \operatorname{tr} F^2 = \sum_{i \ne j} \mathcal R_{ij}^2 . $$
#
# The third term can have either sign, so the quarter is not always less. Three dimensions with all correlations $\rho > 0$: $|\mathcal R| = (1 - \rho)^2 (1 + 2 \rho)$, the quarter is $\frac32 \rho^2$, and the missing entropy about $\frac32 \rho^2 - \rho^3$, which is smaller.

# %% tags=["solution"]
F = 0.01 * (torch.ones(16, 16) - torch.eye(16)).double()
missing, square, cube = -torch.logdet(torch.eye(16) + F) / 2, (F @ F).trace(), (F @ F @ F).trace()
print(f"missing {missing:.5f}, a quarter of the sum {square / 4:.5f}, with the next term {square / 4 - cube / 6:.5f}")
three = 0.7 * torch.eye(3) + 0.3
print(f"three at 0.3: missing {-torch.logdet(three) / 2:.3f}, a quarter of the sum {1.5 * 0.3**2:.3f}")

# %% [markdown] tags=["solution"]
# **L3** ●●○ 30 min. *Ten per cent.* At $\sigma = 0.001$ the measured covariance of a cloud misses $\sigma^2 A A^\top$ by a tenth. Show that the relative error is about $\sqrt{(k_A + 1) / n}$.
#
# For $n$ Gaussian draws the entry $ij$ of the sample covariance has mean $\Sigma_{A,ij}$ and variance $(\Sigma_{A,ij}^2 + \Sigma_{A,ii} \Sigma_{A,jj}) / n$. Summed over all $i$ and $j$, the mean squared error in the Frobenius norm is
#
# $$ \mathbb{E} \| \hat \Sigma_A - \Sigma_A \|_F^2 = \frac{\operatorname{tr} \Sigma_A^2 + (\operatorname{tr} \Sigma_A)^2}{n} . $$
#
# Divide by $\|\Sigma_A\|_F^2 = \operatorname{tr} \Sigma_A^2$: the relative error is about $\sqrt{(1 + k_A) / n}$ with $k_A = (\operatorname{tr} \Sigma_A)^2 / \operatorname{tr} \Sigma_A^2$, the number of directions that share the variance. Four times the draws halve it. The tenth is sampling error and says nothing against (1).

# %% tags=["solution"]
net, centres = net.double().requires_grad_(False), digits.x_test[:20].double()
A = splines.region_affine(net, centres[:1].flatten(1))[0][0]
cov = A @ A.T
k = (cov.trace() ** 2 / cov.square().sum()).item()
for n in (512, 2048):
    errors = [(torch.cov((randn(n, 196) @ A.T).T) - cov).norm() / cov.norm() for _ in range(20)]
    print(f"{n} draws: predicted {sqrt((k + 1) / n):.3f}, measured {np.mean(errors):.3f}")

# %% [markdown] tags=["solution"]
# **L4** ●●● 60 min. *A cloud along the manifold.* Replace the round noise by $\theta t$, with $t$ the tangent of a rotation. How large may $s$ be? Test the *pixels* of real rotations first.
#
# On the tangent an output is a function of one number, $\theta$: a straight line as long as no ReLU folds on the way. One fold spoils an output, while round noise averages over the folds of 196 directions; so the cloud must be far smaller than a round one. A round cloud of $\sigma = 0.01$ has a radius of $14 \sigma = 0.14$ and passes the test; compare the lengths $s \|t\|$ below.
#
# Real rotations are no test of the network. An image that is not turned sits on a kink of bilinear interpolation: for a small angle each pixel moves linearly to either side, with another slope on each. Its pixels fold at *any* angle, before the network has seen them. (Constant pixels are left out by the test.)

# %% tags=["solution"]
angles, start = randn(512), centres.flatten(1)
tangent = (affine_warp(centres, degrees=1.0) - affine_warp(centres, degrees=-1.0)).flatten(1) / 2
length = tangent.norm(dim=1).mean()
for s in (0.003, 0.01, 0.1, 1.0):
    copies = start[:, None] + s * angles[:, None] * tangent[:, None]
    line = net(copies.flatten(0, 1)).unflatten(0, (20, 512)) / s
    turned = [affine_warp(face.expand(512, 1, 14, 14), degrees=s * angles).flatten(1) / s for face in centres]
    outputs, pixels = (np.mean([world.normality_rejection(cloud) for cloud in clouds]) for clouds in (line, turned))
    print(f"s = {s} degrees, length {s * length:.4f}: {outputs:.0%} of outputs rejected on the tangent", end=", ")
    print(f"{pixels:.0%} of pixels when really turned")

# %%
ch.footer()
