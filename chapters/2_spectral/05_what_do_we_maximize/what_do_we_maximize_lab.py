# %% [markdown]
# # What do we maximize?: lab
#
# For those who want more: what becomes of the region when the cloud grows; when clouds of different images meet; what the guess costs when views are noisy; what training does to the entropy, and how much of it is scale; and what VICReg charges for a copy. Sections stand alone, but for the network of section A. Equation numbers are those of the [lesson](what_do_we_maximize.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from copy import deepcopy
from functools import partial

import numpy as np
import torch

import cookbook as cb
from replearn import data, evaluation, losses, recipes, splines, training
from replearn.papers import what_do_we_maximize as world

ch = cb.Chapter("what_do_we_maximize_lab", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)
digits = recipes.tiny_mnist(standardized=False)
pixels = digits.x_test.flatten(1).double()

# %% [markdown]
# ## A · Out of the region
#
# The lesson's theorem (1) asks every cloud to stay in the region of its centre. What *is* the affine map of a region? A ReLU layer multiplies by a matrix and deletes the rows of the units that are off. So it is a product of weights:


# %%
def affine_map(net, x):
    first, second, last = (layer for layer in net.modules() if isinstance(layer, torch.nn.Linear))
    A, b = first.weight, first.bias
    for layer in (second, last):
        on = (A @ x + b > 0).to(x)  # 1 for a unit that is on, 0 for one that is off
        A, b = layer.weight @ (on[:, None] * A), layer.weight @ (on * b) + layer.bias
    return A, b


# %% [markdown]
# We train the digits' network of the lesson, and keep track of its embeddings on the way, for section D. (`logdet_entropy` is $H_G$ of (4), with $10^{-6}$ added to each eigenvalue of the covariance.)


# %%
def train(seed, steps, **weights):
    net, curve = torch.nn.Sequential(*recipes.mlp_encoder(seed=seed)), []

    def follow(step, _=None):
        z = training.features(net, digits.x_test).double()
        scaled = (z - z.mean(0)) / (z.std(0) + 1e-6)  # every dimension at variance 1
        curve.append([step + 1, evaluation.logdet_entropy(z), evaluation.logdet_entropy(scaled)])

    follow(-1)
    loss, settings = partial(losses.vicreg, **weights), {"steps": steps, "log_every": 40, "monitor": follow}
    recipes.train_networks(*net, loss, digits.x_train, seed=seed, **settings)
    follow(steps - 1)
    return net, np.array(curve).T


# %%
steps = ch.pick(fast=140, toy=400)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))
full = [train(s, steps, cov=25) for s in seeds]
nets = [deepcopy(net).double().requires_grad_(False) for net, _ in full]
A, b = affine_map(nets[0], pixels[0])
difference = nets[0](pixels[:1])[0] - (A @ pixels[0] + b)
print(f"A is {tuple(A.shape)}; f(x) and A x + b differ by {difference.abs().max():.1e}")

# %% [markdown]
# *Guess first.* A network with 384 ReLUs, images of 196 pixels, noise of $\sigma = 0.01$ on each, which nobody sees. How many of the copies stay in the region of their centre?

# %%
sigmas = ch.pick(fast=[0.001, 0.01, 0.2, 0.5], toy=[0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0])
chosen = pixels[torch.randperm(2000, generator=generator)[:20]]
noise = randn(20, 512, 196)


def study(net, sigma):
    found = world.push_clouds(net, chosen, noise, sigma)
    rejected = np.mean([world.normality_rejection(z) for z in found.z])
    return [rejected, found.inside.double().mean(), found.cov_error.mean(), found.miss.mean()]


table = np.array([[study(net, sigma) for sigma in sigmas] for net in nets])
rejected, inside, wrong, miss = table.transpose(2, 1, 0)  # each: noise by seed

# %%
few, half = sigmas.index(0.01), sigmas.index(0.5)
print(f"inside at σ = 0.001: {inside[0].mean():.0%}, at 0.01: {inside[few].mean():.0%}")
ch.measure("covariance-of-clouds", error=wrong[0])
ch.measure("affine-no-more", miss=miss[half])

# %%
ch.measure("one-region-not-needed", inside=inside[few], rejected=rejected[few])
ch.figures.regions(sigmas, rejected, inside)

