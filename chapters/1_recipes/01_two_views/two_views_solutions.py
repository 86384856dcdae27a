# %% [markdown]
# # Two views: solutions
#
# Try first: an exercise that you have seen solved is an exercise that you have lost.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from scipy.linalg import eigh
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import data, evaluation, losses, recipes, spectral, training

ch = cb.Chapter("two_views_solutions", scale=scale, seed=seed)
digits = data.load("digits").images[:, 0].double().numpy()

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Two coins: the first flips a picture left to right, the second upside down. How many of the 64 directions survive?
#
# The two coins make four views of a picture, and carry each pixel to four places: left or right, top or bottom. So the 64 pixels fall into 16 sets of four. A symmetric $w$ has one weight for each set: **16** directions survive, and the other 48 average to nothing.

# %%
four_views = [digits, digits[:, :, ::-1], digits[:, ::-1], digits[:, ::-1, ::-1]]
views = np.stack(four_views).reshape(4, -1, 64)
views = views - views.mean(axis=(0, 1))
average_view = views.mean(axis=0)

C = np.mean([view.T @ view / len(view) for view in views], axis=0)
C_plus = average_view.T @ average_view / len(average_view)
rho = eigh(C_plus, C, eigvals_only=True)[::-1]
print(f"{np.sum(rho > 0.5)} directions with correlation 1, {np.sum(rho < 0.5)} with correlation 0")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that an antisymmetric number $a = w^\top x$ has $\rho \le (1 - 2q)^2$ when the turn comes with probability $q$. When is it equal?
#
# Write $\epsilon = 1 - 2q$. Given $x$, the number is $-a$ with probability $q$ and $a$ otherwise: its mean is $\epsilon a$, and its square is $a^2$ always. With $\mu = E[a]$ over all pictures, the mean of everything is $\epsilon \mu$. So
#
# $$ \rho = \frac{\text{variance of } \epsilon a}{E[a^2] - \epsilon^2 \mu^2} = \epsilon^2 \, \frac{E[a^2] - \mu^2}{E[a^2] - \epsilon^2 \mu^2} \;\le\; \epsilon^2 , $$
#
# because $\epsilon^2 \le 1$ makes the denominator at least as large as the numerator. It is equal if the number has mean zero, $\mu = 0$, and at $q = 0$, $\frac12$ and 1.

# %% [markdown]
# *For those who want more (●●●).* The dots in the slider need not be antisymmetric: the best directions may mix both kinds, $w = w_+ + w_-$. The bound holds for them too. The part of $w^\top v$ that the coin decides has variance $(1 - \epsilon^2)\, E[(w_-^\top x)^2]$, which is $(1 - \rho)$ times the variance of $w^\top v$. A solution with $\rho < 1$ is
# uncorrelated with every symmetric number, since those belong to $\rho = 1$. So the variance of $w^\top v$ is its covariance with $w_-^\top v$ alone, and by Cauchy and Schwarz at most the variance of $w_-^\top v$, which is at most $E[(w_-^\top x)^2]$. Hence $1 - \rho \ge 1 - \epsilon^2$.

