"""Mistakes of what a run draws and reads: weights, the order of the rows, masks and noise, and the batches themselves.

What should have been drawn is drawn again, from the seed on, by the generators of this package, which are proven
against R, NumPy and PyTorch; and then with another seed, another generator, from another place in the stream, ...
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array
from twinnet.experiment import GENERATORS, experiment_data, experiment_generator
from twinnet.generator_r import RGenerator
from twinnet.model import model_init
from twinnet.parity.array_hypotheses import VALUE_BITS, Guess
from twinnet.parity.recorded import MissingTensorError, Recorded
from twinnet.problems import batch_inputs
from twinnet.randomness import random_integers, random_mask, random_normal, random_order, random_uniform
from twinnet.train import epoch_order

__all__ = ["data_guesses", "draw_guesses"]

OTHER_SEEDS = (0, 1, 42, 123, 1234)
WORDS_SKIPPED = 8


def draw_guesses(side: Recorded) -> Iterator[Guess]:
    """What should have been drawn, and what would have been with each mistake.

    Parameters
    ----------
    side : Recorded
        Of a weight before training, a batch's rows, a mask or a noise.

    Yields
    ------
    Guess
    """
    kind = side.name.rpartition(".")[2] if side.phase == "forward" else side.phase
    if kind == "init":
        draw: Callable[..., Any] = partial(drawn_weights, side)
    elif side.name == "batch.rows":
        draw = partial(drawn_rows, side)
    elif kind in ("mask", "noise"):
        draw = partial(drawn_in_layer, side, kind)
    else:
        return
    yield Guess("", draw(experiment_generator(side.experiment)))
    for name, detail, generator in other_streams(side):
        try:
            yield Guess(name, draw(generator), detail, 4.0)
        except (ValueError, TypeError, AttributeError):
            continue  # this generator cannot draw it
    if kind == "init":
        weights = drawn_weights(side, experiment_generator(side.experiment), backwards=True)
        yield Guess("stream_shifted", weights, "the layers' weights are drawn in another order")
        yield from uniform_weights(side)
    else:
        yield Guess(
            "stream_shifted", draw(experiment_generator(side.experiment), start=False), "as if nothing was drawn before"
        )
    if side.name == "batch.rows":
        yield from other_orders(side)
    if kind in ("mask", "noise"):
        yield from other_numbers(side, kind)


def other_streams(side: Recorded) -> Iterator[tuple[str, str, Any]]:
    """The streams that a porter may draw from instead of the right one."""
    experiment = side.experiment
    seed, own = int(experiment["seed"]), experiment["generator"]
    for other in dict.fromkeys((seed + 1, seed - 1, *OTHER_SEEDS)):
        if other != seed and other >= 0:
            yield "other_seed", f"{other} for {seed}", experiment_generator({**experiment, "seed": other})
    if own == "r":
        yield "sample_rounding", "", RGenerator(seed, "Rounding")
    for name in GENERATORS:
        if name != own:
            try:
                yield "other_generator", f"{name} for {own}", experiment_generator({**experiment, "generator": name})
            except (ValueError, TypeError):
                continue
    for words in range(1, WORDS_SKIPPED + 1):
        generator = experiment_generator(experiment)
        random_uniform(generator, words)
        yield "stream_shifted", f"by {words} uniform numbers, from the seed on", generator


def other_orders(side: Recorded) -> Iterator[Guess]:
    """The rows of a batch from an order that was drawn or used otherwise."""

    def rows(**how: Any) -> AnyArray:
        return drawn_rows(side, experiment_generator(side.experiment), **how)

    def unshuffled(experiment: Any, generator: Any, n: int) -> AnyArray:
        return np.arange(n)

    def with_replacement(experiment: Any, generator: Any, n: int) -> AnyArray:
        if isinstance(generator, RGenerator):
            return np.asarray(generator.sample_int(n, replace=True) - 1)
        return random_integers(generator, 0, n, n)

    def inverse(experiment: Any, generator: Any, n: int) -> AnyArray:
        return np.argsort(epoch_order(experiment, generator, n))

    def backwards(experiment: Any, generator: Any, n: int) -> AnyArray:
        return epoch_order(experiment, generator, n)[::-1]

    def permutation(experiment: Any, generator: Any, n: int) -> AnyArray:
        return random_order(generator, n)

    yield Guess("inverse_order", rows(order_of=inverse))
    yield Guess("reversed", rows(order_of=backwards), "the epoch's order")
    yield Guess("stream_shifted", rows(order_of=permutation), "a permutation, without the seeds that DataLoader draws")
    yield Guess("not_shuffled", rows(order_of=unshuffled))
    yield Guess("with_replacement", rows(order_of=with_replacement))
    yield Guess("last_batch_dropped", rows(drop_last=True))
    yield Guess("not_reshuffled", rows(keep_order=True))


def other_numbers(side: Recorded, kind: str) -> Iterator[Guess]:
    """A mask of another probability; noise of another distribution."""
    layer = side.model[side.layer(side.name.rpartition(".")[0])]
    generator, shape = state_at(side, experiment_generator(side.experiment)), side.trace.load(side.key).shape
    state = generator.get_state()
    for one in ((1, *shape[1:]), (*shape[:1], *(1 for _ in shape[1:]))):
        drawn = (
            random_mask(generator, one, layer["p"]) if kind == "mask" else layer["sd"] * random_normal(generator, one)
        )
        yield Guess("drawn_once", np.broadcast_to(drawn, shape), "for all rows" if one[0] == 1 else "for all units")
        generator.set_state(state)
    if kind == "mask":
        yield Guess("dropout_probability", random_mask(generator, shape, 1 - layer["p"]), "p is that of being kept")
        return
    yield Guess("other_distribution", layer["sd"] * random_uniform(generator, shape), "uniform")
    generator.set_state(state)
    yield Guess("other_distribution", layer["sd"] * (2 * random_uniform(generator, shape) - 1), "uniform on -1 to 1")


def uniform_weights(side: Recorded) -> Iterator[Guess]:
    """A weight that is drawn from the uniform distribution."""
    normal, uniform = (experiment_generator(side.experiment) for _ in range(2))
    if side.experiment["init"]["name"] == "torch":
        return
    for layer in side.model:
        if "w" in layer:
            shape = side.value("init", layer["w"]).shape
            right, drawn = random_normal(normal, shape), random_uniform(uniform, shape)
            if layer["w"] == side.name:
                scale = drawn_weights(side, experiment_generator(side.experiment)) / right
                yield Guess("other_distribution", scale * drawn, "uniform on 0 to 1")
                yield Guess("other_distribution", scale * (2 * drawn - 1), "uniform on -1 to 1")


def drawn_weights(side: Recorded, generator: Any, start: bool = True, backwards: bool = False) -> Array:
    """A parameter before training."""
    model = side.model[::-1] if backwards else side.model
    params = model_init(model, generator, side.experiment["init"])
    if side.name not in params:
        raise MissingTensorError(side.name)
    return params[side.name]


def drawn_rows(
    side: Recorded,
    generator: Any,
    start: bool = True,
    order_of: Callable[[Any, Any, int], AnyArray] = epoch_order,
    drop_last: bool = False,
    keep_order: bool = False,
) -> AnyArray:
    """The rows of this step's batch: everything that is drawn before them is drawn."""
    experiment = side.experiment
    n = len(experiment_data(experiment)["target"])
    batch = min(int(experiment["batch_size"]) or n, n)
    if start:
        model_init(side.model, generator, experiment["init"])
    order, position = np.empty(0, np.int64), n
    rows = order
    for step in range(1, side.step + 1):
        if position >= n or (drop_last and position + batch > n):
            order = order if keep_order and len(order) > 0 else order_of(experiment, generator, n)
            position = 0
        rows = order[position : position + batch]
        position += len(rows)
        if step < side.step:
            draw_layers(side, generator, step, len(rows))
    return rows


