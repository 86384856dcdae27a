# ---
# jupyter:
#   cookbook:
#     title: Two views
#     promise: Look at an augmentation and say what a network trained with it will forget; then check it on digits, photographs and shapes.
#     papers: [balestriero2023cookbook]
#     needs: []
#     minutes: 30
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Two views
#
# After this chapter you can look at an augmentation and say what a network trained with it will forget. You will have checked it on digits, photographs and drawn shapes, and in
# two cases without any training.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from scipy.linalg import eigh
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import data, evaluation, losses, methods, recipes, spectral, training
from replearn.papers import two_views

ch = cb.Chapter("two_views", scale=scale, seed=seed)

# %% [markdown]
# ## The question
#
# Turn a 6 by ten degrees and it is the same 6. Turn it by 180 degrees and it is a 9. Turn a photograph of pebbles by 180 degrees and nothing has happened.
#
# A network that learns without labels must still be told one thing: **what counts as the same**. It is told by *views*, random changes of an input; a recipe for views is an
# **augmentation**. Here are seven, given by up to four numbers:
# the smallest share of the area that a crop keeps, the largest turn in degrees, the share that is erased, and the standard deviation of added noise (pixels have mean 0 and standard deviation 1).

# %%
settings = {"none": (1, 0), "noise": (1, 0, 0, 0.5), "erase": (1, 0, 0.15), "turn": (1, 15), "crop": (0.4, 0)}
settings |= {"crop + turn": (0.4, 15), "crop + any turn": (0.4, 180)}
augmentations = {name: recipes.tiny_augmentation(*strengths) for name, strengths in settings.items()}
mnist = recipes.tiny_mnist()
generator = torch.Generator().manual_seed(ch.seed)
shown = torch.stack([mnist.x_train[mnist.y_train == digit][1] for digit in (6, 9, 2, 4)])

fig, axes = plt.subplots(1, 4, figsize=(7.6, 6), layout="constrained")
for ax, digit in zip(axes, shown, strict=True):
    views = [augment(digit.expand(2, 1, 14, 14), generator) for augment in augmentations.values()]
    cb.plots.image_grid(ax, torch.cat(views)[:, 0].clip(-0.5, 3), columns=2)
for row, name in enumerate(augmentations):
    axes[0].text(-2, 15 * row + 7, name, ha="right", va="center")
fig.suptitle("Two views of each digit: the network is told that they are the same", x=0.02, ha="left", weight="bold")
plt.show()

