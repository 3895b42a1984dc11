//! The settings of a program, compared with the table of all settings in `documentation/operations.md`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What is said about a setting: its variable, and its default in so far as it is given.
type Settings = BTreeMap<String, (String, Option<String>)>;

/// Compares what `PROGRAM --help` says with the rows of the table that name the program: each flag, its variable, and
/// its default, where the row has one and nothing else in its third cell.
///
/// # Panics
/// When a setting is missing in the table or in the program, or is different there.
pub fn assert_settings_documented(program: &str) {
    let name = Path::new(program).file_stem().and_then(|name| name.to_str()).expect("a program with a name");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../documentation/operations.md");
    let page = fs::read_to_string(page).expect("documentation/operations.md");
    let help = Command::new(program).arg("--help").env_clear().output().expect("the program runs");
    let help = String::from_utf8(help.stdout).expect("UTF-8");

    let (documented, mut found) = (in_table(&page, name), in_help(&help));
    for (flag, (_, default)) in &mut found {
        // A default that depends on more than the setting is explained in words.
        if documented.get(flag).is_some_and(|(_, documented)| documented.is_none()) {
            *default = None;
        }
    }
    assert_eq!(found, documented, "left: {name} --help; right: the table of settings in documentation/operations.md");
}

/// The settings in a text such as `--listen <ADDRESS> Address to listen on [env: JETBRIDGE_LISTEN] [default:
/// 127.0.0.1:80]`.
fn in_help(help: &str) -> Settings {
    let mut settings = Settings::new();
    let starts_setting = |line: &&str| {
        let line = line.trim_start();
        line.starts_with("--") || line.starts_with('-') && line.contains(", --")
    };
    let mut lines = help.lines().skip_while(|line| !starts_setting(line)).peekable();
    while let Some(first) = lines.next() {
        let mut text = first.trim().to_owned();
        while let Some(more) = lines.next_if(|line| !starts_setting(line)) {
            text.push(' ');
            text.push_str(more.trim());
        }
        let bracketed = |start: &str| {
            let (_, rest) = text.rsplit_once(start)?;
            rest.split([']', '=']).next().map(str::to_owned)
        };
        let flag = text.split([' ', ',']).find(|word| word.starts_with("--")).map(str::to_owned);
        // What has no variable, such as --help, is no setting.
        if let (Some(flag), Some(variable)) = (flag, bracketed("[env: ")) {
            settings.insert(flag, (variable, bracketed("[default: ")));
        }
    }
    settings
}

/// The rows such as ``| `--listen`, `JETBRIDGE_LISTEN` | all services | `127.0.0.1:80` | address |`` that are about the
/// program.
fn in_table(page: &str, program: &str) -> Settings {
    let mut settings = Settings::new();
    for row in page.lines().filter(|line| line.starts_with("| `--")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [setting, of, default, _] = cells[..] else { panic!("a row of the table needs four cells: {row}") };
        if !of.contains(&format!("`{program}`")) {
            continue;
        }
        let (flag, variable) = setting.split_once(", ").unwrap_or_else(|| panic!("flag and variable: {row}"));
        let plain = |code: &str| code.trim_matches('`').to_owned();
        let is_value = default.starts_with('`') && default.matches('`').count() == 2 && default.ends_with('`');
        settings.insert(plain(flag), (plain(variable), is_value.then(|| plain(default))));
    }
    settings
}