# %% [markdown]
# **What you saw.** At $\sigma = 0.01$ most copies have left the region, yet the test rejects only about three outputs in a hundred; of exact Gaussians it would be one (dotted). To cross a few of the many boundaries changes the slope by very little. One region is *sufficient* for (1), not necessary. At $\sigma = 0.001$ the predicted covariance is met as well as 512 draws can tell (exercise L3).
#
# Now drag `sigma`. When does the ellipse stop fitting?

# %%
slopes = splines.region_affine(nets[0], chosen[:3])[0][:, :2]
shown = nets[0], chosen[:3], slopes, noise[:3], sigmas, rejected[:, 0]
cb.explore(ch.figures.cloud, *shown, sigma=cb.log_slider(0.03, 0.001, 2), image=["first", "second", "third"])

# %% [markdown]
# > **Check yourself.** Why can a unit be rejected although the cloud crosses only *one* boundary?
#
# ## B · When do clouds meet?
#
# The paper's second assumption: clouds of different images (nearly) do not overlap, so that a view tells its image. The paper compares distances of images with the size of a cloud. In $D$ dimensions a round cloud is almost a shell of radius $\sigma \sqrt D$, which suggests the rule *"apart, if centres are more than $2 \sigma \sqrt D$ apart"*. It is safe. Is it sharp?
#
# What counts is whether a draw of one cloud lies nearer to another centre. Only the noise *along the line* from one centre to the other matters, and that is one number of standard deviation $\sigma$, whatever $D$ is. With $\xi$ standard normal and $d_{ij}$ the distance of the centres,
#
# $$ \text{share of the draws nearer the other centre} = P\Big(\xi > \frac{d_{ij}}{2 \sigma}\Big) . \tag{7} $$
#
# *Guess first.* Two clouds whose centres are 3 σ apart, in 2, 20 and 200 dimensions. In which do they meet most?

# %%
shares = []
for D in [2, 20, 200]:
    draws = randn(40_000, D)
    other = torch.full((D,), 3 / D**0.5, dtype=torch.float64)  # at a distance of 3
    shares.append(((draws - other).norm(dim=1) < draws.norm(dim=1)).double().mean().item())

predicted = 1 - torch.special.ndtr(torch.tensor(1.5)).item()
print("nearer the other centre:", np.round(shares, 3), f"predicted {predicted:.3f}")
ch.measure("not-the-dimension", differ=max(shares) - min(shares), off=np.mean(shares) - predicted)

# %% [markdown]
# **What you saw.** The dimension does not enter. The rule with $\sqrt D$ asks for $2 \sqrt{200} = 28$ standard deviations where 6 would do for one draw in a thousand.
#
# Back to images. A copy $x_i + \sigma \xi$ is farther from image $j$ than from its own by $\|x_i - x_j\|^2 + 2 \sigma\, \xi^\top (x_i - x_j)$ in squared distance; where this is negative, it is nearer to $j$. We also count what the approximation "each cloud alone" costs in nats: how far the information about the image stays behind $\log N$.


# %%
def distances(images):
    xi = randn(*images.shape)
    along = (xi * images).sum(1, keepdim=True) - xi @ images.T  # ξ · (x_i - x_j)
    return torch.cdist(images, images).square().fill_diagonal_(0), along.fill_diagonal_(0)


def share_nearer(apart, along, sigma):
    return (apart + 2 * sigma * along < 0).any(1).double().mean().item()


def nats_lost(apart, along, sigma):
    farther = apart + 2 * sigma * along
    return (-farther / (2 * sigma**2)).logsumexp(1).mean().item()


# %%
sets = {"mnist 14 × 14": pixels}
for name in ch.pick(fast=[], toy=["digits", "mnist_10k", "photos"]):  # 8 × 8, 28 × 28, and colour 32 × 32
    sets[name] = data.load(name).images[:2000].flatten(1).double()
if "photos" in sets:
    sets["photos not flat"] = sets["photos"][sets["photos"].std(1) > 0.02]

pairs = {name: distances(images) for name, images in sets.items()}

# %%
mnist = pairs["mnist 14 × 14"]
nearer, meet = (share_nearer(*mnist, sigma) for sigma in [0.2, 0.8])
lost, more = (nats_lost(*mnist, sigma) for sigma in [0.2, 0.8])
rejects = rejected[sigmas.index(0.2)]
print(f"σ = 0.2: {rejects.mean():.0%} of outputs rejected, {nearer:.2%} of draws nearer another, {lost:.4f} nats lost")
print(f"σ = 0.8: {meet:.0%} of draws nearer another, {more:.2f} nats lost")
ch.measure("clouds-apart", nearer=nearer, lost=lost, rejected=rejects)
ch.measure("clouds-meet", nearer=meet, lost=more)

