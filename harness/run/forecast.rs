//! What the cases of a plan will ask and decide, before anything is sent.
//!
//! Calls are counted at their most, where no answer is in doubt: a call that waits for something is repeated as long as
//! it may, and all that is made is deleted as late as it may be. What is sent again because of a fault, a throttled
//! request or a doubtful answer comes on top; the budget of the run bounds it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::database;
use super::probe_input;
use super::random_names::RandomNames;
use super::request::{Earlier, RequestMaker};
use super::session::not_allowed;
use super::staging::Waits;
use crate::contract::{Contract, Side};
use crate::corpus::budget::{Offer, calls_of_all, choose};
use crate::corpus::{Call, Caller, Corpus, ExpandedCase, LeftOut, Plan, SigningDefect};
use crate::judge::{Judge, seconds};
use crate::targets::Target;
use crate::verdict::{Reason, Verdict};
use crate::wire::{Credentials, Exchange, Headers, Response};

/// What a run will do at a target.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    /// The cases and their replies.
    pub corpus: &'a Corpus,
    /// What answers are judged by.
    pub judge: &'a Judge,
    /// The target, as far as it is known before it is made ready.
    pub target: &'a Target,
}

/// A call that will be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeseenCall {
    /// The operation.
    pub operation: String,
    /// The HTTP method.
    pub method: String,
    /// The path and query, placeholders included.
    pub path: String,
    /// How it is signed.
    pub signing: Signing,
    /// What people call the thing that it makes.
    pub makes: Option<String>,
    /// How often it is made at most.
    pub times: u64,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// With the credentials of the target.
    Right,
    /// With those of somebody whom a policy denies the operation.
    Denied,
    /// Not at all.
    None,
    /// With this fault.
    Wrong(SigningDefect),
}

