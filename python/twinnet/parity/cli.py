"""The command line: ``twinnet compare EXPERIMENT`` and ``predict``, ``draws``, ``diff`` and ``pair``.

Exit status: 0 what is compared agrees, 1 it differs, 2 it could not be compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from twinnet.parity.bridge import BridgeError, RError
from twinnet.parity.compare_command import add_command as add_compare
from twinnet.parity.draws import add_command as add_draws
from twinnet.parity.memory import keep_freed_memory
from twinnet.parity.pair_command import add_command as add_pair
from twinnet.parity.predict_command import add_command as add_predict
from twinnet.parity.trace_command import add_command as add_diff

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``twinnet``; those of the process unless given.

    Returns
    -------
    int
        The exit status.
    """
    options = build_parser().parse_args(arguments)
    keep_freed_memory()
    try:
        status: int = options.run(options)
    except (ValueError, OSError, BridgeError, RError) as error:
        print(f"twinnet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("twinnet: stopped.", file=sys.stderr)
        return 130
    return status


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(prog="twinnet", description="Neural networks in R and in Python, proven equal.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_compare(commands)
    add_predict(commands)
    add_draws(commands)
    add_diff(commands)
    add_pair(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
