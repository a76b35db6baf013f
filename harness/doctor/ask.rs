use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::{OptionFuture, join_all};
use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::contract::{Contract, Operation, Resource};
use crate::corpus::{RequestSpec, SigningDefect};
use crate::run::{plain_request, probe_input, random_seed};
use crate::targets::probe::Asked;
use crate::targets::{Target, TargetError};
use crate::wire::{ClientOptions, Credentials, Exchange, Masker, SeenSecrets, addresses};

/// The name of an operation that nobody has: what answers it alike says nothing about the others.
const UNKNOWN: &str = "GetNothing";

/// Who is examined, about which operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patient<'a> {
    pub(super) target: &'a Target,
    pub(super) contract: &'a Contract,
    pub(super) operation: &'a Operation,
}

impl<'a> Patient<'a> {
    /// The resource that a plain call names.
    pub(super) fn resource(&self) -> Option<&'a Resource> {
        self.operation.resources(&self.contract.service).next()
    }

    /// The name of a resource that the target should have.
    pub(super) fn name_of(&self, resource: &Resource) -> Option<&'a str> {
        self.target.resources.get(&resource.id).map(String::as_str)
    }

    /// Whether the resource that a plain call names has a name.
    pub(super) fn is_named(&self) -> bool {
        self.resource().is_some_and(|resource| self.name_of(resource).is_some())
    }

    /// What a call asked, whether by something that the target should have.
    pub(super) fn asked(&self, named: bool) -> Asked<'a> {
        Asked { service: &self.contract.service, operation: self.operation, named }
    }
}

/// Everything that was asked, and what came back.
pub(super) struct Answers {
    /// The way there, tried without any request.
    pub(super) way: Way,
    /// The operation as a run's probe asks it.
    pub(super) probe: Exchange,
    /// The same signed with a wrong secret; nothing where nothing is signed.
    pub(super) wrong: Option<Exchange>,
    /// The same without a signature; nothing where nothing is signed.
    pub(super) unsigned: Option<Exchange>,
    /// The operation by a further resource alone, by the resource's id; for each that is named.
    pub(super) by_resource: Vec<(String, Exchange)>,
    /// The other operations that change nothing, by name.
    pub(super) neighbours: Vec<(String, Exchange)>,
    /// An operation that nobody has.
    pub(super) unknown: Exchange,
    /// What none of them may make us repeat: our own secrets, and what any of them gives in the place of one.
    pub(super) hidden: Masker,
}

/// How far one comes towards a target.
pub(super) enum Way {
    /// It accepts connections, this long after its address was known.
    Connected(SocketAddr, Duration),
    /// Its name has an address, and nothing more came of it in time, or this.
    Refused(SocketAddr, Option<String>),
    /// Its name has no address, for this reason, or none in time.
    NoAddress(Option<String>),
}

