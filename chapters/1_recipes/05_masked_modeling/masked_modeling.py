# %% [markdown]
# # Masked modelling
#
# MAE, BEiT, data2vec and I-JEPA hide part of an image and predict it from the rest. After this chapter you can choose what to hide so that the game teaches something, compute how hard it is before you
# train anything, and notice when a learned target has collapsed.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import time
from functools import partial
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from torch import nn
from torch.testing import assert_close

import cookbook as cb
from replearn import data, evaluation, losses, methods, models, recipes, spectral, training
from replearn.papers.masked_modeling import gaussian_reconstruction

ch = cb.Chapter("masked_modeling", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown]
# ## The question
#
# BERT hides 15 % of the words of a sentence and learns language by guessing them. A picture is less dense: a missing piece can often be told from its neighbours, with no idea of what the picture shows.
# Here is a digit in 49 **patches** of 4 × 4 pixels, with more and more of them hidden (grey).

# %%
mnist = data.load("mnist_10k")
mnist = mnist._replace(images=data.standardize(mnist.images))
(x_train, y_train), (x_test, y_test) = mnist.train, mnist.test
digit, grey = x_train[y_train == 5][:1], torch.tensor(1.0)


def scattered(ratio):
    return partial(data.random_mask, ratio=ratio)


def block(ratio):
    return partial(data.block_mask, ratio=ratio, scale=(ratio, ratio), aspect=(1, 1))


def paint(images, patch, hidden, values):
    tokens = data.patchify(images, patch)
    places = hidden.unsqueeze(2).expand(-1, -1, tokens.shape[2])
    return data.unpatchify(tokens.scatter(1, places, values.expand(places.shape)), patch, images.shape[2:])


# %%
masks = [scattered(0.25), scattered(0.5), scattered(0.75), scattered(0.9), block(25 / 49)]
games = [paint(digit, 4, mask(1, (7, 7), generator).masked, grey) for mask in masks]
fig, ax = plt.subplots(figsize=(8.6, 1.8), layout="constrained")
titles = ["25 %", "50 %", "75 %", "90 %", "51 %, one block", "nothing hidden"]
cb.plots.image_grid(ax, torch.cat([*games, digit])[:, 0], columns=6, gap=3, titles=titles)
ax.set_title("Which of these could you complete?", pad=20)
plt.show()

