//! Ctrl-C: whoever listens is asked to come to an end; a second one, and a first one if nobody listens, does not wait.
//! No file stays behind half-written.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Exit status of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// What Ctrl-C sets.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
/// Whether somebody looks at it.
static LISTENS: AtomicBool = AtomicBool::new(false);
/// The file that is being written, which nobody wants before it is whole.
static UNFINISHED: Mutex<Option<PathBuf>> = Mutex::new(None);

fn unfinished_file() -> MutexGuard<'static, Option<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn installed() -> &'static Arc<AtomicBool> {
    FLAG.get_or_init(|| {
        let flag = Arc::new(AtomicBool::new(false));
        let theirs = flag.clone();
        // Only a second handler could make this fail, and there is none.
        let _ = ctrlc::set_handler(move || {
            if theirs.swap(true, Ordering::Relaxed) || !LISTENS.load(Ordering::Relaxed) {
                // Held to the end, so that no other file is begun.
                let unfinished = unfinished_file();
                if let Some(path) = unfinished.as_deref() {
                    let _ = std::fs::remove_file(path);
                }
                std::process::exit(INTERRUPTED);
            }
        });
        flag
    })
}

/// A flag that Ctrl-C sets.
pub fn flag() -> Arc<AtomicBool> {
    LISTENS.store(true, Ordering::Relaxed);
    installed().clone()
}

/// True once Ctrl-C was pressed.
pub fn is_set(flag: &Arc<AtomicBool>) -> bool {
    flag.load(Ordering::Relaxed)
}

/// As long as this lives, Ctrl-C removes a file.
pub struct Unfinished(());

impl Unfinished {
    /// Creates the file that is written now; there is one at a time.
    pub fn create(path: &Path) -> io::Result<(File, Unfinished)> {
        installed();
        let mut unfinished = unfinished_file();
        let file = File::create_new(path)?;
        *unfinished = Some(path.to_path_buf());
        Ok((file, Unfinished(())))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        *unfinished_file() = None;
    }
}
