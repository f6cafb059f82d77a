//! Who may write to this person first.

use super::of_account;
use crate::Desk;
use contract::{EverybodyMay, Failure, FailureCode, PermissionsView};
use model::MatrixId;
use std::collections::BTreeSet;
use tim::{Everybody, Permissions};

/// More than these nobody keeps by hand.
const MOST: usize = 500;

impl Desk {
    pub(crate) async fn permissions(&self) -> Result<PermissionsView, Failure> {
        let permissions = self.up()?.account.permissions().await.map_err(|error| of_account(&error))?;
        Ok(view(&permissions))
    }

    /// Gives back what the homeserver has afterwards.
    pub(crate) async fn change_permissions(&self, wanted: PermissionsView) -> Result<PermissionsView, Failure> {
        let up = self.up()?;
        let (users, servers) = sorted(&wanted.exceptions)?;
        // What another program has written and this one does not know stays.
        let mut permissions = up.account.permissions().await.map_err(|error| of_account(&error))?;
        permissions.everybody = match wanted.everybody {
            EverybodyMay::Invite => Everybody::Allowed,
            EverybodyMay::NotInvite => Everybody::Blocked,
        };
        (permissions.users, permissions.servers, permissions.insured) = (users, servers, wanted.insured);
        up.account.set_permissions(&permissions).await.map_err(|error| of_account(&error))?;
        Ok(view(&permissions))
    }
}

fn view(permissions: &Permissions) -> PermissionsView {
    PermissionsView {
        everybody: match permissions.everybody {
            Everybody::Allowed => EverybodyMay::Invite,
            Everybody::Blocked => EverybodyMay::NotInvite,
        },
        exceptions: permissions.servers.iter().chain(&permissions.users).cloned().collect(),
        insured: permissions.insured,
    }
}

/// People and houses apart; the detail of a refusal is what is neither.
fn sorted(exceptions: &[String]) -> Result<(BTreeSet<String>, BTreeSet<String>), Failure> {
    let (mut users, mut servers) = (BTreeSet::new(), BTreeSet::new());
    let unusable = |what: &str| Failure::new(FailureCode::InvalidInput, what);
    if exceptions.len() > MOST {
        return Err(unusable("too many exceptions"));
    }
    for exception in exceptions {
        let exception = exception.trim();
        if exception.starts_with('@') {
            let id = MatrixId::parse(exception).map_err(|_refused| unusable("no address"))?;
            users.insert(id.to_string());
        } else {
            // A server name is what stands behind the colon of an address.
            let id = MatrixId::parse(&format!("@a:{exception}")).map_err(|_refused| unusable("no server name"))?;
            servers.insert(id.server().to_owned());
        }
    }
    Ok((users, servers))
}

#[cfg(test)]
mod tests {
    use super::sorted;

    #[test]
    fn people_and_houses_are_told_apart_and_what_is_neither_is_refused() {
        let given = ["@a:one.example", " two.example ", "two.example", "three.example:8448"].map(str::to_owned);
        let (users, servers) = sorted(&given).expect("all of them are good");
        assert_eq!(users.into_iter().collect::<Vec<_>>(), ["@a:one.example"], "people");
        assert_eq!(servers.into_iter().collect::<Vec<_>>(), ["three.example:8448", "two.example"], "houses, once");
        for bad in ["", "@a", "two example", "https://two.example", "a@two.example"] {
            assert!(sorted(&[bad.to_owned()]).is_err(), "{bad:?}");
        }
    }
}
