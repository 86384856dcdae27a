# %% [markdown]
# # Part 2: what SSL learns, in closed form
#
# Train a network without labels, and it finds features that a linear probe can read. *Which* features? As long as the answer is "those that gradient descent arrived at", one can only train and look.
#
# This part replaces the network by something that can be solved, and then the answer is a formula. On this page you let losses with different names descend on one small problem, see that they
# arrive at one place, find out what they leave behind, and leave knowing which chapter has the theorem that you need.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from ipywidgets import SelectionSlider
from scipy.linalg import eigh

import cookbook as cb
from replearn import data, descent, evaluation, losses, recipes, spectral

ch = cb.Chapter("part_2", scale=scale, seed=seed)
digits = recipes.tiny_mnist(standardized=False)
n = ch.pick(fast=1500, toy=3000)
x, y = digits.x_train[:n].flatten(1).double().numpy(), digits.y_train[:n].numpy()
x_new, y_new = digits.x_test.flatten(1).double().numpy(), digits.y_test.numpy()


# %%
def view(x, draw, waves=16):
    modes = round(waves**0.5)  # cosines along each axis
    background = data.smooth_background(len(x), 14, modes=modes, seed=draw) if modes else torch.zeros(len(x), 196)
    noise = np.random.default_rng(draw).standard_normal(x.shape)
    return x + background.flatten(1).numpy() + 0.1 * noise


v, v_other, v_new = view(x, 3 * ch.seed + 1), view(x, 3 * ch.seed + 2), view(x_new, 3 * ch.seed + 3)
ch.figures.pairs(x, v, v_other)

# %% [markdown]
# *Look down a column.* On top a digit $x$ of 14 × 14 pixels. Below it two **views** $v$ and $v'$: the digit stays, and each view gets a smooth background of its own, a random mixture of 16 waves, and a little noise.
# The background varies far more than the digit does, and no view needs it to recognise the other.
#
# ## 1 · Many losses, one place?
#
# Let the encoder be a linear map: a view of $D = 196$ pixels becomes $K = 16$ numbers $z = W^\top v$. (Pixels are centred, so $z$ has mean 0.) Such an encoder sees nothing of the data but second moments:
#
# $$ C = \mathbb E[v v^\top] \quad \text{of one view}, \qquad C_+ = \mathbb E[v v'^\top] \quad \text{between the two views of a digit.} $$
#
# Three losses now train $W$: VICReg and Barlow Twins, as in [Part 1](../../1_recipes/00_part/part_1.ipynb), and the *spectral contrastive* loss, which lowers $-2\, \mathbb E[z^\top z']$ for partners and raises it by the mean of $(z_i^\top z_j)^2$ over all pairs. Beside them an auto-encoder, which wants the pixels of $v$ back from $z$. `descent.minimize` takes L-BFGS steps on all pairs at once (on views scaled so that $C$ becomes the identity, which makes it quick; the auto-encoder gets the pixels as they are).
#
# *Guess first:* four losses, four random starts. How many different sets of features?

# %%
centre = (v + v_other).mean(axis=0) / 2
v, v_other, v_new = v - centre, v_other - centre, v_new - centre
C = (v.T @ v + v_other.T @ v_other) / (2 * n)
C_plus = (v.T @ v_other + v_other.T @ v) / (2 * n)

# %% jupyter={"source_hidden": true}
K = 16
variances, axes_of_C = np.linalg.eigh(C)
whiten = axes_of_C / np.sqrt(variances)  # descent is quick where all directions have variance 1
white = [torch.from_numpy(shown @ whiten) for shown in (v, v_other)]
both = torch.from_numpy(np.concatenate([v, v_other]))
draws = torch.Generator().manual_seed(ch.seed)


def start(*shape):
    return torch.randn(*shape, generator=draws, dtype=torch.float64) / 14


# %%
def train(loss, steps=200):
    (W,) = descent.minimize(lambda W: loss(white[0] @ W, white[1] @ W), [start(196, K)], steps=steps)
    return whiten @ W.numpy()


