//! Regular expressions as Python reads them, written as the library here reads them: what the two take for different
//! things is written otherwise, and what Python does not have is an error.

use std::fmt::Write as _;

/// What stands for one or more characters.
enum Item {
    One(char),
    /// A class with a name, as it is written here inside of another one.
    Set(&'static str),
}

struct Reader<'a> {
    rest: &'a str,
    made: String,
    /// Whether a line feed at the end of the text may follow what `$` ends.
    ends: bool,
    /// Whether white space and comments mean nothing.
    verbose: bool,
    /// Whether words end where they end here too.
    ascii: bool,
    /// What `ends` and `verbose` were around each group that is open.
    around: Vec<(bool, bool)>,
}

/// What words are of in Python: no marks and no joiners, but all numbers.
const WORD: &str = r"\p{L}\p{N}_";

/// Writes an expression of Python's anew, for this text: where that ends with a line feed, `$` overlooks it, unless it
/// stands for the end of every line anyway (`multi`).
pub(super) fn translated(pattern: &str, multi: bool, text: &str) -> Result<String, String> {
    let mut reader = Reader {
        rest: pattern,
        made: String::with_capacity(pattern.len() + 16),
        ends: text.ends_with('\n') && !multi,
        ascii: text.is_ascii(),
        verbose: false,
        around: Vec::new(),
    };
    while let Some(c) = reader.next() {
        match c {
            '\\' => reader.escape()?,
            '[' => reader.class()?,
            '(' if reader.rest.starts_with('?') => reader.group(pattern)?,
            '(' => reader.open(),
            ')' => reader.close(),
            '{' => reader.brace(),
            '$' if reader.ends => reader.made.push_str(r"(?:$|(?=\n\z))"),
            '#' if reader.verbose => {
                let end = reader.rest.find('\n').unwrap_or(reader.rest.len());
                reader.skip(end);
            }
            other => reader.made.push(other),
        }
    }
    Ok(reader.made)
}