# %% [markdown]
# *Read each row as an order.* "Crop": it does not matter where the digit stands and how large it is. The last row says that, among others, a 6 and a 9 may be the same. Will it be
# obeyed? And what is learned from the first row?
#
# **Before there were two views.** Learning needs inputs and targets, and *self-supervised* learning makes the targets up. The Cookbook sorts the inventions of many years into families:
#
# - *restore what was taken away*: noise, colour, masked pixels ([Masked modelling](05_masked_modeling.ipynb) is this family grown up);
# - *use time or a second sense*: predict the next frame of a film, or whether a sound belongs to it;
# - *use spatial context*: how do these nine pieces fit, by which quarter turn was this image turned (**RotNet**, which we shall train);
# - *group* the embeddings and predict the cluster (DeepCluster; later SwAV, in [canonical correlation](04_canonical_correlation.ipynb)), or *generate* inputs and keep what was learned on the way;
# - *be invariant to views*: the target is another view of the same input. That is this chapter and most of this book. All that is left to invent is the augmentation.
#
# ## The mathematics
#
# **Views.** $x$ is an input with $D$ pixels, $t$ a random change drawn from the augmentation, $v = t(x)$ a view. A **positive pair** $(v, v')$ is two views of one input, with $t$
# and $t'$ drawn independently. An **encoder** $f$ turns a
# view into a *representation* $f(v)$; a **projector** $g$, a small network on top, turns that into an *embedding* $z = g(f(v))$ of $K$ numbers. Training asks that $z$ and $z'$
# agree, and not by being constant.
#
# **The loss** here is *NT-Xent*, a black box until [Contrastive](02_contrastive.ipynb) opens it. From $B$ inputs come $2B$ embeddings. Each must pick its partner out of the
# $2B - 1$ others by their cosines, divided by a temperature of 0.5;
# the loss is the mean cross-entropy in nats. Whoever cannot tell pays $\log(2B - 1)$, which is 5.54 for our $B = 128$.
#
# **What linear networks keep.** Let $z = W^\top v$ with $W$ ($D \times K$), and rule out constants by demanding uncorrelated outputs of variance one, $W^\top C W = I_K$. With the
# mean of all views subtracted, two matrices
# ($D \times D$) say everything about the augmentation:
#
# $$ C = E[v v^\top], \qquad C_+ = E[v v'^\top] = E[\bar v \bar v^\top] \quad\text{with}\quad \bar v = E[v \mid x] . \tag{1} $$
#
# The last form holds because, given $x$, the two views are independent with the same mean $\bar v$. The mean squared distance
# $E \|W^\top v - W^\top v'\|^2 = 2 K - 2 \operatorname{tr}(W^\top C_+ W)$ is smallest if the columns of $W$ are the top $K$
# solutions $w$ of the **generalised eigenproblem**
#
# $$ C_+ w = \rho\, C w , \qquad\text{where}\quad \rho = \frac{w^\top C_+ w}{w^\top C w} = \frac{\text{variance of } w^\top \bar v}{\text{variance of } w^\top v} \in [0, 1] . \tag{2} $$
#
# This **canonical correlation** is the *share of a number's variance that all views of an input have in common*. What views agree on is kept first; what they disagree on goes. Two
# cases can be solved by hand.
#
# **Noise.** Let $v = x + \varepsilon$, where signal and noise have the same axes, and variances $\lambda_i$ and $\sigma_i^2$ along axis $i$. Then
# $C_+ = \operatorname{diag}(\lambda_i)$ and $C = \operatorname{diag}(\lambda_i + \sigma_i^2)$.
# Axes are ranked by their ratio of noise to signal, not by their variance:
#
# $$ \rho_i = \frac{\lambda_i}{\lambda_i + \sigma_i^2} = \frac{1}{1 + \sigma_i^2 / \lambda_i} . \tag{3} $$
#
# **A group of changes.** Let the augmentation apply one of $n$ orthogonal matrices $T_1, \dots, T_n$ that form a group, each as likely. The four quarter turns do: they only move
# pixels about. The average $P = \frac1n \sum_g T_g$
# projects on what no element changes: $P T_g = T_g P = P$ and $P^2 = P = P^\top$. With $C_x = E[x x^\top]$, (1) gives
#
# $$ \bar v = P x, \qquad C_+ = P C_x P, \qquad C = \tfrac1n \textstyle\sum_g T_g C_x T_g^\top, \qquad\text{hence}\qquad P C P = P C_x P = C_+ . $$
#
# Moreover $T_h C T_h^\top = C$ for each $h$, since this only permutes the sum. So $C$ commutes with every $T_h$ and with $P$, and $C_+ = P C P = C P$. Equation (2) becomes
#
# $$ C P w = \rho\, C w : \tag{4} $$
#
# $\rho = 1$ for directions that the group leaves alone ($P w = w$), $\rho = 0$ for those that it averages away ($P w = 0$), and *nothing in between*. Pixels that a group moves
# into each other form an **orbit**, and an invariant direction is
# one weight for each orbit. Quarter turns put the 64 pixels of an $8 \times 8$ image into 16 orbits of four: 16 ones, 48 zeros.
#
# ## From scratch
#
# The two matrices come by enumeration, from all $4 \times 4$ ordered pairs of quarter turns of all images; nothing is sampled. **Training** is a batch, two views, one pass through
# both networks, and a loss, as the library's code shows.
#
# **More than two views.** SwAV and DINO make two large and several small crops of an image (*multi-crop*). Where $V$ views are all compared with each other, pairs need not be
# formed: with $\bar z$ the mean of the embeddings,
# $\sum_{i \ne j} \|z_i - z_j\|^2 / (V (V - 1)) = 2 \sum_i \|z_i - \bar z\|^2 / (V - 1)$. More views are the same objective, estimated with less noise, and small ones are cheap: a
# crop of 96 pixels has $(96/224)^2 \approx 18$ % of the
# pixels of one of 224. On ImageNet six of them lift SwAV from 70.1 to 74.6 % (its repository, 400 epochs). On our digits they brought no gain: a part of a digit is not a digit.

# %%
digits = data.load("digits").images[:, 0].double().numpy()
quarter_turns = [np.rot90(digits, k, axes=(1, 2)).reshape(-1, 64) for k in range(4)]
views = np.array(quarter_turns) - np.mean(quarter_turns, axis=(0, 1))
C = np.mean([v.T @ v / len(v) for v in views], axis=0)
C_plus = np.mean([v.T @ w / len(v) for v in views for w in views], axis=0)
rho = eigh(C_plus, C, eigvals_only=True)[::-1]
np.testing.assert_allclose(C_plus, spectral.pair_moments(quarter_turns).C_plus, atol=1e-12)
np.testing.assert_allclose(rho, spectral.canonical_spectrum(C, C_plus), atol=1e-10)
cb.show_source(methods.JointEmbedding.step)

