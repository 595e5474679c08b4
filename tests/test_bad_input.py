"""Bad input, in both languages: one message that names the argument, what it was and what it must be."""

from __future__ import annotations

import re

import numpy as np
import pytest
from twinnet import train_dnn
from twinnet.datasets import load_iris
from twinnet.experiment import experiment_check, experiment_override, experiment_read
from twinnet.model import model_check
from twinnet.parity.bridge import RError

IRIS = load_iris()
SETOSA = {name: column[:50] for name, column in IRIS.items()}


def changed(**columns):
    return {**IRIS, **columns}


def with_value(name, value):
    column = IRIS[name].copy()
    column[7] = value
    return changed(**{name: column})


def renamed_class():
    species = IRIS["Species"].astype("<U20")
    species[3] = "sequoia"
    return changed(Species=species)


MODEL = train_dnn(traindata=IRIS, maxit=1, display=0)
OTHER_INPUTS = train_dnn(x=["Petal.Width"], traindata=IRIS, maxit=1, display=0)

CASES = {
    "missing value": (
        {"traindata": with_value("Sepal.Width", np.nan)},
        "`traindata[Sepal.Width]` must be a column of finite numbers, none missing, not NaN.",
    ),
    "infinite value": (
        {"traindata": with_value("Sepal.Width", np.inf)},
        "`traindata[Sepal.Width]` must be a column of finite numbers, none missing, not Inf.",
    ),
    "infinite test value": (
        {"testdata": with_value("Sepal.Width", -np.inf)},
        "`testdata[Sepal.Width]` must be a column of finite numbers, none missing, not -Inf.",
    ),
    "text as input": (
        {"traindata": changed(**{"Sepal.Width": IRIS["Species"]})},
        "`traindata[Sepal.Width]` must be a column of numbers, not",
    ),
    "column missing from test data": (
        {"testdata": {name: IRIS[name] for name in list(IRIS)[1:]}},
        "`testdata` must be a table with the columns Sepal.Length, Sepal.Width, Petal.Length, Petal.Width, not",
    ),
    "label missing from test data": (
        {"testdata": {name: IRIS[name] for name in list(IRIS)[:4]}},
        "`testdata` must be a table with the column Species, not",
    ),
    "unknown column": ({"x": ["Sepal.Length", "Girth"]}, "`x` must be columns of the table, by position from"),
    "column twice": ({"x": ["Sepal.Length", "Sepal.Length"]}, "each once, not"),
    "no columns": ({"x": []}, "`x` must be columns of the table"),
    "label among the inputs": (
        {"x": ["Species", "Petal.Width"], "y": "Species"},
        "`y` must be one column that is not among `x`",
    ),
    "one class": ({"traindata": SETOSA}, "`Species` must be a label with more than one class, not"),
    "unseen class in test data": (
        {"testdata": renamed_class()},
        '`Species` must be one of the classes of the training data (setosa, versicolor, virginica), not "sequoia".',
    ),
    "fractional label": (
        {"traindata": changed(Species=np.linspace(0, 1, 150))},
        "`traindata[Species]` must be a column of labels, none missing, not",
    ),
    "zero rows": (
        {"traindata": {name: column[:0] for name, column in IRIS.items()}},
        "`traindata` must be a table with at least one row, not",
    ),
    "no table": (
        {"traindata": None},
        "`traindata` must be a table: columns by name, a data frame or a matrix, not nothing.",
    ),
    "uneven columns": (
        {"traindata": changed(Species=IRIS["Species"][:9])},
        "`traindata` must be a table of columns of one length, not",
    ),
    "hidden zero": ({"hidden": 0}, "`hidden` must be a whole number of at least 1, not 0."),
    "hidden negative": ({"hidden": [6, -2]}, "`hidden` must be a whole number of at least 1, not -2."),
    "hidden not whole": ({"hidden": 2.5}, "`hidden` must be a whole number of at least 1, not 2.5."),
    "hidden empty": ({"hidden": []}, "`hidden` must be at least one hidden layer's number of neurons, not"),
    "lr zero": ({"lr": 0}, "`lr` must be a finite number above 0, not 0."),
    "lr negative": ({"lr": -0.5}, "`lr` must be a finite number above 0, not -0.5."),
    "lr infinite": ({"lr": np.inf}, "`lr` must be a finite number above 0, not Inf."),
    "lr text": ({"lr": "fast"}, '`lr` must be a finite number above 0, not "fast".'),
    "lr several": ({"lr": np.array([0.1, 0.2])}, "`lr` must be a finite number above 0, not (0.1, 0.2)."),
    "reg negative": ({"reg": -1e-3}, "`reg` must be a finite number of at least 0, not -0.001."),
    "abstol missing": ({"abstol": np.nan}, "`abstol` must be a finite number of at least 0, not NaN."),
    "maxit negative": ({"maxit": -1}, "`maxit` must be a whole number of at least 0, not -1."),
    "maxit not whole": ({"maxit": 10.5}, "`maxit` must be a whole number of at least 0, not 10.5."),
    "display negative": ({"display": -1}, "`display` must be a whole number of at least 0, not -1."),
    "display true": ({"display": True}, "`display` must be a whole number of at least 0, not true."),
    "seed too large": (
        {"random_seed": 2.0**31},
        "must be a whole number of at least -2147483647 and at most 2147483647, not 2147483648.",
    ),
    "seed nothing": (
        {"random_seed": None},
        "must be a whole number of at least -2147483647 and at most 2147483647, not nothing.",
    ),
    "unknown activation": (
        {"activation": "relu6"},
        '`activation` must be one of "relu", "leaky_relu", "sigmoid", "tanh", "step", "identity", not "relu6".',
    ),
    "unknown optimizer": ({"optimizer": "adamant"}, '`optimizer` must be one of "gradient_descent", "sgd", '),
    "unknown setting": ({"optimizer": {"name": "adam", "speed": 1}}, "`setting of adam` must be one of "),
    "dropout one": ({"dropout": 1}, "`dropout` must be a finite number of at least 0 and below 1, not 1."),
    "dropout negative": ({"dropout": -0.1}, "`dropout` must be a finite number of at least 0 and below 1, not -0.1."),
    "batch zero": ({"batch_size": 0}, "`batch_size` must be a whole number of at least 1 and at most 150, not 0."),
    "batch beyond the data": (
        {"batch_size": 151},
        "`batch_size` must be a whole number of at least 1 and at most 150, not 151.",
    ),
    "unknown init": ({"init": "zeros"}, '`init` must be one of "normal", "scaled_normal", "torch", not "zeros".'),
    "unknown task": ({"task": "ranking"}, '`task` must be one of "classification", "regression", not "ranking".'),
    "regression on text": ({"task": "regression"}, "`traindata[Species]` must be a column of numbers, not"),
    "no model": ({"model": "yesterday's"}, "`model` must be a model that train_dnn() returned, not"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_message_is_the_same_in_both_languages(r, case):
    arguments, message = CASES[case]
    arguments = {"traindata": IRIS, "maxit": 5, "display": 0, **arguments}
    with pytest.raises(ValueError, match=re.escape(message)) as python:
        train_dnn(**arguments)
    in_r = {
        name: np.asarray(value) if isinstance(value, list) and value else value for name, value in arguments.items()
    }
    with pytest.raises(RError, match=re.escape(message)) as other:
        r.call("train_dnn", **in_r)
    assert other.value.call_text.startswith("train_dnn("), "R blames the function that the user called"
    positions = re.compile(r"position from \d to \d")  # counts from 0 and from 1
    expected = positions.sub("", str(python.value)).replace("()", "nothing").replace("an object of type dict", "?")
    given = positions.sub("", other.value.message).replace("an object of type list", "?").replace("()", "nothing")
    assert given == expected


def test_a_resumed_model_must_fit_the_data(r):
    with pytest.raises(ValueError, match="`hidden` must be the hidden layers of `model`, or not given, not 7"):
        train_dnn(traindata=IRIS, model=MODEL, hidden=7)
    with pytest.raises(ValueError, match=re.escape("`x` must be the inputs of `model` (Petal.Width), not")):
        train_dnn(traindata=IRIS, model=OTHER_INPUTS)
    with pytest.raises(ValueError, match="must be one of the classes of the training data"):
        train_dnn(traindata=renamed_class(), model=MODEL)
    model = r.call("train_dnn", traindata=IRIS, maxit=1, display=0, convert=False)
    with pytest.raises(RError, match="`hidden` must be the hidden layers of `model`, or not given, not 7"):
        r.call("train_dnn", traindata=IRIS, model=model, hidden=7)
    with pytest.raises(RError, match=re.escape("`x` must be the inputs of `model` (Sepal.Length")):
        r.call("train_dnn", x="Petal.Width", traindata=IRIS, model=model)
    assert r.call("train_dnn", traindata=IRIS, model=model, hidden=6, maxit=1, display=0, convert=False) is not None


@pytest.mark.parametrize("newdata", [{"Species": IRIS["Species"]}, np.ones((3, 2)), with_value("Petal.Width", np.nan)])
def test_new_data_must_have_the_models_columns(r, newdata):
    with pytest.raises(ValueError, match="^`newdata") as python:
        MODEL.predict(newdata)
    model = r.call("train_dnn", traindata=IRIS, maxit=1, display=0, convert=False)
    with pytest.raises(RError) as other:
        r.call("predict", model, newdata)
    assert other.value.message == str(python.value)
    with pytest.raises(ValueError, match='`type` must be one of "class", "prob", not "odds".'):
        MODEL.predict(IRIS, type="odds")


def test_bad_labels_do_not_become_missing_values():
    with pytest.raises(ValueError, match="none missing, not nothing"):
        train_dnn(traindata=changed(Species=np.array([None] + ["a", "b"] * 74 + ["a"], dtype=object)))


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("~ Sepal.Width", "`formula` must be a formula such as Species ~ ."),
        ("Species ~ log(Sepal.Width)", "`formula` must be plain columns of `data`"),
        ("Species ~ Sepal.Width:Petal.Width", "`formula` must be plain columns of `data`"),
        ("Genus ~ .", "`formula` must be plain columns of `data`"),
    ],
)
def test_a_formula_must_name_columns(r, formula, message):
    with pytest.raises(RError, match=re.escape(message)):
        r.eval(f"dnn({formula}, data = iris)")


