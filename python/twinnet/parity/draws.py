"""``twinnet draws``: what an original and its twins in Python and in R draw, side by side and bit by bit."""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from twinnet._types import AnyArray
from twinnet.checks import check_choice
from twinnet.parity.drift import check_streams
from twinnet.parity.originals import MissingOriginalError
from twinnet.parity.streams import STREAMS, Call, Voice, draw_in_python, draw_in_r, draw_original, parse_call

__all__ = ["Draws", "add_command", "compare_draws", "draws_json", "print_draws", "run_draws"]

SHOWN = 20
HEX_DIGITS = 16


@dataclass(frozen=True)
class Draws:
    """The draws of an original and of its twins.

    Attributes
    ----------
    generator : str
        A key of `STREAMS`.
    seed : int, str or sequence
    calls : list of Call
        The calls, in the order in which they were made.
    voices : list of Voice
        The original, Python and R.
    bits : list of lists of lists of str
        For each call and each voice the bits of every number, as `element_bits` writes them.
    """

    generator: str
    seed: Any
    calls: list[Call]
    voices: list[Voice]
    bits: list[list[list[str]]]

    def differing(self, number: int) -> list[int]:
        """Places, in the order of the draws, at which a call's draws are not the same for all."""
        together = zip_longest(*self.bits[number], fillvalue="")
        return [place for place, bits in enumerate(together) if len(set(bits)) > 1]

    def same(self, number: int) -> bool:
        """Whether all drew the same numbers in a call, in the same shape and from as many words."""
        shapes = {shape_of(voice.values[number]) for voice in self.voices}
        words = {voice.words[number] for voice in self.voices}
        return not self.differing(number) and len(shapes) == 1 and len(words) == 1

    @property
    def equal(self) -> bool:
        """Whether all drew the same in every call."""
        return all(self.same(number) for number in range(len(self.calls)))


