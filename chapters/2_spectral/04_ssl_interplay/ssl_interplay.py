# %% [markdown]
# # The SSL interplay
#
# After this chapter you can write down two operators, one for the augmentations and one for the architecture, and read off from their sum which features self-supervised learning
# will keep, when the one or the other rules, and how many images and views it takes to find them.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import ttest_1samp

import cookbook as cb
from replearn import data, evaluation, losses, spectral
from replearn.papers.ssl_interplay import (
    augmentation_operator,
    crop_channel,
    crop_eigenvalue,
    degree_eigenvalues,
    flip_channel,
    hypercube,
    interplay_eigenvalues,
    interplay_solution,
    parity_basis,
)

ch = cb.Chapter("ssl_interplay", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + 3)
AUGMENTATION, KERNEL, BOTH, FAINT = cb.color("contrastive"), cb.color("vicreg"), cb.color("theory"), "#c4cad2"

# %% [markdown]
# ## The question
#
# Small handwritten digits, each seen in four **views**: shifted by up to a pixel, with a little noise. A model is told which views belong together and learns 20 features; then
# fifty labels, five for each digit, train a linear probe on them. What does it take to be good: the
# augmentations, the architecture (here a Gaussian kernel, to which near images are similar), or both? We compare encoders. The first minimises the loss of the augmentations and
# *nothing else*; many do that equally well, so it takes one at random. The second has both. The
# third has never heard of augmentations. (All use the kernel to carry features to new images. A fourth, told lies about which views belong together, is for later.) How `encode`
# works is the matter of this chapter.

# %%
images = ch.pick(fast=150, toy=300)
owner = np.repeat(np.arange(images), 4)


def digits_world(seed):
    digits, rng = data.load("digits"), np.random.default_rng(seed)
    order = rng.permutation(len(digits.labels))
    train, test = order[:images], order[images : images + 1000]
    pixels = torch.tensor(rng.integers(-1, 2, (len(owner), 2)))
    seen = data.affine_warp(digits.images[train[owner]], shift=pixels / 4).flatten(1).numpy()
    seen = seen + 0.05 * rng.standard_normal(seen.shape)
    bandwidth = spectral.median_bandwidth(seen) / 2**0.5
    gram = spectral.rbf_kernel(seen, bandwidth=bandwidth) + 1e-8 * np.eye(len(seen))
    gram_new = spectral.rbf_kernel(digits.images[test].flatten(1), seen, bandwidth=bandwidth)
    y, y_new = digits.labels[train].numpy(), digits.labels[test].numpy()
    labelled = np.concatenate([np.flatnonzero(y == digit)[:5] for digit in range(10)])
    return SimpleNamespace(gram=gram, gram_new=gram_new, y=y, y_new=y_new, labelled=labelled)


# %%
def encode(world, *, beta=1.0, lam=1e-5, owner=owner):
    T = augmentation_operator(np.equal.outer(np.arange(images), owner) / 4)
    model = interplay_solution(T, world.gram, 20, beta=beta, lam=lam)
    return model.Z, model.transform(world.gram_new)


def accuracy(world, Z, Z_new):
    first_view, y = Z[4 * world.labelled], world.y[world.labelled]
    return evaluation.ridge_probe(first_view, y, Z_new, world.y_new, lam=1e-2, standardize=False)


# %%
worlds, encoders = [digits_world(s) for s in seeds], []
for s, world in zip(seeds, worlds, strict=True):
    rng = np.random.default_rng(s)
    at_random = np.sqrt(images) * np.linalg.qr(rng.standard_normal((images, 20)))[0][owner]
    found = {"augmentations alone": (at_random, world.gram_new @ np.linalg.solve(world.gram, at_random))}
    found |= {"both": encode(world), "kernel alone": encode(world, beta=0.0)}
    encoders.append(found | {"wrong views": encode(world, owner=rng.permutation(owner))})
rows = np.isin(worlds[0].y_new, [0, 1, 3, 4, 6])
fig, axes = plt.subplots(1, 3, figsize=(8.8, 3.2), layout="constrained")
for ax, (name, (Z, Z_new)) in zip(axes, encoders[0].items(), strict=False):
    cb.plots.scatter(ax, Z_new[rows, 1:3], worlds[0].y_new[rows], size=9)
    ax.set_title(f"{name}: {accuracy(worlds[0], Z, Z_new):.0%}")
plt.show()

