"""The exact kernels in PyTorch, as operations that autograd knows: the same bits as the twins', on any number of threads.

They are `twinnet.exact_product`, `exact_sums` and `exact_functions` once more, in PyTorch's operations and with its own
BLAS, and each layer is built of them in the twins' order. What an operation of PyTorch's does in one way only (a sum of
two tensors, a maximum, indexing) is left to it. `torch.optim` fuses products and sums, so the update is the twins'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from twinnet._types import Params
from twinnet.checks import check_choice
from twinnet.conv2d import rows_that_saw
from twinnet.exact_functions import EXP_SERIES, INV_LN2, LN2_HIGH, LN2_LOW, LOG_SERIES, SQRT_HALF, UNIT
from twinnet.exact_product import TERMS_OF_A_TREE, slice_constants
from twinnet.l2 import l2_gradients
from twinnet.model import trained_params
from twinnet.optimizers import optimizer_init, optimizer_step
from twinnet.torch_twin.networks import Network, Noise, transposed

__all__ = ["EXACT_LOSSES", "ExactNetwork", "ExactOptimizer"]

Operation = Callable[..., Tensor]


# ---- the kernels ----------------------------------------------------------------------------------------------------


def in_float64(kernel: Operation) -> Operation:
    """A kernel of float64 tensors as one of float32 tensors too, as `twinnet.kernels` has it."""

    def in_their_dtype(*tensors: Tensor) -> Tensor:
        if tensors[0].dtype != torch.float32:
            return kernel(*tensors)
        return kernel(*(tensor.double() for tensor in tensors)).float()

    return in_their_dtype


@in_float64
def product(a: Tensor, b: Tensor) -> Tensor:
    """Products of each row of `a` (n, k) with each row of `b` (m, k), shape (n, m)."""
    (n, k), m = a.shape, len(b)
    if n * m * k <= TERMS_OF_A_TREE:
        return tree_sum(b.T[:, :, None] * a.T[:, None, :]).T + 0.0
    a1, a2, a3 = slices(a)
    b1, b2, b3 = slices(b)
    low = a1 @ b3.T + a2 @ b2.T + a3 @ b1.T
    middle = a1 @ b2.T + a2 @ b1.T
    return a1 @ b1.T + (middle + (low + 0.0))


def slices(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The three slices of a matrix."""
    smallest, lift, shift1, shift2, shift3 = slice_constants(x.shape[1])
    lifted = x.abs().amax(dim=1, keepdim=True).clamp(min=smallest) * lift
    power = lifted - lifted * (1.0 - UNIT)
    first = cut(x, power * shift1)
    rest = x - first
    second = cut(rest, power * shift2)
    return first, second, cut(rest - second, power * shift3)


def cut(x: Tensor, shift: Tensor) -> Tensor:
    """What of `x` is left when it is added to a much larger number."""
    return (x + shift) - shift


@in_float64
def tree_sum(x: Tensor) -> Tensor:
    """Sum over the first axis: the last half is added to the first until one is left."""
    while len(x) > 1:
        half = len(x) // 2
        x = torch.cat([x[:half] + x[len(x) - half :], x[half : len(x) - half]])
    return x[0]


@in_float64
def row_sums(x: Tensor) -> Tensor:
    """Sum of each row, shape (n, 1)."""
    return tree_sum(x.T)[:, None]


@in_float64
def array_sum(x: Tensor) -> Tensor:
    """Sum of all elements, the first index running fastest."""
    return tree_sum(x.permute(*reversed(range(x.ndim))).reshape(-1))


@in_float64
def sum_of_products(a: Tensor, b: Tensor) -> Tensor:
    """Sum over all elements of ``a b``, the first index running fastest."""
    return array_sum(a * b)


def row_maxima(x: Tensor) -> Tensor:
    """Largest element of each row, shape (n, 1)."""
    return x.amax(dim=1, keepdim=True) + 0.0


