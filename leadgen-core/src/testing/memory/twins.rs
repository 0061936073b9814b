//! One company once: newcomers meet everybody, become one with whom they are, and can be parted again.

use std::collections::BTreeSet;

use async_trait::async_trait;

use super::registry::can_be_stopped;
use crate::domain::company::{Company, NewCompany};
use crate::domain::contact::{Contact, FoundContact};
use crate::domain::flow::{CompanyEvent, CompanyState, MessageEvent, MessageState, ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::message::Message;
use crate::domain::time::Timestamp;
use crate::domain::twins::{MERGED, Moved, NotOne, PairEvent, PairSide, PairState, Regrouped, TwinPair};
use crate::error::{Error, ErrorKind, Result};
use crate::ports::store::Twins;
use crate::rules::twins::decide::{Decision, Verdict, link};
use crate::rules::twins::group::group;
use crate::rules::twins::profile::{Known, Profile};

use super::MemoryStore;
use super::companies::Born;
use super::tables::{CompanyRow, Tables};

/// A pair as it is kept.
#[derive(Clone, Debug)]
pub(super) struct PairRow {
    pub(super) both: (Id<Company>, Id<Company>),
    pub(super) state: PairState,
    pub(super) decision: Decision,
    pub(super) moved: Option<Moved>,
    pub(super) by: String,
    pub(super) at: Timestamp,
}

impl PairRow {
    /// Whether a person took a word about it back: only a person makes the two one.
    fn is_unsaid(&self) -> bool {
        self.state == PairState::Pending && self.by != "pipeline"
    }
}

#[async_trait]
impl Twins for MemoryStore {
    async fn pairs(&self, states: &[PairState], limit: u64) -> Result<Vec<TwinPair>> {
        self.read(|tables| {
            let mut pairs: Vec<(&Id<TwinPair>, &PairRow)> = tables.pairs.iter().filter(|(_, row)| states.contains(&row.state)).collect();
            pairs.sort_by(|a, b| b.1.decision.score.total_cmp(&a.1.decision.score).then_with(|| a.0.cmp(b.0)));
            pairs.into_iter().take(limit as usize).map(|(id, row)| tables.shown(*id, row)).collect()
        })
    }

    async fn pairs_between(&self, first: Id<TwinPair>, last: Id<TwinPair>) -> Result<Vec<TwinPair>> {
        self.read(|tables| tables.pairs.range(first..=last).take(2).map(|(id, row)| tables.shown(*id, row)).collect())
    }

    async fn decide_pair(&self, asked: Id<TwinPair>, event: PairEvent, by: &str, now: Timestamp) -> Result<PairState> {
        self.write(|tables, _| {
            let none = || Error::new(ErrorKind::Rejected, format!("find the pair {asked}")).code("no_such_pair");
            let row = tables.pairs.get(&asked).cloned().ok_or_else(none)?;
            let next = row.state.after(event)?;
            let (root, is_one) = (tables.root(row.both.0), tables.root(row.both.0) == tables.root(row.both.1));
            let untied = if is_one && !next.is_one() { tables.untie(now, root)? } else { vec![] };
            if next == PairState::Confirmed && !row.state.is_one() && !is_one {
                let decision = link(&tables.profile(row.both.0), &tables.profile(row.both.1));
                if !tables.join(now, row.both, &decision, by)? {
                    return Err(tables.why_not_one(row.both).error());
                }
            }
            if let Some(row) = tables.pairs.get_mut(&asked) {
                (row.state, row.by, row.at) = (next, by.to_owned(), now);
                row.moved = row.moved.take().filter(|_| next.is_one());
            }
            tables.tie_anew(now, (root, &untied), asked, by)?;
            tables.note(now, by, next.as_str(), ("pair", &asked.to_string()), "");
            Ok(next)
        })
    }

    async fn regroup(&self, now: Timestamp) -> Result<Regrouped> {
        self.write(|tables, _| {
            let mut ids: Vec<Id<Company>> = tables.companies.keys().copied().collect();
            ids.sort_by_key(|id| tables.companies.get(id).map(|row| (row.company.first_seen_at, *id)));
            let profiles: Vec<Profile> = ids.iter().map(|id| tables.profile(*id)).collect();
            let place = |id: Id<Company>| ids.iter().position(|known| *known == id).map(|place| place as u32);
            let parted = tables.pairs.values().filter(|row| row.state == PairState::Rejected || row.is_unsaid());
            let parted: Vec<(u32, u32)> = parted.filter_map(|row| Some((place(row.both.0)?, place(row.both.1)?))).collect();
            let grouping = group(&profiles, &parted);
            let mut done = Regrouped {
                companies: ids.len() as u64,
                full_blocks: grouping.full_blocks,
                left_out: grouping.left_out,
                ..Regrouped::default()
            };
            for tie in &grouping.ties {
                done.duplicates_marked +=
                    u64::from(tables.join(now, (ids[tie.a as usize], ids[tie.b as usize]), &tie.decision, "pipeline")?);
            }
            let before = tables.pairs.len();
            for grey in &grouping.grey {
                tables.keep_pair(now, (ids[grey.a as usize], ids[grey.b as usize]), &grey.decision);
            }
            done.pairs = (tables.pairs.len() - before) as u64;
            done.primaries = tables.companies.values().filter(|row| row.company.state != CompanyState::Duplicate).count() as u64;
            done.updated = done.duplicates_marked;
            Ok(done)
        })
    }
}

impl Tables {
    fn shown(&self, id: Id<TwinPair>, row: &PairRow) -> Result<TwinPair> {
        let side = |id: Id<Company>| -> Result<PairSide> {
            let known = self.companies.get(&id).map(|row| &row.company);
            let company = known.ok_or_else(|| Error::new(ErrorKind::Rejected, format!("find the company {id}")).code("no_such_company"))?;
            Ok(PairSide {
                id,
                name: company.name.clone(),
                domain: company.canonical_domain.as_ref().map(ToString::to_string).unwrap_or_default(),
                region: company.region.clone(),
                status: company.state,
            })
        };
        Ok(TwinPair {
            id,
            first: side(row.both.0)?,
            second: side(row.both.1)?,
            state: row.state,
            rule: row.decision.rule.to_owned(),
            score: row.decision.score,
            features: serde_json::to_string(&row.decision.features).unwrap_or_default(),
            decided_by: row.by.clone(),
            decided_at: row.at,
        })
    }

    /// How many pairs a person should look at.
    pub(super) fn open_pairs(&self) -> u64 {
        self.pairs.values().filter(|row| matches!(row.state, PairState::Pending | PairState::Linked)).count() as u64
    }

    /// The pairs a company or a member of its group is of, in words.
    pub(super) fn merges(&self, company: Id<Company>) -> Vec<(Timestamp, String)> {
        let of_group = |id: Id<Company>| id == company || self.root(id) == company;
        let pairs = self.pairs.iter().filter(|(_, row)| of_group(row.both.0) || of_group(row.both.1));
        let shown = pairs.filter_map(|(id, row)| self.shown(*id, row).ok());
        shown
            .map(|pair| {
                let (a, b) = (&pair.first, &pair.second);
                let who = format!("{}: «{}» {} and «{}» {}", pair.state, a.name, a.domain, b.name, b.domain);
                (pair.decided_at, format!("{who} by {} ({}), decided by {}: {}", pair.rule, pair.score, pair.decided_by, pair.features))
            })
            .collect()
    }

    pub(super) fn profile(&self, id: Id<Company>) -> Profile {
        let Some(row) = self.companies.get(&id) else { return Profile::default() };
        let profile = Profile::new(&row.company.name, &row.company.region).sought(&row.company.industry).with_facts(&row.facts);
        let profile = row.company.canonical_domain.iter().fold(profile, crate::rules::twins::profile::Profile::at);
        profile.with(Known::Inn, row.inn.as_deref().unwrap_or("")).with(Known::Ogrn, row.ogrn.as_deref().unwrap_or(""))
    }

    pub(super) fn root(&self, id: Id<Company>) -> Id<Company> {
        self.companies.get(&id).map_or(id, CompanyRow::stands_for)
    }

    /// Settles a newcomer: it is a known company by host, family or key, or it is born and meets everybody.
    pub(super) fn settle(&mut self, now: Timestamp, born: &Born<'_>, contacts: &[FoundContact]) -> Result<(Id<Company>, ResultState, f64)> {
        let newborn = born.newborn;
        let facts = born.facts(contacts);
        if let Some((known, verdict)) = self.exact(newborn) {
            for found in contacts {
                self.keep_contact(now, known, found);
            }
            // What is told of a duplicate is its own: which of a group stands for it must not change who is compared with what.
            let own = if self.companies.contains_key(&newborn.id()) { newborn.id() } else { known };
            if born.result.is_none() {
                self.fill_gaps(now, own, born)?;
            }
            self.learn(now, own, &facts)?;
            // By what was learnt it may have become another's just now.
            return Ok((self.root(known), verdict, 1.0));
        }
        self.insert_company(now, born);
        let own = newborn.id();
        if let Some(row) = self.companies.get_mut(&own) {
            row.facts = facts.facts();
        }
        if let Some(host) = &newborn.canonical_domain {
            self.hosts.entry(host.as_str().to_owned()).or_insert(own);
        }
        // Contacts come before the meeting: so they are moved with their company, and back.
        for found in contacts {
            self.keep_contact(now, own, found);
        }
        if let Some(row) = born.result.and_then(|result| self.results.get_mut(&result)) {
            (row.company, row.state) = (Some(own), ResultState::Unique);
        }
        // A newcomer that becomes the primary one stays what its result found; the other's result was moved by the meeting.
        let joined = self.meet(now, own)?;
        let root = self.root(own);
        Ok(match joined.filter(|_| root != own) {
            Some(score) => (root, ResultState::DupFuzzy, score),
            None => (root, ResultState::Unique, 1.0),
        })
    }

    fn exact(&self, newborn: &NewCompany) -> Option<(Id<Company>, ResultState)> {
        let find = |is: &dyn Fn(&Company) -> bool| self.companies.values().find(|row| is(&row.company)).map(CompanyRow::stands_for);
        let host = newborn.canonical_domain.as_ref();
        let by_host = host.and_then(|host| find(&|known| known.canonical_domain.as_ref() == Some(host)));
        let family = newborn.registrable_domain.as_ref();
        let of_family = |id: Id<Company>| {
            let same = |row: &CompanyRow| row.company.registrable_domain.as_ref() == family && row.stands_for() == id;
            family.is_some() && self.companies.values().any(same)
        };
        let by_further = |id: Id<Company>| (id, if of_family(id) { ResultState::DupFamily } else { ResultState::DupCanonical });
        let further = host.and_then(|host| self.hosts.get(host.as_str())).map(|id| self.root(*id));
        by_host
            .map(|id| (id, ResultState::DupHost))
            .or_else(|| further.map(by_further))
            .or_else(|| {
                family
                    .and_then(|family| find(&|known| known.registrable_domain.as_ref() == Some(family)))
                    .map(|id| (id, ResultState::DupFamily))
            })
            .or_else(|| find(&|known| known.dedupe_hash == newborn.dedupe_hash).map(|id| (id, ResultState::DupFamily)))
    }

    /// A known company takes place, trade and numbers from a list where it had none; with another place it meets everybody once more.
    fn fill_gaps(&mut self, now: Timestamp, known: Id<Company>, born: &Born<'_>) -> Result<()> {
        let Some(row) = self.companies.get_mut(&known) else { return Ok(()) };
        let mut filled = false;
        for (own, told) in [(&mut row.company.region, born.region), (&mut row.company.industry, born.industry)] {
            if own.is_empty() && !told.is_empty() {
                told.clone_into(own);
                filled = true;
            }
        }
        for (own, told) in [(&mut row.inn, born.inn), (&mut row.ogrn, born.ogrn)] {
            if let (None, Some(told)) = (&own, told) {
                *own = Some(told.to_owned());
                filled = true;
            }
        }
        if filled {
            self.meet(now, known)?;
        }
        Ok(())
    }

    /// Adds what became known of a company; if it is something new, it meets everybody once more.
    pub(super) fn learn(&mut self, now: Timestamp, company: Id<Company>, facts: &Profile) -> Result<()> {
        let Some(row) = self.companies.get_mut(&company) else { return Ok(()) };
        let all = Profile::default().with_facts(&row.facts).with_facts(&facts.facts()).facts();
        if all != row.facts {
            row.facts = all;
            self.meet(now, company)?;
        }
        Ok(())
    }

    /// A company meets everybody; how sure it is, if it became one with any.
    pub(super) fn meet(&mut self, now: Timestamp, newcomer: Id<Company>) -> Result<Option<f64>> {
        let own = self.profile(newcomer);
        let others: Vec<Id<Company>> = self.companies.keys().copied().filter(|id| *id != newcomer).collect();
        let mut joined: Option<f64> = None;
        for other in others {
            let decision = link(&own, &self.profile(other));
            match decision.verdict {
                Verdict::Different => {}
                Verdict::Grey => self.keep_pair(now, (newcomer, other), &decision),
                Verdict::Same => {
                    if self.join(now, (newcomer, other), &decision, "pipeline")? {
                        joined = Some(joined.unwrap_or(0.0).max(decision.score));
                    }
                }
            }
        }
        Ok(joined)
    }

    fn keep_pair(&mut self, now: Timestamp, both: (Id<Company>, Id<Company>), decision: &Decision) {
        if self.root(both.0) != self.root(both.1) {
            let row = PairRow { both, state: PairState::Pending, decision: decision.clone(), moved: None, by: "pipeline".into(), at: now };
            self.pairs.entry(TwinPair::id_of(both.0, both.1)).or_insert(row);
        }
    }

    /// Makes the groups of two companies one; whether they were two.
    fn join(&mut self, now: Timestamp, both: (Id<Company>, Id<Company>), decision: &Decision, by: &str) -> Result<bool> {
        let (one, other) = (self.root(both.0), self.root(both.1));
        if one == other || self.are_parted(one, other, by == "pipeline") {
            return Ok(false);
        }
        let has_letter_out = |id: Id<Company>| self.letters_of_group(id).any(|message| message.state.may_have_arrived());
        let (to, from) = self.by_rank(one, other, has_letter_out);
        let Some(loser) = self.companies.get(&from).cloned() else { return Ok(false) };
        if has_letter_out(from) || loser.company.state.after(CompanyEvent::Merge).is_err() {
            self.keep_pair(now, both, decision);
            // They stay two, but what one firm refused it refused.
            let refused = |id: Id<Company>| self.companies.get(&id).is_some_and(|row| row.company.state == CompanyState::OptOut);
            let uncovered = [(to, from), (from, to)].into_iter().find(|(one, other)| refused(*one) && !refused(*other));
            if let Some((_, other)) = uncovered.filter(|_| decision.verdict == Verdict::Same) {
                self.refuse_group(now, other, by)?;
            }
            return Ok(false);
        }
        let links = self.links_domains((one, other), decision);
        let moved = self.absorb(now, to, &loser, decision.rule)?;
        let state = match by {
            "pipeline" if links || decision.wants_a_look() => PairState::Linked,
            "pipeline" => PairState::Merged,
            _ => PairState::Confirmed,
        };
        let row = PairRow { both, state, decision: decision.clone(), moved: Some(moved), by: by.to_owned(), at: now };
        self.pairs.insert(TwinPair::id_of(both.0, both.1), row);
        let detail = format!("{} ({:.2}) into {to}", decision.rule, decision.score);
        self.note(now, by, CompanyState::Duplicate.as_str(), ("company", &from.to_string()), &detail);
        Ok(true)
    }

    /// Whether a tie brings sites of different domains into one group, and names alone hold them: by this tie or by one that was
    /// made before, when only one of them was known. Asked before the two are made one.
    fn links_domains(&self, (one, other): (Id<Company>, Id<Company>), decision: &Decision) -> bool {
        let domain = |company: &Company| {
            let family = company.registrable_domain.as_ref().map(ToString::to_string);
            family.or_else(|| company.canonical_domain.as_ref().map(ToString::to_string))
        };
        let of = |root: Id<Company>| -> BTreeSet<String> {
            self.companies.values().filter(|row| row.stands_for() == root).filter_map(|row| domain(&row.company)).collect()
        };
        let (own, others) = (of(one), of(other));
        let within = |id: Id<Company>| [one, other].contains(&self.root(id));
        let mut by_name = self.pairs.values().filter(|row| row.state == PairState::Merged && row.decision.is_by_name());
        !own.is_empty()
            && !others.is_empty()
            && own.is_disjoint(&others)
            && (decision.is_by_name() || by_name.any(|row| within(row.both.0) && within(row.both.1)))
    }

    /// Of two companies first the one that stands for both.
    pub(super) fn by_rank(
        &self,
        one: Id<Company>,
        other: Id<Company>,
        has_letter_out: impl Fn(Id<Company>) -> bool,
    ) -> (Id<Company>, Id<Company>) {
        let order = |id: Id<Company>| {
            let row = self.companies.get(&id)?;
            Some(row.rank(has_letter_out(id)))
        };
        if order(one) <= order(other) { (one, other) } else { (other, one) }
    }

    /// Why two could not be made one by a person's word.
    fn why_not_one(&self, both: (Id<Company>, Id<Company>)) -> NotOne {
        let (one, other) = (self.root(both.0), self.root(both.1));
        let refused = |id: Id<Company>| self.companies.get(&id).is_some_and(|row| row.company.state == CompanyState::OptOut);
        match self.are_parted(one, other, false) {
            true => NotOne::Parted,
            false if refused(one) || refused(other) => NotOne::Refused,
            false => NotOne::WrittenTo,
        }
    }

    /// Whether a person said of any member of one group and any of another that they are two, or, if asked, took a word about
    /// them back.
    pub(super) fn are_parted(&self, one: Id<Company>, other: Id<Company>, or_unsaid: bool) -> bool {
        self.pairs.values().any(|row| {
            let roots = (self.root(row.both.0), self.root(row.both.1));
            (row.state == PairState::Rejected || (or_unsaid && row.is_unsaid())) && (roots == (one, other) || roots == (other, one))
        })
    }

    /// Makes a company a duplicate of another, with all that hangs on it; what was moved.
    pub(super) fn absorb(&mut self, now: Timestamp, to: Id<Company>, loser: &CompanyRow, rule: &str) -> Result<Moved> {
        let next = loser.company.state.after(CompanyEvent::Merge)?;
        let mut moved = self.moved(to, loser);
        moved.letters = self.stop_letters(now, to, loser.company.id)?;
        let led = self.primary(to).is_some();
        self.carry_over(&moved)?;
        moved.chosen = self.primary(to).filter(|_| !led).map(|contact| contact.id);
        moved.lifted = self.lift(now, to, loser);
        if let Some(row) = self.companies.get_mut(&loser.company.id) {
            (row.company.state, row.company.state_reason) = (next, Some(rule.to_owned()));
            (row.duplicate_of, row.updated_at) = (Some(to), now);
            row.lease.settle();
        }
        if self.companies.get(&to).is_some_and(|row| row.company.state == CompanyState::OptOut) {
            // Whoever joins has refused as well, also for the day the two are parted.
            self.refuse_group(now, to, "pipeline")?;
        }
        Ok(moved)
    }

    /// A company that had no address is ready with those of one that was; where it stood before, and why.
    fn lift(&mut self, now: Timestamp, to: Id<Company>, loser: &CompanyRow) -> Option<(CompanyState, Option<String>)> {
        self.primary(to).filter(|_| loser.company.state == CompanyState::ReadyToContact)?;
        let row = self.companies.get_mut(&to)?;
        let was = (row.company.state, row.company.state_reason.clone());
        row.company.state = was.0.after(CompanyEvent::ContactsFound).ok()?;
        (row.company.state_reason, row.updated_at) = (None, now);
        (row.lease.tries, row.lease.next_try_at) = (0, None);
        let state = row.company.state;
        self.note(now, "pipeline", state.as_str(), ("company", &to.to_string()), &format!("by the addresses of {}", loser.company.id));
        Some(was)
    }

    /// A group is written to once: if the other is, or is about to be, letters that wait go aside, each with where it stood.
    /// Otherwise they are the group's.
    fn stop_letters(&mut self, now: Timestamp, to: Id<Company>, from: Id<Company>) -> Result<Vec<(Id<Message>, MessageState)>> {
        let state = self.companies.get(&to).map(|row| row.company.state);
        let is_written_to =
            state.is_some_and(CompanyState::was_written_to) || self.letters_of_group(to).any(|letter| letter.state.is_live());
        if state == Some(CompanyState::OptOut) || !is_written_to {
            return Ok(vec![]);
        }
        let waiting = self.letters_of_group(from).filter(|letter| can_be_stopped(letter.state));
        let waiting: Vec<(Id<Message>, MessageState)> = waiting.map(|letter| (letter.id, letter.state)).collect();
        for (letter, _) in &waiting {
            self.move_message(now, *letter, MessageEvent::Merge, MERGED)?;
        }
        Ok(waiting)
    }

    fn moved(&self, to: Id<Company>, loser: &CompanyRow) -> Moved {
        let from = loser.company.id;
        let contacts: Vec<&Contact> = self.contacts.values().filter(|contact| contact.company_id == from).collect();
        let results = self.results.iter().filter(|(_, row)| row.company == Some(from));
        let unique = results.clone().filter(|(_, row)| row.state == ResultState::Unique);
        Moved {
            from,
            to,
            was: loser.company.state,
            reason: loser.company.state_reason.clone(),
            contacts: contacts.iter().map(|contact| contact.id).collect(),
            primaries: contacts.iter().filter(|contact| contact.is_primary).map(|contact| contact.id).collect(),
            chosen: None,
            lifted: None,
            letters: vec![],
            unique: unique.map(|(id, _)| *id).collect(),
            results: results.map(|(id, _)| *id).collect(),
            hosts: self.hosts.iter().filter(|(_, owner)| **owner == from).map(|(host, _)| host.clone()).collect(),
            members: self.companies.values().filter(|row| row.duplicate_of == Some(from)).map(|row| row.company.id).collect(),
        }
    }

    fn carry_over(&mut self, moved: &Moved) -> Result<()> {
        for id in &moved.contacts {
            if let Some(contact) = self.contacts.get_mut(id) {
                (contact.company_id, contact.is_primary) = (moved.to, false);
            }
        }
        for result in &moved.results {
            if let Some(row) = self.results.get_mut(result) {
                row.company = Some(moved.to);
                if row.state == ResultState::Unique {
                    row.state = row.state.after(ResultEvent::Join)?;
                }
            }
        }
        for host in &moved.hosts {
            self.hosts.insert(host.clone(), moved.to);
        }
        for member in &moved.members {
            if let Some(row) = self.companies.get_mut(member) {
                row.duplicate_of = Some(moved.to);
            }
        }
        self.choose_primary(moved.to, &[]);
        Ok(())
    }
}
