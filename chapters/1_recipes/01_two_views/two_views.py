# %% [markdown]
# # Two views
#
# A network can learn to see without a single label. All it needs is to be told, again and again: *these two pictures are the same thing*.
#
# After this lesson you can look at such a pair and say what a network trained with it will **forget**, before you have trained anything.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
from scipy.linalg import eigh
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training

ch = cb.Chapter("two_views", scale=scale, seed=seed)

# %% [markdown]
# ## 1 · What counts as the same?
#
# Turn a 6 by ten degrees: it is the same 6. Turn it by 180 degrees: it is a 9. Somebody has to tell the network which of the two we mean. Here are three ways to say it.

# %%
mnist = recipes.tiny_mnist()
augmentations = {
    "no change": recipes.tiny_augmentation(),
    "crop, small turn": recipes.tiny_augmentation(area=0.4, degrees=15),
    "crop, any turn": recipes.tiny_augmentation(area=0.4, degrees=180),
}
ch.figures.pairs(mnist, augmentations)

# %% [markdown]
# *Read each row as an order*: in each pair, the two pictures are to be the same. The second row says "it does not matter where the digit stands, how large it is, or how it leans". The third says that a 6 may as well be a 9.
#
# Some words that the whole book uses. An **augmentation** is a recipe for random changes. Apply it twice, independently, to one input $x$, and you have two **views** $v$ and $v'$: a **positive pair**. An **encoder** $f$ is the network
# that we train, until $f(v)$ and $f(v')$ agree. (It must not cheat by giving the same answer to everything. How that is prevented is the subject of the next chapters.)
#
# Nobody has told the network what to *keep*. So what will it keep?

# %% [markdown]
# ## 2 · What do two views agree on?
#
# Take the simplest encoder there is: one number $w^\top v$, a sum of the pixels with weights $w$. And take the simplest augmentation: *toss a coin; on heads, turn the picture by 180 degrees*.
#
# Let $\bar v$ be the average of all views of $x$; here, of the picture and its half turn. The second coin knows nothing of the first. So all that the two views' numbers have in common is the part that $x$ alone decides, $w^\top \bar v$. Its share of the variance is
#
# $$ \rho(w) = \frac{\text{variance of } w^\top \bar v}{\text{variance of } w^\top v} \;\in [0, 1] . \tag{1} $$
#
# This $\rho$ (rho) is the *correlation* between the numbers of the two views. With $\rho = 1$, all views of an input give the same number. With $\rho = 0$, the second number cannot be predicted from the first by any straight line. Asked for agreement, a network keeps numbers of large $\rho$ first. (For linear networks
# this is a theorem; the [lab](two_views_lab.ipynb) has the proof.)

# %% [markdown]
# **Now do it for the half turn.** Call the turn $T$: a matrix that swaps pixels, so that $T^\top = T$ and $w^\top T x = (T w)^\top x$. Any weights are the sum of two kinds:
#
# - *symmetric* ones, $T w = w$, the same upside down. Then $w^\top T x = w^\top x$: heads or tails, the number is the same. So $\rho = 1$.
# - *antisymmetric* ones, $T w = -w$. Then $w^\top T x = -w^\top x$: the coin decides the sign. Over the coin the number averages to nothing, $w^\top \bar v = 0$. So $\rho = 0$.
#
# All or nothing. A linear network that keeps what its views agree on keeps the symmetric half whole. The antisymmetric half is **gone**, and no later layer can get it back.
#
# *Guess first:* a picture of $8 \times 8$ pixels has 64 independent directions $w$. How many of them survive the coin?

# %%
digits = data.load("digits").images[:, 0].double().numpy()
half_turned = digits[:, ::-1, ::-1]
views = np.stack([digits, half_turned]).reshape(2, -1, 64)
views = views - views.mean(axis=(0, 1))
average_view = views.mean(axis=0)

# %% [markdown]
# Those are 1,797 real digits, both views of each, with the mean of all views subtracted. Two matrices now say everything: $C$, the covariance of a view, and $C_+$, the covariance of $\bar v$. In (1), $\rho(w) = w^\top C_+ w \,/\, w^\top C w$, and
# the best $w$, the second best and so on solve the eigenproblem $C_+ w = \rho\, C w$. (You know the case where $C$ is the identity: there the best $w$ are the top eigenvectors of $C_+$.)

