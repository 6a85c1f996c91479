//! `config/credentials.csv`: users of the platform services, a line each.
//!
//! Fields are read here and not by a crate: those that are kept take any quoting without a word, and tell
//! where a line starts but not where a field stands.

use super::doc::Sp;
use super::products::Loaded;
use super::strength::weakness;
use super::{Folder, codes, load};
use crate::base::names;
use crate::diag::{Diagnostic, Diagnostics, Place, Source, did_you_mean};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// The columns, in any order.
const COLUMNS: [&str; 3] = ["username", "password", "email"];

/// How many lines a file may have, and a line fields.
const MOST: usize = 20_000;

/// Checks the file of users: the one that is named, or the usual one where it is there.
pub(super) fn check(folder: &dyn Folder, named: Option<&Sp<String>>, d: &mut Diagnostics) {
    let Some(named) = named else {
        if let Loaded::Read(source) = load(folder, "config/credentials.csv", d) {
            file(&source, d);
        }
        return;
    };
    let name = names::path(&named.value).filter(|name| !name.is_empty());
    let Some(name) = name.filter(|_| !named.value.starts_with('/')) else {
        let summary = format!("`{}` is not in `config/`", named.value);
        d.push(
            Diagnostic::error(codes::BAD_PATH, named.at.clone(), summary)
                .help("`users: credentials.csv`"),
        );
        return;
    };
    match load(folder, &format!("config/{name}"), d) {
        Loaded::Read(source) => file(&source, d),
        Loaded::Broken => {}
        Loaded::Missing => {
            let summary = format!("`config/{name}` is missing");
            d.push(
                Diagnostic::error(codes::NO_FILE, named.at.clone(), summary)
                    .help("its first line is `username,password,email`"),
            );
        }
    }
}

fn file(source: &Arc<Source>, d: &mut Diagnostics) {
    let mut rows = rows(source, d).into_iter();
    let head = rows.next().filter(|head| !head.is_empty());
    let Some(columns) = head.and_then(|head| columns(source, &head, d)) else {
        if source.text.trim().is_empty() {
            let at = Place::new(source, 0..0);
            d.push(
                Diagnostic::error(codes::MISSING, Some(at), "the file has no columns")
                    .help("its first line is `username,password,email`"),
            );
        }
        return;
    };
    let mut seen: [BTreeMap<String, Place>; 2] = Default::default();
    for row in rows.filter(|row| !row.is_empty()) {
        let Some([user, password, email]) = user(&row, &columns, d) else {
            continue;
        };
        check_name(user, d);
        check_password(password, user, d);
        check_email(email, d);
        for (seen, (what, field)) in seen.iter_mut().zip([("name", user), ("e-mail", email)]) {
            let Some(at) = field.at.as_ref().filter(|_| !field.value.is_empty()) else {
                continue;
            };
            // Some of the services do not tell upper from lower case.
            match seen.get(&field.value.to_lowercase()) {
                None => drop(seen.insert(field.value.to_lowercase(), at.clone())),
                Some(first) => d.push(
                    Diagnostic::error(
                        codes::DUPLICATE_USER,
                        Some(at.clone()),
                        format!("two users have the {what} `{}`", field.value),
                    )
                    .label("the second")
                    .related(first.clone(), "the first"),
                ),
            }
        }
    }
}

/// Which field of a row is which; none where one of them is missing.
struct Columns {
    count: usize,
    of: [usize; 3],
}

