# %% [markdown]
# # Minimal variations
#
# Why should unlabelled data help at all? Because they show where nobody is, and there a function may change for free. After this lesson you can say which functions vary least where the data are, find them with derivatives or with nothing but pairs of noisy views, and tell when a view is too large.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from ipywidgets import SelectionSlider
from scipy.linalg import eigh
from torch import nn

import cookbook as cb
from replearn import data, models, spectral
from replearn.papers import minimal_variations as world

ch = cb.Chapter("minimal_variations", scale=scale, seed=seed)
x, halves, _ = (array.numpy() for array in data.half_moons(1000, seed=ch.seed))
x_new, halves_new, _ = (array.numpy() for array in data.half_moons(2000, seed=ch.seed + 1000))
moon, moon_new = halves % 2, halves_new % 2  # 0: left, 1: right

# %% [markdown]
# ## 1 · Two labels and a thousand points
#
# Cut a circle in two and lift its right half: two *moons*, a thousand points, with a little noise. Two of the points have a label, the stars. The colours of each picture are a function that fits both labels; it is 0 at the black line. Which of the two would you trust with a new point?


# %%
def smoothest(K, **how):  # section 2 says what this is
    return world.rbf_galerkin(x, K, centers=x[:120], bandwidth=0.3, **how)


labelled = [np.linalg.norm(x - place, axis=1).argmin() for place in ([-1, 0], [1, 1])]
A = world.fit_two_labels(lambda points: points, *x[labelled])
B = world.fit_two_labels(smoothest(4).weighted, *x[labelled])
ch.figures.two_fits(x, labelled, {"A": A, "B": B})

# %% [markdown]
# *Follow the black lines.* That of A, half-way between the labels, runs through the data and cuts both moons. That of B runs through empty space. Both functions fit the labels, so the labels cannot decide. What can is how much a function **varies at the data**:
#
# $$ \mathcal E(f) = \mathbb E\, \|\nabla f(x)\|^2 = \int p(x)\, \|\nabla f(x)\|^2\, dx . \tag{1} $$
#
# Here $p$ is the density of the data, $\nabla f$ the gradient of a function $f$, and $\mathbb E$ the mean over the data. $\mathcal E(f)$ is called the **Dirichlet energy** of $f$. Where $p = 0$, slope costs nothing.
#
# We measure it as one would on foot: from each point a small step to either side, and a small step up and down.
#
# *Guess first:* by which factor do the energies of A and B differ?


# %%
def variation(f, step=1e-4):
    aside, up = np.array([[step, 0], [0, step]])
    slope_aside = (f(x + aside) - f(x - aside)) / (2 * step)
    slope_up = (f(x + up) - f(x - up)) / (2 * step)
    return np.mean(slope_aside**2 + slope_up**2)


print(f"energy of A {variation(A):.2f}, of B {variation(B):.2f}")

# %% [markdown]
# **What you saw.** B goes from −1 to +1 as A does, but it does so *where nobody is*. No further label was needed to prefer it, only the other 998 points.
#
# This is the **principle of minimal variations**: useful targets vary little where data are dense. It is an assumption about the world, and the [lab](minimal_variations_lab.ipynb) has a target that breaks it.
#
# > **Check yourself.** Which function has energy 0? ([Answers](minimal_variations_solutions.ipynb))
#
# ## 2 · The functions that vary least
#
# Before any label comes we can look for functions of little energy. Ask for $K$ of them, $\psi_0, \dots, \psi_{K-1}$, with the smallest sum of energies, but *orthonormal*, $\mathbb E\, \psi_j \psi_k = 0$ for $j \ne k$ and $\mathbb E\, \psi_k^2 = 1$, so that none is zero or a copy of another.
#
# Search among combinations $f(x) = \sum_i w_i\, b_i(x) = w^\top b(x)$ of given functions $b_i$ with weights $w_i$. Energy and second moment become quadratic forms:
#
# $$ \mathcal E(f) = w^\top R\, w, \quad R = \mathbb E \sum_d \frac{\partial b}{\partial x_d} \frac{\partial b}{\partial x_d}^{\!\top}, \qquad
#    \mathbb E f^2 = w^\top C_b\, w, \quad C_b = \mathbb E\, b\, b^\top . $$
#
# For the least energy at second moment 1 take a Lagrange multiplier $\lambda_k$ and set the derivative to zero:
#
# $$ R\, w = \lambda_k\, C_b\, w . \tag{2} $$
#
# Multiply by $w^\top$ from the left: $\lambda_k$ *is* the energy. Different eigenvectors are orthogonal, so the $K$ functions are the first of them, with energies $0 = \lambda_0 \le \lambda_1 \le \dots$ (Any rotation of the $K$ has the same sum; their *span* is what is determined.)

