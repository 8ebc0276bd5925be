//! The build of Nexus OS: `cargo xtask <command>`. The Makefile's rules are names for these commands.

#![forbid(unsafe_code)]

mod bench;
mod build;
mod ci;
mod contract;
mod docs;
mod doctor;
mod emulator;
mod gates;
mod image;
mod os;
mod process;
mod recipes;
mod report_test;
mod scrutiny;
mod setup;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::os::{fuzz, matrix, selftest, session};
use crate::scrutiny::{Libraries, coverage, long_tests, mutants};
use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The build of Nexus OS: images, emulator runs, checks")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what is missing
    Setup,
    /// Say what is there and what is missing
    Doctor,
    /// Compile the host half and the device half
    Build,
    /// Pack the boot image
    Image,
    /// What is in the image and how large it is
    Sizes,
    /// Boot on this terminal, or type standard input at the shell and power off
    Run(session::Wish),
    /// One selftest run; SMP, REQUIRE_SMP, RUN_UNTIL_MARKER and RUN_TIMEOUT say which
    QemuTest,
    /// All runs in the emulator: selftests at 1, 2 and 4 harts, and that idle means idle
    TestOs,
    /// Every hart count with every memory size, exact and multi-threaded; then fifty boots in a row
    BootMatrix,
    /// Hostile system calls; without a seed also long random histories of the policies
    Fuzz(fuzz::Amount),
    /// Which lines of the policy libraries no test runs
    Coverage(Libraries),
    /// Which changes of the policy libraries no test notices
    Mutants(Libraries),
    /// Measure, and compare with other systems and with the baseline
    Bench {
        /// Make these figures the baseline
        #[arg(long)]
        accept: bool,
    },
    /// Have Linux measure itself on the same emulator, and show its figures beside ours
    BenchLinux {
        /// Make these figures the Linux column of `bench`
        #[arg(long)]
        accept: bool,
    },
    /// Host tests and everything in the emulator
    Test,
    /// `test`, and formatting, lints, dependencies, rules, benchmark
    Ci,
    /// The device half compiles without warnings and lints
    DiagOs,
    /// Layers, licences, duplicates
    DepGate,
    /// The repository's own rules
    Check,
    /// Write the generated pages
    Docs,
    /// The simulator's page in a real browser
    ReportTest,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(&arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &Command) -> Result<ExitCode> {
    let workspace = &Workspace::locate()?;
    emulator::install_signal_handler()?;
    match command {
        Command::Setup => setup::setup(workspace),
        Command::Doctor => doctor::doctor(workspace),
        Command::Build => build::build_all(workspace),
        Command::Image => image::image(workspace),
        Command::Sizes => image::sizes(workspace),
        Command::Run(wish) => session::run(workspace, wish),
        Command::QemuTest => return Ok(ExitCode::from(selftest::qemu_test(workspace)?.status())),
        Command::TestOs => selftest::test_os(workspace),
        Command::BootMatrix => matrix::boot_matrix(workspace),
        Command::Fuzz(amount) if amount.seed.is_some() => fuzz::fuzz(workspace, *amount),
        Command::Fuzz(amount) => fuzz::fuzz(workspace, *amount).and_then(|()| long_tests::run(workspace)),
        Command::Coverage(libraries) => coverage::coverage(workspace, libraries),
        Command::Mutants(libraries) => mutants::mutants(workspace, libraries),
        Command::Bench { accept } => bench::bench(workspace, bench::Baseline::from_flag(*accept)),
        Command::BenchLinux { accept } => {
            bench::linux::bench_linux(workspace, bench::Baseline::from_flag(*accept))
        }
        Command::Test => ci::test(workspace),
        Command::Ci => ci::ci(workspace),
        Command::DiagOs => build::diagnose_device(workspace),
        Command::DepGate => gates::dependencies(workspace),
        Command::Check => gates::check(workspace),
        Command::Docs => docs::write(workspace),
        Command::ReportTest => report_test::report_test(workspace),
    }?;
    Ok(ExitCode::SUCCESS)
}
