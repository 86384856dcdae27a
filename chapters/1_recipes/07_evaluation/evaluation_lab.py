# %% [markdown]
# # Evaluating representations: lab
#
# For those who want more: a penalty that is chosen without a validation set; LiDAR, which sees through noise; why small samples make a spectrum look steep; frozen probes against fine-tuning; what robustness follows from; clusters that chance makes; what t-SNE hides; and all pictures that share a code. Sections stand alone, except that D trains the networks of E and H. Equation numbers go on from the [lesson](evaluation.ipynb).

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from ipywidgets import SelectionSlider
from sklearn import cluster, decomposition, discriminant_analysis, manifold, metrics
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training
from replearn.papers import evaluation as world

ch = cb.Chapter("evaluation_lab", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)

# %% [markdown]
# ## A · A penalty without a validation set
#
# The **ridge probe** adds a penalty to least squares: it minimises $\|\tilde Z\beta + \beta_0 - t\|^2 / N + \nu \|\beta\|^2$, for each class with a target $t_i$ of 1 or 0. Its fitted values are $\hat t = \Omega t$ with
#
# $$ \Omega = \tilde Z (\tilde Z^\top \tilde Z + \nu N I)^{-1} \tilde Z^\top + \tfrac1N \mathbf{1} \mathbf{1}^\top , \tag{3} $$
#
# where $\tilde Z$ is $Z$ with its columns centered and scaled to variance 1, and $\mathbf{1}$ the vector of ones. How large should $\nu$ be, if there is no label to spare? **Leave each picture out in turn.** No refit is needed:
#
# 1. Let $\hat t_{(i)}$ be what the fit *without* picture $i$ predicts for it. Put it in the place of $t_i$. That fit is the best one for the new targets as well: its error on picture $i$ is 0, and all else is as before. (All else: $\nu N$ is held fixed, and so is the scale of the features.)
# 2. By (3) the new target moves $\hat t_i$ by $\Omega_{ii} (\hat t_{(i)} - t_i)$, and by step 1 it moves it to $\hat t_{(i)}$. Solve for the error:
#
# $$ t_i - \hat t_{(i)} = \frac{t_i - \hat t_i}{1 - \Omega_{ii}} . \tag{4} $$

# %% [markdown]
# We give the probe 100 digits of 8 × 8 pixels. *Guess first:* which $\nu$ has the smallest error on the 100 themselves? And how much accuracy on new digits does that choice cost?

# %% jupyter={"source_hidden": true}
digits = data.load("digits")
order = rng.permutation(1797)
pixels, labels = digits.images[order].flatten(1), digits.labels[order]
known, new = (pixels[:100], labels[:100]), (pixels[100:900], labels[100:900])
targets = nn.functional.one_hot(labels[:100]).double()

# %%
penalties = 10.0 ** np.arange(-7, 3)

fitted = np.array([evaluation.ridge_probe(*known, *known, lam=penalty) for penalty in penalties])
residuals = [evaluation.loo_residuals(known[0], targets, lam=penalty) for penalty in penalties]
left_out = [residual.square().mean() for residual in residuals]
accuracy = np.array([evaluation.ridge_probe(*known, *new, lam=penalty) for penalty in penalties])

# %%
ch.figures.penalty(penalties, fitted, left_out, accuracy)
by_fit, by_leaving_out = accuracy[fitted.argmax()], accuracy[np.argmin(left_out)]
ch.measure("leave-one-out", lost=accuracy.max() - by_leaving_out, fit=accuracy.max() - by_fit)

# %% [markdown]
# **What you saw.** With 64 weights for 100 labels all of the 100 are right at any small penalty, and that says nothing. Leaving one out finds the hill. (In (3) the penalty grows with $N$, so one $\nu$ can serve small and large sets: 0.1 reads 100 labels in section D and 8,000 at the end of H.)
#
# > **Check yourself.** What is $\Omega_{ii}$ for a picture that the fit reproduces whatever its label?

