//! Registry logins, found where Docker's client keeps them: `config.json` and credential helpers.

use super::connect::config_dir;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use std::{collections::HashMap, fs, process::Stdio};
use tokio::io::AsyncWriteExt;

/// What Docker's client calls Docker Hub in its files.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The user name that means that the password is a token.
const TOKEN_USER: &str = "<token>";

/// `config.json`, as far as it matters.
#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    auths: HashMap<String, Auth>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
    #[serde(rename = "credHelpers", default)]
    helpers: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default)]
    auth: String,
    #[serde(rename = "identitytoken", default)]
    token: String,
}

/// What a credential helper prints.
#[derive(Deserialize)]
struct Helped {
    #[serde(rename = "Username")]
    user: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// The registry of a reference: its first part where that looks like a host, else Docker Hub.
pub(super) fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// The login for the reference's registry; none where there is none.
pub(super) async fn credentials(reference: &str) -> Result<Option<DockerCredentials>, String> {
    let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let config = config_dir(&env)
        .and_then(|dir| fs::read(dir.join("config.json")).ok())
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    find(&config, registry(reference)).await
}

async fn find(config: &Config, host: &str) -> Result<Option<DockerCredentials>, String> {
    let hub = matches!(host, "docker.io" | "index.docker.io");
    let key = if hub { HUB_KEY } else { host };
    let helper = config.helpers.get(key).or(config.helpers.get(host));
    if let Some(helper) = helper.or(config.store.as_ref()) {
        return ask(helper, key).await;
    }
    let entry = config.auths.get(key).or_else(|| {
        // Old clients wrote addresses here, new ones host names.
        let mut entries = config.auths.iter();
        let same = |name: &str| bare(name) == host || (hub && bare(name) == "index.docker.io");
        entries.find(|(name, _)| same(name)).map(|(_, auth)| auth)
    });
    let Some(entry) = entry else {
        return Ok(None);
    };
    if !entry.token.is_empty() {
        return Ok(Some(DockerCredentials {
            identitytoken: Some(entry.token.clone()),
            serveraddress: Some(key.to_owned()),
            ..DockerCredentials::default()
        }));
    }
    let decoded = STANDARD
        .decode(&entry.auth)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(decoded
        .as_deref()
        .and_then(|text| text.split_once(':'))
        .map(|(user, password)| login(user, password.trim_end_matches('\0'), key)))
}

/// `https://HOST/v1/` → `HOST`.
fn bare(name: &str) -> &str {
    let name = name
        .strip_prefix("https://")
        .or(name.strip_prefix("http://"))
        .unwrap_or(name);
    name.split('/').next().unwrap_or(name)
}

fn login(user: &str, secret: &str, key: &str) -> DockerCredentials {
    let token = user == TOKEN_USER;
    let text = |text: &str| Some(text.to_owned());
    DockerCredentials {
        username: text(if token { "" } else { user }),
        password: if token { None } else { text(secret) },
        identitytoken: if token { text(secret) } else { None },
        serveraddress: text(key),
        ..DockerCredentials::default()
    }
}

/// Asks a helper: the registry on its standard input, the login on its standard output.
async fn ask(helper: &str, key: &str) -> Result<Option<DockerCredentials>, String> {
    let program = format!("docker-credential-{helper}");
    let failed = |reason: String| format!("`{program} get` failed for {key}: {reason}");
    let mut child = tokio::process::Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read has said all it has to say; its output tells.
        let _ = stdin.write_all(key.as_bytes()).await;
    }
    let output = child
        .wait_with_output()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        let helped: Helped = serde_json::from_slice(&output.stdout)
            .map_err(|_| failed("its answer is no login".to_owned()))?;
        return Ok(Some(login(&helped.user, &helped.secret, key)));
    }
    // Helpers say this on standard output; it is no failure.
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("credentials not found") {
        return Ok(None);
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(failed(format!("{} {}", said.trim(), why.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(config: &str, reference: &str) -> Option<DockerCredentials> {
        let config: Config = serde_json::from_str(config).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(find(&config, registry(reference)))
            .unwrap()
    }

    #[test]
    fn logins_are_found_as_dockers_client_finds_them() {
        // `me:pass`
        let config = r#"{"auths":{
            "https://index.docker.io/v1/":{"auth":"bWU6cGFzcw=="},
            "https://quay.test/v2/":{"auth":"bWU6cGFzcw=="},
            "reg.test:5000":{"identitytoken":"t"}}}"#;
        for reference in ["redis:7", "docker.io/library/redis", "quay.test/a/b:1"] {
            let login = found(config, reference).unwrap();
            assert_eq!(login.username.as_deref(), Some("me"), "{reference}");
            assert_eq!(login.password.as_deref(), Some("pass"));
        }
        let token = found(config, "reg.test:5000/a").unwrap();
        assert_eq!(token.identitytoken.as_deref(), Some("t"));
        assert!(found(config, "other.test/a").is_none());
        assert!(found("{}", "redis").is_none());
    }

    #[test]
    fn a_missing_helper_is_an_error() {
        let config: Config = serde_json::from_str(r#"{"credsStore":"coasti-none"}"#).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let error = runtime.block_on(find(&config, "docker.io")).unwrap_err();
        assert!(error.contains("docker-credential-coasti-none"), "{error}");
    }
}
