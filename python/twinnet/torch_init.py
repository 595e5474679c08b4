"""PyTorch's initial weights: those that ``nn.Linear`` and ``nn.Conv2d`` start from, Kaiming's and Xavier's.

With fan_in inputs to each output, Kaiming's uniform numbers go up to ``gain * sqrt(3 / fan_in)`` in size, and
his normal ones have the standard deviation ``gain / sqrt(fan_in)`` (He et al., 2015, "Delving deep into
rectifiers"). Xavier's are alike, with the mean of fan_in and fan_out (Glorot and Bengio, 2010, "Understanding
the difficulty of training deep feedforward neural networks"). A layer starts from Kaiming's uniform numbers
with gain ``sqrt(1/3)``, then draws its biases. Source: PyTorch's torch/nn/init.py, torch/nn/modules/linear.py
and conv.py. Shapes are PyTorch's: weights (d_out, d_in), kernels (out_channels, in_channels, height, width).
Twin: r/R/torch_init.R.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from twinnet._types import AnyArray
from twinnet.checks import check_argument, check_choice, check_flag, check_number, check_whole
from twinnet.generator_torch import TorchGenerator

__all__ = [
    "calculate_gain",
    "conv2d_init",
    "fan_in_and_fan_out",
    "kaiming_normal_",
    "kaiming_uniform_",
    "linear_init",
    "xavier_normal_",
    "xavier_uniform_",
]

TORCH_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def linear_init(
    generator: TorchGenerator, d_in: int, d_out: int, dtype: str = "float32", bias: bool = True
) -> dict[str, AnyArray]:
    """Draw what ``torch.nn.Linear(d_in, d_out)`` starts from.

    Parameters
    ----------
    generator : TorchGenerator
    d_in, d_out : int
        Sizes of the input and the output, at least 1.
    dtype : {"float32", "float64"}
    bias : bool
        Whether the layer has biases.

    Returns
    -------
    dict
        ``weight``, shape (d_out, d_in), and ``bias``, shape (d_out,), if any.
    """
    shape = (check_whole(d_out, "d_out", 1), check_whole(d_in, "d_in", 1))
    return layer_init(generator, shape, dtype, bias)


def conv2d_init(
    generator: TorchGenerator,
    in_channels: int,
    out_channels: int,
    kernel_size: int | Sequence[int],
    dtype: str = "float32",
    bias: bool = True,
) -> dict[str, AnyArray]:
    """Draw what ``torch.nn.Conv2d(in_channels, out_channels, kernel_size)`` starts from.

    Parameters
    ----------
    generator : TorchGenerator
    in_channels, out_channels : int
        Numbers of channels, at least 1.
    kernel_size : int or sequence of two int
        The kernel's height and width; one number stands for both.
    dtype : {"float32", "float64"}
    bias : bool
        Whether the layer has biases.

    Returns
    -------
    dict
        ``weight``, shape (out_channels, in_channels, height, width), and ``bias``, shape (out_channels,), if
        any.
    """
    sizes = check_init_shape(kernel_size, "kernel_size")
    check_argument(len(sizes) <= 2, "kernel_size", kernel_size, "one size or two")
    channels = (check_whole(out_channels, "out_channels", 1), check_whole(in_channels, "in_channels", 1))
    return layer_init(generator, (*channels, sizes[0], sizes[-1]), dtype, bias)


def kaiming_uniform_(
    generator: TorchGenerator,
    shape: Sequence[int],
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: str = "float32",
) -> AnyArray:
    """Draw as ``torch.nn.init.kaiming_uniform_`` fills a tensor.

    Parameters
    ----------
    generator : TorchGenerator
    shape : sequence of int
        The tensor's sizes: outputs, inputs and, for a kernel, its extents.
    a : float
        The slope of a leaky ReLU; not used with other non-linearities.
    mode : {"fan_in", "fan_out"}
        Whether the variance is kept in the forward or in the backward pass.
    nonlinearity : str
        The function that follows the layer, as `calculate_gain` names it.
    dtype : {"float32", "float64"}

    Returns
    -------
    ndarray of that shape and dtype
    """
    bound = math.sqrt(3) * kaiming_std(shape, a, mode, nonlinearity)
    return generator.uniform_(shape, -bound, bound, dtype)


def kaiming_normal_(
    generator: TorchGenerator,
    shape: Sequence[int],
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    dtype: str = "float32",
) -> AnyArray:
    """Draw as ``torch.nn.init.kaiming_normal_`` fills a tensor; its arguments are `kaiming_uniform_`'s.

    Parameters
    ----------
    generator : TorchGenerator
    shape : sequence of int
    a : float
    mode : {"fan_in", "fan_out"}
    nonlinearity : str
    dtype : {"float32", "float64"}

    Returns
    -------
    ndarray of that shape and dtype
    """
    return generator.normal_(shape, 0, kaiming_std(shape, a, mode, nonlinearity), dtype)


def xavier_uniform_(
    generator: TorchGenerator, shape: Sequence[int], gain: float = 1, dtype: str = "float32"
) -> AnyArray:
    """Draw as ``torch.nn.init.xavier_uniform_`` fills a tensor.

    Parameters
    ----------
    generator : TorchGenerator
    shape : sequence of int
        The tensor's sizes: outputs, inputs and, for a kernel, its extents.
    gain : float
        A factor, at least 0.
    dtype : {"float32", "float64"}

    Returns
    -------
    ndarray of that shape and dtype
    """
    bound = math.sqrt(3) * xavier_std(shape, gain)
    return generator.uniform_(shape, -bound, bound, dtype)


def xavier_normal_(
    generator: TorchGenerator, shape: Sequence[int], gain: float = 1, dtype: str = "float32"
) -> AnyArray:
    """Draw as ``torch.nn.init.xavier_normal_`` fills a tensor; its arguments are `xavier_uniform_`'s.

    Parameters
    ----------
    generator : TorchGenerator
    shape : sequence of int
    gain : float
    dtype : {"float32", "float64"}

    Returns
    -------
    ndarray of that shape and dtype
    """
    return generator.normal_(shape, 0, xavier_std(shape, gain), dtype)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the gain that ``torch.nn.init.calculate_gain`` gives for a non-linearity.

    Parameters
    ----------
    nonlinearity : str
        "linear", "conv1d" to "conv3d", "conv_transpose1d" to "conv_transpose3d", "sigmoid", "tanh", "relu",
        "leaky_relu" or "selu".
    param : float, optional
        The slope of a leaky ReLU, 0.01 if left out; not used with other non-linearities.

    Returns
    -------
    float
    """
    check_choice(nonlinearity, "nonlinearity", [*TORCH_GAINS, "leaky_relu"])
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else check_number(param, "param")
        return math.sqrt(2 / (1 + slope**2))
    return TORCH_GAINS[nonlinearity]


