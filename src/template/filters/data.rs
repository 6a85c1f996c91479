//! Filters on numbers, lists and tables, as Jinja and Ansible have them.

use super::{below, wrong};
use crate::template::jinja::Dice;
use crate::template::question;
use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Environment, Error, State};
use std::sync::Arc;

/// No table is laid over others, and no list flattened, deeper than this.
const DEEPEST: usize = 64;

pub(super) fn add(env: &mut Environment<'static>, dice: &Dice) {
    env.add_filter("attr", attribute);
    env.add_filter("combine", combined);
    env.add_filter("dictsort", sorted);
    env.add_filter(
        "flatten",
        |of: Value, levels: Option<usize>, options: Kwargs| {
            let levels = levels.or(options.get("levels")?);
            let skip = options.get::<Option<bool>>("skip_nulls")?.unwrap_or(true);
            options.assert_all_used()?;
            let mut flat = Vec::new();
            flatten(&of, levels.unwrap_or(DEEPEST).min(DEEPEST), skip, &mut flat)?;
            Ok::<_, Error>(flat)
        },
    );
    env.add_filter("from_yaml", |of: String| match question::yaml(&of) {
        Some(value) => Ok(Value::from(minijinja::value::Serde(value))),
        None => Err(wrong("not YAML")),
    });
    env.add_filter("int", int);
    env.add_filter("float", float);
    let own = Arc::clone(dice);
    env.add_filter("random", move |of: Value| one_of(&of, &own));
    let own = Arc::clone(dice);
    env.add_filter("shuffle", move |of: Value| {
        let mut items: Vec<Value> = of.try_iter()?.collect();
        for last in (1..items.len()).rev() {
            let at = usize::try_from(below(last as u64 + 1, &own)?).unwrap_or_default();
            items.swap(last, at);
        }
        Ok::<_, Error>(items)
    });
    env.add_filter("type_debug", |of: Value| match of.kind() {
        ValueKind::Undefined => "AnsibleUndefined",
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if of.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Seq if of.is_tuple() => "tuple",
        ValueKind::Seq => "list",
        ValueKind::Map => "dict",
        _ => "object",
    });
    env.add_function("cycler", minijinja_contrib::globals::cycler);
    env.add_function("joiner", minijinja_contrib::globals::joiner);
}

/// One of these, each equally likely.
pub(super) fn one_of(of: &Value, dice: &Dice) -> Result<Value, Error> {
    let items: Vec<Value> = match of.as_str() {
        Some(text) => text.chars().map(|c| Value::from(c.to_string())).collect(),
        None => of.try_iter()?.collect(),
    };
    let at = below(items.len() as u64, dice)?;
    let item = usize::try_from(at).ok().and_then(|at| items.get(at));
    item.cloned().ok_or_else(|| wrong("nothing to choose from"))
}

/// What an object has; a table's values are none of its attributes.
fn attribute(of: Value, name: Value) -> Result<Value, Error> {
    let object = |of: &Value| {
        of.as_object()
            .is_some_and(|object| object.type_name().contains("Namespace"))
    };
    match of.kind() {
        ValueKind::Map if !object(&of) => Ok(Value::UNDEFINED),
        _ => Ok(of.get_item(&name).unwrap_or(Value::UNDEFINED)),
    }
}

/// A whole number; the default, else 0, where it is none.
fn int(
    state: &mut State<'_, '_>,
    of: Value,
    default: Option<Value>,
    base: Option<u32>,
    options: Kwargs,
) -> Result<Value, Error> {
    let default = default.or(options.get("default")?);
    let default = default.unwrap_or(Value::from(0));
    let base = base.or(options.get("base")?);
    options.assert_all_used()?;
    let bounded = |of: &Value| match of.as_str().map(str::trim) {
        Some(text) => text.parse::<f64>().map_or(true, f64::is_finite),
        None => f64::try_from(of.clone()).map_or(true, f64::is_finite),
    };
    if !bounded(&of) {
        return Ok(default);
    }
    let of = trimmed(of);
    let number = minijinja::filters::int(
        state,
        &of,
        Some(default.clone()),
        base,
        std::iter::empty::<(&str, Value)>().collect(),
    );
    Ok(number.unwrap_or(default))
}

