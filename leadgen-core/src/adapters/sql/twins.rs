//! One company once: who is filed under which keys, and who meets whom.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{DatabaseTransaction, QueryResult, Value};
use uuid::Uuid;

use crate::domain::company::Company;
use crate::domain::flow::CompanyState;
use crate::domain::id::Id;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::rules::twins::blocks;
use crate::rules::twins::decide::{Verdict, link, verdict};
use crate::rules::twins::profile::{Known, Profile};
use crate::rules::twins::sketch::Look;

use super::connection::{SqlStore, insert_rows, list, query, query_one, run};
use super::row::{at, get, id};
use super::spoiled;

/// Keys asked for in one statement.
const AT_ONCE: usize = 5000;
/// Companies read by one statement. SQLite looks for the name of each place among those of all before it.
const READ_AT_ONCE: usize = 500;
/// What is read of a company to compare it.
pub(super) const COMPARED: &str = "c.id, c.name, c.region, c.industry, c.canonical_domain, c.inn, c.ogrn, c.facts, c.status, c.status_reason, c.duplicate_of, c.created_at";

/// A company as it is compared, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Compared {
    pub(super) id: Id<Company>,
    pub(super) profile: Profile,
    pub(super) state: CompanyState,
    /// Whether a letter reached it, or may have.
    pub(super) was_written_to: bool,
    /// Whether a host of its own is known.
    pub(super) has_site: bool,
    pub(super) reason: Option<String>,
    pub(super) since: Timestamp,
}

impl Compared {
    /// Whether it wants no letters.
    pub(super) fn refused(&self) -> bool {
        self.state == CompanyState::OptOut
    }
}

pub(super) fn compared(row: &QueryResult) -> Result<Compared> {
    let text = |column: &str| -> Result<String> { Ok(get::<Option<String>>(row, column)?.unwrap_or_default()) };
    let mut profile = Profile::new(&text("name")?, &text("region")?).sought(&text("industry")?);
    let host = DomainName::parse(&text("canonical_domain")?).ok();
    if let Some(host) = &host {
        profile = profile.at(host);
    }
    profile = profile.with(Known::Inn, &text("inn")?).with(Known::Ogrn, &text("ogrn")?).with_facts(&text("facts")?);
    let state = CompanyState::parse(&get::<String>(row, "status")?)?;
    Ok(Compared {
        id: id(row, "id")?,
        profile,
        state,
        was_written_to: state.was_written_to(),
        has_site: host.is_some(),
        reason: get(row, "status_reason")?,
        since: at(row, "created_at")?,
    })
}

impl SqlStore {
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
            let newcomers: Vec<Compared> = rows.iter().filter_map(|row| spoiled::or_left_out(row, compared(row))).collect();
            self.file(tx, &newcomers).await?;
            let under = self.under_keys(tx, &newcomers).await?;
            let met = self.met(tx, &newcomers, &under).await?;
            let mut joined = HashMap::new();
            for newcomer in &newcomers {
                joined.insert(newcomer.id, self.meet(tx, now, newcomer, &met, &under).await?);
            }
            let (places, values) = list(1, companies.iter().copied());
            let sql = format!("SELECT id, COALESCE(duplicate_of, id) AS root FROM companies WHERE id IN ({places})");
            for row in query(tx, &sql, values).await? {
                let own = id(&row, "id")?;
                roots.insert(own, (id(&row, "root")?, joined.get(&own).copied().flatten()));
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

    /// Who stands under the keys newcomers ask for, of each key the oldest: as many as are compared, in the order of a batch.
    async fn under_keys(&self, tx: &DatabaseTransaction, newcomers: &[Compared]) -> Result<HashMap<i64, Vec<Id<Company>>>> {
        let mut keys: Vec<i64> = newcomers.iter().flat_map(|newcomer| blocks::probes(&newcomer.profile)).collect();
        keys.sort_unstable();
        keys.dedup();
        let (mut under, mut left_out): (HashMap<i64, Vec<Id<Company>>>, i64) = (HashMap::new(), 0);
        for keys in keys.chunks(AT_ONCE) {
            // Numbers need no quoting, and there are more of them than a statement has places.
            let keys = keys.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
            let sql = format!(
                "SELECT block_key, company_id, place, filed FROM (SELECT k.block_key, k.company_id, count(*) OVER (PARTITION BY k.block_key) AS filed,
                    row_number() OVER (PARTITION BY k.block_key ORDER BY c.created_at, c.id) AS place
                    FROM company_keys k JOIN companies c ON c.id = k.company_id WHERE k.block_key IN ({keys})) AS filed WHERE place <= {}",
                blocks::BLOCK
            );
            for row in query(tx, &sql, vec![]).await? {
                under.entry(get(&row, "block_key")?).or_default().push(id(&row, "company_id")?);
                if get::<i64>(&row, "place")? == blocks::BLOCK as i64 {
                    left_out += get::<i64>(&row, "filed")? - blocks::BLOCK as i64;
                }
            }
        }
        if left_out > 0 {
            tracing::info!(event = "full_blocks", left_out, "more companies stand under a key than are compared");
        }
        Ok(under)
    }

