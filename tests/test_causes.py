"""Causes: each mistake that shows in two arrays is named, none is named by luck, and a stranger's trace tells too."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from twinnet.parity import cause_table
from twinnet.parity.cause_table import CAUSES
from twinnet.parity.causes import array_causes, find_causes, remaining
from twinnet.parity.trace import read_trace
from twinnet.parity.trace_diff import diff_traces
from twinnet.record import record, recording

PARITY = Path(cause_table.__file__).parent
RANDOM = np.random.default_rng(0)
TABLE, SQUARE, VECTOR = RANDOM.normal(size=(7, 5)), RANDOM.normal(size=(6, 6)), RANDOM.normal(size=9)
IMAGES, FLAT = RANDOM.normal(size=(4, 3, 5, 5)), RANDOM.normal(size=(8, 24))
ONE_HOT = np.eye(3)[RANDOM.integers(0, 3, 20)]
MASK = (RANDOM.random((20, 6)) < 0.8) * 1.0
ROWS = RANDOM.permutation(20) * 1.0


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def relu(x):
    return np.maximum(x, 0)


ARRAYS = [
    ("transposed", TABLE, TABLE.T),
    ("transposed", SQUARE, SQUARE.T),
    ("reversed_axes", IMAGES, IMAGES.transpose(3, 2, 1, 0)),
    ("axis_order", IMAGES, IMAGES.transpose(0, 2, 3, 1)),
    ("column_major", TABLE, TABLE.ravel().reshape(7, 5, order="F")),
    ("column_major", FLAT, FLAT.ravel().reshape(16, 12, order="F")),
    ("column_major", FLAT, FLAT.reshape(8, 2, 3, 4).transpose(0, 3, 2, 1).reshape(8, 24)),
    ("reversed", FLAT, FLAT.reshape(8, 4, 6)[:, :, ::-1].reshape(8, 24)),
    ("kernel_flipped", IMAGES, IMAGES[..., ::-1, ::-1]),
    ("reversed", VECTOR, VECTOR[::-1]),
    ("columns_permuted", TABLE, TABLE[:, [2, 0, 1, 4, 3]]),
    ("rows_permuted", TABLE, TABLE[[2, 0, 1, 4, 3, 6, 5]]),
    ("rows_permuted", ROWS, np.sort(ROWS)),
    ("classes_permuted", ONE_HOT, ONE_HOT[:, [1, 0, 2]]),
    ("index_off_by_one", ONE_HOT, np.roll(ONE_HOT, 1, axis=1)),
    ("index_off_by_one", ROWS, ROWS + 1),
    ("index_off_by_one", TABLE, np.vstack([TABLE[1:], RANDOM.normal(size=(1, 5))])),
    ("stream_shifted", VECTOR, np.r_[VECTOR[2:], RANDOM.normal(size=2)]),
    ("stream_shifted", VECTOR, np.r_[VECTOR[:3], VECTOR[5:], RANDOM.normal(size=2)]),
    ("stream_shifted", MASK, np.r_[MASK.ravel("F")[3:], [1, 0, 1]].reshape(20, 6, order="F")),
    ("elements_permuted", SQUARE, RANDOM.permutation(SQUARE.ravel()).reshape(6, 6)),
    ("mask_inverted", MASK, 1 - MASK),
    ("sign", TABLE, -TABLE),
    ("factor_two", TABLE, 2 * TABLE),
    ("factor_two", np.array([1.3]), np.array([0.65])),
    ("sum_for_mean", TABLE, 7 * TABLE),
    ("sum_for_mean", TABLE, TABLE / 35),
    ("n_minus_one", TABLE, TABLE * np.sqrt(6 / 7)),
    ("pixel_scale", np.abs(TABLE), np.abs(TABLE) * 255),
    ("scaled", TABLE, 3.7 * TABLE),
    ("rescaled", TABLE, 2 * TABLE - 1),
    ("offset", TABLE, TABLE + 1.5),
    ("bias", TABLE, TABLE + VECTOR[:5]),
    ("bias", IMAGES, IMAGES + VECTOR[:3, None, None]),
    ("row_offset", SQUARE, SQUARE - VECTOR[:6, None]),
    ("row_scaled", SQUARE, SQUARE * VECTOR[:6, None]),
    ("columns_standardised", TABLE, (TABLE - TABLE.mean(axis=0)) / TABLE.std(axis=0)),
    ("float32", TABLE, TABLE.astype(np.float32).astype(np.float64)),
    ("rounded", TABLE, TABLE.round(3)),
    ("truncated", 10 * TABLE, np.trunc(10 * TABLE)),
    ("absolute", TABLE, np.abs(TABLE)),
    ("missing_root", np.abs(TABLE), np.sqrt(np.abs(TABLE))),
    ("missing_activation", TABLE, np.maximum(TABLE, 0)),
    ("missing_activation", TABLE, np.tanh(TABLE)),
    ("doubled_activation", 1 / (1 + np.exp(-TABLE)), 1 / (1 + np.exp(-1 / (1 + np.exp(-TABLE))))),
    ("log_for_plain", TABLE, np.exp(TABLE)),
    ("missing_softmax", TABLE, softmax(TABLE)),
    ("doubled_softmax", softmax(TABLE), softmax(softmax(TABLE))),
    ("max_for_pmax", TABLE, np.full_like(TABLE, TABLE.max())),
    ("zeros", TABLE, np.zeros_like(TABLE)),
    ("constant", TABLE, np.full_like(TABLE, 0.25)),
    ("nan_pattern", TABLE, np.where(TABLE > 1, np.nan, TABLE)),
    ("rounding", TABLE, TABLE * (1 + 2e-16)),
]


@pytest.mark.parametrize(("name", "a", "b"), ARRAYS, ids=[f"{i}-{case[0]}" for i, case in enumerate(ARRAYS)])
def test_a_mistake_that_shows_in_two_arrays_is_named_first(name, a, b):
    causes = array_causes(a, b, ("Python", "R"))
    assert causes, f"no cause, not {name}"
    assert causes[0].name == name, [cause.name for cause in causes]
    assert causes[0].explains <= 1e-5
    assert array_causes(b, a)[0].name == name, "the other way round"


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("shape", [(1,), (2,), (3,), (40,), (3, 3), (20, 1), (20, 3), (2, 2, 3, 3)])
def test_arrays_that_have_nothing_to_do_with_each_other_have_no_cause(seed, shape):
    random = np.random.default_rng([seed, *shape])
    draws = {
        "normal": lambda: random.normal(size=shape),
        "positive": lambda: random.uniform(0.1, 1, size=shape),
        "whole": lambda: random.integers(-50, 50, size=shape) * 1.0,
        "mask": lambda: (random.random(shape) < 0.7) * 1.0,
    }
    for kind, draw in draws.items():
        a, b = draw(), draw()
        if kind in ("whole", "mask") and a.size < 10:
            continue  # 1 and 2, or 0 and 1, do look as if they had to do with each other
        assert array_causes(a, b, sizes=[75, 20, 3]) == [], f"{kind}: {a} and {b}"


@pytest.mark.parametrize("array", [TABLE, SQUARE, IMAGES, FLAT, VECTOR, np.zeros((30, 4))], ids=lambda x: str(x.shape))
@pytest.mark.parametrize("off", [1e-9, 1e-3, 10.0])
def test_one_element_that_is_off_has_no_cause(array, off):
    changed = array.copy()
    changed[(1,) * array.ndim] += off
    assert array_causes(array, changed) == []


def test_two_elements_in_each_others_places_are_no_mistake_that_is_known():
    changed = TABLE.copy()
    changed[[1, 4], [2, 3]] = TABLE[[4, 1], [3, 2]]
    assert [cause.name for cause in array_causes(TABLE, changed)] in ([], ["elements_permuted"])


def test_what_was_found_by_the_way_is_said():
    (cause, *_) = array_causes(VECTOR, np.r_[VECTOR[:3], VECTOR[5:], RANDOM.normal(size=2)], ("R", "Python"))
    assert cause.explanation.endswith("(by 2, from element 3 on in the order of drawing).")
    assert cause.side == "Python"
    assert "numpy #4530" in cause.reference


def test_what_remains_counts_every_element():
    assert remaining(np.array([1.0, np.nan, np.inf]), np.array([1.5, np.nan, np.inf])) == 0.5
    assert remaining(np.array([1.0, np.nan]), np.array([1.0, 2.0])) == np.inf
    assert remaining(np.array([1.0, np.inf]), np.array([1.0, -np.inf])) == np.inf
    assert remaining(np.ones(2), np.ones(3)) == np.inf
    assert remaining(np.ones(0), np.ones(0)) == 0.0


def guessed_names():
    """The names of causes that the hypotheses write out."""
    names = set()
    for path in PARITY.glob("*hypotheses.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Guess", "guess"):
                first = node.args[0]
                names |= {first.value} if isinstance(first, ast.Constant) else set()
    return names - {""}


def test_every_cause_has_its_explanation_and_every_explanation_its_cause():
    assert guessed_names() <= set(CAUSES)
    paths = [*PARITY.glob("*hypotheses.py"), PARITY / "causes.py", PARITY / "recorded.py"]
    sources = "".join(path.read_text(encoding="utf-8") for path in paths)
    unused = [name for name in CAUSES if f'"{name}"' not in sources]
    assert not unused
    for name, (explanation, reference) in CAUSES.items():
        assert len(explanation) > 10, name
        assert not explanation.endswith("."), name
        assert len(reference) > 10, name


def stranger(folder, f, bias=True):
    """What a stranger's script may record: no model, and no names that mean anything here."""
    random = np.random.default_rng(1)
    x, w, b = random.normal(size=(8, 4)), random.normal(size=(4, 5)), random.normal(size=5)
    with recording(folder):
        record("w", w)
        record("b", b)
        record("x", x)
        record("h", x @ w + b if bias else x @ w)
        record("a", f(x @ w + b))
    return read_trace(folder)


