"""The course's CNNs: R, NumPy and PyTorch take one path, step by step and left to themselves."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from twinnet.experiment import experiment_check, experiment_data, experiment_override, experiment_read
from twinnet.generator_numpy import NumpyGenerator
from twinnet.gradient_check import gradient_check
from twinnet.labels import one_hot
from twinnet.mnist import load_mnist
from twinnet.model import model_check, model_init, trained_params
from twinnet.parity import cli
from twinnet.parity.bridge import RError
from twinnet.parity.voices import PythonVoice, RVoice, TorchVoice
from twinnet.randomness import random_normal
from twinnet.torch_twin.classifiers import CLASSIFIERS, fit, image_data, predict
from twinnet.train import loss_and_gradients, model_outputs, train, train_start
from twins import assert_close, assert_same_bits

CNNS = sorted(CLASSIFIERS)


def short(name, images=400, **changes):
    """An experiment on few images, with few to test on."""
    experiment = experiment_override(experiment_read(name), images=images, **changes)
    return {**experiment, "data": {**experiment["data"], "test": 100}, "evaluate_every": 0}


def from_json(r, value):
    """A value as R reads it from an experiment's file."""
    code = f"jsonlite::fromJSON(r'--({json.dumps(value)})--', simplifyDataFrame = FALSE, simplifyMatrix = FALSE)"
    return r.eval(code, convert=False)


def conv(name="conv1", **changes):
    layer = {"name": name, "type": "conv2d", "in_channels": 1, "out_channels": 2, "kernel_size": 3}
    return {**layer, "w": f"{name}.w", "b": f"{name}.b", **changes}


IMAGES = {"name": "images", "type": "unflatten", "shape": [1, 6, 5]}
ALL_LAYERS = [
    IMAGES,
    conv(padding=[1, 0], stride=[1, 2]),
    {"name": "tanh1", "type": "tanh"},
    {"name": "pool1", "type": "max_pool2d", "size": [2, 1], "stride": 1},
    conv("conv2", in_channels=2, out_channels=3, kernel_size=[2, 1]),
    {"name": "pool2", "type": "average_pool2d", "size": 2},
    {"name": "sigmoid1", "type": "sigmoid"},
    {"name": "pool3", "type": "global_average_pool2d"},
    {"name": "flatten1", "type": "flatten"},
    {"name": "affine1", "type": "affine", "d_in": 3, "d_out": 4, "w": "affine1.w", "b": "affine1.b"},
]


@pytest.mark.parametrize("name", CNNS)
def test_three_languages_take_the_same_steps_from_shared_states(r, name):
    experiment = short(name, maxit=3)
    data = experiment_data(experiment)
    walker = PythonVoice(experiment, data)
    others = {"R": RVoice(name, name, {"images": 400, "maxit": 3}), "PyTorch": TorchVoice(experiment, data)}
    for step in range(3):
        before = walker.run
        walker.train(1)
        for label, voice in others.items():
            loss, params = voice.step_from(before)
            assert_close(loss, walker.loss[-1], f"{label}'s loss at step {step + 1}", rtol=1e-12)
            for key, value in walker.params.items():
                assert_close(params[key], value, f"{label}'s {key} after step {step + 1}", rtol=1e-12)


@pytest.mark.parametrize("name", CNNS)
def test_a_program_in_pytorchs_own_words_takes_the_path_of_the_twins_from_the_same_seed(name):
    experiment = short(name, epochs=2)
    data = experiment_data(experiment)
    run = train(experiment, data, train_start(experiment), experiment["maxit"])
    labels = data["labels"].astype(np.int64)
    model, losses = fit(name, image_data(data["x"], labels, torch.float64), epochs=2, device="cpu")
    assert_close(np.asarray(losses), run["loss"], "PyTorch's losses", rtol=1e-9)
    ours = model_outputs(experiment, run["params"], data["x_test"]).argmax(axis=1)
    assert np.array_equal(predict(model, image_data(data["x_test"], data["labels_test"], torch.float64)), ours)