# %% [markdown]
# *Compare the three titles*, the accuracies on 1,000 new digits. (The dots are the new 0s, 1s, 3s, 4s and 6s, a colour each, in two of the features.) Augmentations alone are far
# behind, although their loss is perfect. The kernel alone is not good. Together they are twice as good.
#
# ## The mathematics
#
# $X$ is a clean input, $\xi$ an augmented view of it, $\xi'$ another view of the same $X$, $\eta$ a view of an independent input. An encoder $\psi = (\psi_1, \dots, \psi_K)$ is
# $K$ functions of a *view*, and $\langle f, g \rangle = \mathbb E f(\xi) g(\xi)$.
#
# - **$T$, the augmentations.** $(T f)(\xi) = \mathbb E [ f(\xi') \,|\, \xi ]$ replaces a function by its mean over the other views of the same input. So
#   $\langle f, T f \rangle = \mathbb E f(\xi) f(\xi') = \mathbb E_X\, \mathbb E[f(\xi) | X]^2$: its eigenvalues $\tau$ lie
#   between 0 and 1, and $\tau = 1$ means that $f$ is the same on all views of an input.
# - **$\mathcal K$, the architecture.** Let $\psi_i = \theta_i^\top \varphi$ with fixed features $\varphi$, and $k(\xi, \eta) = \varphi(\xi)^\top \varphi(\eta)$ their kernel. Then
#   $(\mathcal K f)(\xi) = \mathbb E_\eta\, k(\xi, \eta) f(\eta)$, and a function costs
#   $\|\theta\|^2 = \langle f, \mathcal K^{-1} f \rangle$: an eigenfunction with eigenvalue $\kappa$ costs $1 / \kappa$, and infinitely much where $\kappa = 0$.
#
# **The loss**, with $C = \mathbb E\, \psi \psi^\top$ ($K \times K$, not centred) and a weight $0 \le \beta \le 1$:
#
# $$ \mathcal L_\beta(\psi) = \beta\, \mathbb E \|\psi(\xi) - \psi(\xi')\|^2 + \|C - I\|_F^2 , \qquad \text{to which training adds } 2 \lambda \|\Theta\|^2 = 2 \lambda \textstyle\sum_i \|\theta_i\|^2 . $$
#
# $\beta = 0$ only decorrelates (the paper's VCReg). $\beta = 1$ is the spectral contrastive loss of [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb),
# $-2\, \mathbb E\, \psi(\xi)^\top \psi(\xi') + \mathbb E\, (\psi(\xi)^\top \psi(\eta))^2$, plus the constant $K$.
#
# **Step 1, one operator.** $\mathbb E \|\psi(\xi) - \psi(\xi')\|^2 = 2 \operatorname{tr} C - 2 \sum_i \langle \psi_i, T \psi_i \rangle$ and
# $\|C - I\|_F^2 = \|C\|_F^2 - 2 \operatorname{tr} C + K$. Add everything up:
#
# $$ \mathcal L_\beta + 2 \lambda \|\Theta\|^2 = \|C\|_F^2 - 2 \sum_i \langle \psi_i, T_\lambda \psi_i \rangle + K, \qquad T_\lambda = (1 - \beta) I + \beta T - \lambda \mathcal K^{-1} . \tag{1} $$
#
# **Step 2, the minimiser.** Let $\Psi\Psi^*$ be the operator $f \mapsto \sum_i \psi_i \langle \psi_i, f \rangle$. The sum of its squared eigenvalues is $\|C\|_F^2$, so (1) is
# $\|\Psi\Psi^* - T_\lambda\|^2$ plus a constant: the loss looks for the positive operator of rank $K$
# that is closest to $T_\lambda$. With the largest eigenvalues $e_i$ of $T_\lambda$ and their eigenfunctions $f_i$, $\langle f_i, f_i \rangle = 1$,
#
# $$ \psi_i = \sqrt{(e_i)_+}\, f_i, \qquad \min = K - \sum_{i \le K} (e_i)_+^2, \qquad (e)_+ = \max(e, 0) . \tag{2} $$
#
# **Step 3, the bargain.** Where $T$ and $\mathcal K$ share their eigenfunctions, $e_i = 1 - \beta + \beta \tau_i - \lambda / \kappa_i$: for each function a line in $\lambda$ that
# starts at what the augmentations think of it and falls as it is costly for the architecture. The
# $K$ highest are learned. $T_\lambda$ is the $T - \lambda k_{ss}^{-1}$ of [The kernel regime](../02_kernel_regime/kernel_regime.ipynb), with expectations in the place of sums. A large $\lambda$
# makes every $e_i$ negative, and then $\psi = 0$: complete collapse.
#
# ## From scratch
#
# Our 64 points are the corners $\{-1, 1\}^6$ of a **hypercube**. $P_{xv}$ is the probability of view $v$ of point $x$; a view keeps three neighbouring bits and redraws the others,
# a *crop*. All views are equally likely: $T = P^\top P$. The kernel is $e^{2 \xi^\top \eta / 6}$.

