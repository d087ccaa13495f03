//! Every instruction, declared once: name, operands, what may follow, what it does.
//!
//! A flag in brackets says how an instruction goes on:
//! - `branch`: an [`Instruction::Else`] word follows. The instruction continues behind it, or, when something is
//!   undefined or does not hold, at the target of the `Else`.
//! - `list`: [`Instruction::Items`] words follow that name as many sources as the instruction's length operand (or that
//!   of its `Else`) says.
//! - `cases`: as many [`Instruction::Case`] words follow as the instruction's count says.
//! - `ends`: control never goes on behind it.
//! - `word`: not an instruction of its own but part of the one before.
//!
//! To add an instruction: a line here; an arm in the loop of `exec/mod.rs`, with its body in the file of its family; the
//! statement that becomes it in `compiler/src/emit/function.rs`; a program in `tests/instructions.rs`, which fails as long
//! as no program uses the instruction. Encoding, listing, verifier and reference follow from the line.

use super::operand::*;

/// Calls a macro with the list of all instructions.
#[macro_export]
macro_rules! for_each_instruction {
    ($apply:ident) => {
        $apply! {
            /// Continues at `target`. Backwards only to an instruction that charges fuel.
            Jump { target: Jump } [ends];
            /// Where the instruction before continues when it fails; `count` sources follow if it is a call.
            Else { count: ShortLen, target: Jump } [word];
            /// Three sources of the list that belongs to the instruction before; what is too much is `r0`.
            Items { a: Source, b: Source, c: Source } [word];
            /// Continues at the [`Instruction::Case`] of this number, or behind all of them.
            Switch { value: Source, count: ListLen } [cases];
            /// Where a `Switch` continues.
            Case { target: Jump } [word];
            /// `dst := src`
            Move { dst: Reg, src: Source } [];
            /// `dst :=` a constant that is too far for a [`Source`].
            LoadConst { dst: Reg, index: ConstIndex } [];
            /// Marks a register as undefined.
            Reset { dst: Reg } [];
            /// `dst := value`, and the register behind `dst` notes this instruction. If `dst` has another value already, notes a
            /// conflict, which becomes an error when the function ends.
            SetResult { dst: Reg, value: Source, conflict: ConflictKind } [branch];
            /// Jumps if the register is undefined.
            BranchUndefined { value: Reg, target: Jump } [];
            /// Jumps if the register is defined.
            BranchDefined { value: Reg, target: Jump } [];
            /// Jumps if the value is `false`.
            BranchFalse { value: Source, target: Jump } [];
            /// Jumps unless the value is an array, object or set.
            BranchScalar { value: Source, target: Jump } [];
            /// `dst := input.path`
            LoadInput { dst: Reg, path: PathIndex } [branch];
            /// `dst :=` base data at a path, no rules.
            LoadData { dst: Reg, path: PathIndex } [branch];
            /// `dst := base[key]`
            Get { dst: Reg, base: Source, key: Source } [branch];
            /// `dst := base[key]` with a constant string key: a field of an object most of the time.
            GetField { dst: Reg, base: Source, key: Source } [branch];
            /// `dst := base[key1][key2]...` with constant strings.
            GetPath { dst: Reg, base: Source, path: ShortPath } [branch];
            /// `base[key] == rhs` with a constant string key goes on.
            GuardField { base: Source, key: Source, rhs: Source } [branch];
            /// `dst := base[key]` inside base data: a number finds the member of an object that its text names, and the text of
            /// an integer finds the element of an array, as in the paths of OPA's storage.
            GetData { dst: Reg, base: Source, key: Source } [branch];
            /// An array of this many elements goes on.
            GuardArray { value: Source, length: Number } [branch];
            /// An object of this many members goes on.
            GuardObject { value: Source, length: Number } [branch];
            /// `lhs == rhs` goes on.
            GuardEqual { lhs: Source, rhs: Source } [branch];
            /// `lhs != rhs` goes on.
            GuardNotEqual { lhs: Source, rhs: Source } [branch];
            /// `lhs < rhs` goes on.
            GuardLess { lhs: Source, rhs: Source } [branch];
            /// `lhs <= rhs` goes on.
            GuardLessEqual { lhs: Source, rhs: Source } [branch];
            /// `dst := lhs == rhs`
            Equal { dst: Reg, lhs: Source, rhs: Source } [];
            /// `dst := lhs != rhs`
            NotEqual { dst: Reg, lhs: Source, rhs: Source } [];
            /// `dst := lhs < rhs`
            Less { dst: Reg, lhs: Source, rhs: Source } [];
            /// `dst := lhs <= rhs`
            LessEqual { dst: Reg, lhs: Source, rhs: Source } [];
            /// `dst := [items]`
            MakeArray { dst: Reg, count: ListLen } [list];
            /// `dst := {items}` as a set.
            MakeSet { dst: Reg, count: ListLen } [list];
            /// `dst := {key: value, ...}` from an even list; the last of equal keys wins.
            MakeObject { dst: Reg, count: ListLen } [list];
            /// Starts an array.
            OpenArray { builder: BuilderSlot } [];
            /// Starts a set.
            OpenSet { builder: BuilderSlot } [];
            /// Starts an object whose keys must be unique.
            OpenObject { builder: BuilderSlot } [];
            /// Starts a tree of objects and sets, for rules with refs in their heads.
            OpenTree { builder: BuilderSlot } [];
            /// Adds an element to an open array or set.
            Append { builder: BuilderSlot, value: Source } [];
            /// Adds a member to an open object; another value for the key is a conflict.
            AppendMember { builder: BuilderSlot, key: Source, value: Source } [];
            /// Puts a value below the path of an open tree; another value there is a conflict.
            InsertPath { builder: BuilderSlot, value: Source, count: ShortLen } [list];
            /// Adds an element to the set below the path of an open tree (or to an open set, if the path is empty).
            InsertSet { builder: BuilderSlot, value: Source, count: ShortLen } [list];
            /// `dst :=` two documents in one: objects are merged at every depth, elsewhere `base` wins.
            MergeDocuments { dst: Reg, base: Source, derived: Source } [];
            /// `dst :=` what was built.
            Close { dst: Reg, builder: BuilderSlot } [];
            /// Starts to iterate over the members of a collection (none if it is no collection).
            IterOpen { iter: IterSlot, base: Source } [];
            /// The next member; at the end the `Else` is taken. Charges fuel.
            IterNext { iter: IterSlot, key: OptReg, value: OptReg } [branch];
            /// Jumps if errors of built-ins end the query.
            BranchStrict { target: Jump } [];
            /// The collection of the next `IndexOpen` is what base data has at a path, unless an overlay has changed that.
            IndexData { path: PathIndex } [];
            /// Decides, when an iteration over `base` begins, whether an index helps: goes on with [`Instruction::IndexNext`] if
            /// so, and takes the `Else`, to visit all members, if not.
            IndexOpen { iter: IterSlot, base: Source, index: IndexSlot } [branch];
            /// The next member of an index that is being built; once it has all, the `Else` is taken. Charges fuel.
            IndexNext { iter: IterSlot, key: OptReg, value: OptReg } [branch];
            /// The member of the last `IndexNext` is found under these keys.
            IndexAdd { iter: IterSlot, count: ShortLen } [list];
            /// The iteration visits members with the hash of these keys, all that have the keys and few others.
            IndexSeek { iter: IterSlot, count: ShortLen } [list];
            /// Starts to walk over everything in a value, itself first.
            WalkOpen { iter: IterSlot, base: Source } [];
            /// The next place of a walk; at the end the `Else` is taken. Charges fuel.
            WalkNext { iter: IterSlot, path: OptReg, value: OptReg } [branch];
            /// The next load or call runs under this overlay.
            UseOverlay { overlay: OverlaySlot } [];
            /// `dst := f(list)` of a built-in. Charges fuel.
            CallBuiltin { dst: Reg, builtin: BuiltinIndex } [branch list];
            /// `dst := f(list)` of a function of the program, or the value of a rule. Charges fuel.
            Call { dst: Reg, function: FunctionIndex } [branch list];
            /// Starts an overlay upon the one in force (that of a `UseOverlay` just before, or the function's own).
            OverlayOpen { } [];
            /// Replaces `input` at a path in the overlay that is being made.
            OverlayInput { value: Source, path: PathIndex } [];
            /// Replaces `data` at a path in the overlay that is being made.
            OverlayData { value: Source, path: PathIndex } [];
            /// Names what the next `OverlayValue` or `OverlayFunction` replaces.
            OverlayTarget { callee: CalleeIndex } [];
            /// Calls of the named function give this value.
            OverlayValue { value: Source } [];
            /// Calls of the named function call this one instead.
            OverlayFunction { callee: CalleeIndex } [];
            /// The overlay is complete.
            OverlayClose { overlay: OverlaySlot } [];
            /// Ends the function with a value.
            Return { value: Source } [ends];
            /// Ends the function as undefined; ends a query.
            ReturnUndefined { } [ends];
            /// One solution of the query.
            EmitRow { count: ListLen } [list];
            /// Tells the observer that a point is reached.
            Observe { point: PointIndex } [];
            /// `dst :=` the value of a rule if it was computed before, or of the document that replaces it in the overlay.
            Recall { dst: Reg, function: FunctionIndex } [branch];
            /// `dst :=` the number of the cache of comprehensions that the query, rule or body under way has from those
            /// around it, or of a new one.
            ComprehensionCache { dst: Reg } [];
        }
    };
}

