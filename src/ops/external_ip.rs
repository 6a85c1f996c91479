//! The address that the internet sees, asked for once, at an apply, and kept.
//!
//! Who applies asks, so the engine must be on the same machine. Answers come in plain HTTP: all who answer must
//! say the same, and an address that no other machine reaches is taken for nobody's.

use super::error::OpError;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{HOST, USER_AGENT};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// Services that answer with the IPv4 address that they were asked from, and nothing else.
const KNOWN: [&str; 3] = [
    "http://ipv4.icanhazip.com/",
    "http://checkip.amazonaws.com/",
    "http://api.ipify.org/",
];

/// How long each of them may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Whom an answer came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The address.
    pub address: IpAddr,
    /// Who said so.
    pub from: Vec<String>,
}

/// Asks `at`, else those that are known.
///
/// # Errors
/// Nobody answered, or not all the same: what to set instead.
pub async fn ask(at: Option<&str>) -> Result<Answer, OpError> {
    let whom: Vec<&str> = at.map_or(KNOWN.to_vec(), |at| vec![at]);
    let asked = whom.iter().map(|url| async move {
        let answer = tokio::time::timeout(LIMIT, ask_one(url)).await;
        let late = Err(format!("no answer within {} s", LIMIT.as_secs()));
        (*url, answer.unwrap_or(late))
    });
    let answers = futures_util::future::join_all(asked).await;
    agreed(&answers, at.is_some())
}

/// What those say who answered.
fn agreed(answers: &[(&str, Result<IpAddr, String>)], asked_for: bool) -> Result<Answer, OpError> {
    let mut said: Vec<(&str, IpAddr)> = Vec::new();
    let mut failed = Vec::new();
    for (url, answer) in answers {
        match answer {
            // Whom the user names may well know a network of its own.
            Ok(address) if asked_for || is_public(address) => said.push((url, *address)),
            Ok(address) => failed.push(format!("{url}: {address} is no public address")),
            Err(why) => failed.push(format!("{url}: {why}")),
        }
    }
    let unknown = |why: Vec<String>| {
        let what = format!(
            "this machine's public address is not known: {}",
            why.join("; ")
        );
        OpError::usage(what, &["set it in the deploy file: `external-ip: ADDRESS`"])
    };
    let Some((_, address)) = said.first().copied() else {
        return Err(unknown(failed));
    };
    if said.iter().any(|(_, other)| *other != address) {
        let said = said.iter().map(|(url, ip)| format!("{url} says {ip}"));
        return Err(unknown(said.collect()));
    }
    Ok(Answer {
        address,
        from: said.iter().map(|(url, _)| (*url).to_owned()).collect(),
    })
}

async fn ask_one(url: &str) -> Result<IpAddr, String> {
    let uri: Uri = url.parse().map_err(|_| "this is no URL".to_owned())?;
    let authority = uri.authority().ok_or("this URL names no host")?.clone();
    let host = authority.host().trim_matches(['[', ']']);
    let told = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| told(&error))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| told(&error))?;
    // Ends with the sender.
    tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(USER_AGENT, "coasti")
        .body(Empty::<Bytes>::new())
        .map_err(|error| told(&error))?;
    let response = sender.send_request(request).await;
    let response = response.map_err(|error| told(&error))?;
    if response.status() != 200 {
        return Err(format!("it answered {}", response.status()));
    }
    let body = Limited::new(response.into_body(), 1024).collect().await;
    let body = body.map_err(|error| told(&error))?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    let address = text.trim().parse();
    address.map_err(|_| "the answer is no address".to_owned())
}

