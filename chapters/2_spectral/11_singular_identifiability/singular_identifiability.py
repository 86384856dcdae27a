# %% [markdown]
# # When networks agree, and when they are right
#
# After this chapter you can predict when two networks that never met must agree, build some that agree and are all wrong, and count, exactly, the directions in which a loss does not care.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, recipes, spectral, training
from replearn.data import latent_world, sphere_grid
from replearn.models import mlp, mlp_head
from replearn.papers.singular_identifiability import (
    flat_directions,
    tabular_classifier,
    train_world,
    train_world_classes,
)

ch = cb.Chapter("singular_identifiability", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown]
# ## The question
# Networks that learn from different data by different methods seem to grow alike. The *Platonic Representation Hypothesis* (Huh et al., 2024) says that all converge to one picture of the world. Why
# should they? And if they agree, are they right?
#
# The [last chapter](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb) has a world in which one can ask: a globe of places $z$, of which a network sees only $x = g(z)$. Six encoders with three outputs look at
# it. Three learn by InfoNCE (two starts, and one of another shape), one by VICReg, one by the spectral contrastive loss, one from labels. Training may end in a fold, and the loss tells: where it stays far from
# that of the true places, `train_world` starts again. To look at networks we push the front half of a globe's grid through world and encoder, and draw two of the three outputs.

# %%
info_nce = partial(losses.info_nce, similarity="sqdist", normalize=False, temperature=0.2)
cosine = partial(losses.info_nce, temperature=0.2)
vicreg = partial(losses.vicreg, cov=25.0)
haochen = partial(losses.spectral_contrastive, centered=True)
loop = {"steps": 300, "batch_size": 256, "lr": 0.03}


def encoder(seed, width=64, layers=4, d_in=3, d_out=3):
    with training.seeded(seed):
        return mlp_head(d_in, width, d_out, layers=layers)


def learn(loss, world, seed, **shape):
    return train_world(partial(encoder, **shape), loss, world, seed=seed, **loop)[0].encoder


names = ["InfoNCE", "InfoNCE, again", "InfoNCE, wide", "VICReg", "spectral", "labels"]
worlds, trained = [latent_world(3, n_classes=20, kappa=5.0, seed=s) for s in seeds], []
for world, s in zip(worlds, seeds, strict=True):
    networks = [learn(info_nce, world, 100 * s), learn(info_nce, world, 100 * s + 10)]
    networks.append(learn(info_nce, world, 100 * s + 20, width=128, layers=3))
    networks += [learn(vicreg, world, 100 * s + 30), learn(haochen, world, 100 * s + 40)]
    classifier = train_world_classes(encoder, world, seed=100 * s + 50, **loop)[0]
    trained.append([*networks, classifier.encoder])

# %%
wires = sphere_grid(pieces=40) @ torch.linalg.qr(torch.tensor([[6, 2.5, 8], [8, -2, -6], [0, 9.5, -3]]))[0]
wires = wires[wires[:, 0, 2] > 0]
ink = (0.15 + 0.35 * (wires.mean(1) + 1)).numpy()
places = worlds[0].sample(2000, torch.Generator().manual_seed(1))


def globe(ax, network, target=None, title=""):
    grid, h = (training.features(network, worlds[0].render(z)) for z in (wires.reshape(-1, 3), places))
    grid, h = grid - h.mean(0), h - h.mean(0)
    grid = grid @ torch.linalg.lstsq(h, h if target is None else target).solution
    grid = (grid / grid.norm(dim=1).max()).reshape(-1, 2, 3)
    ax.add_collection(LineCollection(grid[:, :, :2].numpy(), colors=ink, linewidths=1.2))
    ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal", title=title)
    ax.set_axis_off()


first = training.features(trained[0][0], worlds[0].render(places))
first = (first - first.mean(0)) @ torch.tensor(spectral.procrustes(first, places)[1], dtype=first.dtype)
fig, axes = plt.subplots(2, 6, figsize=(10.5, 3.7), layout="constrained")
for column, name in enumerate(names):
    globe(axes[0, column], trained[0][column], title=name)
    globe(axes[1, column], trained[0][column], target=first)
plt.show()