# %% [markdown]
# ## B · Noise has a rank
#
# RankMe counts directions, whatever is in them. **LiDAR** (Thilak et al., 2023) asks more: do images differ in a direction *more than views of one image do*? With $\ell$ views $z_{ij}$ of each of $N$ images, $\bar z_i$ their mean and $\bar z$ the mean of all,
#
# $$ \Sigma_b = \frac{1}{N - 1} \sum_i (\bar z_i - \bar z)(\bar z_i - \bar z)^\top, \qquad \Sigma_w = \frac{1}{N (\ell - 1)} \sum_{i, j} (z_{ij} - \bar z_i)(z_{ij} - \bar z_i)^\top + 10^{-4} I . \tag{5} $$
#
# LiDAR is formula (2) of the lesson with the eigenvalues of $\Sigma_w^{-1/2} \Sigma_b \Sigma_w^{-1/2}$ in the place of $d_j$.
#
# A world to try it in: ten classes in eight dimensions, 300 images near the centres of their classes, ten views near each image. To every view append 64 numbers of pure noise of standard deviation 1. (Within a class the eight numbers spread by about 0.6.) *Guess first:* what happens to RankMe, to LiDAR, to k-NN?

# %%
classes = np.arange(300) % 10
centres = 2 * rng.standard_normal((10, 8))
images = centres[classes] + 0.5 * rng.standard_normal((300, 8))
clean = images[:, None] + 0.3 * rng.standard_normal((300, 10, 8))
noise = rng.standard_normal((300, 10, 64))


def scores(views):
    view = views[:, 0]
    rank = evaluation.effective_rank(views.reshape(3000, -1))
    knn = evaluation.knn_probe(view[:150], classes[:150], view[150:], classes[150:])
    return np.array([rank, evaluation.lidar(views), knn])


# %%
before, after = scores(clean), scores(np.concatenate([clean, noise], axis=2))
print("RankMe, LiDAR, k-NN   clean", before.round(2), "  with noise", after.round(2))
rank, lidar, _ = after / before
ch.measure("rank-is-not-information", rankme=rank, lidar=lidar)
ch.measure("noise-teaches-nothing", knn=after[2] - before[2])

# %%
world_of_noise = clean, noise, centres, classes
cb.explore(ch.figures.noise, *world_of_noise, dimensions=(0, 64), amplitude=(0.1, 3.0, 0.1))

# %% [markdown]
# *Drag `dimensions` and `amplitude`.* Shaded are the shares $\pi_j$ for endless data, eight directions of signal and then the noise. RankMe grows with both. LiDAR grows a little with `dimensions` and does not feel `amplitude`: a direction of noise has the eigenvalue $1/\ell$, whatever its size.
#
# **What you saw.** RankMe took the noise for knowledge. LiDAR looks at views and hardly does. (It needs views that vary what should not count; exercise 3 shows that this is a choice too.)
#
# > **Check yourself.** What would LiDAR say if the noise were drawn once for each image, the same in all its views?

# %% [markdown]
# ## C · Few samples look steep
#
# **α-ReQ** (Agrawal et al., 2022) scores the *decay* of the spectrum: if the variance along the $j$-th principal direction falls like $j^{-\kappa}$, a line through its logarithm against $\log j$ has the slope $-\kappa$ (the first three are left out). Its authors find $\kappa$ near 1 best. Plant $\kappa = 1$ in 64 dimensions. *Guess first:* which $\kappa$ will 100 samples show?

# %%
index = np.arange(1, 65)
gaussian = rng.standard_normal((10_000, 64))
planted = gaussian * index**-0.5  # variances 1/j
decay = {n: evaluation.alpha_req(planted[:n]) for n in (100, 200, 1000, 4000)}
print(*(f"{n} samples: κ = {value:.2f}" for n, value in decay.items()), sep="   ")
ch.measure("few-samples-steep", few=decay[100] - 1, many=abs(decay[4000] - 1))

