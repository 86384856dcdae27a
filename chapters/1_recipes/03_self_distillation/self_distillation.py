# %% [markdown]
# # Self-distillation
#
# BYOL, SimSiam and DINO ask a network to predict itself, and nothing forbids a constant answer. After this chapter you can say why they do not collapse, compute which directions of a
# data set survive in them, and catch the collapses that a loss curve hides.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider
from scipy.special import expit
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, training
from replearn.data import load
from replearn.papers.self_distillation import byol_fixed_points, linear_byol_flow, surviving_directions

ch = cb.Chapter("self_distillation", scale=scale, seed=seed)

# %% [markdown]
# ## The question
#
# Predict your own answer to another view of the same image. No image is a negative, no covariance is penalised, and the perfect solution is plain: always answer the same. It has loss
# zero. Below, a linear encoder is trained in this way twice. The two runs differ by one word of code, `detach`: with it the answer to be predicted counts as a constant, without it the
# gradient flows into both sides.

# %%
rng = np.random.default_rng(ch.seed)
inputs = rng.standard_normal((300, 2)) * [1, 0.6]
view_1, view_2 = inputs + 0.3 * rng.standard_normal((2, 300, 2))
model = {"X": [1, 0.36], "Xp": [0.09, 0.09], "W0": np.eye(2), "P0": np.eye(2), "eta": 0.03, "T": 30}
detached = linear_byol_flow(**model)
attached = linear_byol_flow(**model, stop_gradient=False)
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3), layout="constrained")
panels = {"before training": (detached, 0), "with detach": (detached, -1), "without": (attached, -1)}
for ax, (title, (path, step)) in zip(axes, panels.items(), strict=True):
    W, P = path.W[step], path.P[step]
    loss = np.square(view_1 @ (P @ W).T - view_2 @ W.T).sum(axis=1).mean() / 2
    cb.plots.scatter(ax, inputs @ W.T, (inputs > 0) @ [1, 2], size=10)
    ax.set(xlim=(-3, 3), ylim=(-2.2, 2.2), title=title, xlabel=f"loss {loss:.4f}")
plt.show()