# %% [markdown]
# *Compare the rows.* Above, outputs as they are. Below, after *one* linear map each, fitted to agree with the first network, which is turned to face us. None has seen another, nor the globe.
#
# ## The mathematics
# - **World.** Places $z$ are uniform on the sphere $S^{d-1}$ in $\mathbb R^d$; here $d = 3$. A *positive* $z'$ of $z$ has density $p(z' \mid z) \propto e^{\kappa \langle z, z' \rangle}$ (von Mises-Fisher, $\kappa = 5$). A label $c$ of $z$ has
#   probability $p(c \mid z) = \mathrm{softmax}(\kappa V z)_c$, the rows $v_1, \dots, v_C$ of $V$ being unit *centres*. We see $x = g(z)$ with $g$ injective; $f$ is the encoder, and $h = f \circ g$ what it makes of a place.
# - **Identifiable up to a group** means that all minimisers $h$ of a loss are $z$ moved by some member of the group: linear maps for cross-entropy with a free head (last chapter), rotations for InfoNCE with
#   the right similarity.
# - **Agreement.** If $h_1(z) = A_1 z$ and $h_2(z) = A_2 z$ with invertible matrices, then $h_2 = A_2 A_1^{-1} h_1$, whatever seeds, shapes or even losses were. The converse is false: $h_1 = h_2$ says nothing about $z$.
#
# **InfoNCE** (Zimmermann et al., 2021). With a similarity $s$ and endlessly many negatives it is a cross-entropy of $p(z' \mid z)$ and a model $q(z' \mid z) \propto p(z')\, e^{s(h(z), h(z'))}$, least when they are equal:
# $$ s(h(z), h(z')) = \log \frac{p(z' \mid z)}{p(z')} + a(z) \quad \text{for some } a. \tag{1} $$
# Take $s(u, v) = -\frac\kappa2 \|u - v\|^2$. On the sphere $\kappa \langle z, z' \rangle = \kappa - \frac\kappa2 \|z - z'\|^2$, so $\|h(z) - h(z')\|^2 = \|z - z'\|^2 + \tilde a(z)$, and $z' = z$ gives $\tilde a = 0$:
# $h$ keeps all distances, so $h(z) = O z + b$ with $O$ orthogonal.
#
# **Spectral contrastive, VICReg.** But for a constant, $-2\, \mathbb E \langle h, h' \rangle + \mathbb E \langle h, h^- \rangle^2$ ($h'$ of a positive, $h^-$ of an independent place) is $\mathbb E\, (\langle h(z), h(z^-) \rangle - p(z^- | z) / p(z^-))^2$. So $h$ spans the top
# eigenfunctions of the kernel $p(z' | z) / p(z')$, as in [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb). It depends on $\langle z, z' \rangle$ alone; its eigenfunctions are then spherical harmonics: the constant, which centring removes, then $d$ *linear* functions.
# VICReg has the same span, whitened.
#
# **Content and style** (von Kügelgen et al., 2021). Give things a second latent, a *style* $\sigma \in \mathbb R^q$, drawn anew for the positive. It drops out of the right of (1), and the optimal $h$ is still $O z + b$: what views change is forgotten.
#
# **Counting.** Give each of $n$ *states* $z_s$ a free embedding $h_s \in \mathbb R^d$ and each class a row $w_c$ of a head $W$: $P = (n + C) d$ numbers, with the loss
# $$ \mathcal L = -\frac1n \sum_s \sum_c p(c \mid z_s) \log \mathrm{softmax}(W h_s)_c . \tag{2} $$
# At its optimum $h_s = \kappa z_s$, $w_c = v_c$ the Hessian is the Fisher information. A direction is flat iff it moves all scores of a state alike: $\langle \delta h_s, w_c \rangle + \langle h_s, \delta w_c \rangle = a_s$.
# The number of flat directions, the *nullity*, is, for states and centres in general position and $n > d$:
# - **Free head, $C > d$**: all $h \to A^\top h$, $w \to A^{-1} w + b$, which is $d^2 + d$.
# - **Unit rows** $w_c = u_c / \|u_c\|$, $C > d$: the $C$ lengths $\|u_c\|$, the $\frac{d(d-1)}2$ rotations, and $\max(0, \frac{d(d+3)}2 - C)$ pairs of a symmetric $M$ and a vector $b$ with $v_c^\top M v_c + \langle b, v_c \rangle = 0$ for all $c$: further quadrics
#   through all centres. Together $\max(d^2 + d, C + \frac{d(d-1)}2)$. **So unit rows leave only a rotation once $C \ge d(d+3)/2$**, and $d + 1$ centres are not enough. (These counts are this book's.)
# - **$C \le d$**, either head: differences of rows span $C - 1$ dimensions, and each state is free in the others. $n(C - 1)$ numbers are determined, $P - n(C-1)$ are not.
#
# In the last case flatness grows with the data. A model with a degenerate Fisher information is *singular* (Watanabe, 2009), and BIC, which charges $\frac P2 \log n$, is wrong for it. The paper asks for a **singular identifiability theory** that
# knows such things, and finite data, training and architectures too. It has no experiments; those below are our illustration.
#
# ## From scratch
# **Cross-$R^2$** is the share of the variance of $b$ that is linear in $a$, fitted on half of the things and scored on the rest. Coordinates of a learned $b$ mean nothing, so their variances are pooled. And the nullity is
# that of an exact Hessian; an eigenvalue up to $10^{-9}$ of the largest counts as zero.


