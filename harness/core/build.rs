//! Generates a method of `Target` for each resource in the fixtures.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

fn main() {
    // The build of `countersign-fixtures` says it.
    let fixtures = env::var("DEP_COUNTERSIGN_FIXTURES_FOLDER").expect("the fixtures say where they are");
    let services = PathBuf::from(fixtures).join("services");
    println!("cargo::rerun-if-changed={}", services.to_string_lossy());
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names a folder for what is made"));
    let mut code = String::from("impl Target {\n");
    for folder in fs::read_dir(services).expect("there are services") {
        let file = folder.expect("a folder").path().join("service.json");
        let service = fs::read_to_string(&file).map_err(|error| error.to_string());
        let service = service.and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
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
