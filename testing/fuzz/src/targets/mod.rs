//! One module for what belongs together, with its targets, what they assert and what they begin from.

mod assembly;
mod codecs;
mod forwarding;
mod frames;
mod jitter;
mod machine;
mod pictures;
mod rate;
mod rooms;
mod sdp;
mod signal;
mod stun;
mod token;
mod words;

use crate::Target;

const MEBIBYTE: usize = 1024 * 1024;

pub(crate) const ALL: [Target; 17] = [
    Target {
        name: "signal",
        about: "frames of a LiveKit server, and what else happens to a round: rounds-proto, signal",
        run: signal::course,
        seeds: signal::courses,
        most_bytes: 64 * MEBIBYTE,
        tries: 3000,
    },
    Target {
        name: "address",
        about: "addresses, tokens and names of people: rounds-proto and model",
        run: signal::address,
        seeds: signal::addresses,
        most_bytes: MEBIBYTE,
        tries: 5000,
    },
    Target {
        name: "frames",
        about: "encrypted frames and data packets, sealed, changed, played again and forged: rounds-proto, frame",
        run: frames::members,
        seeds: frames::seeds,
        most_bytes: 16 * MEBIBYTE,
        tries: 2000,
    },
    Target {
        name: "words",
        about: "data packets of others: rounds-proto, words",
        run: words::words,
        seeds: words::seeds,
        most_bytes: 8 * MEBIBYTE,
        tries: 3000,
    },
    Target {
        name: "assembly",
        about: "frames out of packets of a picture: rounds-proto, assembly",
        run: assembly::stream,
        seeds: assembly::seeds,
        most_bytes: 16 * MEBIBYTE,
        tries: 3000,
    },
    Target {
        name: "jitter",
        about: "packets of a voice in any order and at any time: rounds-proto, jitter",
        run: jitter::voice,
        seeds: jitter::seeds,
        most_bytes: 32 * MEBIBYTE,
        tries: 3000,
    },
    Target {
        name: "rate",
        about: "what a server reports of packets: rounds-proto, rate",
        run: rate::estimate,
        seeds: rate::seeds,
        most_bytes: 4 * MEBIBYTE,
        tries: 3000,
    },
    Target {
        name: "rooms",
        about: "requests, joins and data packets of clients: sfu, wire and rooms",
        run: rooms::clients,
        seeds: rooms::seeds,
        most_bytes: 64 * MEBIBYTE,
        tries: 1000,
    },
    Target {
        name: "join",
        about: "the join request in an address: sfu, wire",
        run: rooms::join,
        seeds: rooms::joins,
        most_bytes: 32 * MEBIBYTE,
        tries: 2000,
    },
    Target {
        name: "sdp",
        about: "descriptions of sessions: sfu, sdp",
        run: sdp::offer,
        seeds: sdp::offers,
        most_bytes: 8 * MEBIBYTE,
        tries: 2000,
    },
    Target {
        name: "token",
        about: "access tokens: sfu, token",
        run: token::token,
        seeds: token::tokens,
        most_bytes: MEBIBYTE,
        tries: 5000,
    },
    Target {
        name: "stun",
        about: "datagrams at the port of STUN: sfu, stun",
        run: stun::datagram,
        seeds: stun::datagrams,
        most_bytes: MEBIBYTE,
        tries: 5000,
    },
    Target {
        name: "forwarding",
        about: "packets of a publisher and feedback of listeners: sfu, media",
        run: forwarding::track,
        seeds: forwarding::seeds,
        most_bytes: 16 * MEBIBYTE,
        tries: 2000,
    },
    Target {
        name: "machine",
        about: "offers and datagrams at a whole media server: sfu over str0m",
        run: machine::server,
        seeds: machine::seeds,
        most_bytes: 64 * MEBIBYTE,
        tries: 60,
    },
    Target {
        name: "vp8",
        about: "frames of VP8: codec over libvpx",
        run: codecs::vp8,
        seeds: codecs::pictures,
        most_bytes: 8 * MEBIBYTE,
        tries: 400,
    },
    Target {
        name: "opus",
        about: "packets of Opus: codec over libopus",
        run: codecs::opus,
        seeds: codecs::sounds,
        most_bytes: MEBIBYTE,
        tries: 1500,
    },
    Target {
        name: "pictures",
        about: "files of pictures and pictures of cameras: capture",
        run: pictures::pictures,
        seeds: pictures::seeds,
        most_bytes: 64 * MEBIBYTE,
        tries: 2000,
    },
];
