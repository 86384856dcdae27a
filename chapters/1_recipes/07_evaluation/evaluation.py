# %% [markdown]
# # Evaluating representations
#
# After this chapter you can score a representation with many labels, with few and with none. You will know what each score cannot see, and you will notice when a comparison was
# decided by its protocol rather than by the models.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training
from replearn.papers.evaluation import conditional_samples

ch = cb.Chapter("evaluation", scale=scale, seed=seed)

# %% [markdown]
# ## The question
#
# You have trained several networks without labels. Which one do you keep? The loss is the first number at hand; let us see what it is worth. We train thirteen small encoders on digits, once, here,
# much as in [Two views](../01_two_views/two_views.ipynb). Six share a loss, NT-Xent with temperature $\tau = 0.5$, and differ in their **augmentation**. The other seven crop and turn, as one of the six does, and
# differ in their **loss**: four more temperatures (see [Contrastive](../02_contrastive/contrastive.ipynb)), and VICReg whole, without its covariance and without its variance term (see
# [Canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb)). Of each we keep the *representations* $h = f(x)$ of all images and of ten crops of each of 300 images, and the *embeddings* $z = g(h)$ that the
# projector makes. All that follows is computed from these. Two yardsticks get the same treatment: raw pixels, and the encoder before its first step.

# %%
strengths = {"none": (1, 0), "noise": (1, 0, 0, 0.5), "turn": (1, 15), "crop": (0.4, 0)}
strengths |= {"crop + turn": (0.4, 15), "crop + any turn": (0.4, 180)}
objectives = {f"τ = {tau}": partial(losses.nt_xent, temperature=tau) for tau in (0.05, 0.1, 1, 5)}
objectives |= {"VICReg": losses.vicreg, "no covariance": partial(losses.vicreg, cov=0)}
objectives |= {"no variance": partial(losses.vicreg, var=0)}

mnist = recipes.tiny_mnist()
recipe = recipes.TINY_SHORT._replace(width=ch.pick(fast=8, toy=16), steps=150, batch_size=64, lr=8e-3)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=2))
models = {}
for s in seeds:
    train = partial(recipes.train_tiny, images=mnist.x_train, recipe=recipe, seed=s)
    for name, strength in strengths.items():
        models[name, s] = train(losses.nt_xent, augment=recipes.tiny_augmentation(*strength))
    for name, loss in objectives.items():
        models[name, s] = train(loss)

# %%
crops = recipes.tiny_crop(mnist.x_train[:300].repeat_interleave(10, dim=0), torch.Generator().manual_seed(ch.seed))
networks = {key: (model.encoder, model.projector) for key, model in models.items()}
for s in seeds:
    networks["untrained", s] = recipes.untrained(mnist.x_train, recipe, seed=s), nn.Identity()
    networks["raw pixels", s] = nn.Flatten(), nn.Identity()
codes = {}
for key, (encoder, projector) in networks.items():
    h, h_test, h_crops = (training.features(encoder, x) for x in (mnist.x_train, mnist.x_test, crops))
    codes[key] = {"h": h, "z": training.features(projector, h), "crops": h_crops.unflatten(0, (300, 10))}
    codes[key]["labelled"] = h, mnist.y_train, h_test, mnist.y_test

# %%
fig, ax = plt.subplots(figsize=(7.6, 3.3), layout="constrained")
for name in strengths:
    accuracy = evaluation.low_shot_probe(*codes[name, ch.seed]["labelled"])
    point = np.mean(models[name, ch.seed].history.loss[-20:]), accuracy
    ax.plot(*point, "o", ms=8, color=cb.color("nt_xent"))
    ax.annotate(name, point, (0, -17), textcoords="offset points", ha="center")
ax.margins(x=0.2, y=0.25)
ax.set(xlabel="loss at the end of training", ylabel="accuracy with 200 labels")
ax.set_title("The lowest loss belongs to the worst encoder")
plt.show()

