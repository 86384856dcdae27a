# %% [markdown]
# # Information and VICReg
#
# VICReg, SimCLR, Barlow Twins: each asks that two views of an image agree, and each adds something that keeps all images from becoming one point. The paper of this chapter says that the something is, each time, an estimate of *one* number, the entropy of the embedding, and that the estimates differ in what they fail to see.
#
# After this lesson you can take a loss apart into agreement and entropy, say where its estimate goes wrong and in which direction, put another estimate in its place, and measure whether that helped.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import e, log, pi

import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, losses, recipes, training
from replearn.papers import information_vicreg as world

ch = cb.Chapter("information_vicreg", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown]
# ## 1 · How much room does a set of points take?
#
# A view of an image is the image with a small random change, so behind an encoder each image is not a point but a small cloud. Here are forty of them, once close together, once far apart. The ellipse holds nine tenths of the Gaussian that has the same mean and covariance as all the dots together.

# %%
centers = randn(40, 2)
dots = 0.3 * randn(40, 60, 2)  # sixty views of each image
ch.figures.two_spreads(centers, dots, spreads=[1, 6])

# %% [markdown]
# *Compare the ellipse with the dots.* On the left it covers what they cover. On the right most of it is empty.
#
# The **entropy** $H(Z) = -E \log p(Z)$ of a random embedding $Z$ with density $p$ puts the room it takes into a number: $e^{H(Z)}$ is the area, or volume, that it effectively fills. For a mixture of clouds, $Z \sim \frac1N \sum_n \mathcal N(\mu_n, s^2 I)$ with centres $\mu_n \in \mathbb R^K$ and standard deviation $s$, no formula gives it. But one can draw points $z$ from the mixture and average $-\log p(z)$. This is **Monte Carlo**: right on average, with a known error. It will be our judge.
#
# The first estimate needs nothing but the covariance $\Sigma_Z$ of $Z$. Of all densities with this covariance the Gaussian has the largest entropy (one has $H(Z) \le -E \log g(Z)$ for any other density $g$, and for the Gaussian $g$ with the mean and covariance of $Z$ the right side is its own entropy $H_G$, whatever $p$ is). So
#
# $$ H(Z) \ \le\ H_G = \tfrac K2 \log 2 \pi e + \tfrac12 \log |\Sigma_Z| , \tag{1} $$
#
# with the determinant $|\Sigma_Z|$: the **log-determinant**.
#
# *Guess first.* Take forty clouds in $K = 8$ dimensions with $s = 1$. Their centres are standard normal times a *scale*. From scale 10 to scale 100, by how many nats (units of the natural logarithm) does the entropy grow? And $H_G$?


# %%
def gaussian(mu, s):
    covariance = torch.cov(mu.T, correction=0) + s**2 * torch.eye(mu.shape[1])
    return evaluation.gaussian_entropy(covariance)


def monte_carlo(mu, s, draws=4000):
    return evaluation.gmm_entropy_mc(mu, s, draws, generator)


# %%
forty = randn(40, 8)
near, far = monte_carlo(10 * forty, s=1).value, monte_carlo(100 * forty, s=1).value
near_g, far_g = gaussian(10 * forty, s=1), gaussian(100 * forty, s=1)
print(f"Monte Carlo {near:.1f} and {far:.1f} nats, Gaussian {near_g:.1f} and {far_g:.1f} nats")
ch.measure("gaussian-runs-on", truth=far - near, gaussian=far_g - near_g)

# %% [markdown]
# **What you saw.** Forty clouds that do not touch are forty clouds: wherever they are, they take forty times the room of one. The Gaussian counts the empty space between them, $8 \log 10 = 18.4$ nats more.
#
# > **Check yourself.** Where would $H_G$ be exact? ([Answers](information_vicreg_solutions.ipynb))