fn no(what: &str) -> String {
    format!("Python has no `{what}`")
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn open(&mut self) {
        self.around.push((self.ends, self.verbose));
        self.made.push('(');
    }

    fn close(&mut self) {
        if let Some((ends, verbose)) = self.around.pop() {
            (self.ends, self.verbose) = (ends, verbose);
        }
        self.made.push(')');
    }

    fn literal(&mut self, c: char) {
        match c.is_ascii_alphanumeric() || !c.is_ascii() {
            true => self.made.push(c),
            false => drop(write!(self.made, "\\x{{{:x}}}", u32::from(c))),
        }
    }

    /// Behind a backslash, outside of a class.
    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.rest.chars().next() else {
            return Err("it ends with a backslash".to_owned());
        };
        let written = match c {
            'A' => r"\A",
            'Z' => r"\z",
            'B' if self.ascii => r"\B",
            'B' => r"(?:(?<=[\p{L}\p{N}_])(?=[\p{L}\p{N}_])|(?<![\p{L}\p{N}_])(?![\p{L}\p{N}_]))",
            // With a brace behind it, it would be something else.
            'b' if self.ascii => r"\b(?:)",
            'b' => r"(?:(?<=[\p{L}\p{N}_])(?![\p{L}\p{N}_])|(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_]))",
            '1'..='9' if self.octal(3, 3).is_none() => {
                let digits = self.rest.bytes().take(2).take_while(u8::is_ascii_digit);
                let number = self.rest.get(..digits.count()).unwrap_or_default();
                let _ = write!(self.made, "(?:\\{number})");
                self.skip(number.len());
                return Ok(());
            }
            _ => {
                match self.item()? {
                    Item::One(c) => self.literal(c),
                    Item::Set(set) => drop(write!(self.made, "[{set}]")),
                }
                return Ok(());
            }
        };
        self.made.push_str(written);
        self.skip(1);
        Ok(())
    }

    /// The character of as many octal digits.
    fn octal(&self, least: usize, most: usize) -> Option<(char, usize)> {
        let digits = self.rest.bytes().take(most);
        let count = digits.take_while(|b| (b'0'..=b'7').contains(b)).count();
        let number = u32::from_str_radix(self.rest.get(..count)?, 8).ok()?;
        let c = char::from_u32(number).filter(|_| count >= least && number <= 0o377)?;
        Some((c, count))
    }

    /// Behind a backslash: what means the same in a class and outside of one.
    fn item(&mut self) -> Result<Item, String> {
        if let Some((c, digits)) = self.octal(3, 3).or_else(|| {
            let zero = self.rest.starts_with('0');
            zero.then(|| self.octal(1, 3)).flatten()
        }) {
            self.skip(digits);
            return Ok(Item::One(c));
        }
        let c = self.next().ok_or("it ends with a backslash")?;
        Ok(match c {
            'd' => Item::Set(r"\d"),
            'D' => Item::Set(r"\D"),
            'w' => Item::Set(WORD),
            'W' => Item::Set(r"[^\p{L}\p{N}_]"),
            // Python counts four more.
            's' => Item::Set(r"\s\x{1c}-\x{1f}"),
            'S' => Item::Set(r"[^\s\x{1c}-\x{1f}]"),
            'a' => Item::One('\u{7}'),
            'f' => Item::One('\u{c}'),
            'n' => Item::One('\n'),
            'r' => Item::One('\r'),
            't' => Item::One('\t'),
            'v' => Item::One('\u{b}'),
            'x' => self.hex('x', 2)?,
            'u' => self.hex('u', 4)?,
            'U' => self.hex('U', 8)?,
            'N' => return Err(r"coasti does not have `\N{…}`: use `\u` and a number".to_owned()),
            c if c.is_ascii_alphanumeric() => return Err(no(&format!("\\{c}"))),
            c => Item::One(c),
        })
    }

    fn hex(&mut self, kind: char, digits: usize) -> Result<Item, String> {
        let all = self.rest.get(..digits).unwrap_or_default();
        let hex = !all.is_empty() && all.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hex.then(|| u32::from_str_radix(all, 16).ok()).flatten();
        let c = number.and_then(char::from_u32);
        self.skip(digits);
        c.map(Item::One)
            .ok_or_else(|| format!("`\\{kind}` wants {digits} hexadecimal digits of a character"))
    }

    /// Behind the bracket that opens a class: no class stands in another one, and no two are taken together.
    fn class(&mut self) -> Result<(), String> {
        let open = "a class (`[…]`) is not closed";
        self.made.push('[');
        if self.rest.starts_with('^') {
            self.skip(1);
            self.made.push('^');
        }
        let mut first = true;
        loop {
            let c = self.next().ok_or(open)?;
            if c == ']' && !first {
                break;
            }
            first = false;
            let from = self.member(c)?;
            let mut after = self.rest.chars();
            let is_range = after.next() == Some('-') && after.next().is_some_and(|c| c != ']');
            match from {
                Item::One(from) if is_range => {
                    self.skip(1);
                    let c = self.next().ok_or(open)?;
                    let Item::One(to) = self.member(c)? else {
                        return Err("a range in a class ends with a class".to_owned());
                    };
                    if to < from {
                        return Err("a range in a class ends before it begins".to_owned());
                    }
                    self.literal(from);
                    self.made.push('-');
                    self.literal(to);
                }
                Item::Set(_) if is_range => {
                    return Err("a range in a class begins with a class".to_owned());
                }
                Item::One(c) => self.literal(c),
                Item::Set(set) => self.made.push_str(set),
            }
        }
        self.made.push(']');
        Ok(())
    }

    fn member(&mut self, c: char) -> Result<Item, String> {
        match c {
            '\\' if self.rest.starts_with('b') => {
                self.skip(1);
                Ok(Item::One('\u{8}'))
            }
            '\\' => self.item(),
            c => Ok(Item::One(c)),
        }
    }

    /// Behind the parenthesis that opens a group of a kind of its own.
    fn group(&mut self, pattern: &str) -> Result<(), String> {
        let begins = self.rest.len() + 1 == pattern.len();
        let inner = self.rest.get(1..).unwrap_or_default();
        let known = [":", "=", "!", "<=", "<!", "P<", "P=", "(", ">"];
        if inner.starts_with('#') {
            let end = inner.find(')').ok_or("a comment is not closed")?;
            self.skip(end + 2);
            // What is repeated does not reach over it.
            return Ok(());
        }
        if !known.iter().any(|kind| inner.starts_with(kind)) {
            let end = inner.find([')', ':']);
            let flags = end.and_then(|end| inner.get(..end));
            let flags = flags.filter(|flags| flags.chars().all(|c| "aiLmsux-".contains(c)));
            let Some(flags) = flags.filter(|flags| !flags.is_empty()) else {
                let kind: String = inner.chars().take(1).collect();
                return Err(no(&format!("(?{kind}")));
            };
            if flags.contains(['a', 'L']) {
                return Err(format!("coasti does not have the flags `(?{flags})`"));
            }
            let all = inner
                .get(flags.len()..)
                .is_some_and(|it| it.starts_with(')'));
            if all && !begins {
                return Err(format!("`(?{flags})` does not stand at the start"));
            }
            let on = flags.split('-').next().unwrap_or_default();
            let off = flags.split_once('-').map_or("", |(_, off)| off);
            // These hold in the group alone.
            match all {
                true => self.made.push('('),
                false => self.open(),
            }
            self.ends &= !on.contains('m');
            self.verbose |= on.contains('x');
            self.verbose &= !off.contains('x');
        } else {
            self.open();
        }
        // As far as names reach: they are no part of what is read anew.
        let length = match inner.starts_with("P") || inner.starts_with('(') {
            true => inner.find(['>', ')']).map_or(inner.len(), |end| end + 1),
            false => inner.find(|c: char| !"aiLmsux-".contains(c)).unwrap_or(0),
        };
        self.made.push('?');
        self.made.push_str(inner.get(..length).unwrap_or_default());
        self.skip(length + 1);
        // `=`, `!`, `<=`, `<!`, `:` and `>` mean the same.
        Ok(())
    }

    /// Behind a brace: how often something stands there, or only a brace.
    fn brace(&mut self) {
        let inner = self.rest.split_once('}').map(|(inner, _)| inner);
        let inner = inner.filter(|inner| !inner.is_empty());
        let count = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let parts = inner.map(|inner| inner.split_once(',').unwrap_or((inner, inner)));
        match (inner, parts) {
            (Some(inner), Some((least, most))) if count(least) && count(most) => {
                let least = if least.is_empty() { "0" } else { least };
                let _ = match inner.contains(',') {
                    true => write!(self.made, "{{{least},{most}}}"),
                    false => write!(self.made, "{{{least}}}"),
                };
                self.skip(inner.len() + 1);
            }
            _ => self.literal('{'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::translated;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let written = translated(pattern, false, text).unwrap();
        let compiled = fancy_regex::Regex::new(&written);
        let compiled = compiled.unwrap_or_else(|error| panic!("{pattern}: {written}: {error}"));
        let found = compiled.find(text).unwrap();
        found.map(|found| found.as_str().to_owned())
    }

    /// What `re.search` of Python 3.11 finds.
    #[test]
    fn expressions_mean_what_they_mean_in_python() {
        for (pattern, text, expected) in [
            (r"[\w&&\d]+", "a&1", Some("a&1")),
            (r"[a~~b]+", "~ab", Some("~ab")),
            (r"[[:alpha:]]", "p]", Some("p]")),
            (r"[[:alpha:]]", "x]", None),
            (r"[[a]+", "[a[", Some("[a[")),
            (r"[]a]+", "a]", Some("a]")),
            (r"[^]a]+", "]b", Some("b")),
            (r"[a\]-]+", "-]a", Some("-]a")),
            (r"[+--]+", "+,-.", Some("+,-")),
            (r"[a\-z]+", "b-z", Some("-z")),
            (r"[\b]", "a\u{8}", Some("\u{8}")),
            (r"[\s\S]+", "a\n", Some("a\n")),
            (r"\s", "\u{1c}", Some("\u{1c}")),
            (r"\S", "\u{1f}", None),
            (r"[\101-C]+", "ABCD", Some("ABC")),
            (r"\x41\u0042\0", "AB\0", Some("AB\0")),
            (r"\101", "A", Some("A")),
            (r"(a)\1b", "aab", Some("aab")),
            (r"a$", "a\n", Some("a")),
            (r"a$\n", "a\n", Some("a\n")),
            (r"a\Z", "a\n", None),
            (r"(?m)a$", "a\nb\n", Some("a")),
            (r"a$", "a\nb", None),
            (r"x{,2}y", "xxy", Some("xxy")),
            (r"x{a}", "x{a}", Some("x{a}")),
            (r"x{}", "x{}", Some("x{}")),
            (r"x{2, 3}", "x{2, 3}", Some("x{2, 3}")),
            (r"x{2}", "xxx", Some("xx")),
            (r"\<a\>", "<a>", Some("<a>")),
            (r"\bcat\b{x}", "cat{x}", Some("cat{x}")),
            (r"(?P<n>a)(?P=n)", "aa", Some("aa")),
            (r"(?#x[)a", "a", Some("a")),
            ("(?x) a # [ b\n b", "ab", Some("ab")),
            (r"(?x) [ #]+", " #", Some(" #")),
            (r"(?i:A)b", "ab", Some("ab")),
            (r"(a)?(?(1)b|c)", "ab", Some("ab")),
            (r"(?s).+", "a\nb", Some("a\nb")),
            (r"\.\/\-\ \é", "./- é", Some("./- é")),
            (r"(?x:a )#b", "a#b", Some("a#b")),
            (r"(?m:^a)b$", "ab\n", Some("ab")),
            (r"(?x)a(?-x: #)b", "a #b", Some("a #b")),
            (r"\w+", "a²e\u{301}", Some("a²e")),
            (r"[\W]+", "a\u{301}\u{200d}", Some("\u{301}\u{200d}")),
            (r"e\b", "e\u{301}", Some("e")),
            (r"2\B", "2²", Some("2")),
        ] {
            assert_eq!(found(pattern, text).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn what_python_does_not_have_is_an_error() {
        for (pattern, why) in [
            (r"\h+", r"Python has no `\h`"),
            (r"[\h]", r"Python has no `\h`"),
            (r"\K", r"Python has no `\K`"),
            (r"\z", r"Python has no `\z`"),
            (r"\p{L}", r"Python has no `\p`"),
            (r"(?<n>a)", "Python has no `(?<`"),
            (r"(?R)", "Python has no `(?R`"),
            (r"(?U)a", "Python has no `(?U`"),
            (r"a(?i)b", "does not stand at the start"),
            (r"(?a)\w", "coasti does not have the flags"),
            (r"\x{41}", "wants 2 hexadecimal digits"),
            (r"[z-a]", "ends before it begins"),
            (r"[\d-z]", "begins with a class"),
            (r"[a", "not closed"),
            ("a\\", "ends with a backslash"),
        ] {
            let told = translated(pattern, false, "").unwrap_err();
            assert!(told.contains(why), "{pattern}: {told}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(pattern in "([\\\\\\[\\](){}?$^#<>P:=!a-z0-9,&~-]|\\PC){0,30}") {
            let _ = translated(&pattern, false, "é\n");
        }
    }
}
