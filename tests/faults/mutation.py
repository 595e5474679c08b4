"""Faults applied to the running package: one function of one twin is defined anew from changed source, no file touched.

In Python the function keeps its identity and gets other code, so that whoever imported it runs the fault; in R the
definition is evaluated in the package's namespace. Both are undone at the end of the ``with`` block.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

from twinnet.parity.bridge import Bridge

ROOT = Path(__file__).resolve().parents[2]


class StaleFaultError(AssertionError):
    """A fault's text is not in the source, or not once: the source has moved on and the catalogue must follow."""


def source_of(language: str, stem: str) -> str:
    """The source of one twin."""
    path = ROOT / "python" / "twinnet" / f"{stem}.py" if language == "Python" else ROOT / "r" / "R" / f"{stem}.R"
    return path.read_text(encoding="utf-8")


def replaced(language: str, stem: str, old: str, new: str) -> str:
    """The source of one twin with a text in it replaced, which must be there once."""
    source = source_of(language, stem)
    times = source.count(old)
    if times != 1:
        raise StaleFaultError(f"{stem} in {language} has this text {times} times, and must have it once: {old}")
    return source.replace(old, new)


@contextmanager
def mutated(r: Bridge, language: str, stem: str, old: str, new: str) -> Iterator[None]:
    """The package with a fault, for the time of a ``with`` block."""
    source = replaced(language, stem, old, new)
    with mutated_python(stem, source) if language == "Python" else mutated_r(r, stem, source):
        yield


@contextmanager
def mutated_python(stem: str, source: str) -> Iterator[None]:
    """A Python module whose changed functions run the code of another source."""
    module = importlib.import_module(f"twinnet.{stem}")
    codes = functions_in(compile(source, inspect.getsourcefile(module) or stem, "exec", dont_inherit=True))
    changed = []
    for name, code in codes.items():
        function = function_at(module, name)
        if function is not None and not same_code(function.__code__, code):
            changed.append((function, function.__code__, dict(function.__dict__)))
            function.__code__ = code
    try:
        if not changed:
            raise StaleFaultError(f"the fault changes no function of twinnet.{stem}")
        yield
    finally:
        for function, code, attributes in changed:
            function.__code__ = code
            function.__dict__.clear()
            function.__dict__.update(attributes)


def functions_in(code: CodeType) -> dict[str, CodeType]:
    """The code of each function and method that a module's code defines, by its qualified name."""
    found = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            is_class = "__qualname__" in constant.co_names
            found |= functions_in(constant) if is_class else {constant.co_qualname: constant}
    return found


def function_at(module: Any, name: str) -> Any:
    """The function of that qualified name, without its decorators."""
    value = module
    for part in name.split("."):
        value = inspect.getattr_static(value, part, None)
    return inspect.unwrap(value) if inspect.isfunction(value) else None


def same_code(a: CodeType, b: CodeType) -> bool:
    """Whether two functions do the same; where they stand in their files does not count."""
    if len(a.co_consts) != len(b.co_consts):
        return False
    for x, y in zip(a.co_consts, b.co_consts, strict=True):
        if isinstance(x, CodeType) and isinstance(y, CodeType):
            if not same_code(x, y):
                return False
        elif repr(x) != repr(y):
            return False
    return (a.co_code, a.co_names, a.co_varnames) == (b.co_code, b.co_names, b.co_varnames)


@contextmanager
def mutated_r(r: Bridge, stem: str, source: str) -> Iterator[None]:
    """An R package whose changed definitions are those of another source."""
    names = r.eval(
        f"""local({{
          namespace <- asNamespace("twinnet")
          read <- function(text) {{
            calls <- Filter(function(e) is.call(e) && identical(e[[1]], as.symbol("<-")) && is.symbol(e[[2]]),
                            as.list(parse(text = text, keep.source = FALSE)))
            stats::setNames(calls, vapply(calls, function(e) as.character(e[[2]]), ""))
          }}
          before <- read({quoted(source_of("R", stem))})
          after <- read({quoted(source)})
          changed <- names(after)[!mapply(identical, after, before[names(after)])]
          assign(".twinnet_faults", mget(changed, envir = namespace), envir = globalenv())
          for (name in changed) {{
            utils::assignInNamespace(name, eval(after[[name]][[3]], namespace), ns = "twinnet")
          }}
          changed
        }})"""
    )
    try:
        if len(names) == 0:
            raise StaleFaultError(f"the fault changes no function of {stem}.R")
        yield
    finally:
        r.eval(
            """for (name in names(.twinnet_faults)) {
              utils::assignInNamespace(name, .twinnet_faults[[name]], ns = "twinnet")
            }"""
        )


def quoted(text: str) -> str:
    """A text as R's raw string, which needs no escapes."""
    return f'r"------({text})------"'
