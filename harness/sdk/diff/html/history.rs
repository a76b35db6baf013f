//! What each version of an SDK changed, as one HTML file.

use serde::Serialize;

use super::line::VersionLine;
use super::view::{DiffView, anchor};
use crate::sdk::diff::{SdkDiff, words};
use crate::text::escape;

/// How many rows of a table tell of the cases of a cause, of which the page may have very many.
const ROWS: usize = 20;

#[derive(Debug, Serialize)]
struct HistoryPage<'a> {
    title: String,
    /// How many versions changed something.
    lead: String,
    /// What was compared.
    note: String,
    line: VersionLine,
    steps: Vec<StepView<'a>>,
}

/// The way from one version to the next.
#[derive(Debug, Serialize)]
struct StepView<'a> {
    anchor: String,
    /// `1.39.6 -> 1.39.7`.
    title: String,
    told: DiffView<'a>,
}

/// The versions of an SDK along a line, and below it what changed from each to the next. `versions` are their names,
/// the oldest first, and `diffs` the comparisons of each two that stand beside each other. `cases` is how many cases each
/// version was run with. Steps that changed nothing are only on the line.
///
/// # Panics
/// Never: the template fits its values.
pub fn history_page(sdk: &str, cases: usize, versions: &[String], diffs: &[SdkDiff]) -> String {
    let begin = |step: usize| format!("step-{}-", step + 1);
    let steps = diffs.iter().zip(versions.windows(2)).enumerate();
    let told = steps.filter(|(_, (diff, _))| says_anything(diff)).map(|(step, (diff, names))| StepView {
        anchor: format!("step-{}", step + 1),
        title: names.iter().map(|name| escape(name)).collect::<Vec<_>>().join(" -> "),
        told: DiffView::of(diff, &begin(step), ROWS),
    });
    let changed = diffs.iter().filter(|diff| !diff.changes.is_empty()).count();
    let later = words::count(diffs.len(), "later version");
    let ends = [versions.first(), versions.last()].map(|name| name.map_or("none", String::as_str));
    let page = HistoryPage {
        title: escape(&format!("{sdk} {} -> {}", ends[0], ends[1])),
        lead: match changed {
            0 => format!("Nothing changed in {later}."),
            some => format!("{some} of {later} changed something."),
        },
        note: format!("{} each; only versions that are installed are compared", words::count(cases, "case")),
        line: VersionLine::named(&diffs.iter().collect::<Vec<_>>(), versions, |step, class| {
            anchor(&diffs[step], &begin(step), class)
        }),
        steps: told.collect(),
    };
    super::render(("history.html", include_str!("history.html")), &page)
}

/// Whether there is more to say of a comparison than that nothing changed.
fn says_anything(diff: &SdkDiff) -> bool {
    !diff.changes.is_empty() || diff.apart().next().is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::sdk::tests::samples::{failure, run, with};

    fn diff(old: Json, new: Json) -> SdkDiff {
        SdkDiff::new(&run(&[("r/<b>", old)]), &run(&[("r/<b>", new)])).expect("a diff")
    }

    fn names(versions: &[&str]) -> Vec<String> {
        versions.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn each_step_that_changed_something_has_a_section_that_its_marks_lead_to() {
        let renamed = with(failure(3), "/outcomes/0/error/class", json!("<script>"));
        let diffs = [diff(failure(5), failure(3)), diff(failure(3), failure(3)), diff(failure(3), renamed)];
        let page = history_page("boto3", 1, &names(&["1.1", "1.2", "1.2+<i>", "1.3"]), &diffs);
        assert!(page.contains("2 of 3 later versions changed something."), "{page}");
        for heading in ["1.1 -&gt; 1.2</h2>", "1.2+&lt;i&gt; -&gt; 1.3</h2>"] {
            assert!(page.contains(heading), "{heading}: {page}");
        }
        assert!(!page.contains("step-2") && page.contains("no change in 1 case"), "{page}");
        for (link, id) in [("#step-1-attempts", "step-1-attempts"), ("#step-3-caller", "step-3-caller")] {
            assert!(page.contains(&format!("href=\"{link}\"")) && page.contains(&format!(" id=\"{id}\"")), "{page}");
        }
        for markup in ["<script", "<b>", "<i>"] {
            assert!(!page.split("<main>").nth(1).expect("a main part").contains(markup), "{markup}: {page}");
        }
    }

    #[test]
    fn a_long_history_has_a_line_that_goes_down_and_a_few_rows_for_each_cause() {
        let ids: Vec<String> = (0..60).map(|number| format!("r/{number}")).collect();
        let of = |text: &str| {
            let record = |id: &String| with(failure(1), "/outcomes/0/error/message", json!(format!("{text} {id}")));
            run(&ids.iter().map(|id| (id.as_str(), record(id))).collect::<Vec<_>>())
        };
        let diffs: Vec<_> = (0..9).map(|_| SdkDiff::new(&of("a"), &of("b")).expect("a diff")).collect();
        let versions: Vec<_> = (0..10).map(|number| format!("1.{number}")).collect();
        let page = history_page("boto3", 60, &versions, &diffs);
        assert!(page.contains("class=\"versions down\""), "{page}");
        assert_eq!(page.matches("and 40 more changes").count(), 9);
        let nothing = history_page("boto3", 1, &names(&["1.1", "1.2"]), &[diff(failure(1), failure(1))]);
        assert!(nothing.contains("Nothing changed in 1 later version."), "{nothing}");
    }
}
