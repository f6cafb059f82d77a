//! The file of a study: a ZIP archive whose members are stored as they are (PKWARE APPNOTE.TXT 6.3.10), so that one
//! image can be read without the others.
//!
//! Written is what is needed and nothing else: no compression, no comment, sizes before the bytes, and the fields of
//! 64 bits only where 32 do not hold a number. Read is the same.

use bytes::Bytes;
use std::ops::Range;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const END: u32 = 0x0605_4b50;
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: u64 = 22;
const LOCATOR_BYTES: u64 = 20;
const END_64_BYTES: u64 = 56;
/// 1 January 1980, the first day that the form knows: it is nobody's business when a file was made.
const DAY: u16 = 0x0021;
/// More members than these are no study.
pub(super) const MOST_MEMBERS: usize = 50_000;
/// A list of members longer than this is none: 46 bytes, a short name and a few numbers for each.
const LONGEST_LIST: u64 = 16 * 1024 * 1024;

/// A file that goes into an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) size: u64,
    /// CRC-32 of its bytes.
    pub(super) crc: u32,
}

/// An archive before its bytes are there: what stands between the members, and where each of them lies.
#[derive(Debug)]
pub(in crate::chat) struct Layout {
    /// Before each member.
    headers: Vec<Bytes>,
    members: Vec<Member>,
    /// Where the bytes of each member begin.
    places: Vec<u64>,
    /// After the last member.
    list: Bytes,
    size: u64,
}

/// A piece of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// These bytes.
    Own(Bytes),
    /// So many of the members' bytes, which follow those that came before.
    Members(u64),
}

impl Layout {
    pub(super) fn of(members: Vec<Member>) -> Self {
        let (mut headers, mut places, mut list, mut at) = (Vec::new(), Vec::new(), Vec::new(), 0_u64);
        for (number, member) in members.iter().enumerate() {
            let name = format!("IM{:05}.dcm", number + 1);
            let header = local(&name, *member);
            central(&mut list, &name, *member, at);
            at += header.len() as u64;
            headers.push(Bytes::from(header));
            places.push(at);
            at += member.size;
        }
        let length = list.len() as u64;
        end(&mut list, members.len() as u64, length, at);
        let size = at + list.len() as u64;
        Self { headers, members, places, list: Bytes::from(list), size }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of all members.
    pub(in crate::chat) fn members_size(&self) -> u64 {
        self.members.iter().map(|member| member.size).sum()
    }

    /// Where the bytes of each member lie.
    pub(super) fn places(&self) -> impl Iterator<Item = Range<u64>> {
        self.places.iter().zip(&self.members).map(|(&at, member)| at..at + member.size)
    }

    /// What stands in the archive from `offset` on, and how many of the members' bytes lie before it.
    pub(super) fn from(&self, offset: u64) -> (u64, Vec<Piece>) {
        let (mut at, mut before, mut pieces) = (0, 0, Vec::new());
        let own = |at: u64, bytes: &Bytes, pieces: &mut Vec<Piece>| {
            let skipped = usize::try_from(offset.saturating_sub(at)).unwrap_or(usize::MAX);
            if skipped < bytes.len() {
                pieces.push(Piece::Own(bytes.slice(skipped..)));
            }
        };
        for (header, member) in self.headers.iter().zip(&self.members) {
            own(at, header, &mut pieces);
            at += header.len() as u64;
            let skipped = offset.saturating_sub(at).min(member.size);
            before += skipped;
            if skipped < member.size {
                pieces.push(Piece::Members(member.size - skipped));
            }
            at += member.size;
        }
        own(at, &self.list, &mut pieces);
        (before, pieces)
    }
}

/// Numbers of 32 bits that say: look at the extra field (4.4.8, 4.4.9).
const ELSEWHERE: u32 = u32::MAX;

fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|&number| number != ELSEWHERE)
}

fn put(into: &mut Vec<u8>, numbers: &[(u64, usize)]) {
    for &(number, bytes) in numbers {
        into.extend_from_slice(&number.to_le_bytes()[..bytes]);
    }
}

/// 4.3.7.
fn local(name: &str, member: Member) -> Vec<u8> {
    let size = narrow(member.size);
    // In a local header both sizes stand in the extra field or none (4.5.3).
    let extra = if size.is_none() { 20 } else { 0 };
    let size = u64::from(size.unwrap_or(ELSEWHERE));
    let mut header = Vec::with_capacity(LOCAL_BYTES + name.len() + extra);
    let needed = if extra > 0 { 45 } else { 20 };
    put(&mut header, &[(LOCAL.into(), 4), (needed, 2), (0, 2), (0, 2), (0, 2), (DAY.into(), 2)]);
    put(&mut header, &[(member.crc.into(), 4), (size, 4), (size, 4), (name.len() as u64, 2), (extra as u64, 2)]);
    header.extend_from_slice(name.as_bytes());
    if extra > 0 {
        put(&mut header, &[(1, 2), (16, 2), (member.size, 8), (member.size, 8)]);
    }
    header
}

