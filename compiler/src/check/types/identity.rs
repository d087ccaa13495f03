//! Numbers for types: equal types have equal numbers.
//!
//! Types share their parts, so a type can be far larger than what describes it: ten variables, each
//! an array of the one before twice, make a thousand numbers. Every part is looked at once here,
//! however often it occurs.

use std::sync::Arc;

use hashbrown::HashMap;
use regovm_core::Constant;
use regovm_parser::ast::Name;

use super::ty::{self, Kind, Known, Param, Ty};

/// How deep types of variables and rules may nest. What is deeper may be anything.
const MAX_DEPTH: u32 = 400;

/// How many parts types of variables and rules may have. What is larger may be anything.
const MAX_PARTS: u32 = 200_000;

/// The number of a type. That of what is not known is 0.
pub type TypeNumber = u32;

/// The outermost part of a type, with the numbers of what is below.
#[derive(PartialEq, Eq, Hash, Debug)]
enum Shape {
    Scalar(u8),
    Array(Vec<TypeNumber>, TypeNumber),
    Object(
        Vec<(Constant, TypeNumber)>,
        Option<(TypeNumber, TypeNumber)>,
    ),
    Set(TypeNumber),
    Any(Vec<TypeNumber>),
    Function(
        Vec<(Option<Name>, TypeNumber)>,
        TypeNumber,
        Option<(Option<Name>, TypeNumber)>,
    ),
    /// By what it stands for.
    Recursive(String, usize),
}

#[derive(Clone, Copy, Debug)]
struct Extent {
    depth: u32,
    parts: u32,
}

/// Gives numbers to types.
#[derive(Default, Debug)]
pub struct Numbers {
    /// Keeps the types, so that their addresses mean them.
    by_address: HashMap<*const Kind, (Ty, TypeNumber)>,
    by_shape: HashMap<Shape, TypeNumber>,
    /// By number; the first one is of what is not known.
    extents: Vec<Extent>,
}

impl Numbers {
    /// The number of a type.
    pub fn of(&mut self, ty: &Known) -> TypeNumber {
        ty.as_ref().map_or(0, |ty| self.of_known(ty))
    }

    /// The type, or `any` if it is too deep or too large to work with.
    pub fn bounded(&mut self, ty: Known) -> Known {
        let number = self.of(&ty);
        match self.extents.get(number as usize) {
            Some(extent) if extent.depth > MAX_DEPTH || extent.parts > MAX_PARTS => Some(ty::any()),
            _ => ty,
        }
    }

    fn of_known(&mut self, ty: &Ty) -> TypeNumber {
        if let Some((_, number)) = self.by_address.get(&Arc::as_ptr(ty)) {
            return *number;
        }
        let mut below = Extent { depth: 0, parts: 0 };
        let shape = self.shape(ty, &mut below);
        let number = match self.by_shape.get(&shape) {
            Some(number) => *number,
            None => {
                if self.extents.is_empty() {
                    self.extents.push(Extent { depth: 0, parts: 1 });
                }
                let number = self.extents.len() as TypeNumber;
                self.extents.push(Extent {
                    depth: below.depth + 1,
                    parts: below.parts.saturating_add(1),
                });
                self.by_shape.insert(shape, number);
                number
            }
        };
        self.by_address
            .insert(Arc::as_ptr(ty), (ty.clone(), number));
        number
    }

    fn shape(&mut self, ty: &Ty, below: &mut Extent) -> Shape {
        let mut part = |ty: &Known| {
            let number = self.of(ty);
            if let Some(extent) = self.extents.get(number as usize) {
                below.depth = below.depth.max(extent.depth);
                below.parts = below.parts.saturating_add(extent.parts);
            }
            number
        };
        match &**ty {
            Kind::Null => Shape::Scalar(0),
            Kind::Boolean => Shape::Scalar(1),
            Kind::Number => Shape::Scalar(2),
            Kind::String => Shape::Scalar(3),
            Kind::Array { fixed, rest } => {
                let fixed = fixed.iter().map(&mut part).collect();
                Shape::Array(fixed, part(rest))
            }
            Kind::Object { fixed, rest } => {
                let fixed = fixed
                    .iter()
                    .map(|(key, value)| (key.clone(), part(value)))
                    .collect();
                let rest = rest
                    .as_ref()
                    .map(|rest| (part(&rest.key), part(&rest.value)));
                Shape::Object(fixed, rest)
            }
            Kind::Set(of) => Shape::Set(part(of)),
            Kind::Any(of) => Shape::Any(of.iter().map(|ty| part(&Some(ty.clone()))).collect()),
            Kind::Function(function) => {
                let mut named = |param: &Param| (param.name.clone(), part(&param.ty));
                let params = function.params.iter().map(&mut named).collect();
                let result = function.result.as_ref().map(&mut named);
                Shape::Function(params, part(&function.variadic), result)
            }
            Kind::Recursive(recursive) => {
                let target = recursive.target.get();
                let address = target.map_or(0, |target| target.as_ptr() as usize);
                Shape::Recursive(recursive.name.clone(), address)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_types_have_equal_numbers() {
        let mut numbers = Numbers::default();
        let pair = |of: Ty| ty::array(vec![Some(of.clone()), Some(of)], None);
        let (a, b) = (pair(ty::number()), pair(ty::number()));
        assert!(!Arc::ptr_eq(&a, &b));
        assert_eq!(numbers.of(&Some(a.clone())), numbers.of(&Some(b)));
        assert_ne!(numbers.of(&Some(a)), numbers.of(&Some(pair(ty::string()))));
        assert_eq!(numbers.of(&None), 0);
        assert_ne!(numbers.of(&Some(ty::set(None))), 0);
    }

    #[test]
    fn shared_parts_count_as_often_as_they_occur() {
        let mut numbers = Numbers::default();
        let mut shared = ty::number();
        let mut long = ty::number();
        for _ in 0..40 {
            shared = ty::array(vec![Some(shared.clone()), Some(shared)], None);
            long = ty::array(vec![], Some(long));
        }
        assert!(ty::is_any(&numbers.bounded(Some(shared)).unwrap()));
        assert!(!ty::is_any(&numbers.bounded(Some(long.clone())).unwrap()));
        for _ in 0..MAX_DEPTH {
            long = ty::array(vec![], Some(long));
        }
        assert!(ty::is_any(&numbers.bounded(Some(long)).unwrap()));
    }
}
