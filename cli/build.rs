//! How the command is linked: so that it starts quickly. A query of two milliseconds notices each page that is loaded or written.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

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

    // The rest is for the linker that this toolchain has for x86-64, LLD, and for optimised builds.
    let other_linker = env::var_os("RUSTC_LINKER").is_some()
        || variable("CARGO_ENCODED_RUSTFLAGS").contains("link");
    if target("ARCH") != "x86_64" || variable("PROFILE") != "release" || other_linker {
        return;
    }
    // Functions that have other names now are passed over.
    let order = Path::new(&variable("CARGO_MANIFEST_DIR")).join(START_ORDER);
    println!("cargo:rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    println!("cargo:rustc-link-arg-bins=-Xlinker");
    println!(
        "cargo:rustc-link-arg-bins=--symbol-ordering-file={}",
        order.display()
    );
    // One library less to load, where the compiler has it to link.
    if let Some(folder) = unwinder() {
        println!("cargo:rustc-link-search=native={}", folder.display());
        println!("cargo:rustc-link-lib=static=gcc_eh");
    }
}

/// Where GCC keeps what unwinds the stack, if it is there.
fn unwinder() -> Option<PathBuf> {
    let asked = Command::new("cc")
        .arg("-print-file-name=libgcc_eh.a")
        .output()
        .ok()?;
    let file = PathBuf::from(String::from_utf8(asked.stdout).ok()?.trim());
    let folder = file.parent()?;
    (file.is_absolute() && file.exists()).then(|| folder.to_owned())
}
