//! The plan lane: niches become queries, each with its night.

use async_trait::async_trait;

use crate::domain::flow::{NicheEvent, NicheState, QueryState};
use crate::domain::id::Id;
use crate::domain::lead::{Niche, RowFate};
use crate::domain::query::{Planned, PlannedQuery, SearchQuery};
use crate::error::Result;
use crate::ports::store::Lane;
use crate::ports::work::{Call, Claim, Fault, PlanNiche, Ticket, Work};
use crate::rules::cost;
use crate::rules::planning::{night_slots, query_hash};
use crate::rules::setback::{Setback, setback};

use super::MemoryStore;
use super::leases::{Lease, first_due, lease_lost, of_batch};
use super::tables::{BatchLog, NicheRow, QueryRow, Tables};

#[async_trait]
impl Lane<PlanNiche> for MemoryStore {
    async fn claim(&self, call: &Call) -> Result<Vec<Claim<PlanNiche>>> {
        self.write(|tables, lease_now| {
            let waits = |row: &&NicheRow| row.niche.state == NicheState::Admitted && of_batch(call, &row.niche.batch_tag);
            let due = tables.niches.values().filter(waits).filter(|row| row.lease.is_free(call, lease_now));
            let due = due.map(|row| ((row.niche.admitted_at, row.seq, row.niche.id), row.niche.id)).collect();
            let mut claims = Vec::new();
            for id in first_due(due, call.max) {
                let token = tables.new_token();
                let Some(row) = tables.niches.get_mut(&id) else { continue };
                claims.push(Claim::new(row.lease.take::<PlanNiche>(id.uuid(), token, call, lease_now), row.niche.clone()));
            }
            Ok(claims)
        })
    }

    async fn commit(&self, call: &Call, done: Vec<(Ticket, Planned)>) -> Result<Vec<Ticket>> {
        self.write(|tables, _| {
            let mut lost = Vec::new();
            let mut rows = Vec::new();
            for (ticket, planned) in done {
                match tables.leased_niche(&ticket) {
                    Some(row) => rows.push((row.niche.admitted_at, row.seq, ticket, planned)),
                    None => lost.push(ticket),
                }
            }
            // Slots are handed out in the order of the rows, whatever order the work ended in.
            rows.sort_by_key(|(admitted, seq, ..)| (*admitted, *seq));
            for (_, _, ticket, planned) in rows {
                let Some(row) = tables.leased_niche(&ticket) else { continue };
                row.niche.state = row.niche.state.after(NicheEvent::Plan)?;
                row.last_error.clone_from(&planned.warning);
                row.lease.settle();
                let niche = row.niche.clone();
                tables.store_queries(call, &niche, &planned)?;
            }
            Ok(lost)
        })
    }

    async fn release(&self, _call: &Call, ticket: &Ticket, fault: &Fault) -> Result<()> {
        self.write(|tables, _| {
            let row = tables.leased_niche(ticket).ok_or_else(|| lease_lost(ticket))?;
            row.last_error = Some(fault.text.clone());
            if let Setback::Again { counted } = setback(fault.verdict, ticket.tries, PlanNiche::TRIES) {
                row.lease.put_off(fault, counted);
                return Ok(());
            }
            row.niche.state = row.niche.state.after(NicheEvent::Fail)?;
            row.lease.end();
            let niche = row.niche.id;
            let error = Some(fault.text.clone());
            tables.batch_logs.push(BatchLog {
                niche,
                fate: RowFate::Failed,
                generated: 0,
                inserted: 0,
                first_slot: None,
                last_slot: None,
                error,
            });
            Ok(())
        })
    }
}

impl Tables {
    fn leased_niche(&mut self, ticket: &Ticket) -> Option<&mut NicheRow> {
        self.niches.get_mut(&Id::from_uuid(ticket.row)).filter(|row| row.lease.is_of(ticket))
    }

    fn store_queries(&mut self, call: &Call, niche: &Niche, planned: &Planned) -> Result<()> {
        let policy = &call.policy.search;
        let mut fresh: Vec<(Id<SearchQuery>, &PlannedQuery)> = Vec::new();
        let mut slots = Vec::new();
        for query in &planned.queries {
            let id = SearchQuery::id_of(&query.text, query.region);
            match self.queries.get(&id) {
                Some(row) => slots.push(row.query.scheduled_for),
                None if fresh.iter().any(|(known, _)| *known == id) => {}
                None => fresh.push((id, query)),
            }
        }
        let free = night_slots(policy.slot_window(), policy.spacing, call.now, self.last_slot(), fresh.len())?;
        for ((id, planned), slot) in fresh.iter().zip(free) {
            slots.push(slot);
            let query = SearchQuery {
                id: *id,
                niche_id: Some(niche.id),
                text: planned.text.clone(),
                hash: query_hash(&planned.text, planned.region),
                region: planned.region,
                trigger: planned.trigger.clone(),
                niche: niche.niche.clone(),
                city: niche.city.clone(),
                batch_tag: niche.batch_tag.clone(),
                state: QueryState::Pending,
                scheduled_for: slot,
                retry_count: 0,
                page: 0,
            };
            let forecast = cost::price(&policy.prices, policy.mode, slot);
            let row = QueryRow {
                query,
                forecast,
                submit_unknown: false,
                last_error: None,
                by_hand: None,
                updated_at: call.now,
                lease: Lease::default(),
            };
            self.queries.insert(*id, row);
        }
        self.batch_logs.push(BatchLog {
            niche: niche.id,
            fate: RowFate::Exported,
            generated: planned.queries.len(),
            inserted: fresh.len(),
            first_slot: slots.iter().min().copied(),
            last_slot: slots.iter().max().copied(),
            error: planned.warning.clone(),
        });
        Ok(())
    }
}
