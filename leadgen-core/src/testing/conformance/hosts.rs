//! Notes on hosts of sites: read as they were noted, and kept longer than any pause.

use std::time::Duration;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Place, Rest, Scheme, SchemeNotes};
use crate::domain::name::DomainName;
use crate::error::{Error, ErrorKind, Result};
use crate::ports::work::EnrichCompany;

use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_host_that_nobody_asked_has_no_notes,
    of_two_pauses_the_later_one_holds_and_only_one_that_is_over_goes,
    a_robots_txt_that_was_read_ends_a_loss_and_a_loss_leaves_it,
    the_two_schemes_of_a_host_are_apart_and_so_are_hosts,
    notes_outlast_every_pause_and_go_in_time,
    a_host_has_one_turn_at_a_time_and_a_pause_between_two,
];

fn host(name: &str) -> Result<DomainName> {
    DomainName::parse(name)
}

fn robots(world: &World, body: &[u8]) -> KeptRobots {
    KeptRobots { body: body.to_vec(), until: world.now() + Duration::from_hours(24) }
}

fn loss(world: &World, code: &str) -> Loss {
    Loss { code: code.into(), since: world.now(), until: world.now() + Duration::from_hours(6), tries: 2 }
}

async fn a_host_that_nobody_asked_has_no_notes(world: &World) -> Result<()> {
    assert_eq!(world.store.notes(&host("one.ru")?).await?, HostNotes::default());
    Ok(())
}

async fn of_two_pauses_the_later_one_holds_and_only_one_that_is_over_goes(world: &World) -> Result<()> {
    let (one, now) = (host("one.ru")?, world.now());
    let rest = |hours: u64| Rest { until: now + Duration::from_hours(hours), refusals: u32::try_from(hours).unwrap_or(0) };
    for (noted, read) in [(1, 1), (3, 3), (2, 3)] {
        world.store.note_rest(&one, Some(&rest(noted)), now).await?;
        assert_eq!(world.store.notes(&one).await?.rest, Some(rest(read)), "{noted}");
    }
    world.store.note_rest(&one, None, now + Duration::from_hours(2)).await?;
    assert_eq!(world.store.notes(&one).await?.rest, Some(rest(3)), "somebody else was told to wait longer");
    world.store.note_rest(&one, None, now + Duration::from_hours(3)).await?;
    assert_eq!(world.store.notes(&one).await?.rest, None);
    world.store.note_rest(&one, Some(&rest(1)), now).await?;
    assert_eq!(world.store.notes(&one).await?.rest, Some(rest(1)));
    Ok(())
}

async fn a_robots_txt_that_was_read_ends_a_loss_and_a_loss_leaves_it(world: &World) -> Result<()> {
    let (one, now) = (host("one.ru")?, world.now());
    // Bytes that are no text stay what they are; an empty file is a file.
    for body in [&b"User-agent: *\nDisallow: /\xff\x00\xfe\n"[..], b""] {
        world.store.note_loss(&one, Scheme::Https, &loss(world, "unreachable"), now).await?;
        let kept = robots(world, body);
        world.store.note_robots(&one, Scheme::Https, &kept, now).await?;
        let known = SchemeNotes { scheme: Scheme::Https, robots: Some(kept), loss: None };
        assert_eq!(world.store.notes(&one).await?.schemes.first(), Some(&known));

        let lost = loss(world, "dns_failed");
        world.store.note_loss(&one, Scheme::Https, &lost, now).await?;
        assert_eq!(world.store.notes(&one).await?.schemes, [SchemeNotes { loss: Some(lost), ..known }]);
    }
    Ok(())
}

async fn the_two_schemes_of_a_host_are_apart_and_so_are_hosts(world: &World) -> Result<()> {
    let (one, two, now) = (host("one.ru")?, host("two.ru")?, world.now());
    let lost = loss(world, "unreachable");
    world.store.note_loss(&one, Scheme::Https, &lost, now).await?;
    let kept = robots(world, b"Disallow: /");
    world.store.note_robots(&one, Scheme::Http, &kept, now).await?;
    world.store.note_rest(&two, Some(&Rest { until: now, refusals: 1 }), now).await?;

    let notes = world.store.notes(&one).await?;

    let plain = SchemeNotes { scheme: Scheme::Http, robots: Some(kept), loss: None };
    assert_eq!(
        notes,
        HostNotes { rest: None, schemes: vec![plain, SchemeNotes { scheme: Scheme::Https, robots: None, loss: Some(lost) }] }
    );
    Ok(())
}

async fn notes_outlast_every_pause_and_go_in_time(world: &World) -> Result<()> {
    let (one, two, now) = (host("one.ru")?, host("two.ru")?, world.now());
    let rest = Rest { until: now + Duration::from_hours(7 * 24), refusals: 4 };
    world.store.note_rest(&one, Some(&rest), now).await?;
    world.store.note_robots(&two, Scheme::Http, &robots(world, b""), now).await?;

    world.pass(Duration::from_hours(7 * 24 - 1));
    world.claim::<EnrichCompany>().await?;
    assert_eq!(world.store.notes(&one).await?.rest, Some(rest));

    world.pass(Duration::from_hours(60 * 24));
    world.claim::<EnrichCompany>().await?;
    assert_eq!(world.store.notes(&one).await?, HostNotes::default());
    assert_eq!(world.store.notes(&two).await?, HostNotes::default());
    Ok(())
}

async fn a_host_has_one_turn_at_a_time_and_a_pause_between_two(world: &World) -> Result<()> {
    let (one, two, now) = (host("one.ru")?, host("two.ru")?, world.now());
    let (delay, long) = (Duration::from_secs(2), Duration::from_secs(30));
    let take = async |host: &DomainName, after: u64| {
        let now = now + Duration::from_secs(after);
        world.store.take_turn(&Place::Host(host.clone()), delay, now + long, now).await
    };
    assert_eq!(take(&one, 0).await?, None, "nobody asked it yet");
    assert_eq!(take(&two, 0).await?, None, "another host");
    assert_eq!(take(&one, 1).await?, Some(now + long + delay), "as long as the turn may last");
    world.store.end_turn(&Place::Host(one.clone()), now + Duration::from_secs(5)).await?;
    assert_eq!(take(&one, 6).await?, Some(now + Duration::from_secs(7)), "two seconds after the answer");
    assert_eq!(take(&one, 7).await?, None);
    assert_eq!(take(&one, 38).await?, Some(now + Duration::from_secs(39)), "whoever took the turn is gone");
    assert_eq!(take(&one, 39).await?, None);

    let both = tokio::join!(take(&two, 50), take(&two, 50));
    let taken = [both.0?, both.1?].iter().filter(|turn| turn.is_none()).count();
    assert_eq!(taken, 1, "of two that ask at once one gets it");
    assert_eq!(world.store.notes(&one).await?, HostNotes::default(), "a turn is no note");

    let second = Duration::from_secs(1);
    let address = |text: &str| text.parse().map_err(|e| Error::new(ErrorKind::Malformed, "read an address").because(e));
    let (here, there) = (Place::Address(address("93.184.216.34")?), Place::Address(address("2a02::1")?));
    for place in [Place::Name("one.ru".into()), here.clone(), there] {
        assert_eq!(world.store.take_turn(&place, second, now, now).await?, None, "no host's turn is another place's: {place:?}");
    }
    assert_eq!(world.store.take_turn(&here, second, now, now).await?, Some(now + second));
    assert_eq!(world.store.take_turn(&here, second, now + second, now + second).await?, None);
    Ok(())
}
