//! A colleague in rounds: whoever of the demonstration is in one is not alone for long.

use super::ColleagueError;
use super::colleague::Colleague;
use contract::{Reply, Request, RoundPhase, RoundStep, RoundView, RoundsView};
use std::collections::BTreeSet;

/// Enters a round that somebody else than colleagues is in, and leaves one in which nobody else is any more. `them` are
/// the colleagues, by user id.
pub(super) async fn attend(colleague: &Colleague, them: &BTreeSet<String>) -> Result<(), ColleagueError> {
    let Reply::Rounds(RoundsView { running, round, .. }) = colleague.asks(Request::OpenRounds).await? else {
        return Err(ColleagueError::Answer);
    };
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
