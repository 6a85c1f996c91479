//! `.env` files as Compose reads them: `export`, quotes, several lines in quotes, comments, variables.

use super::interpolate::{Vars, fill_env, guarded};
#[cfg(test)]
use super::tree::Bit;
use super::tree::Str;
use crate::config::codes;
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use std::sync::Arc;

/// A line of a `.env` file.
#[derive(Clone, Debug)]
pub(in crate::config) struct Line {
    /// The variable.
    pub name: String,
    /// Its value; none where only the name stands there.
    pub value: Option<Str>,
    /// Where.
    pub at: Place,
}

/// How values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Format {
    /// With variables, quotes and comments.
    Compose,
    /// As they stand.
    Raw,
}

/// Reads a `.env` file; `outer` are variables that its values may name, which win over its own.
pub(in crate::config) fn read(
    source: &Arc<Source>,
    outer: &Vars,
    format: Format,
    d: &mut Diagnostics,
) -> Vec<Line> {
    let mut reader = Reader {
        source,
        text: &source.text,
        at: 0,
        own: Vars::default(),
        outer,
        format,
    };
    let mut lines = Vec::new();
    while reader.at < reader.text.len() {
        if let Some(line) = reader.line(d) {
            if let Some(value) = &line.value {
                reader.own.set(&line.name, value.clone());
            }
            lines.push(line);
        }
    }
    lines
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    at: usize,
    own: Vars,
    outer: &'a Vars,
    format: Format,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips to the next line.
    fn skip_line(&mut self) {
        let length = self
            .rest()
            .find('\n')
            .map_or(self.rest().len(), |at| at + 1);
        self.at += length;
    }

    fn error(&self, span: std::ops::Range<usize>, why: &str) -> Diagnostic {
        let at = Some(Place::new(self.source, span));
        Diagnostic::error(codes::BAD_ENV_FILE, at, "this is no line of an env file").label(why)
    }

    fn line(&mut self, d: &mut Diagnostics) -> Option<Line> {
        let blank = self.rest().len() - self.rest().trim_start().len();
        self.at += blank;
        let line = self.rest().lines().next().unwrap_or_default();
        if line.is_empty() || line.starts_with('#') {
            self.skip_line();
            return None;
        }
        let start = self.at;
        let whole = line.len();
        let (line, skipped) = match line.strip_prefix("export") {
            Some(after) if after.starts_with([' ', '\t']) => {
                let bare = after.trim_start();
                (bare, line.len() - bare.len())
            }
            _ => (line, 0),
        };
        let end = line.find(['=', ':']);
        let name = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
        let name = match end {
            Some(_) => name,
            None => name.split(" #").next().unwrap_or_default(),
        };
        let name = name.trim().to_owned();
        let fine = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.-[]".contains(c));
        if !fine {
            // What follows an open quote is no variable: the text itself may be secret, so it is not repeated.
            d.push(self.error(start..start + whole, "`NAME=value` is wanted"));
            self.skip_line();
            return None;
        }
        let at = Place::new(self.source, start + skipped..start + skipped + name.len());
        let Some(end) = end else {
            self.skip_line();
            let value = None;
            return Some(Line { name, value, at });
        };
        self.at = start + skipped + end + 1;
        let value = self.value(&name, &at, d);
        self.skip_line();
        Some(Line {
            value: Some(guarded(&name, value)),
            name,
            at,
        })
    }

    /// A value, up to the end of its last line.
    fn value(&mut self, name: &str, at: &Place, d: &mut Diagnostics) -> Str {
        let line = self.rest().split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        if self.format == Format::Raw {
            return Str::plain(line);
        }
        let bare = line.trim_start_matches([' ', '\t']);
        let Some(quote) = bare.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            // A `#` after a blank begins a comment.
            let value = match bare.find(" #").into_iter().chain(bare.find("\t#")).min() {
                Some(at) => bare.get(..at).unwrap_or_default(),
                None if bare.starts_with('#') => "",
                None => bare,
            };
            let value = value.trim_end().to_owned();
            return self.filled(&value, at, d);
        };
        let open = self.at + line.len() - bare.len();
        let inner = self.text.get(open + 1..).unwrap_or_default();
        let Some(length) = closing(inner, quote) else {
            let line_end = open + bare.len();
            d.push(self.error(open..line_end, "a quote is not closed"));
            return Str::default();
        };
        let raw = inner.get(..length).unwrap_or_default().to_owned();
        self.at = open + 1 + length + 1;
        let after = self.rest().split('\n').next().unwrap_or_default().trim();
        if !(after.is_empty() || after.starts_with('#')) {
            let span = self.at
                ..self.at
                    + self
                        .rest()
                        .split('\n')
                        .next()
                        .unwrap_or_default()
                        .trim_end()
                        .len();
            let why = format!("nothing may follow the value of {name}");
            d.push(self.error(span, &why));
        }
        match quote {
            '\'' => Str::plain(raw.replace("\\'", "'")),
            _ => self.filled(&unescaped(&raw), at, d),
        }
    }

    fn filled(&self, text: &str, at: &Place, d: &mut Diagnostics) -> Str {
        if !text.contains('$') {
            return Str::plain(text);
        }
        let mut lookup = |name: &str, _| {
            let found = self.outer.get(name).or_else(|| self.own.get(name));
            found.cloned()
        };
        match fill_env(text, &mut lookup, at) {
            Ok(text) => text,
            Err(error) => {
                d.push(*error);
                Str::default()
            }
        }
    }
}