def drawn_in_layer(side: Recorded, kind: str, generator: Any, start: bool = True) -> Array:
    """A mask or a noise of this step."""
    layer = side.model[side.layer(side.name.rpartition(".")[0])]
    generator, shape = state_at(side, generator, start), side.trace.load(side.key).shape
    if kind == "mask":
        return random_mask(generator, shape, layer["p"])
    noise: Array = layer["sd"] * random_normal(generator, shape)
    return noise


def state_at(side: Recorded, generator: Any, start: bool = True) -> Any:
    """A generator that has drawn everything that is drawn before a layer's mask or noise."""
    if int(side.experiment["batch_size"]) > 0 and side.experiment["shuffle"]:
        drawn_rows(side, generator, start)
    else:
        if start:
            model_init(side.model, generator, side.experiment["init"])
        for step in range(1, side.step):
            draw_layers(side, generator, step, None)
    draw_layers(side, generator, side.step, None, until=side.name.rpartition(".")[0])
    return generator


def draw_layers(side: Recorded, generator: Any, step: int, rows: int | None, until: str = "") -> None:
    """Draw the masks and the noise of a step, up to a layer."""
    for layer in side.model:
        if layer["name"] == until:
            return
        if layer["type"] in ("dropout", "noise"):
            shape = side.value("forward", f"{layer['name']}.out", step).shape
            shape = shape if rows is None else (rows, *shape[1:])
            if layer["type"] == "dropout":
                random_mask(generator, shape, layer["p"])
            else:
                random_normal(generator, shape)


