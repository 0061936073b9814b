//! All companies at once: the same keys, the same decisions, and whoever is connected is one.

use std::collections::HashMap;

use super::decide::{Decision, Verdict, are_near, link, verdict};
use super::profile::Profile;

mod index;
mod rumour;

use index::Index;

/// Grey pairs that are kept for people. Nobody looks at more at once; those beyond are found again once these are decided.
const MOST_GREY: usize = 200_000;
/// Companies that ask at once. Their keys are looked up in order, so that memory is read in order too.
const AT_ONCE: usize = 100_000;

/// A pair of companies, by their places in the list, with what was decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The place of the earlier one.
    pub a: u32,
    /// The place of the later one.
    pub b: u32,
    /// The decision.
    pub decision: Decision,
}

/// Who is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grouping {
    /// For each company, the place of the first of its group: itself, if it is the first or alone.
    pub first: Vec<u32>,
    /// The pairs that tie groups together, in the order they were found: each company that is not the first of its
    /// group is tied once.
    pub ties: Vec<Pair>,
    /// Pairs a person should look at.
    pub grey: Vec<Pair>,
    /// Pairs that were compared.
    pub compared: u64,
    /// Keys under which more companies stand than are compared.
    pub full_blocks: u64,
    /// Comparisons left out because of that, at most.
    pub left_out: u64,
}

/// Groups companies; those first in the list become the first of their groups. `parted` are pairs of which a person said
/// that they are two: they never end in one group, whoever else knows both.
pub fn group(profiles: &[Profile], parted: &[(u32, u32)]) -> Grouping {
    let index = Index::new(profiles);
    let mut unions = Unions::new(profiles.len(), parted);
    let mut grouping = Grouping { full_blocks: index.full_blocks, ..Grouping::default() };
    let mut met = Vec::new();
    for from in (0..profiles.len()).step_by(AT_ONCE) {
        let asking = from..profiles.len().min(from + AT_ONCE);
        grouping.left_out += index.meet(profiles, asking, &mut met);
        for met in &met {
            let (one, other) = (&profiles[met.other() as usize], &profiles[met.newcomer as usize]);
            // What two with like names only have in common besides would have brought them together by itself.
            if met.is_by_name() && !are_near(one, other) {
                continue;
            }
            grouping.compared += 1;
            meet(profiles, &mut unions, &mut grouping, (met.other(), met.newcomer));
        }
    }
    grouping.first = (0..profiles.len() as u32).map(|place| unions.first(place)).collect();
    grouping
}

fn meet(profiles: &[Profile], unions: &mut Unions, grouping: &mut Grouping, (a, b): (u32, u32)) {
    let (one, other) = (&profiles[a as usize], &profiles[b as usize]);
    let verdict = verdict(one, other);
    if verdict == Verdict::Different || unions.are_parted(a, b) {
        return;
    }
    let ties = verdict == Verdict::Same && unions.join(a, b);
    let looks = verdict == Verdict::Grey && grouping.grey.len() < MOST_GREY;
    if ties || looks {
        let pair = Pair { a, b, decision: link(one, other) };
        if ties { grouping.ties.push(pair) } else { grouping.grey.push(pair) }
    }
}

/// Disjoint sets whose first member stands for all, some of which must stay apart.
struct Unions {
    above: Vec<u32>,
    /// For the first of a set: members of other sets that must not join it.
    foes: HashMap<u32, Vec<u32>>,
}

impl Unions {
    fn new(count: usize, parted: &[(u32, u32)]) -> Self {
        let mut foes: HashMap<u32, Vec<u32>> = HashMap::new();
        for (a, b) in parted {
            foes.entry(*a).or_default().push(*b);
            foes.entry(*b).or_default().push(*a);
        }
        Self { above: (0..count as u32).collect(), foes }
    }

    fn first(&mut self, mut place: u32) -> u32 {
        while self.above[place as usize] != place {
            let above = self.above[self.above[place as usize] as usize];
            self.above[place as usize] = above;
            place = above;
        }
        place
    }

