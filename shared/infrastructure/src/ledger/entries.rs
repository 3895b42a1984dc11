//! Maps in a form that is there whatever their keys are: a list of entries, none of which is held twice.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<'map, S, M>(map: &'map M, serializer: S) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    &'map M: IntoIterator<Item: Serialize>,
{
    serializer.collect_seq(map)
}

pub(super) fn deserialize<'de, D, M, K, V>(deserializer: D) -> Result<M, D::Error>
where
    D: Deserializer<'de>,
    M: Default + Extend<(K, V)> + IntoIterator<Item = (K, V)>,
    (K, V): Deserialize<'de>,
{
    deserializer.deserialize_seq(Entries(PhantomData))
}

struct Entries<M>(PhantomData<M>);

impl<'de, M, K, V> Visitor<'de> for Entries<M>
where
    M: Default + Extend<(K, V)> + IntoIterator<Item = (K, V)>,
    (K, V): Deserialize<'de>,
{
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<M, A::Error> {
        let mut map = M::default();
        while let Some(entry) = entries.next_element::<(K, V)>()? {
            map.extend([entry]);
        }
        Ok(map)
    }
}
