//! Files, wrong ones and right ones, that reader and schemas are held to.

use crate::config::codes;

pub(super) const APP: &str = "products/wiki/nua-config.yml";
pub(super) const INFO: &str = "products/wiki/info.yml";
pub(super) const DEPLOY: &str = "config/deploy.yml";
pub(super) const PRODUCTS: &str = "config/products.yml";
pub(super) const TOOLS: &str = "config/tools.yml";

/// Wrong files that a schema refuses, each with the code that the reader has for it.
pub(super) const WRONG: &[(&str, &str, &str)] = &[
    (
        codes::REMOTE_CONTEXT,
        APP,
        "build: https://example.org/a.git\n",
    ),
    (
        codes::REMOTE_CONTEXT,
        APP,
        "build: {context: 'git@example.org:a/b'}\n",
    ),
    (
        codes::UNKNOWN_KEY,
        APP,
        "build: {context: ., method: wrap}\n",
    ),
    (
        codes::UNKNOWN_KEY,
        APP,
        "build: {base-image: 'a/b:1', args: {A: 1}}\n",
    ),
    (codes::UNKNOWN_KEY, DEPLOY, "stack: a\nsites: []\n"),
    (
        codes::BAD_ADOPT,
        DEPLOY,
        "stack: a\nsite: [{label: a, image: wiki, adopt: 'old@3f'}]\n",
    ),
    (
        codes::UNKNOWN_KEY,
        PRODUCTS,
        "version: 1\nproducts: [{id: x, enabeld: true}]\n",
    ),
    (
        codes::UNKNOWN_KEY,
        TOOLS,
        "version: 1\ntools: [{id: x, image: y}]\n",
    ),
    (
        codes::UNKNOWN_KEY,
        INFO,
        "version: 1\nnmae: x\napp: {image: a/b:1}\n",
    ),
    (codes::UNKNOWN_KEY, APP, "image: a/b:1\nenv: {A: {x: 1}}\n"),
    (
        codes::UNKNOWN_KEY,
        APP,
        "image: a/b:1\nhealthcheck: {comand: x}\n",
    ),
    (
        codes::UNKNOWN_KEY,
        APP,
        "image: a/b:1\nmetadata: {id: a, nmae: x}\n",
    ),
    (codes::WRONG_TYPE, DEPLOY, "stack: a\nsite: {}\n"),
    (codes::WRONG_TYPE, DEPLOY, "stack: [a]\nsite: []\n"),
    (
        codes::WRONG_TYPE,
        PRODUCTS,
        "products: [{id: x, enabled: 'yes'}]\n",
    ),
    (codes::WRONG_TYPE, APP, "image: a/b:1\nenv: [A]\n"),
    (
        codes::WRONG_TYPE,
        APP,
        "image: a/b:1\nhealthcheck: {command: {a: b}}\n",
    ),
    (
        codes::WRONG_TYPE,
        APP,
        "image: a/b:1\ndocker: {cap_add: {a: b}}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nports: {from: 99999}\nsite: []\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nnetworks: {pool: 10.0.0.0/30}\nsite: []\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: wiki, update: {order: first}}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: wiki, update: {settle: soon}}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: wiki, bind: here}\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nexternal-ip: a.example.org\nsite: []\n",
    ),
    (
        codes::BAD_VALUE,
        DEPLOY,
        "stack: a\nexternal-ip: https://a.example.org\nsite: []\n",
    ),
    (codes::BAD_VALUE, PRODUCTS, "products: [{id: 'a b'}]\n"),
    (
        codes::BAD_VALUE,
        PRODUCTS,
        "products: [{id: a, auth: tokn}]\n",
    ),
    (
        codes::BAD_VALUE,
        PRODUCTS,
        "products: [{id: a, vcs-ref: --exec}]\n",
    ),
    (
        codes::BAD_VALUE,
        PRODUCTS,
        "products: [{id: a, vcs_auth_type: Token}]\n",
    ),
    (
        codes::BAD_VALUE,
        APP,
        "image: a/b:1\nvolume: [{name: x, target: /x, type: disk}]\n",
    ),
    (
        codes::BAD_VALUE,
        APP,
        "image: a/b:1\ndocker: {mem_limit: much}\n",
    ),
    (
        codes::BAD_VALUE,
        APP,
        "image: a/b:1\nbackup: {method: tar}\n",
    ),
    (codes::MISSING, DEPLOY, "stack: a\nsite: [{label: a}]\n"),
    (codes::MISSING, DEPLOY, "stack: a\nsite: [{image: wiki}]\n"),
    (codes::MISSING, PRODUCTS, "products: [{title: x}]\n"),
    (codes::MISSING, INFO, "version: 1\nrun: {profiles: [x]}\n"),
    (
        codes::MISSING,
        APP,
        "image: a/b:1\nprovider: [{module-name: postgres}]\n",
    ),
    (
        codes::BAD_VERSION,
        DEPLOY,
        "version: 2\nstack: a\nsite: []\n",
    ),
    (
        codes::BAD_VERSION,
        INFO,
        "version: 2\napp: {image: a/b:1}\n",
    ),
    (codes::BAD_STACK, DEPLOY, "stack: Acme Corp\nsite: []\n"),
    (codes::BAD_ID, DEPLOY, "stack: a\nid: abc\nsite: []\n"),
    (
        codes::BAD_LABEL,
        DEPLOY,
        "stack: a\nsite:\n- {label: '--', image: wiki}\n",
    ),
    (
        codes::BAD_LABEL,
        APP,
        "image: a/b:1\nprovider: [{name: A b, module-name: redis}]\n",
    ),
    (
        codes::BAD_DOMAIN,
        DEPLOY,
        "stack: a\nsite:\n- {image: wiki, domain: 'a b'}\n",
    ),
    (
        codes::BAD_REFERENCE,
        DEPLOY,
        "stack: a\nsite:\n- {label: a, image: 'a b/c'}\n",
    ),
    (codes::BAD_VARIABLE, APP, "image: a/b:1\nenv: {A: [[1]]}\n"),
    (codes::BRACE, APP, "image: a/b:1\nenv: {A: 'a { b'}\n"),
    (
        codes::NUA_INTERNAL,
        APP,
        "image: a/b:1\nenv: {A: {nua_internal: true}}\n",
    ),
    (
        codes::BAD_FILE,
        APP,
        "image: a/b:1\nenv: {A: {random: true, file: here}}\n",
    ),
    (codes::BAD_PORT, APP, "image: a/b:1\nport: {web: 70000}\n"),
    (
        codes::BAD_VOLUME,
        APP,
        "image: a/b:1\nvolume: [{name: x}]\n",
    ),
    (
        codes::BAD_VOLUME,
        APP,
        "image: a/b:1\nvolume: [{name: x, target: x}]\n",
    ),
    (
        codes::UNKNOWN_SERVICE,
        APP,
        "image: a/b:1\nprovider: [{name: db, module-name: postgress}]\n",
    ),
    (
        codes::PROVIDER_KIND,
        APP,
        "image: a/b:1\nprovider: [{name: db, type: app}]\n",
    ),
    (
        codes::DOCKER_OPTION,
        APP,
        "image: a/b:1\ndocker: {ulimits: [x]}\n",
    ),
    (
        codes::RELATIVE_PATH,
        APP,
        "image: a/b:1\nvolume: [{name: x, target: /x, type: directory}]\n",
    ),
    (
        codes::BAD_PATH,
        PRODUCTS,
        "products: [{id: x, dst-path: ../x}]\n",
    ),
    (
        codes::BAD_PATH,
        DEPLOY,
        "stack: a\nsite: []\nusers: ../x.csv\n",
    ),
    (
        codes::TWO_WAYS,
        INFO,
        "version: 1\napp: {image: a/b:1}\nrun: {compose: compose.yml}\n",
    ),
];

