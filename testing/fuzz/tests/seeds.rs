//! Each target over its seeds and over some thousand changed ones. The same on each machine; `cargo xtask fuzz` looks
//! further.

use fuzz::{Chance, TARGETS, Target};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Any number; another one finds other inputs.
const SEED: u64 = 20_261_130;

fn hold(name: &str) {
    let target = Target::named(name).expect("a target of this name");
    let seeds = (target.seeds)();
    let mut chance = Chance::new(SEED);
    let changed = (0..target.tries).map(|_| chance.changed(&seeds));
    for (number, input) in seeds.iter().cloned().chain(changed).enumerate() {
        let held = catch_unwind(AssertUnwindSafe(|| target.check(&input)));
        assert!(held.is_ok(), "input {number} of {name} does not hold: {input:?}");
    }
}

/// One fact for each target, so that they run beside each other and say which of them does not hold.
macro_rules! facts {
    ($($fact:ident: $name:literal,)*) => {
        $(#[test]
        fn $fact() {
            hold($name);
        })*

        #[test]
        fn each_target_has_a_fact_here() {
            let here = [$($name),*];
            let missing: Vec<_> = TARGETS.iter().filter(|target| !here.contains(&target.name)).collect();
            assert!(missing.is_empty() && here.len() == TARGETS.len(), "without a fact: {missing:?}");
        }
    };
}

facts! {
    a_round_bears_whatever_a_server_says: "signal",
    texts_become_addresses_and_names_or_nothing: "address",
    frames_open_once_and_only_as_they_were_sealed: "frames",
    a_word_is_heard_once_and_of_who_said_it: "words",
    frames_come_out_of_packets_whole_or_not_at_all: "assembly",
    a_voice_is_played_in_its_order_whenever_it_comes: "jitter",
    an_estimate_stays_in_its_bounds: "rate",
    rooms_bear_whatever_clients_say: "rooms",
    a_join_request_is_read_or_refused: "join",
    descriptions_are_read_or_refused: "sdp",
    a_token_is_believed_only_after_its_signature: "token",
    stun_answers_bindings_alone: "stun",
    packets_are_passed_on_in_one_numbering: "forwarding",
    a_media_server_bears_any_offer_and_datagram: "machine",
    pictures_of_a_peer_spoil_nothing: "vp8",
    sound_of_a_peer_spoils_nothing: "opus",
    pictures_of_devices_are_read_or_refused: "pictures",
}
