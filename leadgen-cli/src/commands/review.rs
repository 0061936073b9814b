//! `review`: people look at letters before they go.

use leadgen_core::actions::review;
use leadgen_core::domain::message::Message;

use super::Ground;
use crate::args::{Cli, ReviewCommand};
use crate::output::{self, End};

fn line(message: &Message) -> serde_json::Value {
    serde_json::json!({"id": message.id, "company": message.company_name, "to": message.to, "subject": message.letter.subject, "body": message.letter.body,
        "state": message.state, "delivery": message.delivery, "campaign": message.campaign, "mailbox": message.mailbox, "turn": message.scheduled_for,
        "last_error": message.last_error})
}

pub(crate) async fn run(cli: &Cli, command: &ReviewCommand) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let store = ground.roles();
    match command {
        ReviewCommand::Pairs(command) => super::pairs::run(cli, &ground, command).await,
        ReviewCommand::List { state, limit } => {
            let messages = store.messages(Some(*state), *limit).await?;
            let lines: Vec<_> = messages.iter().map(line).collect();
            output::show(cli.json, &lines, || {
                let rows = messages.iter().map(|message| {
                    let id = message.id.to_string();
                    let remark = message.last_error.clone().unwrap_or_default();
                    vec![id[..8].to_owned(), message.company_name.clone(), message.to.to_string(), message.letter.subject.clone(), remark]
                });
                let table = output::table(&["id", "company", "to", "subject", "remark"], rows);
                let next = if messages.is_empty() { "" } else { "; `leadgen review show ID`, `leadgen review approve ID`" };
                format!("{table}\n{} letters in the state {state}{next}", messages.len())
            })?;
            Ok(if messages.is_empty() { End::Nothing } else { End::Done })
        }
        ReviewCommand::Show { message } => {
            let message = review::find(store, message).await?;
            output::show(cli.json, &line(&message), || {
                let error = message.last_error.as_deref().unwrap_or("-");
                format!(
                    "id:       {}\ncompany:  {}\nto:       {}\nstate:    {}\nremark:   {error}\nsubject:  {}\n\n{}",
                    message.id, message.company_name, message.to, message.state, message.letter.subject, message.letter.body
                )
            })?;
            Ok(End::Done)
        }
        ReviewCommand::Approve { message: Some(message), by, dry_run, .. } => {
            let message = review::find(store, message).await?;
            if *dry_run {
                return output::would(cli, &format!("approve {} → {}", message.letter.subject, message.to));
            }
            review::approve(store, &message, by, ground.now()).await?;
            output::show(cli.json, &serde_json::json!({"approved": 1}), || {
                format!("approved: {} → {}", message.letter.subject, message.to)
            })?;
            Ok(End::Done)
        }
        ReviewCommand::Approve { all: Some(count), dry_run: true, .. } => {
            output::would(cli, &format!("approve {count} drafts, if so many wait"))
        }
        ReviewCommand::Approve { message: None, all: Some(count), batch, by, .. } => {
            let approved = review::approve_all(store, batch.as_deref(), *count, by, ground.now()).await?;
            output::show(cli.json, &serde_json::json!({"approved": approved}), || format!("{approved} letters approved by {by}"))?;
            Ok(if approved == 0 { End::Nothing } else { End::Done })
        }
        ReviewCommand::Approve { .. } => Err(output::misuse("approve", "name a letter, or give --all with the number of drafts that wait")),
        ReviewCommand::Reject { message, reason, by, dry_run } => {
            let message = review::find(store, message).await?;
            if *dry_run {
                return output::would(cli, &format!("drop {} → {}", message.letter.subject, message.to));
            }
            store.cancel(message.id, reason, by, ground.now()).await?;
            output::show(cli.json, &serde_json::json!({"cancelled": 1}), || format!("cancelled: {}", message.letter.subject))?;
            Ok(End::Done)
        }
    }
}
