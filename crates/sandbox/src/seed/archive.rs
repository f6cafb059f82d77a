//! Brings the record's studies into agreement with what the archive holds.

use super::maker::{DCM, coding, reference};
use crate::clock::berlin;
use crate::images::StudyListing;
use serde_json::{Value, json};

/// Rewrites UIDs, series and numbers of images of the studies that the archive lists, and adds those
/// that only the archive knows. A study that the archive does not hold stays listed as the recipe says.
pub(crate) fn with_archive(mut resources: Vec<Value>, listings: &[StudyListing]) -> Vec<Value> {
    for listing in listings {
        let known = resources
            .iter()
            .position(|resource| resource["resourceType"] == "ImagingStudy" && resource["id"] == listing.id.as_str());
        match known {
            Some(place) => {
                let study = &mut resources[place];
                agree(study, listing);
            }
            None => {
                let mut study = json!({
                    "resourceType": "ImagingStudy",
                    "id": listing.id,
                    "status": "available",
                    "subject": reference("Patient", &listing.patient),
                });
                describe(&mut study, &listing.title);
                agree(&mut study, listing);
                resources.push(study);
            }
        }
    }
    resources
}

fn agree(study: &mut Value, listing: &StudyListing) {
    let series: Vec<Value> = listing
        .series
        .iter()
        .map(|series| {
            let mut entry = json!({
                "uid": series.uid,
                "number": series.number,
                "modality": coding(DCM, &series.modality, None, None),
                "numberOfInstances": series.instances,
            });
            describe(&mut entry, &series.description);
            entry
        })
        .collect();
    let mut modalities: Vec<Value> = Vec::new();
    for series in &listing.series {
        let modality = coding(DCM, &series.modality, None, None);
        if !modalities.contains(&modality) {
            modalities.push(modality);
        }
    }
    let started = listing.started.to_zoned(berlin()).map(|at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    study["identifier"] = json!([{ "system": "urn:dicom:uid", "value": format!("urn:oid:{}", listing.uid) }]);
    study["modality"] = json!(modalities);
    if let Ok(started) = started {
        study["started"] = json!(started);
    }
    study["numberOfSeries"] = json!(series.len());
    study["numberOfInstances"] = json!(listing.series.iter().map(|series| series.instances).sum::<usize>());
    study["series"] = json!(series);
}

/// An element of FHIR is never empty (R4 §2.24.0.3).
fn describe(entry: &mut Value, words: &str) {
    if !words.is_empty() {
        entry["description"] = json!(words);
    }
}
