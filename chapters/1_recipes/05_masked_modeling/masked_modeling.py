# %% [markdown]
# # Masked modelling
#
# Hide most of a picture and ask a network for the rest. No label is needed, and nobody has to say which pictures are "the same": the picture itself is question and answer. MAE and BEiT learn this way.
#
# After this lesson you can compute how hard such a game is *before* you train anything, say where the answer comes from, and tell a network that learns from one that copies.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import data, methods, models, recipes, training
from replearn.papers import masked_modeling as world

ch = cb.Chapter("masked_modeling", scale=scale, seed=seed)
digits = recipes.tiny_mnist()
mean = digits.x_train.flatten(1).double().mean(0)
x = digits.x_train.flatten(1).double() - mean  # 8,000 digits of 196 pixels, a row each, less their mean image
x_new = digits.x_test.flatten(1).double() - mean  # 2,000 others, less the same mean image

# %% [markdown]
# ## 1 · The game
#
# Here is a handwritten digit of 14 × 14 pixels, cut into 49 **patches** of 2 × 2, with more and more of them hidden (blue). Which of these could you complete?

# %%
generator = torch.Generator().manual_seed(ch.seed)
masks = [data.random_mask(1, (7, 7), generator, ratio=share) for share in [0.25, 0.5, 0.75, 0.9]]
block = world.one_block(1, (7, 7), generator, ratio=25 / 49)
ch.figures.games(digits.x_train[0, 0], [*masks, block])

# %% [markdown]
# *Compare the second picture with the last.* Half is hidden in both. In the one you continue strokes; in the other you must know what digits look like.
#
# Now the rules. An image is a vector $x$ of its pixels, with the mean image subtracted. A mask hides some of its $L = 49$ patches, and the share that it hides is the **mask ratio** $r$ (half of 49 patches is 25, or 51 %). So $x$ falls into the seen pixels $x_s$ and the hidden ones $x_h$. From $x_s$ alone you make a guess $\hat x_h$, and pay its squared error:
#
# $$ \mathcal{L} = \mathbb{E}\, \| x_h - \hat x_h \|^2, \qquad R^2 = 1 - \frac{\mathbb{E}\, \| x_h - \hat x_h \|^2}{\mathbb{E}\, \| x_h \|^2} . \tag{1} $$
#
# $\mathbb{E}$ is the mean over images. $R^2$ is the share of the hidden variance that you **restore**: 1 is perfect, and 0 is what you get for answering with the mean image. It is negative if you do worse than that.
#
# *Guess first.* Half is hidden. Into every hidden pixel you copy the nearest pixel that you see. What is your $R^2$?

# %%
seen, hidden = world.split_pixels(masks[1], 2, (14, 14))[0]  # pixel numbers from 0 to 195
row, column = torch.arange(196) // 14, torch.arange(196) % 14
distance = (row[hidden, None] - row[seen]) ** 2 + (column[hidden, None] - column[seen]) ** 2
nearest = seen[distance.argmin(dim=1)]


def restored(guess, truth):
    return 1 - (guess - truth).square().mean() / truth.square().mean()


# %%
copied = x_new[:, nearest] + mean[nearest] - mean[hidden]
print(f"R² of copying the nearest pixel: {restored(copied, x_new[:, hidden]):.2f}")

# %% [markdown]
# **What you saw.** Below 0: worse than the mean image. A copy is bold. Where a stroke ends it says white for black, and a squared error punishes that hard.
#
# > **Check yourself.** Suppose that you trust the copy less: you take the nearest pixel's deviation from its mean, times a factor. Which factor is best? ([Answers](masked_modeling_solutions.ipynb))

# %% [markdown]
# ## 2 · What could be under the holes?
#
# Many digits share what you see. Here is a new digit, and five of the 8,000 known ones that look most like it *on the seen pixels*.

# %%
some = x_new[:500]
distance = torch.cdist(some[:, seen], x[:, seen])
ten = distance.topk(10, largest=False).indices  # for each new digit the ten nearest known ones
ch.figures.look_alikes(some[12] + mean, x[ten[12]] + mean, hidden)

