//! The file in which alarms outlive a reboot.
//!
//! ```text
//!   0     4         8          12
//!   NXAL  version   checksum   postcard: the two clocks when saved, the next id, the alarms
//! ```
//!
//! Numbers are little-endian; the checksum is CRC-32 (IEEE 802.3) over everything behind it, with the version before
//! that. A file that is cut short, changed or of another version is refused as a whole: half of somebody's alarms is
//! worse than being told that they are lost. Quotas, paces and standby are not in it; they belong to a running system.

use alloc::vec::Vec;
use core::fmt;

use nexus_abi::Nanos;
use serde::{Deserialize, Serialize};

use crate::alarm::{ALARMS_MAX, ALARMS_PER_APP, Alarm, AlarmId, App, Kind, Label, When};
use crate::moment::{Clock, Moment};
use crate::pace::Place;
use crate::queue::{AlarmQueue, Entry, Target};
use crate::repeat::{Days, Weekly};
use crate::ring::Missed;
use crate::zone::{Wall, Zone};

/// The format that [`AlarmQueue::save`] writes.
pub const FORMAT: u32 = 1;

const MAGIC: [u8; 4] = *b"NXAL";
const HEADER_LEN: usize = 12;

/// Why a file is not read.
///
/// ```
/// use alarm_queue::{AlarmQueue, Damage, Zone};
/// use nexus_abi::Nanos;
///
/// let restored = AlarmQueue::restore(b"not alarms", Zone::UTC, None, Nanos(0));
/// assert_eq!(restored, Err(Damage::NotAlarms));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Damage {
    /// It does not begin as such a file does.
    NotAlarms,
    /// It is of a format that this version does not know. Keep it: another version does.
    OtherFormat(u32),
    /// The checksum is wrong.
    Checksum,
    /// It says what cannot be, although the checksum is right: whoever wrote it was broken.
    Nonsense,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAlarms => f.write_str("this is no file of alarms"),
            Self::OtherFormat(format) => {
                write!(f, "format {format}, but only {FORMAT} is known: keep the file")
            }
            Self::Checksum => f.write_str("the file is damaged: its checksum is wrong"),
            Self::Nonsense => f.write_str("the file contradicts the rules of alarms"),
        }
    }
}

/// What the checksum protects.
#[derive(Serialize, Deserialize)]
struct Content {
    /// Nanoseconds since boot when it was saved, and what the wall clock read then.
    saved_at: u64,
    wall: Option<u64>,
    next_id: u64,
    alarms: Vec<Saved>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    id: u64,
    app: App,
    label: Label,
    kind: u8,
    when: SavedWhen,
    rang: Option<u64>,
}

/// Append-only.
#[derive(Serialize, Deserialize)]
enum SavedWhen {
    /// Nanoseconds after [`Content::saved_at`].
    Elapsed(i64),
    Wall(u64),
    /// The occurrence is the one that is to ring next.
    Weekly {
        days: u8,
        minute: u16,
        occurrence: Option<u64>,
    },
}

impl AlarmQueue {
    /// The file. Save after every change of the queue, a clock that is set included: elapsed time while the machine
    /// is off is measured from what the clock read then.
    ///
    /// ```
    /// use alarm_queue::{AlarmQueue, Zone};
    /// use nexus_abi::Nanos;
    ///
    /// let queue = AlarmQueue::new(Zone::UTC);
    /// let file = queue.save(Nanos(5));
    /// assert_eq!(AlarmQueue::restore(&file, Zone::UTC, None, Nanos(0)), Ok(queue));
    /// ```
    pub fn save(&self, now: Nanos) -> Vec<u8> {
        let content = Content {
            saved_at: now.0,
            wall: self.clock.wall(now).map(|wall| wall.0),
            next_id: self.next_id,
            alarms: self.entries.iter().map(|entry| Saved::of(entry, now)).collect(),
        };
        let header = [MAGIC, FORMAT.to_le_bytes(), [0; 4]].concat();
        // Writing to memory that grows fails only for types of unknown length, and these have none.
        let mut file = postcard::to_extend(&content, header).unwrap_or_default();
        if let Some(checksum) = checksum_of(&file) {
            file[8..HEADER_LEN].copy_from_slice(&checksum.to_le_bytes());
        }
        file
    }

