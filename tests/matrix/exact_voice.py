"""One cell of the matrix: the checksum of exact runs in NumPy or in PyTorch, and what they ran on, as JSON.

``python exact_voice.py numpy|torch '[["iris_dnn", {"maxit": 100}]]'``
"""

from __future__ import annotations

import json
import os
import sys

import numpy as np
from twinnet.checksum import checksum_of_steps, run_checksum
from twinnet.experiment import experiment_data, experiment_override, experiment_read


def main() -> None:
    """Print the checksum of the runs that the second argument lists."""
    steps: list[str] = []
    ran_on = f"NumPy {np.__version__}"
    if sys.argv[1] == "torch":
        import torch

        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        ran_on = f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
        # PyTorch has read it; TorchGenerator is to draw the same weights everywhere, which PyTorch's kernels do not
        os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
    for name, overrides in json.loads(sys.argv[2]):
        experiment = experiment_override(experiment_read(name), **overrides, arithmetic="exact")
        if sys.argv[1] == "numpy":
            steps += run_checksum(experiment)["steps"]
        else:
            from twinnet.parity.voices import TorchVoice

            voice = TorchVoice(experiment, experiment_data(experiment))
            voice.train(experiment["maxit"])
            steps += voice.checksums
    print(json.dumps({"checksum": checksum_of_steps(steps), "ran_on": ran_on}))


if __name__ == "__main__":
    main()
