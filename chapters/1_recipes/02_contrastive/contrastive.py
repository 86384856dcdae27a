# %% [markdown]
# # Contrastive learning
#
# Show a network one crop of a picture, mix a second crop of it among a hundred others, and ask: *which one belongs to the first?* SimCLR, MoCo and CLIP all learn by this game.
#
# After this lesson you can write their loss from memory, derive its gradient, say what its temperature does, and know how much more negatives can tell.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, recipes, training
from replearn.papers.contrastive import gaussian_critic, gaussian_pair, infonce_mi_bound

ch = cb.Chapter("contrastive", scale=scale, seed=seed)
digits = recipes.tiny_mnist()

# %% [markdown]
# ## 1 · The line-up
#
# Here is a crop of a handwritten digit, and twelve others. One of them was cut from the same image. Which one?

# %%
generator = torch.Generator().manual_seed(ch.seed)
first_crops = recipes.tiny_crop(digits.x_train[:12], generator)
second_crops = recipes.tiny_crop(digits.x_train[:12], generator)
ch.figures.line_up(first_crops, second_crops, partner=4)

# %% [markdown]
# You need no label to set this puzzle, and none to mark it. The first crop is the **query**. The twelve others are the **keys**: the one from the same image is the **positive**, the others are **negatives**. Nobody chose them: they are the rest of the batch, and some show the same digit.
#
# How do you mark an answer? A network $f$ gives each view an embedding, which we scale to length 1: $\hat z$ for the query, $k_j$ for key $j$. Their cosine is $s_j = \hat z^\top k_j$; the positive's is $s_+$. A softmax turns cosines into chances $p_j$, and the loss is the surprise at the right answer, whose chance is $p_+$:
#
# $$ p_j = \frac{e^{s_j / \tau}}{\sum_i e^{s_i / \tau}}, \qquad \mathcal{L} = -\log p_+ . \tag{1} $$
#
# The number $\tau > 0$ is the **temperature**. This is **InfoNCE** (van den Oord et al., 2018): the cross-entropy of a classifier whose classes are the keys. Natural logarithms count in **nats**. Whoever knows nothing gives each of $N$ keys the chance $1/N$ and pays $\log N$ nats.
#
# **NT-Xent**, the loss of SimCLR (Chen et al., 2020), is (1) with a fuller line-up: $N$ images give $2N$ views, each is the query once, and *all* $2N - 1$ others are its keys.
#
# *Guess first.* Take raw pixels as embeddings. Knowing nothing costs $\log 12 = 2.48$ nats. How far below do pixels bring you, on average over the twelve queries?

# %%
loss = losses.info_nce(first_crops.flatten(1), second_crops.flatten(1), temperature=0.2)
print(f"{loss:.2f} nats")
ch.figures.line_up(first_crops, second_crops, partner=4, temperature=0.2)

# %% [markdown]
# **What you saw.** The boxed crop is the partner. On average pixels help a little; for this query they bet on a 0. Training will move the chance to the partner.
#
# > **Check yourself.** The network could send all twelve crops to one and the same point. What would it pay?

# %% [markdown]
# ## 2 · Who is pushed, and how hard?
#
# Training follows the gradient, so let us derive it. Write (1) as two terms, $\mathcal{L} = -s_+ / \tau + \log \sum_i e^{s_i / \tau}$.
#
# 1. The second term has the derivative $\dfrac{\partial}{\partial s_j} \log \sum_i e^{s_i / \tau} = \dfrac{1}{\tau} \dfrac{e^{s_j / \tau}}{\sum_i e^{s_i / \tau}} = \dfrac{p_j}{\tau}$.
# 2. The first term adds $-1/\tau$ for the positive, and nothing for a negative. So a negative's cosine is pushed down with force $p_j / \tau$, and the positive's is pulled up with force $(1 - p_+) / \tau$.
# 3. Since $s_j = \hat z^\top k_j$, we have $\partial s_j / \partial \hat z = k_j$. The chain rule sums over the keys:
#
# $$ \frac{\partial \mathcal{L}}{\partial \hat z} = \frac1\tau \Big( \sum_j p_j\, k_j - k_+ \Big) . \tag{2} $$
#
# In words: go towards the positive, and away from the mean of what you took for it. The negatives share a push of $1 - p_+$, each in proportion to $e^{s_j / \tau}$.
#
# *Guess first.* At $\tau = 0.1$ one negative has cosine 0.7, another 0.5. How many times harder is the first one pushed? To test (2) itself we take 65 random keys in 16 dimensions, and queries that are noisy copies of them.