def reconstruction(encoder, decoder):
    return (both - both @ encoder @ decoder).square().mean()


trained = {
    "VICReg": train(lambda z, z_other: losses.vicreg(z, z_other).total),
    "Barlow Twins": train(lambda z, z_other: losses.barlow_twins(z, z_other).total),
    "contrastive": train(losses.spectral_contrastive),
}
encoder, _ = descent.minimize(reconstruction, [start(196, K), start(K, 196)], steps=200)
trained["auto-encoder"] = encoder.numpy()

# %% [markdown]
# A linear probe reads the same from two encoders whose features span the same space. So compare spans. Between two of them there are $K$ *principal angles*; the mean of their squared cosines is the **overlap**: 1 if the spans are one, 0 if no feature of the one is correlated with any of the other. (Two random encoders with 16 of 196 directions overlap by about 16/196 = 0.08.)


# %%
def overlap(W, other):
    angles = spectral.principal_angles(W, other, metric=C)  # degrees; C makes it an angle between features
    return np.mean(np.cos(np.radians(angles)) ** 2)


for name, W in trained.items():
    print(f"{name:14}", *[f"{overlap(W, other):.2f}" for other in trained.values()])

# %% [markdown]
# **What you saw.** Read the rows. Barlow Twins and the contrastive loss agree to two digits. VICReg shares about 0.9 with them, as if two of its sixteen features were others: as it is used, it bounds variances by a hinge and stops at no exact place. The auto-encoder went somewhere else.
#
# ## 2 · One equation
#
# The place has a formula. A direction $w$ of pixel space gives the feature $w^\top v$, with variance $w^\top C w$. Its correlation with its twin in the other view is $\rho = w^\top C_+ w / w^\top C w$, and the directions where $\rho$ is largest solve
#
# $$ C_+ w_k = \rho_k\, C\, w_k . $$
#
# Why these losses want them takes two lines. Partners cost $\mathbb E \|z - z'\|^2 = 2 \operatorname{tr} W^\top (C - C_+) W$. The other terms, whatever they are called, forbid collapse and repetition, that is, they ask for $W^\top C W = I$. The smallest cost under this demand is reached by the top $K$ of the equation: **where views agree**.
#
# The auto-encoder instead pays for every pixel that it gets wrong, so it wants the directions of largest variance, $C w_k = \mu_k w_k$: the principal components (PCA).

# %%
_, by_agreement = eigh(C_plus, C)  # eigenvalues rise, so the top is at the right
_, by_variance = eigh(C)
views, pixels = by_agreement[:, -K:], by_variance[:, -K:]

joint = [overlap(trained[name], views) for name in ("VICReg", "Barlow Twins", "contrastive")]
random = overlap(whiten @ start(196, K).numpy(), views)
ch.measure("one-place", worst=min(joint), strict=min(joint[1:]), chance=random)
ch.measure("auto-encoder-is-pca", overlap=overlap(trained["auto-encoder"], pixels))

# %% [markdown]
# **What you saw.** Descent, which was shown no eigenvector of either problem, went to the top of the first, and the auto-encoder to that of the second.
#
# *Guess first:* what have the two sets of features in common? Each is the best sixteen in its own sense. And from which of them will a linear probe read the digit?


# %%
def accuracy(W, v, v_new):
    return evaluation.ridge_probe(v @ W, y, v_new @ W, y_new)  # a linear probe on new digits


ch.measure("families-differ", overlap=overlap(views, pixels))
print(f"a probe reads from views {accuracy(views, v, v_new):.2f}, from pixels {accuracy(pixels, v, v_new):.2f}")

# %% [markdown]
# **What you saw.** They share less than two random encoders do, and only one of them is worth something here: **what explains the pixels is not what two views agree on.**
#
# > **Check yourself.** The encoders have 16 features and the background is a mixture of 16 waves. Is that a coincidence?

# %% [markdown]
# ## 3 · A number that was hidden
#
# The numbers above hang on it. *Guess first:* give the auto-encoder 20 features, or 32. What will the probe read? And with 36 waves in place of 16, what from the views?
#
# One eigenvalue problem holds the answer for all $K$: take more of its columns. **Drag `K`** past the number of waves. Then **drag `waves`**, to fewer, to more, to none.

