"""Faults planted on purpose: all are found, at the right tensor, most with the right cause; and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from faults.catalogue import FAULTS, SAMPLE
from faults.mutation import StaleFaultError, mutated, replaced
from faults.runs import settings
from faults.scoreboard import Laboratory, Outcome, clean_experiments, false_alarms
from twinnet.affine import affine_forward
from twinnet.parity.trace import read_trace
from twinnet.parity.trace_diff import diff_traces
from twinnet.record import record, recording

LEAST = 60
RIGHT_ADDRESS, RIGHT_CAUSE = 0.95, 0.80
CLEAN_RUNS = 200


@pytest.fixture(scope="module")
def laboratory(r, tmp_path_factory):
    return Laboratory(r, tmp_path_factory.mktemp("traces"))


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found_at_its_tensor_with_its_cause(laboratory, fault):
    outcome = laboratory.try_fault(fault)
    assert outcome.cause, str(outcome)


@pytest.mark.full
def test_the_scoreboard(laboratory):
    outcomes = [laboratory.try_fault(fault) for fault in FAULTS]
    missed = [str(outcome) for outcome in outcomes if not outcome.detected]
    assert not missed, "\n".join(missed)
    real = [outcome for outcome in outcomes if outcome.fault.at]
    elsewhere = [str(outcome) for outcome in real if not outcome.address]
    assert len(elsewhere) <= (1 - RIGHT_ADDRESS) * len(real), "\n".join(elsewhere)
    otherwise = [str(outcome) for outcome in real if not outcome.cause]
    assert len(otherwise) <= (1 - RIGHT_CAUSE) * len(real), "\n".join(otherwise)


@pytest.mark.full
def test_runs_without_a_fault_raise_no_alarm(laboratory):
    count, alarms = false_alarms(laboratory, clean_experiments())
    assert count >= CLEAN_RUNS
    assert not alarms, "\n".join(alarms)


def test_some_runs_without_a_fault_raise_no_alarm(laboratory):
    runs = [run for run in clean_experiments() if run[0].startswith(("dense, seed", "dropout, seed", "adam, seed"))]
    count, alarms = false_alarms(laboratory, runs)
    assert count == 21
    assert not alarms, "\n".join(alarms)


def test_the_catalogue_has_faults_of_both_languages_in_all_phases():
    real = [fault for fault in FAULTS if fault.at]
    assert len(real) >= LEAST
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    for language in ("R", "Python"):
        ours = [fault for fault in real if fault.language == language]
        assert len(ours) >= len(real) / 3
        for phase in ("init", "data", "forward", "loss", "backward", "update"):
            assert any(f"/{phase}/" in fault.at for fault in ours), f"{language} has no fault in {phase}"
    assert {fault.setting for fault in FAULTS} <= set(settings())
    assert len(SAMPLE) >= 10


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_text_of_a_fault_is_in_the_source(fault):
    changed = replaced(fault.language, fault.stem, fault.old, fault.new)
    if fault.language == "Python":
        compile(changed, fault.stem, "exec")


def test_a_fault_whose_text_is_gone_is_an_error(r):
    with (
        pytest.raises(StaleFaultError, match="affine in Python has this text 0 times"),
        mutated(
            r,
            "Python",
            "affine",
            "out = matmul(x, w) + bias",
            "",
        ),
    ):
        pass
    with (
        pytest.raises(StaleFaultError, match="the fault changes no function of twinnet.affine"),
        mutated(r, "Python", "affine", '"""The affine (fully connected) layer', '"""The affine layer'),
    ):
        pass


def test_a_fault_is_undone(r):
    x, w, b = np.ones((2, 3)), np.ones((3, 4)), np.ones(4)
    with mutated(r, "Python", "affine", "out = matmul(x, w) + b", "out = matmul(x, w)"):
        assert (affine_forward(x, w, b)[0] == 3).all()
    assert (affine_forward(x, w, b)[0] == 4).all()
    with mutated(r, "R", "affine", "rep.int(b, rep.int(nrow(x), length(b)))", "0"):
        assert (r.call("affine_forward", x, w, b)["out"] == 3).all()
    assert (r.call("affine_forward", x, w, b)["out"] == 4).all()


def test_an_outcome_names_the_fault_and_what_was_said():
    text = str(Outcome(FAULTS[0], "step1/forward/relu1.out", ()))
    assert text == (
        "Python affine: the bias is forgotten: at step1/forward/relu1.out: no cause; "
        "wanted step2/forward/affine1.out: missing_bias"
    )


@pytest.mark.parametrize("arithmetic", ["exact", "native"])
def test_one_element_of_a_million_is_found_and_addressed(r, tmp_path, arithmetic):
    values = np.random.default_rng(0).standard_normal((1000, 1000))
    floor = {"step0/big": 1e-13}  # as it is measured for tensors of this size; ten times as much is not noise
    off = 1e-9 if arithmetic == "exact" else 10 * floor["step0/big"]
    changed = values.copy()
    changed[617, 43] += off
    about = {"arithmetic": arithmetic}
    with recording(tmp_path / "python", about=about):
        record("big", changed)
    record_in_r = """function(folder, x, about) with_recording(folder, record("big", x), about = about)"""
    r.call("do.call", r.eval(record_in_r, convert=False), [str(tmp_path / "r"), values, about], convert=False)
    diff = diff_traces(
        read_trace(tmp_path / "r"), read_trace(tmp_path / "python"), floor=None if arithmetic == "exact" else floor
    )
    assert diff.verdict == "different"
    assert diff.first.key == "step0/big"
    assert diff.first.first_index == diff.first.worst_index == (617, 43)
    assert diff.first.over == diff.first.differing == 1
    assert (diff.first.value_a, diff.first.value_b) == (values[617, 43], changed[617, 43])
