//! The bytecode: instructions, their file form, their listing and their verifier.

mod display;
mod instruction;
mod operand;
mod verify;

pub use display::{listing, reference};
pub use instruction::{Flags, Instruction, Opcode, list_words};
pub use operand::{
    BuilderSlot, BuiltinIndex, Callee, CalleeIndex, ConflictKind, ConstIndex, FunctionIndex,
    IndexSlot, IterSlot, Jump, ListLen, Number, Operand, OperandView, OptReg, OverlaySlot,
    PathIndex, PointIndex, Reg, ShortLen, ShortPath, Source,
};
pub use verify::{VerifyError, verify};
