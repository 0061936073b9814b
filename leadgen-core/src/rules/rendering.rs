//! What a page may ask for while a browser renders it: its own scripts and data, read only. Everything else is refused
//! before anybody is asked.

use url::Url;

use crate::domain::name::DomainName;
use crate::domain::page::{Ask, AskKind};
use crate::rules::{normalize, target};

/// Pages of one company that are rendered.
pub const MOST_PAGES: usize = 3;
/// Things one page is given while it is rendered.
pub const MOST_ASKS: usize = 30;

/// Why a page may not have what it asks for.
pub fn refusal(page: &Url, ask: &Ask) -> Option<&'static str> {
    if ask.method != "GET" {
        return Some("method");
    }
    if ask.kind == AskKind::Other {
        return Some("kind");
    }
    if let Some(why) = target::refusal(&ask.url) {
        return Some(why);
    }
    (!is_same_site(page, &ask.url)).then_some("elsewhere")
}

/// Whether two addresses are of one registrable domain.
pub fn is_same_site(a: &Url, b: &Url) -> bool {
    let of = |url: &Url| DomainName::parse(url.host_str()?).ok().as_ref().and_then(normalize::registrable);
    of(a).zip(of(b)).is_some_and(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const PAGE: &str = "https://firma.ru/";

    fn why(method: &str, kind: AskKind, url: &str) -> Option<&'static str> {
        let ask = Ask { url: Url::parse(url).unwrap(), method: method.into(), kind };
        refusal(&Url::parse(PAGE).unwrap(), &ask)
    }

    #[test]
    fn a_page_gets_its_own_scripts_and_data_and_nothing_else() {
        use AskKind::{Data, Document, Other, Script};
        for (method, kind, url, expected) in [
            ("GET", Script, "https://firma.ru/app.js", None),
            ("GET", Data, "https://firma.ru/api/contacts?id=1", None),
            ("GET", Data, "https://api.firma.ru/contacts", None),
            ("GET", Document, "https://www.firma.ru/kontakty", None),
            ("GET", Script, "http://static.firma.ru/app.js", None),
            ("POST", Data, "https://firma.ru/api/contacts", Some("method")),
            ("POST", Document, "https://firma.ru/form", Some("method")),
            ("OPTIONS", Data, "https://api.firma.ru/contacts", Some("method")),
            ("HEAD", Data, "https://firma.ru/", Some("method")),
            ("get", Data, "https://firma.ru/", Some("method")),
            ("GET", Other, "https://firma.ru/logo.png", Some("kind")),
            ("GET", Other, "https://firma.ru/style.css", Some("kind")),
            ("GET", Script, "https://cdn.example.com/react.js", Some("elsewhere")),
            ("GET", Document, "https://other.ru/", Some("elsewhere")),
            ("GET", Data, "https://firma.ru.evil.ru/", Some("elsewhere")),
            ("GET", Data, "https://evilfirma.ru/", Some("elsewhere")),
            ("GET", Data, "https://firma.com/", Some("elsewhere")),
            ("GET", Data, "http://127.0.0.1/", Some("address")),
            ("GET", Data, "http://2130706433/", Some("address")),
            ("GET", Data, "http://[::1]/", Some("address")),
            ("GET", Data, "http://169.254.169.254/latest/meta-data/", Some("address")),
            ("GET", Data, "http://metadata.google.internal/", Some("private_name")),
            ("GET", Data, "http://localhost/", Some("private_name")),
            ("GET", Data, "https://firma.ru:8443/", Some("port")),
            ("GET", Data, "https://user:pass@firma.ru/", Some("userinfo")),
            ("GET", Data, "ws://firma.ru/", Some("scheme")),
            ("GET", Document, "file:///etc/passwd", Some("scheme")),
            ("GET", Document, "chrome://version/", Some("scheme")),
            ("GET", Document, "data:text/html,x", Some("scheme")),
        ] {
            assert_eq!(why(method, kind, url), expected, "{method} {kind:?} {url}");
        }
    }

    #[test]
    fn neighbours_under_one_public_suffix_are_no_family() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(!is_same_site(&url("https://a.github.io/"), &url("https://b.github.io/")));
        assert!(!is_same_site(&url("https://github.io/"), &url("https://github.io/")), "a suffix is nobody's site");
        assert!(is_same_site(&url("https://завод.рф/"), &url("https://api.завод.рф/")));
    }
}
