//! Pairs of companies that may be one: what people say to them, and all companies looked at once more.

use std::collections::HashMap;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, QueryResult};
use uuid::Uuid;

use crate::domain::company::Company;
use crate::domain::flow::CompanyState;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::domain::twins::{NotOne, PairEvent, PairSide, PairState, Regrouped, TwinPair};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Twins;
use crate::rules::twins::decide::link;
use crate::rules::twins::dedupe_key;
use crate::rules::twins::group::{Pair, group};
use crate::rules::twins::profile::Profile;

use super::connection::{Serial, SqlStore, commit, list, query, query_one, run};
use super::merges::UNSAID;
use super::row::{at, get, id};
use super::spoiled;
use super::twins::{Compared, compared};

/// Ties written in one transaction: others get their turn in between.
const TIES: usize = 200;
/// Companies read at once.
const READ: usize = 5000;

const PAIR: &str = "SELECT p.*, a.name AS a_name, a.canonical_domain AS a_domain, a.region AS a_region, a.status AS a_status,
    b.name AS b_name, b.canonical_domain AS b_domain, b.region AS b_region, b.status AS b_status
    FROM company_pairs p JOIN companies a ON a.id = p.first_id JOIN companies b ON b.id = p.second_id";

fn pair(row: &QueryResult) -> Result<TwinPair> {
    let side = |id_column: &str, prefix: &str| -> Result<PairSide> {
        let text = |column: &str| -> Result<String> { Ok(get::<Option<String>>(row, &format!("{prefix}_{column}"))?.unwrap_or_default()) };
        Ok(PairSide {
            id: id(row, id_column)?,
            name: text("name")?,
            domain: text("domain")?,
            region: text("region")?,
            status: CompanyState::parse(&text("status")?)?,
        })
    };
    Ok(TwinPair {
        id: id(row, "id")?,
        first: side("first_id", "a")?,
        second: side("second_id", "b")?,
        state: PairState::parse(&get::<String>(row, "status")?)?,
        rule: get(row, "rule")?,
        score: get(row, "score")?,
        features: get(row, "features")?,
        decided_by: get(row, "decided_by")?,
        decided_at: at(row, "decided_at")?,
    })
}

#[async_trait]
impl Twins for SqlStore {
    async fn pairs(&self, states: &[PairState], limit: u64) -> Result<Vec<TwinPair>> {
        let (places, mut values) = list(2, states.iter().map(|state| state.as_str()));
        values.insert(0, (limit as i64).into());
        let sql = format!("{PAIR} WHERE p.status IN ({places}) ORDER BY p.score DESC, p.created_at, p.id LIMIT $1");
        query(&self.db, &sql, values).await?.iter().map(pair).collect()
    }

    async fn pairs_between(&self, first: Id<TwinPair>, last: Id<TwinPair>) -> Result<Vec<TwinPair>> {
        let sql = format!("{PAIR} WHERE p.id >= $1 AND p.id <= $2 ORDER BY p.id LIMIT 2");
        query(&self.db, &sql, vec![first.uuid().into(), last.uuid().into()]).await?.iter().map(pair).collect()
    }

