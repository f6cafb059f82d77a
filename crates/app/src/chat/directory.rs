//! The directory, asked in the name of the homeserver's account.

use super::{Up, views::initials};
use crate::{Desk, failures};
use contract::{DirectoryAddressView, DirectoryEntryView, DirectoryView, Failure, Part};
use futures_util::FutureExt as _;
use platform::{
    Platform,
    directory::{AddressKind, DirectoryClient, Entry, Listing, NoProof, Proof, Proofs},
    fhir::FhirError,
};
use std::{future::Future, pin::Pin, sync::Arc};
use tim::{Account, OpenId};

/// Fewer letters than these are no question to a directory of a whole country.
const FEWEST: usize = 3;

/// The homeserver's word, as the directory wants it.
struct Homeserver(OpenId);

impl Proofs for Homeserver {
    fn proof(&self) -> Pin<Box<dyn Future<Output = Result<Proof, NoProof>> + Send + '_>> {
        async {
            let token = self.0.token().await.map_err(|error| NoProof(error.to_string()))?;
            Ok(Proof { token: token.token, server_name: token.server_name })
        }
        .boxed()
    }
}

impl Desk {
    /// The directory that the platform names.
    pub(super) fn directory_of(&self, account: &Account, platform: &Platform) -> Option<DirectoryClient> {
        let base = platform.directory.as_ref()?;
        Some(DirectoryClient::new(&self.0.egress, base, Arc::new(Homeserver(account.openid()))))
    }

    /// Services and people. A part that fails says so by itself.
    pub(crate) async fn search_directory(&self, words: &str) -> Result<DirectoryView, Failure> {
        let up: Arc<Up> = self.up()?;
        let Some(directory) = &up.directory else {
            return Ok(DirectoryView { services: Part::Absent, people: Part::Absent, partial: false });
        };
        if words.trim().chars().count() < FEWEST {
            return Ok(DirectoryView { services: Part::Empty, people: Part::Empty, partial: false });
        }
        let own = up.account.user();
        // A search is deep.
        let (services, people) = tokio::join!(Box::pin(directory.services(words)), Box::pin(directory.people(words)));
        let partial = [&services, &people].iter().any(|found| found.as_ref().is_ok_and(|found| found.partial));
        let house = |entry: &Entry| initials(entry.organization.as_deref().unwrap_or(&entry.name));
        let person = |entry: &Entry| initials(&entry.name);
        Ok(DirectoryView { services: part(services, &own, house), people: part(people, &own, person), partial })
    }
}

fn part(
    found: Result<Listing, FhirError>,
    own: &str,
    picture: impl Fn(&Entry) -> String,
) -> Part<Vec<DirectoryEntryView>> {
    match found {
        Ok(listing) => {
            let value: Vec<_> =
                listing.entries.into_iter().filter_map(|entry| view(picture(&entry), entry, own)).collect();
            if value.is_empty() && !listing.more { Part::Empty } else { Part::Ready { value, more: listing.more } }
        }
        Err(error) => {
            tracing::warn!(%error, "the directory gave nothing");
            failures::part_of_fhir(&error)
        }
    }
}

/// None for this person's own entry.
fn view(initials: String, entry: Entry, own: &str) -> Option<DirectoryEntryView> {
    let addresses: Vec<_> = entry
        .addresses
        .into_iter()
        .filter(|address| address.id.as_str() != own)
        .map(|address| DirectoryAddressView {
            id: address.id.to_string(),
            name: address.name,
            bot: address.kind == AddressKind::Bot,
        })
        .collect();
    (!addresses.is_empty()).then_some(DirectoryEntryView {
        id: entry.id,
        initials,
        name: entry.name,
        organization: entry.organization,
        place: entry.place,
        specialties: entry.specialties,
        addresses,
    })
}
