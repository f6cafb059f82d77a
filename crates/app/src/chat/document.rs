//! A document of the open case on its way into a conversation: its content comes from the record and goes with a
//! structured message beside it.

use super::files::{Supply, of_file};
use crate::Desk;
use crate::documents::{LIMIT, Stored};
use bytes::Bytes;
use contract::{Failure, FailureCode, Language, Reply};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tim::{CaseLink, Conversation, InMemory, Moment, NewDocument, NewFile, Splitting};
use tokio::sync::Mutex as Turn;

impl Desk {
    // In a box where it is made: the answer that awaits it is as large as all of its branches.
    pub(super) fn share_document<'a>(
        &'a self,
        conversation: &'a Conversation,
        case: CaseLink,
        patient: &'a str,
        document: &'a str,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        async move {
            self.room_for_a_file()?;
            let stored = self.stored_document(patient, document).await?;
            let (mimetype, ending) = stored.media_type();
            let language = self.state().settings.language;
            let (name, document) = said(&stored, ending, case, language);
            let too_large = |_size| Failure::new(FailureCode::FileTooLarge, LIMIT.to_string());
            let bytes = Bytes::from(stored.bytes.map_err(too_large)?);
            let text = document.text.clone();
            let file = NewFile {
                name,
                mimetype: Some(mimetype),
                size: bytes.len() as u64,
                modified: None,
                picture: None,
                fallback: Arc::new(move |_name, _parts| text.clone()),
            };
            let outgoing = conversation.attach_document(file, document, Splitting::default()).await;
            let outgoing = outgoing.map_err(|error| of_file(&error))?;
            let (id, room) = (self.outgoing_id(), conversation.id());
            self.put_outgoing(&id, &room, outgoing, None, Supply::Held(Arc::new(Turn::new(InMemory(bytes)))), false);
            self.send_held_now(&id);
            self.tell_files(&room).await;
            Ok(Reply::Done)
        }
        .boxed()
    }
}

/// Under which name it goes, and what is said beside it. Other programs show both, so they say what it is and about which
/// case, and name nobody; what the record calls it stands in the resource alone.
fn said(stored: &Stored, ending: &str, case: CaseLink, language: Language) -> (String, NewDocument) {
    let entry = &stored.entry;
    let kind = entry.kind.as_deref().unwrap_or(match language {
        Language::De => "Dokument",
        Language::En => "Document",
    });
    let day = entry.at.as_deref().and_then(|at| at.get(..10)).map(|day| format!("-{day}")).unwrap_or_default();
    // A slash would make a path of it, of which the last step alone is a name.
    let name = format!("{}{day}{ending}", kind.replace(|c: char| c.is_whitespace() || matches!(c, '/' | '\\'), "-"));
    let text = match (language, case.number.as_deref()) {
        (Language::De, Some(number)) => format!("{kind} zu Fall {number}."),
        (Language::De, None) => format!("{kind} zum Fall dieses Gesprächs."),
        (Language::En, Some(number)) => format!("{kind} of case {number}."),
        (Language::En, None) => format!("{kind} of the case of this conversation."),
    };
    let date = entry.at.clone().filter(|at| Moment::parse(at).is_some());
    let (kdl, kind) = (entry.kdl.clone(), entry.kind.clone());
    (name, NewDocument { case, title: entry.title.clone(), kdl, kind, date, text })
}

#[cfg(test)]
mod tests {
    use super::said;
    use crate::documents::Stored;
    use crate::validator::given;
    use contract::{DocumentEntryView, Language};
    use tim::CaseLink;

    fn stored() -> Stored {
        Stored {
            entry: DocumentEntryView {
                id: "doc-1".to_owned(),
                title: "Koloskopie STEINKLEE, Milan".to_owned(),
                kdl: Some("AU050102".to_owned()),
                kind: Some("Endoskopiebefund oben/unten".to_owned()),
                author: None,
                organization: None,
                at: Some("2026-11-12T09:30:00+01:00".to_owned()),
                content_type: "application/pdf".to_owned(),
            },
            declared: "application/octet-stream".to_owned(),
            bytes: Ok(b"%PDF-1.7".to_vec()),
        }
    }

    fn case() -> CaseLink {
        CaseLink {
            base: "https://fhir.eschenland.example/fhir".to_owned(),
            reference: "ServiceRequest/sr-0417".to_owned(),
            number: Some("K-2026-0417".to_owned()),
        }
    }

    #[test]
    fn what_other_programs_show_of_a_document_names_the_case_and_nobody() {
        let stored = stored();
        assert_eq!(stored.media_type(), ("application/pdf".to_owned(), ".pdf"), "by its content");
        let (name, document) = said(&stored, ".pdf", case(), Language::De);
        assert_eq!(name, "Endoskopiebefund-oben-unten-2026-11-12.pdf", "by its kind and day");
        assert_eq!(document.text, "Endoskopiebefund oben/unten zu Fall K-2026-0417.", "by the number");
        assert_eq!(document.title, "Koloskopie STEINKLEE, Milan", "what the record calls it is in the resource");
        let resource = document.resource(&name, Some("application/pdf"), 8);
        assert_eq!(resource["date"], "2026-11-12T09:30:00+01:00", "as FHIR has an instant");
    }

    #[test]
    fn a_document_without_a_kind_or_a_whole_date_is_sent_all_the_same() {
        let mut stored = stored();
        (stored.entry.kind, stored.entry.at) = (None, Some("2026-11".to_owned()));
        let (name, document) = said(&stored, ".pdf", case(), Language::En);
        assert_eq!((name.as_str(), &document.date), ("Document.pdf", &None), "with what is known");
        let resource = document.resource(&name, Some("application/pdf"), 8);
        assert_eq!(resource["type"]["coding"][0]["code"], "AU050102", "the code alone says what it is too");
        assert_eq!(resource["type"]["text"], serde_json::Value::Null, "without words that nobody wrote");
    }

    #[test]
    fn a_written_document_is_given_to_the_validator() {
        let Some(given) = given() else { return };
        let (name, document) = said(&stored(), ".pdf", case(), Language::De);
        given.take("message-document", &document.resource(&name, Some("application/pdf"), 48_213));
    }
}
