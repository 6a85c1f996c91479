//! The HTTP connections beneath bollard.
//!
//! bollard would bring its own, but then nobody could see what coasti needs to know: a status (304 is "it was
//! so before"), a header (`Api-Version` of a ping costs 0.1 ms, `/version` 4 ms), and whether a request left
//! this machine before the connection broke. It also never sends the API version that it negotiated (its
//! issue 736), and its connections are not reused.

use bollard::{BollardRequest, errors::Error};
use futures_util::Stream;
use http_body_util::{Either, Full, StreamBody};
use hyper::{
    Method, Request, Response, Uri,
    body::{Bytes, Frame, Incoming},
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use std::{
    fmt, io,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
};
use tokio::net::{TcpStream, UnixStream};

/// bollard's body type, which it does not name publicly.
type Body =
    Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>>>;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A socket in the file system.
    Unix(PathBuf),
    /// `HOST:PORT`.
    Tcp(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
        }
    }
}

/// The way to one engine. Clones share connections.
#[derive(Clone)]
pub(super) struct Wire {
    target: Target,
    /// `/v1.41`, once it is known; every path starts with it.
    version: Arc<OnceLock<String>>,
    idle: Arc<Mutex<Vec<SendRequest<Body>>>>,
}

/// An answer as it came.
pub(super) struct Reply {
    /// Its head.
    pub(super) head: hyper::http::response::Parts,
    /// Its body, whole.
    pub(super) body: Bytes,
}

impl Reply {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }
}

impl Wire {
    /// A way to `target`; nothing is sent yet.
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            version: Arc::default(),
            idle: Arc::default(),
        }
    }

    /// Speaks that version of the API from now on.
    pub(super) fn speak(&self, api: &str) {
        // Set once, right after the first ping.
        let _ = self.version.set(format!("/v{api}"));
    }

    /// One request past bollard, where its answer's status or headers matter or its types lack a field.
    /// Anything but 2xx and 304 is an error, as with bollard.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        json: Option<String>,
    ) -> Result<Reply, Error> {
        let mut request = Request::builder().method(method).uri(path);
        if json.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = bollard::body_full(json.unwrap_or_default().into());
        let (head, body) = self.send(request.body(body)?).await?.into_parts();
        let body = http_body_util::BodyExt::collect(body).await?.to_bytes();
        if head.status.is_success() || head.status.as_u16() == 304 {
            return Ok(Reply { head, body });
        }
        let message = serde_json::from_slice::<serde_json::Value>(&body)
            .ok()
            .and_then(|value| Some(value.get("message")?.as_str()?.to_owned()))
            .unwrap_or_else(|| String::from_utf8_lossy(&body).trim().to_owned());
        Err(Error::DockerResponseServerError {
            status_code: head.status.as_u16(),
            message,
        })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        mut request: BollardRequest,
    ) -> Result<Response<Incoming>, Error> {
        self.address(&mut request)?;
        // Only what can be asked twice goes over a connection that was used before: the engine may have
        // closed it meanwhile, and then nobody knows whether it saw the request.
        let reusable = matches!(*request.method(), Method::GET | Method::HEAD);
        if reusable {
            while let Some(mut sender) = self.take_idle() {
                let (head, body) = request.into_parts();
                let again = Request::from_parts(head.clone(), bollard::body_full(Bytes::new()));
                match sender.send_request(Request::from_parts(head, body)).await {
                    Ok(response) => {
                        self.give_back(sender);
                        return Ok(response);
                    }
                    // The engine closed it, maybe because it was started anew. What only reads has no body
                    // and can be asked again.
                    Err(_) => request = again,
                }
            }
        }
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await?;
        if reusable {
            self.give_back(sender);
        }
        Ok(response)
    }

    /// From bollard's absolute address, which has no version in it (the bug named above, so bollard's
    /// version is pinned), to what goes over the wire.
    fn address(&self, request: &mut BollardRequest) -> Result<(), Error> {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let version = self.version.get().map_or("", String::as_str);
        *request.uri_mut() = Uri::try_from(format!("{version}{path}"))?;
        let host = match &self.target {
            Target::Unix(_) => "docker",
            Target::Tcp(host) => host,
        };
        if let Ok(host) = HeaderValue::from_str(host) {
            request.headers_mut().insert(HOST, host);
        }
        // Docker decodes this one as URL-safe base64 and takes what it cannot decode for no credentials at
        // all; bollard writes the other alphabet.
        if let Some(auth) = request.headers_mut().get_mut("X-Registry-Auth")
            && let Ok(text) = auth.to_str()
            && let Ok(safe) = HeaderValue::from_str(&text.replace('+', "-").replace('/', "_"))
        {
            *auth = safe;
        }
        Ok(())
    }

    /// A connection that waits for its next request.
    fn take_idle(&self) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().ok()?;
        idle.retain(|sender| !sender.is_closed());
        let ready = idle.iter().position(SendRequest::is_ready)?;
        Some(idle.swap_remove(ready))
    }

    /// Keeps a connection; it becomes ready once the answer's body was read.
    fn give_back(&self, sender: SendRequest<Body>) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(sender);
        }
    }

    /// A new connection. Its failure is told apart from all others: nothing was sent.
    async fn connect(&self) -> Result<SendRequest<Body>, Error> {
        let refused = |error: io::Error| Error::SocketNotFoundError(error.to_string());
        match &self.target {
            Target::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(refused)?;
                Self::shake(TokioIo::new(stream)).await
            }
            Target::Tcp(host) => {
                let stream = TcpStream::connect(host.as_str()).await.map_err(refused)?;
                // Requests are one small packet each; do not wait for more.
                let _ = stream.set_nodelay(true);
                Self::shake(TokioIo::new(stream)).await
            }
        }
    }

    async fn shake<T>(io: T) -> Result<SendRequest<Body>, Error>
    where
        T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = handshake(io).await?;
        // Ends by itself when the sender and the last body are gone; its errors reach whoever waits for
        // the answer.
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }
}