    /// Reads what [`AlarmQueue::save`] wrote, on a machine that has now run for `now` and whose clock reads `wall`, if
    /// it has one. What came due in between is missed: each such alarm rings once.
    pub fn restore(file: &[u8], zone: Zone, wall: Option<Wall>, now: Nanos) -> Result<Self, Damage> {
        let content = open(file)?;
        let clock = wall.map_or(Clock::UNKNOWN, |wall| Clock::reads(wall, now));
        let off = match (wall, content.wall) {
            (Some(wall), Some(saved)) => wall.since(Wall(saved)),
            _ => Nanos(0),
        };
        let mut queue = Self::new(zone.clone());
        queue.next_id = content.next_id;
        queue.clock = clock;
        for saved in content.alarms {
            let place = queue.admit(&saved.app, now).map_err(|_| Damage::Nonsense)?;
            let mut entry = saved.entry(place, now, off).ok_or(Damage::Nonsense)?;
            let in_order = queue.entries.last().is_none_or(|last| last.id < entry.id);
            let fits = queue.entries.len() < ALARMS_MAX && queue.count(&entry.alarm.app) < ALARMS_PER_APP;
            if !in_order || !fits || entry.id.0 >= queue.next_id {
                return Err(Damage::Nonsense);
            }
            entry.date(wall, &zone);
            if entry.window_is_over(clock, now) {
                entry.missed = Some(Missed::WhileOff);
            }
            queue.entries.push(entry);
        }
        queue.settle();
        Ok(queue)
    }
}

fn open(file: &[u8]) -> Result<Content, Damage> {
    let (header, content) = file.split_at_checked(HEADER_LEN).ok_or(Damage::NotAlarms)?;
    if header[..4] != MAGIC {
        return Err(Damage::NotAlarms);
    }
    if header[4..8] != FORMAT.to_le_bytes() {
        return Err(Damage::OtherFormat(u32::from_le_bytes([header[4], header[5], header[6], header[7]])));
    }
    if checksum_of(file).is_none_or(|checksum| header[8..] != checksum.to_le_bytes()) {
        return Err(Damage::Checksum);
    }
    match postcard::take_from_bytes(content) {
        Ok((content, [])) => Ok(content),
        _ => Err(Damage::Nonsense),
    }
}

impl Saved {
    fn of(entry: &Entry, now: Nanos) -> Self {
        let ahead = |planned: Moment| planned.0.saturating_sub(Moment::at(now).0);
        let when = match entry.alarm.when {
            When::Elapsed(_) => SavedWhen::Elapsed(entry.planned(Clock::UNKNOWN).map_or(0, ahead)),
            When::Wall(wall) => SavedWhen::Wall(wall.0),
            When::Weekly(weekly) => SavedWhen::Weekly {
                days: weekly.days().bits(),
                minute: weekly.minute(),
                occurrence: if let Target::Wall(wall) = entry.target { Some(wall.0) } else { None },
            },
        };
        Self {
            id: entry.id.0,
            app: entry.alarm.app.clone(),
            label: entry.alarm.label.clone(),
            kind: entry.alarm.kind as u8,
            when,
            rang: entry.rang.map(|wall| wall.0),
        }
    }

    /// None when it is no alarm that could have been set.
    fn entry(self, place: Place, now: Nanos, off: Nanos) -> Option<Entry> {
        let (when, target) = match self.when {
            SavedWhen::Elapsed(ahead) => {
                let at = Moment::at(now).0.saturating_add(ahead).saturating_sub(Moment::at(off).0);
                (When::Elapsed(Moment(at).since_boot()), Target::Elapsed(Moment(at)))
            }
            SavedWhen::Wall(wall) => (When::Wall(Wall(wall)), Target::Wall(Wall(wall))),
            SavedWhen::Weekly { days, minute, occurrence } => {
                let weekly = Weekly::new(Days::from_bits(days)?, minute)?;
                let target = occurrence.map_or(Target::Undated, |wall| Target::Wall(Wall(wall)));
                (When::Weekly(weekly), target)
            }
        };
        let kind = Kind::from_wire(self.kind)?;
        let alarm = Alarm { app: self.app, label: self.label, kind, when };
        Some(Entry {
            id: AlarmId(self.id),
            alarm,
            place,
            target,
            rang: self.rang.map(Wall),
            missed: None,
            window: None,
        })
    }
}

/// Of a whole file: its version and its content.
fn checksum_of(file: &[u8]) -> Option<u32> {
    let format = file.get(4..8)?;
    let content = file.get(HEADER_LEN..)?;
    Some(!format.iter().chain(content).fold(!0, |crc, byte| crc32_step(crc, *byte)))
}

/// CRC-32 (IEEE 802.3) bit by bit: a file is written a few times an hour, a table would be larger than the code.
fn crc32_step(crc: u32, byte: u8) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0xEDB8_8320;
    (0..8).fold(crc ^ u32::from(byte), |crc, _| {
        let low = crc & 1;
        crc >> 1 ^ (REVERSED_POLYNOMIAL * low)
    })
}
