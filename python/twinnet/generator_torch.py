"""PyTorch's random numbers on the CPU: what they are after ``torch.manual_seed(seed)``, bit for bit.

The words are the Mersenne Twister's. How they become numbers is PyTorch's, as of 2.13.0: its files
aten/src/ATen/CPUGeneratorImpl.cpp, core/DistributionsHelper.h, core/TransformationHelper.h,
native/cpu/DistributionTemplates.h, native/TensorFactories.cpp and native/Dropout.cpp. PyTorch promises no
stream across versions. Twin: r/R/generator_torch.R.

Two things depend on the machine that runs PyTorch.

- Its processor. `variant` says which of PyTorch's kernels are meant: "avx2" (x86-64 with AVX2, nearly all
  since 2015; AVX-512 draws the same), whose compiler fuses multiply-adds, or "default" (x86-64 without).
  ``torch.backends.cpu.get_cpu_capability()`` names them. Left out, it is what the environment variable
  ATEN_CPU_CAPABILITY asks of PyTorch, and "avx2" where that is not set. Other processors are not covered.
- Its C library: normal numbers of float64, and those of any dtype drawn fewer than 16 at a time, use its log,
  log1p, sin and cos. They are computed with this machine's; where that is not Linux on x86-64, a warning
  says so.
"""

from __future__ import annotations

import math
import os
import platform
import re
import warnings
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checks import check_argument, check_choice, check_number, check_whole
from twinnet.float32 import f32_round, fma32, fma64
from twinnet.mersenne_twister import mt_init_genrand, mt_new, mt_set_state, mt_state, mt_words
from twinnet.torch_math import logf_avx2, logf_glibc, sincosf_avx2, sincosf_glibc

__all__ = ["TorchGenerator"]

Size: TypeAlias = int | Sequence[int]
Words: TypeAlias = NDArray[np.uint64]

TORCH_DTYPES = ("float32", "float64")
TORCH_VARIANTS = ("avx2", "default")
TORCH_LARGEST = {"float32": float(np.finfo(np.float32).max), "float64": 2.0**950}  # PyTorch: float64's largest
LONGEST_PERMUTATION = 2**32 // 20 - 1  # PyTorch permutes otherwise from here on
TORCH_BLOCK = 16384  # normal numbers at a time, so that the working arrays stay in the processor's cache

# The C struct CPUGeneratorImplState, 5056 bytes.
TORCH_STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("key", "<u8", 624),
        ("normal_x", "<f8"),
        ("normal_y", "<f8"),
        ("normal_rho", "<f8"),
        ("normal_is_valid", "<i8"),
        ("next_float_normal", "<f4"),
        ("float_normal_is_valid", "<i4"),
    ]
)


