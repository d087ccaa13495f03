//! How fast JSON is read, here and by others, in one run.
//!
//! `cargo run --release -p regovm-benches --bin ingest [RESOURCES ..]` prints a table for plans of so many resources
//! (10,000 and 50,000 if none are given; the larger one has 170 MB) and for texts that are hard in some way: medians,
//! times compared with sonic-rs, bytes of arena for each byte of text, and instructions for each byte if `valgrind` is
//! there. The readers take turns, so that a machine that does something else as well is fair to all of them.

use std::ffi::OsStr;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use regovm::internals::core::value::Arena;
use regovm_benches::callgrind;
use regovm_benches::ingest::{Reader, Text, projection, read};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, file] = arguments.as_slice()
        && flag == "--once"
    {
        return once(name, file);
    }
    let plans: Option<Vec<usize>> = match arguments.as_slice() {
        [] => Some(vec![10_000, 50_000]),
        given => given.iter().map(|number| number.parse().ok()).collect(),
    };
    let Some(plans) = plans else {
        eprintln!("usage: ingest [RESOURCES ..]");
        return ExitCode::FAILURE;
    };
    println!("| text | reader | median | GB/s | of sonic-rs | arena/byte | instructions/byte |");
    println!("|---|---|---|---|---|---|---|");
    for text in Text::odd() {
        table(&text, 101);
    }
    table(&Text::review(), 1001);
    for resources in plans {
        let text = Text::plan(resources);
        table(&text, if text.bytes.len() > 50_000_000 { 7 } else { 21 });
    }
    ExitCode::SUCCESS
}

fn table(text: &Text, rounds: usize) {
    let plan = text.name.starts_with("plan");
    let readers: Vec<Reader> = Reader::ALL
        .into_iter()
        .filter(|reader| plan || !matches!(reader, Reader::Projected | Reader::Strict))
        .collect();
    let projection = projection();
    let mut warm = Arena::new();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); readers.len()];
    let mut used = vec![0; readers.len()];
    for round in 0..=rounds {
        for (at, reader) in readers.iter().enumerate() {
            used[at] = read(*reader, &text.bytes, &mut warm, &projection, &mut |work| {
                let started = Instant::now();
                work();
                let taken = started.elapsed();
                // The first round only warms up.
                if round > 0 {
                    times[at].push(taken);
                }
            });
        }
    }
    let medians: Vec<f64> = times
        .into_iter()
        .map(|mut times| {
            times.sort();
            times[times.len() / 2].as_secs_f64()
        })
        .collect();
    let sonic = readers
        .iter()
        .position(|reader| *reader == Reader::Sonic)
        .map_or(f64::NAN, |at| medians[at]);
    let bytes = text.bytes.len() as f64;
    let counted = instructions(&text.bytes, &readers);
    for (at, reader) in readers.iter().enumerate() {
        let arena = match used[at] {
            0 => String::new(),
            used => format!("{:.2}", used as f64 / bytes),
        };
        let counted = counted
            .as_ref()
            .and_then(|counts| counts[at])
            .map_or(String::new(), |count| format!("{:.2}", count / bytes));
        println!(
            "| {} | {} | {:.3} ms | {:.2} | {:.2} | {arena} | {counted} |",
            text.name,
            reader.name(),
            medians[at] * 1e3,
            bytes / medians[at] / 1e9,
            medians[at] / sonic,
        );
    }
    let _ = std::io::stdout().flush();
}

/// Texts longer than this are not read under `valgrind`.
const COUNTED: usize = 40 << 20;

/// Instructions that each reader takes for a text, if there is `valgrind`.
fn instructions(text: &[u8], readers: &[Reader]) -> Option<Vec<Option<f64>>> {
    if text.len() > COUNTED {
        return None;
    }
    let file = std::env::temp_dir().join(format!("regovm-ingest-{}.json", std::process::id()));
    std::fs::write(&file, text).ok()?;
    let count = |reader: Reader| -> Option<f64> {
        let arguments = [
            OsStr::new("--once"),
            OsStr::new(reader.name()),
            file.as_os_str(),
        ];
        callgrind::instructions(&arguments).map(|count| count as f64)
    };
    let nothing = count(Reader::Nothing);
    let counts = readers
        .iter()
        // What is warm has read before: that counts as well.
        .filter(|_| nothing.is_some())
        .map(|reader| match reader {
            Reader::Warm => None,
            reader => Some(count(*reader)? - nothing?),
        })
        .collect::<Vec<_>>();
    let _ = std::fs::remove_file(&file);
    nothing.map(|_| counts)
}

/// Reads a file once with one reader.
fn once(name: &str, file: &str) -> ExitCode {
    let reader = Reader::ALL
        .into_iter()
        .chain([Reader::Nothing])
        .find(|reader| reader.name() == name);
    let (Some(reader), Ok(text)) = (reader, std::fs::read(file)) else {
        return ExitCode::FAILURE;
    };
    let mut warm = Arena::new();
    read(reader, &text, &mut warm, &projection(), &mut |work| work());
    ExitCode::SUCCESS
}
