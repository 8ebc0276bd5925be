//! Alarms outlive a reboot, and no damaged file does.

mod harness;

use alarm_queue::*;
use harness::*;
use nexus_abi::Nanos;
use proptest::prelude::*;

fn wall(after_monday_s: i64) -> Wall {
    Wall::from_secs(MONDAY_S + after_monday_s)
}

/// Saved an hour after boot, on Monday at one: one alarm of each sort.
fn file() -> Vec<u8> {
    let mut queue = queue_at_monday();
    set(&mut queue, exact(s(7_200)), s(0));
    set(&mut queue, alarm("clock", Kind::AlarmClock, weekly(Days::MONDAY, 180)), s(0));
    set(&mut queue, alarm("diary", Kind::Inexact, When::Wall(wall(4 * HOUR_S))), s(0));
    queue.save(s(3_600))
}

fn standings(queue: &AlarmQueue) -> Vec<Option<u64>> {
    let from = |(id, _)| queue.standing(id)?.rings_from.map(|from| from.0 / 1_000_000_000);
    queue.alarms().map(from).collect()
}

#[test]
fn an_alarm_outlives_a_reboot_on_its_own_time_scale() {
    // Half an hour off; the new boot is ten seconds old.
    let queue = AlarmQueue::restore(&file(), Zone::UTC, Some(wall(5_400)), s(10)).unwrap();
    assert_eq!(standings(&queue), [Some(1_810), Some(5_410), Some(9_010)]);
}

#[test]
fn without_a_clock_the_time_off_does_not_count_and_no_alarm_is_early() {
    let mut queue = AlarmQueue::restore(&file(), Zone::UTC, None, s(10)).unwrap();
    assert_eq!(standings(&queue), [Some(3_610), None, None]);
    queue.clock_set(wall(3 * HOUR_S), s(20));
    assert_eq!(standings(&queue), [Some(3_610), Some(20), Some(3_620)]);
}

#[test]
fn a_clock_that_lost_its_time_makes_elapsed_alarms_late_but_not_early() {
    let queue = AlarmQueue::restore(&file(), Zone::UTC, Some(Wall(0)), s(0)).unwrap();
    assert_eq!(standings(&queue)[0], Some(3_600));
}

#[test]
fn what_came_due_while_off_rings_once_oldest_first_and_apart() {
    let mut queue = AlarmQueue::restore(&file(), Zone::UTC, Some(wall(30 * 86_400)), s(10)).unwrap();
    let mut heard = Vec::new();
    for now in [10, 12, 14, 16].map(s) {
        heard.extend(queue.ring(now).map(|ring| (ring.id, ring.missed, ring.late)));
        assert_eq!(queue.ring(now), None);
    }
    let late = |at_h: u64| s(30 * 86_400 - at_h * 3_600);
    let off = Some(Missed::WhileOff);
    assert_eq!(
        heard,
        [
            (AlarmId(1), off, late(2)),
            (AlarmId(2), off, late(3).after(s(2))),
            (AlarmId(3), off, late(4).after(s(4))),
        ]
    );
    assert_eq!(standings(&queue), [Some(10 + 5 * 86_400 + 3 * 3_600)], "the weekly one goes on");
}

#[test]
fn what_is_within_its_window_after_the_reboot_is_not_missed() {
    for (over, missed) in [(0, None), (1, Some(Missed::WhileOff))] {
        let now = Some(Wall(wall(4 * HOUR_S + 600).0 + over));
        let mut queue = AlarmQueue::restore(&file(), Zone::UTC, now, s(10)).unwrap();
        queue.grants_changed(&app("app"), NONE);
        queue.grants_changed(&app("clock"), NONE);
        assert_eq!(queue.ring(s(10)).unwrap().missed, missed);
    }
}

#[test]
fn a_restored_queue_writes_the_same_file() {
    let first = file();
    let queue = AlarmQueue::restore(&first, Zone::UTC, Some(wall(3_600)), s(3_600)).unwrap();
    assert_eq!(queue.save(s(3_600)), first);
}