/// Codes that no schema can express, and why.
pub(super) const ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "it is of a file's being there, or of several files",
        &[
            codes::NO_FILE,
            codes::TWO_DEPLOY_FILES,
            codes::NO_SECRET,
            codes::SECRET_TWICE,
            codes::LOCKED_SECRET,
            codes::OPEN_SECRET,
            codes::COMMITTED_SECRET,
            codes::TWO_PATHS,
            codes::NO_CONTEXT,
            codes::BAD_DOCKERFILE,
            codes::BUILDKIT,
            codes::LARGE_CONTEXT,
            codes::BAD_PATTERN,
        ],
    ),
    (
        "a schema sees what a parser made of the text",
        &[
            codes::SYNTAX,
            codes::DUPLICATE_KEY,
            codes::TOO_LARGE,
            codes::MORE,
        ],
    ),
    (
        "one value refers to another, or must differ from it",
        &[
            codes::DUPLICATE_LABEL,
            codes::DUPLICATE_DOMAIN,
            codes::MIXED_DOMAIN,
            codes::UNKNOWN_SOURCE,
            codes::EXPOSED,
            codes::UNKNOWN_PROPERTY,
            codes::CYCLE,
            codes::MOUNT_TWICE,
            codes::DUPLICATE_PROVIDER,
            codes::BAD_WAS,
            codes::NAME_CLASH,
            codes::PORT_TWICE,
            codes::TWO_DATABASES,
            codes::SHARED,
            codes::DUPLICATE_PRODUCT,
            codes::SAME_FOLDER,
        ],
    ),
    (
        "it is between two files",
        &[
            codes::UNKNOWN_IMAGE,
            codes::NO_APP,
            codes::DISABLED,
            codes::UNKNOWN_PROVIDER,
            codes::MOVED_FOLDER,
        ],
    ),
    (
        "an engine has to be asked",
        &[
            codes::NOT_BUILT,
            codes::PORT_TAKEN,
            codes::NO_PORT,
            codes::NO_SUBNET,
            codes::OTHER_SUBNET,
        ],
    ),
    (
        "it needs what images and versions there are",
        &[codes::NO_VERSION, codes::VERSION_TAG, codes::START_FIRST],
    ),
    (
        "it is right in its form: coasti warns, does not do it yet, or knows by names what is secret",
        &[
            codes::NO_TAG,
            codes::NOT_YET,
            codes::IGNORED,
            codes::SECRET_IN_FILE,
            codes::SECRET_ARG,
            codes::FOREIGN_KEY,
        ],
    ),
    (
        "it is in a file of variables or in a table, which have no schema",
        &[
            codes::WEAK_PASSWORD,
            codes::UNKNOWN_VARIABLE,
            codes::HALF_A_SERVICE,
            codes::DUPLICATE_USER,
        ],
    ),
    (
        "it is in a compose file or in one with its variables, whose schema is the Compose Specification's",
        &[
            codes::COMPOSE_KEY,
            codes::INTERPOLATION,
            codes::UNSET_REQUIRED,
            codes::UNSET,
            codes::BAD_ENV_FILE,
            codes::COMPOSE_CYCLE,
            codes::UNKNOWN_NAME,
            codes::REMOTE_BIND,
            codes::OLD_ENGINE,
            codes::OTHER_PLATFORM,
            codes::SHOWN_VALUE,
            codes::SHOWN_SECRET,
            codes::NO_SERVICE,
            codes::NUMBER,
        ],
    ),
];

