"""Puts the program into the wheel, and says in the wheel's tag where the program runs."""

import os
import platform
import re
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}


class ProgramHook(BuildHookInterface):
    def initialize(self, version, build_data):
        (program,) = Path(self.root, "bin").iterdir()
        build_data["shared_scripts"][str(program)] = program.name
        build_data["pure_python"] = False
        # Any Python 3 will do: the program is no extension module.
        build_data["tag"] = f"py3-none-{platform_tag(program)}"


def platform_tag(program):
    if sys.platform == "linux":
        return manylinux(program)
    if sys.platform == "win32":
        return f"win_{platform.machine().lower()}"
    oldest = os.environ.get("MACOSX_DEPLOYMENT_TARGET")
    if not oldest:
        sys.exit("MACOSX_DEPLOYMENT_TARGET is not set: give the one that the program was built with, such as 11.0")
    return f"macosx_{oldest.replace('.', '_')}_{platform.machine()}"


def manylinux(program):
    """The tag for every Linux whose glibc has the symbols that the program needs: PEP 600."""
    with program.open("rb") as file:
        elf = ELFFile(file)
        needs = elf.get_section_by_name(".gnu.version_r")
        versions = [of.name for _, group in needs.iter_versions() for of in group] if needs else []
        machine = MACHINES.get(elf["e_machine"])
    minor = [int(found[1]) for found in (re.match(r"GLIBC_2\.(\d+)", name) for name in versions) if found]
    if not minor or not machine:
        found = f"{elf['e_machine']}, {versions}"
        sys.exit(f"{program}: expected a program for x86-64 or arm64 that links glibc, found {found}")
    return f"manylinux_2_{max(minor)}_{machine}"
