use crate::{ProblemType, Stream};

/// What everything outside a domain knows of it.
///
/// From it come the routes and the health of the gateway, the streams of the audit log, the services of the one-process
/// program, their settings, and the databases.
#[derive(Debug, PartialEq, Eq)]
pub struct Domain {
    /// One word in lower case, such as `gate`. Its services are `gate-api` and `gate-processor`, its settings
    /// `--gate-api` and `--gate-processor`, its database `gate`.
    pub name: &'static str,
    /// The stream that holds every event of it.
    pub stream: Stream,
    /// The collections that its API answers for: what follows `/api/` in a path, such as `gates`. The first is also the
    /// name of the domain's list in the audit log.
    pub collections: &'static [&'static str],
    /// The field in which its events, and those of other domains that concern it, name its things, such as `gateId`.
    pub id_field: &'static str,
    /// The names of the domains whose JSON-RPC methods its services call.
    pub calls: &'static [&'static str],
    /// The types of problems that only it answers with.
    pub problem_types: &'static [&'static ProblemType],
    /// The port on which its API listens unless it is set.
    pub api_port: u16,
    /// The port on which its processor listens unless it is set.
    pub processor_port: u16,
}

impl Domain {
    /// The name of its API, such as `gate-api`.
    #[must_use]
    pub fn api(&self) -> String {
        format!("{}-api", self.name)
    }

    /// The name of its processor, such as `gate-processor`.
    #[must_use]
    pub fn processor(&self) -> String {
        format!("{}-processor", self.name)
    }

    /// Whether a service of the domain called `domain` has this name, or a part of one that acts on its own. Letter case
    /// does not count.
    #[must_use]
    pub fn is_name_of_service(domain: &str, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let part = name.strip_prefix(domain).and_then(|rest| rest.strip_prefix('-'));
        part.is_some_and(|part| matches!(part, "api" | "processor" | "projection" | "reactions"))
    }

    /// The name of its list in the audit log.
    #[must_use]
    pub fn list(&self) -> &'static str {
        self.collections.first().copied().unwrap_or(self.name)
    }
}
