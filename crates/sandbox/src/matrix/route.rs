//! The routes, and what every answer has.

use super::ask::Session;
use super::refusal::{unrecognized, wrong_method};
use super::{
    Homeserver, backup, create, delayed, devices, filter, history, keys, login, media, membership, openid, personal,
    profile, push, receipts, rtc, send, signing, sso, sync, to_device,
};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// What every handler gets.
pub(crate) type Shared = Arc<Homeserver>;

/// Everything below `/_matrix`, the document by which a client finds it, and the way of the browser at sign-in.
pub(crate) fn router(home: Shared) -> Router {
    let matrix = Router::new()
        .route("/client/versions", get(versions))
        .nest("/client/v3", client())
        .nest("/client/r0", client())
        .nest("/client/v1", newer())
        .nest("/client/unstable/org.matrix.msc4140", later())
        .route("/client/unstable/org.matrix.msc4143/rtc/transports", get(rtc::transports))
        .nest("/media/v3", content())
        .nest("/media/r0", content())
        .route("/media/v1/create", post(media::create))
        .route("/media/v1/upload", post(media::upload))
        .route("/federation/v1/openid/userinfo", get(openid::userinfo));
    let mannered = |router: Router<Shared>| {
        let router = router.fallback(async || unrecognized()).method_not_allowed_fallback(async || wrong_method());
        // Files are counted while they are written, and JSON has a limit of its own.
        router.layer(DefaultBodyLimit::disable()).layer(from_fn_with_state(Arc::clone(&home), manners))
    };
    Router::new()
        .nest("/_matrix", mannered(matrix))
        .nest(rtc::SERVICE, mannered(Router::new().route("/sfu/get", post(rtc::sfu_get))))
        .nest("/tim-information", mannered(Router::new().route("/v1/server/isInsurance", get(openid::is_insurance))))
        .route("/.well-known/matrix/client", get(well_known))
        .route(sso::CALLBACK, get(sso::callback))
        .with_state(home)
}

/// Headers for clients in a browser, and refusals that a test has ordered.
async fn manners(State(home): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else if let Some(refusal) = home.limited(request.uri().path()) {
        refusal.into_response()
    } else {
        home.send_due();
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("X-Requested-With, Content-Type, Authorization, Date"),
    );
    response
}

async fn versions() -> Json<Value> {
    let versions: Vec<String> = (1..=11).map(|minor| format!("v1.{minor}")).collect();
    Json(json!({ "versions": versions, "unstable_features": {
        "org.matrix.e2e_cross_signing": true,
        "org.matrix.msc4140": true,
        "org.matrix.msc4143": true,
    } }))
}

