//! What is known about types while checking: trees of types by path, one upon the other.
//!
//! The bottom layer holds `input`, the next one rules, those above the variables of bodies. Built-ins are below all of
//! them; most programs ask for few. Trees are persistent, so that a reader may go on while variables are typed.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

use hashbrown::HashMap;
use regovm_core::builtin::{BuiltinId, Table};
use regovm_parser::ast::{Name, Term, TermKind};

use super::constant::constant_of;
use super::identity::{Numbers, TypeNumber};
use super::ty::{self, Kind, Known, Rest, Ty};
use crate::order::{compare_terms, is_constant};
use crate::visit::NameMap;

/// One term of a path, ordered as Rego orders values.
#[derive(Clone, Debug)]
pub struct Key(pub Term);

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        compare_terms(&self.0, &other.0)
    }
}

/// A key or a term, so that look-ups need no key of their own.
pub trait AsKey {
    /// The term that is compared.
    fn key(&self) -> &Term;
}

impl AsKey for Key {
    fn key(&self) -> &Term {
        &self.0
    }
}

impl AsKey for Term {
    fn key(&self) -> &Term {
        self
    }
}

impl<'k> std::borrow::Borrow<dyn AsKey + 'k> for Key {
    fn borrow(&self) -> &(dyn AsKey + 'k) {
        self
    }
}

impl PartialEq for dyn AsKey + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for dyn AsKey + '_ {}

impl PartialOrd for dyn AsKey + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for dyn AsKey + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_terms(self.key(), other.key())
    }
}

/// Types by path.
#[derive(Clone, Default, Debug)]
pub struct Node {
    /// The type at this path.
    pub value: Known,
    /// Longer paths.
    pub children: BTreeMap<Key, Arc<Node>>,
}

impl Node {
    /// The node one term below.
    pub fn child(&self, key: &Term) -> Option<&Arc<Node>> {
        self.children.get(key as &dyn AsKey)
    }

    fn child_mut(&mut self, key: &Term) -> &mut Node {
        Arc::make_mut(self.children.entry(Key(key.clone())).or_default())
    }

    /// Sets the type at a path.
    pub fn put(&mut self, path: &[Term], value: Known) {
        match path.split_first() {
            None => self.value = value,
            Some((key, rest)) => {
                self.child_mut(key).put(rest, value);
            }
        }
    }

    /// Adds a rule's type at a path: merges it with what is there, above and below.
    fn insert(&mut self, path: &[Term], ty: &Ty, env: &Env<'_>) {
        let Some((key, rest)) = path.split_first() else {
            self.insert_here(ty, env);
            return;
        };
        let child = self.child_mut(key);
        if !rest.is_empty()
            && let Some(value) = &child.value
        {
            let value = ty::unwrap(value);
            if matches!(&*value, Kind::Object { .. }) {
                child.value = Some(insert_into_object(&value, rest, &Some(ty.clone()), env));
            }
        }
        child.insert(rest, ty, env);
    }

    /// Adds the paths of another tree; only one of the two may have a type at a path or above it.
    pub fn join(&mut self, other: &Node) {
        if other.value.is_some() {
            self.value.clone_from(&other.value);
        }
        for (key, child) in &other.children {
            match self.children.entry(key.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(child.clone());
                }
                Entry::Occupied(mut entry) => Arc::make_mut(entry.get_mut()).join(child),
            }
        }
    }

    fn insert_here(&mut self, ty: &Ty, env: &Env<'_>) {
        // One by one, many rules of one name would copy the union of their types again and again.
        let joins = matches!(&**ty, Kind::Any(_) | Kind::Function(_) | Kind::Recursive(_))
            || matches!(&**ty, Kind::Object { fixed, rest: Some(_) } if fixed.is_empty());
        if joins || !ty::widen(&mut self.value, ty) {
            self.value = merge(&self.value, &Some(ty.clone()));
        }
        if self.children.is_empty() || !matches!(&*ty::unwrap(ty), Kind::Object { .. }) {
            return;
        }
        let Some(mut value) = self.value.as_ref().map(ty::unwrap) else {
            return;
        };
        let mut leaves = Vec::new();
        for (key, child) in &self.children {
            collect_leaves(child, &mut vec![key.0.clone()], &mut leaves);
        }
        for (path, leaf) in leaves {
            if matches!(&*value, Kind::Object { .. }) {
                value = insert_into_object(&value, &path, &Some(leaf), env);
            }
        }
        self.value = Some(value);
    }
}

