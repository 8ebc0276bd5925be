//! What holders, apps and time do to locks, to the unit of time.

mod harness;

use harness::*;
use nexus_abi::Nanos;
use wakelock::{
    Attribution, End, Ended, Event, Kind, LockId, MaxHold, Permit, Refusal, Released, Request, Rules,
    Standing, WakeLocks,
};

#[test]
fn without_locks_the_machine_may_sleep_for_ever() {
    let mut locks = WakeLocks::default();
    assert_eq!((locks.demand(), locks.deadline(), locks.iter().len()), (None, Nanos::NEVER, 0));
    assert_eq!(locks.advance(Nanos::NEVER), []);
}

#[test]
fn partial_lock_blocks_l2_and_its_release_allows_it() {
    let mut locks = WakeLocks::default();
    let grant = hold(&mut locks, 1, "sync");
    assert_eq!(locks.demand(), Some(Kind::Partial));
    let Released::Ended(Ended { why, at, lock }) = locks.release(task(1), grant.id).unwrap() else {
        panic!()
    };
    assert_eq!((why, at, lock.id()), (End::Released, ms(0), grant.id));
    assert_eq!((locks.demand(), locks.deadline()), (None, Nanos::NEVER));
}

#[test]
fn full_lock_also_keeps_the_screen_on() {
    let mut locks = WakeLocks::default();
    let partial = hold(&mut locks, 1, "route");
    let full = locks.acquire(Request { kind: Kind::Full, ..request(1, "map") }, PLAIN).unwrap();
    assert_eq!(locks.demand(), Some(Kind::Full));
    assert!(matches!(locks.release(task(1), full.id), Ok(Released::Ended(_))));
    assert_eq!(locks.demand(), Some(Kind::Partial));
    assert!(matches!(locks.release(task(1), partial.id), Ok(Released::Ended(_))));
    assert_eq!(locks.demand(), None);
}

#[test]
fn references_are_counted_per_task_and_name() {
    let mut locks = WakeLocks::default();
    let first = hold(&mut locks, 1, "sync");
    let second = hold(&mut locks, 1, "sync");
    assert_eq!((first.id, first.references, second.references), (second.id, 1, 2));
    let others = [hold(&mut locks, 1, "upload"), hold(&mut locks, 2, "sync")];
    assert!(others.iter().all(|grant| grant.references == 1 && grant.id != first.id));
    assert_eq!(locks.iter().map(|lock| lock.references()).collect::<Vec<_>>(), [2, 1, 1]);

    assert_eq!(locks.release(task(1), first.id), Ok(Released::Held(1)));
    assert!(matches!(locks.release(task(1), first.id), Ok(Released::Ended(_))));
    assert_eq!(locks.release(task(1), first.id), Err(Refusal::NotHeld));
    assert_eq!(locks.iter().len(), 2);
}

#[test]
fn lock_with_timeout_of_10_000_ms_is_released_at_exactly_that_time() {
    let mut locks = WakeLocks::default();
    locks.advance(ms(500));
    let grant = hold(&mut locks, 1, "sync");
    assert_eq!((grant.end, locks.deadline()), (ms(10_500), ms(10_500)));
    let lock = locks.iter().next().unwrap();
    assert_eq!((lock.since(), lock.held_for(ms(700))), (ms(500), ms(200)));
    assert_eq!(locks.advance(before(ms(10_500))), []);
    assert_eq!(locks.demand(), Some(Kind::Partial));
    let ended = locks.advance(ms(10_500));
    assert_eq!(summary(&ended), [(ms(10_500), grant.id, Some(End::Expired))]);
    assert_eq!((locks.demand(), locks.deadline()), (None, Nanos::NEVER));
}

#[test]
fn a_lock_ends_when_its_hold_does_however_late_anybody_looks() {
    let mut locks = WakeLocks::default();
    let first = hold(&mut locks, 1, "a");
    locks.advance(ms(1));
    let second = hold(&mut locks, 1, "b");
    let ended = locks.advance(ms(999_999));
    let expected = [(ms(10_000), first.id, Some(End::Expired)), (ms(10_001), second.id, Some(End::Expired))];
    assert_eq!(summary(&ended), expected);
}

