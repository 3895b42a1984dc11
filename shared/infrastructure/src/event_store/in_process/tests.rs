use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::service_fn;

use super::{InProcess, answer};

const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_call_that_is_given_up_is_worked_on_no_further() {
    let (begun, given_up) = (Arc::new(Notify::new()), CancellationToken::new());
    let (has_begun, guarded) = (Arc::clone(&begun), given_up.clone());
    let routes = service_fn(move |_: Request<Body>| {
        let (has_begun, guard) = (Arc::clone(&has_begun), guarded.clone().drop_guard());
        async move {
            let _guard = guard;
            has_begun.notify_one();
            pending::<Result<Response<Body>, Infallible>>().await
        }
    });
    let InProcess(routes) = InProcess::new(routes);
    let mut call = Box::pin(answer(routes, "store:2113".parse().unwrap(), Request::new(Body::empty())));
    tokio::select! {
        _ = &mut call => panic!("there is no answer"),
        () = begun.notified() => {}
    }
    assert!(!given_up.is_cancelled());
    drop(call);
    timeout(LIMIT, given_up.cancelled()).await.expect("it is given up");
}

#[tokio::test]
async fn an_answer_has_nothing_that_a_connection_would_not_carry() {
    let routes = service_fn(async |_: Request<Body>| {
        let mut response = Response::new(Body::empty());
        response.headers_mut().insert("told", "yes".parse().unwrap());
        response.extensions_mut().insert("inner");
        Ok::<_, Infallible>(response)
    });
    let InProcess(routes) = InProcess::new(routes);
    let answer = answer(routes, "store:2113".parse().unwrap(), Request::new(Body::empty())).await.unwrap();
    assert_eq!(answer.headers()["told"], "yes");
    assert!(answer.extensions().is_empty());
}
