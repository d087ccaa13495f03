//! The bytecode and the machine that runs it
