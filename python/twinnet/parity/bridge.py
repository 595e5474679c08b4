"""The bridge to R, and the only file that touches rpy2.

It hands values from Python to R and back so that the same index means the same element, refuses whatever
would lose information on the way, and raises R's errors as Python exceptions with R's own message and call.
The R half is r/R/bridge.R.

R lives in this process, there is one of it, and it must be called from the thread that started it.

=====================  ==========================  ================================================
Python                 R                           back in Python
=====================  ==========================  ================================================
None                   NULL                        None
bool, int, float, str  a vector of length 1        a 1-d array of length 1
float64 array          double, the same dim        float64 array
float32 array          class float32, the same dim float32 array
integer array          integer, the same dim       int32 array (refused beyond R's +-(2^31 - 1))
bool array             logical                     bool array
str array              character                   str array
complex128 array       complex                     complex128 array
bytes                  raw                         uint8 array
list, tuple            a list without names        list
dict                   a list with names           dict
--                     factor                      str array of its labels
--                     data frame                  dict of its columns
--                     anything else               the R object itself, which can be handed back
=====================  ==========================  ================================================
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from twinnet.parity.memory import widen_r_heap

__all__ = ["Bridge", "BridgeError", "RError", "RWarning", "start_r"]

R_INTEGER_MAX = 2**31 - 1
R_INTEGER_NA = -(2**31)
CHECKOUT = Path(__file__).resolve().parents[3]
SHARED_DATA = Path(__file__).resolve().parents[1] / "shared_data"
NO_R = """R was not found (no `R` on the PATH and no R_HOME). Install it, then run `make setup`:
  Debian, Ubuntu  sudo apt-get install r-base-core r-base-dev r-cran-jsonlite r-cran-testthat libopenblas0-pthread
  Fedora          sudo dnf install R-core-devel R-jsonlite R-testthat
  macOS           brew install r && Rscript -e 'install.packages(c("jsonlite", "testthat"))'"""


class BridgeError(TypeError):
    """A value cannot cross between the languages unchanged, or R cannot be reached."""


class RError(RuntimeError):
    """An error that R raised.

    Attributes
    ----------
    message : str
        R's own message.
    call_text : str
        The R call that raised it, as R shows it; empty if R names none.
    """

    def __init__(self, message: str, call_text: str) -> None:
        super().__init__(f"{message} (in R: {call_text})" if call_text else message)
        self.message = message
        self.call_text = call_text


class RWarning(UserWarning):
    """A warning that R raised."""


@cache
def start_r() -> Bridge:
    """Start R in this process, or return the bridge to the R that runs already.

    Returns
    -------
    Bridge

    Raises
    ------
    BridgeError
        If R, or the R package twinnet, is not installed; the message says how to get it.
    """
    return Bridge()


class Bridge:
    """R, with its package twinnet loaded. Made by `start_r`."""

    def __init__(self) -> None:
        if not (os.environ.get("R_HOME") or shutil.which("R")):
            raise BridgeError(NO_R)
        from rpy2 import rinterface  # starting R is slow: only who needs R pays for it

        widen_r_heap()
        rinterface.initr()
        self._r: Any = rinterface
        self._thread = threading.get_ident()
        self._namespace = self._load_package()

    def call(self, name: str, *args: Any, convert: bool = True, **kwargs: Any) -> Any:
        """Call a function of R by its name.

        Parameters
        ----------
        name : str
            A function that was defined in R's global environment, one of the R package twinnet (exported or not) or
            of base R, in this order, or ``"package::function"``.
        *args, **kwargs : object
            Its arguments, converted as the module's table says; R objects pass through.
        convert : bool
            Whether to convert the result. If not, the R object itself is returned.

        Returns
        -------
        object

        Raises
        ------
        RError
            If R raises an error.
        BridgeError
            If an argument or the result cannot cross unchanged.
        """
        return self._guarded("bridge_call", name, args, kwargs, convert)

    def method(self, obj: Any, name: str, *args: Any, convert: bool = True, **kwargs: Any) -> Any:
        """Call ``obj$name(...)``, where `obj` is an R object that `call` returned with ``convert=False``."""
        return self._guarded("bridge_method", name, (obj, *args), kwargs, convert)

    def eval(self, code: str, convert: bool = True) -> Any:
        """Evaluate R code in R's global environment and return the value of its last expression."""
        return self._guarded("bridge_eval", code, (), {}, convert)

    def _guarded(self, guard: str, name: str, args: tuple[Any, ...], kwargs: Any, convert: bool) -> Any:
        """Run one of the functions of r/R/bridge.R, which never raises; raise here what it reports."""
        if threading.get_ident() != self._thread:
            raise BridgeError("R must be called from the thread that started it.")
        keys = [*[""] * len(args), *kwargs]
        values = [self.to_r(value, key) for key, value in zip(keys, [*args, *kwargs.values()], strict=True)]
        arguments = self._list(values, keys if kwargs else None)
        with self._heard_in_r():
            outcome = self._namespace[guard](self._r.StrSexpVector([name]), arguments)
        report = {key: outcome[position] for position, key in enumerate(outcome.names)}
        for message in report["warnings"]:
            warnings.warn(message, RWarning, stacklevel=3)
        if len(report["error"]) > 0:
            raise RError(report["error"][0], report["call"][0])
        return self.from_r(report["value"][0]) if convert else report["value"][0]

    @contextmanager
    def _heard_in_r(self) -> Iterator[None]:
        """Within this, Ctrl-C stops R and then raises KeyboardInterrupt; what is raised while R runs, rpy2 may drop."""
        default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if not (default and threading.current_thread() is threading.main_thread()):
            yield
            return
        heard: list[int] = []

        def ask_r_to_stop(number: int, _: Any) -> None:
            heard.append(number)
            self._r.openrlib.rlib.R_interrupts_pending = 1

        signal.signal(signal.SIGINT, ask_r_to_stop)
        try:
            yield
        except self._r.embedded.RRuntimeError:
            if not heard:
                raise
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._r.openrlib.rlib.R_interrupts_pending = 0
        if heard:
            raise KeyboardInterrupt

    def to_r(self, value: Any, name: str = "value") -> Any:
        """Convert a Python value to R as the module's table says.

        Parameters
        ----------
        value : object
            The value.
        name : str
            What a message calls it.

        Raises
        ------
        BridgeError
            If R has no type that holds the value unchanged.
        """
        match value:
            case self._r.sexp.Sexp():
                return value
            case None:
                return self._r.NULL
            case bytes():
                return self._r.ByteSexpVector(value)
            case dict():
                if not all(isinstance(key, str) for key in value):
                    raise BridgeError(f"`{name}`: the keys of a dict must be strings to become names in R.")
                return self._list([self.to_r(item, key) for key, item in value.items()], list(value))
            case list() | tuple():
                return self._list([self.to_r(item, name) for item in value], None)
            case bool() | int() | float() | complex() | str() | np.generic():
                return self.to_r(np.asarray([value]), name)
            case np.ndarray():
                vector = self._vector(value.ravel(order="F"), name)
                if value.ndim > 1:
                    vector.do_slot_assign("dim", self._r.IntSexpVector(value.shape))
                if value.dtype == np.float32:
                    vector.rclass = self._r.StrSexpVector(["float32"])  # which a slot of that name would not be to R
                return vector
        raise BridgeError(f"`{name}`: R has no type for an object of type {type(value).__name__}.")

    def from_r(self, value: Any) -> Any:
        """Convert an R value to Python as the module's table says.

        Raises
        ------
        BridgeError
            If it holds an NA that NumPy has no value for, or names that an array would lose.
        """
        r = self._r
        classes = set(value.rclass) if isinstance(value, r.sexp.SexpVector) else set()
        attributes = set(value.list_attrs()) if isinstance(value, r.sexp.SexpVector) else set()
        match value:
            case r.sexp.NULLType():
                return None
            case r.ListSexpVector() if "data.frame" in classes:
                return {key: self.from_r(item) for key, item in zip(value.names, value, strict=True)}
            case r.ListSexpVector() if "class" in attributes:
                return value
            case r.ListSexpVector() if "names" in attributes:
                keys = list(value.names)
                if len(set(keys)) < len(keys) or "" in keys:
                    raise BridgeError(f"The names of an R list must be unique and complete, not {keys}.")
                return {key: self.from_r(item) for key, item in zip(keys, value, strict=True)}
            case r.ListSexpVector():
                return [self.from_r(item) for item in value]
            case r.IntSexpVector() if "factor" in classes:
                return np.asarray(list(value.do_slot("levels")))[self._array(value) - 1]
            case (
                r.FloatSexpVector()
                | r.IntSexpVector()
                | r.BoolSexpVector()
                | r.StrSexpVector()
                | r.ComplexSexpVector()
                | r.ByteSexpVector()
            ):
                is_float32 = "float32" in classes
                kept = attributes - ({"dim", "class"} if is_float32 else {"dim"})
                if kept:
                    raise BridgeError(
                        f"An R vector with attributes ({', '.join(sorted(kept))}) would lose them as an array: "
                        "unname() it in R first, or take it with convert=False."
                    )
                return self._array(value).astype(np.float32) if is_float32 else self._array(value)
        return value

    def _vector(self, flat: np.ndarray[Any, Any], name: str) -> Any:
        """A 1-d array as an R vector."""
        match flat.dtype.kind:
            case "f" if flat.dtype.itemsize <= 8:
                # from_memoryview copies the 8-byte words, so that every NaN keeps its payload
                values = np.ascontiguousarray(flat, np.float64)
                return self._r.FloatSexpVector.from_memoryview(values.data)
            case "b":
                return self._r.BoolSexpVector(flat.tolist())
            case "i" | "u":
                if flat.size > 0 and (flat.max() > R_INTEGER_MAX or flat.min() < -R_INTEGER_MAX):
                    raise BridgeError(
                        f"`{name}`: R's integers end at +-(2^31 - 1), and the values run from {flat.min()} to "
                        f"{flat.max()}: convert to float64 if they are below 2^53."
                    )
                return self._r.IntSexpVector.from_memoryview(flat.astype(np.int32).data)
            case "c" if flat.dtype.itemsize <= 16:
                return self._r.ComplexSexpVector(flat.tolist())
            case "U":
                if any("\0" in text for text in flat.tolist()):
                    raise BridgeError(f"`{name}`: R's strings cannot hold a zero character.")
                return self._r.StrSexpVector(flat.tolist())
        raise BridgeError(f"`{name}`: R has no type that holds NumPy's {flat.dtype} unchanged.")

    def _array(self, vector: Any) -> np.ndarray[Any, Any]:
        """An R vector as an array of the same dim."""
        r = self._r
        match vector:
            case r.StrSexpVector():
                items = list(vector)
                if any(item is r.NA_Character for item in items):
                    raise BridgeError("An R string is NA, and NumPy's strings have no such value.")
                flat: np.ndarray[Any, Any] = np.asarray(items, dtype=str)
            case r.ComplexSexpVector():
                flat = np.asarray(list(vector), dtype=np.complex128)
            case r.ByteSexpVector():
                # rpy2 shares no memory of raw vectors, and reading them byte by byte takes a minute for a data set
                flat = np.array(r.baseenv["as.integer"](vector)).astype(np.uint8)
            case _ if len(vector) == 0:
                kinds = {r.FloatSexpVector: np.float64, r.BoolSexpVector: np.bool_}
                flat = np.empty(0, kinds.get(type(vector), np.int32))
            case _:
                # not vector.memoryview(): each call of it takes a reference to None that it does not own, and after
                # some 16000 the interpreter dies (rpy2-rinterface 3.6.5, _bufferprotocol.c)
                flat = np.array(vector).ravel(order="F")
        if isinstance(vector, r.IntSexpVector | r.BoolSexpVector) and (flat == R_INTEGER_NA).any():
            raise BridgeError("An R integer or logical is NA, and NumPy's have no such value.")
        if isinstance(vector, r.BoolSexpVector):
            flat = flat.astype(np.bool_)
        if "dim" in vector.list_attrs():
            return flat.reshape(tuple(vector.do_slot("dim")), order="F")
        return flat

    def _list(self, values: list[Any], names: list[str] | None) -> Any:
        """R objects as an R list."""
        out = self._r.ListSexpVector(values)
        if names is not None:
            out.do_slot_assign("names", self._r.StrSexpVector(names))
        return out

    def _load_package(self) -> Any:
        """The namespace of the R package twinnet, from the library that `make setup` fills or R's own."""
        base = self._r.baseenv
        if not os.environ.get("TWINNET_SHARED_DATA"):  # both read the same files, also those too large for the package
            base["Sys.setenv"](TWINNET_SHARED_DATA=self._r.StrSexpVector([str(SHARED_DATA)]))
        library = r_library()
        if Path(library).is_dir():
            paths = [library, *base[".libPaths"]()]
            base[".libPaths"](self._r.StrSexpVector(paths))
        try:
            namespace = base["loadNamespace"](self._r.StrSexpVector(["twinnet"]))
        except self._r.embedded.RRuntimeError as error:
            message = "The R package twinnet cannot be loaded: run `make setup`, or `R CMD INSTALL r`."
            raise BridgeError(f"{message}\n{str(error).strip()}") from error
        if "TWINNET_R_LIBRARY" not in os.environ:
            refuse_stale_package(Path(library) / "twinnet", CHECKOUT / "r")
        if "package:twinnet" not in list(base["search"]()):
            base["attachNamespace"](namespace)
        return namespace


def r_library() -> str:
    """The library that holds the R package twinnet: TWINNET_R_LIBRARY, or where `make setup` installs it."""
    return os.environ.get("TWINNET_R_LIBRARY") or str(CHECKOUT / ".build" / "r-library")


def refuse_stale_package(installed: Path, sources: Path) -> None:
    """Raise if a file of the R package is newer than its installed copy: the answers would be yesterday's."""
    stamp = installed / "DESCRIPTION"
    if not (stamp.exists() and sources.is_dir()):
        return
    files = [sources / "DESCRIPTION", sources / "NAMESPACE", *(sources / "R").glob("*.R")]
    newer = [file.name for file in files if file.stat().st_mtime > stamp.stat().st_mtime]
    if newer:
        raise BridgeError(f"The installed R package is older than {', '.join(sorted(newer))}: run `make setup`.")