/// Everything that may stand in a file, so that every table is read.
pub(super) const FULL: &[(&str, &str)] = &[
    (
        PRODUCTS,
        "version: 1\ncoasti_version: 0.3\nproducts:\n- {id: wiki, title: W, description: d, version: 1.0, enabled: 'True', dst-path: products/wiki, \
        vcs_repo: git@x.org:a/b.git, vcs-ref: v1, vcs_auth_type: SSH Key, vcs_auth_value: __file__}\n- {id: b, auth: token, run: {compose: a.yml, files: b.yml, env-file: [c], profiles: [d]}, enabled: false}\n",
    ),
    (TOOLS, "coasti_version: 0.2.3\n\ntools:\n"),
    (TOOLS, "version: '1'\ntools: {id: sling}\n"),
    (
        INFO,
        "version: 1.2.0\nid: a_wiki\nid_shorthand: w\nname: W\ndescription: d\nentrypoint: x\napp: {image: a/b:1}\n",
    ),
    (
        INFO,
        "version: 1\nproduct-version: 1.2.0\napp:\n  image: a/b:1\n  metadata: {id: wiki, version: 1.0, release: 2, tags: [a], title: T}\n",
    ),
    (INFO, "run: {compose: compose.yml, profiles: [a]}\n"),
    (APP, "build: .\n"),
    (
        APP,
        "metadata: {id: wiki, version: '1.0'}\nimage: acme/own\n\
        build: {context: ., dockerfile: Dockerfile, args: {VERSION: '{version}', N: 1, B: true}, target: final, labels: {a: b}, cache_from: a/b:1, \
        network: host, extra-hosts: {a: 1.2.3.4}, shm_size: 128M, platform: linux/amd64, pull: true, no-cache: 'false', tags: ['a/b:{version}']}\n",
    ),
    (APP, "build: {dockerfile_inline: 'FROM x:1'}\n"),
    (
        APP,
        "metadata: {id: wiki, version: '1.0'}\nimage: a/b:1\nbuild: {base-image: 'a/b:1', method: wrap}\n\
        run: {post-run: [a, 'b {version}'], start: x}\nenv: {A: b, B: 1, C: true, D: [a, 1], E: {random: true, length: '24', display: true}, F: '{A}{{', G: {from: db, key: hostname}}\n\
        port: {web: 80, ssh: {container: 22, host: auto, proxy: 2222, protocol: tcp, bind: 127.0.0.1, ssl: false}, dyn: {container: {key: B}, host: '22'}}\n\
        volume: [{name: a, target: /a, type: managed, read-only: true, options: {type: tmpfs, device: tmpfs, o: uid=1}}, {prefix: b, destination: /b/, type: tmpfs, tmpfs_size: 1M, tmpfs_mode: 0o777}, {name: /c, dest: /c, type: directory, create: true, selinux: z, propagation: rslave}, {name: d, target: /d, nocopy: true, labels: {a: b, n: 1}}]\n\
        healthcheck: {command: [CMD, a], interval: 5s, timeout: 1m30s, start_period: 3, retries: 3}\n\
        provider: [{name: db, module-name: postgres, module-version: '>=14,<15', type: docker-image, env: {A: x}, backup: {method: pg_dump, options: {destination: local}}, build: {base-image: 'postgres:14.6'}}]\n\
        docker: {mem_limit: 8G, restart_policy: {name: always}, command: a b, cap_add: [NET_ADMIN], log_config: {type: json-file, config: {max-size: 1m}}, cpus: 1.5, extra_hosts: {a: 1.2.3.4}, labels: {a: b}, shm_size: 64000, working-dir: /x}\n\
        backup: {method: tgz_volumes, frequency: '24h'}\n",
    ),
    (
        DEPLOY,
        "version: 1\nstack: acme\nid: 0123456789abcdef0123456789abcdef\nports: {from: 8100, to: 8999}\nnetworks: {pool: 172.24.0.0/14}\nexternal-ip: 1.2.3.4\n\
        site:\n- label: A b\n  image: wiki\n  domain: https://Wiki.example.org/x/\n  env: {A: b}\n  update: {order: start-first, settle: 5s, timeout: 300}\n  was: old\n  new-data: true\n  protect: false\n  bind: '::1'\n  test: [x]\n- {image: wiki, domain: x.org}\n",
    ),
    (
        DEPLOY,
        "site:\n- label: a\n  image: wiki\nports: {start: 8100, end: '9000'}\n",
    ),
    (DEPLOY, "stack: a\nsite:\n"),
    (DEPLOY, "stack: a\nsite: []\nusers: ~\n"),
    (
        PRODUCTS,
        "products: [{id: wiki}, {id: 1, vcs_repo: x, vcs_ref: 1.2}, {id: b, vcs_repo: x, vcs-ref: ~}]\n",
    ),
];

