//! All built-ins that policies may call, by name and by number.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;

use super::{Body, Builtin, BuiltinDecl, CustomBuiltin};
use crate::types::{FunctionType, Type};

/// Index of a built-in in its [`Table`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BuiltinId(pub u16);

/// Why a table lacks a built-in that regovm has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LeftOut {
    /// The build was made without the Cargo feature that it needs.
    Feature(&'static str),
    /// The capabilities that the caller gave do not name it.
    Capabilities,
}

impl LeftOut {
    /// What to tell someone who calls it.
    pub fn hint(self, name: &str) -> String {
        match self {
            LeftOut::Feature(feature) => {
                format!(
                    "`{name}` needs the feature \"{feature}\" of regovm, which this build leaves out"
                )
            }
            LeftOut::Capabilities => format!("`{name}` is not among the capabilities"),
        }
    }
}

/// All built-ins of an engine.
#[derive(Clone)]
pub struct Table {
    builtins: Vec<Item>,
    by_name: HashMap<Cow<'static, str>, BuiltinId>,
    by_infix: HashMap<&'static str, BuiltinId>,
    types: Vec<OnceLock<Box<FunctionType>>>,
    left_out: HashMap<&'static str, LeftOut>,
}

#[derive(Clone)]
enum Item {
    /// Of a group: the program has it already, and a process that evaluates for a millisecond need not copy it.
    Grouped(&'static Builtin),
    Added(Box<Builtin>),
    Custom(Arc<CustomBuiltin>),
}

impl Item {
    fn decl(&self) -> BuiltinDecl<'_> {
        match self {
            Item::Grouped(builtin) => builtin.decl,
            Item::Added(builtin) => builtin.decl,
            Item::Custom(builtin) => builtin.decl(),
        }
    }
}

/// Room for built-ins that come behind the groups.
const SPARE: usize = 8;

impl Table {
    /// A table of groups of built-ins. Of two with one name, the later one counts. Those that are not available
    /// are known by name only ([`Table::left_out`]).
    pub fn new(groups: &[&'static [Builtin]]) -> Table {
        // Every process makes a table: it need not grow, not even for those that are added behind it.
        let count = groups.iter().map(|group| group.len()).sum::<usize>() + SPARE;
        let mut table = Table {
            builtins: Vec::with_capacity(count),
            by_name: HashMap::with_capacity(count),
            by_infix: HashMap::new(),
            types: Vec::with_capacity(count),
            left_out: HashMap::new(),
        };
        for builtin in groups.iter().flat_map(|group| group.iter()) {
            match builtin.decl.feature {
                Some(feature) if !builtin.decl.available => {
                    table
                        .left_out
                        .insert(builtin.decl.name, LeftOut::Feature(feature));
                }
                _ => {
                    table.put_static(builtin.decl, Item::Grouped(builtin));
                }
            }
        }
        table
    }

    /// Adds a built-in; one of the same name is replaced and keeps its id.
    pub fn add(&mut self, builtin: Builtin) -> BuiltinId {
        self.put_static(builtin.decl, Item::Added(Box::new(builtin)))
    }

    fn put_static(&mut self, decl: BuiltinDecl<'static>, item: Item) -> BuiltinId {
        let id = self.put(decl.name.into(), item);
        if let Some(infix) = decl.infix {
            self.by_infix.insert(infix, id);
        }
        id
    }

    /// Adds a built-in of a caller; one of the same name is replaced and keeps its id.
    pub fn add_custom(&mut self, builtin: Arc<CustomBuiltin>) -> BuiltinId {
        self.put(builtin.name.clone().into(), Item::Custom(builtin))
    }

    fn put(&mut self, name: Cow<'static, str>, item: Item) -> BuiltinId {
        if let Some(&id) = self.by_name.get(&name) {
            self.builtins[usize::from(id.0)] = item;
            self.types[usize::from(id.0)] = OnceLock::new();
            return id;
        }
        let id = BuiltinId(self.builtins.len() as u16);
        self.builtins.push(item);
        self.types.push(OnceLock::new());
        self.by_name.insert(name, id);
        id
    }

    /// The id of a name.
    pub fn id(&self, name: &str) -> Option<BuiltinId> {
        self.by_name.get(name).copied()
    }

    /// The same without the built-ins that a caller does not want to have called. His own ones stay.
    pub fn only(&self, wanted: impl Fn(&BuiltinDecl<'_>) -> bool) -> Table {
        let mut table = Table::new(&[]);
        table.left_out.clone_from(&self.left_out);
        for item in &self.builtins {
            let decl = match item {
                Item::Grouped(builtin) => builtin.decl,
                Item::Added(builtin) => builtin.decl,
                Item::Custom(builtin) => {
                    table.add_custom(builtin.clone());
                    continue;
                }
            };
            if wanted(&decl) {
                table.put_static(decl, item.clone());
            } else {
                table.left_out.insert(decl.name, LeftOut::Capabilities);
            }
        }
        table
    }

    /// Why a built-in that regovm has is not in this table.
    pub fn left_out(&self, name: &str) -> Option<LeftOut> {
        self.left_out.get(name).copied()
    }

    /// The id of an operator.
    pub fn infix(&self, operator: &str) -> Option<BuiltinId> {
        self.by_infix.get(operator).copied()
    }

    /// The declaration of an id that this table gave.
    pub fn get(&self, id: BuiltinId) -> Option<BuiltinDecl<'_>> {
        self.builtins.get(usize::from(id.0)).map(Item::decl)
    }

    /// What runs when the built-in of an id is called.
    pub fn body(&self, id: BuiltinId) -> Option<Body> {
        self.builtins.get(usize::from(id.0)).map(|item| match item {
            Item::Grouped(builtin) => Body::Own(builtin.body),
            Item::Added(builtin) => Body::Own(builtin.body),
            Item::Custom(builtin) => Body::Custom(builtin.clone()),
        })
    }

    /// The declaration of a name.
    pub fn decl(&self, name: &str) -> Option<BuiltinDecl<'_>> {
        self.get(self.id(name)?)
    }

    /// The type of a built-in, parsed when first asked for. A signature that does not parse
    /// (a test looks for them) counts as a function without parameters.
    pub fn function_type(&self, id: BuiltinId) -> Option<&FunctionType> {
        let place = usize::from(id.0);
        let (item, parsed) = (self.builtins.get(place)?, self.types.get(place)?);
        Some(
            parsed.get_or_init(|| match Type::parse(item.decl().signature) {
                Ok(Type::Function(function)) => function,
                _ => Box::new(FunctionType {
                    params: vec![],
                    names: vec![],
                    variadic: None,
                    result: None,
                    result_name: String::new(),
                }),
            }),
        )
    }

    /// All declarations with their ids, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = (BuiltinId, BuiltinDecl<'_>)> {
        self.builtins
            .iter()
            .enumerate()
            .map(|(i, item)| (BuiltinId(i as u16), item.decl()))
    }

    /// The declarations of callers, with their ids.
    pub fn custom(&self) -> impl Iterator<Item = (BuiltinId, BuiltinDecl<'_>)> {
        let items = self.iter().zip(&self.builtins);
        items.filter_map(|(decl, item)| matches!(item, Item::Custom(_)).then_some(decl))
    }

    /// All names, also of those that are left out.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let left_out = self.left_out.keys().copied();
        self.by_name.keys().map(AsRef::as_ref).chain(left_out)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.builtins.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.builtins.is_empty()
    }
}