# %% [markdown]
# *Compare the two losses on the right.* The run without `detach` has the better one: all 300 images share one point. With `detach` the embedding shrinks, and stops. What holds it there?
#
# ## The mathematics
#
# **The family.** An *online* network $f$ (encoder and projector) embeds view $v$, a *predictor* $h$ follows it, and a *teacher* $f'$ embeds the other view $v'$. With $p = h(f(v))$ and
# $z' = f'(v')$ the loss, averaged over both orders of the views, is as follows; $\mathrm{sg}$, the *stop-gradient*, is `detach`.
#
# $$ \mathcal L = \Big\| \frac{p}{\|p\|} - \mathrm{sg}\Big[ \frac{z'}{\|z'\|} \Big] \Big\|^2 = 2 - 2 \cos(p, z') , \tag{1} $$
#
# - **BYOL**: the teacher's weights follow the online ones slowly, $\xi \leftarrow m\, \xi + (1 - m)\, \theta$, with $m$ from 0.996 to 1 along a cosine.
# - **SimSiam**: no teacher, $f' = f$. Its projector ends in a BatchNorm without parameters, and its predictor's learning rate does not decay.
# - **DINO**: no predictor; the teacher follows slowly, as in BYOL. Both networks end in logits over $K$ *prototypes*; the student's distribution is $\mathrm{softmax}(u / \tau_s)$, the teacher's
#   $\mathrm{softmax}((u' - c) / \tau_t)$, the loss a cross-entropy. *Sharpening* is $\tau_t = 0.04 < \tau_s = 0.1$; *centring* subtracts a running mean,
#   $c \leftarrow 0.9\, c + 0.1 \cdot (\text{batch mean of } u')$.
# - **MoCo v3** has BYOL's networks and the contrastive loss; **iBOT** and **DINOv2** add masked patches to DINO ([Masked modelling](../05_masked_modeling/masked_modeling.ipynb)).
#
# **A linear model** (Tian et al., 2021). As in [Two views](../01_two_views/two_views.ipynb), $C = E[v v^\top]$ and $C_+ = E[v v'^\top]$. The encoder is a matrix $W$ ($K \times D$), the predictor a
# matrix $P$ ($K \times K$), the teacher $\tau W$: $\tau = 1$ for SimSiam, $\tau < 1$ for a teacher that lags behind growing weights. With loss
# $\frac12 E \|P W v - \mathrm{sg}[\tau W v']\|^2$, weight decay $\eta$, and a predictor that learns $\alpha$ times as fast, gradient flow is
#
# $$ \dot P = - \alpha\, R\, W^\top - \eta P, \qquad \dot W = - P^\top R - \eta W, \qquad R = P W C - \tau W C_+ . \tag{2} $$
#
# Let $C_+ = I$ and $C = (1 + \sigma^2) I$, and let $P$ and $WW^\top$ be symmetric with common eigenvectors. Their eigenvalues $p$ and $s$ then move in pairs,
#
# $$ \dot p = \alpha s\, [\tau - (1 + \sigma^2) p] - \eta p, \qquad \dot s = 2 p s\, [\tau - (1 + \sigma^2) p] - 2 \eta s . $$
#
# Multiply the first by $2 p / \alpha$ and subtract it from the second: the brackets cancel, and $s - p^2 / \alpha$ decays like $e^{-2 \eta t}$. Weight decay makes the pair forget where
# it started and puts it on a parabola, $s = p^2 / \alpha$, on which one equation is left:
#
# $$ \dot p = p\, \big[ \tau p - (1 + \sigma^2) p^2 - \eta \big], \qquad p_\pm = \frac{\tau \pm \sqrt{\tau^2 - 4 \eta (1 + \sigma^2)}}{2 (1 + \sigma^2)} . \tag{3} $$
#
# Growth is quadratic in $p$, decay is linear. Hence 0 is stable, $p_-$ is a watershed, and $p_+$ is **a second stable point, which is not zero**. It exists if
# $\eta < \tau^2 / (4 (1 + \sigma^2))$. A lagging teacher raises the watershed; $\alpha$ moves neither point.
#
# **Leave something out.** Without the predictor ($P = I$, $\tau = 1$), $R = \sigma^2 W$ and $W$ dies like $e^{-(\sigma^2 + \eta) t}$. Without the stop-gradient, the gradient through $v'$
# adds $W C - P W C_+$, and a singular value $w$ of $W$ dies as well, because the bracket is positive:
#
# $$ \dot w = - \big[ (1 - p)^2 + \sigma^2 (1 + p^2) + \eta \big]\, w . \tag{4} $$
#
# **Which directions survive?** Real data has a variance $\lambda_j$ in direction $j$, to which the augmentation adds $\sigma_j^2$. Let $C_+ = \operatorname{diag}(\lambda_j)$,
# $C = \operatorname{diag}(\lambda_j + \sigma_j^2)$, and $\rho_j = \lambda_j / (\lambda_j + \sigma_j^2)$, the canonical correlation of the two views. The same steps lead to
# $w_j^2 = p_j^2 / \alpha$ and
#
# $$ \lambda_j\, p_j \Big( \tau - \frac{p_j}{\rho_j} \Big) = \eta, \qquad\text{so}\qquad p_j = \frac{\rho_j}{2} \Big( \tau + \sqrt{\tau^2 - 4 \eta / (\lambda_j \rho_j)} \Big) \quad\text{if}\quad \lambda_j\, \rho_j > 4 \eta / \tau^2 , \tag{5} $$
#
# and 0 if not, or if the direction starts below the lower root. PCA ranks directions by $\lambda_j$, [canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb) by $\rho_j$; self-distillation ranks by the product, and weight decay draws
# the line.
#
# **DINO's two collapses.** Let all images give the same logits $u$. *Centred*, $c$ follows $u$ and the teacher becomes uniform; the student follows, and nothing more happens.
# *Sharpened only*, the teacher is more certain than the student about its largest logit; the student follows, the teacher with it, until one prototype takes all. The loss cannot tell
# them apart from success, but its two parts can:
#
# $$ - \sum_k t_k \log s_k = H(t) + \mathrm{KL}(t \,\|\, s), \qquad H(t) = - \sum_k t_k \log t_k, \qquad \mathrm{KL}(t \,\|\, s) = \sum_k t_k \log \frac{t_k}{s_k} . \tag{6} $$
#
# ## From scratch


