//! One company once: newcomers are born, meet those they may be, and become one with them, in a way that can be taken back.

use std::collections::{BTreeMap, HashMap, HashSet};

use sea_orm::{DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use crate::domain::company::{Company, NewCompany};
use crate::domain::contact::FoundContact;
use crate::domain::flow::{CompanyEvent, CompanyState, ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::domain::twins::{Moved, PairState, TwinPair};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::twins::blocks;
use crate::rules::twins::decide::{Decision, Verdict, link};
use crate::rules::twins::profile::{Known, Profile};
use crate::rules::twins::rank;

use super::connection::{SqlStore, insert_rows, list, query, query_one, run};
use super::row::{at, get, id};

/// Keys asked for in one statement.
const AT_ONCE: usize = 5000;
/// What is read of a company to compare it.
const COMPARED: &str =
    "c.id, c.name, c.region, c.canonical_domain, c.inn, c.ogrn, c.facts, c.status, c.status_reason, c.duplicate_of, c.created_at";

/// A company as it is compared, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    pub(super) id: Id<Company>,
    pub(super) profile: Profile,
    pub(super) state: CompanyState,
    pub(super) reason: Option<String>,
    pub(super) since: Timestamp,
}

pub(super) fn compared(row: &QueryResult) -> Result<Compared> {
    let text = |column: &str| -> Result<String> { Ok(get::<Option<String>>(row, column)?.unwrap_or_default()) };
    let mut profile = Profile::new(&text("name")?, &text("region")?);
    if let Ok(host) = DomainName::parse(&text("canonical_domain")?) {
        profile = profile.at(&host);
    }
    profile = profile.with(Known::Inn, &text("inn")?).with(Known::Ogrn, &text("ogrn")?).with_facts(&text("facts")?);
    Ok(Compared {
        id: id(row, "id")?,
        profile,
        state: CompanyState::parse(&get::<String>(row, "status")?)?,
        reason: get(row, "status_reason")?,
        since: at(row, "created_at")?,
    })
}

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
}

impl Birth<'_> {
    pub(super) fn facts(&self) -> Profile {
        self.contacts.iter().fold(Profile::default(), Profile::showing)
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
    families: HashMap<String, Id<Company>>,
    keys: HashMap<String, Id<Company>>,
}

impl Exact {
    fn find(&self, newborn: &NewCompany) -> Option<Settled> {
        let host = newborn.canonical_domain.as_ref().map(DomainName::as_str);
        let family = newborn.registrable_domain.as_ref().map(DomainName::as_str);
        let settled = |verdict| move |company: &Id<Company>| Settled { company: *company, verdict, score: 1.0 };
        host.and_then(|host| self.hosts.get(host))
            .map(settled(ResultState::DupHost))
            .or_else(|| family.and_then(|family| self.families.get(family)).map(settled(ResultState::DupFamily)))
            .or_else(|| self.keys.get(&newborn.dedupe_hash).map(settled(ResultState::DupFamily)))
    }

