//! Static types as the checker works with them.
//!
//! They differ from the declarations in core: any part may be unknown (`None`, printed `???`),
//! types are shared, and a schema may refer to itself.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock, Weak};

use hashbrown::HashSet;
use regovm_core::Constant;
use regovm_parser::ast::Name;

use super::constant::{compare_constants, go_text};

/// A shared type.
pub type Ty = Arc<Kind>;

/// A type, or nothing if it is not known.
pub type Known = Option<Ty>;

/// The kinds of types.
#[derive(Debug)]
pub enum Kind {
    /// `null`
    Null,
    /// `boolean`
    Boolean,
    /// `number`
    Number,
    /// `string`
    String,
    /// Elements at fixed positions, then any number of others.
    Array {
        /// The first elements.
        fixed: Vec<Known>,
        /// All others; `None` if there are no others.
        rest: Known,
    },
    /// Members with known keys, then any number of others.
    Object {
        /// In order of their keys.
        fixed: Vec<(Constant, Known)>,
        /// Key and value of all others.
        rest: Option<Rest>,
    },
    /// A set; `None` is the empty one.
    Set(Known),
    /// A union in the order of [`compare`]; without members it is every value.
    Any(Vec<Ty>),
    /// A function.
    Function(Function),
    /// A schema that stands inside itself.
    Recursive(Recursive),
}

/// The members of an object whose keys are not known.
#[derive(Clone, Debug)]
pub struct Rest {
    /// Their keys.
    pub key: Known,
    /// Their values.
    pub value: Known,
}

/// A parameter of a function: built-ins name theirs.
#[derive(Clone, Debug)]
pub struct Param {
    /// Shown in messages.
    pub name: Option<Name>,
    /// Its type.
    pub ty: Known,
}

/// The type of a function.
#[derive(Clone, Debug)]
pub struct Function {
    /// What every call has.
    pub params: Vec<Param>,
    /// What may follow.
    pub variadic: Known,
    /// `None` if the function gives nothing (`print`).
    pub result: Option<Param>,
}

/// A type by its name in a schema. It does not own what it names (that would be a circle): the
/// environment keeps the types of all schemas.
#[derive(Debug)]
pub struct Recursive {
    /// `#/$defs/node`
    pub name: String,
    /// Set when the definition has been read.
    pub target: OnceLock<Weak<Kind>>,
}

impl Recursive {
    /// What the name stands for.
    pub fn unwrap(&self) -> Known {
        self.target.get().and_then(Weak::upgrade)
    }
}

