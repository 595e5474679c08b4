"""The same runs on every BLAS, number of threads, kind of processor and version that can be had here: one checksum.

R on OpenBLAS and on the reference BLAS; NumPy, its SIMD switched off too, and of other versions (in virtual
environments made by pip); PyTorch with other kernels. One and two threads. Run by `make test-full`, or alone:
``.venv/bin/python tests/matrix/exact_matrix.py``. The exit status is 0 only if all checksums are one.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from twinnet.parity.bridge import r_library

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
RUNS = [
    ["iris_dnn", {"maxit": 100, "generator": "torch"}],
    ["mnist_cnn_small", {"maxit": 2}],
    ["mnist_cnn", {"maxit": 1}],
]
CORES = ("Nehalem", "Haswell", "SkylakeX")  # whose kernels OpenBLAS uses
OTHER_NUMPY = ("1.26.4", "2.0.2")
SCIPY = {"1.26.4": "1.15.3", "2.0.2": "1.15.3"}  # which twinnet imports, as it does threadpoolctl
DISABLE_SIMD = """
import numpy
core = getattr(numpy, "_core", None) or numpy.core
module = core._multiarray_umath
print(" ".join(name for name in module.__cpu_dispatch__ if module.__cpu_features__.get(name)))
"""


@dataclass(frozen=True)
class Cell:
    """One way to run.

    Attributes
    ----------
    voice : str
        ``"R"``, ``"NumPy"`` or ``"PyTorch"``.
    setting : str
        What is special about it.
    environment : dict of str
        Variables to set.
    python : str
        Which Python; not for R.
    must_say : str
        Part of what it says that it ran on.
    """

    voice: str
    setting: str
    environment: dict[str, str]
    python: str = sys.executable
    must_say: str = ""


def blas_folder(name: str, package: str) -> str:
    """Where Debian and Ubuntu keep one of their libraries libblas.so.3, of which R uses the one it finds first."""
    found = sorted(Path("/usr/lib").glob(f"*/{name}/libblas.so.3"))
    if not found:
        raise SystemExit(f"There is no {name}/libblas.so.3 under /usr/lib. Install it: sudo apt-get install {package}")
    return str(found[0].parent)


def own_environment() -> dict[str, str]:
    """The environment without R's folders of libraries, which R puts there when it starts in this process."""
    return {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}


def python_with(numpy: str) -> str:
    """A Python with another NumPy, in a virtual environment under .build that is made once."""
    folder = ROOT / ".build" / "matrix" / f"numpy-{numpy}"
    python, made = folder / "bin" / "python", folder / "made"
    wanted = [f"numpy=={numpy}", f"scipy=={SCIPY[numpy]}", f"threadpoolctl=={version('threadpoolctl')}"]
    if not made.exists() or made.read_text(encoding="utf-8") != " ".join(wanted):
        print(f"== Installing NumPy {numpy} into {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], env=own_environment(), check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *wanted]
        done = subprocess.run(pip, env=own_environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(
                f"pip could not install {' '.join(wanted)}; is the package index reachable?\n{done.stderr}"
            )
        made.write_text(" ".join(wanted), encoding="utf-8")
    return str(python)


def cells() -> list[Cell]:
    """All ways to run that there are here."""
    open_blas = blas_folder("openblas-pthread", "libopenblas0-pthread")
    reference = blas_folder("blas", "libblas3")
    found = []
    for threads in ("1", "2"):
        count = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        words = f"{threads} thread" + ("s" if threads == "2" else "")
        found.append(Cell("R", f"OpenBLAS, {words}", {**count, "R_LD_LIBRARY_PATH": open_blas}, must_say=open_blas))
        found.append(Cell("NumPy", words, count))
        for capability in ("default", "avx2"):
            setting = f"ATEN_CPU_CAPABILITY={capability}, {words}"
            found.append(Cell("PyTorch", setting, {**count, "ATEN_CPU_CAPABILITY": capability}))
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    found.append(Cell("R", "reference BLAS", {**one, "R_LD_LIBRARY_PATH": reference}, must_say=reference))
    for core in CORES if platform.machine() == "x86_64" else ():
        on_core = {**one, "OPENBLAS_CORETYPE": core}
        found.append(Cell("R", f"OpenBLAS for {core}", {**on_core, "R_LD_LIBRARY_PATH": open_blas}, must_say=open_blas))
        found.append(Cell("NumPy", f"OpenBLAS for {core}", on_core))
    for numpy in ("", *OTHER_NUMPY):
        python = python_with(numpy) if numpy else sys.executable
        simd = subprocess.run([python, "-c", DISABLE_SIMD], capture_output=True, text=True, check=True).stdout.strip()
        if numpy:
            found.append(Cell("NumPy", f"version {numpy}", one, python, f"NumPy {numpy}"))
        setting = f"version {numpy}, without {simd}" if numpy else f"without {simd}"
        found.append(Cell("NumPy", setting, {**one, "NPY_DISABLE_CPU_FEATURES": simd}, python))
    return found


def run_cell(cell: Cell) -> dict[str, str]:
    """Run one cell; what it prints."""
    if cell.voice == "R":
        command = ["Rscript", str(FOLDER / "exact_voice.R")]
    else:
        command = [cell.python, "-W", "ignore", str(FOLDER / "exact_voice.py"), cell.voice.lower().removeprefix("py")]
    data = str(ROOT / "shared_data")
    ours = {"PYTHONPATH": str(ROOT / "python"), "R_LIBS": r_library(), "TWINNET_SHARED_DATA": data}
    environment = {**own_environment(), **cell.environment, **ours}
    done = subprocess.run([*command, json.dumps(RUNS)], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{cell.voice}, {cell.setting}: it failed.\n{done.stderr.strip()}")
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    if cell.must_say not in found["ran_on"]:
        raise SystemExit(f"{cell.voice}, {cell.setting}: it ran on {found['ran_on']}, not on {cell.must_say}.")
    return found


def main() -> int:
    """Run the matrix and print it."""
    lines, checksums = [], set()
    todo = cells()
    for number, cell in enumerate(todo, start=1):
        print(f"\r{number} of {len(todo)}: {cell.voice}, {cell.setting[:60]:<60}", end="", file=sys.stderr, flush=True)
        found = run_cell(cell)
        checksums.add(found["checksum"])
        lines.append(f"{found['checksum']}  {cell.voice:<7}  {cell.setting}  ({found['ran_on']})")
    print(file=sys.stderr)
    steps = ", ".join(f"{overrides['maxit']} steps of {name}" for name, overrides in RUNS)
    print(f"Checksums of every activation, loss, gradient and parameter of {steps}:")
    print("\n".join(lines))
    print(f"One checksum, {len(lines)} times." if len(checksums) == 1 else f"{len(checksums)} DIFFERENT CHECKSUMS.")
    return 0 if len(checksums) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
