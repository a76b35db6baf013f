//! The fixtures are compiled into the library; an edited fixture must rebuild it.

fn main() {
    println!("cargo::rerun-if-changed=fixtures");
    println!("cargo::rerun-if-changed=schemas");
}
