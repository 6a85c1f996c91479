//! Text of the user's with its secrets replaced: output ends up in CI logs and issues.

use crate::config::secrecy;
use std::ops::Range;

/// A text with its secrets replaced by `***`.
pub(super) struct Masked {
    /// What may be shown.
    pub text: String,
    /// What was replaced, in order.
    secrets: Vec<Range<usize>>,
}

const MASK: &str = "***";

impl Masked {
    /// YAML, TOML, JSON and variables: values of keys that tell a secret, and passwords in URLs.
    pub(super) fn keys(text: &str) -> Self {
        Self::with(text, secrets(text))
    }

    /// CSV, from its head on.
    pub(super) fn table(text: &str) -> Self {
        Self::with(text, columns(text))
    }

    fn with(text: &str, secrets: Vec<Range<usize>>) -> Self {
        let mut masked = String::new();
        let mut at = 0;
        for secret in &secrets {
            masked.push_str(text.get(at..secret.start).unwrap_or_default());
            masked.push_str(MASK);
            at = secret.end;
        }
        masked.push_str(text.get(at..).unwrap_or_default());
        Self {
            text: masked,
            secrets,
        }
    }

    /// The part from a line's start on.
    pub(super) fn after(self, start: usize) -> Self {
        let cut = self.place(start);
        let text = self.text.get(cut..).unwrap_or_default().to_owned();
        let secrets = self.secrets.into_iter().filter(|secret| secret.end > start);
        let secrets = secrets.map(|secret| secret.start.saturating_sub(start)..secret.end - start);
        Self {
            text,
            secrets: secrets.collect(),
        }
    }

    /// Where a byte of the text is now.
    pub(super) fn place(&self, at: usize) -> usize {
        let (mut removed, mut added) = (0, 0);
        for secret in &self.secrets {
            if at >= secret.end {
                removed += secret.len();
                added += MASK.len();
            } else if at > secret.start {
                return (secret.start + added - removed + MASK.len()).min(self.text.len());
            }
        }
        (at + added).saturating_sub(removed).min(self.text.len())
    }
}

/// What of the lines below still belongs to a secret.
#[derive(Clone, Copy)]
enum Below {
    /// Nothing.
    Nothing,
    /// Lines that are indented deeper than this, and items of a list that are as deep.
    Deeper(usize),
    /// Everything up to these quotes.
    Until(&'static str),
}

/// Columns of a CSV file that may be shown; any other may be the one with passwords, whatever it is called.
const SHOWN: &[&str] = &["username", "email"];

/// Fields of a CSV file that must not be shown. Where its quotes are wrong, that is all from there on.
fn columns(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut shown: Option<Vec<bool>> = None;
    let mut head: Vec<(String, Range<usize>)> = Vec::new();
    let (mut at, mut column) = (0, 0);
    while at <= text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let mut inside = false;
        let length = rest
            .bytes()
            .position(|byte| {
                inside ^= byte == b'"';
                !inside && matches!(byte, b',' | b'\n')
            })
            .unwrap_or(rest.len());
        let field = rest
            .get(..length)
            .unwrap_or_default()
            .trim_end_matches('\r');
        match &shown {
            None => head.push((field.trim().to_ascii_lowercase(), at..at + field.len())),
            Some(shown) if shown.get(column) == Some(&true) && !field.contains('"') => {}
            Some(_) if field.is_empty() => {}
            Some(_) => found.push(at..at + field.len()),
        }
        let ended = rest.as_bytes().get(length) != Some(&b',');
        at += length + 1;
        column += 1;
        if ended {
            if shown.is_none() {
                let known = |name: &str| SHOWN.contains(&name) || name == "password";
                if !head.iter().any(|(name, _)| known(name)) {
                    // Whoever forgot the head has a user there.
                    found.extend(head.iter().map(|(_, span)| span.clone()));
                }
                let names = head.iter().map(|(name, _)| name.as_str());
                shown = Some(names.map(|name| SHOWN.contains(&name)).collect());
            }
            column = 0;
        }
    }
    found
}

/// Keys of coasti's own files that are secret, and whose names do not tell.
const SECRETS: &[&str] = &["vcs_auth_value", "vcs-auth-value"];

