# %% [markdown]
# # The canonical-correlation family
#
# A network is told to say the same about two views, and to use all of its dimensions. Nobody tells it what to say. So what will it keep?
#
# After this lesson you can read the answer off a list of correlations before you train: what VICReg keeps, what breaks without one of its terms, and why Barlow Twins, W-MSE and SwAV keep nearly the same.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from ipywidgets import IntSlider
from torch import nn

import cookbook as cb
from replearn import descent, losses, methods, recipes, spectral, training
from replearn.papers import canonical_correlation as world

ch = cb.Chapter("canonical_correlation", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)


def random_weights(K):  # of K numbers for each half
    return torch.randn(2, 26, K, dtype=torch.float64, generator=generator)


# %% [markdown]
# ## 1 · One number each
#
# Cut a handwritten digit across the middle. You see the upper half, I see the lower half, and each of us may say **one number**. What should we say, so that our numbers agree?

# %%
upper, lower, images, labels = world.digit_halves()
ch.figures.halves(images[:18])

# %% [markdown]
# The two halves are two **views** of one digit: call them $v$ and $v'$, 26 pixels each (those that vary; each has mean 0 and variance 1). There is a useless answer: we both always say 7. So we forbid it. A number must *vary*: over all digits it has mean 0 and variance 1.
#
# Say weighted sums of pixels, $a = w^\top v$ and $b = w'^\top v'$. With variances of 1, to agree is to correlate:
#
# $$ \mathbb{E}\,(a - b)^2 = \mathbb{E}\,a^2 + \mathbb{E}\,b^2 - 2\, \mathbb{E}\,ab = 2\, (1 - \rho), \tag{1} $$
#
# with $\mathbb{E}$ the mean over all digits, and $\rho = \mathbb{E}\,ab$ the correlation of our two numbers: 0 if no line predicts mine from yours, 1 if they are always equal.
#
# *Guess first.* Three ways to choose the weights: at random; the direction in which each half *varies most* (its first principal component); the best there are. What will $\rho$ be?


# %%
def correlation(w, w_prime):
    return losses.cross_correlation(upper @ w, lower @ w_prime)[0, 0]


at_random = np.mean([abs(correlation(*random_weights(1))) for _ in range(20)])
principal = [torch.linalg.svd(half).Vh[0][:, None] for half in (upper, lower)]
best = descent.minimize(lambda w, w_prime: -correlation(w, w_prime), random_weights(1))

agree, vary = correlation(*best), abs(correlation(*principal))
print(f"at random {at_random:.2f}   varying most {vary:.2f}   agreeing most {agree:.2f}")
ch.measure("agree-not-vary", agree=agree, vary=vary)
ch.figures.best_pair(upper @ best[0], lower @ best[1], labels, images)

# %% [markdown]
# **What you saw.** What agrees is not what varies. *Left:* a dot is a digit, and its colour is its class, which nobody used; yet the classes sit in different places along the cloud. *Right:* digits from the smallest sum of the two numbers to the largest. One end belongs to the 4s, the other to 2s and 5s (which end is which, the random start decides).
#
# > **Check yourself.** You try to cheat: in place of your number you say a million times it. Does (1) become easier for us? (Each *Check yourself* is answered at the head of the [solutions](canonical_correlation_solutions.ipynb). The exercises at the end take 45 minutes, those of the lab two and a half hours more.)