# %% [markdown]
# ## 2 · Asking each pair how far apart it is
#
# The second family of estimates looks at pairs (Kolchinsky and Tracey, 2017). One cloud alone has the entropy $h_s = \frac K2 \log 2 \pi e s^2$. To it comes what you learn from knowing *which* cloud, and this depends on how well each cloud $i$ can be told from each cloud $j$:
#
# $$ H_D = h_s - \frac1N \sum_i \log \frac1N \sum_j e^{-D_{ij}} , \qquad D_{ij} = \frac{d_{ij}^2}{8 s^2} \ \text{ or } \ \frac{d_{ij}^2}{2 s^2}, \qquad d_{ij} = \|\mu_i - \mu_j\| . \tag{2} $$
#
# With the first $D$ (the *Bhattacharyya distance*) $H_D$ lies below $H(Z)$, with the second (the *Kullback-Leibler divergence*, KL) above. Both know what the Gaussian does not: if all clouds coincide, every $D_{ij}$ is 0 and $H_D = h_s$. If they are far apart, only $j = i$ is left of the inner sum, and
#
# $$ H_D = h_s + \log N . \tag{3} $$
#
# Why is the KL one above? The density at a point of cloud $i$ is $p(z) = \frac1N \sum_j p_j(z)$, and by Jensen's inequality, as $\log \sum_j e^{a_j}$ is convex in the $a_j$, $E_i \log \sum_j p_j \ge \log \sum_j e^{E_i \log p_j}$ for an average $E_i$ over cloud $i$. Here $E_i \log p_j = -h_s - D_{ij}$ with the KL divergence. Put in, with the sign turned: the upper bound.
#
# *Guess first.* Between $d^2/8s^2$ and $d^2/2s^2$ lies $d^2/4s^2$. At scale 1, is the estimate with it below the entropy or above?


# %%
def from_pairs(mu, s, c):
    D = torch.cdist(mu, mu).square() / (c * s**2)
    one_cloud = mu.shape[1] / 2 * log(2 * pi * e * s**2)
    return one_cloud - torch.exp(-D).mean(1).log().mean()


judge = monte_carlo(forty, s=1, draws=50_000)
lower, halfway, upper = (from_pairs(forty, s=1, c=c).item() for c in [8, 4, 2])
print(f"lower {lower:.2f}, halfway {halfway:.2f}, upper {upper:.2f}; entropy {judge.value:.2f}")

# %%
below = (lower - judge.value) / judge.error  # in standard errors of Monte Carlo
above = (judge.value - upper) / judge.error
between = (halfway - judge.value) / judge.error
ch.measure("pairs-enclose", below=below, above=above, halfway=between)

# %% [markdown]
# **What you saw.** The two estimates enclose the entropy, by about a nat on either side. The one halfway is the nearest, and it is no lower bound: it lies above. (Nor an upper one: for forty clouds at one place and one beside them, 2.75 $s$ away, it lies a little below.) A bound is not the best guess; what it has is a direction.
#
# Now with your own hand, in the plane, where one can see it. **Drag `spread`** from 0, where all four bars agree, to the right: the Gaussian runs away, and the others stop at the dashed ceiling (3). Then **drag `clouds`**: only more clouds lift the ceiling, and only by their logarithm.

# %%
more = randn(64, 2)
cb.explore(ch.figures.rulers, more, spread=(0.0, 10.0, 0.25), clouds=(2, 64), figsize=(8.2, 3))

# %% [markdown]
# > **Check yourself.** The batch has 256 images. How many nats above $h_s$ can an estimate from pairs report, at most? In 64 dimensions?

# %% [markdown]
# ## 3 · Where the losses hide their entropy
#
# What should an embedding maximize? Let $z$ and $z'$ be the embeddings of two views of one image. How much one view tells about the other, their mutual information, is at least $H(Z)$ plus the mean of $\log q(z \mid z')$, where $q$ is a guess of one embedding from the other ([What do we maximize?](../05_what_do_we_maximize/what_do_we_maximize.ipynb) derives it). For a round Gaussian guess of variance $s^2$ around the partner, $\log q$ is $-\|z - z'\|^2 / 2 s^2$ and a constant: **agreement**. All methods have it. What remains is the entropy.
#
# **VICReg** pushes on $\log |\Sigma_Z|$ from two sides, by variances and by correlations. **LogDet** takes the number itself:
#
# $$ \mathcal L_{\text{LogDet}} = \frac1K \Big[ \frac{1}{2 s^2} E \|z - z'\|^2 - \frac12 \log |\Sigma_Z + \epsilon I| \Big], \qquad s = 1, \ \epsilon = 10^{-3} . \tag{4} $$
#
# **SimCLR**'s negatives are pairs. On the unit sphere $\|z_i - z_j\|^2 = 2 - 2 z_i^\top z_j$, so with temperature $\tau$
#
# $$ -\log \frac1N \sum_j e^{-\|z_i - z_j\|^2 / 2 \tau} = \frac1\tau - \log \frac1N \sum_j e^{z_i^\top z_j / \tau} : \tag{5} $$
#
# the logarithm of its denominator is the sum in (2), up to who is counted. (SimCLR leaves out the pair of a view with itself, keeps the partner, and mixes the two views.) Which of the two $D$ is it? Its agreement term is $\|z - z'\|^2 / 2 \tau$, so the guess has variance $s^2 = \tau$; and then $e^{-d^2/2\tau}$ is $e^{-d^2/2s^2}$, the *upper* bound.
#
# *Guess first.* We train SimCLR and put clouds of variance $\tau = 0.2$ around 500 of its embeddings in 64 dimensions. How many nats above one cloud does the denominator see? How many are there? The ceiling is $\log 500 = 6.2$.