impl Forecast<'_> {
    fn contract(&self) -> &Contract {
        self.judge.contract()
    }

    /// Why no call of a case is made; `None` if they are.
    pub fn obstacle(&self, case: &ExpandedCase) -> Option<Reason> {
        let unclaimed = case.case.needs.iter().find(|need| !self.target.features.contains(need));
        let of_feature = unclaimed.map(|feature| Reason::NotClaimed { feature: feature.word().to_owned() });
        let missing = || {
            let resources = self.contract().service.resources.iter();
            let mut missing =
                resources.filter(|of| of.default.is_none() && !self.target.resources.contains_key(&of.id));
            let resource = missing.find(|of| case.uses_resource(of))?;
            let of = super::request::noun_of(&self.contract().service, resource.of.as_deref());
            Some(Reason::Missing { noun: resource.noun.clone(), of, flag: resource.flag.clone() })
        };
        of_feature
            .or_else(|| not_allowed(case, self.target, self.contract()).map(|does| Reason::NotAllowed { does }))
            .or_else(|| database::obstacle(case, self.target).map(|(_, reason)| reason))
            .or_else(missing)
    }

    /// The call of the probe.
    ///
    /// # Panics
    /// Never: the operations of all suites were checked when the corpus was loaded.
    pub fn probe(&self, operation: &str) -> ForeseenCall {
        let operation = self.contract().operation(operation).expect("operations were checked before");
        let (request, _) = probe_input(operation, self.contract(), self.target);
        let call = Call { request, ..Call::default() };
        self.call(&operation.name.is, &call)
    }

    /// The calls that one run of a case makes, in order, with the deletion of what it makes; none if it has an obstacle.
    pub fn calls(&self, case: &ExpandedCase) -> Vec<ForeseenCall> {
        if self.obstacle(case).is_some() {
            return Vec::new();
        }
        let asking: Vec<_> =
            case.setup.iter().chain(&case.calls).map(|call| self.call(&case.operation, call)).collect();
        let teardown = case.teardown.iter().map(|call| self.call(&case.operation, call));
        let kinds =
            || case.setup.iter().chain(&case.calls).rev().filter_map(|call| case.made_by(call, self.contract()));
        let deletions = kinds().filter_map(|kind| {
            let address = self.contract().address(&kind.undone_by)?;
            Some(ForeseenCall {
                operation: kind.undone_by.clone(),
                method: address.method.to_owned(),
                path: address.path.to_owned(),
                signing: self.signing(None, None),
                makes: None,
                times: Waits::at(self.target).calls_of_deletion(),
            })
        });
        let undoing: Vec<_> = teardown.chain(deletions).collect();
        asking.into_iter().chain(undoing).collect()
    }

    fn call(&self, operation: &str, call: &Call) -> ForeseenCall {
        let name = call.request.operation.as_deref().unwrap_or(operation);
        let address = self.contract().address(name);
        let raw = call.request.raw.as_ref();
        let of_contract = |part: fn(crate::contract::Address<'_>) -> &str| address.map(part).unwrap_or_default();
        let waits = call.until.as_ref().map(|until| Duration::from_secs(until.within_seconds.into()));
        ForeseenCall {
            operation: name.to_owned(),
            method: raw.and_then(|raw| raw.method.clone()).unwrap_or_else(|| of_contract(|of| of.method).to_owned()),
            path: raw.and_then(|raw| raw.path.clone()).unwrap_or_else(|| of_contract(|of| of.path).to_owned()),
            signing: self.signing(call.request.caller, raw.and_then(|raw| raw.signing)),
            makes: self.contract().made_by(name).map(|kind| kind.noun.clone()),
            times: waits.map_or(1, |within| Waits::at(self.target).most_calls(within)),
        }
    }

    fn signing(&self, caller: Option<Caller>, defect: Option<SigningDefect>) -> Signing {
        match (caller, defect) {
            (_, Some(SigningDefect::Unsigned)) => Signing::None,
            (_, Some(defect)) => Signing::Wrong(defect),
            (Some(Caller::Denied), None) => Signing::Denied,
            (None, None) if self.target.credentials.is_none() => Signing::None,
            (None, None) => Signing::Right,
        }
    }

    /// The requirements that a case decides if each of its calls is answered as the contract says.
    ///
    /// The judge says it, of the reply that the mock gives. A case without replies decides what it cites.
    pub fn decides(&self, case: &ExpandedCase) -> Vec<String> {
        if self.obstacle(case).is_some() {
            return Vec::new();
        }
        let judgement = self.transcript(case).map(|transcript| self.judge.judge(case, &transcript));
        match judgement.filter(|judgement| judgement.verdict == Verdict::Pass) {
            Some(judgement) => judgement.decided.into_iter().collect(),
            None => case.case.requirements.clone(),
        }
    }

    /// How many `must` requirements of an operation cases decide together if each of their calls is answered as the
    /// contract says, and how many the target is held to.
    pub fn musts(&self, operation: &str, cases: &[Arc<ExpandedCase>]) -> (usize, usize) {
        let rows = self.contract().register.of(Side::Server, operation);
        let is_claimed = |feature| self.target.features.contains(feature);
        let rows = rows.filter(|row| row.counts() && row.is_tested() && is_claimed(&row.feature));
        let musts: HashSet<_> = rows.map(|row| row.id.as_str()).collect();
        let decided: HashSet<_> = cases.iter().flat_map(|case| self.decides(case)).collect();
        (decided.iter().filter(|id| musts.contains(id.as_str())).count(), musts.len())
    }

    /// What would go over the wire between a case and the mock; `None` if the mock has no reply to one of its calls.
    fn transcript(&self, case: &ExpandedCase) -> Option<Vec<Exchange>> {
        let (sample, now) = (self.sample(), Timestamp::now());
        let mut random_names = RandomNames::new(0, &case.id, 0);
        let mut exchanges: [Vec<Exchange>; 2] = [Vec::new(), Vec::new()];
        for (index, calls) in [&case.setup, &case.calls].into_iter().enumerate() {
            for call in calls {
                let earlier = Earlier { setup: (&case.setup, &exchanges[0]), steps: (&case.calls, &exchanges[1]) };
                let maker = RequestMaker { contract: self.contract(), target: &sample, prefix: "", earlier };
                let address = case.address_of(call, self.contract())?;
                let request = maker.make(&call.request, address, &mut random_names, now).ok()?;
                let reply = self.corpus.replies().get(call.reply.as_ref()?)?;
                let body = reply.body_at(seconds(now), self.corpus.lifetime_asked_for(&request.body));
                let headers: Headers =
                    reply.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                let answer = Response { status: reply.status, headers, body };
                exchanges[index].push(Exchange {
                    request,
                    answer: Ok(answer),
                    cut_off: None,
                    sent_at: now,
                    received_at: now,
                    elapsed: Duration::ZERO,
                    fault_before: None,
                });
            }
        }
        let [_, transcript] = exchanges;
        Some(transcript)
    }

    /// The target as the mock's replies know it.
    fn sample(&self) -> Target {
        let nobody = || Credentials::new("AKIAIOSFODNN7EXAMPLE", "a-secret-of-nobody");
        let mut sample = Target { denied: Some(nobody()), ..self.target.clone() }.signed_by(nobody());
        let resources = self.contract().service.resources.iter();
        sample.resources = resources.map(|resource| (resource.id.clone(), resource.sample.clone())).collect();
        sample
    }

    /// The plan with as many of its cases as a run can have that makes at most `max_calls` calls, of which `spent` are
    /// for something else than cases. The whole plan without a limit, or where there are enough calls.
    pub fn trimmed(&self, plan: Plan, max_calls: Option<u64>, spent: u64) -> Plan {
        let Some(limit) = max_calls else { return plan };
        let (offers, musts) = self.offers(&plan);
        let calls_of_all = calls_of_all(&offers) + spent;
        let left_out =
            LeftOut { max_calls, calls: calls_of_all, calls_of_all, ..plan.left_out.clone().unwrap_or_default() };
        if calls_of_all <= limit {
            return Plan { left_out: Some(LeftOut { is_best: true, ..left_out }), ..plan };
        }
        let choice = choose(&offers, musts, limit.saturating_sub(spent));
        let left_out = LeftOut {
            cases: plan.cases.len() - choice.offers.len(),
            calls: choice.calls + spent,
            is_best: choice.is_best,
            ..left_out
        };
        let cases = choice.offers.iter().map(|index| Arc::clone(&plan.cases[*index])).collect();
        Plan { cases, left_out: Some(left_out), ..plan }
    }

    /// The cases of a plan, then the controls that are not in it, as offers; and how many requirements are `must`.
    fn offers(&self, plan: &Plan) -> (Vec<Offer>, usize) {
        let mut cases = plan.cases.clone();
        let mut places: HashMap<String, usize> =
            cases.iter().enumerate().map(|(place, case)| (case.id.clone(), place)).collect();
        let mut at = 0;
        while let Some(case) = cases.get(at) {
            let control = case.case.control.as_ref().filter(|control| !places.contains_key(&control.case));
            if let Some(control) = control.and_then(|control| self.corpus.get(&control.case)).map(Arc::clone) {
                places.insert(control.id.clone(), cases.len());
                cases.push(control);
            }
            at += 1;
        }
        let numbers = self.numbers();
        let offer = |(place, case): (usize, &Arc<ExpandedCase>)| {
            let is_planned = place < plan.cases.len();
            let runs = if is_planned { u64::from(plan.repeat) } else { 1 };
            let calls: u64 = self.calls(case).iter().map(|call| call.times).sum();
            let control = case.case.control.as_ref().filter(|_| self.obstacle(case).is_none());
            Offer {
                calls: calls * runs,
                decides: self.decides(case).iter().filter_map(|id| numbers.1.get(id).copied()).collect(),
                control: control.and_then(|control| places.get(&control.case).copied()),
                is_planned,
            }
        };
        (cases.iter().enumerate().map(offer).collect(), numbers.0)
    }

    /// The number of each requirement that a run can decide, and how many are `must`; these come first.
    fn numbers(&self) -> (usize, HashMap<String, usize>) {
        let is_claimed = |feature| self.target.features.contains(feature);
        let rows = self.contract().register.requirements.iter();
        let rows = rows.filter(|row| row.side == Side::Server && row.is_tested() && is_claimed(&row.feature));
        let (musts, others): (Vec<_>, Vec<_>) = rows.partition(|row| row.counts());
        let all = musts.iter().chain(&others).enumerate().map(|(number, row)| (row.id.clone(), number)).collect();
        (musts.len(), all)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contract::{Feature, Fixtures};
    use crate::corpus::Selection;

    struct Library {
        corpus: Corpus,
        judge: Judge,
    }

    fn library() -> Library {
        let contract = Arc::new(Contract::load(&Fixtures::Embedded).expect("the contract"));
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus");
        Library { corpus, judge: Judge::new(contract).expect("the judge") }
    }

    fn target(library: &Library) -> Target {
        let mut target = Target::at("http://localhost/".parse().expect("a URL"))
            .signed_by(Credentials::new("AKIAIOSFODNN7EXAMPLE", "a-secret"))
            .claiming([Feature::SIGNATURE]);
        let resources = library.judge.contract().service.resources.iter();
        target.resources = resources.map(|resource| (resource.id.clone(), resource.sample.clone())).collect();
        target
    }

    fn plan(library: &Library) -> Plan {
        let operation = Some(library.judge.contract().default_operation().name.is.clone());
        let selection = Selection { operation, ..Selection::default() };
        Plan::select(&library.corpus, &library.judge.contract().register, &selection).expect("a plan")
    }

    fn musts(library: &Library, target: &Target, cases: &[Arc<ExpandedCase>]) -> BTreeSet<String> {
        let forecast = Forecast { corpus: &library.corpus, judge: &library.judge, target };
        let decided: BTreeSet<String> = cases.iter().flat_map(|case| forecast.decides(case)).collect();
        let register = &library.judge.contract().register;
        let counts =
            |id: &String| register.get(id).is_some_and(|row| row.counts() && target.features.contains(&row.feature));
        decided.into_iter().filter(counts).collect()
    }

    #[test]
    fn every_requirement_is_within_reach_and_forty_calls_decide_most_of_them() {
        let library = library();
        let target = target(&library);
        let forecast = Forecast { corpus: &library.corpus, judge: &library.judge, target: &target };
        let whole = plan(&library);
        let all = musts(&library, &target, &whole.cases);
        let trimmed = forecast.trimmed(whole.clone(), Some(40), 1);
        let left_out = trimmed.left_out.clone().expect("cases are left out");
        assert!(left_out.is_best && left_out.calls <= 40 && left_out.calls_of_all > 300, "{left_out:?}");
        assert_eq!(left_out.cases + trimmed.cases.len(), whole.cases.len());
        let decided = musts(&library, &target, &trimmed.cases);
        assert!(decided.len() >= 40 && decided.len() < all.len() + 1, "{} of {}", decided.len(), all.len());
        // The first case decides more than any other.
        let gains = |case: &Arc<ExpandedCase>| musts(&library, &target, std::slice::from_ref(case)).len();
        let most = whole.cases.iter().map(gains).max();
        assert_eq!(Some(gains(&trimmed.cases[0])), most);
        let enough = forecast.trimmed(whole.clone(), Some(left_out.calls_of_all), 1);
        assert_eq!((enough.cases.len(), enough.left_out.map(|left_out| left_out.cases)), (whole.cases.len(), Some(0)));
        assert!(forecast.trimmed(whole, None, 1).left_out.is_none());
    }

    #[test]
    fn the_best_choice_is_proven_for_what_real_aws_claims_by_default() {
        let library = library();
        let mut target = target(&library);
        let whole = plan(&library);
        let numbers: [(&str, &[u64]); 2] =
            [("signature", &[0, 1, 5, 10, 40, 60, 200]), ("custom-domain", &[40, 60, 200])];
        for (feature, numbers) in numbers {
            target.features.insert(feature.parse::<Feature>().expect("a feature"));
            let forecast = Forecast { corpus: &library.corpus, judge: &library.judge, target: &target };
            let (offers, musts) = forecast.offers(&whole);
            let mut before = 0;
            for calls in numbers.iter().copied() {
                let choice = choose(&offers, musts, calls);
                assert!(choice.is_best && choice.calls <= calls && choice.decided >= before, "{feature}, {calls}");
                before = choice.decided;
            }
        }
    }

    #[test]
    fn a_case_that_cannot_be_run_costs_nothing_and_decides_nothing() {
        let library = library();
        let bare = Target { resources: std::collections::BTreeMap::new(), ..target(&library) };
        let forecast = Forecast { corpus: &library.corpus, judge: &library.judge, target: &bare };
        let (offers, _) = forecast.offers(&plan(&library));
        let needs_a_name = plan(&library).cases.iter().position(|case| case.id == "success/workgroup-only");
        let offer = &offers[needs_a_name.expect("it is there")];
        assert_eq!((offer.calls, offer.decides.len(), offer.control), (0, 0, None));
    }
}
