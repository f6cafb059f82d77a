//! What every test here starts with: a server on loopback, a clock that is moved by hand, pauses that
//! are noted and not waited for, and a store in memory.

use std::{
    future::ready,
    io::Write,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use platform::{
    Egress, Time,
    egress::{EgressOptions, ProxyChoice},
    oidc::{StoredTokens, TokenStore, TokenStoreError},
};
use tracing_subscriber::fmt::MakeWriter;
use url::Url;

/// Serves `app` for as long as the test runs.
pub(crate) async fn serve(app: Router) -> Url {
    log();
    let socket = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("a bound socket has an address");
    tokio::spawn(async move { axum::serve(socket, app).await });
    Url::parse(&format!("http://{address}/")).expect("an address with a port is a URL")
}

/// The log of all tests, down to the last detail.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

pub(crate) fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).init();
        log
    })
}

impl Log {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panics").clone()).expect("logs are text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().map_err(|error| std::io::Error::other(error.to_string()))?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A body in pieces; with `cut` the connection ends after the last of them, before the answer does.
pub(crate) fn body(content: &[u8], piece: usize, cut: bool) -> Body {
    let pieces: Vec<_> = content.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let end = stream::once(async {
        // What was written goes out while the next piece is awaited.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("the line is cut"))
    });
    if cut { Body::from_stream(stream::iter(pieces).chain(end)) } else { Body::from_stream(stream::iter(pieces)) }
}

/// The computer's clock with an offset, and the pauses that were asked for.
#[derive(Clone, Default)]
pub(crate) struct Moved {
    offset: Arc<AtomicI64>,
    pauses: Arc<Mutex<Vec<Duration>>>,
}

impl Moved {
    pub(crate) fn by(&self, offset: SignedDuration) {
        self.offset.store(offset.as_secs(), Ordering::SeqCst);
    }

    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().expect("no test panics while it holds this").clone()
    }

    pub(crate) fn egress(&self) -> Egress {
        Egress::new(self.options()).expect("the default options are good")
    }

    pub(crate) fn options(&self) -> EgressOptions {
        let (offset, pauses) = (Arc::clone(&self.offset), Arc::clone(&self.pauses));
        EgressOptions {
            proxy: ProxyChoice::Direct,
            time: Time::system()
                .with_now(move || Timestamp::now() + SignedDuration::from_secs(offset.load(Ordering::SeqCst)))
                .with_wait(move |pause| {
                    pauses.lock().expect("no test panics while it holds this").push(pause);
                    ready(())
                }),
            ..EgressOptions::default()
        }
    }
}

/// A [`TokenStore`] in memory.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<Vec<Option<Vec<u8>>>>);

impl Shelf {
    /// What is kept.
    pub(crate) fn kept(&self) -> Option<StoredTokens> {
        let all = self.0.lock().expect("no test panics while it holds this");
        all.last().cloned().flatten().map(|bytes| StoredTokens::from_bytes(&bytes).expect("it was written by us"))
    }

    /// The bytes that are kept, as text: stored tokens are JSON before they are sealed.
    pub(crate) fn text(&self) -> String {
        let all = self.0.lock().expect("no test panics while it holds this");
        String::from_utf8(all.last().cloned().flatten().unwrap_or_default()).expect("stored tokens are text")
    }

    pub(crate) fn writes(&self) -> usize {
        self.0.lock().expect("no test panics while it holds this").len()
    }
}

impl TokenStore for Shelf {
    fn save(&self, tokens: &StoredTokens) -> Result<(), TokenStoreError> {
        self.0.lock().map_err(|error| TokenStoreError(error.to_string()))?.push(Some(tokens.to_bytes().to_vec()));
        Ok(())
    }

    fn wipe(&self) -> Result<(), TokenStoreError> {
        self.0.lock().map_err(|error| TokenStoreError(error.to_string()))?.push(None);
        Ok(())
    }
}
