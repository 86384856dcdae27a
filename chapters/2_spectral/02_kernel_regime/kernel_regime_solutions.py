# %% [markdown]
# # The kernel regime: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from scipy.linalg import sqrtm

import cookbook as cb
from replearn import data, spectral
from replearn.papers.kernel_regime import kernel_ridge_classifier, smoothest_directions, ssl_target, tied_eigenspace

ch = cb.Chapter("kernel_regime_solutions", scale=scale, seed=seed)
jitter = 1e-6

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that $k^\star = P_K[T]$ on the training samples when $k_{ss}$ is invertible. What of it survives when $k_{ss}$ has rank 5?
#
# On the training samples $k_{xs}$ becomes $k_{ss}$, and $A = k_{ss}^{-1} Z^\star$. So
#
# $$ k_{ss} A A^\top k_{ss} = Z^\star Z^{\star\top} = P_K[T] , $$
#
# whatever $k$ was: the induced kernel *interpolates* the target. When $k_{ss}$ has rank 5, $Z = k_{ss} A$ can only lie in its five-dimensional range, with the orthonormal basis $U$.
# There $k^\star$ is $U P_K[U^\top T U]\, U^\top$: the positive part of the target *as seen from the range*. A linear kernel of five inputs shows it: nothing of $Z$ stands outside the range,
# the compressed target is met, the whole target is not.

