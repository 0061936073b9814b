//! robots.txt by RFC 9309: groups, longest match, `*` and `$`; Crawl-delay and Sitemap besides.

use std::time::Duration;

/// Bytes of a file that are read.
const LARGEST: usize = 512 * 1024;
/// The longest line.
const LONGEST_LINE: usize = 16 * 1024;
/// Rules kept.
const MOST_RULES: usize = 10_000;

/// A parsed file.
#[derive(Clone, Debug, Default)]
pub struct Robots {
    groups: Vec<Group>,
    /// Sitemaps it names.
    pub sitemaps: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    agents: Vec<String>,
    rules: Vec<(bool, String)>,
    delay: Option<f64>,
}

/// Whether a path may be fetched, and which rule said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// May it.
    pub allowed: bool,
    /// The rule that decided, as written; none: nothing spoke against it.
    pub rule: Option<String>,
}

impl Robots {
    /// Reads whatever came: unknown lines are skipped, bytes that are no text too.
    pub fn parse(bytes: &[u8]) -> Self {
        let cut = bytes.len() > LARGEST;
        let bytes = &bytes[..bytes.len().min(LARGEST)];
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = String::from_utf8_lossy(bytes);
        let mut lines: Vec<&str> = text.split(['\n', '\r']).collect();
        if cut {
            lines.pop();
        }
        let mut robots = Self::default();
        let mut names_agents = false;
        let mut count = 0;
        for line in lines {
            let line = line.get(..line.floor_char_boundary(LONGEST_LINE)).unwrap_or("");
            let line = line.split('#').next().unwrap_or("");
            let Some((key, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    if !names_agents {
                        robots.groups.push(Group::default());
                    }
                    names_agents = true;
                    if let Some(group) = robots.groups.last_mut() {
                        group.agents.push(token(value));
                    }
                }
                key @ ("allow" | "disallow") => {
                    names_agents = false;
                    count += 1;
                    if let Some(group) = robots.groups.last_mut().filter(|_| count <= MOST_RULES)
                        && !value.is_empty()
                    {
                        group.rules.push((key == "allow", normal(value)));
                    }
                }
                // Not part of the standard: neither of these ends a list of agents.
                "crawl-delay" => {
                    let delay = value.parse::<f64>().ok().filter(|delay| delay.is_finite() && *delay >= 0.0);
                    if let Some(group) = robots.groups.last_mut() {
                        group.delay = group.delay.or(delay);
                    }
                }
                "sitemap" if robots.sitemaps.len() < 10 => robots.sitemaps.push(value.to_owned()),
                _ => {}
            }
        }
        robots
    }

    /// The groups of an agent: those that name it, else those of `*`.
    fn groups(&self, agent: &str) -> Vec<&Group> {
        let agent = token(agent);
        let of = |name: &str| self.groups.iter().filter(|group| group.agents.iter().any(|known| known == name)).collect::<Vec<_>>();
        let own = of(&agent);
        if own.is_empty() { of("*") } else { own }
    }

    /// May the agent fetch this path and query? The longest rule wins, Allow wins a tie.
    ///
    /// ```
    /// use leadgen_core::rules::robots::Robots;
    ///
    /// let robots = Robots::parse(b"User-agent: *\nDisallow: /admin\nAllow: /admin/open$\n");
    /// assert!(!robots.permission("leadgen", "/admin/x").allowed);
    /// assert!(robots.permission("leadgen", "/admin/open").allowed);
    /// assert!(robots.permission("leadgen", "/robots.txt").allowed);
    /// ```
    pub fn permission(&self, agent: &str, path: &str) -> Permission {
        let path = normal(path);
        if path == "/robots.txt" {
            return Permission { allowed: true, rule: None };
        }
        let groups = self.groups(agent);
        let rules = groups.iter().flat_map(|group| &group.rules);
        let best = rules.filter(|(_, pattern)| matches(pattern, &path)).max_by_key(|(allow, pattern)| (pattern.len(), *allow));
        match best {
            Some((allow, pattern)) => {
                Permission { allowed: *allow, rule: Some(format!("{}: {pattern}", if *allow { "Allow" } else { "Disallow" })) }
            }
            None => Permission { allowed: true, rule: None },
        }
    }

