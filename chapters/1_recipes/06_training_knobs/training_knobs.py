# %% [markdown]
# # Training knobs
#
# A training run has a dozen knobs: batch size, learning rate, projector, precision, number of devices. Some of them only say *how* a gradient is computed and cannot change the result. Some change the loss, and so what is learned. Others change the path there. And a few of the second kind look exactly like the first.
#
# After this lesson you can tell the kinds apart on paper, test in a second whether a batch that was cut into parts still has the gradient you think it has, and mend it where it has not.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from ipywidgets import SelectionSlider
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, models, recipes, training

ch = cb.Chapter("training_knobs", scale=scale, seed=seed)
digits = recipes.tiny_mnist()
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown]
# ## 1 · A batch that does not fit
#
# Your batch of 64 images does not fit into memory. Everybody knows what to do: cut it into eight parts of 8, compute the gradient of each part, average the eight gradients, take one step. This is called **gradient accumulation**. Which pairs of images has the loss compared by then?

# %%
ch.figures.pairs(images=64, part=8)

# %% [markdown]
# *Look at what is dark.* A row is an image, a column is an image, and a dark square says that the loss has seen the two together. On the right seven of eight comparisons were never made. Does it matter?
#
# Let $z_i$ be the embedding of view $i$, and let $J_i$ hold its derivatives in the weights of the network. A loss $\mathcal{L}(z_1, z_2, \dots)$ of all embeddings of the batch has, by the chain rule, the gradient
#
# $$ \nabla \mathcal{L} = \sum_i J_i^\top \delta_i , \qquad \delta_i = \frac{\partial \mathcal{L}}{\partial z_i} . \tag{1} $$
#
# As long as the network treats each view by itself, $J_i$ belongs to view $i$ alone. (BatchNorm mixes views: we come back to it.) So everything hangs on the **slope** $\delta_i$. If $\mathcal{L}$ is a mean over single images, $\delta_i$ needs only the views of that image, and parts add up. If $\mathcal{L}$ compares images, $\delta_i$ depends on all embeddings, and in a part it knows that part only.

# %% [markdown]
# We take three losses of two views of each image. The **distance**, the mean squared difference of the two embeddings, looks at one image at a time. **NT-Xent** ([contrastive learning](../02_contrastive/contrastive.ipynb)) tells each view's partner from all other views. **VICReg** ([canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb)) adds three terms: the distance; a wish that every dimension of the embedding has a standard deviation of at least 1; and the sum of squared covariances between different dimensions, which should be 0, divided by the number $K$ of dimensions and added up over the two views. Each has the weight 25 here. The authors give the covariances a weight of 1; at 25 the effect is easy to see, and the whole batch does well with it on these digits (the lab's section H tries others).
#
# The network is a small one without BatchNorm, at its random start. It turns two crops of 64 digits into embeddings of 64 dimensions.

# %%
network = models.mlp([196, 64, 64], dtype=torch.float64)
weights = list(network.parameters())


def two_views(n=64):
    images = digits.x_train[torch.randint(8000, (n,), generator=generator)]
    return [recipes.tiny_crop(images, generator).flatten(1).double() for _ in range(2)]


# %%
def vicreg(a, b):
    return losses.vicreg(a, b, inv=25, var=25, cov=25).total


def gradient(loss, a, b):
    slopes = torch.autograd.grad(loss(network(a), network(b)), weights)
    return torch.cat([slope.flatten() for slope in slopes])


def accumulated(loss, a, b):
    parts = zip(a.split(8), b.split(8), strict=True)
    return sum(gradient(loss, part_a, part_b) for part_a, part_b in parts) / 8


# %% [markdown]
# *Guess first.* For which of the three is the accumulated gradient that of the whole batch? And where it is not: by how many degrees does it turn away?


# %%
def angle(g, h):
    cosine = F.cosine_similarity(g, h, dim=0)
    return torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))).item()


a, b = two_views()
turned = {}
for name, loss in {"distance": F.mse_loss, "NT-Xent": losses.nt_xent, "VICReg": vicreg}.items():
    turned[name] = angle(accumulated(loss, a, b), gradient(loss, a, b))
    print(f"{name}: {turned[name]:.1f} degrees")

# %%
whole = gradient(F.mse_loss, a, b)
error = (accumulated(F.mse_loss, a, b) - whole).norm() / whole.norm()
ch.measure("single-images", error=error)
ch.measure("pairs-turn", nt_xent=turned["NT-Xent"], vicreg=turned["VICReg"])