# %% [markdown]
# *Look at the bottom left.* The network that is shown each image unchanged has the easiest puzzle, solves it best, and is of least use. Losses do not compare across augmentations (nor across
# temperatures or families). What does?
#
# ## The mathematics
#
# **With labels: probes.** A *probe* is a simple classifier that reads the frozen representation. Let $Z$ ($N \times K$) hold the representations of $N$ labelled images, $y_i$ the class of image
# $i$. In the **k-NN probe** the $k$ rows whose cosines $s_i$ to a new image are largest vote, by default $k = 20$ and $\tau = 0.07$ as in DINO; nothing is fitted:
#
# $$ \text{votes for class } c \; = \sum_{i \in \text{the } k \text{ nearest}} e^{s_i / \tau} \; 1[y_i = c] . \tag{1} $$
#
# The **ridge probe** minimises $\|Y - \tilde Z W - 1 b^\top\|^2 / N + \lambda \|W\|^2$ over $W$ and $b$: $Y$ holds the classes as rows of a one and nine zeros, $\tilde Z$ is $Z$ with each column centred and
# divided by its standard deviation, both of the *training* images, $1$ is the vector of ones, and $\lambda > 0$. Its fitted values are $\hat Y = H Y$, where
#
# $$ H = \tilde Z (\tilde Z^\top \tilde Z + \lambda N I)^{-1} \tilde Z^\top + \tfrac1N 1 1^\top . \tag{2} $$
#
# To choose $\lambda$ without a validation set, leave each image out in turn. No refit is needed. Replace $y_i$ by $\hat y_{(i)}$, what the fit *without* image $i$ predicts for it: that fit stays the best
# one, since its error on image $i$ is now zero. By (2) the change moves $\hat y_i$ by $H_{ii} (\hat y_{(i)} - y_i)$, and it moves it to $\hat y_{(i)}$. So
#
# $$ y_i - \hat y_{(i)} = \frac{y_i - \hat y_i}{1 - H_{ii}} . \tag{3} $$
#
# A **logistic** probe has cross-entropy in the place of squares, an **MLP** probe a hidden layer, **fine-tuning** goes on training the encoder itself. *Low-shot* accuracy in this book is the mean
# over five ridge probes ($\lambda = 0.1$) with 200 labels each, all different; on ImageNet it means 1 or 10 % of the labels.
#
# **What probes cannot see.** Multiply $Z$ by an invertible matrix $A$. Since $Z W = (Z A)(A^{-1} W)$, the linear maps of $Z A$ are those of $Z$, and *least squares* ($\lambda \to 0$)
# *predicts the same*. Ridge does if $\|A^{-1} W\| = \|W\|$ for all $W$, that is if $A$ is a rotation and nothing is standardised; standardising forgives a scale for each column
# instead. Cosines forgive a rotation and one common scale, and so does k-NN.
#
# **Without labels.** Let $\sigma_j$ be the singular values of $Z$, not centred. **RankMe** is an effective number of dimensions, the exponential of an entropy:
#
# $$ \text{RankMe} = \exp\Big(- \sum_j p_j \log p_j\Big), \qquad p_j = \frac{\sigma_j}{\sum_i \sigma_i} + 10^{-7} . \tag{4} $$
#
# It lies between 1 (rank one) and $\min(N, K)$ (orthonormal columns), and forgives rotations and scale. A stricter count is the *participation ratio* $(\sum \lambda_j)^2 / \sum \lambda_j^2$ of the
# eigenvalues of the covariance. **α-ReQ** fits their decay, $\lambda_j \propto j^{-\alpha}$, by a line through $\log \lambda_j$ against $\log j$, the first three left out; its authors
# find $\alpha$ near 1 best. **LiDAR** discounts what views disagree on. With $q$ views $z_{ij}$ of each of $n$ images, their mean $\mu_i$, and $\mu$ the mean of all,
#
# $$ \Sigma_b = \frac{1}{n - 1} \sum_i (\mu_i - \mu)(\mu_i - \mu)^\top, \qquad \Sigma_w = \frac{1}{n (q - 1)} \sum_{i, j} (z_{ij} - \mu_i)(z_{ij} - \mu_i)^\top + 10^{-4} I , \tag{5} $$
#
# LiDAR is (4) with the eigenvalues of $\Sigma_w^{-1/2} \Sigma_b \Sigma_w^{-1/2}$ for $\sigma_j$: the number of directions in which images differ more than views do.
#
# **Clusters** $U$ and classes $V$ share $I(U; V)$ nats of information; with $S$ the entropy, $\text{NMI} = 2 I(U; V) / (S(U) + S(V))$. But $R$ *random* clusters of $N$ images of $M$ classes already
# share about $(R - 1)(M - 1) / 2N$ nats while $N$ is much larger than $R M$. **AMI** subtracts what chance gives, above and below the bar.
#
# **What is ignored?** *RCDM* trains a diffusion model to draw images given $h = f(x)$; what changes between draws is what $f$ ignores. If inputs are Gaussian, $x \sim N(m, C)$, and $h = W x$ is
# linear, there is a formula, and the ignored share of the variance is $\operatorname{tr}(C - G W C) / \operatorname{tr} C$:
#
# $$ x \mid h \; \sim \; N\big(m + G (h - W m), \; C - G W C\big), \qquad G = C W^\top (W C W^\top)^{-1} . \tag{6} $$
#
# ## From scratch
#
# (1) to (4) in plain numpy, on scikit-learn's digits of $8 \times 8$ pixels, centred. k-NN and ridge are held against scikit-learn, (3) against 60 refits with an image left out (the features keep
# their scale), RankMe against the library.

# %%
digits = data.load("digits")
n, y = digits.n_train, digits.labels.numpy()
pixels = digits.images.flatten(1).double().numpy()
pixels = pixels - pixels[:n].mean(axis=0)
Y = np.eye(10)[y[:n]]

