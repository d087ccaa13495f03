//! Budgets, errors and hostile programs.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use proptest::prelude::*;
use regovm_core::Code;
use regovm_core::builtin::StopReason;
use regovm_vm::{Deadline, EvalError, Options, Parts, Program};

/// Three iterations over a thousand elements, one inside the other.
const LOOPS: &str = r#"
    path
    rule data.p.bomb
      LoadInput r0 path0 else end
      IterOpen iter0 r0
    a:
      IterNext iter0 r1 _ else end
      IterOpen iter1 r0
    b:
      IterNext iter1 r1 _ else a
      IterOpen iter2 r0
    c:
      IterNext iter2 r1 _ else b
      Jump c
    end:
      ReturnUndefined
    query x
      Call r0 f0 [] else end2
      EmitRow [r0]
    end2:
      ReturnUndefined
"#;

/// Appends to a collector for ever (nearly).
const COLLECTOR: &str = r#"
    path
    rule data.p.bomb
      LoadInput r0 path0 else end
      OpenArray build0
      IterOpen iter0 r0
    a:
      IterNext iter0 r1 _ else end
      IterOpen iter1 r0
    b:
      IterNext iter1 r1 _ else a
      IterOpen iter2 r0
    c:
      IterNext iter2 r1 _ else b
      Append build0 r1
      Jump c
    end:
      ReturnUndefined
    query x
      Call r0 f0 [] else end2
      EmitRow [r0]
    end2:
      ReturnUndefined
"#;

/// A function that calls itself with something longer.
const RECURSION: &str = r#"
    const []
    use push 1
    function data.p.f params=1
      CallBuiltin r1 builtin0 [r0] else end
      Call r2 f0 [r1] else end
      Return r2
    end:
      ReturnUndefined
    query x
      Call r0 f0 [k0] else end2
      EmitRow [r0]
    end2:
      ReturnUndefined
"#;

fn large_input() -> String {
    format!("[{}]", vec!["0"; 1000].join(","))
}

fn stop(text: &str, options: &Options, memory: usize) -> EvalError {
    let program = common::program(&text.replace("iterators=2", ""));
    match common::try_run(&program, &large_input(), "{}", options, memory) {
        Ok((rows, steps)) => panic!("it ended after {steps} steps with {rows:?}"),
        Err(error) => error,
    }
}

fn with_three_iterators(text: &str) -> String {
    text.replace("rule data.p.bomb", "rule data.p.bomb iterators=3")
}

#[test]
fn steps_are_limited_and_the_error_names_rule_and_line() {
    let options = Options {
        max_steps: Some(100_000),
        ..Options::default()
    };
    let error = stop(&with_three_iterators(LOOPS), &options, usize::MAX);
    assert_eq!(error.code, Code::EvalCancel);
    assert_eq!(error.stop, Some(StopReason::Steps));
    assert_eq!(
        error.message,
        "step budget of 100000 exhausted in rule data.p.bomb (test.rvm:13)"
    );
}

#[test]
fn the_step_count_is_the_same_on_every_run() {
    let program = common::program(&with_three_iterators(LOOPS));
    let input = "[1, 2, 3, 4, 5, 6, 7]";
    let run = || {
        common::try_run(&program, input, "{}", &Options::default(), usize::MAX)
            .unwrap()
            .1
    };
    let steps = run();
    // One for the call; 8, 7 * 8 and 49 * 8 for the loops.
    assert_eq!(steps, 1 + 8 + 56 + 392);
    assert_eq!(run(), steps);
    // And the budget is exact.
    let exact = Options {
        max_steps: Some(steps),
        ..Options::default()
    };
    assert!(common::try_run(&program, input, "{}", &exact, usize::MAX).is_ok());
    let less = Options {
        max_steps: Some(steps - 1),
        ..Options::default()
    };
    assert!(common::try_run(&program, input, "{}", &less, usize::MAX).is_err());
}

