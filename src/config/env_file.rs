//! Files of variables (`.env`): `NAME=value` a line, in the two dialects that are about.
//!
//! | | services.env | compose |
//! |---|---|---|
//! | read so by | python-dotenv, as DTaaS has it | Compose |
//! | name | a letter or `_`, then letters, digits, `_.-` | letters and digits of any script, `_.-[]` |
//! | after the name | `=` | `=` or `:` |
//! | in single quotes | `\'` and `\\` are escapes | `\'` is |
//! | in double quotes | `\" \\ \n \r \t` are escapes | those, `\a \b \f \v \$` and `\0` with up to three octal digits are |
//! | a comment | after a blank, or in place of the value | after a space |
//!
//! Where Compose is told to take a file as it stands (`format: raw`), a value is the rest of its line.
//! No crate is used for it: those that are kept read whole maps, and a problem needs its place.

use super::codes;
use super::doc::Sp;
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use std::sync::Arc;

/// How many variables a file may have.
const MOST: usize = 10_000;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// As python-dotenv reads `services.env`.
    Services,
    /// As Compose reads `.env` files.
    Compose,
    /// As Compose reads them where they are said to be raw: values as they stand.
    Raw,
}

impl Dialect {
    fn is_name(self, text: &str) -> bool {
        match self {
            Self::Services => {
                let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
                let first = |c: char| c.is_ascii_alphabetic() || c == '_';
                text.starts_with(first) && text.chars().all(fine)
            }
            Self::Compose | Self::Raw => {
                let fine = |c: char| c.is_alphanumeric() || "_.-[]".contains(c);
                !text.is_empty() && text.chars().all(fine)
            }
        }
    }

    fn separators(self) -> &'static [char] {
        match self {
            Self::Services => &['='],
            Self::Compose | Self::Raw => &['=', ':'],
        }
    }

    /// What begins a comment after a value.
    fn comments(self) -> &'static [&'static str] {
        match self {
            Self::Services => &[" #", "\t#"],
            Self::Compose | Self::Raw => &[" #"],
        }
    }

    /// What a backslash and `c` within quotes stand for; none where that is themselves.
    fn escape(self, quote: char, c: char) -> Option<&'static str> {
        match (self, quote, c) {
            (_, '\'', '\'') => Some("'"),
            (Self::Services, '\'', '\\') | (_, '"', '\\') => Some("\\"),
            (_, '"', '"') => Some("\""),
            (_, '"', 'n') => Some("\n"),
            (_, '"', 'r') => Some("\r"),
            (_, '"', 't') => Some("\t"),
            (Self::Compose, '"', 'a') => Some("\x07"),
            (Self::Compose, '"', 'b') => Some("\x08"),
            (Self::Compose, '"', 'f') => Some("\x0c"),
            (Self::Compose, '"', 'v') => Some("\x0b"),
            // What fills variables in takes it for a dollar.
            (Self::Compose, '"', '$') => Some("$$"),
            _ => None,
        }
    }
}

/// A variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Its name.
    pub name: Sp<String>,
    /// Its value, without quotes; none where only the name stands there.
    pub value: Option<Sp<String>>,
    /// Whether `${NAME}` in it may stand for another variable: not within single quotes.
    pub expands: bool,
    /// Whether something was wrong with its value, which was said.
    pub broken: bool,
}

/// Reads a file; what is wrong with a line is said, and the next one is read.
pub(super) fn parse(source: &Arc<Source>, dialect: Dialect, d: &mut Diagnostics) -> Vec<Variable> {
    if let Some(at) = source.text.find('\0') {
        let place = Place::new(source, at..at + 1);
        let summary = "the file contains a zero byte";
        d.push(Diagnostic::error(codes::SYNTAX, Some(place), summary));
        return Vec::new();
    }
    let mut lines = Lines {
        source,
        dialect,
        at: 0,
    };
    let mut all = Vec::new();
    while lines.at < source.text.len() {
        let Some(one) = lines.line(d) else { continue };
        if all.len() == MOST {
            let summary = format!("`{}` has more than 10,000 variables", source.name);
            d.push(Diagnostic::error(codes::TOO_LARGE, one.name.at, summary));
            break;
        }
        all.push(one);
    }
    all
}

