# %% [markdown]
# # Two views: lab
#
# For those who want more. Six short studies: noise, any group of changes, crops, pairs that somebody else chose, photographs whose colour is the answer, and an augmentation of your own. Each needs the lesson and nothing else.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import ipywidgets
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import data, losses, methods, recipes, spectral
from replearn.papers import two_views

ch = cb.Chapter("two_views_lab", scale=scale, seed=seed)

# %% [markdown]
# ## 1 · Noise: what is kept first?
#
# The lesson kept or lost whole directions. Most augmentations are less strict. Let a view be $v = x + \varepsilon$, with noise $\varepsilon$ that is independent of $x$. Along axis $i$ the signal has variance $s_i^2$ and the noise $\sigma_i^2$. The average view is $\bar v = x$, so
#
# $$ \rho_i = \frac{s_i^2}{s_i^2 + \sigma_i^2} = \frac{1}{1 + \sigma_i^2 / s_i^2} . \tag{2} $$
#
# Why the best $K$ directions? Let $w_1, \dots, w_K$ give uncorrelated numbers of variance one. The two views' numbers differ by
#
# $$ \sum_{i=1}^K E\,(w_i^\top v - w_i^\top v')^2 = \sum_{i=1}^K 2\,(1 - \rho(w_i)) , $$
#
# which is smallest for the $K$ solutions of $C_+ w = \rho\, C w$ with the largest $\rho$ (the sum of $K$ values $\rho$ is largest for the top eigenvectors, a theorem of Ky Fan). Where $C$ has a null space, stay outside it.
#
# *Guess first:* six axes, with the variances below. Which one is kept first? Which would PCA (the direction of largest variance) keep?

# %%
signal = np.array([16, 9, 4, 2, 1, 0.5])
noise = np.array([40, 9, 2, 4, 0.05, 1.5])

rng = np.random.default_rng(ch.seed)
axes = np.linalg.qr(rng.standard_normal((6, 6)))[0]  # turned at random: nobody knows the axes
x = rng.standard_normal((200_000, 6)) * np.sqrt(signal)
first, second = (x + rng.standard_normal(x.shape) * np.sqrt(noise) for _ in range(2))

# %%
found = spectral.cca(first @ axes.T, second @ axes.T, 6)
predicted = np.sort(signal / (signal + noise))[::-1]
kept = found.A[:, :1]
to_axis_5 = spectral.principal_angles(kept, axes[:, [4]]).max()
widest = np.linalg.eigh(np.cov(axes @ first.T))[1][:, -1:]  # the first principal component
ch.measure(
    "noise-to-signal",
    error=abs(found.rho - predicted).max(),
    angle=to_axis_5,
    pca=spectral.principal_angles(kept, widest).max(),
)

# %% [markdown]
# **What you saw.** From pairs alone, without the axes: the first direction is axis 5, the one with the least noise *for its signal*, although axis 1 has sixteen times its variance.
#
# In the slider the best two axes are blue. Lower `noise 1` until the thick line on the left turns. That happens where $\sigma_1^2 / s_1^2 = \sigma_2^2 / s_2^2$. PCA (olive) never moves: axis 1 stays the widest all along.

# %%
noise_1, noise_2 = (ipywidgets.FloatSlider(value, min=0, max=50, step=1) for value in (40, 9))
cb.explore(ch.figures.two_noises, signal, noise, noise_1=noise_1, noise_2=noise_2)

# %% [markdown]
# > **Check yourself.** An augmentation adds the same noise along all axes. Does it agree with PCA about the order?

# %% [markdown]
# ## 2 · Any group of changes
#
# Quarter turns, mirrors, shifts that come back around: such changes form a **group**. Let the augmentation pick one of $n$ orthogonal matrices $T_1, \dots, T_n$, each as likely, which form a group. Subtract the mean of all views from everything. The average $P = \frac1n \sum_k T_k$ is a projection,
# $P T_k = T_k P = P$ and $P^2 = P = P^\top$, on what no change alters. With $C_x = E[x x^\top]$,
#
# $$ \bar v = P x, \qquad C_+ = P C_x P, \qquad C = \tfrac1n \textstyle\sum_k T_k C_x T_k^\top, \qquad P C P = P C_x P = C_+ . $$
#
# Moreover $T_h C T_h^\top = C$, because this only permutes the sum. So $C$ commutes with every $T_h$, hence with $P$, and $C_+ = P C P = C P$. The eigenproblem is $C P w = \rho\, C w$: where $C$ is invertible, $P w = \rho w$. **All or nothing, for every group**: $\rho = 1$ where $P w = w$, and $\rho = 0$ where $P w = 0$.
#
# Pixels that the group moves into each other form an *orbit*; an invariant $w$ has one weight for each. *Guess first:* how many orbits do quarter turns make of $8 \times 8$ pixels? And the mirror?

