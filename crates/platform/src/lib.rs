//! See the README, which is also the documentation of this crate.

#![doc = include_str!("../README.md")]
//!
//! In reading order: [`egress`], [`discovery`], [`oidc`] with [`browser`], then [`fhir`],
//! [`dicomweb`] and [`directory`].

pub mod browser;
mod call;
pub mod dicomweb;
pub mod directory;
pub mod discovery;
pub mod egress;
mod elements;
pub mod fhir;
pub mod oidc;
mod time;

pub use self::{discovery::Platform, egress::Egress, oidc::Session, time::Time};
