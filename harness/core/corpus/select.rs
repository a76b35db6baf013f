use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pattern::Glob;
use super::{Corpus, ExpandedCase};
use crate::contract::{Level, Register, Revision};
use crate::text::{did_you_mean, foreign, foreign_within, meant, with_parents};

/// A pattern over case ids: `*` stands for one part of the path, `**` for any. It selects the ids
/// that it matches and everything below them, so `parameters` is the whole suite.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    glob: Glob,
    /// Whether it need only match one part of an id.
    in_any_part: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(text: &str) -> Result<Self, String> {
        /// The most characters of it that a message shows: the reason follows.
        const SHOWN: usize = 200;
        let trimmed = text.trim_end_matches('/');
        let shown = || foreign_within(text, SHOWN);
        let glob =
            Glob::new(trimmed, true).map_err(|error| format!("the pattern \"{}\" cannot be read: {error}", shown()))?;
        Ok(Self { text: text.to_owned(), glob, in_any_part: false })
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it selects a case id.
    pub fn selects(&self, id: &str) -> bool {
        let matches = |text: &str| self.glob.matches(text);
        if let Some(path) = self.glob.literal() {
            return id.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        }
        with_parents(id).any(matches) || (self.in_any_part && id.split('/').any(matches))
    }

    /// The pattern as it is meant among these ids. A pattern of one part that selects none of them, such as
    /// `*duration*`, is meant for any part of an id.
    fn meant_among<'a>(&self, mut ids: impl Iterator<Item = &'a str>) -> Self {
        let in_any_part = !self.text.contains('/') && self.text.contains('*') && !ids.any(|id| self.selects(id));
        Self { in_any_part, ..self.clone() }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&foreign(&self.text))
    }
}

/// One part of a run that is split into several: `I/N`, with I from 1 to N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which part, from 1.
    pub index: usize,
    /// How many parts.
    pub count: usize,
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected I/N with I from 1 to N, such as 1/4, found \"{}\"", foreign(text));
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self { index: index.parse().map_err(|_| wrong())?, count: count.parse().map_err(|_| wrong())? };
        if shard.index == 0 || shard.index > shard.count { Err(wrong()) } else { Ok(shard) }
    }
}

/// Which cases to run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only cases of this operation; `None` for those of every operation.
    pub operation: Option<String>,
    /// Only cases that one of these patterns selects; all cases where it is empty.
    pub patterns: Vec<Pattern>,
    /// No case that one of these patterns selects.
    pub skip: Vec<Pattern>,
    /// Only cases that cite a requirement of this level.
    pub level: Option<Level>,
    /// Only cases that cite one of these requirements.
    pub requirements: BTreeSet<String>,
    /// Only the cases of this shard.
    pub shard: Option<Shard>,
}

/// Why a selection cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// A pattern that selects no case, although others do; with advice.
    #[error("the pattern \"{0}\" matches no case{1}")]
    PatternMatchesNothing(String, String),
    /// No requirement has this id; with advice.
    #[error("there is no requirement {0}{1}")]
    UnknownRequirement(String, String),
    /// A pattern or a requirement belongs to another operation than the selected one.
    #[error("{what} is about the operation {of}, not {selected}; --operation {of} selects it")]
    OtherOperation {
        /// The pattern or the requirement, in words.
        what: String,
        /// The operation that it belongs to.
        of: String,
        /// The operation that is selected.
        selected: String,
    },
    /// A pattern or a requirement belongs to another revision of the documents; it, in words, and that revision.
    #[error("{0} holds in other revisions of the documents than {1}; --revision chooses one")]
    OtherRevision(String, Revision),
    /// No case is left; with the reason.
    #[error("no case is selected: {0}")]
    Nothing(String),
}

/// The cases of a run, in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The cases.
    pub cases: Vec<Arc<ExpandedCase>>,
    /// How often each of them runs.
    pub repeat: u32,
    /// What was left out of it after it was selected.
    pub left_out: Option<LeftOut>,
}

/// The cases that were selected and are not run: a run may make only so many calls, and does some things at real AWS
/// only where they are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// How many cases there are too few calls for.
    pub cases: usize,
    /// How many calls the run may make; absent where there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
    /// How many calls the cases of the run make at most, where no answer is in doubt.
    pub calls: u64,
    /// How many calls it would be with the cases that there are too few calls for.
    pub calls_of_all: u64,
    /// Whether it is proven that no choice of cases decides more `must` requirements with so many calls.
    pub is_best: bool,
    /// How many cases do what is not allowed, by the flag that allows it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_allowed: BTreeMap<String, usize>,
}

