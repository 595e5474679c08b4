"""The page: it loads nothing, escapes what comes from outside, and shows every tensor, for any two traces."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from twinnet import record, record_phase, record_step, recording
from twinnet.experiment import experiment_read
from twinnet.parity.causes import Cause
from twinnet.parity.heatmap import DIVERGING, LARGEST, png_uri, view_of
from twinnet.parity.html import tag
from twinnet.parity.page import write_page
from twinnet.parity.sources import align_records, align_twins
from twinnet.parity.trace import read_trace
from twinnet.parity.trace_diff import diff_traces


class Page(HTMLParser):
    """A page taken apart: its elements in order, its texts, and whether what is opened is closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements = []
        self.texts = []
        self.open = []
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes)))
        self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.elements.append((name, dict(attributes)))

    def handle_endtag(self, name):
        assert self.open, f"</{name}> closes nothing"
        assert self.open.pop() == name

    def handle_data(self, text):
        self.texts.append(text)

    def all(self, name):
        return [attributes for element, attributes in self.elements if element == name]


@pytest.fixture
def traces(tmp_path):
    """Record one trace for each dict of tensors."""

    def make(*sides):
        made = []
        for number, tensors in enumerate(sides):
            with recording(tmp_path / f"trace{number}"):
                for key, value in tensors.items():
                    *place, name = key.split("/")
                    record_step(int(place[0]) if place else 0)
                    record_phase(place[1] if len(place) > 1 else "")
                    record(name, value)
            trace = read_trace(tmp_path / f"trace{number}")
            made.append(replace(trace, manifest={**trace.manifest, "label": "AB"[number]}))
        return made

    return make


@pytest.fixture
def page(tmp_path):
    """Write a page of a comparison and read it."""

    def write(a, b, causes=(), sources=None, **options):
        path = tmp_path / "page.html"
        write_page(path, diff_traces(a, b, **options), list(causes), sources)
        return path.read_text(encoding="utf-8")

    return write


def parsed(text):
    found = Page(text)
    assert found.open == []
    return found


W = np.random.default_rng(0).standard_normal((6, 5))
BENT = W + np.eye(6, 5) * 1e-3


def test_the_page_loads_nothing(traces, page):
    text = page(*traces({"w": W, "1/forward/x": W}, {"w": BENT, "1/forward/x": W}))
    found = parsed(text)
    for element, attributes in found.elements:
        for key in ("src", "href", "action", "data", "poster", "srcset"):
            target = attributes.get(key) or "#"
            assert target.startswith(("#", "data:image/png;base64,")), f"{element} {key}={target}"
        assert not any(key.startswith("on") for key in attributes), f"{element} has an inline handler"
    assert "@import" not in text
    assert "url(" not in text
    assert not re.search(r"https?:", re.sub(r'"data:[^"]*"', "", text))


def test_every_tensor_is_in_the_table_with_its_status(traces, page):
    a = {"w": W, "1/forward/x": W, "1/forward/only": W, "1/forward/shape": W, "1/update/w": W}
    b = {"w": W, "1/forward/x": BENT, "1/forward/shape": W.T, "1/update/w": W + 1e-15, "1/update/new": W}
    found = parsed(page(*traces(a, b)))
    statuses = [attributes["data-status"] for attributes in found.all("tr") if "data-status" in attributes]
    assert statuses == ["identical", "different", "only_a", "shape", "within", "only_b"]
    text = "".join(found.texts)
    for key in ("step0/w", "step1/forward/only", "step1/update/new", "only in A", "only in B", "(6, 5) and (5, 6)"):
        assert key in text


def test_the_first_divergence_is_there_in_full(traces, page):
    found = parsed(page(*traces({"w": W, "x": W}, {"w": W, "x": BENT})))
    text = "".join(found.texts)
    assert "step0/x[0, 0]" in text
    assert repr(W[0, 0].item()) in text
    assert repr(BENT[0, 0].item()) in text
    assert "; 5 of 30 elements" in text
    maps = [attributes["aria-label"] for attributes in found.all("svg") if attributes.get("role") == "img"]
    assert [label.split(":")[0] for label in maps[:3]] == ["A", "B", "difference"]
    assert "Elements that differ: 5 of 5" in text


