//! The closed code lists of a decision, with the German texts of their code systems.
//!
//! Category and measure are oBDS 18.2 and 19.1 as MII's Onkologie module publishes them (2025.0.0; 2026 binds the same).

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal, $german:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name {
            $(
                #[doc = $german]
                #[serde(rename = $code)]
                $variant,
            )+
        }

        impl $name {
            /// Every code, in the order of its code system.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As it is written on the wire.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// The German text of the code system.
            #[must_use]
            pub const fn german(self) -> &'static str {
                match self {
                    $(Self::$variant => $german,)+
                }
            }

            /// The code that is written `code`, if it is one of ours.
            #[must_use]
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.code() == code)
            }
        }
    };
}

codes! {
    /// What kind of conference it was (oBDS 18.2). `ther`, planning without a conference, is not ours to write.
    Category {
        Praeth = "praeth", "prätherapeutische Tumorkonferenz (Festlegung der Therapiestrategie)";
        Postop = "postop", "postoperative Tumorkonferenz (Planung der postoperativen Therapie, z. B. zur Frage adjuvante Therapie)";
        Postth = "postth", "posttherapeutische Tumorkonferenz (manche Tumoren werden nicht operiert)";
    }
}

codes! {
    /// Why the case is presented.
    Occasion {
        FirstDiagnosis = "ED", "Erstdiagnose";
        LocalRecurrence = "LR", "Lokalrezidiv";
        Metastasis = "M", "Metastasierung";
        Course = "TV", "Therapieverlauf";
        Other = "S", "Sonstiges";
    }
}

codes! {
    /// What the therapy aims at.
    Goal {
        Curative = "curative", "kurativ";
        Palliative = "palliative", "palliativ";
    }
}

codes! {
    /// How the board came to its decision.
    Outcome {
        Consensus = "consensus", "Konsens";
        Majority = "majority", "Mehrheit";
    }
}

codes! {
    /// How the decision stands to the guideline.
    Guideline {
        Conform = "conform", "leitlinienkonform";
        Deviation = "deviation", "Abweichung von der Leitlinie";
    }
}

codes! {
    /// A recommended kind of therapy (oBDS 19.1).
    MeasureCode {
        Ch = "CH", "Chemotherapie";
        Ho = "HO", "Hormontherapie";
        Im = "IM", "Immun-/Antikörpertherapie";
        Zs = "ZS", "zielgerichtete Substanzen";
        Sz = "SZ", "Stammzelltransplantation (inklusive Knochenmarktransplantation)";
        Ci = "CI", "Chemo- + Immun-/Antikörpertherapie";
        Cz = "CZ", "Chemotherapie + zielgerichtete Substanzen";
        Ciz = "CIZ", "Chemo- + Immun-/Antikörpertherapie + zielgerichtete Substanzen";
        Iz = "IZ", "Immun-/Antikörpertherapie + zielgerichtete Substanzen";
        Ww = "WW", "Watchful Waiting";
        As = "AS", "Active Surveillance";
        Ws = "WS", "Wait and see";
        Op = "OP", "Operation";
        St = "ST", "Strahlentherapie";
        Kw = "KW", "keine weitere tumorspezifische Therapie empfohlen";
        So = "SO", "Sonstiges";
    }
}
