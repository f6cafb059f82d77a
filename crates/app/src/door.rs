//! The door without a window: commands of the program's own executable for IT, for tests and for
//! everybody who wants to check what the window shows. Same crates and same worker processes.
//!
//! `docs/door.md` says what each command answers, field by field, with an example that a test holds against the program.
//!
//! | Exit code | Meaning |
//! | --- | --- |
//! | 0 | everything is well: all readable, decoded, matches, holds |
//! | 1 | something is not: damage was found, the frame cannot be decoded, the record differs, a check fails |
//! | 2 | `verify` only: signature, key and payload do not belong together |
//! | 3 | wrong use: unknown words, a file that is not there, a frame that the object does not have |
//!
//! Frames count from 1, as DICOM counts them.
//!
//! Names of patients stand on standard output because whoever calls `inspect` asks for them. They go
//! nowhere else: the door writes no log.

mod decode;
mod inspect;
mod selftest;
mod verify;

use crate::images::{WorkerPool, WorkerProgram};
use clap::{Parser, Subcommand};
use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// The commands as the window's own `--help` may list them.
pub const HELP: &str = "Without a window:
  konsil inspect PATH… [--json]                 what DICOM files hold, and what is damaged
  konsil decode FILE --frame N -o OUT           stored values of a frame, exactly
  konsil verify PAYLOAD --signature F --key F   whether a signed decision is what was signed
  konsil selftest [--json]                      whether this installation works
Each explains itself with --help.";

const EXIT_CODES: &str = "Exit codes: 0 well, 1 damage or difference found, 2 broken signature, 3 wrong use.";

#[derive(Debug, Parser)]
#[command(name = "konsil", version, about = "Konsil without a window", after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells what DICOM files hold: patients, studies, series, geometry, transfer syntax, damage.
    ///
    /// Reads files and, recursively, folders, and decodes every frame. Prints the names of patients.
    #[command(after_help = EXIT_CODES)]
    Inspect {
        /// Files and folders.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// One JSON object instead of lines for reading.
        #[arg(long)]
        json: bool,
        /// Reads what the files say and decodes no frame.
        #[arg(long)]
        headers: bool,
    },
    /// Writes the stored values of one frame.
    ///
    /// Little endian, one sample in 8, 16 or 32 bits, samples of a pixel beside each other. Prints one
    /// JSON line that says how to read them.
    #[command(after_help = EXIT_CODES)]
    Decode {
        /// A DICOM file.
        file: PathBuf,
        /// Which frame, from 1.
        #[arg(long, value_name = "N", default_value_t = 1)]
        frame: u32,
        /// Where the values go.
        #[arg(short, long, value_name = "OUT")]
        output: PathBuf,
    },
    /// Checks a signed decision: payload against signature, and against the record where it is given.
    #[command(after_help = EXIT_CODES)]
    Verify {
        /// The payload `konsil-beschluss/1` as it is kept beside the protocol.
        payload: PathBuf,
        /// The detached JWS.
        #[arg(long, value_name = "JWS-FILE")]
        signature: PathBuf,
        /// The signer's public key as JWK.
        #[arg(long, value_name = "JWK-FILE")]
        key: PathBuf,
        /// The CarePlan of the record, to compare field by field.
        #[arg(long, value_name = "CAREPLAN.json")]
        plan: Option<PathBuf>,
        /// The Patient of the record, to compare the identity.
        #[arg(long, value_name = "PATIENT.json", requires = "plan")]
        patient: Option<PathBuf>,
    },
    /// Tries what this installation needs: a decode worker, sealing and opening, checking a signature.
    ///
    /// Works in a folder of its own that is removed again; touches no profile and no keyring.
    #[command(after_help = EXIT_CODES)]
    Selftest {
        /// JSON lines.
        #[arg(long)]
        json: bool,
    },
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Well,
    Found,
    Broken,
}

/// Wrong use, as a sentence for standard error.
#[derive(Debug)]
struct WrongUse(String);

impl WrongUse {
    fn file(path: &std::path::Path, error: &io::Error) -> Self {
        Self(format!("{}: {error}", path.display()))
    }
}

/// Why a command has no answer.
#[derive(Debug)]
enum Refusal {
    Use(WrongUse),
    Output(io::Error),
}

