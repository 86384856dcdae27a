# %% [markdown]
# # The SSL interplay
#
# Which features does a self-supervised model keep? Those that its augmentations leave alone, says one school. Those that its architecture finds simple, says the other. This chapter gives each feature two numbers, one for either school, and shows how training weighs them.
#
# After this lesson you can predict from these two numbers which features survive, find the weight decay at which a model changes its mind, and say why a little weight decay is worth so much more than none.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch

import cookbook as cb
from replearn import descent, evaluation, spectral
from replearn.papers import ssl_interplay as world

ch = cb.Chapter("ssl_interplay", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + 3)
draw = np.random.default_rng(ch.seed)

# %% [markdown]
# ## 1 · Who knows more about digits?
#
# Here are handwritten digits, each seen in four **views**: shifted by up to a pixel, with a little noise.

# %%
digits = [world.digit_views(ch.pick(fast=150, toy=300), seed=s) for s in seeds]
ch.figures.views(digits[0])

# %% [markdown]
# A model is told which four belong together, and learns 20 features. Then fifty labels, five of each digit, train a linear probe on them, which is asked about a thousand new digits. We compare three encoders.
#
# - **Augmentations alone.** Features that are the same on all four views of a digit have a perfect score. There are very many such sets of 20 features. Take one at random.
# - **Kernel alone.** A Gaussian kernel finds inputs similar if their pixels are near, like a wide network ([the kernel regime](../02_kernel_regime/kernel_regime.ipynb)). Take its 20 cheapest features, and never look at which views belong together.
# - **Both.** The loss of the augmentations, with a weight decay $\lambda$ of 0.00001 on what the kernel must pay.
#
# All three use the kernel to carry their features to new digits. How the second and the third are solved is the matter of section 2; `interplay_solution` does it.


# %%
def kernels(seen):
    width = spectral.median_bandwidth(seen.x) / 2**0.5
    k = spectral.rbf_kernel(seen.x, bandwidth=width) + 1e-8 * np.eye(len(seen.x))
    return k, spectral.rbf_kernel(seen.x_new, seen.x, bandwidth=width)


def encoder(seen, image, beta=1.0, lam=1e-5):
    k, k_new = kernels(seen)
    average = np.equal.outer(image, image) / 4  # a matrix: the mean over the four views of an image
    model = world.interplay_solution(average, k, 20, beta=beta, lam=lam)
    return model.Z, model.transform(k_new)


# %%
def augmentations_alone(seen, rng):
    k, k_new = kernels(seen)
    directions, _ = np.linalg.qr(rng.standard_normal((len(seen.y), 20)))
    features = len(seen.y) ** 0.5 * directions[seen.image]  # the same on all views of an image
    return features, k_new @ np.linalg.solve(k, features)


def accuracy(seen, features, features_new):
    few = np.concatenate([np.flatnonzero(seen.y == digit)[:5] for digit in range(10)])
    first_view = features[4 * few]
    return evaluation.ridge_probe(first_view, seen.y[few], features_new, seen.y_new, lam=1e-2, standardize=False)


# %% [markdown]
# *Guess first:* rank the three. Is the best of them a little better than the others, or a lot? And a fourth, which has kernel and augmentations but was told *lies* about which views belong together?

# %%
encoders = []
for seen in digits:
    found = {"augmentations alone": augmentations_alone(seen, draw), "both": encoder(seen, seen.image)}
    found["kernel alone"] = encoder(seen, seen.image, beta=0.0)
    found["both, with lies"] = encoder(seen, draw.permutation(seen.image))
    encoders.append(found)
scores = [{name: accuracy(seen, *found[name]) for name in found} for seen, found in zip(digits, encoders, strict=True)]

# %%
ch.figures.three_encoders(digits[0], encoders[0], scores)
gains = [of["both"] - max(of["augmentations alone"], of["kernel alone"]) for of in scores]
ch.measure("digits", gain=gains)
ch.measure("wrong-views", accuracy=[of["both, with lies"] for of in scores])