# %%
def cross_r2_by_hand(a, b):
    half, inputs = len(a) // 2, F.pad(a, (0, 1), value=1.0)
    error = b - inputs @ torch.linalg.lstsq(inputs[:half], b[:half]).solution
    return 1 - error[half:].square().sum() / (b[half:] - b[half:].mean(0)).square().sum()


def table_of(C, d, n=20, unit_rows=False, seed=ch.seed):
    generator = torch.Generator().manual_seed(seed)
    V, z = (F.normalize(torch.randn(k, d, dtype=torch.float64, generator=generator)) for k in (C, n))
    return tabular_classifier(V, z, kappa=5.0, unit_rows=unit_rows)


a, noise = torch.randn(2, 200, 3, dtype=torch.float64)
assert_close(cross_r2_by_hand(a, a + noise).item(), evaluation.linear_r2(a, a + noise, weighted=True))
loss, optimum = table_of(20, 3)
size = torch.linalg.eigvalsh(torch.func.hessian(loss)(optimum)).abs()
assert (size < 1e-9 * size.max()).sum() == flat_directions(loss, optimum).nullity == 3**2 + 3
cb.show_source(tabular_classifier)

# %% [markdown]
# ## The theorem, tested: six networks, one world
# Three numbers. **Truth**, $R^2(z)$: is $z$ linear in $h$? **Agreement**, the worse of both directions of cross-$R^2$. **Mutual kNN**: which share of a thing's ten nearest neighbours (by cosine) is the same in both?


# %%
def outputs(networks, world):
    z = world.sample(2000, torch.Generator().manual_seed(2))
    hs = [training.features(network, world.render(z)) for network in networks]
    return z, [h - h.mean(0) for h in hs]


def truth(hs, z):
    return np.array([evaluation.linear_r2(h, z) for h in hs])


true, cross, shared, chance = [], [], [], []
for world, networks, s in zip(worlds, trained, seeds, strict=True):
    blank = [training.warm_up_batch_norm(encoder(100 * s + k), world.render(places)) for k in (60, 70)]
    z, hs = outputs([*networks, *blank], world)
    true.append(truth(hs, z))
    cross.append(evaluation.cross_r2(hs).numpy())
    shared.append(min(evaluation.mutual_knn(hs[0], h) for h in hs[1:6]))
    chance.append(evaluation.mutual_knn(hs[6], hs[7]))
true, cross = np.array(true), np.array(cross)
worst, apart = 1 - true[:, :6].min(1), 1 - cross[:, 0, :6].min(1)
ch.measure("platonic-agreement", missing=worst, apart=apart, neighbours=shared)
ch.measure("untrained-neighbours", neighbours=chance)


# %%
def heat(ax, values, labels, title):
    ax.imshow(values, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.5 else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=9, color=colour)
    ax.set(xticks=[], yticks=range(len(labels)), yticklabels=labels, title=title)
    ax.grid(False)


fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), width_ratios=[8, 1], layout="constrained")
heat(left, cross[0], [*names, "untrained", "untrained, again"], "Agreement: cross-R²")
heat(right, true[0][:, None], [""] * 8, "R²(z)")
plt.show()