# %% [markdown]
# They agree where you see, and differ where you do not. What should you answer? Fix what is seen, and call $\bar x_h = \mathbb{E}[x_h \mid x_s]$ the average of everything that may be hidden behind it. For any answer $a$, expand $x_h - a = (x_h - \bar x_h) + (\bar x_h - a)$. The mixed term vanishes, since $x_h - \bar x_h$ has mean 0:
#
# $$ \mathbb{E}\big[ \| x_h - a \|^2 \mid x_s \big] = \mathbb{E}\big[ \| x_h - \bar x_h \|^2 \mid x_s \big] + \| a - \bar x_h \|^2 . \tag{2} $$
#
# So the best answer is $\bar x_h$, the **conditional expectation**. Answer with one candidate drawn at random instead, and the last term is on average as large as the first: you pay double.
#
# *Guess first.* You may fill in the best of the look-alikes, a digit that somebody wrote; or the average of ten. Which restores more, and how much more?

# %%
candidates = x[ten][:, :, hidden]  # (500 new digits, 10 look-alikes, hidden pixels)
truth = some[:, hidden]
one = restored(candidates[:, 0], truth)
average = restored(candidates.mean(dim=1), truth)
print(f"R² of the best look-alike {one:.2f}, of the average of ten {average:.2f}")
ch.measure("average-best", ten=average, gain=average - one)

# %% [markdown]
# **What you saw.** The average is a blur that nobody wrote, and restores far more. The squared error asks for blurs; those in MAE's pictures come from its loss, not from a weak network.
#
# > **Check yourself.** In half of the look-alikes a pixel is black, in half it is white. What does the best answer cost, and what does a bold one?

# %% [markdown]
# ## 3 · The best matrix
#
# Look-alikes need all digits at hand, and say nothing about *why* a guess is good. So let the guess be linear: $\hat x_h = F x_s$ with a **filling matrix** $F$. Let $\Sigma$ be the covariance of the pixels, with the blocks $\Sigma_{ss}$ among the seen, $\Sigma_{hh}$ among the hidden, and $\Sigma_{hs}$ between the two. Which $F$ is best?
#
# 1. Change $F$ a little, by $\Delta$. To first order the loss changes by $-2 \operatorname{tr}\big( \Delta\, \mathbb{E}[x_s (x_h - F x_s)^\top] \big)$.
# 2. At the minimum this is 0 for every $\Delta$: the error is uncorrelated with what you see, $\Sigma_{hs} - F \Sigma_{ss} = 0$.
# 3. The error is then also uncorrelated with the guess, which is made of what you see, $F x_s$. So variances add (Pythagoras): $\mathbb{E} \|x_h\|^2 = \mathbb{E} \|F x_s\|^2 + \mathbb{E} \|x_h - F x_s\|^2$. Hence $R^2 = \mathbb{E} \|F x_s\|^2 / \mathbb{E} \|x_h\|^2$, and
#
# $$ F = \Sigma_{hs} \Sigma_{ss}^{-1}, \qquad R^2 = \frac{\operatorname{tr} \big( \Sigma_{hs} \Sigma_{ss}^{-1} \Sigma_{sh} \big)}{\operatorname{tr} \Sigma_{hh}} . \tag{3} $$
#
# In words: $\Sigma_{hs}$ is what hidden and seen pixels have in common, and $\Sigma_{ss}^{-1}$ takes care that seen pixels which repeat each other do not count twice. If pixels are Gaussian, $F x_s$ *is* the conditional expectation (2). And $R^2$ needs the covariance and the mask, no more: the difficulty of the game, before anything is trained. (The *ridge* in the code, one percent of the mean variance, keeps pixels that hardly ever vary from spoiling the guess.)
#
# *Guess first.* On the same mask and the same new digits: more than the average of ten look-alikes, or less?


# %%
def filling_matrix(covariance, seen, hidden):
    among_seen = covariance[seen][:, seen]
    ridge = 0.01 * among_seen.diagonal().mean() * torch.eye(len(seen))
    return covariance[hidden][:, seen] @ torch.linalg.inv(among_seen + ridge)


# %%
covariance = x.T @ x / len(x)
guess = some[:, seen] @ filling_matrix(covariance, seen, hidden).T
linear = restored(guess, truth)
print(f"R² of the matrix {linear:.2f}, of the average of ten look-alikes {average:.2f}")
ch.measure("not-linear", gain=average - linear)
ch.figures.fillings(some[12] + mean, guess[12] + mean[hidden], candidates[12].mean(0) + mean[hidden], hidden)

# %% [markdown]
# The look-alikes win: digits are not Gaussian, and what stands under a hole does not follow linearly from what is seen. But the matrix has a formula for its score. Draw one mask for each of three ratios. *Guess first:* is (3), computed from the 8,000 known digits, right about 2,000 new ones?