# %% [markdown]
# **What you saw.** (The dots are new digits in two of the 20 features, five digits in a colour each.) Perfect augmentations without an architecture are near chance. The architecture without augmentations is not good. Together they are about twice as good as the better one. So neither school is right, and we need to know how the two combine.
#
# > **Check yourself.** The first encoder has a perfect score on the four views that it saw. Will two new views of the same digits agree as well? ([Answers](ssl_interplay_solutions.ipynb))

# %% [markdown]
# ## 2 · Two numbers for each feature
#
# Let $f$ be a feature, a function of a view, with $\mathbb E f(v)^2 = 1$. Let $v$ and $v'$ be two views of one input, drawn independently.
#
# - $\mathrm{agree}(f) = \mathbb E f(v) f(v')$ is the school of augmentations. It is 1 if $f$ is the same on all views of an input, and 0 if one view tells nothing of the other.
# - $\mathrm{price}(f)$ is the school of architectures. The model computes $W^\top \Phi(v)$ from fixed features $\Phi$ with weights $W$. The price is the smallest $\|w\|^2$ of a column $w$ with $w^\top \Phi = f$.
#
# The loss for $K$ features $z = W^\top \Phi(v)$ and $z' = W^\top \Phi(v')$ asks that views agree, that features are orthonormal, and that weights are small:
#
# $$ \mathcal L = \beta\, \mathbb E \|z - z'\|^2 + \big\| \mathbb E\, z z^\top - I_K \big\|_F^2 + 2 \lambda \|W\|_F^2 , \qquad 0 \le \beta \le 1 . \tag{1} $$
#
# With $\beta = 1$ and $\lambda = 0$ this is the spectral contrastive loss (exercise 2), with $\beta = 0$ it has no augmentations.

# %% [markdown]
# Suppose that $f_1, f_2, \dots$ are orthonormal, that views mix none of them with another ($\mathbb E f_i(v) f_j(v') = 0$ for $i \ne j$), and that their weights are orthogonal too. Give the embedding $K$ of them, $z_i = \sqrt{m_i}\, f_i$, with second moments $m_i \ge 0$. Then $\mathbb E \|z - z'\|^2 = \sum_i 2 m_i (1 - \mathrm{agree}_i)$, and (1) falls apart into one sum:
#
# $$ \mathcal L = \sum_i \Big[ 2 \beta m_i (1 - \mathrm{agree}_i) + (m_i - 1)^2 + 2 \lambda\, m_i\, \mathrm{price}_i \Big] = \sum_i \Big[ (m_i - e_i)^2 + 1 - e_i^2 \Big], $$
#
# $$ e_i = 1 - \beta + \beta\, \mathrm{agree}_i - \lambda\, \mathrm{price}_i . \tag{2} $$
#
# (Multiply out both brackets to see it.) The best second moment is $m_i = e_i$ if $e_i$ is positive, else 0: the feature is dropped. A feature kept lowers the loss by $e_i^2$, so one keeps **the $K$ features with the largest $e_i$**. The paper shows that no other embedding does better, and what to do when views or weights do mix features ([lab](ssl_interplay_lab.ipynb), section A).
#
# Each feature is a straight line in $\lambda$: it starts at what the augmentations think of it, and falls as steeply as it is dear.

# %% [markdown]
# Take the paper's three features, and room for *one*: $\mathrm{agree} = 0.9, 0.75, 0.5$ and $\mathrm{price} = 0.4, 0.25, 0.125$, with $\beta = 1$. *Guess first:* does the second ever win? It is the first choice of neither school. Then **drag `lam`**.

# %%
agree, price = np.array([0.9, 0.75, 0.5]), np.array([0.4, 0.25, 0.125])
cb.explore(ch.figures.three_lines, agree, price, lam=(0.0, 3.0, 0.05), figsize=(7.2, 3.4))

# %% [markdown]
# Does *training* know? Hide the three features in a random rotation, minimise (1) by descent from random weights, and see how much of the feature it finds is the winner of (2).

# %%
hidden = torch.tensor(np.linalg.qr(draw.standard_normal((3, 3)))[0])  # a feature in each column
views = hidden * torch.tensor(agree) @ hidden.T  # averages a function over the views
features = hidden / torch.tensor(price).sqrt() @ hidden.T  # Φ of each input, a row


