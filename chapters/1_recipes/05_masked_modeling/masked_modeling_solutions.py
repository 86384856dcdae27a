# %% [markdown]
# # Masked modelling: solutions
#
# Try first. The exercises stand in the [lesson](masked_modeling.ipynb) and in the [lab](masked_modeling_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch

import cookbook as cb
from replearn import data, methods, models, recipes, training
from replearn.papers import masked_modeling as world

ch = cb.Chapter("masked_modeling_solutions", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
digits = recipes.tiny_mnist()
x = digits.x_train.flatten(1).double()
x = x - x.mean(0)
covariance = x.T @ x / len(x)
mnist = data.load("mnist_10k")
large, _ = mnist._replace(images=data.standardize(mnist.images)).train
adamw = partial(torch.optim.AdamW, betas=(0.9, 0.95))

# %% [markdown]
# ## Check yourself: the lesson
#
# 1. *A factor.* With $y$ the deviation of the nearest pixel and $x_h$ that of the hidden one, $\mathbb{E} (x_h - \beta y)^2$ is smallest at $\beta = \mathbb{E}[x_h y] / \mathbb{E}[y^2]$: covariance over variance. That is (3) with a single seen pixel. The mean image is $\beta = 0$, a full copy of the deviation $\beta = 1$, and the best factor is never worse than either. (The lesson's bold copy takes over the *mean* of the nearest pixel as well, which costs even more.)
# 2. *Black or white.* With values 0 and 1 the best answer is ½ and costs $(½)^2 = ¼$ every time. A bold answer costs 0 or 1, on average ½: double, as (2) says.
# 3. *Two copies.* $\Sigma_{ss}$ has two equal rows and cannot be inverted: only the sum of their weights is determined. The ridge adds a little to the diagonal, and the copies then share the weight equally.
# 4. *Which row.* MAE's: scattered patches have more visible neighbours than squares or blocks of about the same share.
# 5. *Single pixels.* Near. A hole of one pixel has eight neighbours, of which half are seen.
# 6. *The lower loss.* No. Its game is easier, so that the two losses do not compare; and while the autoencoder's loss fell, its accuracy fell too.

# %% [markdown]
# ## Check yourself: the lab
#
# - **A.** *Below the dashed line.* Attention costs $L^2$: a quarter of the tokens, a sixteenth of the cost. The larger `side` is, the larger is the share of attention.
# - **B.** *Grey for white.* Both answer with something like an average over what may be hidden, and in some of those pictures the pixel is black.
# - **C.** *Seen pixels.* $F$ serves all masks, and a pixel that is 0 in $\tilde x$ may be hidden or really average. To allow for that it trusts each pixel less and takes some of its value from the others.
# - **D.** *The 5 × 5 square.* It starts in row 0, 1 or 2 and ends in row 4, 5 or 6. So it always covers rows 2 to 4, and columns 2 to 4: the nine patches in the middle, where the strokes are.
# - **E.** *People or machines.* One would have to try. The label is about the whole now, not about fine detail, which speaks for hiding; nothing in this chapter proves it.
# - **F.** *Frozen.* It cannot get better either: to predict random features of the hidden part is a poor goal. A moving teacher is to become a better goal as the encoder learns.

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Two pixels; and the patch in the middle.
#
# With $\Sigma_{ss} = \Sigma_{hh} = 1$ and $\Sigma_{hs} = \rho$, (3) gives $F = \rho$ and $R^2 = \rho^2$.
#
# The loss (1) runs over the hidden pixels only. However few they are, each has to be told from the others and can never be copied; an autoencoder copies. For the middle one of 49 patches:

# %% tags=["solution"]
patches = data.patchify(torch.arange(196).reshape(1, 1, 14, 14), 2)[0]
seen, middle = torch.cat([patches[:24], patches[25:]]).flatten(), patches[24]
r2 = world.gaussian_reconstruction(covariance, seen, middle, ridge=0.01).r2
print(f"R² = {r2:.3f}, where an autoencoder could reach 1")

# %% [markdown] tags=["solution"]
# **2** ●●○ 30 min. A signal on a line with correlation $\rho^{|i - j|}$; $b$ neighbouring values are hidden.
#
# Let $s = \rho^2$, and let $k = 1, \dots, b$ count the values of the gap. As the signal is a Markov chain, value $k$ depends on the seen values only through the two ends, $k$ steps to the left and $n = b + 1 - k$ steps to the right. Given the left end its variance is $1 - s^k$. Given the left end, the right end has variance $1 - s^{b+1}$, and its covariance with value $k$ is $\rho^n (1 - s^k)$. Conditioning on the right end too leaves
#
# $$ (1 - s^k) - \frac{s^n (1 - s^k)^2}{1 - s^{b+1}} = (1 - s^k)\, \frac{1 - s^{b+1} - s^n + s^{n+k}}{1 - s^{b+1}} = \frac{(1 - s^k) (1 - s^{b+1-k})}{1 - s^{b+1}} , $$
#
# because $n + k = b + 1$. With variances 1, $R^2$ is one minus the mean of these over $k$. Separate gaps of one value, with seen neighbours on both sides, are each as for $b = 1$: $R^2 = 1 - (1 - s)^2 / (1 - s^2) = 2 s / (1 + s)$. At $\rho = 0.9$ ten separate values are restored to 0.90, and a gap of ten to 0.61:

# %% tags=["solution"]
line, s = 0.9 ** abs(np.subtract.outer(np.arange(60), np.arange(60))), 0.81
for b in (1, 5, 10):
    k, gap = np.arange(1, b + 1), np.arange(20, 20 + b)
    left_over = (1 - s**k) * (1 - s ** (b + 1 - k)) / (1 - s ** (b + 1))
    found = world.gaussian_reconstruction(line, np.delete(np.arange(60), gap), gap, ridge=0)
    print(f"b = {b}: R² = {1 - left_over.mean():.4f} by hand, {found.r2:.4f} by the library")

# %% [markdown] tags=["solution"]
# **3** ●●● 60 min. Should one hide what the other patches predict best, or worst?
#
# Let $R_l^2$ be (3) with patch $l$ alone hidden. A random mask sorts the patches by random numbers $u_l$ from $[0, 1]$ and hides the last 13; a tilted one sorts by $u_l + R_l^2$, which hides what is predicted best rather, or by $u_l - R_l^2$.


# %% tags=["solution"]
def alone(patch):
    others = torch.cat([other for other in patches if other[0] != patch[0]])
    return world.gaussian_reconstruction(covariance + 1e-6 * torch.eye(196), others, patch).r2


easy = torch.tensor([alone(patch) for patch in patches])


def tilted(n, grid, generator, sign):
    order = (torch.rand(n, 49, generator=generator) + sign * easy).argsort(1)
    return order[:, :36], order[:, 36:]


# %% tags=["solution"]
def play(mask, seed, steps, patch=2):
    with training.seeded(seed):
        encoder = models.MaskedMLP(patch=patch)
        decoder = models.MaskedMLPDecoder(encoder.dim, patch**2, encoder.grid)
    method = methods.MaskedAutoencoder(encoder, decoder, mask=mask)
    training.pretrain(method, digits.x_train, steps=steps, lr=3e-3, weight_decay=1e-3, seed=seed)
    return recipes.low_shot(encoder, digits)


seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
steps = ch.pick(fast=30, toy=300)
for name, sign in {"best predicted rather": 1, "at random": 0, "worst predicted rather": -1}.items():
    scores = [play(partial(tilted, sign=sign), seed, steps) for seed in seeds]
    print(f"hide 13 patches, {name}: low-shot", *(f"{score:.3f}" for score in scores))

# %% [markdown] tags=["solution"]
# Rather the best predicted, if one has to choose. At scale `toy` hiding the worst predicted patches is behind random masks with each of three seeds: what no other patch tells of is a riddle without an answer. Whether hiding the best predicted beats random masks, three seeds do not settle.

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. Two pixels in two patches, correlation $\rho$.
#
# With $q = 1 - r$, $\mathbb{E}[\tilde x \tilde x^\top] = q \begin{pmatrix} 1 & q \rho \\ q \rho & 1 \end{pmatrix}$ and $\mathbb{E}[x \tilde x^\top] = q \begin{pmatrix} 1 & \rho \\ \rho & 1 \end{pmatrix}$, so that
#
# $$ F = \frac{1}{1 - q^2 \rho^2} \begin{pmatrix} 1 - q \rho^2 & (1 - q) \rho \\ (1 - q) \rho & 1 - q \rho^2 \end{pmatrix} . $$
#
# With both seen it guesses the first as $\big((1 - q \rho^2)\, x_1 + (1 - q) \rho\, x_2\big) / (1 - q^2 \rho^2)$, though $x_1$ is there to be read: the odd part. It cannot know that the second pixel was not hidden. With the first hidden it answers $(1 - q) \rho\, x_2 / (1 - q^2 \rho^2)$, less than the best $\rho\, x_2$. A network that gets flags can do better in both cases.

# %% [markdown] tags=["solution"]
# **L2** ●●○ 20 min. Give MAE's decoder no block at all, or two.

# %% tags=["solution"]
for depth in (0, 1, 2):
    encoder = models.TinyViT()
    decoder = models.MaeDecoder(encoder.dim, 49, encoder.grid, depth=depth)
    method = methods.MaskedAutoencoder(encoder, decoder)
    views = method.views(large, torch.arange(64), torch.Generator().manual_seed(ch.seed))
    method.step(views)["loss"].backward()
    moved = [weight.grad is not None and bool(weight.grad.any()) for weight in encoder.parameters()]
    print(f"depth {depth}: {sum(moved)} of {len(moved)} weights of the encoder have a gradient")

# %% [markdown] tags=["solution"]
# Nothing. The loss is read at the mask tokens, and only the attention of a decoder's block lets a mask token see the visible ones. At depth 0 each mask token is decoded alone, from its position, and no gradient reaches the encoder. One block is enough to open the way.

# %% [markdown] tags=["solution"]
# **L3** ●●● 60 min. Hide single pixels: does the best mask ratio rise?

# %% tags=["solution"]
for patch in (1, 2):
    for ratio in ch.pick(fast=[0.5], toy=[0.1, 0.25, 0.5, 0.75, 0.9]):
        scores = [play(partial(data.random_mask, ratio=ratio), seed, steps, patch) for seed in seeds[:2]]
        print(f"patches of {patch}, r = {ratio}: low-shot", *(f"{score:.3f}" for score in scores))

# %% [markdown] tags=["solution"]
# No: it falls. With single pixels a tenth or a quarter hidden is best (0.85), and from a half on accuracy drops, a little faster than with patches of 2 × 2, whose best is a quarter (0.84). (Two seeds at scale `toy`.) So redundancy of neighbours alone does not push the best ratio up here. Perhaps what counts is how much of the *digit* is still seen, and not how easily a pixel is guessed.

# %% [markdown] tags=["solution"]
# **L4** ●●● 60 min. Section F three times as long, with I-JEPA's masks.


# %% tags=["solution"]
def spread(mask, decay, steps):
    with training.seeded(ch.seed):
        encoder = models.TinyViT(depth=1)
        decoder = models.MaeDecoder(encoder.dim, 64, encoder.grid, dim=64)
    method = methods.LatentPrediction(encoder, decoder, mask=mask, decay=decay)
    settings = {"batch_size": 16, "lr": 2e-3, "weight_decay": 0.05, "optimizer": adamw}
    training.pretrain(method, large, steps=steps, seed=ch.seed, **settings)
    return training.features(encoder, large[:200]).std(0).mean().item()


half = partial(data.random_mask, ratio=0.5)
masks = {"scattered": half, "I-JEPA": partial(data.multiblock_mask, min_context=0.25)}
for name, mask in masks.items():
    for decay in ch.pick(fast=[0.0], toy=[None, 0.0, (0.99, 1), 1.0]):
        found = [spread(mask, decay, length) for length in ch.pick(fast=[30], toy=[60, 180])]
        print(f"{name}, decay {decay}: spread", *(f"{value:.3f}" for value in found))

# %% [markdown] tags=["solution"]
# With one seed at scale `toy`, from 60 to 180 steps: without a stop-gradient the spread goes on falling (0.025 to 0.013). Under a stop-gradient alone it hardly changes (0.10 to 0.09 with scattered masks, 0.11 to 0.12 with I-JEPA's). Under a slow or a frozen teacher it *grows*, from 0.11 to 0.16 and 0.19. So they begin to part, with the frozen teacher ahead. A larger spread is no better code: compare accuracies before you conclude anything.

# %%
ch.footer()
