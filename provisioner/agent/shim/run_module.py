"""Runs one module of others by its dotted name, as a program: `run_module.py NAME`. Paths come from PYTHONPATH."""

import json
import runpy
import sys
import traceback

if __name__ == "__main__":
    sys.path.pop(0)  # this folder's own, where nothing of the module lies
    name = sys.argv.pop(1)
    try:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    except Exception as error:
        told = {"failed": True, "changed": False, "msg": "Task failed: Module failed: %s" % error, "exception": traceback.format_exc()}
        sys.stdout.write("\n" + json.dumps(told) + "\n")
        sys.exit(1)