class TorchGenerator:
    """A generator that draws what PyTorch draws on the CPU after ``torch.manual_seed(seed)``.

    Methods are named as PyTorch's functions and methods. A `size` stands for the tensor that is filled: a
    whole number, or the sizes of an array's dimensions. Arrays are filled row by row.

    Parameters
    ----------
    seed : int or str
        A whole number from -2^63 to 2^64 - 1, or its decimal digits.
    variant : {"avx2", "default"}, optional
        Which of PyTorch's kernels to follow; see the top of the file.

    Raises
    ------
    ValueError
        If an argument, here or of a method, is not what it must be.
    """

    def __init__(self, seed: int | str, variant: str | None = None) -> None:
        chosen = torch_default_variant() if variant is None else variant
        self.variant = check_choice(chosen, "variant", TORCH_VARIANTS)
        self.warned = False
        self.manual_seed(seed)

    def manual_seed(self, seed: int | str) -> TorchGenerator:
        """Start anew from a seed.

        Parameters
        ----------
        seed : int or str
            A whole number from -2^63 to 2^64 - 1, or its decimal digits. Its lowest 32 bits make the stream.

        Returns
        -------
        TorchGenerator
            This generator.
        """
        self.seed = check_torch_seed(seed)
        self.stream = mt_new(mt_init_genrand(self.seed[1]))
        self.next_normal: float | None = None
        self.next_float_normal: float | None = None
        return self

    def initial_seed(self) -> int:
        """Return the seed that the generator started from; a negative one as 2^64 + seed, as PyTorch does."""
        return self.seed[0] * 2**32 + self.seed[1]

    def words(self, n: int) -> Words:
        """Draw 32-bit words.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        ndarray of uint64, shape (n,)
        """
        return mt_words(self.stream, n)

    def words_drawn(self) -> int:
        """Return how many 32-bit words have been drawn since seeding."""
        return self.stream.drawn

    def rand(self, size: Size, dtype: str = "float32") -> AnyArray:
        """Draw from the uniform distribution on [0, 1), as ``torch.rand``.

        Parameters
        ----------
        size : int or sequence of int
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of that size and dtype
        """
        shape, dtype = check_torch_size(size), check_choice(dtype, "dtype", TORCH_DTYPES)
        return torch_array(self.uniforms(math.prod(shape), dtype), shape, dtype)

    def uniform_(self, size: Size, a: float = 0, b: float = 1, dtype: str = "float32") -> AnyArray:
        """Draw from the uniform distribution on [a, b), as ``tensor.uniform_``.

        Parameters
        ----------
        size : int or sequence of int
        a, b : float
            The limits: finite, 0 or from 2^-800 to 2^950 apart.
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of that size and dtype
        """
        shape, dtype = check_torch_size(size), check_choice(dtype, "dtype", TORCH_DTYPES)
        a = check_number(a, "a", minimum=-TORCH_LARGEST[dtype], maximum=TORCH_LARGEST[dtype])
        b = check_number(b, "b", minimum=a, maximum=TORCH_LARGEST[dtype])
        check_torch_scale(b - a, "b - a", dtype)
        drawn = self.uniforms(math.prod(shape), dtype)
        return torch_array(torch_stretch(drawn, a, b, dtype, self.variant), shape, dtype)

    def randn(self, size: Size, dtype: str = "float32") -> AnyArray:
        """Draw from the standard normal distribution, as ``torch.randn``.

        Parameters
        ----------
        size : int or sequence of int
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of that size and dtype
        """
        return self.normal_(size, dtype=dtype)

    def normal_(self, size: Size, mean: float = 0, std: float = 1, dtype: str = "float32") -> AnyArray:
        """Draw from a normal distribution, as ``tensor.normal_``.

        Sixteen or more are made of uniform numbers in blocks of 16; fewer come in pairs, of which a second
        number left over is kept for the next such call.

        Parameters
        ----------
        size : int or sequence of int
        mean, std : float
            Mean, below 2^950 in size, and standard deviation, 0 or from 2^-800 to 2^950.
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of that size and dtype
        """
        shape, dtype = check_torch_size(size), check_choice(dtype, "dtype", TORCH_DTYPES)
        mean = check_number(mean, "mean", minimum=-TORCH_LARGEST["float64"], maximum=TORCH_LARGEST["float64"])
        std = check_torch_scale(check_number(std, "std", minimum=0), "std", "float64")
        n = math.prod(shape)
        if dtype == "float64" or n < 16:
            self.warn_of_libm("normal_")
        drawn = self.few_normals(n, mean, std) if n < 16 else self.many_normals(n, mean, std, dtype)
        return torch_array(drawn, shape, dtype)

    def randint(self, low: int, high: int, size: Size) -> IntArray:
        """Draw whole numbers from `low` to `high - 1`, as ``torch.randint``.

        Parameters
        ----------
        low, high : int
            Whole numbers up to 2^53 in size, less than 2^53 apart.
        size : int or sequence of int

        Returns
        -------
        ndarray of int64, of that size
        """
        low, high, shape = check_whole(low, "low"), check_whole(high, "high", low + 1), check_torch_size(size)
        span = check_whole(high - low, "high - low", maximum=2**53 - 1)
        n = math.prod(shape)
        if span < 2**28:
            drawn = self.words(n) % span
        else:
            words = self.words(2 * n)
            drawn = (words[0::2] * 2**32 + words[1::2]) % span
        return (drawn.astype(np.int64) + low).reshape(shape)

    def random_(self, size: Size) -> IntArray:
        """Draw whole numbers from 0 to 2^63 - 1, as ``tensor.random_`` fills a tensor of int64.

        Parameters
        ----------
        size : int or sequence of int

        Returns
        -------
        ndarray of int64, of that size
        """
        shape = check_torch_size(size)
        words = self.words(2 * math.prod(shape))
        return (words[0::2] % 2**31 * 2**32 + words[1::2]).astype(np.int64).reshape(shape)

    def randperm(self, n: int) -> IntArray:
        """Draw a permutation of 0, 1, ..., n - 1, as ``torch.randperm``.

        Parameters
        ----------
        n : int
            Up to 214748363, from where on PyTorch permutes otherwise.

        Returns
        -------
        ndarray of int64, shape (n,)
        """
        n = check_whole(n, "n", 0, LONGEST_PERMUTATION)
        order = list(range(n))
        step = np.arange(n - 1)
        partner = step + self.words(max(n - 1, 0)).astype(np.int64) % (n - step)
        for i, j in enumerate(partner.tolist()):
            order[i], order[j] = order[j], order[i]
        return np.array(order, dtype=np.int64)

    def bernoulli(self, p: ArrayLike, dtype: str = "float32") -> AnyArray:
        """Draw 1 with the probability that an element of an array gives, else 0, as ``torch.bernoulli(p)``.

        Parameters
        ----------
        p : array_like
            Probabilities.
        dtype : {"float32", "float64"}
            The dtype of the tensor of probabilities, and of the result. It decides how many words are drawn.

        Returns
        -------
        ndarray of that dtype, shape of `p`
        """
        dtype = check_choice(dtype, "dtype", TORCH_DTYPES)
        values = np.asarray(p, dtype=np.float64)
        check_argument(bool(np.all((values >= 0) & (values <= 1))), "p", p, "probabilities, from 0 to 1")
        drawn = torch_array(self.uniforms(values.size, dtype), values.shape, "float64")
        threshold = f32_round(values) if dtype == "float32" else values
        return (drawn < threshold).astype(dtype)

    def bernoulli_(self, size: Size, p: float = 0.5, dtype: str = "float32") -> AnyArray:
        """Draw 1 with probability `p`, else 0, as ``tensor.bernoulli_(p)``: from two words for any dtype.

        Parameters
        ----------
        size : int or sequence of int
        p : float
            The probability.
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of that size and dtype
        """
        shape, dtype = check_torch_size(size), check_choice(dtype, "dtype", TORCH_DTYPES)
        p = check_number(p, "p", minimum=0, maximum=1)
        return torch_array(self.uniforms(math.prod(shape), "float64") < p, shape, dtype)

    def dropout_mask(self, size: Size, p: float = 0.5, dtype: str = "float32") -> AnyArray:
        """Draw what a dropout layer keeps, as ``torch.nn.functional.dropout(x, p)``.

        The layer's output is ``x * (mask / (1 - p))``; dropout of whole channels draws a mask of size
        (n, c, 1, 1). PyTorch draws nothing if `p` is 0 or 1. Builds of it that leave this to Intel's MKL
        (earlier releases, on Intel processors) draw otherwise.

        Parameters
        ----------
        size : int or sequence of int
        p : float
            The probability of dropping.
        dtype : {"float32", "float64"}

        Returns
        -------
        ndarray of that size and dtype
            1 where an element is kept, 0 where it is dropped.
        """
        shape, dtype = check_torch_size(size), check_choice(dtype, "dtype", TORCH_DTYPES)
        p = check_number(p, "p", minimum=0, maximum=1)
        if p in (0, 1):
            return np.full(shape, 1 - p, dtype=dtype)
        return self.bernoulli_(shape, 1 - p, dtype)

    def get_state(self) -> dict[str, Any]:
        """Return all that the generator's next draws depend on, for `set_state` here or in R.

        Returns
        -------
        dict
            ``seed``, its decimal digits; ``variant``; ``key``, 624 words as float64, and ``pos``, how many of
            them have been read; ``words_drawn``; ``next_normal`` and ``next_float_normal``, the normal
            numbers kept for the next call, or None.
        """
        state = mt_state(self.stream)
        return {
            "seed": str(self.initial_seed()),
            "variant": self.variant,
            "key": state["key"].astype(np.float64),
            "pos": int(state["pos"]),
            "words_drawn": float(self.words_drawn()),
            "next_normal": self.next_normal,
            "next_float_normal": self.next_float_normal,
        }

    def set_state(self, state: dict[str, Any]) -> TorchGenerator:
        """Go on from a state.

        Parameters
        ----------
        state : dict
            A state that `get_state` returned, here or in R.

        Returns
        -------
        TorchGenerator
            This generator.
        """
        single = {name: value[0] if np.ndim(value) == 1 else value for name, value in state.items()}
        mt_set_state(self.stream, state["key"], single["pos"])
        self.variant = check_choice(str(single["variant"]), "variant", TORCH_VARIANTS)
        self.seed = check_torch_seed(str(single["seed"]))
        self.stream.drawn = check_whole(single["words_drawn"], "words_drawn", 0)
        self.next_normal = single["next_normal"]
        self.next_float_normal = single["next_float_normal"]
        return self

    def torch_state(self) -> NDArray[np.uint8]:
        """Return the state as ``torch.get_rng_state()`` returns it.

        Returns
        -------
        ndarray of uint8, shape (5056,)
            ``torch.set_rng_state(torch.from_numpy(...))`` takes it.
        """
        state = mt_state(self.stream)
        pos = int(state["pos"])
        fields = np.zeros(1, TORCH_STATE)
        fields["seed"] = self.initial_seed()
        fields["left"] = 625 - pos
        fields["seeded"] = 1
        fields["next"] = 0 if self.words_drawn() == 0 else pos
        fields["key"] = state["key"]
        if self.next_normal is not None:
            fields["normal_y"], fields["normal_is_valid"] = self.next_normal, 1
        if self.next_float_normal is not None:
            fields["next_float_normal"], fields["float_normal_is_valid"] = self.next_float_normal, 1
        return fields.view(np.uint8)

    def from_torch_state(self, state: Any) -> TorchGenerator:
        """Go on from a state of PyTorch's.

        `words_drawn` then counts from where the key was last renewed, since PyTorch does not keep count.

        Parameters
        ----------
        state : bytes or array_like of uint8, shape (5056,)
            What ``torch.get_rng_state()`` returns.

        Returns
        -------
        TorchGenerator
            This generator.
        """
        values = np.frombuffer(state, np.uint8) if isinstance(state, bytes) else np.asarray(state)
        check_argument(values.shape == (5056,), "state", values, "the 5056 bytes of torch.get_rng_state()")
        fields = values.astype(np.uint8).view(TORCH_STATE)[0]
        read, left = int(fields["next"]), int(fields["left"])
        fits = fields["seeded"] == 1 and 0 <= read <= 624 and left == (625 - read if read > 0 else 1)
        check_argument(bool(fits), "state", values, "a seeded state of torch.get_rng_state()")
        self.seed = check_torch_seed(int(fields["seed"]))
        mt_set_state(self.stream, fields["key"] % 2**32, 625 - left)
        self.stream.drawn = read
        self.next_normal = float(fields["normal_y"]) if fields["normal_is_valid"] else None
        self.next_float_normal = float(fields["next_float_normal"]) if fields["float_normal_is_valid"] else None
        return self

    def uniforms(self, n: int, dtype: str) -> Array:
        """Return `n` uniform numbers on [0, 1) of a dtype: 24 bits of a word, or 53 bits of two."""
        if dtype == "float32":
            return (self.words(n).astype(np.float64) % 2**24) * 2.0**-24
        words = self.words(2 * n).astype(np.float64)
        return ((words[0::2] % 2**21) * 2**32 + words[1::2]) * 2.0**-53

    def many_normals(self, n: int, mean: float, std: float, dtype: str) -> Array:
        """Return 16 or more normal numbers; a part block at the end is drawn again as a whole."""
        drawn = self.uniforms(n, dtype)
        whole = n - n % 16
        for start in range(0, whole, TORCH_BLOCK):
            part = slice(start, min(start + TORCH_BLOCK, whole))
            drawn[part] = torch_normal_blocks(drawn[part], mean, std, dtype, self.variant)
        if whole < n:
            drawn[n - 16 :] = torch_normal_blocks(self.uniforms(16, dtype), mean, std, dtype, self.variant)
        return drawn

    def few_normals(self, n: int, mean: float, std: float) -> Array:
        """Return normal numbers made in pairs, in float64; one left over is kept for the next call."""
        kept = [] if self.next_normal is None else [self.next_normal]
        drawn = self.uniforms(2 * math.ceil((n - len(kept)) / 2), "float64")
        u1, u2 = drawn[0::2], drawn[1::2]
        radius = np.sqrt(-2 * libm(math.log1p, -u2))
        angle = 2 * math.pi * u1
        pairs = np.stack([radius * libm(math.cos, angle), radius * libm(math.sin, angle)], axis=1)
        normals = np.concatenate([kept, pairs.ravel()])
        self.next_normal = float(normals[n]) if len(normals) > n else None
        if self.variant == "avx2":
            return fma64(normals[:n], std, mean)
        return normals[:n] * std + mean

    def warn_of_libm(self, name: str) -> None:
        """Warn, once, that normal numbers are made by a C library for which they are not proven."""
        if not self.warned and (platform.system(), platform.machine()) != ("Linux", "x86_64"):
            self.warned = True
            warnings.warn(
                f"{name}: float64, and fewer than 16 numbers of any dtype, use this system's log, sin and "
                "cos; they are proven equal to PyTorch's for Linux on x86-64 only.",
                stacklevel=3,
            )