fn columns(source: &Arc<Source>, head: &[Sp<String>], d: &mut Diagnostics) -> Option<Columns> {
    let name = |field: &Sp<String>| field.value.trim().to_lowercase();
    if !head
        .iter()
        .any(|field| COLUMNS.contains(&name(field).as_str()))
    {
        // It may be a user, whose password must not be told as the name of a column.
        let at = Place::new(
            source,
            0..source.text.lines().next().unwrap_or_default().len(),
        );
        let summary = "the first line does not name the columns";
        let error = Diagnostic::error(codes::MISSING, Some(at), summary);
        d.push(error.help("write `username,password,email` there, with commas"));
        return None;
    }
    let mut of = [None; 3];
    for (number, field) in head.iter().enumerate() {
        let own = name(field);
        let Some(at) = COLUMNS.iter().position(|column| *column == own) else {
            let summary = format!("unknown column `{}`", field.value.trim());
            let error = Diagnostic::error(codes::UNKNOWN_KEY, field.at.clone(), summary);
            d.push(match did_you_mean(&own, COLUMNS) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("the columns are `username`, `password` and `email`"),
            });
            continue;
        };
        let Some(slot) = of.get_mut(at) else { continue };
        if slot.is_some() {
            let summary = format!("the column `{own}` stands twice");
            d.push(Diagnostic::error(
                codes::DUPLICATE_KEY,
                field.at.clone(),
                summary,
            ));
        }
        *slot = Some(number);
    }
    let line = source.text.lines().next().unwrap_or_default();
    for (column, _) in COLUMNS.iter().zip(&of).filter(|(_, found)| found.is_none()) {
        let at = Place::new(source, 0..line.len());
        let summary = format!("the column `{column}` is missing");
        let error = Diagnostic::error(codes::MISSING, Some(at), summary);
        d.push(error.help("the first line names the columns: `username,password,email`"));
    }
    let [Some(user), Some(password), Some(email)] = of else {
        return None;
    };
    Some(Columns {
        count: head.len(),
        of: [user, password, email],
    })
}

fn user<'r>(
    row: &'r [Sp<String>],
    columns: &Columns,
    d: &mut Diagnostics,
) -> Option<[&'r Sp<String>; 3]> {
    if row.len() != columns.count {
        let first = row.first().and_then(|field| field.at.clone());
        let summary = format!(
            "{} fields where there are {} columns",
            row.len(),
            columns.count
        );
        d.push(
            Diagnostic::error(codes::SYNTAX, first, summary)
                .help("put a value with a comma in it into double quotes"),
        );
        return None;
    }
    let [user, password, email] = columns.of.map(|at| row.get(at));
    Some([user?, password?, email?])
}

fn bad(field: &Sp<String>, summary: String, help: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_VALUE, field.at.clone(), summary).help(help)
}

/// What all of the services take as a user's name.
fn check_name(user: &Sp<String>, d: &mut Diagnostics) {
    let name = user.value.as_str();
    let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty()
        || name.len() > 255
        || name.starts_with(['_', '.', '-'])
        || !name.chars().all(fine)
    {
        let help = "letters, digits, `_`, `.` and `-`, the first a letter or digit, at most 255";
        d.push(bad(user, format!("`{name}` cannot be a user's name"), help));
    }
}

fn check_password(password: &Sp<String>, user: &Sp<String>, d: &mut Diagnostics) {
    let text = password.value.as_str();
    let whose = format!("the password of `{}`", user.value);
    if text.is_empty() || text.chars().count() > 55 || text.contains(char::is_control) {
        let help = "1 to 55 characters, none of them a control character";
        d.push(bad(
            password,
            format!("{whose} is not one that services take"),
            help,
        ));
    } else if let Some(why) = weakness(text, &user.value) {
        d.push(
            Diagnostic::warning(
                codes::WEAK_PASSWORD,
                password.at.clone(),
                format!("{whose} is weak"),
            )
            .label(why)
            .help("a long random one, or four words"),
        );
    }
}

/// `name@host.domain`, as far as that can be told without sending a letter.
pub(super) fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let label = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && !"@,;<>()[]\"".contains(c);
    !name.is_empty() && name.chars().all(fine) && host.contains('.') && host.split('.').all(label)
}

fn check_email(email: &Sp<String>, d: &mut Diagnostics) {
    if !is_email(&email.value) || email.value.len() > 50 {
        let help = "`name@example.org`, at most 50 characters";
        d.push(bad(
            email,
            format!("`{}` is no e-mail address", email.value),
            help,
        ));
    }
}