#[test]
fn a_deadline_stops() {
    let looks = Cell::new(0);
    let passed = move || {
        looks.set(looks.get() + 1);
        looks.get() > 20
    };
    let deadline = Deadline {
        passed: Rc::new(passed),
        budget: Duration::from_millis(250),
    };
    let error = stop(
        &with_three_iterators(LOOPS),
        &Options {
            deadline: Some(deadline),
            ..Options::default()
        },
        usize::MAX,
    );
    assert_eq!(error.stop, Some(StopReason::Deadline));
    assert!(
        error
            .message
            .starts_with("time budget of 250ms exhausted in rule data.p.bomb (test.rvm:"),
        "{error}"
    );
}

#[test]
fn cancelling_stops_even_short_queries() {
    let cancel = Arc::new(AtomicBool::new(true));
    let error = stop(
        RECURSION,
        &Options {
            cancel: Some(cancel),
            ..Options::default()
        },
        usize::MAX,
    );
    assert_eq!(error.stop, Some(StopReason::Cancelled));
    assert!(
        error
            .message
            .starts_with("caller cancelled query execution in the query"),
        "{error}"
    );
}

#[test]
fn memory_is_limited() {
    let limit = 8 << 20;
    let error = stop(&with_three_iterators(COLLECTOR), &Options::default(), limit);
    assert_eq!(error.stop, Some(StopReason::Memory));
    assert!(
        error
            .message
            .starts_with("memory budget of 8388608 bytes exhausted in rule data.p.bomb"),
        "{error}"
    );
    let error = stop(RECURSION, &Options::default(), limit);
    assert_eq!(error.stop, Some(StopReason::Memory));
}

#[test]
fn depth_is_limited() {
    let error = stop(
        RECURSION,
        &Options {
            max_depth: 500,
            ..Options::default()
        },
        usize::MAX,
    );
    assert_eq!(error.stop, Some(StopReason::Depth));
    assert!(
        error
            .message
            .starts_with("call depth budget of 500 exhausted in function data.p.f (test.rvm:6)"),
        "{error}"
    );
}

#[test]
fn conflicts_list_their_values() {
    let program = common::program(
        r#"
        const 1, 2, 3
        rule data.p.q
          SetResult r0 k0 rule else b
        b:
          SetResult r0 k1 rule else c
        c:
          SetResult r0 k0 rule else d
        d:
          SetResult r0 k2 rule else e
        e:
          Return r0
        query x
          Call r0 f0 [] else end
          EmitRow [r0]
        end:
          ReturnUndefined
        "#,
    );
    let error = common::run(&program, "", "{}").unwrap_err();
    assert_eq!(error.code, Code::EvalConflict);
    let expected = "rule data.p.q produced conflicting values:\n  1 at test.rvm:4\n  2 at test.rvm:6\n  3 at test.rvm:10";
    assert_eq!(error.message, expected);
    let at = program.sources.locate(error.span).unwrap();
    assert_eq!(at.row, 6);
}

#[test]
fn object_keys_conflict_at_once() {
    let program = common::program(
        r#"
        const 1, 2
        query x
          OpenObject build0
          AppendMember build0 k0 k0
          AppendMember build0 k0 k0
          AppendMember build0 k0 k1
          Close r0 build0
          EmitRow [r0]
          ReturnUndefined
        "#,
    );
    let error = common::run(&program, "", "{}").unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::EvalConflict, "object keys must be unique")
    );
    assert_eq!(program.sources.locate(error.span).unwrap().row, 7);
}

#[test]
fn built_in_errors_are_undefined_or_fatal() {
    let program = common::program(
        r#"
        const 1, "a"
        use plus 2
        query x
          CallBuiltin r0 builtin0 [k0, k1] else none
          EmitRow [r0]
        none:
          EmitRow [k1]
          ReturnUndefined
        "#,
    );
    assert_eq!(common::run(&program, "", "{}").unwrap(), ["\"a\""]);
    let strict = Options {
        strict_builtin_errors: true,
        ..Options::default()
    };
    let error = common::try_run(&program, "", "{}", &strict, usize::MAX).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        (Code::EvalBuiltin, "plus: no sum")
    );
    assert_eq!(program.sources.locate(error.span).unwrap().row, 5);
}

