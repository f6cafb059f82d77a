//! The images of a study that came in a message: read from its ciphertext when a frame is asked for, and held no longer.

use super::source::FrameFailure;
use bytes::Bytes;
use contract::FailureCode;
use imaging::Part10;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tim::Kept;

/// Where an image lies in the file, and what it was when it came.
pub(crate) struct Place {
    pub(crate) bytes: Range<u64>,
    pub(crate) sha256: [u8; 32],
}

/// The images of a study of a message, by SOP Instance UID.
pub(crate) struct ReceivedImages {
    file: Kept,
    places: BTreeMap<String, Place>,
    /// The image that was read last: many frames may be asked of it.
    last: Mutex<Option<(String, Bytes)>>,
}

impl ReceivedImages {
    pub(crate) fn new(file: Kept, places: BTreeMap<String, Place>) -> Self {
        Self { file, places, last: Mutex::default() }
    }

    /// The encoded bytes of a frame, counted from 0, and their transfer syntax.
    pub(crate) async fn frame(self: &Arc<Self>, instance: &str, frame: usize) -> Result<(String, Bytes), FrameFailure> {
        let (images, instance) = (self.clone(), instance.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let file = images.image(&instance)?;
            let part10 = Part10::open(&file).map_err(|_unreadable| FrameFailure(FailureCode::NotDicom))?;
            let bytes = part10.frame(frame).map_err(|_cut| FrameFailure(FailureCode::ImageTruncated))?;
            Ok((part10.transfer_syntax().to_owned(), Bytes::from(bytes.into_owned())))
        });
        read.await.unwrap_or(Err(FrameFailure(FailureCode::ImageDamaged)))
    }

    fn image(&self, instance: &str) -> Result<Bytes, FrameFailure> {
        let last = || self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, bytes)) = last().as_ref().filter(|(known, _)| known == instance) {
            return Ok(bytes.clone());
        }
        let place = self.places.get(instance).ok_or(FrameFailure(FailureCode::NotFound))?;
        let bytes = read(&self.file, &place.bytes).ok_or(FrameFailure(FailureCode::ImageDamaged))?;
        // The cipher says nothing about a disk that changes what lies on it.
        if sum(&bytes) != place.sha256 {
            return Err(FrameFailure(FailureCode::ImageDamaged));
        }
        let bytes = Bytes::from(bytes);
        *last() = Some((instance.to_owned(), bytes.clone()));
        Ok(bytes)
    }
}

/// The bytes of an image; none where they are not all what was sent.
pub(crate) fn read(file: &Kept, place: &Range<u64>) -> Option<Vec<u8>> {
    let length = usize::try_from(place.end.checked_sub(place.start)?).ok()?;
    file.read(place.start, length).ok()
}

pub(crate) fn sum(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
