//! Filters of minijinja's whose arguments say how much they make at once, with a bound on that.

use super::text::{WIDEST, argument};
use super::wrong;
use crate::template::percent::FILTER;
use minijinja::value::{Kwargs, Rest, Value, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State, filters};

pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter(FILTER, percent);
    // No template can name these.
    env.add_filter("own batch", filters::batch);
    env.add_filter("own format", filters::format);
    env.add_filter("own slice", filters::slice);
    env.add_filter("own tojson", filters::tojson);
    for (name, option) in [("batch", "linecount"), ("slice", "slices")] {
        let own = format!("own {name}");
        env.add_filter(
            name,
            move |state: &mut State<'_, '_>, of: Value, args: Rest<Value>, options: Kwargs| {
                let count = argument(&args, 0, &options, option)?;
                let fill = argument(&args, 1, &options, "fill_with")?;
                options.assert_all_used()?;
                count.iter().try_for_each(narrow)?;
                let all: Vec<Value> = [Some(of), count, fill].into_iter().flatten().collect();
                state.apply_filter(&own, &all)
            },
        );
    }
    env.add_filter(
        "tojson",
        |state: &mut State<'_, '_>, of: Value, args: Rest<Value>, options: Kwargs| {
            let indent = argument(&args, 0, &options, "indent")?;
            options.assert_all_used()?;
            indent.iter().try_for_each(narrow)?;
            let all: Vec<Value> = [Some(of), indent].into_iter().flatten().collect();
            state.apply_filter("own tojson", &all)
        },
    );
    env.add_filter(
        "format",
        |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            for spec in args
                .first()
                .and_then(Value::as_str)
                .iter()
                .flat_map(|text| specs(text))
            {
                match spec.contains('*') {
                    true => args.iter().skip(1).try_for_each(narrow)?,
                    false => {
                        let numbers = spec.split(|c: char| !c.is_ascii_digit());
                        numbers
                            .filter(|number| !number.is_empty())
                            .try_for_each(|number| {
                                narrow(&Value::from(number.parse::<u64>().unwrap_or(u64::MAX)))
                            })?;
                    }
                }
            }
            state.apply_filter("own format", &args)
        },
    );
}

/// What Python's `%` does: of a text, a tuple has the values, a table their names; of all else, what is left over.
fn percent(state: &mut State<'_, '_>, text: Value, values: Value) -> Result<Value, Error> {
    if text.as_str().is_none() {
        let rest = state.env().compile_expression("a % b")?;
        let operands = Value::from_pairs([("a", text), ("b", values)]);
        // Its place is that of the filter.
        return rest.eval(operands).map_err(|error| {
            let why = error.detail().unwrap_or_default().to_owned();
            Error::new(error.kind(), why)
        });
    }
    let named =
        values.kind() == ValueKind::Map && text.as_str().is_some_and(|text| text.contains("%("));
    let mut args = vec![text];
    if values.is_tuple() {
        args.extend(values.try_iter()?);
    } else if named {
        let mut all = Vec::new();
        for key in values.try_iter()? {
            all.push((key.to_string(), values.get_item(&key)?));
        }
        args.push(Value::from(all.into_iter().collect::<Kwargs>()));
    } else {
        args.push(values);
    }
    state.apply_filter("format", &args)
}

fn narrow(number: &Value) -> Result<(), Error> {
    match usize::try_from(number.clone()) {
        Ok(number) if number > WIDEST => Err(wrong("that is too wide")),
        _ => Ok(()),
    }
}

/// Flags, width and precision of each value that a text has a place for.
fn specs(text: &str) -> impl Iterator<Item = &str> {
    text.split('%').skip(1).map(|rest| {
        let rest = match rest.strip_prefix('(') {
            Some(named) => named.split_once(')').map_or("", |(_, rest)| rest),
            None => rest,
        };
        let end = rest.find(|c: char| !"0123456789.*#-+ ".contains(c));
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    })
}
