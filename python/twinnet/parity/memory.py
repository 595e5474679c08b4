"""Memory for arrays that come and go at every step.

Two habits cost a network for images a fifth of its time: the C library's, which hands large arrays back to the system
when they are freed, so that the next step begins with empty pages; and R's, which looks for garbage whenever as much
has been allocated as its heap was first given. Here the process is told to keep what it will need again. PyTorch, R and
NumPy share the process and gain alike.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["keep_freed_memory", "widen_r_heap"]

R_HEAP = "512M"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGEST_THRESHOLD = 2**25  # glibc takes no larger one: an array of more than 32 MB is handed back as before


def keep_freed_memory() -> None:
    """Let the C library keep up to 1 GB of freed memory; where it is not glibc, nothing changes."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_TRIM_THRESHOLD, 2**30)
    mallopt(M_MMAP_THRESHOLD, LARGEST_THRESHOLD)


def widen_r_heap() -> None:
    """Let R, if it has not started yet, allocate 512 MB before it looks for garbage, unless ``R_VSIZE`` says otherwise.

    No memory is taken before it is needed. In a session of R's own, start it with that variable: ``R_VSIZE=512M R``.
    """
    os.environ.setdefault("R_VSIZE", R_HEAP)
