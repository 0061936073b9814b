//! Are two companies one? What only one firm has decides first; names decide together with the place, and never against
//! a phone, a number or a domain that says otherwise.

use serde::Serialize;

use super::closeness::{close, differ_by_a_number, differ_by_a_word, jaro_winkler};
use super::common::is_common;
use super::compare;
use super::profile::{Known, Profile};

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They are one.
    Same,
    /// They may be: a person should look.
    Grey,
    /// They are two.
    Different,
}

/// How a feature of two companies stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// Both have it in common.
    Same,
    /// Both have one that is called alike (domains), or that became the other (legal forms).
    Alike,
    /// Each has another.
    Other,
    /// One of them, at least, has none.
    Unknown,
}

/// What was compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Features {
    /// Jaro–Winkler similarity of the normalized names.
    pub jaro_winkler: f64,
    /// Normalized Levenshtein similarity of the normalized names.
    pub levenshtein: f64,
    /// `exact` (folded, also with words in another order), `typo`, `word` (one has a short word more), or `none`.
    pub name: &'static str,
    /// The cities.
    pub region: Stand,
    /// The registrable domains.
    pub domain: Stand,
    /// The phones.
    pub phone: Stand,
    /// The legal forms.
    pub form: Stand,
    /// ИНН or ОГРН.
    pub requisites: Stand,
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// What is decided.
    pub verdict: Verdict,
    /// The rule that decided: `host`, `family`, `inn`, `ogrn`, `mail_domain`, `phone`, `mailbox`, `name`, or `none`.
    pub rule: &'static str,
    /// How sure it is, 0 to 1.
    pub score: f64,
    /// What was compared.
    pub features: Features,
}

impl Decision {
    /// Whether nothing but the names made them one, or perhaps one.
    pub fn is_by_name(&self) -> bool {
        self.rule == "name"
    }

    /// Whether a person should look although it was decided: the names agree, the domains don't (DEDUP-5).
    pub fn wants_a_look(&self) -> bool {
        self.verdict == Verdict::Grey
            || (self.verdict == Verdict::Same && self.is_by_name() && matches!(self.features.domain, Stand::Other | Stand::Alike))
    }
}

/// Decides about a pair; the order of the two doesn't matter.
pub fn decide(a: &Profile, b: &Profile) -> Decision {
    let mut facts = Facts { a, b };
    let (verdict, rule, score) = facts.exact().unwrap_or_else(|| facts.by_name());
    Decision { verdict, rule, score, features: facts.features() }
}

/// The same where companies are tied for good, which is what the pipeline, `dedupe` and `inspect match` say: a slip of the pen is
/// forgiven only if both have a place or neither has. DEDUP-5 takes an unknown place for any; but with a place on one side
/// only, a name alone would tie two firms of two cities through a third that tells no city. A person is asked.
pub fn link(a: &Profile, b: &Profile) -> Decision {
    let decision = decide(a, b);
    let loose = decision.rule == "name" && decision.features.name == "typo" && a.region.is_empty() != b.region.is_empty();
    if loose && decision.verdict == Verdict::Same {
        Decision { verdict: Verdict::Grey, score: decision.score * 0.8, ..decision }
    } else {
        decision
    }
}

/// Whether two that met over pieces of their names only are worth a decision.
pub(super) fn are_near(a: &Profile, b: &Profile) -> bool {
    Facts { a, b }.like().is_some()
}

/// The verdict of [`link`] alone, for many pairs: names are compared only where they can matter.
pub fn verdict(a: &Profile, b: &Profile) -> Verdict {
    let mut facts = Facts { a, b };
    match facts.exact().unwrap_or_else(|| facts.by_name()).0 {
        Verdict::Same if a.region.is_empty() != b.region.is_empty() => link(a, b).verdict,
        verdict => verdict,
    }
}

struct Facts<'a> {
    a: &'a Profile,
    b: &'a Profile,
}

