//! `--watch`: runs the tests again whenever a file changes.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use notify::event::EventKind;
use notify::{RecursiveMode, Watcher};

use super::{ERROR, TestArgs};
use crate::interrupt;

/// How long to wait before looking for Ctrl-C again.
const PATIENCE: Duration = Duration::from_millis(100);

/// Changes that come within this time of each other are one: editors write in several steps.
const SETTLE: Duration = Duration::from_millis(50);

/// Runs the tests now and after each change, until Ctrl-C.
pub fn run(args: &TestArgs, cancel: &Arc<AtomicBool>) -> io::Result<u8> {
    let (sender, changes) = mpsc::channel();
    let watched = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading a file is no change.
        if event.is_ok_and(|event| !matches!(event.kind, EventKind::Access(_))) {
            let _ = sender.send(());
        }
    })
    .and_then(|mut watcher| {
        for path in &args.paths {
            let (_, path) = crate::load::split_prefix(path);
            let path = path.strip_prefix("file://").unwrap_or(path);
            watcher.watch(Path::new(path), RecursiveMode::Recursive)?;
        }
        Ok(watcher)
    });
    // As long as the watcher lives, changes arrive.
    let _watcher = match watched {
        Ok(watcher) => watcher,
        Err(error) => {
            let paths: Vec<String> = error
                .paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            writeln!(
                io::stderr(),
                "Error creating path watcher:  {} {}",
                error,
                paths.join(" ")
            )?;
            return Ok(ERROR);
        }
    };
    loop {
        super::all(args, cancel)?;
        let mut out = io::stdout().lock();
        writeln!(out, "{}\nWatching for changes ...", "*".repeat(80))?;
        out.flush()?;
        drop(out);
        loop {
            if interrupt::is_set(cancel) {
                return Ok(0);
            }
            match changes.recv_timeout(PATIENCE) {
                Ok(()) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(ERROR),
            }
        }
        while changes.recv_timeout(SETTLE).is_ok() {}
    }
}