# %% [markdown]
# ## 2 · Four numbers each
#
# Now each may say $K = 4$ numbers. Again there is a useless answer: say the best number four times. So we forbid that, too: the numbers of one half must not *correlate* with each other.
#
# Let the rows of $X$ and $Y$ hold the $N$ upper and lower halves, $C_x$ and $C_y$ their covariances, $C_+ = X^\top Y / N$ the covariance between them. We look for weights $A$ and $B$, a column for each number:
#
# $$ \min_{A, B}\ \tfrac1N \|XA - YB\|^2 \quad \text{with} \quad A^\top C_x A = B^\top C_y B = I_K . \tag{2} $$
#
# Here $\|\cdot\|^2$ sums the squares of all entries and $I_K$ is the identity. This is **canonical correlation analysis** (CCA; Hotelling, 1936).
#
# 1. Expanded as in (1), the distance is $2K - 2 \operatorname{tr}(A^\top C_+ B)$.
# 2. Put $A = C_x^{-1/2} \tilde A$ and $B = C_y^{-1/2} \tilde B$. Now $\tilde A$ and $\tilde B$ must have orthonormal columns, and the trace becomes $\operatorname{tr}(\tilde A^\top \widehat C_+ \tilde B)$ with $\widehat C_+ = C_x^{-1/2} C_+ C_y^{-1/2}$.
# 3. No choice makes that larger than the sum of the $K$ largest singular values $\rho_1 \ge \rho_2 \ge \dots$ of $\widehat C_+$, and their singular vectors reach it (proof in the [lab](canonical_correlation_lab.ipynb), B). So the minimum is
#
# $$ 2 \sum_{i \le K} (1 - \rho_i) . \tag{3} $$

# %% [markdown]
# The $\rho_i$ are the **canonical correlations**, one for each **canonical direction**: a pair of numbers, one from each half, that correlate with $\rho_i$ and with no other pair at all.
#
# **W-MSE** (Ermolov et al., 2021) is (2) with a network in the place of $A$. It *whitens* each embedding, that is, it moves it to mean 0 and maps it linearly to the covariance $I_K$, and then takes the squared distance. (The paper scales each embedding to length 1 after that; `normalize=False` leaves it out.)
#
# *Guess first.* Let W-MSE descend from random weights. `spectral.cca` knows the $\rho_i$ from singular values. Which of 26 directions will the four numbers span, and how near to (3) will the loss end?


# %%
def w_mse(A, B):
    return losses.w_mse(upper @ A, lower @ B, normalize=False, correction=0)


A, B = descent.minimize(w_mse, random_weights(4), steps=100)
rho, canonical_A, canonical_B = spectral.cca(upper, lower, dim=26)
predicted = 2 * np.sum(1 - rho[:4])
print(f"loss {w_mse(A, B):.6f}, predicted {predicted:.6f}")
canonical = upper @ torch.tensor(canonical_A)  # column i: the number of canonical direction i
angles = spectral.principal_angles(upper @ A, canonical[:, :4])
ch.measure("wmse-is-cca", loss=abs(w_mse(A, B) / predicted - 1), span=angles.max())
ch.figures.kept(rho, upper @ A, canonical)

# %% [markdown]
# **What you saw.** The four directions of largest correlation are kept whole, the fifth not at all. Descent knew nothing of singular values. (`principal_angles` compares two spaces; 0° says that they are one.)
#
# > **Check yourself.** Leave out both constraints of (2). Where does descent end now?

# %% [markdown]
# ## 3 · The sea level
#
# **VICReg** (Bardes et al., 2022) forbids nothing. It adds a price. With $Z = XA$ and $Z' = YB$, and $C_{kl}$ the covariance of dimensions $k$ and $l$ of $Z$ (primed: of $Z'$), it minimises
#
# $$ \mathcal{L} = \frac{\mathrm{inv}}{N K} \|Z - Z'\|^2 + \frac{\mathrm{var}}{2K} \sum_k \Big[ \big(1 - \sqrt{C_{kk}}\big)_+ + \big(1 - \sqrt{C'_{kk}}\big)_+ \Big] + \frac{\mathrm{cov}}{K} \sum_{k \ne l} \big( C_{kl}^2 + C'^{\,2}_{kl} \big) , \tag{4} $$
#
# where $(a)_+ = \max(a, 0)$. The three terms say: *agree; vary; do not repeat yourself*. The usual weights are $\mathrm{inv} = \mathrm{var} = 25$ and $\mathrm{cov} = 1$. As in the authors' code, the variance term is averaged over the two views and the covariance term summed, covariances divide by $N - 1$, and $10^{-4}$ stands under the root. (Sections 1 and 2 divide by $N$. For the directions that makes no difference.)