unit = pixels / np.linalg.norm(pixels, axis=1, keepdims=True)
cosines = unit[n:] @ unit[:n].T
nearest = np.argsort(-cosines, axis=1)[:, :20]
weights = np.exp(np.take_along_axis(cosines, nearest, axis=1) / 0.07)
predicted = np.sum(weights[..., None] * Y[nearest], axis=1).argmax(axis=1)
neighbours = KNeighborsClassifier(20, metric="cosine", weights=lambda distance: np.exp((1 - distance) / 0.07))
knn_differs = np.sum(predicted != neighbours.fit(pixels[:n], y[:n]).predict(pixels[n:]))
np.testing.assert_array_equal(predicted, evaluation.knn_probe(pixels[:n], y[:n], pixels[n:]))

p = np.linalg.svd(pixels, compute_uv=False)
p = p / p.sum() + 1e-7
np.testing.assert_allclose(np.exp(-np.sum(p * np.log(p))), evaluation.effective_rank(pixels))

# %%
lam, deviation = 1e-3, pixels[:n].std(axis=0)
deviation[deviation == 0] = 1
Z = pixels[:n] / deviation
H = Z @ np.linalg.inv(Z.T @ Z + lam * n * np.eye(64)) @ Z.T + 1 / n
left_out = (Y - H @ Y) / (1 - np.diag(H))[:, None]
np.testing.assert_allclose(left_out, evaluation.loo_residuals(pixels[:n], Y, lam=lam), atol=1e-10)

ridge = Ridge(alpha=lam * n)
ridge_off = abs(ridge.fit(Z, Y).predict(Z) - H @ Y).max()
refitted = []
for i in range(60):
    others = np.arange(n) != i
    refitted.append(Y[i] - ridge.fit(Z[others], Y[others]).predict(Z[[i]])[0])
loo_off = abs(refitted - left_out[:60]).max()
ch.measure("exact-probes", knn=knn_differs, ridge=[ridge_off, loo_off])
cb.show_source(evaluation.ridge_probe)

# %% [markdown]
# ## The theorem, tested
#
# **Same information, other geometry.** $A$ turns the digits, stretches the axes by factors from 1 to 100, and turns again; nothing is lost, since $A^{-1}$ brings all of it back. Then a turn with
# a common scale, and a constant added to every pixel.


# %%
def measure(Z):
    with_intercept = np.column_stack([Z, np.ones(len(Z))])
    outputs = with_intercept @ np.linalg.lstsq(with_intercept[:n], Y)[0]
    return outputs, evaluation.knn_probe(Z[:n], y[:n], Z[n:], y[n:]), evaluation.effective_rank(Z)


rng = np.random.default_rng(ch.seed)
turn, other_turn = (np.linalg.qr(rng.standard_normal((64, 64)))[0] for _ in range(2))
A = turn @ np.diag(np.geomspace(1, 100, 64)) @ other_turn
outputs, knn, rank = measure(pixels)
outputs_A, knn_A, rank_A = measure(pixels @ A)
_, knn_turned, rank_turned = measure(3 * pixels @ turn)
rank_shifted = measure(pixels + 0.25)[2]
print(f"k-NN {knn:.3f}, after A {knn_A:.3f}. RankMe {rank:.1f}, after A {rank_A:.1f}, shifted {rank_shifted:.1f}.")
ch.measure("same-information", linear=abs(outputs_A - outputs).max(), knn=knn - knn_A, rank=rank - rank_A)

# %%
ch.measure("turn-and-scale", change=[abs(knn_turned - knn), abs(rank_turned - rank)])
ch.measure("rankme-sees-the-mean", change=abs(rank_shifted - rank))

# %% [markdown]
# So k-NN may fall although nothing was lost, and RankMe says as much about the lengths of the axes as about their number.
#
# **Rank is not information.** Ten classes in eight dimensions: an image lies near the centre of its class, its ten views near the image. Append 64 dimensions of noise, drawn anew for each view.

# %%
labels = np.arange(300) % 10
centres = 2 * rng.standard_normal((10, 8))
image_means = centres[labels] + 0.5 * rng.standard_normal((300, 8))
clean = image_means[:, None] + 0.3 * rng.standard_normal((300, 10, 8))
noise = rng.standard_normal((300, 10, 64))


def toy_scores(views):
    first, rank = views[:, 0], evaluation.effective_rank(views.reshape(3000, -1))
    return rank, evaluation.lidar(views), evaluation.knn_probe(first[:150], labels[:150], first[150:], labels[150:])


rank, lidar, knn = toy_scores(clean)
noisy_rank, noisy_lidar, noisy_knn = toy_scores(np.concatenate([clean, noise], axis=2))
ch.measure("rank-is-not-information", rankme=noisy_rank / rank, lidar=noisy_lidar / lidar)
ch.measure("noise-teaches-nothing", knn=noisy_knn - knn)

