"""Which tensor of one trace is which of another: by name, by a map, or by shape and order.

What has the same name on both sides is the same tensor, and so is what a map says. Of the others those are taken for
the same that have the same shape (in any order of the axes, since transposing is the commonest of mistakes) at the same
place between those that are known. That is a guess, so it comes with a note.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

__all__ = ["Named", "match_names", "read_name_map"]


@dataclass(frozen=True)
class Named:
    """A name in a trace, with the shape of what was recorded under it first."""

    name: str
    shape: tuple[int, ...]

    @property
    def kind(self) -> tuple[int, ...]:
        """The shape as far as a match needs it: the lengths of the axes in no order, without those of length 1."""
        return tuple(sorted(size for size in self.shape if size != 1))


def read_name_map(path: Path) -> dict[str, str]:
    """Read which name of the first trace is which of the second.

    Parameters
    ----------
    path : Path
        A JSON object of strings, or lines of two names with a tab, a comma or blanks between them; lines that begin
        with ``#`` are comments.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the file is neither, or gives a name twice.
    """
    text = path.read_text(encoding="utf-8")
    pairs = pairs_of_json(text, path) if text.lstrip().startswith("{") else pairs_of_lines(text, path)
    for side in (0, 1):
        names = [pair[side] for pair in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f'{path} must give each name once, and gives "{twice[0]}" twice.')
    return dict(pairs)


def pairs_of_json(text: str, path: Path) -> list[tuple[str, str]]:
    """The pairs of names of a JSON object, also those that its later ones would hide."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} must be a JSON object or lines of two names: {error}.") from None
    for name, other in pairs:
        if not isinstance(other, str):
            raise ValueError(f'{path} must give a name to "{name}", not {json.dumps(other)}.')
    return [(name, other) for name, other in pairs]


def pairs_of_lines(text: str, path: Path) -> list[tuple[str, str]]:
    """The pairs of names of lines of two columns."""
    pairs = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        mark = next((mark for mark in ("\t", ",") if mark in line), None)
        names = [name.strip() for name in line.split(mark)]
        if len(names) != 2 or not all(names):
            raise ValueError(f'{path} must have two names in line {number}, not "{line.strip()}".')
        pairs.append((names[0], names[1]))
    return pairs


def match_names(
    a: Sequence[Named], b: Sequence[Named], given: Mapping[str, str], labels: tuple[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Find out which name of one trace is which of another.

    Parameters
    ----------
    a, b : sequence of Named
        The names of each trace, each once, in the order in which they were first recorded.
    given : mapping
        Names of `a` and which of `b` they are.
    labels : (str, str)
        What messages call the two traces.

    Returns
    -------
    names : dict
        Names of `a` that are called otherwise in `b`, and how.
    notes : list of str
        What was guessed, in sentences.

    Raises
    ------
    ValueError
        If `given` has a name that was not recorded.
    """
    for side, label, named in zip((given, given.values()), labels, (a, b), strict=True):
        known = [item.name for item in named]
        for name in side:
            if name not in known:
                raise ValueError(f'The map has "{name}", which {label} did not record; it recorded {shown(known)}.')
    taken = set(given.values())
    same = {item.name for item in a} & {item.name for item in b}
    names = {**{name: name for name in same if name not in given and name not in taken}, **given}
    guessed = guess_names(a, b, names)
    notes = [
        f'"{name}" of {labels[0]} is compared with "{other}" of {labels[1]}: same shape, same place in the order.'
        for name, other in guessed.items()
    ]
    return {name: other for name, other in {**names, **guessed}.items() if name != other}, notes


def guess_names(a: Sequence[Named], b: Sequence[Named], names: Mapping[str, str]) -> dict[str, str]:
    """Pair the names that are in no pair yet by shape and order, between those that are."""
    known_b = set(names.values())
    guessed = {}
    for part_a, part_b in parts_between(a, b, names):
        free_a = [item for item in part_a if item.name not in names]
        free_b = [item for item in part_b if item.name not in known_b]
        kinds_a, kinds_b = [item.kind for item in free_a], [item.kind for item in free_b]
        for block in SequenceMatcher(None, kinds_a, kinds_b, autojunk=False).get_matching_blocks():
            for offset in range(block.size):
                guessed[free_a[block.a + offset].name] = free_b[block.b + offset].name
    return guessed


def parts_between(
    a: Sequence[Named], b: Sequence[Named], names: Mapping[str, str]
) -> Iterator[tuple[Sequence[Named], Sequence[Named]]]:
    """The parts of both sides between names that are known and stand in the same order on both."""
    places_b = {item.name: place for place, item in enumerate(b)}
    begin_a = begin_b = 0
    for place_a, item in enumerate(a):
        place_b = places_b[names[item.name]] if item.name in names else -1
        if place_b >= begin_b:
            yield a[begin_a:place_a], b[begin_b:place_b]
            begin_a, begin_b = place_a + 1, place_b + 1
    yield a[begin_a:], b[begin_b:]


def shown(names: Sequence[str]) -> str:
    """Names in quotes, six at most."""
    return ", ".join([*(f'"{name}"' for name in names[:6]), *["..."] * (len(names) > 6)])
