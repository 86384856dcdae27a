"""Where a run's batches come from: a tensor that stays on the device, or a data set that is read while it trains."""

from collections.abc import Generator, Iterator

import torch
from torch.utils.data import DataLoader, Dataset, Sampler


def batches(
    images: torch.Tensor | Dataset,
    per_process: int,
    *,
    generator: torch.Generator,
    seed: int,
    start: int,
    steps: int,
    workers: int,
) -> Generator[tuple[torch.Tensor, torch.Tensor], None, None]:
    """Draw the batches of the steps ``start ... steps - 1``, with replacement.

    Parameters
    ----------
    images : torch.Tensor or torch.utils.data.Dataset
        Images (N, ...) on the device of ``generator``; or a data set whose items are image tensors of one shape, or
        tuples that begin with one.
    per_process : int
        Images in a batch of this process.
    generator : torch.Generator
        Draws the batches of a tensor, as the loop goes.
    seed : int
        Decides the batches of a data set, which are drawn ahead.
    start, steps : int
        First step, and the number of all.
    workers : int
        Processes that read a data set; 0 reads in this one.

    Yields
    ------
    (images, index)
        A tensor on the device and (per_process,) int64 indices of the batch in it: the whole tensor that was given, or
        the batch that was read.

    """
    device = generator.device
    if isinstance(images, torch.Tensor):
        for _ in range(start, steps):
            yield images, torch.randint(len(images), (per_process,), generator=generator, device=device)
        return
    loader = DataLoader(
        images,
        batch_sampler=_Draws(item_count(images), per_process, seed, start, steps),
        num_workers=workers,
        collate_fn=_stack,
        pin_memory=device.type == "cuda",
        generator=torch.Generator().manual_seed(seed),  # else its workers' seed comes from the global generator
    )
    index = torch.arange(per_process, device=device)
    for batch in loader:
        yield batch.to(device, non_blocking=True), index


def item_count(images: Dataset) -> int:
    """How many items a data set has."""
    return len(images)  # type: ignore[arg-type]  # torch leaves __len__ to the subclasses of Dataset


class _Draws(Sampler):
    """Batches of indices with replacement: the same for a step whether the run begins before it or is resumed."""

    def __init__(self, n: int, size: int, seed: int, start: int, steps: int) -> None:
        self.n, self.size, self.seed, self.start, self.steps = n, size, seed, start, steps

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed)
        for step in range(self.steps):
            index = torch.randint(self.n, (self.size,), generator=generator)
            if step >= self.start:
                yield index.tolist()

    def __len__(self) -> int:
        return self.steps - self.start


def _stack(items: list) -> torch.Tensor:
    images = [item[0] if isinstance(item, tuple | list) else item for item in items]
    if not all(isinstance(image, torch.Tensor) for image in images):
        raise ValueError(f"the data set's items must be image tensors: transform the {type(images[0]).__name__}")
    return torch.stack(images)