#[test]
fn results_are_remembered() {
    // `tick` is nondeterministic: fixed for a query. The function and the rule run once each.
    let program = common::program(
        r#"
        const 1, 2, 1.0
        use tick 1
        function data.f params=1
          CallBuiltin r1 builtin0 [r0] else end
          Return r1
        end:
          ReturnUndefined
        query a b c d
          Call r0 f0 [k0] else end2
          Call r1 f0 [k1] else end2
          Call r2 f0 [k2] else end2
          CallBuiltin r3 builtin0 [k1] else end2
          EmitRow [r0, r1, r2, r3]
        end2:
          ReturnUndefined
        "#,
    );
    let (rows, steps) =
        common::try_run(&program, "", "{}", &Options::default(), usize::MAX).unwrap();
    assert_eq!(rows, ["1 | 2 | 1 | 2"]);
    assert_eq!(steps, 6);
}

#[test]
fn what_the_verifier_refuses() {
    let refused = |text: &str| Program::new(common::parts(text)).unwrap_err().message;
    let query = |body: &str| {
        refused(&format!(
            "const 1\npath k0\nuse count 1\nquery x registers=2\n{body}\n"
        ))
    };
    assert_eq!(query("Move r2 k0\nReturnUndefined"), "r2 does not exist");
    assert_eq!(query("Move r1 k1\nReturnUndefined"), "k1 does not exist");
    assert_eq!(
        query("LoadInput r0 path1 else a\na:\nReturnUndefined"),
        "path1 does not exist"
    );
    assert_eq!(
        query("CallBuiltin r0 builtin1 [r0] else a\na:\nReturnUndefined"),
        "builtin1 does not exist"
    );
    assert_eq!(
        query("CallBuiltin r0 builtin0 [] else a\na:\nReturnUndefined"),
        "0 arguments for count"
    );
    assert_eq!(
        query("Call r0 f7 [] else a\na:\nReturnUndefined"),
        "f7 does not exist"
    );
    assert_eq!(
        query("Call r0 f0 [] else a\na:\nReturnUndefined"),
        "a query is called"
    );
    assert_eq!(
        query("IterOpen iter2 k0\nReturnUndefined"),
        "iter2 does not exist"
    );
    assert_eq!(
        query("OpenSet build2\nReturnUndefined"),
        "build2 does not exist"
    );
    assert_eq!(
        query("UseOverlay overlay2\nReturnUndefined"),
        "overlay2 does not exist"
    );
    assert_eq!(query("Move r0 k0"), "the function runs off its end");
    assert_eq!(
        query("a:\nMove r0 k0\nJump a"),
        "a backward jump that charges no fuel"
    );
    assert_eq!(
        query("EmitRow [k0, k0]\nReturnUndefined"),
        "a row of the wrong width"
    );
    assert_eq!(query("Return k0"), "a query returns a value");
    assert_eq!(
        query("MakeObject r0 [k0]\nReturnUndefined"),
        "an object of half a member"
    );
    assert_eq!(
        query("SetResult r1 k0 rule else a\na:\nReturnUndefined"),
        "no register behind a result"
    );
    let mut parts: Parts = common::parts("query x\nReturnUndefined\n");
    parts.functions[0].code.end = 9;
    assert!(
        Program::new(parts)
            .unwrap_err()
            .message
            .contains("out of range")
    );
}

#[test]
fn a_register_that_nothing_was_assigned_to_is_an_error() {
    let program = common::program("query x\nEmitRow [r0]\nReturnUndefined\n");
    let error = common::run(&program, "", "{}").unwrap_err();
    assert_eq!(error.code, Code::EvalInternal);
}

/// Programs to mutate.
fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    SEEDS.get_or_init(assemble_seeds)
}