# %% [markdown]
# *Compare the second picture with the fifth.* The same share is hidden. In the one you continue strokes and need not know what a digit is; in the other you have to. How much to hide, in which shape,
# and what exactly to predict: that is all the methods of this chapter differ in.
#
# ## The mathematics
#
# **MAE** (masked autoencoder). An image of $H \times W$ pixels and $c$ channels is cut into $L = (H/p)(W/p)$ patches $x_1, \dots, x_L \in \mathbb{R}^{c p^2}$, called *tokens* once a network has embedded
# them. A mask hides the patches $\mathcal M$ and leaves $\mathcal V$; with **ratio** $r$, $\max(1, \lfloor L (1 - r) \rfloor)$ of them. An encoder $f$, a Transformer, computes the visible tokens *and nothing
# else*, each with a code for its position (sines and cosines) added. A light decoder $g$ gets what $f$ makes of them and, for every hidden patch, one learned *mask token* plus the code of the position to
# fill. It answers with pixels $\hat x$, and only hidden patches count:
#
# $$ \hat x = g\big( f(x_{\mathcal V}) \big), \qquad \mathcal L = \frac{1}{|\mathcal M|\, c p^2} \sum_{l \in \mathcal M} \| \hat x_l - x_l \|^2 . \tag{1} $$
#
# After training the decoder is thrown away, and the mean of $f$'s tokens represents an image. Relatives differ in where they hide, who sees the mask token, and what is predicted (*normalised* pixels are
# those of a patch less their mean, over their standard deviation):
#
# | method | hides | mask token goes to | target | loss |
# |---|---|---|---|---|
# | MAE | 75 %, at random | decoder | pixels, normalised | squared error |
# | SimMIM | 60 %, in squares of 32 pixels | encoder | pixels | absolute error |
# | BEiT | 40 %, in blocks | encoder | index in a code book of 8,192 | cross-entropy |
# | data2vec | blocks | encoder | mean of a teacher's top blocks | smooth absolute error |
# | iBOT | blocks | encoder | a teacher's distribution, as in DINO | cross-entropy |
# | I-JEPA | 4 blocks of 15 to 20 % | predictor | a teacher's tokens | squared error (its code: smooth absolute) |
#
# **How hard is the game?** For the best *linear* prediction there is an answer. Let $\Sigma$ be the covariance of the (centred) pixels, with blocks $\Sigma_{vv}$ of the visible and $\Sigma_{mm}$ of the
# hidden ones, and $\Sigma_{mv}$ between them. $E \|x_m - W x_v\|^2$ is smallest where the error is uncorrelated with $x_v$, that is where $W \Sigma_{vv} = \Sigma_{mv}$. The error then has the
# covariance in the numerator below, and $R^2$ is the explained share of the hidden variance:
#
# $$ \hat x_m = \Sigma_{mv} \Sigma_{vv}^{-1} x_v, \qquad R^2 = 1 - \frac{\operatorname{tr} \big( \Sigma_{mm} - \Sigma_{mv} \Sigma_{vv}^{-1} \Sigma_{vm} \big)}{\operatorname{tr} \Sigma_{mm}} . \tag{2} $$
#
# For Gaussian data $\hat x_m$ is the conditional mean, and no network does better. But (2) is made anew for each mask; a network has to serve all. Keep each patch with probability $q = 1 - r$, independently,
# and set it to zero otherwise: $x$ becomes $\tilde x$. Two pixels of one patch survive together with probability $q$, two of different patches with $q^2$. The best $W$ in $E \|x - W \tilde x\|^2$ is therefore
#
# $$ W = E[x \tilde x^\top]\, E[\tilde x \tilde x^\top]^{-1}, \qquad E[x \tilde x^\top] = q \Sigma, \qquad E[\tilde x \tilde x^\top]_{ab} = \Sigma_{ab} \cdot \begin{cases} q & a, b \text{ in one patch,} \\ q^2 & \text{otherwise.} \end{cases} \tag{3} $$
#
# **What is saved.** A Transformer block of width $d$, whose inner layer is $\rho$ times as wide, spends $2 L d^2 (4 + 2 \rho)$ operations on projections and MLP and $4 L^2 d$ on attention. With a
# quarter of the tokens it is *more* than four times cheaper, for attention is quadratic.
#
# **Learned targets.** data2vec and I-JEPA predict *features*: $x_l$ in (1) becomes a token $t_l$ that an encoder makes of the *whole* image. If that encoder is $f$ itself, with gradient, $f$ may be
# constant; $g$ answers the constant, and the loss is zero. The remedy is that of [Self-distillation](../03_self_distillation/self_distillation.ipynb): a **teacher** whose weights follow those of $f$ slowly,
# $\xi \leftarrow m\, \xi + (1 - m)\, \theta$, and through which no gradient flows (*stop-gradient*).
#
# ## From scratch
#
# Cutting, hiding, and the loss (1), in plain lines and by the library. `pred` stands for what a decoder would say.

# %%
images, pred = torch.randn(64, 1, 28, 28), torch.randn(64, 37, 16)
patches = images.reshape(64, 7, 4, 7, 4).transpose(2, 3).reshape(64, 49, 16)
order = torch.rand(64, 49, generator=torch.Generator().manual_seed(ch.seed)).argsort(1)
keep, hidden = order[:, :12], order[:, 12:]
target = patches[torch.arange(64).unsqueeze(1), hidden]
loss = (pred - target).square().mean()

assert_close(patches, data.patchify(images, 4))
assert_close(hidden, scattered(0.75)(64, (7, 7), torch.Generator().manual_seed(ch.seed)).masked)
assert_close(loss, losses.mae_loss(pred, patches, hidden))
cb.show_source(methods.MaskedAutoencoder.step)

# %% [markdown]
# **The encoder cannot cheat.** A small Transformer encodes 12 of 49 patches. Its output must not depend on any hidden pixel, nor its tokens on the order of the patches. Control: of the *whole* image, it
# does see these pixels.

# %%
with training.seeded(ch.seed):
    network = models.TinyViT((28, 28), patch=4)
