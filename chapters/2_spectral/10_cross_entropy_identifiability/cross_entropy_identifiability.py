# %% [markdown]
# # Cross-entropy inverts the world
#
# After this chapter you can prove, in four lines, that a classifier which reaches the smallest possible cross-entropy has found the hidden factors of its data up to a linear map;
# you can watch one do it; and you can say in which worlds it must fail although its loss is perfect.

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
from matplotlib.collections import LineCollection
from scipy.special import ive
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, recipes, spectral, training
from replearn.data import affine_warp, bayes_cross_entropy, latent_world, sample_vmf, sphere_grid
from replearn.models import UnitRows, mlp_head

ch = cb.Chapter("cross_entropy_identifiability", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown]
# ## The question
#
# A network trained to tell dog breeds apart turns out to know, along straight lines of its feature space, how large the dog is and where in the picture it stands. Nobody labelled
# that. Why should a *classifier* know it, and why *linearly*?
#
# Here is a world in which the question has an answer. On a globe lie twenty towns. A thing is born near a town, at a place $z$. You are told the town. You are not shown the place:
# what you see, $x$, has gone through an unknown network. Can you draw the map of the globe?

# %%
tilt = torch.linalg.qr(torch.tensor([[0.6, 0.25, 0.8], [0.8, -0.2, -0.6], [0.0, 0.95, -0.3]]))[0]
wires = sphere_grid(pieces=24)
near = (wires @ tilt)[:, 0, 2] > 0
order = np.argsort(near, kind="stable")
ink = np.where(near[:, None], 0.1 + 0.4 * (wires.mean(1) + 1), 0.88)[order]


def globe(ax, ends, title):
    ends = np.asarray(ends).reshape(-1, 2, 3)[order, :, :2]
    ax.add_collection(LineCollection(ends, colors=ink, linewidths=np.where(near, 1.6, 0.6)[order]))
    ax.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal", title=title)
    ax.set_axis_off()


def turned(points, like):
    _, rotation, _ = spectral.procrustes(points, like)
    return lambda p: p @ torch.tensor(rotation, dtype=p.dtype) * (0.8 * like.norm() / points.norm())


# %%
world = latent_world(3, n_classes=20, kappa=5.0, seed=ch.seed)
z, c = world.classes(600, torch.Generator().manual_seed(ch.seed))
shown, seen = (z @ tilt)[:, 2] > 0, turned(world.render(z), z @ tilt)
fig, axes = plt.subplots(1, 2, figsize=(7.2, 3.3), layout="constrained")
globe(axes[0], wires @ tilt, "where things are: z")
globe(axes[1], seen(world.render(wires)), "what you see: x = g(z)")
for ax, points in zip(axes, (z @ tilt, seen(world.render(z))), strict=True):
    cb.plots.scatter(ax, points[shown, :2], c[shown], size=10)
plt.show()