    fn take(&mut self, row: &QueryResult) -> Result<()> {
        let root: Id<Company> = id(row, "root")?;
        let text = |column: &str| get::<Option<String>>(row, column);
        for host in [text("canonical_domain")?, text("host")?].into_iter().flatten() {
            self.hosts.insert(host, root);
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
            self.hosts.entry(host.to_string()).or_insert(company);
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
        let mut exact = self.exact(tx, births).await?;
        let (mut settled, mut born) = (Vec::new(), Vec::new());
        for birth in births {
            match exact.find(birth.newborn) {
                Some(known) => {
                    // A host of a known family is a known host from now on.
                    exact.learn(birth.newborn, known.company);
                    settled.push(known);
                }
                None => {
                    exact.learn(birth.newborn, birth.newborn.id());
                    settled.push(Settled { company: birth.newborn.id(), verdict: ResultState::Unique, score: 1.0 });
                    born.push(birth);
                }
            }
        }
        insert_companies(tx, now, &born).await?;
        let fresh: Vec<Uuid> = born.iter().map(|birth| birth.newborn.id().uuid()).collect();
        for (birth, settled) in births.iter().zip(&settled) {
            if let Some(result) = birth.result.filter(|_| settled.verdict == ResultState::Unique) {
                let values = vec![result.into(), settled.company.uuid().into(), ResultState::Unique.as_str().into()];
                run(tx, "UPDATE serp_results SET company_id = $2, dedup_status = $3, dedup_score = 1 WHERE id = $1", values).await?;
            }
        }
        self.know_hosts(tx, now, births, &settled).await?;
        // Contacts come before the meeting: so they are moved with their company, and back.
        let mut learnt = Vec::new();
        for (birth, settled) in births.iter().zip(&settled) {
            for found in &birth.contacts {
                self.keep_contact(tx, now, settled.company, found).await?;
            }
            if settled.verdict != ResultState::Unique && !birth.contacts.is_empty() {
                learnt.push((settled.company, birth.facts()));
            }
        }
        let roots = self.meet_all(tx, now, &fresh).await?;
        for settled in &mut settled {
            if let Some((root, joined)) = roots.get(&settled.company) {
                let own = std::mem::replace(&mut settled.company, *root);
                // Only the result a company was born of is one that was compared by name; that of the primary one stays unique.
                if settled.verdict == ResultState::Unique && own != *root {
                    let partner = roots.get(root).and_then(|(_, joined)| *joined);
                    (settled.verdict, settled.score) = (ResultState::DupFuzzy, joined.or(partner).unwrap_or(1.0));
                }
            }
        }
        self.learn(tx, now, &learnt).await?;
        Ok(settled)
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

    /// Files companies under their keys and lets each meet those it may be. For each of them: the primary company of its
    /// group now, and how sure it is that it is one with another, if it was joined.
    pub(super) async fn meet_all(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        companies: &[Uuid],
    ) -> Result<HashMap<Id<Company>, (Id<Company>, Option<f64>)>> {
        let mut roots = HashMap::new();
        for companies in companies.chunks(300) {
            let (places, values) = list(1, companies.iter().copied());
            let rows =
                query(tx, &format!("SELECT {COMPARED} FROM companies c WHERE c.id IN ({places}) ORDER BY c.created_at, c.id"), values)
                    .await?;
            let newcomers = rows.iter().map(compared).collect::<Result<Vec<_>>>()?;
            self.file(tx, &newcomers).await?;
            let met = self.met(tx, &newcomers).await?;
            for newcomer in &newcomers {
                let joined = self.meet(tx, now, newcomer, &met).await?;
                roots.insert(newcomer.id, (self.root(tx, newcomer.id).await?, joined));
            }
        }
        Ok(roots)
    }

    /// Adds what became known of companies; each that something new is known of meets those it may be once more.
    pub(super) async fn learn(&self, tx: &DatabaseTransaction, now: Timestamp, learnt: &[(Id<Company>, Profile)]) -> Result<()> {
        let mut changed = Vec::new();
        for (company, facts) in learnt {
            let row = query_one(tx, "SELECT facts FROM companies WHERE id = $1", vec![company.uuid().into()]).await?;
            let known = row.map(|row| get::<String>(&row, "facts")).transpose()?.unwrap_or_default();
            let all = Profile::default().with_facts(&known).with_facts(&facts.facts()).facts();
            if all != known {
                run(tx, "UPDATE companies SET facts = $2 WHERE id = $1", vec![company.uuid().into(), all.into()]).await?;
                changed.push(company.uuid());
            }
        }
        self.meet_all(tx, now, &changed).await?;
        Ok(())
    }

    /// Files companies under their keys; those filed already stay.
    pub(super) async fn file(&self, tx: &DatabaseTransaction, companies: &[Compared]) -> Result<()> {
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for company in companies {
            rows.extend(blocks::keys(&company.profile).into_iter().map(|key| vec![key.into(), company.id.uuid().into()]));
        }
        insert_rows(tx, "INSERT INTO company_keys (block_key, company_id)", rows.into_iter(), "ON CONFLICT DO NOTHING").await
    }

    /// All that newcomers may be, by id, with the keys they were met under.
    async fn met(&self, tx: &DatabaseTransaction, newcomers: &[Compared]) -> Result<BTreeMap<Id<Company>, Compared>> {
        let mut keys: Vec<i64> = newcomers.iter().flat_map(|newcomer| blocks::probes(&newcomer.profile)).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut met = BTreeMap::new();
        for keys in keys.chunks(AT_ONCE) {
            // Numbers need no quoting, and there are more of them than a statement has places.
            let keys = keys.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            let sql = format!(
                "SELECT {COMPARED} FROM companies c WHERE c.id IN (SELECT company_id FROM (SELECT company_id,
                    row_number() OVER (PARTITION BY block_key ORDER BY company_id) AS place FROM company_keys WHERE block_key IN ({keys})) AS filed
                 WHERE place <= {})",
                blocks::BLOCK
            );
            for row in query(tx, &sql, vec![]).await? {
                let company = compared(&row)?;
                met.insert(company.id, company);
            }
        }
        Ok(met)
    }

