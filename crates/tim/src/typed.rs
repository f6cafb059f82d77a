//! What a person types, with those whom it names: into the content of a message (client-server API v1.11, "User and room
//! mentions"), into what is kept of a draft, and back.

use crate::conversation::{ConversationError, LONGEST_TEXT};
use crate::text::{attribute, is_simple, mentioned, text_of};
use ruma::events::Mentions;
use ruma::events::room::message::{FormattedBody, MessageFormat, RoomMessageEventContentWithoutRelation};
use ruma::html::{Html, NodeData, NodeRef};
use ruma::{OwnedUserId, UserId};
use std::collections::BTreeSet;
use std::ops::Range;

/// Names in one text that are taken up again when it is changed; nobody writes so many.
const MOST_NAMED: usize = 100;
/// What stands for everybody in a text: the word of Matrix, and what this program writes in either language.
const EVERYBODY: [&str; 3] = ["@room", "@alle", "@all"];

/// A text as it stands in the field where it is written.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// The text, each name in it with its "@".
    pub text: String,
    /// Whom it names, in their order, none within another one.
    pub named: Vec<Named>,
}

/// Somebody whom a text names.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// Where "@" and the name stand, in bytes.
    pub at: Range<usize>,
    /// Who.
    pub whom: Whom,
}

/// Whom a text can name.
#[derive(Clone, PartialEq, Eq)]
pub enum Whom {
    /// Somebody, by Matrix user id.
    Person(String),
    /// All who are in the conversation.
    Everybody,
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed([not shown])")
    }
}

impl std::fmt::Debug for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Named([not shown])")
    }
}

impl std::fmt::Debug for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Whom([not shown])")
    }
}

impl From<&str> for Typed {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), named: Vec::new() }
    }
}

impl From<&String> for Typed {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Typed {
    fn from(text: String) -> Self {
        Self { text, named: Vec::new() }
    }
}

/// The three forms of a text: for everyone, with links for those who show them, and whom it names.
#[derive(Default)]
struct Written {
    body: String,
    markup: String,
    mentions: Mentions,
    linked: bool,
}

impl Typed {
    /// The content of a message that says it. It always says whom it names: without that other programs look for names
    /// in the text.
    ///
    /// # Errors
    /// [`ConversationError::Empty`], [`ConversationError::TooLong`], or [`ConversationError::Naming`] where it names
    /// nobody that can be named.
    pub(crate) fn content(&self, own: &UserId) -> Result<RoomMessageEventContentWithoutRelation, ConversationError> {
        if self.text.trim().is_empty() {
            return Err(ConversationError::Empty);
        }
        let Written { body, markup, mentions, linked } = self.written(own)?;
        let length = if linked { body.len() + markup.len() } else { body.len() };
        if length > LONGEST_TEXT {
            return Err(ConversationError::TooLong);
        }
        let content = if linked {
            RoomMessageEventContentWithoutRelation::text_html(body, markup)
        } else {
            RoomMessageEventContentWithoutRelation::text_plain(body)
        };
        Ok(content.add_mentions(mentions))
    }

    /// What is kept of a draft besides its text: as it would be sent, and as [`Typed::of_draft`] reads it.
    pub(crate) fn draft_markup(&self) -> Option<String> {
        let mut markup = String::new();
        let mut from = 0;
        for Named { at, whom } in &self.named {
            let (before, said) = (self.text.get(from..at.start)?, self.text.get(at.clone())?);
            escape(&mut markup, before);
            match whom {
                Whom::Person(id) => link(&mut markup, &UserId::parse(id).ok()?, said),
                Whom::Everybody => {
                    markup.push_str("<b>");
                    escape(&mut markup, said);
                    markup.push_str("</b>");
                }
            }
            from = at.end;
        }
        escape(&mut markup, self.text.get(from..)?);
        (!self.named.is_empty()).then_some(markup)
    }

    /// A draft as it was typed.
    pub(crate) fn of_draft(text: String, markup: Option<&str>) -> Self {
        let mut named = Vec::new();
        for Part { at, shown, whom } in markup.map(parts).unwrap_or_default() {
            // The markup was written with the text: what does not fit it is of another text.
            let start = place(&text, at).filter(|&start| text[start..].starts_with(&shown) && shown.starts_with('@'));
            if let Some(start) = start {
                named.push(Named { at: start..start + shown.len(), whom });
            }
        }
        Self { text, named }
    }

