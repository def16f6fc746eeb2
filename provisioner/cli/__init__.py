"""The command `provision`: one file a command, imported only when it is used.

Commands parse words, call the package that does the work, and draw what it says. Errors of every package end here as one clear message and
an exit code: 1 failed, 2 wrong input or (play, run) failed hosts, 3 locked, 4 hosts unfit or unreachable, 130 interrupted.
"""
