//! On which platforms a fact holds: written once, it is tried on the evaluation platform and on Keycloak, HAPI FHIR and
//! Orthanc with the same demonstration in them. It gets an address and cannot know which of the two answers.

use crate::{demonstration, servers::Servers};
use testkit::Platform;
use tokio::sync::OnceCell;

/// Makes two tests of each fact, an `async fn(&Platform)` of the same module: `FACT::on_the_sandbox` and
/// `FACT::on_keycloak_hapi_and_orthanc`. The second says SKIPPED, loudly, where those servers do not run.
macro_rules! on_each_platform {
    ($($fact:ident),+ $(,)?) => { $(
        mod $fact {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_sandbox() {
                super::$fact($crate::platforms::sandbox()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_keycloak_hapi_and_orthanc() {
                if let Some(platform) = $crate::platforms::keycloak_hapi_and_orthanc().await {
                    super::$fact(platform).await;
                }
            }
        }
    )+ };
}
pub(crate) use on_each_platform;

/// As [`on_each_platform!`] for an `async fn(&Platform, Way)`: four tests of each fact.
macro_rules! on_each_platform_over_each_way {
    ($($fact:ident),+ $(,)?) => { $(
        mod $fact {
            use $crate::{bulk::Way, platforms};

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_sandbox_over_the_socket() {
                super::$fact(platforms::sandbox(), Way::Socket).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_sandbox_over_the_scheme() {
                super::$fact(platforms::sandbox(), Way::Scheme).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_keycloak_hapi_and_orthanc_over_the_socket() {
                if let Some(platform) = platforms::keycloak_hapi_and_orthanc().await {
                    super::$fact(platform, Way::Socket).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_keycloak_hapi_and_orthanc_over_the_scheme() {
                if let Some(platform) = platforms::keycloak_hapi_and_orthanc().await {
                    super::$fact(platform, Way::Scheme).await;
                }
            }
        }
    )+ };
}
pub(crate) use on_each_platform_over_each_way;

/// The evaluation platform of this process.
pub(crate) fn sandbox() -> &'static Platform {
    Platform::shared()
}

/// The three servers as one platform, filled with the demonstration once for the process; nothing where one does not
/// run.
pub(crate) async fn keycloak_hapi_and_orthanc() -> Option<&'static Platform> {
    static FILLED: OnceCell<Platform> = OnceCell::const_new();
    let servers = Servers::with(&["keycloak", "hapi", "orthanc"])?;
    let platform = FILLED.get_or_init(async || {
        let platform = Platform::at(servers.discovery());
        demonstration::fill(&servers).await;
        platform
    });
    Some(platform.await)
}
