//! The domains that Jetbridge consists of, for those who work with all of them: the gateway and the audit log.

use shared_kernel::Domain;

/// Every domain, in the order in which people see them.
pub const ALL: &[&Domain] = &[flight_contract::DOMAIN, passenger_contract::DOMAIN];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fmt::Debug;
    use std::hash::Hash;

    use super::ALL;

    fn assert_distinct<T: Eq + Hash + Copy + Debug>(what: &str, of_all: impl Iterator<Item = T>) {
        let mut seen = HashSet::new();
        for value in of_all {
            assert!(seen.insert(value), "two domains have the {what} {value:?}");
        }
    }

    #[test]
    fn domains_share_nothing() {
        let all = || ALL.iter().copied();
        assert_distinct("name", all().map(|domain| domain.name));
        assert_distinct("stream", all().map(|domain| domain.stream.name));
        assert_distinct("key", all().map(|domain| domain.stream.key));
        assert_distinct("collection", all().flat_map(|domain| domain.collections));
        assert_distinct("field", all().map(|domain| domain.id_field));
        assert_distinct("problem type", all().flat_map(|domain| domain.problem_types).map(|kind| kind.slug));
        assert_distinct("port", all().flat_map(|domain| [domain.api_port, domain.processor_port]));
    }

    #[test]
    fn who_is_called_is_there() {
        let names: HashSet<_> = ALL.iter().map(|domain| domain.name).collect();
        for domain in ALL {
            assert!(domain.calls.iter().all(|called| names.contains(called)), "{}", domain.name);
        }
    }
}
