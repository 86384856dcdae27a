# %% [markdown]
# # Minimal variations: solutions
#
# Try first. The exercises stand in the [lesson](minimal_variations.ipynb) and in the [lab](minimal_variations_lab.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
from numpy.polynomial import hermite_e
from scipy.linalg import eigh
from scipy.special import factorial

import cookbook as cb
from replearn import data, spectral
from replearn.papers import minimal_variations as world

ch = cb.Chapter("minimal_variations_solutions", scale=scale, seed=seed)
chance = np.random.default_rng(ch.seed)
x, halves, _ = (array.numpy() for array in data.half_moons(1000, seed=ch.seed))


def smoothest(points, K, **how):
    return world.rbf_galerkin(points, K, centers=points[:120], bandwidth=0.3, **how)


# %% [markdown]
# ## Check yourself: the lesson
#
# - **Energy 0.** A constant, and with two separate pieces of data any function that is constant on each. The moons are nearly separate, hence $\lambda_1$ is small.
# - **Both labels on one moon.** $\psi_1$ hardly differs between them, so $\psi_2$ and $\psi_3$ decide: the rule cuts that moon in two, and tells nothing of the other.
# - **A straight line.** Taylor's formula ends after its first term, so nothing is left over.
# - **A new point.** The bumps and the network are functions of the plane. The graph is a table of a thousand points.
#
# ## Check yourself: the lab
#
# - **Fair?** No: it would have seen 897 pictures more. So the components were made from all pictures, too.
# - **Twelve stretches.** By the count $2m$ it takes 24, but a stretch is only 0.26 long, noise of 0.1 mixes it with the next, and bumps of width 0.3 can hardly follow. On the slider the probe is still near chance at 24.
# - **The share 0.36.** It is $0.6^2$, so the energy is 2.
# - **Why $\psi_0$ keeps 1.** Its energy is 0: invariance has nothing against a constant.
# - **Derivatives.** One backward pass for each of the $K$ outputs. (For few inputs and many outputs one goes forwards, once for each input.)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Compare the clean point with one noisy view. What does $\frac{1}{s^2}\, \mathbb E\, (f(v) - f(x))^2$ measure?
#
# Now $f(v) - f(x) = s\, \nabla f^\top \xi + O(s^2)$, and $\xi$ has the covariance $I$: the mean of the square is $s^2\, \mathcal E(f)$, half of what two views give. Divided by $s^2$ it is the same energy. For $f(x) = x^2$,
#
# $$ f(v) - f(x) = 2 s x \xi + s^2 \xi^2, \qquad \tfrac{1}{s^2}\, \mathbb E\, (f(v) - f(x))^2 = 4 x^2 + 4 s x\, \mathbb E\, \xi^3 + s^2\, \mathbb E\, \xi^4 = 4 x^2 + 3 s^2 . $$
#
# The energy is $4x^2$, the error $3 s^2$. (Two views give $4x^2 + 2s^2$.)

