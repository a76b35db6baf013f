//! Says how programs are linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=harness/build.rs");
    println!("cargo::rerun-if-changed=harness/without_unwind_tables.ld");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        // The tests start the program of a debug build thousands of times. In a position-independent program, each
        // start first corrects all addresses.
        if is("PROFILE", "debug") {
            println!("cargo::rustc-link-arg-bins=-no-pie");
        }
        // In the program that is handed out, functions with the same code are one (3 %), and there are no tables for
        // unwinding, because a panic ends the program (12 %). Only LLD can do the first, the linker that Rust brings for
        // this target.
        if is("OPT_LEVEL", "z") && is("CARGO_CFG_TARGET_ARCH", "x86_64") {
            let root = env::var("CARGO_MANIFEST_DIR").expect("cargo names the folder of the package");
            println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
            println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr,-T,{root}/harness/without_unwind_tables.ld");
        }
    }
}
