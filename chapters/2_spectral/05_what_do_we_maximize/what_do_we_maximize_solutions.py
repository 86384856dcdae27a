# %% [markdown]
# # What do we maximize?: solutions
#
# The exercises of the lesson, solved. Try first.

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
from replearn import evaluation, losses, recipes, splines
from replearn.data import affine_warp
from replearn.papers.what_do_we_maximize import normality_rejection

ch = cb.Chapter("what_do_we_maximize_solutions", scale=scale, seed=seed)
randn = partial(torch.randn, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed))

# %% [markdown]
# The encoder of the chapter, trained with VICReg.

# %%
mnist = recipes.tiny_mnist(standardized=False)
net = nn.Sequential(*recipes.mlp_encoder(seed=ch.seed))
steps = ch.pick(fast=100, toy=400)
recipes.train_networks(*net, partial(losses.vicreg, cov=25.0), mnist.x_train, seed=ch.seed, steps=steps)
net = net.double().requires_grad_(False)
images = mnist.x_test[:20].double()

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. *The floor.* Show that the bound of a collapsed embedding is $\frac K2 \log(2 \pi e \epsilon)$. What does $N - 1$ for $N$ add to any other?
#
# When all embeddings are equal, $\Sigma = 0$, and each of the $K$ eigenvalues of $\Sigma + \epsilon I$ is $\epsilon$:
#
# $$ \frac K2 \log(2 \pi e) + \frac12 \log |\epsilon I| = \frac K2 \log(2 \pi e) + \frac K2 \log \epsilon = \frac K2 \log(2 \pi e \epsilon) . $$
#
# To divide by $N - 1$ in the place of $N$ multiplies $\Sigma$ by $N / (N - 1)$. Where $\epsilon$ is negligible this adds $\frac K2 \log \frac{N}{N - 1}$, whatever the embedding is. For $K = 64$,
# $\epsilon = 10^{-6}$ and $N = 2000$:

# %% tags=["solution"]
floor = evaluation.logdet_entropy(torch.ones(100, 64), eps=1e-6)
print(f"the floor: {floor:.1f} nats, by the formula {32 * log(2 * pi * e * 1e-6):.1f}")
print(f"N - 1 for N adds {32 * log(2000 / 1999):.3f} nats")

# %% [markdown] tags=["solution"]
# **2** ●●○ 30 min. *Ten per cent.* At $\sigma = 0.001$ the measured covariance misses $\sigma^2 A A^\top$ by a tenth. Show that the relative error is about $\sqrt{(k + 1) / n}$.
#
# For $n$ Gaussian draws the entry $ij$ of the sample covariance has mean $\Sigma_{ij}$ and variance $(\Sigma_{ij}^2 + \Sigma_{ii} \Sigma_{jj}) / n$. Summed over all $i$ and $j$, the mean squared error in the
# Frobenius norm is
#
# $$ E \| \hat \Sigma - \Sigma \|_F^2 = \frac{\operatorname{tr} \Sigma^2 + (\operatorname{tr} \Sigma)^2}{n} . $$
#
# Divide by $\|\Sigma\|_F^2 = \operatorname{tr} \Sigma^2$: the relative error is about $\sqrt{(1 + k) / n}$ with $k = (\operatorname{tr} \Sigma)^2 / \operatorname{tr} \Sigma^2$, the number of directions that share the
# variance. Four times the draws halve it. The tenth is sampling error and says nothing against (1).

# %% tags=["solution"]
A = splines.region_affine(net, images[:1].flatten(1))[0][0]
cov = A @ A.T
k = (cov.trace() ** 2 / cov.square().sum()).item()
for n in (512, 2048):
    errors = [(torch.cov((randn(n, 196) @ A.T).T) - cov).norm() / cov.norm() for _ in range(20)]
    print(f"{n} draws: predicted {sqrt((k + 1) / n):.3f}, measured {np.mean(errors):.3f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. *The next order.* Prove (5) from $\log |I + E| = \operatorname{tr} \log (I + E)$. Check that the next term explains most of what was left.
#
# $\log(I + E) = E - \frac12 E^2 + \frac13 E^3 - \dots$ when the largest singular value of $E$ is below 1, and $\operatorname{tr} E = 0$. So
#
# $$ -\tfrac12 \log |I + E| = \tfrac14 \operatorname{tr} E^2 - \tfrac16 \operatorname{tr} E^3 + \dots, \qquad \operatorname{tr} E^2 = \sum_{i \ne j} R_{ij}^2 , $$
#
# because $E$ is symmetric with zero diagonal. This is (5). With $\epsilon E$ in the place of $E$, the missing entropy over a quarter of the sum is
#
# $$ 1 - \tfrac23\, \epsilon\, \frac{\operatorname{tr} E^3}{\operatorname{tr} E^2} + O(\epsilon^2) . $$

# %% tags=["solution"]
E = randn(100, 16, 16)
E = (E + E.mT) * (1 - torch.eye(16))
E = E / torch.linalg.matrix_norm(E, 2)[:, None, None]
eps = 0.05
square, cube = (E.matrix_power(power).diagonal(dim1=1, dim2=2).sum(1) for power in (2, 3))
ratio = -2 * torch.logdet(torch.eye(16) + eps * E) / (eps**2 * square)
print(f"largest distance of the ratio from 1: {(ratio - 1).abs().max():.4f}")
print(f"largest distance from the next order: {(ratio - 1 + 2 / 3 * eps * cube / square).abs().max():.4f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. *A cloud along the manifold.* Replace the round noise by $\theta t$, with $t$ the tangent of a rotation. How large may $s$ be? Test the *pixels* of real rotations first.
#
# On the tangent an output unit is a function of one number, $\theta$: a straight line as long as no ReLU folds on the way. One fold spoils a unit, while round noise averages over the folds of 196
# directions; so the cloud must be far smaller than a round one. A round cloud of $\sigma = 0.01$ has a radius of $14 \sigma = 0.14$ and passes the test; compare the lengths
# $s \|t\|$ below.
#
# Real rotations are no test of the network. An image that is not turned sits on a kink of bilinear interpolation: for a small angle each pixel moves linearly to either side, with another slope on
# each. Its pixels fold at *any* angle, before the network has seen them. (Constant pixels are left out by the test.)

# %% tags=["solution"]
angles, start = randn(512), images.flatten(1)
tangent = (affine_warp(images, degrees=1.0) - affine_warp(images, degrees=-1.0)).flatten(1) / 2
length = tangent.norm(dim=1).mean()
for s in (0.003, 0.01, 0.1, 1.0):
    copies = start[:, None] + s * angles[:, None] * tangent[:, None]
    line = net(copies.flatten(0, 1)).unflatten(0, (20, 512)) / s
    turned = [affine_warp(face.expand(512, 1, 14, 14), degrees=s * angles).flatten(1) / s for face in images]
    units, pixels = (np.mean([normality_rejection(cloud) for cloud in clouds]) for clouds in (line, turned))
    print(f"s = {s} degrees, length {s * length:.4f}: {units:.0%} of units rejected on the tangent", end=", ")
    print(f"{pixels:.0%} of pixels when really turned")

# %%
ch.footer()
