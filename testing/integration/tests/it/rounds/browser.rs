//! livekit-client in a headless Chromium as somebody else's program.

use super::Place;
use crate::program::Program;
use serde_json::{Value, json};
use std::ops::Deref;

/// Five colors across the middle of a picture.
pub(super) type Colors = [[i32; 3]; 5];

/// One more person in the round.
pub(super) struct Browser(Program);

impl Deref for Browser {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.0
    }
}

impl Browser {
    /// Joins; `how` says with which key.
    pub(super) async fn joins(place: &Place, identity: &str, how: &Value) -> Self {
        let browser = Self(Program::start("livekit-js").expect("the round's place was made, so it is there"));
        let mut act = json!({ "do": "join", "url": place.address, "token": place.token(identity) });
        for (name, value) in how.as_object().expect("an object") {
            act[name] = value.clone();
        }
        browser.does(act).await;
        browser
    }

    /// Waits until somebody's picture has these colors.
    pub(super) async fn sees(&self, who: &str, colors: &Colors) {
        let act = json!({ "do": "pixels", "who": who });
        self.until("the picture", act, |picture| {
            let enough = picture["frames"].as_u64()? > 10;
            (enough && near(&picture["colors"], colors)).then_some(())
        })
        .await;
    }

    /// Waits until somebody's sound is a tone of so many hertz.
    pub(super) async fn hears(&self, who: &str, hz: i64) {
        let act = json!({ "do": "peak", "who": who });
        self.until("the sound", act, |peak| {
            // The measurement's own width, and the device's clock.
            (peak["db"].as_i64()? > -40 && (peak["hz"].as_i64()? - hz).abs() <= 9).then_some(())
        })
        .await;
    }
}

/// Video is no copy: every part may be off by this.
fn near(seen: &Value, colors: &Colors) -> bool {
    colors.iter().enumerate().all(|(at, color)| {
        color
            .iter()
            .enumerate()
            .all(|(part, value)| seen[at][part].as_i64().is_some_and(|seen| (seen - i64::from(*value)).abs() < 40))
    })
}
