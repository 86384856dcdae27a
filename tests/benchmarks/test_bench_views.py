"""Two views of a batch on its device against torchvision's transforms, image by image, in a DataLoader."""

import time

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from replearn.data import ColorJitter, Compose, GaussianBlur, RandomAffineCrop, RandomGrayscale

BATCHES, BATCH = 4, 512
BATCHED = Compose(
    RandomAffineCrop(scale=(0.2, 1.0), degrees=0.0, hflip=True), ColorJitter(), RandomGrayscale(), GaussianBlur()
)
SINGLE = transforms.Compose(
    [
        transforms.RandomResizedCrop(32, scale=(0.2, 1.0)),
        transforms.RandomHorizontalFlip(),
        transforms.RandomApply([transforms.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
        transforms.RandomGrayscale(0.2),
        transforms.RandomApply([transforms.GaussianBlur(3)], p=0.5),
    ]
)


class TwoViews(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return SINGLE(self.images[i]), SINGLE(self.images[i])


def batched(images):
    generator = torch.Generator().manual_seed(0)
    for batch in images.split(BATCH):
        first, second = BATCHED(batch, generator), BATCHED(batch, generator)
    return first, second


def test_batched_views_are_five_times_faster(benchmark, capsys):
    torch.set_num_threads(2)
    images = torch.rand(BATCHES * BATCH, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    loader = iter(DataLoader(TwoViews(images), batch_size=BATCH, num_workers=2))
    next(loader)
    start = time.perf_counter()
    for first, _ in loader:
        assert first.shape == (BATCH, 3, 32, 32)
    slow = (time.perf_counter() - start) / (BATCHES - 1)
    benchmark.pedantic(batched, args=(images,), rounds=5, warmup_rounds=1)
    fast = benchmark.stats.stats.min / BATCHES
    with capsys.disabled():
        print(f"\ntwo views of {BATCH}: {fast * 1e3:.0f} ms, DataLoader {slow * 1e3:.0f} ms, x{slow / fast:.1f}")
    assert slow >= 5 * fast
