//! How a command gets the values in it: not as arguments, which `ps` on the engine's host shows to everybody.
//!
//! In a script of a shell a value becomes `${COASTI_VALUE_n}`, quoted as its place asks for, and is a variable
//! of that one process. What the shell itself then does with it (`echo`, an assignment) nobody sees; what it
//! hands to another program as an argument is [exposed](Command::exposed).

use super::{Part, Text, ValueRef};
use std::collections::BTreeMap;

/// A command as it is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its words.
    pub argv: Vec<Text>,
    /// Variables that it gets beside the container's.
    pub env: BTreeMap<String, Text>,
    /// Values that are in an argument list all the same: of the command, or of what its script calls.
    pub exposed: Vec<ValueRef>,
}

impl Command {
    /// Of its words. `asks` are the beginnings of commands that ask for a password, their second argument, on
    /// their standard input where they do not get it.
    pub fn new(words: Vec<Text>, asks: &[&[&str]]) -> Self {
        if let Some(command) = asked(&words, asks) {
            return command;
        }
        let at = script(&words);
        let delivered = at
            .and_then(|at| words.get(at))
            .filter(|script| script.values().next().is_some())
            .and_then(deliver);
        let mut argv = words;
        let (mut env, mut exposed) = (BTreeMap::new(), Vec::new());
        if let (Some(at), Some((text, variables, shown))) = (at, delivered)
            && let Some(word) = argv.get_mut(at)
        {
            *word = Text::plain(text);
            (env, exposed) = (variables, shown);
        }
        exposed.extend(argv.iter().flat_map(Text::values).cloned());
        Self { argv, env, exposed }
    }
}

/// A command that asks for what it is not given: it is given nothing, and told when it asks (twice, where it
/// wants to be sure).
fn asked(words: &[Text], asks: &[&[&str]]) -> Option<Command> {
    let begins = |start: &&&[&str]| {
        words.len() == start.len() + 2
            && start
                .iter()
                .zip(words)
                .all(|(a, b)| b.as_plain() == Some(a))
    };
    let start = asks.iter().find(begins)?;
    let (whom, password) = (words.get(start.len())?, words.last()?);
    password.values().next()?;
    let script = format!(
        r#"printf '%s\n%s\n' "$COASTI_VALUE_1" "$COASTI_VALUE_1" | {} "$1""#,
        start.join(" ")
    );
    Some(Command {
        argv: ["sh", "-c", &script, "sh"]
            .map(Text::plain)
            .into_iter()
            .chain([whom.clone()])
            .collect(),
        env: [("COASTI_VALUE_1".to_owned(), password.clone())].into(),
        exposed: whom.values().cloned().collect(),
    })
}

/// Which word is the script of a shell, where the command is one.
fn script(words: &[Text]) -> Option<usize> {
    const SHELLS: &[&str] = &["sh", "bash", "ash", "dash"];
    let name = words.first()?.as_plain()?;
    if !SHELLS.contains(&name.rsplit('/').next().unwrap_or(name)) {
        return None;
    }
    let mut is_script = false;
    let mut rest = words.iter().enumerate().skip(1);
    while let Some((at, word)) = rest.next() {
        match word.as_plain() {
            Some(option) if option.starts_with(['-', '+']) && !option.starts_with("--") => {
                is_script |= option.contains('c');
                if option.ends_with('o') {
                    rest.next();
                }
            }
            _ => return is_script.then_some(at),
        }
    }
    None
}

type Delivered = (String, BTreeMap<String, Text>, Vec<ValueRef>);

/// A script with variables in the place of values; none where it cannot be told how to quote one.
fn deliver(script: &Text) -> Option<Delivered> {
    let mut reader = Reader::default();
    let (mut text, mut env, mut exposed) = (String::new(), BTreeMap::new(), Vec::new());
    for part in script.parts() {
        match part {
            Part::Plain(plain) => {
                reader.read(plain);
                text.push_str(plain);
            }
            Part::Value(value) => {
                if reader.lost || reader.escaped {
                    return None;
                }
                let name = format!("COASTI_VALUE_{}", env.len() + 1);
                text.push_str(&match reader.quote() {
                    Quote::None => format!("\"${{{name}}}\""),
                    Quote::Double => format!("${{{name}}}"),
                    Quote::Single => format!("'\"${{{name}}}\"'"),
                });
                if !reader.stays() {
                    exposed.push(value.clone());
                }
                env.insert(name, Text::value(value.id.clone(), value.digest.clone()));
                reader.value();
            }
        }
    }
    Some((text, env, exposed))
}

