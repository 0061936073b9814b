//! Newcomers are settled: known by host, family or key, or born.

use std::collections::{HashMap, HashSet};

use sea_orm::{DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use crate::domain::company::{Company, NewCompany};
use crate::domain::contact::FoundContact;
use crate::domain::flow::{CompanyState, ResultState};
use crate::domain::id::Id;
use crate::domain::name::{DomainName, RegistrableDomain};
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::rules::twins::profile::{Known, Profile};

use super::connection::{SqlStore, insert_rows, list, query, run};
use super::row::{get, id};

/// A company about to be born, with where it was seen.
#[derive(Clone, Debug)]
pub(super) struct Birth<'a> {
    pub(super) newborn: &'a NewCompany,
    pub(super) industry: &'a str,
    pub(super) region: &'a str,
    pub(super) batch_tag: &'a str,
    pub(super) snippet: &'a str,
    pub(super) source: &'a str,
    pub(super) result: Option<Uuid>,
    /// Contacts it came with.
    pub(super) contacts: Vec<FoundContact>,
    /// ИНН it came with.
    pub(super) inn: Option<&'a str>,
    /// ОГРН it came with.
    pub(super) ogrn: Option<&'a str>,
}

impl Birth<'_> {
    pub(super) fn facts(&self) -> Profile {
        let numbered = Profile::default().with(Known::Inn, self.inn.unwrap_or("")).with(Known::Ogrn, self.ogrn.unwrap_or(""));
        self.contacts.iter().fold(numbered, Profile::showing)
    }
}

/// What became of a newcomer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// The company it is: the primary one of its group.
    pub(super) company: Id<Company>,
    /// By which rule.
    pub(super) verdict: ResultState,
    /// How sure it is, 0 to 1.
    pub(super) score: f64,
}

/// Known companies by what is exact.
#[derive(Debug, Default)]
struct Exact {
    hosts: HashMap<String, Id<Company>>,
    /// Hosts beside that: further ones of its family, and where its site moved to.
    further: HashMap<String, Id<Company>>,
    families: HashMap<String, Id<Company>>,
    keys: HashMap<String, Id<Company>>,
}

impl Exact {
    fn find(&self, newborn: &NewCompany) -> Option<Settled> {
        let host = newborn.canonical_domain.as_ref().map(DomainName::as_str);
        let family = newborn.registrable_domain.as_ref().map(RegistrableDomain::as_str);
        let settled = |verdict| move |company: &Id<Company>| Settled { company: *company, verdict, score: 1.0 };
        let of_family = |company: &Id<Company>| family.is_some_and(|family| self.families.get(family) == Some(company));
        let by_further = |company: &Id<Company>| {
            let verdict = if of_family(company) { ResultState::DupFamily } else { ResultState::DupCanonical };
            settled(verdict)(company)
        };
        host.and_then(|host| self.hosts.get(host))
            .map(settled(ResultState::DupHost))
            .or_else(|| host.and_then(|host| self.further.get(host)).map(by_further))
            .or_else(|| family.and_then(|family| self.families.get(family)).map(settled(ResultState::DupFamily)))
            .or_else(|| self.keys.get(&newborn.dedupe_hash).map(settled(ResultState::DupFamily)))
    }

    fn take(&mut self, row: &QueryResult) -> Result<()> {
        let root: Id<Company> = id(row, "root")?;
        let text = |column: &str| get::<Option<String>>(row, column);
        if let Some(host) = text("canonical_domain")? {
            self.hosts.insert(host, root);
        }
        if let Some(host) = text("host")? {
            self.further.insert(host, root);
        }
        if let Some(family) = text("registrable_domain")? {
            self.families.insert(family, root);
        }
        if let Some(hash) = text("dedupe_hash")? {
            self.keys.insert(hash, root);
        }
        Ok(())
    }

    fn learn(&mut self, newborn: &NewCompany, company: Id<Company>) {
        if let Some(host) = &newborn.canonical_domain {
            let of_family = newborn.registrable_domain.as_ref().is_some_and(|family| self.families.contains_key(family.as_str()));
            let known = if of_family { &mut self.further } else { &mut self.hosts };
            known.entry(host.to_string()).or_insert(company);
        }
        if let Some(family) = &newborn.registrable_domain {
            self.families.entry(family.to_string()).or_insert(company);
        }
        self.keys.entry(newborn.dedupe_hash.clone()).or_insert(company);
    }
}

