# %% [markdown]
# # Training knobs
#
# After this chapter you can set batch size, learning rate, optimiser, decay, projector and precision with reasons, and prove in seconds that a training loop computes the gradient it claims to.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import tempfile
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, SelectionSlider
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import losses, models, recipes, training

ch = cb.Chapter("training_knobs", scale=scale, seed=seed)
digits = recipes.tiny_mnist()

# %% [markdown]
# ## The question
#
# A batch of sixteen images does not fit on your GPU. You can cut it into four and add up the gradients, as everyone does. Or you give half of it to a second GPU, let each compare its own images with
# everybody's, and average. A row below is an image's crop, and a column an image's other crop; a contrastive loss compares them all.

# %%
part, gpu = torch.arange(16) // 4, torch.arange(16) // 8
moved = {"one batch: both crops move": torch.ones(16, 16)}
moved["four parts: most pairs are lost"] = (part[:, None] == part).float()
moved["two GPUs: pale, only rows move"] = 0.3 + 0.7 * (gpu[:, None] == gpu)
fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.4), layout="constrained")
for ax, (title, cells) in zip(axes, moved.items(), strict=True):
    ax.imshow(cells, cmap="cookbook", vmin=0, vmax=1.3)
    ax.plot(range(16), range(16), "o", ms=4, color=cb.color("simclr"))
    ax.set_title(title, fontsize=10)
    ax.set(xticks=[], yticks=[], xlabel="other crop", ylabel="crop")
plt.show()

