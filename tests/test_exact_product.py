"""The exact product: the same bits in R, NumPy and PyTorch, and near the true product, for all shapes and scales."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from twinnet.exact_product import TERMS_OF_A_TREE, exact_matmul, exact_matmul_nt, exact_matmul_tn, slice_constants
from twinnet.torch_twin.exact import product as torch_product
from twins import assert_same_bits

SHAPES = [
    (1, 1, 1),
    (3, 1, 4),  # one term each
    (300, 1, 300),  # one term each, too many for a tree
    (1, 50, 1),
    (1, 5000, 1),
    (5, 2, 2),
    (75, 4, 6),  # iris
    (16, 16, 16),  # the last that is a tree
    (16, 16, 17),  # the first that is cut into slices
    (1, 300, 40),
    (40, 300, 1),
    (7, 288, 100),  # fewer rows than columns
    (1100, 288, 16),  # more rows than are worked out at a time
    (3, 3000, 3),
    (1, 100_000, 2),
]
SCALES = [1e-150, 1.0, 1e150]


def factors(shape: tuple[int, int, int], scale: float, seed: int = 0, spread: int = 0):
    """Factors of mixed signs with zeros of both signs, each element times a random power of two up to 2^spread."""
    n, k, m = shape
    g = np.random.default_rng([seed, n, k, m])
    made = []
    for rows, columns in ((n, k), (k, m)):
        x = g.standard_normal((rows, columns)) * scale * np.exp2(g.integers(-spread, spread + 1, (rows, columns)))
        x[g.random((rows, columns)) < 0.05] = 0.0
        x[g.random((rows, columns)) < 0.05] = -0.0
        made.append(x)
    return made


def true_product(a, b) -> dict[tuple[int, int], Fraction]:
    """Some elements of the product, in rational arithmetic."""
    return {(i, j): true_sum(a[i], b[:, j]) for i in {0, len(a) - 1} for j in {0, b.shape[1] // 2}}


def true_sum(x, y) -> Fraction:
    """The sum of the products of two vectors' elements, by whole numbers: a number is one times a power of two."""
    (m, e), (n, f) = np.frexp(x), np.frexp(y)
    whole = zip((m * 2.0**53).astype(int).tolist(), (n * 2.0**53).astype(int).tolist(), strict=True)
    exponents = (e.astype(int) + f).tolist()
    least = min(exponents)
    total = sum(p * q << exponent - least for (p, q), exponent in zip(whole, exponents, strict=True))
    return total * Fraction(2) ** (least - 106)


def bound(a, b, true: Fraction, i: int, j: int) -> Fraction:
    """The error that the file's head states: of slices, or of a tree of rounded products."""
    (n, k), m = a.shape, b.shape[1]
    u = Fraction(2) ** -53
    if n * m * k <= TERMS_OF_A_TREE:
        sizes = true_sum(np.abs(a[i]), np.abs(b[:, j]))
        depth = 1 + (k - 1).bit_length()
        return depth * u / (1 - depth * u) * sizes + k * Fraction(2) ** -1074
    beta = (53 - (3 * k - 1).bit_length()) // 2
    d = Fraction(2) ** -(beta + 1)
    smallest = slice_constants(k)[0]
    sizes = [4 * Fraction(max(float(np.abs(x).max()), smallest)) for x in (a[i], b[:, j])]
    return u * abs(true) + (Fraction(2) ** -51 * d + 5 * d**3) * k * sizes[0] * sizes[1]


def assert_near_the_true_product(a, b, c, what: str) -> None:
    for (i, j), true in true_product(a, b).items():
        error, allowed = abs(Fraction(float(c[i, j])) - true), bound(a, b, true, i, j)
        assert error <= allowed, f"{what}[{i}, {j}]: {float(error)} off, allowed are {float(allowed)}"


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_have_the_same_bits_everywhere_and_the_stated_error(r, shape, scale):
    a, b = factors(shape, scale)
    c = exact_matmul(a, b)
    assert_same_bits(c, r.call("exact_matmul", a, b), "a b")
    assert_same_bits(exact_matmul_tn(a.T.copy(), b), c, "a b as the product of a'")
    assert_same_bits(exact_matmul_nt(a, b.T.copy()), c, "a b as the product with b'")
    assert_same_bits(r.call("exact_matmul_tn", a.T.copy(), b), c, "a b in R as the product of a'")
    assert_same_bits(r.call("exact_matmul_nt", a, b.T.copy()), c, "a b in R as the product with b'")
    assert_same_bits(torch_product(torch.tensor(a), torch.tensor(b).T), c, "a b in PyTorch")
    assert_near_the_true_product(a, b, c, "a b")


@pytest.mark.parametrize("seed", range(25))
def test_random_shapes_and_scales_too(r, seed):
    g = np.random.default_rng(seed)
    shape = tuple(int(size) for size in np.exp2(g.uniform(0, 6, 3)))
    scale, spread = 10.0 ** g.uniform(-120, 120), int(g.integers(0, 60))
    a, b = factors(shape, scale, seed, spread)
    b /= scale  # so that no product overflows
    c = exact_matmul(a, b)
    assert_same_bits(c, r.call("exact_matmul", a, b), f"{shape}, {scale}, {spread}")
    assert_same_bits(torch_product(torch.tensor(a), torch.tensor(b).T), c, f"{shape} in PyTorch")
    assert_near_the_true_product(a, b, c, f"{shape}, {scale}, {spread}")


