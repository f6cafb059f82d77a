//! What belongs to one person: account data, tags, push rules, profile, and finding others.

use crate::harness::{AMINA, Home, IVO, LEYLA, kinds, text};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn account_data_is_kept_told_and_nobody_elses() {
    let home = Home::start().await;
    let (amina, other, leyla) = (home.device(AMINA).await, home.device(AMINA).await, home.device(LEYLA).await);
    amina.data("m.secret_storage.default_key").await.refused(404, "M_NOT_FOUND");
    let since = other.caught_up().await;
    let path = format!("/user/{}/account_data/m.secret_storage.default_key", amina.user);
    amina.put(&path, &json!({ "key": "k" })).await.good();
    assert_eq!(amina.data("m.secret_storage.default_key").await.good()["key"], "k", "kept");
    let news = other.sync(&format!("since={since}")).await;
    assert_eq!(kinds(&news["account_data"]["events"]), ["m.secret_storage.default_key"], "told to the other device");
    leyla.get(&path).await.refused(403, "M_FORBIDDEN");
    leyla.put(&path, &json!({})).await.refused(403, "M_FORBIDDEN");
    let rules = format!("/user/{}/account_data/m.push_rules", amina.user);
    amina.put(&rules, &json!({})).await.refused(405, "M_BAD_JSON");
}

#[tokio::test]
async fn tags_and_markers_belong_to_a_room() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let room = amina.create(&json!({})).await;
    let event = amina.say(&room, "bis hier").await;
    let since = amina.caught_up().await;
    let base = format!("/user/{}/rooms/{room}", amina.user);
    amina.put(&format!("{base}/tags/m.favourite"), &json!({ "order": 0.5 })).await.good();
    amina.put(&format!("{base}/tags/u.case"), &json!({})).await.good();
    amina.ask(Method::DELETE, &format!("{base}/tags/u.case"), None).await.good();
    assert_eq!(
        amina.get(&format!("{base}/tags")).await.good()["tags"],
        json!({ "m.favourite": { "order": 0.5 } }),
        "one"
    );
    amina.post(&format!("/rooms/{room}/read_markers"), &json!({ "m.fully_read": event })).await.good();
    let marker = amina.get(&format!("{base}/account_data/m.fully_read")).await.good();
    assert_eq!(marker["event_id"], event, "the marker");
    let news = amina.sync(&format!("since={since}")).await;
    let told = &news["rooms"]["join"][&room]["account_data"]["events"];
    assert_eq!(kinds(told), ["m.fully_read", "m.tag"], "both are told: {told}");
    let first = amina.sync("").await;
    assert_eq!(kinds(&first["rooms"]["join"][&room]["account_data"]["events"]).len(), 2, "and at the first time");
}

#[tokio::test]
async fn push_rules_are_the_predefined_ones_and_can_be_changed() {
    let home = Home::start().await;
    let amina = home.device(AMINA).await;
    let rules = amina.get("/pushrules/").await.good();
    let ids = |kind: &str| -> Vec<String> {
        let list = rules["global"][kind].as_array().cloned().unwrap_or_default();
        list.iter().map(|rule| text(&rule["rule_id"]).to_owned()).collect()
    };
    assert_eq!(ids("override")[0], ".m.rule.master", "the master rule is first");
    assert!(ids("override").contains(&".m.rule.is_user_mention".to_owned()), "mentions");
    // Client-server API, "Predefined Rules": the underride rules in their order.
    let underride = [
        ".m.rule.call",
        ".m.rule.encrypted_room_one_to_one",
        ".m.rule.room_one_to_one",
        ".m.rule.message",
        ".m.rule.encrypted",
    ];
    assert_eq!(ids("underride"), underride, "the order decides");
    let master = "/pushrules/global/override/.m.rule.master";
    amina.put(&format!("{master}/enabled"), &json!({ "enabled": true })).await.good();
    assert_eq!(amina.get(&format!("{master}/enabled")).await.good()["enabled"], true, "everything is quiet");
    let since = amina.caught_up().await;
    let mute = "/pushrules/global/room/!quiet:server";
    amina.put(mute, &json!({ "actions": [] })).await.good();
    assert_eq!(amina.get(mute).await.good()["actions"], json!([]), "a room is muted");
    let news = amina.sync(&format!("since={since}")).await;
    assert_eq!(kinds(&news["account_data"]["events"]), ["m.push_rules"], "which is told");
    amina.ask(Method::DELETE, mute, None).await.good();
    amina.ask(Method::DELETE, mute, None).await.refused(404, "M_NOT_FOUND");
    amina.ask(Method::DELETE, master, None).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn people_are_found_by_name_and_have_the_name_that_the_organization_gives() {
    let home = Home::start().await;
    let (amina, leyla) = (home.device(AMINA).await, home.device(LEYLA).await);
    let find = async |term: &str| -> Vec<String> {
        let answer = amina.post("/user_directory/search", &json!({ "search_term": term })).await.good();
        let results = answer["results"].as_array().cloned().unwrap_or_default();
        results.iter().map(|result| text(&result["user_id"]).to_owned()).collect()
    };
    assert_eq!(find("sonnkaya").await, vec![leyla.user.as_str()], "by family name, in any case");
    assert_eq!(find("Leyla sonn").await, vec![leyla.user.as_str()], "by both");
    assert!(find("Falkenried").await.is_empty(), "nobody finds herself");
    assert!(find("nobody").await.is_empty(), "nor who does not exist");
    let profile = amina.get(&format!("/profile/{}", leyla.user)).await.good();
    assert_eq!(profile, json!({ "displayname": "Dr. med. Leyla Sonnkaya" }), "the name of the directory");
    let name = format!("/profile/{}/displayname", amina.user);
    amina.put(&name, &json!({ "displayname": "x" })).await.refused(400, "M_FORBIDDEN");
    amina.get("/profile/@nobody:server").await.refused(404, "M_NOT_FOUND");
    let room = amina.room_with(&leyla, json!({})).await;
    let picture = format!("/profile/{}/avatar_url", amina.user);
    amina.put(&picture, &json!({ "avatar_url": "mxc://a/b" })).await.good();
    let member = leyla.get(&format!("/rooms/{room}/state/m.room.member/{}", amina.user)).await.good();
    assert_eq!(
        (text(&member["membership"]), text(&member["avatar_url"])),
        ("join", "mxc://a/b"),
        "in the room as well"
    );
}

#[tokio::test]
async fn the_server_says_what_it_can_and_keeps_presence_to_itself() {
    let home = Home::start().await;
    let ivo = home.device(IVO).await;
    let capabilities = ivo.get("/capabilities").await.good()["capabilities"].clone();
    let versions = &capabilities["m.room_versions"];
    assert_eq!(
        (text(&versions["default"]), &versions["available"]),
        ("10", &json!({ "9": "stable", "10": "stable" })),
        "both"
    );
    assert_eq!(capabilities["m.set_displayname"]["enabled"], false, "names are not changed");
    let path = format!("/presence/{}/status", ivo.user);
    ivo.put(&path, &json!({ "presence": "online" })).await.good();
    assert_eq!(ivo.get(&path).await.good()["presence"], "offline", "nobody is told");
    let quiet: Value = ivo.sync("").await;
    assert!(quiet.get("presence").is_none(), "nor by /sync");
}
