//! Wiring of the desktop program: which of its three lives an argument list asks for, and for the
//! window: desk, page, scheme.

mod commands;
mod desk;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod heap;
mod outward;
mod scheme;
#[cfg(target_os = "linux")]
mod webkit;
mod window;

use clap::Parser;
use std::{path::PathBuf, process::ExitCode};

/// Konsil: tumor boards, teleconsultation and images of several hospitals in one window.
#[derive(Debug, Parser)]
#[command(name = "konsil", version, about, after_help = app::door::HELP)]
struct Arguments {
    /// Folder of one person's stores, keys and cache; the system's data folder if not given.
    #[arg(long, value_name = "DIR")]
    profile: Option<PathBuf>,
    /// Address of the platform; the person is then not asked for it.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// File with certificate authorities to trust beside the computer's own; may be given several times.
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
    /// How pixels reach the page: auto, socket or scheme.
    #[arg(long, value_name = "WAY", value_parser = bulk_way)]
    bulk: Option<contract::BulkWay>,
    /// What draws images: auto, graphics or processor.
    #[arg(long, value_name = "MEANS", value_parser = drawing)]
    drawing: Option<contract::Drawing>,
    /// Keep the recovery key of chat on this computer, sealed; nobody then has to write it down.
    #[arg(long)]
    keep_recovery_key: bool,
    /// Language from now on: de or en.
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<contract::Language>,
    /// Colors from now on: office or reading-room.
    #[arg(long, value_name = "THEME", value_parser = theme)]
    theme: Option<contract::Theme>,
}

fn language(word: &str) -> Result<contract::Language, String> {
    match word {
        "de" => Ok(contract::Language::De),
        "en" => Ok(contract::Language::En),
        _ => Err("de or en".to_owned()),
    }
}

fn theme(word: &str) -> Result<contract::Theme, String> {
    match word {
        "office" => Ok(contract::Theme::Office),
        "reading-room" => Ok(contract::Theme::ReadingRoom),
        _ => Err("office or reading-room".to_owned()),
    }
}

fn bulk_way(word: &str) -> Result<contract::BulkWay, String> {
    match word {
        "auto" => Ok(contract::BulkWay::Auto),
        "socket" => Ok(contract::BulkWay::Socket),
        "scheme" => Ok(contract::BulkWay::Scheme),
        _ => Err("auto, socket or scheme".to_owned()),
    }
}

fn drawing(word: &str) -> Result<contract::Drawing, String> {
    match word {
        "auto" => Ok(contract::Drawing::Auto),
        "graphics" => Ok(contract::Drawing::Graphics),
        "processor" => Ok(contract::Drawing::Processor),
        _ => Err("auto, graphics or processor".to_owned()),
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let first = std::env::args_os().nth(1);
    if first.as_deref() == Some(app::worker::ARGUMENT.as_ref()) {
        return match app::worker::main() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_broken_pipe) => ExitCode::FAILURE,
        };
    }
    if first.as_deref().and_then(|word| word.to_str()).is_some_and(app::door::is_command) {
        return app::door::main();
    }
    let arguments = Arguments::parse();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    heap::give_back();
    window::run(arguments)
}
