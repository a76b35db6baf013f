use std::collections::HashMap;
use std::io::{self, BufRead, Read, Write};

use super::collected::count_each;
use super::event::OLDEST_VERSION;
use super::{Event, Sink, VERSION, words};
use crate::text::foreign;

/// The longest line that is read from a run stream, in bytes: 16 MiB.
pub const LINE_LIMIT: usize = 16 << 20;

/// The longest run stream that is read, in bytes: 256 MiB, about two hundred times that of a whole run.
pub(super) const STREAM_LIMIT: usize = 256 << 20;

/// The most requirements that a feature of a run may count, a hundred times those of the largest service. Sums of more
/// could have no room in a number.
const COUNT_LIMIT: usize = 100_000;

/// Writes the run stream: one JSON object a line, each as soon as it is known.
#[derive(Debug)]
pub struct StreamSink<W> {
    out: W,
}

impl<W: Write> StreamSink<W> {
    /// A run stream that is written to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Sink for StreamSink<W> {
    fn hear(&mut self, event: &Event) -> io::Result<()> {
        let line = words::visible_json(&serde_json::to_string(&event.clone().rounded())?);
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")?;
        // A reader of the growing stream sees each case when it is done.
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What to do with a run stream that ends before its `summary`, because the run was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutShort {
    /// It is an error.
    Refuse,
    /// The events that are there are used; a last line that is cut is left out.
    Accept,
}

/// A run stream that cannot be used: at which line, counted from 1, and why.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A line cannot be read.
    #[error("line {0} of the run stream cannot be read: {1}")]
    Unreadable(usize, io::Error),
    /// A line is longer than [`LINE_LIMIT`].
    #[error("line {0} of the run stream: expected at most {LINE_LIMIT} bytes, found more; is it a run stream?")]
    TooLong(usize),
    /// The stream is longer than 256 MiB.
    #[error("expected a run stream of at most {STREAM_LIMIT} bytes, found more; is it a run stream?")]
    TooLarge,
    /// A line is not an event; what is wrong with it.
    #[error("line {0} of the run stream: expected an event as one JSON object, found something else: {1}")]
    NotAnEvent(usize, String),
    /// The format has a version that this build does not know.
    #[error(
        "line 1 of the run stream: expected version {OLDEST_VERSION} or {VERSION}, found {0}; read it with the countersign that wrote it"
    )]
    Version(u32),
    /// An event is out of order: what is expected in its place, and what was found.
    #[error("line {0} of the run stream: expected {1}, found {2}")]
    OutOfOrder(usize, &'static str, &'static str),
    /// A case or a requirement occurs twice: its kind, its id, and the line in which it occurs first.
    #[error("line {0} of the run stream: expected each {1} once, found {2} again, first in line {3}")]
    Twice(usize, &'static str, String, usize),
    /// There is no event at all.
    #[error("the run stream is empty: expected a run event in line 1")]
    Empty,
    /// The verdicts of the cases are not those that the summary counts.
    #[error("the run stream ends with a summary of {0}, found {1}; were lines taken out or changed?")]
    Miscounted(String, String),
    /// A feature counts more requirements than there can be.
    #[error(
        "the run stream ends with a summary of {0} requirements of a feature, expected at most {COUNT_LIMIT}; was it changed?"
    )]
    Overcounted(usize),
    /// The last event is missing.
    #[error("line {0} of the run stream is the last: expected a summary after it; the run was killed before its end")]
    NoSummary(usize),
}

/// Reads a run stream.
///
/// # Errors
/// The first line that is not an event, is too long, out of order or a repetition; a stream without `run`; and one
/// without `summary` unless that is accepted.
pub fn read(mut stream: impl BufRead, cut_short: CutShort) -> Result<Vec<Event>, StreamError> {
    let mut events = Vec::new();
    let mut order = Order::default();
    let (mut line, mut size) = (0, 0);
    loop {
        let mut bytes = Vec::new();
        line += 1;
        let limit = LINE_LIMIT as u64 + 1;
        let count = stream.by_ref().take(limit).read_until(b'\n', &mut bytes);
        match count.map_err(|error| StreamError::Unreadable(line, error))? {
            0 => break,
            count if size + count > STREAM_LIMIT => return Err(StreamError::TooLarge),
            _ if bytes.trim_ascii_end().len() > LINE_LIMIT => return Err(StreamError::TooLong(line)),
            count => size += count,
        }
        let event = match serde_json::from_slice::<Event>(&bytes) {
            Ok(event) => event,
            Err(_) if cut_short == CutShort::Accept && !bytes.ends_with(b"\n") => break,
            Err(error) => return Err(StreamError::NotAnEvent(line, foreign(&error.to_string()))),
        };
        order.admit(line, &event)?;
        events.push(event);
    }
    match events.last() {
        None => Err(StreamError::Empty),
        Some(Event::Summary(summary)) => {
            let counts = summary.features.values().flat_map(|of| [of.must, of.violated, of.decided, of.confirmed]);
            if let Some(count) = counts.max().filter(|count| *count > COUNT_LIMIT) {
                return Err(StreamError::Overcounted(count));
            }
            let counted = count_each(events.iter().filter_map(Event::case).map(|case| case.verdict));
            if summary.verdicts == counted {
                return Ok(events);
            }
            let counts_text = |verdicts| words::verdicts(verdicts).unwrap_or_else(|| "no case".to_owned());
            Err(StreamError::Miscounted(counts_text(&summary.verdicts), counts_text(&counted)))
        }
        Some(_) if cut_short == CutShort::Accept => Ok(events),
        Some(_) => Err(StreamError::NoSummary(events.len())),
    }
}

