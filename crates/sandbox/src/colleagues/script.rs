//! What colleagues answer: by rules of the recipe, in their order, the first that fits and is not used up.

use super::history::list;
use serde_json::Value;
use std::time::Duration;

/// What a colleague says, and when.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) person: String,
    pub(super) typing: [u64; 2],
    /// Whether they show the images of a case in a round about it.
    pub(super) leads: bool,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    room: Option<String>,
    any: Vec<String>,
    fallback: bool,
    left: u64,
    reply: Vec<(Duration, String)>,
}

impl Script {
    pub(super) fn all(recipe: &Value) -> Vec<Self> {
        list(&recipe["scripts"]).filter_map(Self::read).collect()
    }

    fn read(entry: &Value) -> Option<Self> {
        let typing = &entry["typing_ms"];
        Some(Self {
            person: entry["person"].as_str()?.to_owned(),
            typing: [typing[0].as_u64()?, typing[1].as_u64()?],
            leads: entry["leads"] == true,
            // What other parts of the program tell is not told in chat.
            rules: list(&entry["rules"]).filter(|rule| rule["event"].is_null()).map(Rule::read).collect(),
        })
    }

    /// What is said to this text in this room; whoever asks uses the rule up.
    pub(super) fn answer(&mut self, room: &str, text: &str) -> Option<Vec<(Duration, String)>> {
        let text = text.to_lowercase();
        let fits = |rule: &&mut Rule| {
            rule.left > 0
                && rule.room.as_deref().is_none_or(|wanted| wanted == room)
                && (rule.fallback || rule.any.iter().any(|word| has_word(&text, word)))
        };
        let rule = self.rules.iter_mut().find(fits)?;
        rule.left -= 1;
        Some(rule.reply.clone())
    }
}

impl Rule {
    fn read(entry: &Value) -> Self {
        let reply = list(&entry["reply"]).filter_map(|said| {
            let text = said.as_str().or_else(|| said["text"].as_str())?;
            Some((Duration::from_millis(said["after_ms"].as_u64().unwrap_or_default()), text.to_owned()))
        });
        Self {
            room: entry["room"].as_str().map(str::to_owned),
            any: list(&entry["any"]).filter_map(Value::as_str).map(str::to_lowercase).collect(),
            fallback: entry["fallback"] == true,
            left: if entry["once"] == true { 1 } else { entry["max"].as_u64().unwrap_or(u64::MAX) },
            reply: reply.collect(),
        }
    }
}

/// Whether a word of the text begins so: "er" is in "ER-Status" and not in "Verlauf".
fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '-').any(|part| part.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::Script;
    use crate::seed::recipe;

    fn script(person: &str) -> Script {
        let mut all = Script::all(recipe::conversations());
        all.retain(|script| script.person == person);
        all.pop().expect("the recipe has the person")
    }

    #[test]
    fn the_first_rule_that_fits_answers() {
        let mut radiology = script("dr-sonnkaya");
        let said = radiology.answer("conv-auenwald", "Was sagt das PET?").expect("a rule fits");
        assert!(said[0].1.starts_with("Primärtumor SUVmax"), "the rule of the room");
        let said = radiology.answer("conv-board", "Was sagt das PET?").expect("the last rule fits everything");
        assert_eq!(said[0].1, "Ich sehe es mir an, einen Moment.", "no rule of another room");
    }

    #[test]
    fn a_rule_that_is_used_up_answers_no_more() {
        let mut radiology = script("dr-sonnkaya");
        let answers: Vec<bool> = (0..5).map(|_| radiology.answer("conv-board", "Hallo").is_some()).collect();
        assert_eq!(answers, [true, true, true, true, false], "four times, as the recipe says");
    }

    #[test]
    fn a_short_word_is_found_as_a_word_only() {
        let mut pathology = script("pd-brunnengold");
        let said = pathology.answer("conv-birkenlicht", "Wie war ER im Residuum?").expect("a rule fits");
        assert!(said[0].1.contains("ER 50 %"), "the receptor");
        let said = pathology.answer("conv-birkenlicht", "Der Verlauf ist gut, danke").expect("a rule fits");
        assert_eq!(said[0].1, "Sehr gern.", "no receptor in it");
    }
}
