//! How the command is linked: so that it starts quickly. A query of two milliseconds notices each page that is loaded or written.

use std::env;
use std::path::Path;

/// The functions that starting runs; `link/record-start-order` writes it.
const START_ORDER: &str = "link/start-order.txt";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={START_ORDER}");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let target = |name: &str| variable(&format!("CARGO_CFG_TARGET_{name}"));
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    // At a fixed address, as Go links: the loader need not write 100 pages of addresses.
    println!("cargo:rustc-link-arg-bins=-no-pie");
    // LLD, the linker of this toolchain for x86-64 unless somebody chose another, puts functions into a given order. Only
    // optimised builds have functions of these names.
    let other_linker = env::var_os("RUSTC_LINKER").is_some()
        || variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if target("ARCH") == "x86_64" && variable("PROFILE") == "release" && !other_linker {
        let order = Path::new(&variable("CARGO_MANIFEST_DIR")).join(START_ORDER);
        println!("cargo:rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
        println!("cargo:rustc-link-arg-bins=-Xlinker");
        println!(
            "cargo:rustc-link-arg-bins=--symbol-ordering-file={}",
            order.display()
        );
    }
}