# %%
for q in (0.1, 0.25, 0.4):
    views = np.stack([digits, digits[:, ::-1, ::-1]]).reshape(2, -1, 64)
    rho = spectral.canonical_spectrum(*spectral.pair_moments(views, weights=[1 - q, q]))
    print(f"q = {q}: the best of the second half has {rho[32]:.4f}, the bound is {(1 - 2 * q) ** 2:.4f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. You want to read the *position* of a shape from the embedding. Which of these may you use: random hue, random shift, a random turn of the whole picture about its middle?
#
# Hue, yes: the views of a pair agree on position. Shift, no: that is what they disagree on. The turn, no: it carries a shape that is not in the middle around the middle. What the views still agree on is the *distance* from the middle, which is not linear in the position. We train with the turn:

# %%
images, factors = data.shapes(5000, seed=ch.seed, res=16)
images, targets = 2 * images - 1, data.shape_targets(factors)
grain, hue = data.GaussianNoise(0.1), data.HueRotate(180)
shift = data.RandomAffineCrop(scale=(1, 1), ratio=(1, 1), degrees=0, translate=0.45)
recipe = recipes.TINY._replace(steps=ch.pick(fast=30, toy=150), batch_size=64, dim=32)


def readable(network):
    z = training.features(network, images)
    found = [evaluation.r2_probe(z[:4000], t[:4000], z[4000:], t[4000:]) for t in targets.values()]
    return f"R² of hue {found[0]:.2f}, of position {found[1]:.2f}"


def embedding_by(augment):
    run = recipes.train_tiny(losses.nt_xent, images[:4000], augment=augment, recipe=recipe, seed=ch.seed)
    return nn.Sequential(run.encoder, run.projector)


turn = recipes.tiny_augmentation(degrees=180)
print("random turn:", readable(embedding_by(data.Compose(turn, grain))))

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Give one encoder *two* projectors, one trained with pairs of random hue, the other with pairs of noise alone. Does the encoder keep hue? Does each embedding do as it was told?
#
# One need not choose. The encoder must serve both projectors, so it keeps hue for the second; the first projector throws it away for itself. This is the idea of Xiao et al. 2021: one embedding for each set of invariances, and an encoder that keeps what any of them needs.

# %%
encoder, blind = recipes.tiny_encoder(in_channels=3, seed=ch.seed)
_, seeing = recipes.tiny_encoder(in_channels=3, seed=ch.seed + 1000)
parameters = [p for network in (encoder, blind, seeing) for p in network.parameters()]
optimizer = torch.optim.AdamW(parameters, lr=2e-3)
generator = torch.Generator().manual_seed(ch.seed)

for _ in range(ch.pick(fast=20, toy=150)):
    batch = images[torch.randint(4000, (64,), generator=generator)]
    recolored = [grain(hue(batch, generator), generator) for _ in range(2)]
    noisy = [grain(batch, generator) for _ in range(2)]
    for_blind, for_seeing = encoder(torch.cat(recolored + noisy)).chunk(2)
    loss = losses.nt_xent(*blind(for_blind).chunk(2)) + losses.nt_xent(*seeing(for_seeing).chunk(2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %%
print("encoder:", readable(encoder))
print("embedding that was shown random hue:", readable(nn.Sequential(encoder, blind)))
print("embedding that was shown noise alone:", readable(nn.Sequential(encoder, seeing)))

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. Two independent noises, of variances $a$ and $b$ along an axis of signal $s^2$. When is the new $\rho$ the product of the two old ones?
#
# Together $1 / \rho = 1 + (a + b) / s^2$. The product has $1 / (\rho_a \rho_b) = (1 + a/s^2)(1 + b/s^2) = 1 + (a + b)/s^2 + ab / s^4$. They are equal only if $ab = 0$: if the two noises act on different axes. Otherwise the two noises together leave *more* agreement than the product.

# %% [markdown] tags=["solution"]
# **L2** ●●○ 15 min. Prove the identity for $V$ views.
#
# Both sides stay the same if $\bar z$ is subtracted from every $z_i$, so let $\sum_i z_i = 0$. Then
#
# $$ \sum_{i \ne j} \|z_i - z_j\|^2 = \sum_{i, j} \left( \|z_i\|^2 + \|z_j\|^2 - 2 z_i^\top z_j \right) = 2 V \sum_i \|z_i\|^2 - 2 \Big\| \sum_i z_i \Big\|^2 = 2 V \sum_i \|z_i\|^2 . $$
#
# Divide by $V (V - 1)$.

# %% [markdown] tags=["solution"]
# **L3** ●●○ 20 min. Train the lesson's shapes with random hue *and* random shift. Are both forgotten as well as each was alone?
#
# Compare with the lesson's table: hue is forgotten as before, but more of the position is left than with random shift alone. There is more to obey in the same number of steps.

# %%
print("random hue and shift:", readable(embedding_by(data.Compose(hue, shift, grain))))

# %% [markdown] tags=["solution"]
# **L4** ●●● 90 min. Is random hue always wrong for the photographs, or only so much of it? Measure the accuracy for turns of the hue by up to 0, 20, 45, 90 and 180 degrees.
#
# A beginning, with one seed, read from the encoder; a serious answer has error bars. Small turns of the hue seem to cost nothing, large ones do.

# %%
photos = data.load("photos")
n, labels = photos.n_train, photos.labels
tiles = data.standardize(F.interpolate(photos.images, size=(16, 16), mode="area"))
of_class = [torch.nonzero(labels[:n] == c)[:35, 0] for c in range(11)]
labelled = torch.stack(of_class, dim=1).flatten()
sets = tiles[labelled], labels[labelled], tiles[n:], labels[n:]
crop_flip = data.RandomAffineCrop(scale=(0.3, 1), degrees=0, hflip=True)
photo_recipe = recipes.TINY_SHORT._replace(steps=ch.pick(fast=25, toy=100), batch_size=64)

for degrees in ch.pick(fast=(0, 180), toy=(0, 20, 45, 90, 180)):
    augment = data.Compose(crop_flip, data.HueRotate(degrees))
    run = recipes.train_tiny(losses.nt_xent, tiles[:n], augment=augment, recipe=photo_recipe, seed=ch.seed)
    accuracy = recipes.low_shot(run.encoder, sets, n_labels=55, repeats=7)
    print(f"hue turned by up to {degrees:3d} degrees: accuracy {accuracy:.3f}")

# %% [markdown]
# Without labels one can still look at what varies *within* a photograph and not between: two neighbouring tiles of one photograph are a positive pair that nature made. An augmentation is harmless if it changes a tile no more than such a neighbour differs from it. (That is a hypothesis: test it by measuring, for each angle, how far the hue of neighbouring
# tiles differs, and whether the accuracy falls where the augmentation goes beyond.)

# %% [markdown]
# ## Check yourself
#
# **Lesson, 2.** *With $q = 0.05$ and room for 40 numbers?* All 32 symmetric numbers, since $\rho = 1$. Then the 8 best of the others, with $\rho \le (1 - 0.1)^2 = 0.81$.
#
# **Lesson, 3.** *Mirrored letters?* For those that become another letter, or nearly: b and d, p and q; in capitals, N looks like И, which matters in Russian, and S and Z nearly trade places. A, H, I, M, O, T, U, V, W, X, Y do not mind. And as section 4 shows, "a bad idea" is a suspicion: measure.
#
# **Lesson, 4.** *Why can "no change" end below the untrained network?* The views of a pair agree from the start, so all that the loss asks for is that *different* pictures be pushed apart, two 3s as much as a 3 and an 8. Nothing in this order helps to read digits, and the random start was not made for it either.
#
# **Lesson, 5.** *Tomatoes?* Ripe and unripe differ in colour. Random colours order the network to forget just that, and the embedding will; the encoder may or may not. Leave them out, or weaken them, and compare on a few labelled tomatoes.
#
# **Lab, 1.** *The same noise along all axes?* Yes: with one $\sigma^2$ for all axes, $\rho_i = s_i^2 / (s_i^2 + \sigma^2)$ grows with $s_i^2$, so the order is that of the variances $s_i^2 + \sigma^2$, which is PCA's.

# %%
ch.footer()
