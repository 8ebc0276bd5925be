//! Memory and where it is mapped.

use super::{CallDoc, NEW_HANDLE_FULL, NO_MEMORY};
use crate::{Call, Error};

pub(super) const VMO_CREATE: CallDoc = CallDoc {
    call: Call::VmoCreate,
    name: "vmo_create",
    summary: "Make a VMO: memory that can be mapped and shared. Pages are zero and come when touched.",
    arguments: &[("a0", "pages", "its size, 1 to 262,144 pages")],
    returns: "a0 = a handle with every VMO right except EXECUTE",
    rights: "none",
    effects: "one object and one handle more; its pages are charged to the caller as they are touched, by \
              whomever, and taken back from everybody when the caller dies",
    errors: &[(Error::Invalid, "0 pages, or too many"), NEW_HANDLE_FULL, NO_MEMORY],
};

pub(super) const VMO_MAP: CallDoc = CallDoc {
    call: Call::VmoMap,
    name: "vmo_map",
    summary: "Map pages of a VMO or of device memory into the caller's address space.",
    arguments: &[
        ("a0", "object", "VMO or device memory"),
        ("a1", "first", "first page of the object"),
        ("a2", "pages", "how many"),
        ("a3", "access", "READ, READ|WRITE or READ|EXECUTE"),
        ("a4", "address", "where, page aligned; 0 lets the kernel choose"),
    ],
    returns: "a0 = the address",
    rights: "the rights named in `access`",
    effects: "the range is mapped; page tables are charged to the caller",
    errors: &[
        (Error::BadHandle, "it is not in the table"),
        (Error::WrongKind, "neither VMO nor device memory"),
        (Error::Denied, "a right of `access` is missing"),
        (Error::Invalid, "bad range, bad access, unaligned or outside the user half"),
        (Error::NoSpace, "the range is taken, or the task has 48 mappings already"),
        (Error::OverQuota, "no page left for page tables"),
        NO_MEMORY,
        (Error::Dead, "the VMO was revoked"),
    ],
};

pub(super) const VM_UNMAP: CallDoc = CallDoc {
    call: Call::VmUnmap,
    name: "vm_unmap",
    summary: "Undo a mapping made by `vmo_map`.",
    arguments: &[("a0", "address", "the mapping's first address")],
    returns: "nothing",
    rights: "none",
    effects: "the whole mapping is gone and its page tables are given back",
    errors: &[(Error::NotFound, "no mapping begins there"), (Error::Invalid, "unaligned")],
};

pub(super) const VMO_REVOKE: CallDoc = CallDoc {
    call: Call::VmoRevoke,
    name: "vmo_revoke",
    summary: "Take a VMO's pages back from everybody who has it mapped.",
    arguments: &[("a0", "vmo", "the VMO")],
    returns: "nothing",
    rights: "MANAGE",
    effects: "on return no hart can reach the old pages and they are free; the mappings stay and read as \
              zeros, charged to whoever touches them; the VMO is dead",
    errors: &[
        (Error::BadHandle, "it is not in the table"),
        (Error::WrongKind, "not a VMO"),
        (Error::Denied, "MANAGE is missing, or the VMO is part of the boot image"),
        (Error::Dead, "it was revoked before"),
    ],
};
