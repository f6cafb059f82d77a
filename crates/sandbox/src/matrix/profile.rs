//! Profiles, and finding people.

use super::ask::{Content, Session, required};
use super::refusal::{Answer, Refusal};
use super::room::{Draft, Membership};
use super::route::Shared;
use super::state::Account;
use axum::Json;
use axum::extract::{Path, State as Extract};
use serde_json::{Value, json};

fn profile(account: &Account) -> Value {
    let mut profile = json!({ "displayname": account.name });
    if let Some(avatar) = &account.avatar {
        profile["avatar_url"] = json!(avatar);
    }
    profile
}

pub(crate) async fn whole(Extract(home): Extract<Shared>, Path(user): Path<String>) -> Answer {
    let state = home.read();
    Ok(Json(profile(state.account(&user)?)))
}

pub(crate) async fn display_name(Extract(home): Extract<Shared>, Path(user): Path<String>) -> Answer {
    let state = home.read();
    Ok(Json(json!({ "displayname": state.account(&user)?.name })))
}

pub(crate) async fn avatar(Extract(home): Extract<Shared>, Path(user): Path<String>) -> Answer {
    let state = home.read();
    let avatar = &state.account(&user)?.avatar;
    Ok(Json(avatar.as_ref().map_or_else(|| json!({}), |avatar| json!({ "avatar_url": avatar }))))
}

/// The organization names its people; nobody names themselves.
pub(crate) async fn put_display_name(session: Session, Path(user): Path<String>) -> Answer {
    session.must_be(&user, "Cannot set another user's displayname")?;
    Err(Refusal::bad("M_FORBIDDEN", "Changing display name is disabled on this server"))
}

/// A new picture goes into the rooms that somebody is in.
pub(crate) async fn put_avatar(
    Extract(home): Extract<Shared>,
    session: Session,
    Path(user): Path<String>,
    Content(body): Content,
) -> Answer {
    session.must_be(&user, "Cannot set another user's avatar_url")?;
    let avatar = required(&body, "avatar_url")?;
    let now = home.clock.now();
    home.change(|state| {
        state.mine(&user).avatar = Some(avatar.to_owned()).filter(|avatar| !avatar.is_empty());
        let rooms = state.rooms.values().filter(|room| room.membership(&user) == Some(Membership::Join));
        let contents: Vec<(String, Value)> =
            rooms.map(|room| (room.id.clone(), room.content("m.room.member", &user).clone())).collect();
        for (room, mut content) in contents {
            content["avatar_url"] = json!(avatar);
            state.add(&room, Draft::state(&user, "m.room.member", &user, content), now);
        }
    });
    Ok(Json(json!({})))
}

/// Finds people whose name, user name or id has every word that was typed.
pub(crate) async fn search(Extract(home): Extract<Shared>, session: Session, Content(body): Content) -> Answer {
    let wanted = required(&body, "search_term")?.to_lowercase();
    let limit = body["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok()).unwrap_or(10).min(50);
    let words: Vec<&str> = wanted.split_whitespace().collect();
    let state = home.read();
    let mut found = state.accounts.iter().filter(|(user, account)| {
        let text = format!("{} {} {user}", account.name, account.username).to_lowercase();
        **user != session.user && !words.is_empty() && words.iter().all(|word| text.contains(word))
    });
    let shown = |(user, account): (&String, &Account)| {
        let mut result = json!({ "user_id": user, "display_name": account.name });
        if let Some(avatar) = &account.avatar {
            result["avatar_url"] = json!(avatar);
        }
        result
    };
    let results: Vec<Value> = found.by_ref().take(limit).map(shown).collect();
    Ok(Json(json!({ "limited": found.next().is_some(), "results": results })))
}
