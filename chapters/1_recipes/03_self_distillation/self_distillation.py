# %% [markdown]
# # Self-distillation
#
# Show a network two views of a picture. From the first it must predict what it answers *itself* to the second. BYOL, SimSiam and DINO learn in this way, without a label and without a single negative.
#
# Nothing seems to stop such a network from giving every picture the same answer, and being right for ever. After this lesson you can say what holds it back, compute which directions of a data set survive, and catch a collapse that the loss does not show.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import data, evaluation, losses, methods, recipes, training
from replearn.papers import self_distillation as world

ch = cb.Chapter("self_distillation", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)

# %% [markdown]
# ## 1 · Full marks for saying nothing
#
# Here are 300 "images" of two numbers each. A view is the image plus a little noise, and each image has two of them.

# %%
images = torch.randn(300, 2) * torch.tensor([1.0, 0.6])
view_1 = images + 0.3 * torch.randn(300, 2)
view_2 = images + 0.3 * torch.randn(300, 2)
ch.figures.views(images, view_1, view_2)

# %% [markdown]
# *Look at the short lines*: each joins the two views of one image (60 of the 300 are drawn; a colour for each quadrant).
#
# **The game.** An encoder $f$ gives each view an embedding. A second network, the **predictor** $h$, gets the embedding of view $v$ and tries to guess the embedding of the other view $v'$, which is its **target**:
#
# $$ \mathcal{L} = \tfrac12\, \mathbb{E}\, \big\| h(f(v)) - \mathrm{sg}[f(v')] \big\|^2 . \tag{1} $$
#
# The **stop-gradient** $\mathrm{sg}$ changes no value. It declares the target a constant: the gradient moves the prediction towards the target, and never the target towards the prediction. In PyTorch it is the one word `detach`.
#
# If the network gives all views the same embedding, it has **collapsed**. Let $f$ and $h$ be matrices of size $2 \times 2$ that start as the identity. Descent with a **weight decay** of 0.03, which shrinks every weight a little at each step, trains them twice: with `detach` and without.
#
# *Guess first.* Which run ends with the lower loss, and by what factor? What becomes of the cloud?


# %%
def loss(encoder, predictor, stop_gradient):
    prediction = view_1 @ encoder @ predictor
    target = view_2 @ encoder.detach() if stop_gradient else view_2 @ encoder
    return (prediction - target).square().sum(dim=1).mean() / 2


# %%
def train(stop_gradient):
    encoder = torch.eye(2, requires_grad=True)
    predictor = torch.eye(2, requires_grad=True)
    optimizer = torch.optim.SGD([encoder, predictor], lr=0.1, weight_decay=0.03)
    for _ in range(400):
        optimizer.zero_grad()
        loss(encoder, predictor, stop_gradient).backward()
        optimizer.step()
    return images @ encoder.detach(), loss(encoder, predictor, False).item()


# %%
kept, kept_loss = train(stop_gradient=True)
lost, lost_loss = train(stop_gradient=False)
ch.figures.clouds(images, kept, kept_loss, lost, lost_loss)
size = images.norm()
ch.measure("loss-praises", kept=kept.norm() / size, lost=lost.norm() / size, loss=lost_loss / kept_loss)

# %% [markdown]
# **What you saw.** With the stop-gradient the cloud has shrunk somewhat and come to rest. (The second number, which varies less, has shrunk more: section 4 says why.) Without it, all 300 images share one point, whose loss is lower by many powers of ten: an encoder that answers 0 to everything is always right. The loss does not merely fail to warn you of a collapse: it praises it.
#
# > **Check yourself.** In both runs the value of (1) is the same function of the weights. How can two descents on one function end in different places? (All answers stand at the head of the [solutions](self_distillation_solutions.ipynb).)

