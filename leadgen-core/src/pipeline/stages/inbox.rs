//! Inbox: an arrival becomes signals.

use crate::domain::signal::{Arrival, Signal};
use crate::domain::time::Timestamp;
use crate::rules::inbound;

/// Reads an arrival. A report about several recipients gives several signals, each with its own key.
pub fn read(arrival: &Arrival, now: Timestamp) -> Vec<Signal> {
    let said = inbound::read(&arrival.bytes);
    said.into_iter()
        .enumerate()
        .map(|(index, said)| Signal {
            mailbox: arrival.mailbox.clone(),
            key: format!("{}#{index}", arrival.key),
            kind: said.kind,
            intent: said.intent,
            quoted_ids: said.quoted_ids,
            about: said.about,
            text: said.text,
            at: now,
        })
        .collect()
}
