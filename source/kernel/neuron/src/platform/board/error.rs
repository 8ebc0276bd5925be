//! What can be wrong with a device tree, and where.

use core::fmt;

use dtoolkit::error::FdtParseError;

use crate::platform::region::Region;

/// Why a device tree describes no machine this kernel can run on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BoardError {
    /// The bytes are not a device tree.
    NotATree(FdtParseError),
    /// They are longer than any tree this kernel reads.
    TooLong(usize),
    /// No such node, or no device compatible with this.
    MissingNode(&'static str),
    /// A node lacks a property.
    MissingProperty {
        /// The node.
        node: NodeName,
        /// What it lacks.
        property: &'static str,
    },
    /// A property has a wrong length, or a value that makes no sense.
    BadProperty {
        /// The node.
        node: NodeName,
        /// The property.
        property: &'static str,
    },
    /// A property asks for something this kernel cannot do.
    Unsupported {
        /// The node.
        node: NodeName,
        /// The property.
        property: &'static str,
    },
    /// More than there is room for.
    TooMany {
        /// Of these.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// Two things claim the same addresses.
    Overlap {
        /// The one.
        first: Region,
        /// The other.
        second: Region,
    },
    /// The boot image is not in memory.
    InitrdOutsideMemory(Region),
    /// The hart that runs this is not a usable hart of the tree.
    NoBootHart(u64),
}

impl fmt::Display for BoardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATree(error) => write!(f, "not a device tree: {error}"),
            Self::TooLong(len) => write!(f, "a device tree of {len} bytes is too long"),
            Self::MissingNode(what) => write!(f, "no {what}"),
            Self::MissingProperty { node, property } => write!(f, "{node}: no {property}"),
            Self::BadProperty { node, property } => write!(f, "{node}: bad {property}"),
            Self::Unsupported { node, property } => write!(f, "{node}: unsupported {property}"),
            Self::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            Self::Overlap { first, second } => write!(f, "{first} and {second} overlap"),
            Self::InitrdOutsideMemory(region) => write!(f, "initrd {region} is not in memory"),
            Self::NoBootHart(id) => write!(f, "boot hart {id} is not a usable cpu of the tree"),
        }
    }
}

/// A node's name, kept after the tree is gone. Long ones are cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NodeName {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl NodeName {
    const MAX: usize = 48;

    pub(super) fn new(name: &str) -> Self {
        let mut kept = Self { bytes: [0; Self::MAX], len: 0 };
        // Node names are ASCII: cutting anywhere leaves text.
        for (place, byte) in kept.bytes.iter_mut().zip(name.bytes()) {
            *place = byte;
            kept.len += 1;
        }
        kept
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.get(..self.len).unwrap_or(&[]);
        f.write_str(match core::str::from_utf8(bytes) {
            Ok("") => "/",
            Ok(name) => name,
            Err(_) => "?",
        })
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