macro_rules! scalar {
    ($($(#[$doc:meta])* $name:ident = $kind:expr;)*) => {
        $($(#[$doc])* pub fn $name() -> Ty {
            // One for each thread: threads that count the uses of one wait for each other.
            thread_local! {
                static SHARED: Ty = Arc::new($kind);
            }
            SHARED.with(Arc::clone)
        })*
    };
}

scalar! {
    /// `null`
    null = Kind::Null;
    /// `boolean`
    boolean = Kind::Boolean;
    /// `number`
    number = Kind::Number;
    /// `string`
    string = Kind::String;
    /// Every value.
    any = Kind::Any(Vec::new());
}

/// `array<..>[..]`
pub fn array(fixed: Vec<Known>, rest: Known) -> Ty {
    Arc::new(Kind::Array { fixed, rest })
}

/// `object<..>[..]`; members are put in order.
pub fn object(mut fixed: Vec<(Constant, Known)>, rest: Option<Rest>) -> Ty {
    fixed.sort_by(|(a, _), (b, _)| compare_constants(a, b));
    Arc::new(Kind::Object { fixed, rest })
}

/// `set[..]`
pub fn set(of: Known) -> Ty {
    Arc::new(Kind::Set(of))
}

/// What a recursive name stands for; other types are themselves. A name that stands for nothing
/// (its schema is gone) is every value.
pub fn unwrap(ty: &Ty) -> Ty {
    match &**ty {
        Kind::Recursive(recursive) => recursive.unwrap().unwrap_or_else(any),
        _ => ty.clone(),
    }
}

/// True for the union of everything.
pub fn is_any(ty: &Ty) -> bool {
    matches!(&**ty, Kind::Any(of) if of.is_empty())
}

/// A type as messages show it; `???` if it is not known.
pub fn text(ty: &Known) -> String {
    let mut out = String::new();
    write_known(&mut out, ty);
    out
}

/// A type as messages show it.
pub fn ty_text(ty: &Ty) -> String {
    let mut out = String::new();
    write_ty(&mut out, ty);
    out
}

fn write_known(out: &mut String, ty: &Known) {
    match ty {
        Some(ty) => write_ty(out, ty),
        None => out.push_str("???"),
    }
}

fn write_list<T>(out: &mut String, list: &[T], mut write: impl FnMut(&mut String, &T)) {
    for (i, item) in list.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
}

fn write_ty(out: &mut String, ty: &Ty) {
    match &**ty {
        Kind::Null => out.push_str("null"),
        Kind::Boolean => out.push_str("boolean"),
        Kind::Number => out.push_str("number"),
        Kind::String => out.push_str("string"),
        Kind::Array { fixed, rest } => {
            out.push_str("array");
            if !fixed.is_empty() {
                out.push('<');
                write_list(out, fixed, write_known);
                out.push('>');
            }
            if let Some(rest) = rest {
                out.push('[');
                write_ty(out, rest);
                out.push(']');
            }
        }
        Kind::Object { fixed, rest } => {
            out.push_str("object");
            if !fixed.is_empty() {
                out.push('<');
                write_list(out, fixed, |out, (key, value)| {
                    let _ = write!(out, "{}: ", go_text(key));
                    write_known(out, value);
                });
                out.push('>');
            }
            if let Some(rest) = rest {
                out.push('[');
                write_known(out, &rest.key);
                out.push_str(": ");
                write_known(out, &rest.value);
                out.push(']');
            }
        }
        Kind::Set(None) => out.push_str("set"),
        Kind::Set(Some(of)) => {
            out.push_str("set[");
            write_ty(out, of);
            out.push(']');
        }
        Kind::Any(of) if of.is_empty() => out.push_str("any"),
        Kind::Any(of) => {
            out.push_str("any<");
            write_list(out, of, write_ty);
            out.push('>');
        }
        Kind::Function(function) => {
            out.push('(');
            write_list(out, &function.params, |out, param| {
                write_known(out, &param.ty)
            });
            if let Some(variadic) = &function.variadic {
                if !function.params.is_empty() {
                    out.push_str(", ");
                }
                write_ty(out, variadic);
                out.push_str("...");
            }
            out.push_str(") => ");
            match &function.result {
                Some(result) => write_known(out, &result.ty),
                None => out.push_str("???"),
            }
        }
        Kind::Recursive(recursive) => {
            let _ = write!(out, "recursive({})", recursive.name);
        }
    }
}

/// The rank of `string`.
const LAST_SCALAR: u8 = 4;

fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Null => 1,
        Kind::Boolean => 2,
        Kind::Number => 3,
        Kind::String => 4,
        Kind::Array { .. } => 5,
        Kind::Object { .. } => 6,
        Kind::Set(_) => 7,
        Kind::Any(_) => 8,
        Kind::Function(_) => 9,
        Kind::Recursive(_) => 10,
    }
}

/// An order of types, for sorted unions. Unknown comes first.
pub fn compare_known(a: &Known, b: &Known) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(a, b),
    }
}

/// An order of types, for sorted unions.
pub fn compare(a: &Ty, b: &Ty) -> Ordering {
    compare_within(a, b, &mut Same::default(), 0)
}

/// Pairs of parts that are the same, or were so far: types share parts, and recursive types unroll
/// for ever.
type Same = HashSet<(*const Kind, *const Kind)>;

/// Past this depth two types that were the same so far are.
const MAX_DEPTH: u32 = 1000;