# %% [markdown]
# *Look at what is not dark.* (Orange are the positives.) In the middle most comparisons are never made. On the right all are, and the loss is right to the last digit; but embeddings of the other GPU
# that arrive without their gradient stand still. All three runs train, all three losses fall, and two gradients are wrong. Most failed runs fail for such dull reasons, and this chapter turns them
# into checks that take a second.
#
# ## The mathematics
#
# **Losses that couple the batch.** Let $z_i = f_\theta(x_i)$, $i = 1 \dots N$, be the embeddings of a batch, all views included. A loss of *all* of them has the gradient
#
# $$ \frac{\partial L}{\partial \theta} = \sum_{i=1}^N \Big( \frac{\partial z_i}{\partial \theta} \Big)^{\!\top} G_i, \qquad G_i = \frac{\partial L(z_1, \dots, z_N)}{\partial z_i} . \tag{1} $$
#
# - *Accumulation* adds up the gradients of micro-batches. If $L$ is a mean over samples, $G_i$ depends on $z_i$ alone and nothing is lost. If $L$ compares samples, as contrastive losses and
#   covariances do, $G_i$ now knows one micro-batch only.
# - *Gradient caching* (Gao et al., 2021) takes (1) at its word: embed all micro-batches without a graph; compute $L$ and $G$ from the joined embeddings; embed each micro-batch again, now with its
#   graph, and descend $\sum_i \langle z_i, G_i \rangle$ with $G$ constant. Dropout must draw the same numbers twice.
# - *Several processes.* Process $r$ of $R$ has the loss $L_r$ of its own rows against all columns; parameter gradients are averaged, so that $G_i = \frac1R \sum_r \partial L_r / \partial z_i$. Every
#   process owes a term to $z_i$, whoever computed it. A differentiable gather adds these terms up on the way back; one without gradient keeps that of $z_i$'s own process and loses the others, in
#   which $z_i$ was *somebody else's negative*.
# - *BatchNorm* couples the batch too; few images on each GPU make its statistics noisy, and let them leak. Use SyncBatchNorm, or shuffle (MoCo).
#
# **Learning rate and batch.** While the gradient changes little, $k$ steps of rate $\eta$ on batches of $B$ move like one step of rate $k \eta$ on a batch of $kB$: scale *linearly*, $\eta \propto B$
# (Goyal et al., 2017), which also keeps the noise of the steps, in proportion to $\eta / B$, as it is. Adam's steps have a size of their own: $\sqrt B$, or not at all. Published rates, to be
# multiplied by $B / 256$:
#
# | LARS | | others | |
# |---|---|---|---|
# | SimCLR (B = 4096), SwAV | 0.3, or simply 0.075 √B | SimSiam (SGD, B = 512) | 0.05 |
# | BYOL; VICReg | 0.2; 0.2 to 0.3 | DINO (AdamW) | 0.0005 |
# | Barlow Twins | 0.2, biases and BN 0.0048 | MAE; MoCo v3 with ViT, decay 0.1 (AdamW) | 0.00015 |
#
# **Schedule.** $T$ steps, $T_w$ of them warm-up (10 epochs; 40 for ViTs), peak $\eta$, end $\eta_T$ (0 to $0.001\, \eta$), advanced by step, not by epoch:
#
# $$ \eta(t) = \eta\, t / T_w \ \text{ for } t < T_w, \qquad \eta(t) = \eta_T + \tfrac12 (\eta - \eta_T) \Big( 1 + \cos \frac{\pi (t - T_w)}{T - T_w} \Big) \ \text{ from then on}. \tag{2} $$
#
# **LARS.** For each matrix $w$ with gradient $\nabla$, decay $\lambda$, momentum $\mu = 0.9$ and trust $\kappa$ (0.001; for small images 0.02):
#
# $$ g = \nabla + \lambda w, \qquad g \leftarrow \kappa\, \frac{\|w\|}{\|g\|}\, g, \qquad m \leftarrow \mu m + g, \qquad w \leftarrow w - \eta\, m . \tag{3} $$
#
# Without decay, the first step moves $w$ by $\eta \kappa$ of its norm, whatever factor the loss has. Biases and BatchNorm's scales are neither decayed nor rescaled. Three more knobs:
#
# - **AdamW** decays apart from the gradient: $w \leftarrow (1 - \eta \lambda) w - \eta\, \hat m / (\sqrt{\hat v} + \epsilon)$, with $\hat m$ and $\hat v$ running means of $\nabla$ and $\nabla^2$. An
#   *idle* weight, one without gradient, shrinks by $\prod_t (1 - \eta(t) \lambda) \approx e^{-\lambda \sum_t \eta(t)}$. If instead $\lambda w$ is added to $\nabla$ ("L2"), its
#   $\hat m / \sqrt{\hat v}$ is a sign: large and small weights move by $\eta$ alike, and that is no decay.
# - **A teacher's average** $\bar\theta \leftarrow m \bar\theta + (1 - m) \theta$ gives what is $k$ steps old the weight $(1 - m) m^k$. Half of it is older than $\ln \frac12 / \ln m$ steps; white
#   noise in $\theta$ keeps $\sum_k (1-m)^2 m^{2k} = (1-m)/(1+m)$ of its variance. For a batch $k$ times as large take $m^k$ (Busbridge et al., 2023).
# - **Precision.** float16 has 11 significant bits and reaches from $6 \cdot 10^{-8}$ to 65,504, just above $e^{11}$; bfloat16 has 8 bits and float32's range. Losses stay in float32.
#
# ## From scratch
#
# Gradient caching, on 64 digits, two crops each, and a small network in float64. The library hides both passes in the embeddings, from which any loss can then be descended as usual; in a run,
# `JointEmbedding(..., micro_batches=4)` does that.

# %%
generator = torch.Generator().manual_seed(ch.seed)
images = digits.x_train[torch.randperm(8000, generator=generator)[:64]]
view_a, view_b = (recipes.tiny_crop(images, generator).flatten(1).double() for _ in range(2))
views = torch.cat([view_a, view_b])
network = models.mlp([196, 64, 16], dtype=torch.float64)


def gradient(loss):
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(network.parameters()))])


def cached(loss, chunks):
    parts = views.chunk(chunks)
    with torch.no_grad():
        z = torch.cat([network(part) for part in parts])
    z.requires_grad_()
    (G,) = torch.autograd.grad(loss(*z.chunk(2)), z)
    total = 0
    for part, rows in zip(parts, G.chunk(chunks), strict=True):
        total = total + gradient((network(part) * rows).sum())
    return total