    /// Those that newcomers may be, by id, of those that stand under the keys they ask for: whoever stands under a key of a
    /// fact, and of those met over a piece of their names only, of which most are others, whoever has a like name.
    async fn met(
        &self,
        tx: &DatabaseTransaction,
        newcomers: &[Compared],
        under: &HashMap<i64, Vec<Id<Company>>>,
    ) -> Result<HashMap<Id<Company>, Compared>> {
        let (mut worth_reading, mut by_name): (BTreeSet<Id<Company>>, BTreeMap<Id<Company>, Vec<usize>>) = <_>::default();
        for (at, newcomer) in newcomers.iter().enumerate() {
            for key in blocks::probes(&newcomer.profile) {
                let filed = under.get(&key).into_iter().flatten().copied();
                if blocks::is_fact(key) {
                    worth_reading.extend(filed);
                } else {
                    filed.for_each(|other| by_name.entry(other).or_default().push(at));
                }
            }
        }
        by_name.retain(|other, _| !worth_reading.contains(other));
        let looks: Vec<Look> = newcomers.iter().map(|newcomer| Look::of(&newcomer.profile)).collect();
        for ids in by_name.keys().copied().collect::<Vec<_>>().chunks(READ_AT_ONCE) {
            let (places, values) = list(1, ids.iter().map(|id| id.uuid()));
            for row in query(tx, &format!("SELECT id, name FROM companies WHERE id IN ({places})"), values).await? {
                let (other, look) = (id(&row, "id")?, Look::of_name(&get::<String>(&row, "name")?));
                if by_name.get(&other).is_some_and(|askers| askers.iter().any(|at| looks[*at].may_be(&look))) {
                    worth_reading.insert(other);
                }
            }
        }
        let mut met = HashMap::new();
        for ids in worth_reading.into_iter().collect::<Vec<_>>().chunks(READ_AT_ONCE) {
            let (places, values) = list(1, ids.iter().map(|id| id.uuid()));
            for row in query(tx, &format!("SELECT {COMPARED} FROM companies c WHERE c.id IN ({places})"), values).await? {
                if let Some(company) = spoiled::or_left_out(&row, compared(&row)) {
                    met.insert(company.id, company);
                }
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
        met: &HashMap<Id<Company>, Compared>,
        under: &HashMap<i64, Vec<Id<Company>>>,
    ) -> Result<Option<f64>> {
        let probes = blocks::probes(&newcomer.profile);
        let others: BTreeSet<Id<Company>> = probes.iter().filter_map(|key| under.get(key)).flatten().copied().collect();
        let mut joined: Option<f64> = None;
        for other in others.iter().filter(|other| **other != newcomer.id).filter_map(|other| met.get(other)) {
            if verdict(&newcomer.profile, &other.profile) == Verdict::Different {
                continue;
            }
            let decision = link(&newcomer.profile, &other.profile);
            match decision.verdict {
                Verdict::Different => {}
                Verdict::Grey => drop(self.keep_pair(tx, now, (newcomer.id, other.id), &decision).await?),
                Verdict::Same => {
                    if self.join(tx, now, (newcomer.id, other.id), &decision, "pipeline").await? {
                        joined = Some(joined.unwrap_or(0.0).max(decision.score));
                    }
                }
            }
        }
        Ok(joined)
    }
}
