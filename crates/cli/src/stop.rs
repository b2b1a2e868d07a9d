//! Ctrl-C: once, what is in flight is finished; twice, the run stops at once.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::terminal::{Terminal, Tone};

/// A signal that turns true with the first Ctrl-C (or SIGTERM). The second ends the process with exit code 1.
pub(crate) fn on_ctrl_c(terminal: Terminal) -> watch::Receiver<bool> {
    let (send, receive) = watch::channel(false);
    // Before the first step: until then, a signal ends the process as it likes.
    let mut interrupts = Interrupts::new();
    tokio::spawn(async move {
        let mut asked = false;
        while interrupts.next().await {
            if asked {
                terminal.tell(
                    "\nStopped at once. Run the same command again: it goes on from what is there.\n",
                    Tone::Error,
                );
                std::process::exit(1);
            }
            asked = true;
            let _ = send.send(true);
        }
        // Without signals nothing ever stops the run: keep the channel open.
        send.closed().await;
    });
    receive
}

/// Waits for Ctrl-C or SIGTERM; false where there are no signals.
pub(crate) async fn interrupted() -> bool {
    Interrupts::new().next().await
}

/// Ctrl-C and SIGTERM, each one from the moment that this is made.
#[cfg(unix)]
struct Interrupts(Option<[Signal; 2]>);

#[cfg(unix)]
impl Interrupts {
    fn new() -> Self {
        let streams = signal(SignalKind::interrupt()).and_then(|interrupt| {
            let terminate = signal(SignalKind::terminate())?;
            Ok([interrupt, terminate])
        });
        Self(streams.ok())
    }

    async fn next(&mut self) -> bool {
        let Some([interrupt, terminate]) = &mut self.0 else {
            return false;
        };
        tokio::select! {
            got = interrupt.recv() => got.is_some(),
            got = terminate.recv() => got.is_some(),
        }
    }
}

/// Ctrl-C, where there is no SIGTERM.
#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}
