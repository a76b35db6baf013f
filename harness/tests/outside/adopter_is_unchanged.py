#!/usr/bin/env python3
"""A project with reqwest, hyper and rustls of its own stays as it was when Countersign becomes a dev-dependency of it.

Usage: adopter_is_unchanged.py

Makes the project below target/, without and with Countersign (`features = ["run"]`). Cargo must give reqwest and rustls
the same features in both. The tests of the project make a plain reqwest client, a TLS configuration of rustls that
takes the default provider, and a server of hyper; they pass in both, and with Countersign its mock answers that client.
Prints how many crates the project has in both. Ends with 1 where something differs or fails. It builds where
`newcomers.py rust` and `trials_of_an_adopter.py` do: what one has built, the next one uses.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "target/adopter"

# At most so many crates come with the feature `run`, and with `tls`.
MOST = {"run": 190, "run,tls": 205}

MANIFEST = """
[package]
name = "adopter"
edition = "2024"

[dependencies]
hyper = {{ version = "1", features = ["http1", "server"] }}
hyper-util = {{ version = "0.1", features = ["tokio"] }}
http-body-util = "0.1"
reqwest = {{ version = "0.13", default-features = false }}
rustls = {{ version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }}
tokio = {{ version = "1", features = ["macros", "net", "rt-multi-thread"] }}

[dev-dependencies]
{dependency}

[workspace]
"""

LIBRARY = """
//! A server and two clients, as many projects have them.

use std::convert::Infallible;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

pub fn client() -> reqwest::Client {
    reqwest::Client::new()
}

/// The provider is the one that this build has.
pub fn tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
}

/// Answers one connection, and gives the URL.
pub async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let answer = |_: hyper::Request<Incoming>| async {
            Ok::<_, Infallible>(hyper::Response::new(Full::new(Bytes::from_static(b"mine"))))
        };
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await
    });
    url
}
"""

OWN_TEST = """
#[tokio::test]
async fn the_client_reaches_the_server() {
    let url = adopter::serve().await;
    assert_eq!(adopter::client().get(url).send().await.unwrap().text().await.unwrap(), "mine");
}

#[test]
fn rustls_has_a_provider() {
    // It panics where this build has two providers or none.
    adopter::tls();
}
"""

MOCK_TEST = """
use countersign::servers::mock::Mock;

#[tokio::test]
async fn the_mock_answers_the_client() {
    let mock = Mock::embedded().await.unwrap();
    let url = format!("{}/success/workgroup-only", mock.endpoint());
    let answer = adopter::client().post(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains("dbPassword"));
}
"""


def project(name, dependency, tests):
    folder = FOLDER / name
    shutil.rmtree(folder / "tests", ignore_errors=True)
    for file, text in {"Cargo.toml": MANIFEST.format(dependency=dependency), "src/lib.rs": LIBRARY, **{f"tests/{test}.rs": text for test, text in tests.items()}}.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    # The versions that Countersign has.
    shutil.copy(ROOT / "Cargo.lock", folder)
    return folder


def cargo(folder, *arguments):
    done = subprocess.run(["cargo", *arguments], cwd=folder, capture_output=True, text=True, env=os.environ | {"CARGO_TARGET_DIR": str(FOLDER / "target")})
    if done.returncode:
        print(done.stdout + done.stderr)
        sys.exit(f"in {folder.relative_to(ROOT)}, cargo {' '.join(arguments)} failed")
    return done.stdout


def crates(folder, edges, *arguments):
    lines = cargo(folder, "tree", "--edges", edges, "--prefix", "none", "--format", "{p}", *arguments).splitlines()
    return {line.split(" (")[0] for line in lines if line}


def features(folder, crate):
    """The features that cargo gives a crate for the tests of a project."""
    lines = cargo(folder, "tree", "--edges", "normal,dev", "--prefix", "none", "--format", "{p} {f}").splitlines()
    found = {line.removesuffix(" (*)") for line in lines if line.startswith(f"{crate} v")}
    return sorted(feature for line in found for feature in line.split(" ")[2:] for feature in feature.split(","))


def main():
    path = f'countersign = {{ path = "{ROOT}", default-features = false, features = ["run"] }}'
    alone = project("alone", "", {"own": OWN_TEST})
    both = project("both", path, {"own": OWN_TEST, "mock": MOCK_TEST})
    wrong = []
    for crate in ["reqwest", "rustls"]:
        was, now = features(alone, crate), features(both, crate)
        print(f"{crate}: {', '.join(now) or 'no features'}")
        if was != now:
            wrong.append(f"expected {crate} to keep its features {was}, found {now}")
    for chosen, most in MOST.items():
        count = len(crates(ROOT, "normal", "--no-default-features", "--features", chosen)) - 1
        print(f"countersign with {chosen}: {count} crates")
        if count > most:
            wrong.append(f"expected at most {most} crates with {chosen}, found {count}")
    print(cargo(both, "test", "--quiet").strip())
    counts = [len(crates(folder, "normal,dev")) for folder in [alone, both]]
    print(f"the project: {counts[0]} crates alone, {counts[1]} with Countersign")
    print("\n".join(wrong) or "nothing of the project changed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
