"""Runs composite actions of GitHub as a job would, for the scripts beside this file."""

import re
import subprocess
from pathlib import Path

import yaml


class Job:
    """A job of GitHub Actions, as far as the actions ask for it."""

    def __init__(self, folder, **tools):
        self.folder, self.fakes = folder, folder / "fakes"
        self.fakes.mkdir(parents=True)
        for tool, script in tools.items():
            (self.fakes / tool).write_text(f"#!/bin/bash\n{script}\n")
            (self.fakes / tool).chmod(0o755)
        self.cache = set()

    def run(self, action, inputs, reference="v1", **environment):
        """Runs the steps of an action; gives the outputs of its steps and what it printed. Stops where a step fails."""
        described = yaml.safe_load((action / "action.yml").read_text())
        inputs = {name: given.get("default", "") for name, given in described["inputs"].items()} | inputs
        github = {"action_repository": "owner/countersign", "action_ref": reference, "token": "canary-token"}
        outputs, printed, path, failed = {}, "", str(self.fakes), False

        def filled(text):
            def value(of):
                place, name = of[1].split(".", 1)
                if place != "steps":
                    return {"inputs": inputs, "github": github}[place][name]
                step, _, output = name.split(".")
                return outputs.get(step, {}).get(output, "")

            return re.sub(r"\$\{\{ (\S+) \}\}", value, text)

        conditions = {
            "steps.cache.outputs.cache-hit != 'true'": lambda: not failed and outputs["cache"]["cache-hit"] != "true",
            "always() && steps.run.outputs.reports != ''": lambda: outputs.get("run", {}).get("reports"),
        }
        for step in described["runs"]["steps"]:
            if not (conditions[step["if"]]() if "if" in step else not failed):
                continue
            given = {name: filled(value) for name, value in step.get("with", {}).items()}
            if step.get("uses", "").startswith("actions/cache@"):
                outputs["cache"] = {"cache-hit": str(given["key"] in self.cache).lower()}
                self.cache.add(given["key"])
            elif step.get("uses", "").startswith("actions/upload-artifact@"):
                outputs["uploaded"] = {file.name: file for file in Path(given["path"]).iterdir()}
            else:
                files = {name: self.folder / name for name in ("GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
                for name in ("GITHUB_OUTPUT", "GITHUB_PATH"):
                    files[name].write_text("")
                done = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"])],
                    cwd=self.folder,
                    text=True,
                    check=False,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    env={name: str(file) for name, file in files.items()}
                    | environment
                    | {name: filled(value) for name, value in step.get("env", {}).items()}
                    | {
                        "RUNNER_TEMP": str(self.folder),
                        "RUNNER_OS": "Linux",
                        "RUNNER_ARCH": "X64",
                        "HOME": str(self.folder),
                        "GITHUB_ACTION_PATH": str(action),
                        "PATH": f"{path}:/usr/bin:/bin",
                    },
                )
                printed += done.stdout
                lines = (line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
                outputs.setdefault(step.get("id", ""), {}).update(lines)
                path = ":".join([*files["GITHUB_PATH"].read_text().splitlines(), path])
                failed = failed or done.returncode != 0
        return not failed, outputs, printed
