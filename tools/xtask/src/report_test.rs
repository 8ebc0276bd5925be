//! `xtask report-test`: the simulator's page in a real browser, at 1280 pixels.
//!
//! The browser is Debian's, installed when this is asked for and not before. What is checked is what a person would miss
//! first: a chart that is empty, a page that is wider than the window, a picture that is blank.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{self, host_cargo, say};
use crate::setup::{self, BROWSER, Need};
use crate::workspace::Workspace;

/// The window: all of the page fits.
const SIZE: (u32, u32) = (1_280, 3_600);
/// What each chart is drawn in, and the pixels of it that must at least be there.
const COLOURS: [(&str, [u8; 3], usize); 7] = [
    ("battery's line", [0x0b, 0x69, 0xa3], 500),
    ("time on the charger", [0xe3, 0xf9, 0xe5], 5_000),
    ("deep idle", [0x26, 0x80, 0xc2], 50_000),
    ("waiting", [0xf7, 0xd0, 0x70], 1_000),
    ("running", [0xf0, 0x85, 0x3e], 50),
    ("rows of the strips", [0xf0, 0xf4, 0xf8], 10_000),
    ("ink", [0x1f, 0x29, 0x33], 2_000),
];
const BACKGROUND: [u8; 3] = [0xf5, 0xf7, 0xfa];

pub fn report_test(workspace: &Workspace) -> Result<()> {
    setup::ensure(workspace, &[Need::Browser])?;
    let folder = workspace.target().join("report-test");
    let run = [
        "run",
        "--quiet",
        "-p",
        "sim",
        "--",
        "run",
        "scenarios/day.toml",
        "--days",
        "2",
        "--no-events",
        "--out",
    ];
    process::run(host_cargo().current_dir(workspace.root()).args(run).arg(&folder))?;
    let picture = folder.join("report.png");
    photograph(&folder.join("report.html"), &picture, &folder.join("profile"))?;
    let complaints = judge(&Picture::read(&picture)?);
    ensure!(complaints.is_empty(), "the page does not look as it must:\n  {}", complaints.join("\n  "));
    say(format!("the page is as it must be; look at {}", workspace.relative(&picture).display()));
    Ok(())
}

fn photograph(page: &Path, picture: &Path, profile: &Path) -> Result<()> {
    // What an earlier browser left behind is not what a reader has.
    if profile.exists() {
        fs::remove_dir_all(profile).with_context(|| format!("cannot remove {}", profile.display()))?;
    }
    let (width, height) = SIZE;
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
    ];
    let mut browser = Command::new("timeout");
    browser.args(["-k", "1", "120", BROWSER]).args(flags);
    browser.arg(format!("--window-size={width},{height}"));
    browser.arg(format!("--user-data-dir={}", profile.display()));
    browser.arg(format!("--screenshot={}", picture.display()));
    browser.arg(format!("file://{}", page.display()));
    // It complains about the desktop that is not there; its picture is what counts.
    browser.stderr(std::process::Stdio::null());
    process::run_as(BROWSER, &mut browser)
}

/// Pixels in rows.
struct Picture {
    width: u32,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn read(file: &Path) -> Result<Self> {
        let opened = fs::File::open(file).with_context(|| format!("no picture at {}", file.display()))?;
        let mut reader = png::Decoder::new(std::io::BufReader::new(opened)).read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("the picture is too large")?];
        let info = reader.next_frame(&mut bytes)?;
        let samples = info.color_type.samples();
        ensure!(samples >= 3, "the picture has no colours");
        let pixels = bytes[..info.buffer_size()].chunks_exact(samples).map(|rgb| [rgb[0], rgb[1], rgb[2]]);
        Ok(Self { width: info.width, pixels: pixels.collect() })
    }
}

fn judge(picture: &Picture) -> Vec<String> {
    let mut complaints = Vec::new();
    if picture.width != SIZE.0 {
        complaints.push(format!("it is {} pixels wide, not {}", picture.width, SIZE.0));
    }
    let mut counts = BTreeMap::<[u8; 3], usize>::new();
    for pixel in &picture.pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    for (what, colour, least) in COLOURS {
        let count = counts.get(&colour).copied().unwrap_or(0);
        if count < least {
            complaints.push(format!("{what}: {count} pixels, and {least} are the least"));
        }
    }
    let is_edge = |place: usize| place as u32 % picture.width >= picture.width - 8;
    let beyond =
        picture.pixels.iter().enumerate().filter(|(place, pixel)| is_edge(*place) && **pixel != BACKGROUND);
    match beyond.count() {
        0 => {}
        count => complaints.push(format!("the page is wider than the window: {count} pixels at its edge")),
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted() -> Picture {
        let mut pixels = vec![BACKGROUND; (SIZE.0 * SIZE.1) as usize];
        let mut place = 0;
        for (_, colour, least) in COLOURS {
            for _ in 0..least {
                while place as u32 % SIZE.0 >= SIZE.0 - 8 {
                    place += 1;
                }
                pixels[place] = colour;
                place += 1;
            }
        }
        Picture { width: SIZE.0, pixels }
    }

    #[test]
    fn a_picture_with_all_its_colours_passes() {
        assert_eq!(judge(&painted()), Vec::<String>::new());
    }

    #[test]
    fn an_empty_chart_and_a_page_too_wide_are_noticed() {
        let mut picture = painted();
        picture
            .pixels
            .iter_mut()
            .filter(|pixel| **pixel == COLOURS[2].1)
            .for_each(|pixel| *pixel = BACKGROUND);
        assert_eq!(judge(&picture), ["deep idle: 0 pixels, and 50000 are the least"]);
        let mut picture = painted();
        picture.pixels[SIZE.0 as usize - 1] = [0, 0, 0];
        assert_eq!(judge(&picture), ["the page is wider than the window: 1 pixels at its edge"]);
        let blank = Picture { width: SIZE.0, pixels: vec![BACKGROUND; 10] };
        assert_eq!(judge(&blank).len(), COLOURS.len());
    }
}
