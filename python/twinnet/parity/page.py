"""One self-contained HTML page of a comparison: verdict, first divergence, drift, both sources, all tensors.

It loads nothing: its style, its few lines of script and its pictures are in it. Whatever comes from a trace or a source
is escaped, by `twinnet.parity.html`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer, SLexer

from twinnet._types import AnyArray
from twinnet.parity.advice import next_steps
from twinnet.parity.causes import Cause
from twinnet.parity.diff_report import facts, place_text, status_text
from twinnet.parity.heatmap import DIVERGING, SEQUENTIAL, png_uri, view_of
from twinnet.parity.html import Html, tag
from twinnet.parity.sources import Code, Row, Sources, align_twins
from twinnet.parity.trace import Trace
from twinnet.parity.trace_diff import TensorDiff, TraceDiff

__all__ = ["write_page"]

# What a status is called, the mark before it, and how bad it is.
STATUSES = {
    "identical": ("identical", "=", 0),
    "within": ("within", "≈", 1),
    "only_a": ("only in {}", "◐", 2),
    "only_b": ("only in {}", "◑", 2),
    "dtype": ("other type", "≠", 2),
    "shape": ("other shape", "≠", 3),
    "different": ("different", "≠", 3),
}
HEADLINES = {"identical": "Identical", "within": "The same, up to rounding", "different": "Different"}
TENSORS_SHOWN = 1500
ELEMENTS_SHOWN = 12
POINTS = 300
CAUSES_SHOWN = 3
PIECE = 1 << 20
OPEN_ROWS = 12
MANY_ULP = 10**7


def write_page(path: Path, diff: TraceDiff, causes: Sequence[Cause], sources: Sources | None) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        The file; its folder must exist.
    diff : TraceDiff
        The two traces, compared.
    causes : sequence of Cause
        The best first.
    sources : Sources or None
        The code that calculates the tensors; for a model's run our twins' functions, unless given.
    """
    experiment = diff.a.manifest.get("experiment")
    if sources is None and experiment is not None:
        keys = [tensor.key for tensor in diff.tensors if diff.a.has(tensor.key)]
        sources = align_twins(experiment, [(diff.a.by_key[key].phase, diff.a.by_key[key].name) for key in keys])
    labels = (diff.a.label, diff.b.label)
    sections = [
        ("divergence", "The first divergence", divergence(diff)),
        ("drift", "How the difference grows", drift(diff)),
        ("sources", "Side by side", side_by_side(sources, diff)),
        ("tensors", "All tensors", table_of_tensors(sources, diff)),
        ("runs", "The two runs", table_of_runs(diff.a, diff.b)),
    ]
    shown = [(key, title, content) for key, title, content in sections if content]
    page = tag(
        "html",
        tag(
            "head",
            tag("meta", charset="utf-8"),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", f"{labels[0]} and {labels[1]}: {HEADLINES[diff.verdict]}"),
            tag("style", Html(asset("page.css"))),
        ),
        tag(
            "body",
            tag("a", "Skip to the tensors", class_="skip", href="#tensors"),
            tag(
                "header",
                tag("p", "twinnet", class_="brand"),
                tag("h1", labels[0], tag("span", " and ", class_="and"), labels[1]),
                verdict(diff, causes),
                tag("nav", [tag("a", title, href=f"#{key}") for key, title, _ in shown], aria_label="On this page"),
            ),
            tag("main", [tag("section", tag("h2", title), content, id=key) for key, title, content in shown]),
            tag("script", Html(asset("page.js"))),
        ),
        lang="en",
    )
    path.write_text(f"<!doctype html>\n{page}\n", encoding="utf-8")


def asset(name: str) -> str:
    """A file that belongs to the page."""
    return files("twinnet.parity").joinpath(name).read_text(encoding="utf-8")


# ---- the verdict ---------------------------------------------------------------------------------------------------


def verdict(diff: TraceDiff, causes: Sequence[Cause]) -> Html:
    """The verdict, the likeliest causes and what to look at next."""
    found = [
        tag("li", tag("strong", cause.name.replace("_", " ")), ": ", cause.explanation, reference(cause))
        for cause in causes[:CAUSES_SHOWN]
    ]
    mark = "≠" if diff.verdict == "different" else "="
    return tag(
        "div",
        tag("p", tag("span", mark, class_="mark", aria_hidden="true"), HEADLINES[diff.verdict], class_="word"),
        tag("p", in_a_sentence(diff)),
        [tag("h2", "What it probably is"), tag("ol", found)] if found else None,
        tag("h2", "What to look at next"),
        tag("ul", [tag("li", step) for step in next_steps(diff, causes)]),
        [tag("p", note, class_="note") for note in diff.notes],
        class_=f"verdict {diff.verdict}",
    )


