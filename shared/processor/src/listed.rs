//! The lists that a processor shows to operators: in pages, and with how many items there are.

use axum::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared_service::paging::MAX_LIMIT;
use shared_service::{FromQuery, Page, Paging, Params};

/// A part of a list, which is a thousand items unless less is asked for.
pub(crate) struct Asked<K>(pub(crate) Paging<K>);

impl<K: DeserializeOwned> FromQuery for Asked<K> {
    fn read(params: &mut Params) -> Option<Self> {
        let paging = params.paging_of(MAX_LIMIT);
        params.ignore_others();
        Some(Self(paging?))
    }
}

#[derive(Serialize)]
pub(crate) struct CountedPage<T> {
    #[serde(flatten)]
    page: Page<T>,
    /// How many there are, on this page and on others.
    total: usize,
}

/// The page that was asked for, from up to one item more than its limit.
pub(crate) fn counted<T, K: Serialize>(
    items: Vec<T>,
    total: usize,
    asked: &Paging<K>,
    place: impl FnOnce(&T) -> K,
) -> Json<CountedPage<T>> {
    Json(CountedPage { page: Page::from_surplus(items, asked, place), total })
}