z = torch.randn(50, 6, 8, dtype=torch.float64, generator=generator)
pairs = [(z[:, i] - z[:, j]).square().sum(1).mean() for i in range(6) for j in range(6) if i != j]
torch.testing.assert_close(losses.multi_view_alignment(z), torch.stack(pairs).mean())

# %% [markdown]
# ## The theorem, tested
#
# **All or nothing.** Four groups on the $8 \times 8$ digits. Step through them.

# %%
flipped = digits[:, :, ::-1].reshape(-1, 64)
groups = {"nothing": quarter_turns[:1], "flip": [quarter_turns[0], flipped], "half turn": quarter_turns[::2]}
groups["quarter turns"] = quarter_turns
spectra = {name: spectral.canonical_spectrum(*spectral.pair_moments(copies)) for name, copies in groups.items()}
exact = {"below": 1e-8, "paper": "0 (exact)", "source": "HaoChen et al. 2021; Balestriero & LeCun 2022"}
for name, ones, zeros in [("quarter turns", 16, 48), ("flip", 31, 31), ("nothing", 61, 0)]:
    error = abs(spectra[name] - np.repeat([1, 0], [ones, zeros])).max()
    id, text = f"orbit-spectrum.{name.split()[0]}", f"{name}: {ones} ones, then {zeros} zeros (error)"
    ch.claim(id, text, measured=error, control=name == "nothing", **exact)


# %%
def draw_group(fig, group):
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.3])
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.08)
    cb.plots.spectrum(left, spectra[group], color=cb.color("vicreg"))
    left.set(ylabel="canonical correlation", xticks=[16, 32, 48, 64], ylim=(-0.05, 1.05), yticks=[0, 0.5, 1])
    left.set_title(f"{group}: {np.sum(spectra[group] > 0.5)} ones of {len(spectra[group])}")
    cb.plots.image_grid(right, np.mean(groups[group], axis=0)[:10].reshape(10, 8, 8), columns=5)
    right.set_title("0 to 9, and all that is kept of them")


cb.explore(draw_group, group=SelectionSlider(options=list(groups), value="quarter turns"))

# %% [markdown]
# *Look at the cliff: only its place moves.* The images are $\bar v = P x$, averages over the group. That is all that the linear network keeps; no probe, however clever, gets the
# rest back. (The flip has 32 orbits but 31 ones: one pair of
# pixels is empty in every image.) Without augmentation all directions tie, and the optimum says nothing. Step to the half turn, and compare 6 and 9.
#
# **Noise against signal.** Six axes, turned at random. Axis 1 has by far the largest variance, axis 5 the least noise for its signal. We compare (3) with the eigenproblem, with
# 200,000 sampled pairs, and with PCA (principal
# component analysis, which keeps the direction of largest variance).

# %%
variance = np.array([16, 9, 4, 2, 1, 0.5])
noise = np.array([40, 9, 2, 4, 0.05, 1.5])
predicted = np.sort(variance / (variance + noise))[::-1]
rng = np.random.default_rng(ch.seed)
axes = np.linalg.qr(rng.standard_normal((6, 6)))[0]
S, N = axes @ np.diag(variance) @ axes.T, axes @ np.diag(noise) @ axes.T
kept, largest = eigh(S, S + N)[1][:, -1:], np.linalg.eigh(S + N)[1][:, -1:]
angle, pca_angle = (spectral.principal_angles(w, axes[:, [4]]).max() for w in (kept, largest))

x = rng.multivariate_normal(np.zeros(6), S, 200_000)
first, second = (x + rng.multivariate_normal(np.zeros(6), N, 200_000) for _ in range(2))
sampled_off = abs(spectral.cca(first, second, 6).rho - predicted).max()
off = abs(spectral.canonical_spectrum(S + N, S) - predicted).max()
ours = {"source": "this book"}
ch.claim("noise-to-signal.formula", "Equation (3) (largest error)", measured=off, below=1e-10, **ours)
ch.claim("noise-to-signal.sampled", "... from 200,000 pairs", measured=sampled_off, below=0.01, **ours)
ch.claim("noise-to-signal.axis", "Kept: axis 5 (angle)", measured=angle, below=1e-3, unit="deg", **ours)
ch.claim("noise-to-signal.pca", "PCA, from axis 5", measured=pca_angle, above=60, unit="deg", control=True, **ours)

