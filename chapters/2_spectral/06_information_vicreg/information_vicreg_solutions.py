# %% [markdown]
# # Information and VICReg: solutions
#
# The exercises of the lesson and of the lab, and answers to *Check yourself*. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import e, log, pi, sqrt

import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, recipes, training
from replearn.papers import information_vicreg as world

ch = cb.Chapter("information_vicreg_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
digits = recipes.tiny_mnist(standardized=False)
steps = ch.pick(fast=60, toy=200)


def train(loss):
    return recipes.train_mlp(loss, digits.x_train, seed=ch.seed, steps=steps, batch_size=128)


def probe(run):
    z, z_test = (training.features(run.encoder, x) for x in [digits.x_train, digits.x_test])
    return evaluation.logistic_probe(z[:2000], digits.y_train[:2000], z_test, digits.y_test, steps=30)


# %% [markdown]
# ## Check yourself
#
# **Lesson, 1.** Where $Z$ is itself Gaussian, for then (1) is an equality: with one cloud, or with clouds so close that they look like one.
#
# **Lesson, 2.** $\log 256 = 5.5$ nats. The dimension does not enter: (3) holds in any.
#
# **Lesson, 3.** We need $8 s^2 = 2 \tau$, so $s^2 = \tau / 4$: clouds half as wide.
#
# **Lesson, 4.** 64 independent standard normal numbers, drawn without looking at the image. Their correlation matrix is nearly the identity, so no embedding with these variances has a larger $H_G$; and they know nothing.
#
# **Lab, A.** Everything is twice as large, $E \|z - z'\|^2 = 4 K$, and nothing else changes, except that $\epsilon$ now matters less.
#
# **Lab, B.** It moves by one decade to the right, and keeps its width: (2) depends on $d_{ij} / s$ alone.
#
# **Lab, C.** A line meets the sphere in two points at most, and a great circle, the nearest thing, has a length of $2 \pi$: with $s = \sqrt{0.2} = 0.45$ it has room for about 14 steps of $s$, not for 128 strangers.
#
# **Lab, D.** No. With more features than labels least squares fits every label, and the residual is 0. Then the rest of (7), which we left out, is no longer small: with $n = 100$ it is of the order of 0.1 times constants, and the head may rely on directions that are nearly empty.
#
# ## The lesson's exercises

# %% [markdown] tags=["solution"]
# **1** ●○○ 5 min. Show that with one cloud $H_D = h_s$, for either $D$, and check it with `from_pairs`.
#
# With $N = 1$ the only pair is $i = j = 1$, and a cloud has no distance from itself: $D_{11} = 0$ for either $D$. So
#
# $$ H_D = h_s - \log e^{-D_{11}} = h_s - \log 1 = h_s . $$


# %% tags=["solution"]
def from_pairs(mu, s, c):
    D = torch.cdist(mu, mu).square() / (c * s**2)
    one_cloud = mu.shape[1] / 2 * log(2 * pi * e * s**2)
    return one_cloud - torch.exp(-D).mean(1).log().mean()


alone = torch.randn(1, 2, dtype=torch.float64, generator=generator)
for name, c in {"lower": 8, "upper": 2}.items():
    print(f"{name}: {from_pairs(alone, s=0.3, c=c) - log(2 * pi * e * 0.3**2):.1e} nats above one cloud")

# %% [markdown] tags=["solution"]
# **2** ●○○ 10 min. How large must a batch be for an estimate from pairs to report $h_s + 20$ nats?
#
# The inner sum of (2) holds $j = i$ with $e^{-D_{ii}} = 1$, so each mean over $j$ is at least $1/N$, and $H_D \le h_s + \log N$. To report 20 nats takes $\log N \ge 20$, that is $N \ge e^{20}$: half a billion images. The entropy of a smooth cloud grows with its dimension, so in many dimensions the log-determinant, which has no such ceiling, is the better guide.

# %% tags=["solution"]
print(f"e^20 = {e**20:.2g} images")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Take embeddings with $E \|z - z'\|^2 = a$ and stretch them by $c$. Which $c$ minimizes (4) for $\epsilon \to 0$? What is the squared distance there? Check on random pairs.
#
# Stretching multiplies the squared distance and the covariance by $c^2$, so $\frac12 \log |\Sigma_Z|$ grows by $K \log c$. Up to the factor $1/K$ and a constant the loss is $\frac12 c^2 a - K \log c$, with
#
# $$ \frac{d}{dc} \Big( \frac{c^2 a}{2} - K \log c \Big) = c\, a - \frac Kc = 0 \quad\Longrightarrow\quad c = \sqrt{K / a}, \qquad c^2 a = K . $$
#
# The second derivative $a + K / c^2$ is positive, so this is the minimum. Whatever the scale was, training ends at a squared distance of $K$, one for each dimension.

# %% tags=["solution"]
z1, z2 = torch.randn(2, 50, 6, dtype=torch.float64, generator=generator)
a, stretches = (z1 - z2).square().sum(1).mean(), np.linspace(0.5, 1.5, 201)
values = [world.infomax_logdet(c * z1, c * z2, eps=1e-9).item() for c in stretches]
print(f"best c {stretches[np.argmin(values)]:.3f}, predicted {sqrt(6 / a):.3f}")

# %% [markdown] tags=["solution"]
# **4** ●●○ 30 min. Train agreement + pairs with the *lower* bound: keep $\|z - z'\|^2 / 2 \tau$, and put $e^{-d^2 / 8 \tau}$ in the sum. Which temperature of the upper one is it? Is the lower bound the better loss?
#
# Write $\tau' = 4 \tau$. Then $e^{-d^2 / 8 \tau} = e^{-d^2 / 2 \tau'}$ and $\|z - z'\|^2 / 2 \tau = 4 \, \|z - z'\|^2 / 2 \tau'$. The lower bound is the upper one at four times the temperature, with a weight of 4 on the agreement. To keep the kernel as narrow as it was, take $\tau = 0.05$: then only the weight is left.


# %% tags=["solution"]
def lower_bound(z1, z2, tau):
    z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
    repulsion = 0
    for z in [z1, z2]:
        repulsion = repulsion + torch.logsumexp((z @ z.T - 1) / (4 * tau), dim=1).mean() / 2
    return (z1 - z2).square().sum(1).mean() / (2 * tau) + repulsion


candidates = {
    "upper, 0.2": partial(world.infomax_pairwise, temperature=0.2),
    "lower, 0.2": partial(lower_bound, tau=0.2),
    "lower, 0.05": partial(lower_bound, tau=0.05),
}
for name, loss in candidates.items():
    print(f"{name}: accuracy {probe(train(loss)):.3f}")

# %% [markdown] tags=["solution"]
# A bound in the right direction is not by itself the better loss: the weight of the agreement and the width of the kernel decide.
#
# ## The lab's exercises

# %% [markdown] tags=["solution"]
# **L1** ●●○ 25 min. Derive the Bhattacharyya distance $-\log \int \sqrt{p_i p_j}$ of two clouds $\mathcal N(\mu_i, s^2 I)$, $\mathcal N(\mu_j, s^2 I)$, and their Kullback-Leibler divergence.
#
# With $m = (\mu_i + \mu_j)/2$ one has $\|z - \mu_i\|^2 + \|z - \mu_j\|^2 = 2 \|z - m\|^2 + \frac12 d_{ij}^2$. So $\sqrt{p_i p_j}$, whose exponent is $-\frac{1}{4 s^2}$ times this sum, is the density $\mathcal N(m, s^2 I)$ times $e^{-d_{ij}^2 / 8 s^2}$. A density integrates to 1; what is left is the distance $d_{ij}^2 / 8 s^2$.
#
# For the divergence, $E_i \log (p_i / p_j) = \frac{1}{2 s^2} E_i \big( \|z - \mu_j\|^2 - \|z - \mu_i\|^2 \big)$. With $z = \mu_i + s \xi$, $\xi$ standard normal, the first square has the mean $d_{ij}^2 + K s^2$ and the second $K s^2$. The difference gives $d_{ij}^2 / 2 s^2$, four times the former.

# %% tags=["solution"]
points = 0.7 * torch.randn(400_000, 3, dtype=torch.float64, generator=generator)  # from the cloud around 0
other = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
log_ratio = ((points - other).square().sum(1) - points.square().sum(1)) / (2 * 0.49)  # log p_i - log p_j
overlap = torch.exp(-log_ratio / 2).mean()
print(f"Bhattacharyya {-overlap.log():.3f}, formula {1.25 / (8 * 0.49):.3f}")
print(f"divergence {log_ratio.mean():.3f}, formula {1.25 / (2 * 0.49):.3f}")

# %% [markdown] tags=["solution"]
# **L2** ●●● 60 min. Let the guess $q$ learn its covariance: replace $\frac12 E \|z - z'\|^2$ in (4) by $\frac12 \log |\mathrm{Cov}(z - z') + \epsilon I|$. Which transformations of $z$ does the new loss not see? What becomes of the agreement term of (7)?
#
# Multiply $z$ and $z'$ by one invertible matrix $B$. Both $\mathrm{Cov}(z - z')$ and $\Sigma_Z$ become $B \cdot B^\top$, so for $\epsilon \to 0$ both terms grow by $\log |\det B|$, and their difference stays: the loss does not see *any* invertible linear map. If the two views have one covariance, and the covariance $C_+$ of one with the other is symmetric, then $\mathrm{Cov}(z - z') = 2 \Sigma_Z - 2 C_+$, and with the canonical correlations $\rho_i$ of the two views
#
# $$ \tfrac12 \log |\mathrm{Cov}(z - z')| - \tfrac12 \log |\Sigma_Z| = \tfrac12 \sum_i \log 2 (1 - \rho_i) : $$
#
# it asks for large correlations between the views, whatever the scale. Nothing holds the scale any more, so the code adds a small weight on $\|z\|^2$. In place of a sum of distances, a sum of their logarithms is made small: a direction that is nearly the same in both views is still worth improving.


# %% tags=["solution"]
def learnt_covariance(z1, z2, eps=1e-3):
    identity = torch.eye(z1.shape[1])
    noise, one, two = (torch.logdet(torch.cov(z.T) + eps * identity) for z in [z1 - z2, z1, z2])
    return (noise - (one + two) / 2) / (2 * z1.shape[1]) + 1e-3 * z1.square().mean()


def agreement(run):
    a, b = (recipes.tiny_affine(digits.x_test, torch.Generator().manual_seed(draw)) for draw in [1, 2])
    z1, z2 = (training.features(run.encoder, x) for x in [a, b])
    return ((z1 - z2) / z1.std(0).clamp(min=0.01)).norm(dim=1).mean().item() / sqrt(129)


for name, loss in {"squared distance": world.infomax_logdet, "learnt covariance": learnt_covariance}.items():
    run = train(loss)
    print(f"{name}: agreement term {agreement(run):.2f}, accuracy {probe(run):.3f}")

# %% [markdown] tags=["solution"]
# The agreement term of (7) falls, for the views now agree in every direction of the representation. The probe on clean images does not gain from it.

# %%
ch.footer()
