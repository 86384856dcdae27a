# %% [markdown]
# # Training knobs: lab
#
# For those who want more: all knobs on one scale; why the projector is thrown away; eight devices that forget the slopes; what an optimizer does not see; schedules and a teacher's memory to play with; half precision; and what a training loop owes you. Sections stand alone, but for `train`, which section A defines. Equation numbers go on from the [lesson](training_knobs.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from ipywidgets import FloatSlider, SelectionSlider
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, models, recipes, training

ch = cb.Chapter("training_knobs_lab", scale=scale, seed=seed)
digits = recipes.tiny_mnist()
small = recipes.TINY_SHORT._replace(batch_size=64, steps=ch.pick(fast=60, toy=100))

# %% [markdown]
# ## A · All knobs on one scale
#
# One training: NT-Xent on digits of 14 × 14 pixels, a small convolutional encoder, a projector of two layers, AdamW, 100 steps of 64 images. We turn one knob at a time, and give each setting its own best of two learning rates ("rate 1/200" has one of its own, the last three keep 0.02), two random starts each. The score is the lesson's **low-shot accuracy**: a linear classifier with 200 labels on what the encoder puts out. `train` returns it, and the same score for what the *projector* puts out.


# %%
def train(seed, loss=losses.nt_xent, layers=2, **settings):
    encoder, _ = recipes.tiny_encoder(small, seed=seed)
    with training.seeded(seed):
        projector = models.mlp_head(encoder.dim, 128, 64, layers=layers) if layers else nn.Identity()
    settings |= {"recipe": small, "augment": recipes.tiny_crop, "seed": seed}
    recipes.train_networks(encoder, projector, loss, digits.x_train, **settings)
    return [recipes.low_shot(net, digits) for net in (encoder, nn.Sequential(encoder, projector))]


# %%
def best(rates, **settings):
    tables = [np.array([train(s, lr=rate, **settings) for s in seeds]) for rate in rates]
    return max(tables, key=lambda table: table[:, 0].mean())  # columns: encoder, projector


sgd = partial(torch.optim.SGD, momentum=0.9)
lars = partial(training.LARS, eta=0.02)
seeds = ch.pick(fast=[ch.seed], toy=[ch.seed, ch.seed + 1])
bfloat16 = Fabric(accelerator="cpu", precision="bf16-mixed")
usual = ch.pick(fast=[0.02], toy=[0.005, 0.02])
slow = ch.pick(fast=[0.005], toy=usual)  # the fast scale has time for one rate
sgd_rates, lars_rates = ch.pick(fast=([0.1], [0.3]), toy=([0.1, 0.3], [0.3, 1]))


