//! Rules for the page: one file knows Tauri, words come from messages, colors from tokens, both languages are whole.

use super::{
    Finding,
    house::banned_noun,
    scan::{self, Kind, lines},
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// The one file that knows the window.
const WINDOW: &str = "ui/src/host/tauri.ts";

/// Rules for a TypeScript file.
pub(crate) fn script(path: &str, text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let exempt = path.contains(".test.") || path.contains(".story.") || path.contains("/stories/");
    for (n, line) in lines(text) {
        if path != WINDOW && ["'@tauri-apps", "\"@tauri-apps"].iter().any(|word| line.contains(word)) {
            found.push(Finding::at(path, n, format!("only {WINDOW} knows Tauri")));
        }
        let first = line.trim_start();
        if path.contains(".test.")
            && ["it", "test", "describe"]
                .iter()
                .any(|call| first.starts_with(&format!("{call}.skip")) || first.starts_with(&format!("{call}.only")))
        {
            found.push(Finding::at(path, n, "a test is switched off, or all others are"));
        }
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            if ["class", "interface"].contains(&word)
                && let Some((name, noun)) = words.next().and_then(|name| Some((name, banned_noun(name)?)))
                && name.starts_with(char::is_uppercase)
            {
                found.push(Finding::at(path, n, format!("`{name}`: `{noun}` says nothing about what it does")));
            }
        }
        if path.ends_with(".tsx") && !exempt && quoted_color(line) {
            found.push(Finding::at(path, n, "a color in a component: name it in tokens.css"));
        }
    }
    if path.ends_with(".tsx") && !exempt {
        found.extend(
            Words::of(text).into_iter().map(|(n, word)| {
                Finding::at(path, n, format!("words in a component: \"{word}\" belongs in messages/"))
            }),
        );
    }
    found
}

fn quoted_color(line: &str) -> bool {
    line.split(['\'', '"', '`']).skip(1).step_by(2).any(|inside| inside.strip_prefix('#').is_some_and(is_hex))
}

fn is_hex(text: &str) -> bool {
    [3, 4, 6, 8].contains(&text.len()) && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// Rules for a style sheet: colors have names, and names are given in one file.
pub(crate) fn style(path: &str, text: &str) -> Vec<Finding> {
    if path.ends_with("/tokens.css") {
        return Vec::new();
    }
    let code = scan::code(text, Kind::Css);
    lines(&code)
        .filter(|(_, line)| {
            // A selector `#name` stands before a brace, a color behind a colon.
            let values = line
                .split(';')
                .filter_map(|part| part.rsplit_once('{').map_or(Some(part), |(_, p)| Some(p)))
                .filter_map(|p| p.split_once(':'));
            values.map(|(_, value)| value.to_lowercase()).any(|value| {
                let hex = value
                    .split('#')
                    .skip(1)
                    .any(|rest| is_hex(rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()));
                hex || ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch("].iter().any(
                    |call| {
                        value
                            .match_indices(call)
                            .any(|(at, _)| !value[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-'))
                    },
                )
            })
        })
        .map(|(n, _)| Finding::at(path, n, "a color outside tokens.css: give it a name there"))
        .collect()
}

/// Both languages have the same keys.
///
/// # Errors
/// When a file is not JSON.
pub(crate) fn languages(de: &str, en: &str) -> Result<Vec<Finding>> {
    let keys = |name: &str, text: &str| -> Result<BTreeSet<String>> {
        let value: Value = serde_json::from_str(text).with_context(|| format!("ui/messages/{name}.json"))?;
        let mut keys = BTreeSet::new();
        flatten("", &value, &mut keys);
        Ok(keys)
    };
    let (de, en) = (keys("de", de)?, keys("en", en)?);
    let missing = |name: &str, from: &BTreeSet<String>, in_: &BTreeSet<String>| -> Vec<Finding> {
        from.difference(in_)
            .map(|key| Finding::new(format!("ui/messages/{name}.json"), format!("`{key}` is missing")))
            .collect()
    };
    Ok([missing("en", &de, &en), missing("de", &en, &de)].concat())
}

fn flatten(prefix: &str, value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| flatten(&format!("{prefix}.{key}"), value, keys))
        }
        // Variants of one message by number or gender may differ between languages.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            keys.insert(prefix.trim_start_matches('.').to_owned());
        }
    }
}

/// Attributes that a person reads or hears.
const READ: [&str; 5] = ["aria-label", "aria-description", "title", "placeholder", "alt"];

/// A walk through a component's source that finds words between tags. It knows strings, comments, templates
/// and nested expressions, not types; a `<` opens a tag only where an expression may begin.
struct Words {
    chars: Vec<char>,
    at: usize,
    found: Vec<(usize, String)>,
}