struct Lines<'a> {
    source: &'a Arc<Source>,
    dialect: Dialect,
    at: usize,
}

/// A value, and whether variables in it are filled in.
type Value = (Sp<String>, bool);

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

    fn error(&self, start: usize, end: usize, summary: &str) -> Box<Diagnostic> {
        let at = Some(self.place(start, end));
        Box::new(Diagnostic::error(codes::BAD_ENV_FILE, at, summary))
    }

    /// Reads a line, and goes to the next one.
    fn line(&mut self, d: &mut Diagnostics) -> Option<Variable> {
        self.blanks();
        if self.ahead().is_empty() || self.ahead().starts_with('#') {
            self.skip();
            return None;
        }
        if let Some(rest) = self.ahead().strip_prefix("export")
            && rest.starts_with([' ', '\t'])
        {
            self.at += "export".len();
            self.blanks();
        }
        let start = self.at;
        let ahead = self.ahead();
        let marks = self.dialect.comments().iter();
        let comment = marks.filter_map(|mark| ahead.find(mark)).min();
        let comment = comment.unwrap_or(ahead.len());
        let end = ahead.get(..comment).unwrap_or_default();
        let end = end.find(self.dialect.separators()).unwrap_or(comment);
        let name = ahead.get(..end).unwrap_or_default().trim_end().to_owned();
        if !self.dialect.is_name(&name) {
            // What follows an open quote is no variable: it may be secret, so it is not repeated.
            let stop = start + name.len().max(1);
            let error = self.error(start, stop, "this is no variable");
            d.push(error.help("`NAME=value`, or `#` before a comment"));
            self.skip();
            return None;
        }
        let mut variable = Variable {
            name: Sp::new(name.clone(), &self.place(start, start + name.len())),
            value: None,
            expands: false,
            broken: false,
        };
        if end == comment {
            self.skip();
            return Some(variable);
        }
        self.at += end + 1;
        match self.value() {
            Ok((value, expands)) => {
                variable.value = Some(value);
                variable.expands = expands;
            }
            Err(problem) => {
                variable.broken = true;
                d.push(*problem);
            }
        }
        self.skip();
        Some(variable)
    }

    /// A value, up to the end of its last line.
    fn value(&mut self) -> Result<Value, Box<Diagnostic>> {
        if self.dialect == Dialect::Raw {
            let text = self.ahead().to_owned();
            let place = self.place(self.at, self.at + text.len());
            return Ok((Sp::new(text, &place), false));
        }
        self.blanks();
        match self.ahead().chars().next() {
            Some(quote @ ('\'' | '"')) => Ok((self.quoted(quote)?, quote == '"')),
            _ => Ok((self.plain(), true)),
        }
    }

    /// A value without quotes: up to a comment or the line's end.
    fn plain(&self) -> Sp<String> {
        let ahead = self.ahead();
        let marks = self.dialect.comments().iter();
        let comment = match ahead.starts_with('#') && self.dialect == Dialect::Services {
            true => Some(0),
            false => marks.filter_map(|mark| ahead.find(mark)).min(),
        };
        let text = ahead
            .get(..comment.unwrap_or(ahead.len()))
            .unwrap_or_default();
        let text = text.trim_end().to_owned();
        let place = self.place(self.at, self.at + text.len());
        Sp::new(text, &place)
    }

    /// A value in quotes, which may go on over several lines.
    fn quoted(&mut self, quote: char) -> Result<Sp<String>, Box<Diagnostic>> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1).peekable();
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            if c == quote {
                end = Some(at + 1);
                break;
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next() {
                Some((_, '0')) if quote == '"' && self.dialect == Dialect::Compose => {
                    let mut digits = String::new();
                    while digits.len() < 3
                        && let Some((_, digit)) = chars.next_if(|(_, c)| c.is_ascii_digit())
                    {
                        digits.push(digit);
                    }
                    text.push_str(&octal(&digits));
                }
                Some((_, next)) => match self.dialect.escape(quote, next) {
                    Some(escaped) => text.push_str(escaped),
                    None => text.extend([c, next]),
                },
                None => text.push(c),
            }
        }
        let Some(end) = end else {
            let stop = start + self.ahead().len();
            let mut error = self.error(start, stop, "the quote is not closed");
            error.label = "opened here".to_owned();
            error.help.push(format!("close it with {quote}"));
            return Err(error);
        };
        let place = self.place(start, start + end);
        self.at += end;
        self.blanks();
        let ahead = self.ahead();
        if !ahead.is_empty() && !ahead.starts_with('#') {
            let (from, to) = (self.at, self.at + ahead.len());
            let mut error = self.error(from, to, "there is more after the closing quote");
            let help = "put all of the value into quotes, or `#` before a comment";
            error.help.push(help.to_owned());
            return Err(error);
        }
        Ok(Sp::new(text, &place))
    }
}

