# %% [markdown]
# # The kernel regime: solutions
#
# Try each exercise first: a wrong guess that you can explain teaches more than a right answer that you read.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from scipy.linalg import sqrtm
from scipy.optimize import brentq

import cookbook as cb
from replearn import data, spectral
from replearn.papers import kernel_regime as world

ch = cb.Chapter("kernel_regime_solutions", scale=scale, seed=seed)
chance = np.random.default_rng(ch.seed)
hours, times = np.arange(24.0), np.arange(0, 24, 0.1)
graph = spectral.augmentation_graph(hours % 8)
vicreg = partial(spectral.vicreg_graph_loss, L=spectral.laplacian(graph)[0], inv=0.5)


def see(times, fast_hand):
    slow, fast = 2 * np.pi * times / 24, 9 * 2 * np.pi * times / 24
    return np.stack([np.cos(slow), np.sin(slow), fast_hand * np.cos(fast), fast_hand * np.sin(fast)], axis=1)


# %% [markdown]
# ## Check yourself: the lesson
#
# - **Four waves a day.** Eight hours hold $4/3$ of such a wave, so the three hours of a triple get three different values, and the second term of the loss is not 0.
# - **7 and −1.** $T_0$ has the eigenvalue 1 on the seven tied directions, so $[T_0]_7$ is the projection on them: the one on vectors that are constant on triples (entries $1/3$ within a triple, 0 elsewhere) less the one on constants (all entries $1/24$). Times 24 that is $8 - 1 = 7$ within a triple, and $0 - 1 = -1$ elsewhere.
# - **Copies.** Half an hour is a sixteenth of a wave with three periods a day, but three sixteenths of one with nine. The copy of the nearest hour is wrong by up to that much.

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. The induced kernel between training inputs, without decay.
#
# When $x$ runs over the training inputs, $k_{xs}$ runs over the rows of $k_{ss}$. So all of (1) together is
#
# $$ N\, k_{ss}\, k_{ss}^{-1}\, [T_0]_K\, k_{ss}^{-1}\, k_{ss} = N\, [T_0]_K , $$
#
# in which no kernel occurs. In the slider: with `dims` at 7 and little decay the dots stand still while `fast_hand` moves, and the curve between them does not. With fewer dimensions $[T_0]_K$ is not unique, as it cuts a tie in two, and then the dots move: the kernel, through $\gamma$, decides which of the minima is taken.

# %% [markdown] tags=["solution"]
# **2** ●●○ 25 min. The length of the fast hand at which nine waves become the cheapest.
#
# A wave $u$ that is constant on the triples has $Hu = u$ and $Lu = 0$. With $k_{ss} u = \kappa u$ its eigenvalue of $T_\gamma$ is $1 - \gamma N / 2\kappa$: the largest $\kappa$ wins. So we look for the length where $\kappa_9 = \kappa_3$.


# %% tags=["solution"]
def strengths(fast_hand):
    kernel = world.centered(world.wide_network_kernel, see(hours, fast_hand))
    return np.abs(np.fft.fft(kernel(see(hours, fast_hand), see(hours, fast_hand))[0]))


switch = brentq(lambda length: strengths(length)[9] - strengths(length)[3], 0.01, 0.5)
print(f"nine waves are the cheapest from a length of {switch:.3f} on")
for length in (switch / 2, 2 * switch):
    network = world.train_wide_network(see(hours, length), vicreg, 2, width=1000, decay=0.001, seed=ch.seed)
    power = np.sum(np.abs(np.fft.rfft(network(see(times, length)), axis=0)) ** 2, axis=1)
    print(f"length {length:.3f}: {power[3] / power.sum():.0%} in three waves, {power[9] / power.sum():.0%} in nine")

# %% [markdown] tags=["solution"]
# **3** ●●● 40 min. Views that are upside down. Which digits suffer, with all pictures labelled?
#
# A turned 6 looks like a 9 and the reverse: the pairs say that they are the same, and no function that is constant on the pairs can tell them apart where the two looks agree. A 0, a 1 or an 8 looks much the same upside down and loses nothing in this way. But *every* digit pays for a second look, which takes up a part of the cheap directions. So compare each digit with a harmless turn of 10°.
#
# Both show below. Upside down, sixes and nines are taken for each other more often. But the second price is the larger one: 8 and 2 lose most, though a turn carries neither into another digit.

