"""What users call: train_dnn and the trained model in both languages, R's formula, scikit-learn's estimator."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris as sklearn_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from twinnet import ConvergenceWarning, DNNClassifier, DNNRegressor, train_dnn
from twinnet.datasets import load_iris, sample_per_class
from twinnet.generator_r import RGenerator
from twins import assert_close, assert_same_bits

IRIS = load_iris()
TRAIN = sample_per_class(IRIS["Species"], 25, RGenerator(1))
TEST = np.setdiff1d(np.arange(150), TRAIN)


def rows(which):
    return {name: column[which] for name, column in IRIS.items()}


def test_train_dnn_prints_what_the_slides_print_in_both_languages(r, capfd):
    train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), display=500)
    python = capfd.readouterr().out
    r.eval(
        "local({ set.seed(1); s <- c(sample(1:50, 25), sample(51:100, 25), sample(101:150, 25));"
        "train_dnn(x = 1:4, y = 5, traindata = iris[s, ], testdata = iris[-s, ], display = 500); NULL })"
    )
    in_r = capfd.readouterr().out
    assert python == in_r
    assert python.splitlines() == [
        "500 0.7114612 0.6666667", "1000 0.3486462 0.9733333", "1500 0.211176 0.9733333", "2000 0.1465573 0.9733333"
    ]  # fmt: skip


def test_without_test_data_the_accuracy_is_left_out(r, capfd):
    train_dnn(traindata=rows(TRAIN), maxit=100)
    python = capfd.readouterr().out
    r.call("train_dnn", traindata=rows(TRAIN), maxit=100, convert=False)
    assert python == capfd.readouterr().out == "100 1.096244\n"


@pytest.mark.parametrize("hidden", [6, [8, 5]])
def test_models_predict_alike(r, hidden):
    options = {"hidden": hidden, "maxit": 300, "display": 0, "random_seed": 7}
    model = train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), **options)
    r_model = r.call("train_dnn", traindata=rows(TRAIN), testdata=rows(TEST), **options, convert=False)
    assert (model.predict(rows(TEST)) == r.call("predict", r_model, rows(TEST))).all()
    r_prob = r.call("unname", r.call("predict", r_model, rows(TEST), type="prob", convert=False))
    assert_close(model.predict(rows(TEST), type="prob"), r_prob, "probabilities")
    lines = r.call("unclass", r.call("summary", r_model, convert=False)).tolist()
    assert model.summary().splitlines() == lines


def test_columns_are_found_by_name_and_matrices_by_position():
    model = train_dnn(traindata=rows(TRAIN), display=0, maxit=200)
    turned = {name: rows(TEST)[name] for name in reversed(list(IRIS))}
    by_name = model.predict(turned, type="prob")
    matrix = np.column_stack([rows(TEST)[name] for name in model.inputs])
    assert_same_bits(by_name, model.predict(matrix, type="prob"), "probabilities")
    some = train_dnn(x=["Petal.Width", 0], y="Species", traindata=rows(TRAIN), display=0, maxit=5)
    assert some.inputs == ["Petal.Width", "Sepal.Length"]


def test_a_matrix_with_numeric_labels_trains_alike(r):
    table = np.column_stack([IRIS["Petal.Length"], IRIS["Petal.Width"], np.repeat([3.0, 1.0, 2.0], 50)])
    model = train_dnn(x=[0, 1], y=2, traindata=table, maxit=50, display=0)
    r_model = r.call("train_dnn", x=np.array([1, 2]), y=3, traindata=table, maxit=50, display=0, convert=False)
    assert model.classes.tolist() == [1, 2, 3] == r.call("[[", r_model, "classes").tolist()
    assert_close(model.run["loss"], r.call("[[", r.call("[[", r_model, "run", convert=False), "loss"), "loss")
    assert model.predict(table[:, :2]).tolist() == r.call("predict", r_model, table[:, :2]).tolist()


def test_resuming_gives_what_one_longer_run_gives(r):
    whole = train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), maxit=400, display=0)
    half = train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), maxit=150, display=0)
    resumed = train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), maxit=250, display=0, model=half)
    assert half.run["step"] == 150, "the earlier model is not changed"
    assert_same_bits(resumed.run["loss"], whole.run["loss"], "loss")
    for key, value in whole.run["params"].items():
        assert_same_bits(resumed.run["params"][key], value, key)
    r.eval("""local({
      rows <- c(1:25, 51:75, 101:125)
      whole <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 400, display = 0)
      half <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 150, display = 0)
      resumed <- train_dnn(1:4, 5, iris[rows, ], iris[-rows, ], maxit = 250, display = 0, model = half)
      stopifnot(identical(resumed$run, whole$run), half$run$step == 150)
    })""")


def test_the_formula_is_another_way_to_say_the_columns(r):
    r.eval("""local({
      by_formula <- dnn(Species ~ ., data = iris, maxit = 50, display = 0)
      by_columns <- train_dnn(1:4, 5, iris, maxit = 50, display = 0)
      stopifnot(identical(by_formula$run, by_columns$run))
      some <- dnn(Species ~ Petal.Width + Petal.Length, data = iris, maxit = 50, display = 0, hidden = c(3, 2))
      stopifnot(identical(some$inputs, c("Petal.Width", "Petal.Length")), is.factor(predict(some, iris)))
    })""")


def test_the_trained_model_shows_itself(r, tmp_path):
    model = train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), maxit=200, display=100)
    assert str(model).splitlines()[0] == "Dense network 4 - 6 - 3, 200 steps of training"
    model.plot().savefig(tmp_path / "python.png")
    r_model = r.call("train_dnn", traindata=rows(TRAIN), testdata=rows(TEST), maxit=200, display=0, convert=False)
    r.call("png", str(tmp_path / "r.png"), convert=False)
    r.call("plot", r_model, convert=False)
    r.call("dev.off", convert=False)
    assert (tmp_path / "python.png").stat().st_size > 5000
    assert (tmp_path / "r.png").stat().st_size > 2000


def test_training_that_diverges_warns_and_keeps_a_usable_model(r):
    with pytest.warns(ConvergenceWarning, match="not finite at step .* smaller `lr` than 1000000"):
        model = train_dnn(traindata=rows(TRAIN), lr=1e6, reg=10.0, display=0)
    assert np.isfinite(model.predict(rows(TEST), type="prob")).all()
    assert "because the loss was not finite at step" in model.summary()
    from twinnet.parity.bridge import RWarning

    with pytest.warns(RWarning, match="not finite at step .* smaller `lr` than 1000000"):
        r.call("train_dnn", traindata=rows(TRAIN), lr=1e6, reg=10.0, display=0, convert=False)


def test_the_classifier_agrees_with_mlpclassifier_given_the_same_weights():
    X, y = sklearn_iris(return_X_y=True)
    ours = DNNClassifier(hidden=(8, 5), maxit=500).fit(X, y)
    theirs = MLPClassifier(hidden_layer_sizes=(8, 5), solver="sgd", max_iter=1)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(X, y)
    theirs.coefs_ = [ours.model_.run["params"][f"affine{i}.w"] for i in (1, 2, 3)]
    theirs.intercepts_ = [ours.model_.run["params"][f"affine{i}.b"] for i in (1, 2, 3)]
    assert_close(ours.predict_proba(X), theirs.predict_proba(X), "probabilities")
    assert (ours.predict(X) == theirs.predict(X)).all()
    assert ours.score(X, y) == theirs.score(X, y)


def test_the_classifier_trains_as_mlpclassifier_trains_from_the_same_weights():
    """One full-batch step of scikit-learn's own SGD, from our initial weights; it divides alpha by n."""
    X, y = sklearn_iris(return_X_y=True)
    n = len(X)
    start = DNNClassifier(maxit=0).fit(X, y)
    step = DNNClassifier(maxit=1, reg=0.3, lr=0.1).fit(X, y)
    theirs = MLPClassifier(
        (6,), solver="sgd", batch_size=n, learning_rate_init=0.1, alpha=0.3 * n, momentum=0, shuffle=False
    )
    theirs.partial_fit(X, y, classes=[0, 1, 2])
    theirs = clone(theirs).set_params(warm_start=True, max_iter=1)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(X, y)
    theirs.coefs_ = [start.model_.run["params"][f"affine{i}.w"].copy() for i in (1, 2)]
    theirs.intercepts_ = [start.model_.run["params"][f"affine{i}.b"].copy() for i in (1, 2)]
    theirs._optimizer = None
    with pytest.warns(UserWarning, match="Maximum iterations"):
        theirs.fit(X, y)
    for i in (1, 2):
        assert_close(step.model_.run["params"][f"affine{i}.w"], theirs.coefs_[i - 1], f"affine{i}.w")
        assert_close(step.model_.run["params"][f"affine{i}.b"], theirs.intercepts_[i - 1], f"affine{i}.b")


