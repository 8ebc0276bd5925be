//! The packed words of the message calls.

use crate::{Handle, MESSAGE_BYTES_MAX, QosClass, ServiceId};

/// `t2` on the way in: bytes to send, room to receive, handle to move along.
///
/// Zero means "registers only", which is what the kernel's fast path asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Shape(pub u64);

impl Shape {
    /// Registers only.
    pub const REGISTERS: Self = Self(0);

    /// Packs the three parts; lengths above 4 KiB are refused.
    pub const fn new(send_len: usize, receive_len: usize, handle: Handle) -> Option<Self> {
        if send_len > MESSAGE_BYTES_MAX || receive_len > MESSAGE_BYTES_MAX {
            return None;
        }
        Some(Self(handle.to_wire() << 32 | (receive_len as u64) << 16 | send_len as u64))
    }

    /// Unpacks and checks a register.
    pub const fn decode(self) -> Option<(usize, usize, Handle)> {
        let (send, receive) = ((self.0 & 0xffff) as usize, (self.0 >> 16 & 0xffff) as usize);
        if send > MESSAGE_BYTES_MAX || receive > MESSAGE_BYTES_MAX {
            return None;
        }
        Some((send, receive, Handle::from_wire(self.0 >> 32)))
    }
}

/// `t2` on the way out: bytes received and the handle that came along.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Received(pub u64);

impl Received {
    /// Packs length and handle.
    pub const fn new(len: usize, handle: Handle) -> Self {
        Self(handle.to_wire() << 32 | len as u64)
    }

    /// Bytes in the buffer.
    pub const fn len(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    /// True when no bytes came.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The handle that came along.
    pub fn handle(self) -> Option<Handle> {
        Handle::from_wire(self.0 >> 32).present()
    }
}

/// `t4` on the way out: what the kernel vouches for about the sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Not a message: bits, in the first word.
    pub const BITS: Self = Self(1 << 40);

    /// The stamp of a message.
    pub const fn of(service: ServiceId, class: QosClass) -> Self {
        Self(service.0 as u64 | (class as u64) << 32)
    }

    /// True when bits came instead of a message.
    pub const fn is_bits(self) -> bool {
        self.0 & Self::BITS.0 != 0
    }

    /// The sender's identity.
    pub const fn service(self) -> ServiceId {
        ServiceId(self.0 as u32)
    }

    /// The class the sender ran at.
    pub fn class(self) -> QosClass {
        QosClass::from_wire(self.0 >> 32 & 0xff).unwrap_or(QosClass::Idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_round_trip_up_to_their_bound() {
        let handle = Handle::new(7, 3);
        assert_eq!(Shape::new(4096, 1, handle).and_then(Shape::decode), Some((4096, 1, handle)));
        assert_eq!(Shape::new(4097, 0, Handle::NONE), None);
        assert_eq!(Shape(4097).decode(), None);
        assert_eq!(Shape(4097 << 16).decode(), None);
    }

    #[test]
    fn stamps_keep_service_and_class_apart() {
        let stamp = Stamp::of(ServiceId(0xffff_ffff), QosClass::PerfBurst);
        assert_eq!((stamp.service(), stamp.class()), (ServiceId(0xffff_ffff), QosClass::PerfBurst));
        assert!(!stamp.is_bits());
        assert!(Stamp::BITS.is_bits());
    }
}