    /// What would be typed for a message that says this, to change it.
    pub(crate) fn of_message(body: &str, formatted: Option<&FormattedBody>) -> Self {
        let (mut typed, mut from) = (Self::default(), 0);
        for Part { at, shown, whom } in formatted.map(links).unwrap_or_default() {
            // Where the markup has it, or with other programs' markup at the next place.
            let there = place(body, at).filter(|&there| there >= from && body[there..].starts_with(&shown));
            let Some(there) = there.or_else(|| body[from..].find(&shown).map(|found| from + found)) else { continue };
            typed.text.push_str(&body[from..there]);
            let start = typed.text.len();
            if !shown.starts_with('@') {
                typed.text.push('@');
            }
            typed.text.push_str(&shown);
            typed.named.push(Named { at: start..typed.text.len(), whom });
            from = there + shown.len();
        }
        typed.text.push_str(&body[from..]);
        typed
    }

    /// The same where the message names everybody.
    pub(crate) fn with_everybody(mut self) -> Self {
        let Some(at) = everybody(&self.text) else { return self };
        let free = |named: &Named| named.at.end <= at.start || named.at.start >= at.end;
        if self.named.iter().all(free) {
            self.named.push(Named { at, whom: Whom::Everybody });
            self.named.sort_by_key(|named| named.at.start);
        }
        self
    }

