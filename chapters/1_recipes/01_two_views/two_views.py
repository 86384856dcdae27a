# %% [markdown]
# # Two views
#
# A network can learn to see without a single label. Almost all it needs is to be told, again and again: *these two pictures are the same thing*.
#
# After this lesson you can look at such a pair and say what a network trained with it will **forget**, before you have trained anything.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import ipywidgets
import numpy as np
import torch
from scipy.linalg import eigh
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training

ch = cb.Chapter("two_views", scale=scale, seed=seed)

# %% [markdown]
# ## 1 · What counts as the same?
#
# Turn a 6 by ten degrees: it is the same 6. Turn it by 180 degrees: it is a 9. Somebody has to tell the network which of the two we mean. Here are three ways to say it, in pictures. ("Crop" cuts out at least 40 % of the picture and stretches the piece back to full size.)

# %%
mnist = recipes.tiny_mnist()
augmentations = {
    "no change": recipes.tiny_augmentation(),
    "crop, small turn": recipes.tiny_augmentation(area=0.4, degrees=15),  # smallest crop: 40 % of the picture
    "crop, any turn": recipes.tiny_augmentation(area=0.4, degrees=180),
}
ch.figures.pairs(mnist, augmentations)

# %% [markdown]
# *Read each row as an order*: in each pair, the two pictures are to count as the same. The second row says "it does not matter where the digit stands, how large it is, or how it leans". The third says "nor which way up it is", and so, it seems, that a 6 may as well be a 9: look at its second view.
#
# Some words that the whole book uses. An **augmentation** is a recipe for random changes. Apply it twice, independently, to one input $x$, and you have two **views** $v$ and $v'$: a **positive pair**. An **encoder** $f$ is the network that we train, until $f(v)$ and $f(v')$ agree.
# (It must not cheat by giving the same answer to everything. How that is prevented is the subject of the next chapters.)
#
# Nobody has told the network what to *keep*. So what will it keep?

# %% [markdown]
# ## 2 · What do two views agree on?
#
# Take the simplest encoder there is: one number $w^\top v$, a sum of the pixels with weights $w$. And take the simplest augmentation: *toss a coin; on heads, turn the picture by 180 degrees*.
#
# Let $\bar v$ be the average of all views of $x$; here, of the picture and its half turn. Given $x$, the two coins know nothing of each other. So all that the numbers $w^\top v$ and $w^\top v'$ have in common is their mean for this $x$, which is $w^\top \bar v$: their covariance is its variance. Divided by the variance of either, it is their *correlation*, the $\rho$ (rho) of the [start page](../../00_start_here/start_here.ipynb):
#
# $$ \rho(w) = \frac{\text{covariance of } w^\top v \text{ and } w^\top v'}{\text{variance of } w^\top v} = \frac{\text{variance of } w^\top \bar v}{\text{variance of } w^\top v} \;\in [0, 1] . \tag{1} $$
#
# With $\rho = 1$, all views of an input give the same number. With $\rho = 0$, the second number cannot be predicted from the first by any straight line. Asked for $K$ uncorrelated numbers that agree, a *linear* network takes those of the largest $\rho$. (A theorem; the [lab](two_views_lab.ipynb) has the proof.)

# %% [markdown]
# **Now do it for the half turn.** Call the turn $T$: a matrix that swaps pixels, so that $T^\top = T$ and $w^\top T x = (T w)^\top x$. Any weights are the sum of two kinds:
#
# - *symmetric* ones, $T w = w$, the same upside down. Then $w^\top T x = w^\top x$: heads or tails, the number is the same. So $\rho = 1$.
# - *antisymmetric* ones, $T w = -w$. Then $w^\top T x = -w^\top x$: the coin decides the sign. Over the coin the number averages to nothing, $w^\top \bar v = 0$. So $\rho = 0$.
#
# All or nothing: a linear network that keeps what its views agree on keeps the symmetric numbers whole. The antisymmetric ones are **gone**, and no later layer can get them back. (Of a mixture, $\rho$ is the share of its variance that the symmetric part has.)
#
# *Guess first:* a picture of $8 \times 8$ pixels has 64 independent directions $w$. How many of them survive the coin? We count on a second set of real digits, 1,797 of them, so small that all 64 directions fit into one picture.

