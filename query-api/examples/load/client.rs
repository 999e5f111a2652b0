//! One client of the API: a connection that stays, and the cookie of a session. HTTP/1.1 by hand, to take next to nothing of
//! the processor that the server runs on.

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

use crate::Result;

/// A client that is signed in.
pub(crate) struct Client {
    host: String,
    cookie: String,
    /// How answers may be compressed.
    coding: String,
    connection: Option<BufReader<TcpStream>>,
}

/// An answer that came to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    cookie: Option<String>,
}

impl Client {
    /// Signs in with a token, as the dashboard does. `host` is an address with a port.
    pub(crate) async fn sign_in(host: &str, token: &str, coding: &str) -> Result<Self> {
        let [host, coding] = [host, coding].map(str::to_owned);
        let mut this = Self { host, cookie: String::new(), coding, connection: None };
        let body = serde_json::json!({ "token": token }).to_string();
        let answer = this.exchange("POST", "/v1/session", "identity", &body).await?;
        let cookie = answer.cookie.filter(|_| answer.status == 204);
        this.cookie = cookie.ok_or_else(|| format!("signing in was answered with {}", answer.status))?;
        Ok(this)
    }

    /// A GET as a browser sends it.
    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        let sent = self.exchange("GET", path, &self.coding.clone(), "").await;
        if sent.is_err() {
            self.connection = None;
        }
        sent
    }

    /// The rows of a statement.
    pub(crate) async fn sql(&mut self, sql: &str) -> Result<Vec<Vec<Value>>> {
        let body = serde_json::json!({ "sql": sql, "max_rows": 100_000 }).to_string();
        let answer = self.exchange("POST", "/v1/sql", "identity", &body).await?;
        if answer.status != 200 {
            return Err(format!("{sql}: {}", String::from_utf8_lossy(&answer.body)).into());
        }
        let answer: Value = serde_json::from_slice(&answer.body)?;
        Ok(serde_json::from_value(answer["rows"].clone())?)
    }

    async fn exchange(&mut self, method: &str, path: &str, coding: &str, body: &str) -> Result<Answer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let stream = TcpStream::connect(&self.host).await?;
                stream.set_nodelay(true)?;
                none.insert(BufReader::new(stream))
            }
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\naccept: application/json\r\naccept-encoding: {coding}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.host,
            self.cookie,
            body.len(),
        );
        connection.write_all(request.as_bytes()).await?;
        let (answer, stays) = receive(connection).await?;
        if !stays {
            self.connection = None;
        }
        Ok(answer)
    }
}

/// Reads an answer; says whether the connection stays.
async fn receive(connection: &mut BufReader<TcpStream>) -> Result<(Answer, bool)> {
    let first = line(connection).await?;
    let status: u16 = first.split(' ').nth(1).ok_or("no status line")?.parse()?;
    let (mut length, mut is_chunked, mut stays, mut cookie) = (0, false, true, None);
    loop {
        let header = line(connection).await?;
        let Some((name, value)) = header.split_once(':') else { break };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse()?,
            "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => stays = !value.eq_ignore_ascii_case("close"),
            "set-cookie" => cookie = value.split(';').next().map(str::to_owned),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if is_chunked {
        loop {
            let size = usize::from_str_radix(&line(connection).await?, 16)?;
            read(connection, size, &mut body).await?;
            line(connection).await?;
            if size == 0 {
                break;
            }
        }
    } else {
        read(connection, length, &mut body).await?;
    }
    Ok((Answer { status, body, cookie }, stays))
}

async fn read(connection: &mut BufReader<TcpStream>, size: usize, body: &mut Vec<u8>) -> Result<()> {
    let start = body.len();
    body.resize(start + size, 0);
    connection.read_exact(&mut body[start..]).await?;
    Ok(())
}

/// A line without its end; none at all is an error, for the answer was broken off.
async fn line(connection: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line).await? == 0 {
        return Err("the answer was broken off".into());
    }
    Ok(line.trim_end().to_owned())
}