# %%
def byol(p, z, detach=True):
    target = z.detach() if detach else z
    return (F.normalize(p, dim=1) - F.normalize(target, dim=1)).square().sum(1).mean()


def dino(student, teacher, center, tau_s, tau_t):
    target, guess = F.softmax((teacher - center) / tau_t, dim=2), F.log_softmax(student / tau_s, dim=2)
    return -(target[0] * guess[1] + target[1] * guess[0]).sum(1).mean() / 2


student, teacher = torch.randn(2, 2, 32, 8, dtype=torch.float64)
center = teacher.mean((0, 1))
loss, parts = losses.dino_loss(student, teacher, center), evaluation.target_report(student, teacher, center)
assert_close(byol(student[0], teacher[1]), losses.byol_loss(student[0], teacher[1]))
assert_close(dino(student, teacher, center, tau_s=0.1, tau_t=0.04), loss)
assert_close(parts.entropy * np.log(8) + parts.divergence, loss.item())

# %% [markdown]
# The last line is (6). **The flow** (2) is gradient descent with small steps: here is one, by autograd and `detach` on one side, by the library's matrices on the other.

# %%
W0 = rng.standard_normal((6, 10)) / np.sqrt(10)
P0 = 0.8 * np.eye(6) + 0.1 * rng.standard_normal((6, 6))
W, P = torch.tensor(W0, requires_grad=True), torch.tensor(P0, requires_grad=True)
loss = 1.3 * (P @ W).square().sum() / 2 - (P @ W * W.detach()).sum()
loss.backward()
isotropic = {"X": np.ones(10), "Xp": np.full(10, 0.3), "eta": 0.08}
one_step = linear_byol_flow(**isotropic, W0=W0, P0=P0, T=0.05, dt=0.05, method="euler")
np.testing.assert_allclose(one_step.W[-1], W0 - 0.05 * (W.grad.numpy() + 0.08 * W0))
cb.show_source(methods.SelfDistillation.step)

# %% [markdown]
# That was the linear model; the library's `step` does the same for networks, with a loss that detaches its second argument. (In the linear model the library calls $C_+$ `X` and $C - C_+$
# `Xp`.)
#
# ## The theorem, tested
#
# **Two stable points.** $D = 10$, $K = 6$, $\sigma^2 = 0.3$, $\eta = 0.08$. One start is aligned as the theory wants it, three are random: no common eigenvectors, $P$ not symmetric,
# nothing on the parabola. Then each safeguard is removed in turn, and two runs start on the parabola, on either side of $p_-$.

# %%
p_minus, p_plus = byol_fixed_points(0.3, 0.08)
W0s = np.array([np.eye(6, 10), *rng.standard_normal((3, 6, 10)) / np.sqrt(10)])
P0s = 0.8 * np.eye(6) + 0.1 * np.array([np.zeros((6, 6)), *rng.standard_normal((3, 6, 6))])
world = isotropic | {"W0": W0s, "P0": P0s, "T": 200}
full = linear_byol_flow(**world)
no_predictor = linear_byol_flow(**world, predictor=False)
no_stop = linear_byol_flow(**world, stop_gradient=False)
too_much = linear_byol_flow(**world | {"eta": 1.15 / (4 * 1.3)})
beside = p_minus * np.array([0.9, 1.1]).reshape(2, 1, 1)
below, above = linear_byol_flow([1], [0.3], beside, beside, 0.08, T=400).P[-1].flatten()

# %%
W, P = full.W[-1], full.P[-1]
p_error = abs(np.linalg.eigvals(P) - p_plus).max()
s_error = abs(np.linalg.eigvalsh(W @ W.mT) - p_plus**2).max()
ch.measure("stable-point", p=p_error, s=s_error, symmetric=abs(P - P.mT).max())
ch.measure("watershed", under=below, over=abs(above - p_plus))

# %%
ends = [path.W[-1] for path in (no_predictor, no_stop, too_much)]
unpredicted, unstopped, decayed = [np.linalg.norm(W) / np.linalg.norm(W0s) for W in ends]
ch.measure("no-predictor", law=abs(unpredicted / np.exp(-0.38 * 200) - 1))
ch.measure("linear-collapse", unstopped=unstopped, decayed=decayed)

