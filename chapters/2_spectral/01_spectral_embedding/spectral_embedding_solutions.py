# %% [markdown]
# # Spectral embedding: solutions
#
# Try each exercise first: a wrong guess that you can explain teaches more than a right answer that you read.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch

import cookbook as cb
from replearn import evaluation, spectral
from replearn.papers.spectral_embedding import nuisance_digits

ch = cb.Chapter("spectral_embedding_solutions", scale=scale, seed=seed)
chance = np.random.default_rng(ch.seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. The path 1 – 2 – 3 and $z = (0, 1, 3)$: the double sum, the quadratic form, and the factor 2.
#
# The pairs are (1, 2), with $(0 - 1)^2 = 1$, and (2, 3), with $(1 - 3)^2 = 4$. The double sum meets each of them twice, as $ij$ and as $ji$:
# $2 \cdot (1 + 4) = 10$. The degrees are 1, 2, 1, so $Lz = (0 - 1,\ 2 \cdot 1 - 0 - 3,\ 3 - 1) = (-1, -1, 2)$ and
# $z^\top L z = 0 - 1 + 6 = 5$: each pair once.

# %%
path, z = spectral.pairs_graph([0, 1], [1, 2], 3).toarray(), np.array([0.0, 1, 3])
laplacian = np.diag(path.sum(axis=1)) - path
print("double sum", np.sum(path * (z[:, None] - z) ** 2), " quadratic form", z @ laplacian @ z)

# %% [markdown] tags=["solution"]
# **2** ●●○ 25 min. Why is the second coordinate a parabola of the first on a long strip, and how small must $a/b$ be for the width to appear?
#
# The slowest waves along the strip are $\cos(\pi t)$ and $\cos(2\pi t)$ with $t$ the place along it, between 0 and 1. Since
# $\cos 2\pi t = 2 \cos^2 \pi t - 1$, the second is a parabola of the first. Their eigenvalues are in proportion to $1/a^2$ and $4/a^2$; the first
# wave across has $1/b^2$. So it comes second, in the place of the parabola, when $1/b^2 < 4/a^2$, that is when $a < 2b$. We measure it with the
# first two eigenvectors of the Laplacian (Laplacian eigenmaps), which span what VICReg finds.


# %%
def explained(target, Z):
    Z = np.column_stack([Z, np.ones(len(Z))])
    residual = target - Z @ np.linalg.lstsq(Z, target, rcond=None)[0]
    return 1 - residual.var() / target.var()


for aspect in (1.5, 1.8, 2.2, 3.0):
    grid = np.stack(np.meshgrid(np.arange(20 * aspect), np.arange(20)), axis=-1).reshape(-1, 2) * [1, 1.001]
    Z = spectral.laplacian_eigenmaps(spectral.knn_graph(grid, 8), 2).Z
    width, parabola = explained(grid[:, 1], Z), explained(Z[:, 1], Z[:, :1] ** 2)
    print(f"a/b = {aspect}: R² of the width {width:.2f}, R² of the parabola {parabola:.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●● 60 min. The minimum of VICReg with its hinge.
#
# With a strong penalty on covariances the dimensions are uncorrelated, so $Z = \sqrt N\, U \operatorname{diag}(\sigma_1, \dots, \sigma_K)$ for
# orthonormal $U$, and the loss is $\sum_k (1 - \sigma_k)_+ + 2\, \mathrm{inv} \sum_k \sigma_k^2\, u_k^\top L u_k$. For given $\sigma$ the second sum
# is least for the first eigenvectors, the largest $\sigma$ at the smallest eigenvalue. What remains is one problem for each dimension:
#
# $$ \min_\sigma\ (1 - \sigma)_+ + 2\, \mathrm{inv}\, \lambda_k \sigma^2 \quad \Rightarrow \quad -1 + 4\, \mathrm{inv}\, \lambda_k \sigma = 0, \qquad
#    \sigma_k = \min\Big(1, \frac{1}{4\, \mathrm{inv}\, \lambda_k}\Big) . $$
#
# Beyond $\sigma = 1$ the hinge is silent, hence the minimum. The slope of the hinge is $-1$ even at $\sigma = 0$, while the other term starts flat:
# so a little variance always pays. The squared penalty of the lesson is flat at variance 0 in $\sigma$, and there a direction can die.

# %%
points = np.random.default_rng(ch.seed).uniform(size=(120, 2)) * [5, 1]
strip = spectral.knn_graph(points, 8).toarray()
laplacian = torch.tensor(np.diag(strip.sum(axis=1)) - strip)
start = spectral.laplacian_eigenmaps(strip, 4)
inv = 0.25 / start.eigenvalues[1]
generator = torch.Generator().manual_seed(ch.seed)
Z = torch.tensor(start.Z) + 0.1 * torch.randn(120, 4, dtype=torch.float64, generator=generator)

# %%
adam = torch.optim.Adam([Z.requires_grad_()], lr=0.05)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 800)
for _ in range(800):
    adam.zero_grad()
    covariance = torch.cov(Z.T, correction=0)
    hinge = (1 - covariance.diagonal().sqrt()).relu().sum()
    mixed = covariance - torch.diag(covariance.diagonal())
    (hinge + 10 * mixed.square().sum() + 2 * inv / 120 * (Z * (laplacian @ Z)).sum()).backward()
    adam.step()
    cosine.step()

# %%
measured = np.linalg.eigvalsh(covariance.detach().numpy())[::-1]
predicted = np.minimum(1, 1 / (4 * inv * start.eigenvalues) ** 2)
print("measured ", measured.round(3), "\npredicted", predicted.round(3))

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. The eigenvalues for $V$ views of one image.
#
# On the vector of ones, $L \mathbf 1 = (V - V) \mathbf 1 = 0$. On anything orthogonal to it, $L u = V u$. So $L$ has 0 once and $V$ the other
# $V - 1$ times. $G = \mathbf 1 \mathbf 1^\top - I$ has $V - 1$ once and $-1$ the other times; $P = G / (V - 1)$ has 1 and $-1/(V - 1)$.
#
# VICReg notices $V$: directions within an image die at $\mathrm{inv} = 1/V$, so the same weight is a stronger one with more views. The contrastive
# loss notices it as a factor of the whole embedding, $\sqrt{V - 1}$. Barlow Twins divides by the degrees and does not notice: its positive $\rho$ is
# always 1.

# %% [markdown] tags=["solution"]
# **L2** ●●○ 25 min. Rewire a share of the right pairs. How does VICReg's accuracy fall, with 9 dimensions and with 64?
#
# A random pair is as likely to join two digits as one, so rewiring lifts the nine small $\mu_k$ towards 1 while chance pushes some other eigenvalues
# below 1. As long as the nine stay the smallest, nothing happens. Once they meet the noise, nine dimensions hold noise in their
# place. With 64 dimensions, all that there are, nothing is dropped and the probe does not mind.

# %%
scene = nuisance_digits(seed=ch.seed)
right = spectral.label_graph(scene.digit_train, normalize="class")


def accuracy(W):
    return evaluation.ridge_probe(scene.x_train @ W, scene.digit_train, scene.x_test @ W, scene.digit_test)


for share in (0.0, 0.5, 0.8, 0.9, 1.0):
    W = spectral.linear_ssl(
        scene.x_train, spectral.rewire_graph(right, share, seed=ch.seed), 64, inv=0.05, ridge=1e-6
    ).W
    print(f"{share:.0%} rewired: accuracy {accuracy(W[:, :9]):.2f} with 9 dimensions, {accuracy(W):.2f} with 64")

# %% [markdown] tags=["solution"]
# **L3** ●●○ 30 min. From SimCLR to the spectral contrastive loss.
#
# SimCLR's loss for the pairs $G$ (rows summing to 1, temperature in $s_{ij} = z_i^\top z_j$) is
# $-\sum_{ij} G_{ij} s_{ij} + \sum_i \log \sum_j e^{s_{ij}}$. For small $s$,
#
# $$ \log \frac1N \sum_j e^{s_{ij}} \approx \frac1N \sum_j s_{ij} + \frac1{2N} \sum_j s_{ij}^2 - \frac12 \Big(\frac1N \sum_j s_{ij}\Big)^2 . $$
#
# With $\sum_j z_j = 0$ the means vanish. What remains is $-\sum_{ij} G_{ij} z_i^\top z_j + \frac{1}{2N} \sum_{ij} (z_i^\top z_j)^2$, and the
# substitution $z \to \sqrt{N}\, z$ makes it $\frac N2$ times the loss of the lesson. Dropped are all powers beyond the second, and the sphere on which
# SimCLR's embeddings live: they are of length 1, with a small temperature $s$ is *not* small, and the two losses part.

# %% [markdown] tags=["solution"]
# **L4** ●●● 90 min. Break the tie among the 55 directions.
#
# Replace $X^\top L X\, w = \mu\, X^\top X\, w$ by $(X^\top L X + N \gamma I)\, w = \mu\, X^\top X\, w$: a penalty $\gamma \|W\|_F^2$ on the weights. Where
# $\mu$ was tied at 1 it now is $1 + \gamma / \text{variance}$, so directions of large variance come first. They are the principal components of what is
# left once the background is taken out, and digits are what varies most there. So the digit survives with few dimensions, and better than in
# random directions. (The first line, without a penalty, is the arbitrary choice of the eigen-solver.)

# %%
x = scene.x_train - scene.x_train.mean(axis=0)
wrong = spectral.label_graph(scene.pattern_train, normalize="class", self_loops=True)
total = x.T @ x + 1e-6 * len(x) * np.eye(64)
within = total - x.T @ (wrong @ x)
half = np.linalg.inv(np.linalg.cholesky(total))
for penalty in (0.0, 1e-3, 1e-2):
    mu, V = np.linalg.eigh(half @ (within + len(x) * penalty * np.eye(64)) @ half.T)
    W = half.T @ V
    print(f"penalty {penalty}: accuracy {accuracy(W[:, :16]):.2f} at K = 16, {accuracy(W[:, :32]):.2f} at K = 32")
W = chance.standard_normal((64, 32))
print(f"random directions: accuracy {accuracy(W[:, :16]):.2f} at K = 16, {accuracy(W):.2f} at K = 32")

# %% [markdown]
# ## Check yourself: the lesson
#
# - **The strip in two pieces.** Two eigenvalues are 0: a vector that is constant on each piece differs across no pair, and there are two such directions.
# - **From which `inv` on is nothing left?** From $\mathrm{inv} = 1/\lambda_1$ on, about 15 on the strip: the smoothest direction is the last to die.
# - **1000 classes.** 1000 before the mean is subtracted, 999 after it. Within a class of $n_c$ samples $G$ is $\mathbf 1 \mathbf 1^\top - I$, with the one
#   positive eigenvalue $n_c - 1$: one for each class. Together their eigenvectors span the constant vector, which centring removes.
# - **Why the blue lines are flat after the right pairs.** Along the 55 tied directions all variance is within classes: the classes have the same mean
#   there, and a linear probe can use means only. The nine had it all.

# %% [markdown]
# ## Check yourself: the lab
#
# - **Beyond $K = 18$.** Each of the two label graphs has nine positive eigenvalues besides the constant, so their mixture has at most 18, and the
#   contrastive loss fills no more.
# - **Self-loops and views.** No: a view is paired with the *other* view of its image, and never with itself. (If the augmentations are few enough that one
#   view is drawn twice, then yes.)
# - **The $\mu$ of a direction with correlation $\rho$.** With each pair in both orders all degrees are 1, so $X^\top L X = X^\top X - X^\top G X$ and
#   $\mu = 1 - \rho$: VICReg drops directions of small correlation first.

# %%
ch.footer()