def descend(W, views, features, beta, lam):
    z, K = features @ W, W.shape[1]
    apart = 2 * (z * (z - views @ z)).sum() / len(z)  # mean of |z - z'|²
    second = z.T @ z / len(z)
    return beta * apart + (second - torch.eye(K)).square().sum() + 2 * lam * W.square().sum()


# %%
overlaps = []
for lam in [0.5, 0.9, 1.1, 1.5, 1.9, 2.1, 2.5]:
    start = torch.tensor(draw.standard_normal((3, 1)))
    (w,) = descent.minimize(lambda W, lam=lam: descend(W, views, 3**0.5 * features, 1.0, lam), [start])
    share = (hidden.T @ features @ w).flatten().square()
    share = share / share.sum()
    winner = np.argmax(agree - lam * price)
    overlaps.append(share[winner].item())
    print(f"lam = {lam}: feature {winner + 1} predicted, {share[winner]:.4f} of what descent found")
ch.measure("three-regimes", overlap=overlaps)

# %% [markdown]
# **What you saw.** Below $\lambda = 1$ the augmentations choose, above 2 the architecture. Between them wins a feature that is second for both: this is the *interplay*.
#
# > **Check yourself.** At which $\lambda$ is nothing learned at all?

# %% [markdown]
# ## 3 · Eight bits on a ring
#
# Now a world with 256 inputs in which every feature has both numbers in closed form. An input is eight bits $x_i = \pm 1$ on a ring. A view is a **crop**: it keeps four neighbouring bits, from a random place on, and redraws the others. The features are **parities**: for a set $S$ of bits, $\chi_S(x) = \prod_{i \in S} x_i$. The 256 parities are orthonormal. Here are two of them.

# %%
ch.figures.rings({"a local triple": [0, 1, 2], "a spread pair": [0, 3]}, window=4)

# %% [markdown]
# **How a crop sees them.** If the window holds all of $S$, the parity is kept. If one bit is redrawn, it is right as often as wrong. So on average over views a parity is multiplied by the probability that the window holds $S$, and for two views $\mathrm{agree} = \Pr(S \subset \text{window})^2$. Only the *spread* of $S$ counts: the length of the shortest arc that holds it.
#
# **How a kernel sees them.** Let $k(v, v') = e^{2 v^\top v' / 8}$. It only counts how many bits are equal. One can write it as $k(v, v') = \sum_S \nu_{|S|}\, \chi_S(v)\, \chi_S(v')$: the features are $\Phi_S = \sqrt{\nu_{|S|}}\, \chi_S$, and to make $\chi_S$ takes a weight of $1 / \sqrt{\nu_{|S|}}$. So $\mathrm{price} = 1 / \nu_{|S|}$, where $\nu_{|S|} = \mathbb E\, k(x, \mathbf 1)\, \chi_S(x)$, and only the *number* of bits counts.
#
# *Guess first:* which of the two does the crop like better, and by how much? Which one is cheaper? Let two crops of many inputs tell, without any formula.

# %%
x = draw.choice([-1.0, 1.0], (200_000, 8))
view, other = (world.crop_views(x, 4, generator=draw) for _ in range(2))
sampled = [np.mean(world.parity(view, S) * world.parity(other, S)) for S in ([0, 1, 2], [0, 3])]
nu = world.degree_eigenvalues(lambda u: np.exp(2 * u), 8)
print(f"agreement: triple {sampled[0]:.3f}, pair {sampled[1]:.3f} (formula {1 / 16:.3f}, {1 / 64:.3f})")
print("price of a parity of 0, 1, 2, 3, 4 bits:", (1 / nu[:5]).round(1))
ch.measure("two-tastes", agree=sampled[0] - sampled[1], price=nu[2] / nu[3])

# %% [markdown]
# **What you saw.** Crops like what is *local*, whatever the number of bits. The kernel likes *few bits*, however far apart. The triple has more agreement, the pair is four times cheaper, and by (2) they change places where $\beta\, (\frac1{16} - \frac1{64}) = \lambda\, (\frac1{\nu_3} - \frac1{\nu_2})$:

