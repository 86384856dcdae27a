# %% [markdown]
# # Self-distillation: lab
#
# For those who want more: the theorem for matrices; a teacher that lags and a predictor that hurries; what small starts cost; BYOL and a target that never learns; DINO, and its two ways to collapse. Sections stand alone. Equation numbers go on from the [lesson](self_distillation.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np

import cookbook as cb
from replearn import data, evaluation, losses, methods, recipes, training
from replearn.papers import self_distillation as world

ch = cb.Chapter("self_distillation_lab", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)
mnist = recipes.tiny_mnist()

# %% [markdown]
# ## A · From numbers to matrices
#
# Let the encoder be a matrix $W$ ($K \times D$) and the predictor a matrix $\Pi$ ($K \times K$). With $C = \mathbb{E}\, v v^\top$ and $C_+ = \mathbb{E}\, v v'^\top$ (and $P$ for $\Pi$ in the library's results), descent on $\tfrac12\, \mathbb{E}\, \|\Pi W v - \mathrm{sg}[W v']\|^2$ with weight decay is
#
# $$ \dot \Pi = -R\, W^\top - \eta\, \Pi, \qquad \dot W = -\Pi^\top R - \eta\, W, \qquad R = \Pi W C - W C_+ . \tag{7} $$
#
# In the lesson $w^2 - h^2$ faded. Its matrix does so too, from *any* start (exercise L1):
#
# $$ W W^\top - \Pi^\top \Pi \ = \ e^{-2 \eta t}\, \big( W W^\top - \Pi^\top \Pi \big)_{t = 0} . $$
#
# So weight decay ties the predictor to the encoder. It does not say that the predictor becomes symmetric, or where its eigenvalues go.
#
# *Guess first.* Six numbers from ten directions of variance 1, $\sigma^2 = 0.3$, $\eta = 0.08$: in the lesson $h_+ = 0.6785$. Start three times from random matrices $W$ and predictors that are not symmetric. Where do the six eigenvalues of $\Pi$ end?

# %%
encoders = rng.standard_normal((3, 6, 10)) / np.sqrt(10)
predictors = 0.8 * np.eye(6) + 0.1 * rng.standard_normal((3, 6, 6))
path = world.linear_byol_flow(np.ones(10), np.full(10, 0.3), encoders, predictors, 0.08, T=200)
W, Pi = path.W[-1], path.P[-1]

# %%
_, h_plus = world.byol_fixed_points(sigma2=0.3, eta=0.08)
print("eigenvalues of the first predictor:", np.linalg.eigvals(Pi[0]).real.round(4))
off = abs(np.linalg.eigvals(Pi) - h_plus).max(axis=1)
strength = abs(np.linalg.eigvalsh(W @ W.mT) - h_plus**2).max(axis=1)
ch.measure("matrices-too", predictor=off, encoder=strength, symmetric=abs(Pi - Pi.mT).max(axis=(1, 2)))

# %% [markdown]
# **What you saw.** All eigenvalues arrive at the same $h_+$, those of $W W^\top$ at its square, and the predictor has become symmetric. All variances were equal here, the easy case, and formula (4) for one number gave the whole answer.
#
# Now both weights in one picture: six starts with all parts, two of them again without stop-gradient, and one without predictor.

# %%
h_starts = np.array([0.3, 1.1, 0.02, 0.75, 0.3, 0.12]).reshape(6, 1, 1)
w_starts = np.array([0.95, 0.87, 0.15, 0.22, 0.15, 0.05]).reshape(6, 1, 1)
one = {"X": [1], "Xp": [0.3], "eta": 0.08, "T": 100, "record": 500}
kept = world.linear_byol_flow(**one, W0=w_starts, P0=h_starts)
lost = world.linear_byol_flow(**one, W0=w_starts[:2], P0=h_starts[:2], stop_gradient=False)
ch.figures.portrait(kept, lost)

# %% [markdown]
# *Follow the blue lines.* They fall on the dashed line $w = h$, and then slide along it: up to $h_+$ (black), or down to 0; $h_-$ is white. The red lines start where two blue ones do, and go down; so does the grey one, whose predictor is stuck at 1.
#
# > **Check yourself.** The blue start A lies left of $h_-$ and lives, B lies right of it and dies. How come?

