//! Answers: from what is given, from before, from defaults and from somebody.

use super::*;

#[test]
fn questions_are_answered_by_data_then_before_then_default() {
    let copier = "
host: {type: str, default: localhost}
port: {type: int, default: 80}
tls: {type: bool, default: 'no'}
address: {when: false, default: 'http{{ \"s\" if tls }}://{{ host }}:{{ port }}'}
mail: {type: str, default: '', when: '{{ tls }}'}
_subdirectory: t
";
    let files = [
        ("copier.yml", copier),
        ("t/a.txt.jinja", "{{ address }}{{ mail }}{{ nothing }}\n"),
        ("t/{{ host }}/b", "{{ host }}\n"),
    ];
    let made = make(tree(&files), &Given::default());
    assert_eq!(made.problems, [""; 0]);
    assert_eq!(text(&made, "a.txt"), "http://localhost:80\n");
    assert_eq!(text(&made, "localhost/b"), "{{ host }}\n");
    // Computed ones and those that were not asked are not kept, as in Copier.
    assert_eq!(
        Json::Object(made.answers.kept.clone()),
        json!({"host": "localhost", "port": 80, "tls": false})
    );
    let mut given = data(json!({"port": "8443", "tls": true}));
    given.last = json!({"host": "old", "port": 81, "tls": false})
        .as_object()
        .unwrap()
        .clone();
    let made = make(tree(&files), &given);
    assert_eq!(text(&made, "a.txt"), "https://old:8443\n");
    assert_eq!(
        text(&made, "config/install_answers.yml")
            .lines()
            .skip(1)
            .collect::<Vec<_>>(),
        [
            "_commit: v1.2",
            "_src_path: https://example.org/shop.git",
            "host: old",
            "mail: ''",
            "port: 8443",
            "tls: true"
        ]
    );
}

#[test]
fn wrong_answers_come_all_at_once_and_never_show_their_value() {
    let copier = "
port: {type: int, default: 1}
kind: {type: str, choices: [small, large], default: small}
size: {type: str, choices: {Little: s, Much: l}, default: s}
name: {type: str, validator: '{% if name|length < 3 %}at least 3 letters{% endif %}'}
key: {type: int, secret: true, default: 1}
share: {type: float, default: 1.5}
";
    let given = data(
        json!({"port": "many", "kind": "huge", "size": "l", "name": "ab", "key": "hunter2", "share": "nan", "knid": 1}),
    );
    let made = make(tree(&[("copier.yml", copier)]), &given);
    assert_eq!(
        made.problems,
        [
            "W0109 the template does not ask for `knid`",
            "T0108 `port`: it wants a whole number",
            "T0108 `kind`: it is none of small, large",
            "T0108 `name`: at least 3 letters",
            "T0108 `key`: it wants a whole number",
            "T0108 `share`: it wants a number",
        ]
    );
    let made = make(tree(&[("copier.yml", copier)]), &Given::default());
    assert_eq!(
        made.problems,
        ["T0108 `name` has no answer it has no default"]
    );
}

#[test]
fn randomness_of_templates_is_random() {
    let default = "{{ (64 | ans_random | hash('sha512'))[:64] }}";
    let copier = format!(
        "key: {{default: \"{default}\", secret: true}}\nhidden: {{default: \"{default}\", when: false}}\nplain: {{default: \"{{{{ 'x' | hash('sha256') }}}}\"}}\nface: {{default: \"{{{{ (6 | ans_random) + 1 }}}}\", type: int}}\n"
    );
    let made = make(tree(&[("copier.yml", &copier)]), &Given::default());
    assert_eq!(made.problems, [""; 0]);
    let value = |name: &str| made.answers.values[name].as_str().unwrap().to_owned();
    // Of the 64 values that `N | ans_random | hash` has literally, it is none.
    use sha2::Digest as _;
    for number in 0..64 {
        let weak = crate::base::digest::hex(&sha2::Sha512::digest(number.to_string()));
        assert_ne!(weak[..64], value("key"));
        assert_ne!(weak[..64], value("hidden"));
    }
    assert_ne!(value("key"), value("hidden"));
    assert_eq!(value("key").len(), 64);
    assert_eq!(
        value("plain"),
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    );
    assert!((1..=6).contains(&made.answers.values["face"].as_i64().unwrap()));
    // Secrets and what is generated are kept elsewhere than in the answers file.
    let secret: Vec<_> = made.answers.secret.keys().collect();
    assert_eq!(secret, ["face", "hidden", "key"]);
    assert!(!text(&made, "config/install_answers.yml").contains(&value("key")));
    // What was generated before stays, hidden or not.
    let again = Given {
        secret: made.answers.secret.clone(),
        ..Given::default()
    };
    let again = make(tree(&[("copier.yml", &copier)]), &again);
    assert_eq!(again.answers.values, made.answers.values);
    assert_eq!(again.answers.secret, made.answers.secret);
}

#[test]
fn somebody_is_asked_what_is_due_and_can_stop() {
    let copier = "
kind: {help: What kind?, choices: {Small: s, Large: l}, default: l}
port: {type: int, default: 80, validator: '{% if port < 10 %}too low{% endif %}', placeholder: '8080'}
size: {when: '{{ kind == \"s\" }}', default: 1}
";
    let files = Arc::new(tree(&[("copier.yml", copier)]));
    let mut d = Diagnostics::new();
    let settings = read(&files, &mut d).unwrap();
    let jinja = Jinja::new(&settings.envops, &files, &dice()).unwrap();
    let base = about(Operation::Copy).context();
    let mut seen = Vec::new();
    let mut somebody = |prompt: &Prompt<'_>| {
        let labels: Vec<_> = prompt
            .choices
            .iter()
            .map(|one| one.label.as_str())
            .collect();
        seen.push(format!(
            "{} {} {} {}",
            prompt.question.name,
            labels.join("/"),
            prompt.default.unwrap(),
            prompt.placeholder
        ));
        Ok(match prompt.question.name.as_str() {
            "port" => {
                assert_eq!((prompt.check)(&json!("5")).as_deref(), Some("too low"));
                assert_eq!(
                    (prompt.check)(&json!("x")).as_deref(),
                    Some("it wants a whole number")
                );
                assert_eq!((prompt.check)(&json!("50")), None);
                Some(json!("50"))
            }
            _ => None,
        })
    };
    let given = Given::default();
    let answers = ask(&settings, &jinja, &base, &given, &mut somebody, &mut d).unwrap();
    assert!(!d.has_errors());
    assert_eq!(seen, ["kind Small/Large \"l\" ", "port  80 8080"]);
    assert_eq!(json!(answers.kept), json!({"kind": "l", "port": 50}));
    // Whoever stops is not asked any more.
    let mut asked = 0;
    let mut stop = |_: &Prompt<'_>| {
        asked += 1;
        Err(Unanswered::Stopped)
    };
    let stopped = ask(&settings, &jinja, &base, &given, &mut stop, &mut d);
    assert_eq!((stopped.unwrap_err(), asked), (Stopped, 1));
    // An answer that does not fit ends in a problem, with where to give another.
    let mut wrong = |_: &Prompt<'_>| Ok(Some(json!("x")));
    ask(&settings, &jinja, &base, &given, &mut wrong, &mut d).unwrap();
    let said: Vec<_> = d.sorted().iter().map(|one| one.summary.clone()).collect();
    assert_eq!(
        said,
        [
            "`kind`: it is none of s, l",
            "`port`: it wants a whole number"
        ]
    );
}