def torch_default_variant() -> str:
    """Return "avx2", unless the environment asks PyTorch for its default kernels."""
    return "default" if os.environ.get("ATEN_CPU_CAPABILITY") == "default" else "avx2"


def check_torch_seed(seed: int | str) -> tuple[int, int]:
    """Return the high and the low 32 bits of a seed."""
    digits = isinstance(seed, str) and re.fullmatch("-?[0-9]{1,20}", seed) is not None
    number = isinstance(seed, Real) and not isinstance(seed, bool) and math.isfinite(seed)
    fits = (digits or (number and int(seed) == seed)) and -(2**63) <= int(seed) < 2**64
    check_argument(fits, "seed", seed, "a whole number from -2^63 to 2^64 - 1, or its digits as a string")
    return int(seed) % 2**64 // 2**32, int(seed) % 2**32


def check_torch_size(size: Size) -> tuple[int, ...]:
    """Return the sizes of an array's dimensions, from one size or several."""
    sizes: Any = [size] if np.ndim(size) == 0 else size
    return tuple(check_whole(value, "size", 0) for value in sizes)


def check_torch_scale(value: float, name: str, dtype: str) -> float:
    """Return `value` if a dtype's arithmetic can multiply uniform or normal numbers by it."""
    largest = TORCH_LARGEST[dtype]
    fits = value == 0 or 2.0**-800 <= value <= largest
    check_argument(fits, name, value, f"0 or from {2.0**-800:.15g} to {largest:.15g}")
    return value


