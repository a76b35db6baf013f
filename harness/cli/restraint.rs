//! What a run holds back at: how many calls it makes and how fast, and what it does at real AWS only where a user allows
//! it in so many words.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Args;

use super::Failure;
use super::library::Library;
use super::origin::{Origin, Origins};
use super::output::say;
use super::settings::{Settings, TargetChoice};
use crate::contract::Service;
use crate::corpus::{ExpandedCase, LeftOut, Plan};
use crate::report::left_out_text;
use crate::run::forecast::Forecast;
use crate::run::not_allowed;
use crate::targets::{CALLS_A_SECOND_AT_AWS, CALLS_AT_AWS, Target};
use crate::text::foreign;
use crate::verdict::Restrained;
use crate::wire::Credentials;

#[derive(Clone, Debug, Default, Args)]
pub(super) struct RestraintArgs {
    /// How many calls a run may make; the cases that decide most are run, and the others left out [default: 60 for AWS,
    /// no limit elsewhere]
    #[arg(long, env = "COUNTERSIGN_MAX_CALLS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_calls: Option<u32>,

    /// How many calls may begin in a second, such as 0.5 [default: 2 for AWS, no limit elsewhere]
    #[arg(long, env = "COUNTERSIGN_RATE", value_name = "N", value_parser = rate)]
    rate: Option<f64>,

    /// Let cases create, change and delete things at real AWS, which costs money; what they create gets a tag
    #[arg(long, env = "COUNTERSIGN_ALLOW_CREATE")]
    allow_create: bool,

    /// Send requests to real AWS that are malformed, wrongly signed or not signed
    #[arg(long, env = "COUNTERSIGN_ALLOW_RAW")]
    allow_raw: bool,
}

/// What a run holds back at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Restraint {
    /// How many calls it may make; `None` for any number.
    pub(super) max_calls: Option<u64>,
    /// How many calls may begin in a second; `None` for any number.
    pub(super) rate: Option<f64>,
    /// What is allowed.
    pub(super) consents: BTreeSet<Restrained>,
}

impl Restraint {
    /// What the arguments and a profile say; of the profile, its number of calls and its rate.
    pub(super) fn resolve(
        args: &RestraintArgs,
        (max_calls, profile_rate): (Option<u32>, Option<f64>),
        from: &mut Origins,
    ) -> Result<Self, Failure> {
        let max_calls = from.pick("max-calls", args.max_calls, [], max_calls);
        if max_calls == Some(0) {
            return Err(Failure::usage(format!("{}: expected 1 or more, found 0", from.place("max-calls"))));
        }
        if let Some(Err(wrong)) = profile_rate.map(within_a_thousand) {
            return Err(Failure::usage(format!("{}: {wrong}", from.key("rate"))));
        }
        let rate = from.pick("rate", args.rate, [], profile_rate);
        // A file must not allow anything: it may be somebody else's.
        let create = from.pick("allow-create", args.allow_create.then_some(Restrained::Create), [], None);
        let raw = from.pick("allow-raw", args.allow_raw.then_some(Restrained::Raw), [], None);
        let consents = create.into_iter().chain(raw).collect();
        Ok(Self { max_calls: max_calls.map(u64::from), rate, consents })
    }

    /// The same with what holds for the target where nobody says anything.
    pub(super) fn at(mut self, choice: &TargetChoice) -> Self {
        if matches!(choice, TargetChoice::Aws { .. }) {
            self.max_calls = self.max_calls.or(Some(CALLS_AT_AWS));
            self.rate = self.rate.or(Some(CALLS_A_SECOND_AT_AWS));
        }
        self
    }