# %% [markdown]
# *Compare the block of six with its margin* (columns are in the order of rows). Four losses, three starts, two shapes: one representation, up to a linear map. An untrained encoder shares about half with anybody, since a
# random map of three dimensions is not far from linear.
#
# ### Agreement is not truth
# The negative control: of the classes only three, where the theorem needs $d + 1 = 4$. Three networks are trained on them.

# %%
alike, wrong, spanned, gaps = [], [], [], []
for world, s in zip(worlds, seeds, strict=True):
    three = world._replace(centres=world.centres[:3])
    runs = [train_world_classes(encoder, three, seed=100 * s + k, **loop)[0] for k in (80, 85, 90)]
    z, hs = outputs([run.encoder for run in runs], three)
    gaps.append(max(run.gap for run in runs))
    alike.append(evaluation.cross_r2(hs).numpy()[[0, 0, 1], [1, 2, 2]])
    wrong.append(truth(hs, z))
    axes_of_centres = torch.linalg.svd(three.centres - three.centres.mean(0)).Vh
    spanned.append(truth(hs, z @ axes_of_centres[:2].T))
apart, missed = 1 - np.mean(alike, 1), 1 - np.mean(wrong, 1)
ch.measure("agreement-is-not-truth", apart=apart, gap=gaps, missing=missed)

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
for xs, ys, key, fill, x, y, text in [
    (cross[:, 0, 1:6], true[:, 1:6], "vicreg", "full", 0.99, 1.04, "six networks: z"),
    (alike, wrong, "nt_xent", "full", 0.965, 0.66, "three classes: z"),
    (alike, spanned, "nt_xent", "none", 0.93, 0.93, "three classes: two axes of z"),
    (cross[:, 6, 7], true[:, 7], "random", "full", 0.66, 0.55, "untrained: z"),
]:
    ax.plot(np.ravel(xs), np.ravel(ys), "o", fillstyle=fill, ms=7, color=cb.color(key), alpha=0.8)
    ax.text(x, y, text, color=cb.color(key), ha="right")
ax.set(xlim=(0.2, 1.03), ylim=(0.2, 1.12), xlabel="cross-R²", ylabel="R²", title="Agreement is not truth")
plt.show()

# %% [markdown]
# *Look at the full orange dots*: networks nearly equal to each other, and far from $z$. The open dots are the same networks, scored on the two axes which differences of three centres span: these they have found. They agree because
# they are right about *the same two thirds* of $z$, and nothing they share tells us about the rest.
#
# ### Content yes, style no
# Now pairs, in a world with two style latents, which $x$ shows as well as the content.


# %%
styled = [latent_world(3, n_classes=20, kappa=5.0, style=2, seed=s) for s in seeds]
kept, in_x = [], []
for world, s in zip(styled, seeds, strict=True):
    z, (h,) = outputs([learn(info_nce, world, 100 * s, d_in=5)], world)
    kept.append([evaluation.linear_r2(h, part) for part in (z[:, :3], z[:, 3:])])
    in_x.append(evaluation.linear_r2(world.render(z), z[:, 3:]))
content, style = np.transpose(kept)
ch.measure("content-not-style", content=1 - content, style=style, seen=in_x)

# %% [markdown]
# ### Flat directions, counted
# Eleven settings $(C, d, n)$, three draws of each. (The first slider shows the eigenvalues.)


