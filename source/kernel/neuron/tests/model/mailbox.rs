//! The mailbox: two harts send, one receives and sleeps when it has nothing.
#![expect(unsafe_code, reason = "letters travel as raw pointers")]

use std::ptr::{self, NonNull};

use loom::sync::Arc;
use loom::thread;

use crate::smp;
use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::sync::mailbox::{Mailbox, Parcel};

struct Letter(Box<Node>);

struct Node {
    text: loom::cell::UnsafeCell<u32>,
    link: AtomicPtr<Node>,
}

// SAFETY: a letter is its only owner's.
unsafe impl Send for Node {}

impl Letter {
    fn new(text: u32) -> Self {
        let link = AtomicPtr::new(ptr::null_mut());
        link.store(ptr::null_mut(), Ordering::Relaxed);
        Self(Box::new(Node { text: loom::cell::UnsafeCell::new(text), link }))
    }

    fn text(&self) -> u32 {
        // SAFETY: loom checks that the sender is done with it.
        self.0.text.with(|text| unsafe { *text })
    }
}

// SAFETY: the box is the only owner.
unsafe impl Parcel for Letter {
    type Node = Node;
    fn into_raw(self) -> NonNull<Node> {
        NonNull::from(Box::leak(self.0))
    }
    unsafe fn from_raw(node: NonNull<Node>) -> Self {
        // SAFETY: by contract.
        Self(unsafe { Box::from_raw(node.as_ptr()) })
    }
    fn link(node: &Node) -> &AtomicPtr<Node> {
        &node.link
    }
}

/// Every sender sends these; the receiver, hart 0, is interrupted exactly when a push says so.
fn everything_arrives(senders: [&'static [u32]; 2]) {
    let mailbox = Arc::new(Mailbox::<Letter>::new());
    assert!(mailbox.is_empty());
    let threads = senders.map(|texts| {
        let letters: Vec<Letter> = texts.iter().map(|text| Letter::new(*text)).collect();
        let mailbox = Arc::clone(&mailbox);
        thread::spawn(move || {
            for letter in letters {
                if mailbox.push(letter) {
                    smp::interrupt(0);
                }
            }
        })
    });
    smp::become_hart(0);
    let expected: usize = senders.iter().map(|texts| texts.len()).sum();
    let mut got = Vec::new();
    while got.len() < expected {
        let letters = mailbox.take_all();
        if letters.is_empty() {
            smp::park();
        }
        got.extend(letters.map(|letter| letter.text()));
    }
    for texts in senders {
        let order: Vec<u32> = got.iter().copied().filter(|text| texts.contains(text)).collect();
        assert_eq!(order, texts, "a sender's letters arrive in its order");
    }
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(mailbox.is_empty());
}

#[test]
fn two_senders_lose_and_double_nothing_and_the_receiver_never_oversleeps() {
    crate::check(|| everything_arrives([&[1], &[2]]));
}

#[test]
fn letters_of_one_sender_keep_their_order() {
    crate::check(|| everything_arrives([&[1, 2], &[3]]));
}