# %% [markdown]
# As given functions take a constant and 120 Gaussian bumps of width 0.3, one around each of the first 120 points.

# %%
offset = x[:, None] - x[:120]  # from each centre to each point
bump = np.exp(-np.sum(offset**2, axis=2) / (2 * 0.3**2))
given = np.column_stack([np.ones(1000), bump])
slope_aside, slope_up = (-offset[:, :, d] * bump / 0.3**2 for d in (0, 1))

C_b = given.T @ given / 1000 + 1e-8 * np.eye(121)
R = np.zeros((121, 121))  # the constant has no slope; 1e-4 and 1e-8 keep the weights tame
R[1:, 1:] = (slope_aside.T @ slope_aside + slope_up.T @ slope_up) / 1000 + 1e-4 * np.eye(120)
energies, w = eigh(R, C_b, subset_by_index=(0, 3))

# %% [markdown]
# $\psi_0$ is the constant. *Guess first:* where will $\psi_1$ change? And where $\psi_2$ and $\psi_3$, which must be orthogonal to it?

# %%
f = smoothest(4)  # the library's function for the same problem
print("energies by hand", energies.round(3), " by the library", f.energies.round(3))
ch.figures.functions(x, f)

# %% [markdown]
# **What you saw.** $\psi_1$ is flat on each moon and changes in the gap: it is *which moon*, and no label told it. $\psi_2$ and $\psi_3$ run slowly along the moons, one wave each. Away from the data the colours mean nothing. (A part of $\lambda_1$ is the small penalty on the weights of the bumps, which the code adds.)
#
# **Back to two labels.** Among the combinations of $\psi_0, \dots, \psi_3$ that fit both labels, the one of least energy has a simple form (exercise 2): it assigns a point to the label that is nearer in the coordinates
#
# $$ \psi_k(x) / \sqrt{\lambda_k}, \qquad k = 1, 2, 3 . \tag{3} $$
#
# The library calls them `f.weighted`. That was B, and A is the same rule in the plane. Now draw 200 pairs of labels at random, one on each moon, and let 2000 new points be judged. *Guess first:* how many of a hundred new points does each rule get right? And (3) without its division?


# %%
def right_from_two_labels(features, pairs=200):
    z, z_new, right = features(x), features(x_new), []
    draw = np.random.default_rng(ch.seed)
    for _ in range(pairs):
        a, b = (z[draw.choice(np.flatnonzero(moon == m))] for m in (0, 1))
        nearer_b = np.linalg.norm(z_new - b, axis=1) < np.linalg.norm(z_new - a, axis=1)
        right.append(np.mean(nearer_b == moon_new))
    return np.mean(right)


# %%
plane = right_from_two_labels(lambda points: points)
least = right_from_two_labels(f.weighted)
unweighted = right_from_two_labels(lambda points: f(points)[:, 1:])
print(f"in the plane {plane:.3f}, least variation {least:.3f}, without the division {unweighted:.3f}")
ch.measure("two-labels", wrong=1 - least, gain=least - plane)
ch.measure("unweighted", gain=unweighted - plane)

