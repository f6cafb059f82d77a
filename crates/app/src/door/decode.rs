//! `konsil decode`: the stored values of one frame, exactly, into a file.

use super::{Outcome, Refusal, WrongUse, json_line};
use crate::images::WorkerPool;
use imaging::Part10;
use serde_json::json;
use std::{io::Write, path::Path};

pub(super) async fn run(
    workers: &WorkerPool,
    file: &Path,
    frame: u32,
    output: &Path,
    out: &mut dyn Write,
) -> Result<Outcome, Refusal> {
    let bytes = std::fs::read(file).map_err(|error| WrongUse::file(file, &error))?;
    let refused = |out: &mut dyn Write, kind: &str, why: String| -> Result<Outcome, Refusal> {
        json_line(out, &json!({"error": {"kind": kind, "reason": why}}))?;
        Ok(Outcome::Found)
    };
    let part10 = match Part10::open(&bytes) {
        Ok(part10) => part10,
        Err(error) => return refused(out, super::inspect::kind_of_read(&error), error.to_string()),
    };
    let instance = part10.instance();
    if frame == 0 || frame > instance.number_of_frames {
        return Err(WrongUse(format!(
            "there is no frame {frame}; frames count from 1 to {}",
            instance.number_of_frames
        ))
        .into());
    }
    let Some(image) = &instance.image else {
        return refused(out, "no-picture", "the object has no pixels".to_owned());
    };
    let encoded = match part10.frame(frame as usize - 1) {
        Ok(encoded) => encoded,
        Err(error) => return refused(out, super::inspect::kind_of_frame(&part10), error.to_string()),
    };
    let raw = match workers.decode_raw(image, part10.transfer_syntax(), &encoded).await {
        Ok(raw) => raw,
        Err(error) => return refused(out, super::inspect::kind_of_worker(&error), error.to_string()),
    };
    std::fs::write(output, &raw.bytes).map_err(|error| WrongUse::file(output, &error))?;
    json_line(
        out,
        &json!({
            "rows": raw.rows,
            "columns": raw.columns,
            "samples": raw.samples,
            "bits": raw.bits,
            "signed": raw.signed,
            "photometric": raw.photometric.term(),
            "frame": frame,
            "bitsStored": image.bits_stored,
            "transferSyntax": part10.transfer_syntax(),
        }),
    )?;
    Ok(Outcome::Well)
}
