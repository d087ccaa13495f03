//! `docs/builtins.md` says what the declarations say.

use std::path::Path;

use regovm::internals::builtin_reference;

#[test]
fn the_reference_of_built_ins_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/builtins.md");
    let text = builtin_reference();
    if std::env::var_os("REGOVM_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/builtins.md is not up to date: REGOVM_BLESS=1 cargo test -p regovm-conformance --test reference"
    );
}