type Outcome = (Verdict, &'static str, f64);

impl Facts<'_> {
    fn exact(&mut self) -> Option<Outcome> {
        let (a, b) = (self.a, self.b);
        if a.is_bare() || b.is_bare() {
            return None;
        }
        for (known, rule) in [(Known::Host, "host"), (Known::Family, "family"), (Known::Inn, "inn"), (Known::Ogrn, "ogrn")] {
            if stand(a, b, known) == Stand::Same {
                return Some((Verdict::Same, rule, 1.0));
            }
        }
        if self.requisites() == Stand::Other {
            return Some((Verdict::Different, "inn", 0.0));
        }
        if let Some(outcome) = self.by_mail_domain() {
            return Some(outcome);
        }
        // A building or an agency answers for many firms: the names must be akin.
        for (known, rule) in [(Known::Phone, "phone"), (Known::Mailbox, "mailbox")] {
            if stand(a, b, known) == Stand::Same {
                return Some(if self.akin() { (Verdict::Same, rule, 0.97) } else { (Verdict::Grey, rule, 0.60) });
            }
        }
        None
    }

    /// Mail at one domain. It is told of a firm without a site elsewhere whose it is; a firm that has one may write from the
    /// domain of its web studio or of its landlord: then the names must be akin, in no two places.
    fn by_mail_domain(&self) -> Option<Outcome> {
        let (a, b) = (self.a, self.b);
        let mut shared =
            a.all(Known::MailDomain).filter(|domain| b.uses(domain)).chain(b.all(Known::MailDomain).filter(|domain| a.uses(domain)));
        shared.next()?;
        let own = a.is_at_home(b) && b.is_at_home(a);
        Some(if own || (self.akin() && self.region() != Stand::Other) {
            (Verdict::Same, "mail_domain", 0.98)
        } else {
            (Verdict::Grey, "mail_domain", 0.60)
        })
    }

    fn by_name(&mut self) -> Outcome {
        let (a, b) = (self.a, self.b);
        let none = (Verdict::Different, "none", 0.0);
        let region = self.region();
        let Some(kind) = (region != Stand::Other).then(|| self.like()).flatten() else { return none };
        // As sure as the spelling that decided: the folded one, perhaps with words in another order.
        let sorted = if a.sorted().is_empty() { 0.0 } else { jaro_winkler(a.sorted(), b.sorted()) };
        let folded = jaro_winkler(a.joined(), b.joined()).max(sorted);
        let score = strsim::jaro_winkler(&a.name, &b.name).max(folded).max(if kind == Like::Exact { 0.99 } else { 0.0 });
        let same = (Verdict::Same, "name", score);
        let grey = (Verdict::Grey, "name", score * 0.8);
        if kind == Like::Word && a.is_bare() && b.is_bare() {
            return grey;
        }
        if a.is_bare() && b.is_bare() {
            // Names and nothing else: DEDUP-5 to the letter, or the place speaks for words in another order.
            let by_letter = compare(&a.name, &b.name, &a.region, &b.region).same;
            return if by_letter || region == Stand::Same { same } else { none };
        }
        let against =
            stand(a, b, Known::Phone) == Stand::Other || stand(a, b, Known::Mailbox) == Stand::Other || self.form() == Stand::Other;
        if against || [a, b].into_iter().any(|side| is_common(side.joined()) || is_common(side.telling())) {
            return if kind == Like::Exact && region == Stand::Same { grey } else { none };
        }
        match (self.domain(), region, kind) {
            (_, _, Like::Word) => grey,
            (Stand::Same | Stand::Alike | Stand::Unknown, Stand::Same, _) | (Stand::Other, Stand::Same, Like::Exact) => same,
            (Stand::Same | Stand::Alike, _, Like::Exact) => same,
            _ => grey,
        }
    }

    /// Whether two names may be one: equal when folded, or within the thresholds.
    fn like(&self) -> Option<Like> {
        let (a, b) = (self.a, self.b);
        let same_words = !a.sorted().is_empty() && a.sorted() == b.sorted();
        let exact = a.joined() == b.joined() || same_words;
        let close = || close(a.joined(), b.joined()) || (!a.sorted().is_empty() && !b.sorted().is_empty() && close(a.sorted(), b.sorted()));
        if !exact && !close() {
            return None;
        }
        a.comparable_name()?;
        b.comparable_name()?;
        if exact {
            return Some(Like::Exact);
        }
        if differ_by_a_number(&a.name, &b.name) {
            return None;
        }
        Some(if differ_by_a_word(&a.name, &b.name) { Like::Word } else { Like::Typo })
    }

    /// A looser likeness, enough where the phone is the same.
    fn akin(&self) -> bool {
        let (a, b) = (self.a, self.b);
        let labels: Vec<_> = a.labels().collect();
        if b.labels().any(|label| labels.contains(&label)) || a.joined().is_empty() || b.joined().is_empty() {
            return true;
        }
        let near = |a: &[u8], b: &[u8]| !a.is_empty() && !b.is_empty() && jaro_winkler(a, b) >= 0.84;
        // What was asked for, in both names, is no likeness of the two.
        near(a.telling(), b.telling()) && (near(a.joined(), b.joined()) || near(a.sorted(), b.sorted()))
            || labels.iter().any(|label| label == b.joined())
            || b.labels().any(|label| label == a.joined())
    }

    fn region(&self) -> Stand {
        match (self.a.region.as_str(), self.b.region.as_str()) {
            ("", _) | (_, "") => Stand::Unknown,
            (a, b) if a == b => Stand::Same,
            _ => Stand::Other,
        }
    }

    fn domain(&self) -> Stand {
        let (mut own, mut other) = (self.a.domains().peekable(), self.b.domains().peekable());
        if own.peek().is_none() || other.peek().is_none() {
            return Stand::Unknown;
        }
        if own.any(|domain| self.b.domains().any(|other| other == domain)) {
            return Stand::Same;
        }
        let labels: Vec<_> = self.a.labels().collect();
        if self.b.labels().any(|label| labels.contains(&label)) { Stand::Alike } else { Stand::Other }
    }

    fn form(&self) -> Stand {
        match (self.a.form.as_ref(), self.b.form.as_ref()) {
            ("", _) | (_, "") => Stand::Unknown,
            (a, b) if a == b => Stand::Same,
            // What was an ОАО or a ЗАО became a ПАО or an АО.
            ("ао", "пао" | "зао" | "оао" | "нао") | ("пао" | "зао" | "оао" | "нао", "ао") | ("оао", "пао") | ("пао", "оао") => {
                Stand::Alike
            }
            _ => Stand::Other,
        }
    }

    fn requisites(&self) -> Stand {
        match (stand(self.a, self.b, Known::Inn), stand(self.a, self.b, Known::Ogrn)) {
            (Stand::Same, _) | (_, Stand::Same) => Stand::Same,
            (Stand::Other, _) | (_, Stand::Other) => Stand::Other,
            _ => Stand::Unknown,
        }
    }

    fn features(&self) -> Features {
        let names = compare(&self.a.name, &self.b.name, "", "");
        Features {
            jaro_winkler: names.jaro_winkler,
            levenshtein: names.levenshtein,
            name: match self.like() {
                Some(Like::Exact) => "exact",
                Some(Like::Typo) => "typo",
                Some(Like::Word) => "word",
                None => "none",
            },
            region: self.region(),
            domain: self.domain(),
            phone: stand(self.a, self.b, Known::Phone),
            form: self.form(),
            requisites: self.requisites(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Like {
    Exact,
    Typo,
    /// One has a word more: often another firm, sometimes «и Ко».
    Word,
}

fn stand(a: &Profile, b: &Profile, known: Known) -> Stand {
    if a.all(known).any(|value| b.has(known, value)) {
        return Stand::Same;
    }
    if a.all(known).next().is_none() || b.all(known).next().is_none() { Stand::Unknown } else { Stand::Other }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::domain::name::{DomainName, EmailAddress, Phone};

    fn firm(name: &str, region: &str, host: &str, phone: &str) -> Profile {
        let profile = Profile::new(name, region);
        let profile = if host.is_empty() { profile } else { profile.at(&DomainName::parse(host).unwrap()) };
        if phone.is_empty() { profile } else { profile.called(&Phone::parse(phone).unwrap()) }
    }

    fn decided(a: &Profile, b: &Profile) -> (Verdict, &'static str) {
        let decision = decide(a, b);
        assert_eq!(decision, decide(b, a), "the order of a pair doesn't matter");
        (decision.verdict, decision.rule)
    }

    const ONE: &str = "+74952045138";
    const TWO: &str = "+78432045139";

    #[test]
    fn what_only_one_firm_has_decides_before_names() {
        let a = firm("Дента Люкс", "казань", "denta-lux.ru", ONE);
        assert_eq!(decided(&a, &firm("Совсем иначе", "уфа", "spb.denta-lux.ru", "")), (Verdict::Same, "family"));
        assert_eq!(decided(&a, &firm("Denta-Lux", "казань", "dlux.com", ONE)), (Verdict::Same, "phone"));
        assert_eq!(
            decided(&a, &firm("Ромашка", "казань", "romashka.ru", ONE)),
            (Verdict::Grey, "phone"),
            "one building, one telephone exchange"
        );
        let with = |inn: &str| firm("Вектор", "казань", "", "").with(Known::Inn, inn);
        assert_eq!(decided(&with("7707083893"), &with("7707083893")), (Verdict::Same, "inn"));
        assert_eq!(decided(&with("7707083893"), &with("7736050003")), (Verdict::Different, "inn"));
        let mailed = firm("Другое имя", "", "", "").mailed(&EmailAddress::parse("info@denta-lux.ru").unwrap());
        assert_eq!(decided(&a, &mailed), (Verdict::Same, "mail_domain"));
    }

    #[test]
    fn mail_at_the_domain_of_another_firm_makes_no_two_firms_one() {
        let mailed = |firm: Profile, address: &str| firm.mailed(&EmailAddress::parse(address).unwrap());
        let studio = mailed(firm("Студия Пиксель", "москва", "studio-web.ru", ""), "hi@studio-web.ru");
        let client = mailed(firm("Стоматология Улыбка", "казань", "dental-kaz.ru", TWO), "info@studio-web.ru");
        let another = mailed(firm("Юрист Петров", "казань", "petrov-law.ru", ""), "petrov@studio-web.ru");
        assert_eq!(decided(&studio, &client), (Verdict::Grey, "mail_domain"));
        assert_eq!(decide(&studio, &client).features.domain, Stand::Other, "each has a site of its own");
        assert_eq!(decided(&client, &another), (Verdict::Grey, "mail_domain"), "two clients of one studio");
        let siteless = mailed(firm("Пиксель", "", "", ""), "boss@studio-web.ru");
        assert_eq!(decided(&studio, &siteless), (Verdict::Same, "mail_domain"), "who has no site has its mail at home");
        assert_eq!(decided(&client, &siteless), (Verdict::Grey, "mail_domain"));
        let second = mailed(firm("Студия «Пиксель»", "", "pixel-studio.com", ""), "hi@studio-web.ru");
        assert_eq!(decided(&studio, &second), (Verdict::Same, "mail_domain"), "a second site of the same name");
        let elsewhere = mailed(firm("Студия Пиксель", "уфа", "pixel-ufa.ru", ""), "hi@studio-web.ru");
        assert_eq!(decided(&studio, &elsewhere), (Verdict::Grey, "mail_domain"), "of the same name in another city");
    }

    #[test]
    fn titles_of_what_was_asked_for_bring_no_firms_together() {
        let found = |title: &str, host: &str, phone: &str| firm(title, "казань", host, phone).sought("стоматология");
        for title in ["Главная", "Стоматология в Казани", "Стоматологическая клиника в Казани - цены"]
        {
            assert_eq!(decided(&found(title, "zub1.ru", ""), &found(title, "zub2.ru", "")), (Verdict::Different, "none"), "{title}");
            let called = (found(title, "zub1.ru", ONE), found(title, "zub2.ru", ONE));
            assert_eq!(decided(&called.0, &called.1), (Verdict::Grey, "phone"), "{title}");
        }
        let (a, b) = (found("Стоматология Улыбка", "ulybka.ru", ONE), found("Стоматология Ромашка", "romashka.ru", ONE));
        assert_eq!(decided(&a, &b), (Verdict::Grey, "phone"), "only what was asked for is alike");
        let (a, b) = (found("Стоматология Люкс в Казани", "lux1.ru", ""), found("Стоматология Люкс в Казани", "best.ru", ""));
        assert_eq!(decided(&a, &b), (Verdict::Grey, "name"), "a common word besides");
        let (a, b) = (found("Стоматология Бавогу", "bavogu.ru", ""), found("Стоматология Бавогу", "bavo-dent.ru", ""));
        assert_eq!(decided(&a, &b), (Verdict::Same, "name"));
    }

    #[test]
    fn like_names_are_one_firm_in_one_place_only() {
        let a = firm("ООО «Дента Люкс»", "Казань", "denta-lux.ru", "");
        assert_eq!(decided(&a, &firm("Дента-Люкс", "казань", "denta-luks.ru", "")), (Verdict::Same, "name"));
        assert_eq!(decided(&a, &firm("Denta Lux", "казань", "", "")), (Verdict::Same, "name"));
        assert_eq!(decided(&a, &firm("Люкс Дента", "казань", "", "")), (Verdict::Same, "name"));
        let score = decide(&a, &firm("Denta Lyux", "казань", "", "")).score;
        assert!(score > 0.9, "as sure as what decided, the spelling in other letters: {score}");
        assert_eq!(decided(&a, &firm("Дента Льюкс", "казань", "", "")), (Verdict::Same, "name"));
        assert_eq!(decided(&a, &firm("Дента Люкс", "уфа", "denta-lux-ufa.ru", "")), (Verdict::Different, "none"));
    }

    #[test]
    fn a_short_word_more_in_a_name_is_for_a_person_to_look_at() {
        let a = firm("Зубоврач Крамаренко", "казань", "kramarenko.ru", "");
        assert_eq!(decided(&a, &firm("Зубоврач Крамаренко & Ко", "казань", "zubovrach-kazan.ru", "")), (Verdict::Grey, "name"));
        assert_eq!(decided(&a, &firm("Зубоврач Крамаренко & Ко", "казань", "", "")), (Verdict::Grey, "name"));
        assert_eq!(decided(&a, &firm("Зубоврач Крамаренко & Ко", "уфа", "", "")), (Verdict::Different, "none"));
    }

    #[test]
    fn look_alikes_stay_apart() {
        let a = firm("Бавогустрой", "казань", "bavogustroy.ru", ONE);
        for (name, host, phone) in [
            ("Бавогустрой Плюс", "bavogustroy-plus.ru", ""),
            ("Бавогустрой 2", "bavogustroy2.ru", ""),
            ("Бавагустрой", "bavagustroy.ru", TWO),
            ("Сервис", "service.ru", ""),
            ("Бавогумонтаж", "", ""),
        ] {
            assert_ne!(decided(&a, &firm(name, "казань", host, phone)).0, Verdict::Same, "{name}");
        }
        assert_eq!(decided(&firm("Школа 5", "уфа", "", ""), &firm("Школа 6", "уфа", "", "")).0, Verdict::Different);
        assert_eq!(
            decided(&a, &firm("Бавогустрой", "казань", "bavogustroy.com", TWO)).0,
            Verdict::Grey,
            "another phone: a person should look"
        );
        assert_eq!(decided(&firm("ООО Вектор", "уфа", "", ONE), &firm("ИП Вектор", "уфа", "", "")).0, Verdict::Grey, "another legal form");
        assert_eq!(decided(&a, &firm("Бавогустрой", "", "stroy-bav.ru", "")).0, Verdict::Grey, "a place would tell");
    }
}