# %%
P = crop_channel(6, 3)
points = hypercube(6)
gram = np.exp(2 * points @ points.T / 6)
N, beta, lam = 64, 0.8, 0.05
T_lambda = (1 - beta) * np.eye(N) + beta * P.T @ P - lam * np.linalg.inv(gram / N)
e, f = np.linalg.eigh(T_lambda)
e, f = e[::-1][:10], f[:, ::-1][:, :10]
psi = np.sqrt(N * np.maximum(e, 0)) * f
T = augmentation_operator(P)
library = interplay_solution(T, gram, 10, beta=beta, lam=lam)
np.testing.assert_allclose(library.eigenvalues, e, atol=1e-8)
np.testing.assert_allclose(library.Z @ library.Z.T, psi @ psi.T, atol=1e-8)
cb.show_source(interplay_solution)

# %% [markdown]
# ## The theorem, tested
#
# **Descent knows no eigenvectors.** L-BFGS minimises the loss as it was *defined*, over all pairs of views, from random weights $W = \Theta^\top$: six dimensions, which all live;
# then ten, for seven positive eigenvalues. (The last lines check $\mathcal L_1$ against its contrastive form.)

# %%
pairs = torch.tensor(P.T @ P / len(points))
features = torch.tensor(np.linalg.cholesky(gram))


def loss(psi, beta):
    apart = (psi[:, None] - psi).square().sum(dim=2)
    return beta * (pairs * apart).sum() + losses.decorrelation_loss(psi)


def descend(seed, dim, beta, lam):
    found = spectral.minimize_embedding(lambda W: loss(features @ W, beta) + 2 * lam * (W**2).sum(), 64, dim, seed=seed)
    e = interplay_solution(T, gram, dim, beta=beta, lam=lam).eigenvalues
    minimum = dim - np.sum(np.maximum(e, 0) ** 2)
    return abs(found.losses[-1] - minimum), (features @ found.Z).numpy() / 8


# %%
gaps = [descend(s, 6, 0.8, 2e-3)[0] for s in seeds]
survivors = [np.linalg.matrix_rank(descend(s, 10, 0.8, 0.05)[1], tol=1e-3) for s in seeds]
ch.measure("closed-form", loss=gaps, rank=survivors)

similarity = torch.tensor(psi @ psi.T)
contrastive = -2 * (pairs * similarity).sum() + similarity.square().mean() + 10
torch.testing.assert_close(contrastive, loss(torch.tensor(psi), beta=1.0))

# %% [markdown]
# **Three regimes.** The paper's Figure 2 has three functions with $\tau = 0.9, 0.75, 0.5$, which cost $0.4, 0.25, 0.125$, one dimension to give away, and $\beta = 1$. We hide the
# functions in a random rotation of three points, and see where the solver's winner changes.

# %%
tau_3, cost_3, lambdas = np.array([0.9, 0.75, 0.5]), np.array([0.4, 0.25, 0.125]), np.linspace(0, 3, 601)
hidden = np.linalg.qr(np.random.default_rng(ch.seed).standard_normal((3, 3)))[0]
T_3, K_3 = hidden * tau_3 @ hidden.T, 3 * hidden / cost_3 @ hidden.T
learned = [interplay_solution(T_3, K_3, 1, lam=lam).Z[:, 0] for lam in lambdas]
winner = abs(np.array(learned) @ hidden).argmax(axis=1)
switches = lambdas[1:][np.diff(winner) != 0] - 0.0025
ch.measure("three-regimes", switches=abs(switches - [1, 2]))


