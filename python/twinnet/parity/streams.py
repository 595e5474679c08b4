"""The random streams that twinnet proves: each drawn by its original, by its twin in Python and by its twin in R."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twinnet._types import AnyArray
from twinnet.checks import check_argument, check_choice
from twinnet.generator_numpy import NumpyGenerator
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.generator_python import PythonRandom
from twinnet.generator_r import RGenerator
from twinnet.generator_torch import TorchGenerator
from twinnet.parity.bridge import start_r
from twinnet.parity.originals import draw_all

__all__ = ["STREAMS", "Call", "Stream", "Voice", "draw_in_python", "draw_in_r", "draw_original", "parse_call"]


@dataclass(frozen=True)
class Stream:
    """A generator that exists three times.

    Attributes
    ----------
    title : str
        What the original is called.
    twin : type
        The class in Python; R's constructor has its name.
    golden : str
        The stem of the proven draws in ``shared_data/golden``.
    version_key : str
        Under which key they tell the version that drew them.
    methods : tuple of str
        The methods that draw.
    settings : dict
        Arguments of the twin beside the seed.
    word_bits : int
        The size of the words that are counted.
    """

    title: str
    twin: type
    golden: str
    version_key: str
    methods: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    word_bits: int = 32


POPULATIONS = {"a", "x", "seq", "population"}  # arguments that are counts where they are numbers
R_METHODS = ("runif", "rnorm", "rexp", "rbinom", "sample", "sample_int", "shuffle")
R_TITLE = "R's set.seed"
STREAMS = {
    "r": Stream(R_TITLE, RGenerator, "generator_r", "r", R_METHODS, {"sample_kind": "Rejection"}),
    "r-rounding": Stream(
        f"{R_TITLE} with sample.kind Rounding", RGenerator, "generator_r", "r", R_METHODS, {"sample_kind": "Rounding"}
    ),
    "numpy": Stream(
        "NumPy's default_rng",
        NumpyGenerator,
        "generator_numpy",
        "numpy",
        (
            "random",
            "uniform",
            "standard_normal",
            "normal",
            "standard_exponential",
            "exponential",
            "integers",
            "permutation",
            "shuffle",
            "choice",
        ),
        word_bits=64,
    ),
    "numpy-legacy": Stream(
        "NumPy's RandomState",
        NumpyRandomState,
        "generator_numpy_legacy",
        "numpy",
        ("random", "uniform", "standard_normal", "randn", "normal", "randint", "permutation", "shuffle", "choice"),
    ),
    "torch": Stream(
        "PyTorch's CPU generator",
        TorchGenerator,
        "generator_torch",
        "torch",
        (
            "rand",
            "uniform_",
            "randn",
            "normal_",
            "randint",
            "random_",
            "randperm",
            "bernoulli",
            "bernoulli_",
            "dropout_mask",
        ),
    ),
    "python": Stream(
        "Python's random",
        PythonRandom,
        "generator_python",
        "python",
        ("random", "uniform", "gauss", "getrandbits", "randrange", "randint", "choice", "shuffle", "sample"),
    ),
}


@dataclass(frozen=True)
class Call:
    """A call of a method that draws: ``named`` arguments, and the sizes of ``randn(2, 3)`` in ``positional``."""

    text: str
    method: str
    positional: tuple[Any, ...]
    named: dict[str, Any]


@dataclass(frozen=True)
class Voice:
    """What one of the three drew, call by call."""

    key: str
    label: str
    values: list[AnyArray]
    words: list[int]


def parse_call(text: str, generator: str) -> Call:
    """Read a call such as ``standard_normal(5)``, whose arguments are literals of Python; nothing is evaluated.

    Parameters
    ----------
    text : str
    generator : str
        A key of `STREAMS`, whose methods are known.

    Returns
    -------
    Call

    Raises
    ------
    ValueError
        If it is no such call; the message lists the methods, or the arguments, that are known.
    """
    stream = STREAMS[check_choice(generator, "generator", list(STREAMS))]
    parts = parts_of_call(text)
    must_be = f'a call with numbers, strings, lists, True, False or None, such as "{stream.methods[0]}(5)"'
    check_argument(parts is not None, "call", text, must_be)
    name, positional, named = parts or ("", [], {})
    method = check_choice(name, "method", stream.methods)
    parameters = list(inspect.signature(getattr(stream.twin, method)).parameters.values())[1:]
    try:
        bound = inspect.Signature(parameters).bind(*positional, **named)
    except TypeError as error:
        takes = ", ".join(str(parameter.replace(annotation=parameter.empty)) for parameter in parameters)
        raise ValueError(f"{text}: {error}; the arguments are {takes}.") from None
    if parameters[0].kind is inspect.Parameter.VAR_POSITIONAL:
        return Call(text.strip(), method, bound.args, {})
    return Call(text.strip(), method, (), dict(bound.arguments))


def parts_of_call(text: str) -> tuple[str, list[Any], dict[str, Any]] | None:
    """Return the name and the arguments of a call with literals only, or None if it is anything else."""
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
        if not (isinstance(parsed, ast.Call) and isinstance(parsed.func, ast.Name)):
            return None
        positional = [ast.literal_eval(argument) for argument in parsed.args]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in parsed.keywords}
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
    known = all(is_plain(value) for value in [*positional, *named.values()])
    unpacked = any(keyword.arg is None for keyword in parsed.keywords)
    return (parsed.func.id, positional, named) if known and not unpacked else None


def is_plain(value: Any) -> bool:
    """Whether a literal is one that R has too: no bytes, sets, dicts or complex numbers, and no None in a list."""
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) and item is not None for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def draw_original(generator: str, seed: Any, calls: Sequence[Call]) -> Voice:
    """Draw with the original: R itself, or the installed NumPy, PyTorch or Python.

    Parameters
    ----------
    generator : str
        A key of `STREAMS`.
    seed : int, str or sequence
    calls : sequence of Call

    Returns
    -------
    Voice

    Raises
    ------
    MissingOriginalError
        If the original is not installed.
    ValueError
        If it refuses an argument.
    """
    stream = STREAMS[generator]
    if stream.twin is RGenerator:
        requests = [{"method": call.method, "arguments": for_r_call(stream, call)[1]} for call in calls]
        drawn = start_r().call("r_original", seed_for_r(seed), stream.settings["sample_kind"], requests)
        values = [np.asarray(values) for values in drawn["values"]]
        return Voice("original", str(drawn["label"][0]), values, [int(words) for words in drawn["words"]])
    try:
        label, draws = draw_all(generator, seed, [vars(call) for call in calls])
    except (TypeError, ValueError, RuntimeError) as error:
        first_line = str(error).partition("\n")[0]
        raise ValueError(f"{stream.title} refuses what its twin takes: {first_line}") from error
    return Voice("original", label, [np.asarray(values) for values, _ in draws], [words for _, words in draws])


def draw_in_python(generator: str, seed: Any, calls: Sequence[Call]) -> Voice:
    """Draw with the twin in Python; arguments are those of `draw_original`.

    Raises
    ------
    ValueError
        If the seed or an argument is not what it must be, whatever the twin or its original raise then.
    """
    stream = STREAMS[generator]
    twin = stream.twin(seed, **twin_settings(generator))
    values, words = [], [0]
    for call in calls:
        try:
            drawn = getattr(twin, call.method)(*call.positional, **call.named)
        except (TypeError, IndexError, OverflowError, MemoryError) as error:
            raise ValueError(f"{call.text}: {error}") from error
        values.append(np.asarray(drawn))
        words.append(twin.words_drawn())
    return Voice("python", "in Python", values, np.diff(words).tolist())


def draw_in_r(generator: str, seed: Any, calls: Sequence[Call]) -> Voice:
    """Draw with the twin in R; arguments are those of `draw_original`."""
    r = start_r()
    twin = r.call(STREAMS[generator].twin.__name__, seed_for_r(seed), **twin_settings(generator), convert=False)
    values, words = [], [0]
    for call in calls:
        positional, named = for_r_call(STREAMS[generator], call)
        values.append(np.asarray(r.method(twin, call.method, *positional, **named)))
        words.append(int(r.method(twin, "words_drawn").item()))
    return Voice("r", "in R", values, np.diff(words).tolist())


def twin_settings(generator: str) -> dict[str, str]:
    """Arguments of a twin beside the seed; PyTorch's follows the kernels that the installed PyTorch uses."""
    if generator != "torch":
        return STREAMS[generator].settings
    try:
        import torch
    except ImportError:
        return {}
    return {"variant": "avx2" if torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"} else "default"}


def for_r(value: Any, name: str = "") -> Any:
    """Return a literal of Python as R writes it.

    Whole numbers become doubles, or their digits where doubles end, lists vectors or arrays. A population of
    one becomes an array of one dimension, since a plain number would be a count in R.
    """
    match value:
        case bool() | None | str() | float():
            return value
        case int():
            return float(value) if abs(value) <= 2**53 else str(value)
        case [_] if name in POPULATIONS:
            return start_r().call("array", for_r(value[0]), 1, convert=False)
        case []:
            return np.empty(0)
        case _:
            array = np.asarray(value)
            return array if array.dtype.kind in "bU" else array.astype(np.float64)


def seed_for_r(seed: Any) -> Any:
    """Return a seed as R writes it: several as a list, so that a sequence of one is not taken for a number."""
    return [for_r(item) for item in seed] if isinstance(seed, (list, tuple)) else for_r(seed)


def for_r_call(stream: Stream, call: Call) -> tuple[list[Any], dict[str, Any]]:
    """Return a call's arguments for R. In R's own sample, a number is a count however it is written."""
    plain = stream.twin is RGenerator
    named = {name: for_r(value, "" if plain else name) for name, value in call.named.items()}
    return [for_r(value) for value in call.positional], named
