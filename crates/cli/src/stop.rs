//! Ctrl-C: the first one lets steps in flight finish, the second one ends the process.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::terminal::{Terminal, Tone};

/// Becomes true with the first Ctrl-C (or SIGTERM). The second one ends the process with exit code 1.
pub(crate) fn on_ctrl_c(terminal: Terminal) -> watch::Receiver<bool> {
    let (send, receive) = watch::channel(false);
    // Created before the first step: until then, a signal ends the process at once.
    let mut interrupts = Interrupts::new();
    tokio::spawn(async move {
        let mut asked = false;
        while interrupts.next().await {
            if asked {
                terminal.write_message(
                    "\nStopped immediately. Run the same command again to continue.\n",
                    Tone::Error,
                );
                std::process::exit(1);
            }
            asked = true;
            let _ = send.send(true);
        }
        // Without signals, nothing stops the run: keep the channel open.
        send.closed().await;
    });
    receive
}

/// Waits for Ctrl-C or SIGTERM; false if signals are not supported.
pub(crate) async fn interrupted() -> bool {
    Interrupts::new().next().await
}

/// Ctrl-C and SIGTERM, from the moment of construction.
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

/// Ctrl-C, on platforms without SIGTERM.
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
