//! The plain Binding of STUN (RFC 8489 §2): a client asks from where it is seen. On loopback nobody needs the answer,
//! but a client that is told of no server asks one of its own choice.
//!
//! It has a port of its own: what comes from a STUN server's address is never media to libwebrtc (`stun_port.cc`,
//! `UDPPort::OnReadPacket`).

use std::net::SocketAddr;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const HEADER: usize = 20;
/// RFC 8489 §14.3. Requests of ICE have it (RFC 8445 §7.2.2), and are the stack's.
const USERNAME: [u8; 2] = [0x00, 0x06];

/// The answer to a Binding request without a user's name; none for anything else.
pub(crate) fn answer(datagram: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
    let header = datagram.get(..HEADER)?;
    if header[..2] != [0, 1] || header[4..8] != COOKIE {
        return None;
    }
    let mut rest = &datagram[HEADER..];
    while let Some((kind, length)) =
        rest.get(..4).map(|head| ([head[0], head[1]], u16::from_be_bytes([head[2], head[3]])))
    {
        if kind == USERNAME {
            return None;
        }
        rest = rest.get(4 + usize::from(length).next_multiple_of(4)..)?;
    }
    let SocketAddr::V4(from) = from else { return None };
    let mut written = vec![0x01, 0x01, 0, 12];
    written.extend(&header[4..]);
    // XOR-MAPPED-ADDRESS, RFC 8489 §14.2.
    written.extend([0x00, 0x20, 0, 8, 0, 1]);
    written.extend(from.port().to_be_bytes().iter().zip(COOKIE).map(|(byte, cookie)| byte ^ cookie));
    written.extend(from.ip().octets().iter().zip(COOKIE).map(|(byte, cookie)| byte ^ cookie));
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn the_address_of_the_rfc_s_sample_is_written_as_there() {
        // RFC 5769 §2.2: 192.0.2.1 port 32853 is 00 20 00 08 00 01 a1 47 e1 12 a6 43.
        let request = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat();
        let from = "192.0.2.1:32853".parse().expect("an address");
        let written = answer(&request, from).expect("a binding");
        assert_eq!(written[20..], [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43], "XOR-MAPPED-ADDRESS");
        assert_eq!(written[8..20], [7; 12], "the transaction");
    }

    #[test]
    fn a_check_of_ice_and_noise_are_left_alone() {
        let from = "127.0.0.1:1".parse().expect("an address");
        let check = [&[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12], &[0, 6, 0, 3, b'a', b':', b'b', 0]].concat();
        assert_eq!(answer(&check, from), None, "it has a user's name");
        for noise in [&[][..], &[0; 19], &[0x80; 40]] {
            assert_eq!(answer(noise, from), None, "{} bytes", noise.len());
        }
        let short = [&[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12], &[0, 9, 0xff, 0xff]].concat();
        assert_eq!(answer(&short, from), None, "an attribute that is longer than the message");
    }
}
