//! The history of a target as a page: its numbers over time, since when each violation stands, and each run.
//!
//! Charts are drawn in percent of the width, so that their text keeps its size in every window. Heights are in pixels.

use std::io;

use serde::Serialize;

use super::parts::{Link, anchor};
use super::runs::headline;
use super::{Tone, render_page, words};
use crate::contract::{Level, Register};
use crate::report::conclusion::Conclusion;
use crate::report::history::{History, PastRun, Shift, Track, TurnKind};
use crate::report::matrix::Standing;

const TEMPLATES: [(&str, &str); 1] = [("history.html", include_str!("history.html"))];
const STYLE: &str = concat!(
    include_str!("page.css"),
    include_str!("narrow.css"),
    include_str!("print.css"),
    include_str!("standing.css"),
    include_str!("history.css")
);

/// Above so many runs, a strip has no letters.
const LETTERS_LIMIT: usize = 24;

/// Above so many runs, points are small.
const POINTS_LIMIT: usize = 60;

/// At most so many runs are numbered below the chart.
const NUMBERS_BELOW: usize = 12;

#[derive(Debug, Serialize)]
struct HistoryPage {
    title: String,
    subject: String,
    lead: [String; 2],
    tone: Tone,
    chart: Chart,
    dense: bool,
    long: bool,
    /// Must-requirements that are violated still.
    standing: Vec<TrackView>,
    /// Requirements below `must` that are broken still.
    departures: Vec<TrackView>,
    ended: Vec<TrackView>,
    runs: Vec<PastRunView>,
    words: Vec<(&'static str, &'static str)>,
}