@pytest.mark.full
@pytest.mark.parametrize("key", ["r", "python"])
def test_sixty_free_steps_of_the_slides_cnn_stay_with_pytorch(r, key):
    experiment = {**experiment_read("mnist_cnn"), "evaluate_every": 0}
    data = experiment_data(experiment)
    ours = RVoice("mnist_cnn", "mnist_cnn", {}) if key == "r" else PythonVoice(experiment, data)
    theirs = TorchVoice(experiment, data)
    for voice in (ours, theirs):
        voice.train(60)
    assert_close(ours.loss, theirs.loss, f"{key}'s losses and PyTorch's", rtol=1e-9)
    for name, value in theirs.params.items():
        assert_close(ours.params[name], value, f"{key}'s {name} and PyTorch's", rtol=1e-9)


@pytest.mark.full
@pytest.mark.parametrize(("name", "lr"), [("mnist_cnn", 0.001), ("mnist_cnn_logits", 0.01)])
def test_float32_in_pytorch_is_no_further_from_the_twins_than_from_itself_with_other_kernels(name, lr, monkeypatch):
    """Its spread: oneDNN's kernels on and off, one thread and two; a float32 loss itself is rounded, so 2 ULP more."""
    experiment = experiment_override(short(name, images=3000), lr=lr)
    data = experiment_data(experiment)
    twin = train(experiment, data, train_start(experiment), 30)["loss"]
    images = image_data(data["x"], data["labels"].astype(np.int64), torch.float32)
    monkeypatch.setitem(CLASSIFIERS, name, (*CLASSIFIERS[name][:2], lr))
    threads = torch.get_num_threads()
    runs = []
    try:
        for onednn, count in ((True, 1), (False, 1), (True, 2), (False, 2)):
            torch.set_num_threads(count)
            with torch.backends.mkldnn.flags(enabled=onednn):
                runs.append(np.asarray(fit(name, images, device="cpu")[1]))
    finally:
        torch.set_num_threads(threads)
    spread = max(np.abs(a - b).max() for a in runs for b in runs)
    gap = max(np.abs(run - twin).max() for run in runs)
    ulp = float(np.spacing(np.float32(twin.max())))
    assert 0 < gap <= spread + 2 * ulp, f"float64 is {gap:.1e} from float32, whose own runs are {spread:.1e} apart"


@pytest.mark.full
def test_the_mended_cnn_reads_97_of_100_digits_and_r_reads_them_alike(r):
    experiment = experiment_override(experiment_read("mnist_cnn_logits"), images=60000, epochs=1)
    data = experiment_data(experiment)
    run = train(experiment, data, train_start(experiment), experiment["maxit"])
    outputs = model_outputs(experiment, run["params"], data["x_test"])
    assert (outputs.argmax(axis=1) == data["labels_test"]).mean() >= 0.97
    r_data = r.call("[[", r.call("experiment_data", from_json(r, experiment), convert=False), "x_test", convert=False)
    in_r = r.call("model_outputs", from_json(r, experiment), run["params"], r_data)
    assert_close(in_r, outputs, "R's outputs for the 10000 test digits", rtol=1e-12)
    assert np.array_equal(in_r.argmax(axis=1), outputs.argmax(axis=1))
    mnist = load_mnist()
    model, _ = fit("mnist_cnn_logits", image_data(mnist["x_train"], mnist["labels_train"]), device="cpu")
    read = predict(model, image_data(mnist["x_test"], mnist["labels_test"]))
    assert (read == mnist["labels_test"]).mean() >= 0.97


