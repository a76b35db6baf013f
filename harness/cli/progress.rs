//! A progress bar on standard error, where a person is looking.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal_size::terminal_size_of;

use crate::report::Event;

/// The bar; hidden where no person watches.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for this number of cases; hidden in CI, and where standard error is no terminal that can redraw a line.
    pub(super) fn new(cases: usize) -> Self {
        /// Narrower terminals have no room for the bar beside the numbers.
        const ROOMY: u16 = 70;
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let able = set("CI").is_none() && set("TERM").is_none_or(|terminal| terminal != "dumb");
        if !able || !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let roomy = terminal_size_of(std::io::stderr()).is_none_or(|(width, _)| width.0 >= ROOMY);
        let bar = if roomy { "{bar:30} " } else { "" };
        let style = ProgressStyle::with_template(&format!("{bar}{{pos}}/{{len}} {{elapsed}} {{wide_msg}}"));
        let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr());
        Self(bar.with_style(style.expect("the template is valid")))
    }

    pub(super) fn advance(&self, case: &str) {
        self.0.set_message(case.to_owned());
        self.0.inc(1);
    }

    /// Advances at a case that has ended.
    pub(super) fn hear(&self, event: &Event) {
        if let Event::Case(case) = event {
            self.advance(&case.id);
        }
    }

    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
