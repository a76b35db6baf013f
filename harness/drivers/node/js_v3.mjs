// Runs the AWS SDK for JavaScript v3 for the harness: one JSON object a line in, one a line out (see ../GUIDE.md).
//
// Usage: node js_v3.mjs [FOLDER]     FOLDER has the node_modules with @aws-sdk/client-redshift-serverless (default: here)
//
// It gives the SDK exactly what the harness says and reports exactly what the SDK gave back. It never judges.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";

const FOLDER = resolve(process.argv[2] ?? ".");
const PACKAGE = "@aws-sdk/client-redshift-serverless";
const sdk = createRequire(join(FOLDER, "driver.js"))(PACKAGE);

const OPERATIONS = { GetCredentials: sdk.GetCredentialsCommand };
// Settings of the SDK's HTTP handler, and what it calls them. Where none is made, the client keeps its own handler.
const HANDLER = {
  readTimeoutMs: "socketTimeout", connectTimeoutMs: "connectionTimeout", requestTimeoutMs: "requestTimeout",
  throwOnRequestTimeout: "throwOnRequestTimeout",
};
const CONFIG = ["maxAttempts", "retryMode", ...Object.keys(HANDLER)];
const TIMESTAMPS = ["expiration", "nextRefreshTime"];
const NO_CONNECTION = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];
const LOST_CONNECTION = ["ECONNRESET", "EPIPE", "ECONNABORTED"];
const ANSWER_IS_NO_HTTP = /^HPE_/;
const NO_TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH$|EPROTO$)/;

class Unsupported extends Error {}

// A caller's value, from its tag and text: {"integer":"900"} becomes 900.
function fromTagged(value) {
  const [[tag, payload]] = Object.entries(value);
  switch (tag) {
    case "string": return payload;
    case "integer":
      if (String(BigInt(payload)) !== String(BigInt(Number(payload)))) throw new Unsupported(`${payload} is no exact number here`);
      return Number(payload);
    case "float": return Number(payload);
    case "boolean": return payload === "true";
    case "null": return null;
    case "list": return payload.map(fromTagged);
    case "map": return Object.fromEntries(Object.entries(payload).map(([name, item]) => [name, fromTagged(item)]));
  }
  throw new Error(`unknown tag ${tag}`);
}

// What the caller was given, with its native type where that is not plainly the modelled one.
function toTagged(value, name) {
  const native = value?.constructor?.name ?? typeof value;
  if (value === undefined) return { undefined: true };
  if (value === null) return { null: true };
  if (typeof value === "boolean") return { boolean: String(value), native: "boolean" };
  if (typeof value === "number") {
    return Number.isInteger(value) ? { integer: String(BigInt(value)), native: "number" } : { float: String(value), native: "number" };
  }
  if (typeof value === "string") return TIMESTAMPS.includes(name) ? { ...toText(value), native: "string" } : toText(value);
  if (value instanceof Date) return { timestamp: toSeconds(value.getTime()), native };
  if (Array.isArray(value)) return { list: value.map((item) => toTagged(item)), native };
  if (typeof value === "object") {
    return { map: Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toTagged(item)])), native };
  }
  return { string: String(value), native };
}

// Milliseconds as decimal seconds without needless zeros; an invalid date is "NaN".
function toSeconds(milliseconds) {
  return Number.isNaN(milliseconds) ? "NaN" : String(milliseconds / 1000);
}

// The text with U+FFFD for what is no valid Unicode.
function wellFormed(text) {
  return Buffer.from(text).toString();
}

// Text that is not valid Unicode (lone surrogates) goes as its bytes, each surrogate as three.
function toText(text) {
  if (wellFormed(text) === text) return { string: text };
  const parts = Array.from(text, (character) => {
    const code = character.codePointAt(0);
    const lone = code >= 0xd800 && code <= 0xdfff;
    return lone ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)]) : Buffer.from(character);
  });
  return { bytes: Buffer.concat(parts).toString("base64") };
}

function makeClient(call) {
  const given = call.config ?? {};
  const unknown = Object.keys(given).filter((name) => !CONFIG.includes(name));
  if (unknown.length > 0) throw new Unsupported(`config ${unknown.join(", ")}`);
  const settings = {};
  const { accessKeyId, secretAccessKey, sessionToken } = call.credentials ?? {};
  if (accessKeyId) settings.credentials = { accessKeyId, secretAccessKey, sessionToken: sessionToken ?? undefined };
  for (const name of ["endpoint", "region"]) if (call[name] != null) settings[name] = call[name];
  for (const name of ["maxAttempts", "retryMode"]) if (name in given) settings[name] = given[name];
  const client = new sdk.RedshiftServerlessClient(settings);
  const ofHandler = Object.keys(given).filter((name) => name in HANDLER).map((name) => [HANDLER[name], given[name]]);
  if (ofHandler.length > 0) {
    // The handler's package was renamed over the years; its class is the one the client has.
    const Handler = client.config.requestHandler.constructor;
    client.config.requestHandler = new Handler(Object.fromEntries(ofHandler));
  }
  return client;
}

// The SDK's own class or mark decides: a ServiceException; the response that its deserializer hangs on what it
// throws; Node's code for the socket; the name TimeoutError. Whatever else is thrown is no error of the SDK's.
function phaseOf(error) {
  if (error instanceof sdk.RedshiftServerlessServiceException) return "service";
  if (NO_CONNECTION.includes(error?.code) || NO_TLS.test(error?.code)) return "connect";
  if (LOST_CONNECTION.includes(error?.code)) return "transport"; // the SDK names these TimeoutError too
  if (error?.name === "TimeoutError" || error?.code === "ETIMEDOUT") return "timeout";
  if (ANSWER_IS_NO_HTTP.test(error?.code) || error?.$response) return "parse";
  if (["EndpointError", "CredentialsProviderError", "ProviderError"].includes(error?.name)) return "client";
  return "crash";
}

