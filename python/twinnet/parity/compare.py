"""The comparison of voices, element by element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twinnet._types import AnyArray, Array, IntArray
from twinnet.checksum import checksum_of_steps
from twinnet.labels import predicted_classes
from twinnet.metrics import confusion_table
from twinnet.objectives import class_scores, score_outputs
from twinnet.parity.bits import Parting, first_parted_step
from twinnet.parity.voices import PythonVoice, Voice

__all__ = [
    "TOLERANCES",
    "VERDICTS",
    "Comparison",
    "Difference",
    "compare_steps",
    "compare_voices",
    "largest_difference",
]

TOLERANCES = {"float64": 1e-12, "float32": 5e-4}  # each some 4500 times the distance from 1 to the next number
STEPS_CHECKED = 200
VERDICTS = ("identical", "equal", "equal by steps", "different")  # from the best to the worst


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
    """Voices side by side; every other one is compared with the first.

    Attributes
    ----------
    name : str
        The experiment's, or of its variants this one's, name.
    experiment : dict
        What the voices were trained on.
    voices : tuple of Voice
    differences : dict of list of Difference
        By the voice's key: one for the losses, one for each parameter, one for the outputs of the test rows.
    data : dict
        The experiment's data.
    predictions : dict of arrays, shape (m,)
        By the voice's key: the predicted class numbers of the test rows; empty for a regression.
    confusions : dict of arrays, shape (k, k)
        By the voice's key: counts of true (rows) and predicted (columns) classes of the test rows.
    final_scores : dict of float
        By the voice's key: the trained model's accuracy on the test rows, or for a regression its loss.
    step_differences : dict of float
        By the voice's key: the largest difference (scaled) of one step from a shared state, over `steps_checked` steps;
        empty if the free runs agree, so that no such step was taken.
    steps_checked : int
    partings : dict of Parting
        By the voice's key, where its run parts from the first voice's, if that was looked for.
    """

    name: str
    experiment: dict[str, Any]
    voices: tuple[Voice, ...]
    differences: dict[str, list[Difference]]
    data: dict[str, Any]
    predictions: dict[str, IntArray]
    confusions: dict[str, IntArray]
    final_scores: dict[str, float]
    step_differences: dict[str, float]
    steps_checked: int
    partings: dict[str, Parting] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps that all voices took."""
        return min(len(voice.loss) for voice in self.voices)

    @property
    def all_differences(self) -> list[Difference]:
        """The differences of all voices."""
        return [difference for found in self.differences.values() for difference in found]

    @property
    def max_abs_diff(self) -> float:
        """The largest difference over all losses, parameters and outputs."""
        return max(difference.largest for difference in self.all_differences)

    @property
    def tolerance(self) -> float:
        """How far apart two numbers may be, relative to the larger of 1 and their size."""
        return TOLERANCES[self.experiment["dtype"]]

    @property
    def verdict(self) -> str:
        """The worst of the voices' verdicts."""
        return max((self.verdict_on(key) for key in self.differences), key=VERDICTS.index)

    def verdict_on(self, key: str) -> str:
        """``"identical"`` in every bit, ``"equal"`` within the tolerance, ``"equal by steps"``, or ``"different"``.

        In exact arithmetic voices are identical or different. Equal by steps are two voices whose steps from a shared
        state agree within the tolerance everywhere, while the free runs part, because training amplifies rounding.
        """
        differences = self.differences[key]
        if self.is_exact:
            parted = self.parted_step(key) > 0 or any(difference.differing > 0 for difference in differences)
            return "different" if parted else "identical"
        if any(difference.scaled > self.tolerance for difference in differences):
            by_steps = key in self.step_differences and self.step_differences[key] <= self.tolerance
            return "equal by steps" if by_steps else "different"
        return "equal" if any(difference.differing > 0 for difference in differences) else "identical"

    @property
    def is_exact(self) -> bool:
        """Whether every bit should be the same."""
        return bool(self.experiment["arithmetic"] == "exact")

    @property
    def is_summed_up(self) -> bool:
        """Whether all voices have the checksums of all their steps: in exact arithmetic, unless a run was resumed."""
        return self.is_exact and all(len(voice.checksums) >= len(voice.loss) for voice in self.voices)

    def parted_step(self, key: str) -> int:
        """The first step in which an activation, loss, gradient or parameter is not the first voice's; 0 if none."""
        other = next(voice for voice in self.voices if voice.key == key)
        return first_parted_step(self.voices[0].checksums, other.checksums) if self.is_summed_up else 0

    @property
    def differing_bits(self) -> int:
        """How many numbers are not the same in every bit, of all that was compared."""
        found = sum(difference.differing for difference in self.all_differences)
        return found + sum(parting.differing for parting in self.partings.values())

    @property
    def checksums(self) -> dict[str, str]:
        """By the voice's key: one checksum for the whole run; empty where there is none for each step."""
        return {voice.key: checksum_of_steps(voice.checksums) for voice in self.voices} if self.is_summed_up else {}

    @property
    def classes(self) -> AnyArray | None:
        """Class labels, shape (k,); None for a regression."""
        classes: AnyArray | None = self.data["classes"]
        return classes

    @property
    def is_variant(self) -> bool:
        """Whether it is of one of several variants of an experiment."""
        return bool(self.name != self.experiment["name"])

    @property
    def score_name(self) -> str:
        """What the score is: ``"accuracy"``, or for a regression ``"test loss"``."""
        return "accuracy" if self.classes is not None else "test loss"


