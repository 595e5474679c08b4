"""ONNX's own test cases of the operators that we have, against the NumPy and the R operations.

The package onnx (1.23.2) generates the node test cases of its standard: inputs, attributes and expected outputs. An
adapter says how to express an operator by our functions; OPERATORS is the table, to which an operator is added with
its adapter and the stem of onnx's module for it. What ours do not have is listed in NOT_APPLICABLE with the reason.
Every other generated case is run; an adapter refuses inputs and attributes that it does not know, so that none is
overlooked.

The expected outputs are float32, most of them computed in float32; ours are computed in float64. ONNX's own runner
allows a relative 1e-3 and an absolute 1e-7. We allow RTOL and ATOL, four float32 roundings (2^-23) of a number and of
1, the size of the terms that cancel in it. R and NumPy must agree to 1e-12.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
from bit_patterns import InR
from onnx import helper
from onnx.backend.test.case import node as onnx_nodes
from operations import assert_each_close

RTOL = 2**-21
ATOL = 2**-21
MODULES = ["activations", "affine", "conv2d", "dropout", "flatten", "generator_numpy_legacy", "kernels", "labels"]
MODULES += ["losses", "optimizers", "pooling", "softmax"]


# ---- Two voices: one way to call the operations of either language ---------------------------------------------------


class NumPyVoice:
    """The operations in Python."""

    def __init__(self) -> None:
        modules = [importlib.import_module(f"twinnet.{stem}") for stem in MODULES]
        self.functions = {name: getattr(module, name) for module in modules for name in module.__all__}

    def call(self, name: str, *arguments: Any) -> Any:
        """What a function returns."""
        return self.functions[name](*arguments)

    def forward(self, name: str, *arguments: Any) -> Any:
        """The output of a layer, or the loss."""
        return self.call(f"{name}_forward", *arguments)[0]

    def each_loss(self, name: str, rows: Any, target: Any) -> list[float]:
        """The loss of each sample, as a batch of its own."""
        return [self.forward(name, rows[i : i + 1], target[i : i + 1]) for i in range(len(rows))]

    def step(self, optimizer: Any, params: Any, grads: Any, state: Any) -> Any:
        """Parameters and state after a step of an optimizer."""
        return self.call("optimizer_step", self.call("optimizer_check", optimizer), params, grads, state)

    def class_numbers(self, from_0: Any) -> Any:
        """Class numbers as this language counts them."""
        return from_0

    def uniforms(self, seed: int, shape: tuple[int, ...]) -> Any:
        """The first draws of NumPy's legacy generator."""
        return self.functions["NumpyRandomState"](seed).random(shape)


class RVoice:
    """The operations in R."""

    def __init__(self, r: Any) -> None:
        self.r = r

    def call(self, name: str, *arguments: Any) -> Any:
        return self.r.call(name, *arguments)

    def forward(self, name: str, *arguments: Any) -> Any:
        passed = self.call(f"{name}_forward", *arguments)
        return passed["out"] if "out" in passed else passed["loss"].item()

    def each_loss(self, name: str, rows: Any, target: Any) -> Any:
        one_by_one = """function(name, x, target) {
          forward <- get(paste0(name, "_forward"), asNamespace("twinnet"))
          loss <- function(i) forward(x[i, , drop = FALSE], target[i, , drop = FALSE])[["loss"]]
          vapply(seq_len(nrow(x)), loss, 0)
        }"""
        return self.call("do.call", self.r.eval(one_by_one, convert=False), [name, rows, target])

    def step(self, optimizer: Any, params: Any, grads: Any, state: Any) -> Any:
        checked = self.r.call("optimizer_check", optimizer, convert=False)
        stepped = self.call("optimizer_step", checked, params, grads, state)
        return stepped["params"], stepped["state"]

    def class_numbers(self, from_0: Any) -> Any:
        return from_0 + 1

    def uniforms(self, seed: int, shape: tuple[int, ...]) -> Any:
        return InR(self.r, "NumpyRandomState", seed).random(shape)


# ---- Adapters: an ONNX operator in terms of our operations -----------------------------------------------------------
# Each takes a voice, the inputs (float64) and the node's attributes by name, and returns the outputs.


def elementwise(name):
    def adapter(voice, inputs):
        (x,) = inputs
        return [voice.forward(name, x)]

    return adapter


