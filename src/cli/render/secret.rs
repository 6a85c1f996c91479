//! Secrets and generated values: what there is of them and where it is asked for.

use super::style::{self, Cell, Style, Tone, clean};
use crate::ops::secrets::list::{Generated, Kind, Listed, Listing, remarks};
use serde_json::Value;
use std::collections::BTreeSet;

/// For people.
pub fn human(listing: &Listing, style: &Style) -> String {
    if listing.secrets.is_empty() && listing.generated.is_empty() {
        return "No secrets, and none are asked for.\n".to_owned();
    }
    let head = ["NAME", "KIND", "MODE", "ASKED FOR BY"];
    let head: Vec<Cell> = head.map(|text| Cell::new(Tone::Dim, text)).into();
    let mut rows = vec![head];
    for one in &listing.secrets {
        let mut lines: Vec<(Tone, String)> = shown(&one.uses);
        lines.extend(remarks(one).into_iter().map(|text| (tone(one), text)));
        let (kind, tone) = kind(one.kind);
        row(
            &mut rows,
            [
                Cell::plain(&one.name),
                Cell::new(tone, kind),
                Cell::plain(one.mode.as_deref().unwrap_or_default()),
            ],
            lines,
        );
    }
    for one in &listing.generated {
        let (kind, tone) = made(one);
        let first = [
            Cell::plain(&one.address),
            Cell::new(tone, kind),
            Cell::plain(""),
        ];
        row(&mut rows, first, shown(&one.uses));
    }
    style::table(style, 0, &rows)
}

/// For programs.
pub fn json(listing: &Listing) -> Value {
    let mut value = serde_json::to_value(listing).unwrap_or_default();
    if let Value::Object(fields) = &mut value {
        fields.insert("format_version".into(), "1.0".into());
    }
    value
}

/// One row, and one more for each further line of its last cell.
fn row(rows: &mut Vec<Vec<Cell>>, first: [Cell; 3], lines: Vec<(Tone, String)>) {
    let mut lines = lines
        .into_iter()
        .map(|(tone, text)| Cell::new(tone, clean(&text)));
    let mut one: Vec<Cell> = first.into();
    one.extend(lines.next());
    rows.push(one);
    for line in lines {
        let empty = || Cell::plain("");
        rows.push(vec![empty(), empty(), empty(), line]);
    }
}

fn shown(uses: &BTreeSet<String>) -> Vec<(Tone, String)> {
    uses.iter()
        .map(|text| (Tone::Plain, text.clone()))
        .collect()
}

fn tone(one: &Listed) -> Tone {
    match one.open_to_others || one.committed || one.kind == Kind::Missing {
        true => Tone::Warn,
        false => Tone::Dim,
    }
}

fn kind(kind: Kind) -> (&'static str, Tone) {
    match kind {
        Kind::Plain => ("plain", Tone::Plain),
        Kind::Encrypted => ("encrypted", Tone::Plain),
        Kind::Both => ("both", Tone::Warn),
        Kind::Missing => ("missing", Tone::Bad),
    }
}

fn made(one: &Generated) -> (&'static str, Tone) {
    match one.made {
        Some(false) => ("not made yet", Tone::Dim),
        Some(true) | None => ("generated", Tone::Plain),
    }
}
