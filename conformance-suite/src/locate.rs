//! Where the cases are.

use std::path::{Path, PathBuf};

/// The variable that names OPA's evaluation cases (the folder with `v0` and `v1`).
pub const VARIABLE: &str = "REGOVM_OPA_CASES";

/// The root of this workspace.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Our own cases: they are part of the project.
pub fn own_cases() -> PathBuf {
    workspace().join("conformance-suite/cases")
}

/// OPA's cases: where the variable says, or beside the workspace or a folder
/// above it in `shared/opa/cases`.
///
/// # Errors
/// A text that says where they were looked for.
pub fn opa_cases() -> Result<PathBuf, String> {
    let found = |path: &Path| path.join("v1").is_dir();
    if let Some(path) = std::env::var_os(VARIABLE) {
        let path = PathBuf::from(path);
        return if found(&path) {
            Ok(path)
        } else {
            Err(format!(
                "OPA's cases were not found: {VARIABLE} is {}, which has no folder v1",
                path.display()
            ))
        };
    }
    let workspace = workspace();
    // A work tree of git may stand one level deeper than the checkout.
    for above in workspace.ancestors().skip(1).take(3) {
        let path = above.join("shared/opa/cases");
        if found(&path) {
            return Ok(path);
        }
    }
    Err(format!(
        "OPA's cases were not found: neither in {} nor by {VARIABLE}.\n\
         Export them from OPA's Go module: cd conformance-suite/oracle && go run . export-cases /tmp/opa, \
         then {VARIABLE}=/tmp/opa/cases",
        workspace
            .parent()
            .unwrap_or(&workspace)
            .join("shared/opa/cases")
            .display()
    ))
}
