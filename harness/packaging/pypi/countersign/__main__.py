"""`python -m countersign` is the program, where the folder of programs is not in PATH."""

import os
import subprocess
import sys

from . import program


def main():
    command = [program(), *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)
    try:
        sys.exit(subprocess.call(command))
    except KeyboardInterrupt:
        # The program got it as well, and has said what it had to say.
        sys.exit(130)


if __name__ == "__main__":
    main()
