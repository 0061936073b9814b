//! Notes on hosts of sites: read as they were noted, and kept longer than any pause.

use std::time::Duration;

use crate::domain::host::{HostNotes, KeptRobots, Loss, Rest, Scheme, SchemeNotes};
use crate::domain::name::DomainName;
use crate::error::Result;
use crate::ports::work::EnrichCompany;

use super::world::World;
use super::{Check, checks};

pub(super) const CHECKS: &[Check] = checks![
    a_host_that_nobody_asked_has_no_notes,
    what_was_noted_of_a_host_last_is_read,
    a_robots_txt_that_was_read_ends_a_loss_and_a_loss_leaves_it,
    the_two_schemes_of_a_host_are_apart_and_so_are_hosts,
    notes_outlast_every_pause_and_go_in_time,
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

async fn what_was_noted_of_a_host_last_is_read(world: &World) -> Result<()> {
    let (one, now) = (host("one.ru")?, world.now());
    for refusals in 1..=2 {
        let rest = Rest { until: now + Duration::from_hours(u64::from(refusals)), refusals };
        world.store.note_rest(&one, Some(&rest), now).await?;
        assert_eq!(world.store.notes(&one).await?.rest, Some(rest));
    }
    world.store.note_rest(&one, None, now).await?;
    assert_eq!(world.store.notes(&one).await?.rest, None);
    Ok(())
}

async fn a_robots_txt_that_was_read_ends_a_loss_and_a_loss_leaves_it(world: &World) -> Result<()> {
    let (one, now) = (host("one.ru")?, world.now());
    // Bytes that are no text stay what they are; an empty file is a file.
    for body in [&b"User-agent: *\nDisallow: /\xff\x00\xfe\n"[..], b""] {
        world.store.note_loss(&one, Scheme::Https, Some(&loss(world, "unreachable")), now).await?;
        let kept = robots(world, body);
        world.store.note_robots(&one, Scheme::Https, &kept, now).await?;
        let known = SchemeNotes { scheme: Scheme::Https, robots: Some(kept), loss: None };
        assert_eq!(world.store.notes(&one).await?.schemes.first(), Some(&known));

        let lost = loss(world, "dns_failed");
        world.store.note_loss(&one, Scheme::Https, Some(&lost), now).await?;
        assert_eq!(world.store.notes(&one).await?.schemes, [SchemeNotes { loss: Some(lost), ..known.clone() }]);
        world.store.note_loss(&one, Scheme::Https, None, now).await?;
        assert_eq!(world.store.notes(&one).await?.schemes, [known]);
    }
    Ok(())
}

async fn the_two_schemes_of_a_host_are_apart_and_so_are_hosts(world: &World) -> Result<()> {
    let (one, two, now) = (host("one.ru")?, host("two.ru")?, world.now());
    let lost = loss(world, "unreachable");
    world.store.note_loss(&one, Scheme::Https, Some(&lost), now).await?;
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
