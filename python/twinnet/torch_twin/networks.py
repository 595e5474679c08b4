"""A model's layers as PyTorch modules, a loss as a PyTorch function, an optimizer as one of torch.optim's.

PyTorch keeps the weights of a linear layer as (d_out, d_in), the transpose of ours; that appears here and nowhere else.
Kernels are (out_channels, in_channels, height, width) in both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from twinnet._types import Array, Model, Params
from twinnet.checks import check_argument, check_choice
from twinnet.model import trained_params
from twinnet.record import record
from twinnet.torch_twin import DEVICES

__all__ = ["Network", "Noise", "choose_device", "loss_function", "make_optimizer", "transposed"]

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
    "softmax": lambda: nn.Softmax(dim=1),
    "log_softmax": lambda: nn.LogSoftmax(dim=1),
}


def choose_device(device: str) -> str:
    """The device that PyTorch calculates on (the course's ``isgpu``, lesson C).

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Auto is a GPU if PyTorch can use one.

    Returns
    -------
    {"cpu", "cuda"}

    Raises
    ------
    ValueError
        If a GPU is asked for and PyTorch can use none.
    """
    check_choice(device, "device", DEVICES)
    usable = torch.cuda.is_available()
    must_be = "auto or cpu: PyTorch finds no CUDA GPU here, or is a build without CUDA"
    check_argument(usable or device != "cuda", "device", device, must_be)
    return "cuda" if usable and device != "cpu" else "cpu"


class Noise(nn.Module):
    """Dropout or noise whose random numbers are handed in, so that every voice can use the same ones."""

    def __init__(self, layer: dict[str, Any]) -> None:
        super().__init__()
        self.layer = layer
        self.draw: Callable[[dict[str, Any], tuple[int, ...]], Array] | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Drop or disturb elements of `x` in training; let everything pass otherwise."""
        if not self.training or self.draw is None:
            return x
        drawn = torch.as_tensor(self.draw(self.layer, tuple(x.shape)), dtype=x.dtype, device=x.device)
        return x * drawn / (1 - self.layer["p"]) if self.layer["type"] == "dropout" else x + drawn


class Network(nn.Module):
    """A model as a stack of PyTorch layers.

    Parameters
    ----------
    model : list of dict
        Its layers.
    dtype : str
        Of all its numbers, one of `twinnet.dtypes.DTYPES`.
    """

    def __init__(self, model: Model, dtype: str = "float64") -> None:
        super().__init__()
        self.model = model
        self.stack = nn.Sequential(*(self.make_layer(layer) for layer in model)).to(getattr(torch, dtype))

    @staticmethod
    def make_layer(layer: dict[str, Any]) -> nn.Module:
        """One layer."""
        match layer["type"]:
            case "affine":
                return nn.Linear(layer["d_in"], layer["d_out"])
            case "conv2d":
                channels, size = (layer["in_channels"], layer["out_channels"]), layer["kernel_size"]
                return nn.Conv2d(*channels, size, layer.get("stride", 1), layer.get("padding", 0))
            case "max_pool2d":
                return nn.MaxPool2d(layer["size"], layer.get("stride"))
            case "average_pool2d":
                return nn.AvgPool2d(layer["size"], layer.get("stride"))
            case "global_average_pool2d":
                return nn.AdaptiveAvgPool2d(1)
            case "unflatten":
                return nn.Unflatten(1, layer["shape"])
            case "flatten":
                return nn.Flatten()
            case "dropout" | "noise":
                return Noise(layer)
        check_argument(layer["type"] in ACTIVATIONS, "type", layer["type"], "a layer that PyTorch has")
        return ACTIVATIONS[layer["type"]]()

    def forward(self, x: Tensor) -> Tensor:
        """Outputs of the model, shape (n, d_in) to (n, d_out)."""
        outputs: Tensor = self.stack(x)
        return outputs

    def recorded(self, x: Tensor) -> list[Tensor]:
        """The output of every layer, recorded and with its gradient to be kept."""
        outputs: list[Tensor] = []
        for layer, module in zip(self.model, self.stack, strict=True):
            outputs.append(record("out", module(outputs[-1] if outputs else x), of=layer["name"]))
            if outputs[-1].requires_grad:
                outputs[-1].retain_grad()
        return outputs

    def record_gradients(self, outputs: list[Tensor], reg: float) -> None:
        """Record what went back through the layers, by the names and in the order of the twins."""
        record("loss.d_out", outputs[-1].grad)
        for layer, module, before in zip(
            self.model[::-1], list(self.stack)[::-1], [*outputs[-2::-1], None], strict=True
        ):
            for key, tensor in {"d_w": getattr(module, "weight", None), "d_b": getattr(module, "bias", None)}.items():
                grad = None if tensor is None else tensor.grad
                record(key, None if grad is None else transposed(grad.cpu().numpy()), of=layer["name"])
            record("d_x", None if before is None else before.grad, of=layer["name"])
        for key, tensor in self.named_arrays().items():
            if reg > 0 and tensor.grad is not None:
                decayed = tensor.grad + reg * tensor if key.endswith(".w") else tensor.grad
                record("grad", transposed(decayed.detach().cpu().numpy()), of=key)

    def named_arrays(self) -> dict[str, Tensor]:
        """The parameters by our keys, in PyTorch's shapes."""
        found: dict[str, Tensor] = {}
        for layer, module in zip(self.model, self.stack, strict=True):
            if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
                found[layer["w"]], found[layer["b"]] = module.weight, module.bias
        return found

    @torch.no_grad()
    def load(self, params: Params) -> None:
        """Take over parameters of ours; those of frozen layers will stay as they are."""
        trained = trained_params(self.model, params)
        for key, tensor in self.named_arrays().items():
            tensor.copy_(torch.as_tensor(transposed(params[key])))
            tensor.requires_grad_(key in trained)

    def params(self) -> Params:
        """The parameters as ours."""
        return {key: transposed(tensor.detach().cpu().numpy()).copy() for key, tensor in self.named_arrays().items()}


def transposed(value: Array) -> Array:
    """A parameter as the other side keeps it: the weights of a linear layer transposed, all else as it is."""
    return np.ascontiguousarray(value.T) if value.ndim == 2 else value


def loss_function(loss: str) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss of `twinnet.objectives.LOSSES` in PyTorch's words, for the same targets."""
    return {
        "softmax_cross_entropy": functional.cross_entropy,
        "cross_entropy": lambda out, target: -(target * torch.log(out)).sum() / len(out),
        "nll": lambda out, target: functional.nll_loss(out, target.argmax(dim=1)),
        "sigmoid_binary_cross_entropy": functional.binary_cross_entropy_with_logits,
        "half_mean_squared_error": lambda out, target: 0.5 * ((out - target) ** 2).sum() / len(out),
    }[loss]


def make_optimizer(optimizer: dict[str, Any], network: Network, reg: float) -> torch.optim.Optimizer:
    """An optimizer of ours as one of torch.optim's; the L2 strength becomes the weights' weight decay.

    Parameters
    ----------
    optimizer : dict
        From `twinnet.optimizers.optimizer_check`.
    network : Network
    reg : float
        L2 strength.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    ValueError
        If PyTorch has no such optimizer.
    """
    named = {key: value for key, value in network.named_arrays().items() if value.requires_grad}
    groups = [
        {"params": [value for key, value in named.items() if key.endswith(".w")], "weight_decay": reg},
        {"params": [value for key, value in named.items() if not key.endswith(".w")], "weight_decay": 0.0},
    ]
    settings = {key: value for key, value in optimizer.items() if key not in ("name", "rule", "weight_decay")}
    has_it = optimizer.get("rule", "pytorch") == "pytorch" and optimizer["name"] != "momentum"
    must_be = "one that PyTorch has, where PyTorch is one of the voices"
    check_argument(has_it, "optimizer", optimizer["name"], must_be)
    if "beta1" in settings:
        settings["betas"] = (settings.pop("beta1"), settings.pop("beta2"))
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "gradient_descent": torch.optim.SGD,
        "sgd": torch.optim.SGD,
        "nesterov": torch.optim.SGD,
        "adagrad": torch.optim.Adagrad,
        "adadelta": torch.optim.Adadelta,
        "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam,
    }
    return kinds[optimizer["name"]](groups, **settings, foreach=False)