# %% [markdown]
# *Follow one line of the grid from left to right*: it keeps its colour, and the far side of the globe is grey. Dots are things, in the colour of their town as far as ten colours go. Towns
# overlap, so no one can always guess right. The network creases and stretches the globe ($x$ is turned to fit as well as it can), and never tears it.
#
# ## The mathematics
#
# **The world.** $C$ classes have unit *centres* $v_1, \dots, v_C$ on the sphere $S^{d-1}$ of $\mathbb R^d$. A class $c$ is drawn, all equally likely, then a *latent*
# $z \in S^{d-1}$ from the von Mises-Fisher distribution, whose density with respect to the uniform one is
#
# $$ p(z \mid c) \propto e^{\kappa \langle v_c, z \rangle} . \tag{1} $$
#
# The *concentration* $\kappa > 0$ says how tight clusters are. The normaliser depends on $\kappa$ and $d$, not on $c$. We observe $x = g(z)$, where $g$ is continuous and injective, and otherwise unknown.
# One assumption on the centres: their differences $v_i - v_j$ span $\mathbb R^d$, which takes at least $d + 1$ of them.
#
# **The model.** An encoder $f$ maps $x$ to $\mathbb R^d$, and a head $W$ $(C, d)$ with rows $w_c$ and no bias gives the scores $\langle w_c, f(x) \rangle$. Write $h = f \circ g$ for what
# the encoder makes of a latent. Training minimises the cross-entropy, in nats,
#
# $$ \mathcal L(f, W) = \mathbb E \Big[ -\log \frac{e^{\langle w_c, f(x) \rangle}}{\sum_j e^{\langle w_j, f(x) \rangle}} \Big] . \tag{2} $$
#
# **The theorem.** *At the minimum of (2), $h(z) = A z$ for one invertible matrix $A$.* In four steps:
#
# 1. Cross-entropy is smallest exactly when the softmax is the posterior $p(c \mid x)$.
# 2. $g$ is injective, so by Bayes' rule and (1) $p(c \mid x) = p(c \mid z) = e^{\kappa \langle v_c, z \rangle} / \sum_j e^{\kappa \langle v_j, z \rangle}$.
# 3. Logarithms of ratios: $\langle w_i - w_j, h(z) \rangle = \kappa \langle v_i - v_j, z \rangle$ for all $i, j$ and every $z$.
# 4. Take $d$ independent differences $v_i - v_j$ as the rows of a matrix $D$, and the same differences of rows of $W$ as those of $E$: then $E\, h(z) = \kappa D z$. As $z$ varies
#    the right-hand side fills $d$ dimensions, so $E$ is invertible, and $A = \kappa E^{-1} D$.
#
# In turn $w_c = \kappa A^{-\top} v_c + b$ with one vector $b$ for all classes: the head is an affine image of the centres. $A$ and $b$ are free, since no softmax sees them. That is the **gauge**.
#
# **Unit rows.** Ask that $\|w_c\| = 1$. Then every $\kappa A^{-\top} v_c + b$ lies on the unit sphere, one quadratic equation for each centre. Suppose that the centres lie on no *second*
# quadric: $v_c^\top M v_c + \beta^\top v_c = 0$ for all $c$ only if the symmetric matrix $M$ and the vector $\beta$ are 0, which takes $d(d+3)/2$ centres or more. Then $b = 0$ and $A = \kappa O$ with $O$ orthogonal: the
# globe is found up to a *rotation*. (This condition is a remark of this book; the paper speaks of generic centres.)
#
# **Instances.** Give each of $N$ *instances* $i$ its own label; its centre is $v_{C(i)}$, where $C(i)$ is its class. Nothing in the proof asks centres to differ. So the
# theorem holds for instance discrimination (DIET), where $w_i = w_j$ whenever $C(i) = C(j)$, and ordinary classification is the case of one instance to a class.
#
# ## From scratch
#
# Data are drawn afresh at each step, so there is nothing to memorise. The whole method is this loop.


# %%
def train_by_hand(encoder, head, x, c, steps, lr):
    adam, losses = torch.optim.Adam([*encoder.parameters(), *head.parameters()]), []
    for step in range(steps):
        adam.param_groups[0]["lr"] = lr * (1 + np.cos(np.pi * step / steps)) / 2
        losses.append(F.cross_entropy(head(encoder(x)), c))
        adam.zero_grad()
        losses[-1].backward()
        adam.step()
    return [loss.item() for loss in losses]


def networks(seed, d=3, n_labels=20, unit=False, stretch=1.0):
    with training.seeded(seed):
        head = UnitRows(d, n_labels) if unit else nn.Linear(d, n_labels, bias=False)
        head.weight.data[:, 0] *= stretch
        return mlp_head(d, 64, d, layers=4), head


x = world.render(z)
history = recipes.train_ce(*networks(1), lambda n, generator: (x, c), 5, lr=0.02)
assert_close(train_by_hand(*networks(1), x, c, 5, 0.02), history.loss)

# %% [markdown]
# The loss is to be compared with the **Bayes cross-entropy**, that of the true posterior, which in this world is known. So is the mean cosine of the sampler,
# $\mathbb E \langle v_c, z \rangle = I_{d/2}(\kappa) / I_{d/2-1}(\kappa)$, with the modified Bessel functions $I$.

