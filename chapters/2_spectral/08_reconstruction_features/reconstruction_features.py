# %% [markdown]
# # Learning by reconstruction
#
# Squeeze an image through a few numbers, and ask for the image back: that is an auto-encoder. Surely the numbers must then say what is *in* the image?
#
# After this lesson you can say which directions of a data set an auto-encoder learns, in which order and how late, how many features it needs before it sees what you care about, and what noise and masks change in that.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from ipywidgets import SelectionSlider

import cookbook as cb
from replearn import evaluation, spectral
from replearn.papers import reconstruction_features as world

ch = cb.Chapter("reconstruction_features", scale=scale, seed=seed)
rng = np.random.default_rng(ch.seed)
n = ch.pick(fast=2000, toy=4000)

# %% [markdown]
# ## 1 · Seven numbers
#
# Digits of 14 × 14 pixels, each on a smooth background of its own: a random mixture of 16 waves, which says nothing about the digit. `x` holds the pixels, a row for each image, less the mean image. The first `n` rows are there to learn from, the 2,000 behind them are new.

# %%
x, y = world.noisy_digits(n, waves=16, seed=ch.seed)  # pixels and labels
top, _ = world.pca_split(x[:n], 0.9)  # the principal directions with 90 % of the variance
ch.figures.question(x[n : n + 8], top)

# %% [markdown]
# *Look at the second row*: each image has been described by seven numbers and rebuilt from them.
#
# They are the best seven. Let $\Sigma$ be the covariance of the pixels, and $w_k$ its eigenvectors of length 1, the **principal directions**:
#
# $$ \Sigma\, w_k = l_k\, w_k , \qquad l_1 \ge l_2 \ge \dots , \tag{1} $$
#
# where $l_k$ is the variance of the images along direction $k$. Of all linear auto-encoders with $K$ numbers, which we call **features**, none rebuilds the images with a smaller squared error than the one that keeps $w_1, \dots, w_K$: principal component analysis (PCA). Its error is the variance left out, $l_{K+1} + l_{K+2} + \dots$ By this measure the second row is good: seven directions hold over 90 % of all variance.
#
# Now cut the list of 196 directions twice. The **top** part holds the first seven. The **bottom** part holds all directions at the end of the list that carry at most 20 % of the variance together. (The two overlap a little.) A linear probe is asked to read the digit from each part: `ridge_probe` is ridge regression on the ten labels. We divide all features by *one* number, so that small ones stay small.
#
# *Guess first:* chance is 0.10. What will the probe reach from the top 90 %, and what from the bottom 20 %?


# %%
def accuracy(encoder, x):
    z = x @ encoder
    z = z / z[:n].std()
    return evaluation.ridge_probe(z[:n], y[:n], z[n:], y[n:], standardize=False)


def top_and_bottom(x):
    top, _ = world.pca_split(x[:n], 0.9)
    bottom, _ = world.pca_split(x[:n], 0.2, part="bottom")
    return accuracy(top, x), accuracy(bottom, x)


# %%
from_top, from_bottom = top_and_bottom(x)
print(f"on backgrounds: from the top {from_top:.2f}, from the bottom {from_bottom:.2f}")
ch.measure("top-is-wrong", gain=from_bottom - from_top)

plain, _ = world.noisy_digits(n, waves=0, seed=ch.seed)
plain_top, plain_bottom = top_and_bottom(plain)
print(f"without: from the top {plain_top:.2f}, from the bottom {plain_bottom:.2f}")
ch.measure("no-background", gain=plain_top - plain_bottom)
ch.figures.answer(x[n : n + 8], top)

# %% [markdown]
# **What you saw.** The reconstruction is good by its own measure and useless for reading; the digit is in its *error*. This is not the fault of PCA: without a background the same cut puts the digit into the top part. What explains pixels need not be what tells things apart.
#
# The paper found the like on real images: a deep classifier on TinyImagenet reached 45 % from the top 90 % of the variance, and 55 % from the bottom 20 %.
#
# > **Check yourself.** Which directions are in both parts? Could they be what the bottom part owes its success to? ([Answers](reconstruction_features_solutions.ipynb))

