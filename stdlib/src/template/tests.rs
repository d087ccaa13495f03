//! Bounds and corners that recorded answers do not reach; those stand in `tests/answers-template.jsonl`.

use regovm_core::builtin::{BuiltinError, Caches, Call, StopReason, Unmetered};
use regovm_core::host::NoHost;
use regovm_core::value::Arena;

use super::{exec, parser, render};

/// On the stack that threads have.
fn rendered(template: String) -> Result<String, BuiltinError> {
    let run = move || {
        let arena = Arena::new();
        let (mut meter, mut host, mut caches) = (Unmetered, NoHost, Caches::new());
        let mut cx = Call::new(&arena, &mut meter, &mut host, &mut caches);
        let one = arena.integer(1);
        let values = arena.object_from([(arena.string("a"), one)]);
        let value = render(&mut cx, &[arena.string(&template), values])?;
        Ok(value
            .and_then(|value| value.as_str())
            .unwrap_or("")
            .to_owned())
    };
    std::thread::spawn(run).join().expect("no panic")
}

#[test]
fn what_nests_too_deep_is_refused() {
    let depth = parser::DEPTH;
    let deep = |n: usize| format!("{}x{}", "{{if .a}}".repeat(n), "{{end}}".repeat(n));
    assert_eq!(rendered(deep(depth)), Ok("x".to_owned()));
    let refused = Err(BuiltinError::Stop(StopReason::Depth));
    assert_eq!(rendered(deep(depth + 1)), refused);
    let pipe = |n: usize| format!("{{{{{}.a{}}}}}", "(".repeat(n), ")".repeat(n));
    assert_eq!(rendered(pipe(depth)), Ok("1".to_owned()));
    assert_eq!(rendered(pipe(depth + 1)), refused);
    let chain = "{{if not .a}}".to_owned() + &"{{else if not .a}}".repeat(10_000) + "{{end}}";
    assert_eq!(rendered(chain), refused);
}

#[test]
fn templates_that_call_themselves_end() {
    let template = "{{define \"t\"}}{{template \"t\" .}}{{end}}{{template \"t\" .}}";
    let depth = exec::DEPTH;
    let message = format!(
        "template: template:1:25: executing \"t\" at <{{{{template \"t\" .}}}}>: exceeded maximum template depth ({depth})"
    );
    assert_eq!(
        rendered(template.to_owned()),
        Err(BuiltinError::Value(message))
    );
    let deep = format!(
        "{{{{define \"t\"}}}}{}{{{{template \"t\" .}}}}{}{{{{end}}}}{{{{template \"t\" .}}}}",
        "{{with .}}".repeat(90),
        "{{end}}".repeat(90)
    );
    assert_eq!(rendered(deep), Err(BuiltinError::Stop(StopReason::Depth)));
}
