# %% [markdown]
# # Evaluating representations
#
# You have trained several networks without labels. Which one do you keep? Every score answers a question of its own, and this lesson is about what each of them cannot see.
#
# After it you can say which changes least squares, nearest neighbours and RankMe forgive, build a representation on which the three disagree, and tell which comparisons a score without labels can decide.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training
from replearn.papers import evaluation as world

ch = cb.Chapter("evaluation", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
digits = data.load("digits")
order = np.random.default_rng(ch.seed).permutation(1797)[:1400]
pictures, labels = digits.images[order], digits.labels[order].numpy()
pixels = pictures.flatten(1).double().numpy()
pixels = pixels[:, pixels[:1000].std(axis=0) > 0]  # a few pixels never change
first = pixels - pixels.mean(axis=0)
second = world.rescale_directions(first, power=-0.25)
temperatures = ch.pick(fast=[0.01, 0.05, 0.2, 1, 3, 10], toy=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
angles = ch.pick(fast=[0, 5, 10, 30, 90, 180], toy=[0, 2, 5, 10, 20, 30, 45, 60, 90, 120, 150, 180])
weights = ch.pick(fast=[5, 25, 400], toy=[0, 0.1, 1, 5, 25, 100, 400])

# %% [markdown]
# ## 1 · Which would you keep?
#
# A **representation** gives every picture a row of numbers. Here are two, of the same 1,400 pictures of digits (the folded cell above makes them; leave it closed for now). Call two pictures *near* if their rows point in nearly the same direction, that is, if the cosine of the angle between the rows is large. In each panel the first column holds four pictures. Beside each stand the eight that are nearest to it, the nearest first; orange means that it is another digit.

# %%
queries = [int(np.flatnonzero(labels == digit)[1]) for digit in (1, 3, 4, 5)]
ch.figures.neighbours(pictures, labels, {"First": first, "Second": second}, queries)

# %% [markdown]
# Let neighbours vote, and you have the **k-NN probe**. It reads the digit of a new picture off the labels of the pictures nearest to it. We take the $k = 20$ nearest among 1,000 labeled pictures. Picture $i$ votes for its own digit with the weight $e^{s_i / 0.07}$, where $s_i$ is its cosine with the new picture. (20 and 0.07 are the numbers of DINO.) Nothing is fitted. *Guess first:* on 400 new pictures, how many percent does each representation get right?


# %%
def knn(representation):
    known, new = representation[:1000], representation[1000:]
    return evaluation.knn_probe(known, labels[:1000], new, labels[1000:])


print(f"k-NN   first {knn(first):.3f}   second {knn(second):.3f}")

# %% [markdown]
# **What you saw.** The first wins clearly. A network with the second representation would be thrown away.
#
# > **Check yourself.** With 400 new pictures, how large a difference could be luck? (Each *Check yourself* is answered at the head of the [solutions](evaluation_solutions.ipynb).)

# %% [markdown]
# ## 2 · Same information, other geometry
#
# Now the confession. The first representation is simply the pixels, minus their mean. The second was *made from the first*. Let $Z$ be the first, a row of $K$ numbers for each of $N$ pictures. Its singular value decomposition is $Z = U \operatorname{diag}(d_1, \dots, d_K)\, V^\top$, where the columns of $U$ and of $V$ are orthonormal and $d_j > 0$ is the *size* of direction $j$. The second is $U \operatorname{diag}(d_1^p, \dots, d_K^p)$ with the power $p = -1/4$: the faintest direction has become the largest. **Nothing is lost.** The second is $ZA$ with $A = V \operatorname{diag}(d_1^{p-1}, \dots, d_K^{p-1})$. This matrix is invertible, and the second times $A^{-1}$ is the first again.

# %% [markdown]
# Does every probe see the harm? Take the plainest linear one, **least squares**: weights $\beta$ and an offset $\beta_0$ for which $Z\beta + \beta_0$ comes as close as possible, in squares, to ten targets, a one for the right digit and nine zeros. The largest of its ten outputs is its answer. Put $ZA$ in the place of $Z$:
#
# $$ Z \beta = (ZA)\,(A^{-1} \beta) . \tag{1} $$
#
# What *some* weights make of $Z$, other weights make of $ZA$, and the other way round. So the best outputs are the same ones. (They are unique as long as no column of $Z$ is a combination of others; pixels that never change were left out.) *Guess first:* what share will least squares get right, on the first and on the second?

# %%
targets = np.eye(10)[labels]


def least_squares(representation):
    with_ones = np.column_stack([representation, np.ones(1400)])  # the ones carry the offset
    weights, *_ = np.linalg.lstsq(with_ones[:1000], targets[:1000])
    return with_ones[1000:] @ weights


outputs = [least_squares(first), least_squares(second)]
right = [np.mean(output.argmax(axis=1) == labels[1000:]) for output in outputs]
print(f"least squares   first {right[0]:.3f}   second {right[1]:.3f}")

# %% [markdown]
# **What you saw.** The same. Least squares cannot see $A$ at all, and (1) says why.
#
# And k-NN? It has no weights that could adapt: it sees cosines, and $A$ changes them. Which $A$ leave *every* cosine as it was? Let $e_i$ be the row with a one at place $i$ and zeros elsewhere.
#
# 1. $e_i$ and $e_j$ stand at right angles: their cosine is 0 and must stay 0, so $e_i A$ and $e_j A$ are at right angles too.
# 2. So do $e_i + e_j$ and $e_i - e_j$. Hence $0 = (e_i + e_j) A \cdot (e_i - e_j) A = \|e_i A\|^2 - \|e_j A\|^2$.
# 3. The rows of $A$ are therefore orthogonal and equally long, say $c$: $A$ is a **turn** (perhaps with a mirror) **and one common scale** $c$. Such an $A$ multiplies every inner product by $c^2$, so no cosine changes.

# %% [markdown]
# A third score needs no labels. **RankMe** counts the directions in use. Divide the sizes by their sum, $\pi_j = d_j / \sum_i d_i$; the entropy of these shares, turned back into a number, is
#
# $$ \text{RankMe} = \exp\Big( -\sum_j \pi_j \log \pi_j \Big) . \tag{2} $$
#
# If $r$ directions are equally large and the others 0, it is $r$. It forgives a turn and a common scale, which leave every $\pi_j$ as it is. (Like its authors we do not subtract the mean inside the score, and add $10^{-7}$ to each share.) *Guess first:* of about 60 directions, how many does RankMe count in the first, and how many in the second?

# %%
rank = [evaluation.effective_rank(first), evaluation.effective_rank(second)]
moved = abs(outputs[0] - outputs[1]).max()
print(f"RankMe   first {rank[0]:.1f}   second {rank[1]:.1f}")
ch.measure("three-verdicts", linear=moved, knn=knn(first) - knn(second), rank=rank[1] - rank[0])

# %%
random = np.random.default_rng(1).standard_normal(2 * first.shape[1:])
turned = 3 * first @ np.linalg.qr(random)[0]
change = [knn(turned) - knn(first), evaluation.effective_rank(turned) - rank[0]]
ch.measure("turn-and-scale", change=np.abs(change))

# %% [markdown]
# **What you saw.** Three judges, three verdicts, one information: k-NN prefers the first, RankMe the second, least squares neither.
#
# Now move $A$ with your own hand. The slider starts at the second representation, $p = -0.25$. **Drag `power`** to 0, where all directions are equally large and RankMe is at its maximum, to 1, the pixels, and on to 3, where RankMe has fallen to a few directions. Watch least squares not move. Next come **`turn`**, an angle in degrees, and **`constant`**, which is added to every number. *Guess first:* which of the three bars will each of them move? Then **drag**.

# %%
scene = pictures, labels, first, targets, queries
sliders = {"power": (-0.5, 3.0, 0.05), "turn": (0, 90), "constant": (0.0, 2.0, 0.1)}
cb.explore(ch.figures.geometry, scene, **sliders, figsize=(8.6, 2.9))

# %% [markdown]
# | score | forgives | asks |
# |---|---|---|
# | least squares | every invertible $A$, and a constant | what can a linear map read? |
# | k-NN | a turn, one common scale | do small angles mean the same class? |
# | RankMe | a turn, one common scale | how evenly are the directions used? |
#
# So a score *forgives* some changes, and asks about the rest. (A constant moves k-NN and RankMe: cosines and sizes are measured from 0.) A low k-NN score can be a fact about axes, not about knowledge. And as you saw, RankMe can be moved from a few directions to all of them while nothing is learned and nothing is lost.
#
# > **Check yourself.** Ridge regression adds a penalty on $\|\beta\|^2$ to least squares. Which $A$ does it forgive?

# %% [markdown]
# ## 3 · May RankMe choose?
#
# If RankMe sees geometry and not knowledge, what is it good for? Its authors (Garrido et al., 2023) train *one method* with several settings and keep the network whose embeddings have the highest RankMe. The commonest way to fail is collapse, and collapse is a low rank. We try it.
#
# A small convolutional encoder learns from digits of 14 × 14 pixels with the contrastive loss NT-Xent, and the knob is its temperature $\tau$ ([Contrastive learning](../02_contrastive/contrastive.ipynb)). Views are random crops, turned by up to 15°. RankMe looks at the *embeddings*, behind the projector, as its authors do. The judge with labels is **low-shot accuracy**: ridge regression with a fixed penalty reads the encoder's output, before the projector, after learning from 200 labels; the mean over ten sets of labels.

# %%
mnist = recipes.tiny_mnist()
steps = ch.pick(fast=40, toy=100)
recipe = recipes.TINY_SHORT._replace(steps=steps, batch_size=64, lr=1e-2, warmup=10)


def train(loss, augment):
    settings = {"recipe": recipe, "augment": augment, "seed": ch.seed}
    network = recipes.train_tiny(loss, mnist.x_train, **settings)
    representation = training.features(network.encoder, mnist.x_train[:2000])
    embedding = training.features(network.projector, representation)
    accuracy = recipes.low_shot(network.encoder, mnist, repeats=10)
    return evaluation.effective_rank(embedding), accuracy, evaluation.effective_rank(representation)


# %% [markdown]
# *Guess first:* at which temperature will RankMe be highest, of 64 dimensions? Will that network be among the best?

# %%
contrast = [partial(losses.nt_xent, temperature=tau) for tau in temperatures]
by_temperature = np.array([train(loss, recipes.tiny_crop) for loss in contrast])
ch.figures.sweep(temperatures, by_temperature, "temperature τ", "Two hills of one shape")

# %% [markdown]
# *Compare the two hills; the ring marks the network with the highest RankMe.* **Spearman's correlation** puts "one shape" into a number. It compares two *orders*: 1 if they agree, $-1$ if one is the other reversed. But scores that have nothing to do with each other correlate now and then too, the more easily the fewer models there are. So we also shuffle 10,000 times (`chance_correlations`) and count.


# %%
def lost(rank, accuracy):
    picked = accuracy[rank.argmax()]
    print(f"best {accuracy.max():.3f}   RankMe's pick {picked:.3f}   blind pick {accuracy.mean():.3f}")
    return accuracy.max() - picked, accuracy.max() - accuracy.mean()


rank, accuracy, _ = by_temperature.T
by_rank, _ = lost(rank, accuracy)
found = spearmanr(rank, accuracy).statistic
unrelated = world.chance_correlations(len(rank), 10_000, torch.Generator().manual_seed(0))
print(f"Spearman {found:.2f}")
ch.measure("picks-temperature", lost=by_rank, chance=np.mean(unrelated > found - 1e-9))

# %% [markdown]
# **What you saw.** Without a label, RankMe found a temperature as good as labels would have found. This is what its authors promise, here on a toy.
#
# > **Check yourself.** At the highest temperature RankMe is about 4, of 64. What has happened to the embeddings? (Section 5 of [Contrastive learning](../02_contrastive/contrastive.ipynb) helps.)

# %% [markdown]
# ## 4 · The same score, another knob
#
# Keep the network, the loss, and $\tau = 0.2$. Change only the **views**: no crop now, each view is the picture turned by a random angle, up to so many degrees to either side. At 0° both views are the picture itself.
#
# *Guess first:* at which angle is accuracy highest? And RankMe?

# %%
loss = partial(losses.nt_xent, temperature=0.2)
turns = [recipes.tiny_augmentation(degrees=angle) for angle in angles]
by_angle = np.array([train(loss, turn) for turn in turns])
ch.figures.sweep(angles, by_angle, "largest angle, degrees", "A slope, and a hill")
rank, accuracy, _ = by_angle.T
by_rank, at_random = lost(rank, accuracy)
ch.measure("fooled-by-angle", lost=by_rank, worse=by_rank / at_random)

# %% [markdown]
# **What you saw.** RankMe falls as the angle grows, and picks the network that was shown each picture twice. A blind pick would have been better. Our reading: views say what to *throw away*. The larger the angle, the more must go, and the fewer directions remain, whether what goes is a nuisance (a slant of 10°) or the digit itself (a 6 turned into a 9). RankMe counts what was kept. It cannot know what was worth keeping.
#
# The authors say so where they define it: RankMe "should however only be used to compare different runs of a given method, since the embeddings' rank is not the only factor that affects performance". On this evidence, count other views as another method.

# %% [markdown]
# ## 5 · Whom did you ask?
#
# So "across augmentations RankMe is no guide"? That too depends on which models you include. *Guess first:* what is Spearman's correlation over the angles up to 10° alone? Over those from 30° on? Over all?

# %%
small, large = np.array(angles) <= 10, np.array(angles) >= 30
weak = spearmanr(rank[small], accuracy[small]).statistic
strong = spearmanr(rank[large], accuracy[large]).statistic
print(f"up to 10° {weak:+.2f}   from 30° on {strong:+.2f}")
print(f"over all  {spearmanr(rank, accuracy).statistic:+.2f}")

# %%
draws = torch.Generator().manual_seed(1)
by_chance = {n: world.chance_correlations(n, 3000, draws) for n in range(3, 18)}
as_low = np.mean(by_chance[sum(small)] < weak + 1e-9)
as_high = np.mean(by_chance[sum(large)] > strong - 1e-9)
ch.measure("sign-by-choice", weak=weak, strong=strong, chance=as_low * as_high)

# %% [markdown]
# And across *losses*? VICReg ([the canonical-correlation family](../04_canonical_correlation/canonical_correlation.ipynb)) has a knob of its own: the weight of its covariance term, which keeps the dimensions of the embedding from repeating each other. The views are crops again. *Guess first:* VICReg with weight 25 has a RankMe about half as high again as NT-Xent with $\tau = 0.2$. How much more accurate is it?

# %%
by_weight = np.array([train(partial(losses.vicreg, cov=w), recipes.tiny_crop) for w in weights])
vicreg, contrastive = by_weight[weights.index(25)], by_temperature[temperatures.index(0.2)]
for name, run in {"VICReg": vicreg, "NT-Xent": contrastive}.items():
    print(f"{name:8s} RankMe {run[0]:.1f}, accuracy {run[1]:.3f}")
gain = vicreg[1] - contrastive[1]
ch.measure("rank-across-losses", ratio=vicreg[0] / contrastive[0], gain=gain)

# %% [markdown]
# Here are all of these networks, one dot each; a pale line follows the knob, and those included are orange. On the right, what unrelated scores of as many models do. **Drag `number`** to the right, and watch the sign; then back to 4, and **`first`** to the right. Then choose other `models` (`τ` is the temperature, `weight` VICReg's); for `τ` switch `measured on` to the *representations* before the projector.

# %% jupyter={"source_hidden": true}
knobs = {"angle": (angles, by_angle), "τ": (temperatures, by_temperature), "weight": (weights, by_weight)}
sweeps = ch.figures.sweeps(knobs)
menu = {"models": list(sweeps), "first": (1, 15), "number": (3, 17), "measured_on": ["embeddings", "representations"]}

# %%
cb.explore(ch.figures.included, sweeps, by_chance, **menu, figsize=(8.6, 3.4))

# %% [markdown]
# **What you saw.** Small angles give $-1$, large ones nearly $+1$, all together about 0: whoever chooses the models chooses the sign. With four models one shuffle in 24 gives $-1$ and another $+1$, so the first four alone would prove little; both ends together are rare (the share of shuffles above is a product). But we cut where we had seen the hill turn, so that share is too kind to us. VICReg's weights bend in the same way: rank goes on rising after accuracy has begun to fall. And between these two losses the higher rank bought nothing.
#
# > **Check yourself.** Six networks, Spearman 0.6. How impressed are you? (Include six, and look at the histogram.)

# %% [markdown]
# ## 6 · Labels, read by whom?
#
# Are scores *with* labels safe? We train one network of twice the width (NT-Xent, $\tau = 0.2$, crops), and compare it with its own random start and with raw pixels. Two probes read them: ridge regression, whose penalty is tuned to each representation by leaving one label out ([lab](evaluation_lab.ipynb)), and k-NN with $k = 5$. They get 100 labels (the mean over five sets) or 2,000. *Guess first:* who wins with 100 labels, read by ridge? Read by k-NN?

# %%
larger = recipe._replace(width=16, steps=100)
trained = recipes.train_tiny(loss, mnist.x_train, recipe=larger, seed=ch.seed).encoder
untrained = recipes.untrained(mnist.x_train, larger, seed=ch.seed)
networks = {"pixels": nn.Flatten(), "untrained": untrained, "trained": trained}
known = {name: training.features(f, mnist.x_train[:2000]) for name, f in networks.items()}
new = {name: training.features(f, mnist.x_test) for name, f in networks.items()}


# %%
def score(probe, name, n):
    parts = [slice(start, start + n) for start in range(0, min(5 * n, 2000), n)]
    test = new[name], mnist.y_test
    return np.mean([probe(known[name][part], mnist.y_train[part], *test) for part in parts])


ridge = partial(evaluation.ridge_probe, lam="loo", standardize=False)
neighbours = partial(evaluation.knn_probe, k=5)
by_ridge = {name: [score(ridge, name, n) for n in (100, 2000)] for name in networks}
by_knn = {name: [score(neighbours, name, n) for n in (100, 2000)] for name in networks}
ch.figures.readers({"ridge": by_ridge, "k-NN": by_knn}, (100, 2000))

# %%
few, many = np.subtract(by_ridge["trained"], by_ridge["untrained"])
ch.measure("few-labels", gap=few, shrinks=many / few)
ridge_prefers = by_ridge["trained"][0] - by_ridge["pixels"][0]
knn_prefers = by_knn["pixels"][0] - by_knn["trained"][0]
ch.measure("readers-disagree", ridge=ridge_prefers, knn=knn_prefers)

# %% [markdown]
# **What you saw.** Over its own random start the trained network leads most where labels are few. (Over the pixels it leads ridge by about as much with 2,000.) And with the *same* 100 labels ridge crowns the trained network, k-NN the pixels. Our reading is that of section 2: these digits are centered and alike, so that angles between pixels mean something already, while the network's directions are of very unequal size, which ridge can mend and k-NN cannot. (The answer to the question below tries it: this is part of the gap, not all.)
#
# > **Check yourself.** Which of the two results would you report? What would you have to add?

# %% [markdown]
# ## What breaks
#
# - **RankMe cannot exceed $N$**: take $N$ well above $K$. Its authors use 25,600 images, $12.5\,K$ for $K = 2048$; we have 2,000 for 64.
# - **The toy is small**: seconds of training on easy digits, one seed. Orders may differ at scale. What carries over is the question: what does this score forgive, and what was held fixed?
# - **Published numbers are protocols too.** Linear probes of a ResNet-50 on ImageNet: VICReg 73.2 %, SimSiam 68.1 %. But the first had 1,000 epochs, the second 100.
# - The [lab](evaluation_lab.ipynb) tunes the penalty, and goes on to LiDAR, α-ReQ, fine-tuning, robustness, clusters, t-SNE, and pictures that share a code. The exercises below take an hour and a half, those of the lab two and a quarter.

# %% [markdown]
# ## Summary
#
# 1. A score forgives some changes and judges the rest. Least squares forgives every invertible map and a constant; k-NN and RankMe a turn and one scale.
# 2. So representations with the same information can get opposite verdicts.
# 3. Among temperatures of one method RankMe chose as labels would.
# 4. Among angles of the views it chose badly, and its correlation with accuracy had the sign of whoever was included. Say who, how many, and what chance does.
# 5. Labels do not settle it: how many there are, and who reads them, decides the winner as well.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1** ●○○ 10 min. Why does standardising the columns change the answer of k-NN, but not that of least squares?
#
# <details><summary>Hint</summary>Standardising centered columns multiplies $Z$ by a matrix. Which one, and is it on k-NN's list?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Show that (2) is at least $1 / \sum_j \pi_j^2$. When are they equal?
#
# <details><summary>Hint</summary>Compare $\sum_j \pi_j \log \pi_j$, a mean of logarithms, with the logarithm of a mean.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●● 60 min. LiDAR (lab, section B) asks how far images differ in comparison with views of one image. Score the networks of section 4 by LiDAR, with views from an augmentation of your choice, the same for all. Is there one for which LiDAR finds a good angle?
#
# <details><summary>Hint</summary>`evaluation.lidar` takes embeddings of shape (images, views, dimensions). Encode the same ten views of each of 300 images by all networks.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - R. Balestriero et al. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023: its sections on evaluation. M. Caron et al. [DINO](https://arxiv.org/abs/2104.14294), 2021. A. Bardes et al. [VICReg](https://arxiv.org/abs/2105.04906), 2022. X. Chen, K. He. [SimSiam](https://arxiv.org/abs/2011.10566), 2021. Q. Garrido et al. [RankMe: assessing the downstream performance of pretrained self-supervised representations by their rank](https://arxiv.org/abs/2210.02885), 2023. O. Roy, M. Vetterli. The effective rank, 2007.

# %%
ch.footer()