# %% [markdown]
# ## B · A teacher that lags, a predictor that hurries
#
# In BYOL the target comes from a teacher, an average of the student's past. While the student grows, its teacher is smaller: let the target be $\gamma\, w\, v'$ with $\gamma < 1$. And let the predictor learn $\alpha$ times as fast, as SimSiam's does. The shortfall is now $b = \gamma - (1 + \sigma^2)\, h$, and
#
# $$ \dot h = \alpha\, w^2\, b - \eta\, h, \qquad \dot w = h\, w\, b - \eta\, w . \tag{8} $$
#
# Multiply by $2h / \alpha$ and $2w$, and subtract: $w^2 - h^2 / \alpha$ fades. On $w^2 = h^2 / \alpha$,
#
# $$ \dot h = h\, \big[\, \gamma\, h - (1 + \sigma^2)\, h^2 - \eta\, \big], \qquad h_\pm = \frac{\gamma \pm \sqrt{\gamma^2 - 4 \eta\, (1 + \sigma^2)}}{2\, (1 + \sigma^2)} . \tag{9} $$
#
# (We hold $\gamma$ fixed. A true average lags only while its student changes.) *Guess first.* Does a small target make the start safer or more dangerous? And a predictor in a hurry?
#
# Each dot of the slider is a start, with $\sigma^2 = 0.3$: blue ones live, red ones die; $h_-$ is white, $h_+$ black. Drag `gamma` down and `alpha` up, and watch the count in the title.

# %%
controls = {"gamma": (0.6, 1.0, 0.02), "alpha": cb.log_slider(1, 1, 10), "eta": (0.0, 0.2, 0.01)}
cb.explore(ch.figures.fates, **controls, figsize=(6.4, 3.8))


# %%
def rest(start, **settings):
    path = world.linear_byol_flow([1], [0.3], [[start]], [[start]], 0.08, T=400, dt=0.5, record=1, **settings)
    return path.P[-1].item(), path.W[-1].item() ** 2


# %%
h_lag, _ = rest(0.107, tau=0.8)  # tau is the library's name for our γ
h_equal, w2_equal = rest(0.107)
h_quick, w2_quick = rest(0.107, alpha=10)
_, h_plus = world.byol_fixed_points(sigma2=0.3, eta=0.08)
print(f"from 0.107: lagging {h_lag:.4f}, equal {h_equal:.4f}, in a hurry {h_quick:.4f}")
ch.measure("lag-endangers", lagging=h_lag, equal=abs(h_equal - h_plus))
ch.measure("hurry-moves-no-point", predictor=abs(h_quick - h_equal), encoder=w2_equal / w2_quick)

# %% [markdown]
# **What you saw.** A small target raises the watershed, from 0.091 to 0.126 at $\gamma = 0.8$, so that the start $h = w = 0.107$ dies. `alpha` moves neither $h_-$ nor $h_+$, but lowers the line $w = h / \sqrt \alpha$ on which all ends lie: with $\alpha = 10$ the encoder's $w^2$ is ten times smaller.
#
# > **Check yourself.** Which $\gamma$ is the smallest for which there is a second place of rest, with $\sigma^2 = 0.3$ and $\eta = 0.08$?

# %% [markdown]
# ## C · Smaller starts
#
# Formula (6) names the survivors, for starts above the lower points. In the lesson every start was near the identity, and with $\sigma^2 = 0.05$ and $\eta = 0.03$ eleven directions of the digits survived.
#
# *Guess first.* Start the same model at 0.25, at 0.07, at 0.02 times the identity, four times each. How many survive?

# %%
pixels = data.load("digits").images.double().flatten(1).numpy()
variances, directions = np.linalg.eigh(np.cov(pixels.T))
variance, directions = variances[:-21:-1] / variances[-1], directions[:, :-21:-1]  # the top 20


def survivors(size):
    starts = size * (np.eye(20) + 0.03 * rng.standard_normal((2, 4, 20, 20)))  # four encoders, four predictors
    path = world.linear_byol_flow(variance, np.full(20, 0.05), *starts, 0.03, T=1000, dt=1, record=1)
    strengths = np.diagonal(path.W[-1].mT @ path.W[-1], axis1=1, axis2=2)
    return np.sum(strengths > 0.01, axis=1)


