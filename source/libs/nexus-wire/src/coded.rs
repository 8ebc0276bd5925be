//! Types of the kernel's contract in messages: each travels as its wire value, and a value that means nothing is
//! refused when it is read. For fields, as `#[serde(with = "coded")]`.

use nexus_abi::{AffinityPolicy, BurstHint, HartMask, LatencyHint, QosClass, Rights, Shares};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A type with a wire value.
pub(crate) trait Coded: Copy {
    /// What travels.
    type Code: Serialize + for<'de> Deserialize<'de>;
    /// The wire value.
    fn code(self) -> Self::Code;
    /// Reads a wire value.
    fn read(code: Self::Code) -> Option<Self>;
}

pub(crate) fn serialize<T: Coded, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.code().serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Coded, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(T::Code::deserialize(deserializer)?).ok_or_else(|| D::Error::custom("no such value"))
}

impl Coded for QosClass {
    type Code = u8;
    fn code(self) -> u8 {
        self as u8
    }
    fn read(code: u8) -> Option<Self> {
        Self::from_wire(code.into())
    }
}

impl Coded for AffinityPolicy {
    type Code = u8;
    fn code(self) -> u8 {
        self as u8
    }
    fn read(code: u8) -> Option<Self> {
        Self::from_wire(code.into())
    }
}

impl Coded for HartMask {
    type Code = u64;
    fn code(self) -> u64 {
        self.0
    }
    fn read(code: u64) -> Option<Self> {
        Some(Self(code))
    }
}

impl Coded for Rights {
    type Code = u64;
    fn code(self) -> u64 {
        self.to_wire()
    }
    fn read(code: u64) -> Option<Self> {
        Self::from_wire(code)
    }
}

impl Coded for Shares {
    type Code = u16;
    fn code(self) -> u16 {
        self.get()
    }
    fn read(code: u16) -> Option<Self> {
        Self::exact(code.into())
    }
}

impl Coded for LatencyHint {
    type Code = u16;
    fn code(self) -> u16 {
        self.as_ms()
    }
    fn read(code: u16) -> Option<Self> {
        Self::exact_ms(code.into())
    }
}

impl Coded for BurstHint {
    type Code = u16;
    fn code(self) -> u16 {
        self.as_ms()
    }
    fn read(code: u16) -> Option<Self> {
        Self::exact_ms(code.into())
    }
}
