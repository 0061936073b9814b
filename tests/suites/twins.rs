//! One company once, on every store: whatever the order, whoever commits first, and back again.

mod evidence;
mod hostile;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use leadgen_core::actions::import;
use leadgen_core::domain::company::Company;
use leadgen_core::domain::flow::CompanyState;
use leadgen_core::domain::id::Id;
use leadgen_core::domain::lead::CompanyRow;
use leadgen_core::domain::time::Timestamp;
use leadgen_core::domain::twins::{PairEvent, PairState, TwinPair};
use leadgen_core::pipeline::{Pipeline, Until};
use leadgen_core::ports::clock::HandClock;
use leadgen_core::ports::store::Store;
use leadgen_core::rules::twins::decide::{Verdict, link};
use leadgen_core::rules::twins::profile::Profile;
use leadgen_core::testing::builders::{a_query, a_refusal, an_open_policy, at};
use leadgen_core::testing::memory::MemoryStore;
use leadgen_core::testing::scripted::{ScriptedSearch, results};
use leadgen_migrations::sea_orm::ConnectionTrait;
use leadgen_tests::databases::{self, Empty};
use leadgen_tests::firms::{self, Dice};
use leadgen_tests::search_bench;

const ALL: [PairState; 5] = [PairState::Pending, PairState::Linked, PairState::Merged, PairState::Confirmed, PairState::Rejected];
const ONE: [PairState; 3] = [PairState::Linked, PairState::Merged, PairState::Confirmed];

struct Ground {
    name: &'static str,
    store: Arc<dyn Store>,
    clock: Arc<HandClock>,
    place: Option<Empty>,
}

fn noon() -> Timestamp {
    at("2025-03-03T12:00:00Z")
}

async fn sql(place: Empty) -> Ground {
    let clock = Arc::new(HandClock::at(noon()));
    let store = search_bench::store(&place.url, clock.clone()).await.expect("a store");
    Ground { name: place.name, store, clock, place: Some(place) }
}

fn memory() -> Ground {
    let clock = Arc::new(HandClock::at(noon()));
    Ground { name: "memory", store: Arc::new(MemoryStore::with_lease_clock(clock.clone())), clock, place: None }
}

async fn every_store() -> Vec<Ground> {
    let mut all = vec![memory()];
    for place in databases::each().await {
        all.push(sql(place).await);
    }
    all
}

impl Ground {
    /// Puts documents through search, ingest and dedupe as one answer to one query.
    async fn found(&self, niche: &str, hits: &[(&str, &str)]) {
        self.come_in(niche, hits, &["submit", "poll", "ingest", "dedupe"]).await;
    }

    /// The same as far as those stages.
    async fn come_in(&self, niche: &str, hits: &[(&str, &str)], stages: &[&str]) {
        let query = a_query(niche, self.clock_now());
        self.store.enqueue(&[query]).await.expect("a query");
        let search = ScriptedSearch::answers([results(hits.iter().copied())]);
        let builder = Pipeline::builder().store(self.store.clone()).clock(self.clock.clone()).search(search);
        let pipeline = builder.policy(an_open_policy([])).build().expect("a pipeline");
        let pipeline = pipeline.only(stages).expect("its stages");
        pipeline.drain(Until::Idle).await.expect("done");
        self.later();
    }

    /// A minute passes: who comes next is younger.
    fn later(&self) {
        self.clock.move_to(self.clock_now() + std::time::Duration::from_mins(1));
    }

    fn clock_now(&self) -> Timestamp {
        use leadgen_core::ports::clock::Clock;
        self.clock.now()
    }

    async fn company(&self, text: &str) -> Company {
        self.store.find_company(text).await.expect("an answer").unwrap_or_else(|| panic!("{}: no company {text}", self.name))
    }

    async fn pairs(&self, states: &[PairState]) -> Vec<TwinPair> {
        self.store.pairs(states, 1_000_000).await.expect("pairs")
    }

    /// Hosts of companies that stand for themselves.
    async fn hosts(&self) -> Vec<String> {
        let lines = self.store.companies(None).await.expect("companies");
        lines.into_iter().map(|line| line.canonical_domain).collect()
    }
}

