//! The replaying mock: a server that gives each case the reply that is written for it.
//!
//! Uses contract, corpus and recording. Of a request it reads only the path, which names the case, and the lifetime that
//! it asks for. The mock proves that cases and judge agree with the hand-written replies, and it lets an SDK meet any answer,
//! right or wrong. With recordings, it gives each case what a real target answered. It is not an emulator; for one, see `emulator` beside it.
//!
//! Start reading at [`Mock`]; `Paths` says which path gives which reply.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::host::{BodyLimit, FieldNames, Host, Unread};
use crate::contract::{Contract, Fixtures, Service};
use crate::corpus::{Call, Corpus, Reply};
use crate::recording::{Recording, RecordingFolder, replay};
use crate::text::{did_you_mean, foreign};
use crate::wire::{Headers, Request, Response};

/// A running mock. Dropping it stops it.
///
/// A request's path chooses the reply: `/<case id>` (`/parameters/duration-outside/899`), with `~1`, `~2`, … for the
/// further calls of a case with steps, `~setup0`, `~teardown0`, … for the calls around them; `/replies/<name>` is a
/// reply by its name, wrong ones among them. Anything behind these paths is ignored, and so are the method and the
/// signature. [`Mock::reply`] and [`Mock::case`] return such URLs, and refuse names that there are not.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # use countersign_core as countersign;
/// use countersign::servers::mock::Mock;
///
/// let mock = Mock::embedded().await?;
/// println!("point a client at {}", mock.reply("wrong-expiration-iso"));
/// # Ok::<_, std::io::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Mock {
    host: Host,
    paths: Arc<Paths>,
    _mistyped: Option<Mistyped>,
}

/// What a client has asked for that there is not. Dropping it panics if there is anything.
#[derive(Debug, Default)]
struct Mistyped(Arc<Mutex<Vec<String>>>);

/// The most mistyped paths that are kept.
const MOST_MISTYPED: usize = 20;

/// How large a body may be, and how much of a larger one is read. The largest of a case has about 100,000 bytes.
const BODY_LIMIT: BodyLimit = BodyLimit { kept: 1 << 20, read: 8 << 20 };

