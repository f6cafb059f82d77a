//! A colleague in rounds: whoever of the demonstration is in one is not alone for long.

use super::ColleagueError;
use super::colleague::Colleague;
use super::images;
use contract::{Reply, Request, RoundKey, RoundPersonView, RoundPhase, RoundStep, RoundView, RoundsView};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// What a colleague does in a round beside being there. Dropping it ends that.
#[derive(Default)]
pub(super) struct Part {
    /// Whether they show the images of a case, once a round.
    leads: bool,
    led: bool,
    doing: JoinSet<()>,
}

impl Part {
    pub(super) fn of(leads: bool) -> Self {
        Self { leads, ..Self::default() }
    }
}

/// Enters a round that somebody else than colleagues is in, and leaves one in which nobody else is any more. `them` are
/// the colleagues, by user id.
pub(super) async fn attend(
    colleague: &Colleague,
    them: &BTreeSet<String>,
    part: &mut Part,
) -> Result<(), ColleagueError> {
    let Reply::Rounds(RoundsView { running, round, .. }) = colleague.asks(Request::OpenRounds).await? else {
        return Err(ColleagueError::Answer);
    };
    let patient = round.as_ref().filter(|round| shall_lead(round, them)).and_then(|round| round.patient.clone());
    match (&round, patient) {
        (None, _) => *part = Part::of(part.leads),
        (Some(_), Some(patient)) if part.leads && !part.led => {
            part.led = true;
            part.doing.spawn(images::lead(colleague.desk(), patient));
        }
        (Some(_), Some(_) | None) => {}
    }
    let step = match round {
        Some(round) => is_over(&round, them).then_some(RoundStep::Leave),
        None => {
            let wanted = running.into_iter().find(|round| {
                let people = &round.people;
                people.iter().any(|person| !them.contains(&person.id))
            });
            wanted.map(|round| RoundStep::Enter { conversation: round.conversation, camera: true })
        }
    };
    if let Some(step) = step
        && let Err(error) = colleague.asks(Request::Round { round: step }).await
    {
        tracing::debug!(%error, "a colleague could not enter or leave a round");
    }
    Ok(())
}

/// Somebody is there to see images, and nobody shows any.
fn shall_lead(round: &RoundView, them: &BTreeSet<String>) -> bool {
    let heard = |person: &RoundPersonView| !them.contains(&person.person.id) && person.key == RoundKey::Encrypted;
    round.phase == RoundPhase::In && round.may_present && round.people.iter().any(heard)
}

fn is_over(round: &RoundView, them: &BTreeSet<String>) -> bool {
    match round.phase {
        RoundPhase::Ended { .. } => true,
        RoundPhase::Entering { .. } | RoundPhase::Reconnecting { .. } => false,
        // Who is in it is known from the moment on at which this desk is.
        RoundPhase::In => {
            let here = round.people.iter().any(|person| person.here);
            here && round.people.iter().all(|person| them.contains(&person.person.id))
        }
    }
}
