//! What is one server's own, and worth knowing before a client meets it.

use crate::{
    client::{egress, found, sign_in},
    platforms::keycloak_hapi_and_orthanc,
};
use platform::oidc::Purpose;

/// Keycloak puts roles of its own into every account's claims, such as `offline_access`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roles_that_keycloak_gives_everybody_grant_nothing() {
    let Some(platform) = keycloak_hapi_and_orthanc().await else { return };
    let egress = egress();
    let found = found(&egress, platform).await;
    let tokens = sign_in(&egress, &found, "ohne-rolle", Purpose::SignIn).await.expect("they sign in");
    assert_eq!(tokens.person.roles, [], "an account without a role of ours has none");
}
