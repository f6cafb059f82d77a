//! What somebody wrote, as blocks and spans: plain text with its links, or the markup that the client-server API
//! suggests (v1.11 §11.2.1.1), taken apart. What the list of elements does not have keeps its text only.

use crate::name::{clean, seen};
use crate::typed::{Whom, everybody};
use ruma::events::room::message::{FormattedBody, MessageFormat};
use ruma::html::{ElementData, Html, NodeData, NodeRef};
use ruma::matrix_uri::MatrixId;
use ruma::{MatrixToUri, MatrixUri};

/// A block of text.
#[derive(Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph; a span's text may hold line breaks.
    Paragraph(Vec<Span>),
    /// A quotation.
    Quote(Vec<Block>),
    /// Text as it is.
    Code(String),
    /// A list.
    List {
        /// With numbers.
        ordered: bool,
        /// Its entries.
        items: Vec<Vec<Block>>,
    },
}

/// A run of text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Bold.
    pub strong: bool,
    /// Italic.
    pub emphasis: bool,
    /// Struck through.
    pub strike: bool,
    /// In a fixed width.
    pub code: bool,
    /// Where it leads: `https`, `http` or `mailto`.
    pub link: Option<String>,
    /// Whom it names. The text is what the sender wrote for them, and may be another name.
    pub mention: Option<Whom>,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Block([not shown])")
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Span([not shown])")
    }
}

/// Elements within each other beyond this are flattened; the client-server API suggests 100.
const DEEPEST: usize = 24;
/// Markup with more elements than this is shown by its plain text: an event has 64 KiB, a person writes far less.
const MOST_ELEMENTS: usize = 1000;

/// How addresses begin that name a person or a room (Matrix specification, appendices, "matrix.to navigation").
const MATRIX_TO: &str = "https://matrix.to/#/";

/// What a message says.
pub(crate) fn blocks(body: &str, formatted: Option<&FormattedBody>) -> Vec<Block> {
    let markup = formatted.filter(|formatted| formatted.format == MessageFormat::Html).map(|formatted| &formatted.body);
    let marked = markup.filter(|markup| is_simple(markup)).map(|markup| from_html(markup));
    match marked {
        Some(blocks) if !blocks.is_empty() => blocks,
        Some(_) | None => from_plain(body),
    }
}

/// Whether markup is what a person writes.
pub(crate) fn is_simple(markup: &str) -> bool {
    markup.matches('<').count() <= MOST_ELEMENTS
}

/// The same where the message names everybody: the word for them is set apart. What is quoted was said to others.
pub(crate) fn with_everybody(blocks: Vec<Block>) -> Vec<Block> {
    let block = |block| match block {
        Block::Paragraph(spans) => Block::Paragraph(spans.into_iter().flat_map(apart).collect()),
        Block::List { ordered, items } => {
            Block::List { ordered, items: items.into_iter().map(with_everybody).collect() }
        }
        other @ (Block::Quote(_) | Block::Code(_)) => other,
    };
    blocks.into_iter().map(block).collect()
}

fn apart(span: Span) -> Vec<Span> {
    if span.link.is_some() || span.mention.is_some() || span.code {
        return vec![span];
    }
    let (mut spans, mut rest) = (Vec::new(), span.text.as_str());
    while let Some(at) = everybody(rest) {
        push(&mut spans, &rest[..at.start], &Span { text: String::new(), ..span.clone() }, None);
        let named = Span { text: String::new(), mention: Some(Whom::Everybody), ..span.clone() };
        push(&mut spans, &rest[at.clone()], &named, None);
        rest = &rest[at.end..];
    }
    push(&mut spans, rest, &Span { text: String::new(), ..span.clone() }, None);
    spans
}

/// In one line, for lists and quotations.
pub(crate) fn one_line(body: &str) -> String {
    let seen: String = seen(body).collect();
    let mut line: String = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(200) {
        line.truncate(end);
        line.push('…');
    }
    line
}

fn from_plain(body: &str) -> Vec<Block> {
    let body = body.trim_end_matches('\n');
    if body.is_empty() {
        return Vec::new();
    }
    vec![Block::Paragraph(with_links(body, &Span::default()))]
}

