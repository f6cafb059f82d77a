//! A doctor's letter as a PDF file (ISO 32000-1), so that the demonstration has one of the documents that hospitals
//! really send. Two of the standard 14 fonts, text as text, nothing compressed: a few kilobytes.

use std::fmt::Write as _;

/// What the letter says.
#[derive(Debug)]
pub(super) struct Letter {
    /// The house that writes: name, then its address.
    pub(super) sender: Vec<String>,
    /// The line under the title: who the patient is.
    pub(super) patient: String,
    /// "Arztbrief".
    pub(super) title: String,
    /// Place and date.
    pub(super) dated: String,
    /// Paragraphs; what stands before the first colon becomes a heading.
    pub(super) paragraphs: Vec<String>,
    /// Who signs.
    pub(super) signer: Vec<String>,
    /// Heading of the second page.
    pub(super) table_title: String,
    /// Its rows; the first is the head.
    pub(super) table: Vec<[String; 4]>,
}

/// A4 in points.
const PAGE: (f64, f64) = (595.0, 842.0);
const LEFT: f64 = 68.0;
const RIGHT: f64 = PAGE.0 - 68.0;
const COLUMNS: [f64; 4] = [LEFT, 260.0, 350.0, 450.0];
const LINE: f64 = 15.0;

/// Widths of Helvetica from U+0020 to U+007E in thousandths of the size (Adobe Core 14 AFM).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

#[derive(Clone, Copy)]
enum Font {
    Regular,
    Bold,
}

/// The file.
pub(super) fn letter(letter: &Letter) -> Vec<u8> {
    file(&[first_page(letter), second_page(letter)])
}

fn first_page(letter: &Letter) -> String {
    let mut page = Page::new();
    for (number, line) in letter.sender.iter().enumerate() {
        let font = if number == 0 { Font::Bold } else { Font::Regular };
        page.line(font, if number == 0 { 14.0 } else { 9.0 }, LEFT, line);
    }
    page.rule();
    page.down(LINE);
    page.text(Font::Regular, 10.0, RIGHT - width(&letter.dated, 10.0), &letter.dated);
    page.line(Font::Bold, 15.0, LEFT, &letter.title);
    page.line(Font::Regular, 10.0, LEFT, &letter.patient);
    for paragraph in &letter.paragraphs {
        page.down(LINE * 0.8);
        let (heading, rest) = paragraph.split_once(": ").unwrap_or(("", paragraph));
        if !heading.is_empty() {
            page.line(Font::Bold, 10.5, LEFT, heading);
        }
        for line in wrapped(rest, 10.5, RIGHT - LEFT) {
            page.line(Font::Regular, 10.5, LEFT, &line);
        }
    }
    page.down(LINE * 2.0);
    for line in &letter.signer {
        page.line(Font::Regular, 10.5, LEFT, line);
    }
    page.foot("1/2");
    page.0
}

fn second_page(letter: &Letter) -> String {
    let mut page = Page::new();
    page.line(Font::Bold, 13.0, LEFT, &letter.table_title);
    page.line(Font::Regular, 10.0, LEFT, &letter.patient);
    page.rule();
    for (number, row) in letter.table.iter().enumerate() {
        let font = if number == 0 { Font::Bold } else { Font::Regular };
        for (cell, at) in row.iter().zip(COLUMNS) {
            page.text(font, 10.0, at, cell);
        }
        page.down(LINE);
    }
    page.foot("2/2");
    page.0
}

/// A content stream and where the next line goes.
struct Page(String, f64);

impl Page {
    fn new() -> Self {
        Self(String::new(), PAGE.1 - 70.0)
    }

    fn text(&mut self, font: Font, size: f64, at: f64, text: &str) {
        let name = match font {
            Font::Regular => "R",
            Font::Bold => "B",
        };
        let y = self.1;
        let _infallible =
            writeln!(self.0, "BT /{name} {size:.1} Tf 1 0 0 1 {at:.1} {y:.1} Tm ({}) Tj ET", escaped(text));
    }

    fn line(&mut self, font: Font, size: f64, at: f64, text: &str) {
        self.text(font, size, at, text);
        self.down(size.max(10.0) * 1.45);
    }

    fn down(&mut self, by: f64) {
        self.1 -= by;
    }

    fn rule(&mut self) {
        let y = self.1;
        let _infallible = writeln!(self.0, "0.6 w {LEFT:.1} {y:.1} m {RIGHT:.1} {y:.1} l S");
        self.down(LINE * 1.4);
    }

    fn foot(&mut self, text: &str) {
        self.1 = 40.0;
        self.text(Font::Regular, 9.0, RIGHT - width(text, 9.0), text);
    }
}

