//! Every code that a problem in a product's template can have. A code is never given to something else.

macro_rules! codes {
    ($($name:ident $code:literal $title:literal $text:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// Code, title and explanation of each, in order.
        pub const CODES: &[(&str, &str, &str)] = &[$(($code, $title, $text)),*];

        #[cfg(test)]
        pub(super) const NAMES: &[(&str, &str)] = &[$((stringify!($name), $code)),*];
    };
}

codes! {
    SETTING "T0101" "a setting of the template is wrong"
        "A key of copier.yml that starts with `_` has a value that it cannot have.";
    QUESTION "T0102" "a question of the template is wrong"
        "A key of copier.yml without `_` is a question: a default, or a table with `type`, `help`, `default`, …";
    UNSUPPORTED "T0103" "the template needs what coasti does not have"
        "Nothing is left out silently: what a template asks for is done, or it is not installed.";
    UNDERSCORE "W0104" "a setting without its underscore"
        "Copier would take the key for a question. What is meant is plain, and is done.";
    INCLUDE "T0105" "an included file is missing"
        "`!include PATH` names files of the template's repository.";
    RENDER "T0106" "the template cannot be rendered"
        "A Jinja expression of the template is wrong, or uses a filter that coasti does not have.";
    PATH "T0107" "a path of the template is not allowed"
        "What a template makes stays in the product's folder, and never is in a `.git` folder.";
    ANSWER "T0108" "an answer is wrong or missing"
        "Every question has an answer of its type, from `--data`, an earlier run, its default, or the terminal.";
    UNKNOWN_ANSWER "W0109" "an answer to no question"
        "`--data` has a name that the template does not ask for.";
    UNKNOWN_SETTING "W0110" "no setting of a template"
        "A key of copier.yml that starts with `_` is one that neither Copier nor coasti knows: mostly a typing error.";
    NEWER "W0111" "made for a newer Copier"
        "`_min_copier_version` is above the version of Copier whose templates coasti renders.";
    NO_DATA "W0112" "a file of the product is missing"
        "`_external_data` names a file that the product does not have (yet). As in Copier, there is nothing in it then.";
}