/// Finds addresses that begin with `https://` or `http://`, since those are what people paste.
fn with_links(text: &str, like: &Span) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("https://").into_iter().chain(rest.find("http://")).min() {
        let tail = &rest[at..];
        let end = tail.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(tail.len());
        // A sentence's end is not part of the address.
        let address = tail[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '\'', '*', '_']);
        let scheme = address.find("//").map_or(0, |found| found + 2);
        if address.len() == scheme {
            let (word, after) = rest.split_at(at + scheme.max(1));
            push(&mut spans, word, like, None);
            rest = after;
            continue;
        }
        push(&mut spans, &rest[..at], like, None);
        push(&mut spans, address, like, safe_link(address));
        rest = &tail[address.len()..];
    }
    push(&mut spans, rest, like, None);
    spans
}

fn push(spans: &mut Vec<Span>, text: &str, like: &Span, link: Option<String>) {
    if text.is_empty() {
        return;
    }
    let link = link.or_else(|| like.link.clone());
    if let Some(last) = spans.last_mut()
        && (Span { text: String::new(), link: link.clone(), ..like.clone() })
            == (Span { text: String::new(), ..last.clone() })
    {
        last.text.push_str(text);
        return;
    }
    spans.push(Span { text: text.to_owned(), link, ..like.clone() });
}

fn safe_link(address: &str) -> Option<String> {
    let url = url::Url::parse(address).ok()?;
    // An address with a user name before the host looks like another host.
    let plain = matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
    (plain || url.scheme() == "mailto").then(|| url.to_string())
}

fn from_html(markup: &str) -> Vec<Block> {
    let html = Html::parse(markup);
    let mut writer = Writer::default();
    for node in html.children() {
        writer.node(&node, &Span::default(), 0);
    }
    writer.finish()
}

/// Blocks as they become complete, and the paragraph that is being written.
#[derive(Default)]
struct Writer {
    blocks: Vec<Block>,
    open: Vec<Span>,
}

impl Writer {
    fn finish(mut self) -> Vec<Block> {
        self.close();
        self.blocks
    }

    /// Ends the paragraph.
    fn close(&mut self) {
        let mut spans = std::mem::take(&mut self.open);
        if let Some(first) = spans.first_mut() {
            first.text = first.text.trim_start().to_owned();
        }
        if let Some(last) = spans.last_mut() {
            last.text = last.text.trim_end().to_owned();
        }
        spans.retain(|span| !span.text.is_empty());
        if !spans.is_empty() {
            self.blocks.push(Block::Paragraph(spans));
        }
    }

    fn children(&mut self, node: &NodeRef, like: &Span, depth: usize) {
        for child in node.children() {
            self.node(&child, like, depth + 1);
        }
    }

    /// What is within an element, as blocks of its own.
    fn within(node: &NodeRef, like: &Span, depth: usize) -> Vec<Block> {
        let mut inner = Self::default();
        inner.children(node, like, depth);
        inner.finish()
    }

    fn node(&mut self, node: &NodeRef, like: &Span, depth: usize) {
        let element = match node.data() {
            NodeData::Text(text) => return self.text(&text.borrow(), like),
            NodeData::Element(element) => element,
            NodeData::Document | NodeData::Other => return,
        };
        if depth > DEEPEST {
            return self.text(&text_of(node), like);
        }
        match &*element.name.local {
            "p" | "div" | "caption" | "tr" => {
                self.close();
                self.children(node, like, depth);
                self.close();
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.close();
                self.children(node, &Span { strong: true, ..like.clone() }, depth);
                self.close();
            }
            "blockquote" => {
                self.close();
                let blocks = Self::within(node, like, depth);
                if !blocks.is_empty() {
                    self.blocks.push(Block::Quote(blocks));
                }
            }
            list @ ("ul" | "ol") => {
                self.close();
                let items: Vec<_> = node
                    .children()
                    .filter(|child| child.as_element().is_some())
                    .map(|child| Self::within(&child, like, depth + 1))
                    .filter(|blocks| !blocks.is_empty())
                    .collect();
                if !items.is_empty() {
                    self.blocks.push(Block::List { ordered: list == "ol", items });
                }
            }
            "pre" => {
                self.close();
                let text = text_of(node);
                if !text.trim().is_empty() {
                    self.blocks.push(Block::Code(text.trim_end_matches('\n').to_owned()));
                }
            }
            "br" => push(&mut self.open, "\n", like, None),
            "hr" => self.close(),
            "b" | "strong" => self.children(node, &Span { strong: true, ..like.clone() }, depth),
            "i" | "em" => self.children(node, &Span { emphasis: true, ..like.clone() }, depth),
            "del" | "s" => self.children(node, &Span { strike: true, ..like.clone() }, depth),
            "code" => self.children(node, &Span { code: true, ..like.clone() }, depth),
            "a" => self.anchor(node, attribute(element, "href").as_deref(), like, depth),
            "td" | "th" => {
                self.children(node, like, depth);
                push(&mut self.open, " ", like, None);
            }
            // A picture is remote content; its description is not.
            "img" => {
                if let Some(words) = attribute(element, "alt").or_else(|| attribute(element, "title")) {
                    self.text(&words, like);
                }
            }
            // The quoted message is shown by the reply itself.
            "mx-reply" | "script" | "style" | "template" => {}
            _ => self.children(node, like, depth),
        }
    }