impl From<WrongUse> for Refusal {
    fn from(wrong: WrongUse) -> Self {
        Self::Use(wrong)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Whether the first word of the arguments belongs to the door.
#[must_use]
pub fn is_command(word: &str) -> bool {
    matches!(word, "inspect" | "decode" | "verify" | "selftest" | "help")
}

/// Runs the command that the process's arguments name. The executable must serve
/// [`worker::ARGUMENT`].
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr().lock())
}

fn run(arguments: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        // Help and version arrive as errors too, for standard output.
        Err(said) if !said.use_stderr() => return written(write!(out, "{said}")),
        Err(said) => {
            let _unheard = write!(err, "{said}");
            return ExitCode::from(3);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answered = match runtime {
        Ok(runtime) => runtime.block_on(answer(arguments.command, out)),
        Err(error) => Err(Refusal::Output(error)),
    };
    match answered {
        Ok(Outcome::Well) => written(out.flush()),
        Ok(Outcome::Found) => ExitCode::from(1),
        Ok(Outcome::Broken) => ExitCode::from(2),
        Err(Refusal::Use(WrongUse(why))) => {
            let _unheard = writeln!(err, "konsil: {why}");
            ExitCode::from(3)
        }
        Err(Refusal::Output(error)) => {
            let _unheard = writeln!(err, "konsil: the answer could not be written: {error}");
            ExitCode::from(3)
        }
    }
}

fn written(result: io::Result<()>) -> ExitCode {
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(3) }
}

async fn answer(command: Command, out: &mut dyn Write) -> Result<Outcome, Refusal> {
    match command {
        Command::Inspect { paths, json, headers } => {
            let form = if json { inspect::Form::Json } else { inspect::Form::Lines };
            inspect::run(&paths, form, (!headers).then(workers).transpose()?.as_ref(), out).await
        }
        Command::Decode { file, frame, output } => decode::run(&workers()?, &file, frame, &output, out).await,
        Command::Verify { payload, signature, key, plan, patient } => {
            verify::run(&verify::Files { payload, signature, key, plan, patient }, out)
        }
        Command::Selftest { json } => selftest::run(&workers()?, json, out).await,
    }
}

/// The same pool as the window's: this executable as its own worker.
fn workers() -> io::Result<WorkerPool> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
    Ok(WorkerPool::new(WorkerProgram::of(std::env::current_exe()?), cores))
}

fn json_line(out: &mut dyn Write, value: &serde_json::Value) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::{is_command, run};
    use std::process::ExitCode;

    fn called(words: &[&str]) -> (ExitCode, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(words.iter().map(Into::into), &mut out, &mut err);
        let text = |bytes| String::from_utf8(bytes).expect("the door writes text");
        (code, text(out), text(err))
    }

    fn is(code: ExitCode, number: u8) -> bool {
        format!("{code:?}") == format!("{:?}", ExitCode::from(number))
    }

    #[test]
    fn wrong_use_exits_with_3_and_says_so_on_standard_error_only() {
        for words in [
            &["konsil", "inspect"][..],
            &["konsil", "decode", "missing.dcm"],
            &["konsil", "decode", "/does/not/exist.dcm", "-o", "/does/not/exist.raw"],
            &["konsil", "inspect", "/does/not/exist"],
            &["konsil", "verify", "/does/not/exist", "--signature", "s", "--key", "k"],
            &["konsil", "verify", "p", "--signature", "s", "--key", "k", "--patient", "only.json"],
            &["konsil", "selftest", "--unknown"],
        ] {
            let (code, out, err) = called(words);
            assert!(is(code, 3), "{words:?} is wrong use: {code:?}");
            assert_eq!(out, "", "nothing on standard output: {words:?}");
            assert!(!err.is_empty(), "a sentence on standard error: {words:?}");
        }
    }

    #[test]
    fn help_and_version_are_answers() {
        let (code, out, err) = called(&["konsil", "--version"]);
        assert!(is(code, 0) && err.is_empty(), "the version is no failure");
        assert_eq!(out.trim(), format!("konsil {}", env!("CARGO_PKG_VERSION")), "name and number");
        let (code, out, _) = called(&["konsil", "inspect", "--help"]);
        assert!(is(code, 0) && out.contains("Exit codes"), "help tells the exit codes: {out}");
    }

    #[test]
    fn only_the_doors_words_are_taken_from_the_window() {
        assert!(
            ["inspect", "decode", "verify", "selftest", "help"].iter().all(|word| is_command(word)),
            "the commands"
        );
        assert!(!["--profile", "decode-worker", "konsil://x", ""].iter().any(|word| is_command(word)), "the rest");
    }
}
