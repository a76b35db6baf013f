//! A real PostgreSQL for tests: for those of the door, and for those of `harness/selftest/tests.rs`, which has this file
//! as a module too.
//!
//! Where there is none, a test says so and passes; `COUNTERSIGN_REQUIRE_POSTGRES=1` makes that a failure.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::sleep;
use tokio_postgres::{Client, Config, NoTls};

/// A PostgreSQL of its own, which ends with this.
pub(super) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    pub(super) port: u16,
    server: Option<Child>,
}

/// The folder of the newest `initdb` of the machine.
fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    let path = env::var_os("PATH").unwrap_or_default();
    folders.extend(env::split_paths(&path));
    folders.into_iter().rev().find(|folder| folder.join("initdb").is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// A command of somebody other than root, as whom PostgreSQL does not run.
fn command(program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command
}

impl Cluster {
    /// `None` where there is no PostgreSQL.
    pub(super) async fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(env::var_os("COUNTERSIGN_REQUIRE_POSTGRES").is_none(), "there is no PostgreSQL on this machine");
            eprintln!("not tested: there is no PostgreSQL on this machine");
            return None;
        };
        let made = command("mktemp").args(["-d", "/tmp/countersign-pg-XXXXXXXX"]).output().unwrap();
        let folder = PathBuf::from(String::from_utf8(made.stdout).unwrap().trim_end());
        let made = command(programs.join("initdb"))
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "-U", "admin", "-N", "-E", "UTF8", "-D"])
            .arg(folder.join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut cluster = Self { programs, folder, port, server: None };
        cluster.run().await;
        let admin = cluster.admin().await;
        admin.batch_execute("CREATE DATABASE dev").await.unwrap();
        Some(cluster)
    }

    pub(super) async fn run(&mut self) {
        let server = command(self.programs.join("postgres"))
            .args(["-F", "-h", "127.0.0.1", "-c", "log_statement=all", "-p", &self.port.to_string(), "-k"])
            .arg(&self.folder)
            .arg("-D")
            .arg(self.folder.join("data"))
            .stderr(fs::File::options().create(true).append(true).open(self.log()).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.server = Some(server);
        for _ in 0..200 {
            if self.config().connect(NoTls).await.is_ok() {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("{}", fs::read_to_string(self.log()).unwrap());
    }

    pub(super) fn log(&self) -> PathBuf {
        let name = self.folder.file_name().unwrap().to_str().unwrap();
        env::temp_dir().join(format!("{name}.log"))
    }

    /// Stops it as `pg_ctl -m immediate` does.
    pub(super) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let _ = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status();
        let _ = server.wait();
    }

    pub(super) fn url(&self) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://admin@{folder}:{}/postgres", self.port)
    }

    pub(super) fn config(&self) -> Config {
        self.url().parse().unwrap()
    }

    pub(super) async fn admin(&self) -> Client {
        let (client, connection) = self.config().connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(self.log());
    }
}
