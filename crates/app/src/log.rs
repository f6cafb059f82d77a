//! Where log lines go: one file in the profile, by day, without patient data.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// Lines beyond this size start a new file; the former one is kept as `konsil.1.log`.
const FILE_LIMIT: u64 = 8 << 20;

/// Sends log lines to `log/konsil.log` in the profile. `KONSIL_LOG` sets the levels as
/// `tracing_subscriber::EnvFilter` reads them; the default is warnings of others and information of ours,
/// and nothing of the chat library: it prints requests and answers.
///
/// # Errors
/// When the folder cannot be made.
pub fn start(profile: &Path) -> io::Result<()> {
    let folder = profile.join("log");
    let mut private = fs::DirBuilder::new();
    private.recursive(true);
    // The profile is the person's alone from its first moment on.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut private, 0o700);
    private.create(&folder)?;
    let filter = EnvFilter::try_from_env("KONSIL_LOG").unwrap_or_else(|_unset| {
        EnvFilter::new("warn,matrix_sdk=off,app=info,platform=info,tim=info,vault=info,konsil=info")
    });
    let file = RotatingFile { path: folder.join("konsil.log"), file: Mutex::new(None) };
    // A second start in one process keeps the first: tests open several desks.
    let _already = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(file).try_init();
    Ok(())
}

struct RotatingFile {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl<'a> MakeWriter<'a> for RotatingFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self)
    }
}

struct Line<'a>(&'a RotatingFile);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut slot = self.0.file.lock().unwrap_or_else(PoisonError::into_inner);
        let full = slot.as_ref().and_then(|file| file.metadata().ok()).is_some_and(|meta| meta.len() > FILE_LIMIT);
        if full {
            *slot = None;
            fs::rename(&self.0.path, self.0.path.with_extension("1.log"))?;
        }
        if slot.is_none() {
            *slot = Some(OpenOptions::new().create(true).append(true).open(&self.0.path)?);
        }
        slot.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
