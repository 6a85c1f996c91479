//! Commands that are written as one line, split as Compose does, which is nearly as a shell does. What a secret
//! variable holds is never taken apart: it stays in the word that it stands in.

use super::tree::{Bit, Str};

/// A command's words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// The words.
    pub all: Vec<Str>,
    /// What ends the command before its text does: `;`, `&`, `|`, `<` or `>` outside of quotes.
    pub ends_at: Option<char>,
}

/// A character, or a part that is kept whole.
enum Atom {
    Char(char),
    Whole(Bit),
}

/// Splits a command; none where a quote or bracket is not closed.
pub(super) fn split(text: &Str) -> Option<Words> {
    let mut atoms = text.bits().iter().flat_map(|bit| match bit {
        Bit::Plain(text) => text.chars().map(Atom::Char).collect::<Vec<_>>(),
        other => vec![Atom::Whole(other.clone())],
    });
    let mut words = Words::default();
    // A word may be empty: `''`.
    let mut word: Option<Vec<Bit>> = None;
    let (mut single, mut double, mut back, mut dollar) = (false, false, false, false);
    let mut before = ' ';
    while let Some(atom) = atoms.next() {
        let open = single || double || back || dollar;
        let bit = match atom {
            Atom::Char('\\') if !single => match atoms.next()? {
                Atom::Char(c) => Bit::Plain(c.to_string()),
                Atom::Whole(bit) => bit,
            },
            Atom::Char(c) => {
                let after_dollar = std::mem::replace(&mut before, c) == '$';
                match c {
                    ' ' | '\t' | '\n' | '\r' if !open => {
                        words.all.extend(word.take().map(Str::from_iter));
                        continue;
                    }
                    ';' | '&' | '|' | '<' | '>' if !open => {
                        words.ends_at = Some(c);
                        // A number before it says what is redirected.
                        let number = |bits: &mut Vec<Bit>| matches!(bits.first(), Some(Bit::Plain(text)) if text.starts_with(|c: char| c.is_ascii_digit()));
                        if c == '>' {
                            word.take_if(number);
                        }
                        break;
                    }
                    '\'' if !double && !dollar => {
                        single = !single;
                        word.get_or_insert_default();
                        continue;
                    }
                    '"' if !single && !dollar => {
                        double = !double;
                        word.get_or_insert_default();
                        continue;
                    }
                    '`' if !single && !double && !dollar => back = !back,
                    '(' if !single && !double && !back => {
                        if dollar || !after_dollar {
                            return None;
                        }
                        dollar = true;
                    }
                    ')' if !single && !double && !back => dollar = !dollar,
                    _ => {}
                }
                Bit::Plain(c.to_string())
            }
            Atom::Whole(bit) => bit,
        };
        word.get_or_insert_default().push(bit);
    }
    words.all.extend(word.map(Str::from_iter));
    (!single && !double && !back && !dollar).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_in_their_word() {
        let text: Str = [
            Bit::Plain("redis --pass ".into()),
            Bit::Secret("a b".into()),
            Bit::Plain(" 'x y' \"\\\"z\" $(a b) \\$end".into()),
        ]
        .into_iter()
        .collect();
        let found = split(&text).unwrap();
        let words: Vec<_> = found.all.iter().map(|word| word.open().unwrap()).collect();
        assert_eq!(
            words,
            ["redis", "--pass", "a b", "x y", "\"z", "$(a b)", "$end"]
        );
        for open in ["a 'b", "a \"b", "`a", "$(a", "(a)", "a)", "a \\"] {
            assert_eq!(split(&Str::plain(open)), None, "{open}");
        }
        assert_eq!(split(&Str::plain("a ''")).unwrap().all.len(), 2);
        let ended = split(&Str::plain("a b 2>c d")).unwrap();
        assert_eq!((ended.all.len(), ended.ends_at), (2, Some('>')));
    }
}