# %%
digits = data.load("digits").images[:, 0].double().numpy()
half_turned = digits[:, ::-1, ::-1]
views = np.stack([digits, half_turned]).reshape(2, -1, 64)
views = views - views.mean(axis=(0, 1))
average_view = views.mean(axis=0)

# %% [markdown]
# Two matrices say everything: $C$, the covariance of a view, and $C_+$, that between two views, which is that of $\bar v$, as we saw. In (1), $\rho(w) = w^\top C_+ w \,/\, w^\top C w$, and the best $w$, the second best and so on solve $C_+ w = \rho\, C w$. (If $C$ is the identity, these are the eigenvectors of $C_+$, largest first.)

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
cb.explore(ch.figures.coin, digits, q=ipywidgets.FloatSlider(0.25, min=0, max=1, step=0.05))

# %% [markdown]
# *Left, watch the right half of the dots: it hangs under the dashed line $(1 - 2q)^2$. Right, watch the 6 and the 9: these are the averages $\bar v$.* A number whose sign the turn flips keeps at most $(1 - 2q)^2$ of its variance (exercise 2): nothing at $q = 0.5$.
#
# At $q = 1$ everything is back. A change that is always made is no disagreement: what is lost is not what is *changed*, but what the two views *disagree* on.
#
# Now move to $q = 0.05$. The orange dots hang high, but *below* the blue ones. So a network with room for 32 numbers takes the blue ones, and a turn in one view of twenty costs it the same half as a fair coin.
#
# > **Check yourself.** With $q = 0.05$ and room for 40 numbers, what does the network keep? (The [solutions](two_views_solutions.ipynb) end with an answer to each *Check yourself*.)

# %% [markdown]
# ## 3 · Which digits will suffer?
#
# The theorem gives more than a count. For a linear encoder, all that is left of a picture is what can be computed from $\bar v = (x + T x) / 2$. (A deep one may keep anything that does not care about the *order* of $x$ and $T x$, which is more.) Below are twelve averages: which digits are they?
#
# *Guess first:* a linear classifier with 100 labels is to tell two digits apart, once from the pictures and once from their averages. Order the pairs 6/9, 3/8, 2/7, 4/9 and 0/1: which loses most, which nothing?

# %%
ch.figures.averages(mnist, (9, 3, 0, 6, 8, 1), only_average=True)

# %%
ch.figures.averages(mnist, (9, 3, 0, 6, 8, 1))
pairs = [(6, 9), (3, 8), (2, 7), (4, 9), (0, 1)]


def tell_apart(network, a, b, source=mnist):
    """Accuracy of a linear classifier with 100 labels that reads the network's answer."""
    train, test = ((y == a) | (y == b) for y in (source.y_train, source.y_test))
    is_a_train, is_a_test = (source.y_train[train] == a).long(), (source.y_test[test] == a).long()
    sets = source.x_train[train], is_a_train, source.x_test[test], is_a_test
    return recipes.low_shot(network, sets, n_labels=100, repeats=10)


# %%
turned_train, turned_test = (x.rot90(2, (2, 3)) for x in (mnist.x_train, mnist.x_test))
averages = mnist._replace(x_train=(mnist.x_train + turned_train) / 2, x_test=(mnist.x_test + turned_test) / 2)
from_picture = np.array([tell_apart(nn.Flatten(), a, b) for a, b in pairs])
from_average = np.array([tell_apart(nn.Flatten(), a, b, averages) for a, b in pairs])
ch.figures.telling_apart(pairs, {"picture (hollow) → average (full)": (from_picture, from_average)})
lost = dict(zip(pairs, from_picture - from_average, strict=True))
ch.measure("linear-pairs", six_nine=lost[6, 9], three_eight=lost[3, 8])
ch.measure("zero-or-one", lost=lost[0, 1])

# %% [markdown]
# **What you saw.** 0 and 1 look the same upside down, and lose next to nothing. Of our pairs, 6/9 loses most. But 3/8 loses nearly as much, and neither is the other's half turn: laid over its half turn, a 3 looks like an 8. To read averages is to read pictures with symmetric weights; pairs that need the others suffer.
#
# > **Check yourself.** Photographs are often mirrored left to right, by a coin. For which letters of the alphabet would that be a bad idea?

