# %% [markdown]
# # Pairwise independence: solutions
#
# The exercises of the lesson and of the lab, and answers to *Check yourself*. Try first.

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
from replearn.papers import pairwise_independence as world

ch = cb.Chapter("pairwise_independence_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown]
# ## Check yourself
#
# **Lesson, 1.** Zero. The penalty is then the squared correlation, and a rotation of a white cloud is white. The one feature $w x + b$ gives the same: centring takes $b$ away.
#
# **Lesson, 2.** The uniform one. The plane of the two Gaussian sources can be told from it, but inside this plane every rotation gives two independent Gaussians. That is why Comon's theorem allows one Gaussian at most.
#
# **Lesson, 3.** Because the outputs are *linear* mixtures of *independent* sources. By Comon's theorem such mixtures cannot be independent in pairs without being the sources themselves, and these are independent all together. The third coin is no linear mixture of independent sources.
#
# **Lesson, 4.** The nHSIC is that of shuffled variables, the least that samples can show, and the accuracy is that of chance.
#
# **Lab, A.** Nearly 1: each output is a function of each other. Low dependence says something only between representations that know equally much.
#
# **Lab, B.** Some mixtures are harder than others, and this shows in both methods. The difference on the same mixture does not contain it.
#
# **Lab, C.** If the penalty had failed, nHSIC would be large; if information had been lost, the reconstruction error would be. Both are small. So the *question* is at fault: it has more than one answer.
#
# **Lab, D.** $H = I - \frac1N \mathbf 1 \mathbf 1^\top$ multiplied out gives four terms: $\operatorname{tr}(k_1 k_2)$, twice $-\frac1N \mathbf 1^\top k_1 k_2 \mathbf 1$, and $\frac{1}{N^2} (\mathbf 1^\top k_1 \mathbf 1)(\mathbf 1^\top k_2 \mathbf 1)$. Divided by $N^2$ they are the three terms of (3).
#
# ## The lesson's exercises

# %%
noise = torch.randn(300, dtype=torch.float64, generator=generator)
square = losses.whiten(world.ica_sources(300, 2, "uniform", seed=ch.seed), correction=0)
curve = losses.whiten(torch.stack([square[:, 0], square[:, 0].square() + 0.2 * noise], dim=1), correction=0)
angles = list(range(0, 91, 3))
rotations = [world.radial_rotation(square, turn=0.0, offset=np.radians(angle)) for angle in angles]

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Let $x$ be symmetric about 0 and $y = x^2$. Show that their correlation is 0, and find a function of $x$ that correlates with $y$. Compare HSIC of the curve and of the square.
#
# Odd moments of a symmetric variable vanish, so $E[x y] = E[x^3] = 0$ and $E[x]\, E[y] = 0$: the covariance is $0 - 0$. But $x^2$ correlates with $y$ perfectly, since it *is* $y$. HSIC knows such functions:

# %% tags=["solution"]
for name, cloud in {"curve": curve, "square": square}.items():
    correlation = abs(torch.corrcoef(cloud.T)[0, 1])
    print(f"{name}: correlation {correlation:.2f}, HSIC {evaluation.hsic(*cloud.T, bandwidth=1.0):.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 15 min. Prove (1) line by line. By which factor does it fail when the covariance divides by $N - 1$?
#
# $H$ is symmetric and $H H = H$: to centre twice is to centre once. With $\|C\|^2 = \operatorname{tr}(C C^\top)$ and $C_{ij} = \frac1N \Phi_i^\top H \Phi_j$,
#
# $$ \|C_{ij}\|^2 = \tfrac{1}{N^2} \operatorname{tr}\big( \Phi_i^\top\, [H \Phi_j \Phi_j^\top H \Phi_i] \big)
#    = \tfrac{1}{N^2} \operatorname{tr}\big( [H \Phi_j \Phi_j^\top H \Phi_i]\, \Phi_i^\top \big) = \tfrac{1}{N^2} \operatorname{tr}(k_i H k_j H) , $$
#
# where $\operatorname{tr}(AB) = \operatorname{tr}(BA)$ moved $\Phi_i^\top$ to the end, and then $k_i$ to the front. With $N - 1$ every covariance grows by $N / (N - 1)$, and its square by $\big( N / (N - 1) \big)^2$:

# %% tags=["solution"]
features = world.RandomFeatures(32, seed=ch.seed)(curve)
k_1, k_2 = (features[:, i] @ features[:, i].T for i in [0, 1])
centred = features - features.mean(dim=0)
penalty = (centred[:, 0].T @ centred[:, 1] / 299).square().sum().item()
print(f"penalty over HSIC {penalty / evaluation.hsic_from_grams(k_1, k_2):.4f}, predicted {(300 / 299) ** 2:.4f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. With one cosine unmixing sometimes works and sometimes fails. Count equations and unknowns. For twenty projectors on the turned square, how often is the smallest penalty far from the sources?
#
# A rotation in $d$ dimensions has $d(d-1)/2$ angles. The penalty is zero when all blocks are, which is $\mathrm{width}^2$ equations for each of the $d(d-1)/2$ pairs. With $\mathrm{width} = 1$ there are as many equations as unknowns, and such a system has solutions that are not the sources. With $\mathrm{width} > 1$ there are $\mathrm{width}^2$ times as many: with endless data the sources still solve them all, and a false solution would have to solve them by chance.

# %% tags=["solution"]
for width in (1, 4, 16, 64):
    far = 0
    for draw in range(20):
        projector = world.RandomFeatures(width, seed=1000 * ch.seed + draw)
        best = angles[np.argmin([world.cross_variable_covariance(projector(y)).item() for y in rotations])]
        far += 15 < best < 75
    print(f"width {width}: the best angle lies between 15 and 75 degrees for {far} of 20 projectors")

# %% [markdown] tags=["solution"]
# **4** ●●○ 30 min. Are the cosines better on digits because there are 32 of them for each variable, or because they are not linear? Repeat section 4 at weights 3 and 30 with 32 *linear* features.
#
# Linear features are $\sqrt{2/\mathrm{width}}\, (w_f x + b_f)$, so their kernel, centred, is the product of the two variables times the number $c = \frac2{\mathrm{width}} \sum_f w_f^2$. Then (1) is $c^2$ times the squared covariance: the plain penalty at another weight, however many features there are. What is left to the cosines is that they are not linear.

# %% tags=["solution"]
digits = recipes.tiny_mnist(standardized=False)
knobs = {"seed": ch.seed, "steps": ch.pick(fast=30, toy=200), "batch_size": ch.pick(fast=128, toy=256), "lr": 3e-3}


def start():
    with training.seeded(ch.seed):
        return nn.Sequential(nn.Flatten(), *models.mlp([196, 256, 16]), nn.BatchNorm1d(16, affine=False))


def outputs_of(loss):
    encoder = start()
    recipes.train_networks(encoder, nn.Identity(), loss, digits.x_train, **knobs)
    shaken = recipes.tiny_affine(digits.x_test, torch.Generator().manual_seed(ch.seed))
    return [training.features(encoder, images).double() for images in [digits.x_train[:2000], digits.x_test, shaken]]


# %% tags=["solution"]
def decorrelate(features, weight, z1, z2):
    per_view = [world.cross_variable_covariance(features(data.standardize(z, 0))) for z in [z1, z2]]
    return (z1 - z2).square().mean() + weight * sum(per_view) / 2


def nhsic(z):
    parts = data.standardize(z, 0).split(400)
    return np.mean([losses.off_diagonal(evaluation.pairwise_nhsic(part)).mean() for part in parts])


# %% tags=["solution"]
def beyond_chance(z, count=1200):
    shuffle = torch.Generator().manual_seed(ch.seed)
    shuffled = [column[torch.randperm(count, generator=shuffle)] for column in z[:count].T]
    return nhsic(z[:count]) - nhsic(torch.stack(shuffled, dim=1))


for kind in ("linear", "rff"):
    for weight in ch.pick(fast=[3], toy=[3, 30]):
        z, z_test, shaken = outputs_of(partial(decorrelate, world.RandomFeatures(32, kind, seed=ch.seed), weight))
        accuracy = evaluation.ridge_probe(z, digits.y_train[:2000], z_test, digits.y_test)
        dependence = f"nHSIC beyond chance {beyond_chance(z_test):.4f}, shaken {beyond_chance(shaken):.4f}"
        print(f"{kind}, weight {weight}: {dependence}, accuracy {accuracy:.3f}")

# %% [markdown] tags=["solution"]
# The penalty saw *shaken* digits. On these the plain penalty leaves a quarter or so of what the lesson's picture shows: most of the wall comes from the step to digits as they are. The cosines at weight 30 leave less still; at 3 they are too light for that.

# %% [markdown] tags=["solution"]
# ## The lab's exercises

# %% [markdown] tags=["solution"]
# **L1** ●●○ 25 min. The blindness of a layer that mixes is a limit. Take the turned square and layers of $\mathrm{width} = 8$ random cosines of both coordinates. How much does the penalty vary with the angle, and where is it smallest? Is this the sight that a projector needs?
#
# A narrow layer does see the angle, but not the sources: it prefers the angle at which its few random directions happen to correlate least. Each draw prefers another one.

# %% tags=["solution"]
for _ in range(5):
    frequencies = torch.randn(2, 8, dtype=torch.float64, generator=generator)
    phases = 2 * np.pi * torch.rand(8, dtype=torch.float64, generator=generator)
    covariances = [torch.cov(torch.cos(y @ frequencies + phases).T, correction=0) for y in rotations]
    values = [losses.off_diagonal(covariance).square().sum().item() for covariance in covariances]
    print(f"largest over smallest {max(values) / min(values):.2f}, smallest at {angles[np.argmin(values)]} degrees")

# %% [markdown] tags=["solution"]
# **L2** ●●● 60 min. Add a penalty on triples to VICReg without projector: the dHSIC of four random triples of the outputs, at each step. Does dHSIC fall? Does the probe gain?
#
# The loss becomes VICReg's plus 500 times the sum of the dHSIC of four triples, with (3) for three kernel matrices.

# %% tags=["solution"]
vicreg = partial(losses.vicreg, inv=25.0, var=25.0, cov=25.0)


def dhsic(grams):
    k = torch.stack(grams)
    return k.prod(0).mean() + k.mean((1, 2)).prod() - 2 * k.mean(2).prod(0).mean()


def with_triples(z1, z2):
    grams = [torch.exp(-((x[:, None] - x) ** 2) / 2) for x in data.standardize(z1, 0).T]
    triples = [torch.randperm(16)[:3].tolist() for _ in range(4)]
    return vicreg(z1, z2).total + 500 * sum(dhsic([grams[i] for i in triple]) for triple in triples)


# %% tags=["solution"]
for name, loss in {"VICReg": vicreg, "with triples": with_triples}.items():
    z, z_test, _ = outputs_of(loss)
    six = [[evaluation.gram_gaussian(x) for x in part.T] for part in data.standardize(z_test[:1200, :6], 0).split(400)]
    joint = np.mean([evaluation.dhsic(grams) for grams in six])
    accuracy = evaluation.ridge_probe(z, digits.y_train[:2000], z_test, digits.y_test)
    print(f"{name}: dHSIC of six {joint:.4f}, accuracy {accuracy:.3f}")

# %% [markdown] tags=["solution"]
# Only triples were asked, and the dHSIC of six outputs falls with theirs. (It counts the dependence of pairs, too.) So it is the loss and not the network that leaves them alone. The probe does not gain: a more independent representation is not a better one.

# %%
ch.footer()
