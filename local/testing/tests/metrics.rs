//! The table of metrics, compared with the page for operators, and with the rules and dashboards that use them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use shared_telemetry::table::ALL;
use shared_telemetry::{Description, Kind};

/// Set, the table in the page is written anew instead of being compared.
const WRITE: &str = "JETBRIDGE_TEST_WRITE_DOCUMENTS";
const PAGE: &str = "documentation/operations.md";
const TABLE: &str = "| metric | kind | labels | |\n|---|---|---|---|\n";
/// What others than Jetbridge measure.
const OF_OTHERS: [&str; 2] = ["node_filesystem_avail_bytes", "node_filesystem_size_bytes"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

fn row(metric: &Description) -> String {
    let kind = match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    format!("| `{}` | {kind} | {} | {} |\n", metric.name, labels.join(", "), metric.help.trim_end_matches('.'))
}

#[test]
fn every_metric_is_documented() {
    let expected: String = ALL.iter().map(row).collect();
    let page = read(PAGE);
    let (before, rest) = page.split_once(TABLE).unwrap();
    let (rows, after) = rest.split_once("\n\n").unwrap();
    if env::var_os(WRITE).is_some() {
        fs::write(path(PAGE), format!("{before}{TABLE}{expected}\n{after}")).unwrap();
        return;
    }
    assert_eq!(format!("{rows}\n"), expected, "left: {PAGE}; right: shared/telemetry. {WRITE}=1 writes it");
}

/// As Prometheus asks for: one prefix, the unit at the end, and `_total` for what only goes up.
#[test]
fn names_follow_the_conventions() {
    const UNITS: [&str; 17] = [
        "_seconds",
        "_bytes",
        "_total",
        "_info",
        "_fds",
        "_threads",
        "_commands",
        "_events",
        "_requests",
        "_tasks",
        "_connections",
        "_workers",
        "_keys",
        "_lanes_retrying",
        "_open",
        "_in_hand",
        "_instances",
    ];
    const FLAGS: [&str; 3] = ["_connected", "_leading", "_halted"];
    let names: BTreeSet<_> = ALL.iter().map(|metric| metric.name).collect();
    assert_eq!(names.len(), ALL.len(), "a name is there twice");
    for metric in ALL {
        let name = metric.name;
        assert!(name.starts_with("jetbridge_") || name.starts_with("process_"), "{name}");
        assert!(UNITS.iter().chain(&FLAGS).any(|unit| name.ends_with(unit)), "{name} says no unit");
        assert_eq!(metric.kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(metric.kind == Kind::Histogram, !metric.buckets.is_empty(), "{name}");
        assert!(metric.buckets.is_sorted(), "{name}");
    }
}

/// The words of a text that are names of metrics.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | ':'));
    words.filter(|word| ["jetbridge_", "process_", "node_"].iter().any(|prefix| word.starts_with(prefix)))
}

fn is_known(name: &str) -> bool {
    let is_of = |metric: &Description| match metric.kind {
        Kind::Histogram => ["_bucket", "_count", "_sum"].iter().any(|end| name.strip_suffix(end) == Some(metric.name)),
        Kind::Counter | Kind::Gauge => name == metric.name,
    };
    ALL.iter().any(is_of) || OF_OTHERS.contains(&name)
}

#[test]
fn rules_and_dashboards_use_metrics_that_there_are() {
    let mut files = vec![path("containers/observability/prometheus/rules.yml")];
    let dashboards = fs::read_dir(path("containers/observability/grafana/dashboards")).unwrap();
    files.extend(dashboards.map(|entry| entry.unwrap().path()));
    let mut count = 0;
    for file in files {
        for name in names_in(&fs::read_to_string(&file).unwrap()) {
            assert!(is_known(name), "{}: there is no metric {name}", file.display());
            count += 1;
        }
    }
    assert!(count > 100, "{count} names were found");
}

#[test]
fn every_alert_has_its_paragraph() {
    let (rules, page) = (read("containers/observability/prometheus/rules.yml"), read(PAGE));
    let alerts: BTreeSet<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let paragraphs: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter(|name| name.starts_with("Jetbridge"))
        .collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    assert_eq!(alerts, paragraphs, "left: alerts; right: paragraphs in {PAGE}");
    for alert in alerts {
        let runbook = format!("runbook: {PAGE}#{}", alert.to_lowercase());
        assert!(rules.contains(&runbook), "{alert} does not name its paragraph");
    }
}