#[test]
fn what_rang_is_remembered_across_a_reboot() {
    let mut queue = queue_at_monday();
    let daily = set(&mut queue, alarm("app", Kind::AlarmClock, weekly(Days::ALL, 60)), s(0));
    assert_eq!(rings(&mut queue, s(3_600)), [daily]);
    let file = queue.save(s(3_600));
    let restored = AlarmQueue::restore(&file, Zone::UTC, Some(wall(3_599)), s(0)).unwrap();
    assert_eq!(standings(&restored), [Some(86_401)]);
}

#[test]
fn a_weekly_alarm_that_has_no_date_yet_is_saved_too() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    set(&mut queue, alarm("app", Kind::Exact, weekly(Days::TUESDAY, 0)), s(0));
    let file = queue.save(s(1));
    let restored = AlarmQueue::restore(&file, Zone::UTC, Some(wall(0)), s(0)).unwrap();
    assert_eq!(standings(&restored), [Some(86_400)]);
}

#[test]
fn ids_go_on_after_a_reboot_where_they_were() {
    let mut queue = AlarmQueue::restore(&file(), Zone::UTC, None, s(0)).unwrap();
    assert_eq!(set(&mut queue, exact(s(1)), s(0)), AlarmId(4));
}

#[test]
fn the_format_is_this_one_byte_for_byte() {
    let mut queue = AlarmQueue::new(Zone::UTC);
    set(&mut queue, alarm("ab", Kind::Exact, When::Elapsed(Nanos(9))), Nanos(0));
    let expected = [
        &b"NXAL"[..],
        &[1, 0, 0, 0],
        &crc32(&[1, 0, 0, 0, 5, 0, 2, 1, 1, 2, b'a', b'b', 1, b'x', 1, 0, 8, 0]).to_le_bytes(),
        &[5, 0, 2, 1, 1, 2, b'a', b'b', 1, b'x', 1, 0, 8, 0],
    ]
    .concat();
    assert_eq!(queue.save(Nanos(5)), expected);
}

#[test]
fn the_checksum_is_the_common_crc_32() {
    // The check value that every catalogue of checksums lists.
    assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
}

/// Written down a second time, from the definition: division of polynomials, most significant bit first.
fn crc32(bytes: &[u8]) -> u32 {
    let mut remainder = u32::MAX;
    for byte in bytes {
        remainder ^= u32::from(byte.reverse_bits()) << 24;
        for _ in 0..8 {
            let carry = remainder >> 31 == 1;
            remainder <<= 1;
            if carry {
                remainder ^= 0x04C1_1DB7;
            }
        }
    }
    (!remainder).reverse_bits()
}

/// `content` behind a header that fits it.
fn sealed(content: &[u8]) -> Vec<u8> {
    let version = [1, 0, 0, 0];
    let checksum = crc32(&[&version, content].concat()).to_le_bytes();
    [b"NXAL", &version, &checksum, content].concat()
}

fn restore(file: &[u8]) -> Result<usize, Damage> {
    AlarmQueue::restore(file, Zone::UTC, None, s(0)).map(|queue| queue.alarms().count())
}

#[test]
fn another_format_is_named_and_not_guessed_at() {
    let mut newer = file();
    newer[4..8].copy_from_slice(&0x0102_0304u32.to_le_bytes());
    assert_eq!(restore(&newer), Err(Damage::OtherFormat(0x0102_0304)));
    assert_eq!(restore(b"NXAL"), Err(Damage::NotAlarms));
    assert_eq!(restore(&file()[..11]), Err(Damage::NotAlarms));
    assert_eq!(restore(&file()[..12]), Err(Damage::Checksum));
}