# %%
digits = data.load("digits").images[:, 0].double().numpy()
quarter_turns = [np.rot90(digits, k, axes=(1, 2)).reshape(-1, 64) for k in range(4)]
mirrored = digits[:, :, ::-1].reshape(-1, 64)
groups = {"nothing": quarter_turns[:1], "mirror": [quarter_turns[0], mirrored]}
groups |= {"half turn": quarter_turns[::2], "quarter turns": quarter_turns}
spectra = {name: spectral.canonical_spectrum(*spectral.pair_moments(views)) for name, views in groups.items()}

# %%
quarter_error = abs(spectra["quarter turns"] - np.repeat([1, 0], [16, 48])).max()
mirror_error = abs(spectra["mirror"] - np.repeat([1, 0], [31, 31])).max()
ch.measure("every-group", quarter=quarter_error, mirror=mirror_error)

# %%
choice = ipywidgets.SelectionSlider(options=list(groups), value="quarter turns")
cb.explore(ch.figures.group, spectra, groups, name=choice)

# %% [markdown]
# *Look at the cliff: only its place moves.* The pictures are $\bar v = P x$, and no probe, however clever, gets back from them what is gone. The mirror has 32 orbits but 31 ones: one pair of pixels is empty in every digit, so that $C$ has a null space there.
# With *nothing*, all directions tie at 1, and agreement alone does not say which to keep; the same is true among the ones of any group.

# %% [markdown]
# ## 3 · Crops are no group
#
# Crops and small turns have no inverse among themselves: no argument like the one above applies. We draw twenty views of each digit, and estimate $C$ and $C_+$ from all pairs of different views.
#
# *Guess first:* a cliff, or a slope?

# %%
images = data.load("digits").images.double()
generator = torch.Generator().manual_seed(ch.seed)
crops = np.stack([recipes.tiny_crop(images, generator).reshape(-1, 64).numpy() for _ in range(20)])
moments = spectral.view_moments(crops - crops.mean(axis=(0, 1)))
rho_crops = spectral.canonical_spectrum(*moments)
ch.measure("crops-are-gradual", between=np.sum((rho_crops > 0.1) & (rho_crops < 0.9)))
ch.figures.cliff_and_slope(spectra["quarter turns"], rho_crops)

# %% [markdown]
# **What you saw.** A slope, with no place that says *stop here*. Crops put the directions in an order; how many of them are kept is up to the width of the embedding.

# %% [markdown]
# ## 4 · Whose views?
#
# Nothing in the loss knows that the two views come from *one* picture. Sort the digits into groups, and draw the second view from any picture of the first one's group. If each picture is its own group, these are ordinary two views. With the ten classes as groups, a pair carries what a label carries. With one group for
# everything, it carries nothing.
#
# *Guess first:* how much better than two crops of one picture are two crops of one *class*?

# %%
mnist = recipes.tiny_mnist()
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))
recipe = recipes.TINY_SHORT
labels = mnist.y_train
pairs_of = {"one image": torch.arange(len(labels)), "one class": labels, "no reason": torch.zeros_like(labels)}


def train(augment, seed, loss=losses.nt_xent, method=methods.JointEmbedding, recipe=recipe):
    return recipes.train_tiny(loss, mnist.x_train, augment=augment, method=method, recipe=recipe, seed=seed)


# %%
runs = {}
for name, groups_of in pairs_of.items():
    method = partial(two_views.GroupedPairs, groups=groups_of)
    runs[name] = [train(recipes.tiny_crop, s, method=method) for s in seeds]

accuracy = {name: np.array([recipes.low_shot(run.encoder, mnist) for run in same]) for name, same in runs.items()}
ch.measure("class-pairs", gain=accuracy["one class"] - accuracy["one image"])

# %% [markdown]
# And pairs for no reason? Whoever cannot tell the partner from the 255 other views pays $\log 255 = 5.54$ nats (a nat is the unit of a natural logarithm).

# %%
untrained = [recipes.untrained(mnist.x_train, recipe, seed=s) for s in seeds]
start = np.array([recipes.low_shot(encoder, mnist) for encoder in untrained])
share = (accuracy["no reason"] - start) / (accuracy["one image"] - start)
chance = np.log(2 * recipe.batch_size - 1)
from_chance = [np.mean(run.history.loss[-20:]) - chance for run in runs["no reason"]]
ch.measure("unrelated-pairs", loss=from_chance, share=share)

# %% [markdown]
# **Before there were two views**, self-supervised learning made its targets up in other ways: *restore what was taken away* (noise, colour, hidden pixels: [Masked modelling](../05_masked_modeling/masked_modeling.ipynb) is this family grown up); *use time or a second sense* (the next frame, the sound of a film); *use
# spatial context* (a jigsaw, or **RotNet**: by which quarter turn was this picture turned?); *group* the embeddings and predict the cluster; *generate*.
#
# At scale `toy` we train RotNet too, with its four classes in place of pairs, and four single changes.

