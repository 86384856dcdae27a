# ---
# jupyter:
#   cookbook:
#     title: "Part 1: how self-supervised learning is cooked"
#     promise: Train every main family of self-supervised learning side by side in under a minute, and see what each of them does against collapse.
#     papers: [balestriero2023cookbook]
#     needs: []
#     minutes: 10
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
# # Part 1: how self-supervised learning is cooked
#
# After this page you will have trained ten self-supervised methods, from SimCLR to masked modelling, on the same images, with the same network and the same number of steps, and you know in
# which chapter each of
# them is taken apart.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, training

ch = cb.Chapter("part_1", scale=scale, seed=seed)

# %% [markdown]
# ## The story
#
# A recipe of self-supervised learning has three ingredients. **Views**: two random distortions of one image, which are to be the same thing. **An encoder** $f$, whose output is
# what you want in the end, and a
# **projector** $g$ behind it, whose output $z = g(f(v))$ goes into the loss and is thrown away after training. **A loss** that pulls the two views' $z$ together. And a problem:
# the loss is smallest when *all* images
# get the same $z$. This is **collapse**, and the families differ in what they do against it.
#
# | family | methods here | against collapse | chapter |
# |---|---|---|---|
# | contrastive | SimCLR, NNCLR | pushes other images away | [Contrastive learning](02_contrastive.ipynb) |
# | self-distillation | BYOL, SimSiam, DINO | predicts a teacher, through which no gradient flows | [Self-distillation](03_self_distillation.ipynb) |
# | canonical correlation | VICReg, Barlow Twins, W-MSE | keeps variances up and correlations down | [The canonical-correlation family](04_canonical_correlation.ipynb) |
# | clustering | SwAV | spreads the images evenly over prototypes | [The canonical-correlation family](04_canonical_correlation.ipynb) |
# | masked modelling | context encoder | predicts hidden pixels, which no constant can | [Masked modelling](05_masked_modeling.ipynb) |
#
# Where views come from, and why they decide everything else, is the first chapter, [Two views](01_two_views.ipynb). The last row does without pairs: parts of one image are hidden,
# and predicted from the rest. What goes wrong when such methods are trained at scale, and which knob mends it, is the subject of [Training knobs](06_training_knobs.ipynb); how to
# judge what was learned, of [Evaluation](07_evaluation.ipynb).

# %% [markdown]
# ## Ten methods, one budget
#
# MNIST digits of 14 × 14 pixels, 8,000 of them, without labels. A view is a random crop, turned by up to 15°. The encoder is a small convolutional network with 128 outputs; its
# random start is the same for all. Here is
# the whole of it, for a method by the name of `name`:

# %%
digits = recipes.tiny_mnist()
recipe = recipes.TINY._replace(steps=ch.pick(fast=100, toy=200))


def pretrain(name):
    encoder, _ = recipes.tiny_encoder(recipe, seed=ch.seed)
    if name == "context_encoder":
        method = methods.method(name, encoder, shape=digits.x_train.shape[1:], ratio=0.25, seed=ch.seed)
    else:
        method = methods.method(name, encoder, recipes.tiny_crop, seed=ch.seed)
    settings = recipe.loop() | ({"lr": 3e-3} if name == "dino" else {})
    training.pretrain(method, digits.x_train, seed=ch.seed, **settings)
    return encoder


views = [recipes.tiny_crop(digits.x_train[:8], torch.Generator().manual_seed(s)) for s in (0, 1)]
fig, ax = plt.subplots(figsize=(6.4, 2.7))
cb.plots.image_grid(ax, torch.cat([digits.x_train[:8], *views])[:, 0], columns=8)
ax.set_title("Digits, and two views of each")
plt.show()

# %% [markdown]
# *Look down a column*: that these three pictures are the same thing is all that nine of the methods are told. (The tenth sees the upright digit, a quarter of whose 2 × 2 patches is
# hidden.) What the encoder has learned is then judged by a **low-shot probe**: ridge regression reads
# the digit off the 128 outputs, from 200 labels; the score is the accuracy on 2,000 new digits, a mean over five sets of labels. Two baselines have learned nothing: the raw
# *pixels*, and the encoder *untrained*. The
# control is VICReg with the invariance term alone, which is free to collapse.