/// Who is one with whom: the least id of each company's group.
fn groups(companies: &[Id<Company>], ties: impl IntoIterator<Item = (Id<Company>, Id<Company>)>) -> BTreeMap<Id<Company>, Id<Company>> {
    let mut first: BTreeMap<_, _> = companies.iter().map(|id| (*id, *id)).collect();
    for (a, b) in ties {
        let (a, b) = (first[&a], first[&b]);
        let (least, other) = (a.min(b), a.max(b));
        first.values_mut().filter(|group| **group == other).for_each(|group| *group = least);
    }
    first
}

/// Rows of firms, each with a key of its own, dense enough to have twins, look-alikes and shared phones.
fn rows(seed: u64, count: usize) -> Vec<CompanyRow> {
    let mut rows = Vec::new();
    let mut keys = BTreeSet::new();
    firms::rows(count, seed, |row| {
        let row = CompanyRow {
            origin: format!("list:{}", rows.len() + 1),
            name: row.name,
            domain: row.domain,
            email: row.email,
            phone: row.phone,
            city: row.city,
            niche: String::new(),
            batch_tag: String::new(),
            ..CompanyRow::default()
        };
        let key = import::normalized(&row, &[]).map(|company| company.newborn.dedupe_key);
        if key.is_some_and(|key| keys.insert(key)) {
            rows.push(row);
        }
    });
    rows
}

fn shuffled(mut rows: Vec<CompanyRow>, dice: &mut Dice) -> Vec<CompanyRow> {
    for at in (1..rows.len()).rev() {
        rows.swap(at, dice.below(at + 1));
    }
    rows
}

/// By the rule alone: everybody with everybody.
fn by_the_rule(rows: &[CompanyRow]) -> BTreeMap<Id<Company>, Id<Company>> {
    let all: Vec<(Id<Company>, Profile)> = rows
        .iter()
        .filter_map(|row| {
            let company = import::normalized(row, &[])?;
            let profile = company
                .newborn
                .canonical_domain
                .iter()
                .fold(Profile::new(company.newborn.name.as_str(), &company.region), leadgen_core::rules::twins::profile::Profile::at);
            let profile = company.email.iter().fold(profile, leadgen_core::rules::twins::profile::Profile::mailed);
            Some((company.newborn.id(), company.phone.iter().fold(profile, leadgen_core::rules::twins::profile::Profile::called)))
        })
        .collect();
    let mut ties = Vec::new();
    for (place, (a, one)) in all.iter().enumerate() {
        ties.extend(all[..place].iter().filter(|(_, other)| link(one, other).verdict == Verdict::Same).map(|(b, _)| (*a, *b)));
    }
    groups(&all.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ties)
}

async fn one_by_one_and_all_at_once_agree(ground: &Ground, seed: u64, count: usize) {
    let rows = rows(seed, count);
    let mut dice = Dice::new(seed);
    let mut rest = shuffled(rows.clone(), &mut dice);
    while !rest.is_empty() {
        let batch: Vec<CompanyRow> = rest.drain(..rest.len().min(1 + dice.below(12))).collect();
        import::companies(ground.store.as_ref(), &batch, &[], ground.clock_now()).await.expect("rows come in");
    }
    let expected = by_the_rule(&rows);
    let ids: Vec<Id<Company>> = expected.keys().copied().collect();
    let ties = |pairs: Vec<TwinPair>| pairs.into_iter().map(|pair| (pair.first.id, pair.second.id)).collect::<Vec<_>>();

    assert_eq!(groups(&ids, ties(ground.pairs(&ONE).await)), expected, "{} seed {seed}: one by one", ground.name);
    let again = ground.store.regroup(ground.clock_now()).await.expect("all at once");
    assert_eq!((again.duplicates_marked, again.updated), (0, 0), "{} seed {seed}: all at once finds nothing more", ground.name);
    let merged = expected.iter().filter(|(id, first)| id != first).count() as u64;
    assert_eq!(again.primaries, again.companies - merged, "{} seed {seed}", ground.name);
    if let Some(place) = &ground.place {
        forget_all_that_was_found(place).await;
        let anew = ground.store.regroup(ground.clock_now()).await.expect("all at once, from nothing");
        assert_eq!(anew.duplicates_marked, merged, "{} seed {seed}: from nothing", ground.name);
        assert_eq!(groups(&ids, ties(ground.pairs(&ONE).await)), expected, "{} seed {seed}: all at once, from nothing", ground.name);
        let second = ground.store.regroup(ground.clock_now()).await.expect("once more");
        assert_eq!((second.duplicates_marked, second.pairs, second.updated), (0, 0, 0), "{} seed {seed}: and nothing more", ground.name);
    }
}

