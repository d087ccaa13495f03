//! What programs do that have regovm inside: built-ins of their own, types of their own, policies that change.

mod builtins;
mod examples;
mod swap;
mod typed;
