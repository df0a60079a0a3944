//! Who may come in: readers only, from this machine under its own name, from elsewhere with the token.

use std::io::Read;
use std::net::SocketAddr;

use hyper::header::{AUTHORIZATION, COOKIE, HOST};
use hyper::{Method, Request};

use super::Answer;
use crate::hash::ContentHash;

/// The door of a server.
pub(super) struct Door {
    here: SocketAddr,
    token: Option<String>,
}

/// Whether a request may go on.
pub(super) enum Passage {
    /// It may.
    Open,
    /// It may not; this is the answer.
    Closed(Answer),
}

impl Door {
    /// A door that asks for a token where others can reach `here`, or where `always` says so.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn new(here: SocketAddr, always: bool) -> std::io::Result<Self> {
        let token = if always || !here.ip().is_loopback() { Some(random()?) } else { None };
        Ok(Self { here, token })
    }

    /// What to open in a browser.
    pub(super) fn address(&self) -> String {
        let token = self.token.as_ref().map(|token| format!("?token={token}")).unwrap_or_default();
        format!("http://{}/{token}", self.here)
    }

    pub(super) fn pass<B>(&self, request: &Request<B>) -> Passage {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Passage::Closed(Answer::refusal(405, "these pages can only be read"));
        }
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let Some(token) = &self.token else {
            // A page from elsewhere can give its own name this machine's address and read along: a name of its own shows.
            return match header(HOST).map(names_this_machine) {
                Some(true) => Passage::Open,
                _ => Passage::Closed(Answer::refusal(
                    421,
                    "these pages are for this machine alone: open them as localhost",
                )),
            };
        };
        let is_token = |given: &str| ContentHash::of(given.as_bytes()) == ContentHash::of(token.as_bytes());
        let asked = request.uri().query().unwrap_or_default().split('&');
        if asked.filter_map(|pair| pair.strip_prefix("token=")).any(is_token) {
            // The token leaves the address, so that it is in no history and no picture of the screen.
            return Passage::Closed(Answer::entry(request.uri().path(), &format!("{}={token}", self.cookie())));
        }
        let cookies = header(COOKIE).unwrap_or_default().split(';');
        let of_cookie = cookies.filter_map(|pair| pair.trim().split_once('='));
        let known = of_cookie.into_iter().any(|(name, value)| name == self.cookie() && is_token(value));
        let bearer = header(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer ")).is_some_and(is_token);
        if known || bearer {
            return Passage::Open;
        }
        Passage::Closed(Answer::refusal(403, "open the address that `sr-pipe serve` printed: the token is part of it"))
    }

    /// Browsers send cookies to every port of a machine, so the name tells ours apart.
    fn cookie(&self) -> String {
        format!("sr-pipe-{}", self.here.port())
    }
}

/// Whether a `Host` header has a name of this machine.
fn names_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// A token that nobody guesses: 256 bits of the system.
fn random() -> std::io::Result<String> {
    let mut bytes = [0; 32];
    fs_err::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<()> {
        let request = Request::builder().method(method).uri(uri);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(()).unwrap()
    }

    fn status(door: &Door, request: &Request<()>) -> u16 {
        match door.pass(request) {
            Passage::Open => 200,
            Passage::Closed(answer) => answer.status(),
        }
    }

    #[test]
    fn only_reading_is_allowed_and_only_under_a_name_of_this_machine() {
        let door = Door::new("127.0.0.1:8017".parse().unwrap(), false).unwrap();
        let of = |method, host| status(&door, &request(method, "/", &[("host", host)]));
        for host in ["localhost:8017", "127.0.0.1:8017", "[::1]:8017", "LOCALHOST", "127.0.0.1"] {
            assert_eq!((of("GET", host), of("HEAD", host), of("POST", host)), (200, 200, 405), "{host}");
        }
        for host in ["evil.example:8017", "localhost.evil.example", "10.0.0.1", "", "[::2]:8017"] {
            assert_eq!(of("GET", host), 421, "{host}");
        }
        assert_eq!(status(&door, &request("GET", "/", &[])), 421);
    }

    #[test]
    fn another_address_needs_the_token_which_leaves_the_address_at_once() {
        let door = Door::new("10.0.0.1:8017".parse().unwrap(), false).unwrap();
        let token = door.token.clone().unwrap();
        assert!(token.len() == 64 && door.address() == format!("http://10.0.0.1:8017/?token={token}"));
        let other = Door::new("10.0.0.1:8017".parse().unwrap(), false).unwrap();
        assert_ne!(other.token, door.token);
        let of = |uri: &str, headers: &[(&str, &str)]| status(&door, &request("GET", uri, headers));
        assert_eq!(of("/", &[]), 403);
        assert_eq!(of("/?token=", &[]), 403);
        assert_eq!(of("/?token=0", &[("cookie", "sr-pipe-8017=0")]), 403);
        assert_eq!(of(&format!("/runs/1?token={token}"), &[]), 303);
        assert_eq!(of("/", &[("cookie", &format!("a=b; sr-pipe-8017={token}"))]), 200);
        assert_eq!(of("/", &[("cookie", &format!("sr-pipe-8018={token}"))]), 403);
        assert_eq!(of("/", &[("authorization", &format!("Bearer {token}"))]), 200);
    }

    #[test]
    fn a_token_can_be_asked_for_on_this_machine_too() {
        let door = Door::new("127.0.0.1:1".parse().unwrap(), true).unwrap();
        assert_eq!(status(&door, &request("GET", "/", &[("host", "localhost")])), 403);
    }
}
