//! What one does with a keyboard, or a scanner that is one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use serde_json::json;

use super::Page;

/// Between two keys: nobody types faster, and no scanner as slowly.
const TYPING_PAUSE: Duration = Duration::from_millis(60);
/// Between two keys of a scanner.
const SCANNER_PAUSE: Duration = Duration::from_millis(5);

impl Page {
    /// Types as people do, wherever the focus is.
    pub(in crate::browser) async fn types(&self, text: &str) {
        let keys = text.chars().fold(KeyActions::new("keyboard".to_owned()), |keys, value| {
            let keys = keys.then(KeyAction::Pause { duration: TYPING_PAUSE });
            keys.then(KeyAction::Down { value }).then(KeyAction::Up { value })
        });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Presses Alt and a letter.
    pub(in crate::browser) async fn presses_alt(&self, letter: char) {
        let alt = char::from(Key::Alt);
        let keys = KeyActions::new("keyboard".to_owned()).then(KeyAction::Down { value: alt });
        let keys = keys.then(KeyAction::Down { value: letter }).then(KeyAction::Up { value: letter });
        self.client.perform_actions(keys.then(KeyAction::Up { value: alt })).await.unwrap();
    }

    /// Presses Ctrl and Enter.
    pub(in crate::browser) async fn confirms_by_keys(&self) {
        let (control, enter) = (char::from(Key::Control), char::from(Key::Enter));
        let keys = KeyActions::new("keyboard".to_owned()).then(KeyAction::Down { value: control });
        let keys = keys.then(KeyAction::Down { value: enter }).then(KeyAction::Up { value: enter });
        self.client.perform_actions(keys.then(KeyAction::Up { value: control })).await.unwrap();
    }

    /// Scans a bar code: fast, and Enter at its end, wherever the focus is. The times are those of the keyboard, so that
    /// a busy machine does not make it slow.
    pub(in crate::browser) async fn scans(&self, text: &str) {
        let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let keys = text.chars().map(|key| (key.to_string(), key.to_string()));
        let keys = keys.chain([("Enter".to_owned(), "\r".to_owned())]);
        for (at, (key, text)) in (0..).zip(keys) {
            let time = (begin + SCANNER_PAUSE * at).as_secs_f64();
            self.dispatches_key("keyDown", &key, &text, time).await;
            // The end of a key matters only where it presses something.
            if [" ", "Enter"].contains(&&*key) {
                self.dispatches_key("keyUp", &key, "", time).await;
            }
        }
    }

    /// Holds Enter down, so that it is repeated.
    pub(in crate::browser) async fn holds_enter(&self, repeats: u32) {
        for at in 0..=repeats {
            let event = json!({
                "type": "keyDown", "key": "Enter", "text": "\r", "windowsVirtualKeyCode": 13, "autoRepeat": at > 0,
            });
            self.devtools("Input.dispatchKeyEvent", event).await;
        }
        self.devtools("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": "Enter", "windowsVirtualKeyCode": 13}))
            .await;
    }

    async fn dispatches_key(&self, kind: &str, key: &str, text: &str, time: f64) {
        let code = if key == "Enter" { 13 } else { 0 };
        let event = json!({
            "type": kind, "key": key, "text": text, "timestamp": time, "windowsVirtualKeyCode": code,
        });
        self.devtools("Input.dispatchKeyEvent", event).await;
    }

    /// Presses a key, wherever the focus is.
    pub(in crate::browser) async fn presses(&self, key: Key) {
        self.types(&char::from(key).to_string()).await;
    }
}
