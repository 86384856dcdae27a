# %% [markdown]
# # Masked modelling: lab
#
# For those who want more: MAE's Transformer and what it saves; a small one at play; one matrix for all masks; games that are equally hard and not equally good; photographs; and what happens when features are predicted instead of pixels. Sections stand alone. Equation numbers go on from the [lesson](masked_modeling.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import time
from functools import partial

import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import data, evaluation, methods, models, recipes, training
from replearn.papers import masked_modeling as world

ch = cb.Chapter("masked_modeling_lab", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
generator = torch.Generator().manual_seed(ch.seed)
digits = recipes.tiny_mnist()  # 14 x 14 pixels
mean = digits.x_train.flatten(1).double().mean(0)
x, x_new = (part.flatten(1).double() - mean for part in (digits.x_train, digits.x_test))
covariance = x.T @ x / len(x)
mnist = data.load("mnist_10k")
mnist = mnist._replace(images=data.standardize(mnist.images))
large = recipes.TinyMnist(*mnist.train, *mnist.test)  # 28 x 28 pixels
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))


def scattered(share):
    return partial(data.random_mask, ratio=share)


# %% [markdown]
# ## A · What MAE saves
#
# A Transformer computes one **token** for each patch. MAE's encoder gets the seen patches *and nothing else*; a light decoder gets its tokens and, for every hidden patch, one learned **mask token** with the position that is to be filled. SimMIM gives the mask tokens to the encoder instead, so that this computes every place, and needs a linear map only as decoder. Here is MAE's step.

# %%
cb.show_source(methods.MaskedAutoencoder.step)

# %% [markdown]
# What does it save? A block of width $d$ whose inner layer has width $4d$ takes $24\, L d^2$ operations for its projections and its inner layer (a product and a sum count as two), and $4 L^2 d$ for attention, where each token looks at each. With a quarter of the tokens the *encoder* is more than four times cheaper. But training also pays for the decoder, which sees every place.
#
# *Guess first.* The ViT-L of MAE's tables has 24 blocks of width 1,024, and its decoder 8 of width 512, for 196 patches. With three quarters hidden, how many times cheaper is a whole step than with the mask tokens in the encoder and the same decoder?

# %%
cb.explore(ch.figures.compute, ratio=(0.05, 0.95, 0.05), side=(4, 64))

# %% [markdown]
# *Drag `ratio`.* The grey line is the encoder alone, the olive one the whole; dashed is $1 - r$. `side` is the number of patches along an edge. Now the clock, on a small model: a whole step forward and backward of MAE with a quarter of 196 patches, and of SimMIM. (Processor time of the quickest of three. Machines differ, so what is gained beyond twofold is not counted.)


# %%
def seconds(method):
    views = method.views(pictures, torch.arange(4), torch.Generator().manual_seed(0))
    times = []
    for _ in range(4):
        start = time.process_time()
        method.step(views)["loss"].backward()
        times.append(time.process_time() - start)
    return min(times[1:])


# %%
def encoder():
    return models.TinyViT((56, 56), patch=4, dim=128, depth=4)


pictures = torch.randn(4, 1, 56, 56)
mae = methods.MaskedAutoencoder(encoder(), models.MaeDecoder(128, 16, (14, 14), dim=64), mask=scattered(0.75))
simmim = methods.SimMIM(encoder(), nn.Linear(128, 16), mask=scattered(0.75))
full, quarter = models.vit_flops(196, 1024, 24, mlp_ratio=4), models.vit_flops(49, 1024, 24, mlp_ratio=4)
decoder = models.vit_flops(196, 512, 8, mlp_ratio=4)
ch.measure("cheaper", operations=(full + decoder) / (quarter + decoder), time=min(seconds(simmim) / seconds(mae), 2))

# %% [markdown]
# **What you saw.** By count the whole is 3.3 times cheaper, not four times. He et al. report 2.8 times, by the clock.
#
# > **Check yourself.** Why does the encoder alone fall *below* the dashed line, and the more so the larger `side` is?

# %% [markdown]
# ## B · A small Transformer plays
#
# One block of width 64 on digits of 28 × 28 pixels in 16 patches of 7 × 7, half of them hidden; a decoder of one block. Scale `fast` takes 300 steps, `toy` 1,500. The code of an image is the mean of its tokens.

