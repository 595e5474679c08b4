"""The comparison of traces: whatever differs is found, element by element, and addressed; what does not is not."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from twinnet.parity.trace import Trace, TraceError, read_trace
from twinnet.parity.trace_diff import NOISE_LIMIT, PIECE, diff_arrays, diff_traces
from twinnet.record import record, record_phase, record_step, recording


def written(folder, tensors, **about) -> Trace:
    """A trace of tensors by "step/phase/name"."""
    with recording(folder, about=about):
        for key, value in tensors.items():
            step, phase, name = key.split("/")
            record_step(int(step))
            record_phase(phase)
            record(name, value)
    return read_trace(folder)


def pair(tmp_path, a, b, **about):
    return written(tmp_path / "a", a, **about), written(tmp_path / "b", b, **about)


def changed(x, index, value):
    y = x.copy()
    y[index] = value
    return y


X = np.random.default_rng(0).standard_normal((50, 7))


def test_a_trace_is_identical_to_itself(tmp_path):
    a, b = pair(tmp_path, {"1/f/x": X, "1/f/y": X[0]}, {"1/f/x": X.copy(order="F"), "1/f/y": X[0]})
    diff = diff_traces(a, b)
    assert diff.verdict == "identical"
    assert diff.first is None
    assert diff.counts() == {"identical": 2}
    assert diff.notes == ()


def test_one_element_of_a_million_is_found_in_exact_arithmetic_with_its_address(tmp_path):
    x = np.random.default_rng(1).standard_normal((100, 10, 1000))
    y = np.asfortranarray(changed(x, (37, 4, 567), x[37, 4, 567] + 1e-9))
    a, b = pair(tmp_path, {"3/forward/conv1.out": x}, {"3/forward/conv1.out": y}, arithmetic="exact")
    diff = diff_traces(a, b)
    assert diff.verdict == "different"
    first = diff.first
    assert (first.key, first.first_index) == ("step3/forward/conv1.out", (37, 4, 567))
    assert (first.differing, first.over, first.size) == (1, 1, 1_000_000)
    assert first.value_a == x[37, 4, 567]
    assert first.value_b == y[37, 4, 567]
    assert first.max_abs == abs(first.value_a - first.value_b)
    assert first.max_rel == first.max_abs / max(abs(first.value_a), abs(first.value_b))


def test_one_element_of_a_million_at_ten_times_the_floor_is_found_among_rounding(tmp_path):
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1000, 1000))
    floor = 1e-15
    noisy = x + floor * rng.uniform(-1, 1, x.shape)
    y = changed(noisy, (3, 500), x[3, 500] + 10 * floor)
    a, b = pair(tmp_path, {"1/f/x": x, "1/f/z": x}, {"1/f/x": noisy, "1/f/z": y})
    diff = diff_traces(a, b, floor={"step1/f/x": floor, "step1/f/z": floor})
    assert [tensor.status for tensor in diff.tensors] == ["within", "different"]
    assert diff.first.first_index == (3, 500)
    assert diff.first.over == 1
    assert diff.first.floor_ratio == pytest.approx(10, rel=0.5)
    assert diff.first.floor_ratio > NOISE_LIMIT


@pytest.mark.parametrize("seed", range(12))
def test_figures_are_those_of_the_plain_formulas(seed):
    rng = np.random.default_rng(seed)
    shape = [(50,), (PIECE + 3,), (300, 401), (7, 300, 61), (2, 3, 4), (1, 150000)][seed % 6]
    x = rng.standard_normal(shape)
    y = np.where(rng.random(shape) < 0.3, x * (1 + 1e-15 * rng.integers(-9, 9, shape)), x)
    limit = np.abs(x - y).max() / 2
    found = diff_arrays("x", x, np.asfortranarray(y) if seed > 5 else y, limit)
    apart = np.abs(x - y)
    assert found.differing == int((x != y).sum())
    assert found.over == int((apart > limit).sum())
    assert found.max_abs == apart.max()
    assert found.max_rel == (apart / np.maximum(np.abs(x), np.abs(y))).max()
    assert found.scale == max(np.abs(x).max(), np.abs(y).max())
    assert found.worst_index == np.unravel_index(apart.argmax(), shape) or apart[found.worst_index] == apart.max()
    assert apart[found.first_index] > limit
    assert (found.value_a, found.value_b) == (x[found.first_index], y[found.first_index])
    if x.size <= PIECE:
        assert found.first_index == tuple(np.argwhere(apart > limit)[0])
    steps = np.abs(x.view(np.int64) - y.view(np.int64))  # no signs change here
    assert found.max_ulp == steps.max()


@pytest.mark.parametrize(
    ("u", "v", "steps"),
    [
        (1.0, np.nextafter(1.0, 2), 1),
        (0.0, -0.0, 0),
        (5e-324, -5e-324, 2),
        (1.0, -1.0, 2 * 0x3FF0000000000000),
        (np.float32(1), np.float32(1) + np.float32(2**-23), 1),
        (1.0, np.float32(1) + np.float32(2**-22), 2),
        (np.inf, np.finfo(float).max, 1),
    ],
)
def test_ulps_count_the_numbers_in_between(u, v, steps):
    found = diff_arrays("x", np.asarray([u]), np.asarray([v]))
    assert found.max_ulp == steps
    assert found.differing == 1


def test_equal_nans_are_equal_and_said_and_a_lone_one_is_infinitely_far(tmp_path):
    x = changed(X, (0, 1), np.nan)
    other = np.array([0x7FF8000000000123], dtype=np.uint64).view(np.float64)[0]  # another NaN
    a, b = pair(tmp_path, {"1/f/x": x, "1/f/y": X}, {"1/f/x": changed(X, (0, 1), other), "1/f/y": x})
    diff = diff_traces(a, b)
    assert diff.tensors[0].status == "identical"
    assert diff.tensors[0].nan == 1
    assert "NaN on both sides, first in step1/f/x" in diff.notes[0]
    first = diff.first
    assert first.key == "step1/f/y"
    assert first.first_index == (0, 1)
    assert first.max_abs == math.inf
    assert math.isnan(first.value_b)


def test_infinities_of_one_sign_are_equal_and_of_two_are_not():
    x = np.asarray([np.inf, -np.inf, np.inf])
    found = diff_arrays("x", x, np.asarray([np.inf, -np.inf, -np.inf]))
    assert (found.differing, found.first_index, found.max_abs) == (1, (2,), math.inf)


def test_shapes_are_compared_before_values_and_never_broadcast(tmp_path):
    a, b = pair(tmp_path, {"1/f/x": np.ones((3, 1)), "1/f/y": X}, {"1/f/x": np.ones(3), "1/f/y": X + 1})
    diff = diff_traces(a, b)
    assert diff.first.status == "shape"
    assert (diff.first.shape_a, diff.first.shape_b) == ((3, 1), (3,))
    assert [tensor.status for tensor in diff.tensors] == ["shape", "different"]


def test_other_dtypes_are_said_and_their_numbers_count(tmp_path):
    a, b = pair(
        tmp_path,
        {"1/f/labels": np.asarray([1, 2]), "1/f/mask": np.asarray([True, False]), "1/f/x": X},
        {"1/f/labels": np.asarray([1.0, 2.0]), "1/f/mask": np.asarray([1, 1]), "1/f/x": X.astype(np.float32)},
    )
    diff = diff_traces(a, b)
    assert [tensor.status for tensor in diff.tensors] == ["dtype", "different", "within"]
    assert "3 tensors are of other dtypes" in diff.notes[0]
    assert diff_traces(a, b, tolerance=1e-12).tensors[2].status == "different"


def test_large_whole_numbers_are_not_rounded_together():
    found = diff_arrays("x", np.asarray([2**62]), np.asarray([2**62 + 1]))
    assert (found.differing, found.max_abs, found.max_ulp) == (1, 1.0, 1)


def test_keys_of_one_side_are_found_where_they_would_stand(tmp_path):
    a, b = pair(
        tmp_path,
        {"1/f/x": X, "1/f/only here": X, "1/f/z": X},
        {"1/f/first": X, "1/f/x": X, "1/f/y": X, "1/f/z": X},
    )
    diff = diff_traces(a, b)
    found = [(tensor.key, tensor.status) for tensor in diff.tensors]
    assert found == [
        ("step1/f/first", "only_b"),
        ("step1/f/x", "identical"),
        ("step1/f/y", "only_b"),
        ("step1/f/only here", "only_a"),
        ("step1/f/z", "identical"),
    ]
    assert diff.verdict == "different"
    assert diff.notes == ("Only A has step1/f/only here.", "Only B has step1/f/first, step1/f/y.")


def test_runs_of_other_lengths_are_said(tmp_path):
    a, b = pair(tmp_path, {f"{i}/f/x": X for i in range(1, 6)}, {f"{i}/f/x": X for i in range(1, 4)})
    diff = diff_traces(a, b)
    assert "5 steps in A, 3 in B" in diff.notes[0]
    assert diff.first.key == "step4/f/x"
    assert diff.first.status == "only_a"


def test_another_order_of_execution_is_said(tmp_path):
    a, b = pair(tmp_path, {"1/f/x": X, "1/f/y": X}, {"1/f/y": X, "1/f/x": X})
    diff = diff_traces(a, b)
    assert diff.verdict == "identical"
    assert "step1/f/x comes before step1/f/y in A" in diff.notes[0]


def test_names_can_be_mapped(tmp_path):
    a, b = pair(tmp_path, {"1/f/out": X, "1/f/z": X}, {"1/f/output": X, "1/f/zeta": X})
    diff = diff_traces(a, b, names={"out": "output", "step1/f/z": "step1/f/zeta"})
    assert diff.verdict == "identical"
    assert diff.renamed == {"step1/f/out": "step1/f/output", "step1/f/z": "step1/f/zeta"}


def test_all_tensors_are_checked_and_the_growth_is_kept(tmp_path):
    def run(size):
        return {f"{i}/f/x": X + (size * 10.0**i if i > 1 else 0) for i in range(1, 6)}

    a, b = pair(tmp_path, run(0.0), run(1e-8))
    diff = diff_traces(a, b)
    assert [tensor.status for tensor in diff.tensors] == ["identical", *["different"] * 4]
    growth = diff.growth
    assert growth[0] == 0
    assert all(2 < later / earlier < 50 for earlier, later in pairwise(growth[1:]))
    assert list(diff.growth_by_step) == [1, 2, 3, 4, 5]


def test_the_tolerance_asked_for_counts_even_in_exact_arithmetic_and_beside_a_floor(tmp_path):
    y = changed(X, (4, 4), X[4, 4] + 1e-7)
    a, b = pair(tmp_path, {"1/f/x": X}, {"1/f/x": y}, arithmetic="exact")
    assert diff_traces(a, b).verdict == "different"
    assert diff_traces(a, b, tolerance=1e-6).verdict == "within"
    assert diff_traces(a, b, tolerance=1e-6, floor={"step1/f/x": 1e-16}).verdict == "within"
    assert diff_traces(a, b, tolerance=0).verdict == "different"


def test_a_floor_of_zero_allows_nothing(tmp_path):
    a, b = pair(tmp_path, {"1/f/x": X}, {"1/f/x": changed(X, (0, 0), np.nextafter(X[0, 0], 9))})
    diff = diff_traces(a, b, floor={"step1/f/x": 0.0})
    assert diff.verdict == "different"
    assert diff.first.floor_ratio == math.inf


def test_remainders_of_sums_that_cancel_are_no_difference(tmp_path):
    a, b = pair(tmp_path, {"1/f/x": X * 1e-19}, {"1/f/x": X[::-1] * 1e-19})
    assert diff_traces(a, b).verdict == "within"


def test_traces_that_cannot_be_compared_are_refused(tmp_path):
    a, empty = pair(tmp_path, {"1/f/x": X}, {})
    with pytest.raises(TraceError, match="b: the trace is empty"):
        diff_traces(a, empty)
    other = written(tmp_path / "c", {"1/f/y": X})
    with pytest.raises(TraceError, match=r"share no tensor.*step1/f/x.*step1/f/y"):
        diff_traces(a, other)


def test_empty_tensors_are_equal(tmp_path):
    a, b = pair(tmp_path, {"1/f/x": np.empty((0, 3))}, {"1/f/x": np.empty((0, 3))})
    assert diff_traces(a, b).verdict == "identical"