async fn well_known(State(home): State<Shared>) -> impl axum::response::IntoResponse {
    let everybody = [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    let mut document = json!({ "m.homeserver": { "base_url": home.origin } });
    let transports = home.transports();
    if !transports.is_empty() {
        document["org.matrix.msc4143.rtc_foci"] = json!(transports);
    }
    (everybody, Json(document))
}

/// `/_matrix/client/v3`.
fn client() -> Router<Shared> {
    Router::new().merge(account()).merge(encryption()).merge(rooms()).merge(data())
}

fn account() -> Router<Shared> {
    Router::new()
        .route("/login", get(login::flows).post(login::login))
        .route("/login/sso/redirect", get(sso::redirect))
        .route("/login/sso/redirect/{provider}", get(sso::redirect_to))
        .route("/refresh", post(login::refresh))
        .route("/register", post(login::register))
        .route("/logout", post(login::logout))
        .route("/logout/all", post(login::logout_all))
        .route("/account/whoami", get(login::whoami))
        .route("/account/3pid", get(personal::no_third_party_ids))
        .route("/devices", get(devices::list))
        .route("/devices/{device}", get(devices::one).put(devices::rename).delete(devices::delete))
        .route("/delete_devices", post(devices::delete_many))
        .route("/capabilities", get(personal::capabilities))
        .route("/profile/{user}", get(profile::whole))
        .route("/profile/{user}/displayname", get(profile::display_name).put(profile::put_display_name))
        .route("/profile/{user}/avatar_url", get(profile::avatar).put(profile::put_avatar))
        .route("/user_directory/search", post(profile::search))
        .route("/presence/{user}/status", get(personal::get_presence).put(personal::put_presence))
        .route("/voip/turnServer", get(personal::nothing))
        .route("/thirdparty/protocols", get(personal::nothing))
        .route("/pushers", get(personal::no_pushers))
        .route("/pushers/set", post(personal::nothing))
        .route("/notifications", get(personal::no_notifications))
        .route("/sync", get(sync::sync))
}

fn encryption() -> Router<Shared> {
    Router::new()
        .route("/keys/upload", post(keys::upload))
        .route("/keys/query", post(keys::query))
        .route("/keys/claim", post(keys::claim))
        .route("/keys/changes", get(keys::changes))
        .route("/keys/device_signing/upload", post(signing::upload))
        .route("/keys/signatures/upload", post(signing::signatures))
        .route("/sendToDevice/{kind}/{transaction}", put(to_device::send))
        .route("/room_keys/version", get(backup::latest).post(backup::create))
        .route("/room_keys/version/{version}", get(backup::version).put(backup::update).delete(backup::delete_version))
        .route("/room_keys/keys", get(backup::get_all).put(backup::put_all).delete(backup::delete_all))
        .route(
            "/room_keys/keys/{room}",
            get(backup::get_room_keys).put(backup::put_room_keys).delete(backup::delete_room_keys),
        )
        .route("/room_keys/keys/{room}/{session}", get(backup::get_key).put(backup::put_key).delete(backup::delete_key))
}

fn rooms() -> Router<Shared> {
    let state = || get(history::state_event).put(send::put_state);
    Router::new()
        .route("/createRoom", post(create::create))
        .route("/join/{room}", post(membership::join))
        .route("/joined_rooms", get(membership::joined_rooms))
        .route("/rooms/{room}/join", post(membership::join))
        .route("/rooms/{room}/invite", post(membership::invite))
        .route("/rooms/{room}/leave", post(membership::leave))
        .route("/rooms/{room}/kick", post(membership::kick))
        .route("/rooms/{room}/ban", post(membership::ban))
        .route("/rooms/{room}/unban", post(membership::unban))
        .route("/rooms/{room}/forget", post(membership::forget))
        .route("/rooms/{room}/members", get(membership::members))
        .route("/rooms/{room}/joined_members", get(membership::joined_members))
        .route("/rooms/{room}/state", get(history::state))
        .route("/rooms/{room}/state/{kind}", state())
        .route("/rooms/{room}/state/{kind}/", state())
        .route("/rooms/{room}/state/{kind}/{key}", get(history::state_event_with_key).put(send::put_state_with_key))
        .route("/rooms/{room}/send/{kind}/{transaction}", put(send::send))
        .route("/rooms/{room}/redact/{event}/{transaction}", put(send::redact))
        .route("/rooms/{room}/messages", get(history::messages))
        .route("/rooms/{room}/event/{event}", get(history::event))
        .route("/rooms/{room}/context/{event}", get(history::context))
        .route("/rooms/{room}/receipt/{kind}/{event}", post(receipts::receipt))
        .route("/rooms/{room}/read_markers", post(receipts::read_markers))
        .route("/rooms/{room}/typing/{user}", put(receipts::typing))
}

fn data() -> Router<Shared> {
    Router::new()
        .route("/user/{user}/filter", post(filter::store))
        .route("/user/{user}/filter/{filter}", get(filter::get))
        .route("/user/{user}/account_data/{kind}", get(personal::get_data).put(personal::put_data))
        .route(
            "/user/{user}/rooms/{room}/account_data/{kind}",
            get(personal::get_room_data).put(personal::put_room_data),
        )
        .route("/user/{user}/rooms/{room}/tags", get(personal::tags))
        .route("/user/{user}/rooms/{room}/tags/{tag}", put(personal::put_tag).delete(personal::delete_tag))
        .route("/user/{user}/openid/request_token", post(openid::request_token))
        .route("/pushrules", get(push::all))
        .route("/pushrules/", get(push::all))
        .route("/pushrules/global", get(push::global))
        .route("/pushrules/global/", get(push::global))
        .route("/pushrules/{scope}/{kind}/{rule}", get(push::get).put(push::put).delete(push::delete))
        .route("/pushrules/{scope}/{kind}/{rule}/enabled", get(push::get_enabled).put(push::put_enabled))
        .route("/pushrules/{scope}/{kind}/{rule}/actions", get(push::get_actions).put(push::put_actions))
}

/// `/_matrix/client/v1`.
fn newer() -> Router<Shared> {
    Router::new()
        .route("/rooms/{room}/relations/{event}", get(history::relations))
        .route("/rooms/{room}/relations/{event}/{relation}", get(history::relations_of_type))
        .route("/rooms/{room}/relations/{event}/{relation}/{kind}", get(history::relations_of_kind))
        .route("/rooms/{room}/timestamp_to_event", get(history::timestamp_to_event))
        .route("/media/config", get(media::config))
        .route("/media/download/{server}/{media}", get(media::download))
        .route("/media/download/{server}/{media}/{name}", get(media::download_as))
        .route("/media/thumbnail/{server}/{media}", get(no_thumbnail))
}

async fn no_thumbnail(_session: Session) -> super::refusal::Refusal {
    media::none().await
}

/// Events that are sent later.
fn later() -> Router<Shared> {
    Router::new()
        .route("/delayed_events", get(delayed::list))
        .route("/delayed_events/{delay}", get(delayed::one).post(delayed::update))
        .route("/delayed_events/{delay}/cancel", post(delayed::cancel))
        .route("/delayed_events/{delay}/restart", post(delayed::restart))
        .route("/delayed_events/{delay}/send", post(delayed::send_now))
}

/// `/_matrix/media/v3`: uploads, and the addresses of which nothing is given out any more.
fn content() -> Router<Shared> {
    Router::new()
        .route("/upload", post(media::upload))
        .route("/upload/{server}/{media}", put(media::fill))
        .route("/config", get(media::config))
        .route("/download/{server}/{media}", any(media::none))
        .route("/download/{server}/{media}/{name}", any(media::none))
        .route("/thumbnail/{server}/{media}", any(media::none))
}
