//! Why a product could not be fetched, told apart, with what to do.

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The credentials are missing or wrong.
    Authentication,
    /// The host's key is unknown.
    HostKey,
    /// The host's key is another one than before.
    OtherHostKey,
    /// The certificate cannot be verified.
    Certificate,
    /// There is no such repository, or not for these credentials.
    NotFound,
    /// The repository has no such branch, tag or commit.
    NoSuchVersion,
    /// It took too long.
    Timeout,
    /// The host cannot be reached.
    Network,
    /// There is no git.
    NoGit,
    /// Anything else.
    Other,
}

/// Why a product could not be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{said}")]
pub struct FetchError {
    /// What kind of failure.
    pub class: Class,
    /// In whose words ever.
    pub said: String,
}

impl FetchError {
    pub(super) fn new(class: Class, said: impl Into<String>) -> Self {
        Self {
            class,
            said: said.into(),
        }
    }

    pub(super) fn own(said: String) -> Self {
        Self::new(Class::Other, said)
    }

    /// What to do.
    pub fn help(&self) -> &'static str {
        match self.class {
            Class::Authentication => {
                "`product add` takes a token (--token-file FILE) or a key (--key FILE), kept in config/secrets/vcs_auth_ID: check it, and that it may read this repository; a key with a passphrase is opened by an ssh agent only"
            }
            Class::HostKey => {
                "compare the host's key with what its operator publishes, then put its line into config/known_hosts (`ssh-keyscan HOST` prints it)"
            }
            Class::OtherHostKey => {
                "ask the host's operator whether it was changed: else somebody is between you and it; then put the new line into config/known_hosts, or ~/.ssh/known_hosts, in the old one's place"
            }
            Class::Certificate => {
                "check the address and the machine's certificates; git takes an own authority by `git config --global http.sslCAInfo FILE`, archives by SSL_CERT_FILE"
            }
            Class::NotFound => {
                "check the address; many servers say this also where the credentials may not see the repository"
            }
            Class::NoSuchVersion => {
                "`git ls-remote ADDRESS` lists branches and tags; without --vcs-ref the latest tag is taken"
            }
            Class::Timeout => "try again, or allow more time with --timeout",
            Class::Network => "check the address and the network",
            Class::NoGit => "install git",
            Class::Other => "nothing was changed",
        }
    }

    /// The kind, in words.
    pub fn kind(&self) -> &'static str {
        match self.class {
            Class::Authentication => "authentication failed",
            Class::HostKey => "the host's key is not trusted",
            Class::OtherHostKey => "the host has another key than before",
            Class::Certificate => "the connection is not secure",
            Class::NotFound => "not found",
            Class::NoSuchVersion => "no such version",
            Class::Timeout => "timeout",
            Class::Network => "the host cannot be reached",
            Class::NoGit => "no git",
            Class::Other => "it cannot be fetched",
        }
    }
}

/// What kind of failure git tells of. It speaks English here (`LC_ALL=C`).
pub(super) fn classify(said: &str) -> Class {
    let said = said.to_ascii_lowercase();
    let table: [(&[&str], Class); 7] = [
        (
            &["remote host identification has changed"],
            Class::OtherHostKey,
        ),
        (&["host key verification failed"], Class::HostKey),
        (&["certificate", "ssl", "tls"], Class::Certificate),
        (
            &[
                "repository not found",
                "not found",
                "does not appear to be a git repository",
                "error: 404",
                "does not exist",
            ],
            Class::NotFound,
        ),
        (
            &[
                "authentication failed",
                "permission denied",
                "could not read username",
                "could not read password",
                "terminal prompts disabled",
                "error: 401",
                "error: 403",
                "access denied",
                "unable to read askpass",
            ],
            Class::Authentication,
        ),
        (&["timed out", "timeout"], Class::Timeout),
        (
            &[
                "could not resolve host",
                "could not resolve hostname",
                "connection refused",
                "network is unreachable",
                "no route to host",
                "couldn't connect",
                "failed to connect",
                "connection reset",
                "connection closed",
            ],
            Class::Network,
        ),
    ];
    let hit = table
        .iter()
        .find(|(words, _)| words.iter().any(|word| said.contains(word)));
    hit.map_or(Class::Other, |(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        for (said, class) in [
            (
                "fatal: Authentication failed for 'https://example.org/a.git/'",
                Class::Authentication,
            ),
            (
                "git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                Class::Authentication,
            ),
            (
                "fatal: could not read Username for 'https://example.org': terminal prompts disabled",
                Class::Authentication,
            ),
            (
                "Host key verification failed.\nfatal: Could not read from remote repository.",
                Class::HostKey,
            ),
            (
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                Class::OtherHostKey,
            ),
            (
                "fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none",
                Class::Certificate,
            ),
            (
                "fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate",
                Class::Certificate,
            ),
            (
                "remote: Repository not found.\nfatal: repository 'https://x/' not found",
                Class::NotFound,
            ),
            (
                "fatal: '/srv/none.git' does not appear to be a git repository",
                Class::NotFound,
            ),
            (
                "ssh: connect to host example.org port 22: Connection timed out",
                Class::Timeout,
            ),
            (
                "fatal: unable to access 'https://x/': Could not resolve host: x",
                Class::Network,
            ),
            (
                "ssh: connect to host 127.0.0.1 port 1: Connection refused",
                Class::Network,
            ),
            ("fatal: protocol error", Class::Other),
        ] {
            assert_eq!(classify(said), class, "{said}");
        }
    }
}