images.requires_grad_()
slopes = [torch.autograd.grad(network(images, ids).square().sum(), images)[0] for ids in (keep, None)]
leak, seen = (data.take_patches(data.patchify(slope, 4), hidden).abs() for slope in slopes)
flipped = network(images, keep.flip(1), tokens=True).flip(1)
order_error = (flipped - network(images, keep, tokens=True)).abs().max()
many = data.random_mask(5000, (7, 7), generator, ratio=37 / 49)
frequency = torch.bincount(many.masked.flatten(), minlength=49) / 5000
lost = torch.cat([many.keep, many.masked], 1).sort(1).values != torch.arange(49)
back = data.unpatchify(data.patchify(images, 4), 4, (28, 28))

# %%
ch.measure("hidden-unseen", slope=leak.max())
ch.measure("whole-seen", slope=seen.mean())

# %%
off_share, difference = abs(frequency - 37 / 49), (back - images).abs().max()
ch.measure("masks-and-patches", order=order_error, partition=lost.sum(), frequency=off_share, inverse=difference)

# %% [markdown]
# **And it saves time.** A larger network, 196 tokens, forward and backward, in turns on all of them and on a quarter. We count processor time, not the clock on the wall, of the quickest of six runs.
# Machines differ, so whatever is gained beyond threefold is not counted.

# %%
with training.seeded(ch.seed):
    large = models.TinyViT((56, 56), patch=4, dim=128, depth=4)
batch = torch.randn(4, 1, 56, 56)
quarter = scattered(0.75)(4, large.grid, generator).keep


def seconds(keep):
    start = time.process_time()
    large(batch, keep).sum().backward()
    return time.process_time() - start


seconds(None)
whole, visible = np.array([[seconds(None), seconds(quarter)] for _ in range(6)]).min(axis=0)
fewer = models.vit_flops(196, 128, 4) / models.vit_flops(49, 128, 4)
ch.measure("cheaper", operations=fewer, time=min(whole / visible, 3))

# %% [markdown]
# ## The theorem, tested
#
# **Both closed forms.** For (3): four patches have only 16 masks, so the two moments can be averaged over all of them. For (2): the 8,000 training digits, a mask that leaves 12 of 49 patches, and least
# squares for every hidden pixel.

# %%
X = np.random.default_rng(ch.seed).standard_normal((50, 8))
patch_of, q = np.array([0, 0, 1, 1, 2, 2, 3, 3]), 0.3
moments = spectral.mask_moments(X, 1 - q, (1, 8), (1, 2))
zeroed, cross = np.zeros((2, 8, 8))
for kept in product([0, 1], repeat=4):
    chance = q ** sum(kept) * (1 - q) ** (4 - sum(kept))
    X_masked = X * np.array(kept)[patch_of]
    zeroed += chance * X_masked.T @ X_masked / 50
    cross += chance * X.T @ X_masked / 50
ch.measure("mask-moments", moments=[abs(zeroed - moments.C).max(), abs(cross - moments.C_clean).max()])

# %%
average = x_train.mean(0)
centred = (x_train - average).double().flatten(1).numpy()
covariance = centred.T @ centred / len(centred)
pixel = torch.arange(784).reshape(1, 1, 28, 28)
seen, missing = (data.patchify(pixel, 4)[0, ids].flatten() for ids in (keep[0], hidden[0]))
fit = centred[:, seen] @ np.linalg.lstsq(centred[:, seen], centred[:, missing])[0]
by_samples = 1 - np.sum((centred[:, missing] - fit) ** 2) / np.sum(centred[:, missing] ** 2)
by_formula = gaussian_reconstruction(covariance, seen, missing, ridge=1e-9).r2
ch.measure("least-squares", r2=abs(by_formula - by_samples))

# %% [markdown]
# **Difficulty.** (2) on real digits, averaged over masks. Nothing is trained. `complete` gives the $R^2$ of a mask and paints the prediction into the holes. (A ridge of 1 % keeps pixels that hardly ever vary
# from spoiling the prediction of new images; it costs 0.003 of $R^2$.)


# %%
def complete(images, keep, hidden, patch):
    ids, deviations = data.patchify(pixel, patch)[0], (images - average).double().flatten(1)
    seen, missing = ids[keep].flatten(), ids[hidden].flatten()
    r2, guess = gaussian_reconstruction(covariance, seen, missing, deviations, ridge=0.01)
    filled = images.flatten(1).clone()
    filled[:, missing] = average.flatten()[missing] + torch.from_numpy(guess).float()
    return r2, filled.reshape(images.shape)