/// Every company stands for itself again, under no key, and no pair is kept: as if nobody had ever met.
async fn forget_all_that_was_found(place: &Empty) {
    let db = place.open().await;
    for sql in [
        "DELETE FROM company_pairs",
        "DELETE FROM company_keys",
        "UPDATE companies SET status = 'new', status_reason = NULL, duplicate_of = NULL",
    ] {
        db.execute_unprepared(sql).await.expect(sql);
    }
    db.close().await.expect("closed");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 48, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_groups_do_not_depend_on_order_or_batches(seed in 0_u64..1_000_000, count in 2_usize..60) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(one_by_one_and_all_at_once_agree(&memory(), seed, count));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    #[test]
    fn one_by_one_and_all_at_once_from_nothing_are_the_same_groups_on_sqlite(seed in 0_u64..1_000_000, count in 2_usize..60) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async { one_by_one_and_all_at_once_agree(&sql(Empty::file()).await, seed, count).await });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_groups_are_the_same_on_every_database() {
    for seed in 1..=2 {
        for place in databases::each().await {
            one_by_one_and_all_at_once_agree(&sql(place).await, seed, 80).await;
        }
    }
}

/// Scenario 7, the part of dedupe.
#[tokio::test(flavor = "multi_thread")]
async fn duplicates_across_batches_and_spellings_are_one_company() {
    for ground in every_store().await {
        ground
            .found(
                "стоматология",
                &[("https://www.denta-lux.ru/uslugi?utm_source=x", "Дента Люкс"), ("https://belyi-klyk.ru/about/", "Белый клык")],
            )
            .await;
        ground
            .found(
                "имплантация",
                &[
                    ("HTTPS://DENTA-LUX.RU:443/kontakty#map", "Контакты"),
                    ("http://msk.denta-lux.ru/", "Москва"),
                    ("https://one.tilda.ws/", "Один"),
                    ("https://two.tilda.ws/", "Два"),
                    ("https://пример.рф/", "Пример"),
                    ("https://xn--e1afmkfd.xn--p1ai/o-nas", "О нас"),
                    ("https://denta-luks.ru/", "ООО \"Дента-Люкс\""),
                ],
            )
            .await;
        let new = ["belyi-klyk.ru", "denta-lux.ru", "one.tilda.ws", "two.tilda.ws", "xn--e1afmkfd.xn--p1ai"];
        assert_eq!(ground.hosts().await, new, "{}", ground.name);
        let life = ground.store.life(ground.company("denta-lux.ru").await.id).await.expect("a life");
        for verdict in ["unique", "dup_host", "dup_family", "dup_fuzzy"] {
            assert!(
                life.iter().any(|line| line.stage == "dedupe" && line.what.starts_with(verdict)),
                "{}: {verdict} in {life:?}",
                ground.name
            );
        }
        let listed = ground.pairs(&[PairState::Pending, PairState::Linked]).await;
        assert_eq!(listed.len(), 1, "{}", ground.name);

        ground.store.decide_pair(listed[0].id, PairEvent::Reject, "anna", ground.clock_now()).await.expect("rejected");
        assert!(ground.hosts().await.contains(&"denta-luks.ru".to_owned()), "{}: rejecting it creates the company", ground.name);
        assert_eq!(ground.company("denta-luks.ru").await.state, CompanyState::New);
        let again = ground.store.regroup(ground.clock_now()).await.expect("looked at again");
        assert_eq!((again.duplicates_marked, again.pairs), (0, 0), "{}: the pair never returns", ground.name);
    }
}

