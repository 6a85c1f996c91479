//! Secrets out of what is shown and kept.

use super::Values;
use std::collections::BTreeSet;
use std::ops::Range;

/// What stands in a secret's place.
const MASK: &str = "***";
/// Shorter secrets are words that occur anyway.
const SHORTEST: usize = 4;
/// Likewise lines of a secret, and what is left of it at an end that was cut. In bytes.
const SHORTEST_PART: usize = 8;

/// Replaces every secret in `text`: whole, line by line, in one line, cut at an end of the text, and quoted as
/// engines, JSON and URLs quote.
pub fn mask(text: &str, values: &Values) -> String {
    let secrets = values.values().map(|value| value.expose().as_str());
    let parts: BTreeSet<String> = secrets.flat_map(parts).collect();
    let mut forms: Vec<String> = parts.iter().flat_map(|part| forms(part)).collect();
    // The longest first: one secret may contain another.
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    let masked = forms
        .iter()
        .fold(text.to_owned(), |text, form| match text.contains(form) {
            true => text.replace(form, MASK),
            false => text,
        });
    edges(&encoded(masked, &parts), &parts)
}

/// A secret, and what programs print of one of many lines: single lines, and all of them in one line. Frames of
/// keys (`-----BEGIN …-----`) are no secret.
fn parts(secret: &str) -> Vec<String> {
    let whole = secret.trim_end_matches(['\n', '\r']);
    let mut parts = vec![secret.to_owned(), whole.to_owned()];
    if whole.contains('\n') {
        let frame = |line: &str| line.starts_with("-----") && line.ends_with("-----");
        let lines: Vec<&str> = whole.lines().map(str::trim).collect();
        let words: Vec<&str> = whole.split_whitespace().collect();
        parts.extend([words.join(" "), lines.concat()]);
        let long = |line: &&&str| line.len() >= SHORTEST_PART && !frame(line);
        parts.extend(lines.iter().filter(long).map(|line| (*line).to_owned()));
    }
    parts.retain(|part| part.len() >= SHORTEST);
    parts
}

/// A secret as it is, as Go's `%q` quotes it, and as JSON does, with and without what Go's escapes besides.
fn forms(secret: &str) -> Vec<String> {
    let go = secret.chars().fold(String::new(), |mut text, c| {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\x07' => text.push_str("\\a"),
            '\x08' => text.push_str("\\b"),
            '\x0b' => text.push_str("\\v"),
            '\x0c' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
        text
    });
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_start_matches('"');
    let json = json.strip_suffix('"').unwrap_or(json).to_owned();
    let html = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    vec![secret.to_owned(), go, json, html]
}

/// Masks what is percent-encoded, be it in part, as in URLs.
fn encoded(text: String, parts: &BTreeSet<String>) -> String {
    if !text.contains('%') {
        return text;
    }
    // Bytes as characters, so that no encoding of theirs is broken; and where each came from.
    let latin = |bytes: &[u8]| bytes.iter().copied().map(char::from).collect::<String>();
    let (mut plain, mut from) = (String::new(), Vec::new());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |n: usize| bytes.get(at + n).and_then(|c| char::from(*c).to_digit(16));
        let (byte, next) = match (byte, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                (u8::try_from(high * 16 + low).unwrap_or(byte), at + 3)
            }
            _ => (byte, at + 1),
        };
        plain.push(char::from(byte));
        from.resize(plain.len(), at);
        at = next;
    }
    from.push(text.len());
    let mut found: Vec<Range<usize>> = Vec::new();
    for part in parts {
        let part = latin(part.as_bytes());
        for form in BTreeSet::from([part.replace(' ', "+"), part]) {
            let places = plain.match_indices(form.as_str());
            let place = |at: usize| from.get(at).copied();
            found.extend(places.filter_map(|(at, form)| Some(place(at)?..place(at + form.len())?)));
        }
    }
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let (mut masked, mut done) = (String::new(), 0);
    for range in found {
        if let Some(before) = text.get(done..range.start) {
            masked += before;
            masked += MASK;
        }
        done = done.max(range.end);
    }
    masked + text.get(done..).unwrap_or_default()
}