/// What a shell does by itself, so that no other process gets the arguments.
const BUILT_IN: &[&str] = &[
    ":", "[", "[[", "case", "declare", "echo", "export", "for", "local", "printf", "read",
    "readonly", "set", "test", "typeset",
];

/// Words before a command's name.
const BEFORE: &[&str] = &[
    "!", "do", "elif", "else", "if", "then", "until", "while", "{",
];

/// How the place that was read up to is quoted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Double,
    Single,
}

/// A list of commands: the script, or one in parentheses.
#[derive(Default)]
struct List {
    /// Whether what it prints becomes a part of the list around it.
    substituted: bool,
    double: bool,
    /// The command's name, once it is read.
    name: Option<String>,
    word: String,
    in_word: bool,
    /// Whether the word is a file's name.
    redirect: bool,
}

impl List {
    fn end_word(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !std::mem::take(&mut self.in_word) || std::mem::take(&mut self.redirect) {
            return;
        }
        if self.name.is_none() && !assigns(&word) && !BEFORE.contains(&word.as_str()) {
            self.name = Some(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        self.name = None;
        self.redirect = false;
    }

    /// Whether a value here stays in the shell.
    fn stays(&self) -> bool {
        match &self.name {
            Some(name) => self.redirect || BUILT_IN.contains(&name.as_str()),
            None => self.redirect || assigns(&self.word),
        }
    }
}

/// Whether a word begins as an assignment does.
fn assigns(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Reads a script as far as quotes and names of commands go.
struct Reader {
    lists: Vec<List>,
    single: bool,
    comment: bool,
    escaped: bool,
    before: char,
    /// Whether something stands in it that is not followed: what comes after may be quoted in any way.
    lost: bool,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            lists: vec![List::default()],
            single: false,
            comment: false,
            escaped: false,
            before: '\n',
            lost: false,
        }
    }
}

impl Reader {
    fn quote(&self) -> Quote {
        match self.lists.last() {
            _ if self.single => Quote::Single,
            Some(list) if list.double => Quote::Double,
            _ => Quote::None,
        }
    }

    fn stays(&self) -> bool {
        let mut outwards = self.lists.iter().rev();
        loop {
            match outwards.next() {
                Some(list) if !list.stays() => return false,
                Some(list) if list.substituted => {}
                _ => return true,
            }
        }
    }

    /// A value was at the place that was read up to.
    fn value(&mut self) {
        self.before = 'x';
        if let Some(list) = self.lists.last_mut() {
            list.in_word = true;
            list.word.push('x');
        }
    }

    fn read(&mut self, text: &str) {
        for c in text.chars() {
            self.next(c);
            self.before = c;
        }
    }