/// The rows of a CSV file (RFC 4180), those that can be read; lines with nothing on them are none.
///
/// A field ends with its line: nothing that a user has may hold a line break, and a quote that is forgotten spoils
/// its own line only.
fn rows(source: &Arc<Source>, d: &mut Diagnostics) -> Vec<Vec<Sp<String>>> {
    let text = source.text.as_str();
    let error = |span: Range<usize>, summary: &str| {
        Diagnostic::error(codes::SYNTAX, Some(Place::new(source, span)), summary)
    };
    if let Some(at) = text.find('\0') {
        d.push(error(at..at + 1, "the file contains a zero byte"));
        return Vec::new();
    }
    let mut rows = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let content = content.strip_suffix('\r').unwrap_or(content);
        if !content.trim().is_empty() {
            if rows.len() == MOST {
                let summary = format!("`{}` has more than 20,000 lines", source.name);
                let at = Place::new(source, start..start + content.len());
                d.push(Diagnostic::error(codes::TOO_LARGE, Some(at), summary));
                return Vec::new();
            }
            match row(source, start, content) {
                Ok(fields) => rows.push(fields),
                Err(Wrong {
                    span,
                    what,
                    label,
                    help,
                }) => {
                    let error = error(start + span.start..start + span.end, what);
                    d.push(error.label(label).help(help));
                    rows.push(Vec::new());
                }
            }
        }
        start += line.len();
    }
    rows
}

/// Why a line is not read, and which bytes of it are to blame.
struct Wrong {
    span: Range<usize>,
    what: &'static str,
    label: &'static str,
    help: &'static str,
}

/// The fields of a line that starts at a byte of the file.
fn row(source: &Arc<Source>, start: usize, line: &str) -> Result<Vec<Sp<String>>, Wrong> {
    let mut row = Vec::new();
    let mut at = 0;
    loop {
        let rest = line.get(at..).unwrap_or_default();
        let (value, length) = if rest.starts_with('"') {
            quoted(rest).ok_or(Wrong {
                span: at..line.len(),
                what: "the quote is not closed",
                label: "opened here",
                help: "close it on its line with `\"`; a quote itself is written twice",
            })?
        } else {
            let field = rest.split(',').next().unwrap_or_default();
            if let Some(quote) = field.find('"') {
                return Err(Wrong {
                    span: at + quote..at + quote + 1,
                    what: "a quote in a field without quotes",
                    label: "",
                    help: "put the whole field into quotes, and this one twice",
                });
            }
            (field.to_owned(), field.len())
        };
        if row.len() < MOST {
            let place = Place::new(source, start + at..start + at + length);
            row.push(Sp::new(value, &place));
        }
        at += length;
        let rest = line.get(at..).unwrap_or_default();
        if rest.starts_with(',') {
            at += 1;
        } else if rest.is_empty() {
            return Ok(row);
        } else {
            let more = rest.find(',').unwrap_or(rest.len());
            return Err(Wrong {
                span: at..at + more,
                what: "there is more after the closing quote",
                label: "",
                help: "put the whole field into quotes, and quotes in it twice",
            });
        }
    }
}

