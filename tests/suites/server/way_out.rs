//! The page behind the link of a letter: GET shows a button, POST refuses, at once and for good.

use super::*;

#[tokio::test]
async fn looking_at_the_link_refuses_nothing_and_the_button_does() -> Result<()> {
    let (house, message) = House::with_a_draft().await?;
    let server = Server::start(&house, &[], &[])?;
    server.ready()?;
    let link = link(KEY, message);

    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        for headers in [&[][..], &["User-Agent: LinkScanner/1.0"], &["Purpose: prefetch"], &["Range: bytes=0-100"], &[FORM]] {
            server.ask(method, &link, headers, b"")?;
            server.ask(method, &format!("{link}?List-Unsubscribe=One-Click"), headers, b"")?;
        }
    }
    assert_eq!(house.refusal().await?, None);
    assert_eq!(house.state_of(message).await?, MessageState::Draft);

    let page = server.get(&link)?;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Отписаться") && page.body.contains("Unsubscribe"), "{}", page.body);
    assert!(page.body.contains("<form method=post>") && page.body.contains("name=List-Unsubscribe value=One-Click"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://") && !page.body.contains("<script"), "{}", page.body);
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert!(page.header("x-robots-tag").is_some_and(|robots| robots.contains("noindex")));
    assert_eq!(server.ask("HEAD", &link, &[], b"")?.body, "");
    assert_eq!(server.get("/u/style.css")?.header("content-type"), Some("text/css"));

    let answer = server.ask("POST", &link, &[FORM], ONE_CLICK)?;

    // No waiting: what is not in the store when the answer is here was confirmed too early.
    assert_eq!(house.refusal().await?, Some(SuppressionSource::OneClick));
    assert_eq!(house.state_of(message).await?, MessageState::Suppressed);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("set-cookie"), None);
    assert!(!answer.body.contains("denta-lux"), "{}", answer.body);
    Ok(())
}

#[tokio::test]
async fn a_link_signed_by_an_older_key_and_a_multipart_body_are_good() -> Result<()> {
    let (house, message) = House::with_a_draft().await?;
    let server = Server::start(&house, &[], &[])?;
    server.ready()?;
    let body = "--b1\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b1--\r\n";

    let answer = server.ask("POST", &link(OLD_KEY, message), &["Content-Type: multipart/form-data; boundary=b1"], body.as_bytes())?;

    assert_eq!(answer.status, 200);
    assert_eq!(house.refusal().await?, Some(SuppressionSource::OneClick));
    Ok(())
}

#[tokio::test]
async fn fresh_spent_and_unknown_tokens_get_the_same_answer_from_every_replica() -> Result<()> {
    let (house, message) = House::with_a_draft().await?;
    let (one, other) = (Server::start(&house, &["--roles", "api"], &[])?, Server::start(&house, &["--roles", "api"], &[])?);
    one.ready()?;
    other.ready()?;
    let good = link(KEY, message);
    let unknown = link("a key that nobody here has", message);
    let nobody = link(KEY, Id::of(&["a message that was never written"]));
    let mut answers = Vec::new();

    for (server, path) in [(&one, &unknown), (&one, &nobody), (&one, &good), (&other, &good), (&one, &"/u/x".to_owned())] {
        let began = Instant::now();
        let answer = server.ask("POST", path, &[FORM], ONE_CLICK)?;
        assert!(began.elapsed() >= Duration::from_millis(55), "the answer to a made-up token came sooner than a write takes");
        let told: Vec<_> = answer.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        answers.push((answer.status, told, answer.body));
    }

    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].0, 200);
    assert_eq!(house.store().await?.suppressions(10).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_wrong_body_is_refused_and_a_large_one_is_not_even_read() -> Result<()> {
    let (house, message) = House::with_a_draft().await?;
    let server = Server::start(&house, &[], &[])?;
    server.ready()?;
    let link = link(KEY, message);

    for body in [&b""[..], b"unsubscribe=1", b"List-Unsubscribe=No", b"{}"] {
        assert_eq!(server.ask("POST", &link, &[FORM], body)?.status, 400);
    }
    assert_eq!(server.ask("POST", &link, &["Content-Type: text/plain"], ONE_CLICK)?.status, 400);
    let announced = server.ask("POST", &link, &[FORM, "Content-Length: 1048576"], &[b'a'; 1024])?;

    assert_eq!(announced.status, 413);
    assert_eq!(house.refusal().await?, None);
    Ok(())
}
