"""Two sources side by side: our twins by function, a stranger's scripts by what they record."""

from __future__ import annotations

from pathlib import Path

import pytest
from twinnet.experiment import experiment_names, experiment_read, experiment_variants
from twinnet.parity.sources import align_records, align_twins, calculated_by

LANGUAGES = ("Python", "R")
LABELS = ("mine.py", "mine.R")


def rows_of(python, r, **renamed):
    return align_records((python, r), LABELS, LANGUAGES, renamed).rows


def code_of(row):
    return tuple(code and (code.first_line, code.text) for code in row.code)


def test_scripts_are_aligned_by_what_they_record():
    rows = rows_of(
        "import numpy\n\nx = 1\nrecord('x', x)\ny = record(\n    'y',\n    x + 1,\n)\nprint(y)\n",
        'library(twinnet)\nx <- record("x", 1)\n\n\ny <- record("y", x + 1)\n',
    )
    assert [row.title for row in rows] == ["x", "y", "the rest"]
    assert code_of(rows[0]) == (
        (1, "import numpy\n\nx = 1\nrecord('x', x)"),
        (1, 'library(twinnet)\nx <- record("x", 1)'),
    )
    assert code_of(rows[1]) == ((5, "y = record(\n    'y',\n    x + 1,\n)"), (5, 'y <- record("y", x + 1)'))
    assert code_of(rows[2]) == ((9, "print(y)"), None)


def test_names_that_differ_are_aligned_as_they_were_matched():
    rows = rows_of("record('a', 1)\nrecord('b', 2)", "record('a', 1)\nrecord('B', 2)", b="B")
    assert [row.names for row in rows] == [("a",), ("b",)]


def test_what_only_one_side_records_belongs_to_the_next_row():
    rows = rows_of("record('a', 1)\nrecord('only', 2)\nrecord('b', 3)", "record('a', 1)\nrecord('b', 3)")
    assert [row.names for row in rows] == [("a",), ("only", "b")]
    assert code_of(rows[1]) == ((2, "record('only', 2)\nrecord('b', 3)"), (2, "record('b', 3)"))


def test_another_order_is_one_row():
    rows = rows_of("record('a', 1)\nrecord('b', 2)", "record('b', 2)\nrecord('a', 1)")
    assert [row.names for row in rows] == [("a",), ("b",)]
    assert code_of(rows[0])[1] == (1, "record('b', 2)\nrecord('a', 1)")
    assert rows[1].code[1] is None


def test_a_name_that_is_recorded_in_two_phases_has_two_rows():
    python = "record('w', 0)\nrecord_phase('update')\nrecord('w', 1)"
    sources = align_records((python, python.replace("'", '"')), LABELS, LANGUAGES, {})
    assert [row.names for row in sources.rows] == [("w",), ("update/w",)]
    assert sources.row_of("", "w") is sources.rows[0]
    assert sources.row_of("update", "w#3") is sources.rows[1]
    assert sources.row_of("backward", "w") is sources.rows[0]


def test_two_records_on_a_line_and_comments():
    rows = rows_of(
        "# record('no', 0)\nrecord('a', 1); record('b', 2)\nrecord('c', 3)", "record('a', 1)\nrecord('c', 3)"
    )
    assert [row.names for row in rows] == [("a", "b"), ("c",)]


def test_scripts_that_record_nothing_by_a_literal_name_are_one_row():
    rows = rows_of("record(name, 1)", "record(name, 1)")
    assert [(row.title, row.names) for row in rows] == [("the rest", ())]
    assert rows_of("", "") == []


def test_every_function_of_every_experiment_is_found_in_both_languages():
    parts = {"forward": "out", "backward": "d_x"}
    for name in experiment_names():
        for experiment in experiment_variants(experiment_read(name)).values():
            tensors = [("init", "affine1.w"), ("data", "batch.rows"), ("data", "batch.x")]
            tensors += [
                (phase, f"{layer['name']}.{part}") for layer in experiment["model"] for phase, part in parts.items()
            ]
            tensors += [("loss", "loss.data"), ("loss", "loss.penalty"), ("loss", "loss"), ("backward", "loss.d_out")]
            tensors += [("backward", "affine1.w.grad"), ("update", "affine1.w"), ("forward", "dropout1.mask")]
            sources = align_twins(experiment, tensors)
            assert all(code is not None for row in sources.rows for code in row.code)
            for phase, tensor in tensors:
                row = sources.row_of(phase, tensor)
                assert row is not None, f"{name}: {phase}/{tensor}"
                assert row.title == calculated_by(experiment, phase, tensor)
                assert row.title in row.code[0].text
                assert f"{row.title} <- " in row.code[1].text


def test_a_function_is_shown_whole_with_its_documentation():
    sources = align_twins(experiment_read("iris_dnn"), [("forward", "affine1.out")])
    (row,) = sources.rows
    assert row.files == ("affine.py", "affine.R")
    assert row.code[0].text.startswith("def affine_forward(x: Array, w: Array, b: Array)")
    assert row.code[0].text.endswith('return out, {"x": x, "w": w}')
    assert row.code[1].text.startswith("#' Output of an affine layer")
    assert row.code[1].text.endswith("}")
    whole = (Path(__file__).resolve().parents[1] / "r" / "R" / "affine.R").read_text().splitlines()
    shown = row.code[1].text.splitlines()
    assert whole[row.code[1].first_line - 1 :][: len(shown)] == shown


@pytest.mark.parametrize("tensor", [("", "x"), ("forward", "mystery.out"), ("other", "affine1.out")])
def test_a_tensor_that_no_function_is_known_for_has_no_row(tensor):
    assert calculated_by(experiment_read("iris_dnn"), *tensor) == ""
