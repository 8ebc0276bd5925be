//! Handles.

use super::{CallDoc, NEW_HANDLE_FULL, NO_MEMORY};
use crate::{Call, Error};

pub(super) const HANDLE_COPY: CallDoc = CallDoc {
    call: Call::HandleCopy,
    name: "handle_copy",
    summary: "Duplicate a handle, with the same or fewer rights.",
    arguments: &[("a0", "handle", "what to duplicate"), ("a1", "rights", "the rights of the duplicate")],
    returns: "a0 = the new handle",
    rights: "COPY, and every right asked for",
    effects: "one more handle names the object",
    errors: &[
        (Error::BadHandle, "it is not in the table"),
        (Error::WrongKind, "a reply, which can be answered only once"),
        (Error::Denied, "COPY or a right asked for is missing"),
        (Error::Invalid, "unknown right bits"),
        NEW_HANDLE_FULL,
        NO_MEMORY,
    ],
};

pub(super) const HANDLE_CLOSE: CallDoc = CallDoc {
    call: Call::HandleClose,
    name: "handle_close",
    summary: "Give up a handle.",
    arguments: &[("a0", "handle", "what to close")],
    returns: "nothing",
    rights: "none",
    effects: "the object dies with its last handle; closing a reply answers its caller with Dead; closing the \
              last RECEIVE handle of an endpoint answers everybody queued there with Dead",
    errors: &[(Error::BadHandle, "it is not in the table")],
};
