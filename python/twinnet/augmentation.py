"""Augmentation: images changed at random, so that a network sees more of them than there are (course: lesson D).

Images are arrays (n, h, w) or (n, c, h, w) of values in [0, 1], and stay so: what would leave the range is set to its
end. Every draw comes from the generator that is passed in, by the functions of `randomness`. Twin: r/R/augmentation.R.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from twinnet._types import Array
from twinnet.checks import check_argument, check_number, check_whole
from twinnet.randomness import Generator, random_integers, random_normal, random_uniform

__all__ = ["augment_brightness", "augment_noise", "augment_shift"]


def augment_brightness(images: Array, generator: Generator, amount: float) -> Array:
    """Make each image brighter or darker: multiply it by a factor from ``1 - amount`` to ``1 + amount``.

    One uniform number an image is drawn, ``factor = 1 - amount + 2 * amount * u``: what torchvision's
    ``ColorJitter(brightness=amount)`` does to a batch's images one by one.

    Parameters
    ----------
    images : array, shape (n, h, w) or (n, c, h, w)
        Values in [0, 1].
    generator : generator
    amount : float
        From 0, no change, to 1.

    Returns
    -------
    array, the shape of `images`

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    check_images(images)
    amount = check_number(amount, "amount", minimum=0, maximum=1)
    factors = 1 - amount + 2 * amount * random_uniform(generator, len(images))
    return clipped(images * factors.reshape(-1, *[1] * (images.ndim - 1)))


def augment_noise(images: Array, generator: Generator, sd: float) -> Array:
    """Add a normal number of standard deviation `sd` to every pixel; one is drawn for each.

    Parameters
    ----------
    images : array, shape (n, h, w) or (n, c, h, w)
        Values in [0, 1].
    generator : generator
    sd : float
        At least 0.

    Returns
    -------
    array, the shape of `images`

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    check_images(images)
    sd = check_number(sd, "sd", minimum=0)
    return clipped(images + sd * random_normal(generator, images.shape))


def augment_shift(images: Array, generator: Generator, pixels: int) -> Array:
    """Move each image by up to `pixels` rows and columns in either direction; zeros come in where it leaves.

    An array (n, 2) of whole numbers from ``-pixels`` to `pixels` is drawn: rows down, columns to the right.

    Parameters
    ----------
    images : array, shape (n, h, w) or (n, c, h, w)
        Values in [0, 1].
    generator : generator
    pixels : int
        At least 0 and below the images' height and width.

    Returns
    -------
    array, the shape of `images`

    Raises
    ------
    ValueError
        If an argument is not what it must be.
    """
    check_images(images)
    height, width = images.shape[-2:]
    pixels = check_whole(pixels, "pixels", minimum=0, maximum=min(height, width) - 1)
    moves = random_integers(generator, -pixels, pixels + 1, (len(images), 2))
    channels = images.reshape(len(images), images.shape[1] if images.ndim == 4 else 1, height, width)
    shifted = np.zeros_like(channels)
    for down, right in product(range(-pixels, pixels + 1), repeat=2):  # all images that move alike at once
        moved = np.flatnonzero((moves[:, 0] == down) & (moves[:, 1] == right))
        (to_rows, from_rows), (to_columns, from_columns) = overlap(down, height), overlap(right, width)
        shifted[moved, :, to_rows, to_columns] = channels[moved, :, from_rows, from_columns]
    return shifted.reshape(images.shape)


def overlap(move: int, size: int) -> tuple[slice, slice]:
    """Where a row of `size` pixels that moves by `move` ends up, and which of its pixels stay in sight."""
    return slice(max(move, 0), size + min(move, 0)), slice(max(-move, 0), size + min(-move, 0))


def clipped(images: Array) -> Array:
    """Values below 0 set to 0 and those above 1 to 1."""
    return np.minimum(np.maximum(images, 0.0), 1.0)


def check_images(images: Array) -> None:
    """Check that `images` is an array of images with values in [0, 1]."""
    is_batch = isinstance(images, np.ndarray) and images.ndim in (3, 4)
    check_argument(is_batch, "images", images, "an array (n, h, w) or (n, c, h, w)")
    within = (images >= 0) & (images <= 1)
    worst = 0.0 if within.all() else float(images[~within].max())
    check_argument(bool(within.all()), "images", worst, "values from 0 to 1")
