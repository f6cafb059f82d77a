//! The stream against vectors of others: matrix-encrypt-attachment's (version 2) and NIST SP 800-38A F.5.5.

use attachment::{Altered, Check, Decryptor, Encryptor, Key, Seal, root};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

struct Vector {
    key: &'static str,
    iv: &'static str,
    sha256: &'static str,
    ciphertext: &'static str,
    plaintext: &'static str,
}

/// Ciphertext and hash as matrix-encrypt-attachment 1.0.3 and matrix-sdk-crypto publish them.
const VECTORS: [Vector; 4] = [
    Vector {
        key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        iv: "AAAAAAAAAAAAAAAAAAAAAA",
        sha256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
        ciphertext: "",
        plaintext: "",
    },
    Vector {
        key: "__________________________________________8",
        iv: "//////////8AAAAAAAAAAA",
        sha256: "YzF08lARDdOCzJpzuSwsjTNlQc4pHxpdHcXiD/wpK6k",
        ciphertext: "5xJZTt5cQicm+9f4",
        plaintext: "Hello, World",
    },
    Vector {
        key: "__________________________________________8",
        iv: "//////////8AAAAAAAAAAA",
        sha256: "IOq7/dHHB+mfHfxlRY5XMeCWEwTPmlf4cJcgrkf6fVU",
        ciphertext: "zhtFStAeFx0s+9L/sSQO+WQMtldqYEHqTxMduJrCIpnkyer09kxJJuA4K+adQE4w+7jZe/vR9kIcqj9rOhDR8Q",
        plaintext: "alphanumericallyalphanumericallyalphanumericallyalphanumerically",
    },
    Vector {
        key: "Voq2nkPme_x8no5-Tjq_laDAdxE6iDbxnlQXxwFPgE4",
        iv: "i0DovxYdJEcAAAAAAAAAAA",
        sha256: "ANdt819a8bZl4jKy3Z+jcqtiNICa2y0AW4BBJ/iQRAU",
        ciphertext: "s5p2f7p/biHLISGGQ2StLusb16wkGksvIaA",
        plaintext: "It's a secret to everybody",
    },
];

impl Vector {
    fn key(&self) -> Key {
        Key::new(URL_SAFE_NO_PAD.decode(self.key).expect("base64").try_into().expect("32 bytes"))
    }

    fn seal(&self) -> Seal {
        let bytes = |text| STANDARD_NO_PAD.decode(text).expect("base64");
        Seal { iv: bytes(self.iv).try_into().expect("16 bytes"), sha256: bytes(self.sha256).try_into().expect("32") }
    }

    fn ciphertext(&self) -> Vec<u8> {
        STANDARD_NO_PAD.decode(self.ciphertext).expect("base64")
    }
}

#[test]
fn what_other_programs_encrypted_is_read() {
    for vector in &VECTORS {
        let mut bytes = vector.ciphertext();
        let mut check = Check::default();
        check.push(&bytes);
        assert_eq!(check.finish(&vector.seal()), Ok(()), "the hash is over the ciphertext: {}", vector.plaintext);
        let mut decryptor = Decryptor::new(&vector.key(), &vector.seal());
        decryptor.push(&mut bytes);
        assert_eq!(decryptor.finish(), Ok(()), "it is what was sent: {}", vector.plaintext);
        assert_eq!(bytes, vector.plaintext.as_bytes(), "the text");
    }
}

#[test]
fn it_is_encrypted_as_other_programs_do_it_in_pieces_of_any_length() {
    for vector in &VECTORS {
        for length in [1, 5, 16, 17, 64] {
            let nonce = vector.seal().iv[..8].try_into().expect("8 bytes");
            let mut encryptor = Encryptor::new(&vector.key(), nonce);
            let mut bytes = vector.plaintext.as_bytes().to_vec();
            bytes.chunks_mut(length).for_each(|piece| encryptor.push(piece));
            assert_eq!(bytes, vector.ciphertext(), "the ciphertext in pieces of {length}");
            assert_eq!(encryptor.finish(), vector.seal(), "counter and hash in pieces of {length}");
        }
    }
}

#[test]
fn one_changed_bit_is_noticed() {
    for vector in VECTORS.iter().filter(|vector| !vector.plaintext.is_empty()) {
        for place in 0..vector.ciphertext().len() {
            let mut bytes = vector.ciphertext();
            bytes[place] ^= 1;
            let mut decryptor = Decryptor::new(&vector.key(), &vector.seal());
            decryptor.push(&mut bytes);
            assert_eq!(decryptor.finish(), Err(Altered), "byte {place} was changed");
        }
        let mut short = vector.ciphertext();
        short.pop();
        let mut decryptor = Decryptor::new(&vector.key(), &vector.seal());
        decryptor.push(&mut short);
        assert_eq!(decryptor.finish(), Err(Altered), "a byte is missing");
    }
}

/// NIST SP 800-38A F.5.5, CTR-AES256: the counter does not begin at zero.
#[test]
fn the_counter_counts_as_the_standard_says() {
    let hex = |text: &str| -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
        (0..text.len()).step_by(2).map(digit).collect()
    };
    let key = hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4");
    let iv = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    let mut bytes = hex(concat!(
        "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
        "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6",
    ));
    let seal = Seal { iv: iv.try_into().expect("16 bytes"), sha256: [0; 32] };
    Decryptor::new(&Key::new(key.try_into().expect("32 bytes")), &seal).push(&mut bytes);
    let plain = hex(concat!(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710",
    ));
    assert_eq!(bytes, plain, "the four blocks of the standard");
}

/// The hash of no bytes and that of 64 zero bytes, by coreutils' sha256sum.
#[test]
fn the_root_is_the_hash_of_the_hashes_in_their_order() {
    let hex = |hash: [u8; 32]| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(root([])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "of none");
    let two = hex(root([&[0; 32], &[0; 32]]));
    assert_eq!(two, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b", "of two");
    assert_ne!(root([&[1; 32], &[2; 32]]), root([&[2; 32], &[1; 32]]), "another order is another file");
}

#[test]
fn a_key_does_not_print() {
    assert_eq!(format!("{:?}", Key::new([7; 32])), "Key([not shown])", "nothing of it");
}
