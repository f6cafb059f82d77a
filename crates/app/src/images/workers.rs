//! The pool of decode workers. A worker that crashes, starves or hangs is killed and replaced; the
//! image that did it fails with a reason, the others go on.

use crate::worker::{self, Job, Outcome, Task, format_of, join, split};
use imaging::{ImageDescription, RawFrame, StoredFrame};
use std::{
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Semaphore,
    time::timeout,
};

/// Time for one frame. The slowest honest frame of the test data takes under a second; a damaged one
/// was seen to take 16.
const FRAME_TIME: Duration = Duration::from_secs(8);
/// No decoded frame is larger.
const PIXEL_LIMIT: usize = 1 << 30;

/// Why a frame was not decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    /// Fewer bytes than the frame needs.
    #[error("the image data ends early")]
    Truncated,
    /// No codec reads it.
    #[error("{0} cannot be displayed")]
    Unsupported(String),
    /// The codec gave up.
    #[error("the image data is damaged: {0}")]
    Damaged(String),
    /// The worker died or took too long and was replaced.
    #[error("the decoder was stopped: {0}")]
    Stopped(String),
}

/// What is started as a worker, and how long it may take.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    /// An executable that becomes a worker by the arguments.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// A worker that takes longer for one frame is killed.
    pub frame_time: Duration,
}

impl WorkerProgram {
    /// An executable whose `main` knows [`worker::ARGUMENT`], with the usual time.
    #[must_use]
    pub fn of(program: PathBuf) -> Self {
        Self { program, arguments: vec![worker::ARGUMENT.to_owned()], frame_time: FRAME_TIME }
    }
}

/// A small picture is no larger, in bytes.
const LARGEST_PREVIEW: usize = 1 << 20;

/// A picture, small.
pub(crate) struct Preview {
    /// Width and height of the picture, as it is to be held.
    pub(crate) of: (u32, u32),
    /// Of the small one.
    pub(crate) size: (u32, u32),
    /// JPEG; empty where the picture itself is small enough.
    pub(crate) jpeg: Vec<u8>,
}

/// A decoded frame.
pub type Decoded = Arc<StoredFrame>;

/// Workers, at most as many as the computer has cores. Clones are the same pool.
#[derive(Clone)]
pub struct WorkerPool(Arc<Inner>);

struct Inner {
    program: WorkerProgram,
    size: usize,
    free: Semaphore,
    idle: Mutex<Vec<Worker>>,
    started: AtomicU64,
    replaced: AtomicU64,
    decoded: AtomicU64,
}

struct Worker {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    // Killed when dropped.
    _child: Child,
}

impl std::fmt::Debug for WorkerPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WorkerPool({})", self.0.size)
    }
}

impl WorkerPool {
    /// A pool of `size` workers that starts them when they are needed.
    #[must_use]
    pub fn new(program: WorkerProgram, size: usize) -> Self {
        let size = size.max(1);
        Self(Arc::new(Inner {
            program,
            size,
            free: Semaphore::new(size),
            idle: Mutex::new(Vec::new()),
            started: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
        }))
    }

    /// Workers at most, replaced so far, frames decoded so far.
    #[must_use]
    pub fn figures(&self) -> (usize, u64, u64) {
        (self.0.size, self.0.replaced.load(Ordering::Relaxed), self.0.decoded.load(Ordering::Relaxed))
    }

    /// Starts all workers, so that the first image does not wait for one.
    pub fn warm(&self) {
        while self.0.started.load(Ordering::Relaxed) < self.0.size as u64 {
            match self.0.start() {
                Ok(worker) => self.0.idle().push(worker),
                Err(error) => {
                    tracing::error!(%error, "a decode worker could not be started");
                    return;
                }
            }
        }
    }

    /// Decodes one frame.
    ///
    /// # Errors
    /// [`WorkerError`] says what the person is told.
    pub async fn decode(
        &self,
        image: &ImageDescription,
        transfer_syntax: &str,
        encoded: &[u8],
    ) -> Result<StoredFrame, WorkerError> {
        let task = Task { image: image.clone(), transfer_syntax: transfer_syntax.to_owned(), raw: false };
        let (outcome, pixels) = self.ask(&Job::Frame(task), encoded).await?;
        frame(outcome, pixels)
    }

    /// The stored values of one frame, exactly.
    ///
    /// # Errors
    /// [`WorkerError`] says what the person is told.
    pub async fn decode_raw(
        &self,
        image: &ImageDescription,
        transfer_syntax: &str,
        encoded: &[u8],
    ) -> Result<RawFrame, WorkerError> {
        let task = Task { image: image.clone(), transfer_syntax: transfer_syntax.to_owned(), raw: true };
        let (outcome, pixels) = self.ask(&Job::Frame(task), encoded).await?;
        raw_frame(outcome, pixels)
    }

