//! The system calls as typed functions, for tasks on the device.
//!
//! Two shapes of `ecall` serve all of them: [`plain`] (arguments in `a` registers) and the message calls,
//! which keep the eight words in registers both ways. A call clobbers `ra`, `t` and `a` registers, a
//! message call also `s2`–`s11`: the compiler keeps just what it needs, and the kernel saves little.
#![expect(unsafe_code, reason = "`ecall` is an instruction")]

use core::arch::asm;

use crate::info::{BootFileInfo, ConsoleInfo, HartInfo, InfoKind, MachineInfo, TaskInfo, TraceEvent};
use crate::ipc::{Received, Shape, Stamp};
use crate::{Call, Error, ExitCode, Handle, MESSAGE_WORDS, Nanos, QosClass, Rights, SpawnArgs, TaskId, call};

/// The words of a message.
pub type Words = [u64; MESSAGE_WORDS];

/// What a caller sends, or a server answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outgoing<'a> {
    /// Eight words in registers.
    pub words: Words,
    /// Bytes the kernel copies.
    pub bytes: &'a [u8],
    /// A handle that moves along.
    pub handle: Option<Handle>,
}

/// An answer to a call.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Eight words in registers.
    pub words: Words,
    /// Bytes written to the caller's buffer.
    pub len: usize,
    /// A handle that came along.
    pub handle: Option<Handle>,
}

/// What a server received.
#[derive(Clone, Copy, Debug)]
pub enum Incoming {
    /// Bits were set.
    Bits(u64),
    /// A message came.
    Message(Message),
}

/// A message, with what the kernel vouches for about its sender.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Eight words in registers.
    pub words: Words,
    /// Bytes written to the receive buffer.
    pub len: usize,
    /// A handle that came along.
    pub handle: Option<Handle>,
    /// Answers the sender, once.
    pub reply: Handle,
    /// Who sent it.
    pub sender: TaskId,
    /// The sender's service and class.
    pub stamp: Stamp,
}

/// The caller's own task id. O(1); the null call.
#[inline(always)]
pub fn task_self() -> TaskId {
    TaskId::from_wire(plain(Call::TaskSelf, [0; 5]).1)
}

/// Monotonic time since boot.
pub fn clock_now() -> Nanos {
    Nanos(plain(Call::ClockNow, [0; 5]).1)
}

/// Sends eight words and waits for eight: the fast path.
#[inline(always)]
pub fn call(endpoint: Handle, words: Words) -> Result<Words, Error> {
    let raw = message(Call::Call, words, [endpoint.to_wire(), 0, 0, 0, Nanos::NEVER.0]);
    raw.status().map(|()| raw.words)
}

/// Sends a message and waits for its answer until `deadline`.
pub fn call_with(
    endpoint: Handle,
    out: Outgoing<'_>,
    buffer: &mut [u8],
    deadline: Nanos,
) -> Result<Answer, Error> {
    let shape = shape(&out, buffer.len())?;
    let raw = message(
        Call::Call,
        out.words,
        [endpoint.to_wire(), shape, address(out.bytes), buffer.as_mut_ptr() as u64, deadline.0],
    );
    raw.status()?;
    let received = Received(raw.t2);
    Ok(Answer { words: raw.words, len: received.len(), handle: received.handle() })
}

/// Waits for a message or bits until `deadline`.
pub fn receive(endpoint: Handle, buffer: &mut [u8], deadline: Nanos) -> Result<Incoming, Error> {
    let shape = shape(&Outgoing::default(), buffer.len())?;
    let raw = message(
        Call::Receive,
        [0; MESSAGE_WORDS],
        [endpoint.to_wire(), shape, 0, buffer.as_mut_ptr() as u64, deadline.0],
    );
    raw.incoming()
}

/// Answers a caller.
pub fn reply(reply: Handle, out: Outgoing<'_>) -> Result<(), Error> {
    let shape = shape(&out, 0)?;
    message(Call::Reply, out.words, [reply.to_wire() << 32, shape, address(out.bytes), 0, 0]).status()
}

/// Answers with eight words and waits for the next eight: the server's fast path.
#[inline(always)]
pub fn reply_receive(endpoint: Handle, reply: Handle, words: Words) -> Result<Incoming, Error> {
    let both = reply.to_wire() << 32 | endpoint.to_wire();
    message(Call::ReplyReceive, words, [both, 0, 0, 0, Nanos::NEVER.0]).incoming()
}

/// Answers a caller and waits for the next message or bits until `deadline`.
pub fn reply_receive_with(
    endpoint: Handle,
    reply: Handle,
    out: Outgoing<'_>,
    buffer: &mut [u8],
    deadline: Nanos,
) -> Result<Incoming, Error> {
    let both = reply.to_wire() << 32 | endpoint.to_wire();
    let shape = shape(&out, buffer.len())?;
    message(
        Call::ReplyReceive,
        out.words,
        [both, shape, address(out.bytes), buffer.as_mut_ptr() as u64, deadline.0],
    )
    .incoming()
}

