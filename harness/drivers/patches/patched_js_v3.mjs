// The AWS SDK for JavaScript v3 with one deliberate fault, behind the honest driver: what `diff` has to catch.
//
// Usage: node patched_js_v3.mjs FAULT [FOLDER]     FAULT is a name of driver js-v3 in index.json, FOLDER as for js_v3.mjs
//
// The fault is put into the client's class, then ../node/js_v3.mjs runs as if nothing had happened. To add one, write
// an entry in FAULTS and a row in index.json.

import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [fault, folder = "."] = process.argv.splice(2);
const { RedshiftServerlessClient } = createRequire(join(resolve(folder), "driver.js"))("@aws-sdk/client-redshift-serverless");

// Each client gets a middleware at this step: `build` before signing, `finalizeRequest` with `low` around each attempt.
function middleware(step, priority, run) {
  const send = RedshiftServerlessClient.prototype.send;
  RedshiftServerlessClient.prototype.send = function (...call) {
    this.middlewareStack.add((next) => (args) => run(next, args), { step, priority, name: "fault", override: true });
    return send.apply(this, call);
  };
}

function onBody(change) {
  middleware("build", "high", (next, args) => {
    args.request.body = JSON.stringify(change(JSON.parse(args.request.body)));
    return next(args);
  });
}

function onHeaders(change) {
  middleware("build", "low", (next, args) => {
    change(args.request.headers);
    return next(args);
  });
}

function onResult(change) {
  const send = RedshiftServerlessClient.prototype.send;
  RedshiftServerlessClient.prototype.send = async function (...call) {
    const result = await send.apply(this, call);
    change(result);
    return result;
  };
}

const FAULTS = {
  "integer-as-text": () => onBody((members) => Object.fromEntries(Object.entries(members).map(([name, value]) => [name, String(value)]))),
  "member-dropped": () => onBody(({ dbName, ...members }) => members),
  "members-reversed": () => onBody((members) => Object.fromEntries(Object.entries(members).reverse())),
  "user-agent-changed": () => onHeaders((headers) => { headers["user-agent"] += " lib/other"; }),
  "target-renamed": () => onHeaders((headers) => { headers["x-amz-target"] = "RedshiftServerlessService.GetCredentials"; }),
  "retry-on-400": () => middleware("finalizeRequest", "low", async (next, args) => {
    try {
      return await next(args);
    } catch (error) {
      if (error.$metadata?.httpStatusCode !== 400) throw error;
      return next(args);
    }
  }),
  "password-truncated": () => onResult((result) => { result.dbPassword = result.dbPassword?.slice(0, 8); }),
  "timestamp-as-number": () => onResult((result) => { result.expiration = result.expiration?.getTime() / 1000; }),
  "error-class-lost": () => middleware("initialize", "high", async (next, args) => {
    try {
      return await next(args);
    } catch (error) {
      throw new Error(error.message);
    }
  }),
};

if (!(fault in FAULTS)) {
  console.error(`usage: patched_js_v3.mjs FAULT [FOLDER], one of ${Object.keys(FAULTS).join(", ")}`);
  process.exit(2);
}
FAULTS[fault]();
process.argv.push(folder);
await import("../node/js_v3.mjs");