def difficulty(patch, mask, count):
    drawn = mask(count, (28 // patch, 28 // patch), torch.Generator().manual_seed(ch.seed))
    return np.mean([complete(digit, drawn.keep[i], drawn.masked[i], patch)[0] for i in range(count)])


# %%
counts = {0.1: 16, 0.25: 16, 0.5: 16, 0.75: 32, 0.9: 64}
sizes = ch.pick(fast=[4, 7], toy=[2, 4, 7])
r2 = {patch: np.array([difficulty(patch, scattered(r), n) for r, n in counts.items()]) for patch in sizes}
in_block, in_pieces = difficulty(4, block(25 / 49), 24), difficulty(4, scattered(25 / 49), 24)
fall, smaller = -np.diff([r2[4], r2[7]], axis=1), r2[4] - r2[7]
ch.measure("difficulty", fall=fall.min(), half=fall[0, 2], patches=smaller.min(), block=in_pieces - in_block)

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.3), layout="constrained")
for patch, shade in zip(sizes, ["#40370c", cb.color("mae"), "#b3a55a"], strict=False):
    ax.plot(list(counts), r2[patch], "o-", color=shade)
    ax.text(0.92, r2[patch][-1], f"{patch} × {patch} pixels", color=shade, va="center")
ax.plot(25 / 49, in_block, "s", ms=10, color=cb.color("jepa"))
ax.text(0.48, in_block, "one block of 5 × 5 patches", color=cb.color("jepa"), ha="right", va="center")
ax.set(xlim=(0.05, 1.1), ylim=(0, 1), xlabel="mask ratio r", ylabel="R², linear prediction")
ax.set_title("One large hole is harder to fill than many small ones")
plt.show()

# %% [markdown]
# *Compare the square with the curve of 4 × 4.* Half of the patches hidden at random leave neighbours everywhere, and a linear map restores 60 % of the variance. In one piece, the same number of pixels
# is as hard as 80 % at random. High ratios, large patches, blocks: three ways to a hard game, and each method of the table takes one.
#
# ## The experiment
#
# **Which ratio teaches most?** The smallest masked autoencoder: a perceptron gets 49 patches of a 14 × 14 digit, zero where hidden, and 49 flags that say which are hidden (on standardised images zero
# alone is just a grey); its 128 outputs go to a decoder with one hidden layer. The same with nothing hidden and a loss on everything is a plain *autoencoder*. **Low-shot** accuracy is that of a linear
# classifier with 200 labels (mean of five sets), on the code of the whole image.


# %%
def hide_nothing(n, grid, generator):
    every = torch.arange(49).expand(n, -1)
    return every, every


def train_mlp(mask, seed, steps=300):
    with training.seeded(seed):
        encoder = models.MaskedMLP()
        decoder = models.MaskedMLPDecoder(encoder.dim, 4, encoder.grid)
    method = methods.MaskedAutoencoder(encoder, decoder, mask=mask)
    training.pretrain(method, tiny.x_train, steps=steps, lr=3e-3, weight_decay=1e-3, seed=seed)
    return recipes.low_shot(encoder, tiny)


# %%
tiny = recipes.tiny_mnist()
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
ratios = ch.pick(fast=[0.25, 0.75, 0.9], toy=[0.1, 0.25, 0.5, 0.75, 0.9])
scores = {r: np.array([train_mlp(scattered(r), s) for s in seeds]) for r in ratios}
scores[0] = np.array([train_mlp(hide_nothing, s) for s in seeds])
with training.seeded(ch.seed):
    untrained = training.warm_up_batch_norm(models.MaskedMLP(), tiny.x_train[:1000])
levels = {"untrained": recipes.low_shot(untrained, tiny), "raw pixels": recipes.low_shot(nn.Flatten(), tiny)}

