//! Which path of a URL gives which reply.

use std::collections::BTreeMap;

use crate::corpus::{Call, Corpus};

/// At most this many paths are named to a caller who asked for another one.
const MOST_NAMED: usize = 12;

/// Every path that has a reply, with the reply's name.
#[derive(Debug, Default)]
pub(super) struct Paths(BTreeMap<String, String>);

impl Paths {
    /// The paths of a corpus. They begin as the harness writes them: `/<case id>` for the first call
    /// of a case, then a `~` and which other call it is.
    pub(super) fn of(corpus: &Corpus) -> Self {
        let mut paths = Self::default();
        for case in corpus.cases() {
            let path = |part: &str, index: usize| format!("/{}~{part}{index}", case.id);
            for (index, call) in case.calls.iter().enumerate() {
                paths.add(if index == 0 { format!("/{}", case.id) } else { path("", index) }, call);
            }
            for (part, calls) in [("setup", &case.case.setup), ("teardown", &case.case.teardown)] {
                calls.iter().enumerate().for_each(|(index, call)| paths.add(path(part, index), call));
            }
        }
        paths.0.extend(corpus.replies().keys().map(|name| (format!("/replies/{name}"), name.clone())));
        paths
    }

    fn add(&mut self, path: String, call: &Call) {
        if let Some(reply) = &call.reply {
            self.0.insert(path, reply.clone());
        }
    }

    /// The name of the reply for a path: that of the longest path in the table that it begins with. A
    /// case may put a path of its own behind the one that names it.
    ///
    /// A path ends at a `/`, never before a `~`: a step that a case does not have is no other step.
    pub(super) fn reply(&self, path: &str) -> Result<&str, String> {
        let ends = path.char_indices().filter(|(_, character)| *character == '/').map(|(at, _)| at).skip(1);
        let ends: Vec<_> = ends.chain([path.len()]).collect();
        let found = ends.into_iter().rev().find_map(|end| self.0.get(&path[..end]));
        found.map(String::as_str).ok_or_else(|| self.no_reply(path))
    }

    /// What to say to a caller who asked for a path without a reply: the paths that begin like it, or
    /// how paths are made.
    fn no_reply(&self, path: &str) -> String {
        let stem = path.split('~').next().unwrap_or_default().trim_end_matches('/');
        let is_near = |known: &&String| {
            let rest = known.strip_prefix(stem).filter(|_| !stem.is_empty());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '~']))
        };
        let mut near = self.0.keys().filter(is_near);
        let named: Vec<_> = near.by_ref().take(MOST_NAMED).map(String::as_str).collect();
        if !named.is_empty() {
            let more = near.count();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            return format!("There is no reply for this path, but for {}{more}.", named.join(", "));
        }
        let example = |under: fn(&&String) -> bool| self.0.keys().find(under).map_or("none", String::as_str);
        format!(
            "There is no reply for this path. The paths are /<case id>, such as {}; the same with ~1, ~2, ~setup0 or \
             ~teardown0 for a case of several calls; and /replies/<name>, such as {}.",
            example(|path| !path.starts_with("/replies/")),
            example(|path| path.starts_with("/replies/")),
        )
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn paths() -> Paths {
        let table = [
            ("/a/b", "first"),
            ("/a/b~1", "second"),
            ("/a/b~setup0", "before"),
            ("/a/b~teardown0", "after"),
            ("/a/family/1", "one"),
            ("/a/family/12", "twelve"),
            ("/replies/odd", "odd"),
        ];
        Paths(table.into_iter().map(|(path, reply)| (path.to_owned(), reply.to_owned())).collect())
    }

    #[rstest]
    #[case("/a/b", "first")]
    #[case("/a/b/", "first")]
    #[case("/a/b//x", "first")]
    #[case("/a/b/x/y", "first")]
    #[case("/a/b~1/", "second")]
    #[case("/a/b~setup0/", "before")]
    #[case("/a/b~teardown0", "after")]
    #[case("/a/family/1/2", "one")]
    #[case("/a/family/12/", "twelve")]
    #[case("/replies/odd", "odd")]
    fn the_longest_path_that_begins_the_request_s_chooses_the_reply(#[case] path: &str, #[case] reply: &str) {
        assert_eq!(paths().reply(path), Ok(reply));
    }

    #[rstest]
    #[case("/")]
    #[case("")]
    #[case("/a")]
    #[case("/a/")]
    #[case("/a/bc")]
    #[case("/a/b~2")]
    #[case("/a/b~12/")]
    #[case("/a/b~setup1/")]
    #[case("/a/family")]
    #[case("/a/family/123")]
    #[case("/replies/none")]
    fn a_path_without_a_reply_has_none(#[case] path: &str) {
        assert!(paths().reply(path).is_err(), "{path}");
    }
}