# %%
p_start = np.array([0.3, 1.1, 0.02, 0.75, 0.3]).reshape(5, 1, 1)
w_start = np.sqrt([0.9, 0.75, 0.02, 0.05, 0.02]).reshape(5, 1, 1)
one = {"X": [1], "Xp": [0.3], "eta": 0.08, "T": 100, "record": 500}
kept = linear_byol_flow(**one, W0=w_start, P0=p_start)
lost = linear_byol_flow(**one, W0=w_start[:2], P0=p_start[:2], stop_gradient=False)
fig, ax = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
curve = np.linspace(0, 1, 100)
ax.plot(curve, curve**2, "--", color=cb.color("theory"), lw=1)
ax.plot(kept.P[:, :, 0, 0], kept.W[:, :, 0, 0] ** 2, color=cb.color("simsiam"))
ax.plot(lost.P[:, :, 0, 0], lost.W[:, :, 0, 0] ** 2, color=cb.color("jepa"))
ax.plot([1, 1], [0.9, 0], color=cb.color("baseline"))
for p, name, face in [(p_minus, "$p_-$", "white"), (p_plus, "$p_+$", "black")]:
    ax.plot(p, p**2, "o", ms=9, color="black", mfc=face)
    ax.text(p, p**2 - 0.12, name, ha="center")
ax.text(0.74, 0.95, "full model", color=cb.color("simsiam"))
ax.text(0.36, 0.55, "no stop-gradient", color=cb.color("jepa"), ha="right")
ax.text(1.01, 0.25, "no predictor", color=cb.color("baseline"))
ax.set(xlabel="predictor $p$", ylabel="encoder $s$", ylim=(-0.17, 1.15), title="Only the full model has a second stop")
plt.show()

# %% [markdown]
# *Follow the blue lines.* They fall on the dashed parabola and then slide along it: up to $p_+$, or, from below $p_-$, down to 0. The red lines start where two blue ones do and find no
# way but down; so does the grey one, whose predictor is stuck at 1.
#
# **Survivors.** Take the top 20 principal directions of 8 × 8 digits, with $\lambda_j$ in units of the largest, and noise of variance $\sigma^2$ in all of them. Equation (5) names the
# survivors and their strengths $w_j^2$. The flow starts once at $W = P = I$, and three times at a random rotation with noise on it. (A rotation alone would change nothing: it only
# renames the rows of $W$ and $P$.)

# %%
pixels = load("digits").images.double().flatten(1).numpy()
variances, directions = np.linalg.eigh(np.cov(pixels.T))
lam, directions = variances[:-21:-1] / variances[-1], directions[:, :-21:-1]
rotations = np.linalg.qr(rng.standard_normal((3, 20, 20)))[0]
W0s = np.array([np.eye(20), *rotations + 0.03 * rng.standard_normal((3, 20, 20))])
P0s = np.array([np.eye(20), *np.eye(20) + 0.03 * rng.standard_normal((3, 20, 20))])


def strengths(sigma2, eta, T=2000):
    W = linear_byol_flow(lam, np.full(20, sigma2), W0s, P0s, eta, T=T, dt=1, record=1).W[-1]
    return np.diagonal(W.mT @ W, axis1=1, axis2=2)


# %%
settings = [(0.05, 0.03), (0.2, 0.03), (0.05, 0.1)]
found = np.array([strengths(sigma2, eta) for sigma2, eta in settings])
theory = np.array([np.nan_to_num(byol_fixed_points(sigma2 / lam, eta / lam)[1] ** 2) for sigma2, eta in settings])
alive = np.array([surviving_directions(lam, sigma2, eta) for sigma2, eta in settings])
mild, noisy, decaying = alive.sum(axis=1)
mistakes = np.sum((found > 0.05**2) != alive[:, None], axis=(1, 2))
errors = abs(found - theory[:, None]).max(axis=(1, 2))
ch.measure("survivors", mild=mild, noisy=noisy, decaying=decaying, mistakes=mistakes, errors=errors)

# %%
index = np.arange(1, 21)
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3), sharey=True, layout="constrained")
for ax, (sigma2, eta), bars, dots in zip(axes, settings, theory, found, strict=True):
    ax.bar(index, bars, color="#d5d9de")
    ax.plot(index, dots.T, "o", ms=4, color=cb.color("simsiam"))
    ax.set(title=f"σ² = {sigma2}, η = {eta}", xlabel="principal direction $j$", xticks=[1, 5, 10, 15, 20])
