//! IR built by hand, emitted and run on the machine: each kind of statement does what its documentation says.

use regovm_compiler::emit::emit;
use regovm_compiler::ir::builder::FunctionBuilder;
use regovm_compiler::ir::*;
use regovm_core::builtin::Table;
use regovm_core::host::NoHost;
use regovm_core::value::{Arena, Value};
use regovm_core::{Constant, SourceMap, Span, json};
use regovm_vm::{Options, Session, Target, link};

fn number(text: &str) -> Constant {
    Constant::Number(text.into())
}

fn constants() -> Vec<Constant> {
    let list = |items: &[&str]| Constant::Array(items.iter().map(|text| number(text)).collect());
    vec![
        Constant::from("a"),
        Constant::from("b"),
        number("1"),
        number("2"),
        number("3"),
        list(&["1", "2", "3"]),
        list(&[]),
        Constant::Boolean(false),
    ]
}

const A: Operand = Operand::Const(ConstId(0));
const B: Operand = Operand::Const(ConstId(1));
const ONE: Operand = Operand::Const(ConstId(2));
const TWO: Operand = Operand::Const(ConstId(3));
const THREE: Operand = Operand::Const(ConstId(4));
const LIST: Operand = Operand::Const(ConstId(5));
const EMPTY: Operand = Operand::Const(ConstId(6));
const FALSE: Operand = Operand::Const(ConstId(7));

fn function(
    name: &str,
    kind: FunctionKind,
    builder: &FunctionBuilder,
    blocks: Vec<Block>,
) -> Function {
    Function {
        name: name.into(),
        path: None,
        kind,
        params: 0,
        locals: builder.locals(),
        scopes: builder.scopes(),
        blocks,
        row: if kind == FunctionKind::Query {
            vec!["x".into()]
        } else {
            vec![]
        },
        span: Span::NONE,
    }
}

/// A query of one block.
fn query(build: impl FnOnce(&mut FunctionBuilder)) -> Function {
    let mut builder = FunctionBuilder::new(0, Span::NONE);
    let mark = builder.begin();
    build(&mut builder);
    let block = builder.end(mark);
    function("query", FunctionKind::Query, &builder, vec![block])
}

fn row(builder: &mut FunctionBuilder, value: Operand) {
    builder.emit(StmtKind::EmitRow {
        values: vec![value],
    });
}

fn run_program(program: &Program) -> Result<Vec<String>, String> {
    verify::verify(program).map_err(|violation| violation.to_string())?;
    let table = Table::new(&[]);
    let emitted =
        emit(program, &table, &SourceMap::new()).map_err(|errors| errors[0].message.clone())?;
    let linked = link(&emitted, &table).map_err(|error| error.to_string())?;
    let arena = Arena::new();
    let input = json::read(
        br#"{"a": {"b": [5, 6]}, "b": 7}"#,
        &arena,
        Default::default(),
    )
    .unwrap();
    let target = Target {
        program: &emitted,
        linked: &linked,
        data: None,
        shown: None,
    };
    let answer = Session::new()
        .run(
            target,
            0,
            &arena,
            Some(input),
            &Options::default(),
            &mut NoHost,
        )
        .map_err(|error| error.message)?;
    Ok(answer
        .rows
        .iter()
        .map(|row| {
            row.iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
                .join(" | ")
        })
        .collect())
}

fn run(build: impl FnOnce(&mut FunctionBuilder)) -> Vec<String> {
    let program = Program {
        functions: vec![query(build)],
        constants: constants(),
        queries: vec![FuncId(0)],
        ..Program::default()
    };
    run_program(&program).unwrap()
}

fn equal(lhs: Operand, rhs: Operand) -> StmtKind {
    StmtKind::Guard {
        op: Compare::Equal,
        lhs,
        rhs,
    }
}

#[test]
fn failure_in_a_scan_goes_on_with_the_next_member() {
    let rows = run(|b| {
        let value = b.local();
        b.scan(LIST, None, Some(value));
        b.emit(StmtKind::Guard {
            op: Compare::Greater,
            lhs: Operand::Local(value),
            rhs: ONE,
        });
        row(b, Operand::Local(value));
    });
    assert_eq!(rows, ["2", "3"]);
}