# %% [markdown]
# ## 2 · When?
#
# An auto-encoder with room for all 196 directions must learn the digit in the end. But training takes time. Which direction comes when? Take one direction, of variance $l$. The encoder multiplies by a number $\mathrm{enc}$, the decoder by $\mathrm{dec}$. What comes out is $g = \mathrm{enc} \cdot \mathrm{dec}$ times what went in; call $g$ the **gain**. The error is $l\,(1 - g)^2$, and descent in very small steps moves both numbers against its slope:
#
# $$ \frac{d\, \mathrm{enc}}{dt} = 2\, l\, (1 - g)\, \mathrm{dec} , \qquad \frac{d\, \mathrm{dec}}{dt} = 2\, l\, (1 - g)\, \mathrm{enc} . $$
#
# If the two start equal, they stay equal, and $\mathrm{enc}^2 = \mathrm{dec}^2 = g$. By the product rule
#
# $$ \frac{dg}{dt} = 2\, l\, (1 - g)\, (\mathrm{dec}^2 + \mathrm{enc}^2) = 4\, l\, g\, (1 - g) . $$

# %% [markdown]
# This is the logistic equation: growth at the rate $4l$ from a small start $g_0$, until the gain saturates at 1. Its solution, for direction $k$, is
#
# $$ g_k(t) = \frac{1}{1 + (1/g_0 - 1)\, e^{-4\, l_k\, t}} , \qquad \text{error left} = \frac{\sum_k l_k\, (1 - g_k)^2}{\sum_k l_k} . \tag{2} $$
#
# Half of it is there at $t = \log(1/g_0 - 1) / (4\, l_k)$. **Directions are learned in the order of their variances, and what has a thousandth of the variance comes a thousand times later.**
#
# Do directions not disturb each other? Write $z = W^\top x$ for the encoder and $W_{\mathrm{dec}}^\top z$ for what the decoder makes of it. The error is $\mathbb E \|x - W_{\mathrm{dec}}^\top W^\top x\|^2$, and its slopes are $-2\, \Sigma (I - W W_{\mathrm{dec}})\, W_{\mathrm{dec}}^\top$ in $W$ and $-2\, W^\top \Sigma (I - W W_{\mathrm{dec}})$ in $W_{\mathrm{dec}}$.
#
# Start with $W$ as $\sqrt{g_0}$ times any rotation, and with $W_{\mathrm{dec}} = W^\top$. Then $W W_{\mathrm{dec}} = g_0 I$, of which every $w_k$ is an eigenvector. A small step multiplies $W$ from the left by the factor $I + \text{(a small number)} \cdot \Sigma (I - W W_{\mathrm{dec}})$. This factor has the eigenvectors $w_k$, too. $W_{\mathrm{dec}}$ is multiplied from the right by the same factor, as slopes and start are transposes of each other. So $W W_{\mathrm{dec}}$ keeps its eigenvectors, step after step. Only its eigenvalues move, and they are the gains.

# %% [markdown]
# Descent knows nothing of eigenvectors. We let it loose on the middle $4 \times 4$ pixels from a random rotation. Time is counted in units of $1/l_1$ (that is, $\Sigma$ is divided by $l_1$).
#
# *Guess first:* along these 16 pixels $l_1$ is about 16 times $l_2$ and 100 times $l_6$. If direction 1 is half learned at $t = 2.3$, when is direction 6?

# %%
patch = x[:n].reshape(n, 14, 14)[:, 5:9, 5:9].reshape(n, 16)
covariance = patch.T @ patch / n
covariance = covariance / np.linalg.norm(covariance, 2)  # now l_1 = 1
variances, directions = np.linalg.eigh(covariance)
rotation, _ = np.linalg.qr(rng.standard_normal((16, 16)))

