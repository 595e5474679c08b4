"""The algorithms by which R turns words into draws, bit for bit.

R does this inside itself, so the file has no twin.
Functions named `..._rand` and `unif_index` are R's C functions of that name, for many draws at once. The
sources, of R 4.2.2, are named at each.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from twinnet._types import Array, IntArray
from twinnet.mersenne_twister import MtStream, mt_mark, mt_rewind, mt_words

INT_MAX = 2**31 - 1
ZERO_WORD = 0.5 * 2.328306437080797e-10  # R never returns 0: the word 0 becomes half of 1 / (2^32 - 1)
BLOCK = 16384  # draws at a time, so that the working arrays stay in the processor's cache

Words: TypeAlias = NDArray[np.uint64]


class WordsAhead:
    """Words read ahead of need, for algorithms that cannot tell how many they will use."""

    def __init__(self, stream: MtStream) -> None:
        self._stream = stream
        self._mark = mt_mark(stream)
        self._unread = mt_words(stream, 0)
        self._used = 0

    def peek(self, n: int) -> Words:
        """Return the next `n` words, which stay unread."""
        if self._unread.size < n:
            self._unread = np.concatenate([self._unread, mt_words(self._stream, n - self._unread.size)])
        return self._unread[:n]

    def skip(self, n: int) -> None:
        """Count the next `n` words as used."""
        self._unread = self._unread[n:]
        self._used += n

    def give_back(self) -> None:
        """Leave the stream after the last word used."""
        mt_rewind(self._stream, self._mark, self._used)


# --- uniform: src/main/RNG.c, MT_genrand and fixup ---


def unif_rand(stream: MtStream, n: int) -> Array:
    """Draw from the uniform distribution on (0, 1)."""
    return uniform_from_words(mt_words(stream, n))


def uniform_from_words(words: Words) -> Array:
    """Return the uniform draws that the words stand for."""
    uniforms = words.astype(np.float64)
    uniforms *= 2.0**-32
    np.maximum(uniforms, ZERO_WORD, out=uniforms)
    return uniforms


# --- normal: src/nmath/snorm.c, INVERSION; src/nmath/qnorm.c, algorithm AS 241 (Wichura 1988) ---

# Numerator and denominator, the highest power first: for |p - 0.5| <= 0.425, and beyond that for
# sqrt(-log(min(p, 1 - p))) up to 5 and above.
CENTRAL = (
    (
        2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
        13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
    ),
    (
        5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
        5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0,
    ),
)  # fmt: skip
TAIL = (
    (
        7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
        3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
    ),
    (
        1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
        0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0,
    ),
)  # fmt: skip
FAR_TAIL = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
        0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699,
        6.6579046435011037772,
    ),
    (
        2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
        7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769,
        1.0,
    ),
)  # fmt: skip


def norm_rand(stream: MtStream, n: int) -> Array:
    """Draw from the standard normal distribution: the quantile of a probability made of two words."""
    draws = np.empty(n)
    for start in range(0, n, BLOCK):
        block = draws[start : start + BLOCK]
        words = mt_words(stream, 2 * block.size)
        probabilities = (words[0::2] >> np.uint64(5)).astype(np.float64)
        probabilities += uniform_from_words(words[1::2])
        probabilities *= 2.0**-27
        block[:] = normal_quantiles(probabilities)
    return draws


def normal_quantiles(p: Array) -> Array:
    """Return the quantiles of the standard normal distribution for probabilities strictly between 0 and 1."""
    q = p - 0.5
    quantiles = polynomial_ratio(0.180625 - q * q, CENTRAL, q)
    in_tails = np.flatnonzero(np.abs(q) > 0.425)
    quantiles[in_tails] = tail_quantiles(p[in_tails])
    return quantiles


def tail_quantiles(p: Array) -> Array:
    """Return the quantiles for probabilities further than 0.425 from 0.5; infinity for 1, a rounded one."""
    upper = p > 0.5
    nearest = np.where(upper, 0.5 - p + 0.5, p)
    r = np.sqrt(-exact_log(np.maximum(nearest, np.finfo(np.float64).tiny)))
    quantiles = polynomial_ratio(r - 1.6, TAIL)
    far = np.flatnonzero(r > 5)
    quantiles[far] = polynomial_ratio(r[far] - 5, FAR_TAIL)
    quantiles[nearest == 0] = np.inf
    return np.where(upper, quantiles, -quantiles)


def polynomial_ratio(x: Array, coefficients: tuple[tuple[float, ...], ...], factor: Array | None = None) -> Array:
    """Return ``factor * numerator(x) / denominator(x)``, in the order of R's operations."""
    numerator = horner(x, coefficients[0])
    if factor is not None:
        numerator *= factor
    numerator /= horner(x, coefficients[1])
    return numerator