def test_an_experiment_must_be_sound(r):
    good = experiment_read("iris_dnn")
    bad = {
        "loss": ("hinge", '`loss` must be one of "softmax_cross_entropy", "cross_entropy", '),
        "generator": ("dice", "`generator` must be one of "),
        "reg": (-1, "`reg` must be a finite number of at least 0, not -1."),
        "optimizer": ({"name": "adamant", "lr": 1}, "`optimizer` must be one of "),
        "model": (good["model"][1:] + good["model"][1:], "`model` must be layers with names of their own"),
    }
    for key, (value, message) in bad.items():
        with pytest.raises(ValueError, match=re.escape(message)):
            experiment_check({**good, key: value})
        with pytest.raises(RError, match=re.escape(message)):
            r.call("experiment_check", {**good, key: value})
    with pytest.raises(ValueError, match="`experiment` must be the keys"):
        experiment_check({**good, "learning_rate": 1})
    with pytest.raises(ValueError, match='`experiment` must be one of .* not "iris"'):
        experiment_read("iris")
    with pytest.raises(ValueError, match="`maxit` must be"):
        experiment_override(good, maxit=-1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "`model` must be a list of at least one layer"),
        ([{"name": "a", "type": "dense"}], "`type of a` must be one of"),
        (
            [{"name": "a", "type": "affine", "d_in": 0, "d_out": 1}],
            "`d_in of a` must be a whole number of at least 1, not 0.",
        ),
        (
            [
                {"name": "a", "type": "affine", "d_in": 2, "d_out": 3, "w": "a.w", "b": "a.b"},
                {"name": "b", "type": "affine", "d_in": 4, "d_out": 1},
            ],
            "`d_in of b` must be 3, the number of values that reach the layer, not 4.",
        ),
    ],
)
def test_layers_must_fit(r, layers, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        model_check(layers)
    with pytest.raises(RError, match=re.escape(message)):
        r.call("model_check", layers)