#[test]
fn expiry_ends_all_references_and_a_later_release_is_refused() {
    let mut locks = WakeLocks::default();
    let old = hold(&mut locks, 1, "sync");
    hold(&mut locks, 1, "sync");
    assert_eq!(locks.advance(ms(10_000)).len(), 1);
    let new = hold(&mut locks, 1, "sync");
    assert_ne!(old.id, new.id, "a stale release must not hit the new lock");
    assert_eq!(locks.release(task(1), old.id), Err(Refusal::NotHeld));
    assert_eq!(locks.demand(), Some(Kind::Partial));
}

#[test]
fn a_dead_holder_s_lock_is_gone_and_only_its() {
    let mut locks = WakeLocks::default();
    let ids = [("a", 1), ("b", 2), ("c", 1)].map(|(lock, index)| hold(&mut locks, index, lock).id);
    locks.advance(ms(7));
    let ended = locks.holder_died(task(1));
    let said: Vec<_> = ended.iter().map(|ended| (ended.lock.id(), ended.why, ended.at)).collect();
    assert_eq!(said, [(ids[0], End::HolderDied, ms(7)), (ids[2], End::HolderDied, ms(7))]);
    assert_eq!(locks.iter().map(|lock| lock.id()).collect::<Vec<_>>(), [ids[1]]);
    assert_eq!(locks.holder_died(task(2)).len(), 1);
    assert_eq!((locks.demand(), locks.deadline()), (None, Nanos::NEVER));
    assert_eq!(locks.holder_died(task(2)), []);
}

