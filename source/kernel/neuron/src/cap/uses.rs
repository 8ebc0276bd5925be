//! What a handle is good for on the fast paths, worked out once, when the handle is made.
//!
//! A fast path asks one question, "may this handle be put to this use?", where the general path asks which
//! kind of object it names, which kind of port that is, and which rights the handle has.

use nexus_abi::Rights;

use super::object::Object;
use crate::ipc::port::PortKind;

/// A set of uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Uses(u8);

impl Uses {
    /// None: the general path decides.
    pub const NONE: Self = Self(0);
    /// Calling: an endpoint.
    pub const CALL: Self = Self(1);
    /// Receiving messages: an endpoint.
    pub const RECEIVE: Self = Self(1 << 1);
    /// Setting bits: an endpoint or a notification.
    pub const NOTIFY: Self = Self(1 << 2);
    /// Waiting for bits: a notification.
    pub const WAIT: Self = Self(1 << 3);
    /// Answering: a reply.
    pub const REPLY: Self = Self(1 << 4);

    /// What a handle to `object` with `rights` is good for.
    #[inline(always)]
    pub fn of(object: &Object, rights: Rights) -> Self {
        let port = match object {
            Object::Reply { .. } => return Self::REPLY,
            Object::Port(port) => port,
            _ => return Self::NONE,
        };
        let grant = |right, uses: Self| if rights.contains(right) { uses.0 } else { 0 };
        let received = match port.kind() {
            PortKind::Endpoint => grant(Rights::RECEIVE, Self::RECEIVE) | grant(Rights::CALL, Self::CALL),
            PortKind::Notification => grant(Rights::RECEIVE, Self::WAIT),
        };
        Self(received | grant(Rights::NOTIFY, Self::NOTIFY))
    }

    /// True when all of `wanted` are among them.
    #[inline(always)]
    pub const fn include(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}
