//! How fast result pages are read, against a bare loop over the same bytes in the same run: `serp [FOLDER] [ROUNDS]`.
//! Without a folder, pages are made: 100 documents each, as the service writes them.

use std::hint::black_box;
use std::time::Instant;

use leadgen_core::adapters::yandex::read_answer;
use quick_xml::Reader;
use quick_xml::events::Event;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let pages = match args.next() {
        Some(folder) => read_folder(&folder)?,
        None => (0..200).map(page).collect(),
    };
    let rounds: usize = args.next().map_or(Ok(9), |text| text.parse())?;
    let megabytes = pages.iter().map(Vec::len).sum::<usize>() as f64 / 1e6;
    let (mut ours, mut bare, mut documents) = (Vec::new(), Vec::new(), 0);
    // By turns, so that a slow moment of the machine hits both.
    for _ in 0..rounds {
        let begun = Instant::now();
        documents = 0;
        for page in &pages {
            documents += black_box(read_answer(page)?).hits.len();
        }
        ours.push(megabytes / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for page in &pages {
            black_box(events(page)?);
        }
        bare.push(megabytes / begun.elapsed().as_secs_f64());
    }
    let mut shares: Vec<f64> = ours.iter().zip(&bare).map(|(ours, bare)| ours / bare).collect();
    println!(
        "{} pages, {megabytes:.1} MB, {documents} documents: read {:.0} MB/s, bare event loop {:.0} MB/s, share {:.0} % (medians of {rounds})",
        pages.len(),
        median(&mut ours),
        median(&mut bare),
        median(&mut shares) * 100.0
    );
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Every event, and nothing done with it.
fn events(page: &[u8]) -> anyhow::Result<usize> {
    let mut reader = Reader::from_str(std::str::from_utf8(page)?);
    let mut count = 0;
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(count),
            event => {
                black_box(&event);
                count += 1;
            }
        }
    }
}

fn read_folder(folder: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "xml"));
    paths.sort();
    Ok(paths.iter().map(std::fs::read).collect::<Result<_, _>>()?)
}

fn page(number: usize) -> Vec<u8> {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<yandexsearch version=\"1.0\"><response date=\"20260101T000000\"><found priority=\"all\">1000</found><results><grouping>",
    );
    for document in 0..100 {
        let words = "компания <hlword>окна</hlword> качество &amp; цена заказ <hlword>Казань</hlword> производство доставка гарантия";
        text.push_str(&format!(
            "<group><categ attr=\"d\" name=\"firma-{number}-{document}.ru\"/><doccount>7</doccount><relevance/><doc id=\"Z{document}\"><relevance/>\
             <saved-copy-url>https://yandexwebcache.net/yandbtm?fmode=inject&amp;tm=1762&amp;tld=ru&amp;la=17&amp;text=%D0%BE%D0%BA%D0%BD%D0%B0&amp;url=https%3A//firma-{number}-{document}.ru/</saved-copy-url>\
             <url>https://firma-{number}-{document}.ru/okna?id={document}&amp;utm_source=x</url><domain>firma-{number}-{document}.ru</domain>\
             <title>{words}</title><modtime>20251001T120000</modtime><size>9000</size><charset>utf-8</charset><mime-type>text/html</mime-type>\
             <passages><passage>{words} {words}</passage><passage>{words}</passage></passages>\
             <properties><_PassagesType>0</_PassagesType><lang>ru</lang><extended-text>{words} {words} {words}</extended-text></properties></doc></group>"
        ));
    }
    text.push_str("</grouping></results></response></yandexsearch>");
    text.into_bytes()
}
