//! Files of variables (`.env`): `NAME=value` a line, with the quotes that dotenv and Compose know.
//!
//! No crate is used for it: those that are kept read whole maps, and a problem needs its place.

use super::codes;
use super::doc::Sp;
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use std::sync::Arc;

/// How many variables a file may have.
const MOST: usize = 10_000;

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its name.
    pub name: Sp<String>,
    /// Its value, without quotes; none where only the name stands there.
    pub value: Option<Sp<String>>,
    /// Whether `${NAME}` in it may stand for another variable: not within single quotes.
    pub expands: bool,
}

/// Reads a file; what is wrong with a line is said, and the next one is read.
pub(super) fn parse(source: &Arc<Source>, d: &mut Diagnostics) -> Vec<Variable> {
    if let Some(at) = source.text.find('\0') {
        let place = Place::new(source, at..at + 1);
        let summary = "the file contains a zero byte";
        d.push(Diagnostic::error(codes::SYNTAX, Some(place), summary));
        return Vec::new();
    }
    let mut lines = Lines { source, at: 0 };
    let mut all = Vec::new();
    while lines.at < source.text.len() {
        match lines.line() {
            Ok(Some(one)) if all.len() == MOST => {
                let summary = format!("`{}` has more than 10,000 variables", source.name);
                d.push(Diagnostic::error(codes::TOO_LARGE, one.name.at, summary));
                break;
            }
            Ok(variable) => all.extend(variable),
            Err(problem) => {
                d.push(*problem);
                lines.skip();
            }
        }
    }
    all
}

struct Lines<'a> {
    source: &'a Arc<Source>,
    at: usize,
}

type Read<T> = Result<T, Box<Diagnostic>>;

