"""What `twinnet compare` leaves in a run's folder, so that it can be resumed and its models can be asked.

Each voice has a checkpoint, ``checkpoint_VOICE.safetensors``, or ``checkpoint_VARIANT_VOICE`` for each variant; and
``run.json`` says which of them belong together, and under which settings they were trained.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinnet.checks import refuse_file

__all__ = ["SavedRun", "read_saved_run"]


@dataclass(frozen=True)
class SavedRun:
    """The checkpoints of one comparison.

    Attributes
    ----------
    folder : Path
        Where they are.
    experiment : str
        The experiment's name.
    overrides : dict
        Settings that were replaced, as `twinnet.experiment.experiment_override` takes them.
    voices : tuple of str
        The voices' keys.
    checkpoints : tuple of str
        Names of the files that are there.
    """

    folder: Path
    experiment: str
    overrides: dict[str, Any]
    voices: tuple[str, ...]
    checkpoints: tuple[str, ...] = ()

    def path(self, variant: str, key: str) -> Path:
        """The file of a voice's checkpoint."""
        middle = "" if variant == self.experiment else f"{variant}_"
        return self.folder / f"checkpoint_{middle}{key}.safetensors"

    def has(self, variant: str, key: str) -> bool:
        """Whether there is a checkpoint of a voice."""
        return self.path(variant, key).name in self.checkpoints

    def save(self, variant: str, voice: Any) -> SavedRun:
        """Write a voice's checkpoint, and say in ``run.json`` that it is there; return what is there then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(variant, voice.key)
        voice.save(path)
        saved = self if self.has(variant, voice.key) else replace(self, checkpoints=(*self.checkpoints, path.name))
        settings = {"experiment": saved.experiment, "overrides": saved.overrides, "voices": saved.voices}
        partial = self.folder / "run.json.part"
        partial.write_text(
            json.dumps({**settings, "checkpoints": saved.checkpoints}, indent=1) + "\n", encoding="utf-8"
        )
        os.replace(partial, self.folder / "run.json")
        return saved


def read_saved_run(folder: Path) -> SavedRun:
    """The run whose checkpoints are in a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    SavedRun

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If its ``run.json`` is damaged.
    """
    path = folder / "run.json"
    if not path.is_file():
        raise FileNotFoundError(f"There is no trained run in {folder}. Train one: twinnet compare {folder.name}")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        lists = tuple(found["voices"]), tuple(found["checkpoints"])
        saved = SavedRun(folder, str(found["experiment"]), dict(found["overrides"]), *lists)
    except (ValueError, KeyError, TypeError):
        refuse_file(path, "is damaged: it does not say which checkpoints there are")
    return saved