/// Asks everything at once; each answer is waited for until the deadline and no longer.
pub(super) async fn all(patient: Patient<'_>, within: Duration) -> Result<Answers, TargetError> {
    let Patient { target, contract, operation } = patient;
    let start = Instant::now();
    let options = ClientOptions { timeout: within.min(target.client.timeout), ..target.client.clone() };
    let client = target.connect(&options)?;
    // Reading the system's certificates takes a part of the time.
    let left = within.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
    // The same seed gives the same names, so that two calls differ in nothing else.
    let seed = random_seed();
    let ask = |operation: &Operation, spec: &RequestSpec| {
        let request = plain_request(contract, target, operation, spec, seed);
        let request = request.expect("the requests of doctor need nothing that the target lacks");
        let client = &client;
        async move {
            let (sent, clock) = (Instant::now(), Timestamp::now());
            match timeout(left, client.send(request.clone())).await {
                Ok(exchange) => exchange,
                Err(_) => Exchange {
                    request,
                    answer: Err(crate::wire::Fault::Timeout(left)),
                    sent_at: clock,
                    received_at: Timestamp::now(),
                    elapsed: sent.elapsed(),
                    fault_before: None,
                    cut_off: None,
                },
            }
        }
    };
    let (plain, _) = probe_input(operation, contract, target);
    let signed_as =
        |defect| OptionFuture::from(target.credentials.as_ref().map(|_| ask(operation, &plain.signed_with(defect))));
    let further = contract.service.resources.iter().filter(|of| of.of.is_some() && patient.name_of(of).is_some());
    let further = further.filter(|of| of.default.is_none() && operation.request.members.contains_key(&of.member));
    let by_resource = further.map(|of| {
        let asked = ask(operation, &RequestSpec::with(&of.member, &format!("${{{}}}", of.placeholder)));
        async move { (of.id.clone(), asked.await) }
    });
    let others = contract.operations.values().filter(|other| other.name != operation.name && other.changes_nothing.is);
    let mut others: Vec<_> = others.collect();
    // Those that list what there is come first: what is named is looked up in their answers.
    others.sort_by_key(|other| other.pages.is_none());
    let neighbours = others.into_iter().map(|other| {
        let asked = ask(other, &probe_input(other, contract, target).0);
        async move { (other.name.is.clone(), asked.await) }
    });
    let mut nothing = operation.clone();
    nothing.target.is = format!("{}.{UNKNOWN}", contract.service.target_prefix.is);
    let (way, probe, wrong, unsigned, by_resource, neighbours, unknown) = tokio::join!(
        way(target, left),
        ask(operation, &plain),
        signed_as(SigningDefect::WrongSecret),
        signed_as(SigningDefect::Unsigned),
        join_all(by_resource),
        join_all(neighbours),
        ask(&nothing, &plain),
    );
    let ours = target.credentials.as_ref().map(Credentials::secrets).unwrap_or_default();
    let hidden = Masker::default();
    let mut answers = Answers { way, probe, wrong, unsigned, by_resource, neighbours, unknown, hidden };
    answers.hide(ours);
    Ok(answers)
}

/// Tries name and port by themselves, since a request that times out does not say how far it came.
async fn way(target: &Target, within: Duration) -> Way {
    let start = Instant::now();
    let addresses = match timeout(within, addresses(&target.endpoint)).await {
        Err(_) => return Way::NoAddress(None),
        Ok(Err(error)) => return Way::NoAddress(Some(plain(&error))),
        Ok(Ok(addresses)) => addresses,
    };
    let Some(first) = addresses.first().copied() else {
        return Way::NoAddress(Some("the name has no address".to_owned()));
    };
    let connecting = Instant::now();
    match timeout(within.saturating_sub(start.elapsed()), TcpStream::connect(addresses.as_slice())).await {
        Err(_) => Way::Refused(first, None),
        Ok(Err(error)) => Way::Refused(first, Some(plain(&error))),
        Ok(Ok(stream)) => Way::Connected(stream.peer_addr().unwrap_or(first), connecting.elapsed()),
    }
}

/// An error of the system without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.trim_start_matches("failed to lookup address information: ").to_owned()
}

impl Answers {
    /// Every exchange, the probe first.
    pub(super) fn exchanges(&self) -> impl Iterator<Item = &Exchange> {
        let signed = [&self.wrong, &self.unsigned].into_iter().flatten();
        let named = self.by_resource.iter().chain(&self.neighbours).map(|(_, exchange)| exchange);
        [&self.probe].into_iter().chain(signed).chain(named).chain([&self.unknown])
    }

    /// Hides our own secrets, and what any of the answers gives in the place of one: whatever is said of one of
    /// them comes behind all of them.
    pub(super) fn hide(&mut self, ours: Vec<String>) {
        let seen = SeenSecrets::new(ours);
        for received in self.exchanges().filter_map(Exchange::received) {
            seen.learn(received);
        }
        self.hidden = seen.masker();
    }

    /// Whether anything came back at all.
    pub(super) fn any(&self) -> bool {
        self.exchanges().any(|exchange| exchange.answer.is_ok())
    }
}