# %% [markdown]
# **What does it keep?** Let $\gamma_i$ be the variance that the embedding spends on canonical direction $i$, the same for both halves.
#
# - *Agree:* by (1), direction $i$ adds $2\, (1 - \rho_i)\, \gamma_i$ to the squared distance.
# - *Vary:* suppose that this term gets its wish, $C_{kk} = 1$. Then $\sum_i \gamma_i = \operatorname{tr} C = K$.
# - *Do not repeat:* $\sum_{k \ne l} C_{kl}^2 = \|C\|^2 - K$, and $\|C\|^2 \ge \sum_i \gamma_i^2$. For a matrix with the same squared norm as $C$ has the $\gamma_i$ on its diagonal (lab, B). Its diagonal is only a part of it: all of it when the directions are not mixed.
#
# There is left to minimise
#
# $$ \frac2K \sum_i \big[ \mathrm{inv}\, (1 - \rho_i)\, \gamma_i + \mathrm{cov}\, \gamma_i^2 \big] \quad \text{with} \quad \sum_i \gamma_i = K, \ \gamma_i \ge 0 . $$
#
# At the minimum nothing is gained by moving variance from one direction to another. So the derivative $\mathrm{inv}\, (1 - \rho_i) + 2\, \mathrm{cov}\, \gamma_i$ is the same for all directions that are kept (for the others it is larger, which is why they stay at 0). Write that common value as $\mathrm{inv}\, (1 - \rho_0)$, and solve for $\gamma_i$:
#
# $$ \gamma_i = \frac{\mathrm{inv}}{2\, \mathrm{cov}}\, (\rho_i - \rho_0)_+ \,. \tag{5} $$
#
# Think of the $\rho_i$ as mountains and of $\rho_0$ as the **sea level**. What stands above the sea is kept, in proportion to its height. What lies below is forgotten. The sea stands where the kept variances (at most $K$ of them) sum to $K$.
#
# *Guess first.* In our halves $\rho = 0.96,\ 0.85,\ 0.81,\ 0.80,\ 0.70, \dots$ and $K = 4$. With the usual weights, are the four kept alike? At about which smaller $\mathrm{cov}$ does the first of them drown, and when is only one left?

# %%
weights = ch.pick(fast=[0.5, 2], toy=[0.2, 0.5, 1, 2, 5])
found = {}
for weight in weights:
    loss = partial(losses.vicreg, cov=weight)
    Z, _ = world.train_linear(loss, upper, lower, dim=4, steps=300, seed=ch.seed)
    found[weight] = world.variance_spent(canonical, Z)

weight = cb.log_slider(1, 0.1, 10)
cb.explore(ch.figures.sea, rho, found, weight=weight, K=IntSlider(4, 1, 8), figsize=(7.2, 3.2))

# %%
predicted = {weight: world.sea_level(rho, dim=4, cov=weight).variance for weight in weights}
off = [world.misplaced_share(found[weight], predicted[weight]) for weight in weights]
above = {weight: np.sum(variance > 0.1) for weight, variance in found.items()}
ch.measure("sea-level", misplaced=off, at_half=above[0.5], at_two=above[2])

# %% [markdown]
# **What you saw.** *Left*, drag `weight`: the sea rises when the weight falls, and peaks drown. *Right*, the height of each peak above the sea, times $\mathrm{inv} / (2\, \mathrm{cov})$: lines by formula (5), dots by descent on (4), which knows nothing of a sea. From the right, the first direction drowns at 0.72 and the last but one at 0.35. Left of that the four numbers are copies of one. Right of everything all four lines approach 1: with an infinite weight, VICReg keeps what W-MSE keeps.
#
# > **Check yourself.** Drag `K` to 8 and leave the weight alone. Does the sea rise or fall, and why?