def test_a_model_of_all_layers_for_images_agrees_with_central_differences_and_with_r(r):
    generator = NumpyGenerator(3)
    model = model_check(ALL_LAYERS)
    params = model_init(model, generator, {"name": "normal", "sd": 0.7})
    x, target = random_normal(generator, (4, 30)), one_hot(np.asarray([0, 1, 2, 3]), 4)
    experiment = {"model": model, "loss": "softmax_cross_entropy", "reg": 0.01, "arithmetic": "native"}
    for key, difference in gradient_check(experiment, params, x, target).items():
        assert difference < 1e-7, f"{key}: backpropagation and central differences are {difference:.1e} apart"
    loss, grads = loss_and_gradients(experiment, params, x, target)
    in_r = r.call("loss_and_gradients", from_json(r, experiment), params, x, target)
    assert_close(in_r["loss"].item(), loss, "loss")
    for key, value in grads.items():
        assert_close(in_r["grads"][key], value, key)


def test_weights_are_drawn_as_pytorch_draws_them_in_both_languages(r):
    experiment = experiment_read("mnist_cnn")
    torch.manual_seed(experiment["seed"])
    model = CLASSIFIERS["mnist_cnn"][0]()
    ours = train_start(experiment)["params"]
    in_r = r.call("[[", r.call("train_start", from_json(r, experiment), convert=False), "params")
    for name, value in model.state_dict().items():
        key = name.replace("weight", "w").replace("bias", "b")
        theirs = value.double().numpy()
        assert_same_bits(ours[key], theirs.T if theirs.ndim == 2 else theirs, f"Python's {key}")
        assert_same_bits(in_r[key], ours[key], f"R's {key}")


