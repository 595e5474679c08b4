"""Exact runs: the same bits of every activation, loss, gradient and parameter in R, NumPy and PyTorch, by checksums."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import twinnet
from twinnet import kernels
from twinnet.checksum import checksum_of_steps, checksum_start, checksum_stop, run_checksum
from twinnet.datasets import load_iris, shared_data_path
from twinnet.exact_check import exact_check
from twinnet.experiment import experiment_data, experiment_override, experiment_read, experiment_variants
from twinnet.kernels import arithmetic_setting, matmul
from twinnet.parity import cli, compare_command
from twinnet.parity.bits import find_parting, first_parted_step
from twinnet.parity.bridge import RError
from twinnet.parity.compare import compare_voices
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice
from twinnet.record import record_read, recording
from twinnet.train import train, train_start
from twins import assert_same_bits

CASES = json.loads(shared_data_path("golden/exact_runs.json").read_text(encoding="utf-8"))["cases"]


def case_name(case: dict[str, Any]) -> str:
    return f"{case['variant']} {case['overrides']}"


def experiment_of(case: dict[str, Any]) -> dict[str, Any]:
    settings = experiment_variants(experiment_read(case["experiment"]))[case["variant"]]
    return experiment_override(settings, **case["overrides"], arithmetic="exact")


def made_voices(name: str, variant: str, overrides: dict[str, Any], keys: tuple[str, ...]) -> list[Any]:
    """Untrained voices of an experiment in exact arithmetic."""
    overrides = {**overrides, "arithmetic": "exact"}
    experiment = experiment_override(experiment_variants(experiment_read(name))[variant], **overrides)
    data = experiment_data(experiment)
    makers = {
        "python": lambda: PythonVoice(experiment, data),
        "r": lambda: RVoice(name, variant, overrides),
        "torch": lambda: TorchVoice(experiment, data),
    }
    return [makers[key]() for key in keys]


@pytest.mark.parametrize("case", CASES, ids=case_name)
def test_python_alone_has_the_golden_checksums(case):
    assert run_checksum(experiment_of(case))["run"] == case["checksum"]


SHORT = [case for case in CASES if case["overrides"]["maxit"] <= 20 and case["experiment"] != "mnist_cnn"]


@pytest.mark.parametrize("case", SHORT, ids=case_name)
def test_pytorch_has_the_golden_checksums(case):
    (voice,) = made_voices(case["experiment"], case["variant"], case["overrides"], ("torch",))
    voice.train(case["overrides"]["maxit"])
    assert checksum_of_steps(voice.checksums) == case["checksum"]


@pytest.mark.full
@pytest.mark.parametrize("generator", ["r", "numpy", "numpy-legacy", "torch"])
@pytest.mark.parametrize("seed", [1, 42, 2026])
def test_seeds_and_generators_agree_in_every_bit(r, seed, generator):
    overrides = {"seed": seed, "generator": generator, "maxit": 300}
    voices = made_voices("iris_dnn", "iris_dnn", overrides, ("r", "python", "torch"))
    for voice in voices:
        voice.train(300)
    assert voices[0].checksums == voices[1].checksums == voices[2].checksums


DENSE = ["iris_dnn", "iris_dnn_two_hidden", "iris_regression", "iris_logistic", "xor_mlp", "notes_2_3_3_1"]
LONG = [(name, name, {}) for name in DENSE]
LONG += [("optimizers_iris", variant, {}) for variant in experiment_variants(experiment_read("optimizers_iris"))]
LONG += [("gradient_methods", variant, {}) for variant in experiment_variants(experiment_read("gradient_methods"))]
LONG += [("overfitting", variant, {"maxit": 50}) for variant in experiment_variants(experiment_read("overfitting"))]
LONG += [(name, name, {"maxit": 20}) for name in ("mnist_mlp", "mnist_cnn", "mnist_cnn_logits", "mnist_cnn_small")]


@pytest.mark.full
@pytest.mark.parametrize(("name", "variant", "overrides"), LONG, ids=str)
def test_whole_runs_agree_in_every_bit(r, name, variant, overrides):
    """All experiments of the course, as long as they are, and the large ones for 20 steps."""
    keys = ("r", "python", "torch")
    experiment = experiment_override(experiment_variants(experiment_read(name))[variant], **overrides)
    voices = made_voices(name, variant, overrides, keys)
    for voice in voices:
        voice.train(int(experiment["maxit"]))
    comparison = compare_voices(variant, {**experiment, "arithmetic": "exact"}, voices[1].data, voices)
    assert comparison.differing_bits == 0
    assert comparison.verdict == "identical"
    assert len(set(comparison.checksums.values())) == 1


def test_compare_says_that_no_bit_differs(r, tmp_path, capsys):
    arguments = ["compare", "iris_dnn", "--maxit", "25", "--arithmetic", "exact", "--with", "r,numpy,torch"]
    assert cli.main([*arguments, "--json", "--output", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] == "identical"
    assert report["differing_bits"] == 0
    assert len({*report["checksums"].values()}) == 1
    assert cli.main([*arguments, "--output", str(tmp_path)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert f"over 25 steps, checksum {report['checksums']['r']}." in shown


def test_a_single_bit_is_found(r, monkeypatch, tmp_path, capsys):
    """One bit of one activation in R, at one step: the verdict is different, and says where."""
    r.eval(
        """local({
          originals <- list(record = twinnet:::record, record_step = twinnet:::record_step)
          options(twinnet_originals = originals)
          step <- 0
          assignInNamespace("record_step", function(step) {
            step <<- step
            originals$record_step(step)
          }, "twinnet")
          assignInNamespace("record", function(name, x, of = "") {
            if (step == 3 && identical(c(name, of), c("out", "relu1"))) {
              x[2, 4] <- x[2, 4] + 2^-52 * max(1, x[2, 4])
            }
            originals$record(name, x, of)
          }, "twinnet")
        })""",
        convert=False,
    )
    try:
        arguments = ["compare", "iris_dnn", "--maxit", "5", "--arithmetic", "exact", "--with", "numpy,r"]
        status = cli.main([*arguments, "--output", str(tmp_path), "--json"])
    finally:
        r.eval(
            """for (name in c("record", "record_step")) {
              assignInNamespace(name, getOption("twinnet_originals")[[name]], "twinnet")
            }""",
            convert=False,
        )
    report = json.loads(capsys.readouterr().out)
    assert status == 1
    assert report["verdict"] == "different"
    assert report["differing_bits"] >= 1
    assert report["partings"]["r"]["step"] == 3
    assert report["partings"]["r"]["place"] == "step3/forward/relu1.out[1, 3]"


def test_runs_of_different_weights_part_at_once(r):
    makers = [lambda seed=seed: made_voices("iris_dnn", "iris_dnn", {"seed": seed}, ("python",))[0] for seed in (1, 2)]
    parting = find_parting(1, *makers)
    assert parting.place == "step1/forward/affine1.out[0, 0]"
    assert parting.values[0] != parting.values[1]
    assert find_parting(1, makers[0], makers[0]) is None


def test_where_checksums_part():
    assert first_parted_step(["a", "b"], ["a", "b"]) == 0
    assert first_parted_step(["a", "b", "c"], ["a", "x", "y"]) == 2
    assert first_parted_step(["a", "b"], ["a"]) == 2


def test_a_checksum_is_the_md5_of_the_numbers(r):
    """As the head of checksum says, by hand."""
    from hashlib import md5

    experiment = experiment_override(experiment_read("iris_dnn"), maxit=2, arithmetic="exact")
    sums = run_checksum(experiment)
    theirs = r.eval("run_checksum(experiment_override(experiment_read('iris_dnn'), maxit = 2, arithmetic = 'exact'))")
    assert sums["steps"] == theirs["steps"].tolist()
    assert sums["run"] == theirs["run"].item() == r.call("checksum_of_steps", sums["steps"]).item()
    assert sums["run"] == md5("".join(f"{step}\n" for step in sums["steps"]).encode()).hexdigest()


def test_a_recording_goes_on_while_it_is_summed_up(tmp_path):
    experiment = experiment_override(experiment_read("iris_dnn"), maxit=2, arithmetic="exact")
    data = experiment_data(experiment)
    with recording(tmp_path):
        run = train_start(experiment)
        checksum_start()
        train(experiment, data, run, 2)
        sums = checksum_stop()
    assert sums == run_checksum(experiment)
    assert record_read(tmp_path, "step2/forward/relu1.out").shape == (75, 6)


def test_pieces_of_a_run_have_the_checksums_of_the_whole():
    whole, pieces = (made_voices("iris_dnn", "iris_dnn", {}, ("python",))[0] for _ in range(2))
    whole.train(7)
    for steps in (1, 4, 2):
        pieces.train(steps)
    assert whole.checksums == pieces.checksums
    assert len(whole.checksums) == 7


def test_the_arithmetic_is_what_the_context_says():
    assert arithmetic_setting() == "native"
    with twinnet.arithmetic("exact"):
        assert arithmetic_setting() == "exact"
        with twinnet.arithmetic("native"):
            assert arithmetic_setting() == "native"
        assert arithmetic_setting() == "exact"
    with pytest.raises(ZeroDivisionError), twinnet.arithmetic("exact"):
        _ = 1 / 0
    assert arithmetic_setting() == "native"
    with pytest.raises(ValueError, match="`arithmetic` must be one of"):
        twinnet.arithmetic("nearly")


def test_the_arithmetic_in_r_is_what_the_context_says(r):
    seen = r.eval("""
        seen <- list(arithmetic_setting(), getOption("matprod"))
        note <- function() seen <<- c(seen, arithmetic_setting(), getOption("matprod"))
        with_arithmetic("exact", {
          with_arithmetic("exact", note())
          with_arithmetic("native", note())
          note()
        })
        try(with_arithmetic("native", with_arithmetic("native", stop("inside"))), silent = TRUE)
        note()
        unlist(seen)
    """)
    outside = ["native", "default"]
    assert list(seen) == [*outside, "exact", "default", "native", "blas", "exact", "default", *outside]
    for unknown in ('"nearly"', '""', "NULL", "NA_character_"):
        with pytest.raises(RError, match="`arithmetic` must be one of"):
            r.eval(f"with_arithmetic({unknown}, 1)")


def test_the_kernels_are_the_exact_ones_within_the_context(r):
    g = np.random.default_rng(0)
    a, b = g.standard_normal((50, 40)), g.standard_normal((40, 30))
    native = matmul(a, b)
    with twinnet.arithmetic("exact"):
        exact = matmul(a, b)
    assert (native != exact).any()
    r.eval("matmul_in_exact <- function(a, b) with_arithmetic('exact', matmul(a, b))", convert=False)
    assert_same_bits(exact, r.call("matmul_in_exact", a, b), "the product")


def test_train_dnn_calculates_as_the_context_says(r):
    iris = load_iris()
    with twinnet.arithmetic("exact"):
        model = twinnet.train_dnn(traindata=iris, maxit=20, display=0)
    theirs = r.eval("""with_arithmetic("exact", train_dnn(traindata = iris, maxit = 20, display = 0))""", convert=False)
    assert model.experiment["arithmetic"] == "exact"
    assert_same_bits(model.run["loss"], r.from_r(r.eval("function(m) m$run$loss", convert=False)(theirs)), "losses")
    x = np.column_stack([iris[name] for name in model.inputs])
    in_r = r.from_r(r.eval("function(m) unname(predict(m, iris, type = 'prob'))", convert=False)(theirs))
    assert_same_bits(model.predict(x, type="prob"), in_r, "probabilities")


def add_towards_zero(x, y):
    z = x + y
    return np.where((np.abs(z) > np.abs(x)) & (np.abs(y) < np.abs(x)), x, z)


def add_twice_rounded(x, y):
    """In 64 bits of precision, then in 53."""
    return (np.longdouble(x) + np.longdouble(y)).astype(np.float64)


def flushed(x, y):
    z = x * y
    return np.where(np.abs(z) < 2.0**-1022, 0.0, z)


def with_more_bits(x, y):
    return np.where(x * y == 1.0 + 2.0**-29, 1.0 + 2.0**-29 + 2.0**-52, x * y)


def in_float32(a, b, dot=np.dot):
    return dot(a.astype(np.float32), b.astype(np.float32)).astype(np.float64)


FAULTS = {
    "not rounded to the nearest": (add_towards_zero, np.multiply, np.dot),
    "rounded twice": (add_twice_rounded, np.multiply, np.dot),
    "flushed to zero": (np.add, flushed, np.dot),
    "products are not rounded": (np.add, with_more_bits, np.dot),
    "the BLAS rounds where it need not": (np.add, np.multiply, in_float32),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_arithmetic_is_named(fault):
    exact_check(np.add, np.multiply, np.dot)
    with pytest.raises(RuntimeError, match=f"There is no exact arithmetic on this machine: .*{fault}"):
        exact_check(*FAULTS[fault])


def test_exact_arithmetic_is_refused_where_it_would_not_be(monkeypatch):
    monkeypatch.setattr(kernels.np, "dot", in_float32)
    kernels.kernels_of.cache_clear()
    with pytest.raises(RuntimeError, match="the BLAS rounds where it need not"):
        twinnet.arithmetic("exact")
    monkeypatch.undo()
    with twinnet.arithmetic("exact"):
        pass


def test_r_names_the_fault_too(r):
    with pytest.raises(RError, match="the BLAS rounds where it need not"):
        r.eval("exact_check(`+`, `*`, function(a, b) (a %*% b) * (1 + 2^-52))")


def test_pytorch_is_asked_for_what_it_has():
    """Average pools have no exact counterpart in PyTorch's voice."""
    from twinnet.torch_twin.exact import ExactNetwork

    with pytest.raises(ValueError, match="`type` must be one of"):
        ExactNetwork([{"name": "pool1", "type": "average_pool2d", "size": 2}])
    assert compare_command.VOICES == ("r", "python", "torch")