# %%
optimizer = partial(torch.optim.AdamW, betas=(0.9, 0.95))
pretrain = partial(training.pretrain, images=large.x_train, weight_decay=0.05, optimizer=optimizer)


def new_vit(d_out, seed):
    with training.seeded(seed):
        encoder = models.TinyViT(depth=1)
        return encoder, models.MaeDecoder(encoder.dim, d_out, encoder.grid, dim=64)


encoder, decoder = new_vit(49, ch.seed)
before = recipes.low_shot(encoder, large)
mae = methods.MaskedAutoencoder(encoder, decoder, mask=scattered(0.5))
pretrain(mae, steps=ch.pick(fast=300, toy=1500), batch_size=64, lr=5e-3, warmup=50, seed=ch.seed)
after, raw = recipes.low_shot(encoder, large), recipes.low_shot(nn.Flatten(), large)
print(f"low-shot accuracy: untrained {before:.3f}, trained {after:.3f}, raw pixels {raw:.3f}")

# %% [markdown]
# Two yardsticks for its guesses: the *mean image*, whose $R^2$ is 0, and the lesson's linear guess (3), made *anew for each mask*. We take 2,000 new digits and 20 masks. *Guess first:* where between the two will the Transformer stand?


# %%
def restored(guess, truth):
    return 1 - (torch.cat(guess) - torch.cat(truth)).square().mean() / torch.cat(truth).square().mean()


large_mean = large.x_train.flatten(1).double().mean(0)
deviations = large.x_train.flatten(1).double() - large_mean
large_covariance = deviations.T @ deviations / len(deviations)
drawn = data.random_mask(20, (4, 4), generator, ratio=0.5)
splits = world.split_pixels(drawn, 7, (28, 28))

# %%
mae.eval()
truth, by_linear, by_vit = [], [], []
for keep, masked, (seen, hidden), images in zip(drawn.keep, drawn.masked, splits, large.x_test.split(100), strict=True):
    deviation = images.flatten(1).double() - large_mean
    guess = world.gaussian_reconstruction(large_covariance, seen, hidden, deviation, ridge=0.01).mean
    keep, masked = keep.expand(100, -1), masked.expand(100, -1)
    with torch.no_grad():
        filled = decoder(encoder(images, keep, tokens=True), keep, masked).flatten(1)
    truth.append(deviation[:, hidden])
    by_linear.append(torch.from_numpy(guess))
    by_vit.append(filled - large_mean[hidden])

# %%
vit, linear = restored(by_vit, truth), restored(by_linear, truth)
print(f"R² of the Transformer {vit:.2f}, of a matrix for each mask {linear:.2f}")
ch.measure("vit-learns", accuracy=after - before, r2=vit)
ch.measure("matrix-still-better", gap=linear - vit)
ch.figures.fills(large.x_test, large_mean, splits, by_linear, by_vit)

# %% [markdown]
# **What you saw.** The Transformer has left the mean image behind and does not reach the matrices. It *first* has to find out which token looks where. Its accuracy has risen above its untrained start, and is still below raw pixels. (The perceptron of the lesson did better, but an untrained Transformer with averaged tokens also starts lower. Each architecture needs its own baseline.)
#
# > **Check yourself.** Why do both rows of guesses show grey where the truth is white?

# %% [markdown]
# ## C · One matrix for all masks
#
# A network cannot be made anew for each mask. What does that cost? Set the hidden patches to zero, call the result $\tilde x$, and let one matrix $F$ serve all masks that keep each patch with probability $1 - r$, independently. Two pixels of one patch survive together with probability $1 - r$, two of different patches with $(1 - r)^2$. The argument of the lesson, with $\tilde x$ for $x_s$ and all of $x$ to be guessed, gives
#
# $$ F = \mathbb{E}[x \tilde x^\top]\, \mathbb{E}[\tilde x \tilde x^\top]^{-1}, \qquad \mathbb{E}[x \tilde x^\top] = (1 - r)\, \Sigma, \qquad \mathbb{E}[\tilde x \tilde x^\top]_{ij} = \Sigma_{ij} \cdot \begin{cases} 1 - r & i, j \text{ in one patch,} \\ (1 - r)^2 & \text{otherwise.} \end{cases} \tag{4} $$
#
# The library's `shared_filling` does the same for a fixed number of kept patches, and for the hidden pixels only. *Guess first:* a matrix for each mask restores half of the hidden half. And one for all masks?

