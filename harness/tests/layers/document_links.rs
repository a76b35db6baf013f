//! Every link of a document leads somewhere: to a file of this project, or to a heading of a document.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{files, harness};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files of this project, with what stands in them.
fn documents() -> Vec<(PathBuf, String)> {
    let found = [vec![root().join("README.md")], files(&harness(), "md")].concat();
    found.into_iter().map(|file| (file.clone(), fs::read_to_string(file).expect("it can be read"))).collect()
}

/// The anchors that GitHub gives the headings of a document.
fn anchors(text: &str) -> BTreeSet<String> {
    let (mut anchors, mut heading) = (BTreeSet::new(), None);
    for event in Parser::new_ext(text, Options::empty()) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let title = heading.take().unwrap_or_default().to_lowercase().replace(' ', "-");
                anchors.insert(title.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect());
            }
            _ => {}
        }
    }
    anchors
}

/// Where the links of a document lead, those to other hosts aside.
fn links(text: &str) -> Vec<String> {
    let links = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    });
    links.filter(|link| !link.contains("://")).collect()
}

/// Cargo leaves a folder with a manifest out of the package around it, and what is compiled in must be in a package. So the
/// workspace names each such folder as a dependency, in its own version. Nothing of the fuzz targets is compiled in.
#[test]
fn a_folder_that_would_be_missing_from_the_package_is_one_that_it_depends_on() {
    let ours = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let mut found = 0;
    for folder in ["harness", "fixtures", "schemas"] {
        let manifests = files(&root().join(folder), "toml").into_iter().filter(|file| file.ends_with("Cargo.toml"));
        for manifest in manifests.filter(|manifest| !manifest.starts_with(harness().join("fuzz"))) {
            let package = manifest.strip_prefix(root()).expect("below it").parent().expect("a folder");
            let dependency = format!("{{ version = \"={}\", path = {package:?}", env!("CARGO_PKG_VERSION"));
            assert!(ours.contains(&dependency), "expected {dependency} in the dependencies of the workspace");
            found += 1;
        }
    }
    assert_eq!(found, 2);
}

#[test]
fn every_link_to_a_file_or_a_heading_leads_there() {
    let mut followed = 0;
    for (document, text) in documents() {
        for link in links(&text) {
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(path, at)| (path, Some(at)));
            let folder = document.parent().expect("a folder");
            let target = if path.is_empty() { document.clone() } else { folder.join(path) };
            assert!(target.exists(), "{}: there is no {link}", document.to_string_lossy());
            if let Some(anchor) = anchor {
                let text = fs::read_to_string(&target).expect("it can be read");
                assert!(anchors(&text).contains(anchor), "{}: there is no heading {link}", document.to_string_lossy());
            }
            followed += 1;
        }
    }
    assert!(followed >= 15, "only {followed} links were found");
}

/// A reader begins with the README, and finds every document from there.
#[test]
fn every_document_is_reached_from_the_readme() {
    let real = |path: PathBuf| path.canonicalize().expect("it is there");
    let documents: BTreeMap<_, _> = documents().into_iter().map(|(file, text)| (real(file), text)).collect();
    let (mut reached, mut next) = (BTreeSet::new(), vec![real(root().join("README.md"))]);
    while let Some(document) = next.pop() {
        let Some(text) = documents.get(&document) else { continue };
        if reached.insert(document.clone()) {
            let folder = document.parent().expect("a folder");
            let paths = links(text).into_iter().map(|link| link.split('#').next().unwrap_or_default().to_owned());
            next.extend(paths.filter(|path| !path.is_empty()).map(|path| real(folder.join(path))));
        }
    }
    let missed: Vec<_> = documents.keys().filter(|document| !reached.contains(*document)).collect();
    assert!(missed.is_empty(), "no link leads to {missed:?}");
}

#[test]
fn every_page_says_first_and_in_one_sentence_what_it_is_for() {
    let pages = files(&harness().join("docs"), "md");
    assert!(pages.len() >= 7, "only {} pages were found", pages.len());
    for page in pages {
        let text = fs::read_to_string(&page).expect("it can be read");
        let mut parts = text.split("\n\n");
        let (title, purpose) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        assert!(title.starts_with("# "), "{}: no heading comes first", page.to_string_lossy());
        let is_one_sentence = purpose.ends_with('.') && !purpose.replace('\n', " ").contains(". ");
        assert!(
            purpose.starts_with("This page says ") && is_one_sentence,
            "{}: not one sentence says what it is for: {purpose}",
            page.to_string_lossy()
        );
    }
}

/// A path in a code span, such as `harness/kit/`, is one of this project where it begins with one of its folders.
#[test]
fn every_path_that_a_document_names_is_there() {
    let mut link_count = 0;
    for (document, text) in documents() {
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            let Event::Code(code) = event else { continue };
            let ours = ["harness/", "fixtures/", "schemas/", "snapshots/", ".ci/"];
            let is_path = ours.iter().any(|folder| code.starts_with(folder)) && !code.contains(['<', '*', ' ']);
            if is_path {
                assert!(root().join(&*code).exists(), "{}: there is no {code}", document.to_string_lossy());
                link_count += 1;
            }
        }
    }
    assert!(link_count >= 15, "only {link_count} paths were found");
}