fn file(pages: &[String]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 5 + 2 * page)).collect();
    let font = |name: &str| format!("<</Type/Font/Subtype/Type1/BaseFont/{name}/Encoding/WinAnsiEncoding>>");
    let mut objects = vec![
        "<</Type/Catalog/Pages 2 0 R/Lang(de-DE)>>".to_owned(),
        format!("<</Type/Pages/Count {}/Kids[{}]>>", pages.len(), kids.join(" ")),
        font("Helvetica"),
        font("Helvetica-Bold"),
    ];
    for (number, content) in pages.iter().enumerate() {
        let (width, height) = PAGE;
        objects.push(format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width} {height}]/Resources<</Font<</R 3 0 R/B 4 0 R>>>>/Contents {} 0 R>>",
            6 + 2 * number
        ));
        objects.push(format!("<</Length {}>>\nstream\n{content}endstream", content.len()));
    }
    let mut file = String::from("%PDF-1.7\n");
    let mut offsets = Vec::with_capacity(objects.len());
    for (number, object) in (1..).zip(&objects) {
        offsets.push(file.len());
        let _infallible = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    let table = file.len();
    let _infallible = write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        let _infallible = writeln!(file, "{offset:010} 00000 n ");
    }
    let _infallible = write!(file, "trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF\n", objects.len() + 1);
    file.into_bytes()
}

/// A literal string (7.3.4.2) in WinAnsiEncoding; the file stays ASCII.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '(' | ')' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            ' '..='~' => out.push(letter),
            other => {
                let _infallible = write!(out, "\\{:03o}", win_ansi(other));
            }
        }
    }
    out
}

/// The byte of a character outside ASCII (Annex D.2).
fn win_ansi(letter: char) -> u8 {
    match letter {
        '–' => 0x96,
        '„' => 0x84,
        '“' => 0x93,
        '€' => 0x80,
        '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(letter)).expect("the range ends at 255"),
        _ => b'?',
    }
}

/// In points.
fn width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text
        .chars()
        .map(|letter| {
            let at = u32::from(letter).checked_sub(0x20).and_then(|at| usize::try_from(at).ok());
            // Letters with a mark are as wide as those without, which are at most this wide.
            u32::from(at.and_then(|at| WIDTHS.get(at)).copied().unwrap_or(611))
        })
        .sum();
    f64::from(thousandths) / 1000.0 * size
}

fn wrapped(text: &str, size: f64, within: f64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer, size) > within && !line.is_empty() {
            lines.push(std::mem::replace(&mut line, word.to_owned()));
        } else {
            line = longer;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::{Letter, escaped, letter, width, wrapped};

    fn example() -> Vec<u8> {
        letter(&Letter {
            sender: vec!["Klinik (Nord)".to_owned(), "Straße 1".to_owned()],
            patient: "A".to_owned(),
            title: "Arztbrief".to_owned(),
            dated: "1.1.".to_owned(),
            paragraphs: vec!["Verlauf: gut".to_owned()],
            signer: vec!["B".to_owned()],
            table_title: "Labor".to_owned(),
            table: vec![["a".to_owned(), "b".to_owned(), "c".to_owned(), "d".to_owned()]],
        })
    }

    #[test]
    fn every_offset_of_the_cross_reference_table_points_at_its_object() {
        let file = String::from_utf8(example()).expect("the file is ASCII");
        assert!(file.is_ascii(), "octal escapes keep it so");
        let start = file.split("startxref\n").nth(1).and_then(|rest| rest.lines().next()).expect("a place");
        let table = &file[start.parse::<usize>().expect("a number")..];
        let mut lines = table.lines();
        assert_eq!(lines.next(), Some("xref"), "ISO 32000-1, 7.5.4");
        let count: usize =
            lines.next().and_then(|line| line.strip_prefix("0 ")).expect("one section").parse().expect("a count");
        assert_eq!(count, 9, "eight objects and the free one");
        assert_eq!(lines.next(), Some("0000000000 65535 f "), "twenty bytes with the line's end");
        for (number, line) in (1..count).zip(lines) {
            let offset: usize = line[..10].parse().expect("ten digits");
            assert!(file[offset..].starts_with(&format!("{number} 0 obj\n")), "object {number}");
        }
    }

    #[test]
    fn a_streams_length_is_that_of_its_bytes() {
        let file = String::from_utf8(example()).expect("ASCII");
        let streams: Vec<(usize, usize)> = file
            .split("<</Length ")
            .skip(1)
            .map(|rest| {
                let (stated, rest) = rest.split_once(">>\nstream\n").expect("a stream");
                (stated.parse().expect("a number"), rest.find("endstream").expect("its end"))
            })
            .collect();
        assert_eq!(streams.len(), 2, "one a page");
        assert!(streams.iter().all(|(stated, found)| stated == found), "{streams:?}");
    }

    #[test]
    fn umlauts_and_parentheses_are_escaped() {
        assert_eq!(escaped("(ä–\\)"), "\\(\\344\\226\\\\\\)", "WinAnsiEncoding: 344 and 226 octal");
    }

    #[test]
    fn lines_end_before_the_margin() {
        // Adobe's metrics: A 667, b 556.
        assert!((width("Ab", 10.0) - 12.23).abs() < 1e-9, "667 and 556 thousandths of ten points");
        assert_eq!(wrapped("Ab Ab Ab", 10.0, 28.0), ["Ab Ab", "Ab"], "two with a space are 27.24 points wide");
    }
}
