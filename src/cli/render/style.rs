//! Colours, widths and small layouts, as pure functions.
//!
//! Whether there is colour (`NO_COLOR`, a pipe, `--color`) and how wide the terminal is, the caller finds
//! out. No meaning is in colour alone: every tone stands beside a word or a symbol.

/// How text for people looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences for colour are written.
    pub color: bool,
    /// Columns; lines are wrapped to it where they can be.
    pub width: usize,
    /// Whether more than ASCII may be written.
    pub unicode: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            unicode: true,
        }
    }
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it comes.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Beside the point: origins, hints.
    Dim,
    /// Something comes, something is well.
    Good,
    /// Something changes, something is to be looked at.
    Warn,
    /// Something goes, something is wrong.
    Bad,
}

impl Style {
    /// `text` in the colour of `tone`, where there are colours.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Strong => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Warn => "33",
            Tone::Bad => "31",
        };
        if !self.color || text.is_empty() {
            return text.to_owned();
        }
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Between what was and what shall be.
    pub const fn arrow(&self) -> &'static str {
        if self.unicode { "→" } else { "->" }
    }

    /// For what was left out.
    pub const fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// Between two facts on one line.
    pub const fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    /// `text` in at most `max` columns, its middle left out where it is longer: both ends of a reference or
    /// an address tell more than its middle.
    pub fn shorten(&self, text: &str, max: usize) -> String {
        let length = columns(text);
        let gap = self.ellipsis();
        if length <= max || max <= columns(gap) + 1 {
            return text.to_owned();
        }
        let kept = max - columns(gap);
        let head = kept.div_ceil(2);
        let start: String = text.chars().take(head).collect();
        let end: String = text.chars().skip(length - (kept - head)).collect();
        format!("{start}{gap}{end}")
    }

    /// Two texts in at most `max` columns each, shown from shortly before where they begin to differ.
    pub fn shorten_around(&self, a: &str, b: &str, max: usize) -> (String, String) {
        let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
        let gap = self.ellipsis();
        let from = |text: &str| {
            let skipped = same.saturating_sub(max / 3);
            let lead = if skipped > 0 { gap } else { "" };
            let room = max.saturating_sub(2 * columns(gap));
            let mut shown: String = text.chars().skip(skipped).take(room).collect();
            if skipped + room < text.chars().count() {
                shown.push_str(gap);
            }
            format!("{lead}{shown}")
        };
        (from(a), from(b))
    }

    /// `text` in lines that start with `indent` columns, broken at spaces so that they fit the width. A word
    /// that is longer than a line stays whole: a cut path or address is of no use.
    pub fn wrap(&self, indent: usize, text: &str) -> String {
        let room = self.width.saturating_sub(indent).max(20);
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && columns(&line) + 1 + columns(word) > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
        lines.iter().fold(String::new(), |mut all, line| {
            all.push_str(&" ".repeat(indent));
            all.push_str(line);
            all.push('\n');
            all
        })
    }
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// In which colour.
    pub tone: Tone,
}

impl Cell {
    /// A cell in a tone.
    pub fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            text: clean(&text.into()),
            tone,
        }
    }

    /// A cell as it comes.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::new(Tone::Plain, text)
    }
}

/// How wide a table would be.
pub fn table_width(rows: &[Vec<Cell>]) -> usize {
    let widths = widths(rows);
    widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * 2
}

/// Rows with their columns aligned, two spaces apart; columns that are empty everywhere are left out.
pub fn table(style: &Style, indent: usize, rows: &[Vec<Cell>]) -> String {
    let widths = widths(rows);
    let mut text = String::new();
    for row in rows {
        let last = row.iter().rposition(|cell| !cell.text.is_empty());
        let mut line = " ".repeat(indent);
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            if *width == 0 || Some(index) > last {
                continue;
            }
            line.push_str(&style.paint(cell.tone, &cell.text));
            if Some(index) != last {
                line.push_str(&" ".repeat(width - columns(&cell.text) + 2));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn widths(rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(&cell.text));
        }
    }
    widths
}