# %% tags=["solution"]
(pool, labels), (new, y_new) = data.load("mnist_10k").train, data.load("mnist_10k").test
images = ch.pick(fast=200, toy=400)
new, y_new, y = new[:1000].flatten(1).numpy(), y_new[:1000].numpy(), labels[:images].numpy()
turned_pairs = spectral.augmentation_graph(np.tile(np.arange(images), 2))


def guesses(degrees):
    seen = torch.cat([pool[:images], data.affine_warp(pool[:images], degrees=degrees)]).flatten(1).numpy()
    kernel = world.centered(world.wide_network_kernel, seen)
    model = world.induced(kernel(seen, seen), turned_pairs, 60, inv=0.5, decay=1e-6)
    upright, fresh = model.Z[:images], model.transform(kernel(new, seen))
    return world.kernel_ridge_classifier(upright @ upright.T, y, fresh @ upright.T)


# %% tags=["solution"]
found = [guesses(10.0), guesses(180.0)]
for digit in range(10):
    small, upside = (np.mean(guess[y_new == digit] == digit) for guess in found)
    print(f"digit {digit}: accuracy {small:.2f} with a turn of 10 degrees, {upside:.2f} upside down")
small, upside = (np.sum((guess + y_new == 15) & (abs(guess - y_new) == 3)) for guess in found)
print(f"sixes called 9 and nines called 6: {small} with a turn of 10 degrees, {upside} upside down")

# %% [markdown]
# ## Check yourself: the lab
#
# - **Two points between the spirals.** $k$ carries them to different spirals, so $k^\star$ calls them dissimilar, neighbours or not. What a new point *is* does not count, only the training points that $k$ finds near it. But $k^\star$ is continuous: two that meet in the middle are similar, as $f$ passes there from what it says of one spiral to what it says of the other.
# - **Ten labels, all tied directions.** All 249 have variance 1, so between views of different pictures $k^\star$ is $-1$, always: which pictures resemble each other has been erased. That is telling each picture from each other, and ten labels say nothing about the other 240. $k$ itself still knows who resembles whom.

# %% [markdown] tags=["solution"]
# **L1** ●○○ 15 min. What survives when $k_{ss}$ has rank 5?
#
# $Z = k_{ss} A$ can only lie in the range of $k_{ss}$; let $U$ be an orthonormal basis of it. There $k^\star$ is $N\, U [U^\top T_0 U]_K U^\top$: the positive part of the target *as seen from the range*. A linear kernel of five inputs shows it: nothing of $Z$ stands outside the range, the compressed target is met, the whole target is not.

# %% tags=["solution"]
X = chance.standard_normal((60, 5))
X -= X.mean(axis=0)
views = spectral.augmentation_graph(np.repeat(np.arange(12), 5))
target, Z = world.ssl_target(views, inv=0.01), world.induced(X @ X.T, views, 5, inv=0.01).Z
U = np.linalg.qr(X)[0]
print(f"largest part of Z outside the range: {abs(Z - U @ U.T @ Z).max():.1e}")
print(f"gap to the target seen from the range: {abs(U.T @ (Z @ Z.T - target) @ U).max():.1e}")
print(f"gap to the target itself: {abs(Z @ Z.T - target).max():.1f}")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 25 min. Which property of $k$ makes two unrelated new points similar under $k^\star$?
#
# $k^\star(x, x') = k_{xs} A A^\top k_{sx'}$ meets a new point through its row $k_{xs}$ alone: through the training points that $k$ finds *near*. Two new points are similar when the training points near the one are related to those near the other, be the new points themselves related or not. So take noisy spirals, whose points may stand nearer the other spiral, and look at pairs from *different* spirals: those whose nearest training points lie on one spiral, and those whose nearest training points lie on two.

# %% tags=["solution"]
x, arm = (a.numpy() for a in data.spirals(200, seed=ch.seed))
i = np.arange(200)
walk = spectral.pairs_graph(np.r_[i[:-2], i[:-4]], np.r_[i[2:], i[4:]], 200)
kernel = world.centered(world.wide_network_kernel, x)
inv = 0.5 / spectral.laplacian_eigenmaps(walk, 3).eigenvalues[-1]
model = world.induced(kernel(x, x), walk, 3, inv=inv, decay=1e-6)

# %% tags=["solution"]
noisy, noisy_arm = (a.numpy() for a in data.spirals(400, noise=0.3, seed=ch.seed + 2000))
Z = model.transform(kernel(noisy, x))
Z /= np.linalg.norm(Z, axis=1, keepdims=True)
nearest = arm[((noisy[:, None] - x) ** 2).sum(axis=-1).argmin(axis=1)]
across, astray = noisy_arm[:, None] != noisy_arm, nearest[:, None] == nearest
print(f"different spirals, nearest training points on one: mean cosine {(Z @ Z.T)[across & astray].mean():.2f}")
print(f"different spirals, nearest training points on two: mean cosine {(Z @ Z.T)[across & ~astray].mean():.2f}")