@in_float64
def exp(x: Tensor) -> Tensor:
    """Exponential of each element."""
    k, e = reduced_expm1(x.clamp(-746.0, 710.0))
    return scaled(e + 1.0, k)


@in_float64
def log(x: Tensor) -> Tensor:
    """Natural logarithm of each element."""
    m, k = torch.frexp(x)
    small = (m < SQRT_HALF).double()
    f, k = m + m * small - 1.0, k - small
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    found = k * LN2_HIGH - ((half - (s * (half + z * horner(z, LOG_SERIES)) + k * LN2_LOW)) - f)
    edge = torch.where(x == 0.0, -torch.inf, torch.where(x > 0.0, torch.inf, torch.nan))
    return torch.where((x > 0.0) & (x < torch.inf), found, edge)


@in_float64
def log1p(x: Tensor) -> Tensor:
    """Natural logarithm of 1 + x for each element of at most 1."""
    u = 1.0 + x
    return log(u) + (x - (u - 1.0)) / u.clamp(min=UNIT)


@in_float64
def tanh(x: Tensor) -> Tensor:
    """Hyperbolic tangent of each element."""
    k, e = reduced_expm1(-2.0 * x.abs().clamp(max=22.0))
    power = scaled(torch.ones_like(x), k)
    e = power * e + (power - 1.0)
    return (-x).sign() * (e / (2.0 + e))


def sigmoid(x: Tensor) -> Tensor:
    """Logistic sigmoid of each element."""
    return 1.0 / (1.0 + exp(-x))


def reduced_expm1(x: Tensor) -> tuple[Tensor, Tensor]:
    """Whole numbers k, and exp(r) - 1 where x = k ln(2) + r with r at most ln(2) / 2 in size."""
    k = (x * INV_LN2).round()
    low = k * LN2_LOW
    high = x - k * LN2_HIGH
    r = high - low
    t = r * r
    c = r - t * horner(t, EXP_SERIES)
    return k, high - (low - r * c / (2.0 - c))


def horner(t: Tensor, series: tuple[float, ...]) -> Tensor:
    """``series[0] + t (series[1] + t (series[2] + ...))``."""
    total = t * series[-1]
    for coefficient in series[-2:0:-1]:
        total = (total + coefficient) * t
    return total + series[0]


def scaled(x: Tensor, k: Tensor) -> Tensor:
    """``2^k x`` for whole numbers k: in two steps, since 2^k need not be a normal number."""
    half = (k / 2.0).floor()
    return x * power_of_two(half) * power_of_two(k - half)


def power_of_two(k: Tensor) -> Tensor:
    """``2^k`` for whole numbers k from -1022 to 1023: k is the exponent in the number's bits."""
    return ((k.nan_to_num().long() + 1023) << 52).view(torch.float64)


# ---- the operations -------------------------------------------------------------------------------------------------


def operation(forward: Callable[..., Tensor], backward: Callable[..., Any]) -> Operation:
    """An operation for autograd: ``forward(*inputs)``, and ``backward(d_out, out, *inputs)`` with a gradient of each."""

    class Applied(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Tensor) -> Tensor:
            out = forward(*inputs)
            ctx.save_for_backward(out, *inputs)
            return out

        @staticmethod
        def backward(ctx: Any, d_out: Tensor) -> Any:
            return backward(d_out, *ctx.saved_tensors)

    return Applied.apply


def log_softmax_of(x: Tensor) -> Tensor:
    """The logarithm of softmax."""
    z = x - row_maxima(x)
    return z - log(row_sums(exp(z)))


def softmax_of(x: Tensor) -> Tensor:
    """Probabilities from scores."""
    e = exp(x - row_maxima(x))
    return e / row_sums(e)