def test_the_classifier_is_train_dnn():
    X = np.column_stack([rows(TRAIN)[name] for name in list(IRIS)[:4]])
    classifier = DNNClassifier(maxit=300).fit(X, rows(TRAIN)["Species"])
    model = train_dnn(traindata=rows(TRAIN), maxit=300, display=0)
    assert_same_bits(classifier.loss_curve_, model.run["loss"], "loss_curve_")
    assert classifier.n_iter_ == 300
    assert classifier.score(X, rows(TRAIN)["Species"]) == (model.predict(rows(TRAIN)) == rows(TRAIN)["Species"]).mean()


def test_a_warm_start_goes_on():
    X, y = sklearn_iris(return_X_y=True)
    warm = DNNClassifier(maxit=100, warm_start=True).fit(X, y).fit(X, y)
    assert_same_bits(warm.loss_curve_, DNNClassifier(maxit=200).fit(X, y).loss_curve_, "loss")


def test_the_classifier_works_with_scikit_learn():
    X, y = sklearn_iris(return_X_y=True)
    scaled = make_pipeline(StandardScaler(), DNNClassifier(maxit=200, lr=0.5))
    assert cross_val_score(scaled, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(DNNClassifier(maxit=50), {"hidden": [(3,), (6,)], "lr": [0.01, 0.1]}, cv=2).fit(X, y)
    assert search.best_params_["lr"] == 0.1


def test_the_classifier_passes_scikit_learns_own_checks():
    check_estimator(DNNClassifier(maxit=200, lr=0.1))


def test_the_regressor_passes_scikit_learns_own_checks():
    check_estimator(DNNRegressor(maxit=3000, lr=0.1, activation="tanh", hidden=(10,), abstol=0))


def test_the_regressor_predicts_and_works_with_scikit_learn():
    X = np.column_stack([IRIS[name] for name in list(IRIS)[:3]])
    y = IRIS["Petal.Width"]
    model = DNNRegressor(hidden=4, activation="sigmoid", lr=0.1, reg=1e-4, abstol=0).fit(X, y)
    assert model.score(X, y) > 0.9
    assert cross_val_score(make_pipeline(StandardScaler(), DNNRegressor(lr=0.1, maxit=300)), X, y, cv=3).shape == (3,)


OPTIONS = {
    "tanh": {"activation": "tanh", "lr": 0.1},
    "leaky_relu": {"activation": "leaky_relu"},
    "adam": {"optimizer": "adam"},
    "adam with settings": {"optimizer": {"name": "adam", "lr": 0.02, "beta1": 0.8}},
    "momentum": {"optimizer": {"name": "momentum", "alpha": 0.5}},
    "mini-batches": {"batch_size": 10},
    "online": {"batch_size": 1},
    "dropout": {"dropout": 0.3, "init": "scaled_normal"},
    "all of it": {"activation": "tanh", "optimizer": "rmsprop", "batch_size": 32, "dropout": 0.1, "hidden": [5, 4]},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option_trains_alike_in_both_languages(r, options):
    common = {"traindata": rows(TRAIN), "testdata": rows(TEST), "maxit": 60, "display": 0, **options}
    model = train_dnn(**common)
    in_r = {key: np.asarray(value) if isinstance(value, list) else value for key, value in common.items()}
    r_model = r.call("train_dnn", **in_r, convert=False)
    r_run = r.call("[[", r_model, "run", convert=False)
    assert_close(model.run["loss"], r.call("[[", r_run, "loss"), "loss", rtol=1e-9)
    assert (model.predict(rows(TEST)) == r.call("predict", r_model, rows(TEST))).all()
    half = train_dnn(**{**common, "maxit": 25})
    resumed = train_dnn(**{**common, "maxit": 35, "model": half, "hidden": None})
    assert_same_bits(resumed.run["loss"], model.run["loss"], "loss after resuming")


def test_a_regression_trains_alike_in_both_languages(r, capfd):
    common = {"y": "Petal.Width", "task": "regression", "maxit": 100, "display": 50, "hidden": 4, "lr": 0.1}
    model = train_dnn(x=list(IRIS)[:3], traindata=rows(TRAIN), testdata=rows(TEST), activation="sigmoid", **common)
    printed = capfd.readouterr().out
    names = np.asarray(list(IRIS)[:3])
    r_model = r.call(
        "train_dnn", x=names, traindata=rows(TRAIN), testdata=rows(TEST), activation="sigmoid", **common, convert=False
    )
    assert printed == capfd.readouterr().out
    assert_close(model.predict(rows(TEST)), r.call("predict", r_model, rows(TEST)), "predictions")
    assert model.summary().splitlines() == r.call("unclass", r.call("summary", r_model, convert=False)).tolist()
    assert "Petal.Width: a number" in str(model)
    r.eval("""local({
      by_formula <- dnn(Petal.Width ~ Sepal.Length + Petal.Length, data = iris, maxit = 5, display = 0)
      predicted <- predict(by_formula, iris)
      stopifnot(is.null(by_formula$classes), is.double(predicted), length(predicted) == 150)
    })""")


@pytest.mark.parametrize("hidden", [6, [8, 5], [10, 10, 10]])
def test_the_defaults_learn_iris_however_many_hidden_layers_there_are(r, hidden):
    model = train_dnn(traindata=rows(TRAIN), testdata=rows(TEST), hidden=hidden, display=0)
    assert (model.predict(rows(TEST)) == rows(TEST)["Species"]).mean() > 0.9
    in_r = r.call("train_dnn", traindata=rows(TRAIN), hidden=np.atleast_1d(hidden), display=0, maxit=20, convert=False)
    loss = r.call("[[", r.call("[[", in_r, "run", convert=False), "loss")
    assert_close(model.run["loss"][:20], loss, "loss")
