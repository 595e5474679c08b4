"""twinnet: every network of a course, written twice, from scratch, in R and in Python, and proven equal.

The modules stand beside files of the same name in r/R: the same functions, arguments and order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinnet.dnn import DNN, ConvergenceWarning, train_dnn
from twinnet.kernels import arithmetic
from twinnet.record import record, record_phase, record_step, recording

if TYPE_CHECKING:
    from twinnet.estimator import DNNClassifier, DNNRegressor

__all__ = [
    "DNN",
    "ConvergenceWarning",
    "DNNClassifier",
    "DNNRegressor",
    "arithmetic",
    "record",
    "record_phase",
    "record_step",
    "recording",
    "train_dnn",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import scikit-learn, which takes a second, only when its estimators are asked for."""
    if name in ("DNNClassifier", "DNNRegressor"):
        from twinnet import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module 'twinnet' has no attribute {name!r}")
