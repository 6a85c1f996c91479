//! Values of variables: templates, references between an app and its providers, generated ones, secrets.
//!
//! Every variable is worked out once. A variable that needs itself is an error that shows the way round.

use super::template::{self, Piece};
use super::{Draft, apart, codes};
use crate::base::{Secret, ValueId};
use crate::config::app::{EnvDef, EnvKind};
use crate::config::doc::Sp;
use crate::config::secrecy;
use crate::config::secrets::{self, Content, Found};
use crate::config::{Folder, Recipe};
use crate::diag::{Before, Diagnostic, Diagnostics, Place, Used, did_you_mean};
use crate::model::{Part, Text};
use std::collections::{BTreeMap, BTreeSet};

/// How long a chain of references may be; far beyond what anybody writes, far below what a stack holds.
const MAX_CHAIN: usize = 64;

/// An app (called `""`) or a provider, as far as values go.
pub(super) struct Unit {
    /// Starts the ids of its generated values.
    pub address: String,
    /// Its variables.
    pub env: BTreeMap<String, Sp<EnvDef>>,
    /// What else can be referred to.
    pub properties: BTreeMap<String, String>,
    /// Its volumes, with what can be referred to in them.
    pub volumes: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether it may have more of all that, because something about it was wrong: what is not known is no error.
    pub open: bool,
}

/// By unit, then by variable: names are compared often, and units are few.
type Named<T> = BTreeMap<String, BTreeMap<String, T>>;