# %%
posterior = (world.kappa * z @ world.centres.T).softmax(1)
bayes = -posterior[torch.arange(600), c].log().mean()
assert_close(bayes.item(), bayes_cross_entropy(world.centres, world.kappa, z, c))
north = torch.eye(3, dtype=torch.float64)[2:].expand(20_000, 3)
cosine = sample_vmf(north, 5.0, torch.Generator().manual_seed(ch.seed))[:, 2].mean()
assert_close(cosine.item(), ive(1.5, 5.0) / ive(0.5, 5.0), atol=0.01, rtol=0)

# %% [markdown]
# ## The theorem, tested
#
# ### The posterior holds all of z
#
# Steps 3 and 4 as an algorithm: take the logarithm of the posterior, subtract its mean over classes, solve a linear system. No training, and nothing is lost once there are $d + 1$
# centres. The gauge can be tried as well: transform $h$ and $W$, and compare all posteriors.


# %%
def invert_posterior(V, z, kappa=5.0):
    log_posterior = (kappa * z @ V.T).log_softmax(1)
    centred = log_posterior - log_posterior.mean(1, keepdim=True)
    return torch.linalg.lstsq(kappa * (V - V.mean(0)), centred.T, driver="gelsd").solution.T


draw = partial(torch.randn, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed))
towns, places, A, b = F.normalize(draw(30, 5)), F.normalize(draw(300, 5)), draw(5, 5), draw(5)
errors = {C: (invert_posterior(towns[:C], places) - places).abs().max() for C in (4, 6, 12)}
moved = (places @ A.T @ (towns @ torch.linalg.inv(A) + b).T).softmax(1) - (places @ towns.T).softmax(1)
ch.measure("posterior-inverts", twelve=errors[12], six=errors[6])
ch.measure("four-classes", error=errors[4])
ch.measure("gauge", moved=moved.abs().max())

# %% [markdown]
# ### A trained network finds it
#
# Now the encoder sees $x$ alone. Two measures. The **gap**, cross-entropy minus Bayes cross-entropy on fresh samples, says whether the minimum was reached. $R^2$ says
# whether $z$ was found: it is the share of the variance of $z$ that a linear regression on $h$ explains, fitted on half of the samples and scored on the others. Near 1, what is *missing*, $1 - R^2$, is the better number.
#
# The theorem speaks of the global minimum, and training may stop at another, where the globe is folded. The loss tells, with no look at $z$. So we start again, up to four times, until
# the gap is small, and keep the start of smallest loss.

# %%
steps, everything = ch.pick(fast=300, toy=450), []


def missing(h, z):
    return 1 - evaluation.linear_r2(h, z)