# %%
C = np.mean([view.T @ view / len(view) for view in views], axis=0)
C_plus = average_view.T @ average_view / len(average_view)
rho = eigh(C_plus, C, eigvals_only=True)[::-1]

all_or_nothing = np.repeat([1, 0], 32)
ch.measure("all-or-nothing", kept=np.sum(rho > 0.5), error=abs(rho - all_or_nothing).max())

# %% [markdown]
# **What you saw.** Exactly half: the turn joins the 64 pixels into 32 pairs, and a symmetric $w$ has one weight for each pair. Nothing was trained, and we know what a linear network will forget: every number whose sign the turn flips.
#
# **Now bend the coin.** Let a picture be turned with probability $q$. *Guess first:* what happens to the lost half when $q = 0.25$? And when $q = 1$, so that *every* view is turned?

# %%
cb.explore(ch.figures.coin, digits, q=(0.0, 1.0, 0.05))

# %% [markdown]
# *Left, watch the right half of the dots: it hangs under the dashed line $(1 - 2q)^2$. Right, watch the 6 and the 9: these are the averages $\bar v$.* A number whose sign the turn flips keeps at most $(1 - 2q)^2$ of its variance (exercise 2). At $q = 0.5$ nothing is left of it.
# At $q = 1$ everything is back. A change that is always made is no disagreement: what is lost is not what is *changed*, but what the two views *disagree* on.
#
# > **Check yourself.** With $q = 0.05$ only one view in twenty is turned. A network may keep 32 numbers out of 64. Which will it take?

# %% [markdown]
# ## 3 · Which digits will suffer?
#
# The theorem gives more than a count. All that is left of a picture is what can be computed from $\bar v = (x + T x) / 2$. Let us look at it.

# %%
ch.figures.averages(mnist, (6, 9, 0, 1))

# %% [markdown]
# *Look at the bottom row, and cover the others with your hand.* We can measure how much was lost: let a linear classifier tell two digits apart, with 100 labels, first from the pictures and then from their averages.
#
# *Guess first:* 6 against 9, and 0 against 1: which pair becomes harder?


# %%
def half_turn_average(images):
    return (images + images.rot90(2, (2, 3))) / 2


def only(a, b, images, labels):
    chosen = (labels == a) | (labels == b)
    return images[chosen], (labels[chosen] == a).long()


# %%
def accuracy_lost(a, b):
    x_train, y_train = only(a, b, mnist.x_train, mnist.y_train)
    x_test, y_test = only(a, b, mnist.x_test, mnist.y_test)
    pictures = x_train, y_train, x_test, y_test
    averages = half_turn_average(x_train), y_train, half_turn_average(x_test), y_test
    before, after = (recipes.low_shot(nn.Flatten(), s, n_labels=100, repeats=10) for s in (pictures, averages))
    return before - after


ch.measure("six-or-nine", lost=accuracy_lost(6, 9))
ch.measure("zero-or-one", lost=accuracy_lost(0, 1))

# %% [markdown]
# **What you saw.** A wrong invariance does not hurt everybody. It hurts the classes that it confuses.
#
# > **Check yourself.** Photographs are often mirrored left to right, by a coin. For which letters of the alphabet would that be a bad idea?

# %% [markdown]
# ## 4 · Does a real network obey?
#
# Time to train. The encoder $f$ is a small convolutional network; behind it stands a second small one, the **projector** $g$, and $z = g(f(v))$ is the **embedding**. From 128 digits come 256 views. The loss asks of each view: *which of the 255 others is your
# partner?* The network answers by comparing embeddings. (This is the loss of SimCLR, `nt_xent`. It rules out cheating, since equal answers find no partner; [Contrastive learning](../02_contrastive/contrastive.ipynb) opens it.)
#
# Afterwards the projector is thrown away, and we ask how good $f(v)$ is: the **low-shot accuracy** is that of a linear classifier that reads $f$ with 200 labels only, on 2,000 new digits. Two baselines have learned nothing: raw *pixels*, and the *untrained* encoder.
#
# *Guess first:* order the three rows of the first picture. Where does the untrained network stand?

