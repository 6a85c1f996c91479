//! `text % values`, which Jinja takes from Python and minijinja has of numbers only: written as the filter that does both.

use super::settings::Envops;

/// The filter.
pub(super) const FILTER: &str = "coasti_percent";

/// How deep brackets are looked into; what is deeper is left as it is.
const DEEPEST: usize = 64;

/// The start and the end of a kind of tag.
type Pair = (String, String);

impl Envops {
    /// Whether a text has any tags.
    pub(super) fn any(&self, text: &str) -> bool {
        let all = [&self.block, &self.variable, &self.comment];
        all.iter().any(|(start, _)| text.contains(start.as_str()))
    }

    /// A template's text with every `%` between what may be a text and what stands behind it as a filter. Its lines
    /// stay.
    pub(super) fn written(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, pair)) = self.next(rest) {
            let (start, end) = (pair.0.as_str(), pair.1.as_str());
            let inside = at + start.len();
            made.push_str(rest.get(..inside).unwrap_or_default());
            rest = rest.get(inside..).unwrap_or_default();
            let is_block = *pair == self.block;
            let word = rest.trim_start_matches(['-', '+']).trim_start();
            let length = if *pair == self.comment {
                rest.find(end).unwrap_or(rest.len())
            } else if is_block && word.starts_with("raw") {
                rest.find("endraw").unwrap_or(rest.len())
            } else {
                let length = until(rest, end);
                expression(rest.get(..length).unwrap_or_default(), 0, &mut made);
                rest = rest.get(length..).unwrap_or_default();
                continue;
            };
            made.push_str(rest.get(..length).unwrap_or_default());
            rest = rest.get(length..).unwrap_or_default();
        }
        made.push_str(rest);
        made
    }

    /// Where the next tag starts; of two that start there, the longer one.
    fn next(&self, text: &str) -> Option<(usize, &Pair)> {
        let all = [&self.block, &self.variable, &self.comment].into_iter();
        let found = all.filter_map(|pair| Some((text.find(pair.0.as_str())?, pair)));
        found.min_by_key(|(at, pair)| (*at, usize::MAX - pair.0.len()))
    }
}

/// How long a text in quotes is that starts here, with these.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// How much of a tag there is before its end; what is in quotes is none.
fn until(text: &str, end: &str) -> usize {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(end) {
            return at;
        }
        at += quoted(rest).unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8));
    }
    text.len()
}

/// Words behind which a value starts.
const WORDS: &[&str] = &[
    "and",
    "as",
    "autoescape",
    "block",
    "call",
    "do",
    "elif",
    "else",
    "extends",
    "filter",
    "for",
    "from",
    "if",
    "ignore",
    "import",
    "in",
    "include",
    "is",
    "macro",
    "not",
    "or",
    "print",
    "recursive",
    "return",
    "set",
    "with",
];

fn expression(text: &str, depth: usize, made: &mut String) {
    let mut rest = text;
    // What binds as `%` does, and stands before, is worked out first; a test has what is behind it.
    let (mut binds, mut test) = (false, false);
    // Whether a value ends, or something of it goes on, right before.
    let (mut value, mut part) = (false, false);
    while let Some(c) = rest.chars().next() {
        let token = quoted(rest).or_else(|| word(rest)).unwrap_or(c.len_utf8());
        let name = rest.get(..token).unwrap_or_default();
        let is_value =
            !c.is_ascii_digit() && (token > 1 || word(rest).is_some() || "([{".contains(c));
        let free = !(value || part || binds || test) && depth < DEEPEST;
        let left = match free && is_value && !WORDS.contains(&name) && rest.contains('%') {
            true => operand_length(rest),
            false => None,
        };
        if let Some(length) = left.and_then(|left| remainder(rest, left, depth, made)) {
            rest = rest.get(length..).unwrap_or_default();
            value = true;
            continue;
        }
        made.push_str(name);
        rest = rest.get(token..).unwrap_or_default();
        if c.is_whitespace() {
            continue;
        }
        let is_word = word(name).is_some();
        binds = matches!(c, '*' | '/' | '%') || matches!(c, '-' | '+') && !value;
        test = match is_word {
            true => name == "is" || test && !matches!(name, "and" | "or" | "if" | "else"),
            false => test && (token > 1 || c == '.'),
        };
        part = matches!(c, '.' | '|');
        value = token > 1 || is_word || ")]}".contains(c);
        value &= !WORDS.contains(&name);
    }
}

/// Writes `left % right` as a filter, as often as there is one more; gives how much of the text that is. None where
/// there is none.
fn remainder(text: &str, left: usize, depth: usize, made: &mut String) -> Option<usize> {
    let mut found = right(text.get(left..)?)?;
    let mut written = String::new();
    expression(text.get(..left)?, depth + 1, &mut written);
    let mut end = left;
    loop {
        let (operand, length) = found;
        let start = end + operand;
        // What is between them may be lines.
        let between = text.get(end..start)?.replacen('%', "", 1);
        written = format!("({written}{between}|{FILTER}(");
        expression(text.get(start..start + length)?, depth + 1, &mut written);
        written.push_str("))");
        end = start + length;
        let Some(more) = right(text.get(end..)?) else {
            made.push_str(&written);
            return Some(end);
        };
        found = more;
    }
}