def add_command(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : the subparsers of an argparse.ArgumentParser
    """
    draws = commands.add_parser("draws", help="show what a random generator draws in the original, in Python and in R")
    draws.add_argument("--generator", required=True, metavar="NAME", help=f"one of: {', '.join(STREAMS)}")
    draws.add_argument("--seed", required=True, help='a number, or several: "[1, 2, 3]"')
    draws.add_argument(
        "--call",
        required=True,
        action="append",
        metavar="CALL",
        help='a method and its arguments: "standard_normal(5)"; may be given several times, for calls in this order',
    )
    draws.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    draws.set_defaults(run=run_draws)


def run_draws(options: argparse.Namespace) -> int:
    """``twinnet draws``: draw three times, compare, report.

    Parameters
    ----------
    options : argparse.Namespace
        ``generator``, ``seed``, ``call`` (a list) and ``json``.

    Returns
    -------
    int
        0 if all draw the same, 1 if not.

    Raises
    ------
    ValueError
        If there is no such generator, method or argument, or the original is not installed.
    """
    generator = check_choice(options.generator, "generator", list(STREAMS))
    calls = [parse_call(text, generator) for text in options.call]
    try:
        draws = compare_draws(generator, parse_seed(options.seed), calls)
    except MissingOriginalError as error:
        raise ValueError(f"{error}.") from None
    drift = [str(warning) for warning in check_streams([generator])]
    messages = Console(stderr=True, highlight=False)
    for warning in drift:
        messages.print(f"Warning: {warning}", style="yellow", soft_wrap=True)
    if options.json:
        print(json.dumps({**draws_json(draws), "warnings": drift}, allow_nan=False))
    else:
        print_draws(draws, Console(highlight=False))
    return 0 if draws.equal else 1


def parse_seed(text: str) -> Any:
    """Return a seed: a number or a list of them; any other text is a seed itself."""
    try:
        seed = ast.literal_eval(text.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text
    return seed if isinstance(seed, (int, list, tuple)) and not isinstance(seed, bool) else text


def compare_draws(generator: str, seed: Any, calls: Sequence[Call]) -> Draws:
    """Draw with the original and with both twins, and compare the bits.

    Parameters
    ----------
    generator : str
        A key of `STREAMS`.
    seed : int, str or sequence
    calls : sequence of Call

    Returns
    -------
    Draws

    Raises
    ------
    ValueError
        If the seed or an argument is not what it must be.
    MissingOriginalError
        If the original is not installed.
    """
    python = draw_in_python(generator, seed, calls)  # first: an argument that is unsound is refused without starting R
    voices = [draw_original(generator, seed, calls), python, draw_in_r(generator, seed, calls)]
    bits = [element_bits([voice.values[number] for voice in voices]) for number in range(len(calls))]
    return Draws(generator, seed, list(calls), voices, bits)


def element_bits(values: Sequence[AnyArray]) -> list[list[str]]:
    """Return the bits of each number as 16 hexadecimal digits of a float64, for each voice, in C order.

    Whole numbers beyond 2^53, which R has as digits only, are written as digits, and text stands for itself.

    Parameters
    ----------
    values : sequence of arrays
        One for each voice.

    Returns
    -------
    list of lists of str
    """
    if any(is_text(array) for array in values):
        return [[str(item) for item in array.ravel().tolist()] for array in values]
    return [[f"{word:016x}" for word in float64(array).view(np.uint64).tolist()] for array in values]


def is_text(array: AnyArray) -> bool:
    """Whether an array is of text, or of whole numbers that doubles do not hold."""
    if array.dtype.kind in "iuO":
        return any(not isinstance(item, int) or abs(item) > 2**53 for item in array.ravel().tolist())
    return array.dtype.kind == "U"


def float64(array: AnyArray) -> AnyArray:
    """Return an array as float64, flat and in C order."""
    return np.ascontiguousarray(array, dtype=np.float64).ravel()


def shape_of(array: AnyArray) -> tuple[int, ...]:
    """Return an array's shape; a single number is an array of one, as in R."""
    return array.shape or (1,)


def draws_json(draws: Draws) -> dict[str, Any]:
    """Draws as one JSON object.

    Parameters
    ----------
    draws : Draws

    Returns
    -------
    dict
        ``generator``, ``seed``, ``verdict`` ("equal" or "different"), ``voices`` (the labels of the original, Python
        and R) and ``calls``: of each ``call``, ``equal``, ``shape``, and for each voice ``values`` (null where not
        finite), ``bits`` and ``words``.
    """
    keys = [voice.key for voice in draws.voices]
    return {
        "generator": draws.generator,
        "seed": draws.seed,
        "verdict": "equal" if draws.equal else "different",
        "voices": {voice.key: voice.label for voice in draws.voices},
        "calls": [
            {
                "call": call.text,
                "equal": draws.same(number),
                "shape": list(shape_of(draws.voices[0].values[number])),
                "values": {voice.key: finite_list(voice.values[number]) for voice in draws.voices},
                "bits": dict(zip(keys, draws.bits[number], strict=True)),
                "words": {voice.key: voice.words[number] for voice in draws.voices},
            }
            for number, call in enumerate(draws.calls)
        ],
    }


def finite_list(array: AnyArray) -> list[Any]:
    """Return an array's elements in C order, None where a number is not finite."""
    items = array.ravel().tolist()
    return [None if isinstance(item, float) and not np.isfinite(item) else item for item in items]


def print_draws(draws: Draws, console: Console) -> None:
    """Print a table for each call, and the verdict.

    Parameters
    ----------
    draws : Draws
    console : rich.console.Console
    """
    for number in range(len(draws.calls)):
        console.print(draws_table(draws, number))
    style = "bold green" if draws.equal else "bold red"
    console.print(escape(verdict_line(draws)), style=style, soft_wrap=True)


def draws_table(draws: Draws, number: int) -> Table:
    """One call's draws, one line each: the numbers, their bits, and the words that were used."""
    shape = shape_of(draws.voices[0].values[number])
    size = len(draws.bits[number][0])
    what = f"{draws.calls[number].text}: {size} drawn" + (f", the first {SHOWN} shown" if size > SHOWN else "")
    table = Table(title=escape(what), title_justify="left", title_style="bold")
    table.add_column("at", justify="right", no_wrap=True)
    for voice in draws.voices:
        table.add_column(voice.label, justify="right", overflow="fold")
    table.add_column("bits", overflow="fold")
    table.add_column("equal", no_wrap=True)
    differing = set(draws.differing(number))
    for place in shown_places(size, differing):
        values = [escape(shown_value(voice.values[number], place)) for voice in draws.voices]
        bits = "\n".join(dict.fromkeys(shown_bits(voice_bits, place) for voice_bits in draws.bits[number]))
        at = ", ".join(str(index) for index in np.unravel_index(place, shape)) if place < np.prod(shape) else str(place)
        table.add_row(at, *values, bits, verdict_mark(place not in differing))
    table.add_section()
    words = [str(voice.words[number]) for voice in draws.voices]
    unit = f"of {STREAMS[draws.generator].word_bits} bits"
    table.add_row("words", *words, unit, verdict_mark(len(set(words)) == 1))
    return table


def verdict_mark(equal: bool) -> str:
    """A line's verdict."""
    return "yes" if equal else "[bold red]NO[/]"


def shown_places(size: int, differing: set[int]) -> list[int]:
    """Places that a table shows: the first ones and, if that lies beyond them, the first at which the draws differ."""
    places = list(range(min(size, SHOWN)))
    first = min(differing, default=0)
    return places if first < SHOWN else [*places, first]


def shown_value(array: AnyArray, place: int) -> str:
    """A number to 7 digits, whole numbers and text whole; an empty string where there is none."""
    flat = array.ravel().tolist()
    if place >= len(flat):
        return ""
    return f"{flat[place]:.7g}" if isinstance(flat[place], float) else str(flat[place])


def shown_bits(bits: list[str], place: int) -> str:
    """The bits of one number; nothing where there is none, or where it stands for itself."""
    return bits[place] if place < len(bits) and len(bits[place]) == HEX_DIGITS else ""


def verdict_line(draws: Draws) -> str:
    """The verdict in one line."""
    original, *twins = draws.voices
    size = sum(len(bits[0]) for bits in draws.bits)
    names = f"{original.label} and its twins {' and '.join(voice.label for voice in twins)}"
    if draws.equal:
        return f"EQUAL: {names} draw the same bits in each of {size} draws, and use the same words."
    number = next(number for number in range(len(draws.calls)) if not draws.same(number))
    where = draws.calls[number].text
    places = draws.differing(number)
    if places:
        bits = draws.bits[number]
        other = [voice.label for voice, own in zip(draws.voices, bits, strict=True) if own != bits[0]]
        return (
            f"DIFFERENT: the twin{'s' * (len(other) > 1)} {' and '.join(other)} and {original.label} differ first in "
            f"{where}, in {len(places)} of {len(bits[0])} draws."
        )
    what = "use different numbers of words" if len({v.words[number] for v in draws.voices}) > 1 else "differ in shape"
    return f"DIFFERENT: {names} {what} in {where}."
