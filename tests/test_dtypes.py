"""float32: R, which has doubles only, gives NumPy's bits in every operation, and no layer, loss or optimizer leaves it.

Sums, products of matrices, exp, log and tanh round differently from library to library: native, they are compared
within a stated number of float32's epsilons (2^-23), and bit by bit in the other kinds of arithmetic.
"""

from __future__ import annotations

import inspect
import operator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twinnet import activations, conv2d, dropout, kernels, labels, losses, pooling, softmax
from twinnet.dtypes import DTYPES, as_dtype, dtype_of
from twinnet.experiment import experiment_data, experiment_override, experiment_read
from twinnet.gradient_check import gradient_check
from twinnet.optimizers import OPTIMIZERS, optimizer_check, optimizer_init, optimizer_step
from twinnet.parity.compare import TOLERANCES, compare_voices
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice
from twinnet.problems import batch_inputs
from twinnet.record import record_read, recording
from twinnet.train import loss_and_gradients, train, train_start

F32 = np.float32
EPS = 2.0**-23
SCALARS = [0.1, 1e-3, 1.0, -3.0, 1e-46, 1e39, 16777217.0]
EDGES = [
    0.0,
    1e-45,
    2.0**-149 * 3,
    1e-40,
    2.0**-126,
    1e-20,
    1 / 3,
    1.0,
    1 + EPS,
    16777215.0,
    1e20,
    3.4028235e38,
    np.inf,
]
R_OPERATIONS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/"}


def normal32(*shape, seed=0, scale=1.0):
    return (scale * np.random.default_rng([seed, *shape]).standard_normal(shape)).astype(F32)


def assert_same_float32(python, r, what):
    """Assert that both are float32 arrays of one shape with the same 32 bits in every element; any NaN is NaN."""
    a, b = np.asarray(python), np.asarray(r)
    assert a.dtype == F32, f"{what}: {a.dtype} in Python"
    assert b.dtype == F32, f"{what}: {b.dtype} from R"
    b = b.reshape(a.shape) if a.ndim == 0 else b
    assert a.shape == b.shape, f"{what}: shape {a.shape} in Python, {b.shape} in R"
    differs = (bits(a) != bits(b)) & ~(np.isnan(a) & np.isnan(b))
    if differs.any():
        at = tuple(int(i) for i in np.argwhere(differs)[0])
        raise AssertionError(
            f"{what}: {differs.sum()} of {a.size} differ, first {at}: {a[at]!r} in Python, {b[at]!r} in R"
        )


def bits(x):
    return np.ascontiguousarray(x).view(np.uint32).reshape(x.shape)


def assert_close_float32(python, r, what, epsilons, terms=0.0):
    """Assert that both are float32 arrays, elementwise within some epsilons of the largest element.

    Where even the largest is what sums that cancel leave, `terms` says of what size their terms were.
    """
    a, b = np.asarray(python), np.asarray(r)
    assert a.dtype == b.dtype == F32, f"{what}: {a.dtype} in Python, {b.dtype} from R"
    b = b.reshape(a.shape) if a.ndim == 0 else b
    assert a.shape == b.shape, f"{what}: shape {a.shape} in Python, {b.shape} in R"
    apart = np.abs(a.astype(float) - b.astype(float))
    allowed = epsilons * EPS * max(np.abs(b.astype(float)).max(initial=0.0), terms)
    assert apart.max(initial=0.0) <= allowed, f"{what}: {apart.max()} apart, {allowed} allowed"


def in_r(r, name, *arguments):
    """What a function of R returns: a tuple of the items of a list, caches apart, or the one value."""
    value = r.call(name, *arguments)
    return tuple(item for key, item in value.items() if key != "cache") if isinstance(value, dict) else (value,)


def results(value):
    """What the same function of Python returns, caches apart."""
    return tuple(item for item in value if not isinstance(item, dict)) if isinstance(value, tuple) else (value,)


