//! Pages of firms that never were, with every disguise that crawling meets: what is there is found, and nothing else.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use leadgen_core::domain::contact::{ContactType, Findings};
use leadgen_core::rules::harvest::{self, Site};
use leadgen_core::rules::normalize;
use url::Url;

/// What a page of `zavod-gamma.ru` gives.
fn read(body: &str) -> Findings {
    let site = Site { domain: normalize::domain_of("zavod-gamma.ru"), country: None };
    let url = Url::parse("https://zavod-gamma.ru/kontakty").unwrap();
    harvest::merge(&[harvest::page(&url, body.as_bytes(), Some("text/html; charset=utf-8"), &site)], &site)
}

fn values(found: &Findings, kind: ContactType) -> BTreeSet<String> {
    found.contacts.iter().filter(|contact| contact.contact_type == kind).map(|contact| contact.value.clone()).collect()
}

fn check(kind: ContactType, cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (body, wanted) in cases {
        let wanted: BTreeSet<String> = wanted.iter().map(|value| (*value).to_owned()).collect();
        let found = values(&read(body), kind);
        if found != wanted {
            wrong.push(format!("{body}\n  found {found:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn an_address_is_found_in_every_disguise() {
    const GAMMA: &[&str] = &["snab@zavod-gamma.ru"];
    check(
        ContactType::Email,
        &[
            ("<p>snab@zavod-gamma.ru</p>", GAMMA),
            ("<p>Почта: snab@<!-- no spam -->zavod-gamma.ru</p>", GAMMA),
            ("<p>snab<span></span>@<b>zavod-gamma</b>.ru</p>", GAMMA),
            ("<p>snab@zavod&shy;-gamma.ru</p>", GAMMA),
            ("<p>snab@zavod-<wbr>gamma.ru</p>", GAMMA),
            ("<p>snab&#x200b;@zavod-gamma.ru</p>", GAMMA),
            ("<p>snab＠zavod-gamma．ru</p>", GAMMA),
            ("<p>&#115;&#110;&#97;&#98;&#64;zavod&#45;gamma&period;ru</p>", GAMMA),
            ("<p>snab&commat;zavod-gamma.ru</p>", GAMMA),
            ("<p>snab&amp;#64;zavod-gamma.ru</p>", GAMMA),
            ("<p>snab [at] zavod-gamma [dot] ru</p>", GAMMA),
            ("<p>snab(at)zavod-gamma(dot)ru</p>", GAMMA),
            ("<p>snab {at} zavod-gamma {dot} ru</p>", GAMMA),
            ("<p>E-mail: snab &lt;at&gt; zavod-gamma.ru</p>", GAMMA),
            ("<p>snab AT zavod-gamma DOT ru</p>", GAMMA),
            ("<p>snab(собака)zavod-gamma.ru</p>", GAMMA),
            ("<p>snab [собака] zavod-gamma [точка] ru</p>", GAMMA),
            ("<p>Пишите: snab собака zavod-gamma точка ru</p>", GAMMA),
            ("<p>snab(эт)zavod-gamma.ru</p>", GAMMA),
            ("<p>Почта: snab @ zavod-gamma.ru</p>", GAMMA),
            ("<a href='mailto:snab@zavod-gamma.ru?subject=Вопрос'>написать</a>", GAMMA),
            ("<a href='MAILTO:%73nab%40zavod-gamma.ru'>написать</a>", GAMMA),
            ("<a href='mailto: snab@zavod-gamma.ru '>написать</a>", GAMMA),
            ("<a href='mailto:Отдел <snab@zavod-gamma.ru>'>написать</a>", GAMMA),
            ("<a href='&#109;&#97;&#105;&#108;&#116;&#111;&#58;snab@zavod-gamma.ru'>написать</a>", GAMMA),
            ("<a class=cf href='/cdn-cgi/l/email-protection#72011c1310320813041d165f15131f1f135c0007'>[email&#160;protected]</a>", GAMMA),
            ("<span class=__cf_email__ data-cfemail='1f6c717e7d5f657e69707b32787e72727e316d6a'>[email&#160;protected]</span>", GAMMA),
            ("<p data-email='snab@zavod-gamma.ru'>почта</p>", GAMMA),
            ("<p data-user='snab' data-domain='zavod-gamma.ru'>почта</p>", GAMMA),
            ("<p data-contact='c25hYkB6YXZvZC1nYW1tYS5ydQ=='>почта</p>", GAMMA),
            ("<script>document.write('snab'+'@'+'zavod-gamma.ru')</script>", GAMMA),
            ("<script>var a=['snab','zavod-gamma.ru'];el.href='mailto:'+['snab','zavod-gamma.ru'].join('@')</script>", GAMMA),
            ("<script>let n='snab', d='zavod-gamma'; const t='.ru'; x.innerHTML = n + '\\u0040' + d + t;</script>", GAMMA),
            ("<script>x='snab'.concat('@','zavod-gamma.ru')</script>", GAMMA),
            ("<script>x=String.fromCharCode(115,110,97,98,64)+'zavod-gamma.ru'</script>", GAMMA),
            ("<script>x=atob('c25hYkB6YXZvZC1nYW1tYS5ydQ==')</script>", GAMMA),
            ("<style>.r{direction:rtl;unicode-bidi:bidi-override}</style><p class='r'>ur.ammag-dovaz@bans</p>", GAMMA),
            ("<p style='unicode-bidi:bidi-override;direction:rtl'>ur.ammag-dovaz@bans</p>", GAMMA),
            ("<a href=\"javascript:linkTo_UnCryptMailto('ocknvq,upcdBbcxqf/icooc0tw')\">почта</a>", GAMMA),
            ("<a data-mailto-token='nbjmup+tobcAabwpe.hbnnb/sv' href='#'>почта</a>", GAMMA),
            (
                "<script>var s='znvygb:fano@mnibq-tnzzn.eh'; x.href=rot13(s)</script><a data-enc='znvygb:fano@mnibq-tnzzn.eh'>почта</a>",
                GAMMA,
            ),
            ("<a onclick=\"location.href='mailto:snab@zavod-gamma.ru'\">почта</a>", GAMMA),
            ("<a href='mailto:snab@zavod-gamma.ru,buh@zavod-gamma.ru'>почта</a>", &["buh@zavod-gamma.ru", "snab@zavod-gamma.ru"]),
            ("<a href='mailto:?to=snab@zavod-gamma.ru&subject=x'>почта</a>", GAMMA),
            ("<a href='http://snab@zavod-gamma.ru'>почта</a>", GAMMA),
            ("<p>snab<span style='display:none'>NOSPAM</span>@zavod-gamma.ru</p>", GAMMA),
            ("<p>(snab@zavod-gamma.ru)</p><p>«snab@zavod-gamma.ru»</p>", GAMMA),
            ("<p>E-mail:SNAB@Zavod-Gamma.RU.</p>", GAMMA),
            ("<p data-user='snab' data-domain='zavod-gamma' data-tld='ru'>почта</p>", GAMMA),
            ("<a title='snab@zavod-gamma.ru' href='#'>почта</a>", GAMMA),
            ("<img alt='snab@zavod-gamma.ru' src=mail.gif>", GAMMA),
            ("<p>snab&nbsp;@&nbsp;zavod-gamma.ru — почта</p>", GAMMA),
            ("<p>почта: snab(a)zavod-gamma.ru</p>", GAMMA),
            ("<p>snab[@]zavod-gamma[.]ru</p>", GAMMA),
            ("<p>snab (собачка) zavod-gamma.ru</p>", GAMMA),
            ("<p>snab«собака»zavod-gamma.ru</p>", GAMMA),
            ("<p>snab_собака_zavod-gamma.ru</p>", GAMMA),
            ("<p>snab [ собака ] zavod-gamma [ точка ] ru</p>", GAMMA),
            ("<p>snab dog zavod-gamma dot ru</p>", &[]),
            ("<p>snab (dog) zavod-gamma.ru</p>", GAMMA),
            ("<script>var p='snab',q='zavod-gamma.ru';document.getElementById('m').href=`mailto:${p}@${q}`</script>", GAMMA),
            ("<script>e=['s','n','a','b','@','zavod-gamma.ru'].join('')</script>", GAMMA),
            ("<script>e='ur.ammag-dovaz@bans'.split('').reverse().join('')</script>", GAMMA),
            ("<script>var a='snab';a+='@';a+='zavod-gamma'+'.ru';</script>", GAMMA),
            ("<script>e='snab#zavod-gamma.ru'.replace('#','@')</script>", GAMMA),
            ("<p>&lt;snab@zavod-gamma.ru&gt;</p>", GAMMA),
            ("<pre>BEGIN:VCARD\nEMAIL;TYPE=WORK:snab@zavod-gamma.ru\nEND:VCARD</pre>", GAMMA),
            ("<script type='application/ld+json'>{\"@type\":\"LocalBusiness\",\"email\":\"snab@zavod-gamma.ru\"}</script>", GAMMA),
            (
                "<script type='application/ld+json'>{\"@graph\":[{\"@type\":\"Organization\",\"contactPoint\":{\"email\":\"mailto:snab@zavod-gamma.ru\",},}]}</script>",
                GAMMA,
            ),
            ("<div itemscope itemtype='http://schema.org/Organization'><meta itemprop=email content='snab@zavod-gamma.ru'></div>", GAMMA),
            ("<div class=vcard><a class=email href='mailto:snab@zavod-gamma.ru'>x</a></div>", GAMMA),
            ("<meta property='og:email' content='snab@zavod-gamma.ru'>", GAMMA),
            ("<p>snab@zavod-gamma.ruТелефон</p>", GAMMA),
            ("<p>Почтаsnab@zavod-gamma.ru.</p>", GAMMA),
            ("<p>snab@zavod-gamma.ru, тел. 8</p><noscript><img src=x></noscript>", GAMMA),
            ("<noscript><a href='mailto:snab@zavod-gamma.ru'>почта</a></noscript>", GAMMA),
            ("<p>snab@zavod-gamma.ru; <b>buh@zavod-gamma.ru</b></p>", &["buh@zavod-gamma.ru", "snab@zavod-gamma.ru"]),
            ("<p>Пишите на почту аb@zavod-gamma.ru</p>", &["ab@zavod-gamma.ru"]),
        ],
    );
}

#[test]
fn what_only_looks_like_an_address_is_not_taken() {
    check(
        ContactType::Email,
        &[
            ("<img src='logo@2x.png'><p>sprite@3x.webp</p>", &[]),
            ("<p>npm i vue@3.4.21 react@latest</p>", &[]),
            ("<script>Sentry.init({dsn:'https://0123456789abcdef0123456789abcdef@o45.ingest.sentry.io/45'})</script>", &[]),
            ("<input placeholder='ivanov@mail.ru'><p>например, user@example.com</p>", &[]),
            ("<p>noreply@zavod-gamma.ru</p>", &[]),
            ("<p>name@domain.ru your@email.com</p>", &[]),
            (
                "<footer>© Завод. Создание сайта — <a href='https://web-studia.ru'>Студия</a>, hello@web-studia.ru</footer><p>opt@zavod-gamma.ru</p>",
                &["opt@zavod-gamma.ru"],
            ),
            ("<p>Мы @zavodgamma в сети, заходите at any time dot com</p>", &[]),
            ("<p>opt@zavod-gamma.ru</p><!-- old@zavod-gamma.ru -->", &["opt@zavod-gamma.ru"]),
            ("<p>opt@zavod-gamma.ru</p><p style='position:absolute;left:-9999px'>trap@zavod-gamma.ru</p>", &["opt@zavod-gamma.ru"]),
            ("<p>opt@zavod-gamma.ru</p><template>tpl@zavod-gamma.ru</template>", &["opt@zavod-gamma.ru"]),
            ("<p>Цена 100@шт. и 5@м2</p>", &[]),
            ("<form><input type=hidden name=to value='form@zavod-gamma.ru'></form>", &[]),
            (
                "<p>opt@zavod-gamma.ru</p><p>Разработано в <a href='https://a-studio.ru'>A-Studio</a>: info@a-studio.ru</p>",
                &["opt@zavod-gamma.ru"],
            ),
            ("<link href='https://fonts.googleapis.com/css2?family=Inter:wght@400;700'><p>wght@400.css</p>", &[]),
            ("<script src='https://cdn.jsdelivr.net/npm/swiper@11.0.5/swiper.min.js'></script>", &[]),
            ("<p>u003esnab@zavod-gamma.ru</p>", &["snab@zavod-gamma.ru"]),
            ("<script>var t='test@test.ru', e='email@email.com', h='foo@bar.png'</script>", &[]),
            ("<p>Встреча в 10 at office.ru</p><p>Look at this.com page</p>", &[]),
            ("<a href='https://t.me/@zavodgamma'>tg</a> <a href='https://medium.com/@gamma.ru'>m</a>", &[]),
            ("<a href='https://maps.google.com/maps/@55.75,37.61,15z'>карта</a>", &[]),
            ("<p>support@tilda.cc, robot@wix.com, opt@zavod-gamma.ru</p>", &["opt@zavod-gamma.ru"]),
            ("<p>git clone git@github.com:user/repo.git</p>", &[]),
        ],
    );
}

#[test]
fn a_phone_is_found_however_it_is_written_and_other_numbers_are_not() {
    const ONE: &[&str] = &["+73422550550"];
    check(
        ContactType::Phone,
        &[
            ("<p>Тел.: +7 (342) 255-05-50</p>", ONE),
            ("<p>тел 8(342)2550550</p>", ONE),
            ("<p>8&nbsp;342&nbsp;255&minus;05&ndash;50</p>", ONE),
            ("<p>+7<span>(342)</span> <b>255</b>-05-50</p>", ONE),
            ("<p>телефон: (342) 255 05 50</p>", ONE),
            ("<a href='tel:+7-342-255-05-50'>звонок</a>", ONE),
            ("<a href='tel:83422550550;ext=12'>звонок</a>", ONE),
            ("<a href='TEL:%2B73422550550'>звонок</a>", ONE),
            ("<div itemscope itemtype='https://schema.org/Store'><span itemprop=telephone>8 (342) 255-05-50</span></div>", ONE),
            ("<script type='application/ld+json'>{\"@type\":\"Store\",\"telephone\":[\"+7 342 255-05-50\"]}</script>", ONE),
            ("<p>8-800-200-11-22 звонок бесплатный</p>", &["+78002001122"]),
            ("<p>Телефоны: (342) 255-05-50, 255-05-51</p>", &["+73422550550", "+73422550551"]),
            ("<p>ИНН 5902007772, КПП 590201001, р/с 40702810900000012345, БИК 045773603</p>", &[]),
            ("<p>+7 (999) 999-99-99</p><p>+7 (___) ___-__-__</p>", &[]),
            ("<p>Заказ № 89123456789, артикул 84951234567, ГОСТ 12345678901</p>", &[]),
            ("<p>01.02.2023 10:00-18:00, 192.168.0.101, 55.751244, 37.618423, 614000</p>", &[]),
            ("<p>Моб. 8 912 345 67 89 (WhatsApp)</p>", &["+79123456789"]),
            ("<p>т/ф: 8-342-255-05-50</p>", ONE),
            ("<p>+7 342 255 05 50 доб. 101</p>", ONE),
            ("<p>Тел.: 8 (342) 255-05-50 / 255-05-51</p>", &["+73422550550", "+73422550551"]),
            ("<p>7 (342) 255-05-50</p>", ONE),
            ("<p>+7(342)2-550-550</p>", ONE),
            ("<p>☎ 8 (342) 255·05·50</p>", ONE),
            ("<p>Лицензия № 74-02-005566 от 12.03.2015, СНИЛС 112-233-445 95</p>", &[]),
            ("<p>Площадь 1 200 000 м2, 8 495 000 рублей, 2010-2024 гг.</p>", &[]),
            ("<p>ОКПО 12345678, ОКВЭД 62.01, ОГРН 1025900000001, ОКТМО 57701000001</p>", &[]),
            ("<p>Карта 4276 1234 5678 9010</p>", &[]),
        ],
    );
}

#[test]
fn requisites_and_the_name_are_read_from_layouts_of_all_kinds() {
    for body in [
        "<table><tr><td>Полное наименование</td><td>Общество с ограниченной ответственностью «Завод Гамма»</td></tr><tr><td>ИНН / КПП</td><td>5902007772 / 590201001</td></tr></table>",
        "<dl><dt>Организация</dt><dd>ООО «Завод Гамма»</dd><dt>ИНН</dt><dd>5902007772</dd></dl>",
        "<p>ООО «Завод Гамма», ИНН:5902007772</p><p>Банк: ПАО Сбербанк, ИНН 7707083893, БИК 045773603</p>",
        "<p>ИНН&nbsp;5902 007 772</p><footer>© 2010–2024 ООО «Завод Гамма». Все права защищены</footer>",
    ] {
        let found = read(body);
        assert_eq!(found.inn.as_deref(), Some("5902007772"), "{body}");
        let name = found.company_name.unwrap_or_default();
        assert!(name.contains("Завод Гамма"), "{body}: {name}");
    }
    assert_eq!(read("<p>ИНН 1234567890, длинный номер 5902007772</p>").inn, None);
}

#[test]
fn every_contact_has_words_that_prove_it() {
    let found = read(
        r#"<script type="application/ld+json">{"@type":"Organization","email":"Info@zavod-gamma.ru","telephone":"+7 843 200-00-01"}</script>
        <div itemscope itemtype="https://schema.org/Store"><meta itemprop=email content="opt@zavod-gamma.ru"><meta itemprop=telephone content="+7 843 200-00-02"></div>
        <b data-email="snab@zavod-gamma.ru"></b>"#,
    );
    assert_eq!(found.contacts.len(), 5, "{:?}", found.contacts);
    for contact in &found.contacts {
        let bare = |text: &str| text.to_lowercase().replace([' ', '-'], "");
        let proven = bare(&contact.snippet).contains(&bare(&contact.value));
        assert!(proven && contact.snippet.chars().count() <= 200, "{contact:?}");
    }
}

#[test]
fn what_is_dialled_after_a_number_belongs_to_it_unless_it_stands_bare_too() {
    for (body, wanted) in [
        ("<p>Тел. (843) 200-00-01, доб. 12</p>", Some("12")),
        ("<a href='tel:+78432000001;ext=15'>звонок</a>", Some("15")),
        ("<a href='tel:+78432000001'>8 (843) 200-00-01</a> доб. 12", Some("12")),
        ("<p>8 (843) 200-00-01 доб. 12</p><p>8 (843) 200-00-01</p>", None),
        ("<p>8 (843) 200-00-01 доб. 12</p><p>8 (843) 200-00-01 доб. 13</p>", None),
    ] {
        let found = read(body);
        let phone = found.contacts.iter().find(|contact| contact.value == "+78432000001");
        assert_eq!(phone.map(|phone| phone.extension.as_deref()), Some(wanted), "{body}");
    }
}

#[test]
fn a_firm_with_sentry_in_its_name_has_addresses_and_collectors_of_errors_have_none() {
    check(
        ContactType::Email,
        &[("<p>info@sentry-doors.ru</p>", &["info@sentry-doors.ru"]), ("<p>ab12@o1.ingest.sentry.io, key@sentry.zavod-gamma.ru</p>", &[])],
    );
}

#[test]
fn rdfa_is_read_where_a_type_is_told() {
    let found = read(
        "<div vocab='https://schema.org/' typeof='Organization'><b property='legalName'>ООО «Гамма»</b><i property='email'>rdfa [at] zavod-gamma.ru</i></div>",
    );
    assert_eq!((found.legal_name.as_deref(), values(&found, ContactType::Email).len()), (Some("ООО «Гамма»"), 1));
    assert_eq!(found.contacts[0].origin, "attribute");
}

#[test]
fn what_stands_hidden_side_by_side_is_not_read_as_one() {
    let found = read("<p>x</p><div style='display:none'>trap@zavod-gamma.ru</div><p hidden>other@zavod-gamma.ru</p><i hidden>8</i>");
    let values: Vec<String> = values(&found, ContactType::Email).into_iter().collect();
    assert_eq!(values, ["other@zavod-gamma.ru", "trap@zavod-gamma.ru"]);
}

#[test]
fn what_aria_hides_counts_as_hidden() {
    let found =
        read("<p>info@zavod-gamma.ru</p><div aria-hidden='true'>trap@zavod-gamma.ru</div><div aria-hidden=false>opt@zavod-gamma.ru</div>");
    assert_eq!(values(&found, ContactType::Email).into_iter().collect::<Vec<_>>(), ["info@zavod-gamma.ru", "opt@zavod-gamma.ru"]);
}

/// What two pages of `zavod-gamma.ru` give: the home page, and one at a path.
fn read_two(home: &str, path: &str, other: &str) -> Findings {
    let site = Site { domain: normalize::domain_of("zavod-gamma.ru"), country: None };
    let page = |path: &str, body: &str| {
        let url = Url::parse("https://zavod-gamma.ru").and_then(|url| url.join(path)).unwrap();
        harvest::page(&url, body.as_bytes(), Some("text/html; charset=utf-8"), &site)
    };
    harvest::merge(&[page("/", home), page(path, other)], &site)
}

#[test]
fn what_visitors_and_dealers_show_is_not_the_firms() {
    const HOME: &str = "<p>Тел. (4852) 72-10-20, snab@zavod-gamma.ru</p>";
    const THEIRS: &str = "<p>ИП Попов, (8152) 55-10-20, popov@mail.ru</p>";
    let own = BTreeSet::from(["snab@zavod-gamma.ru".to_owned()]);
    for (path, other) in [
        ("/otzyvy", format!("<div class='reviews__list'>{THEIRS}</div>")),
        ("/blog/1", format!("<ol class='commentlist'><li>{THEIRS}</li></ol>")),
        ("/dealers/", THEIRS.to_owned()),
        ("/p5", format!("<title>Наши дилеры — Завод Гамма</title>{THEIRS}")),
        ("/p6", format!("<p>О заводе</p><section><h2>Наши представители</h2><ul><li>{THEIRS}</li></ul></section>")),
    ] {
        let found = read_two(HOME, path, &other);
        assert_eq!(values(&found, ContactType::Email), own, "{path}");
        assert_eq!(values(&found, ContactType::Phone), BTreeSet::from(["+74852721020".to_owned()]), "{path}");
    }
    // The firm's own words on such a page are the firm's; where there is nothing else, theirs are better than none.
    let found = read_two(HOME, "/dealers/", "<p>Стать дилером: dealer@zavod-gamma.ru</p>");
    assert!(values(&found, ContactType::Email).contains("dealer@zavod-gamma.ru"));
    let found = read_two("<p>Завод Гамма</p>", "/dealers/", THEIRS);
    assert!(values(&found, ContactType::Phone).contains("+78152551020"));
}

#[test]
fn a_page_that_a_script_draws_gives_what_its_data_say() {
    let data = r#"<div id=app></div><script>window.__DATA__={"phone":"8 (4852)\u00a072-10-20","mail":"snab@zavod-gamma.ru","inn":"7707083893"}</script>"#;
    let found = read(data);
    assert_eq!(values(&found, ContactType::Phone), BTreeSet::from(["+74852721020".to_owned()]));
    assert_eq!(found.inn.as_deref(), Some("7707083893"));

    let shown = read(&format!("<p>Тел. (4852) 72-10-30</p>{data}"));
    assert_eq!(values(&shown, ContactType::Phone), BTreeSet::from(["+74852721030".to_owned()]));
}

#[test]
fn a_surname_that_stands_in_samples_is_somebody_at_the_firms_own_host() {
    assert_eq!(values(&read("<p>Петров И. С., petrov@zavod-gamma.ru</p>"), ContactType::Email).len(), 1);
    assert_eq!(values(&read("<p>petrov@mail.ru</p>"), ContactType::Email).len(), 0);
    // The word "example" inside an address says nothing of the phone behind it.
    let found = read("<p>info@example.com</p><p>Звоните 8 (4852) 72-10-20</p>");
    assert_eq!(values(&found, ContactType::Phone).len(), 1);
}
