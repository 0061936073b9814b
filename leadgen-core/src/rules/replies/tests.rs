//! Each row of the table with replies that servers really give.

use super::Stage::{Auth, Connect, Data, Mail, Rcpt};
use super::*;

/// Checks every text; what a text means besides its class is the same for the whole row.
fn all_mean(class: &str, scope: Scope, remedy: Remedy, alert: bool, texts: &[(Stage, &str)]) {
    for (stage, text) in texts {
        let reply = Reply::parse(text.replace('|', "\r\n").as_bytes()).expect("a reply");
        let means = meaning(*stage, &reply);
        assert_eq!((means.class, means.scope, means.remedy, means.alert), (class, scope, remedy, alert), "{stage:?} {text}");
    }
}

#[test]
fn a_server_that_is_down_or_busy_is_tried_again() {
    all_mean(
        "temp_failure",
        Scope::Mailbox,
        Remedy::Retry,
        false,
        &[
            (Connect, "421 4.3.2 Service not available, closing transmission channel"),
            (Connect, "421 smtp.gmail.com Service unavailable - try again later"),
            (Connect, "421 Too many concurrent SMTP connections; please try again later."),
            (Data, "451 4.3.0 Mail server temporarily rejected message"),
            (Rcpt, "451 4.4.1 Cannot resolve the recipient's MX"),
            (Rcpt, "452 4.3.1 Insufficient system storage"),
            (Mail, "451 Requested action aborted: local error in processing"),
            (Auth, "451 4.3.0 Temporary authentication failure"),
        ],
    );
}

#[test]
fn too_many_logins_rest_the_mailbox_for_an_hour() {
    all_mean(
        "rate_limited",
        Scope::Mailbox,
        Remedy::Rest(LOGIN_REST),
        true,
        &[
            (Auth, "454 4.7.0 Too many login attempts, please try again later. f7-20020a056512228700b0049462af8614sm1 - gsmtp"),
            (Connect, "421 4.7.0 Too many login attempts from this address"),
            (Auth, "454 4.7.0 Temporary authentication failure"),
        ],
    );
}

#[test]
fn a_refused_login_suspends_the_mailbox() {
    all_mean(
        "auth_broken",
        Scope::Mailbox,
        Remedy::Suspend,
        true,
        &[
            (
                Auth,
                "535-5.7.8 Username and Password not accepted. For more information, go to|535 5.7.8  https://support.google.com/mail/?p=BadCredentials",
            ),
            (Auth, "535 5.7.8 Error: authentication failed: Invalid user or password!"),
            (Auth, "535 5.7.8 Error: authentication failed: This user does not have access rights to this service"),
            (
                Auth,
                "534-5.7.9 Application-specific password required. For more information, go to|534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor",
            ),
            (
                Auth,
                "534-5.7.14 <https://accounts.google.com/signin/continue> Please log in via|534 5.7.14 your web browser and then try again.",
            ),
            (
                Auth,
                "535 5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED",
            ),
            (Mail, "530 5.7.0 Must issue a STARTTLS command first."),
            (
                Mail,
                "530-5.7.0 Authentication Required. For more information, go to|530 5.7.0  https://support.google.com/mail/?p=WantAuthError",
            ),
        ],
    );
}

#[test]
fn a_daily_limit_rests_the_mailbox_for_a_day() {
    all_mean(
        "rate_limited",
        Scope::Mailbox,
        Remedy::Rest(DAY),
        true,
        &[
            (
                Data,
                "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail|550 5.4.5 sending limits go to https://support.google.com/a/answer/166852",
            ),
            (
                Rcpt,
                "452-4.5.3 Your message has too many recipients. For more information regarding|452 4.5.3 Google's sending limits, visit https://support.google.com/mail/?p=TooManyRecipientsError",
            ),
            (Rcpt, "452 4.5.3 Daily message limit exceeded"),
            (Data, "550 5.7.1 Spam limit exceeded for this mailbox, try tomorrow"),
            (Mail, "451 4.7.1 Sorry, your sending limit is reached. Please try again later."),
            (Data, "451 Ratelimit: rate limit exceeded for mailbox anna@mail.ru. Try again later."),
        ],
    );
}

