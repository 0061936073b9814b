//! Many at once make each company once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_commit_at_once_make_one_company_once() {
    let Some(place) = Empty::postgres().await else { return };
    let ground = Arc::new(sql(place).await);
    let mut rows = Vec::new();
    for firm in 0..40 {
        for way in 0..4 {
            let domain = ["", "www.", "shop.", "spb."][way];
            rows.push((firm, format!("{domain}firma-{firm}.ru"), format!("Фирма Бавог{firm}устрой")));
        }
    }
    let workers = (0..4).map(|worker| {
        let (ground, rows) = (ground.clone(), rows.clone());
        tokio::spawn(async move {
            for (_, domain, name) in rows.iter().skip(worker).step_by(3).chain(rows.iter()) {
                let rows = list(&[(name, domain, "", "")]);
                import::companies(ground.store.as_ref(), &rows, &[], ground.clock_now()).await.expect("a row comes in");
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("a worker ends");
    }
    assert_eq!(ground.hosts().await.len(), 40);
}

/// Four workers, each with connections of its own as four processes have, judge and commit the results of one database at
/// once: every firm stands in eight answers, at two domains.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_that_dedupe_at_once_make_one_company_once() {
    const FIRMS: usize = 40;
    let Some(place) = Empty::postgres().await else { return };
    let url = place.url.clone();
    let ground = sql(place).await;
    for answer in 0..8 {
        let ending = ["ru", "com"][answer % 2];
        let hits: Vec<(String, String)> =
            (0..FIRMS).map(|firm| (format!("https://{}-bav.{ending}/", letters(firm)), format!("Бавогу{}", letters(firm)))).collect();
        let hits: Vec<(&str, &str)> = hits.iter().map(|(url, title)| (url.as_str(), title.as_str())).collect();
        ground.come_in(&format!("бавогу {answer}"), &hits, &["submit", "poll", "ingest"]).await;
    }
    let mut workers = Vec::new();
    for _ in 0..4 {
        let store = search_bench::store(&url, ground.clock.clone()).await.expect("a store of its own");
        let builder = Pipeline::builder().store(store).clock(ground.clock.clone()).search(ScriptedSearch::answers([results([])]));
        let pipeline = builder.policy(an_open_policy([])).build().expect("a pipeline").only(&["dedupe"]).expect("its stage");
        workers.push(tokio::spawn(async move { pipeline.drain(Until::Idle).await.expect("all are judged") }));
    }
    for worker in workers {
        worker.await.expect("a worker ends");
    }

    let states = ground.store.states().await.expect("states");
    let of = |entity: &str, state: &str| {
        states.iter().filter(|line| line.entity == entity && line.state == state).map(|line| line.count).sum::<u64>()
    };
    assert_eq!(ground.hosts().await.len(), FIRMS, "each firm is one company");
    assert_eq!((of("results", "new"), of("results", "unique")), (0, FIRMS as u64), "and one result of each made it");
}

/// Five letters that differ from those of every other number in three places at least.
fn letters(number: usize) -> String {
    let letter = |at: usize| char::from(b"bdfgklmnprstvz"[at % 13]);
    [number, 3 * number + number / 13, 5 * number + 2 * (number / 13), 7 * number + 4 * (number / 13), 11 * number]
        .iter()
        .map(|at| letter(*at))
        .collect()
}