fn compare_within(a: &Ty, b: &Ty, same: &mut Same, depth: u32) -> Ordering {
    if Arc::ptr_eq(a, b) || depth > MAX_DEPTH {
        return Ordering::Equal;
    }
    let (a, b) = (unwrap(a), unwrap(b));
    let order = rank(&a).cmp(&rank(&b));
    if order != Ordering::Equal || rank(&a) <= LAST_SCALAR || Arc::ptr_eq(&a, &b) {
        return order;
    }
    // A difference ends the comparison as a whole: whoever comes here again has found none.
    if !same.insert((Arc::as_ptr(&a), Arc::as_ptr(&b))) {
        return Ordering::Equal;
    }
    let mut known = |a: &Known, b: &Known| match (a, b) {
        (Some(a), Some(b)) => compare_within(a, b, same, depth + 1),
        _ => a.is_some().cmp(&b.is_some()),
    };
    match (&*a, &*b) {
        (
            Kind::Array {
                fixed: af,
                rest: ar,
            },
            Kind::Array {
                fixed: bf,
                rest: br,
            },
        ) => known(ar, br).then_with(|| compare_lists(af, bf, &mut known)),
        (
            Kind::Object {
                fixed: af,
                rest: ar,
            },
            Kind::Object {
                fixed: bf,
                rest: br,
            },
        ) => {
            let rests = match (ar, br) {
                (Some(a), Some(b)) => known(&a.key, &b.key).then_with(|| known(&a.value, &b.value)),
                _ => ar.is_some().cmp(&br.is_some()),
            };
            rests.then_with(|| {
                compare_lists(af, bf, |(ak, av), (bk, bv)| {
                    compare_constants(ak, bk).then_with(|| known(av, bv))
                })
            })
        }
        (Kind::Set(a), Kind::Set(b)) => known(a, b),
        (Kind::Any(a), Kind::Any(b)) => {
            compare_lists(a, b, |a, b| compare_within(a, b, same, depth + 1))
        }
        (Kind::Function(a), Kind::Function(b)) => {
            let result = |f: &Function| f.result.as_ref().and_then(|r| r.ty.clone());
            a.params
                .len()
                .cmp(&b.params.len())
                .then_with(|| compare_lists(&a.params, &b.params, |a, b| known(&a.ty, &b.ty)))
                .then_with(|| known(&result(a), &result(b)))
                .then_with(|| known(&a.variadic, &b.variadic))
        }
        _ => Ordering::Equal,
    }
}

fn compare_lists<T>(a: &[T], b: &[T], mut compare: impl FnMut(&T, &T) -> Ordering) -> Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = compare(a, b);
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// True if every value of `b` is one of `a`, as far as membership in unions tells.
pub fn contains(a: &Ty, b: &Ty) -> bool {
    match &**a {
        Kind::Any(of) => any_contains(of, b),
        _ => compare(a, b) == Ordering::Equal,
    }
}

fn any_contains(of: &[Ty], other: &Ty) -> bool {
    if matches!(&**other, Kind::Function(_)) {
        return false;
    }
    of.is_empty() || of.binary_search_by(|ty| compare(ty, other)).is_ok()
}

/// The union of two types; an unknown one adds nothing. A function and something else have none.
pub fn or(a: &Known, b: &Known) -> Known {
    let (a, b) = match (a, b) {
        (None, other) | (other, None) => return other.clone(),
        (Some(a), Some(b)) => (a, b),
    };
    match (&**a, &**b) {
        (Kind::Function(x), Kind::Function(y)) => {
            union_functions(x, y).map(|f| Arc::new(Kind::Function(f)))
        }
        (Kind::Function(_), _) | (_, Kind::Function(_)) => None,
        (Kind::Any(x), Kind::Any(y)) => Some(union_anys((a, x), (b, y))),
        (Kind::Any(of), _) => Some(add_to_any((a, of), b)),
        (_, Kind::Any(of)) => Some(add_to_any((b, of), a)),
        _ => match compare(a, b) {
            Ordering::Equal => Some(a.clone()),
            Ordering::Less => Some(Arc::new(Kind::Any(vec![a.clone(), b.clone()]))),
            Ordering::Greater => Some(Arc::new(Kind::Any(vec![b.clone(), a.clone()]))),
        },
    }
}

/// The union of many types, as if they were added one after another.
pub fn union<'t>(types: impl IntoIterator<Item = &'t Known>) -> Known {
    let types: Vec<&Ty> = types.into_iter().flatten().collect();
    let is_function = |ty: &&Ty| matches!(&***ty, Kind::Function(_));
    if types.len() < 3 || types.iter().any(is_function) {
        let add = |all, ty: &Ty| or(&all, &Some(ty.clone()));
        return types.into_iter().fold(None, add);
    }
    let mut members: Vec<Ty> = Vec::with_capacity(types.len());
    let mut wide = false;
    for ty in types {
        match &**ty {
            Kind::Any(of) if of.is_empty() => return Some(any()),
            Kind::Any(of) => {
                wide = true;
                members.extend_from_slice(of);
            }
            _ => members.push(ty.clone()),
        }
    }
    members.sort_by(compare);
    members.dedup_by(|later, earlier| compare(later, earlier) == Ordering::Equal);
    match members.as_slice() {
        [only] if !wide => Some(only.clone()),
        _ => Some(Arc::new(Kind::Any(members))),
    }
}