    fn next(&mut self, c: char) {
        let before = self.before;
        let deep = self.lists.len() > 1;
        let Some(list) = self.lists.last_mut() else {
            return;
        };
        if self.comment {
            self.comment = c != '\n';
            if !self.comment {
                list.end_command();
            }
            return;
        }
        if self.single {
            match c {
                '\'' => self.single = false,
                c => list.word.push(c),
            }
            return;
        }
        if std::mem::take(&mut self.escaped) {
            list.in_word = true;
            list.word.push(c);
            return;
        }
        match c {
            '\\' => self.escaped = true,
            '`' => self.lost = true,
            '"' => {
                list.double = !list.double;
                list.in_word = true;
            }
            '(' if before == '$' => self.lists.push(List {
                substituted: true,
                ..List::default()
            }),
            c if list.double => list.word.push(c),
            '\'' => {
                // `$'…'` has escapes of its own.
                self.lost |= before == '$';
                self.single = true;
                list.in_word = true;
            }
            '#' if !list.in_word => self.comment = true,
            '<' if before == '<' => self.lost = true,
            '<' | '>' => {
                list.end_word();
                list.redirect = true;
            }
            '&' if matches!(before, '<' | '>') => {}
            ';' | '|' | '&' | '\n' => list.end_command(),
            '(' => {
                list.end_command();
                self.lists.push(List::default());
            }
            ')' if deep => drop(self.lists.pop()),
            ')' => list.end_command(),
            c if c.is_whitespace() => list.end_word(),
            c => {
                list.in_word = true;
                list.word.push(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ValueId;

    /// What stands between « and » is a value.
    fn text(line: &str) -> Text {
        let mut parts = Vec::new();
        for (n, piece) in line.split(['«', '»']).enumerate() {
            parts.push(match n % 2 {
                0 => Part::Plain(piece.to_owned()),
                _ => Part::Value(ValueRef {
                    id: ValueId::new(piece),
                    digest: None,
                }),
            });
        }
        parts.into_iter().collect()
    }

    const ASKS: &[&[&str]] = &[&["setup", "email", "add"]];

    fn command(line: &str) -> Command {
        Command::new(text(line).words().unwrap(), ASKS)
    }

    /// The script, and whether a value is an argument all the same.
    fn shell(script: &str) -> (String, bool) {
        let command = Command::new(vec![text("sh"), text("-c"), text(script)], ASKS);
        (command.argv[2].show(), !command.exposed.is_empty())
    }

    #[test]
    fn a_value_in_a_script_is_a_variable_quoted_for_its_place() {
        for (script, wanted) in [
            ("echo «a»", "echo \"${COASTI_VALUE_1}\""),
            ("echo \"x «a»\"", "echo \"x ${COASTI_VALUE_1}\""),
            ("echo 'x «a»' y", "echo 'x '\"${COASTI_VALUE_1}\"'' y"),
            (
                "echo 'it'\\''s' «a»",
                "echo 'it'\\''s' \"${COASTI_VALUE_1}\"",
            ),
            ("# it's\necho «a»", "# it's\necho \"${COASTI_VALUE_1}\""),
            (
                "PW=\"$(echo \"«a»\" '«b»')\" tool",
                "PW=\"$(echo \"${COASTI_VALUE_1}\" ''\"${COASTI_VALUE_2}\"'')\" tool",
            ),
            ("x=1 y=«a» tool", "x=1 y=\"${COASTI_VALUE_1}\" tool"),
            (
                "if true; then (printf %s «a» 2>&1 | tool --in -) >f; fi",
                "if true; then (printf %s \"${COASTI_VALUE_1}\" 2>&1 | tool --in -) >f; fi",
            ),
        ] {
            assert_eq!(shell(script), (wanted.to_owned(), false), "{script}");
        }
        let command = command("/bin/bash -eo pipefail -c 'echo «a»'");
        assert_eq!(command.argv[4].show(), "echo \"${COASTI_VALUE_1}\"");
        assert_eq!(command.env["COASTI_VALUE_1"], text("«a»"));
        assert_eq!(command.exposed, []);
    }

    #[test]
    fn what_another_program_gets_as_an_argument_is_told() {
        for script in [
            "tool «a»",
            "echo x; tool --password=«a»",
            "true && tool \"«a»\"",
            "echo \"$(tool «a»)\"",
            "tool \"$(echo «a»)\"",
            "(tool '«a»')",
            "if x; then tool «a»; fi",
            "«a»",
            "exec tool «a»",
            "X=1 tool «a»",
            "tool >&2 «a»",
            // Not followed: nobody knows how these are quoted.
            "x=`echo «a»`",
            "cat <<E\n«a»\nE",
            "echo $'«a»'",
        ] {
            assert!(shell(script).1, "{script}");
        }
        for line in [
            "tool «a»",
            "env «a»=1",
            "sh script «a»",
            "sh -c 'echo \"$1\"' sh «a»",
            "setup email del x «a»",
        ] {
            assert_eq!(command(line).exposed.len(), 1, "{line}");
        }
        assert_eq!(command("tool x").exposed, []);
    }

    #[test]
    fn a_command_that_asks_is_told() {
        let command = command("setup email add me@x.org «a»");
        let shown: Vec<_> = command.argv.iter().map(Text::show).collect();
        assert_eq!(shown[0..2], ["sh", "-c"]);
        assert!(shown[2].ends_with("| setup email add \"$1\""), "{shown:?}");
        assert_eq!(shown[3..], ["sh", "me@x.org"]);
        assert_eq!(command.env["COASTI_VALUE_1"], text("«a»"));
        assert_eq!(command.exposed, []);
    }
}
