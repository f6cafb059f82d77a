//! From the archive to the page: what comes out of the bulk pipe, by either way, are the stored values of the files that lie in the
//! archive, whatever that archive can send.

use crate::{
    MODERATOR,
    archive::{Stored, ct, dx, stored},
    at_work_on,
    bulk::{Way, frames},
    client,
    platforms::on_each_platform,
};
use contract::{IdentityGrade, Reply, Request};
use imaging::Stack;
use serde_json::{Value, json};
use testkit::{DeskKit, Platform};

on_each_platform![the_page_gets_the_stored_values_of_a_jpeg_ls_ct_and_of_an_htj2k_x_ray,];

/// A record that lists the study of these files and says of its patient what they say.
async fn record(platform: &Platform, patient: &str, files: &[Stored]) {
    let instance = &files[0].instance;
    let identity = &instance.patient;
    let (family, given) = identity.family_and_given().reveal().clone();
    let mut person = json!({
        "resourceType": "Patient",
        "id": patient,
        "identifier": [{"system": "https://konsil.example/sid/test", "value": identity.id.reveal()}],
        "name": [{"use": "official", "family": family, "given": [given]}],
    });
    if let Some(day) = &identity.birth_date {
        person["birthDate"] = json!(day.reveal());
    }
    let study = json!({
        "resourceType": "ImagingStudy",
        "id": format!("study-of-{patient}"),
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": format!("urn:oid:{}", instance.study.as_str())}],
        "subject": {"reference": format!("Patient/{patient}")},
    });
    let put = |resource: Value| {
        let url = format!(
            "{}/{}",
            resource["resourceType"].as_str().unwrap_or_default(),
            resource["id"].as_str().unwrap_or_default()
        );
        json!({"resource": resource, "request": {"method": "PUT", "url": url}})
    };
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [put(person), put(study)]});
    let (fhir, _) = client::records(platform, MODERATOR).await;
    fhir.transaction(&bundle).await.expect("the record is stored");
}

/// Every frame of the only series, in the stack's order, as the page gets it.
async fn pictures(desk: &DeskKit, way: Way, patient: &str, files: &[Stored]) -> Vec<Vec<u8>> {
    let (study, series) = (files[0].instance.study.as_str(), files[0].instance.series.as_str());
    desk.call(Request::OpenCase { patient: patient.to_owned() }).await.expect("the case opens");
    desk.call(Request::OpenImages { patient: patient.to_owned() }).await.expect("the images open");
    let identity = desk
        .eventually("the study", |seen| {
            let images = seen.images.as_ref().filter(|images| images.patient == patient && !images.loading)?;
            images.studies.iter().find(|entry| entry.study == study).map(|entry| entry.identity.clone())
        })
        .await;
    match identity {
        IdentityGrade::Same | IdentityGrade::Spelling { .. } => {}
        // Images without a birth date are shown after a look.
        IdentityGrade::Unclear { .. } => {
            let request = Request::ConfirmIdentity { patient: patient.to_owned(), study: study.to_owned() };
            desk.call(request).await.expect("it is confirmed");
        }
        IdentityGrade::Other { .. } => panic!("the record says what the images say"),
    }
    let request =
        Request::OpenSeries { patient: patient.to_owned(), study: study.to_owned(), series: series.to_owned() };
    let Reply::Series(opened) = desk.call(request).await.expect("the series opens") else { panic!("another reply") };
    let last = u32::try_from(opened.frames.len() - 1).expect("a dozen frames");

    let got = frames(desk, way, &opened, 0, last).await;
    got.into_iter().map(|(frame, what)| what.unwrap_or_else(|code| panic!("frame {frame}: {code}"))).collect()
}

/// The stored values that the files hold, in the stack's order.
fn expected(files: &[Stored]) -> Vec<Vec<u8>> {
    let stack = Stack::of(files.iter().map(|file| file.instance.clone()).collect());
    let instances = (0..stack.frames.len()).filter_map(|at| stack.instance(at));
    instances
        .map(|instance| {
            let file = files.iter().find(|file| file.instance.sop_instance == instance.sop_instance);
            file.expect("the stack is made of the files").decoded().bytes
        })
        .collect()
}

async fn the_page_gets_the_stored_values_of_a_jpeg_ls_ct_and_of_an_htj2k_x_ray(platform: &Platform) {
    let (Some(ct), Some(dx)) = (ct(), dx()) else { return };
    for (patient, files) in [("pat-real-ct", ct), ("pat-real-dx", dx)] {
        stored(platform, &files).await;
        record(platform, patient, &files).await;
        let expected = expected(&files);
        for way in Way::BOTH {
            // A desk of its own: what came over one way is kept on the device.
            let (_folder, desk) = at_work_on(platform, "dr-rosenpfad").await;
            let got = pictures(&desk, way, patient, &files).await;
            assert_eq!(got.len(), expected.len(), "{patient}, {way:?}: every frame");
            assert!(got == expected, "{patient}, {way:?}: the files' stored values");
        }
    }
}
