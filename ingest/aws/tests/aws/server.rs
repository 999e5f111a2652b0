//! A server on loopback that answers each request as the test says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    head: String,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn new(head: &str, body: &str) -> Self {
        Self { head: head.to_owned(), body: body.to_owned() }
    }

    /// Method, target and version.
    pub(crate) fn first_line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// Value of a header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether it is a call of an action of the query protocol.
    pub(crate) fn is(&self, action: &str) -> bool {
        self.body.contains(&format!("Action={action}&"))
    }

    /// The key id that it was signed with.
    pub(crate) fn key(&self) -> &str {
        let authorization = self.header("authorization").unwrap_or_default();
        let credential = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
        credential.split('/').next().unwrap_or_default()
    }
}

/// What to do with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status, date, body.
    Answer(u16, Option<String>, String),
    /// Says that more bytes follow than do, and hangs up.
    CutAfter(String),
    /// Says nothing and keeps the connection.
    Stall,
}

/// A running server. Its threads end with the process of the test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    /// `reply` is given a request and how many came before it.
    pub(crate) fn start(reply: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, reply) = (Arc::clone(&requests), Arc::new(reply));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (log, reply) = (Arc::clone(&log), Arc::clone(&reply));
                thread::spawn(move || converse(&connection.unwrap(), &log, &*reply));
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn converse(stream: &TcpStream, log: &Mutex<Vec<Request>>, reply: &dyn Fn(&Request, usize) -> Reply) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        let before = {
            let mut log = log.lock().unwrap();
            log.push(request.clone());
            log.len() - 1
        };
        match reply(&request, before) {
            Reply::Answer(status, date, body) => {
                let date = date.map(|date| format!("date: {date}\r\n")).unwrap_or_default();
                send(
                    stream,
                    &format!("HTTP/1.1 {status} X\r\n{date}content-length: {}\r\n\r\n{body}", body.len()),
                );
            }
            Reply::CutAfter(body) => {
                send(stream, &format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 9));
                return;
            }
            // Until the client hangs up.
            Reply::Stall => drop(reader.read_to_end(&mut Vec::new())),
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let request = Request { head, body: String::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { body: String::from_utf8_lossy(&body).into_owned(), ..request })
}

/// A client that no longer listens is no error of the server.
fn send(mut stream: &TcpStream, text: &str) {
    drop(stream.write_all(text.as_bytes()));
}
