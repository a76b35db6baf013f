//! Why a target cannot be judged, in words. `run`, `doctor` and every report say the same.

use super::capitalised;
use crate::verdict::Cause;

/// What was asked of a target, for the words about why it cannot be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedCall<'a> {
    /// The service, by its name in signatures.
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    /// The region that requests are signed for.
    pub(crate) region: &'a str,
    /// The URL of the target.
    pub(crate) endpoint: &'a str,
}

/// A cause in words. Not escaped.
pub(crate) struct CauseText {
    /// What is the matter, as a sentence without its full stop that begins with a small letter.
    pub(crate) found: String,
    /// What to do about it, as sentences that begin with a small letter, without the last full stop.
    pub(crate) fix: String,
}

const GIVE_CREDENTIALS: &str = "give it credentials that it knows: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with \
                                AWS_SESSION_TOKEN if they are temporary), or a profile in AWS_PROFILE";

impl CauseText {
    pub(crate) fn of(cause: &Cause, asked: AskedCall<'_>) -> Self {
        let AskedCall { service, operation, region, endpoint } = asked;
        let text = |found: String, fix: String| Self { found, fix };
        let plain = |found: &str, fix: &str| text(found.to_owned(), fix.to_owned());
        match cause {
            Cause::Redirected { to } => text(
                to.as_ref().map_or_else(
                    || "it redirects the call and does not say where to".to_owned(),
                    |to| format!("it redirects the call to {to}"),
                ),
                "redirects are not followed: if the server that you mean is there, give that address as the endpoint"
                    .to_owned(),
            ),
            Cause::RedirectedToAws { to } => text(
                format!("it redirects the call to {to}, which is real AWS or looks like it"),
                "redirects are not followed, and real AWS is off until it is asked for: see what answers at the \
                 endpoint; to test real AWS, use --target aws with --allow-aws"
                    .to_owned(),
            ),
            Cause::WantsTls if endpoint.starts_with("https:") => plain(
                "it asks for TLS, though the endpoint is https://",
                "see whether a proxy before the server passes requests on to a port that speaks TLS itself",
            ),
            Cause::WantsTls => {
                plain("it asks for TLS, and the endpoint is http://", "try https:// instead of http:// in the endpoint")
            }
            Cause::NotSigned => plain("it refuses a request without a signature", "leave out --no-sign"),
            Cause::SignatureLost => plain(
                "the request was signed, but the server says that there was no signature",
                "either the header Authorization was taken away on the way, by a proxy that does not pass it on, or a \
                 gateway answered that has no route for this call: check the endpoint, and what stands before the server",
            ),
            Cause::SignatureUnreadable => plain(
                "it cannot read the signature",
                "see whether a proxy on the way changes the header Authorization or takes X-Amz-Date away",
            ),
            Cause::WrongSignature => text(
                "the signature is not the one that it computes".to_owned(),
                format!(
                    "one of these is the usual cause: the secret key is not that of the access key id \
                     (AWS_SECRET_ACCESS_KEY, or the profile in AWS_PROFILE); the server has another region than {region} \
                     (--region); or a proxy on the way rewrites the header Host, which is signed (have it pass Host on \
                     unchanged; for nginx: proxy_set_header Host $http_host)"
                ),
            ),
            Cause::WrongScope => text(
                format!("it does not accept what the signature is for: the region {region} and the service {service}"),
                "give the server's own region with --region; its answer may name it".to_owned(),
            ),
            Cause::ClockOff { seconds } => text(
                format!(
                    "its clock is {} s {} this machine's, by the Date of its answer",
                    seconds.unsigned_abs(),
                    if *seconds < 0 { "behind" } else { "ahead of" }
                ),
                "signatures are good for 300 s: set the clock that is wrong, the server's or this machine's".to_owned(),
            ),
            Cause::SignatureOutOfDate => plain(
                "it takes the signature for one of another time",
                "compare its clock with this machine's, and set the one that is wrong: signatures are good for 300 s",
            ),
            Cause::UnknownKey => plain("it does not know the access key id, or the session token", GIVE_CREDENTIALS),
            Cause::TokenExpired => plain(
                "the session token has expired",
                "get new temporary credentials, and set all three of AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                 AWS_SESSION_TOKEN, or sign in to the profile again",
            ),
            Cause::Denied => text(
                format!("the keys are right, but the policy of their identity lacks {service}:{operation}"),
                format!("allow {service}:{operation} for it, or choose another identity with AWS_PROFILE"),
            ),
            Cause::NotOptedIn => plain(
                "the account of the keys has not opted in to the service",
                "opt in, or choose credentials of another account with AWS_PROFILE",
            ),
            Cause::Unexplained => text(
                "the credentials are refused, or there is no such route".to_owned(),
                format!("check the endpoint, and what stands before the server; if both are right, {GIVE_CREDENTIALS}"),
            ),
        }
    }

    /// Both as sentences of a report.
    pub(crate) fn sentences(&self) -> String {
        format!("{}. {}.", capitalised(&self.found), capitalised(&self.fix))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const ASKED: AskedCall<'_> =
        AskedCall { service: "a-service", operation: "DoIt", region: "eu-west-1", endpoint: "http://localhost/" };

    #[rstest]
    #[case::where_a_redirect_leads(Cause::Redirected { to: Some("https://b.example/".to_owned()) }, &["to https://b.example/"])]
    #[case::that_a_redirect_leads_to_aws(Cause::RedirectedToAws { to: "https://b.example/".to_owned() }, &["to https://b.example/", "--allow-aws"])]
    #[case::all_three_usual_causes(Cause::WrongSignature, &["secret key", "eu-west-1", "--region", "Host"])]
    #[case::what_the_policy_lacks(Cause::Denied, &["The keys are right", "a-service:DoIt"])]
    #[case::how_far_a_clock_is_off(Cause::ClockOff { seconds: -600 }, &["600 s behind"])]
    #[case::how_far_a_clock_is_ahead(Cause::ClockOff { seconds: 601 }, &["601 s ahead of"])]
    #[case::both_readings_of_no_token(Cause::SignatureLost, &["Authorization was taken away", "gateway answered that has no route"])]
    #[case::the_scope(Cause::WrongScope, &["region eu-west-1", "service a-service"])]
    #[case::the_token(Cause::TokenExpired, &["AWS_SESSION_TOKEN"])]
    #[case::the_scheme(Cause::WantsTls, &["ry https://"])]
    #[case::both_readings_of_a_bare_refusal(Cause::Unexplained, &["no such route", "AWS_PROFILE"])]
    fn a_cause_says(#[case] cause: Cause, #[case] texts: &[&str]) {
        let words = CauseText::of(&cause, ASKED).sentences();
        for text in texts {
            assert!(words.contains(text), "no \"{text}\" in {words}");
        }
    }

    #[test]
    fn tls_is_not_advised_where_there_is_some() {
        let asked = AskedCall { endpoint: "https://localhost/", ..ASKED };
        let words = CauseText::of(&Cause::WantsTls, asked).sentences();
        assert!(words.contains("proxy") && !words.contains("ry https"), "{words}");
    }
}