fn collect_leaves(node: &Node, path: &mut Vec<Term>, out: &mut Vec<(Vec<Term>, Ty)>) {
    if let Some(value) = &node.value {
        out.push((path.clone(), value.clone()));
        return;
    }
    for (key, child) in &node.children {
        path.push(key.0.clone());
        collect_leaves(child, path, out);
        path.pop();
    }
}

/// An object type that may also have `path`.
fn insert_into_object(object: &Ty, path: &[Term], ty: &Known, env: &Env<'_>) -> Ty {
    let (Kind::Object { fixed, rest }, Some((key, tail))) = (&**object, path.split_first()) else {
        return object.clone();
    };
    let key = env.get(key);
    let value = if tail.is_empty() {
        ty.clone()
    } else {
        Some(insert_into_object(
            &ty::object(Vec::new(), None),
            tail,
            ty,
            env,
        ))
    };
    let rest = match rest {
        Some(old) => Rest {
            key: ty::or(&old.key, &key),
            value: ty::or(&old.value, &value),
        },
        None => Rest { key, value },
    };
    ty::object(fixed.clone(), Some(rest))
}

/// Joins the types of two rules of one name: sets and objects without fixed keys member by member,
/// all else as a union.
pub fn merge(a: &Known, b: &Known) -> Known {
    let (Some(x), Some(y)) = (a, b) else {
        return a.clone().or_else(|| b.clone());
    };
    let (x, y) = (ty::unwrap(x), ty::unwrap(y));
    match (&*x, &*y) {
        (
            Kind::Object {
                fixed: xf,
                rest: xr,
            },
            Kind::Object {
                fixed: yf,
                rest: yr,
            },
        ) if xf.is_empty() && yf.is_empty() => {
            // Without any members it is the empty object, which the other one covers.
            let (Some(xr), Some(yr)) = (xr, yr) else {
                return Some(if xr.is_none() { y.clone() } else { x.clone() });
            };
            let rest = Rest {
                key: ty::or(&xr.key, &yr.key),
                value: merge(&xr.value, &yr.value),
            };
            return Some(ty::object(Vec::new(), Some(rest)));
        }
        (
            Kind::Object {
                fixed,
                rest: Some(rest),
            },
            Kind::Any(of),
        ) if fixed.is_empty() => {
            let place = of.iter().position(|member| {
                matches!(&**member, Kind::Object { fixed, rest: Some(_) } if fixed.is_empty())
            });
            if let Some(place) = place {
                let mut of = of.clone();
                if let Kind::Object {
                    rest: Some(old), ..
                } = &*of[place].clone()
                {
                    let rest = Rest {
                        key: ty::or(&old.key, &rest.key),
                        value: ty::or(&old.value, &rest.value),
                    };
                    of[place] = ty::object(Vec::new(), Some(rest));
                }
                return Some(Arc::new(Kind::Any(of)));
            }
        }
        (Kind::Set(x), Kind::Set(y)) => return Some(ty::set(ty::or(x, y))),
        (Kind::Any(_), Kind::Any(_)) => {}
        (Kind::Any(_), _) => return merge(&Some(y.clone()), &Some(x.clone())),
        _ => {}
    }
    ty::or(&Some(x.clone()), &Some(y.clone()))
}

/// One tree of an environment.
#[derive(Debug)]
pub struct Layer {
    tree: RefCell<Arc<Node>>,
    /// Variables of bodies: paths of one term, of which there are many that do not live long.
    vars: RefCell<NameMap<Known>>,
    /// Made for the modifiers of an expression.
    replaces: bool,
    next: Option<Rc<Layer>>,
}

impl Layer {
    fn new(tree: Arc<Node>, next: Option<Rc<Layer>>) -> Layer {
        Layer {
            tree: RefCell::new(tree),
            vars: RefCell::default(),
            replaces: false,
            next,
        }
    }

    /// What this layer says of the first term of a path.
    fn head(&self, head: &Term) -> Option<Arc<Node>> {
        if let Some(name) = head.as_var()
            && let Some(value) = self.vars.borrow().get(name)
        {
            return Some(Arc::new(Node {
                value: value.clone(),
                children: BTreeMap::new(),
            }));
        }
        self.tree.borrow().child(head).cloned()
    }

