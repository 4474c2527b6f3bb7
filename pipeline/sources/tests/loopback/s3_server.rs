//! An S3 server over a folder, and in front of it a server that misbehaves.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    thread,
};

use hyper_util::{rt::TokioIo, server::conn::auto};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;

use crate::server::{Answer, Request, Server};

pub const BUCKET: &str = "results";

pub struct S3 {
    folder: TempDir,
    pub front: Server,
}

impl S3 {
    /// A bucket with these objects; with a key and secret only whoever has them may read. `fault`
    /// answers in the place of S3, or changes its answer.
    pub fn start(
        objects: &[(&str, &[u8])],
        account: Option<(&str, &str)>,
        fault: impl Fn(&Request, usize, &dyn Fn() -> Answer) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = serve(folder.path().to_owned(), account);
        let front = Server::start(move |request, before| {
            fault(request, before, &|| forward(request, port))
        });
        let this = Self { folder, front };
        for (key, bytes) in objects {
            this.write(key, bytes);
        }
        this
    }

    pub fn write(&self, key: &str, bytes: &[u8]) {
        let path = self.folder.path().join(BUCKET).join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

/// Starts the server in a thread of its own; returns its port.
fn serve(root: PathBuf, account: Option<(&str, &str)>) -> u16 {
    let mut service = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
    if let Some((key, secret)) = account {
        service.set_auth(SimpleAuth::from_single(key, secret));
    }
    let service = service.build();
    let (send, receive) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let executor = hyper_util::rt::TokioExecutor::new();
                    let server = auto::Builder::new(executor);
                    server.serve_connection(TokioIo::new(stream), service).await.ok();
                });
            }
        });
    });
    receive.recv().unwrap()
}

/// Passes a request on as HTTP/1.0, whose answers end with the connection.
fn forward(request: &Request, port: u16) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = request.head.replacen("HTTP/1.1", "HTTP/1.0", 1);
    write!(stream, "{head}\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split_once(' ').unwrap().1;
    let mut answer = Answer::new(status, &bytes[end + 4..]);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if !["content-length", "connection", "transfer-encoding"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            answer = answer.with(name, value);
        }
    }
    answer
}
