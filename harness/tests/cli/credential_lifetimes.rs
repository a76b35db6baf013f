//! Servers that give credentials again, and servers whose clock is off: where a lifetime looks wrong for that, nobody
//! is accused; where the same calls show that it is wrong, it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use rstest::rstest;

use crate::program::{Finished, Program};
use crate::stub_server::{Stub, aws};

const AGED: &str = "it gives earlier credentials again, whose age hides how long they live";

pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// The duration that a request asks for; without one, the default.
pub(crate) fn duration(request: &str) -> f64 {
    let lifetime_asked = request.split_once("\"durationSeconds\":");
    lifetime_asked.and_then(|(_, rest)| rest.split([',', '}']).next()?.parse().ok()).unwrap_or(900.0)
}

/// A server whose credentials, by the number of the call and the duration that it asks for, have this password and
/// expire then.
fn giving(credentials: impl Fn(usize, f64) -> (&'static str, f64) + Send + Sync + 'static) -> Stub {
    let calls = AtomicUsize::new(0);
    answering(move |request| {
        let (password, expiration) = credentials(calls.fetch_add(1, Ordering::Relaxed), duration(request));
        (password.to_owned(), expiration)
    })
}

/// A server whose credentials for a request have this password and expire then.
fn answering(credentials: impl Fn(&str) -> (String, f64) + Send + Sync + 'static) -> Stub {
    Stub::saying(move |request| {
        let (password, expiration) = credentials(request);
        given(&password, expiration)
    })
}

pub(crate) fn given(password: &str, expiration: f64) -> String {
    let body = format!(
        r#"{{"dbPassword":"{password}","dbUser":"IAM:a","expiration":{expiration},"nextRefreshTime":{expiration}}}"#
    );
    aws("200 OK", &body)
}

/// A server whose `Date` is this number of seconds ahead, and whose credentials for a duration have this password and expire
/// then.
fn dated(ahead: i64, credentials: impl Fn(f64) -> (&'static str, f64) + Send + Sync + 'static) -> Stub {
    Stub::saying(move |request| {
        let (password, expiration) = credentials(duration(request));
        let date = Timestamp::now() + SignedDuration::from_secs(ahead);
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&date).expect("a date of our days");
        given(password, expiration).replacen("content-type:", &format!("date: {date}\r\ncontent-type:"), 1)
    })
}

fn ran(server: &Stub, case: &str) -> Finished {
    Program::at(&server.endpoint, &format!("run --format jsonl {case}")).finish()
}

#[test]
fn credentials_that_are_renewed_between_two_calls_are_no_wrong_lifetime() {
    let start = now();
    // The probe and the case get the last of the old ones.
    let server = giving(move |call, _| if call < 2 { ("old", start + 100.0) } else { ("new", start + 900.0) });
    ran(&server, "success/workgroup-only").expect(0, &[AGED, r#""verdict":"pass""#]);
}

#[test]
fn a_lifetime_that_is_right_the_second_time_and_is_not_kept_is_wrong() {
    let server = giving(
        |call, lifetime_asked| if call < 2 { ("fresh", now() + 100.5) } else { ("fresh", now() + lifetime_asked) },
    );
    ran(&server, "success/workgroup-only").expect(1, &["GC-DUR-01", "s after the call"]);
}

#[test]
fn a_wrong_lifetime_before_a_right_one_that_is_kept_is_wrong_where_another_duration_shows_the_same() {
    // The first answer to each duration lives half the time; what comes behind it is right, and kept.
    let (start, seen) = (now(), Mutex::new(Vec::new()));
    let server = giving(move |_, lifetime_asked| {
        let mut seen = seen.lock().expect("no call failed");
        let is_first = !seen.contains(&lifetime_asked.to_bits());
        seen.push(lifetime_asked.to_bits());
        if is_first { ("first", now() + lifetime_asked / 2.0) } else { ("kept", start + lifetime_asked) }
    });
    ran(&server, "lifetimes/chosen/3600").expect(1, &["GC-DUR-03", "s after the call"]);
}

#[test]
fn an_hour_of_which_a_quarter_is_left_accuses_nobody_and_decides_nothing() {
    let start = OnceLock::new();
    let server = giving(move |_, lifetime_asked| {
        if lifetime_asked > 3599.5 { ("old", start.get_or_init(now) + 900.0) } else { ("new", now() + lifetime_asked) }
    });
    let advice = "just the default left, as if the duration were ignored; run this again in a minute";
    ran(&server, "lifetimes/chosen/3600").expect(3, &[AGED, advice, r#""verdict":"indeterminate""#]);
}

#[test]
fn credentials_for_a_name_drawn_at_random_are_asked_for_by_that_name_again() {
    let start = now();
    let server = answering(move |request| match request.split_once("\"dbName\":\"") {
        Some((_, rest)) => (rest.split('"').next().unwrap_or_default().to_owned(), start + 600.0),
        None => ("fresh".to_owned(), now() + 900.0),
    });
    ran(&server, "parameters/database-unknown/random").expect(0, &[AGED, r#""verdict":"pass""#]);
}

#[test]
fn credentials_that_are_kept_whatever_the_duration_are_wrong() {
    let start = OnceLock::new();
    let server = giving(move |_, _| ("kept", start.get_or_init(now) + 900.0));
    ran(&server, "lifetimes/chosen/3600").expect(1, &["GC-DUR-03", "with durationSeconds ignored"]);
}

#[test]
fn what_one_case_cannot_tell_of_a_lifetime_the_others_do_not_decide() {
    // Whoever asks for an hour gets half of one, and the same again; every other duration is right.
    let start = OnceLock::new();
    let server = giving(move |_, lifetime_asked| {
        if lifetime_asked > 3599.5 {
            ("half", start.get_or_init(now) + 1800.0)
        } else {
            ("new", now() + lifetime_asked)
        }
    });
    let report = ran(&server, "lifetimes");
    report.expect(0, &[AGED, r#""conformant":false"#]);
    let row = report.stdout.lines().find(|line| line.contains(r#""id":"GC-DUR-03""#) && line.contains(r#""level""#));
    assert!(row.is_some_and(|row| row.contains(r#""status":"undecided""#)), "{row:?}");
}

#[rstest]
#[case::slow(-240.0)]
#[case::fast(240.0)]
fn without_a_date_a_clock_that_is_off_leaves_lifetimes_undecided(#[case] off: f64) {
    let server = giving(move |_, lifetime_asked| ("fresh", now() + off + lifetime_asked));
    let report = ran(&server, "lifetimes/chosen/3600");
    report.expect(0, &["one of the clocks is off", r#""verdict":"pass""#, r#""id":"GC-DUR-03","#]);
    let text = Program::at(&server.endpoint, "run lifetimes").finish();
    text.expect(0, &["left undecided: ", "GC-DUR-03", "one of the clocks is off"]);
}

#[test]
fn with_a_date_no_clock_is_off_and_a_lifetime_that_looks_wrong_is() {
    let server = dated(0, |lifetime_asked| ("fresh", now() + 240.0 + lifetime_asked));
    ran(&server, "lifetimes/chosen/3600").expect(1, &["GC-DUR-03", "s after the call"]);
}

#[test]
fn credentials_are_old_by_the_clock_of_the_server_that_says_what_it_is() {
    let start = now();
    let server = dated(7200, move |lifetime_asked| {
        if lifetime_asked > 3599.5 {
            ("old", start + 7200.0 + 1200.0)
        } else {
            ("new", now() + 7200.0 + lifetime_asked)
        }
    });
    ran(&server, "lifetimes/chosen/3600").expect(0, &[AGED, r#""verdict":"pass""#]);
}

#[test]
fn without_a_date_a_clock_that_is_off_and_credentials_that_are_kept_are_no_wrong_lifetime() {
    // Fast by 150 s; what was asked for before was asked for 15 s ago.
    let start = now();
    let server = giving(move |_, lifetime_asked| match lifetime_asked {
        900.0 | 1800.0 | 3600.0 => ("kept", start + lifetime_asked + 135.0),
        lifetime_asked => ("fresh", now() + lifetime_asked + 150.0),
    });
    for case in ["lifetimes/default", "lifetimes/chosen/3600"] {
        ran(&server, case).expect(0, &["one of the clocks is off", r#""verdict":"pass""#]);
    }
}

#[rstest]
#[case::chosen_durations(|request: &str| request.contains("durationSeconds"), "lifetimes/chosen/3600", "GC-DUR-03")]
#[case::databases(|request: &str| request.contains("dbName"), "parameters/database-name", "GC-DUR-01")]
fn without_a_date_what_only_some_requests_show_is_no_clock(
    #[case] late: fn(&str) -> bool,
    #[case] case: &str,
    #[case] requirement: &str,
) {
    let server = answering(move |request| {
        ("fresh".to_owned(), now() + duration(request) + if late(request) { 240.0 } else { 0.0 })
    });
    ran(&server, case).expect(1, &[requirement, "s after the call"]);
}

#[test]
fn without_a_date_a_lifetime_that_is_a_tenth_too_long_is_wrong() {
    let server = giving(|_, lifetime_asked| ("fresh", now() + lifetime_asked * 1.1 + 0.5));
    ran(&server, "lifetimes/chosen/900").expect(1, &["GC-DUR-03", "s after the call"]);
}