fn list(rows: &[(&str, &str, &str, &str)]) -> Vec<CompanyRow> {
    let row = |(name, domain, email, phone): &(&str, &str, &str, &str)| CompanyRow {
        origin: "list:1".into(),
        name: (*name).into(),
        domain: (*domain).into(),
        email: (*email).into(),
        phone: (*phone).into(),
        city: "Казань".into(),
        niche: "стоматология".into(),
        batch_tag: String::new(),
        ..CompanyRow::default()
    };
    rows.iter().map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_of_three_is_explained_and_taken_back_whole() {
    for ground in every_store().await {
        ground.found("стоматология", &[("https://denta-lux.ru/", "Дента Люкс")]).await;
        ground.found("имплантация", &[("https://denta-luks.ru/", "ООО «Дента-Люкс»")]).await;
        let rows = list(&[("Дента Люкс", "dlx.ru", "info@dlx.ru", "+74952045138"), ("Дента-Люкс плюс", "", "", "8 495 204-51-38")]);
        import::companies(ground.store.as_ref(), &rows[..1], &[], ground.clock_now()).await.expect("a list");
        ground.later();
        let before_last = ground.store.companies(None).await.expect("companies");
        import::companies(ground.store.as_ref(), &rows[1..], &[], ground.clock_now()).await.expect("another list");

        let primary = ground.company("denta-lux.ru").await;
        let life = ground.store.life(primary.id).await.expect("a life");
        let merges: Vec<&str> = life.iter().filter(|line| line.stage == "merge").map(|line| line.what.as_str()).collect();
        assert_eq!(merges.len(), 3, "{}: {life:#?}", ground.name);
        assert!(
            merges.iter().any(|what| what.contains("phone")) && merges.iter().any(|what| what.contains("denta-luks.ru")),
            "{merges:#?}"
        );
        assert_eq!(ground.hosts().await, ["denta-lux.ru"], "{}: one company is left", ground.name);
        assert_eq!(before_last.len(), 1);
        let emails = &ground.store.companies(None).await.expect("companies")[0].emails;
        assert_eq!(emails, "info@dlx.ru", "{}: contacts went along", ground.name);

        for pair in ground.pairs(&ONE).await {
            ground.store.decide_pair(pair.id, PairEvent::Undo, "anna", ground.clock_now()).await.expect("undone");
        }
        let mut lines = ground.store.companies(None).await.expect("companies");
        lines.sort_by(|a, b| a.canonical_domain.cmp(&b.canonical_domain));
        let shown: Vec<(&str, &str, &str)> =
            lines.iter().map(|l| (l.canonical_domain.as_str(), l.emails.as_str(), l.status.as_str())).collect();
        let expected = [("", "", "new"), ("denta-luks.ru", "", "new"), ("denta-lux.ru", "", "new"), ("dlx.ru", "info@dlx.ru", "new")];
        assert_eq!(shown, expected, "{}: everything is where it was", ground.name);
        let life = ground.store.life(ground.company("denta-luks.ru").await.id).await.expect("a life");
        assert!(life.iter().any(|line| line.stage == "dedupe" && line.what.starts_with("unique")), "{}: {life:#?}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_any_member_covers_the_group_and_outlives_everything() {
    for ground in every_store().await {
        let rows = list(&[
            ("Дента Люкс", "denta-lux.ru", "info@denta-lux.ru", "+74952045138"),
            ("Дента-Люкс", "dlx.ru", "a@dlx.ru", "+74952045138"),
        ]);
        import::companies(ground.store.as_ref(), &rows, &[], ground.clock_now()).await.expect("a list");
        assert_eq!(ground.hosts().await.len(), 1, "{}", ground.name);

        ground.store.register(&a_refusal("a@dlx.ru", ground.clock_now()), "anna").await.expect("registered");
        ground.store.regroup(ground.clock_now()).await.expect("looked at again");
        let of_group = ground.store.companies(None).await.expect("companies");
        assert!(of_group.iter().all(|line| line.status == "optout"), "{}: {of_group:?}", ground.name);

        let late = list(&[("Дента Люкс", "dentalux.ru", "new@dentalux.ru", "+74952045138")]);
        import::companies(ground.store.as_ref(), &late, &[], ground.clock_now()).await.expect("another list");
        let lines = ground.store.companies(None).await.expect("companies");
        assert!(lines.iter().all(|line| line.status == "optout"), "{}: a newcomer of the group is covered too: {lines:?}", ground.name);
    }
}