# %%
decays = np.array([0.5, 1, 2])
planted = [rng.standard_normal((4000, 64)) * np.arange(1, 65) ** (-decay / 2) for decay in decays]
alpha_off = abs(np.array([evaluation.alpha_req(z) for z in planted]) - decays).max()
ch.measure("planted-decay", alpha=alpha_off)

# %% [markdown]
# ## The experiment: thirteen models, seven scores
#
# Every score of every model (mean over seeds), coloured by rank within its column, dark for the highest. Ridge and k-NN have all 8,000 labels; LiDAR uses the same crops for all.


# %%
def all_scores(code):
    h, z, labelled = code["h"][:3000], code["z"][:3000], code["labelled"]
    probes = [evaluation.low_shot_probe(*labelled), evaluation.ridge_probe(*labelled), evaluation.knn_probe(*labelled)]
    ranks = [evaluation.effective_rank(h), evaluation.effective_rank(z), evaluation.alpha_req(h)]
    return [*probes, *ranks, evaluation.lidar(code["crops"])]


columns = ["200 labels", "ridge", "k-NN", "RankMe", "RankMe of z", "α", "LiDAR"]
names = np.array([*strengths, *objectives, "untrained", "raw pixels"])
scores = np.array([[all_scores(codes[name, s]) for name in names] for s in seeds])


