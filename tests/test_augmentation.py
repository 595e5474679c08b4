"""Augmentation: what it does to images, and R against NumPy with every generator."""

from __future__ import annotations

import numpy as np
import pytest
from bit_patterns import InR, assert_same_bits
from twinnet.augmentation import augment_brightness, augment_noise, augment_shift
from twinnet.generator_numpy import NumpyGenerator
from twinnet.generator_numpy_legacy import NumpyRandomState
from twinnet.generator_r import RGenerator
from twinnet.generator_torch import TorchGenerator
from twinnet.parity.bridge import RError
from twinnet.randomness import random_integers, random_normal, random_uniform

KINDS = {kind.__name__: kind for kind in (RGenerator, NumpyGenerator, NumpyRandomState, TorchGenerator)}
FUNCTIONS = {
    "augment_brightness": (augment_brightness, 0.4),
    "augment_noise": (augment_noise, 0.2),
    "augment_shift": (augment_shift, 2),
}
SHAPES = [(5, 6, 4), (3, 2, 5, 7), (1, 3, 3), (40, 1, 8, 8)]


def images(*shape):
    return np.random.default_rng(shape).random(shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_r_changes_images_alike(r, kind, name, shape):
    function, setting = FUNCTIONS[name]
    before, ours, theirs = images(*shape), KINDS[kind](3), InR(r, kind, 3)
    kept = before.copy()
    after = function(before, ours, setting)
    assert_same_bits(after, r.call(name, before, theirs.handle, float(setting)), f"{name}{shape} by {kind}")
    assert ours.words_drawn() == theirs.words_drawn()
    assert_same_bits(before, kept, f"{name}: the images passed in")
    assert after.min() >= 0
    assert after.max() <= 1
    assert (after != before).any(), f"{name} does nothing"


@pytest.mark.parametrize("shape", SHAPES)
def test_brightness_multiplies_each_image_by_one_factor(shape):
    before = images(*shape)
    after = augment_brightness(before, NumpyGenerator(1), 0.5)
    factors = 0.5 + random_uniform(NumpyGenerator(1), shape[0])
    for image, factor, result in zip(before, factors, after, strict=True):
        assert 0.5 <= factor <= 1.5
        assert_same_bits(result, np.clip(image * factor, 0, 1), f"factor {factor}")


def test_noise_adds_a_number_to_each_pixel():
    before = images(6, 5, 4)
    noise = random_normal(NumpyGenerator(1), (6, 5, 4))
    after = augment_noise(before, NumpyGenerator(1), 0.3)
    assert_same_bits(after, np.clip(before + 0.3 * noise, 0, 1), "noise")
    assert (after == 0).any(), "nothing was clipped at 0, so that it is not tested"
    assert (after == 1).any(), "nothing was clipped at 1, so that it is not tested"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shift_moves_every_pixel_and_brings_in_zeros(shape):
    before = images(*shape) + 0.0
    after = augment_shift(before, NumpyGenerator(9), 2)
    moves = random_integers(NumpyGenerator(9), -2, 3, (shape[0], 2))
    height, width = shape[-2:]
    for image, (down, right), result in zip(before, moves, after, strict=True):
        for row in range(height):
            for column in range(width):
                inside = 0 <= row - down < height and 0 <= column - right < width
                expected = image[..., row - down, column - right] if inside else np.zeros(image.shape[:-2])
                assert (result[..., row, column] == expected).all(), f"move ({down}, {right}) at ({row}, {column})"


def test_all_moves_occur_equally_often():
    spot = np.zeros((5000, 3, 3))
    spot[:, 1, 1] = 1
    counts = augment_shift(spot, NumpyGenerator(1), 1).sum(axis=0)
    assert counts.sum() == 5000
    assert (np.abs(counts - 5000 / 9) < 5 * np.sqrt(5000 * 8 / 81)).all(), counts


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_setting_of_0_changes_nothing_and_an_empty_batch_stays_empty(r, name):
    before = images(4, 3, 3)
    assert_same_bits(FUNCTIONS[name][0](before, NumpyGenerator(1), 0), before, name)
    handle = InR(r, "NumpyGenerator", 1).handle
    assert_same_bits(r.call(name, before, handle, 0.0), before, f"{name} in R")
    empty = np.zeros((0, 2, 3, 3))
    assert FUNCTIONS[name][0](empty, NumpyGenerator(1), 0.5 * (name != "augment_shift")).shape == (0, 2, 3, 3)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        (
            "augment_brightness",
            [images(3, 4), 0.5],
            "`images` must be an array (n, h, w) or (n, c, h, w), not an array",
        ),
        ("augment_noise", [2 * np.ones((1, 2, 2)), 0.5], "`images` must be values from 0 to 1, not 2."),
        ("augment_shift", [np.full((1, 2, 2), np.nan), 1.0], "`images` must be values from 0 to 1, not NaN."),
        (
            "augment_brightness",
            [images(1, 3, 3), 1.5],
            "`amount` must be a finite number of at least 0 and at most 1, ",
        ),
        ("augment_noise", [images(1, 3, 3), -1.0], "`sd` must be a finite number of at least 0, not -1."),
        (
            "augment_shift",
            [images(1, 3, 4), 3.0],
            "`pixels` must be a whole number of at least 0 and at most 2, not 3.",
        ),
        (
            "augment_shift",
            [images(1, 3, 4), 1.5],
            "`pixels` must be a whole number of at least 0 and at most 2, not 1.5",
        ),
    ],
)
def test_bad_input_is_refused_with_the_same_words(r, name, arguments, message):
    batch, setting = arguments
    with pytest.raises(ValueError, match="must be") as ours:
        FUNCTIONS[name][0](batch, NumpyGenerator(1), setting)
    with pytest.raises(RError, match="must be") as theirs:
        r.call(name, batch, InR(r, "NumpyGenerator", 1).handle, setting)
    assert str(ours.value).startswith(message)
    assert theirs.value.message == str(ours.value)
