"""Speed and memory of the course's dense network on MNIST, one epoch of 600 batches of 100, against PyTorch in one run.

The network is that of the experiment mnist_mlp: 784 - 200 - 200 - 10, ReLU, dropout 0.2, softmax cross entropy,
RMSprop. All voices train in float64 with as many BLAS threads (OPENBLAS_NUM_THREADS); each makes its batches from bytes
and draws its own masks. PyTorch is written as the course writes it: nn.Sequential, optim.RMSprop, a DataLoader that
shuffles; and, for who wants to know, once more with its batches taken by index, which is faster than its DataLoader.
"plain R" takes the same steps as R, bit for bit, in the one loop of mnist_mlp.R, without layers, names or checks: it
shows how much of R's time is the language's, and how much twinnet's.
The programs take turns; each ratio is the median of the ratios of neighbouring runs. The memory is the largest that a
process of its own held which loads the data and trains for one epoch.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from twinnet.parity.memory import keep_freed_memory

ROUNDS = 3
STEPS = 600
GOALS = {
    "Python / PyTorch": 1.0,
    "R / PyTorch": 1.5,
    "R / plain R": None,
    "plain R / PyTorch": None,
    "Python / PyTorch by index": None,
    "R / PyTorch by index": None,
}
THREADS = int(os.environ.get("OPENBLAS_NUM_THREADS", "1"))


def make_python():
    from twinnet.experiment import experiment_data, experiment_read
    from twinnet.train import train, train_start

    experiment = experiment_read("mnist_mlp")
    data, run = experiment_data(experiment), train_start(experiment)
    return lambda: train(experiment, data, run, STEPS)["loss"][-1]


def make_r():
    from twinnet.parity.bridge import start_r

    r = start_r()
    experiment = r.call("experiment_read", "mnist_mlp", convert=False)
    data = r.call("experiment_data", experiment, convert=False)
    run = r.call("train_start", experiment, convert=False)
    return lambda: r.call("[[", r.call("train", experiment, data, run, STEPS, convert=False), "loss")[-1]


def make_plain_r():
    from twinnet.parity.bridge import start_r

    r = start_r()
    source = Path(__file__).with_name("mnist_mlp.R")
    r.eval(f"source({str(source)!r}); options(matprod = 'blas'); NULL")  # as twinnet has it in training
    data = r.call("experiment_data", r.call("experiment_read", "mnist_mlp", convert=False), convert=False)
    return lambda: r.call(
        "mnist_mlp_plain", *(r.call("[[", data, key, convert=False) for key in ("x", "target")), STEPS
    )


def make_pytorch(by_index: bool = False):
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset
    from twinnet.mnist import load_mnist

    torch.set_num_threads(THREADS)
    mnist = load_mnist()
    pixels = torch.tensor(mnist["x_train"].reshape(60000, 784))
    labels = torch.tensor(mnist["labels_train"].astype(np.int64))

    def batches():
        if by_index:
            return ((pixels[rows], labels[rows]) for rows in torch.randperm(60000).split(100))
        return DataLoader(TensorDataset(pixels, labels), batch_size=100, shuffle=True)

    def epoch():
        torch.manual_seed(1)
        layers = [nn.Linear(784, 200), nn.ReLU(), nn.Dropout(0.2), nn.Linear(200, 200), nn.ReLU(), nn.Dropout(0.2)]
        model = nn.Sequential(*layers, nn.Linear(200, 10)).double()
        optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-7)
        loss_function = nn.CrossEntropyLoss()
        for x, y in batches():
            optimizer.zero_grad()
            loss = loss_function(model(x.double() / 255), y)
            loss.backward()
            optimizer.step()
        return loss.item()

    return epoch


def make_pytorch_by_index():
    return make_pytorch(by_index=True)


PROGRAMS = {
    "Python": make_python,
    "R": make_r,
    "plain R": make_plain_r,
    "PyTorch": make_pytorch,
    "PyTorch by index": make_pytorch_by_index,
}


def peak_memory(name: str) -> float:
    """The most memory, in MB, that a process held which loads the data and trains for one epoch in one language."""
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1]); import bench_mnist_mlp as bench; "
        "bench.PROGRAMS[sys.argv[2]]()(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, os.path.dirname(os.path.abspath(__file__)), name],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def main() -> int:
    # first, while this process is small: a child's count begins with what its parent holds
    memory = {name: peak_memory(name) for name in PROGRAMS}
    keep_freed_memory()  # of this process, so of every program, as the command twinnet does
    programs = {name: make() for name, make in PROGRAMS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    losses: dict[str, float] = {}
    for number in range(ROUNDS):
        for name, program in programs.items():
            print(f"\rround {number + 1} of {ROUNDS}: {name:<8}", end="", file=sys.stderr, flush=True)
            started = time.perf_counter()
            losses[name] = float(np.squeeze(program()))
            seconds[name].append(time.perf_counter() - started)
            assert losses[name] < 1
        assert losses["plain R"] == losses["R"]
    print(file=sys.stderr)
    print(f"One epoch of mnist_mlp, float64, {THREADS} BLAS threads, median of {ROUNDS} rounds")
    for name, values in seconds.items():
        print(f"  {name:<17} {statistics.median(values):6.2f} s, {memory[name]:5.0f} MB at most")
    for goal, limit in GOALS.items():
        ours, theirs = goal.split(" / ")
        ratio = statistics.median(a / b for a, b in zip(seconds[ours], seconds[theirs], strict=True))
        print(f"  {goal:<26} {ratio:.2f}" + (f" (goal: at most {limit})" if limit else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