/// Values of keys whose names tell a secret, and passwords in URLs.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    let mut below = Below::Nothing;
    let mut told = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let indent = body.len() - body.trim_start().len();
        let start = at;
        at += line.len();
        if body.trim().is_empty() {
            continue;
        }
        match below {
            Below::Deeper(depth)
                if indent > depth || indent == depth && body.trim_start().starts_with("- ") =>
            {
                found.push(start + indent..start + body.len())
            }
            Below::Until(end) => {
                found.push(start + indent..start + body.len());
                if body.contains(end) {
                    below = Below::Nothing;
                }
            }
            _ => {
                let found_here = values(body);
                let shift = |range: &Range<usize>| start + range.start..start + range.end;
                found.extend(found_here.values.iter().map(shift));
                for from in found_here.tables.iter().map(|from| start + from) {
                    // What is in another one is told already.
                    if from >= told {
                        let (ranges, end) = inside(text, from);
                        found.extend(ranges);
                        told = end;
                    }
                }
                below = match body.contains("-----BEGIN ") && body.contains("PRIVATE KEY") {
                    // Wherever it stands, and whatever it is called.
                    true => Below::Until("-----END "),
                    false => found_here.below,
                };
            }
        }
    }
    for (mark, _) in text.match_indices("://") {
        let rest = text.get(mark + 3..).unwrap_or_default();
        let end = rest
            .find(|c: char| "/?# \t\n\"'".contains(c))
            .unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((name, password)) = user.split_once(':')
            && !password.is_empty()
        {
            let start = mark + 3 + name.len() + 1;
            found.push(start..start + password.len());
        }
    }
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in found {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Whether this is a variable's `{secret: NAME}`, which names a file and is none; a variable of a table may be called
/// `secret` too.
fn refers(before: &str, key: &str, after: &str) -> bool {
    let around = before.trim_end().strip_suffix('{').map(str::trim_end);
    let around = around.and_then(|around| around.strip_suffix([':', '=']));
    let table = |around: &str| {
        ["env", "environment"]
            .iter()
            .any(|name| around.trim_end().ends_with(name))
    };
    let name = after
        .trim_start()
        .split([',', '}'])
        .next()
        .unwrap_or_default()
        .trim_end();
    let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    key == "secret"
        && around.is_some_and(|around| !table(around))
        && !name.is_empty()
        && name.chars().all(word)
}

/// Keys of a variable's table, whose words say how its value is made and are none.
const MAKES: &[&str] = &[
    "display",
    "external-ip",
    "file",
    "from",
    "gid",
    "key",
    "length",
    "mode",
    "nua-internal",
    "path",
    "persist",
    "persistent",
    "random",
    "secret",
    "type",
    "uid",
    "unique-db",
    "unique-user",
];

/// Where the bracket that opens at the start of a text is closed, and where its parts are parted.
fn brackets(text: &str) -> (Option<usize>, Vec<usize>) {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    let mut before = ' ';
    let mut commas = Vec::new();
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some('"'), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') if before.is_whitespace() || ",:=[{".contains(before) => {
                quote = Some(c);
            }
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return (Some(at), commas);
                }
            }
            (None, ',') if depth == 1 => commas.push(at),
            (None, _) => {}
        }
        before = c;
    }
    (None, commas)
}

/// What of the table or list that opens there is secret: all but what says how a value is made; and where it ends.
fn inside(text: &str, from: usize) -> (Vec<Range<usize>>, usize) {
    let all = text.get(from..).unwrap_or_default();
    let (end, commas) = brackets(all);
    let end = end.unwrap_or(all.len());
    let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let quotes: &[char] = &['"', '\''];
    let mut found = Vec::new();
    let mut start = 1;
    for next in commas.into_iter().chain([end]) {
        let item = all.get(start..next).unwrap_or_default();
        let value = match item.split_once([':', '=']) {
            Some((name, value)) if all.starts_with('{') => {
                let name = name.trim().trim_matches(quotes).replace('_', "-");
                let plain = value.trim().trim_matches(quotes);
                match MAKES.contains(&name.as_str()) && plain.chars().all(word) {
                    true => "",
                    false => value,
                }
            }
            _ => item,
        };
        // Line by line: a place keeps its line.
        let mut at = from + next - value.len();
        for line in value.split_inclusive('\n') {
            let begin = at + line.len() - line.trim_start().len();
            found.push(begin..begin + line.trim().len());
            at += line.len();
        }
        start = next + 1;
    }
    found.retain(|range| !range.is_empty());
    (found, from + end)
}

/// What is secret on a line.
struct OnLine {
    values: Vec<Range<usize>>,
    /// Where tables and lists of them open.
    tables: Vec<usize>,
    /// What of the last one is below.
    below: Below,
}

impl Below {
    fn quote(c: char) -> Self {
        Self::Until(if c == '"' { "\"" } else { "'" })
    }
}

