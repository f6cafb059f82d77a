//! One consumer of the bulk pipe: what it wants, in which order, and how much it may be sent.
//!
//! The consumer asks for a range of frames around the one it shows; they come in the order of
//! [`Wants`]. Every binary message takes one credit, and without credit nothing is decoded beyond a small
//! window, so a slow page never makes a queue here.

use super::{
    source::{FrameFailure, Images},
    wants::{Next, Wants},
};
use bytes::Bytes;
use contract::FailureCode;
use futures_util::{FutureExt as _, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Frames fetched or decoded at a time: enough to hide the archive's latency, few enough to stay flat.
const IN_FLIGHT: usize = 8;
/// Decoded frames that wait for credit.
const WAITING: usize = 8;
/// Messages that had credit and wait for the connection.
const LEAVING: usize = 4;

/// How long the first frame of a wish has the computer to itself; an archive that is slower than this is no
/// reason to hold the others back.
const ALONE: Duration = Duration::from_millis(150);
/// When it has come, the page draws it before others take the cores that it is drawn with.
const DRAWING: Duration = Duration::from_millis(40);

/// What goes to the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A bulk message.
    Binary(Bytes),
    /// A word: a frame that failed, or the answer to a ping.
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Word {
    Want { series: u32, first: u32, last: u32, near: u32 },
    Credit { n: u32 },
    Drop { series: u32 },
    Ping,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Said {
    Failed { series: u32, frame: u32, code: FailureCode },
    Pong,
}

/// A consumer. Dropping it stops its fetching.
#[derive(Debug)]
pub struct BulkSession {
    words: mpsc::Sender<Word>,
    outgoing: mpsc::Receiver<Outgoing>,
}

impl BulkSession {
    pub(crate) fn start(images: Images) -> Self {
        Self::over(Box::new(move |series, frame| {
            let (images, awaited) = (images.clone(), images.awaited());
            async move {
                let fetched = images.messages(series, frame).await;
                drop(awaited);
                fetched
            }
            .boxed()
        }))
    }

    fn over(fetch: Fetch) -> Self {
        let (words, heard) = mpsc::channel(64);
        let (say, outgoing) = mpsc::channel(LEAVING);
        let driver = Driver { fetch, say, wants: Wants::default(), credit: 0, ready: VecDeque::new(), alone: None };
        tokio::spawn(driver.run(heard));
        Self { words, outgoing }
    }

    /// Takes a text message of the page. Words that are not known are passed over.
    pub async fn hear(&self, text: &str) {
        if let Ok(word) = serde_json::from_str(text) {
            // The driver ends only with this session.
            let _gone = self.words.send(word).await;
        }
    }

    /// What goes out next; `None` when the session is over.
    pub async fn next(&mut self) -> Option<Outgoing> {
        self.outgoing.recv().await
    }

    /// Both ways apart, for a shell that reads and writes in turns.
    #[must_use]
    pub fn split(self) -> (BulkEar, mpsc::Receiver<Outgoing>) {
        (BulkEar(self.words), self.outgoing)
    }
}

/// The listening half of a [`BulkSession`].
#[derive(Debug)]
pub struct BulkEar(mpsc::Sender<Word>);

impl BulkEar {
    /// As [`BulkSession::hear`].
    pub async fn hear(&self, text: &str) {
        if let Ok(word) = serde_json::from_str(text) {
            let _gone = self.0.send(word).await;
        }
    }
}

/// What becomes of a frame: its messages, or why there are none.
type Fetched = Result<Vec<Bytes>, FrameFailure>;
/// Begins to fetch a frame of a series.
type Fetch = Box<dyn Fn(u32, u32) -> BoxFuture<'static, Fetched> + Send>;

struct Driver {
    fetch: Fetch,
    say: mpsc::Sender<Outgoing>,
    wants: Wants,
    credit: u32,
    ready: VecDeque<(u32, Outgoing)>,
    /// The frame that a person waits for, and until when others leave it the computer.
    alone: Option<((u32, u32), Instant)>,
}

impl Driver {
    async fn run(mut self, mut heard: mpsc::Receiver<Word>) {
        let mut flying: FuturesUnordered<BoxFuture<'static, (u32, u32, Fetched)>> = FuturesUnordered::new();
        loop {
            while flying.len() < IN_FLIGHT && self.ready.len() < WAITING && self.alone.is_none() {
                let Some(Next { series, frame, first }) = self.wants.next() else { break };
                if first {
                    self.alone = Some(((series, frame), Instant::now() + ALONE));
                }
                flying.push((self.fetch)(series, frame).map(move |fetched| (series, frame, fetched)).boxed());
            }
            let say = self.say.clone();
            let alone = self.alone.map(|(_, until)| until);
            let sendable =
                self.ready.front().is_some_and(|(_, out)| self.credit > 0 || matches!(out, Outgoing::Text(_)));
            tokio::select! {
                word = heard.recv() => match word {
                    Some(word) => self.apply(word),
                    None => return,
                },
                Some((series, frame, fetched)) = flying.next(), if !flying.is_empty() => {
                    self.take(series, frame, fetched);
                }
                () = sleep_until(alone.unwrap_or_else(Instant::now)), if alone.is_some() => self.alone = None,
                permit = say.reserve(), if sendable => {
                    let Ok(permit) = permit else { return };
                    if let Some((_, out)) = self.ready.pop_front() {
                        if matches!(out, Outgoing::Binary(_)) {
                            self.credit -= 1;
                        }
                        permit.send(out);
                    }
                }
            }
        }
    }

    fn apply(&mut self, word: Word) {
        match word {
            Word::Want { series, first, last, near } => self.wants.want(series, (first, last), near),
            Word::Credit { n } => self.credit = self.credit.saturating_add(n).min(1024),
            Word::Drop { series } => {
                self.wants.forget(series);
                self.ready.retain(|(owner, _)| *owner != series);
            }
            Word::Ping => self.ready.push_front((0, said(&Said::Pong))),
        }
    }

    fn take(&mut self, series: u32, frame: u32, fetched: Fetched) {
        if let Some((awaited, until)) = &mut self.alone
            && *awaited == (series, frame)
        {
            *until = Instant::now() + DRAWING;
        }
        if !self.wants.knows(series) {
            return;
        }
        match fetched {
            Ok(messages) => self.ready.extend(messages.into_iter().map(|message| (series, Outgoing::Binary(message)))),
            Err(FrameFailure(code)) => self.ready.push_back((series, said(&Said::Failed { series, frame, code }))),
        }
    }
}

fn said(said: &Said) -> Outgoing {
    Outgoing::Text(serde_json::to_string(said).expect("numbers and codes"))
}

#[cfg(test)]
mod tests {
    use super::{BulkSession, IN_FLIGHT, LEAVING, Outgoing, WAITING};
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };
    use tokio::time::timeout;

    /// Frames that may be here at a time, from the archive to the decoded values.
    const WINDOW: usize = IN_FLIGHT + WAITING;
    /// A driver that would decode on does so in one of its turns.
    const TURNS: usize = 500;
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A page before an archive that has every frame at once, and how many of them were begun.
    fn page() -> (BulkSession, Arc<AtomicUsize>) {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let session = BulkSession::over(Box::new(move |_, frame| {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok(vec![Bytes::copy_from_slice(&frame.to_le_bytes())])).boxed()
        }));
        (session, begun)
    }

    async fn say(page: &BulkSession, words: &str) {
        page.hear(words).await;
    }

    /// What comes next, once the driver has had a turn for it.
    async fn next(page: &mut BulkSession) -> Outgoing {
        timeout(PATIENCE, page.next()).await.expect("something comes in time").expect("the session goes on")
    }

    /// One turn of the driver, without a frame.
    async fn turn(page: &mut BulkSession) {
        say(page, r#"{"type":"ping"}"#).await;
        assert_eq!(next(page).await, Outgoing::Text(r#"{"type":"pong"}"#.to_owned()), "no frame without credit");
    }

    #[tokio::test]
    async fn without_credit_a_window_of_frames_is_decoded_and_each_credit_is_one_frame_more() {
        let (mut page, begun) = page();
        say(&page, r#"{"type":"want","series":1,"first":0,"last":199,"near":0}"#).await;
        // The window fills once the first frame was drawn.
        let filled = async {
            while begun.load(Ordering::SeqCst) < WINDOW - 1 {
                turn(&mut page).await;
            }
        };
        timeout(PATIENCE, filled).await.expect("the window fills without credit");
        let mut taken = 0;
        for credit in [1, 1, 5, 40] {
            for _ in 0..TURNS {
                turn(&mut page).await;
            }
            let begun = begun.load(Ordering::SeqCst);
            assert!(begun <= taken + WINDOW, "{begun} were begun, {taken} were taken");
            say(&page, &format!(r#"{{"type":"credit","n":{credit}}}"#)).await;
            for _ in 0..credit {
                assert!(matches!(next(&mut page).await, Outgoing::Binary(_)), "a frame for each credit");
            }
            taken += credit;
        }
    }

    #[tokio::test]
    async fn a_page_that_gives_credit_and_takes_nothing_makes_no_queue_either() {
        let (page, begun) = page();
        say(&page, r#"{"type":"credit","n":1000}"#).await;
        say(&page, r#"{"type":"want","series":1,"first":0,"last":199,"near":0}"#).await;
        let filled = async {
            while begun.load(Ordering::SeqCst) < WINDOW {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, filled).await.expect("the window fills");
        for _ in 0..TURNS {
            say(&page, r#"{"type":"drop","series":2}"#).await;
            tokio::task::yield_now().await;
        }
        let begun = begun.load(Ordering::SeqCst);
        assert!(begun <= WINDOW + LEAVING, "{begun} were begun and none was taken");
    }
}