#[test]
fn paths_are_loaded() {
    let rows = run(|b| {
        let loaded = b.assign(|dst| StmtKind::Load {
            dst,
            root: Root::Input,
            path: vec![ConstId(0), ConstId(1)],
        });
        let element = b.assign(|dst| StmtKind::Get {
            dst,
            base: loaded,
            key: ONE,
        });
        row(b, element);
    });
    assert_eq!(rows, ["6"]);
    let none = run(|b| {
        let loaded = b.assign(|dst| StmtKind::Load {
            dst,
            root: Root::Data,
            path: vec![ConstId(0)],
        });
        row(b, loaded);
    });
    assert!(none.is_empty());
}

#[test]
fn collections_are_collected() {
    for (kind, expected) in [(CollectKind::Array, "[2, 2, 2]"), (CollectKind::Set, "{2}")] {
        let rows = run(|b| {
            let (dst, scope) = (b.local(), b.scope());
            let mark = b.begin();
            b.scan(LIST, None, None);
            b.emit(StmtKind::Append {
                scope,
                key: None,
                value: TWO,
            });
            b.emit(StmtKind::Fail);
            b.emit(StmtKind::Append {
                scope,
                key: None,
                value: THREE,
            });
            let body = b.end(mark);
            b.emit(StmtKind::Collect {
                scope,
                kind,
                dst,
                body,
            });
            row(b, Operand::Local(dst));
        });
        assert_eq!(rows, [expected]);
    }
    let rows = run(|b| {
        let (dst, scope, key, value) = (b.local(), b.scope(), b.local(), b.local());
        let mark = b.begin();
        b.scan(LIST, Some(key), Some(value));
        b.emit(StmtKind::Append {
            scope,
            key: Some(Operand::Local(value)),
            value: Operand::Local(key),
        });
        let body = b.end(mark);
        b.emit(StmtKind::Collect {
            scope,
            kind: CollectKind::Object,
            dst,
            body,
        });
        row(b, Operand::Local(dst));
    });
    assert_eq!(rows, ["{1: 0, 2: 1, 3: 2}"]);
}

/// Wraps `some x in list; x == wanted` in a statement made of a scope and that body, then emits a row.
fn member(
    list: Operand,
    wanted: Operand,
    make: impl FnOnce(ScopeId, Block) -> StmtKind,
) -> Vec<String> {
    run(|b| {
        let (value, scope) = (b.local(), b.scope());
        let mark = b.begin();
        b.scan(list, None, Some(value));
        b.emit(equal(Operand::Local(value), wanted));
        b.emit(StmtKind::Yield { scope });
        let body = b.end(mark);
        b.emit(make(scope, body));
        row(b, wanted);
    })
}

#[test]
fn existence_and_negation() {
    let exists = |scope, body| StmtKind::Exists { scope, body };
    let not = |scope, body| StmtKind::Not { scope, body };
    assert_eq!(member(LIST, TWO, exists), ["2"]);
    assert!(member(LIST, A, exists).is_empty());
    assert!(member(EMPTY, ONE, exists).is_empty());
    assert!(member(LIST, TWO, not).is_empty());
    assert_eq!(member(LIST, A, not), ["\"a\""]);
}

#[test]
fn every_member_must_yield() {
    let every = |domain: Operand, op: Compare| {
        run(|b| {
            let (value, scope) = (b.local(), b.scope());
            let mark = b.begin();
            b.emit(StmtKind::Guard {
                op,
                lhs: Operand::Local(value),
                rhs: THREE,
            });
            b.emit(StmtKind::Yield { scope });
            let body = b.end(mark);
            b.emit(StmtKind::Every {
                scope,
                domain,
                key: None,
                value: Some(value),
                body,
            });
            row(b, ONE);
        })
    };
    assert_eq!(every(LIST, Compare::LessEqual), ["1"]);
    assert!(every(LIST, Compare::Less).is_empty());
    assert_eq!(every(EMPTY, Compare::Less), ["1"]);
    assert!(every(ONE, Compare::LessEqual).is_empty());
}

#[test]
fn the_first_defined_branch_counts() {
    let rows = run(|b| {
        let result = b.local();
        let branches = [(FALSE, ONE), (A, TWO), (A, THREE)].map(|(condition, value)| {
            let mark = b.begin();
            b.emit(StmtKind::Truthy { value: condition });
            b.emit(StmtKind::Move {
                dst: result,
                src: value,
            });
            b.end(mark)
        });
        b.emit(StmtKind::FirstDefined {
            result,
            branches: branches.into(),
        });
        b.emit(StmtKind::IsDefined { local: result });
        row(b, Operand::Local(result));
    });
    assert_eq!(rows, ["2"]);
    let nothing = run(|b| {
        let result = b.local();
        b.emit(StmtKind::FirstDefined {
            result,
            branches: vec![vec![]],
        });
        b.emit(StmtKind::IsUndefined { local: result });
        row(b, ONE);
    });
    assert_eq!(nothing, ["1"]);
}