# %% [markdown]
# **What you saw.** Two labels suffice, if variation decides. Without the division $\psi_2$ and $\psi_3$ count as much as $\psi_1$, and the advantage is gone: a representation alone does not say which of its directions matter.
#
# > **Check yourself.** What would the rule do with both labels on one moon?
#
# ## 3 · Two views measure a slope
#
# Derivatives of pictures are awkward. Self-supervised learning has something else: two **views** of one input. Let them be the simplest,
#
# $$ v = x + s\, \xi, \qquad v' = x + s\, \xi', \qquad \xi, \xi' \text{ standard normal and independent,} $$
#
# of *size* $s$. By Taylor's formula $f(v) - f(v') = s\, \nabla f(x)^\top (\xi - \xi') + O(s^2)$. Square it and take the mean over the noise. As $\xi - \xi'$ has the covariance $2 I$, the square of the first term gives $2 s^2\, \|\nabla f(x)\|^2$. Terms of third order vanish: they change their sign with $(\xi, \xi')$. So
#
# $$ \frac{1}{2 s^2}\, \mathbb E\, \big( f(v) - f(v') \big)^2 = \mathcal E(f) + O(s^2) . \tag{4} $$
#
# The left side is the *invariance term* of a joint embedding. It is a derivative in disguise.

# %% [markdown]
# Test (4) on a random network with tanh units, at 100 of the points. `dirichlet_energy` is (1) by automatic differentiation, `augmentation_energy` is the left side of (4), each summed over the four outputs. The mean over the noise is taken by quadrature (`nodes=12` values of $\xi$ in each direction, with weights), so that no sampling error hides the law.
#
# *Guess first:* halve $s$. By what is the error divided?

# %%
sizes = np.array([0.16, 0.08, 0.04, 0.02])
points = torch.tensor(x[:100])
network = models.mlp([2, 64, 64, 4], nn.Tanh, dtype=torch.float64)
exact = world.dirichlet_energy(network, points).item()
by_views = np.array([world.augmentation_energy(network, points, s, nodes=12).item() for s in sizes])
errors = abs(by_views / exact - 1)
print("exact", round(exact, 5), " by views", by_views.round(5), " relative error", errors.round(5))
slope, _ = np.polyfit(np.log(sizes), np.log(errors), 1)
ch.measure("views-measure-slopes", slope=abs(slope - 2), error=errors[-1])

# %% [markdown]
# **What you saw.** Half the size, a quarter of the error. So views can replace the derivatives in (2): `smoothest(4, sigma=s)` takes no derivative, only views of size $s$.
#
# **But how large may a view be?** (4) holds for small $s$, and the nearest points of the two moons are about 0.5 apart. *Guess first:* at which $s$ do two labels stop sufficing? Then drag `size`. On the left is function 1 as views of that size find it among the bumps, and a circle of radius $s$ around one point.

# %%
sizes = [0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0]
found = {s: smoothest(4, sigma=s, seed=ch.seed) for s in sizes}
right = {s: right_from_two_labels(g.weighted, pairs=50) for s, g in found.items()}
curves = ch.figures.measured_by_views(x, f, sizes, seed=ch.seed)
pictures = ch.figures.pictures(x, f, found)
cb.explore(ch.figures.size_of_views, x, pictures, right, curves, size=SelectionSlider(options=sizes, value=0.3))

# %% [markdown]
# *On the right* are two candidates of variance 1: $\psi_1$, and the straight line along the longest axis of the data; the curves say how much each varies (left side of (4), divided by the variance of $f(v)$). Small views see (1): for them $\psi_1$ is far smoother. Larger ones meet the gap, where it climbs. Beyond the crossing views prefer the line.

# %%
small = right_from_two_labels(smoothest(4, sigma=0.05, seed=ch.seed).weighted)
large = right_from_two_labels(smoothest(4, sigma=0.8, seed=ch.seed).weighted)
print(f"in the plane {plane:.3f}, by size of view:", ", ".join(f"{s} {right[s]:.2f}" for s in sizes[3::2]))
ch.measure("size-of-views", small=1 - small, lost=small - large)

