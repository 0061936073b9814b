//! What a home page says, for a drafter: its text without menus, cookie banners, addresses and numbers of people.

use super::html::Page;
use super::numbers;

/// Characters that a drafter sees.
const MOST: usize = 8000;
/// The longest line that may be a banner.
const LONGEST_BANNER: usize = 600;

/// The excerpt of a page.
pub(super) fn of(page: &Page) -> String {
    let text = without_menus(page);
    let lines = text.lines().filter(|line| !is_banner(line)).map(without_numbers);
    let words = lines.flat_map(|line| line.split_whitespace().filter(|word| !word.contains('@')).map(str::to_owned).collect::<Vec<_>>());
    words.collect::<Vec<_>>().join(" ").chars().take(MOST).collect()
}

/// The text, links of the header, the footer and the navigation left out.
fn without_menus(page: &Page) -> String {
    let mut kept = String::with_capacity(page.text.len());
    let mut from = 0;
    for link in page.links.iter().filter(|link| link.at_edge && !link.hidden) {
        if link.text.start >= from {
            kept.push_str(page.text.get(from..link.text.start).unwrap_or_default());
            from = link.text.end;
        }
    }
    kept.push_str(page.text.get(from..).unwrap_or_default());
    kept
}

fn is_banner(line: &str) -> bool {
    let lower = || line.to_lowercase();
    line.len() <= LONGEST_BANNER && ["cookie", "куки", "кук-файл"].iter().any(|word| lower().contains(word))
}

/// A line without phones: those that are read as such, and groups of digits that make up a number of any city.
fn without_numbers(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut from = 0;
    for phone in numbers::find(line, Some("RU")) {
        kept.push_str(line.get(from..phone.start).unwrap_or_default());
        from = phone.end;
    }
    kept.push_str(line.get(from..).unwrap_or_default());
    let words: Vec<&str> = kept.split_whitespace().collect();
    let digits = |word: &str| word.chars().filter(char::is_ascii_digit).count();
    let is_group = |word: &str| digits(word) > 0 && word.chars().all(|c| c.is_ascii_digit() || "()-–—.,;:+/".contains(c));
    words
        .chunk_by(|a, b| is_group(a) && is_group(b))
        .filter(|run| run.iter().map(|word| digits(word)).sum::<usize>() < 6)
        .flatten()
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::read_html;
    use super::of;

    #[test]
    fn a_drafter_sees_what_a_firm_does_and_no_menu_banner_or_number() {
        let page = read_html(
            "<nav><a href=/a>Каталог</a> <a href=/b>Доставка</a></nav><main><p>Делаем окна с 2004 года, 12 моделей.</p>
             <p>Иван Петров: 255 05 50, ivan@firma.ru, +7 (843) 200-00-01 доб. 3</p></main>
             <div>Мы используем cookie, чтобы сайт работал лучше. <button>Принять</button></div>",
        );
        assert_eq!(of(&page), "Делаем окна с 2004 года, 12 моделей. Иван Петров: доб. 3 Принять");
    }
}
