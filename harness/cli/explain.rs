//! `countersign explain`: one requirement, case, suite, feature or defect in full, without any network.

pub(super) mod about;
mod text;

use std::process::ExitCode;

use clap::Args;

use super::catalogue::Catalogue;
use super::output::{Plain, print_json, print_prose};
use super::{Failure, FixtureArgs};
use crate::corpus::did_you_mean;
use crate::text::foreign;
use about::{About, Explained};

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A requirement, such as GC-DUR-02, a case, such as parameters/duration-outside, a suite, such as parameters, a
    /// feature, such as signature, or a defect, such as duration-clamped
    #[arg(value_name = "ID")]
    id: String,

    /// Lines for people, or one JSON object
    #[arg(long, value_enum, default_value_t = Plain::Text)]
    format: Plain,

    #[command(flatten)]
    fixtures: FixtureArgs,
}

pub(super) fn run(args: Explain) -> Result<ExitCode, Failure> {
    let catalogue = Catalogue::load(args.fixtures.fixtures)?;
    let id = args.id.trim_end_matches('/');
    let about = About::find(id, &catalogue).ok_or_else(|| {
        Failure::usage(format!(
            "there is no requirement, case, suite, feature or defect \"{}\"{}; `countersign list requirements`, \
             `list cases`, `list features` and `list defects` show them all",
            foreign(id),
            did_you_mean(id, catalogue.ids())
        ))
    })?;
    match args.format {
        Plain::Text => print_prose(&text::of(&about)),
        Plain::Json => print_json(&Explained::new(about)),
    }
}
