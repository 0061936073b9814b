//! `mailbox`: caps, pauses, doubts.

use leadgen_core::actions::review;
use leadgen_core::ports::store::Settlement;

use super::Ground;
use crate::args::{Cli, MailboxCommand};
use crate::output::{self, End};

pub(crate) async fn run(cli: &Cli, command: &MailboxCommand) -> anyhow::Result<End> {
    let ground = Ground::new(cli).await?;
    let store = ground.roles();
    let known = |name: &str| -> anyhow::Result<()> {
        let names: Vec<&str> = ground.settings.mailboxes.iter().map(|m| m.mailbox.name.as_str()).collect();
        if names.contains(&name) {
            return Ok(());
        }
        let configured = if names.is_empty() { "none; see SMTP_* in .env.example".to_owned() } else { names.join(", ") };
        Err(output::misuse(format!("find the mailbox {name:?}"), format!("configured: {configured}")))
    };
    match command {
        MailboxCommand::List => {
            let health = store.health(&ground.settings.policy.send.mailboxes, ground.now()).await?;
            output::show(cli.json, &health, || {
                let rows = health.iter().map(|m| {
                    let paused = m.paused_until.map(|_| m.pause_reason.clone().unwrap_or_else(|| "paused".into())).unwrap_or_default();
                    vec![m.name.clone(), format!("{} of {}", m.sent_24h, m.daily_cap), paused]
                });
                output::table(&["mailbox", "letters in 24 h", "paused because"], rows)
            })?;
            return Ok(if health.is_empty() { End::Nothing } else { End::Done });
        }
        MailboxCommand::Pause { mailbox, reason, dry_run } => {
            known(mailbox)?;
            if *dry_run {
                return output::would(cli, &format!("pause {mailbox}"));
            }
            store.pause(mailbox, None, reason, "operator", ground.now()).await?;
        }
        MailboxCommand::Resume { mailbox, dry_run } => {
            known(mailbox)?;
            if *dry_run {
                return output::would(cli, &format!("resume {mailbox}"));
            }
            store.resume(mailbox, "operator", ground.now()).await?;
        }
        MailboxCommand::Settle { message, outcome, dry_run } => {
            let message = review::find(store, message).await?;
            if *dry_run {
                return output::would(cli, &format!("settle the letter to {} as {outcome}", message.to));
            }
            let settlement = match outcome.as_str() {
                "sent" => Settlement::Sent,
                "again" => Settlement::Again,
                _ => Settlement::Drop,
            };
            store.settle(message.id, settlement, "operator", ground.now()).await?;
        }
    }
    output::show(cli.json, &serde_json::json!({"done": true}), || "done".to_owned())?;
    Ok(End::Done)
}