# %% [markdown]
# ## The experiment: digits
#
# Now real training, by the **tiny recipe** of this part of the book: MNIST digits of $14 \times 14$ pixels; an encoder of three small convolutions, ending in 64 numbers; a
# projector of two layers, $K = 64$; 100 steps of 128 images. The score
# is **low-shot accuracy**: a linear classifier reads the *representation* with 200 labels and is tried on 2,000 other images (mean over five sets of labels). Two yardsticks: raw
# pixels, and the same encoder *untrained* (its BatchNorm
# warmed up on data, or it looks worse than it is).
#
# **Whose views?** Nothing in the loss knows that two views come from one image. Sort the images into *groups*, and draw the second view from any image of the first one's group.
# Groups of one image are ordinary two views. With the ten
# classes as groups a pair carries what labels carry; with one group for all it carries nothing. RotNet does without pairs: it tells quarter turns apart.

# %%
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))


def train(images, augment, seed, *, loss=losses.nt_xent, recipe=recipes.TINY_SHORT, method=methods.JointEmbedding):
    return recipes.train_tiny(loss, images, recipe=recipe, augment=augment, method=method, seed=seed)


def digit_runs(name, groups):
    method = partial(two_views.GroupedPairs, groups=groups)
    return [train(mnist.x_train, augmentations[name], s, method=method) for s in seeds]


names = ch.pick(fast=["none", "crop + turn", "crop + any turn"], toy=list(settings))
runs = {name: digit_runs(name, torch.arange(len(mnist.y_train))) for name in names}
runs["pairs of one class"] = digit_runs("crop + turn", mnist.y_train)
runs["unrelated pairs"] = digit_runs("crop + turn", torch.zeros_like(mnist.y_train))
rotnet = {"loss": F.cross_entropy, "method": two_views.RotationPrediction}
rotnet["recipe"] = recipes.TINY_SHORT._replace(dim=4, batch_size=64)
runs["RotNet"] = [train(mnist.x_train, data.Compose(), s, **rotnet) for s in seeds]

# %%
accuracy = {name: np.array([recipes.low_shot(run.encoder, mnist) for run in same]) for name, same in runs.items()}
untrained = [recipes.untrained(mnist.x_train, recipes.TINY_SHORT, seed=s) for s in seeds]
start, pixels = np.array([recipes.low_shot(e, mnist) for e in untrained]), recipes.low_shot(nn.Flatten(), mnist)
crop, none, any_turn = accuracy["crop + turn"], accuracy["none"], accuracy["crop + any turn"]
label_gain = accuracy["pairs of one class"] - crop
chance_loss = [np.mean(run.history.loss[-20:]) for run in runs["unrelated pairs"]]
chance_gain = (accuracy["unrelated pairs"] - start) / (crop - start)
simclr, part = {"source": "Chen et al. 2020"}, "pairs-are-the-supervision"
ch.claim("augmentation-decides.gain", "Accuracy, crop + turn − none", measured=crop - none, above=0.1, **simclr)
ch.claim("augmentation-decides.idle", "... none − untrained", measured=none - start, below=0.03, control=True, **simclr)
ch.claim("wrong-invariance-hurts.digits", "Accuracy lost to turns by any angle", measured=crop - any_turn, above=0.04)
ch.claim(f"{part}.labels", "Accuracy, pairs of one class − of one image", measured=label_gain, above=0.02)
ch.claim(f"{part}.loss", "Unrelated pairs: loss", measured=chance_loss, close_to=(np.log(255), 0.03), unit="nats")
ch.claim(f"{part}.chance", "... gain, in gains of true pairs", measured=chance_gain, below=0.5, control=True)

# %%
fig, ax = plt.subplots(figsize=(7.6, 3.8), layout="constrained")
rows = sorted(accuracy, key=lambda name: accuracy[name].mean())
for row, name in enumerate(rows):
    color = cb.color("supervised" if name == "pairs of one class" else "nt_xent")
    ax.plot([start.mean(), accuracy[name].mean()], [row, row], color=color, lw=6, alpha=0.3, solid_capstyle="butt")
    ax.plot(accuracy[name], [row] * len(seeds), "o", color=color)
for x, label in ((start.mean(), "untrained"), (pixels, "raw pixels")):
    ax.axvline(x, color=cb.color("baseline"), ls="--", lw=1)
    ax.text(x, len(rows) - 0.3, label, ha="center", color=cb.color("baseline"))
ax.set(yticks=range(len(rows)), yticklabels=rows, ylim=(-0.6, len(rows) + 0.2), xlabel="low-shot accuracy, by seed")
ax.set_title("One network, one budget; only the pairs differ", pad=14)
plt.show()

