# %% [markdown]
# # Contrastive learning
#
# Show a network one crop of a picture, mix a second crop of it among a hundred others, and ask: *which one belongs to the first?* SimCLR and MoCo learn by this game; CLIP plays it with a picture and its caption.
#
# After this lesson you can write their loss from memory, derive its gradient, say what its temperature does, and know how much information the loss can report.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from collections import namedtuple
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import losses, recipes, training
from replearn.papers.contrastive import gaussian_critic, gaussian_pair, infonce_mi_bound

ch = cb.Chapter("contrastive", scale=scale, seed=seed)
digits = recipes.tiny_mnist()
Run = namedtuple("Run", "accuracy alignment uniformity")  # an array each, one number per seed

# %% [markdown]
# ## 1 · The line-up
#
# Here is a crop of a handwritten digit, and twelve others. One of them was cut from the same image. Which one?

# %%
generator = torch.Generator().manual_seed(ch.seed)
first_crops = recipes.tiny_crop(digits.x_train[:12], generator)
second_crops = recipes.tiny_crop(digits.x_train[:12], generator)
ch.figures.line_up(first_crops, second_crops, image=4)

# %% [markdown]
# You need no label to set this puzzle, and none to mark it. The first crop is the **query**. The twelve others are the **keys**: the one from the same image is the **positive**, the others are **negatives**. Nobody chose them: they are the rest of the batch, and some show the same digit.
#
# How do you mark an answer? A network $f$ gives each view an embedding, which we scale to length 1: $\hat z$ for the query, $k_j$ for key $j$. Their cosine is $s_j = \hat z^\top k_j$; the positive's is $s_+$. A softmax turns cosines into chances $p_j$, and the loss is the surprise at the right answer, whose chance is $p_+$:
#
# $$ p_j = \frac{e^{s_j / \tau}}{\sum_i e^{s_i / \tau}}, \qquad \mathcal{L} = -\log p_+ . \tag{1} $$
#
# The number $\tau > 0$ is the **temperature**. This is **InfoNCE** (van den Oord et al., 2018): the cross-entropy of a classifier whose classes are the keys. Natural logarithms count in **nats**. Whoever knows nothing gives each of $N$ keys the chance $1/N$ and pays $\log N$ nats.
#
# *Guess first.* Take raw pixels as embeddings, and $\tau = 0.2$. Knowing nothing costs $\log 12 = 2.48$ nats. How far below do pixels bring you, on average over the twelve queries?

# %%
for tau in [0.2, 0.05]:
    loss = losses.info_nce(first_crops.flatten(1), second_crops.flatten(1), temperature=tau)
    print(f"τ = {tau}: {loss:.2f} nats")
ch.figures.line_up(first_crops, second_crops, image=4, temperature=0.2)

# %% [markdown]
# **What you saw.** The boxed crop is the partner. At $\tau = 0.2$ pixels help a little on average, though for this query they bet on a 0. At 0.05 the *same* pixels cost more than knowing nothing: sure of themselves, and wrong. The temperature says how much a cosine is trusted. Training will move the chance to the partner.
#
# > **Check yourself.** The network could send all twelve crops to one and the same point. What would it pay?
#
# Each *Check yourself* is answered at the end of the [solutions](contrastive_solutions.ipynb).

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
# In words: a descent step goes towards the positive, and away from the average key, each key weighted by how strongly you believed in it. The negatives share a push of $(1 - p_+) / \tau$, each in proportion to $e^{s_j / \tau}$.
#
# *Guess first.* At $\tau = 0.1$ one negative has cosine 0.7, another 0.5. How many times harder is the first one pushed?
#
# Meanwhile we test (2) itself: 65 random keys in 16 dimensions, so that each query has one positive and 64 negatives, and queries that are noisy copies of the keys.

# %%
keys = F.normalize(torch.randn(65, 16, dtype=torch.float64), dim=1)
queries = F.normalize(keys + 0.3 * torch.randn(65, 16, dtype=torch.float64), dim=1)
cosines = queries @ keys.T  # row i: query i with all keys; its positive is key i