# %% [markdown]
# **What you saw.** The distance adds up to the last digit. NT-Xent turns a little, VICReg turns so far that little is left of its direction. (A tick: the number is within its bound. A *control* is a case in which nothing may happen.)
#
# > **Check yourself.** Cross-entropy with labels; Barlow Twins; the mean squared error of a masked autoencoder. Which of them add up? (Each *Check yourself* is answered at the head of the [solutions](training_knobs_solutions.ipynb).)
#
# ## 2 · Noise, or bias?
#
# Do not panic yet. The gradient of a batch is a random thing anyway: another 64 images would give another one. A step that is off by chance does no harm, since the next steps make up for it. A step that is off in the same direction each time does. The test is to average. We compute both gradients for 32 new batches, average each kind over the first 1, 2, 4, … batches, and compare the two averages.
#
# *Guess first.* Draw the two curves: the angle between the averages, for NT-Xent and for VICReg, as more batches are averaged.

# %%
counts = [1, 2, 4, 8, 16, 32]
batches = [two_views() for _ in range(32)]


def angles(name, loss):
    whole = torch.stack([gradient(loss, a, b) for a, b in batches])
    parts = torch.stack([accumulated(loss, a, b) for a, b in batches])
    for batch, moved in {"the same": 0, "the next": 1}.items():
        between = [angle(g, h) for g, h in zip(parts, whole.roll(-moved, 0), strict=True)]
        print(f"{name}, parts of a batch and the whole of {batch}: {np.mean(between):.0f} degrees on average")
    return [angle(parts[:count].mean(0), whole[:count].mean(0)) for count in counts]


curves = {"NT-Xent": angles("NT-Xent", losses.nt_xent), "VICReg": angles("VICReg", vicreg)}
ch.figures.averaging(counts, curves)
ch.measure("bias-stays", nt_xent=curves["NT-Xent"][-1], vicreg=curves["VICReg"][-1])

# %% [markdown]
# **What you saw.** Averaged over 32 batches NT-Xent's angle has shrunk from 12 degrees to 4, and it still falls: mostly *noise*. VICReg's does not fall: *bias*. It even rises, since both gradients of one batch share its images and so some of their noise. That holds them together, 74 degrees apart on average where those of two batches are 93 apart, and averaging removes it.
#
# Both follow the gradient of the parts' average loss. For NT-Xent that is nearly the whole loss, for VICReg it is another: beyond 90 degrees, a small step of *descent* by the parts' gradient *raises* the loss of the whole batch. How can that be?
#
# Look at the covariance term. Let $C_{kl}$ be the true covariance of dimensions $k$ and $l$ of the embedding, and $\hat C_{kl}$ the one estimated from the $n$ images of a part. The estimate is right on average, but the loss squares it, and the mean of a square is the square of the mean plus the variance:
#
# $$ \mathbb{E}\, \hat C_{kl}^2 = C_{kl}^2 + \operatorname{Var} \hat C_{kl} . $$
#
# An estimate that is too high by 0.3 and one that is too low by 0.3 cancel. Their squares do not.

# %% [markdown]
# How large is the variance? With the means removed, which uses up one sample, $\hat C_{kl}$ is as good as an average of $n - 1$ independent products of two coordinates. For normally distributed embeddings such a product has the variance $C_{kk} C_{ll} + C_{kl}^2$ (shown in exercise 2). Therefore
#
# $$ \mathbb{E}\, \hat C_{kl}^2 = C_{kl}^2 + \underbrace{\frac{C_{kk}\, C_{ll} + C_{kl}^2}{n - 1}}_{\text{surplus}} . \tag{2} $$
#
# The surplus of one pair of dimensions is small. But it has the same sign for all of the $K(K-1)$ pairs, and it is there in every part: only a larger $n$ makes it smaller.
#
# *Guess first.* Take 16 independent dimensions of variance 1, so all true covariances are 0. Average over more and more parts of 8 samples. What becomes of the mean covariance? And of the mean *squared* covariance?

# %%
table = np.random.default_rng(ch.seed).standard_normal((256 * 64, 16))
parts = SelectionSlider(options=[1, 4, 16, 64, 256], value=64)
samples = SelectionSlider(options=[4, 8, 16, 32, 64], value=8)
cb.explore(ch.figures.squares, table, parts=parts, samples=samples, figsize=(9, 3.2))