impl LeftOut {
    /// How many cases are left out in all.
    pub fn total(&self) -> usize {
        self.cases + self.not_allowed.values().sum::<usize>()
    }

    /// What was left out of a run, by what was left out of its shards.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.max_calls = self.max_calls.into_iter().chain(other.max_calls).reduce(|one, two| one + two);
        (self.cases, self.calls) = (self.cases + other.cases, self.calls + other.calls);
        self.calls_of_all += other.calls_of_all;
        // Of two best choices, one for each shard, the two together need not be the best of all.
        self.is_best = false;
        for (flag, cases) in &other.not_allowed {
            *self.not_allowed.entry(flag.clone()).or_default() += cases;
        }
        self
    }
}

impl Plan {
    /// Selects cases from a corpus, in the corpus's order, each to run once.
    ///
    /// # Errors
    /// When a pattern or a requirement matches nothing, or no case is left.
    pub fn select(corpus: &Corpus, register: &Register, selection: &Selection) -> Result<Self, SelectError> {
        for pattern in selection.patterns.iter().chain(&selection.skip) {
            let selects_here = corpus.ids().any(|id| pattern.selects(id));
            if !selects_here && corpus.ids_elsewhere().any(|id| pattern.selects(id)) {
                let what = format!("what the pattern \"{pattern}\" selects");
                return Err(SelectError::OtherRevision(what, register.revision()));
            }
        }
        let Some(operation) = &selection.operation else {
            return Ok(Self {
                cases: selection.choose(corpus.cases(), register, "countersign list")?,
                repeat: 1,
                left_out: None,
            });
        };
        let (cases, others): (Vec<_>, Vec<_>) =
            corpus.cases().iter().cloned().partition(|case| case.operation == *operation);
        if cases.is_empty() {
            let why = "no case is about the operation";
            let advice = "`countersign list operations` shows which ones have cases";
            return Err(SelectError::Nothing(format!("{why} {operation}; {advice}")));
        }
        let other = |what: String, of: &str| SelectError::OtherOperation {
            what,
            of: of.to_owned(),
            selected: operation.clone(),
        };
        for pattern in selection.patterns.iter().chain(&selection.skip) {
            let selects = |case: &&Arc<ExpandedCase>| pattern.selects(&case.id);
            if let (None, Some(case)) = (cases.iter().find(selects), others.iter().find(selects)) {
                return Err(other(format!("what the pattern \"{pattern}\" selects"), &case.operation));
            }
        }
        let rows = selection.requirements.iter().filter_map(|id| register.meant(id));
        if let Some(row) = rows.into_iter().find(|row| row.operation != *operation) {
            return Err(other(row.id.clone(), &row.operation));
        }
        Ok(Self { cases: selection.choose(&cases, register, "countersign list")?, repeat: 1, left_out: None })
    }
}

/// A case that can be selected.
pub trait Selectable {
    /// Its id.
    fn id(&self) -> &str;

    /// The requirements that it cites.
    fn requirements(&self) -> &[String];
}

impl Selectable for ExpandedCase {
    fn id(&self) -> &str {
        &self.id
    }

    fn requirements(&self) -> &[String] {
        &self.case.requirements
    }
}

impl Selection {
    /// Of some cases, those of the operation that a pattern selects. Unlike in [`Plan::select`], a pattern may be about
    /// other cases only, and nothing else is looked at.
    pub fn among(&self, cases: &[Arc<ExpandedCase>]) -> Vec<Arc<ExpandedCase>> {
        let ids = || cases.iter().map(|case| case.id.as_str());
        let patterns: Vec<_> = self.patterns.iter().map(|pattern| pattern.meant_among(ids())).collect();
        let is_of = |case: &ExpandedCase| self.operation.as_ref().is_none_or(|name| case.operation == *name);
        let is_in = |case: &ExpandedCase| patterns.is_empty() || patterns.iter().any(|of| of.selects(&case.id));
        cases.iter().filter(|case| is_of(case) && is_in(case)).cloned().collect()
    }

