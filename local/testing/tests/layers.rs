//! Who may import whom. The rules are explained in `ARCHITECTURE.md`.

#![allow(clippy::unwrap_used, reason = "Clippy takes only the test functions for tests, not what they share")]

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};
use toml_edit::{DocumentMut, Item};

/// A package and what it depends on at run time, of the workspace and outside.
type Imports = BTreeMap<String, Vec<String>>;

/// Libraries without I/O, clock or randomness: all that the rules of a domain may use.
const PURE_LIBRARIES: [&str; 11] = [
    "ecow",
    "icu_casemap",
    "icu_normalizer",
    "icu_properties",
    "imbl",
    "jiff",
    "serde",
    "serde_json",
    "sha2",
    "thiserror",
    "uuid",
];
/// What the application layer may use beside that: time limits and the log.
const APPLICATION_LIBRARIES: [&str; 5] = ["serde", "thiserror", "tokio", "tracing", "uuid"];

/// What the one-process program is made of, beside the services of the domains.
const OF_ONE_PROCESS: [&str; 12] = [
    "auditlog-api",
    "gateway",
    "jetbridge-eventstore",
    "jetbridge-postgres",
    "jetbridge-verify",
    "shared-access",
    "shared-api",
    "shared-infrastructure",
    "shared-kernel",
    "shared-postgres-address",
    "shared-processor",
    "shared-service",
];
/// What any package that may use any library may name: there is nothing in it to call.
const ALLOCATOR: &str = "shared-allocator";

/// What a package of the workspace may import of the workspace, and, where that matters, of libraries.
struct Allowed {
    ours: Vec<String>,
    libraries: Option<&'static [&'static str]>,
}

/// What a layer of a domain may import: what is shared, its own layers below it, and of other domains their contracts.
fn allowed_in_domain(package: &str) -> Option<Allowed> {
    let of_domain = |domain: &&&shared_kernel::Domain| package.starts_with(&format!("{}-", domain.name));
    let domain = domains::ALL.iter().find(of_domain)?;
    let layer = package.strip_prefix(domain.name)?.strip_prefix('-')?;
    let (shared, own, libraries): (&[&str], &[&str], Option<&'static [&'static str]>) = match layer {
        "contract" => (&["kernel"], &[], Some(&PURE_LIBRARIES)),
        "rpc" => (&["kernel", "rpc"], &[], None),
        "core" => (&["kernel"], &[], Some(&PURE_LIBRARIES)),
        "application" => (&["kernel"], &["core"], Some(&APPLICATION_LIBRARIES)),
        "infrastructure" => (&["kernel", "infrastructure", "rpc"], &["core", "application"], None),
        "api" => (
            &["access", "kernel", "infrastructure", "rpc", "service", "api"],
            &["core", "application", "infrastructure"],
            None,
        ),
        "processor" => (&["kernel", "infrastructure", "service", "processor"], &["core", "infrastructure"], None),
        _ => return None,
    };
    let shared = shared.iter().map(|layer| format!("shared-{layer}"));
    let own = own.iter().map(|layer| format!("{}-{layer}", domain.name));
    let calls_others = matches!(layer, "infrastructure" | "api");
    let of_others = domains::ALL.iter().flat_map(|other| {
        let rpc = calls_others.then(|| format!("{}-rpc", other.name));
        [Some(format!("{}-contract", other.name)), rpc].into_iter().flatten()
    });
    Some(Allowed { ours: shared.chain(own).chain(of_others).collect(), libraries })
}