def compare_voices(name: str, experiment: dict[str, Any], data: dict[str, Any], voices: Sequence[Voice]) -> Comparison:
    """Compare voices that have been trained.

    Parameters
    ----------
    name : str
        The experiment's or variant's name.
    experiment : dict
        What the voices were trained on.
    data : dict
        Its data.
    voices : sequence of Voice
        At least two; the others are compared with the first.

    Returns
    -------
    Comparison
    """
    first, *others = voices
    outputs = {voice.key: voice.test_outputs() for voice in voices}
    differences = {}
    for voice in others:
        a, b = first.params, voice.params
        found = [largest_difference("loss", first.loss, voice.loss)]
        found += [largest_difference(key, a.get(key, np.empty(0)), b.get(key, np.empty(0))) for key in {**a, **b}]
        found.append(largest_difference("test outputs", outputs[first.key], outputs[voice.key]))
        differences[voice.key] = found
    predictions, confusions = {}, {}
    if data["classes"] is not None:
        for key, out in outputs.items():
            predictions[key] = predicted_classes(class_scores(experiment["loss"], out))
            confusions[key] = confusion_table(data["labels_test"], predictions[key], len(data["classes"]))
    scores = {key: score_outputs(experiment["loss"], out, data) for key, out in outputs.items()}
    return Comparison(name, experiment, tuple(voices), differences, data, predictions, confusions, scores, {}, 0)


def compare_steps(comparison: Comparison, walker: PythonVoice) -> Comparison:
    """Take single steps of all voices from shared states, along a fresh run in Python.

    Where free runs part, this tells a wrong operation from rounding that training amplifies.

    Parameters
    ----------
    comparison : Comparison
    walker : PythonVoice
        Not trained yet; its states are shared.

    Returns
    -------
    Comparison
        With `step_differences` and `steps_checked`.
    """
    stride = max(1, comparison.steps // STEPS_CHECKED)
    worst = dict.fromkeys(comparison.differences, 0.0)
    checked = 0
    for _ in range(0, comparison.steps, stride):
        (loss, params), *others = [voice.step_from(walker.run) for voice in comparison.voices]
        for key, (other_loss, other) in zip(worst, others, strict=True):
            found = [largest_difference("loss", np.asarray([loss]), np.asarray([other_loss]))]
            found += [largest_difference(name, params[name], other[name]) for name in params]
            worst[key] = max(worst[key], *(difference.scaled for difference in found))
        checked += 1
        if not walker.train(stride):
            break
    return replace(comparison, step_differences=worst, steps_checked=checked)


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