    async fn decide_pair(&self, asked: Id<TwinPair>, event: PairEvent, by: &str, now: Timestamp) -> Result<PairState> {
        let tx = self.write(Serial::Twins).await?;
        let sql = format!("{PAIR} WHERE p.id = $1");
        let row = query_one(&tx, &sql, vec![asked.uuid().into()])
            .await?
            .ok_or_else(|| Error::new(ErrorKind::Rejected, format!("find the pair {asked}")).code("no_such_pair"))?;
        let found = pair(&row)?;
        let next = found.state.after(event)?;
        let both = (found.first.id, found.second.id);
        let root = self.root(&tx, both.0).await?;
        let is_one = root == self.root(&tx, both.1).await?;
        let untied = if is_one && !next.is_one() { Some(self.untie(&tx, now, root).await?) } else { None };
        if next == PairState::Confirmed && !found.state.is_one() {
            self.join_by_hand(&tx, now, both, by).await?;
        }
        let kept = if next.is_one() { "moved" } else { "''" };
        let sql = format!(
            "UPDATE company_pairs SET status = $2, decided_by = $3, decided_at = $4, updated_at = $4, moved = {kept} WHERE id = $1"
        );
        run(&tx, &sql, vec![asked.uuid().into(), next.as_str().into(), by.into(), now.millis().into()]).await?;
        if let Some(untied) = untied {
            self.tie_anew(&tx, now, &untied, asked, by).await?;
        }
        self.note(&tx, now, by, next.as_str(), "pair", &asked.to_string(), &format!("{} / {}", found.first.name, found.second.name))
            .await?;
        commit(tx).await?;
        Ok(next)
    }

    async fn regroup(&self, now: Timestamp) -> Result<Regrouped> {
        let mut done = Regrouped { hash_updates: self.mend_hashes(now).await?, ..Regrouped::default() };
        let (companies, profiles, parted) = self.everybody().await?;
        done.companies = companies.len() as u64;
        let grouping = group(&profiles, &parted);
        drop(profiles);
        (done.full_blocks, done.left_out) = (grouping.full_blocks, grouping.left_out);
        for ties in grouping.ties.chunks(TIES) {
            done.duplicates_marked += self.tie(now, &companies, ties).await?;
        }
        for grey in grouping.grey.chunks(TIES) {
            done.pairs += self.keep_grey(now, &companies, grey).await?;
        }
        let row = query_one(&self.db, "SELECT count(*) AS n FROM companies WHERE status <> 'duplicate'", vec![]).await?;
        done.primaries = row.map(|row| get::<i64>(&row, "n")).transpose()?.unwrap_or(0).max(0) as u64;
        done.updated = done.hash_updates + done.duplicates_marked;
        Ok(done)
    }
}

/// A company as a batch remembers it.
#[derive(Clone, Copy, Debug)]
struct Member {
    id: Id<Company>,
    order: (Timestamp, Id<Company>),
}

impl SqlStore {
    /// A person says that two are one, whatever was compared.
    async fn join_by_hand(&self, tx: &DatabaseTransaction, now: Timestamp, both: (Id<Company>, Id<Company>), by: &str) -> Result<()> {
        let (one, other) = (self.root(tx, both.0).await?, self.root(tx, both.1).await?);
        if one == other {
            return Ok(());
        }
        let (places, values) = list(1, [both.0.uuid(), both.1.uuid()]);
        let rows = query(tx, &format!("SELECT c.* FROM companies c WHERE c.id IN ({places})"), values).await?;
        let sides = rows.iter().map(compared).collect::<Result<Vec<_>>>()?;
        let [a, b] = sides.as_slice() else { return Ok(()) };
        let decision = link(&a.profile, &b.profile);
        if self.join(tx, now, both, &decision, by).await? {
            return Ok(());
        }
        let [a, b] = self.both(tx, one, other).await?;
        let why = match self.are_parted(tx, one, other, "").await? {
            true => NotOne::Parted,
            false if a.refused() || b.refused() => NotOne::Refused,
            false => NotOne::WrittenTo,
        };
        Err(why.error())
    }

