"""Softmax: scores to probabilities, ``p_ij = exp(x_ij) / sum_k exp(x_ik)``, its logarithm, and its cross entropy.

The largest score of each row is subtracted first, so that exp cannot overflow (course: lesson D). The loss is
taken from the logarithm of the softmax, with no epsilon inside the log: it stays finite for any finite scores.
Targets are one-hot rows, so nothing here depends on where a language starts to count.

Softmax and its logarithm are also layers of their own (course: lesson B ends in softmax, lesson C in log_softmax); the
loss on top of them is then one of `losses`: softmax_cross_entropy takes a softmax itself. Twin: r/R/softmax.R.
"""

from __future__ import annotations

from twinnet._types import Array
from twinnet.kernels import array_exp, array_log, row_maxima, row_sums, sum_of_products

__all__ = [
    "log_softmax",
    "log_softmax_backward",
    "log_softmax_forward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy_backward",
    "softmax_cross_entropy_forward",
    "softmax_forward",
]


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


def log_softmax(x: Array) -> Array:
    """Logarithms of the probabilities, ``x_ij - log sum_k exp(x_ik)``, finite also where softmax is 0.

    Parameters
    ----------
    x : array, shape (n, k)
        Scores (logits), one row a sample.

    Returns
    -------
    array, shape (n, k)
        At most 0.
    """
    z = x - row_maxima(x)
    return z - array_log(row_sums(array_exp(z)))


def softmax_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """Softmax as a layer.

    Parameters
    ----------
    x : array, shape (n, k)
        Scores (logits), one row a sample.

    Returns
    -------
    out : array, shape (n, k)
        Rows that sum to 1.
    cache : dict
        What `softmax_backward` needs.
    """
    out = softmax(x)
    return out, {"out": out}


def softmax_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `softmax_forward`, ``out_ij * (d_out_ij - sum_k d_out_ik out_ik)``.

    Parameters
    ----------
    d_out : array, shape (n, k)
        Gradient of the loss with respect to the output.
    cache : dict
        From `softmax_forward`.

    Returns
    -------
    d_x : array, shape (n, k)
    """
    out = cache["out"]
    return out * (d_out - row_sums(d_out * out))


def log_softmax_forward(x: Array) -> tuple[Array, dict[str, Array]]:
    """The logarithm of softmax as a layer.

    Parameters
    ----------
    x : array, shape (n, k)
        Scores (logits), one row a sample.

    Returns
    -------
    out : array, shape (n, k)
        At most 0.
    cache : dict
        What `log_softmax_backward` needs.
    """
    out = log_softmax(x)
    return out, {"out": out}


def log_softmax_backward(d_out: Array, cache: dict[str, Array]) -> Array:
    """Gradient of `log_softmax_forward`, ``d_out_ij - p_ij sum_k d_out_ik`` with p = exp(out).

    Parameters
    ----------
    d_out : array, shape (n, k)
        Gradient of the loss with respect to the output.
    cache : dict
        From `log_softmax_forward`.

    Returns
    -------
    d_x : array, shape (n, k)
    """
    return d_out - array_exp(cache["out"]) * row_sums(d_out)


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
