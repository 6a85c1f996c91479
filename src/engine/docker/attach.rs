//! A command in a container at the caller's terminal, and output as it comes.

use super::{
    Docker,
    error::{self, Effect},
    execute,
};
use crate::base::EngineId;
use crate::engine::EngineError;
use bollard::{
    container::LogOutput, errors::Error, models::ExecConfig, query_parameters::LogsOptionsBuilder,
};
use futures_util::{Stream, StreamExt};
use hyper::{Method, Request, header, upgrade};
use hyper_util::rt::TokioIo;
use rustix::termios::{self, OptionalActions, Termios};
use std::{
    collections::VecDeque,
    io::{IsTerminal as _, Read as _, Write as _},
    pin::Pin,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// How much is passed on at once.
const CHUNK: usize = 16 * 1024;

/// The longest line that is waited for; a longer one is told in parts.
const LINE_LIMIT: usize = 1024 * 1024;

/// A line that a container printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Whether it went to standard error.
    pub stderr: bool,
    /// The line, without its end.
    pub text: String,
}

/// A container's output, line by line.
pub struct LogLines {
    what: String,
    parts: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    /// The beginnings of lines whose ends have not come: of standard output and of standard error.
    begun: [Vec<u8>; 2],
    ready: VecDeque<LogLine>,
    ended: bool,
}

impl LogLines {
    /// The next line; none at the end.
    pub async fn next(&mut self) -> Option<Result<LogLine, EngineError>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            if self.ended {
                return None;
            }
            match self.parts.next().await {
                Some(Ok(part)) => self.take(&part),
                Some(Err(error)) => {
                    self.ended = true;
                    return Some(Err(error::convert(&self.what, error, Effect::None)));
                }
                None => {
                    self.ended = true;
                    for stderr in [false, true] {
                        self.end(stderr);
                    }
                }
            }
        }
    }

    fn take(&mut self, part: &LogOutput) {
        let stderr = matches!(part, LogOutput::StdErr { .. });
        for piece in part.as_ref().split_inclusive(|byte| *byte == b'\n') {
            let [out, err] = &mut self.begun;
            let begun = if stderr { err } else { out };
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || begun.len() > LINE_LIMIT {
                self.end(stderr);
            }
        }
    }

    /// What has begun is a line.
    fn end(&mut self, stderr: bool) {
        let [out, err] = &mut self.begun;
        let line = std::mem::take(if stderr { err } else { out });
        if line.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text).to_owned();
        self.ready.push_back(LogLine { stderr, text });
    }
}