    /// A target under this restraint.
    pub(super) fn apply(&self, target: &mut Target) {
        (target.max_calls, target.calls_a_second) = (self.max_calls, self.rate);
        target.consents.clone_from(&self.consents);
        target.tags_what_is_made |= self.consents.contains(&Restrained::Create);
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let value =
        text.parse().map_err(|_| format!("expected calls a second, such as 0.5, found \"{}\"", foreign(text)))?;
    within_a_thousand(value)
}

fn within_a_thousand(rate: f64) -> Result<f64, String> {
    let wrong = || format!("expected 0.001 to 1000 calls a second, found {rate}");
    (0.001..=1000.0).contains(&rate).then_some(rate).ok_or_else(wrong)
}

impl Settings {
    /// The target as far as it is known before it is made ready: what it claims, what it has, what it allows.
    pub(super) fn foreseen_target(&self) -> Target {
        let nobody = || Credentials::new("AKIAIOSFODNN7EXAMPLE", "a-secret-of-nobody");
        let url = match &self.choice {
            TargetChoice::Aws { endpoint: url, .. } | TargetChoice::Endpoint { url, .. } => url.clone(),
            TargetChoice::Mock | TargetChoice::Emulator => "http://localhost/".parse().expect("it is a URL"),
        };
        let mut target = Target::at(url).with_name(self.name()).in_region(self.region.clone());
        if self.sign {
            target = target.signed_by(nobody());
        }
        if let TargetChoice::Aws { allowed, .. } = &self.choice {
            target = target.allowing(allowed.clone());
        }
        if matches!(self.choice, TargetChoice::Mock | TargetChoice::Emulator) {
            // Our own servers have one of each resource.
            let resources = Service::embedded().resources.iter();
            target.resources = resources.map(|resource| (resource.id.clone(), resource.sample.clone())).collect();
        }
        target.resources.extend(self.resources.clone());
        target.features = self.features();
        target.database.clone_from(&self.database);
        target.path_names_case = self.choice == TargetChoice::Mock;
        self.restraint.apply(&mut target);
        target
    }
}

/// What a run does with a plan: what it leaves out is said once on standard error.
///
/// # Errors
/// When everything that was asked for is left out, and with it each case that was asked for by a pattern or by the claim
/// of its feature: exit code 6, with the flag that allows it.
pub(super) fn restrained(settings: &Settings, library: &Library, plan: Plan, is_asked: bool) -> Result<Plan, Failure> {
    let target = settings.foreseen_target();
    let plan = allowed(settings, &target, library, plan, is_asked)?;
    let forecast = Forecast { corpus: &library.corpus, judge: &library.judge, target: &target };
    let before = 1 + target.calls_before();
    if let Some(most) = target.max_calls.filter(|most| *most < before) {
        return Err(Failure::usage(format!(
            "{}: a run makes {before} calls before its first case, to AWS STS and to see whether the service answers; \
             expected more than {before}, found {most}",
            settings.from.place("max-calls")
        )));
    }
    let plan = forecast.trimmed(plan, target.max_calls, before);
    if let Some(left_out) = plan.left_out.as_ref().filter(|left_out| left_out.total() > 0) {
        for line in left_out_text(left_out, plan.cases.len()) {
            say(&line);
        }
    }
    if plan.cases.is_empty() {
        let most = target.max_calls.unwrap_or_default();
        return Err(Failure::nothing_selected(format!("no case is selected: none can be run with {most} calls")));
    }
    Ok(plan)
}

/// The plan without the cases that do what is not allowed.
fn allowed(
    settings: &Settings,
    target: &Target,
    library: &Library,
    plan: Plan,
    is_asked: bool,
) -> Result<Plan, Failure> {
    let TargetChoice::Aws { .. } = settings.choice else { return Ok(plan) };
    if settings.hooks.is_some() && !target.allows(Restrained::Create) {
        return Err(Failure::refused(format!(
            "{} sets something up, which real AWS is asked only with --{}; add that, or leave it out",
            settings.from.key("hooks"),
            Restrained::Create.flag()
        )));
    }
    if !settings.sign && !target.allows(Restrained::Raw) {
        return Err(Failure::refused(format!(
            "{}: a request without a signature goes to real AWS only with --{}; add that, or leave it out",
            settings.from.place("no-sign"),
            Restrained::Raw.flag()
        )));
    }
    let is_claimed = |case: &ExpandedCase| case.case.needs.iter().all(|need| target.features.contains(need));
    let why = |case: &ExpandedCase| not_allowed(case, target, &library.contract).filter(|_| is_claimed(case));
    let (cases, others): (Vec<_>, Vec<_>) = plan.cases.into_iter().partition(|case| why(case).is_none());
    let is_of_claim = !matches!(settings.from.get("claim"), Origin::Default);
    let refused = others.iter().find_map(|case: &Arc<ExpandedCase>| {
        let does = why(case)?;
        // What only few cases do is left out of a whole run, and is asked for where somebody claims a feature for it.
        (cases.is_empty() || (does == Restrained::Create && (is_asked || is_of_claim))).then_some((case, does))
    });
    if let Some((case, does)) = refused {
        let does_it = match does {
            Restrained::Create => "creates, changes or deletes something",
            Restrained::Raw => "sends a request that is malformed, or not rightly signed",
        };
        return Err(Failure::refused(format!(
            "the case {} {does_it}, which real AWS is asked only with --{}; add that, leave the case out with --skip, or \
             leave its features out of {}",
            case.id,
            does.flag(),
            settings.from.place("claim")
        )));
    }
    let mut by_flag: BTreeMap<String, usize> = BTreeMap::new();
    for does in others.iter().filter_map(|case| why(case)) {
        *by_flag.entry(does.flag().to_owned()).or_default() += 1;
    }
    let left_out = (!by_flag.is_empty()).then(|| LeftOut { not_allowed: by_flag, ..LeftOut::default() });
    Ok(Plan { cases, left_out, ..plan })
}