# %%
sizes = [1, 0.25, 0.07, 0.02]
counts = np.array([survivors(size) for size in sizes])
lower, _ = world.byol_fixed_points(0.05 / variance, 0.03 / variance)
expected = np.array([np.sum(size > lower) for size in sizes])
print(*(f"start {size}: {count} survive" for size, count in zip(sizes, counts, strict=True)), sep="\n")
ch.measure("small-starts", middle=counts[2], small=counts[3], mistakes=abs(counts - expected[:, None]))

# %% [markdown]
# **What you saw.** A direction that starts below $h_{j-}$ dies, even one that (6) would let live. Nothing is born here: self-distillation keeps what the start already has, and from 0.02 it keeps nothing.
#
# Each bar below is $a_j \rho_j$ of a direction, the dashed line is $4 \eta$. Blue survives; red could, but starts too low; grey has no second place of rest. *On the right* are three digits, and under each what the survivors still say of it. Drag `eta` up until you no longer recognise the digits. Then put it back, and drag `start` down.

# %%
controls = {"eta": cb.log_slider(0.03, 0.001, 0.2), "sigma2": (0.0, 0.5, 0.01), "start": cb.log_slider(0.25, 0.01, 1)}
cb.explore(ch.figures.digits, variance, directions, pixels, **controls, figsize=(8.6, 3.4))

# %% [markdown]
# > **Check yourself.** At `start` = 0.07 directions 5 to 11 turn red. Why does a small start cost the weak directions first?

# %% [markdown]
# ## D · BYOL, and a target that never learns
#
# **BYOL** (Grill et al., 2020) has the networks of SimSiam and a **teacher** $f'$ beside the student $f$: the target is $f'(v')$, and after each step the teacher's weights $\xi$ follow the student's $\theta$ slowly,
#
# $$ \xi \leftarrow m\, \xi + (1 - m)\, \theta , $$
#
# with a momentum $m$, as MoCo's keys did. (BYOL raises $m$ from 0.996 to 1; we keep it constant.) In the library both methods are one; `views` are the two views of a batch, and `decay` is $m$:

# %%
cb.show_source(methods.SelfDistillation.step)

# %%
cb.show_source(methods.SelfDistillation.after_step)

# %% [markdown]
# With $m = 0$ the teacher is the student. (Then BYOL is SimSiam, but that SimSiam's predictor learns ten times faster.) With $m = 1$ it stays what it was at the start: a random network that never learns. *Guess first.* Can predicting a random network teach anything?

# %%
recipe = ch.pick(fast=recipes.TINY_SHORT, toy=recipes.TINY)


def byol_accuracy(m):
    encoder, _ = recipes.tiny_encoder(recipe, seed=ch.seed)
    byol = methods.method("byol", encoder, recipes.tiny_crop, seed=ch.seed)
    byol.decay = m
    training.pretrain(byol, mnist.x_train, seed=ch.seed, **recipe.loop())
    return recipes.low_shot(byol.encoder, mnist)


# %%
untrained = recipes.low_shot(recipes.untrained(mnist.x_train, recipe, seed=ch.seed), mnist)
accuracy = {m: byol_accuracy(m) for m in ch.pick(fast=[1], toy=[0, 0.99, 1])}
print(f"untrained: {untrained:.3f}", *(f"m = {m}: {score:.3f}" for m, score in accuracy.items()), sep="\n")
ch.measure("frozen-target", gain=accuracy[1] - untrained)

# %% [markdown]
# **What you saw.** It can. To predict a random network from *another view*, the student must find what does not change between views, and that is worth learning. (Grill et al. report 18.8 % on ImageNet, from 1.4 % for the random network.) In the stored run the frozen teacher (0.81) is as good as one with $m = 0.99$ (0.82), and better than one with $m = 0$ (0.77), which is SimSiam without its hurry (SimSiam had 0.81). It is one seed and a short run: that a moving teacher is better in the end, as the papers find, we cannot show.
#
# > **Check yourself.** A frozen target cannot collapse. Why does BYOL not simply freeze it?