# %%
dims = [4, 8, 12, 16, 20, 24, 32, 40, 48]


def by_dim(waves):
    first, second, new = (view(images, 3 * ch.seed + s, waves) for s, images in ((1, x), (2, x), (3, x_new)))
    first, second, new = first - first.mean(axis=0), second - second.mean(axis=0), new - first.mean(axis=0)
    moment = (first.T @ first + second.T @ second) / (2 * n)
    between = (first.T @ second + second.T @ first) / (2 * n)
    families = {"views": eigh(between, moment)[1], "pixels": eigh(moment)[1]}
    return {name: [accuracy(W[:, -k:], first, new) for k in dims] for name, W in families.items()}


curves = {waves: by_dim(waves) for waves in (0, 4, 9, 16, 25, 36)}

# %%
examples = {waves: view(x[:4], 1, waves).reshape(-1, 14, 14) for waves in curves}
cb.explore(
    ch.figures.room,
    curves,
    dims,
    examples,
    K=SelectionSlider(options=dims, value=16),
    waves=SelectionSlider(options=list(curves), value=16),
)

# %%
at = {k: {name: score[dims.index(k)] for name, score in curves[16].items()} for k in (16, 20, 32)}
quiet = {name: score[dims.index(16)] for name, score in curves[0].items()}
for k in (16, 20, 32):
    print(f"K = {k}, 16 waves: views {at[k]['views']:.2f}, pixels {at[k]['pixels']:.2f}")
print(f"K = 16, no background: views {quiet['views']:.2f}, pixels {quiet['pixels']:.2f}")
ch.measure("lead-hangs-on-k", few=at[16]["views"] - at[16]["pixels"], many=at[32]["views"] - at[32]["pixels"])
ch.measure("quiet-data", lead=quiet["views"] - quiet["pixels"], views=quiet["views"] - at[16]["views"])

# %% [markdown]
# **What you saw.** Each wave costs the auto-encoder one feature, because nearly every wave varies more than anything in the digits does. Once all are paid for, the digit comes in, and with twice as many features little is left of the lead. Views pay no features. They do pay something: drag `waves` to 36 at 16 features, and their curve sinks too.
#
# So "views beat pixels by 50 points" is true with 16 features and 16 waves, and says more about the room than about the method: **always ask how many dimensions, and how many nuisances.** Without a background there is no lead at all.
#
# > **Check yourself.** From how many waves on do 12 features of pixels read less than half of what views read? And 24 features? Let the sliders answer.

# %% [markdown]
# ## 4 · Twelve methods
#
# The chapters find the same shape again and again: $\mathcal A\, w_k = \mu_k\, \mathcal B\, w_k$, whose top $K$ solutions span what a linear encoder learns. What differs is what is put for the matrices:
#
# | method | $\mathcal A$ | $\mathcal B$ | derived in |
# |---|---|---|---|
# | VICReg, Barlow Twins, spectral contrastive loss, canonical correlation | $C_+$ | $C$ | chapter 1 |
# | the interplay: agreement (weight $\beta$) against small weights ($\lambda$) | $(1 - \beta)\, C + \beta\, C_+ - \lambda I$ | $C$ | 4 |
# | auto-encoder (PCA) | $C$ | $I$ | 8 |
# | auto-encoder of views $\tilde v$ with hidden pixels, $Q = \mathbb E[\tilde v v^\top]$ | $Q Q^\top$ | $\mathbb E[\tilde v \tilde v^\top]$ | 8 |
# | predict the digit without its background, $Q = \mathbb E[v x^\top]$ | $Q Q^\top$ | $C$ | 9 |
# | labels (linear discriminant analysis), with the covariance of the class means | $C_{\mathrm{between}}$ | $C$ | 1 |
#
# The rows with $Q$ are regression: to predict a target from an input by $K$ numbers, $Q$ is the moment between the two and $\mathcal B$ that of the input.
#
# *Guess first:* which of the last three rows will side with the views, which with the pixels? The folded cells call the library's function for each method.

