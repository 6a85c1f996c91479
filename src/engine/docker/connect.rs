//! Finds the engine as Docker's own client does: `DOCKER_HOST`, the current context, the usual sockets.

use super::{
    Docker, error,
    error::Effect,
    host,
    wire::{Target, Wire},
};
use crate::base::Digest;
use crate::engine::{EngineError, ErrorKind, Info};
use hyper::Method;
use serde::Deserialize;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::net::UnixStream;

/// The oldest API that coasti speaks: Docker 20.10's.
const OLDEST: (u32, u32) = (1, 41);

/// The newest API that coasti asks for. A newer engine is asked for this one, so that it behaves as tested;
/// it is also the oldest that Docker 29 still speaks.
const NEWEST: (u32, u32) = (1, 44);

/// How long an engine may take to say that it is there.
const PING_LIMIT: Duration = Duration::from_secs(10);

/// How long bollard waits for an answer: for ever, in effect. Every call has its own limit.
const NO_LIMIT: u64 = 7 * 24 * 3600;

/// Connects to the engine at `address`, else to the one that Docker's client would take.
///
/// Costs one request (`/_ping`).
pub async fn connect(address: Option<&str>) -> Result<Docker, EngineError> {
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // An empty one, as CI has it, is none: so does Docker's own client.
    let candidates = candidates(address.filter(|text| !text.is_empty()), &env)?;
    let mut tried = Vec::new();
    for target in candidates {
        match open(&target).await {
            Ok(docker) => return Ok(docker),
            Err(error) if error.kind == ErrorKind::Unreachable => {
                tried.push(format!("{target} ({})", error.message));
            }
            Err(error) => return Err(error),
        }
    }
    let mut message = format!("no engine answers; tried {}", tried.join(", then "));
    if tried.iter().any(|line| line.contains("ermission denied")) {
        message.push_str(
            "; this user may not use it: run as root or as a member of the group `docker`",
        );
    } else {
        message.push_str(
            "; start Docker, or name an engine with DOCKER_HOST, `docker context use` or --host",
        );
    }
    Err(EngineError::new(
        ErrorKind::Unreachable,
        "connect to Docker",
        message,
    ))
}

/// Pings the engine at `target`.
async fn open(target: &Target) -> Result<Docker, EngineError> {
    let what = format!("connect to {target}");
    let wire = Wire::new(target.clone());
    let ping = async {
        let reply = wire.call(Method::GET, "/_ping", None).await?;
        // A proxy may drop headers: then the engine is asked at length.
        if reply.header("Api-Version").is_some() {
            return Ok((reply, None));
        }
        let version = wire.call(Method::GET, "/version", None).await?;
        Ok((reply, serde_json::from_slice::<Version>(&version.body).ok()))
    };
    let (reply, version) = tokio::time::timeout(PING_LIMIT, ping)
        .await
        .unwrap_or(Err(bollard::errors::Error::RequestTimeoutError))
        .map_err(|error| {
            let mut error = error::convert(&what, error, Effect::None);
            let prefix = "cannot connect to the engine: ";
            error.message = error.message.replace(prefix, "");
            error
        })?;
    // `Docker/20.10.24 (linux)`, `Libpod/5.4.2 (linux)`.
    let server = reply.header("Server").unwrap_or_default();
    let (product, number) = server
        .split_whitespace()
        .next()
        .and_then(|text| text.split_once('/'))
        .unwrap_or(("Docker", ""));
    let theirs = reply
        .header("Api-Version")
        .map(str::to_owned)
        .or_else(|| version.as_ref().map(|version| version.api.clone()))
        .unwrap_or_default();
    let api = negotiate(&theirs).map_err(|reason| {
        EngineError::new(
            ErrorKind::Unsupported,
            &what,
            format!("{reason} (its version: {server})"),
        )
    })?;
    wire.speak(&api);
    let info = Info {
        product: match product {
            "Libpod" => "Podman".to_owned(),
            other => other.to_owned(),
        },
        version: match version {
            Some(version) => version.version,
            None => number.to_owned(),
        },
        api,
        local: match target {
            Target::Unix(path) => host::is_local(path, owner(path).await),
            Target::Tcp(_) => false,
        },
        address: target.to_string(),
    };
    let transport = wire.clone();
    let client = bollard::Docker::connect_with_custom_transport(
        move |request| {
            let wire = transport.clone();
            async move { wire.send(request).await }
        },
        Some("http://docker"),
        NO_LIMIT,
        bollard::API_DEFAULT_VERSION,
    )
    .map_err(|error| error::convert(&what, error, Effect::None))?;
    Ok(Docker {
        client,
        wire,
        info: Arc::new(info),
        progress: None,
        folder: PathBuf::new(),
    })
}

