//! Documents of a result page → results: addresses normalized, catalogues sieved out, each drop counted.

use crate::domain::name::DomainName;
use crate::domain::policy::{MOST_RESULTS, SearchPolicy};
use crate::domain::query::SearchQuery;
use crate::domain::serp::{Hit, Reading, Sighting};
use crate::error::Result;
use crate::rules::{normalize, planning, sieve};

/// The longest address of a result, in bytes: no site needs more, and an index holds no more.
const LONGEST_ADDRESS: usize = 2048;
/// Characters kept of a title, and of a snippet.
const LONGEST_TEXTS: [usize; 2] = [1000, 4000];
/// The longest name of a language (RFC 5646, 4.4.1).
const LONGEST_LANGUAGE: usize = 35;

/// What a page of a query gives, with places counted over all its pages, and the page to be asked next.
pub fn page(hits: Result<Vec<Hit>>, query: &SearchQuery, excluded: &[DomainName], policy: &SearchPolicy) -> Result<Reading> {
    let hits = match hits {
        // Asked past the end of the results: there is no more, which is no failure.
        Err(error) if query.page > 0 && error.machine_code() == "serp_error_18" => Vec::new(),
        hits => hits?,
    };
    let mut reading = sift(hits, excluded);
    for sighting in &mut reading.sightings {
        sighting.position += query.page * policy.per_page;
    }
    let next = query.page + 1;
    let is_full = reading.documents >= policy.per_page;
    let is_below_ceiling = next * policy.per_page < MOST_RESULTS;
    reading.next_page = (is_full && is_below_ceiling && next < policy.pages).then_some(next);
    Ok(reading)
}

/// Hits → sightings: addresses normalized, foreign hosts dropped, one address once at its best position.
pub fn sift(hits: Vec<Hit>, excluded: &[DomainName]) -> Reading {
    let mut reading = Reading { documents: hits.len() as u32, ..Reading::default() };
    let mut seen = std::collections::HashSet::new();
    for (index, hit) in hits.into_iter().enumerate() {
        let position = if hit.position == 0 { index as u32 + 1 } else { hit.position };
        let address = normalize::address(&hit.url).filter(|address| address.url.len() <= LONGEST_ADDRESS);
        let Some(address) = address else {
            reading.invalid += 1;
            continue;
        };
        if let Some(drop) = sieve::drop_reason(&address.host, excluded) {
            reading.excluded += 1;
            *reading.excluded_by.entry(drop.kind).or_default() += 1;
            continue;
        }
        if !seen.insert(address.url.clone()) {
            reading.repeated += 1;
            continue;
        }
        let [title, snippet] = [&hit.title, &hit.snippet].map(|text| planning::squash(text));
        let title = text(&title, LONGEST_TEXTS[0]);
        reading.sightings.push(Sighting {
            position,
            title: if title.is_empty() { address.host.to_string() } else { title },
            snippet: text(&snippet, LONGEST_TEXTS[1]),
            language: hit.language.filter(|language| is_language(language)),
            registrable_domain: normalize::registrable(&address.host).map(|family| family.to_string()),
            domain: address.host.to_string(),
            url: address.url,
        });
    }
    reading
}

/// Characters that can be shown and kept, up to a bound.
fn text(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

fn is_language(text: &str) -> bool {
    text.len() <= LONGEST_LANGUAGE && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_store_could_not_keep_gets_through() {
        let long = format!("https://denta-lux.ru/{}", "x".repeat(2048));
        let hits = vec![
            Hit::new(long, "too long an address"),
            Hit { snippet: "я".repeat(9000), language: Some("r\0u".into()), ..Hit::new("https://one.ru/", "a\0b\u{7}c") },
            Hit { language: Some("pt-BR".into()), ..Hit::new("https://two.ru/", "x".repeat(9000)) },
        ];
        let reading = sift(hits, &[]);
        assert_eq!((reading.documents, reading.invalid, reading.sightings.len()), (3, 1, 2));
        let [one, two] = &reading.sightings[..] else { unreachable!() };
        assert_eq!((one.title.as_str(), one.snippet.chars().count(), one.language.as_deref()), ("abc", 4000, None));
        assert_eq!((two.title.len(), two.language.as_deref()), (1000, Some("pt-BR")));
    }

    #[test]
    fn every_document_is_kept_or_counted() {
        let hits = ["https://www.denta-lux.ru/uslugi?utm_source=x", "https://kazan.hh.ru/", "ftp://x.ru", "http://denta-lux.ru/uslugi"];
        let reading = sift(hits.iter().map(|url| Hit::new(*url, "")).collect(), &[]);
        assert_eq!(
            (reading.documents, reading.excluded, reading.invalid, reading.repeated),
            (4, 1, 1, 1),
            "every document is kept or counted"
        );
        assert_eq!(reading.sightings.len(), 1, "one address is one result");
        assert_eq!((reading.sightings[0].position, reading.sightings[0].title.as_str()), (1, "denta-lux.ru"));
    }

    #[test]
    fn further_pages_are_asked_while_they_are_full_up_to_the_ceiling() {
        let query = |page| SearchQuery {
            id: SearchQuery::id_of("окна", 225),
            niche_id: None,
            text: "окна".into(),
            hash: String::new(),
            region: 225,
            trigger: None,
            niche: String::new(),
            city: String::new(),
            batch_tag: String::new(),
            state: crate::domain::flow::QueryState::InProgress,
            scheduled_for: crate::domain::time::Timestamp::default(),
            retry_count: 0,
            page,
        };
        let policy = SearchPolicy { pages: 9, ..SearchPolicy::default() };
        let hits = |count: usize| Ok((0..count).map(|n| Hit::new(format!("https://firm{n}.ru/"), "")).collect());
        let next = |hits, at| page(hits, &query(at), &[], &policy).ok().and_then(|reading| reading.next_page);
        assert_eq!([next(hits(100), 0), next(hits(100), 1), next(hits(100), 2), next(hits(99), 0)], [Some(1), Some(2), None, None]);
        let one = SearchPolicy::default();
        assert_eq!(page(hits(100), &query(0), &[], &one).ok().and_then(|reading| reading.next_page), None, "one page is what is asked for");
        let second = page(hits(3), &query(1), &[], &policy).unwrap_or_default();
        assert_eq!(second.sightings[0].position, 101);
        let past = Err(crate::error::Error::new(crate::error::ErrorKind::Rejected, "read").code("serp_error_18"));
        assert_eq!(next(past, 2), None);
    }
}
