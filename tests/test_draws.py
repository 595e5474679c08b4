"""`twinnet draws` and R's twinnet_draws(): three voices side by side, and every way in which they could disagree."""

from __future__ import annotations

import ast
import inspect
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from twinnet.parity import cli, originals
from twinnet.parity.bridge import RError
from twinnet.parity.draws import compare_draws
from twinnet.parity.streams import STREAMS, parse_call

# A call of each method that draws.
CALLS = {
    "r": [
        "runif(3, -1, [1, 2, 3])",
        "rnorm(3, sd=0.5)",
        "rexp(3, 2)",
        "rbinom(3, 20, 0.3)",
        "sample([0.5, 1.5, 2.5], 2)",
        "sample_int(1000, 3, replace=True)",
        "shuffle(['a', 'b', 'c'])",
        "rnorm(700)",
    ],
    "numpy": [
        "random([2, 3])",
        "random(3, 'float32')",
        "uniform(-1, 2.5, (3,))",
        "standard_normal()",
        "normal(10, 0.5, 3)",
        "standard_exponential(3)",
        "exponential(2, 3)",
        "integers(6, size=3, dtype='int8', endpoint=True)",
        "permutation(7)",
        "shuffle([[1, 2], [3, 4], [5, 6]])",
        "choice([7])",
        "choice(9, 3, False, None, True)",
        "random(0)",
    ],
    "numpy-legacy": [
        "random(3)",
        "uniform(size=2)",
        "standard_normal(3)",
        "randn(2, 2)",
        "randn()",
        "normal(1, 2)",
        "randint(-5, 1000, 3)",
        "permutation([1.5, 2.5, 3.5])",
        "shuffle([True, False, True])",
        "choice(['a', 'b'], 5, p=[0.25, 0.75])",
        "random(700)",
    ],
    "torch": [
        "rand(3)",
        "rand([2, 3], 'float64')",
        "uniform_(3, -1, 2)",
        "randn(3)",
        "randn(40)",
        "normal_((2, 2), 1.5, 0.5)",
        "randint(-3, 1099511627776, 3)",
        "random_([2, 2])",
        "randperm(9)",
        "bernoulli([[0.1, 0.5], [0.5, 0.9]])",
        "bernoulli_(5, 0.3)",
        "dropout_mask([2, 3], 0.25)",
    ],
    "python": [
        "random()",
        "random([2, 2])",
        "uniform(-1, 1, 2)",
        "gauss(size=3)",
        "getrandbits(40)",
        "randrange(3, 100, 7, 4)",
        "randint(1, 6, size=3)",
        "choice(['a', 'b', 'c'])",
        "choice([5])",
        "shuffle([0.5, 1.5, 2.5])",
        "sample(30, 4)",
    ],
}
CALLS["r-rounding"] = CALLS["r"]
SEEDS = {
    "r": [1, -(2**31 - 1)],
    "r-rounding": [2**31 - 1],
    "numpy": [42, [1, 2, 3], [5], 2**100, "0xff"],
    "numpy-legacy": [2**32 - 1, [1, 2, 3], [5]],
    "torch": [0, -1, 2**64 - 1],
    "python": [42, -(2**70)],
}
# Public methods that draw nothing of their own.
OTHER_METHODS = {
    "get_state",
    "set_state",
    "words_drawn",
    "get_random_seed",
    "set_random_seed",
    "spawn",
    "manual_seed",
    "initial_seed",
    "words",
    "torch_state",
    "from_torch_state",
    "uniforms",
    "many_normals",
    "few_normals",
    "warn_of_libm",
}


