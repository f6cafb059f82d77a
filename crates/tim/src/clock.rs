//! What time it is at the homeserver. It judges how old a message is by its own clock, and this computer's may be wrong.

use crate::Account;
use crate::sync::SyncState;
use jiff::{SignedDuration, Timestamp};
use matrix_sdk::Client;
use reqwest::header::DATE;
use std::time::Duration;
use tokio::sync::watch;

const PATIENCE: Duration = Duration::from_secs(10);

/// How far the homeserver is ahead; none as long as it has not said so.
pub(crate) type Ahead = Option<SignedDuration>;

/// The homeserver's time.
pub(crate) fn now(ahead: Ahead) -> Option<Timestamp> {
    ahead.and_then(|ahead| Timestamp::now().checked_add(ahead).ok())
}

impl Account {
    pub(crate) fn clock(&self) -> watch::Receiver<Ahead> {
        self.clock.subscribe()
    }
}

/// Learns it each time that the homeserver begins to answer.
pub(crate) async fn follow(
    client: Client,
    http: reqwest::Client,
    clock: watch::Sender<Ahead>,
    mut state: watch::Receiver<SyncState>,
) {
    while state.wait_for(|state| *state == SyncState::Ready).await.is_ok() {
        if let Some(then) = ask(&client, &http).await {
            clock.send_replace(Some(then.duration_since(Timestamp::now())));
        }
        if state.wait_for(|state| *state != SyncState::Ready).await.is_err() {
            return;
        }
    }
}

/// The `Date` of an answer (RFC 9110 §6.6.1) to a question that every proxy of the TI-Messenger forwards.
async fn ask(client: &Client, http: &reqwest::Client) -> Option<Timestamp> {
    let mut url = client.homeserver();
    url.path_segments_mut().ok()?.pop_if_empty().extend(["_matrix", "client", "versions"]);
    let asked = tokio::time::timeout(PATIENCE, http.get(url).send());
    let answer = asked.await.ok()?.ok()?;
    date(answer.headers().get(DATE)?.to_str().ok()?)
}

fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{date, now};
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn a_date_is_read_as_rfc_9110_writes_it() {
        // The example of RFC 9110 §5.6.7, which is 784,111,777 seconds after 1970.
        let example = date("Sun, 06 Nov 1994 08:49:37 GMT").expect("a date");
        assert_eq!(example.as_second(), 784_111_777, "the moment");
        assert_eq!(date("yesterday"), None, "what is none");
    }

    #[test]
    fn without_a_word_of_the_homeserver_its_time_is_not_known() {
        assert_eq!(now(None), None, "nothing is guessed");
        let day = SignedDuration::from_hours(24);
        let ahead = now(Some(day)).expect("it is known").duration_since(Timestamp::now());
        assert!((23..=24).contains(&ahead.as_hours()), "a day, less the moment between");
    }
}
