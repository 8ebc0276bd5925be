//! The system calls as typed functions, for tasks on the device. [`ecall`] makes them.
#![expect(unsafe_code, reason = "some calls take memory away from the caller")]

mod ecall;

use ecall::{Raw, answering_all, giving_way, message, plain, reading, receiving, words_only};

use crate::info::{
    BootFileInfo, ConsoleInfo, HartInfo, InfoKind, MachineInfo, Output, TaskInfo, TraceEvent, WallClockInfo,
};
use crate::ipc::{Received, Shape, Stamp};
use crate::{
    Call, Error, ExitCode, Handle, MESSAGE_WORDS, Nanos, QosClass, Rights, SchedField, SpawnArgs, TaskId,
    call,
};

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
    /// When it came, if the kernel told: see [`crate::call`]. Else [`Nanos::NEVER`].
    pub moment: Nanos,
}

/// The caller's own task id. O(1); the null call.
#[inline(always)]
pub fn task_self() -> TaskId {
    TaskId::from_wire(reading(Call::TaskSelf))
}

/// Monotonic time since boot.
#[inline(always)]
pub fn clock_now() -> Nanos {
    Nanos(reading(Call::ClockNow))
}

/// Sends eight words and waits for eight: the fast path.
#[inline(always)]
pub fn call(endpoint: Handle, words: Words) -> Result<Words, Error> {
    let raw = words_only(Call::Call, endpoint.to_wire(), words, Nanos::NEVER);
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

/// Waits for eight words or bits until `deadline`; bytes find no room.
#[inline(always)]
pub fn receive_words(endpoint: Handle, deadline: Nanos) -> Result<Incoming, Error> {
    receiving(endpoint.to_wire(), deadline).incoming()
}

/// Answers a caller.
pub fn reply(reply: Handle, out: Outgoing<'_>) -> Result<(), Error> {
    let shape = shape(&out, 0)?;
    message(Call::Reply, out.words, [reply.to_wire() << 32, shape, address(out.bytes), 0, 0]).status()
}

/// Answers with eight words.
#[inline(always)]
pub fn reply_words(reply: Handle, words: Words) -> Result<(), Error> {
    words_only(Call::Reply, reply.to_wire() << 32, words, Nanos::NEVER).status()
}

/// Answers several callers with the same two words: how many, from the first on. The next one, if there is one, needs
/// a second look: see [`reply`]. No more than eight at once.
pub fn reply_all(replies: impl Iterator<Item = Handle>, [first, second]: [u64; 2]) -> usize {
    let mut words = [0; MESSAGE_WORDS];
    words.iter_mut().zip(replies).for_each(|(word, reply)| *word = reply.to_wire());
    answering_all(words, first, second) as usize
}

/// Answers with eight words and waits for the next eight: the server's fast path.
#[inline(always)]
pub fn reply_receive(endpoint: Handle, reply: Handle, words: Words) -> Result<Incoming, Error> {
    reply_receive_until(endpoint, reply, words, Nanos::NEVER)
}

/// The same until `deadline`.
#[inline(always)]
pub fn reply_receive_until(
    endpoint: Handle,
    reply: Handle,
    words: Words,
    deadline: Nanos,
) -> Result<Incoming, Error> {
    let both = reply.to_wire() << 32 | endpoint.to_wire();
    words_only(Call::ReplyReceive, both, words, deadline).incoming()
}

/// Serves messages of eight words, which never leave the registers, until the endpoint dies: why it ended.
/// Bits, bytes and handles have no meaning here; a handle that came is closed.
#[inline(always)]
pub fn serve_words(endpoint: Handle, mut answer: impl FnMut(Words, TaskId, Stamp) -> Words) -> Error {
    let receive = || receiving(endpoint.to_wire(), Nanos::NEVER);
    let mut raw = receive();
    loop {
        if let Err(error) = raw.status() {
            return error;
        }
        if raw.t2 != 0 {
            close_unwanted(Received(raw.t2));
        }
        raw = if Stamp(raw.t4).is_bits() {
            receive()
        } else {
            let words = answer(raw.words, TaskId::from_wire(raw.t3), Stamp(raw.t4));
            words_only(Call::ReplyReceive, raw.t1 << 32 | endpoint.to_wire(), words, Nanos::NEVER)
        };
    }
}

#[cold]
fn close_unwanted(received: Received) {
    if let Some(handle) = received.handle() {
        // It was just received, so it is there to be closed.
        let _closed = handle_close(handle);
    }
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
    status(plain(Call::Notify as u64, [target.to_wire(), bits, 0, 0, 0])).map(drop)
}

/// Waits for bits at a notification until `deadline`.
#[inline(always)]
pub fn wait(notification: Handle, deadline: Nanos) -> Result<u64, Error> {
    status(giving_way(Call::Wait, notification.to_wire(), deadline.0)).map(|(bits, _)| bits)
}

/// Sleeps until `moment`.
pub fn sleep_until(moment: Nanos) {
    // A wait without a notification ends by its deadline and in no other way.
    let _timed_out = wait(Handle::NONE, moment);
}

/// Lets other tasks of the same class run first.
#[inline(always)]
pub fn yield_now() {
    giving_way(Call::Yield, 0, 0);
}

/// Duplicates a handle with `rights`.
pub fn handle_copy(handle: Handle, rights: Rights) -> Result<Handle, Error> {
    new_handle(plain(Call::HandleCopy as u64, [handle.to_wire(), rights.to_wire(), 0, 0, 0]))
}

/// Gives up a handle.
pub fn handle_close(handle: Handle) -> Result<(), Error> {
    status(plain(Call::HandleClose as u64, [handle.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// Makes an endpoint.
pub fn endpoint_create() -> Result<Handle, Error> {
    new_handle(plain(Call::EndpointCreate as u64, [0; 5]))
}

/// Makes a notification.
pub fn notification_create() -> Result<Handle, Error> {
    new_handle(plain(Call::NotificationCreate as u64, [0; 5]))
}

/// Makes a VMO of `pages` zeroed pages.
pub fn vmo_create(pages: usize) -> Result<Handle, Error> {
    new_handle(plain(Call::VmoCreate as u64, [pages as u64, 0, 0, 0, 0]))
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
    status(plain(Call::VmoMap as u64, args)).map(|(address, _)| address as usize)
}

/// Undoes the mapping that begins at `address`.
///
/// # Safety
///
/// Nothing may use the mapped memory afterwards.
pub unsafe fn vm_unmap(address: usize) -> Result<(), Error> {
    status(plain(Call::VmUnmap as u64, [address as u64, 0, 0, 0, 0])).map(drop)
}

/// Takes a VMO's pages back from everybody.
pub fn vmo_revoke(vmo: Handle) -> Result<(), Error> {
    status(plain(Call::VmoRevoke as u64, [vmo.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// Reads one's own class.
pub fn qos() -> Result<QosClass, Error> {
    let (class, _) = status(plain(Call::TaskQos as u64, [call::QOS_GET, 0, 0, 0, 0]))?;
    QosClass::from_wire(class).ok_or(Error::Invalid)
}

/// Sets a task's class; [`TaskId::NONE`] is oneself.
pub fn set_qos(target: TaskId, class: QosClass) -> Result<(), Error> {
    status(plain(Call::TaskQos as u64, [call::QOS_SET, target.to_wire(), class.to_wire(), 0, 0])).map(drop)
}

/// Changes how a task is scheduled: what was stored, and the affinity's policy. [`TaskId::NONE`] is oneself.
pub fn sched_set(target: TaskId, field: SchedField, value: u64, policy: u64) -> Result<(u64, u64), Error> {
    status(plain(Call::SchedSet as u64, [target.to_wire(), field.to_wire(), value, policy, 0]))
}

/// Reads how a task is scheduled: the value, and the affinity's policy.
pub fn sched_get(target: TaskId, field: SchedField) -> Result<(u64, u64), Error> {
    status(plain(Call::SchedGet as u64, [target.to_wire(), field.to_wire(), 0, 0, 0]))
}

/// Starts a task from the boot image.
pub fn task_spawn(system: Handle, args: &SpawnArgs) -> Result<(Handle, TaskId), Error> {
    let pointer = core::ptr::from_ref(args) as u64;
    let (task, id) = status(plain(Call::TaskSpawn as u64, [system.to_wire(), pointer, 0, 0, 0]))?;
    Ok((Handle::from_wire(task), TaskId::from_wire(id)))
}

/// Ends the calling task.
pub fn task_exit(code: i32) -> ! {
    plain(Call::TaskExit as u64, [code as u32 as u64, 0, 0, 0, 0]);
    // The kernel does not return here; if it did, this would be a fault, not a continuation.
    ecall::fault()
}

/// Ends another task.
pub fn task_kill(task: Handle) -> Result<(), Error> {
    status(plain(Call::TaskKill as u64, [task.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// How a task is, or how it ended.
pub fn task_status(task: Handle) -> Result<TaskInfo, Error> {
    let mut record = TaskInfo::default();
    let pointer = core::ptr::from_mut(&mut record) as u64;
    status(plain(Call::TaskStatus as u64, [task.to_wire(), pointer, 0, 0, 0]))?;
    Ok(record)
}

/// Takes over a task whose death is reported at `supervisor`: a handle, and the bits its death will set.
pub fn task_adopt(supervisor: Handle, task: TaskId) -> Result<(Handle, u64), Error> {
    let (handle, bits) =
        status(plain(Call::TaskAdopt as u64, [supervisor.to_wire(), task.to_wire(), 0, 0, 0]))?;
    Ok((Handle::from_wire(handle), bits))
}

/// Delivers an interrupt line as bits.
pub fn irq_bind(system: Handle, line: u64, target: Handle, bits: u64) -> Result<Handle, Error> {
    new_handle(plain(Call::IrqBind as u64, [system.to_wire(), line, target.to_wire(), bits, 0]))
}

/// Takes the next interrupt of a line.
pub fn irq_ack(interrupt: Handle) -> Result<(), Error> {
    status(plain(Call::IrqAck as u64, [interrupt.to_wire(), 0, 0, 0, 0])).map(drop)
}

/// Makes a handle to a device's registers.
pub fn device_map(system: Handle, physical: u64, pages: usize) -> Result<Handle, Error> {
    new_handle(plain(Call::DeviceMap as u64, [system.to_wire(), physical, pages as u64, 0, 0]))
}

/// Writes text of at most [`crate::LOG_LINE_MAX`] bytes.
pub fn log_write(system: Handle, text: &[u8], output: Output) -> Result<(), Error> {
    let args = [system.to_wire(), address(text), text.len() as u64, output as u64, 0];
    status(plain(Call::LogWrite as u64, args)).map(drop)
}

/// Reads the log from `position` on: bytes read and the position after them.
pub fn log_read(system: Handle, position: u64, buffer: &mut [u8]) -> Result<(usize, u64), Error> {
    let args = [system.to_wire(), position, buffer.as_mut_ptr() as u64, buffer.len() as u64, 0];
    status(plain(Call::LogRead as u64, args)).map(|(len, next)| (len as usize, next))
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

/// Where the wall clock is; [`Error::NotFound`] when the machine has none.
pub fn wall_clock_info(system: Handle) -> Result<WallClockInfo, Error> {
    info(system, InfoKind::WallClock, 0)
}

/// The kernel command line, cut to the buffer: its length.
pub fn command_line(system: Handle, buffer: &mut [u8]) -> Result<usize, Error> {
    let args =
        [system.to_wire(), InfoKind::CommandLine as u64, 0, buffer.as_mut_ptr() as u64, buffer.len() as u64];
    status(plain(Call::Info as u64, args)).map(|(len, _)| len as usize)
}

/// Finds a file of the boot image: what it is, and a VMO of its pages.
pub fn boot_file(system: Handle, name: &str) -> Result<(BootFileInfo, Handle), Error> {
    let args = [system.to_wire(), name.as_ptr() as u64, name.len() as u64, 0, 0];
    let (packed, vmo) = status(plain(Call::BootFile as u64, args))?;
    Ok((BootFileInfo { index: packed & 0xffff_ffff, len: packed >> 32 }, Handle::from_wire(vmo)))
}

/// Switches tracing.
pub fn trace_control(system: Handle, state: TraceState) -> Result<(), Error> {
    status(plain(Call::TraceControl as u64, [system.to_wire(), state as u64, 0, 0, 0])).map(drop)
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
    status(plain(Call::TraceRead as u64, args)).map(|(count, next)| (count as usize, next))
}

/// Ends the machine; returns only when refused.
pub fn machine_exit(system: Handle, code: ExitCode) -> Error {
    match status(plain(Call::MachineExit as u64, [system.to_wire(), code as u64, 0, 0, 0])) {
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
    match Call::from_wire(number) {
        Some(call @ (Call::Call | Call::ReplyReceive | Call::Receive | Call::Reply)) => {
            let raw = message(call, a, t);
            (raw.t0, raw.words[0], raw.words[1])
        }
        Some(call @ (Call::Yield | Call::Wait)) => giving_way(call, a[0], a[1]),
        _ => plain(number, [a[0], a[1], a[2], a[3], a[4]]),
    }
}

fn info<T: Default>(system: Handle, kind: InfoKind, index: u64) -> Result<T, Error> {
    let mut record = T::default();
    let pointer = core::ptr::from_mut(&mut record) as u64;
    let args = [system.to_wire(), kind as u64, index, pointer, size_of::<T>() as u64];
    status(plain(Call::Info as u64, args))?;
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
    if status == 0 { Ok((a0, a1)) } else { Err(error(status)) }
}

/// Kept out of the way of what goes well.
#[cold]
fn error(status: u64) -> Error {
    Error::from_wire(status)
}

fn new_handle(raw: (u64, u64, u64)) -> Result<Handle, Error> {
    status(raw).map(|(handle, _)| Handle::from_wire(handle))
}

impl Raw {
    #[inline(always)]
    fn status(&self) -> Result<(), Error> {
        if self.t0 == 0 { Ok(()) } else { Err(error(self.t0)) }
    }

    #[inline(always)]
    fn incoming(&self) -> Result<Incoming, Error> {
        self.status()?;
        if Stamp(self.t4).is_bits() {
            return Ok(Incoming::Bits(self.bits));
        }
        let received = Received(self.t2);
        Ok(Incoming::Message(Message {
            words: self.words,
            len: received.len(),
            handle: received.handle(),
            reply: Handle::from_wire(self.t1),
            sender: TaskId::from_wire(self.t3),
            stamp: Stamp(self.t4),
            moment: Nanos(self.t5),
        }))
    }
}
