# %% [markdown]
# # Cross-entropy inverts the world: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from scipy.special import ive
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, recipes, training
from replearn.data import latent_world
from replearn.models import mlp_head

ch = cb.Chapter("cross_entropy_identifiability_solutions", scale=scale, seed=seed)

world = latent_world(3, n_classes=20, kappa=5.0, seed=ch.seed)
generator = torch.Generator().manual_seed(ch.seed)
towns, places = (F.normalize(torch.randn(n, 5, dtype=torch.float64, generator=generator)) for n in (30, 300))


def networks(seed):
    """The encoder and the head of the chapter, untrained."""
    with training.seeded(seed):
        head = nn.Linear(3, 20, bias=False)
        return mlp_head(3, 64, 3, layers=4), head


# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Why $d + 1$? Five independent centres have rank 5. Why are they not enough for $d = 5$? Find two latents that no posterior tells apart.
#
# The softmax sees only differences of scores, and five centres have four independent differences $v_i - v_j$. Let the unit vector $m$ be orthogonal to all of them, and mirror $z$ at the hyperplane of the differences:
#
# $$ z' = z - 2 \langle m, z \rangle\, m . $$
#
# $z'$ is on the sphere too, and $\langle v_i - v_j, z' \rangle = \langle v_i - v_j, z \rangle$ for all $i, j$: every posterior is the same. How far $z$ moves, and how much the posteriors change:

# %% tags=["solution"]
V, z = towns[:5], places[:1]
m = torch.linalg.svd(V - V.mean(0)).Vh[-1:]
mirror = z - 2 * (z @ m.T) * m
apart = ((5 * z @ V.T).softmax(1) - (5 * mirror @ V.T).softmax(1)).abs().max()
print(f"moved by {(mirror - z).norm():.2f}, length {mirror.norm():.6f}, posteriors equal to 1e-12: {apart < 1e-12}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. What is learned if the labels of each batch are shuffled? And if the *names* of the classes are permuted once?
#
# A shuffled label has nothing to do with $x$: its posterior is uniform, $p(c \mid x) = 1 / C$. The best loss is $\log C$, any $h$ reaches it with $W = 0$, and nothing pulls $h$ towards $z$: $R^2$ stays near that of
# an untrained encoder. New names, on the other hand, permute the rows of $W$ and leave $h$ alone: everything is found as before.

# %% tags=["solution"]
encoder, head = networks(0)
z, c = world.classes(4000, torch.Generator().manual_seed(1000 + ch.seed))
x = world.render(z)


def shuffled(n, generator):
    z, c = world.classes(n, generator)
    return world.render(z), c[torch.randperm(n, generator=generator)]


before = evaluation.linear_r2(training.features(encoder, x), z)
loss = recipes.train_ce(encoder, head, shuffled, ch.pick(fast=30, toy=60), batch_size=256).loss[-1]
after = evaluation.linear_r2(training.features(encoder, x), z)
print(f"loss {loss:.2f}, log 20 = {np.log(20):.2f}; R² {before:.2f} untrained, {after:.2f} trained")

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. Clusters of unlike width: give class $c$ its own $\kappa_c$. Which step of the proof fails, and what mends it?
#
# Step 2. The normaliser of (1) now depends on the class, so that it does not cancel in Bayes' rule: with $p(z \mid c) = n(\kappa_c)\, e^{\kappa_c \langle v_c, z \rangle}$,
#
# $$ \log \frac{p(c \mid z)}{p(j \mid z)} = \langle \kappa_c v_c - \kappa_j v_j, z \rangle + \log n(\kappa_c) - \log n(\kappa_j) . $$
#
# A bias in the head takes up $\log n(\kappa_c)$, and $\kappa_c v_c$ takes the place of $\kappa v_c$ in the assumption on the centres. In five dimensions $n(\kappa) \propto \kappa^{3/2} / I_{3/2}(\kappa)$, with the
# modified Bessel function. (`ive` is $I$ times $e^{-\kappa}$.)

# %% tags=["solution"]
kappa_c = torch.linspace(2, 10, 12, dtype=torch.float64)
V = kappa_c[:, None] * towns[:12]
bias = 1.5 * kappa_c.log() - torch.from_numpy(ive(1.5, kappa_c.numpy())).log() - kappa_c
log_p = (places @ V.T + bias).log_softmax(1)
for name, known in (("without", 0 * bias), ("with", bias)):
    right_side = (log_p - known) - (log_p - known).mean(1, keepdim=True)
    error = (torch.linalg.lstsq(V - V.mean(0), right_side.T).solution.T - places).abs().max()
    print(f"{name} a bias: max error {'below 1e-12' if error < 1e-12 else f'{error:.2f}'}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Other clusters. Draw latents on the sphere with $p(z \mid c) \propto e^{-2.5 \|z - v_c\|_p^p}$. How much of $z$ is found for $p = 1$, where inner products are the wrong scores?
#
# For $p = 2$, $-2.5\, \|z - v_c\|^2 = 5 \langle v_c, z \rangle - 5$ on the sphere, which is (1). For $p = 1$ the differences $\|z - v_j\|_1 - \|z - v_c\|_1$ of two log-posteriors are piecewise linear in $z$, with creases, and span more than
# $d$ dimensions: no $h$ with $d$ outputs has the true posterior, and the theorem is silent. Draw $z$ by choosing among 24 uniform places in proportion to the density, and train:


# %% tags=["solution"]
def clusters(p, n, generator):
    c = torch.randint(20, (n,), generator=generator)
    tries = F.normalize(torch.randn(n, 24, 3, generator=generator), dim=2)
    weights = (-2.5 * (tries - world.centres[c][:, None]).abs().pow(p).sum(2)).exp()
    return tries[torch.arange(n), torch.multinomial(weights, 1, generator=generator)[:, 0]], c


for p in (2, 1):
    encoder, head = networks(ch.seed)

    def sampler(n, generator, p=p):
        z, c = clusters(p, n, generator)
        return world.render(z), c

    recipes.train_ce(encoder, head, sampler, ch.pick(fast=50, toy=250), batch_size=256, lr=0.03, seed=ch.seed)
    z = clusters(p, 2000, torch.Generator().manual_seed(1))[0]
    print(f"p = {p}: R² = {evaluation.linear_r2(training.features(encoder, world.render(z)), z):.2f}")

# %% [markdown] tags=["solution"]
# In this toy little is lost with the wrong scores. How much depends on the clusters: try sharper ones, other $p$, more dimensions.

# %%
ch.footer()