impl Mock {
    /// Starts a mock of the compiled-in replies on a free port of 127.0.0.1, with the clock of this machine.
    ///
    /// A test would take the answer to a mistyped path for an error that it expects. So this mock panics when it is
    /// dropped if a client has asked for a reply or a case that there is not; the message names the near ones.
    ///
    /// # Errors
    /// When there is no free port, or the fixtures of this build are not valid ([`io::ErrorKind::InvalidData`]).
    pub async fn embedded() -> io::Result<Self> {
        let contract = Contract::load(&Fixtures::Embedded).map_err(|error| invalid(&error))?;
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).map_err(|error| invalid(&error))?;
        let mistyped = Mistyped::default();
        let kept = Arc::clone(&mistyped.0);
        let keep = move |what: &str| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < MOST_MISTYPED && !kept.iter().any(|other| other == what) {
                kept.push(what.to_owned());
            }
        };
        let mock = Self::start_telling(Arc::new(corpus), Timestamp::now, None, keep).await?;
        Ok(Self { _mistyped: Some(mistyped), ..mock })
    }

    /// Starts a mock of every reply of a corpus. It listens when this returns.
    ///
    /// `clock` gives the current time, from which the times in answers, such as `Date`, are computed. `listen` is a
    /// loopback address; without it, a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When it cannot listen on the address ([`io::ErrorKind::InvalidInput`] where that is not a
    /// loopback address), or a reply has a status or header that cannot be sent
    /// ([`io::ErrorKind::InvalidData`]).
    pub async fn start(
        corpus: Arc<Corpus>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        listen: Option<SocketAddr>,
    ) -> io::Result<Self> {
        Self::start_telling(corpus, clock, listen, |_| {}).await
    }

    /// [`Mock::start`], and `tell` hears of each request for a reply or a case that there is not, with the near ones.
    ///
    /// # Errors
    /// Those of [`Mock::start`].
    pub async fn start_telling(
        corpus: Arc<Corpus>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        listen: Option<SocketAddr>,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let paths = Paths::of(&corpus);
        let heads = heads(&corpus)?;
        let (paths, recordings) = (Arc::new(paths), BTreeMap::new());
        let (clock, tell) = (Box::new(clock), Box::new(tell));
        Self::start_at(Replayer { corpus, paths, recordings, tell, heads, clock }, listen).await
    }

    /// [`Mock::start_telling`] with recordings: a path of a case gives what was recorded of it, and a case without a
    /// recording has no answer. The calls that set something up or undo it have their replies, and so have the paths of
    /// replies.
    ///
    /// # Errors
    /// Those of [`Mock::start`].
    pub async fn start_recorded(
        corpus: Arc<Corpus>,
        folder: &RecordingFolder,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        listen: Option<SocketAddr>,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let recordings = folder.recordings().clone();
        let paths = Paths::of_recordings(&corpus, &recordings);
        let (paths, heads) = (Arc::new(paths), heads(&corpus)?);
        let (clock, tell) = (Box::new(clock), Box::new(tell));
        Self::start_at(Replayer { corpus, paths, recordings, tell, heads, clock }, listen).await
    }

    async fn start_at(replayer: Replayer, listen: Option<SocketAddr>) -> io::Result<Self> {
        let listen = listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        if !listen.ip().is_loopback() {
            let why = format!(
                "{listen} is not a loopback address; the mock listens on loopback only, such as 127.0.0.1:{}",
                listen.port()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let paths = Arc::clone(&replayer.paths);
        let answer = move |request: Result<&Request, Unread>| replayer.respond(request);
        let host = Host::start(listen, BODY_LIMIT, FieldNames::Small, answer).await?;
        Ok(Self { host, paths, _mistyped: None })
    }

    /// The URL at which it gives the reply with this name. `countersign list replies` lists the names.
    ///
    /// # Panics
    /// When there is no such reply; the message names the near ones.
    #[track_caller]
    pub fn reply(&self, name: &str) -> String {
        self.url(&format!("{REPLIES}{name}"))
    }

    /// The URL at which it gives the reply to the case with this id, such as `success/workgroup-only`.
    ///
    /// # Panics
    /// When there is no such case; the message names the near ones.
    #[track_caller]
    pub fn case(&self, id: &str) -> String {
        self.url(&format!("/{id}"))
    }

    #[track_caller]
    fn url(&self, path: &str) -> String {
        assert!(self.paths.0.contains_key(path), "the mock has no {}", self.paths.unknown(path));
        format!("{}{path}", self.endpoint())
    }

    /// Its base URL without a slash at the end, such as `http://127.0.0.1:4568`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.host.address())
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.host.address()
    }
}

impl Drop for Mistyped {
    fn drop(&mut self) {
        let asked_for = self.0.lock().unwrap_or_else(PoisonError::into_inner).join("; ");
        // A second panic would end the whole test program.
        assert!(
            asked_for.is_empty() || std::thread::panicking(),
            "a client asked the mock for what it does not have: {asked_for}"
        );
    }
}