# --- arithmetic -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", R_OPERATIONS)
def test_every_pair_of_edges_gives_numpys_bits(r, name):
    values = np.array([sign * x for x in EDGES for sign in (1, -1)], F32)
    values = np.concatenate([values, normal32(40), normal32(20, scale=1e-39), normal32(20, scale=1e38)])
    a, b = (grid.ravel() for grid in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        ours = getattr(operator, name)(a, b)
    assert_same_float32(ours, r.call(R_OPERATIONS[name], a, b), name)


@pytest.mark.parametrize("scalar", SCALARS)
@pytest.mark.parametrize("name", R_OPERATIONS)
def test_a_plain_number_is_rounded_before_the_operation_as_in_numpy(r, name, scalar):
    x, operation = normal32(50), getattr(operator, name)
    with np.errstate(all="ignore"):
        assert_same_float32(operation(x, scalar), r.call(R_OPERATIONS[name], x, scalar), f"x {name} {scalar}")
        assert_same_float32(operation(scalar, x), r.call(R_OPERATIONS[name], scalar, x), f"{scalar} {name} x")


floats = st.floats(width=32, allow_nan=False)


@given(a=floats, b=floats)
@settings(max_examples=200, deadline=None)
def test_any_two_numbers_give_numpys_bits(r, a, b):
    x, y = np.array([a], F32), np.array([b], F32)
    with np.errstate(all="ignore"):
        for name, symbol in R_OPERATIONS.items():
            assert_same_float32(getattr(operator, name)(x, y), r.call(symbol, x, y), f"{a!r} {symbol} {b!r}")
        assert_same_float32(np.sqrt(np.abs(x)), r.call("sqrt", np.abs(x)), f"sqrt({abs(a)!r})")


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1.0, 1e30])
def test_square_roots_signs_and_sizes_give_numpys_bits(r, scale):
    x = np.abs(normal32(500, scale=scale))
    assert_same_float32(np.sqrt(x), r.call("sqrt", x), "sqrt")
    x = normal32(500, scale=scale)
    for ours, name in [(np.abs(x), "abs"), (np.sign(x), "sign"), (-x, "-"), (np.floor(x), "floor")]:
        assert_same_float32(ours, r.call(name, x), name)


def test_comparisons_round_the_plain_number_as_numpy_does(r):
    x = np.array([0.1, 0.2, np.nan], F32)
    for name, symbol in {"lt": "<", "le": "<=", "eq": "==", "ne": "!=", "gt": ">", "ge": ">="}.items():
        theirs = r.eval(
            f"function(x, y) {{ out <- x {symbol} y; out[is.na(out)] <- {'TRUE' if name == 'ne' else 'FALSE'}; out }}",
            convert=False,
        )(r.to_r(x), r.to_r(0.1))
        assert (getattr(operator, name)(x, 0.1) == r.from_r(theirs)).all(), symbol


# --- arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(7,), (3, 4), (2, 3, 4), (0,), (0, 3)])
def test_an_array_crosses_the_bridge_and_comes_back(r, shape):
    x = normal32(*shape)
    assert_same_float32(x, r.call("identity", x), "there and back")
    assert r.call("dtype_of", x).item() == "float32"
    assert r.call("dtype_of", x.astype(float)).item() == "float64"


def test_a_dtype_is_known_and_kept_alike(r):
    x = np.array([[1 / 3, 1e-46], [1e39, -0.0]])
    for dtype in DTYPES:
        ours, theirs = as_dtype(x, dtype), r.call("as_dtype", x, dtype)
        assert ours.dtype == theirs.dtype == dtype
        assert (ours == theirs).all()
        assert dtype_of(ours) == r.call("dtype_of", theirs).item() == dtype
        assert (as_dtype(ours, "float64") == r.call("as_dtype", theirs, "float64")).all()
    assert as_dtype(x, "float64") is x
    flags = np.array([True, False])
    assert_same_float32(as_dtype(flags, "float32"), r.call("as_dtype", flags, "float32"), "flags")


CODE = [
    ("x[1, ]", lambda x: x[0]),
    ("x[2, , drop = FALSE]", lambda x: x[1:2]),
    ("x[cbind(1:3, c(2, 1, 2))]", lambda x: x[[0, 1, 2], [1, 0, 1]]),
    ("x[[3, 2]]", lambda x: x[2:3, 1]),
    ("t(x)", lambda x: x.T),
    ("aperm(array(0, c(2, 1, 2)) + x[1, 1], c(3, 1, 2))[1, , 1]", lambda x: np.repeat(x[0, :1], 2)),
    ("rep(x[1, ], each = 2)", lambda x: np.repeat(x[0], 2)),
    ("{ dim(x) <- c(2, 3); x }", lambda x: x.reshape(2, 3, order="F")),
    ("{ x[1, 1] <- 1 / 3; x }", lambda x: np.where([[True, False], [False] * 2, [False] * 2], F32(1 / 3), x)),
    ("{ x[] <- 0.1; x }", lambda x: np.full_like(x, 0.1)),
    ("{ x[[2]] <- 0.1; x[[2]] }", lambda x: np.full(1, 0.1, F32)),
    ("x^2", lambda x: x * x),
    ("x * TRUE", lambda x: x),
    ("max(x)", lambda x: x.max(keepdims=True).ravel()),
]


