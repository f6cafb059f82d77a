//! The recipe's files as they lie in `assets/demo`, parsed once.

use serde_json::Value;
use std::sync::LazyLock;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("the recipe's files are JSON")
}

macro_rules! file {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        pub(crate) fn $name() -> &'static Value {
            static PARSED: LazyLock<Value> =
                LazyLock::new(|| parse(include_str!(concat!("../../../../assets/demo/", $path))));
            &PARSED
        }
    };
}

file!(
    /// Houses, people and the board.
    network, "network.json"
);
file!(
    /// What the directory has beside them.
    directory, "directory.json"
);
file!(
    /// Code texts and laboratory ranges.
    codes, "codes.json"
);
file!(
    /// Studies with their series, and the phantoms.
    imaging, "imaging.json"
);
file!(
    /// The session and its slots.
    agenda, "agenda.json"
);
file!(
    /// Cases that are only rows of a list, and tasks.
    other_cases, "othercases.json"
);

file!(
    /// Rooms with what was written in them, and who answers what.
    conversations, "conversations.json"
);

/// The patients with a full record in the agenda's order, then the decoy.
pub(crate) fn patients() -> &'static [Value] {
    static PARSED: LazyLock<Vec<Value>> = LazyLock::new(|| {
        [
            include_str!("../../../../assets/demo/patients/1-auenwald-lunge.json"),
            include_str!("../../../../assets/demo/patients/2-birkenlicht-mamma.json"),
            include_str!("../../../../assets/demo/patients/3-steinklee-rektum.json"),
            include_str!("../../../../assets/demo/patients/4-aehrenfeld-prostata.json"),
            include_str!("../../../../assets/demo/patients/5-mohnblatt-melanom.json"),
            include_str!("../../../../assets/demo/patients/x-auerwald-decoy.json"),
        ]
        .into_iter()
        .map(parse)
        .collect()
    });
    &PARSED
}