# %%
cube = world.hypercube(8)
kernel = np.exp(2 * cube @ cube.T / 8)
beta = 0.9
swap = beta * (1 / 16 - 1 / 64) / (1 / nu[3] - 1 / nu[2])
print(f"they change places at lambda = {swap:.5f}")

# %% [markdown]
# Give a model $K = 33$ features. That is room for the constant, the 8 single bits, 16 pairs of near bits, and *one* group of eight more: the 8 local triples or the 8 spread pairs. Train it by descent on (1), at 0.7 and at 1.3 times this $\lambda$, and ask a linear probe for two targets: the sum of the triples and the sum of the pairs. `unexplained` is the part of a target's variance that no linear probe reaches.
#
# *Guess first:* how much worse does each target get?


# %%
def unexplained(z, target):
    residual = evaluation.null_projection_residual(z, target[:, None])
    return (residual / np.linalg.norm(target)) ** 2


def trained(views, K, lam):
    start = 0.1 * torch.tensor(draw.standard_normal((256, K)))
    views, given = torch.tensor(views), torch.tensor(np.linalg.cholesky(kernel))
    (W,) = descent.minimize(lambda W: descend(W, views, given, beta, lam), [start])
    return (given @ W).numpy()


# %%
_, parities, degree, spread = world.parity_basis(8)
triples = parities[:, (degree == 3) & (spread == 3)].sum(axis=1)
pairs = parities[:, (degree == 2) & (spread == 4)].sum(axis=1)
crops = world.augmentation_operator(world.crop_channel(8, 4))
below, above = (trained(crops, 33, factor * swap) for factor in [0.7, 1.3])
for name, z in {"below": below, "above": above}.items():
    print(f"{name}: unexplained of the triples {unexplained(z, triples):.4f}, of the pairs {unexplained(z, pairs):.4f}")

# %%
ch.measure("swap-below", triples=unexplained(below, triples), pairs=unexplained(below, pairs))
ch.measure("swap-above", triples=unexplained(above, triples), pairs=unexplained(above, pairs))
ch.figures.frontier(nu, degree, spread, beta, swap)

# %% [markdown]
# *Look at the two ringed groups.* Each dot is a group of parities, placed by the probability that a window holds it and by its price. The black ones are kept, and $e_i$ is the same all along the orange line. At $\lambda = 0$ the line would be vertical, and only locality would count. For large $\lambda$ it is horizontal, and only the number of bits counts.
#
# **What you saw.** From one side of a predicted weight decay to the other, one target goes from perfectly explained to *not at all*, and the other the opposite way. With room for 33, no $\lambda$ is right for both, and only the target can say which is.
#
# The control: flip each bit with probability 0.1 in the place of cropping. Then both schools count bits and nothing else. There is room for all pairs ($K = 37$).

# %%
flips = world.augmentation_operator(world.flip_channel(8, 0.1))
change = [unexplained(trained(flips, 37, factor * swap), triples) for factor in [0.7, 1.3]]
print("unexplained of the triples with flips, below and above:", np.round(change, 4))
ch.measure("flips-never-swap", change=abs(change[1] - change[0]))

# %% [markdown]
# > **Check yourself.** A colleague's targets are products of two bits that are far apart. Should she use crops, and which way should she turn the weight decay?

# %% [markdown]
# ## 4 · A little is not nothing
#
# Back to the digits, and to the strange case of *augmentations alone*. *Guess first:* how large must $\lambda$ be before the kernel helps? Here is the accuracy from $10^{-8}$ to $10^{-1}$, a mean of three draws.

# %%
strengths = np.geomspace(1e-8, 1e-1, 8)
swept = [[encoder(seen, seen.image, lam=lam) for lam in strengths] for seen in digits]
curves = np.array([[accuracy(seen, *z) for z in row] for seen, row in zip(digits, swept, strict=True)])
mean = {name: np.mean([of[name] for of in scores]) for name in scores[0]}
cb.explore(ch.figures.strength, strengths, curves.mean(0), mean, swept[0], digits[0], step=(0, 7), figsize=(7.6, 3.3))

