//! `.dockerignore`: Docker's rules, which are not git's.
//!
//! A pattern counts from the folder on (`a` is not `b/a`), covers what is below it, and of several that cover
//! a path the last one decides; `!` takes back.

use crate::base::names;
use regex::{RegexSet, RegexSetBuilder};

/// Patterns that come before those of the file: what changes with every commit and is no part of the program.
const OWN: &[&str] = &[".git"];

/// How many patterns a file may have, and how large what they become may be.
const MOST: usize = 10_000;
const MOST_BYTES: usize = 8 << 20;

/// What of a folder is sent.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    patterns: RegexSet,
    /// Of each pattern, whether it takes back what those before it say.
    back: Vec<bool>,
    /// Sent whatever patterns say.
    always: Vec<String>,
}

/// A pattern that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern {
    /// Its line, from 0.
    pub line: usize,
    /// The pattern.
    pub pattern: String,
}

impl Rules {
    /// Reads the file's text. What is in `always` is sent in any case.
    ///
    /// # Errors
    /// The first pattern that cannot be understood.
    pub fn new(text: &str, always: &[&str]) -> Result<Self, BadPattern> {
        let mut patterns: Vec<String> = OWN.iter().map(|own| expression(own)).collect();
        let mut back = vec![false; patterns.len()];
        let mut lines = vec![(0, ""); patterns.len()];
        for (line, raw) in text.lines().enumerate() {
            let bad = || BadPattern {
                line,
                pattern: raw.trim().to_owned(),
            };
            if raw.starts_with('#') || raw.trim().is_empty() {
                continue;
            }
            let pattern = raw.trim();
            let (pattern, takes_back) = match pattern.strip_prefix('!') {
                Some(rest) if rest.trim().is_empty() => return Err(bad()),
                Some(rest) => (rest.trim(), true),
                None => (pattern, false),
            };
            // What leads out of the folder covers nothing in it; the folder itself is always sent.
            let Some(pattern) = names::path(pattern).filter(|pattern| !pattern.is_empty()) else {
                continue;
            };
            if patterns.len() >= MOST {
                return Err(bad());
            }
            patterns.push(expression(&pattern));
            lines.push((line, raw.trim()));
            back.push(takes_back);
        }
        let set = RegexSetBuilder::new(&patterns)
            .size_limit(MOST_BYTES)
            .build();
        let set = set.map_err(|_| {
            // The set's error does not say whose it is.
            let wrong = |pattern: &String| regex::Regex::new(pattern).is_err();
            let at = patterns.iter().position(wrong).unwrap_or_default();
            let (line, pattern) = lines.get(at).copied().unwrap_or_default();
            BadPattern {
                line,
                pattern: pattern.to_owned(),
            }
        })?;
        Ok(Self {
            patterns: set,
            back,
            always: always.iter().map(|path| (*path).to_owned()).collect(),
        })
    }

    /// Whether the path, relative to the folder, is sent.
    pub fn sends(&self, path: &str) -> bool {
        if self.always.iter().any(|always| always == path) {
            return true;
        }
        let ends = path.match_indices('/').map(|(end, _)| end);
        let covering = ends
            .chain([path.len()])
            .filter_map(|end| self.patterns.matches(path.get(..end)?).iter().next_back());
        let last = covering.max();
        last.is_none_or(|last| self.back.get(last).copied().unwrap_or(false))
    }

    /// Whether something below a folder that is not sent may be: else nobody needs to look.
    pub fn may_send_below(&self, folder: &str) -> bool {
        let start = format!("{folder}/");
        self.back.contains(&true) || self.always.iter().any(|path| path.starts_with(&start))
    }
}