# %% [markdown]
# **What you saw.** Drag `parts`: with more of them the left square (sizes, without signs) fades, and the middle one stays as dark as it was. Its mean, on the right, settles at $1/(n-1)$. Drag `samples`, the $n$ of each part, and it fades at last.
#
# Real embeddings are neither normal nor independent. Does (2) hold for them? We embed 4,096 crops with the untrained convolutional network of the next section (`small` holds the settings of its training) and compute the covariance term in parts of several sizes. (`off_diagonal` takes the entries off the diagonal; the network's BatchNorm sees all 4,096 at once.)

# %%
small = recipes.TINY_SHORT._replace(batch_size=64, steps=ch.pick(fast=60, toy=100))
encoder, projector = recipes.tiny_encoder(small, seed=ch.seed)
crops = recipes.tiny_crop(digits.x_train[:4096], generator)
z = projector(encoder(crops)).detach().double()


def covariance_term(z):
    return losses.off_diagonal(torch.cov(z.T) ** 2).sum().item() / z.shape[1]


# %%
sizes = [4, 8, 16, 32, 64, 128, 256]
measured = [np.mean([covariance_term(part) for part in z.split(n)]) for n in sizes]
C, truth = torch.cov(z.T), covariance_term(z)
variance = torch.outer(C.diagonal(), C.diagonal()) + C**2  # of a product of two coordinates
formula = [losses.off_diagonal(C**2 + variance / (n - 1)).sum().item() / len(C) for n in sizes]
ch.figures.surplus(sizes, measured, formula, truth)
ch.measure("surplus", inflated=measured[1] / truth, ratio=measured[1] / formula[1])

# %% [markdown]
# **What you saw.** In parts of 8 the term is several times its true value, so most of what VICReg fights there is surplus. Here the formula is right to a tenth, although these embeddings are not normal (with other seeds, to a third).
#
# > **Check yourself.** The surplus is large where variances are large. What will a network do to its embeddings in order to lower it?

# %% [markdown]
# ## 3 · What it costs
#
# The average of the parts' gradients is the gradient of the parts' average loss. So we can train on `in_parts(loss)` in the place of `loss` and nothing else changes: the network and its BatchNorm still see all 64 images. If the surplus is the culprit, then removing it must help. Formula (2) says what it is on average, and a part can estimate it from its own numbers:
#
# $$ \text{surplus} \approx \frac{(n - 3)\, \hat C_{kl}^2 + (n - 1)\, \hat C_{kk} \hat C_{ll}}{(n - 2)(n + 1)} . \tag{3} $$
#
# For normal embeddings the right side has exactly the mean of the surplus (exercise 2). We call VICReg in parts *corrected* when (3) is subtracted in every part.


# %%
def in_parts(loss):
    def mean_loss(a, b):
        return sum(loss(x, y) for x, y in zip(a.split(8), b.split(8), strict=True)) / 8

    return mean_loss


def surplus(z):
    n, C = len(z), torch.cov(z.T)
    products = torch.outer(C.diagonal(), C.diagonal())
    entries = ((n - 3) * C**2 + (n - 1) * products) / ((n - 2) * (n + 1))
    return losses.off_diagonal(entries).sum() / len(C)


def corrected(a, b):
    return vicreg(a, b) - 25 * (surplus(a) + surplus(b))


# %% [markdown]
# The experiment: digits of 14 × 14 pixels, a small convolutional encoder with a projector behind it, two crops of each image, 100 steps of AdamW on 64 images. The score is **low-shot accuracy**: a linear classifier learns from the encoder's output with 200 labels, averaged over five sets of labels. Every loss has its own best of three learning rates, chosen by this score, the mean over two random starts (*worst of 2*, below, is the worse of them).
#
# *Guess first.* Raw pixels score 0.73, an untrained encoder about 0.62, VICReg on the whole batch about 0.8. Where does VICReg in parts end? NT-Xent in parts? And VICReg in corrected parts?

# %%
seeds = ch.pick(fast=[ch.seed], toy=[ch.seed, ch.seed + 1])
rates = ch.pick(fast=[0.02], toy=[0.005, 0.02, 0.05])
trials = {"VICReg, whole": vicreg, "VICReg, in parts": in_parts(vicreg), "VICReg, corrected": in_parts(corrected)}
trials |= {"NT-Xent, whole": losses.nt_xent, "NT-Xent, in parts": in_parts(losses.nt_xent)}