# %%
best = scores[0.25]
ch.measure("interior-optimum", high=best - scores[0.9], low=best - scores[0])
ch.measure("not-75", gain=scores[0.75] - best)

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.3), layout="constrained")
curve = np.array([scores[r] for r in [0, *ratios]])
ax.plot([0, *ratios], curve, "o", ms=4, color=cb.color("mae"))
ax.plot([0, *ratios], curve.mean(1), color=cb.color("mae"))
for name, level in levels.items():
    ax.axhline(level, color=cb.color("baseline"), ls="--", lw=1)
    ax.text(0.98, level + 0.003, name, color=cb.color("baseline"), ha="right")
ax.text(0.01, curve[0].mean() - 0.012, "autoencoder", color=cb.color("mae"))
ax.set(xlim=(-0.03, 1), xlabel="mask ratio r", ylabel="low-shot accuracy", title="On digits, hide a quarter to a half")
plt.show()

# %% [markdown]
# *Look for the top of the curve.* Too little hidden is copying, too much is a riddle. On ImageNet, MAE's linear probe peaks at 0.75 and has dropped at 0.9. Ours peaks earlier: a stroke on black is less
# redundant than a photograph, and a line that crosses one hidden patch is gone.
#
# **A small Transformer**, as in MAE: 28 × 28 pixels, 16 patches of 7 × 7, $d = 64$, two blocks, a decoder of one block, half of the patches hidden, 1,500 steps (scale `fast` stops at 400, and the claims
# ask for no more than what 400 steps give). Pixels are standardised all together, so that a constant grey would have error 1. Two honest yardsticks: the *mean image*, and the linear predictor made *anew for each mask* by (2).

# %%
low_shot = partial(recipes.low_shot, sets=(x_train, y_train, x_test, y_test))
adamw = partial(torch.optim.AdamW, betas=(0.9, 0.95))
pretrain = partial(training.pretrain, images=x_train, weight_decay=0.05, optimizer=adamw)


def new_vit(d_out, seed):
    with training.seeded(seed):
        encoder = models.TinyViT()
        return encoder, models.MaeDecoder(encoder.dim, d_out, encoder.grid)


encoder, decoder = new_vit(49, ch.seed)
before = low_shot(encoder)
mae = methods.MaskedAutoencoder(encoder, decoder, mask=scattered(0.5))
steps, batch_size = ch.pick(fast=(400, 64), toy=(1500, 96))
pretrain(mae, steps=steps, batch_size=batch_size, lr=5e-3, warmup=100, seed=ch.seed)
after = low_shot(encoder)
print(f"low-shot: untrained {before:.3f}, trained {after:.3f}, raw pixels {low_shot(nn.Flatten()):.3f}")

# %%
drawn = scattered(0.5)(20, (4, 4), generator)
keep, hidden = drawn.keep.repeat_interleave(100, 0), drawn.masked.repeat_interleave(100, 0)
groups = zip(x_test.split(100), drawn.keep, drawn.masked, strict=True)
mae.eval()
with torch.no_grad():
    by_vit = paint(x_test, 7, hidden, decoder(encoder(x_test, keep, tokens=True), keep, hidden))
by_linear = torch.cat([complete(some, k, m, 7)[1] for some, k, m in groups])
shown, target = (by_vit, by_linear, average.expand_as(x_test)), data.patchify(x_test, 7)
guesses = [data.take_patches(data.patchify(images, 7), hidden) for images in shown]
vit, linear, mean = (losses.mae_loss(guess, target, hidden) for guess in guesses)
ch.measure("vit-learns", gain=after - before, error=1 - vit / mean)
ch.measure("linear-still-better", error=vit - linear)

# %%
fig, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
rows = [images[::200, 0] for images in (paint(x_test, 7, hidden, grey), by_linear, by_vit, x_test)]
cb.plots.image_grid(ax, torch.cat(rows).clip(-0.5, 2.9), columns=10)
for row, label in enumerate(["seen", f"linear, error {linear:.2f}", f"ViT, error {vit:.2f}", "truth"]):
    ax.text(-6, 29 * row + 14, label, ha="right", va="center")
ax.set_title(f"What is painted into the holes (the mean image has error {mean:.2f})")
plt.show()

