//! Lists in files, as people's programs save them.

use leadgen_core::domain::lead::RowStatus;
use leadgen_core::ports::leads::LeadSource;
use leadgen_core::setup::wiring::{companies_file, leads_file};
use leadgen_core::testing::builders::a_row;
use leadgen_core::testing::conformance;
use leadgen_core::testing::scripted::ScriptedLeads;
use leadgen_tests::search_bench::sheet;

use super::Street;

fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn rows(bytes: &[u8]) -> Vec<(String, String, String, String)> {
    let (_dir, path) = file("niches.csv", bytes);
    let leads = leads_file(&path, None).unwrap();
    leads.rows().iter().map(|row| (row.niche.clone(), row.city.clone(), row.country.clone(), row.batch_tag.clone())).collect()
}

fn cell(text: &str) -> String {
    text.to_owned()
}

#[test]
fn the_same_list_is_read_the_same_from_every_program() {
    let expected = vec![
        (cell("стоматология, «Ёлка»"), cell("Казань"), cell("Россия"), cell("b1")),
        (cell("окна \"ПВХ\""), cell("Самара"), cell(""), cell("b1")),
    ];
    let comma = "niche,city,country,batch_tag\n\"стоматология, «Ёлка»\",Казань,Россия,b1\n\"окна \"\"ПВХ\"\"\",Самара,,b1\n";
    let semicolon = "niche;city;country;batch_tag\r\nстоматология, «Ёлка»;Казань;Россия;b1\r\n\"окна \"\"ПВХ\"\"\";Самара;;b1\r\n";
    let with_bom: Vec<u8> = [b"\xEF\xBB\xBF", comma.as_bytes()].concat();
    let cp1251 = encoding(semicolon);
    for (name, bytes) in
        [("utf-8", comma.as_bytes().to_vec()), ("BOM", with_bom), (";", semicolon.as_bytes().to_vec()), ("windows-1251", cp1251)]
    {
        assert_eq!(rows(&bytes), expected, "{name}");
    }
}

/// Windows-1251, written out here so that the test shares no table with the reader.
fn encoding(text: &str) -> Vec<u8> {
    let byte = |c: char| match c {
        '\0'..='\x7F' => c as u8,
        'А'..='я' => (c as u32 - 0x410 + 0xC0) as u8,
        'Ё' => 0xA8,
        'ё' => 0xB8,
        '«' => 0xAB,
        '»' => 0xBB,
        other => panic!("not in the test's alphabet: {other}"),
    };
    text.chars().map(byte).collect()
}

#[test]
fn a_blank_line_and_a_row_that_has_its_outcome_ask_for_nothing() {
    let list = "niche,city,status\nстоматология,Казань,\n,,\nокна,Самара,EXPORTED\nдвери,Пермь,NEW\n";
    let niches: Vec<String> = rows(list.as_bytes()).into_iter().map(|row| row.0).collect();
    assert_eq!(niches, ["стоматология", "двери"]);
}

#[test]
fn a_file_without_its_column_is_refused_by_name() {
    let (_dir, path) = file("niches.csv", "сфера,город\nстоматология,Казань\n".as_bytes());
    let refused = leads_file(&path, None).unwrap_err();
    assert_eq!(refused.machine_code(), "sheet_columns_missing");
    assert!(refused.to_string().contains("niche"), "{refused}");
}

#[test]
fn a_bad_line_of_companies_is_named_and_the_others_are_used() {
    let list = "domain,email\nalfa.ru,info@alfa.ru\nне домен вовсе,\nbeta.ru,\n";
    let (_dir, path) = file("companies.csv", list.as_bytes());
    let list = companies_file(&path, Some("b1"), &[]).unwrap();
    let (rows, problems) = (list.rows, list.problems);
    assert_eq!(rows.iter().map(|row| row.domain.as_str()).collect::<Vec<_>>(), ["alfa.ru", "beta.ru"]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("companies.csv:3"), "{problems:?}");
}

#[tokio::test]
async fn a_file_a_sheet_and_the_stand_in_keep_the_promises_of_a_list() {
    let (_dir, path) = file("niches.csv", "niche,city\nстоматология,Казань\nокна,Самара\n".as_bytes());
    conformance::leads(&leads_file(&path, None).unwrap()).await;
    let street = Street::open().await;
    conformance::leads(&sheet(&street.town, street.clock.clone(), None).unwrap()).await;
    conformance::leads(&ScriptedLeads::rows([a_row("стоматология", "Казань")])).await;
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_copy_is_told_and_the_list_stays() {
    let text = "niche,city\nокна,Самара\n".as_bytes();
    let (dir, path) = file("niches.csv", text);
    let leads = leads_file(&path, None).unwrap();
    let row = leads.pull(None).await.unwrap().items.remove(0);
    std::fs::create_dir(leads.status_path()).unwrap();

    let error = leads.acknowledge(&[RowStatus::waiting(&row, "later")]).await.unwrap_err();

    assert_eq!(error.machine_code(), "file_unwritable");
    assert!(error.to_string().contains("niches.status.csv"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), text);
    std::fs::remove_dir(leads.status_path()).unwrap();
    leads.acknowledge(&[RowStatus::waiting(&row, "later")]).await.unwrap();
    assert!(dir.path().join("niches.status.csv").is_file());
}