    fn written(&self, own: &UserId) -> Result<Written, ConversationError> {
        let mut written = Written::default();
        let mut from = 0;
        for Named { at, whom } in &self.named {
            let before = self.text.get(from..at.start).ok_or(ConversationError::Naming)?;
            let said = self.text.get(at.clone()).ok_or(ConversationError::Naming)?;
            let name = said.strip_prefix('@').filter(|name| !name.trim().is_empty());
            let name = name.ok_or(ConversationError::Naming)?;
            written.body.push_str(before);
            escape(&mut written.markup, before);
            match whom {
                Whom::Person(id) => {
                    let id = UserId::parse(id).map_err(|_error| ConversationError::Naming)?;
                    // The text of the link is the name alone, and the same in the body.
                    written.body.push_str(name);
                    link(&mut written.markup, &id, name);
                    written.linked = true;
                    // Nobody names themselves: a message does not reach its sender as a notice.
                    if id != own {
                        written.mentions.user_ids.insert(id);
                    }
                }
                Whom::Everybody => {
                    written.body.push_str(said);
                    escape(&mut written.markup, said);
                    written.mentions.room = true;
                }
            }
            from = at.end;
        }
        let rest = self.text.get(from..).ok_or(ConversationError::Naming)?;
        written.body.push_str(rest);
        escape(&mut written.markup, rest);
        Ok(written)
    }
}

/// Where a text names everybody.
pub(crate) fn everybody(text: &str) -> Option<Range<usize>> {
    // Every byte stays where it is.
    let small = text.to_ascii_lowercase();
    small.match_indices('@').find_map(|(at, _)| {
        let begins = !small[..at].ends_with(char::is_alphanumeric);
        let ends = |word: &&&str| {
            small[at..].strip_prefix(**word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        EVERYBODY.iter().find(ends).filter(|_word| begins).map(|word| at..at + word.len())
    })
}

/// Whom a message names in its words, by Matrix user id.
pub(crate) fn linked(formatted: Option<&FormattedBody>) -> BTreeSet<OwnedUserId> {
    let parts = formatted.map(links).unwrap_or_default();
    let id = |part: Part| match part.whom {
        Whom::Person(id) => UserId::parse(&id).ok(),
        Whom::Everybody => None,
    };
    parts.into_iter().filter_map(id).collect()
}

/// A name in a piece of markup.
struct Part {
    /// Characters before it.
    at: usize,
    shown: String,
    whom: Whom,
}

fn links(formatted: &FormattedBody) -> Vec<Part> {
    let names = formatted.format == MessageFormat::Html && formatted.body.contains("matrix");
    let parts = if names { parts(&formatted.body) } else { Vec::new() };
    parts.into_iter().filter(|part| part.whom != Whom::Everybody).collect()
}

/// The links to people in their order, and what is set apart as the name of everybody.
fn parts(markup: &str) -> Vec<Part> {
    if !is_simple(markup) {
        return Vec::new();
    }
    let html = Html::parse(markup);
    let (mut at, mut parts) = (0, Vec::new());
    // By hand and not by recursion: elements may lie deep within each other.
    let mut stack: Vec<NodeRef> = html.children().collect();
    stack.reverse();
    while let Some(node) = stack.pop() {
        match node.data() {
            NodeData::Text(text) => at += text.borrow().chars().count(),
            NodeData::Element(element) if &*element.name.local == "br" => at += 1,
            // It is no part of what the message itself says.
            NodeData::Element(element) if &*element.name.local == "mx-reply" => {}
            NodeData::Element(element) => {
                let shown = text_of(&node).replace('\u{A0}', " ");
                let whom = match &*element.name.local {
                    "a" => attribute(element, "href").as_deref().and_then(mentioned).map(Whom::Person),
                    "b" => everybody(&shown).filter(|whole| *whole == (0..shown.len())).map(|_whole| Whom::Everybody),
                    _ => None,
                };
                match whom {
                    Some(whom) if !shown.trim().is_empty() && parts.len() < MOST_NAMED => {
                        let begins = at;
                        at += shown.chars().count();
                        parts.push(Part { at: begins, shown, whom });
                    }
                    Some(_) | None => stack.extend(node.children().collect::<Vec<_>>().into_iter().rev()),
                }
            }
            NodeData::Document | NodeData::Other => {
                stack.extend(node.children().collect::<Vec<_>>().into_iter().rev());
            }
        }
    }
    parts
}

/// Where so many characters of a text end.
fn place(text: &str, characters: usize) -> Option<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).nth(characters)
}

fn link(markup: &mut String, id: &UserId, name: &str) {
    markup.push_str("<a href=\"");
    escape(markup, &id.matrix_to_uri().to_string());
    markup.push_str("\">");
    escape(markup, name);
    markup.push_str("</a>");
}

/// Text as markup that shows it as it was typed.
fn escape(markup: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => markup.push_str("&amp;"),
            '<' => markup.push_str("&lt;"),
            '>' => markup.push_str("&gt;"),
            '"' => markup.push_str("&quot;"),
            '\n' => markup.push_str("<br>"),
            // A run of spaces would be one, and none at the beginning of a line.
            ' ' if markup.is_empty() || [" ", "&nbsp;", "<br>"].iter().any(|end| markup.ends_with(end)) => {
                markup.push_str("&nbsp;");
            }
            _ => markup.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Named, Typed, Whom, everybody, linked};
    use crate::conversation::ConversationError;
    use ruma::events::room::message::{FormattedBody, MessageType, ReplacementMetadata};
    use ruma::events::{Mentions, room::message::RoomMessageEventContent};
    use ruma::{UserId, owned_event_id, user_id};
    use serde_json::{Value, json};

    const ALICE: &str = "@alice:example.org";
    const BOB: &str = "@bob:example.org";

