//! Settings as they may be shown: no secret gets out, and neither does what might be one.

use std::any::TypeId;
use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use serde::Serialize;

use crate::settings::SecretUrl;

/// What is shown in place of what is not.
const HIDDEN: &str = "(set, not shown)";
/// Parts of the names of settings whose value is secret, unless it is the name of a file.
const SECRET_NAMES: [&str; 5] = ["key", "password", "secret", "token", "credential"];
/// What settings that name a file call their value.
const FILE: &str = "FILE";
/// The parameters of addresses that are shown with their values. Others may hold a password.
const SHOWN_PARAMETERS: [&str; 13] = [
    "application_name",
    "connect_timeout",
    "defaultdeadline",
    "discoveryinterval",
    "gossiptimeout",
    "keepaliveinterval",
    "keepalivetimeout",
    "maxdiscoverattempts",
    "nodepreference",
    "sslmode",
    "tls",
    "tlscafile",
    "tlsverifycert",
];

/// A setting of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// As on the command line, such as `--listen`.
    pub name: String,
    /// What it is, as far as that is shown. `None` if it is not set.
    pub value: Option<String>,
    /// Who says so. `None` if it is not set.
    pub source: Option<Source>,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// From the program.
    Default,
    /// From a variable of the environment.
    Variable,
    /// From the command line.
    CommandLine,
}

/// All settings of a command, in the order of its help. Those of the program `jetbridge demo` are those of `demo`.
pub(super) fn of(command: &Command, matches: &ArgMatches) -> Vec<Setting> {
    if let Some((name, matches)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        return of(command, matches);
    }
    command.get_arguments().filter_map(|argument| setting(argument, matches)).collect()
}

fn setting(argument: &Arg, matches: &ArgMatches) -> Option<Setting> {
    let id = argument.get_id().as_str();
    let name = format!("--{}", argument.get_long()?);
    // Help and version are not kept.
    let source = matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id));
    let source = match source {
        Some(ValueSource::CommandLine) => Some(Source::CommandLine),
        Some(ValueSource::EnvVariable) => Some(Source::Variable),
        Some(_) => Some(Source::Default),
        None if matches!(id, "help" | "version") => return None,
        None => None,
    };
    let values = source.and_then(|_| matches.try_get_raw(id).ok().flatten());
    let shown = |value: &OsStr| shown(argument, value);
    let value = values.map(|values| values.map(shown).collect::<Vec<_>>().join(", "));
    Some(Setting { name, value, source })
}

/// As much of a value as nobody could do anything with.
fn shown(argument: &Arg, value: &OsStr) -> String {
    let Some(value) = value.to_str() else { return HIDDEN.to_owned() };
    let is_address = argument.get_value_parser().type_id() == TypeId::of::<SecretUrl>();
    let is_file = argument.get_value_names().is_some_and(|names| names.iter().any(|name| name.as_str() == FILE));
    let name = argument.get_id().as_str();
    let sounds_secret = SECRET_NAMES.iter().any(|part| name.split(['_', '-']).any(|word| word == *part));
    let shown = match () {
        () if is_file => Some(value.to_owned()),
        () if sounds_secret => None,
        () if is_address => address(value),
        // A list of addresses, or something else that has one in it.
        () if value.contains("://") => {
            value.split(',').map(plain_address).collect::<Option<Vec<_>>>().map(|all| all.join(","))
        }
        () => Some(value.to_owned()),
    };
    shown.unwrap_or_else(|| HIDDEN.to_owned())
}

/// An address in which there is no user, or nothing.
fn plain_address(text: &str) -> Option<String> {
    if text.contains('@') { None } else { address(text) }
}

/// An address without user, password and parameters that might be secret. Nothing if it is not clear where they end.
fn address(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let (place, parameters) = rest.split_once('?').map_or((rest, None), |(place, rest)| (place, Some(rest)));
    // A password with a question mark in it has its @ after that.
    if parameters.is_some_and(|parameters| parameters.contains('@')) {
        return None;
    }
    let place = place.rsplit_once('@').map_or(place, |(_user, place)| place);
    let parameters = parameters.map(|all| all.split('&').map(parameter).collect::<Vec<_>>().join("&"));
    let parameters = parameters.map(|all| format!("?{all}")).unwrap_or_default();
    Some(format!("{scheme}://{place}{parameters}"))
}

fn parameter(text: &str) -> String {
    let name = text.split_once('=').map_or(text, |(name, _)| name);
    let is_shown = SHOWN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str());
    if is_shown { text.to_owned() } else { format!("{name}=…") }
}

#[cfg(test)]
mod tests;
