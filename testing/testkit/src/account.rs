//! [`AccountKit`]: one person's account of chat in a process of its own, which can be killed and started again.

use crate::{
    PATIENCE,
    account_process::{ACCOUNT, Act, Answer, Asked, Came, Told},
};
use anyhow::{Context as _, bail};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{Mutex as Turn, oneshot, watch},
    time::timeout,
};

/// Where an account lives.
#[derive(Debug, Clone)]
pub struct AccountPlace {
    /// The executable that calls [`crate::main`].
    pub program: PathBuf,
    /// A folder of its own; with a session in it the account goes on.
    pub folder: PathBuf,
    /// Server name of the homeserver.
    pub homeserver: String,
    /// User name of one of the invented people.
    pub user: String,
}

type Waiting = Arc<Mutex<BTreeMap<u64, oneshot::Sender<Result<Answer, String>>>>>;

/// An account at work. Dropping it kills its process.
#[derive(Debug)]
pub struct AccountKit {
    /// User id.
    pub user: String,
    /// Conversations that its list had when it was there.
    pub rows: usize,
    child: Turn<Child>,
    input: Turn<Option<ChildStdin>>,
    waiting: Waiting,
    next: AtomicU64,
    came: watch::Receiver<Vec<Came>>,
}

impl AccountKit {
    /// Starts it, and waits until its list is there.
    ///
    /// # Errors
    /// When it cannot be started, or says why it is not there. Dropping the future kills it.
    pub async fn open(place: &AccountPlace) -> anyhow::Result<Self> {
        let mut child = Command::new(&place.program)
            .arg(ACCOUNT)
            .arg(&place.folder)
            .args([&place.homeserver, &place.user])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("standard input is piped")?;
        let mut lines = BufReader::new(child.stdout.take().context("standard output is piped")?).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.context("an account is there in time")??;
        let first: Told = serde_json::from_str(&first.context("an account says that it is there")?)?;
        let (user, rows) = match first {
            Told::Up { user, rows } => (user, rows),
            Told::Refused(why) => bail!("{why}"),
            Told::Answer { .. } | Told::Came(_) => bail!("an account says first that it is there"),
        };
        let waiting = Waiting::default();
        let (tell, came) = watch::channel(Vec::new());
        let answers = waiting.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                match serde_json::from_str(&line) {
                    Ok(Told::Answer { id, answer }) => {
                        let asked = answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                        // Who asked may have gone.
                        let _heard = asked.map(|asked| asked.send(answer));
                    }
                    Ok(Told::Came(one)) => tell.send_modify(|came| came.push(one)),
                    // The line of a process that was killed ends where it ended.
                    Ok(Told::Up { .. } | Told::Refused(_)) | Err(_) => break,
                }
            }
            answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        });
        let (child, input) = (Turn::new(child), Turn::new(Some(input)));
        Ok(Self { user, rows, child, input, waiting, next: AtomicU64::new(1), came })
    }

    /// Does something, to its answer.
    ///
    /// # Errors
    /// What the account says, or that its process has ended; what it was asked then is done or not.
    pub async fn does(&self, act: Act) -> anyhow::Result<Answer> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, tell);
        let mut line = serde_json::to_vec(&Asked { id, act })?;
        line.push(b'\n');
        {
            let mut input = self.input.lock().await;
            let input = input.as_mut().context("the account has ended")?;
            input.write_all(&line).await.context("the account has ended")?;
            input.flush().await.context("the account has ended")?;
        }
        answer.await.context("the account has ended")?.map_err(anyhow::Error::msg)
    }

    /// Texts of others that have come into the conversations that it watches.
    #[must_use]
    pub fn came(&self) -> watch::Receiver<Vec<Came>> {
        self.came.clone()
    }

    /// Ends the process at once and without warning, whatever it is doing.
    ///
    /// # Errors
    /// When the system does not let go of it.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.child.lock().await.kill().await.context("the process ends")
    }

    /// Ends it as a person would.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn close(&self) -> anyhow::Result<()> {
        drop(self.input.lock().await.take());
        timeout(PATIENCE, self.child.lock().await.wait()).await.context("the account ends in time")??;
        Ok(())
    }
}