@pytest.mark.parametrize("order", ["C", "F"])
def test_how_the_numbers_lie_in_memory_does_not_matter(order):
    a, b = factors((60, 50, 40), 1.0)
    there = exact_matmul(np.asarray(a, order=order), np.asarray(b, order=order))
    assert_same_bits(there, exact_matmul(a[::-1][::-1], b), "the same matrices")
    wide = np.zeros((120, 150))
    wide[::2, ::3] = a
    assert_same_bits(exact_matmul(wide[::2, ::3], b), there, "a part of a larger matrix")


def test_the_order_of_the_terms_does_not_matter_to_slices():
    """What a BLAS may change: the sums of slice products are exact, so every order gives the same."""
    a, b = factors((30, 400, 20), 1.0, spread=20)
    shuffled = np.random.default_rng(1).permutation(400)
    assert_same_bits(exact_matmul(a[:, shuffled], b[shuffled]), exact_matmul(a, b), "a b, its terms shuffled")


def test_the_slices_are_exact_at_the_bound():
    """All 2^53 units in use: the largest numbers, of one sign, in every row."""
    for k in (85, 86, 341, 342, 5461, 5462):  # 3k just below and above a power of two, where a slice loses a bit
        largest = np.nextafter(2.0, 0.0)
        a, b = np.full((9, k), largest), np.full((k, 9), largest)
        c = exact_matmul(a, b)
        true = k * Fraction(largest) ** 2
        assert abs(Fraction(c[0, 0]) - true) <= Fraction(2) ** -53 * true * (1 + Fraction(2) ** -10)
        assert (c == c[0, 0]).all()


SLICED = (20, 30, 20)


def test_rows_that_hold_no_numbers_give_nan(r):
    for bad in (np.inf, -np.inf, np.nan, 1e154, -1e300):
        a, b = factors(SLICED, 1.0)
        a[3, 4] = bad
        c, theirs = exact_matmul_of_quiet(a, b), r.call("exact_matmul", a, b)
        others = np.arange(20) != 3
        assert np.isnan(c[3]).all(), f"row 3 with {bad}"
        assert np.isnan(theirs[3]).all(), f"row 3 with {bad} in R"
        assert_same_bits(c[others], theirs[others], "the other rows")
        assert_same_bits(c[others], exact_matmul(a[others], b), "the other rows, alone")


@np.errstate(over="ignore", invalid="ignore")
def exact_matmul_of_quiet(a, b):
    return exact_matmul(a, b)


@np.errstate(over="ignore", invalid="ignore")
def test_small_products_follow_ieee_arithmetic_to_its_bounds(r):
    """A tree of rounded products: infinite, subnormal and NaN as in IEEE arithmetic."""
    a = np.array([[np.inf, 1.0], [1e300, -1e300], [5e-324, 1e-310], [np.nan, 0.0], [-0.0, 0.0]])
    b = np.array([[2.0, 1e300], [3.0, 1e300]])
    c = exact_matmul(a, b)
    expected = np.array([[np.inf, np.inf], [-1e300, np.nan], [5e-324 * 2 + 3e-310, 5e-324 * 1e300 + 1e-310 * 1e300]])
    np.testing.assert_array_equal(c[:3], expected)
    assert np.isnan(c[3]).all()
    assert_same_bits(c[4], np.array([0.0, 0.0]), "0, and not -0")
    theirs = r.call("exact_matmul", a, b)
    known = ~np.isnan(c)
    assert (np.isnan(theirs) == np.isnan(c)).all()
    assert_same_bits(c[known], theirs[known], "what is a number")


def test_the_smallest_rows_count_as_nothing(r):
    """Below 2^-563 or so a row's numbers vanish, where others' slices would need units below the smallest number."""
    a, b = factors(SLICED, 1.0)
    a[3] *= 1e-300
    a[4] *= 1e-310
    a[5] *= 1e-160
    c = exact_matmul(a, b)
    assert_same_bits(c[3:5], np.zeros((2, 20)), "rows of 1e-300 and of 1e-310")
    assert_same_bits(c, r.call("exact_matmul", a, b), "with tiny rows")
    assert_near_the_true_product(a, b, c, "with tiny rows")
    largest_range = exact_matmul(a * 1e-150, b * 1e-150)
    assert_same_bits(largest_range, r.call("exact_matmul", a * 1e-150, b * 1e-150), "where products are subnormal")


def test_no_zero_is_negative(r):
    for shape in ((4, 3, 4), SLICED):
        n, k, m = shape
        a, b = np.full((n, k), -0.0), np.full((k, m), 2.0)
        assert_same_bits(exact_matmul(a, b), np.zeros((n, m)), f"{shape}")
        assert_same_bits(r.call("exact_matmul", a, b), np.zeros((n, m)), f"{shape} in R")


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0)], ids=str)
def test_empty_products_are_zeros(r, shape):
    n, k, m = shape
    assert_same_bits(exact_matmul(np.empty((n, k)), np.empty((k, m))), np.zeros((n, m)), "empty")
    assert r.eval(f"identical(exact_matmul(matrix(0, {n}, {k}), matrix(0, {k}, {m})), matrix(0, {n}, {m}))").item()


def test_the_constants_of_the_slices_are_the_same(r):
    for k in [*range(1, 200), 10**3, 10**5, 2**20, 2**20 + 1, 10**9]:
        assert_same_bits(np.array(slice_constants(k)), r.call("slice_constants", float(k)), f"K = {k}")
