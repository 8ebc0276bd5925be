//! Nothing polls: no loop sleeps or gives way and then looks again whether something has happened. Whoever waits is
//! told, or has a timer.
//!
//! A loop that does so is known by its shape: it is a `while`, or a `loop` or `for` that is left when all is well, and in
//! it there is a call that sleeps. Who looks at things from outside may do so where nothing tells of them, with the
//! reason in a comment just above: `// POLL: why`. Nobody else has an excuse. The kernel's own loops are what waiting is
//! made of.

use super::sources::SourceFile;

/// Calls that let time pass.
const SLEEPS: [&str; 6] = ["sleep(", "sleep_until(", "sleep_ms(", "yield_now(", "spin_loop(", "rest("];

const KERNEL: &str = "source/kernel/";

/// Who may have a reason: programs that look at the kernel from outside, the loop of every service, which waits for
/// memory, and the host's watch over the emulator.
const MAY_SAY_WHY: [&str; 5] = [
    "source/apps/selftest-client/",
    "source/apps/fuzzer/",
    "source/apps/bench/",
    "source/libs/nexus-service/src/os.rs",
    "tools/xtask/src/emulator/",
];

const EXCUSE: &str = "// POLL: ";

/// Lines above a call in which its excuse stands.
const NEAR: usize = 3;

pub fn check(files: &[SourceFile]) -> Vec<String> {
    let ours = files.iter().filter(|file| file.is_rust() && !file.path.starts_with(KERNEL));
    ours.flat_map(check_file).collect()
}

fn check_file(file: &SourceFile) -> Vec<String> {
    let lines: Vec<(usize, &str)> = file.code().collect();
    let mut complaints = Vec::new();
    for (at, (number, line)) in lines.iter().enumerate() {
        if !sleeps(line) || !is_in_polling_loop(&lines, at) {
            continue;
        }
        let may = MAY_SAY_WHY.iter().any(|folder| file.path.starts_with(folder));
        let above = &lines[at.saturating_sub(NEAR)..at];
        if !(may && above.iter().any(|(_, line)| line.trim_start().starts_with(EXCUSE))) {
            let how = if may { "; be told, or say why not: // POLL: why" } else { "; be told instead" };
            complaints.push(format!("{}:{number}: polls in a loop: {}{how}", file.path, line.trim()));
        }
    }
    complaints
}

/// Whether the line calls something that lets time pass.
fn sleeps(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or(line);
    SLEEPS.iter().any(|call| {
        code.match_indices(call).any(|(at, _)| {
            let before = &code[..at];
            let is_whole = !before.ends_with(|last: char| last.is_alphanumeric() || last == '_');
            is_whole && !before.trim_end().ends_with("fn")
        })
    })
}

/// Sources are formatted: what a line stands in are the lines above it that are indented less and open a block.
fn is_in_polling_loop(lines: &[(usize, &str)], at: usize) -> bool {
    let mut inner = indent(lines[at].1);
    for (above, (_, line)) in lines[..at].iter().enumerate().rev() {
        if line.trim().is_empty() || indent(line) >= inner {
            continue;
        }
        inner = indent(line);
        let head = line.trim_start();
        // A closure or a function runs where it is called.
        if head.contains("fn ") {
            return false;
        }
        let head = head
            .split_once(": ")
            .map_or(head, |(label, loop_)| if label.starts_with('\'') { loop_ } else { head });
        let opens = |keyword: &str| head.starts_with(keyword) || head.contains(&format!("= {keyword}"));
        let repeats = opens("loop {") || opens("for ");
        if opens("while ") || (repeats && is_left(&lines[above + 1..], inner)) {
            return true;
        }
    }
    false
}

/// Whether the block that begins here, after a line indented by `outer`, has a way out that is no failure.
fn is_left(block: &[(usize, &str)], outer: usize) -> bool {
    let inside = block.iter().take_while(|(_, line)| line.trim().is_empty() || indent(line) > outer);
    let is_way_out =
        |line: &str| line.contains("break") || line.replace("return Err(", "").contains("return");
    inside.into_iter().any(|(_, line)| is_way_out(line))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        check(&[SourceFile { path: path.to_owned(), text: text.to_owned() }])
    }

    const SERVICE: &str = "source/services/x/src/lib.rs";
    const TEST: &str = "source/apps/selftest-client/src/x.rs";

    #[test]
    fn every_shape_of_a_polling_loop_is_caught() {
        for text in [
            "fn f() {\n    while !ready() {\n        clock.sleep(SHORT);\n    }\n}\n",
            "fn f() {\n    loop {\n        if ready() {\n            break;\n        }\n        user::yield_now();\n    }\n}\n",
            "fn f() {\n    let x = loop {\n        user::sleep_until(soon());\n        if ready() {\n            break 1;\n        }\n    };\n}\n",
            "fn f() {\n    for _ in 0..TRIES {\n        user::sleep_until(soon());\n        if ready() {\n            return Ok(());\n        }\n    }\n}\n",
            "fn f() {\n    'outer: while let Some(x) = next() {\n        if x {\n            core::hint::spin_loop();\n        }\n    }\n}\n",
            "fn f() {\n    while !ready() {\n        std::thread::sleep(SHORT);\n    }\n}\n",
        ] {
            assert_eq!(complaints(SERVICE, text).len(), 1, "{text}");
            assert_eq!(complaints(TEST, text).len(), 1, "{text}");
        }
    }

    #[test]
    fn sleeping_without_looking_again_is_no_polling() {
        for text in [
            "fn f() {\n    clock.sleep(LONG);\n}\n",
            "fn f() {\n    for _ in 0..WINDOWS {\n        rest(WINDOW);\n        samples.push(look());\n    }\n}\n",
            "fn f() {\n    loop {\n        interval.tick(&clock);\n    }\n}\n",
            "fn f() -> ! {\n    loop {\n        work();\n        clock.sleep(LONG);\n    }\n}\n",
            "fn f() {\n    loop {\n        wait_for_end()?;\n        if too_often() {\n            return Err(why);\n        }\n        clock.sleep(LONG);\n    }\n}\n",
            "fn f() {\n    while more() {\n        work();\n    }\n    clock.sleep(LONG);\n}\n",
            "impl Clock {\n    fn sleep_until(&self, moment: Instant) {\n        ask();\n    }\n}\n",
            "fn f() {\n    loop {\n        forest(1);\n        // once it called sleep(1)\n    }\n}\n",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {\n        loop {\n            sleep(1);\n        }\n    }\n}\n",
        ] {
            assert_eq!(complaints(SERVICE, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_reason_counts_where_the_kernel_is_tested_and_nowhere_else() {
        let text = "fn f() {\n    while !ready() {\n        // POLL: nobody tells of this.\n        rest(100);\n    }\n}\n";
        assert_eq!(complaints(TEST, text), Vec::<String>::new());
        assert_eq!(complaints(SERVICE, text).len(), 1);
        assert_eq!(complaints("source/kernel/neuron/src/x.rs", text).len(), 0);
        let far = text.replace(
            "POLL: nobody tells of this.\n",
            "POLL: nobody tells.\n        a();\n        b();\n        c();\n",
        );
        assert_eq!(complaints(TEST, &far).len(), 1);
    }
}