# %% [markdown]
# *Read from the bottom up.* Two identical views leave the network no better than it was born, and here a little worse: the loss can only push images apart, those of one class too.
# Sensible views gain a lot; turns by any angle lose about half of that again. Pairs
# by class, the strongest hint there is, add a few points. RotNet, with its made-up label, learns less. Which single change is best depends on the budget; the big step is having
# one. On ImageNet, SimCLR's study found *crop and colour
# together* to matter most. When the authors of BYOL left only the crop, SimCLR fell from 67.9 to 40.3 %, and BYOL from 72.5 to 59.4 %.
#
# ### Six and nine, without a network
#
# The theorem says *which* digits will suffer. Of the group {nothing, half turn} a linear network keeps $\bar v = (x + x_{180°}) / 2$. Give a linear classifier that instead of $x$, with 100 labels.


# %%
def half_turn_average(images):
    return (images + images.rot90(2, (2, 3))) / 2


for a, b, bound in ((6, 9, {"above": 0.06}), (0, 1, {"below": 0.02, "control": True})):
    of_train, of_test = (torch.isin(y, torch.tensor([a, b])) for y in (mnist.y_train, mnist.y_test))
    x_train, y_train = mnist.x_train[of_train], (mnist.y_train[of_train] == b).long()
    x_test, y_test = mnist.x_test[of_test], (mnist.y_test[of_test] == b).long()
    averages = half_turn_average(x_train), y_train, half_turn_average(x_test), y_test
    before = recipes.low_shot(nn.Flatten(), (x_train, y_train, x_test, y_test), n_labels=100, repeats=10)
    after = recipes.low_shot(nn.Flatten(), averages, n_labels=100, repeats=10)
    print(f"{a} or {b}: accuracy {before:.3f} from the image, {after:.3f} from its half-turn average")
    ch.claim(f"wrong-invariance-hurts.{a}-or-{b}", f"{a} or {b}: accuracy lost", measured=before - after, **bound)

# %% [markdown]
# Averaged with its half turn, a 6 looks much like a 9 (the slider above shows it), while 0 and 1 are as different as ever. An invariance hurts the classes that it confuses, and no others.
#
# ### Photographs: when colour is the label
#
# Random colours are part of nearly every recipe. They were chosen for object classes: a red and a blue car are both cars. Take another task. Tiles are cut from eleven photographs,
# and with five labelled tiles of each we ask *from
# which photograph* a tile comes. `HueRotate` turns all colours of a tile about the grey axis, by any angle.

# %%
photos = data.load("photos")
n, labels = photos.n_train, photos.labels
tiles = data.standardize(F.interpolate(photos.images, size=(16, 16), mode="area"))
five_of_each = torch.stack([(labels[:n] == c).nonzero()[:35, 0] for c in range(11)], dim=1).flatten()
photo_sets = tiles[five_of_each], labels[five_of_each], tiles[n:], labels[n:]
photo_low_shot = partial(recipes.low_shot, sets=photo_sets, n_labels=55, repeats=7)
crop_flip = data.RandomAffineCrop(scale=(0.3, 1), degrees=0, hflip=True)
with_hue = data.Compose(crop_flip, data.HueRotate(180))
wide, augments = recipes.TINY_SHORT._replace(width=16), (data.Compose(), crop_flip, with_hue)
trained = [[train(tiles[:n], augment, s, recipe=wide) for s in seeds] for augment in augments]
idle, cropped, recolored = np.array([[photo_low_shot(run.encoder) for run in same] for same in trained])
ch.claim("wrong-invariance-hurts.crop", "Photos: crop + flip − none", measured=cropped - idle, above=0.08)
ch.claim("wrong-invariance-hurts.hue", "Photos: random hue costs", measured=cropped - recolored, above=0.03)

# %%
fig, axes = plt.subplots(2, 1, figsize=(8, 2.7), layout="constrained")
pairs = photos.images[five_of_each[:6]].repeat_interleave(2, dim=0)
mean_color = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
for ax, views in zip(axes, (crop_flip, with_hue), strict=True):
    cb.plots.image_grid(ax, views(pairs, generator).clip(0, 1), columns=12)
axes[0].set_title(f"crop and flip: accuracy {cropped.mean():.3f} (raw pixels {photo_low_shot(nn.Flatten()):.3f})")
axes[1].set_title(f"random hue as well: {recolored.mean():.3f} (mean colour alone {photo_low_shot(mean_color):.3f})")
plt.show()