def learn(world, seed, *, good=0.04, steps=steps, watch=None, **head):
    def sampler(n, generator):
        z, c = world.classes(n, generator)
        return world.render(z), c

    z, c = world.classes(4000, torch.Generator().manual_seed(1000 + seed))
    x, (n_labels, d) = world.render(z), world.centres.shape
    check = x, c, bayes_cross_entropy(world.centres, world.kappa, z, c)
    make = partial(networks, d=d, n_labels=n_labels, **head)
    loop = {"lr": 0.03, "seed": 10 * seed, "log_every": steps // 20}
    starts = recipes.train_best_of(make, sampler, check, steps, stop_below=good, monitor_for=watch, **loop)
    h, *others, before = (training.features(e, x) for e in [*(s.encoder for s in starts), make(10 * seed)[0]])
    everything.extend((run.gap / check[2], 1 - missing(h_, z)) for run, h_ in zip(starts, (h, *others), strict=True))
    result = {"z": z, "x": x, "h": h, "W": starts[0].head.weight.detach(), "share": starts[0].gap / check[2]}
    return SimpleNamespace(**result, **starts[0]._asdict(), missing=missing(h, z), untrained=missing(before, z))


# %% [markdown]
# First on the globe of the beginning, keeping twenty snapshots on the way for a slider below.

# %%
snapshots, (z_seen, c_seen) = [], world.classes(2000, torch.Generator().manual_seed(7))
best_loss = bayes_cross_entropy(world.centres, world.kappa, z_seen, c_seen)


def unfolded(encoder):
    h, grid = (training.features(encoder, world.render(p)) for p in (z_seen, wires.reshape(-1, 3)))
    return h, grid @ torch.linalg.lstsq(h, z_seen @ tilt).solution


def photographer(encoder, head):
    snapshots.clear()

    def look(step, _):
        h, grid = unfolded(encoder)
        gap = F.cross_entropy(head(h), c_seen).item() - best_loss
        snapshots.append((step, grid, 1 - missing(h, z_seen), gap))

    return look


sphere = learn(world, ch.seed, watch=photographer)

# %%
fig, axes = plt.subplots(1, 3, figsize=(8.0, 2.9), layout="constrained")
globe(axes[0], wires @ tilt, "the latents, z")
globe(axes[1], seen(world.render(wires)), f"seen, x: R² = {1 - missing(sphere.x, sphere.z):.3f}")
globe(axes[2], unfolded(sphere.encoder)[1], f"found, h: R² = {1 - sphere.missing:.3f}")
plt.show()

# %% [markdown]
# *Compare the third globe with the first.* One matrix was applied to $h$. It can turn, stretch and shear, and cannot unbend anything. Twenty names of towns were all that the
# network was told, and it draws the grid.
#
# Now measure it (at scale `toy`: in four dimensions, with 30 classes, in three worlds). What is to be compared: $x$ itself, and an encoder before training.

# %%
d, C = ch.pick(fast=(3, 20), toy=(4, 30))
worlds = [latent_world(d, n_classes=C, kappa=5.0, seed=s) for s in seeds]
free = [sphere] if ch.scale == "fast" else [learn(w, s) for w, s in zip(worlds, seeds, strict=True)]
ch.measure("recovers-latents", missing=[r.missing for r in free], gap=[r.gap for r in free])
ch.measure("not-linear-before", seen=[missing(r.x, r.z) for r in free], untrained=[r.untrained for r in free])

# %% [markdown]
# ### Unit rows leave only a rotation
#
# Regress $h$ on $z$ without an intercept: the matrix of this regression estimates $A$. Let $s_1 \ge \dots \ge s_d$ be its singular values. The **stretch** $s_1 / s_d - 1$ is 0 for a rotation.
# To show that a free head leaves the stretch free, we start one with rows three times as long in one direction: the loss has no reason to undo it.

# %%
variants = {"unit": {"unit": True}, "free": {}, "pulled": {"stretch": 3.0}}
runs = {n: [learn(w, s, **variants[n]) for w, s in zip(worlds, seeds, strict=True)] for n in ("unit", "pulled")}
runs["free"] = free
singular = {n: [torch.linalg.svdvals(torch.linalg.lstsq(r.z, r.h).solution) / 5 for r in runs[n]] for n in variants}
stretch = {n: [s[0] / s[-1] - 1 for s in values] for n, values in singular.items()}
full, upper = d * (d + 3) // 2, torch.triu_indices(d, d)
features = [torch.cat([w.centres[:, upper[0]] * w.centres[:, upper[1]], w.centres], 1) for w in worlds]
short = [full - torch.linalg.matrix_rank(m).item() for m in features]
scale_of = [s.mean() for s in singular["unit"]]
ch.measure("unit-rows", stretch=stretch["unit"], scale=scale_of, missing=[r.missing for r in runs["unit"]])
ch.measure("free-rows", stretch=stretch["pulled"])
ch.measure("no-second-quadric", short=short)

# %%
fig, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
for row, (name, values) in enumerate(singular.items()):
    for shift, s in enumerate(values):
        colour = cb.color("vicreg" if name == "unit" else "contrastive")
        ax.plot(s, np.full(d, row + 0.2 * (shift - (len(values) - 1) / 2)), "o-", color=colour, lw=1, ms=6)
ax.axvline(1, color=cb.color("theory"), ls="--", lw=1)
ax.set_yticks(range(3), ["unit rows", "free rows", "free rows,\nstretched start"])
ax.set(ylim=(-0.5, 2.5), xlim=(0, None), xlabel="singular values of the map from z to h, divided by κ")
ax.set_title("A free head may stretch the globe")
ax.grid(axis="y", visible=False)
plt.show()

# %% [markdown]
# *Look how far apart the dots of one line are* (a line is a world). With unit rows they crowd at $\kappa$, a little below it because training is finite. With free rows the
# spread is an accident of the start.
#
# ### Instance labels suffice
#
# Give each of $10\,C$ instances, ten to a class, its own label, and never mention classes.

# %%
member = torch.arange(10 * C) % C
centres = worlds[0].centres
diet = learn(worlds[0]._replace(centres=centres[member]), ch.seed, good=0.06)
rows = torch.stack([diet.W[member == k].mean(0) for k in range(C)])
within = (diet.W - rows[member]).square().mean() / diet.W.var(0).mean()
ch.measure("instance-labels", missing=diet.missing, centres=missing(rows, centres), coincide=within)

# %% [markdown]
# ### Too few towns, or all on one great circle
#
# The negative control, in $d = 4$ dimensions. First let all centres lie in a plane, so that their differences span two dimensions. Then take three centres. In both worlds the
# loss reaches its minimum without the rest of $z$.

# %%
held, four = len(everything), [latent_world(4, n_classes=30, kappa=5.0, seed=s) for s in seeds]
flat = [F.normalize(w.centres * torch.tensor([1.0, 1, 0, 0]), dim=1) for w in four]
plane = [learn(w._replace(centres=v), s) for w, v, s in zip(four, flat, seeds, strict=True)]
three = [learn(w._replace(centres=w.centres[:3]), s, good=0.016) for w, s in zip(four, seeds, strict=True)]
spanned, others = ([missing(r.h, r.z[:, part]) for r in plane] for part in (slice(2), slice(2, 4)))
lost = 1 - np.array(others)
ch.measure("centres-in-a-plane", spanned=spanned, lost=lost, overall=[r.missing for r in plane])
ch.measure("three-centres", missing=[r.missing for r in three], gap=[r.gap for r in three])

# %% [markdown]
# Training has its own way to fail. Sweep $\kappa$ on the globe, one start each: at $\kappa = 1$ a town says little about a place, though endless data make up for that; at 50 clusters hardly overlap, so that posteriors are
# nearly 0 or 1 and there is little in them to learn from.

# %%
failed, kappas = len(everything), [1, 2, 5, 10, 20, 50]
budget = {"good": np.inf, "steps": ch.pick(fast=120, toy=300)}
sweep = [sphere if k == 5 else learn(world._replace(kappa=float(k)), ch.seed, **budget) for k in kappas]
groups = {"theory": everything[:held] + everything[failed:], "vicreg": [(r.share, 1 - r.missing) for r in plane]}
groups["contrastive"] = [(r.share, 1 - r.missing) for r in three]

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=[1, 1.35], layout="constrained")
for shift, h, name, label in ((-0.2, plane[0].x, "pixels", "seen, x"), (0.2, plane[0].h, "vicreg", "found, h")):
    scores = [1 - missing(h, plane[0].z[:, k]) for k in range(4)]
    bars = left.bar(np.arange(4) + shift, scores, 0.36, color=cb.color(name))
    left.bar_label(bars, fmt="%.2f", fontsize=9, padding=2)
    left.text(2.5 + 2 * shift, 1.12, label, color=cb.color(name), ha="center")
