import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** The path of the program, in the package for this platform. */
export function program() {
  const name = `@countersign/${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "countersign.exe" : "countersign";
  try {
    return require.resolve(`${name}/bin/${file}`);
  } catch {
    throw new Error(
      `the package ${name}, which holds the program for this platform, is not installed: install countersign without ` +
        "--omit=optional. There is none for Linux without glibc, such as Alpine; there, build the program with Cargo",
    );
  }
}
