//! A badge: what a run comes to in two words, as the JSON that shields.io reads and as an image.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use super::collected::Collected;
use super::conclusion::Conclusion;
use super::event::FeatureSummary;
use super::formats::{Report, Runs};
use crate::text::escape;

/// The two forms of a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadgeForm {
    /// What the endpoint badge of shields.io reads, schema version 1.
    Json,
    /// An image that needs no other file.
    Svg,
}

impl BadgeForm {
    /// The form that a file's ending asks for: an image where it is not `.json`.
    pub fn of(path: &Path) -> Self {
        let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
        if is_json { Self::Json } else { Self::Svg }
    }
}

/// A badge. Its label names the operation, the program and the suite: `GetCredentials (countersign 0.1.0, suite 2)`.
///
/// | the run | message | colour |
/// |---|---|---|
/// | conforms | `conformant` and the features that it claims beside `core`; their number where they are too long | green |
/// | violates a requirement, known or not | `2 of 67 violated` | red |
/// | leaves one undecided, also where only some cases were selected | `60 of 67 decided` | yellow |
/// | decides none, such as of a target that cannot be reached | `0 of 67 decided` | grey |
/// | met a target without the operation | `not implemented` | grey |
/// | was cut short | `run cut short` | grey |
/// | is judged by an older revision of the documents | `2022: `, and one of the others | as it |
/// | is one shard of a run | `shard 1/4: `, and one of the above | as above, never green |
#[derive(Clone, Copy, Debug)]
pub struct Badge(pub BadgeForm);

impl Report for Badge {
    fn write(&self, collected: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        let badge = BadgeText::of(collected.first());
        let text = match self.0 {
            BadgeForm::Json => badge.json(),
            BadgeForm::Svg => badge.svg(),
        };
        out.write_all(text.as_bytes())
    }
}

struct BadgeText {
    label: String,
    message: String,
    colour: Colour,
}