/// Where a quoted text ends.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == quote && !escaped {
            return Some(at);
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

/// The escapes of double quotes; `\$` is a dollar that names nothing.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(c @ ('"' | '\\' | '\'')) => out.push(c),
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    out
}

/// Whether a value is not secret: for messages.
#[cfg(test)]
fn is_open(value: &Str) -> bool {
    value.bits().iter().all(|bit| matches!(bit, Bit::Plain(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> String {
        let source = Arc::new(Source {
            name: ".env".into(),
            path: ".env".into(),
            text: text.to_owned(),
        });
        let mut d = Diagnostics::new();
        let read = read(&source, &Vars::default(), Format::Compose, &mut d);
        let shown = read.iter().map(|line| {
            let value = line.value.as_ref();
            let value = value.map(|value| {
                format!(
                    "{:?}{}",
                    value.open().unwrap(),
                    if is_open(value) { "" } else { "*" }
                )
            });
            format!("{}={}", line.name, value.unwrap_or_default())
        });
        let said = d.sorted().into_iter().map(|one| {
            let (line, column) = one.at.as_ref().unwrap().line_column();
            format!("{} {line}:{column} {}", one.code, one.label)
        });
        shown.chain(said).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_dialect_is_composes() {
        for (text, wanted) in [
            (
                "A=1\nexport B=2 # two\n\n# no\nC=x#y\r\nD = e \n",
                r#"A="1" B="2" C="x#y" D="e""#,
            ),
            (
                "A='l $X \\'q\\''\nB=\"a\\tb\\n$A \\$A\"\n",
                "A=\"l $X 'q'\" B=\"a\\tb\\nl $X 'q' $A\"",
            ),
            ("A='one\ntwo' # c\nB=3", r#"A="one\ntwo" B="3""#),
            ("A=x\nB=${A}-${NO:-d}$$\nC", r#"A="x" B="x-d$" C="#),
            (
                "DB_PASSWORD=p\nURL=http://u:${DB_PASSWORD}@h\nK: v",
                r#"DB_PASSWORD="p"* URL="http://u:p@h"* K="v""#,
            ),
            ("A='x\n", r#"A="" E0174 1:3 a quote is not closed"#),
            ("A B=1\n", "E0174 1:1 `NAME=value` is wanted"),
            (
                "A='x' y\n",
                r#"A="x" E0174 1:6 nothing may follow the value of A"#,
            ),
            // As Compose itself reads them.
            (
                "A='it\\'s'\nB=\"x\\$y \\\\ \\q\"\nC=a\\ b\\n\nG=$$x ${A}\nH=\"${B}\"\nJ=`x`\nM=  spaced out  ",
                r#"A="it's" B="x$y \\ \\q" C="a\\ b\\n" G="$x it's" H="x$y \\ \\q" J="`x`" M="spaced out""#,
            ),
            ("A=#c\nB= \n", r#"A="" B="""#),
        ] {
            assert_eq!(lines(text), wanted, "{text:?}");
        }
    }
}