# %%
settings = {"nothing": (1, 0), "noise": (1, 0, 0, 0.5), "erase": (1, 0, 0.15), "turn": (1, 15), "crop": (0.4, 0)}
for name in ch.pick(fast=[], toy=list(settings)):
    augment = recipes.tiny_augmentation(*settings[name])
    accuracy[name] = np.array([recipes.low_shot(train(augment, s).encoder, mnist) for s in seeds])

# %%
four_turns = recipe._replace(dim=4, batch_size=64)
rotnet = partial(train, data.Compose(), loss=F.cross_entropy, method=two_views.RotationPrediction, recipe=four_turns)
for name in ch.pick(fast=[], toy=["RotNet"]):
    accuracy[name] = np.array([recipes.low_shot(rotnet(s).encoder, mnist) for s in seeds])

names = {"one image": "crop + turn", "one class": "two of one class", "no reason": "any two digits"}
pixels = recipes.low_shot(nn.Flatten(), mnist)
ch.figures.accuracies({names.get(name, name): a for name, a in accuracy.items()}, start, pixels)

# %% [markdown]
# *Read from the bottom up.* No change and no reason teach next to nothing. Any sensible change is a big step; which single one is best depends on the budget. Pairs by class, the strongest hint there is, add some points more (all pairs of digits are cropped and turned, too). RotNet's made-up label stands in between.

# %% [markdown]
# ## 5 · Photographs: when colour is the answer
#
# Random colours are part of nearly every recipe. They were chosen for object classes: a red and a blue car are both cars. Here is another task. Tiles are cut from eleven photographs, and with five labelled tiles of each we ask *from which photograph* a tile comes. `HueRotate` turns all colours of a tile about the grey
# axis, by any angle. We read the embedding $z$, on which the loss acts.
#
# *Guess first:* what happens to the accuracy when random hue joins crop and flip?

# %%
photos = data.load("photos")
n, labels = photos.n_train, photos.labels
tiles = data.standardize(F.interpolate(photos.images, size=(16, 16), mode="area"))
crop_flip = data.RandomAffineCrop(scale=(0.3, 1), degrees=0, hflip=True)
with_hue = data.Compose(crop_flip, data.HueRotate(180))

of_class = [torch.nonzero(labels[:n] == c)[:35, 0] for c in range(11)]
labelled = torch.stack(of_class, dim=1).flatten()  # blocks of 55: five tiles of each photograph
sets = tiles[labelled], labels[labelled], tiles[n:], labels[n:]
score = partial(recipes.low_shot, sets=sets, n_labels=55, repeats=7)

# %%
photo_recipe = recipes.TINY._replace(steps=ch.pick(fast=60, toy=100), batch_size=64)


def train_photos(augment):
    runs = [recipes.train_tiny(losses.nt_xent, tiles[:n], recipe=photo_recipe, augment=augment, seed=s) for s in seeds]
    return np.array([score(nn.Sequential(run.encoder, run.projector)) for run in runs])


unchanged, cropped, recolored = train_photos(data.Compose()), train_photos(crop_flip), train_photos(with_hue)
ch.measure("photos-crop", gain=cropped - unchanged)
ch.measure("photos-hue", cost=cropped - recolored)

# %%
mean_color = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
ch.figures.photographs(photos.images[labelled[:6]], crop_flip, with_hue, cropped, recolored)
print(f"accuracy from raw pixels {score(nn.Flatten()):.3f}, from the mean colour alone {score(mean_color):.3f}")

# %% [markdown]
# **What you saw.** The colours of a pair in the second row say nothing any more, and the network learned that. Yet the mean colour of a tile, three numbers, tells more than all its pixels. For textures, medical or depth images, think about each ingredient anew.

# %% [markdown]
# ## 6 · An augmentation of your own
#
# Eight pairs at any setting, and the accuracy that was measured in section 4 at the nearest one. Go on until *you* can no longer tell which pairs belong together. What is left for a network to learn?

# %%
settings["one image"] = (0.4, 15)
measured = {}
for name, strengths in settings.items():
    if name in accuracy:
        measured[names.get(name, name)] = ((*strengths, 0, 0)[:4], accuracy[name].mean())

area, erased = ipywidgets.FloatSlider(0.4, min=0.1, max=1), ipywidgets.FloatSlider(0, min=0, max=0.5, step=0.05)
degrees, grain = ipywidgets.IntSlider(15, min=0, max=180, step=5), ipywidgets.FloatSlider(0, min=0, max=1.5)
controls = {"area": area, "degrees": degrees, "erased": erased, "grain": grain}
cb.explore(ch.figures.own_views, mnist.x_train[:8], measured, figsize=(7.2, 2.4), **controls)

