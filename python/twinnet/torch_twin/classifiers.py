"""The course's CNNs as a PyTorch user writes them, and the loop that trains them.

Nothing here comes from the twins: the layers, autograd, the optimizer, the DataLoader and the random numbers are
PyTorch's. Trained from `torch.manual_seed(0)`, each takes the path of the experiment of its name in R and in NumPy: the
same weights, the same batches, the same losses. Course: lessons B (MnistClassifier) and C (Net, and the switch that
puts a run on a GPU).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from twinnet.torch_twin.networks import choose_device

__all__ = ["CLASSIFIERS", "MnistClassifier", "MnistClassifierLogits", "Net", "fit", "image_data", "predict"]


class MnistClassifierLogits(nn.Module):
    """The course's CNN for 28 x 28 pixels and 10 classes, mended: its outputs are logits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=3)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3)
        self.affine1 = nn.Linear(5 * 5 * 64, 128)
        self.affine2 = nn.Linear(128, 64)
        self.affine3 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, shape (n, 10), of images, shape (n, 1, 28, 28)."""
        x = functional.max_pool2d(functional.relu(self.conv1(x)), 2)
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = functional.relu(self.affine1(x))
        x = functional.relu(self.affine2(x))
        logits: Tensor = self.affine3(x)
        return logits


class MnistClassifier(MnistClassifierLogits):
    """The CNN as it is on the slides: a softmax at its end, and another one in the loss."""

    def forward(self, x: Tensor) -> Tensor:
        """Probabilities, shape (n, 10), of images, shape (n, 1, 28, 28)."""
        return functional.softmax(super().forward(x), dim=1)


class Net(nn.Module):
    """The small CNN of lesson C; its outputs are logarithms of probabilities."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, kernel_size=3)
        self.conv2 = nn.Conv2d(2, 3, kernel_size=3)
        self.affine1 = nn.Linear(12 * 12 * 3, 16)
        self.affine2 = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Log-probabilities, shape (n, 10), of images, shape (n, 1, 28, 28)."""
        x = functional.relu(self.conv1(x))
        x = functional.max_pool2d(functional.relu(self.conv2(x)), 2)
        x = functional.relu(self.affine1(x.flatten(1)))
        return functional.log_softmax(self.affine2(x), dim=1)


CLASSIFIERS: dict[str, tuple[type[nn.Module], Callable[[Tensor, Tensor], Tensor], float]] = {
    # the experiment's name: the model, its loss, its learning rate
    "mnist_cnn": (MnistClassifier, functional.cross_entropy, 0.001),
    "mnist_cnn_logits": (MnistClassifierLogits, functional.cross_entropy, 0.1),
    "mnist_cnn_small": (Net, functional.nll_loss, 0.05),
    "fashion_mnist_cnn": (MnistClassifierLogits, functional.cross_entropy, 0.1),
}


def image_data(
    images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], dtype: torch.dtype = torch.float32
) -> TensorDataset:
    """Images and labels for a DataLoader.

    Parameters
    ----------
    images : array of uint8, shape (n, h, w)
        From `twinnet.mnist.load_mnist`.
    labels : array of int, shape (n,)
    dtype : torch.dtype

    Returns
    -------
    TensorDataset
        Pixels from 0 to 1, (n, 1, h, w), and labels.
    """
    return TensorDataset(torch.tensor(images[:, None]).to(dtype) / 255, torch.tensor(labels))


def fit(
    name: str,
    data: TensorDataset,
    epochs: int = 1,
    seed: int = 0,
    device: str = "auto",
    report: Callable[[int, float], None] | None = None,
) -> tuple[nn.Module, list[float]]:
    """Train one of the classifiers.

    Parameters
    ----------
    name : str
        One of `CLASSIFIERS`.
    data : TensorDataset
        From `image_data`; the model takes its dtype.
    epochs : int
    seed : int
        Of weights and batches.
    device : {"auto", "cpu", "cuda"}
        The course's ``isgpu``.
    report : callable, optional
        Called with (step, loss) after each step.

    Returns
    -------
    model : nn.Module
    losses : list of float
        One a step, before its update.
    """
    make_model, loss_function, lr = CLASSIFIERS[name]
    where = choose_device(device)
    torch.manual_seed(seed)
    model = make_model().to(where, data.tensors[0].dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    losses: list[float] = []
    for _ in range(epochs):
        for x, y in DataLoader(data, batch_size=100, shuffle=True):
            optimizer.zero_grad()
            loss = loss_function(model(x.to(where)), y.to(where))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses.append(loss.item())
            if report is not None:
                report(len(losses), losses[-1])
    return model, losses


@torch.no_grad()
def predict(model: nn.Module, data: TensorDataset) -> npt.NDArray[np.int64]:
    """The class that a model gives each image, shape (n,)."""
    where = next(model.parameters()).device
    model.eval()
    batches = [model(x.to(where)).argmax(dim=1).cpu() for x, _ in DataLoader(data, batch_size=1000)]
    return torch.cat(batches).numpy()