fn invalid(error: &dyn Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// Hears of mistyped paths.
type Tell = Box<dyn Fn(&str) + Send + Sync>;

struct Replayer {
    corpus: Arc<Corpus>,
    paths: Arc<Paths>,
    /// By the id of their case.
    recordings: BTreeMap<String, Recording>,
    tell: Tell,
    /// Status and header fields of each reply, by its name.
    heads: BTreeMap<String, (u16, Headers)>,
    clock: Clock,
}

impl Replayer {
    fn respond(&self, request: Result<&Request, Unread>) -> Response {
        let replayed = match request {
            Ok(request) => self.replay(path_of(&request.target), &request.body),
            Err(Unread::TimedOut) => {
                Err((408, "RequestTimeoutException", "The body did not arrive in time.".to_owned()))
            }
            Err(Unread::TooLarge) => {
                Err((413, "RequestEntityTooLarge", format!("The body is larger than {} bytes.", BODY_LIMIT.kept)))
            }
            Err(Unread::Busy) => {
                let message = "The bodies of other requests take all the room that there is.";
                Err((503, "ServiceUnavailableException", message.to_owned()))
            }
        };
        replayed.unwrap_or_else(|(status, name, message)| {
            let headers = [("content-type", Service::embedded().content_type.is.as_str())].into_iter().collect();
            let body = json!({"__type": name, "message": message}).to_string().into_bytes();
            Response { status, headers, body }
        })
    }

    fn replay(&self, path: &str, body: &[u8]) -> Result<Response, Refusal> {
        let refusal = |message| (404, "UnknownOperationException", message);
        let source = self.paths.reply(path).map_err(|message| {
            if self.paths.is_mistyped(path) {
                (self.tell)(&self.paths.unknown(path));
            }
            refusal(message)
        })?;
        let name = match source {
            Source::Reply(name) => name,
            Source::Recorded { case, call } => return Ok(self.recorded(case, *call, body)),
        };
        let unknown = || refusal(format!("There is no reply called {name}."));
        let (head, reply) = (self.heads.get(name).ok_or_else(unknown)?, &self.corpus.replies()[name]);
        let (status, mut headers) = head.clone();
        let now = (self.clock)();
        let body = reply.body_at(now.as_duration().as_secs_f64(), self.corpus.lifetime_asked_for(body));
        // The server's Date is what a judge measures lifetimes by, so it comes from the same clock.
        if !has_date(reply)
            && let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&now)
        {
            headers.push("date", date);
        }
        Ok(Response { status, headers, body })
    }

    /// What was recorded of a call.
    fn recorded(&self, case: &str, call: usize, body: &[u8]) -> Response {
        let answer = &self.recordings[case].answers[call];
        let now = (self.clock)();
        let mut response = replay(answer, body, now.as_duration().as_secs_f64(), call as u64);
        let date = answer.clock.and_then(|ahead| now.checked_add(SignedDuration::from_secs(ahead)).ok());
        if let Some(date) = date.and_then(|date| DateTimePrinter::new().timestamp_to_rfc9110_string(&date).ok()) {
            response.headers.push("date", date);
        }
        response
    }
}

/// Status, error name and message for a request that has no reply.
type Refusal = (u16, &'static str, String);

/// A request target without its query.
fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// Status and header fields of every reply.
fn heads(corpus: &Corpus) -> io::Result<BTreeMap<String, (u16, Headers)>> {
    corpus.replies().iter().map(|(name, reply)| Ok((name.clone(), head(name, reply)?))).collect()
}

/// Status and header fields of a reply, checked once instead of at every request.
fn head(name: &str, reply: &Reply) -> io::Result<(u16, Headers)> {
    match reply.flaw() {
        Some((at, message)) => Err(invalid(&format!("the reply {name} cannot be sent: {at}: {message}"))),
        None => {
            Ok((reply.status, reply.headers.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect()))
        }
    }
}

fn has_date(reply: &Reply) -> bool {
    reply.headers.keys().any(|field| field.eq_ignore_ascii_case("date"))
}

/// The path below which each reply has its name.
const REPLIES: &str = "/replies/";

/// The most paths that are named to a caller who asked for an unknown one.
const MOST_NAMED: usize = 12;

/// What a path gives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The reply with this name.
    Reply(String),
    /// What was recorded of a call of this case.
    Recorded { case: String, call: usize },
}

/// The path of the call at `index` of a case, as the harness writes it.
fn path_of_call(case: &str, index: usize) -> String {
    if index == 0 { format!("/{case}") } else { format!("/{case}~{index}") }
}

/// Every path that has an answer.
#[derive(Debug, Default)]
struct Paths(BTreeMap<String, Source>);

impl Paths {
    /// The paths of a corpus, as the harness writes them: `/<case id>` for the first call of a case; for any other
    /// call, a `~` and its name follow.
    fn of(corpus: &Corpus) -> Self {
        let mut paths = Self::default();
        for case in corpus.cases() {
            for (index, call) in case.calls.iter().enumerate() {
                paths.add(path_of_call(&case.id, index), call);
            }
        }
        paths.add_others(corpus);
        paths
    }