    fn change(&self, change: impl FnOnce(&mut Node)) {
        // Out of its cell while it changes: the change may look at the environment.
        let mut tree = self.tree.take();
        change(Arc::make_mut(&mut tree));
        *self.tree.borrow_mut() = tree;
    }
}

/// Layers of trees; the top one is asked first.
#[derive(Clone)]
pub struct Env<'c> {
    top: Rc<Layer>,
    /// Where the types of variables go: the top layer, except below a `with`.
    vars: Rc<Layer>,
    shared: Rc<Shared<'c>>,
}

/// What the layers of an environment have in common.
struct Shared<'c> {
    numbers: RefCell<Numbers>,
    builtins: &'c Table,
    /// Types of built-ins that were asked for.
    declared: RefCell<HashMap<BuiltinId, Ty>>,
    /// What layers begin with.
    empty: Arc<Node>,
}

/// The layers of a finished environment: `input`, then rules. Can be shared by
/// threads; keeps alive what recursive schema types refer to.
#[derive(Clone, Default, Debug)]
pub struct TypeEnv {
    layers: Vec<Arc<Node>>,
    schemas: Vec<Ty>,
}

impl TypeEnv {
    /// An environment with one layer.
    pub fn new(base: Node, schemas: Vec<Ty>) -> TypeEnv {
        TypeEnv {
            layers: vec![Arc::new(base)],
            schemas,
        }
    }

    /// The environment to check in.
    pub fn open<'c>(&self, builtins: &'c Table) -> Env<'c> {
        let mut top: Option<Rc<Layer>> = None;
        for tree in &self.layers {
            top = Some(Rc::new(Layer::new(tree.clone(), top)));
        }
        let top = top.unwrap_or_else(|| Rc::new(Layer::new(Arc::default(), None)));
        Env {
            vars: top.clone(),
            top,
            shared: Rc::new(Shared {
                numbers: RefCell::default(),
                builtins,
                declared: RefCell::default(),
                empty: Arc::default(),
            }),
        }
    }

    /// This environment with one more layer.
    pub fn with_layer(&self, tree: Arc<Node>, schemas: Vec<Ty>) -> TypeEnv {
        let mut out = self.clone();
        out.layers.push(tree);
        out.schemas.extend(schemas);
        out
    }
}