# %% jupyter={"source_hidden": true}
stacked, swapped = np.concatenate([v, v_other]), np.concatenate([v_other, v])
index = np.arange(n)
linear = partial(spectral.linear_ssl, stacked, spectral.pairs_graph(index, index + n, 2 * n), K)
solved = {
    "VICReg, no hinge": linear(inv=0.1).W,
    "Barlow Twins": linear(method="barlow").W,
    "contrastive": linear(method="contrastive").W,
    "canonical correlation": spectral.cca(stacked, swapped, K).A,
    "joint embedding": spectral.joint_embedding_linear(C, C_plus, K).W,
    "interplay, β = 1": spectral.moment_ssl(C, C_plus, K).W,
}

# %% jupyter={"source_hidden": true}
classes = spectral.label_graph(np.concatenate([y, y]), normalize="class", self_loops=True)
masked = spectral.mask_moments(stacked, 0.5, (14, 14), (2, 2))
regression = partial(spectral.reduced_rank_regression, dim=K)
solved |= {
    "labels": spectral.linear_ssl(stacked, classes, 9, inv=0.5).W,
    "predict the digit": regression(x.T @ (v + v_other) / (2 * n), C).V,
    "masked 2 × 2": regression(masked.C_clean, masked.C).V,
    "noise removed": regression(C, C + np.eye(196)).V,
    "interplay, β = 0": spectral.moment_ssl(C, C_plus, K, beta=0.0, lam=1e-3).W,
    "auto-encoder": pixels,
}

# %%
scores = {name: accuracy(W, v, v_new) for name, W in solved.items()}
table = [[overlap(W, other) for other in solved.values()] for W in solved.values()]
ch.figures.overlaps(table, scores)

# %% [markdown]
# *On the left*, overlap of each method with each; *on the right*, what a linear probe reads from its 16 features (dotted: chance).
#
# **What you saw.** Two dark blocks. Six methods that compare views have one answer: the first three by the argument of section 2, the others because they are that equation. Auto-encoding, the removal of Gaussian noise (regression from $v$ plus noise to $v$), and an architecture left to itself ($\beta = 0$) have one answer too; masking is near them.
#
# Two rows need a second look. Labels want nine directions, and share about two thirds of them with the views. And the method that predicts the clean digit belongs to the first block although it reconstructs pixels: not the act of reconstruction fails, but reconstructing what is irrelevant.

# %% [markdown]
# ## 5 · From the architecture to the views
#
# The second row of the table holds both families. All features have variance 1. With $\beta = 0$ the views are ignored, and the price $\lambda$ on the size of the weights decides: loud directions need small weights, so PCA wins. With $\beta = 1$ it is nearly VICReg. **Drag `beta`** (its steps are uneven) and watch sixteen features change families. The pictures are the first eight directions $w_k$.

# %%
betas = [0, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.1, 0.3, 1]
found = {beta: spectral.moment_ssl(C, C_plus, K, beta=beta, lam=1e-3).W for beta in betas}
road = [[overlap(W, pixels), overlap(W, views), accuracy(W, v, v_new)] for W in found.values()]
directions = {beta: W[:, :8].T.reshape(8, 14, 14) for beta, W in found.items()}
cb.explore(ch.figures.road, road, directions, beta=SelectionSlider(options=betas, value=0.007))

# %% [markdown]
# **What you saw.** A little augmentation suffices; where the change falls hangs on $\lambda$, here 0.001. [The SSL interplay](../04_ssl_interplay/ssl_interplay.ipynb) solves the bargain.

# %% [markdown]
# ## 6 · What to read
#
# The story has four acts. **The loss is an eigenvalue problem** (chapters 1 to 4). **The loss is information** (5 to 7): the same terms, read as entropies and tests of independence. **Pixels or latents?** (8, 9): when reconstruction keeps the wrong things. **Have we found the world?** (10, 11): when features are the hidden causes themselves.