impl Words {
    fn of(text: &str) -> Vec<(usize, String)> {
        let mut words = Self { chars: text.chars().collect(), at: 0, found: Vec::new() };
        while words.at < words.chars.len() {
            words.expression();
            // A brace too many closes nothing.
            words.at += 1;
        }
        words.found
    }

    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn note(&mut self, from: usize, text: &str) {
        let mut plain = String::new();
        let mut rest = text;
        // Entities such as `&nbsp;` are signs, not words.
        while let Some((before, after)) = rest.split_once('&') {
            plain += before;
            rest = after
                .split_once(';')
                .filter(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '#'))
                .map_or(after, |(_, r)| r);
        }
        plain += rest;
        let letters: Vec<char> = plain.chars().collect();
        if letters.windows(2).any(|pair| pair.iter().all(|c| c.is_alphabetic())) {
            let line = self.chars[..from].iter().filter(|c| **c == '\n').count()
                + 1
                + text.chars().take_while(|c| c.is_whitespace()).filter(|c| *c == '\n').count();
            self.found.push((line, plain.split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }

    /// Reads code up to the brace that closes it, or to the end.
    fn expression(&mut self) {
        let mut last = String::new();
        while self.at < self.chars.len() {
            let c = self.peek(0);
            match c {
                '}' => return,
                '{' => {
                    self.at += 1;
                    self.expression();
                    self.at += 1;
                    last = "}".to_owned();
                }
                '\'' | '"' => {
                    self.string(c);
                    last = "x".to_owned();
                }
                '`' => {
                    self.template();
                    last = "x".to_owned();
                }
                '/' if self.peek(1) == '/' => {
                    while self.at < self.chars.len() && self.peek(0) != '\n' {
                        self.at += 1;
                    }
                }
                '/' if self.peek(1) == '*' => {
                    self.at += 2;
                    while self.at < self.chars.len() && !(self.peek(0) == '*' && self.peek(1) == '/') {
                        self.at += 1;
                    }
                    self.at += 2;
                }
                '/' if opens(&last) => {
                    self.regex();
                    last = "x".to_owned();
                }
                '<' if opens(&last) && (self.peek(1).is_alphabetic() || self.peek(1) == '>') => {
                    self.element();
                    last = "x".to_owned();
                }
                c if c.is_alphanumeric() || c == '_' || c == '$' => {
                    last.clear();
                    while self.peek(0).is_alphanumeric() || self.peek(0) == '_' || self.peek(0) == '$' {
                        last.push(self.peek(0));
                        self.at += 1;
                    }
                }
                c => {
                    if !c.is_whitespace() {
                        last = c.to_string();
                    }
                    self.at += 1;
                }
            }
        }
    }

    fn string(&mut self, quote: char) {
        self.at += 1;
        while self.at < self.chars.len() && self.peek(0) != quote && self.peek(0) != '\n' {
            self.at += if self.peek(0) == '\\' { 2 } else { 1 };
        }
        self.at += 1;
    }

    fn template(&mut self) {
        self.at += 1;
        while self.at < self.chars.len() && self.peek(0) != '`' {
            match (self.peek(0), self.peek(1)) {
                ('\\', _) => self.at += 2,
                ('$', '{') => {
                    self.at += 2;
                    self.expression();
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
        self.at += 1;
    }

    fn regex(&mut self) {
        self.at += 1;
        let mut class = false;
        while self.at < self.chars.len() && (self.peek(0) != '/' || class) && self.peek(0) != '\n' {
            match self.peek(0) {
                '\\' => self.at += 1,
                '[' => class = true,
                ']' => class = false,
                _ => {}
            }
            self.at += 1;
        }
        self.at += 1;
    }

    /// Reads `<name attributes>children</name>`.
    fn element(&mut self) {
        self.at += 1;
        while self.peek(0).is_alphanumeric() || ['.', '_', '-'].contains(&self.peek(0)) {
            self.at += 1;
        }
        self.type_arguments();
        let mut attribute = String::new();
        loop {
            match self.peek(0) {
                '\0' => return,
                '/' if self.peek(1) == '>' => {
                    self.at += 2;
                    return;
                }
                '>' => {
                    self.at += 1;
                    break;
                }
                '{' => {
                    self.at += 1;
                    self.expression();
                    self.at += 1;
                }
                quote @ ('"' | '\'') => {
                    let from = self.at + 1;
                    self.string(quote);
                    if READ.contains(&attribute.as_str()) {
                        let text: String = self.chars[from..(self.at - 1).max(from)].iter().collect();
                        self.note(from, &text);
                    }
                }
                c if c.is_alphanumeric() || c == '-' => {
                    attribute.clear();
                    while self.peek(0).is_alphanumeric() || self.peek(0) == '-' {
                        attribute.push(self.peek(0));
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
        }
        self.children();
    }

    /// Passes `<string, Map<A, B>>` behind a tag's name.
    fn type_arguments(&mut self) {
        if self.peek(0) != '<' {
            return;
        }
        let mut depth = 0_usize;
        while self.at < self.chars.len() {
            match self.peek(0) {
                '<' => depth += 1,
                '>' if depth <= 1 => {
                    self.at += 1;
                    return;
                }
                '>' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    fn children(&mut self) {
        loop {
            let from = self.at;
            while self.at < self.chars.len() && !['<', '{'].contains(&self.peek(0)) {
                self.at += 1;
            }
            let text: String = self.chars[from..self.at].iter().collect();
            self.note(from, &text);
            match (self.peek(0), self.peek(1)) {
                ('<', '/') => {
                    while self.at < self.chars.len() && self.peek(0) != '>' {
                        self.at += 1;
                    }
                    self.at += 1;
                    return;
                }
                ('<', _) => self.element(),
                ('{', _) => {
                    self.at += 1;
                    self.expression();
                    self.at += 1;
                }
                _ => return,
            }
        }
    }
}

/// True where an expression, and so a tag or a regular expression, may begin behind this word or sign.
fn opens(last: &str) -> bool {
    let word = last.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
    if word { ["return", "default", "case", "yield", "await"].contains(&last) } else { ![")", "]"].contains(&last) }
}

#[cfg(test)]
mod tests {
    use super::{Words, languages, script, style};

    fn words(text: &str) -> Vec<String> {
        Words::of(text).into_iter().map(|(_, word)| word).collect()
    }

    #[test]
    fn one_file_knows_the_window() {
        let line = "import { invoke } from '@tauri-apps/api/core';";
        assert_eq!(script("ui/src/host/tauri.ts", line), [], "that file");
        assert_eq!(script("ui/src/case/Case.ts", line).len(), 1, "another");
    }

    #[test]
    fn words_between_tags_are_found_with_their_line() {
        let text = "export function A() {\n  return (\n    <p>\n      Befund\n    </p>\n  );\n}";
        assert_eq!(Words::of(text), [(4, "Befund".to_owned())], "the line of the word");
        assert_eq!(words("const a = ok ? <b>yes</b> : null;"), ["yes"], "in a condition");
        assert_eq!(words("const f = () => <><i>{n}</i> items</>;"), ["items"], "behind an element");
        assert_eq!(words("return <List render={(x) => <li>row {x}</li>} />;"), ["row"], "in an attribute's expression");
        assert_eq!(
            words("return <input placeholder=\"Name\" type=\"text\" />;"),
            ["Name"],
            "an attribute that is read"
        );
    }

    #[test]
    fn code_is_not_taken_for_words() {
        for good in [
            "const a: Array<Foo> = new Map<string, Bar>(); if (a < b && c > d) { return <p>{m.title()}</p>; }",
            "return <p className=\"big\" data-x='y'>{a} · {b}&nbsp;%</p>;",
            "// it's <b>bold</b>\nreturn <i>{/* a comment */}</i>;",
            "const t = `it's ${n > 1 ? `<b>${n}</b>` : ''}`; return <b>{t}</b>;",
            "const r = /<a>[\"'/]b{2}/u.test(x); return <b>{r}</b>;",
            "const f = useState<string | null>(null); return <A<string> x={1}>{f}</A>;",
            "return <Segment<'de' | 'en'>\n quiet value={x} onChange={(a) => set(a)} />;",
            "return <List.Row<Map<A, B>> of={x}>{y}</List.Row>;",
            "return <b>x</b>;",
        ] {
            assert_eq!(words(good), [""; 0], "{good}");
        }
    }

    #[test]
    fn stories_and_tests_may_hold_words() {
        let text = "export const A = () => <p>Befund</p>;";
        assert_eq!(script("ui/src/stories/A.tsx", text), [], "a story");
        assert_eq!(script("ui/src/case/A.test.tsx", text), [], "a test");
        assert_eq!(script("ui/src/case/A.tsx", text).len(), 1, "a component");
    }

    #[test]
    fn colors_are_named_in_one_file() {
        for bad in [
            "a { color: #fff; }",
            "a { border: 1px solid rgb(0 0 0 / 50%) }",
            "a{background:\n linear-gradient(x); color:hsl(1 2% 3%)}",
        ] {
            assert_eq!(style("ui/src/a.module.css", bad).len(), 1, "{bad}");
            assert_eq!(style("ui/src/tokens.css", bad), [], "{bad}");
        }
        for good in [
            "#fade { color: var(--text); }",
            "/* #fff */ a { color: var(--rgb); }",
            "a { fill: color-mix(in srgb, var(--a), transparent) }",
        ] {
            assert_eq!(style("ui/src/a.module.css", good), [], "{good}");
        }
        assert_eq!(script("ui/src/A.tsx", "const a = { color: '#ff0000' };").len(), 1, "in a component");
        assert_eq!(script("ui/src/A.tsx", "const a = { href: '#part' };"), [], "an anchor");
    }

    #[test]
    fn both_languages_have_the_same_messages() {
        assert_eq!(
            languages(r#"{"a":"x","b":{"c":"y"}}"#, r#"{"a":"x","b":{"c":"z"}}"#).expect("JSON"),
            [],
            "the same"
        );
        assert_eq!(languages(r#"{"a":"x"}"#, r#"{"b":"x"}"#).expect("JSON").len(), 2, "one is missing in each");
    }

    #[test]
    fn a_page_test_is_not_switched_off() {
        assert_eq!(script("ui/src/a.test.ts", "  it.skip('x', () => {});").len(), 1, "off");
        assert_eq!(script("ui/src/a.test.ts", "  it('skips', () => {});"), [], "on");
    }
}
