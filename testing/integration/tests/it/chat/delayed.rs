//! Events that are sent later (MSC4140), as another program asks for them: what a client in a call leaves, so that it
//! does not seem to be there when it is gone.

use super::Home;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::PATIENCE;
use tokio::time::timeout;

/// Makes two tests of each fact. No client of ours asks here, so none goes through a proxy.
macro_rules! on_both_homeservers {
    ($($fact:ident),+ $(,)?) => { $(
        mod $fact {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_sandbox() {
                super::$fact(&$crate::chat::Home::sandbox().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_synapse() {
                if let Some(home) = $crate::chat::Home::synapse().await {
                    super::$fact(&home).await;
                }
            }
        }
    )+ };
}

on_both_homeservers! {
    a_delayed_event_comes_when_it_is_due_unless_it_is_taken_back_or_put_off,
    what_cannot_be_delayed_is_refused,
}

const KIND: &str = "org.matrix.msc3401.call.member";
const WAITING: &str = "/_matrix/client/unstable/org.matrix.msc4140/delayed_events";

/// Somebody in a room of their own.
struct There<'a> {
    home: &'a Home,
    token: String,
    room: String,
}

impl<'a> There<'a> {
    async fn on(home: &'a Home, user: &str) -> Self {
        let user = home.person(user).await;
        let room = home.create(&user, &json!({})).await;
        Self { home, token: home.token(&user).await, room }
    }

    async fn leaves(&self, key: &str, delay: &str) -> (u16, Value) {
        let path = format!("{}?org.matrix.msc4140.delay={delay}", self.place(key));
        self.home.does(Method::PUT, &self.token, &path, &json!({ "gone": key })).await
    }

    /// The id of what waits.
    async fn waits(&self, key: &str, delay: &str) -> String {
        let (status, answer) = self.leaves(key, delay).await;
        assert_eq!(status, 200, "it is taken: {answer}");
        answer["delay_id"].as_str().expect("an id").to_owned()
    }

    async fn acts(&self, id: &str, action: &str) -> (u16, Value) {
        let body = json!({ "action": action });
        self.home.does(Method::POST, &self.token, &format!("{WAITING}/{id}"), &body).await
    }

    async fn waiting(&self) -> Vec<Value> {
        let (_, listed) = self.home.does(Method::GET, &self.token, WAITING, &Value::Null).await;
        listed["delayed_events"].as_array().expect("a list").clone()
    }

    async fn is_set(&self, key: &str) -> bool {
        self.home.does(Method::GET, &self.token, &self.place(key), &Value::Null).await.0 == 200
    }

    fn place(&self, key: &str) -> String {
        format!("/_matrix/client/v3/rooms/{}/state/{KIND}/{key}", self.room)
    }

    /// What happens after a place in the stream, as a waiting request is answered.
    async fn syncs(&self, since: &str) -> Value {
        let path = format!("/_matrix/client/v3/sync?timeout=5000{since}");
        self.home.does(Method::GET, &self.token, &path, &Value::Null).await.1
    }
}

async fn a_delayed_event_comes_when_it_is_due_unless_it_is_taken_back_or_put_off(home: &Home) {
    let there = There::on(home, "dr-weidenlohe").await;
    let mut news = there.syncs("").await;
    let put_off = there.waits("put-off", "600000").await;
    let taken_back = there.waits("taken-back", "600000").await;
    let at_once = there.waits("at-once", "600000").await;
    there.waits("due", "1500").await;
    let due = async {
        while !there.is_set("due").await {
            let since = format!("&since={}", news["next_batch"].as_str().expect("a place"));
            news = there.syncs(&since).await;
        }
    };
    timeout(PATIENCE, due).await.expect("it comes by itself");

    assert_eq!(there.acts(&taken_back, "cancel").await.0, 200, "it is taken back");
    assert_eq!(there.acts(&at_once, "send").await.0, 200, "it is sent");
    assert!(there.is_set("at-once").await, "before its time");
    let gone = there.acts(&taken_back, "send").await;
    assert_eq!((gone.0, &gone.1["errcode"]), (404, &json!("M_NOT_FOUND")), "nothing of it is left");

    let before = there.waiting().await;
    let [one] = before.as_slice() else { panic!("one waits: {before:?}") };
    assert_eq!(
        (&one["delay_id"], &one["room_id"], &one["type"], &one["state_key"], &one["content"], &one["delay"]),
        (
            &json!(put_off),
            &json!(there.room),
            &json!(KIND),
            &json!("put-off"),
            &json!({ "gone": "put-off" }),
            &json!(600_000)
        ),
        "as it was asked for"
    );
    assert_eq!(there.acts(&put_off, "restart").await.0, 200, "it is put off");
    let after = there.waiting().await;
    let since = |list: &[Value]| list[0]["running_since"].as_i64().expect("a time");
    assert!(since(&after) >= since(&before) + 1500, "its time begins anew, after what has come meanwhile");
    assert!(!there.is_set("put-off").await && !there.is_set("taken-back").await, "and nothing else has come");
}

async fn what_cannot_be_delayed_is_refused(home: &Home) {
    let there = There::on(home, "dr-heidekorn").await;
    let day = 24 * 3600 * 1000;
    for (delay, code) in [
        ((day + 1).to_string().as_str(), "ORG.MATRIX.MSC4140_DELAY_TOO_LARGE"),
        ("-1", "M_INVALID_PARAM"),
        ("soon", "M_INVALID_PARAM"),
    ] {
        let (status, answer) = there.leaves("a", delay).await;
        assert_eq!((status, &answer["errcode"]), (400, &json!(code)), "{delay}");
    }
    let id = there.waits("a", &day.to_string()).await;
    let (status, answer) = there.acts(&id, "wait").await;
    assert_eq!((status, &answer["errcode"]), (400, &json!("M_INVALID_PARAM")), "no such thing can be done");
    let nothing = there.home.does(Method::POST, &there.token, &format!("{WAITING}/{id}"), &json!({})).await;
    assert_eq!((nothing.0, &nothing.1["errcode"]), (400, &json!("M_MISSING_PARAM")), "nothing is to be done");
    let path = "/_matrix/client/v3/capabilities";
    let (_, told) = there.home.does(Method::GET, &there.token, path, &Value::Null).await;
    let told = &told["capabilities"]["org.matrix.msc4140.delayed_events"];
    assert_eq!(told, &json!({ "max_delay_ms": day, "max_scheduled": 100 }), "the limits are told");
}