axes[0].set_ylabel("strength $w_j^2$")
axes[0].text(11, 0.62, "bars: theory\ndots: four runs")
plt.show()

# %% [markdown]
# *Look at the last bar of each panel.* It is not small: at the threshold, (5) has $p_j = \rho_j / 2$. A direction is kept with some strength or lost for good. And those lost have little
# variance, whether or not a label needs them.
#
# ## The experiment
#
# Now networks, on MNIST digits of 14 × 14 pixels: a small convolutional encoder, a projector with $K = 64$ outputs, a predictor of two layers. A view is a random crop, turned by up to
# 15°. **Low-shot** accuracy is that of a linear classifier on the encoder's features with 200 labels (mean of five sets). Two symptoms are watched. **Spread** is $\sqrt K$ times the
# standard deviation of $z / \|z\|$: 1 for embeddings all over the sphere, 0 for one point. **RankMe** counts dimensions in use. `method` puts a projector, SimSiam's BatchNorm without
# parameters ("BN") and a predictor on an encoder; we start from it and change one thing at a time. In BYOL it is the teacher's decay $m$.

# %%
mnist = recipes.tiny_mnist()
low_shot = partial(recipes.low_shot, sets=mnist)


def new_method(name, recipe, seed=ch.seed, **changes):
    method = methods.method(name, recipes.tiny_encoder(recipe, seed=seed)[0], recipes.tiny_crop, seed=seed)
    for attribute, value in changes.items():
        setattr(method, attribute, value)
    return method


def train(method, recipe, report, seed=ch.seed):
    reports = []
    loop = recipe.loop() | {"monitor": lambda step, out: reports.append(report(out))}
    training.pretrain(method, mnist.x_train, seed=seed, **loop)
    return low_shot(method.encoder), np.array(reports)


# %%
recipe = ch.pick(fast=recipes.TINY_SHORT, toy=recipes.TINY)
contenders = {
    "SimSiam": new_method("simsiam", recipe),
    "no predictor": new_method("simsiam", recipe, predictor=nn.Identity()),
    "no stop-gradient": new_method("simsiam", recipe, loss=partial(byol, detach=False)),
    "no stop-gradient, no BN": new_method("simsiam", recipe, loss=partial(byol, detach=False)),
}
contenders["no stop-gradient, no BN"].projector = contenders["no stop-gradient, no BN"].projector[:-1]
for decay in ch.pick(fast=[1], toy=[0, 0.9, 0.99, 0.999, 1]):
    contenders[f"BYOL, m = {decay}"] = new_method("byol", recipe, decay=decay)
runs = {name: train(m, recipe, lambda out: evaluation.collapse_report(out["z"])[:2]) for name, m in contenders.items()}

scores = {name: score for name, (score, _) in runs.items()}
untrained = training.warm_up_batch_norm(new_method("simsiam", recipe).encoder, mnist.x_train[:1000])
scores |= {"untrained": low_shot(untrained), "pixels": low_shot(nn.Flatten())}
for name in sorted(scores, key=scores.get, reverse=True):
    print(f"{name:25}{scores[name]:.3f}")

# %%
last = {name: reports[-1] for name, (_, reports) in runs.items()}
spread, rank = last["SimSiam"]
ch.measure("stop-gradient-pays", gain=scores["SimSiam"] - scores["no stop-gradient"])
ch.measure("spread-and-rank", spread=1 - spread, rank=rank / last["no stop-gradient"][1])

# %%
bare = "no stop-gradient, no BN"
ch.measure("one-point", spread=last[bare][0], gain=scores[bare] - scores["untrained"])
ch.measure("frozen-target", gain=scores["BYOL, m = 1"] - scores["untrained"])

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), layout="constrained")
for row, (name, shade) in enumerate(zip(runs, ["#56b4e9", "#8a9099", "#cc3d5c", "#22262b"], strict=False)):
    for ax, values in zip(axes, runs[name][1].T, strict=True):
        ax.plot(10 * np.arange(len(values)), values, color=shade)
    axes[1].text(recipe.steps, 47 - 5 * row, name, color=shade, ha="right")
axes[0].set(xlabel="step", ylim=(0, 1.05), title="Spread: BN hides a collapse")
axes[1].set(xlabel="step", ylim=(0, None), title="RankMe: nothing hides")
plt.show()

