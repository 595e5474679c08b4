"""What the recorded inputs of an operation tell of why its tensor differs: it is computed again, rightly and wrongly.

A trace of a model holds what went into each operation, and its manifest the model. From them each side's tensor is
computed again as it should be, and as it would be with each mistake that porters make; the mistake that gives the
side's own tensor is its cause. The formulas are written here once more, plainly and with NumPy alone, so that they do
not share a mistake with the layers that they judge: `forward_hypotheses`, `backward_hypotheses`, `update_hypotheses`
and `draw_hypotheses`.
"""

from __future__ import annotations

import numpy as np

from twinnet._types import AnyArray
from twinnet.parity.array_hypotheses import Guess
from twinnet.parity.backward_hypotheses import backward_guesses
from twinnet.parity.draw_hypotheses import data_guesses, draw_guesses
from twinnet.parity.forward_hypotheses import forward_guesses, loss_guesses
from twinnet.parity.recorded import MissingTensorError, Recorded
from twinnet.parity.update_hypotheses import update_guesses

__all__ = ["layer_guesses"]

FAMILIES = {
    "init": draw_guesses,
    "data": data_guesses,
    "forward": forward_guesses,
    "loss": loss_guesses,
    "backward": backward_guesses,
    "update": update_guesses,
}


def layer_guesses(side: Recorded) -> tuple[AnyArray | None, list[Guess]]:
    """What one side's tensor should be by its own recorded inputs, and what it would be with each known mistake.

    Parameters
    ----------
    side : Recorded

    Returns
    -------
    right : array, or None
        None where the trace does not tell.
    guesses : list of Guess
    """
    right: AnyArray | None = None
    guesses: list[Guess] = []
    if not side.model or side.phase not in FAMILIES:
        return right, guesses
    with np.errstate(all="ignore"):
        try:
            for guess in FAMILIES[side.phase](side):
                if guess.name == "":
                    right = guess.predicted
                else:
                    guesses.append(guess)
        except (MissingTensorError, ValueError):
            pass  # a tensor is missing, or of a shape that does not fit the model: what was guessed before stands
    return right, guesses