# %% [markdown] tags=["solution"]
# **L3** ●●● 60 min. Without decay, from a tiny $W$: who comes first?
#
# Let the features of the training inputs be the rows of $\Phi_s$, so that $Z = \Phi_s W$ and $k_{ss} = \Phi_s \Phi_s^\top$. The loss is $\|M - T\|_F^2$ plus a constant, with $M = \Phi_s W W^\top \Phi_s^\top / N$. For small $W$ only $-2 \operatorname{tr}(TM)$ counts, and gradient descent is
#
# $$ \dot W = \frac4N\, \Phi_s^\top T\, \Phi_s W \quad\Rightarrow\quad \dot Z = \frac4N\, k_{ss} T Z . $$
#
# For a direction $u$ with $Tu = u$ and $k_{ss} u = \kappa u$ the part $u^\top Z$ grows like $e^{4 \kappa t / N}$: from size $\varepsilon$ it needs a time of about $\frac{N}{4 \kappa} \log \frac1\varepsilon$, in proportion to the cost $1/\kappa$. So the cheapest direction arrives first, although nothing charges for cost. With $K = 2$ the first two directions fill $M$, whose rank cannot be more than 2, and the descent has arrived before the others have grown. With $K = 7$ they all come, one after the other (Simon et al., 2023, see such steps in real networks).

# %% tags=["solution"]
k_ss = world.centered(world.wide_network_kernel, see(hours, 0))(see(hours, 0), see(hours, 0))
root = sqrtm(k_ss + 1e-9).real  # features in an orthonormal basis
target = np.eye(24) - 1 / 24 - 0.5 * spectral.laplacian(graph)[0].toarray()
waves = np.stack([np.cos(2 * np.pi * w * hours / 24) for w in (3, 6, 9)]) / np.sqrt(12)
for K in (2, 7):
    W, shares = 0.01 * chance.standard_normal((24, K)), []
    for _ in range(6000):
        Z = root @ W
        W -= 0.15 * 4 / 24 * root @ (Z @ (Z.T @ Z) / 24 - target @ Z)
        shares.append(np.sum((waves @ Z) ** 2, axis=1) / 24)
    arrival = [int(np.argmax(np.array(shares)[:, w] > 0.25)) for w in range(3)]
    print(f"K = {K}: steps until the cosine with 3, 6, 9 waves has a variance of 0.25 (0: never): {arrival}")

# %% [markdown] tags=["solution"]
# **L4** ●●● 60 min. Two batches of 36 of 60 samples share 12.
#
# Let $\mathcal L_1, \mathcal L_2$ be the losses of the two batches, with minima $\mathcal L_1^\star, \mathcal L_2^\star$ at $f_1, f_2$. For every $f$
#
# $$ \mathcal L_1(f) + \mathcal L_2(f) \ \ge\ \mathcal L_1^\star + \mathcal L_2^\star , $$
#
# with equality only when one $f$ is best for both, up to a rotation of each batch: on the 12 shared samples the two targets would have to agree. In general no $f$ reaches the right side. $W$ is still a sum over the samples, so descent on $P$ with $Z = k_{ss}^{1/2} P$ for all 60 samples finds the joint optimum. It lies a little above the bound; either batch's own $f$ does far worse on the two together, because it says next to nothing on samples that its batch never saw. (The kernel is a narrow Gaussian here.)

# %% tags=["solution"]
points, K = data.swiss_roll(60, seed=ch.seed)[0], 4
k = spectral.rbf_kernel(points, bandwidth=0.15 * spectral.median_bandwidth(points) / 2**0.5) + 1e-6 * np.eye(60)
root, alone, terms = torch.tensor(sqrtm(k).real), [], []
for rows in (np.arange(36), np.arange(24, 60)):
    G = spectral.knn_graph(points[rows], 8)
    L = torch.tensor(spectral.laplacian(G)[0].toarray())
    terms.append(lambda Z, rows=rows, L=L: spectral.vicreg_graph_loss(Z[rows], L, inv=0.02))
    model = spectral.kernel_ssl(k[np.ix_(rows, rows)], world.ssl_target(G, inv=0.02), K)
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