@pytest.mark.parametrize(("code", "expected"), CODE, ids=[case[0] for case in CODE])
def test_rs_ways_to_take_and_to_replace_keep_the_class(r, code, expected):
    x = normal32(3, 2)
    theirs = r.from_r(r.eval(f"function(x) {code}", convert=False)(r.to_r(x)))
    assert_same_float32(expected(x), theirs, code)


def test_running_sums_are_refused(r):
    from twinnet.parity.bridge import RError

    with pytest.raises(RError, match=r"There is no cumsum\(\) in float32"):
        r.call("cumsum", normal32(3))


# --- layers ---------------------------------------------------------------------------------------------------------

X, D = normal32(40, 5), normal32(40, 5, seed=1)
P = np.abs(normal32(40, 5, seed=2)) / F32(8)
ONE_HOT = labels.one_hot(np.arange(40) % 5, 5).astype(F32)
BINARY = (normal32(40, 5, seed=3) > 0).astype(F32)
NUMBERS = np.arange(40) % 5

# Without a sum, exp, log or tanh in them: the same bits.
ELEMENTWISE = [
    (activations.step_forward, (X,)),
    (activations.step_backward, (D, {})),
    (activations.relu_forward, (X,)),
    (activations.relu_backward, (D, {"out": np.maximum(X, 0)})),
    (activations.leaky_relu_forward, (X,)),
    (activations.leaky_relu_backward, (D, {"out": X, "negative_slope": 0.01})),
    (activations.identity_forward, (X,)),
    (activations.identity_backward, (D, {})),
    (activations.sigmoid_backward, (D, {"out": P})),
    (activations.tanh_backward, (D, {"out": X})),
    (dropout.dropout_forward, (X, (normal32(40, 5, seed=4) > 0).astype(float), 0.3)),
    (dropout.dropout_backward, (D, {"scale": P})),
    (dropout.noise_forward, (X, 0.1 * normal32(40, 5, seed=5).astype(float))),
    (dropout.noise_backward, (D, {})),
    (softmax.softmax_cross_entropy_backward, ({"p": P, "target": ONE_HOT},)),
    (losses.half_mean_squared_error_backward, ({"error": X},)),
    (losses.binary_cross_entropy_backward, ({"p": P, "target": BINARY},)),
    (losses.cross_entropy_backward, ({"p": P, "target": ONE_HOT},)),
    (losses.cross_entropy_1e7_backward, ({"p": P, "target": ONE_HOT},)),
    (losses.nll_backward, ({"target": ONE_HOT},)),
]
# With one: some epsilons of the largest element, from a few roundings and the functions' own errors of an epsilon.
ROUNDED = [
    (activations.sigmoid_forward, (X,), 2),
    (activations.tanh_forward, (X,), 2),
    (softmax.softmax_forward, (X,), 4),
    (softmax.softmax_backward, (D, {"out": P}), 8),
    (softmax.log_softmax_forward, (X,), 4),
    (softmax.log_softmax_backward, (D, {"out": -P}), 8),
    (softmax.softmax_cross_entropy_forward, (X, ONE_HOT), 16),
    (losses.half_mean_squared_error_forward, (X, D), 16),
    (losses.binary_cross_entropy_forward, (P, BINARY), 16),
    (losses.sigmoid_binary_cross_entropy_forward, (X, BINARY), 16),
    (losses.sigmoid_binary_cross_entropy_backward, ({"x": X, "target": BINARY},), 4),
    (losses.cross_entropy_forward, (P, ONE_HOT), 16),
    (losses.cross_entropy_1e7_forward, (P, ONE_HOT), 16),
    (losses.nll_forward, (X, ONE_HOT), 16),
]
IMAGES, KERNELS = normal32(3, 2, 7, 8), normal32(4, 2, 3, 3)


def named(function):
    return getattr(function, "__name__", str(function))


@pytest.mark.parametrize(("function", "arguments"), ELEMENTWISE, ids=[named(case[0]) for case in ELEMENTWISE])
def test_an_elementwise_operation_gives_numpys_bits(r, function, arguments):
    for ours, theirs in zip(results(function(*arguments)), in_r(r, named(function), *arguments), strict=True):
        assert_same_float32(ours, theirs, named(function))


