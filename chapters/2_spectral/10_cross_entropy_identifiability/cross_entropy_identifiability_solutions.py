# %% [markdown]
# # Cross-entropy inverts the world: solutions
#
# The exercises of the lesson and of the lab, and answers to *Check yourself*. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from math import log

import torch
from torch import nn
from torch.nn import functional

import cookbook as cb
from replearn import data, evaluation, models, recipes, training

ch = cb.Chapter("cross_entropy_identifiability_solutions", scale=scale, seed=seed)
world = data.latent_world(3, n_classes=20, kappa=5.0, seed=ch.seed)
generator = torch.Generator().manual_seed(ch.seed)
steps = ch.pick(fast=60, toy=250)


def on_sphere(n):
    return functional.normalize(torch.randn(n, 3, dtype=torch.float64, generator=generator))


def networks(seed):
    with training.seeded(seed):
        return models.mlp_head(3, 64, 3, layers=4), nn.Linear(3, 20, bias=False)


# %%
def train(draw, seed=ch.seed):
    """Encoder and last loss after training on batches of (x, labels)."""
    encoder, head = networks(seed)
    history = recipes.train_ce(encoder, head, draw, steps, batch_size=256, lr=0.03, seed=ch.seed)
    return encoder, history.loss[-1]


places, names = world.classes(4000, torch.Generator().manual_seed(1000 + ch.seed))
x = world.render(places)

# %% [markdown]
# ## Check yourself
#
# **Lesson, 2.** All chances would be nearly 0 or 1, and (2) would say the town and hardly anything more. Clouds with the density (1) always overlap a little, so the place is still in the chances, but in digits that no network learns: the lab's section D.
#
# **Lesson, 3.** The scores $w_c^\top z$ stay as they are, and so does the loss. So $F$ is not determined: with $F$ every invertible multiple $B F$ is as good, if the rows are changed to match.
#
# **Lesson, 4.** $R^2$ is 1 less the error over the variance. The error is the same, but the places within a town vary less than over the globe.
#
# **Lesson, 6.** $b$ is one vector, the same for all rows, with any value: line 3 speaks of differences of rows alone. It adds $b^\top z$ to all scores of a thing, and the softmax does not change.
#
# **Lab, B.** A quadric has nine unknowns and eight towns give eight equations, so that there is always a solution that is not zero.
#
# ## The lesson's exercises

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Three towns on a globe: find two places that no chances tell apart, on paper. When do the two coincide?
#
# The chances depend on $u$ through the differences $(v_i - v_j)^\top u$ alone. Let the unit vector $m$ be orthogonal to $v_1 - v_2$ and $v_1 - v_3$, that is, to the plane through the three towns. The mirror image
#
# $$ u' = u - 2\, (m^\top u)\, m $$
#
# is on the sphere too, and $(v_i - v_j)^\top u' = (v_i - v_j)^\top u$. The two coincide where $m^\top u = 0$: on the great circle that is parallel to the plane of the towns.