# %% [markdown]
# ## 2 · Growth against decay
#
# What holds the cloud? One direction is enough to see it. An image is one number of mean 0 and variance 1, a view adds noise of variance $\sigma^2$. So $\mathbb{E}\, v^2 = 1 + \sigma^2$, and $\mathbb{E}\, v v' = 1$, since the two noises are independent. The encoder multiplies by a number $w$, and the predictor by a number that we call $h$ like itself. In (1) the second $w$ is a constant:
#
# $$ \mathcal{L} = \tfrac12\, \mathbb{E}\, \big( h\, w\, v - \mathrm{sg}[w]\, v' \big)^2 . $$
#
# Take both derivatives and insert the two means:
#
# $$ \frac{\partial \mathcal{L}}{\partial h} = -w^2\, b, \qquad \frac{\partial \mathcal{L}}{\partial w} = -h\, w\, b, \qquad b = 1 - (1 + \sigma^2)\, h . $$
#
# We call $b$ the **shortfall**: while it is positive, the prediction is too small on average, and a step raises both weights. For $h$ that closes the gap. For $w$ it does not, as $b$ does not contain $w$: by the next step the target has grown too. The encoder chases its own answer, and the chase is what decay has to beat. In very small steps, with weight decay $\eta$ and a dot for the change per unit of time:
#
# $$ \dot h = w^2\, b - \eta\, h, \qquad \dot w = h\, w\, b - \eta\, w . \tag{2} $$

# %% [markdown]
# **Two equations become one.** Multiply the first by $2h$, the second by $2w$, and subtract. The shortfall cancels:
#
# $$ \frac{d}{dt} \big( w^2 - h^2 \big) = -2 \eta\, \big( w^2 - h^2 \big) . $$
#
# So weight decay makes the two weights forget how they differed: after a time of a few $1/(2\eta)$, $w^2 = h^2$. Put that into (2) (Tian et al., 2021):
#
# $$ \dot h = \underbrace{h^2\, [\, 1 - (1 + \sigma^2)\, h\, ]}_{\text{growth}} \ -\ \underbrace{\eta\, h}_{\text{decay}} . \tag{3} $$
#
# Near 0 the square $h^2$ is smaller than $\eta h$: decay wins, so **0 is stable**. Further out growth may win. The two are equal where $h - (1 + \sigma^2)\, h^2 = \eta$:
#
# $$ h_\pm = \frac{1 \pm \sqrt{1 - 4 \eta\, (1 + \sigma^2)}}{2\, (1 + \sigma^2)} . \tag{4} $$
#
# *Guess first.* Look at the signs in (3): where does a start between $h_-$ and $h_+$ go? One beyond $h_+$? And what becomes of the two points as you raise $\eta$?

# %%
ranges = {"eta": (0.0, 0.3, 0.01), "sigma2": (0.0, 1.0, 0.05), "start": (0.02, 1.0, 0.02)}
cb.explore(ch.figures.watershed, **ranges, figsize=(7.8, 3.1))

# %% [markdown]
# *Look left* at the two forces, growth (blue) and decay (grey, $\eta$ is `eta`); where they cross stand $h_-$ (white) and $h_+$ (black), and the triangle at `start` says which way $h$ goes. *On the right* is its path. Drag `start` down past the white dot. Then put it back, and raise `eta` until the dots meet, at $\eta = 1 / (4 (1 + \sigma^2))$: beyond, decay wins everywhere.
#
# Now both lines of (2), in small steps, from four starts. With $\sigma^2 = 0.3$ and $\eta = 0.08$ formula (4) gives $h_- = 0.0907$ and $h_+ = 0.6785$. Two starts lie on $w^2 = h^2$, a tenth below $h_-$ and a tenth above; two, with $h = 0.2$, do not: one has a strong encoder, one a weak.


# %%
def flow(h, w, decay, noise=0.3, time=400, step=0.1):
    for _ in range(int(time / step)):
        shortfall = 1 - (1 + noise) * h
        h_change = w**2 * shortfall - decay * h
        w_change = h * w * shortfall - decay * w
        h, w = h + step * h_change, w + step * w_change
    return h, w