# %%
low_shot = partial(recipes.low_shot, sets=digits)
names = (*methods.TWO_VIEWS, "context_encoder")
networks = {name: pretrain(name) for name in names}
networks["untrained"] = recipes.untrained(digits.x_train, recipe=recipe, seed=ch.seed)
networks["pixels"] = torch.nn.Flatten()
collapsed = recipes.train_tiny(
    partial(losses.vicreg, var=0.0, cov=0.0), digits.x_train, recipe=recipe._replace(steps=100), seed=ch.seed
)

# %%
scores = {name: low_shot(network) for name, network in networks.items()}
ranks = {
    name: evaluation.effective_rank(training.features(networks[name], digits.x_test)) for name in (*names, "untrained")
}
z = collapsed.projector(training.features(collapsed.encoder, digits.x_test))
spread = z.std(0).mean().item()
worst = min(scores[name] for name in names)
ours = {"source": "this book"}
ch.claim("all-learn.untrained", "Worst of ten − untrained", measured=worst - scores["untrained"], above=0.05, **ours)
ch.claim("all-learn.pixels", "Worst of ten − raw pixels", measured=worst - scores["pixels"], above=0.02, **ours)
ch.claim(
    "invariance-alone.collapses",
    "Invariance alone: mean deviation of z",
    measured=spread,
    below=0.05,
    control=True,
    **ours,
)
saved = worst - low_shot(collapsed.encoder)
ch.claim("invariance-alone.pays", "Worst of ten − invariance alone", measured=saved, above=0.03, **ours)

# %%
written = ["SimCLR", "VICReg", "Barlow Twins", "W-MSE", "NNCLR", "SwAV", "BYOL", "SimSiam", "DINO", "Context encoder"]
labels = dict(zip(names, written, strict=True))
colors = {name: cb.color("masked" if name == "context_encoder" else name) for name in names}
order = sorted(names, key=scores.get)
fig, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.9), width_ratios=[1.3, 1], layout="constrained")
bars = left.barh([labels[n] for n in order], [scores[n] for n in order], 0.65, color=[colors[n] for n in order])
left.bar_label(bars, fmt="%.2f", padding=4)
for name, shift in (("untrained", -0.004), ("pixels", 0.004)):
    left.axvline(scores[name], color=cb.color("random"), ls="--", lw=1)
    side = "right" if shift < 0 else "left"
    left.text(scores[name] + shift, -1.0, name, color=cb.color("random"), ha=side, va="center")
left.set(
    xlim=(0.6, 0.93), ylim=(-1.4, 9.6), xlabel="accuracy with 200 labels", title="Same images, same encoder, same steps"
)
left.grid(axis="y", visible=False)
for name in names:
    right.plot(ranks[name], scores[name], "o", color=colors[name])
    shift, side = ((-6, -3), "right") if name == "simsiam" else ((6, -3), "left")
    place = (ranks[name], scores[name])
    right.annotate(labels[name], place, shift, textcoords="offset points", color=colors[name], ha=side)
right.set(xlabel="dimensions in use (RankMe), of 128", ylabel="accuracy", title="Not a matter of rank alone")
right.margins(x=0.35)
plt.show()

# %% [markdown]
# *Look left at the distance from the dashed lines*, then at the distances between the bars. All ten have learned something without a label, each with its own cure for
# collapse. Do **not** read the order as a ranking of
# methods: this is one small network, a few hundred steps, one learning rate for nearly all, and methods that need patience (a teacher has to get ahead, a redundancy term is weak
# at first) look worse than they are. On
# CIFAR-10 with a thousand epochs those that compare views end within a few points of one another (89.5 to 93.1 %, in the tables of the library solo-learn). *On the right*, the number of dimensions
# that an encoder uses says little about which one is better.
#
# ## Play
#
# **How many labels?** Drag `labels`. With few of them the methods are far apart and far above the pixels; with more, the distances shrink. This is why the book scores with few labels.