/// The regular expression of a pattern, as Docker has it.
fn expression(pattern: &str) -> String {
    let mut out = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '[' | ']' => {
                in_class = c == '[';
                out.push(c);
            }
            '-' | '^' if in_class => out.push(c),
            '*' if chars.next_if_eq(&'*').is_some() => {
                chars.next_if_eq(&'/');
                out.push_str(match chars.peek() {
                    None => ".*",
                    Some(_) => "(.*/)?",
                });
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '\\' => {
                let next = chars.next().unwrap_or('\\');
                out.push_str(&regex::escape(next.encode_utf8(&mut [0; 4])));
            }
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push('$');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};

    fn rules(text: &str) -> Rules {
        Rules::new(text, &["Dockerfile", IGNORE_FILE]).unwrap()
    }
    use crate::build::IGNORE_FILE;

    #[track_caller]
    fn check(text: &str, sent: &[&str], not: &[&str]) {
        let rules = rules(text);
        for path in sent {
            assert!(rules.sends(path), "{path} is sent by {text:?}");
        }
        for path in not {
            assert!(!rules.sends(path), "{path} is not sent by {text:?}");
        }
    }

    #[test]
    fn patterns_are_dockers() {
        // A name alone is one at the outermost level, other than in git.
        check("a\n", &["b/a", "ab"], &["a", "a/b", "a/b/c"]);
        check("/a/\nb/../c\n./d\n", &["b"], &["a", "a/x", "c", "c/x", "d"]);
        check("*.md\n", &["docs/x.md", "md"], &["x.md", ".md"]);
        check("*/*.md\n", &["x.md", "a/b/x.md"], &["a/x.md"]);
        check("**/*.md\n", &["x.mdx"], &["x.md", "a/x.md", "a/b/x.md"]);
        check(
            "**/node_modules\n",
            &["node_module"],
            &["node_modules", "a/node_modules/x/y"],
        );
        check("a/**\n", &["a", "b"], &["a/b", "a/b/c"]);
        check("a/**/z\n", &["a/zz", "z"], &["a/z", "a/b/c/z", "a/z/q"]);
        check("temp?\n", &["temp", "tempab"], &["tempa"]);
        check("[a-c].txt\n", &["d.txt"], &["a.txt", "b.txt"]);
        check("a.c+\n", &["abc", "a.cc"], &["a.c+"]);
        check("\\#x\n", &["x"], &["#x"]);
        check("# x\n#y\n  \n", &["x", "#y"], &[]);
        check("  a  \r\n", &[], &["a"]);
        check("..\n../x\n.\n/\n", &["x", "a"], &[]);
    }

    #[test]
    fn the_last_pattern_that_covers_a_path_decides() {
        check("*.md\n!README.md\n", &["README.md"], &["x.md"]);
        check(
            "*.md\n!README*.md\nREADME-secret.md\n",
            &["README.md", "README-x.md"],
            &["README-secret.md", "x.md"],
        );
        check("!a/b\na\n", &[], &["a", "a/b"]);
        check("a\n!a/b\n", &["a/b", "a/b/c"], &["a", "a/c"]);
        check(
            "*\n!src\n",
            &["src", "src/a/b", "Dockerfile", ".dockerignore"],
            &["x", ".git"],
        );
        check("*\n!**/keep\n", &["a/b/keep"], &["a/b/other"]);
    }

    #[test]
    fn what_git_keeps_for_itself_is_sent_only_where_that_is_said() {
        check("", &[".gitignore", "sub/.git"], &[".git", ".git/HEAD"]);
        check("!.git\n", &[".git/HEAD"], &[]);
    }

    #[test]
    fn what_docker_needs_is_always_sent() {
        check(
            "*\n",
            &["Dockerfile", ".dockerignore"],
            &["x", "a/Dockerfile"],
        );
        let rules = Rules::new("docker\n", &["docker/web.Dockerfile"]).unwrap();
        assert!(rules.sends("docker/web.Dockerfile"));
        assert!(!rules.sends("docker") && rules.may_send_below("docker"));
        assert!(!rules.may_send_below("doc"));
    }

    #[test]
    fn patterns_that_cannot_be_understood_are_told() {
        for (text, line, pattern) in [
            ("a\n!\n", 1, "!"),
            ("\n[a\n", 1, "[a"),
            ("[z-a]", 0, "[z-a]"),
        ] {
            let bad = BadPattern {
                line,
                pattern: pattern.to_owned(),
            };
            assert_eq!(Rules::new(text, &[]).unwrap_err(), bad);
        }
        let many = "a*b**/x\n".repeat(MOST);
        assert_eq!(Rules::new(&many, &[]).unwrap_err().line, MOST - OWN.len());
    }

    /// The rules said another way: by hand, pattern by pattern.
    fn matches(pattern: &[u8], path: &[u8]) -> bool {
        match (pattern, path) {
            ([b'*', b'*'], _) => true,
            ([b'*', b'*', b'/', rest @ ..], _) => {
                let below = (0..path.len()).filter(|at| path[*at] == b'/');
                matches(rest, path) || below.into_iter().any(|at| matches(rest, &path[at + 1..]))
            }
            ([b'*', rest @ ..], _) => {
                let end = path.iter().position(|c| *c == b'/').unwrap_or(path.len());
                (0..=end).any(|at| matches(rest, &path[at..]))
            }
            ([b'?', rest @ ..], [c, after @ ..]) => *c != b'/' && matches(rest, after),
            ([p, rest @ ..], [c, after @ ..]) => p == c && matches(rest, after),
            ([], []) => true,
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn rules_are_what_they_are_by_hand(
            patterns in collection::vec(("!?", "(\\*\\*/|[ab*?]{1,2}/){0,2}[ab*?]"), 0..5),
            path in "[ab]{1,2}(/[ab]{1,2}){0,3}",
        ) {
            let lines: Vec<_> = patterns.iter().map(|(mark, pattern)| format!("{mark}{pattern}")).collect();
            let rules = Rules::new(&lines.join("\n"), &[]).unwrap();
            let mut sent = true;
            for (mark, pattern) in &patterns {
                let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
                let mut covers = ends.map(|end| matches(pattern.as_bytes(), &path.as_bytes()[..end]));
                if covers.any(|covers| covers) {
                    sent = mark == "!";
                }
            }
            prop_assert_eq!(rules.sends(&path), sent, "{:?}", lines);
        }

        #[test]
        fn nothing_makes_it_panic(text in "\\PC{0,40}", path in "\\PC{0,20}") {
            if let Ok(rules) = Rules::new(&text, &[]) {
                rules.sends(&path);
            }
        }
    }
}