/// What `/version` says, as far as it matters.
#[derive(Deserialize)]
struct Version {
    #[serde(rename = "Version", default)]
    version: String,
    #[serde(rename = "ApiVersion", default)]
    api: String,
    #[serde(rename = "Os", default)]
    os: String,
    #[serde(rename = "Arch", default)]
    arch: String,
}

/// Which platform's images the engine runs.
pub(super) async fn platform(wire: &Wire) -> Result<String, bollard::errors::Error> {
    let reply = wire.call(Method::GET, "/version", None).await?;
    let told = serde_json::from_slice::<Version>(&reply.body).ok();
    let told = told.filter(|version| !version.os.is_empty() && !version.arch.is_empty());
    Ok(told.map_or_else(String::new, |version| {
        format!("{}/{}", version.os, version.arch)
    }))
}

/// The process that listens at a socket.
async fn owner(path: &Path) -> Option<i32> {
    UnixStream::connect(path)
        .await
        .ok()?
        .peer_cred()
        .ok()?
        .pid()
}

/// The version to speak with an engine that offers `theirs`.
fn negotiate(theirs: &str) -> Result<String, String> {
    let number = theirs
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)))
        .ok_or_else(|| "what answers there is no Docker engine".to_owned())?;
    if number < OLDEST {
        return Err(format!(
            "the engine speaks version {theirs} of Docker's API; coasti needs {}.{} (Docker 20.10) or newer",
            OLDEST.0, OLDEST.1
        ));
    }
    let (major, minor) = NEWEST.min(number);
    Ok(format!("{major}.{minor}"))
}

