//! Every code that a problem in the files can have. A code is never given to something else.

macro_rules! codes {
    ($($name:ident $code:literal $title:literal $text:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// Code, title and explanation of each, in order.
        pub const CODES: &[(&str, &str, &str)] = &[$(($code, $title, $text)),*];

        #[cfg(test)]
        const NAMES: &[(&str, &str)] = &[$((stringify!($name), $code)),*];
    };
}

codes! {
    NO_FILE "E0101" "a file is missing or cannot be read"
        "A stack's folder has `config/products.yml` and one `config/deploy.yml` (or `.toml`, `.json`).";
    SYNTAX "E0102" "the file cannot be understood"
        "It is not YAML, TOML, JSON, CSV or a file of variables; the end of its name says which of them it should be.";
    DUPLICATE_KEY "E0103" "a key stands twice"
        "Which of the two is meant cannot be known. Keys may be written with `-` or `_`; both at once is twice.";
    UNKNOWN_KEY "E0104" "an unknown key"
        "A misspelt key would be ignored silently otherwise.";
    WRONG_TYPE "E0105" "a value of the wrong type"
        "Text, a number, a list or a table stands where something else is meant.";
    BAD_VALUE "E0106" "a value out of range or not in its form"
        "The message says which values are possible.";
    MISSING "E0107" "a key is missing"
        "Without it the entry has no meaning.";
    TOO_LARGE "E0108" "the file is too large"
        "A file may have 4 MB (TOML 1 MB), 200,000 values and 16 MB of text in them, those of YAML aliases included; a Dockerfile \
         1 MB. All files of a stack together may come to 2,000 containers, 50,000 values and 16 MB of text that is \
         filled in; a container to 1,000 mounts, ports or files, and `products.yml` to 1,000 entries.";
    TWO_DEPLOY_FILES "E0109" "several deploy files"
        "`config/` has more than one of deploy.yml, deploy.yaml, deploy.toml and deploy.json.";
    BAD_VERSION "E0110" "an unknown file version"
        "The file was written for another version of coasti.";
    BAD_STACK "E0111" "no proper stack name"
        "1 to 40 of `a-z`, `0-9` and `-`, with no `-` at the ends: it starts every name on the engine.";
    BAD_ID "E0112" "no proper stack id"
        "32 hexadecimal digits, made by coasti. It tells stacks of one name apart.";
    BAD_LABEL "E0113" "no proper label"
        "A label is what is left of the text with `a-z`, `0-9`, `.`, `_`, `-`.";
    DUPLICATE_LABEL "E0114" "two sites have one label"
        "The label is a site's identity. Labels are compared as they are written in names: lower case.";
    BAD_DOMAIN "E0115" "no proper domain"
        "`host` or `host/path`; a scheme before it is left out.";
    DUPLICATE_DOMAIN "E0116" "two sites have one domain"
        "Nobody could tell which of them is meant.";
    MIXED_DOMAIN "E0117" "a host has a site at its root and sites at paths"
        "A host carries either one site without a path, or sites with paths.";
    UNKNOWN_IMAGE "E0118" "no such product or image"
        "`image` is a product's id first, else an image reference or an image archive (`./x.tar`).";
    BAD_REFERENCE "E0119" "no proper image reference"
        "`[registry/]path[:tag][@digest]`, the path in lower case.";
    NO_TAG "W0120" "an image without a tag"
        "`latest` is taken. What it is changes without any change of the files.";
    NO_APP "E0121" "a product does not say how it runs"
        "Its folder has no info.yml or coasti.yml with `app:` and no nua-config file.";
    DISABLED "E0122" "a site runs a disabled product"
        "products.yml says `enabled: false`.";
    NOT_BUILT "E0123" "an image has to be built first"
        "coasti runs it once the engine has it, or an image archive stands in the product's folder.";
    BAD_VARIABLE "E0124" "no proper variable"
        "A variable is text, a number, true or false, or a table that says how its value is made.";
    UNKNOWN_SOURCE "E0125" "`from` names nothing"
        "`from` names a volume or a provider of the app.";
    UNKNOWN_PROPERTY "E0126" "an unknown property or variable"
        "What is referred to has no variable or property of that name.";
    CYCLE "E0127" "values or providers need each other in a circle"
        "None of them could come first.";
    NUA_INTERNAL "E0128" "nua's own passwords are not available"
        "`nua_internal` is the password of nua's database server on the host. Use a provider.";
    NO_SECRET "E0129" "a secret is missing"
        "`{secret: NAME}` is the content of config/secrets/NAME, or of NAME.age, which is encrypted.";
    BRACE "E0130" "a lone brace"
        "`{NAME}` is replaced by a variable. A brace itself is written twice: `{{`, `}}`.";
    BAD_PORT "E0131" "no proper port"
        "A port has a `container` number, and `host` or `proxy` unless it is called `web`.";
    PORT_TWICE "E0132" "two sites publish one port"
        "A port of the host can be published once.";
    PORT_TAKEN "E0133" "a port of the host is taken"
        "Another container publishes it, or a process of the host listens on it.";
    NO_PORT "E0134" "no port is free"
        "All ports of the range `ports` are given away or taken.";
    BAD_VOLUME "E0135" "no proper volume"
        "A volume has a `target`, and a `name` unless it is a tmpfs: `a-z`, `0-9`, `.`, `_`, `-`, nothing else.";
    MOUNT_TWICE "E0136" "two volumes at one path"
        "A path in a container can be mounted once.";
    UNKNOWN_PROVIDER "E0137" "a provider that the product does not have"
        "A site changes its product's providers by name.";
    UNKNOWN_SERVICE "E0138" "an unknown service"
        "`module-name` is one of the services that coasti brings; `services` has those of the platform.";
    NO_VERSION "E0139" "no version satisfies the range"
        "`module-version` is a range as in `>=14, <15`.";
    PROVIDER_KIND "E0140" "a kind of provider that coasti does not run"
        "Providers run a service that coasti brings or an image.";
    DUPLICATE_PROVIDER "E0141" "two providers have one name"
        "A provider's name is its address in the app's network.";
    DOCKER_OPTION "E0142" "a Docker option that coasti does not take here"
        "It is said elsewhere in the file, or not supported.";
    START_FIRST "E0143" "start-first is impossible"
        "Two containers cannot share a published port, the host's network or data that both write.";
    NAME_CLASH "E0144" "two resources get one name"
        "Names are made of stack, label, provider and volume, joined by `-`.";
    NO_SUBNET "E0145" "no subnet is free"
        "All of the pool `networks` overlaps networks or routes that exist.";
    RELATIVE_PATH "E0146" "a directory that is not absolute"
        "A directory is one of the engine's host: its path starts with `/`.";
    NOT_YET "E0147" "not supported yet"
        "A later version of coasti reads this.";
    BAD_WAS "E0148" "`was` names a label that is in use"
        "`was` says which label a site had before; it cannot be another site's.";
    VERSION_TAG "W0149" "an image's tag is not in the version range"
        "`image` of a provider wins over `module-version`.";
    IGNORED "W0150" "accepted, without effect"
        "nua reads this; in coasti it means nothing.";
    DUPLICATE_PRODUCT "E0151" "two products have one id"
        "A product's id is its name in `image:`.";
    BAD_PATH "E0152" "a path leaves the stack's folder"
        "Products, and what they run, stand in the stack's folder; `config`, `data` and `logs` are coasti's.";
    SECRET_IN_FILE "W0153" "a secret stands in a file that is committed"
        "Whoever can read the repository can read it. Its place is `config/secrets`.";
    SAME_FOLDER "E0154" "two products stand in one folder"
        "To update or remove one would be to damage the other.";
    FOREIGN_KEY "W0155" "a key that is not read"
        "In a product's file without `version: 1`, which is the installer's; with it this is an error.";
    TWO_WAYS "E0156" "a product says twice how it runs"
        "`app:` or `run:`, and in one of info.yml and coasti.yml.";
    MOVED_FOLDER "W0157" "an absolute path of another place"
        "It ends as the product's usual folder does, so that is taken.";
    WEAK_PASSWORD "W0158" "a weak password"
        "It is known, short, or the user's name. Whoever can reach the service is in.";
    UNKNOWN_VARIABLE "W0159" "a variable that no service reads"
        "It may be misspelt. In services.env, names are told apart by case.";
    HALF_A_SERVICE "W0160" "a service that is set in part"
        "Some of its variables are in services.env, and some that it needs are not. As it is not run, that does no harm.";
    DUPLICATE_USER "E0161" "two users have one name or e-mail address"
        "Services tell users apart by both, some of them without regard to case.";
    MORE "W0162" "more problems than are shown"
        "At most 100 errors and 100 warnings are shown at once.";
    EXPOSED "E0163" "a secret among a command's arguments"
        "`ps` on the engine's host shows every process's arguments, those in containers too. Scripts of a shell get \
         values as variables; what they hand on as an argument is seen all the same.";
    COMPOSE_KEY "E0170" "something of Compose's that coasti does not support"
        "What a compose file says and coasti cannot do is said, not left out.";
    INTERPOLATION "E0171" "a `$` that names no variable"
        "`$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?error}`, `${NAME:+other}`; a dollar itself is `$$`.";
    UNSET_REQUIRED "E0172" "a variable must be set and is not"
        "The compose file says so by `${NAME:?…}`.";
    UNSET "W0173" "a variable is not set"
        "Nothing is put in its place. `${NAME:-}` says that this is meant.";
    BAD_ENV_FILE "E0174" "no proper line of an env file"
        "`NAME=value`, with `export` before it or not; the value in quotes, or up to the end of the line.";
    COMPOSE_CYCLE "E0175" "compose files or services need each other in a circle"
        "`include`, `extends` and `depends_on` have to end somewhere.";
    UNKNOWN_NAME "E0176" "a name of a compose file that nothing has"
        "A service, network, volume, config, secret or profile is named and not declared.";
    REMOTE_BIND "E0177" "a folder of this machine cannot be mounted on another"
        "A path relative to a compose file is one of the machine that reads it. The engine is on another.";
    SHOWN_VALUE "E0178" "a value that is kept apart where it would be seen"
        "Variables, commands, health checks and files can hold values that are kept apart; other fields cannot. A label holds no secret at all.";
    SHOWN_SECRET "W0179" "a secret's value where it is seen"
        "Plans, labels and `docker inspect` show what stands there.";
    NO_SERVICE "E0180" "a compose file with nothing to run"
        "It has no services, or only some whose profiles were not asked for.";
    OTHER_SUBNET "E0181" "a network that exists has another subnet"
        "The engine gives a network its subnet when it makes it, and containers on it keep their addresses.";
    NUMBER "W0182" "a number that is not the text that it looks like"
        "Compose takes `1.10` for the number 1.1, and `010` for eight. In quotes it is text.";
    BAD_ADOPT "E0186" "`adopt` names nothing that can be taken over"
        "It names a container that is there already, and which of the site's own takes its place; each of them once.";
    BAD_FILE "E0190" "no proper file"
        "`file: true` or `file: /PATH` delivers a value as a file in the container; one path is one file.";
    SECRET_TWICE "E0191" "a secret stands twice"
        "`config/secrets/NAME` and `NAME.age` may both be there only where they hold the same value.";
    LOCKED_SECRET "E0192" "an encrypted secret cannot be opened"
        "Its value is needed, no age identity is at hand that opens it, and this very file was not applied before.";
    OPEN_SECRET "W0194" "a secret that others can read"
        "Every user of this machine, or the group of its file, can read it. `chmod 600` keeps it to you.";
    COMMITTED_SECRET "W0195" "a secret is committed as it is"
        "Whoever can read the repository can read it, also in what was committed before.";
    TWO_DATABASES "E0196" "two servers on one database's files"
        "Each of them takes the files for its own. Give each a volume or directory of its own.";
    SHARED "W0197" "two apps write to one external volume"
        "Nothing keeps them from each other's files. `read-only: true` where one of them only reads.";
    TWO_PATHS "W0199" "one volume at two paths"
        "Of a product's, a provider's or a service's volumes a site changes the one with the same `target`; another \
         `target` is one more mount.";
    NO_CONTEXT "E0200" "a folder that cannot be sent to be built"
        "All of it that `.dockerignore` does not keep out is read with every plan: what is not sent need not be readable.";
    BAD_DOCKERFILE "E0201" "a Dockerfile that cannot be built"
        "The engine would say the same, later.";
    BUILDKIT "E0202" "a Dockerfile that asks its caller"
        "BuildKit asks its caller for secrets and ssh keys over a session of its own, which coasti does not hold.";
    SECRET_ARG "E0203" "a secret as a build argument"
        "Arguments of a build stay in the image's history.";
    LARGE_CONTEXT "W0204" "a large folder to be built"
        "It is read with every plan, and sent with every build.";
    REMOTE_CONTEXT "E0205" "a build from somewhere else"
        "What is built is a folder of the stack: only of that is known whether it changed.";
    BAD_PATTERN "E0206" "no proper line of a .dockerignore"
        "One pattern a line, in Docker's form.";
    OLD_ENGINE "E0207" "the engine is too old for it"
        "An engine takes what it does not know, and does without it: that would be found out late.";
    OTHER_PLATFORM "E0208" "it is for another platform"
        "An engine runs what is for its own; what else it may be able to (by emulation), it does not tell.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, fs, path::Path};

    fn sources(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("tests") {
                continue;
            }
            if path.is_dir() {
                sources(&path, text);
            } else if path
                .file_name()
                .is_some_and(|name| name != "codes.rs" && name != "tests.rs")
            {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn every_code_is_used_and_is_one_things() {
        let mut text = String::new();
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config"),
            &mut text,
        );
        for (name, code) in NAMES {
            assert!(
                text.contains(&format!("codes::{name}")),
                "{name} {code} is not used"
            );
            assert!(
                !text.contains(&format!("\"{code}\"")),
                "{code} stands outside of the table"
            );
        }
        let all: BTreeSet<_> = CODES.iter().map(|(code, ..)| code.get(1..)).collect();
        assert_eq!(all.len(), CODES.len());
        assert!(CODES.is_sorted_by_key(|(code, ..)| code.get(1..)));
    }
}
