//! How an item gets into each lane, and an outcome that ends it well.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::company::{Company, NewCompany, Suspect};
use crate::domain::contact::Findings;
use crate::domain::lead::{LeadRow, Niche};
use crate::domain::letter::{Drafted, Letter, Prospect};
use crate::domain::mail::{FrozenMail, Receipt};
use crate::domain::message::Message;
use crate::domain::mx::MxClass;
use crate::domain::query::{Planned, PlannedQuery, SearchQuery};
use crate::domain::serp::{KeptPage, Operation, Progress, RawPage, Reading, Sighting, Submission};
use crate::error::Result;
use crate::ports::store::{Admit, ImportedCompany, Lane, Store};
use crate::ports::work::{
    DedupeResult, DraftLetter, EnrichCompany, IngestPage, PlanNiche, PollOperation, RouteLetter, SendLetter, SubmitQuery, Ticket, Work,
};
use crate::rules::twins;
use crate::testing::builders::{ACompany, a_company, a_mailbox, a_query, a_row, address};

use super::world::World;

/// A work whose items a check can make.
#[async_trait(?Send)]
pub(super) trait Seeded: Work {
    /// Puts one item into the lane: named by a word, of the batch of that name.
    async fn seed(world: &World, word: &str) -> Result<()>;

    /// An outcome that ends an item well.
    fn done(item: &Self::Item) -> Self::Done;

    /// What has to come before the outcome: the mark, where there is one.
    async fn before(_world: &World, _ticket: &Ticket) -> Result<()> {
        Ok(())
    }
}

/// Brings the items of a batch through a lane.
pub(super) async fn through<W: Seeded>(world: &World, batch: &str) -> Result<()>
where
    dyn Store: Lane<W>,
{
    for claim in world.claim_as::<W>(&world.of_batch(batch)).await? {
        W::before(world, &claim.ticket).await?;
        let lost = world.commit::<W>(&claim.ticket, W::done(&claim.item)).await?;
        assert!(lost.is_empty(), "an outcome within the lease is kept ({})", W::NAME);
    }
    Ok(())
}

pub(super) async fn admit(world: &World, row: &LeadRow) -> Result<()> {
    Admit::<LeadRow>::admit(world.store.as_ref(), "sheet", std::slice::from_ref(row), None, world.now()).await.map(|_| ())
}

pub(super) async fn import(world: &World, company: &ACompany) -> Result<()> {
    Admit::<ImportedCompany>::admit(world.store.as_ref(), "list", &[company.imported()], None, world.now()).await.map(|_| ())
}

/// A query by hand, due now.
pub(super) fn query_now(world: &World, word: &str) -> SearchQuery {
    SearchQuery { batch_tag: word.to_owned(), ..a_query(word, world.now()) }
}

pub(super) fn sighting(host: &str, title: &str, position: u32) -> Sighting {
    Sighting {
        position,
        url: format!("https://{host}/"),
        domain: host.to_owned(),
        registrable_domain: Some(host.to_owned()),
        title: title.to_owned(),
        snippet: "Лечение зубов".into(),
        language: Some("ru".into()),
    }
}

/// A company of that word's host and batch, with an address.
pub(super) fn firm(word: &str) -> ACompany {
    a_company().named(&format!("Фирма {word}")).at(&format!("{word}.ru")).of_batch(word).with_email(&format!("info@{word}.ru"))
}

#[async_trait(?Send)]
impl Seeded for PlanNiche {
    async fn seed(world: &World, word: &str) -> Result<()> {
        admit(world, &LeadRow { batch_tag: word.to_owned(), ..a_row(word, "Казань") }).await
    }

    fn done(item: &Niche) -> Planned {
        Planned { queries: vec![PlannedQuery { text: format!("lang:ru {}", item.niche), region: 43, trigger: None }], warning: None }
    }
}

#[async_trait(?Send)]
impl Seeded for SubmitQuery {
    async fn seed(world: &World, word: &str) -> Result<()> {
        world.store.enqueue(&[query_now(world, word)]).await.map(|_| ())
    }

    fn done(item: &SearchQuery) -> Submission {
        Submission::Deferred(format!("op-{}", item.text))
    }

