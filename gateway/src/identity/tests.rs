use std::sync::Arc;

use shared_access::keys::AccessKey;
use shared_access::{Principal, Role};
use shared_kernel::ActorName;

use super::*;
use crate::authentication::Credential;

#[test]
fn a_name_is_read_as_it_was_written() {
    for name in ["Ada", "Zoë", "O'Brien", "UTF-8''Admin", "utf-8'en'%41da", "100% Ada", "アダ"] {
        let principal = Principal {
            id: "key:1".parse().unwrap(),
            name: ActorName::new(name).unwrap(),
            roles: [Role::Viewer].into_iter().collect(),
            until: None,
        };
        let credential = Credential::Key(AccessKey::random().digest());
        let mut headers = HeaderMap::new();
        Identity::of(&Who::Known(Known { principal: Arc::new(principal), credential })).apply(&mut headers);
        let read = shared_service::actor(&headers, None).unwrap().unwrap();
        assert_eq!(read.as_str(), name);
    }
}