#[test]
fn renewing_and_acquiring_again_move_the_end_later_only() {
    let mut locks = WakeLocks::default();
    let grant = hold(&mut locks, 1, "sync");
    let sooner = Some(MaxHold::of(ms(9_999)));
    assert_eq!(locks.renew(task(1), grant.id, sooner, PLAIN), Ok(ms(10_000)));
    locks.advance(ms(4_000));
    assert_eq!(locks.renew(task(1), grant.id, Some(MaxHold::of(ms(10_000))), PLAIN), Ok(ms(14_000)));
    assert_eq!(locks.deadline(), ms(14_000));
    assert_eq!(locks.renew(task(1), grant.id, None, PLAIN), Ok(ms(604_000)), "the standard hold");
    assert_eq!(hold(&mut locks, 1, "sync").end, ms(604_000));
    locks.advance(ms(600_000));
    assert_eq!(hold(&mut locks, 1, "sync").end, ms(610_000));
    assert_eq!(locks.deadline(), ms(610_000));
    assert_eq!(locks.iter().map(|lock| lock.references()).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_request_without_a_hold_gets_ten_minutes() {
    let mut locks = WakeLocks::default();
    let grant = locks.acquire(Request { hold: None, ..request(1, "sync") }, PLAIN).unwrap();
    assert_eq!(grant.end, ms(600_000));
}

#[test]
fn the_longest_hold_without_a_rule_is_an_hour() {
    let mut locks = WakeLocks::default();
    let wish = |span| Request { hold: Some(MaxHold::of(span)), ..request(1, "sync") };
    let hour = ms(3_600_000);
    refuses(&mut locks, wish(Nanos(hour.0 + 1)), PLAIN, Refusal::HoldTooLong);
    refuses(&mut locks, wish(Nanos(0)), PLAIN, Refusal::HoldTooLong);
    let grant = locks.acquire(wish(hour), PLAIN).unwrap();
    let long = Some(MaxHold::of(Nanos(hour.0 + 1)));
    assert_eq!(locks.renew(task(1), grant.id, long, PLAIN), Err(Refusal::HoldTooLong));
    assert_eq!(locks.renew(task(1), grant.id, Some(MaxHold::NONE), PLAIN), Err(Refusal::HoldTooLong));
    assert_eq!(locks.renew(task(1), grant.id, long, MAY_HOLD_LONG), Ok(Nanos(hour.0 + 1)));
}

#[test]
fn a_lock_without_a_maximum_ends_by_release_or_death_only() {
    let mut locks = WakeLocks::default();
    let wish = Request { hold: Some(MaxHold::NONE), ..request(1, "radio") };
    let grant = locks.acquire(wish, MAY_HOLD_LONG).unwrap();
    assert_eq!((grant.end, locks.deadline()), (Nanos::NEVER, Nanos::NEVER));
    hold(&mut locks, 2, "sync");
    assert_eq!(locks.advance(Nanos::NEVER).len(), 1, "the other one");
    assert_eq!(locks.demand(), Some(Kind::Partial));
    assert!(matches!(locks.release(task(1), grant.id), Ok(Released::Ended(_))));
}

#[test]
fn time_never_goes_back() {
    let mut locks = WakeLocks::default();
    locks.advance(ms(100));
    assert_eq!(locks.advance(ms(50)), []);
    assert_eq!(hold(&mut locks, 1, "sync").end, ms(10_100));
}

#[test]
fn locks_on_another_app_s_behalf_take_a_rule_and_are_charged_to_it() {
    let mut locks = WakeLocks::default();
    let mut wish = request(1, "playback");
    wish.who.on_behalf_of = Some(name("player"));
    refuses(&mut locks, wish.clone(), PLAIN, Refusal::ForOthers);
    let grant = locks.acquire(wish.clone(), MAY_SERVE).unwrap();
    let lock = locks.iter().next().unwrap();
    assert_eq!((lock.id(), lock.who(), lock.who().charged()), (grant.id, &wish.who, "player"));
    assert_eq!((lock.since(), lock.end(), lock.kind()), (ms(0), ms(10_000), Kind::Partial));
    assert_eq!((lock.standing(), lock.held_for(ms(3))), (Standing::Foreground, ms(3)));
    assert_eq!(locks.stand("app1", Standing::Suspended), Err(Refusal::UnknownApp));
    assert_eq!(locks.stand("player", Standing::Suspended), Ok(1));
    assert_eq!(locks.demand(), None);
}

#[test]
fn one_lock_has_one_kind_and_one_cause() {
    let mut locks = WakeLocks::default();
    hold(&mut locks, 1, "sync");
    refuses(&mut locks, Request { kind: Kind::Full, ..request(1, "sync") }, PLAIN, Refusal::Differs);
    let mut wish = request(1, "sync");
    wish.who.on_behalf_of = Some(name("player"));
    refuses(&mut locks, wish, MAY_SERVE, Refusal::Differs);
}

#[test]
fn others_locks_can_be_neither_renewed_nor_released() {
    let mut locks = WakeLocks::default();
    let grant = hold(&mut locks, 1, "sync");
    let was = locks.clone();
    assert_eq!(locks.release(task(2), grant.id), Err(Refusal::NotHeld));
    assert_eq!(locks.renew(task(2), grant.id, None, PLAIN), Err(Refusal::NotHeld));
    assert_eq!(locks, was);
}

#[test]
fn an_unknown_holder_is_rejected() {
    let mut locks = WakeLocks::default();
    let grant = hold(&mut locks, 1, "sync");
    assert!(matches!(locks.release(task(1), grant.id), Ok(Released::Ended(_))));
    for standing in STANDINGS {
        assert_eq!(locks.stand("app1", standing), Err(Refusal::UnknownApp));
        assert_eq!(locks.stand("nobody", standing), Err(Refusal::UnknownApp));
    }
    assert_eq!(locks.renew(task(1), grant.id, None, Permit::default()), Err(Refusal::NotHeld));
}

#[test]
fn ids_and_spans_are_what_was_put_into_them() {
    let mut locks = WakeLocks::default();
    let [first, second] = ["a", "b"].map(|name| hold(&mut locks, 1, name).id);
    assert_eq!([first, second].map(LockId::to_wire), [1, 2]);
    assert_eq!([1, 2].map(LockId::from_wire), [first, second]);
    assert_eq!([MaxHold::NONE, MaxHold::of(ms(7))].map(MaxHold::span), [Nanos(0), ms(7)]);
}

#[test]
fn names_are_for_people() {
    assert_eq!([Kind::Partial, Kind::Full].map(Kind::name), ["partial", "full"]);
    let ends = [End::Released, End::Expired, End::HolderDied].map(End::name);
    assert_eq!(ends, ["released", "expired", "holder died"]);
}

#[test]
fn rules_may_be_others() {
    let rules =
        Rules { hold_standard: MaxHold::of(ms(2)), hold_max: ms(3), report_after: ms(1), ..Rules::default() };
    let mut locks = WakeLocks::new(rules);
    let who = Attribution { ..request(1, "sync").who };
    let wish = Request { standing: Standing::Background, ..Request::new(who, Kind::Partial) };
    let grant = locks.acquire(wish.clone(), PLAIN).unwrap();
    assert_eq!(grant.end, ms(2));
    refuses(&mut locks, Request { hold: Some(MaxHold::of(ms(4))), ..wish }, PLAIN, Refusal::HoldTooLong);
    let events = locks.advance(ms(2));
    assert!(matches!(&events[..], [Event::HeldTooLong { .. }, Event::Ended(_)]));
}
