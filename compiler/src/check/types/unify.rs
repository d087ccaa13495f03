//! Which types can be of one value.

use std::sync::Arc;

use hashbrown::HashMap;
use regovm_core::Constant;

use super::ty::{self, Kind, Known, Rest, Ty};

/// Recursive types unroll for ever; below this depth they fit.
const MAX_DEPTH: usize = 1000;

/// True if some value may have both types. Nothing fits an unknown type.
pub fn unifies(a: &Known, b: &Known) -> bool {
    if let (Some(a), Some(b)) = (a, b)
        && let Some(fits) = fit_at_once(a, b)
    {
        return fits;
    }
    Fitting::default().known(a, b)
}

/// Whether types fit, where it takes no look at their parts.
fn fit_at_once(a: &Kind, b: &Kind) -> Option<bool> {
    match (a, b) {
        (Kind::Any(of), other) | (other, Kind::Any(of)) if of.is_empty() => match other {
            Kind::Recursive(_) => None,
            other => Some(!matches!(other, Kind::Function(_))),
        },
        _ if is_scalar(a) && is_scalar(b) => {
            Some(std::mem::discriminant(a) == std::mem::discriminant(b))
        }
        _ => None,
    }
}

/// What is known while two types are compared. Types share their parts: each pair of them is looked
/// at once.
#[derive(Default)]
struct Fitting {
    /// Pairs of parts by address; those that are being looked at fit until something says otherwise.
    done: HashMap<(*const Kind, *const Kind), bool>,
    depth: usize,
}

impl Fitting {
    fn known(&mut self, a: &Known, b: &Known) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => self.fits(a, b),
            _ => false,
        }
    }

    fn fits(&mut self, a: &Ty, b: &Ty) -> bool {
        let (a, b) = (ty::unwrap(a), ty::unwrap(b));
        if is_scalar(&a) && is_scalar(&b) {
            return std::mem::discriminant(&*a) == std::mem::discriminant(&*b);
        }
        let pair = (Arc::as_ptr(&a), Arc::as_ptr(&b));
        if let Some(fits) = self.done.get(&pair) {
            return *fits;
        }
        if self.depth > MAX_DEPTH {
            return true;
        }
        self.done.insert(pair, true);
        self.depth += 1;
        let fits = self.parts(&a, &b);
        self.depth -= 1;
        self.done.insert(pair, fits);
        fits
    }

    fn any(&mut self, of: &[Ty], other: &Ty) -> bool {
        !matches!(&**other, Kind::Function(_))
            && (of.is_empty() || of.iter().any(|ty| self.fits(ty, other)))
    }

    fn elements(&mut self, fixed: &[Known], other: &[Known], rest: &Known) -> bool {
        fixed
            .iter()
            .enumerate()
            .all(|(i, ty)| self.known(ty, &ty::array_select(other, rest, i)))
    }

    fn members(
        &mut self,
        fixed: &[(Constant, Known)],
        other: &[(Constant, Known)],
        rest: &Option<Rest>,
        open: bool,
    ) -> bool {
        fixed
            .iter()
            .all(|(key, ty)| match ty::object_select(other, rest, key) {
                None => open,
                other => self.known(ty, &other),
            })
    }

    fn parts(&mut self, a: &Ty, b: &Ty) -> bool {
        match (&**a, &**b) {
            (Kind::Any(x), Kind::Any(y)) => self.any(x, b) || self.any(y, a),
            (Kind::Any(of), _) => self.any(of, b),
            (_, Kind::Any(of)) => self.any(of, a),
            (
                Kind::Array {
                    fixed: xf,
                    rest: xr,
                },
                Kind::Array {
                    fixed: yf,
                    rest: yr,
                },
            ) => {
                self.elements(xf, yf, yr)
                    && self.elements(yf, xf, xr)
                    && (xr.is_none() || yr.is_none() || self.known(xr, yr))
            }
            (
                Kind::Object {
                    fixed: xf,
                    rest: xr,
                },
                Kind::Object {
                    fixed: yf,
                    rest: yr,
                },
            ) => {
                let value = |rest: &Option<Rest>| rest.as_ref().and_then(|r| r.value.clone());
                let (xv, yv) = (value(xr), value(yr));
                let open = xv.is_some() || yv.is_some();
                self.members(xf, yf, yr, open)
                    && self.members(yf, xf, xr, open)
                    && (xv.is_none() || yv.is_none() || self.known(&xv, &yv))
            }
            // A set of nothing is the empty set, a member of every set type.
            (Kind::Set(x), Kind::Set(y)) => x.is_none() || y.is_none() || self.known(x, y),
            (Kind::Function(x), Kind::Function(y)) => {
                x.params.len() == y.params.len()
                    && x.params
                        .iter()
                        .zip(&y.params)
                        .all(|(x, y)| self.known(&x.ty, &y.ty))
            }
            _ => false,
        }
    }
}

fn is_scalar(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Null | Kind::Boolean | Kind::Number | Kind::String
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_objects_fit_part_by_part() {
        let pair = Some(ty::array(
            vec![Some(ty::number()), Some(ty::string())],
            None,
        ));
        let numbers = Some(ty::array(vec![], Some(ty::number())));
        let anything = Some(ty::array(vec![], Some(ty::any())));
        assert!(!unifies(&pair, &numbers));
        assert!(unifies(&pair, &anything));
        assert!(unifies(&numbers, &anything));
        let x = Some(ty::object(vec![("x".into(), Some(ty::number()))], None));
        let y = Some(ty::object(vec![("y".into(), Some(ty::number()))], None));
        let open = Rest {
            key: Some(ty::string()),
            value: Some(ty::any()),
        };
        let open = Some(ty::object(vec![], Some(open)));
        assert!(!unifies(&x, &y));
        assert!(unifies(&x, &open) && unifies(&open, &x));
        assert!(unifies(
            &Some(ty::set(None)),
            &Some(ty::set(Some(ty::number())))
        ));
        assert!(!unifies(&Some(ty::set(None)), &x));
        assert!(!unifies(&None, &x));
    }
}