# %% tags=["solution"]
towns, here = on_sphere(3), on_sphere(1)
m = functional.normalize(torch.linalg.cross(towns[0] - towns[1], towns[0] - towns[2]), dim=0)
mirrored = here - 2 * (here @ m)[:, None] * m
chances, others = ((5 * place @ towns.T).softmax(1) for place in (here, mirrored))
same = torch.allclose(chances, others, atol=1e-12)
print(f"moved by {(mirrored - here).norm():.2f}, length {mirrored.norm():.6f}, the same chances: {same}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. What is learned if the labels of each batch are shuffled? And if the *names* of the towns are permuted, once for all?
#
# A shuffled label has nothing to do with $x$: its true chances are $1 / 20$ each. The best loss is $\log 20$, and a head of zeros reaches it with any encoder, so nothing pulls the embeddings towards the places. New names, on the other hand, permute the rows of the head and leave the embeddings alone: everything is found as before.


# %% tags=["solution"]
def shuffled(n, generator):
    u, c = world.classes(n, generator)
    return world.render(u), c[torch.randperm(n, generator=generator)]


def renamed(n, generator):
    u, c = world.classes(n, generator)
    return world.render(u), (7 * c + 3) % 20  # 7 and 20 have no common divisor: a permutation


print(f"untrained: R² {evaluation.linear_r2(training.features(networks(ch.seed)[0], x), places):.2f}")
for name, draw in {"shuffled": shuffled, "renamed": renamed}.items():
    encoder, loss = train(draw)
    found = evaluation.linear_r2(training.features(encoder, x), places)
    print(f"{name}: loss {loss:.2f} (log 20 = {log(20):.2f}), R² {found:.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 30 min. Clouds of unlike width: give town $c$ its own $\kappa_c$. Which line of the proof fails, and what mends it? Find places from such chances with and without the mending.
#
# Already (2), and with it line 3. The factor that (1) lacks makes the density integrate to 1. On the globe it is $n(\kappa) = \kappa / (4 \pi \sinh \kappa)$, and with unlike $\kappa_c$ it does not cancel in Bayes' rule:
#
# $$ \log \frac{p(i \mid u)}{p(j \mid u)} = (\kappa_i v_i - \kappa_j v_j)^\top u + \log n(\kappa_i) - \log n(\kappa_j) . $$
#
# A head *with a bias* takes up $\log n(\kappa_c)$. Then line 3 holds again with $\kappa_c v_c$ in the place of $\kappa v_c$, and the places are found if the differences of the $\kappa_c v_c$ span all dimensions.

# %% tags=["solution"]
kappas, towns, unseen = torch.linspace(2, 10, 12, dtype=torch.float64), on_sphere(12), on_sphere(300)
arrows, bias = kappas[:, None] * towns, (kappas / torch.sinh(kappas)).log()
log_chances = (unseen @ arrows.T + bias).log_softmax(1)
for name, known in {"without": 0 * bias, "with": bias}.items():
    scores = log_chances - known
    ratios = (scores - scores[:, :1])[:, 1:]
    back = torch.linalg.lstsq(arrows[1:] - arrows[0], ratios.T).solution.T
    print(f"{name} a bias: largest error of a place {(back - unseen).norm(dim=1).max():.4f}")

# %% [markdown] tags=["solution"]
# ## The lab's exercises
#
# **L1** ●○○ 15 min. Take any invertible $3 \times 3$ matrix $F$ and any vector $b$. Which head $w_c$ gives $z = F u$ the chances of the true posterior? Check it for random $F$ and $b$.
#
# Take $w_c = \kappa F^{-\top} v_c + b$. Then $w_c^\top z = \kappa v_c^\top F^{-1} F u + b^\top F u$, and the last term is the same for all classes, so that the softmax does not see it.

# %% tags=["solution"]
F, b = torch.randn(3, 3, dtype=torch.float64, generator=generator), on_sphere(1)
centres = world.centres.double()
head = 5 * centres @ torch.linalg.inv(F) + b
by_head, true = (unseen @ F.T @ head.T).softmax(1), (5 * unseen @ centres.T).softmax(1)
print(f"the same chances: {torch.allclose(by_head, true, atol=1e-12)}")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 45 min. Eight towns on the globe. Find a second quadric through them, and from it a head of unit rows $B v_c + b$ with the true posterior whose $B$ is no rotation.
#
# The null vector of the $8 \times 9$ matrix holds $Y$ (the products of two different coordinates count twice in $v^\top Y v$, hence the halves) and $y$. Both may be multiplied by a small $\epsilon$. We need
#
# $$ B^\top B = (1 - \|b\|^2)\, I + \epsilon Y , \qquad 2 B^\top b = \epsilon y . $$
#
# Given $b$, the symmetric square root of the right side is a $B$, and given $B$ the second equation is a $b$. Start at $b = 0$ and repeat. Then all rows $B v_c + b$ have unit length, and by L1 with $F = \kappa B^{-\top}$ they have the true posterior.

# %% tags=["solution"]
towns = on_sphere(8)
a, c = torch.triu_indices(3, 3)
null = torch.linalg.svd(torch.cat([towns[:, a] * towns[:, c], towns], 1)).Vh[-1]
Y = torch.zeros(3, 3, dtype=torch.float64)
Y[a, c] = null[:6]
Y, y = (Y + Y.T) / 2, null[6:]

eps, b = 0.3, torch.zeros(3, dtype=torch.float64)
for _ in range(100):
    values, vectors = torch.linalg.eigh((1 - b @ b) * torch.eye(3) + eps * Y)
    B = vectors @ torch.diag(values.sqrt()) @ vectors.T
    b = torch.linalg.solve(B.T, eps * y / 2)

# %% tags=["solution"]
rows, sizes = towns @ B.T + b, torch.linalg.svdvals(B)
z = 5 * unseen @ torch.linalg.inv(B)  # F u with F = κ times the inverse of B transposed
by_head, true = (z @ rows.T).softmax(1), (5 * unseen @ towns.T).softmax(1)
print(f"length of rows {rows.norm(dim=1).min():.6f} to {rows.norm(dim=1).max():.6f}")
print(f"the true posterior: {torch.allclose(by_head, true, atol=1e-10)}; stretch {sizes[0] / sizes[-1] - 1:.2f}")

# %% [markdown] tags=["solution"]
# **L3** ●●● 60 min. Other clouds. Draw places with $p(u \mid c) \propto e^{-2.5 \|u - v_c\|_p^p}$. For $p = 2$ this is the lesson's (1) with $\kappa = 5$; for $p = 1$ inner products are the wrong scores. How much of the places is found?
#
# On the sphere $-2.5\, \|u - v_c\|^2 = 5\, v_c^\top u - 5$, which is (1). For $p = 1$ the differences $\|u - v_j\|_1 - \|u - v_c\|_1$ of two log-chances are piecewise linear in $u$, with creases, and in general no three numbers hold all of them linearly: the theorem is silent. Draw a place by choosing among 24 uniform ones in proportion to the density, and train.


# %% tags=["solution"]
def clouds(p, n, generator):
    c = torch.randint(20, (n,), generator=generator)
    tries = functional.normalize(torch.randn(n, 24, 3, generator=generator), dim=2)
    weights = (-2.5 * (tries - world.centres[c][:, None]).abs().pow(p).sum(2)).exp()
    return tries[torch.arange(n), torch.multinomial(weights, 1, generator=generator)[:, 0]], c


for p in (2, 1):

    def draw(n, generator, p=p):
        u, c = clouds(p, n, generator)
        return world.render(u), c

    u, c = clouds(p, 4000, torch.Generator().manual_seed(1))
    z = training.features(train(draw)[0], world.render(u))
    print(f"p = {p}: R² {evaluation.linear_r2(z, u):.2f}")

# %% [markdown] tags=["solution"]
# In this toy little is lost with the wrong scores. How much depends on the clouds: try narrower ones, other $p$, more dimensions.

# %%
ch.footer()