def test_what_comes_from_outside_is_escaped(traces, page):
    evil = "<script>alert('x')</script> & <img src=x onerror=alert(1)>"
    a, b = traces({evil.replace("/", "|"): W, "x": W}, {evil.replace("/", "|"): BENT, "x": W})
    a = replace(a, manifest={**a.manifest, "label": evil, "blas": evil})
    cause = Cause("evil", evil, evil, 0.0, evil)
    code = f'# {evil}\nrecord("x", 1)  # </code></pre></details>{evil}\n'
    sources = align_records((code, code), (evil, evil), ("Python", "R"), {})
    text = page(a, b, [cause], sources)
    found = parsed(text)
    assert len(found.all("script")) == 1
    assert found.all("img") == []
    assert text.count("<script>alert") == 0
    assert "".join(found.texts).count("<script>alert") >= 6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([1.0, np.nan]), np.array([1.0, 2.0])),
        (np.array([1.0, np.inf]), np.array([1.0, -np.inf])),
        (np.full(3, np.nan), np.zeros(3)),
        (np.array([1, 2, 3]), np.array([1, 2, 4])),
        (np.array([True, False]), np.array([True, True])),
        (3.5, 4.5),
        (np.zeros((0, 3)), np.zeros((3, 0))),
        (np.zeros((2, 3, 4, 5)), np.ones((2, 3, 4, 5))),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros((300, 400)), np.eye(300, 400)),
        (np.zeros(100_000), np.arange(100_000.0)),
        (np.float32([1, 2]), np.float64([1, 2.5])),
        (np.array([1e308]), np.array([-1e308])),
    ],
)
@pytest.mark.filterwarnings("error")
def test_any_tensor_can_be_drawn(traces, page, one, other):
    found = parsed(page(*traces({"x": one, "y": 1.0}, {"x": other, "y": 1.0})))
    assert "step0/x" in "".join(found.texts)
    assert "nan" not in "".join(str(attributes) for _, attributes in found.elements if "cx" in attributes)


def test_traces_that_agree_have_a_page_too(traces, page):
    for other in (W, W + 1e-15):
        found = parsed(page(*traces({"x": W, "y": W}, {"x": other, "y": W})))
        assert "The first divergence" not in "".join(found.texts)


def test_a_long_run_is_cut_to_what_a_page_can_hold_and_says_so(traces, page):
    long = {f"{step}/forward/x{layer}": 1.0 for step in range(300) for layer in range(8)}
    text = page(*traces(long, {**long, "299/forward/x7": 2.0}))
    assert len(text) < 1_000_000
    found = parsed(text)
    words = "".join(found.texts)
    assert "2,400 tensors; 2,399 are not shown" in words
    assert "step299/forward/x7" in words
    assert len(found.all("circle")) <= 300


def test_scripts_stand_side_by_side_with_the_status_of_what_they_record(traces, page):
    python, r = "w = 1\nrecord('w', w)\nrecord('x', 2 * w)\n", "w <- 1\nrecord('w', w)\nrecord('x', 3 * w)\n"
    sources = align_records((python, r), ("a.py", "b.R"), ("Python", "R"), {})
    found = parsed(page(*traces({"w": 1.0, "x": 2.0}, {"w": 1.0, "x": 3.0}), sources=sources))
    rows = found.all("details")
    assert [row["id"] for row in rows] == ["row0", "row1"]
    text = "".join(found.texts)
    assert (
        text.index("= identical") < text.index("a.py, line 1") < text.index("≠ different") < text.index("a.py, line 3")
    )
    assert "the two part here first" in text
    assert {"href": "#row1"} in found.all("a")


def test_our_twins_stand_side_by_side_by_function(traces, page):
    experiment = experiment_read("iris_dnn")
    names = [("forward", "affine1.out"), ("forward", "relu1.out"), ("backward", "affine1.d_w")]
    tensors = {f"1/{phase}/{name}": W for phase, name in names}
    sources = align_twins(experiment, names)
    found = parsed(page(*traces(tensors, {**tensors, "1/backward/affine1.d_w": BENT}), sources=sources))
    text = "".join(found.texts)
    assert len(found.all("details")) == 3
    assert "affine.py, line" in text
    assert "affine.R, line" in text
    assert "affine_backward <- function(d_out, cache" in text


def test_a_heat_map_keeps_the_element_that_differs_among_a_million():
    a = np.zeros((1000, 1000))
    b = a.copy()
    b[777, 123] = 1.0
    view = view_of(a, b, (777, 123))
    assert max(view.a.shape) <= LARGEST
    assert (view.b - view.a).sum() == 1.0
    assert view.b[view.mark] == 1.0


def test_a_heat_map_of_more_than_two_axes_shows_the_slice_of_the_first_difference():
    a = np.arange(120.0).reshape(2, 3, 4, 5)
    view = view_of(a, a + 1, (1, 2, 3, 4))
    assert (view.a == a[1, 2]).all()
    assert view.mark == (3, 4)
    assert view.caption == "[1, 2, :, :]"


def test_a_png_holds_the_colours_of_the_numbers():
    uri = png_uri(np.array([[-1.0, 0.0, 1.0], [np.nan, np.inf, -np.inf]]), -1, 1, DIVERGING)
    data = base64.b64decode(uri.split(",")[1])
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    body = data[data.index(b"IDAT") + 4 : data.index(b"IEND") - 8]
    rows = np.frombuffer(zlib.decompress(body), np.uint8).reshape(2, 10)
    pixels = rows[:, 1:].reshape(2, 3, 3).tolist()
    low, middle, high = (DIVERGING[place].tolist() for place in (0, 4, 8))
    assert pixels == [[low, middle, high], [[128, 128, 128], high, low]]


def test_tags_escape_text_and_attributes():
    assert tag("p", "<b>", tag("i", "&"), None, ["x"], class_='"') == '<p class="&quot;">&lt;b&gt;<i>&amp;</i>x</p>'
    assert tag("input", type="checkbox", checked=True, disabled=False) == '<input type="checkbox" checked/>'
