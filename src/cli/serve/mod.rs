//! `sr-pipe serve`: runs, cells, curves, logs and reports as pages in a browser, also while a grid runs.
//!
//! It starts, stops and changes nothing. It listens on this machine alone unless it is told otherwise, and then it asks for a token.

mod answer;
mod cell;
mod curve;
mod door;
mod html;
mod log;
mod report;
mod results;
mod run;
mod runs;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use self::answer::{Answer, Site};
use self::door::{Door, Passage};
use super::place::Place;
use super::{CommandError, Ending, block_on, print, say};
use crate::diagnostic::Diagnostic;

/// How long a browser may take to say what it wants.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// Show runs, cells, learning curves, logs and reports in a browser, also while a grid runs.
///
/// The pages only read, and keep themselves up to date while a run is under way. They are for this machine alone, unless
/// `--listen` names another address; then whoever comes needs the token that is part of the printed address.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Where to listen; port 0 takes any that is free.
    #[arg(long, default_value = "127.0.0.1:8017", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Ask for a token on this machine too, where others work on it.
    #[arg(long)]
    token: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Ending, CommandError> {
    block_on(async {
        // Says at once when there is no project here.
        arguments.place.records().await?.close().await;
        let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
            Diagnostic::new(format!("cannot listen on {}: {error}", arguments.listen))
                .help("name another address or port with `--listen`, such as `--listen 127.0.0.1:0`")
        })?;
        let here = listener.local_addr()?;
        let door = Door::new(here, arguments.token)?;
        print(&format!("{}\n", door.address()))?;
        say("open this address in a browser; Ctrl-C ends it");
        let site = Arc::new((door, Site::new(arguments.place.project())));
        tokio::select! {
            ended = listen(&listener, &site) => ended,
            _ = tokio::signal::ctrl_c() => Ok(Ending::Done),
        }
    })
}

/// Answers whoever comes, each connection by itself.
async fn listen(listener: &TcpListener, site: &Arc<(Door, Site)>) -> Result<Ending, CommandError> {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Too many open files, say: the others are still served, and this one may try again.
                tracing::debug!(%error, "a connection was lost");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let site = Arc::clone(site);
        tokio::spawn(async move {
            let serve = service_fn(|request| {
                let site = Arc::clone(&site);
                async move {
                    let (door, pages) = &*site;
                    let answer = match door.pass(&request) {
                        Passage::Open => pages.answer(request.uri()).await,
                        Passage::Closed(answer) => answer,
                    };
                    Ok::<_, std::convert::Infallible>(answer.response())
                }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .serve_connection(TokioIo::new(stream), serve)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a browser went away");
            }
        });
    }
}