library = gradient(losses.nt_xent(*training.grad_cache(network, views, chunks=4).chunk(2)))
assert_close(cached(losses.nt_xent, chunks=4), library, rtol=1e-10, atol=1e-12)
cb.show_source(training.grad_cache)

# %% [markdown]
# ## The theorems, tested
#
# **Which gradient do you get?** Plain accumulation over four parts of 16 images, for NT-Xent, VICReg, and the mean squared distance of two views, a loss of single samples. Then two GPUs, played by
# one process: each has the InfoNCE loss of its own 32 queries against all 64 keys. Without `attached`, the other GPU's keys are constants.


# %%
def accumulated(loss, chunks):
    pairs = zip(view_a.chunk(chunks), view_b.chunk(chunks), strict=True)
    return sum(gradient(loss(network(a), network(b))) for a, b in pairs) / chunks


def two_ranks(attached):
    total = 0
    for rank in (0, 1):
        own = torch.arange(64) // 32 == rank
        queries, keys = network(view_a[own]), network(view_b)
        if not attached:
            keys = torch.where(own[:, None], keys, keys.detach())
        logits = F.normalize(queries) @ F.normalize(keys).T / 0.5
        total = total + gradient(F.cross_entropy(logits, own.nonzero().flatten())) / 2
    return total


def error(found, exact):
    return ((found - exact).norm() / exact.norm()).item()


# %%
batch_losses = {"NT-Xent": losses.nt_xent, "VICReg": lambda a, b: losses.vicreg(a, b).total, "distance": F.mse_loss}
exact = {name: gradient(loss(network(view_a), network(view_b))) for name, loss in batch_losses.items()}
one_device = gradient(losses.info_nce(network(view_a), network(view_b), temperature=0.5))
attached, naive = two_ranks(attached=True), two_ranks(attached=False)
counts = [1, 2, 4, 8, 16]
errors = {}
for name, loss in batch_losses.items():
    errors[f"accumulate {name}"] = [error(accumulated(loss, count), exact[name]) for count in counts]
    errors[f"cache {name}"] = [error(cached(loss, count), exact[name]) for count in counts]
errors["gather"], errors["gather, no gradient"] = [error(attached, one_device)] * 5, [error(naive, one_device)] * 5

# %%
four = counts.index(4)
contrastive, separate = errors["accumulate NT-Xent"][four], errors["accumulate distance"][four]
ch.measure("caching", error=[errors["cache NT-Xent"][four], error(library, exact["NT-Xent"])])
ch.measure("accumulation", contrastive=contrastive, separate=separate)

# %%
turned = 1 - F.cosine_similarity(naive, one_device, dim=0)
ch.measure("gather", error=errors["gather"][0])
ch.measure("gather-without-gradient", turned=turned)


# %%
def draw_errors(fig, parts):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.25, right=0.97, bottom=0.15, top=0.9)
    sizes = np.array([row[counts.index(parts)] for row in errors.values()]) + 1e-17
    ax.barh(list(errors), sizes, color=np.where(sizes > 1e-10, "#d55e00", "#009e73"), height=0.6)
    for height, size in enumerate(sizes):
        ax.text(2 * size, height, f"{size:.1g}", va="center")
    ax.set(xscale="log", xlim=(1e-18, 100), ylim=(7.5, -0.5), xlabel="relative error of the gradient")
    ax.set_title(f"{parts} parts see {4096 // parts:,} of 4,096 pairs")
    ax.grid(axis="y", visible=False)


cb.explore(draw_errors, figsize=(7.2, 3.4), parts=SelectionSlider(options=counts, value=4))