    /// A picture that somebody sends, made small.
    ///
    /// # Errors
    /// [`WorkerError::Unsupported`] where its form is not read, the others where it is no picture.
    pub(crate) async fn preview(&self, encoded: &[u8]) -> Result<Preview, WorkerError> {
        match self.ask(&Job::Preview, encoded).await? {
            (Outcome::Preview { of, size }, jpeg) if jpeg.len() <= LARGEST_PREVIEW => Ok(Preview { of, size, jpeg }),
            (Outcome::Unsupported(what), _) => Err(WorkerError::Unsupported(what)),
            (Outcome::Damaged(why), _) => Err(WorkerError::Damaged(why)),
            (Outcome::Truncated, _) => Err(WorkerError::Truncated),
            (Outcome::Preview { .. } | Outcome::Ok { .. } | Outcome::Raw { .. }, _) => Err(other_form()),
        }
    }

    async fn ask(&self, job: &Job, encoded: &[u8]) -> Result<(Outcome, Vec<u8>), WorkerError> {
        let _permit = self.0.free.acquire().await.map_err(|error| WorkerError::Stopped(error.to_string()))?;
        let idle = self.0.idle().pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.0.start().map_err(|error| WorkerError::Stopped(error.to_string()))?,
        };
        let answered = timeout(self.0.program.frame_time, worker.ask(job, encoded)).await;
        match answered {
            Ok(Ok(answer)) => {
                self.0.idle().push(worker);
                self.0.decoded.fetch_add(1, Ordering::Relaxed);
                Ok(answer)
            }
            Ok(Err(error)) => Err(self.0.replace(worker, &format!("it died: {}", error.kind()))),
            Err(_elapsed) => Err(self.0.replace(worker, "it took too long")),
        }
    }
}

impl Inner {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> std::io::Result<Worker> {
        let mut child = Command::new(&self.program.program)
            .args(&self.program.arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
        let output = BufReader::with_capacity(1 << 18, child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?);
        self.started.fetch_add(1, Ordering::Relaxed);
        Ok(Worker { input, output, _child: child })
    }

    fn replace(&self, worker: Worker, why: &str) -> WorkerError {
        drop(worker);
        self.started.fetch_sub(1, Ordering::Relaxed);
        self.replaced.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(why, "a decode worker was replaced");
        WorkerError::Stopped(why.to_owned())
    }
}

impl Worker {
    async fn ask(&mut self, job: &Job, encoded: &[u8]) -> std::io::Result<(Outcome, Vec<u8>)> {
        let task = serde_json::to_vec(job)?;
        self.input.write_all(&join(task.len(), encoded.len())?).await?;
        self.input.write_all(&task).await?;
        self.input.write_all(encoded).await?;
        self.input.flush().await?;
        let mut lengths = [0u8; 8];
        self.output.read_exact(&mut lengths).await?;
        let (outcome_length, pixel_length) = split(lengths);
        if pixel_length > PIXEL_LIMIT || outcome_length > 1 << 16 {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut outcome = vec![0; outcome_length];
        self.output.read_exact(&mut outcome).await?;
        let mut pixels = vec![0; pixel_length];
        self.output.read_exact(&mut pixels).await?;
        Ok((serde_json::from_slice(&outcome)?, pixels))
    }
}

fn frame(outcome: Outcome, bytes: Vec<u8>) -> Result<StoredFrame, WorkerError> {
    match outcome {
        Outcome::Ok { columns, rows, format } => {
            let format = format_of(format).ok_or_else(|| WorkerError::Damaged("a format of no name".to_owned()))?;
            if bytes.len() != columns as usize * rows as usize * format.bytes_per_pixel() {
                return Err(WorkerError::Truncated);
            }
            Ok(StoredFrame { columns, rows, format, bytes })
        }
        Outcome::Raw { .. } | Outcome::Preview { .. } => Err(other_form()),
        Outcome::Truncated => Err(WorkerError::Truncated),
        Outcome::Unsupported(what) => Err(WorkerError::Unsupported(what)),
        Outcome::Damaged(why) => Err(WorkerError::Damaged(why)),
    }
}

fn raw_frame(outcome: Outcome, bytes: Vec<u8>) -> Result<RawFrame, WorkerError> {
    match outcome {
        Outcome::Raw { columns, rows, samples, bits, signed, photometric } => {
            if bytes.len() != columns as usize * rows as usize * usize::from(samples) * usize::from(bits / 8) {
                return Err(WorkerError::Truncated);
            }
            Ok(RawFrame { columns, rows, samples, bits, signed, photometric, bytes })
        }
        Outcome::Ok { .. } | Outcome::Preview { .. } => Err(other_form()),
        Outcome::Truncated => Err(WorkerError::Truncated),
        Outcome::Unsupported(what) => Err(WorkerError::Unsupported(what)),
        Outcome::Damaged(why) => Err(WorkerError::Damaged(why)),
    }
}

/// A worker that answers in another form than it was asked for is of another build.
fn other_form() -> WorkerError {
    WorkerError::Stopped("it answered in another form".to_owned())
}