# %%
def draw_regimes(fig, lam):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88)
    heights = tau_3 - lam * cost_3
    best = heights.argmax()
    for i, color in enumerate((AUGMENTATION, BOTH, KERNEL)):
        ax.plot(lambdas[::600], tau_3[i] - lambdas[::600] * cost_3[i], color=color, lw=4 if i == best else 1.2)
        ax.plot(lam, heights[i], "o", color=color, ms=10 if i == best else 4)
        ax.text(0.03, tau_3[i] + 0.02, f"$f_{i + 1}$", color=color)
    regime = ("augmentation", "interplay", "architecture")[best]
    ax.set(xlim=(0, 3), ylim=(-0.35, 1), xlabel="$\\lambda$", ylabel="eigenvalue of $T_\\lambda$")
    ax.set_title(f"$\\lambda$ = {lam:.2f}: $f_{best + 1}$ wins, {regime} regime")


cb.explore(draw_regimes, figsize=(7.2, 3.4), lam=(0.0, 3.0, 0.05))

# %% [markdown]
# *Drag `lam` from 0 to 3 and watch the thick line.* At first the function that the augmentations like best wins, at last the one that is cheapest for the architecture. Between 1
# and 2 wins $f_2$, the first choice of neither: that is the interplay.
#
# ## The hypercube, where both can be solved
#
# For a set $S$ of bits, the **parity** is $\chi_S(x) = \prod_{i \in S} x_i$; the $2^d$ parities are an orthonormal basis of all functions on $\{-1, 1\}^d$. The *degree* of $S$ is
# its size $|S|$; its *diameter*, the length of the shortest arc of the ring of bits that holds it.
#
# - **Bit flips**, each with probability $p$: a view's bit is $(1 - 2p)$ times the bit on average, so $\tau_S = (1 - 2p)^{2 |S|}$.
# - **Crops** keep $w$ neighbouring bits and redraw the others. A parity survives if $S$ lies in the window, else it averages to zero: $\tau_S = \Pr(S \subset \text{window})^2$,
#   which is $\big( (w + 1 - \operatorname{diam} S)_+ / d \big)^2$ for $w \le d/2$, $S \ne \emptyset$.
# - **A kernel** $h(\xi^\top \eta / d)$ sees only how many bits agree, so $\kappa_S = \nu_{|S|} = \mathbb E_\xi \big[ h(\tfrac1d \sum_i \xi_i)\, \xi_1 \cdots \xi_{|S|} \big]$.
#
# Crops like what is *local*, whatever its degree; kernels like *few bits*, however far apart. We take $d = 8$, $h(u) = e^{2u}$, and check all 256 parities against matrices that
# know nothing of parities.

# %%
d = 8
cube = hypercube(d)
sets, parities, degree, diameter = parity_basis(d)
kernel = np.exp(2 * cube @ cube.T / d)
nu = degree_eigenvalues(lambda u: np.exp(2 * u), d)
flips = augmentation_operator(flip_channel(d, 0.1))
crops = {w: augmentation_operator(crop_channel(d, w)) for w in range(1, d + 1)}
tau = {w: np.array([crop_eigenvalue(S, d, w) for S in sets]) for w in crops}
by_diameter = {w: np.where(degree > 0, np.maximum(w + 1 - diameter, 0) / d, 1) ** 2 for w in range(1, 5)}

# %%
of_flips = abs(flips @ parities - parities * 0.8 ** (2 * degree)).max()
of_crops = [abs(crops[w] @ parities - parities * tau[w]).max() for w in crops]
of_arcs = [abs(tau[w] - by_diameter[w]).max() for w in by_diameter]
of_kernel = abs(kernel / 2**d @ parities - parities * nu[degree]).max()
ch.measure("parities", flips=of_flips, crops=of_crops, window=of_arcs, kernel=of_kernel)

# %% [markdown]
# **A swap.** Crop with $w = 4$. In $K = 33$ dimensions there is room for the constant, the 8 single bits, the 16 pairs of diameter 2 and 3, and *one* group of eight more. Two
# compete: the 8 triples of diameter 3 ($\tau = 1/16$, cost $1/\nu_3$) and the 8 pairs of diameter 4
# ($\tau = 1/64$, cost $1/\nu_2$). Their lines cross at $\lambda^\star = \beta\, (1/16 - 1/64) / (1/\nu_3 - 1/\nu_2)$. A downstream target is the sum of a group's parities; its
# *unexplained fraction*, the part of its variance that no linear probe on $\psi$ can reach. We
# solve at 0.9 and 1.1 times $\lambda^\star$, with $\beta = 0.9$: at $\beta = 1$ the pairs' line reaches zero just after the crossing, and (2) would learn neither group (exercise
# 2). The control has bit flips instead of crops, and room for all pairs.

# %%
beta = 0.9
swap = beta * (1 / 16 - 1 / 64) / (1 / nu[3] - 1 / nu[2])
triples, spread_pairs = (degree == 3) & (diameter == 3), (degree == 2) & (diameter == 4)


