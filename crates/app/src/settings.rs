//! The person's settings, the place they were at, and what the diagnosis says.

use crate::round::KeptDevices;
use crate::{Desk, Policy, failures};
use contract::{BulkWay, DiagnosisLine, DiagnosisView, Drawing, Event, Failure, Language, Place, SettingsView, Theme};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;
use vault::{Table, Vault};

const SETTINGS: &str = "settings";
const PLACE: &str = "place";

/// Settings as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) theme: Theme,
    pub(crate) language: Language,
    pub(crate) font_size: u16,
    pub(crate) image_text_size: u16,
    pub(crate) lock_after_minutes: u16,
    pub(crate) bulk_way: BulkWay,
    pub(crate) drawing: Drawing,
    pub(crate) letter_keys: bool,
    pub(crate) typing_notices: bool,
    pub(crate) read_receipts: bool,
    pub(crate) notices: bool,
    pub(crate) notice_names: bool,
    /// The address used last.
    pub(crate) address: Option<String>,
    /// What rounds are held with.
    pub(crate) devices: KeptDevices,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::Office,
            language: Language::De,
            font_size: 100,
            image_text_size: 12,
            lock_after_minutes: 10,
            bulk_way: BulkWay::Auto,
            drawing: Drawing::Auto,
            letter_keys: true,
            // Off unless the person wants it (gemSpec_TI-M_Basis A_25436).
            typing_notices: false,
            read_receipts: false,
            notices: true,
            notice_names: false,
            address: None,
            devices: KeptDevices::default(),
        }
    }
}

impl Settings {
    pub(crate) fn load(vault: &Vault, policy: &Policy) -> Self {
        let stored = vault.get(Table::Settings, SETTINGS).ok().flatten();
        let mut settings: Self =
            stored.and_then(|bytes| serde_json::from_slice(bytes.reveal()).ok()).unwrap_or_default();
        if let Some(way) = policy.bulk_way {
            settings.bulk_way = way;
        }
        if let Some(drawing) = policy.drawing {
            settings.drawing = drawing;
        }
        settings
    }

    pub(crate) fn view(&self, policy: &Policy) -> SettingsView {
        let fixed = [
            policy.bulk_way.map(|_way| "bulk-way"),
            policy.drawing.map(|_drawing| "drawing"),
            policy.address.as_ref().map(|_address| "address"),
            policy.keeps_recovery_key.then_some("recovery-key"),
        ];
        SettingsView {
            theme: self.theme,
            language: self.language,
            font_size: self.font_size,
            image_text_size: self.image_text_size,
            lock_after_minutes: self.lock_after_minutes,
            bulk_way: self.bulk_way,
            drawing: self.drawing,
            computed_graphics: policy.computed_graphics,
            letter_keys: self.letter_keys,
            typing_notices: self.typing_notices,
            read_receipts: self.read_receipts,
            notices: self.notices,
            notice_names: self.notice_names,
            fixed: fixed.into_iter().flatten().map(str::to_owned).collect(),
        }
    }
}

pub(crate) fn load_place(vault: &Vault) -> Place {
    let stored = vault.get(Table::Settings, PLACE).ok().flatten();
    stored.and_then(|bytes| serde_json::from_slice(bytes.reveal()).ok()).unwrap_or(Place::Today)
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value).map_err(|error| Failure::new(contract::FailureCode::Internal, error.to_string()))
}

impl Desk {
    pub(crate) fn change_settings(&self, view: SettingsView) -> Result<SettingsView, Failure> {
        let changed = {
            let mut state = self.state();
            let settings = &mut state.settings;
            settings.theme = view.theme;
            settings.language = view.language;
            settings.font_size = view.font_size.clamp(90, 150);
            settings.image_text_size = view.image_text_size.clamp(11, 18);
            settings.lock_after_minutes = view.lock_after_minutes.clamp(3, 60);
            settings.bulk_way = self.0.policy.bulk_way.unwrap_or(view.bulk_way);
            settings.drawing = self.0.policy.drawing.unwrap_or(view.drawing);
            settings.letter_keys = view.letter_keys;
            settings.typing_notices = view.typing_notices;
            settings.read_receipts = view.read_receipts;
            settings.notices = view.notices;
            settings.notice_names = view.notice_names;
            settings.clone()
        };
        self.keep_settings()?;
        self.tell_signals();
        let view = changed.view(&self.0.policy);
        self.tell(Event::SettingsChanged(view.clone()));
        Ok(view)
    }

    pub(crate) fn change_settings_quietly(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
        if let Err(failure) = self.keep_settings() {
            tracing::warn!(detail = failure.detail, "the settings were not kept");
        }
    }

    /// They are looked up in their own turn, so that of two changes at the same time the later one stays.
    fn keep_settings(&self) -> Result<(), Failure> {
        let _turn = self.0.settings_kept.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = written(&self.state().settings.clone())?;
        self.0.vault.put(Table::Settings, SETTINGS, &bytes).map_err(|error| failures::of_store(&error))
    }

    pub(crate) fn remember_place(&self, place: Place) -> Result<(), Failure> {
        let bytes = written(&place)?;
        self.state().place = place;
        self.0.vault.put(Table::Settings, PLACE, &bytes).map_err(|error| failures::of_store(&error))
    }

    pub(crate) fn diagnosis(&self) -> DiagnosisView {
        let line = |key: &str, value: String| DiagnosisLine { key: key.to_owned(), value };
        let mut lines = vec![
            line("version", env!("CARGO_PKG_VERSION").to_owned()),
            line("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
        ];
        if let Some(taken) = self.taken() {
            lines.push(line("platform", taken.platform.host.clone()));
            lines.push(line("provider", taken.platform.sign_in_host()));
            if let Some(until) = taken.session.expires_at() {
                lines.push(line("token-until", until.to_string()));
            }
        }
        let network = self.0.egress.facts();
        lines.push(line("proxy", network.proxy.clone()));
        lines.push(line("authorities", network.authorities.to_string()));
        let figures = self.0.images.figures();
        let port = self.0.bulk.port();
        let bulk = match self.0.bulk.way() {
            Some(BulkWay::Socket) => format!("socket, 127.0.0.1:{port}"),
            Some(BulkWay::Scheme) => "scheme".to_owned(),
            Some(BulkWay::Auto) | None => format!("127.0.0.1:{port}"),
        };
        lines.push(line("bulk", bulk));
        lines.push(line("workers", figures.workers.to_string()));
        lines.push(line("workers-replaced", figures.replaced.to_string()));
        lines.push(line("frames-decoded", figures.decoded.to_string()));
        if let Ok(device) = self.0.vault.device_id() {
            lines.push(line("device", device));
        }
        if let Some(owner) = self.owner() {
            lines.push(line("kept-cases", self.0.shelf.cases(&owner, Timestamp::now()).len().to_string()));
        }
        if let Ok(bytes) = self.0.vault.frames_bytes() {
            lines.push(line("cache-bytes", bytes.to_string()));
        }
        DiagnosisView { lines }
    }
}
