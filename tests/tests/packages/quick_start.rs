//! What the test of the README's quick start is made of.

pub(crate) mod machines;
pub(crate) mod readme;
