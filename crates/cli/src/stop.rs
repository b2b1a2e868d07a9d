//! Ctrl-C: once, what is in flight is finished; twice, the run stops at once.

use tokio::sync::watch;

use crate::terminal::tell;

/// A signal that turns true with the first Ctrl-C (or SIGTERM). The second ends the process with exit code 1.
pub(crate) fn on_ctrl_c() -> watch::Receiver<bool> {
    let (send, receive) = watch::channel(false);
    tokio::spawn(async move {
        let mut asked = false;
        while interrupted().await {
            if asked {
                tell(
                    "\nStopped at once. Run the same command again: it goes on from what is there.\n",
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
#[cfg(unix)]
pub(crate) async fn interrupted() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return false;
    };
    tokio::select! {
        got = interrupt.recv() => got.is_some(),
        got = terminate.recv() => got.is_some(),
    }
}

/// Waits for Ctrl-C; false where there are no signals.
#[cfg(not(unix))]
pub(crate) async fn interrupted() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