    /// The cases that the selection keeps, in their order; `lister` is the command that lists all cases.
    ///
    /// # Errors
    /// When a pattern or a requirement selects nothing, or is one of another revision.
    pub fn choose<T: Selectable>(
        &self,
        cases: &[Arc<T>],
        register: &Register,
        lister: &str,
    ) -> Result<Vec<Arc<T>>, SelectError> {
        let Self { patterns, skip, level, requirements, shard, operation: _ } = self;
        let elsewhere = |id: &str| meant(id, register.ids_elsewhere());
        let known = |id: &String| {
            if let (None, Some(elsewhere)) = (register.meant(id), elsewhere(id)) {
                return Err(SelectError::OtherRevision(elsewhere.to_owned(), register.revision()));
            }
            register.meant(id).map(|row| row.id.clone()).ok_or_else(|| {
                let near = did_you_mean(id, register.ids());
                let advice = format!("{near}; `countersign list requirements` shows them all");
                SelectError::UnknownRequirement(foreign(id), advice)
            })
        };
        let requirements = &requirements.iter().map(known).collect::<Result<BTreeSet<_>, _>>()?;
        let as_meant = |patterns: &[Pattern]| -> Vec<Pattern> {
            patterns.iter().map(|pattern| pattern.meant_among(cases.iter().map(|case| case.id()))).collect()
        };
        let (patterns, skip) = (&as_meant(patterns), &as_meant(skip));
        let advice = |miss: &Pattern| {
            let near = match register.meant(&miss.text) {
                Some(row) => format!("; the cases of a requirement are selected with --requirement {}", row.id),
                None => did_you_mean(&miss.text, cases.iter().map(|case| case.id())),
            };
            format!("{near}; `{lister}` shows them all")
        };
        let matches = |pattern: &&Pattern| cases.iter().any(|case| pattern.selects(case.id()));
        let (hits, misses): (Vec<_>, Vec<_>) = patterns.iter().partition(matches);
        if let Some(miss) = misses.first() {
            return Err(if hits.is_empty() {
                SelectError::Nothing(format!("the pattern \"{miss}\" matches no case{}", advice(miss)))
            } else {
                SelectError::PatternMatchesNothing(miss.to_string(), advice(miss))
            });
        }
        if let Some(miss) = skip.iter().find(|pattern| !matches(pattern)) {
            return Err(SelectError::PatternMatchesNothing(miss.to_string(), advice(miss)));
        }
        let cites = |case: &T, wanted: &dyn Fn(&str) -> bool| case.requirements().iter().any(|id| wanted(id));
        let is_cited = |id: &String| cases.iter().any(|case| cites(case, &|cited| cited == id));
        if let Some(id) = requirements.first().filter(|_| !requirements.iter().any(is_cited)) {
            let is_ruled = register.get(id).is_some_and(|row| row.decided_by.is_some() && row.pending.is_none());
            let why = if is_ruled { "it is judged wherever it is seen" } else { "it is not judged" };
            return Err(SelectError::Nothing(format!("no case cites {id}; {why}: leave out --requirement")));
        }
        let in_any = |patterns: &[Pattern], case: &T| patterns.iter().any(|pattern| pattern.selects(case.id()));
        let is_of = |level| move |id: &str| register.get(id).is_some_and(|row| row.level == level);
        let mut selected: Vec<_> = cases.iter().filter(|case| patterns.is_empty() || in_any(patterns, case)).collect();
        let mut narrow = |name: &str, keeps: &dyn Fn(&T) -> bool| {
            selected.retain(|case| keeps(case));
            let nothing = || SelectError::Nothing(format!("{name} leaves none; `{lister}` shows them all"));
            if selected.is_empty() { Err(nothing()) } else { Ok(()) }
        };
        narrow("--skip", &|case| !in_any(skip, case))?;
        narrow("--level", &|case| level.is_none_or(|level| cites(case, &is_of(level))))?;
        narrow("--requirement", &|case| requirements.is_empty() || cites(case, &|id| requirements.contains(id)))?;
        let (skip, step) = shard.map_or((0, 1), |shard| (shard.index - 1, shard.count));
        let cases: Vec<_> = selected.iter().skip(skip).step_by(step).map(|case| Arc::clone(case)).collect();
        if let (true, Some(shard)) = (cases.is_empty(), shard) {
            return Err(SelectError::Nothing(format!(
                "the shard {shard} is empty; make at most {} of them",
                selected.len()
            )));
        }
        Ok(cases)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use rstest::rstest;

    use super::*;
    use crate::contract::{Contract, Fixtures};

    #[rstest]
    #[case("**", "a/b/c", true)]
    #[case("a/*", "a/b", true)]
    #[case("a/*", "a/b/c", true)]
    #[case("a/b", "a/b/c", true)]
    #[case("a/b/", "a/b/c", true)]
    #[case("a", "a/b/c", true)]
    #[case("a", "ab/c", false)]
    #[case("*/b", "a/b", true)]
    #[case("*/c", "a/b/c", false)]
    #[case("**/c", "a/b/c", true)]
    #[case("a/**", "b/c", false)]
    fn a_pattern_selects_ids_and_what_is_below_them(#[case] pattern: &str, #[case] id: &str, #[case] selected: bool) {
        assert_eq!(Pattern::new(pattern).expect("a valid pattern").selects(id), selected);
    }

    #[rstest]
    #[case("a/[")]
    #[case("a/{b")]
    fn a_pattern_that_cannot_be_read_is_an_error(#[case] pattern: &str) {
        assert!(Pattern::new(pattern).is_err());
    }

    /// The ids of the cases of this build that are selected, or the error.
    fn select(pattern: Option<&str>, selection: Selection) -> Result<Vec<String>, String> {
        static LIBRARY: LazyLock<(Corpus, Register)> = LazyLock::new(|| {
            let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
            (Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus"), contract.register)
        });
        let patterns = pattern.into_iter().map(|text| Pattern::new(text).expect("a pattern")).collect();
        let plan = Plan::select(&LIBRARY.0, &LIBRARY.1, &Selection { patterns, ..selection });
        plan.map(|plan| plan.cases.iter().map(|case| case.id.clone()).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn shards_are_complete_and_disjoint_and_keep_the_order() {
        let ids = |pattern, shard| select(pattern, Selection { shard, ..Selection::default() }).expect("enough cases");
        for pattern in [None, Some("parameters/*")] {
            let whole = ids(pattern, None);
            for count in 1..=20 {
                let parts: Vec<_> = (1..=count).map(|index| ids(pattern, Some(Shard { index, count }))).collect();
                assert_eq!(parts.iter().map(Vec::len).sum::<usize>(), whole.len(), "{count} shards");
                for (at, id) in whole.iter().enumerate() {
                    assert_eq!(parts[at % count][at / count], *id, "{count} shards");
                }
            }
        }
    }

    #[test]
    fn a_shard_without_a_case_is_said() {
        let selection = Selection { shard: "2/2".parse().ok(), ..Selection::default() };
        let error = select(Some("success/workgroup-only"), selection).expect_err("there is one case");
        assert_eq!(error, "no case is selected: the shard 2/2 is empty; make at most 1 of them");
    }

    #[rstest]
    #[case::without_its_suite("duration-outside", "did you mean parameters/duration-outside?")]
    #[case::underscores("parameters/duration_outside", "did you mean parameters/duration-outside?")]
    #[case::a_suite("paramters", "did you mean parameters?")]
    #[case::without_zeros("GC-WG-2", "--requirement GC-WG-02")]
    #[case::a_requirement("gc-wg-02", "--requirement GC-WG-02")]
    #[case::nothing_near("zzz", "matches no case; `countersign list` shows them all")]
    fn a_pattern_that_selects_nothing_leads_on(#[case] pattern: &str, #[case] advice: &str) {
        let error = select(Some(pattern), Selection::default()).expect_err("no case has this id");
        assert!(error.contains(advice), "{error}");
    }

    #[rstest]
    #[case::letter_case("gc-wg-02")]
    #[case::no_zeros("GC-WG-2")]
    fn a_requirement_is_meant_however_its_letters_and_zeros_are_typed(#[case] id: &str) {
        let of = |id: &str| Selection { requirements: [id.to_owned()].into(), ..Selection::default() };
        assert_eq!(select(None, of(id)), select(None, of("GC-WG-02")));
    }

    #[test]
    fn an_unknown_requirement_leads_to_the_nearest() {
        let selection = Selection { requirements: ["GC-WH-02".to_owned()].into(), ..Selection::default() };
        let error = select(None, selection).expect_err("there is none");
        assert!(error.contains("did you mean GC-WG-02"), "{error}");
    }

    #[test]
    fn a_pattern_of_one_part_is_meant_for_any_part_if_it_selects_nothing_else() {
        let ids = select(Some("*duration-outs*"), Selection::default()).expect("there are such cases");
        assert_eq!(Ok(ids), select(Some("**/*duration-outs*"), Selection::default()));
        // What it selects as it stands is all that it means.
        assert_eq!(select(Some("param*"), Selection::default()), select(Some("parameters"), Selection::default()),);
        let skip = vec![Pattern::new("*duration*").expect("a pattern")];
        let left = select(None, Selection { skip, ..Selection::default() }).expect("there are others");
        assert!(left.iter().all(|id| !id.contains("duration")) && left.len() > 100, "{} cases", left.len());
    }

    #[rstest]
    #[case("1/4", Some((1, 4)))]
    #[case("4/4", Some((4, 4)))]
    #[case("5/4", None)]
    #[case("0/4", None)]
    #[case("1", None)]
    #[case("a/b", None)]
    fn a_shard_is_one_of_its_parts(#[case] text: &str, #[case] expected: Option<(usize, usize)>) {
        assert_eq!(text.parse::<Shard>().ok().map(|shard| (shard.index, shard.count)), expected);
    }
}