    /// The paths of a corpus of which some cases are recorded: those of the others are left out.
    fn of_recordings(corpus: &Corpus, recordings: &BTreeMap<String, Recording>) -> Self {
        let mut paths = Self::default();
        for (case, recording) in recordings {
            for call in 0..recording.answers.len() {
                paths.0.insert(path_of_call(case, call), Source::Recorded { case: case.clone(), call });
            }
        }
        paths.add_others(corpus);
        paths
    }

    /// Adds the paths of the calls around a case, and those of replies by their names.
    fn add_others(&mut self, corpus: &Corpus) {
        for case in corpus.cases() {
            for (part, calls) in [("setup", &case.case.setup), ("teardown", &case.case.teardown)] {
                let calls = calls.iter().enumerate();
                calls.for_each(|(index, call)| self.add(format!("/{}~{part}{index}", case.id), call));
            }
        }
        let replies = corpus.replies().keys();
        self.0.extend(replies.map(|name| (format!("{REPLIES}{name}"), Source::Reply(name.clone()))));
    }

    fn add(&mut self, path: String, call: &Call) {
        if let Some(reply) = &call.reply {
            self.0.insert(path, Source::Reply(reply.clone()));
        }
    }

    /// What a path gives: that of the longest path in the table that it begins with. A case may add a
    /// path of its own.
    ///
    /// A path of the table may end before a `/`, never before a `~`: an unknown step must not get the reply of another
    /// step.
    fn reply(&self, path: &str) -> Result<&Source, String> {
        let ends = path.char_indices().filter(|(_, character)| *character == '/').map(|(at, _)| at).skip(1);
        let ends: Vec<_> = ends.chain([path.len()]).collect();
        let found = ends.into_iter().rev().find_map(|end| self.0.get(&path[..end]));
        found.ok_or_else(|| self.no_reply(path))
    }

    /// Whether an unknown path is meant to name a reply or a case: it is below a path that others are below.
    fn is_mistyped(&self, path: &str) -> bool {
        let first = path.trim_start_matches('/').split(['/', '~']).next().unwrap_or_default();
        let is_below = |known: &String| known[1..].split('/').next() == Some(first);
        !first.is_empty() && (self.0.keys().any(is_below) || !self.near(path).is_empty())
    }

    /// What an unknown path names, with the near names.
    fn unknown(&self, path: &str) -> String {
        let (kind, name, command) = match path.strip_prefix(REPLIES) {
            Some(name) => ("reply", name, "list replies"),
            None => ("case", path.trim_matches('/'), "list cases"),
        };
        format!("{kind} \"{}\"{}; `countersign {command}` shows them all", foreign(name), self.near(path))
    }

    /// The names that are near to that of an unknown path, as a question.
    fn near(&self, path: &str) -> String {
        match path.strip_prefix(REPLIES) {
            Some(name) => did_you_mean(name, self.0.keys().filter_map(|known| known.strip_prefix(REPLIES))),
            None => did_you_mean(path, self.0.keys().filter(|known| !known.starts_with(REPLIES)).map(|id| &id[1..])),
        }
    }

