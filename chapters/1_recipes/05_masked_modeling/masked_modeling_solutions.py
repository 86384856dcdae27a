# %% [markdown]
# # Masked modelling: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch

import cookbook as cb
from replearn import data, methods, models, recipes, training
from replearn.papers.masked_modeling import gaussian_reconstruction

ch = cb.Chapter("masked_modeling_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
mnist = data.load("mnist_10k")
x_train, _ = mnist._replace(images=data.standardize(mnist.images)).train
centred = (x_train - x_train.mean(0)).double().flatten(1).numpy()
covariance = centred.T @ centred / len(centred)
tiny = recipes.tiny_mnist()
small = (tiny.x_train[:2000] - tiny.x_train[:2000].mean(0)).flatten(1).double().numpy()


def train_mlp(mask, seed, steps):
    with training.seeded(seed):
        encoder = models.MaskedMLP()
        decoder = models.MaskedMLPDecoder(encoder.dim, 4, encoder.grid)
    method = methods.MaskedAutoencoder(encoder, decoder, mask=mask)
    training.pretrain(method, tiny.x_train, steps=steps, lr=3e-3, weight_decay=1e-3, seed=seed)
    return recipes.low_shot(encoder, tiny)


# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Why is MAE with $r \to 0$ not an autoencoder? What is the best linear $R^2$ if only the patch in the middle is hidden?
#
# The loss (1) runs over the hidden patches only. However few they are, each has to be told from the others and can never be copied; an autoencoder copies. For the middle one of 49
# patches:

# %% tags=["solution"]
patches = data.patchify(torch.arange(784).reshape(1, 1, 28, 28), 4)[0].numpy()
seen, middle = np.delete(patches, 24, axis=0).flatten(), patches[24]
print(
    f"R² = {gaussian_reconstruction(covariance, seen, middle, ridge=0.01).r2:.3f}, where an autoencoder could reach 1"
)

# %% [markdown] tags=["solution"]
# **2** ●●○ 30 min. A stationary signal on a line has covariance $\rho^{|i - j|}$; $b$ neighbouring values are hidden. Find $R^2$ by hand, check it, and compare it with $b$ separate gaps.
#
# Let $s = \rho^2$, and let $k = 1, \dots, b$ count the values of the gap. As the signal is a Markov chain, value $k$ depends on the seen values only through the two ends, $k$ steps to the left
# and $n = b + 1 - k$ steps to the right. Given the left end its variance is $1 - s^k$. Given the left end, the right end has variance $1 - s^{b+1}$, and its covariance with value $k$ is
# $\rho^n (1 - s^k)$. Conditioning on the right end too leaves
#
# $$ (1 - s^k) - \frac{s^n (1 - s^k)^2}{1 - s^{b+1}} = (1 - s^k)\, \frac{1 - s^{b+1} - s^n + s^{n+k}}{1 - s^{b+1}} = \frac{(1 - s^k) (1 - s^{b+1-k})}{1 - s^{b+1}} , $$
#
# because $n + k = b + 1$. With variances 1, $R^2$ is one minus the mean of these over $k$. Separate gaps of one value, with seen neighbours on both sides, are each as for $b = 1$:
# $R^2 = 1 - (1 - s)^2 / (1 - s^2) = 2 s / (1 + s)$.

# %% tags=["solution"]
line, s = 0.9 ** abs(np.subtract.outer(np.arange(60), np.arange(60))), 0.81
for b in (1, 5, 10):
    k, gap = np.arange(1, b + 1), np.arange(20, 20 + b)
    kept = (1 - s**k) * (1 - s ** (b + 1 - k)) / (1 - s ** (b + 1))
    found = gaussian_reconstruction(line, np.delete(np.arange(60), gap), gap, ridge=0)
    print(f"b = {b}: R² = {1 - kept.mean():.4f} by hand, {found.r2:.4f} by the library")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Give the decoder no block at all, or two. What does the encoder learn from a decoder of depth 0, and why?

# %% tags=["solution"]
for depth in (0, 1, 2):
    encoder = models.TinyViT()
    decoder = models.MaeDecoder(encoder.dim, 49, encoder.grid, depth=depth)
    method = methods.MaskedAutoencoder(encoder, decoder)
    method.step(method.views(x_train, torch.arange(64), generator))["loss"].backward()
    moved = [weight.grad is not None and bool(weight.grad.any()) for weight in encoder.parameters()]
    print(f"depth {depth}: {sum(moved)} of {len(moved)} weights of the encoder have a gradient")

# %% [markdown] tags=["solution"]
# Nothing. The loss is read at the mask tokens, and only the attention of a decoder's block lets a mask token see the visible ones. At depth 0 each mask token is decoded alone, from its
# position, and no gradient reaches the encoder. One block is enough to open the way.

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Should one hide what the other patches predict best, or worst?
#
# Let $R_l^2$ be (2) with patch $l$ alone hidden. A random mask sorts the patches by random numbers $u_l$ from $[0, 1]$ and hides the last 13; a tilted one sorts by $u_l + R_l^2$, which hides
# what is predicted best rather, or by $u_l - R_l^2$.

# %% tags=["solution"]
C = small.T @ small / len(small) + 1e-6 * np.eye(196)
ids = data.patchify(torch.arange(196).reshape(1, 1, 14, 14), 2)[0]
easy = torch.tensor([gaussian_reconstruction(C, np.delete(np.arange(196), own), own).r2 for own in ids])


def tilted(n, grid, generator, sign):
    order = (torch.rand(n, 49, generator=generator) + sign * easy).argsort(1)
    return order[:, :36], order[:, 36:]


seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
steps = ch.pick(fast=30, toy=300)
for name, sign in {"best predicted rather": 1, "at random": 0, "worst predicted rather": -1}.items():
    scores = [train_mlp(partial(tilted, sign=sign), seed, steps) for seed in seeds]
    print(f"hide 13 patches, {name}: low-shot", *(f"{score:.3f}" for score in scores))

# %% [markdown] tags=["solution"]
# Rather the best predicted, if one has to choose. At scale `toy` hiding the worst predicted patches is behind random masks with each of three seeds, by 0.4 to 1.3 points: what no other
# patch tells of is a riddle without an answer. Hiding the best predicted is ahead with two seeds and behind with one, so that three seeds do not settle whether it beats random masks.

# %%
ch.footer()