chances = (cosines / 0.1).softmax(1)
loss = -chances.diagonal().log().mean()
gradient = (chances @ keys - keys) / 0.1 / 65  # the loss is a mean over 65 queries

# %%
print(f"e^((0.7 - 0.5) / 0.1) = {np.exp(0.2 / 0.1):.1f} times harder")
queries.requires_grad_()
library_loss = losses.info_nce(queries, keys, temperature=0.1, normalize=False)
library_loss.backward()
ch.measure("by-hand", loss=abs(library_loss.item() - loss), gradient=abs(queries.grad - gradient).max())

# %% [markdown]
# **What you saw.** Automatic differentiation agrees with your pencil. A small gap in cosine becomes a large gap in force, and $\tau$ says how large.
#
# > **Check yourself.** The network has solved the puzzle, $p_+ = 1$. What does (2) say?

# %% [markdown]
# ## 3 · What the temperature does
#
# Take one query with its $M = N - 1$ negatives. The forces of (2) carry a factor $1/\tau$; remove it by multiplying the loss (1) by $\tau$, so that temperatures can be compared. From here on $j$ counts negatives only. With numerator and denominator divided by $e^{s_+ / \tau}$,
#
# $$ \tau \mathcal{L} = \tau \log \Big( 1 + \sum_{j=1}^{M} e^{(s_j - s_+) / \tau} \Big) . $$
#
# The bracket is a sum of $M + 1$ terms, of which the largest is 1 or the hardest negative's. Such a sum is at least its largest term, and at most $M + 1$ times that. Take logarithms and multiply by $\tau$:
#
# $$ 0 \ \le\ \tau \mathcal{L} - \max\big(0,\ \max_j s_j - s_+\big) \ \le\ \tau \log(M + 1) . \tag{3} $$
#
# What is subtracted is the **hinge** of the hardest negative: by how much it beats the positive, or 0. The right side is the **room** above the hinge.
#
# So much for the value. Who is pushed? Negative $j$ gets the share $r_j = p_j / (1 - p_+)$ of the push. If $n$ negatives get equal shares, their **entropy** $-\sum_j r_j \log r_j$ is $\log n$. So its exponential serves as an *effective number* of negatives in general.
#
# *Guess first.* Papers use temperatures from 0.07 (MoCo) to 0.5 (SimCLR on CIFAR-10). How many of 64 negatives share the push at 0.2? At 0.01? At 10?
#
# Then drag `tau`, and `positive`: here is the first query with its 64 negatives, and `positive` puts a cosine of your choice in place of that of its own positive.

# %%
queries = queries.detach()
cb.explore(
    ch.figures.temperature, cosines[0], tau=cb.log_slider(0.2, 0.01, 10), positive=(-0.2, 1.0, 0.05), figsize=(9, 3.2)
)

# %% [markdown]
# *Look left:* the share of each negative, the hardest first. By $e^{s_j / \tau}$ a small gap in cosine is a huge factor in the cold, and hardly any in the heat. *In the middle:* which part of its room in (3) the loss uses. In the cold it lies down on the hinge. *On the right:* the whole push $(1 - p_+) / \tau$ of (2), this time with its factor $1/\tau$; in pale for a query that has found its partner. (`positive` cannot move the left panel: shares do not depend on $s_+$.) This was one query; now check all 65.

# %%
negatives = losses.off_diagonal(cosines).view(65, 64)  # all but the positives, which are the diagonal


def effective_number(tau):
    shares = (negatives / tau).softmax(1)
    return torch.special.entr(shares).sum(1).exp().mean().item()


print(*(f"τ = {tau}: {effective_number(tau):.1f}" for tau in [0.01, 0.07, 0.2, 0.5, 10]), sep="   ")
ch.measure("few-or-all", cold=effective_number(0.001), hot=effective_number(100))

# %%
temperatures = np.geomspace(0.001, 100, 101)
tau_loss = [tau * losses.info_nce(queries, keys, temperature=tau).item() for tau in temperatures]
hinge = (negatives.max(1).values - cosines.diagonal()).relu().mean().item()

