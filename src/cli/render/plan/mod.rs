//! A plan for people, for programs and for a pull request.
//!
//! For people: what changed outside coasti first, then what is done, by label, then what goes, then what is
//! left alone, then what was refused, then one line that sums it up. One line a change, reasons beneath.

mod json;
mod words;

pub use json::{hash, json, markdown};

use super::style::{Style, Tone, clean, columns};
use crate::base::Kind;
use crate::diff::{Action, Cause, Change, FieldChange, Notice, Reason, Refusal};
use crate::model::{Spec, Stack, Text};
use crate::plan::Plan;
use std::collections::BTreeMap;
use words::Counts;

/// How many files of a build that changed are named.
const SHOWN_FILES: usize = 4;

/// The plan for people. `full` shortens no value and shows every field of what is new.
pub fn human(plan: &Plan, desired: &Stack, full: bool, style: &Style) -> String {
    let view = View {
        plan,
        desired,
        full,
        style,
    };
    let blocks = [
        view.drift(),
        view.changes(),
        view.removals(),
        view.notices(),
        view.refusals(),
        view.summary(),
    ];
    let blocks: Vec<_> = blocks.into_iter().filter(|b| !b.is_empty()).collect();
    blocks.join("\n")
}

/// The last line alone: what is done, in numbers.
pub fn summary(plan: &Plan) -> String {
    if !plan.refusals.is_empty() {
        let n = super::style::count(plan.refusals.len(), "problem");
        format!("Refused: {n}. Nothing is done.")
    } else if plan.is_empty() {
        let waits = |notice: &Notice| {
            matches!(
                notice,
                Notice::Held {
                    pending: Some(_),
                    ..
                }
            )
        };
        match plan.notices.iter().any(waits) {
            true if plan.records() => {
                "Nothing to do to what runs; an apply records what changed of what is held."
            }
            true => "Nothing to do: what runs is what the files say, but for what is held.",
            false => "Nothing to do: what runs is what the files say.",
        }
        .to_owned()
    } else {
        Counts::of(plan).line()
    }
}

struct View<'a> {
    plan: &'a Plan,
    desired: &'a Stack,
    full: bool,
    style: &'a Style,
}

/// What is done under one label.
#[derive(Default)]
struct Group<'a> {
    containers: Vec<&'a Change>,
    others: Vec<&'a Change>,
}