/// A colour's name among those of shields.io, and a shade that white text can be read on: its contrast is 4.5 to 1 or
/// more (WCAG 2.2, 1.4.3).
type Colour = [&'static str; 2];

const GREEN: Colour = ["brightgreen", "#1a7f37"];
const RED: Colour = ["red", "#b62324"];
const YELLOW: Colour = ["yellow", "#845306"];
const GREY: Colour = ["lightgrey", "#656d76"];

impl BadgeText {
    fn of(collected: &Collected) -> Self {
        // A reader of the JSON shows nothing else, and refuses members that it does not know.
        let label = collected.run.as_ref().map_or_else(
            || "countersign".to_owned(),
            |run| format!("{} ({}, suite {})", run.operation, run.tool, run.suite_version.unwrap_or(1)),
        );
        let features = || collected.summary.iter().flat_map(|summary| summary.features.values());
        let sum = |count: fn(&FeatureSummary) -> usize| features().map(count).sum::<usize>();
        let must = sum(|feature| feature.must);
        let complete = collected.summary.as_ref().is_some_and(|summary| summary.complete);
        let (message, colour) = match Conclusion::of(collected) {
            Conclusion::Conformant(features) => {
                let beside: Vec<_> = features.into_iter().filter(|feature| *feature != "core").collect();
                let named = format!("conformant + {}", beside.join(", "));
                let message = match beside.len() {
                    0 => "conformant".to_owned(),
                    _ if named.chars().count() <= LIMIT => named,
                    many => format!("conformant + {many} features"),
                };
                (message, GREEN)
            }
            Conclusion::Violated { ids, .. } => (format!("{} of {must} violated", ids.len()), RED),
            Conclusion::Absent => ("not implemented".to_owned(), GREY),
            Conclusion::Undecided { .. } if !complete => ("run cut short".to_owned(), GREY),
            Conclusion::Part(..) | Conclusion::Trimmed(_) | Conclusion::Nothing(_) | Conclusion::Undecided { .. } => {
                let decided = sum(|feature| feature.decided);
                (format!("{decided} of {must} decided"), if decided == 0 { GREY } else { YELLOW })
            }
            Conclusion::Demonstration => ("demonstration".to_owned(), GREY),
            Conclusion::CutShort => ("run cut short".to_owned(), GREY),
        };
        let shard = collected.run.as_ref().and_then(|run| run.shard.as_ref());
        let message = shard.map_or_else(|| message.clone(), |shard| format!("shard {shard}: {message}"));
        let revision = collected.run.as_ref().and_then(|run| run.revision);
        let message = revision.map_or_else(|| message.clone(), |revision| format!("{revision}: {message}"));
        Self { label: short(&label), message: short(&message), colour }
    }

    fn json(&self) -> String {
        let Self { label, message, colour: [name, _] } = self;
        format!("{}\n", json!({ "schemaVersion": 1, "label": label, "message": message, "color": name }))
    }

    fn svg(&self) -> String {
        let (label, message) = (xml(&self.label), xml(&self.message));
        let (left, right) = (width(&self.label), width(&self.message));
        let (whole, shade) = (left + right, self.colour[1]);
        let text = |middle: usize, width: usize, text: &str| {
            format!(
                "<text x=\"{middle}\" y=\"14\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>",
                width - 12
            )
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" viewBox=\"0 0 {whole} 20\" role=\"img\" \
             aria-label=\"{label}: {message}\">\n\
             <title>{label}: {message}</title>\n\
             <clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"3\"/></clipPath>\n\
             <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#444c56\"/>\
             <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{shade}\"/></g>\n\
             <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" font-size=\"11\">\
             {}{}</g>\n</svg>\n",
            text(left / 2, left, &label),
            text(left + right / 2, right, &message),
        )
    }
}

/// The most characters of a text: a badge is read at a glance.
const LIMIT: usize = 60;

/// The beginning of a text, escaped.
fn short(text: &str) -> String {
    escape(text).chars().take(LIMIT).collect()
}

/// How wide one half of a badge is, in pixels. The text is stretched to it, so that an estimate of
/// 7 pixels for a character, which is Verdana's mean at 11 pixels, is enough on every machine.
fn width(text: &str) -> usize {
    text.chars().count() * 7 + 12
}

/// A text for XML, in elements and attributes.
fn xml(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Value;

    use super::super::Event;
    use super::super::tests::report_text;
    use super::super::tests::sample::{self, MUSTS, as_shard, run_deciding};
    use super::*;
    use crate::verdict::Verdict;

    #[rstest]
    #[case::conformant(run_deciding(Verdict::Pass, &MUSTS, true), "conformant + signature", "brightgreen")]
    #[case::one_open(run_deciding(Verdict::Pass, &MUSTS[1..], true), "3 of 4 decided", "yellow")]
    #[case::nothing_decided(run_deciding(Verdict::Indeterminate, &[], true), "0 of 4 decided", "lightgrey")]
    #[case::interrupted(run_deciding(Verdict::Pass, &MUSTS[1..], false), "run cut short", "lightgrey")]
    #[case::interrupted_after_the_last(run_deciding(Verdict::Pass, &MUSTS, false), "run cut short", "lightgrey")]
    #[case::absent(run_deciding(Verdict::NotImplemented, &[], true), "not implemented", "lightgrey")]
    #[case::shard(as_shard(run_deciding(Verdict::Pass, &MUSTS, true), "1/4"), "shard 1/4: 4 of 4 decided", "yellow")]
    #[case::part_of_a_shard(as_shard(run_deciding(Verdict::Pass, &MUSTS[2..], true), "1/4"), "shard 1/4: 2 of 4 decided", "yellow")]
    #[case::absent_shard(as_shard(run_deciding(Verdict::NotImplemented, &[], true), "1/4"), "shard 1/4: not implemented", "lightgrey")]
    fn a_badge_says_no_more_than_was_decided(#[case] events: Vec<Event>, #[case] message: &str, #[case] colour: &str) {
        let badge: Value = serde_json::from_str(&report_text(&events, &Badge(BadgeForm::Json))).expect("JSON");
        let label = "GetCredentials (countersign 0.1.0, suite 1)";
        let expected = json!({ "schemaVersion": 1, "label": label, "message": message, "color": colour });
        assert_eq!(badge, expected);
    }

    #[test]
    fn no_text_breaks_the_image() {
        let mut events = sample::events();
        sample::run_mut(&mut events).operation = "\"><script>&\u{0}\u{ffff}'".repeat(9);
        let image = report_text(&events, &Badge(BadgeForm::Svg));
        assert!(!image.contains("<script") && image.contains("&lt;script&gt;&amp;\\u{0}"), "{image}");
        let allowed = |c: char| c == '\n' || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
        assert!(image.chars().all(allowed), "{image}");
    }

    #[rstest]
    #[case("badge.json", BadgeForm::Json)]
    #[case("a/b.JSON", BadgeForm::Json)]
    #[case("a/b.SVG", BadgeForm::Svg)]
    fn the_ending_of_a_file_says_which_form_it_has(#[case] path: &str, #[case] form: BadgeForm) {
        assert_eq!(BadgeForm::of(Path::new(path)), form);
    }
}