# %% [markdown]
# *Look at the two colours, and move* `parts`. There is no middle. An accumulated gradient is an honest one, of a batch of 16, and points more or less the right way. The naive gather is worse: it
# drops half of what pushes the keys apart, and exercise 3 shows where that leads. The library's `gather` carries gradients; `tests/lib/test_training_processes.py` does the same with two real
# processes.
#
# **What optimisers are blind to.** Does the first step change if the loss is multiplied by 1,000 or 0.001? What do fifty steps do to the weights 1 and 10, if their gradient is zero and
# $\eta \lambda = 0.001$?

# %%
start = torch.randn(196, 20, dtype=torch.float64)


def first_step(make, factor):
    weight = nn.Parameter(start.clone())
    optimiser = make([weight], lr=0.25)
    (factor * (view_a @ weight).square().mean()).backward()
    optimiser.step()
    return weight.detach() - start


# %%
lars = partial(training.LARS, eta=0.02)
once = first_step(lars, 1)
blind = [error(first_step(lars, factor), once) for factor in (1e3, 1e-3)]
seen = error(first_step(torch.optim.SGD, 1e3), first_step(torch.optim.SGD, 1))
left = {}
for name, make in {"AdamW": torch.optim.AdamW, "Adam with L2": torch.optim.Adam}.items():
    weights = nn.Parameter(torch.tensor([1.0, 10.0], dtype=torch.float64))
    optimiser = make([weights], lr=0.01, weight_decay=0.1)
    for _ in range(50):
        weights.grad = torch.zeros_like(weights)
        optimiser.step()
    left[name] = weights.detach().numpy() / [1, 10]
print({name: shares.round(3).tolist() for name, shares in left.items()})
cb.show_source(training.LARS._move)

# %%
ch.measure("lars-is-blind", scale=blind, size=once.norm() / start.norm())
ch.measure("sgd-sees-scale", change=seen)

# %%
of_small, of_large = 1 - left["Adam with L2"]
ch.measure("adamw-decay", error=abs(left["AdamW"] - 0.999**50))
ch.measure("l2-is-no-decay", uneven=of_small / of_large)

# %% [markdown]
# AdamW takes 5 % of both, Adam with L2 46 % of the small one and 5 % of the large. LARS does not see the scale of a loss, but biases, which it does not rescale, do: Barlow Twins gives them a rate of
# their own.
#
# **The edges of half precision.** A cosine of 1 at $\tau = 0.07$ is a logit of 14.3. The log-sum-exps of 256 × 256 logits in half precision, summed in float32, are compared with float64.

# %%
z = F.normalize(torch.randn(256, 64, dtype=torch.float64), dim=1)
logits = z @ z.T / 0.07
half, brain = logits.half(), logits.bfloat16()
infinite = [kind.exp().isinf().any(1).double().mean() for kind in (half, brain)]
rounding = [abs(kind.float().logsumexp(1) - logits.logsumexp(1)).max() for kind in (half, brain)]
ch.measure("float16-overflows", rows=infinite[0])
ch.measure("half-logits", rows=infinite[1], float16=rounding[0], bfloat16=rounding[1])

# %%
small = torch.tensor(2e-8)
scaled, kept = (small * 2**16).half().float() / 2**16, small.bfloat16().float()
ch.measure("float16-underflows", value=small.half())
ch.measure("loss-scaling", error=[abs(value.item() / 2e-8 - 1) for value in (scaled, kept)])

# %% [markdown]
# ## The loop
#
# All chapters train by `training.pretrain`. What it does, and the advice behind it:
#
# | feature | advice |
# |---|---|
# | a bar with loss, rate, images/s, read every 10 steps so that a GPU need not wait; `monitor(step, out)` gets the embeddings | watch spread and rank: a loss does not show collapse |
# | one seed; batches and views have a generator of their own, the global ones are put back | honest ablations |
# | `checkpoint`, `resume`: networks, teacher, queue, optimiser, scaler, every random state; written whole or not at all; refuses other settings | long runs are interrupted |
# | a tensor stays on the device, views are made there; a larger `Dataset` comes through a DataLoader | data is the usual bottleneck |
# | `fabric`: devices, processes, precision, with losses in float32; `micro_batches`, `gather` | stable mixed precision; equation (1) |
# | no decay in one dimension, `lr_scale` for a group, `clip` by the global norm | LARS's exclusions, SimSiam's predictor, spikes |
# | `warmup_cosine`, and a teacher's momentum, as functions of the step | schedules that resume |
# | NaN stops the run, names step and rate, and keeps the last good checkpoint; Ctrl-C returns what was learnt | fail early, lose little |
#
# **Resume exactly.** Thirty steps straight, against an interruption at step 20 and a restart from the checkpoint of step 15, for the encoder of the experiments below. Then the checkpoint forgets
# AdamW's running means, or the state of the generator.


