"""Speed of 2000 full-batch iterations of iris, as ratios to peers in the same run. Run by `make bench`.

Python's peers are scikit-learn's MLPClassifier (solver sgd, one batch of all rows, no momentum, else as it comes, which
is shuffling the rows; and, for who wants to know, with shuffling switched off) and eager PyTorch (nn.Sequential,
CrossEntropyLoss, optim.SGD with weight decay), both float64; R's is the course's own program, lesson_a.R. The programs
take turns; each ratio is the median of the ratios of neighbouring runs. One BLAS thread on every side.
"""

from __future__ import annotations

import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from twinnet.experiment import experiment_data, experiment_read
from twinnet.parity.bridge import start_r
from twinnet.train import train, train_start

ROUNDS = 9
STEPS = 2000
GOALS = {
    "Python / scikit-learn": 0.35,
    "Python / scikit-learn, unshuffled": None,
    "Python / PyTorch": 0.2,
    "R / the course's R": 0.5,
}

torch.set_num_threads(1)
experiment = experiment_read("iris_dnn")
data = experiment_data(experiment)
lr, reg = experiment["optimizer"]["lr"], experiment["reg"]
r = start_r()
r.eval(f"source('{Path(__file__).parents[1] / 'lesson_a.R'}')", convert=False)
r_experiment = r.call("experiment_read", "iris_dnn", convert=False)
r_data = r.call("experiment_data", r_experiment, convert=False)


def python():
    return train(experiment, data, train_start(experiment), STEPS)["loss"][-1]


def scikit_learn(shuffle=True):
    model = MLPClassifier(
        hidden_layer_sizes=(6,),
        solver="sgd",
        batch_size=len(data["x"]),
        learning_rate_init=lr,
        alpha=reg,
        momentum=0,
        shuffle=shuffle,
        max_iter=STEPS,
        tol=0,
        n_iter_no_change=STEPS + 1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it warns that 2000 iterations were all it was given
        model.fit(data["x"], data["labels"])
    assert model.n_iter_ == STEPS
    return model.loss_


def scikit_learn_unshuffled():
    return scikit_learn(shuffle=False)


def pytorch():
    model = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3)).double()
    loss_function = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, weight_decay=reg)
    x, labels = torch.tensor(np.ascontiguousarray(data["x"])), torch.tensor(data["labels"])
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_function(model(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses[-1]


def in_r():
    run = r.call("train_start", r_experiment, convert=False)
    return r.call("[[", r.call("train", r_experiment, r_data, run, STEPS, convert=False), "loss")[-1]


def the_courses_r():
    table = r.call("data.frame", data["x"], label=data["labels"] + 1, convert=False)
    model = r.call("train.dnn", np.arange(1, 5), 5, table, 6, STEPS, lr, reg, 1, convert=False)
    return r.call("[[", model, "losses")[-1]


def main() -> int:
    programs = {
        "Python": python,
        "scikit-learn": scikit_learn,
        "scikit-learn, unshuffled": scikit_learn_unshuffled,
        "PyTorch": pytorch,
        "R": in_r,
        "the course's R": the_courses_r,
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(ROUNDS + 1):  # the first round warms up
        print(f"\rround {number} of {ROUNDS}", end="", file=sys.stderr, flush=True)
        for name, program in programs.items():
            started = time.perf_counter()
            loss = program()
            if number > 0:
                seconds[name].append(time.perf_counter() - started)
            assert np.isfinite(loss)
    print(file=sys.stderr)
    assert abs(python() - the_courses_r()) < 1e-12, "the course's R does not do the same work"
    print(f"{STEPS} full-batch iterations of iris 4 - 6 - 3, median of {ROUNDS} rounds")
    for name, values in seconds.items():
        print(f"  {name:<25} {statistics.median(values) / STEPS * 1e6:7.1f} microseconds an iteration")
    for goal, limit in GOALS.items():
        ours, theirs = goal.split(" / ")
        ratio = statistics.median(a / b for a, b in zip(seconds[ours], seconds[theirs], strict=True))
        print(f"  {goal:<34} {ratio:.2f}" + (f" (goal: at most {limit})" if limit else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
