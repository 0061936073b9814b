//! Sitemaps: addresses out of XML, without an XML reader's powers: no entity of their own, no file fetched.

use crate::rules::harvest::plain_entities;

/// Addresses read of one file.
const MOST: usize = 5000;
/// Bytes read of one file.
const LARGEST: usize = 10 * 1024 * 1024;
/// The longest address.
const LONGEST: usize = 2048;

/// What a sitemap lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sitemap {
    /// The files it lists are sitemaps themselves.
    pub is_index: bool,
    /// Addresses, in order.
    pub urls: Vec<String>,
}

/// Reads a sitemap, an index of sitemaps, or a plain list with one address a line.
///
/// ```
/// use leadgen_core::rules::sitemap::read;
///
/// let map = read(b"<urlset><url><loc> https://firma.ru/kontakty?a=1&amp;b=2 </loc></url></urlset>");
/// assert_eq!(map.urls, ["https://firma.ru/kontakty?a=1&b=2"]);
/// ```
pub fn read(bytes: &[u8]) -> Sitemap {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LARGEST)]);
    let mut map = Sitemap { is_index: text.contains("<sitemapindex"), urls: Vec::new() };
    if !text.contains("<loc") {
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with("http") && line.len() <= LONGEST && !line.contains('<'));
        map.urls = lines.take(MOST).map(str::to_owned).collect();
        return map;
    }
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("<loc")
        && map.urls.len() < MOST
    {
        rest = &rest[at + 4..];
        let Some(open) = rest.find('>') else { break };
        let Some(end) = rest[open + 1..].find('<').map(|end| open + 1 + end) else {
            break;
        };
        let inside = match rest[open + 1..].strip_prefix("<![CDATA[") {
            Some(data) => data.split("]]>").next().unwrap_or(""),
            None => &rest[open + 1..end],
        };
        let url = plain_entities(inside.trim());
        if url.starts_with("http") && url.len() <= LONGEST {
            map.urls.push(url);
        }
        rest = &rest[open + 1..];
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_indexes_and_lists_are_read_and_entities_are_not_expanded() {
        let index = read(b"<sitemapindex><sitemap><loc><![CDATA[https://firma.ru/a.xml]]></loc></sitemap></sitemapindex>");
        assert_eq!((index.is_index, index.urls), (true, vec!["https://firma.ru/a.xml".to_owned()]));
        assert_eq!(read(b"https://firma.ru/a\nnonsense\r\nhttps://firma.ru/b\n").urls.len(), 2);
        let bomb = b"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b SYSTEM \"file:///etc/passwd\">]><urlset><loc>https://firma.ru/&a;&b;</loc></urlset>";
        assert_eq!(read(bomb).urls, ["https://firma.ru/&a;&b;"]);
        assert_eq!(read("<loc>https://firma.ru/x</loc>".repeat(20_000).as_bytes()).urls.len(), MOST);
    }
}