def data_guesses(side: Recorded) -> Iterator[Guess]:
    """What a batch should hold, and what it would with each mistake.

    Parameters
    ----------
    side : Recorded
        Of ``batch.rows``, ``batch.x`` or ``batch.target``.

    Yields
    ------
    Guess
    """
    if side.name == "batch.rows":
        yield from draw_guesses(side)
        return
    if side.name not in ("batch.x", "batch.target"):
        return
    data = experiment_data(side.experiment)
    n = len(data["target"])
    try:
        rows = np.asarray(side.value("data", "batch.rows"), np.int64)
    except MissingTensorError:
        rows = np.arange(n)
    which = side.name.removeprefix("batch.")

    def batch(x: AnyArray, rows: AnyArray) -> Array:
        return batch_inputs(x, rows) if which == "x" else x[rows]

    yield Guess("", batch(data[which], rows))
    for step in (1, -1):
        yield Guess("index_off_by_one", batch(data[which], (rows + step) % n), f"rows {step:+d}")
    yield Guess("not_shuffled", batch(data[which], np.arange(len(rows))), "the first rows of all")
    if which == "x" and side.experiment["data"].get("standardise"):
        settings = {**side.experiment, "data": {**side.experiment["data"], "standardise": False}}
        yield Guess("not_standardised", batch(experiment_data(settings)["x"], rows))
    own = np.asarray(side.trace.load(side.key), np.float64)
    if which == "x" and data["x"].dtype != np.uint8 and own.ndim == 2:
        everything = np.concatenate([np.asarray(data["x"]), np.asarray(data["x_test"])])
        if own.shape[1] == everything.shape[1]:
            for one, other in (("F", "C"), ("C", "F")):
                refilled = everything.reshape(-1, order=one).reshape(everything.shape, order=other)  # type: ignore[call-overload]
                yield Guess("column_major", refilled[:n][rows], "before it was split")
            nearest = [int(np.abs(everything - row).sum(axis=1).argmin()) for row in own]
            cost = len(own) * math.log2(len(everything)) + VALUE_BITS
            yield Guess("other_rows", everything[nearest], "of the training and the test data", cost)