affine = operation(
    lambda x, w, b: product(x, w) + b,
    lambda d_out, out, x, w, b: (product(d_out, w.T), product(d_out.T, x.T), tree_sum(d_out)),
)
ACTIVATIONS: dict[str, Operation] = {
    "identity": lambda x: x,
    "relu": operation(torch.relu, lambda d_out, out, x: d_out * out.sign()),
    "leaky_relu": operation(
        lambda x: torch.maximum(x, 0.01 * x), lambda d_out, out, x: d_out * out.sign().clamp(min=0.01)
    ),
    "sigmoid": operation(sigmoid, lambda d_out, out, x: d_out * (out * (1.0 - out))),
    "tanh": operation(tanh, lambda d_out, out, x: d_out * (1.0 - out * out)),
    "softmax": operation(softmax_of, lambda d_out, out, x: out * (d_out - row_sums(d_out * out))),
    "log_softmax": operation(log_softmax_of, lambda d_out, out, x: d_out - exp(out) * row_sums(d_out)),
}
EXACT_LOSSES: dict[str, Operation] = {
    "softmax_cross_entropy": operation(
        lambda x, target: -sum_of_products(target, log_softmax_of(x)) / len(x),
        lambda d_out, out, x, target: (d_out * ((softmax_of(x) - target) / len(x)), None),
    ),
    "cross_entropy": operation(
        lambda p, target: -sum_of_products(target, log(torch.where(target == 0.0, 1.0, p))) / len(p),
        lambda d_out, out, p, target: (d_out * (-target / (len(p) * torch.where(target == 0.0, 1.0, p))), None),
    ),
    "nll": operation(
        lambda log_p, target: -sum_of_products(target, torch.where(target == 0.0, 0.0, log_p)) / len(log_p),
        lambda d_out, out, log_p, target: (d_out * (-target / len(log_p)), None),
    ),
    "sigmoid_binary_cross_entropy": operation(
        lambda x, target: array_sum(torch.relu(x) - x * target + log1p(exp(-x.abs()))) / x.numel(),
        lambda d_out, out, x, target: (d_out * ((sigmoid(x) - target) / x.numel()), None),
    ),
    "half_mean_squared_error": operation(
        lambda x, target: sum_of_products(x - target, x - target) / (2.0 * len(x)),
        lambda d_out, out, x, target: (d_out * ((x - target) / len(x)), None),
    ),
}


