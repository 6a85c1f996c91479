//! Commands that are written as one line, split as a shell does. What a secret variable holds is never
//! taken apart: it stays in the word that it stands in.

use super::tree::{Bit, Str};

/// A character, or a part that is kept whole.
enum Atom {
    Char(char),
    Whole(Bit),
}

/// The words of a command; none where a quote is not closed.
pub(super) fn split(text: &Str) -> Option<Vec<Str>> {
    let mut atoms = text.bits().iter().flat_map(|bit| match bit {
        Bit::Plain(text) => text.chars().map(Atom::Char).collect::<Vec<_>>(),
        other => vec![Atom::Whole(other.clone())],
    });
    let mut words = Vec::new();
    let mut word: Option<Vec<Bit>> = None;
    let push = |word: &mut Option<Vec<Bit>>, c: char| {
        word.get_or_insert_default().push(Bit::Plain(c.to_string()));
    };
    while let Some(atom) = atoms.next() {
        let c = match atom {
            Atom::Whole(bit) => {
                word.get_or_insert_default().push(bit);
                continue;
            }
            Atom::Char(c) => c,
        };
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let inner = word.get_or_insert_default();
                loop {
                    match atoms.next()? {
                        Atom::Char('\'') => break,
                        Atom::Char(c) => inner.push(Bit::Plain(c.to_string())),
                        Atom::Whole(bit) => inner.push(bit),
                    }
                }
            }
            '"' => {
                let inner = word.get_or_insert_default();
                loop {
                    match atoms.next()? {
                        Atom::Char('"') => break,
                        Atom::Char('\\') => match atoms.next()? {
                            // A line that goes on.
                            Atom::Char('\n') => {}
                            Atom::Char(c @ ('"' | '\\' | '$' | '`')) => {
                                inner.push(Bit::Plain(c.to_string()));
                            }
                            Atom::Char(c) => inner.push(Bit::Plain(format!("\\{c}"))),
                            Atom::Whole(bit) => inner.extend([Bit::Plain("\\".to_owned()), bit]),
                        },
                        Atom::Char(c) => inner.push(Bit::Plain(c.to_string())),
                        Atom::Whole(bit) => inner.push(bit),
                    }
                }
            }
            '\\' => match atoms.next()? {
                Atom::Char('\n') => {}
                Atom::Char(c) => push(&mut word, c),
                Atom::Whole(bit) => word.get_or_insert_default().push(bit),
            },
            c => push(&mut word, c),
        }
    }
    words.extend(word);
    Some(
        words
            .into_iter()
            .map(|bits| bits.into_iter().collect())
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_stay_in_their_word() {
        let text: Str = [
            Bit::Plain("redis --pass ".into()),
            Bit::Secret("a b".into()),
            Bit::Plain(" 'x y' \"\\\"z\" \\\n  end".into()),
        ]
        .into_iter()
        .collect();
        let words: Vec<_> = split(&text)
            .unwrap()
            .iter()
            .map(|word| word.open().unwrap())
            .collect();
        assert_eq!(words, ["redis", "--pass", "a b", "x y", "\"z", "end"]);
        assert_eq!(split(&Str::plain("a 'b")), None);
        assert_eq!(split(&Str::plain("a ''")).unwrap().len(), 2);
    }
}