# %% [markdown]
# **What you saw.** From size 0.2 on two labels fail more and more, though the gap is more than twice as wide: a view that ends in the gap already pays for the step there. From 0.5 on they are worth about as much as in the plane. An augmentation must be *much* smaller than the gap between what it should keep apart.
#
# > **Check yourself.** For a straight line the error in (4) is 0 at every $s$. Why?
#
# ## 4 · A network that is shown only views
#
# A network knows neither bumps nor eigenvectors. It gives each view an embedding, $z = f(v)$ and $z' = f(v')$, of $K = 4$ numbers. The constraint of section 2 becomes a penalty, and (4) supplies the energy:
#
# $$ \mathcal L = \big\| \mathbb E\, z z^\top - I_K \big\|_F^2 + \frac{\mathrm{inv}}{s^2}\, \mathbb E\, \|z - z'\|^2 . \tag{5} $$
#
# You know it: it is the least-squares VICReg of [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb), not centred, with views in the place of a graph. As there one completes the square: by (4) the second term is $2\, \mathrm{inv} \sum_k \mathcal E(f_k)$, up to $O(s^2)$, so at the minimum $\psi_k$ is kept with the second moment $(1 - \mathrm{inv}\, \lambda_k)_+$: the same span, each direction a little shrunk, if $\mathrm{inv} < 1 / \lambda_3$.

# %%
data_points = torch.tensor(x[: ch.pick(fast=500, toy=1000)], dtype=torch.float32)


def loss(network, inv=0.1):
    z, z_other = (network(data_points + 0.05 * torch.randn_like(data_points)) for _ in range(2))
    moments = (z.T @ z + z_other.T @ z_other) / (2 * len(z))
    penalty = (moments - torch.eye(4)).square().sum()
    apart = (z - z_other).square().sum(dim=1).mean() / 0.05**2
    return penalty + inv * apart


# %% [markdown]
# 400 steps of Adam on (5), from three starts (`train_functions`: two hidden layers of 64 units). Beside it stands the third classical way, a **graph**: join each point with its 150 nearest, weighted by a Gaussian of the distance of width 0.15, and take the first eigenvectors of the Laplacian: differences between neighbours in the place of slopes.
#
# How well does an embedding know $\psi_1, \psi_2, \psi_3$? Fit them by least squares from its outputs and a constant. The share of their variance that is left over is what it **misses**: 0 if it has them all. *Guess first:* which share does the network miss? An untrained one? One trained with $\mathrm{inv} = 0$?


# %%
def missed(z):
    outputs = np.column_stack([np.ones(1000), z])
    weights, *_ = np.linalg.lstsq(outputs, f(x)[:, 1:])
    return np.mean((f(x)[:, 1:] - outputs @ weights) ** 2)


views = smoothest(4, sigma=0.05, seed=ch.seed)
graph = spectral.knn_graph(x, 150, weight="heat", bandwidth=0.15)
waves = spectral.laplacian_eigenmaps(graph, 4, kind="rw", drop_constant=False).Z
networks = [world.train_functions(loss, (2, 4), seed=3 * ch.seed + start) for start in range(3)]

# %%
by_network = [missed(network(x)) for network in networks]
print(f"views {missed(views(x)):.4f}, graph {missed(waves):.4f}, networks {np.round(by_network, 4)}")
ch.measure("same-functions", views=missed(views(x)), graph=missed(waves), network=by_network)


# %%
def others(loss, starts, steps=400):
    seeds = range(starts * ch.seed, starts * (ch.seed + 1))
    return [missed(world.train_functions(loss, (2, 4), steps=steps, seed=start)(x)) for start in seeds]


untrained = others(loss, starts=10, steps=0)
orthonormal = others(lambda network: loss(network, inv=0), starts=3)
print(f"coordinates {missed(x):.2f}, untrained {np.round(untrained, 2)}, inv = 0 {np.round(orthonormal, 2)}")
ch.measure("untrained-network", missed=np.mean(untrained))
ch.measure("without-invariance", missed=np.mean(orthonormal))

# %%
ch.figures.routes(x, {"derivatives": f, "views": views, "network": networks[0]}, waves)

# %% [markdown]
# *Compare along a row, where the points are.* (Rotations are undone. Away from the data nothing was asked of anybody, and the graph has no values there at all.) **What you saw.** Four routes, one space. Four numbers made of two coordinates know much of these functions by accident; with the invariance term the network misses about a hundredth of what it missed without.
#
# > **Check yourself.** Which of the four routes can be asked about a new point?

