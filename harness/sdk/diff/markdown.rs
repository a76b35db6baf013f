//! The diff as Markdown, for a pull request or a job summary.

use std::fmt::Write as _;

use super::text::{CASES_LIMIT, GROUPS_LIMIT, details, extent, extent_of, name_cases, name_groups, parts, unused};
use super::{AcceptedChange, Cause, ChangeClass, EVERY_CASE, SdkDiff, words};
use crate::report::markdown::{MARKDOWN_LIMIT, code, prose};

/// How many causes of a class are shown before the rest is counted.
const CAUSES_LIMIT: usize = 25;

/// How many cases that were not compared are named before the rest is counted.
const APART_LIMIT: usize = 100;

/// The bytes that are kept free for headings, counts and other text in the same summary.
const RESERVE: usize = 64 << 10;

impl SdkDiff {
    /// The diff as Markdown in GitHub's flavour; no text of a run is markup in it.
    pub fn markdown(&self) -> String {
        self.markdown_within(MARKDOWN_LIMIT)
    }

    /// The same in at most `limit` bytes, except for headings and names of cases. Changes that do not fit are counted.
    pub fn markdown_within(&self, limit: usize) -> String {
        let mut text = format!("## {}\n", prose(&self.title()));
        for note in self.notes(true) {
            let _ = write!(text, "\n{}\n", prose(&note));
        }
        for alarm in &self.alarms {
            let _ = write!(text, "\n> [!CAUTION]\n> {}\n", prose(alarm));
        }
        let mut lines = self.verdict().lines().map(prose).collect::<Vec<_>>().into_iter();
        let _ = write!(text, "\n**{}**\n", lines.next().unwrap_or_default());
        lines.for_each(|line| {
            let _ = write!(text, "\n{line}\n");
        });
        for class in ChangeClass::ALL {
            self.class(&mut text, class, limit);
        }
        if !self.accepted.is_empty() {
            text.push_str("\n### Accepted\n\n");
        }
        for AcceptedChange { id, change, cases, reason, issue, expires } in &self.accepted {
            let issue = issue.as_ref().map(|issue| format!(" ({})", prose(issue))).unwrap_or_default();
            let until = expires.as_ref().map(|last| format!(", until {}", prose(last))).unwrap_or_default();
            let (extent, change) = (extent_of(cases), code(change));
            let _ = writeln!(text, "- **{extent}**: {change} (id `{id}`): {}{issue}{until}", prose(reason));
        }
        if !self.unused.is_empty() {
            text.push_str("\n### Accepted, and not found\n\n");
        }
        for entry in &self.unused {
            let cases = name_cases(&entry.cases, APART_LIMIT, code);
            let _ =
                writeln!(text, "- {} (id `{}`) in {cases}: {}", code(&entry.change), entry.id, prose(&unused(entry)));
        }
        for (what, cases) in self.apart() {
            let _ = write!(text, "\n### {what}\n\n{}\n", name_cases(cases, APART_LIMIT, code));
        }
        text
    }

    fn class(&self, text: &mut String, class: ChangeClass, limit: usize) {
        let causes: Vec<_> = self.causes_of(class).collect();
        if causes.is_empty() {
            return;
        }
        let _ = write!(text, "\n### {} ({class})\n\n", class.heading());
        let mut written = 0;
        for cause in causes.iter().take(CAUSES_LIMIT) {
            let item = self.item(cause);
            if text.len() + item.len() > limit.saturating_sub(RESERVE) {
                break;
            }
            text.push_str(&item);
            written += 1;
        }
        if written < causes.len() {
            let more = words::count(causes.len() - written, "more change");
            let _ = writeln!(text, "- and {more}; the JSON has them all");
        }
    }

    fn item(&self, cause: &Cause) -> String {
        let mut item = format!("- **{}**: {} (id `{}`)\n", extent(cause), code(&cause.what), cause.id);
        let _ = writeln!(item, "  - {}", prose(&cause.meaning));
        if let Some(change) = self.example(cause) {
            for (label, value) in details(cause, change) {
                let _ = writeln!(item, "  - {}: {}", prose(&label), code(value));
            }
        }
        for (what, groups) in parts(cause) {
            let _ = writeln!(item, "  - {what}: {}", name_groups(groups, GROUPS_LIMIT, code));
        }
        if cause.cases != [EVERY_CASE] {
            let _ = writeln!(item, "  - {}", name_cases(&cause.cases, CASES_LIMIT, code));
        }
        item
    }
}
