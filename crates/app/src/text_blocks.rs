//! A person's own text blocks for decisions: sealed in the vault, offered when "/" is typed.
//!
//! They are kept apart from the settings, which a locked page shows: a block may have been made of a patient's text.

use crate::{Desk, failures};
use contract::{Failure, FailureCode, Permission, TextBlockView};
use vault::{StoreError, Table};

const MOST: usize = 200;
const LONGEST: usize = 4000;

impl Desk {
    pub(crate) async fn open_text_blocks(&self) -> Result<Vec<TextBlockView>, Failure> {
        let key = self.text_blocks_key()?;
        let vault = self.0.vault.clone();
        let stored = tokio::task::spawn_blocking(move || vault.get(Table::Settings, &key))
            .await
            .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?
            .map_err(|error| failures::of_store(&error))?;
        Ok(stored.and_then(|bytes| serde_json::from_slice(bytes.reveal()).ok()).unwrap_or_default())
    }

    pub(crate) async fn keep_text_blocks(&self, blocks: Vec<TextBlockView>) -> Result<(), Failure> {
        let key = self.text_blocks_key()?;
        checked(&blocks)?;
        let vault = self.0.vault.clone();
        tokio::task::spawn_blocking(move || {
            let bytes = serde_json::to_vec(&blocks).map_err(|error| StoreError::Failed(error.to_string()))?;
            vault.put(Table::Settings, &key, &bytes)
        })
        .await
        .map_err(|error| Failure::new(FailureCode::Internal, error.to_string()))?
        .map_err(|error| failures::of_store(&error))
    }

    fn text_blocks_key(&self) -> Result<String, Failure> {
        let taken = self.may(Permission::WriteDecision)?;
        Ok(format!("text-blocks\n{}", taken.session.person().subject))
    }
}

fn checked(blocks: &[TextBlockView]) -> Result<(), Failure> {
    let fits = |text: &str| !text.trim().is_empty() && text.len() <= LONGEST;
    if blocks.len() <= MOST && blocks.iter().all(|block| fits(&block.name) && fits(&block.text)) {
        Ok(())
    } else {
        Err(Failure::new(FailureCode::InvalidInput, "text blocks"))
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, MOST, checked};
    use contract::TextBlockView;

    #[test]
    fn empty_endless_and_countless_blocks_are_refused() {
        let block = |text: &str| TextBlockView { name: "a".to_owned(), text: text.to_owned() };
        assert!(checked(&[]).is_ok(), "none is allowed");
        assert!(checked(&[block("b")]).is_ok(), "one word is a block");
        assert!(checked(&[block(" \n")]).is_err(), "nothing to insert");
        assert!(checked(&[block(&"b".repeat(LONGEST + 1))]).is_err(), "one character too many");
        assert!(checked(&vec![block("b"); MOST + 1]).is_err(), "one block too many");
    }
}
