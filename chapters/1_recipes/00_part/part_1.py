# %% [markdown]
# # Part 1: how self-supervised learning is cooked
#
# Give a network two distorted copies of a picture and ask it to say the same of both. That is most of the recipe, and taken alone it fails.
#
# On this page you watch it fail. Then you train ten methods, each with its own cure, on the same pictures in about a minute, and you leave knowing which chapter takes which of them apart.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from statistics import mean

import torch
from ipywidgets import SelectionSlider
from torch import nn
from torch.nn import functional as F

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, training

ch = cb.Chapter("part_1", scale=scale, seed=seed)

# %%
digits = recipes.tiny_mnist()
images = digits.x_train
draws = torch.Generator().manual_seed(ch.seed)
one_view = recipes.tiny_crop(images[:10], draws)
other_view = recipes.tiny_crop(images[:10], draws)
ch.figures.pairs(images[:10], one_view, other_view)

# %% [markdown]
# *Look down a column.* On top stands a digit of 14 × 14 pixels, below it two **views**: random crops, turned by up to 15°. Besides the pictures, the only thing that nine of the ten methods on this page take from the data is which two views belong together.

# %% [markdown]
# ## 1 · What goes wrong without a cure?
#
# An **encoder** $f$ turns a view $v$ into 128 numbers $f(v)$, the *representation*. That is what we want in the end. A second small network behind it, the **projector**, turns them into $K = 64$ numbers, the *embedding* $z$. The loss sees
# only $z$, and after training the projector is thrown away.
#
# Let $z_i$ and $z_i'$ be the embeddings of the two views of image $i$, in a batch of $N$ images. To make them agree, make their mean squared distance small:
#
# $$ \mathcal{L}_{\mathrm{inv}} = \frac{1}{N K} \sum_{i=1}^{N} \lVert z_i - z_i' \rVert^2 . $$
#
# *Guess first:* how small can this become, and what will the network then say of a digit?

# %% [markdown]
# Training is a loop, the same for all methods: `method.views` draws views, `method.step` makes a loss of them, the optimizer takes a step. (`method.after_step` moves what no gradient does, such as the slow copy that some methods keep.)
#
# The learning rate, in the folded cell, rises for 20 steps, then falls to nearly zero along half a cosine. (`lr_scale`: SimSiam wants a larger rate in a part of its network.)

# %% jupyter={"source_hidden": true}
steps = ch.pick(fast=60, toy=200)
batch_size = ch.pick(fast=96, toy=128)


def set_rate(optimizer, step):
    rate = training.warmup_cosine(step, steps, warmup=20, base=0.005)
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1)


# %%
def train(method, watch):
    draws = torch.Generator().manual_seed(ch.seed)
    optimizer = torch.optim.AdamW(method.param_groups(weight_decay=1e-4))
    for step in range(steps):
        set_rate(optimizer, step)
        batch = torch.randint(len(images), (batch_size,), generator=draws)
        views = method.views(images, batch, draws)
        method.step(views)["loss"].backward()
        optimizer.step()
        optimizer.zero_grad()
        method.after_step()
        watch(step + 1)


# %% [markdown]
# The last line lets us look on, at what an encoder is worth to somebody with few labels. The **low-shot probe** freezes the encoder and fits a linear map (ridge regression) from $f(x)$ to the digit, on as few as 100 labeled images. Its score is the
# accuracy on 2,000 new digits, averaged over as many separate sets of labels as 2,000 images yield: twenty sets of 100, but only one of 1,600.

# %% jupyter={"source_hidden": true}
budgets = [100, 200, 400, 800, 1600]
milestones = ch.pick(fast=[60], toy=[10, 20, 40, 80, 120, 200])
scores = {}


