//! From the archive to the page: what comes out of the bulk pipe are the stored values of the files that lie in the
//! archive, whatever that archive can send.

use crate::{
    MODERATOR,
    archive::{Stored, ct, dx, stored},
    at_work_on, client,
    platforms::on_each_platform,
};
use contract::{IdentityGrade, Reply, Request};
use futures_util::{SinkExt, StreamExt};
use imaging::Stack;
use serde_json::{Value, json};
use testkit::{DeskKit, PATIENCE, Platform};
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

on_each_platform![the_page_gets_the_stored_values_of_a_jpeg_ls_ct_and_of_an_htj2k_x_ray,];

/// Length of a message's header.
const HEADER: usize = 32;

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
async fn pictures(desk: &DeskKit, patient: &str, files: &[Stored]) -> Vec<Vec<u8>> {
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

    let Reply::BulkAccess(access) = desk.call(Request::OpenBulk).await.expect("the pipe opens") else {
        panic!("another reply")
    };
    let mut request = access.socket.expect("a socket").into_client_request().expect("an address");
    request.headers_mut().insert("origin", DeskKit::ORIGIN.parse().expect("a header"));
    let (mut socket, _) = connect_async(request).await.expect("the page gets through");
    let want = format!(r#"{{"type":"want","series":{},"first":0,"last":{last},"near":0}}"#, opened.handle);
    socket.send(Message::text(want)).await.expect("the pipe listens");
    socket.send(Message::text(r#"{"type":"credit","n":1000}"#)).await.expect("the pipe listens");
    let mut pictures = vec![Vec::new(); opened.frames.len()];
    let mut whole = 0;
    while whole < pictures.len() {
        let message = timeout(PATIENCE, socket.next()).await.expect("a frame in time").expect("open").expect("whole");
        let Message::Binary(bytes) = message else { panic!("a frame and no failure: {message:?}") };
        let frame = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes"));
        pictures[frame as usize].extend_from_slice(&bytes[HEADER..]);
        // Flag 2: the last part of a frame.
        whole += usize::from(bytes[3] & 2 != 0);
    }
    pictures
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
    let (_folder, desk) = at_work_on(platform, "dr-rosenpfad").await;
    for (patient, files) in [("pat-real-ct", ct), ("pat-real-dx", dx)] {
        stored(platform, &files).await;
        record(platform, patient, &files).await;
        let (got, expected) = (pictures(&desk, patient, &files).await, expected(&files));
        assert_eq!(got.len(), expected.len(), "{patient}: every frame");
        assert!(got == expected, "{patient}: the files' stored values");
    }
}
