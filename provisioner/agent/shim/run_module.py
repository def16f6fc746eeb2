"""Runs one module of others by its dotted name, as a program: `run_module.py NAME`. Paths come from PYTHONPATH."""

import runpy
import sys

if __name__ == "__main__":
    sys.path.pop(0)  # this folder's own, where nothing of the module lies
    name = sys.argv.pop(1)
    runpy.run_module(name, run_name="__main__", alter_sys=True)
