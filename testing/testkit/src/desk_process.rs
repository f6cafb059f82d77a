//! The inner side of a [`DeskKit`](crate::DeskKit): a desk that takes requests as JSON lines on standard
//! input and says replies and facts as JSON lines on standard output.

use crate::{misbehaving, phi, roots::FolderRoots};
use anyhow::Context as _;
use app::{Appearance, Desk, DeskOptions, Policy, WorkerProgram};
use contract::{Event, Failure, Reply, Request};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufRead as _, Write as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::sync::{broadcast::error::RecvError, mpsc};

/// The origin that the test's page pretends to have.
pub(crate) const ORIGIN: &str = "http://konsil.test";

/// A request with its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) id: u64,
    pub(crate) request: Request,
}

/// What a desk says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    Open,
    Refused(Failure),
    Reply { id: u64, answer: Result<Reply, Failure> },
    Fact(Event),
    Leak(String),
}

/// `desk PROFILE ROOTS [CA…]`.
pub(crate) fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(2).map(PathBuf::from);
    let profile = arguments.next().context("a profile")?;
    let roots = FolderRoots(arguments.next().context("roots")?);
    let ca: Vec<PathBuf> = arguments.collect();
    phi::watch(|line| say(&Said::Leak(line.to_owned())));
    tokio::runtime::Runtime::new()?.block_on(serve(profile, roots, &ca))
}

async fn serve(profile: PathBuf, roots: FolderRoots, ca: &[PathBuf]) -> anyhow::Result<()> {
    let egress = match app::egress_options(ca) {
        Ok(egress) => egress,
        Err(failure) => {
            say(&Said::Refused(failure));
            return Ok(());
        }
    };
    let options = DeskOptions {
        profile,
        roots: Arc::new(roots),
        egress,
        worker: worker()?,
        policy: Policy::default(),
        appearance: Appearance::default(),
        origins: vec![ORIGIN.to_owned()],
        scheme: None,
    };
    let desk = match Desk::open(options).await {
        Ok(desk) => desk,
        Err(error) => {
            say(&Said::Refused(error.failure()));
            return Ok(());
        }
    };
    let mut facts = desk.events();
    say(&Said::Open);
    tokio::spawn(async move {
        loop {
            match facts.recv().await {
                Ok(fact) => say(&Said::Fact(fact)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    });
    let (tell, mut asked) = mpsc::channel::<Asked>(16);
    // Standard input of tokio would keep the process alive until one more line comes.
    std::thread::Builder::new().name("input".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(asked) = line.map_err(anyhow::Error::from).and_then(|line| Ok(serde_json::from_str(&line)?)) else {
                return;
            };
            if tell.blocking_send(asked).is_err() {
                return;
            }
        }
    })?;
    while let Some(Asked { id, request }) = asked.recv().await {
        let desk = desk.clone();
        tokio::spawn(async move { say(&Said::Reply { id, answer: desk.call(request).await }) });
    }
    Ok(())
}

fn worker() -> anyhow::Result<WorkerProgram> {
    let program = std::env::current_exe()?;
    Ok(match std::env::var(misbehaving::FRAME_TIME) {
        Ok(millis) => misbehaving::program(program, Duration::from_millis(millis.parse()?)),
        Err(_not_wanted) => WorkerProgram::of(program),
    })
}

fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_vec(said) else { return };
    line.push(b'\n');
    let mut out = io::stdout().lock();
    // Nobody listens any longer: the test is over.
    let _over = out.write_all(&line).and_then(|()| out.flush());
}