    /// What to say to a caller who asked for a path without a reply: the paths that begin like it, the near ones, or
    /// how paths are made.
    fn no_reply(&self, path: &str) -> String {
        let stem = path.split('~').next().unwrap_or_default().trim_end_matches('/');
        let is_near = |known_path: &&String| {
            let rest = known_path.strip_prefix(stem).filter(|_| !stem.is_empty());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '~']))
        };
        let mut near = self.0.keys().filter(is_near);
        let names_shown: Vec<_> = near.by_ref().take(MOST_NAMED).map(String::as_str).collect();
        if !names_shown.is_empty() {
            let more = near.count();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            return format!("There is no reply for this path, but for {}{more}.", names_shown.join(", "));
        }
        if self.is_mistyped(path) {
            return format!("There is no {}.", self.unknown(path));
        }
        let example = |under: fn(&&String) -> bool| self.0.keys().find(under).map_or("none", String::as_str);
        format!(
            "There is no reply for this path. The paths are /<case id>, such as {}; the same with ~1, ~2, ~setup0 or \
             ~teardown0 for a case of several calls; and /replies/<name>, such as {}.",
            example(|path| !path.starts_with(REPLIES)),
            example(|path| path.starts_with(REPLIES)),
        )
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"durationSeconds":1800}"#, 1800.0)]
    #[case(r#"{"durationSeconds":9e2}"#, 900.0)]
    #[case(r#"{"duration\u0053econds":3600}"#, 3600.0)]
    #[case(r#"{"durationSeconds":"1800"}"#, 900.0)]
    #[case(r#"{"durationSeconds":null}"#, 900.0)]
    #[case("{}", 900.0)]
    #[case("[1]", 900.0)]
    #[case("", 900.0)]
    fn the_duration_is_the_request_s_where_it_is_a_number(#[case] body: &str, #[case] expected: f64) {
        let contract = Contract::load(&Fixtures::Embedded).expect("the contract");
        let corpus = Corpus::load(&Fixtures::Embedded, &contract).expect("the corpus");
        assert!((corpus.lifetime_asked_for(body.as_bytes()) - expected).abs() < f64::EPSILON);
    }

    #[rstest]
    #[case::informational(r#"{"version":1,"title":"t","status":100}"#)]
    #[case::no_content(r#"{"version":1,"title":"t","status":204}"#)]
    #[case::header_name(r#"{"version":1,"title":"t","status":200,"headers":{"a b":"c"}}"#)]
    #[case::header_value(r#"{"version":1,"title":"t","status":200,"headers":{"a":"b\r\nc: d"}}"#)]
    fn a_reply_that_cannot_be_sent_is_named_at_the_start(#[case] reply: &str) {
        let error = head("odd", &serde_json::from_str(reply).unwrap()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("the reply odd cannot be sent: "), "{error}");
    }

    fn paths() -> Paths {
        let table = [
            ("/a/b", "first"),
            ("/a/b~1", "second"),
            ("/a/b~setup0", "before"),
            ("/a/b~teardown0", "after"),
            ("/a/family/1", "one"),
            ("/a/family/12", "twelve"),
            ("/replies/odd", "odd"),
        ];
        Paths(table.into_iter().map(|(path, reply)| (path.to_owned(), Source::Reply(reply.to_owned()))).collect())
    }

    #[rstest]
    #[case("/a/b", "first")]
    #[case("/a/b/", "first")]
    #[case("/a/b//x", "first")]
    #[case("/a/b/x/y", "first")]
    #[case("/a/b~1/", "second")]
    #[case("/a/b~setup0/", "before")]
    #[case("/a/b~teardown0", "after")]
    #[case("/a/family/1/2", "one")]
    #[case("/a/family/12/", "twelve")]
    #[case("/replies/odd", "odd")]
    fn the_longest_path_that_begins_the_request_s_chooses_the_reply(#[case] path: &str, #[case] reply: &str) {
        assert_eq!(paths().reply(path), Ok(&Source::Reply(reply.to_owned())));
    }

    #[rstest]
    #[case("/")]
    #[case("")]
    #[case("/a")]
    #[case("/a/")]
    #[case("/a/bc")]
    #[case("/a/b~2")]
    #[case("/a/b~12/")]
    #[case("/a/b~setup1/")]
    #[case("/a/family")]
    #[case("/a/family/123")]
    #[case("/replies/none")]
    fn a_path_without_a_reply_has_none(#[case] path: &str) {
        assert!(paths().reply(path).is_err(), "{path}");
    }

    #[rstest]
    #[case::a_step_that_is_not_there("/a/b~7/", "but for /a/b, /a/b~1, /a/b~setup0, /a/b~teardown0.")]
    #[case::a_family("/a/family", "but for /a/family/1, /a/family/12.")]
    #[case::nothing_like_it("/x", "such as /a/b;")]
    #[case::a_mistyped_reply("/replies/ood", "There is no reply \"ood\" (did you mean odd?)")]
    #[case::a_mistyped_case("/a/famly/12", "There is no case \"a/famly/12\" (did you mean a/family/12?)")]
    fn a_caller_without_a_reply_is_told_which_paths_there_are(#[case] path: &str, #[case] expected: &str) {
        let error = paths().reply(path).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
