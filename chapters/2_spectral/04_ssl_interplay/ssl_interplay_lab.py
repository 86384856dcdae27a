# %% [markdown]
# # The SSL interplay: lab
#
# The [lesson](ssl_interplay.ipynb) gave each feature an agreement and a price. Here is the rest: the general theorem, where views and weights mix the features; the whole bargain on the cube, with its own slider; how many images and how many views it takes; and why small batches need not hurt. Sections stand alone. The letters are those of the lesson.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from scipy.stats import ttest_1samp

import cookbook as cb
from replearn import descent, losses, spectral
from replearn.papers import ssl_interplay as world

ch = cb.Chapter("ssl_interplay_lab", scale=scale, seed=seed)
draw = np.random.default_rng(ch.seed)
seeds = range(ch.seed, ch.seed + 3)
cube = world.hypercube(8)
_, parities, degree, spread = world.parity_basis(8)
nu = world.degree_eigenvalues(lambda u: np.exp(2 * u), 8)

# %% [markdown]
# ## A · When views and weights mix the features
#
# The lesson supposed that one set of functions is orthonormal, kept apart by views, and kept apart by weights. In general no such set exists. Take $N$ points, all equally likely, and write a function as the vector $f$ of its $N$ values. Two matrices then say everything:
#
# - $\mathcal V$ averages a function over the other views: $(\mathcal V f)(v) = \mathbb E\, [f(v') \mid v]$. It is symmetric, $\mathcal V \mathbf 1 = \mathbf 1$, and $f^\top \mathcal V f / N = \mathbb E\, f(v) f(v')$ is the agreement;
# - $k$ is the kernel between the points, and $f^\top k^{-1} f$ the price.
#
# Collect $K$ features into $Z$ ($N \times K$). With $C = Z^\top Z / N$ one has $\mathbb E \|z - z'\|^2 = 2 \operatorname{tr} C - 2 \operatorname{tr}(Z^\top \mathcal V Z) / N$ and $\|C - I\|_F^2 = \|C\|_F^2 - 2 \operatorname{tr} C + K$. Add them up:
#
# $$ \mathcal L = \|C\|_F^2 - \tfrac2N \operatorname{tr}(Z^\top T Z) + K = \big\| \tfrac1N Z Z^\top - T \big\|_F^2 - \|T\|_F^2 + K, \qquad T = (1 - \beta) I + \beta \mathcal V - \lambda N k^{-1} . \tag{3} $$

# %% [markdown]
# So $T$ is what the loss wants the products of embeddings to be, as in [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) and [the kernel regime](../02_kernel_regime/kernel_regime.ipynb). The nearest matrix of rank $K$ without negative eigenvalues keeps the $K$ largest positive eigenvalues $e_i$ of $T$ with their eigenvectors: $z_i = \sqrt{e_i}\, f_i$, and the loss there is $K - \sum_i (e_i)_+^2$ with $(e)_+ = \max(e, 0)$. If $\mathcal V$ and $k$ share their eigenvectors, this is (2) of the lesson.
#
# Descent knows no eigenvectors. Take 40 random points with a Gaussian kernel. Views: from each point, random probabilities for all forty (made symmetric, and balanced so that all views are equally likely). *Guess first:* given ten dimensions, will descent use all of them?

# %%
x = draw.standard_normal((40, 2))
kernel = spectral.rbf_kernel(x, bandwidth=1.0) + 1e-3 * np.eye(40)
P = np.exp(2 * draw.standard_normal((40, 40)))
for _ in range(200):  # divide by the sums of rows, then of columns, until both are 1
    P = P / P.sum(1, keepdims=True)
    P = P / P.sum(0)
views = torch.tensor(world.augmentation_operator(P / P.sum(1, keepdims=True)))
given = torch.tensor(np.linalg.cholesky(kernel))


# %%
def penalized(W, beta=0.9, lam=2e-3):
    z = given @ W
    apart = 2 * (z * (z - views @ z)).sum() / 40
    return beta * apart + losses.decorrelation_loss(z) + 2 * lam * W.square().sum()


