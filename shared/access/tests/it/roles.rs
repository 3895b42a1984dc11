use shared_access::{Access, Role, Roles};

fn roles(text: &str) -> Roles {
    text.parse().unwrap()
}

#[test]
fn each_role_may_do_what_those_it_includes_may() {
    use Role::{Admin, Agent, Auditor, Dispatcher, Viewer};
    let rows: [(Role, &[Role]); 5] = [
        (Viewer, &[Viewer]),
        (Agent, &[Viewer, Agent]),
        (Dispatcher, &[Viewer, Agent, Dispatcher]),
        (Auditor, &[Viewer, Auditor]),
        (Admin, &[Viewer, Agent, Dispatcher, Auditor, Admin]),
    ];
    for (role, included) in rows {
        for required in Role::ALL.iter().copied() {
            let admitted = Access::Role(required).admits(Some(Roles::from_iter([role])));
            assert_eq!(admitted, included.contains(&required), "{role} where {required} is required");
        }
    }
}

#[test]
fn nobody_comes_in_unless_it_is_public() {
    assert!(Access::Public.admits(None));
    assert!(!Access::Known.admits(None));
    assert!(Access::Known.admits(Some(Roles::NONE)));
    for required in Role::ALL.iter().copied() {
        assert!(!Access::Role(required).admits(None), "{required}");
        assert!(!Access::Role(required).admits(Some(Roles::NONE)), "{required}");
    }
}

#[test]
fn roles_are_written_as_a_list() {
    assert_eq!(roles("dispatcher, viewer").to_string(), "viewer,dispatcher");
    assert_eq!(roles("").to_string(), "");
    assert_eq!(
        "viewer,pilot".parse::<Roles>().unwrap_err().to_string(),
        "must be one of viewer, agent, dispatcher, auditor, admin"
    );
}