/// A number; the default, else 0.0, where it is none.
fn float(
    state: &mut State<'_, '_>,
    of: Value,
    default: Option<Value>,
    options: Kwargs,
) -> Result<Value, Error> {
    let default = default.or(options.get("default")?);
    let default = default.unwrap_or(Value::from(0.0));
    options.assert_all_used()?;
    let none = std::iter::empty::<(&str, Value)>().collect();
    let number = minijinja::filters::float(state, &trimmed(of), Some(default.clone()), none);
    Ok(number.unwrap_or(default))
}

fn trimmed(of: Value) -> Value {
    match of.as_str().map(str::trim) {
        Some(text) => Value::from(text),
        None => of,
    }
}

fn sorted(
    of: Value,
    case: Option<bool>,
    by: Option<String>,
    reverse: Option<bool>,
    options: Kwargs,
) -> Result<Value, Error> {
    let case = case.or(options.get("case_sensitive")?).unwrap_or(false);
    let by = by
        .or(options.get("by")?)
        .unwrap_or_else(|| "key".to_owned());
    let reverse = reverse.or(options.get("reverse")?).unwrap_or(false);
    options.assert_all_used()?;
    if by != "key" && by != "value" {
        return Err(wrong("`dictsort` is by `key` or by `value`"));
    }
    let options = [
        ("case_sensitive", Value::from(case)),
        ("by", Value::from(by)),
        ("reverse", Value::from(reverse)),
    ];
    minijinja::filters::dictsort(&of, options.into_iter().collect())
}

fn flatten(of: &Value, levels: usize, skip: bool, flat: &mut Vec<Value>) -> Result<(), Error> {
    for item in of.try_iter()? {
        let nothing = item.is_none() || item.as_str().is_some_and(|text| text == "null");
        match item.kind() {
            _ if skip && nothing => {}
            ValueKind::Seq if levels > 0 => flatten(&item, levels - 1, skip, flat)?,
            _ => flat.push(item),
        }
    }
    Ok(())
}

/// Tables laid over each other; with `recursive`, those in them as well.
fn combined(of: Value, others: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let recursive = options.get::<Option<bool>>("recursive")?.unwrap_or(false);
    let list = options.get::<Option<String>>("list_merge")?;
    if list.is_some_and(|list| list != "replace") {
        return Err(wrong("`combine`: of `list_merge`, coasti has `replace`"));
    }
    options.assert_all_used()?;
    let mut made = of;
    for other in others.iter() {
        // A list of tables is taken as these.
        match other.kind() {
            ValueKind::Seq => {
                for other in other.try_iter()? {
                    made = over(&made, &other, recursive, 0)?;
                }
            }
            _ => made = over(&made, other, recursive, 0)?,
        }
    }
    match made.kind() {
        ValueKind::Map => Ok(made),
        _ => Err(wrong("`combine` wants tables")),
    }
}

fn over(under: &Value, over_it: &Value, recursive: bool, depth: usize) -> Result<Value, Error> {
    if under.kind() != ValueKind::Map || over_it.kind() != ValueKind::Map || depth > DEEPEST {
        return Err(wrong("`combine` wants tables"));
    }
    let mut all: Vec<(Value, Value)> = Vec::new();
    for key in under.try_iter()? {
        let value = under.get_item(&key)?;
        all.push((key, value));
    }
    for key in over_it.try_iter()? {
        let new = over_it.get_item(&key)?;
        match all.iter_mut().find(|(old, _)| *old == key) {
            Some((_, old)) => {
                let both = [&*old, &new].iter().all(|one| one.kind() == ValueKind::Map);
                *old = match recursive && both {
                    true => over(old, &new, recursive, depth + 1)?,
                    false => new,
                };
            }
            None => all.push((key, new)),
        }
    }
    Ok(Value::from_pairs(all))
}