# %% [markdown]
# ## E · DINO's two ways to collapse
#
# **DINO** (Caron et al., 2021) has a teacher that is a moving average, as BYOL's, but no predictor. Both networks end in $K$ numbers, one for each of $K$ **prototypes**: the student in $u$, the teacher in $u'$. The student's distribution $y$ of one view is to match the teacher's $y'$ of the other:
#
# $$ \mathcal{L} = -\sum_k y'_k \log y_k, \qquad y = \mathrm{softmax}(u / \tau_s), \qquad y' = \mathrm{softmax}\big( (u' - c) / \tau_t \big) . \tag{10} $$
#
# *Sharpening* is a cold teacher, $\tau_t = 0.04$ against $\tau_s = 0.1$. *Centring* subtracts a running mean $c$ of the teacher's logits. Now let all images give the same logits. Centred, $c$ follows them, and the teacher becomes **uniform**; the student follows it. Sharpened only, the teacher is surer than its student about the largest logit; the student follows, and the teacher with it, until **one prototype takes all**.

# %% [markdown]
# Both can be watched with two images and two prototypes. Let $g_i$ be how much more image $i$ likes the first prototype than the second: a difference of two logits. If teacher and student are the same network, the slope of (10) is $\dot g_i = y'_i - y_i$, the two chances of the first prototype.
#
# The centre is the mean of the two gaps. *Look at the arrows* (directions only) and at the path from $g = (0.4, 0.1)$. With both cures it turns to a corner where the images *differ*. *Guess first:* where does it end without `centring`? And with `centring`, but `tau_t` above 0.1?

# %%
cb.explore(ch.figures.gaps, tau_t=(0.01, 0.2, 0.01), centring=True, figsize=(5.6, 4.2))

# %% [markdown]
# **What you saw.** Without `centring` both gaps become positive, 0.57 and 0.55: the first prototype takes both images. With `centring` and `tau_t` above $\tau_s = 0.1$ the path ends at $(0, 0)$: every target is uniform.
#
# Does a network do the same? The loss alone cannot tell, but it has two parts,
#
# $$ -\sum_k y'_k \log y_k = H(y') + \mathrm{KL}(y' \,\|\, y) , $$
#
# the **entropy** $H$ of the target and what the student has still to learn. A third number is the entropy of the *mean* target of a batch: near 0 if one prototype takes all images. We give entropies in units of $\log K$, so that 1 is uniform.


# %%
def dino_run(tau_t, centre):
    encoder, _ = recipes.tiny_encoder(dino_recipe, seed=ch.seed)
    dino = methods.method("dino", encoder, recipes.tiny_crop, seed=ch.seed)  # its teacher has m = 0.95
    dino.loss, dino.center_momentum = partial(losses.dino_loss, teacher_temperature=tau_t), centre
    rows = []

    def look(step, out):
        logits = out["z"].unflatten(0, (2, -1)), out["teacher"], dino.center
        rows.append(evaluation.target_report(*logits, teacher_temperature=tau_t))

    training.pretrain(dino, mnist.x_train, seed=ch.seed, monitor=look, **dino_recipe.loop())
    return np.array(rows).T, recipes.low_shot(dino.encoder, mnist)


# %%
dino_recipe = recipes.TINY_SHORT._replace(lr=3e-3)
both = dino_run(tau_t=0.04, centre=0.9)
centred = dino_run(tau_t=0.1, centre=0.9)
sharpened = dino_run(tau_t=0.04, centre=None)
ch.figures.cures({"both": both, "centring only": centred, "sharpening only": sharpened})

# %%
entropy, divergence, mean_entropy = both[0][:, -1]
untrained = recipes.low_shot(recipes.untrained(mnist.x_train, dino_recipe, seed=ch.seed), mnist)
gains = {"over_centring": both[1] - centred[1], "over_untrained": both[1] - untrained}
ch.measure("both-cures", sharp=entropy, divergence=divergence, prototypes=mean_entropy, **gains)
entropy, divergence, mean_entropy = centred[0][:, -1]
ch.measure("centring-only", uniform=1 - entropy, divergence=divergence)

