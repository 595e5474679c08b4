"""Two sources side by side: rows of code that calculate the same, and which tensors of a trace each row calculates.

Our twins are aligned by function: ``affine_forward`` of ``affine.py`` beside that of ``affine.R``. A stranger's scripts
are aligned by what they record: the lines up to ``record("hidden", ...)`` in one beside those in the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

__all__ = ["Code", "Row", "Sources", "align_records", "align_twins", "base_name", "calculated_by"]

PYTHON_FOLDER = Path(__file__).resolve().parents[1]
R_FOLDER = PYTHON_FOLDER.parents[1] / "r" / "R"
RECORD_CALL = re.compile(r"""(?<![\w.])(?P<what>record|record_phase)\(\s*(["'])(?P<name>[^"'\n]*)\2""")
DEFINITION = re.compile(r"^(?:def |class )(?P<python>\w+)|^(?P<r>[\w.]+) <- ")


@dataclass(frozen=True)
class Code:
    """Lines of a file, and the number of the first of them."""

    text: str
    first_line: int = 1


@dataclass(frozen=True)
class Row:
    """A piece of each source that calculates the same.

    Attributes
    ----------
    title : str
        The function, or what is recorded.
    files : (str, str)
        Which file each piece is from.
    code : (Code or None, Code or None)
        The pieces; None where a source has none.
    names : tuple of str
        What the row calculates: names of the first trace, after the phase, as in ``forward/relu1.out``, and without
        ``#2``; a name without a phase stands for those of any phase that no row has.
    """

    title: str
    files: tuple[str, str]
    code: tuple[Code | None, Code | None]
    names: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """Two sources side by side.

    Attributes
    ----------
    languages : (str, str)
        ``"Python"`` or ``"R"``.
    rows : list of Row
    """

    languages: tuple[str, str]
    rows: list[Row] = field(default_factory=list)

    def row_of(self, phase: str, name: str) -> Row | None:
        """The row that calculates a tensor, if one is known to."""
        base = base_name(name)
        wanted = (f"{phase}/{base}", base)
        return next((row for key in wanted for row in self.rows if key in row.names), None)


def base_name(name: str) -> str:
    """The name that was passed to ``record``: without the ``#2`` of a second call in the same phase of a step."""
    return re.sub(r"#\d+$", "", name)


def align_records(
    texts: tuple[str, str], labels: tuple[str, str], languages: tuple[str, str], renamed: Mapping[str, str]
) -> Sources:
    """Align two scripts by what they record.

    Parameters
    ----------
    texts : (str, str)
        The scripts.
    labels : (str, str)
        Their files' names.
    languages : (str, str)
        ``"Python"`` or ``"R"``.
    renamed : mapping
        Names of the first that are called otherwise in the second, and how.

    Returns
    -------
    Sources
        A row for each name that both record in the same order, and one for what comes after the last.
    """
    calls = [record_calls(texts[0], renamed), record_calls(texts[1], {})]
    ends = {key: end for key, _, end in calls[1]}
    rows: list[Row] = []
    begin = [0, 0]
    names: list[str] = []
    for key, name, end in calls[0]:
        if rows and end == begin[0]:  # on the last line of the row before
            rows[-1] = replace(rows[-1], names=(*rows[-1].names, name))
            continue
        names.append(name)
        if ends.get(key, 0) > begin[1]:
            code = (piece(texts[0], begin[0], end), piece(texts[1], begin[1], ends[key]))
            rows.append(Row(name, labels, code, tuple(names)))
            begin, names = [end, ends[key]], []
    rest = (piece(texts[0], begin[0], None), piece(texts[1], begin[1], None))
    if names or any(code is not None for code in rest):
        rows.append(Row(", ".join(names) or "the rest", labels, rest, tuple(names)))
    return Sources(languages, rows)


def record_calls(text: str, renamed: Mapping[str, str]) -> list[tuple[tuple[str, int], str, int]]:
    """What a script records under a literal name.

    Parameters
    ----------
    text : str
    renamed : mapping
        What its names are called in the other script.

    Returns
    -------
    list of ((str, int), str, int)
        What it is found by: the phase and the other script's name, and how many times they came before; the phase and
        its own name; the number of the line on which the call ends.
    """
    found: list[tuple[tuple[str, int], str, int]] = []
    phase = ""
    for call in RECORD_CALL.finditer(text):
        line_start = text.rfind("\n", 0, call.start()) + 1
        if "#" in text[line_start : call.start()]:
            continue  # a comment
        if call["what"] == "record_phase":
            phase = f"{call['name']}/" if call["name"] else ""
            continue
        name = call["name"]
        other = phase + renamed.get(name, name)
        times = sum(key[0] == other for key, _, _ in found)
        found.append(((other, times), phase + name, text.count("\n", 0, end_of_call(text, call.start())) + 1))
    return found


def end_of_call(text: str, start: int) -> int:
    """Where the bracket closes that a call opens."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0 and text[place] == ")":
            return place
    return len(text)


def piece(text: str, low: int, high: int | None) -> Code | None:
    """Lines of a text, from `low` (counted from 0) up to `high`, without blank lines around them."""
    lines = text.splitlines()[low:high]
    while lines and not lines[0].strip():
        lines, low = lines[1:], low + 1
    return Code("\n".join(lines).rstrip(), low + 1) if lines else None


def align_twins(experiment: Mapping[str, Any], names: Iterable[tuple[str, str]]) -> Sources:
    """Align the functions of our twins that calculate the tensors of an experiment.

    Parameters
    ----------
    experiment : mapping
        Its ``model``, ``loss`` and others say which functions.
    names : iterable of (str, str)
        The phase and the name of each tensor, in the order in which they are calculated.

    Returns
    -------
    Sources
        A row for each function, in that order; the R side is empty where the sources of the R package are not there.
    """
    wanted: dict[str, list[str]] = {}
    for phase, name in dict.fromkeys((phase, base_name(name)) for phase, name in names):
        function = calculated_by(experiment, phase, name)
        if function:
            wanted.setdefault(function, []).append(f"{phase}/{name}")
    rows = []
    for function, calculated in wanted.items():
        found = find_function(function)
        if found is not None:
            rows.append(Row(function, found[0], found[1], tuple(calculated)))
    return Sources(("Python", "R"), rows)


def calculated_by(experiment: Mapping[str, Any], phase: str, name: str) -> str:
    """The function of our twins that calculates a tensor of an experiment; empty if none is known."""
    types = {layer["name"]: layer["type"] for layer in experiment.get("model", [])}
    layer, _, part = name.rpartition(".")
    match phase:
        case "init":
            return "model_init"
        case "data":
            return "epoch_order" if name == "batch.rows" else "batch_inputs"
        case "forward" if part == "mask":
            return "random_mask"
        case "forward" if part == "noise":
            return "random_normal"
        case "forward" if layer in types:
            return f"{types[layer]}_forward"
        case "loss":
            named = {"loss.data": f"{experiment.get('loss')}_forward", "loss.penalty": "l2_penalty"}
            return named.get(name, "loss_and_gradients")
        case "backward" if name == "loss.d_out":
            return f"{experiment.get('loss')}_backward"
        case "backward" if part == "grad":
            return "l2_gradients"
        case "backward" if layer in types:
            return f"{types[layer]}_backward"
        case "update":
            return "optimizer_step"
    return ""


def find_function(name: str) -> tuple[tuple[str, str], tuple[Code | None, Code | None]] | None:
    """The twin files that define a function, and the function in each."""
    for path in sorted(PYTHON_FOLDER.glob("*.py")):
        code = definition(path, name)
        if code is not None:
            twin = R_FOLDER / f"{path.stem}.R"
            return (path.name, twin.name), (code, definition(twin, name))
    return None


def definition(path: Path, name: str) -> Code | None:
    """A function in a file, with the comments before it."""
    lines: Sequence[str] = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines):
        found = DEFINITION.match(line)
        if found and name in (found["python"], found["r"]):
            first = number
            while first > 0 and lines[first - 1].startswith(("#", "@")):
                first -= 1
            last = number + 1
            while last < len(lines) and (not lines[last] or lines[last][0] in " )}]"):
                last += 1
            return Code("\n".join(lines[first:last]).rstrip(), first + 1)
    return None
