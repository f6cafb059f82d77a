//! Sealing: `version ‖ 24-byte nonce ‖ XChaCha20-Poly1305`, whole or in chunks of 1 MiB.

use crate::keys::{Key, random};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// Largest plaintext of one chunk.
pub(crate) const CHUNK: usize = 1 << 20;
/// What sealing adds to a plaintext: version, nonce, tag.
pub(crate) const OVERHEAD: usize = 1 + NONCE + 16;

const NONCE: usize = 24;
// The part of the nonce that the chunks of one value share, so that chunks of two values never mix.
const FAMILY: usize = 16;
const WHOLE: u8 = 1;
const PART: u8 = 2;

/// The bytes do not belong to this key and place, or were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damaged;

/// `table ‖ 0 ‖ row key`. Neither holds NUL, so no two places share one.
pub(crate) fn place(table: &str, row: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], row].concat()
}

/// Seals a value of any length as one piece.
pub(crate) fn seal(key: &Key, place: &[u8], plain: &[u8]) -> Vec<u8> {
    encrypt(key, WHOLE, random(), place, plain)
}

/// Opens what [`seal`] made.
pub(crate) fn open(key: &Key, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Damaged> {
    decrypt(key, WHOLE, place, sealed)
}

/// Seals a value in chunks. A value of one chunk has the plain form of [`seal`].
pub(crate) fn seal_chunks(key: &Key, place: &[u8], plain: &[u8]) -> Vec<Vec<u8>> {
    if plain.len() <= CHUNK {
        return vec![seal(key, place, plain)];
    }
    let family: [u8; FAMILY] = random();
    let count = plain.len().div_ceil(CHUNK);
    plain
        .chunks(CHUNK)
        .enumerate()
        .map(|(number, chunk)| {
            let mut nonce: [u8; NONCE] = random();
            nonce[..FAMILY].copy_from_slice(&family);
            encrypt(key, PART, nonce, &part_place(place, number, number + 1 == count), chunk)
        })
        .collect()
}

/// Opens what [`seal_chunks`] made: all chunks, in order.
pub(crate) fn open_chunks<'a>(
    key: &Key,
    place: &[u8],
    sealed: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Damaged> {
    let count = sealed.len();
    let mut family: Option<&[u8]> = None;
    let mut plain = Vec::new();
    for (number, chunk) in sealed.enumerate() {
        if count == 1 {
            return open(key, place, chunk);
        }
        let own = chunk.get(1..=FAMILY).ok_or(Damaged)?;
        if *family.get_or_insert(own) != own {
            return Err(Damaged);
        }
        plain.extend(decrypt(key, PART, &part_place(place, number, number + 1 == count), chunk)?);
    }
    if count == 0 { Err(Damaged) } else { Ok(plain) }
}

fn part_place(place: &[u8], number: usize, last: bool) -> Vec<u8> {
    let number = u32::try_from(number).expect("a value of 4 PiB fits no memory");
    [place, &[0], &number.to_be_bytes(), &[u8::from(last)]].concat()
}

fn encrypt(key: &Key, version: u8, nonce: [u8; NONCE], place: &[u8], plain: &[u8]) -> Vec<u8> {
    let body = XChaCha20Poly1305::new(key.as_slice().into())
        .encrypt(XNonce::from_slice(&nonce), Payload { msg: plain, aad: place })
        .expect("XChaCha20-Poly1305 refuses only plaintexts above 256 GiB");
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
    sealed.push(version);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&body);
    sealed
}

fn decrypt(key: &Key, version: u8, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Damaged> {
    if sealed.len() < OVERHEAD || sealed[0] != version {
        return Err(Damaged);
    }
    let (nonce, body) = sealed[1..].split_at(NONCE);
    XChaCha20Poly1305::new(key.as_slice().into())
        .decrypt(XNonce::from_slice(nonce), Payload { msg: body, aad: place })
        .map_err(|_why| Damaged)
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Damaged, OVERHEAD, open, open_chunks, place, seal, seal_chunks};
    use zeroize::Zeroizing;

    fn opened(chunks: &[Vec<u8>], place: &[u8]) -> Result<Vec<u8>, Damaged> {
        open_chunks(&Zeroizing::new([9; 32]), place, chunks.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_place_and_unchanged() {
        let key = Zeroizing::new([9; 32]);
        let here = place("drafts", b"pat-1");
        let sealed = seal(&key, &here, b"text");
        assert_eq!(sealed.len(), 4 + OVERHEAD, "version, nonce and tag are all that is added");
        assert_eq!(open(&key, &here, &sealed).as_deref(), Ok(&b"text"[..]), "it opens where it was sealed");
        assert_eq!(open(&key, &place("drafts", b"pat-2"), &sealed), Err(Damaged), "it opens for no other row");
        assert_eq!(open(&key, &place("records", b"pat-1"), &sealed), Err(Damaged), "it opens in no other table");
        assert_eq!(open(&Zeroizing::new([8; 32]), &here, &sealed), Err(Damaged), "it opens with no other key");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(open(&key, &here, &changed), Err(Damaged), "byte {at} changed");
            assert_eq!(open(&key, &here, &sealed[..at]), Err(Damaged), "cut after {at} bytes");
        }
    }

    #[test]
    fn chunks_can_neither_be_dropped_swapped_nor_mixed() {
        let key = Zeroizing::new([9; 32]);
        let here = place("records", b"big");
        let plain: Vec<u8> = (0..2 * CHUNK + 5).map(|i| u8::try_from(i % 251).expect("below 251")).collect();
        let chunks = seal_chunks(&key, &here, &plain);
        assert_eq!(chunks.len(), 3, "two full chunks and a rest");
        assert!(opened(&chunks, &here).as_deref() == Ok(&plain), "they open to the value");
        assert_eq!(opened(&chunks[..2], &here).err(), Some(Damaged), "the last chunk is missing");
        assert_eq!(opened(&chunks[..1], &here).err(), Some(Damaged), "a first chunk is no whole value");
        assert_eq!(opened(&chunks[1..], &here).err(), Some(Damaged), "the first chunk is missing");
        let swapped = [chunks[1].clone(), chunks[0].clone(), chunks[2].clone()];
        assert_eq!(opened(&swapped, &here).err(), Some(Damaged), "two chunks are swapped");
        let again = seal_chunks(&key, &here, &plain);
        let mixed = [chunks[0].clone(), again[1].clone(), chunks[2].clone()];
        assert_eq!(opened(&mixed, &here).err(), Some(Damaged), "a chunk of an older value stands between");
        assert_eq!(opened(&[], &here).err(), Some(Damaged), "nothing at all");
    }
}
