//! robots.txt by RFC 9309: groups, longest match, `*` and `$`; Crawl-delay and Sitemap besides.

use std::time::Duration;

/// Bytes of a file that are read.
pub const LARGEST: usize = 512 * 1024;
/// The longest line.
const LONGEST_LINE: usize = 16 * 1024;

/// A parsed file.
#[derive(Clone, Debug, Default)]
pub struct Robots {
    groups: Vec<Group>,
    /// Sitemaps it names.
    pub sitemaps: Vec<String>,
}

/// A file on its way to be read.
#[derive(Default)]
struct Reader {
    robots: Robots,
    /// The last line that counts named an agent.
    names_agents: bool,
}

impl Reader {
    fn line(&mut self, line: &[u8]) {
        let line = &line[..line.len().min(LONGEST_LINE)];
        let line = line.split(|b| *b == b'#').next().unwrap_or(&[]);
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            return;
        };
        let (key, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        match key.to_ascii_lowercase().as_slice() {
            b"user-agent" | b"useragent" => self.agent(value),
            b"allow" => self.rule(true, value),
            // A slip of the hand can only forbid.
            b"disallow" | b"dissallow" | b"dissalow" | b"disalow" | b"diasllow" | b"disallaw" => self.rule(false, value),
            // Not part of the standard: neither of these ends a list of agents.
            b"crawl-delay" => {
                let delay = std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse::<f64>().ok())
                    .filter(|delay| delay.is_finite() && *delay >= 0.0);
                if let Some(group) = self.robots.groups.last_mut() {
                    group.delay = group.delay.or(delay);
                }
            }
            b"sitemap" if self.robots.sitemaps.len() < 10 => self.robots.sitemaps.push(String::from_utf8_lossy(value).into_owned()),
            _ => {}
        }
    }

    fn agent(&mut self, value: &[u8]) {
        if !self.names_agents {
            self.robots.groups.push(Group::default());
        }
        self.names_agents = true;
        if let Some(group) = self.robots.groups.last_mut() {
            group.agents.push(token(&String::from_utf8_lossy(value)));
        }
    }

    fn rule(&mut self, allow: bool, value: &[u8]) {
        self.names_agents = false;
        if let Some(group) = self.robots.groups.last_mut()
            && !value.is_empty()
        {
            group.rules.push((allow, normal(value)));
        }
    }
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
    /// The rule that decided: `Allow: PATTERN` or `Disallow: PATTERN`, however the line was spelled, its pattern in the one spelling
    /// that paths are compared in (other bytes percent-encoded, escapes of unreserved characters decoded). None: no rule of the agent's
    /// groups fits the path, or it is `/robots.txt`, which may always be fetched.
    pub rule: Option<String>,
}

impl Robots {
    /// Reads whatever came: unknown lines are skipped, bytes that are no text stay what they are.
    pub fn parse(bytes: &[u8]) -> Self {
        let is_cut = bytes.len() > LARGEST;
        let bytes = &bytes[..bytes.len().min(LARGEST)];
        // The mark of UTF-8 may have lost its end.
        let bytes = [&b"\xEF\xBB\xBF"[..], b"\xEF\xBB", b"\xEF"].iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
        let bytes = if is_cut { &bytes[..bytes.iter().rposition(|b| matches!(b, b'\n' | b'\r')).unwrap_or(0)] } else { bytes };
        let mut reader = Reader::default();
        bytes.split(|b| matches!(b, b'\n' | b'\r')).for_each(|line| reader.line(line));
        reader.robots
    }

    /// The groups of an agent: those that name it, else those of `*`.
    fn groups(&self, agent: &str) -> Vec<&Group> {
        let agent = token(agent);
        let of = |name: &str| self.groups.iter().filter(|group| group.agents.iter().any(|known| known == name)).collect::<Vec<_>>();
        let own = of(&agent);
        if own.is_empty() { of("*") } else { own }
    }

