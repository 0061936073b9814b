//! Ties that a person should look at: a likeness of names that brings two sites together.

use std::collections::HashSet;

use sea_orm::DatabaseTransaction;

use crate::domain::company::Company;
use crate::domain::id::Id;
use crate::error::Result;
use crate::rules::twins::decide::Decision;

use super::connection::{SqlStore, query, query_one};
use super::row::{get, id};

impl SqlStore {
    /// Whether a tie brings sites of different domains into one group, and names alone hold them: by this tie or by one that
    /// was made before, when only one of them was known (DEDUP-5). Asked before the two are made one.
    pub(super) async fn links_domains(
        &self,
        tx: &DatabaseTransaction,
        (one, other): (Id<Company>, Id<Company>),
        decision: &Decision,
    ) -> Result<bool> {
        let both = || vec![one.uuid().into(), other.uuid().into()];
        let sql = "SELECT COALESCE(duplicate_of, id) AS root, COALESCE(registrable_domain, canonical_domain) AS domain FROM companies
            WHERE (id IN ($1, $2) OR duplicate_of IN ($1, $2)) AND canonical_domain IS NOT NULL";
        let (mut own, mut others) = (HashSet::new(), HashSet::new());
        for row in query(tx, sql, both()).await? {
            let side = if id::<Company>(&row, "root")? == one { &mut own } else { &mut others };
            side.insert(get::<String>(&row, "domain")?);
        }
        if own.is_empty() || others.is_empty() || !own.is_disjoint(&others) {
            return Ok(false);
        }
        if decision.is_by_name() {
            return Ok(true);
        }
        let sql = "SELECT p.id FROM company_pairs p JOIN companies a ON a.id = p.first_id JOIN companies b ON b.id = p.second_id
            WHERE p.status = 'merged' AND p.rule = 'name' AND COALESCE(a.duplicate_of, a.id) IN ($1, $2)
                AND COALESCE(b.duplicate_of, b.id) IN ($1, $2) LIMIT 1";
        Ok(query_one(tx, sql, both()).await?.is_some())
    }
}
