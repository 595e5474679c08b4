"""Which tensor of one script is which of the other: by name, by a map, by shape and order."""

from __future__ import annotations

import pytest
from twinnet.parity.names import Named, match_names, read_name_map

LABELS = ("mine.py", "mine.R")


def named(**shapes):
    return [Named(name, shape) for name, shape in shapes.items()]


def match(a, b, **given):
    return match_names(a, b, given, LABELS)


def test_the_same_name_is_the_same_tensor_wherever_it_stands():
    assert match(named(x=(2, 3), w=(3,)), named(w=(3,), x=(2, 3))) == ({}, [])


def test_a_map_goes_before_the_names():
    a, b = named(x=(2,), y=(2,)), named(x=(2,), z=(2,))
    assert match(a, b, x="z", y="x") == ({"x": "z", "y": "x"}, [])


def test_other_names_are_matched_by_shape_and_order_with_a_note():
    a = named(x=(5, 4), hidden=(5, 3), scores=(5, 2), loss=(1,))
    b = named(x=(5, 4), h=(5, 3), z=(5, 2), loss=(1,))
    names, notes = match(a, b)
    assert names == {"hidden": "h", "scores": "z"}
    assert notes == [
        '"hidden" of mine.py is compared with "h" of mine.R: same shape, same place in the order.',
        '"scores" of mine.py is compared with "z" of mine.R: same shape, same place in the order.',
    ]


def test_a_transposed_tensor_is_matched_and_so_is_a_row_with_a_vector():
    names, _ = match(named(w1=(4, 3), b1=(3,)), named(W=(3, 4), B=(1, 3)))
    assert names == {"w1": "W", "b1": "B"}


def test_what_is_recorded_on_one_side_only_stays_alone():
    names, notes = match(named(x=(5,), extra=(7,), out=(5,)), named(x=(5,), result=(5,)))
    assert names == {"out": "result"}
    assert len(notes) == 1
    assert match(named(x=(5,), extra=(7,)), named(x=(5,), other=(8,))) == ({}, [])


def test_a_match_does_not_cross_what_is_known():
    names, _ = match(named(early=(2,), x=(9,)), named(x=(9,), late=(2,)))
    assert names == {}


@pytest.mark.parametrize(
    "text",
    ['{"a": "x", "b": "y"}', "a x\nb   y\n", "# names\na,x\n\nb, y\n", "a\tx\nb\ty"],
)
def test_a_map_is_json_or_two_columns(tmp_path, text):
    path = tmp_path / "names.txt"
    path.write_text(text)
    assert read_name_map(path) == {"a": "x", "b": "y"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}', 'must give a name to "a", not 1.'),
        ('{"a": "x"', "must be a JSON object or lines of two names"),
        ('{"a": "x", "a": "y"}', 'must give each name once, and gives "a" twice.'),
        ("a x\nb x", 'must give each name once, and gives "x" twice.'),
        ("a x\nb", 'must have two names in line 2, not "b".'),
        ("a x z", 'must have two names in line 1, not "a x z".'),
        ("a,", 'must have two names in line 1, not "a,".'),
    ],
)
def test_an_unsound_map_is_refused(tmp_path, text, message):
    path = tmp_path / "names.txt"
    path.write_text(text)
    with pytest.raises(ValueError) as refused:
        read_name_map(path)
    assert message in str(refused.value)


def test_a_map_of_names_that_were_not_recorded_is_refused():
    with pytest.raises(ValueError, match=r'The map has "q", which mine.py did not record; it recorded "x"\.'):
        match(named(x=(1,)), named(x=(1,)), q="x")
    with pytest.raises(ValueError, match=r'The map has "q", which mine.R did not record; it recorded "x"\.'):
        match(named(x=(1,)), named(x=(1,)), x="q")
