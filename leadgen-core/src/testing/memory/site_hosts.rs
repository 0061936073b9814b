//! Notes on hosts of sites.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Place, Rest, Scheme, SchemeNotes};
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::hosts::SiteHosts;
use crate::ports::work::Call;

use super::MemoryStore;
use super::tables::Tables;

/// What is noted of a host, and when it was.
#[derive(Clone, Debug, Default)]
pub(super) struct HostRow {
    rest: Option<(Option<Rest>, Timestamp)>,
    schemes: BTreeMap<Scheme, (SchemeNotes, Timestamp)>,
}

impl HostRow {
    fn scheme(&mut self, scheme: Scheme, now: Timestamp) -> &mut SchemeNotes {
        let row = self.schemes.entry(scheme).or_insert_with(|| (SchemeNotes { scheme, robots: None, loss: None }, now));
        row.1 = now;
        &mut row.0
    }
}

#[async_trait]
impl SiteHosts for MemoryStore {
    async fn notes(&self, host: &DomainName) -> Result<HostNotes> {
        Ok(self.read(|tables| tables.host_notes(host)))
    }

    async fn take_turn(&self, place: &Place, delay: Duration, until: Timestamp, now: Timestamp) -> Result<Option<Timestamp>> {
        self.write(|tables, _| {
            let free_at = tables.turns.entry(place.clone()).or_default();
            let turn = free_at.map(|free_at| free_at + delay).filter(|turn| now < *turn);
            if turn.is_none() {
                *free_at = Some(until);
            }
            Ok(turn)
        })
    }

    async fn end_turn(&self, place: &Place, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            tables.turns.insert(place.clone(), Some(now));
            Ok(())
        })
    }

    async fn note_rest(&self, host: &DomainName, rest: Option<&Rest>, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            let known = &mut tables.host(host).rest;
            let until = known.as_ref().and_then(|(rest, _)| rest.as_ref()).map(|rest| rest.until);
            // Of two pauses the later one holds, and only one that is over goes.
            if until.is_none_or(|until| until <= rest.map_or(now, |rest| rest.until)) {
                *known = Some((rest.cloned(), now));
            }
            Ok(())
        })
    }

    async fn note_robots(&self, host: &DomainName, scheme: Scheme, robots: &KeptRobots, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            *tables.host(host).scheme(scheme, now) = SchemeNotes { scheme, robots: Some(robots.clone()), loss: None };
            Ok(())
        })
    }

    async fn note_loss(&self, host: &DomainName, scheme: Scheme, loss: &Loss, now: Timestamp) -> Result<()> {
        self.write(|tables, _| {
            tables.host(host).scheme(scheme, now).loss = Some(loss.clone());
            Ok(())
        })
    }
}

impl Tables {
    pub(super) fn host_notes(&self, host: &DomainName) -> HostNotes {
        let row = self.site_hosts.get(host).cloned().unwrap_or_default();
        HostNotes { rest: row.rest.and_then(|(rest, _)| rest), schemes: row.schemes.into_values().map(|(notes, _)| notes).collect() }
    }

    fn host(&mut self, host: &DomainName) -> &mut HostRow {
        self.site_hosts.entry(host.clone()).or_default()
    }

    /// Notes past their retention go.
    pub(super) fn forget_old_hosts(&mut self, call: &Call) {
        let oldest = call.now - call.policy.sites.keep_pages.max(HostNotes::KEPT);
        for row in self.site_hosts.values_mut() {
            row.rest.take_if(|(_, at)| *at < oldest);
            row.schemes.retain(|_, (_, at)| *at >= oldest);
        }
        self.turns.retain(|_, free_at| free_at.is_some_and(|at| at >= oldest));
        self.site_hosts.retain(|_, row| row.rest.is_some() || !row.schemes.is_empty());
    }
}
