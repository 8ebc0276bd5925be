//! One of many tasks that sleep in their own rhythm, as its orders say.

use core::time::Duration;

use bench::load::{LAST, Order, Report, Way};
use nexus_abi::user;
use nexus_abi::{Error, Handle, Nanos, QosClass, TaskId};
use nexus_rt::startup::{EXTRA, EXTRA_SLOT};
use nexus_time::os::Os;
use nexus_time::timed;

const TIMED: Handle = Handle::startup(EXTRA_SLOT + 1);
const GATE: Handle = Handle::startup(EXTRA_SLOT + 2);

/// Asks for its orders, sleeps so often, and reports how early, how late and when it woke once it is asked to.
// Not in the frame of whoever echoes kilobytes, where everything is far from the stack pointer.
#[inline(never)]
pub fn run() -> Result<(), Error> {
    let order = Order::from_words(user::call(EXTRA, [0; 8])?).ok_or(Error::Invalid)?;
    if order.class != QosClass::Normal.to_wire() {
        user::set_qos(TaskId::NONE, QosClass::from_wire(order.class).ok_or(Error::Invalid)?)?;
    }
    let late_by = Duration::from_nanos(order.late_by);
    let (mut report, mut last) = (Report::default(), [0; LAST]);
    let remembered = order.turns.saturating_sub(LAST as u64);
    for turn in 0..order.turns {
        let due = Nanos(order.first + turn * order.period);
        sleep_until(due, late_by, order.way)?;
        let woke = user::clock_now();
        report.note(due, woke, Nanos(order.window));
        // What a wake-up costs is measured, and this is in it.
        if let Some(moment) = last.get_mut(turn.wrapping_sub(remembered) as usize) {
            *moment = woke.0;
        }
    }
    report.last = last;
    user::wait(GATE, Nanos::NEVER)?;
    user::call(EXTRA, report.to_words()).map(drop)
}

fn sleep_until(due: Nanos, late_by: Duration, way: Way) -> Result<(), Error> {
    match way {
        Way::Timed => timed::sleep_until(&mut Os::new(TIMED), due.into(), late_by),
        Way::Kernel => {
            user::sleep_until(due);
            Ok(())
        }
    }
}