/// Adds a member to a union that nobody else holds. False if it is none.
pub fn widen(union: &mut Known, member: &Ty) -> bool {
    let Some(Kind::Any(of)) = union.as_mut().and_then(Arc::get_mut) else {
        return false;
    };
    if !of.is_empty()
        && let Err(at) = of.binary_search_by(|ty| compare(ty, member))
    {
        of.insert(at, member.clone());
    }
    true
}

fn add_to_any((whole, of): (&Ty, &[Ty]), other: &Ty) -> Ty {
    if any_contains(of, other) {
        return whole.clone();
    }
    let mut of = of.to_vec();
    let at = of.partition_point(|ty| compare(ty, other) == Ordering::Less);
    of.insert(at, other.clone());
    Arc::new(Kind::Any(of))
}

fn union_anys((a, x): (&Ty, &[Ty]), (b, y): (&Ty, &[Ty])) -> Ty {
    if x.is_empty() {
        return a.clone();
    }
    if y.is_empty() {
        return b.clone();
    }
    let mut merged = Vec::with_capacity(x.len().max(y.len()));
    let (mut i, mut j) = (0, 0);
    while i < x.len() && j < y.len() {
        match compare(&x[i], &y[j]) {
            Ordering::Less => {
                merged.push(x[i].clone());
                i += 1;
            }
            Ordering::Equal => {
                merged.push(x[i].clone());
                i += 1;
                j += 1;
            }
            Ordering::Greater => {
                merged.push(y[j].clone());
                j += 1;
            }
        }
    }
    merged.extend_from_slice(&x[i..]);
    merged.extend_from_slice(&y[j..]);
    Arc::new(Kind::Any(merged))
}

fn union_functions(a: &Function, b: &Function) -> Option<Function> {
    if a.params.len() != b.params.len() || a.variadic.is_some() != b.variadic.is_some() {
        return None;
    }
    let params = a
        .params
        .iter()
        .zip(&b.params)
        .map(|(a, b)| Param {
            name: None,
            ty: or(&a.ty, &b.ty),
        })
        .collect();
    let result = |f: &Function| f.result.as_ref().and_then(|r| r.ty.clone());
    let result = or(&result(a), &result(b));
    Some(Function {
        params,
        variadic: or(&a.variadic, &b.variadic),
        result: result.map(|ty| Param {
            name: None,
            ty: Some(ty),
        }),
    })
}

/// The type of an element of an array by its position.
pub fn array_select(fixed: &[Known], rest: &Known, at: usize) -> Known {
    match fixed.get(at) {
        Some(ty) => ty.clone(),
        None => rest.clone(),
    }
}

/// The type of a member of an object by its key.
pub fn object_select(fixed: &[(Constant, Known)], rest: &Option<Rest>, key: &Constant) -> Known {
    if let Ok(at) = fixed.binary_search_by(|(known, _)| compare_constants(known, key)) {
        // Of equal keys the first counts.
        let equal = |(known, _): &(Constant, Known)| compare_constants(known, key).is_eq();
        let first = fixed[..at].iter().rposition(|member| !equal(member));
        return fixed[first.map_or(0, |before| before + 1)].1.clone();
    }
    match rest {
        Some(Rest {
            key: Some(keys),
            value,
        }) if contains(keys, &type_of(key)) => value.clone(),
        _ => None,
    }
}

/// The type of `ty[key]`; `None` if there is nothing.
pub fn select(ty: &Ty, key: &Constant) -> Known {
    match &*unwrap(ty) {
        Kind::Array { fixed, rest } => match key {
            Constant::Number(text) => {
                let at: i64 = text.parse().ok()?;
                array_select(fixed, rest, usize::try_from(at).ok()?)
            }
            _ => None,
        },
        Kind::Object { fixed, rest } => object_select(fixed, rest, key),
        Kind::Set(of) => {
            let of = of.as_ref()?;
            let key = type_of(key);
            if compare(of, &key) == Ordering::Equal {
                return Some(of.clone());
            }
            match &**of {
                Kind::Any(members) if any_contains(members, &key) => Some(key),
                _ => None,
            }
        }
        Kind::Any(of) if of.is_empty() => Some(any()),
        Kind::Any(of) => of.iter().fold(None, |all, ty| or(&select(ty, key), &all)),
        _ => None,
    }
}