# %% [markdown]
# ## 4 · A network, one term at a time
#
# Now a network. A view is a random crop of a digit of 14 × 14 pixels, turned by up to 15°. Both views pass through the *same* small convolutional encoder $f$ and a *projector* of two layers behind it, whose output is the embedding $z$, with $K = 32$. With so small a $K$ the usual weight would leave the sea high, so we take $\mathrm{cov} = 10$ (section 6 says how it was chosen). The score is **low-shot accuracy**: a linear classifier learns from the encoder's output $f$ with 200 labels. Baselines: raw pixels, and the untrained encoder.
#
# *Guess first.* Leave out the variance term; then leave out the covariance term. In each case: what becomes of the embedding's standard deviation, and of the correlation between two of its dimensions?

# %%
mnist = recipes.tiny_mnist()
width, steps = ch.pick(fast=(8, 80), toy=(16, 200))
recipe = recipes.Recipe(width=width, steps=steps, dim=32)


def train(loss, augment=recipes.tiny_crop, seed=ch.seed, **method):
    settings = {"recipe": recipe, "augment": augment, "seed": seed, **method}
    return recipes.train_tiny(loss, mnist.x_train, **settings)


def embed(run):
    return training.features(nn.Sequential(run.encoder, run.projector), mnist.x_test)


# %%
vicreg = partial(losses.vicreg, cov=10)
runs = {
    "all three terms": train(vicreg),
    "without variance": train(partial(vicreg, var=0)),
    "without covariance": train(partial(vicreg, cov=0)),
}
embeddings = {name: embed(run) for name, run in runs.items()}
maps = [losses.correlation_matrix(z).abs() for z in embeddings.values()]
spread = [z.std(0).mean() for z in embeddings.values()]
alike = [losses.off_diagonal(correlations).mean() for correlations in maps]
score = [recipes.low_shot(run.encoder, mnist) for run in runs.values()]

# %%
ch.figures.three_runs(list(runs), maps, spread, alike, score)
untrained = recipes.low_shot(recipes.untrained(mnist.x_train, recipe, seed=ch.seed), mnist)
pixels = recipes.low_shot(nn.Flatten(), mnist)
print(f"untrained {untrained:.3f}   raw pixels {pixels:.3f}")
ch.measure("two-collapses", spread=spread[1], alike=alike[2])
ch.measure("covariance-pays", apart=alike[0], gain=score[0] - score[2])

# %% [markdown]
# **What you saw.** Without the variance term every digit lands on nearly one point: *total collapse*; compare the encoder's accuracy with that of the untrained one. Its square looks pale and healthy, since a correlation does not see how small its numbers are. Without the covariance term each dimension has its variance, and all say the same: *informational collapse*, the network's version of four copies. As $\mathrm{cov} \to 0$ the sea rises to the highest peak. (With all three terms the deviation is 0.63 here, not 1: the two other terms, which shrink, pull at it.)
#
# > **Check yourself.** A colleague watches the loss and the standard deviation of $z$ to be warned of collapse. What do they miss?

# %% [markdown]
# ## 5 · Does a network obey the sea level?
#
# The last layer of the projector is linear. Whatever the layers below it make of an image, the last one faces the task of section 3, with their 128 outputs in the place of our pixels. So (5) should hold there. We test it: take the network with all three terms, without its last layer. Show it two crops of each of 2,000 new digits, and let `spectral.cca` find the canonical correlations of its 128 outputs. Then train a fresh linear layer on these outputs, by VICReg with the usual weights and $K = 8$.
#
# *Guess first.* Formula (5) was derived for linear encoders. How much of the variance will it misplace here, of a share between 0 and 1? And what did training do to the correlations: what are they in the *untrained* network?


# %%
first = runs["all three terms"]
start = nn.Sequential(*recipes.tiny_encoder(recipe, seed=ch.seed))
training.warm_up_batch_norm(start, mnist.x_train[:1000])  # settles its normalization layers

below = partial(world.below_last_layer, images=mnist.x_test, augment=recipes.tiny_crop)
h, h_prime = below(first.encoder, first.projector)  # the 128 outputs, for two crops of each digit
rho_start = spectral.cca(*below(*start), dim=32).rho
rho_trained, canonical_A, _ = spectral.cca(h, h_prime, dim=32)