impl View<'_> {
    fn heading(&self, text: &str) -> String {
        format!("{}\n", self.style.paint(Tone::Strong, text))
    }

    fn drift(&self) -> String {
        let mut rows = Vec::new();
        for change in &self.plan.changes {
            for reason in change.reasons.iter().filter(|r| words::is_drift(change, r)) {
                let text = words::reason(reason).unwrap_or_default();
                rows.push((thing(change), String::new(), text));
            }
            for field in words::drifted(change) {
                rows.push((thing(change), field.field.clone(), self.values(field)));
            }
        }
        if rows.is_empty() {
            return String::new();
        }
        let mut text = self.heading("Changed outside coasti");
        let name = rows.iter().map(|r| columns(&r.0)).max().unwrap_or(0);
        let mut before = "";
        for (thing, field, what) in &rows {
            let shown = if thing == before { "" } else { thing };
            let line = match field.as_str() {
                "" => what.clone(),
                field => format!("{field}  {what}"),
            };
            let bang = if shown.is_empty() { " " } else { "!" };
            self.row(&mut text, (bang, Tone::Warn), shown, name, &line);
            before = thing;
        }
        text
    }

    /// `  SYMBOL NAME  TEXT`, the text on a line of its own where the three do not fit.
    fn row(&self, out: &mut String, symbol: (&str, Tone), name: &str, pad: usize, text: &str) {
        let mark = self.style.paint(symbol.1, &format!("{:<3}", symbol.0));
        let name = clean(name);
        if 6 + pad + 2 + columns(text) <= self.style.width {
            out.push_str(format!("  {mark} {name:<pad$}  {text}").trim_end());
            out.push('\n');
            return;
        }
        if !name.is_empty() {
            out.push_str(&format!("  {mark} {name}\n"));
        }
        out.push_str(&self.style.wrap(10, text));
    }

    fn groups(&self) -> BTreeMap<String, Group<'_>> {
        let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
        for change in self
            .plan
            .changes
            .iter()
            .filter(|c| c.action != Action::Remove)
        {
            match change.id.kind {
                Kind::Container => {
                    let group = groups.entry(change.id.label().to_owned()).or_default();
                    group.containers.push(change);
                }
                Kind::Image => {
                    let group = groups.entry(self.first_user(change)).or_default();
                    group.others.push(change);
                }
                Kind::Network | Kind::Volume | Kind::File => {
                    let group = groups.entry(change.id.label().to_owned()).or_default();
                    group.others.push(change);
                }
            }
        }
        groups
    }

    /// The first label that runs an image and changes.
    fn first_user(&self, image: &Change) -> String {
        self.plan
            .changes
            .iter()
            .filter(|c| c.id.kind == Kind::Container && c.action != Action::Remove)
            .find(|c| {
                self.desired
                    .resources
                    .get(&c.id)
                    .is_some_and(|r| r.needs.contains_key(&image.id))
            })
            .map(|c| c.id.label().to_owned())
            .unwrap_or_default()
    }

    fn changes(&self) -> String {
        let groups = self.groups();
        let blocks: Vec<_> = groups
            .iter()
            .map(|(label, group)| self.group(label, group))
            .collect();
        blocks.join("\n")
    }

    fn group(&self, label: &str, group: &Group<'_>) -> String {
        let mut text = self.group_heading(label, group);
        let pad = group
            .containers
            .iter()
            .map(|c| columns(&c.id.address))
            .max()
            .unwrap_or(0);
        for change in &group.containers {
            self.container(&mut text, change, pad);
        }
        self.made(&mut text, group);
        text
    }

    fn group_heading(&self, label: &str, group: &Group<'_>) -> String {
        let app = group.containers.iter().find(|c| c.id.address == label);
        let about = app
            .and_then(|c| self.desired.resources.get(&c.id))
            .and_then(|r| r.about.as_ref());
        let mut facts = Vec::new();
        if let Some(about) = about {
            if about.product != label {
                facts.push(about.product.clone());
            }
            facts.extend(about.domain.clone());
        }
        facts.extend(app.and_then(|c| words::strategy(c)));
        let name = if label.is_empty() { "shared" } else { label };
        let mut line = self.style.paint(Tone::Strong, &clean(name));
        for fact in facts {
            line.push_str(&format!(" {} {}", self.style.dot(), clean(&fact)));
        }
        line.push('\n');
        line
    }

    fn container(&self, text: &mut String, change: &Change, pad: usize) {
        let tone = tone(change.action);
        let mut verb = words::verb(change.action).to_owned();
        if self.full {
            verb = format!("{verb}  as {}", change.name);
            if let Some(origin) = &change.origin {
                verb = format!("{verb}  {}", clean(&origin.to_string()));
            }
        }
        self.row(
            text,
            (words::symbol(change.action), tone),
            &change.id.address,
            pad,
            &verb,
        );
        for reason in change.reasons.iter().filter_map(words::reason) {
            text.push_str(&self.style.wrap(8, &clean(&reason)));
        }
        let mut fields: Vec<FieldChange> = change.fields.clone();
        if self.full && change.action == Action::Create {
            fields = self.all_fields(change);
        }
        self.fields(text, &fields);
        if let Some(outside) = self.plan.outside.get(&change.id) {
            let lost = words::outside(outside, self.full);
            text.push_str(&self.style.wrap(8, &clean(&lost)));
        }
        if let Some(impact) = words::impact(change, self.desired) {
            text.push_str(&self.style.wrap(8, &clean(&impact.sentence())));
        }
    }

    /// Every declared field of something new.
    fn all_fields(&self, change: &Change) -> Vec<FieldChange> {
        let Some(resource) = self.desired.resources.get(&change.id) else {
            return Vec::new();
        };
        let Spec::Container(spec) = &resource.spec else {
            return Vec::new();
        };
        let texts = |list: &[Text]| {
            let shown: Vec<_> = list.iter().map(Text::show).collect();
            shown.join(" ")
        };
        crate::model::flatten(&resource.spec)
            .into_iter()
            .map(|(field, value)| {
                // Secrets are told by their digests there; here they are not told at all.
                let shown = match field.as_str() {
                    "command" => texts(spec.command.as_deref().unwrap_or_default()),
                    "entrypoint" => texts(spec.entrypoint.as_deref().unwrap_or_default()),
                    "post_run" => texts(&spec.post_run),
                    name => name
                        .strip_prefix("env.")
                        .and_then(|name| spec.env.get(name))
                        .map_or(value, Text::show),
                };
                FieldChange {
                    // Where the resource stands is said once, beside its name.
                    origin: resource
                        .origin(&field)
                        .filter(|origin| Some(*origin) != resource.origin(""))
                        .cloned(),
                    field,
                    from: None,
                    to: Some(shown),
                    cause: Cause::You,
                }
            })
            .collect()
    }

    /// One line a field: name, old → new, where it stands.
    fn fields(&self, text: &mut String, fields: &[FieldChange]) {
        const INDENT: usize = 8;
        let rows: Vec<_> = fields
            .iter()
            .map(|field| {
                let why = match (field.cause, &field.origin) {
                    (Cause::Drift, _) => "changed outside".to_owned(),
                    (Cause::Upstream, _) => "moved upstream".to_owned(),
                    (Cause::Run, _) => "left by the run that was cut off".to_owned(),
                    (Cause::You, Some(origin)) => origin.to_string(),
                    (Cause::You, None) => String::new(),
                };
                (clean(&field.field), self.values(field), clean(&why))
            })
            .collect();
        let name = rows.iter().map(|r| columns(&r.0)).max().unwrap_or(0);
        let value = rows.iter().map(|r| columns(&r.1)).max().unwrap_or(0);
        let why = rows.iter().map(|r| columns(&r.2)).max().unwrap_or(0);
        let aligned = INDENT + name + 2 + value + 2 + why <= self.style.width;
        for (field, values, origin) in &rows {
            let dim = self.style.paint(Tone::Dim, origin);
            let line = if aligned {
                format!("{field:<name$}  {values:<value$}  {dim}")
            } else if INDENT + name + 2 + columns(values) <= self.style.width {
                let line = format!("{field:<name$}  {values}");
                if INDENT + columns(&line) + 2 + columns(origin) <= self.style.width {
                    format!("{line}  {dim}")
                } else {
                    format!("{line}\n{}{dim}", " ".repeat(INDENT + name + 2))
                }
            } else {
                text.push_str(&format!("{}{field}\n", " ".repeat(INDENT)));
                text.push_str(&self.style.wrap(INDENT + 2, values));
                if !origin.is_empty() {
                    text.push_str(&format!("{}{dim}\n", " ".repeat(INDENT + 2)));
                }
                continue;
            };
            text.push_str(&" ".repeat(INDENT));
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }

    /// `old → new`; only `new` for a field of something new.
    fn values(&self, field: &FieldChange) -> String {
        let room = self.style.width.saturating_sub(12).max(20);
        let one = |value: &Option<String>| {
            let Some(value) = value else {
                return "(not set)".to_owned();
            };
            let mut value = clean(value);
            if field.field == "image" && !self.full {
                value = words::bare(&value);
            }
            match value.is_empty() {
                true => "(empty)".to_owned(),
                false if self.full => value,
                false => self.style.shorten(&value, room / 2),
            }
        };
        if self.full && field.from.is_none() && field.cause == Cause::You {
            return one(&field.to);
        }
        let (mut from, mut to) = (one(&field.from), one(&field.to));
        if from == to
            && let (Some(old), Some(new)) = (&field.from, &field.to)
        {
            // What differs is what was left out.
            (from, to) = self
                .style
                .shorten_around(&clean(old), &clean(new), room / 2);
        }
        format!("{from} {} {to}", self.style.arrow())
    }

    /// What is made for a group's containers, on one line where it fits.
    fn made(&self, text: &mut String, group: &Group<'_>) {
        let mut parts = Vec::new();
        for (kind, what) in [
            (Kind::Network, "network"),
            (Kind::Volume, "volume"),
            (Kind::File, "file volume"),
        ] {
            let (new, gone): (Vec<&Change>, Vec<&Change>) = group
                .others
                .iter()
                .filter(|c| c.id.kind == kind)
                .partition(|c| !c.reasons.contains(&Reason::Gone));
            parts.extend(list(what, &new, |c| c.name.clone()));
            parts.extend(
                list(what, &gone, |c| c.name.clone())
                    .map(|text| format!("{text} (gone from the engine)")),
            );
        }
        let images: Vec<&Change> = group
            .others
            .iter()
            .filter(|c| c.id.kind == Kind::Image)
            .copied()
            .collect();
        let (built, images): (Vec<&Change>, Vec<&Change>) =
            images.into_iter().partition(|c| c.action == Action::Build);
        let (moved, missing): (Vec<&Change>, Vec<&Change>) = images
            .into_iter()
            .partition(|c| c.fields.iter().any(|f| f.cause == Cause::Upstream));
        let short = |c: &Change| {
            let name = c.name.as_str();
            if self.full {
                name.to_owned()
            } else {
                words::bare(name)
            }
        };
        parts.extend(list("image", &missing, short));
        parts.extend(list("image", &moved, short).map(|text| format!("{text} (moved upstream)")));
        parts.extend(built.into_iter().map(|image| {
            let why = words::built(image, if self.full { usize::MAX } else { SHOWN_FILES });
            let lead = if why.is_empty() { "" } else { ": " };
            let of = image
                .origin
                .iter()
                .map(|of| format!(" ({of})"))
                .collect::<String>();
            format!(
                "image {}, to be built{lead}{}{of}",
                short(image),
                why.join(", ")
            )
        }));
        let mark = self.style.paint(Tone::Good, "+  ");
        for (index, part) in parts.iter().enumerate() {
            let lead = if index == 0 { "with " } else { "     " };
            let wrapped = self.style.wrap(11, &clean(part));
            let rest = wrapped.get(11..).unwrap_or_default();
            let mark = if index == 0 { &mark } else { "   " };
            text.push_str(&format!("  {mark} {lead}{rest}"));
        }
    }

    fn removals(&self) -> String {
        let mut gone: Vec<_> = self
            .plan
            .changes
            .iter()
            .filter(|c| c.action == Action::Remove)
            // Files go with what read them; nobody looks for them.
            .filter(|c| self.full || c.id.kind != Kind::File)
            .collect();
        // Containers first: that is what people look for.
        gone.sort_by_key(|c| (c.id.kind != Kind::Container, &c.id));
        if gone.is_empty() {
            return String::new();
        }
        let destroyed = gone.iter().all(|c| c.reasons.contains(&Reason::Destroyed));
        let mut text = self.heading(match destroyed {
            true => "Removed; their volumes stay",
            false => "Removed, no longer in the files; their volumes stay",
        });
        let pad = gone
            .iter()
            .map(|c| columns(&thing(c)))
            .max()
            .unwrap_or_default();
        for change in gone {
            let leftover = change.reasons.iter().find_map(words::reason);
            let runs = change
                .container
                .iter()
                .flat_map(|c| &c.others)
                .any(|object| object.active);
            let verb = if runs { "stop and remove" } else { "remove" };
            let words = match leftover {
                Some(why) => format!("{verb}: {why}"),
                None => verb.to_owned(),
            };
            self.row(&mut text, ("-", Tone::Bad), &thing(change), pad, &words);
        }
        text
    }

    fn notices(&self) -> String {
        if self.plan.notices.is_empty() {
            return String::new();
        }
        let mut text = self.heading("Left as it is");
        for notice in &self.plan.notices {
            let wrapped = self.style.wrap(4, &clean(&words::notice(notice)));
            text.push_str(&wrapped);
        }
        text
    }

    fn refusals(&self) -> String {
        let blocks: Vec<_> = self
            .plan
            .refusals
            .iter()
            .map(|r| refusal(r, self.style))
            .collect();
        blocks.join("\n")
    }

    fn summary(&self) -> String {
        let text = summary(self.plan);
        let tone = if self.plan.refusals.is_empty() {
            Tone::Strong
        } else {
            Tone::Bad
        };
        // The word about data stands alone where the line is too long for both.
        let lines = match text.split_once(" Data: ") {
            Some((plan, data)) if columns(&text) > self.style.width => {
                self.style.wrap(0, plan) + &format!("Data: {data}\n")
            }
            _ => self.style.wrap(0, &text),
        };
        let lines: Vec<_> = lines
            .lines()
            .map(|line| self.style.paint(tone, line))
            .collect();
        format!("{}\n", lines.join("\n"))
    }
}

