# %% [markdown]
# # Minimal variations: lab
#
# The [lesson](minimal_variations.ipynb) found the functions of least variation on two moons, and showed that small views measure variation. Here is the rest, in sections that do not need each other: real digits, how many functions a target needs, the equation behind (with a density that can be solved by hand), what the penalty does, and a network that learns from its own derivatives.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from numpy.polynomial import hermite_e
from scipy.special import factorial
from sklearn.decomposition import PCA

import cookbook as cb
from replearn import data, descent, evaluation, losses, spectral
from replearn.papers import minimal_variations as world

ch = cb.Chapter("minimal_variations_lab", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
chance = np.random.default_rng(ch.seed)
x, classes, angle = (array.numpy() for array in data.half_moons(1000, seed=ch.seed))
x_new, classes_new, angle_new = (array.numpy() for array in data.half_moons(2000, seed=ch.seed + 1000))


def smoothest(K, **how):
    return world.rbf_galerkin(x, K, centers=x[:120], bandwidth=0.3, **how)


def a_few_of_each(labels, each):
    """Rows with ``each`` labels of every class, drawn at random."""
    return np.concatenate([chance.permutation(np.flatnonzero(labels == c))[:each] for c in np.unique(labels)])


# %% [markdown]
# ## A · Do real labels vary little?
#
# The principle is an assumption about targets. Ask 1797 handwritten digits. Pictures have no derivative worth the name, so join each with its 8 nearest neighbours in pixel space; that is a graph $G$ with degrees $D_G$ and Laplacian $L = D_G - G$. Let $F$ have a column for each digit, 1 where a picture shows it and 0 elsewhere, less its mean (weighted by the degrees). How much the labels vary along the graph is a **Rayleigh quotient**,
#
# $$ \frac{\operatorname{tr}(F^\top L F)}{\operatorname{tr}(F^\top D_G F)} , $$
#
# 0 if no label changes along an edge, near 1 for labels drawn at random, and 2 at most.
#
# *Guess first:* how much do the ten digits vary? And odd against even?

# %%
images, labels = data.load("digits")[:2]
order = chance.permutation(1797)
pixels, digit = images[order].flatten(1).double().numpy(), labels[order].numpy()
graph = spectral.knn_graph(pixels, 8)
targets = {"digit": digit, "odd or even": digit % 2, "shuffled": chance.permutation(digit)}
quotients = {name: world.rayleigh_quotient(np.eye(10)[target], graph) for name, target in targets.items()}
print({name: round(value, 3) for name, value in quotients.items()})
ch.measure("labels-vary-little", quotient=quotients["digit"])
ch.measure("shuffled-labels", distance=abs(quotients["shuffled"] - 1))

# %% [markdown]
# Labels vary little: neighbours nearly always show the same digit. So the smoothest functions of the graph should know it. Give the *nearest label* $n$ labels of each digit and let it judge the pictures that it has not seen, in three spaces: the graph's 15 smoothest functions, 15 principal components, and all 64 pixels. The first two were made from all pictures, without labels; the labelled ones are among the first 900, and the others are judged.
#
# *Guess first:* one label each. How many of a hundred are right?


# %%
draws = ch.pick(fast=20, toy=50)


def nearest_label(z, labels, z_new, labels_new, each):
    scores = []
    for _ in range(draws):
        rows = a_few_of_each(labels, each)
        nearest = np.linalg.norm(z_new[:, None] - z[rows], axis=2).argmin(axis=1)
        scores.append(np.mean(labels[rows][nearest] == labels_new))
    return np.mean(scores)


# %%
smooth = spectral.laplacian_eigenmaps(graph, 15, kind="rw").Z
components = PCA(15, random_state=0).fit_transform(pixels)
spaces = {"smoothest functions": smooth, "principal components": components, "pixels": pixels}
counts = ch.pick(fast=[1, 3, 5], toy=[1, 2, 3, 5, 10])
scores = {
    name: [nearest_label(z[:900], digit[:900], z[900:], digit[900:], n) for n in counts] for name, z in spaces.items()
}
one, of_components, of_pixels = (curve[0] for curve in scores.values())
print(f"one label: smoothest {one:.3f}, components {of_components:.3f}, pixels {of_pixels:.3f}")
ch.measure("one-label", over_components=one - of_components, over_pixels=one - of_pixels)
ch.figures.few_digits(quotients, counts, scores)

# %% [markdown]
# **What you saw.** No label trained these functions: the pictures alone said which differences are rare. Principal components too are functions of least variation, but among *linear* ones: with $b_i(x) = x_i$ the matrix $R$ of the lesson is the identity, and (2) asks for the directions of largest second moment. They cannot see where data are dense.
#
# > **Check yourself.** The graph has seen the pictures that are judged. Would the comparison be fair if only the graph had?
#
# ## B · How many functions does a target need?
#
# Back to the moons, whose energies come in pairs near $0, 1, 4, 9, \dots$ (exercise 3). The target: cut each moon into $m$ stretches of equal length, alternately 0 and 1 (the sign of $\sin(m \cdot \text{angle})$ on the circle). A linear probe (`ridge_probe`: least squares with a small penalty) gets *all thousand labels* and the first $K$ functions.
#
# *Guess first:* how many functions does it need for $m = 4$? For $m = 6$?

# %%
many = smoothest(24)
old, new = many(x), many(x_new)


def probed(target, target_new):
    return [evaluation.ridge_probe(old[:, :K], target, new[:, :K], target_new) for K in range(1, 25)]


curves = {m: probed(np.sin(m * angle) > 0, np.sin(m * angle_new) > 0) for m in (4, 6, 12)}
eight, sixteen = curves[6][7], curves[6][15]
print(f"six stretches: {eight:.2f} with eight functions, {sixteen:.2f} with sixteen")
ch.measure("number-of-functions", eight=abs(eight - 0.5), gained=sixteen - eight)
ch.figures.staircase(many.energies[:10], {m: curves[m] for m in (4, 6)})

# %% [markdown]
# **What you saw.** *Left:* energies near $k^2$, each twice, the energies of waves with $k$ sign changes along either moon. *Right:* little, and then at once: $m$ stretches have $m - 1$ sign changes, so the target needs the functions up to energy $(m - 1)^2$, and these are $2m$. (With fewer the fit is nearly flat, and the accuracy wanders: six stretches reach 0.6 with five functions and lose it again.)
#
# So $K$ is a budget of variation. A small one pays where labels are few. Take four classes, which moon and which half of it, with *five labels* each, and compare a linear probe on four functions with one on the two coordinates (fifty draws). And twelve stretches? *Guess first,* then drag `K`.

# %%
four_functions, coordinates = [], []
for _ in range(50):
    rows = a_few_of_each(classes, 5)
    four_functions.append(evaluation.ridge_probe(old[rows, :4], classes[rows], new[:, :4], classes_new))
    coordinates.append(evaluation.ridge_probe(x[rows], classes[rows], x_new, classes_new))
print(f"linear probe: four functions {np.mean(four_functions):.3f}, coordinates {np.mean(coordinates):.3f}")
nearest = [nearest_label(z, classes, z_new, classes_new, 5) for z, z_new in ((old[:, :4], new[:, :4]), (x, x_new))]
print(f"nearest label: four functions {nearest[0]:.3f}, coordinates {nearest[1]:.3f}")
ch.measure("few-labels", gain=np.mean(four_functions) - np.mean(coordinates))
ch.measure("wild-target", distance=abs(curves[12][9] - 0.5))

# %%
pictures = many(ch.figures.PLANE)
all_labels = probed(classes, classes_new)
cb.explore(ch.figures.number, x, pictures, many.energies, all_labels, curves[12], K=(1, 24))

# %% [markdown]
# **What you saw.** With all labels, four functions are what four classes need, and twelve stretches gain nothing from ten. The lead at five labels belongs to the *linear* probe: with the nearest of the twenty labels as the judge (second line) it is gone.
#
# > **Check yourself.** Is 24 functions enough for twelve stretches? Look at the slider, then at the noise of the data.
#
# ## C · The equation behind, and views that are large but fit
#
# If $p$ is smooth and vanishes at infinity, integrate by parts:
#
# $$ \mathcal E(f) = \int p\, \nabla f \cdot \nabla f = \mathbb E\, \big[ f(x)\, \Delta f(x) \big], \qquad \Delta f = -\frac1p \operatorname{div}(p\, \nabla f) . $$
#
# $\Delta$ is a Laplacian weighted by the density. It is symmetric for $\mathbb E\, f g$ and never negative, and the functions of least variation are its eigenfunctions, $\Delta \psi_k = \lambda_k \psi_k$: in the lesson we solved this equation among bumps. (A graph with Gaussian weights weighs by $p^2$ in the place of $p$ when points are many and the width is small; so it stays a few degrees away.)

# %% [markdown]
# One density can be solved by hand: $x \sim \mathcal N(0, 1)$. There $\Delta f = x f' - f''$, whose eigenfunctions are the **Hermite polynomials** $\psi_k = \mathrm{He}_k / \sqrt{k!}$, with energies $k = 0, 1, 2, \dots$ ($\mathrm{He}_1 = x$, $\mathrm{He}_2 = x^2 - 1$, and so on; exercise L1).
#
# The lesson found that large views destroy the functions. But take views that leave the Gaussian as it is,
#
# $$ x' = \rho\, x + \sqrt{1 - \rho^2}\; \xi, \qquad 0 < \rho < 1 , $$
#
# so that $\rho$ is the correlation of the two sides. Mehler's formula says $\mathbb E[\psi_k(x') \mid x] = \rho^k\, \psi_k(x)$: the *same* functions, and one of energy $\lambda$ keeps the share $\rho^\lambda$. Then canonical correlation analysis of such pairs, which takes no derivative at all, must find the Hermite polynomials, with correlations $\rho, \rho^2, \rho^3$. We give it the powers $x, \dots, x^4$ of each side and $\rho = 0.6$. *Guess first:* so much is noise in such a pair; will three functions be found?

# %%
first = chance.standard_normal(200_000)
second = 0.6 * first + 0.8 * chance.standard_normal(200_000)
powers, other_powers = (np.vander(side, 5, increasing=True)[:, 1:] for side in (first, second))
canonical = spectral.cca(powers, other_powers, 3)
found = (powers - powers.mean(axis=0)) @ canonical.A
hermite = hermite_e.hermevander(first, 3)[:, 1:]
alike = np.array([abs(np.corrcoef(found[:, k], hermite[:, k])[0, 1]) for k in range(3)])
print("correlations", canonical.rho.round(3), " likeness to the polynomials", alike.round(3))
ch.measure("large-views-that-fit", correlations=abs(canonical.rho - 0.6 ** np.arange(1, 4)), unlike=1 - alike)

# %% [markdown]
# **What you saw.** Large is not the matter: these two sides differ by 0.9 standard deviations of the data. They are the *diffusion* $e^{-t \Delta}$ of this density, run for the time $t = -\log \rho$, and a diffusion has the eigenfunctions of its Laplacian. Plain noise is not the diffusion of the moons.
#
# Drag `k` and `rho`: a Hermite polynomial (thin) and what views leave of it (thick); on the right, the share that is left of every degree.

# %%
line = np.linspace(-3, 3, 121)
polynomials = hermite_e.hermevander(line, 6) / np.sqrt(factorial(np.arange(7)))
cb.explore(ch.figures.degree, line, polynomials, k=(0, 6), rho=(0.1, 0.95, 0.05))

# %% [markdown]
# > **Check yourself.** Views with $\rho = 0.6$ keep 0.36 of a function. What is its energy?
#
# ## D · What the penalty does
#
# The loss (5) of the lesson replaced the constraint by a penalty. Write it with energies, $\mathcal L = \|\mathbb E\, z z^\top - I\|_F^2 + 2\, \mathrm{inv} \sum_k \mathcal E(f_k)$. Along $\psi_k$, with second moment $c_k$, it is $(c_k - 1)^2 + 2\, \mathrm{inv}\, \lambda_k c_k$, which is least at
#
# $$ c_k = (1 - \mathrm{inv}\, \lambda_k)_+ . $$
#
# So rough functions are shrunk, and dropped once $\mathrm{inv} > 1 / \lambda_k$. Descent (L-BFGS) over the weights of 120 bumps and the constant, from random numbers, knows nothing of this. *Guess first:* the energies are near 0, 0.15, 1.1 and 1.2. How many of four functions survive $\mathrm{inv} = 1.5$?

# %%
value = np.column_stack([np.ones(1000), spectral.rbf_kernel(x, x[:120], bandwidth=0.3)])
offset = x[:, None] - x[:120]
slopes = [np.column_stack([np.zeros(1000), offset[:, :, d] * value[:, 1:] / 0.3**2]) for d in (0, 1)]
R = sum(slope.T @ slope for slope in slopes) / 1000 + 1e-4 * np.diag(np.append(0, np.ones(120)))
C_b = value.T @ value / 1000 + 1e-8 * np.eye(121)
half = np.linalg.inv(np.linalg.cholesky(C_b + R))  # coordinates in which both forms are tame
moment, energy = (torch.tensor(half @ form @ half.T) for form in (C_b, R))


# %%
def second_moments(inv):
    def penalised(W):
        return (W.T @ moment @ W - torch.eye(4)).square().sum() + 2 * inv * (W * (energy @ W)).sum()

    start = torch.randn(121, 4, dtype=torch.float64)
    (W,) = descent.minimize(penalised, [start])
    return torch.linalg.eigvalsh(W.T @ moment @ W).flip(0).numpy()


# %%
weights = ch.pick(fast=[0.5, 1.5], toy=[0.1, 0.5, 0.9, 1.5])
moments = np.array([second_moments(inv) for inv in weights])
lambdas = smoothest(4).energies
kept, alive = moments[weights.index(0.5)], np.sum(moments[-1] > 0.01)
print("kept", kept.round(3), " formula", (1 - 0.5 * lambdas).round(3), " alive at 1.5:", alive)
ch.measure("penalty", kept=abs(kept - (1 - 0.5 * lambdas)), alive=alive)
ch.figures.penalty(lambdas, weights, moments)

# %% [markdown]
# **What you saw.** Dots (descent) on lines (formula). It is the shrinkage and the threshold of VICReg in [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb), with a derivative in the place of the graph.
#
# > **Check yourself.** Why does $\psi_0$ keep the second moment 1 at any weight?
#
# ## E · A network that learns from its own derivatives
#
# The lesson's network saw views. The paper also trains on the energy itself, by automatic differentiation: no view, but a backward pass for each output. A smaller world will do, 300 points. *Guess first:* does it find the same functions as the bumps? (`decorrelation_loss` is the penalty, `dirichlet_energy` the energy.)

# %%
points = torch.tensor(x[:300], dtype=torch.float32)


def loss(network):
    return losses.decorrelation_loss(network(points)) + 0.2 * world.dirichlet_energy(network, points)


network = world.train_functions(loss, (2, 4), steps=300, seed=ch.seed)

# %%
reference = world.rbf_galerkin(x[:300], 4, centers=x[:120], bandwidth=0.3)(x[:300])[:, 1:]


def missed(z):
    outputs = np.column_stack([np.ones(300), z])
    weights, *_ = np.linalg.lstsq(outputs, reference)
    return np.mean((reference - outputs @ weights) ** 2)


by_network = missed(network(x[:300]))
print(f"the network misses {by_network:.4f} of the functions 1 to 3, the coordinates alone miss {missed(x[:300]):.2f}")
ch.measure("network-by-derivatives", missed=by_network)

# %% [markdown]
# **What you saw.** The same functions, but every step needs a backward pass for each of the four outputs, and one more for the loss.
#
# > **Check yourself.** Views cost two forward passes whatever $K$ is. How do derivatives grow with $K$?

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. Derive the energy of $\psi_k = \mathrm{He}_k / \sqrt{k!}$ from $\mathrm{He}_k' = k\, \mathrm{He}_{k-1}$ and $\mathbb E\, \mathrm{He}_k^2 = k!$. Check it by quadrature.
#
# <details><summary>Hint</summary>Differentiate, then use the second identity with $k - 1$ in the place of $k$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 20 min. Why did the lesson compare four functions, not five? Measure the largest principal angle between derivatives and graph for $K = 2, \dots, 6$ on several draws (`spectral.principal_angles`).
#
# <details><summary>Hint</summary>Which energies lie close together? A subspace that cuts such a pair in two is not determined.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 60 min. Choose the size of the views *without labels*. Which numbers of `smoothest(4, sigma=s)` tell that $s$ is too large? Test your rule on moons with twice the noise.
#
# <details><summary>Hint</summary>Look at the energies as $s$ grows, and at the step that singles out $\psi_1$.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
