//! Random histories of calls, answers, deadlines, deaths and changed classes, by tasks that call each other as they
//! like: after each step every task has exactly what those lend it who wait for it then.

use std::vec::Vec;

use nexus_abi::{Call, Handle, Nanos, QosClass, Rights, Shares, TaskId};

use super::actor::Actor;
use super::fast;
use super::message::Message;
use super::world::World;
use crate::ipc::reply::{self, Awaited};
use crate::task::{Flags, death};

const TASKS: usize = 6;
const STEPS: usize = 400;
const HISTORIES: u64 = 24;
/// At most so long a task waits that has a deadline, in nanoseconds.
const PATIENCE: u64 = 5_000_000;

/// A task of the history.
struct Player {
    actor: Actor,
    /// Its own endpoint.
    at: Handle,
    /// Others' endpoints, as it knows them.
    to: Vec<Handle>,
    /// The calls it has not answered.
    replies: Vec<Handle>,
    /// It waits for a message.
    receives: bool,
}

struct History {
    world: World,
    players: Vec<Player>,
    seed: u64,
    now: u64,
}

impl History {
    fn new(seed: u64, harts: usize) -> Self {
        let mut history = Self { world: World::with(harts, 4096), players: Vec::new(), seed, now: 0 };
        for _ in 0..TASKS {
            history.join();
        }
        history
    }

    /// A number below `end`.
    fn any(&mut self, end: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % end
    }

    /// One more task, which knows all others and is known to them.
    fn join(&mut self) {
        let world = &mut self.world;
        let actor = world.spawn();
        let at = world.make(actor, Call::EndpointCreate, &[]);
        let to = vec_of(&self.players, |other| world.share_port(other.actor, other.at, actor, Rights::CALL));
        for other in &mut self.players {
            other.to.push(world.share_port(actor, at, other.actor, Rights::CALL));
        }
        self.players.push(Player { actor, at, to, replies: Vec::new(), receives: false });
        let last = self.players.len() - 1;
        self.change_class(last);
    }

    fn step(&mut self) {
        let which = self.any(TASKS as u64) as usize;
        let waits = self.players[which].actor.waits();
        match self.any(40) {
            0..4 => self.change_class(which),
            4..6 => self.change_shares(which),
            6 => {
                let gone = self.players.remove(which);
                self.bury(gone.actor);
                self.join();
            }
            7..10 => self.pass(PATIENCE / 4),
            _ if waits => self.world.interrupt_all(),
            10..26 => self.call(which),
            26..33 => self.receive(which),
            _ => self.answer(which),
        }
        self.note_received();
        self.check();
    }

    fn change_class(&mut self, which: usize) {
        let (root, class) = (self.world.root, self.any(4));
        let task = self.players[which].actor.id().to_wire();
        self.world.syscall(root, Call::TaskQos, &[1, task, class]).unwrap();
    }

    fn change_shares(&mut self, which: usize) {
        let (root, shares) = (self.world.root, 100 * (1 + self.any(3)));
        let task = self.players[which].actor.id().to_wire();
        self.world.syscall(root, Call::SchedSet, &[task, 1, shares, 0]).unwrap();
    }

    /// Kills a task. It dies in its own turn, which comes with time when higher classes run.
    fn bury(&mut self, actor: Actor) {
        let task = actor.shared().share();
        death::kill(self.world.hart(), &task);
        self.world.hart().release_task(task);
        while !actor.is_dead() {
            self.pass(PATIENCE);
        }
    }

    fn pass(&mut self, ns: u64) {
        self.now += ns;
        self.world.pass(ns);
    }

    /// Half of all waits have an end.
    fn deadline(&mut self) -> Nanos {
        if self.any(2) == 0 { Nanos::NEVER } else { Nanos(self.now + 1 + self.any(PATIENCE)) }
    }