# %%
formula, on_new = [], []
for share in [0.25, 0.5, 0.75]:
    mask = data.random_mask(1, (7, 7), generator, ratio=share)
    seen, hidden = world.split_pixels(mask, 2, (14, 14))[0]
    F = filling_matrix(covariance, seen, hidden)
    explained = F @ covariance[seen][:, hidden]  # its trace is tr(F Sigma_sh), as in (3)
    formula.append(explained.trace() / covariance[hidden, hidden].sum())
    on_new.append(restored(x_new[:, seen] @ F.T, x_new[:, hidden]))

# %%
formula, on_new = torch.stack(formula), torch.stack(on_new)
print("by formula", formula.numpy().round(2), "on new digits", on_new.numpy().round(2))
ch.measure("formula-knows", error=(formula - on_new).abs().max(), half=on_new[1])

# %% [markdown]
# Is it the *relations* between pixels that do it? Keep the last mask, with three quarters hidden, and mix the pixels: each pixel of a digit is taken from another digit, drawn at random. Each pixel varies as before, but no two belong together.

# %%
mixed, mixed_new = (images.gather(0, torch.rand(images.shape).argsort(0)) for images in [x, x_new])
F = filling_matrix(mixed.T @ mixed / len(x), seen, hidden)
ch.measure("mixed-pixels", r2=restored(mixed_new[:, seen] @ F.T, mixed_new[:, hidden]))

# %% [markdown]
# **What you saw.** The formula knows the difficulty beforehand, and without relations between pixels nothing can be restored. *Copying* an image, by contrast, needs no relations. Keep that in mind for section 6.
#
# > **Check yourself.** Two seen pixels are exact copies of each other. What goes wrong in (3), and what does the ridge do about it?

# %% [markdown]
# ## 4 · How much to hide, and in what shape?
#
# Seeing more never hurts: a guess may give the additional pixels weight 0. So the more you hide, the harder the game; how fast it becomes hard depends on the data. Masks of one ratio differ, too: with seed 0 we drew an easy one for $r = 0.75$. So average (3) over 16 masks, for three sizes of patch. The library's `gaussian_reconstruction` is our `filling_matrix` with $R^2$.
#
# *Guess first.* Half is hidden, scattered, and you restore 0.5. What if the same half is *one* block?