def test_frozen_layers_keep_their_parameters_and_a_variant_starts_from_anothers(r, tmp_path, capsys):
    arguments = ["--with", "r,python,torch", "--maxit", "2", "--images", "200", "--json", "--output", str(tmp_path)]
    assert cli.main(["compare", "mnist_to_fashion", *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verdict"] in ("equal", "identical")
    assert set(report["variants"]) == {"mnist", "frozen", "fine_tuned", "from_scratch"}
    losses = {name: variant["r"]["loss"] for name, variant in report["variants"].items()}
    assert losses["frozen"][0] == losses["fine_tuned"][0] != losses["from_scratch"][0]
    assert losses["frozen"][1] != losses["fine_tuned"][1]
    assert (tmp_path / "mnist_to_fashion" / "images_frozen.png").stat().st_size > 10_000


def test_training_leaves_what_is_frozen_in_every_bit(r):
    experiment = short("mnist_to_fashion", images=200)
    model = [{**layer, "frozen": True} if layer["type"] == "conv2d" else layer for layer in experiment["model"]]
    experiment = experiment_check({**experiment, "model": model, "variants": {}})
    data, start = experiment_data(experiment), train_start(experiment)
    after = train(experiment, data, start, 2)["params"]
    in_json = from_json(r, experiment)
    r_data, r_start = (r.call(name, in_json, convert=False) for name in ("experiment_data", "train_start"))
    in_r = r.call("train", in_json, r_data, r_start, 2)["params"]
    trained = trained_params(model, start["params"])
    assert list(trained) == ["affine1.w", "affine1.b", "affine2.w", "affine2.b", "affine3.w", "affine3.b"]
    for key, value in start["params"].items():
        changed = not np.array_equal(after[key], value)
        assert changed == (key in trained), key
        assert_close(in_r[key], after[key], key)


def test_an_experiment_that_starts_from_another_says_what_it_needs(r):
    experiment = experiment_read("mnist_to_fashion")
    experiment = {**experiment, "init": {"name": "torch", "source": "mnist", "layers": ["conv1"]}}
    with pytest.raises(ValueError, match=r"`source` must be the trained parameters of mnist, conv1.w among them"):
        train_start(experiment)
    with pytest.raises(RError, match=r"`source` must be the trained parameters of mnist, conv1.w among them"):
        r.call("train_start", from_json(r, experiment))


UNSOUND = {
    "an affine layer on images": (
        [IMAGES, ALL_LAYERS[-1]],
        '`type of affine1` must be flatten first, where images reach it, not "affine".',
    ),
    "a convolution on rows": (
        [{**ALL_LAYERS[-1], "d_out": 30}, conv()],
        '`type of conv1` must be unflatten first, where rows reach it, not "conv2d".',
    ),
    "other channels": (
        [IMAGES, conv(in_channels=3)],
        "`in_channels of conv1` must be 1, the number of channels that reach the layer, not 3.",
    ),
    "a kernel larger than the image": (
        [IMAGES, conv(kernel_size=[3, 6])],
        "`kernel_size of conv1` must be from 1 x 1 to 6 x 5, the size of the padded images that reach the layer, "
        "not (3, 6).",
    ),
    "a pool larger than the image": (
        [IMAGES, {"name": "pool1", "type": "max_pool2d", "size": 7}],
        "`size of pool1` must be from 1 x 1 to 6 x 5, the size of the padded images that reach the layer, not 7.",
    ),
    "a stride of 0": ([conv(stride=0)], "`stride of conv1` must be one or two whole numbers of at least 1, not 0."),
    "images of another size": (
        [IMAGES, {"name": "again", "type": "unflatten", "shape": [1, 6, 6]}],
        "`shape of again` must be for 30 values, those that reach the layer, not (1, 6, 6).",
    ),
    "frozen neither true nor false": (
        [conv(frozen="yes")],
        '`frozen of conv1` must be true or false, not "yes".',
    ),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_layers_that_do_not_fit_are_refused_by_name(r, case):
    model, message = UNSOUND[case]
    with pytest.raises(ValueError) as caught:
        model_check(model)
    assert str(caught.value) == message
    with pytest.raises(RError) as caught_in_r:
        r.call("model_check", from_json(r, model))
    assert caught_in_r.value.message.split(", not ")[0] == message.split(", not ")[0]


def test_images_of_another_size_are_refused(r):
    experiment = short("mnist_cnn_small")
    params = train_start(experiment)["params"]
    message = r"`x` must be an array of numbers \(n, 784\): a row holds the 1 x 28 x 28 numbers of a sample"
    with pytest.raises(ValueError, match=message):
        model_outputs(experiment, params, np.zeros((2, 783)))
    with pytest.raises(RError, match=message):
        r.call("model_outputs", from_json(r, experiment), params, np.zeros((2, 783)))


def test_a_gpu_that_is_not_there_is_refused_before_anything_is_trained(capsys, tmp_path):
    if torch.cuda.is_available():
        experiment = short("mnist_cnn_small", maxit=3)
        data = experiment_data(experiment)
        voices = [TorchVoice(experiment, data, device=device) for device in ("cpu", "cuda")]
        for voice in voices:
            voice.train(3)
        assert_close(voices[1].loss, voices[0].loss, "the GPU's losses and the CPU's", rtol=1e-9)
    else:
        arguments = ["compare", "mnist_cnn_small", "--with", "python,torch", "--device", "cuda"]
        assert cli.main([*arguments, "--output", str(tmp_path)]) == 2
        assert "`device` must be auto or cpu: PyTorch finds no CUDA GPU here" in capsys.readouterr().err
        assert not list(tmp_path.iterdir())


def test_images_and_epochs_say_how_many_steps_there_are(r):
    for overrides, steps in [
        ({"images": 250}, 3),
        ({"images": 250, "epochs": 4}, 12),
        ({"epochs": 2}, 120),
        ({"images": 250, "maxit": 7}, 7),
    ]:
        changed = experiment_override(experiment_read("mnist_cnn"), **overrides)
        in_r = r.call("experiment_override", r.call("experiment_read", "mnist_cnn", convert=False), **overrides)
        assert changed["maxit"] == in_r["maxit"].item() == steps
        assert changed["data"]["train"] == in_r["data"]["train"].item() == overrides.get("images", 6000)
    with pytest.raises(ValueError, match="`images` must be left out: the experiment has no batches of images, not 5"):
        experiment_override(experiment_read("iris_dnn"), images=5)
    with pytest.raises(ValueError, match="`maxit` must be left out where `epochs` is given, not 3"):
        experiment_override(experiment_read("mnist_cnn"), maxit=3, epochs=1)
