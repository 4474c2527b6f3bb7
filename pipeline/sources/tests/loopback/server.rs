//! An HTTP/1.1 server that answers as a test tells it, and counts.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Longer than any test waits for a silent connection.
const STALL: Duration = Duration::from_secs(3);

#[derive(Debug, Clone)]
pub struct Request {
    /// Path and query.
    pub target: String,
    /// By names in small letters.
    pub headers: BTreeMap<String, String>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// First byte of the range asked for.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.split('-').next()?.parse().ok()
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Bytes of the body that are sent, of all that are promised.
    sent: Option<usize>,
    /// Whether the connection then stays open and silent.
    stalls: bool,
}

impl Answer {
    pub fn new(status: &str, body: impl Into<Vec<u8>>) -> Self {
        let (status, body) = (status.to_owned(), body.into());
        Self { status, headers: Vec::new(), body, sent: None, stalls: false }
    }

    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new("200 OK", body)
    }

    /// The whole file, or the part that was asked for; with an entity tag, if still of that tag.
    pub fn file(request: &Request, body: &[u8], tag: &str) -> Self {
        let same = request.header("if-range").is_none_or(|expected| expected == tag);
        let answer = match request.from().filter(|_| same) {
            None => Self::ok(body),
            Some(from) => Self::part(body, from),
        };
        answer.with("ETag", tag)
    }

    /// 206 from that byte on.
    pub fn part(body: &[u8], from: usize) -> Self {
        let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
        Self::new("206 Partial Content", &body[from..]).with("Content-Range", &range)
    }

    pub fn redirect(to: &str) -> Self {
        Self::new("302 Found", "").with("Location", to)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Breaks the connection after so many bytes of the body.
    pub fn cut(self, sent: usize) -> Self {
        Self { sent: Some(sent), ..self }
    }

    /// Says nothing more after so many bytes of the body.
    pub fn stalled(self, sent: usize) -> Self {
        Self { sent: Some(sent), stalls: true, ..self }
    }

    fn send(&self, mut stream: &TcpStream) {
        let Self { status, headers, body, sent, stalls } = self;
        let extra: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n"
        );
        stream.write_all(head.as_bytes()).ok();
        stream.write_all(&body[..sent.unwrap_or(length)]).ok();
        stream.flush().ok();
        if *stalls {
            thread::sleep(STALL);
        }
    }
}

pub struct Server {
    pub port: u16,
    /// `http://127.0.0.1:port`.
    pub origin: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// Answers each request; the number counts requests of the same target before.
    pub fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::<Request>::new()));
        let (log, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || serve(&stream, &log, &*answer));
            }
        });
        Self { port, origin: format!("http://127.0.0.1:{port}"), requests }
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Ranges asked for of a path, in order.
    pub fn ranges(&self, path: &str) -> Vec<Option<usize>> {
        let requests = self.requests();
        let same = requests.iter().filter(|request| request.target == path);
        same.map(Request::from).collect()
    }
}

/// Answers the one request of a connection.
fn serve(
    stream: &TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &dyn Fn(&Request, usize) -> Answer,
) {
    let Some(request) = read(stream) else { return };
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|other| other.target == request.target).count();
        log.push(request.clone());
        before
    };
    answer(&request, before).send(stream);
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut headers = BTreeMap::new();
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    for line in lines.take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    Some(Request { target: first.split(' ').nth(1)?.to_owned(), headers })
}

/// A percent-encoded path as it is meant.
pub fn decoded(path: &str) -> String {
    let mut bytes = path.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let digits: Option<String> =
            (byte == b'%').then(|| bytes.by_ref().take(2).map(char::from).collect());
        decoded.push(digits.map_or(byte, |digits| u8::from_str_radix(&digits, 16).unwrap()));
    }
    String::from_utf8(decoded).unwrap()
}
