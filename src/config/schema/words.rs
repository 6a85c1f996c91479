//! Single values, as the reader takes them: text also as a number, a number or a flag also in quotes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::{borrow::Cow, marker::PhantomData};

/// A type for a value, with its schema.
macro_rules! words {
    ($($(#[doc = $doc:literal])* $name:ident $schema:tt)*) => {
        $(
            $(#[doc = $doc])*
            pub(super) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

words! {
    /// Text.
    Text {"type": ["string", "number"]}
    /// Anything: it is read elsewhere, or means nothing to coasti.
    Anything {}
    /// True or false.
    Flag {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"}]}
    /// Not true.
    Never {"anyOf": [{"const": false}, {"type": "string", "pattern": "^[Ff][Aa][Ll][Ss][Ee]$"}]}
    /// The version of the file.
    Version {"anyOf": [{"type": "integer", "enum": [0, 1]}, {"type": "string", "pattern": "^\\s*\\+?0*[01]\\s*$"}]}
    /// The version of the file (1), or the product's own (1.2.0).
    AnyVersion {"anyOf": [{"type": "integer", "enum": [0, 1]}, {"type": ["string", "number"], "not": {"type": "integer"}}]}
    /// A whole number, not negative.
    Count {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$"}]}
    /// A whole number.
    Whole {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^\\s*[+-]?[0-9]+\\s*$"}]}
    /// How many characters.
    Length {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 512}, {"type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$"}]}
    /// How many times.
    Times {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 1000}, {"type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$"}]}
    /// A port.
    PortNumber {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string", "pattern": "^\\s*\\+?[0-9]+\\s*$"}]}
    /// A port, or `auto` for the next free one.
    PortOrAuto {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string", "pattern": "^(\\s*\\+?[0-9]+\\s*|[Aa][Uu][Tt][Oo])$"}]}
    /// Seconds, or like `1m30s`.
    Duration {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^\\s*\\+?([0-9]+|([0-9]+(h|ms|m|s))+)\\s*$"}]}
    /// Bytes, or like `512M`.
    Size {"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string", "pattern": "^\\s*(-1|[0-9.]+\\s*([bB]|[kKmMgGtT]([iI]?[bB])?)?)\\s*$"}]}
    /// A number of processors.
    Cpus {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": "^\\s*[0-9.]+\\s*$"}]}
    /// The stack's name, which starts all others.
    StackName {"type": ["string", "number"], "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"}
    /// The stack's identity, made by coasti.
    StackId {"type": ["string", "number"], "pattern": "^[0-9A-Fa-f]{32}$"}
    /// A name, of which something is left in lower case.
    Label {"type": ["string", "number"], "pattern": "[A-Za-z0-9]"}
    /// A name in the app's network.
    ProviderName {"type": ["string", "number"], "pattern": "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$"}
    /// `host` or `host/path`.
    Domain {"type": ["string", "number"], "pattern": "^\\s*([A-Za-z][A-Za-z0-9+.-]*://)?[A-Za-z0-9]([A-Za-z0-9._-]*)(/[A-Za-z0-9._~/-]*)?\\s*$"}
    /// `NAME`, or `NAME@ID` for just that container.
    ContainerName {"type": ["string", "number"], "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]+(@[0-9a-f]{12,64})?$"}
    /// A product's id, an image reference or an image archive.
    Image {"type": ["string", "number"], "pattern": "^\\S+$"}
    /// An address of the host.
    Address {"type": ["string", "number"], "pattern": "^[0-9A-Fa-f.:]+$"}
    /// An address, or who tells it.
    ExternalIp {"type": ["string", "number"], "pattern": "^\\s*([0-9A-Fa-f.:]+|http://[A-Za-z0-9\\[][^\\s@]*)\\s*$"}
    /// An IPv4 address and a prefix.
    Pool {"type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,3}){3}/([89]|1[0-9]|2[0-6])$"}
    /// A product's id.
    ProductId {"type": ["string", "number"], "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$"}
    /// A path that stays in the folder that it starts from.
    Inside {"type": ["string", "number"], "not": {"type": "string", "pattern": "^\\.\\.(/|$)"}}
    /// A path in the product's folder.
    Below {"type": ["string", "number"], "not": {"type": "string", "pattern": "^(/|(\\.\\./){3})"}}
    /// A folder of the stack's, relative to the file.
    ContextPath {"type": ["string", "number"], "not": {"type": "string", "pattern": "^[/~]|://|^git@|^github\\.com/|\\.git(#|$)"}}
    /// Text, a number, true or false.
    Scalar {"type": ["string", "number", "boolean", "null"]}
    /// A path in `config/`.
    InConfig {"type": ["string", "number"], "not": {"type": "string", "pattern": "^(/|\\.\\.(/|$)|$)"}}
    /// An address of a repository.
    Repository {"type": ["string", "number"], "pattern": "^[^-\\s]"}
    /// A branch, a tag or a commit.
    Reference {"type": ["string", "number"], "pattern": "^([^-\\s~^:?*\\[\\\\][^\\s~^:?*\\[\\\\]*)?$", "not": {"type": "string", "pattern": "\\.\\."}}
    /// How the repository is reached.
    AuthWord {"enum": ["none", "token", "ssh-key"]}
    /// How the repository is reached, in the installer's words.
    AuthType {"enum": ["skip", "Auth Token", "SSH Key"]}
    /// What becomes of the old container.
    OrderWord {"enum": ["auto", "stop-first", "start-first"]}
    /// How far a container must be for its commands.
    StatusWord {"enum": ["created", "running", "healthy"]}
    /// The protocol.
    ProtocolWord {"enum": ["tcp", "udp", "sctp"]}
    /// What kind of volume.
    VolumeType {"enum": ["managed", "directory", "tmpfs"]}
    /// For all containers, or for this one.
    Selinux {"enum": ["z", "Z"]}
    /// In Docker's words.
    Propagation {"enum": ["private", "rprivate", "shared", "rshared", "slave", "rslave"]}
    /// What kind of provider.
    ProviderType {"enum": ["docker-image", "volume"]}
    /// What kind of value.
    RandomType {"enum": ["str", "string", "int", "integer"]}
    /// How it is backed up.
    BackupMethod {"enum": ["pg_dump", "mysqldump", "mongodump", "tgz_volumes"]}
    /// A path in the container.
    Target {"type": "string", "pattern": "^/+[^/]"}
    /// Permission bits.
    Mode {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^(0o)?[0-7]+$"}]}
    /// A path in the container, or whether the usual one.
    DeliveredTo {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^/+[^/]"}]}
    /// Permission bits of a file.
    FileMode {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 777}, {"type": "string", "pattern": "^0*[0-7]{1,3}$"}]}
    /// A platform service.
    PlatformService {"type": "string", "pattern": "^\\s*[A-Za-z]"}
    /// A list of texts, or one.
    Words {"anyOf": [{"type": ["string", "number", "boolean"]}, {"type": "array", "items": {"type": ["string", "number", "boolean"]}}]}
    /// Names with values: a table, or a list of `NAME=VALUE`.
    Pairs {"anyOf": [
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}}
    ]}
    /// Paths with options: a table, or a list of `PATH:OPTIONS`.
    Memory {"anyOf": [
        {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}},
        {"type": ["string", "number", "boolean"]},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}}
    ]}
    /// A policy's name, with the number of tries of one of them.
    Name {"type": "string", "pattern": "^(|always|no|unless-stopped|on-failure)(:\\s*[0-9]+\\s*)?$"}
    /// Text in which `{NAME}` stands for another variable.
    Template {"anyOf": [
        {"type": ["number", "boolean"]},
        {"type": "string", "pattern": "^([^{}]|\\{\\{|\\}\\}|\\{[A-Za-z_][A-Za-z0-9_.-]*\\})*$"},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}}
    ]}
}

/// A service that coasti brings.
pub(super) struct ServiceName;

impl JsonSchema for ServiceName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ServiceName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = crate::services::names().collect();
        json_schema!({"enum": names})
    }
}

/// A list, or one value in place of a list of it.
pub(super) struct Many<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({"anyOf": [one, {"type": "array", "items": one}]})
    }
}