    /// One newcomer meets those it may be; how sure it is, if it became one with any.
    async fn meet(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        newcomer: &Compared,
        met: &BTreeMap<Id<Company>, Compared>,
    ) -> Result<Option<f64>> {
        let asked: HashSet<i64> = blocks::probes(&newcomer.profile).into_iter().collect();
        let mut joined: Option<f64> = None;
        for other in met.values().filter(|other| other.id != newcomer.id) {
            if !blocks::keys(&other.profile).iter().any(|key| asked.contains(key)) {
                continue;
            }
            let decision = link(&newcomer.profile, &other.profile);
            match decision.verdict {
                Verdict::Different => {}
                Verdict::Grey => self.keep_pair(tx, now, (newcomer.id, other.id), &decision).await?,
                Verdict::Same => {
                    if self.join(tx, now, (newcomer.id, other.id), &decision, "pipeline").await? {
                        joined = Some(joined.unwrap_or(0.0).max(decision.score));
                    }
                }
            }
        }
        Ok(joined)
    }

    pub(super) async fn root(&self, tx: &DatabaseTransaction, company: Id<Company>) -> Result<Id<Company>> {
        let row =
            query_one(tx, "SELECT COALESCE(duplicate_of, id) AS root FROM companies WHERE id = $1", vec![company.uuid().into()]).await?;
        row.map_or(Ok(company), |row| id(&row, "root"))
    }

    /// Keeps a pair for a person to look at, unless one was kept before or the two are one already.
    pub(super) async fn keep_pair(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        pair: (Id<Company>, Id<Company>),
        decision: &Decision,
    ) -> Result<()> {
        if self.root(tx, pair.0).await? == self.root(tx, pair.1).await? {
            return Ok(());
        }
        write_pair(tx, now, pair, PairState::Pending, decision, None, "pipeline", "ON CONFLICT (id) DO NOTHING").await
    }

    /// Makes the groups of two companies one; whether they were two. Nothing happens if a person parted any two of them, or
    /// if both were written to: then the pair waits for a person.
    pub(super) async fn join(
        &self,
        tx: &DatabaseTransaction,
        now: Timestamp,
        pair: (Id<Company>, Id<Company>),
        decision: &Decision,
        by: &str,
    ) -> Result<bool> {
        let (one, other) = (self.root(tx, pair.0).await?, self.root(tx, pair.1).await?);
        if one == other || self.are_parted(tx, one, other).await? {
            return Ok(false);
        }
        let (to, from) = self.by_rank(tx, one, other).await?;
        let Ok(next) = from.state.after(CompanyEvent::Merge) else {
            write_pair(tx, now, pair, PairState::Pending, decision, None, by, "ON CONFLICT (id) DO NOTHING").await?;
            return Ok(false);
        };
        let moved = self.moved(tx, &to, &from).await?;
        self.carry_over(tx, now, &moved).await?;
        let sql = "UPDATE companies SET status = $2, duplicate_of = $3, status_reason = $4, updated_at = $5, claimed_by = NULL,
            claim_token = NULL, claimed_until = 0 WHERE id = $1";
        let values =
            vec![moved.from.uuid().into(), next.as_str().into(), moved.to.uuid().into(), decision.rule.into(), now.millis().into()];
        run(tx, sql, values).await?;
        let state = match by {
            "pipeline" if decision.wants_a_look() => PairState::Linked,
            "pipeline" => PairState::Merged,
            _ => PairState::Confirmed,
        };
        let again = "ON CONFLICT (id) DO UPDATE SET status = excluded.status, rule = excluded.rule, score = excluded.score, features = excluded.features,
            moved = excluded.moved, decided_by = excluded.decided_by, decided_at = excluded.decided_at, updated_at = excluded.updated_at";
        write_pair(tx, now, pair, state, decision, Some(&moved), by, again).await?;
        let detail = format!("{} ({:.2}) into {}", decision.rule, decision.score, moved.to);
        self.note(tx, now, by, next.as_str(), "company", &moved.from.to_string(), &detail).await?;
        Ok(true)
    }

