//! What a driver wrote to standard error, without what differs from run to run.

use std::sync::LazyLock;

use regex::Regex;

use super::normalise::{Normaliser, pattern};

/// The most lines that are kept.
const LINES_LIMIT: usize = 100;

/// The number of a process, as Node.js puts it before each warning.
static PROCESS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\(node:\d+\)"));

/// An absolute path. Only its last part is the same on every machine.
static PATH: LazyLock<Regex> = LazyLock::new(|| pattern(r#"(^|[\s"'(=\[])(?:/[^\s/:"'()]+)+/([^\s/:"'()]+)"#));

/// A line of a source file, which moves with every version.
static LINE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\.(py|[cm]?js|ts|rs):\d+(?::\d+)?"));

/// The version of the runtime, as Node.js writes its own.
static VERSION: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bv\d+\.\d+\.\d+\b"));

/// When a line was written, as loggers put it before each. A day alone is not the day of the run: support ends on it.
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"));

/// The lines of a log, each once and in order.
pub(super) fn of(log: &str, normaliser: &Normaliser) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in log.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let line = without_chance(&normaliser.text(line));
        if !lines.contains(&line) && lines.len() < LINES_LIMIT {
            lines.push(line);
        }
    }
    lines
}

fn without_chance(line: &str) -> String {
    let line = TIME.replace_all(line, "<time>");
    let line = PROCESS.replace_all(&line, "(node:<id>)");
    let line = PATH.replace_all(&line, "$1<path>/$2");
    let line = VERSION.replace_all(&line, "v<version>");
    LINE.replace_all(&line, ".$1:<line>").into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::python(
        "/home/x/.venv/lib/python3.9/site-packages/boto3/compat.py:89: PythonDeprecationWarning: no longer, 2025-04-29.",
        "<path>/compat.py:<line>: PythonDeprecationWarning: no longer, 2025-04-29."
    )]
    #[case::node("(node:4711) NodeDeprecationWarning: The AWS SDK", "(node:<id>) NodeDeprecationWarning: The AWS SDK")]
    #[case::logger(
        "2026-11-27 21:38:26,123 WARNING retries, since 2026-01-05",
        "<time> WARNING retries, since 2026-01-05"
    )]
    #[case::tracing("2026-11-27T21:38:26.967533Z  WARN sdk: x", "<time>  WARN sdk: x")]
    #[case::node_place("    at file:///a/b/x.mjs:12:34", "    at file:///a/b/x.mjs:<line>")]
    #[case::url("see https://a.example/blog/post: more", "see https://a.example/blog/post: more")]
    #[case::quoted("open \"/a/b/c.pem\" failed", "open \"<path>/c.pem\" failed")]
    #[case::runtime("You are running node v20.20.2.", "You are running node v<version>.")]
    #[case::version("requires node >=20.1", "requires node >=20.1")]
    fn a_line_is_the_same_in_every_run(#[case] line: &str, #[case] expected: &str) {
        assert_eq!(without_chance(line), expected);
    }
}
