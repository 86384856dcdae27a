"""NNCLR as a method: its loss written out, its queue, and a run that resumes."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn import losses
from replearn.data import GaussianNoise
from replearn.methods import NNCLR
from replearn.training import pretrain, seeded
from sampling import rows


def nnclr(**options):
    with seeded(0):
        encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU())
        projector, predictor = nn.Linear(8, 4), nn.Linear(4, 4)
    loss = partial(losses.info_nce, temperature=0.3)
    return NNCLR(encoder, projector, loss, GaussianNoise(0.2), predictor=predictor, **{"size": 40, "dim": 4, **options})


def images(n=50):
    return rows(n)


run = partial(pretrain, steps=12, batch_size=16, warmup=2, lr=1e-2, seed=0)


def test_the_loss_looks_for_predictions_from_the_neighbours_of_the_other_view():
    method, views = nnclr(), images(20).chunk(2)
    z = method.projector(method.encoder(torch.cat(views)))
    p, queue = F.normalize(method.predictor(z), dim=1).chunk(2), method.queue.get()
    terms = []
    for own, other in ((0, 1), (1, 0)):
        for i, row in enumerate(F.normalize(z, dim=1).chunk(2)[own]):
            neighbour = max(queue, key=lambda stored, row=row: (stored @ row).item())
            scores = torch.stack([neighbour @ prediction / 0.3 for prediction in p[other]])
            terms.append(scores.logsumexp(0) - scores[i])
    torch.testing.assert_close(method.step(views)["loss"], torch.stack(terms).mean())


def test_the_first_views_replace_the_oldest_of_the_queue():
    method, views = nnclr(), images(20).chunk(2)
    before = method.queue.get()
    z = method.projector(method.encoder(torch.cat(views)))
    method.step(views)
    method.after_step()
    torch.testing.assert_close(method.queue.get(), torch.cat([before[10:], F.normalize(z[:10], dim=1)]))


def test_a_checkpoint_resumes_bit_for_bit(tmp_path):
    whole, half, rest = nnclr(), nnclr(), nnclr()
    loss, path = run(whole, images()).loss, tmp_path / "run.pt"

    def stop(step, out):
        if step == 8:
            raise KeyboardInterrupt

    assert run(half, images(), checkpoint=path, checkpoint_every=5, monitor=stop, log_every=1).interrupted
    assert run(rest, images(), checkpoint=path, checkpoint_every=5, resume=True).loss == loss
    for a, b in zip(whole.state_dict().values(), rest.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_batch_that_is_longer_than_the_queue_is_refused():
    with pytest.raises(ValueError, match="at most 8 rows"):
        run(nnclr(size=8), images())