# %%
h_minus, h_plus = world.byol_fixed_points(sigma2=0.3, eta=0.08)  # formula (4)
below = flow(0.9 * h_minus, 0.9 * h_minus, decay=0.08)
above = flow(1.1 * h_minus, 1.1 * h_minus, decay=0.08)
strong = flow(0.2, 0.9, decay=0.08)
weak = flow(0.2, 0.05, decay=0.08)
ends = {"below": below, "above": above, "strong encoder": strong, "weak encoder": weak}
print(*(f"{name:14}  h = {h:.4f}, w = {w:.4f}" for name, (h, w) in ends.items()), sep="\n")
ch.measure("watershed", below=below, weak=weak, above=np.subtract(above, h_plus), strong=np.subtract(strong, h_plus))

# %% [markdown]
# **What you saw.** On the curve $w^2 = h^2$ the point $h_-$ is a **watershed**: a tenth below it the encoder dies, a tenth above it the encoder flows to $h_+$, a second place of rest, where the network still says something. Off the curve the watershed is a line in the plane of $h$ and $w$: with the same $h = 0.2$ a strong encoder lives, a weak one dies (more in the [lab](self_distillation_lab.ipynb)). This is the answer to our question. Collapse is stable, but it is not the only place of rest, and who starts on the right side of the watershed never gets there.
#
# > **Check yourself.** The best guess of the target $w v'$ from $w v$ is $w v / (1 + \sigma^2)$, by linear regression. Is $h_+$ larger or smaller than $1/(1 + \sigma^2)$? Why does it need to be?

# %% [markdown]
# ## 3 · Take one part away
#
# **No predictor.** Then $h = 1$ for ever, and the shortfall is $b = 1 - (1 + \sigma^2) = -\sigma^2$. The best prediction is $1/(1 + \sigma^2)$ of the embedding, as in any regression on noisy values, so $h = 1$ overshoots, and the chase runs downwards: by (2), $\dot w = -(\sigma^2 + \eta)\, w$.
#
# **No stop-gradient.** Now both $w$ in the loss are free: $\mathcal{L} = \tfrac12 w^2\, \mathbb{E}\, (h v - v')^2$. Expand the square, $\mathbb{E}\, (h v - v')^2 = (1 + \sigma^2)\, h^2 - 2 h + (1 + \sigma^2)$, and differentiate:
#
# $$ \dot w = -\big[\, (1 - h)^2 + \sigma^2\, (1 + h^2)\, \big]\, w - \eta\, w . \tag{5} $$
#
# The bracket is never negative. With the stop-gradient a step takes the target for fixed, so that raising $w$ looks like progress. Without it the step also sees that a smaller $w$ makes *both* smaller, and their distance too. ($h$ obeys the first line of (2) as before, and fades once $w$ is gone.)
#
# *Guess first.* Both lose. Which one falls faster from $h = 1$, with $\sigma^2 = 0.3$ and $\eta = 0.08$? And is a weight decay 15 % beyond the threshold as bad as either?

# %% [markdown]
# We take an encoder $W$ of $K = 6$ numbers from $D = 10$ directions, started at random (`W0`), and a predictor of size $6 \times 6$, started as the identity (`P0`). `linear_byol_flow` is our `flow` for matrices; `X` and `Xp` are the variances of image and noise in the ten directions. (If predictor and $W W^\top$ share their eigenvectors, each pair of their eigenvalues moves like $h$ and $w^2$. A random start is not like that; the lab shows that it ends like that.)

# %%
random_encoder = rng.standard_normal((6, 10)) / np.sqrt(10)
model = {"X": np.ones(10), "Xp": np.full(10, 0.3), "W0": random_encoder, "P0": np.eye(6), "T": 100}
paths = {
    "all parts": world.linear_byol_flow(**model, eta=0.08),
    "no predictor": world.linear_byol_flow(**model, eta=0.08, predictor=False),
    "no stop-gradient": world.linear_byol_flow(**model, eta=0.08, stop_gradient=False),
    "too much decay": world.linear_byol_flow(**model, eta=1.15 / (4 * 1.3)),
}