impl Docker {
    /// The last `tail` lines (all of them where none is given), and with `follow` what comes after them until
    /// the container ends.
    pub fn follow_logs(&self, container: &str, tail: Option<usize>, follow: bool) -> LogLines {
        let tail = tail.map_or_else(|| "all".to_owned(), |n| n.to_string());
        let options = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .follow(follow)
            .tail(&tail)
            .build();
        LogLines {
            what: format!("read the output of container {container}"),
            parts: Box::pin(self.client.logs(container, Some(options))),
            begun: Default::default(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    /// Runs a command in a container with this process's standard input, output and error. With `tty` it has a
    /// terminal there, which this process's terminal stands for until it ends. Returns its exit code.
    pub async fn exec_interactive(
        &self,
        container: &str,
        argv: &[String],
        tty: bool,
    ) -> Result<i64, EngineError> {
        self.exec_attached(container, argv, tty)
            .await
            .map_err(|error| {
                let what = format!("run a command in container {container}");
                error::convert(what, error, Effect::Some)
            })
    }

    async fn exec_attached(
        &self,
        container: &str,
        argv: &[String],
        tty: bool,
    ) -> Result<i64, Error> {
        let config = ExecConfig {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(tty),
            cmd: Some(argv.to_vec()),
            ..ExecConfig::default()
        };
        let exec = self.client.create_exec(container, config).await?.id;
        let body = serde_json::json!({"Detach": false, "Tty": tty}).to_string();
        let request = Request::post(format!("/exec/{exec}/start"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "Upgrade")
            .header(header::UPGRADE, "tcp")
            .body(bollard::body_full(body.into()))?;
        let response = self.wire.send(request).await?;
        let status = response.status().as_u16();
        if status != 101 {
            let body = http_body_util::BodyExt::collect(response.into_body()).await?;
            return Err(Error::DockerResponseServerError {
                status_code: status,
                message: String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            });
        }
        let (output, mut input) = tokio::io::split(TokioIo::new(upgrade::on(response).await?));

        let _raw = if tty { Raw::enter() } else { None };
        let sizes = async {
            if tty {
                self.follow_size(&exec).await;
            }
            std::future::pending::<()>().await;
        };
        let mut typed = stdin();
        let typing = async {
            while let Some(bytes) = typed.recv().await {
                if input.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            // The command sees the end of its input.
            let _ = input.shutdown().await;
            std::future::pending::<()>().await;
        };
        // Only the end of the output is the end.
        tokio::select! {
            done = show(output, tty) => done?,
            () = typing => {}
            () = sizes => {}
        }
        execute::exit_code(self, &EngineId::new(container), &exec).await
    }

    /// Gives the command's terminal the size of ours, now and whenever it changes.
    async fn follow_size(&self, exec: &str) {
        let Ok(mut changes) = signal(SignalKind::window_change()) else {
            return;
        };
        loop {
            if let Ok(size) = termios::tcgetwinsize(std::io::stdout()) {
                let path = format!("/exec/{exec}/resize?h={}&w={}", size.ws_row, size.ws_col);
                // A terminal of the wrong size is no reason to end.
                let _ = self.wire.call(Method::POST, &path, None).await;
            }
            if changes.recv().await.is_none() {
                return;
            }
        }
    }
}

/// Passes on what a command prints: as it is from a terminal, else in frames that say which stream.
async fn show(mut from: impl AsyncRead + Unpin, tty: bool) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    if tty {
        loop {
            let n = from.read(&mut chunk).await?;
            match chunk.get(..n) {
                Some(bytes) if n > 0 => print(false, bytes)?,
                _ => return Ok(()),
            }
        }
    }
    loop {
        // Stream, three zeros, length.
        let kind = match from.read_u8().await {
            Ok(kind) => kind,
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut zeros = [0; 3];
        from.read_exact(&mut zeros).await?;
        let length = from.read_u32().await?;
        let mut frame = (&mut from).take(u64::from(length));
        loop {
            let n = frame.read(&mut chunk).await?;
            match chunk.get(..n) {
                Some(bytes) if n > 0 => print(kind == 2, bytes)?,
                _ => break,
            }
        }
    }
}

fn print(stderr: bool, bytes: &[u8]) -> std::io::Result<()> {
    if stderr {
        std::io::stderr().write_all(bytes)
    } else {
        let mut out = std::io::stdout();
        out.write_all(bytes)?;
        out.flush()
    }
}

/// This process's standard input. Read on a thread that nobody waits for: a read cannot be called off, and
/// the command may end while nobody types.
fn stdin() -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut chunk = vec![0; CHUNK];
        while let Ok(n) = std::io::stdin().read(&mut chunk) {
            let bytes = chunk.get(..n).unwrap_or_default();
            if n == 0 || sender.blocking_send(bytes.to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The terminal in raw mode, until dropped: keys go to the command, Ctrl-C among them.
struct Raw(Termios);

impl Raw {
    fn enter() -> Option<Self> {
        let terminal = std::io::stdin();
        if !terminal.is_terminal() {
            return None;
        }
        let before = termios::tcgetattr(&terminal).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        termios::tcsetattr(&terminal, OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Bytes;

    #[tokio::test]
    async fn lines_are_put_together_for_each_stream() {
        let message = |text: &'static str| Bytes::from_static(text.as_bytes());
        let parts = [
            LogOutput::StdOut {
                message: message("one\r\ntw"),
            },
            LogOutput::StdErr {
                message: message("oops\n"),
            },
            LogOutput::StdOut {
                message: message("o\n\nend"),
            },
        ];
        let mut lines = LogLines {
            what: String::new(),
            parts: Box::pin(futures_util::stream::iter(parts.map(Ok))),
            begun: Default::default(),
            ready: VecDeque::new(),
            ended: false,
        };
        let mut seen = Vec::new();
        while let Some(line) = lines.next().await {
            let LogLine { stderr, text } = line.unwrap();
            seen.push((stderr, text));
        }
        let wanted = [
            (false, "one"),
            (true, "oops"),
            (false, "two"),
            (false, ""),
            (false, "end"),
        ];
        assert_eq!(seen, wanted.map(|(stderr, text)| (stderr, text.to_owned())));
    }
}
