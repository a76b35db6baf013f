use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::{OptionFuture, join_all};
use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::contract::{Contract, Operation, Resource, Side};
use crate::corpus::{RequestSpec, SigningDefect};
use crate::run::{plain_request, probe_input, random_seed};
use crate::targets::probe::ProbedOperation;
use crate::targets::{Target, TargetError};
use crate::verdict::Restrained;
use crate::wire::{ClientOptions, Credentials, Exchange, Masker, SeenSecrets, addresses};

/// The name of an operation that no server has. A server that answers another operation in the same way may not have
/// that one either.
pub(super) const UNKNOWN: &str = "GetNothing";

/// The name of a member that no operation has.
const UNKNOWN_MEMBER: &str = "nothing";

/// The target to examine, and the operation to ask it for.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExaminedTarget<'a> {
    pub(super) target: &'a Target,
    pub(super) contract: &'a Contract,
    pub(super) operation: &'a Operation,
}

impl<'a> ExaminedTarget<'a> {
    /// The resource that a plain call names.
    pub(super) fn resource(&self) -> Option<&'a Resource> {
        self.operation.resources(&self.contract.service).next()
    }

    /// The name of a resource that the target should have; `None` if none is known.
    pub(super) fn name_of(&self, resource: &Resource) -> Option<&'a str> {
        self.target.resources.get(&resource.id).map(String::as_str)
    }

    /// Whether the operation must be denied on a resource: some requirement on it belongs to the resource's feature.
    pub(super) fn is_denied(&self, resource: &Resource) -> bool {
        let mut rows = self.contract.register.of(Side::Server, &self.operation.name.is);
        let feature = resource.denied_beside.as_ref().and(resource.feature.as_deref());
        feature.is_some_and(|feature| rows.any(|row| row.feature.word() == feature))
    }

    /// Whether the resource that a plain call names has a name.
    pub(super) fn is_named(&self) -> bool {
        self.resource().is_some_and(|resource| self.name_of(resource).is_some())
    }

    /// What a call asked; `named` says whether it names a resource that the target should have.
    pub(super) fn probed(&self, named: bool) -> ProbedOperation<'a> {
        ProbedOperation { service: &self.contract.service, operation: self.operation, named }
    }
}

/// Every call that was made, with its answer.
pub(super) struct Answers {
    /// The way to the target, tried without a request.
    pub(super) way: ConnectOutcome,
    /// The call that a run's probe makes.
    pub(super) probe: Exchange,
    /// The same call signed with a wrong secret; `None` if requests are not signed.
    pub(super) wrong: Option<Exchange>,
    /// The same call without a signature; `None` if requests are not signed.
    pub(super) unsigned: Option<Exchange>,
    /// For each further resource that is named, by its id: the call that names it alone.
    pub(super) by_resource: Vec<(String, Exchange)>,
    /// Calls of the other operations that change nothing, by name; none at real AWS.
    pub(super) neighbours: Vec<(String, ComparedCall)>,
    /// The call of the probe, for an operation that no server has; `None` at real AWS, which has its operations.
    pub(super) unknown: Option<Exchange>,
    /// A call with a member that the operation does not have; `None` at real AWS too.
    pub(super) senseless: Option<ComparedCall>,
    /// Masks our own secrets, and every secret that one of the answers gives.
    pub(super) hidden: Masker,
}

/// One request for an operation, and the same request for an operation that no server has.
#[derive(Clone)]
pub(super) struct ComparedCall {
    pub(super) own: Exchange,
    pub(super) unknown: Exchange,
}

impl ComparedCall {
    /// Both exchanges.
    fn both(&self) -> [&Exchange; 2] {
        [&self.own, &self.unknown]
    }
}

/// How far a connection to a target gets.
pub(super) enum ConnectOutcome {
    /// It accepts connections. The duration is how long connecting took once the address was known.
    Connected(SocketAddr, Duration),
    /// Its name has an address, but there is no connection, for this reason; `None` if time ran out.
    Refused(SocketAddr, Option<String>),
    /// Its name has no address, for this reason; `None` if time ran out.
    NoAddress(Option<String>),
}

