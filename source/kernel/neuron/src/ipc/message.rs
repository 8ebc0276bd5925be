//! Moving a message from one task to another, both of them ours.
//!
//! The sender's registers hold what it sends, the receiver's what it has room for; both were checked when
//! their calls began. Delivery decides everything first and then cannot fail half-way, with one exception:
//! bytes may have been copied into the receiver's buffer when a later page cannot be had. The receiver is
//! then not told of a message, so the bytes mean nothing to it.

use nexus_abi::ipc::{Received, Shape};
use nexus_abi::{Error, Handle, Rights};

use super::fast;
use super::reply::CallNumber;
use crate::cap::{Object, Ref};
use crate::mm::user_memory::{self, Side};
use crate::sched::Hart;
use crate::task::registers::Reg;
use crate::task::{OwnedTask, Task};
use crate::time;

/// What a message call asks to send and has room for; checked.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// Bytes to send.
    pub send_len: usize,
    /// Room for bytes.
    pub room: usize,
    /// Handle to move along.
    pub moved: Option<Handle>,
    /// Address of the bytes to send.
    pub bytes: usize,
    /// Address of the buffer.
    pub buffer: usize,
}

impl Parts {
    /// Reads them from the registers of a task that made a message call.
    pub fn of(task: &OwnedTask) -> Option<Self> {
        let registers = task.registers();
        let (send_len, room, handle) = Shape(registers.get(Reg::T2)).decode()?;
        Some(Self {
            send_len,
            room,
            moved: handle.present(),
            bytes: registers.get(Reg::T3) as usize,
            buffer: registers.get(Reg::T4) as usize,
        })
    }
}

/// Why a message was not delivered, and whose fault that is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Undelivered {
    /// The sender is told; the receiver goes on waiting.
    Sender(Error),
    /// The receiver is told; the sender goes on waiting.
    Receiver(Error),
}

/// What comes with a message besides words and bytes.
#[derive(Debug)]
pub enum Kind {
    /// A call, number so-and-so of the sender: a reply handle is made.
    Call(CallNumber),
    /// An answer.
    Answer,
}

/// Delivers the message in `from`'s registers to `to`.
pub fn deliver(
    hart: &mut Hart,
    from: &mut OwnedTask,
    to: &mut OwnedTask,
    kind: Kind,
) -> Result<(), Undelivered> {
    // Both decoded when their calls began; a task cannot change its registers while it waits.
    let sent = Parts::of(from).ok_or(Undelivered::Sender(Error::Invalid))?;
    let got = Parts::of(to).ok_or(Undelivered::Receiver(Error::Invalid))?;
    if sent.send_len > got.room {
        return Err(Undelivered::Sender(Error::TooLong));
    }
    if let Some(handle) = sent.moved {
        let (_, rights) = from.own().handles.get(handle).map_err(Undelivered::Sender)?;
        if !rights.contains(Rights::MOVE) {
            return Err(Undelivered::Sender(Error::Denied));
        }
    }
    let slots = u16::from(sent.moved.is_some()) + u16::from(matches!(kind, Kind::Call(_)));
    if hart.reserve_handles(to, slots).is_err() {
        return Err(Undelivered::Sender(Error::PeerFull));
    }
    if sent.send_len > 0 {
        user_memory::copy_between(hart, (from, sent.bytes), (to, got.buffer), sent.send_len).map_err(
            |side| match side {
                Side::From(error) => Undelivered::Sender(error),
                Side::To(error) => Undelivered::Receiver(error),
            },
        )?;
    }
    // Nothing below can fail.
    let moved = sent.moved.map_or(Handle::NONE, |handle| move_handle(hart, from, to, handle));
    let reply = match kind {
        Kind::Answer => Handle::NONE,
        Kind::Call(call) => {
            hart.lend(from, call, to);
            insert_reply(hart, to, from.share(), call)
        }
    };
    let (words, sender, stamp) = (from.registers().words(), from.id(), from.stamp());
    let registers = to.registers_mut();
    registers.set_words(words);
    registers.set(Reg::T0, 0);
    registers.set(Reg::T1, reply.to_wire());
    registers.set(Reg::T2, Received::new(sent.send_len, moved).0);
    match kind {
        Kind::Call(_) => {
            registers.set(Reg::T3, sender.to_wire());
            registers.set(Reg::T4, stamp.0);
            fast::tell_moment(hart, to, time::now());
        }
        Kind::Answer => {
            registers.set(Reg::T3, 0);
            registers.set(Reg::T4, 0);
        }
    }
    Ok(())
}

/// Moves a handle whose move was checked, into a table with room for it.
fn move_handle(hart: &mut Hart, from: &mut OwnedTask, to: &mut OwnedTask, handle: Handle) -> Handle {
    let Ok((object, rights)) = from.own_mut().handles.remove(handle) else { return Handle::NONE };
    match to.own_mut().handles.insert(object, rights) {
        Ok(handle) => handle,
        Err((_, object)) => {
            hart.release(object, rights);
            Handle::NONE
        }
    }
}

/// Makes the handle through which `caller`'s call can be answered.
fn insert_reply(hart: &mut Hart, to: &mut OwnedTask, caller: Ref<Task>, call: CallNumber) -> Handle {
    match to.own_mut().handles.insert(Object::Reply { call, caller }, Rights::MOVE) {
        Ok(handle) => handle,
        Err((_, object)) => {
            hart.release(object, Rights::MOVE);
            Handle::NONE
        }
    }
}
