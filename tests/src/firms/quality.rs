//! How good a grouping is, by the truth.

/// Pairwise quality of a grouping against the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Pairs that are one by the truth.
    pub true_pairs: u64,
    /// Pairs that were found to be one.
    pub found_pairs: u64,
    /// Found pairs that are true, of those found.
    pub precision: f64,
    /// Found pairs that are true, of those true.
    pub recall: f64,
}

/// Compares the firm of each row with the group it was put into.
pub fn quality(truth: &[u32], groups: &[u32]) -> Quality {
    use std::collections::HashMap;
    fn pairs<T>(counts: &HashMap<T, u64>) -> u64 {
        counts.values().map(|count| count * (count - 1) / 2).sum()
    }
    let (mut firms, mut found, mut both) = (HashMap::new(), HashMap::new(), HashMap::new());
    for (firm, group) in truth.iter().zip(groups) {
        *firms.entry(*firm).or_insert(0_u64) += 1;
        *found.entry(*group).or_insert(0_u64) += 1;
        *both.entry((*firm, *group)).or_insert(0_u64) += 1;
    }
    let (true_pairs, found_pairs, right) = (pairs(&firms), pairs(&found), pairs(&both));
    let share = |of: u64| if of == 0 { 1.0 } else { right as f64 / of as f64 };
    Quality { true_pairs, found_pairs, precision: share(found_pairs), recall: share(true_pairs) }
}
