mod embedded {
    refinery::embed_migrations!("migrations");
}

/// The migrations of the passenger domain's own tables.
#[must_use]
pub fn migrations() -> refinery::Runner {
    embedded::migrations::runner()
}
