# %% [markdown]
# # Minimal variations: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
from numpy.polynomial import hermite_e
from scipy.linalg import eigh
from scipy.special import factorial

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.papers.minimal_variations import rbf_galerkin

ch = cb.Chapter("minimal_variations_solutions", scale=scale, seed=seed)


def moons(seed, n=1000):
    """Points, class (which moon, plus 2 on the upper half of the circle), angle on the circle."""
    return [array.numpy() for array in data.half_moons(n, seed=seed)]


def smoothest(x, K):
    """The K functions of least variation among a constant and 120 bumps."""
    return rbf_galerkin(x, K, centers=x[:120], bandwidth=0.3)


x, y, t = moons(ch.seed)
x_new, y_new, t_new = moons(ch.seed + 1000, n=2000)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Derive the energy of $\psi_k = \mathrm{He}_k / \sqrt{k!}$ from $\mathrm{He}_k' = k\, \mathrm{He}_{k-1}$ and $E[\mathrm{He}_k^2] = k!$. Check it by quadrature.
#
# $$ \mathcal E(\psi_k) = E\big[(\psi_k')^2\big] = \frac{k^2\, E\big[\mathrm{He}_{k-1}^2\big]}{k!} = \frac{k^2\, (k - 1)!}{k!} = k . $$
#
# Gauss-Hermite quadrature with 40 nodes is exact for the squares of these slopes:

# %% tags=["solution"]
nodes, weights = hermite_e.hermegauss(40)
weights = weights / weights.sum()
for k in range(7):
    slopes = hermite_e.hermeval(nodes, hermite_e.hermeder(np.eye(7)[k]))
    print(f"k = {k}: energy {weights @ slopes**2 / factorial(k):.6f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Why were four functions compared, not five? Measure the angle between derivatives and graph for $K = 2, \dots, 6$ on several draws.
#
# The energies 3 and 4 come in a close pair, and so do 5 and 6. Any rotation within such a pair costs almost nothing, so the span of the first $K$ functions is determined only where
# $\lambda_K < \lambda_{K+1}$ by a clear step: after 2, 4 and 6. With $K = 3$ or $K = 5$ a pair is cut in two, each route may keep another half of it, and the angle can be anything.

# %% tags=["solution"]
for s in range(4):
    points = moons(s)[0]
    f = smoothest(points, 7)
    G = spectral.knn_graph(points, 150, weight="heat", bandwidth=0.15)
    Z = spectral.laplacian_eigenmaps(G, 6, kind="rw", drop_constant=False).Z
    angles = [spectral.principal_angles(f(points)[:, :K], Z[:, :K]).max().round() for K in range(2, 7)]
    print(f"draw {s}: energies 2 to 7 {f.energies[1:].round(2)}, degrees for K = 2 to 6 {np.array(angles)}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Make the target $\operatorname{sign} \sin 2 \theta$, with all labels. How many functions does the probe need?
#
# $\sin 2\theta$ is positive for $0 < \theta < \pi/2$, the upper half of the moon on the right, and for $\pi < \theta < 3\pi/2$, the lower half of the moon on the left; it is negative on the other two
# halves. Function 2 tells the moons apart and is constant on each. Functions 3 and 4 run along the moons, one mixture along each; a target that runs up on one moon and
# down on the other is their combination, so the probe needs both of them: four functions.

# %% tags=["solution"]
ten = smoothest(x, 10)
old, new = ten(x), ten(x_new)
for K in range(1, 7):
    score = evaluation.ridge_probe(old[:, :K], np.sin(2 * t) > 0, new[:, :K], np.sin(2 * t_new) > 0)
    print(f"K = {K}: accuracy {score:.2f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Let the views' noise have a covariance $\Sigma$, small in one direction. Which energy do they measure? Solve (4) for it.
#
# The difference of two views is $s\, \nabla f \cdot (\varepsilon - \varepsilon') + O(s^2)$, and $\varepsilon - \varepsilon'$ has the covariance $2 \Sigma$. So
#
# $$ \frac{1}{2 s^2}\, E \big(f(x + s \varepsilon) - f(x + s \varepsilon')\big)^2 = E\big[\nabla f^\top\, \Sigma\, \nabla f\big] + O(s^2) : $$
#
# change along a direction with little noise costs little. For a horizontal standard deviation $a$ and a vertical one of 1, the matrix in (4) becomes $R = a^2 R_1 + R_2$, with
# $R_d = E\big[\frac{\partial b}{\partial x_d} \frac{\partial b}{\partial x_d}^\top\big]$. As $a$ falls, all energies fall, and the functions put their slope into the
# *horizontal* direction, which is nearly free.

# %% tags=["solution"]
offset = x[:, None] - x[:120]
bump = np.exp(-np.sum(offset**2, axis=2) / (2 * 0.3**2))
value = np.hstack([np.ones((len(x), 1)), bump])
slopes = [np.hstack([np.zeros((len(x), 1)), -offset[:, :, d] * bump / 0.3**2]) for d in (0, 1)]
S, (R_1, R_2) = value.T @ value / len(x), [slope.T @ slope / len(x) for slope in slopes]
ridge = 1e-4 * np.diag(np.append(0, np.ones(120)))

# %% tags=["solution"]
for a in (1, 0.3, 0.1):
    found, v = eigh(a**2 * R_1 + R_2 + ridge, S + 1e-8 * np.eye(121), subset_by_index=(1, 5))
    across, up = np.sum(v * (R_1 @ v), axis=0), np.sum(v * (R_2 @ v), axis=0)
    print(f"a = {a}: energies {found.round(2)}, horizontal share of the slope {(across / (across + up)).round(2)}")

# %%
ch.footer()