# %% [markdown]
# *Look at the pairs of the second row.* Their colours say nothing any more; yet the mean colour of a tile, three numbers, tells more than all its pixels. For textures, medical or
# depth images, think about each ingredient anew.
#
# ### Shapes: watch a factor disappear
#
# In `shapes` we know what varies. We train with noise alone (the reference), with random hue, and with random shifts, and ask how much of a factor's variance a linear probe reads:
# $R^2 = 1$ is all, 0 is nothing. We read twice:
# from the representation $f(v)$, and from the embedding $z = g(f(v))$, on which the loss acts (here $K = 32$).

# %%
images, factors = data.shapes(5000, seed=ch.seed, res=16)
images, targets = 2 * images - 1, data.shape_targets(factors)
hue, grain = data.HueRotate(180), data.GaussianNoise(0.1)
shift = data.RandomAffineCrop(scale=(1, 1), ratio=(1, 1), degrees=0, translate=0.45)
shape_views = {"noise": grain, "hue": data.Compose(hue, grain), "shift": data.Compose(shift, grain)}
shape_views |= ch.pick(fast={}, toy={"hue + shift": data.Compose(hue, shift, grain)})
shape_recipe = recipes.TINY._replace(steps=ch.pick(fast=120, toy=150), batch_size=64, dim=32)


def readable(network):
    z = training.features(network, images)
    return [evaluation.r2_probe(z[:4000], t[:4000], z[4000:], t[4000:]) for t in targets.values()]


def shape_run(augment, seed):
    run = train(images[:4000], augment, seed, recipe=shape_recipe)
    return readable(run.encoder), readable(nn.Sequential(run.encoder, run.projector))


r2 = np.array([[shape_run(views, s) for s in seeds] for views in shape_views.values()])
representation, embedding = np.moveaxis(r2, 2, 0)

# %%
(hue_f, place_f), (hue_z, place_z) = (np.moveaxis(table, 2, 0)[:2] for table in (representation, embedding))
reference, more = 1 - np.append(hue_z[0], place_z[0]), (1 - hue_f[1]) / (1 - hue_f[0])
part, xiao = "views-erase-factors", {"source": "Xiao et al. 2021; von Kügelgen et al. 2021"}
ch.claim(f"{part}.hue", "Embedding, random hue: R² of hue", measured=hue_z[1], below=0.25, **xiao)
ch.claim(f"{part}.hue-keeps", "... 1 − R² of position", measured=1 - place_z[1], below=0.55, **xiao)
ch.claim(f"{part}.shift", "Embedding, random shift: R² of position", measured=place_z[2], below=0.6, **xiao)
ch.claim(f"{part}.shift-keeps", "... 1 − R² of hue", measured=1 - hue_z[2], below=0.2, **xiao)
ch.claim(f"{part}.noise", "Embedding, noise: 1 − R² of both", measured=reference, below=0.25, control=True, **xiao)
ch.claim(f"{part}.partial", "Random hue: unread hue in f(v), in that of noise", measured=more, above=3, **xiao)
ch.claim(f"{part}.encoder", "Random shift: unread position in f(v)", measured=1 - place_f[2], below=0.3, **xiao)

# %%
fig, (left, *maps) = plt.subplots(1, 3, figsize=(9, 3.3), width_ratios=[0.5, 1, 1], layout="constrained")
pairs = [views(images[[3, 3]], generator) for views in shape_views.values()]
cb.plots.image_grid(left, torch.cat(pairs).clip(-1, 1), columns=2)
left.set_title("a pair")
for ax, table, title in zip(maps, (representation, embedding), ("representation: R²", "embedding: R²"), strict=True):
    ax.imshow(table.mean(axis=1), vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(table.mean(axis=1)):
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.5 else "black")
    ax.set(xticks=range(4), xticklabels=targets, yticks=range(len(table)), yticklabels=shape_views, title=title)
    ax.grid(False)
plt.show()

# %% [markdown]
# *Look for the pale cells in the right-hand map.* Where views disagree on hue, hue is gone; where they disagree on position, position; and each time the other factor stays. In the
# left-hand map, one small network earlier, the
# loss is partial, and position hardly suffers. That is what the projector is for: it takes the invariance upon itself, so that the representation need not.
#
# ## Play
#
# **Noise on two axes.** The six axes from above; the best two are blue. On the left are pairs along axes 1 and 2, and the better of the two as a thick line. Lower `noise 1` until
# the line turns: that happens where
# $\sigma_1^2 / \lambda_1 = \sigma_2^2 / \lambda_2$, although axis 1 has the larger variance all along.

# %%
inputs = rng.standard_normal((40, 2)) * np.sqrt(variance[:2])
unit_noise, gaps = rng.standard_normal((2, 40, 2)), np.full((1, 40, 2), np.nan)


