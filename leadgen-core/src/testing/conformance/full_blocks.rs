//! More companies under one key than are compared: the oldest are, and the same ones whoever asks.

use crate::error::Result;
use crate::ports::store::{Admit, ImportedCompany};
use crate::rules::twins::decide::{Verdict, link};
use crate::rules::twins::profile::Profile;
use crate::testing::builders::a_company;

use super::companies::companies;
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![of_a_full_block_the_oldest_are_met_one_by_one_as_all_at_once];

/// Names of 14 letters that begin alike and go on by chance.
fn words_that_begin_alike(count: usize) -> Vec<String> {
    let letters: Vec<char> = "бвгдзклмнпрт".chars().collect();
    let mut state = 7_usize;
    let mut word = || {
        let mut word: Vec<char> = "Куда".chars().collect();
        while word.len() < 14 {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345) % (1 << 31);
            let letter = letters[(state >> 12) % letters.len()];
            if word.last() != Some(&letter) {
                word.push(letter);
            }
        }
        word.into_iter().collect()
    };
    (0..count).map(|_| word()).collect()
}

async fn of_a_full_block_the_oldest_are_met_one_by_one_as_all_at_once(world: &World) -> Result<()> {
    // Ten stand first, many more under the same piece of a name come after them, then one like each of the first. Both
    // slips are in the other pieces: only the piece they share with all brings the two together.
    let mut words = words_that_begin_alike(420);
    let slipped = |word: &String| word.chars().enumerate().map(|(n, c)| if n == 6 || n == 11 { 'а' } else { c }).collect::<String>();
    let is_one = |word: &String| link(&Profile::new(word, "Казань"), &Profile::new(&slipped(word), "Казань")).verdict == Verdict::Same;
    words.sort_by_key(|word| !is_one(word));
    let (first, others) = words.split_at(10);
    let late: Vec<String> = first.iter().map(slipped).collect();
    for names in [first, others, &late] {
        let all: Vec<_> = names.iter().map(|name| a_company().at("").named(name).imported()).collect();
        Admit::<ImportedCompany>::admit(world.store.as_ref(), "list", &all, None, world.now()).await?;
        world.pass_minutes(1);
    }
    assert!(first.iter().all(is_one));
    assert_eq!(companies(world).await?, words.len(), "each late one is one of the first");

    let again = world.store.regroup(world.now()).await?;

    assert!(again.full_blocks > 0 && again.left_out > 0, "the block is full: {again:?}");
    assert_eq!((again.duplicates_marked, again.pairs), (0, 0), "all at once finds the same");
    Ok(())
}
