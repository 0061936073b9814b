//! What happens after a letter was accepted: people answer, machines answer, mail comes back.

use mail_parser::MessageParser;

use crate::firms::{Firm, Temper};

/// The answer to a letter as a whole mail for the sender's inbox; `None` for silence.
pub(crate) fn answer(firm: &Firm, from: &str, letter: &[u8]) -> Option<Vec<u8>> {
    let parsed = MessageParser::new().parse(letter)?;
    let id = parsed.message_id().unwrap_or_default().to_owned();
    let subject = parsed.subject().unwrap_or_default().to_owned();
    let quoted: String = parsed.body_text(0).unwrap_or_default().lines().take(6).map(|line| format!("> {line}\r\n")).collect();
    let reply = |extra: &str, text: &str| {
        format!(
            "From: {name} <{to}>\r\nTo: {from}\r\nSubject: Re: {subject}\r\nMessage-ID: <re.{id}>\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\n\
             {extra}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n\r\n\
             Студия пишет:\r\n{quoted}",
            name = "Reader",
            to = firm.email,
        )
        .into_bytes()
    };
    match firm.temper {
        Temper::Silent | Temper::Refuses => None,
        Temper::Interested => Some(reply("", "Добрый день! Интересно, расскажите подробнее о сроках и цене.")),
        Temper::Stop => Some(reply("", "СТОП")),
        Temper::Away => Some(reply("Auto-Submitted: auto-replied\r\n", "Я в отпуске до понедельника и отвечу по возвращении.")),
        Temper::Bounces => Some(bounce(firm, from, &id, &subject)),
    }
}

fn bounce(firm: &Firm, from: &str, id: &str, subject: &str) -> Vec<u8> {
    let subject: String = subject.chars().filter(char::is_ascii).collect();
    format!(
        "From: MAILER-DAEMON@mx.example\r\nTo: {from}\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <bounce.{id}>\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"=_b\"\r\n\r\n\
         --=_b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nI'm sorry to have to inform you that your message could not be delivered.\r\n\
         --=_b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n\
         Final-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: 5.1.1\r\n\
         Diagnostic-Code: smtp; 550 5.1.1 <{to}>: Recipient address rejected: User unknown\r\n\r\n\
         --=_b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{id}>\r\nFrom: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n--=_b--\r\n",
        to = firm.email,
    )
    .into_bytes()
}
