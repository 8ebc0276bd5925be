//! The other side of the device tests: does what it is told, one instruction a message.
//!
//! Spawned by `selftest-client` with an endpoint to receive from in the third startup slot. With the
//! argument `fast` it is an echo server without buffers instead, the shape that the kernel's fast path serves,
//! with `crash` it fails at once.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]

extern crate alloc;

mod timers;
mod timing;

use alloc::vec::Vec;

use nexus_abi::user::{self, Incoming, Message, Outgoing, Words};
use nexus_abi::{
    Call, Error, Handle, MESSAGE_BYTES_MAX, Nanos, PAGE_SIZE, Rights, SchedField, SpawnArgs, TaskId,
};
use nexus_rt::startup::EXTRA;
use selftest_client::raw::{self, Window};
use selftest_client::script::{Make, Misdeed, Op};

nexus_rt::entry!(main);

const SLOTS: usize = 8;
/// Where the receive buffer begins in its page: every longer message crosses a page border.
const BUFFER_SKEW: usize = PAGE_SIZE - 100;
/// The endpoint is gone: the test is over.
const EXIT_ENDPOINT_DEAD: i32 = 3;
/// It was told to fail at once.
const EXIT_CRASHED: i32 = 9;

fn main(args: &'static str) -> i32 {
    match args {
        "fast" => serve_fast(),
        "crash" => EXIT_CRASHED,
        _ => serve(),
    }
}

/// Answers eight words with the same words.
fn serve_fast() -> i32 {
    let mut next = user::receive(EXTRA, &mut [], Nanos::NEVER);
    loop {
        match next {
            Ok(Incoming::Message(message)) => {
                next = user::reply_receive(EXTRA, message.reply, message.words);
            }
            Ok(Incoming::Bits(_)) => next = user::receive(EXTRA, &mut [], Nanos::NEVER),
            Err(_) => return EXIT_ENDPOINT_DEAD,
        }
    }
}

fn serve() -> i32 {
    let mut room = [0; 3 * PAGE_SIZE];
    let skip = BUFFER_SKEW.wrapping_sub(room.as_ptr().addr()) % PAGE_SIZE;
    let buffer = &mut room[skip..skip + MESSAGE_BYTES_MAX];
    let mut state = State::new();
    loop {
        match user::receive(EXTRA, buffer, Nanos::NEVER) {
            Ok(Incoming::Message(message)) => {
                let bytes = buffer.get(..message.len).unwrap_or(&[]);
                if let Some(later) = state.now(&message, bytes) {
                    state.last = state.later(later);
                }
            }
            Ok(Incoming::Bits(_)) => {}
            Err(_) => return EXIT_ENDPOINT_DEAD,
        }
    }
}

/// What is done after it was answered.
struct Later {
    op: Op,
    words: Words,
}

struct State {
    slots: [Option<Handle>; SLOTS],
    window: Option<Window>,
    last: (u64, u64, u64),
}

type Values = Result<(u64, u64), Error>;

impl State {
    fn new() -> Self {
        Self { slots: [None; SLOTS], window: None, last: (0, 0, 0) }
    }

    fn slot(&self, at: u64) -> Handle {
        self.slots.get(at as usize).copied().flatten().unwrap_or(Handle::NONE)
    }

    fn put(&mut self, at: u64, handle: Handle) {
        if let Some(slot) = self.slots.get_mut(at as usize) {
            *slot = Some(handle);
        }
    }

    fn now(&mut self, message: &Message, bytes: &[u8]) -> Option<Later> {
        let words = message.words;
        let Some(op) = Op::from_wire(words[0]) else {
            answer(message.reply, Err(Error::Invalid));
            return None;
        };
        if op == Op::Echo {
            let out = Outgoing { words, bytes, handle: message.handle };
            if user::reply(message.reply, out).is_err() {
                let _gone = user::handle_close(message.reply);
            }
            return None;
        }
        if let Some(handle) = message.handle {
            self.put(words[7], handle);
        }
        match op {
            Op::Stash => self.put(words[1], message.reply),
            Op::Make => self.make(message.reply, words),
            Op::Last => {
                let (status, a, b) = self.last;
                let _caller_gone = user::reply(message.reply, out([status, a, b]));
            }
            Op::Call
            | Op::Wait
            | Op::Receive
            | Op::Sleep
            | Op::Spin
            | Op::Start
            | Op::Exit
            | Op::Misbehave
            | Op::Watch
            | Op::Float
            | Op::Gaps
            | Op::Serve
            | Op::Clocked
            | Op::Doze
            | Op::Churn => {
                answer(message.reply, Ok((0, 0)));
                return Some(Later { op, words });
            }
            _ => answer(message.reply, self.simple(op, words)),
        }
        None
    }

