//! A decode worker that goes wrong at the frames that a test marks, and decodes every other one as the worker that
//! ships. The mark is the first bytes of the encoded frame, so that only whoever makes the image can set it.

use app::{WorkerProgram, worker};
use std::{
    hint::black_box,
    io::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

/// The argument that makes the test program such a worker.
pub(crate) const ARGUMENT: &str = "misbehaving-worker";
/// The variable by which a desk is told to use it: milliseconds for a frame.
pub(crate) const FRAME_TIME: &str = "KONSIL_TEST_FRAME_TIME";

/// Twice what a worker may have.
const TOO_MUCH: usize = 4 << 30;

/// What a worker does at a marked frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehavior {
    /// It dies at once, as by a fault in a codec.
    Crash,
    /// It never answers.
    Hang,
    /// It asks for more memory than it may have.
    Starve,
    /// It answers with lengths that no frame has.
    Babble,
}

impl Misbehavior {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Crash, Self::Hang, Self::Starve, Self::Babble];

    /// How a frame begins at which it happens.
    #[must_use]
    pub const fn mark(self) -> [u8; 8] {
        match self {
            Self::Crash => *b"!crash!!",
            Self::Hang => *b"!hangs!!",
            Self::Starve => *b"!starve!",
            Self::Babble => *b"!babble!",
        }
    }

    fn happens(self) {
        match self {
            Self::Crash => std::process::abort(),
            Self::Hang => loop {
                std::thread::park();
            },
            Self::Starve => drop(black_box(Vec::<u8>::with_capacity(TOO_MUCH))),
            Self::Babble => {
                // The worker's own lock on standard output is of this thread. Nobody listening is the end as well.
                let mut out = io::stdout().lock();
                let _over = out.write_all(&[0xFF; 64]).and_then(|()| out.flush());
            }
        }
    }
}

/// The test program as such a worker.
#[must_use]
pub fn program(program: PathBuf, frame_time: Duration) -> WorkerProgram {
    WorkerProgram { program, arguments: vec![ARGUMENT.to_owned()], frame_time }
}

pub(crate) fn main() -> io::Result<()> {
    worker::serve(|frame| {
        if let Some(wrong) = Misbehavior::ALL.into_iter().find(|wrong| frame.starts_with(&wrong.mark())) {
            wrong.happens();
        }
    })
}