/// A field in quotes and how long it is; none where the quote is not closed.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != '"' {
            value.push(c);
        } else if chars.next_if(|(_, c)| *c == '"').is_some() {
            value.push('"');
        } else {
            return Some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new(
            "config/credentials.csv",
            "config/credentials.csv",
            text,
        ))
    }

    fn fields(text: &str) -> Vec<Vec<String>> {
        let rows = rows(&source(text), &mut Diagnostics::new());
        let texts = |row: Vec<Sp<String>>| row.into_iter().map(|field| field.value).collect();
        rows.into_iter().map(texts).collect()
    }

    fn said(text: &str) -> String {
        let mut d = Diagnostics::new();
        file(&source(text), &mut d);
        let line = |one: &&Diagnostic| {
            let (line, column) = one.at.as_ref().unwrap().line_column();
            let first = format!("{} {line}:{column} {}", one.code, one.summary);
            let label = Some(one.label.clone()).filter(|label| !label.is_empty());
            let rest = label.into_iter().chain(one.help.clone());
            std::iter::once(first)
                .chain(rest)
                .collect::<Vec<_>>()
                .join("; ")
        };
        let all: Vec<_> = d.sorted().iter().map(line).collect();
        all.join("\n")
    }

    #[test]
    fn fields_are_what_the_standard_says() {
        assert_eq!(
            fields("a,b\r\n\"x, \"\"y\"\" z\", é\n\n,\n1,"),
            [
                vec!["a", "b"],
                vec!["x, \"y\" z", " é"],
                vec!["", ""],
                vec!["1", ""]
            ]
        );
        assert_eq!(fields(""), Vec::<Vec<String>>::new());
        assert_eq!(fields("\"a\"\r"), [["a"]]);
    }

    #[test]
    fn files_of_today_are_fine() {
        let rows = "user1,kuchen-im-regen,user1@example.org\r\nuser2,\"a,b\"\"c-lang genug\",user2@example.org\r\n";
        assert_eq!(said(&format!("username,password,email\r\n{rows}")), "");
        assert_eq!(
            said("username,email,password\nu,u@example.org,kuchen-im-regen\n"),
            ""
        );
        assert_eq!(said("username,password,email\n"), "");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        insta::assert_snapshot!(said(""), @r"E0107 1:1 the file has no columns; its first line is `username,password,email`");
        insta::assert_snapshot!(said("username,pasword\nx,y\n"), @r"
        E0107 1:1 the column `email` is missing; the first line names the columns: `username,password,email`
        E0107 1:1 the column `password` is missing; the first line names the columns: `username,password,email`
        E0104 1:10 unknown column `pasword`; did you mean `password`?
        ");
        insta::assert_snapshot!(said("username;password;email\n"), @r"E0107 1:1 the first line does not name the columns; write `username,password,email` there, with commas");
        insta::assert_snapshot!(said("username,password,email,email\nx,kuchen-im-regen,a@b.c\n"), @r"
        E0103 1:25 the column `email` stands twice
        E0102 2:1 3 fields where there are 4 columns; put a value with a comma in it into double quotes
        ");
        let rows = "A,kuchen-im-regen,a@b.org\n-x,short,nobody\na,dtaas1357,A@b.org\n,,\n";
        insta::assert_snapshot!(said(&format!("username,password,email\n{rows}")), @r"
        E0106 3:1 `-x` cannot be a user's name; letters, digits, `_`, `.` and `-`, the first a letter or digit, at most 255
        W0158 3:4 the password of `-x` is weak; it has fewer than 8 characters; a long random one, or four words
        E0106 3:10 `nobody` is no e-mail address; `name@example.org`, at most 50 characters
        E0161 4:1 two users have the name `a`; the second
        W0158 4:3 the password of `a` is weak; everybody knows it: it stands in templates or in lists of common ones; a long random one, or four words
        E0161 4:13 two users have the e-mail `A@b.org`; the second
        E0106 5:1 `` cannot be a user's name; letters, digits, `_`, `.` and `-`, the first a letter or digit, at most 255
        E0106 5:2 the password of `` is not one that services take; 1 to 55 characters, none of them a control character
        E0106 5:3 `` is no e-mail address; `name@example.org`, at most 50 characters
        ");
        let head = "username,password,email\n";
        insta::assert_snapshot!(said(&format!("{head}x,\"ab,c@d.org\ny,a\"b,d@e.org\nz,\"short\",f@g.org\n")), @r#"
        E0102 2:3 the quote is not closed; opened here; close it on its line with `"`; a quote itself is written twice
        E0102 3:4 a quote in a field without quotes; put the whole field into quotes, and this one twice
        W0158 4:3 the password of `z` is weak; it has fewer than 8 characters; a long random one, or four words
        "#);
        insta::assert_snapshot!(said(&format!("{head}x,\"ab\"c,d@e.org\n")), @r"E0102 2:7 there is more after the closing quote; put the whole field into quotes, and quotes in it twice");
        insta::assert_snapshot!(said(&format!("{head}x,a\"b,d@e.org\n")), @r"E0102 2:4 a quote in a field without quotes; put the whole field into quotes, and this one twice");
        insta::assert_snapshot!(said(&format!("{head}x,a\0b,d@e.org\n")), @r"E0102 2:4 the file contains a zero byte");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn nothing_makes_it_panic(text in "\\PC*|(username,password,email\n)?[a-c@.,\"\r\né ]{0,80}") {
            said(&text);
        }
    }
}