/// How many columns `text` takes.
pub fn columns(text: &str) -> usize {
    text.chars().count()
}

/// `text` on one line and without escape sequences: values come from files and from an engine, and none of
/// them shall move a terminal's cursor.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_format(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// Marks that reorder or hide text.
const fn is_format(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Milliseconds as people say them: `340 ms`, `1.2 s`, `2 min 5 s`, `3 h 2 min`.
pub fn took(millis: u64) -> String {
    let secs = millis / 1000;
    match secs {
        0 => format!("{millis} ms"),
        1..=59 => format!("{secs}.{} s", millis % 1000 / 100),
        60..=3599 => format!("{} min {} s", secs / 60, secs % 60),
        _ => format!("{} h {} min", secs / 3600, secs / 60 % 60),
    }
}

/// How long ago `then` (RFC 3339) was, in one unit; `then` itself where it cannot be read.
pub fn ago(then: &str, now: jiff::Timestamp) -> String {
    let Ok(at) = then.parse::<jiff::Timestamp>() else {
        return clean(then);
    };
    let secs = now.as_second().saturating_sub(at.as_second());
    match secs {
        ..=0 => "now".to_owned(),
        1..=59 => format!("{secs} s ago"),
        60..=3599 => format!("{} min ago", secs / 60),
        3600..=86_399 => format!("{} h ago", secs / 3600),
        86_400..=172_799 => "1 day ago".to_owned(),
        _ => format!("{} days ago", secs / 86_400),
    }
}

/// `1 volume`, `2 volumes`.
pub fn count(n: usize, what: &str) -> String {
    if n == 1 {
        format!("1 {what}")
    } else {
        format!("{n} {what}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_only() {
        let style = Style {
            width: 30,
            ..Style::default()
        };
        let text = "interrupted: it writes to volume /a/very/long/path/that/is/not/cut ok";
        insta::assert_snapshot!(style.wrap(4, text), @"
            interrupted: it writes to
            volume
            /a/very/long/path/that/is/not/cut
            ok
        ");
    }

    #[test]
    fn the_middle_is_left_out() {
        let style = Style::default();
        assert_eq!(style.shorten("abcdefghij", 7), "abc…hij");
        let (a, b) =
            style.shorten_around("same start, one, same end", "same start, two, same end", 12);
        assert_eq!((a.as_str(), b.as_str()), ("…rt, one, s…", "…rt, two, s…"));
        assert_eq!(style.shorten("abc", 7), "abc");
        let ascii = Style {
            unicode: false,
            ..style
        };
        assert_eq!(ascii.shorten("abcdefghij", 7), "ab...ij");
    }

    #[test]
    fn values_move_no_cursor() {
        assert_eq!(clean("a\n\x1b[2Jb\u{202e}"), "a\\n\\u{1b}[2Jb\\u{202e}");
    }

    #[test]
    fn colour_takes_no_columns() {
        let style = Style {
            color: true,
            ..Style::default()
        };
        let rows = [
            vec![Cell::new(Tone::Good, "ok"), Cell::plain("x")],
            vec![Cell::plain("longer"), Cell::plain("y")],
        ];
        assert_eq!(
            table(&style, 0, &rows),
            "\x1b[32mok\x1b[0m      x\nlonger  y\n"
        );
        assert_eq!(table_width(&rows), 9);
    }

    #[test]
    fn times_are_said_in_one_or_two_units() {
        assert_eq!(took(340), "340 ms");
        assert_eq!(took(1260), "1.2 s");
        assert_eq!(took(125_000), "2 min 5 s");
        let now = "2026-11-20T14:00:00Z".parse().unwrap();
        assert_eq!(ago("2026-11-20T13:56:10Z", now), "3 min ago");
        assert_eq!(ago("2026-11-20T14:00:10Z", now), "now");
        assert_eq!(ago("yesterday", now), "yesterday");
    }
}