def torch_array(values: AnyArray, shape: tuple[int, ...], dtype: str) -> AnyArray:
    """Return the values as an array of a shape and dtype, filled row by row."""
    return values.astype(dtype).reshape(shape)


def torch_stretch(uniforms: Array, a: float, b: float, dtype: str, variant: str) -> Array:
    """Return uniform numbers on [a, b) from uniform numbers on [0, 1), in a dtype's arithmetic."""
    float32 = dtype == "float32"
    rounded = f32_round if float32 else np.asarray
    low, high = rounded(a), rounded(b)
    span = rounded(high - low)
    if variant == "avx2":
        drawn = fma32(uniforms, span, low) if float32 else fma64(uniforms, span, low)
    else:
        drawn = rounded(rounded(uniforms * span) + low)
    return np.where(drawn == high, low, drawn)


def torch_normal_blocks(uniforms: Array, mean: float, std: float, dtype: str, variant: str) -> Array:
    """Return normal numbers, made of uniform ones in blocks of 16 (Box and Muller, 1958).

    The first 8 of a block give the radius and the last 8 the angle; cosines come first, then sines.
    """
    blocks = uniforms.reshape(-1, 2, 8)
    u1, u2 = (1 - blocks[:, 0]).ravel(), blocks[:, 1].ravel()
    if dtype == "float64":
        radius = np.sqrt(-2 * libm(math.log, u1))
        angle = 2 * math.pi * u2
        sine, cosine = libm(math.sin, angle), libm(math.cos, angle)
        cosines, sines = (fma64(radius * part, std, mean) for part in (cosine, sine))
    else:
        logf, sincosf = (logf_avx2, sincosf_avx2) if variant == "avx2" else (logf_glibc, sincosf_glibc)
        radius = f32_round(np.sqrt(-2 * logf(u1)))
        two_pi = f32_round(2 * math.pi) if variant == "avx2" else 2 * math.pi
        sine, cosine = sincosf(f32_round(two_pi * u2))
        std, mean = float(f32_round(std)), float(f32_round(mean))
        cosines, sines = (fma32(f32_round(radius * part), std, mean) for part in (cosine, sine))
    return np.stack([cosines.reshape(-1, 8), sines.reshape(-1, 8)], axis=1).ravel()


def libm(function: Callable[[float], float], x: Array) -> Array:
    """Apply a function of the C library to each element: NumPy's own log and log1p differ in last bits."""
    return np.fromiter(map(function, x.tolist()), np.float64, x.size)