def fan_in_and_fan_out(shape: Sequence[int]) -> tuple[int, int]:
    """Return how many numbers an output is made from, and how many outputs an input goes into.

    Parameters
    ----------
    shape : sequence of int
        A tensor's sizes, two or more: outputs, inputs and, for a kernel, its extents.

    Returns
    -------
    fan_in, fan_out : int
    """
    sizes = check_init_shape(shape, "shape")
    check_argument(len(sizes) >= 2, "shape", shape, "two sizes or more")
    extent = math.prod(sizes[2:])
    return sizes[1] * extent, sizes[0] * extent


def layer_init(generator: TorchGenerator, shape: Sequence[int], dtype: str, bias: bool) -> dict[str, AnyArray]:
    """Draw a layer's weights, then its biases."""
    check_flag(bias, "bias")
    weight = kaiming_uniform_(generator, shape, a=math.sqrt(5), dtype=dtype)
    if not bias:
        return {"weight": weight}
    bound = 1 / math.sqrt(fan_in_and_fan_out(shape)[0])
    return {"weight": weight, "bias": generator.uniform_(shape[0], -bound, bound, dtype)}


def kaiming_std(shape: Sequence[int], a: float, mode: str, nonlinearity: str) -> float:
    """Return the standard deviation of Kaiming's numbers."""
    fan_in, fan_out = fan_in_and_fan_out(shape)
    fan = fan_in if check_choice(mode, "mode", ["fan_in", "fan_out"]) == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def xavier_std(shape: Sequence[int], gain: float) -> float:
    """Return the standard deviation of Xavier's numbers."""
    fan_in, fan_out = fan_in_and_fan_out(shape)
    return check_number(gain, "gain", minimum=0) * math.sqrt(2 / (fan_in + fan_out))


def check_init_shape(value: int | Sequence[int], name: str) -> tuple[int, ...]:
    """Return `value` as sizes if it is one or more whole numbers of at least 1."""
    sizes = [value] if isinstance(value, int) else list(value)
    check_argument(len(sizes) > 0, name, value, "one size or more")
    return tuple(check_whole(size, name, 1) for size in sizes)