# %%
encoder, decoder = 0.01 * rotation, 0.01 * rotation.T  # gain 0.0001
times, gains = [], []
for i in range(40_000):
    missing = 0.02 * covariance @ (np.eye(16) - encoder @ decoder)  # a step of 0.01 along the slopes
    encoder, decoder = encoder + missing @ decoder.T, decoder + encoder.T @ missing
    times.append(0.01 * (i + 1))
    gains.append(np.sum(directions * (encoder @ decoder @ directions), axis=0))
law = world.linear_autoencoder_flow(variances, times, 1e-4)  # formula (2)
ch.measure("logistic-law", gap=abs(gains - law).max())
ch.figures.courses(times, gains, law)

# %% [markdown]
# *The lines are formula (2), the dots descent.* **What you saw.** They come one after the other, each in its own time, as if the others were not there. So on all 196 pixels we may use the law, where descent would take a million steps. The start is $g_0 = 10^{-6}$.
#
# Feature $k$ is $\sqrt{g_k}\; w_k^\top x$: what is not learned yet is small. The probe's ridge is $10^{-4}$ in squared pixels, and nothing is rescaled.
#
# *Guess first:* wait until 90 % of the variance is rebuilt. How much of the digit can be read by then? How much longer until 95 % of the final accuracy?

# %%
l, w = world.principal_directions(x[:n])  # equation (1)
clock = np.geomspace(1, 1e5, 36)  # in units of 1 / l_1
gains = world.linear_autoencoder_flow(l / l[0], clock, 1e-6)
errors = (1 - gains) ** 2 @ l / l.sum()


def read(z):
    return evaluation.ridge_probe(z[:n], y[:n], z[n:], y[n:], lam=1e-4, standardize=False)


# %%
reads = np.array([read(x @ w * np.sqrt(gain)) for gain in gains])
rebuilt = np.argmax(errors <= 0.1)
legible = np.argmax(reads >= 0.95 * reads[-1])
print(f"90 % rebuilt at {clock[rebuilt]:.0f}: accuracy {reads[rebuilt]:.2f} of {reads[-1]:.2f}")
print(f"95 % of the final accuracy at {clock[legible]:.0f}, error {errors[legible]:.3f}")
ch.measure("learned-last", ratio=clock[legible] / clock[rebuilt], missing=reads[-1] - reads[rebuilt])
model = {"variances": l, "directions": w, "clock": clock, "errors": errors, "reads": reads}
cb.explore(ch.figures.queue, x[n : n + 3], model, time=cb.log_slider(300, 1, 1e5), figsize=(8.4, 3.7))

# %% [markdown]
# **Drag `time`** from the left. On the left you see the gains (2) of all directions: a queue, with the largest variance in front. Watch the images fill up: brightness, then waves, and only at the very end strokes. Below, most of the error is gone when the accuracy begins to climb.
#
# **What you saw.** Whoever stops where the loss looks flat stops before the digit. The loss hardly tells: the digit is worth a few hundredths of the variance. How late it comes hangs on the start and on the ridge: a probe that can use small features finds the digit sooner, or at once (lab, section C).
#
# > **Check yourself.** From which time on does dragging change nothing that you can see in the images? What is the accuracy there?

# %% [markdown]
# ## 3 · If ever?
#
# Time is one budget, room is another. With $K$ features there is place for the first $K$ of the queue, and the others are not late: they never come. (Here the auto-encoder is trained to the end, which is PCA.)
#
# *Guess first:* give the auto-encoder as many features as the background has waves. What will the probe read? And from twice as many?

# %%
dims = [4, 6, 9, 12, 16, 18, 20, 25, 32, 40, 50, 64]


def judge(encoder, x):
    return {K: (accuracy(encoder[:, :K], x), world.reconstruction_error(x[:n], encoder[:, :K])) for K in dims}


