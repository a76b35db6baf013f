//! The door before a real PostgreSQL, a throw-away one for each test.

use std::fs;

use jiff::SignedDuration;
use tokio_postgres::{Client, Config, NoTls};

use super::cluster::Cluster;
use super::tests::{USER, connect, first_row, issue_later, refusal};
use super::*;

impl Cluster {
    async fn doors(&self, clock: &Clock) -> Doors {
        let options = DoorOptions { database: Some(self.url().parse().unwrap()), ..DoorOptions::default() };
        Doors::new(&options, clock.clone(), Vec::new()).await.unwrap()
    }

    /// Connects to the PostgreSQL itself.
    async fn directly(&self, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        config.host("127.0.0.1").port(self.port).user(user).password(password).dbname("dev");
        connect(&config).await
    }

    /// The roles that emulators made.
    async fn roles(&self) -> Vec<String> {
        let text = "SELECT rolname::text FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE 'countersign%' \
                    ORDER BY 1";
        self.admin().await.query(text, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

/// A new password of a user, once its role is there.
async fn issue(doors: &Doors, user: &str, seconds: i64) -> String {
    let (password, work) = issue_later(doors, user, "wg", None, seconds);
    work.unwrap().await.unwrap();
    password
}

async fn through(doors: &Doors, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    connect(&tests::config(doors, "wg", user, password)).await
}

#[tokio::test]
async fn the_password_logs_in_through_the_door_and_directly_until_it_expires() {
    let Some(cluster) = Cluster::start().await else { return };
    let clock = Clock::default();
    let doors = cluster.doors(&clock).await;
    let password = issue(&doors, USER, 900).await;
    let open = through(&doors, USER, &password).await.unwrap();
    let row = first_row(&open, "select current_user, current_database(), 6 * 7").await;
    assert_eq!(row, [Some(USER.to_owned()), Some("dev".to_owned()), Some("42".to_owned())]);
    cluster.directly(USER, &password).await.unwrap();
    assert_eq!(refusal(through(&doors, USER, "wrong").await).0, "28P01");
    assert_eq!(refusal(cluster.directly(USER, "wrong").await).0, "28P01");
    clock.advance(SignedDuration::from_secs(901)).unwrap();
    doors.clock_moved().await.unwrap();
    assert_eq!(refusal(through(&doors, USER, &password).await).1, "IAM Authentication token has expired");
    assert_eq!(refusal(cluster.directly(USER, &password).await).0, "28P01");
    assert_eq!(first_row(&open, "select current_user").await, [Some(USER.to_owned())]);
    let log = fs::read_to_string(cluster.log()).unwrap();
    assert!(log.contains("SCRAM-SHA-256$4096") && !log.contains(&password), "{log}");
}

#[tokio::test]
async fn both_of_two_passwords_log_in_through_the_door_until_each_expires() {
    let Some(cluster) = Cluster::start().await else { return };
    let clock = Clock::default();
    let doors = cluster.doors(&clock).await;
    let (long, short) = (issue(&doors, USER, 3600).await, issue(&doors, USER, 900).await);
    through(&doors, USER, &long).await.unwrap();
    through(&doors, USER, &short).await.unwrap();
    cluster.directly(USER, &short).await.unwrap();
    clock.advance(SignedDuration::from_secs(901)).unwrap();
    doors.clock_moved().await.unwrap();
    through(&doors, USER, &long).await.unwrap();
    assert_eq!(refusal(through(&doors, USER, &short).await).0, "28P01");
}

#[tokio::test]
async fn a_new_user_has_the_rights_of_public_and_of_the_role_of_its_plain_name() {
    let Some(cluster) = Cluster::start().await else { return };
    let admin = cluster.admin().await;
    admin.batch_execute("CREATE ROLE alice; CREATE TABLE t (a int); GRANT SELECT ON t TO alice").await.unwrap();
    admin.batch_execute("CREATE ROLE \"IAM:somebody\" LOGIN").await.unwrap();
    let doors = cluster.doors(&Clock::default()).await;
    let mut codes = Vec::new();
    for user in [USER, "IAM:bob"] {
        let password = issue(&doors, user, 900).await;
        let mut config = tests::config(&doors, "wg", user, &password);
        let client = connect(config.dbname("postgres")).await.unwrap();
        let got = client.simple_query("select * from t").await;
        codes.push(got.err().map(|error| error.code().unwrap().code().to_owned()));
    }
    assert_eq!(codes, [None, Some("42501".to_owned())]);
    // A role that no emulator made is left alone.
    let (_, work) = issue_later(&doors, "IAM:somebody", "wg", None, 900);
    let refused = work.unwrap().await.unwrap_err();
    assert_eq!((refused.status, refused.name), (500, "InternalServerException"));
    let long = format!("IAM:{}", "a".repeat(64));
    let (_, work) = issue_later(&doors, &long, "wg", None, 900);
    assert_eq!(work.unwrap().await.unwrap_err().name, "InternalServerException");
}

#[tokio::test]
async fn a_user_of_another_account_cannot_have_the_role_of_the_first() {
    let Some(cluster) = Cluster::start().await else { return };
    let (doors, others) = (cluster.doors(&Clock::default()).await, cluster.doors(&Clock::default()).await);
    let issue = async |doors: &Doors, account: &str, workgroup: &str, password: &str| {
        let expires = Clock::default().now() + SignedDuration::from_secs(900);
        let login = Login::new(USER, workgroup, None, password.into(), expires).of_account(account);
        doors.issue(login).unwrap().await
    };
    issue(&doors, "111122223333", "wg", "first").await.unwrap();
    // The same identity, at another workgroup and at another emulator.
    issue(&doors, "111122223333", "wg-2", "second").await.unwrap();
    issue(&others, "111122223333", "wg", "third").await.unwrap();
    for doors in [&doors, &others] {
        let refused = issue(doors, "444455556666", "wg-3", "stranger").await.unwrap_err();
        assert_eq!((refused.status, refused.name), (500, "InternalServerException"));
        assert!(refused.message.contains("is that of the account 111122223333"), "{}", refused.message);
    }
    assert_eq!(refusal(cluster.directly(USER, "stranger").await).0, "28P01");
    cluster.directly(USER, "third").await.unwrap();
    let client = through(&doors, USER, "first").await.unwrap();
    assert_eq!(first_row(&client, "select current_user").await, [Some(USER.to_owned())]);
    others.close().await.unwrap();
    issue(&doors, "444455556666", "wg-3", "stranger").await.unwrap();
}

#[tokio::test]
async fn names_are_quoted_and_calls_at_the_same_time_do_not_collide() {
    let Some(cluster) = Cluster::start().await else { return };
    let clock = Clock::default();
    let (doors, others) = (cluster.doors(&clock).await, cluster.doors(&clock).await);
    let users = ["IAM:x\"; drop table t; --", "IAM:it's", "IAMR:ops", "IAM:é\\"];
    let all = (0..80).map(|number| {
        let doors = if number % 2 == 0 { &doors } else { &others };
        issue(doors, users[number % users.len()], 900)
    });
    let passwords = futures_util::future::join_all(all).await;
    let mut expected = users.map(str::to_owned);
    expected.sort();
    let mut roles = cluster.roles().await;
    roles.sort();
    assert_eq!(roles, expected);
    for (number, user) in users.iter().enumerate().filter(|(number, _)| number % 2 == 0) {
        let client = through(&doors, user, &passwords[number]).await.unwrap();
        assert_eq!(first_row(&client, "select current_user").await, [Some((*user).to_owned())]);
    }
}

#[tokio::test]
async fn roles_are_dropped_with_what_they_own_at_the_end_or_later() {
    let Some(cluster) = Cluster::start().await else { return };
    cluster.admin().await.batch_execute("GRANT CREATE ON DATABASE dev TO PUBLIC").await.unwrap();
    let clock = Clock::default();
    let (doors, killed) = (cluster.doors(&clock).await, cluster.doors(&clock).await);
    let password = issue(&doors, USER, 900).await;
    issue(&killed, "IAM:left", 900).await;
    let client = through(&doors, USER, &password).await.unwrap();
    client.batch_execute("CREATE SCHEMA s; CREATE TABLE s.kept (a int)").await.unwrap();
    doors.close().await.unwrap();
    assert_eq!(cluster.roles().await, ["IAM:left"]);
    drop(killed);
    let database: Database = cluster.url().parse().unwrap();
    assert_eq!(database.drop_roles().await.unwrap(), ["IAM:left"]);
    assert!(cluster.roles().await.is_empty());
    let mut config = cluster.config();
    let admin = connect(config.dbname("dev")).await.unwrap();
    admin.simple_query("select * from s.kept").await.unwrap();
}

#[tokio::test]
async fn a_postgresql_that_is_killed_is_told_about_and_then_used_again() {
    let Some(mut cluster) = Cluster::start().await else { return };
    let clock = Clock::default();
    let doors = cluster.doors(&clock).await;
    let password = issue(&doors, USER, 900).await;
    let open = through(&doors, USER, &password).await.unwrap();
    cluster.kill();
    assert!(open.simple_query("select 1").await.is_err());
    let (code, message) = refusal(through(&doors, USER, &password).await);
    assert_eq!(code, "57P03");
    assert!(message.starts_with("the PostgreSQL behind the door cannot be reached: "), "{message}");
    let (_, work) = issue_later(&doors, USER, "wg", None, 900);
    let refused = work.unwrap().await.unwrap_err();
    assert_eq!((refused.status, refused.name), (500, "InternalServerException"));
    cluster.run().await;
    through(&doors, USER, &password).await.unwrap();
    let newer = issue(&doors, USER, 900).await;
    through(&doors, USER, &newer).await.unwrap();
    cluster.directly(USER, &newer).await.unwrap();
}

#[tokio::test]
async fn a_statement_is_cancelled_through_the_door() {
    let Some(cluster) = Cluster::start().await else { return };
    let doors = cluster.doors(&Clock::default()).await;
    let password = issue(&doors, USER, 900).await;
    let client = through(&doors, USER, &password).await.unwrap();
    let cancel = client.cancel_token();
    let sleeping = tokio::spawn(async move { client.simple_query("select pg_sleep(30)").await });
    sleep(Duration::from_millis(300)).await;
    cancel.cancel_query(NoTls).await.unwrap();
    let error = timeout(Duration::from_secs(5), sleeping).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57014");
}

#[test]
fn a_database_that_cannot_be_reached_by_its_url_is_refused_with_a_sentence() {
    for url in ["", "dev", "http://localhost/dev", "postgres:///dev", "postgres://a@localhost/dev?sslmode=require"] {
        let why = url.parse::<Database>().unwrap_err();
        assert!(why.starts_with("expected a") || why.starts_with("the emulator speaks no TLS"), "{url}: {why}");
    }
    let printed = format!("{:?}", "postgres://a:CANARY@localhost/dev".parse::<Database>().unwrap());
    assert!(!printed.contains("CANARY"), "{printed}");
}
