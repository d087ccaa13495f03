//! Turns `grammar.lalrpop` into a parser.

#[allow(clippy::disallowed_macros)] // This is how a build script talks to cargo.
fn main() {
    println!("cargo:rerun-if-changed=src/grammar.lalrpop");
    if let Err(error) = lalrpop::process_src() {
        panic!("grammar.lalrpop: {error}");
    }
}
