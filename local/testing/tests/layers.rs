//! Who may import whom. The rules are explained in `ARCHITECTURE.md`.

#![allow(clippy::unwrap_used, reason = "Clippy takes only the test functions for tests, not what they share")]

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};
use toml_edit::{DocumentMut, Item};

/// A package and what it depends on at run time, of the workspace and outside.
type Imports = BTreeMap<String, Vec<String>>;

/// Libraries without I/O, clock or randomness: all that the rules of a domain may use.
const PURE_LIBRARIES: [&str; 6] = ["imbl", "jiff", "serde", "serde_json", "thiserror", "uuid"];
/// What the application layer may use beside that: time limits and the log.
const APPLICATION_LIBRARIES: [&str; 5] = ["serde", "thiserror", "tokio", "tracing", "uuid"];

const DOMAINS: [&str; 2] = ["flight", "passenger"];

/// What a package of the workspace may import of the workspace, and, where that matters, of libraries.
struct Allowed {
    ours: Vec<String>,
    libraries: Option<&'static [&'static str]>,
}

/// A rule about packages of the workspace and, if they matter, libraries.
fn rule(ours: &[&str], libraries: Option<&'static [&'static str]>) -> Option<Allowed> {
    Some(Allowed { ours: ours.iter().map(|&name| name.to_owned()).collect(), libraries })
}

/// What a layer of a domain may import.
fn allowed_in_domain(domain: &str, layer: &str) -> Option<Allowed> {
    let own = |layer: &str| format!("{domain}-{layer}");
    let (core, application, infrastructure) = (own("core"), own("application"), own("infrastructure"));
    match layer {
        "core" => rule(&["shared-kernel"], Some(&PURE_LIBRARIES)),
        "application" => rule(&["shared-kernel", &core], Some(&APPLICATION_LIBRARIES)),
        "infrastructure" => {
            rule(&["shared-kernel", "shared-infrastructure", "shared-contracts", &core, &application], None)
        }
        "api" | "processor" => rule(
            &[
                "shared-kernel",
                "shared-infrastructure",
                "shared-contracts",
                "shared-service",
                "shared-api",
                "shared-processor",
                &core,
                &application,
                &infrastructure,
            ],
            None,
        ),
        _ => None,
    }
}

fn allowed(package: &str) -> Option<Allowed> {
    if let Some((domain, layer)) = package.split_once('-').filter(|(domain, _)| DOMAINS.contains(domain)) {
        return allowed_in_domain(domain, layer);
    }
    match package {
        "shared-kernel" => rule(&[], Some(&PURE_LIBRARIES)),
        "shared-eventstore-protocol" => rule(&[], None),
        "shared-postgres-address" => rule(&[], Some(&["percent-encoding", "thiserror"])),
        "shared-contracts" => rule(&["shared-kernel"], None),
        "shared-service" => rule(&["shared-kernel", "shared-postgres-address"], None),
        "shared-infrastructure" => {
            rule(&["shared-kernel", "shared-contracts", "shared-eventstore-protocol", "shared-postgres-address"], None)
        }
        "shared-api" | "shared-processor" => rule(&["shared-kernel", "shared-infrastructure", "shared-service"], None),
        "auditlog-api" => rule(&["shared-kernel", "shared-infrastructure", "shared-service"], None),
        "containers-setup" | "gateway" => rule(&["shared-service"], None),
        "jetbridge-eventstore" => rule(&["shared-service"], None),
        "bench" | "jetbridge-postgres" => rule(&[], None),
        "jetbridge-testing" => rule(&["jetbridge-eventstore", "jetbridge-postgres"], None),
        "jetbridge" => rule(
            &[
                "auditlog-api",
                "flight-api",
                "flight-processor",
                "gateway",
                "jetbridge-eventstore",
                "jetbridge-postgres",
                "passenger-api",
                "passenger-processor",
                "shared-api",
                "shared-infrastructure",
                "shared-postgres-address",
                "shared-service",
            ],
            None,
        ),
        _ => None,
    }
}

fn violations(imports: &Imports) -> Vec<String> {
    let mut violations = Vec::new();
    for (package, imported) in imports {
        let Some(allowed) = allowed(package) else {
            violations.push(format!("{package} has no rule: say what it may import"));
            continue;
        };
        for import in imported {
            let is_fine = if imports.contains_key(import) {
                allowed.ours.contains(import)
            } else {
                allowed.libraries.is_none_or(|libraries| libraries.contains(&import.as_str()))
            };
            if !is_fine {
                violations.push(format!("{package} must not import {import}"));
            }
        }
    }
    violations
}

