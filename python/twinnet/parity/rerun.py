"""Is it the operation, or did it inherit the difference? The operation is run again, in each language on both inputs.

A model's trace holds what goes into every operation of a step: the layer's input and its parameters, the mask, the
gradient that comes back. So the operation that made the first divergent tensor is called once more, by its name, which
is the same in both languages: in A's language on B's inputs, and in B's on A's. If each gives what the other side
recorded, both compute the same and the difference came in with the inputs; if not, it is the operation.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

import twinnet
from twinnet._types import AnyArray
from twinnet.kernels import arithmetic
from twinnet.parity.bridge import BridgeError, RError, start_r
from twinnet.parity.trace import Trace, TraceEntry
from twinnet.parity.trace_diff import TensorDiff, TraceDiff, diff_arrays

__all__ = ["locate_cause", "operation_inputs", "operation_name", "run_operation"]


def locate_cause(diff: TraceDiff) -> TraceDiff:
    """Say whether the first divergence is one of its operation or was inherited.

    Parameters
    ----------
    diff : TraceDiff

    Returns
    -------
    TraceDiff
        With `inherited` and `inherited_because`; as it is where there is no divergence of values, or where the traces
        are not of a model's run, so that nobody knows what the operation is.
    """
    first = diff.first
    is_model = all("experiment" in trace.manifest for trace in (diff.a, diff.b))
    if first is None or first.status != "different" or not is_model:
        return diff
    entry = diff.a.by_key[first.key]
    name = operation_name(diff.a, entry)
    if not operation_inputs(diff.a, entry):
        is_drawn = entry.phase in ("init", "data") or entry.name.endswith((".mask", ".noise"))
        if not is_drawn:
            return replace(diff, inherited_because=f"what goes into {name} was not recorded")
        return replace(diff, inherited="operation", inherited_because=f"nothing that was recorded goes into it: {name}")
    crossed = []
    for runner, other in ((diff.a, diff.b), (diff.b, diff.a)):
        result = run_operation(runner.label, other, entry)
        if result is not None:
            crossed.append((runner, other, agrees(result, other.load(entry.key), first)))
    if not crossed:
        return replace(diff, inherited_because=f"{name} could not be run again")
    if all(agreed for _, _, agreed in crossed):
        runner, other, _ = crossed[0]
        why = f"from the inputs of {other.label}, {name} in {runner.label} gives what {other.label} has"
        return replace(diff, inherited="inherited", inherited_because=why)
    runner, other, _ = next(case for case in crossed if not case[2])
    why = f"even from the inputs of {other.label}, {name} in {runner.label} does not give what {other.label} has"
    for trace in (diff.a, diff.b):
        own = run_operation(trace.label, trace, entry)
        if own is not None and not agrees(own, trace.load(entry.key), first):
            why += f"; nor does it in {trace.label} now give what {trace.label} had recorded"
    return replace(diff, inherited="operation", inherited_because=why)


def agrees(result: AnyArray, recorded: AnyArray, first: TensorDiff) -> bool:
    """Whether an operation's result is what was recorded, as closely as the traces were to agree."""
    ours = np.atleast_1d(np.asarray(result, recorded.dtype))
    if ours.shape != recorded.shape:
        return False
    found = diff_arrays(first.key, ours, recorded)
    return found.differing == 0 if first.limit == 0 else found.max_abs <= first.limit


def operation_name(trace: Trace, entry: TraceEntry) -> str:
    """What made a tensor of a model's run, as a porter would look for it.

    Parameters
    ----------
    trace : Trace
    entry : TraceEntry

    Returns
    -------
    str
        A function's name: ``"conv2d_backward"``.
    """
    layer = layer_of(trace, entry)
    name = entry.name
    if entry.phase == "init":
        return "model_init"
    if entry.phase == "data":
        return {"batch.rows": "epoch_order", "batch.x": "batch_inputs"}.get(name, "problem_data")
    if entry.phase == "update":
        return "random draws" if name == "generator.words_drawn" else "optimizer_step"
    if entry.phase == "loss":
        return {"loss.penalty": "l2_penalty", "loss.data": "loss_forward"}.get(name, "the sum of loss and penalty")
    if name == "loss.d_out":
        return "loss_backward"
    if name.endswith(".grad"):
        return "l2_gradients"
    if layer is None:
        return name
    if name.endswith((".mask", ".noise")):
        return "random_mask" if name.endswith(".mask") else "random_normal"
    return f"{layer['type']}_{entry.phase}"


