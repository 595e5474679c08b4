"""Python's own way to call the network: a scikit-learn estimator. No twin: R's way is r/R/formula.R."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from twinnet._types import AnyArray, Array
from twinnet.dnn import DNN, fit_dnn
from twinnet.labels import predicted_classes

__all__ = ["DNNClassifier"]


class DNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Dense network of ReLU neurons and softmax, trained by full-batch gradient descent.

    The network of `twinnet.train_dnn` as a scikit-learn estimator.

    Parameters
    ----------
    hidden : int or sequence of int
        Neurons of each hidden layer.
    maxit : int
        Steps to take at most, at least 0.
    abstol : float
        Stop when the loss is at most this, at least 0.
    lr : float
        Learning rate, above 0.
    reg : float
        L2 strength, at least 0.
    display : int
        Print step and loss every so many steps; 0 for never.
    random_seed : int
        Seed of R's generator, which draws the initial weights.
    warm_start : bool
        Whether `fit` goes on from the model of the `fit` before.

    Attributes
    ----------
    classes_ : array, shape (k,)
        Class labels.
    model_ : DNN
        The trained network.
    loss_curve_ : array, shape (steps,)
        Loss at each step.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Number of inputs.
    """

    def __init__(
        self,
        hidden: int | Sequence[int] = (6,),
        maxit: int = 2000,
        abstol: float = 1e-2,
        lr: float = 1e-2,
        reg: float = 1e-3,
        display: int = 0,
        random_seed: int = 1,
        warm_start: bool = False,
    ) -> None:
        self.hidden = hidden
        self.maxit = maxit
        self.abstol = abstol
        self.lr = lr
        self.reg = reg
        self.display = display
        self.random_seed = random_seed
        self.warm_start = warm_start

    def fit(self, X: Any, y: Any) -> DNNClassifier:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.
        y : array, shape (n,)
            Labels.

        Returns
        -------
        DNNClassifier
            Itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        names = getattr(self, "feature_names_in_", [f"V{number + 1}" for number in range(X.shape[1])])
        self.model_: DNN = fit_dnn(
            np.asfortranarray(X),
            y,
            None,
            None,
            inputs=[str(name) for name in names],
            label="y",
            model=self.model_ if self.warm_start and hasattr(self, "model_") else None,
            hidden=self.hidden,
            maxit=self.maxit,
            abstol=self.abstol,
            lr=self.lr,
            reg=self.reg,
            display=self.display,
            random_seed=self.random_seed,
        )
        self.classes_: AnyArray = self.model_.classes
        self.loss_curve_: Array = self.model_.run["loss"]
        self.n_iter_: int = self.model_.run["step"]
        return self

    def predict_proba(self, X: Any) -> Array:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array, shape (n, d)

        Returns
        -------
        array, shape (n, k)
            One column for each of ``classes_``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.model_.probabilities(np.asfortranarray(X))

    def predict(self, X: Any) -> AnyArray:
        """Predict the class of each row.

        Parameters
        ----------
        X : array, shape (n, d)

        Returns
        -------
        array, shape (n,)
            Labels.
        """
        probabilities = self.predict_proba(X)
        labels: AnyArray = self.classes_[predicted_classes(probabilities)]
        return labels
