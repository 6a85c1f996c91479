//! Methods of Python's texts that templates call, beside those that minijinja has.

use super::filters::text::{centered, missing};
use minijinja::value::{Tuple, Value};
use minijinja::{Error, ErrorKind, State};

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, why.to_owned())
}

pub(super) fn call(
    state: &mut State<'_, '_>,
    of: &Value,
    method: &str,
    args: &[Value],
) -> Result<Value, Error> {
    match of.as_str().map(|text| on_text(text, method, args)) {
        Some(Ok(Some(value))) => Ok(value),
        Some(Err(error)) => Err(error),
        Some(Ok(None)) | None => {
            minijinja_contrib::pycompat::unknown_method_callback(state, of, method, args)
        }
    }
}

/// None where it is no method of these.
fn on_text(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let word = |at: usize| args.get(at).and_then(Value::as_str);
    let need = |at: usize| word(at).ok_or_else(|| wrong("a text is missing"));
    let number = |at: usize| {
        args.get(at)
            .map(|value| usize::try_from(value.clone()))
            .transpose()
    };
    let width = || number(0)?.ok_or_else(|| wrong("a width is missing"));
    let fill = || match word(1) {
        None => Ok(' '),
        Some(one) => {
            let mut chars = one.chars();
            match (chars.next(), chars.next()) {
                (Some(c), None) => Ok(c),
                _ => Err(wrong("what fills up is one character")),
            }
        }
    };
    let pad = |count: usize, c: char| c.to_string().repeat(count);
    let at = |found: Option<usize>| match found {
        Some(at) => Ok(Value::from(
            text.get(..at).unwrap_or_default().chars().count(),
        )),
        None => Err(wrong("it is not in there")),
    };
    let three = |one: &str, two: &str, three: &str| {
        Value::from(Tuple::from([one, two, three].map(Value::from).to_vec()))
    };
    Ok(Some(match method {
        "zfill" => {
            let zeros = pad(missing(text, width()?)?, '0');
            let (sign, digits) = match text.starts_with(['+', '-']) {
                true => text.split_at(1),
                false => ("", text),
            };
            Value::from(format!("{sign}{zeros}{digits}"))
        }
        "ljust" => Value::from(format!("{text}{}", pad(missing(text, width()?)?, fill()?))),
        "rjust" => Value::from(format!("{}{text}", pad(missing(text, width()?)?, fill()?))),
        "center" => Value::from(centered(text, width()?, fill()?)?),
        "index" => at(text.find(need(0)?))?,
        "rindex" => at(text.rfind(need(0)?))?,
        "partition" => match text.split_once(need(0)?) {
            Some((before, after)) => three(before, need(0)?, after),
            None => three(text, "", ""),
        },
        "rpartition" => match text.rsplit_once(need(0)?) {
            Some((before, after)) => three(before, need(0)?, after),
            None => three("", "", text),
        },
        "rsplit" if word(0).is_some() => {
            let parts: Vec<&str> = match number(1)? {
                Some(most) => text.rsplitn(most.saturating_add(1), need(0)?).collect(),
                None => text.rsplit(need(0)?).collect(),
            };
            Value::from_iter(parts.into_iter().rev().map(Value::from))
        }
        "removeprefix" => Value::from(text.strip_prefix(need(0)?).unwrap_or(text)),
        "removesuffix" => Value::from(text.strip_suffix(need(0)?).unwrap_or(text)),
        "casefold" => Value::from(text.to_lowercase()),
        "swapcase" => Value::from(
            text.chars()
                .flat_map(|c| match c.is_uppercase() {
                    true => c.to_lowercase().collect::<Vec<_>>(),
                    false => c.to_uppercase().collect(),
                })
                .collect::<String>(),
        ),
        _ => return Ok(None),
    }))
}
