//! `konsil selftest`: whether a worker decodes, the vault seals and opens, and a signature is checked
//! on this computer.

use super::{Outcome, Refusal, json_line};
use crate::{
    decision::{PublicJwk, verify},
    images::WorkerPool,
};
use imaging::{ImageDescription, Photometric};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::Write,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use vault::{KeyringError, Root, RootKeyStore, Table, Vault};

pub(super) async fn run(workers: &WorkerPool, json: bool, out: &mut dyn Write) -> Result<Outcome, Refusal> {
    let checks = [("decode-worker", decodes(workers).await), ("vault", seals()), ("signature", checks_signature())];
    let mut outcome = Outcome::Well;
    for (name, result) in checks {
        let why = result.err();
        if why.is_some() {
            outcome = Outcome::Found;
        }
        match (json, why) {
            (true, why) => json_line(out, &json!({"name": name, "ok": why.is_none(), "why": why}))?,
            (false, None) => writeln!(out, "ok      {name}")?,
            (false, Some(why)) => writeln!(out, "FAILED  {name}: {why}")?,
        }
    }
    Ok(outcome)
}

/// A frame of 2 × 2 pixels of 8 bits in RLE Lossless: a header of 64 bytes with one segment, then a
/// literal run of four bytes (PS3.5 G.3, G.5).
async fn decodes(workers: &WorkerPool) -> Result<(), String> {
    let mut encoded = vec![0_u8; 64];
    encoded[0] = 1;
    encoded[4] = 64;
    encoded.extend([3, 17, 34, 51, 68, 0]);
    let image = ImageDescription {
        rows: 2,
        columns: 2,
        samples_per_pixel: 1,
        bits_allocated: 8,
        bits_stored: 8,
        high_bit: 7,
        signed: false,
        photometric: Photometric::Monochrome2,
        planar: false,
        padding: None,
        lossy: false,
        lossy_ratio: None,
        palette: None,
    };
    let raw = workers.decode_raw(&image, "1.2.840.10008.1.2.5", &encoded).await.map_err(|error| error.to_string())?;
    if raw.bytes == [17, 34, 51, 68] { Ok(()) } else { Err("the values are others than those encoded".to_owned()) }
}

/// A root that lives as long as this check.
#[derive(Default)]
struct ThrowAway(Mutex<BTreeMap<String, Root>>);

impl RootKeyStore for ThrowAway {
    fn load(&self, profile: &str) -> Result<Option<Root>, KeyringError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(profile).cloned())
    }

    fn save(&self, profile: &str, root: &Root) -> Result<(), KeyringError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(profile.to_owned(), root.clone());
        Ok(())
    }
}

/// Removed when dropped, also after a failed check.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind holds a random value under a key that is gone.
        let _left_behind = std::fs::remove_dir_all(&self.0);
    }
}

fn seals() -> Result<(), String> {
    let folder = Folder(std::env::temp_dir().join(format!("konsil-selftest-{}", uuid::Uuid::new_v4())));
    let roots = ThrowAway::default();
    let text = |error: vault::StoreError| error.to_string();
    let value = uuid::Uuid::new_v4().into_bytes();
    {
        let vault = Vault::open(&folder.0, &roots).map_err(|error| error.to_string())?;
        vault.put(Table::Settings, "selftest", &value).map_err(text)?;
    }
    let vault = Vault::open(&folder.0, &roots).map_err(|error| error.to_string())?;
    let back = vault.get(Table::Settings, "selftest").map_err(text)?;
    if back.is_some_and(|back| back.reveal() == &value) {
        Ok(())
    } else {
        Err("what was sealed did not come back".to_owned())
    }
}

fn checks_signature() -> Result<(), String> {
    let vector: serde_json::Value =
        serde_json::from_str(include_str!("signature-vector.json")).map_err(|error| error.to_string())?;
    let text = |name: &str| vector[name].as_str().unwrap_or_default();
    let key: PublicJwk = serde_json::from_value(vector["public_jwk"].clone()).map_err(|error| error.to_string())?;
    let payload = text("canonical_utf8");
    verify(payload, text("jws_detached"), &key).map_err(|error| error.to_string())?;
    match verify(&format!("{payload} "), text("jws_detached"), &key) {
        Err(_refused) => Ok(()),
        Ok(_) => Err("a changed payload was accepted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{checks_signature, seals};
    use serde_json::Value;

    #[test]
    fn the_vault_and_the_signature_hold_here() {
        assert_eq!(seals(), Ok(()), "sealing and opening");
        assert_eq!(checks_signature(), Ok(()), "the vector");
    }

    #[test]
    fn the_built_in_vector_is_the_vector() {
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let built_in = parse(include_str!("signature-vector.json"));
        let vector = parse(include_str!("../../tests/fixtures/signature-vector.json"));
        for name in ["canonical_utf8", "jws_detached", "public_jwk"] {
            assert_eq!(built_in[name], vector[name], "{name}");
        }
    }
}