left.set_xticks(range(4), ["z₁", "z₂", "z₃", "z₄"])
left.set(ylim=(0, 1.25), ylabel="R²", title="Centres in the plane of z₁, z₂")
left.grid(axis="x", visible=False)
labels = ("assumption holds", 0.89), ("centres in a plane", 0.44), ("three centres", 0.66)
for (name, points), (label, y) in zip(groups.items(), labels, strict=True):
    right.plot(*np.maximum(points, 1e-3).T, "o", color=cb.color(name), ms=6, alpha=0.8)
    right.text(1.15e-3, y, label, color=cb.color(name))
right.set(xscale="log", xlim=(8e-4, 0.5), ylim=(0.3, 1.04), xlabel="gap / Bayes cross-entropy", ylabel="R²")
right.set_title("When the loss tells, and when not")
plt.show()

# %% [markdown]
# *Look to the right: of the runs far to the left, some have all of* $z$ *and some have not.* The gap is drawn as a share of the Bayes cross-entropy, since at $\kappa = 50$ that is itself a fraction of a nat, and no gap
# could be large. Where the assumption holds (black; with the sweep of $\kappa$ and starts that were discarded) a small share goes with a large $R^2$, and runs that failed show it.
# The coloured runs lost part of $z$, and their loss looks as good as any.
#
# ## The experiment: where is the digit?
#
# Real images. A handwritten digit of `mnist_10k` is shifted by $0.2\, u$ half-widths, where $u = (u_x, u_y) = v_c + \tfrac12 n$ with standard normal noise $n$. The 25 centres $v_c$ form a grid, and the label is the cell $c$. Which
# digit it is, and who wrote it, is a nuisance. The encoder has only two outputs. Is $u$ there, linearly?
#
# The theorem speaks of the sphere. Our remark: normal clusters of common variance $s^2$ need no more than a bias in the head, for
# $\log p(u \mid c) = \langle v_c, u \rangle / s^2 - \|v_c\|^2 / (2 s^2)$ plus a term without $c$. This is linear discriminant analysis.

