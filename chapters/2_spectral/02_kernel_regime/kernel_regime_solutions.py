# %% [markdown]
# # The kernel regime: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from types import SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.linalg import sqrtm

import cookbook as cb
from replearn import data, spectral
from replearn.papers.kernel_regime import (
    kernel_ridge_classifier,
    smoothest_directions,
    ssl_target,
    tied_eigenspace,
)

ch = cb.Chapter("kernel_regime_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that $k^\star = P_K[T]$ on the training samples when $k_{ss}$ is invertible. What of it survives when $k_{ss}$ has rank 5? Check on a linear kernel.
#
# TODO typeset

# %% tags=["solution"]
X = inputs - inputs.mean(axis=0)
Z = spectral.kernel_ssl(X @ X.T, ssl_target(blocks, inv=0.01), 5).Z
outside = abs(Z - X @ np.linalg.pinv(X) @ Z)
print("Z = k_ss A, so k_ss A A' k_ss = Z Z' = P_K[T]: it interpolates. Of rank 5 it can do so only in its range,")
print(f"where it meets U' T U (any Z outside that range: {outside.max() > 1e-9}).")


# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Add to each digit's views one that is turned upside down (by 180°). Which digits suffer, with all pictures labelled?
#
# TODO typeset

# %% tags=["solution"]
def accuracy_by_digit(turned, images):
    (pool, labels), (new, y_new) = data.load("mnist_10k").train, data.load("mnist_10k").test
    seen = torch.cat([pool[:images], data.affine_warp(pool[:images], degrees=turned)]).flatten(1)
    bandwidth = spectral.median_bandwidth(seen) / 6**0.5
    k = spectral.rbf_kernel(seen, bandwidth=bandwidth) + jitter * np.eye(2 * images)
    T = ssl_target(spectral.augmentation_graph(np.tile(np.arange(images), 2)))
    V = smoothest_directions(tied_eigenspace(T, 2 * images), k, 60)[1]
    f = spectral.rbf_kernel(new[:1000].flatten(1), seen, bandwidth=bandwidth) @ np.linalg.solve(k, V)
    guess = kernel_ridge_classifier((V @ V.T)[:images, :images], labels[:images].numpy(), f @ V[:images].T)
    return [np.mean(guess[y_new[:1000] == d] == d) for d in range(10)]

small, upside = (accuracy_by_digit(turn, ch.pick(fast=200, toy=400)) for turn in (10.0, 180.0))
for d in range(10):
    print(f"digit {d}: accuracy {small[d]:.2f} with a turn of 10 degrees, {upside[d]:.2f} upside down")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Which property of $k$ makes two unrelated new points correlated under $k^\star$? Find such pairs of points on different spirals.
#
# TODO typeset

# %% tags=["solution"]
noisy, noisy_arm = (a.numpy() for a in data.spirals(400, noise=0.3, seed=ch.seed + 2000))
f, nearest = model.transform(rbf(noisy, x)), arm[rbf(noisy, x).argmax(axis=1)]
size = np.linalg.norm(f, axis=1)
cosine, across = (f @ f.T) / size[:, None] / size, noisy_arm[:, None] != noisy_arm
astray = nearest[:, None] == nearest
related, others = cosine[across & astray].mean(), cosine[across & ~astray].mean()
print(f"Different spirals, nearest training points on one spiral: mean cosine {related:.2f}; on two: {others:.2f}.")
print("k* relates new points through the training points that k finds near.")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Two batches of 36 of the 60 samples share 12. Compare the independent closed forms with the optimum of the summed loss, found by descent.
#
# TODO typeset

# %% tags=["solution"]
points, K = data.swiss_roll(60, seed=ch.seed)[0], 4
k = spectral.rbf_kernel(points, bandwidth=0.15 * spectral.median_bandwidth(points) / 2**0.5) + jitter * np.eye(60)
root, parts, terms, alone = torch.tensor(sqrtm(k).real), [], [], []
for rows in (np.arange(36), np.arange(24, 60)):
    G = spectral.knn_graph(points[rows], 8)
    L = torch.tensor(spectral.laplacian(G)[0].toarray())
    terms.append(lambda Z, rows=rows, L=L: spectral.vicreg_graph_loss(Z[rows], L, inv=0.02))
    alone.append(spectral.kernel_ssl(k[np.ix_(rows, rows)], ssl_target(G, inv=0.02), K))
    parts.append(k[:, rows] @ alone[-1].coef)
both = [[term(torch.tensor(Z)).item() for term in terms] for Z in parts]
steps = ch.pick(fast=300, toy=1500)
joint = spectral.minimize_embedding(lambda P: sum(t(root @ P) for t in terms), 60, K, seed=ch.seed, steps=steps)
print(
    f"Each batch at its own optimum: {both[0][0] + both[1][1]:.4f}; no one f need reach that. Joint: {joint.losses[-1]:.4f}."
)
print(f"One batch's f on both: {sum(both[0]):.4f} and {sum(both[1]):.4f}.")

# %%
ch.footer()
