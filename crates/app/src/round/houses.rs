//! Where the people of rounds work and what they are, by the directory: two hospitals' people meet here who have never seen
//! each other. Each is looked up once, by their name and then by their address, since a directory keeps no index of addresses.

use crate::Desk;
use contract::{RoundKey, RoundPersonView, SenderView};
use platform::directory::Entry;
use std::collections::BTreeMap;

/// A directory of a whole country is not asked for less.
const FEWEST: usize = 3;

/// What is known of people, by their Matrix id.
#[derive(Default)]
pub(super) struct Houses(BTreeMap<String, Known>);

/// Of a person.
#[derive(Default)]
struct Known {
    house: Option<String>,
    speciality: Option<String>,
    /// The directory did not answer, or not with all that it has; it is asked again in the next round.
    failed: bool,
}

impl Houses {
    /// Who has not been asked for yet; from now on they have.
    pub(super) fn unasked(&mut self, people: &[RoundPersonView]) -> Vec<SenderView> {
        let unknown = people.iter().filter(|person| is_known(person) && !self.0.contains_key(&person.person.id));
        let unknown: Vec<_> = unknown.map(|person| person.person.clone()).collect();
        for person in &unknown {
            // Until the answer is there.
            self.0.insert(person.id.clone(), Known { failed: true, ..Known::default() });
        }
        unknown
    }

    /// Puts what is known of somebody beside their name.
    pub(super) fn tell(&self, person: &mut RoundPersonView) {
        if let Some(known) = self.0.get(&person.person.id).filter(|_| is_known(person)) {
            person.house.clone_from(&known.house);
            person.speciality.clone_from(&known.speciality);
        }
    }

    /// Whoever could not be asked for is asked for once more.
    pub(super) fn begin(&mut self) {
        self.0.retain(|_id, known| !known.failed);
    }

    fn put(&mut self, id: &str, known: Known) {
        if let Some(place) = self.0.get_mut(id) {
            *place = known;
        }
    }
}

/// Whom the media server alone knows is nobody: neither asked for nor given somebody's house.
fn is_known(person: &RoundPersonView) -> bool {
    person.key != RoundKey::Unassigned
}

impl Desk {
    /// Asks the directory for these, one after the other, as long as the round of an entry goes on.
    pub(super) async fn look_up(&self, entry: u64, people: Vec<SenderView>) {
        let Ok(up) = self.up() else { return };
        let Some(directory) = up.directory() else { return };
        for person in people {
            let Some(word) = telling(&person.name) else { continue };
            let known = match directory.people(word).await {
                Ok(listing) => {
                    let all = !listing.partial && !listing.more;
                    let known = known(&listing.entries, &person.id);
                    Known { failed: !all && known.house.is_none(), ..known }
                }
                Err(error) => {
                    tracing::info!(%error, "the directory did not say where somebody works");
                    Known { failed: true, ..Known::default() }
                }
            };
            {
                let mut state = self.0.rounds.state();
                if state.entries != entry {
                    return;
                }
                state.houses.put(&person.id, known);
            }
            self.tell_rounds();
        }
    }
}

/// The entries with this address: a name alone is not who it is. Whoever works in two houses has one of each, and nobody
/// knows from which they speak.
fn known(entries: &[Entry], id: &str) -> Known {
    let is_theirs = |entry: &&Entry| entry.addresses.iter().any(|address| address.id.as_str() == id);
    let theirs: Vec<&Entry> = entries.iter().filter(is_theirs).collect();
    let all = |words: Vec<&String>| {
        let mut told: Vec<&str> = Vec::new();
        for word in words {
            if !told.contains(&word.as_str()) {
                told.push(word);
            }
        }
        (!told.is_empty()).then(|| told.join(" · "))
    };
    Known {
        house: all(theirs.iter().filter_map(|entry| entry.organization.as_ref()).collect()),
        speciality: all(theirs.iter().filter_map(|entry| entry.specialties.first()).collect()),
        failed: false,
    }
}

/// The word of a name that tells most: titles end with a stop, and the longest of the rest is rarest.
fn telling(name: &str) -> Option<&str> {
    let words = name.split(|letter: char| letter.is_whitespace() || letter == ',');
    let words = words.filter(|word| !word.ends_with('.') && word.chars().count() >= FEWEST);
    words.max_by_key(|word| word.chars().count())
}

#[cfg(test)]
mod tests {
    use super::{known, telling};
    use model::MatrixId;
    use platform::directory::{Address, AddressKind, Entry};

    fn entry(address: &str, house: &str) -> Entry {
        Entry {
            id: house.to_owned(),
            name: "Nora Ahlefels".to_owned(),
            organization: Some(house.to_owned()),
            place: None,
            specialties: vec!["Pneumologie".to_owned()],
            addresses: vec![Address {
                id: MatrixId::parse(address).expect("an address"),
                kind: AddressKind::Person,
                name: None,
            }],
        }
    }

    #[test]
    fn a_person_is_looked_up_by_the_rarest_word_of_their_name() {
        assert_eq!(telling("Dr. med. Nora Ahlefels"), Some("Ahlefels"), "with titles");
        assert_eq!(telling("Ahlefels, Nora"), Some("Ahlefels"), "as the directory writes it");
        assert_eq!(telling("Xu Li"), None, "a country's directory is not asked for so little");
    }

    #[test]
    fn who_has_the_name_and_not_the_address_is_somebody_else() {
        let entries = [entry("@nora:anderswo.example", "Klinik A"), entry("@dr-ahlefels:klinikum.example", "Klinik B")];
        let found = known(&entries, "@dr-ahlefels:klinikum.example");
        assert_eq!(found.house.as_deref(), Some("Klinik B"), "by the address");
        assert_eq!(found.speciality.as_deref(), Some("Pneumologie"), "what they are");
        assert_eq!(known(&entries, "@nora:klinikum.example").house, None, "nobody");
        let both =
            [entry("@dr-ahlefels:klinikum.example", "Klinik B"), entry("@dr-ahlefels:klinikum.example", "MVZ C")];
        let found = known(&both, "@dr-ahlefels:klinikum.example");
        assert_eq!(found.house.as_deref(), Some("Klinik B · MVZ C"), "both houses");
        assert_eq!(found.speciality.as_deref(), Some("Pneumologie"), "the same in both");
    }
}
