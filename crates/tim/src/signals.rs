//! What a person lets others see of them while they read and write.

use crate::Account;

/// What is told to others and shown of them: who tells nothing sees nothing. All of it is off until the person wants it
/// (gemSpec_TI-M_Basis A_25436). Presence is never told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// That somebody is writing.
    pub typing: bool,
    /// How far somebody has read.
    pub receipts: bool,
}

impl Account {
    /// From now on, for all conversations.
    pub fn set_signals(&self, signals: Signals) {
        self.signals.send_replace(signals);
    }
}
