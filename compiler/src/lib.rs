//! Syntax trees to checked modules, to IR, to bytecode
