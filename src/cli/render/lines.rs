//! What differs between two texts of a file.

use super::mask::Masked;

/// The lines that differ, with three around them. Secrets in them are not shown.
pub fn diff(name: &str, before: &str, after: &str) -> String {
    let shown = |text: &str| Masked::keys(text).text;
    let (old, new) = (shown(before), shown(after));
    if old == new && before != after {
        return format!("--- {name}\n+++ {name}\n(only in values that are not shown)\n");
    }
    let diff = similar::TextDiff::from_lines(&old, &new);
    diff.unified_diff().header(name, name).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_in_it() {
        insta::assert_snapshot!(diff("f.yml", "a:   1\npassword:   hunter2\n", "a: 1\npassword: hunter2\n"), @r##"
        --- f.yml
        +++ f.yml
        @@ -1,2 +1,2 @@
        -a:   1
        -password:   ***
        +a: 1
        +password: ***
        "##);
        insta::assert_snapshot!(diff("f.yml", "password: 'hunter2'\n", "password: \"hunter2\"\n"), @r##"
        --- f.yml
        +++ f.yml
        (only in values that are not shown)
        "##);
    }
}