# %% [markdown]
# *Compare the red and the grey line on the left and on the right.* Without stop-gradient or predictor but with BN, each dimension keeps its variance, as BN makes it: the spread looks
# healthy. But all dimensions say the same. Without BN (black) the embeddings do shrink to a point. (SimSiam's own figures on ImageNet, with BN and without stop-gradient: spread to 0, accuracy from
# 67.7 to 0.1 %.) Report both numbers, always. *Then look at* $m = 1$ *in the list.* Its teacher is a random network that never learns, and predicting it still teaches (on ImageNet, in
# the paper, 1.4 % of a random network became 18.8 %). In so short a run a moving teacher is hardly better; it only beats having none ($m = 0$).
#
# **DINO** with both cures, with centring only ($\tau_t = \tau_s = 0.1$), with sharpening only (no centre), two seeds each. Entropies are in units of $\log 64$: that of each target, and
# that of the *mean* target of a batch, which is near 0 if one prototype takes all.

# %%
dino_recipe = ch.pick(fast=recipes.TINY_SHORT._replace(steps=120), toy=recipes.TINY)._replace(lr=3e-3)


def train_dino(tau_t, momentum, seed):
    loss = partial(losses.dino_loss, teacher_temperature=tau_t)
    method = new_method("dino", dino_recipe, seed, loss=loss, center_momentum=momentum)

    def report(out):
        return evaluation.target_report(
            out["z"].unflatten(0, (2, -1)), out["teacher"], method.center, teacher_temperature=tau_t
        )

    return train(method, dino_recipe, report, seed)


variants = {"both": (0.04, 0.9), "centring only": (0.1, 0.9), "sharpening only": (0.04, None)}
dino_runs = {name: [train_dino(*setting, ch.seed + i) for i in (0, 1)] for name, setting in variants.items()}

# %%
both, centred, sharpened = [np.mean([score for score, _ in pair]) for pair in dino_runs.values()]
ends, centred_ends, sharp_ends = [np.array([reports[-1] for _, reports in pair]) for pair in dino_runs.values()]
ch.measure("both-cures", over_centring=both - centred, over_sharpening=both - sharpened)
ch.measure("many-prototypes", entropy=ends[:, 2])

# %%
ch.measure("centring-only", uniform=1 - centred_ends[:, 0], divergence=centred_ends[:, 1])
ch.measure("sharpening-only", entropy=sharp_ends[:, 2])

# %%
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.2), layout="constrained")
for name, shade, height in zip(variants, ["#e69f00", "#0072b2", "#cc3d5c"], [0.55, 0.91, 0.24], strict=True):
    for _, reports in dino_runs[name]:
        for ax, values in zip(axes, reports.T, strict=True):
            ax.plot(10 * np.arange(len(values)), values, color=shade, lw=1.5)
    axes[2].text(dino_recipe.steps, height, name, color=shade, ha="right")
for ax, title in zip(axes, ["entropy of a target", "KL, in nats", "entropy of the mean target"], strict=True):
    ax.set(title=title, xlabel="step", ylim=(0, None))
plt.show()

# %% [markdown]
# *Follow the middle panel.* KL is what the student still has to learn. In both failures it falls towards zero, for opposite reasons: the blue targets say nothing about any image, the red
# ones the same about all. Only with both cures (amber) is each target sharp, on the left, while together they use many prototypes, on the right.
#
# ## Play
#
# **The watershed.** On the left (3), for $\tau = \alpha = 1$: the stable point (solid) and the watershed (dashed) against weight decay. Raise `eta` until they meet at
# $1 / (4 (1 + \sigma^2))$, and watch the path on the right let go. The encoder starts at $s = 0.6$, the predictor at `start`, and the first thing their path does is look for the
# parabola.


