//! An own list of companies comes in.

use crate::domain::lead::CompanyRow;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::error::Result;
use crate::ports::store::{Admit, Admitted, ImportedCompany};
use crate::rules::harvest::{Requisite, requisite_in};
use crate::rules::mailhosts::is_free_mail;
use crate::rules::{normalize, sieve, twins};

/// Rows that come in together. Others who make companies wait that long.
const TOGETHER: usize = 1000;
/// Rows refused one after the other that mean that the store is away, not that each of them is odd.
const IN_A_ROW: usize = 10;
/// Characters kept of a cell.
const LONGEST_CELL: usize = 200;

/// What became of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Companies that are new.
    pub new: u32,
    /// Rows of companies that were known.
    pub known: u32,
    /// Rows that name nobody.
    pub nameless: usize,
    /// Rows that could not be kept, each with the reason.
    pub refused: Vec<String>,
}

impl Imported {
    fn count(&mut self, admitted: &Admitted) {
        self.new += admitted.new;
        self.known += admitted.known;
    }
}

/// A row in its normal form; none if nothing tells whose it is. An address at the firm's own domain names its site.
/// Hosts of `own_list` are nobody's, as those of the shipped list.
pub fn normalized(row: &CompanyRow, own_list: &[DomainName]) -> Option<ImportedCompany> {
    let is_sieved = |source: &str| normalize::domain_of(source).is_some_and(|host| sieve::drop_reason(&host, own_list).is_some());
    let email = normalize::email(&row.email);
    let own_host = email.as_ref().map(|email| email.domain().as_str()).filter(|host| !is_free_mail(host) && !is_sieved(host)).unwrap_or("");
    let source = if row.domain.trim().is_empty() || is_sieved(&row.domain) { own_host } else { &row.domain };
    let batch_tag = shown(&row.batch_tag);
    let phone = normalize::phone(&row.phone, None);
    let (inn, ogrn) = (requisite_in(Requisite::Inn, &row.inn), requisite_in(Requisite::Ogrn, &row.ogrn));
    let told = [
        row.city.as_str(),
        phone.as_ref().map_or("", |phone| phone.as_str()),
        email.as_ref().map_or("", |email| email.as_str()),
        inn.as_deref().unwrap_or(""),
        ogrn.as_deref().unwrap_or(""),
    ];
    Some(ImportedCompany {
        newborn: twins::newborn_listed(&row.name, source, &told)?,
        industry: shown(&row.niche),
        region: shown(&row.city),
        batch_tag: if batch_tag.is_empty() { "default".into() } else { batch_tag },
        email,
        phone,
        inn,
        ogrn,
        origin: shown(&row.origin),
    })
}

/// What can be shown and kept of a cell.
fn shown(cell: &str) -> String {
    cell.trim().chars().filter(|c| !c.is_control()).take(LONGEST_CELL).collect()
}

/// Lets rows in, a thousand at a time: a list that was cut short goes on when it is given again, what came in is known by then.
/// A row that can't be kept is told and the others come in.
pub async fn companies<S>(store: &S, rows: &[CompanyRow], own_list: &[DomainName], now: Timestamp) -> Result<Imported>
where
    S: Admit<ImportedCompany> + ?Sized,
{
    let mut imported = Imported::default();
    for rows in rows.chunks(TOGETHER) {
        let items: Vec<ImportedCompany> = rows.iter().filter_map(|row| normalized(row, own_list)).collect();
        imported.nameless += rows.len() - items.len();
        if items.is_empty() {
            continue;
        }
        match store.admit("import", &items, None, now).await {
            Ok(admitted) => imported.count(&admitted),
            Err(_) => one_by_one(store, &items, now, &mut imported).await?,
        }
    }
    Ok(imported)
}

