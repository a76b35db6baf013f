//! A source file as the tokens that ship, and the paths of ours that they name.

use std::collections::BTreeSet;
use std::slice::Iter;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// A path inside the library, without `crate`: `["wire", "Secret"]`.
pub(crate) type Path = Vec<String>;

/// A source file without comments and without what only tests see.
pub(crate) struct Source(TokenStream);

impl Source {
    pub(crate) fn of(text: &str) -> Self {
        Self(production(text.parse().expect("a source file of Rust")))
    }

    /// Its text, with single spaces between tokens and none around `::`.
    pub(crate) fn text(&self) -> String {
        self.0.to_string().replace(" :: ", "::")
    }

    /// Every path that it names from the crate's root, from itself or from above itself, in `use`
    /// lines and elsewhere, as it is from the root. The file is this module.
    pub(crate) fn paths(&self, module: &[&str]) -> BTreeSet<Path> {
        let mut paths = BTreeSet::new();
        collect(&self.0, &module.iter().map(ToString::to_string).collect::<Vec<_>>(), &mut paths);
        paths
    }
}

/// The tokens without documentation and without items for tests.
fn production(tokens: TokenStream) -> TokenStream {
    let mut shipped = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let inner = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#')
            && matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
        let mark = if inner { tokens.next() } else { None };
        match (&token, tokens.peek()) {
            (TokenTree::Punct(punct), Some(TokenTree::Group(group))) if punct.as_char() == '#' => {
                let attribute = group.stream().to_string().replace(' ', "");
                if attribute.starts_with("doc=") {
                    tokens.next();
                    continue;
                }
                if attribute == "cfg(test)" {
                    tokens.next();
                    skip_item(&mut tokens);
                    continue;
                }
            }
            _ => {}
        }
        shipped.push(match token {
            TokenTree::Group(group) => Group::new(group.delimiter(), production(group.stream())).into(),
            token => token,
        });
        shipped.extend(mark);
    }
    shipped.into_iter().collect()
}

/// Passes over an item: to its block, or to its semicolon where it has none or begins like a statement.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    let mut statement = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if ["use", "const", "static", "type"].iter().any(|begin| word == begin) => {
                statement = true;
            }
            TokenTree::Ident(word) if word == "fn" => statement = false,
            TokenTree::Punct(punct) if punct.as_char() == ';' => return,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !statement => return,
            _ => {}
        }
    }
}

fn collect(tokens: &TokenStream, module: &[String], paths: &mut BTreeSet<Path>) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut rest = trees.iter();
    let mut inline = None;
    while let Some(token) = rest.next() {
        match token {
            TokenTree::Ident(word) if word == "mod" => {
                inline = rest.as_slice().first().map(ToString::to_string);
            }
            TokenTree::Ident(word) if begins(word) && passed_colons(&mut rest) => {
                let base = base(word, module);
                tree(base, &mut rest, paths);
            }
            // Under another name, anything may follow.
            TokenTree::Ident(word) if begins(word) && renamed(&rest) => _ = paths.insert(base(word, module)),
            TokenTree::Group(group) => match inline.take().filter(|_| group.delimiter() == Delimiter::Brace) {
                Some(name) => collect(&group.stream(), &[module, &[name]].concat(), paths),
                None => collect(&group.stream(), module, paths),
            },
            TokenTree::Punct(punct) if punct.as_char() == ';' => inline = None,
            _ => {}
        }
    }
}

fn begins(word: &Ident) -> bool {
    ["crate", "countersign_core", "super", "self"].iter().any(|begin| word == begin)
}

fn renamed(rest: &Iter<'_, TokenTree>) -> bool {
    matches!(rest.as_slice().first(), Some(TokenTree::Ident(word)) if word == "as")
}

fn base(word: &Ident, module: &[String]) -> Path {
    match word.to_string().as_str() {
        // The modules of the library below have the same names in the one above.
        "crate" | "countersign_core" => Vec::new(),
        "super" => module[..module.len().saturating_sub(1)].to_vec(),
        _ => module.to_vec(),
    }
}

/// Passes over `::`, where it comes next.
fn passed_colons(rest: &mut Iter<'_, TokenTree>) -> bool {
    let colons = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    let found = colons(rest.as_slice().first()) && colons(rest.as_slice().get(1));
    if found {
        rest.nth(1);
    }
    found
}

/// Reads what stands behind the `::` of a path: a name and perhaps more, or several in braces.
fn tree(mut path: Path, rest: &mut Iter<'_, TokenTree>, paths: &mut BTreeSet<Path>) {
    match rest.as_slice().first() {
        Some(TokenTree::Ident(word)) => {
            rest.next();
            match word.to_string().as_str() {
                "super" => _ = path.pop(),
                "self" => {}
                name => path.push(name.to_owned()),
            }
            if passed_colons(rest) {
                tree(path, rest, paths);
            } else {
                paths.insert(path);
            }
        }
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            rest.next();
            let trees: Vec<TokenTree> = group.stream().into_iter().collect();
            let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
            for part in trees.split(comma).filter(|part| !part.is_empty()) {
                tree(path.clone(), &mut part.iter(), paths);
            }
        }
        // A `*`, or the `<` of type arguments.
        _ => _ = paths.insert(path),
    }
}