fn assemble_seeds() -> Vec<Vec<u8>> {
    let overlays = r#"
        const "a", "b", {"x": 1}, 7
        path k0 k1
        path k0
        use count 1
        use push 1
        rule data.p path=k0
          LoadInput r0 path0 else fail
          Return r0
        fail:
          ReturnUndefined
        function data.f params=2
          MakeArray r2 [r0, r1, k2, k3]
          CallBuiltin r3 builtin1 [r2] else fail2
          Return r3
        fail2:
          ReturnUndefined
        query a b
          OverlayOpen
          OverlayInput k3 path0
          OverlayData k2 path0
          OverlayTarget builtin0
          OverlayFunction builtin1
          OverlayTarget f1
          OverlayValue k3
          OverlayClose overlay0
          UseOverlay overlay0
          Call r0 f0 [] else fail3
          UseOverlay overlay0
          Call r1 f1 [r0, k1] else fail3
          CallBuiltin r2 builtin0 [k2] else fail3
          OpenTree build0
          WalkOpen iter0 k2
        next:
          WalkNext iter0 r3 r4 else done
          InsertPath build0 r4 [r3, k0]
          InsertSet build0 r4 [k1, r3]
          Jump next
        done:
          Close r5 build0
          MergeDocuments r6 k2 r5
          SetResult r6 r5 rule else last
        last:
          EmitRow [r0, r6]
        fail3:
          ReturnUndefined
    "#;
    [
        with_three_iterators(LOOPS),
        with_three_iterators(COLLECTOR),
        RECURSION.to_owned(),
        overlays.to_owned(),
    ]
    .iter()
    .map(|text| common::program(text).save())
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever is done to a saved program, it is refused, or runs within its budgets to an answer or an error.
    #[test]
    fn mutated_programs_never_panic(
        seed in 0usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = seeds()[seed].clone();
        for (at, byte) in changes {
            let at = 20 + at.index(file.len() - 20);
            file[at] = byte;
        }
        Program::seal(&mut file);
        if let Ok(program) = Program::load(&file) {
            let _ = regovm_vm::bytecode::listing(&program);
            if regovm_vm::link(&program, &common::table()).is_ok() && !program.queries.is_empty() {
                let options = Options { max_steps: Some(5_000), ..Options::default() };
                let _ = common::try_run(&program, r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": 1}}"#, &options, 4 << 20);
            }
        }
    }

    /// The same with small changes to the operands of instructions only, which get past the checks of structure.
    #[test]
    fn mutated_operands_never_panic(
        seed in 0usize..4,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..8, 0u8..12), 1..4),
    ) {
        let mut program = Program::load(&seeds()[seed]).unwrap();
        for (at, place, byte) in changes {
            let at = at.index(program.code.len());
            let mut word = program.code[at].encode();
            word[place] = byte;
            if let Some(changed) = regovm_vm::bytecode::Instruction::decode(word) {
                program.code[at] = changed;
            }
        }
        if let Ok(program) = Program::load(&program.save()) {
            let options = Options { max_steps: Some(5_000), ..Options::default() };
            let _ = common::try_run(&program, r#"{"a": {"b": [1, 2]}}"#, r#"{"a": {"b": 1}}"#, &options, 4 << 20);
        }
    }
}

#[test]
fn constants_nest_deep_but_not_too_deep() {
    let nested = |depth: usize| {
        let mut parts = common::parts("const 1\nquery x\nEmitRow [k0]\nReturnUndefined\n");
        for _ in 0..depth {
            let inner = parts.constants.remove(0);
            parts
                .constants
                .push(regovm_core::Constant::Array(vec![inner]));
        }
        Program::new(parts).unwrap().save()
    };
    let program = Program::load(&nested(512)).unwrap();
    assert_eq!(
        common::run(&program, "", "{}").unwrap()[0].len(),
        2 * 512 + 1
    );
    let error = Program::load(&nested(513)).unwrap_err();
    assert!(
        error.to_string().contains("a constant nests too deep"),
        "{error}"
    );
}
