//! What is refused before an engine would refuse it, and what does not hide the rest.

use super::errors::{APP, deploy, of_app, of_sites, problems};
use super::*;

#[test]
fn what_docker_refuses_is_refused_before() {
    let docker = "docker:\n  stop_signal: 99\n  memswap_limit: 1g\n  mem_limit: 1M\n  cpus: 0.001\n  pids_limit: 5000000\n  \
        cap_add: [NET_ADMIN, NET_ADMN]\n  sysctls: {vm.max_map_count: 262144}\n  extra_hosts: {db: one}\n  dns: [one]\n  \
        log_config: {type: json-file, config: {max-sise: 1m}}\n  restart_policy: 'on-failure:x'\n  tmpfs: {run: '', /a: 'exec'}\n  \
        hostname: a b\n  user: -1\n  working_dir: here\n  security_opt: [seccomp=./a.json]\n  devices: [kvm]\n  command: \"a\\0b\"\n";
    insta::assert_snapshot!(of_app(docker), @r#"
    E0106 products/wiki/nua-config.yml:4:16 `stop_signal` of `docker` cannot be `99`
        help: a signal's name, such as `SIGTERM` or `TERM`, or its number from 1 to 64
    E0106 products/wiki/nua-config.yml:6:14 `mem_limit` of `docker` cannot be `1M`
        help: at least 6M: Docker refuses less
    E0106 products/wiki/nua-config.yml:7:9 `cpus` of `docker` cannot be `0.001`
        help: at least 0.01 processors
    E0106 products/wiki/nua-config.yml:8:15 `pids_limit` of `docker` cannot be `5000000`
        help: a number of processes from 1 to 4194304
    E0106 products/wiki/nua-config.yml:9:24 `cap_add` of `docker` cannot be `NET_ADMN`
        help: did you mean `NET_ADMIN`?
    E0106 products/wiki/nua-config.yml:10:13 `sysctls` of `docker` cannot have `vm.max_map_count` with `262144`
        help: of a container's own are `net.…`, `fs.mqueue.…`, `kernel.msg…`, `kernel.sem` and `kernel.shm…`; others are the host's
    E0106 products/wiki/nua-config.yml:11:17 `extra_hosts` of `docker` cannot have `db` with `one`
        help: `NAME: ADDRESS`, the address in numbers, or `host-gateway`
    E0106 products/wiki/nua-config.yml:12:9 `dns` of `docker` cannot be `one`
        help: addresses in numbers, such as `1.1.1.1`
    E0106 products/wiki/nua-config.yml:13:15 `log_config` of `docker` is not right
        help: `json-file` does not know `max-sise`; it knows compress, max-file, max-size, env, env-regex, labels, labels-regex, tag, max-buffer-size, mode
    E0106 products/wiki/nua-config.yml:14:19 `restart_policy` of `docker` cannot be `on-failure:x`
        help: the number of tries is 0, for no end of them, or more
    E0106 products/wiki/nua-config.yml:15:10 `tmpfs` of `docker` is not right
        help: `exec` is none of `size=64m`, `mode=1777`, `ro`, `rw`
    E0106 products/wiki/nua-config.yml:16:13 `hostname` of `docker` cannot be `a b`
        help: at most 64 letters, digits, `.`, `-` and `_`
    E0106 products/wiki/nua-config.yml:17:9 `user` of `docker` cannot be `-1`
        help: `USER` or `USER:GROUP`, names or numbers from 0 to 2147483647
    E0106 products/wiki/nua-config.yml:18:16 `working_dir` of `docker` cannot be `here`
        help: a path that starts with `/`
    E0106 products/wiki/nua-config.yml:19:18 `security_opt` of `docker` cannot be `seccomp=./a.json`
        help: `seccomp=unconfined`, or the profile itself as JSON: no file is read here
    E0106 products/wiki/nua-config.yml:20:13 `devices` of `docker` cannot be `kvm`
        help: `/dev/NAME`, or `/dev/HOST:/dev/CONTAINER:RIGHTS` with rights of `r`, `w`, `m`
    E0106 products/wiki/nua-config.yml:21:12 `command` of `docker` is not right
        help: no argument can hold a NUL byte
    "#);
    let swap = "docker: {mem_limit: 1g, memswap_limit: 512m, cpus: 1, nano_cpus: 1000000000}\n";
    insta::assert_snapshot!(of_app(swap), @r#"
    E0106 products/wiki/nua-config.yml:3:25 `memswap_limit` 512M is less than `mem_limit` 1G
        help: it is memory and swap together; as much as `mem_limit` is no swap
    E0106 products/wiki/nua-config.yml:3:55 `cpus` and `nano_cpus` of `docker` say the same
        help: keep one of them
    "#);
    insta::assert_snapshot!(of_app("docker: {memswap_limit: 512m}\n"), @r#"
    E0106 products/wiki/nua-config.yml:3:10 `memswap_limit` needs `mem_limit`
        help: it is memory and swap together
    "#);
    // The product says one of them, the site the other.
    let app =
        "metadata: {id: wiki, version: '1.0'}\nimage: acme/wiki:1\ndocker: {memswap_limit: 2g}\n";
    let site = "- label: wiki\n  image: wiki\n  docker: {mem_limit: 1g}\n";
    assert_eq!(problems(&Map::wiki(app, &deploy(site)), &World::new()), "");
    insta::assert_snapshot!(of_sites("- {label: a, image: wiki, update: {timeout: 0}}\n"), @r#"
    E0106 config/deploy.yml:4:45 `timeout` of `update` cannot be 0
        help: it is how long a container may take to work, such as `5m`
    "#);
    let host = "docker: {network_mode: host, sysctls: {net.core.somaxconn: 1}}\n";
    insta::assert_snapshot!(of_app(host), @r#"
    E0106 products/wiki/nua-config.yml:3:30 `net.core.somaxconn` cannot be set beside `network_mode: host`
        help: the container has no network of its own there: set it on the host
    "#);
    insta::assert_snapshot!(of_app("env: {B: \"a\\0b\"}\n"), @r#"
    E0124 products/wiki/nua-config.yml:3:10 the variable `B` has no proper value
        ^ this is text
        help: no variable can hold a NUL byte
    "#);
}

/// A value has one source, and what belongs to another one is not ignored.
#[test]
fn a_variable_is_made_in_one_way() {
    let env = "env:\n  A: {secret: s, random: true}\n  B: {random: true, unique_user: true}\n  C: {from: d, key: K, random: true}\n  \
        D: {unique_user: true, external_ip: true}\n  E: {unique_db: true, length: 9}\n  F: {secret: s, type: int}\n  \
        G: {secret: s, display: true}\n  H: {from: d, random: true}\n  I: {random: false, unique_user: true}\n";
    insta::assert_snapshot!(of_app(env), @r#"
    E0124 products/wiki/nua-config.yml:4:15 `random` and `secret` in the one variable `A`
        help: leave one of them out: a value has one source
    E0124 products/wiki/nua-config.yml:5:34 `random` and `unique_user` in the one variable `B`
        help: leave one of them out: a value has one source
    E0124 products/wiki/nua-config.yml:6:32 `key` and `random` in the one variable `C`
        help: leave one of them out: a value has one source
    E0124 products/wiki/nua-config.yml:7:20 `external_ip` and `unique_user` in the one variable `D`
        help: leave one of them out: a value has one source
    E0124 products/wiki/nua-config.yml:8:32 `unique_db` and `length` in the one variable `E`
        help: `length` and `type` are of `random: true`
    E0124 products/wiki/nua-config.yml:9:24 `secret` and `type` in the one variable `F`
        help: `length` and `type` are of `random: true`
    E0124 products/wiki/nua-config.yml:10:27 `secret` and `display` in the one variable `G`
        help: `coasti secret get` shows a secret of the folder
    E0124 products/wiki/nua-config.yml:11:24 `from` and `random` in the one variable `H`
        help: leave one of them out: a value has one source
    "#);
}

#[test]
fn volumes_are_never_renamed_silently() {
    let volumes = "volume:\n- {name: ../../etc, target: /a}\n- {name: my data, target: /b}\n- {name: Data, target: /c}\n\
        - {name: x, external: true, target: /d}\n- {name: a.b_c-d, target: /e}\n- {name: f, target: /f/../g}\n- {name: h, target: /}\n\
        - {name: i, target: /i, options: {foo: 1}}\n- {name: j, target: /j, options: {type: nfs, o: addr=10.0.0.1}}\n\
        - {name: k, target: /k, options: {type: none, o: bind, device: /srv}}\n";
    insta::assert_snapshot!(of_app(volumes), @r#"
    E0135 products/wiki/nua-config.yml:4:10 `../../etc` cannot be a volume's name
        help: `a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits
        help: for a directory of the engine's host write `type: directory` and its whole path
    E0135 products/wiki/nua-config.yml:5:10 `my data` cannot be a volume's name
        help: `a-z`, `0-9`, `.`, `_` and `-`, the ends letters or digits
    E0135 products/wiki/nua-config.yml:7:10 `x` cannot be a volume's name
        help: as the engine has it: letters, digits, `.`, `_` and `-`, a letter or digit first
    E0135 products/wiki/nua-config.yml:9:21 `/f/../g` cannot be the `target` of a volume
        help: a path without `.`, `..` and empty parts
    E0135 products/wiki/nua-config.yml:10:21 `/` cannot be the `target` of a volume
        help: the root itself is the image's
    E0135 products/wiki/nua-config.yml:11:3 a volume has no option `foo`
        help: Docker's own volumes take `type`, `o` and `device`, as `mount` does; another `driver` takes others
    E0135 products/wiki/nua-config.yml:12:3 the option `type` of a volume needs `device`
        help: Docker's own volumes take `type`, `o` and `device`, as `mount` does; another `driver` takes others
    "#);
}

#[test]
fn nothing_hides_the_rest() {
    let all = "env: {A: '{A}', B: '{NONE}', C: {from: nothing, key: X}, D: {from: db, key: OF_DB}, E: {secret: none}, F: '{'}\n\
        port: {web: {container: 80, host: 70000}, dns: 53}\nprovider:\n- {name: db, module-name: oracle}\n\
        - {name: cache, module-name: redis, module-version: '>99', env: {X: {from: db, key: Y}, Z: '{W}'}}\n";
    insta::assert_snapshot!(of_app(all), @r#"
    E0127 products/wiki/nua-config.yml:3:10 variables need each other in a circle: A → A
    E0126 products/wiki/nua-config.yml:3:20 `{NONE}` names no variable
        help: write `{{` and `}}` for braces themselves
    E0125 products/wiki/nua-config.yml:3:33 `from: nothing` names no provider and no volume
        help: there are `cache`, `db`
    E0129 products/wiki/nua-config.yml:3:88 no secret `none`
        help: coasti secret set none, or put its value into `config/secrets/none`, readable by you only
    E0130 products/wiki/nua-config.yml:3:107 a brace that is not part of `{NAME}`
        help: write `{{` and `}}` for braces themselves
    E0131 products/wiki/nua-config.yml:4:35 `host` of the port `web` must be between 1 and 65535
    E0131 products/wiki/nua-config.yml:4:43 the port `dns` has neither `host` nor `proxy`
        ^ only `web` is published by itself
        help: `host: auto` publishes it on the next free port, `host: NUMBER` on that one
    E0138 products/wiki/nua-config.yml:6:27 unknown service `oracle`
        ^ not one that coasti brings
        help: there are `mariadb`, `mongo`, `mongodb`, `postgres`, `postgresql`, `redis`, `redis-cache`, `sqlite`
    E0139 products/wiki/nua-config.yml:7:53 no redis that coasti knows is in `>99`
        help: there are 6.0.17, 6.2.10, 7.0.8, 7.2, 7.4
        help: for another one write `image: docker.io/library/redis:VERSION`
    E0126 products/wiki/nua-config.yml:7:92 `{W}` names no variable
        help: write `{{` and `}}` for braces themselves
    "#);
    // Neither does a wrong name of the stack, nor a wrong image.
    let site = "version: 1\nstack: A B\nsite:\n- {label: a, image: ACME/wiki, env: {B: '{B}', C: '{D}'}}\n- {label: a, image: wiki}\n\
        - {label: b, image: none, env: {X: {secret: y}}, provider: [{name: db, env: {A: {from: x, key: y}}}]}\n";
    insta::assert_snapshot!(problems(&Map::wiki(APP, site), &World::new()), @r#"
    E0111 config/deploy.yml:2:8 `A B` cannot be a stack's name
        help: 1 to 40 of `a-z`, `0-9` and `-`, the ends letters or digits
    E0119 config/deploy.yml:4:21 `ACME/wiki` is no image reference
        help: the path of an image is in lower case
    E0127 config/deploy.yml:4:41 variables need each other in a circle: B → B
    E0114 config/deploy.yml:5:11 two sites have the label `a`
        ^ the second
        config/deploy.yml:4:11 the first
    E0118 config/deploy.yml:6:21 no product is called `none`
        ^ a product's id, or an image reference
        help: list the product in config/products.yml
        help: for the image of that name write `docker.io/library/none`
    E0129 config/deploy.yml:6:36 no secret `y`
        help: coasti secret set y, or put its value into `config/secrets/y`, readable by you only
    "#);
}

#[test]
fn a_file_that_is_cut_off_is_no_empty_stack() {
    let only = |deploy: &str| problems(&Map::wiki(APP, deploy), &World::new());
    insta::assert_snapshot!(only(""), @r#"
    E0107 config/deploy.yml:1:1 `config/deploy.yml` says nothing
        help: `stack: NAME` and `site: […]`; a stack without sites is `site: []`
    "#);
    insta::assert_snapshot!(only("# stack: acme\n"), @r#"
    E0107 config/deploy.yml:1:1 `config/deploy.yml` says nothing
        help: `stack: NAME` and `site: […]`; a stack without sites is `site: []`
    "#);
    insta::assert_snapshot!(only("ports: {from: 9000}\n"), @r#"
    E0107 config/deploy.yml:1:1 the file has no `stack`
        help: `stack: NAME` starts the name of everything that coasti makes
    "#);
    insta::assert_snapshot!(only("- a\n"), @r#"
    E0105 config/deploy.yml:1:1 the file must be a table
        ^ this is a list
    "#);
    assert_eq!(only("site:\n"), "");
    // What cannot be read of the products is not said to be missing as well.
    let mut folder = Map::wiki(APP, &deploy("- {label: wiki, image: wiki}\n"));
    for products in [
        "products: 1\n",
        "- wiki\n",
        "products: [\n",
        "products:\n- {title: x}\n",
    ] {
        folder
            .0
            .insert("config/products.yml".to_owned(), products.to_owned());
        let found = problems(&folder, &World::new());
        assert_eq!(found.matches("config/products.yml").count(), 1, "{found}");
        assert!(!found.contains("E0118"), "{found}");
    }
}

#[test]
fn a_command_with_an_open_quote_is_refused() {
    insta::assert_snapshot!(of_app("run: {post-run: ['ok', \"echo 'a\"]}\n"), @r#"
    E0106 products/wiki/nua-config.yml:3:24 a quote is not closed in `echo 'a`
        help: a command is split into words as a shell does; a quote itself is written `\'`
    "#);
}

#[test]
fn a_secret_in_an_argument_list_is_refused() {
    let app = "env: {PASSWORD: hunter22, KEY: {random: true}, WHO: {unique_user: true}, WORD: x}\nrun:\n  post-run:\n  \
        - tool --password {PASSWORD}\n  - sh -c 'tool {KEY}'\n  - tool {WHO} {WORD}\n  - sh -c 'echo {KEY} | tool'\n  \
        - setup email add {WORD} {PASSWORD}\n";
    insta::assert_snapshot!(of_app(app), @r#"
    E0163 products/wiki/nua-config.yml:6:5 a secret among the arguments of `tool --password ***`
        ^ while it runs, `ps` on the engine's host shows them to everybody
        help: to a program that reads a variable: `sh -c 'PASSWORD={NAME} program'`
        help: to one that asks, on its standard input: `sh -c 'echo {NAME} | program'` (only the shell's own `echo` gets it)
    E0163 products/wiki/nua-config.yml:7:5 a secret among the arguments of `sh -c 'tool ***'`
        ^ while it runs, `ps` on the engine's host shows them to everybody
        help: to a program that reads a variable: `sh -c 'PASSWORD={NAME} program'`
        help: to one that asks, on its standard input: `sh -c 'echo {NAME} | program'` (only the shell's own `echo` gets it)
    "#);
}

#[test]
fn a_secret_that_is_no_value_is_refused() {
    let mut folder = Map::wiki(
        APP,
        &deploy("- {label: a, image: wiki, env: {A: {secret: x}}}\n"),
    );
    for (text, fine) in [
        ("s3cret\n", true),
        ("", false),
        ("\n", false),
        ("\r\n", false),
        ("a\0b", false),
    ] {
        folder
            .0
            .insert("config/secrets/x".to_owned(), text.to_owned());
        let found = problems(&folder, &World::new());
        assert_eq!(
            found.contains("E0129 config/deploy.yml:4:36"),
            !fine,
            "{text:?}: {found}"
        );
    }
}

#[test]
fn files() {
    let env = |env: &str| {
        of_app(&format!(
            "volume: [{{name: data, target: /data/x}}]\nenv: {{{env}}}\n"
        ))
    };
    let all = [
        "A: {random: true, file: here}",
        "A: {random: true, file: [a]}",
        "A: {random: true, file: true, mode: '0999'}",
        "A: {random: true, mode: '0400'}",
        "A: {random: true, file: true, uid: -1}",
        "A: {random: true, file: /a}, B: {random: true, file: /a}",
        "A: {random: true, file: /data/x}",
        "A: {random: true, file: /run/coasti/a}",
    ];
    let said: Vec<_> = all.iter().map(|one| env(one)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    E0190 products/wiki/nua-config.yml:4:31 `here` cannot be the path of a file
        help: a path in the container, which starts with `/`
    E0190 products/wiki/nua-config.yml:4:31 `file` is true or a path, and this is a list
        help: as in `file: /run/secrets/key`
    E0190 products/wiki/nua-config.yml:4:43 `0999` are no permission bits of a file
        help: three octal digits in quotes, as in `mode: "0400"`
    E0190 products/wiki/nua-config.yml:4:10 `mode`, `uid` and `gid` are of a file
        help: `file: true` delivers the value as one
    E0106 products/wiki/nua-config.yml:4:42 `uid` of the variable `A` must be between 0 and 4294967294
        ^ out of range
    E0190 products/wiki/nua-config.yml:4:60 two files at `/a` of `wiki`
        help: give one of them another path with `file: /PATH`
    E0136 config/deploy.yml:4:3 a volume and a file at `/data/x`
        help: give the file another path with `file: /PATH`
    E0190 products/wiki/nua-config.yml:4:31 `/run/coasti/a` is coasti's own
        help: choose a path elsewhere, as in `/run/secrets/NAME`
    "#);
}

#[test]
fn one_volume_is_said_in_one_way_and_twice_only_on_purpose() {
    let app = "image: acme/wiki:1\nprovider: [{name: db, module-name: postgres}]\n\
        volume:\n- {name: data, target: /a}\n- {name: data, target: /b, read-only: true}\n";
    // One file may mean it; a path of the product's that was to be changed is said otherwise.
    let sites = "- {label: fine, image: wiki}\n\
        - {label: moved, image: wiki, volume: [{name: data, target: /c}], provider: [{name: db, volume: [{name: postgres-data, target: /pg}]}]}\n\
        - {label: other, image: wiki, volume: [{name: files, target: /c}, {target: /b, read-only: false}]}\n";
    insta::assert_snapshot!(problems(&Map::wiki(app, &deploy(sites)), &World::new()), @r#"
    W0199 config/deploy.yml:5:40 the volume `data` of `moved` is mounted twice, at `/a` and at `/c`
        products/wiki/nua-config.yml:4:3 the first
        help: to change the first one write `target: /a`
    W0199 config/deploy.yml:5:98 the volume `postgres-data` of `moved/db` is mounted twice, at `/var/lib/postgresql/data` and at `/pg`
        help: to change the first one write `target: /var/lib/postgresql/data`
    "#);
    insta::assert_snapshot!(of_app("volume:\n- {name: x, target: /x, driver: nfs}\n- {name: x, target: /y}\n"), @r#"
    E0135 products/wiki/nua-config.yml:5:3 the volume `x` of `wiki` is said in two ways
        products/wiki/nua-config.yml:4:3 the first
        help: say `driver`, `options`, `labels` and `external` the same at each path
    "#);
}

#[test]
fn two_do_not_write_to_one_place_unheard() {
    let shared = |label: &str, more: &str| {
        format!(
            "- {{label: {label}, image: 'a/b:1', volume: [{{name: media, external: true, target: /m{more}}}]}}\n"
        )
    };
    let database = |label: &str, image: &str, volume: &str| {
        format!(
            "- {{label: {label}, image: '{image}', volume: [{{{volume}, target: /var/lib/postgresql/data}}]}}\n"
        )
    };
    let sites = [
        shared("a", ""),
        shared("b", ", read-only: true"),
        shared("c", ""),
        database(
            "one",
            "docker.io/library/postgres:16",
            "name: /srv/pg, type: directory",
        ),
        // The same place, said otherwise.
        database(
            "two",
            "postgis/postgis:16-3.4",
            "name: /srv/./x/../pg/, type: directory",
        ),
        database("dump", "a/dump:1", "name: /srv/pg, type: directory"),
    ];
    insta::assert_snapshot!(of_sites(&sites.concat()), @r#"
    W0197 config/deploy.yml:6:39 `a` and `c` both write to the external volume `media`
        ^ the second
        config/deploy.yml:4:39 the first
        help: where one of them only reads: `read-only: true`
    E0196 config/deploy.yml:8:58 `one` and `two` would both be servers of the data in `/srv/pg`
        ^ the second
        config/deploy.yml:7:65 the first
        help: two servers on one database's files destroy them: give each its own
    "#);
    let device = "name: pg, options: {type: none, o: bind, device: /srv/pg/}";
    let through_volume = database("three", "postgres:16", device);
    let said = of_sites(&[sites[3].clone(), through_volume].concat());
    assert!(said.starts_with("E0196"), "{said}");
    let mut apart = sites;
    apart[2] = shared("c", ", read-only: true");
    apart[4] = database(
        "two",
        "postgis/postgis:16-3.4",
        "name: /srv/pg2, type: directory",
    );
    assert_eq!(of_sites(&apart.concat()), "");
}