# %%
def difficulty(mask, patch=2, count=16):
    grid = (14 // patch, 14 // patch)
    splits = world.split_pixels(mask(count, grid, generator), patch, (14, 14))
    return np.mean([world.gaussian_reconstruction(covariance, *split, ridge=0.01).r2 for split in splits])


def scattered(share):
    return partial(data.random_mask, ratio=share)


# %%
shares = {1: [0.1, 0.25, 0.5, 0.75, 0.9], 2: [0.1, 0.25, 0.5, 0.75, 0.9], 7: [0.25, 0.5, 0.75]}
curves = {patch: {share: difficulty(scattered(share), patch) for share in shares[patch]} for patch in shares}
in_block = difficulty(partial(world.one_block, ratio=25 / 49), count=48)
cb.explore(
    ch.figures.game, x_new[12], mean, covariance, curves, in_block,
    ratio=(0.1, 0.9, 0.05), patch=[2, 1, 7], shape=["scattered", "one block"], figsize=(8.6, 3),
)  # fmt: skip

# %% [markdown]
# *Left:* what is seen, the linear guess, and the truth. *Right:* the mean $R^2$ of scattered masks (lines), and that of this mask (large dot). Drag `ratio` up: strokes fade into a grey average. Change `patch`, and the line changes. Then go back to a ratio of 0.5 with `patch` 2 and choose `one block`: the dot drops from near the line to near the red square (the mean of 48 blocks).

# %%
lines = np.array([[curves[patch][share] for share in shares[7]] for patch in [1, 2, 7]])  # a row for each size
print("R² at r = 0.25, 0.5, 0.75 for patches of 1, 2, 7:", *lines.round(2), f"one block {in_block:.2f}")
fall, block_costs = lines[1, 0] - lines[1, 2], lines[1, 1] - in_block
ch.measure("difficulty", fall=fall, sizes=(lines[:-1] - lines[1:]).min(), block=block_costs)

# %% [markdown]
# **What you saw.** Three ways lead to a hard game: hide more, hide larger patches, hide in one piece. Each of these methods takes one (the shares are those of the papers):
#
# | method | hides | predicts |
# |---|---|---|
# | MAE (He et al., 2022) | 75 %, scattered | pixels |
# | SimMIM (Xie et al., 2022) | 60 %, in squares of 32 pixels | pixels |
# | BEiT (Bao et al., 2022) | 40 %, in blocks | the index of the patch in a code book |
#
# > **Check yourself.** In which row of the table would you expect the visible neighbours of a hole to help most?
#
# ## 5 · Where does the guess come from?
#
# A row of $F$ holds the weights of all seen pixels in the guess of one hidden pixel. Here are two such rows, for the same hidden pixel in the middle (×). (On the left every second patch of every second row is hidden, so that each hole has all its neighbours.) Each weight is multiplied by the standard deviation of its pixel, so that it says how much that pixel adds.

# %%
ch.figures.weights(covariance, block)

# %% [markdown]
# *Look at the colours around the cross.* Where the neighbours are seen, they get nearly all the weight, and a stroke is continued. Within a block they are hidden themselves; what little weight there is comes from the rim, far away, as if to ask which digit this might be.
#
# To put a number on it, guess every hidden patch twice: from all that is seen, and from those of its **eight neighbouring patches** that are seen. The library's `guess_sources` returns the $R^2$ of both.
#
# *Guess first.* Which part of the $R^2$ remains if you look at the neighbours only? With a quarter hidden, scattered? With half hidden in one block?

# %%
quarter = data.random_mask(8, (7, 7), generator, ratio=0.25)
blocks = world.one_block(16, (7, 7), generator, ratio=25 / 49)
parts = []
for mask in [quarter, blocks]:
    everything, neighbors = world.guess_sources(covariance, mask, 2, (14, 14), ridge=0.01)
    parts.append(neighbors / everything)
    print(f"R² from all that is seen {everything:.2f}, from the neighbours {neighbors:.2f}")
ch.measure("next-door", quarter=parts[0], block=parts[1])

# %% [markdown]
# **What you saw.** With a quarter hidden, the neighbours alone reach most of the score, here 0.51 of 0.60: to play well you need not know what a digit is. Within a block you must look at the whole picture.
#
# > **Check yourself.** Half hidden, in patches of a single pixel, scattered. Near or far?
#
# ## 6 · What does it teach?
#
# So far nothing was trained. Now a network plays: a small perceptron gets the seen pixels (0 where hidden) and 49 flags that say which patches are hidden. It makes a **code** of 128 numbers, from which a second network, the *decoder*, guesses the pixels. Then the decoder is thrown away. We judge the code of the whole image by **low-shot accuracy**: a linear classifier learns from 200 labels (mean over five sets of labels).
#
# Three games, 300 steps each at one learning rate: a quarter hidden, nine tenths hidden, and *nothing* hidden. The last is a plain **autoencoder**: it sees every pixel and is asked for every pixel.
#
# *Guess first.* Draw three curves of accuracy against the steps. Raw pixels stand at 0.73.


# %%
def play(mask, seed):
    with training.seeded(seed):
        encoder = models.MaskedMLP()
        decoder = models.MaskedMLPDecoder(encoder.dim, 4, encoder.grid)
    accuracy = []

    def watch(step, out):  # every 50 steps
        accuracy.append(recipes.low_shot(encoder, digits))

    method = methods.MaskedAutoencoder(encoder, decoder, mask=mask)
    settings = {"steps": 301, "lr": 3e-3, "weight_decay": 1e-3, "log_every": 50, "seed": seed}
    loss = training.pretrain(method, digits.x_train, monitor=watch, **settings).loss
    return accuracy, loss  # after 0, 50, ..., 300 steps; at every step


# %%
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))
ratios = ch.pick(fast=[0.25, 0.9], toy=[0.1, 0.25, 0.5, 0.75, 0.9])
games = {0: world.hide_nothing} | {share: scattered(share) for share in ratios}
runs = {share: [play(mask, seed) for seed in seeds] for share, mask in games.items()}
paths = {share: np.array([accuracy for accuracy, _ in run]) for share, run in runs.items()}
raw = recipes.low_shot(nn.Flatten(), digits)
ch.figures.lessons(paths, raw)

# %%
copier, quarter, most = (paths[share] for share in [0, 0.25, 0.9])  # a row for each seed
copy_loss = [np.mean(loss[40:60]) / np.mean(loss[-20:]) for _, loss in runs[0]]
ch.measure("copying-fades", lost=copier[:, 1] - copier[:, -1], loss=copy_loss)

