//! `.env` files as Compose takes them: variables filled in, secrets told apart.

use super::interpolate::{Vars, fill_env, guarded, named};
#[cfg(test)]
use super::tree::Bit;
use super::tree::Str;
use crate::base::Secret;
use crate::config::budget::Budget;
use crate::config::env_file::{self, Dialect, Variable};
use crate::diag::{Before, Diagnostics, MAX_USED, Place, Source, Used};
use std::{collections::BTreeSet, sync::Arc};

/// A line of a `.env` file.
#[derive(Clone, Debug)]
pub(in crate::config) struct Line {
    /// The variable.
    pub name: String,
    /// Its value; none where only the name stands there.
    pub value: Option<Str>,
    /// Where.
    pub at: Place,
}

/// Reads a `.env` file. Its values may name `outer` variables, which win, and those of files read before and of
/// its own, `own`. Those of `secret` are hidden as well; what its own secrets are made of is added there.
pub(in crate::config) fn read(
    source: &Arc<Source>,
    outer: &Vars,
    own: &mut Vars,
    dialect: Dialect,
    secret: &mut BTreeSet<String>,
    budget: &mut Budget,
    d: &mut Diagnostics,
) -> Vec<Line> {
    let mut lines = Vec::new();
    if !budget.text(source.text.len(), Some(&Place::new(source, 0..0)), d) {
        return lines;
    }
    for variable in env_file::parse(source, dialect, d) {
        let Some(at) = variable.name.at.clone() else {
            continue;
        };
        let name = variable.name.value.clone();
        let (value, used) = value(&variable, &at, outer, own, d);
        if let Some(text) = variable.value.as_ref().filter(|_| variable.expands) {
            named(&name, &text.value, secret);
        }
        let value = value.map(|value| match secret.contains(&name) {
            true => value.hidden(),
            false => guarded(&name, value),
        });
        let filled = value.as_ref().filter(|_| variable.expands);
        if !budget.text(filled.map_or(0, Str::len), Some(&at), d) {
            break;
        }
        let at = at.using(used);
        if let Some(value) = &value {
            own.set(&name, value.clone(), Before::File(at.clone()));
        }
        lines.push(Line { name, value, at });
    }
    lines
}

/// The variables of a `.env` file, each filled in from those before it. A name without a value is none.
pub fn variables(source: &Arc<Source>, d: &mut Diagnostics) -> Vec<(String, Secret<String>)> {
    let (outer, mut own) = (Vars::default(), Vars::default());
    let lines = read(
        source,
        &outer,
        &mut own,
        Dialect::Compose,
        &mut BTreeSet::new(),
        &mut Budget::default(),
        d,
    )
    .into_iter();
    lines
        .filter_map(|line| Some((line.name, Secret::new(line.value?.open()?))))
        .collect()
}

/// A value, and the variables that were filled into it.
fn value(
    variable: &Variable,
    at: &Place,
    outer: &Vars,
    own: &Vars,
    d: &mut Diagnostics,
) -> (Option<Str>, Used) {
    let mut used = Used::new();
    let text = match &variable.value {
        _ if variable.broken => return (Some(Str::default()), used),
        None => return (None, used),
        Some(text) => text.value.as_str(),
    };
    if !variable.expands || !text.contains('$') {
        return (Some(Str::plain(text)), used);
    }
    let mut lookup = |name: &str, _| {
        let vars = [outer, own]
            .into_iter()
            .find(|vars| vars.get(name).is_some())?;
        if used.len() < MAX_USED {
            used.extend(vars.origin(name));
        }
        vars.get(name).cloned()
    };
    let filled = fill_env(text, &mut lookup, at).map_err(|error| d.push(*error));
    (Some(filled.unwrap_or_default()), used)
}

/// Whether a value is not secret: for messages.
#[cfg(test)]
fn is_open(value: &Str) -> bool {
    value.bits().iter().all(|bit| matches!(bit, Bit::Plain(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> String {
        let source = Arc::new(Source::new(".env", ".env", text));
        let mut d = Diagnostics::new();
        let (outer, mut own) = (Vars::default(), Vars::default());
        let read = read(
            &source,
            &outer,
            &mut own,
            Dialect::Compose,
            &mut BTreeSet::new(),
            &mut Budget::default(),
            &mut d,
        );
        let shown = read.iter().map(|line| {
            let value = line.value.as_ref();
            let value = value.map(|value| {
                format!(
                    "{:?}{}",
                    value.open().unwrap(),
                    if is_open(value) { "" } else { "*" }
                )
            });
            format!("{}={}", line.name, value.unwrap_or_default())
        });
        let said = d.sorted().into_iter().map(|one| {
            let (line, column) = one.at.as_ref().unwrap().line_column();
            format!("{} {line}:{column} {}", one.code, one.summary)
        });
        shown.chain(said).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_dialect_is_composes() {
        for (text, wanted) in [
            (
                "A=1\nexport B=2 # two\n\n# no\nC=x#y\r\nD = e \n",
                r#"A="1" B="2" C="x#y" D="e""#,
            ),
            (
                "A='l $X \\'q\\''\nB=\"a\\tb\\n$A \\$A\"\n",
                "A=\"l $X 'q'\" B=\"a\\tb\\nl $X 'q' $A\"",
            ),
            ("A='one\ntwo' # c\nB=3", r#"A="one\ntwo" B="3""#),
            ("A=x\nB=${A}-${NO:-d}$$\nC", r#"A="x" B="x-d$" C="#),
            (
                "DB_PASSWORD=p\nURL=http://u:${DB_PASSWORD}@h\nK: v",
                r#"DB_PASSWORD="p"* URL="http://u:p@h"* K="v""#,
            ),
            ("A='x\n", r#"A="" E0174 1:3 the quote is not closed"#),
            ("A B=1\n", "E0174 1:1 this is no variable"),
            (
                "A='x' y\n",
                r#"A="" E0174 1:7 there is more after the closing quote"#,
            ),
            // As Compose itself reads them.
            (
                "A='it\\'s'\nB=\"x\\$y \\\\ \\q\"\nC=a\\ b\\n\nG=$$x ${A}\nH=\"${B}\"\nJ=`x`\nM=  spaced out  ",
                r#"A="it's" B="x$y \\ \\q" C="a\\ b\\n" G="$x it's" H="x$y \\ \\q" J="`x`" M="spaced out""#,
            ),
            ("A=#c\nB= \nC=5$", r##"A="#c" B="" C="5$""##),
        ] {
            assert_eq!(lines(text), wanted, "{text:?}");
        }
    }
}