# %% [markdown]
# ## 4 · Does a real network obey?
#
# Time to train. The encoder $f$ is a small convolutional network. Behind it stands a second small one, the **projector**, whose output $z$ is the **embedding**. The loss looks at $z$; what we use afterwards is $f(v)$. (Section 5 shows what the projector is good for.)
#
# From 128 digits come 256 views. The loss asks of each: *which of the 255 others is your partner?* The network answers by comparing embeddings. This is the loss of SimCLR, `nt_xent`. It rules out cheating, since equal answers find no partner; [Contrastive learning](../02_contrastive/contrastive.ipynb) opens it.

# %%
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
recipe = recipes.TINY_SHORT  # 100 steps


def train(augment):
    return [recipes.train_tiny(losses.nt_xent, mnist.x_train, augment=augment, recipe=recipe, seed=s) for s in seeds]


runs = {name: train(augment) for name, augment in augmentations.items()}

# %% [markdown]
# How good is $f(v)$? The **low-shot accuracy** is that of a linear classifier that reads $f$ with 200 labels only, on 2,000 new digits. Two baselines have learned nothing: raw *pixels*, and the *untrained* encoder.
#
# *Guess first:* order the three rows of the first picture. Where do the two baselines stand?

# %%
accuracy = {name: np.array([recipes.low_shot(run.encoder, mnist) for run in runs[name]]) for name in runs}
start = [recipes.untrained(mnist.x_train, recipe, seed=s) for s in seeds]
untrained = np.array([recipes.low_shot(encoder, mnist) for encoder in start])
pixels = recipes.low_shot(nn.Flatten(), mnist)
ch.figures.accuracies(accuracy, untrained, pixels, rows=list(augmentations))
ch.measure("views-teach", gain=accuracy["crop, small turn"] - accuracy["no change"])
ch.measure("identical-views", gain=accuracy["no change"] - untrained)

# %% [markdown]
# Two identical views agree already. Training changes the network all the same, but it ends where it began or a little below. And mind the raw pixels: a random network reads digits *worse* than no network, perhaps because it squeezes 196 pixels into 64 numbers that nobody chose. Only crops with small turns got past the pixels.
#
# In our three runs, turns by any angle took back more than half of what crops and small turns had taught. Is that the 6 and the 9? It is tempting to say so. Let us ask.
#
# *Guess first:* the same five pairs, read from networks trained with small turns and with any turn. How well can the second one still tell a 6 from a 9?


# %%
def tell_all_apart(networks):
    return np.array([[tell_apart(network, a, b) for a, b in pairs] for network in networks])


small, any_turn = runs["crop, small turn"], runs["crop, any turn"]
f_small, f_any = (tell_all_apart([run.encoder for run in same]) for same in (small, any_turn))
z_small, z_any = (tell_all_apart([nn.Sequential(r.encoder, r.projector) for r in same]) for same in (small, any_turn))

# %%
panels = {"at the encoder $f(v)$": (f_small, f_any), "at the embedding $z$": (z_small, z_any)}
ch.figures.telling_apart(pairs, panels)
f_lost, z_lost = (f_small - f_any)[:, 0], (z_small - z_any)[:, 0]  # column 0 is the first pair, 6/9
ch.measure("any-turn", cost=accuracy["crop, small turn"] - accuracy["crop, any turn"])
ch.measure("six-nine-spared", still=f_any[:, 0], lost=f_lost, deeper=z_lost - f_lost)

# %% [markdown]
# *Hollow: trained with small turns. Full: with any turn.* The encoder still tells 6 from 9, and loses *less* there than on 3/8 (on each of ten seeds, once by a hair). At $z$, on which the loss acts, 6/9 pays dearly; but so do 3/8 and 4/9, and no pair falls to the 50 % of guessing.
#
# Was it ever told that a 6 is a 9? No pair joins a 6 with a 9, only with *itself, turned*. Is that a 9? Ask the pixels:

# %%
six_train, six_test = ((y == 6).view(-1, 1, 1, 1) for y in (mnist.y_train, mnist.y_test))
x_train, x_test = torch.where(six_train, turned_train, mnist.x_train), torch.where(six_test, turned_test, mnist.x_test)
sixes_turned = mnist._replace(x_train=x_train, x_test=x_test)
ch.measure("turned-six", accuracy=tell_apart(nn.Flatten(), 6, 9, sixes_turned))

