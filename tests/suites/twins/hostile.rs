//! Lists that contradict themselves: rows of one site under many names, phones and numbers of many firms, bare names, slips.

use super::*;

/// Lists that are tried in memory.
const LISTS: u64 = 400;
/// Of these, those that are tried on a database as well.
const ON_A_DATABASE: u64 = 40;

/// Rows of few words, so that everything is shared by somebody.
fn hostile(seed: u64, count: usize) -> Vec<CompanyRow> {
    let mut dice = Dice::new(seed);
    let names = [
        "Бавогустрой",
        "Бавогустрйо",
        "Bavogustroy",
        "ООО «Бавогустрой»",
        "Дента Люкс",
        "Люкс Дента",
        "АО Дента Люкс",
        "Вектор",
        "Ника",
        "",
    ];
    let hosts = ["", "", "bavogustroy.ru", "spb.bavogustroy.ru", "bavogustroy.com", "denta-lux.ru", "dentalux.ru", "vektor.ru"];
    let mails = ["", "", "info@denta-lux.ru", "info@bavogustroy.ru", "nika@mail.ru", "studio@web-studio.ru"];
    let phones = ["", "", "+74952045138", "+78432045139", "+73472045140"];
    let (cities, inns) = (["", "Казань", "Уфа"], ["", "", "", "7707083893", "7728168971"]);
    let mut row = |at: usize| CompanyRow {
        origin: format!("list:{at}"),
        name: dice.one_of(&names).into(),
        domain: dice.one_of(&hosts).into(),
        email: dice.one_of(&mails).into(),
        phone: dice.one_of(&phones).into(),
        city: dice.one_of(&cities).into(),
        inn: dice.one_of(&inns).into(),
        ..CompanyRow::default()
    };
    (1..=count).map(&mut row).collect()
}

/// Who is one with whom after a list came in so many rows at a time, each a minute after the other.
async fn grouped(ground: &Ground, rows: &[CompanyRow], at_once: usize) -> BTreeMap<Id<Company>, Id<Company>> {
    for rows in rows.chunks(at_once) {
        import::companies(ground.store.as_ref(), rows, &[], ground.clock_now()).await.expect("rows come in");
        ground.later();
    }
    let pairs = ground.pairs(&ALL).await;
    let known: Vec<Id<Company>> = rows.iter().filter_map(|row| import::normalized(row, &[])).map(|company| company.newborn.id()).collect();
    groups(&known, pairs.into_iter().filter(|pair| ONE.contains(&pair.state)).map(|pair| (pair.first.id, pair.second.id)))
}

/// At once, row by row and in parts.
async fn a_list_is_grouped_alike_however_it_comes_in(seed: u64) {
    let rows = hostile(seed, 4 + (seed % 21) as usize);
    let expected = grouped(&memory(), &rows, 1).await;
    for at_once in [3, rows.len()] {
        assert_eq!(grouped(&memory(), &rows, at_once).await, expected, "memory, seed {seed}, {at_once} at once");
    }
    // A database takes its time: those of a few seeds.
    if seed < ON_A_DATABASE {
        for at_once in [1, 3, rows.len()] {
            let sqlite = sql(Empty::file()).await;
            assert_eq!(grouped(&sqlite, &rows, at_once).await, expected, "sqlite, seed {seed}, {at_once} at once");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_contradicts_itself_comes_to_the_same_groups_at_once_and_row_by_row() {
    for seed in 0..LISTS {
        a_list_is_grouped_alike_however_it_comes_in(seed).await;
    }
}
