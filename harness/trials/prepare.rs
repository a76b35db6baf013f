//! Prepares trials: loads the contract and the cases, and selects the cases.

use std::sync::{Arc, OnceLock};

use jiff::Zoned;
use libtest_mimic::{Arguments, Trial};

use super::Trials;
use super::context::TrialContext;
use crate::contract::{Contract, Fixtures, LoadError};
use crate::corpus::{Corpus, ExpandedCase, LoadErrors, Pattern, Plan, SelectError, Selection};
use crate::report::Baseline;

/// Why there are no trials.
#[derive(Debug, thiserror::Error)]
pub enum TrialsError {
    /// The baseline or the contract cannot be used: the file, the place in it, and what is wrong.
    #[error(transparent)]
    File(#[from] LoadError),
    /// The cases cannot be used.
    #[error(transparent)]
    Cases(#[from] LoadErrors),
    /// A feature that does not exist is claimed; with advice.
    #[error("Trials::claim: {0}")]
    Feature(String),
    /// A pattern cannot be read.
    #[error("Trials::only: {0}")]
    Pattern(String),
    /// The patterns select only cases of another operation.
    #[error("Trials::only: {what} is about the operation {of}; Trials::of_every_operation adds its trials")]
    OtherOperation {
        /// The pattern, in words.
        what: String,
        /// The operation.
        of: String,
    },
    /// The patterns select no cases, or one of them does.
    #[error("Trials::only: {0}")]
    Selection(SelectError),
}

/// The trials that are needed for these arguments.
pub(super) fn trials(trials: Trials, arguments: &Arguments) -> Result<Vec<Trial>, TrialsError> {
    let exact = arguments.filter.as_ref().filter(|_| arguments.exact && !arguments.list);
    let name_in_target = exact.map(|name| name.strip_prefix(&trials.name).and_then(|rest| rest.strip_prefix("::")));
    if name_in_target == Some(None) {
        // It is the name of another target's trial.
        return Ok(Vec::new());
    }
    let mut features = trials.features;
    for word in &trials.claims {
        features.insert(word.parse().map_err(TrialsError::Feature)?);
    }
    let patterns = trials.patterns.iter().map(|text| Pattern::new(text));
    let patterns = patterns.collect::<Result<Vec<_>, _>>().map_err(TrialsError::Pattern)?;
    let contract = Arc::new(Contract::load_in(&Fixtures::Embedded, trials.revision)?);
    let baseline = trials.baseline.as_deref().map(Baseline::load).transpose()?;
    if let Some(baseline) = &baseline {
        baseline.check_revision(contract.older_revision(), "choose the revision with Trials::by_revision")?;
    }
    let operation = (!trials.every_operation).then(|| contract.service.default_operation.clone());
    let selection = Selection { operation, patterns, ..Selection::default() };
    let only = name_in_target.flatten().map(|name| only_case(&name.replace("::", "/"), &contract, &selection));
    let (corpus, cases) = match only.transpose()?.flatten() {
        Some(found) => found,
        None => every_case(&contract, &selection, baseline.as_ref())?,
    };
    let mut families: Vec<Vec<Arc<ExpandedCase>>> = Vec::new();
    for case in cases {
        match families.last_mut().filter(|family| family[0].case.id == case.case.id) {
            Some(family) => family.push(case),
            None => families.push(vec![case]),
        }
    }
    let context = Arc::new(TrialContext {
        contract,
        corpus: Arc::new(corpus),
        start: trials.start,
        features,
        wait: trials.wait,
        baseline: baseline.map(|baseline| (baseline, Zoned::now().date())),
        observe: trials.observe,
        session: OnceLock::new(),
    });
    Ok(families.into_iter().map(|family| trial(&trials.name, family, &context)).collect())
}

fn trial(target: &str, family: Vec<Arc<ExpandedCase>>, context: &Arc<TrialContext>) -> Trial {
    let claimed = family[0].case.needs.iter().all(|need| context.features.contains(need));
    let name = format!("{target}::{}", family[0].case.id.replace('/', "::"));
    let context = Arc::clone(context);
    Trial::ignorable_test(name, move || context.run(&family)).with_ignored_flag(!claimed)
}

/// A corpus and the cases of it that are tried, in order.
type Selected = (Corpus, Vec<Arc<ExpandedCase>>);

/// Every case that the selection keeps. All patterns must select something, those of the baseline too.
fn every_case(
    contract: &Contract,
    selection: &Selection,
    baseline: Option<&Baseline>,
) -> Result<Selected, TrialsError> {
    let corpus = Corpus::load(&Fixtures::Embedded, contract)?;
    baseline.map_or(Ok(()), |baseline| baseline.check(&corpus))?;
    let plan = Plan::select(&corpus, &contract.register, selection).map_err(|error| match error {
        SelectError::OtherOperation { what, of, .. } => TrialsError::OtherOperation { what, of },
        other => TrialsError::Selection(other),
    })?;
    Ok((corpus, plan.cases))
}

/// The cases of the one trial of the case with this id; `None` if there is no such trial. A test runner that starts a
/// process for each trial has listed all trials before, which checks everything.
fn only_case(id: &str, contract: &Contract, selection: &Selection) -> Result<Option<Selected>, TrialsError> {
    let Some(corpus) = Corpus::with_case(&Fixtures::Embedded, contract, id)? else { return Ok(None) };
    let cases: Vec<_> = corpus.family(id).map(Arc::clone).collect();
    // A pattern that selects nothing here may select other trials.
    let chosen = selection.among(&cases);
    Ok((!chosen.is_empty()).then_some((corpus, chosen)))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::targets::Target;

    fn all() -> Trials {
        Trials::starting("mine", [], || unreachable!("nothing is run"))
    }

    fn names(trials: Trials, arguments: &Arguments) -> Vec<(String, bool)> {
        let trials = trials.trials_for(arguments).expect("the settings are right");
        trials.into_iter().map(|trial| (trial.name().to_owned(), trial.has_ignored_flag())).collect()
    }

    fn exactly(name: &str) -> Arguments {
        Arguments { exact: true, filter: Some(name.to_owned()), ..Arguments::default() }
    }

    #[test]
    fn an_exact_name_gives_the_trial_that_has_it_among_all() {
        let listed = names(all().of_every_operation(), &Arguments::default());
        assert!(listed.len() > 100, "{}", listed.len());
        for (name, ignored) in listed.into_iter().step_by(7) {
            assert_eq!(names(all().of_every_operation(), &exactly(&name)), [(name, ignored)]);
        }
    }

    #[rstest]
    #[case::of_another_operation("mine::get-workgroup::by-name")]
    #[case::of_nobody("mine::success::nothing")]
    #[case::a_member("mine::parameters::duration-outside::899")]
    fn a_name_that_no_trial_has_leaves_all_to_be_filtered(#[case] name: &str) {
        assert_eq!(names(all(), &exactly(name)), names(all(), &Arguments::default()));
    }

    #[rstest]
    #[case::another("yours::success::workgroup-only")]
    #[case::a_longer_name("mine2::success::workgroup-only")]
    fn a_name_of_another_targets_trial_gives_none(#[case] name: &str) {
        assert_eq!(names(all(), &exactly(name)), []);
    }

    #[test]
    fn a_list_has_every_trial_whatever_it_is_filtered_by() {
        let arguments = Arguments { list: true, ..exactly("mine::success::workgroup-only") };
        assert_eq!(names(all(), &arguments), names(all(), &Arguments::default()));
    }

    #[rstest]
    #[case::suites(&["errors", "lifetimes/*"], &["errors", "lifetimes"])]
    #[case::a_word(&["*duration*"], &["errors", "parameters"])]
    fn only_the_cases_of_the_patterns_are_tried(#[case] patterns: &[&str], #[case] suites: &[&str]) {
        let trials = || patterns.iter().fold(all(), |trials, pattern| trials.only(*pattern));
        let listed = names(trials(), &Arguments::default());
        for (name, _) in &listed {
            let suite = name.split("::").nth(1).expect("a suite");
            assert!(suites.contains(&suite), "{name}");
            assert_eq!(names(trials(), &exactly(name)).len(), 1, "{name}");
        }
        assert!(listed.len() > 2 && listed.len() < 30, "{listed:?}");
    }

    #[test]
    fn a_claimed_feature_is_tried() {
        let count =
            |trials: Trials| names(trials, &Arguments::default()).iter().filter(|(_, ignored)| *ignored).count();
        assert!(count(all().claim(["signature", "custom-domain"])) < count(all()));
    }

    #[rstest]
    #[case::feature(all().claim(["signatur"]), "Trials::claim: there is no feature \"signatur\" (did you mean signature?)")]
    #[case::pattern(all().only("a/["), "Trials::only: the pattern \"a/[\" cannot be read")]
    #[case::nothing(all().only("sucess"), "Trials::only: no case is selected: the pattern \"sucess\" matches no case")]
    #[case::one_of_two(all().only("success").only("x"), "Trials::only: the pattern \"x\" matches no case")]
    #[case::operation(
        all().only("get-workgroup"),
        "Trials::only: what the pattern \"get-workgroup\" selects is about the operation GetWorkgroup; \
         Trials::of_every_operation adds its trials"
    )]
    #[case::no_baseline(all().with_baseline("no-such.json"), "cannot read the baseline")]
    fn what_is_wrong_is_said_instead_of_trials(#[case] trials: Trials, #[case] words: &str) {
        let error = trials.trials_for(&Arguments::default()).expect_err("it is wrong").to_string();
        assert!(error.contains(words), "{error}");
    }

    #[rstest]
    #[case::a_pattern_without_cases(
        r#"{"pattern":"x","reason":"r"}"#,
        "",
        "at /entries/0/pattern: the pattern \"x\" matches no"
    )]
    #[case::another_revision("", r#","revision":2022"#, "choose the revision with Trials::by_revision")]
    fn a_baseline_that_fits_nothing_is_refused(#[case] entry: &str, #[case] more: &str, #[case] words: &str) {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), format!(r#"{{"version":1,"entries":[{entry}]{more}}}"#)).expect("written");
        let target = Target::at("http://localhost:4566".parse().expect("a URL"));
        let error = Trials::new(target).with_baseline(file.path()).trials_for(&Arguments::default());
        let error = error.expect_err("it is wrong").to_string();
        assert!(error.contains(words), "{error}");
    }
}
