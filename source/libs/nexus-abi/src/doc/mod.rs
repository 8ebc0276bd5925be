//! Every system call described as data: the source of `docs/kernel/syscalls.md`.

mod handles;
mod machine;
mod memory;
mod messages;
mod tasks;

use crate::{Call, Error};

/// What a reader has to know of one call.
#[derive(Clone, Copy, Debug)]
pub struct CallDoc {
    /// The call.
    pub call: Call,
    /// Its name as written in text.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Register, name and meaning of each argument.
    pub arguments: &'static [(&'static str, &'static str, &'static str)],
    /// What comes back on success.
    pub returns: &'static str,
    /// The right or privilege it needs.
    pub rights: &'static str,
    /// What has changed afterwards. A refused call changes nothing.
    pub effects: &'static str,
    /// Each error with its cause.
    pub errors: &'static [(Error, &'static str)],
}

/// Every call, in wire order.
pub const CALLS: &[CallDoc] = &[
    tasks::TASK_SELF,
    machine::CLOCK_NOW,
    messages::NOTIFY,
    messages::CALL,
    messages::REPLY_RECEIVE,
    tasks::YIELD,
    messages::WAIT,
    messages::RECEIVE,
    messages::REPLY,
    handles::HANDLE_COPY,
    handles::HANDLE_CLOSE,
    messages::ENDPOINT_CREATE,
    messages::NOTIFICATION_CREATE,
    memory::VMO_CREATE,
    memory::VMO_MAP,
    tasks::TASK_QOS,
    memory::VM_UNMAP,
    memory::VMO_REVOKE,
    tasks::TASK_SPAWN,
    tasks::TASK_EXIT,
    tasks::TASK_KILL,
    tasks::TASK_STATUS,
    machine::IRQ_BIND,
    machine::IRQ_ACK,
    machine::DEVICE_MAP,
    machine::LOG_WRITE,
    machine::LOG_READ,
    machine::INFO,
    machine::BOOT_FILE,
    machine::TRACE_CONTROL,
    machine::TRACE_READ,
    machine::MACHINE_EXIT,
    tasks::TASK_ADOPT,
    tasks::SCHED_SET,
    tasks::SCHED_GET,
    messages::REPLY_ALL,
];

const SYSTEM_BAD: (Error, &str) = (Error::BadHandle, "the system handle is not in the table");
const SYSTEM_KIND: (Error, &str) = (Error::WrongKind, "it is not the system object");
const SYSTEM_DENIED: (Error, &str) = (Error::Denied, "it lacks the right");
const NEW_HANDLE_FULL: (Error, &str) = (Error::OverQuota, "the handle or object quota is used up");
const NO_MEMORY: (Error, &str) = (Error::NoMemory, "the machine has no free page");
const ADDRESS: (Error, &str) = (Error::BadAddress, "a buffer is not mapped for this access");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_documented_once_in_wire_order() {
        assert_eq!(CALLS.len(), Call::ALL.len());
        for (doc, call) in CALLS.iter().zip(Call::ALL) {
            assert_eq!(doc.call, call, "{}", doc.name);
            assert!(!doc.summary.is_empty() && !doc.returns.is_empty());
        }
    }

    #[test]
    fn no_error_is_listed_twice_for_a_call() {
        for doc in CALLS {
            for (n, (error, _)) in doc.errors.iter().enumerate() {
                assert!(!doc.errors[..n].iter().any(|(e, _)| e == error), "{}: {error:?}", doc.name);
            }
        }
    }
}