# %% [markdown]
# **What you saw.** At $\sigma = 0.2$ many outputs are no longer Gaussian, and the clouds are still apart. So of the paper's two assumptions it is the Gaussian one that gives way first, on these digits. How wide may clouds be, until one draw in a hundred is nearer another image?


# %%
def nearest_image(name):
    return pairs[name][0].clone().fill_diagonal_(torch.inf).min(1).values.sqrt()


def by_rule(name):
    nearest = nearest_image(name).quantile(0.01).item()  # 99 of 100 images are farther from all others
    return nearest / (2 * sets[name].shape[1] ** 0.5)


def measured(name):
    low, high = 0.003, 2.0
    for _ in range(9):  # halve the interval, on a logarithmic scale
        middle = (low * high) ** 0.5
        low, high = (low, middle) if share_nearer(*pairs[name], middle) > 0.01 else (middle, high)
    return middle


# %%
limits = {name: (by_rule(name), measured(name)) for name in sets}
for name, (rule, widest) in limits.items():
    print(f"{name:16} by the rule σ = {rule:.4f}, measured {widest:.3f}")
rule, widest = limits["mnist 14 × 14"]
ch.measure("rule-too-strict", factor=widest / rule)

# %%
grid = np.geomspace(0.003, 2, ch.pick(fast=5, toy=25))
curves = {
    name: [(share_nearer(*pair, sigma), nats_lost(*pair, sigma)) for sigma in grid] for name, pair in pairs.items()
}
nearest = {name: nearest_image(name).numpy() for name in sets}
radii = {name: images.shape[1] ** 0.5 for name, images in sets.items()}
shown = nearest, radii, grid, curves
cb.explore(ch.figures.overlap, *shown, sigma=cb.log_slider(0.1, 0.003, 2), images=list(sets))

# %% [markdown]
# *Drag `sigma`, and choose `images`: two ways to judge.* On the left the distances to the nearest image, and the rule's $2 \sigma \sqrt D$; by the rule, all images left of the line meet another. On the right the draws that really are nearer another image.
#
# **What you saw.** On the $14 \times 14$ digits the rule sees an overlap for clouds ten times smaller than the measurement does; on the other sets the factor lies between 4 and 200. Images differ in how near their neighbours are: a few of our photographs are flat crops of black or sky, nearly equal, and meet at any σ. So a statement about "all images" hangs on the worst of them. (The paper finds more complex data better separated; it shows the distances.)
#
# > **Check yourself.** Photographs of 3,072 pixels: does a larger $D$ separate the clouds?

# %% [markdown]
# ## C · Noisy views
#
# How much does the guess (3) lose? Take what views share to be Gaussian, $c \sim \mathcal N(0, \Sigma_c)$, in $K = 8$ dimensions, and views $z = c + \sigma_z \xi$, $z' = c + \sigma_z \xi'$. Then $I(z; z')$, the lower bound and the gap of (2) have formulas; `ba_bound_gaussian` computes them, each from its own. (Here the other view *is* $z'$, and what is shared is exactly $I_G$ of (6).)
#
# *Guess first.* What does the guess $r^2 = \mathbb{E} \|z - z'\|^2 / K = 2 \sigma_z^2$ lose when the noise is a tenth of the signal, and when it is as large as the signal?


# %%
signals = randn(50, 8, 8)
covariances = signals @ signals.mT / 8
variances = torch.linalg.eigvalsh(covariances)
lost, shared = [], []
for noise in [0.1, 0.5, 1.0]:
    rho = variances / (variances + noise**2)  # the canonical correlations, for (6)
    shared.append(-(1 - rho**2).log().sum(1).mean().item() / 2)
    lost.append(np.mean([world.ba_bound_gaussian(cov, noise, 2**0.5 * noise).gap for cov in covariances]))
    print(f"noise {noise}: {shared[-1]:.2f} nats shared, {lost[-1]:.2f} lost (means of 50 covariances)")

# %%
ch.measure("noisy-views", grows=np.diff(lost), lost=lost[2] / shared[2])
pair = partial(world.ba_bound_gaussian, covariances[0])
best = pair(0.5, 2**0.5 * 0.5).gap
ch.measure("best-guess", lost=[pair(0.5, r).gap - best for r in (0.6, 0.65, 0.75, 0.8)])

