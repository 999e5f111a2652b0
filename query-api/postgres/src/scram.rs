//! The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), from a verifier as Postgres keeps it.
//!
//! pgwire's own needs the salted password, which lets its holder log in and which we do not keep. There is no channel
//! binding: it is not offered, so a client that says it could have had it (`y`) is right. As Postgres does, the name
//! within the exchange is not read: the one of the start-up message counts.

use airshed_query_api::access::{ScramVerifier, keyed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

/// The mechanism's name.
pub(crate) const MECHANISM: &str = "SCRAM-SHA-256";

/// What a client sent was no message of the exchange, or proved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Not as the RFC has it.
    Malformed,
    /// The proof is of another password.
    Wrong,
}

/// An exchange after its first pair of messages.
pub(crate) struct Exchange {
    verifier: ScramVerifier,
    /// The GS2 header, which the client repeats.
    header: String,
    nonce: String,
    /// `client-first-message-bare` and `server-first-message`, with a comma after each.
    so_far: String,
}

impl Exchange {
    /// Reads the client's first message. Returns the server's.
    pub(crate) fn begin(
        client_first: &[u8],
        verifier: ScramVerifier,
        server_nonce: &str,
    ) -> Result<(Self, String), Broken> {
        let text = std::str::from_utf8(client_first).map_err(|_| Broken::Malformed)?;
        // gs2-header: `n,,` or `y,,`; an authorisation identity (`n,a=name,`) is nothing that Postgres knows.
        let (header, bare) = text.split_at_checked(3).ok_or(Broken::Malformed)?;
        if header != "n,," && header != "y,," {
            return Err(Broken::Malformed);
        }
        let mut parts = bare.split(',');
        parts.next().filter(|name| name.starts_with("n=")).ok_or(Broken::Malformed)?;
        let client_nonce = parts.next().and_then(|part| part.strip_prefix("r=")).ok_or(Broken::Malformed)?;
        if client_nonce.is_empty() || !client_nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Broken::Malformed);
        }
        let nonce = format!("{client_nonce}{server_nonce}");
        let salt = STANDARD.encode(&verifier.salt);
        let server_first = format!("r={nonce},s={salt},i={}", verifier.iterations);
        let so_far = format!("{bare},{server_first},");
        Ok((Self { verifier, header: header.to_owned(), nonce, so_far }, server_first))
    }

    /// Reads the client's last message and checks its proof. Returns the server's last, which proves the server.
    pub(crate) fn finish(self, client_final: &[u8]) -> Result<String, Broken> {
        let text = std::str::from_utf8(client_final).map_err(|_| Broken::Malformed)?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Broken::Malformed)?;
        let mut parts = without_proof.split(',');
        let binding = parts.next().and_then(|part| part.strip_prefix("c=")).ok_or(Broken::Malformed)?;
        let nonce = parts.next().and_then(|part| part.strip_prefix("r=")).ok_or(Broken::Malformed)?;
        if binding != STANDARD.encode(&self.header) || nonce != self.nonce {
            return Err(Broken::Malformed);
        }
        let proof = STANDARD.decode(proof).map_err(|_| Broken::Malformed)?;
        let proof = <[u8; 32]>::try_from(proof).map_err(|_| Broken::Malformed)?;

        let exchange = format!("{}{without_proof}", self.so_far);
        let signature = keyed(&self.verifier.stored_key, exchange.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(proof, by)| proof ^ by).collect();
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        if !is_same(&stored_key, &self.verifier.stored_key) {
            return Err(Broken::Wrong);
        }
        let server = keyed(&self.verifier.server_key, exchange.as_bytes());
        Ok(format!("v={}", STANDARD.encode(server)))
    }
}

/// Compares in a time that does not tell where the two differ.
fn is_same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| std::hint::black_box(differ | (a ^ b)));
    std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    /// Of the password `pencil`, made with Python: hashlib.pbkdf2_hmac('sha256', b'pencil', salt, 4096) and hmac of it.
    fn verifier() -> ScramVerifier {
        let text = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
            WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        text.to_owned().try_into().unwrap()
    }

    /// The exchange of RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn the_example_of_the_rfc() {
        let (exchange, first) = Exchange::begin(CLIENT_FIRST, verifier(), SERVER_NONCE).unwrap();
        assert_eq!(
            first,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = exchange.finish(CLIENT_FINAL.as_bytes()).unwrap();
        assert_eq!(last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_wrong_proof_is_refused() {
        for changed in [
            "p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ] {
            let (exchange, _) = Exchange::begin(CLIENT_FIRST, verifier(), SERVER_NONCE).unwrap();
            let (head, _) = CLIENT_FINAL.split_once("p=").unwrap();
            assert_eq!(exchange.finish(format!("{head}{changed}").as_bytes()), Err(Broken::Wrong));
        }
    }

    #[test]
    fn another_nonce_binding_or_form_is_refused() {
        for (from, to) in [("r=rOpr", "r=rOpX"), ("c=biws", "c=eSws"), (",p=", ",q="), ("VQ=", "VQ")] {
            let (exchange, _) = Exchange::begin(CLIENT_FIRST, verifier(), SERVER_NONCE).unwrap();
            let last = CLIENT_FINAL.replace(from, to);
            assert_eq!(exchange.finish(last.as_bytes()), Err(Broken::Malformed), "{last}");
        }
        for first in
            ["", "n", "p=tls-unique,,n=,r=x", "n,a=admin,n=,r=x", "n,,r=x", "n,,n=user", "n,,n=user,r="]
        {
            let begun = Exchange::begin(first.as_bytes(), verifier(), SERVER_NONCE);
            assert_eq!(begun.err(), Some(Broken::Malformed), "{first}");
        }
    }
}