# %%
digits, steps = recipes.tiny_mnist(standardized=False), 200


def train(loss, seed, steps=steps):
    batch = ch.pick(fast=128, toy=256)
    return recipes.train_mlp(loss, digits.x_train, seed=seed, steps=steps, batch_size=batch)


def embed(run, images):
    return training.features(torch.nn.Sequential(run.encoder, run.projector), images)


# %%
simclr = [train(partial(losses.nt_xent, temperature=0.2), seed) for seed in seeds]
excess = []
for run in simclr:
    on_sphere = F.normalize(embed(run, digits.x_test[:500]).double(), dim=1)
    seen = from_pairs(on_sphere, s=0.2**0.5, c=2).item()
    there = monte_carlo(on_sphere, s=0.2**0.5).value
    excess.append(seen - there)
one = 32 * log(2 * pi * e * 0.2)
print(f"above one cloud: seen {seen - one:.2f} nats, there {there - one:.2f} nats")
ch.measure("denominator-is-above", excess=excess)

# %% [markdown]
# **What you saw.** The denominator promises more room than there is. To *maximize* an upper bound is to risk raising the bound and not the entropy; the lower one would need $e^{-d^2 / 8 \tau}$. The log-determinant is an upper bound too. So, strictly, neither loss maximizes a lower bound of what one view tells about the other. That has not kept them from working.
#
# > **Check yourself.** Which variance must the clouds have for SimCLR's denominator to be the *lower* bound?

# %% [markdown]
# ## 4 · Swap the estimate
#
# If the losses differ only in their estimate of one number, we may exchange it and keep everything else. One encoder (196-256-128, then a linear map to $K = 64$), digits of $14 \times 14$ pixels, random turns, zooms and shifts for views, equal steps. Only the loss changes:
#
# - agreement + **log-determinant**, (4): nothing to tune;
# - **VICReg** with its authors' weights 25, 25, 1, and with its covariance weight *tuned* to 25 (the term is divided by $K$, and 1 is weak at $K = 64$);
# - agreement + **pairs**: $\|z - z'\|^2 / 2 \tau + \log \sum_j e^{-\|z_i - z_j\|^2 / 2 \tau}$ on the sphere, as in (5), beside **SimCLR**;
# - **agreement alone**.
#
# The probe is a logistic regression on the encoder's 128 outputs, with 2,000 labels (mean of four sets). Raw pixels and the untrained encoder stand beside them.
#
# *Guess first.* Order the six by accuracy.

# %%
recipes_of_entropy = {
    "log-determinant": world.infomax_logdet,
    "VICReg, tuned": partial(losses.vicreg, cov=25.0),
    "VICReg": losses.vicreg,
    "pairs": partial(world.infomax_pairwise, temperature=0.2),
    "agreement alone": partial(losses.vicreg, var=0.0, cov=0.0),
}
runs = {name: [train(loss, seed) for seed in seeds] for name, loss in recipes_of_entropy.items()}
runs["SimCLR"] = simclr


# %%
def probe(encoder):
    z, z_test = (training.features(encoder, x) for x in [digits.x_train, digits.x_test])
    scores = []
    for part in range(0, 8000, 2000):
        few = slice(part, part + 2000)
        score = evaluation.logistic_probe(z[few], digits.y_train[few], z_test, digits.y_test, steps=30)
        scores.append(score)
    return np.mean(scores)


accuracy = {name: np.array([probe(run.encoder) for run in of_seeds]) for name, of_seeds in runs.items()}
mean = {name: scores.mean() for name, scores in accuracy.items()}

# %%
to_default = mean["log-determinant"] - mean["VICReg"]
to_tuned = mean["log-determinant"] - mean["VICReg, tuned"]
ch.measure("better-entropy", gain=to_default)
ch.measure("tuned-vicreg", gain=to_tuned)

# %%
baselines = {"raw pixels": torch.nn.Flatten(), "untrained": recipes.mlp_encoder(seed=ch.seed)[0]}
ch.figures.ranking(accuracy, {name: probe(network) for name, network in baselines.items()})
ch.measure("pairwise-like-simclr", apart=mean["pairs"] - mean["SimCLR"])
ch.measure("agreement-alone", accuracy=accuracy["agreement alone"])

