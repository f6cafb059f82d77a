//! Who may invite whom: what a person decides is kept at the homeserver, and holds on each of their devices.

use super::{Home, desks::sees_chat};
use crate::{MODERATOR, at_work_on, code};
use contract::{ChatStateView, EverybodyMay, FailureCode, PermissionsView, Reply, Request};
use sandbox::Options;
use serde_json::json;
use testkit::{DeskKit, Platform};
use tim::{Everybody, Membership, NewConversation, Permissions};

on_each_homeserver![what_a_person_decides_is_kept_for_all_devices_and_refuses_who_may_not_invite];

/// The account data of the TI-Messenger for professionals (A_26389).
const KIND: &str = "de.gematik.tim.account.permissionconfig.pro.v1";

/// A room without what a homeserver might refuse, made by another program.
async fn invited_by(home: &Home, by: &str, whom: &str) -> String {
    let request = json!({ "preset": "private_chat", "room_version": "10", "invite": [home.id(whom)] });
    home.create(by, &request).await
}

/// One after the other, with somebody whom no other fact invites: the evaluation platform remembers what was decided.
async fn what_a_person_decides_is_kept_for_all_devices_and_refuses_who_may_not_invite(home: &Home) {
    let user = home.person("it-buchfink").await;
    what_is_decided_is_kept(home, &user).await;
    who_may_not_invite_is_refused_and_never_shown(home, &user).await;
}

async fn who_may_not_invite_is_refused_and_never_shown(home: &Home, one: &str) {
    let (other, third) = (home.person("dr-heidekorn").await, home.person("ebbelund").await);
    let device = home.device(one).await;
    device.account.set_permissions(&Permissions::default()).await.expect("everybody may again");
    // Invited while everybody may: a homeserver without the TI-Messenger's rules lets invitations through later as well.
    let early = invited_by(home, &other, one).await;
    let welcome = invited_by(home, &third, one).await;
    let is_invited = |rows: &[tim::Row], room: &str| {
        rows.iter().any(|row| row.id == room && matches!(row.membership, Membership::Invited { .. }))
    };
    device
        .sees("both invitations", |rows| (is_invited(rows, &early) && is_invited(rows, &welcome)).then_some(()))
        .await;

    let mut permissions = device.account.permissions().await.expect("the homeserver has them");
    permissions.everybody = Everybody::Blocked;
    permissions.users = [home.id(&third)].into();
    device.account.set_permissions(&permissions).await.expect("they may be set");
    device
        .eventually("the refusal", async || {
            let rows = device.account.rows().await;
            (!is_invited(&rows, &early) && is_invited(&rows, &welcome)).then_some(())
        })
        .await;
    // The one who invited sees it as any refusal.
    let path = format!("/_matrix/client/v3/rooms/{early}/state/m.room.member/{}", home.id(one));
    device
        .eventually("that the homeserver has it", async || {
            let member = home.ask(&other, &path).await;
            (member["membership"] == "leave").then_some(())
        })
        .await;
    device.account.join(&welcome).await.expect("who may invite is heard");

    device.account.set_permissions(&Permissions::default()).await.expect("everybody may once more");
    let by_no_insured = invited_by(home, &other, one).await;
    device.sees("the third invitation", |rows| is_invited(rows, &by_no_insured).then_some(())).await;
    let mut only_insured = Permissions::default();
    (only_insured.everybody, only_insured.insured) = (Everybody::Blocked, true);
    device.account.set_permissions(&only_insured).await.expect("they may be set");
    if home.knows_the_insured() {
        device
            .eventually("the refusal of who is not insured", async || {
                (!is_invited(&device.account.rows().await, &by_no_insured)).then_some(())
            })
            .await;
    }
    device.account.set_permissions(&Permissions::default()).await.expect("as it was");
}

async fn what_is_decided_is_kept(home: &Home, user: &str) {
    let one = home.device(user).await;
    let mut permissions = one.account.permissions().await.expect("the homeserver answers");
    assert_eq!(permissions.everybody, Everybody::Allowed, "everybody may, until it is decided (A_26389)");
    permissions.everybody = Everybody::Blocked;
    permissions.servers = ["hospital.tim.example".to_owned()].into();
    permissions.insured = true;
    one.account.set_permissions(&permissions).await.expect("it is taken");
    let kept = home.ask(user, &format!("/_matrix/client/v3/user/{}/account_data/{KIND}", home.id(user))).await;
    // permissionConfig_V1.json, with the group as an object.
    let expected = json!({
        "defaultSetting": "block all", "serverExceptions": { "hospital.tim.example": {} }, "userExceptions": {},
        "groupExceptions": [{ "groupName": "isInsuredPerson" }],
    });
    assert_eq!(kept, expected, "as the schema has it");
    let other = home.device(user).await;
    assert_eq!(other.account.permissions().await.expect("it answers"), permissions, "the same for another device");
}

async fn permissions(desk: &DeskKit, request: Request) -> Result<PermissionsView, Option<FailureCode>> {
    match desk.call(request).await {
        Ok(Reply::Permissions(view)) => Ok(view),
        other => Err(code(&other)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_decides_who_may_write_first_and_the_homeserver_obeys() {
    let platform = Platform::start(Options::default()).await.expect("it starts");
    let (_folder, desk) = at_work_on(&platform, MODERATOR).await;
    sees_chat(&desk, "chat", |view| (view.state == ChatStateView::Ready).then_some(())).await;
    let first = permissions(&desk, Request::OpenPermissions).await.expect("they are there");
    assert_eq!((first.everybody, first.exceptions.len()), (EverybodyMay::Invite, 0), "everybody may");
    let home = Home::at(&platform).await;
    let leyla = home.id("dr-sonnkaya");
    let wanted =
        PermissionsView { everybody: EverybodyMay::NotInvite, exceptions: vec![leyla.clone()], insured: false };
    let changed = permissions(&desk, Request::ChangePermissions { permissions: wanted.clone() }).await;
    assert_eq!(changed, Ok(wanted), "it is said as it is kept");
    let bad =
        PermissionsView { everybody: EverybodyMay::Invite, exceptions: vec!["kein Haus".to_owned()], insured: false };
    let refused = permissions(&desk, Request::ChangePermissions { permissions: bad }).await;
    assert_eq!(refused, Err(Some(FailureCode::InvalidInput)), "what is no address");

    let stranger = home.device("dr-kranichbach").await;
    let refused = stranger.account.begin(NewConversation::Direct(&home.id(MODERATOR))).await;
    assert!(refused.is_err(), "the homeserver lets nobody else through (A_26021-01)");
    let known = home.device("dr-sonnkaya").await;
    let room = known.account.begin(NewConversation::Direct(&home.id(MODERATOR))).await.expect("she may");
    sees_chat(&desk, "her invitation", |view| view.conversations.iter().any(|row| row.id == room).then_some(())).await;
}
