//! What a person types, between the page, which counts UTF-16 code units, and `tim`, which counts bytes.

use contract::{Failure, FailureCode, NamedView, TypedView};
use tim::{Named, Typed, Whom};

/// What the page says was typed.
pub(super) fn typed(text: String, named: &[NamedView]) -> Result<Typed, Failure> {
    let one = |NamedView { start, length, person }: &NamedView| {
        let at = bytes(&text, *start)?..bytes(&text, start.checked_add(*length)?)?;
        let whom = person.clone().map_or(Whom::Everybody, Whom::Person);
        Some(Named { at, whom })
    };
    let named: Option<Vec<Named>> = named.iter().map(one).collect();
    let named = named.ok_or_else(|| Failure::new(FailureCode::InvalidInput, "a name does not stand in the text"))?;
    Ok(Typed { text, named })
}

/// What the page shows in the field where it is written.
pub(super) fn view(typed: &Typed) -> TypedView {
    let one = |Named { at, whom }: &Named| {
        let (before, name) = (typed.text.get(..at.start)?, typed.text.get(at.clone())?);
        let person = match whom {
            Whom::Person(id) => Some(id.clone()),
            Whom::Everybody => None,
        };
        Some(NamedView { start: units(before), length: units(name), person })
    };
    TypedView { text: typed.text.clone(), named: typed.named.iter().filter_map(one).collect() }
}

/// Where so many UTF-16 code units end; none within a character or behind the text.
fn bytes(text: &str, units: u32) -> Option<usize> {
    let mut left = usize::try_from(units).ok()?;
    for (at, c) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(c.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{typed, view};
    use contract::{FailureCode, NamedView, TypedView};

    #[test]
    fn names_stand_where_the_page_counts_them() {
        // Unicode 15, table 3-5: U+1F44D has two code units in UTF-16 and four bytes in UTF-8.
        let named = vec![NamedView { start: 4, length: 4, person: Some("@ä:x".to_owned()) }];
        let there = typed("👍ü @Änä!".to_owned(), &named).expect("it stands there");
        assert_eq!(there.named[0].at, 7..13, "in bytes");
        assert_eq!(view(&there), TypedView { text: "👍ü @Änä!".to_owned(), named }, "and back");
        let everybody = vec![NamedView { start: 0, length: 5, person: None }];
        let there = typed("@Alle".to_owned(), &everybody).expect("to the end of the text");
        assert_eq!(view(&there).named, everybody, "and back");
    }

    #[test]
    fn what_stands_nowhere_is_refused() {
        for (start, length) in [(1, 1), (0, 1), (3, 9), (9, 1), (u32::MAX, 2)] {
            let named = [NamedView { start, length, person: None }];
            let refused = typed("👍ü @".to_owned(), &named).expect_err("it does not stand there");
            assert_eq!(refused.code, FailureCode::InvalidInput, "{start} {length}");
        }
    }
}
