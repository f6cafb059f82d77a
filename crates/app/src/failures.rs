//! From the crates' own errors to the closed list that the page has words for. The detail is for the
//! log and never holds anything of the record.

use contract::{Failure, FailureCode as Code, Part};
use platform::{
    dicomweb::DicomwebError,
    discovery::DiscoverError,
    egress::EgressError,
    fhir::FhirError,
    oidc::{ProviderError, SessionError, SignInError},
};
use vault::{KeyringError, OpenError, StoreError};

pub(crate) fn of_egress(error: &EgressError) -> Failure {
    let code = match error {
        EgressError::CertificateNotTrusted { .. } => Code::CertificateNotTrusted,
        EgressError::TooLarge { .. } => Code::AnswerUnreadable,
        EgressError::NotSecure { .. }
        | EgressError::Unreachable { .. }
        | EgressError::Tls { .. }
        | EgressError::Timeout { .. }
        | EgressError::Broken { .. }
        | EgressError::RedirectRefused { .. } => Code::PlatformUnreachable,
    };
    Failure::new(code, error.to_string())
}

/// Nobody answers at the moment: the same may be had later.
pub(crate) fn is_away(code: Code) -> bool {
    code == Code::PlatformUnreachable
}

pub(crate) fn of_discovery(error: &DiscoverError) -> Failure {
    match error {
        DiscoverError::Address => Failure::new(Code::AddressUnreadable, error.to_string()),
        DiscoverError::Egress(error) => of_egress(error),
        DiscoverError::NotFound { .. } => Failure::new(Code::PlatformNotFound, error.to_string()),
        DiscoverError::TooNew(_) => Failure::new(Code::PlatformTooNew, error.to_string()),
        DiscoverError::Unreadable(_) => Failure::new(Code::AnswerUnreadable, error.to_string()),
    }
}

pub(crate) fn of_homeserver(error: &tim::HomeserverError) -> Failure {
    let code = match error {
        tim::HomeserverError::Name => Code::AnswerUnreadable,
        tim::HomeserverError::Unreachable { .. } => Code::PlatformUnreachable,
        tim::HomeserverError::Unreadable { .. } => Code::AnswerUnreadable,
    };
    Failure::new(code, error.to_string())
}

pub(crate) fn of_sign_in(error: &SignInError) -> Failure {
    let code = match error {
        SignInError::Provider(ProviderError::Egress(error)) | SignInError::Egress(error) => return of_egress(error),
        SignInError::ClockSkew { minutes } => return Failure::new(Code::ClockSkew, minutes.abs().to_string()),
        SignInError::Cancelled(_) | SignInError::Expired => Code::SignInCancelled,
        SignInError::Listener(_) => Code::Internal,
        // RFC 9110 §15.6: the server's own fault.
        SignInError::Provider(ProviderError::Status(500..)) => Code::PlatformFailed,
        SignInError::Provider(_)
        | SignInError::Refused(_)
        | SignInError::Untrusted(_)
        | SignInError::OtherPerson
        | SignInError::NotReauthenticated => Code::SignInRefused,
    };
    Failure::new(code, error.to_string())
}

pub(crate) fn of_session(error: &SessionError) -> Failure {
    match error {
        SessionError::Egress(error) => of_egress(error),
        SessionError::Ended(_) | SessionError::Foreign => Failure::new(Code::SessionEnded, error.to_string()),
        SessionError::Provider(_) => Failure::new(Code::PlatformFailed, error.to_string()),
    }
}

pub(crate) fn of_fhir(error: &FhirError) -> Failure {
    let code = match error {
        FhirError::Unreachable(error) => return of_egress(error),
        FhirError::SessionEnded(_) => Code::SessionEnded,
        FhirError::NoToken(_) | FhirError::Server(_) => Code::PlatformFailed,
        FhirError::Denied(_) => Code::NotAllowed,
        FhirError::NotFound { .. } => Code::NotFound,
        FhirError::Conflict(_) => Code::Conflict,
        FhirError::UnknownParameter(_) | FhirError::Rejected { .. } => Code::Rejected,
        FhirError::Unreadable(_) => Code::AnswerUnreadable,
        FhirError::Unaskable(_) => Code::Internal,
    };
    Failure::new(code, error.to_string())
}

/// A failed search as the state of its part.
pub(crate) fn part_of_fhir<T>(error: &FhirError) -> Part<T> {
    match error {
        FhirError::Denied(_) => Part::Denied,
        FhirError::NotFound { .. } | FhirError::UnknownParameter(_) => Part::Absent,
        FhirError::Unreachable(_)
        | FhirError::SessionEnded(_)
        | FhirError::NoToken(_)
        | FhirError::Conflict(_)
        | FhirError::Rejected { .. }
        | FhirError::Server(_)
        | FhirError::Unreadable(_)
        | FhirError::Unaskable(_) => Part::Failed { failure: of_fhir(error) },
    }
}

/// A part's state alone.
pub(crate) fn without_value<T>(part: &Part<T>) -> Part<()> {
    match part {
        Part::Loading => Part::Loading,
        Part::Ready { more, .. } => Part::Ready { value: (), more: *more },
        Part::Empty => Part::Empty,
        Part::Denied => Part::Denied,
        Part::Absent => Part::Absent,
        Part::Failed { failure } => Part::Failed { failure: failure.clone() },
    }
}

/// What stands in the place of something that was not read, or not wholly: never "nothing".
pub(crate) fn part_of_gap<T>(state: &Part<()>) -> Part<T> {
    match state {
        Part::Loading => Part::Loading,
        Part::Denied => Part::Denied,
        Part::Absent => Part::Absent,
        Part::Failed { failure } => Part::Failed { failure: failure.clone() },
        Part::Ready { .. } | Part::Empty => {
            Part::Failed { failure: Failure::new(Code::AnswerUnreadable, "an answer was not whole") }
        }
    }
}

pub(crate) fn of_dicomweb(error: &DicomwebError) -> Failure {
    let code = match error {
        DicomwebError::Unreachable(error) => return of_egress(error),
        DicomwebError::SessionEnded(_) => Code::SessionEnded,
        DicomwebError::NoToken(_) | DicomwebError::Server(_) => Code::PlatformFailed,
        DicomwebError::Denied(_) => Code::NotAllowed,
        DicomwebError::NotFound => Code::NotFound,
        DicomwebError::Refused(_) => Code::Rejected,
        DicomwebError::Unreadable(_) | DicomwebError::TooLarge => Code::AnswerUnreadable,
    };
    Failure::new(code, error.to_string())
}

pub(crate) fn of_store(error: &StoreError) -> Failure {
    let code = match error {
        StoreError::DiskFull => Code::DiskFull,
        StoreError::Unreadable(_) => Code::StoreUnreadable,
        StoreError::Key | StoreError::Failed(_) => Code::Internal,
    };
    Failure::new(code, error.to_string())
}

pub(crate) fn of_open(error: &OpenError) -> Failure {
    let code = match error {
        OpenError::ProfileInUse => Code::ProfileInUse,
        OpenError::Keyring(KeyringError::Foreign(_)) | OpenError::Unreadable(_) => Code::StoreUnreadable,
        OpenError::Keyring(KeyringError::Missing(_) | KeyringError::Locked(_) | KeyringError::NotKept) => {
            Code::KeyringUnavailable
        }
        OpenError::DiskFull => Code::DiskFull,
        OpenError::Failed(_) => Code::Internal,
    };
    Failure::new(code, error.to_string())
}