def operation_inputs(trace: Trace, entry: TraceEntry) -> dict[str, str]:
    """Keys of what goes into the operation that made a tensor, by what they are to it.

    Parameters
    ----------
    trace : Trace
        Of a model's run.
    entry : TraceEntry
        The tensor.

    Returns
    -------
    dict of str
        Empty where nothing goes in, as in a draw, or not all of it was recorded.
    """
    layers = trace.manifest["experiment"]["model"]
    names = [layer["name"] for layer in layers]
    step, name = entry.step, entry.name
    last = f"step{step}/forward/{names[-1]}.out"
    if entry.phase in ("init", "data") or name.endswith((".mask", ".noise", "words_drawn")):
        return {}
    found: dict[str, str] = {}
    if name in ("loss.data", "loss.d_out"):
        found = {"out": last, "target": f"step{step}/data/batch.target"}
    elif name == "loss.penalty":
        found = parameter_keys(trace, step)
    elif name == "loss":
        found = {"data": f"step{step}/loss/loss.data", "penalty": f"step{step}/loss/loss.penalty"}
    elif name.endswith(".grad"):
        key = name.removesuffix(".grad")
        found = {"grad": gradient_key(trace, step, key, regularised=False), "param": parameter_keys(trace, step)[key]}
    elif entry.phase == "update":
        key = parameter_of(trace, name)
        before = parameter_keys(trace, step)
        found = {"param": before.get(key, ""), "grad": gradient_key(trace, step, key)}
        states = [other.name for other in trace.entries if other.step == step and other.name.startswith("optimizer.")]
        for state in states:
            if step > 1 and (state.endswith(f".{key}") or state.count(".") == 1):
                found[state.removesuffix(f".{key}")] = f"step{step - 1}/update/{state}"
    elif layer_of(trace, entry) is not None:
        at = names.index(name.rpartition(".")[0])
        found = {"x": f"step{step}/forward/{names[at - 1]}.out" if at > 0 else f"step{step}/data/batch.x"}
        params = parameter_keys(trace, step)
        found |= {key: params.get(layers[at][key], "") for key in ("w", "b") if key in layers[at]}
        for drawn in ("mask", "noise"):
            if layers[at]["type"] == {"mask": "dropout", "noise": "noise"}[drawn]:
                found[drawn] = f"step{step}/forward/{names[at]}.{drawn}"
        if entry.phase == "backward":
            after = f"{names[at + 1]}.d_x" if at + 1 < len(names) else "loss.d_out"
            found["d_out"] = f"step{step}/backward/{after}"
    return found if all(trace.has(key) for key in found.values()) else {}


def run_operation(label: str, trace: Trace, entry: TraceEntry) -> AnyArray | None:
    """Run the operation that made a tensor once more, in one language, on the inputs that a trace has.

    Parameters
    ----------
    label : {"R", "Python"}
        The language; for others there is no function of the name.
    trace : Trace
        Whose inputs.
    entry : TraceEntry
        The tensor.

    Returns
    -------
    array, or None
        None if the operation cannot be run there.
    """
    keys = operation_inputs(trace, entry)
    if label not in ("R", "Python") or not keys:
        return None
    inputs = {name: np.array(trace.load(key)) for name, key in keys.items()}
    setting = trace.manifest["experiment"]["arithmetic"]
    call = partial(call_in_r if label == "R" else call_in_python, setting)
    try:
        return np.asarray(perform(call, trace, entry, inputs))
    except (BridgeError, RError, ValueError, KeyError):
        return None


def perform(call: Callable[..., Any], trace: Trace, entry: TraceEntry, inputs: dict[str, AnyArray]) -> Any:
    """Run an operation, given how functions are called."""
    experiment = trace.manifest["experiment"]
    layer, name = layer_of(trace, entry), entry.name
    what = name.rpartition(".")[2]
    if name in ("loss.data", "loss.d_out"):
        value, cached = call("loss_forward", ("loss", "cache"), experiment["loss"], inputs["out"], inputs["target"])
        return value if name == "loss.data" else call("loss_backward", None, experiment["loss"], cached)
    if name == "loss.penalty":
        return call("l2_penalty", None, inputs, experiment["reg"])
    if name == "loss":
        return inputs["data"] + inputs["penalty"]
    if what == "grad":
        key = name.removesuffix(".grad")
        return call("l2_gradients", (key,), {key: inputs["param"]}, {key: inputs["grad"]}, experiment["reg"])[0]
    if layer is not None and what in ("out", "d_w", "d_b", "d_x"):
        extra = {
            "conv2d": [layer.get("stride", 1), layer.get("padding", 0)],
            "max_pool2d": [layer.get("size"), layer.get("stride")],
            "average_pool2d": [layer.get("size"), layer.get("stride")],
            "unflatten": [layer.get("shape")],
            "dropout": [layer.get("p")],
        }
        given = [inputs[key] for key in ("x", "w", "b", "mask", "noise") if key in inputs]
        settings = [as_vector(value) for value in extra.get(layer["type"], [])]
        out, cached = call(f"{layer['type']}_forward", ("out", "cache"), *given, *settings)
        if what == "out":
            return out
        parts = ("d_x", "d_w", "d_b") if "w" in layer else None
        back = call(f"{layer['type']}_backward", parts, inputs["d_out"], cached)
        return back if parts is None else back[parts.index(what)]
    key = parameter_of(trace, name)
    state: dict[str, Any] = {}
    for given_name, value in inputs.items():
        if given_name.startswith("optimizer."):
            state_name = given_name.removeprefix("optimizer.")
            state[state_name] = float(value[0]) if is_count_of_state(trace, entry, state_name) else {key: value}
    if not state:
        state = first_state(call, experiment["optimizer"], key, inputs["param"])
    arguments = (experiment["optimizer"], {key: inputs["param"]}, {key: inputs["grad"]}, state)
    params, state = call("optimizer_step", ("params", "state"), *arguments)
    if name == key:
        return part_of(params, key)
    kept = part_of(state, name.removeprefix("optimizer.").removesuffix(f".{key}"))
    return part_of(kept, key) if name.endswith(f".{key}") else kept