/// 4.3.12.
fn central(list: &mut Vec<u8>, name: &str, member: Member, at: u64) {
    let (size, place) = (narrow(member.size), narrow(at));
    let mut extra = Vec::new();
    if size.is_none() {
        put(&mut extra, &[(member.size, 8), (member.size, 8)]);
    }
    if place.is_none() {
        put(&mut extra, &[(at, 8)]);
    }
    let length = if extra.is_empty() { 0 } else { 4 + extra.len() as u64 };
    let needed = if extra.is_empty() { 20 } else { 45 };
    let size = u64::from(size.unwrap_or(ELSEWHERE));
    put(list, &[(CENTRAL.into(), 4), (needed, 2), (needed, 2), (0, 2), (0, 2), (0, 2), (DAY.into(), 2)]);
    put(list, &[(member.crc.into(), 4), (size, 4), (size, 4), (name.len() as u64, 2), (length, 2), (0, 2)]);
    put(list, &[(0, 2), (0, 2), (0, 4), (place.unwrap_or(ELSEWHERE).into(), 4)]);
    list.extend_from_slice(name.as_bytes());
    if length > 0 {
        put(list, &[(1, 2), (length - 4, 2)]);
        list.extend_from_slice(&extra);
    }
}

/// 4.3.14 to 4.3.16.
fn end(list: &mut Vec<u8>, members: u64, length: u64, at: u64) {
    let count = u16::try_from(members).ok().filter(|&count| count != u16::MAX);
    let (short, place) = (narrow(length), narrow(at));
    if count.is_none() || short.is_none() || place.is_none() {
        put(list, &[(END_64.into(), 4), (44, 8), (45, 2), (45, 2), (0, 4), (0, 4), (members, 8), (members, 8)]);
        put(list, &[(length, 8), (at, 8)]);
        put(list, &[(LOCATOR_64.into(), 4), (0, 4), (at + length, 8), (1, 4)]);
    }
    let count = u64::from(count.unwrap_or(u16::MAX));
    put(list, &[(END.into(), 4), (0, 2), (0, 2), (count, 2), (count, 2)]);
    put(list, &[(short.unwrap_or(ELSEWHERE).into(), 4), (place.unwrap_or(ELSEWHERE).into(), 4), (0, 2)]);
}

/// It is no archive of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no archive of stored files")]
pub(super) struct NoArchive;

/// Where the bytes of the members lie, by the list at the end. `read` gives bytes at a place or says that it cannot; a
/// member whose header cannot be read is left out and counted.
pub(super) fn members(
    size: u64,
    read: &dyn Fn(u64, usize) -> Option<Vec<u8>>,
) -> Result<(Vec<Range<u64>>, usize), NoArchive> {
    let (count, length, at) = list_of(size, read).ok_or(NoArchive)?;
    let fits = at.checked_add(length).is_some_and(|end| end <= size) && length <= LONGEST_LIST;
    if !fits || count > MOST_MEMBERS as u64 {
        return Err(NoArchive);
    }
    let list = read(at, usize::try_from(length).map_err(|_long| NoArchive)?).ok_or(NoArchive)?;
    let (mut rest, mut found, mut lost) = (list.as_slice(), Vec::new(), 0);
    for _ in 0..count {
        let (head, behind) = rest.split_at_checked(CENTRAL_BYTES).ok_or(NoArchive)?;
        let (name, extra, comment) = (number(head, 28, 2)?, number(head, 30, 2)?, number(head, 32, 2)?);
        let tail = usize::try_from(name + extra + comment).map_err(|_long| NoArchive)?;
        let (tail, behind) = behind.split_at_checked(tail).ok_or(NoArchive)?;
        rest = behind;
        let name = usize::try_from(name).map_err(|_long| NoArchive)?;
        let stored = number(head, 0, 4)? == u64::from(CENTRAL) && number(head, 10, 2)? == 0 && number(head, 8, 2)? == 0;
        let (packed, plain) = (number(head, 20, 4)?, number(head, 24, 4)?);
        if !stored || packed != plain {
            return Err(NoArchive);
        }
        let wide = wide(tail.get(name..).unwrap_or_default());
        let mut wide = wide.into_iter();
        let mut full = |number: u64, times: usize| {
            if number == u64::from(ELSEWHERE) { wide.nth(times - 1).ok_or(NoArchive) } else { Ok(number) }
        };
        let size_of = full(plain, 2)?;
        let header = full(number(head, 42, 4)?, 1)?;
        match place(header, size_of, at, read) {
            Some(place) => found.push(place),
            None => lost += 1,
        }
    }
    Ok((found, lost))
}

