//! How well companies of known truth are grouped.

use leadgen_core::rules::twins::group::group;
use leadgen_core::rules::twins::profile::Profile;
use leadgen_tests::firms::{self, Row};

/// Names with slips, forms, other scripts and words, brands in many cities, chains and look-alikes.
#[test]
fn ten_thousand_companies_are_grouped_as_they_belong_together() {
    let mut rows: Vec<Row> = Vec::new();
    firms::rows(10_000, 2026, |row| rows.push(row));
    let truth: Vec<u32> = rows.iter().map(|row| row.firm).collect();
    let profiles: Vec<Profile> = rows.iter().map(Row::profile).collect();

    let quality = firms::quality(&truth, &group(&profiles, &[]).first);

    assert!(quality.true_pairs > 3_000, "{quality:?}");
    assert!(quality.precision >= 0.98 && quality.recall >= 0.93, "{quality:?}");
}