# %%
ch.figures.sizes(paths)
left = {name: np.linalg.norm(path.W[-1]) / np.linalg.norm(path.W[0]) for name, path in paths.items()}
parts = {"unpredicted": left["no predictor"], "unstopped": left["no stop-gradient"]}
ch.measure("each-part-needed", full=left["all parts"], **parts)
ch.measure("too-much-decay", decayed=left["too much decay"])

# %% [markdown]
# **What you saw.** Only the full model stops shrinking. Without predictor the size falls along a straight line, which on this scale is an exponential, at the rate $\sigma^2 + \eta = 0.38$. Without stop-gradient it falls faster from the start, at $2 \sigma^2 + \eta = 0.68$, and faster still as $h$ fades: (5) then has the rate $1 + \sigma^2 + \eta$. With too much decay it falls slowly until $t \approx 40$, past the place where the two points have just met and gone, and then like $e^{-\eta t}$.
#
# > **Check yourself.** Without weight decay, $\eta = 0$, what are $h_-$ and $h_+$? Is there a watershed at all?
#
# ## 4 · Who survives?
#
# Let $a_j$ be the variance of the images in direction $j$ and $\sigma^2$ that of the noise, the same in all. Then $\mathbb{E}\, v^2 = a_j + \sigma^2$ and $\mathbb{E}\, v v' = a_j$. With these two means the steps of section 2 give $h\, [\, a_j - (a_j + \sigma^2)\, h\, ] = \eta$. The two views are correlated with $\rho_j = a_j / (a_j + \sigma^2)$, so
#
# $$ h_{j\pm} = \frac{\rho_j}{2} \Big( 1 \pm \sqrt{1 - \frac{4 \eta}{a_j\, \rho_j}} \Big), \qquad \text{which exist if} \quad a_j\, \rho_j > 4 \eta . \tag{6} $$
#
# A direction for which they exist, and which starts above the lower one (on $w^2 = h^2$), survives with strength $w_j^2 = h_{j+}^2$. All others die. In words: **variance times agreement must exceed four times the weight decay.**
#
# Take the top 20 principal directions of real digits. *Guess first.* With $\eta = 0.03$, thirteen of them have a variance $a_j$ above $4 \eta = 0.12$. How many survive with a noise of $\sigma^2 = 0.05$? With ten times the noise? And with the first noise and $\eta = 0.1$?

# %%
pixels = data.load("digits").images.double().flatten(1).numpy()  # 1,797 digits of 8 × 8 pixels
variances = np.linalg.eigvalsh(np.cov(pixels.T))
variance = variances[:-21:-1] / variances[-1]  # of the top 20 directions, in units of the largest


def strengths(noise, decay):
    starts = np.eye(20) + 0.03 * rng.standard_normal((2, 4, 20, 20))  # four encoders, four predictors
    path = world.linear_byol_flow(variance, np.full(20, noise), *starts, decay, T=1000, dt=1, record=1)
    return np.diagonal(path.W[-1].mT @ path.W[-1], axis1=1, axis2=2)  # w_j², a row for each of the four


# %%
settings = [(0.05, 0.03), (0.5, 0.03), (0.05, 0.1)]  # noise, weight decay
found = np.array([strengths(noise, decay) for noise, decay in settings])
upper = np.array([world.byol_fixed_points(noise / variance, decay / variance)[1] for noise, decay in settings])
theory = np.nan_to_num(upper) ** 2  # (6) is (4) with σ²/a and η/a; no number where there is no root
ch.figures.survivors(settings, theory, found)

# %%
alive = found > 0.01
named = np.array([world.surviving_directions(variance, noise, decay) for noise, decay in settings])
by_variance = np.array([variance > 4 * decay for _, decay in settings])
mistakes, error = np.sum(alive != named[:, None]), abs(found - theory[:, None]).max()
mild, noisy, decaying = alive.sum(axis=2)
ch.measure("survivors", mild=mild, noisy=noisy, decaying=decaying, mistakes=mistakes, error=error)
ch.measure("variance-alone", mistakes=np.sum(alive != by_variance[:, None], axis=(0, 2)))