# %%
by_formula = world.sea_level(rho_trained, dim=8).variance
steps = ch.pick(fast=250, toy=500)
Z, _ = world.train_linear(losses.vicreg, h, h_prime, dim=8, steps=steps, seed=ch.seed)
by_descent = world.variance_spent((h - h.mean(0)) @ torch.tensor(canonical_A), Z)
ch.figures.network(rho_start, rho_trained, by_formula, by_descent)
off = world.misplaced_share(by_descent, by_formula)
ch.measure("network-sea", misplaced=off, raised=np.mean(rho_trained[:8] - rho_start[:8]))

# %% [markdown]
# **What you saw.** *Right:* a fresh last layer, trained to the end, obeys (5), too. *Left:* training has raised the mountains. So this is what "nonlinear canonical correlation analysis" means: the last layer sets the sea level, and the rest of the network builds correlations that stand above it. (In the network as it was trained the last layer is not finished. There the variances rise with $\rho$ along a line, too, but a steeper one than (5) says: [lab](canonical_correlation_lab.ipynb).)
#
# > **Check yourself.** Which of the three terms of (4) rewards the body for raising a correlation?

# %% [markdown]
# ## 6 · Other constraints, the same content
#
# The relatives forbid the two useless answers in other ways. **W-MSE** whitens, so that nothing is left to penalize (section 2).
#
# - **Barlow Twins** (Zbontar et al., 2021) looks *across* the views. With $R_{ij}$ the correlation of dimension $i$ of $Z$ with dimension $j$ of $Z'$, its loss is $\sum_i (1 - R_{ii})^2 + \lambda \sum_{i \ne j} R_{ij}^2$: partners agree, others have nothing in common.
# - **SwAV** (Caron et al., 2020) asks for balance. It assigns each view to one of $J$ *prototypes*, learned unit vectors, but so that all are used *equally often*; the other view must guess the assignment. Write a hard assignment as a row of $J$ numbers, one 1 and else 0. If each column has $N/J$ ones, then the columns have one length and are orthogonal, which is what (2) demands of $XA$, but for the mean. (SwAV's assignments are softer: see the lab.)
#
# *Guess first.* Take the VICReg network of section 4, and five others from *another* random start: trained by VICReg again, by the three relatives, and by VICReg on *other views* (whole digits, turned by any angle). How much of what the first one keeps can be read off each of them?

# %%
swav = partial(methods.SwAV, n_prototypes=32, dim=32, seed=ch.seed + 1)
another = partial(train, seed=ch.seed + 1)
others = {
    "vicreg": another(vicreg),
    "barlow_twins": another(partial(losses.barlow_twins, lam=0.3)),
    "w_mse": another(partial(losses.w_mse, shrink=0.0001)),
    "swav": another(partial(losses.swav_loss, temperature=0.2), method=swav),
}
other_views = another(vicreg, augment=recipes.tiny_augmentation(degrees=180))

# %% [markdown]
# All have the same encoder, steps, batch and $K$ (32 prototypes for SwAV). One knob of each was chosen among four to six values, on three other random starts, by accuracy (of SwAV two more knobs were tried and left alone): $\mathrm{cov} = 10$, $\lambda = 0.3$, a share of 0.0001 of the identity mixed into W-MSE's covariance, SwAV's temperature of 0.2. `share_known` reads one embedding off another by a linear map, and returns the share of variance that it explains on 1,000 digits it was not fitted to. Two more sources for comparison: raw pixels (their first 32 principal components) and the untrained network of the other start.


# %%
other_start = nn.Sequential(*recipes.tiny_encoder(recipe, seed=ch.seed + 1))
training.warm_up_batch_norm(other_start, mnist.x_train[:1000])
sources = {name: embed(run) for name, run in others.items()}
sources["VICReg, other views"] = embed(other_views)
sources["raw pixels"] = torch.linalg.svd(mnist.x_test.flatten(1), full_matrices=False).U[:, :32]
sources["untrained"] = training.features(other_start, mnist.x_test)
content = {name: world.share_known(z, embed(first)) for name, z in sources.items()}

