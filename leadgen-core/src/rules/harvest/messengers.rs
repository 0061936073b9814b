//! Links to messengers and networks, in one spelling each.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use url::Url;

use super::decode::percent;
use super::html::Page;

/// Links kept of one page.
const MOST: usize = 20;
/// First segments of a path that lead to no one.
const NOT_A_PLACE: [&str; 22] = [
    "share",
    "share.php",
    "sharer",
    "sharer.php",
    "joinchat",
    "intent",
    "widget",
    "widgets.php",
    "addstickers",
    "proxy",
    "socks",
    "dialog",
    "plugins",
    "login",
    "hashtag",
    "tr",
    "home",
    "feed",
    "offer",
    "video",
    "photo",
    "badges",
];

pub(super) fn find(page: &Page) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for link in &page.links {
        if may_lead_there(&link.href)
            && let Some(place) = place(link.href.trim())
            && !links.contains(&place)
            && links.len() < MOST
        {
            links.push(place);
        }
    }
    links
}

/// Whether a link is worth reading as an address: few are, and reading costs much.
fn may_lead_there(href: &str) -> bool {
    static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let signs = [
            "viber:",
            "whatsapp",
            "tg:",
            "skype:",
            "wa.me",
            "t.me",
            "telegram.me",
            "vk.com",
            "vkontakte.ru",
            "ok.ru",
            "max.ru",
            "instagram.com",
            "youtube.com",
            "facebook.com",
            "dzen.ru",
            "rutube.ru",
            "linkedin.com",
        ];
        AhoCorasick::builder().ascii_case_insensitive(true).build(signs).ok()
    });
    SIGNS.as_ref().is_none_or(|signs| signs.is_match(href))
}

fn place(href: &str) -> Option<String> {
    let href = if href.starts_with("//") { format!("https:{href}") } else { href.to_owned() };
    let url = Url::parse(&href).ok()?;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let asked = |key: &str| url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
    match url.scheme() {
        "viber" => {
            return asked("number")
                .or_else(|| asked("chatURI"))
                .map(|number| format!("viber:+{}", digits(&number)))
                .filter(|link| link.len() > 10);
        }
        "whatsapp" => return asked("phone").map(|number| format!("https://wa.me/{}", digits(&number))),
        "tg" => return asked("domain").map(|name| format!("https://t.me/{name}")),
        "skype" => return Some(format!("skype:{}", url.path().split('?').next()?)).filter(|link| link.len() > 8),
        "http" | "https" => {}
        _ => return None,
    }
    let host = url.host_str()?.trim_start_matches("www.").trim_start_matches("m.").to_owned();
    let decoded = percent(url.path());
    let path = decoded.trim_matches('/');
    let first = path.split('/').next().unwrap_or("");
    if NOT_A_PLACE.contains(&first.to_ascii_lowercase().as_str()) {
        return None;
    }
    if is_single_thing(&host, first) {
        return None;
    }
    match host.as_str() {
        "wa.me" => Some(digits(first)).filter(|number| number.len() >= 10).map(|number| format!("https://wa.me/{number}")),
        "api.whatsapp.com" | "web.whatsapp.com" => {
            asked("phone").map(|number| digits(&number)).filter(|number| number.len() >= 10).map(|number| format!("https://wa.me/{number}"))
        }
        "t.me" | "telegram.me" | "vk.com" | "vkontakte.ru" | "ok.ru" | "max.ru" | "instagram.com" | "youtube.com" | "facebook.com"
        | "dzen.ru" | "rutube.ru"
            if !path.is_empty() =>
        {
            let host = match host.as_str() {
                "telegram.me" => "t.me",
                "vkontakte.ru" => "vk.com",
                other => other,
            };
            Some(format!("https://{host}/{path}"))
        }
        "linkedin.com" if first == "company" => Some(format!("https://linkedin.com/{path}")),
        _ => None,
    }
}

/// A film, a picture, a widget: what is there is no place of a firm's.
fn is_single_thing(host: &str, first: &str) -> bool {
    let first = first.to_ascii_lowercase();
    let is = |names: &[&str]| names.contains(&first.as_str());
    let begins = |names: &[&str]| {
        names.iter().any(|name| first.strip_prefix(name).is_some_and(|rest| rest.starts_with(|c: char| c == '-' || c.is_ascii_digit())))
    };
    first.rsplit_once('.').is_some_and(|(_, ending)| ending == "php")
        || match host {
            "youtube.com" => is(&["watch", "embed", "shorts", "playlist", "results", "live", "v"]),
            "instagram.com" => is(&["p", "reel", "reels", "stories", "explore", "tv"]),
            "vk.com" | "vkontakte.ru" => begins(&["wall", "photo", "video", "clip", "doc", "album", "topic", "market"]),
            "facebook.com" => is(&["watch", "events", "photos", "story"]),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn places_have_one_spelling_and_share_buttons_are_none() {
        for (href, wanted) in [
            ("https://wa.me/+7 999 555-14-14?text=x", Some("https://wa.me/79995551414")),
            ("https://api.whatsapp.com/send?phone=79995551414", Some("https://wa.me/79995551414")),
            ("https://telegram.me/firma", Some("https://t.me/firma")),
            ("//vk.com/firma/", Some("https://vk.com/firma")),
            ("viber://chat?number=%2B79995551414", Some("viber:+79995551414")),
            ("https://vk.com/share.php?url=x", None),
            ("https://t.me/joinchat/abc", None),
            ("https://www.linkedin.com/company/firma", Some("https://linkedin.com/company/firma")),
            ("https://www.facebook.com/tr?id=1", None),
            ("https://www.youtube.com/watch?v=x", None),
            ("https://www.youtube.com/@firma", Some("https://youtube.com/@firma")),
            ("https://instagram.com/p/Cabc/", None),
            ("https://instagram.com/pavlov", Some("https://instagram.com/pavlov")),
            ("https://vk.com/widget_community.php?gid=1", None),
            ("https://vk.com/wall-1_2", None),
            ("https://vk.com/wallpapers", Some("https://vk.com/wallpapers")),
            ("https://firma.ru/", None),
        ] {
            assert_eq!(place(href).as_deref(), wanted, "{href}");
        }
    }
}
