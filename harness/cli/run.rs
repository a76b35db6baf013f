//! `countersign run`: cases against a target, judged and reported.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use jiff::{Timestamp, Zoned};
use tokio::sync::watch;

use super::library::Library;
use super::settings::{Settings, TargetArgs};
use super::target::Prepared;
use super::{Failure, progress::Progress};
use crate::contract::{Level, Register};
use crate::corpus::{Pattern, Plan, SelectError, Selection, Shard};
use crate::report::{
    Baseline, Event, JsonSink, JunitSink, ReportFile, RunEvent, Sink, StreamSink, Tally, TargetEvent, TextOptions, TextSink,
    VERSION, outcome,
};
use crate::run::{RunOptions, Session, random_seed, run as run_plan};
use crate::targets::Target;
use crate::targets::probe::{Class, Probe};
use crate::verdict::CaseResult;