excess = np.array(tau_loss) - hinge
room = temperatures * np.log(65)
outside = max(0, -excess.min(), (excess - room).max())
ch.measure("between-bounds", outside=outside, cold=excess[0], hot=excess[-1] / room[-1])

# %% [markdown]
# **What you saw.** One formula reaches from "push the single hardest negative" to "push everybody alike". At none of 101 temperatures does the loss leave the bounds (3). It comes close to both: at 0.001 to the hinge, at 100 it uses nearly all of its room. What counts is $\tau$ against the spread of the cosines, here about $1/\sqrt{16}$: with embeddings of 128 dimensions random cosines spread less, and the same $\tau$ is hotter.
#
# > **Check yourself.** Drag `positive` to 1: the query has found its partner. Which temperatures still push? Why neither the coldest nor the hottest?

# %% [markdown]
# ## 4 · Two forces
#
# What does all this pushing build? Let the number $M$ of negatives grow. Written out, and with $\log M$ taken off, (1) is
#
# $$ \mathcal{L} - \log M = -\frac{s_+}{\tau} + \log \Big( \frac1M e^{s_+ / \tau} + \frac1M \sum_{j=1}^{M} e^{s_j / \tau} \Big) . $$
#
# The positive's own term fades, and the mean over negatives becomes an expectation over the embedding $\hat z'$ of a view of another image. Now average over queries. With $\hat z_+$ the partner of $\hat z$ (Wang & Isola, 2020),
#
# $$ \mathcal{L} - \log M \ \longrightarrow\ -\frac1\tau\, \mathbb{E}\, \hat z^\top \hat z_+ \ +\ \mathbb{E}_{\hat z} \log \mathbb{E}_{\hat z'}\, e^{\hat z^\top \hat z' / \tau} . \tag{4} $$
#
# The first term is **alignment**: partners should coincide. The second is **uniformity**: everyone should be far from everyone else. Wang and Isola prove that it is smallest when embeddings spread evenly over the sphere; we take that from them. They also made two losses of their own:
#
# $$ \mathcal{L}_{\text{align}} = \mathbb{E}\, \|\hat z - \hat z_+\|^2, \qquad \mathcal{L}_{\text{uniform}} = \log \mathbb{E}\, e^{-2 \|\hat z - \hat z'\|^2} . $$
#
# Both are better when small. $\mathcal{L}_{\text{uniform}}$ is 0 when all embeddings coincide, and negative when they spread.

# %% [markdown]
# The experiment: digits of 14 × 14 pixels, a small convolutional encoder with a projector behind it, two crops of each image, 100 steps of 128 images. The score is **low-shot accuracy**: a linear classifier learns from the encoder's output with 200 labels, averaged over five sets of labels. Alignment and uniformity are measured behind the projector, where the loss acts.
#
# *Guess first.* Train one network for alignment alone, one for uniformity alone, one for the plain sum. Raw pixels score about 0.73, an untrained encoder 0.62. And the three?

# %%
seeds = ch.pick(fast=[ch.seed], toy=[ch.seed, ch.seed + 1])
crops = [recipes.tiny_crop(digits.x_train[:1000], generator) for _ in range(2)]


def train(loss):
    rows = []
    for seed in seeds:
        run = recipes.train_tiny(loss, digits.x_train, recipe=recipes.TINY_SHORT, seed=seed)
        network = torch.nn.Sequential(run.encoder, run.projector)
        terms = losses.align_uniform(training.features(network, crops[0]), training.features(network, crops[1]))
        rows.append([recipes.low_shot(run.encoder, digits), terms.align.item(), terms.uniform.item()])
    return Run(*np.array(rows).T)


