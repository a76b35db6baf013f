//! The statements that the embedded door understands: what drivers ask at log-in.

use super::messages::SqlError;

/// How many columns a row has. Source: PostgreSQL, `MaxTupleAttributeNumber`.
const MOST_COLUMNS: usize = 1664;

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// Blanks and comments.
    Empty,
    Begin,
    Commit,
    Rollback,
    /// `set <name> to <value>`.
    Set(String, String),
    /// `reset <name>`; `reset all` without a name.
    Reset(Option<String>),
    Show(String),
    Discard,
    /// `deallocate <name>`; `deallocate all` without a name.
    Deallocate(Option<String>),
    Select(Vec<Column>),
}

impl Statement {
    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Set(name, value) => name.len() + value.len(),
            Self::Reset(Some(name)) | Self::Show(name) | Self::Deallocate(Some(name)) => name.len(),
            Self::Select(columns) => columns.iter().map(Column::weight).sum(),
            _ => 0,
        }
    }
}

/// A column of the one row that `select` gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) value: Value,
}

impl Column {
    fn weight(&self) -> usize {
        let text = if let Value::Text(text) = &self.value { text.len() } else { 0 };
        size_of::<Self>() + self.name.len() + text
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Integer(i32),
    Text(String),
    Boolean(bool),
    Null,
    User,
    Database,
    Schema,
    Version,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    /// A word without quotes, in lower case.
    Word(String),
    /// A name in double quotes.
    Name(String),
    /// A text in single quotes.
    Text(String),
    Number(&'a str),
    Symbol(char),
}

/// Reads the statements of a text, which semicolons separate.
pub(super) fn parse(text: &str) -> Result<Vec<Statement>, SqlError> {
    let tokens = tokens(text)?;
    let statements: Vec<_> = tokens.split(|token| *token == Token::Symbol(';')).collect();
    if statements.iter().all(|tokens| tokens.is_empty()) {
        return Ok(vec![Statement::Empty]);
    }
    statements.into_iter().filter(|tokens| !tokens.is_empty()).map(statement).collect()
}

fn unsupported() -> SqlError {
    SqlError::error("0A000", "the emulator has no database behind its door, and does not run this statement")
        .with_hint("It answers what drivers ask at log-in. Start it with --database URL to have a PostgreSQL there.")
}

fn statement(tokens: &[Token<'_>]) -> Result<Statement, SqlError> {
    let words: Vec<&str> = tokens.iter().map(|token| if let Token::Word(word) = token { word } else { "" }).collect();
    let named = |name: &Token<'_>| match name {
        Token::Word(name) | Token::Name(name) => Ok(name.clone()),
        _ => Err(unsupported()),
    };
    match &words[..] {
        ["begin", ..] | ["start", "transaction", ..] => Ok(Statement::Begin),
        ["commit" | "end"] | ["commit" | "end", "work" | "transaction"] => Ok(Statement::Commit),
        ["rollback" | "abort"] | ["rollback" | "abort", "work" | "transaction"] => Ok(Statement::Rollback),
        ["set", "session" | "local", ..] if words.get(2) != Some(&"to") && tokens.len() > 3 => set(&tokens[2..]),
        ["set", _, ..] => set(&tokens[1..]),
        ["reset", "all"] => Ok(Statement::Reset(None)),
        ["reset", _] => named(&tokens[1]).map(|name| Statement::Reset(Some(name))),
        ["show", "time", "zone"] => Ok(Statement::Show("timezone".to_owned())),
        ["show", "transaction", "isolation", "level"] => Ok(Statement::Show("transaction_isolation".to_owned())),
        ["show", _] => named(&tokens[1]).map(Statement::Show),
        ["discard", _] => Ok(Statement::Discard),
        ["deallocate", "all"] | ["deallocate", "prepare", "all"] => Ok(Statement::Deallocate(None)),
        ["deallocate", _] | ["deallocate", "prepare", _] => {
            named(&tokens[tokens.len() - 1]).map(|name| Statement::Deallocate(Some(name)))
        }
        ["select", ..] => {
            let end = words.iter().position(|word| *word == "where").unwrap_or(tokens.len());
            tokens.get(end + 1..).map_or(Ok(()), condition)?;
            let columns = tokens[1..end].split(|token| *token == Token::Symbol(','));
            if columns.clone().count() > MOST_COLUMNS {
                return Err(SqlError::error("54011", format!("a row can have at most {MOST_COLUMNS} columns")));
            }
            columns.map(column).collect::<Result<_, _>>().map(Statement::Select)
        }
        _ => Err(unsupported()),
    }
}

/// Reads what stands behind `set`: a name, `=` or `to`, and values.
fn set(tokens: &[Token<'_>]) -> Result<Statement, SqlError> {
    let (name, values) = match tokens {
        [Token::Word(time), Token::Word(zone), values @ ..] if time == "time" && zone == "zone" => ("timezone", values),
        [Token::Word(name) | Token::Name(name), Token::Symbol('='), values @ ..] => (name.as_str(), values),
        [Token::Word(name) | Token::Name(name), Token::Word(to), values @ ..] if to == "to" => (name.as_str(), values),
        [Token::Word(word), values @ ..] if word == "characteristics" || word == "transaction" => {
            (word.as_str(), values)
        }
        _ => return Err(unsupported()),
    };
    let mut value = String::new();
    for token in values {
        match token {
            Token::Symbol(symbol) => value.push(*symbol),
            Token::Word(text) | Token::Name(text) | Token::Text(text) => push_word(&mut value, text),
            Token::Number(text) => push_word(&mut value, text),
        }
    }
    if value.is_empty() && !values.iter().any(|token| matches!(token, Token::Text(_))) {
        return Err(unsupported());
    }
    Ok(Statement::Set(name.to_lowercase(), value))
}

fn push_word(value: &mut String, word: &str) {
    if value.ends_with(|last: char| last.is_alphanumeric() || last == ',') {
        value.push(' ');
    }
    value.push_str(word);
}

fn column(tokens: &[Token<'_>]) -> Result<Column, SqlError> {
    let call = [Token::Symbol('('), Token::Symbol(')')];
    let (name, value, rest) = match tokens {
        [Token::Symbol('-'), Token::Number(digits), rest @ ..] => ("?column?", integer(&format!("-{digits}"))?, rest),
        [Token::Number(digits), rest @ ..] => ("?column?", integer(digits)?, rest),
        [Token::Text(text), rest @ ..] => ("?column?", Value::Text(text.clone()), rest),
        [Token::Word(schema), Token::Symbol('.'), rest @ ..] if schema == "pg_catalog" && rest.len() > 2 => {
            return column(rest);
        }
        [Token::Word(word), rest @ ..] => {
            let behind = rest.strip_prefix(&call);
            let (value, rest) = match (&**word, behind) {
                ("null", None) => (Value::Null, rest),
                ("true", None) => (Value::Boolean(true), rest),
                ("false", None) => (Value::Boolean(false), rest),
                ("current_user" | "session_user" | "user", None) => (Value::User, rest),
                ("current_database", Some(rest)) => (Value::Database, rest),
                ("current_schema", Some(rest)) => (Value::Schema, rest),
                ("version", Some(rest)) => (Value::Version, rest),
                // As the key data at the log-in says: no process stands behind a session.
                ("pg_backend_pid", Some(rest)) => (Value::Integer(0), rest),
                _ => return Err(unsupported()),
            };
            let name = match &value {
                Value::Null => "?column?",
                Value::Boolean(_) => "bool",
                // Source: PostgreSQL, where `user` is another spelling of `current_user`.
                Value::User if word == "user" => "current_user",
                _ => word,
            };
            (name, value, rest)
        }
        _ => return Err(unsupported()),
    };
    let name = match rest {
        [] => name.to_owned(),
        [Token::Word(alias) | Token::Name(alias)] if alias != "as" => alias.clone(),
        [Token::Word(word), Token::Word(alias) | Token::Name(alias)] if word == "as" => alias.clone(),
        _ => return Err(unsupported()),
    };
    Ok(Column { name, value })
}

/// Reads the one condition that is known, which holds: everybody may use these schemas. Source: PostgreSQL, the privileges
/// of PUBLIC in a new database.
fn condition(tokens: &[Token<'_>]) -> Result<(), SqlError> {
    let [
        Token::Word(call),
        Token::Symbol('('),
        Token::Text(schema),
        Token::Symbol(','),
        Token::Text(privilege),
        Token::Symbol(')'),
    ] = tokens
    else {
        return Err(unsupported());
    };
    if call != "has_schema_privilege" || !privilege.eq_ignore_ascii_case("usage") {
        return Err(unsupported());
    }
    if ["pg_catalog", "information_schema", "public"].contains(&&**schema) {
        Ok(())
    } else {
        Err(SqlError::error("3F000", format!("schema \"{schema}\" does not exist")))
    }
}

fn integer(digits: &str) -> Result<Value, SqlError> {
    digits.parse().map(Value::Integer).map_err(|_| unsupported())
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, SqlError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let ends = |is_part: fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let end = if first.is_whitespace() {
            ends(char::is_whitespace)
        } else if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment(rest)?
        } else if first == '\'' || first == '"' {
            let (quoted, end) = quoted(rest, first)?;
            tokens.push(if first == '"' { Token::Name(quoted) } else { Token::Text(quoted) });
            end
        } else if first.is_ascii_digit() {
            let end = ends(|c| c.is_ascii_alphanumeric() || c == '.');
            tokens.push(Token::Number(&rest[..end]));
            end
        } else if first.is_alphabetic() || first == '_' {
            let end = ends(|c| c.is_alphanumeric() || c == '_' || c == '$');
            tokens.push(Token::Word(rest[..end].to_lowercase()));
            end
        } else {
            tokens.push(Token::Symbol(first));
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    Ok(tokens)
}

/// The length of the comment that a text begins with. Comments nest.
fn comment(text: &str) -> Result<usize, SqlError> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return Ok(at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            [_, ..] => at += 1,
            [] => return Err(SqlError::error("42601", "unterminated /* comment")),
        }
    }
}

/// The quoted part that a text begins with, without its quotes, and its length. A doubled quote stands for one.
fn quoted(text: &str, quote: char) -> Result<(String, usize), SqlError> {
    let mut content = String::new();
    let mut rest = text[1..].char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c != quote {
            content.push(c);
        } else if rest.next_if(|(_, next)| *next == quote).is_some() {
            content.push(quote);
        } else {
            return Ok((content, at + 2));
        }
    }
    Err(SqlError::error("42601", "unterminated quoted text"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn select(columns: &[(&str, Value)]) -> Statement {
        let column = |(name, value): &(&str, Value)| Column { name: (*name).to_owned(), value: value.clone() };
        Statement::Select(columns.iter().map(column).collect())
    }

    fn assert_parses(text: &str, expected: &[Statement]) {
        assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
    }

    #[rstest]
    #[case("", Statement::Empty)]
    #[case(" ; -- nothing\n;", Statement::Empty)]
    #[case("BEGIN", Statement::Begin)]
    #[case("begin transaction", Statement::Begin)]
    #[case("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", Statement::Begin)]
    #[case("commit;", Statement::Commit)]
    #[case("END TRANSACTION", Statement::Commit)]
    #[case("rollback", Statement::Rollback)]
    #[case("SET extra_float_digits = 3", Statement::Set("extra_float_digits".into(), "3".into()))]
    #[case("set session TimeZone to 'UTC'", Statement::Set("timezone".into(), "UTC".into()))]
    #[case("SET TIME ZONE 'UTC'", Statement::Set("timezone".into(), "UTC".into()))]
    #[case("set datestyle to ISO, MDY", Statement::Set("datestyle".into(), "iso, mdy".into()))]
    #[case("set query_group to ''", Statement::Set("query_group".into(), String::new()))]
    #[case("reset all", Statement::Reset(None))]
    #[case("RESET statement_timeout", Statement::Reset(Some("statement_timeout".into())))]
    #[case("show server_version", Statement::Show("server_version".into()))]
    #[case("show transaction isolation level", Statement::Show("transaction_isolation".into()))]
    #[case("DISCARD ALL", Statement::Discard)]
    #[case("deallocate \"S_1\"", Statement::Deallocate(Some("S_1".into())))]
    #[case("select 1", select(&[("?column?", Value::Integer(1))]))]
    #[case("/* a /* tool */ */ select 1 as id", select(&[("id", Value::Integer(1))]))]
    #[case("SELECT -1, 'it''s'", select(&[("?column?", Value::Integer(-1)), ("?column?", Value::Text("it's".into()))]))]
    #[case("select current_user", select(&[("current_user", Value::User)]))]
    #[case("select version(), current_database() db", select(&[("version", Value::Version), ("db", Value::Database)]))]
    #[case("select pg_catalog.version()", select(&[("version", Value::Version)]))]
    #[case("select current_schema() AS \"S\"", select(&[("S", Value::Schema)]))]
    #[case("select pg_backend_pid()", select(&[("pg_backend_pid", Value::Integer(0))]))]
    #[case("select 1 where has_schema_privilege('pg_catalog', 'USAGE')", select(&[("?column?", Value::Integer(1))]))]
    #[case("select null, true", select(&[("?column?", Value::Null), ("bool", Value::Boolean(true))]))]
    fn what_drivers_ask_at_log_in_is_understood(#[case] text: &str, #[case] expected: Statement) {
        assert_parses(text, &[expected]);
    }

    #[test]
    fn several_statements_stand_in_one_text() {
        assert_parses(
            "begin; select ';' x; commit;",
            &[Statement::Begin, select(&[("x", Value::Text(";".into()))]), Statement::Commit],
        );
    }

    #[rstest]
    #[case("create table t (a int)")]
    #[case("select * from pg_class")]
    #[case("select 1 from t")]
    #[case("select 99999999999")]
    #[case("select $1")]
    #[case("select 1 +")]
    #[case("select where")]
    #[case("select 1 where")]
    #[case("select 1 where true")]
    #[case("select 1 where has_schema_privilege('pg_catalog', 'create')")]
    #[case("select")]
    #[case("set x")]
    #[case("drop table t")]
    #[case("é")]
    fn anything_else_is_not_supported(#[case] text: &str) {
        let error = parse(text).unwrap_err();
        assert_eq!(error.code, "0A000");
    }

    #[rstest]
    #[case("select 'a")]
    #[case("select \"a")]
    #[case("/* a")]
    #[case("/* a /* b */")]
    fn what_has_no_end_is_a_syntax_error(#[case] text: &str) {
        assert_eq!(parse(text).unwrap_err().code, "42601");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_text_of_its_own_characters_is_too_odd(text in "[a ;'\"/*\\-1(),.é]{0,40}") {
            let _ = parse(&text);
        }
    }
}
