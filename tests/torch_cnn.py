"""A small PyTorch CNN trained from one seed, and what of it is random: weights, order of the data, dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

N, BATCH_SIZE, EPOCHS = 200, 32, 3
DROPOUT = 0.25
LAYERS: list[tuple[str, str, dict[str, int]]] = [
    ("conv1", "conv2d_init", {"in_channels": 1, "out_channels": 4, "kernel_size": 3}),
    ("conv2", "conv2d_init", {"in_channels": 4, "out_channels": 8, "kernel_size": 3}),
    ("linear1", "linear_init", {"d_in": 128, "d_out": 16}),
    ("linear2", "linear_init", {"d_in": 16, "d_out": 3}),
]
CHANNELS, SIDE = 8, 4  # what dropout sees


class Cnn(nn.Module):
    """Two convolutions, dropout, two linear layers, for 8 by 8 pictures and 3 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.conv2 = nn.Conv2d(4, CHANNELS, 3)
        self.dropout = nn.Dropout(DROPOUT)
        self.linear1 = nn.Linear(CHANNELS * SIDE * SIDE, 16)
        self.linear2 = nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes; dropout comes before the rectifier, where no number is 0."""
        hidden = torch.relu(self.dropout(self.conv2(torch.relu(self.conv1(x)))))
        return self.linear2(torch.relu(self.linear1(hidden.flatten(1))))


def torch_run(seed: int) -> dict[str, Any]:
    """Train the network, and return its initial weights, its batches, its dropout masks and the last state."""
    x = torch.from_numpy(np.sin(np.arange(N * 64.0)).reshape(N, 1, 8, 8)).float()
    data = TensorDataset(x, torch.arange(N) % 3, torch.arange(N))
    torch.manual_seed(seed)
    model = Cnn()
    weights = {name: value.detach().clone().numpy() for name, value in model.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    masks: list[Any] = []

    def keep_mask(_: Any, inputs: Any, output: Any) -> None:
        assert (inputs[0] != 0).all()
        masks.append((output != 0).float().numpy())

    model.dropout.register_forward_hook(keep_mask)
    batches = []
    for _ in range(EPOCHS):
        for pictures, labels, positions in DataLoader(data, batch_size=BATCH_SIZE, shuffle=True):
            batches.append(positions.numpy())
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(pictures), labels).backward()
            optimizer.step()
    return {"weights": weights, "batches": batches, "masks": masks, "state": torch.get_rng_state().numpy()}