macro_rules! define {
    ($($(#[doc = $doc:literal])+ $name:ident { $($field:ident : $kind:ident),* } [$($flag:ident)*];)*) => {
        /// One 8-byte word of code.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(missing_docs)]
        pub enum Instruction {
            $($(#[doc = $doc])+ $name { $($field: $kind),* },)*
        }

        /// The number of an instruction in the file form.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Opcode {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Opcode {
            /// Every opcode, in order.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name,)*];

            /// The name in listings.
            pub const fn name(self) -> &'static str {
                match self { $(Opcode::$name => stringify!($name),)* }
            }

            /// What the instruction does.
            pub const fn doc(self) -> &'static str {
                match self { $(Opcode::$name => concat!($($doc),+).trim_ascii(),)* }
            }

            /// Names and kinds of the operands.
            pub const fn operands(self) -> &'static [(&'static str, &'static str)] {
                match self { $(Opcode::$name => &[$((stringify!($field), stringify!($kind))),*],)* }
            }

            /// How the instruction goes on; see the module.
            pub const fn flags(self) -> Flags {
                match self { $(Opcode::$name => Flags::NONE$(.$flag())*,)* }
            }
        }

        impl Instruction {
            /// Which instruction this is.
            pub const fn opcode(&self) -> Opcode {
                match self { $(Instruction::$name { .. } => Opcode::$name,)* }
            }

            /// Calls `each` with the name and the operand of each field.
            pub fn for_each_operand(&self, mut each: impl FnMut(&'static str, OperandView)) {
                let _ = &mut each;
                match *self {
                    $(Instruction::$name { $($field),* } => { $(each(stringify!($field), $field.view());)* })*
                }
            }

            /// The file form: opcode, a zero, then the operands; 32-bit ones stand at byte 4.
            pub fn encode(&self) -> [u8; 8] {
                let mut word = [0u8; 8];
                word[0] = self.opcode() as u8;
                #[allow(unused_mut, unused_assignments)]
                let mut place = 2;
                let _ = &mut place;
                match *self {
                    $(Instruction::$name { $($field),* } => { $(put(&mut word, &mut place, $field);)* })*
                }
                word
            }

            /// The instruction of a word, unless it is none.
            pub fn decode(word: [u8; 8]) -> Option<Instruction> {
                let opcode = *Opcode::ALL.get(usize::from(word[0]))?;
                let mut place = 2;
                let _ = &mut place;
                let instruction = match opcode {
                    $(Opcode::$name => Instruction::$name { $($field: take(&word, &mut place)?),* },)*
                };
                // Nothing may hide in the unused bytes.
                (instruction.encode() == word).then_some(instruction)
            }
        }
    };
}

for_each_instruction!(define);

fn put<T: Operand>(word: &mut [u8; 8], place: &mut usize, operand: T) {
    let bytes = operand.to_bits().to_le_bytes();
    if T::WIDTH == 4 {
        word[4..8].copy_from_slice(&bytes);
        *place = 8;
    } else {
        word[*place..*place + 2].copy_from_slice(&bytes[..2]);
        *place += 2;
    }
}

fn take<T: Operand>(word: &[u8; 8], place: &mut usize) -> Option<T> {
    let mut bytes = [0u8; 4];
    if T::WIDTH == 4 {
        bytes.copy_from_slice(&word[4..8]);
        *place = 8;
    } else {
        bytes[..2].copy_from_slice(word.get(*place..*place + 2)?);
        *place += 2;
    }
    T::from_bits(u32::from_le_bytes(bytes))
}

/// How an instruction goes on; see the module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags {
    /// An `Else` word follows.
    pub branch: bool,
    /// `Items` words follow.
    pub list: bool,
    /// `Case` words follow.
    pub cases: bool,
    /// Control never goes on behind it.
    pub ends: bool,
    /// Part of the instruction before.
    pub word: bool,
}