# %%
better = curves.mean(0) > mean["kernel alone"]
decades = np.log10(strengths[better][-1] / strengths[better][0])
jump = curves[:, 0].mean() - mean["augmentations alone"]
ch.measure("little-is-not-nothing", jump=jump, decades=decades)

# %% [markdown]
# **What you saw.** **Drag `step`.** The smallest $\lambda$ does nearly all. At $\lambda = 0$ all features that agree perfectly have the same $e = 1$: a tie, and many ways to break it are bad. Any positive $\lambda$ breaks it in favour of the cheapest ones. Then for four powers of ten little happens. Beyond, price takes over from agreement, and at last features die, one after the other, as their $e$ passes zero.
#
# > **Check yourself.** Gradient descent on a network has a bias towards small weights even with $\lambda = 0$. Which point of the curve is it like?

# %% [markdown]
# ## What breaks
#
# - **The positive part.** A feature with $e_i \le 0$ is lost, however large $K$ is. With $\beta = 1$ this comes early, as most features agree little; with $\lambda$ large, all are lost: complete collapse.
# - **Constants.** (1) has $2 \lambda \|W\|^2$. With $\lambda \|W\|^2$, put $\lambda / 2$ into (2).
# - **Two views may coincide.** They are drawn independently, so a view may meet itself. [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) never pairs a sample with itself; that moves the scale of agreement, not the order.
# - **A fixed kernel.** The features $\Phi$ do not move: this is the theory of a very wide network. The paper also trains real ones; this chapter does not.
# - **One way to break the tie.** Section 4 takes a random one at $\lambda = 0$. A luckier one may do better.
# - **The digits are ours**, and have no counterpart in the paper.

# %% [markdown]
# The [lab](ssl_interplay_lab.ipynb) has the general theorem, the bargain on the cube with its own slider, how many images and views it takes, and why small batches need not hurt.
#
# ## Summary
#
# 1. A feature has two numbers: how much two views agree on it, and what the architecture pays for it.
# 2. Training keeps the $K$ features with the largest $e = 1 - \beta + \beta\, \mathrm{agree} - \lambda\, \mathrm{price}$, if it is positive.
# 3. So between the regime of the augmentations and that of the architecture lies a third, whose winner is the first choice of neither.
# 4. Crops like local features, kernels features of few bits: at a predicted $\lambda$ one group replaces another, all at once.
# 5. Augmentations alone leave a tie among very many encoders. The smallest weight decay breaks it, and makes accuracy out of near chance.
#
# The exercises take about an hour, those of the lab two.

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 10 min. Show that bit flips with probability $p < 1/2$ give no interplay: no $\lambda$ changes the order of the parities. (A flip multiplies a bit by $1 - 2p$ on average.)
#
# <details><summary>Hint</summary>How do agreement and price change with the number of bits?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Show that (1) with $\beta = 1$, $\lambda = 0$ is $-2\, \mathbb E\, z^\top z' + \mathbb E\, (z^\top y)^2 + K$, where $y$ is the embedding of a view of another input: the spectral contrastive loss. Check it on the cube.
#
# <details><summary>Hint</summary>The squared norm of $\mathbb E\, z z^\top$ is a mean over two independent inputs.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Crop narrower: $w = 3$. Where do triples and spread pairs change places now? Can $\beta = 1$ learn the spread pairs at any $\lambda$?
#
# <details><summary>Hint</summary>How often does a window of three hold two bits that are three apart?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - V. Cabannes, B. Kiani, R. Balestriero, Y. LeCun, A. Bietti. [The SSL Interplay: Augmentations, Inductive Bias, and Generalization](https://arxiv.org/abs/2302.02774). *ICML*, 2023.
# - J. HaoChen et al. [Provable guarantees for self-supervised deep learning with spectral contrastive loss](https://arxiv.org/abs/2106.04156), 2021. B. Kiani et al. [Joint embedding SSL in the kernel regime](https://arxiv.org/abs/2209.14884), 2022.
# - N. Saunshi et al. [Understanding contrastive learning requires incorporating inductive biases](https://arxiv.org/abs/2202.14037), 2022. R. O'Donnell. *Analysis of Boolean functions*, 2014.