# %%
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
recipe = recipes.TINY_SHORT  # 100 steps


def train_and_score(augment, seed):
    run = recipes.train_tiny(losses.nt_xent, mnist.x_train, augment=augment, recipe=recipe, seed=seed)
    return recipes.low_shot(run.encoder, mnist)


accuracy = {name: np.array([train_and_score(augment, s) for s in seeds]) for name, augment in augmentations.items()}

# %%
start = [recipes.untrained(mnist.x_train, recipe, seed=s) for s in seeds]
untrained = np.array([recipes.low_shot(encoder, mnist) for encoder in start])
pixels = recipes.low_shot(nn.Flatten(), mnist)
ch.figures.accuracies(accuracy, untrained, pixels)

# %%
ch.measure("views-teach", gain=accuracy["crop, small turn"] - accuracy["no change"])
ch.measure("identical-views", gain=accuracy["no change"] - untrained)

# %% [markdown]
# Two identical views agree already. Nothing is to be learned from them, and nothing was. And the third row, in which a 6 may be a 9?

# %%
ch.measure("any-turn", cost=accuracy["crop, small turn"] - accuracy["crop, any turn"])

# %% [markdown]
# **What you saw.** The same network, the same number of steps, the same loss. Sensible pairs taught it a lot; pairs that cross the border between classes took about half of that away again; pairs without a difference taught it nothing. And mind the raw pixels, a good baseline for digits: only the sensible pairs got past them.
#
# > **Check yourself.** Why can *no change* end up a little below the untrained network? (What does the loss still ask for, when the views of a pair are equal?)

# %% [markdown]
# ## 5 · Watch one thing disappear
#
# The last experiment is the cleanest: pictures of which we know everything. Each shape has a hue and a position, drawn at random. We train three times: with a little noise alone, with random **hue**, with random **shift**.

# %%
images, factors = data.shapes(5000, seed=ch.seed, res=16)
images, targets = 2 * images - 1, data.shape_targets(factors)
grain = data.GaussianNoise(0.1)
shift = data.RandomAffineCrop(scale=(1, 1), ratio=(1, 1), degrees=0, translate=0.45)
shape_views = {"noise": grain, "hue": data.Compose(data.HueRotate(180), grain), "shift": data.Compose(shift, grain)}
ch.figures.shape_pairs(images, shape_views)

# %% [markdown]
# *In each pair, what is the same and what is not?* Then we ask how much of a factor a linear readout recovers, by the share of its variance $R^2$: 1 is all of it, 0 is nothing. We read twice: from the embedding $z$, on which the loss acts, and from the encoder's output $f(v)$, one small network earlier.
#
# *Guess first:* fill in the table. Three augmentations, two factors: where is $R^2$ near 0?

# %%
shape_recipe = recipes.TINY._replace(steps=ch.pick(fast=80, toy=150), batch_size=64, dim=32)


def readable(network):
    z = training.features(network, images)
    wanted = targets["hue"], targets["position"]
    return [evaluation.r2_probe(z[:4000], t[:4000], z[4000:], t[4000:]) for t in wanted]


def train_and_read(augment, seed):
    run = recipes.train_tiny(losses.nt_xent, images[:4000], augment=augment, recipe=shape_recipe, seed=seed)
    return readable(nn.Sequential(run.encoder, run.projector)), readable(run.encoder)


# %%
read = np.array([[train_and_read(augment, s) for s in seeds] for augment in shape_views.values()])
embedding, encoder = read[:, :, 0], read[:, :, 1]  # (augmentation, seed, factor)
ch.figures.remembered(embedding, encoder, list(shape_views))

# %% [markdown]
# *Look for the two pale cells on the left.* Where the views disagree on hue, hue is gone; where they disagree on position, most of position is gone; and each time the other factor stays, or nearly.

# %%
hue = dict(zip(shape_views, embedding[:, :, 0], strict=True))
position = dict(zip(shape_views, embedding[:, :, 1], strict=True))

