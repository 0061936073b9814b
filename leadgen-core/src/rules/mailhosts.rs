//! Mail providers at which anybody can have an address: the part after the `@` says nothing about a firm.

use crate::domain::name::within;

const FREE_MAIL: [&str; 62] = [
    "yandex.ru",
    "ya.ru",
    "yandex.com",
    "yandex.by",
    "yandex.kz",
    "yandex.ua",
    "narod.ru",
    "mail.ru",
    "bk.ru",
    "inbox.ru",
    "list.ru",
    "internet.ru",
    "xmail.ru",
    "rambler.ru",
    "lenta.ru",
    "autorambler.ru",
    "myrambler.ru",
    "ro.ru",
    "pochta.ru",
    "qip.ru",
    "nm.ru",
    "e1.ru",
    "ngs.ru",
    "sibmail.com",
    "vk.com",
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "live.ru",
    "msn.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.de",
    "ymail.com",
    "aol.com",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "web.de",
    "proton.me",
    "protonmail.com",
    "pm.me",
    "tutanota.com",
    "tuta.io",
    "zoho.com",
    "fastmail.com",
    "mail.com",
    "email.ru",
    "tut.by",
    "mail.by",
    "ukr.net",
    "i.ua",
    "meta.ua",
    "bigmir.net",
    "mail.kz",
    "inbox.lv",
    "duck.com",
];

/// Whether anybody can have an address at this host.
///
/// ```
/// use leadgen_core::rules::mailhosts::is_free_mail;
///
/// assert!(is_free_mail("mail.ru"));
/// assert!(!is_free_mail("denta-lux.ru"));
/// ```
pub fn is_free_mail(host: &str) -> bool {
    FREE_MAIL.iter().any(|free| within(host, free))
}
