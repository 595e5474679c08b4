"""The twins are twins: file by file, function by function, argument by argument, default by default.

Every module of python/twinnet has a file of the same stem in r/R, with the same public functions and constants in the
same order, and each function has the same arguments in the same order with the same defaults. What is exempt is listed
here, with the reason, and must exist.
"""

from __future__ import annotations

import importlib
import inspect
import math
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / "python" / "twinnet"
R = ROOT / "r" / "R"

ONLY_PYTHON = {
    "__init__": "a package's front page; R's is NAMESPACE",
    "_types": "annotations, which R has not",
    "_r_algorithms": "R's own C algorithms; in R they are R's",
    "estimator": "scikit-learn's way to call the network; R's is formula",
    "threads": "R has one thread",
}
ONLY_R = {
    "bridge": "R's half of the bridge; Python's is parity/bridge",
    "draws": "R's way to call what parity/draws does",
    "expect_twin": "what testthat says; what pytest says is parity/pytest_plugin",
    "formula": "R's way to call the network; Python's is estimator",
    "ziggurat_tables": "constants that NumPy has compiled in",
}
# Indices count from 0 in Python and from 1 in R, so these defaults say the same with other numbers.
INDEX_DEFAULTS = {("train_dnn", "x"), ("train_dnn", "y")}
# Python's exceptions and warnings are classes; R's are conditions that need no declaration.
ONLY_PYTHON_NAMES = {"ConvergenceWarning"}
# A context manager of Python is in R a function of the expression that it surrounds, its second argument.
CONTEXTS = {"arithmetic": "with_arithmetic", "recording": "with_recording"}
# Parts of Python's class; in R they are functions that its methods call.
ONLY_PYTHON_METHODS = {"outputs.dnn", "score_name.dnn"}
# A class of Python is a generic function's methods in R: Class.method is method.class, and __str__ is print.
METHODS = {"__str__": "print"}


def stems(folder: Path, suffix: str) -> set[str]:
    return {path.name.removesuffix(suffix) for path in folder.glob(f"*{suffix}")}


TWINS = sorted((stems(PYTHON, ".py") & stems(R, ".R")) - set(ONLY_PYTHON) - set(ONLY_R))


def exports(module) -> list[str]:
    """Public names of a module, in the order of their definition; a class stands for its methods."""
    source = inspect.getsource(module)
    places = {}
    for name in set(module.__all__) - ONLY_PYTHON_NAMES:
        starts = [f"\ndef {name}(", f"\nclass {name}", f"\n{name} = ", f"\n{name}: "]
        places[name] = max(source.find(start) for start in starts)
        assert places[name] >= 0, f"{module.__name__}.__all__ names {name}, which is not defined there"
    return sorted(places, key=places.__getitem__)


def r_definitions(r, stem: str) -> dict[str, list[str] | None]:
    """Names that an R file assigns at top level, in order: the arguments of functions, None for constants."""
    code = f"""lapply(
      Filter(
        function(e) is.call(e) && identical(e[[1]], as.symbol("<-")) && is.symbol(e[[2]]),
        as.list(parse("{R / (stem + ".R")}", keep.source = FALSE))
      ),
      function(e) {{
        is_function <- is.call(e[[3]]) && identical(e[[3]][[1]], as.symbol("function"))
        list(as.character(e[[2]]), is_function, if (is_function) as.character(names(e[[3]][[2]])))
      }}
    )"""
    found = {}
    for name, is_function, arguments in r.eval(code):
        found[name.item()] = (arguments.tolist() if arguments is not None else []) if is_function.item() else None
    return found


def r_name(cls: str, method: str) -> str:
    return f"{METHODS.get(method, method)}.{cls.lower()}"


def test_every_file_has_its_twin():
    python, r = stems(PYTHON, ".py"), stems(R, ".R")
    assert python - r == set(ONLY_PYTHON), "files of Python without a twin in R"
    assert r - python == set(ONLY_R), "files of R without a twin in Python"


def test_no_name_is_defined_twice_in_r(r):
    """The files of an R package share one namespace: of two functions of one name the later file's would win."""
    names = [name for stem in sorted(stems(R, ".R")) for name in r_definitions(r, stem)]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def is_generator(name: str, module) -> bool:
    return inspect.isclass(getattr(module, name)) and not hasattr(getattr(module, name), "__dataclass_fields__")


@pytest.mark.parametrize("stem", TWINS)
def test_every_file_names_its_twin(stem):
    assert f"r/R/{stem}.R" in (PYTHON / f"{stem}.py").read_text(encoding="utf-8").split('"""')[1]
    header = (R / f"{stem}.R").read_text(encoding="utf-8").split("\n\n")[0]
    assert f"python/twinnet/{stem}.py" in header


