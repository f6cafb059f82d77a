//! Access tokens, refresh tokens and login tokens. Pure: time and tokens are arguments.
//!
//! A refresh token that was exchanged stays good until what it was exchanged for has been used, so that a client
//! whose answer got lost is not signed out (Matrix client-server API, "Refreshing access tokens").

use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;

/// How long a login token may be exchanged: what Synapse gives.
const LOGIN_TOKEN: SignedDuration = SignedDuration::from_mins(2);

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenRefusal {
    /// Nobody's.
    #[error("Invalid access token passed.")]
    Unknown,
    /// Its time is over; a refresh token gives another.
    #[error("Access token has expired")]
    Expired,
    /// A refresh token whose successor is in use.
    #[error("refresh token isn't valid anymore")]
    Spent,
}

#[derive(Clone)]
struct Owner {
    user: String,
    device: String,
}

struct Access {
    owner: Owner,
    until: Option<Timestamp>,
    /// The refresh token that was given for this one: spent as soon as this one is used.
    replaces: Option<String>,
}

struct Refresh {
    owner: Owner,
    /// The access token that came with it.
    access: String,
    /// What it was exchanged for.
    next: Option<Pair>,
    replaces: Option<String>,
    spent: bool,
}

/// An access token and its refresh token.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// All tokens.
#[derive(Default)]
pub(crate) struct Tokens {
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Refresh>,
    logins: BTreeMap<String, (String, Timestamp)>,
}

impl Tokens {
    /// Gives a device a token that lives until it signs out.
    pub(crate) fn give(&mut self, user: &str, device: &str, access: String) {
        let owner = Owner { user: user.to_owned(), device: device.to_owned() };
        self.access.insert(access, Access { owner, until: None, replaces: None });
    }

    /// Gives a device a token that expires, and one to refresh it with.
    pub(crate) fn give_pair(&mut self, user: &str, device: &str, pair: &Pair, until: Timestamp) {
        let owner = Owner { user: user.to_owned(), device: device.to_owned() };
        self.insert(owner, pair, until, None);
    }

    fn insert(&mut self, owner: Owner, pair: &Pair, until: Timestamp, replaces: Option<String>) {
        let access = Access { owner: owner.clone(), until: Some(until), replaces: replaces.clone() };
        self.access.insert(pair.access.clone(), access);
        let refresh = Refresh { owner, access: pair.access.clone(), next: None, replaces, spent: false };
        self.refresh.insert(pair.refresh.clone(), refresh);
    }

    /// Whose token this is: user and device. Its first use ends what it replaced.
    pub(crate) fn check(&mut self, token: &str, now: Timestamp) -> Result<(String, String), TokenRefusal> {
        let access = self.access.get_mut(token).ok_or(TokenRefusal::Unknown)?;
        if access.until.is_some_and(|until| until <= now) {
            return Err(TokenRefusal::Expired);
        }
        let Owner { user, device } = access.owner.clone();
        let replaced = access.replaces.take();
        self.spend(replaced);
        Ok((user, device))
    }

    /// Exchanges a refresh token.
    pub(crate) fn refresh(&mut self, token: &str, pair: &Pair, until: Timestamp) -> Result<(), TokenRefusal> {
        let refresh = self.refresh.get_mut(token).ok_or(TokenRefusal::Unknown)?;
        if refresh.spent {
            return Err(TokenRefusal::Spent);
        }
        let owner = refresh.owner.clone();
        let lost = refresh.next.replace(pair.clone());
        let replaced = refresh.replaces.take();
        if let Some(lost) = lost {
            self.access.remove(&lost.access);
            self.refresh.remove(&lost.refresh);
        }
        self.spend(replaced);
        self.insert(owner, pair, until, Some(token.to_owned()));
        Ok(())
    }

    fn spend(&mut self, replaced: Option<String>) {
        if let Some(refresh) = replaced.and_then(|token| self.refresh.get_mut(&token)) {
            refresh.spent = true;
            self.access.remove(&refresh.access);
        }
    }

    /// Ends all tokens of a device.
    pub(crate) fn end_device(&mut self, user: &str, device: &str) {
        let ends = |owner: &Owner| owner.user == user && owner.device == device;
        self.access.retain(|_, access| !ends(&access.owner));
        self.refresh.retain(|_, refresh| !ends(&refresh.owner));
    }

    /// Promises a sign-in to whoever brings this token.
    pub(crate) fn promise(&mut self, token: String, user: &str, now: Timestamp) {
        self.logins.retain(|_, (_, until)| *until > now);
        self.logins.insert(token, (user.to_owned(), now + LOGIN_TOKEN));
    }

    /// Redeems a login token, once.
    pub(crate) fn redeem(&mut self, token: &str, now: Timestamp) -> Option<String> {
        self.logins.remove(token).filter(|(_, until)| *until > now).map(|(user, _)| user)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pair, TokenRefusal, Tokens};
    use jiff::{SignedDuration, Timestamp};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn pair(number: u32) -> Pair {
        Pair { access: format!("a{number}"), refresh: format!("r{number}") }
    }

    fn later(seconds: i64) -> Timestamp {
        NOW + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_refresh_token_stays_good_until_its_successor_was_used() {
        let mut tokens = Tokens::default();
        tokens.give_pair("u", "d", &pair(1), later(600));
        assert_eq!(tokens.refresh("r1", &pair(2), later(600)), Ok(()), "the first exchange");
        assert_eq!(tokens.refresh("r1", &pair(3), later(600)), Ok(()), "the answer was lost: once more");
        assert_eq!(tokens.check("a2", NOW), Err(TokenRefusal::Unknown), "what was lost is void");
        assert!(tokens.check("a1", NOW).is_ok(), "the old access token lives on");
        assert!(tokens.check("a3", NOW).is_ok(), "the new one is used");
        assert_eq!(tokens.check("a1", NOW), Err(TokenRefusal::Unknown), "by that the old one has ended");
        assert_eq!(tokens.refresh("r1", &pair(4), later(600)), Err(TokenRefusal::Spent), "and its refresh token");
    }

    #[test]
    fn an_access_token_expires_and_the_refreshed_one_does_not() {
        let mut tokens = Tokens::default();
        tokens.give_pair("u", "d", &pair(1), later(600));
        assert_eq!(tokens.check("a1", later(600)), Err(TokenRefusal::Expired), "ten minutes have passed");
        assert_eq!(tokens.refresh("r1", &pair(2), later(1200)), Ok(()), "the refresh token lives");
        assert!(tokens.check("a2", later(600)).is_ok(), "the new token is good");
    }

    #[test]
    fn a_login_token_is_good_once_and_for_two_minutes() {
        let mut tokens = Tokens::default();
        tokens.promise("t".to_owned(), "u", NOW);
        assert_eq!(tokens.redeem("t", NOW), Some("u".to_owned()), "redeemed");
        assert_eq!(tokens.redeem("t", NOW), None, "once");
        tokens.promise("t".to_owned(), "u", NOW);
        assert_eq!(tokens.redeem("t", later(120)), None, "too late");
    }
}