@pytest.fixture
def draws(r: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(generator: str, seed: Any, *calls: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        arguments = [item for call in calls for item in ("--call", call)]
        status = cli.main(["draws", "--generator", generator, f"--seed={seed}", *arguments, *options])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def bits(values: Any) -> list[str]:
    return [f"{word:016x}" for word in np.ravel(values).astype(np.float64).view(np.uint64).tolist()]


@pytest.mark.parametrize(("generator", "seed"), [(name, seed) for name in STREAMS for seed in SEEDS[name]], ids=str)
def test_every_method_draws_the_same_three_times(r: Any, generator: str, seed: Any) -> None:
    calls = [parse_call(text, generator) for text in CALLS[generator]]
    compared = compare_draws(generator, seed, calls)
    for number, call in enumerate(calls):
        assert compared.same(number), f"{call.text}: {[voice.values[number] for voice in compared.voices]}"
        assert len(compared.bits[number]) == 3
    assert compared.equal
    assert {call.method for call in calls} == set(STREAMS[generator].methods), "a method without a call"


@pytest.mark.parametrize("generator", STREAMS)
def test_the_methods_of_a_stream_are_all_that_its_twin_draws_with(r: Any, generator: str) -> None:
    stream = STREAMS[generator]
    public = {name for name, value in inspect.getmembers(stream.twin, callable) if not name.startswith("_")}
    assert set(stream.methods) == public - OTHER_METHODS
    in_r = r.eval(f"twinnet:::DRAWN_STREAMS[['{generator}']][c('title', 'methods')]")
    assert in_r["title"].tolist() == [stream.title]
    assert in_r["methods"].tolist() == list(stream.methods)


def test_both_languages_know_the_same_streams(r: Any) -> None:
    assert r.eval("names(twinnet:::DRAWN_STREAMS)").tolist() == list(STREAMS)


def test_json_has_the_draws_of_the_originals_and_the_words(draws: Any) -> None:
    status, out, err = draws("numpy", 42, "standard_normal(5)", "integers(0, 10, [2, 2])", options=("--json",))
    report = json.loads(out)
    generator = np.random.default_rng(42)
    normals, integers = generator.standard_normal(5), generator.integers(0, 10, (2, 2))
    assert status == 0
    assert err == ""
    assert (report["generator"], report["seed"], report["verdict"], report["warnings"]) == ("numpy", 42, "equal", [])
    assert report["voices"] == {"original": f"NumPy {np.__version__}", "python": "in Python", "r": "in R"}
    first, second = report["calls"]
    assert [first["call"], first["shape"], first["equal"]] == ["standard_normal(5)", [5], True]
    assert second["shape"] == [2, 2]
    for voice in report["voices"]:
        assert first["values"][voice] == normals.tolist()
        assert first["bits"][voice] == bits(normals)
        assert second["values"][voice] == integers.ravel().tolist()
        assert second["bits"][voice] == bits(integers)
        assert (first["words"][voice], second["words"][voice]) == (5, 2)


def test_each_original_is_the_library_itself(draws: Any) -> None:
    np.random.seed(7)
    torch.manual_seed(7)
    said = subprocess.run(
        ["Rscript", "-e", "set.seed(7); cat(sprintf('%.17g', rnorm(2)))"], capture_output=True, text=True, check=True
    )
    expected = {
        "r": [float(number) for number in said.stdout.split()],
        "numpy": np.random.default_rng(7).random(2),
        "numpy-legacy": np.random.rand(2),
        "torch": torch.rand(2).numpy(),
        "python": [(plain := random.Random(7)).random(), plain.random()],
    }
    calls = {"r": "rnorm(2)", "torch": "rand(2)"}
    for name, values in expected.items():
        _, out, _ = draws(name, 7, calls.get(name, "random(2)"), options=("--json",))
        drawn = json.loads(out)["calls"][0]["values"]["original"]
        assert bits(drawn) == bits(values), name


def test_the_table_shows_the_draws_their_bits_and_the_words(draws: Any) -> None:
    status, out, _ = draws("numpy-legacy", 1, "randn(2, 2)", "choice(['a', 'b'], 2)")
    assert status == 0
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.count("│") == 7]
    expected = np.random.RandomState(1).randn(2, 2)
    assert lines[0] == ["0, 0", *[f"{expected[0, 0]:.7g}"] * 3, bits(expected)[0], "yes"]
    assert lines[3] == ["1, 1", *[f"{expected[1, 1]:.7g}"] * 3, bits(expected)[3], "yes"]
    assert lines[4][0] == "words"
    assert len(set(lines[4][1:4])) == 1
    assert lines[4][4:] == ["of 32 bits", "yes"]
    assert lines[5][1] in ("a", "b")
    assert out.strip().splitlines()[-1] == (
        f"EQUAL: NumPy {np.__version__} and its twins in Python and in R draw the same bits in each of 6 draws, "
        "and use the same words."
    )


def test_of_many_draws_the_first_twenty_are_shown(draws: Any) -> None:
    _, out, _ = draws("python", 1, "random(1000)")
    assert "random(1000): 1000 drawn, the first 20 shown" in out
    assert [line.split("│")[1].strip() for line in out.splitlines() if line.count("│") == 7] == [
        *(str(number) for number in range(20)),
        "words",
    ]
    assert "each of 1000 draws" in out


class Off:
    """An original whose draws are changed on the way."""

    def __init__(self, seed: Any, change: Any, extra_words: int = 0) -> None:
        self._original = originals.NumpyOriginal(seed)
        self._change = change
        self._extra = extra_words
        self.label = self._original.label

    def draw(self, method: str, positional: Any, named: Any) -> Any:
        return self._change(np.array(self._original.draw(method, positional, named)))

    def words(self) -> int:
        return self._original.words() + self._extra


def one_ulp_up(place: int) -> Any:
    def change(values: Any) -> Any:
        values[place] = np.nextafter(values[place], 1)
        return values

    return change


@pytest.mark.parametrize(
    ("change", "extra", "said"),
    [
        (one_ulp_up(3), 0, "the twins in Python and in R and {} differ first in random(30), in 1 of 30 draws."),
        (one_ulp_up(25), 0, "the twins in Python and in R and {} differ first in random(30), in 1 of 30 draws."),
        (
            lambda v: v[:29],
            0,
            "the twins in Python and in R and {} differ first in random(30), in 1 of 29 draws.",
        ),
        (lambda v: v.reshape(5, 6), 0, "{} and its twins in Python and in R differ in shape in random(30)."),
        (lambda v: v, 1, "{} and its twins in Python and in R use different numbers of words in random(30)."),
    ],
)
def test_one_bit_one_draw_one_shape_or_one_word_is_a_difference(
    draws: Any, monkeypatch: pytest.MonkeyPatch, change: Any, extra: int, said: str
) -> None:
    monkeypatch.setitem(originals.ORIGINALS, "numpy", lambda seed: Off(seed, change, extra))
    monkeypatch.setattr("twinnet.parity.draws.check_streams", lambda generators: [])
    status, out, _ = draws("numpy", 42, "random(30)")
    assert status == 1
    assert out.strip().splitlines()[-1] == "DIFFERENT: " + said.format(f"NumPy {np.__version__}")
    report_status, report, _ = draws("numpy", 42, "random(30)", options=("--json",))
    assert report_status == 1
    assert json.loads(report)["verdict"] == "different"


def test_a_differing_draw_is_shown_with_all_its_bits(draws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(originals.ORIGINALS, "numpy", lambda seed: Off(seed, one_ulp_up(25)))
    monkeypatch.setattr("twinnet.parity.draws.check_streams", lambda generators: [])
    _, out, _ = draws("numpy", 42, "random(30)")
    expected = np.random.default_rng(42).random(30)
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if line.count("│") == 7]
    assert lines[20][0] == "25"
    assert lines[20][4:] == [bits(np.nextafter(expected[25], 1))[0], "NO"]
    assert lines[21][4:] == [bits(expected[25])[0], ""]
    assert all(line[5] == "yes" for line in lines[:20])


@pytest.mark.parametrize(
    ("generator", "seed", "call", "said"),
    [
        (
            "nump",
            1,
            "random(2)",
            '`generator` must be one of "r", "r-rounding", "numpy", "numpy-legacy", "torch", "python", not "nump".',
        ),
        ("r", 1, "rnrm(2)", '`method` must be one of "runif", "rnorm", "rexp", "rbinom", "sample", "sample_int", '),
        ("numpy", 1, "get_state()", '`method` must be one of "random", '),
        (
            "numpy",
            1,
            "random(sise=2)",
            "random(sise=2): got an unexpected keyword argument 'sise'; the arguments are size=None, dtype='float64'.",
        ),
        ("r", 1, "rnorm()", "rnorm(): missing a required argument: 'n'; the arguments are n, mean=0, sd=1."),
        ("numpy-legacy", 1, "randn(size=3)", "randn(size=3): got an unexpected keyword argument 'size'; "),
        ("numpy", 1, "random(-1)", "`size` must be whole numbers of at least 0, not -1."),
        ("numpy", 1, "shuffle(5)", "shuffle(5): "),
        ("torch", 1, "rand(2.0)", "PyTorch's CPU generator refuses what its twin takes: rand() received an invalid "),
        ("r", 1, "sample([1, None])", "`call` must be a call with "),
        ("numpy", "x", "random(2)", '`seed` must be digits, or 0x and hexadecimal digits, not "x".'),
        ("r", 2**31, "rnorm(2)", "`seed` must be a whole number of at least -2147483647 "),
        ("python", 1, "random", "`call` must be a call with numbers, strings, lists, True, False or None, such as "),
        ("python", 1, "random(", "`call` must be a call with "),
        ("python", 1, "random(*[2])", "`call` must be a call with "),
        ("python", 1, "random(**{'size': 2})", "`call` must be a call with "),
        ("python", 1, "random(size=b'2')", "`call` must be a call with "),
        ("python", 1, "random(1 + 1)", "`call` must be a call with "),
        ("python", 1, "random({'a': 1})", "`call` must be a call with "),
        ("python", 1, "random.random(2)", "`call` must be a call with "),
    ],
)
def test_bad_input_is_named_and_the_exit_status_is_2(
    draws: Any, generator: str, seed: Any, call: str, said: str
) -> None:
    status, out, err = draws(generator, seed, call)
    assert (status, out) == (2, "")
    assert err.startswith(f"twinnet: {said}")


def test_a_call_is_never_evaluated(draws: Any, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    status, _, _ = draws("numpy", 1, f"random(open({str(trace)!r}, 'w'))")
    assert status == 2
    assert not trace.exists()


def test_a_missing_library_is_named(draws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    status, _, err = draws("torch", 1, "rand(2)")
    assert status == 2
    assert err == f"twinnet: PyTorch is not installed for {sys.executable}: pip install torch.\n"


def test_no_global_stream_is_touched(draws: Any, r: Any) -> None:
    r.eval("set.seed(99, 'Wichmann-Hill')", convert=False)
    np.random.seed(99)
    random.seed(99)
    torch.manual_seed(99)
    before = (r.eval(".Random.seed").tolist(), np.random.get_state()[1].tolist(), random.getstate())
    torch_before = torch.get_rng_state()
    try:
        for generator, calls in CALLS.items():
            draws(generator, 5, *calls)
        assert r.eval(".Random.seed").tolist() == before[0]
    finally:
        r.eval("RNGkind('default'); rm(.Random.seed)", convert=False)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before[1:]
    assert torch.equal(torch.get_rng_state(), torch_before)


@pytest.mark.parametrize(
    ("generator", "method", "words_a_draw"),
    [("numpy", "random", 1), ("numpy-legacy", "random", 2), ("torch", "rand", 1), ("python", "random", 2)],
)
def test_words_are_counted_across_many_renewals_of_the_key(generator: str, method: str, words_a_draw: int) -> None:
    original = originals.ORIGINALS[generator](3)
    assert original.words() == 0
    total = 0
    for n in [1, 311, 312, 313, 1, 0, 623, 624, 625, 10_000]:
        original.draw(method, (), {"size": n})
        total += n * words_a_draw
        assert original.words() == total, n


# --- the program that R runs ---

SCRIPT = Path(originals.__file__)


def ask(request: dict[str, Any], **environment: str) -> dict[str, Any]:
    answered = subprocess.run(
        [sys.executable, str(SCRIPT)],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    answer: dict[str, Any] = json.loads(answered.stdout)
    return answer


def test_the_program_needs_nothing_but_the_original() -> None:
    imports = [
        node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    ]
    assert imports
    assert {name.split(".")[0] for name in imports} <= sys.stdlib_module_names


def test_the_program_answers_with_every_bit() -> None:
    calls = [
        {"method": "uniform", "positional": [], "named": {"a": 0, "b": 0.1, "size": [2, 2]}},
        {"method": "getrandbits", "positional": [], "named": {"k": 70}},
        {"method": "choice", "positional": [], "named": {"seq": ["a", "b"]}},
    ]
    answer = ask({"generator": "python", "seed": "12345678901234567890", "calls": calls})
    generator = random.Random(12345678901234567890)
    uniforms = [generator.uniform(0, 0.1).hex() for _ in range(4)]
    expected = [uniforms, [str(generator.getrandbits(70))], [generator.choice(["a", "b"])]]
    assert [draw["values"] for draw in answer["draws"]] == expected
    assert [draw["words"] for draw in answer["draws"]][:2] == [8, 3]


def test_the_program_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise ImportError\n")
    answer = ask({"generator": "numpy", "seed": 1, "calls": []}, PYTHONPATH=str(tmp_path))
    assert answer == {"missing": f"NumPy is not installed for {sys.executable}: pip install numpy"}


# --- R's twinnet_draws ---

R_CALLS = {
    "r": ["rnorm(3)", "sample(10, 4)", "sample(c(0.5, 1.5), 3, TRUE, prob = c(0.1, 0.9))"],
    "r-rounding": ["sample(10)", "rexp(2, rate = 1 / 3)"],
    "numpy": [
        "normal(0.1, size = c(2, 3))",
        "integers(0, 10, 4)",
        "shuffle(matrix(1:6, 3))",
        "choice(array(7, 1))",
        "random(0)",
    ],
    "numpy-legacy": ["randn(2, 2)", "choice(c('a', 'b'), 3, p = c(0.1, 0.9))", "uniform(1/3, -1e-3, 3)"],
    "torch": ["random_(3)", "randn(30)", "bernoulli(matrix(c(0.1, 0.3, 0.7, 0.9), 2))", "dropout_mask(c(2, 2), 0.5)"],
    "python": ["gauss(size = 3)", "choice(c('a', 'b'))", "choice('ab')", "sample(30, 4)", "randrange(3, 50, 7, 3)"],
}
R_SEEDS = {"numpy": "c(1, 2, 3)", "numpy-legacy": "list(5)", "torch": "'18446744073709551615'", "python": "-(2^40)"}


def draws_in_r(r: Any, generator: str, seed: str, calls: list[str], python: str = sys.executable) -> Any:
    """Return the printed lines, the columns, and the words."""
    quoted = ", ".join(json.dumps(call) for call in calls)
    code = f"""
      local({{
        shown <- utils::capture.output(
          draws <- twinnet:::twinnet_draws('{generator}', {seed}, c({quoted}), python = '{python}')
        )
        list(shown = shown, columns = as.list(draws)[c('call', 'element', 'r', 'r_bits')],
             equal = draws$equal, original_bits = draws$original_bits, words = as.list(attr(draws, 'words')))
      }})
    """
    return r.eval(code)


@pytest.mark.parametrize("generator", R_CALLS)
def test_r_shows_its_twin_beside_the_original(r: Any, generator: str) -> None:
    seed = R_SEEDS.get(generator, "42")
    drawn = draws_in_r(r, generator, seed, R_CALLS[generator])
    assert drawn["equal"].all()
    assert drawn["original_bits"].tolist() == drawn["columns"]["r_bits"].tolist()
    assert drawn["words"]["original"].tolist() == drawn["words"]["r"].tolist()
    assert drawn["words"]["call"].tolist() == R_CALLS[generator]
    size = drawn["columns"]["element"].size
    assert sum(drawn["words"]["draws"].tolist()) == size
    assert drawn["shown"][-1].startswith("EQUAL: ")
    assert f"in each of {size} draws" in drawn["shown"][-1]


def test_r_shows_the_same_bits_as_python(r: Any) -> None:
    drawn = draws_in_r(r, "numpy", "42", ["standard_normal(25)"])
    assert drawn["columns"]["r_bits"].tolist() == bits(np.random.default_rng(42).standard_normal(25))
    assert drawn["columns"]["r"].tolist() == np.random.default_rng(42).standard_normal(25).tolist()
    assert "standard_normal(25): 25 drawn, the first 20" in drawn["shown"].tolist()


def test_r_says_when_the_original_draws_otherwise(r: Any, tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(
        f"#!{sys.executable}\n"
        "import runpy, sys, random\n"
        "random.Random.random = lambda self, plain=random.Random.random: plain(self) / 2\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    other.chmod(0o755)
    drawn = draws_in_r(r, "python", "1", ["getrandbits(8)", "random(3)"], python=str(other))
    assert drawn["equal"].tolist() == [True, False, False, False]
    assert drawn["shown"][-1] == (
        f"DIFFERENT: Python {sys.version.split()[0]} and its twin in R differ in 3 of 4 draws, the first in random(3) "
        "at element 1."
    )


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("", "no Python was found"),
        ("/no/such/python", "/no/such/python did not answer"),
        ("false", "false did not answer"),
    ],
)
def test_r_says_where_the_original_is_not_to_be_found(r: Any, python: str, said: str) -> None:
    drawn = r.eval(
        f"local({{ shown <- utils::capture.output(d <- twinnet:::twinnet_draws('numpy', 42, 'random(2)', '{python}'));"
        "list(shown = shown, missing = all(is.na(d$original)) && all(is.na(d$equal)), bits = d$r_bits) })"
    )
    assert drawn["shown"][-1].startswith(f"NOT COMPARED: {said}")
    assert "the argument `python` or the option twinnet.python" in drawn["shown"][-1]
    assert drawn["missing"].all()
    assert drawn["bits"].tolist() == bits(np.random.default_rng(42).random(2))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("'nump', 1, 'random(2)'", '`generator` must be one of "r", '),
        ("'numpy', 1, 'rndm(2)'", '`method` must be one of "random", '),
        ("'numpy', 1, 'random'", '`calls` must be calls such as "random(5)", not "random".'),
        ("'numpy', 1, 'random('", "`calls` must be calls such as "),
        ("'numpy', 1, 3", "`calls` must be one string or more, not 3."),
        (
            "'numpy', 1, 'random(sise = 2)'",
            "random(sise = 2): unused argument (sise = 2); the arguments are size, dtype.",
        ),
        ("'numpy', 1, 'random(file.remove(\"x\"))'", 'random(file.remove("x")): could not find function "file.remove"'),
        ("'numpy', 1, 'random(pi)'", "random(pi): object 'pi' not found"),
        ("'numpy', -1, 'random(2)'", "`seed` must be a whole number of at least 0, not -1."),
        ("'r', 1, 'rnorm(-1)'", "`n` must be a finite number of at least 0, not -1."),
        ("'r', 1, 'rnorm(1)', python = 2", "`python` must be the path of a program, not 2."),
    ],
)
def test_bad_input_in_r_is_named(r: Any, arguments: str, said: str) -> None:
    with pytest.raises(RError) as refused:
        r.eval(f"twinnet:::twinnet_draws({arguments})")
    assert refused.value.message.startswith(said)
