//! Rebuilds the library when a fixture changes, because the fixtures are compiled into it. Also generates a method of
//! `Target` for each resource in the fixtures, and says how programs are linked.

use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

fn main() {
    println!("cargo::rerun-if-changed=fixtures");
    println!("cargo::rerun-if-changed=schemas");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // The tests start the program of a debug build thousands of times. In a position-independent program, each
        // start first corrects all addresses.
        if is("PROFILE", "debug") {
            println!("cargo::rustc-link-arg-bins=-no-pie");
        }
        // In the program that is handed out, functions with the same code are one: 3 %. Only LLD can do this, the
        // linker that Rust brings for this target.
        if is("OPT_LEVEL", "z") && is("CARGO_CFG_TARGET_ARCH", "x86_64") {
            println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        }
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo names the folder of the project"));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo names a folder for what is made"));
    let mut code = String::from("impl Target {\n");
    for folder in fs::read_dir(root.join("fixtures/services")).expect("there are services") {
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
