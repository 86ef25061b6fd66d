"""Runs a module as a program whose wall clock is wrong: `python -m edge.verify.skewed SECONDS MODULE …`."""

from __future__ import annotations

import runpy
import sys
import time


def main(arguments: list[str]) -> None:
    skew, module, *rest = arguments
    seconds, real = float(skew), time.time
    time.time = lambda: real() + seconds
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