# %%
entropy, divergence, mean_entropy = sharpened[0][:, -1]
ch.measure("sharpening-only", prototypes=mean_entropy)
print(f"low-shot accuracy: both {both[1]:.3f}, centring only {centred[1]:.3f}, sharpening only {sharpened[1]:.3f}")
print(f"untrained network of the same width: {untrained:.3f}")

# %% [markdown]
# **What you saw.** *The middle panel* is what is left to learn. It falls to 0.01 nats with centring only, and to 0.1 with sharpening only, for opposite reasons: the blue targets say nothing about any image, the red ones the same about all. With both cures (amber) it stops at 0.6; each target is sharp, and together they use many prototypes.
#
# (In accuracy both cures lead over sharpening alone, too. That we do not claim: of eleven seeds, run beforehand, one said otherwise.)
#
# > **Check yourself.** DINO has no predictor. Which of the two cures does the work of the shortfall $b$?

# %% [markdown]
# ## What does not show here
#
# - **BYOL without a predictor** has not collapsed by the end of our runs: its teacher has followed for one or two memories only. Exercise L3 looks closer.
# - **The teacher ahead of its student.** The papers see the teacher do better *during* training. In ours, measured beforehand with $m = 0.95$, it is level: 0.746 against 0.755 after 40 steps, 0.814 against 0.818 after 240. (It keeps BatchNorm statistics of its own. A teacher into which the student's are copied looks far worse than it is.)
# - **Without the output BatchNorm** BYOL and SimSiam hardly beat the untrained network at this size: 0.707 and 0.696 against 0.700, measured beforehand. On ImageNet BYOL works without batch statistics (Richemond et al., 2020).
# - **Published**, not reproduced: on CIFAR-10 (solo-learn, ResNet-18, 1,000 epochs) 92.6 % for BYOL, 90.5 % for SimSiam, 89.5 % for DINO, 93.1 % for MoCo v3, which has BYOL's networks and the contrastive loss.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 15 min. Show from (7) that $W W^\top - \Pi^\top \Pi$ decays like $e^{-2 \eta t}$ from *any* start. What does it become if the predictor learns $\alpha$ times as fast? Check it on one start.
#
# <details><summary>Hint</summary>Differentiate both products with the product rule. Which term do the two derivatives share?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 30 min. Which $\Pi$ is best for a given $W$, and why does a predictor in a hurry help? *DirectPred* (Tian et al., 2021) does not learn $\Pi$ at all: it takes $\Pi = E \operatorname{diag}(\sqrt{e_j} + \epsilon \max_k e_k)\, E^\top$, from the eigenvectors $E$ and eigenvalues $e_j$ of a moving average of $W W^\top$. Implement it in the linear model. Where does it end for $\epsilon = 0$ and 0.1?
#
# <details><summary>Hint</summary>For a fixed $W$ the loss is a least-squares problem in $\Pi$. For the end: which equation must $h$ still fulfil when only $W$ is trained?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 60 min. Train BYOL without its predictor (`torch.nn.Identity()`), with $m = 0.99$ and with $m = 0$, and watch RankMe. Does it collapse? What does the linear model say of a teacher $W'$ with $\dot W' = (W - W') / T_m$?
#
# <details><summary>Hint</summary>Without predictor the pair $(W, W')$ obeys a linear equation, whose eigenvalues you can find. How long is the memory of an average with $m = 0.99$, in steps, and how long is the run?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - Y. Tian, X. Chen, S. Ganguli. [Understanding self-supervised learning dynamics without contrastive pairs](https://arxiv.org/abs/2102.06810), 2021. M. Halvagal et al. extend the theory, 2023.
# - J.-B. Grill et al. Bootstrap your own latent (BYOL), 2020. P. Richemond et al. BYOL works even without batch statistics, 2020. X. Chen, K. He. [SimSiam](https://arxiv.org/abs/2011.10566), 2021. X. Chen et al. [MoCo v3](https://arxiv.org/abs/2104.02057), 2021.
# - M. Caron et al. [DINO](https://arxiv.org/abs/2104.14294), 2021. J. Zhou et al. iBOT, 2022, and M. Oquab et al. DINOv2, 2023, add masked patches to it ([Masked modelling](../05_masked_modeling/masked_modeling.ipynb)).
