"""Python's own way to call the networks: scikit-learn estimators. No twin: R's way is r/R/formula.R."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from twinnet._types import AnyArray, Array
from twinnet.dnn import DNN, fit_dnn
from twinnet.labels import predicted_classes

__all__ = ["DNNClassifier", "DNNRegressor"]


class DNNEstimator(BaseEstimator):  # type: ignore[misc]
    """What the classifier and the regressor share; `twinnet.train_dnn` says more about each parameter.

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
        Seed of R's generator, which draws the initial weights, batches and masks.
    activation : str
        Activation of the hidden layers.
    optimizer : str or dict
        An optimizer's name, or a dict of its name and settings.
    batch_size : int, optional
        Rows of a mini-batch; all rows, or as many as there are, unless fewer are said.
    dropout : float
        Probability of dropping a hidden neuron in training.
    init : str, optional
        How to draw the weights.
    warm_start : bool
        Whether `fit` goes on from the model of the `fit` before.

    Attributes
    ----------
    model_ : DNN
        The trained network.
    loss_curve_ : array, shape (steps,)
        Loss at each step.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int
        Number of inputs.
    """

    task: ClassVar[str]

    def __init__(
        self,
        hidden: int | Sequence[int] = (6,),
        maxit: int = 2000,
        abstol: float = 1e-2,
        lr: float = 1e-2,
        reg: float = 1e-3,
        display: int = 0,
        random_seed: int = 1,
        activation: str = "relu",
        optimizer: str | dict[str, Any] = "gradient_descent",
        batch_size: int | None = None,
        dropout: float = 0,
        init: str | None = None,
        warm_start: bool = False,
    ) -> None:
        self.hidden = hidden
        self.maxit = maxit
        self.abstol = abstol
        self.lr = lr
        self.reg = reg
        self.display = display
        self.random_seed = random_seed
        self.activation = activation
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.dropout = dropout
        self.init = init
        self.warm_start = warm_start

    def _fit(self, X: Array, y: AnyArray) -> Self:
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
            activation=self.activation,
            optimizer=self.optimizer,
            batch_size=None if self.batch_size is None else min(self.batch_size, len(X)),
            dropout=self.dropout,
            init=self.init,
            task=self.task,
        )
        self.loss_curve_: Array = self.model_.run["loss"]
        self.n_iter_: int = self.model_.run["step"]
        return self

    def _outputs(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.model_.outputs(np.asfortranarray(X))


class DNNClassifier(ClassifierMixin, DNNEstimator):  # type: ignore[misc]  # noqa: D101
    __doc__ = (DNNEstimator.__doc__ or "").replace(
        "What the classifier and the regressor share; `twinnet.train_dnn` says more about each parameter.",
        "Dense network with softmax probabilities; `twinnet.train_dnn` says more about each parameter.",
    )
    task = "classification"

    def fit(self, X: Any, y: Any) -> Self:
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
            Itself; ``classes_`` are the labels in the order of the probabilities.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self._fit(X, y)
        self.classes_ = self.model_.classes
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
        return self._outputs(X)

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
        probabilities = self._outputs(X)
        labels: AnyArray = np.asarray(self.classes_)[predicted_classes(probabilities)]
        return labels


class DNNRegressor(RegressorMixin, DNNEstimator):  # type: ignore[misc]  # noqa: D101
    __doc__ = (DNNEstimator.__doc__ or "").replace(
        "What the classifier and the regressor share; `twinnet.train_dnn` says more about each parameter.",
        "Dense network for half the mean squared error; `twinnet.train_dnn` says more about each parameter.",
    )
    task = "regression"

    def fit(self, X: Any, y: Any) -> Self:
        """Train the network.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs.
        y : array, shape (n,)
            Numbers to predict.

        Returns
        -------
        DNNRegressor
            Itself.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        return self._fit(X, np.asarray(y, dtype=np.float64))

    def predict(self, X: Any) -> Array:
        """Predict the number of each row.

        Parameters
        ----------
        X : array, shape (n, d)

        Returns
        -------
        array, shape (n,)
        """
        return self._outputs(X)[:, 0]