# %%
def value_map(values, shades, rows, columns, title):
    _, ax = plt.subplots(figsize=(7.6, 0.8 + 0.25 * len(rows)), layout="constrained")
    ax.imshow(shades, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if shades[row, column] > shades.mean() else "black"
        ax.text(column, row, f"{value:#.3g}", ha="center", va="center", color=ink)
    ax.set(xticks=range(len(columns)), xticklabels=columns, yticks=range(len(rows)), yticklabels=rows, title=title)
    ax.grid(False)
    plt.show()


means = scores.mean(axis=0)
best_first = means[:, 0].argsort()[::-1]
ranks = means.argsort(axis=0).argsort(axis=0)
value_map(means[best_first], ranks[best_first], names[best_first], columns, "Seven scores, seven rankings")

# %% [markdown]
# *Find "raw pixels" and "none" in each column.* When neighbours vote, raw pixels beat every encoder: these digits are centred and much alike, and k-NN has a good memory. With 200 labels, or with a ridge probe,
# most encoders beat the pixels. And the model without augmentation, near the bottom of the first column, has the highest RankMe of the thirteen. Is RankMe of no use?


# %%
def agreement(rows, column):
    i = columns.index(column)
    return np.array([spearmanr(run[rows, 0], run[rows, i]).statistic for run in scores])


groups = {"Eight losses": [4, *range(6, 13)], "Six augmentations": list(range(6))}
by_loss, by_augmentation = groups.values()
places = {"turn": (-28, -4), "crop + turn": (-62, -4), "VICReg": (-2, -15), "τ = 0.1": (-18, 8)}
fig, axes = plt.subplots(1, 2, figsize=(8.8, 3.7), sharey=True, layout="constrained")
for ax, (group, rows), marker in zip(axes, groups.items(), "oX", strict=True):
    for name, (accuracy, _, _, rank, *_) in zip(names[rows], scores[0, rows], strict=True):
        ax.plot(rank, accuracy, marker, ms=8, color=cb.color("vicreg"))
        ax.annotate(name, (rank, accuracy), places.get(name, (7, -4)), textcoords="offset points", fontsize=9)
    ax.margins(x=0.3, y=0.12)
    ax.set(xlabel="RankMe", title=f"{group}: Spearman {agreement(rows, 'RankMe')[0]:.2f}")
axes[0].set_ylabel("accuracy with 200 labels")
plt.show()

# %%
print("Spearman with 200 labels, mean over seeds: eight losses, six augmentations")
for column in columns[1:]:
    print(f"{column:12s} {agreement(by_loss, column).mean():+.2f} {agreement(by_augmentation, column).mean():+.2f}")
error, error_z = 1 - agreement(by_loss, "RankMe"), 1 - agreement(by_loss, "RankMe of z")
ch.measure("rankme-across-losses", encoder=error, projector=error_z)
ch.measure("rankme-across-augmentations", correlation=agreement(by_augmentation, "RankMe"))

# %% [markdown]
# *Compare the two pictures.* On the left, to choose the loss by RankMe is nearly as good as to choose it with labels. That is our finding, and its authors would not promise it: they compare only
# runs of one method by RankMe. On the right the same number is no guide. "none", which removes nothing, has the highest rank and a low accuracy; without it the correlation changes its sign, and of six unrelated models
# it has a standard deviation of $1/\sqrt 5 = 0.45$. *Then read the last column of the list.* LiDAR does not rescue the
# comparison, although all models were shown the same crops: without augmentation images lie so far apart that the spread of their views is small beside it. Within the eight a flatter spectrum (smaller $\alpha$)
# goes with higher accuracy; across augmentations $\alpha$ says little, and even k-NN, with all labels, disagrees with the low-shot probe. We claim nothing of these three: Spearman's $\rho$ of eight
# unrelated models has a standard deviation of $1/\sqrt 7 = 0.38$. Quote $n$, and use more than one seed.
#
# ### Few labels, many labels
#
# The model with $\tau = 0.1$ and its own random start, by five protocols. *Fine-tuning* begins with one or the other and trains everything on the labels, with light crops and turns: from the
# random start that is ordinary supervised learning. (Customary for a pre-trained encoder is a rate ten times smaller, and in transformers one that shrinks from layer to layer; in our trials, with so few
# steps, one rate for all was better from both starts.)


# %%
def by_protocol(name, budget, repeats):
    code, labels = codes[name, ch.seed], mnist.y_train[:budget]
    probe = code["h"][:budget], labels, *code["labelled"][2:]
    settings = {"steps": ch.pick(fast=100, toy=150), "encoder_lr": 1.0, "augment": light, "seed": ch.seed}
    tuned = training.fine_tune(networks[name, ch.seed][0], mnist.x_train[:budget], labels, **settings)
    right = training.features(tuned, mnist.x_test).argmax(1) == mnist.y_test
    return {
        "k-NN": evaluation.knn_probe(*probe),
        "ridge": evaluation.low_shot_probe(*code["labelled"], n_labels=budget, repeats=repeats),
        "logistic": evaluation.logistic_probe(*probe, steps=50),
        "MLP": evaluation.mlp_probe(*probe, steps=ch.pick(fast=100, toy=200), seed=ch.seed),
        "fine-tuning": right.double().mean().item(),
    }


light = recipes.tiny_augmentation(area=0.7, degrees=15)
budgets = ch.pick(fast={100: 10, 8000: 1}, toy={100: 10, 1000: 4, 8000: 1})
pretrained = [by_protocol("τ = 0.1", *budget) for budget in budgets.items()]
random_start = [by_protocol("untrained", *budget) for budget in budgets.items()]

# %%
fig, axes = plt.subplots(1, 5, figsize=(9, 3), sharey=True, layout="constrained")
for ax, protocol in zip(axes, pretrained[0], strict=True):
    for results, method in ((pretrained, "nt_xent"), (random_start, "random")):
        ax.plot(np.log10(list(budgets)), [result[protocol] for result in results], "o-", color=cb.color(method))
    ax.set(xticks=[2, 3, 3.9], xticklabels=["100", "1k", "8k"], xlim=(1.8, 4.1), xlabel="labels", title=protocol)
axes[0].set_ylabel("accuracy")
axes[0].text(0.05, 0.94, "pre-trained", color=cb.color("nt_xent"), transform=axes[0].transAxes)
axes[0].text(0.95, 0.05, "random start", color=cb.color("random"), transform=axes[0].transAxes, ha="right")
plt.show()

gaps = [a["ridge"] - b["ridge"] for a, b in zip(pretrained, random_start, strict=True)]
gains = [a["fine-tuning"] - b["fine-tuning"] for a, b in zip(pretrained, random_start, strict=True)]
print("Fine-tuning, pre-trained − random start:", dict(zip(budgets, np.round(gains, 3).tolist(), strict=True)))
ch.measure("few-labels", gap=gaps[0], shrinks=gaps[-1] / gaps[0])

# %% [markdown]
# *Watch the two lines close.* Frozen features help most where labels are few. Once the encoder itself may learn, little is left of the gain: with light augmentation, digits are easy from
# scratch. Frozen probes and fine-tuning ask different questions, and pre-training may win the one and draw the other.
#
# ### Robust to what?
#
# Ridge probes ($\lambda = 10^{-3}$, standardised features) learn from 8,000 clean digits and are tried on shifted ones: turned by up to 25°, cropped to 60 to 80 % of the area, with noise of standard
# deviation 0.5 (black is 0, white is 1; three times the noise of training), with 0.4 of the contrast, and with a black square over 12 % of the area.


# %%
def under_shift(name, kind, s, standardize=True):
    h, y_train, _, y_test = codes[name, s]["labelled"]
    h_shifted = training.features(networks[name, s][0], shifted[kind])
    return evaluation.ridge_probe(h, y_train, h_shifted, y_test, standardize=standardize)


raw = recipes.tiny_mnist(standardized=False)
everything = torch.cat([raw.x_train, raw.x_test])
shifted = {"clean": mnist.x_test}
for kind, severity in {"rotate": 25, "crop": 0.4, "noise": 0.5, "contrast": 0.6, "occlusion": 0.12}.items():
    damaged = data.corruptions(raw.x_test, kind, severity, torch.Generator().manual_seed(5))
    shifted[kind] = (damaged - everything.mean()) / everything.std(correction=0)
compared = ["raw pixels", "none", "noise", "crop + turn"]
robust = np.array([[[under_shift(name, kind, s) for s in seeds] for kind in shifted] for name in compared])
means = robust.mean(axis=2)
value_map(means, means, compared, list(shifted), "Each model withstands what it was trained with")

unscaled = under_shift("raw pixels", "noise", ch.seed, standardize=False)
print(f"Raw pixels under noise: {means[0, 3]:.2f}, or {unscaled:.2f} if features are not standardised")

# %%
pixel_scores, none, with_noise, with_crop = robust
below_pixels = pixel_scores[4] - np.maximum(with_noise[4], with_crop[4])
ch.measure("robust-to-what-you-augment", crop=with_crop[2] - none[2], noise=with_noise[3] - none[3])
ch.measure("no-gift", contrast=below_pixels)

# %% [markdown]
# *Read the columns "crop", "noise" and "contrast".* The model trained with crops withstands crops, the one trained with noise withstands noise. None was trained with low contrast, and there raw pixels are
# best: robustness is taught, not a gift of self-supervision. *Then read the last line.* Pixels near the border are almost always black; standardising blows them up, and the noise with them. One setting of the
# protocol can move a baseline by more than most ideas move a result.
#
# ### Pretty numbers, pretty pictures
#
# 1,000 points with ten classes, in clusters drawn at random. And **t-SNE**, which draws points in the plane so that *neighbours* stay neighbours: of three clouds in ten dimensions, one ten times as
# wide as the others, one gap 6.67 times the other; and of a single cloud of noise with a small perplexity (roughly the number of neighbours that count), coloured by k-means.

# %%
classes = rng.integers(0, 10, 1000)
counts = [10, 100, 300, 1000]
by_chance = [evaluation.cluster_scores(rng.integers(0, count, 1000), classes) for count in counts]
renamed = evaluation.cluster_scores((3 * classes + 1) % 10, classes)
alone = evaluation.cluster_scores(np.arange(1000), classes)
for count, result in zip(counts, by_chance, strict=True):
    print(f"{count:4d} random clusters: NMI {result.nmi:.3f}, AMI {result.ami:+.3f}")
ch.measure("nmi-by-chance", nmi=by_chance[-1].nmi)
ch.measure("ami-corrects", ami=[abs(result.ami) for result in [*by_chance, alone]])
ch.measure("nmi-identities", renamed=1 - renamed.nmi, alone=alone.nmi)

# %%
cloud, widths = np.repeat([0, 1, 2], 100), np.array([0.2, 2, 0.2])
clouds = widths[cloud, None] * rng.standard_normal((300, 10))
clouds[:, 0] += np.array([0, 15, 115])[cloud]
grain = rng.standard_normal((300, 10))
tsne = partial(TSNE, init="pca", max_iter=500, random_state=ch.seed)
cloud_map, grain_map = tsne(perplexity=30).fit_transform(clouds), tsne(perplexity=3).fit_transform(grain)

middles = np.array([cloud_map[cloud == c].mean(axis=0) for c in range(3)])
first_gap, second_gap = np.linalg.norm(middles[1:] - middles[:-1], axis=1)
first_width, second_width, _ = (np.linalg.norm(cloud_map[cloud == c] - middles[c]) for c in range(3))
width_ratio, gap_ratio = second_width / first_width, second_gap / first_gap
found, found_raw = (KMeans(20, n_init=2, random_state=0).fit_predict(points) for points in (grain_map, grain))
silhouette, silhouette_raw = silhouette_score(grain_map, found), silhouette_score(grain, found_raw)
ch.measure("tsne-hides-sizes", width=width_ratio, gap=gap_ratio)
ch.measure("tsne-finds-clusters", silhouette=silhouette)
ch.measure("noise-has-none", silhouette=silhouette_raw)

# %%
fig, axes = plt.subplots(1, 3, figsize=(9, 3.1), layout="constrained")
cb.plots.scatter(axes[0], clouds[:, :2], cloud, size=8)
cb.plots.scatter(axes[1], cloud_map, cloud, size=8)
cb.plots.scatter(axes[2], grain_map, found, size=8)
axes[0].set_title("The truth\nwidths 10 : 1, gaps 6.67 : 1")
axes[1].set_title(f"Its t-SNE\nwidths {width_ratio:.2f} : 1, gaps {gap_ratio:.2f} : 1")
axes[2].set_title(f"t-SNE of pure noise\nsilhouette {silhouette:.2f}, truly {silhouette_raw:.2f}")
plt.show()

# %% [markdown]
# *Read the titles, then try to see them in the maps.* Sizes and distances of clusters mean nothing in a t-SNE map, and it draws clusters where there are none (UMAP has the same vices). NMI rewards
# cutting finer, for nothing. More honest are **neighbours**: four images, and those nearest to them by the cosine of $h$, and of $z$.

# %%
fig, axes = plt.subplots(1, 2, figsize=(8.8, 2.5), layout="constrained")
examples = [int((mnist.y_train == digit).nonzero()[1]) for digit in (2, 4, 6, 9)]
for ax, space in zip(axes, "hz", strict=True):
    gallery = codes["crop + turn", ch.seed][space]
    found = evaluation.retrieve(gallery, gallery[:2000], 9)
    same = (mnist.y_train[found[:, 1:]] == mnist.y_train[:2000, None]).double().mean()
    cb.plots.image_grid(ax, mnist.x_train[found[examples]].flatten(0, 2), columns=9)
    ax.set_title(f"Nearest by {space}: {same:.0%} have the right class")
plt.show()

# %% [markdown]
# *Compare row by row; the first column holds the queries.* The projector, which the loss trains to forget what crops change, mixes up what the encoder below it still keeps apart: probe $h$, not $z$.
# Such a grid shows *what* a network takes to be the same. No single number can.
#
# ## Play
#
# **Everything that shares a code.** (6) with all digits: the original, eight samples with the same code, and where they vary. Raise `size`: when do you see this digit, when this very
# image? At 32, compare PCA with a random code.

# %%
flat = raw.x_train.flatten(1).double().numpy()
mean, C = flat.mean(axis=0), np.cov(flat.T)
linear_encoders = {"PCA": np.linalg.eigh(C)[1][:, ::-1].T, "random": rng.standard_normal((196, 196))}


def same_code(kind, size):
    W = linear_encoders[kind][:size]
    return conditional_samples(C, W, mean, W @ flat[0], 8, torch.Generator().manual_seed(0))


def draw_codes(fig, size, kind):
    left, right = fig.subplots(1, 2, width_ratios=[1.5, 1])
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.03, top=0.86, wspace=0.05)
    samples = same_code(kind, size)
    cb.plots.image_grid(left, np.clip([flat[0], *samples.x], 0, 1).reshape(9, 14, 14), columns=5)
    left.set_title("the original, and eight with its code")
    right.imshow(samples.variance.reshape(14, 14), vmin=0, vmax=0.1)
    right.set_axis_off()
    right.set_title(f"variance, {samples.ignored:.1%} ignored")


