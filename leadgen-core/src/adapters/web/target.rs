//! Where the crawler may connect: public addresses, and loopback pairs that were named one by one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

/// Names that are never public.
const PRIVATE_ZONES: [&str; 9] = ["local", "internal", "localhost", "lan", "arpa", "corp", "onion", "test", "invalid"];
/// Ports of the web.
const PORTS: [u16; 2] = [80, 443];

/// Why a URL may not be fetched, by its looks alone.
pub fn refusal(url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Some("scheme");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("userinfo");
    }
    if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
        return Some("port");
    }
    if url.as_str().len() > 2048 {
        return Some("too_long");
    }
    match url.host() {
        None => Some("no_host"),
        // An address in any spelling is an address: sites of firms have names.
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Some("address"),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let zone = name.rsplit('.').next().unwrap_or("");
            (!name.contains('.') || PRIVATE_ZONES.contains(&zone)).then_some("private_name")
        }
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let private = match (a, b, c) {
        (0 | 10 | 127 | 224..=255, _, _) => true,
        (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) | (198, 18 | 19, _) => true,
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 51, 100) | (203, 0, 113) => true,
        _ => false,
    };
    !private
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let part = address.segments();
    let global = part[0] & 0xE000 == 0x2000;
    let special = (part[0] == 0x2001 && part[1] < 0x0200)
        || (part[0] == 0x2001 && part[1] == 0x0DB8)
        || part[0] == 0x2002
        || part[0] & 0xFFF0 == 0x3FF0;
    global && !special
}

/// The one address to connect to: all answers must be public; a loopback answer stands for the pair named for its port.
pub(super) fn pinned(addresses: &[IpAddr], port: u16, loopback: &[(u16, SocketAddr)], offline: bool) -> Result<SocketAddr, &'static str> {
    let first = addresses.first().ok_or("no_address")?;
    if addresses.iter().all(IpAddr::is_loopback) {
        let named = loopback.iter().find(|(logical, _)| *logical == port);
        return named.map(|(_, pair)| *pair).ok_or("loopback");
    }
    if !addresses.iter().all(|address| is_public(*address)) {
        return Err("not_public");
    }
    if offline {
        return Err("offline");
    }
    Ok(SocketAddr::new(*first, port))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn tricky_addresses_are_refused_by_their_looks() {
        for text in [
            "http://127.0.0.1/",
            "http://0177.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://localhost/",
            "http://metadata.google.internal/",
            "http://a.local/",
            "http://user@firma.ru/",
            "http://firma.ru:22/",
            "ftp://firma.ru/",
            "http://router/",
            "http://169.254.169.254/latest/meta-data",
        ] {
            assert!(refusal(&Url::parse(text).unwrap()).is_some(), "{text}");
        }
        assert_eq!(refusal(&Url::parse("https://firma.ru/kontakty").unwrap()), None);
    }

    #[test]
    fn one_private_answer_among_public_ones_refuses_the_host() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(pinned(&[ip("93.184.216.34"), ip("10.0.0.1")], 443, &[], false).is_err());
        assert!(pinned(&[ip("127.0.0.1")], 80, &[], false).is_err());
        assert_eq!(pinned(&[ip("127.0.0.1")], 80, &[(80, "127.0.0.1:8080".parse().unwrap())], true).unwrap().port(), 8080);
        for private in
            ["100.64.0.1", "192.0.2.1", "198.18.0.1", "fe80::1", "fc00::1", "2002::1", "2001:db8::1", "::ffff:8.8.8.8", "64:ff9b::1"]
        {
            assert!(!is_public(ip(private)), "{private}");
        }
    }
}