    fn make(&mut self, reply: Handle, words: Words) {
        let made = match words[1] {
            kind if kind == Make::Endpoint as u64 => user::endpoint_create(),
            kind if kind == Make::Notification as u64 => user::notification_create(),
            _ => filled_vmo(words[2] as usize),
        };
        match made {
            Ok(handle) => {
                let out = Outgoing { handle: Some(handle), ..out([0, 0, 0]) };
                if user::reply(reply, out).is_err() {
                    let _gone = user::handle_close(handle);
                }
            }
            Err(error) => answer(reply, Err(error)),
        }
    }

    fn simple(&mut self, op: Op, words: Words) -> Values {
        let [_, a1, a2, a3, ..] = words;
        let window = self.window.as_ref();
        match op {
            Op::Map => {
                if let Some(old) = self.window.take() {
                    old.unmap()?;
                }
                let access = Rights::from_wire(a3).ok_or(Error::Invalid)?;
                let window = Window::map(self.slot(a2), 0, a1 as usize, access)?;
                let address = window.address();
                self.window = Some(window);
                Ok((address as u64, 0))
            }
            Op::Peek => Ok((window.ok_or(Error::NotFound)?.read(a1 as usize), 0)),
            Op::Poke => {
                window.ok_or(Error::NotFound)?.write(a1 as usize, a2);
                Ok((0, 0))
            }
            Op::Qos => {
                let (status, class, _) = raw::call_raw(Call::TaskQos.to_wire(), [a1, a2, a3, 0, 0]);
                if status == 0 { Ok((class, 0)) } else { Err(Error::from_wire(status)) }
            }
            Op::Sched => user::sched_get(TaskId::NONE, SchedField::from_wire(a1).ok_or(Error::Invalid)?),
            Op::Clock => Ok((user::clock_now().0, 0)),
            Op::Close => user::handle_close(self.slot(a1)).map(|()| (0, 0)),
            Op::SetTimer => timers::set(Nanos(a1)),
            Op::CancelTimer => timers::cancel(a1),
            Op::Notify => user::notify(self.slot(a1), a2).map(|()| (0, 0)),
            Op::Answer => user::reply(self.slot(a1), out([a2, 0, 0])).map(|()| (0, 0)),
            Op::FillHandles => {
                let slot = self.slot(a1);
                Ok(fill(|| user::handle_copy(slot, Rights::CALL)))
            }
            Op::FillObjects => Ok(fill(user::notification_create)),
            Op::Heap => heap(a1 as usize),
            Op::Execute => {
                raw::execute(window.ok_or(Error::NotFound)?);
                Ok((0, 0))
            }
            Op::Touch => {
                let window = own(a1 as usize)?;
                (0..a1 as usize).for_each(|page| window.write(page * PAGE_SIZE, 1));
                self.window = Some(window);
                Ok((0, 0))
            }
            Op::Own => {
                self.window = Some(own(a1 as usize)?);
                Ok((0, 0))
            }
            _ => Ok((0, 0)),
        }
    }

    fn later(&mut self, Later { op, words }: Later) -> (u64, u64, u64) {
        let [_, a1, a2, a3, a4, ..] = words;
        let result = match op {
            Op::Call => self.call(a1, a2, a3 as usize, Nanos(a4)),
            Op::Wait => user::wait(self.slot(a1), Nanos(a2)).map(|bits| (bits, 0)),
            Op::Receive => match user::receive(self.slot(a1), &mut [], Nanos(a2)) {
                Ok(Incoming::Message(message)) => {
                    self.put(a3, message.reply);
                    Ok((message.words[0], 0))
                }
                Ok(Incoming::Bits(bits)) => Ok((bits, 1)),
                Err(error) => Err(error),
            },
            Op::Sleep => {
                user::sleep_until(Nanos(a1));
                Ok((user::clock_now().0, 0))
            }
            Op::Spin => spin(a1, Nanos(a2)),
            Op::Start => match user::wait(self.slot(a3), Nanos::NEVER) {
                Ok(_) => spin(a1, Nanos(a2)),
                Err(error) => Err(error),
            },
            Op::Exit => user::task_exit(a1 as i32),
            Op::Misbehave => match Misdeed::from_wire(a1) {
                Some(misdeed) => raw::misbehave(misdeed, SpawnArgs::STACK_PAGES as usize),
                None => Err(Error::Invalid),
            },
            Op::Watch => Ok(self.watch(a1 as usize, a2, Nanos(a3), Nanos(a4))),
            Op::Gaps => Ok(timing::gaps(Nanos(a1), Nanos(a2))),
            Op::Serve => timing::serve(self.slot(a1), a2, (a3 != 0).then(|| self.slot(a3)), a4),
            Op::Clocked => Ok(timing::clocked(self.slot(a1), Nanos(a2), Nanos(a3))),
            Op::Doze => Ok((timers::doze(Nanos(a1)), 0)),
            Op::Churn => timers::churn(a1, a2),
            Op::Float => Ok(((0..a2).map(|turn| raw::float_round(a1 + turn, a3)).sum(), 0)),
            _ => Ok((0, 0)),
        };
        match result {
            Ok((a, b)) => (0, a, b),
            Err(error) => (error.to_wire(), 0, 0),
        }
    }