/// Masks what is left of a secret where the text was cut: its end at the beginning, its beginning at the end. Of
/// one of many lines, that of a line.
fn edges(text: &str, parts: &BTreeSet<String>) -> String {
    let (mut body, mut before) = (text.trim_end(), "");
    let after = text.get(body.len()..).unwrap_or_default();
    let halves = || {
        let halves = |part| str::char_indices(part).map(move |(at, _)| part.split_at(at));
        let one = |part: &&str| !part.contains('\n') && !part.starts_with("-----");
        parts
            .iter()
            .map(String::as_str)
            .filter(one)
            .flat_map(halves)
    };
    let tails = halves().map(|(_, tail)| tail);
    let longest = tails
        .filter(|tail| tail.len() >= SHORTEST_PART && body.starts_with(tail))
        .max_by_key(|tail| tail.len());
    if let Some(rest) = longest.and_then(|tail| body.strip_prefix(tail)) {
        (body, before) = (rest, MASK);
    }
    let heads = halves().map(|(head, _)| head);
    let longest = heads
        .filter(|head| head.len() >= SHORTEST_PART && body.ends_with(head))
        .max_by_key(|head| head.len());
    match longest.and_then(|head| body.strip_suffix(head)) {
        Some(rest) => format!("{before}{rest}{MASK}{after}"),
        None => format!("{before}{body}{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Secret, ValueId};

    fn one(secret: &str) -> Values {
        [(ValueId::new("a"), Secret::new(secret.to_owned()))].into()
    }

    /// As an RSA key of 7,600 bits: more lines than are shown of a log.
    fn key() -> String {
        let lines = (0..120).map(|n| format!("{n:03}/{}+\n", "Aq7".repeat(19)));
        let lines: String = lines.collect();
        format!("-----BEGIN PRIVATE KEY-----\n{lines}Zx8=\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn secrets_are_masked_however_they_are_quoted() {
        let secret = "hunter2\0<a&b>\"\\tail\n";
        let values = one(secret);
        for told in [
            format!("A={secret} is wrong"),
            r#"A=hunter2\x00<a&b>\"\\tail\n is wrong"#.to_owned(),
            r#"A=hunter2\u0000<a&b>\"\\tail\n is wrong"#.to_owned(),
            r#"A=hunter2\u0000\u003ca\u0026b\u003e\"\\tail\n is wrong"#.to_owned(),
        ] {
            assert_eq!(mask(&told, &values), "A=*** is wrong", "{told}");
        }
    }

    #[test]
    fn a_key_is_masked_line_by_line_and_in_one_line() {
        let (key, values) = (key(), one(&key()));
        let lines: Vec<&str> = key.lines().collect();
        let tail = lines[90..].join("\n");
        let shown = mask(&format!("{tail}\nloaded"), &values);
        assert!(!shown.contains("Aq7"), "{shown}");
        assert!(shown.ends_with("***\nZx8=\n-----END PRIVATE KEY-----\nloaded"));
        assert_eq!(
            mask(&format!("bad line {}!", lines[7]), &values),
            "bad line ***!"
        );
        let in_one = lines.join(" ");
        assert_eq!(mask(&format!("key: {in_one}\n"), &values), "key: ***\n");
        assert_eq!(mask(&lines.concat(), &values), "***");
        assert_eq!(mask(lines[0], &values), lines[0]);
    }

    #[test]
    fn a_key_that_is_quoted_and_cut_is_masked() {
        let (key, values) = (key(), one(&key()));
        let json = serde_json::Value::from(key.as_str()).to_string();
        assert_eq!(
            mask(&format!("{{\"key\":{json}}}"), &values),
            r#"{"key":"***"}"#
        );
        for cut in [&json[40..], &json[..json.len() - 40]] {
            let shown = mask(cut, &values);
            assert!(!shown.contains("Aq7"), "{shown}");
        }
        for (from, to) in [(40, key.len()), (0, key.len() - 100), (500, 700)] {
            let shown = mask(&key[from..to], &values);
            assert!(!shown.contains("Aq7Aq7"), "{from}..{to}: {shown}");
        }
    }

    #[test]
    fn a_secret_in_a_url_is_masked() {
        let values = one("p@ss w/ö%+d");
        for told in [
            "http://u:p%40ss%20w%2F%C3%B6%25%2Bd@db/x 100%",
            "http://u:p%40ss%20w%2f%c3%b6%25+d@db/x 100%",
            "http://u:p@ss+w/ö%25%2Bd@db/x 100%",
            "http://u:p@ss w/ö%+d@db/x 100%",
        ] {
            assert_eq!(mask(told, &values), "http://u:***@db/x 100%", "{told}");
        }
        let key = key();
        let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(
            mask(&format!("k={encoded}&b=%41"), &one(&key)),
            "k=***&b=%41"
        );
    }

    #[test]
    fn a_line_break_that_a_file_ends_with_is_no_part_of_a_secret() {
        assert_eq!(
            mask("PASS=hunter2 (sent)", &one("hunter2\n")),
            "PASS=*** (sent)"
        );
        assert_eq!(mask("a b", &one("b\n")), "a b");
    }
}