/// A chart: places across in percent, heights in pixels from the top.
#[derive(Debug, Serialize)]
struct Chart {
    height: usize,
    top: usize,
    bottom: usize,
    from: f64,
    to: f64,
    /// From one run to the next.
    step: f64,
    text: String,
    levels: Vec<LevelTick>,
    /// The name of each part, and where it begins.
    names: Vec<(&'static str, usize)>,
    lines: Vec<ChartLine>,
    points: Vec<ChartPoint>,
    marks: Vec<RunTick>,
    numbers: Vec<RunTick>,
    some_open: bool,
    first: String,
    last: String,
}

#[derive(Debug, Serialize)]
struct LevelTick {
    number: usize,
    y: f64,
}

#[derive(Debug, Serialize)]
struct RunTick {
    run: usize,
    x: f64,
}

#[derive(Debug, Serialize)]
struct ChartLine {
    class: &'static str,
    x1: f64,
    y1: f64,
    x2: f64,
    y2: f64,
}

#[derive(Debug, Serialize)]
struct ChartPoint {
    run: usize,
    text: String,
    x: f64,
    /// Where its area for the pointer begins.
    left: f64,
    decided: f64,
    violated: f64,
    /// Whether the run is not whole.
    open: bool,
}

#[derive(Debug, Serialize)]
struct TrackView {
    id: String,
    anchor: Option<String>,
    text: String,
    level: String,
    tone: Tone,
    word: &'static str,
    /// Since when it is broken, or when it was last; and the run in which that began.
    since: String,
    began: &'static str,
    run: usize,
    /// The runs in which it was broken before that.
    earlier: String,
    strip: Vec<StripPart>,
}

/// Runs beside each other in which a requirement stands alike.
#[derive(Debug, Serialize)]
struct StripPart {
    class: &'static str,
    letter: &'static str,
    x: f64,
    middle: f64,
    width: f64,
    y: usize,
    height: usize,
}

#[derive(Debug, Serialize)]
struct PastRunView {
    number: usize,
    began: String,
    file: String,
    decided: usize,
    must: usize,
    violated: usize,
    headline: String,
    tone: Tone,
    /// Whether other requirements count than in the run before.
    mark: bool,
    /// Why it is not whole, if it is not.
    part: Option<String>,
    /// What is not as in the run before, each with whether other requirements count therefore.
    notes: Vec<(bool, String)>,
    turns: Vec<TurnView>,
}

#[derive(Debug, Serialize)]
struct TurnView {
    word: &'static str,
    ids: Vec<Link>,
}

/// The page of a history.
pub(super) fn page(history: &History<'_>, register: &Register) -> io::Result<String> {
    let last = history.runs.last();
    let conclusion = last.map(|run| Conclusion::of(run.collected));
    let subject = words::history_title(history);
    let view = |track: &Track<'_>| track_view(track, history, register);
    // The one that stands longest comes first.
    let mut open: Vec<&Track<'_>> = history.open().map(|(track, _)| track).collect();
    open.sort_by_key(|track| track.open().map(|spell| spell.from));
    let (musts, others): (Vec<_>, Vec<_>) = open.into_iter().partition(|track| track.level == Level::Must);
    let page = HistoryPage {
        title: match &conclusion {
            Some(conclusion) => format!("{} – {subject}", headline(conclusion)),
            None => subject.clone(),
        },
        lead: words::history_lead(history),
        tone: conclusion.as_ref().map(Tone::from).unwrap_or_default(),
        chart: chart(history),
        dense: history.runs.len() > POINTS_LIMIT,
        long: history.runs.len() > LETTERS_LIMIT,
        standing: musts.into_iter().map(view).collect(),
        departures: others.into_iter().map(view).collect(),
        ended: history.tracks.iter().filter(|track| track.open().is_none()).map(view).collect(),
        runs: history.runs.iter().enumerate().map(|(at, run)| run_view(at, run, history)).collect(),
        words: TurnKind::ALL.map(|kind| (words::turn(kind), words::turn_meaning(kind))).to_vec(),
        subject,
    };
    let tool = last.and_then(|run| run.collected.run.as_ref()).map_or("", |run| run.tool.as_str());
    render_page(&TEMPLATES, &page, tool, STYLE, None).map_err(io::Error::other)
}

fn run_view(at: usize, run: &PastRun<'_>, history: &History<'_>) -> PastRunView {
    let conclusion = Conclusion::of(run.collected);
    let told = |id: &str| history.tracks.iter().any(|track| track.id == id);
    let link = |id: &str| Link { text: id.to_owned(), to: anchor(id).filter(|id| told(id)) };
    let turn = |kind| {
        let ids: Vec<Link> = run.turned(kind).into_iter().map(link).collect();
        (!ids.is_empty()).then(|| TurnView { word: words::turn(kind), ids })
    };
    PastRunView {
        number: at + 1,
        began: run.began(),
        file: run.file.to_owned(),
        decided: run.decided,
        must: run.must,
        violated: run.violated,
        headline: headline(&conclusion),
        tone: (&conclusion).into(),
        mark: is_marked(run),
        part: words::not_whole(run).map(|note| words::capitalised(&note)),
        notes: run.shifts.iter().map(|it| (it.changes_counts(), words::capitalised(&words::shift(it)))).collect(),
        turns: TurnKind::ALL.into_iter().filter_map(turn).collect(),
    }
}

fn is_marked(run: &PastRun<'_>) -> bool {
    run.shifts.iter().any(Shift::changes_counts)
}

fn track_view(track: &Track<'_>, history: &History<'_>, register: &Register) -> TrackView {
    let open = track.open();
    let (tone, word) = match (open, track.level) {
        (Some(_), Level::Must) => (Tone::Bad, "violated"),
        (Some(_), _) => (Tone::Doubt, "departs"),
        (None, _) => {
            let ended = track.spells.last().and_then(|spell| spell.ended);
            (Tone::Good, ended.map_or("", |(_, kind)| words::turn(kind)))
        }
    };
    let (last, earlier) = track.spells.split_last().expect("a track has a violation");
    TrackView {
        id: track.id.to_owned(),
        anchor: anchor(track.id),
        text: register.get(track.id).map_or("Not in this build's register.".to_owned(), |row| row.text.clone()),
        level: format!("{:?}", track.level).to_lowercase(),
        tone,
        word,
        since: words::capitalised(&words::since(last, history)),
        began: words::turn(last.began),
        run: last.from + 1,
        earlier: words::earlier(earlier),
        strip: strip(&track.standings),
    }
}

/// The standings of a requirement, one after the other. What is not broken is lower, so that it needs no colour.
fn strip(standings: &[Standing]) -> Vec<StripPart> {
    let long = standings.len() > LETTERS_LIMIT;
    let share = |runs: usize| percent(0.0, 100.0, runs, standings.len());
    let mut parts: Vec<StripPart> = Vec::new();
    let mut from = 0;
    for (at, standing) in standings.iter().enumerate() {
        let is_last_alike = standings.get(at + 1) != Some(standing);
        if !long || is_last_alike {
            let (class, letter) = (standing.class(), standing.letter());
            let (y, height) = match standing {
                _ if !long => (0, 18),
                Standing::Violated | Standing::Departs => (0, 18),
                Standing::Holds => (12, 6),
                _ => (15, 3),
            };
            let (x, end) = (share(from), share(at + 1));
            parts.push(StripPart {
                class,
                letter,
                x,
                middle: round(f64::midpoint(x, end)),
                width: round(end - x),
                y,
                height,
            });
            from = at + 1;
        }
    }
    parts
}

/// The place of `part` of `all` between two places, in percent.
#[expect(clippy::cast_precision_loss, reason = "there are at most some hundred runs and requirements")]
fn percent(from: f64, to: f64, part: usize, all: usize) -> f64 {
    round(from + (to - from) * part as f64 / all.max(1) as f64)
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

const TOP: usize = 40;
const BOTTOM: usize = 268;
const FROM: f64 = 8.0;
const TO: f64 = 97.0;

fn chart(history: &History<'_>) -> Chart {
    let runs = &history.runs;
    let steps = runs.len().saturating_sub(1);
    let x = |at: usize| if steps == 0 { f64::midpoint(FROM, TO) } else { percent(FROM, TO, at, steps) };
    let step = if steps == 0 { TO - FROM } else { round(x(1) - x(0)) };
    let most = |of: fn(&PastRun<'_>) -> usize| runs.iter().map(of).max().unwrap_or_default();
    let all = Panel::new(TOP, 158, most(|run| run.must.max(run.decided)));
    let broken = Panel::new(188, BOTTOM, most(|run| run.violated));
    let numbered = runs.len().div_ceil(NUMBERS_BELOW).max(1);
    let tick = |at: usize| RunTick { run: at + 1, x: x(at) };
    let points: Vec<ChartPoint> = runs
        .iter()
        .enumerate()
        .map(|(at, run)| ChartPoint {
            run: at + 1,
            text: point_text(at, run, history),
            x: x(at),
            left: round(x(at) - step / 2.0),
            decided: all.y(run.decided),
            violated: broken.y(run.violated),
            open: !run.is_whole(),
        })
        .collect();
    let mut lines = Vec::new();
    for (at, pair) in runs.windows(2).enumerate() {
        let (x1, x2) = (x(at), x(at + 1));
        let (was, is) = (&pair[0], &pair[1]);
        let mut line = |panel: &Panel, class, x1, from, x2, to| {
            lines.push(ChartLine { class, x1, y1: panel.y(from), x2, y2: panel.y(to) });
        };
        line(&all, "must", x1, was.must, x2, was.must);
        line(&all, "must", x2, was.must, x2, is.must);
        let whole = was.is_whole() && is.is_whole();
        line(&all, if whole { "decided" } else { "decided part" }, x1, was.decided, x2, is.decided);
        line(&broken, if whole { "violated" } else { "violated part" }, x1, was.violated, x2, is.violated);
    }
    Chart {
        height: BOTTOM + 42,
        top: TOP,
        bottom: BOTTOM,
        from: FROM,
        to: TO,
        step,
        text: runs.first().zip(runs.last()).map_or_else(String::new, |(first, last)| chart_text(first, last)),
        levels: all.levels().chain(broken.levels()).collect(),
        names: vec![("decided", all.top), ("violated", broken.top)],
        lines,
        some_open: points.iter().any(|point| point.open),
        points,
        marks: runs.iter().enumerate().filter(|(_, run)| is_marked(run)).map(|(at, _)| tick(at)).collect(),
        numbers: (0..runs.len()).step_by(numbered).map(tick).collect(),
        first: runs.first().map(PastRun::day).unwrap_or_default(),
        last: if steps == 0 { String::new() } else { runs.last().map(PastRun::day).unwrap_or_default() },
    }
}

/// A part of the chart with a scale of its own, which begins with 0 at the bottom.
struct Panel {
    top: usize,
    bottom: usize,
    /// The distance of the lines behind it.
    unit: usize,
    highest: usize,
}

impl Panel {
    /// The lines behind it are 1, 2 or 5 of some power of ten apart, and at most 5 with that of 0.
    fn new(top: usize, bottom: usize, most: usize) -> Self {
        const LINES: usize = 4;
        let units = (0..9).flat_map(|power| [1, 2, 5].map(|of| of * 10_usize.pow(power)));
        let unit = units.into_iter().find(|unit| most <= unit * LINES).unwrap_or(most);
        Self { top, bottom, unit, highest: most.div_ceil(unit).max(1) * unit }
    }

    #[expect(clippy::cast_precision_loss, reason = "these are pixels")]
    fn y(&self, number: usize) -> f64 {
        percent(self.bottom as f64, self.top as f64, number, self.highest)
    }

    fn levels(&self) -> impl Iterator<Item = LevelTick> {
        (0..=self.highest / self.unit).map(|of| LevelTick { number: of * self.unit, y: self.y(of * self.unit) })
    }
}

/// `Run 7 of 12 on 2026-11-03: 98 of 102 decided, 2 violated; 1 fixed`.
fn point_text(at: usize, run: &PastRun<'_>, history: &History<'_>) -> String {
    let PastRun { decided, must, violated, .. } = run;
    let turns = TurnKind::ALL.into_iter().filter_map(|kind| match run.turned(kind).len() {
        0 => None,
        some => Some(format!("{some} {}", words::turn(kind))),
    });
    let turns: Vec<String> = turns.collect();
    let turns = if turns.is_empty() { String::new() } else { format!("; {}", turns.join(", ")) };
    let part = if run.is_whole() { "" } else { "; not whole" };
    let all = history.runs.len();
    format!("Run {} of {all} on {}: {decided} of {must} decided, {violated} violated{turns}{part}", at + 1, run.day())
}

fn chart_text(first: &PastRun<'_>, last: &PastRun<'_>) -> String {
    format!(
        "From {} to {}: decided {} to {}, violated {} to {}, of {} and {} that count. Each point is a link to its run.",
        first.day(),
        last.day(),
        first.decided,
        last.decided,
        first.violated,
        last.violated,
        first.must,
        last.must,
    )
}