    /// Keys of sites that differ from what the rule says, from before the rule was changed, are put right.
    async fn mend_hashes(&self, now: Timestamp) -> Result<u64> {
        let mut mended = 0;
        let mut after = Uuid::nil();
        loop {
            let sql = "SELECT id, name, canonical_domain, dedupe_hash FROM companies
                WHERE id > $1 AND status <> 'duplicate' AND canonical_domain IS NOT NULL ORDER BY id LIMIT $2";
            let rows = query(&self.db, sql, vec![after.into(), (READ as i64).into()]).await?;
            let Some(last) = rows.last() else { return Ok(mended) };
            after = get(last, "id")?;
            for row in &rows {
                let host = get::<Option<String>>(row, "canonical_domain")?.unwrap_or_default();
                let key = dedupe_key(&get::<String>(row, "name")?, &host);
                let Some(key) = key.filter(|key| get::<String>(row, "dedupe_hash").is_ok_and(|hash| hash != key.hash)) else { continue };
                let sql = "UPDATE companies SET dedupe_hash = $2, updated_at = $3 WHERE id = $1
                    AND NOT EXISTS (SELECT 1 FROM companies o WHERE o.dedupe_hash = $2 AND o.status <> 'duplicate')";
                mended += run(&self.db, sql, vec![get::<Uuid>(row, "id")?.into(), key.hash.into(), now.millis().into()]).await?;
            }
        }
    }

    /// Every company, the oldest first: in the order in which they met as they came, and the pairs a person parted. Whoever is not filed under
    /// keys yet is filed on the way.
    async fn everybody(&self) -> Result<(Vec<Member>, Vec<Profile>, Vec<(u32, u32)>)> {
        let mut all: Vec<(Member, Profile)> = Vec::new();
        let mut after = Uuid::nil();
        loop {
            let sql = "SELECT c.*, EXISTS (SELECT 1 FROM company_keys k WHERE k.company_id = c.id) AS is_filed FROM companies c
                WHERE c.id > $1 ORDER BY c.id LIMIT $2";
            let rows = query(&self.db, sql, vec![after.into(), (READ as i64).into()]).await?;
            let Some(last) = rows.last() else { break };
            after = get(last, "id")?;
            let mut unfiled = Vec::new();
            for row in &rows {
                let Some(company) = spoiled::or_left_out(row, compared(row)) else { continue };
                if !get::<bool>(row, "is_filed")? {
                    unfiled.push(company.clone());
                }
                all.push(member(company));
            }
            if !unfiled.is_empty() {
                let tx = self.write(Serial::Twins).await?;
                self.file(&tx, &unfiled).await?;
                commit(tx).await?;
            }
        }
        all.sort_by_key(|(member, _)| member.order);
        let (members, profiles): (Vec<Member>, Vec<Profile>) = all.into_iter().unzip();
        let parted =
            query(&self.db, &format!("SELECT p.first_id, p.second_id FROM company_pairs p WHERE p.status = 'rejected' {UNSAID}"), vec![])
                .await?;
        let mut pairs = Vec::new();
        if !parted.is_empty() {
            let places: HashMap<Id<Company>, u32> = members.iter().enumerate().map(|(place, member)| (member.id, place as u32)).collect();
            for row in &parted {
                if let (Some(a), Some(b)) = (places.get(&id(row, "first_id")?), places.get(&id(row, "second_id")?)) {
                    pairs.push((*a, *b));
                }
            }
        }
        Ok((members, profiles, pairs))
    }

    async fn tie(&self, now: Timestamp, companies: &[Member], ties: &[Pair]) -> Result<u64> {
        let tx = self.write(Serial::Twins).await?;
        let mut marked = 0;
        for tie in ties {
            let both = (companies[tie.a as usize].id, companies[tie.b as usize].id);
            marked += u64::from(self.join(&tx, now, both, &tie.decision, "pipeline").await?);
        }
        commit(tx).await?;
        Ok(marked)
    }

    async fn keep_grey(&self, now: Timestamp, companies: &[Member], grey: &[Pair]) -> Result<u64> {
        let tx = self.write(Serial::Twins).await?;
        let mut kept = 0;
        for pair in grey {
            let both = (companies[pair.a as usize].id, companies[pair.b as usize].id);
            kept += u64::from(self.keep_pair(&tx, now, both, &pair.decision).await?);
        }
        commit(tx).await?;
        Ok(kept)
    }
}

fn member(company: Compared) -> (Member, Profile) {
    (Member { id: company.id, order: (company.since, company.id) }, company.profile)
}
