#!/usr/bin/env python3
"""Prints the licences of all crates that are linked into the program, for whoever hands it out.

Usage: licences.py >THIRD-PARTY-LICENSES

The crates are those that Cargo.lock has for this platform and the feature `login`, which releases are built with. A text
that several crates share is printed once, with their names. Needs Cargo, and the crates in its cache: a build has put
them there.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
RULE = "=" * 80


def linked():
    """What Cargo knows of each crate that is linked into the program: no crate of a build script, a macro or a test."""
    host = next(line[6:] for line in output("rustc", "-vV").splitlines() if line.startswith("host: "))
    form = ["--format-version", "1", "--locked", "--offline", "--filter-platform", host, "--features", "login"]
    known = json.loads(output("cargo", "metadata", *form, "--manifest-path", str(ROOT / "Cargo.toml")))
    packages = {package["id"]: package for package in known["packages"]}
    needed_by = {node["id"]: node["deps"] for node in known["resolve"]["nodes"]}
    found, to_visit = set(), [known["resolve"]["root"]]
    while to_visit:
        crate = to_visit.pop()
        is_macro = any("proc-macro" in target["kind"] for target in packages[crate]["targets"])
        if crate not in found and not is_macro:
            found.add(crate)
            normal = (of for of in needed_by[crate] if any(kind["kind"] is None for kind in of["dep_kinds"]))
            to_visit += [of["pkg"] for of in normal]
    found -= set(known["workspace_members"])
    crates = (packages[crate] for crate in found)
    return sorted(crates, key=lambda crate: (crate["name"], crate["version"]))


def texts_of(crate):
    """The texts of a crate's licences and notices; where it has none, what it says of itself."""
    folder = Path(crate["manifest_path"]).parent
    files = (file for file in sorted(folder.iterdir()) if file.is_file() and file.name.upper().startswith(NAMES))
    texts = [file.read_text(encoding="utf-8", errors="replace").strip() for file in files]
    if texts:
        return texts
    by = f", by {', '.join(crate['authors'])}" if crate["authors"] else ""
    return [f"Licensed under {crate['license']}{by}. {crate['repository'] or ''}".strip()]


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def licences():
    crates = linked()
    by_text = {}
    for crate in crates:
        for text in texts_of(crate):
            # One text is often wrapped in several ways.
            _, names = by_text.setdefault(" ".join(text.split()), (text, []))
            names.append(f"{crate['name']} {crate['version']}")
    lines = ["The program countersign holds these crates, each under its licence:", ""]
    lines += [f"{crate['name']} {crate['version']}: {crate['license']}" for crate in crates]
    for text, names in by_text.values():
        lines += ["", RULE, ", ".join(names), RULE, "", text]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 1:
        sys.exit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(licences())