# %%
end = {name: path[:, -1] for name, path in {"copy": copier, "quarter": quarter, "most": most}.items()}
print("at the end:", *(f"{name} {score.round(3)}" for name, score in end.items()), f"  raw pixels {raw:.3f}")
print("at its best:", *(f"{name} {path.max(1).round(3)}" for name, path in [("copy", copier), ("quarter", quarter)]))
ch.measure("hiding-pays", copy=end["quarter"] - end["copy"], pixels=end["quarter"] - raw)
ch.measure("too-much", gain=end["quarter"] - end["most"])

# %% [markdown]
# **What you saw.** The autoencoder learns fastest, and is ahead after 50 steps: stopped in time, it would be less than two points behind. Then it keeps improving *at its own game* while its code says less and less about the digit. A likely reason, which we did not measure: its best answer is a copy, and a copy asks for no relation between pixels, whereas the masked network is asked for relations alone, as in (3), where $F$ is made of $\Sigma_{hs}$. Hide too much, and most of what is asked for cannot be known.
#
# > **Check yourself.** The autoencoder's loss falls below the masked network's. Does that make it the better learner?

# %% [markdown]
# ## What breaks
#
# - **75 % is not a law.** On ImageNet MAE's accuracy is best near $r = 0.75$; on our digits a quarter to a half is. The [lab](masked_modeling_lab.ipynb) compares the two kinds of picture, and also shows a task on which copying wins.
# - **A hard game is not a good lesson.** One block of half the patches is about as hard as four fifths scattered, by (3), and teaches less (lab).
# - **Fairness.** Stopped after 50 steps the autoencoder is a good learner; stopping at the right time needs labels, though. And we show one learning rate. With seed 0 the copier and the quarter end at 0.82 and 0.85 with a rate three times larger, at 0.80 and 0.82 with one three times smaller: the same order, a smaller lead.
# - **The toy is small.** MAE trains a Transformer with 300 million weights for 1,600 epochs on ImageNet and is then *fine-tuned*, to 85.9 % (He et al., 2022). We have not reproduced that. The lab has a small Transformer, and what happens when *features* are predicted.

# %% [markdown]
# ## Summary
#
# 1. Hide, guess, pay the squared error: the best guess is the conditional expectation, a blur.
# 2. The best linear guess is $F x_s$ with $F = \Sigma_{hs} \Sigma_{ss}^{-1}$, and its $R^2$ is known before training.
# 3. Hiding more, larger patches, or one block makes the game harder.
# 4. Where neighbours are seen, most of the guess comes from them.
# 5. Copying teaches fast and then less and less; a quarter hidden goes on teaching; nine tenths hidden is too much (300 steps, digits).
#
# The exercises below take 100 minutes, those of the lab two and a half hours more.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Two pixels have variance 1 and correlation $\rho$; one is hidden. Find $F$ and $R^2$. Then explain why masked modelling with $r \to 0$ is *not* an autoencoder: what is the $R^2$ of our digits when only the patch in the middle is hidden?
#
# <details><summary>Hint</summary>All blocks in (3) are single numbers. For the second part, over which pixels does (1) run? Patch 24 is in the middle.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 30 min. A signal on a line has variance 1 and correlation $\rho^{|i - j|}$ between places $i$ and $j$; $b$ neighbouring values are hidden, all others seen. Find $R^2$ by hand, check it, and compare with $b$ separate gaps of one value. (The signal is a Markov chain: only the two ends of the gap matter.)
#
# <details><summary>Hint</summary>Take the variance of value $k$ of the gap given its left end, then given both: condition twice. Write $s = \rho^2$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 60 min. Should one hide what the other patches predict best, or worst? Compute the $R^2$ of each patch from all others by (3), and let it tilt the random order of a mask.
#
# <details><summary>Hint</summary>`play` takes any function of (n, grid, generator) that returns the kept and the hidden patches: sort random numbers plus or minus $R^2$. More than one seed, and plain random masks beside them.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on masked image modelling.
# - K. He et al. [Masked Autoencoders Are Scalable Vision Learners](https://arxiv.org/abs/2111.06377) (MAE), 2022. Z. Xie et al. [SimMIM](https://arxiv.org/abs/2111.09886), 2022. H. Bao et al. [BEiT](https://arxiv.org/abs/2106.08254), 2022. P. Vincent et al. Extracting and composing robust features with denoising autoencoders, 2008. D. Pathak et al. [Context encoders](https://arxiv.org/abs/1604.07379), 2016. J. Devlin et al. [BERT](https://arxiv.org/abs/1810.04805), 2018, hides 15 % of the words of a text.
