//! Files from the web.

use super::archive::LARGEST;
use super::error::{Class, FetchError};
use super::fetch::{Access, Origin};
use crate::ops::temporary::Temporary;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// A file's content, in a file that has no name any more.
pub(super) async fn download(origin: &Origin) -> Result<File, FetchError> {
    let origin = origin.clone();
    let work = tokio::task::spawn_blocking(move || get(&origin)).await;
    work.map_err(|error| FetchError::own(error.to_string()))?
}

fn get(origin: &Origin) -> Result<File, FetchError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        // Those that the machine trusts: an own authority counts as for all other programs.
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    // A token never goes on to where the host sends us: that is the library's rule, and tested.
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(origin.timeout))
        .user_agent(concat!("coasti/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent();
    let mut request = agent.get(&origin.repo);
    if let Access::Token(token) = &origin.access {
        let token = token.expose().trim();
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let told = |error: ureq::Error| classify(&error, origin);
    let response = request.call().map_err(told)?;
    let own = |error: std::io::Error| FetchError::own(format!("the download failed: {error}"));
    let home = Temporary::new().map_err(FetchError::own)?.swept();
    let mut file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(home.path().join("archive"))
        .map_err(own)?;
    let mut body = response.into_body().into_reader().take(LARGEST + 1);
    let count = std::io::copy(&mut body, &mut file).map_err(|error| {
        // The library's own errors come in disguise there.
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        inner.map_or_else(
            || own(std::io::Error::from(error.kind())),
            |inner| classify(inner, origin),
        )
    })?;
    if count > LARGEST {
        return Err(FetchError::own(format!(
            "the archive is larger than {} MB",
            LARGEST >> 20
        )));
    }
    file.seek(SeekFrom::Start(0)).map_err(own)?;
    Ok(file)
}

/// What kind of failure it is. Words of the library's name no headers.
fn classify(error: &ureq::Error, origin: &Origin) -> FetchError {
    use std::io::ErrorKind;
    let class = match error {
        ureq::Error::StatusCode(401 | 403 | 407) => Class::Authentication,
        ureq::Error::StatusCode(404 | 410) => Class::NotFound,
        ureq::Error::Timeout(_) => {
            let said = format!("no answer within {} s", origin.timeout.as_secs());
            return FetchError::new(Class::Timeout, said);
        }
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => Class::Network,
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) | ureq::Error::Pem(_) => Class::Certificate,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::TimedOut => Class::Timeout,
            // A handshake that fails comes as this.
            ErrorKind::InvalidData => Class::Certificate,
            _ => Class::Network,
        },
        _ => Class::Other,
    };
    FetchError::new(class, error.to_string())
}