def train(loss, rate):
    runs = [recipes.train_tiny(loss, digits.x_train, recipe=small, lr=rate, seed=s) for s in seeds]
    return [recipes.low_shot(run.encoder, digits) for run in runs]  # one number for each seed


# %%
scores = {name: np.array([train(loss, rate) for rate in rates]) for name, loss in trials.items()}
best = {name: table[table.mean(1).argmax()] for name, table in scores.items()}
pixels = recipes.low_shot(torch.nn.Flatten(), digits)
starts = [recipes.untrained(digits.x_train, recipe=small, seed=s) for s in seeds]
untrained = np.mean([recipes.low_shot(start, digits) for start in starts])
ch.figures.costs(rates, scores, {"pixels": pixels, "untrained": untrained})
print(*(f"{name} {score.mean():.2f}" for name, score in best.items()), sep="   ")
lost = {loss: best[f"{loss}, whole"] - best[f"{loss}, in parts"] for loss in ("VICReg", "NT-Xent")}
ch.measure("parts-cost", lost=lost["VICReg"], extra=lost["VICReg"] - lost["NT-Xent"])
ch.measure("surplus-is-why", gain=best["VICReg, corrected"] - best["VICReg, in parts"])

# %% [markdown]
# **What you saw.** At its best rate VICReg in parts ends where raw pixels are, and no error message tells you. (At 0.05 all three fail alike.) With the surplus subtracted it wins 0.08 of the lost 0.10 back, from the same parts of 8: most of the loss was the surplus. NT-Xent hardly minds: it pushes a view away from an *average* of others, and by section 2 an average over fewer is noisier, but hardly points elsewhere.
#
# Is this a toy's trouble? Compare the surplus with the wish for variance, which costs at most its weight, $25$, when all embeddings have shrunk to a point. With all variances 1, (2) puts the surplus of both views at $2\, \mathrm{cov}\, (K - 1) / (n - 1)$. Ours is $2 \cdot 25 \cdot 63 / 7 = 450$ in parts of 8, and $50$ on the whole batch. VICReg's authors have $\mathrm{cov} = 1$, $K = 8192$ and $2048$ images, which makes $8$, less than the $25$. In parts of 64 images it would be $260$, ten times as much. So no: there, too, cutting makes the surplus rule. (What that costs in accuracy is not measured here.)
#
# > **Check yourself.** Someone accumulates over eight parts, but of 64 images each. Is that as good as a batch of 512? As good as one of 64?

# %% [markdown]
# ## 4 · Cut the network, not the loss
#
# There is a better way, and (1) has shown it all along. The network needs the memory: it keeps the activations of each layer for the way back. Embeddings are small. So let the *network* see parts and the *loss* see everything. This is **gradient caching** (Gao et al., 2021):
#
# 1. embed the parts one after the other, and keep the embeddings only;
# 2. compute $\mathcal{L}$ and all slopes $\delta_i$ from the whole set of embeddings;
# 3. embed each part again, and send its slopes back: this adds up $J_i^\top \delta_i$ (in PyTorch, `y.backward(d)` adds $J^\top d$ to the gradients of the weights).
#
# *Guess first.* What is the price in time, in passes forward and backward? And which layer would spoil it?


# %%
def cached(loss, a, b):
    parts = torch.cat([a, b]).split(16)  # 8 parts of 16 views
    with torch.no_grad():
        z = torch.cat([network(part) for part in parts])
    z.requires_grad_()
    (delta,) = torch.autograd.grad(loss(*z.chunk(2)), z)
    network.zero_grad()
    for part, rows in zip(parts, delta.split(16), strict=True):
        network(part).backward(rows)
    return torch.cat([weight.grad.flatten() for weight in weights])


# %%
z = training.grad_cache(network, torch.cat([a, b]), chunks=8)  # the library's way
library = torch.cat([slope.flatten() for slope in torch.autograd.grad(vicreg(*z.chunk(2)), weights)])
by_hand, whole = cached(vicreg, a, b), gradient(vicreg, a, b)
print(f"turned by {angle(by_hand, whole):.1f} degrees")
ch.measure("caching", error=[(found - whole).norm() / whole.norm() for found in (by_hand, library)])