/// At the edge.
pub(super) const EDGES: &[(&str, &str)] = &[
    (APP, "image: a/b:1\ndocker: {labels: x}\n"),
    (APP, "image: a/b:1\ndocker: {extra_hosts: x}\n"),
    (APP, "image: a/b:1\ndocker: {sysctls: x}\n"),
    (APP, "image: a/b:1\ndocker: {tmpfs: /run}\n"),
    (APP, "image: a/b:1\ndocker: {labels: {a: {b: c}}}\n"),
    (APP, "image: a/b:1\ndocker: {labels: {a: [b]}}\n"),
    (APP, "image: a/b:1\ndocker: {labels: [[b]]}\n"),
    (APP, "image: a/b:1\ndocker: {labels: {a: ~}}\n"),
    (APP, "image: a/b:1\ndocker: {sysctls: {a: {b: c}}}\n"),
    (APP, "image: a/b:1\ndocker: {sysctls: {a: [b]}}\n"),
    (APP, "image: a/b:1\ndocker: {sysctls: [[b]]}\n"),
    (APP, "image: a/b:1\ndocker: {sysctls: {a: ~}}\n"),
    (APP, "image: a/b:1\ndocker: {tmpfs: {a: {b: c}}}\n"),
    (APP, "image: a/b:1\ndocker: {tmpfs: {a: [b]}}\n"),
    (APP, "image: a/b:1\ndocker: {tmpfs: [[b]]}\n"),
    (APP, "image: a/b:1\ndocker: {tmpfs: {a: ~}}\n"),
    (APP, "image: a/b:1\ndocker: {extra_hosts: {a: {b: c}}}\n"),
    (APP, "image: a/b:1\ndocker: {extra_hosts: {a: [b]}}\n"),
    (APP, "image: a/b:1\ndocker: {extra_hosts: [[b]]}\n"),
    (APP, "image: a/b:1\ndocker: {extra_hosts: {a: ~}}\n"),
    (
        APP,
        "image: a/b:1\ndocker: {log_config: {config: {a: {b: c}}}}\n",
    ),
    (
        APP,
        "image: a/b:1\ndocker: {log_config: {config: {a: [b]}}}\n",
    ),
    (APP, "image: a/b:1\ndocker: {log_config: {config: x}}\n"),
    (
        APP,
        "image: a/b:1\ndocker: {log_config: {config: {a: ~}}}\n",
    ),
    (
        APP,
        "image: a/b:1\ndocker: {log_config: {config: {max-size: 1m}}}\n",
    ),
    (APP, "image: a/b:1\nport: {web: \"1\"}\n"),
    (APP, "image: a/b:1\nport: {web: ~}\n"),
    (APP, "image: a/b:1\nport: {web: 1.0}\n"),
    (APP, "image: a/b:1\nrun: {post-run-status: [~]}\n"),
    (APP, "image: a/b:1\nrun: {post-run: [~]}\n"),
    (
        APP,
        "image: a/b:1\nvolume: [{name: a, target: /a, dst-path: ~}]\n",
    ),
    (
        APP,
        "image: a/b:1\nvolume: [{type: tmpfs, target: /a, tmpfs-size: 1.5}]\n",
    ),
    (
        APP,
        "image: a/b:1\nvolume: [{type: tmpfs, target: /a, tmpfs-size: 1000.0}]\n",
    ),
    (APP, "image: a/b:1\ndocker: {mem_limit: 10000000.0}\n"),
    (APP, "image: a/b:1\ndocker: {mem_limit: 10000000.5}\n"),
    (APP, "image: a/b:1\ndocker: {pids_limit: 1000.0}\n"),
    (APP, "image: a/b:1\ndocker: {stop_timeout: 10.0}\n"),
    (APP, "image: a/b:1\ndocker: {nano_cpus: 1000000000.0}\n"),
    (
        APP,
        "image: a/b:1\nhealthcheck: {command: x, retries: 3.0}\n",
    ),
    (
        APP,
        "image: a/b:1\nhealthcheck: {command: x, interval: 3.0}\n",
    ),
    (
        APP,
        "image: a/b:1\nenv: {A: {random: true, length: 20.0}}\n",
    ),
    (
        APP,
        "image: a/b:1\nprovider: [{name: d, module-name: postgres, port: {p: {container: 1000.0, host: 1000.0}}}]\n",
    ),
    (DEPLOY, "stack: a\nsite: [{label: ~, image: wiki}]\n"),
    (
        DEPLOY,
        "stack: a\nsite: [{label: w, domain: ~, image: wiki}]\n",
    ),
    (
        DEPLOY,
        "stack: a\nsite: [{label: ~, domain: a.org, image: wiki}]\n",
    ),
    (DEPLOY, "stack: ~\nsite: []\n"),
    (DEPLOY, "site: []\n"),
    (
        DEPLOY,
        "stack: a\nports: {from: 8000.0, to: 9000}\nsite: []\n",
    ),
    (DEPLOY, "stack: a\nsite: [{label: w, image: ~}]\n"),
    (
        DEPLOY,
        "stack: a\nsite: [{label: w, image: wiki, update: {timeout: 10.0}}]\n",
    ),
    (DEPLOY, "version: 1.0\nstack: a\nsite: []\n"),
    (PRODUCTS, "products: [{id: ~}]\n"),
    (PRODUCTS, "products: [{id: wiki, vcs-ref: ~}]\n"),
    (
        PRODUCTS,
        "products: [{id: wiki, vcs-repo: \"https://x/a\", vcs-ref: 1.5}]\n",
    ),
    (
        PRODUCTS,
        "products: [{id: wiki, vcs-repo: \"https://x/a\", vcs-ref: ~}]\n",
    ),
    (PRODUCTS, "products: [{id: wiki, dst-path: ~}]\n"),
    (
        PRODUCTS,
        "products: [{id: ~, vcs-repo: \"https://x/wiki\"}]\n",
    ),
    (PRODUCTS, "version: 1.0\nproducts: [{id: wiki}]\n"),
    (INFO, "version: 1.0\nid: wiki\napp: {image: \"a/b:1\"}\n"),
    (INFO, "version: 1.5\nid: wiki\napp: {image: \"a/b:1\"}\n"),
];