# %%
def draw_watershed(fig, eta, sigma2, start):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.08, right=0.97, bottom=0.17, top=0.87, wspace=0.25)
    grid = np.linspace(0, 1 / (4 * (1 + sigma2)), 60)
    low, high = byol_fixed_points(sigma2, grid)
    path = linear_byol_flow([1], [sigma2], [[0.6**0.5]], [[start]], eta, T=60, dt=0.6)
    p, s = path.P[:, 0, 0], path.W[:, 0, 0] ** 2
    left.plot(grid, high, "k-", grid, low, "k--")
    left.plot([eta, eta], [start, p[-1]], "o-", markevery=[1], ms=9, color=cb.color("simsiam"))
    right.plot(curve, curve**2, "k--", lw=1)
    right.plot(p, s, "o-", markevery=[-1], ms=9, color=cb.color("simsiam"))
    left.set(xlim=(-0.01, 0.41), ylim=(-0.03, 1.25), xticks=[0, 0.2, 0.4], yticks=[0, 0.5, 1])
    left.set(xlabel="weight decay η", ylabel="predictor p", title=f"p goes from {start:.2f} to {p[-1]:.3f}")
    right.set(xlim=(-0.03, 1.25), ylim=(-0.03, 1.05), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    right.set(xlabel="predictor p", ylabel="encoder s")


controls = {"eta": FloatSlider(0.08, min=0, max=0.4, step=0.01), "sigma2": FloatSlider(0.3, min=0, max=2, step=0.05)}
cb.explore(draw_watershed, figsize=(7.2, 3.1), **controls, start=FloatSlider(0.3, min=0.02, max=1.2, step=0.02))

# %% [markdown]
# **Weight decay chooses features.** Each bar is $\lambda_j \rho_j$ of a digit direction, the dashed line is $4 \eta$. On the right: three digits, and below them what their surviving
# directions still say of them. Raise `eta` and lose directions one by one; raise `sigma2` and see which fall first.


# %%
def draw_digits(fig, eta, sigma2):
    left, right = fig.subplots(1, 2, width_ratios=[1.6, 1])
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.17, top=0.87, wspace=0.08)
    alive = surviving_directions(lam, sigma2, eta)
    tops, shades = np.log10(lam**2 / (lam + sigma2)), np.where(alive, cb.color("simsiam"), "#d5d9de")
    left.vlines(index, -3, tops, colors=shades, lw=8)
    left.axhline(np.log10(4 * eta), color="k", ls="--", lw=1)
    left.set(xlabel="direction j", ylabel="λρ", ylim=(-3, 0.1), yticks=[-2, -1, 0], yticklabels=["0.01", "0.1", "1"])
    left.set(xticks=[1, 5, 10, 15, 20], title=f"{alive.sum()} of 20 directions survive")
    mean, shown, basis = pixels.mean(axis=0), pixels[[10, 12, 16]], directions[:, alive]
    rebuilt = mean + (shown - mean) @ basis @ basis.T
    cb.plots.image_grid(right, np.clip([*shown, *rebuilt], 0, 1).reshape(6, 8, 8), columns=3)


noise_slider = FloatSlider(0.05, min=0, max=0.5, step=0.01)
cb.explore(draw_digits, figsize=(7.2, 3.1), eta=cb.log_slider(0.03, 0.001, 0.2), sigma2=noise_slider)

# %% [markdown]
# **DINO with two prototypes and two images.** $g_1$ and $g_2$ are the images' logit gaps: how much more each likes prototype 1 than 2. Teacher and student are one network, so
# $\dot g_i = t_i - s_i$, with $t_i$ and $s_i$ the two chances of prototype 1; $\tau_s = 0.1$. With both cures the path turns towards the corner where the images *differ*. Switch
# `centring` off: one prototype takes both. Switch it on and raise `tau_t` above 0.1: all paths end in the middle, where the teacher is uniform.


# %%
def push(gaps, tau_t, centring):
    center = gaps.mean(axis=0) if centring else 0
    return expit((gaps - center) / tau_t) - expit(gaps / 0.1)


def draw_dino(fig, tau_t, centring):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.2, right=0.85, bottom=0.14, top=0.9)
    grid = np.array(np.meshgrid(np.linspace(-0.9, 0.9, 13), np.linspace(-0.9, 0.9, 13)))
    ax.quiver(*grid, *push(grid, tau_t, centring), color="#b6bcc4", angles="xy", scale=8, width=0.004)
    path = [np.array([0.4, 0.1])]
    for _ in range(250):
        path.append(np.clip(path[-1] + 0.1 * push(path[-1], tau_t, centring), -1, 1))
    ax.plot(*np.transpose(path), "o-", markevery=[-1], ms=11, color=cb.color("dino"), lw=3)
    ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="$g_1$", ylabel="$g_2$")
    ax.set_title(f"gaps of the two images: {path[-1][0]:.2f} and {path[-1][1]:.2f}")