accuracy = {name: recipes.low_shot(run.encoder, mnist) for name, run in others.items()}
untrained = recipes.low_shot(other_start[0], mnist)

# %%
ch.figures.family(content, accuracy, untrained, pixels)
relatives = np.mean([content[name] for name in ("barlow_twins", "w_mse", "swav")])
over_views, over_pixels = (relatives - content[name] for name in ("VICReg, other views", "raw pixels"))
ch.measure("same-content", over_views=over_views, over_pixels=over_pixels)
gains = np.array(list(accuracy.values())) - untrained
ch.measure("family-gains", gain=min(gains), ratio=np.ptp(gains) / np.mean(gains))

# %% [markdown]
# **What you saw.** *Left* (numbers of seed 0, scale `toy`): raw pixels know half of what the first network keeps, the untrained network a third. The relatives know 0.74 to 0.83 of it, VICReg from another start 0.87. VICReg with other views knows 0.45, no more than the pixels. So these two kinds of views differ more in what is kept than four ways of forbidding the useless answers. *Right:* all four read digits far better than their untrained start, and differ less among themselves.
#
# > **Check yourself.** Does the right panel say which of the four is best?

# %% [markdown]
# ## What breaks
#
# - **A weight copied without its $K$.** As long as fewer than $K$ directions stand above it, the sea level depends on $\mathrm{cov} \cdot K / \mathrm{inv}$ alone. Barlow Twins' $\lambda = 0.0051$ belongs to $K = 8192$; the lab shows what it does at $K = 4$.
# - **The toy is small.** Digits of 14 × 14 pixels, a few hundred steps at most, $K = 32$; SwAV without multi-crop and queue. On ImageNet a linear classifier reads 73.2 % off VICReg and off Barlow Twins, and 75.3 % off SwAV with multi-crop, as published; we have not reproduced that. Whether (5) describes networks of that size we have not measured.

# %% [markdown]
# ## Summary
#
# 1. Two views can agree in two useless ways: always say the same, and say one thing in all dimensions. The family forbids both.
# 2. What is left to keep are the canonical directions: pairs of numbers, one from each view, ordered by their correlation $\rho_i$.
# 3. A hard constraint (W-MSE) keeps the first $K$ alike. A soft one (VICReg) keeps what stands above a sea level, in proportion to its height; the sea falls as $\mathrm{cov}$ grows.
# 4. In a network a last layer that is trained to the end does the same with the outputs of the layers below, and training these raises the correlations.
# 5. On our digits other views changed what is kept more than another way of forbidding the useless answers did.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Cut the digits into left and right halves instead. Predict which cut has the larger $\rho_1$, then measure.
#
# <details><summary>Hint</summary>Which way do the strokes of most digits run, and which cut do they cross? `varying_pixels` and `spectral.cca` do the rest.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 15 min. At which weight does direction $n + 1$ emerge from the sea, when the first $n$ stand above it? Derive a formula from (5), and compare it with the slider.
#
# <details><summary>Hint</summary>At that moment $\rho_0 = \rho_{n+1}$. What do the first $n$ variances sum to?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. We supposed that the variance term gets its wish. Take $K = 1$ and one direction of correlation $\rho$. Which standard deviation minimises (4)? From which $\rho$ on is it 1?
#
# <details><summary>Hint</summary>With one dimension the loss is a function of its standard deviation alone, and has two terms.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its section on the canonical correlation analysis family. H. Hotelling. Relations between two sets of variates. *Biometrika*, 1936. G. Andrew et al. [Deep canonical correlation analysis](https://proceedings.mlr.press/v28/andrew13.html), 2013.
# - A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021. A. Ermolov et al. [Whitening for self-supervised representation learning](https://arxiv.org/abs/2007.06346), 2021. M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020.
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive SSL Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508), 2022: the closed forms of [Spectral embedding](../../2_spectral/01_spectral_embedding/spectral_embedding.ipynb).
