//! People look at drafts, and end doubts.

use async_trait::async_trait;

use crate::domain::flow::{CompanyEvent, Delivery, MessageEvent, MessageState};
use crate::domain::id::Id;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::{Reviews, Settlement};

use super::connection::{Serial, SqlStore, commit, query, query_one, run};
use super::letters::MESSAGE;
use super::row::message;

#[async_trait]
impl Reviews for SqlStore {
    async fn messages(&self, state: Option<MessageState>, limit: u64) -> Result<Vec<Message>> {
        let sql = format!("{MESSAGE} WHERE CAST($1 AS text) IS NULL OR m.status = $1 ORDER BY m.created_at, m.id LIMIT $2");
        let values = vec![state.map(|state| state.as_str().to_owned()).into(), (limit as i64).into()];
        query(&self.db, &sql, values).await?.iter().map(message).collect()
    }

    async fn message(&self, id: Id<Message>) -> Result<Option<Message>> {
        let row = query_one(&self.db, &format!("{MESSAGE} WHERE m.id = $1"), vec![id.uuid().into()]).await?;
        row.as_ref().map(message).transpose()
    }

    async fn approve(&self, id: Id<Message>, hash: &str, by: &str, now: Timestamp) -> Result<()> {
        self.move_by_hand(id, MessageEvent::Approve, "approve", by, now, |item| {
            if item.approval_hash == hash {
                return Ok(());
            }
            Err(Error::new(ErrorKind::Conflict, format!("approve the letter to {}", item.to.masked()))
                .code("approval_stale")
                .detail("its text is not the one that was shown; read it again"))
        })
        .await
    }

    async fn cancel(&self, id: Id<Message>, reason: &str, by: &str, now: Timestamp) -> Result<()> {
        self.move_by_hand(id, MessageEvent::Cancel, reason, by, now, |_| Ok(())).await
    }

    async fn settle(&self, id: Id<Message>, settlement: Settlement, by: &str, now: Timestamp) -> Result<()> {
        let (event, word) = match settlement {
            Settlement::Sent => (MessageEvent::SettleSent, "settled: sent"),
            Settlement::Again => (MessageEvent::SettleAgain, "settled: send again"),
            Settlement::Drop => (MessageEvent::Cancel, "settled: dropped"),
        };
        self.move_by_hand(id, event, word, by, now, |item| match item.state {
            MessageState::InDoubt => Ok(()),
            state => {
                Err(Error::new(ErrorKind::Conflict, format!("end the doubt about the letter to {}, which is {state}", item.to.masked()))
                    .code("illegal_transition"))
            }
        })
        .await
    }

    async fn withdraw(&self, id: Id<Message>, by: &str, now: Timestamp) -> Result<()> {
        let tx = self.write(Serial::Outbox).await?;
        let row = query_one(&tx, &format!("{MESSAGE} WHERE m.id = $1"), vec![id.uuid().into()]).await?;
        let item = row.as_ref().map(message).transpose()?.ok_or_else(|| no_such_message(id))?;
        item.may_be_withdrawn()?;
        run(&tx, "DELETE FROM outreach_messages WHERE id = $1", vec![id.uuid().into()]).await?;
        let free = "UPDATE companies SET tries = 0, next_try_at = NULL, updated_at = $2 WHERE id = $1";
        let root = self.root(&tx, item.company_id).await?;
        run(&tx, free, vec![root.uuid().into(), now.millis().into()]).await?;
        self.note(&tx, now, by, "withdraw", "message", &id.to_string(), &item.approval_hash).await?;
        commit(tx).await
    }
}

fn no_such_message(id: Id<Message>) -> Error {
    Error::new(ErrorKind::Rejected, format!("find the message {id}")).code("no_such_message")
}

impl SqlStore {
    async fn move_by_hand(
        &self,
        id: Id<Message>,
        event: MessageEvent,
        word: &str,
        by: &str,
        now: Timestamp,
        check: impl Fn(&Message) -> Result<()> + Send,
    ) -> Result<()> {
        let tx = self.write(Serial::Outbox).await?;
        let row = query_one(&tx, &self.locked_message(&format!("{MESSAGE} WHERE m.id = $1")), vec![id.uuid().into()]).await?;
        let item = row.as_ref().map(message).transpose()?.ok_or_else(|| no_such_message(id))?;
        check(&item)?;
        let next = item.state.after(event)?;
        if event == MessageEvent::Approve
            && let Some(why) = self.suppressed(&tx, &item).await?
        {
            return Err(Error::new(ErrorKind::Conflict, format!("approve the letter to {}", item.to.masked()))
                .code("suppressed")
                .detail(why));
        }
        let approval = if event == MessageEvent::Approve { ", approved_at = $3, approved_by = $4" } else { "" };
        let delivery = if event == MessageEvent::SettleSent { ", delivery_status = $5, sent_at = $3" } else { "" };
        let sql = format!(
            "UPDATE outreach_messages SET status = $2{approval}{delivery}, updated_at = $3, next_try_at = NULL, tries = 0,
                claimed_by = NULL, claim_token = NULL, claimed_until = 0 WHERE id = $1 AND $4 <> '' AND $5 <> ''"
        );
        let by_someone = if by.is_empty() { "someone" } else { by };
        let values =
            vec![id.uuid().into(), next.as_str().into(), now.millis().into(), by_someone.into(), Delivery::Accepted.as_str().into()];
        run(&tx, &sql, values).await?;
        if event == MessageEvent::SettleSent {
            self.move_group(&tx, now, item.company_id, CompanyEvent::Contact).await?;
        }
        self.note(&tx, now, by_someone, word, "message", &id.to_string(), &item.approval_hash).await?;
        commit(tx).await
    }
}