@pytest.mark.parametrize(("function", "arguments", "epsilons"), ROUNDED, ids=[named(case[0]) for case in ROUNDED])
def test_an_operation_with_sums_or_exp_stays_in_float32_and_close(r, function, arguments, epsilons):
    for ours, theirs in zip(results(function(*arguments)), in_r(r, named(function), *arguments), strict=True):
        assert_close_float32(ours, theirs, named(function), epsilons)


def test_every_activation_and_loss_is_among_these():
    tested = {named(case[0]) for case in [*ELEMENTWISE, *ROUNDED]} | {
        "cross_entropy_labels",
        "cross_entropy_1e7_labels",
    }
    names = [name for module in (activations, dropout, losses) for name in module.__all__]
    names += [name for name in softmax.__all__ if name.endswith("ward")]
    assert [name for name in names if name not in tested and "_labels_" not in name] == []


@pytest.mark.parametrize("name", ["cross_entropy_labels", "cross_entropy_1e7_labels"])
def test_the_losses_against_class_numbers_stay_in_float32(r, name):
    loss, cache = getattr(losses, f"{name}_forward")(P, NUMBERS)
    theirs = r.call(f"{name}_forward", P, NUMBERS + 1)
    assert_close_float32(loss, theirs["loss"], name, 16)
    theirs_d = r.call(f"{name}_backward", {**theirs["cache"], "p": cache["p"]})
    assert_same_float32(getattr(losses, f"{name}_backward")(cache), theirs_d, name)


@pytest.mark.parametrize("name", ["max_pool2d", "average_pool2d", "global_average_pool2d"])
@pytest.mark.parametrize("settings_of", [(2,), (3, 1)])
def test_pools_give_numpys_bits(r, name, settings_of):
    arguments = () if name.startswith("global") else settings_of
    out, cache = getattr(pooling, f"{name}_forward")(IMAGES, *arguments)
    theirs = r.call(f"{name}_forward", IMAGES, *arguments, convert=False)
    exact = assert_same_float32 if not name.startswith("global") else lambda a, b, c: assert_close_float32(a, b, c, 4)
    exact(out, r.call("[[", theirs, "out"), name)
    d_out = normal32(*out.shape, seed=6)
    theirs_d = r.call(f"{name}_backward", d_out, r.call("[[", theirs, "cache", convert=False))
    assert_same_float32(getattr(pooling, f"{name}_backward")(d_out, cache), theirs_d, f"{name} backward")


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1)])
def test_a_convolution_stays_in_float32_and_close(r, stride, padding):
    b = normal32(4)
    out, cache = conv2d.conv2d_forward(IMAGES, KERNELS, b, stride, padding)
    theirs = r.call("conv2d_forward", IMAGES, KERNELS, b, stride, padding, convert=False)
    assert_close_float32(out, r.call("[[", theirs, "out"), "out", 16)
    d_out = normal32(*out.shape, seed=7)
    ours = conv2d.conv2d_backward(d_out, cache)
    for key, value, other in zip(
        ("d_x", "d_w", "d_b"),
        ours,
        r.call("conv2d_backward", d_out, r.call("[[", theirs, "cache", convert=False)).values(),
        strict=True,
    ):
        assert_close_float32(value, other, key, 16)


# --- optimizers and training ----------------------------------------------------------------------------------------

