//! The doors, and the outcomes of rows: letting in twice is letting in once.

use crate::domain::flow::QueryState;
use crate::domain::lead::{Cursor, LeadRow, RowFate, RowStatus};
use crate::error::{Result, Verdict};
use crate::ports::store::{Admit, Admitted, Exports, ImportedCompany};
use crate::ports::work::{IngestPage, PlanNiche, PollOperation, SubmitQuery};
use crate::testing::builders::{a_company, a_row};

use super::seeds::{admit, query_now, through};
use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_row_admitted_twice_is_one_niche,
    a_cursor_is_written_with_its_batch,
    rows_are_planned_in_the_order_of_the_sheet,
    a_row_has_no_outcome_before_it_is_planned,
    a_row_planned_again_inserts_nothing_and_keeps_its_slots,
    of_two_equal_rows_the_first_has_the_new_queries,
    a_row_that_cannot_be_planned_says_why,
    slots_of_two_niches_never_meet,
    a_company_imported_twice_is_one_company,
    an_imported_address_belongs_to_the_first_that_names_it,
    a_query_asked_again_is_answered_by_its_new_page,
];

async fn a_row_admitted_twice_is_one_niche(world: &World) -> Result<()> {
    let rows = [a_row("стоматология", "Казань"), a_row("фитнес", "Казань"), a_row("стоматология", "Казань")];
    let door: &dyn Admit<LeadRow> = world.store.as_ref();

    let first = door.admit("sheet", &rows, None, world.now()).await?;
    let second = door.admit("sheet", &rows, None, world.now()).await?;

    assert_eq!(first, Admitted { new: 2, known: 1, unmatched: 0 }, "equal rows are one niche");
    assert_eq!(second, Admitted { new: 0, known: 3, unmatched: 0 }, "all are known the second time");
    assert_eq!(world.claim::<PlanNiche>().await?.len(), 2);
    Ok(())
}

async fn a_cursor_is_written_with_its_batch(world: &World) -> Result<()> {
    let door: &dyn Admit<LeadRow> = world.store.as_ref();
    assert_eq!(world.store.cursor("sheet").await?, None, "a source starts without a cursor");

    door.admit("sheet", &[a_row("фитнес", "Уфа")], Some(&Cursor("row 7".into())), world.now()).await?;
    door.admit("other", &[], Some(&Cursor("x".into())), world.now()).await?;
    door.admit("sheet", &[], None, world.now()).await?;

    assert_eq!(world.store.cursor("sheet").await?, Some(Cursor("row 7".into())), "each source keeps its own cursor");
    Ok(())
}

async fn rows_are_planned_in_the_order_of_the_sheet(world: &World) -> Result<()> {
    let rows: Vec<LeadRow> = ["д", "г", "в", "б", "а"].map(|niche| a_row(niche, "Казань")).into();

    Admit::<LeadRow>::admit(world.store.as_ref(), "sheet", &rows, None, world.now()).await?;

    let order: Vec<String> = world.claim::<PlanNiche>().await?.into_iter().map(|claim| claim.item.niche).collect();
    assert_eq!(order, ["д", "г", "в", "б", "а"]);
    Ok(())
}

async fn a_row_has_no_outcome_before_it_is_planned(world: &World) -> Result<()> {
    let row = a_row("фитнес", "Казань");
    admit(world, &row).await?;
    assert_eq!(world.store.outcomes(&[row.clone(), a_row("nobody", "Казань")]).await?, [None, None]);

    through::<PlanNiche>(world, "default").await?;

    let outcomes = world.store.outcomes(&[a_row("nobody", "Казань"), row.clone()]).await?;
    assert_eq!(outcomes[0], None, "outcomes come in the order of the rows");
    let outcome = outcomes[1].as_ref().expect("a planned row has an outcome");
    assert_eq!((outcome.fate, outcome.generated, outcome.inserted, outcome.duplicates), (RowFate::Exported, 1, 1, 0));
    assert_eq!(outcome.row, row);
    assert!(outcome.first_slot.is_some() && outcome.first_slot == outcome.last_slot);
    Ok(())
}

async fn a_row_planned_again_inserts_nothing_and_keeps_its_slots(world: &World) -> Result<()> {
    let row = a_row("фитнес", "Казань");
    admit(world, &row).await?;
    through::<PlanNiche>(world, "default").await?;
    let first = world.store.outcomes(std::slice::from_ref(&row)).await?[0].clone().expect("an outcome");

    world.pass_minutes(5);
    admit(world, &row).await?;
    through::<PlanNiche>(world, "default").await?;

    let second = world.store.outcomes(std::slice::from_ref(&row)).await?[0].clone().expect("an outcome");
    assert_eq!((second.generated, second.inserted, second.duplicates), (1, 0, 1));
    assert_eq!((second.first_slot, second.last_slot), (first.first_slot, first.last_slot), "the slots are those of the queue");
    assert_eq!(world.store.funnel(None).await?.queries, 1);
    Ok(())
}