worlds = {waves: world.noisy_digits(n, waves=waves, seed=ch.seed)[0] for waves in (0, 4, 9, 16, 25, 36)}
pca = {waves: judge(world.principal_directions(x[:n])[1], x) for waves, x in worlds.items()}
as_many = [pca[waves][waves][0] for waves in (9, 16, 25)]
twice = [pca[waves][2 * waves][0] for waves in (9, 16, 25)]
print("as many", np.round(as_many, 2), " twice as many", np.round(twice, 2))
ch.measure("room", as_many=max(as_many), twice=min(twice))

# %% [markdown]
# **What you saw.** Most waves are louder than anything in the digits. Each takes one feature, and the digit queues behind them. The number of features decides, and it says nothing by itself: it must be compared with the number of louder nuisances. Keep that in mind for the next experiment, where we shall move both.
#
# ## 4 · What the error hardly sees
#
# If the digit costs the auto-encoder so little error, it should be cheap to *ask* for it. Give one encoder two decoders, one for the pixels and one for the label, written as a vector $y$ with a 1 in its place and 0 elsewhere:
#
# $$ \min\ \mathbb E\, \| y - \widehat y(z) \|^2 + \mathrm{pix} \cdot \mathbb E\, \| x - \widehat x(z) \|^2 , \qquad z = W^\top x . \tag{3} $$
#
# Both guesses $\widehat y$, $\widehat x$ are linear in $z$. With a large weight $\mathrm{pix}$ this is PCA; with a small one the labels choose the features. The minimum is an eigenvalue problem again (the [lab](reconstruction_features_lab.ipynb) derives it), and `joint_encoder` solves it. We take $\mathrm{pix} = 0.1$ and $K = 16$. A control asks for shuffled labels, with the pixels' weight lowered to 0.003, so that the encoder must give in.
#
# *Guess first:* how much error will it cost to ask for the digit? How much accuracy will it bring?


# %%
def asked(x, labels, pix=0.1):
    return world.joint_encoder(x[:n], np.eye(10)[labels], 64, lam=pix).V  # the best K come first


guided = {waves: judge(asked(x, y[:n]), x) for waves, x in worlds.items()}
shuffled = judge(asked(x, rng.permutation(y[:n]), pix=0.003), x)

# %%
for name, table in (("PCA", pca[16]), ("labels", guided[16]), ("shuffled labels", shuffled)):
    print(f"{name:15} {table[16][0]:.2f}, error {table[16][1]:.4f}; with 64 features {table[64][0]:.2f}")
gain, extra = np.subtract(guided[16][16], pca[16][16])
gain_64 = guided[16][64][0] - pca[16][64][0]
ch.measure("same-error", extra_error=extra, gain=gain, gain_64=gain_64)
gain, extra = np.subtract(shuffled[16], pca[16][16])
ch.measure("shuffled-labels", extra_error=extra, gain=gain)

# %% [markdown]
# **What you saw.** Two encoders of 16 features: one loses 2.5 % of the variance, the other 2.7 % (a fifth of a per cent of the variance, or 9 % more error), and the second reads nearly twice as many digits. Who is told only the share that was rebuilt, 97.5 or 97.3 %, will hardly guess which is which. (To ask for nonsense costs more and brings nothing.) With 64 features, though, the lead is nearly gone. So on what does it hang?
#
# **Drag `K`, then `waves`.** The figure has both encoders. *Guess first:* at which `K` is the lead largest, for 4, 16 and 36 waves?

# %%
examples = {waves: x[n : n + 4].reshape(-1, 14, 14) for waves, x in worlds.items()}
K, waves = SelectionSlider(options=dims, value=16), SelectionSlider(options=list(worlds), value=16)
cb.explore(ch.figures.room, pca, guided, examples, K=K, waves=waves, figsize=(8.4, 3.5))

# %% [markdown]
# **What you saw.** With far fewer features than waves both fail: at this weight even the labels do not pay for the loss of a loud wave. With far more, both have room for the digit. The lead is largest in between: with 16 waves or more where $K$ is about their number, with 4 or 9 at two to four times that, and smaller. So "0.2 better at the same error" is a statement about room, and says little without $K$ and the number of waves beside it.
#
# > **Check yourself.** Set `waves` to 0 and `K` to 9. By how much do accuracies differ, by how much errors? Is it still "the same error"?

