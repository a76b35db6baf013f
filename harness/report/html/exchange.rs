//! Exchanges without the header fields that most requests or answers of a run have: those are shown once.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::report::collected::Collected;
use crate::verdict::{CaseResult, ShownExchange};

/// The header fields that most exchanges of a run have, as `name: value`.
#[derive(Debug, Default, Serialize)]
pub(super) struct CommonHeaders {
    pub(super) label: String,
    #[serde(serialize_with = "as_lines")]
    request: Vec<Field>,
    #[serde(serialize_with = "as_lines")]
    answer: Vec<Field>,
}

type Field = (String, String);

#[derive(Debug, Serialize)]
pub(super) struct ExchangeView {
    #[serde(flatten)]
    shown_exchange: ShownExchange,
    status: Option<u16>,
    request_lines: Vec<String>,
    /// The names of usual fields that it lacks.
    request_without: Vec<String>,
    answer_lines: Vec<String>,
    answer_without: Vec<String>,
}

/// What is other in an exchange than in another one that is shown in full, as lines.
#[derive(Debug, Serialize)]
pub(super) struct OwnLines {
    request: Vec<String>,
    answer: Vec<String>,
}

impl ExchangeView {
    /// What is other here than in an exchange that is shown in full. Fields that every message has of its own do not
    /// count.
    pub(super) fn own(&self, shown: &Self) -> OwnLines {
        let fields = |own: &[Field], shown: &[Field]| -> Vec<String> {
            let is_own = |field: &&Field| !shown.contains(field) && !is_of_each(&field.0);
            own.iter().filter(is_own).map(line).collect()
        };
        let (own, shown) = (&self.shown_exchange, &shown.shown_exchange);
        let mut request: Vec<String> = Vec::new();
        request.extend((own.request != shown.request).then(|| own.request.clone()));
        request.extend(fields(&own.request_headers, &shown.request_headers));
        request.extend((own.request_body != shown.request_body).then(|| own.request_body.clone()));
        let mut answer = fields(&own.answer_headers, &shown.answer_headers);
        answer.extend(own.answer_body.clone().filter(|_| own.answer_body != shown.answer_body));
        answer.extend(own.fault.clone().filter(|_| own.fault != shown.fault));
        OwnLines { request, answer }
    }
}

/// Fields that belong to one message alone, even where many have the same value: a time, a length.
const OF_EACH: [&str; 3] = ["date", "x-amz-date", "content-length"];

fn is_of_each(name: &str) -> bool {
    OF_EACH.iter().any(|of| of.eq_ignore_ascii_case(name))
}

impl CommonHeaders {
    pub(super) fn of(collected: &Collected, label: &str) -> Self {
        let exchanges = || collected.cases.iter().filter_map(|case| case.exchange.as_ref());
        let answered = || exchanges().filter(|exchange| exchange.answer_body.is_some());
        Self {
            label: label.to_owned(),
            request: common_fields(exchanges().map(|exchange| &exchange.request_headers)),
            answer: common_fields(answered().map(|exchange| &exchange.answer_headers)),
        }
    }

    pub(super) fn show(&self, case: &CaseResult) -> Option<ExchangeView> {
        let shown_exchange = case.exchange.as_deref()?.clone();
        let (request_lines, request_without) = uncommon_fields(&self.request, &shown_exchange.request_headers);
        let answered = shown_exchange.answer_body.is_some();
        let (answer_lines, answer_without) = if answered {
            uncommon_fields(&self.answer, &shown_exchange.answer_headers)
        } else {
            (Vec::new(), Vec::new())
        };
        Some(ExchangeView {
            shown_exchange,
            status: case.status,
            request_lines,
            request_without,
            answer_lines,
            answer_without,
        })
    }
}

/// The fields that more than half of the messages have, in the order of their places; none for fewer than three
/// messages.
fn common_fields<'a>(messages: impl Iterator<Item = &'a Vec<Field>>) -> Vec<Field> {
    let mut counts: BTreeMap<&Field, (usize, usize)> = BTreeMap::new();
    let mut messages_seen = 0;
    for fields in messages {
        messages_seen += 1;
        for (place, field) in fields.iter().enumerate() {
            counts.entry(field).or_insert((place, 0)).1 += 1;
        }
    }
    let mut common: Vec<(usize, &Field)> = counts
        .into_iter()
        .filter(|((name, _), _)| !is_of_each(name))
        .filter(|(_, (_, count))| messages_seen > 2 && count * 2 > messages_seen)
        .map(|(field, (place, _))| (place, field))
        .collect();
    common.sort();
    common.into_iter().map(|(_, field)| field.clone()).collect()
}

/// The fields that are not usual, as lines, and the names of usual fields that are missing.
fn uncommon_fields(common: &[Field], fields: &[Field]) -> (Vec<String>, Vec<String>) {
    let lines = fields.iter().filter(|field| !common.contains(field)).map(line).collect();
    let is_there = |name: &str| fields.iter().any(|(field, _)| field.eq_ignore_ascii_case(name));
    let missing = common.iter().map(|(name, _)| name).filter(|name| !is_there(name));
    (lines, missing.cloned().collect())
}

fn as_lines<S: Serializer>(fields: &[Field], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(fields.iter().map(line))
}

fn line((name, value): &(String, String)) -> String {
    format!("{name}: {value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_most_messages_have_is_told_once_and_departures_are_told_each() {
        let common = fields(&[("host", "h"), ("content-type", "a")]);
        let odd = fields(&[("host", "h"), ("x-odd", "1")]);
        let dated = fields(&[("Date", "d"), ("x-amz-date", "d"), ("Content-Length", "2")]);
        assert_eq!(common_fields([&dated, &dated, &dated].into_iter()), []);
        let most_common = common_fields([&common, &common, &odd].into_iter());
        assert_eq!(most_common, fields(&[("host", "h"), ("content-type", "a")]));
        assert_eq!(uncommon_fields(&most_common, &common), (Vec::new(), Vec::new()));
        assert_eq!(uncommon_fields(&most_common, &odd), (vec!["x-odd: 1".to_owned()], vec!["content-type".to_owned()]));
    }

    #[test]
    fn of_two_messages_nothing_is_usual() {
        let common = fields(&[("host", "h")]);
        assert_eq!(common_fields([&common, &common].into_iter()), []);
    }
}