# %%
F = torch.from_numpy(world.shared_filling(covariance, 0.5, 2, (14, 14), ridge=0.01))
some = data.random_mask(200, (7, 7), generator, ratio=0.5)
one, each, truth = [], [], []
for image, (seen, hidden) in zip(x_new[:200], world.split_pixels(some, 2, (14, 14)), strict=True):
    guess = world.gaussian_reconstruction(covariance, seen, hidden, image, ridge=0.01).mean
    each.append(torch.from_numpy(guess))
    one.append(F[hidden][:, seen] @ image[seen])
    truth.append(image[hidden])

# %%
each, one = restored(each, truth), restored(one, truth)
print(f"R² on new digits: a matrix for each mask {each:.2f}, one for all masks {one:.2f}")
ch.measure("one-for-all", r2=one, cost=each - one)

# %% [markdown]
# One matrix has to answer for every mask, and its best answers are smooth. Look at the covariance of its guesses $F \tilde x$ by (4): its eigenvalues, and its first twelve eigenvectors as pictures. The **effective rank** is the exponential of the entropy of the eigenvalues, as shares of their sum. Drag `ratio` up: fewer, smoother, larger patterns are left.

# %%
cb.explore(ch.figures.shared, covariance, ratio=(0.05, 0.95, 0.05))
little, much = (evaluation.effective_rank(ch.figures.explained_covariance(covariance, r)) for r in [0.1, 0.9])
print(f"effective rank {little:.1f} at r = 0.1, {much:.1f} at r = 0.9")
ch.measure("smoother", ratio=much / little)

# %% [markdown]
# > **Check yourself.** Why does $F$ of (4) guess *seen* pixels too, and not just copy them?

# %% [markdown]
# ## D · Equally hard, not equally good
#
# By (3) one block of half the patches is about as hard as four fifths scattered. We train the lesson's perceptron on both, and with a quarter and three quarters scattered (100 steps each at `fast`, 300 at `toy`). *Guess first:* equal difficulty, equal accuracy?


# %%
steps = ch.pick(fast=100, toy=300)


def play(mask, images, seed):
    with training.seeded(seed):
        encoder = models.MaskedMLP()
        decoder = models.MaskedMLPDecoder(encoder.dim, 4, encoder.grid)
    method = methods.MaskedAutoencoder(encoder, decoder, mask=mask)
    training.pretrain(method, images, steps=steps, lr=4e-3, weight_decay=1e-3, seed=seed)
    return encoder


def difficulty(mask, count=32):
    splits = world.split_pixels(mask(count, (7, 7), generator), 2, (14, 14))
    return np.mean([world.gaussian_reconstruction(covariance, *split, ridge=0.01).r2 for split in splits])


# %%
half_block = partial(world.one_block, ratio=25 / 49)
games = {"a quarter": 0.25, "three quarters": 0.75, "four fifths": 0.8}
games = {name: scattered(share) for name, share in games.items()} | {"half, one block": half_block}
hard = {name: difficulty(mask) for name, mask in games.items()}
score = {
    name: np.array([recipes.low_shot(play(mask, digits.x_train, seed), digits) for seed in seeds])
    for name, mask in games.items()
}
ch.figures.hardness(
    {name: (hard[name], score[name]) for name in games}, {"raw pixels": recipes.low_shot(nn.Flatten(), digits)}
)

# %%
quarter, three, four_fifths, block = score.values()
ch.measure("not-75", gain=three - quarter)
ch.measure("equally-hard", r2=hard["four fifths"] - hard["half, one block"], accuracy=four_fifths - block)

# %% [markdown]
# **What you saw.** No. The share that can be restored does not say what is learned on the way. With a block always near the middle, the network is hardly ever asked for the middle from the middle. And hiding three quarters, best on ImageNet, does not beat a quarter here.
#
# > **Check yourself.** Which patches of a 7 × 7 grid can a square of 5 × 5 never leave visible?

