//! Which fragments of encapsulated Pixel Data make up one frame (PS3.5 A.4).

use std::borrow::Cow;
use std::ops::Range;

/// Why a frame cannot be found among the fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// The frame number is outside the object.
    #[error("the object has no such frame")]
    NoSuchFrame,
    /// The fragments end before the frame, or an offset points outside.
    #[error("the frame's data is missing")]
    Missing,
    /// Several fragments a frame without an offset table and without recognizable beginnings.
    #[error("the frames cannot be told apart")]
    Ambiguous,
}

/// Offsets of frames relative to the first byte of the first fragment's item.
#[derive(Debug, Clone, Copy)]
pub struct OffsetTables<'a> {
    /// Basic Offset Table: the first item; empty if there is none.
    pub basic: &'a [u32],
    /// Extended Offset Table (7FE0,0001); empty if there is none.
    pub extended: &'a [u64],
}

/// The fragments of frame `frame` (from 0) of `frames`, as indices into `fragments`.
///
/// `bytes` is what the fragments' ranges refer to. In order: the extended offset table, one fragment
/// a frame, everything for a single frame, the basic offset table, and at last fragments that begin
/// with the start marker of a JPEG, JPEG-LS or JPEG 2000 stream.
///
/// # Errors
/// [`FragmentError`] if the frame cannot be found.
pub fn fragments_of_frame(
    bytes: &[u8],
    fragments: &[Range<usize>],
    tables: OffsetTables<'_>,
    frame: usize,
    frames: usize,
) -> Result<Range<usize>, FragmentError> {
    if frame >= frames.max(1) {
        return Err(FragmentError::NoSuchFrame);
    }
    if !tables.extended.is_empty() {
        let offsets: Vec<u64> = tables.extended.to_vec();
        return by_offsets(fragments, &offsets, frame);
    }
    if fragments.len() == frames {
        return if frame < fragments.len() { Ok(frame..frame + 1) } else { Err(FragmentError::Missing) };
    }
    if frames <= 1 {
        return if fragments.is_empty() { Err(FragmentError::Missing) } else { Ok(0..fragments.len()) };
    }
    if tables.basic.len() == frames {
        let offsets: Vec<u64> = tables.basic.iter().map(|&o| u64::from(o)).collect();
        return by_offsets(fragments, &offsets, frame);
    }
    let starts: Vec<usize> =
        (0..fragments.len()).filter(|&i| bytes.get(fragments[i].clone()).is_some_and(begins_a_stream)).collect();
    if starts.len() == frames {
        let end = starts.get(frame + 1).copied().unwrap_or(fragments.len());
        return Ok(starts[frame]..end);
    }
    // A file that was cut short still shows its first frames.
    if fragments.len() < frames {
        return if frame < fragments.len() { Ok(frame..frame + 1) } else { Err(FragmentError::Missing) };
    }
    Err(FragmentError::Ambiguous)
}

/// The bytes of the fragments `which`, borrowed where there is one.
///
/// # Errors
/// [`FragmentError::Missing`] if a fragment lies outside the bytes.
pub fn join<'a>(
    bytes: &'a [u8],
    fragments: &[Range<usize>],
    which: Range<usize>,
) -> Result<Cow<'a, [u8]>, FragmentError> {
    let part = |range: &Range<usize>| bytes.get(range.clone()).ok_or(FragmentError::Missing);
    match fragments.get(which).ok_or(FragmentError::Missing)? {
        [one] => Ok(Cow::Borrowed(part(one)?)),
        several => {
            let mut joined = Vec::with_capacity(several.iter().map(Range::len).sum());
            for range in several {
                joined.extend_from_slice(part(range)?);
            }
            Ok(Cow::Owned(joined))
        }
    }
}

fn by_offsets(fragments: &[Range<usize>], offsets: &[u64], frame: usize) -> Result<Range<usize>, FragmentError> {
    // The item header of 8 bytes precedes the fragment's first byte.
    let base = fragments.first().ok_or(FragmentError::Missing)?.start;
    let index = |offset: u64| {
        let offset = usize::try_from(offset).ok().and_then(|o| o.checked_add(base))?;
        fragments.binary_search_by_key(&offset, |f| f.start).ok()
    };
    let start = offsets.get(frame).copied().and_then(index).ok_or(FragmentError::Missing)?;
    let end = match offsets.get(frame + 1) {
        Some(&next) => index(next).ok_or(FragmentError::Missing)?,
        None => fragments.len(),
    };
    if start < end { Ok(start..end) } else { Err(FragmentError::Missing) }
}

/// SOI of JPEG and JPEG-LS, SOC and SIZ of JPEG 2000, signature box of JP2.
fn begins_a_stream(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xD8, 0xFF])
        || bytes.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
        || bytes.starts_with(&[0, 0, 0, 0x0C, b'j', b'P', b' ', b' '])
}

#[cfg(test)]
mod tests {
    use super::{FragmentError, OffsetTables, fragments_of_frame, join};

    const NONE: OffsetTables<'_> = OffsetTables { basic: &[], extended: &[] };

    #[test]
    fn one_fragment_a_frame_needs_no_table() {
        assert_eq!(fragments_of_frame(&[0; 40], &[8..10, 18..20], NONE, 1, 2), Ok(1..2), "the second");
        assert_eq!(fragments_of_frame(&[0; 40], &[8..10, 18..20], NONE, 2, 2), Err(FragmentError::NoSuchFrame), "none");
    }

    #[test]
    fn a_single_frame_takes_all_fragments() {
        let bytes: Vec<u8> = (0..40).collect();
        let which = fragments_of_frame(&bytes, &[8..10, 18..20], NONE, 0, 1);
        assert_eq!(which, Ok(0..2), "both");
        assert_eq!(join(&bytes, &[8..10, 18..20], 0..2).as_deref(), Ok(&[8, 9, 18, 19][..]), "joined without headers");
    }

    #[test]
    fn the_basic_offset_table_counts_item_headers() {
        // Fragments of 2, 4 and 6 bytes, headers of 8: the items begin at 0, 10 and 22 (PS3.5 A.4).
        let fragments = [100..102, 110..114, 122..128];
        let tables = OffsetTables { basic: &[0, 22], extended: &[] };
        assert_eq!(fragments_of_frame(&[0; 200], &fragments, tables, 0, 2), Ok(0..2), "the first two");
        assert_eq!(fragments_of_frame(&[0; 200], &fragments, tables, 1, 2), Ok(2..3), "the third");
        let wrong = OffsetTables { basic: &[0, 21], extended: &[] };
        assert_eq!(
            fragments_of_frame(&[0; 200], &fragments, wrong, 1, 2),
            Err(FragmentError::Missing),
            "no item there"
        );
    }

    #[test]
    fn start_markers_help_where_no_table_does() {
        let mut bytes = vec![0; 60];
        bytes[8..11].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
        bytes[40..43].copy_from_slice(&[0xFF, 0xD8, 0xFF]);
        let fragments = [8..14, 22..30, 40..50];
        assert_eq!(fragments_of_frame(&bytes, &fragments, NONE, 0, 2), Ok(0..2), "up to the next start");
        assert_eq!(fragments_of_frame(&bytes, &fragments, NONE, 1, 2), Ok(2..3), "the rest");
        assert_eq!(fragments_of_frame(&[0; 60], &fragments, NONE, 1, 2), Err(FragmentError::Ambiguous), "no markers");
    }
}
