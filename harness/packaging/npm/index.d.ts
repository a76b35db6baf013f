/** The path of the program. */
export function program(): string;

interface Server {
  /** Where it listens, such as `http://127.0.0.1:40381`. */
  readonly endpoint: string;
  /** Ends it. */
  close(): Promise<void>;
}

/** A running reference emulator. Its keys are invented, and live as long as it does. */
export interface Emulator extends Server {
  readonly region: string;
  readonly account: string;
  /** A workgroup that it has: the first of `workgroups`. */
  readonly workgroup: string;
  readonly workgroups: readonly string[];
  readonly customDomains: readonly string[];
  /** For a client of the AWS SDK. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The environment variables that point every AWS SDK at it. */
  readonly env: Readonly<Record<string, string>>;
}

/** A running mock. It answers any request; the path of the URL says how. */
export interface Mock extends Server {
  /** The URL that gives the reply to a case: see `countersign list cases`. */
  case(id: string): string;
  /** The URL that gives a reply, right or wrong: see `countersign list replies`. */
  reply(name: string): string;
}

/** Runs `countersign serve emulator` with these flags. */
export function emulator(...flags: string[]): Promise<Emulator>;

/** Runs `countersign serve mock` with these flags. */
export function mock(...flags: string[]): Promise<Mock>;
