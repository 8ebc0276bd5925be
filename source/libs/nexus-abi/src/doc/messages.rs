//! Messages, bits, and what they go through.

use super::{CallDoc, NEW_HANDLE_FULL, NO_MEMORY};
use crate::{Call, Error};

const MESSAGE: &[(&str, &str, &str)] = &[
    ("s2–s9", "words", "the message's eight words"),
    ("t1", "endpoint", "where to"),
    ("t2", "shape", "bytes to send, room to receive, handle to move"),
    ("t3", "bytes", "address of the bytes to send"),
    ("t4", "buffer", "address of the receive buffer"),
    ("t5", "deadline", "when to give up"),
];

pub(super) const NOTIFY: CallDoc = CallDoc {
    call: Call::Notify,
    name: "notify",
    summary: "Set bits at a notification or an endpoint; never waits.",
    arguments: &[("a0", "target", "notification or endpoint"), ("a1", "bits", "bits to set, not 0")],
    returns: "nothing",
    rights: "NOTIFY",
    effects: "the bits are set; one task waiting there takes all bits and becomes ready",
    errors: &[
        (Error::BadHandle, "the target is not in the table"),
        (Error::WrongKind, "neither notification nor endpoint"),
        (Error::Denied, "NOTIFY is missing"),
        (Error::Invalid, "no bit given"),
        (Error::Dead, "the target died with the task that paid for it"),
    ],
};

pub(super) const CALL: CallDoc = CallDoc {
    call: Call::Call,
    name: "call",
    summary: "Send a message and wait for its answer.",
    arguments: MESSAGE,
    returns: "the answer: words in s2–s9, t2 = length and handle",
    rights: "CALL on the endpoint; MOVE on a handle sent along",
    effects: "the handle sent along has moved to the receiver, unless the status is PeerFull, TooLong, \
              BadAddress or a refusal; a server waiting here runs at once on the caller's hart when \
              affinity permits",
    errors: &[
        (Error::BadHandle, "the endpoint or the handle sent along is not in the table"),
        (Error::WrongKind, "not an endpoint"),
        (Error::Denied, "CALL is missing, or MOVE on the handle sent along"),
        (Error::Invalid, "a length above 4 KiB"),
        (Error::BadAddress, "the bytes or the buffer are not mapped for this access"),
        (Error::TooLong, "the bytes do not fit into the receiver's buffer"),
        (Error::PeerFull, "the receiver has no room for the handle or the reply"),
        (Error::TimedOut, "no answer by the deadline; a server that took the message finds its reply dead"),
        (Error::Dead, "the endpoint died, or the server died or dropped the reply"),
        (Error::Deadlock, "the server waits, itself or through others, for the caller"),
        (Error::OverQuota, "materialising a buffer page would exceed the quota"),
        (Error::NoMemory, "the machine has no free page for a buffer"),
    ],
};

pub(super) const REPLY_RECEIVE: CallDoc = CallDoc {
    call: Call::ReplyReceive,
    name: "reply_receive",
    summary: "Answer a caller and wait for the next message, in one step: the server's loop.",
    arguments: &[
        ("s2–s9", "words", "the answer's eight words"),
        ("t1", "endpoint, reply", "endpoint in the low half, reply handle in the high half"),
        ("t2", "shape", "bytes to send, room to receive, handle to move"),
        ("t3", "bytes", "address of the bytes to send"),
        ("t4", "buffer", "address of the receive buffer"),
        ("t5", "deadline", "when to give up receiving"),
    ],
    returns: "as `receive`",
    rights: "as `reply` and `receive`",
    effects: "a reply that finds its caller gone is dropped and receiving goes on; every other reply error \
              is returned before anything is received, with the reply handle kept",
    errors: &[
        (Error::BadHandle, "endpoint, reply or the handle sent along is not in the table"),
        (Error::WrongKind, "not an endpoint, or not a reply"),
        (Error::Denied, "RECEIVE is missing, or MOVE on the handle sent along"),
        (Error::Invalid, "a length above 4 KiB"),
        (Error::BadAddress, "the bytes or the buffer are not mapped for this access"),
        (Error::TooLong, "the bytes do not fit into the caller's buffer"),
        (Error::PeerFull, "the caller has no room for the handle"),
        (Error::TimedOut, "nothing came by the deadline"),
        (Error::OverQuota, "no handle is free for the next reply, or a buffer page exceeds the quota"),
        (Error::NoMemory, "the machine has no free page for the buffer"),
        (Error::Dead, "the endpoint died with the task that paid for it"),
    ],
};

