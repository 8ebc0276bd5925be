//! Capabilities: reference-counted kernel objects, and each task's table of handles to them.

pub mod object;
pub mod stripes;
pub mod table;
pub mod uses;

pub use object::{Header, Object, Ref};
pub use table::HandleTable;
pub use uses::Uses;
