"""Random arrays from any generator: R equal to Python bit by bit, and both to what the originals draw."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bit_patterns import InR, assert_same_bits
from twinnet.generator_numpy import NumpyGenerator
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.generator_r import RGenerator
from twinnet.generator_torch import TorchGenerator
from twinnet.parity.bridge import RError
from twinnet.randomness import random_integers, random_mask, random_normal, random_order, random_uniform

KINDS = {kind.__name__: kind for kind in (RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)}
SHAPES = [1, 7, (5,), (3, 4), (2, 3, 4), (2, 1, 3, 5), (0, 3), (1, 1)]
DRAWS = {
    "random_uniform": random_uniform,
    "random_normal": random_normal,
    "random_integers": lambda generator, shape: random_integers(generator, -3, 11, shape),
    "random_mask": lambda generator, shape: random_mask(generator, shape, 0.3),
}


def r_numbers(shape):
    return np.atleast_1d(np.asarray(shape, np.float64))


def r_draw(r, name, handle, shape):
    extra = {"random_integers": [-3.0, 11.0, r_numbers(shape)], "random_mask": [r_numbers(shape), 0.3]}
    return r.call(name, handle, *extra.get(name, [r_numbers(shape)]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DRAWS)
def test_r_draws_the_same_arrays(r, kind, name):
    ours, theirs = KINDS[kind](42), InR(r, kind, 42)
    for shape in SHAPES:
        expected = DRAWS[name](ours, shape)
        assert expected.shape == tuple(np.atleast_1d(shape)), f"{name}({shape}): shape {expected.shape}"
        assert expected.dtype == (np.int64 if name == "random_integers" else np.float64)
        assert_same_bits(expected, r_draw(r, name, theirs.handle, shape), f"{kind}, {name}({shape})")
    assert ours.words_drawn() == theirs.words_drawn(), f"{kind}, {name}: words drawn"


@pytest.mark.parametrize("kind", KINDS)
def test_r_visits_rows_in_the_same_order(r, kind):
    ours, theirs = KINDS[kind](7), InR(r, kind, 7)
    for n in (0, 1, 2, 3, 10, 1000):
        order = random_order(ours, n)
        assert order.dtype == np.int64
        assert sorted(order) == list(range(n)), f"{kind}: the order of {n} rows is not a permutation from 0"
        in_r = r.call("random_order", theirs.handle, float(n))
        assert_same_bits(order + 1, in_r, f"{kind}: order of {n} rows, counted from 1")
    assert ours.words_drawn() == theirs.words_drawn()


def test_numpys_generators_draw_what_numpy_draws():
    for ours, theirs, integers in (
        (NumpyGenerator(5), np.random.default_rng(5), "integers"),
        (NumpyRandomState(5), np.random.RandomState(5), "randint"),
    ):
        assert_same_bits(random_uniform(ours, (3, 4)), theirs.random((3, 4)), "random_uniform")
        assert_same_bits(random_normal(ours, (3, 5)), theirs.standard_normal((3, 5)), "random_normal")
        assert_same_bits(random_integers(ours, -2, 9, 6), getattr(theirs, integers)(-2, 9, 6), "random_integers")
        assert_same_bits(random_order(ours, 9), theirs.permutation(9), "random_order")
        assert_same_bits(random_mask(ours, (4, 6), 0.4), theirs.random((4, 6)) < 1 - 0.4, "random_mask")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_pytorchs_generator_draws_what_pytorch_draws(dtype):
    ours = TorchGenerator(5)
    torch.manual_seed(5)
    kind = getattr(torch, dtype)
    assert_same_bits(random_uniform(ours, (3, 4), dtype), torch.rand(3, 4, dtype=kind).numpy(), "random_uniform")
    assert_same_bits(random_normal(ours, (4, 9), dtype), torch.randn(4, 9, dtype=kind).numpy(), "random_normal")
    assert_same_bits(random_integers(ours, -2, 9, 6), torch.randint(-2, 9, (6,)).numpy(), "random_integers")
    assert_same_bits(random_order(ours, 9), torch.randperm(9).numpy(), "random_order")
    dropped = torch.nn.functional.dropout(torch.ones(4, 6, dtype=kind), 0.4)
    assert_same_bits(random_mask(ours, (4, 6), 0.4), (dropped != 0).numpy(), "random_mask")


def test_rs_generator_draws_what_r_draws(r):
    ours = RGenerator(5)
    draws = r.eval(
        """{
          set.seed(5)
          drawn <- list(
            uniform = matrix(runif(12), 3, 4),
            normal = array(rnorm(30), c(2, 3, 5)),
            integers = sample.int(11, 6, replace = TRUE) - 1 - 2,
            order = sample.int(9),
            mask = matrix(runif(24) < 1 - 0.4, 4, 6)
          )
          rm(.Random.seed, envir = globalenv())
          drawn
        }"""
    )
    assert_same_bits(random_uniform(ours, (3, 4)), draws["uniform"], "random_uniform")
    assert_same_bits(random_normal(ours, (2, 3, 5)), draws["normal"], "random_normal")
    assert_same_bits(random_integers(ours, -2, 9, 6), draws["integers"], "random_integers")
    assert_same_bits(random_order(ours, 9), draws["order"] - 1, "random_order")
    assert_same_bits(random_mask(ours, (4, 6), 0.4), draws["mask"], "random_mask")


@pytest.mark.parametrize("kind", KINDS)
def test_a_mask_of_probability_0_keeps_all_and_of_1_nothing(r, kind):
    for p, kept in ((0, 1.0), (1, 0.0)):
        assert (random_mask(KINDS[kind](1), (50, 20), p) == kept).all()
        assert (r.call("random_mask", InR(r, kind, 1).handle, r_numbers((50, 20)), float(p)) == kept).all()


def test_a_mask_drops_with_its_probability():
    for kind in KINDS.values():
        share = random_mask(kind(1), (400, 500), 0.3).mean()
        assert abs(share - 0.7) < 5 * np.sqrt(0.3 * 0.7 / 200000), f"{kind.__name__}: {share} kept, not 0.7"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("random_uniform", [-1.0], "`shape` must be a whole number of at least 0, not -1."),
        ("random_uniform", [2.5], "`shape` must be a whole number of at least 0, not 2.5."),
        ("random_uniform", [[]], "`shape` must be at least one whole number, not nothing."),
        ("random_uniform", [3.0, "float32"], '`dtype` must be one of "float64", not "float32".'),
        ("random_normal", [3.0, "int8"], '`dtype` must be one of "float64", not "int8".'),
        ("random_integers", [2.0, 2.0, 3.0], "`high` must be a whole number of at least 3 and at most"),
        ("random_integers", [0.0, 2.0, -3.0], "`size` must be a whole number of at least 0, not -3."),
        ("random_order", [-1.0], "`n` must be a whole number of at least 0, not -1."),
        ("random_mask", [3.0, 1.5], "`p` must be a finite number of at least 0 and at most 1, not 1.5."),
    ],
)
def test_bad_arguments_are_refused_in_both_languages(r, name, arguments, message):
    with pytest.raises(ValueError, match="must be") as ours:
        globals()[name](RGenerator(1), *arguments)
    with pytest.raises(RError, match="must be") as theirs:
        r.call(name, InR(r, "RGenerator", 1).handle, *arguments)
    assert str(ours.value).startswith(message)
    assert theirs.value.message == str(ours.value)


def test_an_unknown_generator_is_refused_in_both_languages(r):
    message = "`generator` must be one of RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator, not 42."
    with pytest.raises(ValueError, match="generator") as ours:
        random_order(42, 3)
    with pytest.raises(RError, match="generator") as theirs:
        r.call("random_order", 42.0, 3.0)
    assert str(ours.value) == theirs.value.message == message
