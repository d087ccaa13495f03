//! Operands of instructions: what each 16 or 32 bit field means.

use std::fmt;

macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident($width:ty) = $kind:ident;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
            pub struct $name(pub $width);

            impl $name {
                /// The number as an index.
                pub const fn index(self) -> usize {
                    self.0 as usize
                }
            }

            impl Operand for $name {
                const WIDTH: usize = size_of::<$width>();
                fn to_bits(self) -> u32 {
                    u32::from(self.0)
                }
                fn from_bits(bits: u32) -> Option<$name> {
                    <$width>::try_from(bits).ok().map($name)
                }
                fn view(self) -> OperandView {
                    OperandView::$kind(self)
                }
            }
        )*

        /// An operand with its kind, for the verifier and the listing.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum OperandView {
            $($(#[$doc])* $kind($name),)*
            /// A register or a constant that is read.
            Source(Source),
            /// A register that is written, or none.
            OptReg(OptReg),
            /// The text of a conflict.
            Conflict(ConflictKind),
        }
    };
}

/// What the encoder, the verifier and the listing must know about an operand.
pub trait Operand: Copy {
    /// Bytes in the instruction: 2 or 4.
    const WIDTH: usize;
    /// The field as it is stored.
    fn to_bits(self) -> u32;
    /// The operand of a stored field; `None` if the bits mean nothing.
    fn from_bits(bits: u32) -> Option<Self>;
    /// The operand with its kind.
    fn view(self) -> OperandView;
}

numbered! {
    /// A register of the function's window that is written.
    Reg(u16) = Reg;
    /// A place for a running iteration.
    IterSlot(u16) = Iter;
    /// An index of the program.
    IndexSlot(u16) = Index;
    /// A place for a collection that is being built.
    BuilderSlot(u16) = Builder;
    /// A place for an overlay that `with` made.
    OverlaySlot(u16) = Overlay;
    /// A constant of the program.
    ConstIndex(u32) = Const;
    /// A path of constants.
    PathIndex(u32) = Path;
    /// One of the first 65,536 paths of constants.
    ShortPath(u16) = ShortPath;
    /// A built-in that the program needs.
    BuiltinIndex(u16) = Builtin;
    /// A function of the program.
    FunctionIndex(u32) = Function;
    /// A function or a built-in, as [`Callee`] packs it.
    CalleeIndex(u32) = Callee;
    /// A point of [`crate::observe::Observed`].
    PointIndex(u32) = Point;
    /// An instruction of the same function.
    Jump(u32) = Jump;
    /// How many sources the list that follows has.
    ShortLen(u16) = ShortLen;
    /// How many sources the list that follows has.
    ListLen(u32) = ListLen;
    /// A plain number.
    Number(u32) = Number;
}

impl Reg {
    /// Registers of one function at most; larger numbers name constants in a [`Source`].
    pub const LIMIT: u32 = 0x7fff;
}

/// A register (below 0x8000) or one of the first 32,768 constants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Source(pub u16);

impl Source {
    const CONSTANT: u16 = 0x8000;

    /// Reads a register.
    pub const fn reg(reg: Reg) -> Source {
        Source(reg.0)
    }

    /// Reads a constant, if its number is small enough.
    pub fn constant(index: ConstIndex) -> Option<Source> {
        (index.0 < u32::from(Source::CONSTANT)).then_some(Source(index.0 as u16 | Source::CONSTANT))
    }

    /// Either the register or the constant.
    pub const fn split(self) -> Result<Reg, ConstIndex> {
        if self.0 & Source::CONSTANT == 0 {
            Ok(Reg(self.0))
        } else {
            Err(ConstIndex((self.0 & !Source::CONSTANT) as u32))
        }
    }
}

impl Operand for Source {
    const WIDTH: usize = 2;
    fn to_bits(self) -> u32 {
        u32::from(self.0)
    }
    fn from_bits(bits: u32) -> Option<Source> {
        u16::try_from(bits).ok().map(Source)
    }
    fn view(self) -> OperandView {
        OperandView::Source(self)
    }
}

/// A register that is written, or none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OptReg(pub u16);

impl OptReg {
    /// Nothing is written.
    pub const NONE: OptReg = OptReg(u16::MAX);

    /// The register if there is one.
    pub const fn get(self) -> Option<Reg> {
        if self.0 == u16::MAX {
            None
        } else {
            Some(Reg(self.0))
        }
    }
}

