//! What a person has measured: kept in the vault by series or part of one, so that it is there again after a change of the tab, a
//! crash or a restart, and gone with the profile.
//!
//! Measurements are the person's own notes, not the record's: they go to no server, and another person who signs in
//! with the same profile does not see them.

use crate::{Desk, failures, images::PartName};
use contract::{Failure, FailureCode, MarkView, MeasurementView, MeasurementsView};
use std::sync::Arc;
use vault::{StoreError, Table, Vault};

/// Of one series. More are a fault of the page, not somebody's work.
const MOST: usize = 1000;
/// A value with its unit is a few characters.
const LONGEST_TEXT: usize = 200;

impl Desk {
    pub(crate) async fn open_measurements(&self, patient: &str) -> Result<MeasurementsView, Failure> {
        let prefix = self.measurements_of(patient)?;
        let measurements = self.with_vault(move |vault| read(vault, &prefix)).await?;
        Ok(MeasurementsView { patient: patient.to_owned(), measurements })
    }

    pub(crate) async fn keep_measurements(
        &self,
        patient: &str,
        series: &str,
        measurements: Vec<MeasurementView>,
    ) -> Result<(), Failure> {
        let key = self.measurements_of(patient)? + checked(series, &measurements)?;
        self.with_vault(move |vault| {
            if measurements.is_empty() {
                return vault.delete(Table::Measurements, &key).map(drop);
            }
            let bytes = serde_json::to_vec(&measurements).map_err(|error| StoreError::Failed(error.to_string()))?;
            vault.put(Table::Measurements, &key, &bytes)
        })
        .await
    }

    /// What the keys of this person's measurements of the open patient begin with.
    fn measurements_of(&self, patient: &str) -> Result<String, Failure> {
        let (taken, _) = self.seated()?;
        self.with_case(patient, |_| prefix(&taken.session.person().subject, patient))
    }

    pub(crate) async fn with_vault<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let vault: Arc<Vault> = self.0.vault.clone();
        tokio::task::spawn_blocking(move || work(&vault))
            .await
            .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?
            .map_err(|error| failures::of_store(&error))
    }
}

/// No subject and no FHIR id holds a line break, so that no two of them make the same key.
fn prefix(subject: &str, patient: &str) -> String {
    format!("{subject}\n{patient}\n")
}

fn read(vault: &Vault, prefix: &str) -> Result<Vec<MeasurementView>, StoreError> {
    let mut all = Vec::new();
    for key in vault.keys(Table::Measurements)? {
        if !key.reveal().starts_with(prefix) {
            continue;
        }
        let Some(bytes) = vault.get(Table::Measurements, key.reveal())? else { continue };
        // A form that this version does not read stays where it is.
        let kept: Vec<MeasurementView> = serde_json::from_slice(bytes.reveal()).unwrap_or_default();
        all.extend(kept);
    }
    Ok(all)
}

/// The series, if everything is what the page could have measured on it.
fn checked<'a>(series: &'a str, measurements: &[MeasurementView]) -> Result<&'a str, Failure> {
    let refused = |field: &str| Failure::new(FailureCode::InvalidInput, field);
    PartName::parse(series).map_err(|_why| refused("series"))?;
    if measurements.len() > MOST {
        return Err(refused("measurements"));
    }
    for one in measurements {
        let numbers = match &one.mark {
            MarkView::Length { from, to, value, unit: _ } => vec![from[0], from[1], to[0], to[1], *value],
            MarkView::Probe { at, text } if text.len() <= LONGEST_TEXT => at.to_vec(),
            MarkView::Probe { .. } => return Err(refused("text")),
        };
        if one.series != series || one.id.len() > LONGEST_TEXT || !numbers.iter().all(|number| number.is_finite()) {
            return Err(refused("measurement"));
        }
    }
    Ok(series)
}

#[cfg(test)]
mod tests {
    use super::{checked, prefix};
    use contract::{LengthUnit, MarkView, MeasurementView};

    fn length(series: &str, value: f64) -> MeasurementView {
        MeasurementView {
            id: "m1".to_owned(),
            series: series.to_owned(),
            instance: "1.2.3.4".to_owned(),
            frame: 1,
            mark: MarkView::Length { from: [0.0, 0.0], to: [3.0, 4.0], value, unit: LengthUnit::Mm },
        }
    }

    #[test]
    fn a_measurement_of_another_series_or_without_a_number_is_not_kept() {
        assert!(checked("1.2.3", &[length("1.2.3", 5.0)]).is_ok(), "its own series");
        assert!(checked("1.2.3~2", &[length("1.2.3~2", 5.0)]).is_ok(), "its own part of a series");
        assert!(checked("1.2.3", &[length("1.2.4", 5.0)]).is_err(), "another series");
        assert!(checked("1.2.3", &[length("1.2.3~2", 5.0)]).is_err(), "another part");
        assert!(checked("1.2.3", &[length("1.2.3", f64::NAN)]).is_err(), "no number");
        assert!(checked("1.2.3\n", &[]).is_err(), "no UID (PS3.5, 9.1)");
    }

    #[test]
    fn the_keys_of_one_patient_never_begin_like_anothers() {
        assert!(!format!("{}1.2", prefix("a", "p-12")).starts_with(&prefix("a", "p-1")), "an id that begins alike");
        assert!(!format!("{}1.2", prefix("ab", "p")).starts_with(&prefix("a", "p")), "a subject that begins alike");
    }
}