/// Whether other machines may reach the address.
fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && b & 0xc0 == 64;
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || v4.is_broadcast()
                || shared
                || a == 0)
        }
        IpAddr::V6(v6) => v6.segments()[0] & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Answers one request with `reply`, or with nothing at all.
    async fn serve(reply: Option<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ip?x=1", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /ip?x=1 HTTP/1.1\r\nhost: 127.0.0.1:"));
            if let Some(reply) = reply {
                let text = format!("HTTP/1.1 {reply}");
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        url
    }

    /// What comes of asking at `url`, which is left out of it.
    async fn asked(url: &str) -> String {
        match ask(Some(url)).await {
            Ok(answer) => answer.address.to_string(),
            Err(OpError::Usage { what, .. }) => {
                let why = what.strip_prefix("this machine's public address is not known: ");
                why.unwrap().strip_prefix(url).unwrap().to_owned()
            }
            Err(other) => other.to_string(),
        }
    }

    #[tokio::test]
    async fn an_answer_is_an_address_and_nothing_else() {
        let long = "200 OK\r\nContent-Length: 5000\r\n\r\n203.0.113.7";
        for (reply, expected) in [
            (
                "200 OK\r\nContent-Length: 12\r\n\r\n203.0.113.7\n",
                "203.0.113.7",
            ),
            (
                "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n::1\r\n0\r\n\r\n",
                "::1",
            ),
            (
                "200 OK\r\nContent-Length: 6\r\n\r\n<html>",
                ": the answer is no address",
            ),
            (
                "302 Found\r\nContent-Length: 0\r\n\r\n",
                ": it answered 302 Found",
            ),
        ] {
            assert_eq!(asked(&serve(Some(reply)).await).await, expected);
        }
        for broken in [Some(long), None] {
            let told = asked(&serve(broken).await).await;
            assert!(told.starts_with(": ") && !told.contains("203"), "{told}");
        }
    }

    #[tokio::test]
    async fn who_is_not_there_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert!(asked(&url).await.contains("refused"));
        assert_eq!(asked("http://").await, ": this is no URL");
    }

    #[test]
    fn all_who_answer_must_say_the_same() {
        let ip = |text: &str| Ok(text.parse::<IpAddr>().unwrap());
        let down = || Err("down".to_owned());
        let agreed = |answers: &[(&str, Result<IpAddr, String>)]| match agreed(answers, false) {
            Ok(answer) => format!("{} by {}", answer.address, answer.from.join(" ")),
            Err(OpError::Usage { what, help }) => format!("{what}\n  {}", help.join("; ")),
            Err(other) => other.to_string(),
        };
        let lie = [("a", ip("8.8.8.8")), ("b", ip("9.9.9.9")), ("c", down())];
        insta::assert_snapshot!([
            agreed(&[("a", ip("8.8.8.8")), ("b", down()), ("c", ip("8.8.8.8"))]),
            // A portal in between answers for everybody.
            agreed(&[("a", ip("8.8.8.8")), ("b", ip("192.168.1.1"))]),
            agreed(&[("a", ip("10.0.0.1")), ("b", ip("100.64.0.1"))]),
            agreed(&lie),
        ].join("\n"), @r"
        8.8.8.8 by a c
        8.8.8.8 by a
        this machine's public address is not known: a: 10.0.0.1 is no public address; b: 100.64.0.1 is no public address
          set it in the deploy file: `external-ip: ADDRESS`
        this machine's public address is not known: a says 8.8.8.8; b says 9.9.9.9
          set it in the deploy file: `external-ip: ADDRESS`
        ");
    }

    #[test]
    fn public_addresses_are_told_from_others() {
        let public = |text: &str| is_public(&text.parse().unwrap());
        assert!(
            ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2a00:1450::1"]
                .map(public)
                .iter()
                .all(|p| *p)
        );
        let others = [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.1.1",
            "100.127.0.1",
            "0.1.2.3",
            "203.0.113.7",
        ];
        assert!(!others.map(public).iter().any(|p| *p));
        assert!(
            !["::1", "fe80::1", "fd00::1", "::"]
                .map(public)
                .iter()
                .any(|p| *p)
        );
    }
}
