//! Rows are written many at a time, each once, and read as they were written.

use deadpool_postgres::Object;
use jetbridge_testing::TestDatabase;
use shared_infrastructure::postgres::Database;
use shared_infrastructure::read_model::{
    Changed, Changes, Columns, Filled, IdColumn, Listing, NameColumn, RevisionColumn, SearchColumn, Table, TextColumn,
};
use shared_kernel::{Order, Paging, Revision, SearchText, Text};
use tokio_postgres::Row;
use uuid::Uuid;

/// The last one counts the statements that insert, update or delete.
const TABLES: &str = "
    CREATE TABLE gates (
        id uuid PRIMARY KEY, name text NOT NULL, remark text, sorting text NOT NULL, version bigint NOT NULL,
        search text NOT NULL DEFAULT 'none'
    );
    CREATE TABLE statements (kind text);
    CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO statements VALUES (TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER counted AFTER INSERT OR DELETE ON gates EXECUTE FUNCTION count_statement();";

const GATES: Table<GateColumns> = Table::new("gates", GateColumns::id, GateColumns::version);
const SEARCH: SearchColumn<Name> =
    SearchColumn::new("search", |name| vec![name.text.as_str(), name.remark.as_ref().map_or("", Text::as_str)]);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Gate {
    id: Uuid,
    name: Name,
    sorting: Order,
    version: Revision,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    text: Text<10>,
    remark: Option<Text<10>>,
}

/// Kept in columns that are called otherwise.
struct NameColumns;

impl Columns<Name> for NameColumns {
    fn fill<'a>(field: &'static str, names: &[&'a Name], filled: &mut Vec<Filled<'a>>) {
        let texts: Vec<_> = names.iter().map(|name| &name.text).collect();
        let remarks: Vec<_> = names.iter().map(|name| &name.remark).collect();
        TextColumn::fill(field, &texts, filled);
        TextColumn::fill("remark", &remarks, filled);
    }

    fn read(field: &'static str, row: &Row) -> Result<Name, tokio_postgres::Error> {
        Ok(Name { text: TextColumn::read(field, row)?, remark: TextColumn::read("remark", row)? })
    }
}

shared_infrastructure::columns! {
    struct GateColumns of Gate {
        id: IdColumn,
        name: NameColumns,
        sorting: NameColumn,
        version: RevisionColumn,
    }
}

struct World {
    _database: TestDatabase,
    client: Object,
}

impl World {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let client = Database::new(&database.url()).unwrap().client().await.unwrap();
        client.batch_execute(TABLES).await.unwrap();
        Self { _database: database, client }
    }

    async fn upsert(&mut self, gates: &[Changed<(Name, Order)>]) {
        let transaction = self.client.transaction().await.unwrap();
        let rows = GATES.rows(gates).with(GateColumns::name, |(name, _)| name).with_search(&SEARCH, |(name, _)| name);
        rows.with_if_new(GateColumns::sorting, |(_, sorting)| sorting).upsert(&transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn update(&mut self, gates: &[Changed<Order>]) {
        let transaction = self.client.transaction().await.unwrap();
        GATES.rows(gates).with(GateColumns::sorting, |sorting| sorting).update(&transaction).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn delete(&mut self, ids: &[Uuid]) {
        let transaction = self.client.transaction().await.unwrap();
        GATES.delete(&transaction, ids).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn find(&self, id: Uuid) -> Option<Gate> {
        GATES.find(&self.client, id).await.unwrap()
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        self.client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

fn search(text: &str) -> SearchText {
    SearchText::new(text).unwrap()
}

fn name(text: &str, remark: Option<&str>) -> Name {
    let text_of = |text: &str| Text::new(text).unwrap();
    Name { text: text_of(text), remark: remark.map(text_of) }
}

/// Gates as they are added by the event with this number.
fn added(gates: &[(Uuid, Name, Order)], revision: u64) -> Vec<Changed<(Name, Order)>> {
    let mut changes = Changes::<Uuid, Option<(Name, Order)>>::default();
    for (id, name, sorting) in gates {
        *changes.add(*id, Revision(revision)) = Some((name.clone(), *sorting));
    }
    changes.added(Option::clone)
}

fn changed(gates: &[(Uuid, Order)], revision: u64) -> Vec<Changed<Order>> {
    let mut changes = Changes::<Uuid, Option<Order>>::default();
    for (id, sorting) in gates {
        *changes.change(*id, Revision(revision)) = Some(*sorting);
    }
    changes.changed(|sorting| *sorting)
}

#[tokio::test]
async fn rows_are_read_as_they_were_written() {
    let mut world = World::create().await;
    let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
    let (shy, loud) = (name("Ärmel", None), name("'; DROP", Some("NULL")));
    world.upsert(&added(&[(one, shy.clone(), Order::OldestFirst), (other, loud.clone(), Order::NewestFirst)], 7)).await;
    let gate = |id, name, sorting| Gate { id, name, sorting, version: Revision(7) };
    assert_eq!(world.find(one).await, Some(gate(one, shy, Order::OldestFirst)));
    assert_eq!(world.find(other).await, Some(gate(other, loud, Order::NewestFirst)));
    assert_eq!(world.find(Uuid::now_v7()).await, None);
    assert_eq!(
        world.texts("SELECT search FROM gates ORDER BY id").await,
        ["\u{1} ärmel \n armel \n aermel ", "\u{1} '; drop \n ; drop \n null "]
    );
    assert_eq!(world.texts("SELECT id::text FROM gates WHERE remark IS NULL").await, [one.to_string()]);
}

#[tokio::test]
async fn a_row_that_is_there_keeps_what_only_new_ones_get() {
    let mut world = World::create().await;
    let id = Uuid::now_v7();
    world.upsert(&added(&[(id, name("A1", Some("near")), Order::NewestFirst)], 1)).await;
    world.upsert(&added(&[(id, name("B2", None), Order::OldestFirst)], 2)).await;
    let expected = Gate { id, name: name("B2", None), sorting: Order::NewestFirst, version: Revision(2) };
    assert_eq!(world.find(id).await, Some(expected));
    assert_eq!(world.texts("SELECT search FROM gates").await, ["\u{1} b2 "]);
}

#[tokio::test]
async fn an_update_changes_its_columns_of_rows_that_are_there() {
    let mut world = World::create().await;
    let (one, other, unknown) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let gates = [(one, name("A1", None), Order::OldestFirst), (other, name("A2", None), Order::OldestFirst)];
    world.upsert(&added(&gates, 1)).await;
    world.update(&changed(&[(other, Order::NewestFirst), (unknown, Order::NewestFirst)], 2)).await;
    let gate = |id, text, sorting, version| Gate { id, name: name(text, None), sorting, version: Revision(version) };
    assert_eq!(world.find(one).await, Some(gate(one, "A1", Order::OldestFirst, 1)));
    assert_eq!(world.find(other).await, Some(gate(other, "A2", Order::NewestFirst, 2)));
    assert_eq!(world.find(unknown).await, None);
    assert_eq!(world.texts("SELECT search FROM gates ORDER BY id").await, ["\u{1} a1 ", "\u{1} a2 "]);
}

#[tokio::test]
async fn any_number_of_rows_is_one_statement_and_none_is_none() {
    let mut world = World::create().await;
    let gates: Vec<_> = (0..1_000).map(|_| (Uuid::now_v7(), name("A1", None), Order::OldestFirst)).collect();
    world.upsert(&added(&gates, 1)).await;
    world.upsert(&[]).await;
    world.update(&[]).await;
    world.delete(&gates[1..].iter().map(|(id, ..)| *id).collect::<Vec<_>>()).await;
    world.delete(&[]).await;
    assert_eq!(world.texts("SELECT kind FROM statements").await, ["INSERT", "DELETE"]);
    assert_eq!(world.texts("SELECT id::text FROM gates").await, [gates[0].0.to_string()]);
}

#[test]
fn a_batch_comes_to_the_last_of_each_row() {
    let [added, changed, deleted, both] = [(); 4].map(|()| Uuid::now_v7());
    let mut changes = Changes::<Uuid, Option<&str>>::default();
    *changes.add(added, Revision(1)) = Some("first");
    *changes.change(added, Revision(2)) = Some("second");
    *changes.change(changed, Revision(3)) = Some("first");
    *changes.change(changed, Revision(4)) = Some("second");
    changes.change(changed, Revision(5));
    *changes.change(deleted, Revision(6)) = Some("first");
    changes.delete(deleted);
    *changes.add(both, Revision(7)) = Some("first");
    changes.delete(both);
    assert_eq!(changes.added(|parts| *parts), [Changed::new(added, Revision(2), "second")]);
    assert_eq!(changes.changed(|parts| *parts), [Changed::new(changed, Revision(5), "second")]);
    assert_eq!(changes.changed(|_| None::<()>), []);
    assert_eq!(changes.deleted(), [deleted, both]);
}

#[tokio::test]
async fn a_listing_narrows_down_by_any_column() {
    let mut world = World::create().await;
    let [one, two, three] = [(); 3].map(|()| Uuid::now_v7());
    let gates = [
        (one, name("A1", Some("50%")), Order::OldestFirst),
        (two, name("A2", None), Order::NewestFirst),
        (three, name("B3", Some("501")), Order::OldestFirst),
    ];
    world.upsert(&added(&gates, 1)).await;
    let page = Paging { order: Order::OldestFirst, limit: 10, after: None::<Uuid> };
    let all = || Listing::new(GATES, page);
    let sortings = |sortings: &[Order]| Some(sortings.to_vec());
    for (listing, expected) in [
        (all(), vec![one, two, three]),
        (all().keys(Some(vec![two, Uuid::now_v7(), one])), vec![one, two]),
        (all().of(GateColumns::id, Some(two)), vec![two]),
        (all().of(GateColumns::id, None::<Uuid>).containing(&SEARCH, None), vec![one, two, three]),
        (all().any_of(GateColumns::sorting, sortings(&[Order::OldestFirst])), vec![one, three]),
        (all().any_of(GateColumns::sorting, sortings(Order::ALL)), vec![one, two, three]),
        (all().containing(&SEARCH, Some(&search("A"))), vec![one, two]),
        (all().containing(&SEARCH, Some(&search("0%"))), vec![one]),
        (all().containing(&SEARCH, Some(&search("_"))), vec![]),
        (all().containing(&SEARCH, Some(&search("1a"))), vec![]),
        (all().only("remark IS NULL"), vec![two]),
        (Listing::new(GATES, Paging { after: Some(one), ..page }), vec![two, three]),
        (Listing::new(GATES, Paging { limit: 1, ..page }), vec![one, two]),
        (Listing::new(GATES, Paging { order: Order::NewestFirst, ..page }), vec![three, two, one]),
    ] {
        let found: Vec<Gate> = listing.rows(&world.client).await.unwrap();
        assert_eq!(found.iter().map(|gate| gate.id).collect::<Vec<_>>(), expected);
    }
}

/// The rows are looked for in three ways, by how often the text is there. Each finds the same.
#[tokio::test]
async fn a_text_is_found_wherever_it_is_and_however_often() {
    let world = World::create().await;
    let rows = "
        INSERT INTO gates SELECT
            ('01890000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, found.name, NULL,
            CASE WHEN n % 2 = 0 THEN 'oldestFirst' ELSE 'newestFirst' END, n, E'\x01 ' || found.name || ' '
        FROM generate_series(1, 12000) AS n, LATERAL (SELECT CASE
            WHEN n = 6000 THEN 'once' WHEN n % 1500 = 0 THEN 'rare' WHEN n % 150 = 0 THEN 'now' ELSE 'ever' END
        ) AS found (name)";
    world.client.batch_execute(rows).await.unwrap();
    let all: Vec<Gate> = {
        let page = Paging { order: Order::OldestFirst, limit: 20_000, after: None::<Uuid> };
        Listing::new(GATES, page).rows(&world.client).await.unwrap()
    };
    for text in ["once", "rare", "now", "ever", "nowhere", "ow"] {
        for (order, after) in
            [(Order::OldestFirst, None), (Order::NewestFirst, None), (Order::OldestFirst, Some(8_000))]
        {
            let mut expected: Vec<_> = all.iter().skip(after.unwrap_or(0)).collect();
            if order == Order::NewestFirst {
                expected.reverse();
            }
            expected.retain(|gate| gate.name.text.as_str().contains(text));
            let page = Paging { order, limit: 30, after: after.map(|count| all[count - 1].id) };
            let listing = || Listing::new(GATES, page).containing(&SEARCH, Some(&search(text)));
            let found: Vec<Gate> = listing().rows(&world.client).await.unwrap();
            assert_eq!(found.iter().collect::<Vec<_>>(), expected[..expected.len().min(31)], "{text} {order}");
            // Each rare one is of the first kind, so that there is none of the other.
            for sorting in Order::ALL {
                let listing = listing().any_of(GateColumns::sorting, Some(vec![*sorting]));
                let expected: Vec<_> = expected.iter().copied().filter(|gate| gate.sorting == *sorting).collect();
                let found: Vec<Gate> = listing.rows(&world.client).await.unwrap();
                assert_eq!(
                    found.iter().collect::<Vec<_>>(),
                    expected[..expected.len().min(31)],
                    "{text} {order} {sorting}"
                );
            }
        }
    }
}

/// Also those that an earlier version has written meanwhile, and no others.
#[tokio::test]
async fn what_another_version_has_made_searchable_is_made_anew() {
    let mut world = World::create().await;
    let gates: Vec<_> = ["Ärmel", "Bär", "Maß"]
        .into_iter()
        .map(|text| (Uuid::now_v7(), name(text, Some("Öl")), Order::OldestFirst))
        .collect();
    world.upsert(&added(&gates, 1)).await;
    let sql = "SELECT search FROM gates ORDER BY id";
    let expected = world.texts(sql).await;
    let anew = async |world: &mut World| {
        let transaction = world.client.transaction().await.unwrap();
        let rows = GATES.make_search_anew(&transaction, &SEARCH, GateColumns::name).await.unwrap();
        transaction.commit().await.unwrap();
        rows
    };
    assert_eq!(anew(&mut world).await, 0);
    for (change, rows) in [
        ("UPDATE gates SET search = lower(name) || E'\\n' || lower(remark)", 3),
        ("UPDATE gates SET search = '' WHERE name = 'Bär'", 1),
        ("UPDATE gates SET search = E'\\x02 from a later one ' WHERE name <> 'Bär'", 2),
    ] {
        world.client.batch_execute(change).await.unwrap();
        assert_eq!((anew(&mut world).await, anew(&mut world).await), (rows, 0), "{change}");
        assert_eq!(world.texts(sql).await, expected, "{change}");
    }
    assert_eq!(world.find(gates[0].0).await.unwrap().version, Revision(1));
}
