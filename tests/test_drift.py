"""The alarm for streams that have drifted: silent with what is installed, and loud when one bit changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from twinnet.datasets import shared_data_path
from twinnet.parity import cli, drift, originals, streams
from twinnet.parity.bridge import BridgeError
from twinnet.parity.drift import StreamDriftWarning, check_streams
from twinnet.parity.originals import MissingOriginalError
from twinnet.parity.streams import STREAMS, draw_original

# In the middle of the proven calls: what comes before still draws the same.
METHODS = {
    "r": "rexp",
    "r-rounding": "sample_int",
    "numpy": "integers",
    "numpy-legacy": "choice",
    "torch": "randperm",
    "python": "sample",
}


def change_one_draw(values: Any) -> Any:
    changed = np.array(values, dtype=np.float64)
    changed.flat[-1] = np.nextafter(changed.flat[-1], np.inf)
    return changed


def drifted(method: str, label: str, change: Any = change_one_draw) -> Any:
    """Return a stand-in for `draw_original` that changes what one method draws."""

    def draw(generator: str, seed: Any, calls: Any) -> Any:
        drawn = draw_original(generator, seed, calls)
        values = [
            change(array) if call.method == method else array for call, array in zip(calls, drawn.values, strict=True)
        ]
        return replace(drawn, values=values, label=label)

    return draw


def test_the_installed_originals_draw_what_was_proven(r: Any) -> None:
    assert [str(warning) for warning in check_streams()] == []
    for name in STREAMS:
        assert check_streams([name]) == [], name


@pytest.mark.parametrize("name", STREAMS)
def test_one_bit_in_one_draw_rings_the_alarm(r: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    title = {"r": "R", "r-rounding": "R", "torch": "PyTorch", "python": "Python"}.get(name, "NumPy")
    monkeypatch.setattr(drift, "draw_original", drifted(METHODS[name], f"{title} 9.9"))
    (warning,) = check_streams([name])
    golden = json.loads(shared_data_path(f"golden/{STREAMS[name].golden}.json").read_text(encoding="utf-8"))
    assert isinstance(warning, StreamDriftWarning)
    assert (warning.stream, warning.method) == (name, METHODS[name])
    assert (warning.installed, warning.proven) == (f"{title} 9.9", f"{title} {golden[STREAMS[name].version_key]}")
    said = f"{STREAMS[name].title} has drifted: {METHODS[name]} of {title} 9.9, which is installed, does not draw what "
    assert str(warning).startswith(said + warning.proven)
    assert "seed 0: " in str(warning)
    with pytest.warns(StreamDriftWarning, match="has drifted"):
        warnings.warn(warning, stacklevel=1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: -np.asarray(values), "instead of"),
        (lambda values: np.ravel(values)[1:], " draws instead of "),
        (lambda values: np.ravel(values)[::-1].copy(), "instead of"),
    ],
)
def test_other_changes_ring_it_too(monkeypatch: pytest.MonkeyPatch, change: Any, said: str) -> None:
    monkeypatch.setattr(drift, "draw_original", drifted("standard_normal", "NumPy 9.9", change))
    (warning,) = check_streams(["numpy"])
    assert warning.method == "standard_normal"
    assert said in str(warning)


@pytest.mark.parametrize("name", STREAMS)
def test_a_new_version_that_draws_the_same_is_silent(r: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(drift, "draw_original", drifted("no method", "Library 99.9"))
    assert check_streams([name]) == []


def test_every_method_is_watched(r: Any) -> None:
    for name, stream in STREAMS.items():
        golden = json.loads(shared_data_path(f"golden/{stream.golden}.json").read_text(encoding="utf-8"))
        watched = {call["method"] for case in golden["cases"] for call in case["calls"]}
        # what is left draws as another one does: randn as standard_normal, R's shuffle as sample, ...
        alike = {"shuffle", "randn", "exponential", "random_"} if name != "python" else set()
        assert set(stream.methods) - alike <= watched, name


class DriftedNumpy(originals.NumpyOriginal):
    """NumPy as it might be one day: another ziggurat."""

    def __init__(self, seed: Any) -> None:
        super().__init__(seed)
        self.label = "NumPy 3.0.0"

    def draw(self, method: str, positional: Any, named: Any) -> Any:
        drawn = super().draw(method, positional, named)
        return -drawn if method == "standard_normal" else drawn


def test_twinnet_draws_warns_of_it(r: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(originals.ORIGINALS, "numpy", DriftedNumpy)
    arguments = ["draws", "--generator", "numpy", "--seed", "42", "--call"]
    assert cli.main([*arguments, "random(2)"]) == 0
    printed = capsys.readouterr()
    said = "Warning: NumPy's default_rng has drifted: standard_normal of NumPy 3.0.0, which is installed, does not "
    assert printed.err.startswith(said)
    assert "EQUAL" in printed.out
    assert cli.main([*arguments, "standard_normal(2)", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "different"
    assert [warning.startswith(said.removeprefix("Warning: ")) for warning in report["warnings"]] == [True]


def test_what_is_not_installed_is_left_out_unless_it_is_asked_for(r: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_r() -> Any:
        raise BridgeError("R was not found")

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(streams, "start_r", no_r)
    monkeypatch.setitem(originals.ORIGINALS, "numpy", DriftedNumpy)
    assert [warning.stream for warning in check_streams()] == ["numpy"]
    with pytest.raises(MissingOriginalError, match="PyTorch is not installed"):
        check_streams(["torch"])
    with pytest.raises(BridgeError, match="R was not found"):
        check_streams(["r"])


def test_an_unknown_generator_is_named() -> None:
    with pytest.raises(ValueError, match='`generator` must be one of "r", .* not "fortran"'):
        check_streams(["fortran"])


def test_pytorch_without_avx2_is_not_taken_for_drift() -> None:
    program = (
        "import torch; from twinnet.parity.drift import check_streams;"
        "print(torch.backends.cpu.get_cpu_capability(), [str(warning) for warning in check_streams(['torch'])])"
    )
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout == "DEFAULT []\n"


def test_a_check_takes_less_than_a_tenth_of_a_second(r: Any) -> None:
    for name in STREAMS:
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            check_streams([name])
            seconds.append(time.perf_counter() - started)
        assert min(seconds) < 0.1, f"{name}: {min(seconds):.3f} s"
