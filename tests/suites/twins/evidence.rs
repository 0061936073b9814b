//! What makes two rows one firm, and what does not.

use super::*;

impl Ground {
    /// Rows come in one by one, each a minute after the other: name, domain, address, phone, city.
    async fn listed(&self, rows: &[[&str; 5]]) -> u32 {
        let mut new = 0;
        for [name, domain, email, phone, city] in rows {
            let row = CompanyRow { city: (*city).into(), niche: String::new(), ..list(&[(name, domain, email, phone)])[0].clone() };
            new += import::companies(self.store.as_ref(), &[row], &[], self.clock_now()).await.expect("a row comes in").new;
            self.later();
        }
        new
    }

    /// Of pairs: the state, the rule, the hosts in their order.
    async fn looked_at(&self, states: &[PairState]) -> Vec<(PairState, String, [String; 2])> {
        let pairs = self.pairs(states).await.into_iter().map(|pair| {
            let mut hosts = [pair.first.domain, pair.second.domain];
            hosts.sort();
            (pair.state, pair.rule, hosts)
        });
        pairs.collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firms_that_are_only_known_by_one_name_are_not_one_for_that() {
    for ground in every_store().await {
        let two_cities =
            [["Стоматология Крамаренко", "", "", "+78435551122", "Казань"], ["Стоматология Крамаренко", "", "", "+74955551122", "Москва"]];
        assert_eq!(ground.listed(&two_cities).await, 2, "{}: two cities", ground.name);
        assert_eq!(ground.listed(&two_cities).await, 0, "{}: the same list once more adds nothing", ground.name);
        let short = [["Ника", "", "n1@mail.ru", "", "Казань"], ["Ника", "", "n2@mail.ru", "", "Казань"]];
        assert_eq!(ground.listed(&short).await, 2, "{}: a short name is no evidence", ground.name);
        assert_eq!(ground.looked_at(&ALL).await, [], "{}", ground.name);

        ground.listed(&[["Стоматология Крамаренко", "", "", "+78435551133", "Казань"]]).await;
        let listed = ground.looked_at(&ALL).await;
        assert_eq!(listed.len(), 1, "{}: another phone in the same city: a person should look", ground.name);
        assert_eq!((listed[0].0, listed[0].1.as_str()), (PairState::Pending, "name"));

        assert_eq!(ground.listed(&[["Стоматология Крамаренко", "", "", "", "Москва"]]).await, 0, "{}: one that is known", ground.name);
        let merged = ground.pairs(&[PairState::Merged]).await;
        assert_eq!(merged.len(), 1, "{}: as a pair that is kept", ground.name);
        ground.store.decide_pair(merged[0].id, PairEvent::Undo, "anna", ground.clock_now()).await.expect("and can be parted");
        assert_eq!(ground.hosts().await.len(), 6, "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_domains_of_one_group_by_a_name_are_listed_until_confirmed() {
    for ground in every_store().await {
        let phone = "+78432045139";
        // Whichever comes last brings the two domains together.
        ground
            .listed(&[
                ["Дента-Люкс", "", "", phone, "Казань"],
                ["Дента Люкс", "denta-lux.ru", "", phone, "Казань"],
                ["Дента Люкс", "denta-luxe.ru", "", "", "Казань"],
            ])
            .await;
        ground
            .listed(&[
                ["Бавогу Строй", "", "", "+78432045140", "Уфа"],
                ["Бавогустрой", "bavogu.ru", "", "", "Уфа"],
                ["Бавогустрой", "stroy-bavogu.ru", "", "+78432045140", "Уфа"],
            ])
            .await;

        let mut listed = ground.looked_at(&[PairState::Pending, PairState::Linked]).await;
        listed.sort_by(|a, b| a.2.cmp(&b.2));
        let hosts: Vec<&str> = listed.iter().flat_map(|(.., hosts)| hosts).map(String::as_str).filter(|host| !host.is_empty()).collect();
        assert!(listed.iter().all(|(state, ..)| *state == PairState::Linked), "{}: {listed:?}", ground.name);
        assert!(hosts.contains(&"denta-luxe.ru") || hosts.contains(&"denta-lux.ru"), "{}: {listed:?}", ground.name);
        assert!(hosts.contains(&"stroy-bavogu.ru") || hosts.contains(&"bavogu.ru"), "{}: {listed:?}", ground.name);

        for pair in ground.pairs(&[PairState::Linked]).await {
            ground.store.decide_pair(pair.id, PairEvent::Confirm, "anna", ground.clock_now()).await.expect("confirmed");
        }
        assert_eq!(ground.looked_at(&[PairState::Pending, PairState::Linked]).await, [], "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_firm_learns_its_place_from_a_later_row() {
    for ground in every_store().await {
        let bare = |niche: &str, city: &str| CompanyRow {
            niche: niche.into(),
            city: city.into(),
            ..list(&[("Бавогустрой", "bavogustroy.ru", "", "")])[0].clone()
        };
        for row in [bare("", ""), bare("стройка", "Казань"), bare("ремонт", "Уфа")] {
            import::companies(ground.store.as_ref(), &[row], &[], ground.clock_now()).await.expect("a row comes in");
            ground.later();
        }
        let known = ground.company("bavogustroy.ru").await;
        assert_eq!((known.region.as_str(), known.industry.as_str()), ("Казань", "стройка"), "{}: what was empty only", ground.name);
        ground.listed(&[["Бавогустрой", "", "", "", "Казань"]]).await;
        assert_eq!(ground.hosts().await, ["bavogustroy.ru"], "{}: and is met by its place", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_titled_by_what_was_asked_for_stay_companies_of_their_own() {
    for ground in every_store().await {
        ground
            .found(
                "стоматология",
                &[
                    ("https://zub1.ru/", "Стоматология в Казани"),
                    ("https://zub2.ru/", "Стоматология в Казани"),
                    ("https://zub3.ru/", "Стоматологическая клиника в Казани - цены"),
                    ("https://zub4.ru/", "Стоматологическая клиника в Казани - цены"),
                    ("https://zub5.ru/", "Главная"),
                    ("https://zub6.ru/", "Главная"),
                ],
            )
            .await;
        assert_eq!(ground.hosts().await.len(), 6, "{}", ground.name);
        assert_eq!(ground.looked_at(&ALL).await, [], "{}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_a_web_studio_is_not_the_studio() {
    for ground in every_store().await {
        let rows = [
            ["Студия Пиксель", "studio-web.ru", "hi@studio-web.ru", "", "Москва"],
            ["Стоматология Улыбка", "dental-kaz.ru", "info@studio-web.ru", "+78435551122", "Казань"],
            ["Юрист Петров", "petrov-law.ru", "law@studio-web.ru", "", "Казань"],
        ];
        assert_eq!(ground.listed(&rows).await, 3, "{}", ground.name);
        let listed = ground.looked_at(&ALL).await;
        assert_eq!(listed.len(), 3, "{}: each pair waits for a person: {listed:?}", ground.name);
        assert!(listed.iter().all(|(state, rule, _)| *state == PairState::Pending && rule == "mail_domain"), "{}: {listed:?}", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_the_register_in_a_list_makes_two_rows_one_firm_or_keeps_them_two() {
    for ground in every_store().await {
        let row = |name: &str, domain: &str, inn: &str| CompanyRow {
            name: name.into(),
            domain: domain.into(),
            inn: inn.into(),
            city: "Казань".into(),
            batch_tag: "list".into(),
            ..CompanyRow::default()
        };
        let (ours, theirs) = ("7707083893", "5024048000");
        let come_in = async |rows: &[CompanyRow]| {
            let imported = import::companies(ground.store.as_ref(), rows, &[], ground.clock_now()).await.expect("a list");
            ground.later();
            imported.new
        };

        come_in(&[row("Ромашка", "romashka.ru", ours), row("Северный ветер", "veter.ru", "")]).await;
        come_in(&[row("Торговый дом Гермес", "germes.ru", ours), row("Стоматология Крамаренко", "", ours)]).await;
        assert_eq!(ground.hosts().await, ["romashka.ru", "veter.ru"], "{}: one number is one firm", ground.name);

        come_in(&[row("Северный ветер", "veter.ru", ours)]).await;
        assert_eq!(ground.hosts().await.len(), 1, "{}: also if it is learnt later", ground.name);

        come_in(&[row("Стоматология Крамаренко", "", theirs)]).await;
        assert_eq!(ground.hosts().await.len(), 2, "{}: another number, another firm of the name", ground.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn firms_of_one_city_that_are_named_by_their_trade_are_not_one_for_that() {
    for ground in every_store().await {
        let rows = [("shina-pskov.ru", "Шиномонтаж"), ("koleso60.ru", "Шиномонтаж"), ("podveska-pskov.ru", "ШИНОМОНТАЖ")];
        ground.listed(&rows.map(|(host, name)| [name, host, "", "", "Псков"])).await;

        assert_eq!(ground.hosts().await.len(), 3, "{}", ground.name);
        let listed = ground.pairs(&[PairState::Pending]).await;
        assert_eq!(listed.len(), 3, "{}: a person may say otherwise", ground.name);
    }
}
