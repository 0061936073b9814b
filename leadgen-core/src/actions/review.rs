//! A person looks at drafts and decides.

use crate::domain::flow::MessageState;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Reviews;

/// Finds a message by id, or by the beginning of it that only one has.
pub async fn find<S>(store: &S, text: &str) -> Result<Message>
where
    S: Reviews + ?Sized,
{
    let all = store.messages(None, 1_000_000).await?;
    let mut matching = all.into_iter().filter(|message| message.id.to_string().starts_with(text) || message.to.as_str() == text);
    let none = || Error::new(ErrorKind::Rejected, format!("find the message {text:?}")).code("no_such_message");
    let first = matching.next().ok_or_else(none)?;
    if matching.next().is_some() {
        return Err(none().detail("more than one begins so; give more of the id"));
    }
    Ok(first)
}

/// Approves one draft as it was shown.
pub async fn approve<S>(store: &S, message: &Message, by: &str, now: Timestamp) -> Result<()>
where
    S: Reviews + ?Sized,
{
    store.approve(message.id, &message.approval_hash, by, now).await
}

/// Approves every draft of a campaign (or of all); how many. `expected` is the count the person typed.
pub async fn approve_all<S>(store: &S, campaign: Option<&str>, expected: usize, by: &str, now: Timestamp) -> Result<usize>
where
    S: Reviews + ?Sized,
{
    let drafts = store.messages(Some(MessageState::Draft), 1_000_000).await?;
    let drafts: Vec<Message> = drafts.into_iter().filter(|draft| campaign.is_none_or(|tag| draft.campaign == tag)).collect();
    if drafts.len() != expected {
        return Err(Error::new(ErrorKind::Rejected, "approve all drafts")
            .code("count_differs")
            .detail(format!("{} drafts wait, {expected} was given; look at them and type their number", drafts.len())));
    }
    for draft in &drafts {
        approve(store, draft, by, now).await?;
    }
    Ok(drafts.len())
}

/// Takes back the drafts of a campaign (or of all) and what was approved under another policy, so that they are written
/// anew; how many.
pub async fn withdraw_all<S>(store: &S, campaign: Option<&str>, by: &str, now: Timestamp) -> Result<usize>
where
    S: Reviews + ?Sized,
{
    let mut drafts = store.messages(Some(MessageState::Draft), 1_000_000).await?;
    // Approved under another policy: such a letter can't leave as it stands, and nobody was offered it.
    let held = store.messages(Some(MessageState::Held), 1_000_000).await?;
    drafts.extend(held.into_iter().filter(|letter| letter.attempts == 0 && letter.last_error.as_deref().is_some_and(is_stale)));
    let drafts: Vec<Message> = drafts.into_iter().filter(|draft| campaign.is_none_or(|tag| draft.campaign == tag)).collect();
    for draft in &drafts {
        store.withdraw(draft.id, by, now).await?;
    }
    Ok(drafts.len())
}

fn is_stale(error: &str) -> bool {
    error.starts_with("approval_stale")
}