e = world.interplay_solution(views.numpy(), kernel, 10, beta=0.9, lam=2e-3).eigenvalues
gaps, unused = [], []
for _ in range(3):
    (W,) = descent.minimize(penalized, [0.1 * torch.tensor(draw.standard_normal((40, 10)))], steps=2000)
    gaps.append(abs(penalized(W).item() - (10 - np.sum(np.maximum(e, 0) ** 2))))
    unused.append(np.linalg.matrix_rank((given @ W).numpy(), tol=1e-2) - np.sum(e > 0))

# %%
print("e:", e.round(3))
ch.measure("closed-form", loss=gaps, rank=unused)

# %% [markdown]
# **What you saw.** Descent ends at the predicted loss, and uses one dimension for each positive eigenvalue.
#
# > **Check yourself.** What happens to $T$ if $\lambda$ grows without end, and to the embedding?
#
# ## B · The bargain on the cube
#
# All 256 parities of the lesson's eight bits at once. A bar is a group of parities with the same number of bits and the same spread; its height is $\beta\, \mathrm{agree} - \lambda\, \mathrm{price}$. Dark groups are kept among the 33 features, middle ones in part (a tie), pale ones not. Below the dashed line $e$ is negative, and nothing is kept. At the start the triples (3 bits, spread 3) are in.
#
# **Drag `lam`** and see many bits fall first. **Then `sharpness`**, the $c$ of the kernel $e^{c\, v^\top v' / 8}$: a sharp kernel makes many bits cheaper. *Guess first:* leave `lam` where the triples have just fallen. Can `sharpness` bring them back?

# %%
cb.explore(ch.figures.bargain, lam=cb.log_slider(5e-4, 1e-5, 1e-1), sharpness=(0.5, 6.0, 0.25), figsize=(8, 3.4))

# %% [markdown]
# **What you saw.** It can: at a higher $c$ triples and pairs change places at a larger $\lambda$.
#
# > **Check yourself.** Which bars are below 0 at every $\lambda > 0$, and why?
#
# ## C · How many images, how many views
#
# So far all means were exact. From $n$ images with $m$ views each one estimates the second moments $C_\Phi = \mathbb E\, \Phi \Phi^\top$ of the features, and those between two views,
#
# $$ \hat C_+ = \frac1{n m (m - 1)} \sum_{i} \sum_{a \ne b} \Phi(v_{ia})\, \Phi(v_{ib})^\top . $$
#
# ($a = b$ is left out: a view agrees with itself without merit.) Then `moment_ssl` minimises the loss of the lesson over linear encoders $W^\top \Phi$. The features are the 93 parities of at most 3 bits times $\sqrt{\nu}$; $\beta = 1$, $\lambda = 10^{-3}$, $K = 9$, crops of 4 bits. The **excess risk** is the exact loss of what was learned less its minimum. The paper bounds it by a constant, which we do not check, times $1 / \sqrt n$.
#
# *Guess first:* does the risk fall like its bound? And of 4096 views, is it better to take two of each of 2048 images, or 64 of each of 64?

# %%
phi = (parities * np.sqrt(nu[degree]))[:, degree <= 3]
crops = world.augmentation_operator(world.crop_channel(8, 4))
C, C_plus = phi.T @ phi / 256, phi.T @ crops @ phi / 256
best = np.sum(spectral.moment_ssl(C, C_plus, 9, lam=1e-3).eigenvalues ** 2)


def excess(n, m, rng):
    images = np.tile(cube[rng.integers(0, 256, n)], (m, 1, 1))
    seen = world.crop_views(images.reshape(-1, 8), 4, generator=rng).reshape(m, n, 8)
    rows = (seen < 0) @ 2 ** np.arange(8)[::-1]  # the place of a view in the cube
    W = spectral.moment_ssl(*spectral.view_moments(phi[rows]), 9, lam=1e-3).W
    return np.sum((W.T @ C @ W) ** 2) - 2 * np.trace(W.T @ C_plus @ W) + 2e-3 * np.sum(W**2) + best


