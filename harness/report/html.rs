//! The report as one HTML file: opens from disk, asks no network, is read without script.
//!
//! [`Html`] is of one run or several; several stand side by side. `view` says
//! what is on the page, `html/page.html` how it looks. Everything that is put into the page is escaped
//! twice: what is invisible is made visible, and what HTML would take for markup is taken for text.

mod cases;
mod exchange;
mod findings;
mod parts;
mod requirements;
mod runs;
mod view;

use std::fmt::Write as _;
use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, Error, Output, State};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::formats::{Report, Runs};
use crate::text::escape;

/// The page and the parts that it includes.
const TEMPLATES: [(&str, &str); 6] = [
    ("page.html", include_str!("html/page.html")),
    ("overview.html", include_str!("html/overview.html")),
    ("findings.html", include_str!("html/findings.html")),
    ("requirements.html", include_str!("html/requirements.html")),
    ("cases.html", include_str!("html/cases.html")),
    ("macros.html", include_str!("html/macros.html")),
];
const STYLE: &str =
    concat!(include_str!("html/page.css"), include_str!("html/narrow.css"), include_str!("html/print.css"));
const SCRIPT: &str = include_str!("html/page.js");

/// The report as HTML.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Report for Html {
    fn write(&self, heard: Runs<'_>, out: &mut dyn Write) -> io::Result<()> {
        let page = view::page(heard.runs, heard.register);
        let text = render(&page).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())
    }
}

fn render(page: &view::Page) -> Result<String, Error> {
    render_page(&TEMPLATES, page, page.tool(), STYLE, Some(SCRIPT))
}

/// A page of ours: the first of some templates with its values in it, with the head that all pages have.
pub(crate) fn render_page<'t>(
    templates: &[(&'t str, &'t str)],
    page: &impl Serialize,
    tool: &str,
    style: &str,
    script: Option<&str>,
) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(visible);
    environment.add_template("head.html", include_str!("html/head.html"))?;
    for (name, template) in templates {
        environment.add_template(name, template)?;
    }
    let context = minijinja::context! {
        page => Value::from(Serde(page)),
        tool => tool,
        policy => policy(style, script),
        style => Value::from_safe_string(style.to_owned()),
        script => Value::from_safe_string(script.unwrap_or_default().to_owned()),
    };
    environment.get_template(templates[0].0)?.render(context)
}

/// Only this style and this script; nothing is loaded, sent or embedded.
fn policy(style: &str, script: Option<&str>) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let script = script.map_or_else(String::new, |script| format!(" script-src {};", hash(script)));
    format!("default-src 'none'; style-src {};{script} base-uri 'none'; form-action 'none'", hash(style))
}

/// Writes a value: texts with every control and invisible character shown, and escaped for HTML, in
/// text and in double-quoted attributes.
fn visible(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.as_str() {
        Some(text) if !value.is_safe() => {
            for character in escape(text).chars() {
                match character {
                    '&' => out.write_str("&amp;")?,
                    '<' => out.write_str("&lt;")?,
                    '>' => out.write_str("&gt;")?,
                    '"' => out.write_str("&#34;")?,
                    plain => out.write_char(plain)?,
                }
            }
            Ok(())
        }
        _ => minijinja::escape_formatter(out, state, value),
    }
}

#[cfg(test)]
mod tests;
