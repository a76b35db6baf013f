//! Whom the program trusts over TLS, by what settings, and whose fault a certificate is.

use rstest::rstest;

use crate::program::Program;
use crate::stub_server::{RIGHT, Stub, answer, aws};
use crate::tls_stub::{OwnCertificate, TlsStub};

/// The program at a server with TLS, with the server's certificate in the file `own.pem`. The machine's own settings do
/// not count.
fn at(stub: &TlsStub, arguments: &str) -> Program {
    let mut program = Program::at(&stub.endpoint, arguments).file("own.pem", &stub.certificate);
    program.command().env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    program
}

const RUN: &str = "run success/workgroup-only";

#[rstest]
#[case::flag(" --ca-file own.pem", &[], None)]
#[case::variable("", &[("COUNTERSIGN_CA_FILE", "own.pem")], None)]
#[case::bundle("", &[("AWS_CA_BUNDLE", "own.pem")], None)]
#[case::certificates("", &[("SSL_CERT_FILE", "own.pem")], None)]
#[case::profile("", &[], Some("[default]\nca_bundle = own.pem\n"))]
#[case::flag_before_the_bundle(" --ca-file own.pem", &[("AWS_CA_BUNDLE", "nowhere.pem")], None)]
#[case::bundle_before_the_profile("", &[("AWS_CA_BUNDLE", "own.pem")], Some("[default]\nca_bundle = nowhere.pem\n"))]
fn the_servers_own_certificate_is_trusted_however_it_is_named(
    #[case] more: &str,
    #[case] variables: &[(&str, &str)],
    #[case] config: Option<&str>,
    #[values(OwnCertificate::Authority, OwnCertificate::Leaf)] kind: OwnCertificate,
) {
    let stub = TlsStub::answering(kind, aws("200 OK", RIGHT));
    for command in [RUN, "doctor"] {
        let mut program = at(&stub, &format!("{command}{more}"));
        for (name, value) in variables {
            program = program.env(name, value);
        }
        if let Some(text) = config {
            program = program.env("AWS_CONFIG_FILE", "aws-config").file("aws-config", text);
        }
        let finished = program.finish();
        // The answer never expires as it must, and `doctor` does not judge it.
        finished.expect(i32::from(command == RUN), &[if command == RUN { "GC-DUR-01" } else { "is trusted" }]);
    }
}

#[rstest]
#[case::expired(OwnCertificate::Expired, "expired")]
#[case::another_name(OwnCertificate::OtherName, "not valid for name")]
fn a_named_certificate_must_be_for_this_name_and_this_day(#[case] kind: OwnCertificate, #[case] expected: &str) {
    let stub = TlsStub::answering(kind, aws("200 OK", RIGHT));
    for command in [RUN, "doctor"] {
        at(&stub, &format!("{command} --ca-file own.pem")).finish().expect(3, &[expected]);
    }
}

#[test]
fn a_certificate_that_nobody_named_is_refused_and_the_files_that_lack_it_are_said() {
    let stub = TlsStub::answering(OwnCertificate::Leaf, aws("200 OK", RIGHT));
    at(&stub, RUN).finish().expect(3, &["UnknownIssuer", "--ca-file"]);
    // An older certificate of the same server has its name, and another key.
    for (name, words) in
        [("another", "UnknownIssuer: neither the system nor"), ("the stub", "is the file an older one?")]
    {
        let other = TlsStub::called(name, OwnCertificate::Authority, Vec::new());
        for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
            for command in [RUN, "doctor"] {
                let mut program = at(&stub, command).file("other.pem", &other.certificate).env(variable, "other.pem");
                program.finish().expect(3, &[words, &format!("other.pem ({variable})"), "--ca-file"]);
            }
        }
    }
    let own_authority = TlsStub::answering(OwnCertificate::Authority, Vec::new());
    at(&own_authority, RUN).finish().expect(3, &["if it is the server's own, name it with --ca-file"]);
}

#[rstest]
#[case::flag(" --ca-file nowhere.pem", None, "(--ca-file)")]
#[case::bundle("", Some(("AWS_CA_BUNDLE", "nowhere.pem")), "(AWS_CA_BUNDLE)")]
#[case::certificates("", Some(("SSL_CERT_FILE", "nowhere.pem")), "(SSL_CERT_FILE)")]
#[case::no_certificate("", Some(("AWS_CA_BUNDLE", "aws-config")), "(AWS_CA_BUNDLE)")]
#[case::profile("", Some(("AWS_CONFIG_FILE", "aws-config")), "(ca_bundle of the profile default in aws-config)")]
fn a_file_that_cannot_be_used_is_told_with_what_names_it(
    #[case] more: &str,
    #[case] variable: Option<(&str, &str)>,
    #[case] expected: &str,
) {
    let stub = TlsStub::answering(OwnCertificate::Leaf, aws("200 OK", RIGHT));
    for command in [RUN, "doctor"] {
        let mut program = at(&stub, &format!("{command}{more}"));
        program = program.file("aws-config", "[default]\nca_bundle = nowhere.pem\n");
        if let Some((name, value)) = variable {
            program = program.env(name, value);
        }
        program.finish().expect(2, &["cannot use the certificates in", expected]);
    }
    // Nobody needs the file without TLS.
    let plain = Stub::answering(answer("501 No", "text/html", ""));
    let mut program = Program::at(&plain.endpoint, "run").env("AWS_CA_BUNDLE", "nowhere.pem");
    program.finish().expect(1, &["not-implemented"]);
}

#[rstest]
#[case::flag(" --insecure", None)]
#[case::variable("", Some("true"))]
fn on_this_machine_a_certificate_can_be_left_unchecked(
    #[case] more: &str,
    #[case] variable: Option<&str>,
    #[values(OwnCertificate::Leaf, OwnCertificate::Expired, OwnCertificate::OtherName)] kind: OwnCertificate,
) {
    let stub = TlsStub::answering(kind, aws("200 OK", RIGHT));
    let with = |command: &str| {
        let program = at(&stub, &format!("{command}{more}"));
        if let Some(value) = variable { program.env("COUNTERSIGN_INSECURE", value) } else { program }
    };
    with(RUN).finish().expect(1, &["GC-DUR-01"]);
    with("doctor").finish().expect(0, &["warning  tls", "the certificate is not checked"]);
}

#[test]
fn a_target_of_the_file_can_leave_its_certificate_unchecked() {
    let stub = TlsStub::answering(OwnCertificate::Expired, aws("200 OK", RIGHT));
    let toml = format!("[targets.mine]\nendpoint = \"{}\"\nworkgroup = \"wg-1\"\ninsecure = true\n", stub.endpoint);
    let mut program = Program::line(&format!("{RUN} --target mine")).signing().file("countersign.toml", &toml);
    program.finish().expect(1, &["GC-DUR-01"]);
}

#[rstest]
#[case::elsewhere("--endpoint https://192.0.2.1 --workgroup wg-1")]
#[case::elsewhere_without_tls("--endpoint http://192.0.2.1 --workgroup wg-1")]
#[case::aws("--target aws --workgroup wg-1 --allow-aws 123456789012/us-east-1/wg-1")]
fn elsewhere_a_certificate_is_always_checked(#[case] target: &str) {
    for command in ["run", "doctor"] {
        Program::line(&format!("{command} {target} --insecure")).signing().finish().expect(6, &["--insecure"]);
    }
}
