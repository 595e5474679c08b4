"""Softmax: scores to probabilities, ``p_ij = exp(x_ij) / sum_k exp(x_ik)``, and its cross entropy.

The largest score of each row is subtracted first, so that exp cannot overflow (course: lesson D). The loss is
taken from the logarithm of the softmax, with no epsilon inside the log: it stays finite for any finite scores.
Targets are one-hot rows, so nothing here depends on where a language starts to count. Twin: r/R/softmax.R.
"""

from __future__ import annotations

from twinnet._types import Array
from twinnet.kernels import array_exp, array_log, row_maxima, row_sums, sum_of_products

__all__ = ["softmax", "softmax_cross_entropy_backward", "softmax_cross_entropy_forward"]


def softmax(x: Array) -> Array:
    """Probabilities from scores.

    Parameters
    ----------
    x : array, shape (n, k)
        Scores (logits), one row a sample.

    Returns
    -------
    array, shape (n, k)
        Rows that sum to 1.
    """
    e = array_exp(x - row_maxima(x))
    return e / row_sums(e)


def softmax_cross_entropy_forward(x: Array, target: Array) -> tuple[float, dict[str, Array]]:
    """Mean cross entropy of softmax(x) against one-hot targets.

    Parameters
    ----------
    x : array, shape (n, k)
        Scores (logits), one row a sample.
    target : array, shape (n, k)
        One-hot rows.

    Returns
    -------
    loss : float
        ``-1/n sum_ij target_ij log p_ij``.
    cache : dict
        What `softmax_cross_entropy_backward` needs.
    """
    z = x - row_maxima(x)
    e = array_exp(z)
    s = row_sums(e)
    log_p = z - array_log(s)
    loss = -sum_of_products(target, log_p) / len(x)
    return loss, {"p": e / s, "target": target}


def softmax_cross_entropy_backward(cache: dict[str, Array]) -> Array:
    """Gradient of the mean cross entropy with respect to the scores, ``(p - target) / n``.

    Parameters
    ----------
    cache : dict
        From `softmax_cross_entropy_forward`.

    Returns
    -------
    d_x : array, shape (n, k)
    """
    p, target = cache["p"], cache["target"]
    return (p - target) / float(len(p))
