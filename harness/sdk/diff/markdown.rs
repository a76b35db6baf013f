//! The diff as Markdown, for a pull request or a job summary.

use std::fmt::Write as _;

use super::text::{CASES_LIMIT, details, extent, name_cases};
use super::{ChangeClass, ChangeGroup, EVERY_CASE, SdkDiff, words};
use crate::report::markdown::{MARKDOWN_LIMIT, code, prose};

/// How many groups of a class are shown in full before the rest is counted.
const GROUPS_LIMIT: usize = 25;

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
        for note in self.notes() {
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
        for (what, cases) in self.apart() {
            let _ = write!(text, "\n### {what}\n\n{}\n", name_cases(cases, APART_LIMIT, code));
        }
        text
    }

    fn class(&self, text: &mut String, class: ChangeClass, limit: usize) {
        let groups: Vec<_> = self.groups_of(class).collect();
        if groups.is_empty() {
            return;
        }
        let _ = write!(text, "\n### {} ({class})\n\n", class.heading());
        let mut rows_written = 0;
        for group in groups.iter().take(GROUPS_LIMIT) {
            let item = self.group(group);
            if text.len() + item.len() > limit.saturating_sub(RESERVE) {
                break;
            }
            text.push_str(&item);
            rows_written += 1;
        }
        if rows_written < groups.len() {
            let _ = writeln!(
                text,
                "- and {}; the JSON has them all",
                words::count(groups.len() - rows_written, "more change")
            );
        }
    }

    fn group(&self, group: &ChangeGroup) -> String {
        let mut item = format!("- **{}**: {}\n", extent(group), code(&group.what));
        if let Some(change) = self.example(group) {
            for (label, value) in details(group, change) {
                let _ = writeln!(item, "  - {}: {}", prose(&label), code(value));
            }
            let _ = writeln!(item, "  - {}", prose(&change.meaning));
        }
        if group.cases != [EVERY_CASE] {
            let _ = writeln!(item, "  - {}", name_cases(&group.cases, CASES_LIMIT, code));
        }
        item
    }
}
