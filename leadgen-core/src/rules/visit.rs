//! A company's site was visited: which contacts are kept, which one letters go to, and where the company stands then.

use crate::domain::flow::CompanyEvent;

/// Contacts of one kind that are kept.
pub const KEPT: usize = 3;
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
    fn trouble_on_the_way_is_one_reason() {
        assert_eq!(reason_given_up("deadline"), "enrichment_failed");
        assert_eq!(reason_given_up("target_refused"), "target_refused");
    }
}
