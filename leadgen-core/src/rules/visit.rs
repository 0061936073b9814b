//! A company's site was visited: which contacts are kept, which one letters go to, and where the company stands then.

use crate::domain::flow::{CompanyEvent, CompanyState};

/// Contacts of one kind that are kept.
pub const KEPT: usize = 3;
/// Visits in vain to a host that asks for pauses: a minute, five, half an hour, and twice a week.
const PATIENCE: u32 = 6;
/// The least score of an address that letters go to.
pub const PRIMARY_FROM: f64 = 0.50;

/// Where a company moves, and the reason code beside it. `primary` and `phone` say what it has now, from whatever visit;
/// `dead` why its best address takes no mail; `reason` is what the visit said if it found nothing.
pub fn after_visit(primary: bool, phone: bool, dead: Option<&str>, reason: Option<&str>) -> (CompanyEvent, Option<String>) {
    match (primary, phone) {
        (true, _) => (CompanyEvent::ContactsFound, None),
        _ if dead.is_some() => (CompanyEvent::Disqualify, dead.map(str::to_owned)),
        (false, true) => (CompanyEvent::Disqualify, Some("phone_only".to_owned())),
        (false, false) => (CompanyEvent::Disqualify, Some(reason.unwrap_or("contacts_not_found").to_owned())),
    }
}

/// The state of a company after a visit. Who was ready and has no address any more is ready no longer; a refusal, a merge or a
/// letter that came while the site was read stays.
pub fn state_after(state: CompanyState, event: CompanyEvent) -> CompanyState {
    let event = if (state, event) == (CompanyState::ReadyToContact, CompanyEvent::Disqualify) { CompanyEvent::AddressLost } else { event };
    state.after(event).unwrap_or(state)
}

/// After so many visits in vain a company is given up. What a host asks for, and what may be mended there within days, is waited
/// out longer than trouble of another kind.
pub fn most_tries(code: &str, usual: u32) -> u32 {
    match code {
        "site_limits"
        | "host_at_rest"
        | "refused_by_site"
        | "robots_unreachable"
        | "dns_failed"
        | "dns_timeout"
        | "unreachable"
        | "certificate_refused" => PATIENCE.max(usual),
        _ => usual,
    }
}

/// The reason code of a company whose visits failed: trouble on the way is one reason, a definite no names its own.
pub fn reason_given_up(code: &str) -> &str {
    match code {
        "unavailable" | "deadline" => "enrichment_failed",
        code => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_asks_for_pauses_is_given_up_later_than_others() {
        assert_eq!((most_tries("site_limits", 3), most_tries("robots_unreachable", 3), most_tries("deadline", 3)), (6, 6, 3));
    }

    #[test]
    fn a_company_with_an_address_is_ready_whatever_the_last_visit_said() {
        assert_eq!(after_visit(true, false, None, Some("unreachable")), (CompanyEvent::ContactsFound, None));
    }

    #[test]
    fn without_an_address_the_reason_says_what_there_is() {
        assert_eq!(after_visit(false, true, None, None).1.as_deref(), Some("phone_only"));
        assert_eq!(after_visit(false, false, None, Some("blocked_by_robots")).1.as_deref(), Some("blocked_by_robots"));
        assert_eq!(after_visit(false, false, None, None).1.as_deref(), Some("contacts_not_found"));
    }

    #[test]
    fn an_address_that_takes_no_mail_is_the_reason_also_where_there_is_a_phone() {
        assert_eq!(after_visit(false, true, Some("null_mx"), None).1.as_deref(), Some("null_mx"));
    }

    #[test]
    fn who_was_ready_and_has_no_address_any_more_is_ready_no_longer() {
        use CompanyState::{Contacted, Disqualified, New, OptOut, ReadyToContact};
        for (before, event, after) in [
            (New, CompanyEvent::Disqualify, Disqualified),
            (ReadyToContact, CompanyEvent::Disqualify, Disqualified),
            (ReadyToContact, CompanyEvent::ContactsFound, ReadyToContact),
            (Disqualified, CompanyEvent::ContactsFound, ReadyToContact),
            (Contacted, CompanyEvent::Disqualify, Contacted),
            (OptOut, CompanyEvent::Disqualify, OptOut),
        ] {
            assert_eq!(state_after(before, event), after, "{before:?} {event:?}");
        }
    }

    #[test]
    fn trouble_on_the_way_is_one_reason() {
        assert_eq!(reason_given_up("deadline"), "enrichment_failed");
        assert_eq!(reason_given_up("target_refused"), "target_refused");
    }
}