    /// The pause the agent is asked to keep.
    pub fn crawl_delay(&self, agent: &str) -> Option<Duration> {
        let delay = self.groups(agent).iter().find_map(|group| group.delay)?;
        Some(Duration::from_secs_f64(delay.min(86_400.0)))
    }
}

/// The product token at the start of a value, lower case.
fn token(value: &str) -> String {
    if value.starts_with('*') {
        return "*".into();
    }
    value.chars().take_while(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_')).collect::<String>().to_ascii_lowercase()
}

/// One spelling: other bytes percent-encoded, escapes of unreserved characters decoded, hexadecimal in capitals.
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(char::from(byte)),
            Some(byte) => out.push_str(&format!("%{byte:02X}")),
            None if bytes[at].is_ascii() => out.push(char::from(bytes[at])),
            None => out.push_str(&format!("%{:02X}", bytes[at])),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

/// Wildcard matching without going back more than to the last star: at most length times length.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, anchored) = match pattern.strip_suffix('$') {
        Some(rest) => (rest.as_bytes(), true),
        None => (pattern.as_bytes(), false),
    };
    let path = path.as_bytes();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p == pattern.len() && (!anchored || t == path.len()) {
            return true;
        }
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && t < path.len() && pattern[p] == path[t] {
            p += 1;
            t += 1;
        } else if let Some((after, from)) = star
            && from < path.len()
        {
            star = Some((after, from + 1));
            p = after + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(file: &str, path: &str) -> bool {
        Robots::parse(file.as_bytes()).permission("leadgen", path).allowed
    }

    #[test]
    fn unknown_lines_do_not_end_a_list_of_agents() {
        let file = "User-agent: other\nCrawl-delay: 5\nSitemap: https://x.ru/s.xml\nUser-agent: LeadGen/2.0\nDisallow: /x\n";
        assert!(!allowed(file, "/x"));
        assert_eq!(Robots::parse(file.as_bytes()).crawl_delay("leadgen"), Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_longest_rule_wins_and_allow_wins_a_tie() {
        assert!(allowed("User-agent: *\nDisallow: /a\nAllow: /a/b\n", "/a/b/c"));
        assert!(allowed("User-agent: *\nDisallow: /a\nAllow: /a\n", "/a"));
        assert!(!allowed("User-agent: *\nDisallow: /*.php$\n", "/x/y.php"));
        assert!(allowed("User-agent: *\nDisallow: /*.php$\n", "/x/y.php?z"));
    }

    #[test]
    fn escapes_and_letters_are_one_spelling() {
        assert!(!allowed("User-agent: *\nDisallow: /контакты\n", "/%D0%BA%D0%BE%D0%BD%D1%82%D0%B0%D0%BA%D1%82%D1%8B"));
        assert!(!allowed("User-agent: *\nDisallow: /%7Eadmin\n", "/~admin"));
    }

    #[test]
    fn a_group_of_ours_hides_the_one_for_all() {
        assert!(allowed("User-agent: *\nDisallow: /\nUser-agent: leadgen\nDisallow: /private\n", "/open"));
        assert!(allowed("User-agent: leadgenbot\nDisallow: /\n", "/open"), "the whole token must be equal");
    }

    #[test]
    fn raw_bytes_and_endless_patterns_do_no_harm() {
        assert!(Robots::parse(&[0xFF, 0, b'\n', 0xC3]).permission("leadgen", "/").allowed);
        assert!(Robots::parse(b"User-agent: *\nCrawl-delay: inf\n").crawl_delay("leadgen").is_none());
        let pattern = format!("User-agent: *\nDisallow: /{}b\n", "*a".repeat(2000));
        assert!(allowed(&pattern, &format!("/{}", "a".repeat(4000))));
    }
}
