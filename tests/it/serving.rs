//! `sr-pipe serve`: the pages of a project over HTTP, who may see them, and what they do with hostile names.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::scratch::Scratch;

/// A server on a free port, ended when it is dropped.
struct Server {
    process: Child,
    host: String,
    token: Option<String>,
}

impl Server {
    fn start(scratch: &Scratch, arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_sr-pipe"))
            .args(["serve", "--project", scratch.root.as_str()])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let rest = address.trim().strip_prefix("http://").unwrap_or_else(|| panic!("no address: {address:?}"));
        let (host, query) = rest.split_once('/').unwrap();
        let token = query.strip_prefix("?token=").map(str::to_owned);
        Self { process, host: host.to_owned(), token }
    }

    /// Status line and headers, and the body.
    fn ask(&self, method: &str, path: &str, headers: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{headers}\r\n", self.host)
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// The body of a page that is there.
    fn page(&self, path: &str) -> String {
        let (head, body) = self.ask("GET", path, "");
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}\n{body}");
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
        body
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The addresses that a page links, as they are in it.
fn links(page: &str) -> Vec<String> {
    page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// A project with a run: one cell is done, one fails; one name is hostile.
fn ran() -> Scratch {
    let scratch = Scratch::new();
    scratch.write(
        "pipelines/p.yaml",
        "about: words\nstages:\n  say:\n    shell:\n      environment: { WORD: \"${word}\" }\n      \
         command: echo '<script>alert(1)</script>' | tee $OUT/said && test \"$WORD\" != bad\n",
    );
    scratch.write(
        "experiments/<b>e.yaml",
        "title: Words\ndatasets: { d: { pipeline: ../pipelines/p.yaml } }\n\
         grid: { product: { dataset: [d], word: ['<script>', bad] } }\n",
    );
    scratch.sr_pipe(&["run", "experiments/<b>e.yaml"]).expect(1);
    scratch
}

#[test]
fn every_page_of_a_run_is_there_and_a_name_that_is_markup_does_no_harm() {
    let scratch = ran();
    let server = Server::start(&scratch, &["--listen", "127.0.0.1:0"]);
    let (mut open, mut seen) = (vec!["/".to_owned()], std::collections::BTreeSet::new());
    let (mut failed, mut logs) = (false, 0);
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let page = server.page(&path);
        if path.starts_with("/logs/") {
            // A log is text, whatever stands in it.
            assert!(server.ask("GET", &path, "").0.contains("content-type: text/plain"));
            logs += usize::from(page.contains("<script>alert(1)</script>"));
            continue;
        }
        if path.ends_with(".css") || path.ends_with(".js") {
            continue;
        }
        failed |= page.contains("<h2>Failed</h2>");
        assert_eq!(page.matches("<script").count(), 1, "{path}: {page}");
        assert!(page.contains("<script src=\"/live.js\" defer></script>") && !page.contains("<b>"), "{path}: {page}");
        open.extend(links(&page).into_iter().filter(|link| link.starts_with('/')));
    }
    assert!(failed && logs >= 1, "{seen:?}");
    // The name of a cell may stand in an address as it is.
    let cell = seen.iter().find(|path| path.starts_with("/runs/1/cells/") && path.contains("bad")).unwrap();
    assert!(cell.contains("%2F") && server.page(&cell.replace("%2F", "/")) == server.page(cell), "{cell}");
    assert!(seen.iter().any(|path| path.starts_with("/runs/1/cells/") && path.contains("%3Cscript%3E")), "{seen:?}");
}

#[test]
fn the_report_of_a_run_is_worked_out_while_cells_are_missing_and_nothing_is_written() {
    let scratch = crate::figures::project(crate::figures::FIGURES);
    scratch.sr_pipe(&["run", "experiments/e.yaml", "--only", "model=deep"]).expect(0);
    fs_err::remove_dir_all(scratch.root.join("results")).unwrap();
    let server = Server::start(&scratch, &["--listen", "127.0.0.1:0"]);
    assert!(links(&server.page("/runs/1")).contains(&"/runs/1/report".to_owned()));
    let report = server.page("/runs/1/report");
    for part in ["<title>Drawn", "Deep", "missing", "did not run"] {
        assert!(report.contains(part), "no `{part}` in:\n{report}");
    }
    assert!(!report.contains("<script>alert"), "{report}");
    assert!(!scratch.root.join("results").exists());
    scratch.sr_pipe(&["run", "experiments/e.yaml"]).expect(0);
    assert!(!server.page("/runs/1/report").contains("did not run"), "it is of the whole grid as it stands");
    assert!(server.ask("GET", "/runs/99/report", "").0.starts_with("HTTP/1.1 404"));
}

#[test]
fn what_is_not_there_is_told_and_nothing_can_be_written() {
    let scratch = ran();
    let server = Server::start(&scratch, &["--listen", "127.0.0.1:0"]);
    for path in [
        "/runs/99",
        "/runs/1/report",
        "/runs/x",
        "/runs/1/cells/none",
        "/logs/99",
        "/results/../.sr-pipe/records.sqlite",
        "/x",
        "/%ff",
    ] {
        let (head, _) = server.ask("GET", path, "");
        assert!(head.starts_with("HTTP/1.1 404"), "{path}: {head}");
    }
    let (head, _) = server.ask("POST", "/", "content-length: 0\r\n");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    let (_, body) = server.ask("HEAD", "/", "");
    assert!(body.is_empty(), "{body}");
}

#[test]
fn a_page_from_elsewhere_under_a_name_that_leads_here_is_refused() {
    let scratch = ran();
    let mut server = Server::start(&scratch, &["--listen", "127.0.0.1:0"]);
    let port = server.host.rsplit_once(':').unwrap().1.to_owned();
    let mut stream = TcpStream::connect(&server.host).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nhost: evil.example:{port}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    server.process.kill().unwrap();
}

#[test]
fn with_a_token_nothing_is_shown_without_it_and_it_leaves_the_address() {
    let scratch = ran();
    let server = Server::start(&scratch, &["--listen", "127.0.0.1:0", "--token"]);
    let token = server.token.clone().unwrap();
    assert!(server.ask("GET", "/", "").0.starts_with("HTTP/1.1 403"));
    assert!(server.ask("GET", "/logs/1", "authorization: Bearer 0\r\n").0.starts_with("HTTP/1.1 403"));
    let (head, _) = server.ask("GET", &format!("/runs/1?token={token}"), "");
    assert!(head.starts_with("HTTP/1.1 303") && head.contains("location: /runs/1\r\n"), "{head}");
    let cookie = head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
    let (head, body) = server.ask("GET", "/runs/1", &format!("cookie: {cookie}\r\n"));
    assert!(head.starts_with("HTTP/1.1 200") && body.contains("Run 1") && !body.contains(&token), "{head}");
    assert!(server.ask("GET", "/", &format!("authorization: Bearer {token}\r\n")).0.starts_with("HTTP/1.1 200"));
}

#[test]
fn a_project_without_records_is_told_before_anything_listens() {
    let scratch = Scratch::new();
    scratch.sr_pipe(&["serve", "--listen", "127.0.0.1:0"]).expect(2).told(&["there is no cache", "start a run first"]);
}

#[test]
fn completions_name_every_command_and_each_has_a_manual_page() {
    let scratch = Scratch::new();
    for shell in ["bash", "zsh", "fish"] {
        let said = scratch.sr_pipe(&["completions", shell]).expect(0);
        for word in ["run", "serve", "manual", "--profile"] {
            assert!(said.stdout.contains(word.trim_start_matches("--")), "{shell} has no {word}");
        }
    }
    let folder = scratch.root.join("man");
    scratch.sr_pipe(&["manual", folder.as_str()]).expect(0).told(&["pages to"]);
    for (page, told) in
        [("sr-pipe", "serve"), ("sr-pipe-run", "profile"), ("sr-pipe-runs-show", "cell"), ("sr-pipe-serve", "token")]
    {
        let text = fs_err::read_to_string(folder.join(format!("{page}.1"))).unwrap();
        assert!(text.starts_with(".ie") && text.contains(told), "{page}:\n{text}");
    }
}
