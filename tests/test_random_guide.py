"""Every line of python/RANDOM.md does what the guide says: each row is run, and the draws are compared bit by bit."""

from __future__ import annotations

import ast
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bit_patterns import assert_same_bits
from twinnet.parity.bridge import RError

GUIDE = (Path(__file__).resolve().parents[1] / "python" / "RANDOM.md").read_text(encoding="utf-8")
TWINS = ["Write in R", "Write in Python"]


@dataclass(frozen=True)
class Row:
    heading: tuple[str, ...]
    cells: tuple[str, ...]

    def __str__(self) -> str:
        return self.cells[0]


def rows_of(guide: str) -> list[Row]:
    """Return the rows of all tables, each with the headings of its columns."""
    rows: list[Row] = []
    heading: tuple[str, ...] | None = None
    for line in guide.splitlines():
        cells = tuple(cell.strip() for cell in line.strip("|").split("|")) if line.startswith("|") else None
        if cells is None:
            heading = None
        elif heading is None:
            heading = cells
        elif not set(line) <= set("|-"):
            rows.append(Row(heading, cells))
    return rows


ROWS = rows_of(GUIDE)
PAIRS = [row for row in ROWS if row.heading[1:] == tuple(TWINS)]
REFUSALS = [row for row in ROWS if row.heading == ("In R", "In Python", "You are told")]


def code_in(cell: str) -> str:
    """Return the code of a cell, which is in backticks."""
    found = re.match(r"`([^`]+)`", cell)
    assert found, f"not code: {cell}"
    return found[1]


def block_of(language: str) -> str:
    """Return the one block of code in a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(block)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the guide's lines of Python assume."""
    assumed: dict[str, Any] = {}
    exec(block_of("python"), assumed)
    return assumed


@pytest.fixture(scope="module")
def r_lines(r: Any) -> Any:
    """R, with what the guide's lines assume; its own stream and kinds, and its variables, are put back at the end."""
    r.eval(".guide_kept <- list(seed = globalenv()[['.Random.seed']], kinds = RNGkind(), names = ls())", convert=False)
    r.eval(block_of("r"), convert=False)
    yield r
    r.eval(
        """
        suppressWarnings(do.call(RNGkind, as.list(.guide_kept$kinds)))
        if (is.null(.guide_kept$seed)) rm(.Random.seed) else .Random.seed <- .guide_kept$seed
        rm(list = setdiff(ls(), .guide_kept$names))
        rm(.guide_kept)
        """,
        convert=False,
    )


@pytest.fixture(autouse=True)
def global_streams_are_kept() -> Any:
    """The originals' global generators, which the guide's lines seed, are put back."""
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    random.setstate(kept[0])
    np.random.set_state(kept[1])
    torch.set_rng_state(kept[2])


def value_in_python(code: str, names: dict[str, Any]) -> Any:
    """Run a line of Python, and return the value of its last statement."""
    *statements, last = ast.parse(code).body
    assert isinstance(last, ast.Expr), f"no value: {code}"
    scope = dict(names)
    exec(compile(ast.Module(statements, []), "guide", "exec"), scope)
    return eval(compile(ast.Expression(last.value), "guide", "eval"), scope)


def arrays_in(value: Any) -> dict[str, Any]:
    """Return the arrays that a value is made of, by their place in it."""
    if isinstance(value, torch.Tensor):
        return {"": value.detach().numpy()}
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, (list, tuple)) and any(np.ndim(detached(item)) > 0 for item in value):
        parts = list(enumerate(value))
    else:
        return {"": np.asarray(value)}
    return {f"{key}.{place}": array for key, part in parts for place, array in arrays_in(part).items()}


def detached(value: Any) -> Any:
    return value.detach() if isinstance(value, torch.Tensor) else value if not isinstance(value, dict) else [0]


def assert_same_draws(ours: Any, original: Any, what: str) -> None:
    a, b = arrays_in(ours), arrays_in(original)
    assert a.keys() == b.keys(), f"{what}: {list(a)} here, {list(b)} in the original"
    for place, values in b.items():
        assert_same_bits(a[place], values, f"{what} {place}")


@pytest.mark.parametrize("row", PAIRS, ids=str)
def test_the_lines_of_a_row_draw_the_same_bits(r_lines: Any, names: dict[str, Any], row: Row) -> None:
    original, in_r, in_python = (code_in(cell) for cell in row.cells)
    expected = r_lines.eval(original) if row.heading[0] == "You have, in R" else value_in_python(original, names)
    assert sum(array.size for array in arrays_in(expected).values()) > 0
    assert_same_draws(r_lines.eval(in_r), expected, f"R's {in_r}")
    assert_same_draws(value_in_python(in_python, names), expected, f"Python's {in_python}")


@pytest.mark.parametrize("row", REFUSALS, ids=str)
def test_what_cannot_be_the_same_is_refused_in_the_words_of_the_guide(
    r_lines: Any, names: dict[str, Any], row: Row
) -> None:
    in_r, in_python, message = row.cells
    with pytest.raises(RError) as refused:
        r_lines.eval(code_in(in_r))
    assert refused.value.message == message
    if in_python == "draws":
        return
    with pytest.raises(ValueError, match=re.escape(message)):
        value_in_python(code_in(in_python), names)


def test_the_guide_has_rows_for_every_generator_and_no_other_tables() -> None:
    assert len(ROWS) == len(PAIRS) + len(REFUSALS), "a table that no test runs"
    assert len(PAIRS) > 60
    assert len(REFUSALS) > 10
    lines = " ".join(cell for row in PAIRS for cell in row.cells[1:])
    for name in [
        "RGenerator",
        "NumpyGenerator",
        "NumpyRandomState",
        "PythonRandom",
        "TorchGenerator",
        "train_test_split_indices",
        "shuffle_indices",
        "kfold_indices",
        "linear_init",
        "conv2d_init",
        "data_loader_order",
        "data_loader_batches",
    ]:
        assert name in lines, f"no row shows {name}"


def test_python_only_draws_where_the_guide_says_so(names: dict[str, Any]) -> None:
    rows = [row for row in REFUSALS if row.cells[1] == "draws"]
    assert rows
    for row in rows:
        code = code_in(row.cells[0]).replace("$", ".").replace("^", "**")
        value_in_python(code, names)
