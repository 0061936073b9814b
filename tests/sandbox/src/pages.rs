//! The pages of a firm's site.

use crate::firms::{Firm, Shows};

/// A page: status, content type, bytes.
pub(crate) struct Served {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Served {
    pub(crate) fn html(text: &str) -> Self {
        Self { status: 200, content_type: "text/html; charset=utf-8", bytes: text.as_bytes().to_vec() }
    }

    pub(crate) fn missing() -> Self {
        Self { status: 404, content_type: "text/html; charset=utf-8", bytes: "<h1>Страница не найдена</h1>".into() }
    }
}

/// The page of a firm at a path.
pub(crate) fn page(firm: &Firm, path: &str) -> Served {
    let text = match path {
        "/robots.txt" => {
            let rule = if firm.closed_to_robots { "Disallow: /" } else { "Disallow: /admin/" };
            return Served { status: 200, content_type: "text/plain", bytes: format!("User-agent: *\n{rule}\n").into_bytes() };
        }
        "/" => home(firm),
        "/kontakty" | "/kontakty/" => contacts(firm),
        "/o-kompanii" | "/o-kompanii/" => about(firm),
        "/uslugi" => shell(firm, "Услуги", "<p>Полный перечень услуг и цен.</p>"),
        _ => return Served::missing(),
    };
    if firm.windows_1251 {
        let declared = text.replace("charset=\"utf-8\"", "charset=\"windows-1251\"");
        return Served { status: 200, content_type: "text/html", bytes: encoding_rs::WINDOWS_1251.encode(&declared).0.into_owned() };
    }
    Served::html(&text)
}

fn shell(firm: &Firm, title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>{title} — {name}</title>\
         <meta property=\"og:site_name\" content=\"{name}\"></head><body>\
         <header><a href=\"/\">{name}</a> <nav><a href=\"/uslugi\">Услуги</a> <a href=\"/o-kompanii\">О компании</a> \
         <a href=\"/kontakty\">Контакты</a></nav></header><main><h1>{title}</h1>{body}</main>\
         <footer>{legal}, ИНН {inn}. г. {city}</footer></body></html>",
        name = firm.name,
        legal = firm.legal_name,
        inn = firm.inn,
        city = firm.city,
    )
}

fn home(firm: &Firm) -> String {
    let years = 3 + firm.seed % 20;
    let clients = 40 + firm.seed % 900;
    shell(
        firm,
        &format!("{} в городе {}", capital(&firm.niche), firm.city),
        &format!(
            "<p>«{}» работает в городе {} уже {years} лет. Наше направление — {}. За прошлый год к нам обратились {clients} клиентов.</p>\
             <p>Работаем ежедневно с 9:00 до 20:00, принимаем заявки по телефону и через форму на сайте, выезжаем на объект в день обращения.</p>\
             <form action=\"/send\"><input name=\"phone\"><button>Оставить заявку</button></form>",
            firm.name, firm.city, firm.niche
        ),
    )
}

fn about(firm: &Firm) -> String {
    shell(firm, "О компании", &format!("<p>{} — {}. Реквизиты: ИНН {}.</p>", firm.legal_name, firm.niche, firm.inn))
}

fn contacts(firm: &Firm) -> String {
    let digits = &firm.phone[2..];
    let shown = format!("8 ({}) {}-{}-{}", &digits[..3], &digits[3..6], &digits[6..8], &digits[8..]);
    let email = match firm.shows {
        Shows::Mailto => format!("<a href=\"mailto:{e}\">{e}</a>", e = firm.email),
        Shows::Text | Shows::JsonLd => format!("E-mail: {}", firm.email),
        Shows::Entities => format!("Почта: {}", firm.email.replace('@', "&#64;").replace('.', "&#46;")),
        Shows::Dog => format!("Почта: {}", firm.email.replace('@', " (собака) ")),
        Shows::Cloudflare => format!(
            "<a href=\"/cdn-cgi/l/email-protection#{hex}\"><span class=\"__cf_email__\" data-cfemail=\"{hex}\">[email&#160;protected]</span></a>",
            hex = cloudflare(&firm.email)
        ),
        Shows::FormOnly => "Напишите нам через форму на главной странице".into(),
    };
    let structured = if firm.shows == Shows::JsonLd {
        let data = serde_json::json!({"@context": "https://schema.org", "@type": "LocalBusiness", "name": firm.name, "email": firm.email, "telephone": firm.phone});
        format!("<script type=\"application/ld+json\">{data}</script>")
    } else {
        String::new()
    };
    let phone = format!("<a href=\"tel:{}\">{shown}</a>", firm.phone);
    shell(firm, "Контакты", &format!("<p>Телефон: {phone}</p><p>{email}</p><p>г. {}, ул. Центральная, 1</p>{structured}", firm.city))
}

fn cloudflare(email: &str) -> String {
    let key = 0x5A_u8;
    std::iter::once(key).chain(email.bytes().map(|b| b ^ key)).map(|b| format!("{b:02x}")).collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
