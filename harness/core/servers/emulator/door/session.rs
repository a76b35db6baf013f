//! A session of the embedded door: it answers what drivers ask at log-in, in the simple and the extended protocol.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::Closing;
use super::messages::{Fields, Message, Outgoing, SqlError, Startup, Stream, put_text, read_message};
use super::sql::{self, Column, Statement, Value};

/// The version of the server. Source: every Redshift says so, and its drivers depend on it.
pub(super) const SERVER_VERSION: &str = "8.0.2";

/// The longest message of a session, in bytes.
pub(super) const MESSAGE_LIMIT: usize = 32 << 10;

/// How many bytes the prepared statements, the portals and the settings of a session hold together.
pub(super) const KEPT_LIMIT: usize = 64 << 10;

/// How many bytes the answer to one query has.
pub(super) const ANSWER_LIMIT: usize = 1 << 20;

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

/// Things that a session keeps by name, and how many bytes each takes.
#[derive(Debug)]
struct Shelf<T>(HashMap<String, (T, usize)>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Shelf<T> {
    fn get(&self, name: &str) -> Option<&T> {
        self.0.get(name).map(|(thing, _)| thing)
    }

    /// How many bytes a thing takes; 0 if it is not there.
    fn bytes_of(&self, name: &str) -> usize {
        self.0.get(name).map_or(0, |(_, bytes)| *bytes)
    }

    fn bytes(&self) -> usize {
        self.0.values().map(|(_, bytes)| bytes).sum()
    }
}

#[derive(Debug)]
pub(super) struct Session {
    user: String,
    database: String,
    /// The settings that the session began with.
    defaults: HashMap<String, String>,
    /// Those that it has set since.
    settings: Shelf<String>,
    statements: Shelf<Arc<Statement>>,
    portals: Shelf<Portal>,
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
            defaults: settings.into_iter().chain(reported).collect(),
            settings: Shelf::default(),
            statements: Shelf::default(),
            portals: Shelf::default(),
            transaction: b'I',
            skipping: false,
        }
    }

    /// Answers a client until it ends the session, or the port is closed.
    pub(super) async fn run(mut self, stream: Box<dyn Stream>, mut closing: Closing) -> io::Result<()> {
        let mut stream = BufReader::with_capacity(4 << 10, stream);
        let mut out = Outgoing::default();
        loop {
            // A session may wait as long as it likes for its next message.
            let kind = tokio::select! {
                kind = stream.read_u8() => kind?,
                () = closing.closed() => {
                    super::login::refuse(&mut stream, &SqlError::shutdown()).await;
                    return Ok(());
                }
            };
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
                out.0.shrink_to(SENT_AT_ONCE);
            }
            if is_last {
                return stream.shutdown().await;
            }
        }
    }

    /// Answers one message, and says whether the session goes on. An error ends it.
    pub(super) fn answer(&mut self, message: &Message, out: &mut Outgoing) -> Result<bool, SqlError> {
        let fields = Fields(&message.body);
        let done = match message.kind {
            b'X' => return Ok(false),
            b'Q' => {
                let text = { fields }.text().ok_or_else(|| SqlError::malformed("invalid query message"))?;
                if let Err(error) = self.query(text, out) {
                    self.fail(&error, out);
                }
                self.portals.0.remove("");
                self.end_portals();
                out.ready(self.transaction);
                return Ok(true);
            }
            b'S' => {
                self.skipping = false;
                self.end_portals();
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
            if out.0.len() > ANSWER_LIMIT {
                return Err(SqlError::error("54000", format!("the answer has more than {ANSWER_LIMIT} bytes")));
            }
        }
        Ok(())
    }

    /// A portal lives as long as its transaction. Source: the PostgreSQL documentation, "Extended Query".
    fn end_portals(&mut self) {
        if self.transaction == b'I' {
            self.portals.0.clear();
        }
    }

    /// The columns of what a statement gives; `None` if it gives no rows.
    fn columns(&self, statement: &Statement) -> Result<Option<Vec<Column>>, SqlError> {
        match statement {
            Statement::Select(columns) => Ok(Some(columns.clone())),
            Statement::Show(name) => {
                let key = name.to_lowercase();
                let Some(value) = self.settings.get(&key).or_else(|| self.defaults.get(&key)) else {
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
                let bytes = self.take_room(name.len() + value.len(), self.settings.bytes_of(name))?;
                self.settings.0.insert(name.clone(), (value.clone(), bytes));
                "SET"
            }
            Statement::Reset(None) => {
                self.settings.0.clear();
                "RESET"
            }
            Statement::Reset(Some(name)) => {
                self.settings.0.remove(&name.to_lowercase());
                "RESET"
            }
            Statement::Discard => {
                self.settings.0.clear();
                self.statements.0.clear();
                "DISCARD ALL"
            }
            Statement::Deallocate(None) => {
                self.statements.0.clear();
                "DEALLOCATE ALL"
            }
            Statement::Deallocate(Some(name)) => {
                self.statements.0.remove(name);
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

    /// How many bytes statements, portals and settings hold.
    pub(super) fn kept(&self) -> usize {
        self.settings.bytes() + self.statements.bytes() + self.portals.bytes()
    }

    /// Finds room for a thing that takes the place of one of `before` bytes. Returns how many bytes it takes.
    fn take_room(&self, bytes: usize, before: usize) -> Result<usize, SqlError> {
        let bytes = bytes + KEPT_EACH;
        let kept = self.kept();
        if kept.saturating_sub(before) + bytes > KEPT_LIMIT {
            return Err(SqlError::error("54000", "the session keeps too many statements and settings"));
        }
        Ok(bytes)
    }

    /// `Parse`: the name, the text, and the types of parameters. Here and below, `None` is a message that is not whole.
    fn parse(&mut self, mut fields: Fields<'_>, out: &mut Outgoing) -> Result<Option<()>, SqlError> {
        let (Some(name), Some(text)) = (fields.text(), fields.text()) else { return Ok(None) };
        let mut statements = sql::parse(text)?;
        if statements.len() > 1 {
            let message = "cannot insert multiple commands into a prepared statement";
            return Err(SqlError::error("42601", message));
        }
        if !name.is_empty() && self.statements.get(name).is_some() {
            return Err(SqlError::error("42P05", format!("prepared statement \"{name}\" already exists")));
        }
        let statement = Arc::new(statements.pop().unwrap_or(Statement::Empty));
        let bytes = self.take_room(name.len() + statement.weight(), self.statements.bytes_of(name))?;
        self.statements.0.insert(name.to_owned(), (statement, bytes));
        out.bare(b'1');
        Ok(Some(()))
    }

    fn statement(&self, name: &str) -> Result<Arc<Statement>, SqlError> {
        let statement = self.statements.get(name).map(Arc::clone);
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
        if !portal.is_empty() && self.portals.get(portal).is_some() {
            return Err(SqlError::error("42P03", format!("cursor \"{portal}\" already exists")));
        }
        // It holds its statement even where that is forgotten.
        let bytes = portal.len() + statement.weight() + size_of_val(&formats[..]);
        let bytes = self.take_room(bytes, self.portals.bytes_of(portal))?;
        self.portals.0.insert(portal.to_owned(), (Portal { statement, formats }, bytes));
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
            self.statements.0.remove(name);
        } else {
            self.portals.0.remove(name);
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