# %% [markdown]
# **What you saw.** The whole batch's gradient, to the last digits, from parts of the same size. The price is one more pass forward. A pass backward costs about two forward, so 3 become 4: about a third more time (counted, not measured here). In a training, `JointEmbedding(..., micro_batches=8)` does it.
#
# **What spoils it** is BatchNorm: it takes its means over a part, so $J_i$ is no longer that of the whole batch. The network of section 3 has BatchNorm, so there caching is not exact; GroupNorm and LayerNorm keep it so. Dropout must draw the same numbers in both passes; the library sees to that.
#
# **Several devices** are parts, too. Each embeds its own images, the embeddings are gathered, and by (1) the slopes must travel back to where they came from. A gather that forgets them computes the right loss and the wrong gradient. The [lab](training_knobs_lab.ipynb) shows what that costs.
#
# > **Check yourself.** Why is there no need to store $J_i$ in the first pass?

# %% [markdown]
# ## 5 · Three kinds of knobs: does it leave the gradient, change the loss, or change the path?
#
# | kind | knobs | how to treat it |
# |---|---|---|
# | the same gradient | gradient caching, gather with slopes, recomputed activations (checkpointing), bfloat16 | must agree up to rounding, $10^{-10}$ in float64, some percent in bfloat16: *test it* on one batch |
# | another loss | parts, gather without slopes, BatchNorm over few images, projector, temperature, weight decay | changes what is learned: *decide* it |
# | another path | learning rate, schedule, optimizer, batch size | *tune* it, and compare rivals each at its own best |
#
# Weight decay moves the place where training ends, as a further term of the loss does. And for every loss that compares images, batch size belongs to the second row as well: by sections 1 and 2 a little for NT-Xent, much for VICReg. The lab turns these knobs on one scale.

# %% [markdown]
# ## What breaks
#
# - **The weights.** With a smaller covariance weight the surplus weighs less. The lab tries 0, 1 and 5: the parts lose less, and stay behind the whole batch.
# - **Formula (3)** is exact for normal embeddings only, and mends the covariances only. The standard deviations of 8 samples are noisy, too, and 4 % too small; the lab's weight of 0 shows what that alone may cost.
# - **Short runs** on small digits: differences of 0.02 are noise. The rates were chosen by the score itself, alike for all losses.
#
# ## Summary
#
# 1. A gradient is a sum of $J_i^\top \delta_i$; a loss that compares images needs the whole batch in each $\delta_i$.
# 2. Cutting the loss into parts gives another gradient: noisy for NT-Xent, biased for VICReg.
# 3. The bias is the surplus $(C_{kk} C_{ll} + C_{kl}^2) / (n - 1)$ of every squared covariance. Averaging more parts does not remove it.
# 4. On the digits it costs VICReg all that training had brought over raw pixels; subtracting it brings most of that back.
# 5. Cut the network, not the loss: caching is exact. Ask of each knob whether it leaves the gradient, changes the loss, or the path.
#
# The exercises below take about 100 minutes, those of the lab another 145.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. A batch of 128 images is cut into parts of 50, 50 and 28, and the loss is a mean over single images. With which weights must the three gradients be averaged? What goes wrong with equal weights?
#
# <details><summary>Hint</summary>Write the mean over the batch as a sum over images, then collect the images of a part.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 30 min. For two normal coordinates with mean 0, show that their product has the variance $C_{kk} C_{ll} + C_{kl}^2$. Then derive (3), and check it with random numbers.
#
# <details><summary>Hint</summary>Write the second coordinate as a multiple of the first plus something independent. For (3) you also need $\mathbb{E}\, \hat C_{kk} \hat C_{ll} = C_{kk} C_{ll} + 2 C_{kl}^2 / (n-1)$: two equations for two unknowns.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 60 min. Which standard deviation $s$ will the embeddings have in parts of $n$? Take all dimensions uncorrelated and alike, balance the surplus against the wish for variance, and predict how $s$ falls with $n$. Then train in parts of 4, 8, 16 and 64 and measure it.
#
# <details><summary>Hint</summary>The loss is $25 (1 - s)$ plus $25$ times the surplus, added up over two views and all pairs of dimensions and divided by $K$. `training.features(nn.Sequential(encoder, projector), crops)` gives embeddings.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its cook's guide. L. Gao, Y. Zhang, J. Han, J. Callan. [Scaling deep contrastive learning batch size under memory limited setup](https://arxiv.org/abs/2101.06983) (GradCache), 2021. A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022. T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709) (NT-Xent), 2020.
