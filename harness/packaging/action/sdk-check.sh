#!/usr/bin/env bash
# Compares the SDK with its recorded run, with the settings that the environment has.
set -euo pipefail

# An input that is not given is an empty variable, and the program takes it for a wrong value.
for name in $(compgen -e COUNTERSIGN_); do
  [ -n "${!name}" ] || unset "$name"
done

countersign sdk check
