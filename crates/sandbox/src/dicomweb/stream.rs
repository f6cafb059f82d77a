//! Bodies that a blocking thread fills piece by piece: no more than a few pieces wait for the client.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use axum::body::Body;
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::images::part10::{Piece, length};

/// Pieces that may wait, and their size.
const WAITING: usize = 8;
const PIECE: usize = 128 * 1024;

/// Where the blocking thread puts the body.
#[derive(Debug)]
pub(crate) struct Sink(mpsc::Sender<io::Result<Bytes>>);

impl Sink {
    /// Sends bytes; fails when the client has gone.
    pub(crate) fn send(&self, bytes: impl Into<Bytes>) -> io::Result<()> {
        self.0
            .blocking_send(Ok(bytes.into()))
            .map_err(|gone| io::Error::new(io::ErrorKind::BrokenPipe, gone.to_string()))
    }

    /// Sends stretches of a file.
    pub(crate) fn send_pieces(&self, path: &Path, pieces: &[Piece]) -> io::Result<()> {
        let mut file = File::open(path)?;
        for piece in pieces {
            file.seek(SeekFrom::Start(piece.offset))?;
            let mut left = piece.length;
            while left > 0 {
                let take = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
                let mut bytes = vec![0; take];
                file.read_exact(&mut bytes)?;
                self.send(bytes)?;
                left -= length(take);
            }
        }
        Ok(())
    }
}

/// A body that `fill` writes on a blocking thread. An error breaks the connection off, so that the
/// client does not take half an answer for a whole one.
pub(crate) fn body(fill: impl FnOnce(&Sink) -> io::Result<()> + Send + 'static) -> Body {
    let (sender, receiver) = mpsc::channel(WAITING);
    let sink = Sink(sender);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = fill(&sink)
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            tracing::warn!(%error, "an answer breaks off");
            // The client may have gone meanwhile; then nobody needs to be told.
            let _gone = sink.0.blocking_send(Err(error));
        }
    });
    Body::from_stream(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|item| (item, receiver))
    }))
}