    fn anchor(&mut self, node: &NodeRef, href: Option<&str>, like: &Span, depth: usize) {
        if let Some(person) = href.and_then(mentioned) {
            // One name, whatever form its letters have.
            self.text(&text_of(node), &Span { mention: Some(Whom::Person(person)), ..like.clone() });
            return;
        }
        let link = href.and_then(safe_link);
        // A link whose words are another address than the one it leads to says so.
        let shown = text_of(node);
        if let (Some(link), Some(said)) = (&link, said_address(&shown))
            && url::Url::parse(link).ok().and_then(|url| url.host_str().map(str::to_owned)) != said
        {
            let plain = Span { link: None, ..like.clone() };
            push(&mut self.open, &format!("{} ({link})", shown.trim()), &plain, None);
            return;
        }
        let like = Span { link, ..like.clone() };
        self.children(node, &like, depth);
    }

    fn text(&mut self, text: &str, like: &Span) {
        // HTML's white space: a run of it is one space, and none stands at the beginning of a line.
        let mut folded = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_ascii_whitespace() {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            } else {
                folded.push(c);
            }
        }
        let at_start = self.open.last().is_none_or(|span| span.text.ends_with(['\n', ' ']));
        let folded = if at_start { folded.trim_start() } else { &folded };
        if like.link.is_some() || like.mention.is_some() {
            push(&mut self.open, folded, like, None);
            return;
        }
        for span in with_links(folded, like) {
            push(&mut self.open, &span.text, like, span.link);
        }
    }
}

pub(crate) fn attribute(element: &ElementData, name: &str) -> Option<String> {
    element.attrs.borrow().iter().find(|found| &*found.name.local == name).map(|found| found.value.to_string())
}