impl Lines<'_> {
    fn rest(&self) -> &str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    /// The rest of the line, without its end.
    fn ahead(&self) -> &str {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or_default();
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Goes to the next line.
    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
    }

    fn blanks(&mut self) {
        let ahead = self.ahead();
        self.at += ahead.len() - ahead.trim_start().len();
    }

    fn place(&self, start: usize, end: usize) -> Place {
        Place::new(self.source, start..end)
    }

    fn error(&self, start: usize, end: usize, summary: &str) -> Diagnostic {
        Diagnostic::error(codes::SYNTAX, Some(self.place(start, end)), summary)
    }

    fn line(&mut self) -> Read<Option<Variable>> {
        self.blanks();
        if self.ahead().is_empty() || self.ahead().starts_with('#') {
            self.skip();
            return Ok(None);
        }
        if let Some(rest) = self.ahead().strip_prefix("export")
            && rest.starts_with([' ', '\t'])
        {
            self.at += "export".len();
            self.blanks();
        }
        let start = self.at;
        let ahead = self.ahead();
        let end = ahead.find(['=', '#']).unwrap_or(ahead.len());
        let name = ahead.get(..end).unwrap_or_default().trim_end().to_owned();
        let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        if !name.starts_with(first) || !name.chars().all(fine) {
            let stop = start + name.len().max(1);
            let error = self.error(start, stop, "this is no variable");
            return Err(error.help("`NAME=value`, or `#` before a comment").into());
        }
        let name = Sp::new(name.clone(), &self.place(start, start + name.len()));
        if self
            .ahead()
            .get(end..)
            .is_none_or(|rest| !rest.starts_with('='))
        {
            self.skip();
            return Ok(Some(Variable {
                name,
                value: None,
                expands: false,
            }));
        }
        self.at += end + 1;
        self.blanks();
        let quote = self.ahead().chars().next();
        let (value, expands) = match quote {
            Some(quote @ ('\'' | '"')) => (self.quoted(quote)?, quote == '"'),
            _ => (self.plain(), true),
        };
        Ok(Some(Variable {
            name,
            value: Some(value),
            expands,
        }))
    }

    /// A value without quotes: up to a comment or the line's end.
    fn plain(&mut self) -> Sp<String> {
        let start = self.at;
        let ahead = self.ahead();
        let comment = [" #", "\t#"]
            .iter()
            .filter_map(|mark| ahead.find(mark))
            .min();
        let comment = if ahead.starts_with('#') {
            Some(0)
        } else {
            comment
        };
        let text = ahead
            .get(..comment.unwrap_or(ahead.len()))
            .unwrap_or_default();
        let text = text.trim_end().to_owned();
        self.skip();
        let place = self.place(start, start + text.len());
        Sp::new(text, &place)
    }

    /// A value in quotes, which may go on over several lines.
    fn quoted(&mut self, quote: char) -> Read<Sp<String>> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            if c == quote {
                end = Some(at + 1);
                break;
            }
            // The one thing that dotenv escapes within single quotes are quote and backslash.
            let escaped = if c == '\\' {
                chars.next().map(|(_, c)| c)
            } else {
                None
            };
            match (c, escaped) {
                ('\\', Some(c)) if c == quote || c == '\\' => text.push(c),
                ('\\', Some('n')) if quote == '"' => text.push('\n'),
                ('\\', Some('r')) if quote == '"' => text.push('\r'),
                ('\\', Some('t')) if quote == '"' => text.push('\t'),
                ('\\', Some(c)) => text.extend(['\\', c]),
                (c, _) => text.push(c),
            }
        }
        let Some(end) = end else {
            let stop = start + self.ahead().len();
            let error = self.error(start, stop, "the quote is not closed");
            return Err(error
                .label("opened here")
                .help(format!("close it with {quote}"))
                .into());
        };
        let place = self.place(start, start + end);
        self.at += end;
        self.blanks();
        let ahead = self.ahead();
        if !ahead.is_empty() && !ahead.starts_with('#') {
            let (from, to) = (self.at, self.at + ahead.len());
            let error = self.error(from, to, "there is more after the closing quote");
            return Err(error
                .help("put all of the value into quotes, or `#` before a comment")
                .into());
        }
        self.skip();
        Ok(Sp::new(text, &place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source {
            name: "config/services.env".into(),
            path: "config/services.env".into(),
            text: text.into(),
        })
    }

    fn read(text: &str) -> Vec<String> {
        let mut d = Diagnostics::new();
        let variables = parse(&source(text), &mut d);
        let mut shown: Vec<String> = variables
            .iter()
            .map(|one| match &one.value {
                Some(value) => {
                    let (line, column) = value.at.as_ref().unwrap().line_column();
                    let name = &one.name.value;
                    let raw = if one.expands { "" } else { " raw" };
                    format!("{name}={:?}{raw} {line}:{column}", value.value)
                }
                None => one.name.value.clone(),
            })
            .collect();
        for one in d.sorted() {
            let (line, column) = one.at.as_ref().unwrap().line_column();
            shown.push(format!("{} {line}:{column} {}", one.code, one.summary));
        }
        shown
    }

    #[test]
    fn values_are_what_dotenv_reads() {
        let text = "# c\n\n A=1\nexport B = two words  # c\nC='a $x \\' #'  # c\nD=\"x\\n\\\"y\\\"\\z\"\nE=\nF=a#b\nG\nTHINGSBOARD_COAP_LwM2M_PORTS=5683-5688\nH='1\n2'\nI=#c\n";
        assert_eq!(
            read(text),
            [
                "A=\"1\" 3:4",
                "B=\"two words\" 4:12",
                "C=\"a $x ' #\" raw 5:3",
                "D=\"x\\n\\\"y\\\"\\\\z\" 6:3",
                "E=\"\" 7:3",
                "F=\"a#b\" 8:3",
                "G",
                "THINGSBOARD_COAP_LwM2M_PORTS=\"5683-5688\" 10:30",
                "H=\"1\\n2\" raw 11:3",
                "I=\"\" 13:3",
            ]
        );
        assert_eq!(
            read("A='x'\r\nB=y\r\n\r\nC=z"),
            ["A=\"x\" raw 1:3", "B=\"y\" 2:3", "C=\"z\" 4:3"]
        );
    }

    #[test]
    fn each_wrong_line_is_said() {
        assert_eq!(
            read("A B=1\n=x\nC='x' y\nD=ok\nE=\"a\nF=1\n"),
            [
                "D=\"ok\" 4:3",
                "F=\"1\" 6:3",
                "E0102 1:1 this is no variable",
                "E0102 2:1 this is no variable",
                "E0102 3:7 there is more after the closing quote",
                "E0102 5:3 the quote is not closed",
            ]
        );
        assert_eq!(read("A=\0"), ["E0102 1:3 the file contains a zero byte"]);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn nothing_makes_it_panic(text in "\\PC*|[A-C='\"\\\\# \t\r\n$é]{0,80}") {
            read(&text);
        }
    }
}
