//! The bytes of a study's archive: what stands between its images, and the images from where they are.

use super::zip::{Layout, Piece};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use tim::Source;

/// An archive around a source that has the members' bytes, one member after the other.
pub(in crate::chat) struct Packed<S> {
    layout: Arc<Layout>,
    members: S,
}

impl<S: Source> Packed<S> {
    pub(in crate::chat) fn new(layout: Arc<Layout>, members: S) -> Self {
        Self { layout, members }
    }
}

struct Reading {
    pieces: VecDeque<Piece>,
    members: BoxStream<'static, io::Result<Bytes>>,
    /// Of the members, what was read and is not given.
    held: Bytes,
}

impl<S: Source> Source for Packed<S> {
    fn read_from(&mut self, offset: u64) -> BoxFuture<'_, io::Result<BoxStream<'static, io::Result<Bytes>>>> {
        async move {
            let (before, pieces) = self.layout.from(offset);
            let members = self.members.read_from(before).await?;
            let reading = Reading { pieces: pieces.into(), members, held: Bytes::new() };
            Ok(futures_util::stream::try_unfold(reading, Reading::next).boxed())
        }
        .boxed()
    }
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Own(bytes)) => return Ok(Some((bytes, self))),
                Some(Piece::Members(0)) => {}
                Some(Piece::Members(left)) => {
                    if self.held.is_empty() {
                        // Fewer bytes than there were when they were looked at: the file is another one.
                        let end = || io::Error::from(io::ErrorKind::UnexpectedEof);
                        self.held = self.members.next().await.ok_or_else(end)??;
                    }
                    let now = self.held.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.pieces.push_front(Piece::Members(left - now as u64));
                    if now > 0 {
                        let given = self.held.split_to(now);
                        return Ok(Some((given, self)));
                    }
                }
            }
        }
    }
}