def accuracies(encoder):
    known = training.features(encoder, images[:2000])
    new = training.features(encoder, digits.x_test)
    probe = partial(evaluation.low_shot_probe, known, digits.y_train[:2000], new, digits.y_test)
    return [probe(n_labels=n, repeats=2000 // n) for n in budgets]


def look(name, encoder, step):
    if step in [0, *milestones]:
        scores[name, step] = accuracies(encoder)


# %% [markdown]
# Now train for agreement alone. `JointEmbedding` is the plainest of methods: encode and project both views, then hand $z$ and $z'$ to a loss. Here the loss is $\mathcal{L}_{\mathrm{inv}}$, which PyTorch calls `mse_loss`. The yardstick is the same network at its random start; `untrained` shows it images only to settle its normalization layers.

# %%
untrained = recipes.untrained(images, seed=ch.seed)
collapsed, projector = recipes.tiny_encoder(seed=ch.seed)
agreement = methods.JointEmbedding(collapsed, projector, F.mse_loss, recipes.tiny_crop)
before = projector(training.features(untrained, digits.x_test)).detach()
train(agreement, watch=partial(look, "agreement alone", collapsed))
after = projector(training.features(collapsed, digits.x_test)).detach()
ch.measure("collapse", spread=(after.std(0).mean() / before.std(0).mean()).item())
ch.figures.collapse(before, after, digits.y_test)

# %% [markdown]
# **What you saw.** Before training, different digits had different embeddings $z$. After it, all of them stand nearly in one point, on the same scale. This is **collapse**, and nothing went wrong in the arithmetic: $\mathcal{L}_{\mathrm{inv}} = 0$ whenever $z$ is constant.
#
# It is $z$ that collapsed. The representation $f$, which we want to keep, is looked at in sections 3 and 5.
#
# > **Check yourself.** Would it help to scale every $z$ to length 1 first?

# %% [markdown]
# ## 2 · Which cures are there?
#
# Length 1 alone is no cure: a constant of length 1 agrees as perfectly. The families of this part differ in what they do instead:
#
# | family | methods here | cure | taken apart in |
# |---|---|---|---|
# | contrastive | SimCLR, NNCLR | also pushes different images apart | [Contrastive learning](../02_contrastive/contrastive.ipynb) |
# | canonical correlation | VICReg, Barlow Twins, W-MSE | keeps each dimension of $z$ spread out, and any two from repeating each other | [The canonical-correlation family](../04_canonical_correlation/canonical_correlation.ipynb) |
# | clustering | SwAV | spreads each batch evenly over *prototypes*, learned vectors that stand for clusters | [the same](../04_canonical_correlation/canonical_correlation.ipynb) |
# | self-distillation | BYOL, SimSiam, DINO | compares with a copy of itself that is held fixed | [Self-distillation](../03_self_distillation/self_distillation.ipynb) |
# | masked modelling | context encoder | hides parts of the picture and predicts their pixels, which no constant can | [Masked modelling](../05_masked_modeling/masked_modeling.ipynb) |
#
# The last one does without pairs. In the fourth row, stopping the gradient at the copy is half of the cure: BYOL and SimSiam also need a small network that makes the prediction, and DINO has to balance the answers.
#
# An example: to $\mathcal{L}_{\mathrm{inv}}$ VICReg adds two terms for each view, with $C$ the covariance of its embeddings. Each dimension spread, and no two repeating each other:
#
# $$ \text{narrow} = \frac1K \sum_k \max \big( 0, 1 - \sqrt{C_{kk}} \big), \qquad \text{repeated} = \frac1K \sum_{k \ne l} C_{kl}^2 . $$
#
# (`narrow` is averaged over the two views, `repeated` is added up.) The loss weighs agreement and `narrow` by 25 each, `repeated` by 1. *Guess first:* which of the two new terms is large for the collapsed $z$?


# %%
def narrow(z):
    return F.relu(1 - z.std(0)).mean()


def repeated(z):
    covariance = torch.cov(z.T)
    return (covariance - covariance.diag().diag()).square().sum() / z.shape[1]


for name, z in {"random start": before, "collapsed": after}.items():
    print(f"{name:12}  narrow {narrow(z):.2f}  repeated {repeated(z):.2f}")
    terms = losses.vicreg(z, z, eps=0)  # the library's, which adds `repeated` over both views
    torch.testing.assert_close((terms.variance, terms.covariance), (narrow(z), 2 * repeated(z)))

# %% [markdown]
# **What you saw.** `narrow`, near its maximum of 1, is the term that forbids collapse. `repeated` is content with a constant; it keeps the dimensions, once spread, from all saying the same.

# %% [markdown]
# ## 3 · Do the cures work?
#
# Ten methods now get the same start, the same loop, the same number of steps. Nine see two views. The context encoder finds its answer in the picture itself, so it sees whole upright digits, a quarter of whose 2 × 2 patches is hidden.
#
# *Guess first:* how many of the ten will beat the random start? And the raw pixels, from which the probe can read a good deal by itself?

# %%
look("untrained", untrained, 0)
look("pixels", nn.Flatten(), 0)
encoders = {}
for name in [*methods.TWO_VIEWS, "context_encoder"]:
    encoder, _ = recipes.tiny_encoder(seed=ch.seed)
    augment = None if name == "context_encoder" else recipes.tiny_crop
    method = methods.method(name, encoder, augment, shape=images.shape[1:], ratio=0.25, seed=ch.seed)
    train(method, watch=partial(look, name, encoder))
    encoders[name] = encoder

# %%
with_100 = {name: scores[name, steps][0] for name in encoders}
start = scores["untrained", 0][0]
pixels = scores["pixels", 0][0]
alone = scores["agreement alone", steps][0]
average = mean(with_100.values())
ch.measure("all-learn", start=min(with_100.values()) - start, pixels=average - pixels)
ch.measure("agreement-lags", lag=average - alone)

# %% [markdown]
# Here they all meet. **Drag `steps`** from 0, where all stand on one line because they *are* one network, to the end. A stroke begins at the random start, so its length is what training has added; a stroke to the left is what training destroyed. Then **drag `labels`**. (Scale `fast` has only steps 0 and 60: use `toy`.)

# %%
cb.explore(
    ch.figures.race,
    scores,
    budgets,
    steps=SelectionSlider(options=[0, *milestones], value=steps),
    labels=SelectionSlider(options=budgets, value=100),
    figsize=(7.2, 4.3),
)

# %% [markdown]
# **What you saw.** Each of the ten has added to what it started from, and on average they leave the raw pixels behind. Agreement alone lags far behind. Agreement first helps (0.60 to 0.62 in ten steps, ahead of more than half of the ten), then collapse eats it, and it ends at 0.56, *below* where it started. This is seed 0 at `toy`; at `fast` not every seed
# ended below its start.
#
# Please do **not** read the figure as a ranking. This is one small network and a few hundred steps at one learning rate. On CIFAR-10, after a thousand epochs and with all labels for the probe, the methods with two views end between 88.7 and 92.6 %, in the tables of the library solo-learn.
#
# > **Check yourself.** Which two still climb most after step 80? And why can the flattening not be read as "done"? (How did the learning rate go?)

# %% [markdown]
# ## 4 · Why with so few labels?
#
# This book scores with few labels throughout. *Guess first:* when you give the probe 1,600 labels in place of 100, will the lead of the ten over raw pixels grow or shrink?

# %%
with_1600 = mean(scores[name, steps][-1] for name in encoders)
lead_with_100 = average - pixels
lead_with_1600 = with_1600 - scores["pixels", 0][-1]
ch.measure("few-labels", shrinks=lead_with_100 - lead_with_1600, left=lead_with_1600 / lead_with_100)

# %% [markdown]
# **What you saw.** It shrinks, since labels can teach part of what views taught. That is the use of all this: pre-training stands in for labels that you do not have. The methods move together too: in the figure of section 3, best and worst of the ten lie 0.09 apart at 100 labels, 0.05 at 1,600.

# %% [markdown]
# ## 5 · Are more dimensions better?
#
# Collapse leaves few dimensions in use. So could one choose an encoder *without* any label, by counting them?
#
# Put the representations of all test images in the rows of a matrix (not centered). It has singular values $d_1 \ge d_2 \ge \dots$, one for each of its 128 dimensions. Divide them by their sum: the shares $\pi_j = d_j / \sum_i d_i$ add up to 1. Their entropy, turned back into a number, counts the dimensions in use:
#
# $$ \mathrm{RankMe} = \exp \Big( - \sum_j \pi_j \log \pi_j \Big) . $$
#
# If $r$ dimensions share equally, it is $r$. Two with shares 0.9 and 0.1 count as 1.4.
#
# *Guess first:* how many dimensions does the random start use, which has learned nothing? The slider stands at agreement alone; **drag `method`** one to the right to see, then to the left for the ten.

# %%
shown = {"untrained": untrained, "agreement alone": collapsed, **encoders}
outputs = {name: training.features(encoder, digits.x_test) for name, encoder in shown.items()}
ranks = {name: evaluation.effective_rank(z) for name, z in outputs.items()}
maps = ch.figures.maps(outputs, ranks)
names = SelectionSlider(options=list(maps), value="agreement alone")
cb.explore(ch.figures.look_inside, maps, digits.y_test, method=names, figsize=(7.2, 3.5))

# %% [markdown]
# *On the left*, two directions of the representation $f$ (the first two principal components, brought to one size), each digit drawn as itself. *On the right*, the shares $\pi_j$, largest first, on a logarithmic axis, and a line at RankMe.

# %%
of_ten = [ranks[name] for name in encoders]
ch.measure(
    "rank-cuts-both-ways", collapsed=mean(of_ten) - ranks["agreement alone"], start=ranks["untrained"] - max(of_ten)
)
ranks["pixels"] = evaluation.effective_rank(digits.x_test.flatten(1))
all_with_100 = {**with_100, "untrained": start, "agreement alone": alone, "pixels": pixels}
ch.figures.dimensions(ranks, all_with_100)

# %% [markdown]
# **What you saw.** In this one case few dimensions went with a bad score; among the ten the count says little. Many are no good sign: the random start and the pixels, far right, read worse here than all ten. (A random map mixes the pixels but removes little.) [Evaluating representations](../07_evaluation/evaluation.ipynb) says where such a count can be trusted.
#
# A puzzle is left: $z$ had shrunk to a point, and yet $f$ scores 0.56. Did $f$ shrink too?

# %%
for name in ["untrained", "agreement alone"]:
    print(f"{name:16}  standard deviation of f {outputs[name].std(0).mean():.2f}, RankMe {ranks[name]:.0f}")

# %% [markdown]
# It did not: the projector does the collapsing. The encoder lost dimensions, but only some. Likely (not measured): a projector that already gives a constant asks no more of it.
#
# > **Check yourself.** Find two of the ten where the one with more dimensions reads digits worse.

# %% [markdown]
# ## 6 · What to read
#
# | your question | chapter |
# |---|---|
# | Two crops, a turn, a colour change: what will the network forget? | [Two views](../01_two_views/two_views.ipynb), to be read first |
# | What does the temperature of SimCLR do, and how many negatives do I need? | [Contrastive learning](../02_contrastive/contrastive.ipynb) |
# | Why does BYOL not collapse, although a constant has loss zero? | [Self-distillation](../03_self_distillation/self_distillation.ipynb) |
# | What does each term of VICReg prevent, and what has it to do with a method of 1936? | [The canonical-correlation family](../04_canonical_correlation/canonical_correlation.ipynb) |
# | How much of a picture should be hidden, and in what shape? | [Masked modelling](../05_masked_modeling/masked_modeling.ipynb) |
# | Which batch size, learning rate, projector, precision? Is my training loop right? | [Training knobs](../06_training_knobs/training_knobs.ipynb) |
# | Which of my encoders is better, and would another protocol say otherwise? | [Evaluating representations](../07_evaluation/evaluation.ipynb) |
#
# In a hurry? Read the first, second and last. Rather theorems? *The canonical-correlation family* leads into [Part 2](../../2_spectral/00_part/part_2.ipynb), where these losses are solved by hand.

# %% [markdown]
# ## Is this the book's loop?
#
# `training.pretrain`, which the other chapters call, adds a progress bar, checkpoints, and GPUs to the loop of section 1. What it learns should be the same:

# %%
twin, twin_projector = recipes.tiny_encoder(seed=ch.seed)
same = methods.JointEmbedding(twin, twin_projector, F.mse_loss, recipes.tiny_crop)
training.pretrain(same, images, steps=steps, batch_size=batch_size, lr=0.005, warmup=20, seed=ch.seed)
ours = nn.utils.parameters_to_vector(agreement.parameters())
theirs = nn.utils.parameters_to_vector(same.parameters())
ch.measure("same-loop", distance=(ours - theirs).abs().max().item())

# %% [markdown]
# ## How this differs from the real thing
#
# - The digits are easy, the network is small, and papers train for hundreds of epochs, not 200 steps. All ten *learn* here; how far they get is not shown.
# - The rate falls to nearly zero, so every method of section 3 slows down, done or not.
# - The steps are equal, the work is not. Methods with two views push twice as many pictures through the encoder as the context encoder does, and a teacher costs a pass of its own.
# - Little was tuned: the share of hidden patches, the temperatures and a teacher's pace suit digits and short runs. The learning rate is one for all.
# - A context encoder stands for masked modelling because it runs on the same network. The methods that people use (MAE, SimMIM, data2vec, I-JEPA) need a vision transformer.
#
# For the real thing there is `cookbook train vicreg --data cifar10`, with a ResNet, on one GPU or many, and `cookbook train mae`.

# %% [markdown]
# ## Summary
#
# - Most methods learn from which views belong together. A constant agrees perfectly: without a cure, embeddings collapse.
# - The families are the cures: push apart, decorrelate, balance, stop the gradient, predict what was hidden.
# - On one encoder and one loop all ten cures work. Their order here is no ranking.
# - What pre-training is worth shows when labels are few.
# - The collapsed encoder uses few dimensions, the random start many: counting them does not tell good from bad.

# %%
ch.report()

# %% [markdown]
# ## References
#
# - R. Balestriero, M. Ibrahim, V. Sobal, A. Morcos, S. Shekhar, T. Goldstein, F. Bordes, A. Bardes, G. Mialon, Y. Tian, A. Schwarzschild, A. G. Wilson, J. Geiping, Q. Garrido, P. Fernandez, A. Bar, H. Pirsiavash, Y. LeCun, M. Goldblum. [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023.
# - T. Chen et al. [SimCLR](https://arxiv.org/abs/2002.05709), 2020. D. Dwibedi et al. [NNCLR](https://arxiv.org/abs/2104.14548), 2021. A. Bardes, J. Ponce, Y. LeCun. [VICReg](https://arxiv.org/abs/2105.04906), 2022. J. Zbontar et al. [Barlow Twins](https://arxiv.org/abs/2103.03230), 2021. A. Ermolov et al. [W-MSE](https://arxiv.org/abs/2007.06346), 2021. M. Caron et al. [SwAV](https://arxiv.org/abs/2006.09882), 2020, and [DINO](https://arxiv.org/abs/2104.14294), 2021. J.-B. Grill et al. [BYOL](https://arxiv.org/abs/2006.07733), 2020. X. Chen, K. He. [SimSiam](https://arxiv.org/abs/2011.10566), 2021. D. Pathak et al. [Context encoders](https://arxiv.org/abs/1604.07379), 2016.
# - Q. Garrido et al. [RankMe](https://arxiv.org/abs/2210.02885), 2023. V. G. Turrisi da Costa et al. [solo-learn](https://github.com/vturrisi/solo-learn), 2022, whose tables are quoted in section 3.

# %%
ch.footer()