# %%
budgets = [50, 100, 200, 400, 800, 1600]
by_budget = {name: [low_shot(network, n_labels=n) for n in budgets] for name, network in networks.items()}


def draw_labels(fig, labels_each=200):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.2, right=0.97, bottom=0.15, top=0.88)
    column = budgets.index(labels_each)
    order = sorted(by_budget, key=lambda name: by_budget[name][column])
    heights = [by_budget[name][column] for name in order]
    bars = ax.barh(range(12), heights, 0.7, color=[colors.get(n, cb.color("random")) for n in order])
    ax.bar_label(bars, fmt="%.2f", padding=4)
    ax.set(xlim=(0.3, 1), yticks=range(12), yticklabels=[labels.get(n, n) for n in order], xlabel="accuracy")
    ax.set_title(f"{labels_each} labels")
    ax.grid(axis="y", visible=False)


cb.explore(draw_labels, figsize=(7.2, 3.8), labels_each=ipywidgets.SelectionSlider(options=budgets, value=200))

# %% [markdown]
# **What does it look like?** The second and third principal component of an encoder's outputs on 1,000 new digits, brought to one size and coloured by digit, and the shares of
# variance of the first forty components. Move `method` through the list.

# %%
maps = {}
for name in (*names, "untrained"):
    h = training.features(networks[name], digits.x_test[:1000]).double()
    U, s, _ = torch.linalg.svd(h - h.mean(0), full_matrices=False)
    maps[labels.get(name, name)] = U[:, 1:3].numpy(), (s**2 / (s**2).sum()).numpy()


def draw_map(fig, method):
    cloud, shares = fig.subplots(1, 2, width_ratios=[1.2, 1])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.17, top=0.87, wspace=0.25)
    points, spectrum = maps[method]
    cb.plots.scatter(cloud, points, digits.y_test[:1000].numpy(), size=10)
    cloud.set(xlim=(-0.11, 0.11), ylim=(-0.11, 0.11), title=method)
    shares.plot(np.arange(1, 41), np.log10(spectrum[:40]), color=cb.color("theory"))
    shares.set(xlabel="component", ylim=(-5, 0), yticks=[-4, -2, 0], yticklabels=["10⁻⁴", "10⁻²", "1"])
    shares.set_title("share of the variance")


cb.explore(draw_map, figsize=(7.6, 3.6), method=ipywidgets.SelectionSlider(options=list(maps), value="SimCLR"))

# %% [markdown]
# ## What breaks
#
# Little here was tuned: DINO has a smaller learning rate than the others, and the context encoder hides the share of patches that suits digits. The images are easy: with all labels, raw pixels are a strong baseline. For the real thing
# the same methods run outside the notebook,
# `cookbook train vicreg --data cifar10 --devices auto`, with a ResNet, on one GPU or many; masked modelling there takes the transformer that it is made for (`cookbook train mae`).
#
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown]
# ## References
#
# - R. Balestriero, M. Ibrahim, V. Sobal, A. Morcos, S. Shekhar, T. Goldstein, F. Bordes, A. Bardes, G. Mialon, Y. Tian, A. Schwarzschild, A. G. Wilson, J. Geiping, Q. Garrido, P.
#   Fernandez, A. Bar, H. Pirsiavash, Y. LeCun,
#   M. Goldblum. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023.
# - T. Chen et al. SimCLR, 2020. D. Dwibedi et al. NNCLR, 2021. J.-B. Grill et al. BYOL, 2020. X. Chen, K. He. SimSiam, 2021. M. Caron et al. SwAV, 2020, and DINO, 2021. A. Bardes et al. VICReg, 2022. J. Zbontar
#   et al. Barlow Twins, 2021. A. Ermolov et
#   al. W-MSE, 2021. D. Pathak et al. Context encoders, 2016.
