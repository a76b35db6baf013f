//! The text of a run ends the hunt: for a fault of the server, it alone names the cause. Each row is a
//! defect and the words that somebody who knows nothing of it needs to read.

use rstest::rstest;

use crate::runs::Served;

#[rstest]
#[case::milliseconds("expiration-in-milliseconds", &["GC-DUR-01", "body /expiration", "900 s after the call", "looks like milliseconds"])]
#[case::iso_text("expiration-as-iso-8601", &["GC-EXP-02", "body /expiration", "expected a number", "ISO 8601 date instead of epoch seconds"])]
#[case::number_in_quotes("next-refresh-time-as-text", &["GC-REF-02", "body /nextRefreshTime", "a number in quotes"])]
#[case::no_password("no-db-password", &["GC-PWD-01", "expected the member dbPassword, found no such member"])]
#[case::other_name("db-password-in-pascal-case", &["the member dbPassword", "there is DbPassword, which looks like it under another name"])]
#[case::snake_case("snake-case-members", &["there is db_password", "there is next_refresh_time"])]
#[case::wrapped("success-wrapped", &["there is one inside GetCredentialsResult"])]
#[case::cut_short("success-body-cut-short", &["GC-RES-02", "a JSON object", "JSON that ends too early"])]
#[case::success_status("success-201", &["GC-RES-01", "expected 200, found 201"])]
#[case::error_status("validation-422", &["GC-ERR-03", "expected 400 with ValidationException, found 422 with ValidationException"])]
#[case::error_without_name("error-without-a-name", &["GC-ERR-05", "in __type, in code or in the header x-amzn-errortype", "found none of them"])]
#[case::error_name_elsewhere("error-name-under-another-member", &["none of them, but a member type"])]
#[case::error_name_as_number("error-name-is-a-number", &["none of them, but __type is a number"])]
#[case::error_page("errors-as-html", &["none of them", "bytes that are not JSON, which look like HTML"])]
#[case::error_as_success("errors-with-200", &["GC-DB-04", "expected 400 ValidationException, found 200 with ValidationException in body /__type"])]
#[case::media_type("success-media-type-json", &["GC-RES-03", "header content-type: expected application/x-amz-json-1.1, found application/json"])]
#[case::no_signature_check("nothing-verified", &["GC-SIG-04", "whose signature is not the one that the secret gives", "200: the request was accepted"])]
#[case::duration_ignored("duration-ignored", &["GC-DUR-03", "1800 s after the call", "the default, with durationSeconds ignored"])]
#[case::duration_clamped("duration-clamped", &["GC-DUR-02", "below 900 or above 3600", "expected 400 ValidationException, found 200: the request was accepted, with credentials that live 3600 s"])]
#[case::already_expired("expired-answer-again", &["GC-DUR-01", "s before the call", "already expired 310"])]
#[case::name_cut("long-workgroup-cut", &["GC-WG-03", "\"Serverless workgroup *** not found.\", which names the first 64 characters of the workgroupName that was sent"])]
#[case::default_in_minutes("default-in-minutes", &["GC-DUR-01", "54000 s after the call, which looks like minutes"])]
#[case::expires_at_once("expiration-is-now", &["0 s after the call, which looks like the time of the call itself"])]
#[case::refresh_in_milliseconds("next-refresh-time-in-milliseconds", &["GC-REF-02", "expected a time from 2000-01-01T00:00:00Z to 9999-12-31T23:59:59Z", "a number, which looks like milliseconds instead of seconds"])]
#[case::refresh_never_set("next-refresh-time-never-set", &["GC-REF-02", "an integer, which looks like a time that was never set"])]
#[case::refresh_as_duration("next-refresh-time-is-a-duration", &["GC-REF-02", "which looks like a number of seconds instead of a point in time"])]
#[case::blank_user("db-user-is-blank", &["GC-USER-03", "at least one character that can be seen", "one blank"])]
#[case::gzip("success-in-gzip", &["GC-RES-02", "bytes that are not JSON, which look like gzip, though none was asked for"])]
#[case::byte_order_mark("success-behind-a-byte-order-mark", &["GC-RES-02", "which look like JSON behind a byte order mark"])]
#[case::text_behind("success-with-text-behind", &["GC-RES-02", "which look like JSON with more behind it"])]
fn the_text_alone_names_the_cause(#[case] defect: &str, #[case] expected: &[&str]) {
    let served = Served::emulator(&["--defect", defect]);
    // Each defect shows in some of these cases. A whole run takes three times as long.
    let cases = [
        "success",
        "errors",
        "lifetimes",
        "signature",
        "parameters/duration-*",
        "parameters/workgroup-*",
        "parameters/database-character",
    ];
    let finished = served.run(&[&cases[..], &["--claim", "signature", "--format", "quiet"]].concat()).finish();
    finished.expect(1, &[]);
    let text: Vec<&str> = finished.stdout.lines().collect();
    for words in expected {
        assert!(finished.stdout.contains(words), "no \"{words}\" in {}", finished.stdout);
    }
    // What a requirement takes is short enough to be read.
    let first = text.iter().position(|line| line.starts_with("fail ")).expect("a violated requirement");
    assert!(text[first..].iter().any(|line| line.contains("expected ")), "{text:#?}");
    let violated = text.iter().filter(|line| line.starts_with("fail ")).count();
    assert!(text.len() - first < 10 + 6 * violated, "{text:#?}");
}

#[rstest]
#[case::wrong_encoding_said("encoding-that-is-none", &["GC-PROTO-17", "header content-encoding: expected no such header", "found gzip, while the body is plain"])]
#[case::errors_in_gzip("errors-in-gzip", &["GC-PROTO-17", "found bytes that look like gzip, though none was asked for", "cannot be read: its body looks like gzip, though none was asked for"])]
#[case::databases_looked_up("databases-looked-up", &["the target looks up the name of a database (400 ResourceNotFoundException)", "13 cases: all of parameters/database-allowed-name"])]
#[case::databases_refused("unknown-database-invalid", &["a plain name of a database that nobody need have is refused too (400 ValidationException)"])]
fn what_is_no_violation_is_told_with_its_cause(#[case] defect: &str, #[case] expected: &[&str]) {
    Served::emulator(&["--defect", defect]).run(&["--format", "text"]).finish().expect(0, expected);
}
