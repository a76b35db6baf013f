//! A session of the embedded door: it answers what drivers ask at log-in, in the simple and the extended protocol.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::messages::{Fields, Message, Outgoing, SqlError, Startup, Stream, put_text, read_message};
use super::sql::{self, Column, Statement, Value};

/// The version of the server. Source: every Redshift says so, and its drivers depend on it.
pub(super) const SERVER_VERSION: &str = "8.0.2";

/// The longest message of a session, in bytes.
const MESSAGE_LIMIT: usize = 32 << 10;

/// How many bytes the prepared statements, the portals and the settings of a session hold together.
const KEPT_LIMIT: usize = 64 << 10;

/// What one of them takes besides its texts.
const KEPT_EACH: usize = 64;

/// How long a client may take to send the rest of a message, or to read an answer.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much is written before it is sent.
const SENT_AT_ONCE: usize = 16 << 10;

/// What `show` knows and a session does not report at its start.
const SETTINGS: [(&str, &str); 5] = [
    ("search_path", "$user, public"),
    ("transaction_isolation", "serializable"),
    ("extra_float_digits", "0"),
    ("query_group", "default"),
    ("statement_timeout", "0"),
];

const NO_SUCH_STATEMENT: &str = "26000";
const NO_SUCH_PORTAL: &str = "34000";

#[derive(Debug)]
struct Portal {
    statement: Arc<Statement>,
    /// The format codes of the columns: none, one for all, or one each.
    formats: Vec<u16>,
}

#[derive(Debug)]
pub(super) struct Session {
    user: String,
    database: String,
    settings: HashMap<String, String>,
    statements: HashMap<String, (Arc<Statement>, usize)>,
    portals: HashMap<String, Portal>,
    /// How many bytes statements, portals and settings hold.
    kept: usize,
    /// `I` outside of a transaction, `T` inside, `E` inside of one that failed.
    transaction: u8,
    /// After an error of the extended protocol, everything up to `Sync` is skipped.
    skipping: bool,
}

/// The parameters that every session begins with.
pub(super) fn reported(startup: &Startup) -> Vec<(&'static str, String)> {
    let text = str::to_owned;
    vec![
        ("server_version", text(SERVER_VERSION)),
        ("server_encoding", text("UTF8")),
        ("client_encoding", text("UTF8")),
        ("DateStyle", text("ISO, MDY")),
        ("TimeZone", text("UTC")),
        ("integer_datetimes", text("on")),
        ("standard_conforming_strings", text("on")),
        ("is_superuser", text("off")),
        ("session_authorization", text(startup.user())),
        ("application_name", text(startup.get("application_name").unwrap_or_default())),
    ]
}