/// The type of the keys of a collection; `None` if it has none or is no collection.
pub fn keys(ty: &Ty) -> Known {
    match &*unwrap(ty) {
        Kind::Array { .. } => Some(number()),
        Kind::Object { fixed, rest } => {
            let known: Vec<Known> = fixed.iter().map(|(key, _)| Some(type_of(key))).collect();
            union(known.iter().chain(rest.iter().map(|rest| &rest.key)))
        }
        Kind::Set(of) => of.clone(),
        Kind::Any(of) if of.is_empty() => Some(any()),
        Kind::Any(of) => of.iter().fold(None, |all, ty| or(&keys(ty), &all)),
        _ => None,
    }
}

/// The type of the values of a collection; `None` if it has none or is no collection.
pub fn values(ty: &Ty) -> Known {
    match &*unwrap(ty) {
        Kind::Array { fixed, rest } => union(fixed.iter().chain([rest])),
        Kind::Object { fixed, rest } => {
            let rest = rest.iter().map(|rest| &rest.value);
            union(fixed.iter().map(|(_, value)| value).chain(rest))
        }
        Kind::Set(of) => of.clone(),
        Kind::Any(of) if of.is_empty() => Some(any()),
        Kind::Any(of) => of.iter().fold(None, |all, ty| or(&values(ty), &all)),
        _ => None,
    }
}

/// True if the type or a part of it is not known. (An empty set counts as not known, a part of a
/// union never does.)
pub fn has_unknown(ty: &Known) -> bool {
    fn inside(ty: &Known, seen: &mut HashSet<*const Kind>) -> bool {
        let Some(ty) = ty else { return true };
        let ty = unwrap(ty);
        let mut enter = || seen.insert(Arc::as_ptr(&ty));
        match &*ty {
            Kind::Function(function) => {
                function.params.iter().any(|p| inside(&p.ty, seen))
                    || inside(&function.result.as_ref().and_then(|r| r.ty.clone()), seen)
            }
            Kind::Array { fixed, rest } => {
                enter()
                    && (fixed.iter().any(|ty| inside(ty, seen))
                        || (rest.is_some() && inside(rest, seen)))
            }
            Kind::Object { fixed, rest } => {
                enter()
                    && (fixed.iter().any(|(_, ty)| inside(ty, seen))
                        || rest
                            .as_ref()
                            .is_some_and(|r| inside(&r.key, seen) || inside(&r.value, seen)))
            }
            Kind::Set(of) => inside(of, seen),
            _ => false,
        }
    }
    inside(ty, &mut HashSet::new())
}

/// The type of a constant. Sets have become arrays, as everywhere in keys of types.
pub fn type_of(constant: &Constant) -> Ty {
    match constant {
        Constant::Null => null(),
        Constant::Boolean(_) => boolean(),
        Constant::Number(_) => number(),
        Constant::String(_) => string(),
        Constant::Array(items) | Constant::Set(items) => {
            array(items.iter().map(|item| Some(type_of(item))).collect(), None)
        }
        Constant::Object(members) => object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), Some(type_of(v))))
                .collect(),
            None,
        ),
    }
}

/// The type as JSON text, as OPA's `details` have it.
pub fn json(ty: &Known) -> String {
    let mut out = String::new();
    write_json(&mut out, ty, None);
    out
}

/// A parameter as JSON text: its type with the name among its members.
pub fn param_json(param: &Param) -> String {
    let mut out = String::new();
    write_json(&mut out, &param.ty, param.name.as_deref());
    out
}

