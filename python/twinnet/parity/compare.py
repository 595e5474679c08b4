"""The comparison of two voices, element by element."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array, IntArray
from twinnet.parity.voices import Voice

__all__ = ["TOLERANCE", "Comparison", "Difference", "compare_steps", "compare_voices", "largest_difference"]

TOLERANCE = 1e-12
STEPS_CHECKED = 200


@dataclass(frozen=True)
class Difference:
    """How far two arrays are apart.

    Attributes
    ----------
    name : str
        What was compared.
    largest : float
        The largest absolute difference of two elements; infinite where one side has a NaN or an element alone.
    scaled : float
        The same, each difference divided by the larger of 1 and the two magnitudes.
    differing : int
        How many elements have different bits.
    size : int
        How many elements there are.
    """

    name: str
    largest: float
    scaled: float
    differing: int
    size: int


@dataclass(frozen=True)
class Comparison:
    """Two voices side by side.

    Attributes
    ----------
    experiment : dict
        The experiment with its overrides.
    voices : tuple of Voice
        The two that were compared.
    differences : list of Difference
        One for the losses, one for each parameter, one for the probabilities of the test rows.
    classes : array, shape (k,)
        Class labels.
    confusions : list of arrays, shape (k, k)
        One a voice: counts of true (rows) and predicted (columns) classes of the test rows.
    step_difference : float or None
        The largest difference (scaled) of one step from a shared state, over `steps_checked` steps; None if the free
        runs agree, so that no such step was taken.
    steps_checked : int
    """

    experiment: dict[str, Any]
    voices: tuple[Voice, Voice]
    differences: list[Difference]
    classes: AnyArray
    confusions: list[IntArray]
    step_difference: float | None = None
    steps_checked: int = 0

    @property
    def steps(self) -> int:
        """Steps that both voices took."""
        return min(len(voice.loss) for voice in self.voices)

    @property
    def max_abs_diff(self) -> float:
        """The largest difference over all losses, parameters and probabilities."""
        return max(difference.largest for difference in self.differences)

    @property
    def verdict(self) -> str:
        """``"identical"`` in every bit, ``"equal"`` within the tolerance, ``"equal by steps"``, or ``"different"``.

        Equal by steps are two voices whose steps from a shared state agree within the tolerance everywhere, while the
        free runs part, because training amplifies rounding.
        """
        if any(difference.scaled > TOLERANCE for difference in self.differences):
            by_steps = self.step_difference is not None and self.step_difference <= TOLERANCE
            return "equal by steps" if by_steps else "different"
        return "equal" if any(difference.differing > 0 for difference in self.differences) else "identical"

    def final_accuracy(self, number: int) -> float:
        """Share of the test rows that one voice's trained model predicts right."""
        table = self.confusions[number]
        return float(np.trace(table) / table.sum())


def compare_voices(experiment: dict[str, Any], one: Voice, other: Voice) -> Comparison:
    """Compare two voices that have been trained.

    Parameters
    ----------
    experiment : dict
        What both were trained on.
    one, other : Voice

    Returns
    -------
    Comparison
    """
    differences = [largest_difference("loss", one.loss, other.loss)]
    a, b = one.params, other.params
    differences += [largest_difference(key, a.get(key, np.empty(0)), b.get(key, np.empty(0))) for key in {**a, **b}]
    differences.append(largest_difference("probabilities", one.probabilities(), other.probabilities()))
    confusions = [one.confusion(), other.confusion()]
    return Comparison(experiment, (one, other), differences, one.classes(), confusions)


def compare_steps(comparison: Comparison, walker: Voice) -> Comparison:
    """Take single steps of both voices from shared states, along a fresh run of one of them.

    Where free runs part, this tells a wrong operation from rounding that training amplifies.

    Parameters
    ----------
    comparison : Comparison
    walker : Voice
        A voice that has not been trained; its states are shared.

    Returns
    -------
    Comparison
        With `step_difference` and `steps_checked`.
    """
    stride = max(1, comparison.steps // STEPS_CHECKED)
    worst, checked, more = 0.0, 0, True
    for _ in range(0, comparison.steps, stride):
        results = [voice.step_from(walker.params) for voice in comparison.voices]
        (one_loss, one), (other_loss, other) = results
        worst = max(worst, largest_difference("loss", np.asarray([one_loss]), np.asarray([other_loss])).scaled)
        worst = max(worst, *(largest_difference(key, one[key], other[key]).scaled for key in one))
        checked += 1
        more = more and walker.train(stride)
        if not more:
            break
    return replace(comparison, step_difference=worst, steps_checked=checked)


def largest_difference(name: str, a: Array, b: Array) -> Difference:
    """How far two arrays are apart, by every element; shapes that differ are infinitely far apart.

    Parameters
    ----------
    name : str
        What is compared.
    a, b : arrays

    Returns
    -------
    Difference
    """
    size = max(a.size, b.size)
    if a.shape != b.shape:
        return Difference(name, np.inf, np.inf, size, size)
    if size == 0:
        return Difference(name, 0.0, 0.0, 0, 0)
    a, b = np.ascontiguousarray(a, np.float64), np.ascontiguousarray(b, np.float64)
    differing = a.view(np.uint64) != b.view(np.uint64)
    with np.errstate(invalid="ignore"):  # infinite elements: what is then not a number is infinitely far apart
        apart = np.where(differing, np.abs(a - b), 0.0)
        apart = np.where(np.isnan(apart), np.inf, apart)
        scaled = apart / np.maximum(1.0, np.maximum(np.abs(a), np.abs(b)))
    scaled = np.where(np.isnan(scaled), np.inf, scaled)
    return Difference(name, float(apart.max()), float(scaled.max()), int(differing.sum()), size)