/// Where what is in these quotes ends.
fn quote_end(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => drop(chars.next()),
            // Twice, it is one of the text.
            '\'' if quote == c => match chars.next_if(|(_, c)| *c == quote) {
                Some(_) => {}
                None => return Some(at),
            },
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// Secret values on a line.
fn values(line: &str) -> OnLine {
    let mut found = Vec::new();
    let mut tables = Vec::new();
    let mut below = Below::Nothing;
    let indent = line.len() - line.trim_start().len();
    let mut at = 0;
    while let Some(length) = line.get(at..).and_then(|rest| rest.find([':', '='])) {
        let separator = at + length;
        at = separator + 1;
        let key = line.get(..separator).unwrap_or_default().trim_end();
        let key = key.trim_end_matches(['"', '\'']);
        let start = key
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .map_or(0, |at| {
                at + key
                    .get(at..)
                    .and_then(|k| k.chars().next())
                    .map_or(1, char::len_utf8)
            });
        let (before, key) = key.split_at_checked(start).unwrap_or_default();
        if refers(before, key, line.get(separator + 1..).unwrap_or_default()) {
            continue;
        }
        if !secrecy::is_secret_name(key) && !SECRETS.contains(&key) {
            continue;
        }
        let rest = line.get(separator + 1..).unwrap_or_default();
        let value = rest.trim_start();
        let from = line.len() - value.len();
        // The whole `KEY=value` may be in quotes.
        let around = before.chars().next_back();
        let around = around.filter(|c| {
            "\"'".contains(*c)
                && !line
                    .get(..separator)
                    .is_some_and(|key| key.trim_end().ends_with(*c))
        });
        let opened = before.matches(['{', '[']).count() > before.matches(['}', ']']).count();
        if value.starts_with('[') && key == "secrets" {
            // A list of secrets' names, as compose files have it.
            continue;
        }
        if let Some(length) = table(value) {
            tables.push(from);
            at = from + length;
            continue;
        }
        let length = match value.chars().next() {
            None | Some('|' | '>') => {
                below = Below::Deeper(start);
                continue;
            }
            Some(_) if let Some(quote) = around => {
                let end = quote_end(value, quote);
                if end.is_none() {
                    below = Below::quote(quote);
                }
                end.unwrap_or(value.len())
            }
            Some(_) if value.starts_with("\"\"\"") || value.starts_with("'''") => {
                let quotes = if value.starts_with('"') {
                    "\"\"\""
                } else {
                    "'''"
                };
                let end = value.get(3..).and_then(|rest| rest.find(quotes));
                if end.is_none() {
                    below = Below::Until(quotes);
                }
                end.map_or(value.len(), |end| end + 6)
            }
            Some(quote @ ('"' | '\'')) => {
                let inner = value.get(1..).unwrap_or_default();
                match quote_end(inner, quote).map(|end| end + 2) {
                    // What is told beside a secret may be another one.
                    Some(end)
                        if value
                            .get(end..)
                            .is_some_and(|it| it.trim().starts_with('#')) =>
                    {
                        value.len()
                    }
                    Some(end) => end,
                    None => {
                        below = Below::quote(quote);
                        value.len()
                    }
                }
            }
            Some(_) => {
                let end = value.find([',', '}', ']']).filter(|_| opened);
                if end.is_none() {
                    below = Below::Deeper(if opened { indent } else { start });
                }
                end.unwrap_or(value.len())
            }
        };
        if length > 0 {
            found.push(from..from + length);
            at = from + length;
        }
    }
    OnLine {
        values: found,
        tables,
        below,
    }
}

/// How much of a line a table or list takes; none where there is none, or a text that begins as one (`[a]b`).
fn table(value: &str) -> Option<usize> {
    if !value.starts_with(['{', '[']) {
        return None;
    }
    let (Some(end), _) = brackets(value) else {
        return Some(value.len());
    };
    let rest = value.get(end + 1..).unwrap_or_default();
    let next = rest.chars().next();
    let ends = next.is_none_or(|c| c.is_whitespace() || ",}]#".contains(c));
    ends.then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_on_the_line() {
        for (line, shown) in [
            ("  DB_PASSWORD: hunter2", "  DB_PASSWORD: ***"),
            (
                "env: {A: 1, API_TOKEN: ab'c, B: 2}",
                "env: {A: 1, API_TOKEN: ***, B: 2}",
            ),
            ("PWD = \"a \\\" b\" # x", "PWD = ***"),
            ("- PWD=a,hunter2", "- PWD=***"),
            ("PWD: a{b,hunter2", "PWD: ***"),
            (
                "[\"PWD=a,hunter2\", 'B_PWD: a ''hunter2', {PWD: 'a''hunter2', B: 1}]",
                "[\"PWD=***\", 'B_PWD: ***', {PWD: ***, B: 1}]",
            ),
            (
                "- PWD: a\n   hunter2\n  B: 1\n  PWD: !!str |\n   hunter2\n  C: 1",
                "- PWD: ***\n   ***\n  B: 1\n  PWD: ***\n   ***\n  C: 1",
            ),
            (
                "A: |\n  -----BEGIN EC PRIVATE KEY-----\n  hunter2\n  -----END EC PRIVATE KEY-----\nB: 1",
                "A: |\n  -----BEGIN EC PRIVATE KEY-----\n  ***\n  ***\nB: 1",
            ),
            (
                "PASSWORDS:\n- a: hunter2\n- b\nB: 1",
                "PASSWORDS:\n***\n***\nB: 1",
            ),
            (
                "a: {PWD: hunter2\n  hunter3, B: 1}\nb: {PWD: 'a\nhunter2', B: 1}\nC: 1",
                "a: {PWD: ***\n  ***\nb: {PWD: ***\n***\nC: 1",
            ),
            ("\"secret\": \"é\", \"b\": 1", "\"secret\": ***, \"b\": 1"),
            (
                "A_SECRET = '''x\ny\nz'''\nB = 1",
                "A_SECRET = ***\n***\n***\nB = 1",
            ),
            ("URL: pg://u:p@h/db", "URL: pg://u:***@h/db"),
            (
                "env: {A_PASSWORD: {secret: db}, B: {secret: true}}",
                "env: {A_PASSWORD: {secret: db}, B: {secret: true}}",
            ),
            ("env: {secret: hunter2}", "env: {secret: ***}"),
            ("https://u:pw123@x.org/a.git", "https://u:***@x.org/a.git"),
            (
                "- {id: a, vcs_auth_value: hunter2secret}",
                "- {id: a, vcs_auth_value: ***}",
            ),
            ("PASSWORD: {random: true}", "PASSWORD: {random: true}"),
            (
                "A_PASSWORD = { random = true, length = 40 }",
                "A_PASSWORD = { random = true, length = 40 }",
            ),
            (
                "\"A_PASSWORD\": {\n  \"random\": true,\n  \"value\": \"hunter2\"\n},\n\"b\": 1",
                "\"A_PASSWORD\": {\n  \"random\": true,\n  \"value\": ***\n},\n\"b\": 1",
            ),
            (
                "env: {PASSWORD: {a: [hunter2, {b: hunter3}], 'c': \"},hunter4\"}, B: x}",
                "env: {PASSWORD: {a: ***, 'c': ***}, B: x}",
            ),
            (
                "TOKENS: [hunter2,\n  hunter3]\nB: x",
                "TOKENS: [***,\n  ***]\nB: x",
            ),
            ("PASSWORD: {hunter2", "PASSWORD: {***"),
            ("PASSWORD=[a]hunter2", "PASSWORD=***"),
            ("PASSWORD: {length: hunter 2}", "PASSWORD: {length: ***}"),
            ("  secrets: [db, smtp]", "  secrets: [db, smtp]"),
            (
                "KEY: |\n  plain\nB_SECRET: |\n  one\n  two\nC: 3",
                "KEY: |\n  plain\nB_SECRET: |\n  ***\n  ***\nC: 3",
            ),
        ] {
            assert_eq!(Masked::keys(line).text, shown);
        }
    }

    #[test]
    fn passwords_in_tables_are_masked() {
        let shown = |text: &str| Masked::table(text).text;
        let head = "username,password,email\n";
        assert_eq!(
            shown(&format!("{head}u,hunter2,u@x.org\r\n")),
            format!("{head}u,***,u@x.org\r\n")
        );
        assert_eq!(
            shown(&format!("{head}u,\"a,\nb\",u@x.org\n")),
            format!("{head}u,***,u@x.org\n")
        );
        assert_eq!(
            shown(&format!("{head}u,\"hunter2,u@x.org\nv,w")),
            format!("{head}u,***")
        );
        assert_eq!(
            shown("email,pasword\nu@x.org,hunter2"),
            "email,pasword\nu@x.org,***"
        );
        assert_eq!(shown("u,hunter2,u@x.org\nv,x"), "***,***,***\n***,***");
    }
}