# %% [markdown]
# *Compare the second and third row, and their errors; 0 is not the yardstick.* The ViT has left the mean image behind, but even after 1,500 steps it does not reach the linear predictors. Both blur, as the
# mean of all possible strokes does. And yet the encoder has learned something: see its low-shot accuracy. (Do not compare that with the perceptron's. An untrained ViT with mean pooling starts far below
# raw pixels; each architecture needs its own baseline.)
#
# **Predicting features.** The same ViT, 100 steps, with learned targets $t_l$. *No teacher*: its own tokens, with gradient. Two have a teacher with $m$ from 0.99 to 1: *data2vec-style* hides half at
# random, *I-JEPA-style* four blocks. *Stop-gradient alone* (toy scale) is $m = 0$: its own tokens, as constants. We watch the loss, and the standard deviation of the features over test images.

# %%
jepa_mask = partial(data.multiblock_mask, min_context=0.25)
settings = {"no teacher": (scattered(0.5), None), "data2vec-style": (scattered(0.5), (0.99, 1))}
settings |= {"I-JEPA-style": (jepa_mask, (0.99, 1))}
settings |= ch.pick(fast={}, toy={"stop-gradient alone": (scattered(0.5), 0.0)})


def train_latent(mask, decay, seed):
    encoder, decoder = new_vit(64, seed)
    method, path = methods.LatentPrediction(encoder, decoder, mask=mask, decay=decay), []

    def watch(step, out):
        path.append((out["loss"].item(), training.features(encoder, x_test[:200]).std(0).mean().item()))

    pretrain(method, steps=100, batch_size=32, lr=2e-3, log_every=11, monitor=watch, seed=seed)
    return encoder, path


latent = {name: [train_latent(*setting, s) for s in seeds] for name, setting in settings.items()}
paths = {name: np.array([path for _, path in runs]) for name, runs in latent.items()}

# %%
final_loss, final_std = paths["no teacher"][:, -1].T
data2vec, ijepa = (paths[name][:, -1, 1] / final_std for name in ("data2vec-style", "I-JEPA-style"))
drop = [low_shot(new_vit(64, s)[0]) - low_shot(run[0]) for s, run in zip(seeds, latent["no teacher"], strict=True)]
ch.measure("no-teacher", loss=final_loss, std=final_std)
ch.measure("teacher-keeps-spread", data2vec=data2vec, ijepa=ijepa)

# %%
ch.measure("accuracy-hides-it", drop=drop)

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.4), layout="constrained")
shades = [cb.color("theory"), cb.color("byol"), cb.color("jepa"), cb.color("baseline")]
highest = [max(paths, key=lambda name: paths[name][:, -1, column].mean()) for column in (0, 1)]
for column, (ax, title) in enumerate(zip(axes, ["The lowest loss ...", "... belongs to a constant"], strict=True)):
    for (name, path), shade in zip(paths.items(), shades, strict=False):
        curve = path[:, :, column].mean(0)
        ax.plot(11 * np.arange(10), curve, color=shade)
        ax.text(101, curve[-1], name, color=shade, va="bottom" if name == highest[column] else "top")
    ax.set(xlim=(0, 165), xticks=[0, 50, 100], yscale="log", xlabel="step", title=title)
    ax.minorticks_off()
axes[0].set(ylabel="loss", ylim=(1e-3, 1))
axes[1].set(ylabel="standard deviation of features", ylim=(0.01, 0.3))
plt.show()

# %% [markdown]
# *Follow the black line.* Without a teacher the loss is by far the lowest, because the features are about to become one point. *What does not show* is the accuracy, still that of an untrained network:
# the probe rescales each feature, and what random features knew of the digits is still there, at less than a tenth of its size. Watch the spread, not the loss, and not the accuracy.
#
# ## Play
#
# **The linear game.** A digit, what (2) paints into its holes, and the truth; on the right the mean $R^2$ of random masks (lines) and that of this mask (point). Raise `ratio`. Then choose `block` at a
# ratio of 0.5 and see the point drop.


