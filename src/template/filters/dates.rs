//! Dates as Ansible's filters have them, in UTC: a product's files are the same wherever they are made.

use super::wrong;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
use minijinja::value::{DynObject, Object, Value, from_args};
use minijinja::{Environment, Error, ErrorKind, State};
use std::cmp::Ordering;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// What time it is, where somebody has said so.
pub(in super::super) type Clock = Arc<OnceLock<Timestamp>>;

pub(super) fn add(env: &mut Environment<'static>, clock: &Clock) {
    let clock = Arc::clone(clock);
    env.add_filter("strftime", move |format: String, second: Option<Value>| {
        let second = second.filter(|second| !second.is_none());
        let at = match second {
            Some(second) => seconds(&second)?,
            None => *clock.get().ok_or_else(|| wrong("there is no clock"))?,
        };
        formatted(&format, TimeZone::UTC.to_datetime(at), false)
    });
    env.add_filter("to_datetime", |text: String, format: Option<String>| {
        let format = format.as_deref().unwrap_or("%Y-%m-%d %H:%M:%S");
        let no_date = || {
            wrong(format!(
                "`to_datetime`: the text is not in the form `{format}`"
            ))
        };
        if format.contains("%z") {
            return Err(wrong("`to_datetime`: dates have no zone here, so no `%z`"));
        }
        let mut told = BrokenDownTime::parse(format, &text).map_err(|_| no_date())?;
        // As in Python, where a part is missing.
        if told.day_of_year().is_some() && told.year().is_none() {
            told.set_year(Some(1900)).map_err(|_| no_date())?;
        }
        let first = || {
            let (month, day) = (told.month().unwrap_or(1), told.day().unwrap_or(1));
            Date::new(told.year().unwrap_or(1900), month, day)
        };
        let date = told.to_date().or_else(|_| first()).map_err(|_| no_date())?;
        let part = |part: Option<i8>| part.unwrap_or(0);
        let some = || {
            let (minute, second) = (part(told.minute()), part(told.second()));
            let fraction = told.subsec_nanosecond().unwrap_or(0);
            Time::new(part(told.hour()), minute, second, fraction)
        };
        let time = told.to_time().or_else(|_| some()).map_err(|_| no_date())?;
        Ok::<_, Error>(Value::from_object(Moment(date.to_datetime(time))))
    });
}

/// Seconds since 1970, as a number or in digits.
fn seconds(of: &Value) -> Result<Timestamp, Error> {
    let number = match of.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => f64::try_from(of.clone())
            .ok()
            .map(|number| number.trunc() as i64),
    };
    let at = number.and_then(|number| Timestamp::from_second(number).ok());
    at.ok_or_else(|| wrong("`strftime` wants seconds since 1970"))
}

/// What a date's own `strftime` makes, or the filter of this name, which knows of no fractions.
fn formatted(format: &str, at: DateTime, own: bool) -> Result<String, Error> {
    let no_form = || wrong(format!("`{format}` is no form of a date"));
    let zoned = at.to_zoned(TimeZone::UTC).map_err(|_| no_form())?;
    let config = Config::new().custom(PosixCustom::new());
    let form = form(format, own).ok_or_else(no_form)?;
    BrokenDownTime::from(&zoned)
        .to_string_with_config(&config, &form)
        .map_err(|_| no_form())
}

/// A form as Python takes it; none where it has what Python does not have.
fn form(format: &str, own: bool) -> Option<String> {
    let mut made = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        let flags = after.len()
            - after
                .trim_start_matches(|c| "-_^#0123456789".contains(c))
                .len();
        let (flags, kind) = after.split_at_checked(flags)?;
        let c = kind.chars().next()?;
        match c {
            'f' if own && flags.is_empty() => made.push_str("%6f"),
            // A date has no zone.
            'z' | 'Z' if own && flags.is_empty() => {}
            'f' | 'N' | 'q' | 'Q' | ':' | '.' => return None,
            'z' if flags.contains('-') => return None,
            c => made.extend(["%", flags, c.encode_utf8(&mut [0; 4])]),
        }
        rest = kind.get(c.len_utf8()..)?;
    }
    made.push_str(rest);
    Some(made)
}

/// A date with its time.
#[derive(Debug)]
struct Moment(DateTime);

impl Object for Moment {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let at = self.0;
        Some(Value::from(match key.as_str()? {
            "year" => i64::from(at.year()),
            "month" => at.month().into(),
            "day" => at.day().into(),
            "hour" => at.hour().into(),
            "minute" => at.minute().into(),
            "second" => at.second().into(),
            "microsecond" => i64::from(at.subsec_nanosecond()) / 1000,
            _ => return None,
        }))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let weekday = i64::from(self.0.weekday().to_monday_zero_offset());
        if method == "strftime" {
            let (format,): (&str,) = from_args(args)?;
            return formatted(format, self.0, true).map(Value::from);
        }
        let made = match method {
            "isoformat" => Value::from(self.to_string().replacen(' ', "T", 1)),
            "weekday" => Value::from(weekday),
            "isoweekday" => Value::from(weekday + 1),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        };
        let () = from_args(args)?;
        Ok(made)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some(self.0.cmp(&other.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.subsec_nanosecond() / 1000;
        self.0.strftime("%Y-%m-%d %H:%M:%S").fmt(f)?;
        match micros {
            0 => Ok(()),
            micros => write!(f, ".{micros:06}"),
        }
    }
}
