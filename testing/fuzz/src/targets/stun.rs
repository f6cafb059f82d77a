//! The port of STUN, which anybody on the machine may send to.

use sfu::door::stun;
use std::net::SocketAddr;

pub(crate) fn datagram(input: &[u8]) {
    for from in ["192.0.2.1:32853", "[2001:db8::1]:7"] {
        let from: SocketAddr = from.parse().expect("an address");
        let Some(answer) = stun(input, from) else { continue };
        assert!(input.len() >= 20 && input.starts_with(&[0, 1]), "only a Binding is answered");
        assert_eq!(answer.len(), 32, "a header and one address: never more than was asked with, and a little");
        assert_eq!(answer.get(4..20), input.get(4..20), "the transaction is the one that was asked");
        assert!(stun(&answer, from).is_none(), "an answer is not answered");
    }
}

pub(crate) fn datagrams() -> Vec<Vec<u8>> {
    let header = |length: u8| [&[0, 1, 0, length, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
    vec![
        header(0),
        [header(8), vec![0, 6, 0, 3, b'a', b':', b'b', 0]].concat(),
        [header(8), vec![0x80, 0x22, 0, 4, b'k', b'o', b'n', b's']].concat(),
        [header(4), vec![0, 9, 0xff, 0xff]].concat(),
    ]
}
