//! Turns of what hosts share: many may live at one address or under one registered name, and it is not asked more than once
//! a second. Within this process; turns among processes are the book's.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use crate::domain::host::Place;
use crate::domain::name::DomainName;
use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;

/// Least pause between two requests to one place.
const APART: Duration = Duration::from_secs(1);
/// Places remembered.
const MOST_PLACES: usize = 10_000;

/// When each place may be asked again.
#[derive(Debug)]
pub(super) struct Turns {
    clock: Arc<dyn Clock>,
    pub(super) apart: Duration,
    next: Mutex<HashMap<Place, Timestamp>>,
}

impl Turns {
    /// With a pace below a second the places keep that pace too.
    pub(super) fn at(pace: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { clock, apart: APART.min(pace), next: Mutex::default() }
    }

    /// Takes the turn of a host's registered name and address, if both are free now, and gives them; else says when they may be.
    pub(super) async fn take(&self, host: &DomainName, address: IpAddr) -> Result<Vec<Place>, Timestamp> {
        let places = Place::shared(host, address);
        let mut next = self.next.lock().await;
        let now = self.clock.now();
        if next.len() >= MOST_PLACES {
            next.retain(|_, free| now < *free);
        }
        let turn = places.iter().filter_map(|place| next.get(place)).fold(now, |turn, free| turn.max(*free));
        if now < turn {
            return Err(turn);
        }
        next.extend(places.iter().map(|place| (place.clone(), now + self.apart)));
        Ok(places)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::ports::clock::HandClock;

    #[tokio::test]
    async fn hosts_of_one_name_or_one_address_take_turns_a_second_apart() {
        let clock = Arc::new(HandClock::at(Timestamp::from_millis(1_700_000_000_000)));
        let begun = clock.now();
        let turns = Turns::at(Duration::from_secs(2), clock.clone());
        let mut taken = Vec::new();
        for (host, address) in [
            ("www.firma.ru", "93.184.216.34"),
            ("shop.firma.ru", "93.184.216.35"),
            ("other.ru", "93.184.216.35"),
            ("third.ru", "93.184.216.36"),
            ("firma.ru", "127.0.0.1"),
            ("fourth.ru", "127.0.0.1"),
        ] {
            while let Err(turn) = turns.take(&DomainName::parse(host).unwrap(), address.parse().unwrap()).await {
                clock.move_to(turn);
            }
            taken.push(clock.now().since(begun).as_secs());
        }
        assert_eq!(taken, [0, 1, 2, 2, 2, 2], "the name, then the address; nobody waits for strangers");
    }
}
