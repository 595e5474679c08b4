"""A stranger's script, in Python or in R, run as a process of its own while it records what it calculates.

The script runs in its own folder, as if from a terminal, and needs one line, ``from twinnet import record`` or
``library(twinnet)``: the environment variable ``TWINNET_RECORD`` names the folder that its calls of ``record`` write
to. The trace is finished when the process ends, however it ends; whether it ended well is seen here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from twinnet.parity.bridge import CHECKOUT, NO_R, SHARED_DATA, BridgeError, r_library, refuse_stale_package
from twinnet.record import clear_trace

__all__ = ["LANGUAGES", "Script", "ScriptError", "find_script", "run_script"]

LANGUAGES = {".py": "Python", ".r": "R"}
FIRST_LINE = {"Python": "from twinnet import record", "R": "library(twinnet)"}
MANIFEST = "manifest.json"
SHOWN_LINES = 30
GRACE = 2.0


class ScriptError(ValueError):
    """A script cannot be run, failed, did not end or recorded nothing; the message shows what it printed."""


@dataclass(frozen=True)
class Script:
    """A script and where its run goes.

    Attributes
    ----------
    path : Path
        The file.
    language : str
        A value of `LANGUAGES`.
    label : str
        What reports call it: its file name.
    trace : Path
        The folder of its trace.
    log : Path
        The file of what it prints.
    """

    path: Path
    language: str
    label: str
    trace: Path
    log: Path


def find_script(path: Path, label: str, folder: Path) -> Script:
    """Return a script and where its run goes.

    Parameters
    ----------
    path : Path
        The file, which ends in .py or .R.
    label : str
        What reports call it.
    folder : Path
        Where its trace and what it prints are kept.

    Raises
    ------
    ScriptError
        If there is no such file, or it is in another language.
    """
    if path.suffix.lower() not in LANGUAGES:
        raise ScriptError(f"{path} must be a script in Python or in R, and end in .py or .R.")
    if not path.is_file():
        raise ScriptError(f"There is no script {path}.")
    return Script(path.resolve(), LANGUAGES[path.suffix.lower()], label, folder / label, folder / f"{label}.output.txt")


def run_script(
    script: Script, timeout: float, words: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> None:
    """Run a script to its end, and leave its trace in its folder.

    Parameters
    ----------
    script : Script
        Of an earlier trace in its folder nothing is left; a folder that holds anything else is refused.
    timeout : float
        The most seconds that it may take.
    words : sequence of str
        What stands between the interpreter and the script on the command line.
    settings : mapping, optional
        Environment variables that are other than here.

    Raises
    ------
    ValueError
        If the folder of its trace holds anything but a trace.
    ScriptError
        If it fails, does not end in time or records nothing.
    BridgeError
        If R, or the R package twinnet, is not installed.
    """
    command = [*interpreter(script.language), *words, script.path.name]
    script.log.parent.mkdir(parents=True, exist_ok=True)
    clear_trace(script.trace)  # here too, and not only by the script: one that records nothing must not seem to
    began = time.monotonic()
    status: int | None = None
    with script.log.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=script.path.parent,
            env={**environment(script), **(settings or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that what the script itself starts can be stopped with it
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        finally:
            stop(process)
    count = recorded(script)
    if status is None:
        fail(script, f"did not end within {timeout:g} seconds")
    elif status != 0:
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        so_far = f", having recorded {count} tensor{'s' * (count != 1)}" if count else ""
        fail(script, f"{how} after {time.monotonic() - began:.1f} seconds{so_far}")
    elif not count and not any(script.trace.glob("*.npy")):
        advice = f'It must say {FIRST_LINE[script.language]}, and record("name", value) of what is to be compared.'
        fail(script, "recorded nothing", advice)
    elif count is None:
        fail(script, "ended without finishing its trace", "Did it end itself by force?")


def interpreter(language: str) -> list[str]:
    """The command that runs a script: this Python, or the Rscript of the R that would be started here."""
    if language == "Python":
        return [sys.executable]
    home = os.environ.get("R_HOME")
    found = shutil.which("Rscript", path=str(Path(home) / "bin")) if home else None
    found = found or shutil.which("Rscript")
    if found is None:
        raise BridgeError(NO_R)
    return [found]


def environment(script: Script) -> dict[str, str]:
    """The environment of a script: this process's, with where to record, and twinnet where it is found here."""
    changed = {"TWINNET_RECORD": str(script.trace.resolve())}
    if not os.environ.get("TWINNET_SHARED_DATA"):
        changed["TWINNET_SHARED_DATA"] = str(SHARED_DATA)
    if script.language == "R":
        if "TWINNET_R_LIBRARY" not in os.environ:
            refuse_stale_package(Path(r_library()) / "twinnet", CHECKOUT / "r")
        changed["R_LIBS"] = joined(r_library(), os.environ.get("R_LIBS", ""))
    else:
        checkout = str(CHECKOUT / "python") if (CHECKOUT / "python" / "pyproject.toml").exists() else ""
        changed["PYTHONPATH"] = joined(os.environ.get("PYTHONPATH", ""), checkout)
        changed["PYTHONUNBUFFERED"] = "1"  # what it printed before it was stopped is what its author needs to see
        changed["PYTHONIOENCODING"] = "utf-8:replace"
    return {**os.environ, **changed}


def joined(*paths: str) -> str:
    """Search paths as one, each absolute, since the script runs in another folder."""
    folders = [folder for path in paths for folder in path.split(os.pathsep) if folder]
    return os.pathsep.join(str(Path(folder).resolve()) for folder in folders)


def recorded(script: Script) -> int | None:
    """The number of tensors in a script's trace; None if the trace is not finished."""
    manifest = script.trace / MANIFEST
    return len(json.loads(manifest.read_text(encoding="utf-8"))["tensors"]) if manifest.exists() else None


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, if it still runs, and all that it started: first asked, then forced."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def fail(script: Script, what: str, advice: str = "") -> None:
    """Raise what went wrong with a script, with the end of what it printed; its trace is left half-written."""
    (script.trace / MANIFEST).unlink(missing_ok=True)
    raise ScriptError(f"{script.label} {what}. {advice}".rstrip() + "\n" + last_lines(script.log))


def last_lines(log: Path) -> str:
    """The end of what a script printed, indented."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 100 * SHOWN_LINES))
        lines = file.read().decode("utf-8", "replace").splitlines()
    if not lines:
        return "It printed nothing."
    shown = lines[-SHOWN_LINES:]
    whole = shown == lines and log.stat().st_size <= 100 * SHOWN_LINES
    heading = "It printed:" if whole else "The end of what it printed:"
    return "\n".join([heading, *(f"  {line}" for line in shown)])
