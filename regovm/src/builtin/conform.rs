//! Results and the types that were promised.

use regovm_core::Constant;
use regovm_core::types::Type;
use regovm_core::value::{Arena, Value, View, to_constant};
use regovm_core::work;

/// The value if it is of a type; arrays become sets where the type says so, since serde knows no sets. Types nest no deeper
/// than a signature may.
pub(super) fn conform<'a>(value: Value<'a>, ty: &Type, arena: &'a Arena) -> Option<Value<'a>> {
    if !work::count(1) {
        return None;
    }
    match (ty, value.view()) {
        (Type::Any(of), _) if of.is_empty() => Some(value),
        (Type::Any(of), _) => of.iter().find_map(|ty| conform(value, ty, arena)),
        (Type::Null, View::Null)
        | (Type::Boolean, View::Boolean(_))
        | (Type::Number, View::Integer(_) | View::Number(_))
        | (Type::String, View::String(_)) => Some(value),
        (Type::Array { fixed, rest }, View::Array(array)) => {
            if array.len() < fixed.len() {
                return None;
            }
            let types = fixed.iter().chain(rest.as_deref().into_iter().cycle());
            let elements = array.as_slice();
            if rest.is_none() && elements.len() > fixed.len() {
                return None;
            }
            match all(elements, types, arena)? {
                Some(changed) => Some(arena.array(&changed)),
                None => Some(value),
            }
        }
        (Type::Set(of), View::Array(array)) => {
            let elements = array.as_slice();
            let changed = all(elements, std::iter::repeat(&**of), arena)?;
            let elements = changed.as_deref().unwrap_or(elements);
            Some(arena.set_from(elements.iter().copied()))
        }
        (Type::Set(of), View::Set(set)) => {
            let elements = set.as_sorted_slice();
            match all(elements, std::iter::repeat(&**of), arena)? {
                Some(changed) => Some(arena.set_from(changed)),
                None => Some(value),
            }
        }
        (Type::Object { fixed, rest }, View::Object(object)) => {
            let mut known = 0;
            let mut changed = false;
            let mut members = Vec::with_capacity(object.len());
            for (key, member) in object.iter() {
                let ty = match fixed.iter().find(|(name, _)| is(key, name)) {
                    Some((_, ty)) => {
                        known += 1;
                        ty
                    }
                    None => {
                        let (of_keys, of_values) = &**rest.as_ref()?;
                        conform(key, of_keys, arena)?;
                        of_values
                    }
                };
                let fit = conform(member, ty, arena)?;
                changed |= fit.to_bits() != member.to_bits();
                members.push((key, fit));
            }
            if known < fixed.len() {
                return None;
            }
            Some(if changed {
                arena.object_from(members)
            } else {
                value
            })
        }
        _ => None,
    }
}

fn is(key: Value<'_>, name: &Constant) -> bool {
    match name {
        Constant::String(text) => key.as_str() == Some(text),
        other => to_constant(key) == *other,
    }
}

/// Elements as they conform, if that changes any; `None` if one does not.
fn all<'a, 't>(
    elements: &[Value<'a>],
    types: impl Iterator<Item = &'t Type>,
    arena: &'a Arena,
) -> Option<Option<Vec<Value<'a>>>> {
    let mut changed: Option<Vec<Value<'a>>> = None;
    for (at, (element, ty)) in elements.iter().zip(types).enumerate() {
        let fit = conform(*element, ty, arena)?;
        match &mut changed {
            Some(list) => list.push(fit),
            None if fit.to_bits() != element.to_bits() => {
                let mut list = elements[..at].to_vec();
                list.push(fit);
                changed = Some(list);
            }
            None => {}
        }
    }
    Some(changed)
}