pub(super) const WAIT: CallDoc = CallDoc {
    call: Call::Wait,
    name: "wait",
    summary: "Wait for bits at a notification; without a handle, just until the deadline.",
    arguments: &[
        ("a0", "notification", "where, or 0 to sleep"),
        ("a1", "deadline", "when to give up; 0 polls"),
    ],
    returns: "a0 = the bits",
    rights: "RECEIVE",
    effects: "the bits are cleared",
    errors: &[
        (Error::BadHandle, "the notification is not in the table"),
        (Error::WrongKind, "not a notification"),
        (Error::Denied, "RECEIVE is missing"),
        (Error::TimedOut, "no bit was set by the deadline; a sleep always ends so"),
        (Error::Dead, "the notification died with the task that paid for it"),
    ],
};

pub(super) const RECEIVE: CallDoc = CallDoc {
    call: Call::Receive,
    name: "receive",
    summary: "Wait for a message or for bits at an endpoint.",
    arguments: &[
        ("t1", "endpoint", "where from"),
        ("t2", "shape", "room to receive"),
        ("t4", "buffer", "address of the receive buffer"),
        ("t5", "deadline", "when to give up; 0 polls"),
    ],
    returns: "a message: words in s2–s9, t1 = reply handle, t2 = length and handle, t3 = sender, \
              t4 = stamp. Or bits: a0 = the bits, t4 = the bits stamp",
    rights: "RECEIVE",
    effects: "the message is taken and a reply handle made; or the bits are cleared. Bits come before \
              messages, messages by class and then by arrival",
    errors: &[
        (Error::BadHandle, "the endpoint is not in the table"),
        (Error::WrongKind, "not an endpoint"),
        (Error::Denied, "RECEIVE is missing"),
        (Error::Invalid, "a length above 4 KiB, or something to send"),
        (Error::BadAddress, "the buffer is not mapped for writing"),
        (Error::TimedOut, "nothing came by the deadline"),
        (Error::OverQuota, "no handle is free for the reply, or a buffer page exceeds the quota"),
        (Error::NoMemory, "the machine has no free page for the buffer"),
        (Error::Dead, "the endpoint died with the task that paid for it"),
    ],
};

pub(super) const REPLY: CallDoc = CallDoc {
    call: Call::Reply,
    name: "reply",
    summary: "Answer a caller.",
    arguments: &[
        ("s2–s9", "words", "the answer's eight words"),
        ("t1", "reply", "the reply handle, in the high half"),
        ("t2", "shape", "bytes to send, handle to move"),
        ("t3", "bytes", "address of the bytes to send"),
    ],
    returns: "nothing",
    rights: "holding the reply; MOVE on a handle sent along",
    effects: "the caller is ready to run with the answer and the reply handle is gone; kept only when the \
              status is TooLong, PeerFull or a refusal, so that another answer can be given",
    errors: &[
        (Error::BadHandle, "the reply or the handle sent along is not in the table"),
        (Error::WrongKind, "not a reply"),
        (Error::Denied, "MOVE is missing on the handle sent along"),
        (Error::Invalid, "a length above 4 KiB"),
        (Error::BadAddress, "the bytes are not mapped"),
        (Error::TooLong, "the bytes do not fit into the caller's buffer"),
        (Error::PeerFull, "the caller has no room for the handle"),
        (Error::Dead, "the caller died or gave up waiting; the reply handle is gone"),
    ],
};

pub(super) const REPLY_ALL: CallDoc = CallDoc {
    call: Call::ReplyAll,
    name: "reply_all",
    summary: "Answer several callers alike: as many as need no second look.",
    arguments: &[
        ("s2–s9", "replies", "up to eight replies; 0 ends them"),
        ("a0", "first", "the first word of every answer"),
        ("a1", "second", "the second; the others are 0"),
    ],
    returns: "how many were answered, from the first on; the next one, if there is one, is for `reply`",
    rights: "holding the replies",
    effects: "each caller answered is ready to run and its reply handle is gone; the others are as they were",
    errors: &[],
};

pub(super) const ENDPOINT_CREATE: CallDoc = CallDoc {
    call: Call::EndpointCreate,
    name: "endpoint_create",
    summary: "Make an endpoint, charged to the caller.",
    arguments: &[],
    returns: "a0 = a handle with every endpoint right",
    rights: "none",
    effects: "one object and one handle more; the endpoint dies with the caller",
    errors: &[NEW_HANDLE_FULL, NO_MEMORY],
};

pub(super) const NOTIFICATION_CREATE: CallDoc = CallDoc {
    call: Call::NotificationCreate,
    name: "notification_create",
    summary: "Make a notification, charged to the caller.",
    arguments: &[],
    returns: "a0 = a handle with every notification right",
    rights: "none",
    effects: "one object and one handle more; the notification dies with the caller",
    errors: &[NEW_HANDLE_FULL, NO_MEMORY],
};
