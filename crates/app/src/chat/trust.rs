//! Trust between people and devices.

use super::{of_account, talk::of_conversation, views};
use crate::Desk;
use contract::{
    ChangedIdentityView, ComparisonEnd, ComparisonStateView, ComparisonView, CounterpartView, DeviceTrust, DevicesView,
    Failure, FailureCode, OwnDeviceView, ProofGiven, ProofWantedView, ProofWay, Reply, TrustStep,
};
use tim::{Counterpart, OwnDevice, Proof, ProofError, Verification, VerificationError, VerificationState};

/// Letters of a device's name at most.
const NAME: usize = 100;

impl Desk {
    pub(crate) async fn trust(&self, step: TrustStep) -> Result<Reply, Failure> {
        let up = self.up()?;
        let account = &up.account;
        match step {
            TrustStep::OpenDevices => {
                let devices = account.devices().await.map_err(|error| of_account(&error))?;
                Ok(Reply::Devices(DevicesView { devices: devices.iter().map(device).collect() }))
            }
            TrustStep::RenameDevice { device, name } => {
                let name = name.trim();
                if name.is_empty() || name.chars().count() > NAME {
                    return Err(Failure::new(FailureCode::InvalidInput, "a name"));
                }
                account.rename_device(&device, name).await.map_err(|error| of_account(&error))?;
                Ok(Reply::Done)
            }
            TrustStep::EndDevice { device, proof } => {
                let ended = account.end_device(&device, proof.as_ref().map(self::proof)).await;
                of_proven(self, ended).await
            }
            TrustStep::ResetIdentity { proof } => {
                let reset = account.reset_identity(proof.as_ref().map(self::proof)).await;
                if reset.is_ok() {
                    self.forget_recovery_key(&account.user()).await;
                }
                of_proven(self, reset).await
            }
            TrustStep::VerifyDevice { device } => {
                let asked = account.verify_own_device(device.as_deref()).await;
                asked.map(|()| Reply::Done).map_err(|error| of_verification(&error))
            }
            TrustStep::VerifyPerson { person } => {
                let asked = account.verify_person(&person).await;
                asked.map(|()| Reply::Done).map_err(|error| of_verification(&error))
            }
            TrustStep::AcceptVerification => {
                let taken = account.accept_verification().await;
                taken.map(|()| Reply::Done).map_err(|error| of_verification(&error))
            }
            TrustStep::CompareVerification { same } => {
                let said = account.compare_verification(same).await;
                said.map(|()| Reply::Done).map_err(|error| of_verification(&error))
            }
            TrustStep::LeaveVerification => {
                account.leave_verification().await;
                Ok(Reply::Done)
            }
            TrustStep::AcceptIdentity { conversation, person } => {
                let open = self.conversation(&conversation)?;
                let taken = open.conversation.accept_identity(&person).await;
                taken.map(|()| Reply::Done).map_err(|error| of_conversation(&error))
            }
        }
    }
}

fn device(device: &OwnDevice) -> OwnDeviceView {
    OwnDeviceView {
        id: device.id.clone(),
        name: device.name.clone(),
        this: device.this,
        trust: match device.trust {
            tim::DeviceTrust::Confirmed => DeviceTrust::Confirmed,
            tim::DeviceTrust::Unconfirmed => DeviceTrust::Unconfirmed,
            tim::DeviceTrust::NoKeys => DeviceTrust::NoKeys,
        },
        last_seen: device.last_seen.map(|time| time.to_string()),
    }
}

pub(super) fn comparison(verification: &Verification) -> ComparisonView {
    ComparisonView {
        id: verification.id.clone(),
        with: match &verification.with {
            Counterpart::OwnDevice { name } => CounterpartView::Device { name: name.clone() },
            Counterpart::Person(person) => CounterpartView::Person { person: views::sender(person) },
        },
        by_them: verification.by_them,
        state: match &verification.state {
            VerificationState::Waiting => ComparisonStateView::Waiting,
            VerificationState::Asked => ComparisonStateView::Asked,
            VerificationState::Agreeing => ComparisonStateView::Agreeing,
            VerificationState::Comparing(symbols) => ComparisonStateView::Comparing {
                emoji: symbols.emoji.map(|emoji| emoji.to_vec()),
                numbers: symbols.numbers.to_vec(),
            },
            VerificationState::Confirming => ComparisonStateView::Confirming,
            VerificationState::Done => ComparisonStateView::Done,
            VerificationState::Ended(end) => ComparisonStateView::Ended {
                end: match end {
                    tim::VerificationEnd::Mismatch => ComparisonEnd::Mismatch,
                    tim::VerificationEnd::Cancelled => ComparisonEnd::Cancelled,
                    tim::VerificationEnd::Refused => ComparisonEnd::Refused,
                    tim::VerificationEnd::Timeout => ComparisonEnd::Timeout,
                    tim::VerificationEnd::Elsewhere => ComparisonEnd::Elsewhere,
                    tim::VerificationEnd::Failed => ComparisonEnd::Failed,
                },
            },
        },
    }
}

pub(super) fn changed(changed: &tim::ChangedIdentity) -> ChangedIdentityView {
    ChangedIdentityView { person: views::sender(&changed.person), was_confirmed: changed.was_confirmed }
}

fn proof(given: &ProofGiven) -> Proof<'_> {
    match given {
        ProofGiven::Password { session, password } => Proof::Password { session, password },
        ProofGiven::Browser { session } => Proof::Page { session },
    }
}

/// What the homeserver wants to know first is no failure: the person is asked, here or in the browser.
async fn of_proven(desk: &Desk, done: Result<(), ProofError>) -> Result<Reply, Failure> {
    let (demand, again) = match done {
        Ok(()) => return Ok(Reply::Done),
        Err(ProofError::Needed(demand)) => (demand, false),
        Err(ProofError::Wrong(demand)) => (demand, true),
        Err(error @ ProofError::NoWay) => {
            return Err(Failure::new(FailureCode::ProofImpossible, error.to_string()));
        }
        Err(error @ ProofError::Refused(_)) => return Err(Failure::new(FailureCode::NotAllowed, error.to_string())),
        Err(error @ ProofError::Unreachable(_)) => {
            return Err(Failure::new(FailureCode::PlatformUnreachable, error.to_string()));
        }
    };
    let way = match &demand.way {
        tim::ProofWay::Password => ProofWay::Password,
        tim::ProofWay::Page(page) => {
            desk.show_page(page).await;
            ProofWay::Browser
        }
    };
    Ok(Reply::ProofWanted(ProofWantedView { session: demand.session, way, again }))
}

fn of_verification(error: &VerificationError) -> Failure {
    let code = match error {
        VerificationError::Nobody => FailureCode::NothingToCompare,
        VerificationError::Busy | VerificationError::TooLate => FailureCode::Conflict,
        VerificationError::Homeserver(_) => FailureCode::PlatformFailed,
    };
    Failure::new(code, error.to_string())
}
