//! A proxy before an engine that may delay answers, lose them, or do something at a chosen request.

use super::hex;
use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

/// A request, as the judge sees it.
pub struct Seen<'a> {
    /// `POST /v1.41/containers/create?name=x`.
    pub line: &'a str,
    /// The how manieth it is of those that change something; none for GET and HEAD.
    pub change: Option<usize>,
}

/// What becomes of a request.
pub enum Fate {
    /// It passes.
    Pass,
    /// Its answer comes that much later.
    Late(Duration),
    /// It does not reach the engine, and its connection breaks.
    Refuse,
    /// The engine answers; then this happens, and the answer is lost.
    Lose(Box<dyn FnOnce() + Send>),
}

type Judge = dyn Fn(&Seen<'_>) -> Fate + Send + Sync;

/// A running proxy; it accepts nobody any more when this is dropped.
pub struct Proxy {
    address: String,
    socket: Option<PathBuf>,
    inner: Arc<Inner>,
}

struct Inner {
    engine: PathBuf,
    judge: Box<Judge>,
    changes: AtomicUsize,
    lines: Mutex<Vec<String>>,
    ended: AtomicBool,
    /// How many connections are served, and a bell for when one ends.
    served: (Mutex<usize>, Condvar),
}

impl Proxy {
    /// Passes a socket of its own on to the engine's socket.
    pub fn unix(engine: &Path, judge: impl Fn(&Seen<'_>) -> Fate + Send + Sync + 'static) -> Self {
        let socket = std::env::temp_dir().join(format!("coasti-proxy-{}.sock", hex(6)));
        let listener = UnixListener::bind(&socket).unwrap();
        let address = format!("unix://{}", socket.display());
        let inner = Inner::new(engine, Box::new(judge));
        let serving = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.serve(Conn::Unix(stream));
            }
        });
        Self {
            address,
            socket: Some(socket),
            inner,
        }
    }

    /// Passes a port of its own on to the engine's socket.
    pub fn tcp(engine: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let inner = Inner::new(engine, Box::new(|_: &Seen<'_>| Fate::Pass));
        let serving = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.serve(Conn::Tcp(stream));
            }
        });
        Self {
            address,
            socket: None,
            inner,
        }
    }

    /// The address for `DOCKER_HOST`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How many changing requests came.
    pub fn changes(&self) -> usize {
        self.inner.changes.load(Ordering::SeqCst)
    }

    /// Waits until the engine is done with all that came through here: what a killed client had asked for goes on.
    pub fn settle(&self) {
        let (served, bell) = &self.inner.served;
        let served = served.lock().unwrap();
        let most = Duration::from_secs(30);
        let waited = bell.wait_timeout_while(served, most, |served| *served > 0);
        assert!(!waited.unwrap().1.timed_out(), "a connection stays open");
    }

    /// All requests so far.
    pub fn lines(&self) -> Vec<String> {
        self.inner.lines.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.inner.ended.store(true, Ordering::SeqCst);
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket);
        }
    }
}