    fn call(&mut self, which: usize) {
        let (other, deadline) = (self.any(64) as usize, self.deadline());
        let player = &self.players[which];
        let (actor, to) = (player.actor, player.to[other % player.to.len()]);
        let message = Message::to(to, [1; 8]).until(deadline);
        if deadline != Nanos::NEVER || !fast::trap(&mut self.world, actor, Call::Call, [1; 8], to.to_wire()) {
            self.world.message(actor, Call::Call, message);
        }
    }

    fn receive(&mut self, which: usize) {
        let deadline = self.deadline();
        // Others' endpoints are called only, so each has one server, unless it gives the right away.
        let Player { actor, at, .. } = self.players[which];
        self.players[which].receives = true;
        self.world.message(actor, Call::Receive, Message::at(at).until(deadline));
    }

    /// Answers one of its callers, or closes the way to, and perhaps waits for the next message.
    fn answer(&mut self, which: usize) {
        let (n, how) = (self.any(64) as usize, self.any(4));
        let player = &mut self.players[which];
        let (actor, at) = (player.actor, player.at);
        if player.replies.is_empty() {
            return self.receive(which);
        }
        let reply = player.replies.remove(n % player.replies.len());
        match how {
            0 => _ = self.world.exchange(actor, Call::Reply, Message::answer(reply, [2; 8])),
            1 => self.world.syscall(actor, Call::HandleClose, &[reply.to_wire()]).map(drop).unwrap(),
            _ => {
                player.receives = true;
                let named = reply.to_wire() << 32 | at.to_wire();
                if !fast::trap(&mut self.world, actor, Call::ReplyReceive, [2; 8], named) {
                    let message = Message::to(at, [2; 8]).replying(reply);
                    self.world.message(actor, Call::ReplyReceive, message);
                }
            }
        }
    }

    /// What has come to those who waited for a message.
    fn note_received(&mut self) {
        self.world.interrupt_all();
        for player in &mut self.players {
            if player.receives && !player.actor.waits() {
                player.receives = false;
                if let Ok(got) = player.actor.incoming() {
                    player.replies.push(got.reply);
                }
            }
        }
    }

    fn check(&self) {
        for (n, player) in self.players.iter().enumerate() {
            let task = player.actor.shared();
            let (settings, expected) = (task.settings(), self.expected(n));
            assert_eq!((settings.class, settings.shares), expected, "task {n}");
            assert_eq!(task.flags() & Flags::LENT != 0, task.has_more_than_its_own(), "task {n} is marked");
            if task.flags() & Flags::WEIGH == 0 && !self.runs_for_another(player.actor) {
                assert_eq!(player.actor.claimed(), settings, "task {n} is weighed as what it may have");
            }
        }
    }

    /// True for a server that was called by the fast path, and for a task that runs without having been looked at.
    fn runs_for_another(&self, actor: Actor) -> bool {
        actor.shared().loan.client() != TaskId::NONE || actor.is_running()
    }

    /// What a task may have, from who waits for whom.
    fn expected(&self, n: usize) -> (QosClass, Shares) {
        let task = self.players[n].actor.shared();
        let mut has = (task.class(), task.schedule().shares());
        let mut urged = QosClass::Idle;
        for (waiting, player) in self.players.iter().enumerate() {
            match reply::waits_for(self.world.machine, player.actor.shared()) {
                Awaited::Answer(server) if server == task.id() => {
                    let theirs = self.expected(waiting);
                    if task.loan.client() == player.actor.id() {
                        has = theirs;
                    }
                    urged = urged.max(theirs.0);
                }
                Awaited::Turn(server) if server == task.id() => urged = urged.max(self.expected(waiting).0),
                _ => {}
            }
        }
        (has.0.max(urged), has.1)
    }
}

fn vec_of<T>(players: &[Player], each: impl FnMut(&Player) -> T) -> Vec<T> {
    players.iter().map(each).collect()
}

#[test]
fn everybody_has_what_those_lend_who_wait_for_it_on_one_hart_and_on_two() {
    for (seed, harts) in (0..HISTORIES).flat_map(|seed| [(seed, 1), (seed, 2)]) {
        let mut history = History::new(seed, harts);
        for _ in 0..STEPS {
            history.step();
        }
    }
}
