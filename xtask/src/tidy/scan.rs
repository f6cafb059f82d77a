//! Reading source text without a parser: comments and strings are blanked, lines stay where they were.

/// Which language's comments and strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Rust,
    Css,
}

/// The text with comments and the insides of strings replaced by spaces.
pub(crate) fn code(text: &str, kind: Kind) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped(&chars, at, kind);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The end of a comment or string that begins at `at`, else `at` itself.
fn skipped(chars: &[char], at: usize, kind: Kind) -> usize {
    let rest = &chars[at..];
    let starts = |word: &str| word.chars().enumerate().all(|(n, c)| rest.get(n) == Some(&c));
    if starts("/*") {
        let mut depth = 0_usize;
        let mut end = at;
        while end < chars.len() {
            match (chars[end], chars.get(end + 1)) {
                ('/', Some('*')) if depth == 0 || kind == Kind::Rust => {
                    depth += 1;
                    end += 2;
                }
                ('*', Some('/')) => {
                    depth -= 1;
                    end += 2;
                    if depth == 0 {
                        return end;
                    }
                }
                _ => end += 1,
            }
        }
        return end.min(chars.len());
    }
    if kind == Kind::Rust && starts("//") {
        return at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
    }
    match rest[0] {
        '"' => at + quoted(rest, '"'),
        '\'' if kind == Kind::Css => at + quoted(rest, '\''),
        // A lifetime has no second quote right after its first letter.
        '\'' if rest.get(1) == Some(&'\\') => at + quoted(rest, '\''),
        '\'' if rest.get(2) == Some(&'\'') => at + 3,
        'r' if kind == Kind::Rust && !(at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_')) => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            if rest.get(1 + hashes) != Some(&'"') {
                return at;
            }
            let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            let body = 2 + hashes;
            at + rest[body..]
                .windows(close.len())
                .position(|w| w == close)
                .map_or(rest.len(), |n| body + n + close.len())
        }
        _ => at,
    }
}

/// Length of a quoted string with backslashes, quotes included.
fn quoted(rest: &[char], quote: char) -> usize {
    let mut n = 1;
    while n < rest.len() {
        match rest[n] {
            '\\' => n += 2,
            c if c == quote => return n + 1,
            _ => n += 1,
        }
    }
    rest.len()
}

/// Splits blanked Rust into what ships and what is compiled only for tests; both keep their lines.
pub(crate) fn without_tests(code: &str) -> (String, String) {
    const MARK: &str = "#[cfg(test)]";
    let (mut ships, mut tests) = (String::new(), String::new());
    let blank = |text: &str| -> String { text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect() };
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, item) = rest.split_at(at);
        let item = &item[..item_end(item)];
        ships += before;
        tests += &blank(before);
        ships += &blank(item);
        tests += item;
        rest = &rest[at + item.len()..];
    }
    ships += rest;
    tests += &blank(rest);
    (ships, tests)
}

/// Where the item that begins here ends: behind its braces or its semicolon.
fn item_end(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// Lines with their numbers, from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(n, line)| (n + 1, line))
}

/// True where `word` stands in `text` and is not part of a longer name.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, code, has_word, without_tests};

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let text = "let a = \"tokio\"; // tokio\nlet b: &'static str = r#\"std::fs \"\"#; /* tokio /* x */ tokio\n*/ let c = '\"'; fs()";
        let code = code(text, Kind::Rust);
        assert!(!code.contains("tokio") && !code.contains("std::fs"), "{code}");
        assert!(code.contains("&'static str") && code.contains("let c =") && code.contains("fs()"), "{code}");
        assert_eq!(code.lines().count(), text.lines().count(), "{code}");
    }

    #[test]
    fn test_items_are_told_from_what_ships() {
        let (ships, tests) = without_tests(
            "fn a() { b() }\n#[cfg(test)]\nmod tests { fn t() { sleep() } }\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}",
        );
        assert!(ships.contains("fn c()") && ships.contains("fn d()") && !ships.contains("sleep"), "{ships}");
        assert!(tests.contains("sleep") && tests.contains("mod more;") && !tests.contains("fn c()"), "{tests}");
    }

    #[test]
    fn a_word_inside_a_longer_name_is_not_found() {
        assert!(has_word("use tokio::x", "tokio"), "a path");
        assert!(!has_word("use tokio_like::x", "tokio"), "another crate");
    }
}