impl From<Option<Reg>> for OptReg {
    fn from(reg: Option<Reg>) -> OptReg {
        reg.map_or(OptReg::NONE, |reg| OptReg(reg.0))
    }
}

impl Operand for OptReg {
    const WIDTH: usize = 2;
    fn to_bits(self) -> u32 {
        u32::from(self.0)
    }
    fn from_bits(bits: u32) -> Option<OptReg> {
        u16::try_from(bits).ok().map(OptReg)
    }
    fn view(self) -> OperandView {
        OperandView::OptReg(self)
    }
}

/// Which conflict two different values are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConflictKind {
    /// Two values of a complete rule.
    CompleteRule,
    /// Two values of a function for the same arguments.
    Function,
}

impl Operand for ConflictKind {
    const WIDTH: usize = 2;
    fn to_bits(self) -> u32 {
        self as u32
    }
    fn from_bits(bits: u32) -> Option<ConflictKind> {
        match bits {
            0 => Some(ConflictKind::CompleteRule),
            1 => Some(ConflictKind::Function),
            _ => None,
        }
    }
    fn view(self) -> OperandView {
        OperandView::Conflict(self)
    }
}

/// Something that `with` can replace and calls can reach.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Callee {
    /// A built-in.
    Builtin(BuiltinIndex),
    /// A function of the program.
    Function(FunctionIndex),
}

impl CalleeIndex {
    const BUILTIN: u32 = 1 << 31;

    /// Packs a callee; functions beyond 2^31 cannot be.
    pub const fn pack(callee: Callee) -> CalleeIndex {
        match callee {
            Callee::Builtin(index) => CalleeIndex(index.0 as u32 | CalleeIndex::BUILTIN),
            Callee::Function(index) => CalleeIndex(index.0),
        }
    }

    /// The callee; a built-in number too large for one is cut, which the verifier has excluded.
    pub const fn unpack(self) -> Callee {
        if self.0 & CalleeIndex::BUILTIN == 0 {
            Callee::Function(FunctionIndex(self.0))
        } else {
            Callee::Builtin(BuiltinIndex((self.0 & !CalleeIndex::BUILTIN) as u16))
        }
    }
}

impl fmt::Display for OperandView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OperandView::Reg(reg) => write!(f, "r{}", reg.0),
            OperandView::Iter(slot) => write!(f, "iter{}", slot.0),
            OperandView::Index(slot) => write!(f, "index{}", slot.0),
            OperandView::Builder(slot) => write!(f, "build{}", slot.0),
            OperandView::Overlay(slot) => write!(f, "overlay{}", slot.0),
            OperandView::Const(index) => write!(f, "k{}", index.0),
            OperandView::Path(index) => write!(f, "path{}", index.0),
            OperandView::ShortPath(index) => write!(f, "path{}", index.0),
            OperandView::Builtin(index) => write!(f, "builtin{}", index.0),
            OperandView::Function(index) => write!(f, "f{}", index.0),
            OperandView::Callee(index) => match index.unpack() {
                Callee::Builtin(index) => write!(f, "builtin{}", index.0),
                Callee::Function(index) => write!(f, "f{}", index.0),
            },
            OperandView::Point(index) => write!(f, "point{}", index.0),
            OperandView::Jump(target) => write!(f, "@{}", target.0),
            OperandView::ShortLen(count) => write!(f, "{}", count.0),
            OperandView::ListLen(count) => write!(f, "{}", count.0),
            OperandView::Number(number) => write!(f, "{}", number.0),
            OperandView::Source(source) => match source.split() {
                Ok(reg) => write!(f, "r{}", reg.0),
                Err(index) => write!(f, "k{}", index.0),
            },
            OperandView::OptReg(reg) => match reg.get() {
                Some(reg) => write!(f, "r{}", reg.0),
                None => f.write_str("_"),
            },
            OperandView::Conflict(kind) => write!(f, "{kind:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_registers_or_constants() {
        assert_eq!(Source::reg(Reg(7)).split(), Ok(Reg(7)));
        let constant = Source::constant(ConstIndex(7)).unwrap();
        assert_eq!(constant.split(), Err(ConstIndex(7)));
        assert_eq!(Source::constant(ConstIndex(0x8000)), None);
    }

    #[test]
    fn callees_survive_packing() {
        for callee in [
            Callee::Builtin(BuiltinIndex(3)),
            Callee::Function(FunctionIndex(3)),
        ] {
            assert_eq!(CalleeIndex::pack(callee).unpack(), callee);
        }
    }
}
