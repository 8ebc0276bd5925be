use std::cell::RefCell;

use super::FirstSleep;

#[test]
fn sleep_is_announced_after_the_boot_once_and_in_order() {
    let said = RefCell::new(Vec::new());
    let sleep = FirstSleep::new();
    let enter = || sleep.enter(|| said.borrow_mut().push("enter"));
    let leave = || sleep.leave(|| said.borrow_mut().push("leave"));
    // Secondary harts sleep and wake while the first one boots.
    enter();
    leave();
    assert!(said.borrow().is_empty());
    sleep.boot_announced();
    // One that fell asleep before wakes: no sleep was announced that it could end.
    leave();
    assert!(said.borrow().is_empty());
    for _ in 0..2 {
        enter();
        leave();
    }
    assert_eq!(*said.borrow(), ["enter", "leave"]);
}

#[test]
fn a_hart_that_wakes_while_the_first_sleep_is_being_announced_says_nothing() {
    let said = RefCell::new(Vec::new());
    let sleep = FirstSleep::new();
    sleep.boot_announced();
    sleep.enter(|| {
        sleep.leave(|| said.borrow_mut().push("leave"));
        said.borrow_mut().push("enter");
    });
    sleep.leave(|| said.borrow_mut().push("leave"));
    assert_eq!(*said.borrow(), ["enter", "leave"]);
}