impl Flags {
    const NONE: Flags = Flags {
        branch: false,
        list: false,
        cases: false,
        ends: false,
        word: false,
    };

    const fn branch(mut self) -> Flags {
        self.branch = true;
        self
    }

    const fn list(mut self) -> Flags {
        self.list = true;
        self
    }

    const fn cases(mut self) -> Flags {
        self.cases = true;
        self
    }

    const fn ends(mut self) -> Flags {
        self.ends = true;
        self
    }

    const fn word(mut self) -> Flags {
        self.word = true;
        self
    }
}

impl Instruction {
    /// How many sources the list of this instruction has; `else_count` is the count of its `Else`, if it has one.
    pub fn list_len(&self, else_count: u16) -> usize {
        match *self {
            Instruction::MakeArray { count, .. }
            | Instruction::MakeSet { count, .. }
            | Instruction::MakeObject { count, .. }
            | Instruction::EmitRow { count } => count.index(),
            Instruction::InsertPath { count, .. }
            | Instruction::InsertSet { count, .. }
            | Instruction::IndexAdd { count, .. }
            | Instruction::IndexSeek { count, .. } => count.index(),
            Instruction::Call { .. } | Instruction::CallBuiltin { .. } => usize::from(else_count),
            _ => 0,
        }
    }

