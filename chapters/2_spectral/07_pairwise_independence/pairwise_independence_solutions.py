# %% [markdown]
# # Pairwise independence: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, models, recipes, training
from replearn.papers.pairwise_independence import (
    RandomFeatures,
    cross_variable_covariance,
    ica_sources,
    radial_rotation,
)

ch = cb.Chapter("pairwise_independence_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown]
# The square and the curve of the first picture.

# %%
noise = torch.randn(300, dtype=torch.float64, generator=generator)
square = losses.whiten(ica_sources(300, 2, "uniform", seed=ch.seed), correction=0)
curve = losses.whiten(torch.stack([square[:, 0], square[:, 0].square() + 0.2 * noise], 1), correction=0)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Let $x$ be symmetric about 0 and $y = x^2$. Show that their correlation is 0, and find a function of $x$ that correlates with $y$. Compare HSIC of the curve and of the square.
#
# Odd moments of a symmetric variable vanish, so $\mathbb E[x y] = \mathbb E[x^3] = 0$ and $\mathbb E[x]\, \mathbb E[y] = 0$: the covariance is $0 - 0$. But $x^2$ correlates with $y$
# perfectly, since it *is* $y$. HSIC knows such functions:

# %% tags=["solution"]
for name, cloud in {"curve": curve, "square": square}.items():
    print(f"{name}: correlation {abs(torch.corrcoef(cloud.T)[0, 1]):.2f}, HSIC {evaluation.hsic(*cloud.T, 1.0):.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 15 min. Prove (2) line by line. By which factor does it fail when the covariance divides by $N - 1$?
#
# $H$ is symmetric and $H H = H$: to centre twice is to centre once. With $\|C\|_F^2 = \operatorname{tr}(C^\top C) = \operatorname{tr}(C C^\top)$ and $C_{ij} = \frac1N \Phi_i^\top H \Phi_j$,
#
# $$ \|C_{ij}\|_F^2 = \operatorname{tr}(C_{ij} C_{ij}^\top) = \tfrac{1}{N^2} \operatorname{tr}\big( \Phi_i^\top\, [H \Phi_j \Phi_j^\top H \Phi_i] \big)
#    = \tfrac{1}{N^2} \operatorname{tr}\big( [H \Phi_j \Phi_j^\top H \Phi_i]\, \Phi_i^\top \big) = \tfrac{1}{N^2} \operatorname{tr}(\Phi_i \Phi_i^\top H\, \Phi_j \Phi_j^\top H) , $$
#
# where $\operatorname{tr}(AB) = \operatorname{tr}(BA)$ moved $\Phi_i^\top$ to the end, and then everything to the right of $H \Phi_j \Phi_j^\top H$ to the front. With $N - 1$ every covariance
# grows by $N / (N - 1)$, and its square by $\big( N / (N - 1) \big)^2$:

# %% tags=["solution"]
phi = RandomFeatures(32, seed=ch.seed)(curve)
exact = evaluation.hsic_from_grams(phi[:, 0] @ phi[:, 0].T, phi[:, 1] @ phi[:, 1].T)
centred = phi - phi.mean(dim=0)
penalty = (centred[:, 0].T @ centred[:, 1] / 299).square().sum().item()
print(f"penalty over HSIC {penalty / exact:.4f}, predicted {(300 / 299) ** 2:.4f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. With one feature, ICA sometimes works and sometimes fails. Count equations and unknowns. For twenty projectors on the turned square, how often is the smallest penalty far from the
# sources?
#
# A rotation in $d$ dimensions has $d(d-1)/2$ angles. The penalty is zero when all blocks are, which is $P^2$ equations for each of the $d(d-1)/2$ pairs. With $P = 1$ there are as many
# equations as unknowns, and such a system has solutions that are not the sources. With $P > 1$ there are $P^2$ times as many equations: with endless data the sources still solve them all, and a
# false solution would have to solve them by chance.

# %% tags=["solution"]
angles = np.arange(0, 91, 3)
rotations = [radial_rotation(square, turn=0.0, offset=np.pi * angle / 180) for angle in angles]
for width in (1, 4, 16, 64):
    far = 0
    for draw in range(20):
        projector = RandomFeatures(width, seed=1000 * ch.seed + draw)
        best = angles[np.argmin([cross_variable_covariance(projector(y)).item() for y in rotations])]
        far += 15 < best < 75
    print(f"P = {width}: the best angle lies between 15 and 75 degrees for {far} of 20 projectors")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Add a penalty on triples: the dHSIC of four random triples of the representation, at each step. Does it fall? Does the probe gain?
#
# The loss becomes $\mathcal L_{\text{VICReg}} + 500 \sum_{\text{four triples}} \mathrm{dHSIC}$, with (3) for three kernel matrices. The representation itself is the embedding (the projector "none").

# %% tags=["solution"]
mnist = recipes.tiny_mnist(standardized=False)
recipe = recipes.TINY_MLP._replace(steps=ch.pick(fast=150, toy=200), batch_size=ch.pick(fast=128, toy=256), lr=3e-3)
vicreg = partial(losses.vicreg, inv=25.0, var=25.0, cov=25.0)


def dhsic(grams):
    K = torch.stack(grams)
    return K.prod(0).mean() + K.mean((1, 2)).prod() - 2 * K.mean(2).prod(0).mean()


def with_triples(z1, z2):
    grams = [torch.exp(-((x[:, None] - x) ** 2) / 2) for x in data.standardize(z1, 0).T]
    triples = [torch.randperm(16)[:3].tolist() for _ in range(4)]
    return vicreg(z1, z2).total + 500 * sum(dhsic([grams[i] for i in triple]) for triple in triples)


# %% tags=["solution"]
def measure(encoder):
    """dHSIC of six variables, and the accuracy of the probe."""
    labelled, test = (training.features(encoder, images).double() for images in (mnist.x_train[:2000], mnist.x_test))
    sets = data.standardize(test[:1200], 0).split(400)
    joint = np.mean([evaluation.dhsic([evaluation.gram_gaussian(column) for column in z[:, :6].T]) for z in sets])
    return joint, evaluation.ridge_probe(labelled, mnist.y_train[:2000], test, mnist.y_test)


steps = ch.pick(fast=25, toy=200)
for name, loss in {"VICReg": vicreg, "with triples": with_triples}.items():
    with training.seeded(ch.seed):
        encoder = nn.Sequential(nn.Flatten(), *models.mlp([196, 256, 16]), nn.BatchNorm1d(16, affine=False))
    recipes.train_networks(encoder, nn.Identity(), loss, mnist.x_train, recipe=recipe, seed=ch.seed, steps=steps)
    joint, accuracy = measure(encoder)
    print(f"{name}: dHSIC of six {joint:.4f}, probe {accuracy:.3f}")

# %% [markdown] tags=["solution"]
# dHSIC falls when it is asked to, so it is the loss and not the network that leaves triples alone. The probe does not gain: a more independent representation is not a better one.

# %%
ch.footer()
