//! Pages of results in the XML of Yandex.

use crate::firms::{Dice, Firm};

/// Which part of the results is asked for.
pub(crate) struct Sheet {
    pub(crate) page: usize,
    pub(crate) groups: usize,
}

/// A page that holds an error and no results.
pub(crate) fn error_page(code: u32) -> Vec<u8> {
    let text =
        if code == 15 { "Искомая комбинация слов нигде не встречается" } else { "Ошибка" };
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<yandexsearch version=\"1.0\"><response date=\"20260115T210509\"><error code=\"{code}\">{text}</error></response></yandexsearch>").into_bytes()
}

/// The documents of a query: firms of the niche and place, inner pages, and the usual catalogues.
pub(crate) fn result_page(firms: &[Firm], text: &str, sheet: &Sheet) -> Vec<u8> {
    let words: String =
        text.split(' ').filter(|word| !word.starts_with("-site:") && !word.starts_with("lang:")).collect::<Vec<_>>().join(" ");
    let mut dice = Dice::new(u64::from_le_bytes(blake3::hash(words.as_bytes()).as_bytes()[..8].try_into().unwrap_or_default()));
    let mut found: Vec<&Firm> = firms.iter().filter(|firm| words.contains(&firm.niche) && words.contains(&firm.city)).collect();
    if found.is_empty() {
        return error_page(15);
    }
    let plain = !words.contains('"');
    if !plain {
        found.retain(|_| dice.below(3) != 0);
        for at in (1..found.len()).rev() {
            found.swap(at, dice.below(at as u64 + 1) as usize);
        }
    }
    let mut groups = Vec::new();
    for (index, firm) in found.iter().enumerate() {
        let inner = if dice.below(2) == 0 { "uslugi?utm_source=yandex" } else { "" };
        groups.push(group(&format!("https://{}/{inner}", firm.host), &firm.name, &firm.niche, &firm.city));
        if index == 1 {
            groups.push(group(&format!("https://spb.{}/", firm.host), &firm.name, &firm.niche, &firm.city));
        }
        if index % 5 == 2 {
            groups.push(group("https://www.avito.ru/items", "Объявления", &firm.niche, &firm.city));
            groups.push(group("https://2gis.ru/search", "Все организации", &firm.niche, &firm.city));
        }
    }
    let groups: String = groups.into_iter().skip(sheet.page * sheet.groups).take(sheet.groups).collect();
    if groups.is_empty() {
        return error_page(18);
    }
    let query = escape(text);
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<yandexsearch version=\"1.0\"><request><query>{query}</query><page>{page}</page></request>\
         <response date=\"20260115T210509\"><reqid>town</reqid><found priority=\"all\">117564</found><results>\
         <grouping attr=\"d\" mode=\"deep\" groups-on-page=\"100\" docs-in-group=\"1\" curcateg=\"-1\"><page first=\"1\" last=\"101\">{page}</page>{groups}\
         <found priority=\"all\">{n}</found></grouping></results></response></yandexsearch>",
        n = found.len(),
        page = sheet.page
    )
    .into_bytes()
}

fn group(url: &str, name: &str, niche: &str, city: &str) -> String {
    let host = url.trim_start_matches("https://").split('/').next().unwrap_or("");
    format!(
        "<group><categ attr=\"d\" name=\"{host}\"/><doccount>1</doccount><relevance/><doc id=\"Z1\"><relevance/>\
         <saved-copy-url>https://yandexwebcache.net/x</saved-copy-url><url>{url}</url><domain>{host}</domain>\
         <title>{name} — <hlword>{niche}</hlword> <hlword>{city}</hlword></title><modtime>20250101T000000</modtime><charset>utf-8</charset>\
         <mime-type>text/html</mime-type><passages><passage><hlword>{niche}</hlword> в городе {city}: запись и консультация</passage></passages>\
         <properties><_PassagesType>0</_PassagesType><lang>ru</lang></properties></doc></group>",
        url = escape(url),
        name = escape(name),
        niche = escape(niche),
        city = escape(city),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