def in_a_sentence(diff: TraceDiff) -> str:
    """What was compared, how it came out, and by which rule."""
    counts = diff.counts()
    words = [f"{count:,} {status_text(status, diff)}" for status in STATUSES if (count := counts.get(status, 0))]
    return f"{len(diff.tensors):,} tensors: {', '.join(words)}. Allowed: {diff.rule}."


def status_word(status: str, diff: TraceDiff) -> str:
    """What a status is called."""
    return STATUSES[status][0].format(diff.a.label if status == "only_a" else diff.b.label)


def reference(cause: Cause) -> Html | None:
    """Where people met a cause."""
    return tag("span", f" Met before: {cause.reference}.", class_="note") if cause.reference else None


# ---- the first divergence ------------------------------------------------------------------------------------------


def divergence(diff: TraceDiff) -> Html | None:
    """What each side has where the two part first, as numbers and as pictures."""
    a, b, first = diff.a, diff.b, diff.first
    if first is None:
        return None
    listed = [("where", place_text(first)), *facts(diff, first)]
    if first.worst_index is not None and first.size > 1:
        listed.append(("largest", f"{first.max_abs:.3g} at {python_index(first.worst_index)}"))
    name_b = diff.renamed.get(first.key, first.key)
    pictures = heat_maps(a.load(first.key), b.load(name_b), first, diff) if a.has(first.key) and b.has(name_b) else None
    return tag(
        "div", tag("dl", [[tag("dt", term), tag("dd", text)] for term, text in listed], class_="facts"), pictures
    )


def python_index(index: Sequence[int]) -> str:
    """An element's place, counted from 0."""
    return f"[{', '.join(str(place) for place in index)}]"


def r_index(index: Sequence[int]) -> str:
    """An element's place, counted from 1."""
    return python_index([place + 1 for place in index])


def heat_maps(a: AnyArray, b: AnyArray, first: TensorDiff, diff: TraceDiff) -> Html | None:
    """Both tensors and their difference as pictures, and the first elements that differ as numbers."""
    if min(a.size, b.size) == 0 or max(a.size, b.size) == 1:
        return None
    if a.shape != b.shape:
        views = [view_of(x, x, (0,) * x.ndim) for x in (a, b)]
        drawn = [
            figure(label, view.a, *limits(views[0].a, views[1].a), SEQUENTIAL, None)
            for label, view in zip((diff.a.label, diff.b.label), views, strict=True)
        ]
        caption = f"Shown: {views[0].caption} of shape {a.shape}, and {views[1].caption} of shape {b.shape}."
        return tag("div", tag("div", drawn, class_="maps"), tag("p", caption, class_="note"))
    view = view_of(a, b, first.first_index or (0,) * a.ndim)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = view.a - view.b
    largest = float(np.max(np.abs(apart), initial=0.0, where=np.isfinite(apart)))
    low, high = limits(view.a, view.b)
    drawn = [
        figure(diff.a.label, view.a, low, high, SEQUENTIAL, view.mark),
        figure(diff.b.label, view.b, low, high, SEQUENTIAL, view.mark),
        figure("difference", apart, -largest, largest, DIVERGING, view.mark),
    ]
    caption = f"Shown: {view.caption} of shape {a.shape}. The frame marks the first difference; grey is NaN."
    return tag("div", tag("div", drawn, class_="maps"), tag("p", caption, class_="note"), elements(a, b, first, diff))


def limits(*matrices: AnyArray) -> tuple[float, float]:
    """The smallest and the largest finite number of some matrices."""
    finite = np.concatenate([matrix[np.isfinite(matrix)].ravel() for matrix in matrices])
    return (float(finite.min()), float(finite.max())) if finite.size > 0 else (0.0, 0.0)


def figure(
    title: str, values: AnyArray, low: float, high: float, palette: AnyArray, mark: tuple[int, int] | None
) -> Html:
    """A heat map with its scale."""
    rows, columns = values.shape
    frame = None
    if mark is not None:
        frame = tag("rect", x=mark[1], y=mark[0], width=1, height=1, class_="frame")
    picture = tag(
        "svg",
        tag(
            "image",
            href=png_uri(values, low, high, palette),
            width=columns,
            height=rows,
            preserveAspectRatio="none",
            style="image-rendering: pixelated",
        ),
        frame,
        viewBox=f"0 0 {columns} {rows}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{title}: a heat map of {rows} x {columns} numbers from {low:.3g} to {high:.3g}",
        style=f"aspect-ratio: {min(max(columns / rows, 0.6), 8):.3g}",
    )
    colours = ", ".join(f"rgb({red},{green},{blue})" for red, green, blue in palette.tolist())
    scale = tag(
        "div",
        tag("span", f"{low:.3g}"),
        tag("span", class_="bar", style=f"background: linear-gradient(to right, {colours})"),
        tag("span", f"{high:.3g}"),
        class_="scale",
    )
    return tag("figure", tag("figcaption", title), picture, scale)