# %%
runs = {  # the numbers are the weights of the two terms
    "align": train(partial(losses.align_uniform, align=1, uniform=0)),
    "uniform": train(partial(losses.align_uniform, align=0, uniform=1)),
    "align + uniform": train(partial(losses.align_uniform, align=1, uniform=1)),
}
pixels = recipes.low_shot(torch.nn.Flatten(), digits)
networks = [recipes.untrained(digits.x_train, recipe=recipes.TINY_SHORT, seed=s) for s in seeds]
untrained = np.array([recipes.low_shot(network, digits) for network in networks])
print(f"pixels {pixels:.2f}   untrained {untrained.mean():.2f}")
print(*(f"{name} {run.accuracy.mean():.2f}" for name, run in runs.items()), sep="   ")

# %%
align, uniform, both = runs.values()
gains = {"over_align": both.accuracy - align.accuracy, "over_uniform": both.accuracy - uniform.accuracy}
ch.measure("both-needed", **gains, over_pixels=both.accuracy - pixels)
ch.measure("align-collapses", spread=align.uniformity)

# %%
ch.measure("push-alone", gain=uniform.accuracy - untrained)

# %% [markdown]
# **What you saw.** Together the two terms beat raw pixels. Pull without push ends in nearly one point *behind the projector*; the encoder before it keeps small differences, which a linear classifier still finds. Push without pull scatters even the two crops of one image, and the encoder is no better than untrained.
#
# > **Check yourself.** A network sends each view to a random point of its own. Which of the two losses is small, which large?

# %% [markdown]
# ## 5 · Too cold, too hot
#
# A temperature chooses the strength of these forces and whom they reach. To see what that does to training we take **NT-Xent**, the loss of SimCLR (Chen et al., 2020). It is (1) with a fuller line-up: $N$ images give $2N$ views, each is the query once, and *all* $2N - 1$ others are its keys.
#
# *Guess first.* Draw the curve of accuracy against $\tau$ before you run the cell.

# %%
temperatures = ch.pick(fast=[0.01, 0.2, 5], toy=[0.01, 0.05, 0.1, 0.2, 0.5, 1, 5])
for tau in temperatures:
    runs[f"τ = {tau}"] = train(partial(losses.nt_xent, temperature=tau))
ch.figures.extremes(temperatures, runs, pixels, untrained.mean())
best, cold, hot = (runs[f"τ = {tau}"].accuracy for tau in (0.2, 0.01, 5))
ch.measure("sweet-spot", cold=best - cold, hot=best - hot)

# %% [markdown]
# **What you saw.** *Left:* a hill, above raw pixels and the untrained encoder (dashed). *Right:* each dot is a network, the darker, the more accurate. Alignment alone sits top left, uniformity alone bottom right. Both extremes of $\tau$ spread the embeddings less than the middle does: they stand higher. We did not measure why, but (2) suggests it. Hot, all $p_j$ are about $1/N$, so a query flees only the *mean* of the keys, and once the cloud is centered nothing is left to flee, however badly it is spread. Cold, a tiny gap in cosine already satisfies the loss.
#
# Which $\tau$ of the middle is best, the bounds (3) do not say, and at the `toy` scale our two seeds do not agree on 0.1 or 0.2. SimCLR found 0.1 best on ImageNet, MoCo uses 0.07. **Search from 0.05 to 0.5, on your own data.**
#
# > **Check yourself.** Would you expect a longer training to help the cold run or the hot one?

# %% [markdown]
# ## 6 · How much information can the loss report?
#
# This section is not about training. The loss has a second life, as a measuring device. The **mutual information** of two views is how much seeing $v$ tells you about $v'$:
#
# $$ I(v; v') = \mathbb{E} \log \frac{p(v' \mid v)}{p(v')} , $$
#
# the average logarithm of the factor by which $v$ makes its partner more likely; in nats. Independent views have 0. Two copies of one throw of a fair die have $\log 6 = 1.79$.
#
# In (1), put any number $g(v, v')$ in place of $s / \tau$. Van den Oord et al. (2018) prove that with $N$ keys and *any* such scores, $\log N - \mathcal{L}$ is on average at most $I(v; v')$ (exercise L3 of the lab). So the loss gives a lower bound on the information, and better scores a better one. But look at its form: $\mathcal{L}$ is never negative. Therefore
#
# $$ \log N - \mathcal{L} \ \le\ \log N, \qquad \text{however much information there is.} \tag{5} $$
#
# To see it, take a world where the truth is known: $v$ and the noise $\varepsilon$ are standard normal in 10 dimensions and $v' = \rho v + \sqrt{1 - \rho^2}\, \varepsilon$, so that $I = -5 \log(1 - \rho^2)$. The best scores are known too: $g = \log p(v' \mid v) / p(v')$, the library's `gaussian_critic`. Nothing needs to be trained.
#
# *Guess first.* The truth is 4 nats, below the ceiling of $\log 64 = 4.16$. What will 64 keys report?