impl Session {
    pub(super) fn new(startup: &Startup) -> Self {
        let reported = reported(startup).into_iter().map(|(name, value)| (name.to_lowercase(), value));
        let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            user: startup.user().to_owned(),
            database: startup.database().to_owned(),
            settings: settings.into_iter().chain(reported).collect(),
            statements: HashMap::new(),
            portals: HashMap::new(),
            kept: 0,
            transaction: b'I',
            skipping: false,
        }
    }

    /// Answers a client until it ends the session.
    pub(super) async fn run(mut self, stream: Box<dyn Stream>) -> io::Result<()> {
        let mut stream = BufReader::with_capacity(4 << 10, stream);
        let mut out = Outgoing::default();
        loop {
            // A session may wait as long as it likes for its next message.
            let kind = stream.read_u8().await?;
            let message = timeout(MESSAGE_TIMEOUT, read_message(&mut stream, kind, MESSAGE_LIMIT)).await?;
            let goes_on = match message {
                Ok(message) => self.answer(&message, &mut out),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    Err(SqlError::malformed(&error.to_string()))
                }
                Err(error) => return Err(error),
            };
            let is_last = match goes_on {
                Ok(goes_on) => !goes_on,
                Err(error) => {
                    out.error(&error);
                    true
                }
            };
            if is_last || out.0.len() > SENT_AT_ONCE || matches!(kind, b'Q' | b'S' | b'H') {
                timeout(MESSAGE_TIMEOUT, stream.write_all(&out.0)).await??;
                timeout(MESSAGE_TIMEOUT, stream.flush()).await??;
                out.0.clear();
            }
            if is_last {
                return stream.shutdown().await;
            }
        }
    }

    /// Answers one message, and says whether the session goes on. An error ends it.
    fn answer(&mut self, message: &Message, out: &mut Outgoing) -> Result<bool, SqlError> {
        let fields = Fields(&message.body);
        let done = match message.kind {
            b'X' => return Ok(false),
            b'Q' => {
                let text = { fields }.text().ok_or_else(|| SqlError::malformed("invalid query message"))?;
                if let Err(error) = self.query(text, out) {
                    self.fail(&error, out);
                }
                self.portals.remove("");
                out.ready(self.transaction);
                return Ok(true);
            }
            b'S' => {
                self.skipping = false;
                out.ready(self.transaction);
                return Ok(true);
            }
            b'P' | b'B' | b'D' | b'E' | b'C' | b'H' if self.skipping => return Ok(true),
            b'H' => return Ok(true),
            b'P' => self.parse(fields, out),
            b'B' => self.bind(fields, out),
            b'D' => self.describe(fields, out),
            b'E' => self.execute(fields, out),
            b'C' => Ok(self.close(fields, out)),
            kind => return Err(SqlError::malformed(&format!("invalid frontend message type {kind}"))),
        };
        match done {
            Ok(Some(())) => Ok(true),
            Ok(None) => Err(SqlError::malformed("invalid message format")),
            Err(error) => {
                self.fail(&error, out);
                self.skipping = true;
                Ok(true)
            }
        }
    }

    fn fail(&mut self, error: &SqlError, out: &mut Outgoing) {
        out.error(error);
        if self.transaction == b'T' {
            self.transaction = b'E';
        }
    }

    fn query(&mut self, text: &str, out: &mut Outgoing) -> Result<(), SqlError> {
        for statement in sql::parse(text)? {
            if let Some(columns) = self.columns(&statement)? {
                describe(&columns, &[], out);
            }
            self.perform(&statement, &[], out)?;
        }
        Ok(())
    }

    /// The columns of what a statement gives; `None` if it gives no rows.
    fn columns(&self, statement: &Statement) -> Result<Option<Vec<Column>>, SqlError> {
        match statement {
            Statement::Select(columns) => Ok(Some(columns.clone())),
            Statement::Show(name) => {
                let Some(value) = self.settings.get(&name.to_lowercase()) else {
                    let message = format!("unrecognized configuration parameter \"{name}\"");
                    return Err(SqlError::error("42704", message));
                };
                Ok(Some(vec![Column { name: name.clone(), value: Value::Text(value.clone()) }]))
            }
            _ => Ok(None),
        }
    }

    /// Does what a statement says, and writes its rows and its end.
    fn perform(&mut self, statement: &Statement, formats: &[u16], out: &mut Outgoing) -> Result<(), SqlError> {
        if self.transaction == b'E' && !matches!(statement, Statement::Commit | Statement::Rollback | Statement::Empty)
        {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(SqlError::error("25P02", message));
        }
        let tag = match statement {
            Statement::Empty => {
                out.bare(b'I');
                return Ok(());
            }
            Statement::Begin => {
                self.transaction = b'T';
                "BEGIN"
            }
            Statement::Commit => match std::mem::replace(&mut self.transaction, b'I') {
                b'E' => "ROLLBACK",
                _ => "COMMIT",
            },
            Statement::Rollback => {
                self.transaction = b'I';
                "ROLLBACK"
            }
            Statement::Set(name, value) => {
                self.keep(name.len() + value.len())?;
                self.settings.insert(name.clone(), value.clone());
                "SET"
            }
            Statement::Reset(_) => "RESET",
            Statement::Discard => {
                self.forget_statements();
                "DISCARD ALL"
            }
            Statement::Deallocate(None) => {
                self.forget_statements();
                "DEALLOCATE ALL"
            }
            Statement::Deallocate(Some(name)) => {
                self.forget_statement(name);
                "DEALLOCATE"
            }
            Statement::Show(_) | Statement::Select(_) => {
                let columns = self.columns(statement)?.unwrap_or_default();
                self.row(&columns, formats, out);
                if matches!(statement, Statement::Show(_)) { "SHOW" } else { "SELECT 1" }
            }
        };
        out.complete(tag);
        Ok(())
    }

    fn row(&self, columns: &[Column], formats: &[u16], out: &mut Outgoing) {
        out.message(b'D', |body| {
            put_count(body, columns.len());
            for (index, column) in columns.iter().enumerate() {
                let value = match (&column.value, format_of(formats, index)) {
                    (Value::Null, _) => {
                        body.extend_from_slice(&(-1_i32).to_be_bytes());
                        continue;
                    }
                    (Value::Integer(value), 0) => value.to_string().into_bytes(),
                    (Value::Integer(value), _) => value.to_be_bytes().to_vec(),
                    (Value::Boolean(value), 0) => vec![if *value { b't' } else { b'f' }],
                    (Value::Boolean(value), _) => vec![u8::from(*value)],
                    (Value::Text(value), _) => value.clone().into_bytes(),
                    (Value::User, _) => self.user.clone().into_bytes(),
                    (Value::Database, _) => self.database.clone().into_bytes(),
                    (Value::Schema, _) => b"public".to_vec(),
                    (Value::Version, _) => {
                        let ours = concat!(", Countersign emulator ", env!("CARGO_PKG_VERSION"));
                        format!("PostgreSQL {SERVER_VERSION}{ours}").into_bytes()
                    }
                };
                put_u32(body, value.len());
                body.extend_from_slice(&value);
            }
        });
    }

    /// Takes room for what a session keeps.
    fn keep(&mut self, bytes: usize) -> Result<(), SqlError> {
        let kept = self.kept + bytes + KEPT_EACH;
        if kept > KEPT_LIMIT {
            return Err(SqlError::error("54000", "the session keeps too many statements and settings"));
        }
        self.kept = kept;
        Ok(())
    }

    fn forget_statements(&mut self) {
        let bytes: usize = self.statements.drain().map(|(_, (_, bytes))| bytes).sum();
        self.kept = self.kept.saturating_sub(bytes);
    }

    fn forget_statement(&mut self, name: &str) {
        let bytes = self.statements.remove(name).map_or(0, |(_, bytes)| bytes);
        self.kept = self.kept.saturating_sub(bytes);
    }

    /// `Parse`: the name, the text, and the types of parameters. Here and below, `None` is a message that is not whole.
    fn parse(&mut self, mut fields: Fields<'_>, out: &mut Outgoing) -> Result<Option<()>, SqlError> {
        let (Some(name), Some(text)) = (fields.text(), fields.text()) else { return Ok(None) };
        let mut statements = sql::parse(text)?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::error("42601", message));
        }
        if name.is_empty() {
            self.forget_statement("");
        } else if self.statements.contains_key(name) {
            return Err(SqlError::error("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        let bytes = name.len() + text.len();
        self.keep(bytes)?;
        let statement = Arc::new(statements.pop().unwrap_or(Statement::Empty));
        self.statements.insert(name.to_owned(), (statement, bytes + KEPT_EACH));
        out.bare(b'1');
        Ok(Some(()))
    }

    fn statement(&self, name: &str) -> Result<Arc<Statement>, SqlError> {
        let statement = self.statements.get(name).map(|(statement, _)| Arc::clone(statement));
        let missing = || format!("prepared statement \"{name}\" does not exist");
        statement.ok_or_else(|| SqlError::error(NO_SUCH_STATEMENT, missing()))
    }

    fn portal(&self, name: &str) -> Result<&Portal, SqlError> {
        let missing = || SqlError::error(NO_SUCH_PORTAL, format!("portal \"{name}\" does not exist"));
        self.portals.get(name).ok_or_else(missing)
    }

    /// `Bind`: the portal, the statement, the parameters, and the formats of the columns.
    fn bind(&mut self, mut fields: Fields<'_>, out: &mut Outgoing) -> Result<Option<()>, SqlError> {
        let (Some(portal), Some(name)) = (fields.text(), fields.text()) else { return Ok(None) };
        let Some((parameters, formats)) = bound(fields) else { return Ok(None) };
        let statement = self.statement(name)?;
        if parameters > 0 {
            let message = format!("bind message supplies {parameters} parameters, but the statement requires 0");
            return Err(SqlError::error("08P01", message));
        }
        if !self.portals.contains_key(portal) {
            self.keep(portal.len())?;
        }
        self.portals.insert(portal.to_owned(), Portal { statement, formats });
        out.bare(b'2');
        Ok(Some(()))
    }

    /// `Describe`: `S` and a statement, or `P` and a portal.
    fn describe(&self, mut fields: Fields<'_>, out: &mut Outgoing) -> Result<Option<()>, SqlError> {
        let (Some(kind), Some(name)) = (fields.u8(), fields.text()) else { return Ok(None) };
        let (statement, formats): (_, &[u16]) = if kind == b'S' {
            let statement = self.statement(name)?;
            out.message(b't', |body| put_count(body, 0));
            (statement, &[])
        } else {
            let portal = self.portal(name)?;
            (Arc::clone(&portal.statement), &portal.formats)
        };
        match self.columns(&statement)? {
            Some(columns) => describe(&columns, formats, out),
            None => drop(out.bare(b'n')),
        }
        Ok(Some(()))
    }

    /// `Execute`: a portal, and the most rows. There is one row at most, so it is given whole.
    fn execute(&mut self, mut fields: Fields<'_>, out: &mut Outgoing) -> Result<Option<()>, SqlError> {
        let (Some(name), Some(_)) = (fields.text(), fields.u32()) else { return Ok(None) };
        let portal = self.portal(name)?;
        let (statement, formats) = (Arc::clone(&portal.statement), portal.formats.clone());
        self.perform(&statement, &formats, out)?;
        Ok(Some(()))
    }

    /// `Close`: `S` and a statement, or `P` and a portal. It need not be there.
    fn close(&mut self, mut fields: Fields<'_>, out: &mut Outgoing) -> Option<()> {
        let (kind, name) = (fields.u8()?, fields.text()?);
        if kind == b'S' {
            self.forget_statement(name);
        } else if self.portals.remove(name).is_some() {
            self.kept = self.kept.saturating_sub(name.len() + KEPT_EACH);
        }
        out.bare(b'3');
        Some(())
    }
}

/// How many parameters a `Bind` has, and the formats that it wants.
fn bound(mut fields: Fields<'_>) -> Option<(u16, Vec<u16>)> {
    for _ in 0..fields.u16()? {
        fields.u16()?;
    }
    let parameters = fields.u16()?;
    for _ in 0..parameters {
        let length = fields.u32()?;
        if length != u32::MAX {
            fields.bytes(usize::try_from(length).ok()?)?;
        }
    }
    let formats = (0..fields.u16()?).map(|_| fields.u16()).collect::<Option<_>>()?;
    Some((parameters, formats))
}

fn format_of(formats: &[u16], column: usize) -> u16 {
    let of_all = || if let [format] = formats { *format } else { 0 };
    formats.get(column).copied().unwrap_or_else(of_all)
}

fn put_count(body: &mut Vec<u8>, count: usize) {
    body.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
}

fn put_u32(body: &mut Vec<u8>, number: usize) {
    body.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
}

/// Writes a `RowDescription`. Source of the type numbers and lengths: the catalog `pg_type`.
fn describe(columns: &[Column], formats: &[u16], out: &mut Outgoing) {
    out.message(b'T', |body| {
        put_count(body, columns.len());
        for (index, column) in columns.iter().enumerate() {
            let (type_id, length): (u32, i16) = match column.value {
                Value::Boolean(_) => (16, 1),
                Value::User | Value::Database | Value::Schema => (19, 64),
                Value::Integer(_) => (23, 4),
                Value::Text(_) | Value::Null | Value::Version => (25, -1),
            };
            put_text(body, &column.name);
            // No table, no column of a table.
            body.extend_from_slice(&[0; 6]);
            body.extend_from_slice(&type_id.to_be_bytes());
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(&(-1_i32).to_be_bytes());
            body.extend_from_slice(&format_of(formats, index).to_be_bytes());
        }
    });
}