/// What Compose makes of `\0` and these digits: a character of three of them, else it loses the zero.
fn octal(digits: &str) -> String {
    let code = u8::from_str_radix(digits, 8).ok();
    match code.filter(|_| digits.len() == 3) {
        Some(code) => char::from(code).to_string(),
        None => format!("\\{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new(
            "config/services.env",
            "config/services.env",
            text,
        ))
    }

    fn read(text: &str) -> Vec<String> {
        read_as(Dialect::Services, text)
    }

    fn read_as(dialect: Dialect, text: &str) -> Vec<String> {
        let mut d = Diagnostics::new();
        let variables = parse(&source(text), dialect, &mut d);
        let mut shown: Vec<String> = variables
            .iter()
            .map(|one| match &one.value {
                None if one.broken => format!("{} broken", one.name.value),
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
                "C broken",
                "D=\"ok\" 4:3",
                "E broken",
                "F=\"1\" 6:3",
                "E0174 1:1 this is no variable",
                "E0174 2:1 this is no variable",
                "E0174 3:7 there is more after the closing quote",
                "E0174 5:3 the quote is not closed",
            ]
        );
        assert_eq!(read("A=\0"), ["E0102 1:3 the file contains a zero byte"]);
    }

    #[test]
    fn dialects_differ_where_they_are_said_to() {
        use Dialect::{Compose, Raw, Services};
        for (text, dialect, wanted) in [
            ("1A[0]=x", Services, "E0174 1:1 this is no variable"),
            ("1A[0]=x", Compose, "1A[0]=\"x\" 1:7"),
            ("A: x", Services, "E0174 1:1 this is no variable"),
            ("A: x", Compose, "A=\"x\" 1:4"),
            ("A: 'x' # c", Raw, "A=\" 'x' # c\" raw 1:3"),
            (r"A='\\\'\n'", Services, r#"A="\\'\\n" raw 1:3"#),
            (r"A='\\\'\n'", Compose, r#"A="\\\\'\\n" raw 1:3"#),
            (r#"A="\'\$\n\q""#, Services, r#"A="\\'\\$\n\\q" 1:3"#),
            (r#"A="\'\$\n\q""#, Compose, r#"A="\\'$$\n\\q" 1:3"#),
            (r#"A="\0101\033""#, Compose, r#"A="A\\33" 1:3"#),
            ("A=x\t# c", Services, "A=\"x\" 1:3"),
            ("A=x\t# c", Compose, "A=\"x\\t# c\" 1:3"),
            ("A=#c", Services, "A=\"\" 1:3"),
            ("A=#c", Compose, "A=\"#c\" 1:3"),
            ("é=x", Services, "E0174 1:1 this is no variable"),
            ("é=x", Compose, "é=\"x\" 1:3"),
        ] {
            assert_eq!(
                read_as(dialect, text).join(" "),
                wanted,
                "{text} {dialect:?}"
            );
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn nothing_makes_it_panic(text in "\\PC*|[A-C='\"\\\\# \t\r\n$é]{0,80}") {
            for dialect in [Dialect::Services, Dialect::Compose, Dialect::Raw] {
                read_as(dialect, &text);
            }
        }
    }
}
