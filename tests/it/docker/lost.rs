//! An engine that goes away in the middle: what is known then, and what is not. Needs no engine.

use super::run;
use coasti::{
    base::{EngineId, StackName},
    engine::{Call, ErrorKind, Look, Scope, docker::connect},
};
use std::{path::PathBuf, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixListener,
};

const PONG: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nServer: Docker/20.10.24 (linux)\r\n\
    Content-Length: 2\r\n\r\nOK";

/// What the engine does with everything but a ping.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Hangs,
    Breaks,
    IsGone,
}

struct Fake {
    socket: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn fake(name: &str, then: Then) -> Fake {
    let file = format!("coasti-dt-{name}-{}.sock", std::process::id());
    let socket = std::env::temp_dir().join(file);
    let listener = UnixListener::bind(&socket).unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let served = tokio::spawn(async move {
                let mut text = vec![0; 4096];
                while let Ok(n) = stream.read(&mut text).await {
                    let ping = String::from_utf8_lossy(&text[..n]).contains("/_ping");
                    if n == 0 || (!ping && then == Then::Breaks) {
                        return;
                    }
                    if ping {
                        stream.write_all(PONG.as_bytes()).await.unwrap();
                    }
                    if then == Then::IsGone {
                        return;
                    }
                }
            });
            if then == Then::IsGone {
                // The first connection was the last.
                served.await.unwrap();
                return;
            }
        }
    });
    Fake { socket, task }
}

async fn kinds(name: &str, then: Then) -> (ErrorKind, ErrorKind) {
    let fake = fake(name, then);
    let address = format!("unix://{}", fake.socket.display());
    let docker = connect(Some(&address)).await.unwrap();
    let start = Call::Start {
        id: EngineId::new("x"),
    };
    let changed = if then == Then::Hangs {
        use coasti::engine::Engine;
        docker.execute(&start, Duration::from_millis(50)).await
    } else {
        run(&docker, start).await
    };
    let changed = changed.unwrap_err().kind;
    if then == Then::Hangs {
        // A look's limit is long; it is the same code.
        return (changed, ErrorKind::Unreachable);
    }
    let scope = Scope {
        stack: StackName::new("x"),
        images: [].into(),
        adopt: [].into(),
    };
    (changed, docker.observe(&scope).await.unwrap_err().kind)
}

#[tokio::test]
async fn what_may_have_happened_is_told_from_what_did_not() {
    use ErrorKind::{Ambiguous, Unreachable};
    assert_eq!(kinds("hangs", Then::Hangs).await, (Ambiguous, Unreachable));
    assert_eq!(
        kinds("breaks", Then::Breaks).await,
        (Ambiguous, Unreachable)
    );
    assert_eq!(
        kinds("gone", Then::IsGone).await,
        (Unreachable, Unreachable)
    );
}

#[tokio::test]
async fn too_old_an_engine_is_refused() {
    let file = format!("coasti-dt-old-{}.sock", std::process::id());
    let socket = std::env::temp_dir().join(file);
    let listener = UnixListener::bind(&socket).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = [0; 4096];
        let _ = stream.read(&mut text).await.unwrap();
        let old = PONG.replace("1.41", "1.40").replace("20.10.24", "19.03.1");
        stream.write_all(old.as_bytes()).await.unwrap();
    });
    let address = format!("unix://{}", socket.display());
    let error = connect(Some(&address)).await.err().unwrap();
    server.await.unwrap();
    std::fs::remove_file(socket).unwrap();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("20.10"), "{error}");
}