def elements(a: AnyArray, b: AnyArray, first: TensorDiff, diff: TraceDiff) -> Html:
    """Some elements that differ, from the first on, as a table."""
    rows = []
    for index in differing_elements(a, b, first):
        one, other = a[index].item(), b[index].item()
        cells = [python_index(index), r_index(index), repr(one), repr(other), f"{float(one) - float(other):.3g}"]
        rows.append([tag("code", cell) for cell in cells])
    headings = ["counted from 0", "counted from 1", diff.a.label, diff.b.label, "difference"]
    shown = f"Elements that differ: {len(rows)} of {first.differing:,}"
    return scrolling(shown, table(headings, rows, caption=shown))


def differing_elements(a: AnyArray, b: AnyArray, first: TensorDiff) -> list[tuple[int, ...]]:
    """The first difference's place, and some more that are beyond what is allowed, in order."""
    start = int(np.ravel_multi_index(first.first_index, a.shape)) if first.first_index else 0
    found = [start]
    for low in range(0, a.size, PIECE):  # a tensor may be larger than memory
        places = np.arange(low, min(low + PIECE, a.size))
        x, y = a.flat[places], b.flat[places]
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.abs(x.astype(np.float64) - y.astype(np.float64))
        far = (apart > first.limit) | (np.isnan(apart) & (np.isnan(x) != np.isnan(y)))
        found += [int(place) for place in places[far] if place > start][: ELEMENTS_SHOWN - len(found)]
        if len(found) >= ELEMENTS_SHOWN:
            break
    return [tuple(int(part) for part in np.unravel_index(place, a.shape)) for place in found]


# ---- drift ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """How far apart a tensor is, relative to its largest element: its place in the order of execution, and the size."""

    place: int
    size: float
    tensor: TensorDiff


