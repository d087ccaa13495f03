//! Which variables a comprehension shares with what is around it. What is known of them is all that
//! its types depend on.

use hashbrown::HashMap;
use regovm_core::Span;
use regovm_parser::ast::{Expr, ExprKind, Name, Term, TermKind};

use super::env::is_root;
use crate::visit::{Node, walk};

/// The comprehensions of a body.
#[derive(Default, Debug)]
pub struct OuterVars {
    /// By the address of a comprehension's body: the variables that occur in it and outside of it.
    by_body: HashMap<*const Expr, Vec<Term>>,
    /// How many expressions the comprehensions have.
    pub exprs: usize,
}

impl OuterVars {
    /// Looks at a body.
    pub fn new(body: &[Expr]) -> OuterVars {
        let mut search = Search {
            // The body itself.
            parents: vec![0],
            ..Search::default()
        };
        for expr in body {
            search.node(Node::Expr(expr), 0);
        }
        search.finish()
    }

    /// The variables of the comprehension with a body.
    pub fn of(&self, body: &[Expr]) -> Option<&[Term]> {
        self.by_body.get(&body.as_ptr()).map(Vec::as_slice)
    }
}

/// Comprehensions by number; 0 is the body around all of them. Outer ones have smaller numbers.
#[derive(Default)]
struct Search {
    parents: Vec<usize>,
    bodies: Vec<*const Expr>,
    /// The comprehensions in which a variable occurs (not those around them).
    places: HashMap<Name, Vec<usize>>,
    exprs: usize,
}

impl Search {
    fn node(&mut self, node: Node<'_>, at: usize) {
        walk(node, &mut |node| match node {
            Node::Expr(expr) => {
                self.exprs += usize::from(at > 0);
                // Operators are no variables.
                let ExprKind::Call(terms) = &expr.kind else {
                    return false;
                };
                for term in terms.iter().skip(1) {
                    self.node(Node::Term(term), at);
                }
                for with in &expr.with {
                    self.node(Node::With(with), at);
                }
                true
            }
            Node::Term(term) => self.term(term, at),
            _ => false,
        });
    }

    fn term(&mut self, term: &Term, at: usize) -> bool {
        let (terms, body) = match &term.kind {
            TermKind::Var(name) if !is_root(term) => {
                let places = self.places.entry(name.clone()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
                return false;
            }
            TermKind::ArrayComprehension(inner) | TermKind::SetComprehension(inner) => {
                ([Some(&inner.term), None], &inner.body)
            }
            TermKind::ObjectComprehension(inner) => {
                ([Some(&inner.key), Some(&inner.value)], &inner.body)
            }
            _ => return false,
        };
        let inside = self.parents.len();
        self.parents.push(at);
        self.bodies.push(body.as_ptr());
        for term in terms.into_iter().flatten() {
            self.node(Node::Term(term), inside);
        }
        self.node(Node::Body(body), inside);
        true
    }

    fn finish(mut self) -> OuterVars {
        let mut outer: Vec<Vec<Term>> = vec![Vec::new(); self.parents.len()];
        let mut names: Vec<(Name, Vec<usize>)> = self.places.drain().collect();
        names.sort();
        for (name, mut places) in names {
            places.sort_unstable();
            places.dedup();
            let home = places.iter().copied().reduce(|a, b| self.around(a, b));
            for mut place in places {
                while Some(place) != home {
                    let known = outer[place].last().and_then(Term::as_var);
                    if known == Some(&name) {
                        break;
                    }
                    outer[place].push(Term::var(name.clone(), Span::NONE));
                    place = self.parents[place];
                }
            }
        }
        OuterVars {
            by_body: self
                .bodies
                .into_iter()
                .zip(outer.into_iter().skip(1))
                .collect(),
            exprs: self.exprs,
        }
    }

    /// The innermost comprehension around two.
    fn around(&self, mut a: usize, mut b: usize) -> usize {
        while a != b {
            let inner = if a > b { &mut a } else { &mut b };
            *inner = self.parents[*inner];
        }
        a
    }
}
