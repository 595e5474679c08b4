"""The originals of the random numbers: NumPy's, PyTorch's and Python's own, called by name and counted.

Nothing of twinnet is imported, so that R can run this file with any Python that has the original: it reads a request
as JSON, ``{"generator": ..., "seed": ..., "calls": [{"method": ..., "positional": [...], "named": {...}}]}``, and
writes the draws as JSON, numbers as hexadecimal floats. R's own draws are made by ``r_original`` in r/R/draws.R.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["ORIGINALS", "MissingOriginalError", "Original", "draw_all", "main"]


class MissingOriginalError(Exception):
    """The library that an original belongs to is not installed."""


class Original(Protocol):
    """A seeded generator of the library itself."""

    label: str  # the library and its version

    def draw(self, method: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a method as its twin's method of that name is called, and return what it draws."""

    def words(self) -> int:
        """Return how many words have been drawn since seeding."""


class NumpyOriginal:
    """NumPy's default_rng.

    Parameters
    ----------
    seed : int, str or sequence of them
        Numbers may be given as their digits.
    """

    def __init__(self, seed: Any) -> None:
        self._numpy = numpy = imported("numpy", "NumPy")
        self.label = f"NumPy {numpy.__version__}"
        self._generator = numpy.random.default_rng(as_numbers(seed))
        self._start = self._generator.bit_generator.state

    def draw(self, method: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a method of ``numpy.random.Generator``."""
        return numpy_draw(self._numpy, self._generator, method, positional, named)

    def words(self) -> int:
        """Return how many 64-bit words have been drawn: NumPy's own jumps lead from the first state to this one.

        A jump of 2^k words leaves the k lowest bits of the state as they are and changes the next one.
        """
        scout = self._numpy.random.PCG64()
        scout.state = self._start
        now = self._generator.bit_generator.state["state"]["state"]
        words = 0
        for k in range(64):
            if (scout.state["state"]["state"] ^ now) >> k & 1:
                scout.advance(2**k)
                words += 2**k
        return words


class NumpyLegacyOriginal:
    """NumPy's RandomState.

    Parameters
    ----------
    seed : int or sequence of int
    """

    def __init__(self, seed: Any) -> None:
        self._numpy = numpy = imported("numpy", "NumPy")
        self.label = f"NumPy {numpy.__version__}"
        self._generator = numpy.random.RandomState(as_numbers(seed))
        self._counter = WordCounter(*self._key())

    def draw(self, method: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a method of ``numpy.random.RandomState``."""
        return numpy_draw(self._numpy, self._generator, method, positional, named)

    def words(self) -> int:
        """Return how many 32-bit words have been drawn."""
        return self._counter.count(*self._key())

    def _key(self) -> tuple[list[int], int]:
        state = self._generator.get_state(legacy=False)["state"]
        return state["key"].tolist(), state["pos"]


class TorchOriginal:
    """PyTorch's generator on the CPU.

    Parameters
    ----------
    seed : int or str
    """

    def __init__(self, seed: Any) -> None:
        self._torch = torch = imported("torch", "PyTorch")
        self.label = f"PyTorch {torch.__version__}"
        self._generator = torch.Generator().manual_seed(as_numbers(seed))
        self._counter = WordCounter(*self._key())

    def draw(self, method: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Fill a tensor as a function or method of PyTorch does, and return it as an array."""
        return getattr(self, f"_{method}")(*positional, **named).numpy()

    def words(self) -> int:
        """Return how many 32-bit words have been drawn."""
        return self._counter.count(*self._key())

    def _key(self) -> tuple[list[int], int]:
        state = self._generator.get_state().numpy()
        left = int(state[8:12].view("<i4")[0])
        return state[24 : 24 + 8 * 624].view("<u8").tolist(), 625 - left

    def _empty(self, size: Any, dtype: str) -> Any:
        return self._torch.empty(size, dtype=getattr(self._torch, dtype))

    def _rand(self, size: Any, dtype: str = "float32") -> Any:
        return self._torch.rand(size, dtype=getattr(self._torch, dtype), generator=self._generator)

    def _uniform_(self, size: Any, a: float = 0, b: float = 1, dtype: str = "float32") -> Any:
        return self._empty(size, dtype).uniform_(a, b, generator=self._generator)

    def _randn(self, size: Any, dtype: str = "float32") -> Any:
        return self._torch.randn(size, dtype=getattr(self._torch, dtype), generator=self._generator)

    def _normal_(self, size: Any, mean: float = 0, std: float = 1, dtype: str = "float32") -> Any:
        return self._empty(size, dtype).normal_(mean, std, generator=self._generator)

    def _randint(self, low: int, high: int, size: Any) -> Any:
        return self._torch.randint(low, high, (size,) if isinstance(size, int) else size, generator=self._generator)

    def _random_(self, size: Any) -> Any:
        return self._empty(size, "int64").random_(generator=self._generator)

    def _randperm(self, n: int) -> Any:
        return self._torch.randperm(n, generator=self._generator)

    def _bernoulli(self, p: Any, dtype: str = "float32") -> Any:
        return self._torch.bernoulli(
            self._torch.tensor(p, dtype=getattr(self._torch, dtype)), generator=self._generator
        )

    def _bernoulli_(self, size: Any, p: float = 0.5, dtype: str = "float32") -> Any:
        return self._empty(size, dtype).bernoulli_(p, generator=self._generator)

    def _dropout_mask(self, size: Any, p: float = 0.5, dtype: str = "float32") -> Any:
        """Return 1 where dropout keeps a one; it draws from PyTorch's default generator, lent this one's state."""
        caller = self._torch.get_rng_state()
        self._torch.set_rng_state(self._generator.get_state())
        ones = self._torch.ones(size, dtype=getattr(self._torch, dtype))
        kept = self._torch.nn.functional.dropout(ones, p) != 0
        self._generator.set_state(self._torch.get_rng_state())
        self._torch.set_rng_state(caller)
        return kept.to(ones.dtype)


class PythonOriginal:
    """Python's own random module.

    Parameters
    ----------
    seed : int or str
    """

    label = f"Python {sys.version.split()[0]}"

    def __init__(self, seed: Any) -> None:
        self._generator = random.Random(as_numbers(seed))
        self._counter = WordCounter(*self._key())

    def draw(self, method: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a method of ``random.Random``, once or as often as `size` says; a number stands for a range."""
        arguments = {name: value for name, value in named.items() if name != "size"}
        for name in {"seq", "x", "population"} & arguments.keys():
            if isinstance(arguments[name], int):
                arguments[name] = list(range(arguments[name]))
        call = getattr(self._generator, method)
        if method == "shuffle":
            return shuffled_copy(call, list, positional, arguments)
        if method == "getrandbits":  # it takes no names
            return repeated(lambda: call(*arguments.values()), named.get("size"))
        return repeated(lambda: call(**arguments), named.get("size"))

    def words(self) -> int:
        """Return how many 32-bit words have been drawn."""
        return self._counter.count(*self._key())

    def _key(self) -> tuple[list[int], int]:
        *key, pos = self._generator.getstate()[1]
        return key, pos


ORIGINALS: dict[str, Callable[[Any], Original]] = {
    "numpy": NumpyOriginal,
    "numpy-legacy": NumpyLegacyOriginal,
    "torch": TorchOriginal,
    "python": PythonOriginal,
}


class WordCounter:
    """Count the words between states of one Mersenne Twister: a scout of its own follows from state to state.

    Parameters
    ----------
    key : list of int
        The 624 words of the state to count from.
    pos : int
        How many of them have been read.
    """

    def __init__(self, key: list[int], pos: int) -> None:
        self._scout = random.Random()
        self._scout.setstate((3, (*key, pos), None))
        self._counted = 0

    def count(self, key: list[int], pos: int) -> int:
        """Follow to a later state, and return how many words lie between the first one and this one."""
        while self._state()[0] != key:
            self._read(624 - self._state()[1] + 1)  # the first word of the next 624
        self._read(pos - self._state()[1])
        return self._counted

    def _state(self) -> tuple[list[int], int]:
        *key, pos = self._scout.getstate()[1]
        return key, pos

    def _read(self, words: int) -> None:
        self._scout.getrandbits(32 * words)
        self._counted += words


def imported(name: str, title: str) -> Any:
    """Import a library, or raise ``MissingOriginalError`` with how to get it."""
    try:
        return __import__(name)
    except ImportError:
        raise MissingOriginalError(f"{title} is not installed for {sys.executable}: pip install {name}") from None


def as_numbers(seed: Any) -> Any:
    """Return a seed with the numbers that are given as digits, since R's end at 2^53, as numbers."""
    if isinstance(seed, str):
        return int(seed, 16 if "0x" in seed else 10)
    return [as_numbers(item) for item in seed] if isinstance(seed, (list, tuple)) else seed


def numpy_draw(numpy: Any, generator: Any, method: str, positional: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Call a method of one of NumPy's generators; shuffle, which works in place, is given a copy."""
    if method == "shuffle":
        return shuffled_copy(generator.shuffle, numpy.array, positional, named)
    return getattr(generator, method)(*positional, **named)


def shuffled_copy(
    shuffle: Callable[[Any], None], copy: Callable[[Any], Any], positional: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Return a shuffled copy of the one argument."""
    (values,) = [*positional, *named.values()]
    shuffled = copy(values)
    shuffle(shuffled)
    return shuffled


def repeated(draw: Callable[[], Any], size: Any) -> Any:
    """Return one draw or, for a size or sizes, nested lists of draws, the last index fastest."""
    if size is None:
        return draw()
    first, *rest = size if isinstance(size, (list, tuple)) else [size]
    return [repeated(draw, rest or None) for _ in range(first)]


def draw_all(generator: str, seed: Any, calls: Sequence[Mapping[str, Any]]) -> tuple[str, list[tuple[Any, int]]]:
    """Seed an original and make calls of it, one after the other.

    Parameters
    ----------
    generator : str
        A key of `ORIGINALS`.
    seed : int, str or sequence
    calls : sequence of mappings
        Each with ``method``, ``positional`` and ``named``.

    Returns
    -------
    label : str
        The library and its version.
    draws : list of tuples
        For each call what was drawn, and how many words it used.

    Raises
    ------
    MissingOriginalError
        If the library is not installed.
    """
    original = ORIGINALS[generator](seed)
    draws, before = [], 0
    for call in calls:
        values = original.draw(call["method"], call["positional"], call["named"])
        after = original.words()
        draws.append((values, after - before))
        before = after
    return original.label, draws


def main() -> int:
    """Answer one request, from standard input to standard output.

    Returns
    -------
    int
        0, also where the library is missing: the answer then says so.
    """
    request = json.load(sys.stdin)
    try:
        label, draws = draw_all(request["generator"], request["seed"], request["calls"])
    except MissingOriginalError as error:
        print(json.dumps({"missing": str(error)}))
        return 0
    answers = [{"values": [as_text(value) for value in flat(values)], "words": words} for values, words in draws]
    print(json.dumps({"label": label, "draws": answers}))
    return 0


def flat(values: Any) -> list[Any]:
    """Return what was drawn as a list, the last index fastest."""
    if hasattr(values, "ravel"):
        values = values.ravel().tolist()
    if isinstance(values, (list, tuple)):
        return [item for value in values for item in (flat(value) if isinstance(value, (list, tuple)) else [value])]
    return [values]


def as_text(value: Any) -> str:
    """Return a number as a hexadecimal float, or as its digits if it is whole by type."""
    return value.hex() if isinstance(value, float) else str(int(value) if isinstance(value, bool) else value)


if __name__ == "__main__":
    sys.exit(main())