# %%
keys = F.normalize(torch.randn(65, 16, dtype=torch.float64), dim=1)
queries = F.normalize(keys + 0.3 * torch.randn(65, 16, dtype=torch.float64), dim=1)
cosines = queries @ keys.T  # row i: query i with all keys; its positive is key i

chances = (cosines / 0.2).softmax(1)
loss = -chances.diagonal().log().mean()
gradient = (chances @ keys - keys) / 0.2 / 65  # the loss is a mean over 65 queries

# %%
queries.requires_grad_()
library_loss = losses.info_nce(queries, keys, temperature=0.2, normalize=False)
library_loss.backward()
ch.measure("by-hand", loss=abs(library_loss.item() - loss), gradient=abs(queries.grad - gradient).max())
print(f"e^((0.7 - 0.5) / 0.1) = {np.exp(0.2 / 0.1):.1f} times harder")

# %% [markdown]
# **What you saw.** Automatic differentiation agrees with your pencil. A small gap in cosine becomes a large gap in force, and $\tau$ says how large.
#
# > **Check yourself.** The network has solved the puzzle, $p_+ = 1$. What does (2) say?

# %% [markdown]
# ## 3 · What the temperature does
#
# Take one query with $M$ negatives and multiply (1) by $\tau$. Dividing numerator and denominator by $e^{s_+ / \tau}$,
#
# $$ \tau \mathcal{L} = \tau \log \Big( 1 + \sum_{j=1}^{M} e^{(s_j - s_+) / \tau} \Big) . $$
#
# The bracket is a sum of $M + 1$ terms, of which the largest is 1 or the hardest negative's. Such a sum is at least its largest term, and at most $M + 1$ times that. Take logarithms and multiply by $\tau$:
#
# $$ 0 \ \le\ \tau \mathcal{L} - \max\big(0,\ \max_j s_j - s_+\big) \ \le\ \tau \log(M + 1) . \tag{3} $$
#
# What is subtracted is the **hinge** of the hardest negative: by how much it beats the positive, or 0. So a cold softmax ($\tau \to 0$) looks at one negative only. In a hot one ($\tau$ large) all $e^{s_j / \tau}$ are nearly 1, and all negatives are pushed alike.
#
# How many negatives share the push? If $n$ of them get equal shares, the **entropy** of the shares, $-\sum_j r_j \log r_j$ with $r_j$ the share of negative $j$, is $\log n$. So its exponential serves as an *effective number* in general.
#
# *Guess first.* Papers use temperatures from 0.07 (MoCo) to 0.5 (SimCLR on CIFAR-10). How many of 64 negatives share the push at 0.2? At 0.01? At 10? Then drag `tau`.

# %%
queries = queries.detach()
cb.explore(
    ch.figures.temperature, cosines[0], tau=cb.log_slider(0.2, 0.01, 10), positive=(-0.2, 1.0, 0.05), figsize=(7.2, 3.2)
)

# %% [markdown]
# *Look left:* the share of each negative, the hardest first. *Look right:* the two bounds of (3), shaded, and the loss between them. Lower `tau`, and the loss lies down on the hinge, flat: nothing but the hardest negative counts. Raise it, and the loss climbs along the upper bound. One query is not a proof, so measure all 65.

# %%
negatives = losses.off_diagonal(cosines).view(65, 64)  # all but the positives, which are the diagonal


def effective_number(tau):
    shares = (negatives / tau).softmax(1)
    return torch.special.entr(shares).sum(1).exp().mean().item()


ch.measure("few-or-all", cold=effective_number(0.001), hot=effective_number(100))