#[test]
fn a_failed_block_goes_on_with_the_next() {
    let rows = run(|b| {
        let blocks = [(ONE, TWO), (TWO, TWO), (TWO, ONE), (ONE, ONE)].map(|(lhs, rhs)| {
            let mark = b.begin();
            b.emit(equal(lhs, rhs));
            row(b, lhs);
            b.end(mark)
        });
        b.emit(StmtKind::Blocks {
            blocks: blocks.into(),
        });
        row(b, THREE);
    });
    assert_eq!(rows, ["2", "1", "3"]);
}

#[test]
fn comparisons_and_literals() {
    let rows = run(|b| {
        let greater = b.assign(|dst| StmtKind::CompareValue {
            dst,
            op: Compare::GreaterEqual,
            lhs: ONE,
            rhs: TWO,
        });
        let array = b.assign(|dst| StmtKind::MakeArray {
            dst,
            items: vec![greater, A, B, ONE, TWO],
        });
        b.emit(StmtKind::IsArray {
            value: array,
            len: 5,
        });
        let set = b.assign(|dst| StmtKind::MakeSet {
            dst,
            items: vec![B, A, B],
        });
        let object = b.assign(|dst| StmtKind::MakeObject {
            dst,
            members: vec![(A, array), (B, set)],
        });
        b.emit(StmtKind::IsObject {
            value: object,
            len: 2,
        });
        row(b, object);
    });
    assert_eq!(rows, [r#"{"a": [false, "a", "b", 1, 2], "b": {"a", "b"}}"#]);
}

/// A rule `f0` and a query that calls it.
fn with_rule(rule: Function, query: Function) -> Result<Vec<String>, String> {
    let program = Program {
        functions: vec![rule, query],
        constants: constants(),
        queries: vec![FuncId(1)],
        ..Program::default()
    };
    run_program(&program)
}

fn call(b: &mut FunctionBuilder) -> Operand {
    b.assign(|dst| StmtKind::CallFunction {
        dst,
        function: FuncId(0),
        args: vec![],
    })
}

#[test]
fn overlays_replace_input_and_documents() {
    let mut builder = FunctionBuilder::new(0, Span::NONE);
    let mark = builder.begin();
    let loaded = builder.assign(|dst| StmtKind::Load {
        dst,
        root: Root::Input,
        path: vec![ConstId(1)],
    });
    builder.emit(StmtKind::Return { value: loaded });
    let block = builder.end(mark);
    let mut rule = function("data.a", FunctionKind::Rule, &builder, vec![block]);
    rule.path = Some(vec![Constant::from("a")]);
    let query = query(|b| {
        let before = call(b);
        let (input, data) = (b.local(), b.local());
        let replace = |root, key: &str, value| Replacement::Document {
            root,
            path: vec![key.into()],
            value,
        };
        b.emit(StmtKind::MakeOverlay {
            dst: input,
            parent: None,
            replacements: vec![replace(Root::Input, "b", ONE)],
        });
        let replacements = vec![replace(Root::Data, "a", THREE)];
        b.emit(StmtKind::MakeOverlay {
            dst: data,
            parent: Some(input),
            replacements,
        });
        b.overlay = Some(input);
        let with_input = call(b);
        b.overlay = Some(data);
        let with_data = call(b);
        let still_input = b.assign(|dst| StmtKind::Load {
            dst,
            root: Root::Input,
            path: vec![ConstId(1)],
        });
        b.overlay = None;
        let after = call(b);
        let items = vec![before, with_input, with_data, still_input, after];
        let all = b.assign(|dst| StmtKind::MakeArray { dst, items });
        row(b, all);
    });
    assert_eq!(with_rule(rule, query).unwrap(), ["[7, 1, 3, 1, 7]"]);
}

#[test]
fn rules_build_trees() {
    let mut b = FunctionBuilder::new(0, Span::NONE);
    let (tree, set, value) = (b.local(), b.local(), b.local());
    let mark = b.begin();
    b.emit(StmtKind::OpenObject { local: tree });
    b.emit(StmtKind::OpenSet { local: set });
    let filling = b.begin();
    b.scan(LIST, None, Some(value));
    let value = Operand::Local(value);
    b.emit(StmtKind::InsertPath {
        local: tree,
        path: vec![A, value],
        value: ONE,
    });
    b.emit(StmtKind::InsertSet {
        local: tree,
        path: vec![B],
        value,
    });
    b.emit(StmtKind::InsertSet {
        local: set,
        path: vec![],
        value: ONE,
    });
    let blocks = vec![b.end(filling)];
    b.emit(StmtKind::Blocks { blocks });
    let tree = b.assign(|dst| StmtKind::Close { dst, local: tree });
    let set = b.assign(|dst| StmtKind::Close { dst, local: set });
    let all = b.assign(|dst| StmtKind::MakeArray {
        dst,
        items: vec![tree, set],
    });
    b.emit(StmtKind::Return { value: all });
    let block = b.end(mark);
    let rule = function("data.a", FunctionKind::Rule, &b, vec![block]);
    let query = query(|b| {
        let value = call(b);
        row(b, value);
    });
    assert_eq!(
        with_rule(rule, query).unwrap(),
        [r#"[{"a": {1: 1, 2: 1, 3: 1}, "b": {1, 2, 3}}, {1}]"#]
    );
}

#[test]
fn different_results_conflict() {
    let rule = |values: &[Operand]| {
        let mut b = FunctionBuilder::new(0, Span::NONE);
        let local = b.local();
        let mark = b.begin();
        b.emit(StmtKind::ResetLocal { local });
        let mut blocks = vec![b.end(mark)];
        for value in values {
            let mark = b.begin();
            b.emit(StmtKind::SetResult {
                local,
                value: *value,
                conflict: Conflict::CompleteRule,
            });
            blocks.push(b.end(mark));
        }
        let mark = b.begin();
        b.emit(StmtKind::IsDefined { local });
        b.emit(StmtKind::Return {
            value: Operand::Local(local),
        });
        blocks.push(b.end(mark));
        function("data.a.p", FunctionKind::Rule, &b, blocks)
    };
    let ask = || {
        query(|b| {
            let value = call(b);
            row(b, value);
        })
    };
    assert_eq!(with_rule(rule(&[ONE, ONE]), ask()).unwrap(), ["1"]);
    assert!(with_rule(rule(&[]), ask()).unwrap().is_empty());
    let message = with_rule(rule(&[ONE, TWO, ONE, THREE]), ask()).unwrap_err();
    let places = "  1 at <unknown>\n  2 at <unknown>\n  3 at <unknown>";
    assert_eq!(
        message,
        format!("rule data.a.p produced conflicting values:\n{places}")
    );
}

#[test]
fn far_constants_are_loaded() {
    let mut all = constants();
    all.extend((0..40_000).map(|n| number(&(n + 1000).to_string())));
    let far = Operand::Const(ConstId(all.len() as u32 - 1));
    let query = query(|b| {
        let items = vec![far, ONE, far, far];
        let array = b.assign(|dst| StmtKind::MakeArray { dst, items });
        row(b, array);
    });
    let program = Program {
        functions: vec![query],
        constants: all,
        queries: vec![FuncId(0)],
        ..Program::default()
    };
    assert_eq!(run_program(&program).unwrap(), ["[40999, 1, 40999, 40999]"]);
}

#[test]
fn registers_are_reused_and_limited() {
    // One block after another: one register for all.
    let mut builder = FunctionBuilder::new(0, Span::NONE);
    let mut blocks = Vec::new();
    for _ in 0..40_000 {
        let mark = builder.begin();
        let _ = builder.assign(|dst| StmtKind::Move { dst, src: ONE });
        blocks.push(builder.end(mark));
    }
    let mut many = function("query", FunctionKind::Query, &builder, blocks);
    let table = Table::new(&[]);
    let program = |function| Program {
        functions: vec![function],
        constants: constants(),
        queries: vec![FuncId(0)],
        ..Program::default()
    };
    let emitted = emit(&program(many.clone()), &table, &SourceMap::new()).unwrap();
    assert_eq!(emitted.functions[0].registers, 1);
    // All in one block: too many.
    many.blocks = vec![many.blocks.concat()];
    let errors = emit(&program(many), &table, &SourceMap::new()).unwrap_err();
    assert_eq!(
        errors[0].message,
        "query is too large: it needs too many registers"
    );
}
