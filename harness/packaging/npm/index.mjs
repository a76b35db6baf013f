// The two servers for tests of clients: `emulator` and `mock` start one on a free loopback port.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

import { program } from "./program.mjs";

export { program };

const READY_MILLISECONDS = 20_000;
const END_MILLISECONDS = 10_000;

// A process that ends takes its servers with it.
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill()));

export async function emulator(...flags) {
  const { ready, close } = await serving("emulator", flags);
  const env = {
    AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: ready.endpoint,
    AWS_ACCESS_KEY_ID: ready.access_key_id,
    AWS_SECRET_ACCESS_KEY: ready.secret_access_key,
    AWS_REGION: ready.region,
    AWS_DEFAULT_REGION: ready.region,
  };
  const credentials = { accessKeyId: ready.access_key_id, secretAccessKey: ready.secret_access_key };
  const { endpoint, region, account, workgroups, custom_domains: customDomains } = ready;
  const workgroup = workgroups[0];
  return closing({ endpoint, region, account, workgroup, workgroups, customDomains, credentials, env }, close);
}

export async function mock(...flags) {
  const { ready, close } = await serving("mock", flags);
  const { endpoint } = ready;
  const reply = (name) => `${endpoint}/replies/${name}`;
  return closing({ endpoint, case: (id) => `${endpoint}/${id}`, reply }, close);
}

function closing(server, close) {
  return Object.assign(server, { close, [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]: close });
}

async function serving(server, flags) {
  const command = ["serve", server, "--listen", "127.0.0.1:0", "--format", "json", ...flags];
  // The variables are meant for `countersign run`: a workgroup there is not one that the emulator should have.
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("COUNTERSIGN_"));
  const child = spawn(program(), command, { stdio: ["ignore", "pipe", "inherit"], env: Object.fromEntries(kept) });
  running.add(child);
  const ended = once(child, "exit").finally(() => running.delete(child));
  const tooLate = setTimeout(() => child.kill("SIGKILL"), READY_MILLISECONDS);
  const line = await Promise.race([once(createInterface(child.stdout), "line"), ended.then(() => undefined)]);
  clearTimeout(tooLate);
  if (!line) {
    const how = child.exitCode === null ? "was killed" : `ended with exit code ${child.exitCode}`;
    throw new Error(`countersign serve ${server} ${how} before it listened; standard error says why`);
  }
  // A server that nobody closes does not keep the process alive.
  child.unref();
  child.stdout.unref();
  const close = async () => {
    child.ref();
    child.kill();
    const killed = setTimeout(() => child.kill("SIGKILL"), END_MILLISECONDS);
    await ended;
    clearTimeout(killed);
  };
  return { ready: JSON.parse(line[0]), close };
}
