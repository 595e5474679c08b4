"""The types that annotations share. R has no annotations, so this file has no twin."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]  # or float32, where the experiment says so (dtypes)
IntArray: TypeAlias = npt.NDArray[np.int64]
AnyArray: TypeAlias = npt.NDArray[Any]
Params: TypeAlias = dict[str, Array]
Layer: TypeAlias = dict[str, Any]
Model: TypeAlias = list[Layer]