    fn own() -> &'static UserId {
        user_id!("@me:example.org")
    }

    /// A text in which each of these words names somebody, in their order.
    fn typed(text: &str, names: &[(&str, Whom)]) -> Typed {
        let mut from = 0;
        let mut named = Vec::new();
        for (word, whom) in names {
            let start = from + text[from..].find(word).expect("it stands there");
            from = start + word.len();
            named.push(Named { at: start..from, whom: whom.clone() });
        }
        Typed { text: text.to_owned(), named }
    }

    fn person(id: &str) -> Whom {
        Whom::Person(id.to_owned())
    }

    fn content(typed: &Typed) -> Value {
        let content = typed.content(own()).expect("it can be said");
        serde_json::to_value(RoomMessageEventContent::from(content)).expect("JSON")
    }

    /// What a message says to whoever wants to change it.
    fn back(content: &Value) -> Typed {
        let message: MessageType = serde_json::from_value(content.clone()).expect("a message");
        let MessageType::Text(text) = message else { panic!("a text") };
        Typed::of_message(&text.body, text.formatted.as_ref())
    }

    #[test]
    fn a_name_becomes_a_link_and_a_mention_as_the_specification_writes_them() {
        let hello = typed("Hello @Alice!", &[("@Alice", person(ALICE))]);
        // Client-server API v1.11, "User and room mentions", with the other quotation mark that HTML has.
        let want = json!({
            "body": "Hello Alice!",
            "msgtype": "m.text",
            "format": "org.matrix.custom.html",
            "formatted_body": "Hello <a href='https://matrix.to/#/@alice:example.org'>Alice</a>!".replace('\'', "\""),
            "m.mentions": { "user_ids": ["@alice:example.org"] },
        });
        assert_eq!(content(&hello), want, "as its example");
        assert!(back(&want) == hello, "and it can be changed as it was typed");
    }

    #[test]
    fn whoever_names_nobody_says_so() {
        let want = json!({ "body": "Hello @Alice!", "msgtype": "m.text", "m.mentions": {} });
        assert_eq!(content(&Typed::from("Hello @Alice!")), want, "an empty object, and no word more than was typed");
    }

    #[test]
    fn everybody_is_named_without_a_link() {
        let all = typed("@Alle: Beginn 15 Uhr", &[("@Alle", Whom::Everybody)]);
        let want = json!({ "body": "@Alle: Beginn 15 Uhr", "msgtype": "m.text", "m.mentions": { "room": true } });
        assert_eq!(content(&all), want, "MSC3952: a property, whatever the word");
        assert!(back(&want).with_everybody() == all, "and it can be changed as it was typed");
    }

    #[test]
    fn nobody_names_themselves_and_each_is_named_once() {
        let text = typed(
            "@Ich und @Alice und @Alice",
            &[("@Ich", person("@me:example.org")), ("@Alice", person(ALICE)), ("@Alice", person(ALICE))],
        );
        assert_eq!(content(&text)["m.mentions"], json!({ "user_ids": [ALICE] }), "no self, nobody twice");
    }

    #[test]
    fn a_change_names_anew_only_those_whom_it_did_not_name_before() {
        let both = typed("Hello @Alice & @Bob!", &[("@Alice", person(ALICE)), ("@Bob", person(BOB))]);
        let before = Mentions::with_user_ids([ruma::owned_user_id!("@alice:example.org")]);
        let metadata = ReplacementMetadata::new(owned_event_id!("$original_event"), Some(before));
        let change = both.content(own()).expect("it can be said").make_replacement(metadata);
        let change = serde_json::to_value(change).expect("JSON");
        // Client-server API v1.11, "Edits of events with mentions".
        assert_eq!(change["body"], "* Hello Alice & Bob!", "as its example");
        assert_eq!(change["m.mentions"], json!({ "user_ids": [BOB] }), "only the newly mentioned user");
        assert_eq!(change["m.new_content"]["body"], "Hello Alice & Bob!", "as its example");
        assert_eq!(change["m.new_content"]["m.mentions"], json!({ "user_ids": [ALICE, BOB] }), "all mentioned users");
        assert_eq!(change["m.relates_to"], json!({ "rel_type": "m.replace", "event_id": "$original_event" }), "of it");
    }

    #[test]
    fn a_name_cannot_become_markup() {
        let hostile = "@<b>\"&'</a><script>";
        let text = typed(hostile, &[(hostile, person("@\"><script>:example.org"))]);
        // Servers make no such id; one that made it would gain nothing.
        if let Ok(content) = text.content(own()) {
            let content = serde_json::to_value(RoomMessageEventContent::from(content)).expect("JSON");
            let markup = content["formatted_body"].as_str().expect("markup");
            assert!(!markup.contains("<script") && !markup.contains("<b>"), "no element of its own: {markup}");
        }
        let text = typed(hostile, &[(hostile, person(ALICE))]);
        let content = content(&text);
        let want =
            "<a href=\"https://matrix.to/#/@alice:example.org\">&lt;b&gt;&quot;&amp;'&lt;/a&gt;&lt;script&gt;</a>";
        assert_eq!(content["formatted_body"], want, "each sign as itself");
        assert!(back(&content) == text, "and back");
    }

    #[test]
    fn lines_and_spaces_are_shown_as_they_were_typed() {
        let text = typed(" a  b\n c @Alice\n\n@Bob", &[("@Alice", person(ALICE)), ("@Bob", person(BOB))]);
        let content = content(&text);
        assert_eq!(content["body"], " a  b\n c Alice\n\nBob", "as typed");
        let want = "&nbsp;a &nbsp;b<br>&nbsp;c <a href=\"https://matrix.to/#/@alice:example.org\">Alice</a><br><br>\
                    <a href=\"https://matrix.to/#/@bob:example.org\">Bob</a>";
        assert_eq!(content["formatted_body"], want, "HTML would fold them");
        assert!(back(&content) == text, "and back");
    }

    #[test]
    fn the_name_that_was_chosen_is_found_again_and_not_the_same_word_before_it() {
        let text = typed("Anna, frag @Anna", &[("@Anna", person(ALICE))]);
        assert!(back(&content(&text)) == text, "by its place in the markup");
    }

    #[test]
    fn names_in_another_programs_markup_are_found_by_their_words() {
        let formatted = FormattedBody::html(
            "<p><strong>Bitte</strong>, <a href=\"https://matrix.to/#/%40alice%3Aexample.org\">Alice</a>!</p>",
        );
        let want = typed("**Bitte**, @Alice!", &[("@Alice", person(ALICE))]);
        assert!(Typed::of_message("**Bitte**, Alice!", Some(&formatted)) == want, "beside what is markdown");
        assert!(
            Typed::of_message("Bitte!", Some(&formatted)) == Typed::from("Bitte!"),
            "what is not there names nobody"
        );
        assert_eq!(linked(Some(&formatted)).len(), 1, "but its markup does");
    }

    #[test]
    fn a_draft_keeps_whom_it_names() {
        let text = typed(
            "Anna,  frag @Anna <x>\n@Alle @Bob",
            &[("@Anna", person(ALICE)), ("@Alle", Whom::Everybody), ("@Bob", person(BOB))],
        );
        let markup = text.draft_markup();
        assert!(Typed::of_draft(text.text.clone(), markup.as_deref()) == text, "all of it");
        assert!(Typed::from("@Anna").draft_markup().is_none(), "and nothing where nobody is named");
        let other = Typed::of_draft("Anderes".to_owned(), markup.as_deref());
        assert!(other == Typed::from("Anderes"), "what belongs to another text names nobody");
    }

    #[test]
    fn names_that_do_not_stand_in_the_text_are_refused() {
        let at = |at: std::ops::Range<usize>, id: &str| Typed {
            text: "Für @Anna, ä".to_owned(),
            named: vec![Named { at, whom: person(id) }],
        };
        assert!(at(5..10, ALICE).content(own()).is_ok(), "the name");
        for (range, id) in [(4..10, ALICE), (6..10, ALICE), (5..6, ALICE), (5..90, ALICE), (5..13, ALICE), (5..10, "x")]
        {
            let refused = at(range.clone(), id).content(own());
            assert!(matches!(refused, Err(ConversationError::Naming)), "{range:?} {id}");
        }
        let mut twice = at(5..10, ALICE);
        twice.named.push(Named { at: 5..10, whom: person(BOB) });
        assert!(matches!(twice.content(own()), Err(ConversationError::Naming)), "one within the other");
    }

    #[test]
    fn empty_and_overlong_texts_are_refused_before_anything_is_sent() {
        let said = |text: &str| Typed::from(text).content(own()).map(|content| content.msgtype.body().to_owned());
        assert!(matches!(said(" \n"), Err(ConversationError::Empty)), "nothing was typed");
        assert!(matches!(said(&"x".repeat(32 * 1024 + 1)), Err(ConversationError::TooLong)), "too long");
        assert_eq!(said("a ").expect("a text"), "a ", "as it was typed");
        let long = format!("@Alice {}", "x".repeat(20 * 1024));
        let long = typed(&long, &[("@Alice", person(ALICE))]);
        assert!(matches!(long.content(own()), Err(ConversationError::TooLong)), "with links it is there twice");
    }

    #[test]
    fn everybody_is_a_word_of_its_own() {
        for (text, at) in [("@room", 0..5), ("an @Alle!", 3..8), ("(@ALL)", 1..5), ("x@y @alle", 4..9)] {
            assert_eq!(everybody(text), Some(at), "{text}");
        }
        for text in ["", "@", "alle", "@allein", "a@room", "@rooms", "@all2"] {
            assert_eq!(everybody(text), None, "{text}");
        }
    }
}