# %%
counts, view_counts = np.array([500, 1000, 2000, 4000, 8000]), np.array([2, 4, 8, 16, 32, 64])
repeats = ch.pick(fast=6, toy=20)
draws = [np.random.default_rng(s) for s in seeds]
by_count = np.array([[np.mean([excess(n, 2, rng) for _ in range(repeats)]) for n in counts] for rng in draws])
by_views = np.array(
    [[np.mean([excess(4096 // m, m, rng) for _ in range(2 * repeats)]) for m in view_counts] for rng in draws]
)

# %%
slopes = np.polyfit(np.log(counts), np.log(by_count).T, 1)[0]
ch.measure("rate", slope=slopes)
ch.measure("views-or-images", eight=by_views[:, 2] / by_views[:, 0], too_many=by_views[:, 5] / by_views[:, 2])
ch.figures.risks(counts, by_count.mean(0), view_counts, by_views.mean(0), best, slopes.mean())

# %% [markdown]
# **What you saw.** *Left:* the risk falls about like $1/n$, faster than its bound: an upper bound need not be met. Above the orange line one had better learn nothing. *Right:* more views of fewer images help, until the images are too few.
#
# > **Check yourself.** What is the risk where nothing is learned, and why is it the sum of the $e_i^2$?
#
# ## D · Small batches
#
# $\|C - I\|_F^2$ squares a mean, and the square of a batch's $C_B$ is too large on average, by $(\mathbb E \|z\|^4 - \|C\|_F^2) / B$ for $B$ samples. Must batches be large, then? No: $\|C\|_F^2 = \mathbb E\, (z^\top y)^2$ for two independent samples $z$ and $y$, so the mean over all pairs of *different* samples of a batch is right on average for any $B \ge 2$ (`unbiased=True`).
#
# *Guess first:* how far off is a batch of 4?

# %%
features = world.interplay_solution(crops, np.exp(2 * cube @ cube.T / 8), 10, beta=0.9, lam=5e-4).Z
second = features.T @ features / 256
truth = np.sum((second - np.eye(10)) ** 2)
count = ch.pick(fast=3000, toy=10_000)
spare = np.mean(np.sum(features**2, axis=1) ** 2) - np.sum(second**2)


def errors(size, unbiased):
    batches = torch.tensor(features[draw.integers(0, 256, (count, size))])
    return torch.func.vmap(lambda z: losses.decorrelation_loss(z, unbiased=unbiased))(batches).numpy() - truth


# %%
sizes = [4, 16, 64]
naive = [errors(size, False).mean() for size in sizes]
fair = [errors(size, True) for size in sizes]
formula = spare / np.array(sizes)
pairs = [e.mean() for e in fair]
print(f"loss {truth:.2f}, bias {np.round(naive, 3)}, formula {formula.round(3)}, pairs {np.round(pairs, 4)}")
standard = [abs(ttest_1samp(e, 0).statistic) for e in fair]
ch.measure("small-batches", formula=abs(naive / formula - 1), unbiased=standard)
ch.figures.batches(sizes, naive, pairs, formula)

# %% [markdown]
# **What you saw.** The naive loss of four samples is too large by three quarters of its true size, as computed; the pairs give no bias at any size (blue dots are chance: one cannot tell them from 0). What remains of a small batch is noise, which many batches average away.
#
# > **Check yourself.** The naive estimate is too large by $\mathbb E \|z\|^4 / B$, roughly. Which embeddings does a small batch therefore prefer?
#
# ## Claims of the lab

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **L1** ●●○ 20 min. Why do 64 views lose to 8 at a fixed budget? Measure what is left of the risk of 64 and of 512 images when each has very many views.
#
# <details><summary>Hint</summary>The error has two parts: one from the views of an image, one from the images. Which one can more views reduce?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●● 60 min. Replace the kernel by that of a ReLU layer without biases, $h(u) = \frac1\pi \big( \sqrt{1 - u^2} + u\, (\pi - \arccos u) \big)$ with $u = v^\top v' / 8$. Which parities can never be learned, whatever the augmentations?
#
# <details><summary>Hint</summary>Split $h$ into its even and its odd part. Which parities see an even function?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