async fn of_two_equal_rows_the_first_has_the_new_queries(world: &World) -> Result<()> {
    let (row, other) = (a_row("фитнес", "Казань"), a_row("йога", "Казань"));
    let again = LeadRow { origin: "niches.csv:9".into(), ..row.clone() };
    let rows = [row, other, again.clone()];
    Admit::<LeadRow>::admit(world.store.as_ref(), "sheet", &rows, None, world.now()).await?;
    through::<PlanNiche>(world, "default").await?;

    let outcomes: Vec<RowStatus> = world.store.outcomes(&rows).await?.into_iter().flatten().collect();

    let counts: Vec<_> = outcomes.iter().map(|outcome| (outcome.generated, outcome.inserted, outcome.duplicates)).collect();
    assert_eq!(counts, [(1, 1, 0), (1, 1, 0), (1, 0, 1)]);
    assert_eq!((&outcomes[2].row, outcomes[2].first_slot), (&again, outcomes[0].first_slot));
    Ok(())
}

async fn a_row_that_cannot_be_planned_says_why(world: &World) -> Result<()> {
    let row = a_row("фитнес", "Казань");
    admit(world, &row).await?;
    let claim = world.claim_one::<PlanNiche>().await?;

    world.release::<PlanNiche>(&claim.ticket, Verdict::Reject, "query_too_long", std::time::Duration::ZERO).await?;

    let outcome = world.store.outcomes(&[row]).await?[0].clone().expect("a failed row has an outcome");
    assert_eq!((outcome.fate, outcome.generated), (RowFate::Failed, 0));
    assert!(outcome.last_error.is_some_and(|why| why.starts_with("query_too_long: ")));
    assert!(world.claim::<PlanNiche>().await?.is_empty(), "it is not planned again by itself");
    Ok(())
}

async fn slots_of_two_niches_never_meet(world: &World) -> Result<()> {
    for niche in ["а", "б", "в"] {
        admit(world, &a_row(niche, "Казань")).await?;
        through::<PlanNiche>(world, "default").await?;
    }

    let waiting = world.store.waiting(None).await?;

    assert_eq!(waiting.len(), 3);
    for pair in waiting.windows(2) {
        assert!(pair[1].since(pair[0]) >= world.policy.search.spacing, "two queries share a slot");
    }
    assert_eq!(world.store.last_slot().await?, waiting.last().copied());
    Ok(())
}

async fn a_company_imported_twice_is_one_company(world: &World) -> Result<()> {
    let items = [a_company().imported(), a_company().named("ООО «Дента Люкс»").at("www.denta-lux.ru").imported()];
    let door: &dyn Admit<ImportedCompany> = world.store.as_ref();

    let first = door.admit("list", &items, None, world.now()).await?;
    let second = door.admit("list", &items, None, world.now()).await?;

    assert_eq!((first.new, first.known), (1, 1), "one host is one company");
    assert_eq!((second.new, second.known), (0, 2));
    assert_eq!(Exports::companies(world.store.as_ref(), None).await?.len(), 1);
    Ok(())
}

async fn an_imported_address_belongs_to_the_first_that_names_it(world: &World) -> Result<()> {
    let one = a_company().at("one.ru").named("Один").with_email("info@one.ru");
    let two = a_company().at("two.ru").named("Два").with_email("info@one.ru");
    super::seeds::import(world, &one).await?;
    world.pass_minutes(1);
    super::seeds::import(world, &two).await?;

    let companies = Exports::companies(world.store.as_ref(), None).await?;

    let holders: Vec<&str> =
        companies.iter().filter(|line| line.emails.contains("info@one.ru")).map(|line| line.canonical_domain.as_str()).collect();
    assert_eq!(holders, ["one.ru"], "one address is one contact, of the company that was first to show it");
    Ok(())
}

async fn a_query_asked_again_is_answered_by_its_new_page(world: &World) -> Result<()> {
    <IngestPage as super::seeds::Seeded>::seed(world, "word").await?;
    through::<IngestPage>(world, "word").await?;
    assert_eq!(world.queries(QueryState::Completed).await?, 1);

    assert_eq!(world.store.enqueue(&[query_now(world, "word")]).await?, 1, "an answered query can be asked again");
    let claim = world.claim_one::<SubmitQuery>().await?;
    world.mark::<SubmitQuery>(&claim.ticket).await?;
    assert!(world.claim::<IngestPage>().await?.is_empty(), "the old page was taken for the new answer");
    world.commit::<SubmitQuery>(&claim.ticket, crate::domain::serp::Submission::Deferred("op-new".into())).await?;
    world.pass(world.policy.search.poll_interval);
    through::<PollOperation>(world, "word").await?;

    let page = world.claim_one::<IngestPage>().await?;
    assert_eq!(page.item.page.bytes, b"op-new", "the new page is read");
    Ok(())
}
