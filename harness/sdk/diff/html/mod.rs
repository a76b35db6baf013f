//! Comparisons as HTML: one as a page, or those of all versions of an SDK. No script, nothing loaded, light and dark.
//!
//! `view` says what is told of a comparison, and `told.html` shows it. `line` is the line of versions above it.

mod history;
mod line;
mod view;

use serde::Serialize;

use super::{SdkDiff, words};
use crate::report::html::render_page;
use line::VersionLine;
use view::{DiffView, anchor};

pub use history::history_page;

/// How many rows of a table tell of the cases of a cause, where a page is about one comparison.
const ROWS: usize = 100;

#[derive(Debug, Serialize)]
struct DiffPage<'a> {
    title: String,
    line: VersionLine,
    told: DiffView<'a>,
}

impl SdkDiff {
    /// The diff as one HTML file. Every text of a run is escaped, so that none is markup.
    ///
    /// # Panics
    /// Never: the template fits its values.
    pub fn html(&self) -> String {
        let page = DiffPage {
            title: self.title(),
            line: VersionLine::of(&[self], |_, class| anchor(self, "", class)),
            told: DiffView::of(self, "", ROWS),
        };
        render(("page.html", include_str!("page.html")), &page)
    }
}

/// Renders a page with the parts that both have.
fn render(template: (&str, &str), page: &impl Serialize) -> String {
    let templates = [template, ("told.html", include_str!("told.html")), ("line.html", include_str!("line.html"))];
    let style = concat!(include_str!("page.css"), include_str!("line.css"));
    let text = render_page(&templates, page, "", style, None).expect("the template fits the page");
    text.lines().map(words::no_command).collect::<Vec<_>>().join("\n")
}