# %%
mnist, ticks = recipes.tiny_mnist(standardized=False), torch.linspace(-1.5, 1.5, 5)
cells, line = torch.cartesian_prod(ticks, ticks), F.pad(torch.linspace(-1.5, 1.5, 25)[:, None], (0, 1))


def shifted(images, V, n, generator):
    c, pick = (torch.randint(k, (n,), generator=generator) for k in (len(V), len(images)))
    u = V[c] + 0.5 * torch.randn(n, 2, generator=generator)
    return affine_warp(images[pick], shift=0.2 * u).flatten(1), c, u


def bottleneck(seed):
    with training.seeded(seed):
        return mlp_head(196, 128, 2, layers=3), nn.Linear(2, 25)


def both(h, old, new, lam=1e-8, **probe):
    return [evaluation.r2_probe(h(old[0]), old[2][:, k], h(new[0]), new[2][:, k], lam=lam, **probe) for k in (0, 1)]


# %%
image_steps = ch.pick(fast=200, toy=400)


def locate(V, seed, steps=image_steps):
    old, new = (shifted(x, V, 4000, torch.Generator().manual_seed(seed)) for x in (mnist.x_train, mnist.x_test))
    check = (*old[:2], F.cross_entropy(-2 * torch.cdist(old[2], V).square(), old[1]).item())

    def sampler(n, generator):
        return shifted(mnist.x_train, V, n, generator)[:2]

    best = recipes.train_best_of(bottleneck, sampler, check, steps, stop_below=0.25, seed=10 * seed, batch_size=256)[0]
    encode = [partial(training.features, network) for network in (best.encoder, *(bottleneck(s)[0] for s in range(5)))]
    found, *random = (both(h, old, new) for h in encode)
    scores = {"found": found, "random": random, "pixels": both(lambda x: x, old, new, lam=1e-3, standardize=False)}
    return SimpleNamespace(x=new[0], u=new[2], h=encode[0](new[0]), **scores)


grids, lines = [locate(cells, s) for s in seeds], [locate(line, ch.seed)]

# %%
found, held_u = np.array([r.found for r in grids]).mean(1), np.array([r.pixels for r in grids]).mean(1)
chance, on_line = [np.mean(r.random) for r in grids], np.array([r.found for r in lines])
ch.measure("shift-found", missing=1 - found)
ch.measure("shift-untrained", found=chance)
ch.measure("shift-and-pixels", gain=found - held_u)
hidden = [1 - r.pixels[1] for r in lines]
ch.measure("shift-on-a-line", along=1 - on_line[:, 0], across=on_line[:, 1], pixels=hidden)

