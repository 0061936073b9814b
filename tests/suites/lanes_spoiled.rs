//! In the lanes of results, companies and letters, too, a row that can't be read is given up with its reason: the others go on,
//! the operator is told, and nothing is lost or sent by mistake.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use leadgen_core::adapters::sql::SqlStore;
use leadgen_core::domain::contact::Findings;
use leadgen_core::domain::letter::{Drafted, Letter};
use leadgen_core::domain::mail::{FrozenMail, Receipt};
use leadgen_core::domain::mx::MxClass;
use leadgen_core::domain::serp::{Progress, RawPage, Reading, Sighting, Submission};
use leadgen_core::ports::clock::{Clock, HandClock};
use leadgen_core::ports::store::{Admit, ImportedCompany, Lane, OnceLane, Searches};
use leadgen_core::ports::work::{
    Call, Claim, DedupeResult, DraftLetter, EnrichCompany, IngestPage, PollOperation, RouteLetter, SendLetter, SubmitQuery, Work,
};
use leadgen_core::rules::twins;
use leadgen_core::testing::builders::{a_call, a_company, a_mailbox, a_query, address, an_open_policy, at};
use leadgen_migrations::sea_orm::{ConnectionTrait, DatabaseConnection};
use leadgen_tests::databases::{self, Empty};
use leadgen_tests::search_bench::{self, look_in};

struct Ground {
    name: &'static str,
    store: Arc<SqlStore>,
    clock: Arc<HandClock>,
    db: DatabaseConnection,
    _place: Empty,
}

async fn grounds() -> Vec<Ground> {
    let mut all = Vec::new();
    for place in databases::each().await {
        // A Tuesday, noon in Moscow: letters may leave.
        let clock = Arc::new(HandClock::at(at("2026-01-13T09:00:00Z")));
        let store = search_bench::store(&place.url, clock.clone()).await.expect("a store");
        all.push(Ground { name: place.name, store, clock, db: place.open().await, _place: place });
    }
    all
}

impl Ground {
    fn call(&self) -> Call {
        a_call(self.clock.now(), &an_open_policy([a_mailbox("gmail"), a_mailbox("yandex")]))
    }

    fn pass(&self, minutes: u64) {
        self.clock.move_to(self.clock.now() + Duration::from_mins(minutes));
    }

    /// Writes what no program of ours writes: another one did, or the disk.
    async fn spoil(&self, sql: &str) {
        let touched = self.db.execute_unprepared(sql).await.expect("spoil").rows_affected();
        assert!(touched > 0, "{}: {sql} spoils nothing", self.name);
    }

    async fn look(&self, sql: &str) -> Vec<Vec<String>> {
        look_in(&self.db, sql).await.expect("look")
    }

    /// Everything due in a lane, taken one at a time, so that a spoiled row is at times all that a claim finds.
    async fn all<W: Work>(&self) -> Vec<Claim<W>>
    where
        SqlStore: Lane<W>,
    {
        let call = Call { max: 1, ..self.call() };
        let mut all = Vec::new();
        loop {
            let claims = Lane::<W>::claim(self.store.as_ref(), &call).await.expect("a lane does not stop");
            if claims.is_empty() {
                return all;
            }
            all.extend(claims);
        }
    }

    async fn commit<W: Work>(&self, claim: &Claim<W>, done: W::Done)
    where
        SqlStore: Lane<W>,
    {
        let lost = Lane::<W>::commit(self.store.as_ref(), &self.call(), vec![(claim.ticket.clone(), done)]).await.expect("a commit");
        assert!(lost.is_empty());
    }

    async fn mark<W: Work>(&self, claim: &Claim<W>)
    where
        SqlStore: OnceLane<W>,
    {
        OnceLane::<W>::mark(self.store.as_ref(), &self.call(), &claim.ticket).await.expect("a mark");
    }

    /// Companies by a word each, with an address each.
    async fn companies(&self, words: &[&str]) {
        let company = |word: &&str| {
            a_company().named(&format!("Фирма {word}")).at(&format!("{word}.ru")).with_email(&format!("info@{word}.ru")).imported()
        };
        let all: Vec<ImportedCompany> = words.iter().map(company).collect();
        Admit::<ImportedCompany>::admit(self.store.as_ref(), "list", &all, None, self.clock.now()).await.expect("companies");
    }

    async fn ready(&self, words: &[&str]) {
        self.companies(words).await;
        for claim in self.all::<EnrichCompany>().await {
            self.commit(&claim, Findings { pages: 1, ..Findings::default() }).await;
        }
    }

    async fn approved(&self, words: &[&str]) {
        self.ready(words).await;
        for claim in self.all::<DraftLetter>().await {
            let drafted = Drafted {
                letter: Letter { subject: "Для вас".into(), body: "Здравствуйте!".into() },
                drafter: "template".into(),
                approval_hash: "hash".into(),
                needs_review: false,
                verification: None,
            };
            self.commit(&claim, drafted).await;
        }
    }

