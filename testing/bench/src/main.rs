//! `konsil-bench`: decoding beside the tools of others, chat and rounds beside other programs, and a round that goes on and on. `cargo xtask bench` starts it;
//! what it writes is the list of figures that the scripts write too.
// The futures of chat are deep.
#![recursion_limit = "256"]
#![expect(clippy::print_stdout, reason = "a command line tool talks to the terminal")]

mod chat;
mod figures;
mod fixtures;
mod part10;
mod peer;
mod race;
mod rounds;
mod workers;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use figures::Figures;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(about = "Measures Konsil's decoding, chat and rounds beside others.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure each codec against the other tool, and two decode workers against one.
    Decode {
        /// Folder with the CT's files.
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Where the encoded frames are kept from run to run.
        #[arg(long, value_name = "DIR")]
        folder: PathBuf,
        /// Konsil itself, for its decode workers.
        #[arg(long, value_name = "FILE")]
        program: PathBuf,
        /// Where the figures go.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// How often each tool runs; the fastest counts.
        #[arg(long, default_value_t = 3)]
        runs: u32,
    },
    /// Measure a part of chat.
    Chat(chat::Chat),
    /// Measure a part of rounds.
    Rounds(rounds::Rounds),
    /// Keep a round going, and see whether memory, threads and sockets stay what they are.
    Soak(rounds::Soak),
    /// The platform's own media server alone; its address is the first line.
    #[command(hide = true)]
    MediaServer(rounds::MediaServer),
    /// Decode all frames of a DICOM file into a file, as the other tools do.
    Unpack {
        /// The DICOM file.
        input: PathBuf,
        /// The stored values of all frames.
        output: PathBuf,
    },
    /// Decode codestreams, one a file, into files of the same names.
    UnpackStreams {
        /// Folder of codestreams.
        input: PathBuf,
        /// Folder of stored values.
        output: PathBuf,
    },
}

fn main() -> ExitCode {
    // Accounts of chat are processes of their own.
    if std::env::args().nth(1).as_deref() == Some(testkit::ACCOUNT) {
        return testkit::main();
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("error: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<()> {
    match Arguments::parse().command {
        Command::Chat(chat) => chat.run(),
        Command::Rounds(rounds) => rounds.run(),
        Command::Soak(soak) => soak.run(),
        Command::MediaServer(server) => server.run(),
        Command::Decode { data, folder, program, out, runs } => decode(&data, &folder, &program, &out, runs),
        Command::Unpack { input, output } => race::unpack(&input, &output),
        Command::UnpackStreams { input, output } => race::unpack_streams(&input, &output),
    }
}

fn decode(data: &Path, folder: &Path, program: &Path, out: &Path, runs: u32) -> Result<()> {
    let mut figures = Figures::default();
    let ct = fixtures::Ct::read(data)?;
    let measured = race::codecs(&ct, folder, runs, &mut figures)
        .and_then(|()| workers::two_against_one(&ct, folder, program, runs, &mut figures));
    figures.write(out).with_context(|| format!("write {}", out.display()))?;
    measured
}