# %% [markdown]
# ## E · Photographs
#
# MAE hides three quarters of photographs. Are they easier to complete than digits? We cut tiles of 14 × 14 pixels from eleven photographs (in grey), and compute (3) on tiles that the covariance has not seen. All pixels of a tile share its brightness, which is cheap to guess; so we look at tiles less their mean brightness, too. *Guess first:* with three quarters hidden, digits restore 0.3. And photographs?


# %%
def tiles(images):
    grey = images.mean(1)[:, 2:30, 2:30]
    return grey.unfold(1, 14, 14).unfold(2, 14, 14).reshape(-1, 1, 14, 14)


def on_new(train, test, share=0.75):
    known, new = ((part - train.mean(0)).flatten(1).double() for part in (train, test))
    splits = world.split_pixels(data.random_mask(16, (7, 7), generator, ratio=share), 2, (14, 14))
    sigma = known.T @ known / len(known)
    guesses = [world.gaussian_reconstruction(sigma, *split, new, ridge=0.01).mean for split in splits]
    guesses = [torch.from_numpy(guess) for guess in guesses]
    return np.mean([restored([guess], [new[:, split[1]]]).item() for guess, split in zip(guesses, splits, strict=True)])


# %%
photos = data.load("photos")
photos = photos._replace(images=data.standardize(photos.images))
known, new = tiles(photos.train[0]), tiles(photos.test[0])
flat_known, flat_new = (part - part.mean((2, 3), keepdim=True) for part in (known, new))
of_digits, of_photos = on_new(digits.x_train, digits.x_test), on_new(known, new)
of_flat = on_new(flat_known, flat_new)
print(f"digits {of_digits:.2f}, photographs {of_photos:.2f}, without brightness {of_flat:.2f}")
ch.measure("photos-redundant", plain=of_photos - of_digits, flat=of_flat - of_digits)

# %% [markdown]
# **What you saw.** A photograph repeats itself: with three quarters hidden its tiles are about as easy as digits with a quarter hidden, once brightness is taken away, and far easier with it. That fits MAE's high ratio. Does it prove it? Ask our perceptron which of the eleven photographs a tile was cut from.

# %%
order = torch.randperm(len(known), generator=generator)
labels, new_labels = (photo.repeat_interleave(4) for photo in (photos.train[1], photos.test[1]))
tile_sets = recipes.TinyMnist(known[order], labels[order], new, new_labels)
copying, hiding = (
    np.array([recipes.low_shot(play(mask, tile_sets.x_train, seed), tile_sets) for seed in seeds])
    for mask in [world.hide_nothing, scattered(0.75)]
)
print("accuracy: nothing hidden", copying.round(3), "three quarters hidden", hiding.round(3))
ch.measure("copying-wins", gain=copying - hiding)

# %% [markdown]
# **What you saw.** Here *copying* wins. The label is a texture: lawn, gravel, brick. To tell textures one needs the fine detail. A likely reason, not measured: the masked network cannot know it, and averages it away. Which game teaches depends on what you will ask for. That photographs need more hidden because they repeat themselves is a good story, which this toy does not confirm.
#
# > **Check yourself.** Which of the two would you choose to tell photographs of people from photographs of machines?

# %% [markdown]
# ## F · Predicting features
#
# data2vec and I-JEPA predict *features* of the hidden patches: in (1) the pixels of patch $l$ give way to a vector $t_l$ that an encoder makes of the *whole* image. (The distance differs: I-JEPA's paper has an average squared distance, its code a smooth absolute one, data2vec's the latter; ours is that of the library's `latent_loss`.) If that encoder is the one that learns, it can make the game trivial: give the same vector to all patches of all images, and the decoder guesses it at once. As in [self-distillation](../03_self_distillation/self_distillation.ipynb), methods stop the gradient through $t_l$, and take a **teacher**, whose weights are a slow running average of the encoder's.
#
# Which of the two remedies is at work? Four targets, 60 steps, half of the patches hidden: gradient and all; *stop-gradient* alone; a *slow teacher* (it moves by 1 % of the way a step, or less); and a *frozen* teacher, the random network of the start. We watch the loss and the **spread**: the standard deviation of each feature over test images, averaged.
#
# *Guess first.* Which will have the lowest loss? And which two will be hard to tell apart?


