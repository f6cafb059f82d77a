//! Contacts as cards: vCard 4.0 with `N`, `FN` and `IMPP`, which the TI-Messenger shows as a QR code (gematik's
//! api-ti-messenger, docs/Client).

use super::of_account;
use crate::Desk;
use contract::{CardView, Failure, FailureCode, OwnCardView};
use model::MatrixId;
use platform::oidc::Person;
use qrcodegen::{QrCode, QrCodeEcc};
use tim::{Everybody, Permissions};

/// A card with a portrait may be long; nothing of it is kept but name and address.
const LONGEST_CARD: usize = 1024 * 1024;
/// Letters of a name at most.
const LONGEST_NAME: usize = 200;

impl Desk {
    pub(crate) fn own_card(&self) -> Result<OwnCardView, Failure> {
        let taken = self.taken().ok_or_else(|| Failure::new(FailureCode::SessionEnded, "nobody is signed in"))?;
        let address = self.up()?.account.user();
        let person = taken.session.person();
        let text = written(&person, &address);
        let code = QrCode::encode_text(&text, QrCodeEcc::Medium)
            .map_err(|_too_long| Failure::new(FailureCode::Internal, "the card is too long for a code"))?;
        let row = |y: i32| (0..code.size()).map(|x| if code.get_module(x, y) { '1' } else { '0' }).collect();
        let name = shown_name(&person);
        Ok(OwnCardView { name, address, text, modules: (0..code.size()).map(row).collect() })
    }

    /// What a card says, without keeping it.
    pub(crate) fn read_card(&self, text: &str) -> Result<CardView, Failure> {
        let up = self.up()?;
        let (name, id) =
            read(text).ok_or_else(|| Failure::new(FailureCode::InvalidInput, "no card with an address in chat"))?;
        Ok(CardView { name, own: id.as_str() == up.account.user(), address: id.to_string() })
    }

    /// Lets somebody write to this person first, whatever holds for everybody.
    pub(crate) async fn accept_contact(&self, address: &str) -> Result<(), Failure> {
        let up = self.up()?;
        let id = MatrixId::parse(address)
            .map_err(|_refused| Failure::new(FailureCode::InvalidInput, "no address in chat"))?;
        let mut permissions = up.account.permissions().await.map_err(|error| of_account(&error))?;
        if allow(&mut permissions, &id) {
            up.account.set_permissions(&permissions).await.map_err(|error| of_account(&error))?;
        }
        Ok(())
    }
}

/// Whether something had to change.
fn allow(permissions: &mut Permissions, id: &MatrixId) -> bool {
    match permissions.everybody {
        Everybody::Blocked => permissions.users.insert(id.to_string()),
        // Their whole house may still be kept out: that was decided on purpose.
        Everybody::Allowed => permissions.users.remove(id.as_str()),
    }
}

fn shown_name(person: &Person) -> String {
    match &person.prefix {
        Some(prefix) if !person.name.starts_with(prefix.as_str()) => format!("{prefix} {}", person.name),
        Some(_) | None => person.name.clone(),
    }
}

fn written(person: &Person, address: &str) -> String {
    let part = |text: &Option<String>| escaped(text.as_deref().unwrap_or_default());
    let family = person.family.as_deref().map_or_else(|| escaped(&person.name), escaped);
    let lines = [
        "BEGIN:VCARD".to_owned(),
        "VERSION:4.0".to_owned(),
        // RFC 6350 §6.2.2: family, given, additional names, prefixes, suffixes.
        format!("N:{family};{};;{};", part(&person.given), part(&person.prefix)),
        format!("FN:{}", escaped(&shown_name(person))),
        format!("IMPP:matrix://{address}"),
        "END:VCARD".to_owned(),
    ];
    lines.map(|line| line + "\r\n").concat()
}

/// RFC 6350 §3.4.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ',' | ';' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => {}
            letter => out.push(letter),
        }
    }
    out
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n' | 'N') => out.push(' '),
                Some(other) => out.push(other),
                None => {}
            },
            letter => out.push(letter),
        }
    }
    out
}