# %%
def thirty_steps(file=None, **loop):
    loop |= {"steps": 30, "batch_size": 32, "seed": ch.seed, "checkpoint": file, "checkpoint_every": 15}
    run = recipes.train_tiny(losses.nt_xent, digits.x_train, recipe=recipes.TINY_SHORT, **loop)
    return nn.utils.parameters_to_vector(run.encoder.parameters()).detach()


def interrupt(step, out):
    if step == 20:
        raise KeyboardInterrupt


# %%
straight, changed = thirty_steps(), {}
for forget in ("nothing", "optimizer", "draws"):
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/run.pt"
        thirty_steps(file, monitor=interrupt)
        saved = torch.load(file, weights_only=True)
        if forget == "optimizer":
            saved["parts"]["optimizer"]["state"] = {}
        if forget == "draws":
            saved["random"][0]["draws"] = torch.Generator().manual_seed(99).get_state()
        torch.save(saved, file)
        changed[forget] = abs(thirty_steps(file, resume=True) - straight).max()

ch.measure("exact-resume", weights=changed["nothing"])
ch.measure("forgetful-resume", weights=[changed["optimizer"], changed["draws"]])

# %% [markdown]
# ## The experiment
#
# Digits of 14 × 14 pixels, the small encoder of this part, NT-Xent at $\tau = 0.5$, AdamW, 100 steps of 128 images. The score is **low-shot** accuracy: a ridge classifier with 200 labels, mean of
# five sets. `train` scores the encoder and the projector's output. We vary the **projector** (and the precision; means of three seeds), the **optimiser** at three rates each, and the **batch size**
# for an equal number of *samples*, 800 steps of 16 images or 50 of 256: the rate is 0.005 at 256, and elsewhere the same, or scaled by a rule.


# %%
def train(seed, layers=2, **loop):
    encoder, _ = recipes.tiny_encoder(recipes.TINY_SHORT, seed=seed)
    with training.seeded(seed):
        head = models.mlp_head(encoder.dim, 128, 64, layers=layers) if layers else nn.Identity()
    loop = {"recipe": recipes.TINY_SHORT, "augment": recipes.tiny_crop, "seed": seed} | loop
    recipes.train_networks(encoder, head, losses.nt_xent, digits.x_train, **loop)
    return [recipes.low_shot(net, digits) for net in (encoder, nn.Sequential(encoder, head))]


seeds = [ch.seed, ch.seed + 1, ch.seed + 2]
depths = ch.pick(fast=[0, 2], toy=[0, 1, 2, 3])
by_depth = {layers: np.mean([train(s, layers) for s in seeds], axis=0) for layers in depths}
fabric = Fabric(accelerator="cpu", precision="bf16-mixed")
bf16 = np.mean([train(s, fabric=fabric)[0] for s in seeds])
before = [recipes.untrained(digits.x_train, recipes.TINY_SHORT, seed=s) for s in seeds]
untrained = np.mean([recipes.low_shot(encoder, digits) for encoder in before])
pixels = recipes.low_shot(nn.Flatten(), digits)

# %%
makers = {"AdamW": torch.optim.AdamW, "SGD": partial(torch.optim.SGD, momentum=0.9), "LARS": lars}
rates = {"AdamW": [1e-3, 1e-2, 1e-1], "SGD": [3e-3, 3e-2, 0.3], "LARS": [0.1, 1, 10]}
short = ch.pick(fast={"steps": 25}, toy={})
by_rate = {}
for name, make in makers.items():
    by_rate[name] = [train(ch.seed, optimizer=make, lr=lr, **short)[0] for lr in rates[name]]

