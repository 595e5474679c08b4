"""Recorded runs of a few steps in both languages, on experiments small enough for hundreds of them."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from faults.mutation import quoted
from twinnet.experiment import experiment_check, experiment_data, experiment_read
from twinnet.parity.bridge import Bridge
from twinnet.parity.trace import Trace, read_trace
from twinnet.parity.voices import about_run
from twinnet.record import recording
from twinnet.train import train, train_start


def iris(hidden: list[int], activation: str = "relu", **changes: Any) -> dict[str, Any]:
    """A small network for iris; `after` names what stands between the activations and the next affine layer."""
    after, last = changes.pop("after", []), changes.pop("last", [])
    model: list[dict[str, Any]] = []
    sizes = [4, *hidden, 3]
    for number, (d_in, d_out) in enumerate(pairwise(sizes), start=1):
        name = f"affine{number}"
        model.append({"name": name, "type": "affine", "d_in": d_in, "d_out": d_out, "w": f"{name}.w", "b": f"{name}.b"})
        if number < len(sizes) - 1:
            model.append({"name": f"{activation}{number}", "type": activation})
            model += [{**layer, "name": f"{layer['type']}{number}"} for layer in after]
    model += [{"name": f"{kind}1", "type": kind} for kind in last]
    return based_on("iris_dnn", model=model, **changes)


def based_on(name: str, **changes: Any) -> dict[str, Any]:
    """An experiment of `shared_data` with some of its settings replaced, and those of `data` one by one."""
    experiment = experiment_read(name)
    data = {**experiment["data"], **changes.pop("data", {})}
    usual = {"init": {"name": "normal", "sd": 0.4}, "abstol": 0, "evaluate_every": 0, "variants": {}}
    return experiment_check({**experiment, **usual, **changes, "data": data})


def digits(*layers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A small convolutional network for a few digits: images, a convolution, ReLU, `layers`, flatten, affine."""
    width = changes.pop("width")
    convolution = {"type": "conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 3, "stride": 2, "padding": 1}
    model = [
        {"name": "images", "type": "unflatten", "shape": [1, 28, 28]},
        {"name": "conv1", "w": "conv1.w", "b": "conv1.b", **convolution},
        {"name": "relu1", "type": "relu"},
        *layers,
        {"name": "flatten1", "type": "flatten"},
        {"name": "affine1", "type": "affine", "d_in": width, "d_out": 10, "w": "affine1.w", "b": "affine1.b"},
    ]
    usual = {"init": {"name": "scaled_normal"}, "generator": "r", "loss": "softmax_cross_entropy", "batch_size": 0}
    data = {"train": 12, "test": 4}
    optimizer = {"name": "gradient_descent", "lr": 0.1}
    return based_on("mnist_cnn_small", model=model, data=data, optimizer=optimizer, **usual, **changes)


def optimized(name: str, **settings: Any) -> dict[str, Any]:
    """A small network for iris under an optimizer."""
    return iris([6], reg=0, optimizer={"name": name, **settings})


DESCENT = {"name": "gradient_descent", "lr": 0.1}
BATCHES = {"batch_size": 20, "data": {"standardise": True}, "optimizer": DESCENT}
CONV2 = {"name": "conv2", "type": "conv2d", "in_channels": 2, "out_channels": 3, "kernel_size": 3}
CONV2 |= {"w": "conv2.w", "b": "conv2.b"}


def settings() -> dict[str, dict[str, Any]]:
    """The experiments on which faults are planted, by name."""
    max_pool, mean_pool = [{"name": "pool1", "type": f"{kind}_pool2d", "size": 2} for kind in ("max", "average")]
    global_pool = {"name": "pool1", "type": "global_average_pool2d"}
    logs = {"loss": "nll", "last": ["log_softmax"], "optimizer": DESCENT}
    return {
        "dense": iris([6], optimizer=DESCENT),
        "wide": iris([6], init={"name": "normal", "sd": 3.0}, optimizer=DESCENT),
        "square": iris([4, 4], optimizer=DESCENT),
        "sigmoid": iris([6], "sigmoid", optimizer=DESCENT),
        "tanh": iris([6], "tanh", optimizer=DESCENT),
        "leaky": iris([6], "leaky_relu", optimizer=DESCENT),
        "softmax": iris([6], loss="cross_entropy", last=["softmax"], optimizer=DESCENT),
        "log_softmax": iris([6], **logs),
        "dropout": iris([6], after=[{"type": "dropout", "p": 0.2}], **BATCHES),
        "noise": iris([6], after=[{"type": "noise", "sd": 0.1}], optimizer=DESCENT),
        "standardised": iris([6], data={"standardise": True}, optimizer=DESCENT),
        "batches": iris([6], **BATCHES),
        "batches_numpy": iris([6], generator="numpy", **BATCHES),
        "batches_torch": iris([6], **{**BATCHES, "generator": "torch", "init": {"name": "torch"}}),
        "logistic": based_on("iris_logistic"),
        "regression": based_on("iris_regression", reg=0.01),
        "plane": based_on("notes_2_3_3_1"),
        "xor": based_on(
            "xor_mlp",
            model=[
                {"name": "affine1", "type": "affine", "d_in": 2, "d_out": 3, "w": "affine1.w", "b": "affine1.b"},
                {"name": "relu1", "type": "relu"},
                {"name": "affine2", "type": "affine", "d_in": 3, "d_out": 1, "w": "affine2.w", "b": "affine2.b"},
            ],
        ),
        "sgd": optimized("sgd", lr=0.1, momentum=0.9),
        "sgd_dampened": optimized("sgd", lr=0.1, momentum=0.9, dampening=0.3),
        "sgd_decay": optimized("sgd", lr=0.1, weight_decay=0.01),
        "nesterov": optimized("nesterov", lr=0.1),
        "momentum": optimized("momentum", lr=0.05),
        "adagrad": optimized("adagrad", lr=0.1),
        "adadelta": optimized("adadelta"),
        "rmsprop": optimized("rmsprop", lr=0.01),
        "adam": optimized("adam", lr=0.01),
        "cnn": digits(max_pool, width=98),
        "cnn_deep": digits(CONV2, {"name": "relu2", "type": "relu"}, max_pool, width=108),
        "cnn_padded": digits({**CONV2, "padding": 1}, {"name": "relu2", "type": "relu"}, max_pool, width=147),
        "cnn_mean": digits(mean_pool, width=98),
        "cnn_global": digits(global_pool, width=2),
    }


def python_trace(experiment: dict[str, Any], folder: Path, steps: int, data: Any = None) -> Trace:
    """A recorded run in Python."""
    with recording(folder, about=about_run(experiment, "Python")):
        run = train_start(experiment)
        train(experiment, experiment_data(experiment) if data is None else data, run, steps)
    return read_trace(folder)


def r_trace(r: Bridge, experiment: dict[str, Any], folder: Path, steps: int, kept: str = "") -> Trace:
    """A recorded run in R; the data are kept under the name `kept`, if one is given, for the runs that follow."""
    about = json.dumps(about_run(experiment, "R"))
    r.eval(
        f"""evalq({{
          experiment <- experiment_check(jsonlite::fromJSON({quoted(json.dumps(experiment))},
                                                            simplifyDataFrame = FALSE, simplifyMatrix = FALSE))
          kept <- {quoted(kept)}
          if (!exists(".twinnet_data", globalenv())) assign(".twinnet_data", list(), globalenv())
          data <- .twinnet_data[[kept]]
          if (is.null(data)) data <- experiment_data(experiment)
          if (nzchar(kept)) .twinnet_data[[kept]] <<- data
          with_recording({quoted(str(folder))}, {{
            run <- train_start(experiment)
            train(experiment, data, run, {steps})
          }}, about = jsonlite::fromJSON({quoted(about)}, simplifyVector = FALSE))
          NULL
        }}, new.env(parent = asNamespace("twinnet")))"""
    )
    return read_trace(folder)