/// Sets bits at a notification or endpoint.
#[inline(always)]
pub fn notify(target: Handle, bits: u64) -> Result<(), Error> {
    status(plain(Call::Notify, [target.to_wire(), bits, 0, 0, 0])).map(drop)
}

/// Waits for bits at a notification until `deadline`.
#[inline(always)]
pub fn wait(notification: Handle, deadline: Nanos) -> Result<u64, Error> {
    status(plain(Call::Wait, [notification.to_wire(), deadline.0, 0, 0, 0])).map(|(bits, _)| bits)
}

/// Sleeps until `moment`.
pub fn sleep_until(moment: Nanos) {
    // A wait without a notification ends by its deadline and in no other way.
    let _timed_out = wait(Handle::NONE, moment);
}

/// Lets other tasks of the same class run first.
#[inline(always)]
pub fn yield_now() {
    plain(Call::Yield, [0; 5]);
}

/// Duplicates a handle with `rights`.
pub fn handle_copy(handle: Handle, rights: Rights) -> Result<Handle, Error> {
    new_handle(plain(Call::HandleCopy, [handle.to_wire(), rights.to_wire(), 0, 0, 0]))
}

/// Gives up a handle.
pub fn handle_close(handle: Handle) -> Result<(), Error> {
    status(plain(Call::HandleClose, [handle.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// Makes an endpoint.
pub fn endpoint_create() -> Result<Handle, Error> {
    new_handle(plain(Call::EndpointCreate, [0; 5]))
}

/// Makes a notification.
pub fn notification_create() -> Result<Handle, Error> {
    new_handle(plain(Call::NotificationCreate, [0; 5]))
}

/// Makes a VMO of `pages` zeroed pages.
pub fn vmo_create(pages: usize) -> Result<Handle, Error> {
    new_handle(plain(Call::VmoCreate, [pages as u64, 0, 0, 0, 0]))
}

/// Maps `pages` pages of a VMO or device memory from page `first` on; `at` = 0 lets the kernel choose.
///
/// The range is not Rust memory until the caller makes it so: dereferencing it is the unsafe step.
pub fn vmo_map(
    object: Handle,
    first: usize,
    pages: usize,
    access: Rights,
    at: usize,
) -> Result<usize, Error> {
    let args = [object.to_wire(), first as u64, pages as u64, access.to_wire(), at as u64];
    status(plain(Call::VmoMap, args)).map(|(address, _)| address as usize)
}

/// Undoes the mapping that begins at `address`.
///
/// # Safety
///
/// Nothing may use the mapped memory afterwards.
pub unsafe fn vm_unmap(address: usize) -> Result<(), Error> {
    status(plain(Call::VmUnmap, [address as u64, 0, 0, 0, 0])).map(drop)
}

/// Takes a VMO's pages back from everybody.
pub fn vmo_revoke(vmo: Handle) -> Result<(), Error> {
    status(plain(Call::VmoRevoke, [vmo.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// Reads one's own class.
pub fn qos() -> Result<QosClass, Error> {
    let (class, _) = status(plain(Call::TaskQos, [call::QOS_GET, 0, 0, 0, 0]))?;
    QosClass::from_wire(class).ok_or(Error::Invalid)
}

/// Sets a task's class; [`TaskId::NONE`] is oneself.
pub fn set_qos(target: TaskId, class: QosClass) -> Result<(), Error> {
    status(plain(Call::TaskQos, [call::QOS_SET, target.to_wire(), class.to_wire(), 0, 0])).map(drop)
}

/// Starts a task from the boot image.
pub fn task_spawn(system: Handle, args: &SpawnArgs) -> Result<(Handle, TaskId), Error> {
    let pointer = core::ptr::from_ref(args) as u64;
    let (task, id) = status(plain(Call::TaskSpawn, [system.to_wire(), pointer, 0, 0, 0]))?;
    Ok((Handle::from_wire(task), TaskId::from_wire(id)))
}

/// Ends the calling task.
pub fn task_exit(code: i32) -> ! {
    plain(Call::TaskExit, [code as u32 as u64, 0, 0, 0, 0]);
    // The kernel does not return here; if it did, this would be a fault, not a continuation.
    loop {
        // SAFETY: `unimp` traps and ends the task.
        unsafe { asm!("unimp") }
    }
}

/// Ends another task.
pub fn task_kill(task: Handle) -> Result<(), Error> {
    status(plain(Call::TaskKill, [task.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// How a task is, or how it ended.
pub fn task_status(task: Handle) -> Result<TaskInfo, Error> {
    let mut record = TaskInfo::default();
    let pointer = core::ptr::from_mut(&mut record) as u64;
    status(plain(Call::TaskStatus, [task.to_wire(), pointer, 0, 0, 0]))?;
    Ok(record)
}

/// Takes over a task whose death is reported at `supervisor`: a handle, and the bits its death will set.
pub fn task_adopt(supervisor: Handle, task: TaskId) -> Result<(Handle, u64), Error> {
    let (handle, bits) = status(plain(Call::TaskAdopt, [supervisor.to_wire(), task.to_wire(), 0, 0, 0]))?;
    Ok((Handle::from_wire(handle), bits))
}

/// Delivers an interrupt line as bits.
pub fn irq_bind(system: Handle, line: u64, target: Handle, bits: u64) -> Result<Handle, Error> {
    new_handle(plain(Call::IrqBind, [system.to_wire(), line, target.to_wire(), bits, 0]))
}

/// Takes the next interrupt of a line.
pub fn irq_ack(interrupt: Handle) -> Result<(), Error> {
    status(plain(Call::IrqAck, [interrupt.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// Makes a handle to a device's registers.
pub fn device_map(system: Handle, physical: u64, pages: usize) -> Result<Handle, Error> {
    new_handle(plain(Call::DeviceMap, [system.to_wire(), physical, pages as u64, 0, 0]))
}

/// Writes text of at most [`crate::LOG_LINE_MAX`] bytes.
pub fn log_write(system: Handle, text: &[u8]) -> Result<(), Error> {
    let args = [system.to_wire(), address(text), text.len() as u64, 0, 0];
    status(plain(Call::LogWrite, args)).map(drop)
}

/// Reads the log from `position` on: bytes read and the position after them.
pub fn log_read(system: Handle, position: u64, buffer: &mut [u8]) -> Result<(usize, u64), Error> {
    let args = [system.to_wire(), position, buffer.as_mut_ptr() as u64, buffer.len() as u64, 0];
    status(plain(Call::LogRead, args)).map(|(len, next)| (len as usize, next))
}

/// The machine as a whole.
pub fn machine_info(system: Handle) -> Result<MachineInfo, Error> {
    info(system, InfoKind::Machine, 0)
}

/// One hart.
pub fn hart_info(system: Handle, hart: usize) -> Result<HartInfo, Error> {
    info(system, InfoKind::Hart, hart as u64)
}

/// The first task whose slot is at or after `slot`.
pub fn task_info_from(system: Handle, slot: u32) -> Result<TaskInfo, Error> {
    info(system, InfoKind::Task, u64::from(slot))
}

/// The caller's own record.
pub fn own_info() -> Result<TaskInfo, Error> {
    info(Handle::NONE, InfoKind::Own, 0)
}

/// Where the console is.
pub fn console_info(system: Handle) -> Result<ConsoleInfo, Error> {
    info(system, InfoKind::Console, 0)
}

/// The kernel command line, cut to the buffer: its length.
pub fn command_line(system: Handle, buffer: &mut [u8]) -> Result<usize, Error> {
    let args =
        [system.to_wire(), InfoKind::CommandLine as u64, 0, buffer.as_mut_ptr() as u64, buffer.len() as u64];
    status(plain(Call::Info, args)).map(|(len, _)| len as usize)
}

/// Finds a file of the boot image: what it is, and a VMO of its pages.
pub fn boot_file(system: Handle, name: &str) -> Result<(BootFileInfo, Handle), Error> {
    let args = [system.to_wire(), name.as_ptr() as u64, name.len() as u64, 0, 0];
    let (packed, vmo) = status(plain(Call::BootFile, args))?;
    Ok((BootFileInfo { index: packed & 0xffff_ffff, len: packed >> 32 }, Handle::from_wire(vmo)))
}

/// Switches tracing.
pub fn trace_control(system: Handle, state: TraceState) -> Result<(), Error> {
    status(plain(Call::TraceControl, [system.to_wire(), state as u64, 0, 0, 0])).map(drop)
}

/// Whether tracing is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub enum TraceState {
    /// No events are recorded.
    Off = 0,
    /// Events are recorded.
    On = 1,
}

/// Reads a hart's trace: events read and the position after them.
pub fn trace_read(
    system: Handle,
    hart: usize,
    position: u64,
    events: &mut [TraceEvent],
) -> Result<(usize, u64), Error> {
    let args = [system.to_wire(), hart as u64, position, events.as_mut_ptr() as u64, events.len() as u64];
    status(plain(Call::TraceRead, args)).map(|(count, next)| (count as usize, next))
}

/// Ends the machine; returns only when refused.
pub fn machine_exit(system: Handle, code: ExitCode) -> Error {
    match status(plain(Call::MachineExit, [system.to_wire(), code as u64, 0, 0, 0])) {
        Err(refused) => refused,
        Ok(_) => Error::Invalid,
    }
}

/// Any call at all, for tests that misuse the ABI on purpose: status, `a0`, `a1`.
///
/// # Safety
///
/// The kernel may write to whatever memory of the task the arguments name.
pub unsafe fn arbitrary(number: u64, a: [u64; MESSAGE_WORDS], t: [u64; 5]) -> (u64, u64, u64) {
    let raw = ecall(number, a, t);
    (raw.t0, raw.words[0], raw.words[1])
}

fn info<T: Default>(system: Handle, kind: InfoKind, index: u64) -> Result<T, Error> {
    let mut record = T::default();
    let pointer = core::ptr::from_mut(&mut record) as u64;
    let args = [system.to_wire(), kind as u64, index, pointer, size_of::<T>() as u64];
    status(plain(Call::Info, args))?;
    Ok(record)
}

fn shape(out: &Outgoing<'_>, room: usize) -> Result<u64, Error> {
    let handle = out.handle.unwrap_or(Handle::NONE);
    Shape::new(out.bytes.len(), room, handle).map(|shape| shape.0).ok_or(Error::Invalid)
}

fn address(bytes: &[u8]) -> u64 {
    bytes.as_ptr() as u64
}

fn status((status, a0, a1): (u64, u64, u64)) -> Result<(u64, u64), Error> {
    if status == 0 { Ok((a0, a1)) } else { Err(Error::from_wire(status)) }
}

fn new_handle(raw: (u64, u64, u64)) -> Result<Handle, Error> {
    status(raw).map(|(handle, _)| Handle::from_wire(handle))
}

/// The registers after a message call.
struct Raw {
    words: Words,
    t0: u64,
    t1: u64,
    t2: u64,
    t3: u64,
    t4: u64,
}

impl Raw {
    #[inline(always)]
    fn status(&self) -> Result<(), Error> {
        if self.t0 == 0 { Ok(()) } else { Err(Error::from_wire(self.t0)) }
    }

    #[inline(always)]
    fn incoming(&self) -> Result<Incoming, Error> {
        self.status()?;
        if Stamp(self.t4).is_bits() {
            return Ok(Incoming::Bits(self.words[0]));
        }
        let received = Received(self.t2);
        Ok(Incoming::Message(Message {
            words: self.words,
            len: received.len(),
            handle: received.handle(),
            reply: Handle::from_wire(self.t1),
            sender: TaskId::from_wire(self.t3),
            stamp: Stamp(self.t4),
        }))
    }
}

#[inline(always)]
fn message(call: Call, words: Words, t: [u64; 5]) -> Raw {
    ecall(call.to_wire(), words, t)
}

#[inline(always)]
fn ecall(number: u64, words: Words, t: [u64; 5]) -> Raw {
    let mut raw = Raw { words, t0: number, t1: t[0], t2: t[1], t3: t[2], t4: t[3] };
    // SAFETY: the kernel writes only the registers named here, and only memory that the arguments name,
    // which the typed callers pass as live, writable buffers.
    unsafe {
        asm!(
            "ecall",
            inlateout("a0") raw.words[0],
            inlateout("a1") raw.words[1],
            inlateout("a2") raw.words[2],
            inlateout("a3") raw.words[3],
            inlateout("a4") raw.words[4],
            inlateout("a5") raw.words[5],
            inlateout("a6") raw.words[6],
            inlateout("a7") raw.words[7],
            inlateout("t0") raw.t0,
            inlateout("t1") raw.t1,
            inlateout("t2") raw.t2,
            inlateout("t3") raw.t3,
            inlateout("t4") raw.t4,
            inlateout("t5") t[4] => _,
            lateout("t6") _,
            lateout("ra") _,
            lateout("s2") _, lateout("s3") _, lateout("s4") _, lateout("s5") _, lateout("s6") _,
            lateout("s7") _, lateout("s8") _, lateout("s9") _, lateout("s10") _, lateout("s11") _,
        );
    }
    raw
}

#[inline(always)]
fn plain(call: Call, args: [u64; 5]) -> (u64, u64, u64) {
    let (status, a0, a1): (u64, u64, u64);
    // SAFETY: as in `ecall`.
    unsafe {
        asm!(
            "ecall",
            inlateout("t0") call.to_wire() => status,
            inlateout("a0") args[0] => a0,
            inlateout("a1") args[1] => a1,
            inlateout("a2") args[2] => _,
            inlateout("a3") args[3] => _,
            inlateout("a4") args[4] => _,
            lateout("a5") _, lateout("a6") _, lateout("a7") _,
            lateout("t1") _, lateout("t2") _, lateout("t3") _,
            lateout("t4") _, lateout("t5") _, lateout("t6") _,
            lateout("ra") _,
        );
    }
    (status, a0, a1)
}
