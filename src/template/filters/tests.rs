//! What Copier 9.19.1 makes of the same expressions.

use crate::template::{Dice, Envops, Jinja, Tree};
use serde_json::Map;
use std::sync::Arc;

fn rendered(text: &str) -> String {
    let dice: Dice = Arc::new(|bytes| {
        bytes.fill(7);
        Ok(())
    });
    let jinja = Jinja::new(&Envops::default(), &Arc::new(Tree::default()), &dice).unwrap();
    jinja
        .render("x", text, &Map::new())
        .unwrap_or_else(|error| format!("{error:#}"))
}

const CASES: &[(&str, &str)] = &[
    (
        "{{ {'a': 1, 'b': [1, 'x', none, true, 1.5]} | to_json }}",
        r#"{"a": 1, "b": [1, "x", null, true, 1.5]}"#,
    ),
    (
        "{{ {'b': 'é<', 'a': {}} | to_json }}",
        r#"{"b": "\u00e9<", "a": {}}"#,
    ),
    (
        "{{ {'b': 1, 'a': {'c': []}} | to_json(sort_keys=true) }}",
        r#"{"a": {"c": []}, "b": 1}"#,
    ),
    (
        "{{ {'b': 1, 'a': [1, {'c': 2}], 'e': {}, 'f': []} | to_nice_json }}",
        "{\n    \"a\": [\n        1,\n        {\n            \"c\": 2\n        }\n    ],\n    \"b\": 1,\n    \"e\": {},\n    \"f\": []\n}",
    ),
    (
        "{{ {'b': 1, 'a': 'é'} | to_nice_json(indent=2) }}",
        "{\n  \"a\": \"\\u00e9\",\n  \"b\": 1\n}",
    ),
    (
        "{{ {'a': 1, 'b': [1, 'x', none, true]} | to_yaml }}",
        "a: 1\nb: [1, x, null, true]\n",
    ),
    ("{{ [1, 2] | to_yaml }}", "[1, 2]\n"),
    ("{{ 'x' | to_yaml }}", "x\n...\n"),
    (
        "{{ {'a': {'b': [1, {'c': 2}]}} | to_yaml(indent=4) }}",
        "a:\n    b:\n    - 1\n    - {c: 2}\n",
    ),
    (
        "{{ {'a': {'b': [1, {'c': 2}]}} | to_nice_yaml(indent=2) }}",
        "a:\n  b:\n  - 1\n  - c: 2\n",
    ),
    ("{{ [] | to_nice_yaml }}", "[]\n"),
    ("{{ {'a': {}} | to_yaml }}", "a: {}\n"),
    ("{{ 'x' | quote }}", "x"),
    ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
    ("{{ 'a\nb' | indent(width=2, first=true) }}", "  a\n  b"),
    (
        "{{ 'a\n\nb\n' | indent('> ', blank=true) }}",
        "a\n> \n> b\n> ",
    ),
    ("{{ 'a\n\nb\n' | indent }}|", "a\n\n    b\n|"),
    (
        "{{ [1, 2, 3] | batch(linecount=2, fill_with='-') | list }}",
        "[[1, 2], [3, '-']]",
    ),
    ("{{ [1, 2, 3] | slice(slices=2) | list }}", "[[1, 2], [3]]"),
    (
        "{{ [1, 2, 3] | slice(2, 'x') | list }}",
        "[[1, 2], [3, 'x']]",
    ),
    (
        "{{ {'a': [1]} | tojson(indent=2) }}",
        "{\n  \"a\": [\n    1\n  ]\n}",
    ),
    ("{{ [1, 2, 3] | batch(2, 0) | list }}", "[[1, 2], [3, 0]]"),
    (
        "{{ '%s-%05.1f-%d 20260101' | format('a', 1.25, 20000000) }}",
        "a-001.2-20000000 20260101",
    ),
    ("{{ '%(a)s' | format(a='x') }}", "x"),
    ("{{ 'a b' | quote }}", "'a b'"),
    ("{{ '' | quote }}", "''"),
    (r#"{{ "it's" | quote }}"#, r#"'it'"'"'s'"#),
    ("{{ 'a/b-c_d.e:@%+=,' | quote }}", "a/b-c_d.e:@%+=,"),
    ("{{ 'ä' | quote }}", "'ä'"),
    (
        "{{ {'a': 1, 'b': 'x', 'c': [true, none]} | pprint }}",
        "{'a': 1, 'b': 'x', 'c': [True, None]}",
    ),
    ("{{ 'x' | pprint }}", "'x'"),
    ("{{ 1 | pprint }}", "1"),
    (r#"{{ "it's" | pprint }}"#, r#""it's""#),
    ("{{ true | pprint }}", "True"),
    ("{{ 'zz' | int }}", "0"),
    ("{{ '12' | int }}", "12"),
    ("{{ '1.9' | int }}", "1"),
    ("{{ 'zz' | int(5) }}", "5"),
    ("{{ '0x1f' | int(0, 16) }}", "31"),
    ("{{ none | int }}", "0"),
    ("{{ 1.9 | int }}", "1"),
    ("{{ '' | int }}", "0"),
    ("{{ ' 7 ' | int }}", "7"),
    ("{{ '1e3' | int }}", "1000"),
    ("{{ 'zz' | float }}", "0.0"),
    ("{{ '1.5' | float }}", "1.5"),
    ("{{ 'x' | float(2.5) }}", "2.5"),
    ("{{ 3 | float }}", "3.0"),
    ("{{ none | float }}", "0.0"),
    ("{{ 'foo bar baz qux' | truncate(9) }}", "foo..."),
    ("{{ 'foo bar baz qux' | truncate(9, true) }}", "foo ba..."),
    ("{{ 'foo bar baz qux' | truncate(11) }}", "foo bar baz qux"),
    (
        "{{ 'foo bar baz qux' | truncate(11, false, '...', 0) }}",
        "foo bar...",
    ),
    (
        "{{ 'a b/c?d=é&e' | urlencode }}",
        "a%20b/c%3Fd%3D%C3%A9%26e",
    ),
    ("{{ {'a': 'x y', 'b': 1} | urlencode }}", "a=x+y&b=1"),
    ("{{ [('a', 'b/c')] | urlencode }}", "a=b%2Fc"),
    (
        "{{ 'The quick brown fox jumps over the lazy dog' | wordwrap(15) }}",
        "The quick brown\nfox jumps over\nthe lazy dog",
    ),
    (
        "{{ 'The quick brown foxjumpsoverthelazydog now' | wordwrap(10) }}",
        "The quick\nbrown foxj\numpsoverth\nelazydog\nnow",
    ),
    (
        "{{ 'The quick brown foxjumpsoverthelazydog now' | wordwrap(10, false) }}",
        "The quick\nbrown\nfoxjumpsoverthelazydog\nnow",
    ),
    (
        r#"{{ "one\ntwo three four" | wordwrap(8, true, '|') }}"#,
        "one|two|three|four",
    ),
    ("{{ 'The quick, brown fox' | wordcount }}", "4"),
    (
        "[{{ 'ab' | center(9) }}]|[{{ 'abc' | center(6) }}]|[{{ 'ab' | center }}]",
        "[    ab   ]|[ abc  ]|[                                       ab                                       ]",
    ),
    (
        "{{ '<p>Hello <b>you</b> &amp; me</p>  x <!-- c --> y' | striptags }}",
        "Hello you & me x y",
    ),
    ("{{ 1000 | filesizeformat }}", "1.0 kB"),
    ("{{ 1 | filesizeformat }}", "1 Byte"),
    ("{{ 1500000 | filesizeformat }}", "1.5 MB"),
    ("{{ 1024 | filesizeformat(true) }}", "1.0 KiB"),
    ("{{ 1 | filesizeformat(true) }}", "1 Byte"),
    ("{{ 999 | filesizeformat }}", "999 Bytes"),
    ("{{ 0 | filesizeformat }}", "0 Bytes"),
    (
        r#"{{ 'a: 1\nb: [x, y]' | from_yaml }}"#,
        "{'a': 1, 'b': ['x', 'y']}",
    ),
    (r#"{{ ('a: 1\nb: [x, y]' | from_yaml).b[1] }}"#, "y"),
    ("{{ 'x' | md5 }}", "9dd4e461268c8034f5c8564e155c67a6"),
    (
        "{{ 'x' | sha1 }}",
        "11f6ad8ec52a2984abaafd7c3b516503785c2072",
    ),
    (
        "{{ 'x' | hash }}",
        "11f6ad8ec52a2984abaafd7c3b516503785c2072",
    ),
    (
        "{{ 'x' | hash('md5') }}",
        "9dd4e461268c8034f5c8564e155c67a6",
    ),
    (
        "{{ 'x' | hash('sha1') }}",
        "11f6ad8ec52a2984abaafd7c3b516503785c2072",
    ),
    (
        "{{ 'x' | hash('sha256') }}",
        "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
    ),
    (
        "{{ 'x' | checksum }}",
        "11f6ad8ec52a2984abaafd7c3b516503785c2072",
    ),
    ("{{ 'foo 12 bar 7' | regex_search('[0-9]+') }}", "12"),
    ("{{ 'foo' | regex_search('[0-9]+') }}", "None"),
    (
        r#"{{ 'foo 12' | regex_search('([a-z]+) ([0-9]+)', '\\1', '\\2') }}"#,
        "['foo', '12']",
    ),
    (
        "{{ 'foo 12 bar 7' | regex_findall('[0-9]+') }}",
        "['12', '7']",
    ),
    (
        "{{ 'a1b2' | regex_findall('([a-z])([0-9])') }}",
        "[('a', '1'), ('b', '2')]",
    ),
    ("{{ 'ab' | regex_findall('(.)') }}", "['a', 'b']"),
    ("{{ 'a.b*c-d e' | regex_escape }}", r#"a\.b\*c\-d\ e"#),
    ("{{ 'a/b_c#' | regex_escape }}", r#"a/b_c\#"#),
    ("{{ 'foo bar' | regex_replace('o+', '0') }}", "f0 bar"),
    ("{{ 'ab' | regex_replace('(.*)', '<\\\\1>') }}", "<ab><>"),
    ("{{ 'aba' | regex_replace('b*', '-') }}", "-a--a-"),
    ("{{ '!a' | regex_findall('|a') }}", "['', '', 'a', '']"),
    ("{{ 'ab\\n' | regex_replace('.*$', '-') }}", "--\n-"),
    (
        "{{ 'foo.tar.gz' | regex_replace('(?<=foo)\\.(?!gz)', '-') }}",
        "foo-tar.gz",
    ),
    (
        "{{ 'a=1;b=2' | regex_findall('(?<==)[0-9]') }}",
        "['1', '2']",
    ),
    (
        r"{{ 'say it it now' | regex_search('([a-z]+) \\1') }}",
        "it it",
    ),
    (
        r"{{ 'say it it now' | regex_replace('(?P<w>[a-z]+) (?P=w)', '\\g<w>') }}",
        "say it now",
    ),
    (
        "{{ 'password1' | regex_search('^(?=.*[0-9])(?=.*[a-z]).{8,}$') }}",
        "password1",
    ),
    ("{{ 'äöü' | regex_search('(?<=ä)\\w') }}", "ö"),
    (
        r#"{{ 'foo-bar' | regex_replace('([a-z]+)-([a-z]+)', '\\2_\\1') }}"#,
        "bar_foo",
    ),
    (
        "{{ 'Foo' | regex_replace('f', 'x', ignorecase=true) }}",
        "xoo",
    ),
    (r#"{{ 'a$b' | regex_replace('\\$', '$1') }}"#, "a$1b"),
    (
        r#"{{ 'ab' | regex_replace('(?P<x>a)', '<\\g<x>>') }}"#,
        "<a>b",
    ),
    (r"{{ 'ab12' | regex_replace('(?i)AB(?=\\d)', 'x') }}", "x12"),
    (r"{{ 'ab' | regex_findall('(?:a|(b))') }}", "['', 'b']"),
    (r"{{ 'abc' | regex_search('(x)?b', '\\1') }}", "[None]"),
    (r"{{ 'a' | regex_search('a\\Z') }}", "a"),
    ("{{ 'a\n' | regex_replace('a$', 'b') }}", "b\n"),
    ("{{ 'p]&' | regex_search('[[:alpha:]&&x]') }}", "None"),
    ("{% set f = '%s-%03d' %}{{ f % ('a', 7) }}", "a-007"),
    ("{% set f = {'a': ['%s']} %}{{ f.a[0] | trim % 'x' }}", "x"),
    ("{{ ('%s' ~ '%%') % 5 }}", "5%"),
    (
        "{% set a, b = 7, 3 %}{{ a % b }} {{ a % -b }} {{ -a % b }} {{ 2 * a % b }} {{ 2 + a % b }}",
        "1 -2 2 2 3",
    ),
    (
        "{% set a = 7 %}{% for x in range(4) if x % 2 %}{{ x }}{% endfor %}{{ a % 4 % 2 }}",
        "131",
    ),
    (r"{{ 'aXbX' | regex_replace('(?<!b)X', '') }}", "abX"),
    (
        "{{ '%Y-%m-%d %H:%M:%S %j %a %A %b %B %y %U %W %u %w %p %I %e' | strftime(1700000000) }}",
        "2023-11-14 22:13:20 318 Tue Tuesday Nov November 23 46 46 2 2 PM 10 14",
    ),
    (
        "{{ '%D %F %T %R %c %x %X %Z %z %s %% %G-%V %C %h %k %l %P' | strftime('1700000000') }}",
        "11/14/23 2023-11-14 22:13:20 22:13 Tue Nov 14 22:13:20 2023 11/14/23 22:13:20 UTC +0000 1700000000 % 2023-46 20 Nov 22 10 pm",
    ),
    (
        "{{ '2020-01-02 03:04:05' | to_datetime }}",
        "2020-01-02 03:04:05",
    ),
    ("{{ '45' | to_datetime('%j') }}", "1900-02-14 00:00:00"),
    (
        "{{ ('2020-01-02' | to_datetime('%Y-%m-%d')).year + 1 }}",
        "2021",
    ),
    (
        "{{ ('2020-01-02 3' | to_datetime('%Y-%m-%d %f')).strftime('%f|%z|%Z|%%f %r') }}",
        "300000|||%f 12:00:00 AM",
    ),
    (
        "{{ ('2020-01-02' | to_datetime('%Y-%m-%d')).strftime('%d.%m.%Y') }}",
        "02.01.2020",
    ),
    (
        "{{ ('2020-01-02 00:00:00' | to_datetime).isoformat() }}",
        "2020-01-02T00:00:00",
    ),
    (
        "{{ '03:04' | to_datetime('%H:%M') }}",
        "1900-01-01 03:04:00",
    ),
    (
        "{{ '02 Jan 2020 11 PM' | to_datetime('%d %b %Y %I %p') }}",
        "2020-01-02 23:00:00",
    ),
    (
        "{{ ('2020-01-02 00:00:00' | to_datetime) < ('2020-01-02 00:00:01' | to_datetime) }}",
        "True",
    ),
    ("{{ ('2020-01-02 00:00:00' | to_datetime).weekday() }}", "3"),
    ("{{ '%s-%d' % ('a', 7) }}", "a-7"),
    ("{{ '%s' % 'x' }}", "x"),
    ("{{ '%s' % [1, 'a'] }}", "[1, 'a']"),
    ("{{ '%(a)s %(b)03d' % {'a': 'x', 'b': 5} }}", "x 005"),
    ("{{ '%s' % {'a': 1} }}", "{'a': 1}"),
    ("{% set f = '%.2f%%' % 12.345 %}{{ f }}", "12.35%"),
    ("{{ '%5s|%-5s|' % ('a', 'b') }}", "    a|b    |"),
    (
        "{{ '%x %X %o %e %g %c' % (255, 255, 8, 12345.678, 0.5, 65) }}",
        "ff FF 10 1.234568e+04 0.5 A",
    ),
    ("{{ '%s' % 'a'|upper }}", "A"),
    ("{{ '%s' % none }} {{ '%s' % true }}", "None True"),
    ("{{ '%s' % (1,) }}", "1"),
    ("{{ 'a' ~ '%d' % 3 ~ 'b' }}", "a3b"),
    ("{{ ['%s' % 1, '%s' % 2] | join(',') }}", "1,2"),
    ("{{ '%+d % d' % (3, 4) }}", "+3  4"),
    ("{{ 7 % 3 }}{{ '%s'|format(1) }}", "11"),
    ("{{ '%s' % 'a' + 'b' }}", "ab"),
    ("{{ '%s' % ['a','b'][1] }}", "b"),
    ("{{ '%i' % 3 }}", "3"),
    ("{{ '%s' % 'a' if true else 'b' }}", "a"),
    ("{{ 'a/b.tar.gz' | splitext }}", "('a/b.tar', '.gz')"),
    ("{{ ('x.txt' | splitext)[0] }}", "x"),
    ("{{ '.bashrc' | splitext }}", "('.bashrc', '')"),
    ("{{ 'a.b/c' | splitext }}", "('a.b/c', '')"),
    ("{{ [1, [2, [3, [4]]]] | flatten }}", "[1, 2, 3, 4]"),
    ("{{ [1, [2, [3, [4]]]] | flatten(1) }}", "[1, 2, [3, [4]]]"),
    ("{{ [1, [2, none]] | flatten }}", "[1, 2]"),
    (
        "{{ {'a': 1, 'b': {'x': 1}} | combine({'b': {'y': 2}, 'c': 3}) }}",
        "{'a': 1, 'b': {'y': 2}, 'c': 3}",
    ),
    (
        "{{ {'a': 1, 'b': {'x': 1}} | combine({'b': {'y': 2}}, recursive=true) }}",
        "{'a': 1, 'b': {'x': 1, 'y': 2}}",
    ),
    (
        "{{ 'x' | to_uuid }}",
        "fc77197d-a591-5a24-9545-57d454755da1",
    ),
    ("{{ 'aaaa' | replace('a', 'b', 2) }}", "bbaa"),
    ("{{ 'aaaa'.replace('a', 'b', 2) }}", "bbaa"),
    ("{{ 12 | replace('1', 'x') }}", "x2"),
    (
        "{{ {'b': 1, 'A': 3, 'c': 2} | dictsort }}",
        "[('A', 3), ('b', 1), ('c', 2)]",
    ),
    (
        "{{ {'b': 1, 'a': 3} | dictsort(by='value') }}",
        "[('b', 1), ('a', 3)]",
    ),
    (
        "{{ {'b': 1, 'A': 3} | dictsort(true) }}",
        "[('A', 3), ('b', 1)]",
    ),
    (
        "{{ {'b': 1, 'a': 3} | dictsort(reverse=true) }}",
        "[('b', 1), ('a', 3)]",
    ),
    ("{{ '7'.zfill(3) }}", "007"),
    ("{{ '-7'.zfill(4) }}", "-007"),
    ("{{ 'abc'.index('c') }}", "2"),
    ("{{ 'a'.ljust(3) }}", "a  "),
    ("{{ 'a'.rjust(3, '0') }}", "00a"),
    ("{{ 'a-b-c'.partition('-') }}", "('a', '-', 'b-c')"),
    ("{{ 'a-b-c'.rpartition('-') }}", "('a-b', '-', 'c')"),
    ("{{ 'aBc'.swapcase() }}", "AbC"),
    ("{{ 'ab'.center(6, '*') }}", "**ab**"),
    ("{{ 'a-b-c'.rsplit('-', 1) }}", "['a-b', 'c']"),
    ("{{ 'abc'.removeprefix('a') }}", "bc"),
    ("{{ 'abc'.removesuffix('c') }}", "ab"),
    ("{{ 'AbC'.casefold() }}", "abc"),
    ("{{ 'abcabc'.rindex('b') }}", "4"),
    ("{{ 'a' | type_debug }}", "str"),
    ("{{ 'x' | wordcount }}", "1"),
    (
        r#"{{ {'a': {'b': [1, {'c': 2}]}, 'e': '', 'n': none, 't': 'yes', 'v': '1.2.3', 'u': 'https://x.org/', 'f': '1.5', 'w': 'a: b', 'q': "it's", 'd': '2020-01-02'} | to_nice_yaml }}"#,
        "a:\n    b:\n    - 1\n    -   c: 2\nd: '2020-01-02'\ne: ''\nf: '1.5'\nn: null\nq: it's\nt: 'yes'\nu: https://x.org/\nv: 1.2.3\nw: 'a: b'\n",
    ),
    (
        "{{ {'x': [{'a': 1, 'b': [1, [2, 3]]}, []], 'k': {'z': [{}]}} | to_yaml }}",
        "k:\n  z:\n  - {}\nx:\n- a: 1\n  b:\n  - 1\n  - [2, 3]\n- []\n",
    ),
    (
        "{{ [[1, [2]], {'a': [1]}] | to_nice_yaml(indent=2) }}",
        "- - 1\n  - - 2\n- a:\n  - 1\n",
    ),
    (
        "{{ {'a': 'x, y', 'b': ['x, y', '- z', '#']} | to_yaml }}",
        "a: x, y\nb: ['x, y', '- z', '#']\n",
    ),
    (
        "{{ {'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa': 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'c': ['ddddddddddddddddddddddddddd', 'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee', 'f']} | pprint }}",
        "{'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa': 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',\n 'c': ['ddddddddddddddddddddddddddd',\n       'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',\n       'f']}",
    ),
    (
        "{{ 'a well-known thing-that-is long' | wordwrap(10) }}",
        "a well-\nknown\nthing-\nthat-is\nlong",
    ),
];

#[test]
fn filters_and_methods_are_those_of_copier() {
    for (text, made) in CASES {
        assert_eq!(rendered(text), *made, "{text}");
    }
}

#[test]
fn lines_end_as_jinja_ends_them() {
    let text = "x\r\n{% if true %}\r\ny\r{% endif %}\r\n";
    assert_eq!(rendered(text), "x\n\ny\n\n");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (text, why) in [
        (
            "{{ 'x' | to_datetime }}",
            "not in the form `%Y-%m-%d %H:%M:%S`",
        ),
        ("{{ '%!' | strftime(0) }}", "`%!` is no form of a date"),
        ("{{ '%f' | strftime(0) }}", "`%f` is no form of a date"),
        ("{{ '%Y-%-z' | strftime(0) }}", "no form of a date"),
        (
            "{{ '2020-01-02 +0100' | to_datetime('%Y-%m-%d %z') }}",
            "dates have no zone here",
        ),
        (
            "{{ ('2020' | to_datetime('%Y')) - ('2019' | to_datetime('%Y')) }}",
            "tried to use - operator on unsupported types",
        ),
        ("{{ '%999999999Y' | strftime(0) }}", "no form of a date"),
        ("{{ '%Y' | strftime('x') }}", "seconds since 1970"),
        ("{{ '%Y' | strftime }}", "there is no clock"),
        (
            "{{ 'x' | regex_search('\\\\h') }}",
            "the regular expression is wrong: Python has no `\\h`",
        ),
        (
            "{{ 'x' | regex_search('(x') }}",
            "the regular expression is wrong",
        ),
        (
            "{{ ('a' * 5000 ~ 'b') | regex_search('(a+)\\\\1+\\\\1+\\\\1+c') }}",
            "back and forth too often",
        ),
        (
            "{{ 'x' | regex_search('(' * 10000 ~ ')' * 10000) }}",
            "the regular expression is wrong",
        ),
        ("{{ 'x' | regex_replace('(x)', '\\\\2') }}", "no group `2`"),
        ("{{ 'x' | center(99999999999) }}", "too wide"),
        ("{{ 'x' | indent(99999999999) }}", "too wide"),
        ("{{ 'x' | indent(width=99999999999) }}", "too wide"),
        ("{{ [1] | batch(99999999999, 0) | list }}", "too wide"),
        ("{{ [1] | slice(99999999999, 0) | list }}", "too wide"),
        ("{{ [1] | tojson(indent=99999999999) }}", "too wide"),
        ("{{ '%-99999999999d' | format(1) }}", "too wide"),
        ("{{ '%% %(x).99999999999f' | format(x=1) }}", "too wide"),
        ("{{ '%*d' | format(99999999999, 1) }}", "too wide"),
        ("{{ '%99999999999d' % 1 }}", "too wide"),
        ("{{ '%s %s' % ('a',) }}", "missing an argument"),
        ("{{ '%d' % 'x' }}", "format"),
        (
            "{{ ('x ' * 100000) | wordwrap(1, wrapstring='y' * 100000) }}",
            "too long",
        ),
        ("{{ 'x' | hash('crc') }}", "the digest `crc`"),
        ("{{ 'x' | truncate(2) }}", "no room"),
        ("{{ [] | random }}", "nothing to choose from"),
    ] {
        let said = rendered(text);
        assert!(said.contains(why), "{text}: {said}");
    }
}