    async fn before(world: &World, ticket: &Ticket) -> Result<()> {
        world.mark::<Self>(ticket).await
    }
}

#[async_trait(?Send)]
impl Seeded for PollOperation {
    async fn seed(world: &World, word: &str) -> Result<()> {
        SubmitQuery::seed(world, word).await?;
        through::<SubmitQuery>(world, word).await?;
        world.pass(world.policy.search.poll_interval);
        Ok(())
    }

    fn done(item: &Operation) -> Progress {
        Progress::Done(RawPage { bytes: item.handle.clone().into_bytes() })
    }
}

#[async_trait(?Send)]
impl Seeded for IngestPage {
    async fn seed(world: &World, word: &str) -> Result<()> {
        PollOperation::seed(world, word).await?;
        through::<PollOperation>(world, word).await
    }

    fn done(item: &KeptPage) -> Reading {
        let word = &item.query.text;
        Reading { sightings: vec![sighting(&format!("{word}.ru"), &format!("Фирма {word}"), 1)], documents: 1, ..Reading::default() }
    }
}

#[async_trait(?Send)]
impl Seeded for DedupeResult {
    async fn seed(world: &World, word: &str) -> Result<()> {
        IngestPage::seed(world, word).await?;
        through::<IngestPage>(world, word).await
    }

    fn done(item: &Suspect) -> NewCompany {
        twins::newborn(&item.title, item.domain.as_str()).unwrap_or_else(|| a_company().newborn())
    }
}

#[async_trait(?Send)]
impl Seeded for EnrichCompany {
    async fn seed(world: &World, word: &str) -> Result<()> {
        import(world, &firm(word)).await
    }

    fn done(_item: &Company) -> Findings {
        Findings { excerpt: "Лечим зубы".into(), pages: 1, ..Findings::default() }
    }
}

#[async_trait(?Send)]
impl Seeded for DraftLetter {
    async fn seed(world: &World, word: &str) -> Result<()> {
        EnrichCompany::seed(world, word).await?;
        through::<EnrichCompany>(world, word).await
    }

    fn done(item: &Prospect) -> Drafted {
        drafted(item, false)
    }
}

/// A letter for a prospect.
pub(super) fn drafted(item: &Prospect, needs_review: bool) -> Drafted {
    Drafted {
        letter: Letter { subject: "Для вас".into(), body: format!("Здравствуйте, {}!", item.company.name) },
        drafter: "template".into(),
        approval_hash: format!("hash of {}", item.to.as_str()),
        needs_review,
        verification: None,
    }
}

#[async_trait(?Send)]
impl Seeded for RouteLetter {
    async fn seed(world: &World, word: &str) -> Result<()> {
        DraftLetter::seed(world, word).await?;
        through::<DraftLetter>(world, word).await
    }

    fn done(item: &Message) -> (FrozenMail, Vec<String>) {
        (frozen(item, "gmail"), vec!["gmail".into(), "yandex".into()])
    }
}

/// A message's bytes for a mailbox.
pub(super) fn frozen(item: &Message, mailbox: &str) -> FrozenMail {
    let mailbox = a_mailbox(mailbox);
    FrozenMail {
        message: item.id,
        mailbox: mailbox.name,
        from: mailbox.from,
        to: address(item.to.as_str()),
        message_id: format!("{}.{}@studio.example", item.id, item.tried_mailboxes.len()),
        bytes: format!("To: {}\r\n\r\nПривет\r\n", item.to.as_str()).into_bytes(),
        class: MxClass::Other,
        records: vec!["mx.example.net".into()],
        fallback: false,
    }
}

#[async_trait(?Send)]
impl Seeded for SendLetter {
    async fn seed(world: &World, word: &str) -> Result<()> {
        RouteLetter::seed(world, word).await?;
        through::<RouteLetter>(world, word).await?;
        // Its turn is one delay after the last one of its mailbox.
        world.pass(Duration::from_mins(2));
        Ok(())
    }

    fn done(_item: &FrozenMail) -> Receipt {
        Receipt { reply: "250 2.0.0 OK".into(), at: crate::domain::time::Timestamp::default() }
    }

    async fn before(world: &World, ticket: &Ticket) -> Result<()> {
        world.mark::<Self>(ticket).await
    }
}
