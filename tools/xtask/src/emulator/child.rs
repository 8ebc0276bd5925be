//! The emulator's process, which never outlives us.
//!
//! Every started child is listed in [`RUNNING`] until it has been reaped. Dropping its owner kills it; Ctrl-C,
//! SIGTERM and SIGHUP kill all that are listed and end this process. Only children from this list are ever
//! signalled, so another emulator on the machine is safe. SIGKILL of this process cannot be caught.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long an emulator may take to give the terminal back before it is killed.
const GRACE: Duration = Duration::from_millis(500);

/// Interval at which a child that is to end is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Exit status after an interrupt, as shells have it.
const INTERRUPTED: i32 = 130;

static RUNNING: Mutex<Vec<Arc<Mutex<Child>>>> = Mutex::new(Vec::new());

/// How an emulator ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with the code the guest chose.
    Code(i32),
    /// By a signal that was not ours: it crashed or someone killed it.
    Signal,
}

/// Sole owner of a child process.
#[derive(Debug)]
pub struct OwnedChild(Arc<Mutex<Child>>);

impl OwnedChild {
    pub fn spawn(command: &mut Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {program}; `cargo xtask doctor` says what is missing"))?;
        let child = Arc::new(Mutex::new(child));
        lock(&RUNNING).push(Arc::clone(&child));
        Ok(Self(child))
    }

    /// Runs `take` on the child, for its pipes.
    pub fn with<T>(&self, take: impl FnOnce(&mut Child) -> T) -> T {
        take(&mut lock(&self.0))
    }

    pub fn id(&self) -> u32 {
        lock(&self.0).id()
    }

    /// How it ended, or `None` while it runs.
    pub fn exit(&self) -> Result<Option<Exit>> {
        let status = lock(&self.0).try_wait().context("lost track of the emulator")?;
        Ok(status.map(exit_of))
    }

    /// Ends and reaps it: first politely, because it may hold the terminal in raw mode.
    pub fn end(&self) {
        end(&mut lock(&self.0));
    }
}

impl Drop for OwnedChild {
    fn drop(&mut self) {
        self.end();
        lock(&RUNNING).retain(|other| !Arc::ptr_eq(other, &self.0));
    }
}

/// From now on Ctrl-C, SIGTERM and SIGHUP end all emulators of this process before it ends itself.
pub fn install_signal_handler() -> Result<()> {
    ctrlc::set_handler(|| {
        lock(&RUNNING).iter().for_each(|child| end(&mut lock(child)));
        std::process::exit(INTERRUPTED);
    })
    .context("cannot catch signals")
}

/// No input, and errors of the emulator itself on our standard error.
pub fn detach_input(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null())
}

fn end(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    // The child has not been reaped, so its number still is its own.
    let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        // POLL: the standard library waits for a child for ever or not at all.
        thread::sleep(POLL);
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn exit_of(status: ExitStatus) -> Exit {
    status.code().map_or(Exit::Signal, Exit::Code)
}

/// A panic elsewhere must not keep us from reaping.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