# %% [markdown]
# **What you saw.** With a better estimate the probe gains about two points over VICReg's default weights; the paper reports up to one or two. But VICReg with *one* tuned weight is as good. (Agreement alone lies far outside the picture, at chance.) What the log-determinant buys is that there is nothing to tune. And a loss made by hand from agreement and (2) does what SimCLR does.
#
# So more entropy is better? Let us ask the log-determinant. To compare embeddings of different scale, bring each dimension to variance 1: then $\frac12 \log |\text{correlation matrix}|$ is 0 for uncorrelated dimensions and negative otherwise. *Guess first:* sort the five methods by it. Does the order of accuracies come out?


# %%
def white(run):
    correlations = torch.corrcoef(embed(run, digits.x_test).double().T)
    return torch.linalg.slogdet(correlations).logabsdet.item() / 2


entropy = {name: np.mean([white(run) for run in runs[name]]) for name in runs if name != "agreement alone"}
ch.figures.entropy_and_accuracy(entropy, mean)
more_entropy = entropy["log-determinant"] - entropy["VICReg, tuned"]
ch.measure("whitest-not-best", entropy=more_entropy, gain=to_tuned)

# %% [markdown]
# **What you saw.** LogDet's embedding is by far the whitest: its loss asks for it. The probe does not care, beyond a point: noise fills room too. Entropy is what keeps images apart; *which* differences are kept, the agreement term decides.
#
# > **Check yourself.** Give an embedding of the digits with the largest possible $H_G$ for its variance, and the accuracy of chance.

# %% [markdown]
# ## What breaks
#
# - **The comparison hangs on the weights.** Against the authors' weights LogDet wins, against one tuned weight it does not. The paper's tables compare published defaults, on ResNet-18.
# - **The direction.** Both estimates that the losses maximize are upper bounds (sections 1 and 3). The lower one has another trouble: off the sphere it is content with a line ([lab](information_vicreg_lab.ipynb)).
# - **Numbers.** A determinant of a nearly singular covariance has useless slopes in float32: keep $\epsilon \ge 10^{-3}$ in the loss, and float64 in measurements. Compare entropies only at one scale and in one dimension.
# - **How the toy differs.** Two layers, $14 \times 14$ digits, 200 steps; the paper trains ResNet-18 on CIFAR for hundreds of epochs, and its methods lie within two points of each other.

# %% [markdown]
# The [lab](information_vicreg_lab.ipynb) has the paper's bound on the test error, the scale that LogDet finds for itself, the bandwidth that pairs need, and the line.
#
# ## Summary
#
# 1. A loss of two views is agreement plus an estimate of the embedding's entropy.
# 2. The log-determinant is the entropy of a Gaussian: an upper bound that sees empty space as filled.
# 3. Pairs see at most $\log N$ nats above one cloud. $d^2/8s^2$ bounds from below, $d^2/2s^2$ from above.
# 4. SimCLR's denominator is the estimate from pairs, and with the variance that its agreement term implies it is the upper one.
# 5. A better estimate beats VICReg's defaults, and ties with a tuned VICReg. Entropy alone is no score.

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 5 min. Show that with one cloud $H_D = h_s$, for either $D$, and check it with `from_pairs`.
#
# <details><summary>Hint</summary>Which pairs are left in the sums?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●○○ 10 min. How large must a batch be for an estimate from pairs to report $h_s + 20$ nats?
#
# <details><summary>Hint</summary>Equation (3) is the most that it can be.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Take embeddings with $E \|z - z'\|^2 = a$ and stretch them by $c$. Which $c$ minimizes (4) for $\epsilon \to 0$? What is the squared distance there? Check on random pairs.
#
# <details><summary>Hint</summary>How does each of the two terms change with c? Then take a derivative.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●○ 30 min. Train agreement + pairs with the *lower* bound: keep $\|z - z'\|^2 / 2 \tau$, and put $e^{-d^2 / 8 \tau}$ in the sum. Which temperature of the upper one is it? Is the lower bound the better loss?
#
# <details><summary>Hint</summary>Write both terms with one temperature and a weight on the agreement.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Shwartz-Ziv, R. Balestriero, K. Kawaguchi, T. G. J. Rudner, Y. LeCun. [An Information-Theoretic Perspective on Variance-Invariance-Covariance Regularization](https://arxiv.org/abs/2303.00633). *NeurIPS*, 2023.
# - A. Kolchinsky, B. Tracey. [Estimating mixture entropy with pairwise distances](https://arxiv.org/abs/1706.02419). *Entropy*, 2017.
# - Z. Zhouyin, D. Liu. Understanding neural networks with logarithm determinant entropy estimator, 2021.
# - A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022. T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020.
