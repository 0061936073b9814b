//! The arguments of what people do with letters and their recipients: `review`, `optout`, `mailbox`.

use clap::{Args, Subcommand};
use leadgen_core::domain::flow::MessageState;
use leadgen_core::domain::twins::PairState;

#[derive(Debug, Subcommand)]
pub(crate) enum PairsCommand {
    /// Pairs of companies that may be one
    List {
        /// pending, linked, merged, confirmed, rejected; default: those a person should look at
        #[arg(long, value_parser = PairState::parse)]
        state: Option<PairState>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// They are one
    Confirm(PairArgs),
    /// They are two, for good
    Reject(PairArgs),
    /// Takes the last decision back; what was made one without asking is parted
    Undo(PairArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PairArgs {
    /// The pair's id, or the beginning of it
    pub(crate) pair: String,
    /// Who decides
    #[arg(long, env = "USER", default_value = "operator")]
    pub(crate) by: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Pairs of companies that may be one: list, confirm, reject, undo
    #[command(subcommand)]
    Pairs(PairsCommand),
    /// Letters that wait, or those in another state
    List {
        /// draft, approved, queued, held, in_doubt, sent, failed …
        #[arg(long, default_value = "draft", value_parser = MessageState::parse)]
        state: MessageState,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u64,
    },
    /// One letter as it would go out
    Show {
        /// Its id (or the beginning of it), or the recipient
        message: String,
    },
    /// Approves one letter, or all drafts with --all and their number
    Approve {
        /// Its id (or the beginning of it), or the recipient
        message: Option<String>,
        /// All drafts; type how many wait
        #[arg(long, value_name = "COUNT", conflicts_with = "message")]
        all: Option<usize>,
        /// Only this batch
        #[arg(long, value_name = "TAG")]
        batch: Option<String>,
        /// Who approves
        #[arg(long, env = "USER", default_value = "operator")]
        by: String,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// Drops a letter that has not left
    Reject {
        /// Its id (or the beginning of it), or the recipient
        message: String,
        /// Why
        #[arg(long, default_value = "rejected")]
        reason: String,
        /// Who rejects
        #[arg(long, env = "USER", default_value = "operator")]
        by: String,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum OptoutCommand {
    /// Registers an address, a domain or a phone; at once and for good
    Add {
        /// What
        value: String,
        /// Why
        #[arg(long, default_value = "by request")]
        reason: String,
        /// Also the whole domain of a mail provider
        #[arg(long)]
        force: bool,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// The registry, newest first
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MailboxCommand {
    /// Caps, letters of the last 24 hours, pauses
    List,
    /// Pauses one until it is resumed
    Pause {
        /// yandex or gmail
        mailbox: String,
        /// Why
        #[arg(long, default_value = "by hand")]
        reason: String,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// Resumes one
    Resume {
        /// yandex or gmail
        mailbox: String,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// Ends a doubt: sent, again or drop
    Settle {
        /// The letter's id (or the beginning of it), or the recipient
        message: String,
        /// sent: it arrived; again: send it once more; drop: leave it
        #[arg(value_parser = ["sent", "again", "drop"])]
        outcome: String,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
}