# %% tags=["solution"]
noise, at, s = chance.standard_normal(1_000_000), 1.0, 0.5
print(f"measured {np.mean(((at + s * noise) ** 2 - at**2) ** 2) / s**2:.2f}, formula {4 * at**2 + 3 * s**2:.2f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 25 min. Show that (3) is the rule of least variation.
#
# The energy of $f = \sum_k a_k \psi_k$ is $\sum_k \lambda_k a_k^2$, because the $\psi_k$ are eigenvectors. Since $\lambda_0 = 0$, the constant $a_0$ is free and only the difference counts: $\sum_{k \ge 1} a_k (\psi_k(x_2) - \psi_k(x_1)) = 2$. With a multiplier, $a_k = \mu\, (\psi_k(x_2) - \psi_k(x_1)) / \lambda_k$ for a number $\mu > 0$. Write $y(x)$ for the coordinates $\psi_k(x) / \sqrt{\lambda_k}$. Then
#
# $$ f(x) = a_0 + \mu\, y(x)^\top \big( y(x_2) - y(x_1) \big) , $$
#
# a linear function of $y(x)$ that grows from $x_1$ to $x_2$. It is $-1$ at one and $1$ at the other, so it is 0 on the plane through the midpoint of $y(x_1)$ and $y(x_2)$ that is perpendicular to their difference. That plane holds the points as near to $y(x_1)$ as to $y(x_2)$, and $f > 0$ on the side of $x_2$.

# %% tags=["solution"]
f = smoothest(x, 4)
first, second = x[halves % 2 == 0][:1], x[halves % 2 == 1][:1]
y = f(x)[:, 1:] / np.sqrt(f.energies[1:])
y_1, y_2 = (f(label)[:, 1:] / np.sqrt(f.energies[1:]) for label in (first, second))
nearer = np.linalg.norm(y - y_2, axis=1) < np.linalg.norm(y - y_1, axis=1)

A = np.vstack([f(first), f(second)])  # minimise sum lambda_k a_k^2 subject to A a = (-1, 1)
system = np.block([[2 * np.diag(np.append(0, f.energies[1:])), A.T], [A, np.zeros((2, 2))]])
a = np.linalg.solve(system, np.array([0, 0, 0, 0, -1, 1]))[:4]
print("points on which the two rules differ:", np.sum((f(x) @ a > 0) != nearer))

# %% [markdown] tags=["solution"]
# **3** ●●○ 25 min. Why are the energies near $0, 0, 1, 1, 4, 4$? What would a whole circle give, and three moons?
#
# A moon is nearly a line of length $\pi$. Nothing is said about its ends, so the minimum has no slope there, and the waves are $\cos(k t)$ with $0 \le t \le \pi$: energy $\mathbb E\, k^2 \sin^2(kt) / \mathbb E \cos^2(kt) = k^2$. Each of two moons has its own, so each energy comes twice. The pair at 0 is a constant on each moon; the constant of both together has energy 0 exactly, and the other combination must jump between them, for which the bumps ask a little.
#
# A circle has no ends: $\cos(kt)$ and $\sin(kt)$ must close up after $2\pi$, with $k^2$ again: $0, 1, 1, 4, 4$, the 0 alone. Three moons have each energy three times. Noise across the curve makes it a band, and the bumps are wide, so the numbers are only near.

# %% tags=["solution"]
t = chance.uniform(0, 2 * np.pi, 1000)
circle = np.stack([np.cos(t), np.sin(t)], axis=1) + 0.1 * chance.standard_normal((1000, 2))
third = x[halves % 2 == 0][:500] - np.array([3, 0])
for name, points in ("two moons", x), ("circle", circle), ("three moons", chance.permutation(np.vstack([x, third]))):
    f = world.rbf_galerkin(points, 7, centers=points[:150], bandwidth=0.3)
    print(f"{name}: {f.energies.round(1)}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Let the views' noise have a covariance $\Sigma$, small in one direction. Which energy do they measure? Solve (2) for it.
#
# The difference of two views is $s\, \nabla f^\top (\xi - \xi') + O(s^2)$, and $\xi - \xi'$ has the covariance $2 \Sigma$. So
#
# $$ \frac{1}{2 s^2}\, \mathbb E\, \big(f(v) - f(v')\big)^2 = \mathbb E\, \nabla f^\top\, \Sigma\, \nabla f + O(s^2) : $$
#
# change along a direction with little noise costs little. For a horizontal standard deviation $a$ and a vertical one of 1, the matrix in (2) becomes $R = a^2 R_1 + R_2$, with $R_d = \mathbb E\, \frac{\partial b}{\partial x_d} \frac{\partial b}{\partial x_d}^\top$. As $a$ falls, all energies fall, and the functions put their slope into the *horizontal* direction, which becomes nearly free.

# %% tags=["solution"]
offset = x[:, None] - x[:120]
value = np.column_stack([np.ones(1000), spectral.rbf_kernel(x, x[:120], bandwidth=0.3)])
slopes = [np.column_stack([np.zeros(1000), offset[:, :, d] * value[:, 1:] / 0.3**2]) for d in (0, 1)]
R_1, R_2 = (slope.T @ slope / 1000 for slope in slopes)
C_b = value.T @ value / 1000 + 1e-8 * np.eye(121)
small_penalty = 1e-4 * np.diag(np.append(0, np.ones(120)))

# %% tags=["solution"]
for a in (1, 0.3, 0.1):
    energies, w = eigh(a**2 * R_1 + R_2 + small_penalty, C_b, subset_by_index=(1, 5))
    across, up = np.sum(w * (R_1 @ w), axis=0), np.sum(w * (R_2 @ w), axis=0)
    print(f"a = {a}: energies {energies.round(2)}, horizontal share of the slope {(across / (across + up)).round(2)}")

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. Derive the energy of $\psi_k = \mathrm{He}_k / \sqrt{k!}$. Check it by quadrature.
#
# $$ \mathcal E(\psi_k) = \mathbb E\, (\psi_k')^2 = \frac{k^2\, \mathbb E\, \mathrm{He}_{k-1}^2}{k!} = \frac{k^2\, (k - 1)!}{k!} = k . $$
#
# Gauss-Hermite quadrature with 40 nodes is exact for the squares of these slopes. It also confirms Mehler's formula: over views with $\rho = 0.6$ the mean of $\psi_k$ is $0.6^k\, \psi_k$.

# %% tags=["solution"]
nodes, weights = hermite_e.hermegauss(40)
weights = weights / weights.sum()
for k in range(7):
    slopes = hermite_e.hermeval(nodes, hermite_e.hermeder(np.eye(7)[k]))
    of_views = hermite_e.hermeval(0.6 * nodes[:, None] + 0.8 * nodes, np.eye(7)[k]) @ weights
    off = abs(of_views - 0.6**k * hermite_e.hermeval(nodes, np.eye(7)[k])) / np.sqrt(factorial(k))
    print(f"k = {k}: energy {weights @ slopes**2 / factorial(k):.6f}, Mehler off by {weights @ off:.0e}")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 20 min. Why did the lesson compare four functions, not five?
#
# The energies of $\psi_2, \psi_3$ lie close together, and so do those of $\psi_4, \psi_5$. Any rotation within such a pair costs almost nothing, so the span of the first $K$ functions is determined only where $\lambda_{K-1} < \lambda_K$ by a clear step: at $K = 2$, 4 and 6. With $K = 3$ or 5 a pair is cut in two, each route may keep another half of it, and the angle can be anything. (At $K = 4$ the largest angle is a few degrees: the graph weighs by $p^2$.)

# %% tags=["solution"]
for draw in range(4):
    points = data.half_moons(1000, seed=draw)[0].numpy()
    f = smoothest(points, 7)
    G = spectral.knn_graph(points, 150, weight="heat", bandwidth=0.15)
    Z = spectral.laplacian_eigenmaps(G, 6, kind="rw", drop_constant=False).Z
    angles = [spectral.principal_angles(f(points)[:, :K], Z[:, :K]).max().round() for K in range(2, 7)]
    print(f"draw {draw}: energies 1 to 6 {f.energies[1:].round(2)}, degrees for K = 2 to 6 {np.array(angles)}")

# %% [markdown] tags=["solution"]
# **L3** ●●● 60 min. Choose the size of the views without labels.
#
# With small views the energies have a large step from $\lambda_1$ to $\lambda_2$: one function is much cheaper than all others, the sign of two clusters. Views that reach across the gap make $\psi_1$ dear, and the step melts. So take the largest $s$ at which $\lambda_2 / \lambda_1$ is still, say, 3. (Too small an $s$ is no danger here, where means over noise are good; a network on small batches would suffer from it.) With noise of 0.2 the step is below 3 at every size, if only just: the moons have nearly grown together, and the rule says that there are no two clusters to find. (The 3 is our choice, not a law.)

# %% tags=["solution"]
for noise in (0.1, 0.2):
    points = data.half_moons(1000, noise=noise, seed=ch.seed)[0].numpy()
    for s in (0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        energies = smoothest(points, 3, sigma=s, seed=ch.seed).energies
        print(f"noise {noise}, s = {s}: energies 1 and 2 {energies[1:].round(2)}, step {energies[2] / energies[1]:.1f}")

# %%
ch.footer()