impl SqlStore {
    /// Settles newcomers in their order: one that is known by host, family or key is that company, the others are born,
    /// filed under their keys, and meet those they may be. The caller holds `Serial::Twins`.
    pub(super) async fn settle(&self, tx: &DatabaseTransaction, now: Timestamp, births: &[Birth<'_>]) -> Result<Vec<Settled>> {
        let first_look = known_or_new(self.exact(tx, births).await?, births);
        if !births.iter().zip(&first_look).any(|(birth, settled)| tells_of_known(birth, settled)) {
            return self.settle_at_once(tx, now, births, first_look).await;
        }
        let mut settled = Vec::with_capacity(births.len());
        for births in in_turns(births, &first_look) {
            let known = known_or_new(self.exact(tx, births).await?, births);
            settled.extend(self.settle_at_once(tx, now, births, known).await?);
        }
        // Whoever came first may have become another's by what was told later.
        self.stand_for(tx, &mut settled).await?;
        Ok(settled)
    }

    async fn settle_at_once(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        births: &[Birth<'_>],
        mut settled: Vec<Settled>,
    ) -> Result<Vec<Settled>> {
        let born = || births.iter().zip(&settled).filter(|(_, settled)| settled.verdict == ResultState::Unique).map(|(birth, _)| birth);
        insert_companies(tx, now, born()).await?;
        let fresh: Vec<Uuid> = born().map(|birth| birth.newborn.id().uuid()).collect();
        // Results hang on their companies before the meeting, as contacts do: so they are moved with them, and back.
        for (birth, settled) in births.iter().zip(&settled) {
            let Some(result) = birth.result else { continue };
            let values = vec![result.into(), settled.company.uuid().into(), settled.verdict.as_str().into(), settled.score.into()];
            run(tx, "UPDATE serp_results SET company_id = $2, dedup_status = $3, dedup_score = $4 WHERE id = $1", values).await?;
        }
        self.know_hosts(tx, now, births, &settled).await?;
        let told_of = self.told_of(tx, births, &settled).await?;
        let learnt = self.keep_contacts(tx, now, births, &settled, &told_of).await?;
        let roots = self.meet_all(tx, now, &fresh).await?;
        for settled in &mut settled {
            // Only the result a company was born of is one that was compared by name; that of the primary one stays unique.
            if let Some((root, joined)) = roots.get(&settled.company).filter(|(root, _)| *root != settled.company)
                && settled.verdict == ResultState::Unique
            {
                let partner = roots.get(root).and_then(|(_, joined)| *joined);
                (settled.verdict, settled.score) = (ResultState::DupFuzzy, joined.or(partner).unwrap_or(1.0));
            }
        }
        self.fill_gaps(tx, now, births, &settled, &told_of).await?;
        self.learn(tx, now, &learnt).await?;
        self.stand_for(tx, &mut settled).await?;
        Ok(settled)
    }

    /// Whatever became one meanwhile, newcomers and those that were known, is named by the company that stands for it.
    async fn stand_for(&self, tx: &DatabaseTransaction, settled: &mut [Settled]) -> Result<()> {
        for settled in settled.chunks_mut(300) {
            let (places, values) = list(1, settled.iter().map(|settled| settled.company.uuid()).collect::<HashSet<_>>());
            let sql = format!("SELECT id, duplicate_of FROM companies WHERE id IN ({places}) AND duplicate_of IS NOT NULL");
            let mut roots: HashMap<Id<Company>, Id<Company>> = HashMap::new();
            for row in query(tx, &sql, values).await? {
                roots.insert(id(&row, "id")?, id(&row, "duplicate_of")?);
            }
            for settled in settled {
                settled.company = roots.get(&settled.company).copied().unwrap_or(settled.company);
            }
        }
        Ok(())
    }

    /// Of which company newcomers tell: what is told of a duplicate is its own, as it would be had it come before the two became
    /// one. Which of a group stands for it must not change who is compared with what.
    async fn told_of(&self, tx: &DatabaseTransaction, births: &[Birth<'_>], settled: &[Settled]) -> Result<Vec<Id<Company>>> {
        let known = births.iter().zip(settled).filter(|(birth, settled)| settled.company != birth.newborn.id());
        let telling: HashSet<Uuid> =
            known.filter(|(birth, settled)| tells_of_known(birth, settled)).map(|(birth, _)| birth.newborn.id().uuid()).collect();
        let telling: Vec<Uuid> = telling.into_iter().collect();
        let mut there: HashSet<Id<Company>> = HashSet::new();
        for telling in telling.chunks(300) {
            let (places, values) = list(1, telling.iter().copied());
            for row in query(tx, &format!("SELECT id FROM companies WHERE id IN ({places})"), values).await? {
                there.insert(id(&row, "id")?);
            }
        }
        let one = |(birth, settled): (&Birth<'_>, &Settled)| {
            let own = birth.newborn.id();
            if there.contains(&own) { own } else { settled.company }
        };
        Ok(births.iter().zip(settled).map(one).collect())
    }

    /// Keeps what contacts newcomers came with; what is learnt by it of companies that were known before.
    async fn keep_contacts(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        births: &[Birth<'_>],
        settled: &[Settled],
        told_of: &[Id<Company>],
    ) -> Result<Vec<(Id<Company>, Profile)>> {
        let mut learnt = Vec::new();
        for ((birth, settled), told_of) in births.iter().zip(settled).zip(told_of) {
            for found in &birth.contacts {
                self.keep_contact(tx, now, settled.company, found).await?;
            }
            if settled.verdict != ResultState::Unique && !birth.facts().is_bare() {
                learnt.push((*told_of, birth.facts()));
            }
        }
        Ok(learnt)
    }

    /// Known companies take place, trade and numbers from a list where they had none; with another place they meet everybody once more.
    async fn fill_gaps(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        births: &[Birth<'_>],
        settled: &[Settled],
        told_of: &[Id<Company>],
    ) -> Result<()> {
        let mut filled = Vec::new();
        let known = births.iter().zip(settled).zip(told_of).filter(|((_, settled), _)| settled.verdict != ResultState::Unique);
        let listed = known.map(|((birth, _), told_of)| (birth, told_of)).filter(|(birth, _)| birth.result.is_none());
        let tells = |birth: &Birth<'_>| [birth.region, birth.industry, birth.inn.unwrap_or(""), birth.ogrn.unwrap_or("")].concat();
        for (birth, told_of) in listed.filter(|(birth, _)| !tells(birth).is_empty()) {
            let sql = "UPDATE companies SET region = CASE WHEN region = '' THEN $2 ELSE region END,
                industry = CASE WHEN industry = '' THEN $3 ELSE industry END, inn = COALESCE(inn, $5), ogrn = COALESCE(ogrn, $6), updated_at = $4
                WHERE id = $1 AND ((region = '' AND $2 <> '') OR (industry = '' AND $3 <> '') OR (inn IS NULL AND $5 IS NOT NULL)
                    OR (ogrn IS NULL AND $6 IS NOT NULL))";
            let company = told_of.uuid();
            let told = |number: Option<&str>| number.map(str::to_owned).into();
            let values =
                vec![company.into(), birth.region.into(), birth.industry.into(), now.millis().into(), told(birth.inn), told(birth.ogrn)];
            if run(tx, sql, values).await? > 0 {
                filled.push(company);
            }
        }
        self.meet_all(tx, now, &filled).await?;
        Ok(())
    }

    async fn exact(&self, tx: &DatabaseTransaction, births: &[Birth<'_>]) -> Result<Exact> {
        let mut exact = Exact::default();
        for births in births.chunks(300) {
            let (sql, values) = exact_of(births);
            let rows = query(tx, &sql, values).await?;
            for row in rows {
                exact.take(&row)?;
            }
        }
        Ok(exact)
    }

    async fn know_hosts(&self, tx: &DatabaseTransaction, now: Timestamp, births: &[Birth<'_>], settled: &[Settled]) -> Result<()> {
        let rows = host_rows(now, births, settled);
        let head = "INSERT INTO domains (host, company_id, is_canonical, created_at)";
        insert_rows(tx, head, rows.into_iter(), "ON CONFLICT (host) DO NOTHING").await
    }
}

/// Which newcomers are known by what is exact, also by one that stands before them; the others are new.
fn known_or_new(mut exact: Exact, births: &[Birth<'_>]) -> Vec<Settled> {
    let settle = |birth: &Birth<'_>| {
        let new = Settled { company: birth.newborn.id(), verdict: ResultState::Unique, score: 1.0 };
        let settled = exact.find(birth.newborn).unwrap_or(new);
        // A host of a known family is a known host from now on.
        exact.learn(birth.newborn, settled.company);
        settled
    };
    births.iter().map(settle).collect()
}

/// Whether a row of a list may tell something new of a company that is known by then.
fn tells_of_known(birth: &Birth<'_>, settled: &Settled) -> bool {
    let tells = !birth.facts().is_bare() || !birth.region.is_empty() || !birth.industry.is_empty();
    birth.result.is_none() && settled.verdict != ResultState::Unique && tells
}

/// Newcomers in the parts that are settled together. What a row tells of a known company is learnt before those after it meet
/// that company: a list comes to the same groups whether it comes in at once or row by row.
fn in_turns<'a, 'b>(births: &'a [Birth<'b>], settled: &[Settled]) -> Vec<&'a [Birth<'b>]> {
    let mut turns = Vec::new();
    let mut from = 0;
    for (at, (birth, settled)) in births.iter().zip(settled).enumerate() {
        if tells_of_known(birth, settled) {
            turns.extend([&births[from..at], &births[at..=at]]);
            from = at + 1;
        }
    }
    turns.push(&births[from..]);
    turns.retain(|turn| !turn.is_empty());
    turns
}

/// Asks for companies that newcomers are by host, family or key.
fn exact_of(births: &[Birth<'_>]) -> (String, Vec<Value>) {
    let of = |name: fn(&NewCompany) -> Option<String>| births.iter().filter_map(|birth| name(birth.newborn)).collect::<HashSet<String>>();
    let (hosts, mut values) = list(1, of(|newborn| newborn.canonical_domain.as_ref().map(ToString::to_string)));
    let (families, more) = list(1 + values.len(), of(|newborn| newborn.registrable_domain.as_ref().map(ToString::to_string)));
    values.extend(more);
    let (hashes, more) = list(1 + values.len(), of(|newborn| Some(newborn.dedupe_hash.clone())));
    values.extend(more);
    let sql = format!(
        "SELECT c.canonical_domain, c.registrable_domain, c.dedupe_hash, COALESCE(c.duplicate_of, c.id) AS root, NULL AS host FROM companies c
         WHERE c.canonical_domain IN ({hosts}) OR c.registrable_domain IN ({families}) OR c.dedupe_hash IN ({hashes})
         UNION ALL SELECT NULL, NULL, NULL, COALESCE(c.duplicate_of, c.id), d.host FROM domains d JOIN companies c ON c.id = d.company_id
         WHERE d.host IN ({hosts})"
    );
    (sql, values)
}

/// Hosts of newcomers, each once.
fn host_rows(now: Timestamp, births: &[Birth<'_>], settled: &[Settled]) -> Vec<Vec<Value>> {
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (birth, settled) in births.iter().zip(settled) {
        let Some(host) = birth.newborn.canonical_domain.as_ref().map(ToString::to_string) else { continue };
        if seen.insert(host.clone()) {
            let canonical = settled.verdict == ResultState::Unique;
            rows.push(vec![host.into(), settled.company.uuid().into(), canonical.into(), now.millis().into()]);
        }
    }
    rows
}

async fn insert_companies<'a>(tx: &DatabaseTransaction, now: Timestamp, births: impl Iterator<Item = &'a Birth<'a>>) -> Result<()> {
    let head = "INSERT INTO companies (id, name, normalized_name, canonical_domain, registrable_domain, website_url, industry, region,
        batch_tag, status, dedupe_hash, source, source_result_id, last_snippet, facts, inn, ogrn, first_seen_at, last_seen_at, created_at, updated_at)";
    let rows: Vec<Vec<Value>> = births.map(|birth| company_row(now, birth)).collect();
    insert_rows(tx, head, rows.into_iter(), "").await
}

fn company_row(now: Timestamp, birth: &Birth<'_>) -> Vec<Value> {
    let (newborn, now) = (birth.newborn, now.millis());
    vec![
        newborn.id().uuid().into(),
        newborn.name.as_str().into(),
        newborn.name.normal().into(),
        newborn.canonical_domain.as_ref().map(ToString::to_string).into(),
        newborn.registrable_domain.as_ref().map(ToString::to_string).into(),
        newborn.website_url.clone().into(),
        birth.industry.into(),
        birth.region.into(),
        birth.batch_tag.into(),
        CompanyState::New.as_str().into(),
        newborn.dedupe_hash.clone().into(),
        birth.source.into(),
        birth.result.into(),
        birth.snippet.into(),
        birth.facts().facts().into(),
        birth.inn.map(str::to_owned).into(),
        birth.ogrn.map(str::to_owned).into(),
        now.into(),
        now.into(),
        now.into(),
        now.into(),
    ]
}
