//! The map of a run: a square for each case, by suite and family, each a link to its case.

use serde::Serialize;

use super::parts::anchor;
use super::words;
use crate::report::collected::{Collected, grouped};
use crate::verdict::{CaseResult, Verdict};

/// The squares of one suite.
#[derive(Debug, Serialize)]
pub(super) struct MapRow {
    suite: String,
    squares: Vec<Square>,
}

/// One case. Its keys are short: the page has hundreds of squares.
#[derive(Debug, Serialize)]
struct Square {
    /// The letter of its verdict; the style sheet colours it.
    letter: char,
    to: Option<String>,
    /// The id and what became of the case; it is the tooltip, and the name of the link.
    text: String,
    /// Whether the case departs from a requirement below `must`.
    departs: bool,
    /// Whether a family begins here, or ends before.
    begins: bool,
}

/// The rows of the map, in the order of the run.
pub(super) fn map(collected: &Collected) -> Vec<MapRow> {
    let row = |cases: Vec<&CaseResult>| {
        let family = |at: usize| words::family(&cases[at].id);
        let square = |(at, case): (usize, &&CaseResult)| Square {
            letter: letter(case.verdict),
            to: anchor(&case.id),
            text: format!("{}: {}{}", case.id, case.verdict, if case.warnings.is_empty() { "" } else { ", departs" }),
            departs: !case.warnings.is_empty(),
            begins: at > 0 && family(at) != family(at - 1),
        };
        MapRow { suite: cases[0].suite.clone(), squares: cases.iter().enumerate().map(square).collect() }
    };
    grouped(&collected.cases, |case| &case.suite).into_iter().map(row).collect()
}

/// The letter of a verdict in the map, one that its word has.
pub(super) const fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => 'P',
        Verdict::Fail => 'F',
        Verdict::KnownFail => 'K',
        Verdict::Fixed => 'X',
        Verdict::Blocked => 'B',
        Verdict::NotImplemented => 'N',
        Verdict::Indeterminate => 'I',
        Verdict::NotApplicable => 'A',
        Verdict::HarnessError => 'H',
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::html::{SCRIPT, STYLE};
    use crate::report::tests::{html, sample};

    #[test]
    fn each_verdict_has_a_letter_of_its_own_and_a_colour() {
        let letters: BTreeSet<char> = Verdict::ALL.into_iter().map(letter).collect();
        assert_eq!(letters.len(), Verdict::ALL.len());
        for verdict in Verdict::ALL {
            let letter = letter(verdict);
            assert!(verdict.word().contains(letter.to_ascii_lowercase()), "{verdict}: {letter}");
            assert!(
                STYLE
                    .contains(&format!(".{letter}::before {{ content: \"{letter}\"; content: \"{letter}\" / \"\"; }}"))
            );
            assert!(STYLE.contains(&format!(".{letter} {{ ")), "{letter} has no colour");
        }
    }

    #[test]
    fn every_case_is_a_square_that_leads_to_it_and_families_stand_together() {
        let cases = ["a/one", "a/some/x", "a/some/y", "a/two", "b/three"];
        let mut cases: Vec<_> = cases.map(|id| sample::case(id, Verdict::Pass)).to_vec();
        (cases[2].verdict, cases[2].id) = (Verdict::Blocked, "a/some/<y>".to_owned());
        let page = html(&sample::run_at("x", "http://a/", cases));
        let (_, map) = page.split_once("id=\"map\"").expect("a map");
        let (map, _) = map.split_once("</ul></li></ul>").expect("its end");
        assert_eq!(map.matches("<li><b").count(), 2, "two suites: {map}");
        assert!(map.contains("<li><a class=\"P\" href=\"#a/one\" title=\"a/one: pass\"></a>"), "{map}");
        assert!(map.contains("<li class=\"g\"><a class=\"P\" href=\"#a/some/x\""), "a family begins: {map}");
        assert!(map.contains("<li><a class=\"B\" title=\"a/some/&lt;y&gt;: blocked\"></a>"), "not a link: {map}");
        assert!(map.contains("<li class=\"g\"><a class=\"P\" href=\"#a/two\""), "and ends: {map}");
    }

    #[test]
    fn the_map_needs_no_script_and_can_be_skipped() {
        let page = html(&sample::events());
        let skip = page.find("href=\"#after-map\"").expect("a link over the map");
        assert!(skip < page.find("id=\"map\"").expect("a map"));
        assert!(page.contains("id=\"after-map\"") && SCRIPT.contains("getElementById(\"map\")"));
    }
}