/// The user that a `matrix:` or `matrix.to` address names.
pub(crate) fn mentioned(address: &str) -> Option<String> {
    let Some(rest) = address.strip_prefix(MATRIX_TO) else {
        return user_of(MatrixUri::parse(address).ok()?.id());
    };
    // The library panics at a part that is empty, as in "#///x". The address of a person has one part.
    let part = rest.split('?').next().unwrap_or_default();
    let person = part.starts_with('@') || part.starts_with("%40");
    if !person || part.strip_suffix('/').unwrap_or(part).contains('/') {
        return None;
    }
    user_of(MatrixToUri::parse(address).ok()?.id())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows; what is not named here is treated alike")]
fn user_of(id: &MatrixId) -> Option<String> {
    match id {
        MatrixId::User(user) => Some(clean(user.as_str())),
        _ => None,
    }
}

/// The host of an address that a text claims to be: `Some(None)` where it begins as one and has no host.
fn said_address(text: &str) -> Option<Option<String>> {
    let text = text.trim();
    let address = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
        .map_or_else(|| text.starts_with("www.").then(|| format!("https://{text}")), |_| Some(text.to_owned()))?;
    Some(url::Url::parse(&address).ok().and_then(|url| url.host_str().map(str::to_owned)))
}

pub(crate) fn text_of(node: &NodeRef) -> String {
    let mut text = String::new();
    // By hand and not by recursion: this is for what is nested too deeply.
    let mut stack: Vec<NodeRef> = vec![node.clone()];
    while let Some(node) = stack.pop() {
        match node.data() {
            NodeData::Text(part) => text.push_str(&part.borrow()),
            NodeData::Element(element) if &*element.name.local == "br" => text.push('\n'),
            NodeData::Element(_) | NodeData::Document | NodeData::Other => {
                let children: Vec<_> = node.children().collect();
                stack.extend(children.into_iter().rev());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Block, Span, blocks, one_line, with_everybody};
    use crate::typed::Whom;
    use ruma::events::room::message::FormattedBody;

    fn plain(text: &str) -> Span {
        Span { text: text.to_owned(), ..Span::default() }
    }

    fn html(markup: &str) -> Vec<Block> {
        blocks("plain", Some(&FormattedBody::html(markup)))
    }

    #[test]
    fn plain_text_keeps_its_lines_and_finds_addresses() {
        let link = Span { link: Some("https://example.org/a?b=1".to_owned()), ..plain("https://example.org/a?b=1") };
        let want = vec![Block::Paragraph(vec![plain("Siehe "), link, plain(".\nDanke")])];
        assert_eq!(blocks("Siehe https://example.org/a?b=1.\nDanke", None), want, "the full stop is not part of it");
        assert_eq!(blocks("https://", None), vec![Block::Paragraph(vec![plain("https://")])], "no address, no link");
    }

    #[test]
    fn markup_becomes_blocks_and_spans() {
        let strong = Span { strong: true, ..plain("pMMR") };
        let want = vec![
            Block::Paragraph(vec![plain("MMR ist da: "), strong, plain(", alle vier.")]),
            Block::List { ordered: false, items: vec![vec![Block::Paragraph(vec![plain("MLH1")])]] },
            Block::Quote(vec![Block::Paragraph(vec![plain("Zitat")])]),
            Block::Code("a\n b".to_owned()),
        ];
        let markup = "<p>MMR ist  da: <b>pMMR</b>,\nalle vier.</p><ul><li>MLH1</li></ul><blockquote>Zitat</blockquote>\
                      <pre><code>a\n b\n</code></pre>";
        assert_eq!(html(markup), want, "each element in its own form");
    }

    #[test]
    fn scripts_pictures_and_unknown_elements_leave_no_more_than_text() {
        let markup = "<script>alert(1)</script><img src=\"mxc://a/b\" alt=\"Bild\" onerror=\"x()\"><style>b{}</style>\
                      <iframe src=\"https://evil.example\">x</iframe><a href=\"javascript:alert(1)\">hier</a>";
        let blocks = html(markup);
        let [Block::Paragraph(spans)] = blocks.as_slice() else { panic!("one paragraph") };
        assert!(spans.iter().all(|span| span.link.is_none()), "no link is left");
        let text: String = spans.iter().map(|span| span.text.as_str()).collect();
        assert_eq!(text, "Bildxhier", "only words are left");
    }

    #[test]
    fn a_link_that_says_another_address_shows_where_it_leads() {
        let blocks = html("<a href=\"https://evil.example/x\">https://klinikum.example</a>");
        let want = vec![Block::Paragraph(vec![plain("https://klinikum.example (https://evil.example/x)")])];
        assert_eq!(blocks, want, "both are seen, neither can be pressed");
        let same = html("<a href=\"https://klinikum.example/x\">https://klinikum.example</a>");
        let Some(Block::Paragraph(spans)) = same.first() else { panic!("a paragraph") };
        assert_eq!(spans[0].link.as_deref(), Some("https://klinikum.example/x"), "the same host is a link");
    }

    #[test]
    fn an_address_with_a_user_name_is_no_link() {
        let blocks = blocks("https://klinikum.example@evil.example/", None);
        let [Block::Paragraph(spans)] = blocks.as_slice() else { panic!("one paragraph") };
        assert_eq!(spans[0].link, None, "it leads to evil.example and looks like klinikum.example");
    }

    #[test]
    fn ten_thousand_elements_within_each_other_are_shown_as_plain_text() {
        let markup = format!("{}tief{}", "<div>".repeat(10_000), "</div>".repeat(10_000));
        assert_eq!(html(&markup), vec![Block::Paragraph(vec![plain("plain")])], "its plain text stands for it");
        let markup = format!("{}tief{}", "<b>".repeat(400), "</b>".repeat(400));
        let blocks = html(&markup);
        let [Block::Paragraph(spans)] = blocks.as_slice() else { panic!("one paragraph") };
        assert_eq!(spans[0].text, "tief", "flattened beyond a depth");
    }

    #[test]
    fn a_mention_names_the_person_it_means() {
        let blocks = html("<a href=\"https://matrix.to/#/@anna:tim.example\">Anna</a>: bitte");
        let mention = Span { mention: Some(Whom::Person("@anna:tim.example".to_owned())), ..plain("Anna") };
        assert_eq!(blocks, vec![Block::Paragraph(vec![mention, plain(": bitte")])], "by user id");
    }

    #[test]
    fn a_mention_is_one_name_and_never_a_link() {
        let person = Some(Whom::Person("@anna:tim.example".to_owned()));
        for markup in [
            "<a href=\"https://matrix.to/#/@anna:tim.example\">An<b>na</b></a>",
            "<a href=\"https://matrix.to/#/%40anna%3Atim.example\">Anna</a>",
            "<a href=\"matrix:u/anna:tim.example\">Anna</a>",
            "<b><a href=\"https://matrix.to/#/@anna:tim.example\"><img src=\"mxc://a/b\">Anna</a></b>",
        ] {
            let blocks = html(markup);
            let [Block::Paragraph(spans)] = blocks.as_slice() else { panic!("one paragraph: {markup}") };
            let [span] = spans.as_slice() else { panic!("one span: {markup}") };
            assert_eq!((span.text.as_str(), &span.mention, &span.link), ("Anna", &person, &None), "{markup}");
        }
        for markup in [
            "<a href=\"https://matrix.to.evil.example/#/@anna:tim.example\">Anna</a>",
            "<a href=\"https://evil.example/?https://matrix.to/#/@anna:tim.example\">Anna</a>",
        ] {
            let blocks = html(markup);
            let [Block::Paragraph(spans)] = blocks.as_slice() else { panic!("one paragraph: {markup}") };
            assert!(spans.iter().all(|span| span.mention.is_none()), "another address names nobody: {markup}");
        }
    }

    #[test]
    fn an_address_that_names_nobody_is_no_mention_whatever_stands_in_it() {
        for address in [
            "https://matrix.to/#/",
            "https://matrix.to/#//",
            "https://matrix.to/#///x",
            "https://matrix.to/#/!a:b.example///",
            "https://matrix.to/#/$a//",
            "https://matrix.to/#/@",
            "https://matrix.to/#/@a/b",
            "https://matrix.to/#/%40",
            "https://matrix.to/#/%",
            "https://matrix.to/#/!room:tim.example",
            "matrix:",
            "matrix:u/",
            "matrix:u//",
            "matrix:roomid//e/x",
            "matrix:///",
        ] {
            let blocks = html(&format!("<a href=\"{address}\">Anna</a>"));
            let [Block::Paragraph(spans)] = blocks.as_slice() else { panic!("one paragraph: {address}") };
            assert!(spans.iter().all(|span| span.mention.is_none()), "{address}");
        }
    }

    #[test]
    fn the_word_for_everybody_is_set_apart_where_a_message_names_them() {
        let everybody = |text: &str| Span { mention: Some(Whom::Everybody), ..plain(text) };
        let want = vec![Block::Paragraph(vec![
            plain("Liebe "),
            everybody("@Alle"),
            plain(", "),
            everybody("@room"),
            plain("!"),
        ])];
        assert_eq!(with_everybody(blocks("Liebe @Alle, @room!", None)), want, "each of them");
        let quoted = html("<blockquote>@Alle</blockquote><pre>@Alle</pre>");
        assert_eq!(with_everybody(quoted.clone()), quoted, "but not what is quoted");
    }

    #[test]
    fn a_long_text_is_cut_in_a_list() {
        assert_eq!(one_line("a\n\n b"), "a b", "one line");
        assert_eq!(one_line("Be\u{202E}fdp.exe\u{2063} x"), "Befdp.exe x", "and nothing in it turns another way");
        assert_eq!(one_line(&"ä".repeat(300)).chars().count(), 201, "cut with an ellipsis");
    }
}
