"""Speed and memory of the course's CNN on MNIST, one step of training on a batch of 100, against PyTorch in one run.

The network is that of the experiment mnist_cnn_logits, all voices start from its weights and take the same batch, and
each may use two threads. PyTorch is written as the course writes it: nn.Sequential, CrossEntropyLoss, optim.SGD. The
programs take turns of ten steps (the first after a pause is slow); each ratio is the median of the ratios of
neighbouring turns. They share a process, which keeps freed memory as the command twinnet does. The memory is the
largest that a process of its own held which loads all of MNIST, trains for some steps and takes the test score.
"""

from __future__ import annotations

import os

THREADS = 2
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = str(THREADS)  # before anything loads a BLAS

import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from twinnet.experiment import experiment_data, experiment_override, experiment_read  # noqa: E402
from twinnet.parity.memory import keep_freed_memory  # noqa: E402
from twinnet.threads import sharing  # noqa: E402
from twinnet.train import train, train_start, train_step  # noqa: E402

ROUNDS, STEPS, PAUSE = 9, 10, 0.1
MEMORY_STEPS, MEMORY_GOAL = 30, 1500
GOALS = {
    "Python float64 / PyTorch float64": (1.2, 0.8),
    "Python float32 / PyTorch float32": (2.0, 1.3),
    "R / PyTorch float64": (4.0, 2.5),
}


def start() -> tuple[dict[str, Any], dict[str, Any], np.ndarray, np.ndarray]:
    """The experiment, its run before the first step, and one batch."""
    experiment = experiment_read("mnist_cnn_logits")
    data = experiment_data(experiment)
    return experiment, train_start(experiment), data["x"][:100].reshape(100, -1) / 255, data["target"][:100]


def make_python(dtype: str):
    experiment, run, x, target = start()
    state = {"params": {key: value.astype(dtype) for key, value in run["params"].items()}}
    state["optimizer"] = run["optimizer_state"]
    state["optimizer"]["momentum_buffer"] = {key: np.zeros_like(value) for key, value in state["params"].items()}
    x, target = np.asfortranarray(x, dtype), target.astype(dtype)

    def step() -> float:
        with sharing():  # as train() does
            taken = train_step(experiment, state["params"], state["optimizer"], x, target)
        loss, state["params"], state["optimizer"] = taken
        assert all(value.dtype == dtype for value in state["params"].values())
        return loss

    return step


def make_r():
    from twinnet.parity.bridge import start_r

    r = start_r()
    _, _, x, target = start()
    experiment = r.call("experiment_read", "mnist_cnn_logits", convert=False)
    run = r.call("train_start", experiment, convert=False)
    state = {"params": r.call("[[", run, "params", convert=False)}
    state["optimizer_state"] = r.call("[[", run, "optimizer_state", convert=False)
    r_x, r_target = r.to_r(x), r.to_r(target)

    def step() -> float:
        taken = r.call("train_step", experiment, *state.values(), r_x, r_target, convert=False)
        for key in state:
            state[key] = r.call("[[", taken, key, convert=False)
        return r.call("[[", taken, "loss").item()

    return step


def make_pytorch(dtype: str):
    import torch
    from twinnet.torch_twin.networks import Network

    torch.set_num_threads(THREADS)
    experiment, run, x, target = start()
    network = Network(experiment["model"])
    network.load(run["params"])
    model = network.stack.to(getattr(torch, dtype))
    images, labels = torch.tensor(x, dtype=getattr(torch, dtype)), torch.tensor(target.argmax(axis=1))
    settings = {key: experiment["optimizer"][key] for key in ("lr", "momentum")}
    optimizer = torch.optim.SGD(model.parameters(), **settings)
    loss_function = torch.nn.CrossEntropyLoss()

    def step() -> float:
        optimizer.zero_grad()
        loss = loss_function(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


PROGRAMS = {
    "Python float64": lambda: make_python("float64"),
    "PyTorch float64": lambda: make_pytorch("float64"),
    "R": make_r,
    "Python float32": lambda: make_python("float32"),
    "PyTorch float32": lambda: make_pytorch("float32"),
}


def train_in_python() -> None:
    keep_freed_memory()
    experiment = experiment_override(experiment_read("mnist_cnn_logits"), images=60000)
    train(experiment, experiment_data(experiment), train_start(experiment), MEMORY_STEPS, MEMORY_STEPS)


def train_in_r() -> None:
    from twinnet.parity.bridge import start_r

    start_r().eval(
        f"""experiment <- experiment_override(experiment_read("mnist_cnn_logits"), images = 60000)
        run <- train(experiment, experiment_data(experiment), train_start(experiment), {MEMORY_STEPS}, {MEMORY_STEPS})
        NULL"""
    )


def peak_memory(name: str) -> float:
    """The most memory, in MB, that a process held which runs one of the two functions above."""
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1]); import bench_mnist_cnn as bench; "
        "getattr(bench, sys.argv[2])(); print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    )
    command = [sys.executable, "-c", code, os.path.dirname(os.path.abspath(__file__)), name]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> int:
    # first, while this process is small: a child's count begins with what its parent holds
    print("\rmemory", end="", file=sys.stderr, flush=True)
    memory = {"Python": peak_memory("train_in_python"), "R": peak_memory("train_in_r")}
    keep_freed_memory()  # of this process, so of every program
    programs = {name: make() for name, make in PROGRAMS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    losses: dict[str, float] = {}
    for number in range(-1, ROUNDS):  # the first round warms up
        for name, program in programs.items():
            print(f"\rround {max(number, 0) + 1} of {ROUNDS}: {name:<15}", end="", file=sys.stderr, flush=True)
            time.sleep(PAUSE)  # the threads of the program before go to sleep
            started = time.perf_counter()
            for _ in range(STEPS):
                losses[name] = program()
            if number >= 0:
                seconds[name].append((time.perf_counter() - started) / STEPS)
        if number < 0:  # later, float32 may take another turn at a near tie of a pool
            assert max(losses.values()) - min(losses.values()) < 1e-5, losses
    print(file=sys.stderr)
    print(f"One step of mnist_cnn, batch of 100, {THREADS} threads, median of {ROUNDS} rounds")
    for name, values in seconds.items():
        print(f"  {name:<16} {1000 * statistics.median(values):5.0f} ms")
    for ratio, (goal, stretch) in GOALS.items():
        ours, theirs = ratio.split(" / ")
        value = statistics.median(a / b for a, b in zip(seconds[ours], seconds[theirs], strict=True))
        print(f"  {ratio:<33} {value:.2f} (goal: at most {goal}, better {stretch})")
    for name, value in memory.items():
        print(f"  all of MNIST in {name:<6} {value:5.0f} MB at most (goal: at most {MEMORY_GOAL})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