# %%
def predicted(C, d, n=20, unit_rows=False):
    if d >= C:
        return (n + C) * d - n * (C - 1)
    return max(d**2 + d, C + d * (d - 1) // 2) if unit_rows else d**2 + d


def miscount(settings, unit_rows=False):
    """The largest error of the predicted count over three draws of each setting."""
    off = []
    for setting in settings:
        tables = [table_of(*setting, unit_rows, seed=3 * ch.seed + draw) for draw in range(3)]
        off += [abs(flat_directions(*t).nullity - predicted(*setting, unit_rows)) for t in tables]
    return max(off)


# %%
free = miscount([(5, 2, 20), (4, 3, 20), (20, 3, 20), (6, 4, 20)])
unit = miscount([(6, 2, 20), (5, 3, 20), (10, 3, 20), (16, 4, 16)], unit_rows=True)
few = miscount([(3, 3, 20), (3, 3, 40), (2, 3, 20)])
ch.measure("flat-directions", free=free, unit_rows=unit, few=few)

# %% [markdown]
# ## Beyond the theorem
# **Data**: InfoNCE on a *fixed* list of $N$ pairs, 400 steps. **Batches**: 8 pairs at a time, equally many steps. **Training**: the usual cosine similarity, which has the *same* optimum (a demonstration without a claim). Two starts each; the second slider shows them all.


# %%
def learn_twice(loss, sampler, seed, **settings):
    networks = [encoder(seed), encoder(seed + 1)]
    for start, network in enumerate(networks, seed):
        recipes.train_pairs(network, loss, sampler, seed=start, **loop | settings)
    return networks


sizes = ch.pick(fast=[50, 200, 5000], toy=[50, 200, 1000, 5000])
variants, studied = [], []
for world, networks, s in zip(worlds, trained, seeds, strict=True):
    lists = {n: world.listed_views(n, torch.Generator().manual_seed(1000 + s)) for n in sizes}
    runs = {f"{n} pairs": learn_twice(info_nce, listed, 100 * s, steps=400) for n, listed in lists.items()}
    runs |= {"endless": networks[:2], "batch of 8": learn_twice(info_nce, world.views, 100 * s, batch_size=8)}
    runs["cosine"] = learn_twice(cosine, world.views, 100 * s, steps=120)
    variants.append(runs)
    scored = [outputs(two, world) for two in runs.values()]
    studied.append([(truth(hs, z).mean(), evaluation.cross_r2(hs)[0, 1].item()) for z, hs in scored])
found, agreed = np.array(studied).transpose(2, 1, 0)
listed, (endless, eight, _) = found[: len(sizes)], found[len(sizes) :]

# %%
missing, gain = 1 - listed, np.diff(listed, axis=0).min(0)
ch.measure("listed-pairs", n50=missing[0], n200=missing[1], n5000=missing[-1], gain=gain)
ch.measure("batch-size", gain=np.mean(endless - eight))

# %% [markdown]
# ## The experiment: digits
# Nobody knows the latents of handwritten digits; only agreement can be measured. Encoders 196-256-16: InfoNCE with the cosine, another start, a narrow network; VICReg; two untrained encoders; the pixels. (2,000 test digits; mutual kNN on 1,000.)

# %%
mnist = recipes.tiny_mnist(standardized=False)
recipe = recipes.TINY_MLP._replace(steps=ch.pick(fast=100, toy=200), batch_size=128, lr=3e-3, warmup=10)


def digit_outputs(seed, loss=None, width=256):
    with training.seeded(seed):
        network = torch.nn.Sequential(torch.nn.Flatten(), *mlp([196, width, 16]))
    if loss:
        recipes.train_networks(network, torch.nn.Identity(), loss, mnist.x_train, recipe=recipe, seed=seed)
    h = training.features(network, mnist.x_test)
    return h - h.mean(0)


kinds = [(cosine, 256), (cosine, 256), (cosine, 64), (vicreg, 256), (None, 256), (None, 256)]
digits = [[digit_outputs(10 * s + k, *kind) for k, kind in enumerate(kinds)] for s in seeds]
cross_digits = np.array([evaluation.cross_r2(hs).numpy() for hs in digits])
again, methods, blank = cross_digits[:, 0, 1], cross_digits[:, 0, 3], cross_digits[:, 4, 5]
close = [evaluation.mutual_knn(hs[0][:1000], hs[1][:1000]) for hs in digits]
ch.measure("digits-agree", starts=1 - again, neighbours=close, methods=1 - methods)
ch.measure("digits-untrained", gain=np.minimum(again, methods) - blank)

# %%
hs = [h[:1000] for h in (*digits[0], mnist.x_test.flatten(1))]
labels = [*names[:2], "InfoNCE, narrow", "VICReg", "untrained", "untrained, again", "pixels"]
fig, ax = plt.subplots(figsize=(6.6, 3.2), layout="constrained")
heat(ax, np.array([[evaluation.mutual_knn(a, b) for b in hs] for a in hs]), labels, "Digits: mutual kNN")
plt.show()

# %% [markdown]
# *Read the first row, then the last.* Two starts agree more than two methods, and these more than untrained encoders. But everybody shares neighbours with the pixels: part of the agreement was in the input.
#
# ## Play
# **Count.** $C$ classes in $d$ dimensions, 20 states; each Hessian is computed while you drag. Orange eigenvalues are zero to the last digits of a float64; ten empty orders of magnitude follow, so that counting is safe. From
# $C = d$ down each state adds flat directions. Find the $C$ below which unit rows buy nothing.


# %%
def draw_count(fig, C=20, d=3, unit_rows=True):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.86)
    flat = flat_directions(*table_of(C, d, unit_rows=unit_rows))
    levels = flat.eigenvalues.abs().sort().values.clamp(min=1e-19).log10()
    ax.plot(levels, "o", ms=4, color=cb.color("vicreg"))
    ax.plot(levels[: flat.nullity], "o", ms=4, color=cb.color("nt_xent"))
    ax.set(xlim=(-2, 178), ylim=(-20, 1), yticks=[-15, -10, -5, 0], xlabel="index", ylabel="log₁₀ |eigenvalue|")
    ax.set_title(f"{flat.nullity} of {len(levels)} directions are flat; predicted {predicted(C, d, 20, unit_rows)}")