# %%
samples = SelectionSlider(options=[100, 200, 500, 1000, 3000, 10_000], value=200)
cb.explore(ch.figures.spectrum, gaussian, decay=(0.0, 3.0, 0.1), samples=samples)

# %% [markdown]
# **What you saw.** With few samples small variances come out too small, so the spectrum (dots) falls faster than the truth (dashed). *Drag `samples`* up until they meet. RankMe suffers less, but cannot exceed the number of samples.
#
# > **Check yourself.** Which sample size per dimension brings $\kappa$ to within 0.1?

# %% [markdown]
# ## D · Frozen or fine-tuned
#
# A probe leaves the encoder frozen. **Fine-tuning** trains it further, together with a linear head, on the labels. From a random start that is ordinary supervised learning. We compare a pre-trained encoder with its own random start, 100 labels each. (Customary for a pre-trained encoder is a rate ten times smaller; with so few steps one rate was better for both.)
#
# *Guess first:* ridge reads the pre-trained encoder far better than the random start. What is left of the lead after fine-tuning?

# %%
mnist = recipes.tiny_mnist()
steps = ch.pick(fast=40, toy=150)
recipe = recipes.TINY_SHORT._replace(steps=steps, batch_size=64, lr=1e-2, warmup=10)
loss = partial(losses.nt_xent, temperature=0.2)
train = partial(recipes.train_tiny, loss, mnist.x_train, recipe=recipe, seed=ch.seed)
trained = {"crop": train()}
start = recipes.untrained(mnist.x_train, recipe, seed=ch.seed)
both = trained["crop"].encoder, start
frozen = [recipes.low_shot(encoder, mnist, n_labels=100, repeats=10) for encoder in both]

# %%
light = recipes.tiny_augmentation(area=0.7, degrees=15)
settings = {"steps": ch.pick(fast=60, toy=150), "encoder_lr": 1.0, "seed": ch.seed}


def fine_tuned(encoder):
    known = mnist.x_train[:100], mnist.y_train[:100]
    network = training.fine_tune(encoder, *known, augment=light, **settings)
    right = training.features(network, mnist.x_test).argmax(1) == mnist.y_test
    return right.double().mean().item()


tuned = [fine_tuned(encoder) for encoder in both]
print(f"frozen {frozen[0]:.3f} and {frozen[1]:.3f}   fine-tuned {tuned[0]:.3f} and {tuned[1]:.3f}")
lifted = tuned[1] - frozen[1]
ch.measure("fine-tuning-closes", frozen=frozen[0] - frozen[1], tuned=tuned[0] - tuned[1], lifted=lifted)

# %% [markdown]
# **What you saw.** Once the encoder itself may learn, little of the lead is left: with light augmentation these digits are easy from scratch. Frozen probes and fine-tuning ask different questions, and pre-training may win the one and draw the other.
#
# > **Check yourself.** On a hard data set with few labels, which lead of pre-training would you expect to be larger, the frozen or the fine-tuned one?

# %% [markdown]
# ## E · Robust to what?
#
# Train two more encoders: one sees each picture unchanged ("none"), one sees it under noise of standard deviation 0.5 of the pixels'. Ridge probes learn from 8,000 clean digits and are tried on damaged ones: cropped to 60 to 80 % of the area, under noise about three times as strong as in training, and with 0.4 of the contrast. *Guess first:* who withstands what?

# %%
trained["none"] = train(augment=recipes.tiny_augmentation())
trained["noise"] = train(augment=recipes.tiny_augmentation(noise=0.5))
networks = {"raw pixels": nn.Flatten()}
networks |= {name: trained[name].encoder for name in ("none", "noise", "crop")}

