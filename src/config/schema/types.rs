//! The files' shape, for schemas alone: the reader has its own code, since it tells places and suggests.
//!
//! A test asks the reader which keys it knows and compares; another feeds both with right and wrong files.

// What is here is read by `schemars` when it compiles, and by nobody after that.
#![allow(dead_code)]

use super::docker::Docker;
use super::words::*;
use schemars::JsonSchema;
use std::collections::BTreeMap;

macro_rules! tables {
    ($($(#[$of:meta])* $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            #[derive(JsonSchema)]
            #[schemars(rename_all = "kebab-case", deny_unknown_fields)]
            $(#[$of])*
            pub(super) struct $name {
                $($(#[$meta])* $field: $type,)*
            }
        )*
    };
}

tables! {
    /// What is installed: products.
    Products {
        /// 1; files from before have none.
        version: Option<Version>,
        /// Which installer made the file.
        coasti_version: Option<Text>,
        /// The products.
        products: Option<Many<Product>>,
    }

    /// What is installed: tools, which products share.
    Tools {
        /// 1; files from before have none.
        version: Option<Version>,
        /// Which installer made the file.
        coasti_version: Option<Text>,
        /// The tools.
        tools: Option<Many<Product>>,
    }

    /// A product or tool.
    #[schemars(extend("anyOf" = [{"required": ["id"], "properties": {"id": {"not": {"type": "null"}}}}, {"required": ["vcs-repo"]}, {"required": ["vcs_repo"]}]))]
    Product {
        /// Its name in `image:`; without it, the last part of `vcs-repo`.
        id: Option<ProductId>,
        /// What people call it.
        title: Option<Text>,
        /// What it is.
        description: Option<Text>,
        /// The version that is meant to be installed.
        version: Option<Text>,
        /// Whether sites may run it.
        enabled: Option<Flag>,
        /// Its folder; `products/ID` or `tools/ID`.
        dst_path: Option<Inside>,
        /// Where it comes from.
        vcs_repo: Option<Repository>,
        /// A branch, tag or commit; nothing is the latest tag.
        vcs_ref: Option<Reference>,
        /// How the repository is reached.
        auth: Option<AuthWord>,
        /// The installer's `auth`.
        vcs_auth_type: Option<AuthType>,
        /// The installer's word for where the secret stands.
        vcs_auth_value: Option<Text>,
        /// How it runs, where its own files are not to be heard.
        run: Option<Compose>,
    }

    /// A compose file.
    Compose {
        /// The file; paths are relative to the product's folder.
        compose: Below,
        /// Files that are laid over it, in order.
        files: Option<Many<Below>>,
        /// Files with variables, in order.
        env_file: Option<Many<Below>>,
        /// Profiles that are on.
        profiles: Option<Words>,
    }

    /// What a product says of itself.
    #[schemars(extend("not" = {"required": ["app", "run"], "properties": {"app": {"type": "object"}, "run": {"type": "object"}}}))]
    Info {
        /// 1; in the installer's files the product's own version.
        version: Option<AnyVersion>,
        /// The product's version.
        product_version: Option<Text>,
        /// Its id.
        id: Option<Text>,
        /// What its variables start with.
        id_shorthand: Option<Text>,
        /// What people call it.
        name: Option<Text>,
        /// What it is.
        description: Option<Text>,
        /// How to launch it by hand.
        entrypoint: Option<Text>,
        /// How it runs: a container with its providers.
        app: Option<App>,
        /// How it runs: a compose file.
        run: Option<Compose>,
    }

    /// How a product runs: a nua-config.
    App {
        /// What it is.
        metadata: Option<Metadata>,
        /// The image.
        image: Option<Image>,
        /// How nua builds it; only `base-image` is used.
        build: Option<HowBuilt>,
        /// What runs in it.
        run: Option<AppRun>,
        /// Variables.
        env: Option<BTreeMap<String, Variable>>,
        /// Ports by name.
        port: Option<BTreeMap<String, Port>>,
        /// Volumes.
        volume: Option<Many<Volume>>,
        /// Services that it needs for itself.
        provider: Option<Many<Provider>>,
        /// How to find out whether it works.
        healthcheck: Option<Healthcheck>,
        /// Options of the engine.
        docker: Option<Docker>,
        /// How it is backed up.
        backup: Option<Backup>,
    }

    /// What an app is.
    Metadata {
        id: Text,
        version: Option<Text>,
        release: Option<Count>,
        title: Option<Text>,
        author: Option<Text>,
        description: Option<Text>,
        tagline: Option<Text>,
        website: Option<Text>,
        license: Option<Text>,
        changelog: Option<Text>,
        tags: Option<Anything>,
        profile: Option<Anything>,
    }

    /// How nua builds an image. coasti uses `base-image` alone.
    NuaBuild {
        /// The image that is wrapped.
        base_image: Option<Image>,
        license: Option<Anything>,
        src_url: Option<Anything>,
        src_checksum: Option<Anything>,
        git_url: Option<Anything>,
        git_branch: Option<Anything>,
        method: Option<Anything>,
        builder: Option<Anything>,
        builders: Option<Anything>,
        packages: Option<Anything>,
        meta_packages: Option<Anything>,
        build: Option<Anything>,
        test: Option<Anything>,
        before_build: Option<Anything>,
        pip_install: Option<Anything>,
        project: Option<Anything>,
    }

    /// How an image is built from a folder with a Dockerfile.
    Build {
        /// The folder that is sent to the engine, relative to this file.
        context: Option<ContextPath>,
        /// The Dockerfile, relative to `context`.
        dockerfile: Option<Text>,
        /// The Dockerfile's text, in the place of one.
        dockerfile_inline: Option<Text>,
        /// What `ARG`s are; no secrets.
        args: Option<BTreeMap<String, Scalar>>,
        /// The stage that is built.
        target: Option<Text>,
        /// The image's labels.
        labels: Option<BTreeMap<String, Scalar>>,
        /// Images whose layers are taken where they are the same.
        cache_from: Option<Words>,
        /// The network of its commands.
        network: Option<Text>,
        /// Names that its commands know, with their addresses.
        extra_hosts: Option<BTreeMap<String, Scalar>>,
        /// The size of its commands' /dev/shm.
        shm_size: Option<Size>,
        /// The platform that it is for.
        platform: Option<Text>,
        /// Whether newer images to start from are asked for.
        pull: Option<Flag>,
        /// Whether nothing is taken from the engine's cache.
        no_cache: Option<Flag>,
        /// Further names of the image.
        tags: Option<Words>,
    }

    /// What runs in an app's container.
    AppRun {
        /// Commands once it works, each of which must exit with 0.
        post_run: Option<Words>,
        packages: Option<Anything>,
        before_run: Option<Anything>,
        start: Option<Anything>,
        post_run_status: Option<StatusWord>,
    }

    /// How something is backed up.
    Backup {
        method: BackupMethod,
        frequency: Option<Anything>,
        options: Option<BackupOptions>,
    }

    /// Where a backup goes.
    BackupOptions {
        destination: Option<Text>,
    }

    /// How a variable's value is made.
    Dynamic {
        /// Whose `key`: a provider or volume.
        from: Option<Text>,
        /// A variable or property.
        key: Option<Text>,
        /// A password, made once.
        random: Option<Flag>,
        /// What kind of random value.
        r#type: Option<RandomType>,
        /// How many characters.
        length: Option<Length>,
        /// A user's name, made once.
        unique_user: Option<Flag>,
        /// A database's name, made once.
        unique_db: Option<Flag>,
        /// The address that the internet sees.
        external_ip: Option<Flag>,
        /// The content of `config/secrets/NAME`.
        secret: Option<Text>,
        /// Where the value is delivered as a file, whose path the variable then holds; true is
        /// `/run/secrets/NAME`.
        file: Option<DeliveredTo>,
        /// The file's permission bits.
        mode: Option<FileMode>,
        /// The file's owner.
        uid: Option<Count>,
        /// The file's group.
        gid: Option<Count>,
        /// nua's own passwords, which coasti does not have.
        nua_internal: Option<Never>,
        /// Whether it is shown once, after an apply.
        display: Option<Flag>,
        /// Whether it is kept when the container is replaced.
        persistent: Option<Flag>,
        persist: Option<Anything>,
    }

    /// A port.
    PortTable {
        /// Inside the container.
        container: Option<PortValue>,
        /// On the host; `auto` is the next free one.
        host: Option<PortValue>,
        /// Where the proxy listens for it.
        proxy: Option<PortValue>,
        /// tcp or udp.
        protocol: Option<ProtocolWord>,
        /// The host's address.
        bind: Option<Address>,
        ssl: Option<Flag>,
    }

    /// A port that a variable tells.
    PortOf {
        /// Whose `key`.
        from: Option<Text>,
        /// A variable.
        key: Text,
    }

    /// A volume.
    #[schemars(extend(
        "anyOf" = [{"required": ["target"]}, {"required": ["dest"]}, {"required": ["destination"]}],
        "if" = {"required": ["type"], "properties": {"type": {"const": "directory"}}},
        "then" = {"properties": {"name": {"pattern": "^/"}}}
    ))]
    Volume {
        /// Its name; a directory's path on the engine's host.
        name: Option<Text>,
        /// Another word for `name`.
        prefix: Option<Text>,
        /// Its path in the container.
        target: Option<Target>,
        /// Another word for `target`.
        dest: Option<Target>,
        /// Another word for `target`.
        destination: Option<Target>,
        /// managed (the usual), directory or tmpfs.
        r#type: Option<VolumeType>,
        /// The driver.
        driver: Option<Text>,
        /// The driver's options.
        options: Option<Anything>,
        /// Another word for `options`.
        option: Option<Anything>,
        /// Whether the container may only read it.
        read_only: Option<Flag>,
        /// Whether it is there already and not coasti's to make.
        external: Option<Flag>,
        /// Whether a directory is made.
        create: Option<Flag>,
        /// For whom a directory is labelled on hosts with SELinux.
        selinux: Option<Selinux>,
        /// Which mounts below a directory are seen on the other side.
        propagation: Option<Propagation>,
        /// Whether a volume stays empty where the image has files at its path.
        nocopy: Option<Flag>,
        /// Labels of the volume.
        labels: Option<BTreeMap<String, Scalar>>,
        /// Bytes of a tmpfs.
        tmpfs_size: Option<Size>,
        /// Permission bits of a tmpfs.
        tmpfs_mode: Option<Mode>,
        /// How it is backed up.
        backup: Option<Backup>,
    }

    /// How to find out whether a container works.
    Healthcheck {
        /// The command: a text for a shell, or a list.
        command: Option<Words>,
        /// Another word for `command`.
        cmd: Option<Words>,
        /// Another word for `command`.
        test: Option<Words>,
        /// Whether there is none.
        disable: Option<Flag>,
        interval: Option<Duration>,
        timeout: Option<Duration>,
        start_period: Option<Duration>,
        retries: Option<Times>,
    }

    /// What runs beside an app for it alone.
    Provider {
        /// Its address in the app's network.
        name: ProviderName,
        /// The service that it runs.
        module_name: Option<ServiceName>,
        /// The versions of it that serve, such as `>=15,<16`.
        module_version: Option<Text>,
        /// What kind it is.
        r#type: Option<ProviderType>,
        /// An image in place of a service.
        image: Option<Image>,
        /// Another word for `image`.
        base_image: Option<Image>,
        /// How nua builds it; only `base-image` is used.
        build: Option<NuaBuild>,
        /// Variables.
        env: Option<BTreeMap<String, Variable>>,
        /// Ports by name.
        port: Option<BTreeMap<String, Port>>,
        /// Volumes.
        volume: Option<Many<Volume>>,
        /// How to find out whether it works.
        healthcheck: Option<Healthcheck>,
        /// Options of the engine.
        docker: Option<Docker>,
        /// How it is backed up.
        backup: Option<Backup>,
        network: Option<Flag>,
        connector: Option<Anything>,
        run: Option<Anything>,
        metadata: Option<Anything>,
    }

    /// What runs.
    Deploy {
        /// 1; files from before have none.
        version: Option<Version>,
        /// The stack's name, which starts the name of everything that is made.
        stack: Option<StackName>,
        /// The stack's identity, made by the first apply.
        id: Option<StackId>,
        /// Ports of the host to give away.
        ports: Option<Ports>,
        /// Where subnets are taken from.
        networks: Option<Networks>,
        /// The address that the internet sees, or who tells it (`http://…`).
        external_ip: Option<ExternalIp>,
        /// The apps that run.
        site: Option<Vec<Site>>,
        /// Platform services to run.
        services: Option<Many<PlatformService>>,
        /// The file of their users, in `config/`.
        users: Option<InConfig>,
    }

    /// Ports of the host to give away.
    Ports {
        /// The first.
        from: Option<PortNumber>,
        /// The last.
        to: Option<PortNumber>,
        /// nua's word for `from`.
        start: Option<PortNumber>,
        /// The first that is not given, as nua has it.
        end: Option<PortNumber>,
    }

    /// Where subnets are taken from.
    Networks {
        /// An IPv4 address and a prefix from 8 to 26.
        pool: Option<Pool>,
    }

    /// An app that runs.
    #[schemars(extend("anyOf" = [{"required": ["label"], "properties": {"label": {"not": {"type": "null"}}}}, {"required": ["domain"], "properties": {"domain": {"not": {"type": "null"}}}}]))]
    Site {
        /// Its identity; made of image and domain where it is not said.
        label: Option<Label>,
        /// A product's id, an image reference or a local image archive.
        image: Image,
        /// `host` or `host/path`.
        domain: Option<Domain>,
        /// The label that its data is named after.
        was: Option<Label>,
        /// Whether it is meant to start without the data of a label that goes.
        new_data: Option<Flag>,
        /// Whether a plan that would remove it is refused.
        protect: Option<Flag>,
        /// The host's address that its ports listen on.
        bind: Option<Address>,
        /// How it is updated.
        update: Option<Update>,
        /// Containers that are not coasti's, whose place and data its own take.
        adopt: Option<Adopt>,
        /// Variables.
        env: Option<BTreeMap<String, Variable>>,
        /// Ports by name.
        port: Option<BTreeMap<String, Port>>,
        /// Volumes.
        volume: Option<Many<Volume>>,
        /// What it says of its product's providers.
        provider: Option<Many<Provider>>,
        /// How to find out whether it works.
        healthcheck: Option<Healthcheck>,
        /// Options of the engine.
        docker: Option<Docker>,
        /// nua's tests.
        test: Option<Anything>,
    }

    /// Whether a container is restarted by the engine.
    RestartTable {
        /// always, no, on-failure or unless-stopped.
        name: Option<Text>,
        /// Another spelling of `name`.
        #[schemars(rename = "Name")]
        name_: Option<Text>,
        /// How often, with on-failure.
        #[schemars(rename = "MaximumRetryCount")]
        count: Option<Whole>,
        /// Another spelling of `MaximumRetryCount`.
        maximum_retry_count: Option<Whole>,
    }

    /// Where a container's output goes.
    LogTable {
        /// The driver.
        r#type: Option<Text>,
        /// Another word for `type`.
        #[schemars(rename = "Type")]
        type_: Option<Text>,
        /// Another word for `type`.
        driver: Option<Text>,
        /// The driver's options.
        config: Option<Pairs>,
        /// Another word for `config`.
        #[schemars(rename = "Config")]
        config_: Option<Pairs>,
        /// Another word for `config`.
        options: Option<Pairs>,
    }

    /// How a site is updated.
    Update {
        /// What becomes of the old container.
        order: Option<OrderWord>,
        /// How long the new one has to run.
        settle: Option<Duration>,
        /// How long to wait for it.
        timeout: Option<Duration>,
    }
}

/// How an image is built.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum HowBuilt {
    /// From a folder with a Dockerfile.
    Folder(ContextPath),
    /// Likewise, in full.
    Table(Box<Build>),
    /// By nua: of that, only the image counts that it wraps.
    Nua(Box<NuaBuild>),
}

/// A variable.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Variable {
    /// Text, in which `{NAME}` stands for another variable.
    Text(Template),
    /// How its value is made.
    Dynamic(Box<Dynamic>),
}

/// A container that is taken over, or one for each of the site's own.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Adopt {
    /// By the app's own.
    One(ContainerName),
    /// By the provider or service of that name; the app has the site's label.
    Each(BTreeMap<String, ContainerName>),
}

/// A port: the container's, or a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Port {
    /// Inside the container.
    Number(PortNumber),
    /// In full.
    Table(Box<PortTable>),
}

/// A port, `auto`, or what a variable says.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum PortValue {
    /// A port, or `auto`.
    Number(PortOrAuto),
    /// What a variable says.
    Of(PortOf),
}

/// A policy, or its name.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(super) enum Restart {
    /// `always`, `on-failure:3` and the like.
    Name(Name),
    /// In full.
    Table(RestartTable),
}
