//! Passengers are found by what a person would call the same name.

use std::time::Duration;

use jetbridge_testing::{TestEventStore, eventually};
use passenger_contract::PassengerId;
use passenger_core::{PassengerCheckedIn, PassengerEvent, PassengerName};
use shared_infrastructure::reader::Numbered;
use shared_kernel::Revision;
use uuid::Uuid;

use crate::support::{Tables, TestApi, new_flight, process};

/// One of a kind in each row.
const NAMES: [&[&str]; 6] = [
    &["Müller", "Mu\u{308}ller", "muller", "MUELLER", "Muller"],
    &["O’Brien", "O'BRIEN", "O´Brien"],
    &["Anna-Maria Strauß", "ANNA–MARIA STRAUSS"],
    &["İnci Diyarbakır", "inci DIYARBAKIR"],
    &["Søren Ågård", "SOEREN AAGAARD", "Soren Agard"],
    &["李小龍"],
];

/// Passengers with these names, as events have them, and their ids.
async fn add(tables: &Tables, names: &[&str]) -> Vec<String> {
    let passengers = names.iter().map(|name| (PassengerId::new(Uuid::now_v7()), *name));
    let (ids, events): (Vec<_>, Vec<_>) = passengers
        .zip(0..)
        .map(|((passenger_id, name), number)| {
            let name = PassengerName::from_stored(name);
            let event = PassengerEvent::CheckedIn(PassengerCheckedIn { flight_id: new_flight(), passenger_id, name });
            (passenger_id.to_string(), Numbered { event, revision: Revision(number) })
        })
        .unzip();
    tables.project_batch(&events).await;
    ids
}

async fn found(api: &TestApi, text: &str) -> Vec<String> {
    api.texts(&format!("/api/passengers?text={text}"), "name").await
}

#[tokio::test]
async fn spellings_of_one_name_find_each_other() {
    let tables = Tables::create().await;
    add(&tables, &NAMES.concat()).await;
    let api = TestApi::start(&tables).await;
    for names in NAMES {
        for text in names {
            assert_eq!(found(&api, text).await, names, "{text}");
        }
    }
    assert_eq!(found(&api, "üll").await, NAMES[0]);
    assert_eq!(found(&api, "小").await, NAMES[5]);
    for text in ["%25", "_", "sue", "o'b%0x"] {
        assert!(found(&api, text).await.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_said() {
    let tables = Tables::create().await;
    let api = TestApi::start(&tables).await;
    for (text, detail) in [
        ("\u{a8}", "must have something that can be searched for, not only spaces and marks"),
        ("\u{200b}", "must not contain invisible characters (found U+200B as character 1)"),
        ("\u{301}", "must not contain a combining mark at the beginning (found U+0301 as character 1)"),
        ("", "must not be empty"),
    ] {
        assert_eq!(api.fault(&format!("/api/passengers?text={text}")).await, ("text".to_owned(), detail.to_owned()));
    }
    let too_long = "must be at most 100 characters long, but has 101".to_owned();
    let text = "é".repeat(101);
    assert_eq!(api.fault(&format!("/api/passengers?text={text}")).await, ("text".to_owned(), too_long));
}

/// What was accepted before stays as it is, and can be found.
#[tokio::test]
async fn names_from_before_a_rule_are_shown_and_found() {
    let tables = Tables::create().await;
    let names = ["\u{202e}retsuM aiM", "\u{200b}", "Zoe\u{308} A\u{200d}", "\u{301}"];
    let ids = add(&tables, &names).await;
    let api = TestApi::start(&tables).await;
    assert_eq!(api.texts("/api/passengers", "name").await, names);
    assert_eq!(api.found(&format!("/api/passengers/{}", ids[0])).await["name"], names[0]);
    assert_eq!(found(&api, "RETSUM aim").await, [names[0]]);
    assert_eq!(found(&api, "zoë a").await, [names[2]]);
}

/// A version before wrote names in lower case alone, and may do so again while this one is being installed.
#[tokio::test]
async fn rows_of_a_version_before_are_found_as_then_and_made_anew_by_the_processor() {
    const OTHERS: usize = 1_200;
    let tables = Tables::create().await;
    let names = [&["Müller"; OTHERS][..], &["O’Brien"]].concat();
    add(&tables, &names).await;
    let api = TestApi::start(&tables).await;
    let before = "UPDATE passengers SET search = lower(name)";
    tables.0.client().await.batch_execute(before).await.unwrap();
    assert_eq!(found(&api, "O’BRIEN").await, ["O’Brien"]);
    assert!(found(&api, "o'brien").await.is_empty());

    let store = TestEventStore::start().await;
    let _processor = process(&tables, &store).await;
    eventually("all rows are made anew", Duration::from_secs(20), async || {
        let sql = "SELECT count(*) FROM passengers WHERE left(search, 1) <> E'\\x01'";
        let left: i64 = tables.0.client().await.query_one(sql, &[]).await.unwrap().get(0);
        if left == 0 { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
    assert_eq!(found(&api, "o'brien").await, ["O’Brien"]);
    assert_eq!(found(&api, "MUELLER").await.len(), OTHERS);
    // As a version before asks.
    let sql = "SELECT count(*) FROM passengers WHERE search LIKE '%müll%'";
    let as_before: i64 = tables.0.client().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(usize::try_from(as_before).unwrap(), OTHERS);
}

#[tokio::test]
async fn searching_and_making_anew_use_their_indexes() {
    let tables = Tables::create().await;
    let client = tables.0.client().await;
    client.batch_execute("SET enable_seqscan = off; SET enable_indexscan = off").await.unwrap();
    for (query, index) in [
        ("search LIKE '%müller%' OR search LIKE '%muller%' OR search LIKE '%mueller%'", "passengers_by_search"),
        ("left(search, 1) <> E'\\x01'", "passengers_to_make_anew"),
    ] {
        let rows = client.query(&format!("EXPLAIN SELECT id FROM passengers WHERE {query}"), &[]).await.unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains(index)), "{query}: {plan:#?}");
    }
}