def draw_noise(fig, noise_1, noise_2):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.1, right=0.98, bottom=0.16, top=0.87, wspace=0.2)
    sigma2 = np.array([noise_1, noise_2, *noise[2:]])
    rho = variance / (variance + sigma2)
    pairs = np.append(inputs + unit_noise * np.sqrt(sigma2[:2]), gaps, axis=0)
    left.plot(*pairs.transpose(2, 1, 0).reshape(2, -1), color=cb.color("baseline"), lw=1)
    draw_axis = left.axhline if rho[0] > rho[1] else left.axvline
    draw_axis(0, color=cb.color("vicreg"), lw=4)
    left.set(xlim=(-20, 20), ylim=(-20, 20), xticks=[], yticks=[], xlabel="axis 1", ylabel="axis 2", title="pairs")
    order = rho.argsort()[::-1]
    right.bar(range(6), rho[order], color=[cb.color("vicreg")] * 2 + [cb.color("baseline")] * 4)
    right.set(xticks=range(6), xticklabels=order + 1, xlabel="axis", ylabel="ρ", yticks=[0, 0.5, 1], ylim=(0, 1.02))
    right.set_title(f"σ²/λ: axis 1 {noise_1 / variance[0]:.2f}, axis 2 {noise_2 / variance[1]:.2f}")


cb.explore(draw_noise, noise_1=FloatSlider(40, min=0, max=50, step=1), noise_2=FloatSlider(9, min=0, max=50, step=1))

# %% [markdown]
# **Make your own augmentation.** Eight pairs at any setting, and the accuracy that was measured above at the nearest one. Go on until *you* can no longer tell which pairs belong
# together. What is left for a network to learn?


# %%
def draw_views(fig, area, degrees, erased, noise):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.03, top=0.86)
    augment = recipes.tiny_augmentation(area, degrees, erased, noise)
    views = augment(mnist.x_train[:8].repeat_interleave(2, dim=0), torch.Generator().manual_seed(0))
    cb.plots.image_grid(ax, views[:, 0].clip(-0.5, 3), columns=8)
    strengths = np.array([(*settings[name], 0, 0)[:4] for name in names])
    distances = abs(strengths - [area, degrees, erased, noise]) / [0.6, 60, 0.15, 0.5]
    nearest = names[distances.sum(axis=1).argmin()]
    ax.set_title(f'nearest setting measured: "{nearest}", low-shot accuracy {accuracy[nearest].mean():.3f}')


area, erased = FloatSlider(0.4, min=0.1, max=1, step=0.05), FloatSlider(0, min=0, max=0.5, step=0.05)
degrees, grains = IntSlider(15, min=0, max=180, step=5), FloatSlider(0, min=0, max=1.5, step=0.1)
cb.explore(draw_views, figsize=(7.2, 2.4), area=area, degrees=degrees, erased=erased, noise=grains)

# %% [markdown]
# ## What breaks
#
# - **One crop for the whole batch** is the commonest silent bug: each image needs random numbers of its own. Others: a crop's `scale` is a share of the *area*, so its side is the
#   square root; `affine_grid` asks of each pixel of the *result* where to look, so that a scale below 1 zooms in; normalise after augmenting; augment *both* views.
# - **Linear and whitened** is what the exact statements are about, with the mean of all views subtracted, not that of the untouched images. A deep encoder keeps more than they
#   say, as the left-hand map shows.
# - **The score decides what you see** ([Evaluation](07_evaluation.ipynb) is about that). Give a probe all 8,000 labels and let neighbours vote (`evaluation.knn_probe`), and in our runs raw pixels win: those of MNIST are a good
#   way to compare digits, and a tiny network that pools to $2 \times 2$ loses detail.
# - **Two invariances at once are learned less well than one.** At scale `toy`, compare the last row of the right-hand map with the two above it: there is more to obey in the same number of steps.
# - **Linear probes see what is linear.** Size is read poorly everywhere here, the kind of shape and its angle hardly at all. A failing probe does not prove that a factor is gone;
#   a wide embedding ($K = 64$ in place of 32) lets more of it through.
# - **How the toy differs.** Ten to forty thousand weights, a hundred steps, 14 × 14 pixels. SimCLR with a ResNet-18 on CIFAR-10 reaches 90.74 % in 1,000 epochs (solo-learn's
#   figure); with a GPU, `cookbook train simclr --data cifar10` trains one.
#
# ## Before and after
#
# [Start here](../00_start_here.ipynb) met equation (3) in two dimensions. [Contrastive](02_contrastive.ipynb) opens the loss; [Self-distillation](03_self_distillation.ipynb) never
# compares different images;
# [Canonical correlation](04_canonical_correlation.ipynb) makes losses of $W^\top C W = I$; [Masked modelling](05_masked_modeling.ipynb) goes back to restoring pixels; [Training knobs](06_training_knobs.ipynb) and [Evaluation](07_evaluation.ipynb) are about doing all this for real. In part 2,
# [Spectral embedding](../2_spectral/01_spectral_embedding.ipynb) turns "what counts as the same" into a graph, and
# [Joint embedding vs reconstruction](../2_spectral/09_joint_embedding_vs_reconstruction.ipynb) asks how well an augmentation must imitate what it is to remove.
#
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1.** (warm-up) Both flips together, left to right and top to bottom, on the $8 \times 8$ digits: how many ones? Predict, then check.

