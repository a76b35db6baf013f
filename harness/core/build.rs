//! Generates a method of `Target` for each resource in the fixtures.

use std::path::PathBuf;
use std::{env, fs};

use countersign_fixtures::FIXTURES;
use serde_json::Value;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names a folder for what is made"));
    let mut code = String::from("impl Target {\n");
    for folder in FIXTURES.get_dir("services").expect("there are services").dirs() {
        let file = folder.path().join("service.json");
        let text = FIXTURES.get_file(&file).and_then(|file| file.contents_utf8()).expect("a service is described");
        let service = serde_json::from_str::<Value>(text);
        let service = service.unwrap_or_else(|error| panic!("{}: {error}", file.to_string_lossy()));
        service["resources"].as_array().expect("a service has resources").iter().for_each(|of| code += &having(of));
    }
    code += "}\n";
    fs::write(out.join("having.rs"), code).expect("the folder can be written to");
}

/// The method of `Target` for a resource.
fn having(resource: &Value) -> String {
    let text = |key: &str| resource[key].as_str().unwrap_or_else(|| panic!("a resource has no {key}"));
    let (id, noun, name) = (text("id"), text("noun"), text("placeholder"));
    format!(
        "    /// The same target with the name of a {noun} that it has; it claims the feature that the {noun}\n    \
         /// belongs to, where there is one.\n    \
         #[must_use]\n    \
         pub fn with_{name}(self, name: impl Into<String>) -> Self {{\n        self.having({id:?}, name)\n    }}\n"
    )
}
