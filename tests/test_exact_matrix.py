"""One checksum on every BLAS, number of threads, kind of processor and version: tests/matrix/exact_matrix.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "matrix"))
import exact_matrix


@pytest.mark.full
def test_one_checksum_everywhere(r, capfd):
    status = exact_matrix.main()
    shown = capfd.readouterr().out
    print(shown)
    assert status == 0, shown
    assert "One checksum" in shown


def test_the_matrix_names_what_is_missing():
    with pytest.raises(SystemExit, match="sudo apt-get install libnoblas3"):
        exact_matrix.blas_folder("no-such-blas", "libnoblas3")


def test_a_cell_that_fails_says_why():
    cell = exact_matrix.Cell("NumPy", "no such Python module", {"PYTHONHOME": "/nowhere"})
    with pytest.raises(SystemExit, match="NumPy, no such Python module: it failed"):
        exact_matrix.run_cell(cell)
