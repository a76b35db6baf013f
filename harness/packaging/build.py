#!/usr/bin/env python3
"""Makes the packages for PyPI and npm from a program that is built already.

Usage: build.py PROGRAM FOLDER

Writes a wheel and two npm packages to FOLDER: the one for this platform, with the program, and the one that picks it.
Each package with the program has the licences of all crates in it. Builds nothing with Cargo. Needs Cargo, pip and npm,
and the network for what builds the wheel. The version is that of
Cargo.toml. Prints the files that it made.
"""

import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from licences import licences

PACKAGING = Path(__file__).resolve().parent
ROOT = PACKAGING.parents[1]
LICENCES = [ROOT / "LICENSE-MIT", ROOT / "LICENSE-APACHE"]
# What npm calls this platform.
SYSTEM = {"linux": "linux", "darwin": "darwin", "win32": "win32"}[sys.platform]
MACHINE = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]


def laid_out(folder, *sources):
    """Copies files and folders into a new folder."""
    folder.mkdir(parents=True)
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


def program_in(folder, program):
    """Puts the program, and the licences of the crates that are linked into it, into the folder of a package."""
    (folder / "bin").mkdir()
    copy = Path(shutil.copy(program, folder / "bin" / ("countersign.exe" if SYSTEM == "win32" else "countersign")))
    copy.chmod(0o755)
    (folder / "THIRD-PARTY-LICENSES").write_text(licences(), encoding="utf-8")


def wheel(program, work, out):
    folder = laid_out(work / "pypi", *(PACKAGING / "pypi").iterdir(), ROOT / "Cargo.toml", *LICENCES)
    program_in(folder, program)
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", out, folder], check=True)


def npm(program, work, out, version):
    # On Windows, it is a script with an ending of its own.
    npm = shutil.which("npm")
    if not npm:
        sys.exit("the npm packages need npm, and there is none in PATH: install Node.js; the wheel is made")
    main = json.loads((PACKAGING / "npm/package.json").read_text())
    main["version"] = version
    main["optionalDependencies"] = dict.fromkeys(main["optionalDependencies"], version)
    name = f"@countersign/{SYSTEM}-{MACHINE}"
    if name not in main["optionalDependencies"]:
        sys.exit(f"{name} is not among the optionalDependencies of harness/packaging/npm/package.json: add it there")
    picks = laid_out(work / "countersign", *(PACKAGING / "npm").iterdir(), *LICENCES)
    (picks / "package.json").write_text(json.dumps(main, indent=2) + "\n")

    holds = laid_out(work / "platform", *LICENCES)
    program_in(holds, program)
    described = {
        "name": name,
        "version": version,
        "description": f"The program countersign for {SYSTEM}-{MACHINE}; install the package countersign",
        "license": main["license"],
        "os": [SYSTEM],
        "cpu": [MACHINE],
        "files": ["bin", "LICENSE-*", "THIRD-PARTY-LICENSES"],
    }
    if SYSTEM == "linux":
        # It links glibc, and does not start where there is musl alone.
        described["libc"] = ["glibc"]
    (holds / "package.json").write_text(json.dumps(described, indent=2) + "\n")
    command = [npm, "pack", "--silent", "--pack-destination", out, picks, holds]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def main(program, out):
    version = re.search('^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    try:
        said = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
    except OSError as error:
        sys.exit(f"{program} cannot be started: {error.strerror}; build it with `cargo build --release`")
    if said != f"countersign {version}":
        sys.exit(f"{program} --version: expected countersign {version}, found {said!r}; build the program again")
    out.mkdir(parents=True, exist_ok=True)
    before = set(out.iterdir())
    with tempfile.TemporaryDirectory() as work:
        wheel(program, Path(work), out)
        npm(program, Path(work), out, version)
    for file in sorted(set(out.iterdir()) - before):
        print(f"{file} ({file.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
