//! The editor against a model of a terminal: what is on the screen is what is in the line.

use super::*;
use proptest::prelude::*;

const PROMPT: &str = "> ";

/// As much of a terminal as the editor uses.
#[derive(Default)]
struct Screen {
    row: Vec<char>,
    column: usize,
    rows_done: Vec<String>,
}

impl Screen {
    fn show(&mut self, text: &str) {
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\r' => self.column = 0,
                '\n' => {
                    self.rows_done.push(self.row.iter().collect());
                    (self.row, self.column) = (Vec::new(), 0);
                }
                '\x08' => self.column = self.column.saturating_sub(1),
                '\x07' => {}
                '\x1b' => {
                    assert_eq!(characters.next(), Some('['));
                    let mut number = String::new();
                    let end = loop {
                        match characters.next().expect("a whole sequence") {
                            digit if digit.is_ascii_digit() => number.push(digit),
                            end => break end,
                        }
                    };
                    match end {
                        'K' => self.row.truncate(self.column),
                        'D' => self.column -= number.parse::<usize>().expect("a number"),
                        'H' => self.column = 0,
                        'J' => self.row.clear(),
                        other => panic!("unknown sequence {other}"),
                    }
                }
                shown => {
                    self.row.resize(self.row.len().max(self.column + 1), ' ');
                    self.row[self.column] = shown;
                    self.column += 1;
                }
            }
        }
    }
}

struct Session {
    editor: Editor,
    screen: Screen,
    lines: Vec<String>,
}

impl Session {
    fn new() -> Self {
        let mut screen = Screen::default();
        screen.show(PROMPT);
        Self { editor: Editor::new(PROMPT), screen, lines: Vec::new() }
    }

    fn keys(&mut self, keys: &[u8]) -> &mut Self {
        for key in keys {
            let mut echo = String::new();
            let line = self.editor.key(*key, &mut echo);
            self.screen.show(&echo);
            if let Some(line) = line {
                self.lines.push(line);
                self.screen.show(PROMPT);
            }
        }
        self
    }

    fn check(&self) {
        let row: String = self.screen.row.iter().collect();
        let expected = format!("{PROMPT}{}", self.editor.line);
        assert_eq!(row.trim_end(), expected.trim_end());
        assert_eq!(self.screen.column, PROMPT.len() + self.editor.cursor);
    }
}

fn line_of(keys: &[u8]) -> String {
    let mut session = Session::new();
    session.keys(keys).keys(b"\r");
    session.lines.pop().expect("a line")
}

#[test]
fn lines_end_with_any_line_end_once() {
    let mut session = Session::new();
    session.keys(b"a\rb\nc\r\nd\n\n");
    assert_eq!(session.lines, ["a", "b", "c", "d", ""]);
}

#[test]
fn editing_keys_do_what_they_do_everywhere() {
    assert_eq!(line_of(b"pd\x7fs"), "ps");
    assert_eq!(line_of(b"\x08\x08ps"), "ps");
    assert_eq!(line_of(b"nonsense\x15ps"), "ps");
    assert_eq!(line_of(b"kill 12\x1712"), "kill 12");
    assert_eq!(line_of(b"s\x01p"), "ps");
    assert_eq!(line_of(b"ps\x1b[D\x1b[Dx\x1b[F!"), "xps!");
    assert_eq!(line_of(b"xps\x1b[H\x1b[3~"), "ps");
    assert_eq!(line_of(b"ps and more\x01\x06\x06\x0b"), "ps");
    assert_eq!(line_of(b"bad\x03good"), "good");
}

#[test]
fn arrows_walk_the_history_and_come_back_to_the_draft() {
    let mut session = Session::new();
    session.keys(b"one\rtwo\rtwo\rdra");
    session.keys(b"\x1b[A");
    assert_eq!(session.editor.line, "two");
    session.keys(b"\x1b[A\x1b[A\x1b[A");
    assert_eq!(session.editor.line, "one", "repeats are kept once, the oldest stays");
    session.keys(b"\x1b[B\x1b[B");
    assert_eq!(session.editor.line, "dra");
    session.check();
}

#[test]
fn a_line_too_long_rings_the_bell() {
    let mut editor = Editor::new(PROMPT);
    let mut echo = String::new();
    for _ in 0..LINE_MAX {
        editor.key(b'x', &mut echo);
    }
    echo.clear();
    editor.key(b'x', &mut echo);
    assert_eq!((echo.as_str(), editor.line.len()), ("\x07", LINE_MAX));
}

#[test]
fn typing_at_the_end_echoes_only_the_character() {
    let mut editor = Editor::new(PROMPT);
    let mut echo = String::new();
    editor.key(b'p', &mut echo);
    assert_eq!(echo, "p");
    echo.clear();
    editor.key(0x7f, &mut echo);
    assert_eq!(echo, "\x08 \x08");
}

proptest! {
    #[test]
    fn the_screen_always_shows_the_line(
        keys in proptest::collection::vec(
            prop_oneof![
                8 => (b' '..=b'~').prop_map(|key| vec![key]),
                1 => any::<u8>().prop_map(|key| vec![key]),
                2 => prop::sample::select(vec![1u8, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 16, 21, 23, 127])
                    .prop_map(|key| vec![key]),
                2 => prop::sample::select(vec!["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[3~", "\x1bOH"])
                    .prop_map(|keys| keys.as_bytes().to_vec()),
            ],
            0..80,
        ),
    ) {
        let mut session = Session::new();
        for key in keys {
            session.keys(&key);
            session.check();
        }
    }
}
