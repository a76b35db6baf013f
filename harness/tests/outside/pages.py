"""What pages tell a reader to type, for the scripts beside this file that type it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "harness/docs"
# Where a command ends in the output of the shell, and with what.
MARK = "-- end of a command:"


def section(page, title):
    """The text below a heading, up to the next one of its level or above."""
    level = len(title.split(" ")[0])
    return re.split(rf"^#{{1,{level}}} ", page.split(f"\n{title}\n", 1)[1], flags=re.M)[0]


def blocks(text, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.M | re.S)


def commands(text):
    """Each command at a prompt with the lines shown below it. A command goes on behind a backslash, and up to END."""
    found, goes_on = [], False
    for line in (line for block in blocks(text, "console") for line in block.splitlines()):
        line = line if goes_on else line.removeprefix("  ")
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        else:
            found[-1][not goes_on].append(line)
        typed = found[-1][0]
        goes_on = not found[-1][1] and (line.endswith("\\") or ("<<'END'" in typed[0] and typed[-1] != "END"))
    return [("\n".join(typed), shown) for typed, shown in found]


def is_shown(lines, output):
    """Whether the shown lines are lines of the output, in this order; `...` is left out, and so are blanks."""
    rest = iter(" ".join(line.split()) for line in output.splitlines())
    patterns = [".*".join(map(re.escape, " ".join(line.split()).split("..."))) for line in lines if line != "..."]
    return all(any(re.fullmatch(pattern, line) for line in rest) for pattern in patterns)


def type_into_shell(lines, typed, seconds, **where):
    """Types commands into one shell behind some lines. Gives for each what it printed and its exit code, and what
    all of them wrote to standard error. `where` has the folder and the environment."""
    text = "".join(f"{command}\necho \"{MARK}$?\"\n" for command in typed)
    done = subprocess.run(
        ["bash"], input="\n".join([*lines, text]), capture_output=True, text=True, timeout=seconds, **where
    )
    said = re.findall(rf"(.*?){MARK}(\d+)\n", done.stdout, re.S)
    return said + [("", "it was not reached")] * (len(typed) - len(said)), done.stderr
