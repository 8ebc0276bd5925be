//! The other side of a measurement. Its argument text is its [`Role`]; its handles are in the slots from
//! [`EXTRA_SLOT`] on. It ends when whoever measures kills it, or when its endpoint dies.

#![no_std]
#![no_main]

extern crate alloc;

mod sleeper;
mod waker;

use bench::{Role, SHARED_PAGES};
use nexus_abi::user::{self, Incoming, Message, Outgoing, Words};
use nexus_abi::{Error, Handle, MESSAGE_BYTES_MAX, Nanos, QosClass, Rights, TaskId};
use nexus_rt::startup::{EXTRA, EXTRA_SLOT};

nexus_rt::entry!(main);

const SECOND: Handle = Handle::startup(EXTRA_SLOT + 1);

fn main(args: &'static str) -> i32 {
    let ended = match Role::named(args) {
        Some(Role::Echo) => echo(),
        Some(Role::Bytes) => echo_bytes(),
        Some(Role::Share) => serve(map_and_touch),
        Some(Role::Client) => client(),
        Some(Role::Spin) => spin(),
        Some(Role::IdleEcho) => user::set_qos(TaskId::NONE, QosClass::Idle).and_then(|()| echo()),
        Some(Role::Waker) => waker::run(),
        Some(Role::Sleeper) => sleeper::run(),
        Some(Role::Pong) => pong(),
        Some(Role::Yield) => yield_for_ever(),
        Some(Role::Sleep) => loop {
            user::sleep_until(Nanos::NEVER);
        },
        None => Err(Error::Invalid),
    };
    match ended {
        // The endpoint is gone: nobody measures any more.
        Ok(()) | Err(Error::Dead) => 0,
        Err(_) => 1,
    }
}

/// Waits at the gate first, so that many can be made before they compete with whoever makes them.
fn yield_for_ever() -> Result<(), Error> {
    user::wait(EXTRA, Nanos::NEVER)?;
    loop {
        user::yield_now();
    }
}

/// Words in, the same words out, in registers.
fn echo() -> Result<(), Error> {
    Err(user::serve_words(EXTRA, |words, _, _| words))
}

/// Words and bytes in, the same words and bytes out. Two buffers, because one cannot be sent from while the
/// next message is written to it.
fn echo_bytes() -> Result<(), Error> {
    let (mut this, mut next) = ([0; MESSAGE_BYTES_MAX], [0; MESSAGE_BYTES_MAX]);
    let (mut this, mut next) = (&mut this, &mut next);
    let mut incoming = user::receive(EXTRA, this, Nanos::NEVER)?;
    loop {
        incoming = match incoming {
            Incoming::Bits(_) => user::receive(EXTRA, this, Nanos::NEVER)?,
            Incoming::Message(Message { words, len, reply, .. }) => {
                let bytes = this.get(..len).ok_or(Error::Invalid)?;
                let out = Outgoing { words, bytes, handle: None };
                let incoming = user::reply_receive_with(EXTRA, reply, out, next, Nanos::NEVER)?;
                core::mem::swap(&mut this, &mut next);
                incoming
            }
        };
    }
}

/// Runs without end. Mostly no jumps, which an emulator takes longer for.
#[expect(unsafe_code, reason = "the loop is made of instructions")]
fn spin() -> ! {
    // SAFETY: does nothing.
    unsafe { core::arch::asm!("1:", ".rept 255", "nop", ".endr", "j 1b", options(noreturn, nomem, nostack)) }
}

fn pong() -> Result<(), Error> {
    loop {
        user::wait(EXTRA, Nanos::NEVER)?;
        user::notify(SECOND, 1)?;
    }
}

/// Answers each message with what `work` makes of it.
fn serve(mut work: impl FnMut(&Message) -> Result<(), Error>) -> Result<(), Error> {
    let mut incoming = user::receive(EXTRA, &mut [], Nanos::NEVER)?;
    loop {
        incoming = match incoming {
            Incoming::Bits(_) => user::receive(EXTRA, &mut [], Nanos::NEVER)?,
            Incoming::Message(message) => {
                let status = work(&message).err().map_or(0, Error::to_wire);
                let words: Words = [status, 0, 0, 0, 0, 0, 0, 0];
                let out = Outgoing { words, ..Outgoing::default() };
                user::reply_receive_with(EXTRA, message.reply, out, &mut [], Nanos::NEVER)?
            }
        };
    }
}

#[expect(unsafe_code, reason = "reads memory it has just mapped")]
fn map_and_touch(message: &Message) -> Result<(), Error> {
    let vmo = message.handle.ok_or(Error::Invalid)?;
    let at = user::vmo_map(vmo, 0, SHARED_PAGES, Rights::READ, 0)?;
    // SAFETY: the mapping is readable and stays until the next line but one; nothing refers to it then.
    unsafe {
        core::ptr::read_volatile(at as *const u8);
        user::vm_unmap(at)?;
    }
    user::handle_close(vmo)
}

/// Calls its second endpoint, or the one that came with a message, as often as the message says.
fn client() -> Result<(), Error> {
    let mut server = SECOND;
    serve(|message| {
        server = message.handle.unwrap_or(server);
        for _ in 0..message.words[0] {
            user::call(server, [1, 2, 3, 4, 0, 0, 0, 0])?;
        }
        Ok(())
    })
}
