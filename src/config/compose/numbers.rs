//! Numbers as Compose has them: `1.10` is the number 1.1, `010` is eight, and so they stand where text is wanted.

/// A number of YAML as Compose writes it.
pub(super) fn canonical(raw: &str) -> String {
    let (minus, digits) = match raw.strip_prefix(['-', '+']) {
        Some(digits) => (raw.starts_with('-'), digits),
        None => (false, raw),
    };
    let radix = [("0x", 16), ("0o", 8), ("0", 8)];
    let whole = radix
        .iter()
        .filter_map(|(prefix, radix)| {
            let digits = digits.strip_prefix(prefix)?;
            u64::from_str_radix(digits, *radix).ok()
        })
        .next();
    let decimal = !digits.starts_with('0') || digits == "0";
    let whole = whole.or_else(|| digits.parse().ok().filter(|_| decimal));
    match (whole, digits.parse::<f64>()) {
        (Some(0), _) => "0".to_owned(),
        (Some(whole), _) if minus => format!("-{whole}"),
        (Some(whole), _) => whole.to_string(),
        (None, Ok(number)) if number.is_finite() => float(if minus { -number } else { number }),
        _ => raw.to_owned(),
    }
}

/// The shortest digits that are this number, with an exponent from a million on and below a ten-thousandth.
fn float(number: f64) -> String {
    let text = format!("{number:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_compose_makes_of_them() {
        for (raw, wanted) in [
            ("1.0", "1"),
            ("1.10", "1.1"),
            ("-1.50", "-1.5"),
            ("0x10", "16"),
            ("1e3", "1000"),
            ("010", "8"),
            ("0o10", "8"),
            ("08", "8"),
            ("+5", "5"),
            ("-0", "0"),
            ("0", "0"),
            (".5", "0.5"),
            ("12345678901234567890", "12345678901234567890"),
            ("1.5e300", "1.5e+300"),
            ("100000000.5", "1.000000005e+08"),
            ("123456.5", "123456.5"),
            ("1e21", "1e+21"),
            ("1e6", "1e+06"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("100", "100"),
            (".inf", ".inf"),
        ] {
            assert_eq!(canonical(raw), wanted, "{raw}");
        }
    }
}
