//! How requests leave a computer of a hospital: its proxy, and its own certificate authority.

use crate::{MODERATOR, code, opened, place};
use contract::{Failure, FailureCode, Reply, Request};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};
use testkit::{DeskKit, DeskPlace};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

const TLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/platform/tests/peers/tls");

/// Says who it is, behind a certificate that only the authority in `ca.pem` vouches for.
async fn platform() -> SocketAddr {
    let folder = Path::new(TLS);
    let chain = vec![CertificateDer::from_pem_file(folder.join("leaf.pem")).expect("it is a certificate")];
    let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).expect("it is a key");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("key and certificate belong together");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.ok()?;
                let _any = stream.read(&mut [0; 4096]).await.ok()?;
                let body =
                    r#"{"v":1,"organisation":{"name":"Haus"},"oidc":{"issuer":"https://i.example","client_id":"k"}}"#;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
                stream.shutdown().await.ok()
            });
        }
    });
    address
}

/// A proxy that leads every tunnel to `server`, and the first lines of what it was asked.
async fn proxy(server: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has free ports");
    let address = socket.local_addr().expect("it is bound");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut client = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if client.read_line(&mut head).await.ok()? == 0 {
                        return None;
                    }
                }
                let first = head.lines().next().unwrap_or_default().to_owned();
                seen.lock().expect("no test panics while it holds this").push(first);
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
                let mut server = TcpStream::connect(server).await.ok()?;
                copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    (address, asked)
}

async fn found(place: &DeskPlace, address: &str) -> Result<Reply, Failure> {
    let desk = opened(place, MODERATOR).await;
    let answer = desk.call(Request::Discover { address: address.to_owned() }).await;
    // The next one opens the same place.
    desk.kill().await.expect("it ends");
    answer
}

fn set(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

#[tokio::test]
async fn the_hospital_s_own_authority_is_trusted_only_when_it_is_named() {
    let address = format!("https://{}", platform().await);
    let (_folder, mut place) = place();
    let refused = found(&place, &address).await;
    assert_eq!(code(&refused), Some(FailureCode::CertificateNotTrusted), "{refused:?}");
    place.ca.push(Path::new(TLS).join("ca.pem"));
    let found = found(&place, &address).await;
    assert!(matches!(&found, Ok(Reply::Platform(platform)) if platform.name == "Haus"), "{found:?}");
}

#[tokio::test]
async fn a_broken_authority_is_told_by_its_file_before_anything_is_asked() {
    let (folder, mut place) = place();
    let file = folder.path().join("haus-ca.pem");
    place.ca.push(file.clone());
    for content in [None, Some("this was to be a certificate")] {
        if let Some(content) = content {
            std::fs::write(&file, content).expect("a file");
        }
        let refused = DeskKit::open(&place, MODERATOR).await.expect_err("nothing can be trusted like this");
        assert_eq!(refused.code, FailureCode::MachineSettingsUnreadable, "{content:?}");
        assert!(refused.detail.contains("haus-ca.pem"), "IT is told which file: {}", refused.detail);
    }
}

#[tokio::test]
async fn the_environment_s_proxy_is_used_and_its_exceptions_are_kept() {
    let server = platform().await;
    let (proxy, asked) = proxy(server).await;
    let (_folder, mut place) = place();
    place.ca.push(Path::new(TLS).join("ca.pem"));
    place.environment = vec![set("HTTPS_PROXY", format!("http://{proxy}")), set("NO_PROXY", "haus.example")];
    let through = found(&place, "platform.example").await;
    assert!(matches!(through, Ok(Reply::Platform(_))), "platform.example has no address but the proxy's: {through:?}");
    let lines = asked.lock().expect("no test panics while it holds this").clone();
    assert!(!lines.is_empty(), "the proxy was asked");
    assert!(lines.iter().all(|line| line == "CONNECT platform.example:443 HTTP/1.1"), "for tunnels only: {lines:?}");

    place.environment[1] = set("NO_PROXY", ".platform.example, platform.example");
    let direct = found(&place, "platform.example").await;
    assert_eq!(code(&direct), Some(FailureCode::PlatformUnreachable), "without the proxy nobody is there: {direct:?}");
    let after = asked.lock().expect("no test panics while it holds this").len();
    assert_eq!(after, lines.len(), "an exception is no question to the proxy");
}
