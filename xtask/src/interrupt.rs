//! Ctrl-C and SIGTERM end the task at its next look, so that what it started is stopped in order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

pub(crate) fn listen() {
    thread::spawn(|| -> anyhow::Result<()> {
        tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(async {
            let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
            loop {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
                INTERRUPTED.store(true, Ordering::SeqCst);
            }
        })
    });
}

pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

pub(crate) fn check() -> anyhow::Result<()> {
    if interrupted() {
        bail!("go on: interrupted");
    }
    Ok(())
}
