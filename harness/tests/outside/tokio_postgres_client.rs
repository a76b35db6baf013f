//! Gets credentials by the AWS SDK for Rust and logs in with them by tokio-postgres. It knows nothing of Countersign.
//!
//! Everything comes from the environment: the AWS variables, `WORKGROUP`, `PGHOST`, `PGPORT` and `PGDATABASE`. With
//! `PGUSER` and `PGPASSWORD` it logs in with those. It prints user, password, `select 1` and `select current_user`, one
//! a line.

use std::env::{self, VarError};
use std::error::Error;

use aws_sdk_redshiftserverless::Client;
use aws_sdk_redshiftserverless::config::{BehaviorVersion, Config, Credentials, Region};
use tokio_postgres::NoTls;

/// The newest credentials of the workgroup.
async fn credentials() -> Result<(String, String), Box<dyn Error>> {
    let keys = Credentials::new(env::var("AWS_ACCESS_KEY_ID")?, env::var("AWS_SECRET_ACCESS_KEY")?, None, None, "test");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(env::var("AWS_REGION")?))
        .endpoint_url(env::var("AWS_ENDPOINT_URL")?)
        .credentials_provider(keys)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let answer = Client::from_conf(config).get_credentials().workgroup_name(env::var("WORKGROUP")?).send().await?;
    let text = |member: Option<&str>| member.map(str::to_owned).ok_or("a member is missing");
    Ok((text(answer.db_user())?, text(answer.db_password())?))
}

async fn log_in() -> Result<(), Box<dyn Error>> {
    let (user, password) = match env::var("PGUSER") {
        Ok(user) => (user, env::var("PGPASSWORD")?),
        Err(VarError::NotPresent) => credentials().await?,
        Err(error) => return Err(error.into()),
    };
    let (client, connection) = tokio_postgres::Config::new()
        .host(env::var("PGHOST")?)
        .port(env::var("PGPORT")?.parse()?)
        .dbname(env::var("PGDATABASE")?)
        .user(&user)
        .password(&password)
        .connect(NoTls)
        .await?;
    tokio::spawn(connection);
    let one: i32 = client.query_one("select 1", &[]).await?.get(0);
    let current: String = client.query_one("select current_user", &[]).await?.get(0);
    println!("{user}\n{password}\n{one}\n{current}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(log_in())
}