@pytest.mark.parametrize(
    ("name", "key", "f", "g", "bias"),
    [
        ("missing_operation", "step0/a", lambda x: x**3, lambda x: x, True),
        ("missing_activation", "step0/a", relu, lambda x: x, True),
        ("other_activation", "step0/a", relu, np.tanh, True),
        ("softmax_axis", "step0/a", softmax, lambda x: softmax(x.T).T, True),
        ("bias", "step0/h", relu, relu, False),
    ],
)
def test_a_strangers_trace_tells_what_was_recorded_before(tmp_path, name, key, f, g, bias):
    a = stranger(tmp_path / "a", f)
    b = stranger(tmp_path / "b", g, bias)
    diff = diff_traces(a, b)
    assert diff.first.key == key
    causes = find_causes(a, b, diff)
    assert causes[0].name == name, causes


def test_traces_that_agree_or_share_no_tensor_there_have_no_cause(tmp_path):
    a, b = (stranger(tmp_path / name, np.tanh) for name in "ab")
    assert find_causes(a, b, diff_traces(a, b)) == []
    with recording(tmp_path / "c"):
        record("w", a.load("step0/w"))
    c = read_trace(tmp_path / "c")
    diff = diff_traces(a, c)
    assert diff.first.status == "only_a"
    assert find_causes(a, c, diff) == []


def test_tensors_of_different_shapes_may_have_a_cause(tmp_path):
    for name, value in (("a", TABLE), ("b", TABLE.T)):
        with recording(tmp_path / name):
            record("w", value)
    a, b = read_trace(tmp_path / "a"), read_trace(tmp_path / "b")
    diff = diff_traces(a, b)
    assert diff.first.status == "shape"
    assert find_causes(a, b, diff)[0].name == "transposed"
