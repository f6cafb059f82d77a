//! From the record (FHIR R4 JSON) to view models. Pure: resources in, views out; no request is made
//! here and no clock is read.
//!
//! Reading is forgiving: an element that is missing or of another shape is absent in the view, and
//! one odd resource never empties a part.

mod agenda;
mod case;
mod directory;
mod identity;
mod laboratory;
mod queries;
pub(crate) mod read;
pub(crate) mod reports;
mod rows;
mod timeline;
mod tumor;

pub(crate) use agenda::{Session, next_session, slots};
pub(crate) use case::{Archive, CaseRecord, Loaded, case_view, current_plan, document_entry};
pub(crate) use directory::{Directory, PersonFacts};
pub(crate) use identity::{identity_view, record_identity};
pub(crate) use queries::{Part, QUERIES, Query, filled};
pub(crate) use rows::{RowSources, case_row};
pub(crate) use tumor::{TNM_ALONE, TNM_GROUPS, primary};

/// All diagnoses, the primary tumor first.
pub(crate) fn diagnoses(conditions: &[serde_json::Value]) -> Vec<contract::DiagnosisEntryView> {
    tumor::diagnoses(conditions, &[])
}

/// SNOMED CT code of a tumor board, "Cancer care review (procedure)".
pub(crate) const CANCER_CARE_REVIEW: &str = "http://snomed.info/sct|720006006";
/// Base of the MII oncology module.
pub(crate) const ONKO: &str = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/";
