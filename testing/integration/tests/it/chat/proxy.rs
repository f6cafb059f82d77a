//! What a TI-Messenger's proxy lets through is enough, and what the client asks beyond it is known.

use super::{Home, encryption, talking};
use serde_json::json;
use std::collections::BTreeSet;
use testkit::tim::{TimProxy, Unknown};

/// What the client asks although a proxy does not know it, and why that does no harm. A new version of a library that
/// asks for more is noticed here.
const KNOWN: &[(&str, &str)] = &[];

/// What is newer than a proxy's list and worth asking once: where it is not answered there is another way.
const PROBED: [&str; 2] = [
    "GET /_matrix/client/v1/rooms/{}/timestamp_to_event",
    "POST /_matrix/client/unstable/org.matrix.msc4140/delayed_events/none",
];

/// Nothing else was refused than what is known.
pub(crate) fn assert_known(proxy: &TimProxy) {
    assert!(proxy.passed().contains("GET /_matrix/client/v3/sync"), "the client does not go round the proxy");
    let known = KNOWN.iter().map(|(asked, _why)| *asked).chain(PROBED).map(ToOwned::to_owned);
    let known: BTreeSet<String> = known.collect();
    let new: Vec<String> = proxy.refused().difference(&known).cloned().collect();
    assert!(new.is_empty(), "the client asked for what no proxy forwards, or sent what one refuses: {new:?}");
}

/// The facts with the most kinds of requests between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_proxy_refuses_is_exactly_what_is_known() {
    let home = Home::behind(Unknown::NotAllowed).await;
    talking::an_answer_an_edit_a_reaction_and_a_deletion_reach_the_other(&home).await;
    talking::messages_reach_everybody_of_a_group_and_nobody_who_left(&home).await;
    talking::the_list_shows_the_last_line_and_counts_what_is_unread(&home).await;
    talking::somebody_is_found_by_name_and_the_conversation_with_them_is_found_again(&home).await;
    encryption::a_new_device_reads_everything_once_it_has_the_recovery_key(&home).await;
    let refused: Vec<String> = home.proxy().refused().into_iter().collect();
    let known: Vec<&str> = KNOWN.iter().map(|(asked, _why)| *asked).collect();
    assert_eq!(refused, known, "no more and no less, with 405 as with 404");
}

/// The proxy is worth its name: another program is refused what a TIM forbids.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_program_is_refused_what_is_not_for_the_ti_messenger() {
    let home = Home::behind(Unknown::NotFound).await;
    let user = home.person("dr-falkenried").await;
    let token = home.token(&user).await;
    let ask = async |method: reqwest::Method, path: &str, body: serde_json::Value| {
        let address = format!("{}/_matrix/client/{path}", home.proxy().address);
        let asked = crate::client::plain().request(method, address).bearer_auth(&token).json(&body);
        let answer = asked.send().await.expect("it answers");
        let status = answer.status().as_u16();
        let body: serde_json::Value = answer.json().await.expect("JSON");
        (status, body["errcode"].as_str().unwrap_or_default().to_owned())
    };
    let unknown = (404, "M_UNRECOGNIZED".to_owned());
    let sliding = ask(reqwest::Method::POST, "unstable/org.matrix.simplified_msc3575/sync", json!({})).await;
    assert_eq!(sliding, unknown, "sliding sync is not forwarded");
    let turn = ask(reqwest::Method::GET, "v3/voip/turnServer", json!({})).await;
    assert_eq!(turn, unknown, "nor are calls");
    let newer = ask(reqwest::Method::POST, "v3/createRoom", json!({ "room_version": "11" })).await;
    assert_eq!(newer, (400, "M_FORBIDDEN".to_owned()), "rooms of version 9 and 10 only (A_26202)");
    let who = ask(reqwest::Method::GET, "v3/account/whoami", json!({})).await;
    assert_eq!(who.0, 200, "what is on the list passes");
    assert_eq!(home.proxy().refused().len(), 3, "and each is on record");
}
