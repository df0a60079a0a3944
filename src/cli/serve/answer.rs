//! From an address to a page, and from a page to bytes with the headers that keep it harmless.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use hyper::{Response, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::html::Html;
use super::{cell, log, report, results, run, runs};
use crate::cli::CommandError;
use crate::project::Project;
use crate::record::Records;

/// What stands as it is in a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// Pages of ours fetch nothing but our style, our script and themselves.
const OURS: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                    form-action 'none'; frame-ancestors 'none'";

/// A report brings its style and its script along, and its pictures from beside it; it cannot send anything anywhere.
pub(super) const REPORT: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                                 img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What goes back to a browser.
pub(super) struct Answer {
    status: StatusCode,
    kind: &'static str,
    policy: &'static str,
    cookie: Option<String>,
    location: Option<String>,
    body: Bytes,
}

impl Answer {
    /// Bytes of a kind.
    pub(super) fn of(kind: &'static str, body: impl Into<Bytes>) -> Self {
        let (status, policy) = (StatusCode::OK, OURS);
        Self { status, kind, policy, cookie: None, location: None, body: body.into() }
    }

    /// A page; `live` keeps it up to date.
    pub(super) fn page(title: &str, live: bool, content: &Html) -> Self {
        Self::of("text/html; charset=utf-8", content.page(title, live))
    }

    /// The same under another policy.
    pub(super) fn under(self, policy: &'static str) -> Self {
        Self { policy, ..self }
    }

    /// Why there is no page.
    pub(super) fn refusal(status: u16, why: &str) -> Self {
        let status = StatusCode::from_u16(status).expect("a status of HTTP");
        let title = status.canonical_reason().unwrap_or("refused");
        Self { status, ..Self::page(title, false, &Html::default().paragraph(why)) }
    }

    /// There is nothing of that name.
    pub(super) fn nothing(what: &str) -> Self {
        Self::refusal(404, &format!("there is no {what}"))
    }

    /// Goes to the same page without the token, which a cookie keeps from now on.
    pub(super) fn entry(path: &str, cookie: &str) -> Self {
        // `//elsewhere` would lead to another machine.
        let location = Some(format!("/{}", path.trim_start_matches('/')));
        let cookie = Some(format!("{cookie}; HttpOnly; SameSite=Strict; Path=/"));
        Self { status: StatusCode::SEE_OTHER, location, cookie, ..Self::of("text/plain; charset=utf-8", "") }
    }

    #[cfg(test)]
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// As HTTP sends it.
    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder()
            .status(self.status)
            .header(CONTENT_TYPE, self.kind)
            .header(CONTENT_SECURITY_POLICY, self.policy)
            .header(CACHE_CONTROL, "no-store")
            .header("x-content-type-options", "nosniff")
            .header("referrer-policy", "no-referrer");
        for (name, value) in [(SET_COOKIE, self.cookie), (LOCATION, self.location)] {
            if let Some(value) = value {
                response = response.header(name, value);
            }
        }
        response.body(Full::new(self.body)).expect("headers of ours are well-formed")
    }
}

/// What pages are about.
pub(super) struct Site {
    project: Project,
}

impl Site {
    pub(super) fn new(project: Project) -> Self {
        Self { project }
    }

    /// The page at an address.
    pub(super) async fn answer(&self, uri: &Uri) -> Answer {
        let answered = self.find(uri.path()).await;
        answered.unwrap_or_else(|error| Answer::refusal(500, &format!("it cannot be shown: {error}")))
    }

    async fn find(&self, path: &str) -> Result<Answer, CommandError> {
        match path {
            "/style.css" => return Ok(Answer::of("text/css; charset=utf-8", include_str!("style.css"))),
            "/live.js" => return Ok(Answer::of("text/javascript; charset=utf-8", include_str!("live.js"))),
            _ => {}
        }
        let parts: Option<Vec<String>> = path.split('/').skip(1).map(decoded).collect();
        let parts = parts.unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let state = self.project.state();
        match parts[..] {
            [""] => runs::page(&self.project, &Records::open(&state).await?).await,
            ["runs", number] => match number.parse() {
                Ok(number) => run::page(&self.project, &Records::open(&state).await?, number).await,
                Err(_) => Ok(Answer::nothing("such run")),
            },
            ["runs", number, "report"] => match number.parse() {
                Ok(number) => report::page(&self.project, &Records::open(&state).await?, number).await,
                Err(_) => Ok(Answer::nothing("such run")),
            },
            // A name has slashes in it, written as they are or not.
            ["runs", number, "cells", ref name @ ..] => match number.parse() {
                Ok(number) => cell::page(&Records::open(&state).await?, &state, number, &name.join("/")).await,
                Err(_) => Ok(Answer::nothing("such run")),
            },
            ["logs", attempt] => match attempt.parse() {
                Ok(attempt) => log::page(&state, attempt),
                Err(_) => Ok(Answer::nothing("such log")),
            },
            ["results", name] => results::file(&self.project.results(), name),
            _ => Ok(Answer::nothing("such page")),
        }
    }
}

/// A part of an address as it was written; nothing where that is no text.
fn decoded(part: &str) -> Option<String> {
    percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The address of a run.
pub(super) fn of_run(run: i64) -> String {
    format!("/runs/{run}")
}

/// The address of the report of a run's experiment as it stands.
pub(super) fn of_report(run: i64) -> String {
    format!("/runs/{run}/report")
}

/// The address of a cell of a run.
pub(super) fn of_cell(run: i64, cell: &str) -> String {
    format!("/runs/{run}/cells/{}", utf8_percent_encode(cell, PLAIN))
}

/// The address of what an attempt said.
pub(super) fn of_log(attempt: i64) -> String {
    format!("/logs/{attempt}")
}

/// The address of a file of `results/`.
pub(super) fn of_result(name: &str) -> String {
    format!("/results/{}", utf8_percent_encode(name, PLAIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_name_of_a_cell_whatever_is_in_it() {
        let name = "d/<b>\"&?#%2f ü/seed=1";
        let address = of_cell(7, name);
        assert!(address.is_ascii() && !address.contains(['<', '"', '?', '#', ' ']), "{address}");
        let parts: Vec<String> = address.split('/').skip(1).map(|part| decoded(part).unwrap()).collect();
        assert_eq!(parts, ["runs", "7", "cells", name]);
        assert_eq!(decoded("%ff"), None);
    }

    #[test]
    fn who_enters_stays_on_this_machine() {
        let response = Answer::entry("//evil.example/x", "a=b").response();
        assert_eq!(response.headers()[LOCATION], "/evil.example/x");
        assert_eq!(response.headers()[SET_COOKIE], "a=b; HttpOnly; SameSite=Strict; Path=/");
    }
}