# %% [markdown]
# | you ask | the part answers | chapter |
# |---|---|---|
# | Where do VICReg, SimCLR and Barlow Twins end? | at eigenvectors of the graph of positive pairs, each shrunk by its own rule | [1 · Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) |
# | What happens at points that were never seen? | any kernel and any pairs give a new kernel, in closed form | [2 · The kernel regime](../02_kernel_regime/kernel_regime.ipynb) |
# | Why do unlabelled data help at all? | useful functions vary little where data are dense, and augmentations measure that | [3 · Minimal variations](../03_minimal_variations/minimal_variations.ipynb) |
# | Do augmentations or the architecture decide? | both, through one operator | [4 · The SSL interplay](../04_ssl_interplay/ssl_interplay.ipynb) |
# | What is maximised, in nats? | under a Gaussian guess, the information that two views share; VICReg keeps three of its terms | [5 · What do we maximize?](../05_what_do_we_maximize/what_do_we_maximize.ipynb) |
# | Does a better estimate of entropy make a better loss? | it can stand in for VICReg's terms; against a tuned VICReg it gains nothing here | [6 · Information and VICReg](../06_information_vicreg/information_vicreg.ipynb) |
# | What does a projector change? | decorrelation behind a wide one that acts on each number alone is pairwise independence before it | [7 · Pairwise independence](../07_pairwise_independence/pairwise_independence.ipynb) |
# | Why do auto-encoders learn features late, if ever? | they explain the pixels in order of variance | [8 · Learning by reconstruction](../08_reconstruction_features/reconstruction_features.ipynb) |
# | Should I predict pixels or latents? | it depends on how strong the nuisance is, with both thresholds in closed form | [9 · Joint embedding vs reconstruction](../09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb) |
# | Can a classifier find the causes of its data? | up to a linear map, if its classes are diverse enough | [10 · Cross-entropy inverts the world](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb) |
# | If two models agree, are they right? | identifiable models agree; agreement alone proves nothing | [11 · When networks agree](../11_singular_identifiability/singular_identifiability.ipynb) |

# %% [markdown]
# ## Conventions, and what breaks
#
# - Covariances divide by $N$. [All symbols](../../notation.md) have one meaning in this part. Subspaces are compared by principal angles, embeddings up to a rotation, encoders up to a linear map.
# - Some chapters count a sample as its own partner, some do not. That adds the identity to the matrix of pairs: eigenvectors stay, all eigenvalues rise by the same amount, and with them the number of positive ones. Each chapter says which it does.
#
# This page is linear from end to end. The background is independent of the digit, of low rank, and fresh in every view: two views are exactly what is needed. Where a background *follows* the label, or an augmentation destroys it, the dark blocks are worth something else. With more views of each image the methods of the first block still agree; where some images have more views than others they separate (chapter 1). The chapters take these cases one by one.

# %% [markdown]
# ## Summary
#
# - Losses that compare two views arrive at one set of features: the top of $C_+ w = \rho\, C w$, the directions in which views agree.
# - Auto-encoders arrive at another, the top of $C w = \mu w$: the loudest directions.
# - A nuisance costs the auto-encoder one feature for each direction that is louder than the signal. It costs the views no features, and some accuracy.
# - How far they lie apart hangs on $K$. It is a slider, and it belongs beside every such number.

# %%
ch.report()

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive Self-Supervised Learning Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508). *NeurIPS*, 2022.
# - V. Cabannes, B. T. Kiani, R. Balestriero, Y. LeCun, A. Bietti. [The SSL Interplay](https://arxiv.org/abs/2302.02774). *ICML*, 2023.
# - H. Van Assel, M. Ibrahim, T. Biancalani, A. Regev, R. Balestriero. [Joint-Embedding vs Reconstruction](https://arxiv.org/abs/2505.12477). *NeurIPS*, 2025.
# - P. Baldi, K. Hornik. [Neural networks and principal component analysis](https://doi.org/10.1016/0893-6080(89)90014-2). *Neural Networks*, 1989: the linear auto-encoder ends at PCA.
# - The papers of the other chapters are listed in each of them.

# %%
ch.footer()
