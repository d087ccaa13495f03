//! Which types can be of one value.

use regovm_core::Constant;

use super::ty::{self, Kind, Known, Rest, Ty};

/// Recursive types unroll for ever; below this depth they fit.
const MAX_DEPTH: usize = 64;

/// True if some value may have both types. Nothing fits an unknown type.
pub fn unifies(a: &Known, b: &Known) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => fits(a, b, 0),
        _ => false,
    }
}

fn fits_known(a: &Known, b: &Known, depth: usize) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => fits(a, b, depth),
        _ => false,
    }
}

fn fits(a: &Ty, b: &Ty, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return true;
    }
    let (a, b) = (ty::unwrap(a), ty::unwrap(b));
    let depth = depth + 1;
    let any_fits = |of: &[Ty], other: &Ty| {
        !matches!(&**other, Kind::Function(_))
            && (of.is_empty() || of.iter().any(|ty| fits(ty, other, depth)))
    };
    match (&*a, &*b) {
        (Kind::Any(x), Kind::Any(y)) => any_fits(x, &b) || any_fits(y, &a),
        (Kind::Any(of), _) => any_fits(of, &b),
        (_, Kind::Any(of)) => any_fits(of, &a),
        (Kind::Null, Kind::Null)
        | (Kind::Boolean, Kind::Boolean)
        | (Kind::Number, Kind::Number)
        | (Kind::String, Kind::String) => true,
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
            let one_way = |fixed: &[Known], other: &[Known], rest: &Known| {
                fixed
                    .iter()
                    .enumerate()
                    .all(|(i, ty)| fits_known(ty, &ty::array_select(other, rest, i), depth))
            };
            one_way(xf, yf, yr)
                && one_way(yf, xf, xr)
                && (xr.is_none() || yr.is_none() || fits_known(xr, yr, depth))
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
            let one_way =
                |fixed: &[(Constant, Known)], other: &[(Constant, Known)], rest: &Option<Rest>| {
                    fixed
                        .iter()
                        .all(|(key, ty)| match ty::object_select(other, rest, key) {
                            None => open,
                            other => fits_known(ty, &other, depth),
                        })
                };
            one_way(xf, yf, yr)
                && one_way(yf, xf, xr)
                && (xv.is_none() || yv.is_none() || fits_known(&xv, &yv, depth))
        }
        // A set of nothing is the empty set, a member of every set type.
        (Kind::Set(x), Kind::Set(y)) => x.is_none() || y.is_none() || fits_known(x, y, depth),
        (Kind::Function(x), Kind::Function(y)) => {
            x.params.len() == y.params.len()
                && x.params
                    .iter()
                    .zip(&y.params)
                    .all(|(x, y)| fits_known(&x.ty, &y.ty, depth))
        }
        _ => false,
    }
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
