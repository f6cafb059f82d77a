//! Descriptions of sessions: what a client offers, and what is written into an answer of the stack.

use sfu::sdp::{Carried, MOST_SECTIONS, answer, sections};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn offer(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let found = sections(&text);
    if let Ok(found) = &found {
        assert!(found.len() <= MOST_SECTIONS, "{} sections", found.len());
        let names: BTreeSet<&str> = found.iter().map(|section| section.mid.as_str()).collect();
        assert_eq!(names.len(), found.len(), "each has a name of its own");
        for section in found {
            assert!(section.rids.len() <= 3, "{} layers", section.rids.len());
            let good = (1..=16).contains(&section.mid.len()) && section.mid.bytes().all(|b| b.is_ascii_alphanumeric());
            assert!(good, "a name that the stack keeps: {}", section.mid);
        }
    }
    // The same text as an answer of the stack. Every other section carries something.
    let mids = found.iter().flatten().map(|section| section.mid.clone());
    let carried: BTreeMap<String, Carried> = mids
        .step_by(2)
        .map(|mid| (mid, Carried { participant: "PA_1".to_owned(), track: "TR_1".to_owned() }))
        .collect();
    let again = carried.keys().cloned().collect();
    let written = answer(&text, &carried, &again);
    assert!(written.is_empty() || written.ends_with("\r\n"), "lines end as RFC 8866 §5 says");
    let media = |text: &str| text.lines().filter(|line| line.starts_with("m=")).count();
    assert_eq!(media(&written), media(&text), "no section is added or left out");
    if let (Ok(before), Ok(after)) = (found, sections(&written)) {
        let names = |sections: &[sfu::sdp::Section]| sections.iter().map(|s| s.mid.clone()).collect::<Vec<_>>();
        assert_eq!(names(&before), names(&after), "sections keep their names");
        for section in after {
            let track = section.track.as_deref();
            let carries = carried.contains_key(&section.mid);
            assert!(carries || !section.sends || track.is_none(), "what carries nothing names no track");
        }
    }
}

pub(crate) fn offers() -> Vec<Vec<u8>> {
    let whole = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendrecv\r\na=msid:- mic\r\n\
        a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=ssrc:7 msid:a b\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=sendonly\r\na=msid:stream cam\r\na=rid:q send\r\n\
        a=rid:h send pt=96\r\na=simulcast:send q;h\r\na=rtcp-fb:* nack pli\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\na=sctp-port:5000\r\n";
    let many: String = (0..40).map(|mid| format!("m=audio 9 X 0\r\na=mid:{mid}\r\na=sendonly\r\n")).collect();
    vec![whole.as_bytes().to_vec(), many.into_bytes(), b"m=video 9 X 96\na=mid:x\na=recvonly\na=mid:y\n".to_vec()]
}