enum Conn {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Conn {
    fn twin(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    fn end(&self, how: Shutdown) {
        // One that is closed already is.
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tcp(stream) => stream.shutdown(how),
        };
    }
}

impl Read for Conn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Conn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is to become of the next answer on a connection.
type Next = Arc<Mutex<Fate>>;

/// One connection that is served.
struct Served(Arc<Inner>);

impl Drop for Served {
    fn drop(&mut self) {
        let (served, bell) = &self.0.served;
        *served.lock().unwrap() -= 1;
        bell.notify_all();
    }
}

impl Inner {
    fn new(engine: &Path, judge: Box<Judge>) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.to_owned(),
            judge,
            changes: AtomicUsize::new(0),
            lines: Mutex::default(),
            ended: AtomicBool::new(false),
            served: (Mutex::new(0), Condvar::new()),
        })
    }

    fn serve(self: &Arc<Self>, client: Conn) {
        if self.ended.load(Ordering::SeqCst) {
            return;
        }
        let inner = Arc::clone(self);
        *inner.served.0.lock().unwrap() += 1;
        std::thread::spawn(move || {
            let _served = Served(Arc::clone(&inner));
            // An engine that is away: the client sees its connection end.
            let Ok(engine) = UnixStream::connect(&inner.engine).map(Conn::Unix) else {
                return client.end(Shutdown::Both);
            };
            let next: Next = Arc::new(Mutex::new(Fate::Pass));
            let (Ok(from), Ok(to)) = (engine.twin(), client.twin()) else {
                return;
            };
            let fate = Arc::clone(&next);
            let answers = std::thread::spawn(move || pass_answers(from, to, &fate));
            // A connection that breaks is the client's to see.
            let refused = inner.pass_requests(&client, &engine, &next).is_err();
            engine.end(if refused {
                Shutdown::Both
            } else {
                Shutdown::Write
            });
            if refused {
                client.end(Shutdown::Both);
            }
            let _ = answers.join();
        });
    }

    fn pass_requests(&self, client: &Conn, engine: &Conn, next: &Next) -> io::Result<()> {
        let (mut client, mut engine) = (client.twin()?, engine.twin()?);
        let mut buffer = Vec::new();
        loop {
            let Some(head) = head(&mut client, &mut buffer)? else {
                return Ok(());
            };
            let first = head.lines().next().unwrap_or_default();
            let line = first.rsplit_once(' ').map_or(first, |(line, _)| line);
            let reads = line.starts_with("GET ") || line.starts_with("HEAD ");
            let change = (!reads).then(|| self.changes.fetch_add(1, Ordering::SeqCst) + 1);
            self.lines.lock().unwrap().push(line.to_owned());
            let fate = (self.judge)(&Seen { line, change });
            if matches!(fate, Fate::Refuse) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            *next.lock().unwrap() = fate;
            engine.write_all(head.as_bytes())?;
            let field = |name: &str| {
                head.lines().find_map(|line| {
                    let (key, value) = line.split_once(':')?;
                    key.eq_ignore_ascii_case(name)
                        .then(|| value.trim().to_owned())
                })
            };
            if field("upgrade").is_some() || field("transfer-encoding").is_some() {
                // The last request of this connection, whatever is in it.
                engine.write_all(&buffer)?;
                io::copy(&mut client, &mut engine)?;
                return Ok(());
            }
            let mut left: usize = field("content-length").map_or(0, |n| n.parse().unwrap());
            while left > 0 {
                if buffer.is_empty() && more(&mut client, &mut buffer)? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let part: Vec<u8> = buffer.drain(..left.min(buffer.len())).collect();
                engine.write_all(&part)?;
                left -= part.len();
            }
        }
    }
}

fn pass_answers(mut engine: Conn, mut client: Conn, next: &Next) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let Ok(count @ 1..) = engine.read(&mut buffer) else {
            return client.end(Shutdown::Both);
        };
        let fate = std::mem::replace(&mut *next.lock().unwrap(), Fate::Pass);
        match fate {
            Fate::Late(time) => std::thread::sleep(time),
            Fate::Lose(then) => {
                then();
                engine.end(Shutdown::Both);
                return client.end(Shutdown::Both);
            }
            Fate::Pass | Fate::Refuse => {}
        }
        if client.write_all(&buffer[..count]).is_err() {
            return engine.end(Shutdown::Both);
        }
    }
}

fn more(from: &mut Conn, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut part = [0; 16 * 1024];
    let count = from.read(&mut part)?;
    buffer.extend_from_slice(&part[..count]);
    Ok(count)
}

/// Everything up to the empty line; none at the connection's end.
fn head(from: &mut Conn, buffer: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = buffer.drain(..end + 4).collect();
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
        if more(from, buffer)? == 0 {
            return Ok(None);
        }
    }
}
