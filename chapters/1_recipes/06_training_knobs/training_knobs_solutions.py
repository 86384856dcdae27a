# %% [markdown]
# # Training knobs: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, models, recipes, training

ch = cb.Chapter("training_knobs_solutions", scale=scale, seed=seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. DINO: 100 epochs of 1,252 steps, 10 of warm-up, a rate of 0.002 down to $10^{-6}$, decay from 0.04 to 0.4. What is left of an idle weight?
#
# AdamW multiplies it by $1 - \eta(t) \lambda(t)$ in step $t$. What is left is
#
# $$ \prod_t \big( 1 - \eta(t) \lambda(t) \big) \approx e^{- \sum_t \eta(t) \lambda(t)} . $$

# %% tags=["solution"]
steps = 125_200
rates = np.array([training.warmup_cosine(t, steps, 12_520, 0.002, 1e-6) for t in range(steps)])
decay = np.array([training.cosine_ramp(t, steps, 0.04, 0.4) for t in range(steps)])
print(f"product {np.prod(1 - rates * decay):.1e}, by the exponential {np.exp(-rates @ decay):.1e}")

# %% [markdown] tags=["solution"]
# Nothing to speak of: what the gradient does not renew is gone.

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that accumulating VICReg's covariance term, a sum of squared covariances, is biased. By how much, if the dimensions are independent with variance 1?
#
# Let $c$ be the sample covariance of two dimensions in a batch of $n$, and $\bar c$ the true one. It is unbiased, but its square is not:
#
# $$ \mathbb E\, c^2 = \bar c^2 + \operatorname{Var}(c), $$
#
# and the variance falls like $1/n$. The mean over micro-batches keeps the larger variance of *their* size. For independent dimensions with variance 1, $\bar c = 0$ and
# $\operatorname{Var}(c) = 1 / (n - 1)$. So parts of $n$ in the place of a batch of $N$ raise each square by
#
# $$ \frac{1}{n - 1} - \frac{1}{N - 1} $$
#
# on average, and the term, $K (K - 1)$ squares divided by $K$, by $K - 1$ times as much. Below, $\mathbb E\, c^2$ times $n - 1$ should be 1.

# %% tags=["solution"]
generator = torch.Generator().manual_seed(ch.seed)
for n in (16, 64, 256):
    pairs = torch.randn(2000, 2, n, generator=generator)
    covariances = torch.stack([torch.cov(pair)[0, 1] for pair in pairs])
    print(f"n = {n:3}: {covariances.square().mean() * (n - 1):.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Write down $\partial L / \partial k_j$ of InfoNCE for a key $k_j$. What does the gather without gradient drop? Where do the keys go? Measure how a step changes
# their tightness.
#
# Let $q_i$ and $k_j$ be normalised and $p_{ij}$ the softmax over $j$ of $q_i^\top k_j / \tau$. Then $L = - \frac1N \sum_i \log p_{ii}$, and
#
# $$ \frac{\partial L}{\partial k_j} = \frac{1}{N \tau} \Big( \sum_i p_{ij}\, q_i - q_j \Big) . $$
#
# The gather without gradient keeps, in the sum, only the queries of the process that made $k_j$; the positive $q_j$ is among them. It drops the others, to which $k_j$ is a negative.
#
# At the start all $p_{ij}$ are about $1/N$, and all $q_i$ near their mean $\bar q$: the sum is about $\bar q$, and so is $q_j$. The two cancel. With two processes half of the sum is missing, and
# about $-\bar q / (2 N \tau)$ is left: a step of descent pulls all keys towards $\bar q$, a collapse. Below is the cosine of such a step with the direction in which tightness grows.

# %% tags=["solution"]
digits = recipes.tiny_mnist()
generator = torch.Generator().manual_seed(ch.seed)
images = digits.x_train[torch.randperm(8000, generator=generator)[:64]]
view_a, view_b = (recipes.tiny_crop(images, generator).flatten(1).double() for _ in range(2))
with training.seeded(ch.seed):
    network = models.mlp([196, 64, 16], dtype=torch.float64)


def gradient(loss):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))])


# %% tags=["solution"]
def without_gather():
    total = 0
    for rank in (0, 1):
        own = torch.arange(64) // 32 == rank
        keys = network(view_b)
        keys = torch.where(own[:, None], keys, keys.detach())
        logits = F.normalize(network(view_a[own])) @ F.normalize(keys).T / 0.5
        total = total + gradient(F.cross_entropy(logits, own.nonzero().flatten())) / 2
    return total


# %% tags=["solution"]
true = gradient(losses.info_nce(network(view_a), network(view_b), temperature=0.5))
tightness = gradient(F.normalize(network(view_b)).mean(dim=0).square().sum())
for name, found in {"true gradient": true, "without gather": without_gather()}.items():
    print(f"{name}: {-F.cosine_similarity(found, tightness, dim=0):+.2f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Fit the best rate for B = 16 … 1024 by $\eta^\star \propto B^\gamma$, for SGD and AdamW. Begin with a *noisy quadratic*; then put `train` in its place.
#
# Each axis is on its own: $w_j \leftarrow (1 - \eta h_j) w_j + \eta \varepsilon$, where the noise $\varepsilon$ has the variance $100\, h_j / B$. With $a_j = 1 - \eta h_j$ and $w_j = 1$ at the
# start, after $t$ steps
#
# $$ \mathbb E\, w_j^2 = a_j^{2t} + \eta^2\, \frac{100\, h_j}{B}\, \frac{1 - a_j^{2t}}{1 - a_j^2}, \qquad \mathbb E \text{ loss} = \tfrac12 \sum_j h_j\, \mathbb E\, w_j^2 . $$
#
# So a grid over $\eta$ needs no training. Here it is, with $t = 100$ (the factor $\frac12$ does not matter):

# %% tags=["solution"]
h, batches, rates = 1 / np.arange(1, 101), np.array([16, 64, 256, 1024]), np.geomspace(0.001, 1.9, 200)
keep = 1 - rates[:, None, None] * h
noise = (100 * h / batches[:, None]) * rates[:, None, None] ** 2 * (1 - keep**200) / (1 - keep**2)
best = rates[np.sum(h * (keep**200 + noise), axis=2).argmin(axis=0)]
gamma = np.polyfit(np.log(batches), np.log(best), 1)[0]
print("best rates of SGD:", best.round(3).tolist(), f"gamma = {gamma:.2f}")

# %% [markdown] tags=["solution"]
# Where noise rules, $\gamma$ is near $\frac12$ in so short a run. It falls to 0 where curvature caps the rate: beyond $\eta = 2 / h_1$ the first axis diverges, whatever $B$ is.
#
# For AdamW, put `train` of the lesson into the place of the quadratic. The right panel of its figure already says which way it goes: an unscaled rate is best there, so that $\gamma$ is about 0.

# %%
ch.footer()
