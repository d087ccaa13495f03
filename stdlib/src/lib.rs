//! The built-in functions
