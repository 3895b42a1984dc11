use http_body_util::BodyExt;

use super::{Incomplete, MAX_ROWS, Rows, file, lines};

#[test]
fn every_cell_is_in_quotation_marks() {
    let rows = [vec!["a", "b\"c", "d,e;f"], vec!["", "g\nh", "é"]];
    assert_eq!(lines(rows).unwrap(), "\"a\",\"b\"\"c\",\"d,e;f\"\r\n\"\",\"g\nh\",\"é\"\r\n");
}

#[test]
fn what_would_be_a_formula_is_text_and_can_be_had_back() {
    for text in
        ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1", "'=1"]
    {
        assert_eq!(lines([[text]]).unwrap(), format!("\"'{text}\"\r\n"));
    }
    for text in ["Mary-Ann = 1", "O'Hara", "1+1", "{\"a\":1}", " =1"] {
        assert_eq!(lines([[text]]).unwrap(), format!("\"{}\"\r\n", text.replace('"', "\"\"")));
    }
}

/// The bytes of a file that is made so, or why there are no more of them.
async fn made<F>(make: impl FnOnce(Rows) -> F + Send + 'static) -> (String, bool)
where
    F: Future<Output = Result<(), Incomplete>> + Send + 'static,
{
    let mut body = file("test.csv", &["column"], make).unwrap().into_body();
    let mut text = String::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (text, false) };
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
    }
    (text, true)
}

#[tokio::test]
async fn only_a_complete_file_ends() {
    let whole = made(async |mut rows: Rows| {
        rows.send([["1"], ["2"]]).await?;
        rows.send([["3"]]).await
    });
    assert_eq!(whole.await, ("\"column\"\r\n\"1\"\r\n\"2\"\r\n\"3\"\r\n".to_owned(), true));
    let broken = made(async |mut rows: Rows| {
        rows.send([["1"]]).await?;
        Err(Incomplete::unreadable("the event store is away"))
    });
    assert_eq!(broken.await, ("\"column\"\r\n\"1\"\r\n".to_owned(), false));
    let panicked = made(async |_: Rows| panic!("on purpose"));
    assert_eq!(panicked.await, ("\"column\"\r\n".to_owned(), false));
    let too_long = made(async |mut rows: Rows| rows.send((0..=MAX_ROWS).map(|_| ["1"])).await);
    assert_eq!(too_long.await, ("\"column\"\r\n".to_owned(), false));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_takes_too_long_breaks_off_and_makes_room() {
    let endless = || made(async |_: Rows| std::future::pending().await);
    assert_eq!(endless().await, ("\"column\"\r\n".to_owned(), false));
    // One that nobody reads takes no longer.
    let stalled = file("test.csv", &["column"], async |mut rows: Rows| {
        loop {
            rows.send([["1"]]).await?;
        }
    });
    tokio::time::sleep(super::TIME_LIMIT * 2).await;
    let mut body = stalled.unwrap().into_body();
    let mut last = None;
    while let Some(frame) = body.frame().await {
        last = Some(frame.is_ok());
    }
    assert_eq!(last, Some(false));
}

#[tokio::test]
async fn no_more_is_made_for_a_client_that_has_gone() {
    let (sender, gone) = tokio::sync::oneshot::channel::<()>();
    let response = file("test.csv", &["column"], async move |_: Rows| {
        let _until_dropped = sender;
        std::future::pending().await
    });
    drop(response);
    assert!(gone.await.is_err());
}
