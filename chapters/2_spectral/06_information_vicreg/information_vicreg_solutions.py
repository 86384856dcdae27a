# %% [markdown]
# # Information and VICReg: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from math import e, log, pi, sqrt

import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, recipes, training
from replearn.papers.information_vicreg import infomax_logdet

ch = cb.Chapter("information_vicreg_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 5 min. Show that with one component $H_D = h$, for either $D$, and check it.
#
# With $N = 1$ the only pair is $i = j = 1$, and a cloud has no distance from itself: $D_{11} = 0$ for either $D$. So
#
# $$ H_D = h - \log e^{-D_{11}} = h - \log 1 = h . $$

# %% tags=["solution"]
h = log(2 * pi * e * 0.3**2)
centre = torch.randn(1, 2, dtype=torch.float64, generator=generator)
for kind in ("lower", "upper"):
    print(f"{kind}: H_D - h = {evaluation.pairwise_entropy(centre, 0.3, kind) - h:.1e} nats")

# %% [markdown] tags=["solution"]
# **2** ●○○ 10 min. How large must a batch be for a pairwise estimate to see an entropy of $h + 20$ nats? And how many nats above $h$ can a batch of 256 show?
#
# The sum in (1) holds $j = i$ with $e^{-D_{ii}} = 1$, so each mean over $j$ is at least $1/N$ and $H_D \le h + \log N$. To show $20$ nats above $h$ takes $\log N \ge 20$, that is
# $N \ge e^{20}$: half a billion samples. A batch of 256 shows at most $\log 256$ nats. The entropy of a smooth cloud grows with its dimension, so in many dimensions the log-determinant,
# which has no such ceiling, is the better guide.

# %% tags=["solution"]
print(f"e^20 = {e**20:.2g} samples; log 256 = {log(256):.2f} nats")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Take embeddings with $E \|z - z'\|^2 = a$ and stretch them by $c$. Which $c$ minimises the LogDet loss ($s^2 = 1$, $\epsilon \to 0$)? What is the distance there?
#
# Stretching multiplies the squared distance by $c^2$ and the covariance by $c^2$, so $\frac12 \log |\Sigma_Z|$ grows by $K \log c$. Up to the factor $1/K$ and a constant the loss is
# $\frac12 c^2 a - K \log c$, with
#
# $$ \frac{d}{dc} \Big( \frac{c^2 a}{2} - K \log c \Big) = c\, a - \frac Kc = 0 \quad\Longrightarrow\quad c = \sqrt{K / a}, \qquad c^2 a = K . $$
#
# The second derivative is positive, so this is the minimum. Whatever the scale was, training ends at a squared distance of $K$, one for each dimension. Nothing is left to tune.

# %% tags=["solution"]
z1, z2 = torch.randn(2, 50, 6, dtype=torch.float64, generator=generator)
a, stretch = (z1 - z2).square().sum(1).mean(), np.linspace(0.5, 1.5, 201)
values = [infomax_logdet(c * z1, c * z2, eps=1e-9).item() for c in stretch]
print(f"best c {stretch[np.argmin(values)]:.3f}, predicted {sqrt(6 / a):.3f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Replace $\frac12 E \|z - z'\|^2$ by $\frac12 \log |\mathrm{Cov}(z - z') + \epsilon I|$. Which transformations of $z$ does the new loss not see? What becomes of the bound's
# invariance term?
#
# Multiply $z$ and $z'$ by one invertible matrix $A$. Both $\mathrm{Cov}(z - z')$ and $\Sigma_Z$ become $A\, \cdot A^\top$, so for $\epsilon \to 0$ both terms grow by $\log |\det A|$, and their
# difference stays: the loss does not see *any* invertible linear map. If the two views have one covariance, then $\mathrm{Cov}(z - z') = 2 \Sigma_Z - C_+ - C_+^\top$, and with the canonical
# correlations $\rho_i$ of the two views (for a symmetric $C_+$)
#
# $$ \tfrac12 \log |\mathrm{Cov}(z - z')| - \tfrac12 \log |\Sigma_Z| = \tfrac12 \sum_i \log 2 (1 - \rho_i) : $$
#
# it asks for large correlations between the views, whatever the scale. Nothing holds the scale any more, so the code adds a small weight on $\|z\|^2$. In place of a sum of distances, a sum of
# their logarithms is made small: a direction that is nearly invariant already is still worth improving.

# %% tags=["solution"]
mnist = recipes.tiny_mnist(standardized=False)
batch, steps = ch.pick(fast=128, toy=256), ch.pick(fast=25, toy=200)
recipe = recipes.TINY_MLP._replace(steps=steps, batch_size=batch)


def learnt_covariance(z1, z2, eps=1e-3):
    eye = torch.eye(z1.shape[1])
    noise, one, two = (torch.logdet(torch.cov(z.T) + eps * eye) for z in (z1 - z2, z1, z2))
    return (noise - (one + two) / 2) / (2 * z1.shape[1]) + 1e-3 * z1.square().mean()


def train(loss):
    encoder, projector = recipes.mlp_encoder(recipe, seed=ch.seed)
    recipes.train_networks(encoder, projector, loss, mnist.x_train, recipe=recipe, seed=ch.seed)
    return encoder


# %% [markdown] tags=["solution"]
# The three terms, the test error and the probe are those of the lesson: features at unit variance, a constant one beside them, all divided by $\sqrt{129}$.


# %% tags=["solution"]
def shaken(x, s):
    return recipes.tiny_affine(x, torch.Generator().manual_seed(s))


views, test = [shaken(mnist.x_train, ch.seed + 100 * i) for i in (1, 2)], shaken(mnist.x_test, ch.seed)
targets, truth = F.one_hot(mnist.y_train).double(), F.one_hot(mnist.y_test).double()
parts = [slice(500 * i, 500 * i + 500) for i in range(8)]


def diagnose(encoder):
    z1, z2, z_test = (training.features(encoder, x).double() for x in (*views, test))
    mean, std = z1.mean(0), z1.std(0).clamp(min=0.01)
    z1, z2, z_test = (F.pad((z - mean) / std, (0, 1), value=1.0) / sqrt(129) for z in (z1, z2, z_test))
    heads = [torch.linalg.lstsq(z1[s], targets[s], rcond=1e-8, driver="gelsd").solution for s in parts]
    error = np.median([(z_test @ head - truth).norm(dim=1).mean() for head in heads])
    labelled = np.median([evaluation.null_projection_residual(z1[s], targets[s]) / sqrt(500) for s in parts])
    unlabelled = 2 / sqrt(8000) * evaluation.null_projection_residual(z1, targets)
    return (z1 - z2).norm(dim=1).mean().item(), unlabelled, labelled, error


# %% tags=["solution"]
def probe(encoder):
    z, z_test = (training.features(encoder, x) for x in (mnist.x_train, mnist.x_test))
    sets = zip(z.split(2000), mnist.y_train.split(2000), strict=True)
    return np.mean([evaluation.logistic_probe(*s, z_test, mnist.y_test, steps=30) for s in sets])


for name, loss in {"squared distance": infomax_logdet, "learnt covariance": learnt_covariance}.items():
    encoder = train(loss)
    *terms, error = diagnose(encoder)
    print(f"{name}: terms {np.round(terms, 2)}, test error {error:.3f}, probe {probe(encoder):.3f}")

# %% [markdown] tags=["solution"]
# With one seed and 200 steps the invariance term falls to a fraction, for the views now agree in every direction of the representation; the unlabelled residual and the test error on augmented
# images fall with it. The probe on clean images does not gain. The bound speaks of the former.

# %%
ch.footer()