fn write_json(out: &mut String, ty: &Known, name: Option<&str>) {
    let Some(ty) = ty else {
        out.push_str("null");
        return;
    };
    // Members in the order of their names, as Go writes maps.
    let mut members: Vec<(&str, String)> = Vec::new();
    let list = |items: &mut dyn Iterator<Item = String>| {
        format!("[{}]", items.collect::<Vec<_>>().join(","))
    };
    let kind = match &**ty {
        Kind::Null => "null",
        Kind::Boolean => "boolean",
        Kind::Number => "number",
        Kind::String => "string",
        Kind::Array { fixed, rest } => {
            if rest.is_some() {
                members.push(("dynamic", json(rest)));
            }
            if !fixed.is_empty() {
                members.push(("static", list(&mut fixed.iter().map(json))));
            }
            "array"
        }
        Kind::Object { fixed, rest } => {
            if let Some(rest) = rest {
                let text = format!(
                    r#"{{"key":{},"value":{}}}"#,
                    json(&rest.key),
                    json(&rest.value)
                );
                members.push(("dynamic", text));
            }
            if !fixed.is_empty() {
                let texts = &mut fixed.iter().map(|(key, value)| {
                    let key = super::constant::json_text(key);
                    format!(r#"{{"key":{key},"value":{}}}"#, json(value))
                });
                members.push(("static", list(texts)));
            }
            "object"
        }
        Kind::Set(of) => {
            if of.is_some() {
                members.push(("of", json(of)));
            }
            "set"
        }
        Kind::Any(of) => {
            if !of.is_empty() {
                members.push(("of", list(&mut of.iter().map(|ty| json(&Some(ty.clone()))))));
            }
            "any"
        }
        Kind::Function(function) => {
            if !function.params.is_empty() {
                members.push(("args", list(&mut function.params.iter().map(param_json))));
            }
            if let Some(result) = &function.result {
                members.push(("result", param_json(result)));
            }
            if function.variadic.is_some() {
                members.push(("variadic", json(&function.variadic)));
            }
            "function"
        }
        Kind::Recursive(recursive) => {
            let name = super::constant::json_string(&recursive.name);
            let _ = write!(out, r#"{{"name":{name}}}"#);
            return;
        }
    };
    if let Some(name) = name {
        members.push(("name", super::constant::json_string(name)));
    }
    members.push(("type", format!("\"{kind}\"")));
    members.sort_by_key(|(name, _)| *name);
    out.push('{');
    for (i, (name, text)) in members.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let _ = write!(out, "\"{name}\":{text}");
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Constant {
        text.into()
    }

    #[test]
    fn types_print_as_in_messages() {
        let ty = object(
            vec![
                (key("b"), Some(set(None))),
                (
                    key("a"),
                    Some(array(vec![Some(number()), None], Some(any()))),
                ),
            ],
            Some(Rest {
                key: Some(string()),
                value: or(&Some(string()), &Some(null())),
            }),
        );
        assert_eq!(
            ty_text(&ty),
            "object<a: array<number, ???>[any], b: set>[string: any<null, string>]"
        );
        assert_eq!(
            json(&Some(array(vec![None], Some(set(Some(any())))))),
            r#"{"dynamic":{"of":{"type":"any"},"type":"set"},"static":[null],"type":"array"}"#
        );
    }

    #[test]
    fn unions_are_sorted_and_flat() {
        let ab = or(&Some(string()), &Some(number()));
        assert_eq!(text(&ab), "any<number, string>");
        assert_eq!(text(&or(&ab, &Some(string()))), "any<number, string>");
        assert_eq!(text(&or(&Some(null()), &ab)), "any<null, number, string>");
        assert_eq!(text(&or(&ab, &Some(any()))), "any");
        assert_eq!(text(&or(&None, &ab)), "any<number, string>");
    }

    #[test]
    fn selection_looks_into_every_member_of_a_union() {
        let x = object(vec![(key("x"), Some(number()))], None);
        let union = or(&Some(x), &Some(array(vec![], Some(string())))).unwrap();
        assert_eq!(text(&select(&union, &key("x"))), "number");
        assert_eq!(
            text(&select(&union, &Constant::Number("7".into()))),
            "string"
        );
        assert_eq!(text(&select(&union, &key("y"))), "???");
        assert_eq!(text(&keys(&union)), "any<number, string>");
        assert_eq!(text(&values(&union)), "any<number, string>");
    }

    #[test]
    fn unknown_parts_are_found() {
        assert!(has_unknown(&None));
        assert!(has_unknown(&Some(set(None))));
        assert!(has_unknown(&Some(array(vec![Some(number()), None], None))));
        assert!(!has_unknown(&Some(array(vec![], None))));
        assert!(!has_unknown(&Some(any())));
    }
}