# %%
def batches_of(size):
    steps = 64 * small.steps // size  # as many images as the others
    return {"batch_size": size, "steps": steps, "warmup": steps // 5}


# %%
knobs = {  # what is turned, and the learning rates to choose from
    "as it is": (usual, {}),
    "rate 1/200": ([0.0001], {}),
    "no projector": (slow, {"layers": 0}),
    "linear projector": (usual, {"layers": 1}),
    "SGD": (sgd_rates, {"optimizer": sgd}),
    "LARS": (lars_rates, {"optimizer": lars}),
    "bfloat16": (usual, {"fabric": bfloat16}),
    "batches of 16": (slow, batches_of(16)),
    "batches of 256": (usual, batches_of(256)),
}

# %%
if ch.scale != "fast":  # shown in the figure, without a claim
    knobs["no warm-up"] = ([0.02], {"warmup": 0})
    knobs["decay 0.1"] = ([0.02], {"weight_decay": 0.1})
    knobs["decay 10"] = ([0.02], {"weight_decay": 10.0})

# %% [markdown]
# Batches of 16 and of 256 see the same number of *images* as the others, so they take 400 and 25 steps. In **bfloat16** the network computes with 8 binary digits (section F). Warm-up is the rise of the learning rate over the first 20 steps. Decay is AdamW's weight decay, otherwise 0.0001.
#
# *Guess first.* Order them: a learning rate 200 times smaller; no projector; a linear one; SGD; LARS; bfloat16; batches of 16; batches of 256; no warm-up; a decay of 0.1, and of 10. Which matter most?

# %%
scores = {name: best(rates, **settings) for name, (rates, settings) in knobs.items()}
pixels = recipes.low_shot(nn.Flatten(), digits)
starts = [recipes.untrained(digits.x_train, recipe=small, seed=s) for s in seeds]
untrained = np.array([recipes.low_shot(start, digits) for start in starts])
encoder = {name: table[:, 0] for name, table in scores.items()}
ch.figures.knobs(encoder, {"untrained": untrained.mean(), "pixels": pixels})

# %%
usual_score = encoder["as it is"]
ch.measure("rate-decides", lost=usual_score - encoder["rate 1/200"], learned=encoder["rate 1/200"] - untrained)
ch.measure("optimizers-agree", sgd=usual_score - encoder["SGD"], lars=usual_score - encoder["LARS"])

# %%
ch.measure("small-batch", gain=encoder["batches of 16"] - encoder["batches of 256"])
ch.measure("bfloat16-trains", change=abs(encoder["bfloat16"] - usual_score))

# %% [markdown]
# **What you saw.** *Look at the bars, the distances from the first row.* Two knobs cost more than a tenth: a rate that is far too small learns nothing in 100 steps, and an encoder without a projector ends below raw pixels. Batches of 256 and a decay of 10 cost 0.04 to 0.06, and without warm-up one of the two starts loses 0.05. Optimizers, which papers argue about, lie within 0.03 once each has its own rate. For NT-Xent small batches are no worse than large ones when both see the same images; but they take more steps (batches of 256 take only 25) and more time.
#
# > **Check yourself.** At a common rate of 0.02, who would win: SGD, LARS or AdamW? And at 0.3? What would such a comparison show?

# %% [markdown]
# ## B · A projector that is thrown away
#
# The loss acts behind the projector, and the probe reads before it. Why not use the output, for which the network was trained? "Guillotine regularization" (Bordes et al., 2022) is the name for cutting off the last layers after training; on ImageNet that brings more than 30 points.
#
# *Guess first.* Add layers to the projector. How do the scores before and behind it move?

# %%
depths = {0: scores["no projector"], 1: scores["linear projector"], 2: scores["as it is"]}
if ch.scale != "fast":
    depths[3] = best(usual, layers=3)
ch.figures.guillotine(depths, pixels)

# %%
before, behind = scores["as it is"].T
ch.measure("projector-helps", gain=encoder["linear projector"] - encoder["no projector"])
ch.measure("probe-before", drop=before - behind)

# %% [markdown]
# **What you saw.** *See the lines part.* Without a projector (0 layers) both are the same and poor. One linear layer already protects the encoder. Deeper projectors leave the encoder about as it is, while their own output gets worse. A usual reading: the loss demands that crops of one image be *equal*, which throws away where the stroke is and how thick; the projector takes that upon itself.
#
# > **Check yourself.** By the lesson's three kinds, which kind of knob is the projector?

# %% [markdown]
# ## C · Eight devices
#
# Each of eight devices embeds 8 images, gathers everybody's embeddings as keys, and computes InfoNCE, with temperature $\tau = 0.5$, for its own 8 queries; then the eight gradients of the weights are averaged. Let $\hat z_i$ be query $i$, scaled to length 1, $k_j$ the key of its other crop, and $p_{ij}$ the share that query $i$'s softmax gives to key $j$. The slope at a key is
#
# $$ \frac{\partial \mathcal{L}}{\partial k_j} = \frac{1}{N \tau} \Big( \sum_i p_{ij}\, \hat z_i - \hat z_j \Big) . \tag{4} $$
#
# It is a sum over *all* queries, so seven of eight of its terms arise on other devices. If the gathering does not carry slopes, they are lost. But the term $-\hat z_j$ arises at home. In code: each query may move its own device's keys only.


# %%
device = torch.arange(64) // 8
together = device[:, None] == device


def forgetful(queries, keys):
    cosines = torch.where(together, queries @ keys.T, queries @ keys.detach().T)
    return F.cross_entropy(cosines / 0.5, torch.arange(64))


def eight_devices(a, b):
    a, b = F.normalize(a), F.normalize(b)
    return (forgetful(a, b) + forgetful(b, a)) / 2


def one_device(a, b):
    return (losses.info_nce(a, b, temperature=0.5) + losses.info_nce(b, a, temperature=0.5)) / 2


# %%
a, b = torch.randn(2, 64, 64, generator=torch.Generator().manual_seed(ch.seed))
print(f"the loss of random embeddings: {one_device(a, b):.6f} and {eight_devices(a, b):.6f}")
ch.figures.devices(together)

# %% [markdown]
# *Look at the pale squares:* the comparison is made, but only the row learns from it. The two losses have the same *value*. In (4) seven of eight terms of the push are lost, and the whole pull stays.
#
# *Guess first.* The [uniformity](../02_contrastive/contrastive.ipynb) of embeddings is 0 when all coincide, and more negative the more they spread. One device reaches about −2.7. And eight? What becomes of the accuracy?

# %%
crops = recipes.tiny_crop(digits.x_train[:1000], torch.Generator().manual_seed(ch.seed))


def score_and_spread(loss, rate, seed):
    run = recipes.train_tiny(loss, digits.x_train, recipe=small, lr=rate, seed=seed)
    z = training.features(nn.Sequential(run.encoder, run.projector), crops)
    return recipes.low_shot(run.encoder, digits), losses.uniform_loss(z).item()


def best_of(loss):
    tables = [np.array([score_and_spread(loss, rate, s) for s in seeds]) for rate in usual]
    return max(tables, key=lambda table: table[:, 0].mean()).T


# %%
one, one_spread = best_of(one_device)
eight, eight_spread = best_of(eight_devices)
print(
    f"accuracy {one.mean():.2f} and {eight.mean():.2f}, uniformity {one_spread.mean():.2f} and {eight_spread.mean():.2f}"
)
ch.measure("gather-costs", lost=one - eight)
ch.measure("push-is-lost", uniformity=eight_spread - one_spread)

# %% [markdown]
# **What you saw.** The loss has the same value, the run reports no error, and the encoder ends where raw pixels are, or below. The library's `training.gather` carries slopes; that two real processes then have the gradient of one is tested in `tests/lib/training/test_distributed.py`.
#
# > **Check yourself.** Someone multiplies the loss by 8, "since the gradients are averaged over eight devices". Does that help?

# %% [markdown]
# ## D · What an optimizer does not see
#
# Multiply a loss by 1,000. Its minimum stays, its gradient grows a thousandfold. SGD's steps grow with it. **AdamW** divides the running mean of the gradient by the root of the running mean of its square, so a factor cancels. **LARS** takes, for each weight matrix $\Theta$ with gradient $\nabla$, the step
#
# $$ \Theta \leftarrow \Theta - \mathrm{lr} \cdot \kappa\, \frac{\|\Theta\|}{\|\nabla\|} \nabla , \tag{5} $$
#
# with a *trust* of $\kappa = 0.02$ (and a running sum of such steps, as in SGD with momentum): a fixed share of the matrix's norm. Vectors, such as biases, take plain SGD steps. This is LARS as SimCLR's, BYOL's and Barlow Twins' code have it. The paper (You et al., 2017) divides by $\|\nabla\|$ plus the decay times $\|\Theta\|$, and puts the rate inside the running sum.
#
# *Guess first.* Train on 1,000 times NT-Xent, with the same learning rates to choose from as for the plain loss. Who notices?


# %%
def thousandfold(a, b):
    return 1000 * losses.nt_xent(a, b)


large = {"AdamW": best(usual, loss=thousandfold), "SGD": best(sgd_rates, loss=thousandfold, optimizer=sgd)}
if ch.scale != "fast":
    large["LARS"] = best(lars_rates, loss=thousandfold, optimizer=lars)
plain = {"AdamW": scores["as it is"], "SGD": scores["SGD"], "LARS": scores["LARS"]}
lost = {name: plain[name][:, 0] - table[:, 0] for name, table in large.items()}
for name in large:
    print(f"{name}: plain {plain[name][:, 0].mean():.2f}, thousandfold {large[name][:, 0].mean():.2f}")

# %%
ch.measure("adamw-blind", moved=abs(lost["AdamW"]))
ch.measure("sgd-sees", lost=lost["SGD"])

# %% [markdown]
# **What you saw.** AdamW does not notice, SGD does. LARS stands between. The factor cancels in (5), so it must be the vectors that see it, with their plain SGD steps. That may be why Barlow Twins' code gives biases a rate of their own.
#
# **Decay.** AdamW multiplies a weight without gradient by $1 - \mathrm{lr} \cdot \mathrm{wd}$ in each step, large or small. An "L2 penalty" adds $\mathrm{wd} \cdot \Theta$ to the gradient instead, and Adam then divides its size away:

# %%
for name, make in {"AdamW": torch.optim.AdamW, "Adam with L2": torch.optim.Adam}.items():
    idle = nn.Parameter(torch.tensor([1.0, 10.0]))
    optimizer = make([idle], lr=0.01, weight_decay=0.1)
    for _ in range(50):
        idle.grad = torch.zeros(2)
        optimizer.step()
    print(name, "leaves of 1 and of 10:", [round(left, 3) for left in idle.tolist()])

# %% [markdown]
# AdamW leaves $0.999^{50} = 0.951$ of both. Adam with L2 takes nearly the same *amount* from both (0.46 and 0.50), which is no decay.
#
# ## E · Schedules and memories
#
# **The usual rate** rises in $T_w$ steps to its peak, then falls along half a cosine: at the share $u$ of the remaining steps it is $\frac12 (1 + \cos \pi u)$ of the peak. Peaks are stated for 256 images. While the gradient changes little, $c$ steps on batches of 256 move like one step on a batch of $256\, c$ at a rate $c$ times as large: the **linear rule** (Goyal et al., 2017), for SGD and LARS. Adam's steps have a size of their own, so for AdamW people take $\sqrt c$ or no factor. Published peaks, to be multiplied by images / 256: SimCLR (LARS) 0.3, BYOL (LARS) 0.2, SimSiam (SGD) 0.05, DINO (AdamW) 0.0005, MAE (AdamW) 0.00015.
#
# On the right below is what AdamW leaves of an idle weight. Change `rule`, then find the `decay` that brings the right picture back. Does `warmup` matter to it?

# %%
sliders = {"batch": (256, 4096, 256), "steps": (4000, 20_000, 1000), "warmup": (0, 3000, 250)}
rate, decay = cb.log_slider(0.001, 1e-4, 0.1), cb.log_slider(0.1, 1e-3, 10)
cb.explore(ch.figures.schedule, figsize=(8, 3), lr=rate, decay=decay, rule=["linear", "sqrt", "fixed"], **sliders)

# %% [markdown]
# Warm-up does not matter to it: what is left depends on the sum of the rates alone, and the straight rise and the half cosine both average half the peak.
#
# **A teacher's memory.** Teachers (BYOL, DINO) are running averages: $\bar\Theta \leftarrow a\, \bar\Theta + (1 - a)\, \Theta$ in each step. What is $t$ steps old has the weight $(1 - a)\, a^t$, so half of the average is younger than $\ln \frac12 / \ln a$ steps. Noise in $\Theta$ that is independent from step to step keeps $(1 - a) / (1 + a)$ of its variance. BYOL lets $a$ rise to 1 along a cosine.
#
# The dark blue curve below is the memory at the start of the run, the light one after a share `progress` of it. Move `a` to double the half-life at the start; then let the run go on until the teacher no longer listens.

# %%
momenta = SelectionSlider(options=[0.9, 0.95, 0.98, 0.99, 0.996, 0.998, 0.999, 0.9995, 0.9999], value=0.996)
progress = FloatSlider(0.5, min=0, max=0.95, step=0.05)
cb.explore(ch.figures.memory, figsize=(8, 3), a=momenta, progress=progress)

# %% [markdown]
# ## F · Half precision
#
# A number in **float16** has 11 binary digits and is at most 65,504, about $e^{11}$; the smallest above 0 is $6 \cdot 10^{-8}$. **bfloat16** has 8 digits and the range of float32. A cosine of 1 at $\tau = 0.07$ is a logit of 14.3. What do the formats make of its exponential, and of a gradient of $2 \cdot 10^{-8}$, plain and multiplied by $2^{16}$ before and divided after (**loss scaling**, Micikevicius et al., 2018)?

# %%
for kind in (torch.float16, torch.bfloat16):
    power = torch.tensor(1 / 0.07, dtype=kind).exp().item()
    tiny = torch.tensor(2e-8).to(kind).item()
    rescued = torch.tensor(2e-8 * 2**16).to(kind).item() / 2**16
    print(f"{kind}: exp {power:.3g}, gradient {tiny:.3g}, with loss scaling {rescued:.3g}")

# %% [markdown]
# **What you saw.** In float16 the exponential overflows, and the gradient is lost unless it is scaled. A softmax that subtracts the largest logit first never overflows; a bare `exp` may, and 8 digits are few for a difference of cosines. So the network may run in half precision, but the loss is computed in float32; `pretrain` does so. In section A bfloat16 cost nothing beyond noise. We claim accuracy, not speed: on a CPU bfloat16 may be slower.
#
# ## G · What a training loop owes you
#
# All chapters train by `training.pretrain`.
#
# | it has | why |
# |---|---|
# | a bar with loss, rate and images per second, read every 10 steps | a GPU need not wait for a print |
# | `monitor(step, out)`, which gets the embeddings | a loss does not show collapse: watch spread and rank |
# | one seed; batches and views have a generator of their own | honest comparisons |
# | `checkpoint` and `resume`: networks, optimizer, every random state; other settings are refused | long runs are interrupted. A resumed run ends with the very weights of a straight one, to the last bit |
# | `fabric`, `micro_batches`, `gather` | devices and precision change nothing in the loss |
# | no decay for vectors, `lr_scale` for a group, `clip` | LARS's exclusions, SimSiam's predictor, spikes |
# | NaN stops the run and names step and rate | fail early, lose little |
#
# Each line is tested in `tests/lib/training`, and so is what happens when a checkpoint forgets the optimizer or the generator: other weights.
#
# ## H · The lesson's weight of 25
#
# The lesson's VICReg weighs covariances by 25, where its authors have 1. The surplus is weighed with them, so a smaller weight makes it harmless. Is that the cheap way out?
#
# *Guess first.* VICReg with weights of 0 (no covariance term at all), 1, 5 and 25, on the whole batch of 64 and in parts of 8, all at the rate 0.02. Where is the best of each row? By how much are the parts behind?


# %%
def score(weight, n):
    def vicreg(a, b):
        parts = zip(a.split(n), b.split(n), strict=True)
        return sum(losses.vicreg(x, y, cov=weight).total for x, y in parts) * n / 64

    runs = [recipes.train_tiny(vicreg, digits.x_train, recipe=small, lr=0.02, seed=s) for s in seeds]
    return np.array([recipes.low_shot(run.encoder, digits) for run in runs])


covariance_weights = ch.pick(fast=[5, 25], toy=[0, 1, 5, 25])
whole = {weight: score(weight, 64) for weight in covariance_weights}
parts = {weight: score(weight, 8) for weight in covariance_weights}

# %%
for name, row in {"whole batch": whole, "parts of 8": parts}.items():
    print(f"{name:12}", "   ".join(f"weight {weight}: {table.mean():.2f}" for weight, table in row.items()))
gap = max(whole.values(), key=np.mean) - max(parts.values(), key=np.mean)
ch.measure("no-weight-rescues", gap=gap)

# %% [markdown]
# **What you saw.** At every weight the parts are behind: by 0.10 at 25, and still by 0.03 to 0.04 at 5, at 1 and at 0. On the whole batch 5 and 25 cannot be told apart. So a smaller weight is the cheap half of a way out. The rest cannot be the surplus alone: at 0 there is none. There the parts differ from the whole batch in the wish for variance only, whose standard deviations come from 8 images.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. DINO: 100 epochs of 1,252 steps, 10 of warm-up, AdamW at 0.002 down to $10^{-6}$, decay from 0.04 to 0.4 along a cosine. What is left of a weight without gradient?
#
# <details><summary>Hint</summary>Each step multiplies it by 1 − rate × decay. `training.warmup_cosine` and `training.cosine_ramp` give the two.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 25 min. Derive (4). At the start all $p_{ij}$ are about $1/N$ and all queries are near their mean. What is left of (4) on eight forgetful devices, and where does a step send the keys?
#
# <details><summary>Hint</summary>Differentiate the logit and the log-sum-exp of a row apart. Which rows does a device own?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 20 min. A part of 8 images can never satisfy VICReg in 64 dimensions. Show that, whatever the network does, $\sum_{k \ne l} \hat C_{kl}^2 \ge (\sum_k \hat C_{kk})^2 / (n - 1) - \sum_k \hat C_{kk}^2$.
#
# <details><summary>Hint</summary>How many eigenvalues of $\hat C$ can differ from 0? What is their sum, and the sum of their squares?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●○ 30 min. Barlow Twins squares *correlations* between the two views. Repeat the lesson's section 2 for it: by how many degrees do its parts turn, and what of that is bias? Does the training suffer?
#
# <details><summary>Hint</summary>`losses.barlow_twins` takes the place of `vicreg`. A correlation of 8 samples has a variance of about 1/7.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L5** ●●● 60 min. How does the best rate of SGD grow with the batch size $B$? Take a *noisy quadratic* (Zhang et al., 2019): $\frac12 \sum_j h_j x_j^2$ with $h_j = 1/j$, $j \le 100$, gradient noise of variance $100\, h_j / B$, $x_j = 1$ at the start, 100 steps. Fit the best rate for $B = 16 \dots 1024$ by a power of $B$. Then try `train`.
#
# <details><summary>Hint</summary>One axis alone: $x \leftarrow (1 - \mathrm{lr}\, h)\, x + \mathrm{lr} \cdot$ noise. Its expected square after 100 steps is a geometric series.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - P. Goyal et al. [Accurate, large minibatch SGD](https://arxiv.org/abs/1706.02677), 2017. Y. You et al. [LARS](https://arxiv.org/abs/1708.03888), 2017. I. Loshchilov, F. Hutter. [AdamW](https://arxiv.org/abs/1711.05101), 2019. P. Micikevicius et al. [Mixed precision training](https://arxiv.org/abs/1710.03740), 2018.
# - F. Bordes et al. [Guillotine regularization](https://arxiv.org/abs/2206.13378), 2022; [Towards democratizing joint-embedding SSL](https://arxiv.org/abs/2303.01986), 2023. T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020. G. Zhang et al. [Which algorithmic choices matter at which batch sizes?](https://arxiv.org/abs/1907.04164), 2019.