#[test]
fn a_file_that_contradicts_the_rules_is_refused_whole() {
    let one = |id: u8, kind: u8, when: &[u8]| [&[id, 1, b'a', 0, kind][..], when, &[0]].concat();
    let content =
        |next_id: u8, alarms: &[Vec<u8>]| [vec![0, 0, next_id, alarms.len() as u8], alarms.concat()].concat();
    let elapsed: &[u8] = &[0, 2];
    let good = content(9, &[one(1, 0, elapsed), one(2, 2, &[2, 127, 0, 0])]);
    assert_eq!(restore(&sealed(&good)), Ok(2));
    let nonsense = [
        content(9, &[one(1, 3, elapsed)]),
        content(9, &[one(1, 0, &[2, 0, 0, 0])]),
        content(9, &[one(1, 0, &[2, 128, 0, 0])]),
        content(9, &[one(1, 0, &[2, 1, 0xA0, 0x0B, 0])]),
        content(9, &[one(2, 0, elapsed), one(1, 0, elapsed)]),
        content(9, &[one(2, 0, elapsed), one(2, 0, elapsed)]),
        content(2, &[one(2, 0, elapsed)]),
        content(127, &(0..65).map(|id| one(id, 0, elapsed)).collect::<Vec<_>>()),
        [good, vec![0]].concat(),
    ];
    for content in nonsense {
        assert_eq!(restore(&sealed(&content)), Err(Damage::Nonsense), "{content:?}");
    }
    let full = content(127, &(0..64).map(|id| one(id, 0, elapsed)).collect::<Vec<_>>());
    assert_eq!(restore(&sealed(&full)), Ok(64));
}

#[test]
fn a_file_with_more_alarms_than_the_device_may_have_is_refused() {
    // Numbers above 127 take two bytes: the low seven bits, marked, and the rest.
    let two_bytes = |number: usize| [0x80 | (number & 0x7F) as u8, (number >> 7) as u8];
    let file = |count: usize| {
        let alarms: Vec<u8> = (0..count)
            .flat_map(|index| {
                let app = b'a' + (index / 64) as u8;
                [&two_bytes(128 + index)[..], &[1, app, 0, 0, 0, 2, 0]].concat()
            })
            .collect();
        sealed(&[&[0, 0][..], &two_bytes(1_000), &two_bytes(count), &alarms].concat())
    };
    assert_eq!(restore(&file(512)), Ok(512));
    assert_eq!(restore(&file(513)), Err(Damage::Nonsense));
}

#[test]
fn a_full_queue_fits_into_its_file() {
    let mut queue = queue_at_monday();
    for index in 0..512 {
        set(&mut queue, alarm(&format!("app{}", index / 64), Kind::Exact, When::Elapsed(s(1))), s(0));
    }
    let file = queue.save(s(0));
    assert_eq!(restore(&file), Ok(512));
    assert!(file.len() < 512 * 32, "{} bytes", file.len());
}

#[test]
fn damages_are_sentences() {
    let texts = [
        (Damage::NotAlarms, "this is no file of alarms"),
        (Damage::OtherFormat(7), "format 7, but only 1 is known: keep the file"),
        (Damage::Checksum, "the file is damaged: its checksum is wrong"),
        (Damage::Nonsense, "the file contradicts the rules of alarms"),
    ];
    for (damage, text) in texts {
        assert_eq!(damage.to_string(), text);
    }
}

proptest! {
    #[test]
    fn a_file_cut_short_is_refused(keep in any::<proptest::sample::Index>()) {
        let file = file();
        prop_assert!(restore(&file[..keep.index(file.len())]).is_err());
    }

    #[test]
    fn a_flipped_bit_is_found(bit in any::<proptest::sample::Index>()) {
        let mut file = file();
        let bit = bit.index(file.len() * 8);
        file[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(restore(&file).is_err());
    }

    #[test]
    fn no_content_makes_it_panic(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _refused_or_not = restore(&content);
        let _refused_or_not = restore(&sealed(&content));
    }
}