    async fn queued(&self, words: &[&str]) {
        self.approved(words).await;
        for claim in self.all::<RouteLetter>().await {
            let mailbox = a_mailbox("gmail");
            let mail = FrozenMail {
                message: claim.item.id,
                mailbox: mailbox.name,
                from: mailbox.from,
                to: address(claim.item.to.as_str()),
                message_id: format!("{}@studio.example", claim.item.id),
                bytes: b"Subject: x\r\n\r\nx\r\n".to_vec(),
                class: MxClass::Other,
                records: vec![],
                fallback: false,
            };
            self.commit(&claim, (mail, vec!["gmail".into()])).await;
        }
        self.pass(30);
    }

    /// The journal's word, and how the reason begins.
    async fn is_told(&self, subject: &str, times: usize) {
        let told = self.look(&format!("SELECT detail FROM audit WHERE action = 'row_unreadable' AND subject = '{subject}'")).await;
        assert_eq!(told.len(), times, "{}: {told:?}", self.name);
        assert!(told.iter().all(|row| row[0].starts_with("row_unreadable: ")), "{told:?}");
    }
}

fn words<W: Work>(claims: &[Claim<W>], word: impl Fn(&W::Item) -> String) -> BTreeSet<String> {
    claims.iter().map(|claim| word(&claim.item)).collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(ToString::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_that_can_not_be_read_does_not_stop_the_visits() {
    for ground in grounds().await {
        ground.companies(&["alpha", "beta", "gamma", "delta"]).await;
        ground.spoil("UPDATE companies SET canonical_domain = 'no host' WHERE name = 'Фирма alpha'").await;
        ground.spoil("UPDATE companies SET registrable_domain = '..' WHERE canonical_domain = 'gamma.ru'").await;

        let claims = ground.all::<EnrichCompany>().await;

        assert_eq!(words(&claims, |company| company.name.clone()), set(&["Фирма beta", "Фирма delta"]), "{}", ground.name);
        let ended = ground.look("SELECT name, status, status_reason, last_error FROM companies WHERE status <> 'new' ORDER BY name").await;
        let ends: Vec<_> = ended.iter().map(|row| (row[0].as_str(), row[1].as_str(), row[2].as_str())).collect();
        assert_eq!(ends, [("Фирма alpha", "disqualified", "row_unreadable"), ("Фирма gamma", "disqualified", "row_unreadable")]);
        assert!(ended.iter().all(|row| row[3].starts_with("row_unreadable: ")), "{ended:?}");
        ground.is_told("company", 2).await;
        ground.pass(60 * 24 * 3);
        assert_eq!(ground.all::<EnrichCompany>().await.len(), 2, "{}: those of the lapsed leases, not the spoiled ones", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_or_an_address_that_can_not_be_read_does_not_stop_the_letters_of_others() {
    for ground in grounds().await {
        ground.ready(&["alpha", "beta", "gamma"]).await;
        ground.spoil("UPDATE contacts SET verification = 'perhaps' WHERE value = 'info@alpha.ru'").await;
        ground.spoil("UPDATE companies SET canonical_domain = 'no host' WHERE name = 'Фирма beta'").await;

        let claims = ground.all::<DraftLetter>().await;

        assert_eq!(words(&claims, |prospect| prospect.company.name.clone()), set(&["Фирма gamma"]), "{}", ground.name);
        let ended = ground.look("SELECT status, last_error FROM companies WHERE status_reason = 'row_unreadable' ORDER BY name").await;
        assert_eq!(ended.len(), 2, "{}", ground.name);
        assert!(ended.iter().all(|row| row[0] == "ready_to_contact" && row[1].starts_with("row_unreadable: ")), "{ended:?}");
        ground.is_told("company", 2).await;
        ground.pass(60 * 24 * 3);
        assert_eq!(ground.all::<DraftLetter>().await.len(), 1, "{}: they are not tried for ever", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_can_not_be_read_does_not_stop_the_routing_of_others() {
    for ground in grounds().await {
        ground.approved(&["alpha", "beta", "gamma"]).await;
        ground.spoil("UPDATE outreach_messages SET to_email = 'nobody' WHERE to_email = 'info@alpha.ru'").await;
        ground.spoil("UPDATE outreach_messages SET delivery_status = 'perhaps' WHERE to_email = 'info@beta.ru'").await;

        let claims = ground.all::<RouteLetter>().await;

        assert_eq!(words(&claims, |letter| letter.to.as_str().to_owned()), set(&["info@gamma.ru"]), "{}", ground.name);
        let ended = ground.look("SELECT status, last_error FROM outreach_messages WHERE status <> 'approved'").await;
        assert_eq!(ended.len(), 2, "{}", ground.name);
        assert!(ended.iter().all(|row| row[0] == "failed" && row[1].starts_with("row_unreadable: ")), "{ended:?}");
        ground.is_told("message", 2).await;
        assert!(ground.all::<DraftLetter>().await.is_empty(), "{}: nobody is written to a second time", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_can_not_be_read_is_not_sent_and_others_are() {
    for ground in grounds().await {
        ground.queued(&["alpha", "beta", "gamma"]).await;
        ground.spoil("UPDATE outreach_messages SET to_email = 'nobody' WHERE to_email = 'info@alpha.ru'").await;
        ground.spoil("UPDATE outreach_messages SET from_email = '' WHERE to_email = 'info@beta.ru'").await;

        let claims = ground.all::<SendLetter>().await;

        assert_eq!(words(&claims, |mail| mail.to.as_str().to_owned()), set(&["info@gamma.ru"]), "{}", ground.name);
        ground.mark(&claims[0]).await;
        ground.commit(&claims[0], Receipt { reply: "250 OK".into(), at: ground.clock.now() }).await;
        let ended = ground.look("SELECT status, COALESCE(last_error, '') FROM outreach_messages ORDER BY status").await;
        assert_eq!(ended.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["failed", "failed", "sent"], "{}", ground.name);
        assert!(ended[..2].iter().all(|row| row[1].starts_with("row_unreadable: ")), "{ended:?}");
        ground.is_told("message", 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_past_its_mark_that_can_not_be_read_is_in_doubt_and_never_sent_again() {
    for ground in grounds().await {
        ground.queued(&["alpha", "beta"]).await;
        let claims = ground.all::<SendLetter>().await;
        ground.mark(&claims[0]).await;
        let row = claims[0].item.to.as_str();
        ground.spoil(&format!("UPDATE outreach_messages SET to_email = 'nobody' WHERE to_email = '{row}'")).await;
        ground.pass(60);

        let others = ground.all::<SendLetter>().await;

        assert_eq!(others.len(), 1, "{}: the other one has its turn", ground.name);
        let ended = ground.look("SELECT status, last_error FROM outreach_messages WHERE to_email = 'nobody'").await;
        assert!(ended[0][0] == "in_doubt" && ended[0][1].starts_with("row_unreadable: "), "{}: {ended:?}", ground.name);
        ground.is_told("message", 1).await;
    }
}

fn sighting(position: u32, host: &str, title: &str) -> Sighting {
    Sighting {
        position,
        url: format!("https://{host}/"),
        domain: host.to_owned(),
        registrable_domain: Some(host.to_owned()),
        title: title.to_owned(),
        snippet: String::new(),
        language: None,
    }
}

impl Ground {
    /// Results of one page, as far as the lane of deduplication.
    async fn found(&self, sightings: Vec<Sighting>) {
        self.store.enqueue(&[a_query("стоматология", self.clock.now())]).await.expect("a query");
        let claim = self.all::<SubmitQuery>().await.remove(0);
        self.mark(&claim).await;
        self.commit(&claim, Submission::Deferred("op-1".into())).await;
        self.pass(10);
        let claim = self.all::<PollOperation>().await.remove(0);
        self.commit(&claim, Progress::Done(RawPage { bytes: b"<xml/>".to_vec() })).await;
        let claim = self.all::<IngestPage>().await.remove(0);
        let documents = sightings.len() as u32;
        self.commit(&claim, Reading { sightings, documents, ..Reading::default() }).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_can_not_be_read_does_not_stop_those_behind_it() {
    for ground in grounds().await {
        // A company of the same name as a result, whose state is no word of ours: it is left out of the comparison.
        ground.companies(&["beta"]).await;
        ground.spoil("UPDATE companies SET status = 'perhaps' WHERE canonical_domain = 'beta.ru'").await;
        let results =
            [sighting(1, "alpha.ru", "Фирма alpha"), sighting(2, "beta-dent.ru", "Фирма beta"), sighting(3, "gamma.ru", "Фирма gamma")];
        ground.found(results.into()).await;
        ground.spoil("UPDATE serp_results SET domain = 'no host' WHERE domain = 'alpha.ru'").await;

        let claims = ground.all::<DedupeResult>().await;

        assert_eq!(words(&claims, |suspect| suspect.domain.to_string()), set(&["beta-dent.ru", "gamma.ru"]), "{}", ground.name);
        for claim in &claims {
            let newborn = twins::newborn(&claim.item.title, claim.item.domain.as_str()).expect("a company");
            ground.commit(claim, newborn).await;
        }
        let left = ground.look("SELECT domain, last_error FROM serp_results WHERE dedup_status = 'new'").await;
        assert_eq!(left.len(), 1, "{}: {left:?}", ground.name);
        assert!(left[0][0] == "no host" && left[0][1].starts_with("row_unreadable: "), "{left:?}");
        let companies = ground.look("SELECT CAST(count(*) AS text) FROM companies").await;
        assert_eq!(companies, [["3"]], "{}", ground.name);
        ground.pass(60 * 24);
        assert!(ground.all::<DedupeResult>().await.is_empty(), "{}: it is put aside", ground.name);
    }
}
