//! Every view, in both colours, as axe-core judges it.

use std::env;
use std::fs;

use jetbridge_testing::skip;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::browse;
use super::page::Page;
use crate::system::System;

/// Where axe-core is: a file such as `axe.min.js`.
const AXE_CORE: &str = "JETBRIDGE_AXE_CORE";

const RUN: &str = "
    const [done] = arguments;
    const tell = ({ id, nodes }) => nodes.map(({ target, failureSummary }) => ({
        rule: id, target: target.join(' '), summary: failureSummary,
    }));
    axe.run({ resultTypes: ['violations'] }).then(
        ({ violations }) => done({ violations: violations.flatMap(tell) }),
        (error) => done({ violations: [{ rule: 'none', target: 'axe-core', summary: String(error) }] }),
    );";

#[derive(Deserialize)]
struct Judgement {
    violations: Vec<Violation>,
}

#[derive(Deserialize)]
struct Violation {
    rule: String,
    target: String,
    summary: String,
}

/// What is wrong with the page as it is now, in light and in dark colours.
async fn judge(page: &Page, axe: &str, view: &str, wrong: &mut Vec<String>) {
    for colours in ["light", "dark"] {
        let features = json!([
            {"name": "prefers-color-scheme", "value": colours},
            // Colours are judged as they are in the end.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        page.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        if !page.evaluates::<bool>("return 'axe' in window", &[]).await {
            page.evaluates::<()>(axe, &[]).await;
        }
        let judgement: Judgement = page.awaits(RUN, &[]).await;
        wrong.extend(
            judgement
                .violations
                .into_iter()
                .map(|Violation { rule, target, summary }| format!("{view}, {colours}: {rule} at {target}\n{summary}")),
        );
    }
}

/// Views that are only opened.
async fn judge_the_rest(page: &Page, axe: &str, deleted: &str, passenger: &str, wrong: &mut Vec<String>) {
    let (deleted, passenger) = (format!("/flights/{deleted}"), format!("/passengers/{passenger}"));
    for (path, seen, view) in [
        (&*deleted, ("a", "Its history"), "deleted flight"),
        (&passenger, (".sentence", "boarded"), "passenger"),
        ("/system", (".chart strong", "Requests to gateway"), "system"),
        ("/wall", (".badge[data-status=disembarked]", ""), "wall board"),
        ("/nowhere", ("h1", "There is nothing here"), "not found"),
    ] {
        page.opens(path).await;
        page.sees(seen).await;
        judge(page, axe, view, wrong).await;
    }
}

#[tokio::test]
async fn axe_core_finds_nothing_wrong() {
    let Some(axe) = env::var_os(AXE_CORE) else {
        return skip(&format!("{AXE_CORE} does not say where axe-core is"));
    };
    let axe = fs::read_to_string(&axe).unwrap_or_else(|error| panic!("{AXE_CORE}={}: {error}", axe.display()));
    browse(System::start(), async |system, page| {
        let mut wrong = Vec::new();
        page.opens("/").await;
        page.sees(("h2", "No flights yet")).await;
        judge(page, &axe, "empty board", &mut wrong).await;

        let api = system.api();
        api.new_landed().await;
        api.new_departed().await;
        let (deleted, _) = api.new_landed().await;
        api.delete_flight(&deleted).send().await.expect(StatusCode::NO_CONTENT);
        let flight = api.new_flight().await;
        let passenger = api.new_boarded(&flight).await;
        let offloaded = api.new_passenger(&flight).await;
        api.offload(&offloaded).send().await.expect(StatusCode::OK);
        page.sees(".badge[data-status=allBoarded]").await;
        let waiting = api.new_flight().await;
        api.new_passenger(&waiting).await;
        page.sees((".fraction", "0/1")).await;
        judge(page, &axe, "board", &mut wrong).await;

        page.clicks(("button", "New flight")).await;
        page.submits().await;
        page.sees("dialog[open] [aria-invalid]").await;
        judge(page, &axe, "dialog with errors", &mut wrong).await;
        page.clicks(("dialog[open] button", "Cancel")).await;
        page.clicks("#help").await;
        page.sees("dialog[open]").await;
        judge(page, &axe, "help", &mut wrong).await;

        page.opens(&format!("/flights/{flight}")).await;
        page.counts(".passengers li", 2).await;
        judge(page, &axe, "flight", &mut wrong).await;
        page.clicks((".actions button", "Disembark (departs)")).await;
        page.sees("dialog[open]").await;
        api.new_passenger(&flight).await;
        page.submits().await;
        page.sees("dialog[open] .refusal .names").await;
        judge(page, &axe, "dialog with a refusal", &mut wrong).await;

        page.opens("/audit-log").await;
        page.clicks("button.raw").await;
        page.sees("pre").await;
        judge(page, &axe, "audit log", &mut wrong).await;
        judge_the_rest(page, &axe, &deleted, &passenger, &mut wrong).await;

        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    })
    .await;
}