    fn call(&mut self, slot: u64, value: u64, bytes: usize, deadline: Nanos) -> Values {
        let pattern: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
        let words = [value, 0, 0, 0, 0, 0, 0, !value];
        let out = Outgoing { words, bytes: &pattern, handle: None };
        let mut room = [0; 64];
        user::call_with(self.slot(slot), out, &mut room, deadline)
            .map(|answer| (answer.words[0], answer.len as u64))
    }

    fn watch(&self, at: usize, old: u64, until: Nanos, pause: Nanos) -> (u64, u64) {
        let Some(window) = &self.window else { return (0, 0) };
        let mut turns = 0;
        loop {
            let value = window.read(at);
            if value != old || user::clock_now() >= until {
                return (value, turns);
            }
            turns += 1;
            // POLL: it watches memory.
            if pause != Nanos(0) {
                rest(pause);
            }
        }
    }
}

const READ_WRITE: Rights = Rights::READ.union(Rights::WRITE);

/// A mapping of a new VMO, untouched.
fn own(pages: usize) -> Result<Window, Error> {
    Window::map(user::vmo_create(pages)?, 0, pages, READ_WRITE)
}

fn filled_vmo(pages: usize) -> Result<Handle, Error> {
    let vmo = user::vmo_create(pages)?;
    let window = Window::map(vmo, 0, pages, READ_WRITE)?;
    (0..pages).for_each(|page| window.write(page * PAGE_SIZE, 7));
    window.unmap()?;
    Ok(vmo)
}

/// Runs without end, with a pause after every `turns` turns if that is not 0.
fn spin(turns: u64, pause: Nanos) -> ! {
    if turns == 0 {
        raw::spin();
    }
    loop {
        raw::work(turns);
        rest(pause);
    }
}

fn rest(span: Nanos) {
    user::sleep_until(user::clock_now().after(span));
}

/// Makes handles until it fails, closes them again: how many, and the error.
fn fill(mut make: impl FnMut() -> Result<Handle, Error>) -> (u64, u64) {
    let mut made = Vec::with_capacity(nexus_abi::HANDLES_MAX);
    let error = loop {
        match make() {
            Ok(handle) => made.push(handle),
            Err(error) => break error,
        }
    };
    let count = made.len() as u64;
    for handle in made {
        let _closed = user::handle_close(handle);
    }
    (count, error.to_wire())
}

/// Own pages at most and after, beyond those before.
fn heap(pages: usize) -> Values {
    let before = user::own_info()?.pages;
    let mut block: Vec<u8> = Vec::new();
    block.try_reserve_exact(pages * PAGE_SIZE).map_err(|_| Error::NoMemory)?;
    block.resize(pages * PAGE_SIZE, 1);
    let most = user::own_info()?.pages;
    drop(core::hint::black_box(block));
    let after = user::own_info()?.pages;
    Ok((most.saturating_sub(before), after.saturating_sub(before)))
}

fn answer(reply: Handle, values: Values) {
    let words = match values {
        Ok((a, b)) => [0, a, b],
        Err(error) => [error.to_wire(), 0, 0],
    };
    // A caller that is gone needs no answer.
    let _caller_gone = user::reply(reply, out(words));
}

fn out(first: [u64; 3]) -> Outgoing<'static> {
    let mut words = [0; 8];
    words[..3].copy_from_slice(&first);
    Outgoing { words, bytes: &[], handle: None }
}