# %% [markdown]
# ## More than two views
#
# SwAV and DINO make two large and several small crops of a picture (*multi-crop*). If all $V$ views are compared with each other, no pairs need be formed. With $\bar z$ the mean of the $V$ embeddings,
#
# $$ \frac{1}{V (V - 1)} \sum_{i \ne j} \|z_i - z_j\|^2 = \frac{2}{V - 1} \sum_i \|z_i - \bar z\|^2 . $$
#
# More views are the same objective, estimated with less noise, and small ones are cheap: a crop of 96 pixels has $(96/224)^2 \approx 18$ % of the pixels of one of 224. On ImageNet six of them lift SwAV from 70.1 to 74.6 % (its repository, 400 epochs). On our digits they brought no gain: a part of a digit is not a digit.

# %% [markdown]
# ## What breaks
#
# - **One crop for the whole batch** is the commonest silent bug: each picture needs random numbers of its own. Others: a crop's `scale` is a share of the *area*, so its side is the square root; `affine_grid` asks of each pixel of the *result* where to look, so that a scale below 1 zooms in; normalise after augmenting; augment *both* views.
# - **The score decides what you see.** Give a probe all 8,000 labels and let neighbours vote, and in our runs raw pixels win: those of MNIST are a good way to compare digits, and a tiny network that pools to $2 \times 2$ loses detail. [Evaluation](../07_evaluation/evaluation.ipynb) is about this.
# - **Linear probes see what is linear.** Of the lesson's shapes, size is read poorly everywhere, and the kind of shape and its angle hardly at all. A failing probe does not prove that a factor is gone; and a wide embedding ($K = 64$ in place of 32) lets more of it through.

# %% [markdown]
# **How the toy differs.** Ten to forty thousand weights, a hundred steps, $14 \times 14$ pixels. SimCLR with a ResNet-18 on CIFAR-10 reaches 90.74 % in 1,000 epochs (the figure of the library solo-learn); with a GPU, `cookbook train simclr --data cifar10` trains one. BYOL loses less than SimCLR when only crops are left, 72.5 to
# 59.4 % on ImageNet, against 67.9 to 40.3 %.
#
# **Before and after.** [Start here](../../00_start_here/start_here.ipynb) met equation (2) in two dimensions. [Self-distillation](../03_self_distillation/self_distillation.ipynb) never compares different pictures; [Canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb) makes losses of "uncorrelated, with
# variance one". In part 2, [Spectral embedding](../../2_spectral/01_spectral_embedding/spectral_embedding.ipynb) turns "what counts as the same" into a graph, and
# [Joint embedding vs reconstruction](../../2_spectral/09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb) asks how well an augmentation must imitate what it is to remove.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. Two independent noises, of variances $a$ and $b$ along an axis of signal $s^2$, are added one after the other. When is the new $\rho$ the product of the two old ones?
#
# <details><summary>Hint</summary>Multiply $1 + a / s^2$ by $1 + b / s^2$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 15 min. Prove the identity for $V$ views.
#
# <details><summary>Hint</summary>Subtract $\bar z$ from every $z_i$ first: nothing changes on either side, and the sum of all is zero.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 20 min. Train the lesson's shapes with random hue *and* random shift. Are both forgotten as well as each was alone?
#
# <details><summary>Hint</summary>`data.Compose(data.HueRotate(180), shift, grain)`, and the lesson's `train_and_read`.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●● 90 min. Is random hue always wrong for the photographs, or only so much of it? Measure the accuracy for turns of the hue by up to 0, 20, 45, 90 and 180 degrees, over several seeds. How would you choose the angle without labels?
#
# <details><summary>Hint</summary>`data.HueRotate(20)` turns by at most 20 degrees to either side. For the last question, think about what differs between two tiles of one photograph.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on origins, data augmentation and multi-crop.
# - Before two views: S. Gidaris et al. RotNet, 2018. M. Noroozi, P. Favaro. Jigsaw, 2016. C. Doersch et al. Context prediction, 2015. A. Dosovitskiy et al. Exemplar-CNN, 2014. M. Caron et al. DeepCluster, 2018.
# - Views: T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020. J.-B. Grill et al. BYOL, 2020. M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020; DINO, 2021. P. Khosla et al. Supervised contrastive learning, 2020. Y. Tian et al. What makes for good views, 2020. F. Bordes et al.
#   [FFCV-SSL](https://arxiv.org/abs/2303.01986), 2023 (even noise alone trains).
# - What is kept: H. Hotelling, Relations between two sets of variates, 1936. J. HaoChen et al. Provable guarantees with spectral contrastive loss, 2021. R. Balestriero, Y. LeCun. [Contrastive and non-contrastive SSL recover spectral embedding methods](https://arxiv.org/abs/2205.11508), 2022.

# %%
ch.footer()