# %%
cb.explore(ch.figures.guess, pair, noise=(0.05, 2.0, 0.05), r=(0.05, 3.0, 0.05))

# %% [markdown]
# *For each `noise`, find the `r` that makes the bound best; is it $\sqrt 2\, \sigma_z$ (dotted)? Then drag `noise` up.* No `r` closes the gap, and the bound falls below zero, where it says nothing.
#
# **What you saw.** With little noise the bound is nearly tight. With much, the guess "you are near your partner" ignores that a noisy partner should be trusted less, and loses more than there is.

# %% [markdown]
# *The paper's determinants.* In the paper each view is itself the centre of a tiny cloud, with means $\mu, \mu'$ and covariances $\Sigma_v, \Sigma_{v'}$ behind the network. Averaged over both clouds, $\mathbb{E} \|z - z'\|^2 = \|\mu - \mu'\|^2 + \operatorname{tr} \Sigma_v + \operatorname{tr} \Sigma_{v'}$, so that (3) becomes $-\big(\|\mu - \mu'\|^2 + \operatorname{tr} \Sigma_v + \operatorname{tr} \Sigma_{v'}\big) / 2 r^2$ and a constant. The paper has the logarithms of the determinants $|\Sigma_v|$ and $|\Sigma_{v'}|$ where the two traces stand; they do not follow from (3). Where all clouds are alike, either is a constant.
#
# > **Check yourself.** Which Gaussian guess would lose nothing here?
#
# ## D · How much of the rise is scale?
#
# Does training raise the entropy $H_G$? We followed it, and do the same for two broken losses: **invariance alone**, and VICReg **without covariance**. A point has $\frac K2 \log (2 \pi e\, 10^{-6}) = -351$ nats: "at the floor", not a measured entropy. The probe is a logistic regression on 2,000 labels.


# %%
def accuracy(net):
    z, z_new = (training.features(net, x) for x in (digits.x_train[:2000], digits.x_test))
    return evaluation.logistic_probe(
        z.flatten(1), digits.y_train[:2000], z_new.flatten(1), digits.y_test, steps=ch.pick(fast=30, toy=100)
    )


runs = {"VICReg": full}
runs["no covariance"] = [train(s, steps, cov=0) for s in seeds]
runs["invariance alone"] = [train(s, 40, var=0, cov=0) for s in seeds]  # collapses at once
scores = {name: np.array([accuracy(net[0]) for net, _ in several]) for name, several in runs.items()}
curves = {name: [curve for _, curve in several] for name, several in runs.items()}
on_pixels = accuracy(torch.nn.Identity())
print(f"probe: pixels {on_pixels:.2f}", *(f"{name} {score.mean():.2f}" for name, score in scores.items()))

# %%
ch.figures.training(curves)
rise = {name: np.array([raw[-1] - raw[0] for _, raw, _ in several]) for name, several in curves.items()}
print("H_G rises by", *(f"{values.mean():.0f} ({name})" for name, values in rise.items()), "nats")
ch.measure("bound-rises", rise=rise["VICReg"], gain=scores["VICReg"] - on_pixels)
ch.measure("invariance-alone", rise=rise["invariance alone"], accuracy=scores["invariance alone"])

# %% [markdown]
# *Look at both panels before you read on.* VICReg climbs on the left; invariance alone falls to the floor. But $H_G$ gains $K \log a$ when $z$ is multiplied by $a$, and the untrained embedding is tiny (standard deviations of 0.02). On the right every dimension is first brought to variance 1.

# %%
start, end = ({name: np.array([scaled[i] for *_, scaled in curves[name]]) for name in curves} for i in (0, -1))
for name in curves:
    print(f"at variance 1: {name} from {start[name].mean():.0f} to {end[name].mean():.0f} nats")
ch.measure("rise-is-scale", rise=end["VICReg"] - start["VICReg"])
ch.measure("covariance-keeps", spared=end["VICReg"] - end["no covariance"])

