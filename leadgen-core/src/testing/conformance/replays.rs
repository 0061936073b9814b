//! Kept pages are read again: told first, then made so, and no company loses what it was born of.

use crate::domain::flow::ResultState;
use crate::domain::serp::{KeptPage, Reading, ReadingDiff, Sighting};
use crate::error::Result;
use crate::ports::work::{DedupeResult, IngestPage, Work};

use super::companies::{commit_all, companies, read, results};
use super::seeds::{Seeded, sighting, through};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    kept_pages_are_given_once_each_in_the_order_of_their_operations,
    a_page_that_is_not_read_yet_is_not_given,
    a_dry_reading_tells_and_writes_nothing,
    a_reading_makes_the_results_what_it_says,
    a_result_that_a_company_was_born_of_stays,
];

async fn pages(world: &World) -> Result<Vec<KeptPage>> {
    world.store.kept_pages(None, 100).await
}

fn says(sightings: Vec<Sighting>) -> Reading {
    Reading { documents: sightings.len() as u32, sightings, ..Reading::default() }
}

fn home(host: &str) -> String {
    format!("https://{host}/")
}

async fn kept_pages_are_given_once_each_in_the_order_of_their_operations(world: &World) -> Result<()> {
    for word in ["one", "two", "three"] {
        read(world, word, vec![]).await?;
    }

    let all = pages(world).await?;
    let mut by_twos = world.store.kept_pages(None, 2).await?;
    by_twos.extend(world.store.kept_pages(by_twos.last().map(|page| page.operation.id), 2).await?);

    assert_eq!(all.len(), 3);
    assert!(all.is_sorted_by_key(|page| page.operation.id));
    assert_eq!(
        by_twos.iter().map(|page| page.operation.id).collect::<Vec<_>>(),
        all.iter().map(|page| page.operation.id).collect::<Vec<_>>()
    );
    for page in &all {
        assert_eq!(
            page.page.bytes,
            format!("op-{}", page.query.text).into_bytes(),
            "each with the bytes that came and the query they answer"
        );
    }
    assert!(world.store.kept_pages(all.last().map(|page| page.operation.id), 2).await?.is_empty());
    Ok(())
}

async fn a_page_that_is_not_read_yet_is_not_given(world: &World) -> Result<()> {
    IngestPage::seed(world, "word").await?;
    assert!(pages(world).await?.is_empty(), "the lane {} has it", IngestPage::NAME);

    through::<IngestPage>(world, "word").await?;
    assert_eq!(pages(world).await?.len(), 1);
    Ok(())
}

async fn a_dry_reading_tells_and_writes_nothing(world: &World) -> Result<()> {
    read(world, "word", vec![sighting("same.ru", "Та же", 1), sighting("other.ru", "Другая", 2), sighting("gone.ru", "Была", 3)]).await?;
    let operation = pages(world).await?[0].operation.id;
    let reading = says(vec![sighting("same.ru", "Та же", 1), sighting("other.ru", "Другая, новая", 2), sighting("new.ru", "Новая", 3)]);
    let expected =
        ReadingDiff { added: vec![home("new.ru")], changed: vec![home("other.ru")], removed: vec![home("gone.ru")], kept: vec![], same: 1 };

    for _ in 0..2 {
        assert_eq!(world.store.reread(operation, &reading, true, world.now()).await?, expected, "nothing was written");
    }
    assert_eq!(results(world, ResultState::New).await?, 3);
    Ok(())
}

async fn a_reading_makes_the_results_what_it_says(world: &World) -> Result<()> {
    read(world, "word", vec![sighting("other.ru", "Другая", 1), sighting("gone.ru", "Была", 2)]).await?;
    let operation = pages(world).await?[0].operation.id;
    let reading = says(vec![sighting("other.ru", "Другая, новая", 1), sighting("new.ru", "Новая", 2)]);

    let told = world.store.reread(operation, &reading, true, world.now()).await?;
    let done = world.store.reread(operation, &reading, false, world.now()).await?;
    let again = world.store.reread(operation, &reading, false, world.now()).await?;

    assert_eq!(done, told, "what was told is what is done");
    assert_eq!(again, ReadingDiff { same: 2, ..ReadingDiff::default() }, "twice is once");
    let claims = world.claim::<DedupeResult>().await?;
    let mut titles: Vec<&str> = claims.iter().map(|claim| claim.item.title.as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["Другая, новая", "Новая"], "new results are deduplicated as any");
    Ok(())
}

async fn a_result_that_a_company_was_born_of_stays(world: &World) -> Result<()> {
    read(world, "word", vec![sighting("born.ru", "Ромашка", 1)]).await?;
    let claims = world.claim::<DedupeResult>().await?;
    commit_all(world, claims).await?;
    let operation = pages(world).await?[0].operation.id;

    let diff = world.store.reread(operation, &says(vec![]), false, world.now()).await?;

    assert_eq!(diff, ReadingDiff { kept: vec![home("born.ru")], ..ReadingDiff::default() });
    assert_eq!((results(world, ResultState::Unique).await?, companies(world).await?), (1, 1));
    Ok(())
}
