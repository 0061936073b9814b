//! Where the crawler may connect: public addresses, and loopback pairs that were named one by one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use url::{Host, Url};

/// Zones and names that are never public.
const PRIVATE_ZONES: [&str; 10] = ["local", "internal", "localhost", "lan", "arpa", "corp", "onion", "test", "invalid", "localdomain"];
/// Ports of the web.
const PORTS: [u16; 2] = [80, 443];
/// The longest address that is fetched.
const LONGEST: usize = 2048;

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
    if url.as_str().len() > LONGEST {
        return Some("too_long");
    }
    match url.host() {
        None => Some("no_host"),
        // An address in any spelling is an address: sites of firms have names.
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Some("address"),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let zone = name.rsplit('.').next().unwrap_or("");
            // No zone of the root is a number: such a host is an address that went wrong.
            let is_number = zone.bytes().all(|b| b.is_ascii_digit()) || zone.starts_with("0x");
            (!name.contains('.') || is_number || PRIVATE_ZONES.contains(&zone)).then_some("private_name")
        }
    }
}

/// Whether an address belongs to the public internet (IANA special-purpose registries).
///
/// ```
/// use leadgen_core::rules::target::is_public;
///
/// assert!(is_public("93.184.216.34".parse().unwrap()));
/// assert!(!is_public("169.254.169.254".parse().unwrap()));
/// assert!(!is_public("::ffff:10.0.0.1".parse().unwrap()));
/// ```
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let part = address.segments();
    let global = part[0] & 0xE000 == 0x2000;
    let special =
        (part[0] == 0x2001 && (part[1] < 0x0200 || part[1] == 0x0DB8)) || part[0] == 0x2002 || (part[0] == 0x3FFF && part[1] < 0x1000);
    global && !special
}

/// Where connections may be made.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Loopback pairs that may be connected to: logical port, address.
    pub loopback: Vec<(u16, SocketAddr)>,
    /// Loopback only.
    pub offline: bool,
    /// Ranges that are never connected to, however public they are.
    pub denied: Vec<IpNet>,
}

impl Reach {
    /// The one address to connect to: all answers must be public; a loopback answer stands for the pair named for its port.
    pub fn pinned(&self, addresses: &[IpAddr], port: u16) -> Result<SocketAddr, &'static str> {
        let first = addresses.first().ok_or("no_address")?;
        if addresses.iter().all(IpAddr::is_loopback) {
            let named = self.loopback.iter().find(|(logical, _)| *logical == port);
            return named.map(|(_, pair)| *pair).ok_or("loopback");
        }
        if !addresses.iter().all(|address| is_public(*address)) {
            return Err("not_public");
        }
        if addresses.iter().any(|address| self.denied.iter().any(|range| range.contains(address))) {
            return Err("denied");
        }
        if self.offline {
            return Err("offline");
        }
        Ok(SocketAddr::new(*first, port))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Spellings by which strangers try to reach inside.
    const TRICKS: [&str; 60] = [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://017700000001/",
        "http://127.0.0.1./",
        "http://127.000.000.001/",
        "http://0/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://10.1/",
        "http://172.16.0.1/",
        "http://192.168.0.1/",
        "http://192.168.257/",
        "http://169.254.169.254/latest/meta-data",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://0251.0376.0251.0376/",
        "http://100.64.0.1/",
        "http://100.100.100.200/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://１２７.０.０.１/",
        "http://①②⑦.0.0.1/",
        "http://127。0。0。1/",
        "http://%31%32%37.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[fd00:ec2::254]/",
        "http://[2001:db8::1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://metadata.google.internal/",
        "http://metadata/",
        "http://router.lan/",
        "http://printer.local/",
        "http://x.home.arpa/",
        "http://abc.onion/",
        "http://firma.test/",
        "http://user@firma.ru/",
        "http://firma.ru:pass@127.0.0.1/",
        "http://user:pass@firma.ru/",
        "http://firma.ru:22/",
        "http://firma.ru:6379/",
        "http://firma.ru:8080/",
        "ftp://firma.ru/",
        "file:///etc/passwd",
    ];

    #[test]
    fn tricky_addresses_are_refused_by_their_looks() {
        for text in TRICKS {
            assert!(Url::parse(text).ok().is_none_or(|url| refusal(&url).is_some()), "{text}");
        }
        assert!(refusal(&Url::parse(&format!("http://firma.ru/{}", "a".repeat(2100))).unwrap()).is_some());
        assert_eq!(refusal(&Url::parse("https://firma.ru/kontakty").unwrap()), None);
        assert_eq!(refusal(&Url::parse("https://завод.рф:443/").unwrap()), None);
    }

    #[test]
    fn every_special_range_is_refused_from_its_first_to_its_last_address() {
        for range in [
            "0.0.0.0 0.255.255.255",
            "10.0.0.0 10.255.255.255",
            "100.64.0.0 100.127.255.255",
            "127.0.0.0 127.255.255.255",
            "169.254.0.0 169.254.255.255",
            "172.16.0.0 172.31.255.255",
            "192.0.0.0 192.0.0.255",
            "192.0.2.0 192.0.2.255",
            "192.88.99.0 192.88.99.255",
            "192.168.0.0 192.168.255.255",
            "198.18.0.0 198.19.255.255",
            "198.51.100.0 198.51.100.255",
            "203.0.113.0 203.0.113.255",
            "224.0.0.0 239.255.255.255",
            "240.0.0.0 255.255.255.255",
            ":: ::1",
            "::ffff:0:0 ::ffff:ffff:ffff",
            "64:ff9b:: 64:ff9b::ffff:ffff",
            "64:ff9b:1:: 64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            "100:: 100::ffff:ffff:ffff:ffff",
            "2001:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002:: 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "5f00:: 5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fe80:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fec0:: feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "ff00:: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(range.split(' ').all(|end| !is_public(end.parse().unwrap())), "{range}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.0",
            "192.0.1.0",
            "223.255.255.255",
            "2a00:1450::1",
            "2001:200::1",
            "3ffe::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_denied_range_is_refused_also_if_only_one_answer_lies_in_it() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let wary = Reach { denied: vec!["198.41.0.0/24".parse().unwrap(), "2a00:1450::/32".parse().unwrap()], ..Reach::default() };
        assert_eq!(wary.pinned(&[ip("198.41.0.4")], 443), Err("denied"));
        assert_eq!(wary.pinned(&[ip("93.184.216.34"), ip("2a00:1450::5")], 443), Err("denied"));
        assert_eq!(wary.pinned(&[ip("198.41.1.4")], 443), Ok("198.41.1.4:443".parse().unwrap()));
    }

    #[test]
    fn one_private_answer_among_public_ones_refuses_the_host() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let open = Reach::default();
        assert_eq!(open.pinned(&[ip("93.184.216.34"), ip("10.0.0.1")], 443), Err("not_public"));
        assert_eq!(open.pinned(&[ip("127.0.0.1")], 80), Err("loopback"));
        let home = Reach { loopback: vec![(80, "127.0.0.1:8080".parse().unwrap())], offline: true, ..Reach::default() };
        assert_eq!(home.pinned(&[ip("127.0.0.1")], 80).unwrap().port(), 8080);
        assert_eq!(home.pinned(&[ip("93.184.216.34")], 80), Err("offline"));
        for private in
            ["100.64.0.1", "192.0.2.1", "198.18.0.1", "fe80::1", "fc00::1", "2002::1", "2001:db8::1", "::ffff:8.8.8.8", "64:ff9b::1"]
        {
            assert!(!is_public(ip(private)), "{private}");
        }
    }
}