def unexplained(group, lam, T=crops[4], dim=33, beta=beta):
    model = interplay_solution(T, kernel, dim, beta=beta, lam=lam)
    target = parities[:, group].sum(axis=1, keepdims=True)
    return (evaluation.null_projection_residual(model.Z, target) / np.linalg.norm(target)) ** 2


below = [unexplained(triples, 0.9 * swap), abs(1 - unexplained(spread_pairs, 0.9 * swap))]
above = [abs(1 - unexplained(triples, 1.1 * swap)), unexplained(spread_pairs, 1.1 * swap)]
flipped = [unexplained(triples, factor * swap, flips, 37) for factor in (0.9, 1.1)]
ch.measure("swap", just_below=below, just_above=above)
ch.measure("flips-never-swap", change=abs(np.diff(flipped)))

# %%
chance, p = np.sqrt(tau[4]), np.linspace(0, 1.05, 400)
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.7), sharey=True, layout="constrained")
for ax, factor, word in zip(axes, (0.9, 1.1), ("below", "above"), strict=True):
    line = interplay_eigenvalues(tau[4], nu[degree], beta=beta, lam=factor * swap)
    threshold = np.sort(line)[-34:-32].mean()
    ax.scatter(chance, nu[degree], 50, color=np.where(line > threshold, BOTH, FAINT))
    ax.plot([1 / 4, 1 / 8], [nu[3], nu[2]], "o", ms=17, mfc="none", mec=KERNEL)
    frontier = factor * swap / np.maximum(1 - beta + beta * p**2 - threshold, 1e-9)
    ax.plot(p, frontier, color=AUGMENTATION, lw=1.5)
    ax.set(yscale="log", ylim=(8e-4, 2.5), xlim=(-0.05, 1.05), title=f"$\\lambda$ just {word} $\\lambda^\\star$")
    ax.set_xticks([0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 1], ["≥ 5", 4, 3, 2, 1, 0])
    ax.set_yticks(nu[:6], range(6), minor=False)
    ax.set_xlabel("diameter (at its chance to survive a crop)")
axes[0].set_ylabel("degree (at its $\\nu$)")
plt.show()

# %% [markdown]
# *Look at the two ringed groups.* Each dot is a group of parities; the black ones are kept. $T_\lambda$ is constant along the orange line, and what lies above it is learned. At
# $\lambda = 0$ the line would be vertical and only locality would count; for large $\lambda$ it is
# horizontal and only the degree counts. On the way it drops the triples and picks up the pairs: a target made of triples goes from perfectly explained to not at all. No $\lambda$ is right for both.
#
# ## How many images, how many views
#
# So far all expectations were exact. From $n$ images with $m$ views each, one estimates $C_\varphi = \mathbb E\, \varphi \varphi^\top$ and
# $C_+ = \mathbb E\, \varphi(\xi) \varphi(\xi')^\top$, and the minimiser over $\psi = W^\top \varphi$ is
#
# $$ \big( (1 - \beta) C_\varphi + \beta C_+ - \lambda I \big) V = C_\varphi V \operatorname{diag}(e), \quad V^\top C_\varphi V = I, \quad W = V \operatorname{diag}(\sqrt{e_+}), \qquad
#    \hat C_+ = \frac1{n m (m - 1)} \sum_{i} \sum_{a \ne b} \varphi(\xi_{ia}) \varphi(\xi_{ib})^\top . $$
#
# ($a = b$ is left out: a view agrees with itself without merit.) The features are the 93 parities of degree at most 3 times $\sqrt\nu$; $\beta = 1$, $\lambda = 10^{-3}$, $K = 9$.
# The **excess risk** is the exact penalised loss less its minimum. The paper bounds it by a constant,
# which is not checked here, times $1 / \sqrt n$.

# %%
phi = (parities * np.sqrt(nu[degree]))[:, degree <= 3]
C, C_plus = phi.T @ phi / 2**d, phi.T @ crops[4] @ phi / 2**d
gain = np.sum(spectral.moment_ssl(C, C_plus, 9, lam=1e-3).eigenvalues ** 2)