# %%
def draw_game(fig, ratio, patch, shape):
    left, right = fig.subplots(1, 2, width_ratios=[1.7, 1])
    fig.subplots_adjust(left=0.01, right=0.98, bottom=0.2, top=0.86, wspace=0.16)
    mask = block(ratio) if shape == "block" else scattered(ratio)
    drawn = mask(1, (28 // patch, 28 // patch), torch.Generator().manual_seed(5))
    score, filled = complete(digit, drawn.keep[0], drawn.masked[0], patch)
    panels = torch.cat([paint(digit, patch, drawn.masked, grey), filled, digit])
    cb.plots.image_grid(left, panels[:, 0].clip(-0.5, 2.9), columns=3, gap=2)
    left.set_title(f"R² of this mask: {score:.2f}")
    for size, values in r2.items():
        right.plot(list(counts), values, color=cb.color("mae") if size == patch else "#d5d9de")
    right.plot(ratio, score, "o", ms=10, color=cb.color("jepa"))
    right.set(xlim=(0, 1), ylim=(-0.1, 1), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], xlabel="mask ratio r")


ratio, shape = FloatSlider(0.5, min=0.1, max=0.9, step=0.05), SelectionSlider(options=["random", "block"])
cb.explore(draw_game, figsize=(7.2, 2.8), ratio=ratio, patch=SelectionSlider(options=sizes, value=4), shape=shape)

# %% [markdown]
# **The linear masked autoencoder** (3), on digits of 14 × 14 with patches of 2 × 2. Its predictions $W \tilde x$ have a covariance, of which you see the spectrum and, as pictures, the first twelve
# eigenvectors. Lower `keep`, the probability $q$: less is explained, and by fewer, smoother, larger patterns.

# %%
small = (tiny.x_train[:2000] - tiny.x_train[:2000].mean(0)).flatten(1).double().numpy()


def draw_linear(fig, keep):
    left, right = fig.subplots(1, 2, width_ratios=[1.2, 1])
    fig.subplots_adjust(left=0.1, right=0.98, bottom=0.19, top=0.86, wspace=0.08)
    moments = spectral.mask_moments(small, 1 - keep, (14, 14), (2, 2))
    explained = moments.C_clean @ np.linalg.solve(moments.C + 1e-6 * np.eye(196), moments.C_clean)
    variances, directions = np.linalg.eigh(explained)
    share = keep * variances.sum() / np.trace(moments.C_clean)
    left.semilogy(np.arange(1, 101), variances[:-101:-1].clip(1e-9), color=cb.color("mae"))
    left.set(xlim=(0, 100), ylim=(1e-4, 40), xlabel="index", ylabel="explained variance")
    left.set_title(f"{share:.0%} explained, effective rank {evaluation.effective_rank(explained):.1f}")
    cb.plots.image_grid(right, directions[:, :-13:-1].T.reshape(12, 14, 14), columns=4)


cb.explore(draw_linear, figsize=(7.2, 3), keep=FloatSlider(0.5, min=0.05, max=1, step=0.05))

# %% [markdown]
# **Compute.** Operations of MAE's ViT-L (width 1,024, 24 blocks; decoder 512, 8 blocks), relative to an encoder that is given mask tokens, as in SimMIM. `side` is the number of patches along an edge, 14
# for an image of 224 pixels. Raise it: the encoder falls below the dashed line, $1 - r$, and the decoder, which sees every position, decides what is left to pay.


# %%
def draw_compute(fig, ratio, side):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.82, bottom=0.17, top=0.87)
    L, grid = side**2, np.append(np.linspace(0, 0.95, 39), ratio)
    full = models.vit_flops(L, 1024, 24, mlp_ratio=4)
    encoder = models.vit_flops(L * (1 - grid), 1024, 24, mlp_ratio=4) / full
    total = encoder + models.vit_flops(L, 512, 8, mlp_ratio=4) / full
    ax.plot([0, 1], [1, 0], "--", color=cb.color("theory"), lw=1)
    for values, name, shade in [(encoder, "encoder", cb.color("byol")), (total, "with decoder", cb.color("mae"))]:
        ax.plot(grid[:-1], values[:-1], color=shade)
        ax.plot(ratio, values[-1], "o", ms=10, color=shade)
        ax.text(0.98, values[-2], name, color=shade, va="center")
    ax.set(xlim=(0, 0.97), ylim=(0, 1.2), xticks=[0.25, 0.5, 0.75], yticks=[0, 0.5, 1])
    ax.set(xlabel="mask ratio r", ylabel="relative operations")
    ax.set_title(f"{L} tokens: {1 / total[-1]:.1f} times cheaper ({1 / encoder[-1]:.1f} without the decoder)")


ratio, side = FloatSlider(0.75, min=0.05, max=0.95, step=0.05), IntSlider(14, min=4, max=64)
cb.explore(draw_compute, figsize=(7.2, 3), ratio=ratio, side=side)