@dataclass(frozen=True)
class Axes:
    """Where on the drift plot a point stands: places from left to right, powers of ten from `low` to `high` upwards."""

    places: int
    low: int
    high: int
    width = 1000
    height = 300
    left = 84
    bottom = 40

    def x(self, place: int) -> float:
        """From the left."""
        return round(self.left + (self.width - self.left - 12) * place / max(self.places - 1, 1), 1)

    def y(self, size: float) -> float:
        """From the top; 0 has a line of its own below all powers of ten."""
        if size <= 0:
            return self.height - self.bottom + 12.0
        exponent = min(max(math.log10(size), self.low), self.high) if size < math.inf else self.high
        return round(12 + (self.height - self.bottom - 20) * (self.high - exponent) / (self.high - self.low), 1)

    def grid(self) -> list[Html]:
        """The powers of ten."""
        drawn = []
        for exponent in range(self.low, self.high + 1, max(1, (self.high - self.low) // 6)):
            y = self.y(10.0**exponent)
            drawn.append(tag("line", x1=self.left, x2=self.width - 12, y1=y, y2=y, class_="grid"))
            drawn.append(tag("text", f"1e{exponent}", x=self.left - 10, y=y + 4, text_anchor="end"))
        return [*drawn, tag("text", "0", x=self.left - 10, y=self.y(0) + 4, text_anchor="end")]


def drift(diff: TraceDiff) -> Html | None:
    """The largest difference of each tensor, in the order of execution, on a logarithmic scale."""
    points = [
        Point(place, tensor.max_abs / tensor.scale if tensor.scale > 0 else tensor.max_abs, tensor)
        for place, tensor in enumerate(diff.tensors)
        if tensor.shape_a == tensor.shape_b  # both have it, in one shape
    ]
    floors = [
        replace(point, size=point.size / point.tensor.floor_ratio)
        for point in points
        if point.tensor.floor_ratio and 0 < point.tensor.floor_ratio < math.inf and point.size < math.inf
    ]
    logs = [math.log10(point.size) for point in (*points, *floors) if 0 < point.size < math.inf]
    if len(points) < 2 or not logs:
        return None
    low, high = math.floor(min(logs)), math.ceil(max(logs))
    axes = Axes(len(diff.tensors), low, max(high, low + 2))
    line = " ".join(f"{axes.x(point.place)},{axes.y(point.size)}" for point in thinned(floors))
    dots = [
        tag(
            "circle",
            tag("title", f"{point.tensor.key}: {point.size:.3g} of its largest element"),
            cx=axes.x(point.place),
            cy=axes.y(point.size),
            r=3,
            class_=point.tensor.status,
        )
        for point in thinned(points)
    ]
    mark = None
    if diff.first is not None:
        x = axes.x(diff.tensors.index(diff.first))
        mark = tag("line", x1=x, x2=x, y1=8, y2=axes.height - axes.bottom + 16, class_="first")
    below = tag("text", "tensors in the order of execution", x=500, y=axes.height - 4, text_anchor="middle")
    picture = tag(
        "svg",
        axes.grid(),
        tag("polyline", points=line, class_="floor") if floors else None,
        mark,
        dots,
        below,
        viewBox=f"0 0 {axes.width} {axes.height}",
        role="img",
        aria_label="The largest difference of each tensor, in the order of execution; the table has the numbers",
        class_="drift",
    )
    legend = [
        tag("span", "different", class_="key different") if diff.verdict == "different" else None,
        tag("span", "identical, or within what is allowed", class_="key within"),
        tag("span", "what rounding explains", class_="key floor") if floors else None,
        tag("span", "first divergence", class_="key first") if mark else None,
    ]
    note = tag("p", "The largest difference in each tensor, relative to its largest element.", class_="note")
    return tag("div", note, scrolling("How the difference grows", picture), tag("p", legend, class_="legend"))


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most some hundreds of points: of neighbours the one with the largest difference."""
    if len(points) <= POINTS:
        return list(points)
    edges = np.linspace(0, len(points), POINTS + 1).astype(int)
    return [max(points[low:high], key=lambda point: point.size) for low, high in pairwise(edges.tolist())]


# ---- sources -------------------------------------------------------------------------------------------------------


def side_by_side(sources: Sources | None, diff: TraceDiff) -> Html | None:
    """Both sources, row by row, each with the worst of what it calculates."""
    if sources is None or not sources.rows:
        return None
    calculated: dict[int, list[TensorDiff]] = {}
    for tensor in diff.tensors:
        found = row_number(sources, tensor)
        if found is not None:
            calculated.setdefault(found, []).append(tensor)
    parts = []
    for number, row in enumerate(sources.rows):
        tensors = calculated.get(number, [])
        worst = max(tensors, key=lambda tensor: (STATUSES[tensor.status][2], tensor.max_ulp), default=None)
        ulp = max((tensor.max_ulp for tensor in tensors), default=0)
        is_first = diff.first is not None and any(tensor.key == diff.first.key for tensor in tensors)
        summary = tag(
            "summary",
            tag("code", row.title),
            chip(worst.status, diff) if worst else tag("span", "not recorded", class_="chip"),
            tag("span", f"largest {ulp_text(ulp)}", class_="note") if ulp > 0 else None,
            tag("span", "the two part here first", class_="chip here") if is_first else None,
        )
        open_ = len(sources.rows) <= OPEN_ROWS or (worst is not None and worst.status not in ("identical", "within"))
        parts.append(tag("details", summary, pieces(row, sources.languages), id=f"row{number}", open=open_))
    return tag("div", parts, class_="rows")


def row_number(sources: Sources, tensor: TensorDiff) -> int | None:
    """The row of the sources that calculates a tensor."""
    parts = tensor.key.split("/")
    row = sources.row_of(parts[1] if len(parts) > 2 else "", parts[-1])
    return None if row is None else sources.rows.index(row)


def pieces(row: Row, languages: tuple[str, str]) -> Html:
    """The two pieces of code of a row."""
    both = [
        code_block(code, file, language) for code, file, language in zip(row.code, row.files, languages, strict=True)
    ]
    return tag("div", both, class_="pair")


def code_block(code: Code | None, file: str, language: str) -> Html:
    """A piece of code with its file and line numbers."""
    if code is None:
        return tag("div", tag("p", file, class_="file"), tag("p", "nothing here", class_="note"), class_="code")
    lexer = PythonLexer(stripnl=False) if language == "Python" else SLexer(stripnl=False)
    lines = highlight(code.text, lexer, HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    numbers = "\n".join(str(code.first_line + number) for number in range(len(lines)))
    body = tag(
        "div",
        tag("pre", numbers, class_="numbers", aria_hidden="true"),
        tag("pre", tag("code", Html("\n".join(lines)))),
        class_="lines",
        tabindex=0,
        role="region",
        aria_label=f"{file}, from line {code.first_line}",
    )
    return tag("div", tag("p", f"{file}, line {code.first_line}", class_="file"), body, class_="code")


# ---- tables --------------------------------------------------------------------------------------------------------


def table_of_tensors(sources: Sources | None, diff: TraceDiff) -> Html:
    """Every tensor with its status, or as many as a page can hold, the identical ones left out first."""
    shown = list(diff.tensors)
    if len(shown) > TENSORS_SHOWN:
        apart = [tensor for tensor in shown if tensor.status != "identical"][:TENSORS_SHOWN]
        shown = apart or shown[:TENSORS_SHOWN]
    has_floor = any(tensor.floor_ratio is not None for tensor in shown)
    rows = []
    for tensor in shown:
        number = row_number(sources, tensor) if sources is not None else None
        key = tag("code", tensor.key)
        rows.append(
            [
                tag("a", key, href=f"#row{number}") if number is not None else key,
                chip(tensor.status, diff),
                shape_text(tensor),
                f"{tensor.differing:,} of {tensor.size:,}" if tensor.size else "",
                number_text(tensor.max_abs or None),
                number_text(tensor.max_rel or None),
                ulp_text(tensor.max_ulp).removesuffix(" ULP") if tensor.max_ulp else "",
                *([number_text(tensor.floor_ratio)] if has_floor else []),
            ]
        )
    left_out = len(diff.tensors) - len(shown)
    counted = f"{len(diff.tensors):,} tensors" + (f"; {left_out:,} are not shown" if left_out else "")
    headings = ["tensor", "status", "shape", "differ", "absolute", "relative", "ULP"]
    headings += ["times the noise"] if has_floor else []
    body = table(headings, rows, classes=[tensor.status for tensor in shown], caption=counted)
    choices = tag(
        "p",
        tag("label", tag("input", type="checkbox", id="only-apart"), " only what is not identical"),
        tag("label", "name contains ", tag("input", type="search", id="name-contains", autocomplete="off")),
        class_="filter",
    )
    return tag("div", choices, scrolling("All tensors", body))


def shape_text(tensor: TensorDiff) -> str:
    """The shape of a tensor, or both where there are two."""
    shapes = [
        f"({', '.join(str(size) for size in shape)})" for shape in (tensor.shape_a, tensor.shape_b) if shape is not None
    ]
    return " and ".join(dict.fromkeys(shapes))


def ulp_text(ulp: float) -> str:
    """A number of ULPs, in digits as long as they can be read."""
    return f"{ulp:,.0f} ULP" if ulp < MANY_ULP else f"{ulp:.2g} ULP"


def number_text(value: float | None) -> str:
    """A number in three digits."""
    return "" if value is None else f"{value:.3g}"


def table_of_runs(a: Trace, b: Trace) -> Html:
    """What each manifest says about its run."""
    keys = [
        key
        for key in dict.fromkeys([*a.manifest, *b.manifest])
        if key not in ("format", "version", "complete", "sizes")
    ]
    rows = []
    for key in keys:
        both = [plain(trace.manifest.get(key)) for trace in (a, b)]
        if all(len(text) < 200 for text in both):  # whole experiments are for who reads the manifest
            rows.append([tag("code", key), *both])
    return scrolling("The two runs", table(["", a.label, b.label], rows))


def plain(value: Any) -> str:
    """A value of a manifest in a line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(item)}" for key, item in value.items())
    return "" if value is None else str(value)


def chip(status: str, diff: TraceDiff) -> Html:
    """A status with its mark."""
    mark = tag("span", STATUSES[status][1], aria_hidden="true")
    return tag("span", mark, f" {status_word(status, diff)}", class_=f"chip {status}")


def table(
    headings: Sequence[Any], rows: Sequence[Sequence[Any]], classes: Sequence[str] = (), caption: str = ""
) -> Html:
    """A table."""
    head = tag("tr", [tag("th", heading, scope="col") for heading in headings])
    body = [
        tag("tr", [tag("td", cell) for cell in row], data_status=classes[number] if classes else None)
        for number, row in enumerate(rows)
    ]
    return tag("table", tag("caption", caption) if caption else None, tag("thead", head), tag("tbody", body))


def scrolling(label: str, content: Html) -> Html:
    """What may be wider than the screen, in a box that scrolls and that a keyboard reaches."""
    return tag("div", content, class_="scrolling", tabindex=0, role="region", aria_label=label)
