//! Every instruction, run by small programs; each program from its text and again from its saved form.

mod common;

use std::collections::BTreeSet;

use regovm_core::Span;
use regovm_core::builtin::Table;
use regovm_core::host::NoHost;
use regovm_core::value::{Arena, Value};
use regovm_vm::bytecode::Opcode;
use regovm_vm::observe::{Documents, Moment, Observer, Point};
use regovm_vm::profile::{CallNode, Costs, Profile};
use regovm_vm::{EvalError, Options, Program, Session, Target, Watch, link};

const INPUT: &str = r#"{"a": {"b": 1, "c": [10, 20]}, "n": 5, "f": false, "t": true, "s": "x"}"#;
const DATA: &str = r#"{"a": {"b": {"y": 2}, "c": 3}, "p": "base", "m": {"1": "one"}, "l": [7, 8]}"#;

/// A name, a program, and its rows.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    (
        "moves, loads and members",
        r#"
        const "a", "b", "c", 1, "zzz"
        path k0 k1
        path k4
        path k0
        query x y z
          LoadInput r0 path0 else fail
          LoadInput r7 path1 else next
          Jump fail
        next:
          LoadData r1 path2 else fail
          GetField r2 r1 k1 else fail
          LoadConst r3 k3
          LoadInput r4 path2 else fail
          Get r5 r4 k2 else fail
          Get r6 r5 r3 else fail
          Move r7 r6
          EmitRow [r0, r2, r7]
        fail:
          ReturnUndefined
        "#,
        &[r#"1 | {"y": 2} | 20"#],
    ),
    (
        "fields of fields",
        r#"
        const "a", "b", "x", 1, 2
        path k0
        path k0 k1
        path k1 k0
        query x
          LoadData r0 path0 else fail
          MakeObject r1 [k0, r0]
          GuardField r0 k2 k3 else absent
          EmitRow [k3]
        absent:
          GetPath r3 r1 path2 else next
          EmitRow [k3]
        next:
          GetPath r2 r1 path1 else fail
          EmitRow [r2]
        fail:
          LoadInput r4 path0 else end
          GuardField r4 k1 k4 else one
          EmitRow [k4]
        one:
          GuardField r4 k1 k3 else end
          EmitRow [k3]
        end:
          ReturnUndefined
        "#,
        &[r#"{"y": 2}"#, "1"],
    ),
    (
        "numbers and texts in paths of base data",
        r#"
        const "m", "l", 1, "1", "x"
        path k0
        path k1
        path k0 k2
        query x y z
          LoadData r0 path0 else fail
          LoadData r1 path1 else fail
          GetData r2 r0 k2 else fail
          GetData r3 r1 k3 else fail
          LoadData r4 path2 else fail
          GetData r5 r1 k4 else done
          Jump fail
        done:
          EmitRow [r2, r3, r4]
        fail:
          ReturnUndefined
        "#,
        &[r#""one" | 8 | "one""#],
    ),
    (
        "what was computed before is recalled",
        r#"
        const 1, 2
        point r0 k1
        query x
          Recall r0 f1 else first
          Jump bad
        first:
          Observe point0
          Call r1 f1 else bad []
          Recall r0 f1 else bad
          Observe point0
          EmitRow [r0]
        bad:
          ReturnUndefined
        rule data.p
          Return k0
        "#,
        &["1"],
    ),
    (
        "a body has the cache of comprehensions of the one around it",
        r#"
        const 1
        enter
        leave
        query x y z
          Observe point0
          Observe point0
          ComprehensionCache r0
          Observe point1
          Observe point0
          ComprehensionCache r1
          Observe point0
          ComprehensionCache r2
          EmitRow [r0, r1, r2]
          ReturnUndefined
        "#,
        &["1 | 2 | 2"],
    ),
    (
        "branches on undefined, false and scalars",
        r#"
        const "f", "t", "a", "ok"
        path k0
        path k1
        path k2
        query x
          Reset r0
          BranchDefined r0 bad
          BranchUndefined r0 good
          Jump bad
        good:
          LoadInput r1 path0 else bad
          BranchFalse r1 more
          Jump bad
        more:
          LoadInput r2 path1 else bad
          BranchFalse r2 bad
          BranchScalar r2 last
          Jump bad
        last:
          LoadInput r3 path2 else bad
          BranchScalar r3 bad
          EmitRow [k3]
        bad:
          ReturnUndefined
        "#,
        &[r#""ok""#],
    ),
    (
        "guards",
        r#"
        const 1, 2, 1.0, [5, 6], {"a": 1}
        query x
          GuardEqual k0 k2 else fail
          GuardNotEqual k0 k1 else fail
          GuardLess k0 k1 else fail
          GuardLessEqual k0 k2 else fail
          GuardArray k3 2 else fail
          GuardObject k4 1 else fail
          GuardArray k4 1 else second
          Jump fail
        second:
          GuardEqual k0 k1 else third
          Jump fail
        third:
          GuardNotEqual k0 k2 else fourth
          Jump fail
        fourth:
          GuardLess k0 k2 else fifth
          Jump fail
        fifth:
          GuardLessEqual k1 k0 else sixth
          Jump fail
        sixth:
          GuardObject k4 2 else last
          Jump fail
        last:
          EmitRow [k0]
        fail:
          ReturnUndefined
        "#,
        &["1"],
    ),
    (
        "comparisons as values",
        r#"
        const 1, 2
        query a b c d
          Equal r0 k0 k1
          NotEqual r1 k0 k1
          Less r2 k0 k1
          LessEqual r3 k1 k0
          EmitRow [r0, r1, r2, r3]
          ReturnUndefined
        "#,
        &["false | true | true | false"],
    ),
    (
        "literals",
        r#"
        const 3, 1, 2, "k"
        query a s o
          MakeArray r0 [k0, k1, k2, k1]
          MakeSet r1 [k0, k1, k2, k1]
          MakeObject r2 [k3, k1, k0, k2, k3, k2]
          EmitRow [r0, r1, r2]
          ReturnUndefined
        "#,
        &[r#"[3, 1, 2, 1] | {1, 2, 3} | {3: 2, "k": 2}"#],
    ),
    (
        "collectors and iterations",
        r#"
        const "c", [4, 3, 4], {"x": 7, "y": 8}
        query keys values object
          OpenArray build0
          OpenSet build1
          IterOpen iter0 k1
        next:
          IterNext iter0 r0 r1 else end
          Append build0 r0
          Append build1 r1
          Jump next
        end:
          Close r2 build0
          Close r3 build1
          OpenObject build0
          IterOpen iter1 k2
        again:
          IterNext iter1 r0 r1 else done
          AppendMember build0 r1 r0
          AppendMember build0 r1 r0
          Jump again
        done:
          Close r4 build0
          IterOpen iter0 k0
        never:
          IterNext iter0 _ _ else last
          Jump never
        last:
          EmitRow [r2, r3, r4]
          ReturnUndefined
        "#,
        &[r#"[0, 1, 2] | {3, 4} | {7: "x", 8: "y"}"#],
    ),
    (
        "an index after two iterations over all members",
        r#"
        const [1, 2, 1, 3, 1, 2, 1, 3, 1, 2, 1, 3, 1, 2, 1, 3, 9], 2, [0, 0, 0, 0]
        query found built
          OpenArray build0
          OpenArray build1
          IterOpen iter1 k2
        again:
          IterNext iter1 _ _ else last
          IterOpen iter0 k0
          BranchStrict next
          IndexOpen iter0 k0 index0 else next
        build:
          IndexNext iter0 r2 r3 else built
          Append build1 r2
          IndexAdd iter0 [r3]
          Jump build
        built:
          IndexSeek iter0 [k1]
        next:
          IterNext iter0 r2 _ else again
          Append build0 r2
          Jump next
        last:
          Close r5 build0
          Close r6 build1
          EmitRow [r5, r6]
          ReturnUndefined
        "#,
        &[
            "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 5, 9, 13, 1, 5, 9, 13] \
           | [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]",
        ],
    ),
    (
        "an index of base data at once",
        r#"
        const "l", 8, [7, 8]
        path k0
        query found other
          LoadData r0 path0 else last
          OpenArray build0
          IterOpen iter0 r0
          IndexData path0
          IndexOpen iter0 r0 index0 else next
        build:
          IndexNext iter0 r2 r3 else built
          IndexAdd iter0 [r3]
          Jump build
        built:
          IndexSeek iter0 [k1]
        next:
          IterNext iter0 r2 _ else last
          Append build0 r2
          Jump next
        last:
          Close r5 build0
          EmitRow [r5, k2]
          ReturnUndefined
        "#,
        &["[0, 1] | [7, 8]"],
    ),
    (
        "switches",
        r#"
        const [1, 0, 2, -1, "x"], "zero", "one"
        query found
          OpenArray build0
          IterOpen iter0 k0
        next:
          IterNext iter0 _ r0 else last
          Switch r0 2
          Case zero
          Case one
          Append build0 r0
          Jump next
        zero:
          Append build0 k1
          Jump next
        one:
          Append build0 k2
          Jump next
        last:
          Close r1 build0
          EmitRow [r1]
          ReturnUndefined
        "#,
        &[r#"["one", "zero", 2, -1, "x"]"#],
    ),
    (
        "trees and merged documents",
        r#"
        const "a", "b", 1, 2, {"a": {"b": 9, "z": 0}}
        query tree merged
          OpenTree build0
          InsertPath build0 k2 [k0, k1]
          InsertSet build0 k3 [k0, k3]
          InsertSet build0 k2 [k0, k3]
          Close r0 build0
          MergeDocuments r1 k4 r0
          EmitRow [r0, r1]
          ReturnUndefined
        "#,
        &[r#"{"a": {2: {1, 2}, "b": 1}} | {"a": {2: {1, 2}, "b": 9, "z": 0}}"#],
    ),
    (
        "walks",
        r#"
        const [1, {"a": 2}]
        query path value
          WalkOpen iter0 k0
        next:
          WalkNext iter0 r0 r1 else end
          EmitRow [r0, r1]
          Jump next
        end:
          WalkOpen iter0 k0
        again:
          WalkNext iter0 _ _ else last
          Jump again
        last:
          ReturnUndefined
        "#,
        &[
            r#"[] | [1, {"a": 2}]"#,
            "[0] | 1",
            r#"[1] | {"a": 2}"#,
            r#"[1, "a"] | 2"#,
        ],
    ),
    (
        "calls and results",
        r#"
        const 1, 2, [1, 2, 3]
        use count 1
        use plus 2
        rule data.r
          SetResult r0 k1 rule else fail
          SetResult r0 k1 rule else fail
          Return r0
        fail:
          ReturnUndefined
        function data.add params=2
          CallBuiltin r2 builtin1 [r0, r1] else fail2
          Return r2
        fail2:
          ReturnUndefined
        query x y z
          Call r0 f0 [] else fail3
          Call r1 f1 [r0, k0] else fail3
          CallBuiltin r2 builtin0 [k2] else fail3
          EmitRow [r0, r1, r2]
          CallBuiltin r2 builtin0 [k0] else undefined
          Jump fail3
        undefined:
          EmitRow [k0, k0, k0]
        fail3:
          ReturnUndefined
        "#,
        &["2 | 3 | 3", "1 | 1 | 1"],
    ),
    (
        "overlays of documents",
        r#"
        const "a", "b", {"x": 1}, 7, "p"
        path k0 k1
        path k0
        path
        rule data.input
          LoadInput r0 path0 else fail
          Return r0
        fail:
          ReturnUndefined
        rule data.p path=k4
          Return k3
        query a b c d e
          OverlayOpen
          OverlayInput k3 path0
          OverlayData k2 path0
          OverlayClose overlay0
          UseOverlay overlay0
          Call r0 f0 [] else fail2
          UseOverlay overlay0
          LoadData r1 path1 else fail2
          UseOverlay overlay0
          LoadInput r2 path0 else fail2
          LoadInput r3 path0 else fail2
          Call r4 f1 [] else fail2
          EmitRow [r0, r1, r2, r3, r4]
          UseOverlay overlay0
          OverlayOpen
          OverlayData k2 path2
          OverlayClose overlay1
          UseOverlay overlay1
          Call r5 f0 [] else fail2
          UseOverlay overlay1
          Call r6 f1 [] else gone
          Jump fail2
        gone:
          EmitRow [r5, k3, k3, k3, k3]
        fail2:
          ReturnUndefined
        "#,
        &[
            r#"7 | {"b": {"x": 1, "y": 2}, "c": 3} | 7 | 1 | 7"#,
            "7 | 7 | 7 | 7 | 7",
        ],
    ),
    (
        "overlays of functions",
        r#"
        const 1, "mock", [1]
        use count 1
        function data.f params=1
          CallBuiltin r1 builtin0 [r0] else fail
          Return r1
        fail:
          ReturnUndefined
        function data.g params=1
          MakeArray r1 [r0, r0]
          CallBuiltin r2 builtin0 [r1] else fail2
          Return r2
        fail2:
          ReturnUndefined
        query a b c d
          Call r0 f0 [k2] else fail3
          OverlayOpen
          OverlayTarget builtin0
          OverlayValue k1
          OverlayClose overlay0
          UseOverlay overlay0
          Call r1 f0 [k2] else fail3
          OverlayOpen
          OverlayTarget builtin0
          OverlayFunction f1
          OverlayClose overlay0
          UseOverlay overlay0
          Call r2 f0 [k2] else fail3
          OverlayOpen
          OverlayTarget f0
          OverlayFunction builtin0
          OverlayClose overlay1
          UseOverlay overlay1
          Call r3 f0 [k2] else fail3
          EmitRow [r0, r1, r2, r3]
        fail3:
          ReturnUndefined
        "#,
        &[r#"1 | "mock" | 2 | 1"#],
    ),
];

#[test]
fn every_program_gives_its_rows() {
    for (name, text, expected) in PROGRAMS {
        let program = common::program(text);
        let rows =
            common::run(&program, INPUT, DATA).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows, *expected, "{name}");
        let saved = program.save();
        if program.observed.is_on() {
            assert!(Program::load(&saved).is_err(), "{name}");
            continue;
        }
        let loaded = Program::load(&saved).unwrap();
        assert_eq!(loaded.save(), saved, "{name}");
        assert_eq!(
            common::run(&loaded, INPUT, DATA).unwrap(),
            *expected,
            "{name}, saved"
        );
    }
}

#[test]
fn every_instruction_is_in_some_program() {
    let mut used = BTreeSet::new();
    for (_, text, _) in PROGRAMS {
        let program = common::program(text);
        used.extend(program.code.iter().map(|instruction| instruction.opcode()));
    }
    let missing: Vec<_> = Opcode::ALL
        .iter()
        .filter(|opcode| !used.contains(opcode))
        .collect();
    assert!(missing.is_empty(), "no test runs {missing:?}");
}

#[test]
fn the_listing_names_what_numbers_mean() {
    let (_, text, _) = PROGRAMS
        .iter()
        .find(|(name, ..)| *name == "calls and results")
        .unwrap();
    let listing = regovm_vm::bytecode::listing(&common::program(text));
    assert!(
        listing.contains("CallBuiltin dst=r2 builtin=builtin1  ; plus"),
        "{listing}"
    );
    assert!(
        listing.contains("f1 data.add Function: 2 parameters"),
        "{listing}"
    );
    assert!(
        listing.contains("; test.rvm:6  SetResult r0 k1 rule else fail"),
        "{listing}"
    );
}

/// Counts what it is told.
#[derive(Default)]
struct Watcher {
    values: Vec<Vec<(u32, String)>>,
    calls: Vec<&'static str>,
}

impl Observer for Watcher {
    fn conflict(&mut self, _: &Program) {}

    fn reached(
        &mut self,
        _: &Program,
        point: &Point,
        values: &[(u32, Value<'_>)],
        documents: &dyn Documents,
    ) {
        assert_eq!((documents.overlay(), documents.known(0, 0).len()), (0, 0));
        assert_eq!(point.moment, Moment::Eval);
        let values = values
            .iter()
            .map(|(name, value)| (*name, value.to_string()));
        self.values.push(values.collect());
    }

    fn called(&mut self, _: u32, _: u64) {
        self.calls.push("called");
    }

    fn recalled(&mut self, _: u32, _: u64) {
        self.calls.push("recalled");
    }

    fn note(&mut self, _: Span, _: &str) {}

    fn builtin_error(&mut self, _: &Program, _: EvalError) {}
}

/// The program of that name.
fn watched(name: &str, run: impl FnOnce(&Program, &mut Watcher)) {
    let (_, text, _) = PROGRAMS.iter().find(|(other, ..)| *other == name).unwrap();
    let program = common::program(text);
    run(&program, &mut Watcher::default());
}

#[test]
fn points_and_calls_reach_the_observer() {
    watched(
        "what was computed before is recalled",
        |program, watcher| {
            let linked = link(program, &Table::new(&[])).unwrap();
            let target = Target {
                program,
                linked: &linked,
                data: None,
                shown: None,
            };
            let mut profile = Profile::new(Box::new({
                let mut now = 0;
                move || {
                    now += 1;
                    now
                }
            }));
            let watch = Watch {
                observer: Some(watcher),
                profile: Some(&mut profile),
            };
            let arena = Arena::new();
            let options = Options::default();
            let mut session = Session::new();
            session
                .run_watched(target, 0, &arena, None, &options, &mut NoHost, watch)
                .unwrap();
            let known = |value: &str| vec![(0, value.to_owned()), (1, "2".to_owned())];
            assert_eq!(watcher.values, [known("2")[1..].to_vec(), known("1")]);
            assert_eq!(watcher.calls, ["called", "recalled"]);
            let [query, rule] = profile.nodes() else {
                panic!("{:?}", profile.nodes())
            };
            assert_eq!((query.calls, rule.calls, rule.parent), (1, 1, Some(0)));
            let costs = |node: &CallNode| {
                let mut all = Costs::default();
                node.code.values().for_each(|costs| all.add(costs));
                all
            };
            assert_eq!(costs(query).runs, 7);
            assert_eq!(costs(rule).runs, 1);
            assert!(costs(query).nanos >= costs(rule).nanos);
        },
    );
}