# %%
raw = recipes.tiny_mnist(standardized=False)
everything = torch.cat([raw.x_train, raw.x_test])
damaged = {"clean": raw.x_test}
for kind, severity in {"crop": 0.4, "noise": 0.5, "contrast": 0.6}.items():
    damaged[kind] = data.corruptions(raw.x_test, kind, severity, torch.Generator().manual_seed(5))


# %%
def under(network, images):
    images = (images - everything.mean()) / everything.std(correction=0)
    known, new = training.features(network, mnist.x_train), training.features(network, images)
    return evaluation.ridge_probe(known, mnist.y_train, new, mnist.y_test)


table = np.array([[under(f, images) for images in damaged.values()] for f in networks.values()])
ch.figures.value_map(table, list(networks), list(damaged))
_, crop, noisy, contrast = table.T
ch.measure("robust-to-what-you-augment", crop=crop[3] - crop[1], noise=noisy[2] - noisy[1])
ch.measure("no-gift", contrast=contrast[0] - max(contrast[2], contrast[3]))

# %% [markdown]
# **What you saw.** The encoder trained with crops does best on crops, the one trained with noise on noise, though on clean digits these two are nearly alike. (How far they lead each other hangs on the start: on crops by 0.03 to 0.19 in ten short runs.) Neither met low contrast, and there raw pixels beat both: robustness is taught. A test set sees only what it varies.
#
# > **Check yourself.** Raw pixels fail under noise. Which step of the ridge probe makes it worse for them? (Think of pixels near the border, which are almost always black.)

# %% [markdown]
# ## F · Clusters by chance
#
# Without a probe one can cluster the representations and compare clusters with classes. Their **mutual information** is at most the smaller of their entropies; **NMI** divides it by the mean of the two entropies, so that 1 is perfect. But *random* clusters of $N$ pictures already share about
#
# $$ \frac{(\text{clusters} - 1)\,(\text{classes} - 1)}{2 N} \text{ nats}, \qquad \text{while } N \text{ is much larger than clusters} \times \text{classes}. \tag{6} $$
#
# **AMI** subtracts what chance gives, above and below the bar (Vinh et al., 2010). *Guess first:* 1,000 pictures in ten classes, put into 1,000 clusters at random. What is their NMI?

# %%
classes = rng.integers(0, 10, 1000)
counts = [10, 100, 300, 1000]


def at_random(n):
    draws = [evaluation.cluster_scores(rng.integers(0, n, 1000), classes) for _ in range(5)]
    return np.mean([[draw.nmi, draw.ami] for draw in draws], axis=0)


nmi, ami = np.array([at_random(n) for n in counts]).T
for n, *scores in zip(counts, nmi, ami, (np.array(counts) - 1) * 9 / 2000, strict=True):
    print(f"{n:4d} random clusters: NMI {scores[0]:.3f}, AMI {scores[1]:+.3f}; (6) gives {scores[2]:.2f} nats")
ch.measure("nmi-by-chance", nmi=nmi[-1])
ch.measure("ami-corrects", ami=np.abs(ami))

# %% [markdown]
# **What you saw.** NMI rewards cutting finer, for nothing; AMI does not. And (6) has its limits: for 1,000 clusters it gives more than the entropy of ten classes, $\log 10 = 2.30$ nats, allows.
#
# > **Check yourself.** Put each picture into a cluster of its own. What are NMI and AMI?

# %% [markdown]
# ## G · What t-SNE hides
#
# **t-SNE** draws points in the plane so that *neighbours* stay neighbours; `perplexity` is roughly how many count. Three clouds in ten dimensions: the middle one ten times as wide as the others, and one gap 6.67 times the other. And a single cloud of pure noise, mapped with a small perplexity. *Guess first:* will the map show the widths? And how many clusters will the noise have?