/// The same without the list at the end, from member to member, up to the first that cannot be read.
pub(super) fn from_the_beginning(
    size: u64,
    read: &dyn Fn(u64, usize) -> Option<Vec<u8>>,
) -> Result<(Vec<Range<u64>>, usize), NoArchive> {
    let (mut found, mut at) = (Vec::new(), 0);
    while found.len() < MOST_MEMBERS {
        let Some(place) = next_member(at, size, read) else { break };
        at = place.end;
        found.push(place);
    }
    // How many there were behind it nobody knows; one is certain.
    if found.is_empty() { Err(NoArchive) } else { Ok((found, 1)) }
}

fn next_member(at: u64, size: u64, read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Range<u64>> {
    let head = read(at, LOCAL_BYTES)?;
    let field = |from, length| number(&head, from, length).ok();
    let (name, extra) = (field(26, 2)?, field(28, 2)?);
    // Packed, or of a length that stands behind it.
    if field(6, 2)? != 0 || field(8, 2)? != 0 {
        return None;
    }
    let plain = field(22, 4)?;
    let plain = if plain == u64::from(ELSEWHERE) {
        *wide(&read(at + LOCAL_BYTES as u64 + name, usize::try_from(extra).ok()?)?).first()?
    } else {
        plain
    };
    place(at, plain, size, read)
}

/// How many members there are, and how long the list is and where it begins.
fn list_of(size: u64, read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<(u64, u64, u64)> {
    let at = size.checked_sub(END_BYTES)?;
    let end = read(at, usize::try_from(END_BYTES).ok()?)?;
    let field = |bytes: &[u8], from, length| number(bytes, from, length).ok();
    if field(&end, 0, 4)? != u64::from(END) {
        return None;
    }
    let short = (field(&end, 10, 2)?, field(&end, 12, 4)?, field(&end, 16, 4)?);
    let (count, length, begin) = short;
    if count != u64::from(u16::MAX) && length != u64::from(ELSEWHERE) && begin != u64::from(ELSEWHERE) {
        return Some(short);
    }
    let locator = read(at.checked_sub(LOCATOR_BYTES)?, usize::try_from(LOCATOR_BYTES).ok()?)?;
    if field(&locator, 0, 4)? != u64::from(LOCATOR_64) {
        return None;
    }
    let end = read(field(&locator, 8, 8)?, usize::try_from(END_64_BYTES).ok()?)?;
    let known = field(&end, 0, 4)? == u64::from(END_64);
    known.then_some((field(&end, 32, 8)?, field(&end, 40, 8)?, field(&end, 48, 8)?))
}

/// The numbers of the extra field of 64 bits (4.5.3).
fn wide(mut extra: &[u8]) -> Vec<u64> {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let (Ok(kind), Ok(length)) = (number(head, 0, 2), number(head, 2, 2)) else { break };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some((value, rest)) = rest.split_at_checked(length) else { break };
        if kind == 1 {
            return value.chunks_exact(8).filter_map(|bytes| number(bytes, 0, 8).ok()).collect();
        }
        extra = rest;
    }
    Vec::new()
}

/// Behind its local header, which may be longer than the list says, and before the list.
fn place(header: u64, size: u64, list: u64, read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<Range<u64>> {
    let head = read(header, LOCAL_BYTES)?;
    let field = |from, length| number(&head, from, length).ok();
    if field(0, 4)? != u64::from(LOCAL) {
        return None;
    }
    let begin = header.checked_add(LOCAL_BYTES as u64 + field(26, 2)? + field(28, 2)?)?;
    let end = begin.checked_add(size)?;
    (end <= list).then_some(begin..end)
}

fn number(bytes: &[u8], from: usize, length: usize) -> Result<u64, NoArchive> {
    let field = bytes.get(from..from + length).ok_or(NoArchive)?;
    Ok(field.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::{Layout, Member, NoArchive, Piece, members};

    fn archive(files: &[&[u8]]) -> Vec<u8> {
        let member = |file: &&[u8]| Member { size: file.len() as u64, crc: crc32fast::hash(file) };
        let layout = Layout::of(files.iter().map(member).collect());
        let all = from(&layout, files, 0);
        assert_eq!(all.len() as u64, layout.size(), "as long as it says");
        all
    }

    fn from(layout: &Layout, files: &[&[u8]], offset: u64) -> Vec<u8> {
        let (before, pieces) = layout.from(offset);
        let mut bytes = files.concat().split_off(usize::try_from(before).expect("small"));
        let mut all = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Own(own) => all.extend_from_slice(&own),
                Piece::Members(count) => all.extend(bytes.drain(..usize::try_from(count).expect("small"))),
            }
        }
        all
    }

    fn read(archive: &[u8], at: u64, length: usize) -> Option<Vec<u8>> {
        let at = usize::try_from(at).ok()?;
        archive.get(at..at.checked_add(length)?).map(<[u8]>::to_vec)
    }

    fn listed(archive: &[u8]) -> Result<Vec<Vec<u8>>, NoArchive> {
        let (found, lost) = members(archive.len() as u64, &|at, length| read(archive, at, length))?;
        assert_eq!(lost, 0, "all are there");
        let bytes = |place: std::ops::Range<u64>| {
            read(archive, place.start, usize::try_from(place.end - place.start).expect("small")).expect("it is there")
        };
        Ok(found.into_iter().map(bytes).collect())
    }

    #[test]
    fn an_archive_is_what_pythons_zipfile_writes() {
        // zipfile.ZipFile(…, 'w', ZIP_STORED).writestr(ZipInfo('IM00001.dcm'), b'a') with create_system 0, but for the
        // file attributes of Unix (0x01800000), which mean nothing beside it.
        let expected = "504b03041400000000000000210043beb7e801000000010000000b000000494d30303030312e64636d61\
                        504b010214001400000000000000210043beb7e801000000010000000b000000000000000000000000000000\
                        0000494d30303030312e64636d504b05060000000001000100390000002a0000000000";
        let hex: String = archive(&[b"a"]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, expected, "byte for byte");
    }

    #[test]
    fn what_was_written_is_read_and_any_place_of_it_can_be_asked_for() {
        let files: [&[u8]; 3] = [b"first", b"", b"the third"];
        let whole = archive(&files);
        assert_eq!(listed(&whole).expect("an archive"), files, "in their order");
        let member = |file: &&[u8]| Member { size: file.len() as u64, crc: crc32fast::hash(file) };
        let layout = Layout::of(files.iter().map(member).collect());
        for offset in 0..=whole.len() {
            let rest = from(&layout, &files, offset as u64);
            assert_eq!(rest, whole[offset..], "from {offset} on");
        }
    }

    #[test]
    fn sizes_beyond_32_bits_stand_in_the_fields_of_64() {
        let huge = Member { size: 5_000_000_000, crc: 1 };
        let layout = Layout::of(vec![huge, Member { size: 7, crc: 2 }]);
        let (_, pieces) = layout.from(0);
        // The bytes of the large member are not there: all else is read at its place.
        let mut own = Vec::new();
        let mut at = 0;
        for piece in pieces {
            match piece {
                Piece::Own(bytes) => {
                    own.push((at, bytes.clone()));
                    at += bytes.len() as u64;
                }
                Piece::Members(count) => at += count,
            }
        }
        let read = |from: u64, length: usize| {
            let (begin, bytes) = own.iter().rev().find(|(begin, _)| *begin <= from)?;
            let skip = usize::try_from(from - begin).ok()?;
            bytes.get(skip..skip + length).map(<[u8]>::to_vec)
        };
        let (found, lost) = members(layout.size(), &read).expect("an archive");
        assert_eq!((found, lost), (layout.places().collect(), 0), "both, where they lie");
    }

    #[test]
    fn what_is_damaged_or_packed_is_refused_or_left_out() {
        let whole = archive(&[b"first", b"second"]);
        assert_eq!(listed(b"no archive at all, but long enough"), Err(NoArchive), "other bytes");
        assert_eq!(listed(&whole[..whole.len() - 1]), Err(NoArchive), "cut");
        let mut packed = whole.clone();
        let list = packed.windows(4).position(|four| four == b"PK\x01\x02").expect("a list");
        packed[list + 10] = 8;
        assert_eq!(listed(&packed), Err(NoArchive), "compressed");
        let mut bent = whole.clone();
        bent[0] = 0;
        let (found, lost) =
            members(bent.len() as u64, &|at, length| read(&bent, at, length)).expect("the list can be read");
        assert_eq!((found.len(), lost), (1, 1), "the one whose header is not there");
        let mut far = whole;
        far[list + 42..list + 46].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
        let (found, lost) =
            members(far.len() as u64, &|at, length| read(&far, at, length)).expect("the list can be read");
        assert_eq!((found.len(), lost), (1, 1), "the one that lies outside");
    }
}