hue_lost, position_lost = hue["noise"] - hue["hue"], position["noise"] - position["hue"]
ch.measure("hue-forgotten", left=hue["hue"], more=hue_lost - position_lost)

hue_lost, position_lost = hue["noise"] - hue["shift"], position["noise"] - position["shift"]
ch.measure("shift-forgotten", more=position_lost - hue_lost)

# %%
ch.measure("noise-forgets-neither", hue=hue["noise"], position=position["noise"])
ch.measure("encoder-keeps-more", hue=encoder[1, :, 0] - hue["hue"], position=encoder[2, :, 1] - position["shift"])

# %% [markdown]
# **What you saw.** You named what would be forgotten from the pairs alone. And the right-hand table shows why one throws the projector away: it takes much of the forgetting upon itself, so that the encoder in front of it keeps more than it was asked to.
#
# > **Check yourself.** A colleague wants to sort ripe from unripe tomatoes, and takes the augmentations of a famous paper: crop, flip, random colours. What do you say?

# %% [markdown]
# ## Summary
#
# 1. An augmentation is an order: *this does not matter*. Two views are how the order is given.
# 2. What is kept of a number is the share of its variance on which the views agree, $\rho$ in (1). For a fair coin and a half turn it is all or nothing.
# 3. What counts is disagreement, not change: $q = 1$ loses nothing.
# 4. A wrong invariance hurts the classes that it confuses. No invariance teaches nothing.
# 5. A deep network behaves like the theorem at its embedding, and more mildly one network earlier.

# %% [markdown]
# **How this differs from the papers.** Our exact statements are about linear encoders. Our networks have some ten thousand weights and train for a hundred steps on tiny pictures. On ImageNet, when the authors of BYOL took everything but the crop away from SimCLR's augmentation, its
# accuracy fell from 67.9 to 40.3 %. And section 3 is a verdict on linear encoders only: a deep one forgets less, as the last table shows.
#
# **Where next?** The [lab](two_views_lab.ipynb) has the theorem for any group, views with noise, pairs that labels choose, and photographs whose colour is the answer. [Contrastive learning](../02_contrastive/contrastive.ipynb) opens the loss.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Two coins: the first flips a picture left to right, the second upside down. How many of the 64 directions survive? Predict, then change the cell with `half_turned` and check.
#
# <details><summary>Hint</summary>How many different views does a picture have now, and how many pixels does one pixel travel to?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. The dashed line: show that an antisymmetric number $a = w^\top x$ has $\rho \le (1 - 2q)^2$ when the turn comes with probability $q$. When is it equal?
#
# <details><summary>Hint</summary>A view's number is $a$ or $-a$. Write down its mean for a given $x$, its mean over everything, and the two variances of (1).</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. You want to read the *position* of a shape from the embedding. Which of these may you use: random hue, random shift, a random turn of the whole picture about its middle? Predict all three, then train with the turn.
#
# <details><summary>Hint</summary>`recipes.tiny_augmentation(degrees=180)` makes the turn, `train_and_read` does the rest. Where does a turn of the picture put a shape that is not in the middle?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Must one choose? Give one encoder *two* projectors, one trained with pairs of random hue, the other with pairs of noise alone, and add their losses. Does the encoder keep hue? Does each embedding do as it was told? (This is the idea of Xiao et al. 2021.)
#
# <details><summary>Hint</summary>`recipes.tiny_encoder` gives an encoder and a projector. Call it twice with different seeds, and write the loop yourself: two pairs of views, one pass through the encoder, two losses.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on data augmentation.
# - T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020: the loss of section 4, and the study that showed how much the augmentation decides. J.-B. Grill et al. [BYOL](https://arxiv.org/abs/2006.07733), 2020.
# - T. Xiao et al. [What should not be contrastive in contrastive learning](https://arxiv.org/abs/2008.05659), 2021: what colour jitter takes away. J. von Kügelgen et al. [Self-supervised learning with data augmentations provably isolates content from style](https://arxiv.org/abs/2106.04619), 2021.

# %%
ch.footer()
