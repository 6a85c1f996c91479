//! A proxy before an engine's socket that writes down every request: what a command really asked for.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixListener, UnixStream},
};

/// A running proxy; it ends, and its socket goes, when this is dropped.
pub struct Recorder {
    socket: PathBuf,
    lines: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Recorder {
    /// Listens at `socket` and passes everything on to the engine at `address` (`unix://…` or `tcp://…`).
    pub fn start(socket: &Path, address: &str) -> std::io::Result<Self> {
        let listener = UnixListener::bind(socket)?;
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (engine, log) = (address.to_owned(), Arc::clone(&lines));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (engine, log) = (engine.clone(), Arc::clone(&log));
                tokio::spawn(async move {
                    // A connection that breaks is the client's to see.
                    let _ = pass(client, &engine, &log).await;
                });
            }
        });
        Ok(Self {
            socket: socket.to_owned(),
            lines,
            task,
        })
    }

    /// The address for `DOCKER_HOST`.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// All requests so far, as `METHOD PATH`.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Requests so far that are neither GET nor HEAD.
    pub fn changes(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| !line.starts_with("GET ") && !line.starts_with("HEAD "));
        lines
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// One connection: requests are taken apart on their way in; answers pass as they are.
async fn pass(client: UnixStream, address: &str, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let engine: Box<dyn Stream> = match address.split_once("://") {
        Some(("tcp", host)) => Box::new(TcpStream::connect(host).await?),
        Some((_, path)) => Box::new(UnixStream::connect(path).await?),
        None => return Err(std::io::ErrorKind::InvalidInput.into()),
    };
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_engine, mut to_engine) = tokio::io::split(engine);
    let requests = async {
        let mut buffer = Vec::new();
        loop {
            let Some(head) = head(&mut from_client, &mut buffer).await? else {
                to_engine.shutdown().await?;
                return Ok(());
            };
            let first = head.lines().next().unwrap_or_default();
            let line = first.rsplit_once(' ').map_or(first, |(line, _)| line);
            log.lock().unwrap().push(line.to_owned());
            to_engine.write_all(head.as_bytes()).await?;
            let field = |name: &str| {
                head.lines().find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name)
                        .then(|| value.trim().to_owned())
                })
            };
            if field("upgrade").is_some() {
                // No more requests on this one: bytes of a terminal.
                to_engine.write_all(&buffer).await?;
                tokio::io::copy(&mut from_client, &mut to_engine).await?;
                return to_engine.shutdown().await;
            }
            if field("transfer-encoding").is_some() {
                chunks(&mut from_client, &mut to_engine, &mut buffer).await?;
            } else if let Some(length) = field("content-length") {
                let length = length.parse().unwrap_or(0);
                exactly(&mut from_client, &mut to_engine, &mut buffer, length).await?;
            }
        }
    };
    let answers = async {
        tokio::io::copy(&mut from_engine, &mut to_client).await?;
        to_client.shutdown().await
    };
    let requests: std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>> =
        Box::pin(requests);
    tokio::try_join!(requests, answers)?;
    Ok(())
}

/// Everything up to the empty line; none at the connection's end.
async fn head(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<String>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = buffer.drain(..end + 4).collect();
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
        if from.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// Passes on so many bytes.
async fn exactly(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
    mut length: usize,
) -> std::io::Result<()> {
    while length > 0 {
        if buffer.is_empty() && from.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let part: Vec<u8> = buffer.drain(..length.min(buffer.len())).collect();
        to.write_all(&part).await?;
        length -= part.len();
    }
    Ok(())
}

/// Passes on a chunked body.
async fn chunks(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    buffer: &mut Vec<u8>,
) -> std::io::Result<()> {
    loop {
        let size = loop {
            if let Some(end) = buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = buffer.drain(..end + 2).collect();
                to.write_all(&line).await?;
                let text = String::from_utf8_lossy(&line).into_owned();
                let digits = text.split([';', '\r']).next().unwrap_or_default().trim();
                break usize::from_str_radix(digits, 16).unwrap_or(0);
            }
            if from.read_buf(buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        exactly(from, to, buffer, size + 2).await?;
        if size == 0 {
            return Ok(());
        }
    }
}