    /// What of it speaks to an agent: the rest need not be remembered.
    #[must_use]
    pub fn of(mut self, agent: &str) -> Self {
        let own: Vec<Group> = self.groups(agent).into_iter().cloned().collect();
        self.groups = own;
        self
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
        let path = normal(path.as_bytes());
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
fn normal(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |place: usize| bytes.get(at + place).and_then(|b| char::from(*b).to_digit(16));
        let escaped = if byte == b'%' { digit(1).zip(digit(2)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) } else { None };
        match escaped {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(char::from(byte)),
            Some(byte) => out.push_str(&format!("%{byte:02X}")),
            None if byte.is_ascii() => out.push(char::from(byte)),
            None => out.push_str(&format!("%{byte:02X}")),
        }
        at += if escaped.is_some() { 3 } else { 1 };
    }
    out
}

/// Wildcard matching in linear time: the pieces between stars are found one after the other, each as early as it can be.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, is_anchored) = match pattern.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut pieces = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(pieces.next().unwrap_or("")) else {
        return false;
    };
    let mut last_was_star = pattern.ends_with('*');
    let pieces: Vec<&str> = pieces.collect();
    for (at, piece) in pieces.iter().enumerate() {
        // The last piece of an anchored pattern stands at the end.
        if is_anchored && at + 1 == pieces.len() {
            return rest.ends_with(piece);
        }
        match memchr::memmem::find(rest.as_bytes(), piece.as_bytes()) {
            Some(found) => rest = &rest[found + piece.len()..],
            None => return false,
        }
    }
    last_was_star |= !is_anchored;
    last_was_star || rest.is_empty()
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
    fn the_rule_is_told_in_the_spelling_that_paths_are_compared_in() {
        let rule = |file: &str, path: &str| Robots::parse(file.as_bytes()).permission("leadgen", path).rule;
        let file = "user-agent: *\nDISSALLOW: /контакты%7e # why\nallow:/a\n";
        assert_eq!(rule(file, "/контакты~").as_deref(), Some("Disallow: /%D0%BA%D0%BE%D0%BD%D1%82%D0%B0%D0%BA%D1%82%D1%8B~"));
        assert_eq!(rule(file, "/a/b").as_deref(), Some("Allow: /a"));
        assert_eq!((rule(file, "/else"), rule("User-agent: *\nDisallow: /\n", "/robots.txt")), (None, None));
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

    #[test]
    fn groups_of_one_agent_are_one_and_rules_without_an_agent_are_none() {
        let file =
            "Disallow: /early\nUser-agent: leadgen\nDisallow: /a\n\nUser-agent: other\nDisallow: /\n\nUser-agent: LEADGEN\nDisallow: /b\n";
        assert!(!allowed(file, "/a") && !allowed(file, "/b") && allowed(file, "/early") && allowed(file, "/c"));
    }

    #[test]
    fn marks_endings_comments_and_blanks_are_taken_as_they_come() {
        for mark in [&b"\xEF\xBB\xBF"[..], b"\xEF\xBB", b""] {
            let mut file = mark.to_vec();
            file.extend(b"USER-AGENT :  * # all\r\rDisAllow:\t/x # why\r\nAllow: /x/y");
            let robots = Robots::parse(&file);
            assert!(!robots.permission("leadgen", "/x").allowed && robots.permission("leadgen", "/x/y").allowed);
        }
        assert!(allowed("User-agent: *\nDisallow:\n", "/anything"), "an empty rule forbids nothing");
    }

    #[test]
    fn bytes_that_are_no_text_stay_what_they_are() {
        let robots = Robots::parse(b"User-agent: *\nDisallow: /\xE0\xFE\n");
        assert!(!robots.permission("leadgen", "/%E0%FE/x").allowed && robots.permission("leadgen", "/%EF%BF%BD").allowed);
        assert!(!allowed("User-agent: *\nDisallow: /%+1\n", "/%+1"));
    }

    #[test]
    fn stars_and_anchors_match_what_the_standard_says() {
        for (pattern, path, wanted) in [
            ("/*", "/x", true),
            ("/a*b$", "/ab", true),
            ("/a*b$", "/abc", false),
            ("/a*b$", "/abb", true),
            ("*.gif$", "/x.gif", true),
            ("/a$b", "/a$b", true),
            ("/$", "/", true),
            ("/$", "/x", false),
            ("/a**b", "/axb", true),
            ("/a*$", "/abc", true),
            ("/fish*", "/Fish", false),
            ("/fish/", "/fish", false),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn however_many_rules_others_get_ours_hold_and_only_ours_are_remembered() {
        let others: String = (0..20_000).map(|n| format!("Disallow: /{n}\n")).collect();
        let text =
            format!("User-agent: other\n{others}User-agent: leadgen\nCrawl-delay: 3\nDisallow: /closed\nSitemap: http://a.ru/s.xml\n");
        let whole = Robots::parse(text.as_bytes());
        let ours = whole.clone().of("leadgen");
        for robots in [&whole, &ours] {
            assert!(!robots.permission("leadgen", "/closed").allowed && robots.permission("leadgen", "/7").allowed);
            assert_eq!((robots.crawl_delay("leadgen"), robots.sitemaps.len()), (Some(Duration::from_secs(3)), 1));
        }
        assert_eq!((whole.groups.len(), ours.groups.len()), (2, 1));
    }

    #[test]
    fn a_file_without_end_is_read_up_to_its_last_whole_line() {
        let mut file = b"User-agent: *\nDisallow: /x\n".to_vec();
        file.resize(LARGEST - 5, b'#');
        file.extend(b"\nDisallow: /\n");
        let robots = Robots::parse(&file);
        assert!(!robots.permission("leadgen", "/x").allowed && robots.permission("leadgen", "/y").allowed);
        assert_eq!(Robots::parse(b"User-agent: *\nCrawl-delay: 1e300\n").crawl_delay("leadgen"), Some(Duration::from_hours(24)));
    }
}