// An error as the caller would see it. A service error's name is its code; that of any other stands for its class.
function describeError(error) {
  const service = phaseOf(error) === "service";
  const classes = [];
  for (let each = error?.constructor; each?.name && each !== Error; each = Object.getPrototypeOf(each)) classes.push(each.name);
  const name = service ? classes.shift() : printable(error?.name ?? typeof error);
  const described = { phase: phaseOf(error), class: name, bases: classes.filter((each) => each !== name) };
  const code = service ? error.name : error?.code;
  if (code !== undefined) described.code = printable(code);
  described.message = printable(error?.message ?? error);
  if (service) {
    if (error.$metadata?.httpStatusCode !== undefined) described.httpStatus = error.$metadata.httpStatusCode;
    if (error.$metadata?.requestId !== undefined) described.requestId = printable(error.$metadata.requestId);
    if (error.$fault !== undefined) described.fault = printable(error.$fault);
    const members = Object.entries(error).filter(([name]) => !name.startsWith("$") && !["name", "message", "stack"].includes(name));
    described.members = Object.fromEntries(members.map(([name, value]) => [name, toTagged(value, name)]));
  }
  return described;
}

// A code or message as text; what is no text at all is shown as the caller would print it.
function printable(value) {
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return wellFormed(text);
}

function toMeta(metadata) {
  const meta = {};
  if (metadata?.requestId !== undefined) meta.requestId = printable(metadata.requestId);
  if (metadata?.httpStatusCode !== undefined) meta.httpStatus = metadata.httpStatusCode;
  if (metadata?.attempts !== undefined) meta.sdkAttempts = metadata.attempts;
  return meta;
}

// The outcome of one call.
async function answer(call, clients) {
  let input;
  try {
    if (!(call.operation in OPERATIONS)) throw new Unsupported(`operation ${call.operation}`);
    input = Object.fromEntries(Object.entries(call.input).map(([name, value]) => [name, fromTagged(value)]));
  } catch (error) {
    if (error instanceof Unsupported) return { outcome: "unsupported", reason: error.message };
    return { outcome: "error", error: { ...describeError(error), phase: "driver" }, meta: {} };
  }

  const start = performance.now();
  const elapsed = () => Math.round(performance.now() - start);
  let client;
  try {
    client = clients.get(call.reuse) ?? makeClient(call);
    if (call.reuse) clients.set(call.reuse, client);
    const { $metadata, ...members } = await client.send(new OPERATIONS[call.operation](input));
    const result = Object.fromEntries(Object.entries(members).map(([name, value]) => [name, toTagged(value, name)]));
    return { outcome: "result", result, elapsedMs: elapsed(), meta: toMeta($metadata) };
  } catch (error) {
    if (error instanceof Unsupported) return { outcome: "unsupported", reason: error.message };
    return { outcome: "error", error: describeError(error), elapsedMs: elapsed(), meta: toMeta(error?.$metadata) };
  } finally {
    if (!call.reuse) client?.destroy();
  }
}

// The installed versions of all that a package needs; where one is there twice, both.
function dependencies(name, from, found = {}, seen = new Set()) {
  for (let folder = from; ; folder = dirname(folder)) {
    const link = join(folder, "node_modules", name, "package.json");
    if (existsSync(link)) {
      // pnpm has links, and what a package needs is beside the real one.
      const file = realpathSync(link);
      if (seen.has(file)) return found;
      seen.add(file);
      const { version, dependencies: needed = {} } = JSON.parse(readFileSync(file, "utf8"));
      (found[name] ??= new Set()).add(version);
      for (const next of Object.keys(needed)) dependencies(next, dirname(file), found, seen);
      return found;
    }
    if (folder === dirname(folder)) return found;
  }
}

function hello() {
  const found = Object.entries(dependencies(PACKAGE, FOLDER)).sort().map(([name, versions]) => [name, [...versions].sort().join(" ")]);
  const { [PACKAGE]: sdkVersion, ...deps } = Object.fromEntries(found);
  return {
    type: "hello", protocol: 1, driver: "js-v3", language: "javascript", runtime: `Node.js ${process.versions.node}`,
    sdk: PACKAGE, sdkVersion, deps, operations: Object.keys(OPERATIONS), config: CONFIG,
    inputs: { workgroupName: "dynamic", dbName: "dynamic", durationSeconds: "dynamic", customDomainName: "dynamic", "*": "dynamic" },
    reports: ["requestId", "httpStatus", "sdkAttempts"],
  };
}

// Lines end with \n only: Node's readline would also split at U+2028, which JSON allows inside a text.
async function* lines(stream) {
  let rest = "";
  for await (const chunk of stream.setEncoding("utf8")) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

// The real stdout is for the protocol; a stray print of anyone's goes to stderr.
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
const clients = new Map();
for await (const line of lines(process.stdin)) {
  const said = JSON.parse(line);
  const reply = said.type === "hello" ? hello() : { type: "outcome", id: said.id, ...(await answer(said, clients)) };
  await new Promise((done) => write(JSON.stringify(reply) + "\n", done));
}
process.exit(0);
