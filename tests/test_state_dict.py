"""Train in R, load in PyTorch, and the reverse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bit_patterns import assert_same_bits
from twinnet.checkpoint import params_read, params_write
from twinnet.experiment import experiment_data, experiment_read
from twinnet.torch_twin.classifiers import Net
from twinnet.torch_twin.state_dict import params_from_state_dict, params_to_state_dict
from twinnet.train import model_outputs, train_start
from twins import assert_close


@pytest.fixture(scope="module")
def experiment():
    return {**experiment_read("mnist_cnn_small"), "data": {"name": "fashion_mnist", "train": 100, "test": 30}}


@pytest.fixture(scope="module")
def data(experiment):
    return experiment_data(experiment)


def outputs_of(module, data):
    with torch.no_grad():
        return module(torch.tensor(data["x_test"][:, None]).double() / 255).numpy()


def test_what_r_trained_is_loaded_in_pytorch(r, tmp_path, experiment, data):
    path = tmp_path / "net.safetensors"
    outputs = r.eval(
        """function(path) {
      experiment <- experiment_read("mnist_cnn_small")
      experiment[["data"]] <- list(name = "fashion_mnist", train = 100, test = 30)
      data <- experiment_data(experiment)
      run <- train(experiment, data, train_start(experiment), 1)
      params_write(path, run[["params"]])
      model_outputs(experiment, run[["params"]], data[["x_test"]])
    }""",
        convert=False,
    )(r.to_r(str(path)))
    module = Net().double()
    module.load_state_dict(params_to_state_dict(experiment["model"], params_read(path, experiment)))
    assert_close(outputs_of(module, data), r.from_r(outputs), "outputs")


def test_what_pytorch_has_is_loaded_in_r_and_in_numpy(r, tmp_path, experiment, data):
    torch.manual_seed(7)
    module = Net().double()
    params = params_from_state_dict(experiment["model"], module.state_dict())
    path = tmp_path / "net.safetensors"
    params_write(path, params)
    theirs = r.call("params_read", str(path), r.call("experiment_read", "mnist_cnn_small", convert=False))
    for key, value in params_read(path, experiment).items():
        assert_same_bits(value, params[key], key)
        assert_same_bits(value, theirs[key], f"{key} in R")
    assert_close(model_outputs(experiment, params, data["x_test"]), outputs_of(module, data), "outputs")


def test_a_state_dict_goes_there_and_back(experiment):
    params = train_start(experiment)["params"]
    state = params_to_state_dict(experiment["model"], params)
    assert list(state) == list(Net().state_dict())
    assert {name: value.shape for name, value in state.items()} == {
        name: value.shape for name, value in Net().state_dict().items()
    }
    back = params_from_state_dict(experiment["model"], state)
    for key, value in params.items():
        assert_same_bits(back[key], value, key)
        back[key][...] = 0
    for key, value in params_from_state_dict(experiment["model"], state).items():
        assert np.abs(value).max() > 0, f"{key}: a copy"


def test_float32_stays_float32_and_becomes_the_experiments_dtype_when_it_is_read(tmp_path, experiment):
    module = Net()
    params = params_from_state_dict(experiment["model"], module.state_dict())
    assert {value.dtype for value in params.values()} == {np.dtype(np.float32)}
    params_write(tmp_path / "single", params)
    for key, value in params_read(tmp_path / "single", experiment).items():
        assert_same_bits(value, params[key].astype(np.float64), key)


def test_a_state_dict_of_another_model_is_refused(experiment):
    state = dict(Net().state_dict())
    state["affine3.weight"] = state.pop("affine2.weight")
    with pytest.raises(ValueError, match="`state_dict` must be that of a module with conv1.weight, conv1.bias, "):
        params_from_state_dict(experiment["model"], state)
