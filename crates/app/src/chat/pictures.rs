//! Pictures that are sent: whether they are any, and a small one to go before them.
//!
//! They are looked at in a decode worker, which has nothing to lose: what makes it stumble, or promises more pixels than
//! are read, goes as a file that nobody shows unasked.

use crate::Desk;
use crate::images::WorkerError;
use futures_util::StreamExt as _;
use std::ops::Range;
use tim::{FileError, Outgoing, Source, Thumbnail};

/// A larger picture goes without a small one: it would have to be held for that. In bytes.
pub(super) const LARGEST: u64 = 12 * 1024 * 1024;

impl Desk {
    /// Looks at a picture before it is sent.
    pub(super) async fn look_at_picture(
        &self,
        outgoing: &mut Outgoing,
        source: &mut dyn Source,
    ) -> Result<(), FileError> {
        if outgoing.size() > LARGEST || outgoing.begun() {
            return Ok(());
        }
        let picture = within(source, 0..outgoing.size()).await?;
        match self.0.images.preview(&picture).await {
            Ok(found) => {
                let thumbnail = (!found.jpeg.is_empty()).then(|| Thumbnail {
                    bytes: found.jpeg,
                    mimetype: "image/jpeg".to_owned(),
                    size: found.size,
                });
                outgoing.shows(found.of, thumbnail);
            }
            // Of a form that the page shows and the worker does not read.
            Err(WorkerError::Unsupported(_)) if is_other_picture(&picture) => {}
            Err(error) => {
                tracing::info!(%error, "what is called a picture is sent as a file");
                outgoing.is_no_picture();
            }
        }
        Ok(())
    }
}

/// A part of a file that is short enough for the memory.
pub(super) async fn within(source: &mut dyn Source, place: Range<u64>) -> Result<Vec<u8>, FileError> {
    let unreadable = |error: std::io::Error| FileError::Source(error.to_string());
    let mut read = source.read_from(place.start).await.map_err(unreadable)?;
    let (mut bytes, size) = (Vec::new(), place.end.saturating_sub(place.start));
    while (bytes.len() as u64) < size {
        let piece = read.next().await.ok_or(FileError::Changed)?.map_err(unreadable)?;
        bytes.extend_from_slice(&piece);
    }
    bytes.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(bytes)
}

/// By the first bytes (WHATWG MIME Sniffing §6.1): GIF, WebP, AVIF.
fn is_other_picture(bytes: &[u8]) -> bool {
    let at = |from: usize, expected: &[u8]| bytes.get(from..from + expected.len()) == Some(expected);
    at(0, b"GIF87a") || at(0, b"GIF89a") || (at(0, b"RIFF") && at(8, b"WEBP")) || at(4, b"ftypavif")
}

#[cfg(test)]
mod tests {
    use super::is_other_picture;

    #[test]
    fn a_picture_is_known_by_its_first_bytes_and_not_by_its_name() {
        for (bytes, expected) in [
            (&b"GIF89a\x01\0"[..], true),
            (b"RIFF\x24\0\0\0WEBPVP8 ", true),
            (b"\0\0\0\x20ftypavif", true),
            (b"RIFF\x24\0\0\0WAVE", false),
            (b"MZ\x90\0", false),
            (b"<svg xmlns=", false),
            (b"GIF", false),
        ] {
            assert_eq!(is_other_picture(bytes), expected, "{}", bytes.escape_ascii());
        }
    }
}
