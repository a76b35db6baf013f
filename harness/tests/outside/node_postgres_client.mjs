// Gets credentials by the AWS SDK for JavaScript and logs in with them by node-postgres. It knows nothing of Countersign.
//
// Usage: node node_postgres_client.mjs FOLDER_WITH_THE_SDK FOLDER_WITH_PG
//
// Everything else comes from the environment: the AWS variables, WORKGROUP, PGHOST, PGPORT, PGDATABASE, and
// NODE_EXTRA_CA_CERTS with the authority that it trusts. With PGUSER and PGPASSWORD it logs in with those. It prints
// user, password, `select 1` and `select current_user`, one a line.
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [sdk, pg] = process.argv.slice(2).map((folder) => createRequire(`${resolve(folder)}/here.js`));
const { RedshiftServerlessClient, GetCredentialsCommand } = sdk("@aws-sdk/client-redshift-serverless");
const { Client } = pg("pg");

async function credentials() {
  const client = new RedshiftServerlessClient({ endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 });
  const answer = await client.send(new GetCredentialsCommand({ workgroupName: process.env.WORKGROUP }));
  client.destroy();
  return [answer.dbUser, answer.dbPassword];
}

const [user, password] = process.env.PGUSER ? [process.env.PGUSER, process.env.PGPASSWORD] : await credentials();
const client = new Client({ user, password, ssl: { rejectUnauthorized: true } });
await client.connect();
const first = async (text) => Object.values((await client.query(text)).rows[0])[0];
console.log([user, password, await first("select 1"), await first("select current_user")].join("\n"));
await client.end();