# %%
temperatures = np.geomspace(0.001, 100, 101)
tau_loss = [tau * losses.info_nce(queries, keys, temperature=tau).item() for tau in temperatures]
hinge = (negatives.max(1).values - cosines.diagonal()).relu().mean().item()

excess = np.array(tau_loss) - hinge
bound = temperatures * np.log(65)
ch.measure("between-bounds", over=excess.min(), room=(bound - excess).min(), reach=excess[-1] / bound[-1])

# %% [markdown]
# **What you saw.** One formula reaches from "push the single hardest negative" to "push everybody alike". The bounds (3) hold at all 101 temperatures, and both ends are reached.
#
# > **Check yourself.** Drag `positive` to 1: the query has found its partner. Why does a cold loss then teach nothing more, while a hot one goes on pushing?

# %% [markdown]
# ## 4 · Two forces
#
# What does all this pushing build? Let the number $M$ of negatives grow. Written out, and with $\log M$ taken off, (1) is
#
# $$ \mathcal{L} - \log M = -\frac{s_+}{\tau} + \log \Big( \frac1M e^{s_+ / \tau} + \frac1M \sum_{j=1}^{M} e^{s_j / \tau} \Big) . $$
#
# The positive's own term fades, and the mean over negatives becomes an expectation over the embedding $\hat z'$ of a view of another image. With $\hat z_+$ the partner of $\hat z$ (Wang & Isola, 2020),
#
# $$ \mathcal{L} - \log M \ \longrightarrow\ -\frac1\tau\, \mathbb{E}\, \hat z^\top \hat z_+ \ +\ \mathbb{E}_{\hat z} \log \mathbb{E}_{\hat z'}\, e^{\hat z^\top \hat z' / \tau} . \tag{4} $$
#
# The first term is **alignment**: partners should coincide. The second is **uniformity**: everyone should be far from everyone else, and it is smallest when embeddings spread evenly over the sphere. Wang and Isola also made two losses of their own from them:
#
# $$ \mathcal{L}_{\text{align}} = \mathbb{E}\, \|\hat z - \hat z_+\|^2, \qquad \mathcal{L}_{\text{uniform}} = \log \mathbb{E}\, e^{-2 \|\hat z - \hat z'\|^2} . $$
#
# *Guess first.* Train one network for alignment alone, one for uniformity alone, one for the plain sum. What becomes of each?

# %% [markdown]
# The experiment: digits of 14 × 14 pixels, a small convolutional encoder with a projector behind it, two crops of each image, 100 steps. The score is **low-shot accuracy**: a linear classifier learns from the encoder's output with 200 labels, averaged over five sets of labels. Alignment and uniformity are measured behind the projector, where the loss acts.

# %%
crops = [recipes.tiny_crop(digits.x_train[:1000], generator) for _ in range(2)]


def train(loss, seed):
    run = recipes.train_tiny(loss, digits.x_train, recipe=recipes.TINY_SHORT, seed=seed)
    network = torch.nn.Sequential(run.encoder, run.projector)
    terms = losses.align_uniform(training.features(network, crops[0]), training.features(network, crops[1]))
    return recipes.low_shot(run.encoder, digits), terms.align.item(), terms.uniform.item()


# %%
objectives = {
    "align": partial(losses.align_uniform, uniform=0),
    "uniform": partial(losses.align_uniform, align=0),
    "align + uniform": losses.align_uniform,
}
seeds = ch.pick(fast=[ch.seed], toy=[ch.seed, ch.seed + 1])
runs = {name: np.array([train(loss, s) for s in seeds]) for name, loss in objectives.items()}
accuracy = {name: run[:, 0] for name, run in runs.items()}

# %%
pixels = recipes.low_shot(torch.nn.Flatten(), digits)
together = accuracy["align + uniform"]
ch.measure(
    "both-needed",
    over_align=together - accuracy["align"],
    over_uniform=together - accuracy["uniform"],
    over_pixels=together - pixels,
)
ch.measure("align-collapses", spread=runs["align"][:, 2])

# %%
networks = [recipes.untrained(digits.x_train, recipe=recipes.TINY_SHORT, seed=s) for s in seeds]
untrained = np.array([recipes.low_shot(network, digits) for network in networks])
ch.measure("push-alone", gain=accuracy["uniform"] - untrained)