#[test]
fn a_sender_that_is_not_ours_suspends_the_mailbox_and_never_the_recipient() {
    all_mean(
        "sender_rejected",
        Scope::Mailbox,
        Remedy::Suspend,
        true,
        &[
            (Mail, "553 5.7.1 Sender address rejected: not owned by auth user."),
            (Data, "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
            (Mail, "550 not local sender over smtp"),
            (Mail, "553 5.1.8 <x@y.ru>: Sender address rejected: Domain not found"),
            (Rcpt, "553 5.7.1 <a@b.ru>: Sender address rejected: not logged in"),
        ],
    );
}

#[test]
fn a_provider_that_wants_us_slower_makes_the_letter_wait_and_nothing_else() {
    all_mean(
        "rate_limited",
        Scope::Provider,
        Remedy::Retry,
        false,
        &[
            (Rcpt, "450 4.7.1 <info@firma.ru>: Recipient address rejected: Greylisting in action, please come back later"),
            (Rcpt, "451 4.7.1 Greylisted, please try again in 180 seconds"),
            (
                Data,
                "421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating|421 4.7.28 from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.",
            ),
            (
                Rcpt,
                "450-4.2.1 The user you are trying to contact is receiving mail too quickly.|450 4.2.1 Please resend your message at a later time.",
            ),
            (
                Rcpt,
                "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
            ),
            (Data, "451 4.7.1 Sorry, the service is currently unavailable. Please come back later."),
            (Rcpt, "450 4.7.25 Client host rejected: cannot find your hostname"),
            (Rcpt, "451 4.7.500 Server busy. Please try again later from [192.0.2.1]."),
        ],
    );
}

#[test]
fn a_failed_check_of_our_origin_that_may_pass_is_retried_and_told() {
    all_mean(
        "auth_failed",
        Scope::Provider,
        Remedy::Retry,
        true,
        &[
            (Data, "421-4.7.30 This mail has been rate limited because DKIM authentication did not|421 4.7.30 pass."),
            (Data, "421-4.7.27 This mail has been rate limited because SPF authentication did not|421 4.7.27 pass."),
            (Data, "421 4.7.32 This mail has been rate limited because the From: header is not aligned"),
            (Data, "421 4.7.40 This mail has been rate limited because no DMARC record was found"),
        ],
    );
}

#[test]
fn an_address_that_does_not_exist_is_suppressed() {
    all_mean(
        "bad_mailbox",
        Scope::Message,
        Remedy::Suppress,
        false,
        &[
            (
                Rcpt,
                "550-5.1.1 The email account that you tried to reach does not exist. Please try|550-5.1.1 double-checking the recipient's email address for typos or|550 5.1.1 unnecessary spaces.",
            ),
            (Rcpt, "550 5.1.1 <x@yandex.ru>: Recipient address rejected: No such user!"),
            (Rcpt, "550 Message was not accepted -- invalid mailbox.  Local mailbox x@mail.ru is unavailable: user not found"),
            (Rcpt, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient x@firma.ru not found by SMTP address lookup"),
            (Rcpt, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)"),
            (Rcpt, "550 5.5.1 Recipient rejected: user unknown"),
            (Rcpt, "550 Requested action not taken: mailbox unavailable"),
            (Rcpt, "550 5.0.0 Пользователь не существует"),
            (Rcpt, "550 5.1.6 Recipient no longer on server"),
            (Rcpt, "501 5.1.3 Bad recipient address syntax"),
            (Rcpt, "553 sorry, that domain isn't in my list of allowed rcpthosts"),
            (Rcpt, "551 User not local; please try <forward@example.org>"),
        ],
    );
}

#[test]
fn a_domain_that_takes_no_mail_is_suppressed() {
    all_mean(
        "bad_domain",
        Scope::Message,
        Remedy::Suppress,
        false,
        &[
            (Rcpt, "550 5.1.2 The recipient domain does not exist"),
            (Rcpt, "556 5.1.10 Recipient address has null MX"),
            (Rcpt, "550 5.1.10 Domain has a null MX record"),
            (Rcpt, "550 5.4.4 Unable to route: no mail hosts for domain"),
            (Rcpt, "550 5.4.310 DNS domain firma.ru does not exist"),
            (Data, "554 5.4.14 Hop count exceeded - possible mail loop"),
        ],
    );
}

#[test]
fn a_mailbox_that_was_closed_is_suppressed() {
    all_mean(
        "mailbox_disabled",
        Scope::Message,
        Remedy::Suppress,
        false,
        &[
            (
                Rcpt,
                "550-5.2.1 The email account that you tried to reach is disabled. For more|550 5.2.1 information, go to https://support.google.com/mail/?p=DisabledUser",
            ),
            (Rcpt, "550 5.2.1 The email account that you tried to reach is inactive."),
            (Rcpt, "550 5.7.1 Ящик заблокирован"),
            (Rcpt, "550 Message was not accepted -- invalid mailbox.  Local mailbox x@mail.ru is unavailable: account is disabled"),
            (Rcpt, "554 5.7.509 The account is suspended"),
            (Rcpt, "550 5.2.1 Recipient unavailable"),
        ],
    );
}

#[test]
fn a_full_mailbox_is_tried_twice_more_and_never_suppressed() {
    all_mean(
        "mailbox_full",
        Scope::Message,
        Remedy::RetryTwice,
        false,
        &[
            (
                Rcpt,
                "452-4.2.2 The email account that you tried to reach is over quota. Please direct|452 4.2.2 the recipient to https://support.google.com/mail/?p=OverQuotaTemp",
            ),
            (
                Rcpt,
                "552-5.2.2 The email account that you tried to reach is over quota and inactive.|552 5.2.2 Please direct the recipient to Clear up space",
            ),
            (Rcpt, "552 5.2.2 Mailbox size limit exceeded"),
            (Rcpt, "552 Requested mail action aborted: exceeded storage allocation"),
            (Rcpt, "550 Mailbox full"),
            (Data, "554 5.2.2 mailbox is full"),
        ],
    );
}

#[test]
fn a_letter_that_is_too_big_fails_and_is_told() {
    all_mean(
        "too_big",
        Scope::Message,
        Remedy::Fail,
        true,
        &[
            (Mail, "552 5.3.4 Message size exceeds fixed limit"),
            (Data, "552-5.2.3 Your message exceeded Google's message size limits."),
            (Data, "554 5.3.4 Message too big for system"),
            (Data, "552 Message size exceeds maximum permitted"),
        ],
    );
}

#[test]
fn a_spam_verdict_holds_the_letter() {
    all_mean(
        "content",
        Scope::Reputation,
        Remedy::Hold,
        true,
        &[
            (Data, "554 5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc 1700000000-abc"),
            (
                Data,
                "550-5.7.1 Our system has detected that this message is likely unsolicited mail.|550 5.7.1 To reduce the amount of spam sent to Gmail, this message has been blocked.",
            ),
            (
                Data,
                "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=abc or report details to abuse@corp.mail.ru.",
            ),
            (Data, "554 5.7.0 Reject, id=00000-01 - SPAM"),
            (Data, "554 5.6.0 Message content rejected"),
            (Data, "552-5.7.0 This message was blocked because its content presents a potential|552 5.7.0 security issue."),
            (Data, "550 Письмо похоже на спам и отклонено"),
        ],
    );
}

#[test]
fn an_entry_on_a_block_list_holds_the_letter() {
    all_mean(
        "reputation",
        Scope::Reputation,
        Remedy::Hold,
        true,
        &[
            (
                Rcpt,
                "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
            ),
            (Rcpt, "550 5.7.25 The IP address sending this message does not have a PTR record setup"),
            (Rcpt, "550 5.7.13 Poor reputation of the sending address"),
            (
                Data,
                "550 5.7.1 [192.0.2.1 12] Our system has detected that this message is suspicious due to the very low reputation of the sending IP address.",
            ),
            (Connect, "554 5.7.1 You are listed in RBL bl.spamcop.net"),
        ],
    );
}

#[test]
fn another_verdict_of_policy_holds_the_letter() {
    all_mean(
        "policy",
        Scope::Reputation,
        Remedy::Hold,
        true,
        &[
            (Data, "550 5.7.1 Delivery not authorized, message refused"),
            (Rcpt, "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; sender not authenticated for group"),
            (Data, "554 5.7.5 Permanent error evaluating policy"),
        ],
    );
}

#[test]
fn a_failed_check_of_our_origin_holds_the_letter_and_is_told() {
    all_mean(
        "auth_failed",
        Scope::Mailbox,
        Remedy::Hold,
        true,
        &[
            (
                Data,
                "550-5.7.26 Unauthenticated email from firma.ru is not accepted due to domain's|550 5.7.26 DMARC policy. Please contact the administrator of firma.ru domain",
            ),
            (Rcpt, "550 5.7.23 SPF validation failed"),
            (Data, "550 5.7.30 DKIM check failed"),
            (Data, "550 5.7.509 Access denied, sending domain firma.ru does not pass DMARC verification and has a DMARC policy of reject."),
            (Data, "550 5.7.1 Unauthenticated email is not accepted from this domain"),
        ],
    );
}

#[test]
fn a_reply_out_of_order_is_tried_once_more_and_told() {
    all_mean(
        "unknown",
        Scope::Message,
        Remedy::RetryOnce,
        true,
        &[
            (Rcpt, "503 5.5.1 MAIL first"),
            (Data, "503 5.5.4 Bad sequence of commands"),
            (Mail, "501 5.5.4 Syntax: MAIL FROM:<address>"),
            (Mail, "555 5.5.2 Syntax error, cannot decode response"),
            (Data, "500 Line too long"),
            (Data, "502 5.5.2 Command not recognized"),
        ],
    );
}

#[test]
fn any_other_later_is_later() {
    all_mean(
        "temp_failure",
        Scope::Message,
        Remedy::Retry,
        false,
        &[
            (Rcpt, "450 4.1.8 Sender address rejected: Domain not found"),
            (Data, "450 Requested mail action not taken"),
            (Data, "471 Try again"),
        ],
    );
}

#[test]
fn any_other_no_fails_the_letter_and_suppresses_nobody() {
    all_mean(
        "unknown",
        Scope::Message,
        Remedy::Fail,
        false,
        &[(Data, "554 Transaction failed"), (Data, "571 Delivery refused"), (Data, "550 Administrative prohibition"), (Data, "599 what?")],
    );
}

#[test]
fn the_verdict_follows_the_remedy() {
    let of = |stage, text: &str| error(stage, &Reply::parse(text.as_bytes()).expect("a reply")).verdict();
    assert_eq!(of(Data, "554 5.7.1 Message rejected under suspicion of SPAM"), Verdict::Hold);
    assert_eq!(of(Auth, "535 5.7.8 no"), Verdict::Pause);
    assert_eq!(of(Rcpt, "550 5.1.1 No such user"), Verdict::Reject);
    assert_eq!(of(Rcpt, "450 4.7.1 Greylisting"), Verdict::Retry { after: None });
    assert_eq!(of(Rcpt, "452 4.2.2 over quota"), Verdict::Retry { after: Some(DAY) });
    assert_eq!(of(Data, "550 5.4.5 Daily user sending limit exceeded."), Verdict::Retry { after: Some(DAY) });
    assert_eq!(of(Data, "503 5.5.1 out of order"), Verdict::Retry { after: None });
}

#[test]
fn a_reply_in_windows_1251_is_read() {
    let mut bytes = b"550 5.1.1 ".to_vec();
    bytes.extend(encoding_rs::WINDOWS_1251.encode("ящик не существует").0.iter());
    assert_eq!(Reply::parse(&bytes).expect("a reply").text, "ящик не существует");
}

#[test]
fn an_odd_line_within_a_reply_does_not_lose_the_reply() {
    let reply = Reply::parse(b"550-5.1.1 no\r\nsuch\r\n550 5.1.1 user\r\n").expect("a reply");
    assert_eq!((reply.code, reply.text.as_str()), (550, "no user"));
    assert!(Reply::parse(b"HTTP/1.1 400 Bad Request\r\n").is_none());
    assert_eq!(Reply::parse(b"550 192.168.1 is not welcome").expect("a reply").enhanced, None);
}