# %% [markdown]
# ## 5 · Can noise change the queue?
#
# Labels were cheating. Auto-encoders are often trained to clean a damaged *view* $v$ of the image $x$. Then two moments count: $C = \mathbb E[v v^\top]$ and $Q = \mathbb E[v x^\top]$. The best features come from
#
# $$ Q Q^\top w_k = \mu_k\, C\, w_k , \tag{4} $$
#
# largest **score** $\mu_k$ first, for $\mu_k$ is what feature $k$ saves of the error (the lab shows it). Without damage $C = Q = \Sigma$, and the score is the variance.
#
# **Gaussian noise** of standard deviation $\sigma$ has $Q = \Sigma$, $C = \Sigma + \sigma^2 I$. The directions stay, and so does the queue, for the score still grows with the variance, whatever $\sigma$ is (exercise 1):
#
# $$ \mu_k = \frac{l_k^2}{l_k + \sigma^2} . $$

# %% [markdown]
# **Masks** hide each pixel with probability $h$, that is, set it to 0. Two different pixels survive together with probability $(1 - h)^2$, a pixel with itself with $1 - h$. Let a single direction vary, $\Sigma = l\, w w^\top$, with entries $\pm 1/\sqrt m$ on $m$ pixels. Then $Q w = (1 - h)\, l\, w$. For $w^\top C w$ add up all $m^2$ pairs of pixels, each with the weight $l / m^2$; $m$ of them are a pixel with itself:
#
# $$ w^\top C w = \frac{l}{m^2} \big[\, m\, (1 - h) + m (m - 1) (1 - h)^2 \,\big] = l\, (1 - h) \big[ (1 - h) + \tfrac{h}{m} \big] . $$
#
# By (4) the score is $\mu = (w^\top Q\, w)^2 / w^\top C w$, so
#
# $$ \mu = l\, \frac{1 - h}{(1 - h) + h/m} . \tag{5} $$
#
# A pixel that varies alone ($m = 1$) is discounted by $1 - h$. A direction spread over many pixels is hardly discounted at all: what is hidden can be told from what is not. (This law is ours.)

# %% [markdown]
# So take another nuisance. Forty *hot pixels*, the same ones in every image, each with independent noise of variance 1. We damage each image 20 times; `empirical_moments` averages $C$ and $Q$, and `reduced_rank_regression` solves (4). The **overlap** with PCA is the mean squared cosine between the two spans of features: 1 if they are one. (Random features do not have 0, since all features share something; they are printed, too.)
#
# *Guess first:* Gaussian noise with $\sigma = 0.5$, or masks that hide nine pixels of ten. Which changes the 16 features, and which helps a probe (on undamaged images)?

# %%
x_hot, _ = world.noisy_digits(n, waves=0, hot=40, seed=ch.seed)


def noise(x, generator):
    return x + 0.5 * torch.randn(x.shape, generator=generator, dtype=x.dtype)


def masks(x, generator):
    return x * (torch.rand(x.shape, generator=generator) > 0.9)


def denoiser(damage):
    moments = spectral.empirical_moments(x_hot[:n], damage, views=20, seed=ch.seed)  # C; C_clean is Qᵀ
    return spectral.reduced_rank_regression(moments.C_clean, moments.C, 64).V


# %%
trained = {"PCA": world.principal_directions(x_hot[:n])[1][:, :64]}
trained |= {"Gaussian noise": denoiser(noise), "masks": denoiser(masks), "random": rng.normal(size=(196, 64))}
pca_features = x_hot[:n] @ trained["PCA"][:, :16]
turned, few, many = {}, {}, {}
for name, encoder in trained.items():
    turned[name] = 1 - spectral.subspace_overlap(pca_features, x_hot[:n] @ encoder[:, :16])
    few[name], many[name] = accuracy(encoder[:, :16], x_hot), accuracy(encoder, x_hot)
    print(f"{name:15} overlap {1 - turned[name]:.2f}, accuracy {few[name]:.2f}; {many[name]:.2f} with 64 features")

