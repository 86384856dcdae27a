# %% [markdown]
# # The SSL interplay: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np

import cookbook as cb
from replearn import evaluation, spectral
from replearn.papers.ssl_interplay import (
    augmentation_operator,
    crop_channel,
    degree_eigenvalues,
    hypercube,
    interplay_eigenvalues,
    interplay_solution,
    parity_basis,
)

ch = cb.Chapter("ssl_interplay_solutions", scale=scale, seed=seed)

# %% [markdown]
# The cube of the chapter: $d = 8$ bits, crops of $w = 4$, the kernel $h(u) = e^{2u}$.

# %%
d = 8
cube = hypercube(d)
sets, parities, degree, diameter = parity_basis(d)
kernel = np.exp(2 * cube @ cube.T / d)
nu = degree_eigenvalues(lambda u: np.exp(2 * u), d)
crops = augmentation_operator(crop_channel(d, 4))

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that bit flips with $p < 1/2$ give no interplay on the cube, for any decreasing $\nu$.
#
# For flips $\tau_S = (1 - 2p)^{2|S|}$ depends on the degree alone and falls with it. The price $1/\nu_{|S|}$ depends on the degree alone and rises with it. So
#
# $$ e_S = 1 - \beta + \beta\, \tau_S - \lambda / \nu_{|S|} $$
#
# falls with the degree at *every* $\lambda \ge 0$: the order never changes.

# %% tags=["solution"]
for lam in np.geomspace(1e-8, 1e-1, 4):
    line = interplay_eigenvalues(0.8 ** (2 * np.arange(9)), nu, lam=lam)
    print(f"lambda = {lam:.0e}: falls with the degree: {np.all(np.diff(line) < 0)}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. At which $\lambda$ does the line of the spread pairs reach zero for $\beta = 1$, $w = 4$, and how far is that from the crossing? Then $w = 3$.
#
# With $\beta = 1$ the spread pairs have $e = \tfrac1{64} - \lambda / \nu_2$, which is zero at $\lambda = \nu_2 / 64$. The crossing with the triples stands at
# $\lambda^\star = (\tfrac1{16} - \tfrac1{64}) / (1/\nu_3 - 1/\nu_2)$, a little before. So for $\beta = 1$ there is almost no room above the crossing in which the pairs are learned.
#
# For $w = 3$ a set of diameter 4 never lies in the window: $\tau = 0$ for the pairs, and $\tau = 1/64$ for the triples. The crossing moves to
# $\lambda^\star = \beta\, \tfrac1{64} / (1/\nu_3 - 1/\nu_2)$. With $\beta = 1$ the pairs have $e = -\lambda / \nu_2 < 0$ always: they can never be learned.

# %% tags=["solution"]
triples, spread_pairs = (degree == 3) & (diameter == 3), (degree == 2) & (diameter == 4)
crossing = (1 / 16 - 1 / 64) / (1 / nu[3] - 1 / nu[2])
print(f"w = 4: zero at {nu[2] / 64:.3e}, {nu[2] / 64 / crossing:.3f} times the crossing at {crossing:.3e}")
model = interplay_solution(crops, kernel, 33, beta=1.0, lam=1.1 * crossing)
for name, group in (("triples", triples), ("spread pairs", spread_pairs)):
    target = parities[:, group].sum(axis=1, keepdims=True)
    share = (evaluation.null_projection_residual(model.Z, target) / np.linalg.norm(target)) ** 2
    print(f"at 1.1 times the crossing, unexplained of the {name}: {share:.2f}")
print(f"w = 3: crossing at {1 / 64 / (1 / nu[3] - 1 / nu[2]):.3e} beta")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Why do 32 views lose to 8 at a fixed budget?
#
# $\hat C_+$ and $\hat C_\varphi$ vary for two reasons: which images were drawn, and which views of them. More views of an image reduce the second part only. With very many views only the
# images' part is left, about $1/n$ in the number $n$ of images; and at a fixed budget more views mean fewer images. Measure that part by giving each image 128 views:

# %% tags=["solution"]
phi = (parities * np.sqrt(nu[degree]))[:, degree <= 3]
C, C_plus = phi.T @ phi / 2**d, phi.T @ crops @ phi / 2**d
best = np.sum(spectral.moment_ssl(C, C_plus, 9, lam=1e-3).eigenvalues ** 2)


def excess_risk(n, m, rng):
    images = cube[rng.integers(0, 2**d, n)]
    kept = (np.arange(d) - rng.integers(0, d, (m, n, 1))) % d < 4
    views = np.where(kept, images, rng.choice([-1.0, 1.0], (m, n, d)))
    row = (views < 0) @ 2 ** np.arange(d)[::-1]
    W = spectral.moment_ssl(*spectral.view_moments(phi[row]), 9, lam=1e-3).W
    return np.sum((W.T @ C @ W) ** 2) - 2 * np.trace(W.T @ C_plus @ W) + 2e-3 * np.sum(W**2) + best


# %% tags=["solution"]
rng = np.random.default_rng(ch.seed)
repeats = ch.pick(fast=3, toy=10)
for n, m in [(512, 8), (128, 32), (512, 128), (128, 128)]:
    risk = np.mean([excess_risk(n, m, rng) for _ in range(repeats)])
    print(f"{n} images, {m} views of each: excess risk {risk:.3f}")

# %% [markdown] tags=["solution"]
# What 128 views leave over is the images' part. For 128 images it is more than half of what 32 views pay; for 512 images it is small.

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Replace $h$ by the arc-cosine kernel of a ReLU layer. Which parities can never be learned, whatever the augmentations?
#
# $h(u) - h(-u) = u$: the odd part of $h$ is $u/2$, which is the parities of degree 1. The rest, $h(u) - u/2$, is even. The eigenvalue $\nu_k$ is the mean of $h$ times a parity of
# degree $k$; for odd $k$ this parity is an odd function of the point, so it sees only the odd part. Hence $\nu_3 = \nu_5 = \nu_7 = 0$: an infinite price, which no augmentation can pay.
# Biases in the layer break the symmetry of $h$ and repair this.

# %% tags=["solution"]
relu = degree_eigenvalues(lambda u: (np.sqrt(1 - u**2) + u * (np.pi - np.arccos(u))) / np.pi, d)
for k, value in enumerate(relu):
    print(f"nu_{k} = {abs(value):.5f}")

# %%
ch.footer()