# %% [markdown]
# ## What breaks
#
# - **Small and short.** After 300 steps we saw learned targets *behind* pixels (low-shot 0.48 to 0.50 against 0.50 to 0.54), and no gain from normalised pixels. That says nothing about ImageNet.
# - **Which part of the teacher?** A stop-gradient alone already slows the collapse down (grey), and in runs three times as long the spread came back. What the moving average adds, a toy cannot show.
# - **Probes.** By k-NN with 8,000 labels our digits ranked the ratios the other way, 0.94 for the plain autoencoder, 0.86 for $r = 0.9$: its code keeps pixels, and near pixels are near digits. In the
#   papers masked models shine after *fine-tuning*; their features are less linearly separable than those of joint embeddings.
# - **Small things.** Divide the loss by $|\mathcal M|$, not by $L$, or ratios do not compare. The decoder needs position codes too. Normalise targets before masking. I-JEPA's public code draws the scale
#   and the aspect of a block from one random number, ours from two.
# - **Scale.** MAE trains a ViT-L for 1,600 epochs at batch 4,096, on crops and flips alone, and fine-tunes to 85.9 % on ImageNet. `cookbook train mae --data cifar10` (or `data2vec`, or `ijepa`) trains a ViT-Tiny
#   on patches of 4 × 4 pixels. That run needs a GPU, and we have not made it.
#
# ## Before and after
#
# [Two views](../01_two_views/two_views.ipynb) had to say what counts as the same. Here the data supplies question and answer; the price is that all of the image counts, nuisances included
# ([Joint embedding vs reconstruction](../../2_spectral/09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb) says when that matters). The collapse is that of [Self-distillation](../03_self_distillation/self_distillation.ipynb);
# [Canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb) forbids it in the loss. With (3) begins [Reconstruction features](../../2_spectral/08_reconstruction_features/reconstruction_features.ipynb). Next:
# [training knobs](../06_training_knobs/training_knobs.ipynb).
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Why is MAE with $r \to 0$ not an autoencoder? What is the best linear $R^2$ if only the patch in the middle is hidden?
#
# <details><summary>Hint</summary>Over which patches does the loss (1) run? For the second question, `complete` takes the patches that are kept and those that are hidden.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 30 min. A stationary signal on a line has covariance $\rho^{|i - j|}$; $b$ neighbouring values are hidden, all others seen. Find $R^2$ by hand (the signal is a Markov chain, so that only the two ends of
# the gap matter), check it, and compare it with $b$ separate gaps of one value.
#
# <details><summary>Hint</summary>Take the variance of value $k$ of the gap given its left end, then given both: two steps of conditioning a Gaussian. Write $s = \rho^2$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Give the decoder no block at all, or two. What does the encoder learn from a decoder of depth 0, and why?
#
# <details><summary>Hint</summary>`models.MaeDecoder` takes `depth`. Call `method.step` once, go backward, and look at the gradients of the encoder's weights.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Should one hide what the other patches predict best, or worst? Compute the $R^2$ of each patch from all others by (2), and let it tilt the random order of a mask.
#
# <details><summary>Hint</summary>`train_mlp` takes any function (n, grid, generator) that returns the kept and the hidden patches: sort random numbers plus or minus $R^2$. More than one seed, and random masks beside them.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on masked image modelling.
# - K. He et al. [Masked Autoencoders Are Scalable Vision Learners](https://arxiv.org/abs/2111.06377), 2022. Z. Xie et al. SimMIM, 2022. H. Bao et al. BEiT, 2022. C. Wei et al. MaskFeat (targets:
#   histograms of gradients), 2022. A. Baevski et al. data2vec, 2022. J. Zhou et al. iBOT, 2022. M. Assran et al. [I-JEPA](https://arxiv.org/abs/2301.08243), 2023.
# - P. Vincent et al. Denoising autoencoders, 2008. M. Chen et al. Marginalised denoising autoencoders, 2012. D. Pathak et al. Context encoders, 2016. J. Devlin et al. BERT, 2018. R. Balestriero, Y.
#   LeCun. [Learning by Reconstruction](https://arxiv.org/abs/2402.11337), 2024.

# %%
ch.footer()