# %% [markdown]
# **What you saw.** A turned 6 is not a 9, not in handwriting. The theorem says which *numbers* a linear network loses. Which *classes* pay in a deep one is another question, and our first answer, the tempting one, was wrong.
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
# *In each pair, what is the same and what is not?* We ask how well a linear map reads the hue (a point on the circle of colours) or the position (two numbers) off a network: $R^2 = 1$ is perfectly, 0 is no better than always saying the mean. We read twice: at the embedding $z$, and at the encoder's output $f(v)$, one small network earlier.
#
# Formula (1) holds for any number, so also for hue and position themselves. *Guess first:* the hue is turned by any angle. The position, uniform within ±0.4 half-widths of the picture, is shifted by up to ±0.45. What is the $\rho$ of each? Where will $R^2$ be near 0?

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
# *In each cell: the mean, and from the least to the most over our runs. Look for the two pale cells on the left.* The average over all hues is no hue: $\rho = 0$, and hue is gone from $z$. The shift is about as large as the spread of positions: $\rho = 0.4^2 / (0.4^2 + 0.45^2) = 0.44$, and a little of the position is left.

# %%
HUE, POSITION = 0, 1
after_noise, after_hue, after_shift = embedding  # each with a row for each seed
lost_by_hue, lost_by_shift = after_noise - after_hue, after_noise - after_shift
ch.measure("hue-forgotten", left=after_hue[:, HUE], more=lost_by_hue[:, HUE] - lost_by_hue[:, POSITION])
ch.measure("shift-forgotten", more=lost_by_shift[:, POSITION] - lost_by_shift[:, HUE])

# %%
more_kept = encoder - embedding
ch.measure("noise-forgets-neither", hue=after_noise[:, HUE], position=after_noise[:, POSITION])
ch.measure("encoder-keeps-more", hue=more_kept[1, :, HUE], position=more_kept[2, :, POSITION])  # random hue, shift

# %% [markdown]
# **What you saw.** The pairs told what $z$ would forget. (Not all of it: in one of our three runs, random hue cost much of the *position* too.) And they show why one throws the projector away: the encoder before it keeps more. How much is luck: of hue, two of three encoders kept most and one hardly any; ten seeds gave 0.10 to 0.73.
#
# > **Check yourself.** A colleague wants to sort ripe from unripe tomatoes, and takes the augmentations of a famous paper: crop, flip, random colours. What do you say?

# %% [markdown]
# ## Summary
#
# 1. An augmentation is an order: *this does not matter*. Two views are how the order is given.
# 2. $\rho$ in (1) is the share of a number's variance on which the views agree; a linear network keeps the numbers of largest $\rho$. For a fair coin and a half turn, $\rho$ is 1 or 0.
# 3. What counts is disagreement, not change: $q = 1$ loses nothing.
# 4. The theorem says which numbers go. Which classes pay must be measured: the encoder that saw 6s upside down still tells them from 9s.
# 5. In our pictures the embedding forgot what the pairs disagreed on, all of hue and most of position; the encoder before it forgot less.

# %% [markdown]
# **How this differs from the papers.** Our exact statements are about linear encoders, and section 4 is about one small network and one loss: some ten thousand weights, a hundred steps, tiny pictures. On ImageNet, when the authors of BYOL left only the crop of SimCLR's augmentation, its accuracy fell from 67.9 to 40.3 %.
#
# **Where next?** Four exercises, two hours in all (the card counts the lab's as well). The [lab](two_views_lab.ipynb) has the theorem for any group, views with noise, pairs that labels choose, and photographs whose colour is the answer. [Contrastive learning](../02_contrastive/contrastive.ipynb) opens the loss.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Two coins: the first flips a picture left to right, the second upside down. How many of the 64 directions survive? Predict. Then copy the cells that make `views` and `rho` into yours, put in all views (mind the 2 in `reshape`), and print `rho` in place of the claim.
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
# - T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020: the loss of section 4, and how much the augmentation decides. J.-B. Grill et al. [BYOL](https://arxiv.org/abs/2006.07733), 2020.
# - T. Xiao et al. [What should not be contrastive in contrastive learning](https://arxiv.org/abs/2008.05659), 2021: what colour jitter takes away. J. von Kügelgen et al. [Self-supervised learning with data augmentations provably isolates content from style](https://arxiv.org/abs/2106.04619), 2021.

# %%
ch.footer()