# %% [markdown]
# **What you saw.** The formula names every survivor and its strength. Variance alone would have kept 13 in the first two panels (in the third it happens to be right). The last bars are 0.18, 0.07 and 0.46 high, and the next ones 0: a direction is kept with some strength, or lost altogether.
#
# All starts were near the identity, above every lower point. From smaller starts fewer survive: the [lab](self_distillation_lab.ipynb) has the numbers, and a slider that shows what the survivors still say of a digit.
#
# > **Check yourself.** PCA ranks directions by $a_j$. Under which augmentation does $a_j \rho_j$ rank them alike, and how could it rank them differently?

# %% [markdown]
# ## 5 · A real network
#
# **SimSiam** (Chen & He, 2021) plays the game of section 1 with networks. A **projector** behind the encoder makes the embeddings $z$ and $z'$ of two views, and it ends in a BatchNorm without parameters. The loss is minus the cosine of prediction and target, $-\cos(h(z), \mathrm{sg}[z'])$. Ours is the small convolutional network of the other chapters, on digits of 14 × 14 pixels, with embeddings of $K = 64$ numbers. We train three: SimSiam as it is; the same without the stop-gradient; and one without the stop-gradient *and* that BatchNorm.
#
# Three numbers are watched: the **loss**; the **spread**, which is the standard deviation of $z / \|z\|$ in each dimension, averaged and multiplied by $\sqrt K$, about 1 if embeddings lie all over the sphere and 0 if they share one point; and **RankMe**, which counts dimensions in use, at most 64. (Divide the singular values of $Z$, the embeddings of a batch in its rows, by their sum: RankMe is the exponential of the entropy of these shares.)
#
# *Guess first.* A network can collapse onto one *point* or onto *a few dimensions*. Which of the three numbers will see which collapse?


# %%
def open_loss(prediction, target):  # losses.simsiam_loss without its detach
    return -F.cosine_similarity(prediction, target, dim=1).mean()


def network(loss, batch_norm=True):
    encoder, _ = recipes.tiny_encoder(recipe, seed=ch.seed)
    simsiam = methods.method("simsiam", encoder, recipes.tiny_crop, seed=ch.seed)
    simsiam.loss = loss
    simsiam.projector = simsiam.projector if batch_norm else simsiam.projector[:-1]
    return simsiam


# %%
def watch(method):
    rows = []

    def look(step, out):  # called every ten steps
        report = evaluation.collapse_report(out["z"])
        rows.append([out["loss"].item(), report.std, report.rank])

    training.pretrain(method, digits.x_train, seed=ch.seed, monitor=look, **recipe.loop())
    return np.array(rows).T  # losses, spreads, RankMe


# %%
digits, recipe = recipes.tiny_mnist(), ch.pick(fast=recipes.TINY._replace(width=8), toy=recipes.TINY)
networks = {"SimSiam": network(losses.simsiam_loss), "no stop-gradient": network(open_loss)}
networks["no stop-gradient, no BatchNorm"] = network(open_loss, batch_norm=False)
runs = {name: watch(method) for name, method in networks.items()}
ch.figures.symptoms(runs)

# %%
loss_end, spread, rank = np.array([run[:, -1] for run in runs.values()]).T  # a number for each network
ch.measure("collapse-hides", loss=loss_end[1] - loss_end[0], spread=spread[1])
ch.measure("rank-tells", ratio=rank[0] / rank[1:], point=spread[2])

# %% [markdown]
# **What you saw.** The loss is *lower* for the two networks without stop-gradient. The one without BatchNorm (black) collapses onto a point, and the spread sees it. In the other (red) BatchNorm hands each dimension its variance back, so the spread looks healthy, but the dimensions repeat each other: RankMe sees two to four of them, against about twenty for SimSiam. (SimSiam's rank falls too, but it comes to rest, and in the stored run rises again.)
#
# Does the encoder suffer? The score is **low-shot accuracy**: a linear classifier learns from the encoder's output with 200 labels, averaged over five sets of labels. `untrained` is the encoder at its random start.

