//! The diff as one HTML file: no script, nothing loaded, light and dark.

use serde_json::{Value as Json, json};

use super::line::{LINE_STYLE, LINE_TEMPLATE, VersionLine};
use super::text::extent_of;
use super::{ChangeClass, ChangeGroup, EVERY_CASE, SdkChange, SdkDiff, words};
use crate::report::html::render_page;

impl SdkDiff {
    /// The diff as one HTML file. Every text of a run is escaped, so that none is markup.
    ///
    /// # Panics
    /// Never: the template fits its values.
    pub fn html(&self) -> String {
        let sections = ChangeClass::ALL.into_iter().filter_map(|class| {
            let groups: Vec<_> = self.groups_of(class).map(|group| self.row(group)).collect();
            let section = json!({ "class": class.word(), "heading": class.heading(), "groups": groups });
            (!groups.is_empty()).then_some(section)
        });
        let page = json!({
            "title": self.title(),
            "notes": self.notes(),
            "alarms": self.alarms,
            "verdict": self.verdict().lines().collect::<Vec<_>>(),
            "line": VersionLine::of(&[self], |_, class| class.word()),
            "sections": sections.collect::<Vec<_>>(),
            "apart": self.apart().collect::<Vec<_>>(),
        });
        let templates = [("page.html", include_str!("page.html")), LINE_TEMPLATE];
        let style = format!("{}{LINE_STYLE}", include_str!("page.css"));
        let text = render_page(&templates, &page, "", &style, None).expect("the template fits the page");
        text.lines().map(words::no_command).collect::<Vec<_>>().join("\n")
    }

    /// A group. Each case has its old and new value, unless the group's name gives them.
    fn row(&self, group: &ChangeGroup) -> Json {
        let same = self.changes.iter().filter(|change| change.class == group.class && change.group == group.what);
        let changes = same.filter(|change| !change.is_told_by_group());
        json!({
            "extent": extent_of(&group.cases),
            "what": group.what,
            "meaning": self.changes.iter().find(|change| change.class == group.class && change.group == group.what).map(|change| &change.meaning),
            "changes": changes.map(|SdkChange { case, old, new, .. }| [case, old, new]).collect::<Vec<_>>(),
            "cases": group.cases.iter().filter(|case| *case != EVERY_CASE).collect::<Vec<_>>(),
        })
    }
}