# %%
cloud, widths = np.repeat([0, 1, 2], 60), np.array([0.2, 2, 0.2])
clouds = widths[cloud, None] * rng.standard_normal((180, 10))
clouds[:, 0] += np.array([0, 15, 115])[cloud]
grains = rng.standard_normal((3, 180, 10))
tsne = partial(manifold.TSNE, init="pca", max_iter=500, random_state=ch.seed)
cloud_map = tsne(perplexity=20).fit_transform(clouds)
grain_maps = [tsne(perplexity=2).fit_transform(grain) for grain in grains]
planes = [decomposition.PCA(2).fit_transform(grain) for grain in grains]  # the same noise, without t-SNE

# %%
middles = np.array([cloud_map[cloud == c].mean(axis=0) for c in range(3)])
gaps = np.linalg.norm(middles[1:] - middles[:-1], axis=1)
spread = [np.linalg.norm(cloud_map[cloud == c] - middles[c]) for c in range(3)]
kmeans = partial(cluster.KMeans, 15, n_init=2, random_state=0)
ch.figures.maps(clouds, cloud, cloud_map, grain_maps[0], kmeans().fit_predict(grain_maps[0]))
ch.measure("tsne-hides-sizes", width=spread[1] / spread[0], gap=gaps[1] / gaps[0])


# %%
def silhouette(spaces):
    return np.mean([metrics.silhouette_score(x, kmeans().fit_predict(x)) for x in spaces])


in_map, in_plane, in_truth = map(silhouette, (grain_maps, planes, grains))
ch.measure("tsne-finds-clusters", silhouette=in_map, gain=in_map - in_plane)
ch.measure("noise-has-none", silhouette=in_truth)

# %% [markdown]
# **What you saw.** *Left the truth, in two of ten dimensions; in the middle its map; right the map of noise, coloured by k-means.* In the map all clouds are equally wide and all gaps equal. And noise has clusters. Their *silhouette* compares the distance to one's own cluster with that to the next one (1 is perfect, 0 none). It is far above that in ten dimensions. K-means cuts any cloud in a plane into tidy pieces, so we also compare with the plane of the noise's two principal directions: t-SNE adds to that. UMAP, a relative, is read with the same care.
#
# > **Check yourself.** Which question can a t-SNE map answer?

# %% [markdown]
# ## H · Everything that shares a code
#
# **RCDM** (Bordes et al., 2022) trains a diffusion model to draw pictures with a given representation; what changes between draws is what the encoder ignores. If pictures were Gaussian, $x \sim N(\bar x, C)$, and the code linear, $z = W x$, there is a formula:
#
# $$ x \mid z \ \sim\ N\big(\bar x + \Phi (z - W \bar x),\ C - \Phi W C\big), \qquad \Phi = C W^\top (W C W^\top)^{-1} . \tag{7} $$
#
# The ignored share of the variance is $\operatorname{tr}(C - \Phi W C) / \operatorname{tr} C$. Compare nine numbers from **PCA**, the code that ignores the least of all linear ones, with nine from **LDA** (linear discriminant analysis), which was shown the labels. *Guess first:* which ignores more, and which knows the digit better?

# %%
flat, flat_test = (x.flatten(1).double().numpy() for x in (raw.x_train, raw.x_test))
mean, C = flat.mean(axis=0), np.cov(flat.T)
lda = discriminant_analysis.LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.01).fit(flat, raw.y_train)
directions = {"PCA": np.linalg.eigh(C)[1][:, ::-1].T, "LDA": lda.scalings_.T}
directions["random"] = rng.standard_normal((196, 196))


def share(kind, size, picture=flat[0]):
    W = directions[kind][:size]
    return world.conditional_samples(C, W, mean, W @ picture, 8, torch.Generator().manual_seed(0))


# %%


def read(kind):
    W = directions[kind][:9]
    return evaluation.ridge_probe(flat @ W.T, raw.y_train, flat_test @ W.T, raw.y_test)


pca, lda, chance = (np.array([share(kind, 9).ignored, read(kind)]) for kind in directions)
print("ignored, accuracy   PCA", pca.round(2), "  LDA", lda.round(2), "  random", chance.round(2))
more_ignored, better_read = lda - pca
ch.measure("ignores-more-knows-more", ignored=more_ignored, read=better_read)

