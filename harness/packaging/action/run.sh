#!/usr/bin/env bash
# What /action.yml does: runs the cases with the settings that the environment has, and writes the reports.
set -euo pipefail

# An input that is not given is an empty variable, and the program takes it for a wrong value.
for name in $(compgen -e COUNTERSIGN_); do
  [ -n "${!name}" ] || unset "$name"
done

reports=$RUNNER_TEMP/countersign-reports
mkdir -p "$reports"
printf 'reports=%s\n' "$reports" >>"$GITHUB_OUTPUT"

# Patterns are words: `*` in them is not for the shell.
read -r -a cases <<<"${CASES:-}"
code=0
countersign run --format github --report-html "$reports/report.html" --report-junit "$reports/junit.xml" \
  --report-jsonl "$reports/run.jsonl" --badge "$reports/badge.svg" ${cases[@]+"${cases[@]}"} || code=$?
printf 'exit-code=%s\n' "$code" >>"$GITHUB_OUTPUT"
exit "$code"