# %%
pairs = ch.pick(fast=2048, toy=4096)


def report(truth, n):
    v, partner, rho = gaussian_pair(pairs, 10, truth, seed=ch.seed)
    batches = v.view(-1, n, 10), partner.view(-1, n, 10)
    return infonce_mi_bound(gaussian_critic(*batches, rho))  # log n - loss


# %%
truths = [0.5, 1, 2, 3, 4, 6, 8, 10, 12]
counts = [16, 64, 256, 1024]
table = np.array([[report(truth, n) for n in counts] for truth in truths])
cb.explore(ch.figures.ceiling, truths, counts, table, keys=counts, information=truths)
four, ten = report(4, 64), report(10, 64)
ch.measure("ceiling", four=four, missing=1 - ten / np.log(64), gained=report(10, 1024) - ten)
ch.measure("honest", error=abs(report(2, 256) / 2 - 1))

# %% [markdown]
# **What you saw.** Choose `keys` and follow its curve to the right. It leaves the dashed diagonal, where the report is true, well before its ceiling: with the best scores there are, 64 keys miss about a fifth of 4 nats. Then it lies flat. Four times as many keys lift the ceiling by $\log 4 = 1.39$ nats.
#
# > **Check yourself.** How many keys would you need to report 20 nats?

# %% [markdown]
# ## What breaks
#
# - **A higher bound is not a better representation** (Tschannen et al., 2020). Section 6 says what the loss can *report*, not how many negatives training needs.
# - **False negatives.** With ten classes, one negative in ten shows the same digit, and a cold loss probably pushes it hardest. Exercise L5 tries a correction.
# - **Losses do not compare** across $N$ or $\tau$. Report $\mathcal{L}$ beside $\log(2N - 1)$, what knowing nothing costs NT-Xent.
# - **The toy is small.** After 100 steps on 14 × 14 digits, differences of 0.02 are noise. Published: 90.7 % for SimCLR on CIFAR-10 (solo-learn, ResNet-18, 1,000 epochs, all labels), which we have not reproduced.
#
# A queue of old keys (MoCo), the length of embeddings, the exact limit (4), and a contrastive loss that can be solved by hand are in the [lab](contrastive_lab.ipynb).

# %% [markdown]
# ## Summary
#
# 1. The loss is a cross-entropy: which key is my partner? Knowing nothing costs $\log N$.
# 2. A step against its gradient goes towards the positive and away from the average key, weighted by belief; all divided by $\tau$.
# 3. The temperature says who is pushed: cold, the hardest negative alone; hot, all alike. On the digits both extremes lose.
# 4. The push spreads, the pull gathers. On the digits each alone stays below raw pixels.
# 5. As a measure of information it stops at $\log N$.
#
# The exercises below take about an hour, those of the lab another three.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. For which scores is the right inequality of (3), $\le \tau \log(M + 1)$, an equality? For which temperature is the left one, $0 \le$?
#
# <details><summary>Hint</summary>When is a sum of $n$ positive terms exactly $n$ times the largest?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 30 min. What is the smallest NT-Xent that $N$ images can have, in enough dimensions? Find it by descent on free embeddings (`replearn.descent.minimize`), then explain it.
#
# <details><summary>Hint</summary>Partners coincide. How far apart can $N$ points on a sphere be, all pairwise alike? Their sum has a squared length of at least 0.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Train twice as long, with twice the width (`recipes.TINY`). Which side of the hill moves more?
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