fn workspace() -> Imports {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    let run_time = |package: &cargo_metadata::Package| {
        let dependencies = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        dependencies.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), run_time(package))).collect()
}

#[test]
fn the_layers_hold() {
    assert_eq!(violations(&workspace()), Vec::<String>::new());
}

/// What a manifest says for itself although the workspace says it for all.
fn own_settings(manifest: &str) -> Vec<String> {
    let manifest: DocumentMut = manifest.parse().unwrap();
    let is_inherited = |item: &Item| {
        let inherited = item.get("workspace").and_then(Item::as_bool) == Some(true);
        inherited && ["version", "path", "git"].iter().all(|key| item.get(key).is_none())
    };
    let mut own = Vec::new();
    if !manifest.get("lints").is_some_and(is_inherited) {
        own.push("lints".to_owned());
    }
    for key in ["version", "edition", "rust-version", "license", "publish"] {
        if !manifest["package"].get(key).is_some_and(is_inherited) {
            own.push(format!("package.{key}"));
        }
    }
    let targets = manifest.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(|targets| targets.iter()).map(|(_, target)| target);
    for place in std::iter::once(manifest.as_item()).chain(targets) {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let dependencies = place.get(kind).and_then(Item::as_table_like);
            for (name, dependency) in dependencies.into_iter().flat_map(|dependencies| dependencies.iter()) {
                if !is_inherited(dependency) {
                    own.push(format!("{kind}.{name}"));
                }
            }
        }
    }
    own
}

#[test]
fn every_package_takes_its_lints_and_versions_from_the_workspace() {
    let metadata = MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().unwrap();
    for package in metadata.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).unwrap();
        assert_eq!(own_settings(&manifest), Vec::<String>::new(), "{}", package.name);
    }
}

#[test]
fn a_version_that_is_not_the_workspaces_is_noticed_wherever_it_is() {
    let manifest = |rest: &str| {
        let package = ["version", "edition", "rust-version", "license", "publish"];
        let package: String = package.iter().map(|key| format!("{key}.workspace = true\n")).collect();
        format!("[package]\nname = \"some\"\n{package}{rest}")
    };
    let lints = "[lints]\nworkspace = true\n";
    assert_eq!(own_settings(&manifest(&format!("{lints}[dependencies]\na.workspace = true"))), Vec::<String>::new());
    assert_eq!(own_settings(&manifest("")), ["lints"]);
    assert_eq!(own_settings(&format!("[package]\n{lints}"))[0], "package.version");
    for (place, kind) in [
        ("dependencies", "dependencies"),
        ("dev-dependencies", "dev-dependencies"),
        ("build-dependencies", "build-dependencies"),
        ("target.'cfg(unix)'.dependencies", "dependencies"),
    ] {
        for own in ["\"1\"", "{ version = \"1\" }", "{ path = \"../b\" }", "{ workspace = true, version = \"1\" }"] {
            let dependencies = format!("{lints}[{place}]\na.workspace = true\nb = {own}\nc.workspace = true\n");
            assert_eq!(own_settings(&manifest(&dependencies)), [format!("{kind}.b")], "{dependencies}");
        }
    }
}

#[test]
fn a_domain_that_imports_the_other_is_noticed() {
    let mut imports = workspace();
    imports.get_mut("flight-application").unwrap().push("passenger-core".to_owned());
    assert_eq!(violations(&imports), ["flight-application must not import passenger-core"]);
}

#[test]
fn a_core_that_imports_input_or_output_is_noticed() {
    let mut imports = workspace();
    imports.get_mut("passenger-core").unwrap().extend(["tokio".to_owned(), "shared-infrastructure".to_owned()]);
    let noticed = ["passenger-core must not import tokio", "passenger-core must not import shared-infrastructure"];
    assert_eq!(violations(&imports), noticed);
}

#[test]
fn a_package_without_a_rule_is_noticed() {
    let mut imports = workspace();
    imports.insert("shortcut".to_owned(), Vec::new());
    assert_eq!(violations(&imports), ["shortcut has no rule: say what it may import"]);
}
