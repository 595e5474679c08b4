"""Large arrays of images, worked on by several threads.

NumPy works on one core however large an array is; only its products of matrices, which a BLAS does, use more. But the
rows that come out of a convolution or a pool need nothing of one another, nor do the elements of an activation. Within
``with sharing():`` threads take such parts in turn, as many threads as the BLAS had: ``OPENBLAS_NUM_THREADS``, or one
for each core. The BLAS has one thread meanwhile, since its own would wait for the same cores. A part is worked out by
one thread, in one order, so the numbers are the same whatever the number of threads. R has no twin of this: it has one
thread.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from twinnet._types import Array

__all__ = ["elementwise", "shared_out", "sharing"]

FEW = 1 << 17  # numbers: to work on so few takes no longer than to wake a thread
PIECE = 1 << 16  # numbers: so many stay in a core's cache while something is done to them
Result = TypeVar("Result")
threads = 1  # how many share the work now; of the whole process, as a BLAS's threads are


@contextmanager
def sharing() -> Iterator[None]:
    """A context in which `shared_out` has as many threads as the BLAS had, and the BLAS one."""
    global threads  # noqa: PLW0603
    count = min((library.num_threads for library in blas().lib_controllers), default=1)
    if count < 2:  # also where the work is shared already
        yield
        return
    with blas().limit(limits=1):
        threads = count
        try:
            yield
        finally:
            threads = 1


def shared_out(work: Callable[[int], Result], parts: int, numbers: int) -> list[Result]:
    """Work on each part; within `sharing`, on several of them at a time.

    Parameters
    ----------
    work : function of an int
        Works on the part of that number, from 0. It reads and writes nothing that it writes for another part.
    parts : int
        How many there are.
    numbers : int
        How many numbers are worked on in all: few are left to the calling thread.

    Returns
    -------
    list
        What `work` returned for each part, in order.

    Raises
    ------
    Exception
        What `work` raised; the parts that were not begun by then are left out.
    """
    helpers = min(threads, parts) - 1 if numbers > FEW else 0
    if helpers < 1:
        return [work(part) for part in range(parts)]
    turns, results = iter(range(parts)), dict[int, Result]()
    errors_as = np.geterr()  # of the calling thread; each has settings of its own

    def take_turns() -> None:
        with np.errstate(**errors_as):
            try:
                for part in turns:
                    results[part] = work(part)
            finally:
                deque(turns, maxlen=0)  # after an error, or Ctrl-C, nobody begins another part

    helping = [thread_pool().submit(take_turns) for _ in range(helpers)]
    try:
        take_turns()
    finally:
        for helper in helping:
            helper.result()
    return [results[part] for part in range(parts)]


def elementwise(function: Callable[..., Array], x: Array, *others: Array | float) -> Array:
    """``function(x, *others)``, element by element; within `sharing`, of large arrays piece by piece.

    Parameters
    ----------
    function : function of `x`, `others` and `out`
        A ufunc of NumPy, or made of some: returns its result, in the memory of `out` unless that is None.
    x : array of floats, any shape
    *others : arrays of the shape and dtype of `x`, or numbers

    Returns
    -------
    array, the shape and dtype of `x`
    """
    if threads < 2 or x.size <= FEW:
        return function(x, *others)
    out = np.empty_like(x)
    axis = int(np.argmax(x.strides))  # along which the pieces lie one after the other in memory
    bounds = np.linspace(0, x.shape[axis], min(x.shape[axis], x.size // PIECE) + 1).astype(int)

    def fill_piece(number: int) -> None:
        piece = (slice(None),) * axis + (slice(bounds[number], bounds[number + 1]),)
        pieces = (other[piece] if isinstance(other, np.ndarray) else other for other in others)
        function(x[piece], *pieces, out=out[piece])

    shared_out(fill_piece, len(bounds) - 1, x.size)
    return out


@cache
def blas() -> ThreadpoolController:
    """The BLAS libraries of this process whose threads can be counted and limited."""
    return ThreadpoolController().select(user_api="blas")


@cache
def thread_pool() -> ThreadPoolExecutor:
    """Threads that wait for work, begun when they are first needed."""
    return ThreadPoolExecutor(os.cpu_count(), "twinnet")


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=thread_pool.cache_clear)
