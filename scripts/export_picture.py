"""Runs commands in a terminal and writes what it showed as an SVG: the pictures in README and docs are real runs.

.venv/bin/python scripts/export_picture.py docs/pictures/up.svg 'make up' 'kubectl get nodes -o wide'
.venv/bin/python scripts/export_picture.py docs/pictures/up.svg --recorded up.log 'provision up inventory.yaml'   # its output, kept with tee
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import io
import os
import pty
import struct
import sys
import termios
from pathlib import Path

import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

LINES = 60
FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def replay(screen: pyte.HistoryScreen, command: str, recorded: Path) -> None:
    """Draws what the command said when it was run, as it was recorded then."""
    text = recorded.read_text().replace("\n", "\r\n")
    pyte.ByteStream(screen).feed(f"\x1b[1m$ {command}\x1b[0m\r\n{text}".encode())


def show(screen: pyte.HistoryScreen, command: str) -> int:
    """Types one command at the prompt, runs it in a terminal of its own, and draws its output on the screen."""
    stream = pyte.ByteStream(screen)
    stream.feed(f"\x1b[1m$ {command}\x1b[0m\r\n".encode())
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", command])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, screen.columns, 0, 0))
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError as e:
            if e.errno != errno.EIO:  # how Linux says that the other side of a terminal is closed
                raise
            break
        if not data:
            break
        os.write(sys.stdout.fileno(), data)
        stream.feed(data)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def drawn(screen: pyte.HistoryScreen) -> list[Text]:
    """The lines that scrolled out at the top, and those on the screen."""
    rows = [*screen.history.top, *(screen.buffer[number] for number in range(screen.lines))]
    lines = []
    for row in rows:
        line = Text()
        for column in range(screen.columns):
            cell = row[column]
            colour = None if cell.fg == "default" else cell.fg.replace("brown", "yellow")
            line.append(cell.data, Style(color=colour if colour is None or colour.isalpha() else f"#{colour}", bold=cell.bold))
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1].plain:
        lines.pop()
    return lines


def shortened(lines: list[Text], first: int, last: int) -> list[Text]:
    """The beginning and the end of a long run, with what is left out counted between them."""
    out = len(lines) - first - last
    if out <= 1:
        return lines
    return [*lines[:first], Text(f"   ... {out} lines more ...", Style(dim=True)), *lines[-last:]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--title", default="provision")
    parser.add_argument("--recorded", type=Path, help="draw this output of the (one) command instead of running it")
    parser.add_argument("--first", type=int, default=12, help="lines that are kept of the beginning")
    parser.add_argument("--last", type=int, default=34, help="and of the end")
    arguments = parser.parse_args()
    screen = pyte.HistoryScreen(arguments.columns, LINES, history=2000, ratio=0.5)
    if arguments.recorded:
        replay(screen, arguments.commands[0], arguments.recorded)
    for command in [] if arguments.recorded else arguments.commands:
        code = show(screen, command)
        if code:
            print(f"{command} ended with {code}; no picture is written", file=sys.stderr)
            return 1
    console = Console(record=True, width=arguments.columns, file=io.StringIO(), force_terminal=True)
    for line in shortened(drawn(screen), arguments.first, arguments.last):
        console.print(line, no_wrap=True, overflow="crop")
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(arguments.picture), title=arguments.title, code_format=FORMAT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
