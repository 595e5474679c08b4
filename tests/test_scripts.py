"""A stranger's scripts are run as they are, and one that fails, never ends or records nothing is shown."""

from __future__ import annotations

import time

import numpy as np
import pytest
from twinnet.parity.scripts import ScriptError, find_script, run_script
from twinnet.parity.trace import TraceError, read_trace

PYTHON = "from twinnet import record, record_step\n"
R = "library(twinnet)\n"
LANGUAGES = [".py", pytest.param(".R", marks=pytest.mark.needs_r)]


@pytest.fixture
def run(tmp_path):
    """Write a script, run it and read its trace."""

    def run(suffix, code, timeout=60.0):
        folder = tmp_path / "scripts"
        folder.mkdir(exist_ok=True)
        path = folder / f"mine{suffix}"
        path.write_text(code)
        script = find_script(path, path.name, tmp_path / "traces")
        run_script(script, timeout)
        return read_trace(script.trace)

    run.trace = lambda suffix: tmp_path / "traces" / f"mine{suffix}"
    return run


@pytest.mark.parametrize("suffix", LANGUAGES)
def test_a_script_records_what_it_says_and_nothing_else_changes(run, suffix, tmp_path):
    code = {
        ".py": PYTHON + "import sys, os\nassert record('x', 1.5) == 1.5\nrecord_step(2)\nrecord('y', [1, 2])\n"
        "print(os.getcwd(), 'TWINNET_RECORD' in os.environ, __name__, sys.argv)\n",
        ".R": R + "stopifnot(record('x', 1.5) == 1.5)\nrecord_step(2)\nrecord('y', 1:2)\n"
        "cat(getwd(), nzchar(Sys.getenv('TWINNET_RECORD')), basename(commandArgs()[[4]]), commandArgs(TRUE), '\n')\n",
    }
    trace = run(suffix, code[suffix])
    assert [entry.key for entry in trace.entries] == ["step0/x", "step2/y"]
    assert trace.load("step2/y").tolist() == [1, 2]
    said = (tmp_path / "traces" / f"mine{suffix}.output.txt").read_text()
    where = tmp_path / "scripts"
    assert said.strip() == {".py": f"{where} False __main__ ['mine.py']", ".R": f"{where} FALSE --file=mine.R"}[suffix]


@pytest.mark.parametrize(
    ("suffix", "ending"),
    [
        (".py", "import sys; sys.exit(0)"),
        (".py", "raise SystemExit"),
        *[
            pytest.param(".R", ending, marks=pytest.mark.needs_r)
            for ending in [
                "quit()",
                "rm(list = ls(all.names = TRUE)); gc()",
                "try(stop('caught'))",
                "q(runLast = FALSE)",
            ]
        ],
    ],
)
def test_a_script_may_end_as_it_likes(run, suffix, ending):
    first = {".py": PYTHON, ".R": R}[suffix]
    trace = run(suffix, f"{first}record('x', 1)\n{ending}\n")
    assert trace.has("step0/x")


@pytest.mark.parametrize(
    ("suffix", "code", "message", "printed"),
    [
        (".py", "record('x', 1)\nprint('so far')\n1 / 0", "ended with status 1", ["so far", "ZeroDivisionError"]),
        (".py", "record('x', 1); import sys; sys.exit(3)", "ended with status 3", ["It printed nothing."]),
        (".py", "def f(:", "ended with status 1", ["SyntaxError"]),
        (".py", "record('x', 'text')", "ended with status 1", ["`x` must be numbers"]),
        (".py", "import os; os.abort()", "was ended by signal 6", []),
        (".py", "record('x', 1); import os; os._exit(0)", "ended without finishing its trace", []),
        (".R", "record('x', 1)\ncat('so far\\n')\nstop('boom')", "ended with status 1", ["so far", "Error: boom"]),
        (".R", "quit(status = 3)", "ended with status 3", []),
        (".R", "f <- function( {", "ended with status 1", ["unexpected '{'"]),
        (".R", "record('x', 'text')", "ended with status 1", ["`x` must be numbers"]),
        (".R", "record('x', 1); tools::pskill(Sys.getpid(), 9)", "was ended by signal 9", []),
    ],
)
@pytest.mark.needs_r
def test_a_script_that_fails_is_shown_and_its_trace_is_half_written(run, suffix, code, message, printed):
    with pytest.raises(ScriptError) as failed:
        run(suffix, {".py": PYTHON, ".R": R}[suffix] + code)
    assert str(failed.value).startswith(f"mine{suffix} {message}")
    for text in printed:
        assert text in str(failed.value)
    with pytest.raises(TraceError):
        read_trace(run.trace(suffix))


@pytest.mark.parametrize("suffix", LANGUAGES)
def test_a_script_that_never_ends_is_stopped_with_all_that_it_started(run, suffix):
    endless = {
        ".py": "import subprocess\nrecord('x', 1)\nprint('waiting')\nsubprocess.run(['sleep', '600'])",
        ".R": "record('x', 1)\ncat('waiting\\n')\nsystem('sleep 600')",
    }
    began = time.monotonic()
    with pytest.raises(ScriptError, match=f"mine{suffix} did not end within 4 seconds") as failed:
        run(suffix, {".py": PYTHON, ".R": R}[suffix] + endless[suffix], timeout=4)
    assert time.monotonic() - began < 20
    assert "waiting" in str(failed.value)
    with pytest.raises(TraceError, match="half-written"):
        read_trace(run.trace(suffix))


@pytest.mark.parametrize(
    ("suffix", "code", "advice"),
    [
        (".py", "print('hello')", "It must say from twinnet import record"),
        (".py", PYTHON, "It must say from twinnet import record"),
        pytest.param(".R", "cat('hello\n')", "It must say library(twinnet)", marks=pytest.mark.needs_r),
        pytest.param(".R", R, "It must say library(twinnet)", marks=pytest.mark.needs_r),
    ],
)
def test_a_script_that_records_nothing_is_told_how(run, suffix, code, advice):
    with pytest.raises(ScriptError, match="recorded nothing") as failed:
        run(suffix, code)
    assert advice in str(failed.value)


def test_of_much_output_the_end_is_shown(run):
    with pytest.raises(ScriptError) as failed:
        run(".py", "for i in range(100000): print('line', i)\nraise SystemExit(1)")
    lines = str(failed.value).splitlines()
    assert lines[1] == "The end of what it printed:"
    assert (lines[2], lines[-1], len(lines)) == ("  line 99970", "  line 99999", 32)


def test_what_is_no_script_is_refused(tmp_path):
    (tmp_path / "mine.jl").write_text("")
    with pytest.raises(ScriptError, match=r"must be a script in Python or in R, and end in \.py or \.R\."):
        find_script(tmp_path / "mine.jl", "mine.jl", tmp_path)
    with pytest.raises(ScriptError, match="There is no script"):
        find_script(tmp_path / "mine.py", "mine.py", tmp_path)


def test_what_a_script_starts_does_not_record(run):
    code = "import subprocess, sys\nrecord('x', 1)\nchild = 'from twinnet import record; record(\"y\", 2)'\n"
    trace = run(".py", PYTHON + code + "subprocess.run([sys.executable, '-c', child], check=True)\n")
    assert [entry.key for entry in trace.entries] == ["step0/x"]


def test_every_bit_arrives(run):
    trace = run(".py", PYTHON + "import numpy as np\nrecord('x', np.array([0.1, -0.0, np.nan, np.inf, 5e-324]))")
    assert trace.load("step0/x").tobytes() == np.array([0.1, -0.0, np.nan, np.inf, 5e-324]).tobytes()