    async fn by_rank(&self, tx: &DatabaseTransaction, one: Id<Company>, other: Id<Company>) -> Result<(Compared, Compared)> {
        let sql = self.locked(&format!("SELECT {COMPARED} FROM companies c WHERE c.id IN ($1, $2) ORDER BY c.id"));
        let rows = query(tx, &sql, vec![one.uuid().into(), other.uuid().into()]).await?;
        let mut both = rows.iter().map(compared).collect::<Result<Vec<_>>>()?;
        both.sort_by_key(|company| rank(company.state, company.since, company.id));
        match (both.pop(), both.pop()) {
            (Some(from), Some(to)) => Ok((to, from)),
            _ => Err(Error::new(ErrorKind::Rejected, format!("find the companies {one} and {other}")).code("no_such_company")),
        }
    }

    /// Whether a person said of any member of one group and any of another that they are two.
    async fn are_parted(&self, tx: &DatabaseTransaction, one: Id<Company>, other: Id<Company>) -> Result<bool> {
        let sql = "SELECT p.id FROM company_pairs p JOIN companies a ON a.id = p.first_id JOIN companies b ON b.id = p.second_id
            WHERE p.status = 'rejected' AND ((COALESCE(a.duplicate_of, a.id) = $1 AND COALESCE(b.duplicate_of, b.id) = $2)
                OR (COALESCE(a.duplicate_of, a.id) = $2 AND COALESCE(b.duplicate_of, b.id) = $1)) LIMIT 1";
        Ok(query_one(tx, sql, vec![one.uuid().into(), other.uuid().into()]).await?.is_some())
    }

    /// All that hangs on a company that becomes a duplicate.
    async fn moved(&self, tx: &DatabaseTransaction, to: &Compared, from: &Compared) -> Result<Moved> {
        let own = || vec![Value::from(from.id.uuid())];
        let contacts = query(tx, "SELECT id, is_primary FROM contacts WHERE company_id = $1 ORDER BY id", own()).await?;
        let results = query(tx, "SELECT id, dedup_status FROM serp_results WHERE company_id = $1 ORDER BY id", own()).await?;
        let hosts = query(tx, "SELECT host FROM domains WHERE company_id = $1 ORDER BY host", own()).await?;
        let members = query(tx, "SELECT id FROM companies WHERE duplicate_of = $1 ORDER BY id", own()).await?;
        let mut moved = Moved {
            from: from.id,
            to: to.id,
            was: from.state,
            reason: from.reason.clone(),
            contacts: contacts.iter().map(|row| id(row, "id")).collect::<Result<_>>()?,
            primaries: vec![],
            results: results.iter().map(|row| id(row, "id")).collect::<Result<_>>()?,
            unique: vec![],
            hosts: hosts.iter().map(|row| get(row, "host")).collect::<Result<_>>()?,
            members: members.iter().map(|row| id(row, "id")).collect::<Result<_>>()?,
        };
        for row in &contacts {
            if get(row, "is_primary")? {
                moved.primaries.push(id(row, "id")?);
            }
        }
        for row in &results {
            if get::<String>(row, "dedup_status")? == ResultState::Unique.as_str() {
                moved.unique.push(id(row, "id")?);
            }
        }
        Ok(moved)
    }

    async fn carry_over(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved) -> Result<()> {
        let both = || vec![Value::from(moved.from.uuid()), moved.to.uuid().into(), now.millis().into()];
        run(tx, "UPDATE contacts SET company_id = $2, is_primary = false, updated_at = $3 WHERE company_id = $1", both()).await?;
        let joined = ResultState::Unique.after(ResultEvent::Join)?.as_str();
        let sql = format!(
            "UPDATE serp_results SET company_id = $2, updated_at = $3, dedup_status = CASE WHEN dedup_status = 'unique' THEN '{joined}' ELSE dedup_status END
             WHERE company_id = $1"
        );
        run(tx, &sql, both()).await?;
        run(tx, "UPDATE domains SET company_id = $2, is_canonical = false WHERE company_id = $1", both()[..2].to_vec()).await?;
        run(tx, "UPDATE companies SET duplicate_of = $2, updated_at = $3 WHERE duplicate_of = $1", both()).await?;
        self.choose_primary(tx, moved.to, &[]).await?;
        Ok(())
    }

