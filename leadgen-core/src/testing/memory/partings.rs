//! What became one is two again: a group is taken apart, and tied anew by what still says that any of it are one.

use std::cmp::Reverse;

use crate::domain::company::Company;
use crate::domain::flow::{CompanyEvent, CompanyState, Delivery, MessageEvent, MessageState, ResultEvent, ResultState};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;
use crate::domain::twins::{MERGED, Moved, PairEvent, PairState, TwinPair};
use crate::error::Result;

use super::tables::Tables;
use super::twins::PairRow;

/// A pair that held a group together, with what it was.
type Tie = (Id<TwinPair>, PairRow);

impl Tables {
    /// Takes a group apart: each of its companies is itself again. Whoever was merged last is parted first, so that all that
    /// was moved twice comes home, whatever pair is taken back. Gives what held it together, the surest first.
    pub(super) fn untie(&mut self, now: Timestamp, root: Id<Company>) -> Result<Vec<Tie>> {
        let holds = |row: &PairRow| row.state.is_one() && self.root(row.both.0) == root && self.root(row.both.1) == root;
        let mut ties: Vec<Tie> = self.pairs.iter().filter(|(_, row)| holds(row)).map(|(id, row)| (*id, row.clone())).collect();
        ties.sort_by(|(a, one), (b, other)| {
            let said = |row: &PairRow| Reverse(row.state == PairState::Confirmed);
            said(one).cmp(&said(other)).then(other.decision.score.total_cmp(&one.decision.score)).then(a.cmp(b))
        });
        let mut standing = vec![root];
        while let Some(to) = standing.pop() {
            for moved in ties.iter().filter_map(|(_, row)| row.moved.as_ref()).filter(|moved| moved.to == to) {
                self.part(now, moved)?;
                standing.push(moved.from);
            }
        }
        Ok(ties)
    }

    /// Ties a group anew by all that held it together but one pair. What can't hold any more, because a person parted two it
    /// would bring together, waits for a person.
    pub(super) fn tie_anew(&mut self, now: Timestamp, (root, ties): (Id<Company>, &[Tie]), without: Id<TwinPair>, by: &str) -> Result<()> {
        for (id, tie) in ties.iter().filter(|(id, _)| *id != without) {
            let (one, other) = (self.root(tie.both.0), self.root(tie.both.1));
            let mut tie = PairRow { moved: None, ..tie.clone() };
            if one != other && self.are_parted(one, other, true) {
                (tie.state, tie.by, tie.at) = (tie.state.after(PairEvent::Untie)?, by.to_owned(), now);
                self.note(now, by, tie.state.as_str(), ("pair", &id.to_string()), "untied by what was said of others");
            } else if one != other {
                // They were one: a letter to one of them that came meanwhile is no reason to leave them two.
                let (to, from) = self.by_rank(one, other, |_| false);
                if let Some(loser) = self.companies.get(&from).cloned() {
                    tie.moved = Some(self.absorb(now, to, &loser, tie.decision.rule)?);
                }
            }
            self.pairs.insert(*id, tie);
        }
        for company in ties.iter().filter_map(|(_, tie)| tie.moved.as_ref()).map(|moved| moved.from) {
            self.settle_parted(now, company)?;
            if let Some(row) = self.companies.get(&company).filter(|row| row.stands_for() != root) {
                let state = row.company.state;
                self.note(now, by, state.as_str(), ("company", &company.to_string()), &format!("parted from {root}"));
            }
        }
        Ok(())
    }