size = SelectionSlider(options=[1, 2, 4, 8, 16, 32, 48, 64], value=8)
cb.explore(draw_codes, figsize=(7.2, 3), size=size, kind=list(linear_encoders))

# %%
pca, random = same_code("PCA", 32), same_code("random", 32)
re_encoded = abs((random.x - flat[0]) @ linear_encoders["random"][:32].T).max()
ch.measure("same-code", error=re_encoded)
ch.measure("pca-ignores-less", more=random.ignored - pca.ignored)

# %% [markdown]
# **A spectrum.** A planted decay `alpha` in 64 dimensions (dashed), seen through `N` samples (dots). With few samples small eigenvalues come out too small, and the spectrum looks
# too steep. See also how differently RankMe and the participation ratio count.

# %%
gaussian, index = rng.standard_normal((10_000, 64)), np.arange(1, 65)


def draw_spectrum(fig, alpha, N):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.86)
    z = gaussian[:N] * index ** (-alpha / 2)
    ax.loglog(index, index**-alpha, "--", color=cb.color("theory"), lw=1)
    ax.loglog(index, np.linalg.eigvalsh(np.cov(z.T))[::-1], "o", color=cb.color("vicreg"))
    ax.set(xlabel="index", ylabel="eigenvalue", ylim=(1e-6, 10))
    rank, ratio = evaluation.effective_rank(z), evaluation.participation_ratio(z)
    ax.set_title(f"α measured {evaluation.alpha_req(z):.2f}; RankMe {rank:.1f}; participation ratio {ratio:.1f}")


