//! The diff as one HTML file: no script, nothing loaded, light and dark.

use minijinja::Error;
use serde::Serialize;

use super::text::extent;
use super::{Class, EVERY_CASE, SdkDiff, words};
use crate::report::html::render_page;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");

#[derive(Serialize)]
struct Page {
    title: String,
    notes: Vec<String>,
    alarms: Vec<String>,
    verdict: Vec<String>,
    sections: Vec<Section>,
    apart: Vec<(&'static str, Vec<String>)>,
}

/// The changes of one class.
#[derive(Serialize)]
struct Section {
    class: &'static str,
    heading: &'static str,
    groups: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    extent: String,
    what: String,
    meaning: String,
    /// Each case with what it was and is, where the group's own words do not say it.
    changes: Vec<[String; 3]>,
    cases: Vec<String>,
}

impl SdkDiff {
    /// The diff as one HTML file. Every text of a run is escaped, in it nothing is markup.
    ///
    /// # Panics
    /// Never: the template is made for what it is given.
    pub fn html(&self) -> String {
        render(&self.page()).expect("the template fits the page")
    }

    fn page(&self) -> Page {
        let sections = Class::ALL.into_iter().filter_map(|class| {
            let groups: Vec<Row> = self.groups_of(class).map(|group| self.row(group)).collect();
            (!groups.is_empty()).then(|| Section { class: class.word(), heading: class.heading(), groups })
        });
        Page {
            title: self.title(),
            notes: self.notes(),
            alarms: self.alarms.clone(),
            verdict: self.verdict().lines().map(str::to_owned).collect(),
            sections: sections.collect(),
            apart: self.apart().map(|(what, cases)| (what, cases.clone())).collect(),
        }
    }

    fn row(&self, group: &super::Group) -> Row {
        let same = self.changes.iter().filter(|change| change.class == group.class && change.group == group.what);
        let changes = same.clone().filter(|change| !change.is_told_by_group());
        Row {
            extent: extent(group),
            what: group.what.clone(),
            meaning: same.clone().next().map(|change| change.meaning.clone()).unwrap_or_default(),
            changes: changes.map(|change| [change.case.clone(), change.old.clone(), change.new.clone()]).collect(),
            cases: group.cases.iter().filter(|case| *case != EVERY_CASE).cloned().collect(),
        }
    }
}

fn render(page: &Page) -> Result<String, Error> {
    let text = render_page(&[("page.html", PAGE)], page, "", STYLE, None)?;
    Ok(text.lines().map(words::no_command).collect::<Vec<_>>().join("\n"))
}
