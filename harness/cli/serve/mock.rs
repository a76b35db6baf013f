//! `countersign serve mock`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{Failure, FixtureArgs, Library, ReadyFormat, address, until_interrupted};
use crate::cli::output::say;
use crate::cli::record::load_recordings;
use crate::cli::revision::RevisionArg;
use crate::corpus::Corpus;
use crate::recording::RecordingFolder;
use crate::servers::mock::Mock;

const RECORDINGS_HELP: &str = "Answer the cases as the recordings of this folder say, not by hand-written replies; a \
                               case without a recording has no answer";

#[derive(Debug, Args)]
pub(in crate::cli) struct MockArgs {
    /// Loopback address and port to listen on; port 0 takes a free one
    #[arg(long, env = "COUNTERSIGN_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:4568", value_parser = address)]
    listen: SocketAddr,

    /// Port to listen on
    #[arg(long, value_name = "PORT", hide = true)]
    port: Option<u16>,

    #[arg(long, env = "COUNTERSIGN_RECORDINGS", value_name = "DIR", help = RECORDINGS_HELP)]
    recordings: Option<PathBuf>,

    #[command(flatten)]
    revision: RevisionArg,

    #[command(flatten)]
    fixtures: FixtureArgs,

    /// What to print when ready: how to use it, or one line of JSON
    #[arg(long, value_enum, default_value_t = ReadyFormat::Text)]
    format: ReadyFormat,
}

/// The most mistyped paths that are told.
const MOST_TOLD: usize = 100;

pub(super) async fn serve(args: MockArgs) -> Result<(), Failure> {
    let MockArgs { mut listen, port, recordings, revision, fixtures, format } = args;
    listen.set_port(port.unwrap_or(listen.port()));
    let library = Library::load_in(fixtures.fixtures, revision.asked().as_ref())?;
    let corpus = &library.corpus;
    let told = Mutex::new(BTreeSet::new());
    let tell = move |what: &str| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < MOST_TOLD && told.insert(what.to_owned()) {
            say(&format!("note: a client asks for what the mock does not have: {what}"));
        }
    };
    let folder = recordings.map(|folder| load_recordings(&folder, corpus)).transpose()?;
    let start = async {
        match &folder {
            Some(folder) => Mock::start_recorded(Arc::clone(corpus), folder, Timestamp::now, Some(listen), tell).await,
            None => Mock::start_telling(Arc::clone(corpus), Timestamp::now, Some(listen), tell).await,
        }
    };
    until_interrupted(listen, start, |mock| ready(&mock.endpoint(), &library, folder.as_ref(), format)).await?;
    Ok(())
}

/// The ready line of `--format json`. Programs read it, so its keys must not change.
#[derive(Serialize)]
struct Ready<'a> {
    endpoint: &'a str,
    cases: usize,
    replies: usize,
}

fn ready(
    endpoint: &str,
    library: &Library,
    recordings: Option<&RecordingFolder>,
    format: ReadyFormat,
) -> io::Result<String> {
    let Library { contract, corpus, .. } = library;
    let (ids, replies) = (ids(corpus, recordings), corpus.replies());
    let given = recordings.map_or_else(
        || format!("the reply to one of {} cases", ids.len()),
        |folder| {
            let targets: BTreeSet<_> = folder.recordings().values().map(|recording| recording.of.meaning()).collect();
            let targets = targets.into_iter().collect::<Vec<_>>().join(" and ");
            format!("what {targets} answered to one of {} cases", ids.len())
        },
    );
    let mut text = format!(
        "The replaying mock listens on {endpoint} (Ctrl-C stops it).
  {endpoint}/<case id>       {given}
  {endpoint}/replies/<name>  one of {} replies, right and wrong ones; `countersign list replies` shows them
",
        replies.len()
    );
    if let Some(case) = ids.first() {
        let _ = writeln!(text, "\nTry it:\n\ncurl -sS -i -X POST {endpoint}/{case}");
    }
    if let Some((name, _)) = replies.iter().find(|(_, reply)| reply.wrong.is_some()).or(replies.iter().next()) {
        let service = &contract.service;
        let _ = write!(
            text,
            "
Show an AWS client one reply; any credentials will do:

export {}={endpoint}/replies/{name}
export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
aws {} {}",
            service.endpoint_variable(),
            service.command(),
            contract.default_operation().command(service)
        );
    }
    format.ready(&Ready { endpoint, cases: ids.len(), replies: replies.len() }, &text)
}

/// The ids of the cases that have an answer.
fn ids<'a>(corpus: &'a Corpus, recordings: Option<&'a RecordingFolder>) -> Vec<&'a str> {
    let is_answered = |id: &&str| recordings.is_none_or(|folder| folder.get(id).is_some());
    corpus.cases().iter().map(|case| case.id.as_str()).filter(is_answered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_of_json_has_the_keys_that_programs_read() {
        let library = Library::load(None).unwrap();
        let corpus = &library.corpus;
        let line = ready("http://127.0.0.1:1", &library, None, ReadyFormat::Json).unwrap();
        let expected = serde_json::json!({
            "endpoint": "http://127.0.0.1:1", "cases": corpus.cases().len(), "replies": corpus.replies().len()
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), expected);
        assert!(!line.contains('\n'));
    }

    #[test]
    fn the_ready_text_says_where_to_find_a_case_and_a_reply() {
        let library = Library::load(None).unwrap();
        let corpus = &library.corpus;
        let text = ready("http://127.0.0.1:1", &library, None, ReadyFormat::Text).unwrap();
        assert!(text.contains(&format!("curl -sS -i -X POST http://127.0.0.1:1/{}\n", corpus.cases()[0].id)), "{text}");
        assert!(text.contains("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS=http://127.0.0.1:1/replies/wrong-"), "{text}");
    }
}
