use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::OptionFuture;
use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::names::{Names, random_seed};
use super::super::request;
use crate::corpus::RequestSpec;
use crate::targets::{Target, TargetError};
use crate::wire::{ClientOptions, Credentials, Exchange, Masker, SeenSecrets, addresses};

/// The name of an operation that nobody has: what answers it alike says nothing about the others.
const UNKNOWN: &str = "GetNothing";

/// Everything that was asked, and what came back.
pub(super) struct Answers {
    /// The way there, tried without any request.
    pub(super) way: Way,
    /// `GetCredentials` as a run's probe asks it.
    pub(super) probe: Exchange,
    /// The same signed with a wrong secret; nothing where nothing is signed.
    pub(super) wrong: Option<Exchange>,
    /// The same without a signature; nothing where nothing is signed.
    pub(super) unsigned: Option<Exchange>,
    /// `GetCredentials` by the custom domain alone; nothing where none is named.
    pub(super) domain: Option<Exchange>,
    /// `ListWorkgroups`, which changes nothing.
    pub(super) list: Exchange,
    /// `GetWorkgroup`, which changes nothing.
    pub(super) get: Exchange,
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
pub(super) async fn all(target: &Target, within: Duration) -> Result<Answers, TargetError> {
    let start = Instant::now();
    let options = ClientOptions { timeout: within.min(target.client.timeout), ..target.client.clone() };
    let client = target.connect(&options)?;
    // Reading the system's certificates takes a part of the time.
    let left = within.saturating_sub(start.elapsed()).max(Duration::from_millis(1));
    let seed = random_seed();
    let ask = |operation: &str, body: &str, signing: Option<&str>| {
        let request = request(target, seed, operation, body, signing);
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
    let workgroup = if target.workgroup.is_some() { "${workgroup}" } else { "${random:20}" };
    let named = format!(r#"{{"workgroupName":"{workgroup}"}}"#);
    let signs = target.credentials.is_some();
    let signed_wrong = OptionFuture::from(signs.then(|| ask("GetCredentials", &named, Some("wrong-secret"))));
    let unsigned = OptionFuture::from(signs.then(|| ask("GetCredentials", &named, Some("unsigned"))));
    let by_domain = target.custom_domain.as_ref().map(|_| r#"{"customDomainName":"${custom_domain}"}"#);
    let domain = OptionFuture::from(by_domain.map(|body| ask("GetCredentials", body, None)));
    let (way, probe, wrong, unsigned, domain, list, get, unknown) = tokio::join!(
        way(target, left),
        ask("GetCredentials", &named, None),
        signed_wrong,
        unsigned,
        domain,
        ask("ListWorkgroups", "{}", None),
        ask("GetWorkgroup", &named, None),
        ask(UNKNOWN, &named, None),
    );
    let ours = target.credentials.as_ref().map(Credentials::secrets).unwrap_or_default();
    let mut answers = Answers { way, probe, wrong, unsigned, domain, list, get, unknown, hidden: Masker::default() };
    answers.hide(ours);
    Ok(answers)
}

/// A documented call of an operation, with a fault in its signature where one is named. The same seed
/// gives the same names, so that two calls differ in nothing else.
fn request(target: &Target, seed: u64, operation: &str, body: &str, signing: Option<&str>) -> crate::wire::Request {
    let raw = signing.map_or_else(String::new, |defect| format!(r#","raw":{{"signing":"{defect}"}}"#));
    let spec = format!(r#"{{"operation":"{operation}","input":{body}{raw}}}"#);
    let spec: RequestSpec = serde_json::from_str(&spec).expect("the requests of doctor are well formed");
    let mut names = Names::new(seed, "doctor", 0);
    let built = request::build(&spec, operation, target, "", &mut names, Timestamp::now());
    built.unwrap_or_else(|missing| panic!("the requests of doctor need nothing: {}", missing.0)).request
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
        let further = [&self.wrong, &self.unsigned, &self.domain].into_iter().flatten();
        [&self.probe].into_iter().chain(further).chain([&self.list, &self.get, &self.unknown])
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