def leaky_relu(voice, inputs, alpha=0.01):
    (x,) = inputs
    return [voice.forward("leaky_relu", x, alpha)]


def matmul(voice, inputs):
    """Two matrices; or two vectors, of which the first is a row and the second a column."""
    a, b = inputs
    if a.ndim == b.ndim == 1:
        return [voice.call("matmul", a[None, :], b[:, None])[0, 0]]
    assert a.ndim == b.ndim == 2
    return [voice.call("matmul", a, b)]


def gemm(voice, inputs, transA=0, transB=0):
    """Our affine layer, to which a transposed matrix is handed over as it is meant."""
    a, b, *bias = inputs
    a, b = a.T if transA else a, b.T if transB else b
    if not bias:
        return [voice.call("matmul", a, b)]
    (row,) = np.atleast_2d(*bias)  # (), (1,), (d_out,) or (1, d_out): one number an output, or one for all
    return [voice.forward("affine", a, b, np.broadcast_to(row, b.shape[1:]))]


def as_rows(x, axis):
    """A matrix whose rows run along an axis of `x`: our softmax and our losses take one row a sample."""
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


def from_rows(rows, x, axis):
    """The inverse of `as_rows`."""
    return np.moveaxis(rows.reshape(np.moveaxis(x, axis, -1).shape), -1, axis)


def along_an_axis(name):
    def adapter(voice, inputs, axis=-1):
        (x,) = inputs
        return [from_rows(voice.forward(name, as_rows(x, axis)), x, axis)]

    return adapter


def dropout(voice, inputs, seed=0, ratio=0.5):
    """In training, the mask is drawn as ONNX's reference draws it, by NumPy's legacy generator; else nothing drops."""
    x, p, training = [*inputs, *[None, ratio, False][len(inputs) :]]
    if not training:
        p, mask = 0.0, np.ones(x.shape, dtype=bool)
    else:
        mask = voice.uniforms(seed, x.shape) >= p
    return [voice.forward("dropout", x, mask, float(p)), mask]


def loss_over_classes(name):
    """Classes are the second axis, and every place along the others is a sample of our mean loss."""

    def adapter(voice, inputs, reduction=b"mean"):
        x, numbers = inputs
        rows = as_rows(x, 1)
        target = voice.call("one_hot", voice.class_numbers(numbers.ravel()), x.shape[1])
        match reduction:
            case b"mean":
                loss = voice.forward(name, rows, target)
            case b"sum":
                loss = voice.forward(name, rows, target) * len(rows)
            case b"none":
                loss = np.reshape(voice.each_loss(name, rows, target), numbers.shape)
        return [loss, from_rows(voice.call("log_softmax", rows), x, 1)]

    return adapter


def optimizer_step(settings, numbers, arrays):
    """One step. Inputs are the rate, the count of steps, and then tensors: parameters, gradients, parts of the state.

    `settings` turns ONNX's attributes into ours, `numbers` are the numbers in our state, `arrays` its arrays in ONNX's
    order. All cases are at count 0.
    """

    def adapter(voice, inputs, norm_coefficient, **attributes):
        rate, count, *tensors = inputs
        assert count == 0
        n = len(tensors) // (2 + len(arrays))
        parts = [{f"p{i}": tensors[start + i] for i in range(n)} for start in range(0, len(tensors), n)]
        optimizer = {"lr": rate.item(), "weight_decay": norm_coefficient, **settings(**attributes)}
        params, state = voice.step(optimizer, *parts[:2], {**numbers, **dict(zip(arrays, parts[2:], strict=True))})
        return [value for part in [params, *[state[key] for key in arrays]] for value in part.values()]

    return adapter


def momentum_settings(alpha, beta, mode):
    """At count 0 ONNX's factor `beta` of the gradient is not used; the velocity is, as in our later steps."""
    return {"name": "sgd", "momentum": alpha, "nesterov": mode == b"nesterov"}


def adagrad_settings(decay_factor, epsilon):
    return {"name": "adagrad", "lr_decay": decay_factor, "eps": epsilon}


def adam_settings(alpha, beta, epsilon):
    """At count 0 ONNX does not correct the averages for their start: the powers of beta are 0."""
    return {"name": "adam", "beta1": alpha, "beta2": beta, "eps": epsilon}