# %% [markdown]
# **What you saw.** Pull without push ends in one point. Push without pull scatters even the two crops of one image, and the encoder learns nothing that 200 labels can use. Together they beat raw pixels.
#
# > **Check yourself.** A network sends each view to a random point of its own. Which of the two losses is small, which large?

# %% [markdown]
# ## 5 · Too cold, too hot
#
# A temperature chooses the strength of these forces and whom they reach. *Guess first.* Draw the curve of accuracy against $\tau$ before you run the cell.

# %%
temperatures = ch.pick(fast=[0.01, 0.2, 5], toy=[0.01, 0.05, 0.1, 0.2, 0.5, 1, 5])
for tau in temperatures:
    loss = partial(losses.nt_xent, temperature=tau)
    runs[f"τ = {tau}"] = np.array([train(loss, s) for s in seeds])

best, cold, hot = (runs[f"τ = {tau}"][:, 0] for tau in (0.2, 0.01, 5))
ch.measure("sweet-spot", cold=best - cold, hot=best - hot)

# %%
ch.figures.two_ways_to_fail(temperatures, runs, pixels, untrained.mean())

# %% [markdown]
# *Look left:* a hill, with raw pixels as the dashed line. *Look right:* each dot is a network, dark where few labels suffice. Alignment alone sits in the top left corner, uniformity alone in the bottom right; the dark dots lie between.
#
# **What you saw.** Both extremes lose to the middle, probably for opposite reasons. Hot, everybody is pushed alike, and near neighbours are hardly told apart. Cold, each query pushes one neighbour only, and a hundred steps are over before the embeddings have spread: look how high the dot of $\tau = 0.01$ stands.
#
# Between 0.05 and 0.5 our seeds do not agree on the best, and the theorem (3) says nothing about it. SimCLR found 0.1 best on ImageNet, MoCo uses 0.07. **Search there, on your own data.**
#
# > **Check yourself.** Would you expect a longer training to help the cold run or the hot one?

# %% [markdown]
# ## 6 · What more negatives can tell
#
# The loss has a second life, as a measuring device. The **mutual information** of two views is how much seeing $v$ tells you about $v'$:
#
# $$ I(v; v') = \mathbb{E} \log \frac{p(v' \mid v)}{p(v')} , $$
#
# the average logarithm of the factor by which $v$ makes its partner more likely; in nats. Independent views have 0. Two copies of one throw of a fair die have $\log 6 = 1.79$.
#
# Van den Oord et al. (2018) prove that with $N$ keys and *any* scores, $\log N - \mathcal{L}$ is on average at most $I(v; v')$ (exercise L2 of the lab). So the loss gives a lower bound on the information, and better scores a better one. But look at its form: $\mathcal{L}$ is never negative. Therefore
#
# $$ \log N - \mathcal{L} \ \le\ \log N, \qquad \text{however much information there is.} \tag{5} $$
#
# To see it, take a world where the truth is known: $v$ and the noise $\varepsilon$ are standard normal in 10 dimensions and $v' = \rho v + \sqrt{1 - \rho^2}\, \varepsilon$, so that $I = -5 \log(1 - \rho^2)$. The best scores, $\log p(v' \mid v) / p(v')$, are known too. Nothing needs to be trained.
#
# *Guess first.* The truth is 10 nats, and $\log 64 = 4.16$. What will 64 keys report? What will 1,024?

# %%
pairs = ch.pick(fast=2048, toy=4096)


def estimate(truth, n):
    v, partner, rho = gaussian_pair(pairs, 10, truth, seed=ch.seed)
    batches = v.view(-1, n, 10), partner.view(-1, n, 10)
    return infonce_mi_bound(gaussian_critic(*batches, rho))


truths = [0.5, 1, 2, 3, 4, 6, 8, 10, 12]
counts = [16, 64, 256, 1024]
table = np.array([[estimate(truth, n) for n in counts] for truth in truths])