# %%
scores = {name: recipes.low_shot(method.encoder, digits) for name, method in networks.items()}
scores["untrained"] = recipes.low_shot(recipes.untrained(digits.x_train, recipe, seed=ch.seed), digits)
scores["raw pixels"] = recipes.low_shot(nn.Flatten(), digits)
print(*(f"{score:.2f} {name}" for name, score in scores.items()), sep="\n")
best, unstopped, bare, *_ = scores.values()
ch.measure("stop-gradient-pays", over_unstopped=best - unstopped, over_bare=best - bare)

# %% [markdown]
# **What you saw.** In the stored run, at scale `toy`, SimSiam's encoder beats raw pixels, 0.81 against 0.73. Those without the stop-gradient are no better than pixels, with 0.72 and 0.66: training has left them near their random start (0.70), or spoiled it. (On ImageNet, with all labels, Chen and He report 67.7 % with and 0.1 % without, and a spread that falls to 0. Theirs collapsed onto a point; ours, so far, onto a few dimensions.)
#
# > **Check yourself.** You are sent embeddings with a spread of 0.9, and the message "no collapse". What do you ask for?

# %% [markdown]
# ## What breaks
#
# - **From the line to the network.** The theorem is about a linear encoder and a squared error. Section 5 shows that a network collapses too, in its own two ways; it does not show that the cause is the same. Do not carry $\eta$ over: AdamW's weight decay is not that of (2).
# - **A frozen target teaches as well.** In runs as short as ours a target that never learns does about as much for the encoder as SimSiam ([lab](self_distillation_lab.ipynb)). We show that collapse is avoided, not that a moving target is better.
# - **Small things.** Never stop early on the loss. And detach the *target*: with `detach` on the prediction the predictor has no gradient at all, and the encoder learns only to bring its targets to the predictions.
#
# The lab has the matrices, small starts, teachers that are moving averages (BYOL, DINO), and DINO's two ways to collapse.

# %% [markdown]
# ## Summary
#
# 1. Answering everything alike has the lowest loss: the loss praises a collapse.
# 2. With stop-gradient and predictor each direction grows like $h^2$ and decays like $\eta h$: 0 is stable, $h_-$ is a watershed (on $w^2 = h^2$), and $h_+$ a second place of rest.
# 3. Without the predictor, without the stop-gradient, or with $\eta > 1/(4(1 + \sigma^2))$ there is no second place.
# 4. A direction survives if $a_j \rho_j > 4 \eta$ and it starts, on $w^2 = h^2$, above its lower point.
# 5. A network may collapse onto a point, which the spread sees, or onto a few dimensions, which only the rank sees. Report both.
#
# The exercises below take about 75 minutes, those of the lab another 105.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. How strong is the weakest survivor? Put $a_j \rho_j = 4 \eta$ into (6), and read off $w_j^2$. Compare with the shortest bar of each panel in section 4.
#
# <details><summary>Hint</summary>The root is 0. What is left depends on one number only.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 25 min. With $\sigma^2 = 0.05$ and $\eta = 0.01$, how many directions should survive? How many are alive at $T = 2000$, and at 4000? Explain.
#
# <details><summary>Hint</summary>Give `strengths` an argument for the time. How far is each direction from its threshold, and how fast is $\dot h$ just beyond one?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 40 min. Choose an augmentation under which the *twelfth* direction of the digits outlives the first. Predict it from (6), and verify with the flow.
#
# <details><summary>Hint</summary>The noise may differ from direction to direction: `surviving_directions` takes an array. Which noise brings $a_1 \rho_1$ below $a_{12} \rho_{12}$?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its section on the self-distillation family. Y. Tian, X. Chen, S. Ganguli. [Understanding self-supervised learning dynamics without contrastive pairs](https://arxiv.org/abs/2102.06810), 2021.
# - J.-B. Grill et al. Bootstrap your own latent (BYOL), 2020. X. Chen, K. He. [Exploring simple Siamese representation learning](https://arxiv.org/abs/2011.10566) (SimSiam), 2021. M. Caron et al. [Emerging properties in self-supervised vision transformers](https://arxiv.org/abs/2104.14294) (DINO), 2021. Q. Garrido et al. RankMe, 2023.
