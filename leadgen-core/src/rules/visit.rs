//! A company's site was visited: which contacts are kept, which one letters go to, and where the company stands then.

use crate::domain::flow::CompanyEvent;

/// Contacts of one kind that are kept.
pub const KEPT: usize = 3;
/// The least score of an address that letters go to.
pub const PRIMARY_FROM: f64 = 0.50;

/// Where a company moves, and the reason code beside it. `primary` and `phone` say what it has now, from whatever visit;
/// `reason` is what the visit said if it found nothing.
pub fn after_visit(primary: bool, phone: bool, reason: Option<&str>) -> (CompanyEvent, Option<String>) {
    match (primary, phone) {
        (true, _) => (CompanyEvent::ContactsFound, None),
        (false, true) => (CompanyEvent::Disqualify, Some("phone_only".to_owned())),
        (false, false) => (CompanyEvent::Disqualify, Some(reason.unwrap_or("contacts_not_found").to_owned())),
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
    fn a_company_with_an_address_is_ready_whatever_the_last_visit_said() {
        assert_eq!(after_visit(true, false, Some("unreachable")), (CompanyEvent::ContactsFound, None));
    }

    #[test]
    fn without_an_address_the_reason_says_what_there_is() {
        assert_eq!(after_visit(false, true, None).1.as_deref(), Some("phone_only"));
        assert_eq!(after_visit(false, false, Some("blocked_by_robots")).1.as_deref(), Some("blocked_by_robots"));
        assert_eq!(after_visit(false, false, None).1.as_deref(), Some("contacts_not_found"));
    }

    #[test]
    fn trouble_on_the_way_is_one_reason() {
        assert_eq!(reason_given_up("deadline"), "enrichment_failed");
        assert_eq!(reason_given_up("target_refused"), "target_refused");
    }
}
