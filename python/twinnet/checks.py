"""Checks of what a caller passed in; every message names the argument, its value and what it must be.

Twin: r/R/checks.R, with the same messages.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, NoReturn

import numpy as np

from twinnet._types import AnyArray

__all__ = ["check_argument", "check_choice", "check_flag", "check_number", "check_same_shape", "check_whole"]


def check_argument(ok: bool, name: str, value: Any, must_be: str) -> None:
    """Raise ``ValueError`` unless `ok`.

    Parameters
    ----------
    ok : bool
        The condition that must hold.
    name : str
        The argument's name.
    value : object
        The argument's value.
    must_be : str
        What the value must be, as the end of a sentence: ``"a positive number"``.

    Raises
    ------
    ValueError
        "`name` must be a positive number, not -1."
    """
    if not ok:
        raise ValueError(f"`{name}` must be {must_be}, not {show_value(value)}.")


def check_number(
    value: Any,
    name: str,
    above: float = -math.inf,
    minimum: float = -math.inf,
    below: float = math.inf,
    maximum: float = math.inf,
) -> float:
    """Return `value` as a float if it is one finite number within the bounds.

    Parameters
    ----------
    value : object
        The argument's value.
    name : str
        The argument's name.
    above, minimum, below, maximum : float
        Bounds: `above` and `below` are excluded, `minimum` and `maximum` included.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `value` is not one finite number within the bounds.
    """
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and math.isfinite(value)
    if not (is_number and above < value < below and minimum <= value <= maximum):
        check_argument(False, name, value, "a finite number" + bounds_text(above, minimum, below, maximum))
    return float(value)


def check_whole(value: Any, name: str, minimum: int = -(2**53), maximum: int = 2**53) -> int:
    """Return `value` as an int if it is one whole number within the bounds.

    A float with a whole value (``6.0``) is accepted, since R has no other way to write it.

    Parameters
    ----------
    value : object
        The argument's value.
    name : str
        The argument's name.
    minimum, maximum : int
        Bounds, included.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If `value` is not one whole number within the bounds.
    """
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and math.isfinite(value)
    is_whole = is_number and (isinstance(value, Integral) or float(value).is_integer())
    if not (is_whole and minimum <= value <= maximum):
        low = -math.inf if minimum == -(2**53) else minimum
        high = math.inf if maximum == 2**53 else maximum
        check_argument(False, name, value, "a whole number" + bounds_text(-math.inf, low, math.inf, high))
    return int(value)


def check_flag(value: Any, name: str) -> bool:
    """Return `value` as a bool if it is True or False.

    Parameters
    ----------
    value : object
        The argument's value.
    name : str
        The argument's name.

    Returns
    -------
    bool

    Raises
    ------
    ValueError
        If `value` is neither True nor False.
    """
    check_argument(isinstance(value, (bool, np.bool_)), name, value, "true or false")
    return bool(value)


def check_choice(value: Any, name: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`.

    Parameters
    ----------
    value : object
        The argument's value.
    name : str
        The argument's name.
    choices : sequence of str
        The values that are allowed; the message lists them.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If `value` is not among `choices`.
    """
    must_be = "one of " + ", ".join(f'"{choice}"' for choice in choices)
    check_argument(isinstance(value, str) and value in choices, name, value, must_be)
    return str(value)


def check_same_shape(value: AnyArray, name: str, other: AnyArray, other_name: str) -> None:
    """Raise ``ValueError`` unless two arrays have one shape, so that none is broadcast by mistake.

    Parameters
    ----------
    value, other : arrays
        The arguments' values.
    name, other_name : str
        The arguments' names; the message blames the first.

    Raises
    ------
    ValueError
        "`target` must be of the shape of `x`, (5, 3), not (5, 1)."
    """
    if value.shape != other.shape:
        check_argument(False, name, value.shape, f"of the shape of `{other_name}`, {show_value(other.shape)}")


def refuse_file(path: str | os.PathLike[str], what: str) -> NoReturn:
    """Raise an error that names a file and what is wrong with it."""
    raise ValueError(f"{os.fspath(path)} {what}.")


def bounds_text(above: float, minimum: float, below: float, maximum: float) -> str:
    """The bounds in words: ``" above 0 and at most 1"``; empty where there are none."""
    words = [("above", above), ("of at least", minimum), ("below", below), ("at most", maximum)]
    said = [f"{word} {bound:.15g}" for word, bound in words if math.isfinite(bound)]
    return " " + " and ".join(said) if said else ""


def show_value(value: Any) -> str:
    """A value as a message shows it: strings quoted, numbers to 15 digits, sequences of six at most."""
    if value is None:
        return "nothing"
    if isinstance(value, (list, tuple, range)) or (isinstance(value, np.ndarray) and value.ndim == 1):
        shown = [show_value(item) for item in value[:6]]
        if len(value) <= 1:  # as in R, where a single value is a sequence of one
            return shown[0] if shown else "nothing"
        return "(" + ", ".join(shown + ["..."] * (len(value) > 6)) + ")"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, Real):
        return "NaN" if math.isnan(value) else f"{float(value):.15g}".replace("inf", "Inf")
    if isinstance(value, np.ndarray):
        return "an array of shape (" + ", ".join(str(size) for size in value.shape) + ")"
    return f"an object of type {type(value).__name__}"
