//! Whatever the files hold: no panic, and the same stack from the same meaning.

use super::*;
use proptest::prelude::*;

const APP: &str = "\
metadata: {id: wiki, version: 1.0, release: 2, title: 'W {version}'}
image: acme/wiki:{version}
run: {post-run: ['init {A} {{x}}']}
env: {A: x, B: 'y{A}', C: {from: database, key: POSTGRES_DB}, D_PASSWORD: z, E: {random: true}}
port: {web: {container: 80}, dns: {container: 53, host: 53, protocol: udp}}
volume:
- {name: data, target: /data, options: {type: none, o: bind, device: /srv}}
- {type: tmpfs, target: /run, tmpfs-size: 1G}
docker: {mem_limit: 1G, cpus: 1.5, restart_policy: {name: on-failure, MaximumRetryCount: 3}, command: 'a b'}
healthcheck: {command: 'true', interval: 5}
provider:
- {name: database, module-name: postgres, module-version: '>=14,<16', env: {X: '1'}}
- {name: cache, module-name: redis}
";

const DEPLOY: &str = "\
version: 1
stack: acme
id: 0123456789abcdef0123456789abcdef
ports: {from: 8100, to: 8110}
networks: {pool: 10.0.0.0/20}
base: &base {image: wiki}
site:
- {label: a, <<: *base, domain: a.org, update: {settle: 5s}}
- {label: b, image: wiki, domain: b.org/x, port: {dns: {host: auto}}, env: {A: q}}
- {label: c, image: 'redis:7', was: old, protect: true}
";

fn sample() -> Map {
    Map::wiki(
        APP,
        &DEPLOY
            .replace("base: &base {image: wiki}\n", "")
            .replace("<<: *base", "image: wiki"),
    )
}

/// All that reading and sealing say, as text.
fn everything(folder: &Map, world: &World) -> String {
    let mut diagnostics = Diagnostics::new();
    let sealed = read(folder, &mut diagnostics)
        .and_then(|desired| seal(&desired, &world.facts(), &mut diagnostics));
    let json = sealed.map(|sealed| {
        let unknown = format!("{:?}{:?}", sealed.unknown_images, sealed.generate);
        serde_json::to_string(&sealed.stack).unwrap() + &unknown
    });
    format!("{}\n{}", json.unwrap_or_default(), lines(&diagnostics))
}

#[test]
fn the_sample_is_right() {
    let all = everything(&sample(), &World::new());
    assert!(all.starts_with('{'), "{all}");
}

#[test]
fn the_order_of_sites_and_keys_does_not_matter() {
    let folder = sample();
    let mut other = folder.clone();
    let text = &folder.0["config/deploy.yml"];
    let (head, sites) = text.split_once("site:\n").unwrap();
    let mut sites: Vec<&str> = sites.lines().collect();
    sites.reverse();
    let mut head: Vec<&str> = head.lines().collect();
    head.reverse();
    let turned = format!("{}\nsite:\n{}\n", head.join("\n"), sites.join("\n"));
    other.0.insert("config/deploy.yml".into(), turned);
    let world = World::new();
    let (one, two) = (sealed(&folder, &world).stack, sealed(&other, &world).stack);
    assert_eq!(one.digest(), two.digest());
    assert_eq!(everything(&folder, &world), everything(&folder, &world));
}

/// The text with one stretch replaced by something else.
fn mutated(text: &'static str) -> impl Strategy<Value = String> {
    let pieces = "[-:\\[\\]{}#&*!|>'\"%@,a-z0-9 \\n~<]{0,6}|null|true|-1|99999999999|'\\{'|\\}|\u{e9}|\t|\r\n";
    (0..=text.len(), 0usize..12, pieces).prop_map(move |(at, length, piece)| {
        let floor = |mut at: usize| {
            at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (from, to) = (floor(at), floor(at + length));
        format!("{}{piece}{}", &text[..from], &text[to..])
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mutated_files_never_make_it_panic(app in mutated(APP), deploy in mutated(DEPLOY)) {
        let folder = Map::wiki(&app, &deploy);
        let _ = everything(&folder, &World::new());
    }

    #[test]
    fn arbitrary_files_never_make_it_panic(text in "\\PC{0,80}", end in "yml|toml|json") {
        let folder = Map::new([
            ("config/products.yml", "products: [{id: wiki}]"),
            (&*format!("products/wiki/nua-config.{end}"), text.as_str()),
            (&*format!("config/deploy.{end}"), text.as_str()),
        ]);
        let _ = everything(&folder, &World::new());
    }
}
