//! Of a session's description (RFC 8866) what a media server has to know and to change: its sections.
//!
//! The stack under `media` negotiates codecs, addresses and keys by itself. What it cannot know is which section carries
//! whose track, so that is written into its answer here.

use crate::rooms::Kind;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// No description has more sections: 25 people with four tracks each are 100.
pub const MOST_SECTIONS: usize = 200;
/// No line is longer, in bytes.
const LONGEST_LINE: usize = 8 * 1024;

/// Why an offer is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OfferError {
    /// Too many bytes, sections or bytes in a line.
    #[error("a larger description than any client has")]
    TooLarge,
    /// A section of sound or picture without a name of its own or with several, or two of one name.
    #[error("a section without a name of its own")]
    Mid,
}

/// A section of sound or picture, as a client offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its name (RFC 8843 §7.2).
    pub mid: String,
    /// Sound or picture.
    pub kind: Kind,
    /// The client would send here.
    pub sends: bool,
    /// The client would receive here.
    pub receives: bool,
    /// The track's id in `a=msid` (RFC 8830 §2): what `AddTrackRequest.cid` says.
    pub track: Option<String>,
    /// The names of its layers (RFC 8851), in the order of the description.
    pub rids: Vec<String>,
    /// Lost packets may be asked for (RFC 4585 §4.2), of any codec or of one.
    pub asks_again: bool,
}

/// Reads the sections of sound and picture of an offer, in their order.
///
/// # Errors
///
/// [`OfferError`].
pub fn sections(sdp: &str) -> Result<Vec<Section>, OfferError> {
    if sdp.len() > crate::wire::LONGEST_SDP {
        return Err(OfferError::TooLarge);
    }
    let mut found: Vec<Section> = Vec::new();
    let mut open: Option<Section> = None;
    let mut count = 0_usize;
    for line in sdp.lines() {
        if line.len() > LONGEST_LINE {
            return Err(OfferError::TooLarge);
        }
        if let Some(media) = line.strip_prefix("m=") {
            count += 1;
            if count > MOST_SECTIONS {
                return Err(OfferError::TooLarge);
            }
            found.extend(open.take());
            open = begun(media);
        } else if let (Some(attribute), Some(section)) = (line.strip_prefix("a="), open.as_mut()) {
            learn(section, attribute);
        }
    }
    found.extend(open);
    let mut names: Vec<&str> = found.iter().map(|section| section.mid.as_str()).collect();
    names.sort_unstable();
    let own = names.iter().all(|name| is_mid(name)) && names.windows(2).all(|pair| pair[0] != pair[1]);
    if own { Ok(found) } else { Err(OfferError::Mid) }
}

/// What a section of an answer carries to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Whose track, `PA_…`.
    pub participant: String,
    /// `TR_…`.
    pub track: String,
}

/// Writes into an answer of the stack which section carries whose track.
///
/// The stack says `sendonly` wherever a client would receive. A section that carries something gets
/// `a=msid:PA_…|TR_… TR_…` (client-sdk-js, `unpackStreamId`), one that carries nothing becomes `inactive` and names no
/// source, so that a client makes no track of it. Of sound the stack says nothing about lost packets; sections in `again`
/// say that they may be asked for.
#[must_use]
pub fn answer(stack: &str, carried: &BTreeMap<String, Carried>, again: &BTreeSet<String>) -> String {
    let mut written = String::with_capacity(stack.len() + 256);
    // The mid may stand behind what depends on it, so each section is seen as a whole.
    let mut section: Vec<&str> = Vec::new();
    for line in stack.lines() {
        if line.starts_with("m=") {
            flush(&mut written, &section, carried, again);
            section.clear();
        }
        section.push(line);
    }
    flush(&mut written, &section, carried, again);
    written
}

fn flush(written: &mut String, lines: &[&str], carried: &BTreeMap<String, Carried>, again: &BTreeSet<String>) {
    let media = lines.first().is_some_and(|line| line.starts_with("m=audio") || line.starts_with("m=video"));
    let mid = lines.iter().find_map(|line| line.strip_prefix("a=mid:")).unwrap_or_default();
    let carries = carried.get(mid);
    let sound = lines.first().is_some_and(|line| line.starts_with("m=audio")) && again.contains(mid);
    for line in lines {
        let source = line.starts_with("a=msid:") || line.starts_with("a=ssrc");
        match carries {
            _ if !media => push(written, line),
            Some(carries) if *line == "a=sendonly" || *line == "a=sendrecv" => {
                push(written, line);
                let Carried { participant, track } = carries;
                push(written, &format!("a=msid:{participant}|{track} {track}"));
            }
            // The stack's own name of the track; the new one stands beside the direction.
            Some(_) if line.starts_with("a=msid:") || line.contains(" msid:") => {}
            None if *line == "a=sendonly" => push(written, "a=inactive"),
            None if *line == "a=sendrecv" => push(written, "a=recvonly"),
            None if source => {}
            Some(_) | None => push(written, line),
        }
        let codec = line.strip_prefix("a=rtpmap:").and_then(|codec| codec.split_once(" opus/"));
        if let Some((number, _)) = codec
            && sound
        {
            push(written, &format!("a=rtcp-fb:{number} nack"));
        }
    }
}

fn push(written: &mut String, line: &str) {
    written.push_str(line);
    written.push_str("\r\n");
}