    /// Takes a merge back: the company is itself again, with all that was moved.
    pub(super) async fn part(&self, tx: &DatabaseTransaction, now: Timestamp, moved: &Moved, by: &str) -> Result<()> {
        let own = Value::from(moved.from.uuid());
        for contacts in moved.contacts.chunks(300) {
            let (places, mut values) = list(3, contacts.iter().map(|contact| contact.uuid()));
            values.splice(0..0, [own.clone(), now.millis().into()]);
            run(tx, &format!("UPDATE contacts SET company_id = $1, is_primary = false, updated_at = $2 WHERE id IN ({places})"), values)
                .await?;
        }
        for contact in &moved.primaries {
            run(tx, "UPDATE contacts SET is_primary = true WHERE id = $1", vec![contact.uuid().into()]).await?;
        }
        let parted = ResultState::DupFuzzy.after(ResultEvent::Part)?.as_str();
        for results in moved.results.chunks(300) {
            let (places, mut values) = list(3, results.iter().map(|result| result.uuid()));
            values.splice(0..0, [own.clone(), now.millis().into()]);
            run(tx, &format!("UPDATE serp_results SET company_id = $1, updated_at = $2 WHERE id IN ({places})"), values).await?;
        }
        for result in &moved.unique {
            run(tx, "UPDATE serp_results SET dedup_status = $2 WHERE id = $1", vec![result.uuid().into(), parted.into()]).await?;
        }
        let sql = "UPDATE domains SET company_id = $1, is_canonical = (host = (SELECT canonical_domain FROM companies WHERE id = $1)) WHERE host = $2";
        for host in &moved.hosts {
            run(tx, sql, vec![own.clone(), host.clone().into()]).await?;
        }
        for member in &moved.members {
            run(tx, "UPDATE companies SET duplicate_of = $2 WHERE id = $1", vec![member.uuid().into(), own.clone()]).await?;
        }
        let sql = "UPDATE companies SET status = $2, status_reason = $3, duplicate_of = NULL, updated_at = $4 WHERE id = $1 AND status = 'duplicate'";
        run(tx, sql, vec![own, moved.was.as_str().into(), moved.reason.clone().into(), now.millis().into()]).await?;
        self.choose_primary(tx, moved.to, &[]).await?;
        self.note(tx, now, by, moved.was.as_str(), "company", &moved.from.to_string(), &format!("parted from {}", moved.to)).await
    }
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

async fn insert_companies(tx: &DatabaseTransaction, now: Timestamp, births: &[&Birth<'_>]) -> Result<()> {
    let head = "INSERT INTO companies (id, name, normalized_name, name_block, canonical_domain, registrable_domain, website_url, industry, region,
        batch_tag, status, dedupe_hash, source, source_result_id, last_snippet, facts, first_seen_at, last_seen_at, created_at, updated_at)";
    let rows: Vec<Vec<Value>> = births.iter().map(|birth| company_row(now, birth)).collect();
    insert_rows(tx, head, rows.into_iter(), "").await
}

fn company_row(now: Timestamp, birth: &Birth<'_>) -> Vec<Value> {
    let (newborn, now) = (birth.newborn, now.millis());
    vec![
        newborn.id().uuid().into(),
        newborn.name.clone().into(),
        newborn.normalized_name.clone().into(),
        crate::rules::twins::name_block(&newborn.normalized_name).into(),
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
        now.into(),
        now.into(),
        now.into(),
        now.into(),
    ]
}

#[expect(clippy::too_many_arguments, reason = "one row's columns")]
async fn write_pair(
    tx: &DatabaseTransaction,
    now: Timestamp,
    (first, second): (Id<Company>, Id<Company>),
    state: PairState,
    decision: &Decision,
    moved: Option<&Moved>,
    by: &str,
    again: &str,
) -> Result<()> {
    let text = |value: serde_json::Result<String>| value.map_err(|e| Error::new(ErrorKind::Malformed, "keep a decision").because(e));
    let moved = moved.map_or(Ok(String::new()), |moved| text(serde_json::to_string(moved)))?;
    let sql = format!(
        "INSERT INTO company_pairs (id, first_id, second_id, status, rule, score, features, moved, decided_by, decided_at, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10) {again}"
    );
    let values = vec![
        TwinPair::id_of(first, second).uuid().into(),
        first.uuid().into(),
        second.uuid().into(),
        state.as_str().into(),
        decision.rule.into(),
        decision.score.into(),
        text(serde_json::to_string(&decision.features))?.into(),
        moved.into(),
        by.into(),
        now.millis().into(),
    ];
    run(tx, &sql, values).await?;
    Ok(())
}