# %% tags=["solution"] jupyter={"source_hidden": true}
flips = [digits[:, ::up, ::across].reshape(-1, 64) for up in (1, -1) for across in (1, -1)]
spectrum = spectral.canonical_spectrum(*spectral.pair_moments(flips))
print(f"A group of 4 makes 16 orbits of 4 pixels, and all of them vary: 16 ones. Measured: {np.sum(spectrum > 0.5)}.")

# %% [markdown] tags=["exercise"]
# **2.** You want to read the *position* of a shape from the embedding. Which may you use: hue, shift, a turn of the whole image about its middle? Predict what the turn does, then train it.

# %% tags=["solution"] jupyter={"source_hidden": true}
turns = data.Compose(recipes.tiny_augmentation(degrees=180), grain)
hue_left, position_left, *_ = shape_run(turns, ch.seed)[1]
print(f"The turn moves the shape: R² of position {position_left:.2f}, of hue {hue_left:.2f}. Use hue alone.")

# %% [markdown] tags=["exercise"]
# **3.** Two independent noises, with variances $a$ and $b$, are added one after the other. When is the new $\rho$ the product of the two old ones?

# %% tags=["solution"] jupyter={"source_hidden": true}
lam, a, b = 4.0, 2.0, 6.0
print(f"On one axis: ρ = λ / (λ + a + b) = {lam / (lam + a + b):.3f}, product {lam / (lam + a) * lam / (lam + b):.3f}.")
print("The product's inverse has an extra ab/λ², which vanishes only if the noises act on different axes.")

# %% [markdown] tags=["exercise"]
# **4.** (research) One encoder, two projectors: the first sees views of random hue, the second views with noise only ("What should not be contrastive", Xiao et al. 2021). Does the encoder keep hue?

# %% tags=["solution"] jupyter={"source_hidden": true}
encoder, blind = recipes.tiny_encoder(in_channels=3, seed=ch.seed)
_, seeing = recipes.tiny_encoder(in_channels=3, seed=ch.seed + 1000)
optimiser = torch.optim.AdamW(nn.ModuleList([encoder, blind, seeing]).parameters(), lr=2e-3)
for _ in range(ch.pick(fast=25, toy=150)):
    batch = images[torch.randint(4000, (64,), generator=generator)]
    views = [shape_views[name](batch, generator) for name in ("hue", "hue", "noise", "noise")]
    for_blind, for_seeing = encoder(torch.cat(views)).chunk(2)
    loss = losses.nt_xent(*blind(for_blind).chunk(2)) + losses.nt_xent(*seeing(for_seeing).chunk(2))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
print(f"R² of hue: encoder {readable(encoder)[0]:.2f}, first head {readable(nn.Sequential(encoder, blind))[0]:.2f}")

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on origins, data augmentation and multi-crop.
# - Pretext tasks: S. Gidaris et al. RotNet, 2018. M. Noroozi, P. Favaro. Jigsaw, 2016. C. Doersch et al. Context prediction, 2015. A. Dosovitskiy et al. Exemplar-CNN, 2014. M.
#   Caron et al. DeepCluster, 2018.
# - Views: T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020. J.-B. Grill et al. BYOL, 2020. M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020;
#   DINO, 2021. Y. Tian et al. What makes for good views, 2020. F. Bordes et al. [FFCV-SSL](https://arxiv.org/abs/2303.01986), 2023 (even noise alone trains).
# - What is kept: T. Xiao et al. What should not be contrastive, 2021. J. von Kügelgen et al. Self-supervised learning with data augmentations provably isolates content from
#   style, 2021. J. HaoChen et al. Provable guarantees with spectral contrastive loss, 2021. R. Balestriero, Y. LeCun.
#   [Contrastive and non-contrastive SSL recover spectral embedding methods](https://arxiv.org/abs/2205.11508), 2022.