cb.explore(draw_count, C=(2, 24), d=(2, 4), unit_rows=True)

# %% [markdown]
# **Beyond the theorem.** Drag from short lists to endless data, then to batches of 8 and the cosine. Left, what one linear map makes of a network. Right, *look between the curves*: on 200 pairs two networks already agree, and part of $z$ is
# missing; they make the same mistakes on the same list. With the cosine, starts end near $R^2 = 2/3$: two axes found, the third folded away. A map into the sphere has to tear before it can unfold; a map into space does not. No theorem about
# the optimum sees this.


# %%
def two_curves(ax, xs, upper, lower, at, labels, line):
    for values, key, text, shift in ((upper, "nt_xent", labels[0], 0.06), (lower, "vicreg", labels[1], -0.12)):
        ax.plot(xs, values, line, marker="o", ms=4, color=cb.color(key))
        ax.plot(xs[at], values[at], "o", ms=11, color=cb.color(key))
        ax.text(xs[1], values[1] + shift, text, color=cb.color(key))
    ax.set_title(f"R²: {labels[0]} {upper[at]:.2f}, {labels[1]} {lower[at]:.2f}")


def draw_runs(fig, run):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.17, top=0.86, wspace=0.2)
    globe(left, variants[0][run][0], target=places)
    at = list(variants[0]).index(run)
    two_curves(right, range(len(found)), agreed[:, 0], found[:, 0], at, ("agreement", "truth"), ":")
    right.set(ylim=(0.3, 1.12), xticks=[at], xticklabels=[run])


runs = ipywidgets.SelectionSlider(options=list(variants[0]), value="200 pairs")
cb.explore(draw_runs, figsize=(7.2, 3.3), run=runs)

# %% [markdown]
# **Style.** Let views share some style, $\sigma' = \rho \sigma + \sqrt{1 - \rho^2}\, \sigma''$ with a fresh $\sigma''$, and give the encoder five outputs. As soon as $\rho > 0$, style is in (1) and is found. At $\rho = 1$ it is so easy a way to
# know the positive that *content* suffers: a shortcut.

# %%
rhos, by_rho = ch.pick(fast=[0.0, 0.5, 1.0], toy=[0.0, 0.3, 0.6, 0.9, 1.0]), []
for rho in rhos:
    world, network = styled[0]._replace(rho=rho), encoder(ch.seed, d_in=5, d_out=5)
    recipes.train_pairs(network, info_nce, world.views, **loop | {"steps": ch.pick(fast=120, toy=300)})
    z, (h,) = outputs([network], world)
    by_rho.append([evaluation.linear_r2(h, part) for part in (z[:, :3], z[:, 3:])])


def draw_style(fig, rho):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.19, top=0.86)
    two_curves(ax, rhos, *np.transpose(by_rho), rhos.index(rho), ("content", "style"), "-")
    ax.set(ylim=(-0.15, 1.15), xlabel="ρ, the style that views share", ylabel="R²")


cb.explore(draw_style, figsize=(7.2, 3), rho=ipywidgets.SelectionSlider(options=rhos, value=0.0))

