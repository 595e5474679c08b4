"""exp, log, log1p and tanh from IEEE operations: the same bits in R, NumPy and PyTorch, and near the true values."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from twinnet.exact_functions import NUMBERS_AT_A_TIME, exact_exp, exact_log, exact_log1p, exact_tanh
from twinnet.torch_twin import exact as torch_exact
from twins import assert_same_bits

G = np.random.default_rng(0)
FUNCTIONS = {"exp": exact_exp, "log": exact_log, "log1p": exact_log1p, "tanh": exact_tanh}
LARGEST_ERROR = {"exp": 0.9, "log": 0.9, "log1p": 1.9, "tanh": 2.6}  # units of the last place
POWERS = 2.0 ** np.arange(-1074, 1024)
RANDOM = {
    "exp": [G.uniform(-745, 709, 3000), G.uniform(-1, 1, 3000), G.standard_normal(1000) * 1e-8],
    "log": [np.exp(G.uniform(-745, 709, 3000)), G.uniform(0, 2, 3000), 1 + G.standard_normal(2000) * 1e-6, POWERS],
    "log1p": [np.exp(G.uniform(-50, 40, 3000)), G.uniform(-1, 1, 3000), -np.exp(G.uniform(-50, 0, 2000))],
    "tanh": [G.standard_normal(3000) * 5, G.uniform(-1, 1, 3000), G.standard_normal(2000) * 1e-8],
}
EDGES = np.array(
    [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 1e-310, 2.0**-1022, 700.0, -700.0, 709.78, 709.79, 710.0]
    + [-708.4, -720.0, -745.13, -745.14, -746.0, 1e308, -1e308, -1.0, 1.0, 2.0, 0.5, 22.0, -22.5, 2.0**53, 2.0**54]
    + [np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0), np.nextafter(-1.0, 0.0), 0.7071067811865475, 0.7071067811865476]
)


def true_value(name: str, x: float) -> Decimal:
    """The function's value to 40 digits."""
    d = Decimal(x)
    match name:
        case "exp":
            return d.exp()
        case "log":
            return d.ln()
        case "log1p":
            return (1 + d).ln()
        case _:
            e = (2 * d).exp()
            return (e - 1) / (e + 1)


def largest_error(name: str, x) -> float:
    """In units of the last place of the true value."""
    worst = 0.0
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**6, -(10**6)
        for number, ours in zip(x.tolist(), FUNCTIONS[name](x).tolist(), strict=True):
            true = true_value(name, number)
            if true != 0:
                worst = max(worst, float(abs(Decimal(ours) - true) / Decimal(float(np.spacing(abs(float(true)))))))
    return worst


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_same_bits_in_three_languages(r, name):
    for x in [*RANDOM[name], EDGES, EDGES[:32].reshape(4, 8)]:
        with np.errstate(all="ignore"):
            ours = FUNCTIONS[name](x)
        theirs = r.call(f"exact_{name}", x)
        in_torch = getattr(torch_exact, name)(torch.tensor(x)).numpy()
        known = ~np.isnan(ours)
        assert ours.shape == x.shape
        for found, language in ((theirs, "R"), (in_torch, "PyTorch")):
            skipped = np.isinf(x) & (name == "log1p") & (language == "PyTorch")  # it takes numbers up to 1 alone
            assert (np.isnan(found) == np.isnan(ours))[~skipped].all(), f"{name}: NaN elsewhere in {language}"
            assert_same_bits(ours[known & ~skipped], found[known & ~skipped], f"{name} in {language}")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_is_what_is_stated(name):
    for x in RANDOM[name]:
        assert largest_error(name, x) <= LARGEST_ERROR[name]


@pytest.mark.full
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_error_is_what_is_stated_over_many_numbers(name):
    g = np.random.default_rng(1)
    for x in (g.standard_normal(100_000), g.standard_normal(50_000) * 30, np.exp(g.uniform(-40, 6, 50_000))):
        inside = {"log": np.abs(x), "log1p": np.abs(x) - 0.5}.get(name, np.clip(x, -700, 700))
        assert largest_error(name, inside) <= LARGEST_ERROR[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_at_the_edges_are_those_of_the_function(name):
    """Infinite, zero and NaN where the function is."""
    with np.errstate(all="ignore"):
        ours, native = FUNCTIONS[name](EDGES), getattr(np, name)(EDGES)
    for special in (np.isnan, np.isposinf, np.isneginf):
        assert (special(ours) == special(native)).all(), f"{name}: {EDGES[special(ours) != special(native)]}"
    finite = np.isfinite(native)
    apart = np.abs(ours[finite] - native[finite])
    assert (apart <= 3 * np.spacing(np.abs(native[finite]))).all(), name


def test_exp_is_rounded_once_where_it_is_subnormal():
    x = np.linspace(-745.2, -708.4, 1000)
    assert largest_error("exp", x) <= 0.9
    assert exact_exp(np.array([-745.13, -745.14])).tolist() == [5e-324, 0.0]


def test_exp_does_not_decrease():
    x = np.sort(np.concatenate([G.uniform(-5, 5, 100_000), np.log(2) * np.arange(-7, 8) / 2]))
    assert (np.diff(exact_exp(x)) >= 0).all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_how_many_there_are_does_not_matter(r, name):
    """They are worked out in pieces."""
    x = np.abs(np.random.default_rng(2).standard_normal((3, NUMBERS_AT_A_TIME)))
    whole = FUNCTIONS[name](x)
    assert_same_bits(whole[1], FUNCTIONS[name](x[1].copy()), f"{name}, a row alone")
    assert_same_bits(FUNCTIONS[name](np.asfortranarray(x)), whole, f"{name}, column by column in memory")
    assert_same_bits(r.call(f"exact_{name}", x), whole, f"{name} in R")