impl<'c> Env<'c> {
    /// This environment with other layers.
    fn with(&self, top: Rc<Layer>, vars: Rc<Layer>) -> Env<'c> {
        Env {
            top,
            vars,
            shared: self.shared.clone(),
        }
    }

    /// This environment with an empty layer on top.
    pub fn wrap(&self) -> Env<'c> {
        let top = Rc::new(Layer::new(
            self.shared.empty.clone(),
            Some(self.top.clone()),
        ));
        self.with(top.clone(), top)
    }

    /// The same for one expression with modifiers: what it says of variables outlives it.
    pub fn wrap_with(&self, tree: Arc<Node>) -> Env<'c> {
        let top = Rc::new(Layer {
            replaces: true,
            ..Layer::new(tree, Some(self.top.clone()))
        });
        self.with(top, self.vars.clone())
    }

    /// The top layer as it is now.
    pub fn tree(&self) -> Arc<Node> {
        self.top.tree.borrow().clone()
    }

    /// The trees that modifiers of expressions have put upon this environment.
    pub fn replaced(&self) -> Vec<*const Node> {
        let mut trees = Vec::new();
        let mut layer = Some(&self.top);
        while let Some(this) = layer {
            if this.replaces {
                trees.push(Arc::as_ptr(&this.tree.borrow()));
            }
            layer = this.next.as_ref();
        }
        trees
    }

    /// The number of a type.
    pub fn number(&self, ty: &Known) -> TypeNumber {
        self.shared.numbers.borrow_mut().of(ty)
    }

    /// What the layers say of the first term of a path, from the top one down.
    pub fn heads<'h>(&'h self, head: &'h Term) -> impl Iterator<Item = Option<Arc<Node>>> + 'h {
        let mut layer = Some(&self.top);
        std::iter::from_fn(move || {
            let this = layer?;
            layer = this.next.as_ref();
            Some(this.head(head))
        })
    }

    /// Sets the type of a path in the top layer.
    pub fn put(&self, path: &[Term], value: Known) {
        let value = self.shared.numbers.borrow_mut().bounded(value);
        self.top.change(|tree| tree.put(path, value));
    }

    /// Sets the type of a variable.
    pub fn put_var(&self, var: &Term, value: Known) {
        let value = self.shared.numbers.borrow_mut().bounded(value);
        match &var.kind {
            TermKind::Var(name) => self.vars.vars.borrow_mut().insert(name, value),
            _ => self
                .vars
                .change(|tree| tree.put(std::slice::from_ref(var), value)),
        }
    }

    /// Adds the type of a rule to the top layer.
    pub fn insert(&self, path: &[Term], ty: &Ty) {
        let Some(ty) = self.shared.numbers.borrow_mut().bounded(Some(ty.clone())) else {
            return;
        };
        // Keys are constants: `insert` asks the environment for nothing that it is changing.
        self.top.change(|tree| tree.insert(path, &ty, self));
    }

    /// The type of a variable.
    pub fn get_var(&self, var: &Term) -> Known {
        let mut layer = Some(&self.top);
        while let Some(this) = layer {
            if let Some(name) = var.as_var()
                && let Some(value) = this.vars.borrow().get(name)
            {
                return value.clone();
            }
            if let Some(node) = this.tree.borrow().child(var) {
                return node.value.clone();
            }
            layer = this.next.as_ref();
        }
        self.builtin(std::slice::from_ref(var))
    }

    /// The type of a term without comprehensions at the top (those need a checker).
    pub fn get(&self, term: &Term) -> Known {
        Some(match &term.kind {
            TermKind::Null => ty::null(),
            TermKind::Boolean(_) => ty::boolean(),
            TermKind::Number(_) => ty::number(),
            TermKind::String(_) | TermKind::Template(_) => ty::string(),
            TermKind::Array(items) => {
                ty::array(items.iter().map(|item| self.get(item)).collect(), None)
            }
            TermKind::Object(members) => object_type(members, &mut |term| self.get(term)),
            TermKind::Set(items) => {
                let types: Vec<Known> = items.iter().map(|item| self.get(item)).collect();
                ty::set(ty::union(&types))
            }
            TermKind::Ref(path) => return self.get_ref(path),
            TermKind::Var(_) => return self.get_var(term),
            _ => return None,
        })
    }

    /// The type of what a ref refers to.
    pub fn get_ref(&self, path: &[Term]) -> Known {
        let (head, tail) = path.split_first()?;
        let mut layer = Some(&self.top);
        while let Some(this) = layer {
            let value = match head.as_var() {
                Some(name) => this.vars.borrow().get(name).cloned(),
                None => None,
            };
            let found = match value {
                Some(value @ Some(_)) => Some(select_ref(&value, tail)),
                Some(None) => find(&Node::default(), tail),
                None => {
                    let node = this.tree.borrow().child(head).cloned();
                    node.and_then(|node| find(&node, tail))
                }
            };
            if let Some(found) = found {
                return found;
            }
            layer = this.next.as_ref();
        }
        self.builtin(path).or_else(|| is_root(head).then(ty::any))
    }

    /// The type of a built-in, or of what a ref looks for in it.
    fn builtin(&self, path: &[Term]) -> Known {
        let (head, mut rest) = path.split_first()?;
        let TermKind::Var(head) = &head.kind else {
            return None;
        };
        if rest.is_empty() {
            return self.declared(self.shared.builtins.id(head)?);
        }
        let mut name = String::with_capacity(64);
        name.push_str(head);
        loop {
            if let Some(id) = self.shared.builtins.id(&name) {
                let ty = self.declared(id);
                return match rest {
                    [] => ty,
                    rest => select_ref(&ty, rest),
                };
            }
            let (part, tail) = rest.split_first()?;
            let TermKind::String(part) = &part.kind else {
                return None;
            };
            name.push('.');
            name.push_str(part);
            rest = tail;
        }
    }

    fn declared(&self, id: BuiltinId) -> Known {
        if let Some(ty) = self.shared.declared.borrow().get(&id) {
            return Some(ty.clone());
        }
        let function = super::declared(self.shared.builtins.function_type(id)?);
        let ty = Arc::new(Kind::Function(function));
        self.shared.declared.borrow_mut().insert(id, ty.clone());
        Some(ty)
    }
}

