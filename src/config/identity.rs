//! Whose folder it is, whatever else is wrong with its files: commands for what runs need no more than that,
//! and are wanted most when a bad commit broke the rest.

use super::deploy::{NAMES, stack_id, whose};
use super::doc::{Table, parse};
use super::{Folder, Unreadable};
use crate::base::{StackId, StackName};
use crate::diag::{Diagnostics, Source};
use std::{collections::BTreeSet, sync::Arc};

/// What tells a stack from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: StackName,
    /// Its id; none until the first apply makes it.
    pub id: Option<StackId>,
}

/// The stack's name and id, of its deploy file alone. None where they are not certain: [`super::read`] then
/// tells why.
pub fn identity(folder: &dyn Folder) -> Option<Identity> {
    let mut found = Vec::new();
    for name in NAMES {
        match folder.read(&format!("config/{name}")) {
            Ok(Some(source)) => found.push(source),
            Ok(None) => {}
            // As much of it as is text.
            Err(Unreadable::NotText(source, _)) => found.push(source),
            Err(_) => return None,
        }
    }
    let [source] = found.as_slice() else {
        return None;
    };
    let source = Arc::new(Source::new(
        source.name.clone(),
        source.path.clone(),
        source.text.trim_start_matches('\u{feff}'),
    ));
    let mut unsaid = Diagnostics::new();
    let Some(root) = parse(&source, &mut unsaid) else {
        return by_lines(&source);
    };
    let mut table = Table::of(&root, "", &mut unsaid)?;
    let (name, id) = whose(&root, &mut table, folder, &mut unsaid);
    // A wrong id is another thing than none.
    (id.is_some() || root.get("id").is_none_or(super::doc::Node::is_null)).then_some(())?;
    Some(Identity { name: name?, id })
}

/// Of a file that is not understood, the lines that say it; a value that stands there twice with a difference,
/// as after a merge, says nothing.
fn by_lines(source: &Source) -> Option<Identity> {
    let toml = source.name.ends_with(".toml");
    let json = source.name.ends_with(".json");
    let mut values: [BTreeSet<String>; 2] = Default::default();
    for line in source.text.lines() {
        if toml && line.trim_start().starts_with('[') {
            break;
        }
        // Of YAML, only what is not indented is the file's own.
        let line = if json { line.trim_start() } else { line };
        for (key, values) in ["stack", "id"].iter().zip(&mut values) {
            values.extend(value(line, key, toml));
        }
    }
    let [names, ids] = values;
    let only = |values: BTreeSet<String>| (values.len() <= 1).then(|| values.into_iter().next());
    let name = only(names)??;
    let id = match only(ids)? {
        Some(id) => Some(stack_id(&id)?),
        None => None,
    };
    let name = StackName::is_valid(&name).then(|| StackName::new(name))?;
    Some(Identity { name, id })
}

/// The value of a line `KEY: VALUE` (of TOML `KEY = VALUE`), without quotes and comment.
fn value(line: &str, key: &str, toml: bool) -> Option<String> {
    let quoted = format!("\"{key}\"");
    let rest = line
        .strip_prefix(&quoted)
        .or_else(|| line.strip_prefix(key))?;
    let sign = if toml { '=' } else { ':' };
    let rest = rest.trim_start().strip_prefix(sign)?.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = rest.strip_prefix(quote) {
            return rest.split(quote).next().map(str::to_owned);
        }
    }
    let rest = rest.split(" #").next().unwrap_or(rest);
    Some(rest.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Files(BTreeMap<&'static str, String>);

    impl Folder for Files {
        fn read(&self, path: &str) -> Result<Option<Arc<Source>>, Unreadable> {
            Ok(self
                .0
                .get(path)
                .map(|text| Arc::new(Source::new(path, path, text.clone()))))
        }

        fn exists(&self, path: &str) -> bool {
            self.0.contains_key(path)
        }

        fn name(&self) -> String {
            "My_Folder".to_owned()
        }
    }

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn of(name: &'static str, text: &str) -> Option<(String, bool)> {
        let text = text.replace("ID", ID);
        let found = identity(&Files(BTreeMap::from([(name, text)])))?;
        let has_id = found.id.is_some_and(|id| id.as_str() == ID);
        Some((found.name.to_string(), has_id))
    }

    fn yaml(text: &str) -> Option<(String, bool)> {
        of("config/deploy.yml", text)
    }

    fn found(name: &str) -> Option<(String, bool)> {
        Some((name.to_owned(), true))
    }

    #[test]
    fn a_stack_is_known_whatever_is_wrong_with_the_rest() {
        assert_eq!(yaml("stack: a\nid: ID\nsite: 5\nwhat: ever\n"), found("a"));
        assert_eq!(yaml("version: 9\nstack: a\nid: ID\n"), found("a"));
        assert_eq!(yaml("stack: a\nsite: []\n"), Some(("a".to_owned(), false)));
        // Not even YAML.
        assert_eq!(
            yaml("\u{feff}stack: \"a\" # ours\r\nid: ID\r\nsite: [\n  stack: b\n"),
            found("a")
        );
        let merged = "<<<<<<< HEAD\nstack: a\nid: ID\n=======\nstack: a\n>>>>>>> b\n";
        assert_eq!(yaml(merged), found("a"));
        let toml = "stack = 'a'\nid = \"ID\"\n[[site]\nstack = 'b'\n";
        assert_eq!(of("config/deploy.toml", toml), found("a"));
        let json = "{\n \"stack\": \"a\",\n \"id\": \"ID\",\n \"site\": [}\n";
        assert_eq!(of("config/deploy.json", json), found("a"));
        assert_eq!(yaml("site: [5]\n"), Some(("my-folder".to_owned(), false)));
    }

    #[test]
    fn what_is_not_certain_is_not_guessed() {
        for text in [
            "",
            "stack: Ä\n",
            "stack: a\nid: 12\n",
            "version: 1\nsite: []\n",
            "<<<<<<< HEAD\nstack: a\n=======\nstack: b\n>>>>>>> b\n",
            "stack: a\nid: 12\nsite: [\n",
            " stack: a\nsite: [\n",
        ] {
            assert_eq!(yaml(text), None, "{text}");
        }
        let two = Files(BTreeMap::from([
            ("config/deploy.yml", "stack: a\n".to_owned()),
            ("config/deploy.json", "{\"stack\": \"a\"}".to_owned()),
        ]));
        assert_eq!(identity(&two), None);
    }
}
