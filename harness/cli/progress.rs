//! A progress bar on standard error, where a person is looking.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar, or nothing where nobody looks.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar for so many cases, where standard error is a terminal and no CI.
    pub(super) fn new(cases: usize) -> Self {
        let watched = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        Self(watched.then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}")
                .expect("the template is valid");
            let bar = ProgressBar::with_draw_target(Some(cases as u64), ProgressDrawTarget::stderr());
            bar.with_style(style)
        }))
    }

    /// One more case is done.
    pub(super) fn advance(&self, case: &str) {
        if let Self(Some(bar)) = self {
            bar.set_message(case.to_owned());
            bar.inc(1);
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        if let Self(Some(bar)) = self {
            bar.finish_and_clear();
        }
    }
}