/// RFC 8866 §5.14: `audio 9 UDP/TLS/RTP/SAVPF 111`. None for what is neither sound nor picture.
fn begun(media: &str) -> Option<Section> {
    let kind = match media.split(' ').next() {
        Some("audio") => Kind::Audio,
        Some("video") => Kind::Video,
        Some(_) | None => return None,
    };
    // Without a direction both do both (RFC 8866 §6.7).
    Some(Section {
        mid: String::new(),
        kind,
        sends: true,
        receives: true,
        track: None,
        rids: Vec::new(),
        asks_again: false,
    })
}

fn learn(section: &mut Section, attribute: &str) {
    match attribute.split_once(':') {
        Some(("mid", mid)) if section.mid.is_empty() => mid.clone_into(&mut section.mid),
        // The stack may take the other one of two for its name; with a space it is none.
        Some(("mid", _)) => section.mid.push(' '),
        // `- track`, `stream track`, or a stream alone (RFC 8830 §2).
        Some(("msid", msid)) => {
            section.track = msid.split(' ').nth(1).filter(|track| !track.is_empty()).map(str::to_owned);
        }
        Some(("rid", rid)) => {
            if let Some((name, direction)) = rid.split_once(' ')
                && direction.starts_with("send")
                && section.rids.len() < 3
            {
                section.rids.push(name.to_owned());
            }
        }
        // `111 nack`, `* nack`; `nack pli` is something else.
        Some(("rtcp-fb", feedback)) => {
            section.asks_again |= feedback.split_once(' ').is_some_and(|(_, kind)| kind == "nack");
        }
        Some(_) => {}
        None => {
            let (sends, receives) = match attribute {
                "sendonly" => (true, false),
                "recvonly" => (false, true),
                "inactive" => (false, false),
                "sendrecv" => (true, true),
                _ => return,
            };
            (section.sends, section.receives) = (sends, receives);
        }
    }
}

/// RFC 8843 §7.2: a token. The stack keeps sixteen letters and digits of it, and takes everything else for one.
fn is_mid(text: &str) -> bool {
    !text.is_empty() && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::{Carried, OfferError, answer, sections};
    use crate::rooms::Kind;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn a_section_says_who_sends_what() {
        let sdp = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:7\r\na=sendonly\r\na=msid:- cam\r\n\
                   a=rid:q send\r\na=rid:h send\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:6\r\n\
                   m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\n";
        let found = sections(sdp).expect("two sections");
        assert_eq!(found.len(), 2, "data has no track");
        assert_eq!((found[0].kind, found[0].sends, found[0].receives), (Kind::Video, true, false), "the camera");
        assert_eq!((found[0].track.as_deref(), found[0].rids.join(",")), (Some("cam"), "q,h".to_owned()), "its layers");
        assert_eq!((found[1].kind, found[1].sends, found[1].receives), (Kind::Audio, false, true), "the ear");
    }

    #[test]
    fn what_is_too_large_or_nameless_is_refused() {
        let many = "m=audio 9 RTP/SAVPF 0\r\na=mid:x\r\n".repeat(201);
        assert_eq!(sections(&many), Err(OfferError::TooLarge), "201 sections");
        assert_eq!(sections(&"a".repeat(1024 * 1024)), Err(OfferError::TooLarge), "a mebibyte");
        assert_eq!(sections("m=audio 9 RTP/SAVPF 0\r\n"), Err(OfferError::Mid), "no name");
        let twice = "m=audio 9 RTP/SAVPF 0\r\na=mid:x\r\n".repeat(2);
        assert_eq!(sections(&twice), Err(OfferError::Mid), "one name twice");
        let two = "m=audio 9 RTP/SAVPF 0\r\na=mid:x\r\na=mid:y\r\n";
        assert_eq!(sections(two), Err(OfferError::Mid), "two names of one section");
    }

    #[test]
    fn an_answer_names_what_it_carries_and_nothing_else() {
        let stack = "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 X 111\r\na=mid:0\r\na=sendonly\r\na=msid:a b\r\n\
                     a=ssrc:1 cname:b\r\na=ssrc:1 msid:a b\r\nm=audio 9 X 111\r\na=mid:1\r\na=sendonly\r\na=msid:c d\r\n\
                     a=ssrc:2 cname:d\r\n";
        let carried =
            BTreeMap::from([("0".to_owned(), Carried { participant: "PA_1".to_owned(), track: "TR_2".to_owned() })]);
        let written = "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 X 111\r\na=mid:0\r\na=sendonly\r\n\
                       a=msid:PA_1|TR_2 TR_2\r\na=ssrc:1 cname:b\r\nm=audio 9 X 111\r\na=mid:1\r\na=inactive\r\n";
        assert_eq!(answer(stack, &carried, &BTreeSet::new()), written, "one of two carries");
    }

    #[test]
    fn lost_sound_may_be_asked_for_where_the_client_offers_it() {
        let offer = "m=audio 9 X 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n\
                     m=audio 9 X 111\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack pli\r\n";
        let again = sections(offer).expect("two sections").into_iter().filter(|section| section.asks_again);
        let again: BTreeSet<String> = again.map(|section| section.mid).collect();
        let stack = "m=audio 9 X 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n\
                     m=audio 9 X 111\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n";
        let written = "m=audio 9 X 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\n\
                       a=recvonly\r\n\
                       m=audio 9 X 111\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\na=recvonly\r\n";
        assert_eq!(answer(stack, &BTreeMap::new(), &again), written, "in the first of two");
    }
}