# %% [markdown]
# **What you saw.** At equal scale training *lowers* the entropy: **all of the rise is scale.** Invariance forgets what differs between views, and that costs entropy; the covariance term keeps it from costing nearly all. A log-determinant compares embeddings of one scale only. The lesson's $J$ and $I_G$ do not have this weakness.
#
# > **Check yourself.** Which of the two panels does a whitening layer at the end of the network change?
#
# ## E · The price of a copy
#
# By (5) the entropy that is missing because dimensions repeat each other is $K/4$ times VICReg's penalty for one view, up to third powers of the correlations.
#
# First in general. *Guess first:* 16 dimensions with random correlations, of the size of 0.01 at first, then 0.1. How far is the rule off?


# %%
def missing_over_rule(size):
    raw = randn(500, 16)
    white = torch.linalg.qr(raw - raw.mean(0)).Q * 499**0.5  # variances 1, correlations 0
    correlations = torch.triu(size * randn(16, 16), diagonal=1)
    R = torch.eye(16) + correlations + correlations.T
    z = white @ torch.linalg.cholesky(R).T  # now its correlations are R
    missing = evaluation.logdet_entropy(white, eps=0) - evaluation.logdet_entropy(z, eps=0)
    penalty = losses.vicreg(z, z).covariance.item() / 2  # the library's is a sum over two views
    return missing / (16 / 4 * penalty)


# %%
ratio = {size: np.mean([missing_over_rule(size) for _ in range(50)]) for size in [0.01, 0.1]}
for size, value in ratio.items():
    print(f"correlations of size {size}: missing entropy / (K/4 · penalty) = {value:.3f}")
ch.measure("covariance-is-entropy", faint=abs(ratio[0.01] - 1), strong=ratio[0.1] - 1)

# %% [markdown]
# **What you saw.** Faint correlations cost what VICReg charges for them. Random ones of size 0.1 cost a fifth more. (That hangs on signs: where all correlations are positive, three or more dimensions can miss less than the rule says. See exercise L2.)
#
# Two dimensions of variance 1 with correlation $\rho$. VICReg's price, for one view, is $\frac12 (\rho^2 + \rho^2) = \rho^2$. By (5), with $K/4 = 1/2$, the missing entropy should be half of that. It is $-\frac12 \log(1 - \rho^2)$.
#
# *Guess first:* at which correlation of two dimensions do price and cost part? Then drag.

# %%
cb.explore(ch.figures.penalty, figsize=(7.2, 3.0), correlation=(0.0, 0.95, 0.05))

# %% [markdown]
# **What you saw.** Up to $\rho = 0.5$ they differ by less than a sixth. For near-copies the price stays finite and the missing entropy does not: a loss that really counted nats would never let two dimensions coincide.
#
# > **Check yourself.** What does VICReg charge for eight exact copies of one dimension?

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. *The floor.* Show that $H_G$ of a collapsed embedding is $\frac K2 \log(2 \pi e \epsilon)$, where $\epsilon$ is added to the eigenvalues. What does dividing by $N - 1$ instead of $N$ add to any other?
#
# <details><summary>Hint</summary>What are the eigenvalues of $\Sigma_Z + \epsilon I$ when all embeddings are equal? And how does $H_G$ change when $\Sigma_Z$ is multiplied by a number?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 30 min. *The next order.* Find the next term of (5), and check that it explains most of what was left when all correlations of 16 dimensions are 0.01. Is a quarter of the sum always less than the missing entropy?
#
# <details><summary>Hint</summary>Which term of the logarithm's series comes after the square? For the last question, try three dimensions with equal correlations.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 30 min. *Ten per cent.* At $\sigma = 0.001$ the measured covariance of a cloud misses $\sigma^2 A A^\top$ by a tenth. Show that for $n$ Gaussian draws the relative error is about $\sqrt{(k_A + 1) / n}$, where $k_A = (\operatorname{tr} \Sigma_A)^2 / \operatorname{tr} \Sigma_A^2$ for $\Sigma_A = A A^\top$. What do four times the draws give?
#
# <details><summary>Hint</summary>The entries of a sample covariance have variance $(\Sigma_{A,ij}^2 + \Sigma_{A,ii} \Sigma_{A,jj}) / n$. Sum over $i$ and $j$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●● 60 min. *A cloud along the manifold.* Replace the round noise by $\theta t$: $t$ is the tangent of a rotation, by finite differences, and $\theta$ a random angle of standard deviation $s$ degrees. How large may $s$ be? Before you test real rotations instead, test their *pixels*.
#
# <details><summary>Hint</summary>What are the pixels of a rotated image as functions of the angle, under bilinear interpolation? Look near angle 0.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