# %% [markdown]
# ## What breaks
# - **No proof of the hypothesis.** The digits' agreement is partly shared input and architecture (the pixels' row), and the three classes show networks that agree and miss a third. The paper is a position; every number here is ours.
# - **Rulers differ.** In three dimensions two untrained networks can have a cross-$R^2$ or a linear CKA of 0.9 by luck; mutual kNN is a finer ruler. By it the networks of three classes agree little more than untrained ones.
# - **Averages over coordinates.** A coordinate of $h$ that the loss leaves alone is small and arbitrary, and counted like the others it spoils an $R^2$. Score on things that the regression has not seen: with 16 outputs that matters.
# - **Batches of 8** see 32 times fewer pairs in equally many steps, and BatchNorm suffers. Given as many *pairs* they nearly catch up, not quite: the softmax over few negatives is biased (exercise 3).
# - **The count** is local and of a table. Networks add symmetries of their own. And the gap of the three-class networks is small, not zero: three dimensions, a mild mixing, seconds of training.
#
# ## Before and after
# This chapter closes the part. [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) found the optimum of each loss on a table, up to a rotation; [the SSL interplay](../04_ssl_interplay/ssl_interplay.ipynb) asked how many samples it takes, and
# [cross-entropy](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb) proved that an optimum can be the world itself, up to a linear map. Here we saw what follows, agreement, and what does not, truth. A later part has LeJEPA, which chooses the law of the
# embedding so that identification can be proved.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
# **1** ●○○ 10 min. Find the $d^2 + d = 2$ flat directions for $d = 1$ by hand, and check that there are no others for four classes.
#
# <details><summary>Hint</summary>Write the scores as $h_s w_c$. Which changes of all $h_s$ and $w_c$ leave every difference of two scores of a state as it is?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Make two representations with cross-$R^2 = 1$ and $R^2(z)$ as small as you can.
#
# <details><summary>Hint</summary>Two networks agree when they forget the same. Which functions of a place on the globe have nothing linear in them?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. InfoNCE has the logarithm of a mean over $B$ negatives. Show that its bias is about $-\mathrm{Var}(e^s) / (2 B\, \mathbb E[e^s]^2)$, and measure it for the true places.
#
# <details><summary>Hint</summary>Expand $\log(m + \epsilon)$ to second order, where $\epsilon$ is the error of a mean over $B$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Watanabe's *learning coefficient* $\lambda$ takes the place of $P/2$: it is $(\mathbb E[\mathcal L] - \mathcal L_{\min}) / T$ under the density $\propto e^{-\mathcal L / T}$ near an optimum, $T \to 0$. If the minima form a smooth
# manifold, $\lambda = (P - \text{nullity})/2$. Sample (2) with 3 and with 20 classes; then raise the temperature.
#
# <details><summary>Hint</summary>Near a smooth manifold of minima the loss is quadratic in the directions that leave it. What is the mean loss of one such direction at the temperature $T$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
# - P. Reizinger, R. Balestriero, D. Klindt, W. Brendel. [Position: An Empirically Grounded Identifiability Theory Will Accelerate Self-Supervised Learning Research](https://arxiv.org/abs/2504.13101). *ICML*, 2025.
# - M. Huh et al. [The Platonic Representation Hypothesis](https://arxiv.org/abs/2405.07987). *ICML*, 2024. S. Kornblith et al. Similarity of Neural Network Representations Revisited. *ICML*, 2019. S. Watanabe. *Algebraic Geometry and Statistical Learning Theory*. 2009.
# - R. S. Zimmermann et al. Contrastive Learning Inverts the Data Generating Process. *ICML*, 2021. J. von Kügelgen et al. Self-Supervised Learning with Data Augmentations Provably Isolates Content from Style. *NeurIPS*, 2021. J. HaoChen et al. Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss. *NeurIPS*, 2021.
# - P. Reizinger et al. [Cross-Entropy Is All You Need To Invert the Data Generating Process](https://arxiv.org/abs/2410.21869). *ICLR*, 2025. G. Roeder, L. Metz, D. Kingma. On Linear Identifiability of Learned Representations. *ICML*, 2021. A. Hyvärinen, H. Sasaki, R. Turner. Nonlinear ICA Using Auxiliary Variables. *AISTATS*, 2019.

# %%
ch.footer()