fn allowed(package: &str) -> Option<Allowed> {
    let rule = |ours: &[&str], libraries| rule_of(ours.iter().map(|&name| name.to_owned()), libraries);
    if let Some(allowed) = allowed_in_domain(package) {
        return Some(allowed);
    }
    match package {
        "shared-kernel" => rule(&[], Some(&PURE_LIBRARIES)),
        ALLOCATOR => rule(&[], None),
        "shared-access" => rule(&["shared-kernel"], None),
        "shared-eventstore-protocol" => rule(&[], None),
        "shared-postgres-address" => rule(&[], Some(&["percent-encoding", "thiserror"])),
        "shared-rpc" => rule(&["shared-kernel"], None),
        "shared-telemetry" => rule(&[], None),
        "shared-tls" => rule(&["shared-telemetry"], None),
        "shared-trace" => rule(&["shared-kernel"], None),
        "shared-service" => {
            let shared = ["access", "kernel", "postgres-address", "telemetry", "tls", "trace"];
            rule_of(shared.map(|name| format!("shared-{name}")), None)
        }
        "shared-infrastructure" => {
            let shared = ["kernel", "rpc", "eventstore-protocol", "postgres-address", "telemetry", "tls", "trace"];
            rule_of(shared.map(|name| format!("shared-{name}")), None)
        }
        "shared-api" => rule(&["shared-kernel", "shared-infrastructure", "shared-service"], None),
        "shared-processor" => {
            let shared = ["access", "kernel", "infrastructure", "service", "telemetry"];
            rule_of(shared.map(|name| format!("shared-{name}")), None)
        }
        "domains" => rule_of(contracts(), None),
        "auditlog-api" => {
            let shared = ["access", "kernel", "infrastructure", "service", "telemetry"];
            let shared = shared.map(|name| format!("shared-{name}"));
            rule_of(shared.into_iter().chain(["domains".to_owned()]).chain(contracts()), None)
        }
        "gateway" => {
            let shared = ["access", "kernel", "service", "telemetry", "trace"];
            let shared = shared.map(|name| format!("shared-{name}"));
            rule_of(shared.into_iter().chain(["domains".to_owned()]), None)
        }
        "containers-setup" => rule(&["domains", "shared-infrastructure", "shared-kernel", "shared-service"], None),
        "jetbridge-eventstore" => rule(&["shared-eventstore-protocol", "shared-telemetry"], None),
        "bench" => rule(&["jetbridge-postgres"], None),
        "jetbridge-postgres" => rule(&[], None),
        "jetbridge-testing" => rule(&["jetbridge-eventstore", "jetbridge-postgres", "shared-access"], None),
        "jetbridge-verify" => {
            let layers = ["contract", "core", "application", "infrastructure"];
            let of_domain = |domain: &&shared_kernel::Domain| layers.map(|layer| format!("{}-{layer}", domain.name));
            let shared = ["shared-infrastructure", "shared-kernel", "shared-service"].map(str::to_owned);
            rule_of(domains::ALL.iter().flat_map(of_domain).chain(shared), None)
        }
        "jetbridge" => {
            let services = domains::ALL
                .iter()
                .flat_map(|domain| [domain.api(), domain.processor(), format!("{}-contract", domain.name)]);
            rule_of(services.chain(OF_ONE_PROCESS.map(str::to_owned)), None)
        }
        _ => None,
    }
}

fn rule_of(ours: impl IntoIterator<Item = String>, libraries: Option<&'static [&'static str]>) -> Option<Allowed> {
    Some(Allowed { ours: ours.into_iter().collect(), libraries })
}

fn contracts() -> impl Iterator<Item = String> {
    let contracts = domains::ALL.iter().map(|domain| format!("{}-contract", domain.name));
    contracts.chain(["shared-kernel".to_owned()])
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
                allowed.ours.contains(import) || import == ALLOCATOR && allowed.libraries.is_none()
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
    // Examples are written on top of everything.
    let ours = metadata.packages.iter().filter(|package| !package.manifest_path.as_str().contains("/examples/"));
    ours.map(|package| (package.name.to_string(), run_time(package))).collect()
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

/// What is shared serves every domain: it names none.
#[test]
fn what_is_shared_names_no_domain() {
    let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let mut named = Vec::new();
    for file in files(&shared) {
        let text = std::fs::read_to_string(&file).unwrap().to_lowercase();
        let names = domains::ALL.iter().filter(|domain| text.contains(domain.name));
        named.extend(names.map(|domain| format!("{} names {}", file.display(), domain.name)));
    }
    assert_eq!(named, Vec::<String>::new());
}

/// All files of sources and manifests below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_package_without_a_rule_is_noticed() {
    let mut imports = workspace();
    imports.insert("shortcut".to_owned(), Vec::new());
    assert_eq!(violations(&imports), ["shortcut has no rule: say what it may import"]);
}