/// Where what stands behind a `%` starts, and how long it is; none where something else is there.
fn right(text: &str) -> Option<(usize, usize)> {
    let operand = text.trim_start().strip_prefix('%')?.trim_start();
    let length = operand_length(operand)?;
    let power = operand.get(length..)?.trim_start().starts_with("**");
    (!power).then_some((text.len() - operand.len(), length))
}

/// How long the word is that starts here.
fn word(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    Some(end.unwrap_or(text.len())).filter(|length| *length > 0)
}

/// How long the value is that starts here, with what belongs to it: attributes, calls, filters.
fn operand_length(text: &str) -> Option<usize> {
    let bare = text.trim_start_matches(['-', '+']);
    let mut at = text.len() - bare.len();
    at += quoted(bare)
        .or_else(|| bracketed(bare))
        .or_else(|| word(bare))?;
    loop {
        let rest = text.get(at..)?;
        let next = rest.trim_start();
        let space = rest.len() - next.len();
        // A test belongs to it as well, and would make a flag of it.
        if space > 0 && next.starts_with("is") && word(next) == Some(2) {
            return None;
        }
        at += if let Some(length) = bracketed(next).filter(|_| !next.starts_with('{')) {
            space + length
        } else if let Some(name) = next.strip_prefix(['.', '|']) {
            let name = name.trim_start();
            space + (next.len() - name.len()) + word(name)?
        } else {
            return Some(at);
        };
    }
}

/// How long what is in brackets is, with these.
fn bracketed(text: &str) -> Option<usize> {
    if !text.starts_with(['(', '[', '{']) {
        return None;
    }
    let (mut at, mut open) = (0, 0_usize);
    while let Some(c) = text.get(at..)?.chars().next() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            _ => {}
        }
        at += quoted(text.get(at..)?).unwrap_or(c.len_utf8());
        if open == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn lines_stay_and_what_is_written_anew_stays_as_it_is(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "{{", "}}", "{%", "%}", "{#", "#}", "'%s'", "'", "\"", "%", "(", ")", "[", "]", "{", "}", "a", ".", "|",
                " ", "\n", "\\", "ä", "raw", "endraw", "-", "is", ",", "1",
            ]), 0..40)
        ) {
            let text = parts.concat();
            let ops = Envops::default();
            let written = ops.written(&text);
            proptest::prop_assert_eq!(written.matches('\n').count(), text.matches('\n').count());
            proptest::prop_assert_eq!(ops.written(&written), written);
        }
    }

    #[test]
    fn what_may_be_a_text_is_written_anew() {
        let ops = Envops::default();
        for (text, written) in [
            ("{{ '%s' % a }}", "{{ ('%s' |coasti_percent(a)) }}"),
            (
                "{{ '%s'%(a, 'x)') ~ b }}",
                "{{ ('%s'|coasti_percent((a, 'x)'))) ~ b }}",
            ),
            (
                "{% set x = \"%s\" % a.b[0]|upper|default('}}') + c %}",
                "{% set x = (\"%s\" |coasti_percent(a.b[0]|upper|default('}}'))) + c %}",
            ),
            ("{{ '%s'\n%\n-1 }}", "{{ ('%s'\n\n|coasti_percent(-1)) }}"),
            (
                "{{ '%s' % ('%s' % a) }}",
                "{{ ('%s' |coasti_percent((('%s' |coasti_percent(a))))) }}",
            ),
            (
                "{% if not a.b['%']|x(c % d) % e %}",
                "{% if not (a.b['%']|x((c |coasti_percent(d))) |coasti_percent(e)) %}",
            ),
            (
                "{{ x - (a ~ b) % c % d }}",
                "{{ x - (((a ~ b) |coasti_percent(c)) |coasti_percent(d)) }}",
            ),
            ("{% if (a) % b %}", "{% if ((a) |coasti_percent(b)) %}"),
        ] {
            assert_eq!(
                ops.written(text).replace("  ", " "),
                written.replace("  ", " "),
                "{text}"
            );
        }
        for same in [
            "a '%s' % b",
            "{# '%s' % b #}{{ 7 % 2 }}{{ 1.5 % a }}",
            "{{ -a % b }}{{ a % b ** 2 }}{{ x is divisibleby a % b }}",
            "{% if (a) %}{% for x in a %}",
            "{% raw %}{{ '%s' % a }}{% endraw %}",
            "{% if a == 'x' %}y{% endif %}",
            "{%- if a == 'x' -%}y{%- endif -%}",
            "{{ 2 * '%s' % a }}",
            "{{ '%s' % }}",
            "{{ '%s",
            "{{ 'ä' % (",
            "{{ 'a\\' % b' }}",
            "{{ '%s' % a is string }}",
        ] {
            assert_eq!(ops.written(same), same);
        }
    }
}
