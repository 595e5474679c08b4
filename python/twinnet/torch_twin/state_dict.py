"""Parameters of ours as a PyTorch ``state_dict``, and back: train in R, load in PyTorch, and the reverse.

A layer's weights are ``NAME.weight`` and ``NAME.bias``, after the layer's name: what a module has whose attributes bear
the names of our layers, such as those of `twinnet.torch_twin.classifiers`. R's part is ``params_write`` and
``params_read``: a file of `twinnet.checkpoint.params_read` and `twinnet.checkpoint.params_write`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from twinnet._types import Model, Params
from twinnet.checks import check_argument
from twinnet.torch_twin.networks import transposed

__all__ = ["params_from_state_dict", "params_to_state_dict"]


def params_to_state_dict(model: Model, params: Params) -> dict[str, Tensor]:
    """A state dict for ``torch.nn.Module.load_state_dict``.

    Parameters
    ----------
    model : list of dict
    params : dict of arrays
        As R's or NumPy's ``train`` returns them.

    Returns
    -------
    dict of Tensor
        In the layers' order; of the parameters' dtype, copies.
    """
    return {name: torch.tensor(transposed(params[key])) for key, name in state_names(model).items()}


def params_from_state_dict(model: Model, state_dict: Mapping[str, Tensor]) -> Params:
    """The parameters that a module's ``state_dict()`` holds.

    Parameters
    ----------
    model : list of dict
    state_dict : mapping of Tensor
        Its names are those of the model's layers.

    Returns
    -------
    dict of arrays
        Of the tensors' dtype, copies.

    Raises
    ------
    ValueError
        If the names are not those of the model.
    """
    names = state_names(model)
    must_be = f"that of a module with {', '.join(names.values())}"
    check_argument(sorted(state_dict) == sorted(names.values()), "state_dict", list(state_dict), must_be)
    return {key: transposed(state_dict[name].detach().cpu().numpy()).copy() for key, name in names.items()}


def state_names(model: Model) -> dict[str, str]:
    """PyTorch's name of each parameter of a model."""
    layers = [layer for layer in model if "w" in layer]
    ends = (("w", "weight"), ("b", "bias"))
    return {layer[ours]: f"{layer['name']}.{theirs}" for layer in layers for ours, theirs in ends}
