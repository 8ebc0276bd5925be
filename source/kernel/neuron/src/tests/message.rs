//! Messages as tasks state and see them.

use nexus_abi::ipc::{Shape, Stamp};
use nexus_abi::{Handle, Nanos, TaskId};

use crate::task::registers::{Reg, Registers};

/// A message, or an answer, or what is received with.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub endpoint: Handle,
    pub reply: Handle,
    pub words: [u64; 8],
    pub bytes: (usize, usize),
    pub room: (usize, usize),
    pub moved: Handle,
    pub deadline: Nanos,
}

/// What a message call ended with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Incoming {
    pub words: [u64; 8],
    /// In `a0`, when the stamp says that bits came.
    pub bits: u64,
    pub reply: Handle,
    pub len: usize,
    pub moved: Option<Handle>,
    pub sender: TaskId,
    pub stamp: Stamp,
}

impl Message {
    /// Eight words, for ever.
    pub fn to(endpoint: Handle, words: [u64; 8]) -> Self {
        Self {
            endpoint,
            reply: Handle::NONE,
            words,
            bytes: (0, 0),
            room: (0, 0),
            moved: Handle::NONE,
            deadline: Nanos::NEVER,
        }
    }

    /// Nothing to say, just listening.
    pub fn at(endpoint: Handle) -> Self {
        Self::to(endpoint, [0; 8])
    }

    /// An answer.
    pub fn answer(reply: Handle, words: [u64; 8]) -> Self {
        Self { reply, ..Self::to(Handle::NONE, words) }
    }

    pub fn replying(self, reply: Handle) -> Self {
        Self { reply, ..self }
    }
    pub fn sending(self, address: usize, len: usize) -> Self {
        Self { bytes: (address, len), ..self }
    }
    pub fn with_room(self, address: usize, len: usize) -> Self {
        Self { room: (address, len), ..self }
    }
    pub fn moving(self, moved: Handle) -> Self {
        Self { moved, ..self }
    }
    pub fn until(self, deadline: Nanos) -> Self {
        Self { deadline, ..self }
    }

    /// Puts it where the kernel looks for it.
    pub fn put(self, registers: &mut Registers) {
        let shape = Shape::new(self.bytes.1, self.room.1, self.moved).unwrap_or(Shape(u64::MAX));
        registers.set_words(self.words);
        registers.set(Reg::T1, self.reply.to_wire() << 32 | self.endpoint.to_wire());
        registers.set(Reg::T2, shape.0);
        registers.set(Reg::T3, self.bytes.0 as u64);
        registers.set(Reg::T4, self.room.0 as u64);
        registers.set(Reg::T5, self.deadline.0);
    }
}