def first_state(call: Callable[..., Any], optimizer: dict[str, Any], key: str, param: AnyArray) -> Any:
    """The state of an optimizer before its first step."""
    return call("optimizer_init", None, optimizer, {key: param})


def is_count_of_state(trace: Trace, entry: TraceEntry, state_name: str) -> bool:
    """Whether a part of an optimizer's state is one number for all parameters."""
    return trace.has(f"step{entry.step}/update/optimizer.{state_name}")


def part_of(value: Any, key: str) -> Any:
    """An item of a dict, or of a list of R."""
    return value[key] if isinstance(value, dict) else start_r().call("[[", value, key)


def as_vector(value: Any) -> Any:
    """A setting of a layer as both languages take it: pairs as an array."""
    return np.asarray(value) if isinstance(value, list) else value


def call_in_python(setting: str, name: str, parts: tuple[str, ...] | None, *arguments: Any) -> Any:
    """Call a function of the package; `parts` are the names of what it returns, in order, for R's sake."""
    plain = [
        value.tolist() if isinstance(value, np.ndarray) and value.dtype.kind == "i" else value for value in arguments
    ]
    with arithmetic(setting):
        result = functions()[name](*plain)
    return [result[part] for part in parts] if isinstance(result, dict) and parts is not None else result


def call_in_r(setting: str, name: str, parts: tuple[str, ...] | None, *arguments: Any) -> Any:
    """Call the function of the same name in R; what it returns by name comes back in the order of `parts`."""
    r = start_r()
    code = "function(setting, name, arguments) with_arithmetic(setting, do.call(name, arguments))"
    result = r.call("do.call", r.eval(code, convert=False), [setting, name, list(arguments)], convert=False)
    if parts is None:
        return result if name == "optimizer_init" else r.from_r(result)
    found = [r.call("[[", result, part, convert=False) for part in parts]
    opaque = ("cache", "state", "params")
    return [value if part in opaque else r.from_r(value) for part, value in zip(parts, found, strict=True)]


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """Every public function of the flat modules of the package, by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(twinnet.__path__, "twinnet."):
        if not module.ispkg and not module.name.endswith(("estimator", "_types")):
            loaded = importlib.import_module(module.name)
            found |= {name: getattr(loaded, name) for name in getattr(loaded, "__all__", [])}
    return found


def layer_of(trace: Trace, entry: TraceEntry) -> dict[str, Any] | None:
    """The layer that a tensor belongs to."""
    name = entry.name.rpartition(".")[0]
    layers = trace.manifest["experiment"]["model"]
    return next((layer for layer in layers if layer["name"] == name and entry.phase in ("forward", "backward")), None)


def parameter_of(trace: Trace, name: str) -> str:
    """The parameter that a tensor of an update belongs to."""
    layers = trace.manifest["experiment"]["model"]
    keys = [layer[key] for layer in layers for key in ("w", "b") if key in layer]
    return next((key for key in keys if name == key or name.endswith(f".{key}")), keys[0] if keys else "")


def parameter_keys(trace: Trace, step: int) -> dict[str, str]:
    """Where the parameters before a step were recorded."""
    place = "step0/init" if step == 1 else f"step{step - 1}/update"
    layers = trace.manifest["experiment"]["model"]
    return {layer[key]: f"{place}/{layer[key]}" for layer in layers for key in ("w", "b") if key in layer}


def gradient_key(trace: Trace, step: int, key: str, regularised: bool = True) -> str:
    """Where a parameter's gradient was recorded."""
    layer, _, part = key.rpartition(".")
    with_penalty = f"step{step}/backward/{key}.grad"
    return with_penalty if regularised and trace.has(with_penalty) else f"step{step}/backward/{layer}.d_{part}"