# %%
fig, (photo, *maps) = plt.subplots(1, 3, figsize=(9, 3.3), width_ratios=[0.8, 1, 1], layout="constrained")
cb.plots.image_grid(photo, grids[0].x[:16].reshape(-1, 14, 14), columns=4, gap=1)
photo.set_title("Where is the digit?")
for ax, run, name in zip(maps, (grids[0], lines[0]), ("grid", "line"), strict=True):
    inputs = F.pad(run.h, (0, 1), value=1.0)
    guess = inputs @ torch.linalg.lstsq(inputs, run.u).solution
    ax.scatter(*guess[:1000].T, c=run.u[:1000, 1], s=7, lw=0, cmap="cookbook_diverging", vmin=-2, vmax=2)
    ax.set(xlim=(-2.9, 2.9), ylim=(-2.9, 2.9), aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    ax.set(xlabel="$u_x$ read off h", ylabel="$u_y$ read off h")
    ax.set_title(f"{name}: R² = {run.found[0]:.2f} and {run.found[1]:.2f}")
plt.show()

# %% [markdown]
# *Look at the colours, which are the true* $u_y$. With centres on a grid they lie in order from below to above: the classifier holds a map of where digits were put. With 25 centres on
# a line, no less trained, it has forgotten one dimension of the map.
#
# ## Play
#
# **The cliff.** Drag `C`, the number of centres in $d = 5$ dimensions, and `dimension`, that of the subspace they lie in. Posteriors are inverted while you drag. The error falls off a
# cliff at $C = 6$, and only if `dimension` is 5.


# %%
counts, lie_in = (
    np.array([2, 3, 4, 5, 6, 8, 12, 20, 30]),
    [F.normalize(towns * (torch.arange(5) < k)) for k in range(6)],
)
errors = [[(invert_posterior(V[:k], places) - places).abs().max().log10() for k in counts] for V in lie_in[1:]]


def draw_cliff(fig, C=6, dimension=5):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.86, wspace=0.25)
    V = lie_in[dimension][:C]
    found = invert_posterior(V, places)
    error = (found - places).abs().max().log10()
    left.plot(places[:, 4], found[:, 4], ".", ms=4, color=cb.color("vicreg"))
    left.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    left.set(xlabel="true $z_5$", ylabel="recovered", title=f"differences span {evaluation.affine_rank(V)} of 5")
    right.plot(counts, errors[dimension - 1], "o-", ms=4, color=cb.color("baseline"))
    right.plot(C, error, "o", ms=10, color=cb.color("vicreg"))
    right.set(ylim=(-17, 1), yticks=[-15, -10, -5, 0], xlabel="number of centres C")
    right.set_title(f"log₁₀ of the largest error: {error:.1f}")


cb.explore(draw_cliff, C=(2, 30), dimension=(1, 5))

# %% [markdown]
# **The unfolding.** Drag through training: the picture is what the best linear map makes of $h$. A crumpled sheet unfolds while the gap closes.


# %%
def paint(fig, picture, title, places, shown, curves, at, labels):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.17, top=0.87, wspace=0.15)
    globe(left, picture, title)
    for name, values, text, x in zip(("vicreg", "contrastive"), curves, ("R²", "gap (nats)"), (0.72, 1), strict=True):
        right.plot(places, values, "o-", ms=3, color=cb.color(name))
        right.plot(places[at], values[at], "o", ms=10, color=cb.color(name))
        right.text(x, 1.05, text, color=cb.color(name), ha="right", transform=right.transAxes)
    right.set(ylim=(-0.05, 1.15), yticks=[0, 0.5, 1], xticks=places[shown], xticklabels=labels[shown])
    right.set_title(f"{curves[0][at]:.2f} and {curves[1][at]:.3f}")


moments, pictures, *curves = zip(*snapshots, strict=True)
moments, curves = np.array(moments), [np.array(curve) for curve in curves]


def draw_unfolding(fig, snapshot):
    title = f"h after {moments[snapshot]} steps"
    paint(fig, pictures[snapshot], title, moments, slice(0, None, 5), np.minimum(curves, 1.1), snapshot, moments)


cb.explore(draw_unfolding, snapshot=(0, len(snapshots) - 1))

# %% [markdown]
# **The concentration.** Drag $\kappa$. The fall is on the right, where clusters are islands and training stops short. We expected one on the left, too, for lack of signal: with endless data
# and enough steps there is hardly any.

# %%
sheets = [unfolded(run.encoder)[1] for run in sweep]
by_kappa = [[1 - run.missing for run in sweep], [run.gap for run in sweep]]


def draw_kappa(fig, kappa):
    at = kappas.index(kappa)
    paint(fig, sheets[at], f"h at κ = {kappa}", np.arange(6), slice(None), by_kappa, at, np.array(kappas))


cb.explore(draw_kappa, kappa=ipywidgets.SelectionSlider(options=kappas, value=5))

