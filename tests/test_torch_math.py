"""The float32 logarithm, sine and cosine of PyTorch's normal numbers, in both languages, bit by bit."""

from __future__ import annotations

import ctypes
import math
import platform
from typing import Any

import numpy as np
import pytest
import torch
from bit_patterns import assert_same_bits
from twinnet.float32 import f32_round
from twinnet.torch_math import logf_avx2, logf_glibc, sincosf_avx2, sincosf_glibc

HAS_GLIBC = platform.libc_ver()[0] == "glibc" and platform.machine() == "x86_64"
HAS_AVX2 = torch.backends.cpu.get_cpu_capability() in {"AVX2", "AVX512"}
EDGES = [0, 1, 2, 2**23 - 1, 2**23, 2**23 + 1, 2**24 - 2, 2**24 - 1]


def radii_and_angles(k: Any) -> tuple[Any, Any]:
    """Return the logarithms' and the angles' arguments that PyTorch makes of whole numbers below 2^24."""
    return (k + 1) * 2.0**-24, f32_round(2 * math.pi * (k * 2.0**-24))


def by_glibc(name: str, x: Any) -> Any:
    function = getattr(ctypes.CDLL("libm.so.6"), name)
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    return np.fromiter(map(function, x.tolist()), np.float64, x.size)


def assert_glibc(k: Any) -> None:
    u, angle = radii_and_angles(k)
    sine, cosine = sincosf_glibc(angle)
    assert_same_bits(logf_glibc(u), by_glibc("logf", u), "logf")
    assert_same_bits(sine, by_glibc("sinf", angle), "sinf")
    assert_same_bits(cosine, by_glibc("cosf", angle), "cosf")


@pytest.mark.skipif(not HAS_GLIBC, reason="needs glibc on x86-64, whose functions these are")
def test_glibcs_functions_are_glibcs() -> None:
    assert_glibc(np.concatenate([EDGES, np.random.default_rng(0).integers(0, 2**24, 20000)]))


@pytest.mark.skipif(not HAS_AVX2, reason="PyTorch uses these functions on a processor with AVX2")
def test_avx2s_functions_are_in_pytorchs_normal_numbers() -> None:
    uniforms = torch.rand(16 * 2000, generator=torch.Generator().manual_seed(0)).numpy().astype(np.float64)
    normals = torch.randn(16 * 2000, generator=torch.Generator().manual_seed(0)).numpy().reshape(-1, 2, 8)
    u1, u2 = 1 - uniforms.reshape(-1, 2, 8)[:, 0], uniforms.reshape(-1, 2, 8)[:, 1]
    radius = f32_round(np.sqrt(-2 * logf_avx2(u1)))
    sine, cosine = sincosf_avx2(f32_round(f32_round(2 * math.pi) * u2))
    assert_same_bits(f32_round(radius * cosine) + 0.0, normals[:, 0], "the first half of each block")
    assert_same_bits(f32_round(radius * sine) + 0.0, normals[:, 1], "the second half of each block")


def test_the_languages_agree(r: Any) -> None:
    k = np.concatenate([EDGES, np.random.default_rng(1).integers(0, 2**24, 20000)])
    u, angle = radii_and_angles(k)
    for name, function in [("logf_avx2", logf_avx2), ("logf_glibc", logf_glibc)]:
        assert_same_bits(r.call(name, u), function(u), name)
    for name, functions in [("sincosf_avx2", sincosf_avx2), ("sincosf_glibc", sincosf_glibc)]:
        in_r = r.call(name, angle)
        sine, cosine = functions(angle)
        assert_same_bits(in_r["sine"], sine, f"{name}, sine")
        assert_same_bits(in_r["cosine"], cosine, f"{name}, cosine")


def test_all_are_near_the_true_values() -> None:
    u, angle = radii_and_angles(np.arange(3, 2**24, 997))
    for function in [logf_avx2, logf_glibc]:
        np.testing.assert_allclose(function(u), np.log(u), rtol=2e-7, atol=1e-8)
    for functions in [sincosf_avx2, sincosf_glibc]:
        sine, cosine = functions(angle)
        np.testing.assert_allclose(sine, np.sin(angle), rtol=0, atol=2e-7)
        np.testing.assert_allclose(cosine, np.cos(angle), rtol=0, atol=2e-7)


@pytest.mark.full
@pytest.mark.skipif(not HAS_GLIBC, reason="needs glibc on x86-64, whose functions these are")
def test_glibcs_functions_are_glibcs_for_every_argument_that_pytorch_makes() -> None:
    for start in range(0, 2**24, 2**20):
        assert_glibc(np.arange(start, start + 2**20))


@pytest.mark.full
def test_the_languages_agree_for_every_argument_that_pytorch_makes(r: Any) -> None:
    for start in range(0, 2**24, 2**20):
        u, angle = radii_and_angles(np.arange(start, start + 2**20))
        for name, function in [("logf_avx2", logf_avx2), ("logf_glibc", logf_glibc)]:
            assert_same_bits(r.call(name, u), function(u), name)
        for name, functions in [("sincosf_avx2", sincosf_avx2), ("sincosf_glibc", sincosf_glibc)]:
            in_r = r.call(name, angle)
            sine, cosine = functions(angle)
            assert_same_bits(in_r["sine"], sine, f"{name}, sine")
            assert_same_bits(in_r["cosine"], cosine, f"{name}, cosine")