# %%
noisy, masked = few["Gaussian noise"] - few["PCA"], few["masks"] - few["PCA"]
ch.measure("noise-keeps-order", turned=turned["Gaussian noise"], change=abs(noisy))
ch.measure("masks-reorder", turned=turned["masks"], gain=masked, gain_64=many["masks"] - many["PCA"])
ch.figures.paints(x_hot[:n], {name: trained[name][:, :16] for name in ("PCA", "Gaussian noise", "masks")})

# %% [markdown]
# *Each little picture is one feature*: the covariance of its number with every pixel. PCA and the remover of Gaussian noise spend most features on mixtures of hot pixels, which are expensive because nothing predicts them; the first that masks find are strokes.
#
# **What you saw.** PCA's 16 features are worth about as much as 16 random ones. Gaussian noise shrinks what is learned and leaves the queue alone. Masks demote what is *local* and promote what can be *predicted from elsewhere*. That is the digit here. On the smooth background it is the background, and masks do not help (the lab measures it). And again it was a question of room: with 64 features there is place for forty pixels *and* the digit.
#
# > **Check yourself.** By (5), would masks help against a nuisance of large, smooth blobs? Why?

# %% [markdown]
# ## What breaks
#
# - **Linear encoders, linear probes.** The formulas end there. The paper's 45 and 55 % are of deep classifiers on projected images; a deep encoder may find the digit earlier, or never.
# - **The nuisances are ours.** Hot pixels were made for masks, and smooth backgrounds against them. On photographs we found the effect of section 1 as well, and one line of preprocessing undid it (lab).
# - **Scale.** A probe that rescales each feature reads the digit even from the untrained encoder, and so does one with a weak enough ridge. "Learned last" is about what is *large enough to be used*. And (2) needs a small start with encoder and decoder alike (lab).

# %% [markdown]
# ## Summary
#
# 1. The best linear auto-encoder keeps the directions of largest variance, whatever they say.
# 2. It learns them in that order: direction $k$ is half there after a time in proportion to $1/l_k$.
# 3. Time and number of features buy from the front of one queue; every louder nuisance takes a feature first.
# 4. The error hardly sees what comes last: encoders with the same error can be worth very different things, if room is short.
# 5. Gaussian noise never changes the order; masks demote what is local, for better or worse. (The exercises take about 70 minutes, those of the [lab](reconstruction_features_lab.ipynb) 185 more.)

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Prove that Gaussian noise keeps the order: $\mu = l^2 / (l + \sigma^2)$ grows with $l > 0$ for every $\sigma$.
#
# <details><summary>Hint</summary>Take the derivative with respect to $l$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. A single pixel has variance 1, a direction on 100 pixels variance 0.1. From which $h$ on does a masked auto-encoder prefer the second? What decides as $h \to 1$?
#
# <details><summary>Hint</summary>Put both into (5), and keep the leading term in $1 - h$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 40 min. Masks cannot remove the smooth background. Design a noise that can, and test it with `spectral.additive_moments`.
#
# <details><summary>Hint</summary>Which matrix of (4) holds the covariance of the noise? Where should that covariance be large?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun. [How Learning by Reconstruction Produces Uninformative Features For Perception](https://arxiv.org/abs/2402.11337). *ICML*, 2024.
# - P. Baldi, K. Hornik. [Neural networks and principal component analysis](https://doi.org/10.1016/0893-6080(89)90014-2). *Neural Networks*, 1989. A. Saxe, J. McClelland, S. Ganguli. [Exact solutions to the nonlinear dynamics of learning in deep linear neural networks](https://arxiv.org/abs/1312.6120), 2014. P. Vincent et al. Stacked denoising autoencoders. *JMLR*, 2010. C. M. Bishop. Training with noise is equivalent to Tikhonov regularization. *Neural Computation*, 1995.
