#!/usr/bin/env node
// Runs the program with the same arguments, and ends as it ends.
import { spawn } from "node:child_process";
import { constants } from "node:os";

import { program } from "./program.mjs";

function fail(error) {
  console.error(`error: ${error.message}`);
  process.exit(2);
}

let path;
try {
  path = program();
} catch (error) {
  fail(error);
}
const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
child.on("error", fail);
// Ctrl-C at a terminal reaches the program by itself, and a second one would cut its teardown short.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