    fn are_parted(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.first(a), self.first(b));
        let foes = self.foes.get(&a).cloned().unwrap_or_default();
        foes.into_iter().any(|foe| self.first(foe) == b)
    }

    /// Joins two sets; whether they were two.
    fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.first(a), self.first(b));
        let (first, other) = (a.min(b), a.max(b));
        self.above[other as usize] = first;
        if let Some(foes) = self.foes.remove(&other).filter(|_| a != b) {
            self.foes.entry(first).or_default().extend(foes);
        }
        a != b
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::twins::blocks::BLOCK;
    use crate::rules::twins::profile::Known;
    use proptest::prelude::*;

    fn firm() -> impl Strategy<Value = Profile> {
        let name = prop::sample::select(vec![
            "Бавогустрой",
            "Бавогустрйо",
            "Бавагустрой",
            "Bavogustroy",
            "Дента Люкс",
            "Люкс Дента",
            "Дента Люкс Плюс",
            "Вектор",
            "Ника",
            "",
        ]);
        let region = prop::sample::select(vec!["", "казань", "уфа"]);
        let phone = prop::option::of(0..4_u8);
        let inn = prop::option::of(0..3_u8);
        let host =
            prop::option::of(prop::sample::select(vec!["bavogustroy.ru", "bavogustroy.com", "denta-lux.ru", "vektor.ru", "spb.vektor.ru"]));
        (name, region, phone, inn, host).prop_map(|(name, region, phone, inn, host)| {
            let mut profile = Profile::new(name, region);
            if let Some(host) = host.and_then(|host| crate::domain::name::DomainName::parse(host).ok()) {
                profile = profile.at(&host);
            }
            let profile = phone.map_or(profile.clone(), |phone| profile.with(Known::Phone, &format!("+7495000000{phone}")));
            inn.map_or(profile.clone(), |inn| profile.with(Known::Inn, &format!("770000000{inn}")))
        })
    }

    /// Everybody with everybody.
    fn by_all_pairs(profiles: &[Profile]) -> Vec<u32> {
        let mut unions = Unions::new(profiles.len(), &[]);
        for b in 0..profiles.len() {
            for a in 0..b {
                if link(&profiles[a], &profiles[b]).verdict == Verdict::Same {
                    unions.join(a as u32, b as u32);
                }
            }
        }
        (0..profiles.len() as u32).map(|place| unions.first(place)).collect()
    }

    proptest! {
        #[test]
        fn blocks_miss_nothing_that_comparing_all_pairs_finds(profiles in prop::collection::vec(firm(), 0..30)) {
            prop_assert_eq!(group(&profiles, &[]).first, by_all_pairs(&profiles));
        }

        #[test]
        fn each_company_that_is_not_first_is_tied_once(profiles in prop::collection::vec(firm(), 0..30)) {
            let grouping = group(&profiles, &[]);
            let members = grouping.first.iter().enumerate().filter(|(place, first)| **first != *place as u32).count();
            prop_assert_eq!(grouping.ties.len(), members);
        }
    }

    #[test]
    fn a_parted_pair_stays_apart() {
        let profiles = [Profile::new("Дента Люкс", "уфа"), Profile::new("Дента Люкс", "уфа")];
        assert_eq!(group(&profiles, &[]).first, [0, 0]);
        assert_eq!(group(&profiles, &[(0, 1)]).first, [0, 1]);
        let third = [profiles.as_slice(), &[Profile::new("Дента Люкс", "уфа")]].concat();
        assert_eq!(group(&third, &[(0, 1)]).first, [0, 1, 0], "nor does a third bring them together");
    }

    #[test]
    fn a_full_block_is_counted_and_bounded() {
        let profiles: Vec<Profile> =
            (0..300).map(|n| Profile::new("Пятёрочка", "уфа").with(Known::Phone, &format!("+7347{n:07}"))).collect();
        let grouping = group(&profiles, &[]);
        assert!(grouping.full_blocks > 0 && grouping.left_out > 0);
        assert!(grouping.compared <= 300 * BLOCK as u64);
    }
}
