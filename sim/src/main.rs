//! `sim`: lives through scenarios, and shows what policies make of them. `sim --help` has the commands.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Arguments, dispatch};

fn main() -> ExitCode {
    match dispatch(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(cli::USAGE)
        }
    }
}
