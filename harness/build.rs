//! The fixtures are compiled into the library: an edited fixture must rebuild it. What code of others calls by name is
//! made from them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

fn main() {
    println!("cargo::rerun-if-changed=fixtures");
    println!("cargo::rerun-if-changed=schemas");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo names the folder of the project"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names a folder for what is made"));
    fs::write(out.join("having.rs"), having(&resources(&root))).expect("the folder can be written to");
}

/// The resources of every service of the fixtures.
fn resources(root: &Path) -> Vec<Value> {
    let services = fs::read_dir(root.join("fixtures/services")).expect("there are services");
    let mut found = Vec::new();
    for folder in services {
        let file = folder.expect("a folder").path().join("service.json");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.to_string_lossy()));
        let service: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.to_string_lossy()));
        found.extend(service["resources"].as_array().expect("a service has resources").clone());
    }
    found
}

/// A method of `Target` for each resource.
fn having(resources: &[Value]) -> String {
    let mut code = String::from("impl Target {\n");
    for resource in resources {
        let text = |key: &str| resource[key].as_str().unwrap_or_else(|| panic!("a resource has no {key}"));
        let (id, noun, name) = (text("id"), text("noun"), text("placeholder"));
        let _ = write!(
            code,
            "    /// The same target with the name of a {noun} that it has; it claims the feature that the {noun}\n    \
             /// belongs to, where there is one.\n    \
             #[must_use]\n    \
             pub fn with_{name}(self, name: impl Into<String>) -> Self {{\n        self.having({id:?}, name)\n    }}\n"
        );
    }
    code.push_str("}\n");
    code
}