def horner(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Evaluate the polynomial with these coefficients, the highest power first, at each x."""
    value = x * coefficients[0]
    value += coefficients[1]
    for coefficient in coefficients[2:]:
        value *= x
        value += coefficient
    return value


def exact_log(x: Array) -> Array:
    """Return the logarithm of the C library, and so of R: NumPy's differs in the last bits of some."""
    if scipy_log_is_exact():
        log: Array = xlogy(1.0, x)
        return log
    return library_log(x)


@cache
def scipy_log_is_exact() -> bool:
    """Tell whether SciPy's fast logarithm has the C library's bits, tried on 10000 values from 2^-60 to 1."""
    x = 2.0 ** np.linspace(-60, 0, 10000)
    return bool(np.array_equal(xlogy(1.0, x), library_log(x)))


def library_log(x: Array) -> Array:
    """Return the C library's logarithm, by way of Python's."""
    return np.fromiter(map(math.log, x.tolist()), dtype=np.float64, count=x.size)


# --- exponential: src/nmath/sexp.c, Ahrens and Dieter (1972) ---

# The partial sums of log(2)^k / k!, k = 1, 2, ..., to R's 16 digits.
EXPONENTIAL_SUMS = np.array([
    0.6931471805599453, 0.9333736875190459, 0.9888777961838675, 0.9984959252914960, 0.9998292811061389,
    0.9999833164100727, 0.9999985691438767, 0.9999998906925558, 0.9999999924734159, 0.9999999995283275,
    0.9999999999728814, 0.9999999999985598, 0.9999999999999289, 0.9999999999999968, 0.9999999999999999,
    1.0000000000000000,
])  # fmt: skip
LOG_2_MULTIPLES = np.cumsum([0.0] + [0.6931471805599453] * 40)  # by repeated addition, as R adds


def exp_rand(stream: MtStream, n: int) -> Array:
    """Draw from the standard exponential distribution."""
    ahead = WordsAhead(stream)
    pieces = [np.empty(0)]
    missing = n
    while missing > 0:
        uniforms = uniform_from_words(ahead.peek(2 * min(missing, BLOCK) + 20))
        piece, used = exponential_draws(uniforms, missing)
        ahead.skip(used)
        pieces.append(piece)
        missing -= piece.size
    ahead.give_back()
    return np.concatenate(pieces)


def exponential_draws(uniforms: Array, n: int) -> tuple[Array, int]:
    """Return as many of `n` draws as the uniforms suffice for, and how many of them that took.

    The first uniform of a draw decides how many more it takes, so that this is known for every uniform as if
    a draw began there, before the true beginnings are.
    """
    mantissa, exponent = np.frexp(uniforms)
    doublings = 1 - exponent + (mantissa == 0.5)  # what takes the uniform above 1
    rest = np.ldexp(uniforms, doublings) - 1
    terms = np.searchsorted(EXPONENTIAL_SUMS, rest)
    lengths = np.where(terms == 0, 1, terms + 2)
    begin, used = chain(lengths, np.ones(lengths.size, dtype=np.bool_), n)
    draws = LOG_2_MULTIPLES[doublings[begin] - 1]
    short = lengths[begin] == 1
    draws[short] += rest[begin[short]]
    begin = begin[~short]
    spans = np.column_stack([begin + 1, begin + lengths[begin]]).ravel()
    smallest = np.minimum.reduceat(np.append(uniforms, 1.0), spans)[::2] if begin.size else np.empty(0)
    draws[~short] += smallest * EXPONENTIAL_SUMS[0]
    return draws, used


def chain(lengths: IntArray, wanted: NDArray[np.bool_], n: int) -> tuple[IntArray, int]:
    """Follow attempts that begin where the one before them ends.

    Parameters
    ----------
    lengths : array of int, shape (m,)
        How long the attempt would be that begins at each place.
    wanted : array of bool, shape (m,)
        Whether it would be one of those wanted.
    n : int
        How many are wanted.

    Returns
    -------
    begin : array of int
        Where the wanted ones begin, `n` of them or as many as end within the m places.
    used : int
        Where the last attempt ends.
    """
    length, want, end = lengths.tolist(), wanted.tolist(), lengths.size
    begin: list[int] = []
    at = 0
    while len(begin) < n and at < end and at + length[at] <= end:
        if want[at]:
            begin.append(at)
        at += length[at]
    return np.array(begin, dtype=np.int64), at


# --- binomial: src/nmath/rbinom.c, Kachitvichyanukul and Schmeiser (1988) ---


def binom_rand(stream: MtStream, n: int, size: int, prob: float) -> IntArray:
    """Draw `n` times from one binomial distribution."""
    if size == 0 or prob in (0.0, 1.0):
        return np.full(n, size if prob == 1 else 0, dtype=np.int64)
    rarer = min(prob, 1 - prob)
    words_each, attempt = (1, binomial_by_inversion) if size * rarer < 30 else (2, binomial_by_btpe)
    counts = np.empty(0, dtype=np.int64)
    while counts.size < n:
        uniforms = unif_rand(stream, words_each * (n - counts.size)).reshape(-1, words_each)
        counts = np.concatenate([counts, attempt(uniforms, size, rarer)])
    return size - counts if prob > 0.5 else counts


def binomial_by_inversion(uniforms: Array, size: int, p: float) -> IntArray:
    """Return the counts where the distribution function passes the uniforms, shape (m, 1); none past 111."""
    q = 1 - p
    r = p / q
    g = r * (size + 1)
    f = integer_power(q, size)
    u = uniforms[:, 0]
    waiting = np.arange(u.size)
    counts = np.full(u.size, -1)
    for count in range(112):
        if count > 0:
            f *= g / count - r
        found = u < f
        counts[waiting[found]] = count
        waiting, u = waiting[~found], u[~found] - f
        if waiting.size == 0:
            break
    return counts[counts >= 0]


def integer_power(x: float, n: int) -> float:
    """Return the power x^n by repeated squaring, in the order of R_pow_di (src/main/arithmetic.c)."""
    power = 1.0
    while True:
        if n & 1:
            power *= x
        n >>= 1
        if n == 0:
            return power
        x *= x


class Btpe(NamedTuple):
    """What BTPE prepares: the binomial lies under a triangle, two parallelograms and two tails."""

    size: int
    p: float
    q: float
    npq: float
    mode: int
    middle: float
    left: float
    right: float
    height: float
    left_rate: float
    right_rate: float
    p1: float  # the areas, cumulated: triangle, parallelograms, left tail, right tail
    p2: float
    p3: float
    p4: float


@lru_cache(maxsize=256)
def btpe(size: int, p: float) -> Btpe:
    """Prepare for a number of trials and the rarer outcome's probability."""
    q = 1 - p
    npq = size * p * q
    centre = size * p + p
    mode = int(centre)
    p1 = int(2.195 * math.sqrt(npq) - 4.6 * q) + 0.5
    middle = mode + 0.5
    left, right = middle - p1, middle + p1
    height = 0.134 + 20.5 / (15.3 + mode)
    slope = (centre - left) / (centre - left * p)
    left_rate = slope * (1 + 0.5 * slope)
    slope = (right - centre) / (right * q)
    right_rate = slope * (1 + 0.5 * slope)
    p2 = p1 * (1 + height + height)
    p3 = p2 + height / left_rate
    p4 = p3 + height / right_rate
    return Btpe(size, p, q, npq, mode, middle, left, right, height, left_rate, right_rate, p1, p2, p3, p4)


def binomial_by_btpe(uniforms: Array, size: int, p: float) -> IntArray:
    """Return the counts that are accepted of those that pairs of uniforms, shape (m, 2), propose."""
    prepared = btpe(size, p)
    counts, v, accepted = btpe_propose(prepared, uniforms[:, 0] * prepared.p4, uniforms[:, 1])
    open_cases = np.flatnonzero((v > 0) & ~accepted)
    accepted[open_cases] = btpe_accept(prepared, counts[open_cases], v[open_cases])
    return counts[accepted]


def btpe_propose(prepared: Btpe, u: Array, v: Array) -> tuple[IntArray, Array, NDArray[np.bool_]]:
    """Propose a count for each u, which names the region, and v.

    Returns
    -------
    counts : array of int
    v : array of float
        What the acceptance test compares; 0 where the proposal is refused outright.
    accepted : array of bool
        Whether it is accepted outright, being under the triangle.
    """
    b = prepared
    in_triangle = u <= b.p1
    regions = [in_triangle, u <= b.p2, u <= b.p3]
    log_v = exact_log(v)
    across = b.left + (u - b.p1) / b.height
    x = np.select(
        regions,
        [b.middle - b.p1 * v + u, across, b.left + log_v / b.left_rate],
        b.right - log_v / b.right_rate,
    )
    counts = np.trunc(x).astype(np.int64)
    v = np.select(
        regions,
        [v, v * b.height + 1.0 - np.abs(b.middle - across) / b.p1, v * (u - b.p2) * b.left_rate],
        v * (u - b.p3) * b.right_rate,
    )
    beyond = (counts < 0) | (counts > b.size) | ((v > 1) & regions[1])
    v[beyond] = 0
    return counts, v, in_triangle


def btpe_accept(prepared: Btpe, counts: IntArray, v: Array) -> NDArray[np.bool_]:
    """Tell whether v is at most the binomial at the counts, over that at the mode."""
    b = prepared
    k = np.abs(counts - b.mode)
    accepted = np.zeros(k.size, dtype=np.bool_)
    near = (k <= 20) | (k >= b.npq / 2 - 1)
    accepted[near] = v[near] <= binomial_ratios(b, counts[near])
    away = np.flatnonzero(~near)
    counts, v, k = counts[away], v[away], k[away]
    # Bounds on the logarithm of the ratio decide most cases; R's k * k is a 32-bit integer, which wraps.
    amaxp = (k / b.npq) * ((k * (k / 3.0 + 0.625) + 0.1666666666666) / b.npq + 0.5)
    ynorm = (-k * k).astype(np.int32) / (2.0 * b.npq)
    log_v = exact_log(v)
    close = np.flatnonzero((log_v >= ynorm - amaxp) & (log_v <= ynorm + amaxp))
    accepted[away] = log_v < ynorm - amaxp
    accepted[away[close]] = log_v[close] <= log_binomial_ratios(b, counts[close])
    return accepted


def binomial_ratios(prepared: Btpe, counts: IntArray) -> Array:
    """Return the binomial at the counts over that at the mode, by recursion."""
    r = prepared.p / prepared.q
    g = r * (prepared.size + 1)
    distinct, which = np.unique(counts, return_inverse=True)
    ratios = np.ones(distinct.size)
    for place, count in enumerate(distinct.tolist()):
        ratio = 1.0
        for i in range(prepared.mode + 1, count + 1):
            ratio *= g / i - r
        for i in range(count + 1, prepared.mode + 1):
            ratio /= g / i - r
        ratios[place] = ratio
    return ratios[which]


def log_binomial_ratios(prepared: Btpe, counts: IntArray) -> Array:
    """Return the logarithm of the binomial at the counts over that at the mode, by Stirling's formula."""
    b = prepared
    x1 = counts.astype(np.float64) + 1.0
    w = b.size - counts.astype(np.float64) + 1.0
    f1 = np.array([b.mode + 1.0])
    z = np.array([b.size + 1.0 - b.mode])
    total: Array = (
        b.middle * exact_log(f1 / x1)
        + (b.size - b.mode + 0.5) * exact_log(z / w)
        + (counts - b.mode) * exact_log(w * b.p / (x1 * b.q))
    )
    return total + stirling_correction(f1) + stirling_correction(z) + stirling_correction(x1) + stirling_correction(w)


def stirling_correction(x: Array) -> Array:
    """Return the correction of Stirling's formula for x!, to the term in x^-9."""
    x2 = x * x
    return (13860.0 - (462.0 - (132.0 - (99.0 - 140.0 / x2) / x2) / x2) / x2) / x / 166320.0


# --- sampling with equal probabilities: src/main/RNG.c, R_unif_index; src/main/random.c, do_sample ---


def unif_index(stream: MtStream, sample_kind: str, n: int, count: int) -> IntArray:
    """Draw `count` times from 0, 1, ..., n - 1."""
    if sample_kind == "Rounding":
        return np.floor(float(n) * rounding_uniforms(stream, n, count)).astype(np.int64)
    bits, words_each = index_bits(n)
    indices = np.empty(0, dtype=np.int64)
    while indices.size < count:
        candidates = index_candidates(mt_words(stream, words_each * (count - indices.size)), bits)
        indices = np.concatenate([indices, candidates[candidates < n]])
    return indices


def rounding_uniforms(stream: MtStream, n: int, count: int) -> Array:
    """Draw from the uniform distribution, by two words each where one has too few bits for `n`."""
    if n <= INT_MAX:
        return unif_rand(stream, count)
    uniforms = unif_rand(stream, 2 * count)
    return (np.floor(2.0**25 * uniforms[0::2]) + uniforms[1::2]) / 2.0**25


def index_bits(n: int) -> tuple[int, int]:
    """Tell how many bits an index below `n` has, and how many words it takes at 16 bits of each."""
    bits = math.ceil(math.log2(n))
    return bits, bits // 16 + 1


def index_candidates(words: Words, bits: int) -> IntArray:
    """Return the lowest bits of the numbers made of the words' upper halves."""
    halves = (words >> np.uint64(16)).reshape(-1, bits // 16 + 1)
    numbers = halves[:, 0]
    for column in range(1, halves.shape[1]):
        numbers = (numbers << np.uint64(16)) | halves[:, column]
    return (numbers & np.uint64(2**bits - 1)).astype(np.int64)


def sample_distinct(stream: MtStream, sample_kind: str, n: int, size: int) -> IntArray:
    """Draw distinct indices below `n`, anew where one was drawn before (src/main/unique.c, do_sample2)."""
    taken: list[int] = []
    seen: set[int] = set()
    tries = 0
    while len(taken) < size:
        for index in unif_index(stream, sample_kind, n, size - len(taken)).tolist():
            tries += 1
            if index not in seen or tries == 100:  # R gives up after a hundred tries
                taken.append(index)
                seen.add(index)
                tries = 0
    return np.array(taken, dtype=np.int64)


def sample_permuted(stream: MtStream, sample_kind: str, n: int, size: int) -> IntArray:
    """Draw distinct indices below `n` from a pool, whose last element moves into each gap."""
    if sample_kind == "Rounding":
        indices = np.floor(np.arange(n, n - size, -1) * unif_rand(stream, size)).astype(np.int64)
    else:
        indices = falling_indices(stream, n, size)
    return take_from_pool(indices, n)


def falling_indices(stream: MtStream, n: int, size: int) -> IntArray:
    """Draw an index below `n`, one below n - 1, and so on, `size` of them."""
    ahead = WordsAhead(stream)
    pieces = [np.empty(0, dtype=np.int64)]
    left = n
    while left > n - size:
        bits, words_each = index_bits(left)
        wanted = left - max(n - size, 2**bits // 2)  # beyond that, an index has fewer bits
        candidates = index_candidates(ahead.peek(words_each * (wanted + wanted // 2 + 8)), bits)
        accepted = accept_falling(candidates, left)[:wanted]
        tried = candidates.size if accepted.size < wanted else int(accepted[-1]) + 1
        ahead.skip(words_each * tried)
        pieces.append(candidates[accepted])
        left -= accepted.size
    ahead.give_back()
    return np.concatenate(pieces)


def accept_falling(candidates: IntArray, left: int) -> IntArray:
    """Return the places of the candidates below a bound: `left`, less one for each accepted before.

    The bound of each follows from what is accepted before it. So a guess at what is accepted, put right from
    its own bounds again and again, comes right from the front, and in a few rounds.
    """
    accepted = candidates < left
    while True:
        before: IntArray = np.cumsum(accepted) - accepted
        corrected = candidates < left - before
        if np.array_equal(corrected, accepted):
            return np.flatnonzero(accepted)
        accepted = corrected


def take_from_pool(indices: IntArray, n: int) -> IntArray:
    """Return what is taken at these indices, in turn, from a pool of 0, 1, ..., n - 1.

    After each draw the last element of the pool, at draw i the one at place n - 1 - i, moves into the gap.
    """
    draw = np.arange(indices.size)
    # What stands at a draw's last place came there by an earlier draw, whose last element came by a still
    # earlier one: follow them to the draw whose last element was at its own place.
    origin = draw.copy()
    into_last = np.flatnonzero((indices >= n - indices.size) & (indices != n - 1 - draw))
    origin[n - 1 - indices[into_last]] = into_last
    while not np.array_equal(origin[origin], origin):
        origin = origin[origin]
    # A place drawn before holds what that earlier draw moved there.
    order = np.sort(indices * indices.size + draw) % max(indices.size, 1)
    again = np.flatnonzero(np.diff(indices[order]) == 0)
    taken = indices.copy()
    taken[order[again + 1]] = n - 1 - origin[order[again]]
    return taken


# --- sampling with unequal probabilities: src/main/random.c; src/main/sort.c, revsort ---


def sample_weighted(stream: MtStream, sample_kind: str, weights: Array, size: int, replace: bool) -> IntArray:
    """Draw indices with unequal probabilities, which sum to 1."""
    if replace and np.count_nonzero(weights.size * weights > 0.1) > 200:
        return sample_by_alias(stream, sample_kind, weights, size)
    order = reverse_sort_order(weights)
    uniforms = unif_rand(stream, size)
    if replace:
        return order[np.searchsorted(np.cumsum(weights[order])[:-1], uniforms)]
    return order[weighted_without_replacement(weights[order], uniforms)]


def weighted_without_replacement(weights: Array, uniforms: Array) -> IntArray:
    """Return the place, for each uniform, at which the running sum of the weights that are left passes it."""
    places, left = np.arange(weights.size), weights.copy()
    total = 1.0
    taken = []
    for last, u in zip(range(weights.size - 1, -1, -1), uniforms.tolist(), strict=False):
        at = int(np.searchsorted(np.cumsum(left[:last]), total * u))
        taken.append(places[at])
        total -= left[at]
        left[at:last] = left[at + 1 : last + 1]
        places[at:last] = places[at + 1 : last + 1]
    return np.array(taken, dtype=np.int64)


def reverse_sort_order(weights: Array) -> IntArray:
    """Return the order that sorts the weights descending; equal weights stand as R's heapsort leaves them."""
    # Both lists begin at 1, as the heap's indices do.
    a, order = [math.nan, *weights.tolist()], list(range(-1, weights.size))
    last, root = weights.size, weights.size // 2 + 1
    while last > 1:
        if root > 1:
            root -= 1
            value, place = a[root], order[root]
        else:
            value, place = a[last], order[last]
            a[last], order[last] = a[1], order[1]
            last -= 1
        gap, child = root, 2 * root
        while child <= last:
            if child < last and a[child] > a[child + 1]:
                child += 1
            if value <= a[child]:
                break
            a[gap], order[gap] = a[child], order[child]
            gap, child = child, 2 * child
        a[gap], order[gap] = value, place
    return np.array(order[1:], dtype=np.int64)


def sample_by_alias(stream: MtStream, sample_kind: str, weights: Array, size: int) -> IntArray:
    """Draw indices by Walker's alias method (Ripley 1987, algorithm 3.13B)."""
    thresholds, alias = alias_tables(weights)
    if sample_kind == "Rounding":
        positions = unif_rand(stream, size) * weights.size
        indices = positions.astype(np.int64)
    else:
        indices, fractions = indices_and_uniforms(stream, weights.size, size)
        positions = indices + fractions
    return np.where(positions < thresholds[indices], indices, alias[indices])


def alias_tables(weights: Array) -> tuple[Array, IntArray]:
    """Make the tables: up to which position an index stands for itself, and for which other one beyond."""
    n = weights.size
    q = (weights * n).tolist()
    small, large = [i for i in range(n) if q[i] < 1], [i for i in range(n) if q[i] >= 1]
    alias = list(range(n))
    queue = small + large[::-1]  # the small ones in turn, and those that have become small behind them
    top = len(small)
    if 0 < len(small) < n:
        for i in queue[:-1]:
            j = queue[top]
            alias[i] = j
            q[j] += q[i] - 1
            if q[j] < 1:
                top += 1
            if top == n:
                break
    return np.array(q) + np.arange(n), np.array(alias, dtype=np.int64)


def indices_and_uniforms(stream: MtStream, n: int, count: int) -> tuple[IntArray, Array]:
    """Draw `count` pairs of an index below `n` and a uniform."""
    bits, words_each = index_bits(n)
    ahead = WordsAhead(stream)
    indices: list[IntArray] = []
    fractions: list[Array] = []
    missing = count
    while missing > 0:
        words = ahead.peek((2 * words_each + 1) * min(missing, BLOCK) + 20)
        windows = np.lib.stride_tricks.sliding_window_view(words, words_each)
        candidates = index_candidates(windows.ravel(), bits)
        accepted = candidates < n
        begin, used = chain(words_each + accepted, accepted, missing)
        indices.append(candidates[begin])
        fractions.append(uniform_from_words(words[begin + words_each]))
        ahead.skip(used)
        missing -= begin.size
    ahead.give_back()
    return np.concatenate([np.empty(0, np.int64), *indices]), np.concatenate([np.empty(0), *fractions])