/// One refusal, in the look of an error in a file.
pub fn refusal(refusal: &Refusal, style: &Style) -> String {
    let head = style.paint(Tone::Bad, &format!("error[{}]", refusal.code));
    let mut text = format!("{head}: {}\n", clean(&refusal.summary));
    if let Some(origin) = &refusal.origin {
        let line = format!("  --> {}", clean(&origin.to_string()));
        text.push_str(&format!("{}\n", style.paint(Tone::Dim, &line)));
    }
    text.push_str(&style.wrap(4, &clean(&refusal.why)));
    for (index, help) in refusal.help.iter().enumerate() {
        let lead = if index == 0 { "help: " } else { "      " };
        let wrapped = style.wrap(10, &clean(help));
        text.push_str(&format!(
            "    {lead}{}",
            wrapped.get(10..).unwrap_or_default()
        ));
    }
    text
}

const fn tone(action: Action) -> Tone {
    match action {
        Action::Pull | Action::Build | Action::Create => Tone::Good,
        Action::Start | Action::Update | Action::Restore | Action::Replace => Tone::Warn,
        Action::Remove => Tone::Bad,
    }
}

/// How a resource is called: a container by its address, anything else with its kind.
fn thing(change: &Change) -> String {
    match change.id.kind {
        Kind::Container => change.id.address.clone(),
        kind => format!("{kind} {}", change.name),
    }
}

/// `volume a`, `volumes a, b`; none where there are none.
fn list(what: &str, changes: &[&Change], name: impl Fn(&Change) -> String) -> Option<String> {
    let names: Vec<_> = changes.iter().map(|c| name(c)).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("{what} {one}")),
        many => Some(format!("{what}s {}", many.join(", "))),
    }
}

#[cfg(test)]
mod tests;
