//! Access tokens: only what the key signed is believed.

use crate::tape::{Ink, Tape};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sfu::token::{Grants, SigningKey};
use zeroize::Zeroizing;

const NOW: i64 = 1_700_000_000;

fn key(secret: u8) -> SigningKey {
    SigningKey::new("key", Zeroizing::new(vec![secret; 32])).expect("32 bytes")
}

pub(crate) fn token(input: &[u8]) {
    let mut tape = Tape::new(input);
    let kind = tape.byte() % 3;
    let key = key(7);
    match kind {
        // Nobody but the key can have made it, and it is not in the input.
        0 => {
            let text = String::from_utf8_lossy(tape.rest()).into_owned();
            assert!(key.verify(&text, NOW).is_err(), "a token that was not signed");
        }
        // Header and claims of anybody, behind which a signature of another's stands.
        1 => {
            let (header, claims) = (tape.bytes(), tape.bytes());
            let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            let text = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tape.rest()));
            assert!(key.verify(&text, NOW).is_err(), "a token that was not signed");
        }
        // A good token, changed in one place.
        _ => {
            let (lifetime, place, byte) = (i64::from(tape.short()), usize::from(tape.short()), tape.byte());
            let grants = Grants {
                identity: tape.text(),
                room: tape.text(),
                name: tape.text(),
                metadata: tape.text(),
                join: true,
                sources: vec![tape.text()],
                ..Grants::default()
            };
            let good = key.sign(&grants, NOW, lifetime);
            if let Ok(read) = key.verify(&good, NOW) {
                assert_eq!(read, grants, "what was signed is read");
                assert!(key.verify(&good, NOW + lifetime + 61).is_err(), "a minute after its end it is none");
                assert!(key.verify(&good, NOW - 71).is_err(), "nor a minute before its beginning");
            }
            let mut bytes = good.clone().into_bytes();
            let place = place % bytes.len();
            bytes[place] = byte & 0x7f;
            if let Ok(changed) = String::from_utf8(bytes)
                && changed != good
            {
                assert!(key.verify(&changed, NOW).is_err(), "a token that was changed");
            }
            let other = self::key(8).sign(&grants, NOW, lifetime);
            assert!(key.verify(&other, NOW).is_err(), "another's token");
        }
    }
}

pub(crate) fn tokens() -> Vec<Vec<u8>> {
    let good = key(9).sign(&Grants { identity: "@a:b".to_owned(), ..Grants::default() }, NOW, 600);
    let claims = br#"{"iss":"key","sub":"@a:b","exp":1700000600,"video":{"room":"r","roomJoin":true}}"#;
    vec![
        Ink::default().byte(0).raw(good.as_bytes()).dry(),
        Ink::default().byte(0).raw(b"eyJhbGciOiJub25lIn0.e30.").dry(),
        Ink::default().byte(1).bytes(br#"{"alg":"HS256","typ":"JWT"}"#).bytes(claims).raw(&[7; 32]).dry(),
        Ink::default().byte(1).bytes(br#"{"alg":"none"}"#).bytes(claims).dry(),
        Ink::default().byte(2).short(600).short(40).byte(b'x').bytes(b"@a:b").bytes(b"room").bytes(b"A").dry(),
    ]
}