async fn one_by_one<S>(store: &S, items: &[ImportedCompany], now: Timestamp, imported: &mut Imported) -> Result<()>
where
    S: Admit<ImportedCompany> + ?Sized,
{
    let mut in_a_row = 0;
    for item in items {
        match store.admit("import", std::slice::from_ref(item), None, now).await {
            Ok(admitted) => {
                imported.count(&admitted);
                in_a_row = 0;
            }
            Err(error) => {
                in_a_row += 1;
                let none_came_in = imported.new + imported.known == 0;
                if in_a_row == IN_A_ROW || (none_came_in && in_a_row == items.len()) {
                    let come_in = imported.new + imported.known;
                    return Err(error.detail(format!("{come_in} rows came in, then {}; give the list again: they are known", item.origin)));
                }
                imported.refused.push(format!("{}: {}", item.origin, error.for_row()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::domain::lead::Cursor;
    use crate::error::{Error, ErrorKind};

    /// Counts what comes in at once, and refuses whatever holds a row of one city.
    #[derive(Debug)]
    struct Door {
        came_in: Mutex<Vec<usize>>,
        refuses: &'static str,
    }

    #[async_trait]
    impl Admit<ImportedCompany> for Door {
        async fn admit(&self, _: &str, items: &[ImportedCompany], _: Option<&Cursor>, _: Timestamp) -> Result<Admitted> {
            if items.iter().any(|item| item.region == self.refuses) {
                return Err(Error::new(ErrorKind::Unavailable, "keep it").code("database_unavailable"));
            }
            self.came_in.lock().unwrap().push(items.len());
            Ok(Admitted { new: items.len() as u32, ..Admitted::default() })
        }
    }

    fn door(refuses: &'static str) -> Door {
        Door { came_in: Mutex::default(), refuses }
    }

    fn rows(count: usize, city: impl Fn(usize) -> &'static str) -> Vec<CompanyRow> {
        let row = |at: usize| CompanyRow {
            origin: format!("list:{at}"),
            name: format!("Фирма {at}"),
            domain: format!("firm{at}.ru"),
            city: city(at).into(),
            ..CompanyRow::default()
        };
        (0..count).map(row).collect()
    }

    async fn import(door: &Door, rows: &[CompanyRow]) -> Result<Imported> {
        companies(door, rows, &[], Timestamp::default()).await
    }

    #[tokio::test]
    async fn a_list_comes_in_a_thousand_rows_at_a_time() {
        let door = door("Уфа");

        let imported = import(&door, &rows(2500, |_| "Казань")).await.unwrap();

        assert_eq!(*door.came_in.lock().unwrap(), [1000, 1000, 500]);
        assert_eq!(imported, Imported { new: 2500, ..Imported::default() });
    }

    #[tokio::test]
    async fn a_row_that_can_not_be_kept_refuses_itself_only() {
        let imported = import(&door("Уфа"), &rows(1500, |at| if at == 1200 { "Уфа" } else { "Казань" })).await.unwrap();

        assert_eq!((imported.new, imported.refused.len()), (1499, 1));
        assert!(imported.refused[0].starts_with("list:1200: database_unavailable: "), "{:?}", imported.refused);
    }

    #[tokio::test]
    async fn a_store_that_is_away_ends_the_list_and_what_came_in_is_told() {
        let error = import(&door("Уфа"), &rows(3000, |at| if at < 1000 { "Казань" } else { "Уфа" })).await.unwrap_err();
        assert_eq!(error.machine_code(), "database_unavailable");
        assert!(error.told().unwrap().starts_with("1000 rows came in, then list:1009;"), "{error}");

        assert!(import(&door("Уфа"), &rows(1, |_| "Уфа")).await.is_err(), "of a list of one nothing came in");
    }

    #[test]
    fn cells_are_kept_as_far_as_they_can_be_shown() {
        let mut row = rows(1, |_| "Казань").remove(0);
        (row.city, row.niche) = ("Каз\0ань ".into(), "ш".repeat(5000));
        let company = normalized(&row, &[]).unwrap();
        assert_eq!((company.region.as_str(), company.industry.chars().count()), ("Казань", LONGEST_CELL));
    }
}
