"""`twinnet predict`: one test image, and what the trained models of each language say it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
from twinnet.mnist import load_fashion_mnist
from twinnet.parity import cli
from twinnet.parity.predict_command import picture, verdict
from twinnet.parity.saved_runs import read_saved_run
from twinnet.safetensors import safetensors_read


@pytest.fixture(scope="module")
def trained(r, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    options = ["--with", "r,python,torch", "--images", "100", "--maxit", "1", "--output", str(folder)]
    assert cli.main(["compare", "fashion_mnist_cnn", *options]) == 0
    return folder


@pytest.fixture
def predict(capsys):
    def run(*arguments):
        capsys.readouterr()
        status = cli.main(["predict", *[str(argument) for argument in arguments]])
        printed = capsys.readouterr()
        return status, printed.out, " ".join(printed.err.split())

    return run


def logits_by_hand(params, image):
    """The CNN from the numbers in its file, in other words than the twins'."""

    def conv(x, w, b):
        size = x.shape[1] - 2
        windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
        return np.einsum("cijkl,ockl->oij", windows, w).reshape(len(w), size, size) + b[:, None, None]

    def pool(x):
        size = x.shape[1] // 2
        return x[:, : 2 * size, : 2 * size].reshape(len(x), size, 2, size, 2).max(axis=(2, 4))

    x = image[None] / 255
    for layer in ("conv1", "conv2"):
        x = pool(np.maximum(conv(x, params[f"{layer}.w"], params[f"{layer}.b"]), 0))
    x = x.ravel()
    for layer in ("affine1", "affine2"):
        x = np.maximum(x @ params[f"{layer}.w"] + params[f"{layer}.b"], 0)
    return x @ params["affine3.w"] + params["affine3.b"]


def check_what_is_said(predict, folder, experiment, variant, *options):
    status, out, err = predict(experiment, "--index", 7, *options, "--output", folder, "--json")
    assert status == 0, err
    said = json.loads(out)
    image = load_fashion_mnist(1, 8)["x_test"][7]
    assert (said["true"], said["variant"], said["index"]) == ("Shirt", variant, 7)
    assert list(said["voices"]) == ["R", "Python", "PyTorch"]
    saved = read_saved_run(folder / experiment)
    for label, key in (("R", "r"), ("Python", "python"), ("PyTorch", "torch")):
        tensors, _ = safetensors_read(saved.path(variant, key))
        params = {name.removeprefix("params/"): value for name, value in tensors.items() if name.startswith("params/")}
        logits = logits_by_hand(params, image)
        p = np.exp(logits - logits.max())
        p /= p.sum()
        assert np.abs(np.asarray(said["voices"][label]["probabilities"]) - p).max() <= 1e-12, label
    assert (folder / experiment / "prediction_7.png").read_bytes().startswith(b"\x89PNG")


def test_each_voice_says_what_its_saved_weights_say(predict, trained):
    check_what_is_said(predict, trained, "fashion_mnist_cnn", "fashion_mnist_cnn")


@pytest.mark.full
def test_a_variant_that_began_with_anothers_weights_is_asked_too(predict, tmp_path, r):
    options = ["--with", "r,python,torch", "--images", "200", "--maxit", "2", "--output", str(tmp_path)]
    assert cli.main(["compare", "mnist_to_fashion", *options]) == 0
    for variant in ("frozen", "from_scratch"):
        check_what_is_said(predict, tmp_path, "mnist_to_fashion", variant, "--variant", variant)


def test_the_picture_the_table_and_the_verdict_are_shown(predict, trained):
    status, out, err = predict("fashion_mnist_cnn", "--index", 7, "--output", trained)
    assert status == 0
    assert "Test image 7: Shirt" in out
    assert "Ankle boot" in out
    assert out.count("██") > 10
    assert "R, Python and PyTorch say " in out
    assert err == f"Saved {trained / 'fashion_mnist_cnn' / 'prediction_7.png'}"


def test_a_picture_has_a_character_pair_for_each_pixel_and_no_empty_rows():
    image = np.zeros((4, 3), np.uint8)
    image[1] = 60, 255, 0
    image[2] = 0, 128, 200
    assert picture(image) == "░░██\n  ▒▒▓▓"
    assert picture(np.zeros((4, 3), np.uint8)) == ""


def test_the_verdict_names_who_says_what():
    a, b = np.asarray([0.9, 0.1]), np.asarray([0.2, 0.8])
    assert verdict({"R": a, "Python": a}, ["0", "1"], "0") == (
        "R and Python say 0, rightly. Their probabilities are the same."
    )
    assert verdict({"R": a, "Python": b, "PyTorch": b}, ["0", "1"], "0") == (
        "R says 0, rightly; Python and PyTorch say 1, wrongly. Their probabilities are at most 7.0e-01 apart."
    )


def test_what_cannot_be_predicted_is_refused(predict, trained, tmp_path, r):
    status, _, err = predict("mnist_cnn", "--output", tmp_path)
    assert (status, err) == (
        2,
        f"twinnet: There is no trained run in {tmp_path / 'mnist_cnn'}. Train one: twinnet compare mnist_cnn",
    )
    for arguments, message in (
        (("--index", 500), "`index` must be a whole number of at least 0 and at most 499, not 500."),
        (("--index", -1), "`index` must be a whole number of at least 0 and at most 499, not -1."),
        (("--variant", "thawed"), "`variant` must be "),
    ):
        status, _, err = predict("fashion_mnist_cnn", *arguments, "--output", trained)
        assert status == 2
        assert message in err
    assert cli.main(["compare", "iris_dnn", "--maxit", "5", "--output", str(tmp_path)]) == 0
    status, _, err = predict("iris_dnn", "--output", tmp_path)
    assert (status, err) == (2, 'twinnet: `experiment` must be one whose data are images, not "iris_dnn".')