/// The type of `tail` below a node; `None` if this layer does not say.
fn find(node: &Node, tail: &[Term]) -> Option<Known> {
    let Some((key, rest)) = tail.split_first() else {
        return Some(extent(node));
    };
    if let Some(value) = &node.value {
        if let Some(child) = node.child(key) {
            return find(child, rest);
        }
        return Some(select_ref(&Some(value.clone()), tail));
    }
    if !is_constant(key) {
        return Some(select_ref(&extent(node), tail));
    }
    find(node.child(key)?, rest)
}

/// The type of everything at and below a node.
pub fn extent(node: &Node) -> Known {
    if node.value.is_some() {
        return node.value.clone();
    }
    let members = node
        .children
        .iter()
        .filter(|(key, _)| {
            matches!(
                key.0.kind,
                TermKind::String(_) | TermKind::Number(_) | TermKind::Boolean(_)
            )
        })
        .filter_map(|(key, child)| Some((constant_of(&key.0)?, extent(child))))
        .collect();
    // There may be base documents beside the rules.
    let rest = Rest {
        key: Some(ty::string()),
        value: Some(ty::any()),
    };
    Some(ty::object(members, Some(rest)))
}

/// The type of an object literal.
pub fn object_type(members: &[(Term, Term)], get: &mut dyn FnMut(&Term) -> Known) -> Ty {
    let mut fixed = Vec::new();
    let mut rest = None;
    for (key, value) in crate::order::sorted_members(members) {
        match constant_of(key) {
            Some(key) => fixed.push((key, get(value))),
            None => {
                rest = Some(Rest {
                    key: get(key),
                    value: get(value),
                })
            }
        }
    }
    ty::object(fixed, rest)
}

/// True for `data` and `input`.
pub fn is_root(term: &Term) -> bool {
    term.as_var()
        .is_some_and(|name| &**name == "data" || &**name == "input")
}

/// The type of `ty[path]`; terms that are not known select any member.
pub fn select_ref(ty: &Known, path: &[Term]) -> Known {
    let mut current = ty.clone();
    for term in path {
        let ty = current.as_ref()?;
        current = match &term.kind {
            TermKind::Var(_)
            | TermKind::Ref(_)
            | TermKind::Array(_)
            | TermKind::Object(_)
            | TermKind::Set(_) => ty::values(ty),
            _ => ty::select(ty, &constant_of(term)?),
        };
    }
    current
}

/// A variable as a path of one term.
pub fn var_term(name: &str) -> Term {
    Term::var(Name::from(name), regovm_core::Span::NONE)
}

#[cfg(test)]
mod tests {
    use regovm_core::Span;

    use super::*;

    fn path(text: &str) -> Vec<Term> {
        let mut names = text.split('.');
        let head = var_term(names.next().unwrap());
        std::iter::once(head)
            .chain(names.map(|n| Term::string(n, Span::NONE)))
            .collect()
    }

    #[test]
    fn paths_look_into_values_and_lower_layers() {
        let base = TypeEnv::new(Node::default(), Vec::new());
        let table = Table::new(&[]);
        let env = base.open(&table).wrap();
        env.insert(
            &path("data.a.p"),
            &ty::object(vec![("x".into(), Some(ty::number()))], None),
        );
        let inner = env.wrap();
        assert_eq!(ty::text(&inner.get_ref(&path("data.a.p.x"))), "number");
        assert_eq!(ty::text(&inner.get_ref(&path("data.a.p.y"))), "???");
        assert_eq!(ty::text(&inner.get_ref(&path("data.b"))), "any");
        assert_eq!(ty::text(&inner.get_ref(&path("foo.b"))), "???");
        assert_eq!(
            ty::text(&inner.get_ref(&path("data.a"))),
            "object<p: object<x: number>>[string: any]"
        );
    }

    #[test]
    fn rules_of_one_name_are_merged() {
        let table = Table::new(&[]);
        let env = TypeEnv::default().open(&table);
        env.insert(&path("data.a.p"), &ty::set(Some(ty::number())));
        env.insert(&path("data.a.p"), &ty::set(Some(ty::string())));
        assert_eq!(
            ty::text(&env.get_ref(&path("data.a.p"))),
            "set[any<number, string>]"
        );
        let rest = Rest {
            key: Some(ty::string()),
            value: Some(ty::number()),
        };
        env.insert(&path("data.a.o"), &ty::object(vec![], Some(rest)));
        env.insert(&path("data.a.o.x"), &ty::boolean());
        assert_eq!(
            ty::text(&env.get_ref(&path("data.a.o"))),
            "object[string: any<boolean, number>]"
        );
    }
}
