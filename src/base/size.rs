//! Sizes as users write them: `512M`, `2g`, `1GiB`, or bytes.

/// Reads a size into bytes; units are powers of 1024, as Docker counts.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    let factor = 1i64 << shift;
    if let Ok(whole) = number.parse::<i64>() {
        return whole.checked_mul(factor);
    }
    let number: f64 = number.parse().ok()?;
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    (number.is_finite() && number < 8e6).then_some((number * factor as f64) as i64)
}

/// Writes bytes with the largest unit that divides them.
pub fn show(bytes: i64) -> String {
    for (unit, shift) in [("T", 40), ("G", 30), ("M", 20), ("K", 10)] {
        if bytes != 0 && bytes % (1 << shift) == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows() {
        assert_eq!(parse("512M"), Some(512 << 20));
        assert_eq!(parse("1.5g"), Some(3 << 29));
        assert_eq!(parse("16G"), Some(16 << 30));
        assert_eq!(parse("2 TiB"), Some(2 << 40));
        assert_eq!(parse("99999999999T"), None);
        assert_eq!(parse("lots"), None);
        assert_eq!(show(512 << 20), "512M");
        assert_eq!(show(1000), "1000");
    }
}