# %%
sizes = SelectionSlider(options=[1, 2, 4, 8, 16, 32, 48, 64], value=8)
cb.explore(ch.figures.codes, flat[0], share, size=sizes, kind=["PCA", "random"])

# %% [markdown]
# *Drag `size`*: when do you see this digit, and when this very picture? On the right, where the samples differ.
#
# **What you saw.** LDA ignores more of the pixels and knows the digit better. How much of the pixels a code keeps is one more score with a blind spot: it cannot see what the pixels are for.
#
# For a network there is no such formula, but **neighbours** show what it takes to be the same. Four pictures and those nearest to them: by the representation, and by the embedding that the loss sees.

# %%
representation = training.features(trained["crop"].encoder, mnist.x_train)
embedding = training.features(trained["crop"].projector, representation)
ch.figures.retrieved(mnist, {"representation": representation, "embedding": embedding})

# %%
new = training.features(trained["crop"].encoder, mnist.x_test)
new_embedding = training.features(trained["crop"].projector, new)
before = evaluation.ridge_probe(representation, mnist.y_train, new, mnist.y_test, lam=0.1)
behind = evaluation.ridge_probe(embedding, mnist.y_train, new_embedding, mnist.y_test, lam=0.1)
print(f"ridge reads the representation {before:.3f}, the embedding {behind:.3f}")
ch.measure("projector-forgets", lost=before - behind)

# %% [markdown]
# **What you saw.** The projector, which the loss trains to forget what crops change, loses some of the digit as well. That is why probes read the representation.
#
# > **Check yourself.** To find other crops of the same picture, which of the two would you compare? To read off by how much a picture was turned?

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 15 min. Build a representation of the digits with the highest RankMe that 64 numbers can have, and the accuracy of chance.
#
# <details><summary>Hint</summary>RankMe is highest for columns of equal length at right angles. Must they know anything about the pictures?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●○○ 10 min. Let $\nu \to \infty$ in (3). What does the ridge probe predict then, and what does (4) say?
#
# <details><summary>Hint</summary>Only the last term of $\Omega$ remains.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 20 min. Show that with endless data a direction of pure noise, drawn anew for each view, has the eigenvalue $1/\ell$ in LiDAR.
#
# <details><summary>Hint</summary>What is the variance of a mean of $\ell$ views?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●○ 30 min. Derive (6).
#
# <details><summary>Hint</summary>$2N$ times the mutual information of two independent labelings is nearly a chi-squared statistic. How many degrees of freedom has it?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L5** ●●● 60 min. In section D fine-tuning used one rate for encoder and head. Does a smaller rate for the pre-trained encoder restore its lead, with 100 labels and with 30?
#
# <details><summary>Hint</summary>`encoder_lr` is the encoder's rate in units of the head's. Average over several sets of labels, and tune the random start as well.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023. D. Allen. The relationship between variable selection and data augmentation (PRESS), 1974.
# - V. Thilak et al. [LiDAR: sensing linear probing performance in joint embedding SSL architectures](https://arxiv.org/abs/2312.04000), 2023. K. Agrawal et al. α-ReQ: assessing representation quality in self-supervised learning by measuring eigenspectrum decay, 2022.
# - D. Hendrycks, T. Dietterich. Benchmarking neural network robustness to common corruptions and perturbations, 2019. N. X. Vinh et al. Information theoretic measures for clusterings comparison, 2010.
# - L. van der Maaten, G. Hinton. Visualizing data using t-SNE, 2008. M. Wattenberg et al. [How to use t-SNE effectively](https://distill.pub/2016/misread-tsne/), 2016. F. Bordes et al. [High fidelity visualization of what your self-supervised representation knows about](https://arxiv.org/abs/2112.09164) (RCDM), 2022; [Guillotine regularization](https://arxiv.org/abs/2206.13378), 2023.