    /// Whoever stands for itself again keeps what came while it was of a group: refusals, its own letters, answers to them.
    fn settle_parted(&mut self, now: Timestamp, company: Id<Company>) -> Result<()> {
        let Some(row) = self.companies.get(&company).filter(|row| row.duplicate_of.is_none()) else { return Ok(()) };
        if row.opt_out {
            return self.refuse_group(now, company, "pipeline");
        }
        let sent = self.letters_of_group(company).filter(|letter| letter.state == MessageState::Sent);
        let sent: Vec<Option<Delivery>> = sent.map(|letter| letter.delivery).collect();
        for delivery in sent {
            self.move_company(now, company, CompanyEvent::Contact);
            if delivery == Some(Delivery::Replied) {
                self.move_company(now, company, CompanyEvent::Reply);
            }
        }
        Ok(())
    }

    /// Letters that a merge put aside are where they stood; one that had its turn is routed anew.
    fn give_back_letters(&mut self, now: Timestamp, moved: &Moved) -> Result<()> {
        for (id, was) in &moved.letters {
            let letter = self.messages.get_mut(id).filter(|row| row.message.last_error.as_deref() == Some(MERGED));
            let Some(row) = letter else { continue };
            row.message.state = row.message.state.after(MessageEvent::Part(*was))?;
            (row.message.last_error, row.updated_at) = (None, now);
            let state = row.message.state;
            if state == MessageState::Approved {
                row.frozen = None;
                (row.message.message_id, row.message.mailbox, row.message.scheduled_for) = (None, None, None);
                row.lease.settle();
            }
            self.note(now, "pipeline", state.as_str(), ("message", &id.to_string()), "parted");
        }
        Ok(())
    }

    /// Whoever was ready only by the addresses of another stands where it stood; a letter or a refusal that came meanwhile stays.
    fn lower(&mut self, now: Timestamp, moved: &Moved) {
        if let Some((was, reason)) = &moved.lifted
            && let Some(row) = self.companies.get_mut(&moved.to)
            && let Ok(next) = row.company.state.after(CompanyEvent::Part(*was))
        {
            row.company.state = next;
            row.company.state_reason.clone_from(reason);
            row.updated_at = now;
        }
    }

    /// Takes one merge back: the company is itself again, with all that was moved and still hangs on the other.
    fn part(&mut self, now: Timestamp, moved: &Moved) -> Result<()> {
        let Some(row) = self.companies.get_mut(&moved.from).filter(|row| row.duplicate_of == Some(moved.to)) else { return Ok(()) };
        row.company.state = row.company.state.after(CompanyEvent::Part(moved.was))?;
        row.company.state_reason.clone_from(&moved.reason);
        (row.duplicate_of, row.updated_at) = (None, now);
        self.lower(now, moved);
        for id in &moved.contacts {
            if let Some(contact) = self.contacts.get_mut(id).filter(|contact| contact.company_id == moved.to) {
                (contact.company_id, contact.is_primary) = (moved.from, moved.primaries.contains(id));
            }
        }
        self.give_back_letters(now, moved)?;
        for id in &moved.results {
            if let Some(row) = self.results.get_mut(id).filter(|row| row.company == Some(moved.to)) {
                row.company = Some(moved.from);
                if moved.unique.contains(id) && row.state == ResultState::DupFuzzy {
                    row.state = row.state.after(ResultEvent::Part)?;
                }
            }
        }
        for host in &moved.hosts {
            if let Some(owner) = self.hosts.get_mut(host).filter(|owner| **owner == moved.to) {
                *owner = moved.from;
            }
        }
        for member in &moved.members {
            if let Some(row) = self.companies.get_mut(member).filter(|row| row.duplicate_of == Some(moved.to)) {
                row.duplicate_of = Some(moved.from);
            }
        }
        // Whoever was not visited yet has no address chosen, but for a merge.
        let is_new = self.companies.get(&moved.to).is_some_and(|row| row.company.state == CompanyState::New);
        if !is_new {
            self.choose_primary(moved.to, &[]);
        } else if let Some(contact) = moved.chosen.and_then(|id| self.contacts.get_mut(&id)).filter(|chosen| chosen.company_id == moved.to)
        {
            contact.is_primary = false;
        }
        Ok(())
    }
}