/// Where an engine may be, in the order in which to try.
fn candidates(
    address: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Target>, EngineError> {
    let tls = env("DOCKER_TLS_VERIFY").is_some() || env("DOCKER_TLS").is_some();
    if let Some(address) = address.map(str::to_owned).or_else(|| env("DOCKER_HOST")) {
        return Ok(vec![parse(&address, tls)?]);
    }
    if let Some((address, tls)) = context(env)? {
        return Ok(vec![parse(&address, tls)?]);
    }
    let mut sockets = vec![Target::Unix("/var/run/docker.sock".into())];
    if let Some(dir) = env("XDG_RUNTIME_DIR") {
        sockets.push(Target::Unix(Path::new(&dir).join("docker.sock")));
    }
    Ok(sockets)
}

/// Reads an engine's address.
fn parse(address: &str, tls: bool) -> Result<Target, EngineError> {
    let unsupported = |message: &str| {
        Err(EngineError::new(
            ErrorKind::Unsupported,
            format!("connect to {address}"),
            message,
        ))
    };
    let (scheme, rest) = match address.split_once("://") {
        Some(parts) => parts,
        None if address.starts_with('/') => ("unix", address),
        None => {
            return unsupported(
                "an engine's address is `unix:///PATH`, `tcp://HOST:PORT` or `http://HOST:PORT`",
            );
        }
    };
    match scheme {
        "unix" if rest.starts_with('/') => Ok(Target::Unix(rest.into())),
        "unix" => {
            unsupported("the path of a socket starts with `/`: `unix:///var/run/docker.sock`")
        }
        "tcp" | "http" if tls => unsupported(
            "engines behind TLS do not work yet; forward the engine's socket instead: \
             `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock USER@HOST`, \
             then DOCKER_HOST=unix:///tmp/engine.sock, without DOCKER_TLS_VERIFY",
        ),
        "tcp" | "http" => {
            let host = rest.trim_end_matches('/');
            if host.is_empty() || host.contains('/') {
                return unsupported(
                    "the address of an engine is `tcp://HOST:PORT`, without a path",
                );
            }
            let bare = host.rsplit_once(']').map_or(host, |(_, after)| after);
            Ok(Target::Tcp(if bare.contains(':') {
                host.to_owned()
            } else {
                format!("{host}:2375")
            }))
        }
        "ssh" => unsupported(&format!(
            "engines over ssh do not work yet; forward the engine's socket instead: \
             `ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock {}`, \
             then DOCKER_HOST=unix:///tmp/engine.sock",
            rest.trim_end_matches('/')
        )),
        other => unsupported(&format!(
            "addresses that start with `{other}://` are not supported; \
             `unix://`, `tcp://` and `http://` are"
        )),
    }
}

/// The folder of Docker's client.
pub(super) fn config_dir(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    match env("DOCKER_CONFIG") {
        Some(dir) => Some(dir.into()),
        None => Some(Path::new(&env("HOME")?).join(".docker")),
    }
}

/// The address of the current context and whether it wants TLS; none for the default context.
fn context(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<(String, bool)>, EngineError> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "currentContext")]
        current: Option<String>,
    }
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "Endpoints")]
        endpoints: Endpoints,
    }
    #[derive(Deserialize)]
    struct Endpoints {
        docker: Endpoint,
    }
    #[derive(Deserialize)]
    struct Endpoint {
        #[serde(rename = "Host", default)]
        host: String,
    }
    let Some(dir) = config_dir(env) else {
        return Ok(None);
    };
    let named = env("DOCKER_CONTEXT").or_else(|| {
        let text = fs::read(dir.join("config.json")).ok()?;
        serde_json::from_slice::<Config>(&text).ok()?.current
    });
    let Some(name) = named.filter(|name| !name.is_empty() && name != "default") else {
        return Ok(None);
    };
    let id = Digest::of(name.as_bytes());
    let path = dir
        .join("contexts/meta")
        .join(id.as_str())
        .join("meta.json");
    let endpoint = fs::read(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_slice::<Meta>(&text).map_err(|error| error.to_string()))
        .map_err(|error| {
            EngineError::new(
                ErrorKind::Unreachable,
                format!("use the Docker context `{name}`"),
                format!(
                    "{} cannot be read: {error}; `docker context ls` shows what contexts there are",
                    path.display()
                ),
            )
        })?
        .endpoints
        .docker;
    if endpoint.host.is_empty() {
        return Ok(None);
    }
    let tls = dir.join("contexts/tls").join(id.as_str()).join("docker");
    Ok(Some((endpoint.host, tls.is_dir())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(address: Option<&str>, vars: &[(&str, &str)]) -> Result<Vec<String>, EngineError> {
        let env = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Ok(candidates(address, &env)?
            .iter()
            .map(ToString::to_string)
            .collect())
    }

    #[test]
    fn an_engine_is_found_as_dockers_client_finds_it() {
        let dir = std::env::temp_dir().join(format!("coasti-context-{}", std::process::id()));
        let id = Digest::of(b"far");
        let meta = dir.join("contexts/meta").join(id.as_str());
        fs::create_dir_all(&meta).unwrap();
        fs::write(dir.join("config.json"), r#"{"currentContext":"far"}"#).unwrap();
        let text = r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2375"}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        let config = ("DOCKER_CONFIG", dir.to_str().unwrap());

        assert_eq!(targets(None, &[config]).unwrap(), ["tcp://far:2375"]);
        let both = [config, ("DOCKER_HOST", "unix:///x.sock")];
        assert_eq!(targets(None, &both).unwrap(), ["unix:///x.sock"]);
        let given = targets(Some("tcp://[::1]"), &both).unwrap();
        assert_eq!(given, ["tcp://[::1]:2375"]);
        let default = [
            config,
            ("DOCKER_CONTEXT", "default"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
        ];
        assert_eq!(
            targets(None, &default).unwrap(),
            [
                "unix:///var/run/docker.sock",
                "unix:///run/user/7/docker.sock"
            ]
        );
        let missing = targets(None, &[config, ("DOCKER_CONTEXT", "gone")]).unwrap_err();
        assert!(missing.to_string().contains("docker context ls"));
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_does_not_work_yet_is_refused_with_a_way_out() {
        let ssh = targets(Some("ssh://me@far"), &[]).unwrap_err();
        assert_eq!(ssh.kind, ErrorKind::Unsupported);
        assert!(ssh.message.contains("ssh -nNT -L"), "{}", ssh.message);
        let tls = targets(Some("tcp://far:2376"), &[("DOCKER_TLS_VERIFY", "1")]).unwrap_err();
        assert_eq!(tls.kind, ErrorKind::Unsupported);
        for bad in ["far:2375", "unix://x.sock", "tcp://", "npipe:////./pipe/x"] {
            let error = targets(Some(bad), &[]).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Unsupported, "{bad}");
        }
    }

    #[test]
    fn versions_are_negotiated() {
        assert_eq!(negotiate("1.41").as_deref(), Ok("1.41"));
        assert_eq!(negotiate("1.52").as_deref(), Ok("1.44"));
        assert!(negotiate("1.40").unwrap_err().contains("20.10"));
        assert!(negotiate("").is_err());
    }
}