def margins(x, kernel_shape, strides, pads, auto_pad):
    """Zeros around images, ((above, below), (left, right)): as `pads` has them, or so many that none is left out."""
    assert x.ndim == 4
    if auto_pad is None:
        above, left, below, right = pads
        return (above, below), (left, right)
    around = []
    for extent, size, stride in zip(x.shape[2:], kernel_shape, strides, strict=True):
        missing = max((-(-extent // stride) - 1) * stride + size - extent, 0)
        around.append((missing // 2, missing - missing // 2))
    return tuple(around if auto_pad == b"SAME_UPPER" else [pair[::-1] for pair in around])


def conv2d(voice, inputs, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), auto_pad=None):
    """Our convolution, with biases of 0; it has as many zeros above as below, and to the left as to the right."""
    x, w = inputs
    assert w.shape[2:] == tuple(kernel_shape)
    (above, below), (left, right) = margins(x, kernel_shape, strides, pads, auto_pad)
    assert (above, left) == (below, right)
    return [voice.forward("conv2d", x, w, np.zeros(len(w)), np.array(strides), np.array([above, left]))]


def max_pool2d(voice, inputs, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), auto_pad=None):
    """Our max pool of images in a margin of the smallest number, which ONNX's pool pads them with."""
    (x,) = inputs
    smallest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    around = margins(x, kernel_shape, strides, pads, auto_pad)
    padded = np.pad(x, ((0, 0), (0, 0), *around), constant_values=smallest)
    return [voice.forward("max_pool2d", padded, np.array(kernel_shape), np.array(strides))]


def average_pool2d(voice, inputs, kernel_shape, strides=(1, 1), pads=(0, 0, 0, 0), auto_pad=None, count_include_pad=0):
    """Our average pool of images in a margin of zeros, which it counts like other numbers."""
    (x,) = inputs
    around = margins(x, kernel_shape, strides, pads, auto_pad)
    assert count_include_pad or not np.any(around)
    padded = np.pad(x, ((0, 0), (0, 0), *around))
    return [voice.forward("average_pool2d", padded, np.array(kernel_shape), np.array(strides))]


def flatten(voice, inputs, axis=1):
    """Our rows: a sample for each index before the axis."""
    (x,) = inputs
    axis %= x.ndim
    return [voice.forward("flatten", x.reshape(math.prod(x.shape[:axis]), *x.shape[axis:]))]


class Operator(NamedTuple):
    """How an ONNX operator is run: onnx's module that has its cases, and the adapter."""

    module: str
    adapter: Callable[..., list[Any]]


OPERATORS = {
    "Adagrad": Operator("adagrad", optimizer_step(adagrad_settings, {"step": 0}, ["sum"])),
    "Adam": Operator(
        "adam",
        optimizer_step(adam_settings, {"beta1_power": 0.0, "beta2_power": 0.0}, ["exp_avg", "exp_avg_sq"]),
    ),
    "AveragePool": Operator("averagepool", average_pool2d),
    "Conv": Operator("conv", conv2d),
    "Dropout": Operator("dropout", dropout),
    "Flatten": Operator("flatten", flatten),
    "Gemm": Operator("gemm", gemm),
    "GlobalAveragePool": Operator("globalaveragepool", elementwise("global_average_pool2d")),
    "LeakyRelu": Operator("leakyrelu", leaky_relu),
    "LogSoftmax": Operator("logsoftmax", along_an_axis("log_softmax")),
    "MatMul": Operator("matmul", matmul),
    "MaxPool": Operator("maxpool", max_pool2d),
    "Momentum": Operator("momentum", optimizer_step(momentum_settings, {"step": 1}, ["momentum_buffer"])),
    "NegativeLogLikelihoodLoss": Operator("negativeloglikelihoodloss", loss_over_classes("nll")),
    "Relu": Operator("relu", elementwise("relu")),
    "Sigmoid": Operator("sigmoid", elementwise("sigmoid")),
    "Softmax": Operator("softmax", along_an_axis("softmax")),
    "SoftmaxCrossEntropyLoss": Operator("softmax_cross_entropy_loss", loss_over_classes("softmax_cross_entropy")),
    "Tanh": Operator("tanh", elementwise("tanh")),
}

# Cases that ask for what ours do not have, by reason.
NOT_APPLICABLE = {
    "affine has no factors alpha and beta": ["test_gemm_all_attributes", "test_gemm_alpha", "test_gemm_beta"],
    "affine's bias is one number an output, not one a sample and output": ["test_gemm_default_matrix_bias"],
    "matmul takes two matrices, not stacks of them": [
        "test_matmul_1d_3d",
        "test_matmul_3d",
        "test_matmul_4d",
        "test_matmul_4d_1d",
        "test_matmul_bcast",
    ],
    "losses have no weights of classes": [
        "test_nllloss_NCd1_mean_weight_negative_ii",
        "test_nllloss_NCd1_weight",
        "test_nllloss_NCd1_weight_ii",
        "test_nllloss_NCd1d2_with_weight",
        "test_nllloss_NCd1d2_with_weight_reduction_mean",
        "test_nllloss_NCd1d2_with_weight_reduction_sum",
        "test_nllloss_NCd1d2_with_weight_reduction_sum_ii",
        "test_nllloss_NCd1d2d3_sum_weight_high_ii",
        "test_nllloss_NCd1d2d3d4d5_mean_weight",
        "test_sce_NCd1_mean_weight_negative_ii",
        "test_sce_NCd1_mean_weight_negative_ii_log_prob",
        "test_sce_NCd1d2d3_sum_weight_high_ii",
        "test_sce_NCd1d2d3_sum_weight_high_ii_log_prob",
        "test_sce_NCd1d2d3d4d5_mean_weight",
        "test_sce_NCd1d2d3d4d5_mean_weight_log_prob",
        "test_sce_mean_weight",
        "test_sce_mean_weight_ii",
        "test_sce_mean_weight_ii_3d",
        "test_sce_mean_weight_ii_3d_log_prob",
        "test_sce_mean_weight_ii_4d",
        "test_sce_mean_weight_ii_4d_log_prob",
        "test_sce_mean_weight_ii_log_prob",
        "test_sce_mean_weight_log_prob",
        "test_sce_none_weights",
        "test_sce_none_weights_log_prob",
    ],
    "losses ignore no class (ignore_index)": [
        "test_nllloss_NCd1_ii",
        "test_nllloss_NCd1d2_no_weight_reduction_mean_ii",
        "test_nllloss_NCd1d2d3_none_no_weight_negative_ii",
        "test_sce_NCd1d2d3_none_no_weight_negative_ii",
        "test_sce_NCd1d2d3_none_no_weight_negative_ii_log_prob",
        "test_sce_mean_no_weight_ii",
        "test_sce_mean_no_weight_ii_3d",
        "test_sce_mean_no_weight_ii_3d_log_prob",
        "test_sce_mean_no_weight_ii_4d",
        "test_sce_mean_no_weight_ii_4d_log_prob",
        "test_sce_mean_no_weight_ii_log_prob",
    ],
    "pools are of images, with two dimensions": [
        "test_averagepool_1d_default",
        "test_averagepool_3d_default",
        "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False",
        "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True",
        "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False",
        "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True",
        "test_averagepool_3d_dilations_small",
        "test_maxpool_1d_default",
        "test_maxpool_3d_default",
        "test_maxpool_3d_dilations",
        "test_maxpool_3d_dilations_use_ref_impl",
        "test_maxpool_3d_dilations_use_ref_impl_large",
    ],
    "windows of pools have no gaps (dilations)": ["test_averagepool_2d_dilations", "test_maxpool_2d_dilations"],
    "a pool's window stands only where all of it is in the image (ceil_mode)": [
        "test_averagepool_2d_ceil",
        "test_averagepool_2d_ceil_last_window_starts_on_pad",
        "test_maxpool_2d_ceil",
        "test_maxpool_2d_ceil_output_size_reduce_by_one",
    ],
    "an average pool divides by all of its window, a margin counted": [
        "test_averagepool_2d_pads",
        "test_averagepool_2d_precomputed_pads",
        "test_averagepool_2d_precomputed_same_upper",
        "test_averagepool_2d_same_lower",
        "test_averagepool_2d_same_upper",
    ],
    "a max pool's output says not where the maxima were": [
        "test_maxpool_with_argmax_2d_precomputed_pads",
        "test_maxpool_with_argmax_2d_precomputed_strides",
    ],
}
LISTED = {name: reason for reason, names in NOT_APPLICABLE.items() for name in names}


# ---- The cases ------------------------------------------------------------------------------------------------------


def generated() -> dict[str, Any]:
    """Cases that onnx generates for our operators: importing one of its modules adds that operator's to its list."""
    state = np.random.get_state()  # which onnx seeds
    for operator in OPERATORS.values():
        importlib.import_module(f"{onnx_nodes.__name__}.{operator.module}")
    np.random.set_state(state)
    return {case.name: case for case in onnx_nodes._NodeTestCases}


def operator_of(case: Any) -> str | None:
    """The operator that a case tests, if it is one of ours: its model is that one node."""
    nodes = case.model.graph.node
    return nodes[0].op_type if len(nodes) == 1 and nodes[0].op_type in OPERATORS else None


GENERATED = generated()
CASES = {name: case for name, case in GENERATED.items() if operator_of(case) is not None}
RUN = sorted(set(CASES) - set(LISTED))


def outputs_of(voice: Any, case: Any) -> Iterator[tuple[list[Any], list[Any]]]:
    """For each data set of a case, our outputs and those expected, as float64."""
    (node,) = case.model.graph.node
    attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    for inputs, expected in case.data_sets:
        arrays = [np.asarray(x, np.float64) if np.asarray(x).dtype.kind == "f" else np.asarray(x) for x in inputs]
        ours = OPERATORS[node.op_type].adapter(voice, arrays, **attributes)[: len(expected)]
        assert len(ours) == len(expected), f"{len(ours)} outputs of {len(expected)}"
        yield [np.asarray(value, np.float64) for value in ours], [np.asarray(value, np.float64) for value in expected]


def assert_as_expected(voice: Any, case: Any) -> None:
    """Assert that each output is ONNX's."""
    for ours, expected in outputs_of(voice, case):
        for number, (value, wanted) in enumerate(zip(ours, expected, strict=True)):
            assert_each_close(value, wanted, f"{case.name}, output {number}", rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("name", RUN)
def test_numpy_gives_what_onnx_expects(name):
    assert_as_expected(NumPyVoice(), CASES[name])


@pytest.mark.parametrize("name", RUN)
def test_r_gives_what_onnx_expects_and_what_numpy_gives(r, name):
    assert_as_expected(RVoice(r), CASES[name])
    for (ours, _), (in_r, _) in zip(
        outputs_of(NumPyVoice(), CASES[name]), outputs_of(RVoice(r), CASES[name]), strict=True
    ):
        for number, (value, r_value) in enumerate(zip(ours, in_r, strict=True)):
            assert_each_close(value, r_value, f"{name}, output {number} in R", atol=1e-15)


def test_every_operator_has_cases_that_run():
    assert {operator_of(CASES[name]) for name in RUN} == set(OPERATORS)


def test_every_listed_case_exists_and_is_listed_once():
    assert sum(len(names) for names in NOT_APPLICABLE.values()) == len(LISTED)
    assert set(LISTED) <= set(CASES), "listed, but not generated by this version of onnx"


@pytest.mark.parametrize("name", sorted(LISTED))
def test_a_listed_case_cannot_be_run(name):
    """Its adapter refuses it: it was not listed because its numbers came out wrong."""
    with pytest.raises((TypeError, ValueError, AssertionError), match="unexpected keyword|unpack|assert|class numbers"):
        assert_as_expected(NumPyVoice(), CASES[name])


def test_every_other_generated_case_repeats_one_of_ours():
    """Onnx also writes an operator out as a graph of others (NAME_expanded): with the same inputs and outputs."""
    for name in set(GENERATED) - set(CASES):
        base = name.split("_expanded")[0]
        assert base in CASES, f"{name} is neither run, nor listed, nor another's repetition"
        for ours, theirs in zip(CASES[base].data_sets, GENERATED[name].data_sets, strict=True):
            for tensors, repeated in zip(ours, theirs, strict=True):
                same = [np.array_equal(a, b) for a, b in zip(tensors, repeated, strict=True)]
                assert all(same), f"{name} has other numbers than {base}"


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_case_of_our_operators_hides_in_another_module():
    state = np.random.get_state()
    everything = onnx_nodes.collect_testcases()
    np.random.set_state(state)
    assert len(everything) > len(GENERATED)
    hidden = {case.name for case in everything if operator_of(case) is not None} - set(CASES)
    assert not hidden