sizes, by_size = ch.pick(fast=[16, 256], toy=[16, 64, 256]), {}
for rule in ch.pick(fast=["fixed"], toy=["fixed", "sqrt", "linear"]):
    runs = [{"lr": training.scale_lr(5e-3, B, rule), "batch_size": B, "steps": 12_800 // B} for B in sizes]
    by_size[rule] = [train(ch.seed, **run, warmup=run["steps"] // 5)[0] for run in runs]

# %%
encoder_score, output_score = by_depth[2]
ch.measure("projector-helps", gain=encoder_score - by_depth[0][0])
ch.measure("probe-before", drop=encoder_score - output_score)

# %%
ch.measure("training-helps", gain=encoder_score - untrained)
ch.measure("bfloat16-trains", change=abs(bf16 - encoder_score))

# %%
ch.measure("small-batch", gain=by_size["fixed"][0] - by_size["fixed"][-1])

# %%
fig, (left, middle, right) = plt.subplots(1, 3, figsize=(9.6, 3.3), layout="constrained")
left.plot(depths, [*by_depth.values()], "o-")
left.hlines([pixels, untrained], 0, depths[-1], color=cb.color("baseline"), ls="--", lw=1)
ends = dict(zip(["before", "behind"], by_depth[depths[-1]], strict=True)) | {"pixels": pixels, "untrained": untrained}
for name, height in ends.items():
    left.text(depths[-1] + 0.1, height, name, va="center")
for name, end, side in (("AdamW", 0, "right"), ("SGD", 2, "left"), ("LARS", 0, "right")):
    middle.plot(rates[name], by_rate[name], "o-")
    middle.text(rates[name][end], by_rate[name][end], f"  {name}  ", ha=side, va="center")
for rule, scores in by_size.items():
    right.plot(np.log2(sizes), scores, "o-")
    right.text(3.8, scores[0], rule, ha="right", va="center")
left.set(xlim=(-0.2, depths[-1] + 1.3), xticks=depths, xlabel="layers of the projector", ylabel="low-shot accuracy")
left.set_title("Probe before the projector")
middle.set(xscale="log", xlim=(3e-5, 20), xlabel="peak learning rate", title="To each its own rate")
right.set(xlim=(2.2, 8.2), xticks=np.log2(sizes), xticklabels=sizes, xlabel="batch size", title="AdamW: small is fine")
plt.show()

# %% [markdown]
# *On the left, see the two lines part.* Without a projector the encoder is no better than raw pixels. Any projector helps it, and the deeper one is, the worse is what comes out *behind* it: it takes
# upon itself what the loss demands and labels do not ("Guillotine regularisation"). In runs this short a linear one is best; bfloat16 makes no difference. *In the middle, compare peaks, not
# columns*: at a common rate of 0.1 LARS loses to AdamW, at its own best rate it wins. *On the right, look at the left ends.* With AdamW an unscaled rate is best, and 16 images at a
# time do *better* than 256: sixteen times as many steps, and a multiple of the CPU time. A large batch is a way to use hardware; its 510 negatives are not what NT-Xent lives on.
#
# **Warm-up and decay**, shown without a claim: 150 steps at four times the usual rate, and 100 steps at the usual one.

# %%
some, longer = seeds[: ch.pick(fast=1, toy=2)], ch.pick(fast=35, toy=150)
for warmup in (1, 30):
    print(f"warm-up {warmup:2}: {np.mean([train(s, lr=2e-2, steps=longer, warmup=warmup)[0] for s in some]):.3f}")
for decay in ch.pick(fast=[0.1], toy=[0.0, 0.1, 10.0]):
    print(f"decay {decay:4}: {np.mean([train(s, weight_decay=decay, **short)[0] for s in some]):.3f}")

# %% [markdown]
# A slow start is worth points at a high rate. A decay of 0.1 does next to nothing in so short a run, one of 10 helps: only $\lambda \sum_t \eta(t)$ counts, and $\sum_t \eta(t)$ is 0.25 here.
#
# **Speed**, by what it brings: decoded images on the device, views made there; `channels_last`, bfloat16, `torch.compile` (`cookbook train --compile`); fewer epochs (SimSiam on ImageNet: 68.1 %
# after 100, 71.3 % after 800); small images first. Two views of side $S$ and $V$ crops of side $s$ cost as much as $2 + V (s/S)^2$ views.
#
# ## Play
#
# **Design a schedule.** On the left $\eta(t)$, on the right what it leaves of an idle weight. Change `rule`, then find the `decay` that restores the right picture. Does `warmup` matter to it?


# %%
def draw_schedule(fig, lr, decay, rule="linear", batch=1024, steps=12_000, warmup=1000, end=0.0):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.95, bottom=0.17, top=0.88, wspace=0.25)
    peak, t = training.scale_lr(lr, batch, rule), np.arange(0, steps, 50)
    rates = np.array([training.warmup_cosine(int(step), steps, warmup, peak, end * peak) for step in t])
    total = 50 * np.cumsum(rates)
    left.plot(t / 1000, np.log10(rates + 1e-7), color=cb.color("vicreg"))
    right.plot(t / 1000, np.exp(-decay * total), color=cb.color("simclr"))
    left.set(ylim=(-6, 1), yticks=[-6, -4, -2, 0], ylabel="log₁₀ η", title=f"peak {peak:.2g}, sum {total[-1]:.3g}")
    right.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1], title=f"idle weight: {np.exp(-decay * total[-1]):.2g} left")
    for ax in (left, right):
        ax.set(xlim=(0, 20), xticks=[0, 10, 20], xlabel="thousand steps")


ranges = {"batch": (256, 4096, 256), "steps": (4000, 20_000, 1000), "warmup": (0, 3000, 250), "end": (0.0, 0.2, 0.01)}
rates = {"lr": cb.log_slider(0.001, 1e-4, 0.1), "decay": cb.log_slider(0.1, 1e-3, 10)}
cb.explore(draw_schedule, figsize=(7.2, 3), **rates, rule=["linear", "sqrt", "fixed"], **ranges)

# %% [markdown]
# **A teacher's memory.** The share of the average that is younger than an age: dark at the start of the run, light after some `progress`, when BYOL's cosine has raised the momentum. Move `m` to
# double the half-life; then let the run go on until the teacher no longer listens.


# %%
def draw_memory(fig, m, progress):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.08, right=0.97, bottom=0.17, top=0.88)
    ages = np.linspace(0, 5, 150)
    later = 1 - (1 - m) * (np.cos(np.pi * progress) + 1) / 2
    for momentum, method in ((m, "vicreg"), (later, "byol")):
        half_life = np.log(0.5) / np.log(momentum)
        ax.plot(ages, 1 - momentum ** (10**ages), color=cb.color(method))
        ax.plot(np.log10(half_life), 0.5, "o", ms=9, color=cb.color(method))
    ax.set(xlim=(0, 5), xticks=[0, 2, 4], xticklabels=["1", "100", "10,000"], xlabel="age, steps", ylabel="younger")
    ax.set(ylim=(0, 1.02), yticks=[0, 0.5, 1])
    now = np.log(0.5) / np.log(later)
    ax.set_title(f"now: noise × {(1 - later) / (1 + later):.2g}, half-life {now:,.0f} steps")