# %%
at_ten = dict(zip(counts, table[truths.index(10)], strict=True))
ch.measure("ceiling", missing=1 - at_ten[64] / np.log(64), gained=at_ten[1024] - at_ten[64])

at_two = dict(zip(counts, table[truths.index(2)], strict=True))
ch.measure("honest", error=abs(at_two[256] / 2 - 1))

# %%
cb.explore(ch.figures.ceiling, truths, counts, table, keys=counts, information=truths)

# %% [markdown]
# **What you saw.** Choose `keys` and follow its curve to the right. It leaves the dashed diagonal, where the estimate is true, well before its ceiling, and then lies flat. Four times as many keys lift the ceiling by $\log 4 = 1.39$ nats.
#
# > **Check yourself.** How many keys would you need to report 20 nats?

# %% [markdown]
# ## What breaks
#
# - **A higher bound is not a better representation** (Tschannen et al., 2020). Section 6 says what the loss can *report*, not how many negatives training needs.
# - **False negatives.** With ten classes, one negative in ten shows the same digit, and a cold loss pushes it hardest (exercise L4 of the lab).
# - **Losses do not compare** across $N$ or $\tau$. Report $\mathcal{L}$ beside $\log(2N - 1)$, what knowing nothing costs NT-Xent.
# - **Several devices** must see each other's negatives, with gradients, and small batches accumulated are not one large batch: [Training knobs](../06_training_knobs/training_knobs.ipynb).
# - **The toy is small.** After 100 steps on 14 × 14 digits, differences of 0.02 are noise. Published: 90.7 % for SimCLR on CIFAR-10 (solo-learn, ResNet-18, 1,000 epochs), which we have not reproduced.
#
# A queue of old keys (MoCo), the length of embeddings, the exact limit (4), and a contrastive loss that can be solved by hand are in the [lab](contrastive_lab.ipynb).

# %% [markdown]
# ## Summary
#
# 1. The loss is a cross-entropy: which key is my partner? Knowing nothing costs $\log N$.
# 2. Its gradient goes towards the positive and away from the mean of what was taken for it, divided by $\tau$.
# 3. The temperature says who is pushed: cold, the hardest negative alone; hot, all alike. Both extremes lose.
# 4. The push spreads, the pull gathers. On the digits each alone fails.
# 5. As a measure of information it stops at $\log N$.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. For which scores is the right side of (3) an equality? For which temperature is the left one?
#
# <details><summary>Hint</summary>When is a sum of $n$ positive terms exactly $n$ times the largest?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●○○ 10 min. The uniformity loss uses $e^{-2\|\hat z - \hat z'\|^2}$, the limit (4) uses $e^{\hat z^\top \hat z' / \tau}$. Which temperature makes them the same, up to a constant?
#
# <details><summary>Hint</summary>Expand the square of two vectors of length 1.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 30 min. What is the smallest NT-Xent that $N$ images can have, in enough dimensions? Find it by descent on free embeddings (`replearn.descent.minimize`), then explain it.
#
# <details><summary>Hint</summary>Partners coincide. How far apart can $N$ points on a sphere be, all pairwise alike? Their sum has a squared length of at least 0.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●○ 20 min. Train twice as long, with twice the width (`recipes.TINY`). Which side of the hill moves more?
#
# <details><summary>Hint</summary>Give `train` another recipe. What limited the cold run?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023. A. van den Oord, Y. Li, O. Vinyals. [Representation learning with contrastive predictive coding](https://arxiv.org/abs/1807.03748), 2018.
# - T. Chen et al. [A simple framework for contrastive learning of visual representations](https://arxiv.org/abs/2002.05709) (SimCLR), 2020. K. He et al. [Momentum contrast](https://arxiv.org/abs/1911.05722) (MoCo), 2020.
# - T. Wang, P. Isola. [Alignment and uniformity on the hypersphere](https://arxiv.org/abs/2005.10242), 2020. F. Wang, H. Liu. [Understanding the behaviour of contrastive loss](https://arxiv.org/abs/2012.09740), 2021. M. Tschannen et al. [On mutual information maximization for representation learning](https://arxiv.org/abs/1907.13625), 2020.