N = SelectionSlider(options=[100, 200, 500, 1000, 3000, 10_000], value=200)
cb.explore(draw_spectrum, figsize=(7.2, 3), alpha=FloatSlider(1, min=0, max=3, step=0.1), N=N)

# %% [markdown]
# **Noise that counts.** The ten classes from above, with `dimensions` of noise of standard deviation `amplitude`. Shaded are the shares $p_j$ of (4) for endless data, eight directions of signal and then
# the noise; their RankMe and LiDAR stand in brackets, in front of them what 300 images give. LiDAR does not feel the amplitude: a direction of noise has the eigenvalue $1/q$, whatever its size.

# %%
second_moment = centres.T @ centres / 10 + (0.5**2 + 0.3**2) * np.eye(8)
between = np.cov(centres.T, bias=True) + (0.5**2 + 0.3**2 / 10) * np.eye(8)
sigma, ratios = np.linalg.eigvalsh(second_moment)[::-1] ** 0.5, np.linalg.eigvalsh(between)[::-1] / 0.3**2


def draw_noise(fig, dimensions, amplitude):
    axes = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.17, top=0.86)
    rank, lidar, knn = toy_scores(np.concatenate([clean, amplitude * noise[..., :dimensions]], axis=2))
    of_rank, of_lidar = np.append(sigma, np.full(dimensions, amplitude)), np.append(ratios, np.full(dimensions, 0.1))
    for ax, parts, title in zip(axes, (of_rank, of_lidar), (f"RankMe {rank:.1f}", f"LiDAR {lidar:.1f}"), strict=True):
        ax.stairs(parts / parts.sum(), fill=True, color=cb.color("vicreg"))
        ax.set_title(f"{title} ({evaluation.effective_rank(np.diag(parts)):.1f})")
        ax.set(xlim=(0, 72), ylim=(0, 0.45), xlabel="direction")
    axes[0].set_ylabel("share")
    axes[1].text(70, 0.4, f"k-NN accuracy {knn:.2f}", ha="right")