# %% [markdown]
# ## What breaks
#
# - **The global minimum.** The theorem is about it, and Adam does not promise it: a folded globe is a local minimum with a gap of 0.1 or so. We restart until the gap is small. On real data nobody knows the
#   Bayes cross-entropy; there one can only keep the smallest loss.
# - **Linear is not disentangled.** $A$ mixes the factors. $R^2$ is the measure of this theorem; one that matches single coordinates (MCC) would call a success a failure.
# - **What to compare with.** $x$ itself has an $R^2$ of about 0.8, because our mixing is mild: always print it. A regression on 196 collinear pixels needs a ridge, and pixels that are nearly always black must not be scaled to unit variance. Networks are compared at equal width, since a wide random
#   layer already decodes much.
# - **Accuracy says little.** Clusters overlap, and even the true posterior is often wrong. BatchNorm must be evaluated with its running averages.
# - **The law of the clusters is assumed.** Nobody has checked it for real classes, and with other laws inner products are the wrong scores (exercise 4). The paper's evidence on natural images is a correlation, and ours has factors that we made.
# - **Smaller than the paper**: 4 dimensions and 30 classes where it goes to 20 and to thousands, seconds of training. $\kappa = 50$, its hard case, fails here.
# - **Unit rows with few centres.** With $d + 1$ centres there is always a second quadric through all of them, and we would not promise a rotation.
#
# **Before and after.** In [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) the graph of labels put each class on one point: its optimum knows the classes and nothing within them. Here the same labels reveal places *within* classes, because the loss
# asks for the posterior, which differs from point to point where clusters overlap. Both optima are exact up to a gauge, a rotation there, a linear map here. The next chapter of
# the part, [when networks agree](../11_singular_identifiability/singular_identifiability.ipynb), asks what such theorems are worth with finite data and where their assumptions fail, and `datum_index` in part 3 trains on instance labels in earnest.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Why $d + 1$? Five independent centres have rank 5. Why are they not enough for $d = 5$? Find two latents that no posterior tells apart.
#
# <details><summary>Hint</summary>Does a softmax see the scores, or only their differences? How many independent differences have five centres?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. What is learned if the labels of each batch are shuffled? And if the *names* of the classes are permuted once?
#
# <details><summary>Hint</summary>What is the posterior of a shuffled label? And what does a permutation of names do to the rows of $W$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. Clusters of unlike width: give class $c$ its own $\kappa_c$. Which step of the proof fails, and what mends it? Invert such posteriors with and without the mending.
#
# <details><summary>Hint</summary>The normaliser of (1) depends on $\kappa$. Which part of a head does not depend on $z$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Other clusters. Draw latents on the sphere with $p(z \mid c) \propto e^{-2.5 \|z - v_c\|_p^p}$. For $p = 2$ this is (1) with $\kappa = 5$; for $p = 1$ inner products are the wrong
# scores. How much of $z$ is found?
#
# <details><summary>Hint</summary>To draw $z$ given $c$, draw a few dozen places uniformly and choose one of them with probability in proportion to this density.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - P. Reizinger, A. Bizeul, A. Juhos, J. E. Vogt, R. Balestriero, W. Brendel, D. Klindt.
#   [Cross-Entropy Is All You Need To Invert the Data Generating Process](https://arxiv.org/abs/2410.21869). *ICLR*, 2025.
# - R. Balestriero. Unsupervised Learning on a DIET. 2023. M. Ibrahim, D. Klindt, R. Balestriero. Occam's Razor for Self Supervised Learning. 2024.
# - R. S. Zimmermann et al. Contrastive Learning Inverts the Data Generating Process. *ICML*, 2021. G. Roeder, L. Metz, D. Kingma. On Linear Identifiability of Learned Representations. *ICML*, 2021.
# - A. Hyvärinen, H. Morioka. Time-Contrastive Learning and Nonlinear ICA. *NeurIPS*, 2016. I. Khemakhem et al. Variational Autoencoders and Nonlinear ICA. *AISTATS*, 2020.
# - A. T. A. Wood. Simulation of the von Mises Fisher distribution. *Communications in Statistics*, 1994. F. Locatello et al. Challenging Common Assumptions in the Unsupervised Learning of
#   Disentangled Representations. *ICML*, 2019.
# - B. Y. Idrissi et al. ImageNet-X. 2022. K. Park, Y. J. Choe, V. Veitch. The Linear Representation Hypothesis. 2023.

# %%
ch.footer()