/// Name and address of a card, or of an address alone in any of its forms.
fn read(text: &str) -> Option<(String, MatrixId)> {
    let text = text.trim().trim_start_matches('\u{feff}');
    if text.len() > LONGEST_CARD {
        return None;
    }
    if !text.get(..11).is_some_and(|begin| begin.eq_ignore_ascii_case("BEGIN:VCARD")) {
        let id = MatrixId::parse(text.strip_prefix("https://matrix.to/#/").unwrap_or(text)).ok()?;
        return Some((id.to_string(), id));
    }
    // RFC 6350 §3.2: a line goes on after a break that a blank follows.
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let (mut name, mut id) = (None, None);
    for line in unfolded.lines() {
        let Some((head, value)) = line.split_once(':') else { continue };
        // §3.3: a group before the name, parameters behind it.
        let property = head.split(';').next().unwrap_or_default();
        let property = property.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
        match property.as_str() {
            "FN" if name.is_none() => name = Some(clean(&unescaped(value))).filter(|name| !name.is_empty()),
            // Others than of Matrix are other programs' addresses.
            "IMPP" if id.is_none() => id = MatrixId::parse(&unescaped(value)).ok(),
            "END" => break,
            _ => {}
        }
    }
    let id = id?;
    Some((name.unwrap_or_else(|| id.to_string()), id))
}

/// In one line, without marks of direction: a card is a stranger's text.
fn clean(text: &str) -> String {
    let unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let seen: String = text
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|&letter| !unseen(letter))
        .collect();
    seen.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::{allow, read, written};
    use model::MatrixId;
    use platform::oidc::Person;
    use tim::{Everybody, Permissions};

    fn amina() -> Person {
        Person {
            subject: "1".to_owned(),
            name: "Amina Falkenried".to_owned(),
            given: Some("Amina".to_owned()),
            family: Some("Falken;ried".to_owned()),
            prefix: Some("Dr. med.".to_owned()),
            gender: None,
            login: None,
            roles: Vec::new(),
            fhir_user: None,
        }
    }

    #[test]
    fn a_card_is_written_as_rfc_6350_and_gematik_have_it() {
        let card = written(&amina(), "@amina:tim.example");
        let expected = "BEGIN:VCARD\r\nVERSION:4.0\r\nN:Falken\\;ried;Amina;;Dr. med.;\r\nFN:Dr. med. Amina Falkenried\r\n\
            IMPP:matrix://@amina:tim.example\r\nEND:VCARD\r\n";
        assert_eq!(card, expected, "N, FN and IMPP");
        let (name, id) = read(&card).expect("what was written can be read");
        assert_eq!(
            (name.as_str(), id.as_str()),
            ("Dr. med. Amina Falkenried", "@amina:tim.example"),
            "and is the same"
        );
    }

    #[test]
    fn cards_of_other_programs_are_read() {
        for (card, name) in [
            (
                "BEGIN:VCARD\nVERSION:4.0\nFN:Ilva Rot\n dornhain\nIMPP;PREF=1:matrix:u/ilva:e.example\nEND:VCARD",
                "Ilva Rotdornhain",
            ),
            (
                "begin:vcard\r\nfn;CHARSET=UTF-8:Müller\\, Eva\r\nIMPP:xmpp:eva@e.example\r\nitem1.IMPP:matrix://%40ilva:e.example\r\nend:vcard",
                "Müller, Eva",
            ),
            ("BEGIN:VCARD\nFN:\u{202e}avlI\nIMPP:matrix:@ilva:e.example\nEND:VCARD", "avlI"),
            ("BEGIN:VCARD\nIMPP:matrix://@ilva:e.example", "@ilva:e.example"),
            ("matrix:u/ilva:e.example?action=chat", "@ilva:e.example"),
            ("https://matrix.to/#/@ilva:e.example", "@ilva:e.example"),
        ] {
            let found = read(card).map(|(name, id)| (name, id.to_string()));
            assert_eq!(found, Some((name.to_owned(), "@ilva:e.example".to_owned())), "{card}");
        }
        for none in
            ["", "hello", "BEGIN:VCARD\nFN:Eva\nTEL:1\nEND:VCARD", "BEGIN:VCARD\nEND:VCARD\nIMPP:matrix://@a:b.example"]
        {
            assert!(read(none).is_none(), "{none:?}");
        }
    }

    #[test]
    fn whoever_is_accepted_may_write_and_nothing_else_changes() {
        let id = MatrixId::parse("@ilva:e.example").expect("an address");
        let mut blocked = Permissions::default();
        blocked.everybody = Everybody::Blocked;
        assert!(allow(&mut blocked, &id) && blocked.allows(id.as_str(), None), "named as one who may");
        assert!(!allow(&mut blocked, &id), "once");
        let mut open = Permissions::default();
        assert!(!allow(&mut open, &id), "everybody may already");
        open.users.insert(id.to_string());
        assert!(allow(&mut open, &id) && open.allows(id.as_str(), None), "no longer named as one who may not");
    }
}