# %% tags=["solution"]
X = np.random.default_rng(ch.seed).standard_normal((60, 5))
X = X - X.mean(axis=0)
T = ssl_target(spectral.augmentation_graph(np.repeat(np.arange(12), 5)), inv=0.01)
Z = spectral.kernel_ssl(X @ X.T, T, 5).Z
U = np.linalg.qr(X)[0]
print(f"largest part of Z outside the range: {abs(Z - U @ U.T @ Z).max():.1e}")
print(f"gap to the target seen from the range: {abs(U.T @ (Z @ Z.T - T) @ U).max():.1e}")
print(f"gap to the target itself: {abs(Z @ Z.T - T).max():.1f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Add to each digit's views one that is turned upside down (by 180°). Which digits suffer, with all pictures labelled?
#
# A turned 6 looks like a 9 and the reverse: the pairs say that they are the same thing, and no function that is constant on the pairs can tell them apart where the two looks agree. A 0, a 1 or
# an 8 looks much the same upside down and loses nothing in this way. But *every* digit also pays for a second look, which takes up a part of the smooth directions. So
# compare each digit with a harmless turn of 10°: look first at 6 and 9, then at the others.

# %% tags=["solution"]
(pool, labels), (new, y_new) = data.load("mnist_10k").train, data.load("mnist_10k").test
images = ch.pick(fast=200, toy=400)
new, y_new = new[:1000].flatten(1), y_new[:1000].numpy()


def accuracy_by_digit(turned):
    seen = torch.cat([pool[:images], data.affine_warp(pool[:images], degrees=turned)]).flatten(1)
    rbf = partial(spectral.rbf_kernel, bandwidth=spectral.median_bandwidth(seen) / 6**0.5)
    k = rbf(seen) + jitter * np.eye(2 * images)
    tied = tied_eigenspace(ssl_target(spectral.augmentation_graph(np.tile(np.arange(images), 2))), 2 * images)
    V = smoothest_directions(tied, k, 60)[1]
    f = rbf(new, seen) @ np.linalg.solve(k, V)
    guess = kernel_ridge_classifier((V @ V.T)[:images, :images], labels[:images].numpy(), f @ V[:images].T)
    return [np.mean(guess[y_new == digit] == digit) for digit in range(10)]


# %% tags=["solution"]
small, upside = accuracy_by_digit(10.0), accuracy_by_digit(180.0)
for digit in range(10):
    print(f"digit {digit}: accuracy {small[digit]:.2f} with a turn of 10 degrees, {upside[digit]:.2f} upside down")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Which property of $k$ makes two unrelated new points correlated under $k^\star$? Find such pairs of points on different spirals.
#
# $k^\star(x, x') = k_{xs} A A^\top k_{sx'}$ meets a new point through its row $k_{xs}$ alone: through the training points that $k$ finds *near*. Two new points are correlated when the training
# points near the one are related to those near the other, be the new points themselves related or not. So take noisy spirals, whose points may stand nearer the other spiral,
# and look at pairs from *different* spirals: those whose nearest training points lie on one spiral, and those whose nearest training points lie on two.

# %% tags=["solution"]
x, arm = (a.numpy() for a in data.spirals(200, seed=ch.seed))
i = np.arange(200)
arms = spectral.pairs_graph(np.r_[i[:-2], i[:-4]], np.r_[i[2:], i[4:]], 200)
rbf = partial(spectral.rbf_kernel, bandwidth=40**-0.5)
inv = 0.5 / spectral.laplacian_eigenmaps(arms, 12).eigenvalues[-1]
model = spectral.kernel_ssl(rbf(x) + jitter * np.eye(200), ssl_target(arms, inv=inv), 8, lam=0.02)

# %% tags=["solution"]
noisy, noisy_arm = (a.numpy() for a in data.spirals(400, noise=0.3, seed=ch.seed + 2000))
f, nearest = model.transform(rbf(noisy, x)), arm[rbf(noisy, x).argmax(axis=1)]
size = np.linalg.norm(f, axis=1)
cosine = (f @ f.T) / size[:, None] / size
across, astray = noisy_arm[:, None] != noisy_arm, nearest[:, None] == nearest
print(f"different spirals, nearest training points on one: mean cosine {cosine[across & astray].mean():.2f}")
print(f"different spirals, nearest training points on two: mean cosine {cosine[across & ~astray].mean():.2f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Two batches of 36 of the 60 samples share 12. Compare the independent closed forms with the optimum of the summed loss, found by descent.
#
# Let $\mathcal L_1, \mathcal L_2$ be the losses of the two batches, with minima $\mathcal L_1^\star, \mathcal L_2^\star$ at $f_1, f_2$. For every $f$
#
# $$ \mathcal L_1(f) + \mathcal L_2(f) \ \ge\ \mathcal L_1^\star + \mathcal L_2^\star , $$
#
# with equality only when one $f$ is best for both, up to a rotation of each batch: on the 12 shared samples the two targets would have to agree. In general no $f$ reaches the
# right side. The representer theorem still holds, so descent on $P$ with $Z = k_{ss}^{1/2} P$ for all 60 samples finds the joint optimum. It lies a little above the bound; either batch's own $f$ does far worse on the
# two together, because it says next to nothing on samples that its batch never saw.

# %% tags=["solution"]
points, K = data.swiss_roll(60, seed=ch.seed)[0], 4
k = spectral.rbf_kernel(points, bandwidth=0.15 * spectral.median_bandwidth(points) / 2**0.5) + jitter * np.eye(60)
root, alone, terms = torch.tensor(sqrtm(k).real), [], []
for rows in (np.arange(36), np.arange(24, 60)):
    G = spectral.knn_graph(points[rows], 8)
    L = torch.tensor(spectral.laplacian(G)[0].toarray())
    terms.append(lambda Z, rows=rows, L=L: spectral.vicreg_graph_loss(Z[rows], L, inv=0.02))
    model = spectral.kernel_ssl(k[np.ix_(rows, rows)], ssl_target(G, inv=0.02), K)
    alone.append(torch.tensor(k[:, rows] @ model.coef))

# %% tags=["solution"]
losses = [[term(Z).item() for term in terms] for Z in alone]
steps = ch.pick(fast=300, toy=1500)
joint = spectral.minimize_embedding(lambda P: sum(t(root @ P) for t in terms), 60, K, seed=ch.seed, steps=steps)
print(f"each batch at its own optimum: {losses[0][0] + losses[1][1]:.4f}")
print(f"joint optimum, by descent: {joint.losses[-1]:.4f}")
print(f"the first batch's f on both: {sum(losses[0]):.4f}; the second's: {sum(losses[1]):.4f}")

# %%
ch.footer()