# %%
def predict_features(decay, seed):
    encoder, decoder = new_vit(64, seed)
    method, path = methods.LatentPrediction(encoder, decoder, mask=scattered(0.5), decay=decay), []

    def watch(step, out):
        spread = training.features(encoder, large.x_test[:200]).std(0).mean()
        path.append([out["loss"].item(), spread.item()])

    pretrain(method, steps=61, batch_size=16, lr=2e-3, log_every=10, monitor=watch, seed=seed)
    return encoder, path


# %%
decays = {"no stop-gradient": None, "stop-gradient": 0.0, "slow teacher": (0.99, 1), "frozen teacher": 1.0}
runs = {name: [predict_features(decay, seed) for seed in seeds] for name, decay in decays.items()}
feature_paths = {name: np.array([path for _, path in run]) for name, run in runs.items()}
ch.figures.collapse(feature_paths, every=10)

# %%
loss, spread = feature_paths["no stop-gradient"][:, -1].T
stopped, slow, frozen = (feature_paths[name][:, -1, 1] for name in list(decays)[1:])
ch.measure("features-collapse", loss=loss, spread=spread)
ch.measure("stop-gradient-needed", spread=stopped / spread)

# %%
collapsed = [recipes.low_shot(encoder, large) for encoder, _ in runs["no stop-gradient"]]
fresh = [recipes.low_shot(new_vit(64, seed)[0], large) for seed in seeds]
print("low-shot accuracy: collapsing", np.round(collapsed, 3), "untrained", np.round(fresh, 3))
ch.measure("slow-is-frozen", ratio=slow / frozen)
ch.measure("accuracy-hides-it", drop=np.subtract(fresh, collapsed))

# %% [markdown]
# **What you saw.** Without a stop-gradient the loss is by far the lowest, and the features are about to become one point. A stop-gradient alone prevents that. The slow teacher keeps a little more spread, and in 60 steps cannot be told from a frozen random one: spread says that nothing collapsed, not that something was learned. What a moving teacher adds, so short a run cannot show. And *accuracy does not show the collapse*: the probe rescales each feature. Watch the spread.
#
# > **Check yourself.** A frozen random teacher cannot collapse. Why does nobody stop there?

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. In (4), two pixels in two patches have variance 1 and correlation $\rho$. What does $F$ guess when both are seen? When one is hidden? What is odd about the first?
#
# <details><summary>Hint</summary>Write $q = 1 - r$. Both matrices are 2 × 2.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 20 min. Give MAE's decoder no block at all, or two. What does the encoder learn from a decoder of depth 0, and why?
#
# <details><summary>Hint</summary>`models.MaeDecoder` takes `depth`. Call `method.step` once, go backward, and look at the gradients of the encoder's weights.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 60 min. Make the digits more redundant: hide single pixels instead of patches, which (3) says is easier. If redundancy decides, the best mask ratio should rise. Does it?
#
# <details><summary>Hint</summary>`models.MaskedMLP(patch=1)`, and a decoder for patches of one number. The same steps and seeds for both sizes, several ratios.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●● 60 min. Run section F three times as long, with I-JEPA's masks beside the scattered ones. Does the spread under a stop-gradient keep falling? Do slow and frozen teacher part?
#
# <details><summary>Hint</summary>`data.multiblock_mask` with `min_context=0.25`. Give `predict_features` a number of steps and a mask.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - K. He et al. [Masked Autoencoders Are Scalable Vision Learners](https://arxiv.org/abs/2111.06377) (MAE), 2022. Z. Xie et al. [SimMIM](https://arxiv.org/abs/2111.09886), 2022. C. Wei et al. [MaskFeat](https://arxiv.org/abs/2112.09133) (targets: histograms of gradients), 2022.
# - A. Baevski et al. [data2vec](https://arxiv.org/abs/2202.03555), 2022. M. Assran et al. [I-JEPA](https://arxiv.org/abs/2301.08243), 2023. J. Zhou et al. [iBOT](https://arxiv.org/abs/2111.07832) (a teacher's distributions as targets), 2022.
# - M. Chen et al. [Marginalized denoising autoencoders](https://arxiv.org/abs/1206.4683), 2012. R. Balestriero, Y. LeCun. [Learning by reconstruction](https://arxiv.org/abs/2402.11337), 2024: the chapter [Reconstruction features](../../2_spectral/08_reconstruction_features/reconstruction_features.ipynb).
