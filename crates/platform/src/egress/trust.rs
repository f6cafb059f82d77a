//! Which certificates are trusted: those of the computer and those that IT added. A refusal names the
//! issuer, since "signed by the hospital's proxy" is what a support desk needs to hear.

use std::{fmt, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, OtherError, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

/// A certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Untrusted {
    /// Common name (or organization) of the issuer.
    pub(super) issuer: Option<String>,
    /// The reason in words for the log.
    pub(super) reason: String,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (issuer {})", self.reason, self.issuer.as_deref().unwrap_or("unknown"))
    }
}

impl std::error::Error for Untrusted {}

/// Asks the computer's own trust store, and says on refusal who had issued the certificate.
#[derive(Debug)]
pub(super) struct Trust {
    // None on a computer without any certificate authority: every certificate is refused, and
    // loopback addresses still work.
    verifier: Option<Verifier>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    pub(super) fn new(extra: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let given = !extra.is_empty();
        let verifier = match Verifier::new_with_extra_roots(extra, Arc::clone(&provider)) {
            Ok(verifier) => Some(verifier),
            Err(error) if given => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "no certificate authority on this computer; only loopback will work");
                None
            }
        };
        Ok(Self { verifier, provider })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let result = match &self.verifier {
            Some(verifier) => verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        result.map_err(|error| {
            let untrusted = Untrusted { issuer: issuer_name(end_entity), reason: error.to_string() };
            TlsError::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(untrusted))))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Every certificate of a PEM text, or the one of a DER file; `None` when there is none or one is damaged.
pub(super) fn certificates(content: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let mut found: Vec<_> = CertificateDer::pem_slice_iter(content).collect::<Result<_, _>>().ok()?;
    if found.is_empty() {
        found.push(CertificateDer::from(content.to_vec()));
    }
    // A text between the right lines may still be no certificate; here the file's name is known.
    let mut tried = RootCertStore::empty();
    found.iter().all(|certificate| tried.add(certificate.clone()).is_ok()).then_some(found)
}

// RFC 5280 §4.1: Certificate ::= SEQUENCE { TBSCertificate ::= SEQUENCE { [0] version, serialNumber,
// signature, issuer Name, …. Only as much of DER is read as this needs.
fn issuer_name(der: &[u8]) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (_, certificate, _) = element(der)?;
    let (_, mut tbs, _) = element(certificate)?;
    if tbs.first() == Some(&VERSION) {
        (_, _, tbs) = element(tbs)?;
    }
    let (_, _, after_serial) = element(tbs)?;
    let (_, _, after_signature) = element(after_serial)?;
    let (tag, name, _) = element(after_signature)?;
    if tag != SEQUENCE {
        return None;
    }
    // RFC 5280 appendix A.1: id-at-commonName 2.5.4.3, id-at-organizationName 2.5.4.10.
    attribute(name, &[0x55, 0x04, 0x03]).or_else(|| attribute(name, &[0x55, 0x04, 0x0a]))
}

fn attribute(mut name: &[u8], oid: &[u8]) -> Option<String> {
    while let Some((_, set, rest)) = element(name) {
        name = rest;
        let Some((_, pair, _)) = element(set) else { continue };
        let Some((_, kind, value)) = element(pair) else { continue };
        if kind == oid {
            let (_, text, _) = element(value)?;
            let text: String = String::from_utf8_lossy(text).chars().filter(|c| !c.is_control()).take(120).collect();
            return Some(text);
        }
    }
    None
}

/// Tag, content and the rest behind one DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 || rest.len() < count {
            return None;
        }
        let (bytes, rest) = rest.split_at(count);
        (bytes.iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
    };
    (rest.len() >= length).then(|| (tag, &rest[..length], &rest[length..]))
}