    /// True for the instructions that a backward jump may reach: they charge fuel.
    pub const fn charges(&self) -> bool {
        matches!(
            self,
            Instruction::IterNext { .. }
                | Instruction::IndexNext { .. }
                | Instruction::WalkNext { .. }
        )
    }
}

/// Words that a list of sources takes.
pub const fn list_words(count: usize) -> usize {
    count.div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_is_eight_bytes() {
        assert_eq!(size_of::<Instruction>(), 8);
        assert!(Opcode::ALL.len() <= 256);
    }

    #[test]
    fn every_opcode_has_a_doc_and_decodes() {
        for (number, opcode) in Opcode::ALL.iter().enumerate() {
            assert_eq!(*opcode as usize, number);
            assert!(!opcode.doc().is_empty(), "{opcode:?}");
            let word = [number as u8, 0, 0, 0, 0, 0, 0, 0];
            let instruction = Instruction::decode(word).unwrap();
            assert_eq!(instruction.opcode(), *opcode);
            assert_eq!(instruction.encode(), word);
        }
    }

    #[test]
    fn what_means_nothing_is_rejected() {
        assert_eq!(Instruction::decode([255, 0, 0, 0, 0, 0, 0, 0]), None);
        // A byte in a field that `Jump` does not have.
        assert_eq!(Instruction::decode([0, 0, 1, 0, 0, 0, 0, 0]), None);
        // No such conflict.
        assert_eq!(
            Instruction::decode([Opcode::SetResult as u8, 0, 0, 0, 0, 0, 9, 0]),
            None
        );
    }

    #[test]
    fn fields_keep_their_places() {
        let get = Instruction::Get {
            dst: Reg(1),
            base: Source(2),
            key: Source(0x8003),
        };
        assert_eq!(get.encode(), [Opcode::Get as u8, 0, 1, 0, 2, 0, 3, 0x80]);
        assert_eq!(Instruction::decode(get.encode()), Some(get));
        let call = Instruction::Call {
            dst: Reg(1),
            function: FunctionIndex(0x0102_0304),
        };
        assert_eq!(call.encode(), [Opcode::Call as u8, 0, 1, 0, 4, 3, 2, 1]);
    }
}