cb.explore(draw_dino, figsize=(5, 4.2), tau_t=FloatSlider(0.04, min=0.01, max=0.2, step=0.01), centring=True)

# %% [markdown]
# ## What breaks
#
# - **No output BN.** SimSiam and BYOL then hardly beat the untrained encoder at this size: it is the most useful single part of the recipe. At full size BYOL works without *batch*
#   statistics (Richemond et al., 2020).
# - **BYOL without a predictor** does not collapse in runs this short, with BN and $m = 0.99$: the teacher has hardly moved. We claim only what the linear model says of the end.
# - **Small things.** $\eta$ in (5) is in units of the largest variance, and AdamW's weight decay is not that of a gradient flow: do not carry the numbers over. Zero loss is the collapsed
#   solution: never stop early on the loss. Detach the target, not the prediction: with `detach` on the wrong side the predictor never learns. A teacher into which the student's running
#   statistics are copied looks far worse than it is; ours keeps its own. Even so, the papers' observation that the teacher leads its student *during* training is nothing we could see in
#   runs this short: it lags behind.
# - **Scale.** For CIFAR-10 (ResNet-18, 1,000 epochs) solo-learn publishes 92.6 % for BYOL, 90.5 % for SimSiam, 89.5 % for DINO, 93.1 % for MoCo v3; `cookbook train byol --data cifar10`
#   is the way there.
#
# ## Before and after
#
# [Two views](../01_two_views/two_views.ipynb) ranked directions by what views agree on; [Contrastive](../02_contrastive/contrastive.ipynb) pushes images apart, and its slow key encoder became BYOL's teacher. Here
# nothing pushes: a direction lives if it feeds on itself faster than it decays. The cure of [canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb), to demand variance outright, has no
# threshold and needs no teacher. [Learning by reconstruction](../../2_spectral/08_reconstruction_features/reconstruction_features.ipynb) has linear networks that learn one direction after another.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 15 min. We derived $s - p^2 / \alpha = c\, e^{-2 \eta t}$ for aligned pairs. Show from (2) that $W W^\top - P^\top P / \alpha$ decays like that from *any* start, and check it on one.
#
# <details><summary>Hint</summary>Differentiate both products with the product rule. Which term do the two derivatives share?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 25 min. With $\sigma^2 = 0.05$ and $\eta = 0.01$, how many directions should survive? How many are alive at $T = 2000$, and at 4000? Explain.
#
# <details><summary>Hint</summary>`strengths` takes a third argument. How far is each direction from its threshold, and how fast is $\dot p$ just beyond one?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. Why does a predictor that learns ten times faster help? Which $P$ is best for a given $W$? *DirectPred* (Tian et al., 2021) does not learn $P$ at all:
# $P = U \operatorname{diag}(\sqrt{s_j} + \epsilon \max_k s_k)\, U^\top$, from the eigenvectors $U$ and eigenvalues $s_j$ of a moving average of $W W^\top$. Implement it in the linear
# model. Where does it end for $\epsilon = 0$ and 0.1?
#
# <details><summary>Hint</summary>For a fixed $W$ the loss is a least-squares problem in $P$. For the end: which equation must $p$ still fulfil when only $W$ is trained?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 40 min. Choose an augmentation under which the *twelfth* direction of the digits outlives the first. Predict it from (5), and verify with the flow.
#
# <details><summary>Hint</summary>The noise may differ from direction to direction: `surviving_directions` takes an array. Which $\sigma_j^2$ brings $\lambda_j \rho_j$ of the first direction below that of the twelfth?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its section on the self-distillation family.
# - J.-B. Grill et al. BYOL, 2020. X. Chen, K. He. [SimSiam](https://arxiv.org/abs/2011.10566), 2021. M. Caron et al. [DINO](https://arxiv.org/abs/2104.14294), 2021. X. Chen et al. MoCo
#   v3, 2021. J. Zhou et al. iBOT, 2022. M. Oquab et al. DINOv2, 2023. P. Richemond et al. BYOL works even without batch statistics, 2020.
# - Y. Tian, X. Chen, S. Ganguli. [Understanding self-supervised learning dynamics without contrastive pairs](https://arxiv.org/abs/2102.06810), 2021. M. Halvagal et al., 2023.

# %%
ch.footer()
