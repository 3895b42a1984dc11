//! The program as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) struct Program {
    process: Child,
    address: String,
    http: Client,
    _folder: TempDir,
}

impl Program {
    /// Starts it in a folder of its own, and waits until it is ready.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_baggage"))
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            out.read_line(&mut line).map(|_| line)
        });
        let line = line.await.unwrap().unwrap();
        let Some(address) = line.trim().strip_prefix("Jetbridge is ready at ") else { panic!("{line:?}") };
        Self { process, address: address.to_owned(), http: Client::new(), _folder: folder }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.http.post(format!("{}{path}", self.address)).json(body).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = self.http.get(format!("{}{path}", self.address)).header("accept", "application/json");
        let response = request.send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    /// What is there for somebody who has seen this much.
    pub(crate) async fn get_at(&self, path: &str, position: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.address)).header("jetbridge-position", position);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// The types of the events in a list of the audit log.
    pub(crate) async fn logged(&self, list: &str) -> Vec<String> {
        let (status, page) = self.get(&format!("/api/auditlog/{list}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["eventType"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Its PostgreSQL stops with it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
