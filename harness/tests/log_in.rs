//! The test of `harness/docs/logins.md`, with and without a `PostgreSQL` behind the door.

use std::fs;
use std::path::Path;
use std::time::Duration;

use countersign::servers::emulator::{Emulator, EmulatorOptions};
use countersign::wire::Credentials;

#[tokio::test]
async fn my_client_logs_in_until_its_password_expires() {
    let credentials = Credentials::new("test", "test");
    let options = EmulatorOptions { credentials, ..EmulatorOptions::default() }.with_door();
    let emulator = Emulator::start(options).await.unwrap();
    let door = emulator.door("countersign-emulator").unwrap();

    let password = my_client::password(&emulator.endpoint(), "countersign-emulator").await;
    assert_eq!(my_client::who_am_i(door, &password).await.unwrap(), "IAM:countersign");

    emulator.advance(Duration::from_secs(901)).await.unwrap();
    assert!(my_client::who_am_i(door, &password).await.is_err());
}

/// The page runs a `PostgreSQL`, and gives its URL for an administrator.
#[tokio::test]
async fn my_client_logs_in_to_a_database_behind_the_door() {
    let Ok(database) = std::env::var("LOGINS_PAGE_DATABASE") else {
        eprintln!("not tested: logins_page_is_true.py runs this with a PostgreSQL");
        return;
    };
    let credentials = Credentials::new("test", "test");
    let options = EmulatorOptions { credentials, ..EmulatorOptions::default() };
    let emulator = Emulator::start(options.with_database(database.parse().unwrap())).await.unwrap();
    let door = emulator.door("countersign-emulator").unwrap();

    let password = my_client::password(&emulator.endpoint(), "countersign-emulator").await;
    assert_eq!(my_client::who_am_i(door, &password).await.unwrap(), "IAM:countersign");

    emulator.advance(Duration::from_secs(901)).await.unwrap();
    assert!(my_client::who_am_i(door, &password).await.is_err());
    emulator.close().await.unwrap();
}

#[test]
fn the_page_shows_the_test_that_runs_here() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name| fs::read_to_string(root.join(name)).unwrap();
    let page = read("harness/docs/logins.md");
    let shown = page.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // Lines of `use` may stand among others here.
    let (uses, test) = shown.split_once("#[tokio::test]").unwrap();
    let here = read("harness/tests/log_in.rs");
    assert!(here.contains(test), "{test}");
    assert!(uses.lines().all(|line| here.contains(line)), "{uses}");
}

/// Stands for the reader's own client: it signs a call, and connects with tokio-postgres.
mod my_client {
    use std::net::SocketAddr;

    use countersign::wire::sigv4::{self, Scope};
    use countersign::wire::{Client, ClientOptions, Credentials, Request};
    use serde_json::{Value, json};
    use tokio_postgres::{Config, Error, NoTls};

    pub(super) async fn password(endpoint: &str, workgroup: &str) -> String {
        let headers = [
            ("host", endpoint.trim_start_matches("http://")),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "RedshiftServerless.GetCredentials"),
        ];
        let body = json!({ "workgroupName": workgroup }).to_string().into_bytes();
        let headers = headers.into_iter().collect();
        let mut request = Request { method: "POST".into(), target: "/".into(), headers, body };
        let scope = Scope { region: "us-east-1", service: "redshift-serverless" };
        sigv4::sign(&mut request, &Credentials::new("test", "test"), scope, jiff::Timestamp::now());
        let client = Client::new(endpoint.parse().unwrap(), &ClientOptions::default()).unwrap();
        let answer: Value = client.send(request).await.answer.unwrap().json().unwrap();
        answer["dbPassword"].as_str().unwrap().to_owned()
    }

    pub(super) async fn who_am_i(door: SocketAddr, password: &str) -> Result<String, Error> {
        let mut config = Config::new();
        config.host(door.ip().to_string()).port(door.port());
        let (client, connection) =
            config.user("IAM:countersign").password(password).dbname("dev").connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client.query_one("select current_user", &[]).await?.get(0))
    }
}
