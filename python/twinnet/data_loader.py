"""The order in which PyTorch's DataLoader visits its data, epoch by epoch.

A loop ``for batch in loader`` draws from PyTorch's generator when it starts: a seed for worker processes,
even if there are none, and then, where the data are shuffled, a seed for the sampler, whose own generator
permutes them. A loader made with ``generator=`` draws both the workers' seed and the permutation from that generator,
and at the end of the epoch one more permutation, of which it takes nothing. Source: PyTorch's
torch/utils/data/dataloader.py, _BaseDataLoaderIter, and torch/utils/data/sampler.py, RandomSampler and
BatchSampler; proven for ``num_workers=0``. Twin: r/R/data_loader.R.
"""

from __future__ import annotations

import numpy as np

from twinnet._types import IntArray
from twinnet.checks import check_flag, check_whole
from twinnet.generator_torch import TorchGenerator

__all__ = ["data_loader_batches", "data_loader_order"]


def data_loader_order(
    generator: TorchGenerator,
    n: int,
    shuffle: bool = True,
    own_generator: bool = False,
    finish: bool = True,
) -> IntArray:
    """Return the order in which a DataLoader visits its data in the epoch that starts now.

    Call it where the loop over the loader starts: draws from the same generator before and after it, such as
    dropout's between the batches, then fall where they fall in PyTorch.

    Parameters
    ----------
    generator : TorchGenerator
        Stands for PyTorch's default generator or, with `own_generator`, for the one given to the loader.
    n : int
        How many data there are.
    shuffle : bool
        Whether the loader shuffles. If not, it still draws the workers' seed.
    own_generator : bool
        Whether the loader was made with ``generator=``.
    finish : bool
        With `own_generator`: whether to draw, at once, the permutation that PyTorch draws when the epoch
        ends. If the same generator is used between the batches, say False, and call ``generator.randperm(n)``
        at the end: after the last batch, or before it if that is a smaller one. Say False too if the loop is
        left early: then PyTorch does not draw it.

    Returns
    -------
    ndarray of int64, shape (n,)
        Positions, counted from 0.
    """
    check_flag(shuffle, "shuffle")
    check_flag(own_generator, "own_generator")
    check_flag(finish, "finish")
    n = check_whole(n, "n", 1 if shuffle else 0)
    generator.random_(1)  # the workers' seed
    if not shuffle:
        return np.arange(n)
    if not own_generator:
        return TorchGenerator(generator.random_(1)[0], generator.variant).randperm(n)
    order = generator.randperm(n)
    if finish:
        generator.randperm(n)
    return order


def data_loader_batches(order: IntArray, batch_size: int = 1, drop_last: bool = False) -> list[IntArray]:
    """Cut an order into batches.

    Parameters
    ----------
    order : array of int, shape (n,)
        From `data_loader_order`.
    batch_size : int
        The size of a batch.
    drop_last : bool
        Whether to leave out a smaller batch at the end.

    Returns
    -------
    list of array of int
    """
    batch_size, last = check_whole(batch_size, "batch_size", 1), len(order)
    if check_flag(drop_last, "drop_last"):
        last -= last % batch_size
    return [order[start : min(start + batch_size, last)] for start in range(0, last, batch_size)]
