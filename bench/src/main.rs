//! The baseline of `bench/run`: a bare axum server that reads a JSON body and answers with it, on a free loopback port.

use std::io::{self, Write};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(io::stdout(), "http://{}", listener.local_addr()?)?;
    axum::serve(listener, Router::new().route("/", post(|Json(body): Json<Value>| async { Json(body) }))).await
}