@pytest.mark.parametrize("stem", TWINS)
def test_the_same_functions_stand_in_the_same_order(r, stem):
    module = importlib.import_module(f"twinnet.{stem}")
    expected = []
    for name in exports(module):
        value = getattr(module, name)
        if inspect.isclass(value) and not is_generator(name, module):
            public = [
                key for key in vars(value) if key in METHODS or (not key.startswith("_") and callable(vars(value)[key]))
            ]
            expected += [r_name(name, method) for method in public]
        else:
            expected.append(CONTEXTS.get(name, name))
    defined = list(r_definitions(r, stem))
    missing = [name for name in expected if name not in defined and name not in ONLY_PYTHON_METHODS]
    assert not missing, f"{stem}.R lacks {missing}"
    order = [name for name in defined if name in expected]
    assert order == [name for name in expected if name in defined], f"{stem}: the order differs"
    exported = set(r.eval("getNamespaceExports('twinnet')").tolist())
    extra = [name for name in defined if name in exported and name not in expected]
    assert not extra, f"{stem}.R exports {extra}, which {stem}.py does not"


def arguments_of(function, method: bool) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    return parameters[1:] if method else parameters


@pytest.mark.parametrize("stem", TWINS)
def test_functions_have_the_same_arguments_and_defaults(r, stem):
    module = importlib.import_module(f"twinnet.{stem}")
    for name in exports(module):
        value = getattr(module, name)
        if inspect.isclass(value):
            continue
        if name in CONTEXTS:
            compare_arguments(r, f"twinnet:::{CONTEXTS[name]}", name, arguments_of(value, method=False), surrounds=True)
        elif callable(value):
            compare_arguments(r, f"twinnet:::{name}", name, arguments_of(value, method=False))
        else:
            assert [*value] == r.eval(f"twinnet:::{name}").tolist() if isinstance(value, tuple) else True, name


def test_methods_have_the_same_arguments(r):
    module = importlib.import_module("twinnet.dnn")
    methods = {
        key: function for key, function in vars(module.DNN).items() if key in {"predict", "summary", "plot", "__str__"}
    }
    for key, function in methods.items():
        formals = r.eval(f"names(formals(twinnet:::{r_name('DNN', key)}))").tolist()
        ours = [parameter.name for parameter in arguments_of(function, method=True)]
        assert formals[1 : 1 + len(ours)] == ours, key
        assert formals[1 + len(ours) :] == ["..."], key


GENERATORS = [
    (stem, name)
    for stem in TWINS
    for name in exports(importlib.import_module(f"twinnet.{stem}"))
    if is_generator(name, importlib.import_module(f"twinnet.{stem}"))
]


@pytest.mark.parametrize(("stem", "name"), GENERATORS)
def test_generators_have_the_same_methods_and_arguments(r, stem, name):
    cls = getattr(importlib.import_module(f"twinnet.{stem}"), name)
    compare_arguments(r, f"twinnet:::{name}", name, arguments_of(cls, method=False))
    instance = r.call(name, 1, convert=False)
    theirs = set(
        r.eval("function(g) Filter(function(n) is.function(g[[n]]) && !startsWith(n, '.'), ls(g))", convert=False)(
            instance
        )
    )
    ours = {key for key in dir(cls) if not key.startswith("_") and callable(getattr(cls, key))}
    assert ours == theirs, f"{name}: only in Python {ours - theirs}, only in R {theirs - ours}"
    for method in sorted(ours):
        parameters = [
            p for p in inspect.signature(getattr(cls, method)).parameters.values() if p.name not in ("self", "cls")
        ]
        formals = r.eval("function(g, m) as.character(names(formals(g[[m]])))", convert=False)
        theirs_arguments = r.from_r(formals(instance, r.to_r(method))).tolist()
        named = ["..." if p.kind is p.VAR_POSITIONAL else p.name for p in parameters]
        assert theirs_arguments == named, f"{name}.{method}: {named} in Python, {theirs_arguments} in R"


def compare_arguments(
    r, r_function: str, name: str, parameters: list[inspect.Parameter], surrounds: bool = False
) -> None:
    formals = r.eval(f"as.character(names(formals({r_function})))").tolist()
    if surrounds:
        assert formals.pop(1) == "expr", f"{r_function}: its second argument is what it surrounds"
    assert formals == [parameter.name for parameter in parameters], f"{name}: the arguments differ"
    for parameter in parameters:
        deparsed = r.eval(f"paste(deparse(formals({r_function})[['{parameter.name}']]), collapse = '')").item()
        if (name, parameter.name) in INDEX_DEFAULTS:
            assert deparsed != "", f"{name}({parameter.name}): no default in R"
        elif parameter.default is inspect.Parameter.empty:
            assert deparsed == "", f"{name}({parameter.name}): a default in R only, {deparsed}"
        else:
            assert deparsed != "", f"{name}({parameter.name}): a default in Python only, {parameter.default!r}"
            theirs = r.eval(deparsed)
            theirs = None if theirs is None else theirs.tolist() if theirs.size != 1 else theirs.item()
            ours = (list(parameter.default) or None) if isinstance(parameter.default, tuple) else parameter.default
            same = ours == theirs or (ours is not None and theirs is not None and both_nan(ours, theirs))
            assert same, f"{name}({parameter.name}): {ours!r} in Python, {theirs!r} in R"


def both_nan(a, b) -> bool:
    return isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b)
