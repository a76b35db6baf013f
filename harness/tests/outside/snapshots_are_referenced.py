#!/usr/bin/env python3
"""Every snapshot is one that the tests compare with, and none waits for review.

usage: snapshots_are_referenced.py FILE
FILE lists the snapshots that a run of `cargo test` compared with; insta writes it where
INSTA_SNAPSHOT_REFERENCES_FILE says.
"""
import sys
from pathlib import Path

# Snapshots of other targets, such as AWS, are compared where those targets are.
OURS = ("mock", "emulator", "reports")

root = Path(__file__).resolve().parents[3]
used = {(root / line).resolve() for line in Path(sys.argv[1]).read_text().splitlines()}
there = {path.resolve() for folder in OURS for path in (root / "snapshots" / folder).rglob("*.snap")}
pending = sorted((root / "snapshots").rglob("*.snap.new"))
unused = sorted(there - used)
for path in pending:
    print(f"waits for review: {path.relative_to(root)}")
for path in unused:
    print(f"no test compares with it: {path.relative_to(root)}")
print(f"{len(there)} snapshots, {len(pending)} pending, {len(unused)} unused")
sys.exit(bool(pending or unused) or not there)