KERAS = ["adagrad", "adadelta", "rmsprop", "adam"]
SETTINGS = [{"name": name} for name in OPTIMIZERS] + [{"name": name, "rule": "keras"} for name in KERAS]
SETTINGS += [
    {"name": "sgd", "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    {"name": "rmsprop", "centered": True, "momentum": 0.5, "weight_decay": 0.01},
    {"name": "adagrad", "lr_decay": 0.1, "initial_accumulator_value": 0.1},
]


@pytest.mark.parametrize("given_settings", SETTINGS, ids=str)
def test_ten_steps_of_an_optimizer_give_numpys_bits(r, given_settings):
    optimizer = optimizer_check(given_settings)
    params = {"affine1.w": normal32(4, 3), "affine1.b": normal32(3)}
    state, theirs = optimizer_init(optimizer, params), r.call("optimizer_init", optimizer, params)
    theirs_params = params
    for step in range(10):
        grads = {key: normal32(*value.shape, seed=step) for key, value in params.items()}
        params, state = optimizer_step(optimizer, params, grads, state)
        taken = r.call("optimizer_step", optimizer, theirs_params, grads, theirs)
        theirs_params, theirs = taken["params"], taken["state"]
        for key, value in params.items():
            assert_same_float32(value, theirs_params[key], f"{key} after step {step + 1}")
        for name, kept in state.items():
            if isinstance(kept, dict):
                for key, value in kept.items():
                    assert_same_float32(value, theirs[name][key], f"{name} of {key} after step {step + 1}")


def start(name="iris_dnn", **overrides):
    experiment = experiment_override(experiment_read(name), dtype="float32", **overrides)
    return experiment, experiment_data(experiment), train_start(experiment)


def test_a_run_is_float32_throughout_in_both_languages(r):
    experiment, data, run = start(maxit=3)
    r_experiment = r.call("experiment_override", r.call("experiment_read", "iris_dnn"), dtype="float32", convert=False)
    r_data = r.call("experiment_data", r_experiment, convert=False)
    r_run = r.call("train", r_experiment, r_data, r.call("train_start", r_experiment, convert=False), 3, 1)
    run = train(experiment, data, run, 3, 1)
    for key in ("x", "target", "x_test", "target_test"):
        assert_same_float32(data[key], r.call("[[", r_data, key), key)
    for key, value in run["params"].items():
        assert_close_float32(value, r_run["params"][key], key, 4, terms=experiment["optimizer"]["lr"] / 3)
    assert (run["loss"] == run["loss"].astype(F32)).all(), "a loss is a float32 number"
    assert (r_run["loss"] == r_run["loss"].astype(F32)).all(), "and in R"


def test_pixels_are_what_pytorch_makes_of_them(r):
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    ours = batch_inputs(pixels, None, "float32")
    assert_same_float32(ours, (torch.as_tensor(pixels).float() / 255).numpy().reshape(1, 256), "PyTorch")
    by_image = r.eval("matrix(as.raw(0:255))", convert=False)
    assert_same_float32(ours, r.call("batch_inputs", by_image, None, "float32"), "R")


def test_pytorchs_loss_and_gradients_are_close():
    """Within 8 epsilons of the largest element, or of a bias's partial sums: 25 rows of a class, each up to 1/75."""
    from twinnet.torch_twin.networks import Network, loss_function

    experiment, data, run = start(reg=0.0)
    params = train(experiment, data, run, 50)["params"]
    loss, grads = loss_and_gradients(experiment, params, data["x"], data["target"])
    network = Network(experiment["model"], "float32")
    network.load(params)
    value = loss_function(experiment["loss"])(network(torch.as_tensor(data["x"])), torch.as_tensor(data["target"]))
    value.backward()
    assert_close_float32(loss, value.detach().numpy(), "loss", 8)
    for key, tensor in network.named_arrays().items():
        assert_close_float32(grads[key], tensor.grad.numpy().T, key, 8, terms=1 / 3)


@pytest.mark.parametrize("name", ["iris_dnn", "iris_regression", "xor_mlp"])
def test_r_numpy_and_pytorch_train_alike(r, name):
    experiment, data, _ = start(name, maxit=200)
    overrides = {"dtype": "float32", "maxit": 200}
    voices = [RVoice(name, name, overrides), PythonVoice(experiment, data), TorchVoice(experiment, data)]
    for voice in voices:
        voice.train(200)
    comparison = compare_voices(name, experiment, data, voices)
    assert comparison.tolerance == TOLERANCES["float32"]
    assert comparison.verdict == "equal", [d for d in comparison.all_differences if d.scaled > comparison.tolerance]
    assert all(value.dtype == F32 for voice in voices for value in [*voice.params.values(), voice.test_outputs()])


def test_the_gradient_check_works_in_float32(r):
    """With h = 2^-8: truncation and the loss's rounding, 2^-24 / 2^-8 of it, leave three digits."""
    experiment, data, run = start("iris_regression")
    params = {key: value + normal32(*value.shape) for key, value in run["params"].items()}
    ours = gradient_check(experiment, params, data["x"], data["target"], 2.0**-8)
    r_experiment = r.call(
        "experiment_override", r.call("experiment_read", "iris_regression"), dtype="float32", convert=False
    )
    theirs = r.call("gradient_check", r_experiment, params, data["x"], data["target"], 2.0**-8)
    for key, difference in ours.items():
        assert difference < 1e-3, key
        assert theirs[key].item() < 1e-3, f"{key} in R"


def test_no_operation_takes_a_dtype_by_itself():
    """The dtype is that of the arrays: of the layers' functions none has an argument for it."""
    for module in (activations, conv2d, dropout, losses, pooling, softmax):
        for name in module.__all__:
            assert "dtype" not in inspect.signature(getattr(module, name)).parameters, name


# --- exact arithmetic -----------------------------------------------------------------------------------------------

EXACT_KERNELS = dict.fromkeys(("matmul_tn", "matmul_nt", "sum_of_products"), (X, D))
EXACT_KERNELS |= {"matmul": (X, D.T)} | dict.fromkeys(("array_sum", "column_sums", "row_sums", "row_maxima"), (X,))
EXACT_KERNELS |= dict.fromkeys(("array_exp", "array_tanh"), (10 * X,))
EXACT_KERNELS |= {name: (np.abs(X),) for name in ("array_log", "array_log1p")}


@pytest.mark.parametrize("setting", ["exact", "r"])
@pytest.mark.parametrize("name", EXACT_KERNELS)
def test_a_kernel_is_calculated_in_float64_and_rounded_once(r, name, setting):
    arguments = EXACT_KERNELS[name]
    call = r.eval("function(setting, name, ...) with_arithmetic(setting, match.fun(name)(...))", convert=False)
    theirs = r.from_r(call(r.to_r(setting), r.to_r(name), *(r.to_r(value) for value in arguments)))
    with kernels.arithmetic(setting):
        ours = getattr(kernels, name)(*arguments)
        doubles = getattr(kernels, name)(*(value.astype(np.float64) for value in arguments))
    assert_same_float32(ours, F32(doubles), f"{name}, {setting}: float64, rounded")
    assert_same_float32(np.ravel(ours), np.ravel(theirs), f"{name}, {setting}: R")


EXACT_RUNS = [("iris_dnn", 50), ("iris_regression", 50), ("xor_mlp", 50), ("notes_2_3_3_1", 50)]
EXACT_RUNS += [
    pytest.param(name, maxit, marks=pytest.mark.full)
    for name, maxit in [
        ("iris_dnn", 2000),
        ("iris_dnn_two_hidden", 2000),
        ("iris_logistic", 2000),
        ("mnist_cnn_small", 5),
    ]
]


@pytest.mark.parametrize(("name", "maxit"), EXACT_RUNS)
def test_exact_float32_runs_are_the_same_bits_in_r_numpy_and_pytorch(r, name, maxit):
    overrides = {"dtype": "float32", "arithmetic": "exact", "maxit": maxit}
    experiment = experiment_override(experiment_read(name), **overrides)
    data = experiment_data(experiment)
    python, *others = PythonVoice(experiment, data), RVoice(name, name, overrides), TorchVoice(experiment, data)
    python.train(maxit)
    for voice in others:
        voice.train(maxit)
        for key, value in python.params.items():
            assert_same_float32(value, voice.params[key], f"{key}, {voice.label}")
        assert_same_float32(python.loss.astype(F32), voice.loss.astype(F32), f"losses, {voice.label}")
        assert (voice.loss == voice.loss.astype(F32)).all(), f"losses of {voice.label} are float32 numbers"
    assert_same_float32(python.test_outputs(), others[0].test_outputs(), "outputs, R")
    assert_same_float32(python.test_outputs(), others[1].test_outputs(), "outputs, PyTorch")


def test_a_float32_run_is_recorded_as_float32_in_both_languages(r, tmp_path):
    overrides = {"dtype": "float32", "arithmetic": "exact", "maxit": 2, "batch_size": 20}
    experiment = {**experiment_read("iris_dnn"), **overrides}
    with recording(tmp_path / "python"):
        train(experiment, experiment_data(experiment), train_start(experiment), 2)
    code = """function(folder) {
      e <- experiment_override(experiment_read("iris_dnn"), dtype = "float32", arithmetic = "exact", maxit = 2)
      e[["batch_size"]] <- 20
      with_recording(folder, train(e, experiment_data(e), train_start(e), 2))
      NULL
    }"""
    r.eval(code, convert=False)(r.to_r(str(tmp_path / "r")))
    for key in ["step1/forward/affine1.out", "step1/loss/loss", "step2/backward/affine2.d_w", "step2/data/batch.x"]:
        ours, theirs = record_read(tmp_path / "python", key), record_read(tmp_path / "r", key)
        assert_same_float32(ours, theirs, key)
        assert_same_float32(ours, r.call("record_read", str(tmp_path / "r"), key), f"{key}, read by R")