amplitude = FloatSlider(1, min=0.1, max=3, step=0.1)
cb.explore(draw_noise, figsize=(7.2, 3), dimensions=IntSlider(32, min=0, max=64), amplitude=amplitude)

# %% [markdown]
# ## What breaks
#
# - **Small print that changes rankings**: probing in training mode; choosing $\lambda$ on the test set, or standardising with its statistics; comparing different $k$, or numbers of labels. A probe *within* a
#   training run must leave no trace: evaluation mode and back, no number from the run's generator, the padding of the last batch dropped. Cast half precision to float32 before an SVD.
# - **Few labels want shrinkage.** Without $\lambda$, a linear probe with $N \le K$ fits everything and knows nothing. (2) counts $\lambda$ per label, so that 0.1 suits 100 labels and 8,000.
# - **RankMe saturates at $N$**: take $N$ well above $K$ (the paper: 25,600 images for $K = 2048$, that is $12.5 K$). One public implementation has $10^{-5}$ in (4), which moves the third digit.
# - **More than classes.** Detection, segmentation, regression of factors (`evaluation.r2_probe`), retrieval (`recall_at_k`), copy detection and calibration rank models differently again.
# - **The toy** is small; every ranking may differ at scale. Published frozen probes on ImageNet: DINO ViT-S/16 74.5 % (k-NN), 77.0 % (linear); VICReg 73.2 % and SimSiam 68.1 % (linear, ResNet-50).
#   `cookbook train simclr --data cifar10` trains a larger model to try all of this on.
#
# ## Before and after
#
# [Two views](../01_two_views/two_views.ipynb) to [Canonical correlation](../04_canonical_correlation/canonical_correlation.ipynb) scored by 200 labels, and [Self-distillation](../03_self_distillation/self_distillation.ipynb) used RankMe as an alarm for
# collapse, where it is at its best; [Masked modelling](../05_masked_modeling/masked_modeling.ipynb) and [Training knobs](../06_training_knobs/training_knobs.ipynb) are judged by these probes too. Part 2 opens with
# [Spectral embedding](../../2_spectral/01_spectral_embedding/spectral_embedding.ipynb), where matrices like $\Sigma_b$ and $\Sigma_w$ are no longer scores but decide what is learned.
#
# ## Claims

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Why does standardising the columns change the answer of k-NN, but not that of least squares?
#
# <details><summary>Hint</summary>Standardising multiplies $Z$ by a diagonal matrix. Is it one that cosines forgive?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Show that (4), without $10^{-7}$, is at least $1 / \sum_j p_j^2$, the participation ratio of the same $p$.
#
# <details><summary>Hint</summary>Compare $\sum_j p_j \log p_j$, a mean of logarithms, with the logarithm of a mean.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Build a representation with the highest RankMe that there is and the accuracy of chance.
#
# <details><summary>Hint</summary>RankMe is highest for columns of equal length at right angles. Must they know anything about the images?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Score the six models that were trained with augmentation A by LiDAR with views from augmentation B. Is there a B that ranks them by accuracy?
#
# <details><summary>Hint</summary>`evaluation.lidar` takes views as (images, views, dimensions). Encode the same views of B by all six models, and print the correlation for each B.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on evaluation with labels, without, beyond classification, and by eye.
# - Q. Garrido et al. [RankMe](https://arxiv.org/abs/2210.02885), 2023. O. Roy, M. Vetterli. The effective rank, 2007. K. Agrawal et al. α-ReQ, 2022. V. Thilak et al.
#   [LiDAR](https://arxiv.org/abs/2312.04000), 2023. M. Caron et al. [DINO](https://arxiv.org/abs/2104.14294), 2021. F. Bordes et al. [RCDM](https://arxiv.org/abs/2112.09164), 2022; Guillotine regularization, 2023. L. van der Maaten, G. Hinton.
#   Visualizing data using t-SNE, 2008. M. Wattenberg et al. How to use t-SNE effectively, 2016. N. X. Vinh et al. Information theoretic measures for clusterings
#   comparison, 2010. D. Hendrycks, T. Dietterich. Benchmarking neural network robustness to common corruptions, 2019.

# %%
ch.footer()