/// Works out the values of one site.
pub(super) struct Values<'a> {
    /// The app and its providers.
    pub units: &'a BTreeMap<String, Unit>,
    /// Where secrets' files are.
    pub folder: &'a dyn Folder,
    /// The setting `external_ip`.
    pub external_ip: Option<&'a str>,
    /// Where the site is, for what has no place.
    pub at: &'a Place,
    /// Which unit needs which provider.
    pub needs: BTreeMap<String, BTreeSet<String>>,
    /// Variables that make secrets: those that stand in the place of a password.
    feeds: BTreeSet<(String, String)>,
    done: Named<Option<Text>>,
    used: Named<Used>,
    path: Vec<(String, String)>,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        units: &'a BTreeMap<String, Unit>,
        folder: &'a dyn Folder,
        external_ip: Option<&'a str>,
        at: &'a Place,
    ) -> Self {
        Self {
            units,
            folder,
            external_ip,
            at,
            needs: BTreeMap::new(),
            feeds: apart::feeds(units),
            done: BTreeMap::new(),
            used: BTreeMap::new(),
            path: Vec::new(),
        }
    }

    /// Where a problem is shown: at the site where nobody wrote what is wrong.
    fn place(&self, at: Option<&Place>) -> Option<Place> {
        Some(at.unwrap_or(self.at).clone())
    }

    /// Where a variable that stands at `at` comes from, with what it takes.
    pub(super) fn origin(&self, unit: &str, name: &str, at: &Place) -> Place {
        let used = self.used.get(unit).and_then(|unit| unit.get(name));
        at.clone().using(used.cloned().unwrap_or_default())
    }

    /// Notes what the variable takes that is being worked out.
    fn uses(&mut self, name: String, before: Before) {
        if let Some((unit, taker)) = self.path.last() {
            let used = self.used.entry(unit.clone()).or_default();
            used.entry(taker.clone()).or_default().insert(name, before);
        }
    }

    /// Notes that it takes another variable.
    fn takes(&mut self, unit: &str, name: &str) {
        let found = self.units.get(unit).and_then(|unit| unit.env.get(name));
        let Some(def) = found else { return };
        let before = match &def.at {
            Some(at) => Before::File(self.origin(unit, name, at)),
            None => Before::Own(def.value.kind.words()),
        };
        self.uses(called(unit, name), before);
    }

    /// The value of a variable; none where it has none, which was said.
    pub(super) fn variable(
        &mut self,
        unit: &str,
        name: &str,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Text> {
        if let Some(done) = self.done.get(unit).and_then(|unit| unit.get(name)) {
            return done.clone();
        }
        let key = (unit.to_owned(), name.to_owned());
        let def = self.units.get(unit)?.env.get(name)?;
        let circle = self.path.iter().position(|at| *at == key);
        if circle.is_some() || self.path.len() >= MAX_CHAIN {
            let around = self.path.iter().skip(circle.unwrap_or(0)).chain([&key]);
            let shown: Vec<_> = around.map(|(unit, name)| called(unit, name)).collect();
            let summary = match circle {
                Some(_) => format!(
                    "variables need each other in a circle: {}",
                    shown.join(" → ")
                ),
                None => format!("a chain of more than {MAX_CHAIN} variables, up to `{name}`"),
            };
            d.push(Diagnostic::error(
                codes::CYCLE,
                self.place(def.at.as_ref()),
                summary,
            ));
            return None;
        }
        self.path.push(key);
        let value = self.work_out(unit, name, def, draft, d);
        self.path.pop();
        let done = self.done.entry(unit.to_owned()).or_default();
        done.insert(name.to_owned(), value.clone());
        value
    }

    fn work_out(
        &mut self,
        unit: &str,
        name: &str,
        def: &'a Sp<EnvDef>,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Text> {
        match &def.value.kind {
            EnvKind::Text(text) => {
                let text =
                    self.template(unit, text, def.at.as_ref(), &BTreeMap::new(), draft, d)?;
                Some(self.hide(unit, name, text, draft))
            }
            EnvKind::Of { from, key } => self.refer(unit, from, key, def.at.as_ref(), draft, d),
            EnvKind::Generated(generated) => {
                if let (Recipe::ExternalIp, Some(ip)) = (&generated.recipe, self.external_ip) {
                    return Some(Text::plain(ip));
                }
                let address = &self.units.get(unit)?.address;
                let id = ValueId::new(format!("{address}/{name}"));
                let asked = draft.asked.generated.entry(id.clone()).or_default();
                asked.extend(self.place(def.at.as_ref()).as_ref().map(Place::origin));
                draft.recipes.insert(id.clone(), generated.clone());
                Some(Text::value(id, None))
            }
            EnvKind::Secret(secret) => {
                let found = self.secret(secret, false, def.at.as_ref(), draft, d);
                let file = secrets::path(secret, |id| draft.encrypted.contains_key(id));
                self.uses(file, Before::Own("***".to_owned()));
                found
            }
        }
    }

    /// A secret's content: `whole` as it is, for a file; else without the line break at its end.
    fn secret(
        &self,
        name: &str,
        whole: bool,
        at: Option<&Place>,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Text> {
        let at = self.place(at);
        let id = secret(self.folder, name, whole, at.as_ref(), draft, d)?;
        Some(Text::value(id, None))
    }

    /// What is in the file of a variable that is delivered as one: references to values only.
    pub(super) fn content(
        &mut self,
        unit: &str,
        name: &str,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Text> {
        let def = self.units.get(unit)?.env.get(name)?;
        let text = match &def.value.kind {
            EnvKind::Secret(secret) => self.secret(secret, true, def.at.as_ref(), draft, d)?,
            _ => self.variable(unit, name, draft, d)?,
        };
        Some(self.apart(unit, name, text, draft))
    }

    /// Takes text that must not be shown out of the specs.
    fn hide(&self, unit: &str, name: &str, text: Text, draft: &mut Draft) -> Text {
        let secret = secrecy::is_secret_name(name)
            || self.feeds.contains(&(unit.to_owned(), name.to_owned()))
            || secrecy::has_credentials(&text.line());
        match secret {
            true => self.apart(unit, name, text, draft),
            false => text,
        }
    }

    /// Keeps what is plain in a text apart, so that a spec refers to it.
    fn apart(&self, unit: &str, name: &str, text: Text, draft: &mut Draft) -> Text {
        let address = self
            .units
            .get(unit)
            .map_or("", |unit| unit.address.as_str());
        let mut hidden = Vec::new();
        for (n, part) in text.parts().iter().enumerate() {
            match part {
                Part::Plain(plain) => {
                    // An id of the draft's own: the real one needs the key.
                    let id = ValueId::new(format!("given:{address}/{name}#{n}"));
                    draft.given.insert(id.clone(), Secret::new(plain.clone()));
                    hidden.extend(Text::value(id, None).parts().iter().cloned());
                }
                Part::Value(_) => hidden.push(part.clone()),
            }
        }
        hidden.into_iter().collect()
    }

    /// A text with `{NAME}` in it, of the unit's variables and `more`.
    pub(super) fn template(
        &mut self,
        unit: &str,
        text: &str,
        at: Option<&Place>,
        more: &BTreeMap<String, String>,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Text> {
        let pieces = match template::split(text) {
            Ok(pieces) => pieces,
            Err(_) => {
                d.push(
                    Diagnostic::error(
                        codes::BRACE,
                        self.place(at),
                        "a brace that is not part of `{NAME}`",
                    )
                    .help("write `{{` and `}}` for braces themselves"),
                );
                return None;
            }
        };
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Plain(text) => parts.push(Part::Plain(text)),
                Piece::Name(name) => {
                    let env = &self.units.get(unit)?.env;
                    if let Some(path) = env.get(&name).and_then(|def| def.value.path(&name)) {
                        // What runs in the same container reads the file.
                        parts.push(Part::Plain(path));
                    } else if env.contains_key(&name) {
                        let value = self.variable(unit, &name, draft, d)?;
                        self.takes(unit, &name);
                        parts.extend(value.parts().iter().cloned());
                    } else if let Some(text) = more.get(&name) {
                        self.uses(name, Before::Own(text.clone()));
                        parts.push(Part::Plain(text.clone()));
                    } else if self.units.get(unit)?.open {
                        return None;
                    } else {
                        let known = env.keys().chain(more.keys()).map(String::as_str);
                        let error = Diagnostic::error(
                            codes::UNKNOWN_PROPERTY,
                            self.place(at),
                            format!("`{{{name}}}` names no variable"),
                        );
                        d.push(match did_you_mean(&name, known) {
                            Some(near) => error.help(format!("did you mean `{{{near}}}`?")),
                            None => error.help("write `{{` and `}}` for braces themselves"),
                        });
                        return None;
                    }
                }
            }
        }
        let text: Text = parts.into_iter().collect();
        let at = self.place(at);
        let fits = draft.budget.text(text.len(), at.as_ref(), d);
        fits.then_some(text)
    }

    /// What `{from, key}` stands for.
    pub(super) fn refer(
        &mut self,
        unit: &str,
        from: &str,
        key: &str,
        at: Option<&Place>,
        draft: &mut Draft,
        d: &mut Diagnostics,
    ) -> Option<Text> {
        let own = self.units.get(unit)?;
        if let Some(volume) = own.volumes.get(from) {
            if let Some(text) = volume.get(&key.replace('-', "_")) {
                self.uses(called(from, key), Before::Own(text.clone()));
                return Some(Text::plain(text.clone()));
            }
            let known = volume.keys().map(String::as_str);
            d.push(unknown(
                self.place(at),
                &format!("the volume `{from}`"),
                key,
                known,
            ));
            return None;
        }
        let target = if from.is_empty() { unit } else { from };
        let Some(other) = self
            .units
            .get(target)
            .filter(|_| !target.is_empty() || unit.is_empty())
        else {
            if self.units.get("").is_some_and(|app| app.open) {
                return None;
            }
            let known: Vec<&str> = own
                .volumes
                .keys()
                .chain(self.units.keys())
                .map(String::as_str)
                .filter(|name| !name.is_empty() && *name != unit)
                .collect();
            let mut error = Diagnostic::error(
                codes::UNKNOWN_SOURCE,
                self.place(at),
                format!("`from: {from}` names no provider and no volume"),
            );
            if let Some(near) = did_you_mean(from, known.iter().copied()) {
                error = error.help(format!("did you mean `{near}`?"));
            } else if known.is_empty() {
                error = error.help("the app has none: declare a provider, or leave `from` out");
            } else {
                error = error.help(format!("there are {}", quoted(&known)));
            }
            d.push(error);
            return None;
        };
        if target != unit {
            self.needs
                .entry(unit.to_owned())
                .or_default()
                .insert(target.to_owned());
        }
        if other.env.contains_key(key) {
            let value = self.variable(target, key, draft, d);
            self.takes(target, key);
            return value;
        }
        if let Some(text) = other.properties.get(&key.replace('-', "_")) {
            self.uses(called(from, key), Before::Own(text.clone()));
            return Some(Text::plain(text.clone()));
        }
        if other.open {
            return None;
        }
        let what = if target.is_empty() {
            "the app".to_owned()
        } else {
            format!("`{target}`")
        };
        if key == "domain" {
            let error = Diagnostic::error(
                codes::UNKNOWN_PROPERTY,
                self.place(at),
                "the site has no `domain`",
            );
            d.push(error.related(self.at.clone(), "this one"));
            return None;
        }
        let known = other
            .env
            .keys()
            .chain(other.properties.keys())
            .map(String::as_str);
        d.push(unknown(self.place(at), &what, key, known));
        None
    }
}

/// What a variable or property of a unit is called; the app's have their names alone.
fn called(unit: &str, name: &str) -> String {
    match unit {
        "" => name.to_owned(),
        unit => format!("{unit}.{name}"),
    }
}

/// Takes a secret of the stack's folder in; returns its value's id.
pub(super) fn secret(
    folder: &dyn Folder,
    name: &str,
    whole: bool,
    at: Option<&Place>,
    draft: &mut Draft,
    d: &mut Diagnostics,
) -> Option<ValueId> {
    let asked = draft.asked.secrets.entry(name.to_owned()).or_default();
    asked.extend(at.map(Place::origin));
    let Found { content, encrypted } = secrets::find(folder, name, at, d)?;
    let id = secrets::id(name, whole);
    if let Some(digest) = encrypted {
        draft.encrypted.insert(id.clone(), digest);
    }
    if let Content::Open(value) = &content
        && !draft.budget.text(value.expose().len(), at, d)
    {
        return None;
    }
    let value = match content {
        Content::Open(value) if whole => value,
        Content::Open(value) => secrets::for_variable(name, &value, at, d)?,
        Content::Locked(locked) => {
            let error = secrets::locked(name, &locked, at);
            draft.locked.insert(id.clone(), error);
            return Some(id);
        }
    };
    draft.given.insert(id.clone(), value);
    Some(id)
}

/// How many names are told of.
const MOST_TOLD: usize = 20;

/// Names for a message, not all where they are many.
pub(in crate::config) fn quoted(names: &[&str]) -> String {
    let told = names.iter().take(MOST_TOLD);
    let told: Vec<_> = told.map(|name| format!("`{name}`")).collect();
    let more = if names.len() > MOST_TOLD { ", …" } else { "" };
    told.join(", ") + more
}

fn unknown<'k>(
    at: Option<Place>,
    what: &str,
    key: &str,
    known: impl Iterator<Item = &'k str>,
) -> Diagnostic {
    let known: Vec<&str> = known.collect();
    let error = Diagnostic::error(
        codes::UNKNOWN_PROPERTY,
        at,
        format!("unknown property `{key}` of {what}"),
    );
    match did_you_mean(key, known.iter().copied()) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("there are {}", quoted(&known))),
    }
}