def excess(n, m, rng):
    x = cube[rng.integers(0, 2**d, n)]
    in_window = (np.arange(d) - rng.integers(0, d, (m, n, 1))) % d < 4
    views = np.where(in_window, x, rng.choice([-1.0, 1.0], (m, n, d)))
    row_of_cube = (views < 0) @ 2 ** np.arange(d)[::-1]
    W = spectral.moment_ssl(*spectral.view_moments(phi[row_of_cube]), 9, lam=1e-3).W
    return np.sum((W.T @ C @ W) ** 2) - 2 * np.trace(W.T @ C_plus @ W) + 2e-3 * np.sum(W**2) + gain


counts, views = np.array([500, 1000, 2000, 4000, 8000]), np.array([2, 4, 8, 16, 32])
draws, repeats = [np.random.default_rng(s) for s in seeds], ch.pick(fast=8, toy=20)
by_count = np.array([[np.mean([excess(n, 2, rng) for _ in range(repeats)]) for n in counts] for rng in draws])
by_views = np.array([[np.mean([excess(4096 // m, m, rng) for _ in range(40)]) for m in views] for rng in draws])

# %%
slopes = np.polyfit(np.log(counts), np.log(by_count).T, 1)[0]
ch.measure("rate", slope=slopes)
ch.measure("views-or-images", eight=by_views[:, 2] / by_views[:, 0], too_many=by_views[:, 4] / by_views[:, 2])

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3), layout="constrained")
left.loglog(counts, by_count.mean(axis=0), "o-", color=BOTH)
left.loglog(counts, by_count[:, 0].mean() * (counts / 500) ** -0.5, "--", color=cb.color("baseline"), lw=1)
left.text(2600, 1.1, "$1/\\sqrt{n}$", color=cb.color("baseline"))
left.axhline(gain, color=AUGMENTATION, lw=1)
left.text(8000, 1.1 * gain, "collapsed, $\\psi = 0$", color=AUGMENTATION, ha="right")
left.set(xlabel="images n, two views each", ylabel="excess risk", title=f"More images: slope {slopes.mean():.2f}")
right.semilogx(views, by_views.mean(axis=0), "o-", color=BOTH)
right.set(xlabel="views m of each of 4096 / m images", ylim=(0, None), title="A budget of 4096 views")
for ax, ticks in ((left, counts), (right, views)):
    ax.set_xticks(ticks, ticks)
    ax.minorticks_off()
plt.show()

# %% [markdown]
# *Left:* the dashed line falls as $1 / \sqrt n$, the measured risk faster, a little faster even than $1 / n$: an upper bound need not be met. Above the orange line one had better
# learn nothing. *Right:* more views of fewer images help, until the images are too few.
#
# **Small batches.** $\|C - I\|_F^2$ squares an expectation, and the square of a batch's $C_B$ is too large on average, by $(\mathbb E \|\psi\|^4 - \|C\|_F^2) / B$. But
# $\|C\|_F^2 = \mathbb E (\psi(\xi)^\top \psi(\eta))^2$ needs just two independent samples: averaged over the
# distinct pairs of a batch (a U-statistic) it is right on average for *any* $B \ge 2$. Here are 5,000 batches of 16 for the $\psi$ that was solved by hand.

# %%
C_psi = psi.T @ psi / len(psi)
truth = np.sum((C_psi - np.eye(10)) ** 2)
formula = (np.mean(np.sum(psi**2, axis=1) ** 2) - np.sum(C_psi**2)) / 16
naive, fair = [], []
for rng in draws:
    batches = torch.tensor(psi[rng.integers(0, len(psi), (5000, 16))])
    naive.append([losses.decorrelation_loss(z).item() - truth for z in batches])
    fair.append([losses.decorrelation_loss(z, unbiased=True).item() - truth for z in batches])
off = [abs(np.mean(errors) / formula - 1) for errors in naive]
z_scores = [abs(ttest_1samp(errors, 0).statistic) for errors in fair]
ch.measure("small-batches", formula=off, unbiased=z_scores)

# %% [markdown]
# ## The experiment
#
# Back to the digits, with three draws of images and all strengths $\lambda$. The control is the encoder that was told lies.

# %%
scores = [{name: accuracy(w, *found[name]) for name in found} for w, found in zip(worlds, encoders, strict=True)]
mean = {name: np.mean([s[name] for s in scores]) for name in scores[0]}
gains = [s["both"] - max(s["augmentations alone"], s["kernel alone"]) for s in scores]
wrong = [s["wrong views"] for s in scores]
ch.measure("digits", gain=gains)
ch.measure("wrong-views", accuracy=wrong)
strengths = np.geomspace(1e-8, 1e-1, 10)
swept = [[encode(world, lam=lam) for lam in strengths] for world in worlds]
curve = np.mean([[accuracy(world, *found) for found in row] for world, row in zip(worlds, swept, strict=True)], axis=0)
pictures = [spectral.fix_signs(Z[::4]) for Z, _ in swept[0]]


# %%
def draw_strength(fig, step=4):
    left, right = fig.subplots(1, 2, width_ratios=[1.6, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.88, wspace=0.1)
    x, wins = np.log10(strengths), curve > mean["kernel alone"]
    edges = [-9.2, -8.4, x[wins][-1], -0.8]
    for i, (regime, color) in enumerate([("$T$", AUGMENTATION), ("interplay", BOTH), ("architecture", KERNEL)]):
        left.axvspan(edges[i], edges[i + 1], color=color, alpha=0.1, lw=0)
        left.text(np.mean(edges[i : i + 2]), 1.02, regime, color=color, ha="center")
    left.plot(-8.8, mean["augmentations alone"], "o", color=AUGMENTATION, ms=8)
    left.axhline(mean["kernel alone"], color=KERNEL, ls="--", lw=1)
    left.text(-7.9, mean["kernel alone"] + 0.02, "kernel alone", color=KERNEL)
    left.plot(x, curve, "o-", color=BOTH)
    left.plot(x[step], curve[step], "o", color=BOTH, ms=12)
    left.set_xticks([-8.8, -8, -6, -4, -2], ["0", "$10^{-8}$", "$10^{-6}$", "$10^{-4}$", "$10^{-2}$"])
    left.set(xlim=(-9.2, -0.8), ylim=(0, 1), xlabel="$\\lambda$", ylabel=f"accuracy (here {curve[step]:.2f})")
    cb.plots.scatter(right, pictures[step][:, 1:3], worlds[0].y, size=9)
    right.set(xlim=(-3, 3), ylim=(-3, 3), title=f"{np.any(pictures[step], axis=0).sum()} of 20 features alive")


cb.explore(draw_strength, figsize=(7.6, 3.3), step=(0, 9))

# %% [markdown]
# *Move `step` from left to right.* Each step is a larger $\lambda$. In the grey regime, over five powers of ten, the interplay wins: *any* $\lambda > 0$, however small, breaks the
# tie between the perfect encoders in favour of the smoothest ones. At $\lambda = 0$ there is
# only $T$, and the accuracy jumps down to the orange dot. In the blue one the architecture rules: one feature after the other dies. ([The kernel regime](../02_kernel_regime/kernel_regime.ipynb)
# compares such an encoder with data augmentation.)
#
# ## Play
#
# **The bargain on the cube.** A bar is a group of parities, its height is $e - (1 - \beta) = \beta \tau - \lambda / \nu$. Dark groups are kept, middle ones in part (a tie), pale
# ones not. Below the dashed line $e < 0$, and nothing is kept. Raise `lam` and see the high
# degrees fall first. Lower `beta`: nothing collapses, but locality counts less. Make the crop narrower (`w`), or the kernel sharper (`c` in $e^{cu}$), which makes many bits cheaper.

# %%
kinds = sorted({(size, arc) for size, arc in zip(degree, diameter, strict=True) if size <= 4})
members = [np.flatnonzero((degree == size) & (diameter == arc)) for size, arc in kinds]


def draw_bargain(fig, lam, beta=0.9, w=4, c=2.0):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.12, right=0.98, bottom=0.22, top=0.88)
    nu = degree_eigenvalues(lambda u: np.exp(c * u), d)
    line = interplay_eigenvalues(tau[w], nu[degree], beta=beta, lam=lam)
    kept = np.isin(np.arange(256), np.argsort(-line, kind="stable")[:33]) & (line > 0)
    shares = np.array([kept[group].mean() for group in members])
    heights = [line[group[0]] - (1 - beta) for group in members]
    ax.bar(range(len(kinds)), heights, color=plt.colormaps["cookbook"](0.15 + 0.85 * shares))
    ax.axhline(beta - 1, color=AUGMENTATION, ls="--", lw=1)
    ax.set_xticks(range(len(kinds)), [f"{size}\n{arc}" for size, arc in kinds])
    ax.set(ylim=(-0.12, 0.27), xlabel="degree and, below, diameter", ylabel="$\\beta\\tau - \\lambda/\\nu$")
    ax.set_title(f"$\\lambda$ = {lam:.2g}: {kept.sum()} of 33 dimensions live")


cb.explore(draw_bargain, lam=cb.log_slider(5e-4, 1e-5, 1e-1), beta=(0.0, 1.0, 0.05), w=(1, 4), c=(0.5, 4.0, 0.25))

# %% [markdown]
# ## What breaks
#
# - **Constants.** The penalty is $2 \lambda \|\Theta\|^2$; with $\lambda \|\Theta\|^2$, put $\lambda / 2$ into $T_\lambda$. And $T$ lives on *views*: on the clean inputs it would be another operator.
# - **$\lambda = 0$ is not a small $\lambda$.** It leaves an arbitrary choice among equally good encoders, which a solver makes by its rounding errors. That is a property of the loss, not a bug.
# - **The jitter.** The $10^{-8}$ on the digits' kernel caps what a function of $N$ views can cost, at $10^8 N$. With $\lambda$ far below $10^{-8} / N$ no eigenvalue of $T_\lambda$ moves.
# - **The positive part.** Dimensions with $e_i \le 0$ are lost, however large $K$ is. With $\beta = 1$ this happens early, because most functions have a small $\tau$.
# - **A fixed kernel.** This is the theory of a lazy network, whose features $\varphi$ do not move. The paper also trains networks; this chapter does not. The digits are ours: they
#   have no counterpart in the paper.
# - **Rates.** The slope was measured on one toy; the worst case may look different. Downstream, a probe on $n'$ labels with noise variance $\sigma^2$ errs by the unexplained
#   fraction plus about $K \sigma^2 / n'$: a larger $K$ lowers the one and raises the other.
#
# ## Before and after
#
# [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) solved the losses for a graph; [The kernel regime](../02_kernel_regime/kernel_regime.ipynb) reached new points and met the tie;
# [Minimal variations](../03_minimal_variations/minimal_variations.ipynb) puts a derivative in the place of $T$. Next,
# [What do we maximize?](../05_what_do_we_maximize/what_do_we_maximize.ipynb) asks where such losses come from, and [Joint embedding or reconstruction](../09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb) lets
# the moments $C_\varphi$ and $C_+$ decide which of two losses tolerates useless features.
#
# ## Claims

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 10 min. Show that bit flips with $p < 1/2$ give no interplay on the cube, for any decreasing $\nu$: no $\lambda$ changes which degrees come first.
#
# <details><summary>Hint</summary>What do $\tau_S$ and $1/\nu_{|S|}$ do as the degree grows?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. At which $\lambda$ does the line of the spread pairs reach zero for $\beta = 1$, $w = 4$, and how far is that from the crossing? Then compute $\lambda^\star$ for $w = 3$.
# Can $\beta = 1$ learn the spread pairs there?
#
# <details><summary>Hint</summary>Set $e = 0$ in the line of the spread pairs. For $w = 3$, what is $\tau$ of a set of diameter 4?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Why do 32 views lose to 8 at a fixed budget? Measure what is left of either risk when every image has very many views.
#
# <details><summary>Hint</summary>The error has two parts: one from the views of an image, one from the images. Which one can more views reduce?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Replace $h$ by the arc-cosine kernel of a ReLU layer, $h(u) = \frac1\pi \big( \sqrt{1 - u^2} + u\, (\pi - \arccos u) \big)$. Which parities can never be
# learned, whatever the augmentations?
#
# <details><summary>Hint</summary>Split $h$ into its even and its odd part. Which parities see an even function?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - V. Cabannes, B. Kiani, R. Balestriero, Y. LeCun, A. Bietti. [The SSL Interplay: Augmentations, Inductive Bias, and Generalization](https://arxiv.org/abs/2302.02774). *ICML*, 2023.
# - J. HaoChen et al. [Provable guarantees for self-supervised deep learning with spectral contrastive loss](https://arxiv.org/abs/2106.04156), 2021. B. Kiani et al.
#   [Joint embedding SSL in the kernel regime](https://arxiv.org/abs/2209.14884), 2022. R. Balestriero, Y. LeCun.
#   [Contrastive and non-contrastive SSL](https://arxiv.org/abs/2205.11508), 2022. A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022.
# - N. Saunshi et al. [Understanding contrastive learning requires incorporating inductive biases](https://arxiv.org/abs/2202.14037), 2022. S. Mei, T. Misiakiewicz, A. Montanari.
#   [Learning with invariances in random features and kernel models](https://arxiv.org/abs/2102.13219), 2021. R. O'Donnell. *Analysis of Boolean functions*, 2014.

# %%
ch.footer()
