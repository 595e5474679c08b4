"""Arithmetic r: NumPy gives the bits of base R's own functions, and a course's R code those of its twin in Python."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from bit_patterns import assert_same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from lesson_a import LETTERS, lesson_a, unpacked
from twinnet import base_r, kernels
from twinnet.experiment import experiment_data, experiment_override, experiment_read, experiment_variants
from twinnet.parity.bridge import RError
from twinnet.parity.compare import compare_voices
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice
from twinnet.train import train, train_start

HERE = Path(__file__).parent
PRODUCTS = {"matmul": ("n k", "k m"), "matmul_tn": ("k n", "k m"), "matmul_nt": ("n k", "m k")}
SUMS = ("array_sum", "column_sums", "row_sums", "row_maxima")
FUNCTIONS = ("array_exp", "array_log", "array_log1p", "array_tanh")
POSITIVE_EDGES = [
    0.0,
    5e-324,
    1e-310,
    2.0**-1022,
    1e-17,
    0.5,
    1,
    2,
    36,
    709.78,
    709.782712893384,
    709.7827128933841,
    710,
]
EDGES = [sign * x for x in [*POSITIVE_EDGES, 745.1, 745.2, 746, 1e300, np.inf] for sign in (1, -1)] + [np.nan]


@pytest.fixture(scope="session")
def reference_blas():
    """The environment in which R runs on the reference BLAS. Without that this fails: a skip would prove nothing."""
    found = sorted(Path("/usr/lib").glob("*/blas/libblas.so.3")) + sorted(Path("/usr/lib64").glob("libblas.so.3"))
    assert found, "There is no reference BLAS: install it (Debian and Ubuntu: libblas3; Fedora: blas)."
    return {**os.environ, "R_LD_LIBRARY_PATH": str(found[0].parent)}


def run_r(arguments, environment):
    """What an R program prints, run by itself in an environment."""
    return subprocess.run(["Rscript", *arguments], env=environment, capture_output=True, text=True, check=True).stdout


def in_r(r, setting, name, *arguments):
    """What a kernel of R gives under a setting."""
    call = r.eval("function(setting, name, ...) with_arithmetic(setting, match.fun(name)(...))", convert=False)
    return r.from_r(call(*(r.to_r(value) for value in (setting, name, *arguments))))


def wide(*shape, seed=0):
    """Numbers of both signs and very different sizes, zeros of both signs among them."""
    rng = np.random.default_rng([seed, *shape])
    x = rng.standard_normal(shape) * 10.0 ** rng.integers(-20, 20, shape)
    return np.where(rng.random(shape) < 0.1, np.copysign(0.0, x), x)


# --- the course's own code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 42])
def test_the_lessons_own_code_on_the_reference_blas_and_its_twin_agree_in_every_bit(reference_blas, tmp_path, seed):
    written = tmp_path / "lesson_a.bin"
    blas = run_r([str(HERE / "lesson_a.R"), str(seed), "2000", str(written)], reference_blas)
    assert Path(blas).parent == Path(reference_blas["R_LD_LIBRARY_PATH"]), "R runs on another BLAS"
    theirs = unpacked(np.fromfile(written), 2000)
    ours, native = lesson_a(seed, 2000), lesson_a(seed, 2000, "native")
    for key in LETTERS:
        assert_same_bits(ours[key], theirs[key], f"{key}, seed {seed}")
    assert any((native[key] != theirs[key]).any() for key in LETTERS), "native arithmetic gives other bits"


def test_the_packages_weights_are_the_lessons_and_its_losses_within_a_rounding():
    """The package takes log p from the scores, z - log sum exp z; the lesson takes the logarithm of the quotient."""
    lesson = lesson_a(1, 2000)
    experiment = experiment_override(experiment_read("iris_dnn"), arithmetic="r")
    run = train(experiment, experiment_data(experiment), train_start(experiment), 2000)
    for key, value in zip(LETTERS[1:], run["params"].values(), strict=True):
        assert_same_bits(value, lesson[key], key)
    assert (np.abs(run["loss"] - lesson["losses"]) <= 2.0**-52).all()


# --- kernels --------------------------------------------------------------------------------------------------------


def factors(name, n, k, m, seed=0):
    sizes = {"n": n, "k": k, "m": m}
    return [
        wide(*(sizes[letter] for letter in shape.split()), seed=[seed, i]) for i, shape in enumerate(PRODUCTS[name])
    ]


@pytest.mark.parametrize("name", PRODUCTS)
@pytest.mark.parametrize(
    "sizes", [(75, 4, 6), (1, 200, 7), (7, 200, 1), (1, 1, 1), (3, 0, 2), (2, 20000, 3), (0, 3, 2)]
)
def test_products_agree_in_every_bit(r, name, sizes):
    a, b = factors(name, *sizes)
    with kernels.arithmetic("r"):
        assert_same_bits(getattr(kernels, name)(a, b), in_r(r, "r", name, a, b), f"{name}, {sizes}")


@given(n=st.integers(1, 9), k=st.integers(1, 40), m=st.integers(1, 9), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_any_products_and_sums_agree_in_every_bit(r, n, k, m, seed):
    with kernels.arithmetic("r"):
        for name in PRODUCTS:
            a, b = factors(name, n, k, m, seed)
            assert_same_bits(getattr(kernels, name)(a, b), in_r(r, "r", name, a, b), f"{name}({n}, {k}, {m}), {seed}")
        for name in SUMS:
            x = np.asfortranarray(wide(n, m, seed=seed))
            assert_same_bits(np.ravel(getattr(kernels, name)(x)), in_r(r, "r", name, x), f"{name}({n}, {m}), {seed}")


@pytest.mark.parametrize("shape", [(75, 3), (10000, 3), (1, 1), (1, 50), (3, 1), (2, 0)])
def test_sums_agree_in_every_bit(r, shape):
    x, y = wide(*shape), wide(*shape, seed=1)
    with kernels.arithmetic("r"):
        for name in SUMS[: 3 if 0 in shape else 4]:
            assert_same_bits(np.ravel(getattr(kernels, name)(x)), in_r(r, "r", name, x), f"{name}, {shape}")
        assert_same_bits(kernels.sum_of_products(x, y), in_r(r, "r", "sum_of_products", x, y).item(), f"{shape}")


def test_a_long_sum_is_not_numpys(r):
    x = np.random.default_rng(0).standard_normal(10000)
    assert base_r.r_array_sum(x) == r.call("sum", x).item() != float(x.sum())


@pytest.mark.filterwarnings("ignore:NaNs produced")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree_in_every_bit(r, name):
    rng = np.random.default_rng(1)
    x = np.concatenate([EDGES, 100 * rng.standard_normal(5000), 10.0 ** rng.uniform(-320, 300, 5000), wide(2000)])
    with kernels.arithmetic("r"):
        ours, theirs = getattr(kernels, name)(x), in_r(r, "r", name, x)
    assert (np.isnan(ours) == np.isnan(theirs)).all()
    assert_same_bits(np.nan_to_num(ours, nan=0.0, posinf=np.inf), np.nan_to_num(theirs, nan=0.0, posinf=np.inf), name)


def test_rs_products_are_those_of_its_operators_on_the_reference_blas(reference_blas):
    code = """
      source(commandArgs(TRUE)[[1]])
      set.seed(1)
      for (s in list(c(75, 4, 6), c(4, 75, 6), c(1, 200, 7), c(7, 200, 1), c(100, 784, 20), c(1, 5, 1))) {
        a <- matrix(rnorm(s[1] * s[2]), s[1])
        b <- matrix(rnorm(s[2] * s[3]), s[2])
        same <- c(identical(r_matmul(a, b), a %*% b), identical(r_matmul_tn(t(a), b), crossprod(t(a), b)),
                  identical(r_matmul_nt(a, t(b)), tcrossprod(a, t(b))))
        cat(s, same, "\\n")
      }"""
    printed = run_r(["-e", code, str(HERE.parent / "r" / "R" / "base_r.R")], reference_blas)
    assert printed.count("TRUE") == 18, printed


# --- where it is not to be had --------------------------------------------------------------------------------------


def reversed_product(a, b):
    return base_r.r_matmul(a[:, ::-1], b[::-1])


@pytest.mark.parametrize(
    ("accumulate", "matmul", "in_rs_words", "fault"),
    [
        (np.sum, base_r.r_matmul, "function(x) Reduce(`+`, x), r_matmul", "long sums have not the 64 significant bits"),
        (
            base_r.r_array_sum,
            reversed_product,
            "sum, function(a, b) r_matmul(a[, 11:1], b[11:1, ])",
            "products of matrices do not add in the order of the inner index",
        ),
    ],
)
def test_a_machine_that_calculates_otherwise_is_refused_with_the_reason(r, accumulate, matmul, in_rs_words, fault):
    with pytest.raises(RuntimeError, match=fault) as ours:
        base_r.r_check(accumulate, matmul)
    with pytest.raises(RError) as theirs:
        r.eval(f"r_check({in_rs_words})")
    assert theirs.value.message == str(ours.value)


def test_this_machine_is_not_refused(r):
    base_r.r_check(base_r.r_array_sum, base_r.r_matmul)
    assert r.eval("r_check(sum, r_matmul)") is None


def test_pytorch_has_no_such_arithmetic():
    experiment = experiment_override(experiment_read("iris_dnn"), arithmetic="r")
    with pytest.raises(ValueError, match='`arithmetic` must be native or exact, where PyTorch is .* not "r"'):
        TorchVoice(experiment, experiment_data(experiment))


def test_the_setting_is_named_and_ends_with_its_block(r):
    with kernels.arithmetic("r"):
        assert kernels.arithmetic_setting() == "r"
        with kernels.arithmetic("exact"):
            assert kernels.arithmetic_setting() == "exact"
        assert kernels.arithmetic_setting() == "r"
    assert kernels.arithmetic_setting() == "native"
    theirs = r.eval("""c(
      with_arithmetic("r", c(with_arithmetic("exact", arithmetic_setting()), arithmetic_setting())),
      arithmetic_setting()
    )""")
    assert theirs.tolist() == ["exact", "r", "native"]


# --- whole runs -----------------------------------------------------------------------------------------------------

SMALL = ["iris_dnn", "iris_dnn_two_hidden", "iris_regression", "iris_logistic", "xor_mlp", "notes_2_3_3_1"]
SMALL += ["gradient_methods", "optimizers_iris"]
LONG = [(name, 2000) for name in SMALL] + [("mnist_mlp", 5), ("mnist_cnn_small", 5), ("overfitting", 5)]
RUNS = [(name, 30) for name in SMALL] + [pytest.param(*run, marks=pytest.mark.full) for run in LONG]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "maxit"), RUNS)
def test_r_and_numpy_train_to_the_same_bits(r, name, maxit, dtype):
    overrides = {"arithmetic": "r", "dtype": dtype, "maxit": maxit}
    for variant, chosen in list(experiment_variants(experiment_read(name)).items())[:8]:
        if "source" in chosen["init"]:
            continue
        experiment = experiment_override(chosen, **overrides)
        data = experiment_data(experiment)
        data = {
            key: value[:200] if key.endswith("_test") and value is not None else value for key, value in data.items()
        }
        voices = [RVoice(name, variant, overrides), PythonVoice(experiment, data)]
        for voice in voices:
            voice.train(maxit)
        assert_same_bits(voices[0].loss, voices[1].loss, f"losses of {variant}")
        for key, value in voices[1].params.items():
            assert_same_bits(voices[0].params[key], value, f"{key} of {variant}")


def test_a_comparison_calls_it_identical(r):
    overrides = {"arithmetic": "r", "maxit": 20}
    experiment = experiment_override(experiment_read("iris_dnn"), **overrides)
    data = experiment_data(experiment)
    voices = [RVoice("iris_dnn", "iris_dnn", overrides), PythonVoice(experiment, data)]
    for voice in voices:
        voice.train(20)
    assert compare_voices("iris_dnn", experiment, data, voices).verdict == "identical"
