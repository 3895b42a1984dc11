//! The table of time limits in the operators' documentation.

use shared_infrastructure::limits;

#[test]
fn every_time_limit_is_documented_as_it_is() {
    let page = include_str!("../../../../documentation/operations.md");
    let (_, section) = page.split_once("## Time limits").expect("the section is there");
    let section = section.split("\n## ").next().unwrap_or_default();
    let documented: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let in_code: Vec<String> = limits::ALL
        .iter()
        .map(|(name, milliseconds, what)| format!("| `{name}` | {milliseconds} ms | {what} |"))
        .collect();
    assert_eq!(documented, in_code);
}