def convolution(stride: Sequence[int], padding: Sequence[int]) -> Operation:
    """A convolution, row by row of its output, as `twinnet.conv2d`."""

    def rows_of(x: Tensor, size: Sequence[int]) -> Tensor:
        """What the kernels see: for each row of the output a matrix (across n, kh kw c)."""
        padded = nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))
        seen = padded.unfold(2, size[0], stride[0]).unfold(3, size[1], stride[1])  # (n, c, down, across, kh, kw)
        seen = seen.permute(2, 3, 0, 4, 5, 1)
        return seen.reshape(seen.shape[0], seen.shape[1] * seen.shape[2], -1)

    def forward(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        kernels = w.permute(0, 2, 3, 1).reshape(len(w), -1)
        out = torch.stack([product(seen, kernels) + b for seen in rows_of(x, w.shape[2:])])  # (down, across n, o)
        return out.reshape(len(out), -1, len(x), len(w)).permute(2, 3, 0, 1)

    def backward(d_out: Tensor, out: Tensor, x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (o, c, kh, kw), (n, _, _, across) = w.shape, d_out.shape
        d_rows = d_out.permute(2, 3, 0, 1).reshape(d_out.shape[2], across * n, o)
        d_kernels, d_b = w.new_zeros(o, kh * kw * c), torch.zeros_like(b)
        d_x = nn.functional.pad(torch.zeros_like(x), (padding[1], padding[1], padding[0], padding[0]))
        for d_row, seen in zip(d_rows, rows_of(x, (kh, kw)), strict=True):
            d_kernels += product(d_row.T, seen.T)
            d_b += tree_sum(d_row)
        for row in range(d_x.shape[2]):
            rows, heights = rows_that_saw(row, len(d_rows), kh, stride[0])
            if len(heights) == 0:
                continue
            d_seen = torch.cat([*d_rows[rows]], dim=1)
            seen_with = w.permute(2, 3, 1, 0)[heights].permute(1, 2, 0, 3).reshape(kw * c, -1)
            d_patches = product(d_seen, seen_with).reshape(across, n, kw, c).permute(2, 1, 3, 0)
            for j in range(kw):
                d_x[:, :, row, j : j + stride[1] * (across - 1) + 1 : stride[1]] += d_patches[j]
        height, width = d_x.shape[2:]
        d_x = d_x[:, :, padding[0] : height - padding[0], padding[1] : width - padding[1]]
        return d_x, d_kernels.reshape(o, kh, kw, c).permute(0, 3, 1, 2), d_b

    return operation(forward, backward)


# ---- the network ----------------------------------------------------------------------------------------------------


class ExactLinear(nn.Linear):
    """An affine layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n, d_out) from inputs (n, d_in)."""
        return affine(x, self.weight, self.bias)


class ExactConv2d(nn.Conv2d):
    """A convolution."""

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (n, o, oh, ow) from inputs (n, c, h, w)."""
        return convolution(self.stride, (int(self.padding[0]), int(self.padding[1])))(x, self.weight, self.bias)


class ExactActivation(nn.Module):
    """A function of each element or of each row."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.function = ACTIVATIONS[kind]

    def forward(self, x: Tensor) -> Tensor:
        """The function's values."""
        return self.function(x)


class ExactNoise(Noise):
    """Dropout that multiplies by the mask divided by the probability of being kept, in this order; or noise."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop or disturb elements of `x` in training; let everything pass otherwise."""
        if not self.training or self.draw is None:
            return x
        drawn = torch.as_tensor(self.draw(self.layer, tuple(x.shape)), dtype=x.dtype)
        return x * (drawn / (1.0 - self.layer["p"])) if self.layer["type"] == "dropout" else x + drawn


class ExactNetwork(Network):
    """A model as a stack of layers whose every bit is the twins'.

    Parameters
    ----------
    model : list of dict
        Its layers; of pools, max pools alone.
    """

    @staticmethod
    def make_layer(layer: dict[str, Any]) -> nn.Module:
        """One layer."""
        match layer["type"]:
            case "affine":
                return ExactLinear(layer["d_in"], layer["d_out"])
            case "conv2d":
                channels, size = (layer["in_channels"], layer["out_channels"]), layer["kernel_size"]
                return ExactConv2d(*channels, size, layer.get("stride", 1), layer.get("padding", 0))
            case "dropout" | "noise":
                return ExactNoise(layer)
            case "max_pool2d" | "unflatten" | "flatten":
                return Network.make_layer(layer)
        check_choice(layer["type"], "type", tuple(ACTIVATIONS))
        return ExactActivation(layer["type"])


class ExactOptimizer:
    """The twins' update of the parameters: torch.optim's fuses a product with a sum, which rounds once less.

    Parameters
    ----------
    optimizer : dict
        From `twinnet.optimizers.optimizer_check`.
    network : Network
    reg : float
        L2 strength.
    """

    def __init__(self, optimizer: dict[str, Any], network: Network, reg: float) -> None:
        self._optimizer, self._network, self._reg = optimizer, network, reg
        self.twin_state = optimizer_init(optimizer, trained_params(network.model, network.params()))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._network.zero_grad()

    @torch.no_grad()
    def step(self) -> None:
        """Update the parameters."""
        named = {key: tensor for key, tensor in self._network.named_arrays().items() if tensor.grad is not None}
        params: Params = {key: transposed(tensor.detach().numpy()) for key, tensor in named.items()}
        grads: Params = {
            key: transposed(tensor.grad.numpy()) for key, tensor in named.items() if tensor.grad is not None
        }
        grads = l2_gradients(params, grads, self._reg)
        params, self.twin_state = optimizer_step(self._optimizer, params, grads, self.twin_state)
        for key, tensor in named.items():
            tensor.copy_(torch.as_tensor(np.ascontiguousarray(transposed(params[key]))))