/// What was read so far, to decide which event may come next.
#[derive(Default)]
struct Order {
    last: Option<&'static str>,
    seen: HashMap<(&'static str, String), usize>,
}

impl Order {
    fn admit(&mut self, line: usize, event: &Event) -> Result<(), StreamError> {
        let (kind, id) = match event {
            Event::Run(run) if !(OLDEST_VERSION..=VERSION).contains(&run.version) => {
                return Err(StreamError::Version(run.version));
            }
            Event::Run(_) => ("run", None),
            Event::Case(case) => ("case", Some(&case.id)),
            Event::Requirement(requirement) => ("requirement", Some(&requirement.id)),
            Event::Summary(_) => ("summary", None),
        };
        let (expected, fits) = match self.last {
            None => ("run", kind == "run"),
            Some("run" | "case") => ("case, requirement or summary", kind != "run"),
            Some("requirement") => ("requirement or summary", matches!(kind, "requirement" | "summary")),
            Some(_) => ("nothing after the summary", false),
        };
        if !fits {
            return Err(StreamError::OutOfOrder(line, expected, kind));
        }
        self.last = Some(kind);
        if let Some(id) = id
            && let Some(first) = self.seen.insert((kind, id.clone()), line)
        {
            return Err(StreamError::Twice(line, kind, foreign(id), first));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::{sample, stream};
    use super::*;
    use crate::text::escape;

    fn lines() -> Vec<String> {
        stream(&sample::events()).lines().map(str::to_owned).collect()
    }

    fn read_lines(lines: &[String]) -> Result<Vec<Event>, StreamError> {
        let stream: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        read(stream.as_bytes(), CutShort::Refuse)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let events: Vec<_> = sample::events().into_iter().map(Event::rounded).collect();
        assert_eq!(read_lines(&lines()).expect("a good stream"), events);
    }

    #[test]
    fn no_line_has_a_raw_control_or_invisible_character() {
        assert!(lines().iter().all(|line| escape(line) == *line));
    }

    #[rstest]
    #[case::empty(|lines: &mut Vec<String>| lines.clear(), "empty")]
    #[case::no_run(|lines: &mut Vec<String>| { lines.remove(0); }, "line 1 of the run stream: expected run, found case")]
    #[case::two_runs(|lines: &mut Vec<String>| lines.insert(1, lines[0].clone()), "line 2 of the run stream: expected case, requirement or summary, found run")]
    #[case::a_case_twice(|lines: &mut Vec<String>| lines.insert(3, lines[1].clone()), "line 4 of the run stream: expected each case once, found success/workgroup-only again, first in line 2")]
    #[case::cut(|lines: &mut Vec<String>| lines.truncate(2), "line 2 of the run stream is the last: expected a summary")]
    #[case::more_than_the_summary(|lines: &mut Vec<String>| lines.push(lines[1].clone()), "expected nothing after the summary, found case")]
    #[case::a_case_missing(|lines: &mut Vec<String>| { lines.remove(1); }, "a summary of 2 pass, 3 fail, 1 known-fail, 1 fixed, 2 blocked, 1 indeterminate, 1 not-applicable, found 1 pass, 3 fail,")]
    #[case::another_verdict(|lines: &mut Vec<String>| lines[2] = lines[2].replace(r#""verdict":"fail""#, r#""verdict":"pass""#), "found 3 pass, 2 fail")]
    #[case::more_than_there_can_be(|lines: &mut Vec<String>| { let last = lines.last_mut().expect("a summary"); *last = last.replacen(r#""must":"#, r#""must":1000000000000"#, 1); }, "expected at most 100000; was it changed?")]
    #[case::another_version(|lines: &mut Vec<String>| lines[0] = lines[0].replace(r#""version":2"#, r#""version":3"#), "line 1 of the run stream: expected version 1 or 2, found 3")]
    #[case::not_json(|lines: &mut Vec<String>| lines[2] = "x".to_owned(), "line 3 of the run stream: expected an event as one JSON object, found something else: expected value")]
    #[case::blank(|lines: &mut Vec<String>| lines[2].clear(), "line 3 of the run stream: expected an event as one JSON object, found something else: EOF while parsing")]
    #[case::another_event(|lines: &mut Vec<String>| lines[2] = r#"{"event":"coffee"}"#.to_owned(), "line 3 of the run stream: expected an event as one JSON object, found something else: unknown variant `coffee`")]
    #[case::half(|lines: &mut Vec<String>| lines[2] = r#"{"event":"case","id":"a"}"#.to_owned(), "line 3 of the run stream: expected an event as one JSON object, found something else: missing field")]
    #[case::terminal_codes(|lines: &mut Vec<String>| lines[2] = r#"{"event":"\u001b[31mX"}"#.to_owned(), r"line 3 of the run stream: expected an event as one JSON object, found something else: unknown variant `\u{1b}[31mX`")]
    fn a_wrong_stream_is_refused_with_its_line(#[case] change: fn(&mut Vec<String>), #[case] expected: &str) {
        let mut lines = lines();
        change(&mut lines);
        let error = read_lines(&lines).expect_err("it is wrong").to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        assert!(matches!(read(endless, CutShort::Refuse), Err(StreamError::TooLong(1))));
    }

    #[test]
    fn a_killed_run_is_read_as_far_as_it_came_where_that_is_accepted() {
        let text = lines()[..3].join("\n");
        let cut = &text[..text.len() - 10];
        assert_eq!(read(cut.as_bytes(), CutShort::Accept).expect("accepted").len(), 2);
        assert!(read(cut.as_bytes(), CutShort::Refuse).is_err());
    }
}