/// Makes all calls at once, and waits for each answer no longer than the deadline. Real AWS gets few: that of the probe,
/// one for each further resource that is named, and two with a wrong signature and none where that is allowed.
pub(super) async fn all(examined: ExaminedTarget<'_>, within: Duration) -> Result<Answers, TargetError> {
    let ExaminedTarget { target, contract, operation } = examined;
    let start = Instant::now();
    let options = ClientOptions { timeout: within.min(target.client.timeout), ..target.client.clone() };
    let client = target.connect(&options)?;
    // Reading the system's certificates has taken part of the time.
    let time_left = within.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
    // The same seed gives the same names, so that two calls differ in nothing else.
    let seed = random_seed();
    let ask = |operation: &Operation, spec: &RequestSpec| {
        let request = plain_request(contract, target, operation, spec, seed);
        let request = request.expect("the requests of doctor need nothing that the target lacks");
        let client = &client;
        async move {
            let (sent, clock) = (Instant::now(), Timestamp::now());
            match timeout(time_left, client.send(request.clone())).await {
                Ok(exchange) => exchange,
                Err(_) => Exchange {
                    request,
                    answer: Err(crate::wire::TransportFault::Timeout(time_left)),
                    sent_at: clock,
                    received_at: Timestamp::now(),
                    elapsed: sent.elapsed(),
                    fault_before: None,
                    cut_off: None,
                },
            }
        }
    };
    let (plain_request, _) = probe_input(operation, contract, target);
    let is_aws = target.allowed.is_some();
    let signed_as = |defect| {
        let signs = target.credentials.is_some() && target.allows(Restrained::Raw);
        OptionFuture::from(signs.then(|| ask(operation, &plain_request.signed_with(defect))))
    };
    // An operation that changes something is asked without a name.
    let named = contract.service.resources.iter().filter(|_| operation.changes_nothing.is);
    let is_further = |of: &Resource| of.of.is_some() || examined.is_denied(of);
    let further = named.filter(|of| is_further(of) && examined.name_of(of).is_some());
    let further = further.filter(|of| of.default.is_none() && operation.request.members.contains_key(&of.member));
    let by_resource = further.map(|of| {
        let answer = ask(operation, &RequestSpec::with(&of.member, &format!("${{{}}}", of.placeholder)));
        async move { (of.id.clone(), answer.await) }
    });
    let others = contract.operations.values().filter(|other| other.name != operation.name && other.changes_nothing.is);
    let others = others.filter(|_| !is_aws);
    let mut others: Vec<_> = others.collect();
    // The operations that list resources come first: the names that the target has are looked up in their answers.
    others.sort_by_key(|other| other.pages.is_none());
    let mut nothing = operation.clone();
    UNKNOWN.clone_into(&mut nothing.name.is);
    let compare = |operation: &Operation, spec: &RequestSpec| {
        let (own, unknown) = (ask(operation, spec), ask(&nothing, spec));
        async move {
            let (own, unknown) = tokio::join!(own, unknown);
            ComparedCall { own, unknown }
        }
    };
    let neighbours = others.into_iter().map(|other| {
        let answers = compare(other, &probe_input(other, contract, target).0);
        async move { (other.name.is.clone(), answers.await) }
    });
    let unknown = (!is_aws).then(|| ask(&nothing, &plain_request));
    let senseless = (!is_aws).then(|| {
        let spec = RequestSpec::with(UNKNOWN_MEMBER, UNKNOWN_MEMBER);
        compare(operation, &spec)
    });
    let (way, probe, wrong, unsigned, by_resource, neighbours, unknown, senseless) = tokio::join!(
        way(target, time_left),
        ask(operation, &plain_request),
        signed_as(SigningDefect::WrongSecret),
        signed_as(SigningDefect::Unsigned),
        join_all(by_resource),
        join_all(neighbours),
        OptionFuture::from(unknown),
        OptionFuture::from(senseless),
    );
    let ours = target.credentials.as_ref().map(Credentials::secrets).unwrap_or_default();
    let hidden = Masker::default();
    let mut answers = Answers { way, probe, wrong, unsigned, by_resource, neighbours, unknown, senseless, hidden };
    answers.hide(ours);
    Ok(answers)
}

/// Tries name and port by themselves, since a request that times out does not tell how far it got.
async fn way(target: &Target, within: Duration) -> ConnectOutcome {
    let start = Instant::now();
    let addresses = match timeout(within, addresses(&target.endpoint)).await {
        Err(_) => return ConnectOutcome::NoAddress(None),
        Ok(Err(error)) => return ConnectOutcome::NoAddress(Some(plain_message(&error))),
        Ok(Ok(addresses)) => addresses,
    };
    let Some(first) = addresses.first().copied() else {
        return ConnectOutcome::NoAddress(Some("the name has no address".to_owned()));
    };
    let connecting = Instant::now();
    match timeout(within.saturating_sub(start.elapsed()), TcpStream::connect(addresses.as_slice())).await {
        Err(_) => ConnectOutcome::Refused(first, None),
        Ok(Err(error)) => ConnectOutcome::Refused(first, Some(plain_message(&error))),
        Ok(Ok(stream)) => ConnectOutcome::Connected(stream.peer_addr().unwrap_or(first), connecting.elapsed()),
    }
}

/// An error of the system without its number.
fn plain_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.trim_start_matches("failed to lookup address information: ").to_owned()
}

impl Answers {
    /// Every exchange, the probe first.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        let signed = [&self.wrong, &self.unsigned].into_iter().flatten();
        let by_resource = self.by_resource.iter().map(|(_, exchange)| exchange);
        let compared = self.neighbours.iter().map(|(_, call)| call).chain(&self.senseless);
        let compared = compared.flat_map(ComparedCall::both);
        [&self.probe].into_iter().chain(signed).chain(by_resource).chain(compared).chain(&self.unknown)
    }

    /// Makes `hidden` mask our own secrets, and every secret that one of the answers gives. All answers are read first,
    /// so that no finding repeats a secret of another answer.
    pub(super) fn hide(&mut self, ours: Vec<String>) {
        let seen = SeenSecrets::new(ours);
        for received in self.exchanges().filter_map(Exchange::received) {
            seen.learn(received);
        }
        self.hidden = seen.masker();
    }

    /// Whether any call was answered.
    pub(super) fn any(&self) -> bool {
        self.exchanges().any(|exchange| exchange.answer.is_ok())
    }
}