# %% [markdown]
# ## What breaks
#
# - **The gap in the spectrum.** Spans are determined only where $\lambda_{K-1} < \lambda_K$ by a clear step. Here energies come in close pairs: with $K = 3$ or 5 two routes need not agree (exercise L2).
# - **One view or two.** The paper's code compares a clean point with *one* noisy view: mind the factor (exercise 1). And with ReLU units $f$ has folds, where the error of (4) need not fall as $s^2$.
# - **Which targets.** $K$ functions are a budget of variation: a target that alternates quickly along a moon is out of their reach, however many labels there are (lab, section B).
# - **Gaussian noise on pixels** is a poor augmentation of pictures. What the principle asks is *in which metric* good targets vary little; crops and colours are an answer that somebody supplied. The [lab](minimal_variations_lab.ipynb) asks real digits, by a graph.
# - **Ours and theirs.** The paper shows level sets on these half-moons and few numbers. The numbers here are ours, with a smaller network, full batches and ten times the weight of invariance.

# %% [markdown]
# ## Summary
#
# 1. The energy $\mathbb E\, \|\nabla f(x)\|^2$ is slope where the data are; a jump where nobody is costs nothing.
# 2. The orthonormal functions of least energy solve $R\, w = \lambda_k\, C_b\, w$; the first that is not constant told the moons apart without a label.
# 3. The difference of two small views measures this energy, with an error of order $s^2$: invariance is a derivative.
# 4. Derivatives, views, a graph and a network trained on views find the same functions.
# 5. Views that reach into the gap destroy all this: an augmentation must be much smaller than the gap between what it should keep apart.
#
# Next, [the SSL interplay](../04_ssl_interplay/ssl_interplay.ipynb) weighs views against the architecture. The exercises below take about two hours, those of the lab as long again.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Compare the clean point with one noisy view. What does $\frac{1}{s^2}\, \mathbb E\, (f(v) - f(x))^2$ measure, and what is the error for $f(x) = x^2$ in one dimension?
#
# <details><summary>Hint</summary>$\mathbb E\, \xi^2 = 1$, $\mathbb E\, \xi^3 = 0$ and $\mathbb E\, \xi^4 = 3$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 25 min. Show that (3) is the rule of least variation: among $f = \sum_{k=0}^{K-1} a_k \psi_k$ with $f(x_1) = -1$ and $f(x_2) = 1$, the one with the smallest energy is positive where $x_2$ is the nearer label in the coordinates $\psi_k / \sqrt{\lambda_k}$, $k \ge 1$.
#
# <details><summary>Hint</summary>The energy is $\sum_k \lambda_k a_k^2$, and $a_0$ is free. One Lagrange multiplier is enough, for the difference $f(x_2) - f(x_1) = 2$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 25 min. Why are the energies near $0, 0, 1, 1, 4, 4$? What would a whole circle give, uncut? Three moons far apart? Guess, then measure.
#
# <details><summary>Hint</summary>At the end of a moon nothing forces a slope. Which waves are flat at both ends of an interval of length $\pi$? Which close up on a circle?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Let the views' noise have a covariance $\Sigma$, small in one direction. Which energy do they measure? Solve (2) for it, with a horizontal standard deviation of 1, 0.3 and 0.1 times the vertical one. Which directions become nearly free?
#
# <details><summary>Hint</summary>Repeat the step to (4) with $\mathbb E\, \xi \xi^\top = \Sigma$. Then weigh the two terms of $R$.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - V. Cabannes, A. Bietti, R. Balestriero. [On minimal variations for unsupervised representation learning](https://arxiv.org/abs/2211.03782). *ICASSP*, 2023. Code: VivienCabannes/laplacian.
# - M. Belkin, P. Niyogi. Laplacian Eigenmaps, 2003. X. Zhu, Z. Ghahramani, J. Lafferty. Semi-supervised learning using Gaussian fields and harmonic functions, 2003.
# - V. Cabannes, F. Bach. [The Galerkin method beats graph-based approaches for spectral algorithms](https://arxiv.org/abs/2306.00742), 2023.