decays = SelectionSlider(options=[0.9, 0.95, 0.98, 0.99, 0.996, 0.998, 0.999, 0.9995, 0.9999], value=0.996)
cb.explore(draw_memory, figsize=(7.2, 3), m=decays, progress=FloatSlider(0.5, min=0, max=0.95, step=0.05))

# %% [markdown]
# ## What breaks
#
# - **What was held fixed?** Equal samples, steps and epochs give different answers to "which batch size?". With few samples in all, small batches win by taking more steps. Our sweeps have one seed:
#   trust the shapes, not the order of the peaks.
# - **Projector.** Its worth depends on the rest: at $\tau = 0.2$ instead of 0.5 it brings one to three points in runs this short.
# - **False cures.** Multiplying an undifferentiated gather by the number of processes brings no lost term back. Caching mends the loss, not BatchNorm.
# - **Precision.** We claim bfloat16's accuracy: on a CPU it may be slower. In float16 $3 \cdot 10^{-8}$ is rounded *up*, not away. On GPUs, bit-exactness needs deterministic kernels.
# - **Scale.** `cookbook train simclr --data cifar10` trains a ResNet-18 for 100 epochs with LARS; `--batch-size`, `--lr`, `--optimizer` and `--precision` are this chapter's knobs. solo-learn
#   publishes 90.74 % for SimCLR after 1,000 epochs.
#
# ## Before and after
#
# [Contrastive learning](../02_contrastive/contrastive.ipynb) asked how many negatives are needed; here they come with the batch. The teacher's memory, and a weight decay that chooses features, are
# [self-distillation](../03_self_distillation/self_distillation.ipynb)'s. The covariances of [canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb) couple a batch as negatives do. [Evaluation](../07_evaluation/evaluation.ipynb) asks
# how to read the scores that come out.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. DINO: 100 epochs of 1,252 steps, 10 of warm-up, AdamW at 0.002 down to $10^{-6}$, decay from 0.04 to 0.4 along a cosine. What is left of an idle weight?
#
# <details><summary>Hint</summary>At each step an idle weight is multiplied by $1 - \eta(t) \lambda(t)$. `training.warmup_cosine` and `training.cosine_ramp` give the two.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Show that accumulating VICReg's covariance term, a sum of squared covariances, is biased. By how much, if the dimensions are independent with variance 1?
#
# <details><summary>Hint</summary>Which mean and which variance has a sample covariance of $n$ independent pairs? What do they say of its square?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Write down $\partial L / \partial k_j$ of InfoNCE for a key $k_j$. What does the gather without gradient drop? Where do the keys go? Measure how a step changes their tightness,
# $\|\text{mean of } k / \|k\|\, \|^2$.
#
# <details><summary>Hint</summary>Differentiate the logit and the log-sum-exp of a row apart. Which rows does a process own? For a start, let all $p_{ij}$ be about $1/N$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Fit the best rate for B = 16 … 1024 by $\eta^\star \propto B^\gamma$, for SGD and AdamW. Begin with a *noisy quadratic* (Zhang et al., 2019): $\frac12 \sum_j h_j w_j^2$,
# $h_j = 1/j$, gradient noise of variance $100\, h_j / B$, $w_j = 1$ at the start, 100 steps of SGD. Then put `train` in its place.
#
# <details><summary>Hint</summary>Along one axis $w \leftarrow (1 - \eta h) w + \eta \cdot$ noise. The expected square after 100 steps is a geometric series.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its cook's guide. P. Goyal et al. [Large minibatch
#   SGD](https://arxiv.org/abs/1706.02677), 2017. Y. You et al. [LARS](https://arxiv.org/abs/1708.03888), 2017. I. Loshchilov, F. Hutter. [AdamW](https://arxiv.org/abs/1711.05101), 2019. P. Micikevicius et al. Mixed precision
#   training, 2018. T. Chen et al. SimCLR, 2020. G. Leclerc et al. FFCV, 2022.
# - L. Gao et al. [GradCache](https://arxiv.org/abs/2101.06983), 2021. F. Bordes et al. [Guillotine](https://arxiv.org/abs/2206.13378), 2022; [Democratizing
#   SSL](https://arxiv.org/abs/2303.01986), 2023. D. Busbridge et al. EMA scaling, 2023. G. Zhang et al. Noisy quadratic, 2019.

# %%
ch.footer()
